/*
 * Stationary law of (x, v), shared notes on arXiv 2107.09133, sections 1.3 to 1.6 and table D1: covariance of the velocity and with x; the
 * circulation E (x' b - b' x) per unit time = -tr Sigma / (batch (1 - momentum)) of a heavy ball, whatever the noise; of the Langevin
 * equation 2 Var v e^(-gamma t) sin(nu t) / (nu t) a mode over a step t; equal kinetic and potential energies. Currents of rows of data,
 * whose noise does not commute with the Hessian, beside products of states one step apart. With negative controls.
 */
#include "physics/judge.h"

static double at(const eg_labelled *file, const char *group, const char *name, size_t i) {
  const eg_variable *const v = eg_labelled_find(file, group, name);
  if (v == NULL || i >= eg_variable_size(v)) {
    stop_with(name);
    return 0;
  }
  return ((const double *)v->data)[i];
}

static void beside(bool is_control, const eg_labelled *file, const char *what, const char *suffix, size_t i, double expected) {
  char name[64], error[80];
  (void)snprintf(name, sizeof name, "stationary%s", suffix);
  (void)snprintf(error, sizeof error, "%s_stderr", name);
  compare(is_control, what, at(file, "/analysis", name, i), at(file, "/analysis", error, i), expected, 50000);
}

static void exactly(const eg_labelled *file, const char *suffix, size_t i, double expected) {
  char name[64];
  (void)snprintf(name, sizeof name, "stationary%s_expected", suffix);
  const double value = at(file, "/analysis", name, i);
  if (!(fabs(value - expected) <= 1e-11 * fabs(expected) + 1e-13)) {
    printf("%s: %.17g, %.17g is right\n", name, value, expected);
  }
  CHECK(fabs(value - expected) <= 1e-11 * fabs(expected) + 1e-13);
}

static const char study[] =
    "seed: 73\nmodel: {name: quadratic, curvature: 1.01, noise: 1.4142135623730951}\nstart: {point: [0.5, -0.5]}\n"
    "learning_rate: 0.1\nsteps: %s\ndynamics:\n  - {name: sgd, batch_size: 4, momentum: 0.9, label: chain}\n"
    "  - {name: langevin, batch_size: 4, momentum: 0.9, scheme: exact, start_velocity: zero, label: equation}\n"
    "realisations: 2^17\nobserve: {at: {steps: [%s]}, features: [x, velocity], statistics: [moments, covariance]}\n"
    "analyse: {stationary: {}}\n";

/* rate 0.1, momentum 0.9, h 1.01, variance of a batch's gradient 0.5. */
static void table_d1(void) {
  const double eta = 0.1, beta = 0.9, h = 1.01, q = 0.5;
  const double gamma = (1 - beta) / (eta * (1 + beta)), nu = sqrt(2 * h / (eta * (1 + beta)) - gamma * gamma);
  const double turn = 2 * exp(-gamma * eta) * sin(nu * eta) / nu / eta; /* over Var v */
  const double square[2] = {2.703433360367667, 2.631578947368421}, cross[2] = {-0.1351716680183833, 0};
  const double current[2] = {-q / (1 - beta), turn * square[1]};
  char text[800];
  (void)snprintf(text, sizeof text, study, "600", "600");
  eg_labelled *const file = run_study(text);
  for (size_t r = 0; r < 2; r++) {
    const size_t run = run_index(file, r == 0 ? "chain" : "equation");
    for (size_t c = 0; c < 2; c++) {
      const double limit = at(file, "/analysis", "stationary_covariance_continuous", 4 * run + 3 * c);
      CHECK(fabs(limit / (eta * q / (2 * (1 - beta) * h)) - 1) < 1e-12); /* of both: s of the table */
      exactly(file, "_velocity_covariance", 4 * run + 3 * c, square[r]);
      exactly(file, "_cross_covariance", 4 * run + 3 * c, cross[r]);
      exactly(file, "_phase_current", 4 * run + 3 * c, current[r]);
      exactly(file, "_phase_current", 4 * run + 1 + c, 0);
      exactly(file, "_kinetic_energy", 2 * run + c, eta * (1 + beta) / 2 * square[r]);
      beside(false, file, "Var v", "_velocity_covariance", 4 * run + 3 * c, square[r]);
      beside(false, file, "E x v", "_cross_covariance", 4 * run + 3 * c, cross[r]);
      beside(false, file, "current in the plane of x and v", "_phase_current", 4 * run + 3 * c, current[r]);
      beside(false, file, "current of two components", "_phase_current", 4 * run + 1 + c, 0);
      beside(false, file, "kinetic energy of a mode", "_kinetic_energy", 2 * run + c, eta * (1 + beta) / 2 * square[r]);
    }
    exactly(file, "_kinetic_ratio", run, 1);
    exactly(file, "_circulation", run, 2 * current[r]);
    beside(false, file, "kinetic over potential energy", "_kinetic_ratio", run, 1);
    beside(false, file, "circulation", "_circulation", run, 2 * current[r]);
    beside(true, file, "circulation, the other way round", "_circulation", run, -2 * current[r]);
    beside(true, file, "circulation of the other dynamics", "_circulation", run, 2 * fabs(current[1 - r]));
    beside(true, file, "Var v of the other dynamics", "_velocity_covariance", 4 * run, square[1 - r]);
  }
  beside(true, file, "undamped rotation, 2 Var v", "_phase_current", 4 * run_index(file, "equation"), 2 * square[1]);
  eg_labelled_free(file);
  (void)snprintf(text, sizeof text, study, "7", "7"); /* not there yet */
  eg_labelled *const early = run_study(text);
  beside(true, early, "kinetic over potential energy of a transient", "_kinetic_ratio", run_index(early, "chain"), 1);
  beside(true, early, "the same of the equation", "_kinetic_ratio", run_index(early, "equation"), 1);
  eg_labelled_free(early);
}

/* E f(t + lag) g(t) of an entry with its origin at the first observation; *square: its error is added. */
static double product(const eg_labelled *file, const char *name, size_t lag, double *square) {
  char path[64], spread[80];
  (void)snprintf(path, sizeof path, "path_%s", name);
  (void)snprintf(spread, sizeof spread, "%s_stderr", path);
  *square += pow(at(file, "/", spread, lag), 2); /* together an upper bound: products go up and down together */
  return at(file, "/", path, lag);
}

static void rows_of_data(void) {
  const double rate = 0.2;
  eg_labelled *const file = run_study(
      "seed: 74\nmodel: {name: linear-regression, rows: [[1, 0.5, 1], [-1, 1, 2], [0.5, 2, -1], [2, -0.5, 0]], standardize: false}\n"
      "steps: 121\nlearning_rate: 1/5\ndynamics: {name: sgd, batch_size: 2, momentum: 1/2}\nrealisations: 1200000\nobserve:\n"
      "  at: {steps: [119, 120, 121]}\n  features: [x, velocity, noise_trace]\n  statistics: [moments, covariance]\n  paths:\n"
      "    - {statistic: product, name: xx, feature: x0, with: x1, origin: 119}\n"
      "    - {statistic: product, name: xx_back, feature: x1, with: x0, origin: 119}\n"
      "analyse: {stationary: {}}\n");
  const double now = at(file, "/analysis", "stationary_position_current", 1), own = at(file, "/analysis", "stationary_position_current_stderr", 1);
  beside(false, file, "current of x, by the oracle", "_position_current", 1, at(file, "/analysis", "stationary_position_current_expected", 1));
  beside(true, file, "no current of x", "_position_current", 1, 0);
  beside(true, file, "current of x the other way round", "_position_current", 2, now);
  double square = 0; /* means of x cancel in both, in the stationary law */
  const double ahead = product(file, "xx", 1, &square), back = product(file, "xx_back", 1, &square);
  compare(false, "current of x, from states one step apart", (ahead - back) / rate, sqrt(square) / rate + own, now, 50000);
  compare(true, "twice the current of x", (ahead - back) / rate, sqrt(square) / rate + own, 2 * now, 50000);
  /* v(t) = (x(t - 1) - x(t)) / rate */
  const double phase = (product(file, "xx", 2, &square) - ahead - product(file, "xx", 0, &square) + back) / rate / rate;
  const double of_phase = at(file, "/analysis", "stationary_phase_current", 1);
  beside(false, file, "current of x0 and v1, by the oracle", "_phase_current", 1, at(file, "/analysis", "stationary_phase_current_expected", 1));
  compare(false, "current of x0 and v1, from three states", phase, sqrt(square) / rate / rate, of_phase, 50000);
  compare(true, "twice the current of x0 and v1", phase, sqrt(square) / rate / rate, 2 * of_phase, 50000);
  /* Sigma depends on x: its mean */
  const double trace = at(file, "/", "noise_trace", 2), trace_error = at(file, "/", "noise_trace_stderr", 2);
  compare(false, "circulation, by the trace of the noise", at(file, "/analysis", "stationary_circulation", 0),
          hypot(at(file, "/analysis", "stationary_circulation_stderr", 0), trace_error), -trace / 2 / (1 - 0.5), 50000);
  compare(true, "circulation without momentum", at(file, "/analysis", "stationary_circulation", 0),
          at(file, "/analysis", "stationary_circulation_stderr", 0), -trace / 2, 50000);
  beside(false, file, "kinetic over potential energy of rows", "_kinetic_ratio", 0, 1);
  beside(true, file, "equal parts but for a tenth", "_kinetic_ratio", 0, 1.1);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    return 1;
  }
  table_d1();
  rows_of_data();
  judge_rows(20, 10);
  (void)rmdir(folder);
  return check_report();
}
