/* The tiles of a study on the CUDA backend and on the CPU: nodes (of a group those of its members and of their differences), counts, kept
   paths and lists of failed trajectories must have the same bits; NaN is NaN. Included once by a test. */
#ifndef EG_TESTS_CUDA_BITS_H
#define EG_TESTS_CUDA_BITS_H

#include "backend/backend.h"
#include "trajectories.h"

static char folder[] = "/tmp/ensgrad-test-XXXXXX"; /* of the test's files */

typedef struct tiles {
  size_t n;
  eg_tile_result *results;
  uint64_t *counts;
  double *paths;
} tiles;

static size_t members_of(const eg_job *job) {
  return job->group == NULL ? 1 : job->group->n_members;
}

static int n_without_compiler; /* jobs that could not be compiled, for want of NVRTC */

/* n 0: there is no NVRTC. */
static tiles run_tiles(const eg_backend *backend, const eg_job *job) {
  const volatile int stop = 0;
  uint64_t at_once = 0;
  eg_device *device = NULL;
  eg_context *const ctx = eg_context_create();
  tiles t = {job->n_tiles, calloc(job->n_tiles, sizeof *t.results), calloc(members_of(job) * job->n_counts + 1, sizeof *t.counts),
             calloc(members_of(job) * eg_job_path_values(job) + 1, sizeof *t.paths)};
  MUST(ctx != NULL && t.results != NULL && t.counts != NULL && t.paths != NULL, "no memory");
  MUST(backend->open(ctx, 0, &device) == EG_OK, eg_context_message(ctx));
  const eg_status prepared = backend->prepare(ctx, device, job, &at_once);
  if (prepared != EG_OK && strstr(eg_context_message(ctx), "there is no NVRTC") != NULL) {
    n_without_compiler++;
    backend->close(device);
    eg_context_free(ctx);
    t.n = 0;
    return t;
  }
  MUST(prepared == EG_OK, eg_context_message(ctx));
  CHECK(at_once >= 1);
  for (size_t i = 0; i < t.n; i++) {
    t.results[i].node = calloc(eg_job_result_values(job), sizeof(double));
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

/* Numbers that differ. */
static size_t n_different(const double *a, const double *b, size_t n) {
  size_t different = 0;
  for (size_t i = 0; i < n; i++) {
    different += memcmp(&a[i], &b[i], sizeof *a) != 0 && !(a[i] != a[i] && b[i] != b[i]);
  }
  return different;
}

/* What differs between two makers of the same tiles. */
typedef struct differences {
  size_t nodes, lists, counts, paths;
} differences;

static differences differ(const eg_job *job, const tiles *want, const tiles *got) {
  differences n = {0, 0, 0, n_different(want->paths, got->paths, members_of(job) * eg_job_path_values(job))};
  for (size_t i = 0; i < want->n; i++) {
    const eg_tile_result *const a = &want->results[i], *const b = &got->results[i];
    n.nodes += n_different(a->node, b->node, eg_job_result_values(job)) > 0;
    n.lists += a->n_bad != b->n_bad;
    for (size_t k = 0; k < a->n_bad && k < b->n_bad; k++) {
      n.lists += a->bad[k].realisation != b->bad[k].realisation || a->bad[k].step != b->bad[k].step ||
                 a->bad[k].point != b->bad[k].point || a->bad[k].member != b->bad[k].member;
    }
  }
  for (size_t i = 0; i < members_of(job) * job->n_counts; i++) {
    n.counts += want->counts[i] != got->counts[i];
  }
  return n;
}

static void compare_job(const eg_backend *cuda, const eg_run *run) {
  const eg_job *const job = &run->job;
  const tiles got = run_tiles(cuda, job);
  if (got.n == 0) {
    free_tiles(got);
    return;
  }
  const tiles want = run_tiles(&eg_backend_cpu, job);
  const differences n = differ(job, &want, &got);
  size_t n_bad = 0, counted = 0;
  for (size_t i = 0; i < want.n; i++) {
    n_bad += want.results[i].n_bad;
  }
  if (n.nodes + n.lists + n.counts + n.paths > 0) {
    fprintf(stderr, "%s (%s, noise %d): %zu of %zu nodes, %zu lists, %zu of %zu counts, %zu kept values differ (%zu failed trajectories)\n",
            run->description, job->stepper, job->kind, n.nodes, want.n, n.lists, n.counts, job->n_counts, n.paths, n_bad);
  }
  for (size_t i = 0; i < members_of(job) * job->n_counts; i++) {
    counted += want.counts[i] > 0;
  }
  CHECK(job->n_counts == 0 || counted > 0);
  CHECK(n.counts == 0);
  CHECK(n.paths == 0);
  CHECK(n.nodes == 0);
  CHECK(n.lists == 0);
  free_tiles(want);
  free_tiles(got);
}

static void compare_text(const eg_backend *cuda, const char *text) {
  char name[64];
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  const planned p = plan_text(name, text);
  for (size_t i = 0; i < p.plan->n_runs; i++) {
    if (eg_plan_is_leader(p.plan, i)) {
      compare_job(cuda, &p.plan->runs[i]);
    }
  }
  plan_free(p);
}

/* Calls `compare` where there is a GPU, or one is played (ENSGRAD_TEST_PLUGIN); removes the test's files and folder. The exit code of
   the test, 77: there was none. */
static int run_with_cuda(void (*compare)(const eg_backend *cuda), const char *const *files, size_t n_files) {
  const eg_backend *cuda = NULL;
  const char *const chosen = getenv("ENSGRAD_TEST_PLUGIN");
  eg_context *const ctx = eg_context_create();
  MUST(ctx != NULL, "no memory");
  MUST(chosen == NULL || setenv("ENSGRAD_PLUGIN_PATH", chosen, 1) == 0, "environment");
  const eg_status status = eg_backend_cuda(ctx, &cuda);
  if (status == EG_OK) {
    compare(cuda);
    if (n_without_compiler > 0) {
      printf("%d runs left out: there is no NVRTC to compile them\n", n_without_compiler);
    }
  } else {
    CHECK(status == EG_ERR_DEVICE);
    printf("no GPU to compare with: %s\n", eg_context_message(ctx));
  }
  eg_context_free(ctx);
  for (size_t i = 0; i < n_files; i++) {
    (void)unlink(files[i]);
  }
  (void)rmdir(folder);
  const int failed = check_report();
  return failed != 0 ? failed : status == EG_OK ? 0 : 77;
}

#endif
