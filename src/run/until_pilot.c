/* Where runs with `until` would end: variances of a few tiles, advanced for `ensgrad check`. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/until.h"

enum { PILOT_TILES = 4 };

uint64_t eg_until_tiles(const eg_plan *plan, const eg_job *job, uint64_t tiles, double left) {
  const double needed = ceil((double)tiles * left * left); /* errors fall with the root */
  return needed < (double)job->n_tiles ? eg_plan_next_look(plan, job, needed < 1 ? 1 : (uint64_t)needed) : job->n_tiles;
}

/* Alone: the tiles of a group give its members the same variances. */
static eg_status one_run(eg_context *ctx, const eg_plan *plan, size_t r, double *realisations) {
  eg_job job = plan->runs[r].job;
  const eg_node_shape shape = eg_node_shape_of(plan, &job);
  const uint64_t n_tiles = job.n_tiles < PILOT_TILES ? job.n_tiles : PILOT_TILES;
  eg_tile_result results[PILOT_TILES];
  eg_moments moments[PILOT_TILES];
  eg_device *device = NULL;
  double *nodes = NULL;
  uint64_t tiles_at_once = 0, tiles = 0;
  eg_status status = EG_OK;
  job.group = NULL;
  job.n_histograms = job.n_counts = 0;
  job.n_kept = 0;
  memset(results, 0, sizeof results);
  EG_TRY_DONE(eg_allocate(ctx, n_tiles * shape.values, sizeof *nodes, &nodes));
  EG_TRY_DONE(eg_backend_cpu.open(ctx, 0, &device));
  EG_TRY_DONE(eg_backend_cpu.prepare(ctx, device, &job, &tiles_at_once));
  for (uint64_t i = 0; i < n_tiles; i++) {
    results[i].node = nodes + i * shape.values;
    EG_TRY_DONE(eg_backend_cpu.advance(ctx, device, i, 1, NULL, &results[i]));
  }
  for (size_t i = 0; i < plan->n_until; i++) {
    const eg_until *const u = &plan->until[i];
    double left = NAN;
    if (u->run != r) {
      continue;
    }
    for (size_t k = 0; k < n_tiles; k++) {
      moments[k] = eg_node_moments(&shape, results[k].node, u->record * plan->n_points + u->point, u->column);
    }
    (void)eg_until_is_reached(u->study, n_tiles, moments, &left);
    const uint64_t needed = eg_until_tiles(plan, &job, n_tiles, isnan(left) ? INFINITY : left);
    tiles = needed > tiles ? needed : tiles;
  }
  if (tiles > 0) {
    *realisations = fmin((double)tiles * (double)job.tile, (double)job.n_realisations);
  }
done:
  for (size_t i = 0; i < PILOT_TILES; i++) {
    free(results[i].bad);
  }
  if (device != NULL) {
    eg_backend_cpu.close(device);
  }
  free(nodes);
  return status;
}

eg_status eg_until_predict(eg_context *ctx, const eg_plan *plan, const double *tile_seconds, double budget,
                           double *realisations) {
  for (size_t r = 0; r < plan->n_runs; r++) {
    realisations[r] = NAN;
    if (plan->n_until > 0 && PILOT_TILES * tile_seconds[r] <= budget / (double)plan->n_runs) {
      EG_TRY(one_run(ctx, plan, r, &realisations[r]));
      realisations[r] =
          isnan(realisations[r]) ? (double)plan->runs[r].job.n_realisations : realisations[r]; /* no entry */
    }
  }
  for (size_t g = 0; g < plan->n_groups; g++) { /* a group ends with the last of its members */
    const eg_group *const group = &plan->groups[g];
    double most = 0;
    for (size_t k = 0; k < group->n_members; k++) {
      most = realisations[group->runs[k]] <= most ? most : realisations[group->runs[k]]; /* NaN stays */
    }
    for (size_t k = 0; k < group->n_members; k++) {
      realisations[group->runs[k]] = most;
    }
  }
  return EG_OK;
}
