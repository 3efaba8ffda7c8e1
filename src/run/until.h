/*
 * Runs that end when their errors are small enough (key `until`). A run is looked at only when its first 64 x 2^k
 * tiles, or all that there are, are finished and nothing else is: what it holds then are the same bits however it came
 * there, so the decision is one, too. It is a pure function of the sums and stored nowhere: whoever holds a result can
 * make it again. Runs of one set (plan->until_set: a group, or all that an analysis compares) are looked at together, at
 * the same look, and end together.
 */
#ifndef EG_RUN_UNTIL_H
#define EG_RUN_UNTIL_H

#include "analysis/moments.h"
#include "run/campaign.h"

/* Is the error of this sample's mean or variance small enough? Fewer than 1000 effective samples are never enough:
   their error bar is not to be trusted. *left: error / largest error allowed, where effective samples are missing at least their
   want; NaN where there is no error bar, infinite where it is 0. */
bool eg_until_is_reached(const eg_study_until *until, size_t n_blocks, const eg_moments *blocks, double *left);

/* What effective samples are missing, as an error over the one allowed: sqrt(1000 / effective), 0 with 1000 of them or more. */
double eg_until_want(double effective);

/* Tiles that every run is to make by what is done (n_runs): all of them without `until`. */
EG_NODISCARD eg_status eg_until_goals(eg_context *ctx, const eg_campaign *campaign, uint64_t *goals);

/* Ask for the tiles up to the next look of every run, or to the last one's where that was enough; nothing without
   `until`, and of a shard, whose sums decide nothing. Of a group for those of all members. */
EG_NODISCARD eg_status eg_until_ask(eg_context *ctx, eg_campaign *campaign);

/* ---- shards, in rounds: each ends at a look, where merged sums decide about the next one ---- */

/* Does the study end by its errors, or allot its realisations by them? */
bool eg_until_decides(const eg_plan *plan);
/* Ask for a shard's part of what `base` (finished from tile 0 on, of the same runs and tiles; NULL: nothing) has still to make:
   up to the next look of every run. `campaign` has done nothing yet. */
EG_NODISCARD eg_status eg_until_ask_shard(eg_context *ctx, eg_campaign *campaign, eg_shard shard, const eg_campaign *base);
/* Has every run finished the tiles up to a look, and no others? */
bool eg_until_is_round_over(const eg_campaign *campaign);

/* Of every run and its set at its present number of tiles (n_runs): is all reached? the largest error / allowed error,
   NaN where none is asked for, infinite without an error bar. floor: the part of it that no realisations make smaller
   (interpolation within the bins that a quantile is from), 0 without. file: of eg_campaign_statistics; NULL will do where
   no entry has a variable. */
EG_NODISCARD eg_status eg_until_look(eg_context *ctx, const eg_campaign *campaign, const eg_labelled *file,
                                     bool *is_reached, double *left, double *floor);

/* ---- entries of variables: until_variable.c ---- */
bool eg_until_has_variables(const eg_plan *plan);
/* Is there one whose error has a part that realisations do not make smaller? */
bool eg_until_has_floor(const eg_plan *plan, const eg_labelled *file);
/* Does the result have these variables, with error bars, and the values that the entries choose? EG_ERR_STUDY. */
EG_NODISCARD eg_status eg_until_check(eg_context *ctx, const eg_plan *plan);
/* Of one entry, into what others have left (n_runs). */
void eg_until_variable_look(const eg_plan *plan, const eg_labelled *file, const eg_study_until *until, bool *is_reached,
                            double *left, double *floor);

/* Realisations at which each run would end (n_runs), as far as its first 8 tiles tell (more where these leave no error bar): about,
   and NaN where these tiles would take more than their part of `budget` seconds, or no error bar is left. floor (n_runs): as of eg_until_look; a run where
   it is above 1 ends at its cap. tile_seconds (n_runs): of one tile. CPU. until_pilot.c */
EG_NODISCARD eg_status eg_until_predict(eg_context *ctx, const eg_plan *plan, const double *tile_seconds, double budget,
                                        double *realisations, double *floor);

/* Tiles at the look where an error that is `left` times the one allowed at `tiles` tiles would be small enough. */
uint64_t eg_until_tiles(const eg_plan *plan, const eg_job *job, uint64_t tiles, double left);

#endif
