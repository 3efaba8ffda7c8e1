/*
 * Anisotropic quadratic loss R(x) = sum_k curvature_k (x_k - centre_k)^2 / 2. Gradient of one sample:
 *   g_k(x) = (curvature_k + multiplicative_k zeta_k) (x_k - centre_k) + noise_k xi_k,  xi, zeta ~ N(0, 1) independent,
 * so the noise covariance is diagonal, noise_k^2 + multiplicative_k^2 (x_k - centre_k)^2 (arXiv 2302.07125, affine case).
 */
#define EG_NAME       "quadratic"
#define EG_EQUATION   "R(x) = sum_k curvature_k (x_k - centre_k)^2 / 2, gradient noise noise_k xi + multiplicative_k (x_k - centre_k) zeta"
#define EG_SOURCE     "arXiv 2302.07125 (affine case); 1811.01558"
#define EG_IS_PROCESS 0
#define EG_CAPS                                                                                                     \
  (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_DIAGONAL | EG_CAP_CHANNELS | EG_CAP_FLOW | EG_CAP_NOISE_DRIFT |       \
   EG_CAP_CHANNELS_SLOPE | EG_CAP_CHANNEL)
#define EG_CHANNELS   (2 * EG_DIM)
#define EG_STAGED     EG_DIM
#define EG_PARAMS(P, PV)                                                                                     \
  PV(curvature, 1.0, -1e12, 1e12, "second derivative of the loss, loss / length^2")                          \
  PV(centre, 0.0, -1e12, 1e12, "minimum, length")                                                            \
  PV(noise, 1.0, 0.0, 1e12, "additive gradient noise, loss / length")                                        \
  PV(multiplicative, 0.0, 0.0, 1e12, "multiplicative gradient noise, loss / length^2")
EG_PARAMS_STRUCT

EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  (void)st;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    g[k] = (eg_real)p->curvature[k] * (x[k] - (eg_real)p->centre[k]);
  }
}

EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  (void)st;
  eg_real sum = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real y = x[k] - (eg_real)p->centre[k];
    sum = eg_mad((eg_real)(0.5 * p->curvature[k]) * y, y, sum);
  }
  return sum;
}

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  eg_gradient(p, st, x, b);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    b[k] = -b[k] * eg_mad(correction, (eg_real)p->curvature[k], (eg_real)1);
  }
}

EG_FN void eg_noise_diagonal(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *s) {
  (void)st;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real m = (eg_real)p->multiplicative[k] * (x[k] - (eg_real)p->centre[k]);
    s[k] = eg_root(eg_mad(m, m, (eg_real)(p->noise[k] * p->noise[k])));
  }
}

EG_FN void eg_noise_channels(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {
  (void)st;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real m = (eg_real)p->multiplicative[k] * (x[k] - (eg_real)p->centre[k]);
    v[k] = eg_mad(m, EG_Z(z, 2 * k + 1), (eg_real)p->noise[k] * EG_Z(z, 2 * k));
  }
}

/* multiplicative_k^2 (x_k - centre_k), for both forms: half the derivative of the variance */
EG_FN void eg_noise_drift(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *q) {
  (void)st;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    q[k] = (eg_real)(p->multiplicative[k] * p->multiplicative[k]) * (x[k] - (eg_real)p->centre[k]);
  }
}

/* The channels of a component commute where it has only one of the two kinds of noise: the plan looks. */
EG_FN void eg_noise_channels_slope(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, const eg_real *y,
                                   eg_real *v) {
  (void)st;
  (void)x;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    v[k] = (eg_real)p->multiplicative[k] * EG_Z(z, 2 * k + 1) * y[k];
  }
}

EG_FN void eg_noise_channel(const eg_params *p, const eg_real *st, const eg_real *x, int c, eg_real *v) {
  (void)st;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real own = c % 2 == 0 ? (eg_real)p->noise[k]
                                   : (eg_real)p->multiplicative[k] * (x[k] - (eg_real)p->centre[k]);
    v[k] = c / 2 == k ? own : (eg_real)0;
  }
}

/* st[k] = exp(-(1 + correction curvature_k) curvature_k h / 2) */
EG_FN void eg_flow(const eg_params *p, const eg_real *st, eg_real *x) {
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    x[k] = eg_mad(st[k], x[k] - (eg_real)p->centre[k], (eg_real)p->centre[k]);
  }
}

#if !EG_DEVICE
static inline void eg_prepare(const eg_params *p, double h, double correction, double *staged) {
  for (int k = 0; k < EG_DIM; k++) {
    staged[k] = eg_exp(-(1.0 + correction * p->curvature[k]) * p->curvature[k] * (0.5 * h));
  }
}
#endif
