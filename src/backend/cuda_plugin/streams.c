/* Streamed statistics: launches that record samples between observations, and the state that they are fed to. The state is cleared
   and fed in the stream of the statistics, where one batch comes after the other: they share it. */
#include <string.h>

#include "device.h"
#include "stats/streams_gpu.h"

/* ---- buffers ---- */

eg_cuda_status eg_cuda_make_streams(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  const size_t step_bytes = EG_CUDA_MOST_SAMPLES * sizeof(uint64_t);
  if (job->n_streams == 0) {
    return EG_CUDA_OK;
  }
  EG_CUDA_TRY(cudaMalloc(&d->dev_stream_state, d->tiles * eg_cuda_stream_values(job, job->n_streams) * sizeof(double)), "reserving GPU memory for paths");
  for (unsigned i = 0; i < EG_CUDA_SLOTS; i++) {
    EG_CUDA_TRY(cudaMalloc(&d->slots[i].sample_steps, step_bytes), "reserving GPU memory for paths");
  }
  for (unsigned i = 0; i < EG_CUDA_IN_FLIGHT; i++) {
    EG_CUDA_TRY(cudaMallocHost((void **)&d->flights[i].sample_steps, step_bytes), "reserving page-locked memory");
  }
  return eg_cuda_upload(job->fed, job->n_fed * sizeof *job->fed, &d->dev_fed, message);
}

eg_cuda_status eg_cuda_clear_streams(eg_cuda_device *d, uint64_t tiles, eg_cuda_message message) {
  if (d->job->n_streams > 0) {
    EG_CUDA_TRY(cudaMemsetAsync(d->dev_stream_state, 0, tiles * eg_cuda_stream_values(d->job, d->job->n_streams) * sizeof(double), d->statistics),
                "clearing the statistics of paths");
  }
  return EG_CUDA_OK;
}

/* ---- launches ---- */

uint64_t eg_cuda_next_sample(const eg_cuda_job *job, uint64_t step) {
  uint64_t next = UINT64_MAX;
  for (size_t i = 0; i < job->n_streams; i++) {
    const uint64_t own = eg_stream_next(&job->streams[i], step);
    next = own < next ? own : next;
  }
  return next;
}

void eg_cuda_choose_samples(const eg_cuda_device *d, eg_launch *a, uint64_t *steps) {
  const size_t most = d->records_at_once < EG_CUDA_MOST_SAMPLES ? d->records_at_once : EG_CUDA_MOST_SAMPLES;
  uint64_t next = eg_cuda_next_sample(d->job, a->step_first);
  a->features = (const eg_feature_code *)d->dev_fed;
  a->n_features = (uint32_t)d->job->n_fed;
  for (a->n_records = 0; a->n_records < most && next <= a->step_last; a->n_records++) {
    steps[a->n_records] = next;
    next = eg_cuda_next_sample(d->job, next);
  }
  if (a->n_records == most) { /* the next sample waits for the next launch */
    a->step_last = steps[most - 1];
  }
}

eg_cuda_status eg_cuda_send_samples(eg_cuda_device *d, eg_launch *a, const eg_cuda_flight *flight, const eg_cuda_slot *slot,
                                    eg_cuda_message message) {
  EG_CUDA_TRY(cudaMemcpyAsync(slot->sample_steps, flight->sample_steps, a->n_records * sizeof(uint64_t), cudaMemcpyHostToDevice,
                              d->stepping),
              "copying the times of samples to the GPU");
  a->record_steps = (const uint64_t *)slot->sample_steps;
  a->record_columns = NULL; /* all that is fed */
  return EG_CUDA_OK;
}

eg_cuda_status eg_cuda_feed_streams(eg_cuda_device *d, const eg_launch *a, uint64_t tiles, eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  const unsigned threads = a->ld < EG_FEED_THREADS ? a->ld : EG_FEED_THREADS;
  for (size_t i = 0; i < job->n_streams; i++) {
    eg_tile_feed r;
    memset(&r, 0, sizeof r);
    r.stream = job->streams[i];
    r.records = a->records;
    r.steps = a->record_steps;
    r.state = (double *)d->dev_stream_state + eg_cuda_stream_values(job, i);
    r.state_stride = eg_cuda_stream_values(job, job->n_streams);
    r.step_first = a->step_first;
    r.n_records = a->n_records;
    r.n_points = a->n_points;
    r.n_columns = a->n_features;
    r.ld = a->ld;
    r.n_lanes = a->n_lanes;
    r.tile = a->tile;
    void *args[1];
    args[0] = &r;
    EG_CUDA_TRY(cudaLaunchKernel((const void *)d->feed_streams, (dim3){(unsigned)tiles * a->n_points, a->ld / threads, 1},
                                 (dim3){threads, 1, 1}, args, 0, d->statistics),
                "starting the statistics of paths");
  }
  return EG_CUDA_OK;
}

/* ---- values ---- */

void eg_cuda_set_state(const eg_cuda_device *d, const eg_path_statistic *s, uint64_t first_tile, eg_tile_paths *p) {
  const size_t i = (size_t)(s->stream - (const eg_stream *)d->dev_streams);
  p->state_stride = eg_cuda_stream_values(d->job, d->job->n_streams);
  p->state = (double *)d->dev_stream_state + first_tile * p->state_stride + eg_cuda_stream_values(d->job, i);
}
