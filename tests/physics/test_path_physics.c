/*
 * Statistics of paths against closed forms, with negative controls. Brownian motion of unit variance per step observed at
 * steps 1 .. 64 (theory of time averages: 64 positions, 64 - n windows of length n), and a stationary Ornstein-Uhlenbeck
 * process of rate 1 and variance 1/2.
 */
#include "physics/judge.h"

static const double *array(const eg_labelled *file, const char *name, const char *suffix) {
  char full[64];
  (void)snprintf(full, sizeof full, "path_%s%s", name, suffix);
  const eg_variable *const v = eg_labelled_find(file, "/", full);
  if (v == NULL) {
    stop_with(full);
    return NULL;
  }
  return v->data;
}

/* Value i of a variable beside its error; effective: 0: samples of the mean. */
static void add(const eg_labelled *file, const char *name, const char *suffix, size_t i, double expected,
                double effective, bool is_control) {
  char with[48], what[100];
  (void)snprintf(with, sizeof with, "%s_stderr", suffix);
  (void)snprintf(what, sizeof what, "%s%s[%zu]", name, suffix, i);
  if (effective == 0) {
    const double n = (double)((const int64_t *)(const void *)array(file, name, "_count"))[0];
    effective = n / fmax(1.0, (array(file, name, "_kurtosis")[i] - 1) / 2);
  }
  compare(is_control, what, array(file, name, suffix)[i], array(file, name, with)[i], expected, effective);
}

/* Ergodicity-breaking parameter of windows of length n over k of them, k >= n, discrete Brownian motion. */
static double breaking(double n, double k) {
  return (4 * n * n * k + 2 * k + n - n * n * n) / (3 * n * k * k);
}

/* E |z|^q, z standard normal. */
static double absolute_moment(double q) {
  return exp(q / 2 * log(2.0) + lgamma((q + 1) / 2) - lgamma(0.5));
}

static void brownian(void) {
  static const size_t some[] = {0, 3, 15, 63};
  static const double powers[] = {0.5, 1, 1.5, 2, 3, 4};
  eg_labelled *const file =
      run_study("seed: 41\nmodel: {name: ornstein-uhlenbeck, rate: 0, sigma: 1}\nsteps: 64\ntime_step: 1\n"
                "dynamics: [{name: sde, scheme: exact}]\nrealisations: 300000\nobserve:\n  at: {steps: {linear: 64}}\n"
                "  features: [x]\n  paths:\n    - {statistic: msd}\n    - {statistic: msd, name: aged, origin: 20}\n"
                "    - {statistic: moments}\n    - {statistic: velocity, lags: [0, 1, 7]}\n"
                "    - {statistic: time-averaged-msd, lags: [1, 4, 16, 30]}\n    - {statistic: two-time}\n");
  for (size_t i = 0; i < 4; i++) {
    const double t = (double)some[i] + 1;
    add(file, "msd", "", some[i], t, 0, false);
    add(file, "aged", "", some[i] % 44, (double)(some[i] % 44) + 1, 0, false);
    for (size_t k = 0; k < 6; k++) {
      add(file, "moments", "", some[i] * 6 + k, absolute_moment(powers[k]) * pow(t, powers[k] / 2), 0, false);
    }
    add(file, "moments", "_non_gaussian", some[i], 0, 1000, false);
    add(file, "moments", "_spectrum", i, powers[i] / 2, 1000, false);
    for (size_t j = 0; j < 4; j++) { /* covariance of squared displacements: 2 min^2; of positions: min */
      const double least = fmin(t, (double)some[j] + 1);
      add(file, "msd", "_covariance", some[i] * 64 + some[j], 2 * least * least, 1000, false);
      add(file, "two_time", "_covariance", some[i] * 64 + some[j], least, 1000, false);
    }
    add(file, "msd", "_variance", some[i], 2 * t * t, 1000, false);
    add(file, "two_time", "_variance", some[i], t, 1000, false);
    add(file, "two_time", "_kurtosis", some[i], 3, 1000, false);
    const double lag = ((const double[]){1, 4, 16, 30})[i];
    add(file, "time_averaged_msd", "", i, lag, 0, false);
    add(file, "time_averaged_msd", "_breaking", i, breaking(lag, 64 - lag), 1000, false);
    add(file, "time_averaged_msd", "_breaking", i, 4 * lag / (3 * 64.0), 1000, true); /* of long trajectories */
    if (i < 3) {
      add(file, "velocity", "", i, i == 0, 0, false);
    }
  }
  add(file, "msd", "_variance", 15, 3 * 256, 1000, true); /* E r^4, its mean not taken away */
  add(file, "msd", "_kurtosis", 15, 3, 1000, true);
  add(file, "moments", "_nonlinearity", 0, 0, 1000, false);
  add(file, "moments", "_spectrum", 1, 1, 1000, true); /* ballistic */
  add(file, "velocity", "_autocorrelation", 1, 0, 1000, false);
  add(file, "aged", "", 40, 61, 0, true);       /* lag counted from the start */
  add(file, "moments", "", 63 * 6 + 1, 8, 0, true); /* the root of the MSD is not the mean distance */
  add(file, "two_time", "_covariance", 3 * 64 + 15, 8, 1000, true); /* the root of both times */
  eg_labelled_free(file);
}

static void stationary(void) {
  const double h = 1.0 / 8;
  eg_labelled *const file =
      run_study("seed: 42\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nsteps: 32\ntime_step: 1/8\n"
                "start: {normal: {mean: 0, std: 0.70710678118654752}}\ndynamics: [{name: sde, scheme: exact}]\n"
                "realisations: 300000\nobserve:\n  at: {steps: {linear: 32}}\n  features: [x]\n  paths:\n"
                "    - {statistic: msd}\n    - {statistic: msd, name: aged, origin: 20}\n"
                "    - {statistic: velocity}\n    - {statistic: time-averaged-msd, lags: [1, 4, 16, 31]}\n"
                "    - {statistic: two-time}\n");
  CHECK(eg_labelled_find(file, "/", "path_msd_spectrum") == NULL);
  for (size_t i = 0; i < 12; i += 3) {
    const double t = (double)(i + 1) * h;
    add(file, "msd", "", i, 1 - exp(-t), 0, false);
    add(file, "aged", "", i, 1 - exp(-t), 0, false);
    add(file, "two_time", "_covariance", 4 * 32 + 4 + i, 0.5 * exp(-(double)i * h), 1000, false);
    /* E delta_0 delta_n = C(n) - (C(n + 1) + C(n - 1)) / 2 of the increments, C = exp(-n h) */
    const double n = (double)i;
    add(file, "velocity", "", i, exp(-n * h) - 0.5 * (exp(-(n + 1) * h) + exp(-fabs(n - 1) * h)), 0, false);
  }
  static const double lags[] = {1, 4, 16, 31};
  for (size_t i = 0; i < 4; i++) {
    add(file, "time_averaged_msd", "", i, 1 - exp(-lags[i] * h), 0, false);
    add(file, "time_averaged_msd", "", i, lags[i] * h, 0, true); /* free diffusion */
  }
  add(file, "velocity", "", 3, 0, 0, true);
  eg_labelled_free(file);
}

/*
 * 600 values, a product of matrices over the tile: 600 times of the stationary process, and four points at 150 times, which one noise moves
 * from fixed starts: then Cov(X(s), Y(t)) = (exp(-|s - t|) - exp(-s - t)) / 2 of any two points.
 */
static void many_times(void) {
  static const size_t some[] = {0, 63, 64, 257, 511, 599};
  enum { T = 600, POINTS = 4, TIMES = 150, N = sizeof some / sizeof some[0] };
  const double h = 1.0 / 128;
  eg_labelled *const file =
      run_study("seed: 47\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nsteps: 600\ntime_step: 1/128\n"
                "start: {normal: {mean: 0, std: 0.70710678118654752}}\ndynamics: [{name: sde, scheme: exact}]\n"
                "realisations: 16384\nobserve: {at: {linear: 600}, features: [x], paths: {statistic: two-time}}\n");
  for (size_t i = 0; i < N; i++) {
    for (size_t j = 0; j <= i; j++) {
      const double lag = (double)(some[i] - some[j]) * h;
      add(file, "two_time", "_covariance", some[i] * T + some[j], 0.5 * exp(-lag), 1000, false);
      CHECK(array(file, "two_time", "_covariance")[some[i] * T + some[j]] == array(file, "two_time", "_covariance")[some[j] * T + some[i]]);
    }
  }
  add(file, "two_time", "_covariance", 511 * T + 257, 0.5 * exp(-0.5 * 254 * h), 1000, true); /* half the rate */
  add(file, "two_time", "_covariance", 599 * T + 0, 0.5 * exp(-(599 - 256) * h), 1000, true); /* times of another block */
  eg_labelled_free(file);
  eg_labelled *const points =
      run_study("seed: 48\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nsteps: 600\ntime_step: 1/128\n"
                "start: {points: [[0], [0.5], [1], [-2]]}\ndynamics: [{name: sde, scheme: exact}]\n"
                "realisations: 16384\nobserve: {at: {linear: 150}, features: [x], paths: {statistic: m-point}}\n");
  const eg_variable *const v = eg_labelled_find(points, "/", "path_m_point_covariance");
  CHECK(v != NULL && eg_variable_size(v) == (size_t)POINTS * TIMES * POINTS * TIMES);
  for (size_t i = 0; i < 12; i++) {
    static const size_t times[] = {3, 70, 149};
    const size_t p = i % 4, q = 3 - p, s = times[i % 3], t = times[i / 4];
    const double a = (double)(s + 1) * 4 * h, b = (double)(t + 1) * 4 * h;
    const size_t at = ((p * TIMES + s) * POINTS + q) * TIMES + t; /* over (run, point, lag, point_2, lag_2) */
    add(points, "m_point", "_covariance", at, 0.5 * (exp(-fabs(a - b)) - exp(-a - b)), 1000, false);
  }
  eg_labelled_free(points);
}

/*
 * Geometric Brownian motion of two points x, y on the same noise: X = x exp((mu - sigma^2 / 2) t + sigma W), so
 * Cov(X(s), Y(t)) = x y exp(mu (s + t)) (exp(sigma^2 min) - 1), and |X - Y| is such a motion from |x - y|.
 */
static void points_together(void) {
  const double mu = -0.25, sigma = 0.4, h = 0.25, start[] = {1, 1.5};
  eg_labelled *const file =
      run_study("seed: 43\nmodel: {name: geometric-brownian-motion, mu: -0.25, sigma: 0.4}\nsteps: 8\ntime_step: 1/4\n"
                "start: {points: [[1], [1.5]]}\ndynamics: [{name: sde, scheme: exact}]\nrealisations: 300000\nobserve:\n"
                "  at: {steps: [2, 4, 8]}\n  features: [x]\n  paths:\n    - {statistic: m-point}\n"
                "    - {statistic: product}\n    - {statistic: product, name: lagged, with: norm2, origin: 4}\n"
                "    - {statistic: distance, powers: [1, 2]}\n");
  static const double steps[] = {2, 4, 8};
  for (size_t k = 0; k < 2; k++) {
    for (size_t i = 0; i < 3; i++) {
      const double t = steps[i] * h;
      add(file, "m_point", "", k * 3 + i, start[k] * exp(mu * t), 0, false);
      add(file, "distance", "", (3 + i) * 2 + k, pow(0.5, (double)k + 1) * exp((double)(k + 1) * mu * t + (double)k * sigma * sigma * t),
          0, false);
      for (size_t j = 0; j < 2; j++) {
        const size_t pair = (k * 2 + j) * 3 + i;
        const double both = start[k] * start[j], early = fmin(t, 1);
        const double connected = both * exp(2 * mu * t) * (exp(sigma * sigma * t) - 1);
        add(file, "product", "", pair, both * exp((2 * mu + sigma * sigma) * t), 0, false);
        add(file, "product", "_connected", pair, connected, 1000, false);
        add(file, "m_point", "_covariance", ((k * 3 + 1) * 2 + j) * 3 + i,
            both * exp(mu * (1 + t)) * (exp(sigma * sigma * early) - 1), 1000, false);
        /* Cov(X(t), Y(1)^2) */
        add(file, "lagged", "_connected", pair,
            both * start[j] * exp(mu * t + 2 * mu + sigma * sigma) * (exp(2 * sigma * sigma * early) - 1), 1000, false);
      }
    }
  }
  add(file, "product", "", 1 * 3 + 2, 1.5 * exp(2 * mu * 2), 0, true);            /* points on noises of their own */
  add(file, "product", "_connected", 1 * 3 + 2, 0, 1000, true);
  add(file, "m_point", "_covariance", ((0 * 3 + 1) * 2 + 1) * 3 + 2,
      1.5 * exp(mu * 3) * (exp(sigma * sigma * 2) - 1), 1000, true);              /* the later time */
  add(file, "distance", "", (3 + 2) * 2 + 1, 0.25 * exp(2 * mu * 2), 0, true);    /* the square of the mean distance */
  add(file, "lagged", "_connected", 2, 0.2 * exp(2 * mu * 2), 1000, true);
  eg_labelled_free(file);
}

/* E exp(i u x) of a Gaussian of mean m and variance v: exp(i u m - u^2 v / 2). */
static void waves(void) {
  static const double u[] = {0.5, 1, 2.5};
  eg_labelled *const file =
      run_study("seed: 44\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nsteps: 16\ntime_step: 1/8\n"
                "start: {point: [2]}\ndynamics: [{name: sde, scheme: exact}]\nrealisations: 300000\nobserve:\n"
                "  at: {steps: {linear: 4}}\n  features: [x]\n  paths:\n"
                "    - {statistic: characteristic, arguments: [0.5, 1, 2.5]}\n");
  for (size_t i = 0; i < 4; i++) {
    const double t = 0.5 * ((double)i + 1), mean = 2 * exp(-t), variance = 0.5 * (1 - exp(-2 * t));
    for (size_t k = 0; k < 3; k++) {
      const double size = exp(-0.5 * u[k] * u[k] * variance);
      add(file, "characteristic", "_real", i * 3 + k, size * cos(u[k] * mean), 300000, false);
      add(file, "characteristic", "_imaginary", i * 3 + k, size * sin(u[k] * mean), 300000, false);
    }
  }
  add(file, "characteristic", "_imaginary", 1, -exp(-0.25 * (1 - exp(-1))) * sin(2 * exp(-0.5)), 300000, true); /* -u */
  add(file, "characteristic", "_real", 2, cos(2.5 * 2 * exp(-0.5)), 300000, true);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  brownian();
  stationary();
  many_times();
  points_together();
  waves();
  judge(222, 22);
  (void)rmdir(folder);
  return check_report();
}
