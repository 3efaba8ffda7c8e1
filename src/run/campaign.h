/* A study being run: what is done, what was summed. Between sessions it lives in the result file. */
#ifndef EG_RUN_CAMPAIGN_H
#define EG_RUN_CAMPAIGN_H

#include "io/labelled.h"
#include "plan/plan.h"
#include "run/merge_tree.h"
#include "run/run_histograms.h"

enum { EG_MAX_FAILURES = 1000 };

typedef struct eg_tile_range {
  uint64_t first, last; /* inclusive */
} eg_tile_range;

typedef struct eg_failure {
  uint64_t run, realisation, point, step;
} eg_failure;

typedef struct eg_run_state {
  eg_merge_tree tree;
  eg_tile_range *done; /* sorted, not touching */
  size_t n_done, capacity;
  uint64_t tiles_done;
  uint64_t n_bad;      /* trajectories that became non-finite, exactly counted */
  eg_run_histograms histograms;
} eg_run_state;

/* A long tile that is not finished: its state at some step. */
typedef struct eg_kept_part {
  size_t run;
  uint64_t tile;
  eg_tile_part *part; /* of eg_part_copy */
} eg_kept_part;

typedef struct eg_campaign {
  const eg_plan *plan;
  eg_run_state *runs;  /* (eg_plan_n_sums): runs, and behind them the differences of groups */
  eg_failure *failures; /* the first EG_MAX_FAILURES in (run, realisation, point) order */
  size_t n_failures;
  eg_kept_part *parts;
  size_t n_parts, parts_capacity;
  double *exact_mean, *expected_mean; /* oracles, computed with the first result and kept (result_exact.c) */
  bool borrows_oracles; /* of the campaign that this one is a copy of */
  double wall_seconds; /* of all sessions */
  const char *command_line, *backend, *device;
  int threads;
} eg_campaign;

EG_NODISCARD eg_status eg_campaign_create(eg_context *ctx, const eg_plan *plan, eg_campaign **campaign);
void eg_campaign_free(eg_campaign *campaign);

/* A copy that a snapshot is made of while the original goes on. It borrows the original's oracles where they are known. */
EG_NODISCARD eg_status eg_campaign_copy(eg_context *ctx, const eg_campaign *campaign, eg_campaign **copy);

/* Append a range of finished tiles behind all others. */
EG_NODISCARD eg_status eg_run_state_add_range(eg_context *ctx, eg_run_state *state, eg_tile_range range);

bool eg_tile_is_done(const eg_run_state *state, uint64_t tile);

/* Add a finished tile of a run that leads: of its whole group. */
EG_NODISCARD eg_status eg_campaign_add(eg_context *ctx, eg_campaign *campaign, size_t run, uint64_t tile,
                                       const eg_tile_result *result);
/* Add the histogram counts and kept paths of tiles first .. first + n - 1: in one lock with their eg_campaign_add. */
void eg_campaign_add_counts(eg_campaign *campaign, size_t run, uint64_t first, uint64_t n, const uint64_t *counts,
                            const double *paths);

/* Keep a part of an unfinished tile in place of the one before; the campaign owns it from now on, also on failure. */
EG_NODISCARD eg_status eg_campaign_keep(eg_context *ctx, eg_campaign *campaign, size_t run, uint64_t tile,
                                        eg_tile_part *part);
/* NULL if there is none; valid until the tile is kept again or finished. */
const eg_tile_part *eg_campaign_part(const eg_campaign *campaign, size_t run, uint64_t tile);

bool eg_campaign_is_complete(const eg_campaign *campaign);

/* The accumulators as part of a result file, and back. Restoring fails with EG_ERR_OUTPUT when the file holds another
   study, EG_ERR_DAMAGED when its contents contradict each other. */
EG_NODISCARD eg_status eg_campaign_store(eg_context *ctx, const eg_campaign *campaign, eg_labelled *file);
EG_NODISCARD eg_status eg_campaign_restore(eg_context *ctx, eg_campaign *campaign, const eg_labelled *file,
                                           const char *path);
/* The same for a caller who knows that the file holds what the plan simulates (run/stored_study.h). */
EG_NODISCARD eg_status eg_campaign_restore_sums(eg_context *ctx, eg_campaign *campaign, const eg_labelled *file,
                                                const char *path);

/* Add the analyses alone to `file`, which holds all else. */
EG_NODISCARD eg_status eg_campaign_analyse(eg_context *ctx, eg_campaign *campaign, eg_labelled *file);

/* Everything a result file holds: estimates, oracles, analyses, accumulators, provenance. */
EG_NODISCARD eg_status eg_campaign_result(eg_context *ctx, eg_campaign *campaign, eg_labelled **file);

#endif
