/* Known answers on the user's own machine: small studies whose accumulators have one hash everywhere, and whose means have
   an exact oracle. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "core/eg_math.h"
#include "ensgrad/run.h"
#include "run/run_loop.h"

typedef struct known_answer {
  const char *name;
  uint64_t hash; /* of the block sums, in block order; the same on every machine. Changed only with the layout version */
  const char *study;
} known_answer;

#define OBSERVE " observe: {at: {linear: 4}, features: [x, norm2, displacement2], statistics: [moments, covariance]}}"

static const known_answer answers[] = {
    {"ornstein-uhlenbeck, euler-maruyama, gaussian", 0xd424efe922c6f216ull,
     "{seed: 1, model: ornstein-uhlenbeck, start: {point: 1}, horizon: 2, time_step: 1/64, dynamics: sde,"
     " realisations: 65536," OBSERVE},
    {"ornstein-uhlenbeck, exact, gaussian64", 0x170529aaa2e760efull,
     "{seed: 2, model: ornstein-uhlenbeck, start: {normal: {mean: 0.5, std: 2}}, horizon: 2, time_step: 1/8,"
     " noise: gaussian64, dynamics: {name: sde, scheme: exact}, realisations: 65536,"
     " observe: {at: {linear: 4}, features: [x, norm2]}}"},
    {"geometric-brownian-motion, strang, table5", 0x83672c0e61e1ad3aull,
     "{seed: 3, model: {name: geometric-brownian-motion, mu: 0.1, sigma: 0.3}, start: {point: 1}, horizon: 1,"
     " time_step: 1/32, noise: table5, dynamics: {name: sde, scheme: strang}, realisations: 65536," OBSERVE},
    {"double-well, sgd, two-point", 0x5463ac54d643126bull,
     "{seed: 4, model: {name: double-well, sigma: 0.5}, start: {point: 0.1}, horizon: 2, learning_rate: 1/32,"
     " noise: two-point, dynamics: {name: sgd, batch_size: 2}, realisations: 65536," OBSERVE},
    {"quadratic, sgd, sme1, sme2, two points", 0x87ee660c1260dc12ull,
     "{seed: 5, model: {name: quadratic, curvature: [1, 0.5, 2], noise: 0.5, multiplicative: [0, 0.4, 0.2]},"
     " start: {points: [[1, -1, 0.5], [0, 2, 1]]}, horizon: 1, learning_rate: 1/16,"
     " dynamics: [{name: sgd, batch_size: 4}, {name: sme1, batch_size: 4, factor: symmetric-root},"
     " {name: sme2, batch_size: 4}], realisations: 65536,"
     " observe: {at: {linear: 4}, features: [x, norm2, loss, gradient_norm2]}}"},
};
enum { N_ANSWERS = sizeof answers / sizeof answers[0] };

static double attribute_number(const eg_labelled *file, const char *name) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, "/", name);
  return a != NULL && a->type == EG_TYPE_F64 && a->n == 1 ? *(const double *)a->data : NAN;
}

static eg_status hash_sums(eg_context *ctx, const eg_campaign *c, uint64_t *hash) {
  *hash = EG_HASH_START;
  for (size_t r = 0; r < c->plan->n_runs; r++) {
    size_t n = 0;
    double *blocks = NULL;
    EG_TRY(eg_merge_tree_blocks(ctx, &c->runs[r].tree, &n, &blocks));
    *hash = eg_hash_bytes(*hash, blocks, n * c->runs[r].tree.shape.values * sizeof *blocks);
    free(blocks);
  }
  return EG_OK;
}

/* The device that computes a row, and how long it may show no sign of life. */
typedef struct tested_device {
  eg_worker_place place;
  double timeout;
} tested_device;

static eg_status run_in_memory(eg_context *ctx, const eg_plan *plan, const tested_device *device, uint64_t *hash,
                               double *z, double *z_limit) {
  eg_campaign *campaign = NULL;
  eg_labelled *file = NULL;
  eg_loop_options options;
  memset(&options, 0, sizeof options);
  eg_worker_place place = device->place;
  options.places = &place;
  options.n_workers = 1;
  options.device_timeout = device->timeout;
  options.started = eg_now();
  options.snapshot_seconds = INFINITY;
  eg_status status = EG_OK;
  EG_TRY(eg_campaign_create(ctx, plan, &campaign));
  EG_TRY_DONE(eg_run_loop(ctx, campaign, &options));
  EG_TRY_DONE(hash_sums(ctx, campaign, hash));
  EG_TRY_DONE(eg_campaign_result(ctx, campaign, &file));
  *z = attribute_number(file, "z_largest");
  *z_limit = attribute_number(file, "z_limit");
done:
  eg_labelled_free(file);
  if (!eg_has_lost_device()) { /* its thread may still look there */
    eg_campaign_free(campaign);
  }
  return status;
}

static eg_status test_row(eg_context *ctx, const known_answer *answer, const tested_device *device, eg_text *text,
                          bool *passed) {
  eg_study *study = NULL;
  eg_plan *plan = NULL;
  uint64_t hash = 0;
  double z = NAN, z_limit = NAN;
  eg_status status = EG_OK;
  EG_TRY(eg_study_parse(ctx, "selftest", answer->study, strlen(answer->study), NULL, 0, &study));
  EG_TRY_DONE(eg_plan_create(ctx, study, &plan));
  EG_TRY_DONE(run_in_memory(ctx, plan, device, &hash, &z, &z_limit));
  const bool bits = hash == answer->hash;
  const bool means = isnan(z_limit) || z <= z_limit; /* no oracle: nothing to judge */
  *passed = bits && means;
  eg_text_append(text, "%-6s %-48s %-6s bits %016llx%s", device->place.backend->name, answer->name, *passed ? "ok" : "FAILED",
                 (unsigned long long)hash, bits ? "" : " (differ)");
  if (!isnan(z_limit)) {
    eg_text_append(text, ", largest |z| %.2f of %.2f", z, z_limit);
  }
  eg_text_append(text, "\n");
done:
  if (!eg_has_lost_device()) {
    eg_plan_free(plan);
  }
  eg_study_free(study);
  return status;
}

/* A row that the device cannot run is skipped and says so: a noise kind that is not compiled for it; on the CPU a stepper that is not
   linked in, where there is no compiler. The first row is linked in everywhere. */
static eg_status test_backend(eg_context *ctx, const eg_backend *backend, eg_text *text, int *failed) {
  const tested_device device = {{.backend = backend}, EG_DEVICE_TIMEOUT};
  for (size_t i = 0; i < N_ANSWERS; i++) {
    bool passed = false;
    const eg_status status = test_row(ctx, &answers[i], &device, text, &passed);
    if (status == EG_ERR_DEVICE && (i > 0 || backend != &eg_backend_cpu)) {
      eg_text_append(text, "%-6s %-48s skipped: %s\n", backend->name, answers[i].name, eg_context_message(ctx));
      continue;
    }
    EG_TRY(status);
    *failed += !passed;
  }
  return EG_OK;
}

eg_status eg_backend_verify(eg_context *ctx, const eg_backend *backend, int index, double device_timeout) {
  const tested_device device = {{.backend = backend, .index = index}, device_timeout};
  eg_text text = {0};
  bool passed = false;
  eg_status status = test_row(ctx, &answers[0], &device, &text, &passed);
  if (status == EG_OK && !passed) {
    status = eg_fail(ctx, EG_ERR_DEVICE, "the device gives wrong results on a known answer and is not used:\n%s",
                     eg_text_string(&text));
  }
  eg_text_free(&text);
  return status;
}

eg_status eg_selftest(eg_context *ctx, const char *backend, char **out) {
  const bool is_auto = strcmp(backend, "auto") == 0;
  const eg_backend *cuda = NULL;
  eg_text text = {0};
  int failed = 0;
  eg_status status = EG_OK;
  if (is_auto || strcmp(backend, "cpu") == 0) {
    EG_TRY_DONE(test_backend(ctx, &eg_backend_cpu, &text, &failed));
  }
  if (is_auto || strcmp(backend, "cuda") == 0) {
    status = eg_backend_cuda(ctx, &cuda);
    if (status == EG_OK) {
      EG_TRY_DONE(test_backend(ctx, cuda, &text, &failed));
    } else if (!is_auto) {
      goto done;
    } else {
      eg_text_append(&text, "cuda   skipped: %s\n", eg_context_message(ctx));
      status = EG_OK;
    }
  }
  if (text.is_broken || text.data == NULL) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_MEMORY, "out of memory"));
  }
  *out = text.data;
  return failed == 0 ? EG_OK : eg_fail(ctx, EG_ERR_CLAIM, "selftest: %d rows failed on this machine", failed);
done:
  eg_text_free(&text);
  return status;
}
