/*
 * Statistics of paths against plain two-pass loops in long double over the kept paths of the same run: mean, variance,
 * kurtosis, covariance between lags; with lost trajectories, two points, and a dimension above 1.
 */
#include "physics/run_text.h"

typedef long double real;

static char folder[] = "/tmp/ensgrad-paths-XXXXXX";
static eg_labelled *file;
static size_t n_compared;
static double largest_error;

static const double *array(const char *name) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL) {
    stop_with(name);
    return NULL;
  }
  return v->data;
}

static size_t extent(const char *name, int axis) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  return v == NULL || axis >= v->rank ? 0 : v->shape[axis];
}

/* The kept paths of x: (run, point, realisation, time, component). */
typedef struct paths {
  size_t runs, points, realisations, times, dim;
  const double *x;
  const double *start; /* (points, dim) */
} paths;

static const double *at(const paths *p, size_t run, size_t point, size_t r, size_t t) {
  return p->x + ((((run * p->points + point) * p->realisations + r) * p->times + t) * p->dim);
}

static bool is_lost(const paths *p, size_t run, size_t point, size_t r) {
  return isnan(at(p, run, point, r, p->times - 1)[0]);
}

/* D(a, b) . D(c, d); a = c = SIZE_MAX: from the start. */
static real product(const paths *p, size_t run, size_t point, size_t r, size_t a, size_t b, size_t c, size_t d) {
  real sum = 0;
  for (size_t k = 0; k < p->dim; k++) {
    const real xa = a == SIZE_MAX ? (real)p->start[point * p->dim + k] : (real)at(p, run, point, r, a)[k];
    const real xc = c == SIZE_MAX ? (real)p->start[point * p->dim + k] : (real)at(p, run, point, r, c)[k];
    sum += ((real)at(p, run, point, r, b)[k] - xa) * ((real)at(p, run, point, r, d)[k] - xc);
  }
  return sum;
}

typedef real (*value_of_path)(const paths *p, size_t run, size_t point, size_t r, size_t lag, double power);

static size_t spacing, origin; /* of the statistic in hand: steps between observations; index of the origin */

static real from_start(const paths *p, size_t run, size_t point, size_t r, size_t lag, double power) {
  const real v = product(p, run, point, r, SIZE_MAX, lag, SIZE_MAX, lag);
  return powl(v, power / 2);
}
static real from_origin(const paths *p, size_t run, size_t point, size_t r, size_t lag, double power) {
  const size_t b = origin + 1 + lag;
  return powl(product(p, run, point, r, origin, b, origin, b), power / 2);
}
static const int64_t *lag_steps;
static real windows(const paths *p, size_t run, size_t point, size_t r, size_t lag, double power) {
  const size_t n = (size_t)lag_steps[lag] / spacing;
  real sum = 0;
  for (size_t i = 0; i + n < p->times; i++) {
    sum += product(p, run, point, r, i, i + n, i, i + n);
  }
  (void)power;
  return sum / (real)(p->times - n);
}
static real velocities(const paths *p, size_t run, size_t point, size_t r, size_t lag, double power) {
  const size_t n = (size_t)lag_steps[lag] / spacing;
  real sum = 0;
  size_t count = 0;
  for (size_t i = 0; i + n + 1 < p->times; i++, count++) {
    sum += product(p, run, point, r, i, i + 1, i + n, i + n + 1);
  }
  (void)power;
  return sum / (real)count;
}
static real one_velocity(const paths *p, size_t run, size_t point, size_t r, size_t lag, double power) {
  const size_t n = (size_t)lag_steps[lag] / spacing;
  (void)power;
  return product(p, run, point, r, origin, origin + 1, origin + n, origin + n + 1);
}
static real norm2(const paths *p, size_t run, size_t point, size_t r, size_t lag, double power) {
  real sum = 0;
  for (size_t k = 0; k < p->dim; k++) {
    sum += (real)at(p, run, point, r, lag)[k] * (real)at(p, run, point, r, lag)[k];
  }
  (void)power;
  return sum;
}

static void compare_number(const char *what, double got, real want, real scale) {
  const double error = (double)(fabsl((real)got - want) / scale);
  n_compared++;
  largest_error = fmax(largest_error, error);
  if (!(error < 1e-11)) {
    fprintf(stderr, "%s: %.17g, reference %.17Lg\n", what, got, want);
  }
  CHECK(error < 1e-11);
}

/* Variables path_NAME.. over (run, point, lag[, power]). */
static void compare_statistic(const paths *p, const char *name, value_of_path value, bool has_covariance) {
  char mean[64], variance[64], kurtosis[64], covariance[64], count[64], steps[64], powers[64];
  (void)snprintf(mean, sizeof mean, "path_%s", name);
  (void)snprintf(variance, sizeof variance, "path_%s_variance", name);
  (void)snprintf(kurtosis, sizeof kurtosis, "path_%s_kurtosis", name);
  (void)snprintf(covariance, sizeof covariance, "path_%s_covariance", name);
  (void)snprintf(count, sizeof count, "path_%s_count", name);
  (void)snprintf(steps, sizeof steps, "path_%s_lag_steps", name);
  (void)snprintf(powers, sizeof powers, "path_%s_power", name);
  const int axis = p->points > 1 ? 2 : 1;
  const size_t n_lags = extent(mean, axis), n_powers = extent(mean, axis + 1) > 0 ? extent(mean, axis + 1) : 1;
  const double *const power = n_powers > 1 ? array(powers) : (const double[]){2};
  CHECK(n_lags > 1);
  for (size_t run = 0; run < p->runs; run++) {
    lag_steps = (const int64_t *)(const void *)array(steps) + run * n_lags;
    for (size_t point = 0; point < p->points; point++) {
      const size_t cell = run * p->points + point;
      real *const values = malloc(p->realisations * n_lags * sizeof *values);
      real *const means = calloc(n_lags, sizeof *means), *const sizes = calloc(n_lags, sizeof *sizes);
      for (size_t k = 0; k < n_powers; k++) {
        real n = 0;
        memset(means, 0, n_lags * sizeof *means);
        for (size_t r = 0; r < p->realisations; r++) {
          n += !is_lost(p, run, point, r);
          for (size_t lag = 0; lag < n_lags && !is_lost(p, run, point, r); lag++) {
            means[lag] += values[r * n_lags + lag] = value(p, run, point, r, lag, power[k]);
          }
        }
        CHECK(((const int64_t *)(const void *)array(count))[cell] == (int64_t)n);
        for (size_t f = 0; f < n_lags; f++) {
          means[f] /= n;
        }
        for (size_t f = 0; f < n_lags; f++) {
          real squares = 0, fourths = 0;
          for (size_t r = 0; r < p->realisations; r++) {
            const real d = is_lost(p, run, point, r) ? 0 : values[r * n_lags + f] - means[f];
            squares += d * d;
            fourths += d * d * d * d;
          }
          const size_t i = (cell * n_lags + f) * n_powers + k;
          sizes[f] = sqrtl(squares / (n - 1));
          compare_number(mean, array(mean)[i], means[f], fabsl(means[f]) + sizes[f]);
          compare_number(variance, array(variance)[i], squares / (n - 1), squares / (n - 1));
          compare_number(kurtosis, array(kurtosis)[i], n * fourths / (squares * squares), n * fourths / (squares * squares));
        }
        for (size_t f = 0; has_covariance && f < n_lags; f++) {
          for (size_t g = 0; g < n_lags; g++) {
            real sum = 0;
            for (size_t r = 0; r < p->realisations; r++) {
              sum += is_lost(p, run, point, r)
                         ? 0
                         : (values[r * n_lags + f] - means[f]) * (values[r * n_lags + g] - means[g]);
            }
            compare_number(covariance, array(covariance)[(cell * n_lags + f) * n_lags + g], sum / (n - 1), sizes[f] * sizes[g]);
          }
        }
      }
      free(values);
      free(means);
      free(sizes);
    }
  }
}

/* ---- features of several points together, and waves ---- */

static size_t n_points_lost(const paths *p, size_t run, size_t r) {
  size_t n = 0;
  for (size_t point = 0; point < p->points; point++) {
    n += is_lost(p, run, point, r);
  }
  return n;
}

typedef real (*value_of_cell)(const paths *p, size_t run, size_t r, const size_t *at);

/* Mean, variance and kurtosis of variable path_NAME<part> at flat place `i` over the realisations that count at all points. */
static void compare_cell(const paths *p, const char *name, size_t i, size_t run, value_of_cell value, const size_t *at,
                         bool is_of_one_point) {
  char full[3][64];
  real n = 0, mean = 0, squares = 0, fourths = 0;
  (void)snprintf(full[0], sizeof full[0], "path_%s", name);
  (void)snprintf(full[1], sizeof full[1], "path_%s_variance", name);
  (void)snprintf(full[2], sizeof full[2], "path_%s_kurtosis", name);
  for (int pass = 0; pass < 2; pass++) {
    for (size_t r = 0; r < p->realisations; r++) {
      if (is_of_one_point ? is_lost(p, run, at[0], r) : n_points_lost(p, run, r) > 0) {
        continue;
      }
      const real v = value(p, run, r, at), d = v - mean;
      n += pass == 0;
      (void)(pass == 0 ? (squares += v) : (squares += d * d, fourths += d * d * d * d));
    }
    if (pass == 0) {
      mean = squares / n;
      squares = 0;
    }
  }
  compare_number(full[0], array(full[0])[i], mean, fabsl(mean) + sqrtl(squares / n));
  compare_number(full[1], array(full[1])[i], squares / (n - 1), squares / (n - 1));
  compare_number(full[2], array(full[2])[i], n * fourths / (squares * squares), n * fourths / (squares * squares));
}

static real component(const paths *p, size_t run, size_t point, size_t r, size_t t) {
  return (real)at(p, run, point, r, t)[0];
}
static real squared_norm(const paths *p, size_t run, size_t point, size_t r, size_t t) {
  return norm2(p, run, point, r, t, 2);
}

/* at: point, time */
static real single(const paths *p, size_t run, size_t r, const size_t *at) {
  return component(p, run, at[0], r, at[1]);
}
/* at: point, point, time; x0 of the first times norm2 of the second, which stays at the origin */
static real product_of_two(const paths *p, size_t run, size_t r, const size_t *at) {
  return component(p, run, at[0], r, at[2]) * squared_norm(p, run, at[1], r, origin);
}
static real distance_cubed(const paths *p, size_t run, size_t r, const size_t *at) {
  return powl(fabsl(component(p, run, at[0], r, at[2]) - component(p, run, at[1], r, at[2])), 3);
}
/* at: point, time */
static real cosine(const paths *p, size_t run, size_t r, const size_t *at) {
  return cosl(-1.75L * component(p, run, at[0], r, at[1]));
}
static real sine(const paths *p, size_t run, size_t r, const size_t *at) {
  return sinl(-1.75L * component(p, run, at[0], r, at[1]));
}

/* Sum over realisations of the product of deviations of a value each, over n - 1. */
static real reference_covariance(const paths *p, size_t run, value_of_cell f, const size_t *at_f, value_of_cell g,
                                 const size_t *at_g) {
  real n = 0, mean_f = 0, mean_g = 0, sum = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (size_t r = 0; r < p->realisations; r++) {
      if (n_points_lost(p, run, r) == 0) {
        const real u = f(p, run, r, at_f), v = g(p, run, r, at_g);
        (void)(pass == 0 ? (n += 1, mean_f += u, mean_g += v) : (sum += (u - mean_f) * (v - mean_g)));
      }
    }
    if (pass == 0) {
      mean_f /= n;
      mean_g /= n;
    }
  }
  return sum / (n - 1);
}

static real norm2_at_origin(const paths *p, size_t run, size_t r, const size_t *at) {
  return squared_norm(p, run, at[0], r, origin);
}

/* Every cell with every fifth one. */
static void compare_m_point(const paths *p) {
  const size_t n = p->points * p->times;
  for (size_t run = 0; run < p->runs; run++) {
    for (size_t i = 0; i < n; i++) {
      const size_t one[2] = {i / p->times, i % p->times}, cell = run * n + i;
      compare_cell(p, "m_point", cell, run, single, one, false);
      const real ff = reference_covariance(p, run, single, one, single, one);
      for (size_t k = i % 5; k < n; k += 5) {
        const size_t other[2] = {k / p->times, k % p->times};
        compare_number("covariance", array("path_m_point_covariance")[cell * n + k],
                       reference_covariance(p, run, single, one, single, other),
                       sqrtl(ff * reference_covariance(p, run, single, other, single, other)));
      }
    }
  }
}

static void compare_points(const paths *p) {
  for (size_t run = 0; run < p->runs; run++) {
    for (size_t a = 0; a < p->points; a++) {
      for (size_t t = 0; t < p->times; t++) {
        const size_t one[2] = {a, t}, cell = (run * p->points + a) * p->times + t;
        compare_cell(p, "wave_real", cell * 2, run, cosine, one, true); /* arguments -1.75 and 1 */
        compare_cell(p, "wave_imaginary", cell * 2, run, sine, one, true);
        for (size_t b = 0; b < p->points; b++) {
          const size_t two[3] = {a, b, t}, place = ((run * p->points + a) * p->points + b) * p->times + t;
          const real fg = reference_covariance(p, run, single, one, norm2_at_origin, &b);
          const real ff = reference_covariance(p, run, single, one, single, one);
          const real gg = reference_covariance(p, run, norm2_at_origin, &b, norm2_at_origin, &b);
          compare_cell(p, "product", place, run, product_of_two, two, false);
          compare_number("connected", array("path_product_connected")[place], fg, sqrtl(ff * gg));
          compare_number("correlation", array("path_product_correlation")[place], fg / sqrtl(ff * gg), 1);
          if (a != b) {
            compare_cell(p, "distance", place * 2 + 1, run, distance_cubed, two, false); /* powers 1/2 and 3 */
          }
          CHECK(a != b || array("path_distance")[place * 2 + 1] == 0);
        }
      }
    }
  }
}

static paths kept(const double *start) {
  const eg_variable *const v = eg_labelled_find(file, "/", "x_path");
  paths p = {0, 1, 0, 0, 0, NULL, start};
  if (v == NULL) {
    stop_with("x_path");
    return p;
  }
  int i = 0;
  p.runs = v->shape[i++];
  p.points = v->rank == 5 ? v->shape[i++] : 1;
  p.realisations = v->shape[i++];
  p.times = v->shape[i++];
  p.dim = v->shape[i];
  p.x = v->data;
  return p;
}

/* Two points, one of which loses trajectories; more than one tile and a last one that is not full. */
static void test_lost(void) {
  static const double start[] = {0.5, 4.1};
  file = run_text(folder, "seed: 78\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[0.5], [4.1]]}\nsteps: 96\n"
                          "learning_rate: 1/8\ndynamics: [{name: sgd, batch_size: 1}, {name: sme2, substeps: 2}]\n"
                          "realisations: 1000\ndiverged_limit: 1\nobserve:\n  at: {steps: {linear: 24}}\n  features: [x]\n"
                          "  keep: {realisations: 1000, of: x}\n  paths:\n    - {statistic: msd}\n"
                          "    - {statistic: msd, name: aged, origin: 40}\n    - {statistic: moments, powers: [0.5, 1, 4]}\n"
                          "    - {statistic: velocity, lags: [0, 4, 8]}\n"
                          "    - {statistic: velocity, name: first, origin: 8}\n    - {statistic: time-averaged-msd}\n"
                          "    - {statistic: two-time, feature: norm2}\n");
  const paths p = kept(start);
  CHECK(p.realisations == 1000 && p.times == 24 && p.points == 2);
  spacing = 4;
  compare_statistic(&p, "msd", from_start, true);
  origin = 9; /* step 40 */
  compare_statistic(&p, "aged", from_origin, true);
  compare_statistic(&p, "moments", from_start, false);
  compare_statistic(&p, "velocity", velocities, false);
  origin = 1;
  compare_statistic(&p, "first", one_velocity, false);
  compare_statistic(&p, "time_averaged_msd", windows, true);
  compare_statistic(&p, "two_time", norm2, true);
  eg_labelled_free(file);
}

/* -x0 at the origin, the 300 largest: rank by counting how many come before, and the share of the largest. */
static void compare_tail(const paths *p) {
  const int64_t *const whose = (const int64_t *)(const void *)array("path_tail_largest_realisation");
  for (size_t row = 0; row < p->runs * p->points; row++) {
    const size_t run = row / p->points, point = row % p->points;
    size_t n = 0;
    real sum = 0, squares = 0, largest = 0;
    for (size_t r = 0; r < p->realisations; r++) {
      size_t rank = 0;
      if (is_lost(p, run, point, r)) {
        continue;
      }
      const double v = -at(p, run, point, r, origin)[0];
      for (size_t q = 0; q < p->realisations; q++) {
        const double w = -at(p, run, point, q, origin)[0];
        rank += !is_lost(p, run, point, q) && (w > v || (w == v && q < r));
      }
      n++;
      sum += fabsl((real)v);
      squares += (real)v * v;
      largest = rank == 0 ? v : largest;
      if (rank < 300) {
        CHECK(array("path_tail_largest")[row * 300 + rank] == v && whose[row * 300 + rank] == (int64_t)r);
        n_compared++;
      }
    }
    CHECK(((const int64_t *)(const void *)array("path_tail_count"))[row] == (int64_t)n);
    CHECK(n >= 300 || whose[row * 300 + 299] == -1);
    compare_number("share", array("path_tail_share")[row], fabsl(largest) / sum, 1);
    compare_number("share of squares", array("path_tail_square_share")[row], largest * largest / squares, 1);
  }
}

/* The same losses in statistics of both points together, and in waves. */
static void test_points(void) {
  file = run_text(folder, "seed: 79\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[0.5], [4.1]]}\nsteps: 96\n"
                          "learning_rate: 1/8\ndynamics: [{name: sgd, batch_size: 1}, {name: sme2, substeps: 2}]\n"
                          "realisations: 1000\ndiverged_limit: 1\nobserve:\n  at: {steps: {linear: 12}}\n  features: [x]\n"
                          "  keep: {realisations: 1000, of: x}\n  paths:\n    - {statistic: m-point}\n"
                          "    - {statistic: product, feature: x0, with: norm2, origin: 24}\n"
                          "    - {statistic: distance, powers: [0.5, 3]}\n"
                          "    - {statistic: characteristic, name: wave, arguments: [-1.75, 1]}\n"
                          "    - {statistic: tail, feature: x0, side: lower, largest: 300, origin: 24}\n");
  const paths p = kept(NULL);
  size_t n_lost = 0;
  for (size_t r = 0; r < p.realisations; r++) {
    n_lost += n_points_lost(&p, 0, r) > 0;
  }
  CHECK(p.points == 2 && p.times == 12 && n_lost > 0 && n_lost < p.realisations);
  CHECK(((const int64_t *)(const void *)array("path_product_count"))[0] == (int64_t)(p.realisations - n_lost));
  origin = 2; /* step 24 */
  compare_m_point(&p);
  compare_points(&p);
  compare_tail(&p);
  eg_labelled_free(file);
}

/* More times, and points with times, than the covariance by pairs takes: a product of matrices, with rows beyond whole blocks. */
static void test_wide(void) {
  file = run_text(folder, "seed: 81\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[0.5], [4.1]]}\nsteps: 71\n"
                          "learning_rate: 1/8\ndynamics: {name: sgd, batch_size: 1}\nrealisations: 700\ndiverged_limit: 1\nobserve:\n"
                          "  at: {steps: {linear: 71}}\n  features: [x]\n  keep: {realisations: 700, of: x}\n  paths:\n"
                          "    - {statistic: two-time, feature: norm2}\n    - {statistic: m-point}\n");
  const paths p = kept(NULL);
  CHECK(p.times == 71 && p.points == 2);
  compare_statistic(&p, "two_time", norm2, true);
  compare_m_point(&p);
  eg_labelled_free(file);
}

/* More than 256 of them. */
static void test_wider(void) {
  file = run_text(folder, "seed: 82\nmodel: {name: double-well, sigma: 1}\nstart: {point: 0.5}\nsteps: 273\n"
                          "learning_rate: 1/8\ndynamics: {name: sgd, batch_size: 1}\nrealisations: 150\ndiverged_limit: 1\nobserve:\n"
                          "  at: {steps: {linear: 273}}\n  features: [x]\n  keep: {realisations: 150, of: x}\n  paths:\n"
                          "    - {statistic: two-time, feature: norm2}\n");
  const paths p = kept(NULL);
  CHECK(p.times == 273 && p.points == 1);
  compare_statistic(&p, "two_time", norm2, true);
  eg_labelled_free(file);
}

/* Members of a group, and a run beside it. */
static void test_group(void) {
  static const double start[] = {0.5};
  file = run_text(folder, "seed: 80\nmodel: {name: double-well, sigma: 1}\nstart: {point: 0.5}\nsteps: 64\nlearning_rate: 1/8\n"
                          "dynamics:\n  - {name: sme1, scheme: euler-maruyama, label: coarse, substeps: 2}\n"
                          "  - {name: sme1, scheme: euler-maruyama, label: fine, substeps: 4}\n  - {name: sgd, batch_size: 1}\n"
                          "groups: [{label: pair, members: [coarse, fine]}]\nrealisations: 1000\nobserve:\n"
                          "  at: {steps: {linear: 16}}\n  features: [x]\n  keep: {realisations: 1000, of: x}\n  paths:\n"
                          "    - {statistic: msd}\n    - {statistic: time-averaged-msd}\n"
                          "    - {statistic: two-time, feature: norm2}\n");
  const paths p = kept(start);
  CHECK(p.runs == 3 && p.times == 16);
  spacing = 4;
  compare_statistic(&p, "msd", from_start, true);
  compare_statistic(&p, "time_averaged_msd", windows, true);
  compare_statistic(&p, "two_time", norm2, true);
  eg_labelled_free(file);
}

/* Three components; origin and powers together; named lags. */
static void test_vector(void) {
  static const double start[] = {1, -0.5};
  file = run_text(folder, "seed: 9\nmodel: {name: quadratic, curvature: [1, 0.25]}\nstart: {point: [1, -0.5]}\nsteps: 40\n"
                          "learning_rate: 1/4\ndynamics: [{name: sgd, batch_size: 1}]\nrealisations: 5000\nobserve:\n"
                          "  at: {steps: {linear: 20}}\n  features: [x]\n  keep: {realisations: 5000, of: x}\n  paths:\n"
                          "    - {statistic: moments, origin: 4, powers: [1.5, 2, 3, 4]}\n"
                          "    - {statistic: msd}\n    - {statistic: velocity}\n"
                          "    - {statistic: time-averaged-msd, lags: [2, 10, 38]}\n");
  const paths p = kept(start);
  CHECK(p.dim == 2);
  spacing = 2;
  origin = 1;
  compare_statistic(&p, "moments", from_origin, false);
  compare_statistic(&p, "msd", from_start, true);
  compare_statistic(&p, "velocity", velocities, false);
  compare_statistic(&p, "time_averaged_msd", windows, true);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  test_lost();
  test_points();
  test_wide();
  test_wider();
  test_group();
  test_vector();
  (void)rmdir(folder);
  printf("%zu numbers, largest relative error %.2g\n", n_compared, largest_error);
  CHECK(n_compared > 4000);
  return check_report();
}
