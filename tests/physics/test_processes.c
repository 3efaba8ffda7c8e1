/*
 * Processes with known exponents against their laws: table T of limiting-dynamics-and-anomalous-diffusion.md (60-digit
 * arithmetic; the first number of the Levy walk by hand, 2 (4 sqrt(8) - 10) / 3: the table has lost a digit), covariances in closed form summed over windows (the joint law of a path, not only one time), fourth moments,
 * and renewal equations solved here for what has no closed form. Every comparison is a z-score; wrong laws must be rejected.
 */
#include "backend/fractional.h"
#include "oracle/processes.h"
#include "physics/judge.h"
#include "physics/run_text.h"
#include "physics/transit_time.h"

static void is_near(const char *what, double value, double expected, double tolerance) {
  if (!(fabs(value - expected) <= tolerance * fabs(expected))) {
    fprintf(stderr, "%s: %.17g, expected %.17g\n", what, value, expected);
    CHECK(false);
  }
}

/* ---- closed forms to all digits ---- */

static void oracles(void) {
  static const double walk[4] = {1.119174954070122, 4.455515743191966, 17.73772765878716, 70.61516570288266};
  static const double levy[4] = {0.87580566598984011, 54.62099385042506, 2304.099833955226, 80451.26032840497};
  for (int i = 0; i < 4; i++) {
    is_near("random walk", eg_random_walk_msd(0.6, 1, 1, pow(10, i)), walk[i], 1e-14);
    is_near("Levy walk", eg_levy_walk_msd(1.5, 1, 1, pow(10, i)), levy[i], 1e-14);
  }
  for (int i = 0; i <= 40; i++) {
    const double a = i / 40.0, g = 1.05 + 0.07 * i, t = pow(10, 0.1 * i - 2);
    is_near("Gamma", eg_gamma_of_1_and(a), tgamma(1 + a), 1e-14);
    const long double T = t, e = g, closed = powl(1 + T, 3 - e) / ((2 - e) * (3 - e)) - T / (2 - e) - 1 / ((2 - e) * (3 - e));
    const double lost = 1e-17 * (1 + t) / fabs((double)closed * (2 - g) * (3 - g)); /* of the closed form, near g = 2 and 3 */
    is_near("Levy walk, closed form", eg_levy_walk_msd(g, 1, 1, t), 2 * (double)closed, 1e-13 + lost);
  }
  for (int i = 1; i < 20; i++) {
    for (uint64_t k = 1; k < 3000; k = k * 5 / 4 + 1) {
      const long double H2 = i / 10.0, x = k;
      const long double r = (powl(x + 1, H2) + powl(x - 1, H2)) / 2 - powl(x, H2);
      const double value = eg_fractional_covariance(i / 20.0, k);
      CHECK(fabs(value - (double)r) < 1e-14 + 4e-19 * pow((double)k, i / 10.0));
    }
  }
  is_near("two steps", eg_fractional_covariance(0.75, 1), (sqrt(8.0) - 2) / 2, 1e-15);
}

/* ---- simulations ---- */

static eg_labelled *file;

static double at_time(const char *name, size_t run, size_t time) {
  return value_of(file, name, run, time, false, 0);
}

static void judge_at(const char *what, const char *feature, const char *quantity, size_t run, size_t time, double expected,
                     bool is_control) {
  char name[64], text[100];
  (void)snprintf(text, sizeof text, "%s %s%s run %zu time %zu", what, feature, quantity, run, time);
  (void)snprintf(name, sizeof name, "%s_kurtosis", feature);
  const double kurtosis = at_time(name, run, time);
  (void)snprintf(name, sizeof name, "%s_count", feature);
  const double effective = at_time(name, run, time) / fmax(1.0, (kurtosis - 1.0) / 2.0);
  (void)snprintf(name, sizeof name, "%s%s", feature, quantity);
  const double value = at_time(name, run, time);
  (void)snprintf(name, sizeof name, "%s%s_stderr", feature, quantity);
  compare(is_control, text, value, at_time(name, run, time), expected, effective);
}

/* Variance of (x_1 + .. + x_n) / n when E (x_s - x_t)^2 = msd(|s - t|): stationary increments; or, these being
   uncorrelated, Cov(x_s, x_t) = msd(min(s, t)). */
static double window_variance(double (*msd)(double, double), double parameter, int n, bool is_stationary) {
  double sum = 0;
  for (int s = 1; s <= n; s++) {
    for (int t = 1; t <= n; t++) {
      sum += is_stationary ? (msd(parameter, s) + msd(parameter, t) - msd(parameter, abs(s - t))) / 2
                           : msd(parameter, s < t ? s : t);
    }
  }
  return sum / n / n;
}

static double power_msd(double exponent, double t) {
  return pow(t, exponent);
}
static double walk_msd(double exponent, double t) {
  return pow(t, exponent) / tgamma(1 + exponent);
}
static double levy_msd(double g, double t) {
  return 2 * (pow(1 + t, 3 - g) / ((2 - g) * (3 - g)) - t / (2 - g) - 1 / ((2 - g) * (3 - g)));
}

static const double times[4] = {1, 7, 64, 600};

/* The study that a user writes first, with times of the test. */
static void simulate(const char *model, int log2_realisations, const char *more) {
  char text[1200];
  (void)snprintf(text, sizeof text,
                 "seed: 71\nmodel: {name: %s}\ntime_step: 1\nsteps: 600\ndynamics: sde\nrealisations: 2^%d\n%s"
                 "observe:\n  at: [1, 7, 64, 600]\n  features: [x, displacement2, norm2]\n  monitors:\n"
                 "    - {name: average, feature: x0, operation: mean, to: 64}\n",
                 model, log2_realisations, more);
  file = run_study(text);
}

static void power_laws(void) {
  static const char *const models[2] = {"fractional-brownian-motion", "scaled-brownian-motion"};
  static const double exponents[4] = {0.3, 1, 1.5, 1.9};
  for (size_t m = 0; m < 2; m++) {
    simulate(models[m], 14, "sweep: {model.exponent: [0.3, 1, 1.5, 1.9]}\nnoise: gaussian64\nstart: {point: 0.5}\n");
    for (size_t run = 0; run < 4; run++) {
      for (size_t t = 0; t < 4; t++) {
        const double msd = pow(times[t], exponents[run]);
        is_near("exact column", at_time("displacement2_exact", run, t), msd, 1e-14);
        is_near("exact column", at_time("norm2_exact", run, t), 0.25 + msd, 1e-14);
        judge_at(models[m], "displacement2", "", run, t, msd, false);
        judge_at(models[m], "x", "", run, t, 0.5, false);
        if (t > 0) {
          judge_at(models[m], "displacement2", "", run, t, 1.12 * msd, true);
        }
      }
      judge_at(models[m], "x", "_kurtosis", run, 3, 3, false);
      judge_at(models[m], "average", "_variance", run, 2, window_variance(power_msd, exponents[run], 64, m == 0), false);
      if (run != 1) { /* the other one's covariances; at exponent 1 they agree */
        judge_at(models[m], "average", "_variance", run, 2, window_variance(power_msd, exponents[run], 64, m == 1), true);
      }
    }
    eg_labelled_free(file);
  }
}

/* Fourth moment of the walk at table T's times: kurtosis 3 (1 + alpha_2). */
static void random_walk(void) {
  static const double table[4] = {1.342721874089173, 0.6736474330236123, 0.5055835320053684, 0.4633677887459388};
  file = run_study("seed: 72\nmodel: {name: continuous-time-random-walk, exponent: 0.6}\ntime_step: 1\nsteps: 1000\n"
                   "dynamics: sde\nrealisations: 2^16\nobserve:\n  at: [1, 10, 100, 1000]\n  features: [x, displacement2]\n"
                   "  monitors:\n    - {name: average, feature: x0, operation: mean, to: 100}\n");
  for (size_t t = 0; t < 4; t++) {
    const double msd = walk_msd(0.6, pow(10, (double)t));
    is_near("exact column", at_time("displacement2_exact", 0, t), msd, 1e-13);
    judge_at("random walk", "displacement2", "", 0, t, msd, false);
    judge_at("random walk", "displacement2", "", 0, t, 1.1 * msd, true);
    judge_at("random walk", "x", "_kurtosis", 0, t, 3 * (1 + table[t]), false);
    judge_at("random walk", "x", "_kurtosis", 0, t, 3, true);
  }
  judge_at("random walk", "average", "_variance", 0, 2, window_variance(walk_msd, 0.6, 100, false), false);
  judge_at("random walk", "average", "_variance", 0, 2, window_variance(walk_msd, 0.6, 100, true), true);
  eg_labelled_free(file);
  /* units: waits of half the scale, jumps of three times the size, in shorter steps */
  file = run_study("seed: 73\nmodel: {name: continuous-time-random-walk, exponent: 1, wait: 0.5, jump: 3}\ntime_step: 1/8\n"
                   "steps: 40\ndynamics: sde\nrealisations: 2^14\nobserve: {at: [5], features: [x, displacement2]}\n");
  judge_at("Poisson jumps", "displacement2", "", 0, 0, 90, false); /* 10 jumps of variance 9 */
  judge_at("Poisson jumps", "x", "_kurtosis", 0, 0, 3 + 3.0 / 10, false);
  eg_labelled_free(file);
}

enum { GRID = 32, LAST = 64 };

/* E x^2 of a Levy walk that begins with a flight: M(t) = P(u > t) t^2 + int_0^t f(u) (u^2 + M(t - u)) du, trapezoids. */
static double ordinary_levy_msd(double g) {
  static double M[GRID * LAST + 1];
  const double d = 1.0 / GRID;
  for (int i = 1; i <= GRID * LAST; i++) {
    const double t = i * d;
    double sum = 0.5 * d * g * pow(1 + t, -g - 1) * t * t;
    for (int k = 1; k < i; k++) {
      const double u = k * d;
      sum += d * g * pow(1 + u, -g - 1) * (u * u + M[i - k]);
    }
    M[i] = (sum + pow(1 + t, -g) * t * t) / (1 - 0.5 * d * g); /* f(0) = g */
  }
  return M[GRID * LAST];
}

static double transit_time_msd(double a, double gamma, int last) {
  double msd[LAST + 1];
  transit_time_table(a, gamma, last, msd);
  return msd[last];
}

static void walks(void) {
  simulate("levy-walk, tail: 1.5", 15, "");
  for (size_t t = 0; t < 4; t++) {
    const double msd = levy_msd(1.5, times[t]);
    is_near("exact column", at_time("displacement2_exact", 0, t), msd, 1e-12);
    judge_at("Levy walk", "displacement2", "", 0, t, msd, false);
  }
  judge_at("Levy walk", "displacement2", "", 0, 2, levy_msd(1.6, 64), true);
  judge_at("Levy walk", "average", "_variance", 0, 2, window_variance(levy_msd, 1.5, 64, true), false);
  judge_at("Levy walk", "average", "_variance", 0, 2, window_variance(levy_msd, 1.5, 64, false), true);
  eg_labelled_free(file);
  simulate("levy-walk, tail: 1.5, equilibrated: 0", 14, "");
  CHECK(eg_labelled_find(file, "/", "displacement2_exact") == NULL); /* no closed form */
  judge_at("ordinary Levy walk", "displacement2", "", 0, 2, ordinary_levy_msd(1.5), false);
  judge_at("ordinary Levy walk", "displacement2", "", 0, 2, levy_msd(1.5, 64), true);
  eg_labelled_free(file);
  simulate("annealed-transit-time, exponent: 0.5, gamma: 1.2", 16, "");
  judge_at("transit times", "displacement2", "", 0, 2, transit_time_msd(0.5, 1.2, LAST), false);
  judge_at("transit times", "displacement2", "", 0, 2, 1.2 / 0.4 * sqrt(64) * 2 / acos(-1.0), true); /* only for t -> infinity */
  eg_labelled_free(file);
}

/* The asymptote that the model states is the limit of the renewal equation. */
static void transit_time_limit(void) {
  is_near("renewal equation", transit_time_msd(0.5, 1.2, 16), 5.49538628898976, 2e-4); /* extrapolated from finer grids */
  const double s = 0.6, gamma = 1.2, a = s / gamma, pi = acos(-1.0);
  const double asymptote = 2 * s / (s + 1 - gamma) * pow(LAST, a) * sin(pi * a) / (pi * a);
  CHECK(transit_time_msd(a, gamma, LAST) / asymptote > 0.7 && transit_time_msd(a, gamma, LAST) / asymptote < 0.9);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  oracles();
  transit_time_limit();
  power_laws();
  random_walk();
  walks();
  judge(60, 20);
  (void)rmdir(folder);
  return check_report();
}
