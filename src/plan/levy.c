/*
 * SDEs with symmetric alpha-stable noise, dx = b(x) dt + s(x) dL, E exp(i u L(t)) = exp(-t |u|^alpha): an increment over h is
 * h^(1/alpha) S (kernels/core/stable.h), made by the fill in place of normals, so that the steppers of diffusions serve. A loss
 * has b = -grad R and its noise times (eta / B)^(1 - 1/alpha): the mean of B noises s S is B^(1/alpha - 1) s S, and one step of
 * Euler's scheme with h = eta is gradient descent with it (arXiv 1901.06053).
 *
 * gradient_noise of a loss names s: that of the model; S constant, with S S^T given; or sqrt(2 L(x)) S with S S^T = H. S is lower
 * triangular and its columns have independent increments; below tail_index 2 another root of the same matrix has another law.
 */
#include <string.h>

#include "core/model.h"
#include "plan/plan.h"

static eg_status refuse(eg_context *ctx, const eg_plan *plan, const eg_run *run, const char *why) {
  return eg_study_fail_at(ctx, plan->study, run->dynamics->mark, "run '%s': levy %s", run->description, why);
}

/* The exact law is known where drift and noise are those of an Ornstein-Uhlenbeck process. */
static bool has_exact_law(const eg_plan *plan) {
  return plan->study->model.name != NULL && strcmp(plan->study->model.name, "ornstein-uhlenbeck") == 0;
}

eg_status eg_plan_levy(eg_context *ctx, const eg_plan *plan, eg_run *run, const eg_unit *unit) {
  eg_launch *const a = &run->job.launch;
  const double alpha = run->chain.tail_index;
  const eg_noise_kind kind = plan->study->noise;
  if (plan->form == EG_FORM_TEAM || (unit->caps & EG_CAP_POPULATION) != 0) {
    return refuse(ctx, plan, run, "has the lane form only; allowed: at most 16 dimensions, and no populations");
  }
  const bool has_own_law = run->dynamics->gradient_noise.law > EG_GRADIENT_EXACT;
  if (unit->is_process && has_own_law) {
    return refuse(ctx, plan, run, "of a process has the process's own noise; gradient_noise is of a loss; allowed: gaussian-exact");
  }
  if ((unit->caps & EG_CAP_DRIFT) == 0 || (!has_own_law && (unit->caps & EG_CAP_DIAGONAL) == 0)) {
    return refuse(ctx, plan, run, "needs eg_drift and eg_noise_diagonal");
  }
  if (kind != EG_NOISE_GAUSSIAN && kind != EG_NOISE_GAUSSIAN64) {
    return refuse(ctx, plan, run, "makes alpha-stable increments instead of the study's noise; allowed kinds: gaussian (they are "
                                  "floats), gaussian64 (doubles)");
  }
  if (alpha < 0.5 && kind != EG_NOISE_GAUSSIAN64) {
    return refuse(ctx, plan, run, "with a tail_index below 0.5 has increments beyond the range of a float; it needs noise: "
                                  "gaussian64");
  }
  if (unit->is_process && run->batch_size != 1) {
    return refuse(ctx, plan, run, "of a process has no batch; allowed batch_size: 1");
  }
  run->scheme = run->dynamics->scheme == EG_SCHEME_DEFAULT ? EG_EULER_MARUYAMA : run->dynamics->scheme;
  switch (run->scheme) {
  case EG_EULER_MARUYAMA:
    run->job.stepper = has_own_law ? "euler_root" : "euler_diagonal";
    break;
  case EG_STRANG:
    run->job.stepper = has_own_law ? "strang_root" : "strang_diagonal";
    break;
  case EG_EXACT:
    if (!has_exact_law(plan)) {
      return refuse(ctx, plan, run, "has an exact law on ornstein-uhlenbeck only; allowed schemes: euler-maruyama, strang");
    }
    run->job.stepper = "exact";
    break;
  default:
    return refuse(ctx, plan, run, "takes increments that are no normals; allowed schemes: euler-maruyama, strang, and exact on "
                                  "ornstein-uhlenbeck");
  }
  const double size = unit->is_process ? 1.0 : eg_power(run->learning_rate / run->batch_size, 1.0 - 1.0 / alpha);
  a->noise_scale = eg_power(a->h, 1.0 / alpha) * size;
  a->tail_index = alpha;
  return EG_OK;
}

/* x(t + h) = mean + exp(-rate h) (x - mean) + sigma ((1 - exp(-alpha rate h)) / (alpha rate))^(1/alpha) S. */
void eg_plan_stage_levy(const eg_plan *plan, eg_run *run) {
  const double alpha = run->chain.tail_index, h = run->job.launch.h;
  const bool grows = run->dynamics->gradient_noise.law == EG_GRADIENT_DECOUPLED; /* the noise with x: fewer moments, unknown how many */
  run->stable_index = run->has_oracle && alpha < 2.0 && !grows ? alpha : 0.0; /* a drift that grows faster can leave more */
  run->has_oracle = false; /* the oracle knows moments */
  if (run->scheme == EG_EXACT) {
    /* (1 - exp(-2 v)) / (2 v) = exp(-v) sinh(v) / v, without cancellation where v is small */
    const double v = 0.5 * alpha * *eg_plan_param(plan, run, "rate") * h;
    const double series = 1.0 + v * v / 6.0 * (1.0 + v * v / 20.0 * (1.0 + v * v / 42.0 * (1.0 + v * v / 72.0)));
    const double sinh_ratio = v < 0.5 ? series : (eg_exp(v) - eg_exp(-v)) / (2.0 * v);
    const double sigma = *eg_plan_param(plan, run, "sigma");
    run->staged[2] = sigma * eg_power(h * eg_exp(-v) * sinh_ratio, 1.0 / alpha);
  }
}
