/*
 * Run a study to a sealed result file, or plan it without a step.
 *
 *   eg_run_options options;
 *   eg_run_options_default(&options);
 *   options.output = "result.h5";
 *   eg_status status = eg_run_study(ctx, study, &options);   // EG_OK, EG_STOPPED, EG_ERR_...
 */
#ifndef ENSGRAD_RUN_H
#define ENSGRAD_RUN_H

#include <stddef.h>
#include <stdint.h>

#include "ensgrad/status.h"
#include "ensgrad/study.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default) /* what stands here is exported by the shared library, and nothing else */
#endif

typedef struct eg_progress {
  double fraction;          /* of the work, 0..1 */
  double elapsed, left;     /* seconds; left NaN while unknown */
  double steps_per_second;  /* trajectory-steps, this session */
  uint64_t tiles_done, tiles_total;
  int is_snapshot;          /* a snapshot was just written */
  const char *estimate;     /* one line: current estimate of the first feature, "" before the first tile */
} eg_progress;

typedef struct eg_run_options {
  const char *output;             /* result file */
  const char *backend;            /* "auto": GPUs, or the CPU where there is none; "cpu"; "cuda"; "all": GPUs and CPU together */
  const int *devices;             /* (n_devices) GPUs to use, as the CUDA runtime counts them; none named: all it shows */
  size_t n_devices;
  int threads;                    /* CPU workers; 0: one per available core */
  double snapshot_seconds;        /* how often a partial result is written; default 60 */
  double max_time;                /* seconds; 0: no limit. Stops at 99 % of it */
  int force;                      /* replace whatever is at `output` */
  uint64_t shard, n_shards;       /* advance shard 0 .. n_shards - 1 alone; n_shards 0 or 1: the whole study */
  const volatile int *stop;       /* set (by a signal handler, say) to end early with a valid file; may be NULL */
  void (*progress)(void *user, const eg_progress *progress); /* called about five times a second; may be NULL */
  void *user;
  const char *command_line;       /* for /provenance; may be NULL */
  uint64_t check_tiles;           /* of the tiles that a GPU makes one in so many is made again on the CPU and compared;
                                     default 1000, 0: none */
  double device_timeout;          /* seconds after which a GPU without a sign of life is given up; default 600, 0: never */
} eg_run_options;

void eg_run_options_default(eg_run_options *options);

/* Was a device given up because it hangs? Its thread cannot be ended and keeps what it uses: end the process by _exit soon. */
int eg_has_lost_device(void);

/**
 * Advance the study and write `options->output`. On an absent file it starts; on a partial result of the same study it
 * continues; on a complete one it returns EG_OK untouched. The accumulated bits do not depend on threads, stops or
 * continuations.
 *
 * Fails with EG_STOPPED (partial file written), EG_ERR_STUDY, EG_ERR_DEVICE (no device, or it failed, hangs or was wrong in a
 * check; the file then holds nothing that is in doubt), EG_ERR_OUTPUT (cannot be written, or a
 * result of another study is there), EG_ERR_DAMAGED (a foreign or damaged file is there), EG_ERR_CLAIM (finished, but
 * more trajectories diverged than diverged_limit allows, or a judged z is beyond its limit).
 */
EG_NODISCARD eg_status eg_run_study(eg_context *ctx, const eg_study *study, const eg_run_options *options);

/**
 * Add realisations to a result: continue it to `n` of them, given as in a study file ("2^24"). The bits are those of one
 * run with n. The result is written to options->output, which may be `path` itself; where a partial result of that larger
 * study is there already, it is continued. With options->n_shards above 1 the realisations that are missing are divided; shard 0
 * also holds those of the result, which must be complete, and eg_merge makes one result of all. A study with `until` or
 * `multilevel` knows itself how many realisations it needs: n NULL keeps the most that it allows, and shards, also of eg_run_study,
 * make one round of it, up to the next number of realisations at which it decides; eg_merge ends with EG_STOPPED if there is
 * another.
 *
 * data     data file instead of the recorded one; NULL: that one
 * model    model file to compile and run, of the contents that the result was made with; NULL: a result that was made with one is
 *          refused
 *
 * Fails as eg_run_study does; EG_ERR_USAGE when the result has more realisations, EG_ERR_STUDY when n realisations would
 * be divided into other tiles than those of the result, or its last tile is not full: sums then cannot be taken over.
 */
EG_NODISCARD eg_status eg_extend(eg_context *ctx, const char *path, const char *n, const char *data, const char *model,
                                 const eg_run_options *options);

typedef struct eg_merge_options {
  const char *output;
  int allow_gaps;     /* write a partial result where tiles are missing; eg_run_study continues it */
  int force;          /* replace whatever is at `output` */
  const char *data;   /* data file instead of the recorded one; NULL: that one */
  const char *model;  /* model file to compile and run, of the result's contents; NULL: none */
} eg_merge_options;

/**
 * Merge results of one study that hold different tiles: shards, or partial results. Any division and any order give the
 * bits of the single run. Files are read one at a time. *is_complete: 0 if tiles are missing (allow_gaps); may be NULL.
 *
 * Fails with EG_STOPPED (written; the end of a round of shards that eg_extend goes on from),
 * EG_ERR_OVERLAP (a tile is in two files, or in none), EG_ERR_STUDY (results of different studies, data or
 * layouts), EG_ERR_DAMAGED (a damaged or foreign file), EG_ERR_OUTPUT, EG_ERR_CLAIM as eg_run_study.
 */
EG_NODISCARD eg_status eg_merge(eg_context *ctx, const char *const *paths, size_t n_paths,
                                const eg_merge_options *options, int *is_complete);

typedef struct eg_check_options {
  int threads; /* CPU workers to predict for; 0: one per core */
  int as_json; /* one JSON object on one line */
} eg_check_options;

/**
 * Plan a study and predict what it costs: runs, steps, tiles, mean-square stability limits, bytes of accumulators,
 * workers and file, and the time on each backend, from about a second of measurement with the study's own kernels.
 * Nothing is written. Times hold for cores with nothing else to do.
 *
 * options  may be NULL: defaults
 * text     out: owned by the caller (free())
 *
 * Fails with EG_ERR_STUDY as eg_run_study does. A backend that cannot be used is an answer, not a failure.
 */
EG_NODISCARD eg_status eg_run_check(eg_context *ctx, const eg_study *study, const eg_check_options *options,
                                    char **text);

typedef struct eg_split_options {
  int threads;              /* CPU workers; 0: one per core */
  int as_json;              /* one JSON object on one line */
  const char *output;       /* result file; NULL: nothing is written */
  int force;                /* replace whatever is at `output` */
  double snapshot_seconds;  /* how often finished repeats are written; default 60 */
  double max_time;          /* seconds; 0: no limit */
  const volatile int *stop; /* set to end early with a valid file; may be NULL */
  const char *command_line; /* for /provenance; may be NULL */
} eg_split_options;

void eg_split_options_default(eg_split_options *options);

/**
 * Rates of rare escapes of every run of a study by adaptive multilevel splitting, as its key `splitting` says: flux of exits from A,
 * probability that an exit reaches B before it returns, and their product, each the mean of independent repeats with its standard
 * error. All three are unbiased. The numbers are a function of the study alone. With an output file they are written there, sealed, with
 * every repeat; a partial file of the same study is continued, a complete one is left as it is.
 *
 * options  may be NULL: defaults
 * text     out: a table or JSON, owned by the caller (free())
 *
 * Fails with EG_ERR_STUDY (no key `splitting`, or a run that cannot be split), EG_ERR_CLAIM (a trajectory became non-finite),
 * EG_STOPPED (finished repeats are in the file), EG_ERR_OUTPUT and EG_ERR_DAMAGED as eg_run_study.
 */
EG_NODISCARD eg_status eg_run_split(eg_context *ctx, const eg_study *study, const eg_split_options *options, char **text);

/* Models as text (name NULL: all): equation, source, dynamics, parameters with their ranges. Owned by the caller. */
EG_NODISCARD eg_status eg_models_text(eg_context *ctx, const char *name, char **text);

/* What can compute here: CPU kernels, GPUs or why there are none. Owned by the caller. */
EG_NODISCARD eg_status eg_devices_text(eg_context *ctx, char **text);

/* Version, commit, compiler, HDF5; JSON if as_json. Owned by the caller. */
EG_NODISCARD eg_status eg_version_text(eg_context *ctx, int as_json, char **text);

/* Run the built-in known answers: bit hashes and oracles on this machine. backend: "auto" (all that work here), "cpu",
   "cuda". EG_ERR_CLAIM if a row failed; the text with all rows is set then, too. Owned by the caller. */
EG_NODISCARD eg_status eg_selftest(eg_context *ctx, const char *backend, char **text);

typedef struct eg_selftest_options {
  const char *backend;          /* NULL, "auto": all that work here; "cpu", "cuda" */
  const char *gallery;          /* folder of studies; NULL: those that were installed with this code */
  const char *const *overrides; /* of every study, as eg_study_load takes them */
  size_t n_overrides;
  int threads;                  /* CPU workers; 0: one per core */
  int as_json;                  /* one JSON object per line */
} eg_selftest_options;

/**
 * Run every study of the gallery in memory and judge each mean with a known value (the oracle's, or the study's own `expect`)
 * by its z, at a family-wise false-alarm rate of 1e-6 over all of them.
 *
 * text  out: a table with the worst value of every feature and run; set with EG_ERR_CLAIM, too. Owned by the caller.
 *
 * Fails with EG_ERR_CLAIM if a row failed, EG_ERR_STUDY if a study is wrong or there is none.
 */
EG_NODISCARD eg_status eg_selftest_all(eg_context *ctx, const eg_selftest_options *options, char **text);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
