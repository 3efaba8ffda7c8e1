/* The random time change to the logarithm of the loss (kernels/steppers/log_time.h): what it needs, and its coefficients. */
#include <math.h>
#include <string.h>

#include "core/model.h"
#include "plan/plan.h"

static eg_status refuse(eg_context *ctx, const eg_plan *plan, const eg_run *run, const char *why) {
  return eg_study_fail_at(ctx, plan->study, run->dynamics->mark, "run '%s': log-time %s", run->description, why);
}

eg_status eg_plan_log_time(eg_context *ctx, const eg_plan *plan, eg_run *run, int caps) {
  eg_launch *const a = &run->job.launch;
  if (plan->form == EG_FORM_TEAM || (caps & EG_CAP_POPULATION) != 0) {
    return refuse(ctx, plan, run, "has the lane form only: at most 16 dimensions, and no particles");
  }
  if ((caps & EG_CAP_LOSS) == 0 || (caps & EG_CAP_DRIFT) == 0) {
    return refuse(ctx, plan, run, "needs eg_loss, eg_gradient and eg_drift");
  }
  if (plan->study->float_state) {
    return refuse(ctx, plan, run, "keeps the physical time in its state, which needs state: double");
  }
  a->is_clocked = 1;
  a->noise_scale = sqrt(2.0 * a->h * run->learning_rate / run->batch_size);
  run->job.stepper = "log_time_root";
  return EG_OK;
}

/* The clock is a column of log-time alone. */
eg_status eg_plan_check_clock(eg_context *ctx, const eg_plan *plan, eg_mark mark) {
  for (size_t i = 0; i < plan->study->n_dynamics; i++) {
    if (plan->study->dynamics[i].id != EG_LOG_TIME) {
      return eg_study_fail_at(ctx, plan->study, mark,
                              "feature 'clock' is the physical time of log-time; '%s' has the time of the observations",
                              plan->study->dynamics[i].label);
    }
  }
  return EG_OK;
}
