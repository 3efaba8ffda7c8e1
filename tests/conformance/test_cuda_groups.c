/*
 * Groups on the CUDA backend: members, differences, counts, kept paths and lists have the CPU's bits. Twins, members of equal steps, coarse
 * and fine ones on sums of increments (every form that sums them, gaussian64, float state), team form and populations; masks; monitors,
 * paths, samples, several schedules; many tiles and few. On a played device (ENSGRAD_TEST_PLUGIN) also controls: a device that pairs
 * two realisations wrongly, or leaves out the wait that orders the differences, is noticed.
 */
#include <unistd.h>

#include "cuda_bits.h"
#include "write_rows.h"

static char data_path[64], wide_path[64], text_path[64];

enum { ROWS = 21, COLUMNS = 3, WIDE_ROWS = 30, WIDE_COLUMNS = 40 };

static int n_coarse; /* members that were compared, and step by sums */

static void write_data(const char *path, int n, int width) {
  double inputs[WIDE_ROWS * WIDE_COLUMNS], target[WIDE_ROWS];
  for (int j = 0; j < n; j++) {
    for (int k = 0; k < width; k++) {
      inputs[j * width + k] = ((double)((j * (7 + 4 * k) + 5 * k * k) % 29) / 16.0 - 0.9) / (width > COLUMNS ? 3 : 1);
    }
    target[j] = (double)(j * 11 % 23) / 8.0 - 1.3;
  }
  MUST(write_rows(path, (size_t)n, (size_t)width, inputs, target), "data file");
}

static void write_files(void) {
  (void)snprintf(data_path, sizeof data_path, "%s/three.h5", folder);
  (void)snprintf(wide_path, sizeof wide_path, "%s/wide.h5", folder);
  (void)snprintf(text_path, sizeof text_path, "%s/study.yaml", folder);
  write_data(data_path, ROWS, COLUMNS);
  write_data(wide_path, WIDE_ROWS, WIDE_COLUMNS);
}

#define AT "observe:\n  at: {linear: 10}\n  features: [x, norm2]\n  statistics: [moments, covariance]\n  keep: {realisations: 100}\n" \
           "  histograms: {feature: norm2, low: 0, high: 3}\n"
#define PATHS                                                                                                \
  "  paths: [{statistic: msd}, {statistic: two-time, feature: norm2}, {statistic: tail, feature: x0, largest: 100}]\n"
#define STREAMED "  paths: [{statistic: time-average, feature: x0, to: 2}, {statistic: correlator, feature: norm2, values: 4}, {statistic: msd}]\n"
#define TIMES                                                                                                \
  "observe:\n  at: {linear: 3}\n  features: [x]\n  histograms: {feature: norm2, low: 0, high: 3, at: {linear: 5}}\n"    \
  "  paths: {statistic: msd, at: {linear: 6}}\n  keep: {realisations: 9, at: {linear: 2}}\n"
#define WATCHED                                                                                              \
  AT "  monitors:\n    - {name: up, feature: x0, operation: crossing, level: 1.25, direction: up, absorbing: true}\n"   \
     "    - {name: way, feature: norm2, operation: sum}\n"

static const char drift[] = "model: ornstein-uhlenbeck\nstart: {points: [[0.5], [1]]}\nhorizon: 3\n";
static const char plane[] = "model: {name: quadratic, curvature: [1, 0.5, 2], noise: [0.5, 0.25, 1], multiplicative: [0.5, 0, 0.1]}\n"
                            "start: {points: [[0.5, -1, 0.25], [1, 1, -1]]}\nhorizon: 3\n";
static const char rows[] = "model: {name: linear-regression, data: three.h5, ridge: 0.05}\nstart: {points: [[0.5, -1, 0.25], [1, 1, -1]]}\n"
                           "horizon: 3\n";
static const char twins[] = "time_step: 1/10\ndynamics: {name: sde, scheme: euler-maruyama, label: t}\n"
                            "groups: {label: g, members: t, antithetic: true}\n";
static const char levels[] = "sweep: {time_step: [3/10, 1/10, 1/50]}\ndynamics: {name: sde, scheme: euler-maruyama, label: l}\n"
                             "groups: {label: g, members: l, across: time_step}\n";
static const char schemes[] = "time_step: 1/10\ndynamics:\n  - {name: sde, scheme: strang, label: a}\n"
                              "  - {name: sde, scheme: exact, label: b, substeps: 3}\n  - {name: sde, scheme: euler-maruyama, label: c, substeps: 6}\n"
                              "groups: {label: g, members: [a, b, c]}\n";
/* a chain, two equations, one of them on finer steps: channels or components */
static const char mixed[] = "learning_rate: 1/10\ndynamics:\n  - {name: sgd, batch_size: 2, label: a}\n"
                            "  - {name: sme1, batch_size: 2, scheme: euler-maruyama, label: b, substeps: 4}\n"
                            "  - {name: sme2, batch_size: 2, label: c, substeps: 2}\ngroups: {label: g, members: [a, b, c]}\n";
static const char on_data[] = "learning_rate: 1/10\ndynamics:\n  - {name: sme1, factor: data, batch_size: 2, scheme: euler-maruyama, label: a}\n"
                              "  - {name: sme2, factor: data, batch_size: 2, label: b, substeps: 2}\n"
                              "  - {name: sme1, factor: data, batch_size: 2, label: c, substeps: 6}\ngroups: {label: g, members: [a, b, c]}\n";
static const char on_factors[] = "learning_rate: 1/10\ndynamics:\n  - {name: sme1, factor: cholesky, batch_size: 2, label: a}\n"
                                 "  - {name: sme2, factor: cholesky, batch_size: 2, label: b, substeps: 3}\ngroups: {label: g, members: [a, b]}\n";
static const char on_rows[] = "learning_rate: 1/10\ndynamics:\n  - {name: sgd, batch_size: 3, label: a}\n"
                              "  - {name: sgd, batch_size: 3, momentum: 0.5, label: b}\ngroups: {label: g, members: [a, b]}\n";

static void compare_all(const eg_backend *cuda, const char *study, const char *group, const char *observe, const char *realisations) {
  char text[4000];
  (void)snprintf(text, sizeof text, "seed: 11\n%s%srealisations: %s\n%s", study, group, realisations, observe);
  compare_text(cuda, text);
  const planned p = plan_text(text_path, text);
  for (size_t i = 0; i < p.plan->n_runs; i++) {
    n_coarse += p.plan->runs[i].job.launch.noise_ratio > 1;
  }
  plan_free(p);
}

static void members(const eg_backend *cuda) {
  static const char *const realisations[] = {"9000", "40"};
  for (size_t i = 0; i < 2; i++) {
    compare_all(cuda, drift, twins, AT STREAMED, realisations[i]);
    compare_all(cuda, drift, levels, AT PATHS, realisations[i]);
  }
  compare_all(cuda, drift, schemes, TIMES, "9000");
  compare_all(cuda, drift, levels, WATCHED, "9000");
  compare_all(cuda, drift, levels, AT "noise: gaussian64\n", "5000");
  compare_all(cuda, drift, levels, AT "state: float\n", "5000");
  compare_all(cuda, drift, twins, AT "noise: table5\n", "5000");
  compare_all(cuda, plane, mixed, AT PATHS, "5000");
  compare_all(cuda, rows, on_data, AT, "700");
  compare_all(cuda, rows, on_factors, TIMES, "5000");
  compare_all(cuda, rows, on_rows, AT STREAMED, "5000");
}

/* Overflow in one member before the other: masks of either take the pair out, lists name the members. */
static void masks(const eg_backend *cuda) {
  compare_all(cuda, "model: {name: linear-regression, data: three.h5, ridge: 0.05}\nstart: {normal: {mean: 0, std: 1}}\nsteps: 20\n",
              "learning_rate: 1e30\ndynamics:\n  - {name: sme1, factor: data, batch_size: 2, scheme: euler-maruyama, label: a}\n"
              "  - {name: sme1, factor: data, batch_size: 2, scheme: euler-maruyama, label: b, substeps: 2}\n"
              "groups: {label: g, members: [a, b]}\n",
              AT, "700");
  compare_all(cuda, "model: {name: double-well, sigma: 2}\nstart: {points: [[5.74], [0.5], [1e154]]}\nsteps: 40\n",
              "learning_rate: 1/16\ndynamics:\n  - {name: sgd, batch_size: 1, label: a}\n  - {name: sme1, scheme: euler-maruyama, label: b}\n"
              "groups: {label: g, members: [a, b]}\n",
              AT, "9000");
}

static void other_forms(const eg_backend *cuda) {
  compare_all(cuda, "model: {name: linear-regression, data: wide.h5, standardize: false, ridge: 0.1}\nform: team\nstart: {points: [[0.5], [-2]]}\nsteps: 10\n",
              "learning_rate: 1/64\ndynamics:\n  - {name: sme1, factor: data, scheme: euler-maruyama, label: a}\n"
              "  - {name: sme2, factor: data, label: b}\ngroups: {label: g, members: [a, b]}\n",
              AT, "300");
  compare_all(cuda, "model: {name: mean-field-linear, data: three.h5, columns: [1], standardize: false, particles: 300}\nstart: {point: 0.5}\nsteps: 10\n",
              "learning_rate: 1/16\ndynamics:\n  - {name: smf2, factor: data, batch_size: 2, label: a}\n"
              "  - {name: smf1, factor: data, batch_size: 2, scheme: euler-maruyama, label: b}\ngroups: {label: g, members: [a, b]}\n",
              AT, "150");
}

/* ---- controls, on a played device ---- */

static size_t wrong_nodes(const eg_backend *cuda, const char *name, const char *value) {
  char text[4000];
  (void)snprintf(text, sizeof text, "seed: 11\n%s%srealisations: 9000\n%s", drift, levels, AT);
  const planned p = plan_text(text_path, text);
  const eg_job *const job = &p.plan->runs[0].job;
  const tiles want = run_tiles(&eg_backend_cpu, job);
  MUST(setenv(name, value, 1) == 0, "environment");
  const tiles got = run_tiles(cuda, job);
  MUST(unsetenv(name) == 0, "environment");
  const differences n = differ(job, &want, &got);
  size_t of_members = 0;
  for (size_t i = 0; i < want.n; i++) {
    of_members += n_different(want.results[i].node, got.results[i].node, members_of(job) * job->node_values) > 0;
  }
  printf("%s=%s: %zu of %zu tiles differ, %zu in the sums of members\n", name, value, n.nodes, want.n, of_members);
  CHECK(strcmp(name, "ENSGRAD_FAKE_FAULT") != 0 || of_members == 0);
  free_tiles(want);
  free_tiles(got);
  plan_free(p);
  return n.nodes;
}

static void controls(const eg_backend *cuda) {
  const char *const order = getenv("ENSGRAD_FAKE_ORDER");
  if (getenv("ENSGRAD_TEST_PLUGIN") == NULL || order == NULL) {
    return;
  }
  CHECK(wrong_nodes(cuda, "ENSGRAD_FAKE_FAULT", "mispair:1") > 0);
  if (strcmp(order, "concurrent") != 0) { /* which may be right by chance */
    CHECK(wrong_nodes(cuda, "ENSGRAD_FAKE_BREAK", strcmp(order, "steps") == 0 ? "stepping" : "statistics") > 0);
  }
}

static void everything(const eg_backend *cuda) {
  members(cuda);
  masks(cuda);
  other_forms(cuda);
  controls(cuda);
  CHECK(n_coarse == 18);
}

int main(void) {
  MUST(mkdtemp(folder) != NULL, "temporary folder");
  write_files();
  const char *const files[] = {data_path, wide_path, text_path};
  return run_with_cuda(everything, files, sizeof files / sizeof files[0]);
}
