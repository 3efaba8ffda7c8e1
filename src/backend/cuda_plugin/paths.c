/* Statistics of paths: the tracked columns of all records of a batch, and at its end the values that are made of them. All
   of it in the stream of the statistics, where one batch comes after the other: they share the buffers. */
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "stats/largest.h"

enum { BLOCK_THREADS = 256 };

/* ---- sizes ---- */

/* Terms, values that have them, and places of the first ones: none of what is streamed. */
static size_t n_terms_of(const eg_path_statistic *s) {
  return s->form == EG_PATH_STREAMED ? 0 : s->first[s->n_values];
}
static size_t n_powers_of(const eg_path_statistic *s) {
  return s->form == EG_PATH_STREAMED ? 0 : s->n_values;
}
static size_t n_first_of(const eg_path_statistic *s) {
  return s->form == EG_PATH_STREAMED ? 0 : s->n_values + 1;
}

/* Rows of values that lists of the largest are made of. */
static size_t n_lists(const eg_cuda_job *job) {
  size_t n = 0;
  for (size_t i = 0; i < job->n_paths; i++) {
    n += job->paths[i].n_largest > 0 ? eg_path_rows(&job->paths[i], job->launch.n_points) : 0;
  }
  return n;
}

/* ---- buffers ---- */

/* The arrays of all statistics one behind the other: terms, powers, places of the first terms. */
static eg_cuda_status upload_terms(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  size_t n_terms = 0, n_powers = 0, n_first = 0;
  for (size_t i = 0; i < job->n_paths; i++) {
    n_terms += n_terms_of(&job->paths[i]);
    n_powers += n_powers_of(&job->paths[i]);
    n_first += n_first_of(&job->paths[i]);
  }
  const size_t powers_at = n_terms * sizeof(eg_path_term), first_at = powers_at + n_powers * sizeof(double);
  const size_t bytes = first_at + n_first * sizeof(uint32_t);
  char *const host = calloc(1, bytes + 1);
  if (host == NULL) {
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory");
  }
  size_t term = 0, power = powers_at, first = first_at;
  for (size_t i = 0; i < job->n_paths; i++) {
    const eg_path_statistic *const s = &job->paths[i];
    const size_t terms = n_terms_of(s) * sizeof *s->terms, powers = n_powers_of(s) * sizeof *s->powers;
    const size_t firsts = n_first_of(s) * sizeof *s->first;
    if (firsts > 0) {
      memcpy(host + term, s->terms, terms);
      memcpy(host + power, s->powers, powers);
      memcpy(host + first, s->first, firsts);
    }
    term += terms;
    power += powers;
    first += firsts;
  }
  const eg_cuda_status status = eg_cuda_upload(host, bytes, &d->dev_path_terms, message);
  free(host);
  EG_CUDA_PASS(status);
  const char *const base = (const char *)d->dev_path_terms;
  term = 0, power = powers_at, first = first_at;
  for (size_t i = 0; i < job->n_paths; i++) {
    const eg_path_statistic *const s = &job->paths[i];
    d->paths[i] = *s;
    d->paths[i].terms = (const eg_path_term *)(const void *)(base + term);
    d->paths[i].powers = (const double *)(const void *)(base + power);
    d->paths[i].first = (const uint32_t *)(const void *)(base + first);
    term += n_terms_of(s) * sizeof *s->terms;
    power += n_powers_of(s) * sizeof *s->powers;
    first += n_first_of(s) * sizeof *s->first;
  }
  return EG_CUDA_OK;
}

eg_cuda_status eg_cuda_upload_paths(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  if (job->n_paths == 0) {
    return EG_CUDA_OK;
  }
  d->paths = (eg_path_statistic *)calloc(job->n_paths, sizeof *d->paths);
  if (d->paths == NULL) {
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory");
  }
  EG_CUDA_PASS(upload_terms(d, job, message));
  EG_CUDA_PASS(eg_cuda_upload(job->streams, job->n_streams * sizeof *job->streams, &d->dev_streams, message));
  for (size_t i = 0; i < job->n_paths; i++) {
    if (job->paths[i].form == EG_PATH_STREAMED) {
      d->paths[i].stream = (const eg_stream *)d->dev_streams + (job->paths[i].stream - job->streams);
    }
  }
  return eg_cuda_upload(job->tracked_columns, job->n_tracked * sizeof *job->tracked_columns, &d->dev_tracked_columns, message);
}

eg_cuda_status eg_cuda_make_paths(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  const size_t lists = n_lists(job) * d->tiles * job->launch.ld * sizeof(double);
  if (job->n_paths == 0) {
    return EG_CUDA_OK;
  }
  if (job->n_tracked > 0) { /* none where all are streamed */
    EG_CUDA_TRY(cudaMalloc(&d->dev_tracks, d->tiles * eg_cuda_track_bytes(job)), "reserving GPU memory for paths");
  }
  EG_CUDA_TRY(cudaMalloc(&d->dev_path_values, d->value_tiles * eg_cuda_path_value_bytes(job)), "reserving GPU memory for paths");
  for (unsigned i = 0; i < EG_CUDA_BATCHES && lists > 0; i++) {
    EG_CUDA_TRY(cudaMallocHost((void **)&d->batches[i].host_listed, lists), "reserving page-locked memory");
  }
  return EG_CUDA_OK;
}

/* ---- after each launch ---- */

eg_cuda_status eg_cuda_track_records(eg_cuda_device *d, const eg_launch *a, uint64_t tiles, size_t record_first,
                                     eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  eg_tile_tracks r;
  if (job->n_paths == 0 || job->n_tracked == 0) {
    return EG_CUDA_OK;
  }
  memset(&r, 0, sizeof r);
  r.records = a->records;
  r.tracks = (double *)d->dev_tracks;
  r.places = eg_cuda_places(d, 1 + job->n_sections);
  r.columns = (const uint32_t *)d->dev_tracked_columns;
  r.track_stride = eg_cuda_track_values(job);
  r.n_records = a->n_records;
  r.n_points = a->n_points;
  r.width = a->n_features;
  r.n_tracked = (uint32_t)job->n_tracked;
  r.ld = a->ld;
  r.n_lanes = a->n_lanes;
  r.record_first = (uint32_t)record_first;
  r.tile = a->tile;
  const unsigned rows = (unsigned)(tiles * a->n_records * a->n_points), threads = a->ld < BLOCK_THREADS ? a->ld : BLOCK_THREADS;
  void *args[1];
  args[0] = &r;
  EG_CUDA_TRY(cudaLaunchKernel((const void *)d->track_records, (dim3){rows, r.n_tracked, 1}, (dim3){threads, 1, 1}, args, 0,
                               d->statistics),
              "starting the statistics of paths");
  return EG_CUDA_OK;
}

/* ---- after the last launch of a batch ---- */

/* Tiles first .. first + n - 1 of a batch: the values of a statistic and point, and their moments into the nodes. */
static eg_cuda_status reduce_some(eg_cuda_device *d, const eg_cuda_batch *batch, const eg_launch *a, const eg_path_statistic *s,
                                  uint32_t point, size_t node_at, uint64_t first, uint64_t n, eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  eg_tile_paths p;
  eg_tile_reduce r;
  memset(&p, 0, sizeof p);
  memset(&r, 0, sizeof r);
  p.statistic = *s;
  p.track_stride = eg_cuda_track_values(job);
  p.first.tracks = (const double *)d->dev_tracks + first * p.track_stride;
  p.first.values = (double *)d->dev_path_values;
  p.first.n_points = a->n_points;
  p.first.n_tracked = (uint32_t)job->n_tracked;
  p.first.ld = a->ld;
  p.first.point = point;
  p.counts = (uint64_t *)d->dev_counts;
  p.first_bad = (const uint64_t *)batch->first_bad + first * a->n_points * a->ld;
  if (s->form == EG_PATH_STREAMED) {
    eg_cuda_set_state(d, s, first, &p);
  }
  p.tiles = (uint32_t)n;
  p.n_lanes = a->n_lanes - (uint32_t)(first * a->tile);
  p.tile = a->tile;
  const unsigned threads = a->ld < BLOCK_THREADS ? a->ld : BLOCK_THREADS;
  void *args[1];
  args[0] = &p;
  EG_CUDA_TRY(cudaLaunchKernel((const void *)d->make_path_values, (dim3){p.tiles, a->ld / threads, 1}, (dim3){threads, 1, 1},
                               args, 0, d->statistics),
              "starting the statistics of paths");
  r.records = p.first.values;
  r.nodes = (double *)batch->nodes + first * job->node_values + node_at;
  r.tiles = p.tiles;
  r.n_records = r.n_points = 1;
  r.n_features = eg_path_columns(s);
  r.width = s->n_values;
  r.node_stride = job->node_values;
  r.ld = a->ld;
  r.n_lanes = p.n_lanes;
  r.with_covariance = s->with_covariance;
  r.tile = a->tile;
  return eg_cuda_launch_reduce(d, &r, message);
}

/* What the lists of the largest are made of, the second row of values, for the host. */
static eg_cuda_status copy_listed(eg_cuda_device *d, const eg_cuda_batch *batch, const eg_path_statistic *s, size_t list,
                                  uint64_t first, uint64_t n, eg_cuda_message message) {
  const size_t ld = d->job->launch.ld, row = ld * sizeof(double);
  EG_CUDA_TRY(cudaMemcpy2DAsync(batch->host_listed + (list * d->tiles + first) * ld, row, (const double *)d->dev_path_values + ld,
                                s->n_values * row, row, n, cudaMemcpyDeviceToHost, d->statistics),
              "copying values of paths back");
  return EG_CUDA_OK;
}

eg_cuda_status eg_cuda_reduce_paths(eg_cuda_device *d, const eg_cuda_batch *batch, const eg_launch *a, eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  size_t node_at = job->path_node, list = 0;
  for (size_t i = 0; i < job->n_paths; i++) {
    const eg_path_statistic *const s = &d->paths[i];
    for (uint32_t point = 0; point < eg_path_rows(s, a->n_points); point++) {
      for (uint64_t first = 0; first < batch->tiles; first += d->value_tiles) {
        const uint64_t left = batch->tiles - first, n = left < d->value_tiles ? left : d->value_tiles;
        EG_CUDA_PASS(reduce_some(d, batch, a, s, point, node_at, first, n, message));
        if (s->n_largest > 0) {
          EG_CUDA_PASS(copy_listed(d, batch, s, list, first, n, message));
        }
      }
      list += s->n_largest > 0;
      node_at += eg_path_row_values(s);
    }
  }
  return EG_CUDA_OK;
}

/* ---- on the host ---- */

void eg_cuda_list_largest(const eg_cuda_device *d, const eg_cuda_batch *batch, uint64_t tile, uint64_t realisation,
                          uint32_t n_lanes, double *node) {
  const eg_cuda_job *const job = d->job;
  if (batch->host_listed == NULL) {
    return;
  }
  const double *values = batch->host_listed + tile * job->launch.ld;
  node += job->path_node;
  for (size_t i = 0; i < job->n_paths; i++) {
    const eg_path_statistic *const s = &job->paths[i];
    for (uint32_t point = 0; point < eg_path_rows(s, job->launch.n_points); point++) {
      node += eg_path_row_values(s);
      if (s->n_largest == 0) {
        continue;
      }
      double *const list = node - 2 * s->n_largest;
      uint32_t n = 0;
      for (uint32_t l = 0; l < n_lanes; l++) {
        if (values[l] == values[l]) {
          eg_largest_offer(list, s->n_largest, &n, values[l], (double)(realisation + l));
        }
      }
      eg_largest_finish(list, s->n_largest, n);
      values += d->tiles * job->launch.ld;
    }
  }
}
