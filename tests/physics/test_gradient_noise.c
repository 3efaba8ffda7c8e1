/*
 * The laws of the gradient's noise: minibatch, Gaussian with the exact covariance, decoupled, constant; noise on drawn rows;
 * batch-size schedules. Oracles that do not come from the code under test:
 *   - power-law-escape-rate.md 4 and 6: mean first passage of the four chains by integral equations, one law rejected by the
 *     number of another;
 *   - minibatch-noise-strength.md 4 and 6: closed stationary covariances under label and input noise, with momentum;
 *   - a recursion of first and second moments written here: a step's mean and covariance are quadratic in the state, so an
 *     average over sigma points of the moments is exact, and the noise of a row is a Gauss-Hermite sum.
 */
#include "physics/judge.h"
#include "write_rows.h"

enum { D = 2, Z = 2 * D, ROWS = 4 };

static const double inputs[ROWS][D] = {{1, 0}, {1, 1}, {0, 1}, {0.5, -1}}, target[ROWS] = {1, 0, 1, -1};

/* ---- moments of (x, v) under x' = x - h v', v' = momentum v + g ---- */

typedef enum law { MINIBATCH, EXACT, DECOUPLED, CONSTANT } law;
typedef struct chain {
  law law;
  double rate, momentum, batch, amplification; /* noise covariance times amplification / batch */
  double offset, constant[D][D], input_noise, label_noise;
} chain;

typedef struct moments {
  double m[Z], M[Z][Z];
} moments;

static double residual(const double *a, double y, const double *x) {
  return a[0] * x[0] + a[1] * x[1] - y;
}

/* Mean of the gradient of one sample and of its square: rows, and 3-point Gauss-Hermite sums over the noise of a row. */
static void sample_gradient(const chain *c, const double *x, double g[D], double C[D][D]) {
  static const double node[3] = {-1.7320508075688772, 0, 1.7320508075688772}, weight[3] = {1.0 / 6, 2.0 / 3, 1.0 / 6};
  memset(g, 0, D * sizeof *g);
  memset(C, 0, D * D * sizeof(double));
  for (int code = 0; code < ROWS * 27; code++) {
    const int j = code / 27, p = code / 9 % 3, q = code / 3 % 3, r = code % 3;
    const double w = weight[p] * weight[q] * weight[r] / ROWS;
    const double a[D] = {inputs[j][0] + c->input_noise * node[p], inputs[j][1] + c->input_noise * node[q]};
    const double e = residual(a, target[j] + c->label_noise * node[r], x);
    for (int i = 0; i < D; i++) {
      g[i] += w * e * a[i];
      for (int k = 0; k < D; k++) {
        C[i][k] += w * e * e * a[i] * a[k];
      }
    }
  }
  for (int i = 0; i < D; i++) {
    for (int k = 0; k < D; k++) {
      C[i][k] -= g[i] * g[k];
    }
  }
}

/* The covariance of the noise of one sample at x by the law. */
static void noise_of(const chain *c, const double *x, double g[D], double C[D][D]) {
  double loss = c->offset;
  sample_gradient(c, x, g, C);
  for (int j = 0; j < ROWS; j++) {
    const double e = residual(inputs[j], target[j], x);
    loss += e * e / (2 * ROWS);
  }
  for (int i = 0; i < D; i++) {
    for (int k = 0; k < D; k++) {
      double H = 0;
      for (int j = 0; j < ROWS; j++) {
        H += inputs[j][i] * inputs[j][k] / ROWS;
      }
      C[i][k] = c->law == DECOUPLED ? 2 * loss * H : (c->law == CONSTANT ? c->constant[i][k] : C[i][k]);
    }
  }
}

/* One step from the exact moments: mean over the 2 Z points m +- sqrt(Z) L_i, L L^T the covariance. */
static void advance(const chain *c, moments *s) {
  double L[Z][Z] = {{0}};
  moments next;
  memset(&next, 0, sizeof next);
  for (int j = 0; j < Z; j++) { /* Cholesky; zero columns where the state is certain */
    for (int i = j; i < Z; i++) {
      double sum = s->M[i][j] - s->m[i] * s->m[j];
      for (int k = 0; k < j; k++) {
        sum -= L[i][k] * L[j][k];
      }
      L[i][j] = i == j ? (sum > 1e-14 ? sqrt(sum) : 0) : (L[j][j] > 0 ? sum / L[j][j] : 0);
    }
  }
  for (int point = 0; point < 2 * Z; point++) {
    double z[Z], to[Z], g[D], C[D][D];
    for (int i = 0; i < Z; i++) {
      z[i] = s->m[i] + (point % 2 == 0 ? 1 : -1) * sqrt((double)Z) * L[i][point / 2];
    }
    noise_of(c, z, g, C);
    for (int i = 0; i < D; i++) {
      to[D + i] = c->momentum * z[D + i] + g[i];
      to[i] = z[i] - c->rate * to[D + i];
    }
    for (int i = 0; i < Z; i++) {
      next.m[i] += to[i] / (2 * Z);
      for (int k = 0; k < Z; k++) {
        const double factor = (i < D ? -c->rate : 1) * (k < D ? -c->rate : 1) * c->amplification / c->batch;
        next.M[i][k] += (to[i] * to[k] + factor * C[i % D][k % D]) / (2 * Z);
      }
    }
  }
  *s = next;
}

static moments after(const chain *c, const double *start, int steps) {
  moments s;
  memset(&s, 0, sizeof s);
  for (int i = 0; i < D; i++) {
    s.m[i] = start[i];
    for (int k = 0; k < D; k++) {
      s.M[i][k] = start[i] * start[k];
    }
  }
  for (int k = 0; k < steps; k++) {
    advance(c, &s);
  }
  return s;
}

static double norm2_of(const moments *s) {
  return s->M[0][0] + s->M[1][1];
}

static bool is_near(double value, double expected, double tolerance) {
  const bool is_good = fabs(value - expected) <= tolerance;
  if (!is_good) {
    fprintf(stderr, "%.16g, expected %.16g\n", value, expected);
  }
  return is_good;
}

/* The simulation in standard errors, the library's exact moments to rounding. */
static void expect_moments(const eg_labelled *file, const char *study, const char *label, const chain *c,
                           const double *start, int steps) {
  const moments s = after(c, start, steps);
  expect(file, study, label, "x", 0, s.m[0]);
  expect(file, study, label, "x", 1, s.m[1]);
  expect(file, study, label, "norm2", 0, norm2_of(&s));
  CHECK(is_near(read_value(file, "x_expected", run_index(file, label), 0, 1), s.m[1], 1e-12));
  CHECK(is_near(read_value(file, "norm2_expected", run_index(file, label), 0, 0), norm2_of(&s), 1e-12));
}

static const double start[D] = {1, -1};

static void laws(void) {
  const chain plain = {.rate = 0.25, .batch = 2, .amplification = 1};
  chain exact = plain, decoupled = plain, constant = plain, at = plain, svag = plain;
  decoupled.law = DECOUPLED;
  decoupled.offset = 0.5;
  constant.law = at.law = CONSTANT;
  const double given[D][D] = {{1, 0.5}, {0.5, 2}}, place[D] = {2, 1};
  double g[D];
  memcpy(constant.constant, given, sizeof given);
  sample_gradient(&plain, place, g, at.constant);
  svag.rate = 0.125; /* l = 2 */
  svag.amplification = 2;
  svag.momentum = 0.5;
  exact.law = EXACT;
  chain svag_decoupled = svag, svag_constant = svag;
  svag_decoupled.law = DECOUPLED;
  svag_constant.law = CONSTANT;
  memcpy(svag_constant.constant, given, sizeof given);
  eg_labelled *const file = run_study(
      "seed: 401\nmodel: {name: linear-regression, data: four.h5, standardize: false}\nstart: {point: [1, -1]}\n"
      "learning_rate: 0.25\nsteps: 12\ndynamics:\n  - {name: sgd, label: minibatch, batch_size: 2}\n"
      "  - {name: sgd, label: full, batch_size: 2, gradient_noise: gaussian-exact}\n"
      "  - {name: sgd, label: decoupled, batch_size: 2, gradient_noise: {law: gaussian-decoupled, loss_offset: 0.5}}\n"
      "  - {name: noisy-gd, label: constant, batch_size: 2, gradient_noise: {law: constant, covariance: [[1, .5], [.5, 2]]}}\n"
      "  - {name: sgd, label: at, batch_size: 2, gradient_noise: {law: constant, at: [2, 1]}}\n"
      "  - {name: svag, label: svag-exact, l: 2, momentum: 0.5, batch_size: 2, gradient_noise: gaussian-exact}\n"
      "  - {name: svag, label: svag-decoupled, l: 2, momentum: 0.5, batch_size: 2, gradient_noise: gaussian-decoupled}\n"
      "  - {name: svag, label: svag-constant, l: 2, momentum: 0.5, batch_size: 2,\n"
      "     gradient_noise: {law: constant, covariance: [[1, .5], [.5, 2]]}}\n"
      "realisations: 2^17\nobserve: {at: {steps: [12]}, features: [x, norm2]}\n");
  expect_moments(file, "laws", "minibatch", &plain, start, 12);
  expect_moments(file, "laws", "full", &exact, start, 12);
  expect_moments(file, "laws", "decoupled", &decoupled, start, 12);
  expect_moments(file, "laws", "constant", &constant, start, 12);
  expect_moments(file, "laws", "at", &at, start, 12);
  expect_moments(file, "laws", "svag-exact", &svag, start, 24);
  expect_moments(file, "laws", "svag-decoupled", &svag_decoupled, start, 24);
  expect_moments(file, "laws", "svag-constant", &svag_constant, start, 24);
  const moments wrong = after(&decoupled, start, 12), other = after(&exact, start, 12);
  reject(file, "laws", "full", "norm2", 0, norm2_of(&wrong));
  reject(file, "laws", "decoupled", "norm2", 0, norm2_of(&other));
  reject(file, "laws", "at", "norm2", 0, norm2_of(&other));
  eg_labelled_free(file);
}

/* ---- first passage ---- */

static void passages(void) {
  eg_labelled *file = run_study(
      "seed: 402\nmodel: {name: linear-regression-gaussian}\nlearning_rate: 0.1\nsteps: 12000\ndynamics:\n"
      "  - {name: sgd, label: full, batch_size: 1, gradient_noise: gaussian-exact}\n"
      "  - {name: sgd, label: decoupled, batch_size: 1, gradient_noise: gaussian-decoupled}\n"
      "  - {name: sgd, label: constant, batch_size: 1, gradient_noise: {law: constant, at: 0}}\n"
      "realisations: 2^13\nobserve: {at: {steps: [12000]}, features: [x],\n"
      "  monitors: {name: exit, feature: norm2, operation: crossing, level: 0.5, direction: up}}\n");
  expect(file, "passage", "full", "exit_time", 0, 38.5538);
  expect(file, "passage", "decoupled", "exit_time", 0, 57.3171);
  expect(file, "passage", "constant", "exit_time", 0, 107.2899);
  reject(file, "passage", "full", "exit_time", 0, 57.3171);
  reject(file, "passage", "decoupled", "exit_time", 0, 38.5538);
  reject(file, "passage", "decoupled", "exit_time", 0, 107.2899);
  reject(file, "passage", "constant", "exit_time", 0, 76.8); /* true SGD */
  eg_labelled_free(file);
  file = run_study("seed: 403\nmodel: {name: linear-regression-gaussian}\nlearning_rate: 0.8\nsteps: 4000\n"
                   "dynamics: {name: sgd, label: minibatch, batch_size: 8}\n"
                   "realisations: 2^13\nobserve: {at: {steps: [4000]}, features: [x], monitors:\n"
                   "  [{name: near, feature: norm2, operation: crossing, level: 0.5, direction: up},\n"
                   "   {name: far, feature: norm2, operation: crossing, level: 1, direction: up}]}\n");
  expect(file, "passage", "minibatch", "near_time", 0, 0.8 * 39.6454998416);
  expect(file, "passage", "minibatch", "far_time", 0, 0.8 * 248.754325328);
  eg_labelled_free(file);
  /* double well L = L0 + (x^2 - 1)^2 / 4 with noise 2 T L per unit time, from -1: Euler-Maruyama as a chain, T = rate h */
  file = run_study(
      "seed: 404\nmodel: {name: double-well}\nstart: {point: -1}\nsweep: {learning_rate: [0.1]}\nsteps: 3200\ndynamics:\n"
      "  - {name: sgd, label: well, batch_size: 1, gradient_noise: {law: gaussian-decoupled, hessian: 5, loss_offset: 0.5}}\n"
      "  - {name: sgd, label: flat, batch_size: 1, gradient_noise: {law: constant, covariance: 2.5}}\n"
      "realisations: 2^13\nobserve: {at: {steps: [3200]}, features: [x], monitors:\n"
      "  [{name: top, feature: x0, operation: crossing, level: 0, direction: up},\n"
      "   {name: over, feature: x0, operation: crossing, level: 1, direction: up}]}\n");
  expect(file, "double well", "well", "top_time", 0, 13.0332393121);
  expect(file, "double well", "well", "over_time", 0, 24.8976909391);
  reject(file, "double well", "flat", "over_time", 0, 24.8976909391);
  eg_labelled_free(file);
}

/* ---- stationary covariance of the population model: label noise, momentum; input noise as label noise ---- */

static void label_noise(void) {
  eg_labelled *const file = run_study(
      "seed: 405\nmodel: {name: linear-regression-gaussian, input_variance: [1, 1/2, 1/4]}\nlearning_rate: 0.2\nsteps: 240\n"
      "dynamics:\n  - {name: sgd, label: S4, batch_size: 4}\n  - {name: sgd, label: S1, batch_size: 1}\n"
      "  - {name: sgd, label: rule, batch_size: 4, momentum: 0}\n"
      "realisations: 2^16\nobserve: {at: {steps: [240]}, features: [x, loss, norm2], statistics: [moments]}\n");
  add_row(file, "label noise", "S4", "x", 0, 0, "_variance", 465.0 / 15488, false);
  add_row(file, "label noise", "S4", "x", 0, 1, "_variance", 217.0 / 7744, false);
  add_row(file, "label noise", "S4", "x", 0, 2, "_variance", 105.0 / 3872, false);
  expect(file, "label noise", "S4", "loss", 0, 16275.0 / 30976);
  expect(file, "label noise", "rule", "loss", 0, 16275.0 / 30976);
  add_row(file, "label noise", "S1", "x", 0, 0, "_variance", 171.0 / 1085, false);
  expect(file, "label noise", "S1", "loss", 0, 684.0 / 1085);
  reject(file, "label noise", "S4", "loss", 0, 0.5 + 0.2 * 1.75 / 16); /* lambda s2 / 2S: continuous time */
  eg_labelled_free(file);
  eg_labelled *const heavy = run_study(
      "seed: 406\nmodel: {name: linear-regression-gaussian, input_variance: [1, 1/2, 1/4]}\nlearning_rate: 0.6\nsteps: 120\n"
      "dynamics: {name: sgd, label: heavy, batch_size: 8, momentum: 0.5}\n"
      "realisations: 2^16\nobserve: {at: {steps: [120]}, features: [x, loss]}\n");
  add_row(heavy, "label noise", "heavy", "x", 0, 0, "_variance", 10281.0 / 82780, false);
  add_row(heavy, "label noise", "heavy", "x", 0, 2, "_variance", 2001.0 / 20695, false);
  expect(heavy, "label noise", "heavy", "loss", 0, 99383.0 / 165560);
  CHECK(is_near(read_value(heavy, "loss_expected", 0, 0, 0), 99383.0 / 165560, 1e-12));
  eg_labelled_free(heavy);
}

/* ---- noise on the rows of a data set ---- */

static void row_noise(void) {
  const chain both = {.rate = 0.125, .batch = 3, .amplification = 1, .input_noise = 0.5, .label_noise = 0.75};
  chain label = both, input = both, ball = both;
  label.input_noise = 0;
  input.label_noise = 0;
  ball.momentum = 0.5;
  ball.batch = 1;
  eg_labelled *const file = run_study(
      "seed: 407\nmodel: {name: linear-regression, data: four.h5, standardize: false}\nstart: {point: [1, -1]}\n"
      "learning_rate: 0.125\nsteps: 16\ndynamics:\n"
      "  - {name: sgd, label: both, batch_size: 3, input_noise: 0.5, label_noise: 0.75}\n"
      "  - {name: sgd, label: label, batch_size: 3, label_noise: 0.75}\n"
      "  - {name: sgd, label: input, batch_size: 3, input_noise: 0.5}\n"
      "  - {name: sgd, label: ball, batch_size: 1, momentum: 0.5, input_noise: 0.5, label_noise: 0.75}\n"
      "realisations: 2^17\nobserve: {at: {steps: [16]}, features: [x, norm2]}\n");
  expect_moments(file, "row noise", "both", &both, start, 16);
  expect_moments(file, "row noise", "label", &label, start, 16);
  expect_moments(file, "row noise", "input", &input, start, 16);
  expect_moments(file, "row noise", "ball", &ball, start, 16);
  const moments without = after(&label, start, 16);
  reject(file, "row noise", "both", "x", 1, without.m[1]); /* input noise is a ridge in the mean */
  reject(file, "row noise", "input", "norm2", 0, norm2_of(&without));
  eg_labelled_free(file);
}

/* ---- batches that grow and shrink ---- */

static double batch_at(int k, bool is_cosine) {
  if (!is_cosine) {
    return 2 * pow(2, k / 5); /* doubled every 5 steps */
  }
  const double part = k < 10 ? 3.0 + (1.0 - 3.0) * (1 + cos(3.14159265358979323846 * k / 10)) / 2 : 3.0;
  return floor(2 * part + 0.5); /* from 2 to 6 */
}

static moments scheduled(bool is_cosine, double momentum) {
  chain c = {.rate = 0.25, .amplification = 1, .momentum = momentum};
  moments s = after(&c, start, 0);
  for (int k = 0; k < 16; k++) {
    c.batch = batch_at(k, is_cosine);
    advance(&c, &s);
  }
  return s;
}

static void batches(void) {
  eg_labelled *const file = run_study(
      "seed: 408\nmodel: {name: linear-regression, data: four.h5, standardize: false}\nstart: {point: [1, -1]}\n"
      "learning_rate: 0.25\nsteps: 16\ndynamics:\n"
      "  - {name: sgd, label: double, batch_size: 2, batch_schedule: {kind: step, period: 5, gamma: 2}}\n"
      "  - {name: sgd, label: cosine, batch_size: 2, momentum: 0.5, batch_schedule: {kind: cosine, period: 10, last: 3}}\n"
      "  - {name: sgd, label: data, batch_size: 2, gradient_noise: gaussian-exact,\n"
      "     batch_schedule: {kind: step, period: 5, gamma: 2}}\n"
      "  - {name: sgd, label: constant, batch_size: 2, momentum: 0}\n"
      "realisations: 2^17\nobserve: {at: {steps: [16]}, features: [x, norm2]}\n");
  const moments twice = scheduled(false, 0), wave = scheduled(true, 0.5);
  expect(file, "batches", "double", "norm2", 0, norm2_of(&twice));
  expect(file, "batches", "double", "x", 1, twice.m[1]);
  expect(file, "batches", "data", "norm2", 0, norm2_of(&twice));
  expect(file, "batches", "cosine", "norm2", 0, norm2_of(&wave));
  reject(file, "batches", "constant", "norm2", 0, norm2_of(&twice));
  CHECK(isnan(read_value(file, "norm2_expected", run_index(file, "double"), 0, 0))); /* no constant map */
  eg_labelled_free(file);
}

int main(void) {
  char path[64];
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  (void)snprintf(path, sizeof path, "%s/four.h5", folder);
  if (!write_rows(path, ROWS, D, &inputs[0][0], target)) {
    stop_with("data file");
  }
  laws();
  passages();
  label_noise();
  row_noise();
  batches();
  judge(50, 10);
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
