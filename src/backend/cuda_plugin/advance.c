/* Launches: many tiles, a range of steps short enough to stop quickly, statistics of its records right behind
 * it. */
#include <stdlib.h>
#include <string.h>

#include "device.h"

/* A launch aims at this time: long against its overhead, short against the patience of a signal or a display.
 */
#define LAUNCH_SECONDS 0.25
#define MOST_STEPS     0x40000000u /* the kernel counts the steps of a launch in 32 bits */

static eg_cuda_status launch_advance(eg_cuda_device *d, const eg_launch *a, uint64_t tiles,
                                     eg_cuda_message message) {
  const uint64_t threads = tiles * a->n_points * a->ld;
  const uint64_t blocks = (threads + d->block_threads - 1) / d->block_threads;
  eg_launch launch = *a;
  void *args[3];
  args[0] = d->params;
  args[1] = &launch;
  args[2] = d->staged;
  EG_CUDA_TRY(cudaLaunchKernel((const void *)d->kernel, (dim3){(unsigned)blocks, 1, 1},
                               (dim3){d->block_threads, 1, 1}, args, 0, d->stream),
              "starting the steps");
  return EG_CUDA_OK;
}

/* Nodes of the records that a launch has just written. */
static eg_cuda_status launch_reduce(eg_cuda_device *d, const eg_launch *a, uint64_t tiles,
                                    size_t record_first, eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  eg_tile_reduce r;
  memset(&r, 0, sizeof r);
  r.records = (const double *)d->dev_records;
  r.nodes = (double *)d->dev_nodes;
  r.tiles = (uint32_t)tiles;
  r.n_records = a->n_records;
  r.n_points = a->n_points;
  r.n_features = a->n_features;
  r.ld = a->ld;
  r.n_lanes = a->n_lanes;
  r.record_first = (uint32_t)record_first;
  r.all_records = (uint32_t)job->n_records;
  r.with_covariance = job->with_covariance;
  const unsigned rows = (unsigned)(tiles * a->n_records * a->n_points);
  const unsigned threads = a->ld / eg_tree_lanes(a->ld);
  const unsigned pairs = job->with_covariance ? a->n_features * (a->n_features - 1) / 2 : 0;
  void *args[1];
  args[0] = &r;
  EG_CUDA_TRY(cudaLaunchKernel((const void *)d->reduce_moments, (dim3){rows, a->n_features, 1},
                               (dim3){threads, 1, 1}, args, 0, d->stream),
              "starting the statistics");
  if (pairs > 0) {
    EG_CUDA_TRY(cudaLaunchKernel((const void *)d->reduce_comoments, (dim3){rows, pairs, 1},
                                 (dim3){threads, 1, 1}, args, 0, d->stream),
                "starting the statistics");
  }
  return EG_CUDA_OK;
}

/* Steps of the next launch from the time of the last one, which made `steps`. */
static void adapt(eg_cuda_device *d, uint64_t steps, float milliseconds) {
  const double seconds = milliseconds > 0.01f ? 1e-3 * (double)milliseconds : 1e-5;
  double factor = LAUNCH_SECONDS / seconds;
  factor = factor > 8.0 ? 8.0 : factor;
  const double wanted = factor * (double)(steps > 0 ? steps : 1);
  if (factor > 1.0 && steps < d->steps_at_once) {
    return; /* it was short because a record or the end was near */
  }
  d->steps_at_once = wanted < 1.0 ? 1 : wanted > MOST_STEPS ? MOST_STEPS : (uint64_t)wanted;
}

static eg_cuda_status advance_all(eg_cuda_device *d, eg_launch *a, uint64_t tiles, const volatile int *stop,
                                  double *paths, eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  const uint64_t last = job->record_steps[job->n_records - 1];
  size_t record = 0;
  while (record < job->n_records) {
    if (*stop) {
      return EG_CUDA_STOPPED;
    }
    const uint64_t most = a->step_first + d->steps_at_once;
    a->step_last = most < last ? most : last;
    a->n_records = 0;
    while (record + a->n_records < job->n_records && a->n_records < d->records_at_once &&
           job->record_steps[record + a->n_records] <= a->step_last) {
      a->n_records++;
    }
    if (a->n_records == d->records_at_once) { /* the next record waits for the next launch */
      a->step_last = job->record_steps[record + a->n_records - 1];
    }
    a->record_steps = (const uint64_t *)d->dev_record_steps + record;
    EG_CUDA_TRY(cudaEventRecord(d->before, d->stream), "timing a launch");
    eg_cuda_status status = launch_advance(d, a, tiles, message);
    if (status == EG_CUDA_OK && a->n_records > 0) {
      status = launch_reduce(d, a, tiles, record, message);
    }
    if (status == EG_CUDA_OK && a->n_records > 0) {
      status = eg_cuda_launch_counts(d, a, tiles, record, message);
    }
    if (status != EG_CUDA_OK) {
      return status;
    }
    EG_CUDA_TRY(cudaEventRecord(d->after, d->stream), "timing a launch");
    EG_CUDA_TRY(cudaStreamSynchronize(d->stream), "advancing trajectories");
    float milliseconds = 0;
    EG_CUDA_TRY(cudaEventElapsedTime(&milliseconds, d->before, d->after), "timing a launch");
    adapt(d, a->step_last - a->step_first, milliseconds);
    status = eg_cuda_keep_paths(d, a, tiles, record, paths, message);
    if (status != EG_CUDA_OK) {
      return status;
    }
    record += a->n_records;
    a->step_first = a->step_last;
    a->is_restart = 1;
  }
  return EG_CUDA_OK;
}

/* The trajectories of one tile that went bad, in (realisation, point) order. */
static eg_cuda_status list_bad(const eg_cuda_device *d, const uint64_t *first_bad, uint64_t realisation,
                               uint32_t n_lanes, eg_cuda_result *result, eg_cuda_message message) {
  const uint32_t n_points = d->job->launch.n_points, ld = d->job->tile;
  size_t n = 0;
  for (uint32_t point = 0; point < n_points; point++) {
    for (uint32_t l = 0; l < n_lanes; l++) {
      n += first_bad[(size_t)point * ld + l] != EG_NEVER;
    }
  }
  result->bad = NULL;
  result->n_bad = n;
  if (n == 0) {
    return EG_CUDA_OK;
  }
  result->bad = (eg_cuda_bad *)calloc(n, sizeof *result->bad);
  if (result->bad == NULL) {
    result->n_bad = 0;
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory for the list of %zu failed trajectories", n);
  }
  eg_cuda_bad *next = result->bad;
  for (uint32_t l = 0; l < n_lanes; l++) {
    for (uint32_t point = 0; point < n_points; point++) {
      const uint64_t step = first_bad[(size_t)point * ld + l];
      if (step != EG_NEVER) {
        next->realisation = realisation + l;
        next->step = step;
        next->point = point;
        next++;
      }
    }
  }
  return EG_CUDA_OK;
}

static void free_bad(eg_cuda_result *results, uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    free(results[i].bad);
    results[i].bad = NULL;
    results[i].n_bad = 0;
  }
}

static eg_cuda_status collect(eg_cuda_device *d, const eg_launch *a, uint64_t tiles, eg_cuda_result *results,
                              eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  const size_t lanes = (size_t)a->n_points * a->ld;
  EG_CUDA_TRY(cudaMemcpyAsync(d->host_nodes, d->dev_nodes, tiles * job->node_values * sizeof(double),
                              cudaMemcpyDeviceToHost, d->stream),
              "copying results back");
  EG_CUDA_TRY(cudaMemcpyAsync(d->host_first_bad, d->dev_first_bad, tiles * lanes * sizeof(uint64_t),
                              cudaMemcpyDeviceToHost, d->stream),
              "copying results back");
  EG_CUDA_TRY(cudaStreamSynchronize(d->stream), "copying results back");
  for (uint64_t i = 0; i < tiles; i++) {
    const uint64_t before = i * a->ld;
    const uint64_t rest = a->n_lanes > before ? a->n_lanes - before : 0;
    memcpy(results[i].node, d->host_nodes + i * job->node_values, job->node_values * sizeof(double));
    const eg_cuda_status status = list_bad(d, d->host_first_bad + i * lanes, a->realisation_first + before,
                                           (uint32_t)(rest < a->ld ? rest : a->ld), &results[i], message);
    if (status != EG_CUDA_OK) {
      free_bad(results, i);
      return status;
    }
  }
  return EG_CUDA_OK;
}

static eg_cuda_status advance_some(eg_cuda_device *d, uint64_t first, uint64_t tiles,
                                   const volatile int *stop, eg_cuda_result *results,
                                   eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  const uint64_t left = job->n_realisations - first * job->tile;
  eg_launch a = job->launch;
  a.realisation_first = first * job->tile;
  a.n_lanes = (uint32_t)(left < tiles * job->tile ? left : tiles * job->tile);
  a.ld = job->tile;
  a.n_features = (uint32_t)job->n_features;
  a.features = (const eg_feature_code *)d->dev_features;
  a.start = (const double *)d->dev_start;
  a.staged = NULL; /* goes by value */
  a.rows = d->dev_rows;
  a.state = d->dev_state;
  a.records = (double *)d->dev_records;
  a.first_bad = (uint64_t *)d->dev_first_bad;
  a.is_restart = 0;
  const eg_cuda_status status = advance_all(d, &a, tiles, stop, results[0].paths, message);
  return status != EG_CUDA_OK ? status : collect(d, &a, tiles, results, message);
}

eg_cuda_status eg_cuda_advance(eg_cuda_device *d, uint64_t first, uint64_t n, const volatile int *stop,
                               eg_cuda_result *results, eg_cuda_message message) {
  EG_CUDA_TRY(cudaSetDevice(d->index), "choosing the GPU");
  eg_cuda_status status = eg_cuda_clear_counts(d, message);
  uint64_t done = 0;
  while (status == EG_CUDA_OK && done < n) {
    const uint64_t tiles = n - done < d->tiles ? n - done : d->tiles;
    status = advance_some(d, first + done, tiles, stop, results + done, message);
    done += status == EG_CUDA_OK ? tiles : 0;
  }
  status = status == EG_CUDA_OK ? eg_cuda_collect_counts(d, results[0].counts, message) : status;
  if (status != EG_CUDA_OK) {
    free_bad(results, done);
  }
  return status;
}
