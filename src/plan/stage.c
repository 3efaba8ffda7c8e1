/* What the host prepares for a run: parameters, start points, staged arrays, and the exact oracle. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/model.h"
#include "plan/plan.h"

enum { MAX_STABILITY_DIM = 16 };

static const eg_study_param *find_param(const eg_plan *plan, const char *name) {
  for (size_t i = 0; i < plan->study->model.n_params; i++) {
    if (strcmp(plan->study->model.params[i].name, name) == 0) {
      return &plan->study->model.params[i];
    }
  }
  return NULL;
}

/* Value of component k of a parameter in this run: sweep, else study, else default. */
static double param_value(const eg_plan *plan, const eg_run *run, const eg_unit_param *p, size_t k) {
  for (size_t i = 0; i < plan->study->n_sweep; i++) {
    const eg_sweep_axis *const axis = &plan->study->sweep[i];
    if (axis->target == EG_SWEEP_PARAM && strcmp(axis->param, p->name) == 0) {
      return run->axis_values[i];
    }
  }
  const eg_study_param *const written = find_param(plan, p->name);
  if (written == NULL) {
    return p->value;
  }
  return written->value.values[written->value.n == 1 ? 0 : k];
}

/* The parameter struct of the unit: vectors padded with zeros. */
static eg_status stage_params(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const eg_unit *const unit = eg_plan_unit(plan);
  EG_TRY(eg_allocate(ctx, (size_t)unit->n_param_doubles + 1, sizeof(double), &run->params));
  size_t at = 0;
  for (int32_t i = 0; i < unit->n_params; i++) {
    const eg_unit_param *const p = &unit->params[i];
    const size_t width = p->is_vector ? (size_t)unit->dim : 1;
    const eg_study_param *const written = find_param(plan, p->name);
    if (written != NULL && written->value.n != 1 && (!p->is_vector || written->value.n != (size_t)plan->dim)) {
      return eg_study_fail_at(ctx, plan->study, written->value.mark,
                              "parameter '%s' has %zu values; allowed: 1%s", p->name, written->value.n,
                              p->is_vector ? ", or one per dimension" : "");
    }
    for (size_t k = 0; k < width; k++) {
      run->params[at + k] = k < (p->is_vector ? (size_t)plan->dim : 1) ? param_value(plan, run, p, k) : 0.0;
    }
    at += width;
  }
  run->job.params = run->params;
  run->job.n_params = (size_t)unit->n_param_doubles + 1;
  return EG_OK;
}

static double axis_or(const eg_plan *plan, const eg_run *run, eg_sweep_target target, double value) {
  for (size_t i = 0; i < plan->study->n_sweep; i++) {
    if (plan->study->sweep[i].target == target) {
      return run->axis_values[i];
    }
  }
  return value;
}

static eg_status stage_start(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const eg_study_start *const s = &plan->study->start;
  eg_launch *const a = &run->job.launch;
  EG_TRY(eg_allocate(ctx, plan->n_points * (size_t)plan->padded_dim, sizeof(double), &run->start));
  if (s->kind == EG_START_NORMAL) {
    a->start_kind = EG_START_RANDOM;
    a->start_mean = axis_or(plan, run, EG_SWEEP_START_MEAN, s->mean);
    a->start_std = axis_or(plan, run, EG_SWEEP_START_STD, s->std);
  } else {
    a->start_kind = EG_START_FIXED;
    for (size_t point = 0; point < plan->n_points; point++) {
      for (size_t k = 0; k < (size_t)plan->dim; k++) {
        const double value = s->points[point * s->width + (s->width == 1 ? 0 : k)];
        run->start[point * (size_t)plan->padded_dim + k] = axis_or(plan, run, EG_SWEEP_START_POINT, value) + 0.0; /* -0 is 0 */
      }
    }
  }
  run->job.start = run->start;
  return EG_OK;
}

/* ---- oracles ---- */

const double *eg_plan_param(const eg_plan *plan, const eg_run *run, const char *name) {
  const eg_unit *const unit = eg_plan_unit(plan);
  size_t at = 0;
  for (int32_t i = 0; i < unit->n_params; i++) {
    if (strcmp(unit->params[i].name, name) == 0) {
      return run->params + at;
    }
    at += unit->params[i].is_vector ? (size_t)unit->dim : 1;
  }
  return NULL;
}

static eg_status affine_model(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const char *const name = plan->study->model.name;
  run->has_oracle = true;
  if (name == NULL || plan->dim > EG_AFFINE_MAX_DIM) {
    run->has_oracle = false;
  } else if (strcmp(name, "linear-regression") == 0 || strcmp(name, "mean-field-linear") == 0) {
    return eg_affine_least_squares(ctx, plan->data.n_rows, plan->dim, plan->data.inputs, plan->data.target,
                                   run->ridge, &run->affine);
  } else if (strcmp(name, "sample-quadratic") == 0) {
    return eg_affine_sample_quadratic(ctx, plan->data.n_rows, plan->data.inputs, plan->data.target, run->ridge, &run->affine);
  } else if (strcmp(name, "quadratic") == 0) {
    return eg_affine_quadratic(ctx, plan->dim, eg_plan_param(plan, run, "curvature"), eg_plan_param(plan, run, "centre"),
                               eg_plan_param(plan, run, "noise"), eg_plan_param(plan, run, "multiplicative"), &run->affine);
  } else if (strcmp(name, "linear-regression-gaussian") == 0) {
    return eg_affine_gaussian_least_squares(ctx, plan->dim, eg_plan_param(plan, run, "input_variance"),
                                            eg_plan_param(plan, run, "optimum"), *eg_plan_param(plan, run, "label_noise"),
                                            &run->affine);
  } else if (strcmp(name, "ornstein-uhlenbeck") == 0) {
    return eg_affine_ornstein_uhlenbeck(ctx, *eg_plan_param(plan, run, "rate"), *eg_plan_param(plan, run, "mean"),
                                        *eg_plan_param(plan, run, "sigma"), &run->affine);
  } else if (strcmp(name, "geometric-brownian-motion") == 0) {
    return eg_affine_geometric_brownian_motion(ctx, *eg_plan_param(plan, run, "mu"), *eg_plan_param(plan, run, "sigma"),
                                               &run->affine);
  } else {
    run->has_oracle = false;
  }
  return EG_OK;
}

/* A fresh subset of B of N rows has covariance Sigma / B x (N - B) / (N - 1): a batch of size B (N - 1) / (N - B). */
static double effective_batch(const eg_run *run) {
  const double n = (double)run->job.launch.n_rows, batch = run->batch_size;
  return run->dynamics->sampling == EG_SAMPLING_WITHOUT_REPLACEMENT ? batch * (n - 1) / (n - batch) : batch;
}

/* Heun's scheme and srk2 take the diffusion at several points, and the diagonal form of both kinds of noise is a root. */
static bool is_scheme_affine(const eg_plan *plan, const eg_run *run) {
  const double *const multiplicative = eg_plan_param(plan, run, "multiplicative");
  if (strcmp(run->job.stepper, "srk2_cholesky") == 0) {
    return false; /* a root, at several points */
  }
  if ((run->scheme != EG_HEUN && run->scheme != EG_SRK2) || strstr(run->job.stepper, "_diagonal") == NULL ||
      multiplicative == NULL) {
    return true;
  }
  for (size_t k = 0; k < (size_t)plan->dim; k++) {
    if (multiplicative[k] != 0.0) {
      return false;
    }
  }
  return true;
}

static void oracle_settings(eg_run *run) {
  eg_affine_setting law;
  memset(&law, 0, sizeof law);
  law.learning_rate = eg_plan_effective_rate(run);
  law.batch_size = effective_batch(run);
  law.substeps = (int)run->substeps;
  law.scheme = EG_AFFINE_EXACT;
  law.law = run->dynamics->id == EG_SGD             ? EG_LAW_SGD
            : run->dynamics->id == EG_GRADIENT_FLOW ? EG_LAW_GRADIENT_FLOW
            : run->dynamics->id == EG_SME2          ? EG_LAW_SDE2
            : run->dynamics->id == EG_SMF2          ? EG_LAW_SDE2
                                                    : EG_LAW_SDE1;
  if (run->dynamics->id == EG_SDE) {
    run->affine.is_process = true; /* a raw sde of a loss model: noise scale 1 */
    law.batch_size = 1;
  }
  if (run->dynamics->id == EG_LANGEVIN) { /* the lifted model is a process */
    law.batch_size = 1;
    run->law = run->scheme_law = law;
    run->scheme_law.scheme = run->scheme == EG_EXACT ? EG_AFFINE_EXACT : EG_AFFINE_BAOAB;
    return;
  }
  if (run->chain.is_general || run->dynamics->id == EG_NOISY_GD) {
    law.law = EG_LAW_SDE1; /* whose Euler-Maruyama scheme has the moments of the chain */
    law.scheme = EG_AFFINE_EULER_MARUYAMA;
  }
  run->law = run->scheme_law = law;
  static const eg_affine_scheme schemes[] = {
      [EG_EULER_MARUYAMA] = EG_AFFINE_EULER_MARUYAMA, [EG_STRANG] = EG_AFFINE_STRANG, [EG_MILSTEIN] = EG_AFFINE_MILSTEIN,
      [EG_HEUN] = EG_AFFINE_HEUN,                     [EG_SRK2] = EG_AFFINE_SRK2};
  if (run->scheme != EG_SCHEME_DEFAULT && run->scheme != EG_EXACT) {
    run->scheme_law.scheme = schemes[run->scheme];
  }
}

/* The search costs dim^6 and is left to small dimensions: seconds at 16, an hour at 48. */
static eg_status stability(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  if (run->dynamics->id != EG_SGD || run->chain.is_general || !run->has_oracle || plan->dim > MAX_STABILITY_DIM ||
      run->job.launch.absorbing != 0) { /* what has stopped does not grow */
    return EG_OK;
  }
  const eg_affine_model *const model = run->lifted.dim > 0 ? &run->lifted : &run->affine;
  EG_TRY(eg_affine_stability_limit(ctx, model, effective_batch(run), &run->stability_limit));
  if (run->learning_rate > run->stability_limit) {
    eg_study_warn_at(ctx, plan->study, plan->study->learning_rate_mark,
                     "learning_rate %.6g of run '%s' is beyond mean-square stability: second moments diverge above "
                     "%.3g at batch size %g",
                     run->learning_rate, run->description, run->stability_limit, run->batch_size);
  }
  return EG_OK;
}

/* Of quadratic, channels commute where no component has both kinds of noise; a user's model says by what it offers that
   its channels do. */
static eg_status check_commuting(eg_context *ctx, const eg_plan *plan, const eg_run *run) {
  const double *const additive = eg_plan_param(plan, run, "noise");
  const double *const multiplicative = eg_plan_param(plan, run, "multiplicative");
  const char *const name = plan->study->model.name;
  if (strcmp(run->job.stepper, "milstein_channels") != 0 || name == NULL || strcmp(name, "quadratic") != 0) {
    return EG_OK;
  }
  for (size_t k = 0; k < (size_t)plan->dim; k++) {
    if (additive[k] != 0.0 && multiplicative[k] != 0.0) {
      return eg_study_fail_at(ctx, plan->study, run->dynamics->mark,
                              "scheme milstein needs channels that commute, and component %zu has both 'noise' and "
                              "'multiplicative', whose channels do not; allowed: factor cholesky, whose noise is diagonal",
                              k);
    }
  }
  return EG_OK;
}

eg_status eg_plan_stage(eg_context *ctx, eg_plan *plan, eg_run *run) {
  const eg_unit *const unit = eg_plan_unit(plan);
  run->stability_limit = NAN;
  EG_TRY(stage_params(ctx, plan, run));
  EG_TRY(check_commuting(ctx, plan, run));
  EG_TRY(stage_start(ctx, plan, run));
  EG_TRY(affine_model(ctx, plan, run));
  if (plan->study->model.name != NULL && (unit->caps & EG_CAP_ROWS) != 0) {
    EG_TRY(eg_plan_stage_regression(ctx, plan, run));
  } else {
    EG_TRY(eg_allocate(ctx, (size_t)unit->n_staged, sizeof(double), &run->staged));
    run->job.n_staged = (size_t)unit->n_staged;
    if (unit->prepare != NULL) {
      unit->prepare(run->params, run->job.launch.h, run->job.launch.correction, run->staged);
    } else if (unit->n_staged > 0) {
      return eg_study_fail_at(ctx, plan->study, plan->study->model.mark,
                              "model '%s' has data rows and EG_STAGED %d; only built-in models stage values from "
                              "data, a model file with rows must have EG_STAGED 0",
                              plan->study->model.file, (int)unit->n_staged);
    }
  }
  run->job.staged = run->staged;
  run->job.rows = plan->rows;
  run->job.n_row_values = plan->n_row_values;
  const eg_sampling sampling = run->dynamics->sampling;
  if (sampling == EG_SAMPLING_SHUFFLE || sampling == EG_SAMPLING_FIXED_SHUFFLE) {
    run->has_oracle = false; /* steps of one epoch depend on each other */
  }
  EG_TRY(eg_plan_stage_noise(ctx, plan, run));
  if (run->dynamics->id == EG_LEVY) {
    eg_plan_stage_levy(plan, run);
  }
  if (eg_is_adaptive_sde(run->dynamics->id)) {
    run->has_oracle = false; /* not affine */
  }
  if (run->dynamics->id == EG_LOG_TIME) {
    run->has_oracle = false; /* of another equation, in another time */
  }
  if (run->has_oracle && run->chain.is_general) {
    EG_TRY(eg_plan_chain_oracle(ctx, run));
  }
  if (run->dynamics->id == EG_LANGEVIN) {
    EG_TRY(eg_plan_stage_langevin(ctx, plan, run));
  }
  if (run->has_oracle) {
    oracle_settings(run);
    run->has_scheme_oracle = is_scheme_affine(plan, run);
    EG_TRY(stability(ctx, plan, run));
  }
  return EG_OK;
}
