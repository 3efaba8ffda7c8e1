/*
 * Sums of devices whose tiles are checked, kept apart from the campaign until the checks are over: what a wrong device made can then
 * be dropped alone. Bits do not depend on it, since the canonical tree takes nodes in any order (campaign_merge.c). Histogram
 * counts are apart, too; kept paths, which are set and not added, stand in the campaign at once. All functions are called with the
 * run loop's lock held.
 */
#ifndef EG_RUN_APART_H
#define EG_RUN_APART_H

#include "run/run_loop.h"

typedef struct eg_apart {
  eg_campaign *campaign;
  eg_worker_place *places; /* (n) */
  int n;
  eg_campaign **sums;      /* (n + 1): the campaign, then those of the workers; NULL: their results go to the campaign at once */
} eg_apart;

/* For every place that is checked, unless it is gone or together they would take more than a gibibyte from the start (large
   histograms on many devices). are_checked: are there checks at all? Free with eg_apart_free, also on failure. */
EG_NODISCARD eg_status eg_apart_create(eg_context *ctx, eg_campaign *campaign, eg_worker_place *places, int n, bool are_checked,
                                       eg_apart *apart);
void eg_apart_free(eg_apart *apart);

/* Results of n tiles of a leading run. Where the nodes of a worker become too many, its sums are settled. */
EG_NODISCARD eg_status eg_apart_add(eg_context *ctx, eg_apart *apart, int worker, size_t run, uint64_t first, uint64_t n,
                                    const eg_tile_result *results);

/* Move the sums of all workers to the campaign; places count what they settled. */
EG_NODISCARD eg_status eg_apart_settle(eg_context *ctx, eg_apart *apart);

/* A copy of the campaign with all sums in it. */
EG_NODISCARD eg_status eg_apart_copy(eg_context *ctx, const eg_apart *apart, eg_campaign **copy);

/* Forget what a worker made and was not settled; how many tiles of leading runs that were. */
uint64_t eg_apart_drop(eg_apart *apart, int worker);

/* Finished tiles of a run. */
uint64_t eg_apart_tiles(const eg_apart *apart, size_t run);

/* End of the finished tiles that `tile` is among; `tile` itself if it is not finished. */
uint64_t eg_apart_done_end(const eg_apart *apart, size_t run, uint64_t tile);
/* The first finished tile from `tile` on; UINT64_MAX: none. */
uint64_t eg_apart_next_done(const eg_apart *apart, size_t run, uint64_t tile);

#endif
