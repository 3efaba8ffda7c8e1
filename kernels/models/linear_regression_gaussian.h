/*
 * Linear least squares on a population instead of data: inputs a ~ N(0, A), A = diag(input_variance), targets
 * y = a.optimum + label_noise eps with eps ~ N(0, 1), sample loss (a.x - y)^2 / 2. With d = x - optimum:
 *   R(x) = (d.A d + label_noise^2) / 2,  grad R = A d,  gradient of a sample a (a.d - label_noise eps).
 * By Isserlis' theorem, with u = A^{1/2} d, the covariance of the gradient of one sample at two points is
 *   Sigma(x, y) = A^{1/2} [(u_x.u_y + label_noise^2) I + u_y u_x^T] A^{1/2}
 * (arXiv 2302.07125, the case of online Gaussian regression, there with A = I). Two exact forms of that noise:
 *   channels   A^{1/2} (W u + label_noise zeta), W symmetric Gaussian, E W_ij^2 = 1 + (i == j): right for many points;
 *   factor     A^{1/2} (tau z + u (u.z) / (tau + sqrt(tau^2 + |u|^2))), tau^2 = |u|^2 + label_noise^2: d normals for one
 *              point, since the bracket is the symmetric root of tau^2 I + u u^T.
 */
#define EG_NAME       "linear-regression-gaussian"
#define EG_EQUATION   "R(x) = E (a.x - y)^2 / 2, a ~ N(0, diag(input_variance)), y = a.optimum + label_noise eps, fresh samples"
#define EG_SOURCE     "arXiv 2302.07125 (online regression); 2102.05375"
#define EG_IS_PROCESS 0
#define EG_CAPS                                                                                              \
  (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_FLOW | EG_CAP_SAMPLES | EG_CAP_FACTOR |                               \
   (EG_DIM <= 8 ? EG_CAP_CHANNELS | EG_CAP_NOISE_DRIFT : 0) | (EG_DIM <= 2 ? EG_CAP_CHANNEL : 0) |           \
   (EG_DIM <= 6 ? EG_CAP_COVARIANCE : 0))
#define EG_SAMPLE     (EG_DIM + 1)
#if EG_DIM <= 8 /* 152 normals a step in dimension 16 are more than a driver holds */
#define EG_CHANNELS   (EG_DIM * (EG_DIM + 1) / 2 + EG_DIM)
#endif
#define EG_STAGED     (2 * EG_DIM)
#define EG_PARAMS(P, PV)                                                                                     \
  PV(input_variance, 1.0, 0.0, 1e12, "variance of the inputs: eigenvalues of the Hessian, loss / length^2")  \
  PV(optimum, 0.0, -1e12, 1e12, "minimum of the loss, length")                                               \
  P(label_noise, 1.0, 0.0, 1e12, "standard deviation of the targets given their inputs, sqrt(loss)")
EG_PARAMS_STRUCT

/* st[k] = sqrt(input_variance_k), st[EG_DIM + k] = exp(-(1 + correction input_variance_k) input_variance_k h / 2) */

EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  (void)st;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    g[k] = (eg_real)p->input_variance[k] * (x[k] - (eg_real)p->optimum[k]);
  }
}

EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  (void)st;
  eg_real sum = (eg_real)(0.5 * p->label_noise * p->label_noise);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real d = x[k] - (eg_real)p->optimum[k];
    sum = eg_mad((eg_real)(0.5 * p->input_variance[k]) * d, d, sum);
  }
  return sum;
}

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  eg_gradient(p, st, x, b);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    b[k] = -b[k] * eg_mad(correction, (eg_real)p->input_variance[k], (eg_real)1);
  }
}

EG_FN void eg_flow(const eg_params *p, const eg_real *st, eg_real *x) {
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    x[k] = eg_mad(st[EG_DIM + k], x[k] - (eg_real)p->optimum[k], (eg_real)p->optimum[k]);
  }
}

EG_FN void eg_add_sample_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real weight,
                                  eg_real *acc) {
  eg_real a[EG_DIM];
  eg_real residual = (eg_real)-p->label_noise * EG_Z(z, EG_DIM);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    a[k] = st[k] * EG_Z(z, k);
    residual = eg_mad(a[k], x[k] - (eg_real)p->optimum[k], residual);
  }
  residual = weight * residual;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    acc[k] = eg_mad(residual, a[k], acc[k]);
  }
}

/* u = A^{1/2} (x - optimum); returns |u|^2 */
EG_FN eg_real eg_whiten(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *u) {
  eg_real sum = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    u[k] = st[k] * (x[k] - (eg_real)p->optimum[k]);
    sum = eg_mad(u[k], u[k], sum);
  }
  return sum;
}

EG_FN void eg_noise_factor(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {
  eg_real norm2 = 0, along = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real u = st[k] * (x[k] - (eg_real)p->optimum[k]);
    norm2 = eg_mad(u, u, norm2);
    along = eg_mad(u, EG_Z(z, k), along);
  }
  const eg_real tau2 = eg_mad((eg_real)p->label_noise, (eg_real)p->label_noise, norm2);
  const eg_real tau = eg_root(tau2);
  const eg_real sum = tau + eg_root(tau2 + norm2);
  along = along / (sum > 0 ? sum : (eg_real)1); /* no noise at all: u is 0 */
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real u = st[k] * (x[k] - (eg_real)p->optimum[k]); /* once more: registers are short on the GPU */
    v[k] = st[k] * eg_mad(tau, EG_Z(z, k), u * along);
  }
}

#if EG_DIM <= 8
/* W_ij = W_ji = z[i (i + 1) / 2 + j] for j < i, W_ii = sqrt(2) z[..]; zeta: the last EG_DIM normals. */
EG_FN void eg_noise_channels(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {
  eg_real u[EG_DIM];
  (void)eg_whiten(p, st, x, u);
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    v[i] = (eg_real)p->label_noise * EG_Z(z, EG_CHANNELS - EG_DIM + i);
  }
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    EG_UNROLL
    for (int j = 0; j < i; j++) {
      const eg_real w = EG_Z(z, i * (i + 1) / 2 + j);
      v[i] = eg_mad(w, u[j], v[i]);
      v[j] = eg_mad(w, u[i], v[j]);
    }
    v[i] = eg_mad((eg_real)0x1.6a09e667f3bcdp+0 * EG_Z(z, i * (i + 1) / 2 + i), u[i], v[i]);
  }
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    v[i] = st[i] * v[i];
  }
}
#endif

#if EG_DIM <= 8
/* Of the channels: A^{1/2} E[W A W] u = A (tr A + A) (x - optimum), since E W_ik W_kj = 0 unless i = j. */
EG_FN void eg_noise_drift(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *q) {
  (void)st;
  eg_real trace = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    trace = trace + (eg_real)p->input_variance[k];
  }
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real variance = (eg_real)p->input_variance[k];
    q[k] = variance * (trace + variance) * (x[k] - (eg_real)p->optimum[k]);
  }
}
#endif

#if EG_DIM <= 2
/* Channel i (i + 1) / 2 + j of W_ij, and behind those that of zeta_i. */
EG_FN void eg_noise_channel(const eg_params *p, const eg_real *st, const eg_real *x, int c, eg_real *v) {
  eg_real u[EG_DIM];
  (void)eg_whiten(p, st, x, u);
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    /* a root of a parameter, not st[i]: it leaves the lane loop */
    v[i] = c == EG_CHANNELS - EG_DIM + i ? eg_root((eg_real)p->input_variance[i]) * (eg_real)p->label_noise : (eg_real)0;
    EG_UNROLL
    for (int j = 0; j < EG_DIM; j++) {
      const int low = i < j ? i : j, high = i < j ? j : i;
      if (c == high * (high + 1) / 2 + low) {
        v[i] = st[i] * (i == j ? (eg_real)0x1.6a09e667f3bcdp+0 * u[i] : u[j]);
      }
    }
  }
}
#endif

#if EG_DIM <= 6
EG_FN void eg_covariance(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *C) {
  eg_real u[EG_DIM];
  const eg_real tau2 = eg_mad((eg_real)p->label_noise, (eg_real)p->label_noise, eg_whiten(p, st, x, u));
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    EG_UNROLL
    for (int j = 0; j <= i; j++) {
      const eg_real product = (st[i] * u[i]) * (st[j] * u[j]);
      C[i * (i + 1) / 2 + j] = i == j ? eg_mad((eg_real)p->input_variance[i], tau2, product) : product;
    }
  }
}
#endif

#if !EG_DEVICE
static inline void eg_prepare(const eg_params *p, double h, double correction, double *staged) {
  for (int k = 0; k < EG_DIM; k++) {
    staged[k] = eg_sqrt(p->input_variance[k]);
    staged[EG_DIM + k] = eg_exp(-(1.0 + correction * p->input_variance[k]) * p->input_variance[k] * (0.5 * h));
  }
}
#endif
