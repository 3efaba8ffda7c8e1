/* Monitors of a study as features of the plan, and their windows in the steps of a run. */
#include <math.h>
#include <stdio.h>

#include "core/model.h"
#include "plan/plan.h"

static void add_feature(eg_plan *plan, size_t monitor, int32_t id, const char *ending) {
  eg_feature *const f = &plan->features[plan->n_features++];
  (void)snprintf(f->name, sizeof f->name, "%s%s", plan->study->observe.monitors[monitor].name, ending); /* names are short */
  f->id = id;
  f->first = plan->n_columns++;
  f->width = 1;
  f->monitor = monitor;
}

eg_status eg_plan_monitor_features(eg_context *ctx, eg_plan *plan) {
  const eg_study *const s = plan->study;
  for (size_t i = 0; i < s->observe.n_monitors; i++) {
    const eg_study_monitor *const m = &s->observe.monitors[i];
    const bool needs_loss = m->feature == EG_FEATURE_LOSS || m->feature == EG_FEATURE_GRADIENT_NORM2;
    if ((eg_plan_unit(plan)->caps & EG_CAP_POPULATION) != 0) {
      return eg_study_fail_at(ctx, s, m->mark, "monitor '%s': a model in the population form has no monitors; its features are "
                                               "averages over the particles, taken at observations",
                              m->name);
    }
    if (eg_plan_unit(plan)->form == EG_FORM_TEAM) {
      return eg_study_fail_at(ctx, s, m->mark, "monitor '%s': the team form has no monitors yet; allowed: at most 16 dimensions",
                              m->name);
    }
    if (needs_loss && (eg_plan_unit(plan)->caps & EG_CAP_LOSS) == 0) {
      return eg_study_fail_at(ctx, s, m->mark, "monitor '%s' needs a model with a loss (eg_loss, eg_gradient)", m->name);
    }
    if (m->feature == EG_FEATURE_X && m->component >= plan->dim) {
      return eg_study_fail_at(ctx, s, m->mark, "monitor '%s' looks at x%d, but the dimension is %d: x0 to x%d", m->name,
                              m->component, plan->dim, plan->dim - 1);
    }
    add_feature(plan, i, EG_FEATURE_MONITOR, "");
    if (m->operation == EG_MONITOR_CROSSING) {
      add_feature(plan, i, EG_FEATURE_MONITOR_TIME, "_time");
    }
  }
  return EG_OK;
}

eg_status eg_plan_monitors(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const eg_study *const s = plan->study;
  const uint64_t substeps = (uint64_t)run->substeps;
  for (size_t i = 0; i < s->observe.n_monitors; i++) {
    const eg_study_monitor *const m = &s->observe.monitors[i];
    eg_monitor *const out = &run->job.launch.monitors[i];
    const bool has_window = m->operation == EG_MONITOR_SUM || m->operation == EG_MONITOR_MEAN;
    uint64_t first = 0, last = run->steps;
    if (has_window) {
      EG_TRY(eg_plan_whole_steps(ctx, plan, run, m->mark, "window", m->from, &first));
    }
    if (has_window && !isnan(m->to)) {
      EG_TRY(eg_plan_whole_steps(ctx, plan, run, m->mark, "window", m->to, &last));
    }
    if (first >= last || last > run->steps) {
      return eg_study_fail_at(ctx, s, m->mark, "the window of monitor '%s', steps %llu to %llu, does not fit into the %llu "
                                               "steps of run '%s'",
                              m->name, (unsigned long long)first, (unsigned long long)last,
                              (unsigned long long)run->steps, run->description);
    }
    out->feature.id = m->feature;
    out->feature.component = m->component;
    out->operation = m->operation;
    out->direction = m->operation == EG_MONITOR_CROSSING ? m->direction : 0;
    out->level = m->level;
    out->first = first * substeps;
    out->last = last * substeps;
  }
  run->job.launch.n_monitors = (uint32_t)s->observe.n_monitors;
  return EG_OK;
}

eg_status eg_plan_escape_first(eg_context *ctx, const eg_plan *plan, const eg_run *run, const eg_study_escape *study,
                               size_t *first) {
  *first = (size_t)-1;
  if (study->from == 0) {
    return EG_OK;
  }
  for (size_t t = 0; t + 1 < run->job.n_records; t++) {
    if (fabs(run->times[t] - study->from) <= 1e-9 * study->from) {
      *first = t;
      return EG_OK;
    }
  }
  return eg_study_fail_at(ctx, plan->study, study->mark,
                          "'analyse.escape.from' = %.12g is no observed time of run '%s' before its last one", study->from,
                          run->description);
}

eg_status eg_plan_stationary_first(eg_context *ctx, const eg_plan *plan, const eg_run *run, const eg_study_stationary *study,
                                   size_t *first) {
  const size_t last = run->job.n_records - 1;
  *first = last;
  if (isnan(study->from)) {
    return EG_OK;
  }
  if (run->times[last] < study->from * (1 - 1e-9)) {
    return eg_study_fail_at(ctx, plan->study, study->mark, "'analyse.stationary.from' = %.12g lies behind the last observation of run '%s', %.12g",
                            study->from, run->description, run->times[last]);
  }
  while (*first > 0 && run->times[*first - 1] >= study->from * (1 - 1e-9)) {
    (*first)--;
  }
  return EG_OK;
}

bool eg_plan_is_empty(const eg_plan *plan, const eg_run *run, size_t record, size_t column) {
  const eg_feature_code code = plan->codes[column];
  if (code.id != EG_FEATURE_MONITOR) {
    return false;
  }
  const eg_monitor *const m = &run->job.launch.monitors[code.component];
  return m->operation == EG_MONITOR_MEAN && run->record_steps[record] <= m->first;
}
