/*
 * Distributions of values of path statistics, counted in bins: time-averaged squared displacements of Brownian motion over windows as
 * long as the trajectory (chi^2 of one degree) and of one step (many degrees), powers of displacements, and a random walk whose waits
 * have no mean (Mittag-Leffler, exponent 1/2): its number of jumps by time T has the transform E_1/2(-s sqrt T), so that |x(T)|^2 is a
 * Fourier integral with an atom at 0 of e^T erfc(sqrt T). Counts = a recount from kept paths. Negative controls.
 */
#include "physics/judge.h"
#include "stats/paths.h"

enum { REALISATIONS = 100000 };

static const void *array(const eg_labelled *file, const char *group, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, group, name);
  if (v == NULL) {
    stop_with(name);
    return NULL;
  }
  return v->data;
}

/* Share of the values below the bin edge next to v (of value i of the statistic), and the edge. */
static double share_below(const eg_labelled *file, const char *name, size_t i, double v, double *edge, double *n) {
  char full[64];
  (void)snprintf(full, sizeof full, "path_%s_histogram", name);
  const int64_t *const counts = (const int64_t *)array(file, "/", full) + i * EG_PATH_BINS;
  (void)snprintf(full, sizeof full, "path_%s_histogram_below", name);
  const int64_t below = ((const int64_t *)array(file, "/", full))[i];
  (void)snprintf(full, sizeof full, "path_%s_histogram_above", name);
  const int64_t above = ((const int64_t *)array(file, "/", full))[i];
  (void)snprintf(full, sizeof full, "path_%s_bin_high", name);
  const double *const high = array(file, "/", full);
  int64_t sum = below, all = below + above;
  for (size_t k = 0; k < EG_PATH_BINS; k++) {
    all += counts[k];
    sum += high[k] <= v ? counts[k] : 0;
    *edge = high[k] <= v ? high[k] : *edge;
  }
  *n = (double)all;
  return (double)sum / (double)all;
}

/* The share against a distribution function, its error binomial. */
static void judge_share(const eg_labelled *file, const char *name, size_t i, double v, double (*F)(double v), bool is_control) {
  char what[100];
  double edge = 0, n = 0;
  const double share = share_below(file, name, i, v, &edge, &n), p = F(edge);
  (void)snprintf(what, sizeof what, "P(%s[%zu] < %.4g)", name, i, edge);
  CHECK(n == REALISATIONS && fabs(edge / v - 1) < 0x1p-7);
  compare(is_control, what, share, sqrt(p * (1 - p) / n), p, n);
}

/* ---- Brownian motion ---- */

static double chi2_1(double v) { /* 99 x chi^2 of one degree */
  return erf(sqrt(v / 99 / 2));
}
static double gaussian_99(double v) {
  return 0.5 * erfc(-(v - 99) / (99 * sqrt(2.0)) / sqrt(2.0));
}
/* chi^2 of 2 m + 1 degrees: erf(sqrt(x / 2)) - e^(-x/2) sum (x/2)^(k - 1/2) / Gamma(k + 1/2) */
static double chi2_odd(double x, int m) {
  double sum = 0;
  for (int k = 1; k <= m; k++) {
    sum += exp((k - 0.5) * log(x / 2) - x / 2 - lgamma(k + 0.5));
  }
  return erf(sqrt(x / 2)) - sum;
}
static double mean_of_99(double v) {
  return chi2_odd(99 * v, 49);
}
static double mean_of_99_as_97(double v) {
  return chi2_odd(97 * v, 48);
}
static double mean_of_33(double v) { /* of every third step */
  return chi2_odd(33 * v, 16);
}
static double distance_10(double v) { /* |x| over 10 steps */
  return erf(v / sqrt(20.0));
}
static double square_10(double v) {
  return erf(sqrt(v / 20));
}

/* 3 / 32 x chi^2 of 32 degrees */
static double mean_of_32(double v) {
  double sum = 0;
  for (int k = 0; k < 16; k++) {
    sum += exp(k * log(32 * v / 6) - 32 * v / 6 - lgamma(k + 1));
  }
  return 1 - sum;
}

static void brownian(int seed) {
  static const double quantiles[] = {0.05, 0.5, 0.95};
  static const double of_chi2_1[] = {0.003932140000019522, 0.4549364231195728, 3.841458820694124};
  char text[1000];
  (void)snprintf(text, sizeof text,
      "seed: %d\nmodel: {name: ornstein-uhlenbeck, rate: 0, sigma: 1}\nsteps: 100\ntime_step: 1\ndynamics: [{name: sde, scheme: exact}]\n"
      "realisations: 100000\nobserve:\n  at: {steps: {linear: 100}}\n  features: [x]\n  paths:\n"
      "    - {statistic: time-averaged-msd, name: averages, lags: [1, 99], histogram: true}\n"
      "    - {statistic: moments, powers: [1, 2], origin: 90, histogram: true}\n"
      "    - {statistic: correlator-msd, name: thirds, every: 3, histogram: true}\n"
      "analyse: [{quantiles: {of: averages, probabilities: [0.05, 0.5, 0.95]}}, {quantiles: {of: moments, probabilities: [0.5]}}]\n", seed);
  eg_labelled *const file = run_study(text);
  for (int i = 1; i <= 5; i++) {
    const double far = 10.0 * i * i, near = 0.7 + 0.1 * i, lag_10 = 9 * 2; /* the last lag, of powers 1 and 2 */
    judge_share(file, "averages", 0, near, mean_of_99, false);
    judge_share(file, "averages", 1, far, chi2_1, false);
    judge_share(file, "averages", 1, far, gaussian_99, true);
    judge_share(file, "thirds", 0, 3 * near, mean_of_32, false);
    judge_share(file, "moments", (size_t)lag_10, 1.5 * i, distance_10, false);
    judge_share(file, "moments", (size_t)lag_10 + 1, 3.0 * i * i, square_10, false);
  }
  judge_share(file, "averages", 0, 0.8, mean_of_33, true);
  judge_share(file, "moments", 18, 3, square_10, true);
  CHECK(fabs(mean_of_99(0.8) - mean_of_99_as_97(0.8)) > 1e-4); /* the oracle tells the numbers of windows apart */
  /* quantiles over (lag, probability), with their binomial errors */
  const double *const q = array(file, "/analysis", "quantile"), *const error = array(file, "/analysis", "quantile_stderr");
  for (size_t k = 0; k < 3; k++) {
    char what[60];
    (void)snprintf(what, sizeof what, "quantile %g", quantiles[k]);
    compare(false, what, q[3 + k], error[3 + k], 99 * of_chi2_1[k], REALISATIONS);
    compare(true, what, q[3 + k], error[3 + k], 66 * of_chi2_1[k], REALISATIONS);
  }
  const double *const median = array(file, "/analysis", "quantile_2"), *const of_median = array(file, "/analysis", "quantile_2_stderr");
  compare(false, "median distance", median[18], of_median[18], sqrt(10 * of_chi2_1[1]), REALISATIONS);
  eg_labelled_free(file);
}

/* ---- a random walk with waits of exponent 1/2 ---- */

static const double T = 100;

static double renewal(double s) { /* E_1/2(-s sqrt T), s in 0 .. 1 */
  const double x = s * sqrt(T);
  return exp(x * x) * erfc(x);
}

/* |x|^2 <= v after Gaussian jumps: atom + 2/pi int sin(u a) / u (phi(u) - atom) du, a = sqrt v, by Simpson's rule. */
static double walk(double v) {
  enum { N = 200000 };
  const double a = sqrt(v), atom = renewal(1), end = 9; /* exp(-u^2 / 2) is 3e-18 there */
  double sum = 0;
  for (int i = 0; i <= N; i++) {
    const double u = end * i / N, phi = renewal(-expm1(-u * u / 2)) - atom;
    sum += (i == 0 || i == N ? 1 : i % 2 == 1 ? 4 : 2) * (u == 0 ? a : sin(u * a) / u) * phi;
  }
  return atom + 2 / 3.14159265358979323846 * sum * end / N / 3;
}
static double walk_gaussian(double v) { /* of the same variance: T^(1/2) / Gamma(3/2) */
  return erf(sqrt(v / 2 / (sqrt(T) / tgamma(1.5))));
}

static void random_walk(void) {
  eg_labelled *const file = run_study(
      "seed: 92\nmodel: {name: continuous-time-random-walk, exponent: 0.5}\nsteps: 100\ntime_step: 1\ndynamics: sde\n"
      "realisations: 100000\nobserve:\n  at: {steps: [0, 20, 40, 60, 80, 100]}\n  features: [x]\n"
      "  paths: {statistic: time-averaged-msd, lags: [20, 100], histogram: true}\n");
  for (int i = 0; i < 5; i++) {
    const double v = (double[]){0.5, 2, 8, 20, 60}[i];
    judge_share(file, "time_averaged_msd", 1, v, walk, false);
    judge_share(file, "time_averaged_msd", 1, v, walk_gaussian, true);
  }
  /* who has not moved has a time average of 0 at every lag */
  const int64_t *const below = array(file, "/", "path_time_averaged_msd_histogram_below");
  const double p = renewal(1), n = REALISATIONS;
  CHECK(below[0] == below[1]);
  compare(false, "has not moved", (double)below[1] / n, sqrt(p * (1 - p) / n), p, n);
  compare(true, "has not moved", (double)below[1] / n, sqrt(p * (1 - p) / n), exp(-2 * sqrt(T) / sqrt(3.14159265358979)), n);
  eg_labelled_free(file);
}

/* ---- a recount ---- */

static void recount(void) {
  eg_labelled *const file = run_with(
      folder, "seed: 93\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[0.5], [4.1]]}\nsteps: 64\nlearning_rate: 1/8\n"
              "dynamics: {name: sgd, batch_size: 1}\nrealisations: 700\ndiverged_limit: 1\nobserve:\n  at: {steps: {linear: 64}}\n"
              "  features: [x]\n  keep: {realisations: 700}\n  paths: {statistic: time-averaged-msd, lags: [1, 9, 40], histogram: true}\n",
      true);
  const double *const x = array(file, "/", "x_path"), *const high = array(file, "/", "path_time_averaged_msd_bin_high");
  const int64_t *const counts = array(file, "/", "path_time_averaged_msd_histogram");
  int64_t *const want = calloc(2 * 3 * EG_PATH_BINS, sizeof *want);
  size_t n_lost = 0;
  for (size_t r = 0; r < 2 * 700; r++) { /* point, realisation */
    const double *const path = x + r * 64;
    n_lost += isnan(path[63]);
    for (size_t k = 0; k < 3 && !isnan(path[63]); k++) {
      const size_t lag = (size_t[]){1, 9, 40}[k];
      long double sum = 0;
      for (size_t i = 0; i + lag < 64; i++) {
        sum += ((long double)path[i + lag] - path[i]) * ((long double)path[i + lag] - path[i]);
      }
      sum /= (long double)(64 - lag);
      size_t bin = 0;
      while ((double)sum >= high[bin]) {
        bin++;
      }
      want[(r / 700 * 3 + k) * EG_PATH_BINS + bin]++;
    }
  }
  CHECK(n_lost > 50 && n_lost < 700);
  CHECK(memcmp(want, counts, 2 * 3 * EG_PATH_BINS * sizeof *want) == 0);
  free(want);
  eg_labelled_free(file);
}

/* Places of the grid: its edges themselves, their neighbours, and what lies outside. */
static void grid(void) {
  for (uint32_t k = 0; k < EG_PATH_BINS; k++) {
    const double low = eg_path_edge(k), high = eg_path_edge(k + 1);
    CHECK(low < high && high / low - 1 <= 0x1p-7);
    CHECK(eg_path_place(low) == k + 1 && eg_path_place(nextafter(high, 0)) == k + 1 && eg_path_place(nextafter(low, 0)) == k);
  }
  CHECK(eg_path_place(0) == 0 && eg_path_place(-1) == 0 && eg_path_place(INFINITY) == EG_PATH_BINS + 1);
  CHECK(eg_path_edge(0) == 0x1p-64 && eg_path_edge(EG_PATH_BINS) == 0x1p64 && eg_path_place(0x1p64) == EG_PATH_BINS + 1);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("temporary folder");
  }
  grid();
  brownian(91);
  brownian(94);
  brownian(95);
  random_walk();
  recount();
  judge(80, 30);
  (void)rmdir(folder);
  return check_report();
}
