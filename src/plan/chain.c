/* The coefficients of a chain (kernels/steppers/chain.h): which stepper, its rule, SVAG, schedule, exact moments. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/model.h"
#include "core/permutation.h"
#include "plan/plan.h"
#include "study/names.h"

static bool is_adaptive(eg_dynamics_id id) {
  return id == EG_ADAM || id == EG_ADAMW || id == EG_RMSPROP;
}

/* SVAG keeps the noise's covariance times the learning rate; adaptive and sign chains need its scale times the learning
   rate kept, so their noise covariance grows by l^2 and l^2 iterations make a step (arXiv 2205.10287, section 6). */
static bool is_amplified_by_square(eg_dynamics_id id) {
  return is_adaptive(id) || id == EG_SIGNSGD;
}

void eg_plan_chain_iterations(eg_run *run) {
  const double l = run->chain.l;
  if (run->chain.is_general) {
    run->substeps = is_amplified_by_square(run->dynamics->id) ? l * l : l;
  }
}

static void set_schedule(const eg_study_schedule *from, eg_schedule *to) {
  to->kind = (int32_t)from->kind;
  to->period = from->period > 0 ? from->period : 1;
  to->gamma = from->gamma;
  to->last = from->last;
  to->power = from->power;
  to->warm_up = from->warm_up;
}

static void set_momentum(const eg_study_chain *from, eg_chain *to) {
  to->momentum = from->momentum;
  to->new_weight = 1.0 - from->dampening;
  to->lookahead = from->nesterov ? 1.0 : 0.0;
  to->velocity_weight = from->nesterov ? from->momentum : 1.0;
}

/* SVAG of momentum that keeps its time scale eta / (1 - momentum)^2 (form (b)): iterations of 1 / l of the effective learning rate
   eta / (1 - momentum), with 1 - momentum of an iteration 1 / l of its value. The limit of large l is the underdamped equation of
   SGD with momentum; with momentum kept (form (a)) it is the overdamped one at the effective learning rate. */
static void scale_momentum(const eg_study_chain *from, eg_chain *to) {
  const double momentum = 1.0 - (1.0 - from->momentum) / from->l;
  to->rate = to->rate / from->l;
  to->decay = to->decay * from->l; /* x still shrinks by 1 - eta decay in a step */
  to->momentum = momentum;
  to->velocity_weight = from->nesterov ? momentum : 1.0;
}

/* 1 - beta and epsilon of one iteration: (1 - beta) / l^2 and epsilon l. */
static void set_adaptive(const eg_study_chain *from, eg_chain *to) {
  const double l = from->l;
  to->new_weight = (1.0 - from->beta1) / (l * l);
  to->momentum = 1.0 - to->new_weight;
  to->new_square = (1.0 - from->beta2) / (l * l);
  to->beta2 = 1.0 - to->new_square;
  if (from->beta1 == 0.0) { /* no mean gradient: nothing to rescale */
    to->momentum = 0.0;
    to->new_weight = 1.0;
  }
  to->epsilon = from->epsilon * l;
  to->start_square = from->start_square * l * l;
  if (from->bias_correction) {
    to->log_beta1 = to->momentum > 0.0 ? log(to->momentum) : 0.0;
    to->log_beta2 = to->beta2 > 0.0 ? log(to->beta2) : 0.0;
  }
  to->is_before = from->divides_before ? 1 : 0;
}

/* Where the estimate of the gradient comes from; NULL: the model has nothing for it. */
static const char *choose_estimate(const eg_run *run, int caps) {
  const eg_gradient_noise law = run->dynamics->gradient_noise.law;
  if (law > EG_GRADIENT_EXACT) {
    return "root";
  }
  if ((caps & EG_CAP_ROWS) != 0) {
    return law == EG_GRADIENT_EXACT ? "data" : "rows";
  }
  if ((caps & EG_CAP_SAMPLES) != 0) {
    return law == EG_GRADIENT_EXACT ? "factor" : "samples";
  }
  return (caps & EG_CAP_CHANNELS) != 0 ? "channels" : NULL;
}

static const char *stepper_name(bool is_adaptive_rule, const char *estimate) {
  static const char *const names[][2] = {{"momentum_rows", "adaptive_rows"},         {"momentum_data", "adaptive_data"},
                                         {"momentum_samples", "adaptive_samples"},   {"momentum_factor", "adaptive_factor"},
                                         {"momentum_channels", "adaptive_channels"}, {"momentum_root", "adaptive_root"}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(names[i][0] + sizeof "momentum_" - 1, estimate) == 0) {
      return names[i][is_adaptive_rule ? 1 : 0];
    }
  }
  return NULL;
}

/* Of the factors of all steps (a bound: the largest may lie between two of them). */
static double largest_factor(const eg_schedule *s, double steps) {
  const double first = 1.0, last = s->kind == EG_SCHEDULE_STEP ? pow(s->gamma, floor(steps / s->period)) : s->last;
  return s->kind == EG_SCHEDULE_CONSTANT ? first : fmax(first, ceil(last * (1.0 + 1e-9)));
}

eg_status eg_plan_chain(eg_context *ctx, const eg_plan *plan, eg_run *run, int caps) {
  eg_launch *const a = &run->job.launch;
  eg_chain *const c = &a->chain;
  const eg_study_chain *const s = &run->chain;
  const eg_dynamics_id id = run->dynamics->id;
  const double amplification = is_amplified_by_square(id) ? s->l * s->l : s->l; /* of the covariance */
  const double spread = sqrt(2.0 * amplification - 1.0);
  const char *const estimate = choose_estimate(run, caps);
  if (estimate == NULL) {
    return eg_study_fail_at(ctx, plan->study, run->dynamics->mark,
                            "%s cannot be run on this model: it defines none of eg_add_row_gradient, "
                            "eg_add_sample_gradient, eg_noise_channels",
                            eg_dynamics_name(id));
  }
  if (plan->form == EG_FORM_TEAM && strcmp(estimate, "root") == 0) {
    return eg_study_fail_at(ctx, plan->study, run->dynamics->mark,
                            "run '%s': gradient_noise gaussian-decoupled and constant have the lane form only; allowed: minibatch, "
                            "gaussian-exact",
                            run->description);
  }
  c->rate = run->learning_rate / s->l;
  c->inverse_batch = 1.0 / run->batch_size;
  c->weight_first = amplification > 1.0 ? 0.5 * (1.0 + spread) : 1.0;
  c->weight_second = amplification > 1.0 ? 0.5 * (1.0 - spread) : 0.0;
  c->half = (uint32_t)run->batch_size;
  c->weight_decay = s->decoupled ? 0.0 : s->weight_decay;
  c->decay = s->decoupled ? s->weight_decay : 0.0;
  c->clip2 = s->clip * s->clip;
  c->is_sign = id == EG_SIGNSGD ? 1 : 0;
  c->substeps = (uint32_t)run->substeps;
  set_schedule(&s->schedule, &c->schedule);
  set_schedule(&s->batch_schedule, &c->batch);
  c->batch_size = run->batch_size;
  if (is_adaptive(id)) {
    set_adaptive(s, c);
  } else {
    set_momentum(s, c);
    if (s->keeps_friction_time) {
      scale_momentum(s, c);
    }
  }
  const double most = run->batch_size * largest_factor(&c->batch, (double)run->steps);
  const double samples = amplification > 1.0 ? 2.0 * most : most;
  if (samples > 2147483647.0) {
    return eg_study_fail_at(ctx, plan->study, run->dynamics->mark, "batch_size %.17g: %.0f samples a step are too many",
                            run->batch_size, samples);
  }
  const bool is_data = strcmp(estimate, "data") == 0;
  const bool is_drawn = strcmp(estimate, "rows") == 0 || strcmp(estimate, "samples") == 0;
  a->fold_count = is_drawn ? (uint32_t)samples : (is_data ? a->n_rows : 1);
  a->noise_scale = sqrt(amplification / run->batch_size / (is_data ? (double)a->n_rows : 1.0));
  run->job.stepper = stepper_name(is_adaptive(id), estimate);
  return EG_OK;
}

/* kernels/steppers/adaptive_sde.h */
eg_status eg_plan_adaptive_sde(eg_context *ctx, const eg_plan *plan, eg_run *run, int caps) {
  eg_launch *const a = &run->job.launch;
  eg_chain *const c = &a->chain;
  const eg_study_chain *const s = &run->chain;
  const eg_dynamics_id id = run->dynamics->id;
  const double part = 1.0 / run->substeps;
  const bool has_own_law = run->dynamics->gradient_noise.law > EG_GRADIENT_EXACT;
  const bool is_data = (caps & EG_CAP_ROWS) != 0 && (caps & EG_CAP_LOSS) != 0 && !has_own_law;
  if (has_own_law && (plan->form == EG_FORM_TEAM || (caps & EG_CAP_LOSS) == 0)) {
    return eg_study_fail_at(ctx, plan->study, run->dynamics->mark,
                            "%s with gradient_noise gaussian-decoupled or constant needs a loss and the lane form, at most 16 dimensions; "
                            "the study has %d",
                            eg_dynamics_name(id), plan->dim);
  }
  if (is_data && plan->form == EG_FORM_TEAM) {
    return eg_study_fail_at(ctx, plan->study, run->dynamics->mark, "%s on data rows has the lane form only, at most 16 dimensions; the "
                            "study has %d",
                            eg_dynamics_name(id), plan->dim);
  }
  if (is_data && id == EG_SIGNSGD_SDE && run->batch_size != 1) {
    return eg_study_fail_at(ctx, plan->study, run->dynamics->mark,
                            "run '%s': signsgd-sde on data rows takes the law of the sign at one row; that of the sign of a mean of %g is "
                            "not known from the rows' covariance; allowed batch_size: 1, or gradient_noise gaussian-decoupled or constant",
                            run->description, run->batch_size);
  }
  if (!is_data && !has_own_law && ((caps & EG_CAP_DIAGONAL) == 0 || plan->form == EG_FORM_TEAM)) {
    return eg_study_fail_at(ctx, plan->study, run->dynamics->mark,
                            "%s cannot be run on this model: it needs the noise of every component by itself, eg_noise_diagonal, or data rows",
                            eg_dynamics_name(id));
  }
  c->rate = run->learning_rate;
  c->substeps = (uint32_t)run->substeps;
  c->inverse_batch = 1.0 / run->batch_size;
  c->velocity_weight = part;
  c->momentum = 1.0 - s->beta1;
  c->new_weight = part * (1.0 - s->beta1);
  c->new_square = part * (1.0 - s->beta2);
  c->epsilon = s->epsilon;
  c->start_square = s->start_square;
  if (id == EG_ADAM_SDE) {
    c->log_beta1 = -c->new_weight;
    c->log_beta2 = -c->new_square;
  }
  a->noise_scale = id == EG_SIGNSGD_SDE ? sqrt(run->learning_rate * a->h) : sqrt(part / run->batch_size);
  if (is_data) {
    a->fold_count = a->n_rows;
    a->noise_scale = a->noise_scale / sqrt((double)a->n_rows);
    run->job.stepper = id == EG_RMSPROP_SDE ? "rmsprop_sde_data" : id == EG_ADAM_SDE ? "adam_sde_data" : "signsgd_sde_data";
    return EG_OK;
  }
  if (has_own_law) {
    run->job.stepper = id == EG_RMSPROP_SDE ? "rmsprop_sde_root" : id == EG_ADAM_SDE ? "adam_sde_root" : "signsgd_sde_root";
    return EG_OK;
  }
  run->job.stepper = id == EG_RMSPROP_SDE ? "rmsprop_sde" : (id == EG_ADAM_SDE ? "adam_sde" : "signsgd_sde");
  return EG_OK;
}

eg_status eg_plan_sampling(eg_context *ctx, const eg_plan *plan, eg_run *run, int caps) {
  static const int32_t kinds[] = {EG_SAMPLE_REPLACEMENT, EG_SAMPLE_FRESH, EG_SAMPLE_SHUFFLE, EG_SAMPLE_FIXED};
  eg_launch *const a = &run->job.launch;
  const eg_mark mark = run->dynamics->mark;
  a->sampling = kinds[run->dynamics->sampling];
  if (a->sampling == EG_SAMPLE_REPLACEMENT) {
    return EG_OK;
  }
  if ((caps & EG_CAP_ROWS) == 0) {
    return eg_study_fail_at(ctx, plan->study, mark, "run '%s': sampling %s needs data rows, and the model has none",
                            run->description, eg_sampling_words[run->dynamics->sampling]);
  }
  if (a->n_rows > EG_PERMUTATION_MOST) {
    return eg_study_fail_at(ctx, plan->study, mark, "run '%s': sampling %s takes at most %u rows, the data have %u",
                            run->description, eg_sampling_words[run->dynamics->sampling], EG_PERMUTATION_MOST, a->n_rows);
  }
  const bool is_by_epochs = a->sampling == EG_SAMPLE_SHUFFLE || a->sampling == EG_SAMPLE_FIXED;
  if (is_by_epochs && (a->chain.batch.kind != EG_SCHEDULE_CONSTANT || a->chain.batch.warm_up > 0)) {
    return eg_study_fail_at(ctx, plan->study, mark, "run '%s': sampling %s counts epochs by a constant batch; batch_schedule "
                            "allows replacement and without-replacement",
                            run->description, eg_sampling_words[run->dynamics->sampling]);
  }
  if (a->fold_count > a->n_rows) {
    return eg_study_fail_at(ctx, plan->study, mark,
                            "run '%s': a step draws %u rows without replacement, and the data have %u", run->description,
                            a->fold_count, a->n_rows);
  }
  return EG_OK;
}

eg_status eg_plan_chain_oracle(eg_context *ctx, eg_run *run) {
  const eg_study_chain *const s = &run->chain;
  const eg_chain *const c = &run->job.launch.chain;
  const eg_study_schedule *const batch = &s->batch_schedule;
  const eg_sampling sampling = run->dynamics->sampling; /* fresh subsets: white noise of a larger batch; of SVAG, of two that are not independent */
  const bool is_white = sampling == EG_SAMPLING_REPLACEMENT || (sampling == EG_SAMPLING_WITHOUT_REPLACEMENT && s->l == 1.0);
  const bool is_affine = is_white && !is_amplified_by_square(run->dynamics->id) && isinf(s->clip) &&
                         s->schedule.kind == EG_RATE_CONSTANT && !(s->schedule.warm_up > 1.0) &&
                         batch->kind == EG_RATE_CONSTANT && !(batch->warm_up > 1.0) &&
                         2 * run->affine.dim <= EG_AFFINE_MAX_DIM;
  if (!is_affine) {
    run->has_oracle = false;
    return EG_OK;
  }
  /* the oracle's step is learning_rate / l; a smaller rate is a factor of what moves x */
  const double part = s->keeps_friction_time ? 1.0 / s->l : 1.0;
  const eg_affine_chain chain = {.momentum = c->momentum,
                                 .new_weight = c->new_weight,
                                 .lookahead = part * c->lookahead,
                                 .velocity_weight = part * c->velocity_weight,
                                 .weight_decay = c->weight_decay,
                                 .decay = part * c->decay};
  eg_affine_model noisy = run->lifted; /* empty: the noise is the model's */
  memset(&run->lifted, 0, sizeof run->lifted);
  const eg_status status =
      eg_affine_chain_lift(ctx, noisy.dim > 0 ? &noisy : &run->affine, &chain, run->learning_rate / s->l, &run->lifted);
  eg_affine_free(&noisy);
  return status;
}
