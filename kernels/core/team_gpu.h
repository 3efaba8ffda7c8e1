/*
 * The GPU driver of the team form: one warp carries one (tile, point, realisation) through the launch. Vectors lie in
 * device memory, lane l of the warp works on components l, l + 32, ..; numbers that are not vectors are the same in all
 * lanes. With -DEG_THREAD_FORM the host compiles the same text with one thread for the whole warp
 * (tests/conformance/team_twin.c): there EG_EACH takes all components, and eg_dot plays the butterfly of the 32 lanes.
 *
 * As in core/lane_gpu.h a launch takes many tiles (arrays of tile t begin at t times the size of one), and a state that
 * is not finite at a record, or at the end, sends the warp back to its last kept state to find the first bad step.
 */
#ifndef EG_CORE_TEAM_GPU_H
#define EG_CORE_TEAM_GPU_H

#include "core/features.h"
#include "core/permutation.h"

/* -DEG_PERMUTED=1: kernels that draw rows without replacement; -DEG_NOISY=1: that add noise to the rows they draw. */
#ifndef EG_PERMUTED
#define EG_PERMUTED 0
#endif
#ifndef EG_NOISY
#define EG_NOISY 0
#endif
#if EG_PERMUTED
#include "core/permute_gpu.h"
#endif
#if EG_NOISY
#include "core/row_noise_team.h"
#endif

#ifndef EG_TRACED
#define EG_TRACED 0 /* 1: kernels that have the feature noise_trace */
#endif
#if EG_TRACED
#include "core/noise_trace_team.h"
#endif

typedef void (*eg_plain_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows);
typedef void (*eg_begin_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc);
typedef void (*eg_add_fn)(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row, eg_real z,
                          eg_real *acc);
typedef void (*eg_end_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc);

enum { EG_TEAM_PLAIN, EG_TEAM_ROWS, EG_TEAM_DATA };

/* A stepper, constant after inlining. */
typedef struct eg_team_stepper {
  int form, rows; /* rows of a plain step: 0 or 2 */
  int kept;       /* vectors behind x, of chains: 0, 1 or 2; their coefficients change with the step */
  eg_plain_fn step;
  eg_begin_fn begin;
  eg_add_fn add;
  eg_end_fn end;
} eg_team_stepper;

/* Working memory of one warp: the slots of EG_VECTOR, the state, the accumulator and a number per lane behind it; and, where rows are
   drawn without replacement, the permutation. */
EG_FN uint64_t eg_team_work_values(uint64_t dim) {
  return EG_TEAM_VECTORS * dim + EG_TEAM_LANES;
}
EG_FN uint64_t eg_team_piece_values(const eg_launch *a, uint64_t dim) {
  return eg_team_work_values(dim) + eg_team_order_values(a->sampling, a->n_rows, sizeof(eg_real));
}

typedef struct eg_warp {
  uint64_t realisation;
  uint32_t tile, point, slot;
  uint64_t block; /* lane l holds the words of Philox block `block` + l */
  int is_full;    /* something is held */
  uint32_t w[4];
#if EG_PERMUTED
  eg_permuted permuted; /* of lane 0, which makes the permutation alone */
#endif
} eg_warp;

/* ---- draws: 32 Philox blocks at once, one in each lane; a draw is asked from the lane that has it ---- */

EG_FN void eg_warp_block(const eg_launch *a, uint32_t stream, eg_warp *t, uint64_t block, uint32_t w[4]) {
#if EG_DEVICE
  if (!t->is_full || block - t->block >= EG_TEAM_LANES) {
    eg_block(a->key, stream, t->realisation, block + (uint64_t)EG_LANE, t->w);
    t->block = block;
    t->is_full = 1;
  }
  EG_UNROLL
  for (int j = 0; j < 4; j++) {
    w[j] = __shfl_sync(0xffffffffu, t->w[j], (int)(block - t->block));
  }
#else
  eg_block(a->key, stream, t->realisation, block, w);
#endif
}

EG_FN uint32_t eg_word_of(const uint32_t w[4], int j) {
  return j == 0 ? w[0] : (j == 1 ? w[1] : (j == 2 ? w[2] : w[3]));
}

EG_FN eg_row eg_warp_row(const eg_params *p, const eg_uniforms *u, const eg_launch *a, eg_warp *t, uint64_t q) {
  uint32_t w[4];
  eg_warp_block(a, EG_STREAM_ROWS, t, q / 4, w);
  const uint32_t word = eg_word_of(w, (int)(q % 4));
  int32_t j = eg_index_of_word(word, a->n_rows);
  if (eg_index_is_rejected(word, a->n_rows)) {
    j = eg_index_search(a->key, t->realisation, q, a->n_rows);
  }
  return eg_team_row(u->rows, u->n_rows, EG_DIM, (uint64_t)j);
}

/* Row i of a step that takes fold_count of them, with its noise. */
EG_FN eg_row eg_warp_fold_row(const eg_params *p, const eg_uniforms *u, const eg_launch *a, eg_warp *t, uint64_t step, uint64_t i) {
#if EG_PERMUTED
  uint32_t j = 0;
  if (EG_LANE == 0) { /* every draw exchanges two places: one lane makes them all */
    if (i == 0) {
      eg_permuted_step(&t->permuted, a, step);
    }
    j = (uint32_t)eg_permuted_row(&t->permuted, a, t->realisation, (uint32_t)i);
  }
#if EG_DEVICE
  j = __shfl_sync(0xffffffffu, j, 0);
#endif
  const eg_row row = eg_team_row(u->rows, u->n_rows, EG_DIM, (uint64_t)j);
#else
  const eg_row row = eg_warp_row(p, u, a, t, step * a->fold_count + i);
#endif
#if EG_NOISY
  return eg_team_noisy_row(p, a, t->realisation, step * a->fold_count + i, row);
#else
  return row;
#endif
}

/* Draw j of a block without indexing the words by a number that is not constant. */
EG_FN eg_real eg_warp_increment(const eg_launch *a, eg_warp *t, uint64_t q) {
  const int n = eg_kind_per_block(a->kind), j = (int)(q % (uint64_t)n);
  uint32_t w[4];
  eg_warp_block(a, EG_STREAM_NOISE, t, q / (uint64_t)n, w);
  switch (a->kind) {
  case EG_KIND_TABLE5:
    return (eg_real)eg_table5_value(eg_word_of(w, j / 6) >> (5 * (j % 6)) & 31u);
  case EG_KIND_TABLE8:
    return (eg_real)eg_table8_value(eg_word_of(w, j / 4) >> (8 * (j % 4)) & 255u);
  case EG_KIND_TABLE10:
    return (eg_real)eg_table10_value(eg_word_of(w, j / 3) >> (10 * (j % 3)) & 1023u);
  case EG_KIND_TWO_POINT:
    return (eg_real)eg_two_point_value(eg_word_of(w, j / 32) >> (j % 32));
  case EG_KIND_THREE_POINT:
    return (eg_real)eg_three_point_value(eg_word_of(w, j));
  case EG_KIND_GAUSSIAN64: {
    double z0, z1;
    eg_normal2_f64(w, &z0, &z1);
    return (eg_real)(j == 0 ? z0 : z1);
  }
  default: {
    float z0, z1;
    eg_normal2(j < 2 ? w[0] : w[2], j < 2 ? w[1] : w[3], &z0, &z1);
    return (eg_real)(j % 2 == 0 ? z0 : z1);
  }
  }
}

/* ---- one step ---- */

/* The step's coefficients of a chain, for all lanes of the warp. */
EG_FN void eg_warp_uniforms(eg_uniforms *u, const eg_launch *a, uint64_t step) {
  EG_MEET(); /* the last step's have been read */
  if (EG_LANE == 0) {
    eg_uniforms_at(u, a, step);
  }
  EG_MEET();
}

EG_FN void eg_warp_step(const eg_team_stepper *f, const eg_params *p, const eg_uniforms *u, const eg_launch *a, eg_warp *t,
                        eg_real *x, eg_real *acc, uint64_t step) {
  if (f->form == EG_TEAM_PLAIN) {
    eg_noise z;
    eg_row rows[2];
    z.z = 0;
    rows[0] = rows[1] = eg_team_row(u->rows, u->n_rows, EG_DIM, 0);
    if (f->rows == 2) {
      rows[0] = eg_warp_row(p, u, a, t, 2 * step);
      rows[1] = eg_warp_row(p, u, a, t, 2 * step + 1);
    }
    f->step(p, u, x, z, rows);
    return;
  }
  const uint64_t stride = a->fold_count, count = f->kept > 0 && f->form == EG_TEAM_ROWS ? u->count : stride;
  f->begin(p, u, x, acc);
  EG_ROLLED
  for (uint64_t i = 0; i < count; i++) {
    if (f->form == EG_TEAM_DATA) {
      f->add(p, u, x, eg_team_row(u->rows, u->n_rows, EG_DIM, i), eg_warp_increment(a, t, step * stride + i), acc);
    } else {
      const eg_real weight = f->kept == 0 ? (eg_real)0 : i < u->half ? u->weight_first : u->weight_second;
      f->add(p, u, x, eg_warp_fold_row(p, u, a, t, step, i), weight, acc);
    }
  }
  f->end(p, u, x, acc);
}

/* ---- records ---- */

EG_DEFINE_SUM(eg_zeros, eg_real, const eg_real *, const eg_real *, sum + a[k] * b[0]) /* 0, or NaN */

EG_FN int eg_warp_is_finite(const eg_params *p, const eg_real *x) {
  const eg_real zero = 0;
  return eg_zeros(p, x, &zero) == 0;
}

EG_FN double eg_warp_feature(const eg_params *p, const eg_uniforms *u, const eg_launch *a, const eg_warp *t,
                             eg_feature_code code, const eg_real *x) {
  if (code.id == EG_FEATURE_NORM2) {
    return eg_norm2(p, x);
  }
  if (code.id == EG_FEATURE_DISPLACEMENT2) {
    EG_VECTOR(start, EG_SLOT_FEATURE);
    EG_EACH(k) { start[k] = eg_start_value(a, t->realisation, t->point, (uint32_t)k); }
    return eg_displacement2(p, x, start);
  }
  if (code.id == EG_FEATURE_LOSS) {
    return eg_feature_loss(p, u, x);
  }
  if (code.id == EG_FEATURE_GRADIENT_NORM2) {
    return eg_feature_gradient_norm2(p, u, x);
  }
#if EG_TRACED
  if (code.id == EG_FEATURE_NOISE_TRACE) {
    return eg_team_noise_trace(p, u, x);
  }
#endif
  return (double)x[code.component];
}

/* Write the wanted features of a record, or NaN into all; 0 if one of them is not finite. */
EG_FN int eg_warp_record(const eg_params *p, const eg_uniforms *u, const eg_launch *a, const eg_warp *t, uint32_t record,
                         const eg_real *x, int is_masked) {
  const uint64_t row = ((uint64_t)t->tile * a->n_records + record) * a->n_points + t->point;
  double *const out = a->records + row * a->n_features * a->ld + t->slot;
  const uint32_t first = is_masked ? 0 : eg_columns_from(a, record), end = is_masked ? a->n_features : eg_columns_to(a, record);
  double sum = 0;
  EG_MEET();
  EG_ROLLED
  for (uint32_t f = first; f < end; f++) {
    const double value = is_masked ? eg_double_of_bits(0x7ff8000000000000ull) : eg_warp_feature(p, u, a, t, a->features[f], x);
    if (EG_LANE == 0) {
      out[(uint64_t)f * a->ld] = value;
    }
    sum += value * 0.0;
  }
  return sum == 0.0;
}

/* ---- one warp ---- */

/* Component k of x and of all that a chain keeps. */
#define EG_EACH_VALUE(k) EG_ROLLED for (int k = EG_LANE; k < (1 + f->kept) * EG_DIM; k += EG_DEVICE ? EG_TEAM_LANES : 1)

/* warp: 0 <= warp < tiles * n_points * tile; p->team.scratch: eg_team_piece_values of this warp; u: of a chain, of this warp alone. */
EG_FN void eg_warp_advance(const eg_team_stepper *f, const eg_params *p, eg_uniforms *u, const eg_launch *a, uint64_t warp) {
  eg_warp warp_state;
  eg_warp *const t = &warp_state;
  t->slot = (uint32_t)(warp % a->tile);
  t->point = (uint32_t)(warp / a->tile % a->n_points);
  t->tile = (uint32_t)(warp / a->tile / a->n_points);
  t->is_full = 0;
  t->block = 0;
  const uint64_t in_tiles = (uint64_t)t->tile * a->tile + t->slot;
  if (in_tiles >= a->n_lanes) {
    return;
  }
  t->realisation = a->realisation_first + in_tiles;
  eg_real *const x = p->team.scratch + (uint64_t)EG_SLOTS * (uint64_t)EG_DIM;
  eg_real *const acc = x + (1 + f->kept) * EG_DIM;
  const uint64_t place = ((uint64_t)t->tile * a->n_points + t->point) * a->ld + t->slot;
  eg_real *const kept_x = (eg_real *)a->state + place * (uint64_t)((1 + f->kept) * EG_DIM);
  uint64_t first_bad = EG_NEVER;
#if EG_PERMUTED
  eg_permuted_begin_at(&t->permuted, (uint16_t *)(p->team.scratch + eg_team_work_values((uint64_t)EG_DIM)), 1, a->n_rows, (uint32_t)EG_LANE,
                       EG_DEVICE ? EG_TEAM_LANES : 1);
  EG_MEET();
#endif
  if (a->is_restart) {
    first_bad = a->first_bad[place];
    EG_EACH_VALUE(k) { x[k] = kept_x[k]; }
  } else {
    EG_EACH(k) { x[k] = eg_start_value(a, t->realisation, t->point, (uint32_t)k); }
    if (f->kept >= 1) {
      EG_EACH(k) { x[EG_DIM + k] = 0; }
    }
    if (f->kept >= 2) {
      EG_EACH(k) { x[2 * EG_DIM + k] = (eg_real)a->chain.start_square; }
    }
    EG_EACH_VALUE(k) { kept_x[k] = x[k]; }
  }
  uint64_t kept = a->step_first, step = a->step_first;
  int is_search = 0;
  EG_ROLLED
  for (uint32_t record = 0; record <= a->n_records;) {
    const int is_end = record == a->n_records;
    const uint64_t wanted = is_end ? a->step_last : a->record_steps[record];
    EG_ROLLED
    for (; step < wanted; step++) {
      if (f->kept > 0) {
        eg_warp_uniforms(u, a, step);
      }
      eg_warp_step(f, p, u, a, t, x, acc, step);
      if (is_search && first_bad == EG_NEVER && !eg_warp_is_finite(p, x)) {
        first_bad = step + 1;
      }
    }
    int is_bad = is_search;
    if (is_search) {
      first_bad = first_bad == EG_NEVER ? step : first_bad; /* the state is finite, a feature is not */
      is_search = 0;
    } else {
      is_bad = !eg_warp_is_finite(p, x);
      if (!is_end && !is_bad) {
        is_bad = !eg_warp_record(p, u, a, t, record, x, 0);
      }
      if (is_bad && first_bad == EG_NEVER) {
        EG_EACH_VALUE(k) { x[k] = kept_x[k]; }
        t->is_full = 0;
        step = kept;
        is_search = 1;
        continue;
      }
    }
    if (is_bad) {
      EG_EACH(k) { x[k] = (eg_real)eg_double_of_bits(0x7ff8000000000000ull); } /* stays masked for good */
      if (!is_end) {
        (void)eg_warp_record(p, u, a, t, record, x, 1);
      }
    }
    EG_EACH_VALUE(k) { kept_x[k] = x[k]; }
    kept = step;
    record++;
  }
  if (EG_LANE == 0) {
    a->first_bad[place] = first_bad;
  }
}

#endif
