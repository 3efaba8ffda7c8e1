/*
 * weak-error over l (SVAG against sme1) and over substeps (a scheme against its own law), at one learning rate, against closed
 * forms: an additive quadratic loss, whose means and variances are geometric series. The exact errors have order 1 in 1/l, order
 * 2 in 1/substeps (strang, additive noise); a curve over the wrong key must not be made.
 */
#include "judge.h"

static const double H = 0.75, NOISE = 0.5, ETA = 0.25, START = 1.5; /* batch 1, to time 1 */

/* E x^2 at time 1 of x' = (1 - s H) x + noise of variance v, n steps. */
static double recursion(double factor, double v, int n) {
  double second = START * START;
  for (int i = 0; i < n; i++) {
    second = factor * factor * second + v;
  }
  return second;
}

/* SVAG(l): steps of eta / l, noise of variance (eta / l)^2 l NOISE^2. */
static double svag(int l) {
  return recursion(1 - H * ETA / l, ETA * ETA / l * NOISE * NOISE, 4 * l);
}

static double sme1(void) {
  return START * START * exp(-2 * H) + ETA * NOISE * NOISE * (1 - exp(-2 * H)) / (2 * H);
}

/* SVAG(l) with momentum 1/2 (kept): v' = v / 2 + H x + noise, x' = x - (eta / l) v', noise of variance l NOISE^2; by moments of (x, v). */
static double svag_momentum(int l) {
  const double eta = ETA / l, mu = 0.5;
  double xx = START * START, xv = 0, vv = 0;
  for (int i = 0; i < 4 * l; i++) {
    const double v2 = mu * mu * vv + 2 * mu * H * xv + H * H * xx + l * NOISE * NOISE, v1 = mu * xv + H * xx;
    vv = v2;
    xv = v1 - eta * v2;
    xx = xx - 2 * eta * v1 + eta * eta * v2;
  }
  return xx;
}

/* Its limit: the equation at eta / (1 - mu), whose clock is as many times faster. */
static double sme1_momentum(void) {
  const double time = 1 / (1 - 0.5), eta = ETA / (1 - 0.5), decay = exp(-2 * H * time);
  return START * START * decay + eta * NOISE * NOISE * (1 - decay) / (2 * H);
}

static double strang(int substeps) {
  const double h = ETA / substeps, half = exp(-H * h / 2);
  return recursion(half * half, half * half * h * ETA * NOISE * NOISE, 4 * substeps);
}

static const eg_variable *must_find(const eg_labelled *file, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
  if (v == NULL) {
    stop_with(name);
  }
  return v;
}

/* The only curve, norm2: steps, estimates and exact errors, with the order named. */
static void check_curve(const eg_labelled *file, const char *axis, const char *errors, const double *expected, size_t n,
                        int first, int order, double wrong) {
  const double *const step = must_find(file, axis)->data, *const exact = must_find(file, errors)->data;
  const double *const value = must_find(file, "weak_error")->data, *const error = must_find(file, "weak_error_stderr")->data;
  CHECK(eg_variable_size(must_find(file, "weak_error")) == n);
  for (size_t k = 0; k < n; k++) {
    CHECK_NEAR(step[k], 1.0 / (first << k), 0);
    CHECK_NEAR(exact[k], expected[k], 1e-12);
    compare(false, axis, value[k], error[k], expected[k], 1 << 14);
  }
  compare(true, axis, value[0], error[0], wrong, 1 << 14);
  CHECK(*(const double *)must_find(file, "weak_error_verdict_exact")->data == order);
}

static bool is_refused(const char *sweep, const char *analysis, const char *why) {
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  char text[600];
  (void)snprintf(text, sizeof text,
                 "seed: 1\nmodel: quadratic\nsweep: {%s}\nhorizon: 1\nlearning_rate: 1/4\nrealisations: 100\n"
                 "dynamics: [{name: svag, batch_size: 1}, sme1, {name: svag, label: heavy, batch_size: 1, momentum: 1/2}, {name: sme1, label: limit, "
                 "momentum: 1/2}]\nobserve: {at: [1], features: [x]}\nanalyse: [{weak-error: {%s}}]\n",
                 sweep, analysis);
  eg_run_options options;
  eg_run_options_default(&options);
  eg_status status = eg_study_parse(ctx, "t.yaml", text, strlen(text), NULL, 0, &study);
  if (status == EG_OK) {
    options.output = "/nonexistent/result.h5";
    status = eg_run_study(ctx, study, &options);
  }
  const bool is_good = status == EG_ERR_STUDY && strstr(eg_context_message(ctx), why) != NULL;
  if (!is_good) {
    fprintf(stderr, "%s\n", eg_context_message(ctx));
  }
  eg_study_free(study);
  eg_context_free(ctx);
  return is_good;
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
#define STUDY "seed: 601\nmodel: {name: quadratic, curvature: 0.75, noise: 0.5}\nstart: {point: 1.5}\nlearning_rate: 1/4\nhorizon: 1\n" \
              "realisations: 2^17\nobserve: {at: [1], features: [norm2]}\n"
  double expected[5];
  eg_labelled *file = run_study(STUDY "sweep: {l: [1, 2, 4, 8, 16]}\n"
                                      "dynamics: [{name: svag, batch_size: 1}, {name: sme1, scheme: strang, substeps: 32}]\n"
                                      "analyse: [{weak-error: {reference: sme1, over: l}}]\n");
  for (int k = 0; k < 5; k++) {
    expected[k] = svag(1 << k) - sme1();
  }
  check_curve(file, "weak_error_inverse_l", "weak_error_exact", expected, 5, 1, 1, svag(2) - sme1());
  eg_labelled_free(file);
  file = run_study(STUDY "sweep: {l: [4, 8, 16, 32, 64]}\n"
                         "dynamics: [{name: svag, batch_size: 1, momentum: 1/2}, {name: sme1, scheme: strang, substeps: 32, momentum: 1/2}]\n"
                         "analyse: [{weak-error: {reference: sme1, over: l}}]\n");
  for (int k = 0; k < 5; k++) {
    expected[k] = svag_momentum(4 << k) - sme1_momentum();
  }
  check_curve(file, "weak_error_inverse_l", "weak_error_exact", expected, 5, 4, 1, svag_momentum(4) - sme1()); /* not at eta */
  eg_labelled_free(file);
  file = run_study(STUDY "sweep: {substeps: [1, 2, 4, 8]}\ndynamics: [{name: sme1, scheme: strang}]\n"
                         "analyse: [{weak-error: {over: substeps}}]\n");
  for (int k = 0; k < 4; k++) {
    expected[k] = strang(1 << k) - sme1();
  }
  check_curve(file, "weak_error_inverse_substeps", "weak_error_expected", expected, 4, 1, 2, svag(1) - sme1()); /* not Euler */
  eg_labelled_free(file);
  CHECK(is_refused("l: [1, 2, 4]", "over: l", "name an sme1 of the study as reference"));
  CHECK(is_refused("l: [1, 2, 4]", "reference: sme1", "needs 'learning_rate' swept over at least 3 values"));
  CHECK(is_refused("l: [1, 2]", "reference: sme1, over: l", "needs 'l' swept over at least 3 values"));
  CHECK(is_refused("l: [1, 2, 4]", "reference: sme1, over: m", "allowed: learning_rate, l, substeps"));
  CHECK(is_refused("l: [1, 2, 4]", "reference: sme1, over: l", "has momentum 0.5, and 'sme1' has 0; give that sme1 momentum: 0.5"));
  CHECK(is_refused("l: [1, 2, 4]", "reference: limit, over: l", "has momentum 0, and 'limit' has 0.5"));
  CHECK(is_refused("l: [1, 2, 4]", "reference: sme1, over: l}}, {stationary: {from: 1", "take no part in"));
  (void)judge_rows(14, 3);
  (void)rmdir(folder);
  return check_report();
}
