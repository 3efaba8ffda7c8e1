/*
 * Linear least squares on N data rows (a_j, y_j): R(x) = 1/(2N) sum_j (a_j.x - y_j)^2 + ridge |x|^2 / 2.
 * grad R = H x - g0 with H = 1/N sum a_j a_j^T + ridge I, g0 = 1/N sum y_j a_j. The drift is affine, so its flow is
 * staged as x -> M x + v. The covariance of the gradient of one row is a quadratic form in (x, 1) with the fourth
 * moments of the data as coefficients, staged up to dimension 6.
 */
#define EG_NAME       "linear-regression"
#define EG_EQUATION   "R(x) = 1/(2N) sum_j (a_j.x - y_j)^2 + ridge |x|^2 / 2, rows (a_j, y_j) from an HDF5 file"
#define EG_SOURCE     "arXiv 2302.07125; 2102.05375"
#define EG_IS_PROCESS 0
#define EG_HAS_TENSOR (EG_DIM_BOUND <= 6)
#define EG_CAPS                                                                                              \
  (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_ROWS | EG_CAP_FLOW | (EG_HAS_TENSOR ? EG_CAP_COVARIANCE : 0))
#define EG_PARAMS(P, PV)
EG_PARAMS_STRUCT

#include "core/vector.h"

/* Places in the staged array (filled by src/model/stage.c). T: for each pair (i, j <= i) the coefficients of u_a u_b,
   a >= b, of u = (x, 1), off-diagonal ones doubled. */
#if defined(EG_TEAM) /* the matrices last: what a run does not use need not be there */
#define EG_ST_G0       0
#define EG_ST_V        EG_DIM
#define EG_ST_CONSTANT (2 * EG_DIM)
#define EG_ST_RIDGE    (EG_ST_CONSTANT + 1)
#define EG_ST_H        (EG_ST_CONSTANT + EG_TEAM_LANES)
#define EG_ST_M        (EG_ST_H + EG_DIM * EG_DIM)
#else
#define EG_ST_H        0
#define EG_ST_G0       (EG_DIM * EG_DIM)
#define EG_ST_CONSTANT (EG_ST_G0 + EG_DIM)
#define EG_ST_RIDGE    (EG_ST_CONSTANT + 1)
#define EG_ST_M        (EG_ST_RIDGE + 1)
#define EG_ST_V        (EG_ST_M + EG_DIM * EG_DIM)
#endif
#define EG_ST_T        (EG_ST_V + EG_DIM)
#define EG_ST_FORM     ((EG_DIM + 1) * (EG_DIM + 2) / 2)
#define EG_STAGED      (EG_ST_T + (EG_HAS_TENSOR ? EG_DIM * (EG_DIM + 1) / 2 * EG_ST_FORM : 0))

EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  eg_matrix_vector(p, st + EG_ST_H, x, st + EG_ST_G0, (eg_real)-1, g);
}

/* x.(g - g0)/2 + constant, since x.H x / 2 - g0.x = x.(H x - g0)/2 - g0.x/2 */
EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  EG_VECTOR(g, EG_SLOT_GRADIENT);
  eg_gradient(p, st, x, g);
  EG_EACH(k) { g[k] = g[k] - st[EG_ST_G0 + k]; }
  return eg_mad((eg_real)0.5, eg_dot(p, x, g), st[EG_ST_CONSTANT]);
}

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  EG_VECTOR(g, EG_SLOT_GRADIENT);
  EG_VECTOR(Hg, EG_SLOT_HESSIAN);
  eg_gradient(p, st, x, g);
  eg_matrix_vector(p, st + EG_ST_H, g, g, (eg_real)0, Hg);
  EG_EACH(i) { b[i] = -eg_mad(correction, Hg[i], g[i]); }
}

/* What the inputs of a row are multiplied by in its gradient. */
EG_FN eg_real eg_row_slope(const eg_params *p, const eg_real *st, const eg_real *x, eg_row row, eg_real weight) {
  (void)st;
  return weight * eg_dot_row(p, -EG_TARGET(row), row, x);
}

EG_FN void eg_add_row_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_row row, eg_real weight,
                               eg_real *acc) {
  const eg_real residual = eg_row_slope(p, st, x, row, weight);
  EG_EACH(k) { acc[k] = eg_mad(residual, EG_INPUT(row, k), acc[k]); }
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

EG_FN void eg_flow(const eg_params *p, const eg_real *st, eg_real *x) {
  EG_VECTOR(y, EG_SLOT_FLOW);
  eg_matrix_vector(p, st + EG_ST_M, x, st + EG_ST_V, (eg_real)1, y);
  EG_EACH(k) { x[k] = y[k]; }
}

#if EG_HAS_TENSOR
#define EG_ST_PAIRS (EG_DIM * (EG_DIM + 1) / 2)

#if EG_STRIDE == 1 && EG_DIM > 4
/* C += the quadratic forms, every pair at once over rolled loops: written out, the 588 coefficients of dimension 6 take
   more registers than a GPU has. Each pair adds in the order of the plain form below. */
EG_FN void eg_add_forms(const eg_real *forms, const eg_real *u, eg_real *C) {
  EG_ROLLED
  for (int a = 0; a <= EG_DIM; a++) {
    eg_real inner[EG_ST_PAIRS], u_b = u[0];
    EG_UNROLL
    for (int pair = 0; pair < EG_ST_PAIRS; pair++) {
      inner[pair] = 0;
    }
    EG_ROLLED
    for (int b = 0; b <= a; b++) {
      const eg_real *const form = forms + a * (a + 1) / 2 + b;
      u_b = u[0];
      EG_UNROLL
      for (int k = 1; k <= EG_DIM; k++) { /* a run-time index would put u on the stack */
        u_b = k == b ? u[k] : u_b;
      }
      EG_UNROLL
      for (int pair = 0; pair < EG_ST_PAIRS; pair++) {
        inner[pair] = eg_mad(form[pair * EG_ST_FORM], u_b, inner[pair]);
      }
    }
    EG_UNROLL
    for (int pair = 0; pair < EG_ST_PAIRS; pair++) {
      C[pair] = eg_mad(inner[pair], u_b, C[pair]); /* u_b is u_a now */
    }
  }
}
#else
EG_FN void eg_add_forms(const eg_real *forms, const eg_real *u, eg_real *C) {
  EG_UNROLL
  for (int pair = 0; pair < EG_ST_PAIRS; pair++) {
    const eg_real *const form = forms + pair * EG_ST_FORM;
    EG_UNROLL
    for (int a = 0; a <= EG_DIM; a++) {
      eg_real inner = 0;
      EG_UNROLL
      for (int b = 0; b <= a; b++) {
        inner = eg_mad(form[a * (a + 1) / 2 + b], u[b], inner);
      }
      C[pair] = eg_mad(inner, u[a], C[pair]);
    }
  }
}
#endif

/* E[(a.x - y)^2 a_i a_j] - d_i d_j with d = grad R - ridge x, the mean of the data part. */
EG_FN void eg_covariance(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *C) {
  eg_real u[EG_DIM + 1], d[EG_DIM];
  eg_gradient(p, st, x, d);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    u[k] = x[k];
    d[k] = eg_mad(-st[EG_ST_RIDGE], x[k], d[k]);
  }
  u[EG_DIM] = (eg_real)1;
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    EG_UNROLL
    for (int j = 0; j <= i; j++) {
      C[i * (i + 1) / 2 + j] = -d[i] * d[j];
    }
  }
  eg_add_forms(st + EG_ST_T, u, C);
}
#endif
