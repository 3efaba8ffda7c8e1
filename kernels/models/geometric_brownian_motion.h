/* Geometric Brownian motion dx = mu x dt + sigma x dW (Ito); E x = x0 exp(mu t), E x^2 = x0^2 exp((2 mu + sigma^2) t). */
#define EG_NAME       "geometric-brownian-motion"
#define EG_EQUATION   "dx = mu x dt + sigma x dW"
#define EG_SOURCE     "Kloeden, Platen 1992, section 4.4"
#define EG_DIM        1
#define EG_IS_PROCESS 1
#define EG_CAPS       (EG_CAP_DRIFT | EG_CAP_DIAGONAL | EG_CAP_FLOW | EG_CAP_EXACT | EG_CAP_NOISE_DRIFT)
#define EG_STAGED     3
#define EG_PARAMS(P, PV)                                                                                     \
  P(mu, 0.0, -1e12, 1e12, "drift rate, 1 / time")                                                            \
  P(sigma, 1.0, 0.0, 1e12, "volatility, 1 / sqrt(time)")
EG_PARAMS_STRUCT

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  (void)st;
  (void)correction;
  b[0] = (eg_real)p->mu * x[0];
}

EG_FN void eg_noise_diagonal(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *s) {
  (void)st;
  s[0] = (eg_real)p->sigma * x[0];
}

EG_FN void eg_noise_drift(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *q) {
  (void)st;
  q[0] = (eg_real)(p->sigma * p->sigma) * x[0];
}

/* st[0] = exp(mu h / 2), st[1] = (mu - sigma^2/2) h, st[2] = sigma sqrt(h) */
EG_FN void eg_flow(const eg_params *p, const eg_real *st, eg_real *x) {
  (void)p;
  x[0] = st[0] * x[0];
}

EG_FN void eg_exact(const eg_params *p, const eg_real *st, eg_real *x, eg_noise z) {
  (void)p;
  x[0] = x[0] * (eg_real)eg_exp((double)eg_mad(st[2], EG_Z(z, 0), st[1]));
}

#if !EG_DEVICE
static inline void eg_prepare(const eg_params *p, double h, double correction, double *staged) {
  (void)correction;
  staged[0] = eg_exp(0.5 * p->mu * h);
  staged[1] = (p->mu - 0.5 * p->sigma * p->sigma) * h;
  staged[2] = p->sigma * eg_sqrt(h);
}
#endif
