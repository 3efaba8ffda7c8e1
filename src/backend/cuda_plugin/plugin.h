/*
 * The border between the program and libensgrad_cuda.so: one table of C functions with a version. The plug-in
 * links the static CUDA runtime and nothing of ensgrad, so a program without a GPU never needs it. Only plain
 * C types cross.
 */
#ifndef EG_CUDA_PLUGIN_H
#define EG_CUDA_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include "core/launch.h"
#include "stats/histogram.h"
#include "stats/paths.h"

/* Raised whenever anything below, eg_launch or the meaning of either changes. */
#define EG_CUDA_PLUGIN_ABI    17
#define EG_CUDA_PLUGIN_FILE   "libensgrad_cuda.so"
#define EG_CUDA_PLUGIN_SYMBOL "ensgrad_cuda_plugin"

typedef enum eg_cuda_status {
  EG_CUDA_OK = 0,
  EG_CUDA_STOPPED = 1, /* `stop` was set */
  EG_CUDA_FAILED = 2,  /* the device or the driver */
  EG_CUDA_MEMORY = 3,  /* host memory */
  EG_CUDA_REFUSED = 4  /* not compiled ahead */
} eg_cuda_status;

/* Where a function that fails writes what went wrong, in plain words. */
typedef struct eg_cuda_message {
  char *text;
  size_t size;
} eg_cuda_message;

/* The counts of one schedule: eg_count_section of backend.h. */
typedef struct eg_cuda_section {
  const uint32_t *places; /* NULL: all records */
  size_t n_records, first, n, row_counts, first_count;
  const eg_histogram_pair *pairs;
  size_t n_pairs;
} eg_cuda_section;

/* The same as eg_job of backend.h; all arrays outlive the job. Records are made at all observations; where there are several
   schedules, places say what is made of which (NULL: everything of all). */
typedef struct eg_cuda_job {
  const char *model, *model_file, *stepper;
  const char *shape; /* of the model's layers, NULL: its own */
  int32_t form; /* EG_FORM_* */
  int32_t dim, is_float, kind, with_covariance;
  const double *params;
  size_t n_params;
  eg_launch launch;
  const uint64_t *record_steps;
  size_t n_records;
  const eg_feature_code *features;
  size_t n_features;
  const double *start;
  const double *staged;
  size_t n_staged;
  const double *rows;
  size_t n_row_values;
  uint64_t n_realisations, n_tiles;
  uint32_t tile;
  size_t state_values, node_values;
  double step_work;
  const eg_histogram *histograms;
  size_t n_histograms;
  const double *edges;
  size_t n_edges, n_counts;
  const eg_cuda_section *sections;
  size_t n_sections;
  const uint32_t *columns, *moment_places, *kept_places;
  size_t n_moment_columns, n_kept_records;
  const eg_path_statistic *paths;
  size_t n_paths, path_node; /* where their sums begin in a node */
  const uint32_t *tracked_columns, *tracked_places;
  size_t n_tracked, n_tracked_records;
  const eg_feature_code *fed; /* columns that streamed statistics are fed with */
  size_t n_fed;
  const eg_stream *streams;   /* what the statistics of the form streamed point at */
  size_t n_streams;
  const uint32_t *kept_columns;
  size_t n_kept_columns;
  uint64_t kept_first, n_kept;
  uint64_t *beats; /* counted up, atomically, with every launch that is over */
  const struct eg_cuda_job *const *members; /* of a group, this one first; NULL: it is advanced alone */
  size_t n_members;         /* 1 of a job alone */
  const uint32_t *bases;    /* (n_members - 1): eg_job_group of backend.h */
} eg_cuda_job;

typedef struct eg_cuda_bad {
  uint64_t realisation, step;
  uint32_t point, member;
} eg_cuda_bad;

typedef struct eg_cuda_result {
  double *node;     /* node_values doubles, given by the caller; of a group those of its members, then those of its differences */
  eg_cuda_bad *bad; /* malloc, NULL if none; in (member, realisation, point) order */
  size_t n_bad;
  uint64_t *counts; /* as in eg_tile_result: of a group, of its members one after the other */
  double *paths;
} eg_cuda_result;

typedef struct eg_cuda_device eg_cuda_device;

typedef struct eg_cuda_plugin {
  uint32_t abi, launch_bytes, job_bytes, result_bytes;
  eg_cuda_status (*count)(int *n_devices, eg_cuda_message message);
  eg_cuda_status (*open)(int index, eg_cuda_device **device, eg_cuda_message message);
  void (*close)(eg_cuda_device *device);
  const char *(*describe)(const eg_cuda_device *device);
  eg_cuda_status (*prepare)(eg_cuda_device *device, const eg_cuda_job *job, uint64_t *tiles_at_once,
                            eg_cuda_message message);
  eg_cuda_status (*advance)(eg_cuda_device *device, uint64_t first, uint64_t n, const volatile int *stop,
                            eg_cuda_result *results, eg_cuda_message message);
} eg_cuda_plugin;

#endif
