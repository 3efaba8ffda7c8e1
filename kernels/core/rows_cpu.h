/*
 * Data rows of a step on the CPU: row numbers are drawn ahead for all lanes of a block, rows are staged for as many lanes as a vector
 * has, right before these make their step. So the shuffles of one group overlap with the arithmetic of another: SGD on rows of 8
 * doubles takes 1.1 ns, where it took 1.5 with the rows of four steps staged for all lanes first. Part of core/lane_cpu.h.
 */
#ifndef EG_CORE_ROWS_CPU_H
#define EG_CORE_ROWS_CPU_H

/* Lanes whose rows are staged at once. */
#if EG_WIDE_LANES < EG_LANES
#define EG_GROUP EG_WIDE_LANES
#else
#define EG_GROUP 8
#endif
#define EG_GROUP_ROW ((EG_DIM + 1) * EG_GROUP)
#define GROUP_LANES  _Pragma("omp simd") for (int l = 0; l < EG_GROUP; l++)

#include "core/stage_cpu.h"
#include "core/widen_cpu.h"

static __attribute__((noinline)) void draw_index(const eg_launch *a, eg_thread *t, eg_ahead *ahead, uint64_t realisation, uint64_t q,
                                                 uint64_t limit) {
  const uint64_t block = q / 4;
  const uint64_t wanted = (limit + 3) / 4 - block;
  const uint64_t n = wanted < EG_INDEX_BLOCKS ? wanted : EG_INDEX_BLOCKS;
  if (t->listed != NULL) {
    t->fill->listed_rows(a->key, t->listed, block, (int)n, a->n_rows, t->index);
  } else if (a->sampling == 0) {
    t->fill->fill_rows(a->key, realisation, block, (int)n, a->n_rows, t->index);
  } else {
    t->fill->fill_permuted(a->key, realisation, block * 4, (int)n * 4, a->n_rows, a->sampling, a->fold_count, t->permutation,
                           t->index);
  }
  ahead->index_first = block * 4;
  ahead->index_last = (block + n) * 4;
}

/* Row numbers of draws q .. ahead->index_last - 1, at least `need` of them (up to 61), none of them from `limit` on that would cost a
   Philox block. */
EG_FN const int32_t *hold_index(const eg_launch *a, eg_thread *t, eg_ahead *ahead, uint64_t realisation, uint64_t q, uint64_t need,
                                uint64_t limit) {
  if (q < ahead->index_first || q + need > ahead->index_last) {
    draw_index(a, t, ahead, realisation, q, limit);
  }
  return t->index + (q - ahead->index_first) * EG_LANES;
}

/* Rows of `count` draws (constant) of a group, whose first lane is that of `index`: column k of row i is at (i, k, EG_GROUP). */
EG_FN void stage_group(const eg_launch *a, const int32_t *index, int count, eg_real *staged) {
  EG_UNROLL
  for (int i = 0; i < count; i++) {
    eg_stage_row((const eg_real *)a->rows, a->n_rows, EG_DIM + 1, index + i * EG_LANES, staged + i * EG_GROUP_ROW);
  }
}

/* Increments of a group in the type of the state. */
EG_FN void widen_group(const eg_noise_real *noise, eg_real *wide) {
#if EG_GROUP == EG_WIDE_LANES
  eg_widen_lanes(noise, wide);
#else
  GROUP_LANES { wide[l] = (eg_real)noise[l]; }
#endif
}

EG_FN void add_column_noise(eg_real scale, const eg_noise_real *z, eg_real *column) {
  eg_real wide[EG_GROUP];
  widen_group(z, wide);
  GROUP_LANES { column[l] = eg_mad(scale, wide[l], column[l]); }
}

/* Noise on them: on the inputs if these have any, then on the target. z: increments of the group's first lane. */
EG_FN void add_row_noise(const eg_launch *a, const eg_noise_real *z, int count, eg_real *staged) {
  const eg_real on_input = (eg_real)a->input_noise, on_target = (eg_real)a->label_noise;
  EG_UNROLL
  for (int i = 0; i < count; i++) {
    eg_real *const row = staged + i * EG_GROUP_ROW;
    if (a->input_noise > 0.0) {
      EG_UNROLL
      for (int k = 0; k < EG_DIM; k++) {
        if (k < (int)a->dim) {
          add_column_noise(on_input, z, row + k * EG_GROUP);
          z += EG_LANES;
        }
      }
    }
    add_column_noise(on_target, z, row + EG_DIM * EG_GROUP);
    z += EG_LANES;
  }
}

#endif
