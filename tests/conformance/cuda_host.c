/*
 * The plug-in's host code on a device that is played (fake_cudart.c, fake_streams.h): launches that overlap in every
 * order give the CPU's bits, each wait that is left out is noticed, a stop leaves nothing under way, and every failure
 * of the runtime ends in a status and a message. ENSGRAD_TEST_PLUGIN names the folder of the plug-in.
 */
#include <unistd.h>

#include "backend/backend.h"
#include "trajectories.h"

/* Many tiles in several batches, records in several launches. */
static const char study[] =
    "seed: 5\nmodel: ornstein-uhlenbeck\nstart: {points: [[0.5], [1]]}\ntime_step: 1/16\nsteps: 60\n"
    "dynamics: {name: sde, scheme: euler-maruyama}\nrealisations: 20000\n"
    "observe: {at: {linear: 30}, features: [x, norm2], statistics: [moments, covariance],\n"
    "  histograms: [{feature: x, low: -1, high: 2}], keep: {realisations: 1100}}\n";

/* What has buffers of its own: a warp to work in and matrices; monitors; permutations; sums of particles; paths, streamed ones too; a group. */
static const char *const others[] = {
    "seed: 5\nmodel: {name: linear-regression, data: data/diabetes.h5}\nform: team\nstart: {points: [[0.5], [1]]}\n"
    "learning_rate: 1/16\nsteps: 12\ndynamics: gradient-flow\nrealisations: 300\n"
    "observe: {at: {linear: 3}, features: [x, norm2], histograms: [{feature: norm2, low: 0, high: 2}], keep: {realisations: 5}}\n",
    "seed: 5\nmodel: ornstein-uhlenbeck\nstart: {points: [[0.5], [1]]}\ntime_step: 1/16\nsteps: 40\n"
    "dynamics: {name: sde, scheme: euler-maruyama}\nrealisations: 9000\n"
    "observe: {at: {linear: 10}, features: [x], monitors: [{name: m, feature: x0, operation: maximum}],\n"
    "  histograms: [{feature: x, low: -1, high: 2}], keep: {realisations: 5}}\n",
    "seed: 5\nmodel: {name: linear-regression, data: data/diabetes.h5, columns: [1, 2, 3]}\nstart: {points: [[0.5], [1]]}\n"
    "learning_rate: 1/16\nsteps: 12\ndynamics: {name: sgd, batch_size: 7, sampling: shuffle, momentum: 0.5}\n"
    "realisations: 500\nobserve: {at: {linear: 3}, features: [x], histograms: [{feature: x, low: -1, high: 2}], "
    "keep: {realisations: 5}}\n",
    "seed: 5\nmodel: {name: mean-field-linear, data: data/diabetes.h5, columns: [2], particles: 300}\nstart: {point: 0.5}\n"
    "learning_rate: 1/16\nsteps: 12\ndynamics: {name: sgd, batch_size: 7}\nrealisations: 100\n"
    "observe: {at: {linear: 3}, features: [x], histograms: [{feature: x, low: -1, high: 2}], keep: {realisations: 5}}\n",
    "seed: 5\nmodel: ornstein-uhlenbeck\nstart: {points: [[0.5], [1]]}\ntime_step: 1/16\nsteps: 40\n"
    "dynamics: {name: sde, scheme: euler-maruyama}\nrealisations: 9000\n"
    "observe: {at: {linear: 10}, features: [x], histograms: [{feature: x, low: -1, high: 2}], keep: {realisations: 5},\n"
    "  paths: [{statistic: time-averaged-msd, lags: [4, 8], histogram: true}, {statistic: m-point}, "
    "{statistic: tail, feature: x0, largest: 100}, {statistic: correlator, feature: x0}, "
    "{statistic: time-average, feature: x0, every: 2}]}\n",
    "seed: 5\nmodel: ornstein-uhlenbeck\nstart: {points: [[0.5], [1]]}\nhorizon: 2\n"
    "time_step: 1/16\ndynamics:\n  - {name: sde, scheme: euler-maruyama, label: a}\n  - {name: sde, scheme: euler-maruyama, label: b, substeps: 3}\n"
    "  - {name: sde, scheme: strang, label: c, substeps: 3}\ngroups: [{label: g, members: [a, b, c]}]\nrealisations: 5000\n"
    "observe: {at: {linear: 4}, features: [x], histograms: [{feature: x, low: -1, high: 2}], keep: {realisations: 5},\n"
    "  paths: [{statistic: m-point}, {statistic: tail, feature: x0, largest: 100}]}\n"};

static void set(const char *name, const char *value) {
  MUST(value != NULL ? setenv(name, value, 1) == 0 : unsetenv(name) == 0, "environment");
}

static size_t members_of(const eg_job *job) {
  return job->group == NULL ? 1 : job->group->n_members;
}

typedef struct tiles {
  eg_status status;
  char message[1024];
  double *nodes; /* (n_tiles, eg_job_result_values) */
  uint64_t *counts;
  double *paths;
} tiles;

static void free_tiles(tiles t) {
  free(t.nodes);
  free(t.counts);
  free(t.paths);
}

static eg_status advance_all(eg_context *ctx, const eg_backend *backend, eg_device *device, const eg_job *job,
                             const volatile int *stop, const tiles *t) {
  uint64_t at_once = 0;
  EG_TRY(backend->prepare(ctx, device, job, &at_once));
  eg_tile_result *const results = calloc(at_once, sizeof *results);
  MUST(at_once >= 1 && results != NULL, "no memory");
  eg_status status = EG_OK;
  for (uint64_t first = 0; first < job->n_tiles && status == EG_OK; first += at_once) {
    const uint64_t n = job->n_tiles - first < at_once ? job->n_tiles - first : at_once;
    for (uint64_t i = 0; i < n; i++) {
      results[i].node = t->nodes + (first + i) * eg_job_result_values(job);
      results[i].counts = t->counts;
      results[i].paths = t->paths;
    }
    status = backend->advance(ctx, device, first, n, stop, results);
    for (uint64_t i = 0; i < n; i++) {
      free(results[i].bad);
      results[i].bad = NULL;
    }
  }
  free(results);
  return status;
}

static tiles run_tiles(const eg_backend *backend, const eg_job *job, const volatile int *stop) {
  eg_context *const ctx = eg_context_create();
  eg_device *device = NULL;
  tiles t = {EG_OK, "", calloc(job->n_tiles * eg_job_result_values(job), sizeof(double)),
             calloc(members_of(job) * job->n_counts, sizeof(uint64_t)), calloc(members_of(job) * eg_job_path_values(job), sizeof(double))};
  MUST(ctx != NULL && t.nodes != NULL && t.counts != NULL && t.paths != NULL, "no memory");
  const eg_backend *found = backend;
  t.status = backend == NULL ? eg_backend_cuda(ctx, &found) : EG_OK; /* NULL: the plug-in, opened here */
  if (t.status == EG_OK) {
    t.status = found->open(ctx, 0, &device);
  }
  if (t.status == EG_OK) {
    t.status = advance_all(ctx, found, device, job, stop, &t);
    found->close(device);
  }
  (void)snprintf(t.message, sizeof t.message, "%s", eg_context_message(ctx));
  eg_context_free(ctx);
  return t;
}

/* 1: the CPU's bits; 0: others, or a failure. */
static int is_right(const eg_job *job, const tiles *want) {
  const volatile int stop = 0;
  const tiles got = run_tiles(NULL, job, &stop);
  const int is_same = got.status == EG_OK &&
                      memcmp(got.nodes, want->nodes, job->n_tiles * eg_job_result_values(job) * sizeof(double)) == 0 &&
                      memcmp(got.counts, want->counts, members_of(job) * job->n_counts * sizeof *got.counts) == 0 &&
                      memcmp(got.paths, want->paths, members_of(job) * eg_job_path_values(job) * sizeof *got.paths) == 0;
  free_tiles(got);
  return is_same;
}

static void orders_and_waits(const eg_job *job, const tiles *want) {
  static const char *const orders[] = {"concurrent", "steps", "statistics"};
  static const struct {
    const char *order, *left_out;
  } controls[] = {{"steps", "stepping"}, {"statistics", "statistics"}, {"steps", "host"}, {"statistics", "host"},
                  {"steps", "inputs"}};
  for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
    set("ENSGRAD_FAKE_ORDER", orders[i]);
    CHECK(is_right(job, want));
  }
  for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++) { /* each must be noticed */
    set("ENSGRAD_FAKE_ORDER", controls[i].order);
    set("ENSGRAD_FAKE_BREAK", controls[i].left_out);
    const int is_noticed = !is_right(job, want);
    CHECK(is_noticed);
    printf("without waits of '%s', order '%s': %s\n", controls[i].left_out, controls[i].order,
           is_noticed ? "noticed" : "NOT NOTICED");
    set("ENSGRAD_FAKE_BREAK", NULL);
  }
  set("ENSGRAD_FAKE_ORDER", NULL);
}

static void stops(const eg_job *job, const tiles *want) {
  const volatile int stop = 1;
  const tiles got = run_tiles(NULL, job, &stop);
  CHECK(got.status == EG_STOPPED);
  free_tiles(got);
  CHECK(is_right(job, want));
}

/* The first, second, .. call of a kind fails, until none is left that could; returns how many did. */
static int fail_each(const eg_job *job, const tiles *want, const char *kind, const char *message) {
  const volatile int stop = 0;
  for (int n = 1; n < 2000; n += n < 12 ? 1 : n / 4) { /* the later ones are like each other */
    char fault[64];
    (void)snprintf(fault, sizeof fault, "%s:%d", kind, n);
    set("ENSGRAD_FAKE_FAULT", fault);
    const tiles got = run_tiles(NULL, job, &stop);
    set("ENSGRAD_FAKE_FAULT", NULL);
    const int is_over = got.status == EG_OK;
    if (!is_over) {
      CHECK(got.status == EG_ERR_DEVICE);
      CHECK_HAS(got.message, message);
    }
    free_tiles(got);
    if (is_over) {
      return n - 1; /* about, beyond the twelfth */
    }
    if (n < 3) {
      CHECK(is_right(job, want)); /* the plug-in goes on as if nothing had been */
    }
  }
  return 2000;
}

static void faults(const eg_job *job, const tiles *want) {
  set("ENSGRAD_FAKE_ORDER", "statistics");
  CHECK(fail_each(job, want, "devices", "no GPU is visible") >= 2);
  CHECK(fail_each(job, want, "load", "compute capability 8.0") == 2);
  CHECK(fail_each(job, want, "malloc", "the GPU's memory is full") >= 10);
  CHECK(fail_each(job, want, "host", "the GPU's memory is full") == 6);
  CHECK(fail_each(job, want, "launch", "starting the ") >= 20);
  CHECK(fail_each(job, want, "kernel", "a kernel failed") >= 20);
  set("ENSGRAD_FAKE_FAULT", "copy:1");
  CHECK(!is_right(job, want)); /* nothing here can know: eg_backend_verify is what looks */
  set("ENSGRAD_FAKE_FAULT", NULL);
  CHECK(is_right(job, want));
  set("ENSGRAD_FAKE_ORDER", NULL);
}

/* The memory that `ensgrad check` asks for is what the plug-in takes: a device with a little more is enough, with less it is not. */
static void memory(const eg_job *job, const tiles *want) {
  const double least = eg_backend_cuda_need(job).least;
  char text[32];
  (void)snprintf(text, sizeof text, "%.0f", least + 16384); /* small inputs: features, start, places */
  set("ENSGRAD_FAKE_FREE", text);
  CHECK(is_right(job, want));
  printf("%s, %s: a tile takes %.0f bytes of GPU memory\n", job->model, job->stepper, least);
  (void)snprintf(text, sizeof text, "%.0f", 0.97 * least);
  set("ENSGRAD_FAKE_FREE", text);
  const volatile int stop = 0;
  const eg_backend *cuda = NULL;
  eg_context *const ctx = eg_context_create();
  MUST(eg_backend_cuda(ctx, &cuda) == EG_OK, eg_context_message(ctx));
  const tiles refused = run_tiles(cuda, job, &stop);
  CHECK(refused.status == EG_ERR_DEVICE);
  CHECK_HAS(refused.message, "of GPU memory and ");
  free_tiles(refused);
  eg_context_free(ctx);
  set("ENSGRAD_FAKE_FREE", NULL);
}

/* The other forms: in every order, and through failures of their own. */
static void other_forms(void) {
  const volatile int stop = 0;
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    const planned p = plan_text("study.yaml", others[i]);
    const eg_job *const job = &p.plan->runs[0].job;
    const tiles want = run_tiles(&eg_backend_cpu, job, &stop);
    MUST(want.status == EG_OK, want.message);
    CHECK(is_right(job, &want));
    set("ENSGRAD_FAKE_ORDER", "steps");
    CHECK(is_right(job, &want));
    set("ENSGRAD_FAKE_ORDER", "statistics");
    CHECK(is_right(job, &want));
    memory(job, &want);
    CHECK(fail_each(job, &want, "malloc", "the GPU's memory is full") >= 12);
    CHECK(fail_each(job, &want, "kernel", "a kernel failed") >= 3);
    set("ENSGRAD_FAKE_ORDER", NULL);
    free_tiles(want);
    plan_free(p);
  }
}

int main(void) {
  const char *const folder = getenv("ENSGRAD_TEST_PLUGIN");
  if (folder == NULL) {
    printf("skipped: ENSGRAD_TEST_PLUGIN is not set\n");
    return 77;
  }
  set("ENSGRAD_PLUGIN_PATH", folder);
  const volatile int stop = 0;
  const planned p = plan_text("study.yaml", study);
  const eg_job *const job = &p.plan->runs[0].job;
  const tiles want = run_tiles(&eg_backend_cpu, job, &stop);
  MUST(want.status == EG_OK && job->n_tiles >= 5, want.message);
  orders_and_waits(job, &want);
  stops(job, &want);
  memory(job, &want);
  faults(job, &want);
  other_forms();
  free_tiles(want);
  plan_free(p);
  return check_report();
}
