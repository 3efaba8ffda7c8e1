/* Schemes that cannot be: every refusal with its reason, and what is taken instead. */
#include "check.h"
#include "plan/plan.h"

static void message_of(const char *text, char *out, size_t size) {
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  eg_plan *plan = NULL;
  eg_status status = eg_study_parse(ctx, "t.yaml", text, strlen(text), NULL, 0, &study);
  if (status == EG_OK) {
    status = eg_plan_create(ctx, study, &plan);
  }
  CHECK(status == EG_OK || status == EG_ERR_STUDY);
  (void)snprintf(out, size, "%s", status == EG_OK ? "" : eg_context_message(ctx));
  eg_plan_free(plan);
  eg_study_free(study);
  eg_context_free(ctx);
}

static void check_says(const char *model, const char *dynamics, const char *more, const char *fragment) {
  char text[600], message[2000];
  (void)snprintf(text, sizeof text,
                 "seed: 1\nmodel: %s\nrealisations: 100\nlearning_rate: 1/8\nhorizon: 1\n"
                 "observe: {at: [1], features: [x]}\ndynamics: {%s}\n%s",
                 model, dynamics, more);
  message_of(text, message, sizeof message);
  if (fragment[0] == 0) {
    CHECK_TEXT(message, "");
  } else {
    CHECK_HAS(message, fragment);
  }
}

/* Feature velocity, where there is one and where there is none. */
static void velocity(const char *dynamics, const char *fragment) {
  char text[400], message[2000];
  (void)snprintf(text, sizeof text,
                 "seed: 1\nmodel: {name: quadratic, curvature: [1, 2], noise: 1}\nrealisations: 100\nlearning_rate: 1/8\nhorizon: 1\n"
                 "observe: {at: [1], features: [x, velocity]}\ndynamics: [{%s}]\n",
                 dynamics);
  message_of(text, message, sizeof message);
  if (fragment[0] == 0) {
    CHECK_TEXT(message, "");
  } else {
    CHECK_HAS(message, fragment);
  }
}

#define BOTH "{name: quadratic, curvature: [1, 2], noise: 1, multiplicative: [0, 1]}"
#define ONE  "{name: quadratic, curvature: [1, 2], noise: [1, 0], multiplicative: [0, 1]}"
#define DATA "{name: linear-regression, data: data/diabetes.h5, columns: [0, 1]}"

int main(void) {
  velocity("name: sgd, batch_size: 1, momentum: 0.5", "");
  velocity("name: langevin, batch_size: 1, momentum: 0.5", "");
  velocity("name: sgd, batch_size: 1, momentum: 0.5}, {name: sme1, batch_size: 1",
           "t.yaml:6:34: error: feature 'velocity' needs momentum above 0, or langevin: 'sme1' has none");
  velocity("name: adam, batch_size: 1", "'adam' has none");
  check_says(ONE, "name: sme2, scheme: milstien", "", "did you mean 'milstein'?");
  check_says(BOTH, "name: sme2, scheme: milstein", "",
             "t.yaml:7:11: error: scheme milstein needs channels that commute, and component 1 has both 'noise' and "
             "'multiplicative'");
  check_says(ONE, "name: sme2, scheme: milstein", "", "");
  check_says(BOTH, "name: sme2, scheme: milstein, factor: cholesky", "", "");
  check_says(BOTH, "name: sde, scheme: milstein", "", "");
  check_says(DATA, "name: sme2, scheme: heun", "",
             "sme2 cannot be run on model 'linear-regression': scheme heun turns the Ito drift into the Stratonovich one by eg_noise_drift, "
             "which belongs to diagonal noise and channels, and this factor is neither; allowed: euler-maruyama, strang, and srk2 with factor "
             "cholesky");
  check_says(DATA, "name: sme2, scheme: milstein", "", "needs diagonal noise or channels that commute, and those of rows and samples do not");
  check_says(DATA, "name: sme2, scheme: srk2", "", "needs diagonal noise, single channels or factor cholesky");
  check_says(DATA, "name: sme2, scheme: srk2, factor: cholesky", "", "");
  check_says(DATA, "name: sme2, scheme: srk2, factor: cholesky", "noise: two-point\n", "needs the fourth moment of a normal");
  check_says("{name: linear-regression, data: data/diabetes.h5, columns: [0, 1, 2, 3, 4]}", "name: sme2, scheme: srk2, factor: cholesky", "",
             "scheme srk2 serves factor cholesky up to dimension 4");
  check_says(BOTH, "name: sme2, scheme: srk2", "noise: two-point\n", "needs the fourth moment of a normal");
  check_says(BOTH, "name: sme2, scheme: srk2", "noise: three-point\n", "");
  check_says(BOTH, "name: noisy-gd, batch_size: 1, scheme: heun", "", "'noisy-gd' has no 'scheme'");
  check_says(BOTH, "name: levy, scheme: milstein", "",
             "t.yaml:7:11: error: run 'levy': levy takes increments that are no normals; allowed schemes: euler-maruyama, strang");
  check_says(BOTH, "name: levy, scheme: exact", "", "has an exact law on ornstein-uhlenbeck only");
  check_says(BOTH, "name: levy", "noise: table5\n", "allowed kinds: gaussian (they are floats), gaussian64 (doubles)");
  check_says(BOTH, "name: levy, tail_index: 0.4", "", "a tail_index below 0.5 has increments beyond the range of a float");
  check_says(BOTH, "name: levy, tail_index: 0.4", "noise: gaussian64\n", "");
  check_says(BOTH, "name: levy, tail_index: 2.5", "", "'dynamics.tail_index' = 2.5");
  check_says(BOTH, "name: sde, tail_index: 1", "", "'sde' has no 'tail_index'; only for: levy");
  check_says(DATA, "name: levy", "", "'levy' cannot be used with the model 'linear-regression'");
  check_says(DATA, "name: levy", "", "; the model lacks eg_noise_diagonal");
  check_says(BOTH, "name: smf1, factor: joint-cholesky", "", "factor joint-cholesky is made from data rows, in at most 16 dimensions");
  check_says(DATA, "name: smf2, factor: joint-cholesky", "", "");
  check_says(BOTH, "name: log-time", "", "");
  check_says(BOTH, "name: log-time", "state: float\n", "log-time keeps the physical time in its state, which needs state: double");
  check_says("{name: double-well}", "name: log-time", "", "the Hessian of this model is not constant; give 'hessian'");
  check_says(BOTH, "name: log-time, gradient_noise: gaussian-exact", "", "allowed: gaussian-decoupled");
  check_says(DATA, "name: log-time", "", "");
  check_says("{name: logistic-regression, rows: [[1, 0.5, 0], [-0.5, 1, 1]], standardize: false}", "name: log-time", "",
             "the Hessian of this model is not constant; give 'hessian'");
  check_says(DATA, "name: signsgd-sde, batch_size: 1", "", "");
  check_says(DATA, "name: signsgd-sde, batch_size: 2", "", "takes the law of the sign at one row");
#define ADDITIVE "{name: quadratic, curvature: [1, 2], noise: 1}"
  check_says(ADDITIVE, "name: langevin, momentum: 0.5, scheme: exact", "", "");
  check_says(ADDITIVE, "name: langevin, momentum: 0.5, scheme: baoab", "", "");
  check_says(ADDITIVE, "name: langevin, momentum: 0.5, scheme: strang", "", "allowed schemes: baoab, exact");
  check_says(ADDITIVE, "name: langevin, momentum: 0.5, scheme: exact", "noise: table5\n", "allowed kinds of noise: gaussian, gaussian64");
  check_says(BOTH, "name: langevin, momentum: 0.5, scheme: exact", "",
             "langevin has an exact law where the gradient is affine and the noise does not depend on x, which is so for quadratic without "
             "'multiplicative' and for gradient_noise constant");
  check_says(DATA, "name: langevin, momentum: 0.5, scheme: exact, gradient_noise: {law: constant, covariance: 1}", "", "");
  check_says(DATA, "name: langevin, momentum: 0.5, scheme: exact, gradient_noise: gaussian-decoupled", "", "for gradient_noise constant");
  check_says("{name: linear-regression-gaussian}", "name: langevin, momentum: 0.5", "", "or a gradient_noise of its own law");
  check_says("{name: linear-regression-gaussian}", "name: langevin, momentum: 0.5, gradient_noise: {law: constant, covariance: 1}", "", "");
  check_says(DATA, "name: langevin, momentum: 0.5, scheme: exact", "", "that of data rows does; allowed scheme: baoab");
  check_says(ADDITIVE, "name: sme2, scheme: baoab", "", "scheme baoab integrates a velocity, which langevin has");
  check_says(ADDITIVE, "name: levy, scheme: baoab", "", "allowed schemes: euler-maruyama, strang");
#define LAYERS(more) "{name: linear-network" more "}"
  check_says(LAYERS(""), "name: sgd, batch_size: 1", "", "");
  check_says(LAYERS(", shape: [2, 2, 2]"), "name: sgd, batch_size: 1, momentum: 0.5", "", "");
  check_says(LAYERS(", shape: [3, 1, 3]"), "name: smf1, factor: nodes", "", "");
  check_says(LAYERS(", shape: [3]"), "name: sgd, batch_size: 1", "",
             "'model.shape' has 1 width; allowed: 2 to 9 of them, widths of the layers, from the inputs to the outputs");
  check_says(LAYERS(", shape: [3, 0]"), "name: sgd, batch_size: 1", "", "'model.shape' = 0 is out of range [1, 16]");
  check_says(LAYERS(", shape: [3, 3, 3]"), "name: sgd, batch_size: 1", "",
             "the layers of shape 3x3x3 have 18 numbers; at most 16 are allowed");
  check_says(LAYERS(", shape: [3, 1, 3], dimension: 8"), "name: sgd, batch_size: 1", "", "key dimension has 8 values, but the dimension is 6");
  check_says(LAYERS(", shape: [3, 1, 3], signal: [1, 2]"), "name: sgd, batch_size: 1", "", "signal has 2 values, but the dimension is 6");
  check_says(LAYERS(", shape: [3, 1, 3]"), "name: sme1, factor: cholesky", "", "need eg_covariance");
  check_says("{name: matrix-sensing, shape: [4, 2, 4]}", "name: sme1, factor: data", "", "factor data needs eg_noise_channels");
  check_says("{name: matrix-sensing, shape: [1, 1, 3]}", "name: sme1, factor: cholesky", "", "");
  check_says("{name: quadratic, shape: [2, 2]}", "name: sgd", "", "'model.shape' is for built-in models made of layers, of which 'quadratic' is none");
#define CLASSES(more) "{name: softmax-regression, rows: [[1, 0.5, 0], [-0.5, 1, 1], [0.25, -1, 2]], standardize: false" more "}"
  check_says(CLASSES(""), "name: sgd, batch_size: 1", "", "");
  check_says(CLASSES(", classes: 2"), "name: sgd, batch_size: 1", "", "has the value 2 in row 2; the labels of softmax-regression must be 0 or 1");
  check_says(CLASSES(", classes: 2.5"), "name: sgd, batch_size: 1", "", "'classes' is 2.5; it must be a whole number");
  check_says(CLASSES(""), "name: sgd, batch_size: 1", "sweep: {model.classes: [2, 3]}\n", "'classes' cannot be swept");
  check_says(CLASSES(""), "name: sme1, factor: cholesky", "", "need eg_covariance");
  check_says(CLASSES(""), "name: sgd, batch_size: 1", "start: {points: [[1, 2]]}\n", "the dimension is 6");
  char message[2000];
  message_of("seed: 1\nmodel: {name: double-well}\nrealisations: 100\nlearning_rate: 1/8\nhorizon: 1\n"
             "observe: {at: [1], features: [x, clock]}\ndynamics: sme1\n",
             message, sizeof message);
  CHECK_HAS(message, "t.yaml:6:34: error: feature 'clock' is the physical time of log-time; 'sme1' has the time of the observations");
  message_of("seed: 1\nmodel: geometric-brownian-motion\nrealisations: 100\ntime_step: 1/8\nhorizon: 1\n"
             "observe: {at: [1], features: [x]}\ndynamics: {name: levy, batch_size: 2}\n",
             message, sizeof message);
  CHECK_HAS(message, "t.yaml:7:11: error: run 'levy': levy of a process has no batch; allowed batch_size: 1");
  return check_report();
}
