/*
 * Feature noise_trace (core/noise_trace.h) in team form, for core/team_cpu.h and, with -DEG_TRACED=1, core/team_gpu.h: two passes over all
 * data rows in scratch vectors.
 */
#ifndef EG_CORE_NOISE_TRACE_TEAM_H
#define EG_CORE_NOISE_TRACE_TEAM_H

#if EG_CAPS_LOSS && EG_CAPS_ROWS
/* Rows in their order and components by one tree, so bits agree between CPU and GPU. */
EG_FN double eg_team_noise_trace(const eg_params *p, const eg_uniforms *u, const eg_real *x) {
  EG_VECTOR(mean, EG_SLOT_FEATURE);
  EG_VECTOR(g, EG_SLOT_GRADIENT);
  const eg_real weight = (eg_real)(1.0 / (double)u->n_rows);
  double sum = 0;
  EG_EACH(k) { mean[k] = 0; }
  EG_ROLLED
  for (uint32_t j = 0; j < u->n_rows; j++) {
    eg_add_row_gradient(p, u->staged, x, eg_team_row(u->rows, u->n_rows, EG_DIM, j), weight, mean);
  }
  EG_ROLLED
  for (uint32_t j = 0; j < u->n_rows; j++) {
    EG_EACH(k) { g[k] = -mean[k]; }
    eg_add_row_gradient(p, u->staged, x, eg_team_row(u->rows, u->n_rows, EG_DIM, j), (eg_real)1, g);
    sum = sum + (double)eg_norm2(p, g);
  }
  return sum / (double)u->n_rows;
}
#endif

#endif
