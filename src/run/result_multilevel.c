/* Multilevel estimates of every feature, and the levels and diagnostics of the one that decided about realisations. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "run/multilevel.h"
#include "run/result_parts.h"

enum { MEAN, STDERR, VARIANCE, KURTOSIS, REALISATIONS, COST, N_OF_LEVEL };

static const struct {
  const char *name, *long_name;
} of_level[N_OF_LEVEL] = {
    {"multilevel_correction", "mean of level 0, of the others fine minus coarse"},
    {"multilevel_correction_stderr", "its standard error"},
    {"multilevel_correction_variance", "variance of one realisation of it"},
    {"multilevel_correction_kurtosis", "its kurtosis; above 100 the variance is not to be trusted"},
    {"multilevel_realisations", "realisations of the level"},
    {"multilevel_cost", "integrator steps of one realisation, both members"}};

static double level_value(const eg_level *level, int which) {
  const eg_moments *const m = &level->correction;
  const double variance = m->n > 1 ? m->M2 / (m->n - 1) : NAN;
  const double values[N_OF_LEVEL] = {
      m->n > 0 ? m->mean : NAN, sqrt(variance / m->n), variance, m->M4 * m->n / (m->M2 * m->M2), m->n, level->cost};
  return values[which];
}

static eg_status add(eg_context *ctx, eg_builder *b, const char *name, int rank, const char *const *dims,
                     const size_t *shape, const double *values, const char *long_name) {
  size_t index = 0;
  EG_TRY(eg_labelled_add(ctx, b->file, "/analysis", name, EG_TYPE_F64, rank, dims, shape, values, &index));
  EG_TRY(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
  return eg_labelled_set_text(ctx, b->file, index, "long_name", long_name);
}

static eg_status add_levels(eg_context *ctx, eg_builder *b, const eg_level *levels, double *values) {
  const size_t n = b->plan->multilevel.n_levels;
  const char *const dims[1] = {"level"};
  for (int k = 0; k < N_OF_LEVEL; k++) {
    for (size_t l = 0; l < n; l++) {
      values[l] = level_value(&levels[l], k);
    }
    EG_TRY(add(ctx, b, of_level[k].name, 1, dims, &n, values, of_level[k].long_name));
  }
  return EG_OK;
}

static eg_status add_diagnostics(eg_context *ctx, eg_builder *b, const eg_level *levels) {
  const eg_plan_multilevel *const m = &b->plan->multilevel;
  const eg_study_multilevel *const study = &b->plan->study->multilevel;
  const size_t n_made = eg_multilevel_n_made(b->summary->campaign), finest = m->levels[n_made - 1].run;
  const size_t at = eg_value_at(b->plan, finest, m->record, m->point, m->column);
  eg_multilevel e;
  eg_multilevel_estimate(n_made, levels, study->ratio, &e);
  const double asked = isnan(study->relative) ? study->stderr_ : study->relative * fabs(e.mean.value);
  const double share = study->least_levels < study->levels ? 0.5 : 1; /* of the squared error, for the variance */
  const struct {
    const char *name;
    double value;
    const char *long_name;
  } numbers[] = {
      {"multilevel_mean", e.mean.value, "mean of the finest level, sum of the corrections"},
      {"multilevel_stderr", e.mean.stderr_, "its standard error"},
      {"multilevel_stderr_asked", asked * sqrt(share), "the largest standard error asked for"},
      {"multilevel_bias_asked", share < 1 ? asked * sqrt(1 - share) : NAN, "the largest bias asked for, where levels are added for it"},
      {"multilevel_levels", (double)n_made - 1, "levels made, besides level 0"},
      {"multilevel_expected", b->expected_mean[at], "exact mean under the scheme of the finest level"},
      {"multilevel_exact", b->exact_mean[at], "exact mean under the law of the dynamics"},
      {"multilevel_z", (e.mean.value - b->expected_mean[at]) / e.mean.stderr_, "(mean - expected) / stderr"},
      {"multilevel_alpha", e.alpha, "corrections fall like ratio^(-alpha level)"},
      {"multilevel_alpha_stderr", e.alpha_stderr, "its standard error"},
      {"multilevel_beta", e.beta, "their variances fall like ratio^(-beta level)"},
      {"multilevel_beta_stderr", e.beta_stderr, "its standard error"},
      {"multilevel_gamma", e.gamma, "costs grow like ratio^(gamma level)"},
      {"multilevel_bias", e.bias, "distance of the finest level from the limit, by extrapolation"},
      {"multilevel_root_mean_square_error", e.root_mean_square_error, "sqrt(stderr^2 + bias^2)"},
      {"multilevel_kurtosis", e.kurtosis, "largest kurtosis of a correction"},
      {"multilevel_inconsistency", e.inconsistency,
       "largest |z| of a level's coarse mean against the fine mean of the level before"},
      {"multilevel_steps", e.cost, "integrator steps of all realisations"},
      {"multilevel_gain", e.gain, "steps that the finest level alone would need for this error, over that"},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    EG_TRY(add(ctx, b, numbers[i].name, 0, NULL, NULL, &numbers[i].value, numbers[i].long_name));
  }
  return EG_OK;
}

/* Estimate and error of every value of a feature, over ([point, ]time[, component]). */
static eg_status add_feature(eg_context *ctx, eg_builder *b, const eg_feature *f, eg_level *levels) {
  const eg_plan *const plan = b->plan;
  const eg_plan_multilevel *const m = &plan->multilevel;
  const eg_run *const finest = &plan->runs[m->levels[m->n_levels - 1].run];
  const size_t n = plan->n_points * plan->n_records * f->width;
  const char *dims[3];
  size_t shape[3];
  int rank = 0;
  char name[80];
  double *values = NULL;
  eg_status status = EG_OK;
  if (plan->n_points > 1) {
    dims[rank] = "point";
    shape[rank++] = plan->n_points;
  }
  dims[rank] = plan->has_common_times ? "time" : "record";
  shape[rank++] = plan->n_records;
  if (eg_feature_is_vector(f)) {
    dims[rank] = "component";
    shape[rank++] = f->width;
  }
  EG_TRY(eg_allocate(ctx, 2 * n, sizeof *values, &values));
  for (size_t i = 0; i < n; i++) {
    const size_t k = i % f->width, t = i / f->width % plan->n_records, point = i / f->width / plan->n_records;
    values[i] = values[n + i] = NAN;
    if (t < finest->job.n_records && !eg_plan_is_empty(plan, finest, t, f->first + k)) {
      eg_multilevel e;
      EG_TRY_DONE(eg_multilevel_read(ctx, b->summary->campaign, t, point, f->first + k, levels));
      eg_multilevel_estimate(eg_multilevel_n_made(b->summary->campaign), levels, plan->study->multilevel.ratio, &e);
      values[i] = e.mean.value;
      values[n + i] = e.mean.stderr_;
    }
  }
  (void)snprintf(name, sizeof name, "%s_multilevel", f->name);
  EG_TRY_DONE(add(ctx, b, name, rank, dims, shape, values, "multilevel estimate of the mean of the finest level"));
  (void)snprintf(name, sizeof name, "%s_multilevel_stderr", f->name);
  EG_TRY_DONE(add(ctx, b, name, rank, dims, shape, values + n, "its standard error"));
done:
  free(values);
  return status;
}

eg_status eg_build_multilevel(eg_context *ctx, eg_builder *b) {
  const eg_plan_multilevel *const m = &b->plan->multilevel;
  eg_level *levels = NULL;
  double *values = NULL;
  eg_status status = EG_OK;
  if (m->n_levels == 0) {
    return EG_OK;
  }
  EG_TRY_DONE(eg_allocate(ctx, m->n_levels, sizeof *levels, &levels));
  EG_TRY_DONE(eg_allocate(ctx, m->n_levels, sizeof *values, &values));
  for (size_t f = 0; f < b->plan->n_features; f++) {
    EG_TRY_DONE(add_feature(ctx, b, &b->plan->features[f], levels));
  }
  EG_TRY_DONE(eg_multilevel_read(ctx, b->summary->campaign, m->record, m->point, m->column, levels));
  EG_TRY_DONE(add_levels(ctx, b, levels, values));
  status = add_diagnostics(ctx, b, levels);
done:
  free(levels);
  free(values);
  return status;
}
