/*
 * First passages that steps do not see, and which of several levels was left first.
 *
 * The mean exit step of x' = x + h b(x) + sqrt(h v(x)) xi from (low, high) solves tau = 1 + K tau, K the Gaussian kernel: solved here by
 * Nystrom's method on Gauss-Legendre panels (power-law-escape-rate.md, section 6, whose numbers it must give). With the level shifted by
 * 0.5826 sqrt(v(level) h) the chain's mean exit time is the continuous one up to order h, else its root. Simulations with `noise` are
 * compared with the solution at the shifted level; the unshifted one and the other side are rejected. Exits: probabilities and times of
 * a random walk on a lattice by dynamic programming.
 */
#include "judge.h"

/* ---- Nystrom ---- */

enum { NODES = 10, MOST = 700 };

static void gauss_legendre(double *x, double *w) {
  for (int i = 0; i < NODES; i++) {
    double z = cos(acos(-1.0) * (i + 0.75) / (NODES + 0.5)), slope = 0;
    for (int pass = 0; pass < 50; pass++) {
      double p = 1, before = 0;
      for (int k = 1; k <= NODES; k++) {
        const double next = ((2 * k - 1) * z * p - (k - 1) * before) / k;
        before = p;
        p = next;
      }
      slope = NODES * (z * p - before) / (z * z - 1);
      z -= p / slope;
    }
    x[i] = z;
    w[i] = 2 / ((1 - z * z) * slope * slope);
  }
}

typedef double (*field)(double x);

static double density(double to, double from, field b, field v, double h) {
  const double variance = h * v(from), d = to - from - h * b(from);
  return exp(-d * d / (2 * variance)) / sqrt(2 * acos(-1.0) * variance);
}

/* Mean number of steps from `start`. narrowest: the smallest standard deviation of a step. */
static double mean_steps(field b, field v, double h, double low, double high, double start, double narrowest) {
  static double matrix[MOST][MOST + 1], x[MOST], w[MOST];
  double node[NODES], weight[NODES];
  const int panels = (int)ceil((high - low) / (2 * narrowest)), n = panels * NODES;
  CHECK(n <= MOST);
  gauss_legendre(node, weight);
  for (int i = 0; i < n; i++) {
    const double size = (high - low) / panels;
    x[i] = low + size * (i / NODES + 0.5 + 0.5 * node[i % NODES]);
    w[i] = 0.5 * size * weight[i % NODES];
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      matrix[i][j] = (i == j) - w[j] * density(x[j], x[i], b, v, h);
    }
    matrix[i][n] = 1;
  }
  for (int k = 0; k < n; k++) { /* diagonally dominant: no pivots */
    for (int i = k + 1; i < n; i++) {
      const double factor = matrix[i][k] / matrix[k][k];
      for (int j = k; j <= n && factor != 0; j++) {
        matrix[i][j] -= factor * matrix[k][j];
      }
    }
  }
  for (int k = n; k-- > 0;) {
    for (int j = k + 1; j < n; j++) {
      matrix[k][n] -= matrix[k][j] * matrix[j][n];
    }
    matrix[k][n] /= matrix[k][k];
  }
  double steps = 1;
  for (int j = 0; j < n; j++) {
    steps += w[j] * density(x[j], start, b, v, h) * matrix[j][n];
  }
  return steps;
}

/* Double well, loss 1/4 at the minimum, T = 1/2: v = 2 T L. */
static double well_drift(double x) {
  return x - x * x * x;
}
static double well_variance(double x) {
  return 0.25 + (x * x - 1) * (x * x - 1) / 4;
}
/* Quadratic loss, T = 1/10. */
static double quadratic_drift(double x) {
  return -x;
}
static double quadratic_variance(double x) {
  return 0.1 * (1 + x * x);
}

static const double OVERSHOOT = 0.5825971579390106;

static double well_time(double h, bool is_shifted) {
  const double level = is_shifted ? -OVERSHOOT * sqrt(well_variance(0) * h) : 0;
  return h * mean_steps(well_drift, well_variance, h, -4, level, -1, sqrt(0.25 * h));
}

static double quadratic_time(double h, bool is_shifted) {
  const double level = 1 - (is_shifted ? OVERSHOOT * sqrt(quadratic_variance(1) * h) : 0);
  return h * mean_steps(quadratic_drift, quadratic_variance, h, -level, level, 0, sqrt(0.1 * h));
}

static void orders(void) {
  const double exact = 11.1967580255722, paper = 574.10163056338152;
  CHECK(fabs(well_time(0.1, false) / (130.332393121 * 0.1) - 1) < 1e-8);
  CHECK(fabs(well_time(0.05, false) / (256.010860242 * 0.05) - 1) < 1e-8);
  CHECK(fabs(quadratic_time(0.01, false) / 728.0531176 - 1) < 1e-6);
  const double raw_ratio = quadratic_time(0.01, false) / paper, shifted_ratio = quadratic_time(0.01, true) / paper;
  printf("quadratic, step 0.01: mean exit time off by %+.4f, with the level shifted %+.4f\n", raw_ratio - 1, shifted_ratio - 1);
  CHECK(fabs(raw_ratio - 1.268) < 5e-4 && fabs(shifted_ratio - 1) < 0.03);
  double before[2] = {0, 0};
  for (int k = 0; k < 3; k++) {
    const double h = 0.1 / (1 << k);
    const double raw = well_time(h, false) / exact - 1, shifted = well_time(h, true) / exact - 1;
    printf("step %-6g mean exit time off by %+.4f, with the level shifted %+.4f\n", h, raw, shifted);
    CHECK(k == 0 || (fabs(before[0] / raw) < 1.55 && fabs(before[1] / shifted) > 1.75));
    CHECK(fabs(shifted) < 0.5 * fabs(raw));
    before[0] = raw;
    before[1] = shifted;
  }
}

static void add_time(const eg_labelled *file, const char *name, size_t run, double expected, bool is_control) {
  char full[40], error[48];
  (void)snprintf(full, sizeof full, "%s_time", name);
  (void)snprintf(error, sizeof error, "%s_time_stderr", name);
  compare(is_control, full, value_of(file, full, run, 0, true, 0), value_of(file, error, run, 0, true, 0), expected, 4000);
}

static void shifted(void) {
  eg_labelled *const file = run_study(
      "seed: 95\nmodel: {name: escape-double-well, loss_minimum: 0.25}\nstart: {point: -1}\nlearning_rate: 1/4\nhorizon: 200\n"
      "dynamics:\n  - {name: sme1, scheme: euler-maruyama, substeps: 5}\n  - {name: noisy-gd, batch_size: 1}\n"
      "realisations: 2^15\nnoise: gaussian64\nobserve:\n  at: [200]\n  features: [x]\n  monitors:\n"
      "    - {name: out, feature: x0, operation: crossing, level: 0, direction: up, noise: 0.70710678118654752}\n"
      "    - {name: seen, feature: x0, operation: crossing, level: 0, direction: up}\n"
      "    - {name: down, feature: x0, operation: crossing, level: -1.5, direction: down, noise: 1}\n"
      "    - {name: below, feature: x0, operation: crossing, level: -1.369729312757587, direction: down}\n");
  add_time(file, "out", 0, well_time(0.05, true), false);
  add_time(file, "seen", 0, well_time(0.05, false), false);
  add_time(file, "out", 0, well_time(0.05, false), true);
  add_time(file, "seen", 0, well_time(0.05, true), true);
  CHECK(value_of(file, "out", 0, 0, true, 0) == 1); /* nothing is censored */
  CHECK(value_of(file, "down_time", 0, 0, true, 0) == value_of(file, "below_time", 0, 0, true, 0)); /* -1.5 + 0.5826 sqrt(h) */
  CHECK(value_of(file, "out_time", 1, 0, true, 0) == value_of(file, "seen_time", 1, 0, true, 0)); /* a chain keeps its level */
  eg_labelled_free(file);
}

/* ---- labelled exits: steps of +-1 from 0, +3 and -5 are left, after `n` steps ---- */

typedef struct walk {
  double up, down, time; /* probabilities, and the mean of min(T, n) */
} walk;

static walk lattice(int n) {
  double p[9] = {0}; /* places -5 .. 3 */
  walk w = {0, 0, 0};
  p[5] = 1;
  for (int step = 1; step <= n; step++) {
    double next[9] = {0};
    for (int i = 1; i < 8; i++) {
      next[i - 1] += 0.5 * p[i];
      next[i + 1] += 0.5 * p[i];
    }
    w.time += 1 - w.up - w.down;
    w.up += next[8];
    w.down += next[0];
    next[0] = next[8] = 0;
    memcpy(p, next, sizeof p);
  }
  return w;
}

static void exits(void) {
  static const int steps[] = {4, 12, 64};
  eg_labelled *const file = run_study(
      "seed: 96\nmodel: {name: ornstein-uhlenbeck, rate: 0, sigma: 1}\nstart: {point: 0}\nsteps: 64\ntime_step: 1\n"
      "dynamics: {name: sde, scheme: euler-maruyama}\nrealisations: 2^17\nnoise: two-point\nobserve:\n  at: {steps: [4, 12, 64]}\n"
      "  features: [x]\n  monitors:\n"
      "    - {name: right, feature: x0, operation: crossing, level: 3, direction: up, exit: door}\n"
      "    - {name: left, feature: x0, operation: crossing, level: -5, direction: down, exit: door}\n"
      "    - {name: far, feature: norm2, operation: crossing, level: 25, direction: up, exit: gate}\n"
      "    - {name: near, feature: x0, operation: crossing, level: -5, direction: down, exit: gate}\n");
  for (size_t t = 0; t < 3; t++) {
    const walk w = lattice(steps[t]);
    const double n = 131072;
    const double up = value_of(file, "right_first", 0, t, false, 0), down = value_of(file, "left_first", 0, t, false, 0);
    compare(false, "right first", up, sqrt(w.up * (1 - w.up) / n), w.up, n * w.up);
    compare(false, "left first", down, sqrt(w.down * (1 - w.down) / n), w.down, n * w.down);
    if (t > 0) {
      compare(false, "time of either", value_of(file, "door_time", 0, t, false, 0),
              value_of(file, "door_time_stderr", 0, t, false, 0), w.time, n);
      compare(true, "time of either, four steps before", value_of(file, "door_time", 0, t, false, 0),
              value_of(file, "door_time_stderr", 0, t, false, 0), lattice(steps[t] - (t == 1 ? 4 : 32)).time, n);
    }
    /* the walk goes on: it crosses the other level too, but not first */
    CHECK(value_of(file, "right", 0, t, false, 0) >= up && value_of(file, "left", 0, t, false, 0) >= down);
    /* |x| = 5 by x = -5 is the same step as `near`: the one that stands first counts */
    CHECK(value_of(file, "near_first", 0, t, false, 0) == 0);
  }
  const double crossed = value_of(file, "left", 0, 2, false, 0), w = lattice(64).down;
  compare(true, "crossed, not first", crossed, sqrt(w * (1 - w) / 131072), w, 131072 * w);
  compare(true, "3/8", value_of(file, "right_first", 0, 2, false, 0), sqrt(15.0 / 64 / 131072), 3.0 / 8, 5e4);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  orders();
  shifted();
  exits();
  (void)judge_rows(9, 6);
  (void)rmdir(folder);
  return check_report();
}
