/* One normal form of a checked study: defaults filled in, numbers with all their digits, schema order. No
   title and no paths: the contents of data and model files are hashed by whoever reads them. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "study/checker.h"
#include "study/number.h"

static void append_number(eg_text *out, const char *key, double value) {
  eg_text_append(out, "%s %s\n", key, isnan(value) ? "swept" : EG_NUMBER_TEXT(value));
}

static void append_numbers(eg_text *out, const double *values, size_t n) {
  for (size_t i = 0; i < n; i++) {
    eg_text_append(out, " %s", EG_NUMBER_TEXT(values[i]));
  }
  eg_text_append(out, "\n");
}

/* In quotes and on one line whatever it holds. */
static void append_text(eg_text *out, const char *text) {
  eg_text_append(out, "\"");
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\' || (unsigned char)*c < 0x20) {
      eg_text_append(out, "\\x%02x", (unsigned)(unsigned char)*c);
    } else {
      eg_text_append_bytes(out, c, 1);
    }
  }
  eg_text_append(out, "\"");
}

static void append_words(eg_text *out, const char *key, char *const *words, size_t n) {
  eg_text_append(out, "%s", key);
  for (size_t i = 0; i < n; i++) {
    eg_text_append(out, " %s", words[i]);
  }
  eg_text_append(out, "\n");
}

static const eg_study_param *find_written(const eg_study_model *model, const char *name) {
  for (size_t i = 0; i < model->n_params; i++) {
    if (strcmp(model->params[i].name, name) == 0) {
      return &model->params[i];
    }
  }
  return NULL;
}

static bool is_param_swept(const eg_study *study, const char *name) {
  for (size_t i = 0; i < study->n_sweep; i++) {
    if (study->sweep[i].target == EG_SWEEP_PARAM && strcmp(study->sweep[i].param, name) == 0) {
      return true;
    }
  }
  return false;
}

static void append_built_in_params(eg_text *out, const eg_study *study, const eg_model_info *model) {
  for (size_t i = 0; i < model->n_params; i++) {
    const eg_param_info *info = &model->params[i];
    const eg_study_param *written = find_written(&study->model, info->name);
    if (is_param_swept(study, info->name)) {
      continue;
    }
    eg_text_append(out, "model.%s", info->name);
    append_numbers(out, written == NULL ? &info->default_value : written->value.values,
                   written == NULL ? 1 : written->value.n);
  }
}

/* In the order of their names: always the smallest name behind the last one. */
static void append_user_params(eg_text *out, const eg_study_model *model) {
  const eg_study_param *last = NULL;
  for (size_t k = 0; k < model->n_params; k++) {
    const eg_study_param *next = NULL;
    for (size_t i = 0; i < model->n_params; i++) {
      const eg_study_param *param = &model->params[i];
      const bool is_behind = last == NULL || strcmp(param->name, last->name) > 0;
      if (is_behind && (next == NULL || strcmp(param->name, next->name) < 0)) {
        next = param;
      }
    }
    if (next == NULL) {
      return;
    }
    eg_text_append(out, "model.");
    append_text(out, next->name);
    append_numbers(out, next->value.values, next->value.n);
    last = next;
  }
}

static void append_model(eg_text *out, const eg_study *study, const eg_model_info *info) {
  const eg_study_model *model = &study->model;
  eg_text_append(out, "model %s\n", info == NULL ? "file" : info->name);
  eg_text_append(out, "model.dimension %d\n", model->dimension);
  if (model->shape.n > 0) {
    eg_text_append(out, "model.shape");
    append_numbers(out, model->shape.values, model->shape.n);
  }
  if (info == NULL || info->has_rows) {
    eg_text_append(out, "model.inputs ");
    append_text(out, model->inputs);
    eg_text_append(out, "\nmodel.target ");
    append_text(out, model->target);
    eg_text_append(out, "\nmodel.columns%s", model->columns.n == 0 ? " all\n" : "");
    if (model->columns.n > 0) {
      append_numbers(out, model->columns.values, model->columns.n);
    }
    eg_text_append(out, "model.standardize %s\n", model->standardize ? "true" : "false");
    append_number(out, "model.ridge", model->ridge);
  }
  if (info != NULL) {
    append_built_in_params(out, study, info);
  } else {
    append_user_params(out, model);
  }
}

static void append_start(eg_text *out, const eg_study_start *start) {
  if (start->kind == EG_START_NORMAL) {
    append_number(out, "start.normal.mean", start->mean);
    append_number(out, "start.normal.std", start->std);
  } else {
    eg_text_append(out, "start.points %zu %zu:", start->n_points, start->width);
    append_numbers(out, start->points, start->n_points * start->width);
  }
}

static void append_sweep(eg_text *out, const eg_study *study) {
  static const char *const names[] = {"learning_rate", "batch_size",  "substeps",   "horizon",
                                      "model.ridge",   "start.point", "start.mean", "start.std",
                                      "l",             "momentum",    "weight_decay", "tail_index"};
  for (size_t i = 0; i < study->n_sweep; i++) {
    const eg_sweep_axis *axis = &study->sweep[i];
    eg_text_append(out, "sweep.");
    if (axis->target == EG_SWEEP_PARAM) {
      eg_text_append(out, "model.");
      append_text(out, axis->param);
    } else {
      eg_text_append(out, "%s", names[axis->target]);
    }
    append_numbers(out, axis->values.values, axis->values.n);
  }
}

static void append_chain(eg_text *out, const eg_study_chain *chain) {
  const eg_study_schedule *schedule = &chain->schedule;
  append_number(out, "dynamics.l", chain->l);
  append_number(out, "dynamics.momentum", chain->momentum);
  append_number(out, "dynamics.dampening", chain->dampening);
  append_number(out, "dynamics.beta1", chain->beta1);
  append_number(out, "dynamics.beta2", chain->beta2);
  append_number(out, "dynamics.epsilon", chain->epsilon);
  append_number(out, "dynamics.start_square", chain->start_square);
  append_number(out, "dynamics.weight_decay", chain->weight_decay);
  append_number(out, "dynamics.clip", chain->clip);
  eg_text_append(out, "dynamics.nesterov %d\ndynamics.decoupled %d\ndynamics.bias_correction %d\n", chain->nesterov,
                 chain->decoupled, chain->bias_correction);
  eg_text_append(out, "dynamics.preconditioner %s\ndynamics.schedule.kind %s\n",
                 eg_preconditioner_words[chain->divides_before ? 1 : 0], eg_schedule_words[schedule->kind]);
  append_number(out, "dynamics.schedule.period", schedule->period);
  append_number(out, "dynamics.schedule.gamma", schedule->gamma);
  append_number(out, "dynamics.schedule.last", schedule->last);
  append_number(out, "dynamics.schedule.power", schedule->power);
  append_number(out, "dynamics.schedule.warm_up", schedule->warm_up);
  schedule = &chain->batch_schedule;
  if (schedule->kind != EG_RATE_CONSTANT || schedule->warm_up > 0) { /* nothing where there is none, as below */
    eg_text_append(out, "dynamics.batch_schedule.kind %s\n", eg_schedule_words[schedule->kind]);
    append_number(out, "dynamics.batch_schedule.period", schedule->period);
    append_number(out, "dynamics.batch_schedule.gamma", schedule->gamma);
    append_number(out, "dynamics.batch_schedule.last", schedule->last);
    append_number(out, "dynamics.batch_schedule.power", schedule->power);
    append_number(out, "dynamics.batch_schedule.warm_up", schedule->warm_up);
  }
}

static void append_gradient_noise(eg_text *out, const eg_study_dynamics *dynamics) {
  const eg_study_gradient_noise *noise = &dynamics->gradient_noise;
  const bool is_sampled = eg_is_chain(dynamics->id) && dynamics->id != EG_NOISY_GD;
  if (noise->law > EG_GRADIENT_EXACT || (noise->law == EG_GRADIENT_EXACT && is_sampled)) {
    eg_text_append(out, "dynamics.gradient_noise %s offset %s %s", eg_gradient_noise_words[noise->law - 1],
                   EG_NUMBER_TEXT(noise->loss_offset), noise->is_full ? "matrix" : "diagonal");
    append_numbers(out, noise->matrix, noise->n_matrix);
    eg_text_append(out, "dynamics.gradient_noise.at");
    append_numbers(out, noise->at.values, noise->at.n);
  }
  if (dynamics->chain.input_noise > 0 || dynamics->chain.label_noise > 0) {
    append_number(out, "dynamics.input_noise", dynamics->chain.input_noise);
    append_number(out, "dynamics.label_noise", dynamics->chain.label_noise);
  }
  if (dynamics->is_antithetic) {
    eg_text_append(out, "dynamics.antithetic\n");
  }
  if (dynamics->factor == EG_FACTOR_NODES) {
    append_number(out, "dynamics.nodes", dynamics->nodes);
  }
}

static void append_dynamics(eg_text *out, const eg_study_dynamics *dynamics) {
  eg_text_append(out, "dynamics %s\ndynamics.label ", eg_dynamics_name(dynamics->id));
  append_text(out, dynamics->label);
  eg_text_append(out, "\n");
  append_number(out, "dynamics.batch_size", dynamics->batch_size);
  eg_text_append(out, "dynamics.sampling %s\ndynamics.factor %s\ndynamics.scheme %s\n",
                 eg_sampling_words[dynamics->sampling], eg_factor_name(dynamics->factor),
                 eg_scheme_name(dynamics->scheme));
  append_number(out, "dynamics.substeps", dynamics->substeps);
  if (dynamics->chain.is_general || eg_is_adaptive_sde(dynamics->id)) {
    append_chain(out, &dynamics->chain);
    if (dynamics->chain.keeps_friction_time) { /* nothing where it is not */
      eg_text_append(out, "dynamics.momentum_limit underdamped\n");
    }
  }
  append_gradient_noise(out, dynamics);
  if (dynamics->id == EG_LEVY) {
    append_number(out, "dynamics.tail_index", dynamics->chain.tail_index);
  }
  if (dynamics->id == EG_SME1 && dynamics->chain.momentum > 0) { /* nothing without */
    append_number(out, "dynamics.momentum", dynamics->chain.momentum);
  }
  if (dynamics->id == EG_LANGEVIN) {
    append_number(out, "dynamics.momentum", dynamics->chain.momentum);
    append_number(out, "dynamics.weight_decay", dynamics->chain.weight_decay);
    eg_text_append(out, "dynamics.start_velocity %s\n", eg_start_velocity_words[dynamics->chain.has_zero_velocity ? 1 : 0]);
  }
}

static void append_group(eg_text *out, const eg_study *study, const eg_study_group *group) {
  eg_text_append(out, "group.label ");
  append_text(out, group->label);
  eg_text_append(out, "\ngroup.across %s\ngroup.members",
                 !group->has_axis                          ? "none"
                 : group->axis == EG_SWEEP_LEARNING_RATE ? "learning_rate"
                                                           : "substeps");
  for (size_t i = 0; i < group->n_members; i++) {
    eg_text_append(out, " ");
    append_text(out, study->dynamics[group->members[i]].label);
  }
  eg_text_append(out, "\n");
  if (group->extrapolate > 0) {
    append_number(out, "group.extrapolate", group->extrapolate);
  }
}

/* Nothing where there are none. */
static void append_monitors(eg_text *out, const eg_study_observe *observe) {
  for (size_t i = 0; i < observe->n_monitors; i++) {
    const eg_study_monitor *m = &observe->monitors[i];
    eg_text_append(out, "observe.monitor %s %d %d %s", m->name, m->feature, m->component, eg_operation_words[m->operation]);
    eg_text_append(out, " from %s", EG_NUMBER_TEXT(m->from));
    eg_text_append(out, " to %s", isnan(m->to) ? "end" : EG_NUMBER_TEXT(m->to));
    eg_text_append(out, " level %s %s", EG_NUMBER_TEXT(m->level), eg_direction_words[m->direction - 1]);
    if (m->exit != NULL) {
      eg_text_append(out, " exit %s", m->exit);
    }
    if (m->noise > 0) {
      eg_text_append(out, " noise %s", EG_NUMBER_TEXT(m->noise));
    }
    if (m->is_absorbing) {
      eg_text_append(out, " absorbing");
    }
    eg_text_append(out, "\n");
  }
}

/* Nothing of an entry without its own. */
static void append_at(eg_text *out, const char *path, const eg_study_at *at) {
  static const char *const kinds[] = {"linear", "times", "steps", "steps.log", "steps.linear"};
  if (!at->is_given) {
    return;
  }
  eg_text_append(out, "%s.%s", path, kinds[at->kind]);
  if (eg_at_is_list(at)) {
    append_numbers(out, at->list.values, at->list.n);
  } else {
    eg_text_append(out, " %zu\n", at->n);
  }
}

static void append_observe(eg_text *out, const eg_study_observe *observe) {
  append_at(out, "observe.at", &observe->at);
  append_words(out, "observe.features", observe->features, observe->n_features);
  eg_text_append(out, "observe.statistics");
  for (size_t i = 0; eg_statistic_words[i] != NULL; i++) {
    if ((observe->statistics & (1u << i)) != 0) {
      eg_text_append(out, " %s", eg_statistic_words[i]);
    }
  }
  eg_text_append(out, "\n");
}

static void append_paths(eg_text *out, const eg_study_observe *observe) {
  for (size_t i = 0; i < observe->n_paths; i++) {
    const eg_study_path *p = &observe->paths[i];
    eg_text_append(out, "observe.paths %s %s origin %s", eg_path_words[p->kind], p->name,
                   isnan(p->origin) ? "start" : EG_NUMBER_TEXT(p->origin));
    if (eg_path_has_column(p->kind)) {
      eg_text_append(out, " feature %s%d", p->of.feature, p->of.component);
    }
    if (p->kind == EG_PATH_PRODUCT) {
      eg_text_append(out, " with %s%d", p->with.feature, p->with.component);
    }
    if (p->kind == EG_PATH_TAIL) {
      eg_text_append(out, " %s %s", EG_NUMBER_TEXT(p->largest), eg_side_words[p->side]);
    }
    if (p->kind == EG_PATH_CHARACTERISTIC) {
      eg_text_append(out, " arguments");
      append_numbers(out, p->arguments.values, p->arguments.n);
    }
    if (p->has_with) {
      eg_text_append(out, " with %s%d", p->with.feature, p->with.component);
    }
    if (p->combine != EG_COMBINE_PRODUCT) {
      eg_text_append(out, " combine %s", eg_combine_words[p->combine]);
    }
    if (eg_path_is_streamed(p->kind)) {
      eg_text_append(out, " every %s from %s", EG_NUMBER_TEXT(p->every), EG_NUMBER_TEXT(p->from));
      eg_text_append(out, " to %s values %s", isnan(p->to) ? "last" : EG_NUMBER_TEXT(p->to),
                     isnan(p->per_level) ? "chosen" : EG_NUMBER_TEXT(p->per_level));
    }
    if (p->has_histogram) {
      eg_text_append(out, " histogram");
    }
    eg_text_append(out, " powers");
    append_numbers(out, p->powers.values, p->powers.n);
    eg_text_append(out, "observe.paths.lags");
    append_numbers(out, p->lags.values, p->lags.n);
    append_at(out, "observe.paths.at", &p->at);
  }
}

/* Only what is there: a study without them has the text that it always had. */
static void append_histograms(eg_text *out, const eg_study_observe *observe) {
  for (size_t i = 0; i < observe->n_histograms; i++) {
    const eg_study_histogram *h = &observe->histograms[i];
    eg_text_append(out, "observe.histograms %s", h->feature);
    if (h->component >= 0) {
      eg_text_append(out, "%d", h->component);
    }
    eg_text_append(out, " %s %s", EG_NUMBER_TEXT(h->bins), eg_grid_words[h->is_log ? 1 : 0]);
    if (isnan(h->low)) {
      eg_text_append(out, " automatic\n");
    } else {
      append_numbers(out, (const double[]){h->low, h->high}, 2);
    }
    append_at(out, "observe.histograms.at", &h->at);
  }
  for (size_t i = 0; i < observe->n_joints; i++) {
    eg_text_append(out, "observe.joint_histograms %s %s\n", observe->joints[i].of[0], observe->joints[i].of[1]);
  }
  if (observe->kept > 0) {
    append_number(out, "observe.keep.realisations", observe->kept);
    append_words(out, "observe.keep.of", observe->kept_features, observe->n_kept_features);
    append_at(out, "observe.keep.at", &observe->kept_at);
  }
}

static void append_expectations(eg_text *out, const eg_study *study) {
  for (size_t i = 0; i < study->n_expectations; i++) {
    const eg_study_expectation *e = &study->expectations[i];
    eg_text_append(out, "expect ");
    append_text(out, e->feature);
    append_text(out, e->label == NULL ? "" : e->label);
    append_numbers(out, (const double[]){e->point, e->value}, 2);
    append_number(out, "expect.time", isnan(e->time) ? -1.0 : e->time);
  }
}

bool eg_study_canonical(const eg_study *study, const eg_model_info *model, eg_text *out) {
  eg_text_append(out, "ensgrad study 1\nseed %" PRIu64 "\n", study->seed);
  append_model(out, study, model);
  append_start(out, &study->start);
  append_number(out, isnan(study->steps) ? "horizon" : "steps",
                isnan(study->steps) ? study->horizon : study->steps);
  append_number(out, study->uses_time_step ? "time_step" : "learning_rate", study->learning_rate);
  append_sweep(out, study);
  for (size_t i = 0; i < study->n_dynamics; i++) {
    append_dynamics(out, &study->dynamics[i]);
  }
  for (size_t i = 0; i < study->n_groups; i++) {
    append_group(out, study, &study->groups[i]);
  }
  append_number(out, "realisations", study->realisations);
  eg_text_append(out, "noise.kind %s\nnoise.common %s\nstate %s\n", eg_noise_name(study->noise),
                 study->noise_common ? "true" : "false", eg_state_words[study->float_state ? 1 : 0]);
  eg_text_append(out, "form %s\n", eg_form_words[study->form]);
  append_number(out, "diverged_limit", study->diverged_limit);
  append_observe(out, &study->observe);
  append_histograms(out, &study->observe);
  append_monitors(out, &study->observe);
  append_paths(out, &study->observe);
  for (size_t i = 0; i < study->n_weak_error; i++) {
    eg_text_append(out, "analyse.weak-error.reference ");
    append_text(out, study->weak_error[i].reference);
    eg_text_append(out, "\n");
    if (study->weak_error[i].over != EG_SWEEP_LEARNING_RATE) {
      eg_text_append(out, "analyse.weak-error.over %s\n", study->weak_error[i].over == EG_SWEEP_L ? "l" : "substeps");
    }
    if (study->weak_error[i].coarse != NULL) {
      eg_text_append(out, "analyse.weak-error.richardson.coarse ");
      append_text(out, study->weak_error[i].coarse);
      eg_text_append(out, "\n");
      append_number(out, "analyse.weak-error.richardson.order", study->weak_error[i].order);
    }
    append_words(out, "analyse.weak-error.features", study->weak_error[i].features,
                 study->weak_error[i].n_features);
  }
  for (size_t i = 0; i < study->n_diffusion; i++) {
    const eg_study_diffusion *d = &study->diffusion[i];
    eg_text_append(out, "analyse.diffusion.of %s\n", study->observe.paths[d->path].name);
    append_numbers(out, (const double[]){d->from, d->to}, 2);
  }
  for (size_t i = 0; i < study->n_quantiles; i++) {
    eg_text_append(out, "analyse.quantiles.of %s%zu\nanalyse.quantiles.probabilities", study->quantiles[i].is_of_path ? "path " : "",
                   study->quantiles[i].histogram);
    append_numbers(out, study->quantiles[i].probabilities.values, study->quantiles[i].probabilities.n);
  }
  for (size_t i = 0; i < study->n_escape; i++) {
    const eg_study_escape *e = &study->escape[i];
    const eg_study_monitor *m = &study->observe.monitors[e->monitor];
    eg_text_append(out, "analyse.escape.of %s\n", e->is_exit ? m->exit : m->name);
    append_numbers(out, (const double[]){e->from, e->minimum_curvature, e->saddle_curvature, e->barrier, e->diffusion,
                                         e->loss_ratio, e->temperature}, 7);
  }
  for (size_t i = 0; i < study->n_stationary; i++) {
    const eg_study_stationary *s = &study->stationary[i];
    eg_text_append(out, "analyse.stationary");
    append_numbers(out, (const double[]){s->from, s->has_tail ? (double)s->tail : -1.0, s->tail_from}, 3);
  }
  for (size_t i = 0; i < study->n_scaling; i++) {
    const eg_study_scaling *s = &study->scaling[i];
    eg_text_append(out, "analyse.scaling-rule ");
    append_text(out, s->against == NULL ? "" : s->against);
    append_numbers(out, (const double[]){s->from, s->closeness}, 2);
  }
  for (size_t i = 0; i < study->n_flow; i++) {
    const eg_study_flow *f = &study->flow[i];
    eg_text_append(out, "analyse.flow %s ", study->observe.paths[f->path].name);
    append_text(out, f->reference == NULL ? "" : f->reference);
    append_numbers(out, &f->from, 1);
  }
  append_expectations(out, study);
  if (study->multilevel.levels > 0) { /* the levels are among dynamics and groups */
    const eg_study_multilevel *m = &study->multilevel;
    eg_text_append(out, "multilevel ");
    append_text(out, m->feature);
    append_numbers(out, (const double[]){(double)m->of, m->levels, m->ratio, m->stderr_, m->relative, m->point,
                                         isnan(m->time) ? -1.0 : m->time}, 7);
  }
  if (study->multilevel.least_levels < study->multilevel.levels) { /* nothing where all are made */
    append_number(out, "multilevel.least_levels", study->multilevel.least_levels);
  }
  if (study->splitting.feature != NULL) {
    const eg_study_splitting *s = &study->splitting;
    eg_text_append(out, "splitting ");
    append_text(out, s->feature);
    append_numbers(out, (const double[]){s->low, s->high, s->replicas, s->kill, s->repeats, s->burn_in, s->count}, 7);
  }
  for (size_t i = 0; i < study->n_until; i++) {
    const eg_study_until *u = &study->until[i];
    eg_text_append(out, "until ");
    if (u->variable != NULL) {
      eg_text_append(out, "variable ");
    }
    append_text(out, u->variable != NULL ? u->variable : u->feature);
    for (size_t k = 0; k < u->n_where; k++) {
      append_text(out, u->where[k].dim);
      append_text(out, u->where[k].value);
    }
    append_text(out, u->label == NULL ? "" : u->label);
    eg_text_append(out, " %s", eg_until_words[u->is_variance ? 1 : 0]);
    append_numbers(out, (const double[]){u->stderr_, u->relative, u->point, isnan(u->time) ? -1.0 : u->time}, 4);
  }
  return !out->is_broken;
}
