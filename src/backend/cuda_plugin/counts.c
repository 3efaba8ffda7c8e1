/* Counts of histograms, and kept paths of a job. */
#include <stdlib.h>
#include <string.h>

#include "device.h"

/* Doubles of one record of the kept lanes of one tile. */
static size_t kept_values(const eg_cuda_job *job) {
  const size_t lanes = job->n_kept < job->tile ? (size_t)job->n_kept : job->tile;
  return lanes * job->launch.n_points * job->n_features;
}

static size_t kept_bytes(const eg_cuda_job *job) {
  const size_t one = kept_values(job) * sizeof(double);
  return one > EG_KEPT_BYTES ? one : EG_KEPT_BYTES;
}

/* How many pairs the first n sections have. */
static size_t n_pairs(const eg_cuda_job *job, size_t n) {
  size_t pairs = 0;
  for (size_t i = 0; i < n; i++) {
    pairs += job->sections[i].n_pairs;
  }
  return pairs;
}

static eg_cuda_status upload_pairs(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  const size_t n = n_pairs(job, job->n_sections);
  if (n == 0) {
    return EG_CUDA_OK;
  }
  eg_histogram_pair *const all = (eg_histogram_pair *)calloc(n, sizeof *all);
  if (all == NULL) {
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory");
  }
  for (size_t i = 0; i < job->n_sections; i++) {
    const eg_cuda_section *const s = &job->sections[i];
    if (s->n_pairs > 0) {
      memcpy(all + n_pairs(job, i), s->pairs, s->n_pairs * sizeof *all);
    }
  }
  const eg_cuda_status status = eg_cuda_upload(all, n * sizeof *all, &d->dev_pairs, message);
  free(all);
  return status;
}

eg_cuda_status eg_cuda_make_counts(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  if (job->n_kept > 0) {
    EG_CUDA_TRY(cudaMallocHost((void **)&d->host_kept, kept_bytes(job)), "reserving page-locked memory");
  }
  if (job->n_histograms > 0) {
    EG_CUDA_PASS(eg_cuda_upload(job->histograms, job->n_histograms * sizeof *job->histograms, &d->dev_histograms, message));
    EG_CUDA_PASS(eg_cuda_upload(job->edges, job->n_edges * sizeof *job->edges, &d->dev_edges, message));
    EG_CUDA_PASS(upload_pairs(d, job, message));
  }
  if (job->n_counts == 0) {
    return EG_CUDA_OK;
  }
  EG_CUDA_TRY(cudaMalloc(&d->dev_counts, job->n_counts * sizeof(uint64_t)),
              "reserving GPU memory for histograms");
  EG_CUDA_TRY(cudaMallocHost((void **)&d->host_counts, job->n_counts * sizeof(uint64_t)),
              "reserving page-locked memory");
  return EG_CUDA_OK;
}

eg_cuda_status eg_cuda_clear_counts(eg_cuda_device *d, eg_cuda_message message) {
  if (d->job->n_counts > 0) {
    EG_CUDA_TRY(cudaMemsetAsync(d->dev_counts, 0, d->job->n_counts * sizeof(uint64_t), d->statistics),
                "clearing the histograms");
  }
  return EG_CUDA_OK;
}

static eg_cuda_status launch_section(eg_cuda_device *d, const eg_launch *a, uint64_t tiles, size_t record_first,
                                     size_t section, eg_cuda_message message) {
  const eg_cuda_section *const s = &d->job->sections[section];
  eg_count r;
  memset(&r, 0, sizeof r);
  r.records = a->records;
  r.histograms = (const eg_histogram *)d->dev_histograms + s->first;
  r.edges = (const double *)d->dev_edges;
  r.counts = (uint64_t *)d->dev_counts + s->first_count;
  r.places = eg_cuda_places(d, 1 + section);
  r.tiles = (uint32_t)tiles;
  r.n_records = a->n_records;
  r.n_points = a->n_points;
  r.n_features = a->n_features;
  r.ld = a->ld;
  r.n_lanes = a->n_lanes;
  r.record_first = (uint32_t)record_first;
  r.n_histograms = (uint32_t)s->n;
  r.row_counts = (uint32_t)s->row_counts;
  r.tile = a->tile;
  const unsigned rows = (unsigned)(tiles * a->n_records * a->n_points);
  const unsigned threads = a->ld < 512 ? a->ld : 512;
  void *args[2];
  args[0] = &r;
  EG_CUDA_TRY(cudaLaunchKernel((const void *)d->count_histograms, (dim3){rows, (unsigned)s->n, 1},
                               (dim3){threads, 1, 1}, args, 0, d->statistics),
              "starting the histograms");
  if (s->n_pairs > 0) {
    const eg_histogram_pair *pairs = (const eg_histogram_pair *)d->dev_pairs + n_pairs(d->job, section);
    args[1] = &pairs;
    EG_CUDA_TRY(cudaLaunchKernel((const void *)d->count_pairs, (dim3){rows, (unsigned)s->n_pairs, 1}, (dim3){threads, 1, 1},
                                 args, 0, d->statistics),
                "starting the histograms");
  }
  return EG_CUDA_OK;
}

eg_cuda_status eg_cuda_launch_counts(eg_cuda_device *d, const eg_launch *a, uint64_t tiles, size_t record_first,
                                     eg_cuda_message message) {
  for (size_t i = 0; i < d->job->n_sections; i++) {
    EG_CUDA_PASS(launch_section(d, a, tiles, record_first, i, message));
  }
  return EG_CUDA_OK;
}

eg_cuda_status eg_cuda_collect_counts(eg_cuda_device *d, uint64_t *counts, eg_cuda_message message) {
  const size_t n = d->job->n_counts;
  if (n == 0) {
    return EG_CUDA_OK;
  }
  EG_CUDA_TRY(cudaMemcpyAsync(d->host_counts, d->dev_counts, n * sizeof(uint64_t), cudaMemcpyDeviceToHost, d->statistics),
              "copying histograms back");
  EG_CUDA_TRY(cudaStreamSynchronize(d->statistics), "copying histograms back");
  for (size_t i = 0; i < n; i++) {
    counts[i] += d->host_counts[i];
  }
  return EG_CUDA_OK;
}

/* Records first .. first + n - 1 of this launch, lanes from .. to - 1 of one tile, through the host buffer. */
static eg_cuda_status keep_some(eg_cuda_device *d, const eg_launch *a, uint64_t tile, uint32_t from, uint32_t to,
                                size_t first, size_t n, size_t record_first, double *paths, eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  const size_t row = a->n_points * (size_t)a->n_features, lanes = to - from;
  const double *const records =
      a->records + (tile * a->n_records + first) * row * a->ld + from;
  EG_CUDA_TRY(cudaMemcpy2DAsync(d->host_kept, lanes * sizeof(double), records, a->ld * sizeof(double),
                                lanes * sizeof(double), n * row, cudaMemcpyDeviceToHost, d->statistics),
              "copying kept paths back");
  EG_CUDA_TRY(cudaStreamSynchronize(d->statistics), "copying kept paths back");
  const uint64_t kept_from = a->realisation_first + tile * a->tile + from - job->kept_first;
  for (size_t record = 0; record < n; record++) {
    const size_t observation = record_first + first + record;
    const size_t place = job->kept_places == NULL ? observation : job->kept_places[observation];
    for (size_t point = 0; point < a->n_points && place != EG_NO_PLACE; point++) {
      const double *const v = d->host_kept + (record * row + point * a->n_features) * lanes;
      for (size_t l = 0; l < lanes; l++) {
        double *const path = paths + ((point * job->n_kept + kept_from + l) * job->n_kept_records + place) *
                                         job->n_kept_columns; /* eg_job_path_at */
        for (size_t c = 0; c < job->n_kept_columns; c++) {
          path[c] = v[job->kept_columns[c] * lanes + l];
        }
      }
    }
  }
  return EG_CUDA_OK;
}

eg_cuda_status eg_cuda_keep_paths(eg_cuda_device *d, const eg_launch *a, uint64_t tiles, size_t record_first,
                                  double *paths, eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  const uint64_t kept_end = job->kept_first + job->n_kept;
  for (uint64_t tile = 0; tile < tiles && job->n_kept > 0; tile++) {
    const uint64_t begin = a->realisation_first + tile * a->tile;
    const uint64_t rest = a->n_lanes - tile * a->tile, end = begin + (rest < a->tile ? rest : a->tile);
    const uint64_t from = begin > job->kept_first ? begin : job->kept_first, to = end < kept_end ? end : kept_end;
    if (from >= to) {
      continue;
    }
    const size_t at_once = kept_bytes(job) / (kept_values(job) * sizeof(double));
    for (size_t first = 0; first < a->n_records; first += at_once) {
      const size_t n = a->n_records - first < at_once ? a->n_records - first : at_once;
      const eg_cuda_status status = keep_some(d, a, tile, (uint32_t)(from - begin), (uint32_t)(to - begin), first, n,
                                              record_first, paths, message);
      if (status != EG_CUDA_OK) {
        return status;
      }
    }
  }
  return EG_CUDA_OK;
}
