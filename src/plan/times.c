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

static eg_status add_step(eg_context *ctx, const eg_plan *plan, eg_run *run, uint64_t step) {
  if (step > run->steps) {
    return eg_study_fail_at(ctx, plan->study, plan->study->observe.mark,
                            "observation at step %llu lies behind the last step %llu of run '%s'",
                            (unsigned long long)step, (unsigned long long)run->steps, run->description);
  }
  const size_t n = run->job.n_records;
  if (n > 0 && run->observe_steps[n - 1] == step) {
    return EG_OK; /* log-spaced steps coincide at the small end */
  }
  run->observe_steps[n] = step;
  run->times[n] = (double)step * run->learning_rate;
  run->job.n_records++;
  return EG_OK;
}

static eg_status observe_at(eg_context *ctx, const eg_plan *plan, eg_run *run, size_t i, size_t n) {
  const eg_study_observe *const o = &plan->study->observe;
  uint64_t step = 0;
  switch (o->kind) {
  case EG_AT_LINEAR:
    EG_TRY(eg_plan_whole_steps(ctx, plan, run, o->mark, "observation time", run->horizon * (double)(i + 1) / (double)n, &step));
    break;
  case EG_AT_TIMES:
    EG_TRY(eg_plan_whole_steps(ctx, plan, run, o->at.mark, "observation time", o->at.values[i], &step));
    break;
  case EG_AT_STEPS:
    step = (uint64_t)o->at.values[i];
    break;
  case EG_AT_STEPS_LOG:
    step = n == 1 ? run->steps : (uint64_t)nearbyint(pow((double)run->steps, (double)i / (double)(n - 1)));
    break;
  case EG_AT_STEPS_LINEAR:
    step = (uint64_t)nearbyint((double)run->steps * (double)(i + 1) / (double)n);
    break;
  }
  return add_step(ctx, plan, run, step);
}

eg_status eg_plan_times(eg_context *ctx, eg_plan *plan, eg_run *run) {
  const eg_study *const s = plan->study;
  const eg_study_observe *const o = &s->observe;
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
  const bool is_list = o->kind == EG_AT_TIMES || o->kind == EG_AT_STEPS;
  const size_t n = is_list ? o->at.n : o->n;
  EG_TRY(eg_allocate(ctx, n, sizeof *run->observe_steps, &run->observe_steps));
  EG_TRY(eg_allocate(ctx, n, sizeof *run->times, &run->times));
  EG_TRY(eg_allocate(ctx, n, sizeof *run->record_steps, &run->record_steps));
  for (size_t i = 0; i < n; i++) {
    EG_TRY(observe_at(ctx, plan, run, i, n));
  }
  for (size_t i = 0; i < run->job.n_records; i++) {
    run->record_steps[i] = run->observe_steps[i] * (uint64_t)run->substeps;
  }
  run->job.record_steps = run->record_steps;
  return EG_OK;
}
