#include "run/pilot.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/histogram_grid.h"

enum { MOST_REALISATIONS = 1024 };
static const double MOST_VALUES = 0x1p24;

eg_job eg_pilot_job(const eg_plan *plan, const eg_job *job, uint32_t *columns, eg_job_schedules *schedules) {
  eg_job pilot = *job;
  for (size_t i = 0; i < plan->n_grids && columns != NULL; i++) {
    columns[i] = plan->grids[i].column;
  }
  pilot.group = NULL;
  pilot.n_histograms = 0;
  pilot.n_counts = 0;
  pilot.n_paths = pilot.n_streams = 0;
  if (job->schedules != NULL) { /* every observation is kept: each grid takes those of its schedule */
    *schedules = *job->schedules;
    schedules->kept = NULL;
    schedules->n_kept = schedules->n_observations;
    pilot.schedules = schedules;
  }
  pilot.kept_columns = columns;
  pilot.n_kept_columns = plan->n_grids;
  const double each = (double)(plan->n_points * eg_job_observations(job) * plan->n_grids);
  uint64_t n = job->n_realisations < job->tile ? job->n_realisations : job->tile;
  n = n < MOST_REALISATIONS ? n : MOST_REALISATIONS;
  while (n > 1 && (double)n * each > MOST_VALUES) {
    n /= 2;
  }
  pilot.n_kept = n;
  pilot.n_realisations = n;
  pilot.n_tiles = 1;
  return pilot;
}

/* The section that grid i is counted in. */
static const eg_count_section *section_of(const eg_job *job, size_t i) {
  const eg_count_section *s = job->schedules->sections;
  while (i < s->first || i >= s->first + s->n) {
    s++;
  }
  return s;
}

/* Limits of grid i from the kept values of its column; groups: (records x points, n_kept). */
static void limits_of(const eg_plan *plan, const eg_job *pilot, const double *paths, size_t i, double *groups,
                      double *edges) {
  const eg_histogram *const grid = &plan->grids[i];
  const int32_t id = plan->codes[grid->column].id;
  const bool is_nonnegative =
      id == EG_FEATURE_NORM2 || id == EG_FEATURE_GRADIENT_NORM2 || id == EG_FEATURE_NOISE_TRACE || id == EG_FEATURE_DISPLACEMENT2 ||
      id == EG_FEATURE_CLOCK ||
      id == EG_FEATURE_MONITOR_TIME || id == EG_FEATURE_EXIT_TIME;
  const uint32_t *const places = pilot->schedules == NULL ? NULL : section_of(pilot, i)->places;
  size_t at = 0;
  for (size_t record = 0; record < eg_job_observations(pilot); record++) {
    for (size_t point = 0; point < plan->n_points && eg_observation_place(places, record) != EG_NO_PLACE; point++) {
      for (uint64_t kept = 0; kept < pilot->n_kept; kept++) {
        groups[at++] = paths[eg_job_path_at(pilot, point, kept, record, i)];
      }
    }
  }
  eg_grid_limits(grid, is_nonnegative, at / (size_t)pilot->n_kept, (size_t)pilot->n_kept, groups,
                 &edges[grid->edge], &edges[grid->edge + grid->bins]);
}

eg_status eg_pilot_edges(eg_context *ctx, const eg_backend *backend, eg_device *device, const eg_plan *plan,
                         const eg_job *job, const eg_tile_part *resume, eg_tile_keeper *keeper, const volatile int *stop,
                         double **out) {
  uint32_t *columns = NULL;
  double *edges = NULL, *groups = NULL;
  eg_tile_result result;
  uint64_t tiles_at_once = 0;
  eg_status status = EG_OK;
  memset(&result, 0, sizeof result);
  result.resume = resume;
  result.keeper = keeper;
  EG_TRY_DONE(eg_allocate(ctx, plan->n_grids, sizeof *columns, &columns));
  EG_TRY_DONE(eg_allocate(ctx, plan->n_edges, sizeof *edges, &edges));
  eg_job_schedules schedules;
  const eg_job pilot = eg_pilot_job(plan, job, columns, &schedules);
  EG_TRY_DONE(eg_allocate(ctx, eg_job_observations(&pilot) * plan->n_points * (size_t)pilot.n_kept, sizeof *groups, &groups));
  EG_TRY_DONE(eg_allocate(ctx, pilot.node_values, sizeof *result.node, &result.node));
  EG_TRY_DONE(eg_allocate(ctx, eg_job_path_values(&pilot), sizeof *result.paths, &result.paths));
  EG_TRY_DONE(backend->prepare(ctx, device, &pilot, &tiles_at_once));
  EG_TRY_DONE(backend->advance(ctx, device, 0, 1, stop, &result));
  for (size_t i = 0; i < plan->n_grids; i++) {
    limits_of(plan, &pilot, result.paths, i, groups, edges);
  }
  *out = edges;
  edges = NULL;
done:
  free(columns);
  free(edges);
  free(groups);
  free(result.node);
  free(result.paths);
  free(result.bad);
  return status;
}
