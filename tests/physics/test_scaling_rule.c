/*
 * Noise to signal and scaling rules: the bounds, SGD on fresh Gaussian samples in one dimension, whose stationary R, G,
 * N are closed forms (m = E w^2 = (1/a) / (2 B / (rate a) - B - 2), G = a^2 m, N = (2 a^2 m + a) / B at unit label
 * noise), the linear and the square-root rule and the SDE between them; N without a model, from the squared
 * displacement of single steps. Controls: the squared batch gradient taken for G, another factor of the noise.
 */
#include "analysis/scaling_rule.h"
#include "physics/judge.h"

static double at(const eg_labelled *file, const char *name, size_t i) {
  const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
  if (v == NULL || i >= eg_variable_size(v)) {
    stop_with(name);
    return 0;
  }
  return ((const double *)v->data)[i];
}

static void beside(const eg_labelled *file, const char *suffix, size_t i, double expected, bool is_control) {
  char name[64], error[80], what[100];
  (void)snprintf(name, sizeof name, "scaling%s", suffix);
  (void)snprintf(error, sizeof error, "%s_stderr", name);
  (void)snprintf(what, sizeof what, "%s of run %zu", suffix, i);
  compare(is_control, what, at(file, name, i), at(file, error, i), expected, 40000);
}

static void bounds(void) {
  CHECK_NEAR(eg_scaling_sde_least(1), sqrt(2), 1e-15);
  CHECK_NEAR(eg_scaling_most_kappa(sqrt(2), 25.6), 27.6, 1e-13);    /* 2 + nu */
  CHECK_NEAR(eg_scaling_least(16, 25.6), sqrt(41.6 / 26.6), 1e-15); /* the note's example: 1.25 */
  CHECK_NEAR(eg_scaling_least(32, 81), 1.173, 1e-3);                /* and 1.17 */
  CHECK_NEAR(eg_scaling_closeness(3, (const double[]){0.5, 1.5, 1}), 2, 0);
  CHECK(isnan(eg_scaling_closeness(2, (const double[]){NAN, 5})));
  CHECK(eg_scaling_rule_of(4, 4) == EG_SCALING_LINEAR && eg_scaling_rule_of(4, 2) == EG_SCALING_SQUARE_ROOT);
  CHECK(eg_scaling_rule_of(1, 1) == EG_SCALING_BASE && eg_scaling_rule_of(4, 3) == EG_SCALING_NONE &&
        eg_scaling_rule_of(1, 2) == EG_SCALING_NONE);
}

static double second(double rate, double batch) { return 1 / (2 * batch / rate - batch - 2); }
static double noise(double rate, double batch) { return (2 * second(rate, batch) + 1) / batch; }

static void rules(void) {
  static const double rates[2] = {0.25, 0.5}, batches[3] = {4, 8, 16};
  eg_labelled *const file = run_study(
      "seed: 61\nmodel: {name: linear-regression-gaussian, input_variance: 1, optimum: 0, label_noise: 1}\nsteps: 80\n"
      "sweep: {learning_rate: [1/4, 1/2], batch_size: [4, 8, 16]}\ndynamics: [{name: sgd}, {name: sme1, substeps: 8, "
      "label: sde}]\n"
      "realisations: 40000\nobserve: {at: {steps: [60, 70, 80]}, features: [x, norm2, gradient_norm2]}\n"
      "analyse: {scaling-rule: {from: 0, against: sde}}\n");
  size_t n_linear = 0, n_root = 0;
  for (size_t r = 0; r < 6; r++) {
    const size_t run = r; /* runs of sgd come first or alternate: take what the file says */
    const double *const rate = eg_labelled_find(file, "/", "learning_rate")->data,
                        *const batch = eg_labelled_find(file, "/", "batch_size")->data;
    size_t i = 0, seen = 0;
    for (i = 0; i < 12; i++) {
      if (strcmp(((char *const *)eg_labelled_find(file, "/", "dynamics")->data)[i], "sgd") == 0 && seen++ == run) {
        break;
      }
    }
    const double h = rate[i], B = batch[i], m = second(h, B), N = noise(h, B);
    CHECK((h == rates[0] || h == rates[1]) && (B == batches[0] || B == batches[1] || B == batches[2]));
    beside(file, "_R", i, m, false);
    beside(file, "_N", i, N, false);
    beside(file, "_nu", i, N / m, false);
    CHECK_NEAR(at(file, "scaling_most_kappa", i), 2 + at(file, "scaling_nu", i), 1e-12);
    if (at(file, "scaling_rule", i) != EG_SCALING_BASE) {
      beside(file, "_R_ratio", i, m / second(0.25, 4), false);
      beside(file, "_N_ratio", i, B / 4 * N / noise(0.25, 4), false);
    }
    n_linear += at(file, "scaling_rule", i) == EG_SCALING_LINEAR;
    n_root += at(file, "scaling_rule", i) == EG_SCALING_SQUARE_ROOT;
    if (at(file, "scaling_rule", i) == EG_SCALING_LINEAR) {
      const double nu = at(file, "scaling_nu", (size_t)at(file, "scaling_base", i));
      CHECK_NEAR(at(file, "scaling_estimate", i), (2 + nu) / (1 + nu), 1e-12);
      CHECK(at(file, "scaling_closeness", i) >= at(file, "scaling_least", i) && at(file, "scaling_closeness", i) < 1.3);
    }
    /* the SDE: 2 m = (rate / B)(2 m + 1) */
    const double sde = h / (B * (2 - 2 * h / B));
    beside(file, "_against_R_ratio", i, m / sde, false);
    beside(file, "_against_R_ratio", i, 1, true);
    CHECK(at(file, "scaling_against_closeness", i) >= at(file, "scaling_sde_least", i) * 0.98); /* necessary */
    if (h == 0.5 && B == 4) {
      beside(file, "_G", i, m + N, true); /* the squared batch gradient */
      beside(file, "_N", i, (m + 1) / B, true);
    }
  }
  CHECK(n_linear == 1 && n_root == 1); /* (1/2, 8) and (1/2, 16) */
  eg_labelled_free(file);
}

/* A model without an oracle: what single steps say. Noise of variance sigma^2 / B wherever the state is. */
static void without_model(void) {
  eg_labelled *const file =
      run_study("seed: 62\nmodel: {name: double-well, sigma: 2}\nstart: {point: 1}\nsteps: 44\nlearning_rate: 1/8\n"
                "dynamics: {name: sgd, batch_size: 2}\nrealisations: 40000\n"
                "observe: {at: {steps: [40, 41, 42, 43, 44]}, features: [x, norm2, gradient_norm2], paths: {statistic: "
                "velocity}}\n"
                "analyse: {scaling-rule: {from: 5}}\n");
  beside(file, "_N", 0, 2, false);
  beside(file, "_N", 0, 2 + at(file, "scaling_G", 0), true);
  eg_labelled_free(file);
}

/* On its way from x = 3 the gradient falls from step to step, and the noise does not: displacements and gradients must be of the same
   steps, all of the window, and elsewhere N is not known. A model with an oracle needs no displacements. */
static void in_transit(void) {
  static const char study[] = "seed: 63\nmodel: {name: double-well, sigma: 2}\nstart: {point: 3}\nsteps: 16\nlearning_rate: 1/16\n"
                              "dynamics: {name: sgd, batch_size: 2}\nrealisations: 40000\nobserve: {at: {steps: {linear: 16}}, "
                              "features: [x, norm2, gradient_norm2], paths: {statistic: velocity%s}}\nanalyse: {scaling-rule: {%s}}\n";
  static const struct {
    const char *path, *analysis;
    bool is_known;
  } cases[] = {{"", "from: 0", true}, {", origin: 4", "from: 1/4", true}, {"", "", false}, {", origin: 4", "from: 1/2", false},
               {", at: {steps: [1, 2, 3]}", "from: 0", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[600];
    (void)snprintf(text, sizeof text, study, cases[i].path, cases[i].analysis);
    eg_labelled *const file = run_study(text);
    CHECK(isnan(at(file, "scaling_N", 0)) == !cases[i].is_known);
    if (cases[i].is_known) {
      beside(file, "_N", 0, 2, false);
      beside(file, "_N", 0, 2 - at(file, "scaling_G", 0), true);
    }
    eg_labelled_free(file);
  }
  eg_labelled *const file =
      run_study("seed: 6\nmodel: {name: quadratic, curvature: 1, noise: 1}\nstart: {point: 4}\nsteps: 16\nlearning_rate: 1/4\n"
                "realisations: 2^14\ndynamics: {name: sgd, batch_size: 1}\nobserve: {at: {steps: {linear: 16}}, features: [x, norm2, "
                "gradient_norm2], paths: {statistic: velocity}, statistics: [covariance]}\nanalyse: {scaling-rule: {}}\n");
  CHECK_NEAR(at(file, "scaling_N", 0), 1, 1e-9);
  eg_labelled_free(file);
}

/* Stable noise has no covariance, whatever that of the samples is: neither N nor a bound. */
static void stable_noise(void) {
  eg_labelled *const file =
      run_study("seed: 6\nmodel: {name: quadratic, curvature: 1, noise: 1}\nstart: {point: 0}\nsteps: 64\nlearning_rate: 1/4\n"
                "realisations: 2^10\ndynamics: [{name: levy, tail_index: 1.5, batch_size: 1}, {name: sgd, batch_size: 1}]\n"
                "observe: {at: {steps: {linear: 4}}, features: [x, norm2, gradient_norm2, noise_trace]}\nanalyse: {scaling-rule: {}}\n");
  CHECK(isnan(at(file, "scaling_N", 0)) && isnan(at(file, "scaling_nu", 0)) && isnan(at(file, "scaling_sde_least", 0)));
  CHECK_NEAR(at(file, "scaling_N", 1), 1, 1e-9);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  bounds();
  rules();
  without_model();
  in_transit();
  stable_noise();
  (void)judge_rows(32, 11); /* correlated in fours: their mean square says little */
  (void)rmdir(folder);
  return check_report();
}
