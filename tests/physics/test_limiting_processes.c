/*
 * Table T of limiting-dynamics-and-anomalous-diffusion.md: time averages and ergodicity breaking of
 * fractional and scaled Brownian motion and of the random walk, local exponents of the Levy walk. Closed
 * forms of the library to all digits; what only paths show by simulation, in standard errors, with other
 * exponents as controls. Mean squared displacements and non-Gaussian parameters of the table are in
 * test_processes.c.
 */
#include "analysis/diffusion.h"
#include "backend/fractional.h"
#include "oracle/processes.h"
#include "physics/judge.h"
#include "physics/table_row.h"

enum { STEPS = 1024 };

static const int lags[3] = {1, 10, 100};

static const char *all_steps(int n) {
  static char text[8 * STEPS];
  size_t length = 0;
  for (int k = 0; k <= n; k++) {
    length += (size_t)snprintf(text + length, sizeof text - length, "%s%d", k > 0 ? ", " : "", k);
  }
  return text;
}

static const char *row_name(const char *process, double exponent, const char *quantity, double n) {
  static char text[100];
  (void)snprintf(text, sizeof text, "limiting-dynamics %s %g, %s, n=%g", process, exponent, quantity, n);
  return text;
}

/* Time averages over all windows of a path of `steps` steps, lags 1, 10, 100. */
static eg_labelled *time_averages(const char *model, double exponent, int steps, int realisations, int seed) {
  static char text[10 * STEPS];
  (void)snprintf(text, sizeof text,
                 "seed: %d\nmodel: {name: %s, exponent: %g}\nsteps: %d\ntime_step: 1\ndynamics: "
                 "sde\nrealisations: %d\nobserve:\n"
                 "  at: {steps: [%d]}\n  features: [x]\n  paths:\n"
                 "    - {statistic: time-averaged-msd, lags: [1, 10, 100], at: {steps: [%s]}}\n",
                 seed, model, exponent, steps, realisations, steps, all_steps(steps));
  return run_study(text);
}

static void judge_lag(const eg_labelled *file, const char *what, const char *suffix, size_t lag,
                      double expected, bool is_control) {
  char name[64], error[80];
  (void)snprintf(name, sizeof name, "path_time_averaged_msd%s", suffix);
  (void)snprintf(error, sizeof error, "%s_stderr", name);
  compare(is_control, what, value_of(file, name, 0, 0, true, lag), value_of(file, error, 0, 0, true, lag),
          expected, strcmp(suffix, "") == 0 ? 8000 : 1000);
}

/* Covariance of the squared displacements of windows i apart, by the library's covariance of single steps,
   fractional noise: EB(n) = (2 / K^2) sum over windows of the squared correlation of their displacements. */
static double fractional_breaking(double H, int n) {
  const int windows = STEPS - n + 1;
  double sum = 0, variance = 0;
  for (int j = 0; j < windows; j++) {
    double c = 0;
    for (int a = 1 - n; a < n; a++) { /* pairs of steps a further apart */
      c += (n - abs(a)) * eg_fractional_covariance(H, (uint64_t)abs(j + a));
    }
    variance = j == 0 ? c : variance;
    sum += (j == 0 ? 1 : 2) * (double)(windows - j) * (c / variance) * (c / variance);
  }
  return 2 * sum / ((double)windows * windows);
}

static void fractional(void) {
  static const double H[4] = {0.25, 0.5, 0.75, 0.9};
  static const double eb[4][3] = {{2.30186457440694e-3, 7.42785450878331e-3, 7.2688149410166e-2},
                                  {1.953125e-3, 1.31699386056444e-2, 0.140255953250548},
                                  {5.66423929113876e-3, 4.28434182187247e-2, 0.32070389531138},
                                  {0.13480798946121, 0.338123025295563, 0.860248023703944}};
  for (size_t i = 0; i < 4; i++) {
    eg_labelled *const file =
        time_averages("fractional-brownian-motion", 2 * H[i], STEPS, 16000, 631 + (int)i);
    for (size_t n = 0; n < 3; n++) {
      row_within(row_name("T, FBM, H =", H[i], "EB by the covariances", lags[n]),
                 fractional_breaking(H[i], lags[n]), eb[i][n], 5e-13);
      judge_lag(file, row_name("T, FBM, H =", H[i], "TAMSD", lags[n]), "", n, pow(lags[n], 2 * H[i]), false);
      judge_lag(file, row_name("T, FBM, H =", H[i], "EB", lags[n]), "_breaking", n, eb[i][n], false);
      judge_lag(file, row_name("T, FBM, H =", H[i], "EB of another H", lags[n]), "_breaking", n,
                eb[(i + 3) % 4][n], true);
    }
    eg_labelled_free(file);
  }
}

static void scaled(void) {
  static const double exponents[3] = {0.5, 0.7, 1.5};
  static const double mean[3][3] = {{0.03125, 0.295556436941735, 2.6593435202467},
                                    {0.125, 1.23073908706607, 11.7812302651208},
                                    {32, 320.603245500311, 3247.12949420171}};
  static const double eb[3][3] = {{5.33305296974636e-3, 1.97319212568322e-2, 0.155723638714632},
                                  {2.36485202024146e-3, 1.47322670958005e-2, 0.144368520372703},
                                  {2.19726478859851e-3, 0, 0}}; /* the table stops here */
  for (size_t i = 0; i < 3; i++) {
    eg_labelled *const file =
        time_averages("scaled-brownian-motion", exponents[i], STEPS, 1 << 15, 641 + (int)i);
    for (size_t n = 0; n < 3; n++) {
      judge_lag(file, row_name("T, SBM", exponents[i], "TAMSD", lags[n]), "", n, mean[i][n], false);
      judge_lag(file, row_name("T, SBM", exponents[i], "TAMSD as MSD", lags[n]), "", n,
                pow(lags[n], exponents[i]), true);
      if (eb[i][n] > 0) {
        judge_lag(file, row_name("T, SBM", exponents[i], "EB", lags[n]), "_breaking", n, eb[i][n], false);
      }
    }
    judge_lag(file, row_name("T, SBM", exponents[i], "EB of Brownian motion", 1), "_breaking", 0, 1.953125e-3,
              true);
    eg_labelled_free(file);
  }
}

/* The integral of f over (low, high) in u, x = low + (high - low) u^5: the walk's mean squared displacement
 * is smooth in u. */
static double integral(double low, double high) {
  static const double node[8] = {0.0950125098376374, 0.2816035507792589, 0.4580167776572274,
                                 0.6178762444026438, 0.7554044083550030, 0.8656312023878318,
                                 0.9445750230732326, 0.9894009349916499};
  static const double weight[8] = {0.1894506104550685, 0.1826034150449236, 0.1691565193950025,
                                   0.1495959888165767, 0.1246289712555339, 0.0951585116824928,
                                   0.0622535239386479, 0.0271524594117541};
  enum { PANELS = 64 };
  double sum = 0;
  for (int panel = 0; panel < PANELS; panel++) {
    for (int i = 0; i < 16; i++) {
      const double u = (panel + 0.5 + 0.5 * (i % 2 == 0 ? 1 : -1) * node[i / 2]) / PANELS;
      sum += weight[i / 2] / (2 * PANELS) * 5 * pow(u, 4) *
             eg_random_walk_msd(0.6, 1, 1, low + (high - low) * pow(u, 5));
    }
  }
  return (high - low) * sum;
}

/* Means over continuous windows: int_0^(T - lag) (MSD(s + lag) - MSD(s)) ds / (T - lag), increments being
 * uncorrelated. */
static void random_walk(void) {
  static const double mean[3] = {0.06996445843972197, 0.6830135294164798, 6.375705104747378};
  static const double breaking[3] = {0.54, 0.66, 1.24};
  eg_labelled *const file = time_averages("continuous-time-random-walk", 0.6, 1000, 1 << 15, 651);
  for (size_t n = 0; n < 3; n++) {
    const double lag = lags[n], T = 1000;
    row_is(row_name("T, CTRW", 0.6, "TAMSD", lag),
           (integral(0, T) - integral(0, lag) - integral(0, T - lag)) / (T - lag), mean[n]);
    double sum = 0; /* windows of whole steps: what the run has */
    for (int j = 0; j + lags[n] <= 1000; j++) {
      sum += eg_random_walk_msd(0.6, 1, 1, j + lag) - eg_random_walk_msd(0.6, 1, 1, j);
    }
    judge_lag(file, row_name("T, CTRW", 0.6, "TAMSD, windows of whole steps", lag), "", n, sum / (1001 - lag),
              false);
    judge_lag(file, row_name("T, CTRW", 0.6, "TAMSD as MSD", lag), "", n, eg_random_walk_msd(0.6, 1, 1, lag),
              true);
    /* the theory's two digits, by simulation */
    const double eb = value_of(file, "path_time_averaged_msd_breaking", 0, 0, true, n),
                 error = value_of(file, "path_time_averaged_msd_breaking_stderr", 0, 0, true, n);
    printf("%s: %.4f +- %.4f\n", row_name("T, CTRW", 0.6, "EB, two digits", lag), eb, error);
    CHECK(fabs(eb - breaking[n]) < 0.005 + 5 * error && eb - 5 * error > 0.4492065248014831);
  }
  const double gamma = eg_gamma_of_1_and(0.6);
  row_is(row_name("T, CTRW", 0.6, "EB limit", 0), 2 * gamma * gamma / (1.2 * eg_gamma_of_1_and(0.2)) - 1,
         0.4492065248014831);
  row_is_not(row_name("T, CTRW", 0.7, "EB limit", 0),
             2 * pow(eg_gamma_of_1_and(0.7), 2) / (1.4 * eg_gamma_of_1_and(0.4)) - 1, 0.4492065248014831);
  eg_labelled_free(file);
}

/* d log MSD / d log t of the equilibrated walk, by differences of order 10 in log t. */
static void levy_walk(void) {
  static const double local[4] = {1.891805812446, 1.696508706304, 1.571090885517, 1.523336435703};
  static const double c[5] = {5.0 / 6, -5.0 / 21, 5.0 / 84, -5.0 / 504, 1.0 / 1260};
  const double h = 0.04;
  for (int i = 0; i < 4; i++) {
    double slope[2] = {0};
    for (int tail = 0; tail < 2; tail++) {
      for (int k = 1; k <= 5; k++) {
        const double t = pow(10, i), g = tail == 0 ? 1.5 : 1.6;
        slope[tail] += c[k - 1] / h *
                       (log(eg_levy_walk_msd(g, 1, 1, t * exp(k * h))) -
                        log(eg_levy_walk_msd(g, 1, 1, t * exp(-k * h))));
      }
    }
    row_has(row_name("T, Levy walk", 1.5, "local exponent", pow(10, i)), slope[0], local[i], 13);
    row_is_not(row_name("T, Levy walk", 1.6, "local exponent", pow(10, i)), slope[1], local[i]);
  }
}

/* Section 3.5: annealed transit times with s = 0.6, gamma = 1.2 over their asymptote. The numbers are from
   2e4 to 4e4 paths, whose error is added to ours. */
static void transit_times(void) {
  static const double ratio[4] = {0.835, 0.923, 0.955, 0.983};
  const double pi = acos(-1.0), s = 0.6, gamma = 1.2, a = s / gamma;
  eg_labelled *const file =
      run_study("seed: 661\nmodel: {name: annealed-transit-time, exponent: 0.5, gamma: 1.2}\ntime_step: 100\n"
                "steps: 1000\ndynamics: sde\nrealisations: 2^16\nobserve:\n"
                "  at: {steps: [1, 10, 100, 1000]}\n  features: [x, displacement2]\n");
  for (size_t i = 0; i < 4; i++) {
    const double t = pow(10, 2 + (double)i),
                 asymptote = 2 * s / (s + 1 - gamma) * pow(t, a) * sin(pi * a) / (pi * a);
    const double value = value_of(file, "displacement2", 0, i, false, 0) / asymptote,
                 error = value_of(file, "displacement2_stderr", 0, i, false, 0) / asymptote *
                         sqrt(1 + 65536 / 3e4);
    const char *const what = row_name("3.5, ATTM", a, "ratio to the asymptote", t);
    printf("%s: %.4f +- %.4f\n", what, value, error);
    compare(false, what, value, error, ratio[i], 5000);
    compare(true, row_name("3.5, ATTM", a, "1.2 times the ratio", t), value, error, 1.2 * ratio[i], 5000);
  }
  eg_labelled_free(file);
}

/* Section 3.4: variances of exponents of Brownian motion, x samples / 2, over windows of several lengths.
   Generalised least squares have shrunk weights here and 64 lags in place of a continuum: up to 5 % above the
   best. */
static void error_bars(void) {
  enum { N = EG_DIFFUSION_MOST_LAGS };
  static const double window[4] = {2, 10, 100, 1000}, best[4] = {2.0809, 0.33496, 0.08566, 0.03434},
                      ends[4] = {2.0814, 0.33950, 0.09336, 0.04187};
  static const int digits[4] = {5, 5, 4, 4};
  static double time[N], msd[N], covariance[N * N];
  for (int w = 0; w < 4; w++) {
    for (size_t i = 0; i < N; i++) {
      time[i] = msd[i] = pow(window[w], (double)i / (N - 1));
      for (size_t j = 0; j <= i; j++) {
        covariance[i * N + j] = covariance[j * N + i] = 2 * time[j] * time[j];
      }
    }
    const eg_diffusion_data data = {N, time, msd, covariance, 1e6, 1e6};
    eg_diffusion_fit fit;
    eg_diffusion_fit_window(&data, 0, N, false, &fit);
    const double found = fit.exponent_stderr * fit.exponent_stderr * 1e6 / 2;
    row_has(row_name("3.4, window ln", window[w], "F, two ends", N),
            fit.two_point_stderr * fit.two_point_stderr * 1e6 / 2, ends[w], digits[w]);
    printf("%s: %.5f\n", row_name("3.4, window ln", window[w], "F, GLS", N), found);
    CHECK(found > best[w] * (1 - 1e-4) && found < best[w] * 1.05);
    row_is_not(row_name("3.4, window ln", window[w], "F of independent lags", N),
               fit.naive_stderr * fit.naive_stderr * 1e6 / 2, ends[w]);
  }
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  error_bars();
  levy_walk();
  random_walk();
  transit_times();
  scaled();
  fractional();
  report_rows(24, 9);
  judge(47, 31);
  (void)rmdir(folder);
  return check_report();
}
