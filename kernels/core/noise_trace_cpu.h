/* Feature noise_trace of a block of realisations: core/noise_trace.h says what it is. Part of core/watch_cpu.h. */
#ifndef EG_CORE_NOISE_TRACE_CPU_H
#define EG_CORE_NOISE_TRACE_CPU_H

#include "core/noise_trace.h"

#if EG_CAPS_LOSS && EG_CAPS_ROWS

EG_FN void lane_trace_mean(const eg_params *p, const eg_uniforms *u, const eg_real *block, eg_row row, eg_real weight, eg_real *mean) {
  eg_real x[EG_DIM], g[EG_DIM];
  lane_load(block, EG_DIM, x);
  lane_load(mean, EG_DIM, g);
  eg_add_row_gradient(p, u->staged, x, row, weight, g);
  lane_store(mean, EG_DIM, g);
}

/* *out += |g_row - mean|^2 */
EG_FN void lane_trace_add(const eg_params *p, const eg_uniforms *u, const eg_real *block, eg_row row, const eg_real *mean, double *out) {
  eg_real x[EG_DIM], m[EG_DIM];
  lane_load(block, EG_DIM, x);
  lane_load(mean, EG_DIM, m);
  *out = *out + eg_row_deviation2(p, u, x, row, m);
}

static void block_noise_trace(const eg_params *p, const eg_uniforms *u, const eg_real *x, double *out) {
  eg_real mean[EG_DIM * EG_LANES], copy[EG_DIM + 1];
  const eg_real weight = (eg_real)(1.0 / (double)u->n_rows);
  const eg_row row = {copy, 1};
  memset(mean, 0, sizeof mean);
  LANES { out[l] = 0; }
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t j = 0; j < u->n_rows; j++) {
      for (int k = 0; k <= EG_DIM; k++) {
        copy[k] = u->rows[eg_rows_at(u->n_rows, EG_DIM + 1, j, k)];
      }
      if (pass == 0) {
        LANES { lane_trace_mean(p, u, x + l, row, weight, mean + l); }
      } else {
        LANES { lane_trace_add(p, u, x + l, row, mean + l, out + l); }
      }
    }
  }
  LANES { out[l] = out[l] / (double)u->n_rows; }
}

#elif EG_CAPS_LOSS && (EG_CAPS_DIAGONAL || EG_CAPS_COVARIANCE)

EG_FN void lane_noise_trace(const eg_params *p, const eg_uniforms *u, const eg_real *block, double *out) {
  eg_real x[EG_DIM];
  lane_load(block, EG_DIM, x);
  *out = eg_model_noise_trace(p, u, x);
}

static void block_noise_trace(const eg_params *p, const eg_uniforms *u, const eg_real *x, double *out) {
  LANES { lane_noise_trace(p, u, x + l, out + l); }
}

#endif
#endif
