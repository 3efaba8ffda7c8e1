/* Where runs with `until` would end: what a few tiles of each leave, advanced for `ensgrad check`. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/run_loop.h"
#include "run/until.h"

/* As many blocks as error bars by jackknife need; with heavier tails eight times as many, and again, as fits of weak errors take no run of
   fewer than 1000 effective samples. */
enum { PILOT_TILES = 8, MORE = 8, MOST_TILES = 8 * 8 * 8 * 8 };

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

/* Runs that are not to be tried ask for no tile more than they have. */
static void ask(const eg_plan *plan, const double *tile_seconds, double budget, uint64_t tiles, eg_campaign *c) {
  for (size_t r = 0; r < plan->n_runs; r++) {
    const uint64_t n = plan->runs[r].job.n_tiles < tiles ? plan->runs[r].job.n_tiles : tiles;
    if (eg_plan_is_leader(plan, r)) {
      eg_campaign_set_end(c, r, (double)tiles * tile_seconds[r] <= budget / (double)plan->n_runs ? n : c->runs[r].tiles_done);
    }
  }
}

/* Advance all runs as far as is asked for, and look. *is_enough: every run has an error bar. */
static eg_status try_it(eg_context *ctx, eg_campaign *c, bool *is_reached, double *left, double *floor, bool *is_enough) {
  eg_labelled *file = NULL;
  if (!eg_campaign_is_finished(c)) {
    EG_TRY(advance(ctx, c));
  }
  EG_TRY(eg_campaign_statistics(ctx, c, &file));
  const eg_status status = eg_until_look(ctx, c, file, is_reached, left, floor);
  eg_labelled_free(file);
  *is_enough = true;
  for (size_t r = 0; r < c->plan->n_runs; r++) {
    *is_enough = *is_enough && !(isinf(left[r]) && floor[r] < 1);
  }
  return status;
}

eg_status eg_until_predict(eg_context *ctx, const eg_plan *plan, const double *tile_seconds, double budget,
                           double *realisations, double *floor) {
  eg_campaign *c = NULL;
  bool *is_reached = NULL, is_enough = false;
  double *left = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_campaign_create(ctx, plan, &c));
  EG_TRY_DONE(eg_allocate(ctx, plan->n_runs, sizeof *is_reached, &is_reached));
  EG_TRY_DONE(eg_allocate(ctx, plan->n_runs, sizeof *left, &left));
  for (uint64_t tiles = PILOT_TILES; tiles <= MOST_TILES && !is_enough; tiles *= MORE) {
    ask(plan, tile_seconds, budget, tiles, c);
    if (tiles > PILOT_TILES && eg_campaign_is_finished(c)) {
      break; /* more take too long, or are not there */
    }
    EG_TRY_DONE(try_it(ctx, c, is_reached, left, floor, &is_enough));
  }
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
  eg_campaign_free(c);
  free(is_reached);
  free(left);
  return status;
}
