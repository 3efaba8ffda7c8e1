/* Where runs with `until` would end: what a few tiles of each leave, advanced for `ensgrad check`. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/run_loop.h"
#include "run/until.h"

enum { PILOT_TILES = 8 }; /* as many blocks as error bars by jackknife need */

uint64_t eg_until_tiles(const eg_plan *plan, const eg_job *job, uint64_t tiles, double left) {
  const double needed = ceil((double)tiles * left * left); /* errors fall with the root */
  return needed < (double)job->n_tiles ? eg_plan_next_look(plan, job, needed < 1 ? 1 : (uint64_t)needed) : job->n_tiles;
}

static eg_status advance(eg_context *ctx, eg_campaign *c) {
  eg_loop_options options;
  eg_worker_place *places = NULL;
  memset(&options, 0, sizeof options);
  EG_TRY(eg_worker_places(ctx, &eg_backend_cpu, 0, &places, &options.n_workers));
  options.places = places;
  options.started = eg_now();
  options.snapshot_seconds = INFINITY;
  const eg_status status = eg_run_loop(ctx, c, &options);
  free(places);
  return status;
}

/* Runs that are not to be tried ask for no tile. */
static void ask(const eg_plan *plan, const double *tile_seconds, double budget, eg_campaign *c) {
  for (size_t r = 0; r < plan->n_runs; r++) {
    const uint64_t n = plan->runs[r].job.n_tiles < PILOT_TILES ? plan->runs[r].job.n_tiles : PILOT_TILES;
    if (eg_plan_is_leader(plan, r)) {
      eg_campaign_set_end(c, r, PILOT_TILES * tile_seconds[r] <= budget / (double)plan->n_runs ? n : 0);
    }
  }
}

eg_status eg_until_predict(eg_context *ctx, const eg_plan *plan, const double *tile_seconds, double budget,
                           double *realisations, double *floor) {
  eg_campaign *c = NULL;
  eg_labelled *file = NULL;
  bool *is_reached = NULL;
  double *left = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_campaign_create(ctx, plan, &c));
  EG_TRY_DONE(eg_allocate(ctx, plan->n_runs, sizeof *is_reached, &is_reached));
  EG_TRY_DONE(eg_allocate(ctx, plan->n_runs, sizeof *left, &left));
  ask(plan, tile_seconds, budget, c);
  if (!eg_campaign_is_finished(c)) {
    EG_TRY_DONE(advance(ctx, c));
  }
  EG_TRY_DONE(eg_campaign_statistics(ctx, c, &file));
  EG_TRY_DONE(eg_until_look(ctx, c, file, is_reached, left, floor));
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_job *const job = &plan->runs[r].job;
    const uint64_t tiles = c->runs[r].tiles_done;
    realisations[r] = (double)job->n_realisations; /* no entry */
    if (tiles == 0 || (isinf(left[r]) && floor[r] < 1 && tiles < job->n_tiles)) {
      realisations[r] = NAN;
    } else if (!isnan(left[r])) {
      const double fixed = floor[r] * floor[r]; /* the rest alone falls with the realisations */
      const double more = floor[r] < 1 ? sqrt((left[r] * left[r] - fixed) / (1 - fixed)) : INFINITY;
      const uint64_t needed = eg_until_tiles(plan, job, tiles, more);
      realisations[r] = fmin((double)needed * (double)job->tile, (double)job->n_realisations);
    }
  }
done:
  eg_labelled_free(file);
  eg_campaign_free(c);
  free(is_reached);
  free(left);
  return status;
}
