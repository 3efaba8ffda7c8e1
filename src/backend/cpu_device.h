/* A device of the CPU backend, a worker thread with its buffers, as its parts share it: cpu.c (setting up), cpu_tile.c (advancing a
   tile), cpu_parts.c (keeping one). Included by them alone. */
#ifndef EG_BACKEND_CPU_DEVICE_H
#define EG_BACKEND_CPU_DEVICE_H

#include "backend/backend.h"
#include "backend/cpu_streams.h"

/* Of the team form, where a stop may cut a launch: how the tile stood before it. */
typedef struct eg_cpu_before {
  double *state;       /* NULL: launches are whole */
  double *monitors;
  uint64_t *first_bad;
  uint64_t step;
  bool has_begun;
} eg_cpu_before;

/* Records that are reduced block by block: cpu_blocks.h. */
typedef struct eg_cpu_blocks {
  eg_sums *sums;         /* (records_at_once, n_points, moment columns), or NULL: they are reduced tile by tile */
  eg_reduce *runs;       /* (n_runs) records of the launch that moments are made of */
  uint32_t *first;       /* (n_runs) the first of each */
  uint32_t *tracked;     /* (n_tracked) its records that are tracked */
  size_t n_runs, n_tracked;
  size_t record_first, track_first; /* observations, and tracked ones, before the launch */
  eg_block_sink sink;
} eg_cpu_blocks;

struct eg_device {
  const eg_cpu_kernels *kernels;
  eg_thread thread;
  const eg_job *job;
  const eg_unit *unit;
  const eg_unit_stepper *stepper;
  void *staged, *rows; /* in the type of the state */
  double *state, *monitors, *records, *scratch;
  double *tracks, *path_values; /* of the paths' statistics: observations of the tile so far; values of one statistic */
  eg_cpu_streams streams; /* of the statistics that are fed between observations */
  uint32_t *places; /* scratch of the histograms */
  uint64_t *first_bad;
  size_t records_at_once;
  eg_launch launch;    /* of the tile in hand: what comes next */
  eg_cpu_blocks blocks;
  bool is_open;        /* the last launch was cut, or its records are not reduced yet: `before` holds */
  eg_cpu_before before;
  eg_device **members; /* what is advanced together: this one, which leads, and of a group those that it owns; NULL in these */
  size_t n_members;
  void *own_noise; /* the thread's noise buffer while whole paths of the job stand in its place */
  size_t own_bytes, job_bytes; /* of the buffers that stay, and of those for the job */
};

/* A tile in hand, of all members together. */
typedef struct eg_cpu_tile {
  eg_device *device; /* which leads */
  uint64_t tile;
  const volatile int *stop;
  eg_tile_result *result;
  size_t n_records;  /* observations made and reduced */
} eg_cpu_tile;

/* Where the counts and kept paths of member i are; NULL where there is no room for any. */
static inline uint64_t *eg_cpu_counts_of(const eg_cpu_tile *t, size_t i) {
  return i == 0 ? t->result->counts : t->result->counts + i * t->device->job->n_counts;
}
static inline double *eg_cpu_paths_of(const eg_cpu_tile *t, size_t i) {
  return i == 0 ? t->result->paths : t->result->paths + i * eg_job_path_values(t->device->job);
}

/* Tiles first .. first + n - 1 of the prepared job: `advance` of the backend. */
EG_NODISCARD eg_status eg_cpu_advance(eg_context *ctx, eg_device *device, uint64_t first, uint64_t n, const volatile int *stop,
                                      eg_tile_result *results);

/* ---- cpu_parts.c ---- */

/* A launch that may be cut follows: remember how the tile stands. */
void eg_cpu_part_remember(eg_device *member);
/* Between launches, or after one that was cut: give the tile to its keeper if that is due. */
EG_NODISCARD eg_status eg_cpu_part_offer(eg_context *ctx, const eg_cpu_tile *tile, bool is_stopping);
/* Go on from what the result says, with members that have been begun. */
void eg_cpu_part_resume(eg_cpu_tile *tile);

#endif
