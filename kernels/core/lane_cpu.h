/*
 * The CPU driver of the lane form. Realisations are advanced in blocks of EG_LANES; the state of a block is compact
 * (component, lane) and stays in the first-level cache; increments and row numbers are made ahead by one noinline fill.
 * The body of every vector loop is one call of an always-inline lane function, the step a constant argument of it.
 */
#ifndef EG_CORE_LANE_CPU_H
#define EG_CORE_LANE_CPU_H

#include "core/monitor.h"
#include "core/unit_table.h"

#define EG_ACC_MAX (2 * EG_DIM + 1)
#define EG_WIDTH_MAX (EG_DIM > 1 ? 3 * EG_DIM : 5) /* values of a trajectory: x, and those of a stepper or process */
/* Increments held as floats: less than a first-level cache, where state and data lie too. A step of one dimension takes three
   nanoseconds a row of them: a second-level cache keeps up, and more of them make up for the call of the fill. */
#define EG_NOISE_HELD (EG_DIM == 1 ? 384 : 96)

/* A backup of the state is made at the first record that is so many steps behind the last one. */
#define EG_BACKUP_STEPS 512

typedef void (*eg_plain_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows);
typedef void (*eg_timed_fn)(const eg_params *p, const eg_uniforms *u, const eg_pull *pull, uint64_t realisation, eg_real *x, eg_noise z);
typedef void (*eg_begin_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc);
typedef void (*eg_add_fn)(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row, eg_real z,
                          eg_real *acc);
typedef void (*eg_end_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc);

/* What the thread's buffers hold of the current block of realisations: first <= draw < last. */
typedef struct eg_ahead {
  uint64_t first, last;             /* in the noise buffer */
  uint64_t index_first, index_last; /* in the index buffer */
  uint64_t backup_step;             /* whose state the backup is */
  int has_events;                   /* what t->rows holds are events: core/events.h */
} eg_ahead;

/* Records `record` .. `last` - 1, which a segment makes on its way. */
typedef struct eg_tape {
  const struct eg_walk *w;
  uint32_t record, last;
  uint64_t most; /* size of the features so far: core/watch_cpu.h */
  double *column; /* where the next record goes, if that is one coordinate of one point: column `first` alone; else NULL */
  size_t row;     /* from one record to the next */
  uint32_t first;
  int32_t component;
} eg_tape;

/* The parts of thread->block. x of a point: (width, EG_LANES). */
typedef struct eg_block {
  eg_real *x, *backup, *start, *acc;
  eg_real *kept;     /* what find_first_bad puts aside */
  double *monitors;  /* (n_points, n_monitors, 2, EG_LANES) */
  double *feature;   /* (EG_LANES) of one monitor */
  eg_real *joint;    /* of steps of all points together: core/joint_cpu.h */
  uint8_t *bad;      /* (n_points, EG_LANES): not finite where it was looked at */
  struct eg_absorbed *absorbed; /* of launches with absorbing crossings, else NULL: core/absorbed_cpu.h */
  eg_ahead *ahead;
  eg_tape *tape; /* or NULL */
  size_t width;  /* values of a trajectory: EG_DIM and those of the stepper */
} eg_block_state;

/* Values of a lane that joint steps work in: a triangle, gradients and their means. */
static size_t joint_values(const eg_launch *a) {
  const size_t n = (size_t)a->n_points * EG_DIM;
  return a->is_joint ? n * (n + 5) / 2 : 0;
}

#include "core/absorbed_cpu.h"

static uint64_t block_bytes(const eg_launch *a) {
  const uint32_t n_points = a->n_points;
  return (((uint64_t)n_points * (3 * EG_WIDTH_MAX + EG_DIM) + EG_ACC_MAX) * sizeof(eg_real) +
          ((uint64_t)n_points * 2 * EG_MOST_MONITORS + 1) * sizeof(double) + n_points + joint_values(a) * sizeof(eg_real)) *
             EG_LANES +
         absorbed_bytes(a);
}

static eg_block_state block_of(const eg_thread *t, const eg_launch *a, int extra, eg_ahead *ahead) {
  const uint32_t n_points = a->n_points;
  const size_t n_joint = joint_values(a);
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
  b.joint = (eg_real *)(b.feature + EG_LANES); /* nothing where is_joint is 0 */
  b.bad = (uint8_t *)(b.joint + n_joint * EG_LANES);
  b.ahead = ahead;
  b.tape = NULL;
  b.absorbed = a->absorbing == 0 ? NULL : absorbed_of(a, b.width, b.bad + (size_t)n_points * EG_LANES);
  return b;
}

/* ---- noise and row numbers made ahead ---- */

#include "core/coarse_cpu.h"

/* Hold increments from draw q on, at least `need` and not beyond `limit` by more than a Philox block. A step may begin in
   one block and end in another. */
static __attribute__((noinline)) void hold_noise(const eg_launch *a, eg_thread *t, eg_ahead *ahead,
                                                 uint64_t realisation, uint64_t q, uint64_t need, uint64_t limit) {
  if (t->fractional != NULL) { /* the whole path */
    t->fill->fill_fractional(a->key, realisation, t->fill->fill64[a->kind], eg_kind_per_block(a->kind), (double *)t->rows,
                             t->fractional, q > 0, sizeof(eg_noise_real) == 8, t->noise);
    ahead->first = 0;
    ahead->last = a->path_steps;
    return;
  }
  if (a->noise_ratio > 1) {
    hold_coarse(a, t, ahead, realisation, q, need, limit);
    return;
  }
  const uint64_t per_block = a->tail_index > 0 ? 1 : (uint64_t)eg_kind_per_block(a->kind);
  const uint64_t capacity = EG_NOISE_HELD * sizeof(float) / sizeof(eg_noise_real);
  const uint64_t block = q / per_block;
  const uint64_t least = (q + need + per_block - 1) / per_block - block;
  const uint64_t most = capacity / per_block < least ? least : capacity / per_block;
  const uint64_t wanted = (limit + per_block - 1) / per_block - block;
  const uint64_t n = wanted < most ? wanted : most;
  if (a->tail_index > 0) {
    t->fill->fill_stable(a->key, realisation, t->listed, block, (int)n, a->tail_index, sizeof(eg_noise_real) == 8, t->noise);
  } else if (t->listed != NULL) {
    const eg_fill_listed_fn fill = sizeof(eg_noise_real) == 8 ? t->fill->listed64[a->kind] : t->fill->listed[a->kind];
    fill(a->key, t->listed, block, (int)n, t->noise);
  } else {
    const eg_fill_fn fill = sizeof(eg_noise_real) == 8 ? t->fill->fill64[a->kind] : t->fill->fill[a->kind];
    fill(a->key, realisation, block, (int)n, t->noise);
  }
  ahead->first = block * per_block;
  ahead->last = (block + n) * per_block;
}

#include "core/rows_cpu.h"

/* ---- lane functions ---- */

#define LANES _Pragma("omp simd") for (int l = 0; l < EG_LANES; l++)

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
                      const eg_noise_real *noise, const eg_real *wide, const eg_real *staged_rows) {
  eg_real x[EG_WIDTH_MAX];
  eg_noise z;
  eg_row rows[2];
  z.z = noise;
  z.wide = wide;
  rows[0].base = staged_rows;
  rows[1].base = staged_rows == NULL ? NULL : staged_rows + EG_GROUP_ROW;
  rows[0].stride = rows[1].stride = EG_GROUP;
  lane_load(block, EG_DIM + extra, x);
  step(p, u, x, z, rows);
  lane_store(block, EG_DIM + extra, x);
}

EG_FN void lane_timed(eg_timed_fn step, int extra, const eg_params *p, const eg_uniforms *u, const eg_pull *pull,
                      uint64_t realisation, eg_real *block, const eg_noise_real *noise) {
  eg_real x[EG_WIDTH_MAX];
  eg_noise z;
  z.z = noise;
  z.wide = NULL;
  lane_load(block, EG_DIM + extra, x);
  step(p, u, pull, realisation, x, z);
  lane_store(block, EG_DIM + extra, x);
}

/* A whole fold over `count` rows, count constant: the accumulator stays in registers. extra: values behind x that the end uses. */
EG_FN void lane_fold(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int extra, int count, const eg_params *p,
                     const eg_uniforms *u, eg_real *block, const eg_real *staged_rows) {
  eg_real x[EG_WIDTH_MAX], acc[EG_ACC_MAX];
  lane_load(block, EG_DIM + extra, x);
  begin(p, u, x, acc);
  EG_UNROLL
  for (int i = 0; i < count; i++) {
    eg_row row;
    row.base = staged_rows + i * EG_GROUP_ROW;
    row.stride = EG_GROUP;
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
  row.stride = EG_GROUP;
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

/* A coordinate of a block as a column of a record. */
EG_FN void block_coordinate(const eg_real *x, int32_t component, double *out) {
  const eg_real *const row = x + (size_t)component * EG_LANES;
  LANES { out[l] = (double)row[l]; }
}

/* ---- a block in hand ---- */

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

#include "core/watch_cpu.h"

/* ---- one block through all steps of the launch ---- */

/* Do the records or monitors of this launch ask for the start? */
static int has_displacement(const eg_launch *a) {
  uint64_t first = UINT64_MAX, end = 0; /* of the columns that are wanted */
  for (uint32_t r = 0; r < a->n_records; r++) {
    first = eg_columns_from(a, r) < first ? eg_columns_from(a, r) : first;
    end = eg_columns_to(a, r) > end ? eg_columns_to(a, r) : end;
  }
  int needs = 0;
  for (uint64_t f = first; f < end; f++) {
    needs |= a->features[f].id == EG_FEATURE_DISPLACEMENT2;
  }
  for (uint32_t i = 0; i < a->n_monitors; i++) {
    needs |= a->monitors[i].feature.id == EG_FEATURE_DISPLACEMENT2;
  }
  return needs;
}

static void make_starts(const eg_launch *a, eg_real *start, uint64_t realisation) {
  for (uint32_t row = 0; row < a->n_points * EG_DIM; row++, start += EG_LANES) {
    if (a->start_kind == EG_START_FIXED) {
      const eg_real value = eg_start_value(a, realisation, row / EG_DIM, row % EG_DIM);
      LANES { start[l] = value; }
      continue;
    }
    for (int l = 0; l < EG_LANES; l++) {
      start[l] = eg_start_value(a, realisation + (uint64_t)l, row / EG_DIM, row % EG_DIM);
    }
  }
}

/* with_start: what has_displacement says. */
static void load_block(const eg_launch *a, eg_block_state block, int with_start, uint64_t realisation, uint32_t slot) {
  const eg_real *const state = (const eg_real *)a->state;
  const uint32_t width = (uint32_t)block.width;
  if (!a->is_restart || with_start) {
    make_starts(a, block.start, realisation);
  }
  for (uint32_t row = 0; row < a->n_points * width; row++) {
    const uint32_t point = row / width, k = row % width;
    eg_real *const x = block.x + (size_t)row * EG_LANES;
    if (a->is_restart) {
      const eg_real *const left = state + (size_t)row * a->ld + slot;
      LANES { x[l] = left[l]; }
    } else if (k < EG_DIM) {
      const eg_real *const start = block.start + (size_t)(point * EG_DIM + k) * EG_LANES;
      LANES { x[l] = start[l]; }
    } else {
      const eg_real own = k >= 2 * EG_DIM ? (eg_real)a->chain.start_square : (eg_real)0; /* of the stepper */
      LANES { x[l] = own; }
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
  const size_t n = a->n_points * block->width;
  for (size_t row = 0; row < n; row++) { /* short: a call costs more */
    const eg_real *const x = block->x + row * EG_LANES;
    eg_real *const backup = block->backup + row * EG_LANES;
    LANES { backup[l] = x[l]; }
  }
}

#include "core/gather_cpu.h"

/* is_taped: the segment makes the records of a tape. */
static __attribute__((noinline)) void drive(eg_segment_fn segment, int is_taped, int extra, const eg_params *p,
                                            const eg_launch *a, eg_thread *t) {
  const eg_uniforms uniforms = eg_uniforms_of(a);
  eg_ahead ahead;
  eg_walk w = {segment, p, a, &uniforms, t, block_of(t, a, extra, &ahead), 0, 0};
  if (is_listed(a)) {
    drive_listed(&w);
    return;
  }
  const int with_start = has_displacement(a);
  for (uint32_t slot = 0; slot < a->n_lanes; slot += EG_LANES) {
    w.slot = slot;
    w.realisation = a->realisation_first + slot;
    memset(&ahead, 0, sizeof ahead);
    load_block(a, w.block, with_start, w.realisation, slot);
    load_monitors(&w);
    uint64_t step = a->step_first;
    int is_backed_up = 0;
    int is_sure = 0;  /* the backup is of finite states: records from here are taken without a look at each */
    int is_known = 0; /* states were finite after the last record */
    for (uint32_t r = 0; r <= a->n_records;) { /* the last round is the end of the launch */
      const uint64_t from = step, to = r < a->n_records ? a->record_steps[r] : a->step_last;
      if (r == a->n_records && to <= from) {
        break;
      }
      if (!is_backed_up || step - ahead.backup_step >= EG_BACKUP_STEPS) {
        back_up(a, &w.block);
        ahead.backup_step = step;
        is_backed_up = 1;
        is_sure = is_known || (!is_watched(a) && is_block_finite(&w));
      }
      if (is_sure && r < a->n_records) {
        const uint32_t first = r;
        is_sure = 0;
        r = take_records(&w, is_taped, r, &step);
        is_known = r > first;
        continue;
      }
      is_known = 0;
      if (to > from) {
        advance_block(&w, from, to);
        step = to;
      }
      look_at_block(&w, r, from, step);
      r++;
    }
    store_block(a, w.block, slot);
    store_monitors(&w);
    if (t->sink != NULL) {
      t->sink->take(t->sink->context, slot);
    }
  }
}

#include "core/steps_cpu.h"
#include "core/fold_cpu.h"
#include "core/joint_cpu.h"

#endif
