/*
 * The table of docs/schemes.md: scheme x noise structure -> strong and weak order.
 *
 * Weak orders need no statistics: the schemes are written here once more, from the papers' formulas and not from the
 * kernels', and their first and second moments are those of all outcomes of three-point variates (which have the normal moments
 * that a step needs), step by step for affine models, path by path for a nonlinear diffusion. The moments of
 * src/oracle/affine_schemes.c must be the same to rounding.
 * Strong orders and the kernels: paired differences of coarse and fine runs on one Brownian path (groups across the step),
 * against the joint second moments of coarse and fine by the same enumeration.
 * Of the table of stochastic-modified-flows.md, section 5, all columns, those of schemes that the program does not ship too (DRI1, one
 * sign a channel, halves by Runge and Kutta): errors on M5 to the three digits printed.
 * Negative controls: Milstein without its correction, Heun without the change of the drift, srk2 with one sign a channel or one
 * an ordered pair of channels.
 */
#include "judge.h"
#include "oracle/affine.h"
#include "scheme_reference.h"

/* ---- moments of affine models: E (1, X) (1, X)^T, X the states of `copies` schemes on one path ---- */

enum { X = 1 + 2 * D };
typedef struct moments {
  double value[X][X];
} moments;

/* A step of the coarse scheme and `ratio` of the fine one, on the sum of the same variates; copies 1: the fine one alone. */
static void joint_step(scheme s, const model *p, double h, int ratio, int copies, const double *z, const double *w,
                       double *x) {
  const int n = n_signs(s, p->m);
  double coarse_z[M] = {0}, coarse_w[MOST_PAIRS] = {0}, V[M][M];
  for (int r = 0; r < ratio; r++) {
    for (int c = 0; c < p->m; c++) {
      coarse_z[c] += z[r * p->m + c] / sqrt(ratio);
    }
    for (int i = 0; i < n; i++) {
      coarse_w[i] += w[r * n + i] / sqrt(ratio);
    }
  }
  if (copies == 2) {
    fill_signs(s, p->m, coarse_w, V);
    step(s, p, h, coarse_z, V, x + p->d);
  }
  for (int r = 0; r < ratio; r++) {
    fill_signs(s, p->m, w + r * n, V);
    step(s, p, h / ratio, z + r * p->m, V, x);
  }
}

/* The linear map of (1, X) for given variates. */
static void map_of(scheme s, const model *p, double h, int ratio, int copies, const double *z, const double *w,
                   double map[X][X]) {
  const int n = copies * p->d;
  double zero[X] = {0};
  memset(map, 0, sizeof(double) * X * X);
  map[0][0] = 1;
  joint_step(s, p, h, ratio, copies, z, w, zero);
  for (int k = 0; k < n; k++) {
    double x[X] = {0};
    map[1 + k][0] = zero[k];
    x[k] = 1;
    joint_step(s, p, h, ratio, copies, z, w, x);
    for (int i = 0; i < n; i++) {
      map[1 + i][1 + k] = x[i] - zero[i];
    }
  }
}

static void add_product(int n, double weight, double map[X][X], const moments *from, moments *to) {
  for (int i = 0; i < n; i++) {
    double row[X] = {0};
    for (int k = 0; k < n; k++) {
      for (int l = 0; l < n && map[i][k] != 0; l++) {
        row[l] += map[i][k] * from->value[k][l];
      }
    }
    for (int j = 0; j < n; j++) {
      for (int l = 0; l < n; l++) {
        to->value[i][j] += weight * row[l] * map[j][l];
      }
    }
  }
}

/* One step for all outcomes of three-point z. A state is linear in the signs and has no product of one with a z, so each sign
   adds the square of its own map. */
static void advance(scheme s, const model *p, double h, moments *at) {
  static const double value[3] = {0, 1.7320508075688772, -1.7320508075688772}, weight[3] = {2.0 / 3, 1.0 / 6, 1.0 / 6};
  const int n = 1 + p->d;
  double z[M] = {0}, w[MOST_PAIRS] = {0}, map[X][X], base[X][X];
  moments next;
  memset(&next, 0, sizeof next);
  int outcomes = 1;
  for (int i = 0; i < p->m; i++) {
    outcomes *= 3;
  }
  for (int k = 0; k < outcomes; k++) {
    double probability = 1;
    for (int i = 0, rest = k; i < p->m; i++, rest /= 3) {
      z[i] = value[rest % 3];
      probability *= weight[rest % 3];
    }
    map_of(s, p, h, 1, 1, z, w, map);
    add_product(n, probability, map, at, &next);
  }
  memset(z, 0, sizeof z);
  map_of(s, p, h, 1, 1, z, w, base);
  for (int i = 0; i < n_signs(s, p->m); i++) {
    w[i] = 1;
    map_of(s, p, h, 1, 1, z, w, map);
    w[i] = 0;
    for (int k = 0; k < X * X; k++) {
      map[k / X][k % X] -= base[k / X][k % X];
    }
    add_product(n, 1, map, at, &next);
  }
  *at = next;
}

/* One step of the coarse and `ratio` of the fine scheme for all outcomes, signs too: two fine steps have products of them. */
static void advance_both(scheme s, const model *p, double h, int ratio, moments *at) {
  static const double value[3] = {0, 1.7320508075688772, -1.7320508075688772}, weight[3] = {2.0 / 3, 1.0 / 6, 1.0 / 6};
  const int n_z = ratio * p->m, n_w = ratio * n_signs(s, p->m), n = 1 + 2 * p->d;
  double z[2 * M] = {0}, w[2 * MOST_PAIRS] = {0}, map[X][X];
  moments next;
  memset(&next, 0, sizeof next);
  int outcomes = 1 << n_w;
  for (int i = 0; i < n_z; i++) {
    outcomes *= 3;
  }
  for (int k = 0; k < outcomes; k++) {
    double probability = 1.0 / (1 << n_w);
    int rest = k;
    for (int i = 0; i < n_w; i++, rest /= 2) {
      w[i] = rest % 2 == 0 ? 1 : -1;
    }
    for (int i = 0; i < n_z; i++, rest /= 3) {
      z[i] = value[rest % 3];
      probability *= weight[rest % 3];
    }
    map_of(s, p, h, ratio, 2, z, w, map);
    add_product(n, probability, map, at, &next);
  }
  *at = next;
}

static moments at_start(const model *p, int copies) {
  moments at;
  double x[X] = {1};
  memset(&at, 0, sizeof at);
  for (int i = 0; i < copies * p->d; i++) {
    x[1 + i] = p->start[i % p->d];
  }
  for (int i = 0; i < X; i++) {
    for (int k = 0; k < X; k++) {
      at.value[i][k] = x[i] * x[k];
    }
  }
  return at;
}

/* E |x|^2 at time 1 after n steps. */
static double scheme_norm2(scheme s, const model *p, int n) {
  moments at = at_start(p, 1);
  for (int i = 0; i < n; i++) {
    advance(s, p, 1.0 / n, &at);
  }
  return at.value[1][1] + (p->d > 1 ? at.value[2][2] : 0);
}

/* ---- the law, and the scheme as the program's oracle has it ---- */

static double oracle_norm2(const model *p, eg_affine_scheme s, int n) {
  eg_context *const ctx = eg_context_create();
  double H[D * D], S[M * D * D], shift[M * D], second0[D * D], mean[D], second[D * D], g0[D];
  eg_affine_model a = {.dim = p->d, .H = H, .g0 = g0, .n_channels = p->m, .S = S, .s = shift, .is_process = true};
  const eg_affine_setting setting = {EG_LAW_SDE1, s, 1.0, 1.0, n};
  const uint64_t one = 1;
  for (int i = 0; i < p->d; i++) {
    g0[i] = p->b[i];
    for (int k = 0; k < p->d; k++) {
      H[i * p->d + k] = -p->B[i][k];
      second0[i * p->d + k] = p->start[i] * p->start[k];
      for (int c = 0; c < p->m; c++) {
        S[(c * p->d + i) * p->d + k] = p->S[c][i][k];
      }
    }
    for (int c = 0; c < p->m; c++) {
      shift[c * p->d + i] = p->s[c][i];
    }
  }
  if (ctx == NULL || eg_affine_moments(ctx, &a, &setting, 1, p->start, second0, 1, &one, mean, second) != EG_OK) {
    stop_with("oracle");
  }
  eg_context_free(ctx);
  return second[0] + (p->d > 1 ? second[3] : 0);
}

/* ---- weak orders ---- */

/* Slope of the error of E |x|^2 between 32 and 64 steps. */
static double weak_slope(scheme s, const model *p) {
  const double exact = oracle_norm2(p, EG_AFFINE_EXACT, 1);
  return log2((scheme_norm2(s, p, 32) - exact) / (scheme_norm2(s, p, 64) - exact));
}

static void expect_weak(const char *structure, scheme s, const model *p, double order) {
  const double slope_found = weak_slope(s, p);
  printf("weak order   %-12s %-22s %.3f\n", structure, names[s], slope_found);
  CHECK(fabs(slope_found - order) < 0.12);
}

static void expect_oracle(scheme s, eg_affine_scheme oracle, const model *p) {
  for (int n = 1; n <= 4; n *= 4) {
    const double a = scheme_norm2(s, p, n), b = oracle_norm2(p, oracle, n);
    CHECK(fabs(a - b) <= 1e-13 * fabs(a));
  }
}

static void weak_orders(void) {
  static const struct {
    const char *name;
    const model *model;
    double order[N_SCHEMES]; /* 0: not offered */
  } table[] = {{"additive", &additive, {1, 2, 1, 2, 2}},
               {"diagonal", &diagonal, {1, 1, 1, 1, 2}},
               {"commutative", &commutative, {1, 1, 1, 1, 2}},
               {"general", &general, {1, 1, 0, 1, 2}}};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    for (scheme s = EULER; s <= SRK2; s++) {
      if (table[i].order[s] != 0) {
        expect_weak(table[i].name, s, table[i].model, table[i].order[s]);
      }
    }
    expect_oracle(EULER, EG_AFFINE_EULER_MARUYAMA, table[i].model);
    expect_oracle(STRANG, EG_AFFINE_STRANG, table[i].model);
    expect_oracle(HEUN, EG_AFFINE_HEUN, table[i].model);
    expect_oracle(SRK2, EG_AFFINE_SRK2, table[i].model);
    expect_weak(table[i].name, DRI1, table[i].model, 2);
    if (table[i].model->m == 1) {
      expect_oracle(MILSTEIN, EG_AFFINE_MILSTEIN, table[i].model);
    }
  }
  /* what a wrong scheme shows */
  const double wrong_limit = scheme_norm2(HEUN_ITO, &diagonal, 64) - oracle_norm2(&diagonal, EG_AFFINE_EXACT, 1);
  CHECK(fabs(wrong_limit) > 0.5); /* the Stratonovich law */
  CHECK(weak_slope(SRK2_ORDERED, &general) < 1.5);
  CHECK(weak_slope(SRK2_ROW, &general) < 1.5);
  printf("controls: ordered pairs %.3f, one sign a channel %.3f\n", weak_slope(SRK2_ORDERED, &general),
         weak_slope(SRK2_ROW, &general));
}

/* ---- section 5: errors in E |X|^2 on M5, eta = 1/16 ---- */

/* The modified flow of second order of four rows: drift -(I + eta H / 2) grad R, channels of the rows times sqrt eta. */
static model modified_flow(double eta, const double (*four)[D + 1]) {
  const model sgd = rows_model(4, four);
  model p = sgd;
  for (int i = 0; i < D; i++) {
    for (int k = 0; k < D; k++) {
      p.b[i] -= eta / 2 * sgd.B[i][k] * sgd.b[k];
      for (int j = 0; j < D; j++) {
        p.B[i][j] -= eta / 2 * sgd.B[i][k] * sgd.B[k][j];
      }
    }
  }
  for (int c = 0; c < p.m; c++) {
    for (int i = 0; i < D; i++) {
      p.s[c][i] *= sqrt(eta);
      p.S[c][i][0] *= sqrt(eta);
      p.S[c][i][1] *= sqrt(eta);
    }
  }
  p.start[0] = 1;
  p.start[1] = -1;
  return p;
}

static void published_columns(void) {
  static const double rows_of_m5[4][D + 1] = {{1, 0, 1}, {1, 1, 0}, {0, 1, 1}, {0.5, -1, -1}};
  enum { COLUMNS = 6 };
  static const struct {
    scheme scheme;
    bool is_extrapolated;
    double error[4];
  } table[COLUMNS] = {{EULER, false, {-2.23e-2, -1.18e-2, -6.03e-3, -3.04e-3}},
                      {STRANG_RK4, false, {-2.49e-4, -9.43e-5, -3.96e-5, -1.79e-5}},
                      {EULER, true, {-1.30e-3, -2.63e-4, -5.94e-5}},
                      {SRK2, false, {4.04e-4, 1.03e-4, 2.62e-5, 6.61e-6}},
                      {DRI1, false, {-4.67e-4, -1.14e-4, -2.79e-5, -6.91e-6}},
                      {SRK2_ROW, false, {3.85e-4, 9.51e-5, 2.25e-5, 4.81e-6}}};
  const model p = modified_flow(1.0 / 16, rows_of_m5);
  const double exact = oracle_norm2(&p, EG_AFFINE_EXACT, 1);
  CHECK(fabs(exact - 0.578396131975198) < 1e-14);
  for (int row = 0; row < 4; row++) {
    for (int i = 0; i < COLUMNS; i++) {
      const double printed = table[i].error[row], digit = pow(10, floor(log10(fabs(printed))) - 2);
      if (printed != 0) {
        const double value = scheme_norm2(table[i].scheme, &p, 4 << row);
        const double error = (table[i].is_extrapolated ? 2 * scheme_norm2(table[i].scheme, &p, 8 << row) - value : value) - exact;
        printf("section 5 on M5, h 1/%d, %s%s: %.4e, table %.2e\n", 4 << row, table[i].is_extrapolated ? "extrapolated " : "",
               names[table[i].scheme], error, printed);
        CHECK(fabs(error - printed) <= 0.501 * digit); /* half of the last one */
        for (int other = 0; other < COLUMNS; other++) {
          CHECK(other == i || fabs(error - table[other].error[row]) > digit);
        }
      }
    }
  }
}

/* ---- a diffusion that is not affine: all paths of three-point noise ---- */


static double path_norm2(scheme s, const model *p, int n) {
  static const double value[3] = {0, 1.7320508075688772, -1.7320508075688772}, weight[3] = {2.0 / 3, 1.0 / 6, 1.0 / 6};
  double sum = 0;
  int paths = 1;
  for (int i = 0; i < n; i++) {
    paths *= 3;
  }
  for (int k = 0; k < paths; k++) {
    double x[D] = {p->start[0]}, probability = 1, V[M][M] = {{0}};
    for (int i = 0, rest = k; i < n; i++, rest /= 3) {
      step(s, p, 1.0 / n, &value[rest % 3], V, x);
      probability *= weight[rest % 3];
    }
    sum += probability * x[0] * x[0];
  }
  return sum;
}

/* E x^2 has the law of two channels, s and S x. */
static void nonlinear_orders(void) {
  static const scheme schemes[] = {EULER, MILSTEIN, HEUN, SRK2, DRI1};
  static const double order[] = {1, 1, 1, 2, 2};
  model two = root;
  two.is_root = false;
  two.m = 2;
  two.S[0][0][0] = 0;
  two.S[1][0][0] = root.S[0][0][0];
  const double exact = oracle_norm2(&two, EG_AFFINE_EXACT, 1);
  for (int i = 0; i < 5; i++) {
    const double slope_found =
        log2((path_norm2(schemes[i], &root, 5) - exact) / (path_norm2(schemes[i], &root, 10) - exact));
    printf("weak order   %-12s %-22s %.3f\n", "root", names[schemes[i]], slope_found);
    CHECK(fabs(slope_found - order[i]) < 0.25);
  }
  CHECK(fabs(path_norm2(HEUN_ITO, &root, 10) - exact) > 0.1); /* converges to another law */
}

/* ---- data rows by the triangular root of their covariance: all paths of three-point z and signs, two normals a step ---- */

static double rows_norm2(scheme s, const model *p, int n, int at, double h, double *x) {
  static const double value[3] = {0, 1.7320508075688772, -1.7320508075688772}, weight[3] = {2.0 / 3, 1.0 / 6, 1.0 / 6};
  double sum = 0;
  if (at == n) {
    return x[0] * x[0] + x[1] * x[1];
  }
  for (int k = 0; k < (n_signs(s, 2) > 0 ? 18 : 9); k++) {
    const double z[M] = {value[k % 3], value[k / 3 % 3]}, w[MOST_PAIRS] = {k < 9 ? 1 : -1};
    double V[M][M], y[D] = {x[0], x[1]};
    fill_signs(s, 2, w, V);
    step(s, p, h, z, V, y);
    sum += weight[k % 3] * weight[k / 3 % 3] * (n_signs(s, 2) > 0 ? 0.5 : 1) * rows_norm2(s, p, n, at + 1, h, y);
  }
  return sum;
}

/* The law's E |x|^2 depends on the covariance alone: that of the four channels of the rows. */
static void rows_orders(void) {
  static const scheme schemes[] = {EULER, SRK2};
  static const double order[] = {1, 2};
  model rows = rows_model(4, four_rows), columns = rows, shorter;
  rows.start[0] = 1;
  rows.start[1] = -0.5;
  columns.n_rooted = 4;
  columns.m = 2;
  shorter = rows; /* to time 1/4: four steps are as many as can be enumerated; from where the leading error is not near a zero */
  shorter.start[0] = 1.5;
  shorter.start[1] = 0.5;
  for (int i = 0; i < D; i++) {
    shorter.b[i] *= 0.25;
    for (int c = 0; c < rows.m; c++) {
      shorter.s[c][i] *= 0.5;
    }
    for (int k = 0; k < D; k++) {
      shorter.B[i][k] *= 0.25;
      for (int c = 0; c < rows.m; c++) {
        shorter.S[c][i][k] *= 0.5;
      }
    }
  }
  const double exact = oracle_norm2(&shorter, EG_AFFINE_EXACT, 1);
  for (int i = 0; i < 2; i++) {
    double error[2];
    for (int k = 0; k < 2; k++) {
      double x[D] = {1.5, 0.5};
      error[k] = rows_norm2(schemes[i], &columns, 2 << k, 0, 0.25 / (2 << k), x) - exact;
    }
    printf("weak order   %-12s %-22s %.3f\n", "rows", names[schemes[i]], log2(error[0] / error[1]));
    CHECK(fabs(log2(error[0] / error[1]) - order[i]) < 0.12);
  }
  eg_labelled *const file = run_text(
      folder, "seed: 407\n" FOUR_ROWS "learning_rate: 1\nhorizon: 1\nrealisations: 2^20\nnoise: three-point\ndynamics:\n"
              "  - {name: sme1, factor: cholesky, scheme: srk2, substeps: 2, label: srk2}\nobserve: {at: [1], features: [norm2]}\n");
  double x[D] = {1, -0.5}, y[D] = {1, -0.5};
  expect(file, "rows", "srk2", "norm2", 0, rows_norm2(SRK2, &columns, 2, 0, 0.5, x));
  reject(file, "rows, Euler", "srk2", "norm2", 0, rows_norm2(EULER, &columns, 2, 0, 0.5, y));
  eg_labelled_free(file);
}

/* ---- the kernels: paired differences, and means ---- */

static void strong_moments(scheme s, const model *p, int n, double mean[D], double variance[D]) {
  moments at = at_start(p, 2);
  for (int i = 0; i < n; i++) {
    advance_both(s, p, 1.0 / n, 2, &at);
  }
  for (int k = 0; k < p->d; k++) {
    const int f = 1 + k, c = 1 + p->d + k;
    mean[k] = at.value[c][0] - at.value[f][0];
    variance[k] = at.value[c][c] + at.value[f][f] - 2 * at.value[c][f] - mean[k] * mean[k];
  }
}

/* Value of a difference of a group at the last time. */
static double difference(const eg_labelled *file, const char *name, size_t d, size_t component) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL) {
    stop_with(name);
    return 0;
  }
  const size_t width = strcmp(v->dims[v->rank - 1], "component") == 0 ? v->shape[v->rank - 1] : 1;
  return ((const double *)v->data)[d * width + component];
}

/* Root mean square differences of neighbouring steps, `levels` of them, against their exact values and for their slope. */
static void expect_strong(const eg_labelled *file, const char *structure, scheme s, const model *p, size_t first, int coarsest,
                          int levels, double order) {
  double size[8] = {0}, error[8] = {0};
  for (int level = 0; level < levels; level++) {
    double mean[D], variance[D];
    char what[100];
    (void)snprintf(what, sizeof what, "%s %s, %d and %d steps", structure, names[s], coarsest << level, coarsest << (level + 1));
    if (p->m <= 2) {
      strong_moments(s, p, coarsest << level, mean, variance);
    }
    for (int k = 0; k < p->d; k++) {
      const double m = difference(file, "x_difference", first + (size_t)level, (size_t)k);
      const double m_error = difference(file, "x_difference_stderr", first + (size_t)level, (size_t)k);
      const double v = difference(file, "x_difference_variance", first + (size_t)level, (size_t)k);
      const double v_error = difference(file, "x_difference_variance_stderr", first + (size_t)level, (size_t)k);
      size[level] += m * m + v;
      error[level] += v_error * v_error;
      if (p->m <= 2) {
        compare(false, what, m, m_error, mean[k], 1 << 14);
        compare(false, what, v, v_error, variance[k], 1 << 14);
      }
      if (p->m <= 2 && s == MILSTEIN && p->S[0][0][0] != 0) { /* without the correction it is the Euler scheme */
        strong_moments(EULER, p, coarsest << level, mean, variance);
        compare(true, what, v, v_error, variance[k], 1 << 14);
        strong_moments(s, p, coarsest << level, mean, variance);
      }
    }
  }
  const double found = 0.5 * log2(size[levels - 2] / size[levels - 1]);
  const double uncertain = 0.5 / log(2) * hypot(sqrt(error[levels - 2]) / size[levels - 2], sqrt(error[levels - 1]) / size[levels - 1]);
  printf("strong order %-12s %-22s %.3f +- %.3f\n", structure, names[s], found, uncertain);
  CHECK(fabs(found - order) < 0.1 && uncertain < 0.02);
}

static const char *const processes[4] = {
    "seed: 401\nmodel: {name: ornstein-uhlenbeck, rate: 1.25, mean: 0.4, sigma: 0.75}\nstart: {point: 2}\n",
    "seed: 402\nmodel: {name: geometric-brownian-motion, mu: 0.5, sigma: 0.5}\nstart: {point: 1}\n",
    "seed: 403\nmodel: {file: commuting.h, B: [-0.5, 0.25], S: [0.5, 0.25], T: [-0.25, 0.5]}\nstart: {point: [1, 0.75]}\n",
    "seed: 404\nmodel: {name: linear-regression-gaussian, input_variance: 0.5, optimum: 0.5, label_noise: 0.7}\n"
    "start: {point: 1.5}\n"};

/* sweep of 4 .. 64 steps for every scheme of a structure: one group each */
static void strong_structure(int which, const char *structure, const model *p, const double order[SRK2 + 1]) {
  char text[3000];
  const bool is_process = which < 3;
  int n = snprintf(text, sizeof text, "%s%s: [4, 8, 16, 32, 64]}\nhorizon: 1\nrealisations: 2^17\ndynamics:\n", processes[which],
                   is_process ? "time_step: 1\nsweep: {substeps" : "learning_rate: 1\nsweep: {substeps");
  for (scheme s = EULER; s <= SRK2; s++) {
    if (order[s] != 0) {
      n += snprintf(text + n, sizeof text - (size_t)n, "  - {name: %s, scheme: %s, label: %s}\n",
                    is_process ? "sde" : "sme1, factor: data", names[s], names[s]);
    }
  }
  n += snprintf(text + n, sizeof text - (size_t)n, "groups:\n");
  for (scheme s = EULER; s <= SRK2; s++) {
    if (order[s] != 0) {
      n += snprintf(text + n, sizeof text - (size_t)n, "  - {label: %s, members: %s, across: substeps}\n", names[s], names[s]);
    }
  }
  (void)snprintf(text + n, sizeof text - (size_t)n, "observe: {at: [1], features: [x]}\n");
  eg_labelled *const file = run_text(folder, text);
  size_t first = 0;
  for (scheme s = EULER; s <= SRK2; s++) {
    if (order[s] != 0) {
      expect_strong(file, structure, s, p, first, 4, 4, order[s]);
      first += 4;
    }
  }
  eg_labelled_free(file);
}

/* Means of |x|^2 in a run of its own: five channels that do not commute, and the diffusion that is a root. */
static void means(void) {
  model five = regression(2, 1, 0.5, 0.5, -0.25, 0.7);
  five.start[0] = 1;
  five.start[1] = -0.5;
  eg_labelled *file = run_text(
      folder, "seed: 405\nmodel: {name: linear-regression-gaussian, input_variance: [1, 0.5], optimum: [0.5, -0.25], label_noise: 0.7}\n"
              "start: {point: [1, -0.5]}\nlearning_rate: 1\nhorizon: 1\nrealisations: 2^20\nnoise: three-point\ndynamics:\n"
              "  - {name: sme1, factor: data, scheme: srk2, substeps: 2}\n"
              "  - {name: sme1, factor: data, scheme: heun, substeps: 2, label: heun}\nobserve: {at: [1], features: [norm2]}\n");
  expect(file, "five channels", "sme1", "norm2", 0, scheme_norm2(SRK2, &five, 2));
  expect(file, "five channels", "heun", "norm2", 0, scheme_norm2(HEUN, &five, 2));
  reject(file, "Ito drift", "heun", "norm2", 0, scheme_norm2(HEUN_ITO, &five, 2));
  eg_labelled_free(file);
  file = run_text(folder, "seed: 406\nmodel: {name: quadratic, curvature: -0.5, noise: 0.5, multiplicative: 0.5}\nstart: {point: 0.5}\n"
                          "learning_rate: 1\nhorizon: 1\nrealisations: 2^20\nnoise: three-point\ndynamics:\n"
                          "  - {name: sde, scheme: milstein, substeps: 1, label: milstein}\n"
                          "  - {name: sde, scheme: heun, substeps: 2, label: heun}\n"
                          "  - {name: sde, scheme: srk2, substeps: 2, label: srk2}\nobserve: {at: [1], features: [norm2]}\n");
  expect(file, "root", "milstein", "norm2", 0, path_norm2(MILSTEIN, &root, 1));
  expect(file, "root", "heun", "norm2", 0, path_norm2(HEUN, &root, 2));
  expect(file, "root", "srk2", "norm2", 0, path_norm2(SRK2, &root, 2));
  reject(file, "root, no correction", "milstein", "norm2", 0, path_norm2(EULER, &root, 1));
  reject(file, "root, Ito drift", "heun", "norm2", 0, path_norm2(HEUN_ITO, &root, 2));
  reject(file, "root, Euler", "srk2", "norm2", 0, path_norm2(EULER, &root, 2));
  eg_labelled_free(file);
}

int main(void) {
  static const double orders[4][SRK2 + 1] = {{1, 1, 1, 1, 1}, {0.5, 0.5, 1, 1, 1}, {0.5, 0.5, 1, 1, 1}, {0.5, 0.5, 0, 0.5, 0.5}};
  char path[80];
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  (void)snprintf(path, sizeof path, "%s/commuting.h", folder);
  FILE *const file = fopen(path, "w");
  if (file == NULL || fputs(commuting_model, file) < 0 || fclose(file) != 0) {
    stop_with(path);
  }
  model one = regression(1, 0.5, 0, 0.5, 0, 0.7);
  one.start[0] = 1.5;
  weak_orders();
  published_columns();
  nonlinear_orders();
  rows_orders();
  strong_structure(0, "additive", &additive, orders[0]);
  strong_structure(1, "diagonal", &diagonal, orders[1]);
  strong_structure(2, "commutative", &commutative, orders[2]);
  strong_structure(3, "general", &one, orders[3]);
  means();
  judge(100, 12);
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
