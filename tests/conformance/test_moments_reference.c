/*
 * Moments and covariances of features at every observation against plain two-pass loops in long double over the kept paths of the
 * same run, all of whose realisations are kept: count, mean, its error, variance and its error, skewness, kurtosis, covariance between
 * all columns; with lost trajectories, two points, several components, features made of x, and more than one block of tiles.
 */
#include "physics/run_text.h"

typedef long double real;

static char folder[] = "/tmp/ensgrad-moments-XXXXXX";
static eg_labelled *file;
static size_t n_compared;
static double largest_error;

static const void *array(const char *feature, const char *suffix) {
  char name[64];
  (void)snprintf(name, sizeof name, "%s%s", feature, suffix);
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL) {
    stop_with(name);
    return NULL;
  }
  return v->data;
}

static void compare_number(const char *what, double got, real want, real scale) {
  const double error = (double)(fabsl((real)got - want) / scale);
  n_compared++;
  largest_error = fmax(largest_error, error);
  if (!(error < 1e-12)) {
    fprintf(stderr, "%s: %.17g, reference %.17Lg\n", what, got, want);
  }
  CHECK(error < 1e-12);
}

/* Kept: (point, realisation, time, component). */
typedef struct paths {
  size_t points, realisations, times, dim;
} paths;

static real value(const paths *p, const char *feature, size_t point, size_t r, size_t t, size_t c) {
  const size_t width = strcmp(feature, "x") == 0 ? p->dim : 1;
  return ((const double *)array(feature, "_path"))[((point * p->realisations + r) * p->times + t) * width + c];
}

/* Sums of powers about the mean. */
static void reference(const paths *p, const char *feature, size_t point, size_t t, size_t c) {
  const size_t width = strcmp(feature, "x") == 0 ? p->dim : 1, at = (point * p->times + t) * width + c;
  real n = 0, mean = 0, M[5] = {0};
  for (size_t r = 0; r < p->realisations; r++) {
    const real v = value(p, feature, point, r, t, c);
    n += !isnan(v);
    mean += isnan(v) ? 0 : v;
  }
  mean /= n;
  for (size_t r = 0; r < p->realisations; r++) {
    const real d = value(p, feature, point, r, t, c) - mean;
    for (int k = 2; k <= 4 && !isnan(d); k++) {
      M[k] += powl(d, k);
    }
  }
  const real s2 = M[2] / (n - 1), spread = (M[4] / n - (n - 3) / (n - 1) * s2 * s2) / n;
  CHECK(((const int64_t *)array(feature, "_count"))[at] == (int64_t)n);
  compare_number("mean", ((const double *)array(feature, ""))[at], mean, fabsl(mean) + sqrtl(s2));
  compare_number("stderr", ((const double *)array(feature, "_stderr"))[at], sqrtl(s2 / n), sqrtl(s2 / n));
  compare_number("variance", ((const double *)array(feature, "_variance"))[at], s2, s2);
  compare_number("error of the variance", ((const double *)array(feature, "_variance_stderr"))[at], sqrtl(spread), sqrtl(spread));
  compare_number("skewness", ((const double *)array(feature, "_skewness"))[at], sqrtl(n) * M[3] / powl(M[2], 1.5L), 1);
  compare_number("kurtosis", ((const double *)array(feature, "_kurtosis"))[at], n * M[4] / M[2] / M[2], n * M[4] / M[2] / M[2]);
}

/* Columns: x, then the others in the study's order. */
static void covariances(const paths *p, const char *const *features, size_t n_features) {
  const size_t d = p->dim + n_features - 1;
  const double *const got = array("covariance", "");
  for (size_t i = 0; i < p->points * p->times * d * d; i++) {
    const size_t point = i / d / d / p->times, t = i / d / d % p->times, column[2] = {i / d % d, i % d};
    const char *name[2];
    size_t component[2];
    real n = 0, mean[2] = {0, 0}, sum[3] = {0, 0, 0};
    for (int k = 0; k < 2; k++) {
      name[k] = features[column[k] < p->dim ? 0 : column[k] - p->dim + 1];
      component[k] = column[k] < p->dim ? column[k] : 0;
    }
    for (int pass = 0; pass < 2; pass++) {
      for (size_t r = 0; r < p->realisations; r++) {
        const real a = value(p, name[0], point, r, t, component[0]), b = value(p, name[1], point, r, t, component[1]);
        if (isnan(a) || isnan(b)) {
          continue;
        }
        n += pass == 0;
        mean[0] += pass == 0 ? a : 0;
        mean[1] += pass == 0 ? b : 0;
        sum[0] += pass == 1 ? (a - mean[0]) * (b - mean[1]) : 0;
        sum[1] += pass == 1 ? (a - mean[0]) * (a - mean[0]) : 0;
        sum[2] += pass == 1 ? (b - mean[1]) * (b - mean[1]) : 0;
      }
      mean[0] /= pass == 0 ? n : 1;
      mean[1] /= pass == 0 ? n : 1;
    }
    compare_number("covariance", got[i], sum[0] / (n - 1), sqrtl(sum[1] * sum[2]) / (n - 1));
  }
}

static void check(const char *study, paths p, size_t least_lost) {
  static const char *const features[] = {"x", "norm2", "loss"};
  file = run_with(folder, study, true);
  size_t n_lost = 0;
  for (size_t r = 0; r < p.realisations; r++) {
    n_lost += isnan((double)value(&p, "x", p.points - 1, r, p.times - 1, 0));
  }
  CHECK(n_lost >= least_lost && n_lost < p.realisations);
  for (size_t f = 0; f < 3; f++) {
    for (size_t i = 0; i < p.points * p.times * (f == 0 ? p.dim : 1); i++) {
      const size_t width = f == 0 ? p.dim : 1;
      reference(&p, features[f], i / width / p.times, i / width % p.times, i % width);
    }
  }
  covariances(&p, features, 3);
  printf("%zu lost\n", n_lost);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("temporary folder");
  }
  check("seed: 14\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[0.5], [4.1]]}\nlearning_rate: 1/8\nsteps: 60\n"
        "dynamics: {name: sgd, batch_size: 1}\nrealisations: 3000\ndiverged_limit: 1\nobserve:\n  at: {steps: [4, 20, 60]}\n"
        "  features: [x, norm2, loss]\n  statistics: [moments, covariance]\n  keep: {realisations: 3000}\n",
        (paths){2, 3000, 3, 1}, 200);
  check("seed: 15\nmodel: {name: quadratic, curvature: [1, 0.25], noise: [0.5, 2], multiplicative: [0.5, 0]}\nstart: {point: [100, -3]}\n"
        "learning_rate: 1/8\nsteps: 40\ndynamics: {name: sgd, batch_size: 1}\nrealisations: 9001\nobserve:\n  at: {steps: [1, 40]}\n"
        "  features: [x, norm2, loss]\n  statistics: [moments, covariance]\n  keep: {realisations: 9001}\n",
        (paths){1, 9001, 2, 2}, 0);
  (void)rmdir(folder);
  printf("%zu numbers, largest relative error %.1e\n", n_compared, largest_error);
  CHECK(n_compared > 150);
  return check_report();
}
