/*
 * Noise on the data rows that a team draws (input_noise, label_noise): the same draws as in lane form, increment k of draw q being
 * number q * eg_row_draws + k of the realisation. Inputs take as many as the data have, the target the last one. Both backends.
 */
#ifndef EG_CORE_ROW_NOISE_TEAM_H
#define EG_CORE_ROW_NOISE_TEAM_H

#include "core/single_draws.h"

/* Components of a loop that is no vector loop on the CPU: what it draws from goes from one to the next. */
#define EG_EACH_DRAWN(k, end) EG_ROLLED for (uint32_t k = EG_LANE; k < (end); k += EG_DEVICE ? EG_TEAM_LANES : 1)

/* Increments first .. first + n - 1 into z, behind up to three earlier ones; how many comes back. */
EG_FN uint32_t eg_team_draws(const eg_launch *a, uint64_t realisation, uint64_t first, uint32_t n, eg_real *z) {
  if (a->kind == EG_KIND_GAUSSIAN) { /* four normals a block: each lane makes all of its own */
    const uint64_t block = first / 4;
    const uint32_t before = (uint32_t)(first % 4);
    const int n_blocks = (int)((before + n + 3) / 4);
    EG_TEAM_LOOP(b, n_blocks) {
      uint32_t w[4];
      float z0, z1, z2, z3;
      eg_block(a->key, EG_STREAM_NOISE, realisation, block + (uint64_t)b, w);
      eg_normal2(w[0], w[1], &z0, &z1);
      eg_normal2(w[2], w[3], &z2, &z3);
      z[4 * b] = (eg_real)z0;
      z[4 * b + 1] = (eg_real)z1;
      z[4 * b + 2] = (eg_real)z2;
      z[4 * b + 3] = (eg_real)z3;
    }
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
EG_FN eg_row eg_team_noisy_row(const eg_params *p, const eg_launch *a, uint64_t realisation, uint64_t q, eg_row row) {
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
