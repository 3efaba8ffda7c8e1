/*
 * The random time change to the logarithm of the loss (arXiv 2105.09557; power-law-escape-rate.md, section 2). Oracles:
 *   - mean first passage times in physical time of the chain in tau, published digits of that section (double well, L0 = 0.1,
 *     T = 1/4, to +1; first order towards the 1217.641 of the equation in physical time), by the integral equation here;
 *   - of the program: how many have crossed, the physical time of the crossing or of now, and the clock, at several tau, by
 *     the same integral equation iterated; and two steps of a loss in two dimensions by Gauss-Hermite sums.
 * Chains of the equation in physical time, of another temperature and with another clock must be rejected.
 */
#include "physics/judge.h"
#include "physics/quadrature.h"

/* The double well L0 + (x^2 - 1)^2 / 4: in tau where is_log, else in physical time. */
typedef struct well {
  double loss_minimum, temperature, step;
  bool is_log;
} well;

static double well_loss(const well *w, double x) {
  return w->loss_minimum + (x * x - 1) * (x * x - 1) / 4;
}

static void well_step(const void *setting, double x, double *mean, double *deviation) {
  const well *const w = setting;
  const double loss = well_loss(w, x), gradient = x * x * x - x;
  *mean = x - w->step * (w->is_log ? gradient / loss : gradient);
  *deviation = sqrt(2 * w->temperature * w->step * (w->is_log ? 1 : loss));
}

static double clock_of_step(const void *setting, double x) {
  const well *const w = setting;
  return w->is_log ? w->step / well_loss(w, x) : w->step;
}

static grid grid_of(const well *w, double low, double high, int per_panel) {
  const double least = sqrt(2 * w->temperature * w->step * (w->is_log ? 1 : w->loss_minimum));
  return make_grid(low, high, (int)ceil((high - low) / (3 * least)), per_panel);
}

static void published(void) {
  static const double steps[] = {.004, .002, .001, .0005}, times[] = {1199.890, 1209.077, 1213.479, 1215.620};
  for (int i = 0; i < 4; i++) {
    const well w = {0.1, 0.25, steps[i], true};
    grid g = grid_of(&w, -4, 1, i < 3 ? 12 : 9);
    CHECK_NEAR(chain_reward(&g, well_step, clock_of_step, &w, -1, -1), times[i], 6e-4);
    free_grid(&g);
  }
}

static void judge_mean(const eg_labelled *file, const char *name, size_t t, double expected, bool is_control) {
  char what[60], name_of_error[40];
  (void)snprintf(what, sizeof what, "%s at record %zu", name, t);
  (void)snprintf(name_of_error, sizeof name_of_error, "%s_stderr", name);
  compare(is_control, what, value_of(file, name, 0, t, false, 0), value_of(file, name_of_error, 0, t, false, 0), expected, 1e4);
}

/* eta = 1/4, B = 1, h* = 2: T = 1/2; steps of 1/20 in tau. */
static void double_well(void) {
  static const int records[] = {20, 100, 200};
  eg_labelled *const file = run_study(
      "seed: 150\nmodel: {name: escape-double-well, loss_minimum: 0.25}\nstart: {point: -1}\nlearning_rate: 1/4\nhorizon: 10\n"
      "dynamics: {name: log-time, substeps: 5, gradient_noise: {law: gaussian-decoupled, hessian: 2}}\nrealisations: 2^17\n"
      "observe:\n  at: [1, 5, 10]\n  features: [x, clock]\n"
      "  monitors:\n    - {name: out, feature: x0, operation: crossing, level: 0, direction: up}\n");
  const well w = {0.25, 0.5, 0.05, true}, warm = {0.25, 0.55, 0.05, true}, physical = {0.25, 0.5, 0.05, false};
  grid inside = grid_of(&w, -5, 0, 16), line = grid_of(&w, -5, 5, 16), fine = grid_of(&physical, -4, 0, 16);
  for (size_t t = 0; t < 3; t++) {
    const int n = records[t];
    judge_mean(file, "out", t, 1 - chain_survival(&inside, well_step, &w, -1, n), false);
    judge_mean(file, "out_time", t, chain_reward(&inside, well_step, clock_of_step, &w, -1, n), false);
    judge_mean(file, "clock", t, chain_reward(&line, well_step, clock_of_step, &w, -1, n), false);
    judge_mean(file, "out", t, 1 - chain_survival(&inside, well_step, &warm, -1, n), true);
    judge_mean(file, "out_time", t, chain_reward(&inside, well_step, clock_of_step, &warm, -1, n), true);
    judge_mean(file, "out", t, 1 - chain_survival(&fine, well_step, &physical, -1, n), true);
    judge_mean(file, "clock", t, n * 0.05, true); /* tau itself */
  }
  free_grid(&inside);
  free_grid(&line);
  free_grid(&fine);
  eg_labelled_free(file);
}

/* x of two steps of R = (x0^2 + 2 x1^2) / 2, offset 1/2, eta = 1/2, B = 4, from (1, -1); H is given, with a root that is full. */
static void two_dimensions(void) {
  eg_labelled *const file = run_study(
      "seed: 151\nmodel: {name: quadratic, curvature: [1, 2]}\nstart: {points: [[1, -1]]}\nlearning_rate: 1/2\nsteps: 2\n"
      "dynamics: {name: log-time, batch_size: 4, gradient_noise: {law: gaussian-decoupled, hessian: [[1, 0.5], [0.5, 2]], "
      "loss_offset: 0.5}}\nrealisations: 2^17\nobserve: {at: {steps: [1, 2]}, features: [x, norm2, clock]}\n");
  const double h = 0.5, loss = 2, size = sqrt(2 * h * 0.5 / 4), root[3] = {1, 0.5, sqrt(1.75)};
  const double mean[2] = {1 - h / loss, -1 + 2 * h / loss};
  enum { NODES = 40 };
  grid g = make_grid(-9, 9, 10, NODES);
  double clock = 0, square = 0, x0 = 0, weight = 0;
  for (int i = 0; i < g.n; i++) {
    for (int j = 0; j < g.n; j++) {
      const double p = g.w[i] * g.w[j] * normal_density(g.x[i], 0, 1) * normal_density(g.x[j], 0, 1);
      const double x[2] = {mean[0] + size * root[0] * g.x[i], mean[1] + size * (root[1] * g.x[i] + root[2] * g.x[j])};
      const double span = h / (0.5 * (x[0] * x[0] + 2 * x[1] * x[1]) + 0.5);
      const double next[2] = {x[0] * (1 - span), x[1] * (1 - 2 * span)};
      weight += p;
      clock += p * span;
      x0 += p * next[0];
      square += p * (next[0] * next[0] + next[1] * next[1]);
    }
  }
  CHECK_NEAR(weight, 1, 1e-12);
  const double trace = size * size * 3;
  CHECK_NEAR(value_of(file, "clock", 0, 0, false, 0), h / loss, 1e-15);
  judge_mean(file, "norm2", 0, mean[0] * mean[0] + mean[1] * mean[1] + trace, false);
  judge_mean(file, "x", 0, mean[0], false);
  judge_mean(file, "x", 1, x0, false);
  judge_mean(file, "norm2", 1, square + trace, false);
  judge_mean(file, "clock", 1, h / loss + clock, false);
  judge_mean(file, "norm2", 0, mean[0] * mean[0] + mean[1] * mean[1] + trace * loss, true); /* noise of physical time */
  judge_mean(file, "clock", 1, 2 * h / loss, true);
  free_grid(&g);
  eg_labelled_free(file);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  published();
  double_well();
  two_dimensions();
  (void)judge_rows(14, 12);
  (void)rmdir(folder);
  return check_report();
}
