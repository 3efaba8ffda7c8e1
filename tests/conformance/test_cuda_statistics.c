/*
 * Statistics that a CUDA device makes beside moments and histograms: those of paths, of every form, joint histograms, and
 * entries with times of their own, streamed statistics, the trace of the gradient noise's covariance; for full and partly filled tiles, several points, lost trajectories and products that overflow. Nodes, counts and lists have the bits of the CPU, and on
 * a device that is played, one whose statistics are wrong is noticed. Without a GPU: skipped (77).
 */
#include <unistd.h>

#include "cuda_bits.h"
#include "write_rows.h"

static char data_path[64];

enum { ROWS = 37, COLUMNS = 3 };

static void write_data(void) {
  double inputs[ROWS * COLUMNS], target[ROWS];
  for (int j = 0; j < ROWS; j++) {
    for (int k = 0; k < COLUMNS; k++) {
      inputs[j * COLUMNS + k] = (double)((j * (7 + 4 * k) + 5 * k * k) % 29) / 16.0 - 0.9;
    }
    target[j] = (double)(j * 11 % 23) / 8.0 - 1.3;
  }
  (void)snprintf(data_path, sizeof data_path, "%s/three.h5", folder);
  MUST(write_rows(data_path, ROWS, COLUMNS, inputs, target), "data file");
}

#define OBSERVE "observe:\n  at: {steps: [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40]}\n  features: [x, norm2]\n"
#define INCREMENTS                                                                                           \
  OBSERVE "  paths:\n    - {statistic: msd}\n    - {statistic: msd, name: aged, origin: 8}\n" \
          "    - {statistic: moments, powers: [0.5, 1, 4]}\n    - {statistic: velocity, lags: [0, 4, 8]}\n" \
          "    - {statistic: time-averaged-msd, lags: [4, 12], histogram: true}\n    - {statistic: two-time, feature: norm2}\n"
#define TOGETHER                                                                                             \
  OBSERVE "  keep: {realisations: 70}\n  histograms: {feature: norm2, low: 0, high: 4}\n  paths:\n    - {statistic: m-point}\n" \
          "    - {statistic: product, feature: x0, with: norm2, origin: 24}\n    - {statistic: distance, powers: [0, 0.5, 2, 4]}\n" \
          "    - {statistic: characteristic, name: wave, arguments: [-1.75, 1]}\n"                             \
          "    - {statistic: tail, feature: x0, side: lower, largest: 300, origin: 24}\n    - {statistic: tail, name: far, feature: norm2, largest: 100}\n"

static char wide_path[64];

/* More pairs of features than a grid has blocks in one direction. */
enum { WIDE_ROWS = 6, WIDE_COLUMNS = 400 };

static void write_wide(void) {
  static double inputs[WIDE_ROWS * WIDE_COLUMNS], target[WIDE_ROWS];
  for (int i = 0; i < WIDE_ROWS * WIDE_COLUMNS; i++) {
    inputs[i] = (double)(i * 17 % 31) / 16.0 - 0.9;
  }
  for (int j = 0; j < WIDE_ROWS; j++) {
    target[j] = (double)(j * 11 % 23) / 8.0 - 1.3;
  }
  (void)snprintf(wide_path, sizeof wide_path, "%s/wide.h5", folder);
  MUST(write_rows(wide_path, WIDE_ROWS, WIDE_COLUMNS, inputs, target), "data file");
}

static const char wide_rows[] = "model: {name: linear-regression, data: wide.h5, ridge: 0.05, standardize: false}\nform: team\n"
                                "learning_rate: 1/1024\nsteps: 4\nstart: {normal: {mean: 0, std: 1}}\ndynamics: {name: sgd, batch_size: 1}\n";

/* Its covariance is a product of matrices. */
#define WIDE "observe:\n  at: {steps: {linear: 40}}\n  features: [x]\n  paths: {statistic: m-point, feature: norm2}\n"

static const char plane[] = "model: {name: quadratic, curvature: [1, 0.5, 2], noise: [0.5, 0.25, 1]}\nlearning_rate: 1/16\n"
                            "steps: 40\nstart: {points: [[0.5, -1, 0.25], [1, 1, -1]]}\ndynamics: {name: sgd, batch_size: 2}\n";
static const char rows[] = "model: {name: linear-regression, data: three.h5, ridge: 0.05}\nlearning_rate: 1/16\nsteps: 40\n"
                           "start: {points: [[0.5, -1, 0.25], [1, 1, -1]]}\ndynamics: {name: sgd, batch_size: 1}\n";
static const char team[] = "model: {name: linear-regression, data: three.h5, ridge: 0.05}\nform: team\nlearning_rate: 1/16\nsteps: 40\n"
                           "start: {points: [[0.5, -1, 0.25], [1, 1, -1]]}\ndynamics: {name: sgd, batch_size: 1}\n";
static const char particles[] = "model: {name: mean-field-linear, data: three.h5, columns: [1], standardize: false, particles: 200}\n"
                                "learning_rate: 1/16\nsteps: 40\nstart: {normal: {mean: 1, std: 0.5}}\ndynamics: {name: sgd, batch_size: 2}\n";
/* Many diverge, some after the origin of a statistic; of the third point all. */
static const char escaping[] = "model: {name: double-well, sigma: 2}\nlearning_rate: 1/16\nsteps: 40\n"
                               "start: {points: [[5.74], [0.5], [1e154]]}\ndynamics: {name: sgd, batch_size: 1}\n";
/* One component returns, the other jumps from side to side: infinite products of opposite signs. */
static const char overflowing[] = "model: {name: quadratic, curvature: [1, 24, 1]}\nlearning_rate: 1/16\nsteps: 40\n"
                                  "start: {normal: {mean: 0, std: 1e155}}\ndynamics: {name: sgd, batch_size: 1}\n";

static void compare(const eg_backend *cuda, const char *study, const char *observe, int realisations) {
  char text[3000];
  (void)snprintf(text, sizeof text, "seed: 5\n%srealisations: %d\n%s", study, realisations, observe);
  compare_text(cuda, text);
}

static void paths(const eg_backend *cuda) {
  static const int realisations[] = {9000, 40, 4096};
  for (size_t i = 0; i < sizeof realisations / sizeof realisations[0]; i++) {
    compare(cuda, plane, INCREMENTS, realisations[i]);
    compare(cuda, plane, TOGETHER, realisations[i]);
    compare(cuda, plane, WIDE, realisations[i]);
  }
  compare(cuda, escaping, WIDE, 9000);
  compare(cuda, team, WIDE, 301);
  compare(cuda, wide_rows, "observe: {at: {steps: [4]}, features: [x], statistics: [moments, covariance]}\n", 12);
  compare(cuda, plane, INCREMENTS, 50000); /* several batches */
  compare(cuda, rows, TOGETHER, 5000);
  compare(cuda, team, INCREMENTS, 300);
  compare(cuda, team, TOGETHER, 301);
  compare(cuda, particles, INCREMENTS, 150);
  compare(cuda, escaping, INCREMENTS, 9000);
  compare(cuda, escaping, TOGETHER, 9000);
  compare(cuda, overflowing,
          "observe:\n  at: {steps: [0, 1, 2, 3, 4, 5, 6]}\n  features: [x]\n  paths:\n    - {statistic: velocity}\n    - {statistic: msd}\n",
          5000);
}

#define JOINT                                                                                                \
  "observe:\n  at: {steps: [0, 1, 7, 40]}\n  features: [x, norm2]\n  statistics: [moments, covariance]\n  histograms:\n"                \
  "    - {feature: x, low: -1, high: 2, bins: 5}\n    - {feature: norm2, bins: 300, scale: log, low: 1e-6, high: 1e6}\n"    \
  "  joint_histograms:\n    - {of: x0, with: norm2}\n    - {of: norm2, with: x0}\n"

static void joint(const eg_backend *cuda) {
  static const int realisations[] = {9000, 40, 50000};
  for (size_t i = 0; i < sizeof realisations / sizeof realisations[0]; i++) {
    compare(cuda, plane, JOINT, realisations[i]);
  }
  compare(cuda, team, JOINT, 301);
  compare(cuda, particles, JOINT, 150);
  compare(cuda, escaping, JOINT, 9000);
}

/* Times of moments, of two kinds of histograms, of paths and of what is kept; features that only some of them look at. */
#define SCHEDULES                                                                                            \
  "observe:\n  at: {steps: [4, 8, 20, 40]}\n  features: [x]\n  statistics: [moments, covariance]\n  histograms:\n"         \
  "    - {feature: x, low: -1, high: 2, bins: 5}\n"                                                            \
  "    - {feature: displacement2, low: 0, high: 4, bins: 7, at: {steps: [0, 8, 9, 40]}}\n"                     \
  "    - {feature: norm2, low: 0, high: 4, bins: 9, at: {steps: [0, 8, 9, 40]}}\n"                             \
  "  joint_histograms: {of: norm2, with: displacement2}\n  keep: {realisations: 70, at: {steps: [0, 39, 40]}}\n  paths:\n" \
  "    - {statistic: msd}\n    - {statistic: velocity, at: {steps: [0, 3, 6, 9, 12, 15]}}\n"                   \
  "    - {statistic: two-time, feature: norm2, at: {steps: [8, 30]}}\n"                                         \
  "    - {statistic: tail, feature: norm2, largest: 100, at: {steps: [33]}}\n"

static void schedules(const eg_backend *cuda) {
  static const int realisations[] = {9000, 40, 50000};
  for (size_t i = 0; i < sizeof realisations / sizeof realisations[0]; i++) {
    compare(cuda, plane, SCHEDULES, realisations[i]);
  }
  compare(cuda, rows, SCHEDULES, 5000);
  compare(cuda, team, SCHEDULES, 301);
  compare(cuda, particles, SCHEDULES, 150);
  compare(cuda, escaping, SCHEDULES, 9000);
  compare(cuda, plane, "observe:\n  at: {steps: [40]}\n  features: [x]\n  histograms: {feature: x, low: -1, high: 2, at: {steps: [1, 2, 3]}}\n"
                       "  keep: {realisations: 70, at: {steps: [7]}}\n", 9000);
  /* norm2 is infinite where nobody looks at it, and finite where one does */
  compare(cuda, "model: {name: quadratic, curvature: [1, 2, 3]}\nlearning_rate: 1/16\nsteps: 40\n"
                "start: {normal: {mean: 0, std: 1e154}}\ndynamics: {name: sgd, batch_size: 1}\n",
          "observe:\n  at: {steps: [0, 1, 2]}\n  features: [x]\n"
          "  histograms: {feature: norm2, low: 0, high: 1e300, at: {steps: [2, 40]}}\n", 5000);
}

/* Windows that begin late, end early, skip steps; the last two have no observations to track. */
#define STREAMED                                                                                             \
  "observe:\n  at: {steps: [3, 16, 40]}\n  features: [x]\n  paths:\n    - {statistic: msd}\n    - {statistic: time-average, feature: x0}\n" \
  "    - {statistic: time-average, name: product, feature: norm2, with: x0, every: 2, from: 0.25}\n"           \
  "    - {statistic: correlator, feature: norm2, to: 2}\n    - {statistic: correlator, name: coarse, feature: x0, values: 4}\n" \
  "    - {statistic: correlator-msd, values: 6, from: 1}\n    - {statistic: correlator-msd, name: few, values: 4, from: 1.5, histogram: true}\n"
#define STREAMED_ALONE                                                                                       \
  "observe:\n  at: {steps: [5, 40]}\n  features: [x]\n  histograms: {feature: x, low: -1, high: 2, at: {steps: [0, 20]}}\n  paths:\n" \
  "    - {statistic: time-average, feature: norm2}\n    - {statistic: correlator-msd}\n"
#define COMBINED                                                                                             \
  "observe:\n  at: {steps: [5, 40]}\n  features: [x]\n  paths:\n    - {statistic: time-average, name: ratio, combine: ratio, feature: x0, with: norm2}\n" \
  "    - {statistic: time-average, name: variance, combine: covariance, every: 2, from: 0.25}\n"               \
  "    - {statistic: time-average, name: both, combine: covariance, feature: norm2, with: x0}\n    - {statistic: correlator}\n"
static const char far[] = "model: {name: quadratic, curvature: [1, 0.5, 2], noise: [0.5, 0.25, 1]}\nlearning_rate: 1/16\nsteps: 30000\n"
                          "start: {points: [[0.5, -1, 0.25], [1, 1, -1]]}\ndynamics: {name: sme1, substeps: 2}\n";

static void streamed(const eg_backend *cuda) {
  static const int realisations[] = {9000, 40, 50000};
  for (size_t i = 0; i < sizeof realisations / sizeof realisations[0]; i++) {
    compare(cuda, plane, STREAMED, realisations[i]);
    compare(cuda, plane, STREAMED_ALONE, realisations[i]);
  }
  compare(cuda, plane, COMBINED, 9000);
  compare(cuda, escaping, COMBINED, 9000);
  compare(cuda, rows, STREAMED, 5000);
  compare(cuda, team, STREAMED, 301);
  compare(cuda, particles, STREAMED, 150);
  compare(cuda, escaping, STREAMED, 9000);
  compare(cuda, overflowing, "observe: {at: {steps: [20]}, features: [x], paths: [{statistic: time-average, feature: x0, with: x1}, "
                             "{statistic: correlator, feature: x0}, {statistic: correlator-msd}]}\n", 5000);
  /* more samples than a launch may have, and between two observations none for a while */
  compare(cuda, far, "observe: {at: {steps: [7, 30000]}, features: [x], paths: [{statistic: correlator, feature: x0}, "
                     "{statistic: time-average, feature: x0, from: 1000, to: 1500, every: 7}, {statistic: time-average, name: v, combine: covariance}]}\n", 40);
}

/* Most trajectories stop, at any time: threads go to other slots between launches, of which there are many. */
static const char leaving[] = "model: ornstein-uhlenbeck\ntime_step: 1/16\nsteps: 400\nstart: {points: [[0.25], [-1]]}\n"
                              "dynamics: {name: sde, scheme: euler-maruyama}\n";
static const char leaving_rows[] = "model: {name: linear-regression, data: three.h5, ridge: 0.05}\nlearning_rate: 1/16\nsteps: 400\n"
                                   "start: {points: [[0.5, -1, 0.25], [0, 0.5, -1]]}\ndynamics: {name: sgd, batch_size: 1}\n";
#define LEAVING                                                                                              \
  "observe:\n  at: {steps: [0, 40, 41, 250, 400]}\n  features: [x, norm2]\n  keep: {realisations: 70}\n"       \
  "  histograms: {feature: up_time, low: 0, high: 25}\n  monitors:\n"                                          \
  "    - {name: up, feature: x0, operation: crossing, level: 1.25, direction: up, absorbing: true, exit: door}\n"   \
  "    - {name: way, feature: norm2, operation: sum}\n"                                                       \
  "    - {name: far, feature: norm2, operation: crossing, level: 2, direction: up, absorbing: true, exit: door}\n"  \
  "  paths: {statistic: time-average, feature: x0, every: 20}\n"

static void leaves(const eg_backend *cuda) {
  static const int realisations[] = {9000, 40};
  for (size_t i = 0; i < sizeof realisations / sizeof realisations[0]; i++) {
    compare(cuda, leaving, LEAVING, realisations[i]);
  }
  compare(cuda, leaving_rows, LEAVING, 700);
}

/* From data rows, a model's deviations, its covariance; as a feature, and fed alone. */
static void traced(const eg_backend *cuda) {
  static const char samples[] = "model: {name: linear-regression-gaussian, input_variance: [1, 0.5], optimum: [0, 1], label_noise: 1}\n"
                                "learning_rate: 1/16\nsteps: 40\nstart: {points: [[0.5, -1], [1, 1]]}\ndynamics: {name: sgd, batch_size: 2}\n";
  static const char observed[] = "observe:\n  at: {steps: [0, 7, 40]}\n  features: [noise_trace, x]\n  keep: {realisations: 70}\n"
                                 "  histograms: {feature: noise_trace, low: 0, high: 8}\n  paths: {statistic: two-time, feature: noise_trace}\n";
  static const char fed[] = "observe: {at: {steps: [40]}, features: [x], paths: {statistic: time-average, feature: noise_trace}}\n";
  const char *const studies[] = {plane, rows, samples};
  for (size_t i = 0; i < sizeof studies / sizeof studies[0]; i++) {
    compare(cuda, studies[i], observed, 5000);
    compare(cuda, studies[i], fed, 300);
  }
}

/* A played device that is wrong in `fault`: the nodes, or what `counts` says, differ from the CPU's. */
static void is_noticed(const eg_backend *cuda, const char *study, const char *observe, const char *fault, bool in_counts) {
  char text[3000], name[64];
  if (getenv("ENSGRAD_TEST_PLUGIN") == NULL) {
    return;
  }
  (void)snprintf(text, sizeof text, "seed: 5\n%srealisations: 5000\n%s", study, observe);
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  const planned p = plan_text(name, text);
  const eg_job *const job = &p.plan->runs[0].job;
  MUST(setenv("ENSGRAD_FAKE_FAULT", fault, 1) == 0, "environment");
  const tiles got = run_tiles(cuda, job);
  MUST(unsetenv("ENSGRAD_FAKE_FAULT") == 0, "environment");
  const tiles want = run_tiles(&eg_backend_cpu, job);
  const differences n = differ(job, &want, &got);
  CHECK((in_counts ? n.counts : n.nodes) > 0);
  CHECK(got.n == want.n && n.lists == 0);
  printf("%s: %zu of %zu nodes and %zu counts differ\n", fault, n.nodes, want.n, n.counts);
  free_tiles(want);
  free_tiles(got);
  plan_free(p);
}

static void everything(const eg_backend *cuda) {
  paths(cuda);
  joint(cuda);
  schedules(cuda);
  streamed(cuda);
  traced(cuda);
  leaves(cuda);
  is_noticed(cuda, plane, INCREMENTS, "swap:1", false);
  is_noticed(cuda, plane, TOGETHER, "swap:1", false);
  is_noticed(cuda, plane, INCREMENTS, "uncount:1", true);
  is_noticed(cuda, plane, JOINT, "unpair:1", true);
  is_noticed(cuda, plane, SCHEDULES, "swap:1", false);
  is_noticed(cuda, plane, SCHEDULES, "unpair:1", true);
  is_noticed(cuda, plane, STREAMED, "misfeed:1", false);
  is_noticed(cuda, plane, STREAMED, "unfeed:1", false);
  is_noticed(cuda, plane, STREAMED_ALONE, "misfeed:1", false);
  is_noticed(cuda, plane, STREAMED_ALONE, "unfeed:1", false);
  is_noticed(cuda, leaving, LEAVING, "disorder:1", false);
}

int main(void) {
  MUST(mkdtemp(folder) != NULL, "temporary folder");
  write_data();
  write_wide();
  const char *const files[] = {data_path, wide_path};
  return run_with_cuda(everything, files, sizeof files / sizeof files[0]);
}
