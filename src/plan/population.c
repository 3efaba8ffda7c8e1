/* What the population form adds to a run: its particles, its tile, and what it cannot do. */
#include <math.h>

#include "core/model.h"
#include "plan/plan.h"

enum { TILE_VALUES = 65536, MOST_TILE = 4096 };

uint32_t eg_plan_population_tile(uint32_t n_particles, int dim, uint64_t n_realisations) {
  uint32_t tile = MOST_TILE;
  while (tile > 1 && (uint64_t)tile * n_particles * (uint64_t)dim > TILE_VALUES) {
    tile /= 2;
  }
  while (tile > 1 && (n_realisations + tile - 1) / tile < EG_BLOCKS) {
    tile /= 2;
  }
  return tile;
}

size_t eg_plan_population_values(uint32_t n_particles, int padded_dim) {
  return ((size_t)n_particles + 7) / 8 * 8 * (size_t)padded_dim; /* eg_particle_slots of core/population.h */
}

/* Limits from the first tile need realisations in it. */
static eg_status check_grids(eg_context *ctx, const eg_plan *plan, uint32_t n_particles) {
  const uint32_t tile = eg_plan_population_tile(n_particles, plan->dim, (uint64_t)plan->study->realisations);
  for (size_t i = 0; i < plan->n_histograms && tile < EG_LANES; i++) {
    if (plan->histograms[i].is_automatic) {
      return eg_study_fail_at(ctx, plan->study, plan->histograms[i].study->mark,
                              "the histogram of '%s' takes its limits from the first tile, which has only %u populations of "
                              "%u particles; at least %d are needed: give the limits",
                              plan->histograms[i].name, tile, n_particles, EG_LANES);
    }
  }
  return EG_OK;
}

eg_status eg_plan_population(eg_context *ctx, eg_plan *plan, eg_run *run) {
  const eg_study *const s = plan->study;
  if ((eg_plan_unit(plan)->caps & EG_CAP_POPULATION) == 0) {
    return EG_OK;
  }
  const double *const particles = eg_plan_param(plan, run, "particles");
  if (particles == NULL || *particles < 1 || *particles > 1048576 || *particles != floor(*particles)) {
    return eg_study_fail_at(ctx, s, s->model.mark, "'model.particles' = %.17g is not a whole number from 1 to 1048576",
                            particles == NULL ? NAN : *particles);
  }
  if (run->ridge != 0) {
    return eg_study_fail_at(ctx, s, s->model.mark, "'model.ridge' is not for '%s': the loss of a population has no ridge",
                            s->model.name != NULL ? s->model.name : s->model.file);
  }
  if (plan->n_points != 1) {
    return eg_study_fail_at(ctx, s, s->start.mark, "'start.points' has %zu points, but the particles of a population begin at "
                                                   "one point, or from start.normal",
                            plan->n_points);
  }
  run->job.launch.n_particles = (uint32_t)*particles;
  return check_grids(ctx, plan, run->job.launch.n_particles);
}
