/* Monitors of a study as features of the plan, and their windows in the steps of a run. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/model.h"
#include "plan/plan.h"

/* -zeta(1/2) / sqrt(2 pi): mean overshoot of a Gaussian random walk, in standard deviations of a step (Chernoff 1965; Siegmund
   1985, section 8.4). A path looked at every h crosses the level when the continuous one crosses a level farther away by this. */
static const double OVERSHOOT = 0.5825971579390106;

static void add_feature(eg_plan *plan, size_t monitor, int32_t id, int32_t rivals, const char *name, const char *ending) {
  eg_feature *const f = &plan->features[plan->n_features++];
  (void)snprintf(f->name, sizeof f->name, "%s%s", name, ending); /* names are short */
  f->id = id;
  f->first = plan->n_columns++;
  f->width = 1;
  f->monitor = monitor;
  f->rivals = rivals;
}

int32_t eg_plan_monitor_component(const eg_feature *f) {
  return (int32_t)f->monitor + (f->rivals << 8);
}

/* Bits of the monitors with the exit of monitor i. */
static int32_t rivals_of(const eg_study_observe *o, size_t i) {
  int32_t bits = 0;
  for (size_t k = 0; k < o->n_monitors; k++) {
    bits |= o->monitors[k].exit != NULL && strcmp(o->monitors[k].exit, o->monitors[i].exit) == 0 ? 1 << k : 0;
  }
  return bits;
}

/* Which of the crossings of one exit came first, and when; the time belongs to the first of them in the study. */
static void add_exit(eg_plan *plan, size_t i) {
  const eg_study_monitor *const m = &plan->study->observe.monitors[i];
  const int32_t rivals = rivals_of(&plan->study->observe, i);
  add_feature(plan, i, EG_FEATURE_EXIT, rivals, m->name, "_first");
  if ((rivals & ((1 << i) - 1)) == 0) {
    add_feature(plan, i, EG_FEATURE_EXIT_TIME, rivals, m->exit, "_time");
  }
}

eg_status eg_plan_monitor_features(eg_context *ctx, eg_plan *plan) {
  const eg_study *const s = plan->study;
  for (size_t i = 0; i < s->observe.n_monitors; i++) {
    const eg_study_monitor *const m = &s->observe.monitors[i];
    const bool needs_loss = m->feature == EG_FEATURE_LOSS || m->feature == EG_FEATURE_GRADIENT_NORM2;
    const bool is_lane = (eg_plan_unit(plan)->caps & EG_CAP_POPULATION) == 0 && eg_plan_unit(plan)->form == EG_FORM_LANE;
    if (m->is_absorbing && !is_lane) {
      return eg_study_fail_at(ctx, s, m->mark, "monitor '%s': crossings absorb in the lane form only, and this study is in form %s",
                              m->name, eg_plan_form_name(plan));
    }
    if (needs_loss && (eg_plan_unit(plan)->caps & EG_CAP_LOSS) == 0) {
      return eg_study_fail_at(ctx, s, m->mark, "monitor '%s' needs a model with a loss (eg_loss, eg_gradient)", m->name);
    }
    if (m->feature == EG_FEATURE_X && m->component >= plan->dim) {
      return eg_study_fail_at(ctx, s, m->mark, "monitor '%s' looks at x%d, but the dimension is %d: x0 to x%d", m->name,
                              m->component, plan->dim, plan->dim - 1);
    }
    add_feature(plan, i, EG_FEATURE_MONITOR, 0, m->name, "");
    if (m->operation == EG_MONITOR_CROSSING) {
      add_feature(plan, i, EG_FEATURE_MONITOR_TIME, 0, m->name, "_time");
    }
    if (m->exit != NULL) {
      add_exit(plan, i);
    }
  }
  return EG_OK;
}

/* What the level is moved by, towards the start. Chains are what they are; jumps have no such overshoot. */
static eg_status shift_of(eg_context *ctx, const eg_plan *plan, const eg_run *run, const eg_study_monitor *m, double *shift) {
  const eg_dynamics_id id = run->dynamics->id;
  *shift = 0;
  if (m->noise > 0 && (id == EG_LEVY || id == EG_LOG_TIME)) {
    return eg_study_fail_at(ctx, plan->study, m->mark,
                            "the level of monitor '%s' cannot be shifted by its 'noise' in run '%s': that is for diffusions in "
                            "steps of equal time",
                            m->name, run->description);
  }
  if (m->noise > 0 && !eg_is_chain(id) && id != EG_GRADIENT_FLOW) {
    const double size = OVERSHOOT * m->noise * sqrt(run->learning_rate / run->substeps);
    *shift = m->direction == EG_DIRECTION_UP ? -size : size;
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
    double shift = 0;
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
    EG_TRY(shift_of(ctx, plan, run, m, &shift));
    out->level = m->level + shift;
    out->first = first * substeps;
    out->last = last * substeps;
    run->job.launch.absorbing |= (uint8_t)(m->is_absorbing ? 1u << i : 0u);
  }
  run->job.launch.n_monitors = (uint32_t)s->observe.n_monitors;
  return EG_OK;
}

eg_status eg_plan_absorb(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const eg_study_observe *const o = &plan->study->observe;
  if (run->job.launch.absorbing == 0) {
    return EG_OK;
  }
  for (size_t i = 0; i < o->n_monitors && run->job.launch.is_clocked; i++) {
    if (o->monitors[i].operation == EG_MONITOR_MEAN) {
      return eg_study_fail_at(ctx, plan->study, o->monitors[i].mark,
                              "monitor '%s' is a mean over the steps made, and run '%s' knows when an absorbing crossing stopped it "
                              "in physical time only: take the sum",
                              o->monitors[i].name, run->description);
    }
  }
  run->has_oracle = run->has_scheme_oracle = false; /* of the process that never stops */
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

eg_status eg_plan_stationary_first(eg_context *ctx, const eg_plan *plan, const eg_run *run, const eg_run_schedule *at,
                                   const eg_study_stationary *study, size_t *first) {
  const size_t last = at->n - 1;
  *first = last;
  if (isnan(study->from)) {
    return EG_OK;
  }
  if (at->times[last] < study->from * (1 - 1e-9)) {
    return eg_study_fail_at(ctx, plan->study, study->mark, "'from' = %.12g of the analysis lies behind the last observation of run '%s', %.12g",
                            study->from, run->description, at->times[last]);
  }
  while (*first > 0 && at->times[*first - 1] >= study->from * (1 - 1e-9)) {
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
