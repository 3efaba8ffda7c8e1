/* Laws of the gradient's noise, row noise, batch schedules, flows and written rows that cannot be: every refusal with its
   place and reason, and what is taken. */
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

static void check_says(const char *model, const char *dynamics, const char *fragment) {
  char text[900], message[2000];
  (void)snprintf(text, sizeof text,
                 "seed: 1\nmodel: %s\nrealisations: 100\nlearning_rate: 1/8\nhorizon: 1\n"
                 "observe: {at: [1], features: [x]}\ndynamics: {%s}\n",
                 model, dynamics);
  message_of(text, message, sizeof message);
  if (fragment[0] == 0) {
    CHECK_TEXT(message, "");
  } else {
    CHECK_HAS(message, fragment);
  }
}

#define QUADRATIC "{name: quadratic, curvature: [1, 2], noise: 1}"
#define WELL      "double-well"
#define ROWS      "{name: linear-regression, rows: [[1, 0, 1], [0, 1, 2], [1, 1, 0]], standardize: false}"
#define SGD       "name: sgd, batch_size: 2, "

static void laws(void) {
  check_says(QUADRATIC, SGD "gradient_noise: gausian-exact", "did you mean 'gaussian-exact'?");
  check_says(QUADRATIC, SGD "gradient_noise: gaussian-exact", "");
  check_says(QUADRATIC, SGD "gradient_noise: gaussian-decoupled", "");
  check_says(QUADRATIC, "name: gradient-flow, gradient_noise: constant", "'gradient-flow' has no 'gradient_noise'");
  check_says(QUADRATIC, "name: sme1, gradient_noise: minibatch",
             "t.yaml:7:40: error: the noise of 'sme1' is Gaussian; allowed: gaussian-exact, gaussian-decoupled, constant");
  check_says(QUADRATIC, SGD "gradient_noise: constant", "gradient_noise constant needs 'covariance' or 'at'");
  check_says(QUADRATIC, SGD "gradient_noise: {law: constant, covariance: 1, at: 0}", "exclude each other");
  check_says(QUADRATIC, SGD "gradient_noise: {law: constant, at: [1, 0]}", "");
  check_says(QUADRATIC, SGD "gradient_noise: {law: constant, at: [1, 0, 2]}", "'at' needs one value, or one per dimension");
  check_says(QUADRATIC, SGD "gradient_noise: {law: constant, hessian: 1}", "'hessian' is not for law constant");
  check_says(QUADRATIC, SGD "gradient_noise: {law: gaussian-decoupled, at: 1}", "'at' is not for law gaussian-decoupled");
  check_says(QUADRATIC, SGD "gradient_noise: {covariance: 1}", "missing required key 'dynamics.gradient_noise.law'");
  check_says(QUADRATIC, SGD "gradient_noise: {law: constant, covariance: [1, 2, 3]}",
             "the matrix of gradient_noise has 3 values on its diagonal; the study has 2 dimensions");
  check_says(QUADRATIC, SGD "gradient_noise: {law: constant, covariance: [[1, 2], [3, 4]]}", "is not symmetric: rows 0 and 1");
  check_says(QUADRATIC, SGD "gradient_noise: {law: constant, covariance: [[1, 2], [3]]}", "a matrix is square");
  check_says(QUADRATIC, SGD "gradient_noise: {law: constant, covariance: [[1, 2], [2, 1]]}", "is not positive semidefinite");
  check_says(QUADRATIC, SGD "gradient_noise: {law: constant, covariance: [[1, 1], [1, 1]]}", "");
  check_says(WELL, SGD "gradient_noise: gaussian-decoupled", "the Hessian of this model is not constant; give 'hessian'");
  check_says(WELL, SGD "gradient_noise: {law: constant, at: 1}", "known for affine gradients only; give 'covariance'");
  check_says(ROWS, SGD "sampling: shuffle, gradient_noise: gaussian-exact", "are those of a minibatch");
  check_says(ROWS, "name: sme2, factor: cholesky, gradient_noise: gaussian-decoupled", "a factor is a root of the model's own");
}

/* SDEs of adaptive and sign chains, and with stable noise. */
static void equations(void) {
  static const char *const names[] = {"rmsprop-sde", "adam-sde", "signsgd-sde", "levy"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char dynamics[200], refusal[200];
    (void)snprintf(dynamics, sizeof dynamics, "name: %s, batch_size: 2, gradient_noise: minibatch", names[i]);
    (void)snprintf(refusal, sizeof refusal, "the noise of '%s' is %s; allowed: gaussian-exact, gaussian-decoupled, constant", names[i],
                   i == 3 ? "alpha-stable, its law names the size" : "Gaussian");
    check_says(QUADRATIC, dynamics, refusal);
    static const char *const laws_of[] = {"gaussian-exact", "gaussian-decoupled", "{law: constant, covariance: [1, 2]}", "{law: constant, at: [1, 0]}"};
    for (size_t k = 0; k < sizeof laws_of / sizeof laws_of[0]; k++) {
      (void)snprintf(dynamics, sizeof dynamics, "name: %s, batch_size: 2, gradient_noise: %s", names[i], laws_of[k]);
      check_says(QUADRATIC, dynamics, "");
    }
  }
  check_says(QUADRATIC, "name: signsgd-sde, batch_size: 2, gradient_noise: {law: constant, covariance: [[1, 0.5], [0.5, 1]]}",
             "t.yaml:7:62: error: run 'signsgd-sde': signsgd-sde takes the sign of every component by itself; the matrix of gradient_noise "
             "must be diagonal");
  check_says(ROWS, "name: signsgd-sde, batch_size: 2, gradient_noise: gaussian-decoupled", "must be diagonal");
  check_says(ROWS, "name: signsgd-sde, batch_size: 2, gradient_noise: {law: constant, covariance: [1, 2]}", "");
  check_says(ROWS, "name: rmsprop-sde, batch_size: 2, gradient_noise: gaussian-decoupled", "");
  check_says(WELL, "name: adam-sde, batch_size: 2, gradient_noise: gaussian-decoupled", "the Hessian of this model is not constant; give 'hessian'");
  check_says(QUADRATIC, "name: levy, scheme: exact, gradient_noise: {law: constant, covariance: 1}", "has an exact law on ornstein-uhlenbeck only");
  char message[2000];
  message_of("seed: 1\nmodel: ornstein-uhlenbeck\nrealisations: 100\ntime_step: 1/8\nhorizon: 1\nobserve: {at: [1], features: [x]}\n"
             "dynamics: {name: levy, gradient_noise: {law: constant, covariance: 1}}\n", message, sizeof message);
  CHECK_HAS(message, "levy of a process has the process's own noise");
}

static void others(void) {
  check_says(QUADRATIC, SGD "label_noise: 1", "the model needs data");
  check_says(ROWS, SGD "label_noise: 1, input_noise: 0.5", "");
  check_says(ROWS "\nnoise: gaussian-fast", SGD "label_noise: 1", "run 'sgd': input_noise and label_noise are not made from noise gaussian-fast");
  check_says(ROWS "\nnoise: gaussian-fast", SGD "input_noise: 1", "are not made from noise gaussian-fast");
  check_says(ROWS "\nnoise: gaussian-fast", SGD "momentum: 0", "");
  check_says(ROWS, SGD "sampling: shuffle, batch_schedule: {kind: step, period: 2, gamma: 2}", "counts epochs by a constant batch");
  check_says(ROWS, SGD "batch_schedule: {kind: cosine}", "'dynamics.batch_schedule' of kind cosine needs 'period'");
  check_says(ROWS, "name: sgd, batch_size: 2147483647, batch_schedule: {kind: step, period: 1, gamma: 2}", "samples a step are too many");
  check_says(ROWS, "name: smf2, factor: symmetric-root", "no root of the covariance at one point has its law at two");
  check_says(ROWS, "name: smf2, gradient_noise: gaussian-decoupled", "is that of the samples; gradient_noise allows");
  check_says(ROWS, "name: smf2, factor: nodes, nodes: 1", "'dynamics.nodes' = 1");
  check_says(QUADRATIC, "name: smf1, factor: nodes", "factor nodes draws fresh samples");
  check_says(QUADRATIC, "name: smf1", "");
}

static void rows(void) {
  check_says("{name: linear-regression, rows: [[1, 2], [1]]}", "name: gradient-flow", "this row has 1 number; rows have the inputs");
  check_says("{name: linear-regression, rows: []}", "name: gradient-flow", "'model.rows' needs at least one row");
  check_says("{name: linear-regression, rows: [[1, 2]], data: x.h5}", "name: gradient-flow", "exclude each other");
  check_says("{name: linear-regression, rows: [[1, 2]], inputs: X}", "name: gradient-flow", "'model.inputs' is not for");
  check_says("{name: linear-regression, rows: [[1, 2], [1, 3]]}", "name: gradient-flow", "column 0 of 'model.rows' is constant");
  check_says("{name: quadratic, rows: [[1, 2]]}", "name: gradient-flow", "'model.rows' is not for 'quadratic'");
  check_says("{name: linear-regression}", "name: gradient-flow", "needs a data file, or 'model.rows'");
  check_says("{name: sample-sine, rows: [[1, 2]], standardize: true}", "name: gradient-flow",
             "'model.standardize' is not for 'sample-sine', whose rows are coefficients of the loss");
  check_says("{name: sample-sine, rows: [[1, 2, 3]]}", "name: gradient-flow", "at most 1 dimension");
  check_says("{name: sample-quadratic, rows: [[1, 2], [0, 1]]}", "name: smf2", "");
}

int main(void) {
  laws();
  equations();
  others();
  rows();
  return check_report();
}
