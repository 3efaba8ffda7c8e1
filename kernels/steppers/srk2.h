/*
 * Stochastic Runge-Kutta scheme of weak order 2 for Ito SDEs with general noise, RI6 (Roessler, SIAM J. Numer. Anal. 47
 * (2009), 1713, equation (2.3) and table 5.1; written out in arXiv 2302.07125's notation: drift a, channels b^k, m of them).
 * With B^k = sqrt(h) b^k, unit variates z_k and one unit variate w_kl for each *unordered* pair k < l, V_kl = -V_lk = w_kl:
 *   Hd  = x + h a + sum_l B^l z_l,   H+-  = x + h a +- B^k,   G+- = x +- sum_{l != k} B^l (z_k z_l - V_kl) / 2
 *   x' = x + (h/2) (a + a(Hd)) + sum_k { (z_k / 4) [B^k(H+) + B^k(H-) + B^k(G+) + B^k(G-)]
 *                                        + (z_k^2 - 1)/4 [B^k(H+) - B^k(H-)] + (1/2) [B^k(G+) - B^k(G-)] }
 * With fewer signs (one a channel) or more (one an ordered pair) three or more channels that do not commute have weak
 * order 1. The z need the normal moments up to order 5, the w are symmetric with variance 1: all noise kinds but two-point.
 * Where the model has rows or samples the channels are the columns of the triangular root of Sigma(x) (factor cholesky): one law
 * at one point, and m is the dimension however many rows there are.
 * Increments of a step: z_0 .. z_{m-1}, then w_kl at m + l (l - 1) / 2 + k.
 */
#define EG_SRK2_DRAWS(m) ((m) + (m) * ((m) - 1) / 2)
#define EG_SRK2_DIAGONAL EG_SRK2_DRAWS(EG_DIM)
#define EG_SRK2_CHANNELS EG_SRK2_DRAWS(EG_CHANNELS)

#if EG_SERVES_SRK2_DIAGONAL || EG_SERVES_SRK2_CHANNELS || EG_SERVES_SRK2_CHOLESKY
/* (z_k z_l - V_kl) / 2 of m channels */
EG_FN eg_real eg_srk2_area(eg_noise z, int m, int k, int l) {
  const int low = k < l ? k : l, high = k < l ? l : k;
  const eg_real w = EG_Z(z, m + high * (high - 1) / 2 + low);
  return (eg_real)0.5 * eg_mad(EG_Z(z, k), EG_Z(z, l), k < l ? -w : w);
}

/* What channel k adds to a component, from its values at the four points. */
EG_FN eg_real eg_srk2_sum(eg_real z, eg_real Hp, eg_real Hm, eg_real Gp, eg_real Gm) {
  const eg_real even = (Hp + Hm) + (Gp + Gm);
  const eg_real square = (eg_real)0.25 * eg_mad(z, z, (eg_real)-1);
  return eg_mad((eg_real)0.25 * z, even, eg_mad(square, Hp - Hm, (eg_real)0.5 * (Gp - Gm)));
}

/* x' = x + (h/2) (a + a(Hd)) + noise; noise: what the channels add, kick: sum_l B^l z_l */
EG_FN void eg_srk2_finish(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *a, const eg_real *kick,
                          const eg_real *noise) {
  eg_real y[EG_DIM], second[EG_DIM];
  EG_EACH(k) { y[k] = x[k] + eg_mad(u->h, a[k], kick[k]); }
  eg_full_drift(p, u, y, second);
  EG_EACH(k) { x[k] = x[k] + eg_mad((eg_real)0.5 * u->h, a[k] + second[k], noise[k]); }
}
#endif

#if EG_SERVES_SRK2_DIAGONAL
/* b^k = s_k(x) e_k; s_k may depend on every component. */
EG_FN void eg_step_srk2_diagonal(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows) {
  (void)rows;
  eg_real a[EG_DIM], B[EG_DIM], Hp[EG_DIM], Hm[EG_DIM], Gp[EG_DIM], Gm[EG_DIM], s[4][EG_DIM], kick[EG_DIM], noise[EG_DIM];
  eg_full_drift(p, u, x, a);
  eg_noise_diagonal(p, u->staged, x, B);
  EG_EACH(k) {
    B[k] = u->noise_scale * B[k];
    kick[k] = B[k] * EG_Z(z, k);
  }
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    EG_UNROLL
    for (int l = 0; l < EG_DIM; l++) {
      const eg_real shift = l == k ? (eg_real)0 : B[l] * eg_srk2_area(z, EG_DIM, k, l);
      const eg_real moved = eg_mad(u->h, a[l], x[l]);
      Hp[l] = l == k ? moved + B[k] : moved;
      Hm[l] = l == k ? moved - B[k] : moved;
      Gp[l] = x[l] + shift;
      Gm[l] = x[l] - shift;
    }
    eg_noise_diagonal(p, u->staged, Hp, s[0]);
    eg_noise_diagonal(p, u->staged, Hm, s[1]);
    eg_noise_diagonal(p, u->staged, Gp, s[2]);
    eg_noise_diagonal(p, u->staged, Gm, s[3]);
    noise[k] = u->noise_scale * eg_srk2_sum(EG_Z(z, k), s[0][k], s[1][k], s[2][k], s[3][k]);
  }
  eg_srk2_finish(p, u, x, a, kick, noise);
}
#endif

#if EG_SERVES_SRK2_CHANNELS
EG_FN void eg_srk2_column_channels(const eg_params *p, const eg_uniforms *u, const eg_real *x, int k, eg_real *v) {
  eg_noise_channel(p, u->staged, x, k, v);
}
#endif

#if EG_SERVES_SRK2_CHOLESKY
/* Column k of the triangular root of Sigma(x): a smooth field where Sigma is positive definite. */
EG_FN void eg_srk2_column_cholesky(const eg_params *p, const eg_uniforms *u, const eg_real *x, int k, eg_real *v) {
  eg_real L[EG_TRIANGLE];
  eg_covariance(p, u->staged, x, L);
  EG_UNROLL
  for (int j = 0; j <= k; j++) {
    eg_cholesky_column(L, j);
  }
  EG_EACH(i) { v[i] = i >= k ? L[i >= k ? EG_AT(i, k) : 0] : (eg_real)0; }
}
#endif

/* Channels that eg_srk2_column_<form> gives one at a time, m of them. */
#define EG_SRK2_STEP(form, m)                                                                                \
  EG_FN void eg_step_srk2_##form(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z,           \
                                 const eg_row *rows) {                                                       \
    (void)rows;                                                                                              \
    eg_real a[EG_DIM], B[m][EG_DIM], kick[EG_DIM], noise[EG_DIM];                                            \
    eg_full_drift(p, u, x, a);                                                                               \
    EG_EACH(i) {                                                                                             \
      kick[i] = 0;                                                                                           \
      noise[i] = 0;                                                                                          \
    }                                                                                                        \
    EG_UNROLL                                                                                                \
    for (int k = 0; k < m; k++) {                                                                            \
      eg_srk2_column_##form(p, u, x, k, B[k]);                                                               \
      EG_EACH(i) {                                                                                           \
        B[k][i] = u->noise_scale * B[k][i];                                                                  \
        kick[i] = eg_mad(B[k][i], EG_Z(z, k), kick[i]);                                                      \
      }                                                                                                      \
    }                                                                                                        \
    EG_UNROLL                                                                                                \
    for (int k = 0; k < m; k++) {                                                                            \
      eg_real shift[EG_DIM], y[4][EG_DIM], v[4][EG_DIM];                                                     \
      EG_EACH(i) { shift[i] = 0; }                                                                           \
      EG_UNROLL                                                                                              \
      for (int l = 0; l < m; l++) {                                                                          \
        if (l != k) {                                                                                        \
          const eg_real area = eg_srk2_area(z, m, k, l);                                                     \
          EG_EACH(i) { shift[i] = eg_mad(B[l][i], area, shift[i]); }                                         \
        }                                                                                                    \
      }                                                                                                      \
      EG_EACH(i) {                                                                                           \
        const eg_real moved = eg_mad(u->h, a[i], x[i]);                                                      \
        y[0][i] = moved + B[k][i];                                                                           \
        y[1][i] = moved - B[k][i];                                                                           \
        y[2][i] = x[i] + shift[i];                                                                           \
        y[3][i] = x[i] - shift[i];                                                                           \
      }                                                                                                      \
      EG_UNROLL                                                                                              \
      for (int j = 0; j < 4; j++) {                                                                          \
        eg_srk2_column_##form(p, u, y[j], k, v[j]);                                                          \
      }                                                                                                      \
      EG_EACH(i) {                                                                                           \
        noise[i] = noise[i] + eg_srk2_sum(EG_Z(z, k), v[0][i], v[1][i], v[2][i], v[3][i]);                   \
      }                                                                                                      \
    }                                                                                                        \
    EG_EACH(i) { noise[i] = u->noise_scale * noise[i]; }                                                     \
    eg_srk2_finish(p, u, x, a, kick, noise);                                                                 \
  }

#if EG_SERVES_SRK2_CHANNELS
EG_SRK2_STEP(channels, EG_CHANNELS)
#endif
#if EG_SERVES_SRK2_CHOLESKY
EG_SRK2_STEP(cholesky, EG_DIM)
#endif
