/*
 * Streamed statistics against plain two-pass loops in long double over the kept paths of the same run: time averages and their blocks
 * of every length, correlators of block means, squared displacements; two points, two components, lost trajectories, samples that
 * are not every step, windows that begin late and end early. Time averages with fewer than 64 trajectories and with more.
 */
#include "physics/run_text.h"

typedef long double real;

static char folder[] = "/tmp/ensgrad-streams-XXXXXX";
static eg_labelled *file;
static size_t n_compared;
static double largest_error;

static const void *array(const char *name, const char *suffix) {
  char full[80];
  (void)snprintf(full, sizeof full, "%s%s", name, suffix);
  const eg_variable *const v = eg_labelled_find(file, "/", full);
  if (v == NULL) {
    stop_with(full);
    return NULL;
  }
  return v->data;
}

static size_t last_extent(const char *name) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  return v == NULL ? 0 : v->shape[v->rank - 1];
}

static void compare_number(const char *what, size_t at, double got, real want, real scale) {
  const double error = (double)(fabsl((real)got - want) / scale);
  n_compared++;
  largest_error = fmax(largest_error, error);
  if (!(error < 1e-11)) {
    fprintf(stderr, "%s[%zu]: %.17g, reference %.17Lg\n", what, at, got, want);
  }
  CHECK(error < 1e-11);
}

/* Kept paths of every step: x (point, realisation, time, component). */
typedef struct paths {
  size_t points, realisations, times, dim;
  const double *x;
} paths;

/* What is sampled: step first + every k, k = 1 .. n. */
typedef struct window {
  size_t first, every, n;
} window;

static paths p;

static real x_at(size_t point, size_t r, size_t step, size_t component) {
  return p.x[((point * p.realisations + r) * p.times + step - 1) * p.dim + component];
}

static bool is_lost(size_t point, size_t r) {
  return isnan(p.x[((point * p.realisations + r) * p.times + p.times - 1) * p.dim]);
}

typedef real (*feature)(size_t point, size_t r, size_t step);

static real x0(size_t point, size_t r, size_t step) {
  return x_at(point, r, step, 0);
}
static real norm2(size_t point, size_t r, size_t step) {
  real sum = 0;
  for (size_t k = 0; k < p.dim; k++) {
    sum += x_at(point, r, step, k) * x_at(point, r, step, k);
  }
  return sum;
}
static real norm2_x0(size_t point, size_t r, size_t step) {
  real sum = 0;
  for (size_t k = 0; k < p.dim; k++) {
    sum += x_at(point, r, step, k) * x_at(point, r, step, k);
  }
  return sum * x0(point, r, step);
}

/* Mean of samples block x size + 1 .. (block + 1) x size. */
static real block_mean(feature f, window w, size_t point, size_t r, size_t size, size_t block) {
  real sum = 0;
  for (size_t i = 0; i < size; i++) {
    sum += f(point, r, w.first + (block * size + i + 1) * w.every);
  }
  return sum / (real)size;
}

/* Mean and variance over the trajectories that are not lost. */
typedef struct summary {
  real n, mean, variance;
} summary;

static summary summarise(size_t point, const real *v) {
  summary s = {0, 0, 0};
  for (size_t r = 0; r < p.realisations; r++) {
    s.n += !is_lost(point, r);
    s.mean += is_lost(point, r) ? 0 : v[r];
  }
  s.mean /= s.n;
  for (size_t r = 0; r < p.realisations; r++) {
    s.variance += is_lost(point, r) ? 0 : (v[r] - s.mean) * (v[r] - s.mean);
  }
  s.variance /= s.n - 1;
  return s;
}

/* value (points): what is reported where f is no more than what changes it. NULL: the mean of f. */
static void compare_average_of(const char *name, feature f, const real *value, window w) {
  const double *const mean = array(name, ""), *const between = array(name, "_between"), *const blocking = array(name, "_blocking");
  const double *const error = array(name, "_blocking_stderr"), *const chosen = array(name, "_stderr"), *const freedom = array(name, "_freedom");
  const double *const variance = array(name, "_variance"), *const effective = array(name, "_effective");
  const int64_t *const count = array(name, "_count"), *const block = array(name, "_block");
  char full[80];
  (void)snprintf(full, sizeof full, "%s_blocking", name);
  const size_t n_levels = last_extent(full);
  real *const v = calloc(p.realisations, sizeof *v);
  CHECK(w.n >> n_levels < 2 && w.n >> (n_levels - 1) >= 2);
  for (size_t point = 0; point < p.points; point++) {
    for (size_t r = 0; r < p.realisations; r++) {
      v[r] = block_mean(f, w, point, r, w.n, 0);
    }
    const summary all = summarise(point, v);
    CHECK(count[point] == (int64_t)all.n);
    compare_number(name, point, mean[point], value == NULL ? all.mean : value[point],
                   (value == NULL ? fabsl(all.mean) : fabsl(value[point])) + sqrtl(all.variance));
    compare_number(name, point, between[point], sqrtl(all.variance / all.n), sqrtl(all.variance / all.n));
    real of_one = 0, of_chosen = 0;
    for (size_t level = 0; level < n_levels; level++) {
      const size_t size = (size_t)1 << level, n_blocks = w.n / size;
      for (size_t r = 0; r < p.realisations; r++) {
        real m = 0, squares = 0;
        for (size_t i = 0; i < n_blocks; i++) {
          m += block_mean(f, w, point, r, size, i) / (real)n_blocks;
        }
        for (size_t i = 0; i < n_blocks; i++) {
          const real d = block_mean(f, w, point, r, size, i) - m;
          squares += d * d;
        }
        v[r] = squares / (real)(n_blocks - 1) * (real)size / (real)w.n;
      }
      const summary s = summarise(point, v);
      const real want = sqrtl(s.mean / all.n);
      compare_number(full, level, blocking[point * n_levels + level], want, want);
      compare_number(full, level, error[point * n_levels + level], sqrtl(s.variance / s.n) / s.mean * want / 2, want);
      of_one = level == 0 ? s.mean : of_one;
      of_chosen = size == (size_t)block[point] ? s.mean : of_chosen;
    }
    const bool is_between = all.n >= 64;
    CHECK(is_between == (block[point] == 0));
    const real V = is_between ? all.variance : of_chosen, total = of_one * (real)(w.n - 1) + V;
    compare_number("stderr", point, chosen[point], sqrtl(V / all.n), sqrtl(V / all.n));
    compare_number("variance", point, variance[point], total, total);
    compare_number("effective", point, effective[point], all.n * total / V, all.n * total / V);
    CHECK(freedom[point] == (double)(is_between ? all.n - 1 : all.n * ((real)(w.n / (size_t)block[point]) - 1)));
  }
  free(v);
}

static void compare_average(const char *name, feature f, window w) {
  compare_average_of(name, f, NULL, w);
}

/* Ratio of means, or covariance over the window, of f and g: its value, and what one sample changes it by. */
static real (*first)(size_t, size_t, size_t), (*second)(size_t, size_t, size_t);
static real weights[2][4]; /* of point: of f, g, f g, and 1 */

static real influence(size_t point, size_t r, size_t step) {
  const real f = first(point, r, step), g = second(point, r, step), *const c = weights[point];
  return c[0] * f + c[1] * g + c[2] * f * g + c[3];
}

static void compare_combined(const char *name, feature f, feature g, bool is_ratio, window w) {
  real values[2];
  first = f;
  second = g;
  for (size_t point = 0; point < p.points; point++) {
    real m[3];
    for (int series = 0; series < 3; series++) { /* means of f, g, f g */
      real *const v = calloc(p.realisations, sizeof *v);
      memcpy(weights[point], (const real[4]){series == 0, series == 1, series == 2, 0}, sizeof weights[point]);
      for (size_t r = 0; r < p.realisations; r++) {
        v[r] = block_mean(influence, w, point, r, w.n, 0);
      }
      m[series] = summarise(point, v).mean;
      free(v);
    }
    values[point] = is_ratio ? m[0] / m[1] : m[2] - m[0] * m[1];
    const real ratio[4] = {1 / m[1], -m[0] / m[1] / m[1], 0, 0}, covariance[4] = {-m[1], -m[0], 1, 2 * m[0] * m[1] - m[2]};
    memcpy(weights[point], is_ratio ? ratio : covariance, sizeof weights[point]);
  }
  compare_average_of(name, influence, values, w);
}

/* Lags of a multiple-tau scheme: level l has j 2^l. */
static void compare_correlator(const char *name, window w, size_t per_level, bool is_product) {
  const double *const mean = array(name, ""), *const variance = array(name, "_variance");
  const double *const connected = is_product ? array(name, "_connected") : NULL;
  const int64_t *const steps = array(name, "_lag_steps");
  const size_t n_lags = last_extent(name);
  real *const v = calloc(p.realisations, sizeof *v);
  for (size_t point = 0; point < p.points; point++) {
    for (size_t r = 0; r < p.realisations; r++) {
      v[r] = block_mean(x0, w, point, r, w.n, 0);
    }
    const summary all = summarise(point, v);
    size_t i = 0;
    for (size_t size = 1; size <= w.n / 2; size *= 2) {
      const size_t n_blocks = w.n / size;
      for (size_t j = size > 1 ? per_level / 2 : !is_product; j < per_level && j * size <= w.n / 2; j++, i++) {
        CHECK(i < n_lags && steps[i] == (int64_t)(j * size * w.every));
        for (size_t r = 0; r < p.realisations; r++) {
          v[r] = 0;
          for (size_t k = 0; k + j < n_blocks; k++) {
            if (is_product) {
              v[r] += block_mean(x0, w, point, r, size, k) * block_mean(x0, w, point, r, size, k + j);
            } else {
              for (size_t c = 0; c < p.dim; c++) {
                const real d = x_at(point, r, w.first + (k + j + 1) * size * w.every, c) - x_at(point, r, w.first + (k + 1) * size * w.every, c);
                v[r] += d * d;
              }
            }
          }
          v[r] /= (real)(n_blocks - j);
        }
        const summary s = summarise(point, v);
        compare_number(name, i, mean[point * n_lags + i], s.mean, fabsl(s.mean) + sqrtl(s.variance));
        compare_number(name, i, variance[point * n_lags + i], s.variance, s.variance);
        if (is_product) {
          compare_number(name, i, connected[point * n_lags + i], s.mean - all.mean * all.mean, s.mean + all.mean * all.mean + sqrtl(s.variance));
        }
      }
    }
    CHECK(i == n_lags);
  }
  free(v);
}

/* Two points in a double well, from which trajectories are lost; 200 steps, all of them kept. */
static void check_study(size_t realisations, size_t least_lost) {
  char text[2000];
  (void)snprintf(text, sizeof text,
                 "seed: 12\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[0.5], [4.1]]}\nlearning_rate: 1/8\n"
                 "steps: 200\ndynamics: {name: sgd, batch_size: 1}\nrealisations: %zu\ndiverged_limit: 1\n"
                 "observe:\n  at: {steps: {linear: 200}}\n  features: [x]\n  keep: {realisations: %zu, of: [x]}\n  paths:\n"
                 "    - {statistic: time-average, name: all}\n"
                 "    - {statistic: time-average, name: part, feature: norm2, with: x0, every: 3, from: 2.5, to: 20}\n"
                 "    - {statistic: correlator, name: products, values: 6}\n"
                 "    - {statistic: correlator, name: late, every: 2, from: 5}\n"
                 "    - {statistic: correlator-msd, name: squares}\n"
                 "    - {statistic: correlator-msd, name: few, values: 4, every: 5, to: 22.5}\n"
                 "    - {statistic: time-average, name: ratio, feature: x0, with: norm2, combine: ratio, from: 2.5}\n"
                 "    - {statistic: time-average, name: variance, combine: covariance, every: 3, from: 2.5, to: 20}\n",
                 realisations, realisations);
  file = run_with(folder, text, true);
  p = (paths){2, realisations, 200, 1, array("x", "_path")};
  size_t n_lost = 0;
  for (size_t r = 0; r < realisations; r++) {
    n_lost += is_lost(1, r);
  }
  printf("%zu of %zu lost\n", n_lost, realisations);
  CHECK(n_lost >= least_lost && n_lost < realisations);
  compare_average("path_all", x0, (window){0, 1, 200});
  compare_average("path_part", norm2_x0, (window){20, 3, 46});
  compare_correlator("path_products", (window){0, 1, 200}, 6, true);
  compare_correlator("path_late", (window){40, 2, 80}, 16, true);
  compare_correlator("path_squares", (window){0, 1, 200}, 16, false);
  compare_correlator("path_few", (window){0, 5, 36}, 4, false);
  compare_combined("path_ratio", x0, norm2, true, (window){20, 1, 180});
  compare_combined("path_variance", x0, x0, false, (window){20, 3, 46});
  eg_labelled_free(file);
}

/* Two components. */
static void check_plane(void) {
  file = run_text(folder, "seed: 5\nmodel: {name: quadratic, curvature: [1, 0.25], noise: [0.5, 0.5]}\nstart: {points: [[1, -2]]}\nlearning_rate: 1/8\nsteps: 96\n"
                          "dynamics: {name: sme1, batch_size: 4, scheme: euler-maruyama, substeps: 2}\nrealisations: 150\nobserve:\n"
                          "  at: {steps: {linear: 96}}\n  features: [x]\n  keep: {realisations: 150}\n  paths:\n"
                          "    - {statistic: time-average, name: all, feature: norm2, with: x0}\n"
                          "    - {statistic: correlator-msd, name: squares}\n    - {statistic: correlator, name: products}\n"
                          "    - {statistic: time-average, name: both, feature: norm2, with: x0, combine: covariance}\n");
  p = (paths){1, 150, 96, 2, array("x", "_path")};
  compare_average("path_all", norm2_x0, (window){0, 1, 96});
  compare_combined("path_both", norm2, x0, false, (window){0, 1, 96});
  compare_correlator("path_products", (window){0, 1, 96}, 16, true);
  compare_correlator("path_squares", (window){0, 1, 96}, 16, false);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("temporary folder");
  }
  check_study(40, 2);
  check_study(300, 20);
  check_plane();
  (void)rmdir(folder);
  printf("%zu numbers, largest relative error %.1e\n", n_compared, largest_error);
  CHECK(n_compared > 500);
  return check_report();
}
