/* Features of a study as columns of a record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model.h"
#include "plan/plan.h"

static int32_t feature_id(const char *name) {
  static const char *const names[] = {"x", "norm2", "loss", "gradient_norm2", "displacement2", "clock", "noise_trace", "velocity"};
  for (int32_t i = 0; i < 8; i++) {
    if (strcmp(names[i], name) == 0) {
      return i;
    }
  }
  return -1;
}

const eg_feature *eg_plan_feature(const eg_plan *plan, const char *name) {
  const eg_feature *const f = eg_plan_any_feature(plan, name);
  return f != NULL && f < plan->features + plan->n_features ? f : NULL;
}

const eg_feature *eg_plan_any_feature(const eg_plan *plan, const char *name) {
  for (size_t i = 0; i < plan->n_all_features; i++) {
    if (strcmp(plan->features[i].name, name) == 0) {
      return &plan->features[i];
    }
  }
  return NULL;
}

/* The trace of the covariance needs the models' parts of it; all models of the team form have rows. */
static eg_status check_noise_trace(eg_context *ctx, const eg_plan *plan, eg_mark mark) {
  const eg_unit *const unit = eg_plan_unit(plan);
  if ((unit->caps & EG_CAP_LOSS) == 0 || (unit->caps & (EG_CAP_ROWS | EG_CAP_DIAGONAL | EG_CAP_COVARIANCE)) == 0) {
    return eg_study_fail_at(ctx, plan->study, mark, "feature 'noise_trace' needs a loss model with data rows, eg_noise_diagonal or "
                                                    "eg_covariance");
  }
  if ((unit->caps & EG_CAP_POPULATION) != 0) {
    return eg_study_fail_at(ctx, plan->study, mark, "feature 'noise_trace' is of single trajectories: a population has none");
  }
  return EG_OK;
}

/* The next feature and its columns. */
static eg_status add_feature(eg_context *ctx, eg_plan *plan, const char *name, eg_mark mark) {
  eg_feature *const f = &plan->features[plan->n_all_features];
  (void)snprintf(f->name, sizeof f->name, "%s", name); /* schema words are short */
  f->id = feature_id(f->name);
  if ((f->id == EG_FEATURE_LOSS || f->id == EG_FEATURE_GRADIENT_NORM2) && (eg_plan_unit(plan)->caps & EG_CAP_LOSS) == 0) {
    return eg_study_fail_at(ctx, plan->study, mark, "feature '%s' needs a model with a loss (eg_loss, eg_gradient)", f->name);
  }
  if (f->id == EG_FEATURE_NOISE_TRACE) {
    EG_TRY(check_noise_trace(ctx, plan, mark));
  }
  if (f->id == EG_FEATURE_CLOCK) {
    EG_TRY(eg_plan_check_clock(ctx, plan, mark));
  }
  if (f->id < 0) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "unknown feature '%s'", f->name);
  }
  f->first = plan->n_all_columns;
  f->width = eg_feature_is_vector(f) ? (size_t)plan->dim : 1;
  plan->n_all_columns += f->width;
  plan->n_all_features++;
  return EG_OK;
}

eg_status eg_plan_features(eg_context *ctx, eg_plan *plan) {
  const eg_study_observe *const observe = &plan->study->observe;
  EG_TRY(eg_allocate(ctx, observe->n_all_features + 4 * observe->n_monitors, sizeof *plan->features, &plan->features));
  for (size_t i = 0; i < observe->n_features; i++) {
    EG_TRY(add_feature(ctx, plan, observe->features[i], observe->feature_marks[i]));
  }
  plan->n_features = plan->n_all_features;
  plan->n_columns = plan->n_all_columns;
  EG_TRY(eg_plan_monitor_features(ctx, plan));
  plan->n_all_features = plan->n_features;
  plan->n_all_columns = plan->n_columns;
  for (size_t i = observe->n_features; i < observe->n_all_features; i++) {
    EG_TRY(add_feature(ctx, plan, observe->features[i], observe->feature_marks[i]));
  }
  EG_TRY(eg_allocate(ctx, plan->n_all_columns, sizeof *plan->codes, &plan->codes));
  for (size_t i = 0; i < plan->n_all_features; i++) {
    const bool is_monitor = plan->features[i].id >= EG_FEATURE_MONITOR;
    for (size_t k = 0; k < plan->features[i].width; k++) {
      const bool is_velocity = plan->features[i].id == EG_FEATURE_VELOCITY;
      eg_feature_code *const code = &plan->codes[plan->features[i].first + k];
      code->id = is_velocity ? EG_FEATURE_X : plan->features[i].id;
      code->component = is_monitor ? eg_plan_monitor_component(&plan->features[i]) : (is_velocity ? plan->padded_dim : 0) + (int32_t)k;
    }
  }
  return EG_OK;
}
