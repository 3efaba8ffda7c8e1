/*
 * Feature noise_trace: the trace of the covariance of one sample's gradient at x, tr Sigma(x) = E |g_J|^2 - |E g_J|^2. Of data rows by
 * two passes over all of them, (1/n) sum_j |g_j - mean|^2; else from the model's own deviations or covariance. What one trajectory
 * adds, for both drivers of the lane form: core/noise_trace_cpu.h and, with -DEG_TRACED=1, core/lane_gpu.h.
 */
#ifndef EG_CORE_NOISE_TRACE_H
#define EG_CORE_NOISE_TRACE_H

#if EG_CAPS_LOSS && EG_CAPS_ROWS

/* |g_row - mean|^2 */
EG_FN double eg_row_deviation2(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row, const eg_real *mean) {
  eg_real g[EG_DIM];
  double sum = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    g[k] = -mean[k];
  }
  eg_add_row_gradient(p, u->staged, x, row, (eg_real)1, g);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    sum = sum + (double)g[k] * (double)g[k];
  }
  return sum;
}

#elif EG_CAPS_LOSS && (EG_CAPS_DIAGONAL || EG_CAPS_COVARIANCE)

EG_FN double eg_model_noise_trace(const eg_params *p, const eg_uniforms *u, const eg_real *x) {
  double sum = 0;
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
  return sum;
}

#endif
#endif
