/* Automatic grids of histograms: a function of tile 0 of their run alone. */
#ifndef EG_RUN_PILOT_H
#define EG_RUN_PILOT_H

#include "plan/plan.h"

/**
 * Advance the first realisations of tile 0 (at most 1024, and at most 2^24 values) once for their values alone, and make
 * the limits of every automatic grid by eg_grid_limits. Takes the device: prepare it again for anything else.
 *
 * edges  out: plan->n_edges, first and last of each automatic grid set; free()
 *
 * Fails with EG_STOPPED when `stop` is set, or as the backend fails.
 */
EG_NODISCARD eg_status eg_pilot_edges(eg_context *ctx, const eg_backend *backend, eg_device *device, const eg_plan *plan,
                                      const eg_job *job, const volatile int *stop, double **edges);

#endif
