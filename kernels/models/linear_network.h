/*
 * Linear network of any depth and widths n_0 .. n_L (key `shape`), on a population: f(a) = W_L .. W_1 a with inputs
 * a ~ N(0, input_variance I), targets y = M a + label_noise eps, M the product of the layers `signal`, sample loss
 * |f(a) - y|^2 / 2, fresh samples. The state is W_1 by rows, then W_2, .. With kappa = input_variance, E = W_L .. W_1 - M:
 *   R = (kappa |E|^2 + n_L label_noise^2) / 2,  grad R = pull(kappa E) (core/linear_layers.h),
 *   grad l = pull((E a - label_noise eps) a^T).
 * The noise of the gradient has at two points the covariance of pull(kappa E W + label_noise sqrt(kappa) Z), W a symmetric Gaussian
 * matrix, E W_ij^2 = 1 + (i == j), and Z an independent one (Isserlis' theorem): the channels.
 * Gradient flow keeps W_(l+1)^T W_(l+1) - W_l W_l^T; from balanced layers along the singular vectors of M the product's singular
 * values s of two layers move by ds/dt = 2 kappa s (s* - s) (Saxe et al., section 1).
 */
#define EG_NAME       "linear-network"
#define EG_EQUATION   "R(W) = E |W_L .. W_1 a - y|^2 / 2, a Gaussian, y = M a + label_noise eps, fresh samples; widths by `shape`, x = (W_1 by rows, W_2, ..)"
#define EG_SOURCE     "Saxe, McClelland, Ganguli, arXiv 1312.6120; Arora, Cohen, Hazan, arXiv 1802.06509 (what gradient flow keeps)"
#define EG_IS_PROCESS 0
#define EG_HAS_SHAPE  "widths of the layers, from the inputs to the outputs"
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
#define EG_TRIANGLE_IN (EG_INPUTS * (EG_INPUTS + 1) / 2)
#define EG_CHANNELS    (EG_TRIANGLE_IN + EG_ENTRIES)
#define EG_CAPS                                                                                              \
  (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_SAMPLES | (EG_CHANNELS <= 128 ? EG_CAP_CHANNELS : 0) |                \
   (EG_WEIGHTS <= 4 ? EG_CAP_COVARIANCE : 0))
#define EG_SAMPLE (EG_INPUTS + EG_OUTPUTS)
#define EG_STAGED EG_ENTRIES
#define EG_PARAMS(P, PV)                                                                                     \
  P(input_variance, 1.0, 0.0, 1e12, "variance of the inputs")                                                \
  PV(signal, 1.0, -1e12, 1e12, "layers whose product the targets are made by, in the order of the state")    \
  P(label_noise, 0.0, 0.0, 1e12, "standard deviation of the targets given their inputs, sqrt(loss)")
EG_PARAMS_STRUCT

EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  return eg_layers_loss(st, x, (eg_real)p->input_variance, (eg_real)(EG_OUTPUTS * p->label_noise * p->label_noise));
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
  eg_real H[EG_PRODUCTS], G[EG_ENTRIES];
  eg_layers_up(x, H);
  EG_UNROLL
  for (int i = 0; i < EG_OUTPUTS; i++) {
    eg_real residual = (eg_real)-p->label_noise * EG_Z(z, EG_INPUTS + i);
    EG_UNROLL
    for (int j = 0; j < EG_INPUTS; j++) {
      residual = eg_mad(H[EG_TOP + i * EG_INPUTS + j] - st[i * EG_INPUTS + j], root * EG_Z(z, j), residual);
    }
    residual = weight * residual;
    EG_UNROLL
    for (int j = 0; j < EG_INPUTS; j++) {
      G[i * EG_INPUTS + j] = residual * (root * EG_Z(z, j));
    }
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
  for (int i = 0; i < EG_OUTPUTS; i++) {
    EG_UNROLL
    for (int j = 0; j < EG_INPUTS; j++) {
      eg_real sum = 0;
      EG_UNROLL
      for (int k = 0; k < EG_INPUTS; k++) {
        sum = eg_mad(E[i * EG_INPUTS + k], eg_layers_symmetric(z, k, j), sum);
      }
      G[i * EG_INPUTS + j] = eg_mad(kappa, sum, label * EG_Z(z, EG_TRIANGLE_IN + i * EG_INPUTS + j));
    }
  }
  eg_layers_zero(v);
  eg_layers_pull(x, H, G, v);
}
#endif

#if EG_WEIGHTS <= 4
/* With P = E^T J of a weight (n_0, n_0): kappa^2 (tr P P'^T + tr P P') + label_noise^2 kappa <J, J'>. */
EG_FN void eg_covariance(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *C) {
  const eg_real kappa = (eg_real)p->input_variance, label = (eg_real)(p->label_noise * p->label_noise) * kappa;
  eg_real H[EG_PRODUCTS], E[EG_ENTRIES], J[EG_ENTRIES * EG_WEIGHTS], P[EG_WEIGHTS * EG_INPUTS * EG_INPUTS];
  eg_layers_up(x, H);
  eg_layers_residual(st, H, E);
  eg_layers_jacobian(x, H, J);
  EG_UNROLL
  for (int w = 0; w < EG_WEIGHTS; w++) {
    EG_UNROLL
    for (int i = 0; i < EG_INPUTS; i++) {
      EG_UNROLL
      for (int j = 0; j < EG_INPUTS; j++) {
        eg_real sum = 0;
        EG_UNROLL
        for (int k = 0; k < EG_OUTPUTS; k++) {
          sum = eg_mad(E[k * EG_INPUTS + i], J[(k * EG_INPUTS + j) * EG_WEIGHTS + w], sum);
        }
        P[(w * EG_INPUTS + i) * EG_INPUTS + j] = sum;
      }
    }
  }
  EG_UNROLL
  for (int w = 0; w < EG_WEIGHTS; w++) {
    EG_UNROLL
    for (int q = 0; q <= w; q++) {
      eg_real inputs = 0, labels = 0;
      EG_UNROLL
      for (int i = 0; i < EG_INPUTS; i++) {
        EG_UNROLL
        for (int j = 0; j < EG_INPUTS; j++) {
          const eg_real both = P[(q * EG_INPUTS + i) * EG_INPUTS + j] + P[(q * EG_INPUTS + j) * EG_INPUTS + i];
          inputs = eg_mad(P[(w * EG_INPUTS + i) * EG_INPUTS + j], both, inputs);
        }
      }
      EG_UNROLL
      for (int e = 0; e < EG_ENTRIES; e++) {
        labels = eg_mad(J[e * EG_WEIGHTS + w], J[e * EG_WEIGHTS + q], labels);
      }
      C[w * (w + 1) / 2 + q] = eg_mad(kappa * kappa, inputs, label * labels);
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
