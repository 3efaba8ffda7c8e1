/* Which stepper serves a run, and the coefficients of its step. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "core/model.h"
#include "core/noise.h"
#include "model/catalogue.h"
#include "plan/plan.h"

/* Increments of one step that the noise buffer of a thread surely holds, at any noise kind (EG_NOISE_BYTES). */
enum { MAX_NORMALS = 128 };

static eg_status refuse(eg_context *ctx, const eg_plan *plan, const eg_run *run, const char *why) {
  return eg_study_fail_at(ctx, plan->study, run->dynamics->mark, "%s cannot be run on model '%s': %s",
                          eg_dynamics_name(run->dynamics->id),
                          plan->study->model.name != NULL ? plan->study->model.name : plan->study->model.file, why);
}

/* The noise form of a modified equation (kernels/steppers/noise_forms.h), by what the model offers. */
static eg_status choose_form(eg_context *ctx, const eg_plan *plan, eg_run *run, int caps, const char **form) {
  const eg_factor factor = run->dynamics->factor;
  const bool is_flow = run->dynamics->id == EG_SMF1 || run->dynamics->id == EG_SMF2;
  if (is_flow && (factor == EG_FACTOR_CHOLESKY || factor == EG_FACTOR_SYMMETRIC_ROOT || factor == EG_FACTOR_CLOSED_FORM)) {
    return refuse(ctx, plan, run,
                  (caps & EG_CAP_POPULATION) != 0
                      ? "the noise of a stochastic modified flow is indexed by the data; allowed factors: pair, data"
                      : "the noise of a stochastic modified flow is indexed by the data: no root of the covariance at one point has "
                        "its law at two; allowed factors: pair, data, nodes, joint-cholesky");
  }
  if (factor == EG_FACTOR_NODES && (caps & EG_CAP_POPULATION) == 0) {
    run->factor = factor;
    *form = "nodes";
    return (caps & (EG_CAP_ROWS | EG_CAP_SAMPLES)) != 0 && plan->form == EG_FORM_LANE
               ? EG_OK
               : refuse(ctx, plan, run, "factor nodes draws fresh samples, and has no team form: the model needs "
                                        "eg_add_row_gradient or eg_add_sample_gradient, and at most 16 dimensions");
  }
  if (factor == EG_FACTOR_JOINT) {
    run->factor = factor;
    *form = "joint";
    if ((caps & EG_CAP_ROWS) == 0 || (caps & EG_CAP_POPULATION) != 0 || plan->form == EG_FORM_TEAM) {
      return refuse(ctx, plan, run, "factor joint-cholesky is made from data rows, in at most 16 dimensions");
    }
    return plan->n_points * (size_t)plan->dim <= 32
               ? EG_OK
               : refuse(ctx, plan, run, "factor joint-cholesky allows points x dimensions up to 32");
  }
  if (factor == EG_FACTOR_CLOSED_FORM && (caps & EG_CAP_POPULATION) == 0) {
    run->factor = factor;
    *form = "factor";
    return (caps & EG_CAP_FACTOR) != 0 ? EG_OK : refuse(ctx, plan, run, "factor closed-form needs eg_noise_factor");
  }
  if ((caps & (EG_CAP_ROWS | EG_CAP_SAMPLES)) != 0) {
    run->factor = factor == EG_FACTOR_DEFAULT ? EG_FACTOR_PAIR : factor;
    if ((caps & EG_CAP_POPULATION) != 0 && run->factor != EG_FACTOR_PAIR && run->factor != EG_FACTOR_DATA) {
      return refuse(ctx, plan, run, "the noise of a stochastic modified flow is indexed by the data; allowed factors: "
                                    "pair, data");
    }
    if ((run->factor == EG_FACTOR_CHOLESKY || run->factor == EG_FACTOR_SYMMETRIC_ROOT) &&
        (caps & EG_CAP_COVARIANCE) == 0) {
      return refuse(ctx, plan, run,
                    (caps & EG_CAP_ROWS) != 0
                        ? "factors cholesky and symmetric-root need eg_covariance, which this model offers up to "
                          "dimension 6; allowed: pair, data"
                    : (caps & EG_CAP_FACTOR) != 0
                        ? "factors cholesky and symmetric-root need eg_covariance, which this model offers up to "
                          "dimension 4; allowed: pair, closed-form, and data up to dimension 8"
                        : "factors cholesky and symmetric-root need eg_covariance, which this model offers up to "
                          "dimension 4; allowed: pair, nodes, and data where the model defines eg_noise_channels");
    }
    const bool is_drawn = (caps & EG_CAP_SAMPLES) != 0;
    if (run->factor == EG_FACTOR_DATA && is_drawn && (caps & EG_CAP_CHANNELS) == 0) {
      return refuse(ctx, plan, run, (caps & EG_CAP_FACTOR) != 0
                                        ? "factor data needs eg_noise_channels, which this model offers up to dimension 8; "
                                          "allowed: pair, closed-form"
                                        : "factor data needs eg_noise_channels, which this model does not define, or not in this "
                                          "dimension; allowed: pair, nodes");
    }
    *form = run->factor == EG_FACTOR_PAIR       ? "pair"
            : run->factor == EG_FACTOR_DATA     ? (is_drawn ? "channels" : "data")
            : run->factor == EG_FACTOR_CHOLESKY ? "cholesky"
                                                : "symroot";
    return EG_OK;
  }
  run->factor = factor == EG_FACTOR_DEFAULT ? EG_FACTOR_DATA : factor;
  if (run->factor == EG_FACTOR_PAIR) {
    return refuse(ctx, plan, run, "factor pair draws two data rows, and the model has none; allowed: data, cholesky, "
                                  "symmetric-root");
  }
  if (run->factor == EG_FACTOR_DATA && (caps & EG_CAP_CHANNELS) != 0) {
    *form = "channels";
    return EG_OK;
  }
  if ((caps & EG_CAP_DIAGONAL) == 0 || is_flow) {
    return refuse(ctx, plan, run, is_flow ? "the model does not define eg_noise_channels"
                                          : "the model defines neither eg_noise_diagonal nor eg_noise_channels");
  }
  *form = "diagonal"; /* the covariance is diagonal: its Cholesky factor is its symmetric root */
  return EG_OK;
}

/* Why the run's scheme cannot serve this noise form; NULL if it can. */
static const char *why_no_scheme(const eg_plan *plan, const eg_run *run, int caps, const char *form) {
  const eg_unit *const unit = eg_plan_unit(plan);
  const bool is_diagonal = strcmp(form, "diagonal") == 0, is_channels = strcmp(form, "channels") == 0,
             is_cholesky = strcmp(form, "cholesky") == 0;
  if (run->scheme != EG_MILSTEIN && run->scheme != EG_HEUN && run->scheme != EG_SRK2) {
    return NULL;
  }
  if (plan->form == EG_FORM_TEAM || (caps & EG_CAP_POPULATION) != 0) {
    return "schemes milstein, heun and srk2 have the lane form only; allowed: euler-maruyama, strang";
  }
  if (!is_diagonal && !is_channels && run->scheme == EG_MILSTEIN) {
    return "scheme milstein needs diagonal noise or channels that commute, and those of rows and samples do not; allowed: "
           "euler-maruyama, strang, and srk2 with factor cholesky";
  }
  if (!is_diagonal && !is_channels && run->scheme == EG_HEUN) {
    return "scheme heun turns the Ito drift into the Stratonovich one by eg_noise_drift, which belongs to diagonal noise and channels, and "
           "this factor is neither; allowed: euler-maruyama, strang, and srk2 with factor cholesky";
  }
  if (!is_diagonal && !is_channels && !is_cholesky) {
    return "scheme srk2 needs diagonal noise, single channels or factor cholesky, and this factor is none of them: a pair is not "
           "Gaussian, and data takes a number for each pair of rows";
  }
  if (run->scheme == EG_SRK2) {
    if (plan->study->noise == EG_NOISE_TWO_POINT) {
      return "scheme srk2 needs the fourth moment of a normal, which noise two-point has not; allowed: every other kind";
    }
    if (is_cholesky) {
      return unit->dim <= 4 ? NULL : "scheme srk2 serves factor cholesky up to dimension 4";
    }
    if (is_channels && (caps & EG_CAP_CHANNEL) == 0) {
      return "scheme srk2 needs eg_noise_channel, which this model does not define, or not in this dimension";
    }
    if (is_diagonal ? unit->dim > 4 : unit->n_channels > 6) {
      return is_diagonal ? "scheme srk2 serves diagonal noise up to dimension 4"
                         : "scheme srk2 serves at most 6 channels, as it draws a number for each pair of them; factor "
                           "cholesky takes the diagonal form where the model has one";
    }
    return NULL;
  }
  if ((caps & EG_CAP_NOISE_DRIFT) == 0) {
    return run->scheme == EG_HEUN ? "scheme heun turns the Ito drift into the Stratonovich one and needs eg_noise_drift, "
                                    "which the model does not define, or not in this dimension"
                                  : "scheme milstein needs eg_noise_drift, which the model does not define, or not in "
                                    "this dimension";
  }
  if (run->scheme == EG_MILSTEIN && is_channels && (caps & EG_CAP_CHANNELS_SLOPE) == 0) {
    return "scheme milstein needs eg_noise_channels_slope of channels that commute, which the model does not define";
  }
  return NULL;
}

static const char *stepper_name(const char *scheme, const char *form) {
  static const char *const names[] = {"euler_diagonal",  "strang_diagonal", "euler_channels", "strang_channels",
                                      "euler_pair",      "strang_pair",     "euler_data",     "strang_data",
                                      "euler_cholesky",  "strang_cholesky", "euler_symroot",  "strang_symroot",
                                      "euler_factor",    "strang_factor",   "milstein_diagonal",
                                      "milstein_channels", "heun_diagonal", "heun_channels", "srk2_diagonal",
                                      "srk2_channels",     "srk2_cholesky", "euler_root",    "strang_root",   "euler_nodes",
                                      "strang_nodes",      "euler_joint",   "strang_joint"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const size_t n = strlen(scheme);
    if (strncmp(names[i], scheme, n) == 0 && strcmp(names[i] + n + 1, form) == 0) {
      return names[i];
    }
  }
  return NULL;
}

/* Stepper of the run's scheme on a noise form. */
static eg_status set_stepper(eg_context *ctx, const eg_plan *plan, eg_run *run, int caps, const char *form) {
  static const char *const schemes[] = {[EG_EULER_MARUYAMA] = "euler", [EG_STRANG] = "strang", [EG_MILSTEIN] = "milstein",
                                        [EG_HEUN] = "heun",            [EG_SRK2] = "srk2"};
  if (run->scheme == EG_BAOAB) {
    return refuse(ctx, plan, run, "scheme baoab integrates a velocity, which langevin has; allowed: euler-maruyama, strang, milstein, "
                                  "heun, srk2");
  }
  const char *const why = why_no_scheme(plan, run, caps, form);
  if (why != NULL) {
    return refuse(ctx, plan, run, why);
  }
  run->job.stepper = stepper_name(schemes[run->scheme], form);
  return EG_OK;
}

/* The laws of the noise that are not the model's have one form (kernels/steppers/noise_forms.h). */
static bool has_own_law(const eg_run *run) {
  return run->dynamics->gradient_noise.law > EG_GRADIENT_EXACT;
}

static eg_status modified_equation(eg_context *ctx, eg_plan *plan, eg_run *run, int caps) {
  eg_launch *const a = &run->job.launch;
  const char *form = NULL;
  if ((caps & EG_CAP_DRIFT) == 0) {
    return refuse(ctx, plan, run, "the model does not define eg_drift");
  }
  const bool is_flow = run->dynamics->id == EG_SMF1 || run->dynamics->id == EG_SMF2;
  if (!is_flow && (caps & EG_CAP_POPULATION) != 0) { /* built-in models are refused before */
    return refuse(ctx, plan, run, "sme1 and sme2 are not for populations; allowed: smf1, smf2");
  }
  if (!has_own_law(run)) {
    EG_TRY(choose_form(ctx, plan, run, caps, &form));
  } else if (is_flow) {
    return refuse(ctx, plan, run, "the noise of a stochastic modified flow is that of the samples; gradient_noise allows "
                                  "gaussian-exact");
  } else if (run->dynamics->factor != EG_FACTOR_DEFAULT) {
    return refuse(ctx, plan, run, "a factor is a root of the model's own covariance; gradient_noise gaussian-decoupled and "
                                  "constant have none");
  } else if (plan->form == EG_FORM_TEAM) {
    return refuse(ctx, plan, run, "gradient_noise gaussian-decoupled and constant have the lane form only; allowed: gaussian-exact");
  } else {
    form = "root";
  }
  run->scheme = run->dynamics->scheme == EG_SCHEME_DEFAULT ? EG_STRANG : run->dynamics->scheme;
  if (run->scheme == EG_EXACT) {
    return refuse(ctx, plan, run, "scheme exact exists for sde on ornstein-uhlenbeck and geometric-brownian-motion; "
                                  "allowed: euler-maruyama, strang, milstein, heun, srk2");
  }
  EG_TRY(set_stepper(ctx, plan, run, caps, form));
  a->correction = run->dynamics->id == EG_SME2 || run->dynamics->id == EG_SMF2 ? 0.5 * run->learning_rate : 0.0;
  const double variance = a->h * eg_plan_effective_rate(run) / run->batch_size;
  const bool is_data = strcmp(form, "data") == 0;
  a->noise_scale = sqrt(strcmp(form, "pair") == 0 ? 0.5 * variance : (is_data ? variance / (double)a->n_rows : variance));
  a->fold_count = is_data ? a->n_rows : 1;
  a->is_joint = run->factor == EG_FACTOR_JOINT;
  if (run->factor == EG_FACTOR_NODES) {
    a->noise_scale = sqrt(variance / (run->dynamics->nodes - 1.0));
    a->fold_count = (uint32_t)run->dynamics->nodes;
  }
  return EG_OK;
}

/* Gradient descent with Gaussian noise in place of a batch: the Euler-Maruyama scheme of sme1 with a step of one learning
   rate, taken as a chain. noisy-gd, and sgd with a gradient_noise other than minibatch. */
static eg_status noisy_gd(eg_context *ctx, eg_plan *plan, eg_run *run, int caps) {
  if (has_own_law(run)) {
    run->factor = EG_FACTOR_DEFAULT;
  } else if ((caps & (EG_CAP_ROWS | EG_CAP_SAMPLES)) != 0 && run->dynamics->factor == EG_FACTOR_DEFAULT) {
    run->factor = (caps & EG_CAP_ROWS) != 0     ? EG_FACTOR_DATA
                  : (caps & EG_CAP_FACTOR) != 0 ? EG_FACTOR_CLOSED_FORM
                  : (caps & EG_CAP_COVARIANCE) == 0 && (caps & EG_CAP_CHANNELS) != 0
                      ? EG_FACTOR_DATA
                      : EG_FACTOR_CHOLESKY; /* a pair is not Gaussian */
  } else if (run->dynamics->factor == EG_FACTOR_PAIR) {
    return refuse(ctx, plan, run, "factor pair is not Gaussian; allowed: data, cholesky, symmetric-root, closed-form");
  }
  eg_study_dynamics euler = *run->dynamics;
  const eg_study_dynamics *const own = run->dynamics;
  euler.scheme = EG_EULER_MARUYAMA;
  euler.factor = run->factor == EG_FACTOR_DEFAULT ? euler.factor : run->factor;
  run->dynamics = &euler;
  const eg_status status = modified_equation(ctx, plan, run, caps);
  run->dynamics = own;
  run->scheme = EG_SCHEME_DEFAULT;
  return status;
}

static eg_status raw_sde(eg_context *ctx, eg_plan *plan, eg_run *run, int caps) {
  eg_launch *const a = &run->job.launch;
  const bool is_drawn = (caps & EG_CAP_DRIFT) == 0 && (caps & (EG_CAP_EXACT | EG_CAP_TIMED)) != 0;
  const eg_scheme usual = is_drawn ? EG_EXACT : EG_EULER_MARUYAMA;
  run->scheme = run->dynamics->scheme == EG_SCHEME_DEFAULT ? usual : run->dynamics->scheme;
  a->noise_scale = sqrt(a->h);
  if (is_drawn && run->scheme != EG_EXACT) {
    return refuse(ctx, plan, run, "it is no diffusion, and is drawn from its exact law; allowed scheme: exact");
  }
  if (run->scheme == EG_EXACT) {
    const eg_noise_kind kind = plan->study->noise;
    if (kind != EG_NOISE_GAUSSIAN && kind != EG_NOISE_GAUSSIAN64 && kind != EG_NOISE_GAUSSIAN_FAST) {
      return refuse(ctx, plan, run, "scheme exact draws from the exact law and needs Gaussian noise; allowed kinds: "
                                    "gaussian, gaussian64, gaussian-fast");
    }
    if ((caps & EG_CAP_TIMED) != 0) {
      run->job.stepper = "exact_at";
      return EG_OK;
    }
    if ((caps & EG_CAP_EXACT) == 0) {
      return refuse(ctx, plan, run, "the model does not define eg_exact; allowed schemes: euler-maruyama, strang, "
                                    "milstein, heun, srk2");
    }
    run->job.stepper = "exact";
    return EG_OK;
  }
  if ((caps & EG_CAP_DRIFT) == 0 || (caps & (EG_CAP_DIAGONAL | EG_CAP_CHANNELS)) == 0) {
    return refuse(ctx, plan, run, "a raw sde needs eg_drift and eg_noise_diagonal or eg_noise_channels");
  }
  return set_stepper(ctx, plan, run, caps, (caps & EG_CAP_DIAGONAL) != 0 ? "diagonal" : "channels");
}

static eg_status sgd(eg_context *ctx, eg_plan *plan, eg_run *run, int caps) {
  eg_launch *const a = &run->job.launch;
  if (run->dynamics->gradient_noise.law != EG_GRADIENT_MINIBATCH) {
    return noisy_gd(ctx, plan, run, caps);
  }
  a->rate_over_batch = run->learning_rate / run->batch_size;
  a->fold_count = (uint32_t)run->batch_size;
  if ((caps & EG_CAP_ROWS) != 0) {
    run->job.stepper = "sgd_rows";
    return EG_OK;
  }
  if ((caps & EG_CAP_SAMPLES) != 0) {
    run->job.stepper = "sgd_samples";
    return EG_OK;
  }
  if ((caps & EG_CAP_CHANNELS) == 0) {
    return refuse(ctx, plan, run, "the model defines none of eg_add_row_gradient, eg_add_sample_gradient, "
                                  "eg_noise_channels");
  }
  a->noise_scale = run->learning_rate / sqrt(run->batch_size);
  run->job.stepper = "sgd_channels";
  return EG_OK;
}

static const eg_unit_stepper *find_stepper(const eg_unit *unit, const char *stepper) {
  for (int32_t i = 0; i < unit->n_steppers; i++) {
    if (strcmp(unit->steppers[i].name, stepper) == 0) {
      return &unit->steppers[i];
    }
  }
  return NULL;
}

/* The covariance of a drawn sample's gradient is of twice its degree in the normals: their moments must be right up to there. */
static eg_status check_sample_noise(eg_context *ctx, const eg_plan *plan, const eg_run *run) {
  const eg_model_info *const info = plan->study->model.name != NULL ? eg_model_find(plan->study->model.name) : NULL;
  const int degree = info != NULL ? info->sample_degree : 2;
  const eg_noise_kind kind = plan->study->noise;
  const int order = kind == EG_NOISE_TWO_POINT     ? 3
                    : kind == EG_NOISE_THREE_POINT ? 5
                    : kind == EG_NOISE_TABLE5      ? 7
                    : kind == EG_NOISE_TABLE8      ? 9
                    : kind == EG_NOISE_TABLE10     ? 11
                                                   : INT_MAX;
  if (order >= 2 * degree) {
    return EG_OK;
  }
  return eg_study_fail_at(ctx, plan->study, run->dynamics->mark,
                          "the gradient of a drawn sample of '%s' is of degree %d in its normals, and noise %s has the moments of a "
                          "Gaussian up to order %d only, so that even the covariance would be wrong; allowed: kinds of a higher "
                          "order (ensgrad help study: noise), or a factor that draws no samples",
                          info != NULL ? info->name : plan->study->model.file, degree, eg_noise_name(kind), order);
}

/* Its clock is not that of its integrator steps, which all of these count. */
static eg_status check_limit_alone(eg_context *ctx, const eg_plan *plan, const eg_run *run) {
  const eg_study *const s = plan->study;
  return run->dynamics->id != EG_SME1 || run->chain.momentum == 0 ||
                 (s->n_groups == 0 && s->observe.n_monitors == 0 && s->splitting.feature == NULL && s->n_stationary == 0 &&
                  s->n_scaling == 0)
             ? EG_OK
             : refuse(ctx, plan, run, "has a momentum: its runs can be compared with SVAG (weak-error over l), but take no part in "
                                      "studies with groups, monitors, splitting, stationary or scaling-rule analyses");
}

/* Feature velocity: what these steppers keep behind x. */
static eg_status check_velocity(eg_context *ctx, const eg_plan *plan, const eg_run *run) {
  const eg_study_observe *const observe = &plan->study->observe;
  if (strncmp(run->job.stepper, "momentum", 8) == 0 || strncmp(run->job.stepper, "langevin", 8) == 0) {
    return EG_OK;
  }
  for (size_t i = 0; i < observe->n_all_features; i++) {
    if (strcmp(observe->features[i], "velocity") == 0) {
      return eg_study_fail_at(ctx, plan->study, observe->feature_marks[i],
                              "feature 'velocity' needs momentum above 0, or langevin: '%s' has none", run->dynamics->label);
    }
  }
  return EG_OK;
}

eg_status eg_plan_stepper(eg_context *ctx, eg_plan *plan, eg_run *run) {
  const eg_unit *const unit = eg_plan_unit(plan);
  eg_launch *const a = &run->job.launch;
  EG_TRY(check_limit_alone(ctx, plan, run));
  a->h = eg_plan_effective_rate(run) / run->substeps;
  a->learning_rate = run->learning_rate;
  a->fold_count = 1;
  a->n_rows = (uint32_t)plan->data.n_rows;
  run->scheme = EG_SCHEME_DEFAULT;
  run->factor = EG_FACTOR_DEFAULT;
  switch (run->dynamics->id) {
  case EG_SGD:
    EG_TRY(run->chain.is_general ? eg_plan_chain(ctx, plan, run, unit->caps) : sgd(ctx, plan, run, unit->caps));
    break;
  case EG_SVAG:
  case EG_ADAM:
  case EG_ADAMW:
  case EG_RMSPROP:
  case EG_SIGNSGD:
    EG_TRY(eg_plan_chain(ctx, plan, run, unit->caps));
    break;
  case EG_RMSPROP_SDE:
  case EG_ADAM_SDE:
  case EG_SIGNSGD_SDE:
    EG_TRY(eg_plan_adaptive_sde(ctx, plan, run, unit->caps));
    break;
  case EG_LANGEVIN:
    EG_TRY(eg_plan_langevin(ctx, plan, run, unit->caps));
    break;
  case EG_LOG_TIME:
    EG_TRY(eg_plan_log_time(ctx, plan, run, unit->caps));
    break;
  case EG_LEVY:
    EG_TRY(eg_plan_levy(ctx, plan, run, unit));
    break;
  case EG_NOISY_GD:
    EG_TRY(noisy_gd(ctx, plan, run, unit->caps));
    break;
  case EG_GRADIENT_FLOW:
    if ((unit->caps & EG_CAP_DRIFT) == 0) {
      return refuse(ctx, plan, run, "the model does not define eg_drift");
    }
    run->job.stepper = "gradient_flow";
    break;
  case EG_SME1:
  case EG_SME2:
  case EG_SMF1:
  case EG_SMF2:
    EG_TRY(modified_equation(ctx, plan, run, unit->caps));
    break;
  case EG_SDE:
    EG_TRY(raw_sde(ctx, plan, run, unit->caps));
    break;
  }
  EG_TRY(eg_plan_sampling(ctx, plan, run, unit->caps));
  EG_TRY(eg_plan_row_noise(ctx, plan, run));
  const eg_unit_stepper *const stepper = find_stepper(unit, run->job.stepper);
  if (stepper == NULL) {
    return refuse(ctx, plan, run, "the model does not define the functions this dynamics needs");
  }
  run->extra = (size_t)stepper->extra * (plan->form == EG_FORM_TEAM ? (size_t)plan->padded_dim : 1);
  EG_TRY(check_velocity(ctx, plan, run));
  if (stepper->normals > MAX_NORMALS) {
    return refuse(ctx, plan, run, "a step may take at most 128 increments");
  }
  const bool takes_samples = (unit->caps & EG_CAP_SAMPLES) != 0 && stepper->normals >= 2 &&
                             (stepper->rows == -1 || run->factor == EG_FACTOR_PAIR);
  if (takes_samples) {
    EG_TRY(check_sample_noise(ctx, plan, run));
  }
  const bool has_random_start = plan->study->start.kind == EG_START_NORMAL;
  run->is_deterministic = run->dynamics->id == EG_GRADIENT_FLOW && !has_random_start;
  return EG_OK;
}
