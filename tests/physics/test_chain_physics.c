/*
 * Chains against numbers that do not come from the code under test:
 *   - tables of svag-and-sde-validity.md: oracle B (SVAG, exact recursion), 4.2 (RMSprop and Adam, enumeration of all
 *     65536 sign sequences), 4.3 (sign SGD on a lattice), 4.4 (heavy ball, stationary variance and both SVAG limits);
 *     4.1 to 4.3 for SVAG of them and for their SDEs;
 *   - the lattice chain of sign SGD iterated here, probabilities by erfc;
 *   - a linear recursion for momentum with a schedule, and an enumeration of all orders of rows, written here.
 * The exact moments of the library are compared to all digits of the tables, simulations in standard errors.
 */
#include "oracle/affine.h"
#include "physics/judge.h"
#include "write_rows.h"

static const double inputs[4][2] = {{1, 0}, {0, 2}, {1, 1}, {2, -1}}, target[4] = {1, -1, 2, 0};

static bool is_near(double value, double expected, double tolerance) {
  const bool is_good = fabs(value - expected) <= tolerance;
  if (!is_good) {
    fprintf(stderr, "%.16g, expected %.16g\n", value, expected);
  }
  return is_good;
}

/* ---- oracle B: SVAG on least squares ---- */

static const struct {
  double l, x1, x2, m11, m12, m22, loss;
} oracle_b[] = {
    {1, .488951444905290, .0695232998303522, .266581735799814, .0412856533889490, .0441256961302055, .605995576921310},
    {2, .486089203647613, .0685163936154852, .262563821942492, .0406649068359676, .0423841212088623, .603977827918814},
    {4, .484643221784100, .0680320104412668, .260584625574502, .0403540266837109, .0415645566760830, .603040963678937},
    {8, .483917183377636, .0677943599254132, .259602463482289, .0401986862188320, .0411666654956049, .602589287645485},
    {16, .483553479326056, .0676766426979942, .259113240484117, .0401210654591048, .0409705873168710, .602367494991422},
    {64, .483280418985414, .0675888332892419, .258747135837454, .0400628768909737, .0408247594773269, .602202888024282},
};

static void svag_oracle(void) {
  eg_context *const ctx = eg_context_create();
  eg_affine_model model = {0}, lifted = {0};
  CHECK(ctx != NULL && eg_affine_least_squares(ctx, 4, 2, &inputs[0][0], target, 0, &model) == EG_OK);
  for (size_t i = 0; i < sizeof oracle_b / sizeof oracle_b[0]; i++) {
    const eg_affine_chain plain = {.new_weight = 1, .velocity_weight = 1};
    const double h = 0.1 / oracle_b[i].l, zero[16] = {0};
    const eg_affine_setting setting = {EG_LAW_SDE1, EG_AFFINE_EULER_MARUYAMA, 0.1, 2, (int)oracle_b[i].l};
    const uint64_t steps = 20;
    double mean[4], second[16];
    CHECK(eg_affine_chain_lift(ctx, &model, &plain, h, &lifted) == EG_OK);
    CHECK(eg_affine_moments(ctx, &lifted, &setting, 1, zero, zero, 1, &steps, mean, second) == EG_OK);
    const double small[4] = {second[0], second[1], second[4], second[5]};
    CHECK(is_near(mean[0], oracle_b[i].x1, 1e-13) && is_near(mean[1], oracle_b[i].x2, 1e-13));
    CHECK(is_near(second[0], oracle_b[i].m11, 1e-13) && is_near(second[1], oracle_b[i].m12, 1e-13));
    CHECK(is_near(second[5], oracle_b[i].m22, 1e-13));
    CHECK(is_near(eg_affine_loss(&model, mean, small), oracle_b[i].loss, 1e-13));
    eg_affine_free(&lifted);
  }
  eg_affine_free(&model);
  eg_context_free(ctx);
}

static void svag(void) {
  eg_labelled *const file = run_study(
      "seed: 301\nmodel: {name: linear-regression, data: four.h5, standardize: false}\nlearning_rate: 0.1\nsteps: 20\n"
      "dynamics:\n  - {name: svag, label: l1, l: 1, batch_size: 2}\n  - {name: svag, label: l2, l: 2, batch_size: 2}\n"
      "  - {name: svag, label: l4, l: 4, batch_size: 2}\n  - {name: svag, label: l16, l: 16, batch_size: 2}\n"
      "  - {name: noisy-gd, label: ngd, batch_size: 2}\n"
      "realisations: 2^18\nobserve: {at: {steps: [20]}, features: [x, norm2, loss]}\n");
  static const char *const labels[] = {"l1", "l2", "l4", NULL, "l16"};
  for (size_t i = 0; i < 5; i++) {
    if (labels[i] == NULL) {
      continue;
    }
    expect(file, "oracle B", labels[i], "x", 0, oracle_b[i].x1);
    expect(file, "oracle B", labels[i], "x", 1, oracle_b[i].x2);
    expect(file, "oracle B", labels[i], "norm2", 0, oracle_b[i].m11 + oracle_b[i].m22);
    expect(file, "oracle B", labels[i], "loss", 0, oracle_b[i].loss);
  }
  expect(file, "oracle B", "ngd", "loss", 0, oracle_b[0].loss); /* equal moments, another law */
  reject(file, "oracle B", "l4", "loss", 0, oracle_b[0].loss);
  reject(file, "oracle B", "l1", "loss", 0, oracle_b[2].loss);
  reject(file, "oracle B", "l16", "norm2", 0, oracle_b[0].m11 + oracle_b[0].m22);
  eg_labelled_free(file);
}

/* ---- 4.4: SVAG with momentum, both forms: stationary variance and correlation over 5 effective learning rates ---- */

/* Of x' = x - rate v', v' = mu v + a x + sqrt(noise) xi, a = 1.3, by powers of the map. */
static void stationary_momentum(double rate, double mu, double noise, int lag, double *variance, double *correlation) {
  const double a = 1.3, A[2][2] = {{1 - rate * a, -rate * mu}, {a, mu}}, b[2] = {-rate, 1};
  double S[2][2] = {{0, 0}, {0, 0}}, power[2][2] = {{1, 0}, {0, 1}};
  for (int k = 0; k < 60000; k++) {
    double next[2][2];
    for (int i = 0; i < 2; i++) {
      for (int j = 0; j < 2; j++) {
        next[i][j] = noise * b[i] * b[j];
        for (int p = 0; p < 4; p++) {
          next[i][j] += A[i][p / 2] * S[p / 2][p % 2] * A[j][p % 2];
        }
      }
    }
    memcpy(S, next, sizeof S);
  }
  for (int k = 0; k < lag; k++) {
    const double first[2] = {power[0][0], power[0][1]};
    for (int j = 0; j < 2; j++) {
      power[0][j] = first[0] * A[0][j] + first[1] * A[1][j];
    }
  }
  *variance = S[0][0];
  *correlation = (power[0][0] * S[0][0] + power[0][1] * S[1][0]) / S[0][0];
}

static void momentum_svag(void) {
  static const double table_a[] = {.39824, .39131, .38793}, table_b[] = {.39824, .38785, .38541}, lag_b[] = {-.10529, -.07835, -.06788};
  double variance[2][3], correlation[2][3], far, far_correlation;
  for (int i = 0; i < 3; i++) { /* eta = 0.1, mu = 0.9: eta_e = 1 */
    const int l = 1 << i;
    stationary_momentum(0.1 / l, 0.9, l, 5 * l, &variance[0][i], &correlation[0][i]);
    stationary_momentum(0.1 / (l * l), 1 - 0.1 / l, l, 5 * l, &variance[1][i], &correlation[1][i]);
    CHECK(is_near(variance[0][i], table_a[i], 2e-5) && is_near(variance[1][i], table_b[i], 2e-5));
    CHECK(is_near(correlation[1][i], lag_b[i], 1e-4));
  }
  stationary_momentum(0.1 / 65536, 1 - 0.1 / 256, 256, 1280, &far, &far_correlation);
  CHECK(is_near(far, .384616, 2e-6) && is_near(far_correlation, -.05939, 2e-4));
  eg_labelled *const file = run_study(
      "seed: 309\nmodel: {name: quadratic, curvature: 1.3, noise: 1}\nlearning_rate: 0.1\nsteps: 405\ndynamics:\n"
      "  - {name: svag, label: a4, l: 4, batch_size: 1, momentum: 0.9}\n"
      "  - {name: svag, label: b2, l: 2, batch_size: 1, momentum: 0.9, momentum_limit: underdamped}\n"
      "  - {name: svag, label: b4, l: 4, batch_size: 1, momentum: 0.9, momentum_limit: underdamped}\n"
      "realisations: 2^16\nobserve:\n  at: {steps: [400, 405]}\n  features: [x, norm2]\n"
      "  paths: {statistic: product, feature: x0, with: x0, origin: 400}\n");
  static const char *const labels[] = {"a4", "b2", "b4"};
  for (size_t i = 0; i < 3; i++) {
    const int form = i > 0, l = i == 1 ? 1 : 2;
    const double covariance = correlation[form][l] * variance[form][l];
    expect(file, "4.4", labels[i], "norm2", 0, variance[form][l]);
    compare(false, labels[i], value_of(file, "path_product", i, 0, true, 1), value_of(file, "path_product_stderr", i, 0, true, 1),
            covariance, 65536 / 4);
    compare(true, labels[i], value_of(file, "path_product", i, 0, true, 1), value_of(file, "path_product_stderr", i, 0, true, 1),
            correlation[1 - form][l] * variance[1 - form][l], 65536 / 4);
  }
  reject(file, "4.4", "b4", "norm2", 0, variance[1][0]);
  eg_labelled_free(file);

  /* Large l: the variance moves by less than errors, the correlation tells the two forms apart. */
  static const int large[3] = {64, 64, 256};
  for (int i = 0; i < 3; i++) {
    const int l = large[i];
    double v[2], c[2];
    char text[700], what[60];
    stationary_momentum(0.1 / l, 0.9, l, 5 * l, &v[0], &c[0]);
    stationary_momentum(0.1 / l / l, 1 - 0.1 / l, l, 5 * l, &v[1], &c[1]);
    (void)snprintf(text, sizeof text,
                   "seed: %d\nmodel: {name: quadratic, curvature: 1.3, noise: 1}\nlearning_rate: 0.1\nsteps: 405\n"
                   "dynamics: {name: svag, label: large, l: %d, batch_size: 1, momentum: 0.9%s}\n"
                   "realisations: %s\nobserve:\n  at: {steps: [400, 405]}\n  features: [x, norm2]\n"
                   "  paths: {statistic: product, feature: x0, with: x0, origin: 400}\n",
                   340 + i, l, i == 0 ? "" : ", momentum_limit: underdamped", i < 2 ? "2^15" : "2^14");
    eg_labelled *const run = run_study(text);
    const int form = i > 0;
    const double effective = (i < 2 ? 32768 : 16384) / 4, product = value_of(run, "path_product", 0, 0, true, 1),
                 error = value_of(run, "path_product_stderr", 0, 0, true, 1);
    (void)snprintf(what, sizeof what, "4.4 %s, l %d", form == 0 ? "overdamped" : "underdamped", l);
    printf("%s: correlation %.4f +- %.4f, oracle %.5f\n", what, product / v[form], error / v[form], c[form]);
    expect(run, what, "large", "norm2", 0, v[form]);
    compare(false, what, product, error, c[form] * v[form], effective);
    compare(true, what, product, error, c[1 - form] * v[1 - form], effective);
    eg_labelled_free(run);
  }
}

/* ---- 4.2: RMSprop and Adam, f = x^2 / 2, noise +-2, 16 steps of 1/4 ---- */

static void adaptive(void) {
  eg_labelled *const file = run_study(
      "seed: 302\nmodel: {name: quadratic, curvature: 1, noise: 2}\nstart: {point: 1}\nlearning_rate: 0.25\nsteps: 16\n"
      "noise: two-point\ndynamics:\n"
      "  - {name: rmsprop, label: rms, batch_size: 1, beta2: 0.875, epsilon: 0.4, start_square: 1, preconditioner: before}\n"
      "  - {name: rmsprop, label: after, batch_size: 1, beta2: 0.875, epsilon: 0.4, start_square: 1}\n"
      "  - {name: adam, label: adam, batch_size: 1, beta1: 0.375, beta2: 0.875, epsilon: 0.4}\n"
      "realisations: 2^20\nobserve: {at: {steps: [16]}, features: [x, norm2]}\n");
  expect(file, "4.2", "rms", "x", 0, 0.10078068545564582);
  expect(file, "4.2", "rms", "norm2", 0, 0.22287032457662215);
  expect(file, "4.2", "adam", "x", 0, 0.23694982892173586);
  expect(file, "4.2", "adam", "norm2", 0, 0.26035181026886134);
  reject(file, "4.2", "after", "x", 0, 0.10078068545564582); /* the order of updates shows */
  reject(file, "4.2", "rms", "norm2", 0, 0.2428712865098835); /* the SDE */
  reject(file, "4.2", "adam", "norm2", 0, 0.227678937633780);
  eg_labelled_free(file);
}

/* ---- 4.3: sign SGD on the lattice eta Z, down-steps with probability Phi(x), curvature and noise 1 ---- */

enum { HALF = 200 };

/* E x^2 after n steps from 0, and the mean over the last two of them. */
static double lattice(double eta, int n, double *last) {
  static double p[2 * HALF + 1], q[2 * HALF + 1];
  double mean = 0;
  for (int k = 0; k <= 2 * HALF; k++) {
    p[k] = k == HALF ? 1 : 0;
  }
  for (int step = 1; step <= n; step++) {
    memset(q, 0, sizeof q);
    for (int k = 1; k < 2 * HALF; k++) {
      const double down = 0.5 * erfc(-eta * (k - HALF) / sqrt(2.0));
      q[k - 1] += down * p[k];
      q[k + 1] += (1 - down) * p[k];
    }
    memcpy(p, q, sizeof p);
    if (step >= n - 1) {
      double square = 0;
      for (int k = 0; k <= 2 * HALF; k++) {
        square += p[k] * eta * eta * (k - HALF) * (k - HALF);
      }
      mean += square / 2;
      *last = square;
    }
  }
  return mean;
}

static void sign(void) {
  static const struct {
    double eta, variance;
  } table[] = {{0.1, .06464824096871656}, {0.2, .1333337673737226}, {0.5, .3645671284518723}};
  double last = 0;
  for (size_t i = 0; i < 3; i++) { /* the iteration written here has the table's stationary law */
    CHECK(is_near(lattice(table[i].eta, 4000, &last), table[i].variance, 1e-12));
  }
  eg_labelled *const file = run_study(
      "seed: 303\nmodel: {name: quadratic, curvature: 1, noise: 1}\nsweep: {learning_rate: [0.5]}\nsteps: 31\n"
      "dynamics:\n  - {name: signsgd, label: sign, batch_size: 1}\n  - {name: sgd, label: sgd, batch_size: 1}\n"
      "realisations: 2^19\nobserve: {at: {steps: [31]}, features: [x, norm2]}\n");
  (void)lattice(0.5, 31, &last);
  expect(file, "sign eta 0.5", "sign", "norm2", 0, last);
  expect(file, "sign eta 0.5", "sign", "x", 0, 0);
  reject(file, "sign eta 0.5", "sign", "norm2", 0, 0.3133); /* the linearised SDE */
  reject(file, "sign eta 0.5", "sgd", "norm2", 0, last);
  eg_labelled_free(file);
}

/* ---- 4.1 to 4.3: SVAG of adaptive and sign chains, Gaussian noise: l^2 iterations a step, towards the SDE's moments ---- */

static void adaptive_svag(void) {
  eg_labelled *file = run_study(
      "seed: 307\nmodel: {name: quadratic, curvature: 1, noise: 2}\nstart: {point: 1}\nlearning_rate: 0.25\nsteps: 16\n"
      "dynamics:\n"
      "  - {name: rmsprop, label: r1, batch_size: 1, beta2: 0.875, epsilon: 0.4, start_square: 1, preconditioner: before}\n"
      "  - {name: rmsprop, label: r8, l: 8, batch_size: 1, beta2: 0.875, epsilon: 0.4, start_square: 1, preconditioner: before}\n"
      "  - {name: adam, label: a1, batch_size: 1, beta1: 0.375, beta2: 0.875, epsilon: 0.4}\n"
      "  - {name: adam, label: a16, l: 16, batch_size: 1, beta1: 0.375, beta2: 0.875, epsilon: 0.4}\n"
      "realisations: 2^14\nobserve: {at: {steps: [16]}, features: [x, norm2]}\n");
  expect(file, "SDE", "r8", "x", 0, 0.1346709298936874); /* off by 0.0365 / 64 */
  expect(file, "SDE", "r8", "norm2", 0, 0.2428712865098835);
  expect(file, "SDE", "a16", "x", 0, 0.134528787380545); /* off by 0.0574 / 256 */
  expect(file, "SDE", "a16", "norm2", 0, 0.227678937633780);
  reject(file, "SDE", "r1", "x", 0, 0.1346709298936874);
  reject(file, "SDE", "a1", "x", 0, 0.134528787380545);
  eg_labelled_free(file);
  file = run_study("seed: 308\nmodel: {name: quadratic, curvature: 1, noise: 1}\nlearning_rate: 0.2\nsteps: 60\n"
                   "sweep: {l: [1, 2, 4]}\ndynamics: {name: signsgd, batch_size: 1}\n"
                   "realisations: 2^17\nobserve: {at: {steps: [60]}, features: [x, norm2]}\n");
  static const double variance[] = {.13333376737372, .1273045559255, .12582289659858};
  const double limit = .12533141373155;
  for (size_t i = 0; i < 3; i++) {
    const double got = read_value(file, "norm2", i, 0, 0), error = read_value(file, "norm2_stderr", i, 0, 0);
    compare(false, "sign SVAG norm2", got, error, variance[i], 1 << 17);
    if (i == 0) {
      compare(true, "sign SGD against the limit of SVAG", got, error, limit, 1 << 17);
    }
  }
  eg_labelled_free(file);
}

/* ---- 4.2 and 4.3: the SDEs themselves ---- */

/* Stationary variance of dx = -e dt + sqrt(eta (1 - e^2)) dW, e = erf(x / sqrt 2): the density is exp(int b/D) / D. */
static double sign_sde_variance(double eta) {
  const int n = 400000;
  const double step = 4.0 / n;
  double exponent = 0, mass = 0, square = 0;
  for (int i = 0; i < n; i++) {
    const double x = (i + 0.5) * step, e = erf(x / sqrt(2.0)), D = 0.5 * eta * erfc(x / sqrt(2.0)) * (1 + e);
    exponent -= 0.5 * step * e / D;
    mass += exp(exponent) / D;
    square += x * x * exp(exponent) / D;
    exponent -= 0.5 * step * e / D;
  }
  return square / mass;
}

static void adaptive_sde(void) {
  eg_labelled *file = run_study(
      "seed: 309\nmodel: {name: quadratic, curvature: 1, noise: 4}\nstart: {point: 1}\nlearning_rate: 0.25\nsteps: 16\n"
      "dynamics:\n"
      "  - {name: rmsprop-sde, label: rms, batch_size: 4, beta2: 0.875, epsilon: 0.4, start_square: 1, substeps: 64}\n"
      "  - {name: adam-sde, label: adam, batch_size: 4, beta1: 0.375, beta2: 0.875, epsilon: 0.4, substeps: 64}\n"
      "realisations: 2^16\nobserve: {at: {steps: [16]}, features: [x, norm2]}\n");
  expect(file, "adaptive SDE", "rms", "x", 0, 0.1346709298936874);
  expect(file, "adaptive SDE", "rms", "norm2", 0, 0.2428712865098835);
  expect(file, "adaptive SDE", "adam", "x", 0, 0.134528787380545);
  expect(file, "adaptive SDE", "adam", "norm2", 0, 0.227678937633780);
  reject(file, "adaptive SDE", "rms", "x", 0, 0.10078068545564582); /* the chains */
  reject(file, "adaptive SDE", "adam", "norm2", 0, 0.26035181026886134);
  eg_labelled_free(file);
  CHECK(is_near(sign_sde_variance(0.1), .0621, 5e-5) && is_near(sign_sde_variance(0.2), .1229, 5e-5));
  CHECK(is_near(sign_sde_variance(0.5), .2967, 5e-5));
  file = run_study("seed: 310\nmodel: {name: quadratic, curvature: 1, noise: 2}\nlearning_rate: 0.5\nsteps: 24\n"
                   "dynamics: {name: signsgd-sde, label: sign, batch_size: 4, substeps: 128}\n"
                   "realisations: 2^15\nobserve: {at: {steps: [24]}, features: [x, norm2]}\n");
  expect(file, "sign SDE", "sign", "norm2", 0, sign_sde_variance(0.5));
  reject(file, "sign SDE", "sign", "norm2", 0, .3645671284518723); /* sign SGD */
  eg_labelled_free(file);
}

/* On rows (a, b), gradients a x - b: additive noise of rows that differ in b alone has the law of above; else three steps by
   quadrature over the normals of two, the last one being linear in its own. */
enum { SDE_ROWS = 3 };
static const double sde_a[SDE_ROWS] = {1, 2, 0.5}, sde_b[SDE_ROWS] = {1, -1, 0.5};

typedef struct sde_state {
  double x, m, v;
} sde_state;

/* eta = 1/2, B = 2, beta1 = 1/2, beta2 = 3/4, epsilon = 1/4; frozen: the noise stays what it was at the start, 1. */
static sde_state sde_step(sde_state s, bool is_adam, bool is_frozen, int step, double z) {
  double mean = 0, square = 0;
  for (int j = 0; j < SDE_ROWS; j++) {
    const double g = sde_a[j] * s.x - sde_b[j], at_start = sde_a[j] - sde_b[j];
    mean += g / SDE_ROWS;
    square += (is_frozen ? at_start * at_start : g * g) / SDE_ROWS;
  }
  double mean_at_start = 0;
  for (int j = 0; j < SDE_ROWS; j++) {
    mean_at_start += (sde_a[j] - sde_b[j]) / SDE_ROWS;
  }
  const double centre = is_frozen ? mean_at_start : mean, variance = (square - centre * centre) / 2;
  const double noise = sqrt(variance) * z;
  sde_state next = s;
  next.v = s.v + 0.25 * (variance - s.v);
  if (!is_adam) {
    next.x = s.x - 0.5 * (mean + noise) / (sqrt(s.v) + 0.25);
    return next;
  }
  next.m = s.m + 0.5 * (mean - s.m) + 0.5 * noise;
  const double first = 1 - exp(-0.5 * step), second = 1 - exp(-0.25 * step);
  next.x = s.x - 0.5 * next.m / first / (sqrt(next.v / second) + 0.25);
  return next;
}

static void sde_moments(bool is_adam, bool is_frozen, double *mean, double *square) {
  enum { NODES = 400 };
  *mean = *square = 0;
  for (int i = 0; i < NODES; i++) {
    for (int j = 0; j < NODES; j++) { /* the midpoint rule is exact to rounding on a Gaussian */
      const double z[2] = {-9 + 18.0 * (i + 0.5) / NODES, -9 + 18.0 * (j + 0.5) / NODES};
      const double weight = exp(-0.5 * (z[0] * z[0] + z[1] * z[1])) / (2 * acos(-1.0)) * (18.0 / NODES) * (18.0 / NODES);
      const sde_state start = {1, 0, 1};
      const sde_state two = sde_step(sde_step(start, is_adam, is_frozen, 1, z[0]), is_adam, is_frozen, 2, z[1]);
      for (int sign = -1; sign <= 1; sign += 2) {
        const double x = sde_step(two, is_adam, is_frozen, 3, sign).x;
        *mean += 0.5 * weight * x;
        *square += 0.5 * weight * x * x;
      }
    }
  }
}

static void adaptive_sde_rows(void) {
  eg_labelled *file = run_study(
      "seed: 311\nmodel: {name: sample-quadratic, rows: [[1, 4], [1, -4]]}\nstart: {point: 1}\nlearning_rate: 0.25\nsteps: 16\n"
      "dynamics:\n"
      "  - {name: rmsprop-sde, label: rms, batch_size: 4, beta2: 0.875, epsilon: 0.4, start_square: 1, substeps: 64}\n"
      "  - {name: adam-sde, label: adam, batch_size: 4, beta1: 0.375, beta2: 0.875, epsilon: 0.4, substeps: 64}\n"
      "realisations: 2^16\nobserve: {at: {steps: [16]}, features: [x, norm2]}\n");
  expect(file, "adaptive SDE on rows", "rms", "x", 0, 0.1346709298936874);
  expect(file, "adaptive SDE on rows", "rms", "norm2", 0, 0.2428712865098835);
  expect(file, "adaptive SDE on rows", "adam", "x", 0, 0.134528787380545);
  expect(file, "adaptive SDE on rows", "adam", "norm2", 0, 0.227678937633780);
  eg_labelled_free(file);
  file = run_study(
      "seed: 312\nmodel: {name: sample-quadratic, rows: [[1, 1], [2, -1], [0.5, 0.5]]}\nstart: {point: 1}\nlearning_rate: 0.5\nsteps: 3\n"
      "dynamics:\n  - {name: rmsprop-sde, label: rms, batch_size: 2, beta2: 0.75, epsilon: 0.25, start_square: 1}\n"
      "  - {name: adam-sde, label: adam, batch_size: 2, beta1: 0.5, beta2: 0.75, epsilon: 0.25, start_square: 1}\n"
      "realisations: 2^18\nobserve: {at: {steps: [3]}, features: [x, norm2]}\n");
  for (int is_adam = 0; is_adam < 2; is_adam++) {
    double mean, square, frozen_mean, frozen_square;
    sde_moments(is_adam, false, &mean, &square);
    sde_moments(is_adam, true, &frozen_mean, &frozen_square);
    expect(file, "three steps on rows", is_adam ? "adam" : "rms", "x", 0, mean);
    expect(file, "three steps on rows", is_adam ? "adam" : "rms", "norm2", 0, square);
    reject(file, "frozen noise", is_adam ? "adam" : "rms", "norm2", 0, frozen_square);
  }
  eg_labelled_free(file);
}

/* ---- 4.4: heavy ball on an additive quadratic, curvature 1.3, noise 1 ---- */

static double ball_variance(double momentum, double h, double noise_rate_over_h) {
  eg_context *const ctx = eg_context_create();
  eg_affine_model model = {0}, lifted = {0};
  const double curvature = 1.3, centre = 0, additive = 1, none = 0, zero[4] = {0};
  const eg_affine_chain chain = {.momentum = momentum, .new_weight = 1, .velocity_weight = 1};
  /* learning rate eta of which h = eta / l is one iteration */
  const eg_affine_setting setting = {EG_LAW_SDE1, EG_AFFINE_EULER_MARUYAMA, h * noise_rate_over_h, 1,
                                     (int)noise_rate_over_h};
  const uint64_t steps = 1u << 14;
  double mean[2], second[4] = {NAN};
  CHECK(ctx != NULL && eg_affine_quadratic(ctx, 1, &curvature, &centre, &additive, &none, &model) == EG_OK);
  CHECK(eg_affine_chain_lift(ctx, &model, &chain, h, &lifted) == EG_OK);
  CHECK(eg_affine_moments(ctx, &lifted, &setting, 1, zero, zero, 1, &steps, mean, second) == EG_OK);
  eg_affine_free(&model);
  eg_affine_free(&lifted);
  eg_context_free(ctx);
  return second[0];
}

static void heavy_ball(void) {
  CHECK(is_near(ball_variance(0, 0.3, 1), .1433349259436216, 1e-13));
  CHECK(is_near(ball_variance(0.5, 0.3, 1), .2652519893899204, 1e-13));
  CHECK(is_near(ball_variance(0.9, 0.3, 1), 1.285810963230323, 1e-12));
  /* eta_e = eta / (1 - mu) = 1: (a) mu fixed, (b) 1 - mu divided by l; tables with five digits */
  static const double same[] = {.39824, .39131, .38793}, slower[] = {.39824, .38785, .38541};
  for (int i = 0; i < 3; i++) {
    const double l = (double)(1 << i);
    CHECK(is_near(ball_variance(0.9, 0.1 / l, l), same[i], 5e-6));
    CHECK(is_near(ball_variance(1 - 0.1 / l, 0.1 / (l * l), l), slower[i], 5e-6));
  }
  CHECK(is_near(ball_variance(0.9, 0.1 / 256, 256), .38467, 5e-6));
  CHECK(is_near(ball_variance(1 - 0.1 / 256, 0.1 / (256.0 * 256.0), 256), .384616, 5e-7));
  eg_labelled *const file = run_study(
      "seed: 304\nmodel: {name: quadratic, curvature: 1.3, noise: 1}\nlearning_rate: 0.3\nsteps: 300\ndynamics:\n"
      "  - {name: sgd, label: m0, batch_size: 1, momentum: 0}\n  - {name: sgd, label: m5, batch_size: 1, momentum: 0.5}\n"
      "  - {name: sgd, label: m9, batch_size: 1, momentum: 0.9}\n"
      "realisations: 2^18\nobserve: {at: {steps: [300]}, features: [x, norm2]}\n");
  expect(file, "heavy ball", "m0", "norm2", 0, .1433349259436216);
  expect(file, "heavy ball", "m5", "norm2", 0, .2652519893899204);
  expect(file, "heavy ball", "m9", "norm2", 0, 1.285810963230323);
  reject(file, "heavy ball", "m9", "norm2", 0, 1.285810963230323 * (1 - 0.39 / 3.8)); /* the SDE at eta / (1 - mu) */
  reject(file, "heavy ball", "m5", "norm2", 0, .1433349259436216);
  eg_labelled_free(file);
}

/* ---- a schedule, with momentum: mean and second moments of (x, v) by recursion ---- */

static void scheduled(void) {
  const double a = 1.3, mu = 0.5, eta = 0.3, decay = 0.25, pi = 3.14159265358979323846;
  double m[2] = {2, 0}, M[3] = {4, 0, 0}; /* E x, E v; E xx, E xv, E vv */
  for (int k = 0; k < 40; k++) {
    const double factor = (k < 30 ? 0.1 + 0.9 * (1 + cos(pi * k / 30)) / 2 : 0.1) * (k + 1 < 8 ? (k + 1) / 8.0 : 1);
    const double rate = eta * factor, A = 1 - rate * decay - rate * a, B = -rate * mu; /* x' = A x + B v - rate xi */
    const double xx = A * A * M[0] + 2 * A * B * M[1] + B * B * M[2] + rate * rate;
    const double xv = A * a * M[0] + (A * mu + B * a) * M[1] + B * mu * M[2] - rate;
    const double vv = a * a * M[0] + 2 * a * mu * M[1] + mu * mu * M[2] + 1; /* v' = mu v + a x + xi */
    const double x = A * m[0] + B * m[1], v = a * m[0] + mu * m[1];
    M[0] = xx;
    M[1] = xv;
    M[2] = vv;
    m[0] = x;
    m[1] = v;
  }
  eg_labelled *const file = run_study(
      "seed: 305\nmodel: {name: quadratic, curvature: 1.3, noise: 1}\nstart: {point: 2}\nlearning_rate: 0.3\nsteps: 40\n"
      "dynamics:\n  - {name: sgd, label: cosine, batch_size: 1, momentum: 0.5, weight_decay: 0.25, decoupled: true, "
      "schedule: {kind: cosine, period: 30, last: 0.1, warm_up: 8}}\n"
      "  - {name: sgd, label: constant, batch_size: 1, momentum: 0.5, weight_decay: 0.25, decoupled: true}\n"
      "realisations: 2^18\nobserve: {at: {steps: [40]}, features: [x, norm2]}\n");
  expect(file, "schedule", "cosine", "x", 0, m[0]);
  expect(file, "schedule", "cosine", "norm2", 0, M[0]);
  reject(file, "schedule", "constant", "norm2", 0, M[0]);
  eg_labelled_free(file);
}

/* ---- sampling modes: all orders of the four rows, batches of 2, two epochs ---- */

static void sgd_step(double *x, int i, int j) { /* eta = 0.1 */
  double g[2] = {0, 0};
  const int batch[2] = {i, j};
  for (int b = 0; b < 2; b++) {
    const double *const a = inputs[batch[b]];
    const double residual = a[0] * x[0] + a[1] * x[1] - target[batch[b]];
    g[0] += residual * a[0] / 2;
    g[1] += residual * a[1] / 2;
  }
  x[0] -= 0.1 * g[0];
  x[1] -= 0.1 * g[1];
}

static void order_of(int number, int *order) { /* number < 24 */
  int rest[4] = {0, 1, 2, 3};
  for (int i = 0, radix = 6, n = 4; i < 4; i++, n--) {
    const int k = number / radix;
    order[i] = rest[k];
    memmove(rest + k, rest + k + 1, sizeof(int) * (size_t)(n - 1 - k));
    number %= radix;
    radix /= n > 2 ? n - 1 : 1;
  }
}

/* E |x|^2 after two epochs: fresh orders, one order twice, or a fresh pair every step. */
static void enumerate(double *shuffled, double *fixed, double *fresh) {
  *shuffled = *fixed = *fresh = 0;
  for (int first = 0; first < 24; first++) {
    for (int second = 0; second < 24; second++) {
      int p[4], q[4];
      double x[2] = {0, 0};
      order_of(first, p);
      order_of(second, q);
      sgd_step(x, p[0], p[1]);
      sgd_step(x, p[2], p[3]);
      sgd_step(x, q[0], q[1]);
      sgd_step(x, q[2], q[3]);
      *shuffled += (x[0] * x[0] + x[1] * x[1]) / 576;
      *fixed += first == second ? (x[0] * x[0] + x[1] * x[1]) / 24 : 0;
    }
  }
  for (int code = 0; code < 20736; code++) { /* 12 ordered pairs, four steps */
    double x[2] = {0, 0};
    for (int step = 0, rest = code; step < 4; step++, rest /= 12) {
      const int i = rest % 12 / 3, k = rest % 3;
      sgd_step(x, i, k < i ? k : k + 1);
    }
    *fresh += (x[0] * x[0] + x[1] * x[1]) / 20736;
  }
}

static void samplings(void) {
  double shuffled, fixed, fresh;
  enumerate(&shuffled, &fixed, &fresh);
  eg_labelled *const file = run_study(
      "seed: 306\nmodel: {name: linear-regression, data: four.h5, standardize: false}\nlearning_rate: 0.1\nsteps: 4\n"
      "dynamics:\n  - {name: sgd, label: shuffle, batch_size: 2, sampling: shuffle}\n"
      "  - {name: sgd, label: fixed, batch_size: 2, sampling: fixed-shuffle}\n"
      "  - {name: sgd, label: fresh, batch_size: 2, sampling: without-replacement}\n"
      "  - {name: sgd, label: replacement, batch_size: 2}\n"
      "realisations: 2^20\nobserve: {at: {steps: [4]}, features: [x, norm2]}\n");
  expect(file, "sampling", "shuffle", "norm2", 0, shuffled);
  expect(file, "sampling", "fixed", "norm2", 0, fixed);
  expect(file, "sampling", "fresh", "norm2", 0, fresh);
  reject(file, "sampling", "shuffle", "norm2", 0, fresh);
  reject(file, "sampling", "fixed", "norm2", 0, fresh);
  reject(file, "sampling", "replacement", "norm2", 0, fresh);
  CHECK(is_near(read_value(file, "norm2_expected", run_index(file, "fresh"), 0, 0), fresh, 1e-14));
  eg_labelled_free(file);
}

int main(void) {
  char path[64];
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  (void)snprintf(path, sizeof path, "%s/four.h5", folder);
  if (!write_rows(path, 4, 2, &inputs[0][0], target)) {
    stop_with("data file");
  }
  svag_oracle();
  svag();
  momentum_svag();
  adaptive();
  sign();
  adaptive_svag();
  adaptive_sde();
  adaptive_sde_rows();
  heavy_ball();
  scheduled();
  samplings();
  judge(57, 25);
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
