/*
 * The drift flow over half a step, and gradient flow dx = -grad R dt (arXiv 2302.07125, section 1) made of two of them.
 * Exact where the model has a closed form (EG_CAP_FLOW: affine drifts), else one classical Runge-Kutta step of order 4.
 */
#if EG_CAPS_DRIFT
EG_FN void eg_half_flow(const eg_params *p, const eg_uniforms *u, eg_real *x) {
#if EG_CAPS_FLOW
  eg_flow(p, u->staged, x);
#else
  const eg_real h = (eg_real)0.5 * u->h;
  eg_real k1[EG_DIM], k2[EG_DIM], k3[EG_DIM], k4[EG_DIM], y[EG_DIM];
  eg_drift(p, u->staged, u->correction, x, k1);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    y[k] = eg_mad((eg_real)0.5 * h, k1[k], x[k]);
  }
  eg_drift(p, u->staged, u->correction, y, k2);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    y[k] = eg_mad((eg_real)0.5 * h, k2[k], x[k]);
  }
  eg_drift(p, u->staged, u->correction, y, k3);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    y[k] = eg_mad(h, k3[k], x[k]);
  }
  eg_drift(p, u->staged, u->correction, y, k4);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real sum = k1[k] + (eg_real)2 * (k2[k] + k3[k]) + k4[k];
    x[k] = eg_mad(h * (eg_real)(1.0 / 6.0), sum, x[k]);
  }
#endif
}

EG_FN void eg_step_gradient_flow(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z,
                                 const eg_row *rows) {
  (void)z;
  (void)rows;
  EG_GPU_ROLLED /* else ptxas keeps the constants of both halves in registers, and has too few from dimension 12 on */
  for (int half = 0; half < 2; half++) {
    eg_half_flow(p, u, x);
  }
}
#endif
