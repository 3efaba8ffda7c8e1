/* Levels of a study as the sums of a campaign: how many tiles each is to make. */
#ifndef EG_RUN_MULTILEVEL_H
#define EG_RUN_MULTILEVEL_H

#include "analysis/multilevel.h"
#include "run/campaign.h"

/* The level that a run belongs to, or the number of levels. */
size_t eg_multilevel_level(const eg_plan *plan, size_t run);

/* What the levels hold in one value of the records: levels (n_levels). Levels without a tile have n = 0. */
EG_NODISCARD eg_status eg_multilevel_read(eg_context *ctx, const eg_campaign *campaign, size_t record, size_t point,
                                          size_t column, eg_level *levels);

/* Levels that are made: level 0, least_levels, and those behind them that have a tile. */
size_t eg_multilevel_n_made(const eg_campaign *campaign);

/* Tiles that every level is to make by what all have done: goals (n_levels). One level grows at a time, and by doubling
   alone, so that what is done says where the allocation stands, whenever it was stopped. Where more than least_levels are allowed
   the variance gets half of the squared error asked for, and the next level is begun when its own half is not enough for
   the bias (Giles's test, Acta Numerica 24 (2015), 259, section 3.1). */
EG_NODISCARD eg_status eg_multilevel_goals(eg_context *ctx, const eg_campaign *campaign, uint64_t *goals);

#endif
