/*
 * Histograms of two features together: one step of SGD with constant Gaussian noise of correlation 0.6 is a Gaussian of two
 * correlated components, x ~ N(m, C), m = (1 - h) x0, C = h^2 [[1, 0.6], [0.6, 1]]. Bins against its probabilities, by Simpson's rule
 * over the first component; the margins against the single histograms; a recount from kept paths, with grids from tile 0.
 * Controls: the law without correlation, and its mirror image.
 */
#include "judge.h"

enum { BINS = 8, REALISATIONS = 1 << 18 };
static const double STEP = 0.5, EDGE = 1.5, CORRELATION = 0.6;

static double normal_cdf(double z) {
  return 0.5 * erfc(-z / sqrt(2.0));
}

static double edge(size_t i) {
  return -EDGE + 2 * EDGE * (double)i / BINS;
}

/* P(bin i of the first, bin k of the second) with correlation rho. */
static double probability(size_t i, size_t k, double rho) {
  const int n = 64;
  const double from = edge(i) / STEP, to = edge(i + 1) / STEP, width = sqrt(1 - rho * rho);
  double sum = 0;
  for (int j = 0; j <= n; j++) {
    const double u = from + (to - from) * j / n;
    const double inner = normal_cdf((edge(k + 1) / STEP - rho * u) / width) - normal_cdf((edge(k) / STEP - rho * u) / width);
    sum += (j == 0 || j == n ? 1 : j % 2 == 1 ? 4 : 2) * exp(-u * u / 2) / sqrt(2 * 3.14159265358979323846) * inner;
  }
  return sum * (to - from) / n / 3;
}

static const int64_t *counts_of(const eg_labelled *file, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL) {
    stop_with(name);
    return NULL;
  }
  return v->data;
}

static void law(void) {
  eg_labelled *const file =
      run_study("seed: 91\nmodel: {name: quadratic, curvature: [1, 1], noise: 1}\nstart: {point: [0, 0]}\nsteps: 1\n"
                "learning_rate: 1/2\nrealisations: 2^18\nnoise: gaussian64\ndynamics:\n"
                "  - {name: sgd, batch_size: 1, gradient_noise: {law: constant, covariance: [[1, 0.6], [0.6, 1]]}}\n"
                "observe:\n  at: {steps: [1]}\n  features: [x]\n"
                "  histograms: {feature: x, bins: 8, low: -1.5, high: 1.5}\n  joint_histograms: {of: x0, with: x1}\n");
  const int64_t *const joint = counts_of(file, "joint_x0_x1"), *const single = counts_of(file, "x_histogram");
  int64_t total = counts_of(file, "joint_x0_x1_outside")[0];
  const double n = REALISATIONS;
  for (size_t i = 0; i < BINS; i++) {
    int64_t row = 0;
    for (size_t k = 0; k < BINS; k++) {
      char what[40];
      const double p = probability(i, k, CORRELATION), count = (double)joint[i * BINS + k];
      (void)snprintf(what, sizeof what, "bin %zu, %zu", i, k);
      row += joint[i * BINS + k];
      if (n * p >= 50) {
        compare(false, what, count, sqrt(n * p * (1 - p)), n * p, n);
      }
      if (i == 5 && (k == 2 || k == 5)) {
        const double q = probability(i, k, 0), r = probability(i, k, -CORRELATION);
        compare(true, "independent", count, sqrt(n * q * (1 - q)), n * q, n);
        compare(true, "mirrored", count, sqrt(n * r * (1 - r)), n * r, n);
      }
    }
    total += row;
    CHECK(row <= single[i]); /* the rest is outside of the second grid */
  }
  CHECK(total == REALISATIONS);
  eg_labelled_free(file);
}

/* Bin of a value in the edges of a grid, -1 outside. */
static int bin_of(const double *low, const double *high, size_t n, double v) {
  for (size_t i = 0; i < n; i++) {
    if (v >= low[i] && v < high[i]) {
      return (int)i;
    }
  }
  return -1;
}

static void recount(void) {
  eg_labelled *const file =
      run_with(folder, "seed: 92\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[0.5], [4.1]]}\nsteps: 48\n"
                       "learning_rate: 1/8\ndynamics: {name: sgd, batch_size: 1}\nrealisations: 3000\ndiverged_limit: 1\n"
                       "observe:\n  at: {steps: [16, 48]}\n  features: [x, norm2]\n  histograms:\n    - {feature: x0, bins: 5}\n"
                       "    - {feature: norm2, bins: 7, scale: log}\n  joint_histograms: {of: norm2, with: x0}\n"
                       "  keep: {realisations: 3000}\n", true);
  static const char *const grids[4] = {"norm2_bin_low", "norm2_bin_high", "x0_bin_low", "x0_bin_high"};
  const double *g[4];
  for (int i = 0; i < 4; i++) {
    g[i] = eg_labelled_find(file, "/", grids[i])->data;
  }
  const double *const x = eg_labelled_find(file, "/", "x_path")->data, *const y = eg_labelled_find(file, "/", "norm2_path")->data;
  const int64_t *const joint = counts_of(file, "joint_norm2_x0"), *const outside = counts_of(file, "joint_norm2_x0_outside");
  int64_t n_lost = 0, n_outside = 0;
  for (size_t point = 0; point < 2; point++) {
    for (size_t t = 0; t < 2; t++) {
      int64_t count[7][5] = {{0}}, others = 0;
      for (size_t r = 0; r < 3000; r++) {
        const size_t at = (point * 3000 + r) * 2 + t;
        const int i = bin_of(g[0], g[1], 7, y[at]), k = bin_of(g[2], g[3], 5, x[at]);
        n_lost += isnan(x[at]);
        if (i >= 0 && k >= 0) {
          count[i][k]++;
        } else {
          others += !isnan(x[at]);
        }
      }
      CHECK(memcmp(count, joint + (point * 2 + t) * 35, sizeof count) == 0 && others == outside[point * 2 + t]);
      n_outside += others;
    }
  }
  CHECK(n_lost > 0 && n_outside > 0);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  law();
  recount();
  judge(50, 4);
  (void)rmdir(folder);
  return check_report();
}
