/*
 * How ln t grows with 1 / eta, section 4 of power-law-escape-rate.md: SGD with one sample a step leaves w^2 < c - 1, by the program (share
 * that is out by a step, and the time of an exponential law with that share) beside the law of the chain, rate by rate, and slopes between
 * rates. Those of the theory's Monte Carlo have its 3 per cent of a time. Controls: slopes of the paper's law, ln c, of a parabola, c - 1,
 * and for labels of +-1 that of Gaussian ones.
 */
#ifndef EG_TESTS_ESCAPE_SLOPES_H
#define EG_TESTS_ESCAPE_SLOPES_H

#include "physics/judge.h"
#include "physics/minibatch_chain.h"

enum { SIGN_NODES = 300 };

typedef struct escape_slope {
  bool has_sign_labels;
  double c;
  int inverse_rates[4]; /* of 2 eta, then 0 */
  double part[4];       /* of the mean time, when it is looked */
  int realisations[4];
  double slope[3]; /* between these rates, as the theory prints them; 0: not there */
} escape_slope;

/* Mean time of the chain's law; the share that it has inside behind n steps. */
static inline double time_of_law(const escape_slope *row, double eta, double part, long *n, double *inside) {
  const double edge = sqrt(row->c - 1);
  const int size = row->has_sign_labels ? SIGN_NODES : TERMS;
  double *const kernel = row->has_sign_labels ? sign_labels(eta, edge, size) : gaussian_inputs(eta, edge, 1);
  const double steps = mean_steps(size, kernel);
  *n = (long)(part * steps);
  *inside = survival(size, kernel, *n);
  free(kernel);
  return eta * steps;
}

/* Time that an exponential law would have, from the share that is out behind n steps. */
static inline double time_of_share(double eta, long n, double out) {
  return -eta * (double)n / log(1 - out);
}

static inline void judge_slopes(const escape_slope *row, int seed) {
  const char *const model = row->has_sign_labels ? "{name: linear-regression, rows: [[0, 1]], standardize: false}"
                                                 : "{name: linear-regression-gaussian, label_noise: 1}";
  const char *const labels = row->has_sign_labels ? "labels of +-1" : "Gaussian labels";
  double last = 0, last_error = 0, last_law = 0, last_share = 0, last_eta = 0;
  for (int i = 0; i < 4 && row->inverse_rates[i] > 0; i++) {
    const double eta = 2.0 / row->inverse_rates[i];
    char study[800], what[100];
    long n = 0;
    double inside = 0;
    const double law = time_of_law(row, eta, row->part[i], &n, &inside);
    (void)snprintf(study, sizeof study,
                   "seed: %d\nmodel: %s\nstart: {point: 0}\nlearning_rate: %.17g\nsteps: %ld\ndynamics: {name: sgd, batch_size: 1%s}\n"
                   "realisations: %d\nobserve: {at: {linear: 1}, features: [x], monitors: [{name: out, feature: norm2, operation: crossing, "
                   "level: %.17g, direction: up, absorbing: true}]}\n",
                   seed + i, model, eta, n, row->has_sign_labels ? ", input_noise: 1" : "", row->realisations[i], row->c - 1);
    eg_labelled *const file = run_study(study);
    const double out = last_of(file, "out", 0), error = last_of(file, "out_stderr", 0), effective = row->realisations[i];
    eg_labelled_free(file);
    printf("escape 4, %s, c %g, eta 2/%d: mean time %.6g; out by step %ld: %.5f +- %.5f, law %.5f\n", labels, row->c,
           row->inverse_rates[i], law, n, out, error, 1 - inside);
    (void)snprintf(what, sizeof what, "escape 4, %s, c %g, eta 2/%d", labels, row->c, row->inverse_rates[i]);
    compare(false, what, out, error, 1 - inside, effective);
    const double time = time_of_share(eta, n, out), time_error = error / ((1 - out) * -log(1 - out)); /* of ln t */
    const double share = time_of_share(eta, n, 1 - inside);
    if (i > 0) {
      const double gap = 1 / eta - 1 / last_eta, slope_error = hypot(time_error, last_error) / gap;
      const double slope_found = log(time / last) / gap, slope_of_law = log(law / last_law) / gap, printed = row->slope[i - 1];
      printf("escape 4, %s, c %g, slope of ln t: %.4f +- %.4f, law %.4f, theory %.4g\n", labels, row->c, slope_found, slope_error,
             slope_of_law, printed);
      (void)snprintf(what, sizeof what, "escape 4, %s, c %g, slope to eta 2/%d", labels, row->c, row->inverse_rates[i]);
      compare(false, what, slope_found, slope_error, log(share / last_share) / gap, effective);
      if (printed > 0) {
        const double by_hand = 0.03 * sqrt(2.0) / gap;
        (void)snprintf(what, sizeof what, "escape 4, %s, c %g, the theory's %g", labels, row->c, printed);
        compare(false, what, slope_found, hypot(slope_error, by_hand), printed, effective);
        CHECK(fabs(slope_of_law - printed) <= 3 * by_hand);
      }
      compare(true, "slope of ln c", slope_found, slope_error, log(row->c), effective);
      compare(true, "slope of a parabola", slope_found, slope_error, row->c - 1, effective);
    }
    last = time;
    last_error = time_error;
    last_law = law;
    last_share = share;
    last_eta = eta;
  }
}

#endif
