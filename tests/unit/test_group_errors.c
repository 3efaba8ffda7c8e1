/* Groups that cannot be: every refusal with its place and reason, from the study alone and from the plan. */
#include <unistd.h>

#include "check.h"
#include "plan/plan.h"
#include "write_rows.h"

#define HEAD                                                                                                 \
  "seed: 1\n"                                                                                                \
  "model: {name: quadratic, curvature: [1, 2]}\n"                                                            \
  "realisations: 100\n"                                                                                      \
  "dynamics:\n"                                                                                              \
  "  - {name: sde, label: coarse}\n"                                                                         \
  "  - {name: sde, label: fine, substeps: 2}\n"                                                              \
  "  - {name: sde, label: third, substeps: 3}\n"                                                             \
  "  - {name: sgd, batch_size: 2}\n"                                                                         \
  "  - {name: sme2, batch_size: 2, factor: data}\n"                                                          \
  "  - gradient-flow\n"
#define TIMES "learning_rate: 1/8\nhorizon: 1\nobserve: {at: {linear: 2}, features: [x]}\n"

/* Parse and plan; the message of the first failure, or "" (then the plan was made). */
static void message_of(const char *name, const char *text, char *out, size_t size) {
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  eg_plan *plan = NULL;
  eg_status status = eg_study_parse(ctx, name, text, strlen(text), NULL, 0, &study);
  if (status == EG_OK) {
    status = eg_plan_create(ctx, study, &plan);
  }
  CHECK(status == EG_OK || status == EG_ERR_STUDY);
  (void)snprintf(out, size, "%s", status == EG_OK ? "" : eg_context_message(ctx));
  eg_plan_free(plan);
  eg_study_free(study);
  eg_context_free(ctx);
}

static void check_says(const char *text, const char *fragment) {
  char message[2000];
  message_of("t.yaml", text, message, sizeof message);
  CHECK_HAS(message, fragment);
}

static void check_good(const char *text) {
  char message[2000];
  message_of("t.yaml", text, message, sizeof message);
  CHECK_TEXT(message, "");
}

static void from_the_study(void) {
  check_says(HEAD TIMES "groups: [{label: g, members: [coarse, fne]}]\n",
             "t.yaml:14:39: error: 'groups.members': 'fne' is not the label of a dynamics; did you mean 'fine'? allowed: "
             "coarse, fine, third, sgd, sme2, gradient-flow");
  check_says(HEAD TIMES "groups: [{label: g, members: [coarse]}]\n",
             "t.yaml:14:30: error: a group needs at least 2 members, or 'across' with one");
  check_says(HEAD TIMES "groups: [{label: g, members: []}]\n", "a group needs at least 2 members");
  check_says(HEAD TIMES "groups: [{label: g, members: [coarse, coarse]}]\n",
             "t.yaml:14:39: error: 'coarse' is already a member of the group 'g'; a run has one noise");
  check_says(HEAD TIMES "groups:\n  - {label: g, members: [coarse, fine]}\n  - {label: h, members: [third, fine]}\n",
             "t.yaml:16:33: error: 'fine' is already a member of the group 'g'");
  check_says(HEAD TIMES "groups:\n  - {label: g, members: [coarse, fine]}\n  - {label: g, members: [third, sgd]}\n",
             "t.yaml:16:13: error: the label 'g' of a group is used twice");
  check_says(HEAD TIMES "groups: [{members: [coarse, fine]}]\n", "missing required key 'groups.label'");
  check_says(HEAD TIMES "groups: [{label: g}]\n", "missing required key 'groups.members'");
  check_says(HEAD TIMES "groups: [{label: exact, members: [coarse, fine]}]\n", "'groups.label' = 'exact': 1 to 64");
  check_says(HEAD TIMES "groups: [{label: g, member: [coarse, fine]}]\n", "did you mean 'groups.members'?");
  check_says(HEAD TIMES "groups: [{label: g, members: [[coarse], fine]}]\n", "'groups.members' must be text");
  check_says(HEAD TIMES "groups: g\n", "'groups' must be");
  check_says(HEAD TIMES "groups: [g]\n", "'groups' must be");
  check_says(HEAD TIMES "noise: common\ngroups: [{label: g, members: [coarse, fine]}]\n",
             "t.yaml:15:1: error: 'groups' and 'noise: common' exclude each other");
  check_says(HEAD TIMES "groups: [{label: g, members: coarse, across: batch_size}]\n",
             "'groups.across' = 'batch_size' is not known; allowed: learning_rate, time_step, substeps");
  check_says(HEAD TIMES "groups: [{label: g, members: coarse, across: learning_rate}]\n",
             "t.yaml:14:46: error: 'groups.across: learning_rate' needs 'sweep.learning_rate' with at least 2 values");
  check_says(HEAD "sweep: {learning_rate: [1/8, 1/4]}\nhorizon: 1\nobserve: {at: {linear: 2}, features: [x]}\n"
                  "groups: [{label: g, members: [coarse, fine], across: learning_rate}]\n",
             "a group across the values of a sweep has one member, not 2");
}

static void from_the_plan(void) {
  check_good(HEAD TIMES "groups: [{label: g, members: [coarse, fine]}, {label: h, members: [sgd, sme2]}]\n");
  check_says(HEAD TIMES "groups: [{label: g, members: [fine, third]}]\n",
             "t.yaml:14:18: error: group 'g': runs 'fine' and 'third' have steps whose ratio is not a whole number");
  check_says(HEAD TIMES "noise: table5\ngroups: [{label: g, members: [coarse, fine]}]\n",
             "t.yaml:15:18: error: group 'g': runs 'coarse' and 'fine' have different steps, and a sum of increments has "
             "the law of one increment only for Gaussian noise; allowed kinds: gaussian, gaussian64");
  check_says(HEAD TIMES "noise: gaussian-fast\ngroups: [{label: g, members: [sgd, sme2]}]\n",
             "t.yaml:15:18: error: groups exist for noise that the CPU makes too, which gaussian-fast is not; use gaussian");
  check_good(HEAD TIMES "noise: table5\ngroups: [{label: g, members: [sgd, sme2]}]\n"); /* equal steps */
  check_says(HEAD TIMES "groups: [{label: g, members: [sgd, coarse]}]\n",
             "take different draws and cannot share noise: 2 increments a step, one for each ");
  check_says(HEAD TIMES "groups: [{label: g, members: [coarse, gradient-flow]}]\n",
             "run 'gradient-flow' has no noise and a fixed start, so there is nothing to share");
  check_good(HEAD TIMES "start: {normal: {}}\ngroups: [{label: g, members: [coarse, gradient-flow]}]\n");
  check_says(HEAD "sweep: {learning_rate: [1/8, 1/4]}\nsteps: 8\nobserve: {at: {steps: [8]}, features: [x]}\n"
                  "groups: [{label: g, members: coarse, across: learning_rate}]\n",
             "are observed at different times; observe at times");
  check_says(HEAD "sweep: {learning_rate: [1/8, 1/12]}\nhorizon: 1\nobserve: {at: [1], features: [x]}\n"
                  "groups: [{label: g, members: coarse, across: learning_rate}]\n",
             "group 'g': runs 'coarse learning_rate=0.125' and 'coarse learning_rate=0.083333333333333329' have steps whose "
             "ratio is not a whole number up to 2^20");
  check_says("seed: 1\nmodel: quadratic\nrealisations: 100\n" TIMES "sweep: {batch_size: [1, 2]}\n"
             "dynamics: [{name: sde, label: a}, {name: sme1, factor: cholesky}]\n"
             "groups: [{label: g, members: [a, sme1]}]\n",
             "group 'g': 'a' has no batch_size, which is swept for 'sme1', so its runs would belong to several groups");
}

static void from_weak_errors(void) {
  const char *const head = HEAD "sweep: {learning_rate: [1/8, 1/16, 1/32]}\nhorizon: 1\n"
                                "observe: {at: {linear: 2}, features: [x]}\n";
  char text[2000];
  (void)snprintf(text, sizeof text, "%sgroups: [{label: g, members: fine, across: learning_rate}]\n"
                                    "analyse: [{weak-error: {reference: sgd}}]\n", head);
  check_says(text, "t.yaml:15:12: error: weak-error takes errors at different learning rates as independent, and group "
                   "'g' lets them share noise");
  (void)snprintf(text, sizeof text, "%sgroups: [{label: g, members: [coarse, third, fine]}]\n"
                                    "analyse: [{weak-error: {reference: third}}]\n", head);
  check_says(text, "ratio is not a whole number"); /* third against fine: before anything else */
}

/* A reference that is extrapolated: two runs of one law, different steps, at every step of the sweep. */
static void extrapolated_references(void) {
#define RICHARDSON(dynamics, sweep, rest)                                                                                                \
  "seed: 1\nmodel: quadratic\nrealisations: 100\nhorizon: 1\nobserve: {at: {linear: 2}, features: [x]}\nsweep: {" sweep "}\n"           \
  "dynamics: [{name: sgd, batch_size: 2}, {name: sme2, batch_size: 2, label: fine, substeps: 4}, {name: sme1, batch_size: 2, label: other, substeps: 2}, " dynamics "]\n"             \
  "analyse: [{weak-error: {reference: " rest "}}]\n"
#define RATES "learning_rate: [1/8, 1/16, 1/32]"
#define COARSE "{name: sme2, batch_size: 2, label: coarse, substeps: 2}"
  check_good(RICHARDSON(COARSE, RATES, "fine, richardson: {coarse: coarse, order: 1}"));
  check_says(RICHARDSON(COARSE, RATES, "exact, richardson: {coarse: coarse, order: 1}"),
             "'analyse.weak-error.richardson' extrapolates a run: 'reference' must be the label of the dynamics with the shorter steps");
  check_says(RICHARDSON(COARSE, RATES, "fine, richardson: {coarse: coarze, order: 1}"),
             "'analyse.weak-error.richardson.coarse' = 'coarze' is not the label of a dynamics; did you mean 'coarse'?");
  check_says(RICHARDSON(COARSE, RATES, "fine, richardson: {coarse: fine, order: 1}"), "'fine' is both 'reference' and 'coarse'");
  check_says(RICHARDSON(COARSE, RATES, "fine, richardson: {coarse: coarse}"), "'analyse.weak-error.richardson.order'");
  check_says(RICHARDSON(COARSE, RATES, "fine, richardson: {coarse: coarse, order: 1.5}"), "'analyse.weak-error.richardson.order'");
  check_says(RICHARDSON(COARSE, RATES, "fine, richardson: {coarse: other, order: 1}"),
             "richardson: runs 'other learning_rate=0.125' and 'fine learning_rate=0.125' must differ in their substeps alone");
  check_says(RICHARDSON(COARSE, RATES, "coarse, richardson: {coarse: fine, order: 1}"),
             "richardson: the steps of 'fine learning_rate=0.125', 0.03125, must be longer than those of the reference "
             "'coarse learning_rate=0.125', 0.0625");
  check_says("seed: 1\nmodel: quadratic\nrealisations: 100\nlearning_rate: 1/8\nhorizon: 1\nobserve: {at: {linear: 2}, features: [x]}\n"
             "sweep: {substeps: [1, 2, 4]}\ndynamics: [{name: sde, label: a, scheme: strang}, {name: sde, label: b}, {name: sde, label: c}]\n"
             "analyse: [{weak-error: {reference: b, over: substeps, richardson: {coarse: c, order: 1}}}]\n",
             "richardson takes errors at different steps as independent, and over: substeps would give all of them one reference");
}

static void differences_to_the_last(void) {
  const char *const head = "seed: 1\nmodel: quadratic\nrealisations: 100\nsweep: {learning_rate: [1/8, 1/16, 1/32]}\n"
                           "horizon: 1\nobserve: {at: {linear: 2}, features: [x]}\ndynamics:\n  - {name: sde, label: a}\n"
                           "  - {name: sde, label: b, scheme: strang}\n  - {name: sde, label: c, substeps: 2}\n"
                           "groups: [{label: g, members: [a, b, c]}]\n";
  char text[2000];
  (void)snprintf(text, sizeof text, "%sanalyse: [{weak-error: {reference: b}}]\n", head);
  check_says(text, "t.yaml:12:36: error: runs 'a learning_rate=0.125' and 'b learning_rate=0.125' share noise, but group 'g' "
                   "keeps no difference of the two; a group keeps the differences to its last member: make 'b' the last");
  (void)snprintf(text, sizeof text, "%sanalyse: [{weak-error: {reference: c}}]\n", head);
  check_good(text);
}

/* Rows: equal draws and equal steps only. */
static void rows_are_not_summed(void) {
  static const double inputs[3] = {1, -0.5, 0.25}, target[3] = {1, 0, -1};
  char folder[] = "/tmp/ensgrad-test-XXXXXX", path[64], name[64], text[1000], message[2000];
  const char *const head = "seed: 1\nmodel: {name: linear-regression, data: rows.h5, standardize: false}\n"
                           "realisations: 100\n" TIMES "dynamics:\n  - {name: sgd, batch_size: 2}\n"
                           "  - {name: sme1, factor: pair, label: order1}\n  - {name: sme2, factor: pair, label: order2}\n"
                           "  - {name: sme2, factor: pair, substeps: 2, label: fine}\n"
                           "  - {name: sme2, factor: data, label: data}\n";
  static const char *const members[4] = {"order1, order2", "order2, fine", "sgd, order1", "order1, data"};
  static const char *const want[4] = {"", "rows cannot be summed as increments are",
                                      "2 data rows a step, the difference of two; 2 data rows a step, added up",
                                      "one increment for each of 3 data rows; 2 data rows a step, the difference of two"};
  CHECK(mkdtemp(folder) != NULL);
  (void)snprintf(path, sizeof path, "%s/rows.h5", folder);
  (void)snprintf(name, sizeof name, "%s/t.yaml", folder);
  CHECK(write_rows(path, 3, 1, inputs, target));
  for (int i = 0; i < 4; i++) {
    (void)snprintf(text, sizeof text, "%sgroups: [{label: g, members: [%s]}]\n", head, members[i]);
    message_of(name, text, message, sizeof message);
    CHECK_HAS(message, want[i]);
    CHECK((message[0] == '\0') == (i == 0));
  }
  (void)unlink(path);
  (void)rmdir(folder);
}

int main(void) {
  from_the_study();
  from_the_plan();
  from_weak_errors();
  differences_to_the_last();
  extrapolated_references();
  rows_are_not_summed();
  return check_report();
}
