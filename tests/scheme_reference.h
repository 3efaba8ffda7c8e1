/*
 * The schemes of docs/schemes.md once more, written from the papers' formulas and not from the kernels', on small models with
 * affine drift: for tests of the kernels and of orders.
 */
#ifndef EG_TESTS_SCHEME_REFERENCE_H
#define EG_TESTS_SCHEME_REFERENCE_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { D = 2, M = 5, MOST_PAIRS = M * M };

typedef enum scheme {
  EULER, STRANG, MILSTEIN, HEUN, SRK2, HEUN_ITO, SRK2_ORDERED, SRK2_ROW, DRI1, STRANG_RK4, N_SCHEMES
} scheme; /* from HEUN_ITO on none of the program: wrong ones, and others of published tables */
static const char *const names[N_SCHEMES] = {"euler-maruyama", "strang", "milstein", "heun", "srk2",
                                             "heun, Ito drift", "srk2, ordered pairs", "srk2, sign a channel", "dri1", "strang, RK4"};

/* dx = (B x + b) dt + sum_c (S_c x + s_c) dW_c; is_root: one channel sqrt(s^2 + S^2 x^2) instead, in one dimension;
   n_rooted > 0: d channels instead, the columns of the triangular root of the covariance of those that many. */
typedef struct model {
  int d, m;
  double B[D][D], b[D], S[M][D][D], s[M][D], start[D];
  bool is_root;
  int n_rooted;
} model;

/* ---- fields and their derivatives ---- */

static inline void drift(const model *p, const double *x, double *out) {
  for (int i = 0; i < p->d; i++) {
    out[i] = p->b[i];
    for (int k = 0; k < p->d; k++) {
      out[i] += p->B[i][k] * x[k];
    }
  }
}

/* Column c of the triangular root, in at most two dimensions. */
static inline void rooted_channel(const model *p, int c, const double *x, double *out) {
  double C[D][D] = {{0}};
  for (int j = 0; j < p->n_rooted; j++) {
    double v[D] = {0};
    for (int i = 0; i < p->d; i++) {
      v[i] = p->s[j][i] + p->S[j][i][0] * x[0] + (p->d > 1 ? p->S[j][i][1] * x[1] : 0);
    }
    for (int i = 0; i < p->d; i++) {
      for (int k = 0; k < p->d; k++) {
        C[i][k] += v[i] * v[k];
      }
    }
  }
  if (c == 0) {
    out[0] = sqrt(C[0][0]);
    out[1] = C[1][0] / out[0];
  } else {
    out[0] = 0;
    out[1] = sqrt(C[1][1] - C[1][0] * C[1][0] / C[0][0]);
  }
}

static inline void channel(const model *p, int c, const double *x, double *out) {
  if (p->n_rooted > 0) {
    rooted_channel(p, c, x, out);
    return;
  }
  for (int i = 0; i < p->d; i++) {
    out[i] = p->s[c][i];
    for (int k = 0; k < p->d; k++) {
      out[i] += p->S[c][i][k] * x[k];
    }
  }
  if (p->is_root) {
    out[0] = sqrt(p->s[0][0] * p->s[0][0] + p->S[0][0][0] * p->S[0][0][0] * x[0] * x[0]);
  }
}

/* derivative of channel c at x along y */
static inline void slope(const model *p, int c, const double *x, const double *y, double *out) {
  for (int i = 0; i < p->d; i++) {
    out[i] = 0;
    for (int k = 0; k < p->d; k++) {
      out[i] += p->S[c][i][k] * y[k];
    }
  }
  if (p->is_root) {
    double value[D] = {0};
    channel(p, 0, x, value);
    out[0] = p->S[0][0][0] * p->S[0][0][0] * x[0] / value[0] * y[0];
  }
}

/* q = sum_c (D b^c) b^c */
static inline void noise_drift(const model *p, const double *x, double *q) {
  double v[D], w[D];
  memset(q, 0, D * sizeof *q);
  for (int c = 0; c < p->m; c++) {
    channel(p, c, x, v);
    slope(p, c, x, v, w);
    for (int i = 0; i < p->d; i++) {
      q[i] += w[i];
    }
  }
}

/* ---- one step; z (m), V (m, m) of unit variates ---- */

static inline void add(const model *p, double *y, double factor, const double *v) {
  for (int i = 0; i < p->d; i++) {
    y[i] += factor * v[i];
  }
}

static inline void flow(const model *p, int order, double h, double *x) { /* Taylor series of the affine flow; 4: Runge and Kutta's */
  double term[D], next[D];
  drift(p, x, term);
  for (int n = 1; n <= order; n++) {
    add(p, x, h / n, term);
    for (int i = 0; i < p->d; i++) {
      next[i] = 0;
      for (int k = 0; k < p->d; k++) {
        next[i] += h / n * p->B[i][k] * term[k];
      }
    }
    memcpy(term, next, sizeof term);
  }
}

/* RI6 as in Roessler's paper: three stages for the drift, two sets for every channel. */
static inline void step_srk2(const model *p, double h, const double *z, double V[M][M], double *x) {
  const double root = sqrt(h);
  double a[D], second[D], Hd[D], b[D], out[D];
  drift(p, x, a);
  memcpy(Hd, x, sizeof Hd);
  memcpy(out, x, sizeof out);
  add(p, Hd, h, a);
  for (int l = 0; l < p->m; l++) {
    channel(p, l, x, b);
    add(p, Hd, root * z[l], b);
  }
  drift(p, Hd, second);
  add(p, out, h / 2, a);
  add(p, out, h / 2, second);
  for (int k = 0; k < p->m; k++) {
    double Hp[D], Hm[D], Gp[D], Gm[D], bk[D], b1[D], b2[D], b3[D], b4[D];
    channel(p, k, x, bk);
    memcpy(Hp, x, sizeof Hp);
    memcpy(Gp, x, sizeof Gp);
    memcpy(Gm, x, sizeof Gm);
    add(p, Hp, h, a);
    memcpy(Hm, Hp, sizeof Hm);
    add(p, Hp, root, bk);
    add(p, Hm, -root, bk);
    for (int l = 0; l < p->m; l++) {
      if (l != k) {
        const double I_kl = h * (z[k] * z[l] - V[k][l]) / 2;
        channel(p, l, x, b);
        add(p, Gp, I_kl / root, b);
        add(p, Gm, -I_kl / root, b);
      }
    }
    channel(p, k, Hp, b1);
    channel(p, k, Hm, b2);
    channel(p, k, Gp, b3);
    channel(p, k, Gm, b4);
    const double I_k = root * z[k], I_kk = h * (z[k] * z[k] - 1) / 2;
    for (int i = 0; i < p->d; i++) {
      out[i] += (bk[i] / 2 + b1[i] / 4 + b2[i] / 4) * I_k + (b1[i] - b2[i]) * I_kk / (2 * root) +
                (-bk[i] / 2 + b3[i] / 4 + b4[i] / 4) * I_k + root / 2 * (b3[i] - b4[i]);
    }
  }
  memcpy(x, out, sizeof out);
}

/* DRI1 of Debrabant and Roessler (Appl. Numer. Math. 59, 2009), of the same form: three stages for the drift, which is of order 3 then,
   three for every channel. H0: the drift's stages, b_of: the channels at theirs, which go into every sum of channels. */
static inline void step_dri1(const model *p, double h, const double *z, double V[M][M], double *x) {
  const double root = sqrt(h), r38 = sqrt(38.0 / 491), r221 = sqrt(221.0 / 4955);
  const double B0[3] = {0, (6 - sqrt(6)) / 10, (3 + 2 * sqrt(6)) / 5}, A1 = 342.0 / 491, B1[3] = {0, 3 * r38, -3 * r38};
  const double B2[3] = {214.0 / 513 * sqrt(1105.0 / 991), 491.0 / 513 * r221, 491.0 / 513 * r221};
  const double alpha[3] = {1.0 / 6, 2.0 / 3, 1.0 / 6}, beta1[3] = {193.0 / 684, 491.0 / 1368, 491.0 / 1368};
  const double beta2[3] = {0, 1 / (6 * r38), -1 / (6 * r38)}, beta3[3] = {-4955.0 / 7072, 4955.0 / 14144, 4955.0 / 14144};
  const double beta4[3] = {0, -1 / (8 * r221), 1 / (8 * r221)}, sign[3] = {0, -1, 1};
  double a[3][D], b_of[M][3][D], out[D], y[D], v[D];
  for (int i = 0; i < 3; i++) {
    memcpy(y, x, sizeof y);
    if (i == 1) {
      add(p, y, h / 2, a[0]);
    } else if (i == 2) {
      add(p, y, -h, a[0]);
      add(p, y, 2 * h, a[1]);
    }
    for (int l = 0; l < p->m && i > 0; l++) {
      add(p, y, B0[i] * root * z[l], b_of[l][0]);
    }
    drift(p, y, a[i]);
    for (int k = 0; k < p->m; k++) {
      memcpy(y, x, sizeof y);
      if (i > 0) {
        add(p, y, A1 * h, a[0]);
        add(p, y, B1[i] * root, b_of[k][0]);
      }
      channel(p, k, y, b_of[k][i]);
    }
  }
  memcpy(out, x, sizeof out);
  for (int i = 0; i < 3; i++) {
    add(p, out, alpha[i] * h, a[i]);
    for (int k = 0; k < p->m; k++) {
      add(p, out, beta1[i] * root * z[k] + beta2[i] * root * (z[k] * z[k] - 1) / 2, b_of[k][i]);
      memcpy(y, x, sizeof y);
      for (int l = 0; l < p->m; l++) {
        for (int j = 0; j < 3 && l != k; j++) {
          add(p, y, sign[i] * B2[j] * root * (z[k] * z[l] - V[k][l]) / 2, b_of[l][j]);
        }
      }
      channel(p, k, y, v);
      add(p, out, beta3[i] * root * z[k] + beta4[i] * root, v);
    }
  }
  memcpy(x, out, sizeof out);
}

static inline void step(scheme s, const model *p, double h, const double *z, double V[M][M], double *x) {
  double a[D], v[D] = {0}, b[D], w[D], q[D];
  if (s == SRK2 || s == SRK2_ORDERED || s == SRK2_ROW) {
    step_srk2(p, h, z, V, x);
    return;
  }
  if (s == DRI1) {
    step_dri1(p, h, z, V, x);
    return;
  }
  const int order = s == STRANG ? 40 : s == STRANG_RK4 ? 4 : 0;
  if (order > 0) {
    flow(p, order, h / 2, x);
  }
  for (int c = 0; c < p->m; c++) {
    channel(p, c, x, b);
    add(p, v, sqrt(h) * z[c], b);
  }
  drift(p, x, a);
  if (order > 0) {
    add(p, x, 1, v);
    flow(p, order, h / 2, x);
  } else if (s == HEUN || s == HEUN_ITO) {
    double y[D], second[D] = {0}, first[D];
    noise_drift(p, x, q);
    memcpy(first, v, sizeof first);
    add(p, first, h, a);
    add(p, first, s == HEUN ? -h / 2 : 0, q);
    memcpy(y, x, sizeof y);
    add(p, y, 1, first);
    for (int c = 0; c < p->m; c++) {
      channel(p, c, y, b);
      add(p, second, sqrt(h) * z[c], b);
    }
    drift(p, y, a);
    noise_drift(p, y, q);
    add(p, second, h, a);
    add(p, second, s == HEUN ? -h / 2 : 0, q);
    add(p, x, 0.5, first);
    add(p, x, 0.5, second);
  } else {
    double correction[D] = {0};
    for (int c = 0; c < p->m && s == MILSTEIN; c++) {
      for (int e = 0; e < p->m; e++) {
        channel(p, e, x, b);
        slope(p, c, x, b, w);
        add(p, correction, h / 2 * (z[c] * z[e] - (c == e ? 1 : 0)), w);
      }
    }
    add(p, x, h, a);
    add(p, x, 1, v);
    add(p, x, 1, correction);
  }
}

/* Number of sign variates of a scheme, and V made of them. */
static inline int n_signs(scheme s, int m) {
  return s == SRK2 || s == DRI1 ? m * (m - 1) / 2 : s == SRK2_ORDERED ? m * (m - 1) : s == SRK2_ROW ? m : 0;
}

static inline void fill_signs(scheme s, int m, const double *w, double V[M][M]) {
  int at = 0;
  memset(V, 0, sizeof(double) * M * M);
  for (int k = 0; k < m; k++) {
    for (int l = k + 1; l < m && s >= SRK2; l++) {
      V[k][l] = s == SRK2_ROW ? w[k] : w[at++];
      V[l][k] = s == SRK2_ORDERED ? w[at++] : -V[k][l];
    }
  }
}

/* ---- the models ---- */

static const model additive = {.d = 1, .m = 1, .B = {{-1.25}}, .b = {0.5}, .s = {{0.75}}, .start = {2}};
static const model diagonal = {.d = 1, .m = 1, .B = {{0.5}}, .S = {{{0.5}}}, .start = {1}};
static const model commutative = {.d = 2, .m = 2, .B = {{-0.5}, {0, 0.25}},
                                  .S = {{{0.5}, {0, 0.25}}, {{-0.25}, {0, 0.5}}}, .start = {1, 0.75}};
static const model general = {.d = 2, .m = 3, .B = {{-0.5, 0.25}, {0.125, -0.25}},
                              .S = {{{0.25, 0.5}, {-0.5, 0.125}}, {{-0.375, 0.25}, {0.5, 0.25}}, {{0.5, -0.25}, {0.375, -0.5}}},
                              .s = {{0.125, 0.25}, {0.25, 0}, {0, -0.25}}, .start = {1, -0.5}};

/* linear-regression-gaussian with unit learning rate: its five channels in two dimensions, two in one. */
static inline model regression(int d, double a0, double a1, double optimum0, double optimum1, double noise) {
  model p = {.d = d, .m = d == 1 ? 2 : 5};
  const double a[D] = {a0, a1}, optimum[D] = {optimum0, optimum1};
  int c = 0;
  for (int i = 0; i < d; i++) {
    p.B[i][i] = -a[i];
    p.b[i] = a[i] * optimum[i];
    for (int j = 0; j <= i; j++, c++) {
      const double size = i == j ? sqrt(2.0) * a[i] : sqrt(a[i] * a[j]);
      p.S[c][i][j] = p.S[c][j][i] = size;
      p.s[c][i] = -size * optimum[j];
      p.s[c][j] = -size * optimum[i];
    }
  }
  for (int i = 0; i < d; i++, c++) {
    p.s[c][i] = noise * sqrt(a[i]);
  }
  return p;
}
/* linear-regression on rows (a, y), n of them, with unit learning rate: a channel a row, (H - a a^T) x - g0 + y a, over sqrt n. */
static inline model rows_model(int n, const double (*rows)[D + 1]) {
  model p = {.d = D, .m = n};
  for (int j = 0; j < n; j++) {
    for (int i = 0; i < D; i++) {
      p.b[i] += rows[j][D] * rows[j][i] / n;
      for (int k = 0; k < D; k++) {
        p.B[i][k] -= rows[j][i] * rows[j][k] / n;
      }
    }
  }
  for (int j = 0; j < n; j++) {
    for (int i = 0; i < D; i++) {
      p.s[j][i] = (rows[j][D] * rows[j][i] - p.b[i]) / sqrt(n);
      for (int k = 0; k < D; k++) {
        p.S[j][i][k] = (-p.B[i][k] - rows[j][i] * rows[j][k]) / sqrt(n);
      }
    }
  }
  return p;
}
static const double four_rows[4][D + 1] = {{1, 0.5, 1}, {-0.5, 1, 0.25}, {0.25, -0.75, 1}, {0.75, 0.25, -0.5}};
#define FOUR_ROWS                                                                                            \
  "model: {name: linear-regression, rows: [[1, 0.5, 1], [-0.5, 1, 0.25], [0.25, -0.75, 1], [0.75, 0.25, -0.5]], standardize: false}\n" \
  "start: {point: [1, -0.5]}\n"

static const model root = {.d = 1, .m = 1, .B = {{0.5}}, .S = {{{0.5}}}, .s = {{0.5}}, .start = {0.5}, .is_root = true};

static const char *const commuting_model =
    "/* two channels along x, scaled by component: they commute and are not diagonal */\n"
    "#define EG_NAME \"two-scales\"\n#define EG_EQUATION \"dx_k = B_k x_k dt + x_k (S_k dW_1 + T_k dW_2)\"\n"
    "#define EG_DIM 2\n#define EG_IS_PROCESS 1\n#define EG_CHANNELS 2\n#define EG_STAGED 0\n"
    "#define EG_CAPS (EG_CAP_DRIFT | EG_CAP_CHANNELS | EG_CAP_NOISE_DRIFT | EG_CAP_CHANNELS_SLOPE | EG_CAP_CHANNEL)\n"
    "#define EG_PARAMS(P, PV) PV(B, 0, -9, 9, \"\") PV(S, 0, -9, 9, \"\") PV(T, 0, -9, 9, \"\")\nEG_PARAMS_STRUCT\n"
    "EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real c, const eg_real *x, eg_real *b) {\n"
    "  (void)st; (void)c;\n  EG_EACH(k) { b[k] = p->B[k] * x[k]; }\n}\n"
    "EG_FN void eg_noise_channels(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {\n"
    "  (void)st;\n  EG_EACH(k) { v[k] = (p->S[k] * EG_Z(z, 0) + p->T[k] * EG_Z(z, 1)) * x[k]; }\n}\n"
    "EG_FN void eg_noise_channels_slope(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z,\n"
    "                                   const eg_real *y, eg_real *v) {\n"
    "  (void)x;\n  eg_noise_channels(p, st, y, z, v);\n}\n"
    "EG_FN void eg_noise_channel(const eg_params *p, const eg_real *st, const eg_real *x, int c, eg_real *v) {\n"
    "  (void)st;\n  EG_EACH(k) { v[k] = (c == 0 ? p->S[k] : p->T[k]) * x[k]; }\n}\n"
    "EG_FN void eg_noise_drift(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *q) {\n"
    "  (void)st;\n  EG_EACH(k) { q[k] = (p->S[k] * p->S[k] + p->T[k] * p->T[k]) * x[k]; }\n}\n";

#endif
