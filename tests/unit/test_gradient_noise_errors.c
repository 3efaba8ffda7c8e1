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
  others();
  rows();
  return check_report();
}
