/*
 * Milstein's scheme for an Ito SDE (Kloeden and Platen, Numerical Solution of Stochastic Differential Equations, equations
 * (10.3.1) for diagonal and (10.3.16) for commutative noise; Milstein, Theory Probab. Appl. 19 (1974), 557):
 *   x' = x + h b(x) + sum_c b^c dW_c + (1/2) sum_{c,e} (D b^c) b^e (dW_c dW_e - h delta_ce)
 * strong order 1, weak order 1. With dW = sqrt(h) z the double sum is (D V) V - q, where V(x; z) = sum_c b^c(x) z_c is one
 * increment, D V its derivative at fixed z, and q = sum_c (D b^c) b^c the noise-induced drift (model.h):
 *   diagonal   b^k = s_k(x_k) e_k: the bracket is q_k (z_k^2 - 1)
 *   channels   any channels that commute, (D b^c) b^e = (D b^e) b^c; else a Levy area would be needed, and the plan refuses
 */
#if EG_SERVES_SCHEMES && EG_CAPS_NOISE_DRIFT && EG_CAPS_DIAGONAL
EG_FN void eg_step_milstein_diagonal(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z,
                                     const eg_row *rows) {
  eg_real b[EG_DIM], v[EG_DIM], q[EG_DIM];
  const eg_real half = (eg_real)0.5 * (u->noise_scale * u->noise_scale);
  eg_noise_form_diagonal(p, u, x, z, rows, v);
  eg_noise_drift(p, u->staged, x, q);
  eg_full_drift(p, u, x, b);
  EG_EACH(k) {
    const eg_real square = eg_mad(EG_Z(z, k), EG_Z(z, k), (eg_real)-1);
    x[k] = x[k] + eg_mad(u->h, b[k], eg_mad(half * square, q[k], v[k]));
  }
}
#endif

#if EG_SERVES_SCHEMES && EG_CAPS_NOISE_DRIFT && EG_CAPS_CHANNELS_SLOPE
EG_FN void eg_step_milstein_channels(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z,
                                     const eg_row *rows) {
  (void)rows;
  eg_real b[EG_DIM], v[EG_DIM], w[EG_DIM], q[EG_DIM];
  const eg_real half = (eg_real)0.5 * (u->noise_scale * u->noise_scale);
  eg_noise_channels(p, u->staged, x, z, v);
  eg_noise_channels_slope(p, u->staged, x, z, v, w);
  eg_noise_drift(p, u->staged, x, q);
  eg_full_drift(p, u, x, b);
  EG_EACH(k) {
    x[k] = x[k] + eg_mad(u->h, b[k], eg_mad(half, w[k] - q[k], u->noise_scale * v[k]));
  }
}
#endif
