/*
 * Feature noise_trace, the trace of the covariance of one sample's gradient: at every kept state against the definition in long double,
 * for data rows (least squares, logistic, coefficients; in team form, classes too), model deviations and a model covariance; its stationary mean, noise and noise to
 * signal of SGD in closed form, from many trajectories and as time averages of single ones. Negative controls.
 */
#include "physics/judge.h"

typedef long double real;

enum { ROWS = 4, DIM = 2, CLASSES = 3, MOST = 6 };
static const double data[ROWS][DIM + 1] = {{1, 0.5, -0.25}, {-0.5, 2, 1}, {0.25, -1, 0.5}, {1.5, 1, 2}};
static const double labels[ROWS] = {1, 0, 0, 1};

static const void *array(const eg_labelled *file, const char *group, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, group, name);
  if (v == NULL) {
    stop_with(name);
    return NULL;
  }
  return v->data;
}

/* Mean squared distance of the gradients from their mean. */
static real trace_of(size_t n, size_t dim, const real g[][MOST]) {
  real sum = 0;
  for (size_t k = 0; k < dim; k++) {
    real mean = 0;
    for (size_t j = 0; j < n; j++) {
      mean += g[j][k] / (real)n;
    }
    for (size_t j = 0; j < n; j++) {
      sum += (g[j][k] - mean) * (g[j][k] - mean) / (real)n;
    }
  }
  return sum;
}

static real least_squares(const double *x) {
  real g[ROWS][MOST];
  for (size_t j = 0; j < ROWS; j++) {
    const real residual = (real)data[j][0] * x[0] + (real)data[j][1] * x[1] - data[j][2];
    g[j][0] = residual * data[j][0];
    g[j][1] = residual * data[j][1];
  }
  return trace_of(ROWS, DIM, g);
}

static real logistic(const double *x) {
  real g[ROWS][MOST];
  for (size_t j = 0; j < ROWS; j++) {
    const real slope = 1 / (1 + expl(-((real)data[j][0] * x[0] + (real)data[j][1] * x[1]))) - labels[j];
    g[j][0] = slope * data[j][0];
    g[j][1] = slope * data[j][1];
  }
  return trace_of(ROWS, DIM, g);
}

static real classes(const double *x) { /* of input k and class c: x at k CLASSES + c */
  static const int labels_of[ROWS] = {1, 2, 0, 1};
  real g[ROWS][MOST];
  for (size_t j = 0; j < ROWS; j++) {
    real weight[CLASSES], sum = 0;
    for (int c = 0; c < CLASSES; c++) {
      weight[c] = expl((real)data[j][0] * x[c] + (real)data[j][1] * x[CLASSES + c]);
      sum += weight[c];
    }
    for (int i = 0; i < MOST; i++) {
      const int c = i % CLASSES;
      g[j][i] = (weight[c] / sum - (c == labels_of[j])) * data[j][i / CLASSES];
    }
  }
  return trace_of(ROWS, MOST, g);
}

static real coefficients(const double *x) { /* gradients a x - b */
  static const double rows[3][2] = {{1, 0.5}, {2, -1}, {0.25, 0}};
  real g[3][MOST] = {{0}};
  for (size_t j = 0; j < 3; j++) {
    g[j][0] = (real)rows[j][0] * x[0] - rows[j][1];
  }
  return trace_of(3, 1, g);
}

static real deviations(const double *x) { /* noise^2 + (multiplicative (x - centre))^2 */
  const real m = 0.5L * (x[0] - 0.25L);
  return 0.25L + 0.0625L + m * m;
}

/* Gaussian inputs of variances 1 and 1/4, residual noise 1/2, optimum (1, -1): tr of (|u|^2 + s^2) A + A w w^T A. */
static real gaussian(const double *x) {
  static const real variance[2] = {1, 0.25L};
  real square = 0.25L, sum = 0;
  for (int k = 0; k < 2; k++) {
    const real w = x[k] - (k == 0 ? 1.0L : -1.0L);
    square += variance[k] * w * w;
    sum += variance[k] * w * variance[k] * w;
  }
  return square * 1.25L + sum;
}

static void definition(const char *model, const char *form, real (*want)(const double *x)) {
  char text[1000];
  size_t n = 0;
  double largest = 0;
  (void)snprintf(text, sizeof text,
                 "seed: 12\nmodel: {%s}\nstart: {normal: {mean: 0.5, std: 1}}\nlearning_rate: 1/16\nsteps: 64\n"
                 "dynamics: {name: sgd, batch_size: 2}\nrealisations: 200\n"
                 "observe: {at: {steps: [1, 8, 64]}, features: [x, noise_trace, gradient_norm2], keep: {realisations: 200}}\nform: %s\n",
                 model, form);
  eg_labelled *const file = run_with(folder, text, true);
  const eg_variable *const x = eg_labelled_find(file, "/", "x_path"), *const trace = eg_labelled_find(file, "/", "noise_trace_path");
  const size_t dim = eg_variable_size(x) / eg_variable_size(trace);
  for (size_t i = 0; i < eg_variable_size(trace); i++, n++) {
    const real expected = want((const double *)x->data + i * dim);
    largest = fmax(largest, (double)fabsl(((const double *)trace->data)[i] / expected - 1));
  }
  printf("%.30s.., form %s: %zu states, largest relative error %.1e\n", model, form, n, largest);
  CHECK(n == 600 && largest < 1e-13);
  eg_labelled_free(file);
}

/* SGD on fresh Gaussian samples in one dimension (test_scaling_rule.c): m = E w^2 = 1 / (2 B / rate - B - 2), tr Sigma = 2 w^2 + 1. */
static void stationary(void) {
  static const char model[] = "model: {name: linear-regression-gaussian, input_variance: 1, optimum: 0, label_noise: 1}\n";
  const double rate = 0.5, B = 4, m = 1 / (2 * B / rate - B - 2), N = (2 * m + 1) / B;
  char text[1200];
  (void)snprintf(text, sizeof text,
                 "seed: 81\n%slearning_rate: 1/2\nsteps: 80\ndynamics: {name: sgd, batch_size: 4}\nrealisations: 100000\n"
                 "observe: {at: {steps: [60, 70, 80]}, features: [x, norm2, gradient_norm2, noise_trace]}\n"
                 "analyse: {scaling-rule: {from: 0}}\n",
                 model);
  eg_labelled *file = run_study(text);
  expect(file, "gaussian", "sgd", "noise_trace", 0, B * N);
  reject(file, "gaussian", "sgd", "noise_trace", 0, 1); /* at the optimum */
  const double *const n = array(file, "/analysis", "scaling_N"), *const n_error = array(file, "/analysis", "scaling_N_stderr");
  const double *const nu = array(file, "/analysis", "scaling_nu"), *const nu_error = array(file, "/analysis", "scaling_nu_stderr");
  compare(false, "N", n[0], n_error[0], N, 100000);
  compare(false, "nu", nu[0], nu_error[0], N / m, 100000);
  compare(true, "nu", nu[0], nu_error[0], B * N / m, 100000); /* of one sample */
  eg_labelled_free(file);
  /* 4 trajectories of 4e5 steps: their blocks give the error */
  (void)snprintf(text, sizeof text,
                 "seed: 82\n%slearning_rate: 1/2\nsteps: 400000\ndynamics: {name: sgd, batch_size: 4}\nrealisations: 4\n"
                 "observe:\n  at: {steps: {linear: 1}}\n  features: [x]\n  paths:\n"
                 "    - {statistic: time-average, name: trace, feature: noise_trace, from: 32}\n"
                 "    - {statistic: time-average, name: signal, feature: gradient_norm2, from: 32}\n"
                 "    - {statistic: time-average, name: noise_to_signal, feature: noise_trace, with: gradient_norm2, combine: ratio, from: 32}\n",
                 model);
  file = run_study(text);
  for (int k = 0; k < 3; k++) {
    const char *const name = k == 0 ? "path_trace" : k == 1 ? "path_signal" : "path_noise_to_signal";
    const double truth[] = {B * N, m, B * N / m}, wrong[] = {N, m + N, N / m};
    char error[40], freedom[40];
    (void)snprintf(error, sizeof error, "%s_stderr", name);
    (void)snprintf(freedom, sizeof freedom, "%s_freedom", name);
    const double value = *(const double *)array(file, "/", name), deviation = *(const double *)array(file, "/", error);
    compare(false, name, value, deviation, truth[k], 1000 + *(const double *)array(file, "/", freedom));
    compare(true, name, value, deviation, wrong[k], 1000 + *(const double *)array(file, "/", freedom));
  }
  eg_labelled_free(file);
}

/* Batches without replacement have less noise: (n - B) / (n - 1) of that of drawn ones, to which single steps add up. */
static void without_replacement(void) {
  eg_labelled *const file = run_study(
      "seed: 83\nmodel: {name: linear-regression, rows: [[1, 0.5, -0.25], [-0.5, 2, 1], [0.25, -1, 0.5], [1.5, 1, 2]], standardize: false}\n"
      "learning_rate: 1/8\nsteps: 1\ndynamics: [{name: sgd, batch_size: 2}, {name: sgd, batch_size: 2, sampling: without-replacement, label: "
      "subset}]\nrealisations: 1000\nobserve: {at: {steps: [0, 1]}, features: [x, norm2, gradient_norm2, noise_trace]}\n"
      "analyse: {scaling-rule: {from: 0.125}}\n");
  const double *const trace = array(file, "/", "noise_trace"), *const N = array(file, "/analysis", "scaling_N");
  CHECK_NEAR(N[0], trace[1] / 2, 1e-12);
  CHECK_NEAR(N[1], trace[3] / 2 * 2 / 3, 1e-12);
  CHECK_NEAR(trace[0], (double)least_squares((const double[]){0, 0}), 1e-13);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("temporary folder");
  }
  static const char rows[] = "rows: [[1, 0.5, -0.25], [-0.5, 2, 1], [0.25, -1, 0.5], [1.5, 1, 2]], standardize: false";
  char model[300];
  (void)snprintf(model, sizeof model, "name: linear-regression, ridge: 0.1, %s", rows);
  static const char logistic_model[] =
      "name: logistic-regression, ridge: 0.1, rows: [[1, 0.5, 1], [-0.5, 2, 0], [0.25, -1, 0], [1.5, 1, 1]], standardize: false";
  static const char class_model[] =
      "name: softmax-regression, ridge: 0.1, rows: [[1, 0.5, 1], [-0.5, 2, 2], [0.25, -1, 0], [1.5, 1, 1]], standardize: false";
  for (int i = 0; i < 2; i++) {
    const char *const form = i == 0 ? "lane" : "team";
    definition(model, form, least_squares);
    definition(logistic_model, form, logistic);
    definition(class_model, form, classes);
  }
  definition("name: sample-quadratic, rows: [[1, 0.5], [2, -1], [0.25, 0]]", "lane", coefficients);
  definition("name: quadratic, curvature: [1, 0.5], centre: [0.25, -1], noise: [0.5, 0.25], multiplicative: [0.5, 0]", "lane", deviations);
  definition("name: linear-regression-gaussian, input_variance: [1, 0.25], optimum: [1, -1], label_noise: 0.5", "lane", gaussian);
  stationary();
  without_replacement();
  (void)judge_rows(5, 4);
  (void)rmdir(folder);
  return check_report();
}
