/* A study being run: what is done, what was summed. Between sessions it lives in the result file. */
#ifndef EG_RUN_CAMPAIGN_H
#define EG_RUN_CAMPAIGN_H

#include "io/labelled.h"
#include "plan/plan.h"
#include "run/merge_tree.h"
#include "run/run_histograms.h"
#include "run/shard.h"

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
  uint64_t first, end; /* tiles that are asked for: first .. end - 1 */
  uint64_t n_bad;      /* trajectories that became non-finite, exactly counted */
  eg_run_histograms histograms;
} eg_run_state;

/* In place of a tile: the trajectories that make the automatic grids of a run (pilot.h). */
#define EG_PILOT_TILE UINT64_MAX

/* A long tile that is not finished: its state at some step. */
typedef struct eg_kept_part {
  size_t run; /* which leads; of EG_PILOT_TILE any */
  uint64_t tile;
  eg_tile_part *part; /* of eg_part_copy: of each member of its group */
} eg_kept_part;

/* Tiles that devices made and the CPU made again, of all sessions, and what was thrown away because of the others. */
typedef struct eg_spot_counts {
  uint64_t checked, agreed, discarded;
} eg_spot_counts;

typedef struct eg_campaign {
  const eg_plan *plan;
  eg_shard shard;
  eg_run_state *runs;  /* (eg_plan_n_sums): runs, and behind them the differences of groups */
  eg_failure *failures; /* the first EG_MAX_FAILURES in (run, realisation, point) order */
  size_t n_failures;
  eg_kept_part *parts;
  size_t n_parts, parts_capacity;
  double *exact_mean, *expected_mean; /* oracles, computed with the first result and kept (result_exact.c) */
  bool borrows_oracles; /* of the campaign that this one is a copy of */
  double z_largest, z_limit; /* of the last result that was made of it; limit 0: none was */
  double wall_seconds; /* of all sessions */
  eg_spot_counts spot;
  const char *command_line, *backend, *device;
  const char *const *parents; /* files that were merged */
  size_t n_parents;
  int threads;
} eg_campaign;

/* With nothing done, and the whole study asked for. */
EG_NODISCARD eg_status eg_campaign_create(eg_context *ctx, const eg_plan *plan, eg_campaign **campaign);
/* Ask for the tiles of a shard alone. */
void eg_campaign_set_shard(eg_campaign *campaign, eg_shard shard);
/* Of a shard of an extension: behind the tiles that `base` has finished, from tile 0 on, which are the first shard's, and before
   goals (n_runs). */
void eg_campaign_set_shard_behind(eg_campaign *campaign, eg_shard shard, const eg_campaign *base, const uint64_t *goals);
/* Ask for the tiles of a leading run, and of its group, up to `end` alone. */
void eg_campaign_set_end(eg_campaign *campaign, size_t run, uint64_t end);
void eg_campaign_free(eg_campaign *campaign);

/* A copy that a snapshot is made of while the original goes on. It borrows the original's oracles where they are known. */
EG_NODISCARD eg_status eg_campaign_copy(eg_context *ctx, const eg_campaign *campaign, eg_campaign **copy);

/* Put back what `base`, an earlier copy, has done. *old takes what was there; free it when nobody looks at its grids and parts
   any more. */
EG_NODISCARD eg_status eg_campaign_roll_back(eg_context *ctx, eg_campaign *campaign, const eg_campaign *base,
                                             eg_campaign **old);

/* Append a range of finished tiles behind all others. */
EG_NODISCARD eg_status eg_run_state_add_range(eg_context *ctx, eg_run_state *state, eg_tile_range range);

bool eg_tile_is_done(const eg_run_state *state, uint64_t tile);
/* End of the finished tiles that `tile` is among; `tile` itself if it is not finished. */
uint64_t eg_run_state_done_end(const eg_run_state *state, uint64_t tile);
/* The first finished tile from `tile` on; UINT64_MAX: none. */
uint64_t eg_run_state_next_done(const eg_run_state *state, uint64_t tile);

/* Add a finished tile of a run that leads: of its whole group. */
EG_NODISCARD eg_status eg_campaign_add(eg_context *ctx, eg_campaign *campaign, size_t run, uint64_t tile,
                                       const eg_tile_result *result);
/* Add the histogram counts and kept paths of tiles first .. first + n - 1: in one lock with their eg_campaign_add. */
void eg_campaign_add_counts(eg_campaign *campaign, size_t run, uint64_t first, uint64_t n, const uint64_t *counts,
                            const double *paths);

/* The kept paths of tiles first .. end - 1, from one array of all kept paths to another. */
void eg_job_copy_paths(const eg_job *job, uint64_t first, uint64_t end, const double *from, double *to);

/* Into the list of failures, in order; what falls behind the first EG_MAX_FAILURES is dropped (it stays counted). */
void eg_campaign_add_failure(eg_campaign *campaign, eg_failure failure);

/* Keep a part of an unfinished tile in place of the one before; the campaign owns it from now on, also on failure. */
EG_NODISCARD eg_status eg_campaign_keep(eg_context *ctx, eg_campaign *campaign, size_t run, uint64_t tile,
                                        eg_tile_part *part);
/* NULL if there is none; valid until the tile is kept again or finished. */
const eg_tile_part *eg_campaign_part(const eg_campaign *campaign, size_t run, uint64_t tile);
/* Is a tile finished, or are the grids there that EG_PILOT_TILE makes? */
bool eg_campaign_is_over(const eg_campaign *campaign, size_t run, uint64_t tile);
/* Forget the parts of tiles that are finished by now. */
void eg_campaign_drop_finished_parts(eg_campaign *campaign);

/* Has every run what the study asks for: all tiles, or those at which its errors are small enough? */
EG_NODISCARD eg_status eg_campaign_is_complete(eg_context *ctx, const eg_campaign *campaign, bool *is_complete);
/* Is all done that is asked for? */
bool eg_campaign_is_finished(const eg_campaign *campaign);
/* Are there finished tiles that are not asked for? */
bool eg_campaign_has_others(const eg_campaign *campaign);

/* Move what `from` has done, of a plan with the same runs and tiles, into `into`; the parts of tiles that are left within
   too. EG_ERR_OVERLAP, with nothing moved, when a tile is in both; EG_ERR_DAMAGED when their grids differ. campaign_merge.c */
EG_NODISCARD eg_status eg_campaign_merge(eg_context *ctx, eg_campaign *into, const eg_campaign *from);
/* A tile that both have; false if there is none. */
bool eg_campaign_find_overlap(const eg_campaign *a, const eg_campaign *b, size_t *run, uint64_t *tile);

/* The accumulators as part of a result file, and back into a campaign with nothing done: EG_ERR_DAMAGED when they
   contradict each other. The file must be of the same study. */
EG_NODISCARD eg_status eg_campaign_store(eg_context *ctx, const eg_campaign *campaign, eg_labelled *file);
EG_NODISCARD eg_status eg_campaign_restore(eg_context *ctx, eg_campaign *campaign, const eg_labelled *file,
                                           const char *path);

/* Add the analyses alone to `file`, which holds all else. */
EG_NODISCARD eg_status eg_campaign_analyse(eg_context *ctx, eg_campaign *campaign, eg_labelled *file);
/* Is a file of another study, "holds .." or "was made ..", or NULL if it is of the same. Without accumulators: another. */
const char *eg_campaign_difference(const eg_campaign *campaign, const eg_labelled *file);
/* The shard that a file holds. */
eg_shard eg_stored_shard(const eg_labelled *file);

/* A complete result must also hold what it claims: few divergences, no z beyond the limit; else EG_ERR_CLAIM. `path` holds
   the result, and is read where it was not made of this campaign. judge.c */
EG_NODISCARD eg_status eg_campaign_judge(eg_context *ctx, const eg_campaign *campaign, const char *path);

/* Estimates, oracles and analyses alone, as pure functions of the sums. */
EG_NODISCARD eg_status eg_campaign_statistics(eg_context *ctx, eg_campaign *campaign, eg_labelled **file);

/* Everything a result file holds: estimates, oracles, analyses, accumulators, provenance. */
EG_NODISCARD eg_status eg_campaign_result(eg_context *ctx, eg_campaign *campaign, eg_labelled **file);

#endif
