/*
 * What a backend must do: advance tiles of one run and reduce them. One table of functions; the CPU, the CUDA plug-in
 * and a fake one for tests stand behind it. A backend knows no study and no file.
 */
#ifndef EG_BACKEND_BACKEND_H
#define EG_BACKEND_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"
#include "core/launch.h"
#include "model/compiled_units.h"
#include "stats/histogram.h"
#include "stats/paths.h"

/* Jobs that are advanced together, tile by tile, so that differences per realisation exist. Their tiles, observations
   and features agree. Difference i, i < n_members - 1, is member i minus member bases[i] > i, feature by feature; it is
   NaN where one of the two is masked. */
typedef struct eg_job_group {
  const struct eg_job *const *members; /* the first leads: the group is prepared and advanced by its name */
  size_t n_members;
  const uint32_t *bases;               /* (n_members - 1) */
} eg_job_group;

/* Counts of one schedule: histograms first .. first + n - 1 of the job, and pairs of them. */
typedef struct eg_count_section {
  const uint32_t *places;   /* (n_observations), as below */
  size_t n_records;         /* that are counted */
  size_t first, n;
  const eg_histogram_pair *pairs; /* their histograms are numbered from `first` on */
  size_t n_pairs;
  size_t row_counts;        /* of one (record, point) */
  size_t first_count;       /* where they begin among the job's */
} eg_count_section;

/* What is observed at some times and what at others. The observations are all the times at which anything is: a record is
   made at each. `places` say which of the observations something is made of: the place of the observation among those, or
   EG_NO_PLACE. */
typedef struct eg_job_schedules {
  const uint64_t *steps;    /* (n_observations) integrator steps, increasing */
  size_t n_observations;
  const uint32_t *columns;  /* (n_observations, 2): columns that are wanted, as in eg_launch */
  const uint32_t *moments;  /* places among the job's record_steps */
  size_t n_moment_columns;  /* of the features, which moments are made of */
  const uint32_t *kept;     /* places among the observations whose values are kept */
  size_t n_kept;
  const uint32_t *tracked;  /* the same of those that statistics of paths are made of */
  size_t n_tracked;
  const eg_count_section *sections;
  size_t n_sections;
} eg_job_schedules;

/* One run with everything fixed: immutable while it is advanced. All arrays belong to the plan and outlive the job. */
typedef struct eg_job {
  size_t run;               /* its place in the plan, where a worker of a run prepares it */
  const char *model;        /* unit: model name, padded dimension, precision */
  const char *model_file;   /* NULL: built in; else the user's model, compiled at run time */
  struct eg_user_model *user_model; /* of model_file */
  const char *shape;        /* of its layers ("2x3x2"), NULL: the model's own */
  int form;                 /* EG_FORM_LANE or EG_FORM_TEAM */
  int dim;                  /* padded: EG_DIM of the unit */
  bool is_float;            /* float state */
  int kind;                 /* EG_KIND_* */
  const char *stepper;      /* "sgd_rows", .. */
  const double *params;     /* the unit's parameter struct */
  size_t n_params;
  eg_launch launch;         /* all scalars set; pointers NULL; realisation_first, n_lanes, step range set per tile */
  const uint64_t *record_steps; /* n_records integrator steps, increasing; record_steps[0] may be 0 */
  size_t n_records;             /* whose moments are made */
  const eg_job_schedules *schedules; /* NULL: everything is made at these steps */
  const eg_feature_code *features;
  size_t n_features;
  const double *start;      /* (n_points, dim) */
  const double *staged;     /* n_staged doubles */
  size_t n_staged;
  const double *rows;       /* layout of core/rows.h, dim + 1 columns */
  size_t n_row_values;
  uint64_t n_realisations;
  uint32_t tile;            /* realisations per tile: power of two; launch.ld slots in records */
  size_t state_values;      /* numbers in the state of one tile */
  uint64_t n_tiles;
  double step_work;         /* components that one step of one trajectory goes through, counted over rows and matrices */
  bool with_covariance;
  size_t node_values;       /* doubles of one tile's node: those of the records, and behind them the paths' */
  size_t record_values;     /* of one record: n_points * eg_node_values(..) */
  const eg_path_statistic *paths; /* n_paths, 0: none */
  size_t n_paths;
  const uint32_t *tracked_columns; /* columns of a record that they are made of */
  size_t n_tracked;
  const eg_feature_code *fed;     /* columns that streamed statistics are fed with */
  size_t n_fed;
  const eg_stream *streams;       /* n_streams, 0: none: what the statistics of the form streamed point at */
  size_t n_streams;
  const eg_histogram *histograms; /* n_histograms, 0: none */
  size_t n_histograms;
  const eg_histogram_pair *pairs; /* n_pairs of them counted together, 0: none */
  size_t n_pairs;
  const double *edges;      /* n_edges, of all histograms */
  size_t n_edges;
  size_t row_counts, n_counts; /* counts of one (record, point), of all */
  const uint32_t *kept_columns; /* columns of the kept paths */
  size_t n_kept_columns;
  uint64_t kept_first, n_kept; /* realisations whose paths are kept; n_kept 0: none */
  const eg_job_group *group; /* NULL: advanced alone */
} eg_job;

/* The CPU unit of a built-in model's job. */
static inline eg_unit_request eg_job_unit(const eg_job *job, const char *isa) {
  const bool is_wide = job->kind == EG_KIND_GAUSSIAN64 && !job->is_float && job->form == EG_FORM_LANE;
  return (eg_unit_request){job->model, job->form, job->dim, job->is_float, is_wide, job->stepper, isa, job->shape};
}

/* Doubles of one tile's result: the node; of a group the nodes of its members, then those of its differences. */
static inline size_t eg_job_result_values(const eg_job *job) {
  return job->node_values * (job->group == NULL ? 1 : 2 * job->group->n_members - 1);
}

typedef struct eg_bad_trajectory {
  uint64_t realisation, step; /* first integrator step with a state (or feature) that is not finite */
  uint32_t point, member;     /* member: of the group, else 0 */
} eg_bad_trajectory;

/* A tile left between two launches: all that is needed to go on with it and get equal bits. Of a group an array, one part for each
   member: their steps may differ, their observations do not. */
typedef struct eg_tile_part {
  uint64_t step;            /* integrator steps made */
  uint64_t n_records;       /* observations made and reduced */
  double *state;            /* as the launch has it, job.state_values; float states moved exactly into doubles */
  double *monitors;         /* (n_points, n_monitors, 2, ld) */
  uint64_t *first_bad;      /* (n_points, ld) */
  double *node;             /* the rows of the moments of these */
  double *difference;       /* the same of the member minus its base; NULL: it has none */
  uint64_t *counts;         /* n_counts, of these */
  double *paths;            /* eg_job_path_at; only those of the tile mean something */
  double *tracks;           /* of those that are tracked: (n, n_points, n_tracked, ld) */
  double *streams;          /* state of the streamed statistics: eg_job_stream_values */
} eg_tile_part;

/* Given along by a caller who keeps parts of long tiles. */
typedef struct eg_tile_keeper eg_tile_keeper;
struct eg_tile_keeper {
  /* Should the tile in hand be kept now? Asked between launches. */
  bool (*is_due)(eg_tile_keeper *keeper, bool is_stopping);
  /* The parts, of all members, and their arrays are the backend's own and must be copied. */
  eg_status (*keep)(eg_context *ctx, eg_tile_keeper *keeper, uint64_t tile, const eg_tile_part *parts);
};

typedef struct eg_tile_result {
  double *node;             /* eg_job_result_values(job) doubles, given by the caller */
  eg_bad_trajectory *bad;   /* allocated by the backend (free()), in (member, realisation, point) order; NULL if none */
  size_t n_bad;
  uint64_t *counts;         /* n_counts, the same array in all results of a call: added to */
  double *paths;            /* eg_job_path_at places, the same array in all results: those of the tile's are set;
                               of a group, counts and paths of its members one after the other */
  const eg_tile_part *resume; /* where to go on; NULL: from the start. Not read after the first launch of the tile */
  eg_tile_keeper *keeper;     /* NULL: nothing is kept. Both only with a tile alone in its call, since counts and paths are
                                 those of the call. A backend may ignore them: the tile then begins anew */
} eg_tile_result;

/* ---- what schedules say, whether there are several or one ---- */

static inline size_t eg_job_observations(const eg_job *job) {
  return job->schedules == NULL ? job->n_records : job->schedules->n_observations;
}
static inline const uint64_t *eg_job_steps(const eg_job *job) {
  return job->schedules == NULL ? job->record_steps : job->schedules->steps;
}
static inline size_t eg_job_moment_columns(const eg_job *job) {
  return job->schedules == NULL ? job->n_features : job->schedules->n_moment_columns;
}
static inline size_t eg_job_kept_records(const eg_job *job) {
  return job->schedules == NULL ? job->n_records : job->schedules->n_kept;
}
static inline size_t eg_job_tracked_records(const eg_job *job) {
  return job->schedules == NULL ? job->n_records : job->schedules->n_tracked;
}
static inline size_t eg_job_sections(const eg_job *job) {
  return job->n_histograms == 0 ? 0 : job->schedules != NULL ? job->schedules->n_sections : 1;
}
static inline eg_count_section eg_job_section(const eg_job *job, size_t i) {
  const eg_count_section all = {NULL, job->n_records, 0, job->n_histograms, job->pairs, job->n_pairs, job->row_counts, 0};
  return job->schedules != NULL ? job->schedules->sections[i] : all;
}
/* Place of an observation, by one of the arrays of places (NULL: of all). */
static inline size_t eg_observation_place(const uint32_t *places, size_t observation) {
  return places == NULL ? observation : places[observation];
}
/* How many of the first n observations have a place. */
static inline size_t eg_places_before(const uint32_t *places, size_t n) {
  size_t count = 0;
  for (size_t i = 0; places != NULL && i < n; i++) {
    count += places[i] != EG_NO_PLACE;
  }
  return places == NULL ? n : count;
}
/* The next observations first <= *at < end, in a row, whose places are in a row; returns how many, 0: there are none left. */
static inline size_t eg_places_run(const uint32_t *places, size_t *at, size_t end) {
  size_t n = 0;
  while (places != NULL && *at < end && places[*at] == EG_NO_PLACE) {
    (*at)++;
  }
  while (*at + n < end && (places == NULL || places[*at + n] != EG_NO_PLACE)) {
    n++;
  }
  return n;
}
static inline const uint32_t *eg_job_moment_places(const eg_job *job) {
  return job->schedules == NULL ? NULL : job->schedules->moments;
}
static inline const uint32_t *eg_job_tracked_places(const eg_job *job) {
  return job->schedules == NULL ? NULL : job->schedules->tracked;
}
static inline const uint32_t *eg_job_kept_places(const eg_job *job) {
  return job->schedules == NULL ? NULL : job->schedules->kept;
}

/* Place of a kept value: (point, realisation - kept_first, kept record, column), row-major. */
static inline size_t eg_job_path_at(const eg_job *job, size_t point, uint64_t kept, size_t record, size_t column) {
  return ((point * (size_t)job->n_kept + (size_t)kept) * eg_job_kept_records(job) + record) * job->n_kept_columns + column;
}
static inline size_t eg_job_path_values(const eg_job *job) {
  return job->launch.n_points * (size_t)job->n_kept * eg_job_kept_records(job) * job->n_kept_columns;
}

/* Doubles of the tracks of n tracked records. */
static inline size_t eg_job_track_values(const eg_job *job, size_t n_records) {
  return job->n_paths == 0 ? 0 : n_records * job->launch.n_points * job->n_tracked * job->launch.ld;
}

/* Doubles of the state of the first n streamed statistics of a tile. */
static inline size_t eg_job_stream_values(const eg_job *job, size_t n) {
  size_t rows = 0;
  for (size_t i = 0; i < n; i++) {
    rows += eg_stream_rows(&job->streams[i]);
  }
  return rows * job->launch.n_points * job->launch.ld;
}

typedef struct eg_device eg_device; /* one per worker thread; opaque, the backend's own */

typedef struct eg_backend {
  const char *name; /* "cpu", "cuda" */
  /* Devices of this kind that the process sees; they are counted from 0. */
  eg_status (*count)(eg_context *ctx, int *n_devices);
  /* Open a device for one worker. EG_ERR_DEVICE with the reason in plain words if it cannot be used. */
  eg_status (*open)(eg_context *ctx, int index, eg_device **device);
  void (*close)(eg_device *device);
  /* One line: "CPU, AVX-512 kernels", "NVIDIA H200, 132 SM, driver 13.0". Valid while the device is open. */
  const char *(*describe)(const eg_device *device);
  /* Set up a job on the device (replaces the previous one); *tiles_at_once: how many tiles a call should take. */
  eg_status (*prepare)(eg_context *ctx, eg_device *device, const eg_job *job, uint64_t *tiles_at_once);
  /* Advance tiles first .. first + n - 1 from their start to the last record and reduce them. `stop` is looked at
     between launches: when set, the tile in hand is offered to the keeper, EG_STOPPED is returned and the results are
     void. */
  eg_status (*advance)(eg_context *ctx, eg_device *device, uint64_t first, uint64_t n, const volatile int *stop,
                       eg_tile_result *results);
  /* Bytes of all buffers that the device holds for the prepared job; the member may be NULL: unknown. */
  size_t (*bytes)(const eg_device *device);
  /* Signs of life: grows while a call of prepare or advance gets on, and may be asked for from another thread. NULL: the
     backend cannot hang. */
  uint64_t (*beats)(const eg_device *device);
  bool keeps_tiles; /* gives tiles to their keepers and goes on from their parts */
} eg_backend;

extern const eg_backend eg_backend_cpu;

/* The CUDA plug-in, opened at run time. EG_ERR_DEVICE with what is missing. */
eg_status eg_backend_cuda(eg_context *ctx, const eg_backend **backend);

/* Bytes of GPU memory that a job takes, by the rules of the plug-in, on any machine: `least` for one tile and one record at a time;
   `filled` with so many `tiles` that 132 multiprocessors of 2048 threads each (H100, H200) have work, or all tiles of the run, and as
   many records at once as launches take. Where occupancy leaves a last wave half empty, the plug-in takes up to four times the tiles. */
#define EG_CUDA_USUAL_THREADS (132u * 2048u)
typedef struct eg_cuda_need {
  double least, filled;
  uint64_t tiles;
} eg_cuda_need;
eg_cuda_need eg_backend_cuda_need(const eg_job *job);

#endif
