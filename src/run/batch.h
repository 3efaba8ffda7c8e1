/* Jobs of a run, or of its group, and room for what a batch of its tiles gives. */
#ifndef EG_RUN_BATCH_H
#define EG_RUN_BATCH_H

#include "run/campaign.h"

typedef struct eg_batch {
  eg_job *jobs; /* (n_members), each with its own grids; the first is prepared */
  const eg_job **members;
  eg_job_group group;
  eg_tile_result *results;
  double *nodes, *paths;
  uint64_t *counts; /* of the members, one after the other; so are the paths */
  size_t n_counts, n_paths;
  bool was_checked; /* the first tile of the run on this device is checked in any case */
} eg_batch;

/* The jobs that are advanced with run r, with the grids of their runs, which do not change any more. */
EG_NODISCARD eg_status eg_batch_make_jobs(eg_context *ctx, const eg_campaign *campaign, size_t r, eg_batch *batch);
/* Room for n tiles of them, in place of what there was; the jobs stay where they are, as devices that have prepared them refer to them. */
EG_NODISCARD eg_status eg_batch_make_room(eg_context *ctx, uint64_t n, size_t n_members, eg_batch *batch);
void eg_batch_free(eg_batch *batch);

#endif
