#include "run/devices.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/units.h"
#include "run/tile_queue.h"

typedef enum wanted { CPU, CUDA, AUTO, ALL, N_WANTED } wanted;
static const char *const names[N_WANTED] = {"cpu", "cuda", "auto", "all"};

static eg_status read_wanted(eg_context *ctx, const eg_run_options *options, wanted *w) {
  for (int i = 0; i < N_WANTED; i++) {
    if (strcmp(options->backend, names[i]) == 0) {
      *w = (wanted)i;
      if (*w == CPU && options->n_devices > 0) {
        return eg_fail(ctx, EG_ERR_USAGE, "GPUs are named, but the backend is cpu; allowed with them: auto, cuda, all");
      }
      return EG_OK;
    }
  }
  return eg_fail(ctx, EG_ERR_USAGE, "unknown backend '%s'; allowed: auto, cpu, cuda, all", options->backend);
}

/* All that are visible, or those that are named. */
static eg_status list_gpus(eg_context *ctx, const eg_run_options *options, const eg_backend *cuda, int **list, int *n) {
  *n = (int)options->n_devices;
  if (options->n_devices == 0) {
    EG_TRY(cuda->count(ctx, n));
  }
  EG_TRY(eg_allocate(ctx, (size_t)*n, sizeof **list, list));
  for (int i = 0; i < *n; i++) {
    (*list)[i] = options->n_devices > 0 ? options->devices[i] : i;
  }
  return EG_OK;
}

static void leave_out(eg_context *ctx, int index, int n) {
  if (n == 1) {
    eg_warn(ctx, "the GPU is not used: %s", eg_context_message(ctx));
  } else {
    eg_warn(ctx, "GPU %d is not used: %s", index, eg_context_message(ctx));
  }
}

/* A GPU is trusted only after it gave the CPU's bits. */
static eg_status verify(eg_context *ctx, const eg_run_options *options, bool is_needed, int *list, int n, eg_devices *d) {
  eg_status status = EG_OK;
  for (int i = 0; i < n; i++) {
    const int index = list[i];
    status = eg_backend_verify(ctx, d->backend, index, options->device_timeout);
    if (status == EG_OK) {
      list[d->n++] = index;
      continue;
    }
    if (is_needed && (n == 1 || options->n_devices > 0)) {
      return status;
    }
    leave_out(ctx, index, n);
  }
  return is_needed && d->n == 0 ? status : EG_OK;
}

eg_status eg_devices_find(eg_context *ctx, const eg_study *study, const eg_run_options *options, eg_devices *d) {
  wanted w = AUTO;
  int n = 0;
  memset(d, 0, sizeof *d);
  EG_TRY(read_wanted(ctx, options, &w));
  d->may_change = w == AUTO && study->noise != EG_NOISE_GAUSSIAN_FAST;
  d->has_cpu = w == CPU || w == ALL;
  if (w == CPU) {
    return EG_OK;
  }
  eg_status status = eg_backend_cuda(ctx, &d->backend);
  status = status == EG_OK ? list_gpus(ctx, options, d->backend, &d->indices, &n) : status;
  status = status == EG_OK ? verify(ctx, options, w == CUDA, d->indices, n, d) : status;
  if (status != EG_OK && (w == CUDA || (w == ALL && options->n_devices > 0))) {
    return status;
  }
  if (status != EG_OK && w == ALL) {
    eg_warn(ctx, "the CPU computes alone: %s", eg_context_message(ctx));
  }
  if (d->n == 0) { /* what is missing is not an error then */
    eg_devices_change(d);
  }
  return EG_OK;
}

/* Do jobs have one kernel on a device? */
static bool is_same_kernel(const eg_job *a, const eg_job *b) {
  return strcmp(a->stepper, b->stepper) == 0 && a->dim == b->dim && a->launch.sampling == b->launch.sampling &&
         (a->launch.noise_ratio > 1) == (b->launch.noise_ratio > 1);
}

/* Runs r and q, each with its group. */
static bool are_same_kernels(const eg_plan *plan, size_t r, size_t q) {
  const size_t n = eg_n_together(plan, r);
  bool is_same = n == eg_n_together(plan, q);
  for (size_t i = 0; i < n && is_same; i++) {
    is_same = is_same_kernel(&plan->runs[eg_together(plan, r, i)].job, &plan->runs[eg_together(plan, q, i)].job);
  }
  return is_same;
}

/* Run r with its group, without histograms: their grids may not be known yet. */
static eg_status prepare_run(eg_context *ctx, const eg_plan *plan, size_t r, const eg_backend *backend, eg_device *device) {
  const size_t n = eg_n_together(plan, r);
  eg_job_group group;
  eg_job *jobs = NULL;
  const eg_job **members = NULL;
  uint64_t tiles = 0;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *jobs, &jobs));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *members, &members));
  for (size_t i = 0; i < n; i++) {
    jobs[i] = plan->runs[eg_together(plan, r, i)].job;
    jobs[i].n_histograms = jobs[i].n_edges = jobs[i].n_counts = jobs[i].row_counts = 0;
    members[i] = &jobs[i];
    if (jobs[i].group != NULL) {
      group = (eg_job_group){members, n, jobs[i].group->bases};
      jobs[i].group = &group;
    }
  }
  status = backend->prepare(ctx, device, jobs, &tiles);
done:
  free(members);
  free(jobs);
  return status;
}

/* Every kernel of the plan is prepared once; those not compiled ahead are compiled here, before the first step. */
static eg_status prepare_all(eg_context *ctx, const eg_plan *plan, const eg_devices *d) {
  eg_device *device = NULL;
  size_t last = plan->n_runs;
  eg_status status = EG_OK;
  EG_TRY(d->backend->open(ctx, d->indices[0], &device));
  for (size_t r = 0; r < plan->n_runs && status == EG_OK; r++) {
    if (eg_plan_is_leader(plan, r) && (last == plan->n_runs || !are_same_kernels(plan, r, last))) {
      status = prepare_run(ctx, plan, r, d->backend, device);
      last = r;
    }
  }
  d->backend->close(device);
  return status;
}

/* CPU kernels that are not linked in are compiled now: a run does not fail later for want of a compiler. */
static eg_status compile_all(eg_context *ctx, const eg_plan *plan) {
  const eg_cpu_kernels *kernels = NULL;
  const eg_unit *unit = NULL;
  const eg_unit_stepper *stepper = NULL;
  EG_TRY(eg_cpu_kernels_choose(ctx, &kernels));
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_unit_request request = eg_job_unit(&plan->runs[r].job, kernels->isa);
    const bool is_built_in = plan->runs[r].job.model_file == NULL; /* a user's was compiled with the plan */
    if (is_built_in && !eg_unit_is_linked(&request)) {
      EG_TRY(eg_unit_obtain(ctx, &request, &unit, &stepper));
    }
  }
  return EG_OK;
}

eg_status eg_devices_fit(eg_context *ctx, const eg_plan *plan, eg_devices *d) {
  if (d->n > 0) {
    const eg_status status = prepare_all(ctx, plan, d);
    if (status != EG_OK && (status != EG_ERR_DEVICE || (!d->may_change && !d->has_cpu))) {
      return status;
    }
    if (status != EG_OK) {
      leave_out(ctx, d->indices[0], 1);
      eg_devices_change(d);
    }
  }
  if (d->has_cpu && plan->study->noise == EG_NOISE_GAUSSIAN_FAST) {
    return eg_fail(ctx, EG_ERR_DEVICE,
                   "noise gaussian-fast exists on the GPU only; use gaussian, or a machine with a GPU%s",
                   d->n > 0 ? " and --backend cuda" : "");
  }
  return d->has_cpu ? compile_all(ctx, plan) : EG_OK;
}

void eg_devices_change(eg_devices *d) {
  d->n = 0;
  d->has_cpu = true;
}

void eg_devices_free(eg_devices *d) {
  free(d->indices);
  memset(d, 0, sizeof *d);
}

int eg_devices_cpu_workers(const eg_devices *d, int threads) {
  const int n = d->has_cpu ? eg_cpu_workers(threads) : 0;
  return threads == 0 && d->n > 0 && n > 0 ? (n > d->n ? n - d->n : 1) : n;
}

eg_status eg_devices_places(eg_context *ctx, const eg_devices *d, int threads, eg_worker_place **places, int *n_places) {
  const int n_cpu = eg_devices_cpu_workers(d, threads);
  EG_TRY(eg_allocate(ctx, (size_t)(d->n + n_cpu), sizeof **places, places));
  for (int i = 0; i < d->n; i++) {
    (*places)[i] = (eg_worker_place){.backend = d->backend, .index = d->indices[i], .is_checked = true};
  }
  for (int i = 0; i < n_cpu; i++) {
    (*places)[d->n + i] = (eg_worker_place){.backend = &eg_backend_cpu, .index = i};
  }
  *n_places = d->n + n_cpu;
  return EG_OK;
}

const char *eg_devices_name(const eg_devices *d) {
  return d->n == 0 ? "cpu" : d->has_cpu ? "cuda+cpu" : "cuda";
}

static void append_same(eg_text *text, const eg_text *words, int n) {
  if (n > 1) {
    eg_text_append(text, "%d x ", n);
  }
  eg_text_append(text, "%s", eg_text_string(words));
}

/* Take in what a device says of itself; `last` and *n_same: what the ones before it said last, and how many of them. */
static eg_status describe_device(eg_context *ctx, const eg_backend *backend, int index, eg_text *text, eg_text *last, int *n_same) {
  eg_device *device = NULL;
  EG_TRY(backend->open(ctx, index, &device));
  const char *const words = backend->describe(device);
  if (strcmp(words, eg_text_string(last)) == 0) {
    (*n_same)++;
  } else {
    if (*n_same > 0) {
      append_same(text, last, *n_same);
      eg_text_append(text, "; ");
    }
    eg_text_free(last);
    memset(last, 0, sizeof *last);
    eg_text_append(last, "%s", words);
    *n_same = 1;
  }
  backend->close(device);
  return EG_OK;
}

eg_status eg_devices_describe(eg_context *ctx, const eg_devices *d, char **line) {
  eg_text text = {0}, last = {0};
  int n_same = 0;
  eg_status status = EG_OK;
  for (int i = 0; i < d->n && status == EG_OK; i++) {
    status = describe_device(ctx, d->backend, d->indices[i], &text, &last, &n_same);
  }
  if (d->has_cpu && status == EG_OK) {
    status = describe_device(ctx, &eg_backend_cpu, 0, &text, &last, &n_same);
  }
  append_same(&text, &last, n_same);
  if (status == EG_OK) {
    status = text.is_broken ? eg_fail(ctx, EG_ERR_MEMORY, "out of memory") : eg_copy_string(ctx, eg_text_string(&text), line);
  }
  eg_text_free(&text);
  eg_text_free(&last);
  return status;
}
