/*
 * Deep linear network of three layers, 1 -> 2 -> 2 -> 1 neurons, on a population: f(a) = W3 W2 W1 a with the state
 * x = (W1_0, W1_1, W2_00, W2_01, W2_10, W2_11, W3_0, W3_1), inputs a ~ N(0, input_variance), targets
 * y = end_to_end a + label_noise eps, sample loss (f(a) - y)^2 / 2, fresh samples. With the end-to-end product q = W3 W2 W1 and
 * e = q - end_to_end:
 *   R = (input_variance e^2 + label_noise^2) / 2,   grad R = input_variance e grad q,
 *   Hess R v = input_variance ((grad q . v) grad q + e Hess q v).
 * The gradient of a sample is (e a^2 - label_noise eps a) grad q: its noise at two points has the covariance
 * (2 input_variance^2 e e' + label_noise^2 input_variance) grad q grad q'^T, two channels.
 * Saddles where the product and enough layers vanish (Saxe, McClelland, Ganguli, arXiv 1312.6120).
 */
#define EG_NAME       "deep-linear-network"
#define EG_EQUATION   "R(W) = E (W3 W2 W1 a - y)^2 / 2, layers 1-2-2-1, a Gaussian, y = end_to_end a + label_noise eps, fresh samples"
#define EG_SOURCE     "Saxe, McClelland, Ganguli, arXiv 1312.6120"
#define EG_DIM        8
#define EG_IS_PROCESS 0
#define EG_CAPS       (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_SAMPLES | EG_CAP_CHANNELS)
#define EG_SAMPLE     2
#define EG_CHANNELS   2
#define EG_STAGED     0
#define EG_PARAMS(P, PV)                                                                                     \
  P(input_variance, 1.0, 0.0, 1e12, "variance of the inputs")                                                \
  P(end_to_end, 1.0, -1e12, 1e12, "what the product of the layers should be")                                    \
  P(label_noise, 0.0, 0.0, 1e12, "standard deviation of the targets given their inputs, sqrt(loss)")
EG_PARAMS_STRUCT

EG_FN eg_real eg_product(const eg_real *x) {
  const eg_real h0 = eg_mad(x[2], x[0], x[3] * x[1]), h1 = eg_mad(x[4], x[0], x[5] * x[1]);
  return eg_mad(x[6], h0, x[7] * h1);
}

/* grad q */
EG_FN void eg_product_gradient(const eg_real *x, eg_real *g) {
  g[0] = eg_mad(x[6], x[2], x[7] * x[4]);
  g[1] = eg_mad(x[6], x[3], x[7] * x[5]);
  g[2] = x[6] * x[0];
  g[3] = x[6] * x[1];
  g[4] = x[7] * x[0];
  g[5] = x[7] * x[1];
  g[6] = eg_mad(x[2], x[0], x[3] * x[1]);
  g[7] = eg_mad(x[4], x[0], x[5] * x[1]);
}

/* Hess q v: the derivative of the above along v */
EG_FN void eg_product_hessian(const eg_real *x, const eg_real *v, eg_real *y) {
  y[0] = eg_mad(v[6], x[2], x[6] * v[2]) + eg_mad(v[7], x[4], x[7] * v[4]);
  y[1] = eg_mad(v[6], x[3], x[6] * v[3]) + eg_mad(v[7], x[5], x[7] * v[5]);
  y[2] = eg_mad(v[6], x[0], x[6] * v[0]);
  y[3] = eg_mad(v[6], x[1], x[6] * v[1]);
  y[4] = eg_mad(v[7], x[0], x[7] * v[0]);
  y[5] = eg_mad(v[7], x[1], x[7] * v[1]);
  y[6] = eg_mad(v[2], x[0], x[2] * v[0]) + eg_mad(v[3], x[1], x[3] * v[1]);
  y[7] = eg_mad(v[4], x[0], x[4] * v[0]) + eg_mad(v[5], x[1], x[5] * v[1]);
}

EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  const eg_real e = eg_product(x) - (eg_real)p->end_to_end;
  (void)st;
  return eg_mad((eg_real)(0.5 * p->input_variance) * e, e, (eg_real)(0.5 * p->label_noise * p->label_noise));
}

EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  const eg_real slope = (eg_real)p->input_variance * (eg_product(x) - (eg_real)p->end_to_end);
  (void)st;
  eg_product_gradient(x, g);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    g[k] = slope * g[k];
  }
}

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  const eg_real variance = (eg_real)p->input_variance, slope = variance * (eg_product(x) - (eg_real)p->end_to_end);
  eg_real q[EG_DIM], Hq[EG_DIM], along = 0;
  (void)st;
  eg_product_gradient(x, q);
  eg_product_hessian(x, q, Hq);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    along = eg_mad(q[k], q[k], along);
  }
  /* Hess R grad R with grad R = slope q */
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real Hg = slope * eg_mad(variance * along, q[k], slope * Hq[k]);
    b[k] = -eg_mad(correction, Hg, slope * q[k]);
  }
}

EG_FN void eg_add_sample_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real weight,
                                  eg_real *acc) {
  const eg_real variance = (eg_real)p->input_variance, e = eg_product(x) - (eg_real)p->end_to_end;
  const eg_real root = eg_root(variance), a = root * EG_Z(z, 0);
  const eg_real slope = weight * (a * eg_mad(e, a, (eg_real)-p->label_noise * EG_Z(z, 1)));
  eg_real q[EG_DIM];
  (void)st;
  eg_product_gradient(x, q);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    acc[k] = eg_mad(slope, q[k], acc[k]);
  }
}

EG_FN void eg_noise_channels(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {
  const eg_real variance = (eg_real)p->input_variance, e = eg_product(x) - (eg_real)p->end_to_end;
  const eg_real label = (eg_real)p->label_noise * eg_root(variance);
  const eg_real slope = eg_mad((eg_real)0x1.6a09e667f3bcdp+0 * variance * e, EG_Z(z, 0), label * EG_Z(z, 1));
  (void)st;
  eg_product_gradient(x, v);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    v[k] = slope * v[k];
  }
}
