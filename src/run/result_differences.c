/* Differences of groups: features of one run minus those of another on the same noise, realisation by realisation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/result_parts.h"

static const char DIM[] = "difference";

/* ---- coordinates ---- */

static eg_status add_words(eg_context *ctx, eg_builder *b, const char *name, const char *const *words,
                           const char *long_name) {
  const char *const dims[1] = {DIM};
  size_t index = 0;
  EG_TRY(eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_TEXT, 1, dims, &b->plan->n_differences, words, &index));
  return eg_labelled_set_text(ctx, b->file, index, "long_name", long_name);
}

static eg_status add_numbers(eg_context *ctx, eg_builder *b, const char *name, const int64_t *values,
                             const char *long_name) {
  const char *const dims[1] = {DIM};
  size_t index = 0;
  EG_TRY(eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_I64, 1, dims, &b->plan->n_differences, values, &index));
  return eg_labelled_set_text(ctx, b->file, index, "long_name", long_name);
}

eg_status eg_build_difference_coordinates(eg_context *ctx, eg_builder *b, eg_text *names) {
  const eg_plan *const plan = b->plan;
  const size_t n = plan->n_differences;
  const char **words = NULL;
  int64_t *numbers = NULL;
  eg_status status = EG_OK;
  if (n == 0) {
    return EG_OK;
  }
  EG_TRY_DONE(eg_allocate(ctx, 3 * n, sizeof *words, &words));
  EG_TRY_DONE(eg_allocate(ctx, 2 * n, sizeof *numbers, &numbers));
  for (size_t i = 0; i < n; i++) {
    const eg_difference *const d = &plan->differences[i];
    words[i] = plan->groups[d->group].description;
    words[n + i] = plan->runs[d->first].description;
    words[2 * n + i] = plan->runs[d->second].description;
    numbers[i] = (int64_t)d->first;
    numbers[n + i] = (int64_t)d->second;
  }
  EG_TRY_DONE(add_words(ctx, b, "difference_group", words, "group: label and the swept values of its cell"));
  EG_TRY_DONE(add_words(ctx, b, "difference_first", words + n, "run that is subtracted from"));
  EG_TRY_DONE(add_words(ctx, b, "difference_second", words + 2 * n, "run that is subtracted"));
  EG_TRY_DONE(add_numbers(ctx, b, "difference_first_run", numbers, "place of the first run along run"));
  EG_TRY_DONE(add_numbers(ctx, b, "difference_second_run", numbers + n, "place of the second run along run"));
  eg_text_append(names, " difference_group difference_first difference_second difference_first_run "
                        "difference_second_run");
done:
  free(words);
  free(numbers);
  return status;
}

/* ---- estimates ---- */

enum { MEAN, STDERR, COUNT, VARIANCE, VARIANCE_STDERR, UNPAIRED, RATIO, EXACT, EXPECTED, Z, JUDGED, N_COLUMNS };

static const struct {
  const char *suffix;
  eg_type type;
  const char *long_name;
} columns[N_COLUMNS] = {
    {"_difference", EG_TYPE_F64, "mean of the paired difference (first minus second)"},
    {"_difference_stderr", EG_TYPE_F64, "standard error of the mean paired difference"},
    {"_difference_count", EG_TYPE_I64, "number of pairs with both trajectories finite,"},
    {"_difference_variance", EG_TYPE_F64, "variance of the paired difference"},
    {"_difference_variance_stderr", EG_TYPE_F64, "standard error of the variance of the paired difference"},
    {"_difference_variance_unpaired", EG_TYPE_F64, "sum of the two runs' variances: what independent noise would give,"},
    {"_difference_variance_ratio", EG_TYPE_F64, "unpaired over paired variance, NaN where the latter is 0,"},
    {"_difference_exact", EG_TYPE_F64, "difference of the exact means, laws of the dynamics,"},
    {"_difference_expected", EG_TYPE_F64, "difference of the exact means, laws of the schemes that were run,"},
    {"_difference_z", EG_TYPE_F64, "(mean - expected) / stderr of the paired difference"},
    {"_difference_judged", EG_TYPE_U8, "1: z counts for the verdict (as for a run),"},
};

static void fill_one(eg_builder *b, size_t i, size_t t, size_t point, size_t column, double out[N_COLUMNS]) {
  const eg_plan *const plan = b->plan;
  const eg_difference *const d = &plan->differences[i];
  const size_t row = eg_summary_row(plan, t, point), sum = plan->n_runs + i;
  const size_t first = eg_builder_at(b, d->first, t, point, column), second = eg_builder_at(b, d->second, t, point, column);
  eg_moment_estimates m, u, v;
  eg_summary_moments(b->summary, sum, row, column, &m);
  eg_summary_moments(b->summary, d->first, row, column, &u);
  eg_summary_moments(b->summary, d->second, row, column, &v);
  out[MEAN] = m.mean.value;
  out[STDERR] = m.mean.stderr_;
  out[COUNT] = m.count;
  out[VARIANCE] = m.variance.value;
  out[VARIANCE_STDERR] = m.variance.stderr_;
  out[UNPAIRED] = u.variance.value + v.variance.value;
  out[RATIO] = m.variance.value > 0 ? out[UNPAIRED] / m.variance.value : NAN;
  out[EXACT] = b->exact_mean[first] - b->exact_mean[second];
  out[EXPECTED] = b->expected_mean[first] - b->expected_mean[second];
  out[Z] = m.mean.stderr_ > 0 ? (m.mean.value - out[EXPECTED]) / m.mean.stderr_ : NAN;
  if (!isnan(out[Z]) && eg_summary_is_judged(b->summary, sum, row, column)) {
    out[JUDGED] = 1;
    b->n_judged++;
    b->max_z = fabs(out[Z]) > b->max_z ? fabs(out[Z]) : b->max_z;
  }
}

/* values: (N_COLUMNS, n_differences, n_records, n_points, n_columns) */
static void fill(eg_builder *b, size_t n, double *values) {
  const eg_plan *const plan = b->plan;
  for (size_t i = 0; i < N_COLUMNS * n; i++) {
    values[i] = i / n == COUNT || i / n == JUDGED ? 0 : NAN;
  }
  for (size_t i = 0; i < plan->n_differences; i++) {
    for (size_t t = 0; t < eg_plan_sum_run(plan, plan->n_runs + i)->job.n_records; t++) {
      for (size_t point = 0; point < plan->n_points; point++) {
        for (size_t c = 0; c < plan->n_columns; c++) {
          double one[N_COLUMNS] = {0};
          if (eg_plan_is_empty(plan, &plan->runs[plan->differences[i].first], t, c) ||
              eg_plan_is_empty(plan, &plan->runs[plan->differences[i].second], t, c)) {
            continue;
          }
          fill_one(b, i, t, point, c, one);
          for (size_t k = 0; k < N_COLUMNS; k++) {
            values[k * n + eg_builder_at(b, i, t, point, c)] = one[k];
          }
        }
      }
    }
  }
}

static bool is_known(const eg_builder *b, const double *expected, const eg_feature *f) {
  for (size_t i = 0; i < b->plan->n_differences; i++) {
    if (!isnan(expected[eg_builder_at(b, i, 0, 0, f->first)])) {
      return true;
    }
  }
  return false;
}

eg_status eg_build_differences(eg_context *ctx, eg_builder *b) {
  const eg_plan *const plan = b->plan;
  const size_t n = plan->n_differences * plan->n_records * plan->n_points * plan->n_columns;
  double *values = NULL;
  eg_status status = EG_OK;
  if (n == 0) {
    return EG_OK;
  }
  EG_TRY_DONE(eg_allocate(ctx, N_COLUMNS * n, sizeof *values, &values));
  fill(b, n, values);
  for (size_t f = 0; f < plan->n_features; f++) {
    const eg_feature *const feature = &plan->features[f];
    const size_t last = is_known(b, values + EXPECTED * n, feature) ? N_COLUMNS : EXACT;
    for (size_t k = 0; k < last; k++) {
      size_t index = 0;
      EG_TRY_DONE(eg_builder_add_over(ctx, b, DIM, plan->n_differences, feature, columns[k].suffix, columns[k].type,
                                      values + k * n, columns[k].long_name, &index));
      EG_TRY_DONE(eg_mark_heavy_tails(ctx, b, index, k == MEAN ? eg_count_heavy_tails(b, plan->n_runs, plan->n_differences, feature) : 0));
    }
  }
done:
  free(values);
  return status;
}
