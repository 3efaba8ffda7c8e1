/* Count, mean, variance, skewness, kurtosis of every feature, each with its standard error, and z against the oracle. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/result_parts.h"

size_t eg_value_at(const eg_plan *plan, size_t run, size_t record, size_t point, size_t column) {
  return ((run * plan->n_records + record) * plan->n_points + point) * plan->n_columns + column;
}

size_t eg_builder_at(const eg_builder *b, size_t run, size_t record, size_t point, size_t column) {
  return eg_value_at(b->plan, run, record, point, column);
}

static size_t n_values(const eg_plan *plan) {
  return plan->n_runs * plan->n_records * plan->n_points * plan->n_columns;
}

/* The columns of a feature, in the order (run or difference, point, time, component), in the type of the variable. */
static void gather(const eg_builder *b, size_t n, const eg_feature *f, eg_type type, const double *values, void *out) {
  const eg_plan *const plan = b->plan;
  size_t i = 0;
  for (size_t r = 0; r < n; r++) {
    for (size_t point = 0; point < plan->n_points; point++) {
      for (size_t t = 0; t < plan->n_records; t++) {
        for (size_t k = 0; k < f->width; k++, i++) {
          const double v = values[eg_builder_at(b, r, t, point, f->first + k)];
          if (type == EG_TYPE_I64) {
            ((int64_t *)out)[i] = (int64_t)v;
          } else if (type == EG_TYPE_U8) {
            ((uint8_t *)out)[i] = v != 0;
          } else {
            ((double *)out)[i] = v;
          }
        }
      }
    }
  }
}

/* Unit of a feature or of a number derived from it. Lengths and losses are the model's own. */
const char *eg_feature_unit(const eg_plan *plan, const eg_feature *f, const char *suffix) {
  static const char *const units[] = {"length", "length^2", "loss", "loss^2/length^2", "length^2", "1", "loss^2/length^2",
                                      "length/algorithmic time", "algorithmic time"};
  static const char *const squares[] = {"length^2", "length^4", "loss^2", "loss^4/length^4", "length^4", "1",
                                        "loss^4/length^4", "length^2/algorithmic time^2", "algorithmic time^2"};
  size_t i = (size_t)f->id;
  if (f->id >= EG_FEATURE_MONITOR) {
    const eg_study_monitor *const m = &plan->study->observe.monitors[f->monitor];
    i = m->operation != EG_MONITOR_CROSSING ? (size_t)m->feature : (f->id == EG_FEATURE_MONITOR || f->id == EG_FEATURE_EXIT ? 5 : 8);
  }
  suffix += strncmp(suffix, "_difference", 11) == 0 ? 11 : 0;
  if (strncmp(suffix, "_variance", 9) == 0 && strcmp(suffix, "_variance_ratio") != 0) {
    return squares[i];
  }
  const bool has_unit = suffix[0] == '\0' || strcmp(suffix, "_stderr") == 0 || strcmp(suffix, "_exact") == 0 ||
                        strcmp(suffix, "_expected") == 0;
  return has_unit ? units[i] : "1";
}

eg_status eg_builder_add_over(eg_context *ctx, eg_builder *b, const char *dim, size_t n, const eg_feature *f,
                              const char *suffix, eg_type type, const double *values, const char *long_name,
                              size_t *index) {
  const eg_plan *const plan = b->plan;
  const char *dims[4];
  size_t shape[4], at = 0;
  int rank = 0;
  char name[64], text[160];
  dims[rank] = dim;
  shape[rank++] = n;
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
  void *data = NULL;
  EG_TRY(eg_allocate(ctx, n * plan->n_points * plan->n_records * f->width, 8, &data));
  gather(b, n, f, type, values, data);
  (void)snprintf(name, sizeof name, "%s%s", f->name, suffix);
  (void)snprintf(text, sizeof text, "%s of %s", long_name, f->name);
  eg_status status = eg_labelled_add(ctx, b->file, "/", name, type, rank, dims, shape, data, &at);
  free(data);
  EG_TRY(status);
  if (index != NULL) {
    *index = at;
  }
  EG_TRY(eg_labelled_set_text(ctx, b->file, at, "units", eg_feature_unit(plan, f, suffix)));
  return eg_labelled_set_text(ctx, b->file, at, "long_name", text);
}

eg_status eg_builder_add(eg_context *ctx, eg_builder *b, const eg_feature *f, const char *suffix, eg_type type,
                         const double *values, const char *long_name, size_t *index) {
  return eg_builder_add_over(ctx, b, "run", b->plan->n_runs, f, suffix, type, values, long_name, index);
}

enum { N_ESTIMATES = 9 };
static const char *const suffixes[N_ESTIMATES] = {"",          "_stderr",          "_count",
                                                  "_variance", "_variance_stderr", "_skewness",
                                                  "_skewness_stderr", "_kurtosis", "_kurtosis_stderr"};
static const char *const long_names[N_ESTIMATES] = {"mean",
                                                    "standard error of the mean",
                                                    "number of finite trajectories",
                                                    "variance",
                                                    "standard error of the variance",
                                                    "skewness",
                                                    "jackknife error of the skewness",
                                                    "kurtosis (Gaussian: 3)",
                                                    "jackknife error of the kurtosis"};

static void estimates_of(const eg_builder *b, size_t run, size_t record, size_t point, size_t column,
                         double out[N_ESTIMATES]) {
  eg_moment_estimates m;
  eg_summary_moments(b->summary, run, eg_summary_row(b->plan, record, point), column, &m);
  const double values[N_ESTIMATES] = {m.mean.value,     m.mean.stderr_,     m.count,
                                      m.variance.value, m.variance.stderr_, m.skewness.value,
                                      m.skewness.stderr_, m.kurtosis.value, m.kurtosis.stderr_};
  memcpy(out, values, sizeof values);
}

static void fill(eg_builder *b, double *estimates, double *z, double *judged) {
  const eg_plan *const plan = b->plan;
  const size_t n = n_values(plan);
  for (size_t i = 0; i < n; i++) {
    for (int e = 0; e < N_ESTIMATES; e++) {
      estimates[(size_t)e * n + i] = e == 2 ? 0 : NAN;
    }
    z[i] = NAN;
    judged[i] = 0;
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    for (size_t t = 0; t < plan->runs[r].job.n_records; t++) {
      for (size_t point = 0; point < plan->n_points; point++) {
        for (size_t c = 0; c < plan->n_columns; c++) {
          double values[N_ESTIMATES];
          const size_t i = eg_builder_at(b, r, t, point, c);
          if (eg_plan_is_empty(plan, &plan->runs[r], t, c)) {
            continue;
          }
          estimates_of(b, r, t, point, c, values);
          for (int e = 0; e < N_ESTIMATES; e++) {
            estimates[(size_t)e * n + i] = values[e];
          }
          const double d = values[0] - b->expected_mean[i];
          z[i] = values[1] > 0 ? d / values[1] : NAN;
          if (!isnan(z[i]) && eg_summary_is_judged(b->summary, r, eg_summary_row(plan, t, point), c)) {
            judged[i] = 1;
            b->n_judged++;
            b->max_z = fabs(z[i]) > b->max_z ? fabs(z[i]) : b->max_z;
          }
        }
      }
    }
  }
}

static bool is_known(const eg_builder *b, const eg_feature *f) {
  for (size_t i = 0; i < n_values(b->plan); i++) {
    const size_t column = i % b->plan->n_columns;
    if (column >= f->first && column < f->first + f->width && !isnan(b->expected_mean[i])) {
      return true;
    }
  }
  return false;
}

/* Runs whose law is known to have no variance of this feature: attribute no_variance, their places; no_mean: nor a mean. */
static eg_status mark_stable(eg_context *ctx, eg_builder *b, const eg_feature *f, size_t index) {
  const double order = eg_feature_is_vector(f) ? 1 : 2; /* of x in the feature; losses here are quadratic */
  int64_t *runs = NULL;
  eg_status status = EG_OK;
  if (f->id > EG_FEATURE_DISPLACEMENT2) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, b->plan->n_runs, sizeof *runs, &runs));
  for (int power = 1; power <= 2 && status == EG_OK; power++) {
    size_t n = 0;
    for (size_t r = 0; r < b->plan->n_runs; r++) {
      const double stable = b->plan->runs[r].stable_index;
      if (stable > 0 && order * power >= stable) {
        runs[n++] = (int64_t)r;
      }
    }
    if (n > 0) {
      status = eg_labelled_set(ctx, b->file, index, power == 1 ? "no_mean" : "no_variance", EG_TYPE_I64, n, runs);
    }
  }
  free(runs);
  return status;
}

/* The stopped time in integrator steps too, whose mean says at which step the event was: time is a whole number of them, but in runs
   that are timed by a clock of their own. Derived from what the golden hashes have: left out of them. */
static eg_status add_steps(eg_context *ctx, eg_builder *b, const eg_feature *f, const double *estimates) {
  static const char *const endings[2] = {"_steps", "_steps_stderr"};
  static const char *const names[2] = {"mean in integrator steps", "standard error of the mean in integrator steps"};
  const size_t n = n_values(b->plan), each = n / b->plan->n_runs;
  bool has_any = false;
  double *values = NULL;
  for (size_t r = 0; r < b->plan->n_runs; r++) {
    has_any = has_any || b->plan->runs[r].job.launch.is_clocked == 0;
  }
  if ((f->id != EG_FEATURE_MONITOR_TIME && f->id != EG_FEATURE_EXIT_TIME) || !has_any) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, n, sizeof *values, &values));
  eg_status status = EG_OK;
  for (int e = 0; e < 2 && status == EG_OK; e++) {
    size_t index = 0;
    for (size_t i = 0; i < n; i++) {
      const eg_launch *const a = &b->plan->runs[i / each].job.launch;
      values[i] = a->is_clocked != 0 ? NAN : estimates[(size_t)e * n + i] / a->h;
    }
    status = eg_builder_add(ctx, b, f, endings[e], EG_TYPE_F64, values, names[e], &index);
    if (status == EG_OK) {
      status = eg_labelled_set_text(ctx, b->file, index, "bits", "machine");
    }
  }
  free(values);
  return status;
}

static eg_status add_feature(eg_context *ctx, eg_builder *b, const eg_feature *f, const double *estimates,
                             const double *z, const double *judged) {
  const size_t n = n_values(b->plan);
  size_t index = 0;
  for (int e = 0; e < N_ESTIMATES; e++) {
    const eg_type type = e == 2 ? EG_TYPE_I64 : EG_TYPE_F64;
    size_t *const at = e == 0 ? &index : NULL;
    EG_TRY(eg_builder_add(ctx, b, f, suffixes[e], type, estimates + (size_t)e * n, long_names[e], at));
  }
  EG_TRY(add_steps(ctx, b, f, estimates));
  char ancillary[96];
  (void)snprintf(ancillary, sizeof ancillary, "%s_stderr %s_count", f->name, f->name);
  EG_TRY(eg_labelled_set_text(ctx, b->file, index, "ancillary_variables", ancillary));
  EG_TRY(eg_labelled_set_text(ctx, b->file, index, "cell_methods", "realization: mean"));
  EG_TRY(eg_mark_heavy_tails(ctx, b, index, eg_count_heavy_tails(b, 0, b->plan->n_runs, f)));
  EG_TRY(mark_stable(ctx, b, f, index));
  if (!is_known(b, f)) {
    return EG_OK;
  }
  EG_TRY(eg_builder_add(ctx, b, f, "_exact", EG_TYPE_F64, b->exact_mean, "exact mean, law of the dynamics,", NULL));
  EG_TRY(eg_builder_add(ctx, b, f, "_expected", EG_TYPE_F64, b->expected_mean,
                        "exact mean, law of the scheme that was run, or what the study expects,", NULL));
  EG_TRY(eg_builder_add(ctx, b, f, "_z", EG_TYPE_F64, z, "(mean - expected) / stderr", NULL));
  return eg_builder_add(ctx, b, f, "_judged", EG_TYPE_U8, judged,
                        "1: z counts for the verdict (at least 1000 effective samples, none diverged),", NULL);
}

eg_status eg_build_moments(eg_context *ctx, eg_builder *b) {
  const size_t n = n_values(b->plan);
  double *estimates = NULL, *z = NULL, *judged = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, N_ESTIMATES * n, sizeof(double), &estimates));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof(double), &z));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof(double), &judged));
  fill(b, estimates, z, judged);
  for (size_t f = 0; f < b->plan->n_features; f++) {
    EG_TRY_DONE(add_feature(ctx, b, &b->plan->features[f], estimates, z, judged));
  }
done:
  free(estimates);
  free(z);
  free(judged);
  return status;
}
