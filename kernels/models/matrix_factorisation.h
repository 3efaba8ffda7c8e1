/*
 * A matrix of rank one from Gaussian measurements: state x = (u_0, v_0, u_1, v_1, ..), sample loss (<A, u v^T> - y)^2 / 2 with
 * y = <A, u* v*^T> + label_noise eps and independent A_ij ~ N(0, variance of row i x variance of column j), fresh samples;
 * signal = (u*_0, v*_0, ..). In whitened coordinates (u_i times the root of its variance, ..), with D = u v^T - u* v*^T,
 * P = |u|^2, Q = |v|^2, a = u.u*, b = v.v*, T = |D|^2 + label_noise^2:
 *   R = (|D|^2 + label_noise^2) / 2,  |D|^2 = P Q - 2 a b + |u*|^2 |v*|^2,  grad R = (D v, D^T u) = (Q u - b u*, P v - a v*).
 * Covariance of the gradient of a sample (Isserlis): T Q I + D v (D v)^T for u, T P I + D^T u (D^T u)^T for v, and
 * T u v^T + D v (D^T u)^T between u and v.
 * Minima where u v^T = u* v*^T, a curve: u -> c u, v -> v / c; a saddle at 0.
 */
#define EG_NAME       "matrix-factorisation"
#define EG_EQUATION   "R(u, v) = E (<A, u v^T> - y)^2 / 2, A Gaussian, y = <A, u* v*^T> + label_noise eps, fresh samples; x = (u_0, v_0, u_1, ..)"
#define EG_SOURCE     "Recht, Fazel, Parrilo, arXiv 0706.4138 (measurements); Burer, Monteiro 2003 (doi 10.1007/s10107-002-0352-8)"
#define EG_IS_PROCESS 0
#define EG_DIM_MULTIPLE 2
#define EG_CAPS       (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_SAMPLES | (EG_DIM <= 4 ? EG_CAP_COVARIANCE : 0))
#define EG_PAIRS      (EG_DIM / 2)
#define EG_SAMPLE     (EG_PAIRS * EG_PAIRS + 1)
#define EG_STAGED     (2 * EG_DIM + 1)
#define EG_PARAMS(P, PV)                                                                                     \
  PV(input_variance, 1.0, 0.0, 1e12, "of row i of A at 2 i, of column i at 2 i + 1")                         \
  PV(signal, 1.0, -1e12, 1e12, "u* and v*, in the order of the state, length")                               \
  P(label_noise, 0.0, 0.0, 1e12, "standard deviation of the targets given their measurement")
EG_PARAMS_STRUCT

/* st[k] = sqrt(input_variance_k), st[EG_DIM + k] = that times signal_k, st[2 EG_DIM] = |u*|^2 |v*|^2 + label_noise^2 */
#define EG_W(x, k) (st[k] * (x)[k])
#define EG_T(k)    (st[EG_DIM + (k)])

typedef struct eg_factors {
  eg_real P, Q, a, b; /* |u|^2, |v|^2, u.u*, v.v* */
} eg_factors;

EG_FN eg_factors eg_factors_of(const eg_real *st, const eg_real *x) {
  eg_factors f;
  f.P = f.Q = f.a = f.b = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k += 2) {
    f.P = eg_mad(EG_W(x, k), EG_W(x, k), f.P);
    f.a = eg_mad(EG_W(x, k), EG_T(k), f.a);
    f.Q = eg_mad(EG_W(x, k + 1), EG_W(x, k + 1), f.Q);
    f.b = eg_mad(EG_W(x, k + 1), EG_T(k + 1), f.b);
  }
  return f;
}

/* |D|^2 + label_noise^2 */
EG_FN eg_real eg_residual2(const eg_real *st, const eg_factors *f) {
  return eg_mad(f->P, f->Q, eg_mad((eg_real)-2 * f->a, f->b, st[2 * EG_DIM]));
}

EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  const eg_factors f = eg_factors_of(st, x);
  (void)p;
  return (eg_real)0.5 * eg_residual2(st, &f);
}

/* D v and D^T u, whitened. */
EG_FN void eg_residual_products(const eg_real *st, const eg_real *x, const eg_factors *f, eg_real *g) {
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k += 2) {
    g[k] = eg_mad(f->Q, EG_W(x, k), -f->b * EG_T(k));
    g[k + 1] = eg_mad(f->P, EG_W(x, k + 1), -f->a * EG_T(k + 1));
  }
}

EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  const eg_factors f = eg_factors_of(st, x);
  (void)p;
  eg_residual_products(st, x, &f, g);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    g[k] = st[k] * g[k];
  }
}

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  const eg_factors f = eg_factors_of(st, x);
  eg_real u_g = 0, v_g = 0, u1_g = 0, v1_g = 0; /* u, v, u*, v* with the whitened direction */
  eg_gradient(p, st, x, b);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k += 2) {
    u_g = eg_mad(EG_W(x, k), EG_W(b, k), u_g);
    u1_g = eg_mad(EG_T(k), EG_W(b, k), u1_g);
    v_g = eg_mad(EG_W(x, k + 1), EG_W(b, k + 1), v_g);
    v1_g = eg_mad(EG_T(k + 1), EG_W(b, k + 1), v1_g);
  }
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k += 2) {
    const eg_real u = eg_mad((eg_real)2 * v_g, EG_W(x, k), -v1_g * EG_T(k));
    const eg_real v = eg_mad((eg_real)2 * u_g, EG_W(x, k + 1), -u1_g * EG_T(k + 1));
    b[k] = -eg_mad(correction, st[k] * eg_mad(f.Q, EG_W(b, k), u), b[k]);
    b[k + 1] = -eg_mad(correction, st[k + 1] * eg_mad(f.P, EG_W(b, k + 1), v), b[k + 1]);
  }
}

EG_FN void eg_add_sample_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real weight,
                                  eg_real *acc) {
  eg_real residual = (eg_real)-p->label_noise * EG_Z(z, EG_PAIRS * EG_PAIRS), Av[EG_PAIRS];
  EG_UNROLL
  for (int i = 0; i < EG_PAIRS; i++) { /* u.A v - u*.A v* */
    eg_real right = 0;
    Av[i] = 0;
    EG_UNROLL
    for (int j = 0; j < EG_PAIRS; j++) {
      Av[i] = eg_mad(EG_Z(z, i * EG_PAIRS + j), EG_W(x, 2 * j + 1), Av[i]);
      right = eg_mad(EG_Z(z, i * EG_PAIRS + j), EG_T(2 * j + 1), right);
    }
    residual = eg_mad(EG_W(x, 2 * i), Av[i], eg_mad(-right, EG_T(2 * i), residual));
  }
  residual = weight * residual;
  EG_UNROLL
  for (int i = 0; i < EG_PAIRS; i++) {
    eg_real Au = 0;
    EG_UNROLL
    for (int j = 0; j < EG_PAIRS; j++) {
      Au = eg_mad(EG_Z(z, j * EG_PAIRS + i), EG_W(x, 2 * j), Au);
    }
    acc[2 * i] = eg_mad(residual, st[2 * i] * Av[i], acc[2 * i]);
    acc[2 * i + 1] = eg_mad(residual, st[2 * i + 1] * Au, acc[2 * i + 1]);
  }
}

#if EG_DIM <= 4
EG_FN void eg_covariance(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *C) {
  const eg_factors f = eg_factors_of(st, x);
  const eg_real T = eg_residual2(st, &f);
  (void)p;
  eg_real g[EG_DIM];
  eg_residual_products(st, x, &f, g);
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    EG_UNROLL
    for (int j = 0; j <= i; j++) {
      const eg_real own = i == j ? T * (i % 2 == 0 ? f.Q : f.P) : (eg_real)0;
      const eg_real cross = i % 2 == j % 2 ? own : T * (EG_W(x, i) * EG_W(x, j));
      C[i * (i + 1) / 2 + j] = st[i] * (st[j] * eg_mad(g[i], g[j], cross));
    }
  }
}
#endif

#if !EG_DEVICE
static inline void eg_prepare(const eg_params *p, double h, double correction, double *staged) {
  (void)h;
  (void)correction;
  double squares[2] = {0, 0}; /* |u*|^2, |v*|^2 */
  for (int k = 0; k < EG_DIM; k++) {
    staged[k] = eg_sqrt(p->input_variance[k]);
    staged[EG_DIM + k] = staged[k] * p->signal[k];
    squares[k % 2] += staged[EG_DIM + k] * staged[EG_DIM + k];
  }
  staged[2 * EG_DIM] = squares[0] * squares[1] + p->label_noise * p->label_noise;
}
#endif
