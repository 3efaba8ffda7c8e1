/*
 * Cubic well for escape problems,
 *   L(x) = loss_minimum + x^2 / 2 - x^3 / 3, minimum at 0 of curvature h* = 1, saddle at 1 of curvature -1,
 * with the gradient noise of mean-square losses near a minimum, in which Sigma(x) = 2 L(x) h* for one sample: of sme1,
 *   dx = -L'(x) dt + sqrt(2 T L(x)) dW,  T = eta h* / B
 * (T. Mori, L. Ziyin, K. Liu, M. Ueda, arXiv 2105.09557: decoupling approximation; escape by a power of L_saddle / L_minimum).
 */
#define EG_NAME       "escape-cubic"
#define EG_EQUATION   "R(x) = loss_minimum + x^2 / 2 - x^3 / 3, gradient noise sqrt(2 R(x)) xi"
#define EG_SOURCE     "arXiv 2105.09557"
#define EG_DIM        1
#define EG_IS_PROCESS 0
#define EG_CAPS       (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_DIAGONAL | EG_CAP_CHANNELS)
#define EG_CHANNELS   1
#define EG_STAGED     0
#define EG_PARAMS(P, PV)                                                                                     \
  P(loss_minimum, 0.25, 0.0, 1e12, "loss at the minimum 0")
EG_PARAMS_STRUCT

EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  (void)st;
  const eg_real w = eg_mad((eg_real)(-1.0 / 3.0), x[0], (eg_real)0.5);
  return eg_mad(x[0] * x[0], w, (eg_real)p->loss_minimum);
}

EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  (void)p;
  (void)st;
  g[0] = x[0] * ((eg_real)1 - x[0]);
}

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  eg_gradient(p, st, x, b);
  const eg_real hessian = eg_mad((eg_real)-2, x[0], (eg_real)1);
  b[0] = -b[0] * eg_mad(correction, hessian, (eg_real)1);
}

/* Beyond the barrier of a cubic the loss becomes negative: no noise there. */
EG_FN void eg_noise_diagonal(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *s) {
  const eg_real variance = (eg_real)2 * eg_loss(p, st, x);
  s[0] = eg_root(variance > 0 ? variance : (eg_real)0 * variance);
}

EG_FN void eg_noise_channels(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {
  eg_real s;
  eg_noise_diagonal(p, st, x, &s);
  v[0] = s * EG_Z(z, 0);
}
