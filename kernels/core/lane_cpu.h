/*
 * The CPU driver of the lane form. Realisations are advanced in blocks of EG_LANES; the state of a block is compact
 * (component, lane) and stays in the first-level cache; increments and data rows are made ahead by one noinline fill.
 * The body of every vector loop is one call of an always-inline lane function, the step a constant argument of it.
 */
#ifndef EG_CORE_LANE_CPU_H
#define EG_CORE_LANE_CPU_H

#include "core/monitor.h"
#include "core/unit_table.h"
#include "core/widen_cpu.h"

#define EG_ACC_MAX (2 * EG_DIM + 1)
#define EG_WIDTH_MAX (EG_DIM > 1 ? 3 * EG_DIM : 4) /* values of a trajectory: x, and those of a stepper or process */
#define EG_ROW_VALUES ((EG_DIM + 1) * EG_LANES)
/* Draws of rows kept staged: whole index blocks, about a quarter of EG_ROWS_BYTES, so that the first-level cache has
   room for the state and the data too. */
#define EG_ROWS_FIT(bytes) ((bytes) / (EG_ROW_VALUES * (int)sizeof(eg_real)))
#define EG_ROWS_WANTED     (EG_ROWS_FIT(EG_ROWS_BYTES / 4) / 4 * 4 + 4)
#define EG_ROWS_HELD       (EG_ROWS_WANTED < EG_ROWS_FIT(EG_ROWS_BYTES) ? EG_ROWS_WANTED : EG_ROWS_FIT(EG_ROWS_BYTES))

/* Where a state is one number, the block stays in 8 of 32 registers: a step would wait for the one before to be read back from
   memory. So many steps are written out. */
#if EG_DIM == 1 && defined(__AVX512F__)
#define EG_STEPS_AT_ONCE 4
#else
#define EG_STEPS_AT_ONCE 1
#endif

/* There, steps of at most so many increments get them as numbers of the state's type, EG_WIDE_LANES at a time: gcc would take
   float and double together in vectors of 16 lanes, in halves. Steps of more dimensions are long enough to gain from halves: one
   vector after the other made signsgd-sde, whose erf is one chain of operations, a quarter slower. */
#define EG_MOST_WIDE 16

/* A backup of the state is made at the first record that is so many steps behind the last one. */
#define EG_BACKUP_STEPS 64

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
  uint64_t row_first, row_last;     /* staged in the rows buffer */
  uint64_t backup_step;             /* whose state the backup is */
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
  eg_real *row;      /* a row with noise added to it */
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
  return (((uint64_t)n_points * (3 * EG_WIDTH_MAX + EG_DIM) + EG_ACC_MAX + EG_DIM + 1) * sizeof(eg_real) +
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
  b.row = b.acc + EG_ACC_MAX * EG_LANES;
  b.kept = b.row + EG_ROW_VALUES;
  b.monitors = (double *)(b.kept + part);
  b.feature = b.monitors + (size_t)n_points * 2 * EG_MOST_MONITORS * EG_LANES;
  b.joint = (eg_real *)(b.feature + EG_LANES); /* nothing where is_joint is 0 */
  b.bad = (uint8_t *)(b.joint + n_joint * EG_LANES);
  b.ahead = ahead;
  b.tape = NULL;
  b.absorbed = a->absorbing == 0 ? NULL : absorbed_of(a, b.width, b.bad + (size_t)n_points * EG_LANES);
  return b;
}

/* ---- noise and rows made ahead ---- */

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
  const uint64_t capacity = 96 * sizeof(float) / sizeof(eg_noise_real); /* whole EG_STEPS_AT_ONCE, and less than a first-level cache */
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

/* Stage rows from draw q on: at least `need` (<= EG_ROWS_HELD), not beyond `limit`. */
static __attribute__((noinline)) void hold_rows(const eg_launch *a, eg_thread *t, eg_ahead *ahead,
                                                uint64_t realisation, uint64_t q, uint64_t need, uint64_t limit) {
  if (q < ahead->index_first || q + need > ahead->index_last) {
    const uint64_t block = q / 4;
    const uint64_t wanted = (limit + 3) / 4 - block;
    const uint64_t n = wanted < EG_INDEX_BLOCKS ? wanted : EG_INDEX_BLOCKS;
    if (t->listed != NULL) {
      t->fill->listed_rows(a->key, t->listed, block, (int)n, a->n_rows, t->index);
    } else if (a->sampling == 0) {
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
  rows[1].base = staged_rows + EG_ROW_VALUES;
  rows[0].stride = rows[1].stride = EG_LANES;
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

static void load_block(const eg_launch *a, eg_block_state block, uint64_t realisation, uint32_t slot) {
  const eg_real *const state = (const eg_real *)a->state;
  const uint32_t width = (uint32_t)block.width;
  if (!a->is_restart || has_displacement(a)) {
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
  for (uint32_t slot = 0; slot < a->n_lanes; slot += EG_LANES) {
    w.slot = slot;
    w.realisation = a->realisation_first + slot;
    memset(&ahead, 0, sizeof ahead);
    load_block(a, w.block, w.realisation, slot);
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
  }
}

#define EG_IS_WIDENED (EG_DIM == 1 && EG_REAL_BITS != EG_NOISE_BITS && EG_WIDE_LANES < EG_LANES)

/* Increments of EG_WIDE_LANES lanes in the type of the state. */
EG_FN void widen(int normals, const eg_noise_real *noise, eg_real *wide) {
  EG_UNROLL
  for (int k = 0; k < normals; k++) {
    eg_widen_lanes(noise + k * EG_LANES, wide + k * EG_WIDE_LANES);
  }
}

/* One step of lanes first .. first + EG_WIDE_LANES - 1, of the state x; step_fn is a constant. */
EG_FN void step_vector(eg_plain_fn step_fn, int normals, int extra, const eg_params *p, const eg_uniforms *u, int first,
                       eg_real *x, const eg_noise_real *noise, const eg_real *staged) {
  eg_real wide[EG_MOST_WIDE * EG_WIDE_LANES];
  widen(normals, noise + first, wide);
  _Pragma("omp simd")
  for (int l = 0; l < EG_WIDE_LANES; l++) {
    lane_plain(step_fn, extra, p, u, x + first + l, noise + first + l, wide + l, staged + first + l);
  }
}

/* One step of all lanes. */
EG_FN void step_plain(eg_plain_fn step_fn, int normals, int extra, const eg_params *p, const eg_uniforms *u, eg_real *x,
                      const eg_noise_real *noise, const eg_real *staged) {
#if EG_SYMROOT_BLOCK
  if (step_fn == eg_step_euler_symroot || step_fn == eg_step_strang_symroot) {
    step_symroot(step_fn == eg_step_strang_symroot, p, u, x, noise);
    return;
  }
#endif
  if (EG_IS_WIDENED && normals > 0 && normals <= EG_MOST_WIDE) {
    for (int first = 0; first < EG_LANES; first += EG_WIDE_LANES) {
      step_vector(step_fn, normals, extra, p, u, first, x, noise, staged);
    }
    return;
  }
  LANES { lane_plain(step_fn, extra, p, u, x + l, noise + l, NULL, staged + l); }
}

#if EG_STEPS_AT_ONCE > 1
/* The next `times` EG_STEPS_AT_ONCE steps of all lanes, one step after the other: the state of a lane waits for its last step, and
   other lanes fill that time. The steps are unrolled, so that `held` are registers. */
EG_FN void steps_held(eg_plain_fn step_fn, int normals, const eg_params *p, const eg_uniforms *u, eg_real *x,
                      const eg_noise_real *noise, uint64_t times) {
  eg_real held[EG_LANES];
  LANES { held[l] = x[l]; }
  for (; times > 0; times--) {
    EG_UNROLL
    for (int i = 0; i < EG_STEPS_AT_ONCE; i++) {
      EG_UNROLL
      for (int first = 0; first < EG_LANES; first += EG_WIDE_LANES) {
        step_vector(step_fn, normals, 0, p, u, first, held, noise + i * normals * EG_LANES, held);
      }
    }
    noise += EG_STEPS_AT_ONCE * normals * EG_LANES;
  }
  LANES { x[l] = held[l]; }
}
#endif

/* Steps from < .. <= to of one block. */
EG_FN void steps_plain(eg_plain_fn step_fn, int normals, int rows, int extra, int rule_form, const eg_params *params,
                       const eg_launch *a, const eg_uniforms *uniforms, eg_thread *t, eg_block_state block,
                       uint64_t realisation, uint64_t from, uint64_t to) {
  const eg_params own_params = *params; /* copies that no store can reach: coefficients stay in registers */
  eg_uniforms own_uniforms = *uniforms;
  own_uniforms.rule_form = rule_form; /* its value, but known when compiled */
  const eg_params *const p = &own_params;
  const eg_uniforms *const u = &own_uniforms;
  eg_ahead *const ahead = block.ahead;
  uint64_t due = block.tape == NULL ? EG_NEVER : a->record_steps[block.tape->record];
  for (uint64_t step = from; step < to;) {
    uint64_t n = (due < to ? due : to) - step;
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
    uint64_t i = 0;
#if EG_STEPS_AT_ONCE > 1
    if (extra == 0 && rows == 0 && n >= EG_STEPS_AT_ONCE) {
      for (uint32_t point = 0; point < a->n_points; point++) {
        steps_held(step_fn, normals, p, u, block.x + (size_t)point * EG_LANES, noise, n / EG_STEPS_AT_ONCE);
      }
      i = n / EG_STEPS_AT_ONCE * EG_STEPS_AT_ONCE;
      noise += i * (uint64_t)normals * EG_LANES;
    }
#endif
    for (; i < n; i++) {
      if (extra > 0) {
        eg_uniforms_at(&own_uniforms, a, step + i);
      }
      for (uint32_t point = 0; point < a->n_points; point++) {
        eg_real *const x = block.x + (size_t)point * (size_t)(EG_DIM + extra) * EG_LANES;
        step_plain(step_fn, normals, extra, p, u, x, noise, staged);
      }
      noise += normals * EG_LANES;
      staged += (size_t)rows * EG_ROW_VALUES;
    }
    step += n;
    if (step == due) {
      due = make_record(block.tape, block.x);
    }
  }
}

/* A chain has a loop of its own for each form of its rule. */
EG_FN void segment_plain(eg_plain_fn step_fn, int normals, int rows, int extra, const eg_params *p, const eg_launch *a,
                         const eg_uniforms *u, eg_thread *t, eg_block_state block, uint64_t realisation, uint64_t from,
                         uint64_t to) {
  if (extra == 0 || u->rule_form == EG_RULE_CLIPPED) {
    steps_plain(step_fn, normals, rows, extra, EG_RULE_CLIPPED, p, a, u, t, block, realisation, from, to);
  } else if (u->rule_form == EG_RULE_FREE) {
    steps_plain(step_fn, normals, rows, extra, EG_RULE_FREE, p, a, u, t, block, realisation, from, to);
  } else {
    steps_plain(step_fn, normals, rows, extra, EG_RULE_BARE, p, a, u, t, block, realisation, from, to);
  }
}

/* The same for steps that know the time and pull. */
EG_FN void segment_timed(eg_timed_fn step_fn, int normals, int extra, const eg_params *params, const eg_launch *a,
                         const eg_uniforms *uniforms, eg_thread *t, eg_block_state block, uint64_t realisation,
                         uint64_t from, uint64_t to) {
  const eg_params own_params = *params;
  const eg_uniforms own_uniforms = *uniforms;
  const eg_params *const p = &own_params;
  const eg_uniforms *const u = &own_uniforms;
  eg_ahead *const ahead = block.ahead;
  uint64_t who[EG_LANES];
  for (int l = 0; l < EG_LANES; l++) {
    who[l] = t->listed == NULL ? realisation + (uint64_t)l : (t->listed->first & ~0xffffffffull) | t->listed->low[l];
  }
  for (uint64_t step = from; step < to; step++) {
    const uint64_t q = step * (uint64_t)normals;
    if (normals > 0 && (q < ahead->first || q + (uint64_t)normals > ahead->last)) {
      hold_noise(a, t, ahead, realisation, q, (uint64_t)normals, a->step_last * (uint64_t)normals);
    }
    const eg_noise_real *const noise = (const eg_noise_real *)t->noise + (normals > 0 ? q - ahead->first : 0) * EG_LANES;
    const eg_pull pull = eg_pull_of(p, a->key, step, a->h);
    for (uint32_t point = 0; point < a->n_points; point++) {
      eg_real *const x = block.x + (size_t)point * (size_t)(EG_DIM + extra) * EG_LANES;
      LANES { lane_timed(step_fn, extra, p, u, &pull, who[l], x + l, noise + l); }
    }
  }
}

/* The elements of a fold. ROWS: fresh random rows; DATA: all rows in order, one increment each; NODES: fresh random rows,
   one increment each. */
enum { EG_FOLD_ROWS = 0, EG_FOLD_DATA = 1, EG_FOLD_NODES = 2 };

/* The increments of draw q on, `need` of them, where `width` make a row. */
EG_FN const eg_noise_real *noise_from(const eg_launch *a, eg_thread *t, eg_ahead *ahead, uint64_t realisation,
                                      uint64_t q, uint64_t need, uint64_t width) {
  if (q < ahead->first || q + need > ahead->last) {
    hold_noise(a, t, ahead, realisation, q, need, a->step_last * a->fold_count * width);
  }
  return (const eg_noise_real *)t->noise + (q - ahead->first) * EG_LANES;
}

/* Row j of the data, the same for all lanes. */
static const eg_real *spread_row(const eg_launch *a, eg_real *wide, uint64_t j) {
  eg_real row[EG_DIM + 1];
  for (int k = 0; k <= EG_DIM; k++) {
    row[k] = ((const eg_real *)a->rows)[eg_rows_at(a->n_rows, EG_DIM + 1, j, k)];
  }
  for (int k = 0; k <= EG_DIM; k++) {
    LANES { wide[k * EG_LANES + l] = row[k]; }
  }
  return wide;
}

/* The staged row of draw q with noise on its inputs and target: increments q (dim + 1) onwards, the target's the last. */
static __attribute__((noinline)) const eg_real *hold_noisy_row(const eg_launch *a, eg_thread *t,
                                                               const eg_block_state *block, uint64_t realisation, uint64_t q, const eg_real *staged) {
  const uint64_t width = (uint64_t)a->dim + 1;
  const eg_noise_real *const noise = noise_from(a, t, block->ahead, realisation, q * width, width, width);
  for (int k = 0; k <= EG_DIM; k++) {
    const int is_target = k == EG_DIM, is_input = k < (int)a->dim;
    const eg_real size = (eg_real)(is_target ? a->label_noise : (is_input ? a->input_noise : 0.0));
    const eg_noise_real *const z = noise + (is_target ? a->dim : (is_input ? (uint32_t)k : 0u)) * EG_LANES;
    LANES { block->row[k * EG_LANES + l] = eg_mad(size, (eg_real)z[l], staged[k * EG_LANES + l]); }
  }
  return block->row;
}

EG_FN void fold_end_of_form(eg_end_fn end, int extra, int n_acc, int rule_form, const eg_params *p, const eg_uniforms *uniforms,
                            eg_real *x, const eg_real *acc) {
  eg_uniforms own_uniforms = *uniforms;
  own_uniforms.rule_form = rule_form; /* its value, but known when compiled */
  const eg_uniforms *const u = &own_uniforms;
  LANES { lane_end(end, extra, n_acc, p, u, x + l, acc + l); }
}

/* The end of a fold in all lanes. */
EG_FN void fold_end(eg_end_fn end, int extra, int n_acc, const eg_params *p, const eg_uniforms *u, eg_real *x,
                    const eg_real *acc) {
  if (extra == 0 || u->rule_form == EG_RULE_CLIPPED) {
    fold_end_of_form(end, extra, n_acc, EG_RULE_CLIPPED, p, u, x, acc);
  } else if (u->rule_form == EG_RULE_FREE) {
    fold_end_of_form(end, extra, n_acc, EG_RULE_FREE, p, u, x, acc);
  } else {
    fold_end_of_form(end, extra, n_acc, EG_RULE_BARE, p, u, x, acc);
  }
}

/* A fold over fold_count elements a step with the accumulator in memory: any count. */
EG_FN void fold_any(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int source, int n_acc, int extra,
                    const eg_params *p, const eg_launch *a, const eg_uniforms *uniforms, eg_thread *t,
                    eg_block_state block, uint64_t realisation, uint64_t step) {
  eg_uniforms own_uniforms = *uniforms;
  const eg_uniforms *const u = &own_uniforms;
  const uint64_t stride = a->fold_count;
  eg_ahead *const ahead = block.ahead;
  if (extra > 0) {
    eg_uniforms_at(&own_uniforms, a, step);
  }
  const uint64_t count = source == EG_FOLD_DATA ? stride : u->count;
  const int is_noisy = source == EG_FOLD_ROWS && (a->input_noise > 0 || a->label_noise > 0);
  for (uint32_t point = 0; point < a->n_points; point++) {
    eg_real *const x = block.x + (size_t)point * (size_t)(EG_DIM + extra) * EG_LANES;
    LANES { lane_begin(begin, n_acc, p, u, x + l, block.acc + l); }
    for (uint64_t i = 0; i < count; i++) {
      const uint64_t q = step * stride + i;
      const eg_real *row;
      if (source == EG_FOLD_DATA) {
        row = spread_row(a, (eg_real *)t->rows, i);
      } else {
        if (q < ahead->row_first || q >= ahead->row_last) {
          hold_rows(a, t, ahead, realisation, q, 1, a->step_last * stride);
        }
        row = (const eg_real *)t->rows + (q - ahead->row_first) * EG_ROW_VALUES;
      }
      if (source != EG_FOLD_ROWS) {
        const eg_noise_real *const noise = noise_from(a, t, ahead, realisation, q, 1, 1);
        LANES { lane_add(add, n_acc, p, u, x + l, row + l, (eg_real)noise[l], block.acc + l); }
      } else {
        const eg_real weight = i < u->half ? u->weight_first : u->weight_second;
        const eg_real *const drawn = is_noisy ? hold_noisy_row(a, t, &block, realisation, q, row) : row;
        LANES { lane_add(add, n_acc, p, u, x + l, drawn + l, weight, block.acc + l); }
      }
    }
    fold_end(end, extra, n_acc, p, u, x, block.acc);
  }
}

/* The same for a constant count that fits the rows buffer. */
EG_FN void fold_few(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int extra, int count, int rule_form,
                    const eg_params *params, const eg_launch *a, const eg_uniforms *uniforms, eg_thread *t,
                    eg_block_state block, uint64_t realisation, uint64_t from, uint64_t to) {
  const eg_params own_params = *params; /* copies, as in segment_plain */
  eg_uniforms own_uniforms = *uniforms;
  own_uniforms.batch_size = (eg_real)count; /* their values, but known when compiled: a product with 1 vanishes */
  own_uniforms.rule_form = rule_form;
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

/* The same, with a loop for each form of a chain's rule. */
EG_FN void fold_few_by_form(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int extra, int count, const eg_params *p,
                            const eg_launch *a, const eg_uniforms *u, eg_thread *t, eg_block_state block,
                            uint64_t realisation, uint64_t from, uint64_t to) {
  if (extra == 0 || u->rule_form == EG_RULE_CLIPPED) {
    fold_few(begin, add, end, extra, count, EG_RULE_CLIPPED, p, a, u, t, block, realisation, from, to);
  } else if (u->rule_form == EG_RULE_FREE) {
    fold_few(begin, add, end, extra, count, EG_RULE_FREE, p, a, u, t, block, realisation, from, to);
  } else {
    fold_few(begin, add, end, extra, count, EG_RULE_BARE, p, a, u, t, block, realisation, from, to);
  }
}

EG_FN void segment_fold(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int source, int n_acc, int extra,
                        const eg_params *p, const eg_launch *a, const eg_uniforms *u, eg_thread *t, eg_block_state block,
                        uint64_t realisation, uint64_t from, uint64_t to) {
  const int is_plain = source == EG_FOLD_ROWS && !(a->input_noise > 0 || a->label_noise > 0) &&
                       (extra == 0 || !eg_is_scheduled(&a->chain.batch));
  if (is_plain && a->fold_count == 1) {
    fold_few_by_form(begin, add, end, extra, 1, p, a, u, t, block, realisation, from, to);
    return;
  }
  const int is_short = is_plain && (extra == 0 || u->rule_form == EG_RULE_BARE);
  if (is_short && a->fold_count == 2 && EG_ROWS_HELD >= 2) { /* SVAG of single rows, too */
    fold_few(begin, add, end, extra, 2, extra == 0 ? EG_RULE_CLIPPED : EG_RULE_BARE, p, a, u, t, block, realisation, from, to);
    return;
  }
  if (is_short && a->fold_count == 4 && EG_ROWS_HELD >= 4) {
    fold_few(begin, add, end, extra, 4, extra == 0 ? EG_RULE_CLIPPED : EG_RULE_BARE, p, a, u, t, block, realisation, from, to);
    return;
  }
  for (uint64_t step = from; step < to; step++) {
    fold_any(begin, add, end, source, n_acc, extra, p, a, u, t, block, realisation, step);
  }
}

#include "core/joint_cpu.h"

#endif
