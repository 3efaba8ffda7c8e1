/*
 * One-dimensional quadratics whose curvature and slope are data: row (a_j, b_j) has the loss a_j x^2 / 2 - b_j x and the gradient
 * a_j x - b_j, all rows equally likely, plus ridge x^2 / 2. Any affine gradient with finitely many values: sign flip
 * (a = lam +- sig, b = 0) and correlated noise of arXiv 2302.07125, skewed noise for SVAG (arXiv 2102.12470).
 */
#define EG_NAME       "sample-quadratic"
#define EG_SOURCE     "arXiv 2302.07125, 2102.12470"
#define EG_EQUATION   "R(x) = 1/N sum_j (a_j x^2 / 2 - b_j x) + ridge x^2 / 2, rows (a_j, b_j)"
#define EG_DIM        1
#define EG_IS_PROCESS 0
#define EG_HAS_COEFFICIENTS 1
#define EG_CAPS       (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_ROWS | EG_CAP_FLOW | EG_CAP_COVARIANCE)
#define EG_PARAMS(P, PV)
EG_PARAMS_STRUCT

/* Staged: means of a (with the ridge) and b, their covariances, ridge, half flow x -> M x + v. */
enum { EG_ST_A, EG_ST_B, EG_ST_AA, EG_ST_AB, EG_ST_BB, EG_ST_RIDGE, EG_ST_M, EG_ST_V, EG_ST_END };
#define EG_STAGED 8

EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  (void)p;
  g[0] = eg_mad(st[EG_ST_A], x[0], -st[EG_ST_B]);
}

EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  (void)p;
  return x[0] * eg_mad((eg_real)0.5 * st[EG_ST_A], x[0], -st[EG_ST_B]);
}

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  eg_gradient(p, st, x, b);
  b[0] = -b[0] * eg_mad(correction, st[EG_ST_A], (eg_real)1);
}

EG_FN void eg_add_row_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_row row, eg_real weight,
                               eg_real *acc) {
  (void)p;
  (void)st;
  acc[0] = eg_mad(weight, eg_mad(EG_INPUT(row, 0), x[0], -EG_TARGET(row)), acc[0]);
}

EG_FN void eg_regulariser_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  (void)p;
  g[0] = st[EG_ST_RIDGE] * x[0];
}

EG_FN void eg_flow(const eg_params *p, const eg_real *st, eg_real *x) {
  (void)p;
  x[0] = eg_mad(st[EG_ST_M], x[0], st[EG_ST_V]);
}

/* Var(a x - b) */
EG_FN void eg_covariance(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *C) {
  (void)p;
  C[0] = eg_mad(x[0], eg_mad(st[EG_ST_AA], x[0], (eg_real)-2 * st[EG_ST_AB]), st[EG_ST_BB]);
}
