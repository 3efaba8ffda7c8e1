/*
 * Diagonal linear network on a population: state x = (u_0, v_0, u_1, v_1, ..), coefficients beta_k = u_k^2 - v_k^2, inputs
 * a_k ~ N(0, w_k), targets y = a.beta* + label_noise eps with beta*_k = signal_2k^2 - signal_(2k+1)^2, sample loss
 * (a.beta - y)^2 / 2, fresh samples. With d = beta - beta*:
 *   R = (sum_k w_k d_k^2 + label_noise^2) / 2,  dR/du_k = 2 u_k w_k d_k,  dR/dv_k = -2 v_k w_k d_k.
 * The gradient of a sample is that of the regression on beta (linear_regression_gaussian.h) times the derivative (2 u, -2 v),
 * and so are its two exact noise forms. The noise vanishes with u and v: it favours sparse beta (Pesme, Pillaud-Vivien,
 * Flammarion, arXiv 2106.09524).
 */
#define EG_NAME       "diagonal-linear-network"
#define EG_EQUATION   "R(u, v) = E (a.(u^2 - v^2) - y)^2 / 2, a Gaussian, y = a.beta* + label_noise eps, fresh samples; x = (u_0, v_0, u_1, ..)"
#define EG_SOURCE     "Woodworth et al., arXiv 2002.09277; Pesme, Pillaud-Vivien, Flammarion, arXiv 2106.09524"
#define EG_IS_PROCESS 0
#define EG_DIM_MULTIPLE 2
#define EG_CAPS                                                                                              \
  (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_SAMPLES | EG_CAP_FACTOR | EG_CAP_CHANNELS |                           \
   (EG_DIM <= 4 ? EG_CAP_COVARIANCE : 0))
#define EG_PAIRS      (EG_DIM / 2)
#define EG_SAMPLE     (EG_PAIRS + 1)
#define EG_CHANNELS   (EG_PAIRS * (EG_PAIRS + 1) / 2 + EG_PAIRS)
#define EG_STAGED     (3 * EG_PAIRS + 1)
#define EG_PARAMS(P, PV)                                                                                     \
  PV(input_variance, 1.0, 0.0, 1e12, "of input k at 2 k; what stands at 2 k + 1 does not count")             \
  PV(signal, 1.0, -1e12, 1e12, "the state that made the targets: beta*_k from the values at 2 k and 2 k + 1") \
  P(label_noise, 0.0, 0.0, 1e12, "standard deviation of the targets given their inputs, sqrt(loss)")
EG_PARAMS_STRUCT

/* st[k] = sqrt(w_k), st[EG_PAIRS + k] = beta*_k, st[2 EG_PAIRS + k] = w_k, st[3 EG_PAIRS] = label_noise^2 */
#define EG_D(k)     (eg_mad(x[2 * (k)], x[2 * (k)], -x[2 * (k) + 1] * x[2 * (k) + 1]) - st[EG_PAIRS + (k)])
#define EG_SLOPE(i) ((eg_real)((i) % 2 == 0 ? 2 : -2) * x[i]) /* of beta_{i/2} in x_i */

EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  eg_real sum = (eg_real)0.5 * st[3 * EG_PAIRS];
  (void)p;
  EG_UNROLL
  for (int k = 0; k < EG_PAIRS; k++) {
    const eg_real d = st[k] * EG_D(k);
    sum = eg_mad((eg_real)0.5 * d, d, sum);
  }
  return sum;
}

EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  (void)p;
  EG_UNROLL
  for (int k = 0; k < EG_PAIRS; k++) {
    const eg_real residual = st[2 * EG_PAIRS + k] * EG_D(k);
    g[2 * k] = EG_SLOPE(2 * k) * residual;
    g[2 * k + 1] = EG_SLOPE(2 * k + 1) * residual;
  }
}

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  eg_gradient(p, st, x, b);
  EG_UNROLL
  for (int k = 0; k < EG_PAIRS; k++) {
    const eg_real w = st[2 * EG_PAIRS + k], residual = w * EG_D(k);
    const eg_real change = w * eg_mad(EG_SLOPE(2 * k), b[2 * k], EG_SLOPE(2 * k + 1) * b[2 * k + 1]);
    const eg_real Hu = eg_mad((eg_real)2 * residual, b[2 * k], EG_SLOPE(2 * k) * change);
    const eg_real Hv = eg_mad((eg_real)-2 * residual, b[2 * k + 1], EG_SLOPE(2 * k + 1) * change);
    b[2 * k] = -eg_mad(correction, Hu, b[2 * k]);
    b[2 * k + 1] = -eg_mad(correction, Hv, b[2 * k + 1]);
  }
}

EG_FN void eg_add_sample_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real weight,
                                  eg_real *acc) {
  eg_real residual = (eg_real)-p->label_noise * EG_Z(z, EG_PAIRS);
  EG_UNROLL
  for (int k = 0; k < EG_PAIRS; k++) {
    residual = eg_mad(st[k] * EG_Z(z, k), EG_D(k), residual);
  }
  residual = weight * residual;
  EG_UNROLL
  for (int k = 0; k < EG_PAIRS; k++) {
    const eg_real slope = residual * (st[k] * EG_Z(z, k));
    acc[2 * k] = eg_mad(slope, EG_SLOPE(2 * k), acc[2 * k]);
    acc[2 * k + 1] = eg_mad(slope, EG_SLOPE(2 * k + 1), acc[2 * k + 1]);
  }
}

/* From the noise n of the regression on beta: v_i = n_{i/2} d beta / d x_i. */
EG_FN void eg_noise_of_state(const eg_real *x, const eg_real *n, eg_real *v) {
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    v[i] = EG_SLOPE(i) * n[i / 2];
  }
}

EG_FN void eg_noise_factor(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {
  eg_real norm2 = 0, along = 0, n[EG_PAIRS];
  EG_UNROLL
  for (int k = 0; k < EG_PAIRS; k++) {
    const eg_real u = st[k] * EG_D(k);
    norm2 = eg_mad(u, u, norm2);
    along = eg_mad(u, EG_Z(z, k), along);
  }
  const eg_real tau2 = st[3 * EG_PAIRS] + norm2;
  (void)p;
  const eg_real tau = eg_root(tau2);
  const eg_real sum = tau + eg_root(tau2 + norm2);
  along = along / (sum > 0 ? sum : (eg_real)1); /* no noise at all: u is 0 */
  EG_UNROLL
  for (int k = 0; k < EG_PAIRS; k++) {
    n[k] = st[k] * eg_mad(tau, EG_Z(z, k), st[k] * EG_D(k) * along);
  }
  eg_noise_of_state(x, n, v);
}

EG_FN void eg_noise_channels(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {
  eg_real u[EG_PAIRS], n[EG_PAIRS];
  EG_UNROLL
  for (int k = 0; k < EG_PAIRS; k++) {
    u[k] = st[k] * EG_D(k);
    n[k] = (eg_real)p->label_noise * EG_Z(z, EG_CHANNELS - EG_PAIRS + k);
  }
  EG_UNROLL
  for (int i = 0; i < EG_PAIRS; i++) {
    EG_UNROLL
    for (int j = 0; j < i; j++) {
      const eg_real w = EG_Z(z, i * (i + 1) / 2 + j);
      n[i] = eg_mad(w, u[j], n[i]);
      n[j] = eg_mad(w, u[i], n[j]);
    }
    n[i] = eg_mad((eg_real)0x1.6a09e667f3bcdp+0 * EG_Z(z, i * (i + 1) / 2 + i), u[i], n[i]);
  }
  EG_UNROLL
  for (int k = 0; k < EG_PAIRS; k++) {
    n[k] = st[k] * n[k];
  }
  eg_noise_of_state(x, n, v);
}

#if EG_DIM <= 4
EG_FN void eg_covariance(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *C) {
  eg_real tau2 = st[3 * EG_PAIRS];
  (void)p;
  EG_UNROLL
  for (int k = 0; k < EG_PAIRS; k++) {
    const eg_real u = st[k] * EG_D(k);
    tau2 = eg_mad(u, u, tau2);
  }
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    EG_UNROLL
    for (int j = 0; j <= i; j++) {
      const int k = i / 2, l = j / 2;
      const eg_real product = (st[k] * EG_D(k)) * (st[l] * EG_D(l));
      const eg_real inner = st[k] * (st[l] * (k == l ? tau2 + product : product));
      C[i * (i + 1) / 2 + j] = (EG_SLOPE(i) * EG_SLOPE(j)) * inner;
    }
  }
}
#endif

#if !EG_DEVICE
static inline void eg_prepare(const eg_params *p, double h, double correction, double *staged) {
  (void)h;
  (void)correction;
  for (int k = 0; k < EG_PAIRS; k++) {
    staged[k] = eg_sqrt(p->input_variance[2 * k]);
    staged[2 * EG_PAIRS + k] = p->input_variance[2 * k];
    staged[EG_PAIRS + k] = p->signal[2 * k] * p->signal[2 * k] - p->signal[2 * k + 1] * p->signal[2 * k + 1];
  }
  staged[3 * EG_PAIRS] = p->label_noise * p->label_noise;
}
#endif
