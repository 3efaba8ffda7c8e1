/*
 * Escape from a well with the noise 2 L h* of mean-square losses: survival of the Euler-Maruyama chain of the double well, table of
 * power-law-escape-rate.md, section 6 (Nystrom quadrature of the integral equation of the exit step, 1e-11), through crossings
 * looked at after every step; and the quadrature of the same here for the cubic. Wrong temperatures must be rejected.
 */
#include "physics/judge.h"

/* P(no exit to x >= level within n steps) of x' = x + h b(x) + sqrt(2 T h L(x)) xi from `start`, on a uniform grid of cells of
   [low, level]; below low is an exit as well, of negligible probability. */
static double survival(double (*loss)(double), double (*gradient)(double), double T, double h, double low, double level,
                       double start, int n) {
  enum { CELLS = 700 };
  static double kernel[CELLS][CELLS], p[CELLS], next[CELLS];
  const double width = (level - low) / CELLS;
  for (int i = 0; i < CELLS; i++) { /* midpoint rule: the density is smooth inside */
    const double x = low + (i + 0.5) * width, mean = x - h * gradient(x), variance = 2 * T * h * loss(x);
    for (int j = 0; j < CELLS; j++) {
      const double d = low + (j + 0.5) * width - mean;
      kernel[i][j] = width * exp(-d * d / (2 * variance)) / sqrt(2 * acos(-1.0) * variance);
    }
    p[i] = 1;
  }
  for (int k = 1; k < n; k++) {
    for (int i = 0; i < CELLS; i++) {
      next[i] = 0;
      for (int j = 0; j < CELLS; j++) {
        next[i] += kernel[i][j] * p[j];
      }
    }
    memcpy(p, next, sizeof p);
  }
  const double mean = start - h * gradient(start), variance = 2 * T * h * loss(start);
  double sum = 0;
  for (int j = 0; j < CELLS; j++) {
    const double d = low + (j + 0.5) * width - mean;
    sum += p[j] * width * exp(-d * d / (2 * variance)) / sqrt(2 * acos(-1.0) * variance);
  }
  return sum;
}

static double well_loss(double x) {
  return 0.25 + (x * x - 1) * (x * x - 1) / 4;
}
static double well_gradient(double x) {
  return x * x * x - x;
}
static double cubic_loss(double x) {
  return 0.1 + x * x / 2 - x * x * x / 3;
}
static double cubic_gradient(double x) {
  return x - x * x;
}

/* Value of a crossing at record t. */
static void cross(const eg_labelled *file, size_t t, double survives, bool is_control) {
  char what[40];
  (void)snprintf(what, sizeof what, "crossing at record %zu", t);
  const double p = value_of(file, "out", 0, t, false, 0);
  compare(is_control, what, p, value_of(file, "out_stderr", 0, t, false, 0), 1 - survives, 1e5 * fmin(p, 1 - p));
}

static void double_well(void) {
  static const double table[5] = {.967598313361, .699145306277, .462802267472, .202792160761, .0170615395193};
  static const int steps[5] = {20, 100, 200, 400, 1000};
  eg_labelled *const file = run_study(
      "seed: 91\nmodel: {name: escape-double-well, loss_minimum: 0.25}\nstart: {point: -1}\nlearning_rate: 1/4\nhorizon: 50\n"
      "dynamics: {name: sme1, scheme: euler-maruyama, substeps: 5}\nrealisations: 2^17\nobserve:\n  at: [1, 5, 10, 20, 50]\n"
      "  features: [x]\n  monitors:\n    - {name: out, feature: x0, operation: crossing, level: 0, direction: up}\n");
  for (size_t t = 0; t < 5; t++) { /* eta = 1/4, B = 1: T = 1/2; steps of 1/20 */
    cross(file, t, table[t], false);
    const double mine = survival(well_loss, well_gradient, 0.5, 0.05, -3.5, 0, -1, t == 4 ? 1 : steps[t]);
    CHECK(t == 4 || fabs(mine - table[t]) < 1e-4); /* the quadrature that is used below */
  }
  cross(file, 1, survival(well_loss, well_gradient, 0.55, 0.05, -3.5, 0, -1, 100), true);
  cross(file, 2, survival(well_loss, well_gradient, 0.45, 0.05, -3.5, 0, -1, 200), true);
  eg_labelled_free(file);
}

static void cubic(void) {
  eg_labelled *const file = run_study(
      "seed: 92\nmodel: {name: escape-cubic, loss_minimum: 0.1}\nlearning_rate: 1/2\nhorizon: 10\n"
      "dynamics: {name: sme1, scheme: euler-maruyama, substeps: 8}\nrealisations: 2^17\ndiverged_limit: 1\nobserve:\n  at: [5, 10]\n"
      "  features: [loss]\n  monitors:\n    - {name: out, feature: x0, operation: crossing, level: 1, direction: up}\n");
  const double h = 1.0 / 16;
  /* trajectories beyond the saddle run away and become non-finite: the mean is over the others, so only the share of those
     that have neither is known: count (1 - mean) / all */
  for (size_t t = 0; t < 2; t++) {
    const double n = value_of(file, "out_count", 0, t, false, 0), all = 131072;
    const double p = (1 - value_of(file, "out", 0, t, false, 0)) * n / all;
    const int steps = t == 0 ? 80 : 160;
    compare(false, "cubic", p, sqrt(p * (1 - p) / all), survival(cubic_loss, cubic_gradient, 0.5, h, -4, 1, 0, steps), 1e4);
    compare(true, "cubic", p, sqrt(p * (1 - p) / all), survival(cubic_loss, cubic_gradient, 0.45, h, -4, 1, 0, steps), 1e4);
  }
  eg_labelled_free(file);
}

/* The same survival on a grid of its own, between steps: S(1.025) is that after 20 steps; nothing is observed before the end. */
static void grid(void) {
  static const double table[4] = {.967598313361, .699145306277, .462802267472, .202792160761};
  static const double continuous[4] = {.95611617106, .6587569029, .4118568766, .1609861247};
  static const size_t edges[4] = {1, 5, 10, 20};
  eg_labelled *const file = run_study(
      "seed: 93\nmodel: {name: escape-double-well, loss_minimum: 0.25}\nstart: {point: -1}\nlearning_rate: 1/4\nhorizon: 30\n"
      "dynamics: {name: sme1, scheme: euler-maruyama, substeps: 5}\nrealisations: 2^16\nobserve:\n  at: [30]\n"
      "  features: [x]\n  monitors:\n    - {name: out, feature: x0, operation: crossing, level: 0, direction: up}\n"
      "  histograms: {feature: out_time, bins: 40, low: 0.025, high: 40.025}\nanalyse: {escape: {of: out}}\n");
  const double *const s = eg_labelled_find(file, "/analysis", "escape_grid_survival")->data;
  const double *const error = eg_labelled_find(file, "/analysis", "escape_grid_survival_stderr")->data;
  const double *const events = eg_labelled_find(file, "/analysis", "escape_grid_events")->data;
  const double *const time = eg_labelled_find(file, "/analysis", "escape_grid_time")->data;
  const double censored = ((const double *)eg_labelled_find(file, "/analysis", "escape_censored")->data)[0];
  for (size_t i = 0; i < 4; i++) {
    const double n = 65536, fewer = n * fmin(s[edges[i]], 1 - s[edges[i]]), p = (i == 0 ? 1 : table[i - 1]) - table[i];
    const double share = (events[edges[i]] - (i == 0 ? 0 : events[edges[i - 1]])) / n; /* exits between two edges */
    compare(false, "exits on a grid", share, sqrt(p * (1 - p) / n), p, n * p);
    compare(true, "survival of the continuous path", s[edges[i]], error[edges[i]], continuous[i], fewer);
    CHECK(fabs(s[edges[i]] - (1 - events[edges[i]] / n)) < 1e-15);
  }
  CHECK(fabs(time[20] - 20.025) < 1e-12 && events[0] == 0 && s[0] == 1);
  CHECK(isnan(s[30]) && isnan(events[40]) && !isnan(s[29])); /* behind the end */
  CHECK(events[29] + censored < 65536.5 && events[29] + censored > 65536 * 0.98);
  eg_labelled_free(file);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  double_well();
  cubic();
  grid();
  judge(11, 8);
  (void)rmdir(folder);
  return check_report();
}
