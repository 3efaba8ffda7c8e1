/*
 * Phase retrieval on a population: inputs a ~ N(0, A), A = diag(input_variance), targets y = (a.signal)^2 + label_noise eps,
 * sample loss ((a.x)^2 - y)^2 / 4, fresh samples. In whitened coordinates u = A^{1/2} x, t = A^{1/2} signal, with
 * p = |u|^2, q = |t|^2, r = u.t (Isserlis):
 *   R = (3 p^2 + 3 q^2 - 2 p q - 4 r^2 + label_noise^2) / 4,   grad R = A^{1/2} ((3 p - q) u - 2 r t),
 *   Hess R = A^{1/2} ((3 p - q) I + 6 u u^T - 2 t t^T) A^{1/2}.
 * Covariance of the gradient of a sample by Stein's lemma, E F(a.x, a.signal) z z^T = E F I + E Hess F with
 * F = s^2 (s^2 - v^2)^2 + label_noise^2 s^2 in s = u.z, v = t.z:
 *   E F I + F_ss u u^T + F_sv (u t^T + t u^T) + F_vv t t^T, less the product of the means.
 * Minima at +-signal, saddles at 0 and on the sphere orthogonal to the signal (Candes, Li, Soltanolkotabi, arXiv 1407.1065).
 */
#define EG_NAME       "phase-retrieval"
#define EG_EQUATION   "R(x) = E ((a.x)^2 - y)^2 / 4, a ~ N(0, diag(input_variance)), y = (a.signal)^2 + label_noise eps, fresh samples"
#define EG_SOURCE     "Candes, Li, Soltanolkotabi, arXiv 1407.1065"
#define EG_IS_PROCESS 0
#define EG_CAPS       (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_SAMPLES | (EG_DIM <= 4 ? EG_CAP_COVARIANCE : 0))
#define EG_SAMPLE     (EG_DIM + 1)
#define EG_SAMPLE_DEGREE 4 /* of the gradient in the normals of a sample */
#define EG_STAGED     (2 * EG_DIM + 6)
#define EG_PARAMS(P, PV)                                                                                     \
  PV(input_variance, 1.0, 0.0, 1e12, "variance of the inputs, 1 / length^2")                                 \
  PV(signal, 1.0, -1e12, 1e12, "what is to be found, up to its sign, length")                                \
  P(label_noise, 0.0, 0.0, 1e12, "standard deviation of the targets given their inputs")
EG_PARAMS_STRUCT

/* st[k] = sqrt(input_variance_k), st[EG_DIM + k] = t_k, then the constants below. u is made where it is needed: registers
   are short on the GPU. */
#define EG_U(k) (st[k] * x[k])
#define EG_T(k) (st[EG_DIM + (k)])
#define EG_ST_Q   (2 * EG_DIM)     /* q = |t|^2 */
#define EG_ST_6Q  (2 * EG_DIM + 1)
#define EG_ST_12Q (2 * EG_DIM + 2)
#define EG_ST_24Q (2 * EG_DIM + 3)
#define EG_ST_F   (2 * EG_DIM + 4) /* 3 q^2 + label_noise^2 */
#define EG_ST_FSS (2 * EG_DIM + 5) /* twice that */

typedef struct eg_overlaps {
  eg_real p, r; /* |u|^2, u.t */
} eg_overlaps;

EG_FN eg_overlaps eg_overlaps_of(const eg_real *st, const eg_real *x) {
  eg_overlaps o;
  o.p = o.r = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    o.p = eg_mad(EG_U(k), EG_U(k), o.p);
    o.r = eg_mad(EG_U(k), EG_T(k), o.r);
  }
  return o;
}

EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  const eg_overlaps o = eg_overlaps_of(st, x);
  const eg_real squares = eg_mad((eg_real)3 * o.p, o.p, st[EG_ST_F]);
  (void)p;
  return (eg_real)0.25 * eg_mad((eg_real)-4 * o.r, o.r, eg_mad((eg_real)-2 * o.p, st[EG_ST_Q], squares));
}

EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  const eg_overlaps o = eg_overlaps_of(st, x);
  const eg_real along = eg_mad((eg_real)3, o.p, -st[EG_ST_Q]);
  (void)p;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    g[k] = st[k] * eg_mad(along, EG_U(k), (eg_real)-2 * o.r * EG_T(k));
  }
}

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  const eg_overlaps o = eg_overlaps_of(st, x);
  const eg_real along = eg_mad((eg_real)3, o.p, -st[EG_ST_Q]);
  eg_real g_u = 0, g_t = 0; /* of the whitened gradient with u and t */
  eg_gradient(p, st, x, b);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    g_u = eg_mad(st[k] * b[k], EG_U(k), g_u);
    g_t = eg_mad(st[k] * b[k], EG_T(k), g_t);
  }
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real sides = eg_mad((eg_real)6 * g_u, EG_U(k), (eg_real)-2 * g_t * EG_T(k));
    const eg_real Hg = st[k] * eg_mad(along, st[k] * b[k], sides);
    b[k] = -eg_mad(correction, Hg, b[k]);
  }
}

EG_FN void eg_add_sample_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real weight,
                                  eg_real *acc) {
  eg_real s = 0, v = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    s = eg_mad(EG_Z(z, k), EG_U(k), s);
    v = eg_mad(EG_Z(z, k), EG_T(k), v);
  }
  const eg_real residual = eg_mad(s, s, -eg_mad(v, v, (eg_real)p->label_noise * EG_Z(z, EG_DIM)));
  const eg_real slope = weight * (residual * s);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    acc[k] = eg_mad(slope, st[k] * EG_Z(z, k), acc[k]);
  }
}

#if EG_DIM <= 4
EG_FN void eg_covariance(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *C) {
  const eg_overlaps o = eg_overlaps_of(st, x);
  const eg_real P = o.p, r2 = o.r * o.r;
  const eg_real F = eg_mad(P, eg_mad(P, eg_mad((eg_real)15, P, -st[EG_ST_6Q]), st[EG_ST_F]),
                           r2 * eg_mad((eg_real)-24, P, st[EG_ST_12Q]));
  const eg_real F_ss = eg_mad(P, eg_mad((eg_real)90, P, -st[EG_ST_24Q]), eg_mad((eg_real)-48, r2, st[EG_ST_FSS]));
  const eg_real F_sv = o.r * eg_mad((eg_real)-48, P, st[EG_ST_24Q]);
  const eg_real F_vv = eg_mad(P, eg_mad((eg_real)-12, P, st[EG_ST_12Q]), (eg_real)24 * r2);
  eg_real g[EG_DIM];
  eg_gradient(p, st, x, g);
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    EG_UNROLL
    for (int j = 0; j <= i; j++) {
      const eg_real mixed = eg_mad(EG_U(i), EG_T(j), EG_T(i) * EG_U(j));
      const eg_real sum = eg_mad(F_ss * EG_U(i), EG_U(j), eg_mad(F_sv, mixed, F_vv * EG_T(i) * EG_T(j)));
      C[i * (i + 1) / 2 + j] = eg_mad(st[i], st[j] * (i == j ? F + sum : sum), -(g[i] * g[j]));
    }
  }
}
#endif

#if !EG_DEVICE
static inline void eg_prepare(const eg_params *p, double h, double correction, double *staged) {
  (void)h;
  (void)correction;
  double q = 0;
  for (int k = 0; k < EG_DIM; k++) {
    staged[k] = eg_sqrt(p->input_variance[k]);
    staged[EG_DIM + k] = staged[k] * p->signal[k];
    q += staged[EG_DIM + k] * staged[EG_DIM + k];
  }
  staged[EG_ST_Q] = q;
  staged[EG_ST_6Q] = 6 * q;
  staged[EG_ST_12Q] = 12 * q;
  staged[EG_ST_24Q] = 24 * q;
  staged[EG_ST_F] = 3 * q * q + p->label_noise * p->label_noise;
  staged[EG_ST_FSS] = 2 * staged[EG_ST_F];
}
#endif
