/*
 * The drift flow over half a step, and gradient flow dx = -grad R dt (arXiv 2302.07125, section 1) made of two of them.
 * Exact where the model has a closed form (EG_CAP_FLOW: affine drifts), else one classical Runge-Kutta step of order 4.
 */
#if EG_CAPS_DRIFT
EG_FN void eg_half_flow_of(const eg_params *p, const eg_uniforms *u, const eg_real *staged, eg_real *x) {
#if EG_CAPS_FLOW
  (void)u;
  eg_flow(p, staged, x);
#else
  (void)staged;
  const eg_real h = (eg_real)0.5 * u->h;
  EG_VECTOR(k1, EG_SLOT_RUNGE_1);
  EG_VECTOR(k2, EG_SLOT_RUNGE_2);
  EG_VECTOR(k3, EG_SLOT_RUNGE_3);
  EG_VECTOR(k4, EG_SLOT_RUNGE_4);
  EG_VECTOR(y, EG_SLOT_RUNGE_Y);
  eg_full_drift(p, u, x, k1);
  EG_EACH(k) {
    y[k] = eg_mad((eg_real)0.5 * h, k1[k], x[k]);
  }
  eg_full_drift(p, u, y, k2);
  EG_EACH(k) {
    y[k] = eg_mad((eg_real)0.5 * h, k2[k], x[k]);
  }
  eg_full_drift(p, u, y, k3);
  EG_EACH(k) {
    y[k] = eg_mad(h, k3[k], x[k]);
  }
  eg_full_drift(p, u, y, k4);
  EG_EACH(k) {
    const eg_real sum = k1[k] + (eg_real)2 * (k2[k] + k3[k]) + k4[k];
    x[k] = eg_mad(h * (eg_real)(1.0 / 6.0), sum, x[k]);
  }
#endif
}

EG_FN void eg_half_flow(const eg_params *p, const eg_uniforms *u, eg_real *x) {
  eg_half_flow_of(p, u, u->staged, x);
}

/* The second one of a step. */
EG_FN void eg_other_half_flow(const eg_params *p, const eg_uniforms *u, eg_real *x) {
  eg_half_flow_of(p, u, EG_STAGED_AGAIN(u), x);
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
