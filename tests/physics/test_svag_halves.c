/*
 * Sections 1.5 (oracle D) and 1.6 of svag-and-sde-validity.md (Li, Malladi, Arora, arXiv 2102.12470, and the authors' code), l up to 1024, in standard errors.
 * The two batches of an iteration as disjoint halves of one subset without replacement: covariance (Sp/(n-1)) (l n/B - 1); as halves
 * of one permutation of all rows: noise summed over an epoch, (1 - 1/(2 l)) n/(n-1) of that of independent draws. Gradients without
 * curvature, so that x is the sum. 1.2: skewness and excess kurtosis of the displacement of a step of SVAG beside those of SGD. Stationary variance of additive noise at l = 1 to 1024. Controls: independent batches, SGD, the SDE.
 */
#include "judge.h"
#include "oracle_row.h"

enum { N_ROWS = 6, LS = 4 };

static const int ls[LS] = {2, 4, 16, 1024};
static const char rows_model[] = "{name: sample-quadratic, rows: [[0, 1], [0, -2], [0, 4], [0, 0.5], [0, 3], [0, -1.5]]}";
static const double b[N_ROWS] = {1, -2, 4, 0.5, 3, -1.5}, eta = 0.1;

/* Sp: of one row, divided by n. */
static double row_variance(void) {
  double mean = 0, square = 0;
  for (int i = 0; i < N_ROWS; i++) {
    mean += b[i] / N_ROWS;
    square += b[i] * b[i] / N_ROWS;
  }
  return square - mean * mean;
}

/* Variance of x after `steps` steps of svag(l) with batches of B, over that of l `steps` independent iterations of covariance Sp. */
static void halves(const char *name, const char *sampling, int B, int steps, double (*law)(double l, double n, double B)) {
  for (int i = 0; i < LS; i++) {
    const double l = ls[i], n = N_ROWS, unit = steps * eta * eta / l * row_variance();
    char text[600], what[100];
    (void)snprintf(text, sizeof text,
                   "seed: %d\nmodel: %s\nlearning_rate: 0.1\nsteps: %d\ndynamics: {name: svag, l: %d, batch_size: %d, sampling: %s}\n"
                   "realisations: %s\nobserve: {at: {steps: [%d]}, features: [x]}\n",
                   70 + i, rows_model, steps, ls[i], B, sampling, ls[i] > 16 ? "2^13" : "2^16", steps);
    eg_labelled *const file = run_study(text);
    const double variance = last_of(file, "x_variance", 0) / unit, error = last_of(file, "x_variance_stderr", 0) / unit;
    const double count = last_of(file, "x_count", 0) / fmax(1, (last_of(file, "x_kurtosis", 0) - 1) / 2);
    (void)snprintf(what, sizeof what, "svag-and-sde 1.6, %s, l %d", name, ls[i]);
    printf("%s: %.4f +- %.4f, oracle %.4f\n", what, variance, error, law(l, n, B));
    compare(false, what, variance, error, law(l, n, B), count);
    if (fabs(law(l, n, B) / (l / B) - 1) > 0.08) { /* l = 2, B = 2: disjoint halves have the covariance of independent ones */
      compare(true, what, variance, error, l / B, count);
    }
    eg_labelled_free(file);
  }
}

static double disjoint(double l, double n, double B) {
  return (l * n / B - 1) / (n - 1);
}

static double split(double l, double n, double B) {
  return l / B * (1 - 1 / (2 * l)) * n / (n - 1);
}

static void numbers(void) {
  oracle_row("1.6 disjoint halves", "n 50000, B 128", "temperature, large l, per cent", 100 * (50000. / (50000 - 128) - 1), .26, 5.1e-3);
  oracle_row("1.6 disjoint halves", "n 1797, B 64", "temperature, large l, per cent", 100 * (1797. / (1797 - 64) - 1), 3.7, 5.1e-2);
  const double l = 1e9, n = 1797, B = 64;
  oracle_row("1.6 disjoint halves", "n 1797, B 64", "against SGD without replacement", disjoint(l, n, B) / (l * (n - B) / (B * (n - 1))),
             n / (n - B), 1e-8);
  oracle_control("1.6 disjoint halves", "n 1797, B 64", "independent batches", 1, n / (n - B), 1e-2);
  oracle_row("1.6 split permutation", "l 1", "half of the data has weight 0", split(1, n, 1) * (n - 1) / n, .5, 1e-12);
}

/* Oracle D: variance of x in the end, x^2 / 2 of curvature a, noise variance S; rate eta a = 1.5. */
static void additive(void) {
  static const int every[5] = {1, 4, 16, 128, 1024};
  static const double a = 1.5, S = 4, rate = 1;
  for (int i = 0; i < 5; i++) {
    char text[500], what[64];
    (void)snprintf(text, sizeof text,
                   "seed: %d\nmodel: {name: quadratic, curvature: 1.5, noise: 2}\nlearning_rate: 1\nsteps: 12\n"
                   "dynamics: {name: svag, l: %d, batch_size: 1}\nrealisations: %s\nobserve: {at: {steps: [12]}, features: [x]}\n",
                   80 + i, every[i], every[i] > 16 ? "2^13" : "2^16");
    eg_labelled *const file = run_study(text);
    const double l = every[i], rho = 1 - a * rate / l, settled = rate * S / (a * (2 - rate * a / l)),
                 law = rate * rate * S / l * (1 - pow(rho, 2 * 12 * l)) / (1 - rho * rho), count = last_of(file, "x_count", 0);
    const double variance = last_of(file, "x_variance", 0), error = last_of(file, "x_variance_stderr", 0);
    (void)snprintf(what, sizeof what, "svag-and-sde 1.5, oracle D, l %d", every[i]);
    printf("%s: %.4f +- %.4f, oracle %.4f, stationary %.4f\n", what, variance, error, law, settled);
    CHECK_NEAR(law, settled, 1e-6 * settled);
    compare(false, what, variance, error, law, count);
    compare(true, what, variance, error, i == 0 ? rate * S / (2 * a) : rate * S / (a * (2 - rate * a)), count);
    eg_labelled_free(file);
  }
}

/* 1.2: no curvature, gradients -b of mean 0, batches of 1: the third and fourth cumulants of l iterations over those of a step of SGD,
   (3 l - 1) / (2 l^2) and (l^2 + 2 l - 1) / (2 l^3), at a variance that does not change. */
static void cumulants(void) {
  static const double third[4] = {1, .625, .344, .180}, fourth[4] = {1, .4375, .1797, .0771}; /* the table's, l = 1, 2, 4, 8 */
  static const double row[4] = {2, -1, -1, 0};
  double m[5] = {0};
  for (int i = 0; i < 4; i++) {
    for (int p = 2; p < 5; p++) {
      m[p] += pow(row[i], p) / 4;
    }
  }
  const double skewness = m[3] / pow(m[2], 1.5), excess = m[4] / (m[2] * m[2]) - 3;
  for (int i = 0; i < 4; i++) {
    const double l = 1 << i, law3 = (3 * l - 1) / (2 * l * l), law4 = (l * l + 2 * l - 1) / (2 * l * l * l);
    char text[600], what[100];
    CHECK_NEAR(law3, third[i], 5.1e-4);
    CHECK_NEAR(law4, fourth[i], 5.1e-5);
    (void)snprintf(text, sizeof text,
                   "seed: %d\nmodel: {name: sample-quadratic, rows: [[0, 2], [0, -1], [0, -1], [0, 0]]}\nlearning_rate: 0.1\nsteps: 1\n"
                   "dynamics: {name: svag, l: %d, batch_size: 1}\nrealisations: 2^21\nobserve: {at: {steps: [1]}, features: [x]}\n",
                   210 + i, 1 << i);
    eg_labelled *const file = run_study(text);
    const double value3 = last_of(file, "x_skewness", 0), error3 = last_of(file, "x_skewness_stderr", 0), count = last_of(file, "x_count", 0);
    const double value4 = last_of(file, "x_kurtosis", 0) - 3, error4 = last_of(file, "x_kurtosis_stderr", 0);
    (void)snprintf(what, sizeof what, "svag-and-sde 1.2, third cumulant, l %d", 1 << i);
    printf("%s: %.5f +- %.5f, oracle %.5f of SGD's\n", what, value3 / skewness, error3 / skewness, law3);
    compare(false, what, value3, error3, skewness * law3, count);
    if (i > 0) {
      compare(true, what, value3, error3, skewness, count);
      compare(true, what, value3, error3, skewness / sqrt(l), count); /* l independent steps of SGD */
    }
    (void)snprintf(what, sizeof what, "svag-and-sde 1.2, fourth cumulant, l %d", 1 << i);
    printf("%s: %.5f +- %.5f, oracle %.5f of SGD's\n", what, value4 / excess, error4 / fabs(excess), law4);
    compare(false, what, value4, error4, excess * law4, count);
    if (i > 0) {
      compare(true, what, value4, error4, excess / l, count);
    }
    eg_labelled_free(file);
  }
}

int main(void) {
  char path[80];
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  numbers();
  halves("disjoint halves", "without-replacement", 2, 2, disjoint);
  halves("split permutation", "shuffle", 1, 3, split);
  cumulants();
  additive();
  (void)judge_rows(21, 20);
  oracle_count(4, 1);
  (void)snprintf(path, sizeof path, "%s/study.yaml", folder);
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
