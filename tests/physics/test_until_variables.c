/*
 * Runs that end by the error of a variable of the result. First where they end: studies with other caps show the error at
 * every look, and the run must have ended at the first one where it is small enough; of an exponent, a rate, a quantile, a
 * paired difference and the fit of a weak error, which ends all runs together. Then what stopping does to a fitted exponent:
 * 1000 ensembles of Brownian motion, with the largest error set to the median at 4096 trajectories (of other ensembles,
 * never stopped), so that half of them end there and half at 8192, the worst case. With rho the correlation of exponent and
 * error bar without stopping, E z changes by -(1 - 1/sqrt 2) rho / sqrt(2 pi); the interval keeps the coverage it has.
 */
#include "physics/judge.h"

enum { RUNS = 1000, FIRST = 4096 };

static const double INTERVAL = 2 * 1.959963984540054;

static const eg_variable *find(const eg_labelled *file, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
  return v != NULL ? v : eg_labelled_find(file, "/", name);
}

static double at(const eg_labelled *file, const char *name, size_t i) {
  const eg_variable *const v = find(file, name);
  if (v == NULL) {
    stop_with(name);
  }
  return v->type == EG_TYPE_F64 ? ((const double *)v->data)[i] : (double)((const int64_t *)v->data)[i];
}

/* Error bar of value i, from its standard error or its interval; of a quantile with that of the line within the bin. */
static double error_at(const eg_labelled *file, const char *name, size_t i) {
  char of[80], high[80];
  (void)snprintf(of, sizeof of, "%s_stderr", name);
  if (find(file, of) != NULL) {
    char interpolation[80];
    (void)snprintf(interpolation, sizeof interpolation, "%s_interpolation", name);
    return find(file, interpolation) != NULL ? hypot(at(file, of, i), at(file, interpolation, i)) : at(file, of, i);
  }
  (void)snprintf(of, sizeof of, "%s_low", name);
  (void)snprintf(high, sizeof high, "%s_high", name);
  return (at(file, high, i) - at(file, of, i)) / INTERVAL;
}

static eg_labelled *run_capped(const char *study, const char *until, uint64_t cap) {
  char text[4000];
  (void)snprintf(text, sizeof text, "%srealisations: %llu\nuntil: %s\n", study, (unsigned long long)cap, until);
  return run_study(text);
}

/* The error that `variable` reaches at value `i` is asked for, a little more or less than what it is at 16384. */
static void ends_at(const char *what, const char *study, const char *variable, const char *where, size_t i, size_t run) {
  char until[300];
  double errors[3];
  (void)snprintf(until, sizeof until, "{variable: %s, %s stderr: 1e-12}", variable, where);
  for (uint64_t k = 0; k < 3; k++) {
    eg_labelled *const file = run_capped(study, until, 4096ull << k);
    errors[k] = error_at(file, variable, i);
    CHECK(at(file, "until_left", run) > 1);
    CHECK(at(file, "until_realisations", run) == (double)(4096ull << k));
    eg_labelled_free(file);
  }
  printf("%s: errors %.4g %.4g %.4g\n", what, errors[0], errors[1], errors[2]);
  CHECK(errors[2] < errors[1] && errors[1] < errors[0] && errors[2] > 0.3 * errors[0] && errors[2] < 0.7 * errors[0]);
  for (int is_less = 0; is_less < 2; is_less++) {
    const double asked = errors[2] * (is_less ? 1 - 1e-9 : 1 + 1e-9);
    (void)snprintf(until, sizeof until, "{variable: %s, %s stderr: %.17g}", variable, where, asked);
    eg_labelled *const file = run_capped(study, until, 1 << 18);
    CHECK(at(file, "until_realisations", run) == (is_less ? 32768 : 16384));
    CHECK_NEAR(at(file, "until_left", run), error_at(file, variable, i) / asked, 1e-12);
    CHECK(at(file, "until_left", run) <= 1);
    eg_labelled_free(file);
  }
}

static void ends(void) {
  static const char brownian[] = "seed: 5\nmodel: {name: scaled-brownian-motion, exponent: 1}\nsteps: 8\ntime_step: 1\n"
                                 "dynamics: {name: sde, scheme: exact}\nsweep: {model.diffusivity: [1, 2]}\n"
                                 "observe: {at: {steps: {linear: 8}}, features: [displacement2],\n"
                                 "  paths: {statistic: msd, name: r},\n"
                                 "  histograms: {feature: displacement2, bins: 512, scale: log, low: 1e-4, high: 1e4}}\n"
                                 "analyse: {diffusion: {of: r}, quantiles: {of: displacement2, probabilities: [0.5, 0.9]}}\n";
  static const char crossing[] = "seed: 6\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nsteps: 16\ntime_step: 1/8\n"
                                 "dynamics: {name: sde, scheme: exact}\n"
                                 "observe: {at: {linear: 2}, features: [x], monitors: {name: exit, feature: x0, operation: crossing, level: 1}}\n"
                                 "analyse: {escape: {of: exit}}\n";
  static const char pairs[] = "seed: 7\nmodel: {name: quadratic, curvature: 1, noise: 1}\nstart: {point: 1}\nhorizon: 1\n"
                              "dynamics:\n  - {name: sgd, batch_size: 4}\n  - {name: sme1, batch_size: 4}\n  - {name: sme2, batch_size: 4}\n"
                              "groups: {label: pair, members: [sgd, sme1]}\nsweep: {learning_rate: [1/2, 1/4, 1/8]}\n"
                              "observe: {at: {linear: 2}, features: [x, norm2]}\nanalyse: {weak-error: {reference: exact}}\n";
  ends_at("exponent", brownian, "diffusion_exponent", "", 0, 0);
  ends_at("quantile", brownian, "quantile", "where: {quantile_probability: 0.9},", 15, 0);
  ends_at("rate", crossing, "escape_rate", "", 0, 0);
  ends_at("difference", pairs, "norm2_difference", "time: 0.5,", 0, 0);
  ends_at("coefficient", pairs, "weak_error_c", "where: {weak_error_curve: sme1, weak_error_feature: x, weak_error_order: 1},", 3, 7);
}

/* A run without noise in a set has no error, and does not keep the others from ending. */
static void with_deterministic(void) {
  eg_labelled *const file = run_study(
      "seed: 8\nmodel: {name: quadratic, curvature: 1, noise: 1}\nstart: {point: 1}\nhorizon: 1\n"
      "dynamics:\n  - {name: sgd, batch_size: 4}\n  - gradient-flow\nsweep: {learning_rate: [1/2, 1/4, 1/8]}\n"
      "observe: {at: {linear: 1}, features: [x, norm2]}\nanalyse: {weak-error: {reference: sgd}}\nrealisations: 2^16\n"
      "until:\n  - {feature: x0, stderr: 0.1}\n  - {feature: norm2, stderr: 0.1}\n"
      "  - {variable: weak_error, where: {weak_error_feature: norm2}, stderr: 0.0015}\n");
  const double n = at(file, "until_realisations", 0);
  CHECK(n > 4096 && n < 65536);
  for (size_t r = 0; r < 3; r++) {
    CHECK(at(file, "until_realisations", r) == n && at(file, "until_realisations", 3 + r) == 1);
    CHECK(at(file, "until_left", r) <= 1 && at(file, "until_left", r) == at(file, "until_left", 3 + r));
  }
  eg_labelled_free(file);
}

/* Errors of counts are what they are: kurtoses of the feature that they are of (an indicator hardly ever 1 at early times, stable
   noise) do not keep a run from ending; those of displacements that an exponent is fitted to do, of its own run alone, and
   until_left says so. */
static void tails(void) {
  eg_labelled *const rate = run_study(
      "seed: 6\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nsteps: 400\ntime_step: 1/8\nrealisations: 2^15\n"
      "dynamics: {name: sde, scheme: exact}\nobserve: {at: {linear: 50}, features: [x], monitors: {name: exit, feature: x0, "
      "operation: crossing, level: 2.2}}\nanalyse: {escape: {of: exit}}\nuntil: {variable: escape_rate, relative: 0.05}\n");
  CHECK(at(rate, "until_realisations", 0) == 4096 && at(rate, "until_left", 0) <= 1);
  eg_labelled_free(rate);
  eg_labelled *const quantile = run_study(
      "seed: 6\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nsteps: 8\ntime_step: 1/4\nrealisations: 2^14\n"
      "dynamics: {name: levy, tail_index: 1.5}\nobserve: {at: {linear: 2}, features: [x, norm2], histograms: {feature: norm2, "
      "bins: 400, low: 0, high: 40}}\nanalyse: {quantiles: {of: norm2, probabilities: [0.75]}}\nuntil: {variable: quantile, stderr: 0.1}\n");
  CHECK(at(quantile, "until_realisations", 0) == 4096 && at(quantile, "until_left", 0) <= 1);
  eg_labelled_free(quantile);
  eg_labelled *const fit = run_study(
      "seed: 6\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nsteps: 8\ntime_step: 1/4\nrealisations: 2^16\n"
      "dynamics: [{name: levy, tail_index: 1.5}, {name: sde, scheme: exact}]\nobserve: {at: {steps: {linear: 8}}, features: [x], "
      "paths: {statistic: msd, name: r}}\nanalyse: {diffusion: {of: r}}\nuntil: {variable: diffusion_exponent, stderr: 1e3}\n");
  CHECK(at(fit, "until_realisations", 0) == 65536 && at(fit, "until_left", 0) > 1 && at(fit, "diffusion_exponent_stderr", 0) < 1e3);
  CHECK(at(fit, "until_realisations", 1) <= 16384 && /* kurtosis 15, of all lags: 1000 effective of about 7000 */ at(fit, "until_left", 1) <= 1);
  eg_labelled_free(fit);
}

/* The median of a squared Gaussian, 0.2275, from few bins. By the error of counts alone a run ends, and is many of these errors away
   from the truth (the control); with what the line within a bin may be off it ends where both together are small enough, and where the
   bins alone are too wide at its cap, which is said. */
static void coarse_bins(void) {
  static const char squares[] =
      "seed: 62\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nsteps: 1\ntime_step: 1\n"
      "start: {normal: {mean: 0, std: 0.70710678118654752}}\ndynamics: [{name: sde, scheme: exact}]\nobserve: {at: {linear: 1}, "
      "features: [norm2], histograms: {feature: norm2, bins: %d, low: 0, high: 8}}\nanalyse: {quantiles: {probabilities: [0.5]}}\n";
  const double median = 0.22746821155978;
  char study[600], until[100];
  (void)snprintf(study, sizeof study, squares, 32);
  eg_labelled *file = run_capped(study, "{variable: quantile, stderr: 0.01}", 1 << 18);
  const double interpolation = at(file, "quantile_interpolation", 0), error = at(file, "quantile_stderr", 0);
  CHECK(at(file, "until_realisations", 0) == 1 << 18 && interpolation > 0.01 && error < 0.01 / 10);
  CHECK(at(file, "until_floor", 0) == interpolation / 0.01);
  CHECK_NEAR(at(file, "until_left", 0), hypot(interpolation, error) / 0.01, 1e-12);
  compare(false, "a median of 32 bins", at(file, "quantile", 0), hypot(interpolation, error), median, 200000);
  compare(true, "that by the error of counts alone", at(file, "quantile", 0), error, median, 200000);
  eg_labelled_free(file);
  (void)snprintf(study, sizeof study, squares, 128);
  (void)snprintf(until, sizeof until, "{variable: quantile, stderr: 0.0026}");
  file = run_capped(study, until, 1 << 16); /* where the error of counts alone is small enough */
  CHECK(at(file, "quantile_stderr", 0) < 0.0026 && at(file, "until_left", 0) > 1 && at(file, "until_floor", 0) < 1);
  eg_labelled_free(file);
  file = run_capped(study, until, 1 << 18);
  CHECK(at(file, "until_realisations", 0) == 1 << 17 && at(file, "until_left", 0) <= 1);
  compare(false, "a median of 128 bins", at(file, "quantile", 0), error_at(file, "quantile", 0), median, 200000);
  eg_labelled_free(file);
}

typedef struct ensembles {
  double mean_z, mean_z_stderr, coverage, early, correlation, errors[RUNS];
} ensembles;

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static void measure(unsigned seed, double largest_error, ensembles *e) {
  static char text[40000];
  char until[80] = "";
  if (largest_error > 0) {
    (void)snprintf(until, sizeof until, "until: {variable: diffusion_exponent, stderr: %.17g}\n", largest_error);
  }
  size_t n = (size_t)snprintf(text, sizeof text,
                              "seed: %u\nmodel: {name: scaled-brownian-motion, exponent: 1}\nsteps: 16\ntime_step: 1\n"
                              "dynamics: {name: sde, scheme: exact}\nrealisations: %d\n%s"
                              "observe: {at: {steps: {linear: 16}}, features: [displacement2],\n"
                              "  paths: {statistic: time-averaged-msd, name: r, lags: [1, 2, 3, 4]}}\n"
                              "analyse: {diffusion: {of: r, from: 1, to: 4}}\nsweep: {model.diffusivity: [",
                              seed, largest_error > 0 ? 8 * FIRST : FIRST, until);
  for (int i = 0; i < RUNS; i++) { /* the exponent does not depend on it */
    n += (size_t)snprintf(text + n, sizeof text - n, "%s%d", i > 0 ? ", " : "", i + 1);
  }
  (void)snprintf(text + n, sizeof text - n, "]}\n");
  eg_labelled *const file = run_study(text);
  double sum = 0, sum2 = 0, sum_e = 0, sum_e2 = 0, sum_ze = 0, covered = 0;
  e->early = 0;
  for (size_t r = 0; r < RUNS; r++) {
    const double error = at(file, "diffusion_exponent_stderr", r), z = (at(file, "diffusion_exponent", r) - 1) / error;
    e->errors[r] = error;
    CHECK(!(largest_error > 0) || error <= largest_error);
    covered += at(file, "diffusion_exponent_low", r) <= 1 && 1 <= at(file, "diffusion_exponent_high", r);
    e->early += at(file, "displacement2_count", r * 16) == FIRST;
    sum += z;
    sum2 += z * z;
    sum_e += error;
    sum_e2 += error * error;
    sum_ze += z * error;
  }
  eg_labelled_free(file);
  e->mean_z = sum / RUNS;
  e->mean_z_stderr = sqrt((sum2 / RUNS - e->mean_z * e->mean_z) / (RUNS - 1));
  e->coverage = covered / RUNS;
  e->early /= RUNS;
  e->correlation = (sum_ze / RUNS - sum / RUNS * sum_e / RUNS) /
                   sqrt((sum2 / RUNS - e->mean_z * e->mean_z) * (sum_e2 / RUNS - sum_e / RUNS * sum_e / RUNS));
  qsort(e->errors, RUNS, sizeof *e->errors, ascending);
}

static void stopping(void) {
  static ensembles fixed, stopped;
  measure(11, 0, &fixed);
  measure(12, (fixed.errors[RUNS / 2 - 1] + fixed.errors[RUNS / 2]) / 2, &stopped);
  const double root = sqrt(0.5), shift = -(1 - root) * fixed.correlation / sqrt(2 * 3.14159265358979323846);
  const double expected = fixed.mean_z * (1 + root) / 2 + shift;
  printf("never stopped: coverage %.1f %%, mean z %.3f(%.3f), correlation with the error %.3f\n", 100 * fixed.coverage,
         fixed.mean_z, fixed.mean_z_stderr, fixed.correlation);
  printf("stopped: coverage %.1f %%, mean z %.3f(%.3f), expected %.3f, %.1f %% ended early\n", 100 * stopped.coverage,
         stopped.mean_z, stopped.mean_z_stderr, expected, 100 * stopped.early);
  const double both = sqrt(2 * 0.95 * 0.05 / RUNS);
  compare(false, "share that ends at the first look", stopped.early, sqrt(0.5 / RUNS), 0.5, RUNS); /* of two medians */
  compare(false, "coverage as without stopping", stopped.coverage - fixed.coverage, both, 0, RUNS);
  compare(true, "coverage of a 90 % interval", stopped.coverage, sqrt(0.95 * 0.05 / RUNS), 0.9, RUNS);
  compare(false, "bias from stopping", stopped.mean_z, hypot(stopped.mean_z_stderr, fixed.mean_z_stderr), expected, RUNS);
  compare(true, "a bias of half an error", stopped.mean_z, stopped.mean_z_stderr, expected - 0.5, RUNS);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  ends();
  with_deterministic();
  tails();
  coarse_bins();
  stopping();
  (void)judge_rows(5, 3);
  (void)rmdir(folder);
  return check_report();
}
