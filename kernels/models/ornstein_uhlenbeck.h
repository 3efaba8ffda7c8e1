/* Ornstein-Uhlenbeck process dx = -rate (x - mean) dt + sigma dW; stationary variance sigma^2 / (2 rate). */
#define EG_NAME       "ornstein-uhlenbeck"
#define EG_EQUATION   "dx = -rate (x - mean) dt + sigma dW"
#define EG_SOURCE     "Uhlenbeck, Ornstein 1930 (doi 10.1103/PhysRev.36.823)"
#define EG_DIM        1
#define EG_IS_PROCESS 1
#define EG_CAPS       (EG_CAP_DRIFT | EG_CAP_DIAGONAL | EG_CAP_FLOW | EG_CAP_EXACT | EG_CAP_NOISE_DRIFT)
#define EG_STAGED     3
#define EG_PULLS_BACK 1
#define EG_PARAMS(P, PV)                                                                                     \
  P(rate, 1.0, 0.0, 1e12, "mean reversion rate, 1 / time")                                                   \
  P(mean, 0.0, -1e12, 1e12, "stationary mean, length")                                                       \
  P(sigma, 1.0, 0.0, 1e12, "noise strength, length / sqrt(time)")
EG_PARAMS_STRUCT

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  (void)st;
  (void)correction;
  b[0] = eg_mad((eg_real)-p->rate, x[0], (eg_real)(p->rate * p->mean)); /* the second product is one number */
}

EG_FN void eg_pull_back(const eg_params *p, const eg_real *st, eg_real *rate, eg_real *mean) {
  (void)st;
  rate[0] = (eg_real)p->rate;
  mean[0] = (eg_real)p->mean;
}

EG_FN void eg_noise_diagonal(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *s) {
  (void)st;
  (void)x;
  s[0] = (eg_real)p->sigma;
}

EG_FN void eg_noise_drift(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *q) {
  (void)p;
  (void)st;
  (void)x;
  q[0] = 0; /* additive noise */
}

/* st[0] = exp(-rate h / 2), st[1] = exp(-rate h), st[2] = sigma sqrt((1 - exp(-2 rate h)) / (2 rate)) */
EG_FN void eg_flow(const eg_params *p, const eg_real *st, eg_real *x) {
  x[0] = eg_mad(st[0], x[0] - (eg_real)p->mean, (eg_real)p->mean);
}

EG_FN void eg_exact(const eg_params *p, const eg_real *st, eg_real *x, eg_noise z) {
  const eg_real centred = eg_mad(st[1], x[0] - (eg_real)p->mean, st[2] * EG_Z(z, 0));
  x[0] = centred + (eg_real)p->mean;
}

#if !EG_DEVICE
static inline void eg_prepare(const eg_params *p, double h, double correction, double *staged) {
  (void)correction;
  staged[0] = eg_exp(-0.5 * p->rate * h);
  staged[1] = eg_exp(-p->rate * h);
  /* (1 - exp(-u)) / u = exp(-u/2) sinh(u/2) / (u/2), without cancellation for small u = 2 rate h */
  const double u = 2.0 * p->rate * h;
  const double v = 0.5 * u;
  const double series = 1.0 + v * v / 6.0 * (1.0 + v * v / 20.0 * (1.0 + v * v / 42.0 * (1.0 + v * v / 72.0)));
  const double sinh_ratio = v < 0.5 ? series : (eg_exp(v) - eg_exp(-v)) / (2.0 * v);
  staged[2] = p->sigma * eg_sqrt(h * eg_exp(-v) * sinh_ratio);
}
#endif
