/*
 * Feature noise_trace: the trace of the covariance of one sample's gradient at x, tr Sigma(x) = E |g_J|^2 - |E g_J|^2. Of data rows by
 * two passes over all of them, (1/n) sum_j |g_j - mean|^2; else from the model's own deviations or covariance. Part of core/watch_cpu.h.
 */
#ifndef EG_CORE_NOISE_TRACE_CPU_H
#define EG_CORE_NOISE_TRACE_CPU_H

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
  eg_real x[EG_DIM], g[EG_DIM];
  double sum = 0;
  lane_load(block, EG_DIM, x);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    g[k] = -mean[k * EG_LANES];
  }
  eg_add_row_gradient(p, u->staged, x, row, (eg_real)1, g);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    sum = sum + (double)g[k] * (double)g[k];
  }
  *out = *out + sum;
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
  double sum = 0;
  lane_load(block, EG_DIM, x);
#if EG_CAPS_DIAGONAL
  eg_real s[EG_DIM];
  eg_noise_diagonal(p, u->staged, x, s);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    sum = sum + (double)s[k] * (double)s[k];
  }
#else
  eg_real C[EG_DIM * (EG_DIM + 1) / 2];
  eg_covariance(p, u->staged, x, C);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    sum = sum + (double)C[k * (k + 1) / 2 + k];
  }
#endif
  *out = sum;
}

static void block_noise_trace(const eg_params *p, const eg_uniforms *u, const eg_real *x, double *out) {
  LANES { lane_noise_trace(p, u, x + l, out + l); }
}

#endif
#endif
