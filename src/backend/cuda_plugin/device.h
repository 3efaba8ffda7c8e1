/* One GPU as one worker thread holds it: the loaded kernels and buffers of its job. */
#ifndef EG_CUDA_DEVICE_H
#define EG_CUDA_DEVICE_H

#include <cuda_runtime_api.h>

#include "plugin.h"
#include "stats/moments_gpu.h"

#define EG_KEPT_BYTES (4u << 20) /* records on their way to the kept paths, or one record where it is larger */

struct eg_cuda_device {
  int index, n_multiprocessors, threads_each;
  char description[512];
  cudaStream_t stream;
  cudaEvent_t before, after;
  cudaLibrary_t statistics;
  cudaKernel_t reduce_moments, reduce_comoments, count_histograms;
  /* of the job */
  const eg_cuda_job *job;
  cudaLibrary_t unit;
  cudaKernel_t kernel;
  unsigned block_threads;
  uint64_t tiles; /* at once */
  size_t records_at_once;
  uint64_t steps_at_once;  /* adapts so that a launch takes a fraction of a second */
  double *params, *staged; /* host, padded to the sizes of the kernel's arguments */
  void *dev_record_steps, *dev_features, *dev_start, *dev_rows, *dev_state, *dev_records, *dev_first_bad,
      *dev_nodes, *dev_histograms, *dev_edges, *dev_counts;
  double *host_nodes;       /* page-locked */
  uint64_t *host_first_bad; /* page-locked */
  uint64_t *host_counts;    /* page-locked */
  double *host_kept;        /* page-locked: EG_KEPT_BYTES */
};

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

void eg_cuda_release_job(eg_cuda_device *d);
eg_cuda_status eg_cuda_prepare(eg_cuda_device *d, const eg_cuda_job *job, uint64_t *tiles_at_once,
                               eg_cuda_message message);
/* counts.c: counts of a launch's records, kept paths of its tiles, and what a call has counted. */
eg_cuda_status eg_cuda_make_counts(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message);
eg_cuda_status eg_cuda_clear_counts(eg_cuda_device *d, eg_cuda_message message);
eg_cuda_status eg_cuda_launch_counts(eg_cuda_device *d, const eg_launch *a, uint64_t tiles, size_t record_first,
                                     eg_cuda_message message);
eg_cuda_status eg_cuda_keep_paths(eg_cuda_device *d, const eg_launch *a, uint64_t tiles, size_t record_first,
                                  double *paths, eg_cuda_message message);
eg_cuda_status eg_cuda_collect_counts(eg_cuda_device *d, uint64_t *counts, eg_cuda_message message);

eg_cuda_status eg_cuda_advance(eg_cuda_device *d, uint64_t first, uint64_t n, const volatile int *stop,
                               eg_cuda_result *results, eg_cuda_message message);

#endif
