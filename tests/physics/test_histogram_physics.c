/*
 * Histograms against exact laws that are written here: the Ornstein-Uhlenbeck process with its exact step is Gaussian at
 * every time, its square is chi^2 with one degree of freedom scaled, and n counts in a bin of probability p are binomial.
 * Every bin with at least 50 expected counts gives z = (count - n p) / sqrt(n p (1 - p)); all of them together stay below
 * the Student limit of a family-wise error of 1e-6, and the sum of their squares is chi^2-like. Negative controls: the
 * same counts against a variance that is 2 % off, and against a grid that is shifted by a tenth of a bin.
 */
#include <unistd.h>

#include "check.h"
#include "ensgrad/ensgrad.h"
#include "io/result_file.h"

static const double RATE = 1.25, MEAN = -0.5, SIGMA = 0.75, START = 2.0, N = 1 << 22;

static char folder[] = "/tmp/ensgrad-test-XXXXXX";

static eg_labelled *run_study(const char *text) {
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  eg_labelled *file = NULL;
  eg_run_options options;
  char output[64];
  (void)snprintf(output, sizeof output, "%s/result.h5", folder);
  eg_run_options_default(&options);
  options.output = output;
  options.backend = "cpu";
  if (ctx == NULL || eg_study_parse(ctx, "study", text, strlen(text), NULL, 0, &study) != EG_OK ||
      eg_run_study(ctx, study, &options) != EG_OK || eg_result_read(ctx, output, &file) != EG_OK) {
    fprintf(stderr, "%s\n", ctx == NULL ? "no memory" : eg_context_message(ctx));
    exit(1);
  }
  (void)unlink(output);
  eg_study_free(study);
  eg_context_free(ctx);
  return file;
}

static const eg_variable *find(const eg_labelled *file, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL) {
    fprintf(stderr, "no %s\n", name);
    exit(1);
  }
  return v;
}

static double normal_cdf(double x) {
  return 0.5 * erfc(-x / sqrt(2.0));
}

/* P(x < e), and P(x^2 < e), of a Gaussian with this mean and variance. */
static double cdf_x(double e, double mean, double variance) {
  return normal_cdf((e - mean) / sqrt(variance));
}
static double cdf_square(double e, double mean, double variance) {
  return e <= 0 ? 0 : cdf_x(sqrt(e), mean, variance) - cdf_x(-sqrt(e), mean, variance);
}

typedef struct family {
  double largest, sum;
  size_t n;
} family;

static void add(family *f, double count, double p) {
  if (N * p < 50 || N * (1 - p) < 50) {
    return;
  }
  const double z = (count - N * p) / sqrt(N * p * (1 - p));
  f->largest = fabs(z) > f->largest ? fabs(z) : f->largest;
  f->sum += z * z;
  f->n++;
}

/* All bins and times of one histogram against the law; variance_factor and shift (in bins) make wrong oracles. */
static family compare(const eg_labelled *file, const char *name, double (*cdf)(double, double, double),
                      double variance_factor, double shift) {
  char full[64];
  family f = {0, 0, 0};
  (void)snprintf(full, sizeof full, "%s_histogram", name);
  const eg_variable *const counts = find(file, full);
  (void)snprintf(full, sizeof full, "%s_histogram_below", name);
  const int64_t *const below = find(file, full)->data;
  (void)snprintf(full, sizeof full, "%s_histogram_above", name);
  const int64_t *const above = find(file, full)->data;
  (void)snprintf(full, sizeof full, "%s_bin_low", name);
  const double *const low = find(file, full)->data;
  (void)snprintf(full, sizeof full, "%s_bin_high", name);
  const double *const high = find(file, full)->data;
  const double *const times = find(file, "time")->data;
  const size_t bins = counts->shape[counts->rank - 1], n_times = find(file, "time")->shape[0];
  for (size_t t = 0; t < n_times; t++) {
    const int64_t *const row = (const int64_t *)counts->data + t * bins;
    const double decay = exp(-RATE * times[t]), mean = MEAN + (START - MEAN) * decay;
    const double variance = variance_factor * SIGMA * SIGMA / (2 * RATE) * (1 - decay * decay);
    double sum = (double)(below[t] + above[t]);
    add(&f, (double)below[t], cdf(low[0], mean, variance));
    add(&f, (double)above[t], 1 - cdf(high[bins - 1], mean, variance));
    for (size_t k = 0; k < bins; k++) {
      const double by = shift * (high[k] - low[k]);
      add(&f, (double)row[k], cdf(high[k] + by, mean, variance) - cdf(low[k] + by, mean, variance));
      CHECK(k == 0 || low[k] == high[k - 1]);
      sum += (double)row[k];
    }
    CHECK(sum == N);
  }
  return f;
}

/* Two-sided normal quantile of a family-wise error of 1e-6 over n values: n erfc(z / sqrt 2) = 1e-6. */
static double limit_of(size_t n) {
  double low = 0, high = 40;
  for (int i = 0; i < 100; i++) {
    const double middle = (low + high) / 2;
    if ((double)n * erfc(middle / sqrt(2.0)) > 1e-6) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return high;
}

static void check(const eg_labelled *file, const char *name, double (*cdf)(double, double, double)) {
  const family f = compare(file, name, cdf, 1, 0), wide = compare(file, name, cdf, 1.02, 0),
               shifted = compare(file, name, cdf, 1, 0.1);
  const double limit = limit_of(f.n);
  printf("%s: %zu bins, largest |z| %.2f of %.2f, mean z^2 %.3f; controls %.1f, %.1f\n", name, f.n, f.largest, limit,
         f.sum / (double)f.n, wide.largest, shifted.largest);
  CHECK(f.n >= 100);
  CHECK(f.largest < limit);
  CHECK(fabs(f.sum - (double)f.n) < limit_of(1) * sqrt(2.0 * (double)f.n)); /* nearly chi^2: bins share one sum a time */
  CHECK(wide.largest > limit_of(wide.n));
  CHECK(shifted.largest > limit_of(shifted.n));
}

int main(void) {
  char text[900];
  if (mkdtemp(folder) == NULL) {
    return 1;
  }
  (void)snprintf(text, sizeof text,
                 "seed: 20\nmodel: {name: ornstein-uhlenbeck, rate: %g, mean: %g, sigma: %g}\nstart: {point: %g}\n"
                 "time_step: 1/8\nsteps: 24\ndynamics: {name: sde, scheme: exact}\nrealisations: %.0f\n"
                 "observe:\n  at: {linear: 3}\n  features: [x, norm2]\n  histograms:\n"
                 "    - {feature: x, bins: 60, low: -2, high: 2}\n    - {feature: x0, bins: 50}\n"
                 "    - {feature: norm2, bins: 48, scale: log}\n",
                 RATE, MEAN, SIGMA, START, N);
  eg_labelled *const file = run_study(text);
  check(file, "x", cdf_x);
  check(file, "x0", cdf_x);
  check(file, "norm2", cdf_square);
  eg_labelled_free(file);
  (void)rmdir(folder);
  return check_report();
}
