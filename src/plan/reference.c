/* What weak-error analyses compare with, and what they cannot compare. */
#include <math.h>
#include <string.h>

#include "analysis/weak_error.h"
#include "plan/plan.h"

bool eg_plan_same_other_axes(const eg_plan *plan, eg_sweep_target own, const eg_run *a, const eg_run *b, bool may_lack) {
  for (size_t i = 0; i < plan->study->n_sweep; i++) {
    if (plan->study->sweep[i].target == own) {
      continue;
    }
    const double u = a->axis_values[i], v = b->axis_values[i];
    const bool is_lacking = isnan(u) || isnan(v);
    if (is_lacking ? !may_lack && isnan(u) != isnan(v) : u != v) {
      return false;
    }
  }
  return true;
}

size_t eg_plan_find_run(const eg_plan *plan, const char *label, const eg_run *like) {
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_run *const run = &plan->runs[r];
    if (strcmp(run->dynamics->label, label) == 0 && run->learning_rate == like->learning_rate &&
        eg_plan_same_other_axes(plan, EG_SWEEP_LEARNING_RATE, run, like, true)) {
      return r;
    }
  }
  return EG_NO_RUN;
}

size_t eg_plan_reference_sgd(const eg_plan *plan, const eg_run *like) {
  const eg_dynamics_id id = like->dynamics->id;
  const bool has_batch = id != EG_GRADIENT_FLOW && id != EG_SDE;
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_run *const run = &plan->runs[r];
    if (run->dynamics->id == EG_SGD && run->learning_rate == like->learning_rate &&
        (!has_batch || run->batch_size == like->batch_size) && eg_plan_same_other_axes(plan, EG_SWEEP_LEARNING_RATE, run, like, true)) {
      return r;
    }
  }
  return EG_NO_RUN;
}

double eg_plan_weak_step(const eg_run *run, eg_sweep_target over) {
  return over == EG_SWEEP_L          ? 1.0 / run->chain.l
         : over == EG_SWEEP_SUBSTEPS ? 1.0 / run->substeps
                                     : run->learning_rate;
}

double eg_plan_effective_rate(const eg_run *run) {
  return run->dynamics->id == EG_SME1 ? run->learning_rate / (1.0 - run->chain.momentum) : run->learning_rate;
}

/* The limit of large l of a chain is a law that the reference has: plain momentum makes the rate 1 / (1 - momentum) times as large. */
static eg_status check_limit(eg_context *ctx, const eg_plan *plan, const eg_study_weak_error *w, const eg_run *run) {
  const eg_study_chain *const c = &run->chain;
  const size_t q = eg_plan_find_run(plan, w->reference, run);
  if (run->dynamics->id != EG_SVAG || q == EG_NO_RUN || plan->runs[q].dynamics->id != EG_SME1) {
    return EG_OK;
  }
  if (c->keeps_friction_time) {
    return eg_study_fail_at(ctx, plan->study, w->mark,
                            "over: l compares with sme1, and the limit of run '%s' is the underdamped equation; allowed "
                            "momentum_limit: overdamped",
                            run->description);
  }
  if (c->dampening != 0 || c->weight_decay != 0 || isfinite(c->clip) || c->schedule.kind != EG_RATE_CONSTANT) {
    return eg_study_fail_at(ctx, plan->study, w->mark,
                            "over: l compares with sme1, which is not the limit of run '%s': it has dampening, weight decay, "
                            "clipping or a schedule (model.ridge decays weights in both)",
                            run->description);
  }
  return c->momentum == plan->runs[q].chain.momentum
             ? EG_OK
             : eg_study_fail_at(ctx, plan->study, w->mark,
                                "over: l: the limit of run '%s' has momentum %g, and '%s' has %g; give that sme1 momentum: %g",
                                run->description, c->momentum, w->reference, plan->runs[q].chain.momentum, c->momentum);
}

static eg_status check_exact(eg_context *ctx, const eg_plan *plan, const eg_study_weak_error *w) {
  if (w->over == EG_SWEEP_L) {
    return eg_study_fail_at(ctx, plan->study, w->mark,
                            "over: l is the error against the limit of large l, which is the law of sme1; name an sme1 of the "
                            "study as reference");
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_run *const run = &plan->runs[r];
    if (run->job.launch.absorbing != 0) {
      return eg_study_fail_at(ctx, plan->study, w->reference_mark,
                              "reference exact: the oracles are of processes that never stop, and an absorbing crossing stops run '%s'; "
                              "name a dynamics of the study as reference instead",
                              run->description);
    }
    if (!run->has_oracle) {
      return eg_study_fail_at(ctx, plan->study, w->reference_mark,
                              "reference exact needs an exact oracle, and this model has none; name a dynamics of the "
                              "study as reference instead");
    }
    if (w->over == EG_SWEEP_LEARNING_RATE && run->dynamics->id != EG_SGD && run->dynamics->id != EG_SDE && eg_plan_reference_sgd(plan, run) == EG_NO_RUN) {
      return eg_study_fail_at(ctx, plan->study, w->reference_mark,
                              "reference exact: run '%s' (batch size %g) has no sgd of that batch size and learning rate "
                              "in the study to be compared with",
                              run->description, run->batch_size);
    }
  }
  return EG_OK;
}

/* What runs of one group share must be known to the analysis: members are compared by a difference that the group keeps,
   and errors at different values of the swept step are independent. */
static eg_status check_groups(eg_context *ctx, const eg_plan *plan, const eg_study_weak_error *w) {
  double sign = 0;
  for (size_t g = 0; g < plan->n_groups; g++) {
    const eg_study_group *const group = plan->groups[g].study;
    if (group->has_axis && group->axis == w->over) {
      return eg_study_fail_at(ctx, plan->study, w->mark,
                              "weak-error takes errors at different %s as independent, and group '%s' lets "
                              "them share noise; take the group out, or the analysis",
                              w->over == EG_SWEEP_SUBSTEPS ? "substeps" : "learning rates", group->label);
    }
  }
  for (size_t r = 0; r < plan->n_runs && w->coarse == NULL; r++) { /* with three runs the error is a jackknife over what they share */
    const eg_run *const run = &plan->runs[r];
    const size_t q = strcmp(w->reference, "exact") == 0 ? EG_NO_RUN : eg_plan_find_run(plan, w->reference, run);
    if (q != EG_NO_RUN && q != r && run->group != EG_NO_GROUP && run->group == plan->runs[q].group &&
        eg_plan_find_difference(plan, r, q, &sign) == EG_NO_RUN) {
      return eg_study_fail_at(ctx, plan->study, w->reference_mark,
                              "runs '%s' and '%s' share noise, but group '%s' keeps no difference of the two; a group keeps "
                              "the differences to its last member: make '%s' the last",
                              run->description, plan->runs[q].description, plan->groups[run->group].study->label,
                              w->reference);
    }
  }
  return EG_OK;
}

double eg_plan_richardson_weight(const eg_run *coarse, const eg_run *fine, double order) {
  return 1.0 / (pow(coarse->job.launch.h / fine->job.launch.h, order) - 1.0);
}

/* Coarse and fine are one law in steps of different length, two runs at every step of the sweep. */
static eg_status check_richardson(eg_context *ctx, const eg_plan *plan, const eg_study_weak_error *w) {
  if (w->over == EG_SWEEP_SUBSTEPS) {
    return eg_study_fail_at(ctx, plan->study, w->coarse_mark,
                            "richardson takes errors at different steps as independent, and over: substeps would give all of them one "
                            "reference, or extrapolate runs of equal steps; sweep learning_rate (of a process time_step), with more "
                            "substeps for '%s' and '%s'",
                            w->coarse, w->reference);
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_run *const run = &plan->runs[r];
    const size_t q = eg_plan_find_run(plan, w->reference, run), s = eg_plan_find_run(plan, w->coarse, run);
    if (q == EG_NO_RUN || s == EG_NO_RUN) {
      return eg_study_fail_at(ctx, plan->study, w->coarse_mark, "richardson: run '%s' has no '%s' at its own settings to be compared with",
                              run->description, q == EG_NO_RUN ? w->reference : w->coarse);
    }
    const eg_run *const fine = &plan->runs[q], *const coarse = &plan->runs[s];
    if (coarse->dynamics->id != fine->dynamics->id || coarse->scheme != fine->scheme || coarse->factor != fine->factor ||
        coarse->batch_size != fine->batch_size || coarse->chain.momentum != fine->chain.momentum ||
        strcmp(coarse->job.stepper, fine->job.stepper) != 0) {
      return eg_study_fail_at(ctx, plan->study, w->coarse_mark,
                              "richardson: runs '%s' and '%s' must differ in their substeps alone: one equation, scheme, batch size and "
                              "factor (here steppers %s and %s)",
                              coarse->description, fine->description, coarse->job.stepper, fine->job.stepper);
    }
    if (!(coarse->job.launch.h > fine->job.launch.h)) {
      return eg_study_fail_at(ctx, plan->study, w->coarse_mark,
                              "richardson: the steps of '%s', %g, must be longer than those of the reference '%s', %g", coarse->description,
                              coarse->job.launch.h, fine->description, fine->job.launch.h);
    }
  }
  return EG_OK;
}

eg_status eg_plan_check_weak_error(eg_context *ctx, const eg_plan *plan) {
  const eg_study *const s = plan->study;
  if (s->n_weak_error == 0) {
    return EG_OK;
  }
  const eg_mark mark = s->weak_error[0].mark;
  if (s->noise_common) {
    return eg_study_fail_at(ctx, s, mark, "weak-error takes the runs as independent and cannot be used with noise: common");
  }
  if (!plan->has_common_times) {
    return eg_study_fail_at(ctx, s, mark, "weak-error compares all runs at the same times; observe at times (a list, or "
                                          "linear), not at steps, and do not sweep the horizon");
  }
  for (size_t i = 0; i < s->n_weak_error; i++) {
    for (size_t k = 0; k < s->n_sweep; k++) {
      if (s->sweep[k].target == s->weak_error[i].over && s->sweep[k].values.n > EG_WEAK_MAX_POINTS) {
        return eg_study_fail_at(ctx, s, mark, "weak-error takes at most %d values of %s, the study has %zu",
                                (int)EG_WEAK_MAX_POINTS, s->sweep[k].key, s->sweep[k].values.n);
      }
    }
    for (size_t r = 0; r < plan->n_runs && s->weak_error[i].over == EG_SWEEP_L; r++) {
      EG_TRY(check_limit(ctx, plan, &s->weak_error[i], &plan->runs[r]));
    }
    EG_TRY(check_groups(ctx, plan, &s->weak_error[i]));
    if (s->weak_error[i].coarse != NULL) {
      EG_TRY(check_richardson(ctx, plan, &s->weak_error[i]));
    }
    if (strcmp(s->weak_error[i].reference, "exact") == 0) {
      EG_TRY(check_exact(ctx, plan, &s->weak_error[i]));
    }
  }
  return EG_OK;
}
