/*
 * Feature velocity: what heavy balls and the Langevin equation keep behind x. Stationary second moments of (x, v) against tables D1 and
 * D2 of limiting-dynamics-and-anomalous-diffusion.md (sections 1.5 and 1.6): with q the variance of a batch's gradient and h the
 * curvature, E v^2 = 2 q / den and E x v = -eta E v^2 / 2, not 0, for the chain; E x v = 0 for the equation. Its mean on the way is known
 * to the affine oracle, and judged by the run itself.
 */
#include "physics/judge.h"

/* Covariance of two columns at the last time: x0, x1, v0, v1. */
static void pair(bool is_control, const eg_labelled *file, const char *what, size_t run, size_t i, size_t k, double expected) {
  const eg_variable *const v = eg_labelled_find(file, "/", "covariance"), *const e = eg_labelled_find(file, "/", "covariance_stderr"),
                    *const n = eg_labelled_find(file, "/", "x_count");
  if (v == NULL || e == NULL || n == NULL || v->rank != 4 || v->shape[2] != 4 || v->shape[3] != 4) {
    stop_with("covariance of x and velocity");
    return;
  }
  const size_t at = ((run * v->shape[1] + v->shape[1] - 1) * 4 + i) * 4 + k;
  compare(is_control, what, ((const double *)v->data)[at], ((const double *)e->data)[at], expected,
          (double)((const int64_t *)n->data)[(run * v->shape[1] + v->shape[1] - 1) * 2] / 2);
}

#define STUDY(eta, beta, curvature, noise, steps)                                                                         \
  "seed: 71\n"                                                                                                            \
  "model: {name: quadratic, curvature: " curvature ", noise: " noise "}\n"                                                \
  "start: {point: [0.5, -0.5]}\nlearning_rate: " eta "\nsteps: " steps "\n"                                               \
  "dynamics:\n"                                                                                                           \
  "  - {name: sgd, batch_size: 4, momentum: " beta ", label: chain}\n"                                                    \
  "  - {name: langevin, batch_size: 4, momentum: " beta ", scheme: exact, start_velocity: zero, label: equation}\n"                      \
  "realisations: 2^17\n"                                                                                                  \
  "observe: {at: {steps: [0, 1, 3, " steps "]}, features: [x, velocity], statistics: [moments, covariance]}\n"

/* Both components are alike. D1 and D2 have weight decay within h. */
static void table(const char *name, const char *text, double variance, double square, double product, double langevin) {
  char what[80];
  eg_labelled *const file = run_study(text);
  const size_t chain = run_index(file, "chain"), equation = run_index(file, "equation");
  for (size_t c = 0; c < 2; c++) {
    (void)snprintf(what, sizeof what, "%s chain E x%zu^2", name, c);
    pair(false, file, what, chain, c, c, variance);
    (void)snprintf(what, sizeof what, "%s chain E v%zu^2", name, c);
    pair(false, file, what, chain, 2 + c, 2 + c, square);
    (void)snprintf(what, sizeof what, "%s chain E x%zu v%zu", name, c, c);
    pair(false, file, what, chain, c, 2 + c, product);
    (void)snprintf(what, sizeof what, "%s equation E v%zu^2", name, c);
    pair(false, file, what, equation, 2 + c, 2 + c, langevin);
    (void)snprintf(what, sizeof what, "%s equation E x%zu v%zu", name, c, c);
    pair(false, file, what, equation, c, 2 + c, 0);
    (void)snprintf(what, sizeof what, "%s chain E x%zu v%zu = 0", name, c, c);
    pair(true, file, what, chain, c, 2 + c, 0);
    (void)snprintf(what, sizeof what, "%s chain E x%zu v%zu of the other sign", name, c, c);
    pair(true, file, what, chain, c, 2 + c, -product);
  }
  /* on the way: the mean, from the oracle of (x, v) */
  const eg_variable *const exact = eg_labelled_find(file, "/", "velocity_exact"), *const judged = eg_labelled_find(file, "/", "velocity_judged");
  CHECK(exact != NULL && judged != NULL);
  for (size_t i = 0; exact != NULL && i < eg_variable_size(exact); i++) {
    CHECK(isfinite(((const double *)exact->data)[i]));
  }
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    return 1;
  }
  /* eta 0.1, beta 0.9, h 1.01, q 0.5 */
  table("D1", STUDY("0.1", "0.9", "1.01", "1.4142135623730951", "600"), 0.2542833358761667, 2.703433360367667, -0.1351716680183833,
        2.631578947368421);
  /* eta 0.1, beta 0.5, h 0.06, q 0.025: noise^2 = 0.1 */
  table("D2", STUDY("0.1", "0.5", "0.06", "0.31622776601683794", "2000"), 0.04175016700066800, 0.03340013360053440,
        -0.001670006680026720, 0.03333333333333333);
  judge(20, 8);
  (void)rmdir(folder);
  return check_report();
}
