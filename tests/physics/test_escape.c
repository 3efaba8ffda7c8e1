/*
 * The escape analysis. Independent steps (curvature x learning_rate = 1) cross a level with one probability p a step: rate and
 * survival are known exactly. Coverage of the interval on few censored exponential times. Free Brownian motion has no
 * constant rate, which must be said. Kramers' and the power-law prediction against published digits and a double well.
 */
#include <stdint.h>

#include "analysis/escape.h"
#include "physics/judge.h"

static const double *analysis(const eg_labelled *file, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
  if (v == NULL) {
    stop_with(name);
    return NULL;
  }
  return v->data;
}

static void independent_steps(void) {
  enum { N = 8 };
  const double p = 0.5 * erfc(3 / sqrt(2.0)), h = 0.25;
  eg_labelled *const file =
      run_study("seed: 51\nmodel: {name: quadratic, curvature: 4, noise: 4}\nsteps: 1024\nlearning_rate: 1/4\n"
                "dynamics: [{name: sgd, batch_size: 1}]\nrealisations: 40000\nobserve:\n  at: {linear: 8}\n  features: [x]\n"
                "  monitors:\n    - {name: exit, feature: x0, operation: crossing, level: 3, direction: up}\n"
                "analyse: [{escape: {}}, {escape: {of: exit, from: 96}}]\n");
  for (int a = 1; a <= 2; a++) {
    const char *const prefix = a == 1 ? "escape" : "escape_2";
    char name[40];
    (void)snprintf(name, sizeof name, "%s_rate", prefix);
    const double rate = analysis(file, name)[0];
    (void)snprintf(name, sizeof name, "%s_rate_stderr", prefix);
    const double error = analysis(file, name)[0];
    (void)snprintf(name, sizeof name, "%s_rate_jackknife_stderr", prefix);
    const double jackknife = analysis(file, name)[0];
    (void)snprintf(name, sizeof name, "%s_p_value", prefix);
    compare(false, prefix, rate, error, p / h, 40000);
    compare(true, "twice the rate", rate, error, 2 * p / h, 40000);
    CHECK(jackknife / error > 0.6 && jackknife / error < 1.5);
    CHECK(analysis(file, name)[0] > 1e-4); /* geometric: the rate is constant */
  }
  CHECK(analysis(file, "escape_2_events")[0] < analysis(file, "escape_events")[0]);
  for (size_t t = 0; t < N; t++) {
    const double steps = 128 * (double)(t + 1), share = analysis(file, "escape_survival")[t];
    compare(false, "survival", share, analysis(file, "escape_survival_stderr")[t], pow(1 - p, steps), 40000);
    CHECK(analysis(file, "escape_survival_low")[t] < share && share < analysis(file, "escape_survival_high")[t]);
  }
  compare(true, "survival of a level never reached", analysis(file, "escape_survival")[0],
          analysis(file, "escape_survival_stderr")[0], 1, 40000);
  eg_labelled_free(file);
}

/* The exact interval holds the truth in at least 95 % of repeats: 12 trajectories of rate 1, censored at 1. */
static void coverage(void) {
  uint64_t state = 0x2545f4914f6cdd1dull;
  size_t holds = 0, holds_half = 0;
  const size_t repeats = 4000;
  for (size_t i = 0; i < repeats; i++) {
    double crossed = 0, risk = 0;
    for (int k = 0; k < 12; k++) {
      state ^= state >> 12;
      state ^= state << 25;
      state ^= state >> 27;
      const double t = -log(((double)((state * 0x2545f4914f6cdd1dull) >> 11) + 0.5) * 0x1p-53);
      crossed += t < 1;
      risk += fmin(t, 1);
    }
    eg_escape_fit fit;
    eg_escape_fit_rate(1, &crossed, &risk, (size_t)-1, &fit);
    holds += fit.rate_low <= 1 && 1 <= fit.rate_high;
    holds_half += fit.rate_low <= 0.5 && 0.5 <= fit.rate_high;
  }
  printf("interval of the rate, 7.6 events in the mean: covered %.1f %%, a rate of half as much %.0f %%\n",
         100 * (double)holds / (double)repeats, 100 * (double)holds_half / (double)repeats);
  CHECK((double)holds / (double)repeats > 0.945 && (double)holds / (double)repeats < 0.99);
  CHECK((double)holds_half / (double)repeats < 0.8);
}

static void predictions(void) {
  /* double well (x^2 - 1)^2 / 4 + L0 with noise proportional to it: 1 / kappa of two rows, and Kramers' for D = T L0 */
  CHECK_NEAR(1 / eg_escape_power_law(2, 1, 2, 0.5), 25.1327412287, 1e-9);
  CHECK_NEAR(1 / eg_escape_power_law(2, 1, 3.5, 0.25), 1247.30042437, 1e-7);
  CHECK_NEAR(eg_escape_kramers(2, 1, 0.25, 0.125), sqrt(2) / (2 * 3.14159265358979323846) * exp(-2), 1e-15);
}

static void wells(void) {
  eg_labelled *file =
      run_study("seed: 52\nmodel: {name: ornstein-uhlenbeck, rate: 0, sigma: 1}\nsteps: 512\ntime_step: 1/64\n"
                "dynamics: [{name: sde, scheme: exact}]\nrealisations: 20000\nobserve:\n  at: {linear: 8}\n  features: [x]\n"
                "  monitors:\n    - {name: exit, feature: x0, operation: crossing, level: 2, direction: up}\n"
                "analyse: {escape: {}}\n");
  CHECK(analysis(file, "escape_p_value")[0] < 1e-6);
  eg_labelled_free(file);
  file = run_study("seed: 53\nmodel: {name: double-well, sigma: 0.40824829046386302}\nstart: {point: -1}\nsteps: 12800\n"
                   "learning_rate: 1/64\ndynamics: [{name: sde, scheme: euler-maruyama}]\nrealisations: 8000\nobserve:\n"
                   "  at: {linear: 20}\n  features: [x]\n  monitors:\n"
                   "    - {name: exit, feature: x0, operation: crossing, level: 1, direction: up}\n"
                   "analyse: {escape: {from: 20, minimum_curvature: 2, saddle_curvature: 1, barrier: 0.25, "
                   "diffusion: 0.083333333333333329}}\n");
  const double ratio = analysis(file, "escape_rate")[0] / analysis(file, "escape_kramers")[0];
  printf("double well, barrier 3 D: rate %.5f(%.5f), Kramers %.5f, ratio %.3f, constant rate p %.2g\n",
         analysis(file, "escape_rate")[0], analysis(file, "escape_rate_stderr")[0], analysis(file, "escape_kramers")[0], ratio,
         analysis(file, "escape_p_value")[0]);
  CHECK(ratio > 0.7 && ratio < 1.1); /* corrections of order D / barrier */
  CHECK(analysis(file, "escape_p_value")[0] > 1e-4);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  predictions();
  coverage();
  independent_steps();
  wells();
  (void)judge_rows(10, 3);
  (void)rmdir(folder);
  return check_report();
}
