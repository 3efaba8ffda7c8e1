/*
 * Logistic regression on N data rows (a_j, y_j), y_j = 0 or 1: with t = 2 y - 1 and s = a.x
 *   l(x, a, y) = log(1 + exp(-t s)),   grad l = -t sigma(-t s) a,   Hess l = sigma(s) sigma(-s) a a^T,
 *   R(x) = 1/N sum_j l(x, a_j, y_j) + ridge |x|^2 / 2.
 * There is no intercept: give the data a column of ones if it is wanted.
 */
#define EG_NAME       "logistic-regression"
#define EG_EQUATION   "R(x) = 1/N sum_j log(1 + exp((1 - 2 y_j) a_j.x)) + ridge |x|^2 / 2, y = 0, 1"
#define EG_SOURCE     "Cox 1958 (doi 10.1111/j.2517-6161.1958.tb00292.x)"
#define EG_IS_PROCESS 0
#define EG_HAS_LABELS 1
#define EG_CAPS       (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_ROWS | EG_CAP_MARGIN)
#define EG_PARAMS(P, PV)
EG_PARAMS_STRUCT

#include "core/vector.h"

#define EG_ST_RIDGE 0
#define EG_STAGED   1

EG_FN double eg_margin_loss(const eg_params *p, const eg_real *st, double s, double y) {
  (void)p;
  (void)st;
  return eg_softplus((1.0 - 2.0 * y) * s);
}

/* -t sigma(-t s), with all its digits where it is small */
EG_FN double eg_margin_slope(const eg_params *p, const eg_real *st, double s, double y) {
  const double sign = 1.0 - 2.0 * y;
  (void)p;
  (void)st;
  return sign * eg_sigmoid(sign * s);
}

/* sigma(s) sigma(-s) = e / (1 + e)^2 with e = exp(-|s|) */
EG_FN double eg_margin_curvature(const eg_params *p, const eg_real *st, double s, double y) {
  const double e = eg_exp(s < 0.0 ? s : -s);
  (void)p;
  (void)st;
  (void)y;
  return e / ((1.0 + e) * (1.0 + e));
}

/* The gradient of the regulariser is this times x; with it and eg_row_slope a step with one row is one pass (team form). */
#define EG_HAS_SLOPES 1
EG_FN eg_real eg_regulariser_slope(const eg_params *p, const eg_real *st) {
  (void)p;
  return st[EG_ST_RIDGE];
}

EG_FN void eg_regulariser_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  EG_EACH(k) { g[k] = eg_regulariser_slope(p, st) * x[k]; }
}

EG_FN double eg_regulariser_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  return 0.5 * (double)st[EG_ST_RIDGE] * eg_squares(p, x, x);
}
