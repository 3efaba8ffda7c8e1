/* The coefficients of the Langevin equation of a chain (kernels/steppers/langevin.h), and its exact moments. */
#include <math.h>

#include "core/model.h"
#include "plan/plan.h"

static eg_status refuse(eg_context *ctx, const eg_plan *plan, const eg_run *run, const char *why) {
  return eg_study_fail_at(ctx, plan->study, run->dynamics->mark, "run '%s': langevin %s", run->description, why);
}

eg_status eg_plan_langevin(eg_context *ctx, const eg_plan *plan, eg_run *run, int caps) {
  eg_launch *const a = &run->job.launch;
  eg_chain *const c = &a->chain;
  const double eta = run->learning_rate, beta = run->chain.momentum, h = a->h;
  const bool has_rows = (caps & EG_CAP_ROWS) != 0;
  if (plan->form == EG_FORM_TEAM) {
    return refuse(ctx, plan, run, "has no team form; allowed: at most 16 dimensions");
  }
  if ((caps & EG_CAP_LOSS) == 0 || (!has_rows && (caps & EG_CAP_CHANNELS) == 0)) {
    return refuse(ctx, plan, run, "needs a loss and its noise: eg_gradient, and eg_add_row_gradient or eg_noise_channels");
  }
  if (!(beta < 1.0)) { /* from a sweep */
    return refuse(ctx, plan, run, "needs a momentum below 1");
  }
  if ((caps & EG_CAP_POPULATION) != 0) { /* built-in models are refused before */
    return refuse(ctx, plan, run, "has no form for populations");
  }
  const double friction = 2.0 * (1.0 - beta) / (eta * (1.0 + beta)); /* 2 gamma */
  const double spread = -expm1(-2.0 * friction * h) / (2.0 * friction);
  const double noise = 2.0 / ((1.0 + beta) * sqrt(eta * run->batch_size));
  c->rate = eta; /* what marks the chain as used */
  c->substeps = 1;
  c->momentum = exp(-friction * h);
  c->new_weight = h / (eta * (1.0 + beta));
  c->lookahead = run->chain.has_zero_velocity ? 0.0 : 1.0 / (1.0 + beta);
  c->weight_decay = run->chain.weight_decay;
  c->clip2 = INFINITY;
  a->noise_scale = noise * sqrt(has_rows ? 0.5 * spread : spread);
  run->job.stepper = has_rows ? "langevin_pair" : "langevin_channels";
  return EG_OK;
}

eg_status eg_plan_langevin_oracle(eg_context *ctx, eg_run *run) {
  if (2 * run->affine.dim > EG_AFFINE_MAX_DIM) {
    run->has_oracle = false;
    return EG_OK;
  }
  run->langevin = (eg_affine_langevin){.learning_rate = run->learning_rate,
                                       .batch_size = run->batch_size,
                                       .momentum = run->chain.momentum,
                                       .weight_decay = run->chain.weight_decay,
                                       .start_velocity = run->job.launch.chain.lookahead};
  return eg_affine_langevin_lift(ctx, &run->affine, &run->langevin, &run->lifted);
}
