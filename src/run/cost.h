/*
 * What a plan costs: bytes, which are exact, and time, from a short measurement of the study's own kernels.
 *
 * Each different kernel and shape of the study (stepper, noise, batch, points, tile) is advanced for a few milliseconds
 * on the backend that would run it, with few steps, with more steps and with more records; the three times give
 *   seconds of a tile = fixed + steps * step + records * record
 * which is extrapolated to every run. Tiles so short that they fit the measurement are timed whole.
 */
#ifndef EG_RUN_COST_H
#define EG_RUN_COST_H

#include "run/campaign.h"

/* Seconds of one full tile on one worker; of a single step and of a single record of it. */
typedef struct eg_tile_cost {
  double fixed, step, record;
} eg_tile_cost;

typedef struct eg_run_cost {
  eg_tile_cost tile;
  double seconds;     /* all tiles of the run, one worker */
  double ns_per_step; /* per trajectory (of a population: particle) and integrator step, records included */
  uint64_t n_at_once; /* tiles that the device takes together */
  double in_hand;     /* seconds from taking tiles to their sums */
  bool is_scaled;     /* no time was left to measure it: taken from another shape of the same stepper */
} eg_run_cost;

typedef struct eg_cost {
  double worker_seconds; /* all runs, one worker */
  double seconds;        /* wall time of stepping and summation on n_workers, as far as there are cores */
  int n_workers, n_parallel;
  double in_hand;        /* of the run whose tiles are longest in hand */
  size_t worker_bytes;   /* the largest buffers that one worker holds, 0: unknown */
  char device[160];
  eg_run_cost *runs;     /* (n_runs) */
} eg_cost;

/**
 * Measure and extrapolate.
 *
 * threads  CPU workers as in eg_run_options
 * kind     EG_KIND_* to measure instead of the study's noise, -1: the study's; a changed kind is only given to runs
 *          that eg_can_use_table5 names
 * budget   seconds that the measurement may take, about
 *
 * Fails with EG_ERR_DEVICE if the backend cannot run the study. Free with eg_cost_free, also after a failure.
 */
EG_NODISCARD eg_status eg_cost_measure(eg_context *ctx, const eg_plan *plan, const eg_backend *backend, int threads,
                                       int kind, double budget, eg_cost *cost);
void eg_cost_free(eg_cost *cost);

/* May the increments of a run be table5 without changing its weak order? Not where they are the samples themselves, or
   the exact law; false, too, for runs that have no increments, or that are discrete already. */
bool eg_can_use_table5(const eg_plan *plan, const eg_run *run);

/* ---- bytes ---- */

typedef struct eg_bytes {
  double accumulators;     /* in the complete file: node values of all runs */
  const char *largest;     /* the statistic that takes most of them, and what it takes */
  double largest_bytes;
  double file;             /* of the complete result, its seal included */
  double campaign;         /* what the program holds beside its workers, at most, when it writes the file */
} eg_bytes;

/* The same, at least, from the plan alone, with n_times of the times of observe.at. */
double eg_campaign_bytes(const eg_plan *plan, size_t n_times);

/* Makes the result of the empty campaign in memory; `seconds` out: how long that took. */
EG_NODISCARD eg_status eg_bytes_predict(eg_context *ctx, const eg_plan *plan, eg_bytes *bytes, double *seconds);

#endif
