/*
 * GPU memory of a job, from the job alone: what the plug-in reserves, and what `ensgrad check` predicts on a machine without a
 * GPU. Included by both; no CUDA here.
 */
#ifndef EG_CUDA_BYTES_H
#define EG_CUDA_BYTES_H

#include "core/form.h"
#include "core/particles.h"
#include "core/permutation.h"
#include "core/unit_table.h"
#include "plugin.h"
#include "stats/paths.h"
#include "stats/streams.h"

enum { EG_CUDA_SLOTS = 2, EG_CUDA_BATCHES = 2 };

#define EG_CUDA_MOST_SAMPLES 4096 /* of a launch, of streamed statistics */

/* The slots for records of one launch together stay below this. */
#define EG_CUDA_RECORD_BYTES ((size_t)2048 << 20)

/* Of one tile; `record`: of one of its records in one slot. */
typedef struct eg_tile_bytes {
  size_t state, monitors, first_bad, nodes, record, scratch, tracks, streams;
} eg_tile_bytes;

/* Member i of a group; of a job alone itself. */
static inline const eg_cuda_job *eg_cuda_member(const eg_cuda_job *job, size_t i) {
  return job->members == NULL ? job : job->members[i];
}

/* Doubles of one tile's result. */
static inline size_t eg_cuda_result_values(const eg_cuda_job *job) {
  return job->node_values * (2 * job->n_members - 1);
}

/* Trajectories of one tile, slots that stay empty left out. */
static inline uint64_t eg_cuda_tile_trajectories(const eg_cuda_job *job) {
  return (uint64_t)job->launch.n_points * job->tile;
}

/* Do threads get other slots between launches? core/order_gpu.h */
static inline int eg_cuda_is_ordered(const eg_cuda_job *job) {
  return job->launch.absorbing != 0 && job->form == EG_FORM_LANE && job->launch.sampling == EG_SAMPLE_REPLACEMENT;
}

/* Working memory; `vectors`: of a warp in team form, averages of a population. */
static inline size_t eg_cuda_scratch_bytes(const eg_cuda_job *job, size_t vectors) {
  if (job->launch.n_particles > 0) { /* sums of the blocks of particles: core/population_gpu.h */
    return (size_t)job->tile * vectors * eg_power_of_two(eg_particle_blocks(job->launch.n_particles)) * sizeof(double);
  }
  if (job->form == EG_FORM_TEAM) { /* eg_team_piece_values of core/team_gpu.h */
    const size_t real = job->is_float ? sizeof(float) : sizeof(double);
    const size_t order = (size_t)eg_team_order_values(job->launch.sampling, job->launch.n_rows, real);
    return eg_cuda_tile_trajectories(job) * (vectors * (size_t)job->dim + EG_TEAM_LANES + order) * real;
  }
  if (eg_cuda_is_ordered(job)) {
    return eg_cuda_tile_trajectories(job) * sizeof(uint32_t);
  }
  return job->launch.sampling == EG_SAMPLE_REPLACEMENT ? 0 /* core/permute_gpu.h */
                                                       : eg_cuda_tile_trajectories(job) * job->launch.n_rows * 2 * sizeof(uint16_t);
}

static inline size_t eg_cuda_track_values(const eg_cuda_job *job) {
  return job->n_tracked_records * job->launch.n_points * job->n_tracked * job->launch.ld;
}

static inline size_t eg_cuda_track_bytes(const eg_cuda_job *job) {
  return job->n_paths == 0 ? 0 : eg_cuda_track_values(job) * sizeof(double);
}

/* State of the first n streamed statistics. */
static inline size_t eg_cuda_stream_values(const eg_cuda_job *job, size_t n) {
  size_t rows = 0;
  for (size_t i = 0; i < n; i++) {
    rows += eg_stream_rows(&job->streams[i]);
  }
  return rows * job->launch.n_points * job->launch.ld;
}

/* Values of the paths' statistic with most of them. */
static inline size_t eg_cuda_path_value_bytes(const eg_cuda_job *job) {
  size_t most = 0;
  for (size_t i = 0; i < job->n_paths; i++) {
    most = job->paths[i].n_values > most ? job->paths[i].n_values : most;
  }
  return most * job->launch.ld * sizeof(double);
}

static inline eg_tile_bytes eg_cuda_tile_bytes(const eg_cuda_job *job, size_t scratch) {
  eg_tile_bytes b;
  const size_t lanes = (size_t)job->launch.n_points * job->launch.ld;
  b.state = job->state_values * (job->is_float ? sizeof(float) : sizeof(double));
  b.monitors = lanes * job->launch.n_monitors * 2 * sizeof(double);
  b.first_bad = lanes * sizeof(uint64_t);
  b.scratch = scratch;
  b.nodes = job->node_values * sizeof(double);
  b.record = lanes * (job->n_fed > job->n_features ? job->n_fed : job->n_features) * sizeof(double); /* or of samples */
  b.tracks = eg_cuda_track_bytes(job);
  b.streams = eg_cuda_stream_values(job, job->n_streams) * sizeof(double);
  return b;
}

/* Of one tile of everything that stays for the whole job. */
static inline size_t eg_cuda_fixed_bytes(const eg_tile_bytes *b) {
  return EG_CUDA_BATCHES * (b->state + b->monitors + b->first_bad + b->nodes) + b->scratch + b->tracks + b->streams;
}

/* The same of the differences of a group: their nodes. */
static inline size_t eg_cuda_difference_bytes(const eg_cuda_job *job) {
  return EG_CUDA_BATCHES * (job->n_members - 1) * job->node_values * sizeof(double);
}

/* Of all tiles together: data, matrices, times, steps of samples, and values of paths of so many tiles. */
static inline size_t eg_cuda_input_bytes(const eg_cuda_job *job, size_t value_tiles) {
  const size_t samples = job->n_streams > 0 ? EG_CUDA_SLOTS * EG_CUDA_MOST_SAMPLES * sizeof(uint64_t) : 0;
  return value_tiles * eg_cuda_path_value_bytes(job) + samples + (job->n_row_values + job->n_staged) * sizeof(double) +
         job->n_records * (sizeof(uint64_t) + (4 + job->n_sections) * sizeof(uint32_t));
}

#endif
