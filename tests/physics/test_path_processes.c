/*
 * Statistics of paths and the diffusion analysis on processes whose exponents are known. Fractional Brownian motion: its
 * exponent, and the exact ergodicity-breaking parameter of its time averages. A random walk with Mittag-Leffler waits:
 * mean squared displacement t^0.6, non-Gaussian parameter, and time averages that grow linearly all the same.
 */
#include "physics/judge.h"

enum { STEPS = 1024 };

static const double *array(const eg_labelled *file, const char *group, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, group, name);
  if (v == NULL) {
    stop_with(name);
    return NULL;
  }
  return v->data;
}

/* Every step from 0 to n. */
static const char *all_steps(int n) {
  static char text[8 * STEPS];
  size_t length = 0;
  for (int k = 0; k <= n; k++) {
    length += (size_t)snprintf(text + length, sizeof text - length, "%s%d", k > 0 ? ", " : "", k);
  }
  return text;
}

/* EB(n) of windows in a path of STEPS increments: (2 / K^2) sum over windows of the squared correlation of their increments. */
static double breaking(double exponent, int n) {
  const int windows = STEPS - n + 1;
  double sum = 0;
  for (int j = 1 - windows; j < windows; j++) {
    const double t = abs(j);
    const double c = 0.5 * (pow(t + n, exponent) + pow(fabs(t - n), exponent) - 2 * pow(t, exponent)) / pow(n, exponent);
    sum += (windows - t) * c * c;
  }
  return 2 * sum / ((double)windows * windows);
}

static void fractional(double exponent) {
  static char text[10 * STEPS];
  static const int lags[] = {1, 10, 100};
  (void)snprintf(text, sizeof text,
                 "seed: 71\nmodel: {name: fractional-brownian-motion, exponent: %g}\nsteps: %d\ntime_step: 1\ndynamics: sde\n"
                 "realisations: 16000\nobserve:\n  at: {steps: [%s]}\n  features: [x]\n  paths:\n"
                 "    - {statistic: time-averaged-msd, lags: [1, 10, 100]}\nanalyse: {diffusion: {}}\n",
                 exponent, STEPS, all_steps(STEPS));
  eg_labelled *const file = run_study(text);
  for (size_t i = 0; i < 3; i++) {
    const double *const mean = array(file, "/", "path_time_averaged_msd"),
                 *const error = array(file, "/", "path_time_averaged_msd_stderr"),
                 *const eb = array(file, "/", "path_time_averaged_msd_breaking"),
                 *const eb_error = array(file, "/", "path_time_averaged_msd_breaking_stderr");
    compare(false, "time average", mean[i], error[i], pow(lags[i], exponent), 16000);
    compare(false, "breaking", eb[i], eb_error[i], breaking(exponent, lags[i]), 1000);
    compare(true, "breaking of Brownian motion", eb[i], eb_error[i], breaking(1, lags[i]), 1000);
  }
  eg_labelled_free(file);
  (void)snprintf(text, sizeof text,
                 "seed: 72\nmodel: {name: fractional-brownian-motion, exponent: %g}\nsteps: %d\ntime_step: 1\ndynamics: sde\n"
                 "realisations: 16000\nobserve:\n  at: {steps: {log: 24}}\n  features: [x]\n  paths: {statistic: msd}\n"
                 "analyse: {diffusion: {}}\n",
                 exponent, STEPS);
  eg_labelled *const ensemble = run_study(text);
  const double found = array(ensemble, "/analysis", "diffusion_exponent")[0],
               stderr_ = array(ensemble, "/analysis", "diffusion_exponent_stderr")[0];
  printf("exponent %.2f: found %.4f(%.4f)\n", exponent, found, stderr_);
  compare(false, "exponent", found, stderr_, exponent, 1000);
  compare(true, "an exponent 0.1 larger", found, stderr_, exponent + 0.1, 1000);
  CHECK(array(ensemble, "/analysis", "diffusion_verdict")[0] == 1);
  eg_labelled_free(ensemble);
}

/* Unit jumps, waits of exponent 0.6: E x(t)^2 = t^0.6 / Gamma(1.6), increments uncorrelated. */
static double walk(double t) {
  return pow(t, 0.6) / tgamma(1.6);
}

static void random_walk(void) {
  static char text[10 * STEPS];
  static const double non_gaussian[] = {1.342721874089173, 0.6736474330236123, 0.5055833535};
  (void)snprintf(text, sizeof text,
                 "seed: 73\nmodel: {name: continuous-time-random-walk, exponent: 0.6}\nsteps: 1000\ntime_step: 1\n"
                 "dynamics: sde\nrealisations: 40000\nobserve:\n  at: {steps: [%s]}\n  features: [x]\n  paths:\n"
                 "    - {statistic: time-averaged-msd, lags: [1, 10, 100]}\n",
                 all_steps(1000));
  eg_labelled *file = run_study(text);
  for (size_t i = 0; i < 3; i++) {
    const int n = i == 0 ? 1 : (i == 1 ? 10 : 100);
    double sum = 0;
    for (int j = 0; j + n <= 1000; j++) {
      sum += walk(j + n) - walk(j);
    }
    const double *const mean = array(file, "/", "path_time_averaged_msd"),
                 *const error = array(file, "/", "path_time_averaged_msd_stderr");
    compare(false, "time average of the walk", mean[i], error[i], sum / (1001 - n), 40000);
    compare(true, "ensemble average instead", mean[i], error[i], walk(n), 40000);
  }
  eg_labelled_free(file);
  file = run_study("seed: 74\nmodel: {name: continuous-time-random-walk, exponent: 0.6}\nsteps: 100\ntime_step: 1\n"
                   "dynamics: sde\nrealisations: 60000\nobserve:\n  at: {steps: [1, 2, 5, 10, 20, 50, 100]}\n  features: [x]\n"
                   "  paths:\n    - {statistic: msd}\n    - {statistic: moments, powers: [2, 4]}\n"
                   "analyse: {diffusion: {}}\n");
  for (size_t i = 0; i < 3; i++) {
    compare(false, "mean squared displacement", array(file, "/", "path_msd")[3 * i], array(file, "/", "path_msd_stderr")[3 * i],
            walk(pow(10, (double)i)), 60000);
    compare(false, "non-Gaussian parameter", array(file, "/", "path_moments_non_gaussian")[3 * i],
            array(file, "/", "path_moments_non_gaussian_stderr")[3 * i], non_gaussian[i], 1000);
    compare(true, "Gaussian", array(file, "/", "path_moments_non_gaussian")[3 * i],
            array(file, "/", "path_moments_non_gaussian_stderr")[3 * i], 0, 1000);
  }
  compare(false, "exponent of the walk", array(file, "/analysis", "diffusion_exponent")[0],
          array(file, "/analysis", "diffusion_exponent_stderr")[0], 0.6, 1000);
  eg_labelled_free(file);
}

/* Flights of constant speed: zeta(q) is q / tail for small q and q + 1 - tail for large ones (strong anomalous diffusion, Castiglione
   et al., Physica D 134, 75, 1999). Fractional Brownian motion has one length: zeta(q) = q exponent / 2. */
static void spectra(void) {
  eg_labelled *file = run_study("seed: 75\nmodel: {name: levy-walk, tail: 1.5}\nsteps: 1000\ntime_step: 1\ndynamics: sde\n"
                                "realisations: 20000\nobserve:\n  at: {steps: [100, 200, 400, 1000]}\n  features: [x]\n"
                                "  paths: {statistic: moments, powers: [0.5, 4]}\n");
  const double nonlinearity = array(file, "/", "path_moments_nonlinearity")[0];
  compare(true, "one length of a walk", nonlinearity, array(file, "/", "path_moments_nonlinearity_stderr")[0], 0, 1000);
  CHECK(fabs(nonlinearity - (3.5 / 4 - 1 / 1.5)) < 0.1);
  eg_labelled_free(file);
  file = run_study("seed: 76\nmodel: {name: fractional-brownian-motion, exponent: 1.4}\nsteps: 256\ntime_step: 1\ndynamics: sde\n"
                   "realisations: 20000\nobserve:\n  at: {steps: [1, 4, 16, 64, 256]}\n  features: [x]\n"
                   "  paths: {statistic: moments, powers: [0.5, 1, 3]}\n");
  static const double powers[] = {0.5, 1, 3};
  for (size_t k = 0; k < 3; k++) {
    compare(false, "spectrum", array(file, "/", "path_moments_spectrum")[k], array(file, "/", "path_moments_spectrum_stderr")[k],
            0.7 * powers[k], 1000);
  }
  compare(false, "one length", array(file, "/", "path_moments_nonlinearity")[0],
          array(file, "/", "path_moments_nonlinearity_stderr")[0], 0, 1000);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  CHECK_NEAR(breaking(0.5, 10), 7.42785450878331e-3, 1e-15);
  CHECK_NEAR(breaking(1.5, 100), 0.32070389531138, 1e-12);
  fractional(0.5);
  fractional(1.5);
  random_walk();
  spectra();
  (void)judge_rows(24, 11);
  (void)rmdir(folder);
  return check_report();
}
