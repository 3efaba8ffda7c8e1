/* Errors that end a run: which values they are of, and where a run is looked at. */
#include "plan/plan.h"

#include <string.h>

enum { FIRST_LOOK = 4096 }; /* realisations: enough for error bars; 64 tiles of a block of lanes */

uint64_t eg_plan_tile_realisations(const eg_plan *plan, uint64_t n_realisations) {
  return plan->study->n_until > 0 && n_realisations > FIRST_LOOK ? FIRST_LOOK : n_realisations;
}

uint64_t eg_plan_next_look(const eg_job *job, uint64_t n) {
  uint64_t look = EG_BLOCKS;
  while (look < n && look < job->n_tiles) {
    look *= 2;
  }
  return look < job->n_tiles ? look : job->n_tiles;
}

eg_status eg_plan_until(eg_context *ctx, eg_plan *plan) {
  const eg_study *const s = plan->study;
  EG_TRY(eg_allocate(ctx, s->n_until * plan->n_runs, sizeof *plan->until, &plan->until));
  for (size_t i = 0; i < s->n_until; i++) {
    const eg_study_until *const u = &s->until[i];
    eg_until place = {.point = (size_t)u->point, .study = u};
    EG_TRY(eg_plan_find_column(ctx, plan, u->mark, "until", u->feature, &place.column));
    if (u->point >= (double)plan->n_points) {
      return eg_study_fail_at(ctx, s, u->mark, "'until.point' = %g, and the study has %zu start points, numbered from 0", u->point,
                              plan->n_points);
    }
    for (place.run = 0; place.run < plan->n_runs; place.run++) {
      const eg_run *const run = &plan->runs[place.run];
      if (u->label == NULL || strcmp(run->dynamics->label, u->label) == 0) {
        EG_TRY(eg_plan_find_record(ctx, plan, run, u->mark, "until", u->time, &place.record));
        if (eg_plan_is_empty(plan, run, place.record, place.column)) {
          return eg_study_fail_at(ctx, s, u->mark, "'until.feature' = '%s' is a mean over nothing at that time", u->feature);
        }
        plan->until[plan->n_until++] = place;
      }
    }
  }
  return EG_OK;
}
