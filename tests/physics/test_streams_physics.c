/*
 * Streamed statistics against closed forms of their expectations, with negative controls: a stationary Ornstein-Uhlenbeck process and
 * Brownian motion of unit variance per step, both exact at the samples. Correlations of block means have the correlation averaged
 * over a triangle as their expectation, blocks of a time average the sums of an AR(1) sequence; intervals from blocks of one
 * trajectory cover the truth as often as they say.
 */
#include "analysis/batch_means.h"
#include "analysis/moments.h"
#include "coverage.h"
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

static size_t place_of_lag(const eg_labelled *file, const char *name, int64_t lag) {
  const int64_t *const lags = (const int64_t *)(const void *)array(file, name, "_lag_steps");
  size_t i = 0;
  while (lags[i] != lag) {
    i++; /* the test names lags that are there */
  }
  return i;
}

/* Value i of a variable beside its error; effective 0: samples of the mean. */
static void add(const eg_labelled *file, const char *name, const char *suffix, size_t i, double expected, double effective,
                bool is_control) {
  char with[48], what[100];
  (void)snprintf(with, sizeof with, "%s_stderr", suffix);
  (void)snprintf(what, sizeof what, "%s%s[%zu]", name, suffix, i);
  if (effective == 0) {
    const double n = (double)((const int64_t *)(const void *)array(file, name, "_count"))[0];
    effective = n / fmax(1.0, (array(file, name, "_kurtosis")[i] - 1) / 2);
  }
  compare(is_control, what, array(file, name, suffix)[i], array(file, name, with)[i], expected, effective);
}

/* Mean of rho^|lag + d| over d = i - k, i and k uniform in 0 .. size - 1: correlation of means of `size` values of an AR(1) sequence. */
static double triangle(double rho, double size, double lag) {
  double sum = 0;
  for (double d = 1 - size; d < size; d++) {
    sum += (size - fabs(d)) / (size * size) * pow(rho, fabs(lag + d));
  }
  return sum;
}

/* Variance of the mean of n values of an AR(1) sequence of variance 1. */
static double variance_of_mean(double rho, double n) {
  return triangle(rho, n, 0);
}

/* E s_b^2 b / n for blocks of b = 2^level among n values: squared error of the mean that blocks promise. */
static double of_blocks(double rho, double n, int level) {
  const double b = ldexp(1, level), k = floor(n / b);
  return (variance_of_mean(rho, b) - variance_of_mean(rho, b * k)) * k / (k - 1) * b / n;
}

enum { SAMPLES = 1000, REALISATIONS = 20000 };

static const double r = 0.95122942450071400910; /* exp(-1/20): of samples every 0.1 at rate 1/2 */

/* One statistic of the process of variance 1; every statistic has trajectories of its own. */
static eg_labelled *stationary(int seed, const char *statistic) {
  char text[600];
  (void)snprintf(text, sizeof text,
                 "seed: %d\nmodel: {name: ornstein-uhlenbeck, rate: 1/2, sigma: 1}\nstart: {normal: {mean: 0, std: 1}}\nsteps: %d\n"
                 "time_step: 0.05\ndynamics: [{name: sde, scheme: exact}]\nrealisations: %d\nobserve:\n  at: {steps: {linear: 1}}\n"
                 "  features: [x]\n  paths: {%s, every: 2}\n",
                 seed, 2 * SAMPLES, REALISATIONS, statistic);
  return run_study(text);
}

/* Lags 0 .. p - 1 of single values, then p/2 .. p - 1 times 2^level of means. */
static double size_of(double lag, double p) {
  double size = 1;
  while (lag / size > p - 1) {
    size *= 2;
  }
  return size;
}

static void correlators(void) {
  static const int64_t lags[] = {0, 1, 3, 4, 6, 12, 24, 48, 64, 96};
  eg_labelled *const coarse = stationary(71, "statistic: correlator, name: coarse, values: 4");
  eg_labelled *const fine = stationary(72, "statistic: correlator, name: fine");
  eg_labelled *const msd = stationary(73, "statistic: correlator-msd, name: msd");
  for (size_t i = 0; i < sizeof lags / sizeof *lags; i++) {
    const double lag = (double)lags[i];
    const size_t at[3] = {place_of_lag(coarse, "coarse", 2 * lags[i]), place_of_lag(fine, "fine", 2 * lags[i]),
                          lag > 0 ? place_of_lag(msd, "msd", 2 * lags[i]) : 0};
    const double want = triangle(r, size_of(lag, 16), lag);
    add(coarse, "coarse", "", at[0], triangle(r, size_of(lag, 4), lag), 0, false);
    if (lag == 48 || lag == 64) { /* the averaging over 16 and 32 samples matters */
      add(coarse, "coarse", "", at[0], pow(r, lag), 0, true);
    }
    add(fine, "fine", "", at[1], want, 0, false);
    /* the square of the mean of all samples goes away */
    add(fine, "fine", "_connected", at[1], want - variance_of_mean(r, SAMPLES) / REALISATIONS, 1000, false);
    if (lag > 0) {
      add(fine, "fine", "_correlation", at[1], want, 1000, false);
      add(msd, "msd", "", at[2], 2 - 2 * pow(r, lag), 0, false);
    }
  }
  add(msd, "msd", "", place_of_lag(msd, "msd", 48), 2 - 2 * pow(r, 12), 0, true);
  eg_labelled_free(coarse);
  eg_labelled_free(fine);
  eg_labelled_free(msd);
}

/* The error from between the trajectories, and what blocks of every length promise. */
static void time_averages(void) {
  eg_labelled *const mean = stationary(74, "statistic: time-average, name: mean");
  eg_labelled *const square = stationary(75, "statistic: time-average, name: square, with: x0");
  compare(false, "mean", array(mean, "mean", "")[0], array(mean, "mean", "_stderr")[0], 0, REALISATIONS);
  compare(false, "square", array(square, "square", "")[0], array(square, "square", "_stderr")[0], 1, REALISATIONS);
  for (int level = 0; level < 9; level++) {
    const double of_mean = sqrt(of_blocks(r, SAMPLES, level) / REALISATIONS);
    const double of_square = sqrt(2 * of_blocks(r * r, SAMPLES, level) / REALISATIONS);
    add(mean, "mean", "_blocking", (size_t)level, of_mean, 1000, false);
    add(square, "square", "_blocking", (size_t)level, of_square, 1000, false);
    add(mean, "mean", "_blocking", (size_t)level, of_square, 1000, true);
    add(square, "square", "_blocking", (size_t)level, of_mean, 1000, true); /* the square forgets in half of the time */
  }
  const double variance = variance_of_mean(r, SAMPLES); /* of a Gaussian: the relative error of its estimate is sqrt(2 / (n - 1)) */
  const double estimate = array(mean, "mean", "_between")[0] * array(mean, "mean", "_between")[0] * REALISATIONS;
  compare(false, "variance of the mean", estimate, estimate * sqrt(2.0 / (REALISATIONS - 1)), variance, REALISATIONS);
  compare(true, "variance of the mean", estimate, estimate * sqrt(2.0 / (REALISATIONS - 1)), 1.0 / SAMPLES, REALISATIONS);
  const double time = array(mean, "mean", "_correlation_time")[0], error = array(mean, "mean", "_correlation_time_stderr")[0];
  compare(false, "correlation time", time, error, 0.1 * SAMPLES * variance / 2, REALISATIONS);
  compare(true, "correlation time", time, error, 1, REALISATIONS); /* of the square */
  eg_labelled_free(mean);
  eg_labelled_free(square);
}

/* The same process about 3: covariance over the window, and the ratio of the means of x = 3 + y and x^2, 3 / 10, to which a sample
   adds (0.3 - 0.8 y - 0.3 y^2) / 10. */
static void combined(void) {
  eg_labelled *const file = run_study(
      "seed: 78\nmodel: {name: ornstein-uhlenbeck, rate: 1/2, sigma: 1, mean: 3}\nstart: {normal: {mean: 3, std: 1}}\nsteps: 2000\n"
      "time_step: 0.05\ndynamics: [{name: sde, scheme: exact}]\nrealisations: 20000\nobserve:\n  at: {steps: {linear: 1}}\n"
      "  features: [x]\n  paths:\n    - {statistic: time-average, name: variance, combine: covariance, every: 2}\n"
      "    - {statistic: time-average, name: ratio, with: norm2, combine: ratio, every: 2}\n"
      "    - {statistic: time-average, name: product, with: x0, every: 2}\n");
  const double V1 = variance_of_mean(r, SAMPLES), V2 = 2 * variance_of_mean(r * r, SAMPLES);
  const struct {
    const char *name;
    double truth, wrong, variance, of_y, of_y2;
  } row[] = {{"variance", 1, 1.01, V2, 0, 1}, {"ratio", 0.3, 0.301, 0.0064 * V1 + 0.0009 * V2, 0.0064, 0.0009}};
  for (size_t i = 0; i < 2; i++) {
    const double value = array(file, row[i].name, "")[0], error = array(file, row[i].name, "_stderr")[0];
    compare(false, row[i].name, value, error, row[i].truth, REALISATIONS);
    compare(true, row[i].name, value, error, row[i].wrong, REALISATIONS);
    const double V = error * error * REALISATIONS;
    compare(false, "its error", V, V * sqrt(2.0 / (REALISATIONS - 1)), row[i].variance, REALISATIONS);
    for (size_t level = 0; level < 9; level++) {
      const double of = row[i].of_y * of_blocks(r, SAMPLES, (int)level) + 2 * row[i].of_y2 * of_blocks(r * r, SAMPLES, (int)level);
      add(file, row[i].name, "_blocking", level, sqrt(of / REALISATIONS), 1000, false);
    }
    CHECK(((const uint8_t *)(const void *)array(file, row[i].name, "_judged"))[0] == 1);
  }
  const double plain = array(file, "product", "_stderr")[0]; /* of E x^2: most of it is of the mean, which a covariance lacks */
  compare(true, "error of the product", plain * plain * REALISATIONS, plain * plain * REALISATIONS * sqrt(2.0 / (REALISATIONS - 1)), V2, REALISATIONS);
  eg_labelled_free(file);
}

/* Windows of lag n among K + n positions: mean n; variance of the time average where all windows are used (level 0). */
static void brownian(void) {
  eg_labelled *const file =
      run_study("seed: 76\nmodel: {name: ornstein-uhlenbeck, rate: 0, sigma: 1}\nsteps: 600\ntime_step: 1\ndynamics: [{name: sde, scheme: exact}]\n"
                "realisations: 100000\nobserve:\n  at: {steps: {linear: 1}}\n  features: [x]\n  paths:\n"
                "    - {statistic: correlator-msd, name: all}\n    - {statistic: correlator-msd, name: late, from: 88, values: 4}\n");
  static const int64_t lags[] = {1, 4, 12, 24, 96, 256};
  for (size_t i = 0; i < sizeof lags / sizeof *lags; i++) {
    const double n = (double)lags[i], size = n < 16 ? 1 : n < 32 ? 2 : n < 64 ? 4 : n < 128 ? 8 : 16;
    add(file, "all", "", place_of_lag(file, "all", lags[i]), n, 0, false);
    add(file, "late", "", place_of_lag(file, "late", lags[i]), n, 0, false);
    /* positions averaged over `size` steps would give less */
    if (size >= 8) {
      add(file, "all", "", place_of_lag(file, "all", lags[i]), n - (size * size - 1) / (3 * size), 0, true);
    }
    if (n < 16) {
      const double k = 600 - n, breaking = (4 * n * n * k + 2 * k + n - n * n * n) / (3 * n * k * k);
      add(file, "all", "_breaking", place_of_lag(file, "all", lags[i]), breaking, 1000, false);
    }
  }
  eg_labelled_free(file);
}

/* ---- intervals of one or few trajectories ---- */

enum { MOST = 16384 };

static void make_sequence(double correlation, size_t n, double *x) {
  coverage_normals(n, x);
  for (size_t i = 1; i < n; i++) {
    x[i] = correlation * x[i - 1] + sqrt(1 - correlation * correlation) * x[i];
  }
}

/* Does the interval of `trajectories` AR(1) sequences of n values hold their mean 0? A share of their variance has the correlation
   time `slow`. Blocks by two passes. */
static bool holds(double correlation, double share, double slow, size_t trajectories, size_t n, size_t *n_judged) {
  static double x[MOST], y[MOST];
  double blocks[32] = {0}, mean = 0, means[64];
  size_t n_levels = 0;
  for (size_t t = 0; t < trajectories; t++) {
    make_sequence(correlation, n, x);
    if (share > 0) {
      make_sequence(exp(-1 / slow), n, y);
    }
    for (size_t i = 0; i < n && share > 0; i++) {
      x[i] = sqrt(1 - share) * x[i] + sqrt(share) * y[i];
    }
    for (n_levels = 0; n >> n_levels >= 2; n_levels++) {
      const size_t k = n >> n_levels;
      double m = 0, squares = 0;
      for (size_t i = 0; i < k; i++) {
        m += x[i] / (double)k;
      }
      for (size_t i = 0; i < k; i++) {
        squares += (x[i] - m) * (x[i] - m);
      }
      blocks[n_levels] += squares / (double)(k - 1) / (double)k / (double)trajectories;
      means[t] = n_levels == 0 ? m : means[t];
      for (size_t i = 0; i < k / 2; i++) {
        x[i] = (x[2 * i] + x[2 * i + 1]) / 2;
      }
    }
    mean += means[t] / (double)trajectories;
  }
  const eg_batch_data data = {(double)trajectories, n, NAN, n_levels, blocks};
  eg_batch_means out;
  eg_batch_means_of(&data, &out);
  *n_judged += out.is_judged;
  return fabs(mean) <= eg_student_quantile(0.05, out.freedom) * out.stderr_;
}

/* Inefficiency (1 + r) / (1 - r): 19 and 199. */
static void coverage(void) {
  static const struct {
    double correlation;
    size_t trajectories, n;
    double low, high; /* coverage allowed, in percent */
    size_t least_judged;
    double share, slow;  /* share of the variance with a correlation time of its own */
  } cases[] = {{0, 1, 4096, 93, 97, 1940, 0, 0},   {0.9, 1, 16384, 93, 97, 1940, 0, 0}, {0.9, 1, 4096, 91.5, 97, 1900, 0, 0},
               {0.9, 4, 4096, 93, 97, 1940, 0, 0}, {0.9, 16, 2048, 93, 97, 1940, 0, 0}, {0.99, 1, 16384, 88, 97, 0, 0, 0},
               {0.99, 1, 1024, 0, 80, 0, 0, 0},    {0, 1, 16384, 0, 80, 0, 0.05, 2000}, {0, 1, 16384, 0, 80, 0, 0.05, 500},
               {0, 1, 16384, 88, 97, 1900, 0.2, 200}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t n_held = 0, n_judged = 0;
    for (int k = 0; k < 2000; k++) {
      n_held += holds(cases[i].correlation, cases[i].share, cases[i].slow, cases[i].trajectories, cases[i].n, &n_judged);
    }
    const double percent = (double)n_held / 20;
    printf("AR(1) %.2f, %g of the variance with time %g, %zu x %zu: the 95 %% interval covers %.1f %%, %zu of 2000 judged\n", cases[i].correlation, cases[i].share,
           cases[i].slow, cases[i].trajectories, cases[i].n, percent, n_judged);
    CHECK(percent >= cases[i].low && percent <= cases[i].high && n_judged >= cases[i].least_judged);
    if (cases[i].low == 0) {
      CHECK(n_judged < (cases[i].share > 0 ? 100 : 600)); /* few correlation times: said not to be trusted */
    }
  }
}

/* Single trajectories of the program, 200 runs with noise of their own: intervals of the mean of x and of x^2. */
static void single(void) {
  static const char *const names[] = {"mean", "square", "variance", "ratio"};
  char text[6000], *at = text;
  at += sprintf(at, "seed: 77\nmodel: {name: ornstein-uhlenbeck, rate: 1/2}\nsteps: 20400\n"
                    "sweep: {model.sigma: [1");
  for (int i = 1; i < 200; i++) {
    at += sprintf(at, ", %.3f", 1 + 0.001 * i);
  }
  (void)sprintf(at, "]}\ntime_step: 0.1\ndynamics: [{name: sde, scheme: exact}]\nrealisations: 1\nobserve:\n  at: {steps: {linear: 1}}\n"
                    "  features: [x]\n  paths:\n    - {statistic: time-average, name: mean, from: 40}\n"
                    "    - {statistic: time-average, name: square, with: x0, from: 40}\n"
                    "    - {statistic: time-average, name: variance, combine: covariance, from: 40}\n"
                    "    - {statistic: time-average, name: ratio, combine: ratio, with: norm2, from: 40}\n"
                    "    - {statistic: time-average, name: by_nothing, feature: norm2, combine: ratio, with: x0, from: 40}\n");
  eg_labelled *const file = run_study(text);
  for (size_t i = 0; i < 200; i++) { /* a divisor of mean 0 */
    CHECK(((const uint8_t *)(const void *)array(file, "by_nothing", "_judged"))[i] == 0);
  }
  for (size_t k = 0; k < 4; k++) {
    size_t n_held = 0, n_below = 0, n_judged = 0;
    for (size_t i = 0; i < 200; i++) {
      const double sigma = 1 + 0.001 * (double)i, truth = k == 0 || k == 3 ? 0 : sigma * sigma;
      const double low = array(file, names[k], "_low")[i], high = array(file, names[k], "_high")[i];
      n_held += low <= truth && truth <= high;
      n_below += low <= 1.2 * sigma * sigma && 1.2 * sigma * sigma <= high;
      n_judged += ((const uint8_t *)(const void *)array(file, names[k], "_judged"))[i] == 1;
    }
    printf("single trajectories of 1000 correlation times, %s: %zu of 200 intervals hold the truth\n", names[k], n_held);
    CHECK(n_judged >= 190); /* the plateau test is wrong about one in a hundred */
    CHECK(n_held >= 179 && n_held <= 199); /* 190 +- 3.1 standard deviations */
    CHECK(k == 0 || k == 3 || n_below < 100);        /* control: a variance larger by a fifth */
  }
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("temporary folder");
  }
  correlators();
  time_averages();
  combined();
  brownian();
  coverage();
  single();
  judge(70, 20);
  (void)rmdir(folder);
  return check_report();
}
