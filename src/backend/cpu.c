/* The CPU backend: one device is one worker thread with its buffers. */
#include <stdlib.h>
#include <string.h>

#include "backend/cpu_bytes.h"
#include "backend/cpu_blocks.h"
#include "backend/fractional.h"
#include "core/noise.h"
#include "core/permutation.h"
#include "core/rows.h"
#include "model/compiled_units.h"
#include "model/units.h"
#include "model/user_model.h"
#include "stats/largest.h"
#include "stats/moments.h"

/* Page-aligned and zeroed, and counted. */
static eg_status reserve(eg_context *ctx, size_t *bytes, size_t count, size_t size, void *out_pointer) {
  EG_TRY(eg_allocate_pages(ctx, count, size, out_pointer));
  *bytes += count * size;
  return EG_OK;
}

static void close_device(eg_device *d);

static void release_members(eg_device *d) {
  for (size_t i = 1; d->members != NULL && i < d->n_members; i++) {
    close_device(d->members[i]);
  }
  free(d->members);
  d->members = NULL;
  d->n_members = 0;
}

static void release_permutation(eg_thread *thread) {
  if (thread->permutation != NULL) {
    free(thread->permutation->order);
    free(thread->permutation->chosen);
    free(thread->permutation);
    thread->permutation = NULL;
  }
}

/* The shuffle of a run that draws without replacement, at the identity. */
static eg_status make_permutation(eg_context *ctx, const eg_job *job, eg_thread *thread) {
  const size_t n = job->launch.n_rows;
  if (job->launch.sampling == EG_SAMPLE_REPLACEMENT) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, 1, sizeof *thread->permutation, &thread->permutation));
  EG_TRY(eg_allocate(ctx, n * EG_LANES, sizeof(uint16_t), &thread->permutation->order));
  EG_TRY(eg_allocate(ctx, n * EG_LANES, sizeof(uint16_t), &thread->permutation->chosen));
  for (size_t i = 0; i < n * EG_LANES; i++) {
    thread->permutation->order[i] = (uint16_t)(i / EG_LANES);
  }
  return EG_OK;
}

/* Whole paths of fractional noise instead of increments made a little ahead. */
static eg_status make_fractional(eg_context *ctx, eg_device *d, const eg_job *job) {
  const eg_launch *const a = &job->launch;
  void *paths = NULL;
  if (a->hurst == 0) {
    return EG_OK;
  }
  EG_TRY(eg_fractional_create(ctx, a->hurst, a->path_steps, &d->job_bytes, &d->thread.fractional));
  EG_TRY(reserve(ctx, &d->job_bytes, a->path_steps * EG_LANES, (size_t)d->unit->noise_bytes, &paths));
  d->own_noise = d->thread.noise;
  d->thread.noise = paths;
  return EG_OK;
}

static void release_fractional(eg_device *d) {
  eg_fractional_free(d->thread.fractional);
  d->thread.fractional = NULL;
  if (d->own_noise != NULL) {
    free(d->thread.noise);
    d->thread.noise = d->own_noise;
    d->own_noise = NULL;
  }
}

static void release_job(eg_device *d) {
  release_members(d);
  release_fractional(d);
  free(d->thread.block);
  release_permutation(&d->thread);
  free(d->staged);
  free(d->rows);
  free(d->state);
  free(d->monitors);
  free(d->records);
  eg_cpu_blocks_free(&d->blocks);
  d->thread.sink = NULL;
  free(d->scratch);
  free(d->places);
  free(d->first_bad);
  free(d->before.state);
  free(d->before.monitors);
  free(d->before.first_bad);
  free(d->tracks);
  free(d->path_values);
  eg_cpu_streams_free(&d->streams);
  d->thread.block = d->staged = d->rows = NULL;
  d->state = d->monitors = d->records = d->scratch = d->tracks = d->path_values = NULL;
  d->places = NULL;
  d->first_bad = NULL;
  memset(&d->before, 0, sizeof d->before);
  d->job = NULL;
  d->job_bytes = 0;
}

static void close_device(eg_device *d) {
  if (d == NULL) {
    return;
  }
  release_job(d);
  free(d->thread.noise);
  free(d->thread.rows);
  free(d->thread.index);
  free(d);
}

static eg_status open_device(eg_context *ctx, int index, eg_device **device) {
  (void)index;
  eg_device *d = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, 1, sizeof *d, &d));
  EG_TRY_DONE(eg_cpu_kernels_choose(ctx, &d->kernels));
  d->thread.fill = d->kernels->fill;
  EG_TRY_DONE(reserve(ctx, &d->own_bytes, EG_NOISE_BYTES, 1, &d->thread.noise));
  EG_TRY_DONE(reserve(ctx, &d->own_bytes, EG_ROWS_BYTES, 1, &d->thread.rows));
  EG_TRY_DONE(reserve(ctx, &d->own_bytes, EG_INDEX_BLOCKS * 4 * EG_LANES, sizeof(int32_t), &d->thread.index));
  *device = d;
  d = NULL;
done:
  close_device(d);
  return status;
}

static const char *describe(const eg_device *device) {
  return device->kernels->description;
}

/* A copy of n doubles in the type of the state. */
static eg_status convert(eg_context *ctx, size_t *bytes, const double *values, size_t n, bool is_float, void **out) {
  void *copy = NULL;
  EG_TRY(reserve(ctx, bytes, n, is_float ? sizeof(float) : sizeof(double), &copy));
  for (size_t i = 0; i < n; i++) {
    if (is_float) {
      ((float *)copy)[i] = (float)values[i];
    } else {
      ((double *)copy)[i] = values[i];
    }
  }
  *out = copy;
  return EG_OK;
}

static eg_status find_unit(eg_context *ctx, eg_device *d, const eg_job *job) {
  if (d->thread.fill->fill[job->kind] == NULL) {
    return eg_fail(ctx, EG_ERR_DEVICE, "noise gaussian-fast exists on the GPU only");
  }
  if (job->model_file == NULL) {
    const eg_unit_request request = eg_job_unit(job, d->kernels->isa);
    return eg_unit_obtain(ctx, &request, &d->unit, &d->stepper);
  }
  return eg_user_model_stepper(ctx, job->user_model, job->stepper, &d->unit, &d->stepper);
}

static eg_status reserve_paths(eg_context *ctx, eg_device *d, const eg_job *job) {
  size_t n = 0;
  for (size_t i = 0; i < job->n_paths; i++) {
    n = job->paths[i].n_values > n ? job->paths[i].n_values : n;
  }
  EG_TRY(reserve(ctx, &d->job_bytes, eg_job_track_values(job, eg_job_tracked_records(job)), sizeof(double), &d->tracks));
  return reserve(ctx, &d->job_bytes, n * job->launch.ld, sizeof(double), &d->path_values);
}

static eg_status reserve_before(eg_context *ctx, eg_device *d, const eg_job *job) {
  const size_t n_lanes = (size_t)job->launch.n_points * job->launch.ld;
  if (job->form != EG_FORM_TEAM) {
    return EG_OK;
  }
  EG_TRY(reserve(ctx, &d->job_bytes, job->state_values, job->is_float ? sizeof(float) : sizeof(double), &d->before.state));
  EG_TRY(reserve(ctx, &d->job_bytes, n_lanes * 2 * job->launch.n_monitors, sizeof(double), &d->before.monitors));
  return reserve(ctx, &d->job_bytes, n_lanes, sizeof(uint64_t), &d->before.first_bad);
}

static eg_status prepare_job(eg_context *ctx, eg_device *d, const eg_job *job) {
  release_job(d);
  EG_TRY(find_unit(ctx, d, job));
  d->job = job;
  const size_t ld = job->launch.ld, n_points = job->launch.n_points;
  const bool is_by_block = eg_cpu_takes_blocks(job);
  const size_t row = n_points * job->n_features * (is_by_block ? EG_LANES : ld);
  d->records_at_once = eg_cpu_records_at_once(job);
  EG_TRY(reserve(ctx, &d->job_bytes, d->unit->block_bytes(&job->launch), 1, &d->thread.block));
  EG_TRY(make_permutation(ctx, job, &d->thread));
  EG_TRY(make_fractional(ctx, d, job));
  EG_TRY(convert(ctx, &d->job_bytes, job->staged, job->n_staged, job->is_float, &d->staged));
  EG_TRY(convert(ctx, &d->job_bytes, job->rows, job->n_row_values, job->is_float, &d->rows));
  EG_TRY(reserve(ctx, &d->job_bytes, job->state_values, sizeof(double), &d->state));
  EG_TRY(reserve(ctx, &d->job_bytes, n_points * job->launch.n_monitors * 2 * ld, sizeof(double), &d->monitors));
  EG_TRY(reserve(ctx, &d->job_bytes, d->records_at_once * row, sizeof(double), &d->records));
  if (is_by_block) {
    EG_TRY(eg_cpu_blocks_reserve(ctx, job, d->records_at_once, &d->job_bytes, &d->blocks));
  }
  EG_TRY(reserve(ctx, &d->job_bytes, eg_cpu_scratch_values(job), sizeof(double), &d->scratch));
  EG_TRY(reserve(ctx, &d->job_bytes, n_points * ld, sizeof(uint64_t), &d->first_bad));
  EG_TRY(reserve_before(ctx, d, job));
  if (job->n_histograms > 0) {
    EG_TRY(reserve(ctx, &d->job_bytes, 2 * ld + 4 * (EG_MAX_BINS + 3), sizeof(uint32_t), &d->places));
  }
  if (job->n_paths > 0) {
    EG_TRY(reserve_paths(ctx, d, job));
  }
  return eg_cpu_streams_reserve(ctx, job, &d->job_bytes, &d->streams);
}

static eg_status prepare(eg_context *ctx, eg_device *d, const eg_job *job, uint64_t *tiles_at_once) {
  const size_t n_members = job->group == NULL ? 1 : job->group->n_members;
  EG_TRY(prepare_job(ctx, d, job));
  *tiles_at_once = 1;
  EG_TRY(eg_allocate(ctx, n_members, sizeof *d->members, &d->members));
  d->n_members = n_members;
  d->members[0] = d;
  for (size_t i = 1; i < n_members; i++) {
    EG_TRY(open_device(ctx, 0, &d->members[i]));
    EG_TRY(prepare_job(ctx, d->members[i], job->group->members[i]));
  }
  return EG_OK;
}

static size_t bytes_of(const eg_device *d) {
  size_t bytes = d->own_bytes + d->job_bytes;
  for (size_t i = 1; i < d->n_members; i++) {
    bytes += bytes_of(d->members[i]);
  }
  return bytes;
}

static eg_status count_devices(eg_context *ctx, int *n) {
  (void)ctx;
  *n = 1; /* any number of workers share it */
  return EG_OK;
}

const eg_backend eg_backend_cpu = {"cpu", count_devices, open_device, close_device, describe, prepare, eg_cpu_advance, bytes_of, NULL,
                                    true};
