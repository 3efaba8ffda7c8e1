/* Setting up a job: find its kernel, choose how much a launch takes, make every buffer once. */
#include <stdlib.h>
#include <string.h>

#include "core/noise.h"
#include "device.h"

static void release_device(void **p) {
  (void)cudaFree(*p); /* accepts NULL; an error here is an older one, already reported */
  *p = NULL;
}

void eg_cuda_release_job(eg_cuda_device *d) {
  release_device(&d->dev_columns);
  release_device(&d->dev_places);
  release_device(&d->dev_record_steps);
  release_device(&d->dev_features);
  release_device(&d->dev_start);
  release_device(&d->dev_staged);
  release_device(&d->dev_rows);
  release_device(&d->dev_scratch);
  release_device(&d->dev_histograms);
  release_device(&d->dev_edges);
  release_device(&d->dev_counts);
  release_device(&d->dev_pairs);
  release_device(&d->dev_tracks);
  release_device(&d->dev_path_values);
  release_device(&d->dev_path_terms);
  release_device(&d->dev_tracked_columns);
  release_device(&d->dev_fed);
  release_device(&d->dev_streams);
  release_device(&d->dev_stream_state);
  free(d->paths);
  d->paths = NULL;
  (void)cudaFreeHost(d->host_counts);
  (void)cudaFreeHost(d->host_kept);
  d->host_counts = NULL;
  d->host_kept = NULL;
  for (unsigned i = 0; i < EG_CUDA_SLOTS; i++) {
    release_device(&d->slots[i].records);
    release_device(&d->slots[i].sample_steps);
  }
  for (unsigned i = 0; i < EG_CUDA_IN_FLIGHT; i++) {
    (void)cudaFreeHost(d->flights[i].sample_steps);
    d->flights[i].sample_steps = NULL;
  }
  for (unsigned i = 0; i < EG_CUDA_BATCHES; i++) {
    eg_cuda_batch *const b = &d->batches[i];
    release_device(&b->state);
    release_device(&b->monitors);
    release_device(&b->first_bad);
    release_device(&b->nodes);
    release_device(&b->differences);
    (void)cudaFreeHost(b->host_nodes);
    (void)cudaFreeHost(b->host_differences);
    (void)cudaFreeHost(b->host_first_bad);
    (void)cudaFreeHost(b->host_listed);
    b->host_nodes = b->host_listed = b->host_differences = NULL;
    b->host_first_bad = NULL;
  }
  free(d->params);
  free(d->staged);
  if (d->unit != NULL) {
    (void)cudaLibraryUnload(d->unit);
  }
  d->params = d->staged = NULL;
  d->unit = NULL;
  d->job = NULL;
  eg_cuda_release_members(d); /* last: freeing has waited for what was on its way, and their events are destroyed */
}

eg_cuda_status eg_cuda_upload(const void *data, size_t bytes, void **out, eg_cuda_message message) {
  EG_CUDA_TRY(cudaMalloc(out, bytes > 0 ? bytes : 8), "reserving GPU memory for inputs");
  if (bytes > 0) {
    EG_CUDA_TRY(cudaMemcpy(*out, data, bytes, cudaMemcpyHostToDevice), "copying inputs to the GPU");
  }
  return EG_CUDA_OK;
}

/* Data rows, matrices: in the type of the state. */
static eg_cuda_status upload_reals(const double *values, size_t n, int is_float, void **out, eg_cuda_message message) {
  if (!is_float) {
    return eg_cuda_upload(values, n * sizeof(double), out, message);
  }
  float *const copy = (float *)calloc(n + 1, sizeof *copy);
  if (copy == NULL) {
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory");
  }
  for (size_t i = 0; i < n; i++) {
    copy[i] = (float)values[i];
  }
  const eg_cuda_status status = eg_cuda_upload(copy, n * sizeof *copy, out, message);
  free(copy);
  return status;
}

/* What several schedules say of the records; nothing of one. */
static eg_cuda_status upload_schedules(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  const size_t n = job->n_records;
  if (job->moment_places == NULL) {
    return EG_CUDA_OK;
  }
  const size_t rows = 2 + job->n_sections; /* moments, sections, paths */
  uint32_t *const places = (uint32_t *)calloc(rows * n, sizeof *places);
  if (places == NULL) {
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory");
  }
  memcpy(places, job->moment_places, n * sizeof *places);
  for (size_t i = 0; i < job->n_sections; i++) {
    memcpy(places + (i + 1) * n, job->sections[i].places, n * sizeof *places);
  }
  if (job->n_paths > 0) {
    memcpy(places + (rows - 1) * n, job->tracked_places, n * sizeof *places);
  }
  const eg_cuda_status status = eg_cuda_upload(places, rows * n * sizeof *places, &d->dev_places, message);
  free(places);
  EG_CUDA_PASS(status);
  return job->columns == NULL ? EG_CUDA_OK : eg_cuda_upload(job->columns, 2 * n * sizeof *job->columns, &d->dev_columns, message);
}

static eg_cuda_status make_batch(eg_cuda_device *d, const eg_tile_bytes *b, int has_difference, eg_cuda_batch *batch,
                                 eg_cuda_message message) {
  EG_CUDA_TRY(cudaMalloc(&batch->state, d->tiles * b->state), "reserving GPU memory for states");
  if (b->monitors > 0) {
    EG_CUDA_TRY(cudaMalloc(&batch->monitors, d->tiles * b->monitors), "reserving GPU memory for monitors");
  }
  EG_CUDA_TRY(cudaMalloc(&batch->first_bad, d->tiles * b->first_bad), "reserving GPU memory for states");
  EG_CUDA_TRY(cudaMalloc(&batch->nodes, d->tiles * b->nodes), "reserving GPU memory for statistics");
  EG_CUDA_TRY(cudaMallocHost((void **)&batch->host_nodes, d->tiles * b->nodes), "reserving page-locked memory");
  EG_CUDA_TRY(cudaMallocHost((void **)&batch->host_first_bad, d->tiles * b->first_bad),
              "reserving page-locked memory");
  if (has_difference) {
    EG_CUDA_TRY(cudaMalloc(&batch->differences, d->tiles * b->nodes), "reserving GPU memory for statistics");
    EG_CUDA_TRY(cudaMallocHost((void **)&batch->host_differences, d->tiles * b->nodes), "reserving page-locked memory");
  }
  return EG_CUDA_OK;
}

static eg_cuda_status make_buffers(eg_cuda_device *d, const eg_cuda_job *job, int has_difference, eg_cuda_message message) {
  const eg_tile_bytes b = eg_cuda_tile_bytes(job, d->scratch_bytes);
  const size_t start =
      job->launch.start_kind == EG_START_FIXED ? (size_t)job->launch.n_points * (size_t)job->dim : 0;
  EG_CUDA_PASS(eg_cuda_upload(job->record_steps, job->n_records * sizeof(uint64_t), &d->dev_record_steps, message));
  EG_CUDA_PASS(upload_schedules(d, job, message));
  EG_CUDA_PASS(eg_cuda_upload(job->features, job->n_features * sizeof(eg_feature_code), &d->dev_features, message));
  EG_CUDA_PASS(eg_cuda_upload(job->start, start * sizeof(double), &d->dev_start, message));
  EG_CUDA_PASS(upload_reals(job->rows, job->n_row_values, job->is_float, &d->dev_rows, message));
  if (job->form == EG_FORM_TEAM) { /* matrices; elsewhere a few numbers that go by value */
    EG_CUDA_PASS(upload_reals(job->staged, job->n_staged, job->is_float, &d->dev_staged, message));
  }
  if (b.scratch > 0) {
    EG_CUDA_TRY(cudaMalloc(&d->dev_scratch, d->tiles * b.scratch), "reserving GPU memory to work in");
  }
  for (unsigned i = 0; i < EG_CUDA_BATCHES; i++) {
    EG_CUDA_PASS(make_batch(d, &b, has_difference, &d->batches[i], message));
  }
  for (unsigned i = 0; i < EG_CUDA_SLOTS; i++) {
    EG_CUDA_TRY(cudaMalloc(&d->slots[i].records, d->tiles * d->records_at_once * b.record),
                "reserving GPU memory for records");
  }
  EG_CUDA_PASS(eg_cuda_make_paths(d, job, message));
  EG_CUDA_PASS(eg_cuda_make_streams(d, job, message));
  /* a copy from ordinary memory may still be on its way when it returns, and our streams do not wait for it */
  EG_CUDA_TRY(cudaDeviceSynchronize(), "copying inputs to the GPU");
  return EG_CUDA_OK;
}

/* What can be refused before anything is reserved. */
static eg_cuda_status check_job(const eg_cuda_job *job, eg_cuda_message message) {
  const uint32_t tile = job->tile;
  const int is_lane = job->form == EG_FORM_LANE && job->launch.n_particles == 0;
  if (!is_lane && job->kind == EG_KIND_GAUSSIAN_FAST) {
    return eg_cuda_say(message, EG_CUDA_REFUSED, "noise gaussian-fast exists in lane form only");
  }
  if (!is_lane && eg_cuda_is_watched(job)) {
    return eg_cuda_say(message, EG_CUDA_REFUSED, "kernels that look after every step (monitors) exist in lane form only");
  }
  if (!is_lane && eg_cuda_is_coarse(job)) {
    return eg_cuda_say(message, EG_CUDA_REFUSED, "kernels that sum the increments of a finer member of their group exist in lane form only");
  }
  const uint32_t least = is_lane ? EG_LANES : 1;
  if (tile < least || tile > EG_TREE_MOST_LANES || (tile & (tile - 1)) != 0) {
    return eg_cuda_say(message, EG_CUDA_REFUSED, "tiles of %u realisations: the GPU takes powers of 2 from %u to %d",
                       tile, least, EG_TREE_MOST_LANES);
  }
  if (job->n_records == 0 || job->n_features == 0) {
    return eg_cuda_say(message, EG_CUDA_REFUSED, "a job without records");
  }
  return EG_CUDA_OK;
}

static eg_cuda_status set_up(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  EG_CUDA_PASS(eg_cuda_make_members(d, job, message));
  for (size_t i = 0; i < d->n_members; i++) {
    eg_cuda_device *const m = d->members[i];
    const eg_cuda_job *const own = eg_cuda_member(job, i);
    EG_CUDA_PASS(eg_cuda_load_kernel(m, own, message));
    EG_CUDA_PASS(eg_cuda_make_counts(m, own, message)); /* before sizes are chosen from what is left */
    EG_CUDA_PASS(eg_cuda_upload_paths(m, own, message));
  }
  EG_CUDA_PASS(eg_cuda_choose_sizes(d, job, message));
  for (size_t i = 0; i < d->n_members; i++) {
    eg_cuda_device *const m = d->members[i];
    m->job = eg_cuda_member(job, i);
    m->steps_at_once = eg_cuda_first_steps(m, m->job);
    EG_CUDA_PASS(make_buffers(m, m->job, i + 1 < d->n_members, message));
  }
  return EG_CUDA_OK;
}

eg_cuda_status eg_cuda_prepare(eg_cuda_device *d, const eg_cuda_job *job, uint64_t *tiles_at_once,
                               eg_cuda_message message) {
  EG_CUDA_TRY(cudaSetDevice(d->index), "choosing the GPU");
  eg_cuda_release_job(d);
  for (size_t i = 0; i < job->n_members; i++) {
    EG_CUDA_PASS(check_job(eg_cuda_member(job, i), message));
  }
  const eg_cuda_status status = set_up(d, job, message);
  if (status != EG_CUDA_OK) {
    eg_cuda_release_job(d);
    return status;
  }
  *tiles_at_once = eg_cuda_tiles_at_once(d, job);
  return EG_CUDA_OK;
}
