/* Double well R(x) = -a x^2/2 + b x^4/4 with gradient noise of standard deviation sigma: minima at +-sqrt(a/b), barrier
   a^2/(4 b). As raw SDE: dx = (a x - b x^3) dt + sigma dW. */
#define EG_NAME       "double-well"
#define EG_EQUATION   "R(x) = -a x^2/2 + b x^4/4, gradient noise sigma xi"
#define EG_SOURCE     "Kramers 1940 (doi 10.1016/S0031-8914(40)90098-2)"
#define EG_DIM        1
#define EG_IS_PROCESS 0
#define EG_CAPS                                                                                                     \
  (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_DIAGONAL | EG_CAP_CHANNELS | EG_CAP_NOISE_DRIFT | EG_CAP_CHANNELS_SLOPE | \
   EG_CAP_CHANNEL)
#define EG_CHANNELS   1
#define EG_STAGED     0
#define EG_PARAMS(P, PV)                                                                                     \
  P(a, 1.0, 0.0, 1e12, "curvature at the barrier, loss / length^2")                                          \
  P(b, 1.0, 0.0, 1e12, "quartic coefficient, loss / length^4")                                               \
  P(sigma, 1.0, 0.0, 1e12, "gradient noise, loss / length")
EG_PARAMS_STRUCT

EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  (void)st;
  const eg_real x2 = x[0] * x[0];
  return x2 * eg_mad((eg_real)(0.25 * p->b), x2, (eg_real)(-0.5 * p->a));
}

EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  (void)st;
  g[0] = x[0] * eg_mad((eg_real)p->b, x[0] * x[0], (eg_real)-p->a);
}

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  eg_gradient(p, st, x, b);
  const eg_real hessian = eg_mad((eg_real)(3.0 * p->b), x[0] * x[0], (eg_real)-p->a);
  b[0] = -b[0] * eg_mad(correction, hessian, (eg_real)1);
}

EG_FN void eg_noise_diagonal(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *s) {
  (void)st;
  (void)x;
  s[0] = (eg_real)p->sigma;
}

EG_FN void eg_noise_channels(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {
  (void)st;
  (void)x;
  v[0] = (eg_real)p->sigma * EG_Z(z, 0);
}

EG_FN void eg_noise_channels_slope(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, const eg_real *y,
                                   eg_real *v) {
  (void)p;
  (void)st;
  (void)x;
  (void)z;
  (void)y;
  v[0] = 0;
}

EG_FN void eg_noise_channel(const eg_params *p, const eg_real *st, const eg_real *x, int c, eg_real *v) {
  (void)st;
  (void)x;
  (void)c;
  v[0] = (eg_real)p->sigma;
}

EG_FN void eg_noise_drift(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *q) {
  (void)p;
  (void)st;
  (void)x;
  q[0] = 0; /* additive noise */
}
