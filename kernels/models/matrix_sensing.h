/*
 * Factorisation of a matrix, of any rank and depth, from Gaussian measurements: X = W_L .. W_1 with the widths n_0 .. n_L of key
 * `shape` (two layers: columns, rank, rows), sample loss (<A, X> - y)^2 / 2 with y = <A, M> + label_noise eps, independent
 * A_ij ~ N(0, input_variance), fresh samples, M the product of the layers `signal`. The state is W_1 by rows, then W_2, ..
 * With kappa = input_variance and E = X - M:
 *   R = (kappa |E|^2 + label_noise^2) / 2,  grad R = pull(kappa E) (core/linear_layers.h),
 *   grad l = pull((<A, E> - label_noise eps) A).
 * The noise of the gradient has at two points the covariance of pull(kappa W E + label_noise sqrt(kappa) Z), W a symmetric Gaussian
 * matrix over the entries, E W_ij^2 = 1 + (i == j), and Z an independent one (Isserlis' theorem): the channels. At one point it is
 * (kappa^2 |E|^2 + label_noise^2 kappa) <J, J'> + kappa^2 <E, J> <E, J'>, J the gradient of X.
 * Minima where X = M, a manifold; saddles where factors are singular.
 */
#define EG_NAME       "matrix-sensing"
#define EG_EQUATION   "R(W) = E (<A, W_L .. W_1> - y)^2 / 2, A Gaussian, y = <A, M> + label_noise eps, fresh samples; widths by `shape`, x = (W_1 by rows, W_2, ..)"
#define EG_SOURCE     "Recht, Fazel, Parrilo, arXiv 0706.4138 (measurements); Ge, Jin, Zheng, arXiv 1704.00708 (landscape); depth: Arora et al., arXiv 1905.13655"
#define EG_IS_PROCESS 0
#define EG_HAS_SHAPE  "columns of the matrix, widths between the factors (two factors: the rank), rows"
#ifndef EG_LAYERS
#define EG_LAYERS  2
#define EG_SHAPE_0 2
#define EG_SHAPE_1 2
#define EG_SHAPE_2 2
#endif
#include "core/linear_layers.h"
#ifndef EG_DIM
#define EG_DIM EG_WEIGHTS
#endif
#define EG_TRIANGLE_OF_ENTRIES (EG_ENTRIES * (EG_ENTRIES + 1) / 2)
#define EG_CHANNELS            (EG_TRIANGLE_OF_ENTRIES + EG_ENTRIES)
#define EG_CAPS                                                                                              \
  (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_SAMPLES | (EG_CHANNELS <= 128 ? EG_CAP_CHANNELS : 0) |                \
   (EG_WEIGHTS <= 4 ? EG_CAP_COVARIANCE : 0))
#define EG_SAMPLE (EG_ENTRIES + 1)
#define EG_STAGED EG_ENTRIES
#define EG_PARAMS(P, PV)                                                                                     \
  P(input_variance, 1.0, 0.0, 1e12, "variance of the entries of A")                                          \
  PV(signal, 1.0, -1e12, 1e12, "factors of the matrix that is measured, in the order of the state")          \
  P(label_noise, 0.0, 0.0, 1e12, "standard deviation of the targets given their measurement")
EG_PARAMS_STRUCT

EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  return eg_layers_loss(st, x, (eg_real)p->input_variance, (eg_real)(p->label_noise * p->label_noise));
}

EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  eg_layers_gradient(st, x, (eg_real)p->input_variance, g);
}

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  eg_layers_drift(st, x, (eg_real)p->input_variance, correction, b);
}

EG_FN void eg_add_sample_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real weight,
                                  eg_real *acc) {
  const eg_real root = eg_root((eg_real)p->input_variance);
  eg_real H[EG_PRODUCTS], G[EG_ENTRIES], residual = (eg_real)-p->label_noise * EG_Z(z, EG_ENTRIES);
  eg_layers_up(x, H);
  EG_UNROLL
  for (int e = 0; e < EG_ENTRIES; e++) {
    residual = eg_mad(root * EG_Z(z, e), H[EG_TOP + e] - st[e], residual);
  }
  residual = weight * residual;
  EG_UNROLL
  for (int e = 0; e < EG_ENTRIES; e++) {
    G[e] = residual * (root * EG_Z(z, e));
  }
  eg_layers_pull(x, H, G, acc);
}

#if EG_CAPS & EG_CAP_CHANNELS
EG_FN void eg_noise_channels(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {
  const eg_real kappa = (eg_real)p->input_variance, label = (eg_real)p->label_noise * eg_root(kappa);
  eg_real H[EG_PRODUCTS], E[EG_ENTRIES], G[EG_ENTRIES];
  eg_layers_up(x, H);
  eg_layers_residual(st, H, E);
  EG_UNROLL
  for (int e = 0; e < EG_ENTRIES; e++) {
    eg_real sum = 0;
    EG_UNROLL
    for (int k = 0; k < EG_ENTRIES; k++) {
      sum = eg_mad(eg_layers_symmetric(z, e, k), E[k], sum);
    }
    G[e] = eg_mad(kappa, sum, label * EG_Z(z, EG_TRIANGLE_OF_ENTRIES + e));
  }
  eg_layers_zero(v);
  eg_layers_pull(x, H, G, v);
}
#endif

#if EG_WEIGHTS <= 4
EG_FN void eg_covariance(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *C) {
  const eg_real kappa = (eg_real)p->input_variance;
  eg_real H[EG_PRODUCTS], E[EG_ENTRIES], J[EG_ENTRIES * EG_WEIGHTS], along[EG_WEIGHTS], square = 0;
  eg_layers_up(x, H);
  eg_layers_residual(st, H, E);
  eg_layers_jacobian(x, H, J);
  eg_layers_zero(along);
  EG_UNROLL
  for (int e = 0; e < EG_ENTRIES; e++) {
    square = eg_mad(E[e], E[e], square);
    EG_UNROLL
    for (int w = 0; w < EG_WEIGHTS; w++) {
      along[w] = eg_mad(E[e], J[e * EG_WEIGHTS + w], along[w]);
    }
  }
  const eg_real size = kappa * eg_mad(kappa, square, (eg_real)(p->label_noise * p->label_noise));
  EG_UNROLL
  for (int w = 0; w < EG_WEIGHTS; w++) {
    EG_UNROLL
    for (int q = 0; q <= w; q++) {
      eg_real product = 0;
      EG_UNROLL
      for (int e = 0; e < EG_ENTRIES; e++) {
        product = eg_mad(J[e * EG_WEIGHTS + w], J[e * EG_WEIGHTS + q], product);
      }
      C[w * (w + 1) / 2 + q] = eg_mad(size, product, kappa * kappa * (along[w] * along[q]));
    }
  }
}
#endif

#if !EG_DEVICE
static inline void eg_prepare(const eg_params *p, double h, double correction, double *staged) {
  (void)h;
  (void)correction;
  eg_layers_stage(p->signal, staged);
}
#endif
