/* Statistics of paths, joint histograms and exits that cannot be: every refusal with its place and reason, and what is taken. */
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

/* An empty fragment: the study is taken. */
static void check_says(const char *points, const char *at, const char *path, const char *fragment) {
  char text[900], message[2000];
  (void)snprintf(text, sizeof text,
                 "seed: 1\nmodel: ornstein-uhlenbeck\nrealisations: 100\ntime_step: 1/8\nsteps: 64\n"
                 "dynamics: {name: sde, scheme: exact}\nstart: {points: %s}\nobserve:\n  at: {steps: %s}\n  features: [x]\n"
                 "  paths: {%s}\n",
                 points, at, path);
  message_of(text, message, sizeof message);
  if (fragment[0] == 0) {
    CHECK_TEXT(message, "");
  } else {
    CHECK_HAS(message, fragment);
  }
}

#define ONE "[[1]]"
#define TWO "[[1], [2]]"
#define FIVE "[[1], [2], [3], [4], [5]]"
#define SEVENTEEN "[[1], [2], [3], [4], [5], [6], [7], [8], [9], [10], [11], [12], [13], [14], [15], [16], [17]]"
#define FEW "[8, 16, 64]"

static void points(void) {
  check_says(TWO, FEW, "statistic: m-point", "");
  check_says(TWO, FEW, "statistic: m-point, feature: x1", "there is no x1: the dimension is 1");
  check_says(TWO, FEW, "statistic: m-point, with: norm2", "t.yaml:11:31: error: 'observe.paths.with' is a key of product and time-average only");
  check_says(TWO, "{linear: 64}", "statistic: m-point", "");
  check_says(FIVE, "{linear: 64}", "statistic: m-point", "");
  check_says(SEVENTEEN, "{linear: 64}", "statistic: m-point", "has 1088 values (64 lags x 17 powers); at most 1024 are allowed, 60 lags would fit");
  check_says(TWO, FEW, "statistic: product, with: norm", "'observe.paths.with' = 'norm' is not known; allowed: norm2, loss");
  check_says(TWO, FEW, "statistic: product, with: norm2, origin: 16", "");
  check_says(TWO, FEW, "statistic: product, with: x7", "there is no x7");
  check_says(TWO, FEW, "statistic: product, origin: 24", "is no observed step of run 'sde'; the nearest one is 16");
  check_says(TWO, "{linear: 64}", "statistic: product", "has 768 values (64 lags x 12 powers); at most 512 are allowed, 42 lags would fit");
  check_says(TWO, FEW, "statistic: distance", "");
  check_says(ONE, FEW, "statistic: distance", "is of distances between points, and there is one point");
  check_says(TWO, FEW, "statistic: distance, feature: x0", "is a key of two-time, m-point, product, characteristic, tail, time-average and correlator only");
  check_says(TWO, FEW, "statistic: distance, powers: [2, 1]", "'observe.paths.powers' must increase");
}

static void waves(void) {
  check_says(TWO, FEW, "statistic: characteristic, arguments: [-1, 1]", "");
  check_says(ONE, FEW, "statistic: characteristic", "path statistic 'characteristic' needs 'arguments', the u of E exp(i u f)");
  check_says(ONE, FEW, "statistic: characteristic, arguments: [1, 1]", "'observe.paths.arguments' must increase: 1 follows 1");
  check_says(ONE, FEW, "statistic: characteristic, arguments: 1e7", "'observe.paths.arguments' = 1e7");
  check_says(ONE, FEW, "statistic: msd, arguments: [1]", "'observe.paths.arguments' is a key of characteristic only");
}

static void tails(void) {
  check_says(TWO, FEW, "statistic: tail, side: upper, largest: 10000", "");
  check_says(ONE, FEW, "statistic: tail, largest: 10001", "'observe.paths.largest' = 10001");
  check_says(ONE, FEW, "statistic: tail, side: top", "'observe.paths.side' = 'top' is not known");
  check_says(ONE, FEW, "statistic: msd, side: upper", "'observe.paths.side' is a key of tail only");
  check_says(ONE, FEW, "statistic: tail, origin: 9", "is no observed step of run 'sde'; the nearest one is 8");
}

static void streams(void) {
  check_says(TWO, FEW, "statistic: time-average, every: 3, from: 1, to: 8", "");
  check_says(ONE, FEW, "statistic: time-average, with: norm2", "");
  check_says(ONE, FEW, "statistic: correlator, with: norm2", "'observe.paths.with' is a key of product and time-average only");
  check_says(ONE, FEW, "statistic: correlator-msd, feature: x0", "'observe.paths.feature' is a key of");
  check_says(ONE, FEW, "statistic: time-average, combine: ratio", "'combine: ratio' of path statistic 'time_average' needs 'with'");
  check_says(ONE, FEW, "statistic: correlator, combine: ratio", "'observe.paths.combine' is a key of time-average only");
  check_says(ONE, FEW, "statistic: time-average, combine: sum", "'observe.paths.combine' = 'sum' is not known");
  check_says(ONE, FEW, "statistic: time-average, values: 8", "'observe.paths.values' is a key of correlator and correlator-msd only");
  check_says(ONE, FEW, "statistic: msd, every: 2", "'observe.paths.every' is a key of time-average, correlator and correlator-msd only");
  check_says(ONE, FEW, "statistic: correlator, values: 5", "'observe.paths.values' = 5 must be even");
  check_says(ONE, FEW, "statistic: correlator, values: 66", "'observe.paths.values' = 66");
  check_says(ONE, FEW, "statistic: correlator, every: 0", "'observe.paths.every' = 0");
  check_says(ONE, FEW, "statistic: correlator, from: 2, to: 1", "the window of path statistic 'correlator' is empty: from 2 to 1");
  check_says(ONE, FEW, "statistic: correlator, from: 1/3", "window 0.333333333333 is not a whole number of steps");
  check_says(ONE, FEW, "statistic: correlator, every: 5", "holds 12 samples of run 'sde', whose last observation is at step 64; at least 16");
  check_says(ONE, "[8, 16, 32]", "statistic: correlator, to: 8", "steps 0 to 64, holds 0 samples of run 'sde', whose last observation is at step 32");
  check_says(ONE, FEW, "statistic: time-average, feature: x1", "there is no x1: the dimension is 1");
  check_says(ONE, FEW, "statistic: velocity, histogram: true", "'observe.paths.histogram' is a key of msd, moments, time-averaged-msd and correlator-msd only");
  check_says(ONE, "{linear: 64}", "statistic: moments, powers: [1, 2], histogram: true", "has 128 values (lags x powers), and at most 64 can have histograms");
  check_says(ONE, FEW, "statistic: msd, histogram: true}\nanalyse: {quantiles: {of: msd}", "");
  check_says(ONE, FEW, "statistic: msd, histogram: true}\nanalyse: {quantiles: {}", "");
  check_says(ONE, FEW, "statistic: msd}\nanalyse: {quantiles: {of: msd}", "is not the name of one of 'observe.histograms', or of 'observe.paths' with a histogram");
  check_says(ONE, FEW, "statistic: msd, histogram: true}\n  histograms: {feature: x}\nanalyse: {quantiles: {of: loss}", "with a histogram; there are: msd, x");
}

/* A name that an analysis is of: what there is, or the one that was meant. */
static void names(void) {
  check_says(ONE, FEW, "statistic: time-averaged-msd, lags: [8]}\nanalyse: {diffusion: {of: time-averaged-msd}",
             "'analyse.diffusion.of' = 'time-averaged-msd' is not the name of one of 'observe.paths'; did you mean 'time_averaged_msd'?");
  check_says(ONE, FEW, "statistic: msd}\nanalyse: {diffusion: {of: walk}", "'walk' is not the name of one of 'observe.paths'; there are: msd");
  check_says(ONE, FEW,
             "statistic: msd}\n  monitors: [{name: up, feature: x0, operation: crossing, level: 1, exit: door}, {name: down, feature: x0, "
             "operation: crossing, level: -1, exit: door}, {name: top, feature: norm2, operation: maximum}]\nanalyse: {escape: {of: elsewhere}",
             "'elsewhere' is not the name of one of 'observe.monitors', nor of an exit; there are: up, down, door");
  check_says(TWO, FEW, "statistic: distance, powers: [0, 1]}\nanalyse: {flow: {of: gap}", "'gap' is not the name of one of 'observe.paths'; there are: distance");
  check_says(TWO, FEW, "statistic: distance, powers: [0, 1]}\nanalyse: {flow: {reference: euler}", "'euler' is not the label of a dynamics; there are: sde");
  check_says(TWO, FEW, "statistic: distance, powers: [1]}\nanalyse: {flow: {of: distance}", "0 among its powers, which is not distance");
  check_says(ONE, "[8]", "statistic: velocity", "needs at least two equidistant observations");
  check_says("[[1], [2], [1]]", FEW, "statistic: distance, powers: [0, 1]",
             "points 0 and 2 start at one place, which one noise never parts: no realisation would count");
  check_says("[[1], [2], [1]]", FEW, "statistic: distance, powers: [1]", "");
}

/* The trace of the gradient's covariance needs a model that has one. */
static void noise_trace(void) {
  check_says(ONE, FEW, "statistic: time-average, feature: noise_trace", "'ornstein-uhlenbeck' is a process: it has no 'noise_trace'");
}

static void joints(void) {
#define AND(text) "statistic: msd}\n  histograms: [{feature: x0, bins: 600}, {feature: x}]\n  joint_histograms: {" text
  check_says(ONE, FEW, "statistic: msd}\n  histograms: [{feature: x0}, {feature: norm2}]\n  joint_histograms: {of: x0, with: loss",
             "is not among 'observe.features'");
  check_says(ONE, FEW, AND("of: x0, with: x1"), "there is no histogram 'x1' to count together with another");
  check_says(ONE, FEW, AND("of: x0, with: x0"), "'x0' and 'x0' are the same histogram");
  check_says(ONE, FEW, AND("of: x0"), "missing required key 'observe.joint_histograms.with'");
#undef AND
}

static void exits(void) {
#define TWO_OF(first, second)                                                                                                     \
  "statistic: msd}\n  monitors: [{name: a, feature: x0, operation: crossing, level: 2, " first "},\n"                              \
  "             {name: b, feature: x0, operation: " second "}]\n  keep: {realisations: 1"
  check_says(ONE, FEW, TWO_OF("exit: door", "crossing, level: 0, exit: door"), "");
  check_says(ONE, FEW, TWO_OF("direction: up, noise: 1", "mean"), "");
  check_says(ONE, FEW, TWO_OF("noise: 1", "mean"), "shifts the level towards the start: 'direction' must be up or down");
  check_says(ONE, FEW, TWO_OF("exit: door", "mean, exit: door"), "'observe.monitors.exit' is a key of crossing only");
  check_says(ONE, FEW, TWO_OF("exit: x", "mean"), "the monitor name 'x' is taken by another variable");
  check_says(ONE, FEW, TWO_OF("exit: door", "mean") "}\n  histograms: {feature: a_time, bins: 4", "");
  check_says(ONE, FEW, TWO_OF("exit: door", "mean") "}\n  histograms: {feature: door_time, bins: 4", "");
  check_says(ONE, FEW, TWO_OF("exit: door", "mean") "}\n  histograms: {feature: b_time, bins: 4", "'b_time' is not known");
  check_says(ONE, FEW, TWO_OF("exit: b", "mean"), "'b' is the exit of another monitor already");
  check_says(ONE, FEW, TWO_OF("exit: a_first", "mean"), "must not end in '_first'");
  check_says(ONE, FEW, TWO_OF("direction: up, noise: 0", "mean"), "'observe.monitors.noise' = 0");
#undef TWO_OF
}

int main(void) {
  exits();
  joints();
  points();
  waves();
  tails();
  streams();
  noise_trace();
  names();
  return check_report();
}
