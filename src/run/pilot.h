/* Automatic grids of histograms: a function of tile 0 of their run alone. */
#ifndef EG_RUN_PILOT_H
#define EG_RUN_PILOT_H

#include "plan/plan.h"

/* The first realisations of tile 0 with their values kept instead of reduced. columns: (plan->n_grids), set here; NULL where only
   sizes are asked for. columns and schedules outlive it. */
eg_job eg_pilot_job(const eg_plan *plan, const eg_job *job, uint32_t *columns, eg_job_schedules *schedules);

/**
 * Advance the first realisations of tile 0 (at most 1024, and at most 2^24 values) once for their values alone, and make
 * the limits of every automatic grid by eg_grid_limits. Takes the device: prepare it again for anything else.
 *
 * resume, keeper  as in eg_tile_result
 * edges  out: plan->n_edges, first and last of each automatic grid set; free()
 *
 * Fails with EG_STOPPED when `stop` is set, or as the backend fails.
 */
EG_NODISCARD eg_status eg_pilot_edges(eg_context *ctx, const eg_backend *backend, eg_device *device, const eg_plan *plan,
                                      const eg_job *job, const eg_tile_part *resume, eg_tile_keeper *keeper,
                                      const volatile int *stop, double **edges);

#endif
