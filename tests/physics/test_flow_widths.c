/*
 * Table M8 of stochastic-modified-flows.md in the width, neurons c, w = +-1 with equal chances, and populations of 1e5 neurons
 * of which no two are the same. With k of M neurons of one kind A = 4 k / M, B = 4 - A, and M neurons at the one point of those
 * two sums have the same output f; so each k is a run of its own, weighted by the binomial. M = 8 by all 2^8 outcomes of the shipped SGD to
 * 1e-11; M = 16 by the shipped SGD and DDSMF in standard errors; M = 8, 16, 20 by a tree written here. 1e5 neurons, normal
 * starts: sums by Gauss's rule over A and B. Controls: the other columns, neurons that are all the same.
 */
#include "judge.h"
#include "oracle_row.h"
#include "outcomes.h"
#include "quadrature.h"
#include "write_rows.h"

static double output_of(const double *x) { /* all neurons at x: f = c w */
  return x[0] * x[1];
}

static double binomial(int n, int k) {
  return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2));
}

/* Sums of f and f^2, and of (A P^2 + B Q^2) / 2 = E norm2 of a neuron, over all label sequences. */
static void tree(double A, double B, double eta, int steps, double weight, double *sum) {
  const double f = (A - B) / 4;
  if (steps == 0) {
    sum[0] += weight * f;
    sum[1] += weight * f * f;
    sum[2] += weight * (A + B) / 2;
    return;
  }
  for (int label = 0; label < 2; label++) {
    const double r = (label == 0 ? 0.5 : 1.5) - f, P = 1 + eta * r, Q = 1 - eta * r;
    tree(A * P * P, B * Q * Q, eta, steps - 1, weight / 2, sum);
  }
}

static const struct {
  int M;
  double mean, variance; /* E f, M Var f */
} table[] = {{8, 0.904682131058, 0.440585713576}, {16, 0.908708153931, 0.388447500117}, {20, 0.908641905301, 0.382339232937}};

static void by_tree(void) {
  char row[32];
  for (size_t i = 0; i < 3; i++) {
    const int M = table[i].M;
    double sum[3] = {0};
    for (int k = 0; k <= M; k++) {
      tree(4.0 * k / M, 4 - 4.0 * k / M, 1.0 / M, M, binomial(M, k), sum);
    }
    (void)snprintf(row, sizeof row, "M %d", M);
    oracle_row("M8 width", row, "E f SGD, tree", sum[0], table[i].mean, 1e-12);
    oracle_row("M8 width", row, "M Var f SGD, tree", M * (sum[1] - sum[0] * sum[0]), table[i].variance, 1e-11);
  }
}

/* The point where all neurons have the sums A and B. */
static void start_of(int k, int M, double *x) {
  const double u = sqrt(4.0 * k / M), v = sqrt(4 - 4.0 * k / M);
  x[0] = (u + v) / 2;
  x[1] = (u - v) / 2;
}

/* M = 8: all 2^8 outcomes of eight steps, equally likely. */
static void by_outcomes(void) {
  enum { M = 8 };
  double sum[2] = {0}, start[2];
  for (int k = 0; k <= M; k++) {
    char text[500];
    start_of(k, M, start);
    (void)snprintf(text, sizeof text,
                   "seed: 21\nmodel: {name: mean-field-bilinear, particles: %d}\nstart: {point: [%.17g, %.17g]}\n"
                   "learning_rate: 1/8\nsteps: 8\nnoise: two-point\ndynamics: {name: sgd, batch_size: 1}\nrealisations: 8192\n"
                   "observe: {at: {steps: [8]}, features: [x], keep: {realisations: 8192, of: x}}\n",
                   M, start[0], start[1]);
    eg_labelled *const file = run_study(text);
    const eg_variable *const v = eg_labelled_find(file, "/", "x_path");
    const double *order[8192];
    size_t n = 0;
    if (v == NULL || eg_variable_size(v) != 2 * 8192) {
      stop_with("kept paths of another shape");
      return;
    }
    for (size_t i = 0; i < 8192; i++) {
      order[i] = (const double *)v->data + 2 * i;
    }
    outcome_width = 2;
    qsort(order, 8192, sizeof *order, compare_outcomes);
    for (size_t i = 0; i < 8192; i++) {
      if (i == 0 || compare_outcomes(&order[i - 1], &order[i]) != 0) {
        const double f = output_of(order[i]);
        sum[0] += binomial(M, k) * f / 256;
        sum[1] += binomial(M, k) * f * f / 256;
        n++;
      }
    }
    CHECK(n == 256);
    eg_labelled_free(file);
  }
  oracle_row("M8 width", "M 8", "E f SGD, shipped", sum[0], table[0].mean, 1e-11);
  oracle_row("M8 width", "M 8", "M Var f SGD, shipped", M * (sum[1] - sum[0] * sum[0]), table[0].variance, 1e-11);
  oracle_control("M8 width", "M 8", "E f SGD of M 16", sum[0], table[1].mean, 1e-11);
}

/* M = 16: a run for every k; mean and second moment of f by kept paths. */
static void by_simulation(const char *name, const char *noise, const char *dynamics, double mean, double variance, double table_error,
                          double wrong_mean, double wrong_variance) {
  enum { M = 16, N = 32768 };
  double sum[2] = {0}, error[2] = {0}, start[2];
  char what[64];
  for (int k = 0; k <= M; k++) {
    char text[500];
    double moment[5] = {0};
    start_of(k, M, start);
    (void)snprintf(text, sizeof text,
                   "seed: %d\nmodel: {name: mean-field-bilinear, particles: 1}\nstart: {point: [%.17g, %.17g]}\n"
                   "learning_rate: 1/16\nhorizon: 1\nnoise: %s\ndynamics: %s\nrealisations: %d\n"
                   "observe: {at: [1], features: [x], keep: {realisations: %d, of: x}}\n",
                   700 + k, start[0], start[1], noise, dynamics, N, N);
    eg_labelled *const file = run_study(text);
    const eg_variable *const v = eg_labelled_find(file, "/", "x_path");
    for (size_t i = 0; v != NULL && i < N; i++) {
      const double f = output_of((const double *)v->data + 2 * i);
      for (int p = 1; p < 5; p++) {
        moment[p] += pow(f, p) / N;
      }
    }
    eg_labelled_free(file);
    const double weight = binomial(M, k);
    for (int p = 0; p < 2; p++) {
      sum[p] += weight * moment[p + 1];
      error[p] += weight * weight * (moment[2 * p + 2] - moment[p + 1] * moment[p + 1]) / N;
    }
  }
  const double second = variance / M + mean * mean, wrong = wrong_variance / M + wrong_mean * wrong_mean;
  (void)snprintf(what, sizeof what, "M8 width, M 16, E f %s", name);
  printf("%s: %.10g +- %.2g, table %.12g\n", what, sum[0], sqrt(error[0]), mean);
  compare(false, what, sum[0], hypot(sqrt(error[0]), table_error), mean, N);
  compare(true, what, sum[0], sqrt(error[0]), wrong_mean, N);
  (void)snprintf(what, sizeof what, "M8 width, M 16, E f^2 %s", name);
  printf("%s: %.10g +- %.2g, table %.12g; M Var f %.6f, table %.6f\n", what, sum[1], sqrt(error[1]), second,
         M * (sum[1] - sum[0] * sum[0]), variance);
  compare(false, what, sum[1], hypot(sqrt(error[1]), table_error), second, N);
  compare(true, what, sum[1], sqrt(error[1]), wrong, N);
}

/* ---- limits: the mean-field equation, by the shipped gradient flow ---- */

/* A and B, moved over time T to the same. */
static void flow_of(double T, double *A, double *B) {
  char text[500];
  const double u = sqrt(*A), v = sqrt(*B);
  (void)snprintf(text, sizeof text,
                 "seed: 41\nmodel: {name: mean-field-bilinear, particles: 1}\nstart: {point: [%.17g, %.17g]}\n"
                 "learning_rate: %.17g\nsteps: 512\ndynamics: {name: gradient-flow}\nrealisations: 1\n"
                 "observe: {at: {steps: [512]}, features: [x], keep: {realisations: 1, of: x}}\n",
                 (u + v) / 2, (u - v) / 2, T / 512);
  eg_labelled *const file = run_study(text);
  const eg_variable *const x = eg_labelled_find(file, "/", "x_path");
  if (x == NULL) {
    stop_with("no kept path");
    return;
  }
  const double c = ((const double *)x->data)[0], w = ((const double *)x->data)[1];
  *A = (c + w) * (c + w);
  *B = (c - w) * (c - w);
  eg_labelled_free(file);
}

/* Derivative of f(T) along (a, b) in (A, B): central differences of two widths, extrapolated. */
static double slope_of(double T, double A, double B, double a, double b) {
  double slope[2];
  for (int i = 0; i < 2; i++) {
    const double e = 1e-3 * (i + 1);
    double up[2] = {A + e * a, B + e * b}, down[2] = {A - e * a, B - e * b};
    flow_of(T, &up[0], &up[1]);
    flow_of(T, &down[0], &down[1]);
    slope[i] = (up[0] - up[1] - down[0] + down[1]) / (8 * e);
  }
  return (4 * slope[0] - slope[1]) / 3;
}

static void limits(void) {
  double A = 2, B = 2, node[8], weight[8], variance = 0;
  flow_of(1, &A, &B);
  oracle_row("M8 limits", "mean-field equation", "f(1)", (A - B) / 4, 0.906588288877, 1e-12);
  const double by_A = slope_of(1, 2, 2, 1, 0), by_B = slope_of(1, 2, 2, 0, 1);
  oracle_row("M8 limits", "width", "df/dA", by_A, 0.077712488166, 1e-11);
  oracle_row("M8 limits", "width", "df/dB", by_B, 0.014669922855, 1e-11);
  gauss_legendre(8, node, weight); /* a label of noise 1/2 moves A by A and B by -B */
  for (int i = 0; i < 8; i++) {
    const double t = 0.5 + 0.5 * node[i];
    A = B = 2;
    flow_of(t, &A, &B);
    const double slope = slope_of(1 - t, A, B, A, -B);
    variance += 0.5 * weight[i] * slope * slope;
  }
  oracle_row("M8 limits", "eta -> 0", "Var f / eta", variance, 0.347486350902, 1e-9);
  oracle_row("M8 limits", "eta = 1/M", "M Var f", 4 * (by_A - by_B) * (by_A - by_B) + variance, 0.363383811066, 1e-9);
  oracle_control("M8 limits", "eta = 1/M", "M Var f without the start's", variance, 0.363383811066, 1e-9);
}

/* ---- 1e5 neurons, no two the same ---- */

static void different_bilinear(void) {
  enum { M = 100000, STEPS = 2 };
  eg_labelled *const file =
      run_study("seed: 31\nmodel: {name: mean-field-bilinear, particles: 100000}\nstart: {normal: {mean: 0, std: 1}}\n"
                "learning_rate: 1/4\nsteps: 2\nnoise: two-point\ndynamics: {name: sgd, batch_size: 1}\nrealisations: 1088\n"
                "observe: {at: {steps: [2]}, features: [x, norm2, loss]}\n");
  /* A / 2 and B / 2 are chi^2_M / M: Gauss's rule of three nodes in either for a variance 2 / M and a skewness sqrt(8 / M) */
  const double s = sqrt(2.0 / M), skew = sqrt(8.0 / M), root = sqrt(3 + 0.75 * skew * skew);
  const double node[3] = {0.5 * skew - root, 0, 0.5 * skew + root};
  const double low = 1 / (node[0] * (node[0] - node[2])), high = 1 / (node[2] * (node[2] - node[0]));
  const double weight[3] = {low, 1 - low - high, high};
  double sum[3] = {0};
  for (int i = 0; i < 9; i++) {
    tree(2 + 2 * s * node[i / 3], 2 + 2 * s * node[i % 3], 0.25, STEPS, weight[i / 3] * weight[i % 3], sum);
  }
  expect(file, "1e5 different neurons", "sgd", "norm2", 0, sum[2]);
  expect(file, "1e5 different neurons", "sgd", "loss", 0, (1 - 2 * sum[0] + sum[1] + 0.25) / 2);
  expect(file, "1e5 different neurons", "sgd", "x", 0, 0);
  /* all at one point: x would have the size of a neuron, and the start's A and B would differ as those of one neuron */
  CHECK(read_value(file, "x_variance", 0, 0, 0) < 1e-3);
  reject(file, "1e5 neurons without their spread", "sgd", "norm2", 0, sum[2] * 1.3);
  eg_labelled_free(file);
}

/* All neurons move together: in every realisation the mean square distance from their average is what it was at the start,
   and at the start that of 1e5 normal ones of variance 1/2. */
static void different_linear(void) {
  enum { M = 100000, N = 24 };
  static const char *const features[2] = {"x", "norm2"};
  double a[4], y[4], kept[2][2 * N];
  char path[64], text[600];
  for (int j = 0; j < 4; j++) {
    a[j] = sqrt(j < 2 ? 1.5 : 0.5);
    y[j] = (j % 2 == 0 ? 0.5 : -0.5) / a[j];
  }
  (void)snprintf(path, sizeof path, "%s/four.h5", folder);
  if (!write_rows(path, 4, 1, a, y)) {
    stop_with("data file");
  }
  for (int f = 0; f < 2; f++) {
    (void)snprintf(text, sizeof text,
                   "seed: 32\nmodel: {name: mean-field-linear, data: four.h5, standardize: false, particles: %d}\n"
                   "start: {normal: {mean: 1, std: 0.70710678118654752}}\nlearning_rate: 1/8\nsteps: 8\n"
                   "dynamics: {name: sgd, batch_size: 1}\nrealisations: %d\n"
                   "observe: {at: {steps: [0, 8]}, features: [%s], keep: {realisations: %d, of: %s}}\n",
                   M, N, features[f], N, features[f]);
    eg_labelled *const file = run_study(text);
    (void)snprintf(text, sizeof text, "%s_path", features[f]);
    const eg_variable *const v = eg_labelled_find(file, "/", text);
    if (v == NULL || eg_variable_size(v) != 2 * N) {
      stop_with("kept paths of another shape");
      return;
    }
    memcpy(kept[f], v->data, sizeof kept[f]);
    eg_labelled_free(file);
  }
  double apart = 0;
  for (int i = 0; i < N; i++) {
    const double before = kept[1][2 * i] - kept[0][2 * i] * kept[0][2 * i],
                 after = kept[1][2 * i + 1] - kept[0][2 * i + 1] * kept[0][2 * i + 1];
    oracle_row("M7 differences", "1e5 neurons", "mean square distance, kept", after, before, 1e-12);
    oracle_row("M7 differences", "1e5 neurons", "mean square distance, start", before, 0.5, 7 * 0.5 * sqrt(2.0 / M));
    oracle_control("M7 differences", "1e5 neurons", "all at one point", 0, before, 0.4);
    apart = fmax(apart, fabs(kept[0][2 * i + 1] - kept[0][1]));
  }
  CHECK(apart > 0.1); /* realisations do differ */
  (void)unlink(path);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  by_tree();
  by_outcomes();
  by_simulation("SGD", "two-point", "{name: sgd, batch_size: 1}", table[1].mean, table[1].variance, 0, 0.90661937, 0.33972317);
  by_simulation("DDSMF", "gaussian", "{name: smf2, batch_size: 1, substeps: 4}", 0.90661937, 0.33972317, 1e-8, table[1].mean,
                table[1].variance);
  limits();
  different_bilinear();
  different_linear();
  (void)judge_rows(7, 5);
  oracle_count(61, 26);
  (void)rmdir(folder);
  return check_report();
}
