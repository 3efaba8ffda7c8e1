/* The time rules: horizon and observation times must be whole numbers of steps (to 1e-9 relative). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"

static const double max_steps = 0x1p50;

static const char *step_word(const eg_plan *plan) {
  return plan->study->uses_time_step ? "time_step" : "learning_rate";
}

eg_status eg_plan_whole_steps(eg_context *ctx, const eg_plan *plan, const eg_run *run, eg_mark mark, const char *what,
                              double t, uint64_t *steps) {
  const double ratio = t / run->learning_rate;
  const double whole = nearbyint(ratio);
  if (!(ratio < max_steps)) {
    return eg_study_fail_at(ctx, plan->study, mark, "%s %.12g needs %.3g steps of %s %.12g; at most 2^50 are allowed",
                            what, t, ratio, step_word(plan), run->learning_rate);
  }
  if (fabs(ratio - whole) > 1e-9 * (whole > 1 ? whole : 1)) {
    const double below = floor(ratio), above = below + 1;
    if (below == 0) {
      return eg_study_fail_at(ctx, plan->study, mark,
                              "%s %.12g is not a whole number of steps of %s %.12g; the nearest %s is %.12g, or %s %.12g",
                              what, t, step_word(plan), run->learning_rate, what, run->learning_rate,
                              step_word(plan), t);
    }
    return eg_study_fail_at(ctx, plan->study, mark,
                            "%s %.12g is not a whole number of steps of %s %.12g; nearest: %s %.12g or %.12g, or %s "
                            "%.12g or %.12g",
                            what, t, step_word(plan), run->learning_rate, what, below * run->learning_rate,
                            above * run->learning_rate, step_word(plan), t / below, t / above);
  }
  *steps = (uint64_t)whole;
  return EG_OK;
}

static eg_status add_step(eg_context *ctx, const eg_plan *plan, const eg_run *run, eg_mark mark, eg_run_schedule *out, uint64_t step) {
  if (step > run->steps) {
    return eg_study_fail_at(ctx, plan->study, mark,
                            "observation at step %llu lies behind the last step %llu of run '%s'",
                            (unsigned long long)step, (unsigned long long)run->steps, run->description);
  }
  const size_t n = out->n;
  if (n > 0 && out->steps[n - 1] == step) {
    return EG_OK; /* log-spaced steps coincide at the small end */
  }
  out->steps[n] = step;
  out->times[n] = (double)step * run->learning_rate;
  out->n++;
  return EG_OK;
}

static eg_status observe_at(eg_context *ctx, const eg_plan *plan, const eg_run *run, const eg_study_at *o, size_t i, size_t n,
                            eg_run_schedule *out) {
  uint64_t step = 0;
  switch (o->kind) {
  case EG_AT_LINEAR:
    EG_TRY(eg_plan_whole_steps(ctx, plan, run, o->mark, "observation time", run->horizon * (double)(i + 1) / (double)n, &step));
    break;
  case EG_AT_TIMES:
    EG_TRY(eg_plan_whole_steps(ctx, plan, run, o->list.mark, "observation time", o->list.values[i], &step));
    break;
  case EG_AT_STEPS:
    step = (uint64_t)o->list.values[i];
    break;
  case EG_AT_STEPS_LOG:
    step = n == 1 ? run->steps : (uint64_t)nearbyint(pow((double)run->steps, (double)i / (double)(n - 1)));
    break;
  case EG_AT_STEPS_LINEAR:
    step = (uint64_t)nearbyint((double)run->steps * (double)(i + 1) / (double)n);
    break;
  }
  return add_step(ctx, plan, run, o->mark, out, step);
}

eg_status eg_plan_times(eg_context *ctx, eg_plan *plan, eg_run *run) {
  const eg_study *const s = plan->study;
  if (isnan(run->horizon)) {
    run->steps = (uint64_t)s->steps;
    run->horizon = s->steps * run->learning_rate;
  } else {
    EG_TRY(eg_plan_whole_steps(ctx, plan, run, s->horizon_mark, "horizon", run->horizon, &run->steps));
  }
  if (run->steps == 0) {
    return eg_study_fail_at(ctx, s, s->horizon_mark, "the horizon holds no step of run '%s'", run->description);
  }
  if ((double)run->steps * run->substeps >= max_steps) {
    return eg_study_fail_at(ctx, s, s->horizon_mark, "steps x substeps of run '%s' exceed 2^50", run->description);
  }
  EG_TRY(eg_allocate(ctx, plan->n_schedules, sizeof *run->schedules, &run->schedules));
  for (size_t k = 0; k < plan->n_schedules; k++) {
    const eg_study_at *const o = plan->schedules[k].at;
    eg_run_schedule *const out = &run->schedules[k];
    const size_t n = eg_at_is_list(o) ? o->list.n : o->n;
    EG_TRY(eg_allocate(ctx, n, sizeof *out->steps, &out->steps));
    EG_TRY(eg_allocate(ctx, n, sizeof *out->times, &out->times));
    for (size_t i = 0; i < n; i++) {
      EG_TRY(observe_at(ctx, plan, run, o, i, n, out));
    }
  }
  run->observe_steps = run->schedules[0].steps;
  run->times = run->schedules[0].times;
  run->job.n_records = run->schedules[0].n;
  EG_TRY(eg_allocate(ctx, run->job.n_records, sizeof *run->record_steps, &run->record_steps));
  for (size_t i = 0; i < run->job.n_records; i++) {
    run->record_steps[i] = run->observe_steps[i] * (uint64_t)run->substeps;
  }
  run->job.record_steps = run->record_steps;
  return EG_OK;
}
