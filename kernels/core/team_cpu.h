/*
 * The CPU driver of the team form: one trajectory after the other, vectorised over its components. Up to EG_LANES
 * realisations that share Philox counters are a group: increments and row indices are made ahead for all of them by the
 * fill of the lane form, so both forms draw the same. Layout of the state: (n_points, ld, dim), component fastest; behind
 * the components of a trajectory lie the vectors that a chain keeps.
 */
#ifndef EG_CORE_TEAM_CPU_H
#define EG_CORE_TEAM_CPU_H

#include "core/monitor_cpu.h"
#include "core/noise_trace_team.h"
#include "core/permutation.h"
#include "core/row_noise_team.h"
#include "core/unit_table.h"

typedef void (*eg_plain_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows);
typedef void (*eg_begin_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc);
typedef void (*eg_add_fn)(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row, eg_real z,
                          eg_real *acc);
typedef void (*eg_end_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc);

enum {
  HELD_DRAWS = EG_INDEX_BLOCKS * 4 - 3, /* row indices that the buffer surely holds from any draw on */
  LABELS_HELD = EG_NOISE_BYTES / (EG_LANES * sizeof(double)), /* increments of labels: at least half of them from any draw on */
  FEW_ROWS = 32,                        /* batches up to this are one piece: one accumulator, rows of many steps ahead */
  TOGETHER = 8,                         /* short trajectories advanced in turns: their steps overlap in the processor */
  TOGETHER_DIM = 256
};

/* One group, and where it is. */
typedef struct eg_group {
  const eg_launch *a;
  eg_thread *t;
  uint64_t base;                    /* realisation of lane 0 of the fill: a multiple of EG_LANES */
  uint32_t lane, slot, n;           /* the group's first lane in the fill and slot in the tile; how many */
  uint32_t vectors;                 /* of a trajectory: x, and what a chain keeps */
  uint64_t first, last;             /* draws in the noise buffer */
  uint64_t index_first, index_last; /* draws in the index buffer */
  int noise_is_double;
  uint32_t row_draws;               /* increments of a row that is drawn: 0, or what eg_row_draws says where rows have noise */
  eg_real *backup, *kept, *acc;     /* (n_points, n, vectors, dim) each, acc (n_points, n, dim + EG_TEAM_LANES) */
} eg_group;

typedef void (*eg_segment_fn)(const eg_params *p, const eg_uniforms *u, eg_group *g, uint64_t from, uint64_t to);

static uint32_t padded(uint32_t dim) {
  return (dim + EG_TEAM_LANES - 1) / EG_TEAM_LANES * EG_TEAM_LANES;
}

static uint64_t block_bytes(const eg_launch *a) {
  const uint64_t n = (uint64_t)a->n_points * (a->ld < EG_LANES ? a->ld : EG_LANES), dim = padded(a->dim);
  const uint64_t vectors = a->chain.rate > 0 ? EG_TEAM_KEPT : 1; /* of chains at most; others have no rate */
  return (n * (2 * vectors * dim + dim + EG_TEAM_LANES) + (uint64_t)EG_SLOTS * dim) * sizeof(eg_real);
}

static int is_stopped(const eg_group *g) {
  return g->t->stop != NULL && __atomic_load_n(g->t->stop, __ATOMIC_RELAXED) != 0; /* set by another thread */
}

EG_FN eg_real *state_of(const eg_params *p, const eg_group *g, uint32_t point, uint32_t i) {
  return (eg_real *)g->a->state + ((size_t)point * g->a->ld + g->slot + i) * g->vectors * (size_t)EG_DIM;
}

EG_FN eg_real *acc_of(const eg_params *p, const eg_group *g, uint32_t point, uint32_t i) {
  return g->acc + ((size_t)point * g->n + i) * (size_t)(EG_DIM + EG_TEAM_LANES);
}

/* ---- noise and row indices made ahead ---- */

/* Hold increments from draw q on, about `capacity` of them, not beyond `limit` by more than a Philox block. */
static __attribute__((noinline)) void hold_noise(eg_group *g, uint64_t q, uint64_t limit, uint64_t capacity) {
  const eg_launch *const a = g->a;
  const uint64_t per_block = (uint64_t)eg_kind_per_block(a->kind);
  const uint64_t block = q / per_block, most = capacity / per_block < 1 ? 1 : capacity / per_block;
  const uint64_t wanted = (limit + per_block - 1) / per_block - block;
  const uint64_t n = wanted < most ? wanted : most;
  g->t->fill->fill[a->kind](a->key, g->base, block, (int)n, g->t->noise);
  g->first = block * per_block;
  g->last = (block + n) * per_block;
}

static __attribute__((noinline)) void hold_indices(eg_group *g, uint64_t q, uint64_t limit) {
  const eg_launch *const a = g->a;
  const uint64_t block = q / 4, wanted = (limit + 3) / 4 - block;
  const uint64_t n = wanted < EG_INDEX_BLOCKS ? wanted : EG_INDEX_BLOCKS;
  if (a->sampling == EG_SAMPLE_REPLACEMENT) {
    g->t->fill->fill_rows(a->key, g->base, block, (int)n, a->n_rows, g->t->index);
  } else {
    g->t->fill->fill_permuted(a->key, g->base, block * 4, (int)n * 4, a->n_rows, a->sampling, a->fold_count, g->t->permutation,
                              g->t->index);
  }
  g->index_first = block * 4;
  g->index_last = (block + n) * 4;
}

/* Draw q of trajectory i of the group; held. */
EG_FN eg_real increment_of(const eg_group *g, uint64_t q, uint32_t i) {
  const size_t at = (size_t)(q - g->first) * EG_LANES + g->lane + i;
  return g->noise_is_double ? (eg_real)((const double *)g->t->noise)[at] : (eg_real)((const float *)g->t->noise)[at];
}

/* Do rows have noise on their targets alone? Its increments are made ahead for all lanes, one a row. */
EG_FN int is_labelled(const eg_group *g) {
  return g->row_draws == 1;
}

/* The row of draw q of trajectory i, both held. is_noisy: has it noise? Known when compiled, where rows are short. */
EG_FN eg_row row_of_draw(int is_noisy, const eg_params *p, const eg_uniforms *u, const eg_group *g, uint64_t q, uint32_t i) {
  const int32_t j = g->t->index[(size_t)(q - g->index_first) * EG_LANES + g->lane + i];
  eg_row row = eg_team_row(u->rows, u->n_rows, EG_DIM, (uint64_t)j);
  if (!is_noisy) {
    return row;
  }
  if (is_labelled(g)) {
    row.target = eg_mad((eg_real)g->a->label_noise, increment_of(g, q, i), row.target);
  } else {
    row = eg_team_noisy_row(p, g->a, g->base + g->lane + i, q, row);
  }
  return row;
}

/* Hold what draws q .. q + need - 1 of rows take; the end of what is held. */
EG_FN uint64_t hold_rows(eg_group *g, uint64_t q, uint64_t need, uint64_t limit) {
  if (q < g->index_first || q + need > g->index_last) {
    hold_indices(g, q, limit);
  }
  if (is_labelled(g) && (q < g->first || q + need > g->last)) {
    hold_noise(g, q, limit, LABELS_HELD);
  }
  return is_labelled(g) && g->last < g->index_last ? g->last : g->index_last;
}

/* ---- steps ---- */

/* A step, plain or a short fold, of one trajectory. is_short: vectors of one chunk, known when compiled. */
EG_FN void one_plain(eg_plain_fn step_fn, int rows, int is_short, const eg_params *params, const eg_uniforms *u, const eg_group *g,
                     uint64_t step, uint32_t point, uint32_t i) {
  eg_params own = *params;
  const eg_params *const p = is_short ? &own : params;
  own.team.chunks = is_short ? 1 : params->team.chunks;
  eg_noise z = {NULL};
  eg_row row[2] = {{NULL, 0}, {NULL, 0}};
  for (int r = 0; r < rows; r++) {
    row[r] = row_of_draw(0, p, u, g, step * (uint64_t)rows + (uint64_t)r, i);
  }
  step_fn(p, u, state_of(p, g, point, i), z, row);
}

EG_FN void one_fold(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int is_noisy, const eg_params *p, const eg_uniforms *u,
                    const eg_group *g, uint64_t step, uint32_t point, uint32_t i) {
  eg_real *const x = state_of(p, g, point, i);
  const uint64_t first = step * g->a->fold_count, count = u->count;
  begin(p, u, x, g->acc);
  for (uint64_t b = 0; b < count; b++) {
    add(p, u, x, row_of_draw(is_noisy, p, u, g, first + b, i), b < u->half ? u->weight_first : u->weight_second, g->acc);
  }
  end(p, u, x, g->acc);
}

/* The same for a state of vectors of one chunk, which is known when compiled. */
EG_FN void one_short_chain(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, const eg_params *params, const eg_uniforms *u,
                           const eg_group *g, uint64_t step, uint32_t point, uint32_t i) {
  eg_params own = *params;
  own.team.chunks = 1;
  one_fold(begin, add, end, 0, &own, u, g, step, point, i);
}

#if EG_HAS_SLOPES
/* A fold over one row, of sgd: the only stepper of this form with folds over rows. is_short: vectors of one chunk; is_free: no
   regulariser; is_noisy; all known when compiled. */
EG_FN void one_single(int is_short, int is_free, int is_noisy, const eg_params *params, const eg_uniforms *uniforms, const eg_group *g,
                      uint64_t step, uint32_t point, uint32_t i) {
  eg_params own_params = *params;
  eg_uniforms own_uniforms = *uniforms;
  const eg_params *const p = &own_params;
  const eg_uniforms *const u = &own_uniforms;
  own_params.team.chunks = is_short ? 1 : params->team.chunks;
  own_uniforms.is_free = is_free;
  eg_single_sgd_rows(p, u, state_of(p, g, point, i), row_of_draw(is_noisy, p, u, g, step, i));
}
#endif

/* A fold over few rows for a state of one chunk, known when compiled: state and accumulator stay in registers. */
EG_FN void one_short_fold(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, const eg_params *params, const eg_uniforms *u,
                          const eg_group *g, uint64_t step, uint32_t point, uint32_t i) {
  eg_params own = *params;
  const eg_params *const p = &own;
  own.team.chunks = 1;
  eg_real x[EG_TEAM_LANES], acc[EG_TEAM_LANES];
  eg_real *const state = state_of(p, g, point, i);
  const uint64_t count = g->a->fold_count;
  EG_EACH(k) { x[k] = state[k]; }
  begin(p, u, x, acc);
  for (uint64_t b = 0; b < count; b++) {
    add(p, u, x, row_of_draw(0, p, u, g, step * count + b, i), (eg_real)0, acc);
  }
  end(p, u, x, acc);
  EG_EACH(k) { state[k] = x[k]; }
}

/* Steps from < .. <= to whose `rows` draws each fit the index buffer: AT makes the coefficients of step s, ONE advances
   trajectory i of a point by it. */
#define EG_PIECES(rows, AT, ONE)                                                                               \
  const uint32_t together = EG_DIM <= TOGETHER_DIM ? TOGETHER : 1;                                           \
  for (uint64_t step = from; step < to;) {                                                                   \
    uint64_t n = to - step;                                                                                  \
    if ((rows) > 0) {                                                                                        \
      const uint64_t q = step * (uint64_t)(rows), limit = g->a->step_last * (uint64_t)(rows);                \
      const uint64_t held = (hold_rows(g, q, (uint64_t)(rows), limit) - q) / (uint64_t)(rows);                \
      n = held < n ? held : n;                                                                               \
    }                                                                                                        \
    for (uint32_t first = 0; first < g->n; first += together) {                                              \
      const uint32_t last = first + together < g->n ? first + together : g->n;                               \
      for (uint64_t s = step; s < step + n && !is_stopped(g); s++) {                                         \
        AT;                                                                                                  \
        for (uint32_t i = first; i < last; i++) {                                                            \
          for (uint32_t point = 0; point < g->a->n_points; point++) {                                        \
            ONE;                                                                                             \
          }                                                                                                  \
        }                                                                                                    \
      }                                                                                                      \
    }                                                                                                        \
    step += n;                                                                                               \
  }

EG_FN void segment_plain(eg_plain_fn step_fn, int rows, const eg_params *p, const eg_uniforms *u, eg_group *g,
                         uint64_t from, uint64_t to) {
  EG_PIECES(rows, (void)0, one_plain(step_fn, rows, 0, p, u, g, s, point, i))
}

/* A long fold: the draws in pieces, each for all trajectories, whose accumulators wait in memory. */
EG_FN void long_fold(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int is_data, const eg_params *p,
                     const eg_uniforms *u, eg_group *g, uint64_t step) {
  const uint64_t stride = g->a->fold_count, limit = g->a->step_last * stride, start = step * stride;
  const int is_noisy = g->row_draws > 0;
  for (uint32_t point = 0; point < g->a->n_points; point++) {
    for (uint32_t i = 0; i < g->n; i++) {
      begin(p, u, state_of(p, g, point, i), acc_of(p, g, point, i));
    }
  }
  for (uint64_t q = start, stop = q + (is_data ? stride : u->count); q < stop && !is_stopped(g);) {
    if (is_data && (q < g->first || q >= g->last)) {
      hold_noise(g, q, limit, LABELS_HELD / 8);
    }
    const uint64_t held = is_data ? g->last : hold_rows(g, q, 1, limit), last = held < stop ? held : stop;
    for (uint32_t point = 0; point < g->a->n_points; point++) {
      for (uint32_t i = 0; i < g->n; i++) {
        const eg_real *const x = state_of(p, g, point, i);
        eg_real *const acc = acc_of(p, g, point, i);
        for (uint64_t d = q; d < last; d++) {
          if (is_data) {
            add(p, u, x, eg_team_row(u->rows, u->n_rows, EG_DIM, d - start), increment_of(g, d, i), acc);
          } else {
            add(p, u, x, row_of_draw(is_noisy, p, u, g, d, i), d - start < u->half ? u->weight_first : u->weight_second, acc);
          }
        }
      }
    }
    q = last;
  }
  for (uint32_t point = 0; point < g->a->n_points; point++) {
    for (uint32_t i = 0; i < g->n; i++) {
      end(p, u, state_of(p, g, point, i), acc_of(p, g, point, i));
    }
  }
}

EG_FN void segment_fold(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int is_data, const eg_params *p,
                        const eg_uniforms *u, eg_group *g, uint64_t from, uint64_t to) {
#if EG_HAS_SLOPES
  if (!is_data && g->a->fold_count == 1) {
    const int is_short = p->team.chunks == 1, is_free = eg_regulariser_slope(p, u->staged) == 0;
    if (g->row_draws > 0 && is_short) {
      EG_PIECES(1, (void)0, one_single(1, 0, 1, p, u, g, s, point, i))
    } else if (g->row_draws > 0) {
      EG_PIECES(1, (void)0, one_single(0, 0, 1, p, u, g, s, point, i))
    } else if (is_short && is_free) {
      EG_PIECES(1, (void)0, one_single(1, 1, 0, p, u, g, s, point, i))
    } else if (is_short) {
      EG_PIECES(1, (void)0, one_single(1, 0, 0, p, u, g, s, point, i))
    } else if (is_free) {
      EG_PIECES(1, (void)0, one_single(0, 1, 0, p, u, g, s, point, i))
    } else {
      EG_PIECES(1, (void)0, one_single(0, 0, 0, p, u, g, s, point, i))
    }
    return;
  }
#endif
  if (!is_data && g->a->fold_count <= FEW_ROWS && g->row_draws > 0) {
    EG_PIECES(g->a->fold_count, (void)0, one_fold(begin, add, end, 1, p, u, g, s, point, i))
    return;
  }
  if (!is_data && g->a->fold_count <= FEW_ROWS && p->team.chunks == 1) {
    EG_PIECES(g->a->fold_count, (void)0, one_short_fold(begin, add, end, p, u, g, s, point, i))
    return;
  }
  if (!is_data && g->a->fold_count <= FEW_ROWS) {
    EG_PIECES(g->a->fold_count, (void)0, one_fold(begin, add, end, 0, p, u, g, s, point, i))
    return;
  }
  for (uint64_t step = from; step < to && !is_stopped(g); step++) {
    long_fold(begin, add, end, is_data, p, u, g, step);
  }
}

/* Chains with a memory: their coefficients change with the step, their state is all in memory. */
EG_FN void segment_chain(eg_begin_fn begin, eg_add_fn add, eg_end_fn end, int is_data, const eg_params *p,
                         const eg_uniforms *uniforms, eg_group *g, uint64_t from, uint64_t to) {
  eg_uniforms own = *uniforms;
  const eg_uniforms *const u = &own;
  if (!is_data && g->a->fold_count <= FEW_ROWS && g->row_draws > 0) {
    EG_PIECES(g->a->fold_count, eg_uniforms_at(&own, g->a, s), one_fold(begin, add, end, 1, p, u, g, s, point, i))
    return;
  }
  if (!is_data && g->a->fold_count <= FEW_ROWS && p->team.chunks == 1) {
    EG_PIECES(g->a->fold_count, eg_uniforms_at(&own, g->a, s), one_short_chain(begin, add, end, p, u, g, s, point, i))
    return;
  }
  if (!is_data && g->a->fold_count <= FEW_ROWS) {
    EG_PIECES(g->a->fold_count, eg_uniforms_at(&own, g->a, s), one_fold(begin, add, end, 0, p, u, g, s, point, i))
    return;
  }
  for (uint64_t step = from; step < to && !is_stopped(g); step++) {
    eg_uniforms_at(&own, g->a, step);
    long_fold(begin, add, end, is_data, p, u, g, step);
  }
}

/* Plain steps with vectors behind x: coefficients change with the step. */
EG_FN void segment_plain_chain(eg_plain_fn step_fn, int rows, const eg_params *p, const eg_uniforms *uniforms, eg_group *g,
                               uint64_t from, uint64_t to) {
  eg_uniforms own = *uniforms;
  const eg_uniforms *const u = &own;
  if (p->team.chunks == 1) {
    EG_PIECES(rows, eg_uniforms_at(&own, g->a, s), one_plain(step_fn, rows, 1, p, u, g, s, point, i))
  } else {
    EG_PIECES(rows, eg_uniforms_at(&own, g->a, s), one_plain(step_fn, rows, 0, p, u, g, s, point, i))
  }
}

/* ---- records ---- */

static double feature_of(const eg_params *p, const eg_uniforms *u, const eg_group *g, eg_feature_code code,
                         uint32_t point, uint32_t i) {
  const eg_real *const x = state_of(p, g, point, i);
  switch (code.id) {
  case EG_FEATURE_NORM2:
    return eg_norm2(p, x);
  case EG_FEATURE_DISPLACEMENT2: {
    EG_VECTOR(start, EG_SLOT_FEATURE);
    for (int k = 0; k < EG_DIM; k++) {
      start[k] = eg_start_value(g->a, g->base + g->lane + i, point, (uint32_t)k);
    }
    return eg_displacement2(p, x, start);
  }
  case EG_FEATURE_LOSS:
    return eg_feature_loss(p, u, x);
  case EG_FEATURE_GRADIENT_NORM2:
    return eg_feature_gradient_norm2(p, u, x);
  case EG_FEATURE_NOISE_TRACE:
    return eg_team_noise_trace(p, u, x);
  default:
    return (double)x[code.component];
  }
}

/* ---- monitors ---- */

/* Look at all trajectories behind a step; at the start of the run if `is_start`. */
static __attribute__((noinline)) void look_at_group(const eg_params *p, const eg_uniforms *u, const eg_group *g, uint64_t step,
                                                    int is_start) {
  const eg_launch *const a = g->a;
  for (uint32_t m = 0; m < a->n_monitors; m++) {
    for (uint32_t point = 0; point < a->n_points && (is_start || eg_monitor_is_open(&a->monitors[m], step)); point++) {
      for (uint32_t i = 0; i < g->n; i++) {
        const double f = feature_of(p, u, g, a->monitors[m].feature, point, i);
        double *const monitors = monitors_of(a, point, g->slot + i);
        if (is_start) {
          begin_monitor(a, monitors, m, f);
        } else {
          step_monitor(a, monitors, m, step, f);
        }
      }
    }
  }
}

/* Steps of a group, one by one where monitors look at each. */
static void advance_group(eg_segment_fn segment, const eg_params *p, const eg_uniforms *u, eg_group *g, uint64_t from,
                          uint64_t to) {
  if (g->a->n_monitors == 0) {
    segment(p, u, g, from, to);
    return;
  }
  for (uint64_t step = from; step < to && !is_stopped(g); step++) {
    segment(p, u, g, step, step + 1);
    look_at_group(p, u, g, step + 1, 0);
  }
}

static int is_finite_state(const eg_params *p, const eg_real *x) {
  eg_real sum = 0; /* 0, or NaN */
  _Pragma("omp simd reduction(+ : sum)")
  for (int k = 0; k < EG_DIM; k++) {
    sum += x[k] * (eg_real)0;
  }
  return sum == 0;
}

static void copy_states(const eg_params *p, const eg_group *g, eg_real *to, const eg_real *from) {
  const size_t values = (size_t)EG_DIM * g->vectors * g->n, bytes = values * sizeof(eg_real); /* a point's states lie one after the other */
  for (uint32_t point = 0; point < g->a->n_points; point++) {
    const size_t at = (size_t)point * values;
    if (to != NULL) {
      memcpy(to + at, state_of(p, g, point, 0), bytes);
    } else {
      memcpy(state_of(p, g, point, 0), from + at, bytes);
    }
  }
}

/* The rare path: repeat the segment from the backup, step by step. */
static __attribute__((noinline, cold)) void find_first_bad(eg_segment_fn segment, const eg_params *p,
                                                           const eg_uniforms *u, eg_group *g, uint64_t from,
                                                           uint64_t to) {
  copy_states(p, g, g->kept, NULL);
  copy_states(p, g, NULL, g->backup);
  for (uint64_t step = from; step < to && !is_stopped(g); step++) {
    segment(p, u, g, step, step + 1);
    for (uint32_t point = 0; point < g->a->n_points; point++) {
      for (uint32_t i = 0; i < g->n; i++) {
        uint64_t *const first_bad = g->a->first_bad + (size_t)point * g->a->ld + g->slot + i;
        if (*first_bad == EG_NEVER && !is_finite_state(p, state_of(p, g, point, i))) {
          *first_bad = step + 1;
        }
      }
    }
  }
  copy_states(p, g, NULL, g->kept);
}

static void mask(const eg_params *p, const eg_group *g, double *out, uint32_t point, uint32_t i) {
  eg_real *const x = state_of(p, g, point, i);
  for (int k = 0; k < EG_DIM; k++) { /* stays masked for good */
    x[k] = (eg_real)eg_double_of_bits(0x7ff8000000000000ull);
  }
  for (uint32_t f = 0; f < g->a->n_features; f++) {
    out[(size_t)f * g->a->ld] = eg_double_of_bits(0x7ff8000000000000ull);
  }
}

static __attribute__((noinline)) void record_group(eg_segment_fn segment, const eg_params *p, const eg_uniforms *u,
                                                   eg_group *g, uint32_t record, uint64_t from, uint64_t to) {
  const eg_launch *const a = g->a;
  int is_searched = 0;
  for (uint32_t point = 0; point < a->n_points; point++) {
    for (uint32_t i = 0; i < g->n && !is_stopped(g); i++) {
      double *const out = a->records + ((size_t)record * a->n_points + point) * a->n_features * a->ld + g->slot + i;
      uint64_t *const first_bad = a->first_bad + (size_t)point * a->ld + g->slot + i;
      double sum = is_finite_state(p, state_of(p, g, point, i)) ? 0 : 1;
      for (uint32_t f = eg_columns_from(a, record); f < eg_columns_to(a, record) && sum == 0.0; f++) {
        const eg_feature_code code = a->features[f];
        out[(size_t)f * a->ld] = is_monitor_column(code) ? monitor_column(a, monitors_of(a, point, g->slot + i), code, to)
                                                         : feature_of(p, u, g, code, point, i);
        sum += out[(size_t)f * a->ld] * 0.0;
      }
      if (sum == 0.0) {
        continue;
      }
      if (!is_searched && *first_bad == EG_NEVER) {
        find_first_bad(segment, p, u, g, from, to);
        is_searched = 1;
      }
      if (*first_bad == EG_NEVER) {
        *first_bad = to; /* the state is finite, a feature is not */
      }
      mask(p, g, out, point, i);
    }
  }
}

/* Steps behind the last record: the next launch has no backup of where they began. */
static __attribute__((noinline)) void end_group(eg_segment_fn segment, const eg_params *p, const eg_uniforms *u, eg_group *g,
                                                uint64_t from, uint64_t to) {
  int is_searched = 0;
  copy_states(p, g, g->backup, NULL);
  advance_group(segment, p, u, g, from, to);
  for (uint32_t point = 0; point < g->a->n_points; point++) {
    for (uint32_t i = 0; i < g->n && !is_searched && !is_stopped(g); i++) {
      const uint64_t first_bad = g->a->first_bad[(size_t)point * g->a->ld + g->slot + i];
      if (first_bad == EG_NEVER && !is_finite_state(p, state_of(p, g, point, i))) {
        find_first_bad(segment, p, u, g, from, to);
        is_searched = 1;
      }
    }
  }
}

/* ---- one group through all steps of the launch ---- */

static void begin_group(const eg_params *p, const eg_uniforms *u, const eg_group *g) {
  for (uint32_t point = 0; point < g->a->n_points; point++) {
    for (uint32_t i = 0; i < g->n; i++) {
      eg_real *const x = state_of(p, g, point, i);
      for (int k = 0; k < EG_DIM; k++) {
        x[k] = eg_start_value(g->a, g->base + g->lane + i, point, (uint32_t)k);
      }
      for (size_t k = (size_t)EG_DIM; k < (size_t)EG_DIM * g->vectors; k++) { /* of a chain */
        x[k] = k >= 2 * (size_t)EG_DIM ? (eg_real)g->a->chain.start_square : (eg_real)0;
      }
      g->a->first_bad[(size_t)point * g->a->ld + g->slot + i] = EG_NEVER;
    }
  }
  look_at_group(p, u, g, 0, 1);
}

static void lay_out(const eg_params *p, eg_group *g, eg_real *block) {
  const size_t states = (size_t)g->a->n_points * g->n * g->vectors * (size_t)EG_DIM;
  g->backup = block;
  g->kept = g->backup + states;
  g->acc = g->kept + states;
}

/* kept: vectors behind x. */
static __attribute__((noinline)) void drive(eg_segment_fn segment, uint32_t kept, const void *params, const eg_launch *a,
                                            eg_thread *t) {
  eg_params own;
  memcpy(&own, params, offsetof(eg_params, team)); /* the doubles of the parameter table */
  own.team.chunks = padded(a->dim) / EG_TEAM_LANES;
  own.team.scratch = (eg_real *)t->block;
  const eg_params *const p = &own;
  const eg_uniforms uniforms = eg_uniforms_of(a);
  for (uint32_t slot = 0; slot < a->n_lanes;) {
    const uint64_t realisation = a->realisation_first + slot;
    eg_group g;
    memset(&g, 0, sizeof g);
    g.a = a;
    g.t = t;
    g.lane = (uint32_t)(realisation % EG_LANES);
    g.base = realisation - g.lane;
    g.slot = slot;
    g.n = EG_LANES - g.lane < a->n_lanes - slot ? EG_LANES - g.lane : a->n_lanes - slot;
    g.vectors = 1 + kept;
    g.noise_is_double = a->kind == EG_KIND_GAUSSIAN64;
    g.row_draws = eg_has_row_noise(a) ? eg_row_draws(a) : 0;
    lay_out(p, &g, own.team.scratch + (size_t)EG_SLOTS * (size_t)EG_DIM);
    if (!a->is_restart) {
      begin_group(p, &uniforms, &g);
    }
    uint64_t step = a->step_first;
    for (uint32_t r = 0; r < a->n_records && !is_stopped(&g); r++) {
      const uint64_t from = step;
      copy_states(p, &g, g.backup, NULL);
      advance_group(segment, p, &uniforms, &g, from, a->record_steps[r]);
      step = a->record_steps[r] > step ? a->record_steps[r] : step;
      record_group(segment, p, &uniforms, &g, r, from, step);
    }
    if (step < a->step_last) {
      end_group(segment, p, &uniforms, &g, step, a->step_last);
    }
    slot += g.n;
  }
}

#endif
