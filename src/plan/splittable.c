/* What `ensgrad split` needs of a study. */
#include "core/permutation.h"
#include "plan/plan.h"

/* A later state depends on x alone, and not on the step: then a path can be continued from any of its states. */
static const char *why_not(const eg_plan *plan, const eg_run *run) {
  const eg_launch *const a = &run->job.launch;
  const eg_study_chain *const c = &run->chain;
  if (plan->form != EG_FORM_LANE || a->n_particles > 0) {
    return "its form is not lane";
  }
  if (run->extra > 0) {
    return "it carries more than x (a velocity, an average, a clock)";
  }
  if (c->schedule.kind != EG_RATE_CONSTANT || c->schedule.warm_up > 1 || c->batch_schedule.kind != EG_RATE_CONSTANT ||
      c->batch_schedule.warm_up > 1) {
    return "its learning rate or batch follows a schedule";
  }
  if (a->sampling == EG_SAMPLE_SHUFFLE || a->sampling == EG_SAMPLE_FIXED) {
    return "rows of one epoch depend on each other";
  }
  if (a->hurst != 0 || run->exact_msd != NULL) {
    return "it is a process whose increments are not independent";
  }
  if (a->absorbing != 0) {
    return "an absorbing crossing stops its trajectories, and a split goes on";
  }
  if (a->start_kind != EG_START_FIXED) {
    return "it needs a fixed start";
  }
  return run->is_deterministic ? "it has no noise" : NULL;
}

eg_status eg_plan_splitting(eg_context *ctx, eg_plan *plan) {
  const eg_study_splitting *const s = &plan->study->splitting;
  if (s->feature == NULL) {
    return EG_OK;
  }
  EG_TRY(eg_plan_find_column(ctx, plan, s->mark, "splitting", s->feature, &plan->splitting_column));
  const int32_t id = plan->codes[plan->splitting_column].id;
  if (id != EG_FEATURE_X && id != EG_FEATURE_NORM2 && id != EG_FEATURE_LOSS && id != EG_FEATURE_GRADIENT_NORM2) {
    return eg_study_fail_at(ctx, plan->study, s->mark, "'splitting.feature' = '%s' is no function of x alone",
                            s->feature);
  }
  if (plan->n_points > 1) {
    return eg_study_fail_at(ctx, plan->study, s->mark, "'splitting' takes one start point, the study has %zu",
                            plan->n_points);
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    const char *const why = why_not(plan, &plan->runs[r]);
    if (why != NULL) {
      return eg_study_fail_at(ctx, plan->study, s->mark, "run '%s' cannot be split: %s", plan->runs[r].description,
                              why);
    }
  }
  return EG_OK;
}
