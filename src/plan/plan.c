#include "plan/plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "core/model.h"
#include "core/noise.h"
#include "model/catalogue.h"
#include "model/units.h"
#include "stats/moments.h"

const eg_unit *eg_plan_unit(const eg_plan *plan) {
  const eg_study *const s = plan->study;
  if (plan->user_model != NULL) {
    return eg_user_model_unit(plan->user_model);
  }
  if (plan->shaped != NULL) {
    return plan->shaped;
  }
  if (plan->form == EG_FORM_TEAM) {
    return eg_unit_find_team(s->model.name, s->float_state, NULL);
  }
  return eg_unit_find(s->model.name, plan->dim, s->float_state, s->noise == EG_NOISE_GAUSSIAN64 && !s->float_state,
                      NULL);
}

/* The dimension comes from the data, the key, a vector parameter or the start; all that speak must agree. */
static eg_status agree(eg_context *ctx, const eg_plan *plan, eg_mark mark, const char *what, size_t n, int *dim) {
  if (*dim != 0 && (size_t)*dim != n) {
    return eg_study_fail_at(ctx, plan->study, mark, "%s has %zu values, but the dimension is %d", what, n, *dim);
  }
  *dim = (int)n;
  return EG_OK;
}

static eg_status find_dimension(eg_context *ctx, eg_plan *plan) {
  const eg_study *const s = plan->study;
  const eg_model_info *const info = s->model.name != NULL ? eg_model_find(s->model.name) : NULL;
  const int classes = eg_plan_classes(plan);
  int dim = plan->data.n_rows > 0 ? (int)plan->data.n_columns * (classes > 0 ? classes : 1) : 0;
  if (s->model.shape.n > 0) {
    EG_TRY(eg_plan_shape(ctx, plan, info, &dim));
  } else if (info != NULL && info->dimension > 1) {
    dim = info->dimension; /* the others must agree */
  }
  if (s->model.dimension != 0) {
    EG_TRY(agree(ctx, plan, s->model.mark, "key dimension", (size_t)s->model.dimension, &dim));
  }
  for (size_t i = 0; i < s->model.n_params; i++) {
    if (s->model.params[i].value.n > 1) {
      EG_TRY(agree(ctx, plan, s->model.params[i].value.mark, s->model.params[i].name, s->model.params[i].value.n, &dim));
    }
  }
  if (s->start.kind == EG_START_POINTS && s->start.width > 1) {
    EG_TRY(agree(ctx, plan, s->start.mark, "the start point", s->start.width, &dim));
  }
  plan->dim = dim != 0 ? dim : info != NULL ? info->multiple : 1;
  if (info != NULL && plan->dim % info->multiple != 0) {
    return eg_study_fail_at(ctx, plan->study, s->model.mark, "the states of model '%s' have a multiple of %d components; the study "
                                                             "has %d",
                            info->name, info->multiple, plan->dim);
  }
  return EG_OK;
}

static eg_status find_unit(eg_context *ctx, eg_plan *plan) {
  const eg_study *const s = plan->study;
  if (s->model.file != NULL) {
    if (access(s->model.file, R_OK) != 0) {
      return eg_study_fail_at(ctx, s, s->model.mark, "model file '%s' cannot be read: %s", s->model.file,
                              strerror(errno));
    }
    /* A user's model is part of the study's identity: its text joins the hash. */
    EG_TRY(eg_user_model_compile(ctx, s->model.file, plan->dim, s->float_state,
                                 s->noise == EG_NOISE_GAUSSIAN64 && !s->float_state, s->model.has_known_hash ? &s->model.known_hash : NULL,
                                 &plan->data_hash, &plan->user_model));
  }
  EG_TRY(eg_plan_shaped_unit(ctx, plan));
  return eg_plan_form(ctx, plan);
}

static const eg_unit_param *unit_param(const eg_unit *unit, const char *name) {
  for (int32_t i = 0; i < unit->n_params; i++) {
    if (strcmp(unit->params[i].name, name) == 0) {
      return &unit->params[i];
    }
  }
  return NULL;
}

static eg_status check_range(eg_context *ctx, const eg_plan *plan, const eg_unit_param *p, const eg_number_list *list) {
  for (size_t i = 0; p != NULL && i < list->n; i++) {
    if (!(list->values[i] >= p->low && list->values[i] <= p->high)) {
      return eg_study_fail_at(ctx, plan->study, list->mark, "parameter '%s' = %g is out of range [%g, %g]", p->name,
                              list->values[i], p->low, p->high);
    }
  }
  return EG_OK;
}

/* Parameters of a user's model: known only after it was compiled. (Those of built-in models are checked before.) */
static eg_status check_param_ranges(eg_context *ctx, const eg_plan *plan) {
  const eg_unit *const unit = eg_plan_unit(plan);
  for (size_t i = 0; i < plan->study->model.n_params; i++) {
    const eg_study_param *const p = &plan->study->model.params[i];
    EG_TRY(check_range(ctx, plan, unit_param(unit, p->name), &p->value));
  }
  for (size_t i = 0; i < plan->study->n_sweep; i++) {
    const eg_sweep_axis *const axis = &plan->study->sweep[i];
    if (axis->target != EG_SWEEP_PARAM) {
      continue;
    }
    if (unit_param(unit, axis->param) == NULL) {
      return eg_study_fail_at(ctx, plan->study, axis->values.mark, "the model has no parameter '%s'", axis->param);
    }
    EG_TRY(check_range(ctx, plan, unit_param(unit, axis->param), &axis->values));
  }
  return EG_OK;
}

static eg_status check_param_names(eg_context *ctx, const eg_plan *plan) {
  const eg_unit *const unit = eg_plan_unit(plan);
  const char *names[64];
  size_t n = 0;
  for (int32_t i = 0; i < unit->n_params && n < 64; i++) {
    names[n++] = unit->params[i].name;
  }
  for (size_t i = 0; i < plan->study->model.n_params; i++) {
    const eg_study_param *const p = &plan->study->model.params[i];
    bool is_known = false;
    for (size_t k = 0; k < n; k++) {
      is_known = is_known || strcmp(names[k], p->name) == 0;
    }
    if (!is_known) {
      const char *const near = eg_nearest_name(p->name, names, n);
      return eg_study_fail_at(ctx, plan->study, p->value.mark, "the model has no parameter '%s'%s%s%s", p->name,
                              near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
    }
  }
  return EG_OK;
}

static void finish_tiles(const eg_plan *plan, eg_run *run) {
  eg_job *const job = &run->job;
  if (job->launch.n_particles > 0) {
    job->tile = eg_plan_population_tile(job->launch.n_particles, plan->dim,
                                        eg_plan_tile_realisations(plan, job->n_realisations));
    job->launch.ld = job->tile > EG_LANES ? job->tile : EG_LANES;
    job->state_values = (size_t)job->tile * eg_plan_population_values(job->launch.n_particles, plan->padded_dim);
  } else {
    job->tile = eg_plan_tile(plan, eg_plan_tile_realisations(plan, job->n_realisations));
    job->launch.ld = job->tile > EG_LEAST_LD ? job->tile : EG_LEAST_LD; /* slots that stay empty */
    job->state_values = plan->n_points * ((size_t)plan->padded_dim + run->extra) * job->launch.ld;
  }
  job->n_tiles = (job->n_realisations + job->tile - 1) / job->tile;
}

static void finish_job(const eg_plan *plan, eg_run *run) {
  eg_job *const job = &run->job;
  eg_launch *const a = &job->launch;
  const eg_study *const s = plan->study;
  job->model = s->model.name != NULL ? s->model.name : eg_plan_unit(plan)->model;
  job->model_file = s->model.file;
  job->user_model = plan->user_model;
  job->shape = plan->shaped != NULL ? plan->shape : NULL;
  job->form = plan->form;
  job->dim = plan->padded_dim;
  job->step_work = eg_plan_step_work(plan, run);
  job->is_float = s->float_state;
  job->kind = (int)s->noise;
  job->features = plan->codes;
  job->n_features = plan->n_all_columns;
  job->n_realisations = run->is_deterministic ? 1 : (uint64_t)s->realisations;
  finish_tiles(plan, run);
  job->with_covariance = plan->with_covariance;
  job->record_values = plan->n_points * eg_node_values((uint32_t)plan->n_columns, plan->with_covariance);
  job->node_values = job->n_records * job->record_values;
  eg_plan_histogram_job(plan, run);
  eg_run_key(s->seed, s->noise_common ? 0 : eg_hash_text(EG_HASH_START, run->description), a->key);
  a->kind = job->kind;
  a->n_points = (uint32_t)plan->n_points;
  a->dim = (uint32_t)plan->dim;
  a->n_features = (uint32_t)plan->n_all_columns;
}

/* The samples of a model without data are Gaussian; another noise kind changes their law, not only an integrator's noise. */
static void warn_of_discrete_samples(eg_context *ctx, const eg_plan *plan) {
  const eg_noise_kind kind = plan->study->noise;
  const bool is_gaussian = kind == EG_NOISE_GAUSSIAN || kind == EG_NOISE_GAUSSIAN64 || kind == EG_NOISE_GAUSSIAN_FAST;
  for (size_t r = 0; r < plan->n_runs && !is_gaussian; r++) {
    const char *const stepper = plan->runs[r].job.stepper;
    if (eg_is_chain(plan->runs[r].dynamics->id) && strstr(stepper, "_rows") == NULL) {
      eg_warn(ctx, "noise %s makes the samples of a chain discrete: moments agree with the Gaussian model only up to the exact "
                   "order of that kind (docs/noise.md)",
              eg_noise_name(kind));
      return;
    }
  }
}

static eg_status check_float(eg_context *ctx, const eg_plan *plan) {
  const eg_study *const s = plan->study;
  if (s->float_state && s->noise == EG_NOISE_GAUSSIAN64) {
    return eg_study_fail_at(ctx, s, s->model.mark, "noise gaussian64 needs state: double");
  }
  if (s->noise == EG_NOISE_GAUSSIAN_FAST) {
    eg_warn(ctx, "noise gaussian-fast exists on the GPU only and gives bits of that GPU only");
  }
  return EG_OK;
}

eg_status eg_plan_create(eg_context *ctx, const eg_study *study, eg_plan **out) {
  eg_plan *plan = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, 1, sizeof *plan, &plan));
  plan->study = study;
  plan->n_points = study->start.kind == EG_START_NORMAL ? 1 : study->start.n_points;
  plan->with_covariance = (study->observe.statistics & EG_STAT_COVARIANCE) != 0;
  EG_TRY_DONE(check_float(ctx, plan));
  EG_TRY_DONE(eg_plan_rows(ctx, plan));
  EG_TRY_DONE(find_dimension(ctx, plan));
  EG_TRY_DONE(find_unit(ctx, plan));
  EG_TRY_DONE(check_param_names(ctx, plan));
  EG_TRY_DONE(check_param_ranges(ctx, plan));
  EG_TRY_DONE(eg_plan_lay_out_rows(ctx, plan));
  EG_TRY_DONE(eg_plan_features(ctx, plan));
  EG_TRY_DONE(eg_plan_schedules(ctx, plan));
  EG_TRY_DONE(eg_plan_histograms(ctx, plan));
  EG_TRY_DONE(eg_plan_tracks(ctx, plan));
  EG_TRY_DONE(eg_plan_runs(ctx, plan));
  for (size_t i = 0; i < plan->n_runs; i++) {
    eg_run *const run = &plan->runs[i];
    EG_TRY_DONE(eg_plan_times(ctx, plan, run));
    EG_TRY_DONE(eg_plan_monitors(ctx, plan, run));
    EG_TRY_DONE(eg_plan_stepper(ctx, plan, run));
    EG_TRY_DONE(eg_plan_stage(ctx, plan, run));
    EG_TRY_DONE(eg_plan_process(ctx, plan, run));
    EG_TRY_DONE(eg_plan_absorb(ctx, plan, run));
    EG_TRY_DONE(eg_plan_population(ctx, plan, run));
    finish_job(plan, run);
    EG_TRY_DONE(eg_plan_watch(ctx, plan, run));
    EG_TRY_DONE(eg_plan_check_team(ctx, plan, run));
    EG_TRY_DONE(eg_plan_job_schedules(ctx, plan, run));
    EG_TRY_DONE(eg_plan_paths(ctx, plan, run));
    for (size_t k = 0; k < study->n_escape; k++) {
      size_t first = 0;
      EG_TRY_DONE(eg_plan_escape_first(ctx, plan, run, &study->escape[k], &first)); /* refused before the first step */
    }
    for (size_t k = 0; k < study->n_stationary; k++) {
      size_t first = 0;
      EG_TRY_DONE(eg_plan_stationary_first(ctx, plan, run, &run->schedules[0], &study->stationary[k], &first)); /* refused before the first step */
    }
    for (size_t k = 0; k < study->n_scaling; k++) {
      const eg_study_stationary window = {.from = study->scaling[k].from, .mark = study->scaling[k].mark};
      size_t first = 0;
      EG_TRY_DONE(eg_plan_stationary_first(ctx, plan, run, &run->schedules[0], &window, &first));
    }
    for (size_t k = 0; k < study->n_flow; k++) {
      const eg_study_stationary window = {.from = study->flow[k].from, .mark = study->flow[k].mark};
      const eg_run_schedule *const at = &run->schedules[plan->path_schedules[study->flow[k].path]];
      size_t first = 0;
      EG_TRY_DONE(eg_plan_stationary_first(ctx, plan, run, at, &window, &first));
      if (first + 1 == at->n && !isnan(window.from)) {
        EG_TRY_DONE(eg_study_fail_at(ctx, study, window.mark, "'analyse.flow.from' leaves run '%s' one observation; a rate takes two",
                                     run->description));
      }
    }
  }
  for (size_t s = 0; s < plan->n_schedules; s++) {
    plan->schedules[s].has_common_times = true;
    for (size_t i = 0; i < plan->n_runs; i++) {
      const eg_run_schedule *const b = &plan->runs[i].schedules[s];
      plan->schedules[s].n_records = b->n > plan->schedules[s].n_records ? b->n : plan->schedules[s].n_records;
      plan->schedules[s].has_common_times =
          plan->schedules[s].has_common_times && eg_plan_are_same_times(&plan->runs[0].schedules[s], b);
    }
  }
  plan->n_records = plan->schedules[0].n_records;
  plan->has_common_times = plan->schedules[0].has_common_times;
  EG_TRY_DONE(eg_plan_groups(ctx, plan));
  warn_of_discrete_samples(ctx, plan);
  EG_TRY_DONE(eg_plan_check_weak_error(ctx, plan));
  EG_TRY_DONE(eg_plan_check_size(ctx, plan));
  EG_TRY_DONE(eg_plan_check_kept(ctx, plan));
  EG_TRY_DONE(eg_plan_expect(ctx, plan));
  EG_TRY_DONE(eg_plan_until(ctx, plan));
  EG_TRY_DONE(eg_plan_multilevel_make(ctx, plan));
  EG_TRY_DONE(eg_plan_splitting(ctx, plan));
  *out = plan;
  plan = NULL;
done:
  eg_plan_free(plan);
  return status;
}

static void free_run(eg_run *run) {
  free(run->axis_values);
  free(run->record_steps);
  free(run->params);
  free(run->start);
  free(run->staged);
  free(run->exact_msd);
  free(run->description);
  eg_affine_free(&run->affine);
  eg_affine_free(&run->lifted);
}

void eg_plan_free(eg_plan *plan) {
  if (plan == NULL) {
    return;
  }
  for (size_t i = 0; i < plan->n_runs; i++) {
    eg_plan_free_paths(&plan->runs[i], plan->study->observe.n_paths);
    eg_plan_free_schedules(plan, &plan->runs[i]);
    free_run(&plan->runs[i]);
  }
  eg_plan_free_groups(plan);
  free(plan->runs);
  free(plan->features);
  free(plan->codes);
  free(plan->histograms);
  free(plan->grids);
  free(plan->pairs);
  free(plan->edges);
  free(plan->kept);
  free(plan->kept_columns);
  free(plan->expectations);
  free(plan->until);
  free(plan->until_set);
  free(plan->multilevel.levels);
  free(plan->tracked_columns);
  free(plan->fed_columns);
  free(plan->fed);
  free(plan->schedules);
  free(plan->histogram_schedules);
  free(plan->path_schedules);
  free(plan->rows);
  eg_data_free(&plan->data);
  eg_user_model_free(plan->user_model);
  free(plan);
}
