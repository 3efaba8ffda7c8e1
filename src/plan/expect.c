/* Which value of the result each entry of `expect` speaks of. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"

eg_status eg_plan_find_column(eg_context *ctx, const eg_plan *plan, eg_mark mark, const char *key, const char *name,
                              size_t *column) {
  const eg_feature *feature = eg_plan_feature(plan, name);
  size_t component = 0;
  bool is_component = feature != NULL && feature->width == 1;
  if (feature == NULL && name[0] == 'x' && strspn(name + 1, "0123456789") == strlen(name + 1)) {
    feature = eg_plan_feature(plan, "x");
    component = (size_t)strtoul(name + 1, NULL, 10);
    is_component = feature != NULL && component < feature->width;
  }
  if (!is_component) {
    return eg_study_fail_at(ctx, plan->study, mark, "'%s.feature' = '%s' is no observed feature, component (x0 to x%d) or monitor "
                                                    "of this study",
                            key, name, plan->dim - 1);
  }
  *column = feature->first + component;
  return EG_OK;
}

eg_status eg_plan_find_record(eg_context *ctx, const eg_plan *plan, const eg_run *run, eg_mark mark, const char *key,
                              double time, size_t *record) {
  *record = run->job.n_records - 1;
  if (isnan(time)) {
    return EG_OK;
  }
  for (size_t t = 0; t < run->job.n_records; t++) {
    if (fabs(run->times[t] - time) <= 1e-9 * fabs(time)) {
      *record = t;
      return EG_OK;
    }
  }
  return eg_study_fail_at(ctx, plan->study, mark, "'%s.time' = %g is no observation of run '%s'", key, time, run->description);
}

eg_status eg_plan_expect(eg_context *ctx, eg_plan *plan) {
  const eg_study *const s = plan->study;
  EG_TRY(eg_allocate(ctx, s->n_expectations * plan->n_runs, sizeof *plan->expectations, &plan->expectations));
  for (size_t i = 0; i < s->n_expectations; i++) {
    const eg_study_expectation *const e = &s->expectations[i];
    eg_expectation place = {.point = (size_t)e->point, .value = e->value};
    EG_TRY(eg_plan_find_column(ctx, plan, e->mark, "expect", e->feature, &place.column));
    if (e->point >= (double)plan->n_points) {
      return eg_study_fail_at(ctx, s, e->mark, "'expect.point' = %g, and the study has %zu start points, numbered from 0",
                              e->point, plan->n_points);
    }
    for (place.run = 0; place.run < plan->n_runs; place.run++) {
      const eg_run *const run = &plan->runs[place.run];
      if (e->label == NULL || strcmp(run->dynamics->label, e->label) == 0) {
        EG_TRY(eg_plan_find_record(ctx, plan, run, e->mark, "expect", e->time, &place.record));
        plan->expectations[plan->n_expectations++] = place;
      }
    }
  }
  return EG_OK;
}
