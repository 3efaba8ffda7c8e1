/* Covariance between features at one time, and the mean squared displacement with its local exponent. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/result_parts.h"

static double covariance_of(const eg_node_shape *shape, const double *node, size_t row, size_t f, size_t g) {
  const eg_moments m = eg_node_moments(shape, node, row, f);
  const double sum = f == g ? m.M2 : eg_node_comoment(shape, node, row, f > g ? f : g, f > g ? g : f);
  return m.n > 1 ? sum / (m.n - 1) : NAN;
}

static void one_covariance(const eg_run_summary *s, size_t row, size_t f, size_t g, double *value, double *error) {
  double leave_out[EG_BLOCKS];
  *value = *error = NAN;
  if (s->n_blocks == 0) {
    return;
  }
  *value = covariance_of(&s->shape, s->total, row, f, g);
  for (size_t i = 0; i < s->n_blocks; i++) {
    leave_out[i] = covariance_of(&s->shape, s->leave_out + i * s->shape.values, row, f, g);
  }
  *error = eg_jackknife_stderr(s->n_blocks, leave_out, *value);
}

static eg_status add_names(eg_context *ctx, eg_builder *b) {
  const eg_plan *const plan = b->plan;
  char(*names)[40] = NULL;
  const char **words = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, plan->n_columns, sizeof *names, &names));
  EG_TRY_DONE(eg_allocate(ctx, plan->n_columns, sizeof *words, &words));
  for (size_t f = 0; f < plan->n_features; f++) {
    for (size_t k = 0; k < plan->features[f].width; k++) {
      char *const name = names[plan->features[f].first + k];
      if (eg_feature_is_vector(&plan->features[f])) {
        (void)snprintf(name, sizeof *names, "%c%zu", plan->features[f].name[0], k);
      } else {
        (void)snprintf(name, sizeof *names, "%s", plan->features[f].name);
      }
      words[plan->features[f].first + k] = name;
    }
  }
  const char *const dims[2] = {"feature", "feature_2"};
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", "feature", EG_TYPE_TEXT, 1, dims, &plan->n_columns, words, NULL));
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", "feature_2", EG_TYPE_TEXT, 1, dims + 1, &plan->n_columns, words, NULL));
done:
  free(names);
  free(words);
  return status;
}

eg_status eg_build_covariance(eg_context *ctx, eg_builder *b) {
  const eg_plan *const plan = b->plan;
  if (!plan->with_covariance) {
    return EG_OK;
  }
  const size_t F = plan->n_columns, n = plan->n_runs * plan->n_points * plan->n_records * F * F;
  double *value = NULL, *error = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(add_names(ctx, b));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *value, &value));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *error, &error));
  size_t i = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    for (size_t point = 0; point < plan->n_points; point++) {
      for (size_t t = 0; t < plan->n_records; t++) {
        for (size_t k = 0; k < F * F; k++, i++) {
          value[i] = error[i] = NAN;
          if (t < plan->runs[r].job.n_records && !eg_plan_is_empty(plan, &plan->runs[r], t, k / F) &&
              !eg_plan_is_empty(plan, &plan->runs[r], t, k % F)) {
            one_covariance(&b->summary->runs[r], eg_summary_row(plan, t, point), k / F, k % F, &value[i], &error[i]);
          }
        }
      }
    }
  }
  const char *dims[5] = {"run", "point", plan->has_common_times ? "time" : "record", "feature", "feature_2"};
  size_t shape[5] = {plan->n_runs, plan->n_points, plan->n_records, F, F};
  const int drop = plan->n_points == 1; /* a length-1 point is dropped */
  if (drop) {
    memmove(&dims[1], &dims[2], 3 * sizeof dims[0]);
    memmove(&shape[1], &shape[2], 3 * sizeof shape[0]);
  }
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", "covariance", EG_TYPE_F64, 5 - drop, dims, shape, value, NULL));
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", "covariance_stderr", EG_TYPE_F64, 5 - drop, dims, shape, error, NULL));
done:
  free(value);
  free(error);
  return status;
}

/* Exponent curve of one run and point into arrays over (run, record, point, column). */
static eg_status exponent_curve(eg_context *ctx, const eg_builder *b, size_t r, size_t point, const eg_feature *f,
                                double *value, double *error) {
  const eg_plan *const plan = b->plan;
  const eg_run *const run = &plan->runs[r];
  const eg_run_summary *const s = &b->summary->runs[r];
  const size_t T = run->job.n_records;
  double *work = NULL;
  EG_TRY(eg_allocate(ctx, T * (s->n_blocks + 3), sizeof *work, &work));
  double *const y = work, *const slope = y + T, *const slope_error = slope + T, *const leave_out = slope_error + T;
  for (size_t t = 0; t < T; t++) {
    const size_t row = eg_summary_row(plan, t, point);
    y[t] = s->n_blocks == 0 ? NAN : eg_node_moments(&s->shape, s->total, row, f->first).mean;
    for (size_t i = 0; i < s->n_blocks; i++) {
      leave_out[i * T + t] = eg_node_moments(&s->shape, s->leave_out + i * s->shape.values, row, f->first).mean;
    }
  }
  eg_local_exponent(T, run->times, y, s->n_blocks, leave_out, slope, slope_error);
  for (size_t t = 0; t < T; t++) {
    value[eg_builder_at(b, r, t, point, f->first)] = slope[t];
    error[eg_builder_at(b, r, t, point, f->first)] = slope_error[t];
  }
  free(work);
  return EG_OK;
}

static void fill_msd(const eg_builder *b, const eg_feature *f, double *value, double *error) {
  const eg_plan *const plan = b->plan;
  for (size_t r = 0; r < plan->n_runs; r++) {
    for (size_t t = 0; t < plan->runs[r].job.n_records; t++) {
      for (size_t point = 0; point < plan->n_points; point++) {
        eg_moment_estimates m;
        eg_summary_moments(b->summary, r, eg_summary_row(plan, t, point), f->first, &m);
        value[eg_builder_at(b, r, t, point, f->first)] = m.mean.value;
        error[eg_builder_at(b, r, t, point, f->first)] = m.mean.stderr_;
      }
    }
  }
}

eg_status eg_build_msd(eg_context *ctx, eg_builder *b) {
  const eg_plan *const plan = b->plan;
  const eg_feature *const f = eg_plan_feature(plan, "displacement2");
  if ((plan->study->observe.statistics & EG_STAT_MSD) == 0 || f == NULL) {
    return EG_OK;
  }
  const size_t n = plan->n_runs * plan->n_records * plan->n_points * plan->n_columns;
  double *value = NULL, *error = NULL;
  size_t index = 0;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *value, &value));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *error, &error));
  for (size_t i = 0; i < n; i++) {
    value[i] = error[i] = NAN;
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    for (size_t point = 0; point < plan->n_points; point++) {
      EG_TRY_DONE(exponent_curve(ctx, b, r, point, f, value, error));
    }
  }
  eg_feature msd = *f; /* the same column under the name that readers look for */
  (void)snprintf(msd.name, sizeof msd.name, "msd");
  EG_TRY_DONE(eg_builder_add(ctx, b, &msd, "_exponent", EG_TYPE_F64, value, "local exponent d log / d log t", &index));
  EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
  EG_TRY_DONE(eg_builder_add(ctx, b, &msd, "_exponent_stderr", EG_TYPE_F64, error, "jackknife error of the exponent",
                             &index));
  EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
  fill_msd(b, f, value, error);
  EG_TRY_DONE(eg_builder_add(ctx, b, &msd, "", EG_TYPE_F64, value, "mean squared displacement from the start: mean", NULL));
  EG_TRY_DONE(eg_builder_add(ctx, b, &msd, "_stderr", EG_TYPE_F64, error, "standard error", NULL));
done:
  free(value);
  free(error);
  return status;
}
