/*
 * The CUDA backend: what it says when it cannot be had, and, on a machine with a GPU, that nodes and lists of
 * failed trajectories have the bits of the CPU for every kernel that is compiled ahead. Without a GPU:
 * skipped (77) after the messages.
 */
#include <unistd.h>

#include "backend/backend.h"
#include "trajectories.h"
#include "write_rows.h"

static char folder[] = "/tmp/ensgrad-test-XXXXXX";
static char data_path[64], text_path[64];

enum { ROWS = 37, COLUMNS = 3 };

static void write_files(void) {
  double inputs[ROWS * COLUMNS], target[ROWS];
  for (int j = 0; j < ROWS; j++) {
    for (int k = 0; k < COLUMNS; k++) {
      inputs[j * COLUMNS + k] = (double)((j * (7 + 4 * k) + 5 * k * k) % 29) / 16.0 - 0.9;
    }
    target[j] = (double)(j * 11 % 23) / 8.0 - 1.3;
  }
  (void)snprintf(data_path, sizeof data_path, "%s/three.h5", folder);
  (void)snprintf(text_path, sizeof text_path, "%s/libensgrad_cuda.so", folder);
  MUST(write_rows(data_path, ROWS, COLUMNS, inputs, target), "data file");
  FILE *const file = fopen(text_path, "w");
  MUST(file != NULL && fputs("not a library\n", file) >= 0 && fclose(file) == 0, "text file");
}

static void says_what_is_missing(void) {
  const eg_backend *backend = NULL;
  eg_context *const ctx = eg_context_create();
  MUST(ctx != NULL, "no memory");
  MUST(setenv("ENSGRAD_PLUGIN_PATH", "/nowhere", 1) == 0, "environment");
  CHECK(eg_backend_cuda(ctx, &backend) == EG_ERR_DEVICE);
  CHECK_HAS(eg_context_message(ctx), "there is no CUDA plug-in");
  CHECK_HAS(eg_context_message(ctx), "/nowhere/libensgrad_cuda.so");
  MUST(setenv("ENSGRAD_PLUGIN_PATH", folder, 1) == 0, "environment");
  CHECK(eg_backend_cuda(ctx, &backend) == EG_ERR_DEVICE);
  CHECK_HAS(eg_context_message(ctx), "the CUDA plug-in cannot be loaded");
  CHECK(backend == NULL);
  const char *const chosen =
      getenv("ENSGRAD_TEST_PLUGIN"); /* the plug-in with a runtime that plays the device */
  if (chosen != NULL) {
    MUST(setenv("ENSGRAD_PLUGIN_PATH", chosen, 1) == 0, "environment");
  } else {
    MUST(unsetenv("ENSGRAD_PLUGIN_PATH") == 0, "environment");
  }
  eg_context_free(ctx);
}

/* ---- the same tiles on both ---- */

typedef struct tiles {
  size_t n;
  eg_tile_result *results;
  uint64_t *counts;
  double *paths;
} tiles;

static tiles run_tiles(const eg_backend *backend, const eg_job *job) {
  const volatile int stop = 0;
  uint64_t at_once = 0;
  eg_device *device = NULL;
  eg_context *const ctx = eg_context_create();
  tiles t = {job->n_tiles, calloc(job->n_tiles, sizeof *t.results), calloc(job->n_counts + 1, sizeof *t.counts),
             calloc(eg_job_path_values(job) + 1, sizeof *t.paths)};
  MUST(ctx != NULL && t.results != NULL && t.counts != NULL && t.paths != NULL, "no memory");
  MUST(backend->open(ctx, 0, &device) == EG_OK, eg_context_message(ctx));
  MUST(backend->prepare(ctx, device, job, &at_once) == EG_OK, eg_context_message(ctx));
  CHECK(at_once >= 1);
  for (size_t i = 0; i < t.n; i++) {
    t.results[i].node = calloc(job->node_values, sizeof(double));
    MUST(t.results[i].node != NULL, "no memory");
    t.results[i].counts = t.counts;
    t.results[i].paths = t.paths;
  }
  for (uint64_t first = 0; first < t.n; first += at_once) {
    const uint64_t n = t.n - first < at_once ? t.n - first : at_once;
    MUST(backend->advance(ctx, device, first, n, &stop, t.results + first) == EG_OK, eg_context_message(ctx));
  }
  backend->close(device);
  eg_context_free(ctx);
  return t;
}

static void free_tiles(tiles t) {
  for (size_t i = 0; i < t.n; i++) {
    free(t.results[i].node);
    free(t.results[i].bad);
  }
  free(t.results);
  free(t.counts);
  free(t.paths);
}

static void compare_job(const eg_backend *cuda, const eg_run *run) {
  const eg_job *const job = &run->job;
  const tiles want = run_tiles(&eg_backend_cpu, job), got = run_tiles(cuda, job);
  size_t nodes = 0, lists = 0, n_bad = 0;
  for (size_t i = 0; i < want.n; i++) {
    const eg_tile_result *const a = &want.results[i], *const b = &got.results[i];
    nodes += memcmp(a->node, b->node, job->node_values * sizeof(double)) != 0;
    lists += a->n_bad != b->n_bad;
    for (size_t k = 0; k < a->n_bad && k < b->n_bad; k++) {
      lists += a->bad[k].realisation != b->bad[k].realisation || a->bad[k].step != b->bad[k].step ||
               a->bad[k].point != b->bad[k].point;
    }
    n_bad += a->n_bad;
  }
  if (nodes + lists > 0) {
    fprintf(stderr, "%s (%s, noise %d): %zu of %zu nodes and %zu lists differ (%zu failed trajectories)\n",
            run->description, job->stepper, job->kind, nodes, want.n, lists, n_bad);
  }
  double counted = 0;
  for (size_t i = 0; i < job->n_counts; i++) {
    counted += (double)want.counts[i];
  }
  CHECK(job->n_histograms == 0 || counted > 0);
  CHECK(memcmp(want.counts, got.counts, job->n_counts * sizeof *want.counts) == 0);
  CHECK(memcmp(want.paths, got.paths, eg_job_path_values(job) * sizeof *want.paths) == 0);
  CHECK(nodes == 0);
  CHECK(lists == 0);
  free_tiles(want);
  free_tiles(got);
}

static void compare_study(const eg_backend *cuda, const char *model, const char *dynamics,
                          const char *noise) {
  char name[64], text[3000];
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  (void)snprintf(text, sizeof text,
                 "seed: 5\nmodel: %s\n%snoise: %s\nrealisations: 5000\n"
                 "observe: {at: {steps: [0, 1, 2, 17, 18, 40, 41]}, features: [x, norm2, displacement2%s], "
                 "statistics: [moments, covariance], histograms: [{feature: x, low: -1, high: 2}, {feature: "
                 "norm2, bins: 4096, scale: log, low: 1e-9, high: 1e9}], keep: {realisations: 1100}}\n",
                 model, dynamics, noise, strstr(model, "ornstein") == NULL ? ", loss, gradient_norm2" : "");
  const planned p = plan_text(name, text);
  for (size_t i = 0; i < p.plan->n_runs; i++) {
    compare_job(cuda, &p.plan->runs[i]);
  }
  plan_free(p);
}

static void has_the_bits_of_the_cpu(const eg_backend *cuda) {
  static const char *const kinds[] = {"gaussian", "table5", "two-point"};
  compare_study(cuda, "ornstein-uhlenbeck",
                "start: {point: 1}\ntime_step: 1/16\nsteps: 41\ndynamics: {name: sde, scheme: exact}\n",
                "gaussian");
  for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
    compare_study(cuda, "ornstein-uhlenbeck",
                  "start: {normal: {mean: 1, std: 0.5}}\ntime_step: 1/16\nsteps: 41\ndynamics:\n"
                  "  - {name: sde, scheme: euler-maruyama}\n  - {name: sde, scheme: strang}\n",
                  kinds[k]);
    compare_study(cuda, "{name: double-well, sigma: 2}", /* many of these diverge */
                  "start: {points: [[5.74], [0.5], [1e154]]}\nlearning_rate: 1/16\nsteps: 41\n"
                  "dynamics: {name: sgd, batch_size: 1}\n",
                  kinds[k]);
    compare_study(
        cuda,
        "{name: quadratic, curvature: [1, 0.5, 2], noise: [0.5, 0.25, 1], multiplicative: [0.5, 0, 0.1]}",
        "start: {points: [[0.5, -1, 0.25], [1, 1, -1]]}\nlearning_rate: 1/16\nsteps: 41\ndynamics:\n"
        "  - {name: sgd, batch_size: 2}\n  - {name: sme2, substeps: 2}\n  - gradient-flow\n",
        kinds[k]);
    compare_study(
        cuda, "{name: linear-regression, data: three.h5, ridge: 0.05}",
        "start: {points: [[0.5, -1, 0.25], [1, 1, -1]]}\nlearning_rate: 1/16\nsteps: 41\ndynamics:\n"
        "  - {name: sgd, batch_size: 1, label: sgd1}\n  - {name: sgd, batch_size: 3, label: sgd3}\n"
        "  - {name: sme1, batch_size: 2, factor: pair, scheme: euler-maruyama, label: pair1}\n"
        "  - {name: sme2, batch_size: 2, factor: pair, substeps: 2, label: pair2}\n"
        "  - {name: sme1, factor: data, scheme: euler-maruyama, label: data1}\n"
        "  - {name: sme2, factor: data, substeps: 2, label: data2}\n"
        "  - {name: sme2, factor: cholesky, label: cholesky}\n"
        "  - {name: sme2, factor: symmetric-root, label: root}\n  - gradient-flow\n",
        kinds[k]);
  }
}

int main(void) {
  MUST(mkdtemp(folder) != NULL, "temporary folder");
  write_files();
  says_what_is_missing();
  const eg_backend *cuda = NULL;
  eg_context *const ctx = eg_context_create();
  MUST(ctx != NULL, "no memory");
  const eg_status status = eg_backend_cuda(ctx, &cuda);
  if (status == EG_OK) {
    has_the_bits_of_the_cpu(cuda);
  } else {
    CHECK(status == EG_ERR_DEVICE);
    printf("no GPU to compare with: %s\n", eg_context_message(ctx));
  }
  eg_context_free(ctx);
  (void)unlink(data_path);
  (void)unlink(text_path);
  (void)rmdir(folder);
  const int failed = check_report();
  return failed != 0 ? failed : status == EG_OK ? 0 : 77;
}
