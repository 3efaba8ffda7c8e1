/* eg_run_study: from a study to a sealed file, starting or continuing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ensgrad/run.h"
#include "io/result_file.h"
#include "model/units.h"
#include "run/run_loop.h"

void eg_run_options_default(eg_run_options *options) {
  memset(options, 0, sizeof *options);
  options->backend = "auto";
  options->snapshot_seconds = 60;
}

typedef struct session {
  eg_campaign *campaign;
  const char *output;
  double started, wall_before;
  char device[160];
} session;

static eg_status write_file(eg_context *ctx, const session *s, eg_campaign *campaign) {
  eg_labelled *file = NULL;
  campaign->wall_seconds = s->wall_before + eg_now() - s->started;
  EG_TRY(eg_campaign_result(ctx, campaign, &file));
  const eg_status status = eg_result_write(ctx, file, s->output);
  eg_labelled_free(file);
  return status;
}

static eg_status snapshot(eg_context *ctx, void *user, eg_campaign *copy) {
  return write_file(ctx, user, copy);
}

static eg_status choose_backend(eg_context *ctx, const eg_study *study, const char *name, const eg_backend **backend) {
  if (strcmp(name, "cpu") == 0) {
    *backend = &eg_backend_cpu;
    return EG_OK;
  }
  if (strcmp(name, "cuda") == 0) {
    if (study->n_groups > 0) { /* said before a device is looked for */
      return eg_fail(ctx, EG_ERR_DEVICE, "groups are advanced on the CPU only so far; use --backend cpu or auto");
    }
    if (study->observe.n_monitors > 0) {
      return eg_fail(ctx, EG_ERR_DEVICE, "monitors are looked at on the CPU only so far; use --backend cpu or auto");
    }
    EG_TRY(eg_backend_cuda(ctx, backend));
    return eg_backend_verify(ctx, *backend);
  }
  if (strcmp(name, "auto") != 0) {
    return eg_fail(ctx, EG_ERR_USAGE, "unknown backend '%s'; allowed: auto, cpu, cuda", name);
  }
  /* auto: a GPU if there is one; what is missing is not an error then */
  if (eg_backend_cuda(ctx, backend) != EG_OK) {
    *backend = &eg_backend_cpu;
  } else if (eg_backend_verify(ctx, *backend) != EG_OK) { /* a GPU is trusted only after it gave the CPU's bits */
    eg_warn(ctx, "the GPU is not used: %s", eg_context_message(ctx));
    *backend = &eg_backend_cpu;
  }
  return EG_OK;
}

/* Every kernel of the plan is prepared once; those not compiled ahead are compiled here, before the first step. */
static eg_status prepare_all(eg_context *ctx, const eg_plan *plan, const eg_backend *backend) {
  eg_device *device = NULL;
  uint64_t tiles = 0;
  eg_status status = EG_OK;
  EG_TRY(backend->open(ctx, 0, &device));
  for (size_t r = 0; r < plan->n_runs && status == EG_OK; r++) {
    const eg_job *const last = r > 0 ? &plan->runs[r - 1].job : NULL;
    eg_job job = plan->runs[r].job;
    job.n_histograms = job.n_edges = job.n_counts = job.row_counts = 0; /* their grids may not be known yet */
    if (last == NULL || strcmp(job.stepper, last->stepper) != 0 || job.dim != last->dim) {
      status = backend->prepare(ctx, device, &job, &tiles);
    }
  }
  backend->close(device);
  return status;
}

/* A GPU that cannot serve this plan: an error if it was asked for, else the CPU, with a line that says why. */
static eg_status check_backend(eg_context *ctx, const eg_plan *plan, bool is_auto, const eg_backend **backend) {
  if (*backend != &eg_backend_cpu) {
    const eg_status status = prepare_all(ctx, plan, *backend);
    if (status != EG_ERR_DEVICE || !is_auto) {
      return status;
    }
    eg_warn(ctx, "the GPU is not used: %s", eg_context_message(ctx));
    *backend = &eg_backend_cpu;
  }
  if (*backend == &eg_backend_cpu && plan->study->noise == EG_NOISE_GAUSSIAN_FAST) {
    return eg_fail(ctx, EG_ERR_DEVICE,
                   "noise gaussian-fast exists on the GPU only; use gaussian, or a machine with a GPU");
  }
  return EG_OK;
}

static double wall_of(const eg_labelled *file) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, "/provenance", "wall_seconds");
  return a != NULL && a->type == EG_TYPE_F64 && a->n == 1 ? *(const double *)a->data : 0.0;
}

/* What lies at the output path: nothing, or a result of this study to continue. */
static eg_status open_output(eg_context *ctx, session *s, const eg_run_options *options) {
  bool exists = false;
  eg_labelled *file = NULL;
  EG_TRY(eg_result_probe_output(ctx, s->output, &exists));
  if (!exists || options->force) {
    return EG_OK;
  }
  EG_TRY(eg_result_read(ctx, s->output, &file));
  const eg_status status = eg_campaign_restore(ctx, s->campaign, file, s->output);
  s->wall_before = wall_of(file);
  eg_labelled_free(file);
  return status;
}

static double attribute_number(const eg_labelled *file, const char *name) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, "/", name);
  return a != NULL && a->type == EG_TYPE_F64 && a->n == 1 ? *(const double *)a->data : 0.0;
}

/* A finished study must also hold what it claims: few divergences, no z beyond the limit. */
static eg_status judge(eg_context *ctx, const session *s) {
  const eg_plan *const plan = s->campaign->plan;
  for (size_t r = 0; r < plan->n_runs; r++) {
    const double n = (double)plan->runs[r].job.n_realisations * (double)plan->n_points;
    const double bad = (double)s->campaign->runs[r].n_bad;
    if (bad > plan->study->diverged_limit * n) {
      return eg_fail(ctx, EG_ERR_CLAIM,
                     "%s: %.0f of %.0f trajectories of run '%s' became non-finite (%.3g %%); diverged_limit allows "
                     "%.3g %%. The file is complete; means over the survivors are conditional",
                     s->output, bad, n, plan->runs[r].description, 100 * bad / n, 100 * plan->study->diverged_limit);
    }
  }
  eg_labelled *file = NULL;
  EG_TRY(eg_result_read(ctx, s->output, &file));
  const double largest = attribute_number(file, "z_largest"), limit = attribute_number(file, "z_limit");
  eg_labelled_free(file);
  if (largest > limit) {
    return eg_fail(ctx, EG_ERR_CLAIM, "%s: the largest judged |z| is %.3g, beyond the limit %.3g (family-wise 1e-6): "
                                      "estimates and expected values contradict each other",
                   s->output, largest, limit);
  }
  return EG_OK;
}

/* Name the device for /provenance by opening one. */
static eg_status use_device(eg_context *ctx, session *s, const eg_backend *backend) {
  eg_device *device = NULL;
  EG_TRY(backend->open(ctx, 0, &device));
  (void)snprintf(s->device, sizeof s->device, "%s", backend->describe(device));
  backend->close(device);
  s->campaign->backend = backend->name;
  s->campaign->device = s->device;
  return EG_OK;
}

static eg_status advance(eg_context *ctx, session *s, const eg_backend *backend, const eg_run_options *options) {
  eg_loop_options loop;
  memset(&loop, 0, sizeof loop);
  loop.backend = backend;
  loop.n_workers = eg_worker_count(backend, options->threads);
  loop.started = s->started;
  loop.max_time = options->max_time;
  loop.snapshot_seconds = options->snapshot_seconds > 0 ? options->snapshot_seconds : 60;
  loop.stop = options->stop;
  loop.snapshot = snapshot;
  loop.snapshot_user = s;
  loop.progress = options->progress;
  loop.user = options->user;
  s->campaign->threads = loop.n_workers;
  eg_status status = eg_run_loop(ctx, s->campaign, &loop);
  const bool may_change = strcmp(options->backend, "auto") == 0 && backend != &eg_backend_cpu &&
                          s->campaign->plan->study->noise != EG_NOISE_GAUSSIAN_FAST;
  if (status == EG_ERR_DEVICE && may_change) { /* the bits are the same there */
    eg_warn(ctx, "the GPU failed, the CPU goes on: %s", eg_context_message(ctx));
    loop.backend = &eg_backend_cpu;
    loop.n_workers = eg_worker_count(loop.backend, options->threads);
    s->campaign->threads = loop.n_workers;
    EG_TRY(use_device(ctx, s, loop.backend));
    status = eg_run_loop(ctx, s->campaign, &loop);
  }
  if (status != EG_OK && status != EG_STOPPED) {
    return status; /* what the last snapshot holds stays */
  }
  EG_TRY(write_file(ctx, s, s->campaign));
  if (status == EG_STOPPED) {
    return eg_fail(ctx, EG_STOPPED, "stopped early; %s holds what is done, and the same command continues", s->output);
  }
  return EG_OK;
}

eg_status eg_run_study(eg_context *ctx, const eg_study *study, const eg_run_options *options) {
  session s;
  memset(&s, 0, sizeof s);
  s.output = options->output;
  s.started = eg_now();
  eg_plan *plan = NULL;
  const eg_backend *backend = NULL;
  const bool is_auto = strcmp(options->backend, "auto") == 0;
  eg_status status = EG_OK;
  EG_TRY_DONE(choose_backend(ctx, study, options->backend, &backend));
  EG_TRY_DONE(eg_plan_create(ctx, study, &plan));
  EG_TRY_DONE(check_backend(ctx, plan, is_auto, &backend));
  EG_TRY_DONE(eg_campaign_create(ctx, plan, &s.campaign));
  EG_TRY_DONE(open_output(ctx, &s, options));
  EG_TRY_DONE(use_device(ctx, &s, backend));
  s.campaign->command_line = options->command_line;
  const bool was_complete = eg_campaign_is_complete(s.campaign);
  if (!was_complete) {
    EG_TRY_DONE(advance(ctx, &s, backend, options));
  }
  status = judge(ctx, &s);
done:
  eg_campaign_free(s.campaign);
  eg_plan_free(plan);
  return status;
}
