/*
 * Models whose rows are coefficients of the loss, against tables computed elsewhere (30-digit recursions, Fourier modes,
 * enumerations): oracles A and C of svag-and-sde-validity.md 1.5, M1, M2 (correlated noise), M3 and M6 of
 * stochastic-modified-flows.md 2. What is not a feature (x^3, cos x, products of two points) is taken from kept paths. Tables
 * are recomputed here where a few lines do it: A by its moment recursion, C by all 4^10 sequences, M1 and M3 by closed forms.
 */
#include "physics/judge.h"

static const double a_rows[4] = {0, 1, 1, 2}, b_rows[4] = {2, -1, -1, 0};

static bool is_near(double value, double expected, double tolerance) {
  const bool is_good = fabs(value - expected) <= tolerance;
  if (!is_good) {
    fprintf(stderr, "%.16g, expected %.16g\n", value, expected);
  }
  return is_good;
}

/* ---- functions of kept paths at the last time ---- */

typedef double (*test_function)(double x, double y);
static double cube(double x, double y) { return x * x * x + 0 * y; }
static double fourth(double x, double y) { return x * x * x * x + 0 * y; }
static double cos_x(double x, double y) { return cos(x) + 0 * y; }
static double cos_y(double x, double y) { return cos(y) + 0 * x; }
static double sin_x(double x, double y) { return sin(x) + 0 * y; }
static double cos_2x(double x, double y) { return cos(2 * x) + 0 * y; }
static double product(double x, double y) { return x * y; }
static double cos_difference(double x, double y) { return cos(x - y); }

/* Kept x of realisation i at a point. */
static double kept(const eg_variable *v, size_t run, size_t point, size_t i) {
  size_t at = 0;
  for (int k = 0; k < v->rank; k++) {
    const char *const dim = v->dims[k];
    const size_t index = strcmp(dim, "run") == 0                ? run
                         : strcmp(dim, "point") == 0            ? point
                         : strncmp(dim, "time", 4) == 0         ? v->shape[k] - 1
                         : strcmp(dim, "component") == 0        ? 0
                         : v->shape[k] == 1                     ? 0
                                                                : i;
    at = at * v->shape[k] + index;
  }
  return ((const double *)v->data)[at];
}

/* Mean of f over the first n realisations, judged against `expected`. */
static void path_mean(const eg_labelled *file, const char *label, const char *name, test_function f, size_t n,
                      bool has_second, double expected, bool is_control) {
  const eg_variable *const v = eg_labelled_find(file, "/", "x_path");
  const size_t run = run_index(file, label);
  double sum = 0, square = 0, quartic = 0;
  char what[100];
  if (v == NULL) {
    stop_with("no kept paths");
    return;
  }
  for (size_t i = 0; i < n; i++) {
    sum += f(kept(v, run, 0, i), has_second ? kept(v, run, 1, i) : 0) / (double)n;
  }
  for (size_t i = 0; i < n; i++) {
    const double d = f(kept(v, run, 0, i), has_second ? kept(v, run, 1, i) : 0) - sum;
    square += d * d / (double)n;
    quartic += d * d * d * d / (double)n;
  }
  const double kurtosis = quartic / (square * square);
  (void)snprintf(what, sizeof what, "%s %s", label, name);
  compare(is_control, what, sum, sqrt(square / (double)n), expected, (double)n / fmax(1.0, (kurtosis - 1.0) / 2.0));
}

/* ---- oracle A: g = a x - b, skewed; ten steps of 1/10 from 1 ---- */

static const struct {
  int l;
  double m[4];
} oracle_a[] = {
    {1, {0.3486784401000000, 0.2257011730406479, 0.1782321393647577, 0.1717117690731396}},
    {2, {0.3584859224085422, 0.2287873853204735, 0.1749041346540064, 0.1622435960552195}},
    {4, {0.3632324398878807, 0.2303796852950611, 0.1723179710591955, 0.1554250567614390}},
    {8, {0.3655681440471170, 0.2311868552627834, 0.1708202697835663, 0.1515222559166339}},
    {16, {0.3667268147185992, 0.2315930471603673, 0.1700232492233422, 0.1494512217145058}},
    {64, {0.3675918480985568, 0.2318987982197158, 0.1694050803031530, 0.1478465131521403}},
};

static void moments_of_a(int l, double m[5]) {
  static const double binomial[5][5] = {{1}, {1, 1}, {1, 2, 1}, {1, 3, 3, 1}, {1, 4, 6, 4, 1}};
  const double s = sqrt(2.0 * l - 1), plus = (1 + s) / 2, minus = (1 - s) / 2, h = 0.1 / l;
  for (int p = 0; p < 5; p++) {
    m[p] = 1;
  }
  for (int step = 0; step < 10 * l; step++) {
    double next[5] = {0};
    for (int pair = 0; pair < 16; pair++) {
      const double alpha = 1 - h * (plus * a_rows[pair / 4] + minus * a_rows[pair % 4]);
      const double beta = h * (plus * b_rows[pair / 4] + minus * b_rows[pair % 4]);
      for (int p = 0; p < 5; p++) {
        for (int j = 0; j <= p; j++) {
          next[p] += binomial[p][j] * pow(alpha, j) * pow(beta, p - j) * m[j] / 16;
        }
      }
    }
    memcpy(m, next, sizeof next);
  }
}

static void affine_skewed(void) {
  double m[5];
  for (size_t i = 0; i < sizeof oracle_a / sizeof oracle_a[0]; i++) {
    moments_of_a(oracle_a[i].l, m);
    for (int p = 1; p < 5; p++) {
      CHECK(is_near(m[p], oracle_a[i].m[p - 1], 1e-12));
    }
  }
  eg_labelled *const file = run_study(
      "seed: 501\nmodel: {name: sample-quadratic, rows: [[0, 2], [1, -1], [1, -1], [2, 0]]}\nstart: {point: 1}\n"
      "learning_rate: 0.1\nsteps: 10\ndynamics:\n  - {name: sgd, label: l1, batch_size: 1}\n"
      "  - {name: svag, label: l4, l: 4, batch_size: 1}\n  - {name: svag, label: l16, l: 16, batch_size: 1}\n"
      "realisations: 2^18\nobserve: {at: {steps: [10]}, features: [x, norm2], keep: {realisations: 262144, of: x}}\n");
  static const char *const labels[] = {"l1", "l4", "l16"};
  static const int row_of[] = {0, 2, 4};
  for (int i = 0; i < 3; i++) {
    const double *const want = oracle_a[row_of[i]].m;
    const size_t run = run_index(file, labels[i]);
    expect(file, "oracle A", labels[i], "x", 0, want[0]);
    expect(file, "oracle A", labels[i], "norm2", 0, want[1]);
    path_mean(file, labels[i], "A x^3", cube, 262144, false, want[2], false);
    path_mean(file, labels[i], "A x^4", fourth, 262144, false, want[3], false);
    CHECK(is_near(read_value(file, "x_expected", run, 0, 0), want[0], 1e-12));
    CHECK(is_near(read_value(file, "norm2_expected", run, 0, 0), want[1], 1e-12));
  }
  path_mean(file, "l1", "A x^3 of Gaussian noise", cube, 262144, false, 0.1649511477778396, true);
  path_mean(file, "l1", "A x^4 of the SDE", fourth, 262144, false, 0.1473019069576512, true);
  reject(file, "oracle A", "l1", "norm2", 0, oracle_a[2].m[1]);
  eg_labelled_free(file);
}

/* ---- oracle C: g = a sin x - b ---- */

static void brute_force_c(int step, double x, double weight, double sum[3]) {
  if (step == 10) {
    sum[0] += weight * cos(x);
    sum[1] += weight * sin(x);
    sum[2] += weight * cos(2 * x);
    return;
  }
  for (int j = 0; j < 4; j++) {
    brute_force_c(step + 1, x - 0.1 * (a_rows[j] * sin(x) - b_rows[j]), weight / 4, sum);
  }
}

static void sine(void) {
  double sum[3] = {0};
  brute_force_c(0, 1, 1, sum);
  CHECK(is_near(sum[0], 0.868964396786797, 1e-12) && is_near(sum[1], 0.360176566318702, 1e-12));
  CHECK(is_near(sum[2], 0.577218325497315, 1e-12));
  eg_labelled *const file = run_study(
      "seed: 502\nmodel: {name: sample-sine, rows: [[0, 2], [1, -1], [1, -1], [2, 0]]}\nstart: {point: 1}\n"
      "learning_rate: 0.1\nsteps: 10\ndynamics:\n  - {name: sgd, label: l1, batch_size: 1}\n"
      "  - {name: svag, label: l4, l: 4, batch_size: 1}\n  - {name: sme1, label: sde, substeps: 16}\n"
      "realisations: 2^18\nobserve: {at: {steps: [10]}, features: [x, loss], keep: {realisations: 262144, of: x}}\n");
  static const struct {
    const char *label;
    double cos_x, sin_x, cos_2x;
  } table[] = {{"l1", 0.868964396786797, 0.360176566318702, 0.577218325497315},
               {"l4", 0.867754558221668, 0.372253242492469, 0.564287281843964},
               {"sde", 0.867457850942563, 0.376343429517164, 0.558725235648890}};
  for (size_t i = 0; i < 3; i++) {
    path_mean(file, table[i].label, "C cos x", cos_x, 262144, false, table[i].cos_x, false);
    path_mean(file, table[i].label, "C sin x", sin_x, 262144, false, table[i].sin_x, false);
    path_mean(file, table[i].label, "C cos 2x", cos_2x, 262144, false, table[i].cos_2x, false);
    expect(file, "oracle C", table[i].label, "loss", 0, 1 - table[i].cos_x); /* mean a 1, mean b 0 */
  }
  path_mean(file, "l1", "C sin x of the SDE", sin_x, 262144, false, 0.376343429517164, true);
  path_mean(file, "l4", "C cos 2x of SGD", cos_2x, 262144, false, 0.577218325497315, true);
  eg_labelled_free(file);
}

/* ---- M1: g = (1 +- 1/2) x, two points ---- */

static void sign_flip(void) {
  const double eta = 1.0 / 8, up = pow(1 - eta * 1.5, 2), down = pow(1 - eta * 0.5, 2);
  CHECK(is_near(pow((up + down) / 2, 8), 0.122973090258351, 1e-14));
  eg_labelled *const file = run_study(
      "seed: 503\nmodel: {name: sample-quadratic, rows: [[1.5, 0], [0.5, 0]]}\nstart: {points: [[1], [-1]]}\n"
      "learning_rate: 1/8\nhorizon: 1\ndynamics:\n  - {name: sgd, batch_size: 1}\n"
      "  - {name: smf2, label: flow, factor: data, substeps: 4}\n  - {name: sme2, factor: symmetric-root, substeps: 4}\n"
      "realisations: 2^17\nobserve: {at: [1], features: [x, norm2], keep: {realisations: 131072, of: x}}\n");
  const size_t flow = run_index(file, "flow");
  CHECK(is_near(read_value(file, "norm2_exact", run_index(file, "sgd"), 0, 0), 0.122973090258351, 1e-13));
  CHECK(is_near(read_value(file, "norm2_exact", flow, 0, 0), 0.123224177647237, 1e-13));
  expect(file, "M1", "sgd", "x", 0, 0.343608915805817);
  expect(file, "M1", "sgd", "norm2", 0, 0.122973090258351);
  expect(file, "M1", "flow", "norm2", 0, 0.123224177647237);
  path_mean(file, "sgd", "M1 x^4", fourth, 131072, true, 0.0177463006272476, false);
  path_mean(file, "flow", "M1 x^4", fourth, 131072, true, 0.0172059504258514, false);
  path_mean(file, "sgd", "M1 x y", product, 131072, true, -0.122973090258351, false);
  path_mean(file, "flow", "M1 x y", product, 131072, true, -0.123224177647237, false);
  path_mean(file, "sme2", "M1 x y", product, 131072, true, -0.115758402136263, false);
  path_mean(file, "sme2", "M1 x y of the flow", product, 131072, true, -0.123224177647237, true);
  eg_labelled_free(file);
}

/* ---- M2 with correlated noise: K = 1/8 by rows of weights 3, 1, 1, 3 ---- */

static void correlated(void) {
  eg_labelled *const file = run_study(
      "seed: 504\nmodel: {name: sample-quadratic, rows: [[1.5, .5], [1.5, .5], [1.5, .5], [1.5, -.5], [.5, .5], [.5, -.5], [.5, -.5], "
      "[.5, -.5]]}\nstart: {points: [[1], [1/2]]}\nlearning_rate: 1/8\nhorizon: 1\ndynamics:\n  - {name: sgd, batch_size: 1}\n"
      "  - {name: smf1, factor: data, substeps: 4}\n  - {name: smf2, factor: pair, substeps: 4}\n"
      "realisations: 2^17\nobserve: {at: [1], features: [x, norm2], keep: {realisations: 131072, of: x}}\n");
  CHECK(is_near(read_value(file, "norm2_exact", run_index(file, "sgd"), 0, 0), 0.129666255892829, 1e-13));
  CHECK(is_near(read_value(file, "norm2_exact", run_index(file, "smf1"), 0, 0), 0.145925088824770, 1e-13));
  CHECK(is_near(read_value(file, "norm2_exact", run_index(file, "smf2"), 0, 0), 0.129572002892533, 1e-13));
  expect(file, "M2", "sgd", "norm2", 0, 0.129666255892829);
  path_mean(file, "sgd", "M2 x y", product, 131072, true, 0.0702226350742786, false);
  path_mean(file, "smf1", "M2 x y", product, 131072, true, 0.0779501566106033, false);
  path_mean(file, "smf2", "M2 x y", product, 131072, true, 0.0696445093335337, false);
  path_mean(file, "smf1", "M2 x y of sgd", product, 131072, true, 0.0702226350742786, true);
  eg_labelled_free(file);
}

/* ---- M3: noise on the circle; 32 equispaced phases are all of them to rounding ---- */

static void circle(void) {
  char text[8192];
  int length = snprintf(text, sizeof text, "seed: 505\nmodel:\n  name: sample-sine\n  wave: 1\n  rows:\n");
  for (int j = 0; j < 32; j++) { /* sqrt(2) cos(x - phi) = a sin x - b cos x */
    const double phi = 2 * 3.14159265358979323846 * j / 32;
    length += snprintf(text + length, sizeof text - (size_t)length, "    - [%.17g, %.17g]\n", sqrt(2.0) * sin(phi),
                       -sqrt(2.0) * cos(phi));
  }
  (void)snprintf(text + length, sizeof text - (size_t)length,
                 "start: {points: [[2.0943951023931953], [0]]}\nlearning_rate: 1/8\nhorizon: 1\ndynamics:\n"
                 "  - {name: sgd, batch_size: 1}\n"
                 "  - {name: smf2, label: pair, factor: pair, scheme: euler-maruyama, substeps: 16}\n"
                 "  - {name: sme2, factor: symmetric-root, scheme: euler-maruyama}\n"
                 "realisations: 2^17\nobserve: {at: [1], features: [x, displacement2], keep: {realisations: 131072, of: x}}\n");
  eg_labelled *const file = run_study(text);
  expect(file, "M3", "sgd", "displacement2", 0, 0.125);
  expect(file, "M3", "pair", "displacement2", 0, 0.125);
  expect(file, "M3", "sme2", "displacement2", 0, 0.125);
  path_mean(file, "sgd", "M3 cos y", cos_y, 131072, true, 0.939297995629009, false);
  path_mean(file, "pair", "M3 cos y", cos_y, 131072, true, 0.939413062813476, false);
  path_mean(file, "sgd", "M3 cos D", cos_difference, 131072, true, -0.40493125866420, false);
  path_mean(file, "pair", "M3 cos D", cos_difference, 131072, true, -0.40464528963741, false);
  path_mean(file, "pair", "M3 cos D frozen", cos_difference, 131072, true, -0.5, true);
  const eg_variable *const v = eg_labelled_find(file, "/", "x_path");
  const size_t frozen = run_index(file, "sme2");
  bool is_frozen = v != NULL; /* one noise for all points: separations never change */
  for (size_t i = 0; is_frozen && i < 1000; i++) {
    is_frozen = fabs(kept(v, frozen, 0, i) - kept(v, frozen, 1, i) - 2.0943951023931953) < 1e-12;
  }
  CHECK(is_frozen);
  eg_labelled_free(file);
}

/* ---- M6: g = sin x +- cos x, two points ---- */

static void bounded(const char *start, bool is_two_point) {
  char text[1024];
  (void)snprintf(text, sizeof text,
                 "seed: 506\nmodel: {name: sample-sine, wave: 1, rows: [[1, 1], [1, -1]]}\nstart: {points: [%s]}\n"
                 "learning_rate: 1/8\nhorizon: 1\ndynamics:\n  - {name: sgd, batch_size: 1}\n"
                 "  - {name: smf2, label: data, factor: data, substeps: 4}\n"
                 "  - {name: %s, factor: %s, label: other, substeps: 4}\n"
                 "  - {name: smf2, label: joint, factor: joint-cholesky, substeps: 4}\n"
                 "realisations: 120000\nobserve: {at: [1], features: [x, loss], keep: {realisations: 120000, of: x}}\n",
                 start, is_two_point ? "sme2" : "smf1", is_two_point ? "symmetric-root" : "pair");
  eg_labelled *const file = run_study(text);
  if (is_two_point) {
    path_mean(file, "sgd", "M6 cos(x - y)", cos_difference, 120000, true, 0.442788171533, false);
    path_mean(file, "data", "M6 cos(x - y)", cos_difference, 120000, true, 0.447709109938, false);
    path_mean(file, "joint", "M6 cos(x - y)", cos_difference, 120000, true, 0.447709109938, false);
    path_mean(file, "other", "M6 cos(x - y) of the flow", cos_difference, 120000, true, 0.447709109938, true);
  } else {
    path_mean(file, "sgd", "M6 cos x", cos_x, 120000, true, 0.908618219646, false);
    path_mean(file, "sgd", "M6 sin x", sin_x, 120000, true, 0.364266806834, false);
    path_mean(file, "data", "M6 cos x", cos_x, 120000, true, 0.909157963728, false);
    path_mean(file, "data", "M6 sin x", sin_x, 120000, true, 0.366421999639, false);
    path_mean(file, "joint", "M6 sin x", sin_x, 120000, true, 0.366421999639, false);
    path_mean(file, "other", "M6 cos x", cos_x, 120000, true, 0.902295022303, false);
    path_mean(file, "other", "M6 cos x of order 2", cos_x, 120000, true, 0.909157963728, true);
    expect(file, "M6", "sgd", "loss", 0, 1 - 0.908618219646);
  }
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  affine_skewed();
  sine();
  sign_flip();
  correlated();
  circle();
  bounded("[1], [1]", false);
  bounded("[0.5], [2.2]", true);
  judge(47, 9);
  (void)rmdir(folder);
  return check_report();
}
