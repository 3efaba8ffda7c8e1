/*
 * Differences of groups, antithetic pairs and Richardson extrapolations against plain two-pass loops in long double over the kept
 * paths of the same run, all of whose realisations are kept: means, their errors, variances and their errors, gains. Control: twins
 * of other realisations, whose means are the same and whose errors are not.
 */
#include "physics/run_text.h"

typedef long double real;

enum { N = 3000, TIMES = 4 };
static char folder[] = "/tmp/ensgrad-groups-XXXXXX";
static eg_labelled *file;
static size_t n_compared;
static double largest_error;

static double number(const char *feature, const char *suffix, size_t at) {
  char name[64];
  (void)snprintf(name, sizeof name, "%s%s", feature, suffix);
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL || at >= eg_variable_size(v)) {
    stop_with(name);
    return 0;
  }
  return v->type == EG_TYPE_F64 ? ((const double *)v->data)[at] : (double)((const int64_t *)v->data)[at];
}

static bool is_near(double got, real want, real scale) {
  const double error = (double)(fabsl((real)got - want) / scale);
  return error < 1e-12;
}

static void compare_number(const char *what, double got, real want, real scale) {
  n_compared++;
  largest_error = fmax(largest_error, (double)(fabsl((real)got - want) / scale));
  if (!is_near(got, want, scale)) {
    fprintf(stderr, "%s: %.17g, reference %.17Lg\n", what, got, want);
  }
  CHECK(is_near(got, want, scale));
}

/* a u + b v of one realisation, v of another one where `shift` is not 0. */
typedef struct combination {
  size_t u, v, shift;
  real a, b;
} combination;

static real value(const char *feature, const combination *c, size_t r, size_t t) {
  const size_t q = (r + c->shift) % N;
  return c->a * number(feature, "_path", (c->u * N + r) * TIMES + t) + c->b * number(feature, "_path", (c->v * N + q) * TIMES + t);
}

/* mean, variance, and the error of the variance. */
typedef struct estimate {
  real mean, variance, spread;
} estimate;

static estimate reference(const char *feature, const combination c, size_t t) {
  real mean = 0, M2 = 0, M4 = 0;
  for (size_t r = 0; r < N; r++) {
    mean += value(feature, &c, r, t);
  }
  mean /= N;
  for (size_t r = 0; r < N; r++) {
    const real d = value(feature, &c, r, t) - mean;
    M2 += d * d;
    M4 += d * d * d * d;
  }
  const real s2 = M2 / (N - 1);
  return (estimate){mean, s2, sqrtl((M4 / N - (N - 3.0L) / (N - 1) * s2 * s2) / N)};
}

static void check_difference(const char *feature, size_t i, size_t t) {
  const size_t first = (size_t)number("difference", "_first_run", i), second = (size_t)number("difference", "_second_run", i), at = i * TIMES + t;
  const estimate a = reference(feature, (combination){first, second, 0, 1, 0}, t), b = reference(feature, (combination){first, second, 0, 0, 1}, t);
  const estimate d = reference(feature, (combination){first, second, 0, 1, -1}, t);
  const real size = fabsl(a.mean) + sqrtl(a.variance);
  CHECK(number(feature, "_difference_count", at) == N);
  compare_number("difference", number(feature, "_difference", at), d.mean, size);
  compare_number("its error", number(feature, "_difference_stderr", at), sqrtl(d.variance / N), sqrtl(a.variance / N));
  compare_number("its variance", number(feature, "_difference_variance", at), d.variance, a.variance);
  compare_number("error of the variance", number(feature, "_difference_variance_stderr", at), d.spread, a.spread);
  compare_number("unpaired", number(feature, "_difference_variance_unpaired", at), a.variance + b.variance, a.variance);
  compare_number("ratio", number(feature, "_difference_variance_ratio", at), (a.variance + b.variance) / d.variance,
                 (a.variance + b.variance) / d.variance * (a.variance / d.variance));
  if (i == 0) { /* the steps of the first are twice those of the second: 2 F - C */
    const estimate e = reference(feature, (combination){first, second, 0, -1, 2}, t);
    compare_number("extrapolation", number(feature, "_extrapolated", at), e.mean, size);
    compare_number("its error", number(feature, "_extrapolated_stderr", at), sqrtl(e.variance / N), sqrtl(a.variance / N));
    return;
  }
  const estimate pair = reference(feature, (combination){first, second, 0, 0.5L, 0.5L}, t);
  const estimate strangers = reference(feature, (combination){first, second, 1, 0.5L, 0.5L}, t);
  compare_number("pairs", number(feature, "_antithetic", at), pair.mean, size);
  compare_number("their error", number(feature, "_antithetic_stderr", at), sqrtl(pair.variance / N), sqrtl(a.variance / N));
  compare_number("gain", number(feature, "_antithetic_gain", at), (a.variance + b.variance) / 4 / pair.variance,
                 (a.variance + b.variance) / 4 / pair.variance * (a.variance / pair.variance));
  CHECK(is_near(number(feature, "_antithetic", at), strangers.mean, size));
  CHECK(!is_near(number(feature, "_antithetic_stderr", at), sqrtl(strangers.variance / N), sqrtl(a.variance / N)));
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  file = run_with(folder,
                  "seed: 53\nmodel: {name: geometric-brownian-motion, mu: 0.1, sigma: 0.4}\nstart: {point: 1}\nhorizon: 1\n"
                  "sweep: {time_step: [1/4, 1/8]}\ndynamics:\n  - {name: sde, scheme: euler-maruyama, label: levels}\n"
                  "  - {name: sde, scheme: milstein, label: twin}\ngroups:\n"
                  "  - {label: levels, members: levels, across: time_step, extrapolate: 1}\n"
                  "  - {label: pairs, members: twin, antithetic: true}\n"
                  "realisations: 3000\nobserve: {at: {linear: 4}, features: [x, norm2], keep: {realisations: 3000, of: [x, norm2]}}\n",
                  true);
  for (size_t i = 0; i < 3; i++) {
    for (size_t t = 0; t < TIMES; t++) {
      check_difference("x", i, t);
      check_difference("norm2", i, t);
    }
  }
  eg_labelled_free(file);
  (void)rmdir(folder);
  printf("%zu numbers, largest relative error %.1e\n", n_compared, largest_error);
  CHECK(n_compared == 208);
  return check_report();
}
