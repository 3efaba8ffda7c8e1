/*
 * Antithetic pairs. Euler's scheme on geometric Brownian motion: a step multiplies by 1 + m h +- s dW, so the variance
 * of the mean of a pair is (E A^2 + E A B) / 2 - (E A)^2 in closed form: of x, and of x^2. Additive noise: the mean of
 * x has no variance left, and (c + u)^2 + (c - u)^2 keeps that of u^2. Controls: the error bar of independent
 * trajectories; a pair of independent runs.
 */
#include "physics/judge.h"

static const double MU = 0.1, S = 0.4;
enum { STEPS = 8, N = 1 << 17 };

static double value_along(const eg_labelled *file, const char *name, size_t difference) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL || strcmp(v->dims[0], "difference") != 0 || difference >= v->shape[0]) {
    stop_with(name);
    return 0;
  }
  const size_t each = eg_variable_size(v) / v->shape[0];
  return v->type == EG_TYPE_U8 ? ((const uint8_t *)v->data)[(difference + 1) * each - 1]
                               : ((const double *)v->data)[(difference + 1) * each - 1];
}

/* E (g + w)^j (g - w)^k of a step, g the drift's factor, w normal of variance v; j, k <= 4 by the binomial theorem. */
static double step(int j, int k, double g, double v) {
  static const double binomial[5][5] = {{1}, {1, 1}, {1, 2, 1}, {1, 3, 3, 1}, {1, 4, 6, 4, 1}};
  static const double moment[9] = {1, 0, 1, 0, 3, 0, 15, 0, 105};
  double sum = 0;
  for (int a = 0; a <= j; a++) {
    for (int b = 0; b <= k; b++) {
      sum += binomial[j][a] * binomial[k][b] * pow(g, j + k - a - b) * (b % 2 == 1 ? -1 : 1) * moment[a + b] *
             pow(v, (a + b) / 2.0);
    }
  }
  return sum;
}

/* Over all steps. */
static double product(int j, int k) { return pow(step(j, k, 1 + MU / STEPS, S * S / STEPS), STEPS); }

static void multiplicative(void) {
  eg_labelled *const file = run_study(
      "seed: 51\nmodel: {name: geometric-brownian-motion, mu: 0.1, sigma: 0.4}\nstart: {point: 1}\nhorizon: "
      "1\ntime_step: 1/8\n"
      "dynamics: {name: sde, scheme: euler-maruyama}\ngroups: {label: pairs, members: sde, antithetic: true}\n"
      "realisations: 2^17\nobserve: {at: {linear: 2}, features: [x, norm2]}\n");
  for (int q = 1; q <= 2; q++) {
    const char *const f = q == 1 ? "x" : "norm2";
    char name[40], error[40], gain[40], judged[40];
    (void)snprintf(name, sizeof name, "%s_antithetic", f);
    (void)snprintf(error, sizeof error, "%s_antithetic_stderr", f);
    (void)snprintf(gain, sizeof gain, "%s_antithetic_gain", f);
    (void)snprintf(judged, sizeof judged, "%s_antithetic_judged", f);
    const double mean = product(q, 0), variance = product(2 * q, 0) - mean * mean;
    const double pair = (product(2 * q, 0) + product(q, q)) / 2 - mean * mean, own = value_along(file, error, 0);
    const double of_variance = own * own * N;
    compare(false, "mean of pairs", value_along(file, name, 0), own, mean, 1e4);
    /* variances of variances: a kurtosis of 20 is more than these have */
    compare(false, "variance of a pair", of_variance, pair * sqrt(19.0 / N), pair, 1e4);
    compare(true, "variance of a pair: that of independent trajectories", of_variance, pair * sqrt(19.0 / N),
            variance / 2, 1e4);
    compare(false, "gain", value_along(file, gain, 0), value_along(file, gain, 0) * sqrt(2 * 19.0 / N),
            variance / 2 / pair, 1e4);
    CHECK(value_along(file, judged, 0) == 1);
    CHECK(fabs(last_of(file, f, 0) - last_of(file, f, 1)) > 1e-6); /* two runs, not one */
  }
  eg_labelled_free(file);
}

/* Chain and equation with additive noise; three components of noise would do, one is enough. */
static void additive(void) {
  eg_labelled *const file = run_study(
      "seed: 52\nmodel: {name: quadratic, curvature: 1, noise: 1}\nstart: {point: 1}\nsteps: 8\nlearning_rate: 1/8\n"
      "dynamics: [{name: sgd, batch_size: 2}, {name: sme2, batch_size: 2}, {name: noisy-gd, batch_size: 2}]\n"
      "groups:\n  - {label: a, members: sgd, antithetic: true}\n  - {label: b, members: sme2, antithetic: true}\n"
      "  - {label: c, members: noisy-gd, antithetic: true}\n"
      "realisations: 2^16\nobserve: {at: {linear: 1}, features: [x, norm2]}\n");
  for (size_t i = 0; i < 3; i++) {
    const double expected = value_along(file, "x_antithetic_expected", i);
    CHECK(fabs(value_along(file, "x_antithetic", i) - expected) < 1e-12);
    CHECK(value_along(file, "x_antithetic_stderr", i) < 1e-8 && isnan(value_along(file, "x_antithetic_gain", i)));
    CHECK(value_along(file, "x_antithetic_judged", i) == 0);
    const double v = last_of(file, "x_variance", i), error = value_along(file, "norm2_antithetic_stderr", i);
    compare(false, "mean of pairs of x^2", value_along(file, "norm2_antithetic", i), error,
            value_along(file, "norm2_antithetic_expected", i), 1e4);
    compare(false, "variance of pairs of x^2", error * error * 65536, 2 * v * v * sqrt(14.0 / 65536), 2 * v * v, 1e4);
  }
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  multiplicative();
  additive();
  (void)judge_rows(12, 2);
  (void)rmdir(folder);
  return check_report();
}
