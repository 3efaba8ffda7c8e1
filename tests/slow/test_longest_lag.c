/*
 * Log-spaced lags to 1e9 steps: Euler's scheme of an Ornstein-Uhlenbeck process on table noise, an AR(1) sequence whose laws are
 * known in closed form, 64 stationary trajectories of 1e9 steps. Ensemble MSD at lags from 1 to 1e9 (correlation time 1e8 steps, so that
 * it grows over eight decades), whose 64 squared displacements are of a chi^2 law: judged by their cube root (Wilson and Hilferty
 * 1931), as 64 heavy-tailed samples have no error bar of their own to trust. Time-averaged MSD and correlations at lags from 1e3 to
 * 5e8 (correlation time 1e4), errors between trajectories, Student's limit. Negative controls: a lag ten times shorter, another rate.
 * Memory does not grow with the number of steps.
 */
#include <sys/resource.h>

#include "physics/judge.h"

enum { TRAJECTORIES = 64, EVERY = 1000, MOST = 200 };

static const void *array(const eg_labelled *file, const char *name, size_t *n) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL) {
    stop_with(name);
    return NULL;
  }
  *n = eg_variable_size(v);
  return v->data;
}

/* x' = (1 - rate) x + z, E z^2 = 1 */
static eg_labelled *run_rate(double rate, uint64_t steps, const char *paths) {
  char text[900];
  (void)snprintf(text, sizeof text,
                 "seed: 9\nmodel: {name: ornstein-uhlenbeck, rate: %g, sigma: 1}\nstart: {normal: {mean: 0, std: %.17g}}\n"
                 "time_step: 1\nsteps: %llu\nnoise: table5\ndynamics: {name: sde}\nrealisations: %d\n"
                 "observe:\n  at: {steps: {log: 46}}\n  features: [x]\n  paths:\n%s",
                 rate, sqrt(1 / (rate * (2 - rate))), (unsigned long long)steps, TRAJECTORIES, paths);
  return run_text(folder, text);
}


static double msd(double rate, double n) {
  return -2 * expm1(n * log1p(-rate)) / (rate * (2 - rate));
}

/* Mean over blocks of b samples each, lag L >= b samples apart, of rho^|i - k|. */
static double correlation(double rate, double lag, double b) {
  const double q = log1p(-rate) * EVERY, left = -expm1(b * q) / (b * -expm1(q));
  if (b == 1) {
    return exp(lag * q) / (rate * (2 - rate));
  }
  const double right = (exp((lag - b) * q) - exp(lag * q)) / (b * expm1(-q));
  return left * right / (rate * (2 - rate));
}

static void ensemble(void) {
  static const double rate = 1e-8, k = TRAJECTORIES;
  eg_labelled *const file = run_rate(rate, 1000000000, "    - {statistic: msd}\n");
  size_t n_lags = 0, n = 0;
  const int64_t *const lags = array(file, "path_msd_lag_steps", &n_lags);
  const double *const values = array(file, "path_msd", &n);
  CHECK(n == n_lags && n_lags > 35 && lags[0] == 1 && lags[n_lags - 1] == 1000000000);
  for (size_t i = 0; i < n; i++) {
    char what[60];
    (void)snprintf(what, sizeof what, "MSD at lag %lld", (long long)lags[i]);
    if (lags[i] < 30) { /* sums of few increments of table noise are not normal yet: variance of 64 squares from their kurtosis */
      CHECK(fabs(values[i] / msd(rate, (double)lags[i]) - 1) < 6 * sqrt(2 / k));
      continue;
    }
    compare(false, what, cbrt(values[i] / msd(rate, (double)lags[i])), sqrt(2 / (9 * k)), 1 - 2 / (9 * k), 1e6);
    if (lags[i] <= 300000000) {
      compare(true, what, cbrt(values[i] / msd(rate, (double)lags[i] / 10)), sqrt(2 / (9 * k)), 1 - 2 / (9 * k), 1e6);
    }
  }
  eg_labelled_free(file);
}

static const char fed[] = "    - {statistic: correlator-msd, name: average, every: 1000}\n"
                          "    - {statistic: correlator, name: product, feature: x0, every: 1000}\n";

/* Errors between 64 trajectories: Student's limit for the number of lags. Returns the mean square of z. */
static void averages(const eg_labelled *file, const char *name, double rate, uint64_t longest) {
  char full[64];
  size_t n = 0;
  (void)snprintf(full, sizeof full, "path_%s_lag_steps", name);
  const int64_t *const lags = array(file, full, &n);
  (void)snprintf(full, sizeof full, "path_%s", name);
  const double *const values = array(file, full, &n);
  (void)snprintf(full, sizeof full, "path_%s_stderr", name);
  const double *const errors = array(file, full, &n);
  const bool is_product = strcmp(name, "product") == 0;
  const double limit = quantile(1e-6 / (double)n, TRAJECTORIES - 1);
  double largest = 0, squares = 0, least_control = INFINITY;
  size_t n_controls = 0;
  CHECK(n > 20 && n <= MOST && (uint64_t)lags[n - 1] >= longest);
  for (size_t i = 0; i < n; i++) {
    const double lag = (double)lags[i] / EVERY;
    double b = 1; /* block of the level that this lag is of: lags j b, j = p / 2 .. p - 1 of p = 16, all below p of level 0 */
    while (is_product && lag / b >= 16) {
      b *= 2;
    }
    const double expected = is_product ? correlation(rate, lag, b) : msd(rate, (double)lags[i]);
    const double wrong = is_product ? correlation(2 * rate, lag, b) : msd(2 * rate, (double)lags[i]);
    const double z = (values[i] - expected) / errors[i];
    largest = fmax(largest, fabs(z));
    squares += z * z / (double)n;
    CHECK(fabs(z) < limit);
    if (fabs(wrong - expected) > 20 * errors[i]) {
      n_controls++;
      least_control = fmin(least_control, fabs(values[i] - wrong) / errors[i]);
      CHECK(fabs(values[i] - wrong) / errors[i] > limit);
    }
  }
  printf("%s: %zu lags from %lld to %lld steps, largest z %.2f of %.2f, mean square %.2f; %zu negative controls, smallest %.1f\n", name, n,
         (long long)lags[0], (long long)lags[n - 1], largest, limit, squares, n_controls, least_control);
  CHECK(n_controls >= 10 && squares < 2.5);
}

static long peak(void) { /* KiB */
  struct rusage usage;
  CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
  return usage.ru_maxrss;
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  static const double rate = 1e-4;
  eg_labelled_free(run_rate(rate, 10000000, fed));
  const long few = peak();
  eg_labelled *const file = run_rate(rate, 1000000000, fed);
  averages(file, "average", rate, 390000000);
  averages(file, "product", rate, 400000000);
  eg_labelled_free(file);
  ensemble();
  const long many = peak();
  printf("memory: %.1f MiB after 1e7 steps, %.1f MiB after 1e9\n", (double)few / 1024, (double)many / 1024);
  CHECK(many < few + 8 * 1024);
  const double mean_square = judge_rows(25, 20);
  CHECK(mean_square < 2.5); /* displacements of one start are dependent */
  (void)rmdir(folder);
  return check_report();
}
