/*
 * The random time change of T. Mori, L. Ziyin, K. Liu, M. Ueda (arXiv 2105.09557, section 2 of their derivation): with the noise
 * Sigma = 2 L(x) H / B of mean-square losses, L = R + loss_offset, and dtau = L(x) dt,
 *   dx = -grad log L(x) dtau + sqrt(2 (eta/B) H) dW,  dt = dtau / L(x):
 * additive noise in the logarithm of the loss. Euler-Maruyama with step h of tau; the physical clock t stands behind x:
 *   t' = t + h / L(x),  x' = x - (h / L(x)) grad R(x) + noise_scale S z,  S S^T = H, noise_scale = sqrt(2 h eta / B).
 * noise_loss = 2 and noise_level = 2 loss_offset, as in the noise form root.
 */
#if EG_CAPS_LOG_TIME
EG_FN void eg_step_log_time_root(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows) {
  (void)rows;
  const eg_real *const root = u->staged + EG_STAGED;
  eg_real g[EG_DIM];
  const eg_real loss = (eg_real)0.5 * eg_mad(u->noise_loss, (eg_real)eg_full_loss(p, u, x), u->noise_level);
  const eg_real span = u->h / loss;
  eg_full_gradient(p, u, x, g);
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    eg_real sum = 0;
    EG_UNROLL
    for (int j = 0; j <= i; j++) {
      sum = eg_mad(root[EG_AT(i, j)], EG_Z(z, j), sum);
    }
    x[i] = x[i] + eg_mad(-span, g[i], u->noise_scale * sum);
  }
  x[EG_DIM] = x[EG_DIM] + span;
}
#endif
