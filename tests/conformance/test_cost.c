/* What `ensgrad check` promises exactly: bytes of accumulators, of the file and of a worker, against the real ones; and
   to which runs table noise is offered. Times are measured, so only their structure is tested (bench/bench_check.c
   compares them with real runs). */
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/cpu_bytes.h"
#include "check.h"
#include "ensgrad/run.h"
#include "io/result_file.h"
#include "run/cost.h"
#include "run/run_loop.h"

/* 77 tiles: blocks of one and of two tiles, the last tile partial. */
static const char ou[] = "title: t\nseed: 3\nmodel: {name: ornstein-uhlenbeck}\nstart: {point: 1}\nsteps: 6\n"
                         "time_step: 1/8\ndynamics:\n  - {name: sde, scheme: euler-maruyama}\n"
                         "  - {name: sde, label: law, scheme: exact}\n  - {name: sde, label: s, scheme: strang}\n"
                         "realisations: 4900\nobserve:\n  at: {linear: 3}\n  features: [x, norm2]\n";

/* Tiles in trees of several levels, two points, covariance. */
static const char quadratic[] =
    "title: t\nseed: 3\nmodel: {name: quadratic, dimension: 2}\nstart: {points: [[1, 2], [0, 1]]}\nsteps: 4\n"
    "learning_rate: 1/8\ndynamics:\n  - {name: sgd, batch_size: 1}\n  - {name: gradient-flow}\n"
    "  - {name: sme2, batch_size: 1}\nrealisations: 1700000\nobserve:\n  at: {linear: 2}\n"
    "  features: [x, norm2]\n  statistics: [moments, covariance]\n";

static const char rows[] =
    "title: t\nseed: 3\nmodel: {name: linear-regression, data: data/diabetes.h5}\nstart: {point: 0}\n"
    "horizon: 0.25\nsweep: {learning_rate: [1/8, 1/16]}\ndynamics:\n  - {name: sgd, batch_size: 4}\n"
    "  - {name: sme1, batch_size: 4, factor: pair}\n  - {name: sme1, label: d, batch_size: 4, factor: data}\n"
    "realisations: 3000\nobserve:\n  at: {linear: 2}\n  features: [x, loss]\n";

/* Fed between observations, in a window that begins after more steps than are timed. */
static const char streamed[] =
    "seed: 5\nmodel: ornstein-uhlenbeck\nrealisations: 3000\ntime_step: 1/16\nsteps: 4000\nstart: {points: [[1], [2]]}\n"
    "dynamics: [{name: sde, scheme: exact}, {name: sde, substeps: 2, label: two}]\nobserve:\n  at: {steps: {linear: 2}}\n"
    "  features: [x, norm2]\n  paths:\n    - {statistic: time-average, feature: norm2, from: 50}\n"
    "    - {statistic: correlator, every: 4}\n    - {statistic: correlator-msd}\n";

static eg_study *parse(eg_context *ctx, const char *text) {
  eg_study *study = NULL;
  if (eg_study_parse(ctx, "study.yaml", text, strlen(text), NULL, 0, &study) != EG_OK) {
    fprintf(stderr, "%s\n", eg_context_message(ctx));
    exit(1);
  }
  return study;
}

static eg_plan *make_plan(eg_context *ctx, const eg_study *study) {
  eg_plan *plan = NULL;
  if (eg_plan_create(ctx, study, &plan) != EG_OK) {
    fprintf(stderr, "%s\n", eg_context_message(ctx));
    exit(1);
  }
  return plan;
}

/* Predicted bytes against those of the file that the study really gives. */
static void test_bytes(const char *text) {
  char path[] = "/tmp/ensgrad-cost-XXXXXX";
  const int fd = mkstemp(path);
  CHECK(fd >= 0);
  close(fd);
  eg_context *const ctx = eg_context_create();
  eg_study *const study = parse(ctx, text);
  eg_plan *const plan = make_plan(ctx, study);
  eg_bytes bytes;
  double seconds = -1;
  CHECK(eg_bytes_predict(ctx, plan, &bytes, &seconds) == EG_OK);
  CHECK(seconds >= 0);
  eg_run_options options;
  eg_run_options_default(&options);
  options.output = path;
  options.backend = "cpu";
  options.force = 1;
  CHECK(eg_run_study(ctx, study, &options) == EG_OK);
  eg_labelled *file = NULL;
  CHECK(eg_result_read(ctx, path, &file) == EG_OK);
  const eg_variable *const values = eg_labelled_find(file, "/accumulators", "node_values");
  const eg_variable *const nodes = eg_labelled_find(file, "/accumulators", "node_run");
  CHECK(values != NULL && nodes != NULL);
  CHECK_NEAR(bytes.accumulators, 8.0 * (double)eg_variable_size(values), 0);
  uint64_t n_nodes = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    n_nodes += eg_plan_final_nodes(&plan->runs[r].job);
  }
  CHECK(n_nodes == eg_variable_size(nodes));
  struct stat s;
  CHECK(stat(path, &s) == 0);
  CHECK_NEAR(bytes.file, (double)s.st_size, 0.05 * (double)s.st_size);
  CHECK(bytes.largest_bytes > 0 && bytes.largest_bytes < bytes.accumulators);
  CHECK_TEXT(bytes.largest, strstr(text, "paths") != NULL ? "paths" : strstr(text, "covariance") != NULL && plan->n_columns > 9 ? "covariance" : "moments");
  eg_labelled_free(file);
  eg_plan_free(plan);
  eg_study_free(study);
  eg_context_free(ctx);
  (void)unlink(path);
}

static size_t in_use(void) {
  const struct mallinfo2 m = mallinfo2();
  return m.uordblks + m.hblkhd;
}

/* The bytes that a worker reports are those it took from the system, but for rounding to pages and its own struct. */
static void test_worker_bytes(const char *text) {
  eg_context *const ctx = eg_context_create();
  eg_study *const study = parse(ctx, text);
  eg_plan *const plan = make_plan(ctx, study);
  for (size_t r = 0; r < plan->n_runs; r++) {
    const size_t before = in_use();
    eg_device *device = NULL;
    uint64_t n = 0;
    CHECK(eg_backend_cpu.open(ctx, 0, &device) == EG_OK);
    CHECK(eg_backend_cpu.prepare(ctx, device, &plan->runs[r].job, &n) == EG_OK);
    const size_t taken = in_use() - before, told = eg_backend_cpu.bytes(device);
    if (plan->runs[r].job.group == NULL) { /* told before it is taken: never much more, nor less */
      CHECK_NEAR(eg_cpu_bytes(eg_plan_unit(plan), &plan->runs[r].job), (double)told + 0x1p19, 0x1.1p19);
    }
    if (taken == 0) {
      printf("skipped: this allocator tells nothing (a sanitizer's)\n");
    } else {
      CHECK(told <= taken && taken < told + 12 * 8192);
    }
    CHECK(eg_backend_cpu.prepare(ctx, device, &plan->runs[r].job, &n) == EG_OK);
    CHECK(eg_backend_cpu.bytes(device) == told); /* the old job's buffers do not stay in the count */
    eg_backend_cpu.close(device);
  }
  eg_plan_free(plan);
  eg_study_free(study);
  eg_context_free(ctx);
}

/* `wanted`: one letter a run, y where table5 may replace the Gaussian increments. */
static void test_table5(const char *text, const char *wanted) {
  eg_context *const ctx = eg_context_create();
  eg_study *const study = parse(ctx, text);
  eg_plan *const plan = make_plan(ctx, study);
  CHECK(plan->n_runs == strlen(wanted));
  for (size_t r = 0; r < plan->n_runs; r++) {
    CHECK(eg_can_use_table5(plan, &plan->runs[r]) == (wanted[r] == 'y'));
  }
  eg_plan_free(plan);
  eg_study_free(study);
  eg_context_free(ctx);
}

static void test_times(const char *text) {
  eg_context *const ctx = eg_context_create();
  eg_study *const study = parse(ctx, text);
  eg_plan *const plan = make_plan(ctx, study);
  eg_cost cost;
  CHECK(eg_cost_measure(ctx, plan, &eg_backend_cpu, 3, -1, 0.05, &cost) == EG_OK);
  double sum = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    CHECK(isfinite(cost.runs[r].seconds) && cost.runs[r].seconds > 0);
    CHECK(isfinite(cost.runs[r].ns_per_step) && cost.runs[r].ns_per_step > 0);
    sum += cost.runs[r].seconds;
  }
  CHECK_NEAR(cost.worker_seconds, sum, 1e-12 * sum);
  CHECK(cost.n_workers == 3 && cost.n_parallel >= 1 && cost.n_parallel <= 3);
  CHECK(cost.seconds >= cost.worker_seconds / 3 && cost.seconds <= cost.worker_seconds);
  CHECK(cost.worker_bytes > 0);
  eg_cost_free(&cost);
  eg_plan_free(plan);
  eg_study_free(study);
  eg_context_free(ctx);
}

/* A device that wants several tiles a call, as a GPU does, and knows no bytes. */
static eg_status prepare_many(eg_context *ctx, eg_device *device, const eg_job *job, uint64_t *tiles_at_once) {
  const eg_status status = eg_backend_cpu.prepare(ctx, device, job, tiles_at_once);
  *tiles_at_once = 5;
  return status;
}

static void test_many_tiles(const char *text) {
  eg_backend many = eg_backend_cpu;
  many.name = "many";
  many.prepare = prepare_many;
  many.bytes = NULL;
  eg_context *const ctx = eg_context_create();
  eg_study *const study = parse(ctx, text);
  eg_plan *const plan = make_plan(ctx, study);
  eg_cost cost;
  CHECK(eg_cost_measure(ctx, plan, &many, 3, -1, 0.05, &cost) == EG_OK);
  for (size_t r = 0; r < plan->n_runs; r++) {
    CHECK(isfinite(cost.runs[r].seconds) && cost.runs[r].seconds > 0);
  }
  CHECK(cost.n_workers == 1 && cost.n_parallel == 1 && cost.worker_bytes == 0);
  eg_cost_free(&cost);
  eg_plan_free(plan);
  eg_study_free(study);
  eg_context_free(ctx);
}

int main(void) {
  test_bytes(ou);
  test_bytes(quadratic);
  test_bytes(rows);
  test_bytes(streamed);
  test_worker_bytes(ou);
  test_worker_bytes(quadratic);
  test_worker_bytes(rows);
  test_worker_bytes(streamed);
  test_table5(ou, "yny");       /* not the exact law */
  test_table5(quadratic, "nny"); /* the samples of sgd are Gaussian themselves; the flow has no noise */
  test_table5(rows, "nnnnyy");   /* rows and pairs draw no increments */
  test_times(ou);
  test_times(rows);
  test_times(streamed);
  test_many_tiles(ou);
  test_many_tiles(rows);
  return check_report();
}
