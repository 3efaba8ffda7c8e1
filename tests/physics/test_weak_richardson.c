/*
 * A Richardson extrapolation as the reference of weak errors, against closed forms: Euler's scheme on geometric Brownian motion with
 * its step swept, beside the extrapolation of two runs with 2 and 4 substeps. Mean and variance of every estimate are products over
 * independent steps, with runs independent, coarse and fine on one Brownian path, and all three on one; the bias of the reference is of
 * order 2, that of its runs of order 1. Negative controls: the fine run alone as what the errors are of, weights of another order, and
 * error bars that independent runs, or runs on one path, would have.
 */
#include "judge.h"

static const double MU = 0.5, S = 0.25, N = 1 << 18;
enum { LEVELS = 4, COARSEST = 4, WIDE = 2, NARROW = 4 }; /* steps to time 1; substeps of the two runs of the reference */

/* Euler with n steps to time 1: E x and E x^2 from 1. */
static double euler_mean(int n) {
  return pow(1 + MU / n, n);
}
static double euler_second(int n) {
  return pow((1 + MU / n) * (1 + MU / n) + S * S / n, n);
}

/* E of (coarse with n steps)(fine with m n steps) on one path: over a coarse step (1 + m a + s W) prod (1 + a + s W_i), W the sum of
   the W_i, of variance v each. */
static double euler_product(int n, int m) {
  const double a = MU / (m * n), v = S * S / (m * n);
  return pow((1 + m * a) * pow(1 + a, m) + m * v * pow(1 + a, m - 1), n);
}

static double variance(int n) {
  return euler_second(n) - euler_mean(n) * euler_mean(n);
}
static double covariance(int n, int m) {
  return euler_product(n, m) - euler_mean(n) * euler_mean(m * n);
}

static double at(const eg_labelled *file, const char *name, size_t feature, size_t rate) {
  const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
  if (v == NULL || v->rank != 4 || v->shape[0] != 1 || v->shape[1] != 2) { /* (curve, feature, time, rate) */
    stop_with(name);
    return 0;
  }
  return ((const double *)v->data)[(feature * v->shape[2] + v->shape[2] - 1) * v->shape[3] + rate];
}

static double verdict_at(const eg_labelled *file, const char *name, size_t feature) {
  const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
  return ((const double *)v->data)[feature];
}

enum { INDEPENDENT, SHARED_REFERENCE, ALL_ON_ONE_PATH };

static eg_labelled *run_kind(int kind, const char *richardson) {
  static const char *const groups[] = {"", "groups: {label: two, members: [coarse, fine]}\n",
                                       "groups: {label: three, members: [euler, coarse, fine]}\n"};
  char text[1000];
  (void)snprintf(text, sizeof text,
                 "seed: %d\nmodel: {name: geometric-brownian-motion, mu: 0.5, sigma: 0.25}\nstart: {point: 1}\nhorizon: 1\n"
                 "sweep: {time_step: [1/4, 1/8, 1/16, 1/32]}\n"
                 "dynamics: [{name: sde, label: euler}, {name: sde, label: coarse, substeps: 2}, {name: sde, label: fine, substeps: 4}]\n"
                 "%srealisations: 2^18\nobserve: {at: [1], features: [x, norm2]}\n"
                 "analyse: {weak-error: {reference: fine%s}}\n",
                 611 + kind, groups[kind], richardson);
  return run_study(text);
}

/* Variance of N times the error of E x with n steps: of run - 2 fine + coarse (order 1 and ratio 2: w = 1). */
static double expected_variance(int kind, int n) {
  const int c = WIDE * n, f = NARROW * n;
  const double alone = variance(n) + 4 * variance(f) + variance(c), two = alone - 4 * covariance(c, 2);
  return kind == INDEPENDENT ? alone : kind == SHARED_REFERENCE ? two : two - 4 * covariance(n, NARROW) + 2 * covariance(n, WIDE);
}

/* A value whose error is a jackknife over 64 blocks has a limit of its own; the others are judged together. */
static void compare_kind(int kind, bool is_control, const char *what, double value, double stderr_, double expected) {
  if (kind != ALL_ON_ONE_PATH) {
    compare(is_control, what, value, stderr_, expected, 1 << 13);
    return;
  }
  const double z = (value - expected) / stderr_;
  printf("%s: z %.2f%s\n", what, z, is_control ? ", a negative control" : "");
  CHECK((fabs(z) > quantile(1e-6 / (2 * LEVELS), 63)) == is_control);
}

static void check_kind(int kind) {
  static const char *const names[] = {"independent", "reference on one path", "all on one path"};
  eg_labelled *const file = run_kind(kind, ", richardson: {coarse: coarse, order: 1}");
  char what[100];
  for (size_t k = 0; k < LEVELS; k++) {
    const int n = COARSEST << k, c = WIDE * n, f = NARROW * n;
    const double mean = euler_mean(n) - 2 * euler_mean(f) + euler_mean(c), second = euler_second(n) - 2 * euler_second(f) + euler_second(c);
    CHECK_NEAR(at(file, "weak_error_expected", 0, k), mean, 1e-12);
    CHECK_NEAR(at(file, "weak_error_expected", 1, k), second, 1e-11);
    CHECK_NEAR(at(file, "weak_error_exact", 1, k), 0, 1e-12); /* of one law */
    (void)snprintf(what, sizeof what, "%s, %d steps: E x", names[kind], n);
    compare_kind(kind, false, what, at(file, "weak_error", 0, k), at(file, "weak_error_stderr", 0, k), mean);
    (void)snprintf(what, sizeof what, "%s, %d steps: E x^2", names[kind], n);
    const double value = at(file, "weak_error", 1, k), error = at(file, "weak_error_stderr", 1, k);
    compare_kind(kind, false, what, value, error, second);
    if (k == 0) {
      compare_kind(kind, true, "the fine run alone", value, error, euler_second(n) - euler_second(f));
      compare_kind(kind, true, "weights of order 2", value, error, euler_second(n) - (4 * euler_second(f) - euler_second(c)) / 3);
    }
    /* the error bar: of a jackknife over 64 blocks right to 9 %, else to about 1 % */
    const double ratio = at(file, "weak_error_stderr", 0, k) / sqrt(expected_variance(kind, n) / N);
    CHECK(fabs(ratio - 1) < (kind == ALL_ON_ONE_PATH ? 0.45 : 0.03));
    for (int other = INDEPENDENT; other <= ALL_ON_ONE_PATH; other++) {
      const double wrong = at(file, "weak_error_stderr", 0, k) / sqrt(expected_variance(other, n) / N);
      CHECK(other == kind || fabs(log(wrong)) > 0.2);
    }
    CHECK(kind == INDEPENDENT ||
          fabs(at(file, "weak_error_variance_ratio", 0, k) * ratio * ratio /
                   (expected_variance(INDEPENDENT, n) / expected_variance(kind, n)) - 1) < 0.1);
  }
  CHECK((eg_labelled_find(file, "/analysis", "weak_error_variance_ratio") != NULL) == (kind != INDEPENDENT));
  if (kind == ALL_ON_ONE_PATH) {
    CHECK(verdict_at(file, "weak_error_verdict", 0) == 1 && verdict_at(file, "weak_error_verdict_exact", 1) == 1);
  }
  eg_labelled_free(file);
}

/* What the reference is worth: its own bias, by which all errors are off, is of one order more. Without statistics. */
static void check_order(void) {
  eg_labelled *const extrapolated = run_kind(ALL_ON_ONE_PATH, ", richardson: {coarse: coarse, order: 1}"),
                    *const plain = run_kind(SHARED_REFERENCE, "");
  const double exact = exp(2 * MU + S * S);
  double bias[LEVELS], bias_plain[LEVELS];
  for (size_t k = 0; k < LEVELS; k++) {
    const eg_variable *const v = eg_labelled_find(plain, "/analysis", "weak_error_expected"); /* two curves: coarse is one of them */
    CHECK(v != NULL && v->shape[0] == 2 && v->shape[1] == 2);
    const double own = euler_second(COARSEST << k) - exact;
    bias[k] = own - at(extrapolated, "weak_error_expected", 1, k);
    bias_plain[k] = own - ((const double *)v->data)[v->shape[2] * v->shape[3] + k];
  }
  for (size_t k = 0; k + 1 < LEVELS; k++) {
    const double slope = log2(bias[k] / bias[k + 1]), slope_plain = log2(bias_plain[k] / bias_plain[k + 1]);
    printf("bias of the reference %.2e, of the fine run %.2e; slopes %.2f, %.2f\n", bias[k], bias_plain[k], slope, slope_plain);
    CHECK(fabs(slope - 2) < 0.2 && fabs(slope_plain - 1) < 0.1 && fabs(bias[k]) < 0.1 * fabs(bias_plain[k]));
  }
  eg_labelled_free(extrapolated);
  eg_labelled_free(plain);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  for (int kind = INDEPENDENT; kind <= ALL_ON_ONE_PATH; kind++) {
    check_kind(kind);
  }
  check_order();
  (void)judge_rows(16, 4);
  (void)rmdir(folder);
  return check_report();
}
