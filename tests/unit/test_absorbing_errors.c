/* What absorbing crossings rule out: every refusal with its place and reason, and that the same study without them, or beside
   what they leave alone, is good. */
#include "check.h"
#include "plan/plan.h"

/* Parse and plan; says: part of the message of the failure, or NULL: there is none. */
static void check_text(const char *text, const char *says) {
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  eg_plan *plan = NULL;
  eg_status status = eg_study_parse(ctx, "t.yaml", text, strlen(text), NULL, 0, &study);
  if (status == EG_OK) {
    status = eg_plan_create(ctx, study, &plan);
  }
  CHECK(status == (says == NULL ? EG_OK : EG_ERR_STUDY));
  const char *const message = status == EG_OK ? "" : eg_context_message(ctx);
  if (says == NULL) {
    CHECK_TEXT(message, "");
  } else {
    CHECK_HAS(message, says);
  }
  eg_plan_free(plan);
  eg_study_free(study);
  eg_context_free(ctx);
}

#define HEAD(dynamics, monitors)                                                                             \
  "seed: 1\nmodel: {name: quadratic, curvature: [1, 2], noise: 1}\nstart: {point: [0, 0]}\nlearning_rate: 1/8\nsteps: 16\n" \
  "realisations: 100\ndynamics: " dynamics "\nobserve:\n  at: {linear: 2}\n"                                \
  "  features: [x, loss, norm2, gradient_norm2, noise_trace]\n  monitors: " monitors "\n"
#define SGD   "{name: sgd, batch_size: 1}"
#define UP    "name: up, feature: x0, operation: crossing, level: 1, direction: up"
#define DOWN  "name: down, feature: x0, operation: crossing, level: -1, direction: down"
#define ABSORBS ", absorbing: true}"

/* Refused with the crossing, good without. */
static void check_both(const char *with, const char *without, const char *says) {
  check_text(with, says);
  check_text(without, NULL);
}
#define CHECK_BOTH(dynamics, rest, says) check_both(HEAD(dynamics, "[{" UP ABSORBS "]") rest, HEAD(dynamics, "[{" UP "}]") rest, says)

static void monitors(void) {
  check_text(HEAD(SGD, "{name: a, feature: x0, operation: maximum, absorbing: true}"), "'observe.monitors.absorbing' is a key of crossing only");
  check_text(HEAD(SGD, "[{" UP ABSORBS ", {name: b, feature: x0, operation: mean, from: 1/8}]"),
             "t.yaml:11:102: error: monitor 'b' is a mean from 0.125 on, and an absorbing crossing may stop a trajectory before");
  check_text(HEAD(SGD, "[{" UP ABSORBS ", {name: b, feature: x0, operation: mean}]"), NULL);
}

static void analyses(void) {
  CHECK_BOTH(SGD, "analyse: [stationary: {}]\n", "t.yaml:12:11: error: 'analyse.stationary' cannot be used with absorbing crossings");
  CHECK_BOTH(SGD, "analyse: [scaling-rule: {}]\n", "t.yaml:12:11: error: 'analyse.scaling-rule' cannot be used with absorbing crossings");
  CHECK_BOTH(SGD, "splitting: {feature: x0, low: 0.1, high: 0.5}\n", "cannot be split: an absorbing crossing stops its trajectories");
  CHECK_BOTH("{name: sde, scheme: euler-maruyama}",
             "sweep: {substeps: [1, 2, 4]}\nanalyse: [weak-error: {reference: exact, over: substeps, features: [norm2]}]\n",
             "reference exact: the oracles are of processes that never stop");
  check_text(HEAD("[{name: sde, label: a}, {name: sde, label: b}, {name: sde, label: c}]", "{" UP ABSORBS)
             "sweep: {substeps: [1, 2, 4]}\nanalyse: [weak-error: {reference: a, over: substeps, richardson: {coarse: b, order: 1}}]\n",
             "'analyse.weak-error.richardson' cannot be used with absorbing crossings");
}

static void points_that_move_together(void) {
#define FLOW(end)                                                                                            \
  "seed: 1\nmodel: {name: quadratic, curvature: [1, 2], noise: 1}\nstart: {points: [[0, 0], [1, 0]]}\nlearning_rate: 1/8\nsteps: 16\n" \
  "realisations: 100\ndynamics: " SGD "\nobserve:\n  at: {linear: 2}\n  features: [x]\n  paths: [{statistic: distance, powers: [0]}]\n" \
  "  monitors: {" UP end "\nanalyse: [flow: {}]\n"
  check_both(FLOW(ABSORBS), FLOW("}"), "t.yaml:13:11: error: 'analyse.flow' cannot be used with absorbing crossings");
}

static void extrapolation(void) {
#define GROUP                                                                                                \
  "sweep: {substeps: [1, 2]}\ngroups: [{label: g, members: sde, across: substeps, extrapolate: 1}]\n"
  CHECK_BOTH("{name: sde, scheme: euler-maruyama}", GROUP,
             "t.yaml:13:18: error: 'groups.extrapolate' cannot be used with absorbing crossings");
}

/* Times that end at another exit; those of the exits that absorb, together or alone, are good. */
static void quantiles(void) {
#define TIMES(histogram, first, second)                                                                      \
  "seed: 1\nmodel: {name: quadratic, curvature: [1, 2], noise: 1}\nstart: {point: [0, 0]}\nlearning_rate: 1/8\nsteps: 16\n" \
  "realisations: 100\ndynamics: " SGD "\nobserve:\n  at: {linear: 2}\n  features: [x]\n"                     \
  "  histograms: [{feature: " histogram ", bins: 8, low: 0, high: 2}]\n  monitors: [{" UP first "}, {" DOWN second "}]\n" \
  "analyse: [quantiles: {}]\n"
  check_text(TIMES("up_time", "", ", absorbing: true"),
             "t.yaml:13:11: error: 'analyse.quantiles' of 'up_time': the absorbing crossing 'down' ends these times too");
  check_text(TIMES("up_time", ", absorbing: true, exit: door", ", absorbing: true, exit: door"), "ends these times too");
  check_text(TIMES("door_time", ", exit: door", ", absorbing: true"), "ends these times too");
  check_text(TIMES("up_time", ", absorbing: true", ""), NULL);
  check_text(TIMES("up_time", "", ""), NULL);
  check_text(TIMES("door_time", ", absorbing: true, exit: door", ", absorbing: true, exit: door"), NULL);
  check_text(TIMES("x", "", ", absorbing: true"), NULL);
}

int main(void) {
  monitors();
  analyses();
  points_that_move_together();
  extrapolation();
  quantiles();
  return check_report();
}
