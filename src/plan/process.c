/* Processes that are drawn from their exact law, with increments that are not independent: what they need, and their mean
   squared displacement where it is known. */
#include <string.h>

#include "core/fractional.h"
#include "core/pull.h"
#include "core/model.h"
#include "oracle/processes.h"
#include "plan/plan.h"

static eg_status set_fractional(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  eg_launch *const a = &run->job.launch;
  const double steps = (double)run->steps * run->substeps;
  const double *const exponent = eg_plan_param(plan, run, "exponent");
  if (exponent == NULL || !(*exponent >= 0.04 && *exponent <= 1.96)) {
    return eg_study_fail_at(ctx, plan->study, plan->study->model.mark,
                            "fractional noise needs a parameter 'exponent' of the model in [0.04, 1.96]: twice its Hurst exponent");
  }
  if (steps > EG_FRACTIONAL_MOST) {
    return eg_study_fail_at(ctx, plan->study, plan->study->horizon_mark,
                            "run '%s' has %.0f steps; whole paths of fractional noise are made at once, and every worker needs "
                            "about 1.3 KiB of memory a step for them: at most %u steps are allowed",
                            run->description, steps, EG_FRACTIONAL_MOST);
  }
  a->hurst = 0.5 * *exponent;
  a->path_steps = (uint64_t)steps;
  return EG_OK;
}

static eg_status check_levy_walk(eg_context *ctx, const eg_plan *plan, const eg_run *run) {
  const double tail = *eg_plan_param(plan, run, "tail"), equilibrated = *eg_plan_param(plan, run, "equilibrated");
  if (equilibrated != 0 && equilibrated != 1) {
    return eg_study_fail_at(ctx, plan->study, plan->study->model.mark, "run '%s': equilibrated is %g; allowed: 0, 1",
                            run->description, equilibrated);
  }
  if (equilibrated == 1 && !(tail > 1)) {
    return eg_study_fail_at(ctx, plan->study, plan->study->model.mark,
                            "run '%s': tail %g: flights of infinite mean duration never come to equilibrium; allowed: "
                            "tail > 1, or equilibrated: 0",
                            run->description, tail);
  }
  return EG_OK;
}

static eg_status check_transit_time(eg_context *ctx, const eg_plan *plan, const eg_run *run) {
  const double exponent = *eg_plan_param(plan, run, "exponent"), gamma = *eg_plan_param(plan, run, "gamma");
  if (!(gamma * (1 - exponent) < 1)) {
    return eg_study_fail_at(ctx, plan->study, plan->study->model.mark,
                            "run '%s': gamma (1 - exponent) is %g; it must be below 1, else the mean squared displacement has "
                            "another exponent",
                            run->description, gamma * (1 - exponent));
  }
  return EG_OK;
}

static bool has_name(const eg_plan *plan, const char *name) {
  return plan->study->model.name != NULL && strcmp(plan->study->model.name, name) == 0;
}

/* Mean squared displacement at time t, of the models below. */
static double known_msd(const eg_plan *plan, const eg_run *run, double t) {
  const double *const p = run->params; /* in the order of the model's table */
  if (has_name(plan, "continuous-time-random-walk")) {
    return eg_random_walk_msd(p[0], p[1], p[2], t);
  }
  if (has_name(plan, "levy-walk")) {
    return eg_levy_walk_msd(p[0], p[1], p[2], t);
  }
  return t > 0 ? p[1] * eg_power(t, p[0]) : 0.0;
}

static eg_status set_msd(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const bool is_levy_walk = has_name(plan, "levy-walk");
  const bool is_known = has_name(plan, "continuous-time-random-walk") || has_name(plan, "scaled-brownian-motion") ||
                        has_name(plan, "fractional-brownian-motion") ||
                        (is_levy_walk && *eg_plan_param(plan, run, "equilibrated") == 1);
  if (!is_known) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, run->job.n_records, sizeof(double), &run->exact_msd));
  for (size_t i = 0; i < run->job.n_records; i++) {
    run->exact_msd[i] = known_msd(plan, run, run->times[i]);
  }
  return EG_OK;
}

eg_status eg_plan_process(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const int caps = eg_plan_unit(plan)->caps;
  if ((caps & EG_CAP_TIMED) != 0 && plan->study->float_state) {
    return eg_study_fail_at(ctx, plan->study, plan->study->model.mark,
                            "model '%s' keeps times and numbers of events in its state, which needs state: double",
                            eg_plan_unit(plan)->model);
  }
  if ((caps & EG_CAP_FRACTIONAL) != 0) {
    EG_TRY(set_fractional(ctx, plan, run));
  }
  if (has_name(plan, "levy-walk")) {
    EG_TRY(check_levy_walk(ctx, plan, run));
  } else if (has_name(plan, "annealed-transit-time")) {
    EG_TRY(check_transit_time(ctx, plan, run));
  }
  return set_msd(ctx, plan, run);
}
