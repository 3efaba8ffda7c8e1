/*
 * Richardson extrapolation in groups across the step, against closed forms: Euler's scheme on geometric Brownian motion (mean,
 * variance and covariance of coarse and fine are products over independent steps) and on one Brownian path with a paired error
 * bar. Its weak order is one above that of the scheme, without statistics. Negative controls: the runs themselves, the
 * extrapolation with weights of another order, the error bar that independent runs would have.
 */
#include "judge.h"

static const double MU = 0.5, S = 0.5;
enum { LEVELS = 3, COARSEST = 4 };

/* Euler with n steps to time 1: E x and E x^2 from 1. */
static double euler_mean(int n) {
  return pow(1 + MU / n, n);
}
static double euler_second(int n) {
  return pow((1 + MU / n) * (1 + MU / n) + S * S / n, n);
}

/* E of (coarse with n steps)(fine with 2 n steps) on one path: a step has 1 + 2 a + s W and (1 + a + s W_1) (1 + a + s W_2),
   W = W_1 + W_2, with a the drift of a fine step and the W_i of variance 1 / (2 n). */
static double euler_product(int n) {
  const double a = MU / (2 * n), v = S * S / (2 * n);
  return pow((1 + 2 * a) * (1 + a) * (1 + a) + 2 * v * (1 + a), n);
}

static double value_along(const eg_labelled *file, const char *name, size_t difference) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL || strcmp(v->dims[0], "difference") != 0 || difference >= v->shape[0]) {
    stop_with(name);
    return 0;
  }
  const size_t each = eg_variable_size(v) / v->shape[0];
  return ((const double *)v->data)[(difference + 1) * each - 1];
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  eg_labelled *const file = run_study(
      "seed: 501\nmodel: {name: geometric-brownian-motion, mu: 0.5, sigma: 0.5}\nstart: {point: 1}\ntime_step: 1\nhorizon: 1\n"
      "sweep: {substeps: [4, 8, 16, 32]}\ndynamics: [{name: sde, label: euler}, {name: sde, label: free, scheme: strang}]\n"
      "groups: [{label: levels, members: euler, across: substeps, extrapolate: 1}]\n"
      "realisations: 2^19\nobserve: {at: [1], features: [x, norm2]}\n");
  const double exact = exp(2 * MU + S * S);
  double error[LEVELS], plain[LEVELS + 1];
  for (size_t i = 0; i < LEVELS; i++) {
    const int n = COARSEST << i;
    const double mean = 2 * euler_mean(2 * n) - euler_mean(n), second = 2 * euler_second(2 * n) - euler_second(n);
    const double value = value_along(file, "x_extrapolated", i), stderr_ = value_along(file, "x_extrapolated_stderr", i);
    const double value2 = value_along(file, "norm2_extrapolated", i), stderr2 = value_along(file, "norm2_extrapolated_stderr", i);
    compare(false, "E x", value, stderr_, mean, 1 << 16);
    compare(false, "E x^2", value2, stderr2, second, 1 << 14);
    CHECK_NEAR(value_along(file, "x_extrapolated_expected", i), mean, 1e-12);
    CHECK_NEAR(value_along(file, "norm2_extrapolated_expected", i), second, 1e-11);
    CHECK_NEAR(value_along(file, "norm2_extrapolated_exact", i), exact, 1e-11);
    /* the error bar: Var(2 F - C) from second moments; the variance of n values is right to about sqrt(kurtosis / n) */
    const double v = 4 * (euler_second(2 * n) - pow(euler_mean(2 * n), 2)) + euler_second(n) - pow(euler_mean(n), 2) -
                     4 * (euler_product(n) - euler_mean(2 * n) * euler_mean(n));
    const double expected_error = sqrt(v / (1 << 19));
    CHECK(fabs(stderr_ / expected_error - 1) < 0.02);
    const double independent = 4 * (euler_second(2 * n) - pow(euler_mean(2 * n), 2)) + euler_second(n) - pow(euler_mean(n), 2);
    CHECK(fabs(stderr_ / sqrt(independent / (1 << 19)) - 1) > 0.4);
    if (i == 0) { /* what it must not be */
      compare(true, "the fine run", value2, stderr2, euler_second(2 * n), 1 << 14);
      compare(true, "weights of order 2", value2, stderr2, (4 * euler_second(2 * n) - euler_second(n)) / 3, 1 << 14);
    }
    error[i] = value_along(file, "norm2_extrapolated_expected", i) - exact;
    plain[i] = euler_second(n) - exact;
  }
  plain[LEVELS] = euler_second(COARSEST << LEVELS) - exact;
  for (size_t i = 0; i + 1 < LEVELS; i++) {
    printf("slopes of E x^2: Euler %.2f, extrapolated %.2f\n", log2(plain[i + 1] / plain[i + 2]), log2(error[i] / error[i + 1]));
    CHECK(fabs(log2(error[i] / error[i + 1]) - 2) < 0.25 && fabs(log2(plain[i + 1] / plain[i + 2]) - 1) < 0.15);
  }
  eg_labelled_free(file);
  (void)judge_rows(6, 2);
  (void)rmdir(folder);
  return check_report();
}
