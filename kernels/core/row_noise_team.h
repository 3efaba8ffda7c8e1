/*
 * Noise on the data rows that a team draws (input_noise, label_noise): the same draws as in lane form, increment k of draw q being
 * number q * eg_row_draws + k of the realisation. Inputs take as many as the data have, the target the last one. Both backends.
 */
#ifndef EG_CORE_ROW_NOISE_TEAM_H
#define EG_CORE_ROW_NOISE_TEAM_H

#include "core/single_draws.h"

/* Components of a loop that is no vector loop on the CPU: what it draws from goes from one to the next. */
#define EG_EACH_DRAWN(k, end) EG_ROLLED for (uint32_t k = EG_LANE; k < (end); k += EG_DEVICE ? EG_TEAM_LANES : 1)

/* Four normals of each Philox block from `block` on. */
EG_APART void eg_team_normals(const uint32_t key[2], uint64_t realisation, uint64_t block, int n_blocks, eg_real *z) {
#if EG_DEVICE
  EG_TEAM_LOOP(b, n_blocks) {
    uint32_t w[4];
    float z0, z1, z2, z3;
    eg_block(key, EG_STREAM_NOISE, realisation, block + (uint64_t)b, w);
    eg_normal2(w[0], w[1], &z0, &z1);
    eg_normal2(w[2], w[3], &z2, &z3);
    z[4 * b] = (eg_real)z0;
    z[4 * b + 1] = (eg_real)z1;
    z[4 * b + 2] = (eg_real)z2;
    z[4 * b + 3] = (eg_real)z3;
  }
#else
  enum { TOGETHER_BLOCKS = 16 };
  for (int from = 0; from < n_blocks; from += TOGETHER_BLOCKS) { /* some are made for nothing at the end */
    uint32_t words[4 * TOGETHER_BLOCKS];
    float normals[4 * TOGETHER_BLOCKS];
    _Pragma("omp simd")
    for (int b = 0; b < TOGETHER_BLOCKS; b++) {
      eg_block(key, EG_STREAM_NOISE, realisation, block + (uint64_t)(from + b), words + 4 * b);
    }
    _Pragma("omp simd")
    for (int b = 0; b < 2 * TOGETHER_BLOCKS; b++) {
      eg_normal2(words[2 * b], words[2 * b + 1], normals + 2 * b, normals + 2 * b + 1);
    }
    const int rest = 4 * (n_blocks - from), n = rest < 4 * TOGETHER_BLOCKS ? rest : 4 * TOGETHER_BLOCKS;
    for (int k = 0; k < n; k++) {
      z[4 * from + k] = (eg_real)normals[k];
    }
  }
#endif
}

/* Increments first .. first + n - 1 into z, behind up to three earlier ones; how many comes back. */
EG_FN uint32_t eg_team_draws(const eg_launch *a, uint64_t realisation, uint64_t first, uint32_t n, eg_real *z) {
  if (a->kind == EG_KIND_GAUSSIAN) {
    const uint32_t before = (uint32_t)(first % 4);
    eg_team_normals(a->key, realisation, first / 4, (int)((before + n + 3) / 4), z);
    return before;
  }
  eg_draws draws;
  eg_draws_begin(&draws, a, realisation);
  draws.step = first;
  EG_EACH_DRAWN(k, n) {
    z[k] = eg_draws_increment(&draws, a->kind, 1, k);
  }
  return 0;
}

/* The row of draw q with its noise; inputs in scratch memory, until the next one. */
EG_APART eg_row eg_team_noisy_row(const eg_params *p, const eg_launch *a, uint64_t realisation, uint64_t q, eg_row row) {
  const int dim = (int)a->dim;
  eg_row noisy = row;
  if (a->input_noise > 0.0) {
    const eg_real size = (eg_real)a->input_noise;
    EG_VECTOR(inputs, EG_SLOT_ROW);
    EG_VECTOR(draws, EG_SLOT_ROW_DRAWS);
    EG_MEET(); /* the last row has been read */
    const eg_real *const z = draws + eg_team_draws(a, realisation, q * (a->dim + 1), a->dim + 1, draws);
    EG_MEET();
    EG_EACH(k) { inputs[k] = k < dim ? eg_mad(size, z[k], row.base[k]) : (eg_real)0; } /* padding stays 0 */
    noisy.base = inputs;
    noisy.target = eg_mad((eg_real)a->label_noise, z[dim], row.target);
    EG_MEET();
    return noisy;
  }
  eg_draws draws;
  eg_draws_begin(&draws, a, realisation);
  draws.step = q;
  noisy.target = eg_mad((eg_real)a->label_noise, eg_draws_increment(&draws, a->kind, 1, 0), row.target);
  return noisy;
}

#endif
