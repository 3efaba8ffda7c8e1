/*
 * One GPU as one worker thread holds it: the loaded kernels and the buffers of its job.
 *
 * Work goes through two streams. `stepping` has the advance kernels, `statistics` (of higher priority) the reductions
 * and the copies back. Records lie in two slots that take turns: launch k + 1 steps into the other slot while the
 * records of launch k are reduced. What orders the two streams:
 *
 *   stepped (of a launch)  its records are complete      -> statistics may read them
 *   reduced (of a slot)    its records have been read    -> stepping may overwrite them
 *   copied  (of a batch)   its results lie on the host   -> the host may read them, and use the batch's buffers again
 *
 * A trajectory is carried by one thread (lane form), a warp (team form) or a block (population). Working memory of the
 * trajectories of a launch is one buffer for all batches, since only one launch steps at a time.
 *
 * The host runs ahead by EG_CUDA_IN_FLIGHT launches. Tiles go in batches; two of them have buffers, so that the
 * results of one are taken while the other steps.
 *
 * A group is a device that leads and others that have its streams and kernels, and buffers of their own (group.c). Its members
 * step one after the other, each in launches of its own length, to observations that all of them record; then all are
 * reduced, and their records, which lie side by side, become those of the differences.
 */
#ifndef EG_CUDA_DEVICE_H
#define EG_CUDA_DEVICE_H

#include <cuda_runtime_api.h>

#include "bytes.h"
#include "stats/moments_gpu.h"
#include "stats/paths_gpu.h"

#define EG_KEPT_BYTES (4u << 20) /* records on their way to the kept paths, or one record where it is larger */

enum { EG_CUDA_IN_FLIGHT = 4 };

/* A launch that has been handed over. */
typedef struct eg_cuda_flight {
  cudaEvent_t before, stepped;
  uint64_t *sample_steps; /* page-locked, of a launch that records samples of streamed statistics */
  uint64_t steps;
  uint32_t is_restart; /* not the first of its batch */
} eg_cuda_flight;

typedef struct eg_cuda_slot {
  void *records;
  void *sample_steps;
  cudaEvent_t reduced;
} eg_cuda_slot;

typedef struct eg_cuda_batch {
  void *state, *monitors, *first_bad, *nodes;
  double *host_nodes;       /* page-locked */
  double *host_listed;      /* page-locked: values that lists of the largest are made of, (rows of them, tiles, ld) */
  uint64_t *host_first_bad; /* page-locked */
  void *differences;        /* nodes of the differences to the base; NULL: it has none */
  double *host_differences; /* page-locked */
  cudaEvent_t copied;
  /* while it is under way */
  uint64_t first, tiles;
  eg_cuda_result *results;  /* NULL: the buffers are free */
} eg_cuda_batch;

struct eg_cuda_device {
  int index, n_multiprocessors, threads_each, capability; /* 90: sm_90 */
  char description[512];
  cudaStream_t stepping, statistics;
  eg_cuda_flight flights[EG_CUDA_IN_FLIGHT];
  eg_cuda_slot slots[EG_CUDA_SLOTS];
  eg_cuda_batch batches[EG_CUDA_BATCHES];
  cudaLibrary_t statistics_code;
  cudaKernel_t reduce_moments, reduce_comoments, reduce_products, count_histograms, count_pairs, track_records, make_path_values, feed_streams, order_lanes, subtract_records;
  /* of the job */
  const eg_cuda_job *job;
  cudaLibrary_t unit;
  cudaKernel_t kernel;
  unsigned block_threads;
  unsigned trajectory_threads; /* that carry one trajectory */
  size_t scratch_bytes;     /* working memory of one tile */
  uint64_t tiles;           /* of a batch */
  size_t records_at_once;   /* of a launch */
  uint64_t steps_at_once;   /* of a launch: adapts so that one takes a fraction of a second */
  uint64_t n_launched;      /* since the streams were last empty */
  unsigned next_slot;
  void *params, *staged;    /* host, padded to the sizes of the kernel's arguments */
  void *dev_columns, *dev_places; /* of several schedules; places: (moments, sections, paths; records) */
  void *dev_record_steps, *dev_features, *dev_start, *dev_staged, *dev_rows, *dev_scratch;
  void *dev_histograms, *dev_edges, *dev_counts, *dev_pairs; /* pairs: of one section behind the other */
  void *dev_tracks, *dev_path_values, *dev_path_terms, *dev_tracked_columns;
  void *dev_fed, *dev_streams, *dev_stream_state;
  eg_path_statistic *paths; /* of the job, their arrays on the device */
  uint64_t value_tiles;     /* whose values are made at once */
  uint64_t *host_counts;    /* page-locked */
  double *host_kept;        /* page-locked: EG_KEPT_BYTES */
  eg_launch launch;         /* of the batch that is being launched: what comes next */
  struct eg_cuda_device **members; /* of a group, this one first, which owns the others; of a job alone it is alone here */
  size_t n_members;
};

/* Does it look after every step? */
static inline int eg_cuda_is_watched(const eg_cuda_job *job) {
  return job->launch.n_monitors > 0 || job->launch.is_watched;
}

/* Does it record the trace of the gradient noise's covariance? */
static inline int eg_cuda_is_traced(const eg_cuda_job *job) {
  int is = 0;
  for (size_t i = 0; i < job->n_features; i++) {
    is = is || job->features[i].id == EG_FEATURE_NOISE_TRACE;
  }
  for (size_t i = 0; i < job->n_fed; i++) {
    is = is || job->fed[i].id == EG_FEATURE_NOISE_TRACE;
  }
  return is;
}

/* Does it step by sums of increments of a finer member of its group? */
static inline int eg_cuda_is_coarse(const eg_cuda_job *job) {
  return job->launch.noise_ratio > 1;
}

/* What no kernel has that was compiled ahead: looks after every step, rows without replacement or with noise, stable increments,
   sums of increments, noise_trace. */
static inline int eg_cuda_is_special(const eg_cuda_job *job) {
  return eg_cuda_is_watched(job) || eg_cuda_is_coarse(job) || eg_has_row_noise(&job->launch) || eg_cuda_is_traced(job) || job->launch.tail_index > 0 ||
         (job->launch.n_particles == 0 && job->launch.sampling != EG_SAMPLE_REPLACEMENT);
}

/* Places of the moments (i = 0), of section i - 1, of the paths behind all sections; NULL: of all records. */
static inline const uint32_t *eg_cuda_places(const eg_cuda_device *d, size_t i) {
  return d->dev_places == NULL ? NULL : (const uint32_t *)d->dev_places + i * d->job->n_records;
}

/* Write a message and return EG_CUDA_FAILED. */
eg_cuda_status eg_cuda_fail(eg_cuda_message message, cudaError_t error, const char *doing);
eg_cuda_status eg_cuda_say(eg_cuda_message message, eg_cuda_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define EG_CUDA_TRY(call, doing)                                                                             \
  do {                                                                                                       \
    const cudaError_t eg_error_ = (call);                                                                    \
    if (eg_error_ != cudaSuccess) {                                                                          \
      return eg_cuda_fail(message, eg_error_, doing);                                                        \
    }                                                                                                        \
  } while (0)

#define EG_CUDA_PASS(call)                                                                                   \
  do {                                                                                                       \
    const eg_cuda_status eg_status_ = (call);                                                                \
    if (eg_status_ != EG_CUDA_OK) {                                                                          \
      return eg_status_;                                                                                     \
    }                                                                                                        \
  } while (0)

/* kernel.c: find or compile the kernel of a job, and fill its arguments that stay. */
eg_cuda_status eg_cuda_load_kernel(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message);

/* sizes.c: tiles and records_at_once, the same of all members. */
eg_cuda_status eg_cuda_choose_sizes(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message);
uint64_t eg_cuda_tiles_at_once(const eg_cuda_device *d, const eg_cuda_job *job);
uint64_t eg_cuda_first_steps(const eg_cuda_device *d, const eg_cuda_job *job);

/* reduce.c: moments of rows; nodes of the records that a launch writes. */
eg_cuda_status eg_cuda_launch_reduce(eg_cuda_device *d, const eg_tile_reduce *what, eg_cuda_message message);
eg_cuda_status eg_cuda_reduce_records(eg_cuda_device *d, const eg_cuda_batch *batch, void *nodes, const eg_launch *a,
                                      size_t record_first, eg_cuda_message message);

/* paths.c: statistics of paths; nothing where there are none. What they are; the buffers, after d->tiles and d->value_tiles are chosen; after every launch; after the last one of a batch; the lists of a node that
   came back. */
eg_cuda_status eg_cuda_upload_paths(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message);
eg_cuda_status eg_cuda_make_paths(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message);
eg_cuda_status eg_cuda_track_records(eg_cuda_device *d, const eg_launch *a, uint64_t tiles, size_t record_first,
                                     eg_cuda_message message);
eg_cuda_status eg_cuda_reduce_paths(eg_cuda_device *d, const eg_cuda_batch *batch, const eg_launch *a, eg_cuda_message message);
void eg_cuda_list_largest(const eg_cuda_device *d, const eg_cuda_batch *batch, uint64_t tile, uint64_t realisation,
                          uint32_t n_lanes, double *node);

/* streams.c: statistics that are fed between observations. The buffers; before the first launch of a
   batch; the step of the first sample behind `step`, UINT64_MAX: none; make a launch record the samples up to its last step, or those
   there is room for, then with the last of them as its last step; their steps on the way to the device, before the launch; what the
   launch recorded into the state, after it; where make_path_values finds the state. */
eg_cuda_status eg_cuda_make_streams(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message);
eg_cuda_status eg_cuda_clear_streams(eg_cuda_device *d, uint64_t tiles, eg_cuda_message message);
uint64_t eg_cuda_next_sample(const eg_cuda_job *job, uint64_t step);
void eg_cuda_choose_samples(const eg_cuda_device *d, eg_launch *a, uint64_t *steps);
eg_cuda_status eg_cuda_send_samples(eg_cuda_device *d, eg_launch *a, const eg_cuda_flight *flight, const eg_cuda_slot *slot,
                                    eg_cuda_message message);
eg_cuda_status eg_cuda_feed_streams(eg_cuda_device *d, const eg_launch *a, uint64_t tiles, eg_cuda_message message);
void eg_cuda_set_state(const eg_cuda_device *d, const eg_path_statistic *s, uint64_t first_tile, eg_tile_paths *p);

/* order.c: where crossings absorb, the order of the threads of the next launch, in launch.scratch, after every launch; most steps of
   a launch. */
uint64_t eg_cuda_launch_steps(const eg_cuda_device *d);
eg_cuda_status eg_cuda_order_lanes(eg_cuda_device *d, const eg_launch *a, uint64_t tiles, eg_cuda_message message);

/* counts.c: counts of a launch's records, kept paths of its tiles, and what a call has counted; all in the stream of the
   statistics. Keeping paths waits for it; only the few batches that have kept realisations do. */
eg_cuda_status eg_cuda_make_counts(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message);
eg_cuda_status eg_cuda_clear_counts(eg_cuda_device *d, eg_cuda_message message);
eg_cuda_status eg_cuda_launch_counts(eg_cuda_device *d, const eg_launch *a, uint64_t tiles, size_t record_first,
                                     eg_cuda_message message);
eg_cuda_status eg_cuda_keep_paths(eg_cuda_device *d, const eg_launch *a, uint64_t tiles, size_t record_first,
                                  double *paths, eg_cuda_message message);
eg_cuda_status eg_cuda_collect_counts(eg_cuda_device *d, uint64_t *counts, eg_cuda_message message);

/* plugin.c: the events of a device. */
eg_cuda_status eg_cuda_make_events(eg_cuda_device *d, eg_cuda_message message);
void eg_cuda_destroy_events(eg_cuda_device *d);

/* advance.c, for group.c: a free place for one more launch; steps d->launch.step_first .. step_last with records from `record` on
   (EG_CUDA_SAMPLES: of samples), in the stream of the steps; the statistics of what was recorded, once the stream of the
   statistics waits for the steps; the records have been read. */
#define EG_CUDA_SAMPLES SIZE_MAX
eg_cuda_status eg_cuda_take_place(eg_cuda_device *d, eg_cuda_flight **flight, eg_cuda_message message);
eg_cuda_status eg_cuda_launch_steps_of(eg_cuda_device *d, const eg_cuda_batch *batch, eg_launch *a, size_t record,
                                       eg_cuda_flight *flight, eg_cuda_message message);
eg_cuda_status eg_cuda_take_records(eg_cuda_device *d, const eg_cuda_batch *batch, const eg_launch *a, size_t record, double *paths,
                                    eg_cuda_message message);
eg_cuda_status eg_cuda_finish_slot(eg_cuda_device *d, eg_cuda_message message);

/* group.c: devices of the members, before anything else is set up, and their end; all launches of a batch, numbered `turn`. */
eg_cuda_status eg_cuda_make_members(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message);
void eg_cuda_release_members(eg_cuda_device *d);
eg_cuda_status eg_cuda_launch_group(eg_cuda_device *d, unsigned turn, const volatile int *stop, eg_cuda_message message);

/* prepare.c: into GPU memory that is reserved for it. */
eg_cuda_status eg_cuda_upload(const void *data, size_t bytes, void **out, eg_cuda_message message);
void eg_cuda_release_job(eg_cuda_device *d);
eg_cuda_status eg_cuda_prepare(eg_cuda_device *d, const eg_cuda_job *job, uint64_t *tiles_at_once,
                               eg_cuda_message message);
eg_cuda_status eg_cuda_advance(eg_cuda_device *d, uint64_t first, uint64_t n, const volatile int *stop,
                               eg_cuda_result *results, eg_cuda_message message);

#endif
