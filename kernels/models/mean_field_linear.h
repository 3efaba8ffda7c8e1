/*
 * Two-layer network of M linear neurons in mean-field scaling, f(a) = 1/M sum_i x_i.a, on N data rows (a_j, y_j) with loss
 * R = 1/(2N) sum_j (f(a_j) - y_j)^2, each neuron with the learning rate M eta (arXiv 2302.07125, section 4: infinite width):
 *   x_i' = x_i + eta (y - f(a)) a, the same row for all neurons.
 * Everything that acts on a particle depends on the others through their average m alone, and is the same for all: the
 * velocity is V = -(H m - g0), H = 1/N sum a_j a_j^T, g0 = 1/N sum y_j a_j. The order-2 correction of the
 * distribution-dependent stochastic modified flow, V - (eta/2)(D_x V V + int D_mu V V dmu), is (I + eta/2 H) V: it comes
 * from the Lions derivative alone, since V does not depend on x.
 */
#define EG_NAME       "mean-field-linear"
#define EG_EQUATION   "f(a) = 1/M sum_i x_i.a, R = 1/(2N) sum_j (f(a_j) - y_j)^2, M particles moved by the same rows (a_j, y_j)"
#define EG_SOURCE     "arXiv 2302.07125, section 4"
#define EG_IS_PROCESS 0
#define EG_CAPS       (EG_CAP_POPULATION | EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_ROWS | EG_CAP_FLOW)
#define EG_PARAMS(P, PV)                                                                                     \
  P(particles, 256.0, 1.0, 1048576.0, "M, number of particles (neurons), whole")
EG_PARAMS_STRUCT

#define EG_TERMS EG_DIM /* averaged: the components of x */
#define EG_FIELD_VALUES EG_DIM /* what moves a particle: the same displacement for all */
#define EG_MOVE_IS_FIELD 1

/* Places in the staged array, as in linear_regression.h. */
#define EG_ST_H        0
#define EG_ST_G0       (EG_DIM * EG_DIM)
#define EG_ST_CONSTANT (EG_ST_G0 + EG_DIM)
#define EG_ST_M        (EG_ST_CONSTANT + 2)
#define EG_ST_V        (EG_ST_M + EG_DIM * EG_DIM)
#define EG_STAGED      (EG_ST_V + EG_DIM)

EG_FN void eg_particle_terms(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *terms) {
  (void)p;
  (void)st;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    terms[k] = x[k];
  }
}

EG_FN void eg_particle_move(const eg_params *p, const eg_real *st, const eg_real *field, const eg_real *x, eg_real *v) {
  (void)p;
  (void)st;
  (void)x;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    v[k] = field[k];
  }
}

EG_FN void eg_matrix_vector(const eg_real *matrix, const eg_real *x, const eg_real *offset, eg_real sign, eg_real *y) {
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    eg_real sum = sign * offset[i];
    EG_UNROLL
    for (int k = 0; k < EG_DIM; k++) {
      sum = eg_mad(matrix[i * EG_DIM + k], x[k], sum);
    }
    y[i] = sum;
    if (EG_DIM >= 8) {
      EG_FENCE(); /* one row after the other: registers are short */
    }
  }
}

EG_FN void eg_add_row_field(const eg_params *p, const eg_real *st, const eg_real *average, eg_row row, eg_real weight,
                            eg_real *field) {
  (void)p;
  (void)st;
  eg_real residual = -EG_TARGET(row);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    residual = eg_mad(EG_INPUT(row, k), average[k], residual);
  }
  residual = -weight * residual;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    field[k] = eg_mad(residual, EG_INPUT(row, k), field[k]);
  }
}

EG_FN void eg_drift_field(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *average,
                          eg_real *field) {
  (void)p;
  eg_real g[EG_DIM];
  eg_matrix_vector(st + EG_ST_H, average, st + EG_ST_G0, (eg_real)-1, g);
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    eg_real sum = 0;
    EG_UNROLL
    for (int k = 0; k < EG_DIM; k++) {
      sum = eg_mad(st[EG_ST_H + i * EG_DIM + k], g[k], sum);
    }
    field[i] = -eg_mad(correction, sum, g[i]);
  }
}

EG_FN void eg_flow_field(const eg_params *p, const eg_real *st, const eg_real *average, eg_real *field) {
  (void)p;
  eg_matrix_vector(st + EG_ST_M, average, st + EG_ST_V, (eg_real)1, field);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    field[k] = field[k] - average[k];
  }
}

/* m.(H m - g0)/2 - g0.m/2 + constant, as in linear_regression.h */
EG_FN eg_real eg_population_loss(const eg_params *p, const eg_real *st, const eg_real *average) {
  (void)p;
  eg_real g[EG_DIM];
  eg_matrix_vector(st + EG_ST_H, average, st + EG_ST_G0, (eg_real)-1, g);
  eg_real sum = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    sum = eg_mad(average[k], g[k] - st[EG_ST_G0 + k], sum);
  }
  return eg_mad((eg_real)0.5, sum, st[EG_ST_CONSTANT]);
}
