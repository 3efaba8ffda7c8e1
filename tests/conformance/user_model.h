/* The sine loss M6 of stochastic-modified-flows.md, as a user would write it: gradient of one sample
   g(x, z) = sin x + sigma z cos x with z ~ N(0, 1), so R(x) = -cos x. */
#define EG_NAME       "sine"
#define EG_EQUATION   "g(x, z) = sin x + sigma z cos x"
#define EG_DIM        1
#define EG_IS_PROCESS 0
#define EG_CAPS       (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_DIAGONAL | EG_CAP_CHANNELS)
#define EG_CHANNELS   1
#define EG_STAGED     0
#define EG_PARAMS(P, PV) P(sigma, 1.0, 0.0, 1e6, "strength of the gradient noise")
EG_PARAMS_STRUCT

EG_FN void sine_cosine(const eg_real *x, double *s, double *c) {
  eg_sincospi((double)x[0] * 0x1.45f306dc9c883p-2, s, c); /* x / pi */
}

EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  double s, c;
  (void)p;
  (void)st;
  sine_cosine(x, &s, &c);
  return (eg_real)-c;
}

EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  double s, c;
  (void)p;
  (void)st;
  sine_cosine(x, &s, &c);
  g[0] = (eg_real)s;
}

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  double s, c;
  (void)p;
  (void)st;
  sine_cosine(x, &s, &c);
  b[0] = (eg_real)(-s * (1.0 + (double)correction * c));
}

EG_FN void eg_noise_diagonal(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *v) {
  double s, c;
  (void)st;
  sine_cosine(x, &s, &c);
  v[0] = (eg_real)(p->sigma * (c < 0 ? -c : c));
}

EG_FN void eg_noise_channels(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {
  double s, c;
  (void)st;
  sine_cosine(x, &s, &c);
  v[0] = (eg_real)(p->sigma * c) * EG_Z(z, 0);
}
