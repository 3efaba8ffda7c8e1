/*
 * Section 4.2 of svag-and-sde-validity.md, f = x^2 / 2: E theta of the SDEs of RMSprop and Adam, and how SVAG of the chains nears
 * it, order 1 in 1/l^2. Two points, 1 and 0, moved by the same noise: the mean of the second is 0 by symmetry, so E theta is
 * that of their difference, which hardly fluctuates. Of the SDEs it does not at all: extrapolated in the step, no statistics.
 * Controls: the numbers of the other SDE, of the chains, other orders.
 */
#include "judge.h"
#include "oracle_row.h"

#define RMS  "beta2: 0.875, epsilon: 0.4, start_square: 1"
#define ADAM "beta1: 0.375, beta2: 0.875, epsilon: 0.4"

static const double rms_limit = 0.1346709298936874, adam_limit = 0.134528787380545;

/* Mean and its error of the difference of the two points. */
static double difference_of(const char *dynamics, const char *noise, size_t realisations, double *error) {
  char text[700];
  (void)snprintf(text, sizeof text,
                 "seed: 91\nmodel: {name: quadratic, curvature: 1, noise: 2}\nstart: {points: [[1], [0]]}\nlearning_rate: 0.25\n"
                 "steps: 16\nnoise: %s\ndynamics: %s\nrealisations: %zu\n"
                 "observe: {at: {steps: [16]}, features: [x], keep: {realisations: %zu, of: x}}\n",
                 noise, dynamics, realisations, realisations);
  eg_labelled *const file = run_study(text);
  const eg_variable *const v = eg_labelled_find(file, "/", "x_path"); /* (run, point, realisation, time, component) */
  double mean = 0, square = 0;
  if (v == NULL || eg_variable_size(v) != 2 * realisations) {
    stop_with("kept paths of another shape");
    return 0;
  }
  const double *const x = v->data, *const y = x + realisations;
  for (size_t i = 0; i < realisations; i++) {
    mean += (x[i] - y[i]) / (double)realisations;
  }
  for (size_t i = 0; i < realisations; i++) {
    square += (x[i] - y[i] - mean) * (x[i] - y[i] - mean) / (double)realisations;
  }
  *error = sqrt(square / (double)realisations);
  eg_labelled_free(file);
  return mean;
}

/* Step -> 0 of an SDE by Romberg's table over substeps 2^3 to 2^9. */
static double extrapolated(const char *name, const char *settings) {
  enum { LEVELS = 7 };
  double e[LEVELS], error;
  for (int i = 0; i < LEVELS; i++) {
    char dynamics[200];
    (void)snprintf(dynamics, sizeof dynamics, "{name: %s, batch_size: 1, %s, substeps: %d}", name, settings, 8 << i);
    e[i] = difference_of(dynamics, "two-point", 2, &error);
    CHECK(error < 1e-14); /* no noise is left */
  }
  for (int order = 1; order < LEVELS; order++) {
    for (int i = 0; i + order < LEVELS; i++) {
      e[i] = ((1 << order) * e[i + 1] - e[i]) / ((1 << order) - 1);
    }
  }
  return e[0];
}

static void limits(void) {
  const double rms = extrapolated("rmsprop-sde", RMS), adam = extrapolated("adam-sde", ADAM);
  oracle_row("4.2", "RMSprop SDE", "E theta", rms, rms_limit, 1e-12);
  oracle_row("4.2", "RMSprop SDE", "I", -log(rms), 2.004921032563797, 1e-11);
  oracle_row("4.2", "RMSprop SDE, eps0 = 0", "I", -log(extrapolated("rmsprop-sde", "beta2: 0.875, epsilon: 0, start_square: 1")),
             2.522564925776464, 1e-11);
  oracle_row("4.2", "Adam SDE", "E theta", adam, adam_limit, 1e-12);
  oracle_control("4.2", "RMSprop SDE", "E theta of Adam", adam, rms_limit, 1e-12);
  oracle_control("4.2", "Adam SDE", "E theta of RMSprop", rms, adam_limit, 1e-9);
}

static void svag(void) {
  static const struct {
    const char *chain, *settings;
    double limit, error[3], table_error[3];
  } chains[2] = {{"rmsprop", RMS ", preconditioner: before", rms_limit, {-.0365, -.0082, -.0015}, {.0002, .0003, .0005}},
                 {"adam", ADAM, adam_limit, {.0526, .0148, .0036}, {.0003, .0003, .0005}}};
  enum { N = 1 << 16 };
  char dynamics[200], what[64];
  for (int c = 0; c < 2; c++) {
    double got[3], error[3];
    for (int i = 0; i < 3; i++) {
      const int l = 1 << i;
      (void)snprintf(dynamics, sizeof dynamics, "{name: %s, l: %d, batch_size: 1, %s}", chains[c].chain, l, chains[c].settings);
      got[i] = difference_of(dynamics, "gaussian", N, &error[i]) - chains[c].limit;
      (void)snprintf(what, sizeof what, "4.2, SVAG of %s, l %d, error of E theta", chains[c].chain, l);
      printf("%s: %.5f +- %.5f, table %.4f\n", what, got[i], error[i], chains[c].error[i]);
      compare(false, what, got[i], hypot(error[i], chains[c].table_error[i]), chains[c].error[i], N / 4);
      compare(true, what, got[i], error[i], 0, N / 4);
    }
    const double slope = log(fabs(got[1] / got[2])) / log(4);
    printf("order in 1/l^2 of %s: %.3f\n", chains[c].chain, slope);
    oracle_row("order in 1/l^2 against its SDE", chains[c].chain, "E theta", slope, 1, 0.2);
    oracle_control("order in 1/l^2 against its SDE, not 1/2", chains[c].chain, "E theta", slope, 0.5, 0.2);
    oracle_control("order in 1/l^2 against its SDE, not 2", chains[c].chain, "E theta", slope, 2, 0.2);
  }
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  limits();
  svag();
  (void)judge_rows(6, 6);
  oracle_count(6, 6);
  (void)rmdir(folder);
  return check_report();
}
