/*
 * Quantiles from histogram counts: exact interpolation on small grids, and a stationary Ornstein-Uhlenbeck process, whose values are
 * Gaussian, against the inverse of its distribution function, with negative controls.
 */
#include "analysis/quantiles.h"
#include "physics/judge.h"

static void small_grids(void) {
  static const double edges[] = {0, 1, 2, 4}, powers[] = {1, 2, 4, 8};
  static const uint64_t counts[] = {10, 20, 0, 60, 10};
  eg_quantile q;
  eg_quantile_from_counts(3, edges, false, counts, 0.2, &q);
  CHECK_NEAR(q.value, 0.5, 1e-15);
  CHECK_NEAR(q.bin, 1, 0);
  eg_quantile_from_counts(3, edges, false, counts, 0.6, &q);
  CHECK_NEAR(q.value, 3, 1e-15);
  CHECK(q.low < 3 && q.high > 3 && fabs(q.stderr_ - sqrt(0.24 / 100) / (0.6 / 2)) < 1e-12); /* density 0.3 */
  eg_quantile_from_counts(3, powers, true, counts, 0.6, &q);
  CHECK_NEAR(q.value, 4 * sqrt(2), 1e-14);
  eg_quantile_from_counts(3, edges, false, counts, 0.05, &q); /* below the grid */
  CHECK(isnan(q.value) && isnan(q.stderr_));
  eg_quantile_from_counts(3, edges, false, counts, 0.95, &q);
  CHECK(isnan(q.value));
  eg_quantile_from_counts(3, edges, false, counts, 0.12, &q); /* inside, but its interval is not */
  CHECK(!isnan(q.value) && isnan(q.low) && isnan(q.stderr_));
  eg_quantile_from_counts(3, edges, false, (const uint64_t[]){0, 0, 0, 0, 0}, 0.5, &q);
  CHECK(isnan(q.value));
}

/* What a straight line within a bin is off: never above the estimate for smooth laws, on coarse and fine grids, and no more than four
   times below it where it is largest. */
static void interpolation(void) {
  static const size_t sizes[] = {8, 16, 64, 256};
  for (size_t g = 0; g < 4; g++) {
    const size_t bins = sizes[g];
    double edges[257];
    uint64_t counts[258] = {0};
    for (size_t i = 0; i <= bins; i++) {
      edges[i] = 8 * (double)i / (double)bins;
    }
    for (size_t i = 0; i < bins; i++) { /* exponential law, exact counts of 1e15 */
      counts[i + 1] = (uint64_t)(1e15 * (exp(-edges[i]) - exp(-edges[i + 1])));
    }
    double largest = 0;
    for (double p = 0.005; p < 0.95; p += 0.005) {
      eg_quantile q;
      eg_quantile_from_counts(bins, edges, false, counts, p, &q);
      const double share = fabs(q.value + log1p(-p * (1 - exp(-8)))) / q.interpolation;
      CHECK(share <= 1.05);
      largest = fmax(largest, share);
    }
    CHECK(largest > 0.25);
  }
  static const double edges[] = {0, 1, 2, 3};
  static const uint64_t atom[] = {0, 0, 1000000, 0, 0};
  eg_quantile q;
  eg_quantile_from_counts(3, edges, false, atom, 0.5, &q); /* all values in one bin: nobody knows where */
  CHECK(q.interpolation > q.stderr_ / 2);
}

static const double *analysis(const eg_labelled *file, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
  if (v == NULL) {
    stop_with(name);
    return NULL;
  }
  return v->data;
}

/* x with P(X < x) = p, X normal of variance 1/2. */
static double normal_quantile(double p) {
  double low = -10, high = 10;
  for (int i = 0; i < 200; i++) {
    const double middle = (low + high) / 2;
    if (0.5 * erfc(-middle) < p) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

int main(void) {
  static const double p[] = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99}, of_squares[] = {0.1, 0.5, 0.999};
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  small_grids();
  interpolation();
  eg_labelled *const file =
      run_study("seed: 61\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nsteps: 4\ntime_step: 1\n"
                "start: {normal: {mean: 0, std: 0.70710678118654752}}\ndynamics: [{name: sde, scheme: exact}]\n"
                "realisations: 200000\nobserve:\n  at: {linear: 2}\n  features: [x, norm2]\n  histograms:\n"
                "    - {feature: x, bins: 4000, low: -4, high: 4}\n"
                "    - {feature: norm2, bins: 4000, low: 1/1048576, high: 64, scale: log}\n"
                "analyse: [{quantiles: {}}, {quantiles: {of: norm2, probabilities: [0.1, 0.5, 0.999]}}]\n");
  for (size_t t = 0; t < 2; t++) {
    for (size_t i = 0; i < 7; i++) {
      const double value = analysis(file, "quantile")[t * 7 + i], error = analysis(file, "quantile_stderr")[t * 7 + i];
      compare(false, "x", value, error, normal_quantile(p[i]), 200000);
      compare(true, "x, of a probability 2 % higher", value, error, normal_quantile(fmin(p[i] + 0.02, 0.9999)), 200000);
    }
    for (size_t i = 0; i < 3; i++) {
      const double root = normal_quantile((1 + of_squares[i]) / 2);
      compare(false, "norm2", analysis(file, "quantile_2")[t * 3 + i], analysis(file, "quantile_2_stderr")[t * 3 + i], root * root,
              200000);
    }
  }
  for (size_t i = 0; i < 14; i++) {
    CHECK(analysis(file, "quantile_interpolation")[i] < analysis(file, "quantile_stderr")[i] / 2);
  }
  eg_labelled_free(file);
  /* eight bins for the square: the error bar does not hold what they hide, and that is said */
  eg_labelled *const coarse =
      run_study("seed: 62\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nsteps: 1\ntime_step: 1\n"
                "start: {normal: {mean: 0, std: 0.70710678118654752}}\ndynamics: [{name: sde, scheme: exact}]\n"
                "realisations: 200000\nobserve:\n  at: {linear: 1}\n  features: [norm2]\n  histograms: {feature: norm2, bins: 8, low: 0, high: 8}\n"
                "analyse: {quantiles: {probabilities: [0.5]}}\n");
  const double root = normal_quantile(0.75), off = analysis(coarse, "quantile")[0] - root * root;
  CHECK(fabs(off) > 20 * analysis(coarse, "quantile_stderr")[0]);
  CHECK(analysis(coarse, "quantile_interpolation")[0] > 20 * analysis(coarse, "quantile_stderr")[0]);
  eg_labelled_free(coarse);
  (void)judge_rows(20, 10);
  (void)rmdir(folder);
  return check_report();
}
