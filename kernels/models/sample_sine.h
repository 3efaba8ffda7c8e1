/*
 * One-dimensional trigonometric losses whose coefficients are data: row (a_j, b_j) has the gradient
 *   a_j sin x - b_j cos(wave x),
 * all rows equally likely, plus ridge x^2 / 2. wave = 0: a_j sin x - b_j (SVAG on a nonlinear loss, arXiv 2102.12470); wave = 1
 * and a = 1, b = +-sig: bounded derivatives of every order; a = sig sqrt(2) cos phi, b = -sig sqrt(2) sin phi: noise on the
 * circle, R = 0 (arXiv 2302.07125), where a few equispaced phi stand for all of them.
 */
#define EG_NAME       "sample-sine"
#define EG_SOURCE     "arXiv 2302.07125, 2102.12470"
#define EG_EQUATION   "grad R(x) = 1/N sum_j (a_j sin x - b_j cos(wave x)) + ridge x, rows (a_j, b_j)"
#define EG_DIM        1
#define EG_IS_PROCESS 0
#define EG_HAS_COEFFICIENTS 1
#define EG_CAPS       (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_ROWS | EG_CAP_COVARIANCE)
#define EG_PARAMS(P, PV) P(wave, 0.0, 0.0, 1e6, "wave number of the second term, 1 / length")
EG_PARAMS_STRUCT

/* Staged: means of a and b, their covariances, ridge. */
enum { EG_ST_A, EG_ST_B, EG_ST_AA, EG_ST_AB, EG_ST_BB, EG_ST_RIDGE, EG_ST_END };
#define EG_STAGED 8

typedef struct eg_waves {
  eg_real sine, cosine;           /* of x */
  eg_real wave_sine, wave_cosine; /* of wave x */
} eg_waves;

EG_FN eg_waves eg_waves_of(const eg_params *p, const eg_real *x) {
  const double per_pi = 0x1.45f306dc9c883p-2; /* 1 / pi */
  eg_waves w;
  double s, c;
  eg_sincospi((double)x[0] * per_pi, &s, &c);
  w.sine = (eg_real)s;
  w.cosine = (eg_real)c;
  eg_sincospi(p->wave * (double)x[0] * per_pi, &s, &c);
  w.wave_sine = (eg_real)s;
  w.wave_cosine = (eg_real)c;
  return w;
}

EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  const eg_waves w = eg_waves_of(p, x);
  g[0] = eg_mad(st[EG_ST_RIDGE], x[0], eg_mad(st[EG_ST_A], w.sine, -(st[EG_ST_B] * w.wave_cosine)));
}

/* a (1 - cos x) - b sin(wave x) / wave, with b x for wave = 0 */
EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  const eg_waves w = eg_waves_of(p, x);
  const eg_real wave = (eg_real)(p->wave > 0 ? p->wave : 1.0);
  const eg_real slope = p->wave > 0 ? w.wave_sine / wave : x[0];
  const eg_real sum = eg_mad(st[EG_ST_A], (eg_real)1 - w.cosine, -(st[EG_ST_B] * slope));
  return eg_mad((eg_real)0.5 * st[EG_ST_RIDGE] * x[0], x[0], sum);
}

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  const eg_waves w = eg_waves_of(p, x);
  const eg_real g = eg_mad(st[EG_ST_RIDGE], x[0], eg_mad(st[EG_ST_A], w.sine, -(st[EG_ST_B] * w.wave_cosine)));
  const eg_real hessian =
      eg_mad(st[EG_ST_A], w.cosine, eg_mad((eg_real)p->wave * st[EG_ST_B], w.wave_sine, st[EG_ST_RIDGE]));
  b[0] = -g * eg_mad(correction, hessian, (eg_real)1);
}

EG_FN void eg_add_row_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_row row, eg_real weight,
                               eg_real *acc) {
  const eg_waves w = eg_waves_of(p, x);
  (void)st;
  acc[0] = eg_mad(weight, eg_mad(EG_INPUT(row, 0), w.sine, -(EG_TARGET(row) * w.wave_cosine)), acc[0]);
}

EG_FN void eg_regulariser_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  (void)p;
  g[0] = st[EG_ST_RIDGE] * x[0];
}

/* Var(a sin x - b cos(wave x)) */
EG_FN void eg_covariance(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *C) {
  const eg_waves w = eg_waves_of(p, x);
  const eg_real s = w.sine, c = w.wave_cosine;
  C[0] = eg_mad(s, eg_mad(st[EG_ST_AA], s, (eg_real)-2 * st[EG_ST_AB] * c), st[EG_ST_BB] * c * c);
}
