/*
 * The CPU driver of the lane form. Realisations are advanced in blocks of EG_LANES; the state of a block is compact
 * (component, lane) and stays in the first-level cache; increments and data rows are made ahead by one noinline fill.
 * The body of every vector loop is one call of an always-inline lane function, the step a constant argument of it.
 */
#ifndef EG_CORE_LANE_CPU_H
#define EG_CORE_LANE_CPU_H

#include "core/monitor.h"
#include "core/unit_table.h"

#define EG_ACC_MAX (EG_DIM + 1)
#define EG_WIDTH_MAX (3 * EG_DIM) /* doubles of a trajectory: x, and up to twice as many of a stepper's own */
#define EG_ROW_VALUES ((EG_DIM + 1) * EG_LANES)
/* Draws of rows kept staged: whole index blocks, about a quarter of EG_ROWS_BYTES, so that the first-level cache has
   room for the state and the data too. */
#define EG_ROWS_FIT(bytes) ((bytes) / (EG_ROW_VALUES * (int)sizeof(eg_real)))
#define EG_ROWS_WANTED     (EG_ROWS_FIT(EG_ROWS_BYTES / 4) / 4 * 4 + 4)
#define EG_ROWS_HELD       (EG_ROWS_WANTED < EG_ROWS_FIT(EG_ROWS_BYTES) ? EG_ROWS_WANTED : EG_ROWS_FIT(EG_ROWS_BYTES))

/* A backup of the state is made at the first record that is so many steps behind the last one. */
#define EG_BACKUP_STEPS 64

typedef void (*eg_plain_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows);
typedef void (*eg_begin_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc);
typedef void (*eg_add_fn)(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row, eg_real z,
                          eg_real *acc);
typedef void (*eg_end_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc);

/* What the thread's buffers hold of the current block of realisations: first <= draw < last. */
typedef struct eg_ahead {
  uint64_t first, last;             /* in the noise buffer */
  uint64_t index_first, index_last; /* in the index buffer */
  uint64_t row_first, row_last;     /* staged in the rows buffer */
  uint64_t backup_step;             /* whose state the backup is */
} eg_ahead;

/* The parts of thread->block. x of a point: (width, EG_LANES). */
typedef struct eg_block {
  eg_real *x, *backup, *start, *acc;
  eg_real *kept;     /* what find_first_bad puts aside */
  double *monitors;  /* (n_points, n_monitors, 2, EG_LANES) */
  double *feature;   /* (EG_LANES) of one monitor */
  uint8_t *bad;      /* (n_points, EG_LANES): not finite where it was looked at */
  eg_ahead *ahead;
  size_t width; /* values of a trajectory: EG_DIM and those of the stepper */
} eg_block_state;

static uint64_t block_bytes(const eg_launch *a) {
  const uint32_t n_points = a->n_points;
  return (((uint64_t)n_points * (3 * EG_WIDTH_MAX + EG_DIM) + EG_ACC_MAX) * sizeof(eg_real) +
          ((uint64_t)n_points * 2 * EG_MOST_MONITORS + 1) * sizeof(double) + n_points) *
         EG_LANES;
}

static eg_block_state block_of(const eg_thread *t, uint32_t n_points, int extra, eg_ahead *ahead) {
  eg_block_state b;
  b.width = (size_t)(EG_DIM + extra);
  const size_t part = n_points * b.width * EG_LANES;
  b.x = (eg_real *)t->block;
  b.backup = b.x + part;
  b.start = b.backup + part;
  b.acc = b.start + (size_t)n_points * EG_DIM * EG_LANES;
  b.kept = b.acc + EG_ACC_MAX * EG_LANES;
  b.monitors = (double *)(b.kept + part);
  b.feature = b.monitors + (size_t)n_points * 2 * EG_MOST_MONITORS * EG_LANES;
  b.bad = (uint8_t *)(b.feature + EG_LANES);
  b.ahead = ahead;
  return b;
}

/* ---- noise and rows made ahead ---- */

#include "core/coarse_cpu.h"

/* Hold increments from draw q on, at least `need` and not beyond `limit` by more than a Philox block. A step may begin in
   one block and end in another. */
static __attribute__((noinline)) void hold_noise(const eg_launch *a, eg_thread *t, eg_ahead *ahead,
                                                 uint64_t realisation, uint64_t q, uint64_t need, uint64_t limit) {
  if (a->noise_ratio > 1) {
    hold_coarse(a, t, ahead, realisation, q, need, limit);
    return;
  }
  const uint64_t per_block = (uint64_t)eg_kind_per_block(a->kind);
  const uint64_t capacity = EG_NOISE_BYTES / 8 / (EG_LANES * sizeof(eg_noise_real));
  const uint64_t block = q / per_block;
  const uint64_t least = (q + need + per_block - 1) / per_block - block;
  const uint64_t most = capacity / per_block < least ? least : capacity / per_block;
  const uint64_t wanted = (limit + per_block - 1) / per_block - block;
  const uint64_t n = wanted < most ? wanted : most;
  const eg_fill_fn fill = sizeof(eg_noise_real) == 8 ? t->fill->fill64[a->kind] : t->fill->fill[a->kind];
  fill(a->key, realisation, block, (int)n, t->noise);
  ahead->first = block * per_block;
  ahead->last = (block + n) * per_block;
}

/* Stage rows from draw q on: at least `need` (<= EG_ROWS_HELD), not beyond `limit`. */
static __attribute__((noinline)) void hold_rows(const eg_launch *a, eg_thread *t, eg_ahead *ahead,
                                                uint64_t realisation, uint64_t q, uint64_t need, uint64_t limit) {
  if (q < ahead->index_first || q + need > ahead->index_last) {
    const uint64_t block = q / 4;
    const uint64_t wanted = (limit + 3) / 4 - block;
    const uint64_t n = wanted < EG_INDEX_BLOCKS ? wanted : EG_INDEX_BLOCKS;
    if (a->sampling == 0) {
      t->fill->fill_rows(a->key, realisation, block, (int)n, a->n_rows, t->index);
    } else {
      t->fill->fill_permuted(a->key, realisation, block * 4, (int)n * 4, a->n_rows, a->sampling, a->fold_count,
                             t->permutation, t->index);
    }
    ahead->index_first = block * 4;
    ahead->index_last = (block + n) * 4;
  }
  uint64_t n = ahead->index_last - q;
  n = n < EG_ROWS_HELD ? n : EG_ROWS_HELD;
  n = n < limit - q ? n : limit - q;
  const eg_stage_rows_fn stage = sizeof(eg_real) == 8 ? t->fill->stage_f64 : t->fill->stage_f32;
  stage(a->rows, a->n_rows, EG_DIM + 1, t->index + (q - ahead->index_first) * EG_LANES, (int)n, t->rows);
  ahead->row_first = q;
  ahead->row_last = q + n;
}

/* ---- lane functions ---- */

EG_FN void lane_load(const eg_real *block, int count, eg_real *values) {
  EG_UNROLL
  for (int k = 0; k < count; k++) {
    values[k] = block[k * EG_LANES];
  }
}

EG_FN void lane_store(eg_real *block, int count, const eg_real *values) {
  EG_UNROLL
  for (int k = 0; k < count; k++) {
    block[k * EG_LANES] = values[k];
  }
}

EG_FN void lane_plain(eg_plain_fn step, int extra, const eg_params *p, const eg_uniforms *u, eg_real *block,
                      const eg_noise_real *noise, const eg_real *staged_rows) {
  eg_real x[EG_WIDTH_MAX];
  eg_noise z;
  eg_row rows[2];
  z.z = noise;
  rows[0].base = staged_rows;
  rows[1].base = staged_rows + EG_ROW_VALUES;
  rows[0].stride = rows[1].stride = EG_LANES;
  lane_load(block, EG_DIM + extra, x);
  step(p, u, x, z, rows);
  lane_store(block, EG_DIM + extra, x);
}

/* A whole fold over `count` rows, count constant: the accumulator stays in registers. */
EG_FN void lane_fold(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int extra, int count, const eg_params *p,
                     const eg_uniforms *u, eg_real *block, const eg_real *staged_rows) {
  eg_real x[EG_WIDTH_MAX], acc[EG_ACC_MAX];
  lane_load(block, EG_DIM + extra, x);
  begin(p, u, x, acc);
  EG_UNROLL
  for (int i = 0; i < count; i++) {
    eg_row row;
    row.base = staged_rows + (size_t)i * EG_ROW_VALUES;
    row.stride = EG_LANES;
    add(p, u, x, row, (uint32_t)i < u->half ? u->weight_first : u->weight_second, acc);
  }
  end(p, u, x, acc);
  lane_store(block, EG_DIM + extra, x);
}

EG_FN void lane_begin(eg_begin_fn begin, int n_acc, const eg_params *p, const eg_uniforms *u, eg_real *block,
                      eg_real *acc_block) {
  eg_real x[EG_DIM], acc[EG_ACC_MAX];
  lane_load(block, EG_DIM, x);
  begin(p, u, x, acc);
  lane_store(block, EG_DIM, x);
  lane_store(acc_block, n_acc, acc);
}

EG_FN void lane_add(eg_add_fn add, int n_acc, const eg_params *p, const eg_uniforms *u, const eg_real *block,
                    const eg_real *staged_row, eg_real z, eg_real *acc_block) {
  eg_real x[EG_DIM], acc[EG_ACC_MAX];
  eg_row row;
  row.base = staged_row;
  row.stride = EG_LANES;
  lane_load(block, EG_DIM, x);
  lane_load(acc_block, n_acc, acc);
  add(p, u, x, row, z, acc);
  lane_store(acc_block, n_acc, acc);
}

EG_FN void lane_end(eg_end_fn end, int extra, int n_acc, const eg_params *p, const eg_uniforms *u, eg_real *block,
                    const eg_real *acc_block) {
  eg_real x[EG_WIDTH_MAX], acc[EG_ACC_MAX];
  lane_load(block, EG_DIM + extra, x);
  lane_load(acc_block, n_acc, acc);
  end(p, u, x, acc);
  lane_store(block, EG_DIM + extra, x);
}

#include "core/symroot_cpu.h"

#define LANES _Pragma("omp simd") for (int l = 0; l < EG_LANES; l++)

/* ---- records ---- */

/* Steps from < .. <= to of one block. */
typedef void (*eg_segment_fn)(const eg_params *p, const eg_launch *a, const eg_uniforms *u, eg_thread *t,
                              const eg_block_state *block, uint64_t realisation, uint64_t from, uint64_t to);

/* What the functions below work on: one block of a launch. */
typedef struct eg_walk {
  eg_segment_fn segment;
  const eg_params *p;
  const eg_launch *a;
  const eg_uniforms *u;
  eg_thread *t;
  eg_block_state block;
  uint64_t realisation; /* of the block's first lane .. */
  uint32_t slot;        /* .. and its place in the tile */
} eg_walk;

EG_FN void lane_norm2(const eg_params *p, const eg_real *block, double *out) {
  eg_real x[EG_DIM];
  lane_load(block, EG_DIM, x);
  *out = eg_norm2(p, x);
}

EG_FN void lane_displacement2(const eg_params *p, const eg_real *block, const eg_real *start_block, double *out) {
  eg_real x[EG_DIM], start[EG_DIM];
  lane_load(block, EG_DIM, x);
  lane_load(start_block, EG_DIM, start);
  *out = eg_displacement2(p, x, start);
}

#if EG_CAPS_LOSS
EG_FN void lane_loss(const eg_params *p, const eg_uniforms *u, const eg_real *block, double *out) {
  eg_real x[EG_DIM];
  lane_load(block, EG_DIM, x);
  *out = eg_feature_loss(p, u, x);
}

EG_FN void lane_gradient_norm2(const eg_params *p, const eg_uniforms *u, const eg_real *block, double *out) {
  eg_real x[EG_DIM];
  lane_load(block, EG_DIM, x);
  *out = eg_feature_gradient_norm2(p, u, x);
}
#endif

/* The feature that is asked for most: no call. */
EG_FN void block_coordinate(const eg_real *x, int32_t component, double *out) {
  const eg_real *const row = x + (size_t)component * EG_LANES;
  LANES { out[l] = (double)row[l]; }
}

/* Every feature but a coordinate. */
static __attribute__((noinline)) void block_feature(const eg_params *p, const eg_uniforms *u, eg_feature_code code,
                                                    const eg_real *x, const eg_real *start, double *out) {
  switch (code.id) {
  case EG_FEATURE_NORM2:
    LANES { lane_norm2(p, x + l, out + l); }
    break;
  case EG_FEATURE_DISPLACEMENT2:
    LANES { lane_displacement2(p, x + l, start + l, out + l); }
    break;
#if EG_CAPS_LOSS
  case EG_FEATURE_LOSS:
    LANES { lane_loss(p, u, x + l, out + l); }
    break;
  case EG_FEATURE_GRADIENT_NORM2:
    LANES { lane_gradient_norm2(p, u, x + l, out + l); }
    break;
#endif
  default: /* EG_FEATURE_X: block_coordinate; monitors: monitor_columns */
    break;
  }
  (void)p;
  (void)u;
}

/* ---- monitors ---- */

static double *monitor_values(const eg_walk *w, uint32_t point, uint32_t monitor) {
  return w->block.monitors + ((size_t)point * w->a->n_monitors + monitor) * 2 * EG_LANES;
}

/* The feature of a monitor in all lanes; a component is read where it lies. */
static const double *monitor_feature(const eg_walk *w, uint32_t point, const eg_monitor *m) {
  const size_t offset = (size_t)point * w->block.width * EG_LANES;
  if (sizeof(eg_real) == sizeof(double) && m->feature.id == EG_FEATURE_X) {
    return (const double *)(const void *)(w->block.x + offset + (size_t)m->feature.component * EG_LANES);
  }
  if (m->feature.id == EG_FEATURE_X) {
    block_coordinate(w->block.x + offset, m->feature.component, w->block.feature);
  } else {
    const eg_real *const start = w->block.start + (size_t)point * EG_DIM * EG_LANES;
    block_feature(w->p, w->u, m->feature, w->block.x + offset, start, w->block.feature);
  }
  return w->block.feature;
}

#define MONITOR_LANES(operation, direction)                                                                  \
  LANES { eg_monitor_step(operation, direction, level, number, f[l], &value[l], &before[l]); }               \
  break

static void monitor_lanes(const eg_monitor *m, uint64_t step, const double *EG_RESTRICT f, double *EG_RESTRICT value,
                          double *EG_RESTRICT before) {
  const double level = m->level, number = (double)step;
  switch (m->operation * 4 + m->direction) {
  case EG_MONITOR_MINIMUM * 4:
    MONITOR_LANES(EG_MONITOR_MINIMUM, 0);
  case EG_MONITOR_MAXIMUM * 4:
    MONITOR_LANES(EG_MONITOR_MAXIMUM, 0);
  case EG_MONITOR_CROSSING * 4 + EG_DIRECTION_UP:
    MONITOR_LANES(EG_MONITOR_CROSSING, EG_DIRECTION_UP);
  case EG_MONITOR_CROSSING * 4 + EG_DIRECTION_DOWN:
    MONITOR_LANES(EG_MONITOR_CROSSING, EG_DIRECTION_DOWN);
  case EG_MONITOR_CROSSING * 4 + EG_DIRECTION_ANY:
    MONITOR_LANES(EG_MONITOR_CROSSING, EG_DIRECTION_ANY);
  default:
    MONITOR_LANES(EG_MONITOR_SUM, 0);
  }
}

static void load_monitors(const eg_walk *w) {
  const eg_launch *const a = w->a;
  for (uint32_t i = 0; i < a->n_points * a->n_monitors; i++) {
    const eg_monitor *const m = &a->monitors[i % a->n_monitors];
    double *const value = monitor_values(w, i / a->n_monitors, i % a->n_monitors);
    const double *const stored = a->monitor_state + (size_t)i * 2 * a->ld + w->slot;
    if (a->is_restart) {
      memcpy(value, stored, EG_LANES * sizeof *value);
      memcpy(value + EG_LANES, stored + a->ld, EG_LANES * sizeof *value);
      continue;
    }
    const double *const f = monitor_feature(w, i / a->n_monitors, m);
    for (int l = 0; l < EG_LANES; l++) {
      value[l] = eg_monitor_start(m->operation, f[l]);
      value[EG_LANES + l] = f[l];
    }
  }
}

static void store_monitors(const eg_walk *w) {
  const eg_launch *const a = w->a;
  for (uint32_t i = 0; i < a->n_points * a->n_monitors * 2; i++) {
    memcpy(a->monitor_state + (size_t)i * a->ld + w->slot, w->block.monitors + (size_t)i * EG_LANES,
           EG_LANES * sizeof(double));
  }
}

/* The columns of one monitor in a record. */
static void monitor_columns(const eg_walk *w, uint32_t point, eg_feature_code code, uint64_t step, double *out) {
  const eg_monitor *const m = &w->a->monitors[code.component];
  const double *const value = monitor_values(w, point, (uint32_t)code.component);
  for (int l = 0; l < EG_LANES; l++) {
    out[l] = eg_monitor_column(m, code.id, step, w->a->h, value[l]);
  }
}

/* ---- states that are not finite ---- */

/* Bits that are set where v is not finite. */
EG_FN uint64_t lane_is_lost(double v) {
  return (eg_bits64(v) & 0x7ff0000000000000ull) == 0x7ff0000000000000ull ? ~0ull : 0;
}

/* Is every component of a block finite? One reduction, since nearly always the answer is yes. */
static inline int is_state_finite(const eg_real *x) {
  uint64_t lost = 0;
  for (int k = 0; k < EG_DIM; k++) {
    _Pragma("omp simd reduction(| : lost)")
    for (int l = 0; l < EG_LANES; l++) {
      lost |= lane_is_lost((double)x[k * EG_LANES + l]);
    }
  }
  return lost == 0;
}

/* The same of the columns of a record that are no coordinates: those are components. */
static inline int are_features_finite(const eg_feature_code *codes, const double *features, uint32_t n_features,
                                      uint32_t ld) {
  uint64_t lost = 0;
  for (uint32_t f = 0; f < n_features; f++) {
    if (codes[f].id == EG_FEATURE_X) {
      continue;
    }
    _Pragma("omp simd reduction(| : lost)")
    for (int l = 0; l < EG_LANES; l++) {
      lost |= lane_is_lost(features[(size_t)f * ld + (size_t)l]);
    }
  }
  return lost == 0;
}

/* 1 for lanes whose state has a component that is not finite. */
static void mark_bad(const eg_real *x, uint8_t *bad) {
  LANES {
    eg_real sum = 0;
    for (int k = 0; k < EG_DIM; k++) {
      sum += x[k * EG_LANES + l] * (eg_real)0; /* 0, or NaN */
    }
    bad[l] = sum == 0 ? 0 : 1;
  }
}

/* Note `step` as the first bad one of every lane of a point that is bad now and was never before; of those in `among`
   only, unless it is NULL. */
static void note_first_bad(const eg_walk *w, uint32_t point, const uint8_t *among, uint64_t step) {
  uint64_t *const first_bad = w->a->first_bad + (size_t)point * w->a->ld + w->slot;
  uint8_t bad[EG_LANES];
  mark_bad(w->block.x + (size_t)point * w->block.width * EG_LANES, bad);
  for (int l = 0; l < EG_LANES; l++) {
    if (bad[l] && (among == NULL || among[l]) && first_bad[l] == EG_NEVER) {
      first_bad[l] = step;
    }
  }
}

/* The rare path: lanes in block.bad are not finite. Repeat the segment, which the backup may be some records behind, to
   find their first bad steps. */
static __attribute__((noinline, cold)) void find_first_bad(const eg_walk *w, uint64_t from, uint64_t to) {
  const size_t bytes = (size_t)w->a->n_points * w->block.width * EG_LANES * sizeof(eg_real);
  memcpy(w->block.kept, w->block.x, bytes);
  memcpy(w->block.x, w->block.backup, bytes);
  if (from > w->block.ahead->backup_step) {
    w->segment(w->p, w->a, w->u, w->t, &w->block, w->realisation, w->block.ahead->backup_step, from);
  }
  for (uint64_t step = from; step < to; step++) {
    w->segment(w->p, w->a, w->u, w->t, &w->block, w->realisation, step, step + 1);
    for (uint32_t point = 0; point < w->a->n_points; point++) {
      note_first_bad(w, point, w->block.bad + (size_t)point * EG_LANES, step + 1);
    }
  }
  memcpy(w->block.x, w->block.kept, bytes);
}

/* ---- steps and records ---- */

/* Steps one by one, with a look after each. */
static __attribute__((noinline)) void watch_steps(const eg_walk *w, uint64_t from, uint64_t to) {
  const eg_launch *const a = w->a;
  for (uint64_t step = from + 1; step <= to; step++) {
    w->segment(w->p, a, w->u, w->t, &w->block, w->realisation, step - 1, step);
    for (uint32_t point = 0; point < a->n_points; point++) {
      if (!is_state_finite(w->block.x + (size_t)point * w->block.width * EG_LANES)) {
        note_first_bad(w, point, NULL, step);
      }
      for (uint32_t i = 0; i < a->n_monitors; i++) {
        const eg_monitor *const m = &a->monitors[i];
        if (eg_monitor_is_open(m, step)) {
          double *const value = monitor_values(w, point, i);
          monitor_lanes(m, step, monitor_feature(w, point, m), value, value + EG_LANES);
        }
      }
    }
  }
}

static int is_watched(const eg_launch *a) {
  return a->n_monitors > 0 || a->is_watched;
}

static void advance_block(const eg_walk *w, uint64_t from, uint64_t to) {
  if (is_watched(w->a)) {
    watch_steps(w, from, to);
  } else {
    w->segment(w->p, w->a, w->u, w->t, &w->block, w->realisation, from, to);
  }
}

/* Lanes of one point that are bad after step `to`, into block.bad; returns whether there is one. `out`: the columns of a
   record, NULL: only the state is looked at. */
static int find_bad(const eg_walk *w, uint32_t point, const double *out) {
  const eg_launch *const a = w->a;
  const eg_real *const x = w->block.x + (size_t)point * w->block.width * EG_LANES;
  const uint64_t *const first_bad = a->first_bad + (size_t)point * a->ld + w->slot;
  const uint32_t n_features = out == NULL ? 0 : a->n_features;
  uint8_t *const bad = w->block.bad + (size_t)point * EG_LANES;
  if (!is_watched(a) && is_state_finite(x) && are_features_finite(a->features, out, n_features, a->ld)) {
    memset(bad, 0, EG_LANES);
    return 0;
  }
  int n_bad = 0;
  mark_bad(x, bad);
  for (int l = 0; l < EG_LANES; l++) {
    double sum = 0;
    for (uint32_t f = 0; f < n_features; f++) {
      sum += out[(size_t)f * a->ld + (size_t)l] * 0.0;
    }
    /* a watched state may be finite again */
    bad[l] = (uint8_t)(bad[l] | (sum == 0.0 ? 0 : 1) | (is_watched(a) && first_bad[l] != EG_NEVER));
    n_bad += bad[l];
  }
  return n_bad > 0;
}

/* Mask the lanes of one point that are bad after step `to`. */
static void mask_bad(const eg_walk *w, uint32_t point, uint64_t to, double *out) {
  const eg_launch *const a = w->a;
  eg_real *const x = w->block.x + (size_t)point * w->block.width * EG_LANES;
  uint64_t *const first_bad = a->first_bad + (size_t)point * a->ld + w->slot;
  for (int l = 0; l < EG_LANES; l++) {
    if (!w->block.bad[(size_t)point * EG_LANES + (size_t)l]) {
      continue;
    }
    if (first_bad[l] == EG_NEVER) {
      first_bad[l] = to; /* the state is finite, a feature is not */
    }
    for (int k = 0; k < EG_DIM; k++) { /* stays masked for good */
      x[(size_t)k * EG_LANES + (size_t)l] = (eg_real)(0.0 * eg_double_of_bits(0x7ff0000000000000ull));
    }
    for (uint32_t f = 0; out != NULL && f < a->n_features; f++) {
      out[(size_t)f * a->ld + (size_t)l] = eg_double_of_bits(0x7ff8000000000000ull);
    }
  }
}

/* Is there a bad lane whose first bad step is not known? */
static int must_search(const eg_walk *w) {
  int n = 0;
  for (uint32_t point = 0; point < w->a->n_points && !is_watched(w->a); point++) {
    const uint64_t *const first_bad = w->a->first_bad + (size_t)point * w->a->ld + w->slot;
    for (int l = 0; l < EG_LANES; l++) {
      n += w->block.bad[(size_t)point * EG_LANES + (size_t)l] && first_bad[l] == EG_NEVER;
    }
  }
  return n > 0;
}

/* One look at a block after step `to` (the one before was at `from`): features into record `record`, unless it is
   n_records: the end of the launch; masks of lanes that are not finite. */
static __attribute__((noinline)) void look_at_block(const eg_walk *w, uint32_t record, uint64_t from, uint64_t to) {
  const eg_launch *const a = w->a;
  const eg_block_state block = w->block; /* a copy that no store can reach */
  const size_t row = (size_t)a->n_features * a->ld;
  double *const out = record == a->n_records ? NULL : a->records + (size_t)record * a->n_points * row + w->slot;
  int n_bad = 0;
  for (uint32_t point = 0; point < a->n_points; point++) {
    const size_t offset = (size_t)point * block.width * EG_LANES;
    const eg_real *const start = block.start + (size_t)point * EG_DIM * EG_LANES;
    double *const columns = out == NULL ? NULL : out + point * row;
    for (uint32_t f = 0; out != NULL && f < a->n_features; f++) {
      const eg_feature_code code = a->features[f];
      double *const column = columns + (size_t)f * a->ld;
      if (code.id == EG_FEATURE_X) {
        block_coordinate(block.x + offset, code.component, column);
      } else if (code.id >= EG_FEATURE_MONITOR) {
        monitor_columns(w, point, code, to, column);
      } else {
        block_feature(w->p, w->u, code, block.x + offset, start, column);
      }
    }
    n_bad += find_bad(w, point, columns);
  }
  if (n_bad == 0) {
    return;
  }
  if (must_search(w)) {
    find_first_bad(w, from, to);
  }
  for (uint32_t point = 0; point < a->n_points; point++) {
    mask_bad(w, point, to, out == NULL ? NULL : out + point * row);
  }
}

/* ---- one block through all steps of the launch ---- */

static void load_block(const eg_launch *a, eg_block_state block, uint64_t realisation, uint32_t slot) {
  const eg_real *const state = (const eg_real *)a->state;
  const uint32_t width = (uint32_t)block.width;
  for (uint32_t row = 0; row < a->n_points * EG_DIM; row++) {
    for (int l = 0; l < EG_LANES; l++) {
      block.start[row * EG_LANES + (uint32_t)l] =
          eg_start_value(a, realisation + (uint64_t)l, row / EG_DIM, row % EG_DIM);
    }
  }
  for (uint32_t row = 0; row < a->n_points * width; row++) {
    const uint32_t point = row / width, k = row % width;
    const eg_real own = k >= 2 * EG_DIM ? (eg_real)a->chain.start_square : (eg_real)0; /* of the stepper */
    for (uint32_t l = 0; l < EG_LANES; l++) {
      const eg_real start = k < EG_DIM ? block.start[(point * EG_DIM + k) * EG_LANES + l] : own;
      block.x[row * EG_LANES + l] = a->is_restart ? state[(size_t)row * a->ld + slot + l] : start;
    }
  }
  if (!a->is_restart) {
    for (uint32_t point = 0; point < a->n_points; point++) {
      for (int l = 0; l < EG_LANES; l++) {
        a->first_bad[(size_t)point * a->ld + slot + (size_t)l] = EG_NEVER;
      }
    }
  }
}

static void store_block(const eg_launch *a, eg_block_state block, uint32_t slot) {
  eg_real *const state = (eg_real *)a->state;
  for (uint32_t row = 0; row < a->n_points * (uint32_t)block.width; row++) {
    memcpy(state + (size_t)row * a->ld + slot, block.x + (size_t)row * EG_LANES, EG_LANES * sizeof(eg_real));
  }
}

EG_FN void back_up(const eg_launch *a, const eg_block_state *block) {
  for (uint32_t row = 0; row < a->n_points * (uint32_t)block->width; row++) { /* short: a call costs more */
    LANES { block->backup[row * EG_LANES + (uint32_t)l] = block->x[row * EG_LANES + (uint32_t)l]; }
  }
}

static __attribute__((noinline)) void drive(eg_segment_fn segment, int extra, const eg_params *p, const eg_launch *a,
                                            eg_thread *t) {
  const eg_uniforms uniforms = eg_uniforms_of(a);
  eg_ahead ahead;
  eg_walk w = {segment, p, a, &uniforms, t, block_of(t, a->n_points, extra, &ahead), 0, 0};
  for (uint32_t slot = 0; slot < a->n_lanes; slot += EG_LANES) {
    w.slot = slot;
    w.realisation = a->realisation_first + slot;
    memset(&ahead, 0, sizeof ahead);
    load_block(a, w.block, w.realisation, slot);
    load_monitors(&w);
    uint64_t step = a->step_first;
    for (uint32_t r = 0; r <= a->n_records; r++) { /* the last round is the end of the launch */
      const uint64_t from = step, to = r < a->n_records ? a->record_steps[r] : a->step_last;
      if (r == a->n_records && to <= from) {
        break;
      }
      if (r == 0 || step - ahead.backup_step >= EG_BACKUP_STEPS) {
        back_up(a, &w.block);
        ahead.backup_step = step;
      }
      if (to > from) {
        advance_block(&w, from, to);
        step = to;
      }
      look_at_block(&w, r, from, step);
    }
    store_block(a, w.block, slot);
    store_monitors(&w);
  }
}

/* One step of all lanes; step_fn is a constant. */
EG_FN void step_plain(eg_plain_fn step_fn, int extra, const eg_params *p, const eg_uniforms *u, eg_real *x,
                      const eg_noise_real *noise, const eg_real *staged) {
#if EG_SYMROOT_BLOCK
  if (step_fn == eg_step_euler_symroot || step_fn == eg_step_strang_symroot) {
    step_symroot(step_fn == eg_step_strang_symroot, p, u, x, noise);
    return;
  }
#endif
  LANES { lane_plain(step_fn, extra, p, u, x + l, noise + l, staged + l); }
}

/* Steps from < .. <= to of one block. */
EG_FN void segment_plain(eg_plain_fn step_fn, int normals, int rows, int extra, const eg_params *params, const eg_launch *a,
                         const eg_uniforms *uniforms, eg_thread *t, eg_block_state block, uint64_t realisation,
                         uint64_t from, uint64_t to) {
  const eg_params own_params = *params; /* copies that no store can reach: coefficients stay in registers */
  eg_uniforms own_uniforms = *uniforms;
  const eg_params *const p = &own_params;
  const eg_uniforms *const u = &own_uniforms;
  eg_ahead *const ahead = block.ahead;
  for (uint64_t step = from; step < to;) {
    uint64_t n = to - step;
    const eg_noise_real *noise = (const eg_noise_real *)t->noise;
    const eg_real *staged = (const eg_real *)t->rows;
    if (normals > 0) {
      const uint64_t q = step * (uint64_t)normals;
      if (q < ahead->first || q + (uint64_t)normals > ahead->last) {
        hold_noise(a, t, ahead, realisation, q, (uint64_t)normals, a->step_last * (uint64_t)normals);
      }
      noise += (q - ahead->first) * EG_LANES;
      const uint64_t held = (ahead->last - q) / (uint64_t)normals;
      n = held < n ? held : n;
    }
    if (rows > 0) {
      const uint64_t q = step * (uint64_t)rows;
      if (q < ahead->row_first || q + (uint64_t)rows > ahead->row_last) {
        hold_rows(a, t, ahead, realisation, q, (uint64_t)rows, a->step_last * (uint64_t)rows);
      }
      staged += (q - ahead->row_first) * EG_ROW_VALUES;
      const uint64_t held = (ahead->row_last - q) / (uint64_t)rows;
      n = held < n ? held : n;
    }
    for (uint64_t i = 0; i < n; i++) {
      if (extra > 0) {
        eg_uniforms_at(&own_uniforms, a, step + i);
      }
      for (uint32_t point = 0; point < a->n_points; point++) {
        eg_real *const x = block.x + (size_t)point * (size_t)(EG_DIM + extra) * EG_LANES;
        step_plain(step_fn, extra, p, u, x, noise, staged);
      }
      noise += normals * EG_LANES;
      staged += (size_t)rows * EG_ROW_VALUES;
    }
    step += n;
  }
}

/* A fold over fold_count rows a step with the accumulator in memory: any count. */
EG_FN void fold_any(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int is_data, int n_acc, int extra,
                    const eg_params *p, const eg_launch *a, const eg_uniforms *uniforms, eg_thread *t,
                    eg_block_state block, uint64_t realisation, uint64_t step) {
  eg_uniforms own_uniforms = *uniforms;
  const eg_uniforms *const u = &own_uniforms;
  const uint64_t count = a->fold_count;
  eg_ahead *const ahead = block.ahead;
  if (extra > 0) {
    eg_uniforms_at(&own_uniforms, a, step);
  }
  for (uint32_t point = 0; point < a->n_points; point++) {
    eg_real *const x = block.x + (size_t)point * (size_t)(EG_DIM + extra) * EG_LANES;
    LANES { lane_begin(begin, n_acc, p, u, x + l, block.acc + l); }
    for (uint64_t i = 0; i < count; i++) {
      const uint64_t q = step * count + i;
      if (is_data) {
        if (q < ahead->first || q >= ahead->last) {
          hold_noise(a, t, ahead, realisation, q, 1, a->step_last * count);
        }
        eg_real row[EG_DIM + 1];
        for (int k = 0; k <= EG_DIM; k++) {
          row[k] = ((const eg_real *)a->rows)[eg_rows_at(a->n_rows, EG_DIM + 1, i, k)];
        }
        eg_real *const wide = (eg_real *)t->rows; /* the same row for all lanes */
        for (int k = 0; k <= EG_DIM; k++) {
          LANES { wide[k * EG_LANES + l] = row[k]; }
        }
        const eg_noise_real *const noise = (const eg_noise_real *)t->noise + (q - ahead->first) * EG_LANES;
        LANES { lane_add(add, n_acc, p, u, x + l, wide + l, (eg_real)noise[l], block.acc + l); }
      } else {
        if (q < ahead->row_first || q >= ahead->row_last) {
          hold_rows(a, t, ahead, realisation, q, 1, a->step_last * count);
        }
        const eg_real *const staged = (const eg_real *)t->rows + (q - ahead->row_first) * EG_ROW_VALUES;
        const eg_real weight = i < u->half ? u->weight_first : u->weight_second;
        LANES { lane_add(add, n_acc, p, u, x + l, staged + l, weight, block.acc + l); }
      }
    }
    LANES { lane_end(end, extra, n_acc, p, u, x + l, block.acc + l); }
  }
}

/* The same for a constant count that fits the rows buffer. */
EG_FN void fold_few(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int extra, int count, const eg_params *params,
                    const eg_launch *a, const eg_uniforms *uniforms, eg_thread *t, eg_block_state block,
                    uint64_t realisation, uint64_t from, uint64_t to) {
  const eg_params own_params = *params; /* copies, as in segment_plain */
  eg_uniforms own_uniforms = *uniforms;
  own_uniforms.batch_size = (eg_real)count; /* its value, but known when compiled: a product with 1 vanishes */
  const eg_params *const p = &own_params;
  const eg_uniforms *const u = &own_uniforms;
  eg_ahead *const ahead = block.ahead;
  for (uint64_t step = from; step < to;) {
    const uint64_t q = step * (uint64_t)count;
    if (q < ahead->row_first || q + (uint64_t)count > ahead->row_last) {
      hold_rows(a, t, ahead, realisation, q, (uint64_t)count, a->step_last * (uint64_t)count);
    }
    const uint64_t held = (ahead->row_last - q) / (uint64_t)count;
    const uint64_t n = held < to - step ? held : to - step;
    const eg_real *staged = (const eg_real *)t->rows + (q - ahead->row_first) * EG_ROW_VALUES;
    for (uint64_t i = 0; i < n; i++) {
      if (extra > 0) {
        eg_uniforms_at(&own_uniforms, a, step + i);
      }
      for (uint32_t point = 0; point < a->n_points; point++) {
        eg_real *const x = block.x + (size_t)point * (size_t)(EG_DIM + extra) * EG_LANES;
        LANES { lane_fold(begin, add, end, extra, count, p, u, x + l, staged + l); }
      }
      staged += (size_t)count * EG_ROW_VALUES;
    }
    step += n;
  }
}

EG_FN void segment_fold(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int is_data, int n_acc, int extra,
                        const eg_params *p, const eg_launch *a, const eg_uniforms *u, eg_thread *t, eg_block_state block,
                        uint64_t realisation, uint64_t from, uint64_t to) {
  if (!is_data && a->fold_count == 1) {
    fold_few(begin, add, end, extra, 1, p, a, u, t, block, realisation, from, to);
    return;
  }
  if (!is_data && a->fold_count == 4 && EG_ROWS_HELD >= 4) {
    fold_few(begin, add, end, extra, 4, p, a, u, t, block, realisation, from, to);
    return;
  }
  for (uint64_t step = from; step < to; step++) {
    fold_any(begin, add, end, is_data, n_acc, extra, p, a, u, t, block, realisation, step);
  }
}

#endif
