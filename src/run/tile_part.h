/* Parts of long tiles as a campaign holds them: copies, and their place in a result file. */
#ifndef EG_RUN_TILE_PART_H
#define EG_RUN_TILE_PART_H

#include "run/campaign.h"

/* One allocation that holds the parts of all that is advanced with a run that leads, and their arrays; free(). */
EG_NODISCARD eg_status eg_part_copy(eg_context *ctx, const eg_plan *plan, size_t run, uint64_t tile, const eg_tile_part *parts,
                                    eg_tile_part **copy);
/* Integrator steps made, of all members. */
uint64_t eg_part_steps(const eg_plan *plan, size_t run, uint64_t tile, const eg_tile_part *parts);

/* The parts of a campaign as part of group /accumulators, nothing when there are none; and back, after the finished
   tiles. Restoring fails with EG_ERR_DAMAGED when the contents contradict each other or the plan. */
EG_NODISCARD eg_status eg_parts_store(eg_context *ctx, const eg_campaign *campaign, eg_labelled *file);
EG_NODISCARD eg_status eg_parts_restore(eg_context *ctx, eg_campaign *campaign, const eg_labelled *file,
                                        const char *path);

#endif
