/*
 * Loss, gradient and drift as steppers and features ask for them: the model's own functions, or passes over all data
 * rows (EG_CAP_MARGIN), which cost N row gradients each and no matrix. Rows are added in their order in every form.
 */
#ifndef EG_CORE_LOSS_H
#define EG_CORE_LOSS_H

#include "core/uniforms.h"

/* Classes in team form: the same passes with a margin for every class. */
#if defined(EG_TEAM) && defined(EG_HAS_CLASSES)
#define EG_CAPS_CLASS_PASSES 1
#else
#define EG_CAPS_CLASS_PASSES 0
#endif

#if EG_CAPS_MARGIN

/* Row j where it lies; `copy` has room for it where it must be gathered. */
#if defined(EG_TEAM)
#define EG_ROW_COPY(name) ((void)0)
#define EG_ROW_OF(u, j, copy) eg_team_row((u)->rows, (u)->n_rows, EG_DIM, (j))
#elif EG_STRIDE == 1
#define EG_ROW_COPY(name) ((void)0)
#define EG_ROW_OF(u, j, copy) eg_row_in_place((u), (j))
EG_FN eg_row eg_row_in_place(const eg_uniforms *u, uint32_t j) {
  eg_row row;
  row.base = u->rows;
  row.n_rows = u->n_rows;
  row.row = j;
  return row;
}
#else
#define EG_ROW_COPY(name) eg_real name[EG_DIM + 1]
#define EG_ROW_OF(u, j, copy) eg_row_gathered((u), (j), (copy))
EG_FN eg_row eg_row_gathered(const eg_uniforms *u, uint32_t j, eg_real *copy) {
  eg_row row;
  EG_UNROLL
  for (int k = 0; k <= EG_DIM; k++) {
    copy[k] = u->rows[eg_rows_at(u->n_rows, EG_DIM + 1, j, k)];
  }
  row.base = copy;
  row.stride = 1;
  return row;
}
#endif

/* What the inputs of a row are multiplied by in its gradient. */
EG_FN eg_real eg_row_slope(const eg_params *p, const eg_real *st, const eg_real *x, eg_row row, eg_real weight) {
  const double s = (double)eg_dot_row(p, (eg_real)0, row, x);
  return weight * (eg_real)eg_margin_slope(p, st, s, (double)EG_TARGET(row));
}

EG_FN void eg_add_row_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_row row, eg_real weight,
                               eg_real *acc) {
  const eg_real slope = eg_row_slope(p, st, x, row, weight);
  EG_EACH(k) { acc[k] = eg_mad(slope, EG_INPUT(row, k), acc[k]); }
}

/* Rows taken at once: on the CPU the margins of several wait for one vector loop over them. */
#if EG_DEVICE
#define EG_PASS_ROWS 1
#define EG_PASS_LOOP
#if defined(EG_TEAM)
#define EG_PASS_FN   static __device__ __noinline__
#else
#define EG_PASS_FN   EG_FN
#endif
#else
#define EG_PASS_ROWS 32
#define EG_PASS_LOOP _Pragma("omp simd")
#define EG_PASS_FN   static __attribute__((noinline, unused)) /* a step makes up to 16 passes */
#endif

/* Margins and targets of rows first .. first + n - 1; zeros behind them. */
EG_FN void eg_pass_rows(const eg_params *p, const eg_uniforms *u, const eg_real *x, uint32_t first, uint32_t n,
                        double *margin, double *target) {
  EG_ROW_COPY(copy);
  for (uint32_t r = 0; r < n; r++) {
    const eg_row row = EG_ROW_OF(u, first + r, copy);
    margin[r] = (double)eg_dot_row(p, (eg_real)0, row, x);
    target[r] = (double)EG_TARGET(row);
  }
  for (uint32_t r = n; r < EG_PASS_ROWS; r++) {
    margin[r] = target[r] = 0;
  }
}

/* acc += sum_r weight_r row_r over rows first .. first + n - 1, in this order */
EG_FN void eg_pass_add(const eg_params *p, const eg_uniforms *u, uint32_t first, uint32_t n, const eg_real *weight,
                       eg_real *acc) {
  EG_ROW_COPY(copy);
  (void)p;
  for (uint32_t r = 0; r < n; r++) {
    const eg_row row = EG_ROW_OF(u, first + r, copy);
    EG_EACH(k) { acc[k] = eg_mad(weight[r], EG_INPUT(row, k), acc[k]); }
  }
}

#define EG_EACH_PASS(first, n)                                                                               \
  EG_ROLLED                                                                                                  \
  for (uint32_t first = 0, n; n = u->n_rows - first, n = n < EG_PASS_ROWS ? n : EG_PASS_ROWS, first < u->n_rows; first += n)

EG_PASS_FN double eg_full_loss(const eg_params *p, const eg_uniforms *u, const eg_real *x) {
  double sum = 0;
  EG_EACH_PASS(first, n) {
    double s[EG_PASS_ROWS], y[EG_PASS_ROWS], loss[EG_PASS_ROWS];
    eg_pass_rows(p, u, x, first, n, s, y);
    EG_PASS_LOOP
    for (int r = 0; r < EG_PASS_ROWS; r++) {
      loss[r] = eg_margin_loss(p, u->staged, s[r], y[r]);
    }
    for (uint32_t r = 0; r < n; r++) {
      sum = sum + loss[r];
    }
  }
  return eg_regulariser_loss(p, u->staged, x) + sum / (double)u->n_rows;
}

EG_PASS_FN void eg_full_gradient(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_real *g) {
  const eg_real weight = (eg_real)(1.0 / (double)u->n_rows);
  eg_regulariser_gradient(p, u->staged, x, g);
  EG_EACH_PASS(first, n) {
    double s[EG_PASS_ROWS], y[EG_PASS_ROWS];
    eg_real slope[EG_PASS_ROWS];
    eg_pass_rows(p, u, x, first, n, s, y);
    EG_PASS_LOOP
    for (int r = 0; r < EG_PASS_ROWS; r++) {
      slope[r] = weight * (eg_real)eg_margin_slope(p, u->staged, s[r], y[r]);
    }
    eg_pass_add(p, u, first, n, slope, g);
  }
}

/* Hv = Hess R(x) v */
EG_PASS_FN void eg_full_hessian(const eg_params *p, const eg_uniforms *u, const eg_real *x, const eg_real *v, eg_real *Hv) {
  const eg_real weight = (eg_real)(1.0 / (double)u->n_rows);
  eg_regulariser_gradient(p, u->staged, v, Hv);
  EG_EACH_PASS(first, n) {
    double s[EG_PASS_ROWS], sv[EG_PASS_ROWS], y[EG_PASS_ROWS];
    eg_real along[EG_PASS_ROWS];
    eg_pass_rows(p, u, x, first, n, s, y);
    eg_pass_rows(p, u, v, first, n, sv, y);
    EG_PASS_LOOP
    for (int r = 0; r < EG_PASS_ROWS; r++) {
      const double curvature = eg_margin_curvature(p, u->staged, s[r], y[r]);
      along[r] = weight * (eg_real)(curvature * sv[r]);
    }
    eg_pass_add(p, u, first, n, along, Hv);
  }
}

#elif EG_CAPS_CLASS_PASSES
#include "core/class_loss.h"
#endif

#if EG_CAPS_MARGIN || EG_CAPS_CLASS_PASSES
/* -(I + c Hess R) grad R, the second term by one more pass */
EG_PASS_FN void eg_full_drift(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_real *b) {
  EG_VECTOR(g, EG_SLOT_GRADIENT);
  eg_full_gradient(p, u, x, g);
  if (u->correction == 0) {
    EG_EACH(k) { b[k] = -g[k]; }
  } else {
    EG_VECTOR(Hg, EG_SLOT_HESSIAN);
    eg_full_hessian(p, u, x, g, Hg);
    EG_EACH(k) { b[k] = -eg_mad(u->correction, Hg[k], g[k]); }
  }
}

#else

#if EG_CAPS_LOSS
EG_FN double eg_full_loss(const eg_params *p, const eg_uniforms *u, const eg_real *x) {
  return (double)eg_loss(p, u->staged, x);
}

EG_FN void eg_full_gradient(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_real *g) {
  eg_gradient(p, u->staged, x, g);
}
#endif

#if EG_CAPS_DRIFT
EG_FN void eg_full_drift(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_real *b) {
  eg_drift(p, u->staged, u->correction, x, b);
}
#endif

#endif
#endif
