/* The printed table, made from a result file alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ensgrad/result.h"
#include "io/result_file.h"
#include "run/result_text.h"
#include "run/split.h"

/* A number in a column, or a dash. */
static void append_number(eg_text *text, int width, int digits, double value) {
  if (isnan(value)) {
    eg_text_append(text, "%-*s ", width, "-");
  } else {
    eg_text_append(text, "%-*.*g ", width, digits, value);
  }
}

/* An estimate whose tails leave too few effective samples for its error bar, or overflow (eg_moments_have_heavy_tails). */
static bool has_heavy_tail(const eg_labelled *file, const char *name, size_t i) {
  const double kurtosis = eg_result_value(file, name, "_kurtosis", i), count = eg_result_value(file, name, "_count", i);
  const double error = eg_result_value(file, name, "_stderr", i);
  return count > 1 && (!isfinite(error) || (error > 0 && !isfinite(kurtosis)) || (kurtosis > 5 && count / ((kurtosis - 1) / 2) < 1000));
}

/* All values are equal, of a random run: an event that has not happened yet is no error of 0. */
static bool is_constant(const eg_labelled *file, const char *name, size_t i) {
  return eg_result_value(file, name, "_stderr", i) == 0 && eg_result_value(file, name, "_count", i) > 1;
}

/* Is the run in this list of the estimate's attributes? */
static bool is_listed(const eg_variable *mean, const char *attribute, size_t run) {
  const eg_attribute *const a = eg_labelled_attribute(mean, attribute);
  for (size_t i = 0; a != NULL && a->type == EG_TYPE_I64 && i < a->n; i++) {
    if (((const int64_t *)a->data)[i] == (int64_t)run) {
      return true;
    }
  }
  return false;
}

static void table_row(eg_text *text, const eg_labelled *file, const char *name, size_t run, size_t point) {
  const eg_variable *const mean = eg_labelled_find(file, "/", name);
  const eg_result_shape s = eg_result_shape_of(mean);
  const size_t t = eg_result_last_time(file, "", run, s.times);
  const eg_variable *const z = eg_result_find(file, "/", name, "_z"), *const judged = eg_result_find(file, "/", name, "_judged");
  const bool has_variance = !is_listed(mean, "no_variance", run);
  char label[128];
  eg_result_run_label(file, run, label, sizeof label);
  eg_text_append(text, "%-14s %-12.6g ", label, eg_result_at(eg_labelled_find(file, "/", eg_result_step_name(file)), run));
  if (s.points > 1) {
    eg_text_append(text, "%-5zu ", point);
  }
  if (s.components == 1) {
    const size_t i = eg_result_index(s, run, point, t, 0);
    const double expected = eg_result_value(file, name, "_expected", i);
    eg_text_append(text, "%-15s ", name);
    append_number(text, 16, 10, eg_result_at(mean, i));
    append_number(text, 10, 2, has_variance ? eg_result_value(file, name, "_stderr", i) : NAN);
    if (z != NULL) {
      append_number(text, 16, 10, expected);
    }
    if (z != NULL && !isnan(eg_result_at(z, i))) {
      eg_text_append(text, "%+.2f%s", eg_result_at(z, i), eg_result_at(judged, i) != 0 ? "" : "  not judged");
    }
    if (!has_variance) {
      eg_text_append(text, "  stable noise: no %s, no error bar\n", is_listed(mean, "no_mean", run) ? "mean" : "variance");
    } else {
      eg_text_append(text, has_heavy_tail(file, name, i) ? "  heavy tail: do not trust the error bar\n"
                           : is_constant(file, name, i)  ? "  the same in all realisations\n"
                                                         : "\n");
    }
    return;
  }
  double largest = NAN;
  size_t n_judged = 0, n_heavy = 0;
  for (size_t k = 0; k < s.components; k++) {
    const size_t i = eg_result_index(s, run, point, t, k);
    n_heavy += has_heavy_tail(file, name, i);
    if (z != NULL && eg_result_at(judged, i) != 0) {
      n_judged++;
      largest = isnan(largest) || fabs(eg_result_at(z, i)) > largest ? fabs(eg_result_at(z, i)) : largest;
    }
  }
  eg_text_append(text, "%-15s %zu components", name, s.components);
  if (n_judged > 0) {
    eg_text_append(text, ", largest |z| of %zu judged: %.2f", n_judged, largest);
  }
  if (!has_variance) {
    eg_text_append(text, ", stable noise: no %s, no error bars", is_listed(mean, "no_mean", run) ? "mean" : "variance");
  } else if (n_heavy > 0) {
    eg_text_append(text, ", heavy tails: do not trust the error bars of %zu", n_heavy);
  }
  eg_text_append(text, "\n");
}

static void estimates_table(eg_text *text, const eg_labelled *file) {
  bool has_head = false;
  for (size_t i = 0; i < file->n_variables; i++) {
    const eg_variable *const mean = &file->variables[i];
    if (!eg_result_is_observable(mean)) {
      continue;
    }
    const eg_result_shape s = eg_result_shape_of(mean);
    if (!has_head) {
      eg_text_append(text, "\n%-14s %-12s %s%-15s %-16s %-10s %-16s %s\n", "dynamics", eg_result_step_name(file),
                     s.points > 1 ? "point " : "", "feature", "mean", "stderr", "expected", "z");
      has_head = true;
    }
    for (size_t run = 0; run < s.runs; run++) {
      for (size_t point = 0; point < s.points; point++) {
        table_row(text, file, mean->name, run, point);
      }
    }
  }
}

static bool is_difference(const eg_variable *v, const char *feature) {
  return v != NULL && v->rank >= (strcmp(feature, "x") == 0 ? 3 : 2);
}

/* Place of the first component at the last of n times that there is a value of, `first` being the place of the first time. */
static size_t last_difference(const eg_variable *v, size_t first, size_t n_times, size_t n_components) {
  size_t t = n_times > 0 ? n_times - 1 : 0;
  while (t > 0 && isnan(eg_result_at(v, (first + t) * n_components))) {
    t--;
  }
  return (first + t) * n_components;
}

/* Place of the values of a difference over (difference[, point], time[, component]) at the last time. */
static size_t difference_at(const eg_variable *v, const char *feature, size_t difference, size_t point, size_t component,
                            size_t *n_points, size_t *n_components) {
  const bool has_components = strcmp(feature, "x") == 0;
  *n_components = has_components ? v->shape[v->rank - 1] : 1;
  *n_points = v->rank == (has_components ? 4 : 3) ? v->shape[1] : 1;
  const size_t n_times = v->shape[*n_points > 1 ? 2 : 1];
  return last_difference(v, (difference * *n_points + point) * n_times, n_times, *n_components) + component;
}

void eg_result_name_value(const char *feature, size_t n_components, size_t component, size_t n_points, size_t point,
                          char what[EG_VALUE_NAME]) {
  char place[56] = "";
  if (n_components > 1) {
    (void)snprintf(place, sizeof place, "[%zu]", component);
  }
  if (n_points > 1) {
    (void)snprintf(place + strlen(place), sizeof place - strlen(place), " point %zu", point);
  }
  (void)snprintf(what, EG_VALUE_NAME, "%.40s%s", feature, place);
}

/* One line for each point and component of a feature. */
static void difference_rows(eg_text *text, const eg_labelled *file, const char *feature, size_t difference,
                            const char *label, int width) {
  char name[64], what[EG_VALUE_NAME];
  (void)snprintf(name, sizeof name, "%s_difference", feature);
  const eg_variable *const mean = eg_labelled_find(file, "/", name), *const z = eg_result_find(file, "/", name, "_z");
  size_t n_points = 1, n_components = 1;
  for (size_t point = 0; is_difference(mean, feature) && point < n_points; point++) {
    for (size_t k = 0; k < n_components; k++) {
      const size_t i = difference_at(mean, feature, difference, point, k, &n_points, &n_components);
      eg_result_name_value(feature, n_components, k, n_points, point, what);
      eg_text_append(text, "%-*s %-15s ", width, label, what);
      append_number(text, 16, 8, eg_result_at(mean, i));
      append_number(text, 10, 2, eg_result_value(file, name, "_stderr", i));
      append_number(text, 12, 4, eg_result_value(file, name, "_variance", i));
      append_number(text, 12, 4, eg_result_value(file, name, "_variance_unpaired", i));
      append_number(text, 10, 3, eg_result_value(file, name, "_variance_ratio", i));
      if (z != NULL) {
        append_number(text, 16, 8, eg_result_value(file, name, "_expected", i));
      }
      if (z != NULL && !isnan(eg_result_at(z, i))) {
        const bool is_judged = eg_result_value(file, name, "_judged", i) != 0;
        eg_text_append(text, "%+.2f%s", eg_result_at(z, i), is_judged ? "" : "  not judged");
      }
      eg_text_append(text, "\n");
    }
  }
}

static void difference_table(eg_text *text, const eg_labelled *file) {
  const eg_variable *const first = eg_labelled_find(file, "/", "difference_first");
  const eg_variable *const second = eg_labelled_find(file, "/", "difference_second");
  if (first == NULL || second == NULL) {
    return;
  }
  size_t width = strlen("first - second");
  for (size_t i = 0; i < eg_variable_size(first); i++) {
    const size_t length = strlen(eg_result_word(first, i)) + strlen(eg_result_word(second, i)) + strlen(" - ");
    width = length > width ? length : width;
  }
  eg_text_append(text, "\nDifferences in groups at the last time; unpaired: the variance that independent noise would give\n");
  eg_text_append(text, "%-*s %-15s %-16s %-10s %-12s %-12s %-10s %-16s %s\n", (int)width, "first - second", "feature",
                 "mean", "stderr", "variance", "unpaired", "ratio", "expected", "z");
  for (size_t i = 0; i < eg_variable_size(first); i++) {
    eg_text label = {0};
    eg_text_append(&label, "%s - %s", eg_result_word(first, i), eg_result_word(second, i));
    for (size_t f = 0; f < file->n_variables; f++) {
      if (eg_result_is_observable(&file->variables[f])) {
        difference_rows(text, file, file->variables[f].name, i, eg_text_string(&label), (int)width);
      }
    }
    eg_text_free(&label);
  }
}

static void extrapolated_rows(eg_text *text, const eg_labelled *file, const char *feature, size_t difference,
                              const char *label, int width) {
  char name[64], what[EG_VALUE_NAME];
  (void)snprintf(name, sizeof name, "%s_extrapolated", feature);
  const eg_variable *const value = eg_labelled_find(file, "/", name);
  size_t n_points = 1, n_components = 1;
  for (size_t point = 0; is_difference(value, feature) && point < n_points; point++) {
    for (size_t k = 0; k < n_components; k++) {
      const size_t i = difference_at(value, feature, difference, point, k, &n_points, &n_components);
      if (isnan(eg_result_at(value, i))) {
        continue; /* a group that does not extrapolate */
      }
      eg_result_name_value(feature, n_components, k, n_points, point, what);
      eg_text_append(text, "%-*s %-15s ", width, label, what);
      append_number(text, 16, 10, eg_result_at(value, i));
      append_number(text, 10, 2, eg_result_value(file, name, "_stderr", i));
      append_number(text, 16, 10, eg_result_value(file, name, "_exact", i));
      append_number(text, 16, 10, eg_result_value(file, name, "_expected", i));
      const double z = eg_result_value(file, name, "_z", i);
      if (!isnan(z)) {
        eg_text_append(text, "%+.2f%s", z, eg_result_value(file, name, "_judged", i) != 0 ? "" : "  not judged");
      }
      eg_text_append(text, "\n");
    }
  }
}

static void extrapolated_table(eg_text *text, const eg_labelled *file) {
  const eg_variable *const first = eg_labelled_find(file, "/", "difference_first");
  const eg_variable *const second = eg_labelled_find(file, "/", "difference_second");
  size_t width = strlen("coarse, fine");
  bool has_any = false;
  for (size_t f = 0; f < file->n_variables; f++) {
    has_any = has_any || (eg_result_is_observable(&file->variables[f]) && eg_result_find(file, "/", file->variables[f].name, "_extrapolated") != NULL);
  }
  if (first == NULL || second == NULL || !has_any) {
    return;
  }
  for (size_t i = 0; i < eg_variable_size(first); i++) {
    const size_t length = strlen(eg_result_word(first, i)) + strlen(eg_result_word(second, i)) + strlen(", ");
    width = length > width ? length : width;
  }
  eg_text_append(text, "\nRichardson extrapolation at the last time; exact: law of the dynamics, expected: of the schemes\n");
  eg_text_append(text, "%-*s %-15s %-16s %-10s %-16s %-16s %s\n", (int)width, "coarse, fine", "feature", "value", "stderr",
                 "exact", "expected", "z");
  for (size_t i = 0; i < eg_variable_size(first); i++) {
    eg_text label = {0};
    eg_text_append(&label, "%s, %s", eg_result_word(first, i), eg_result_word(second, i));
    for (size_t f = 0; f < file->n_variables; f++) {
      if (eg_result_is_observable(&file->variables[f])) {
        extrapolated_rows(text, file, file->variables[f].name, i, eg_text_string(&label), (int)width);
      }
    }
    eg_text_free(&label);
  }
}

/* Of every difference that is one of antithetic pairs. */
static void antithetic_table(eg_text *text, const eg_labelled *file) {
  const eg_variable *const first = eg_labelled_find(file, "/", "difference_first");
  bool has_header = false;
  for (size_t i = 0; first != NULL && i < eg_variable_size(first); i++) {
    for (size_t f = 0; f < file->n_variables; f++) {
      const char *const name = file->variables[f].name;
      const eg_variable *const mean = eg_result_is_observable(&file->variables[f]) ? eg_result_find(file, "/", name, "_antithetic") : NULL;
      if (mean == NULL) {
        continue;
      }
      const eg_result_shape s = eg_result_shape_of(mean);
      for (size_t k = 0; k < s.points * s.components; k++) {
        const size_t at_last = last_difference(mean, (i * s.points + k / s.components) * s.times, s.times, s.components) + k % s.components;
        if (isnan(eg_result_at(mean, at_last))) {
          continue;
        }
        if (!has_header) {
          eg_text_append(text, "\nAntithetic pairs at the last time; gain: variance of independent trajectories over that of pairs\n"
                               "%-28s %-15s %-16s %-10s %-16s %-8s %s\n",
                         "run", "feature", "mean", "stderr", "expected", "z", "gain");
          has_header = true;
        }
        eg_text_append(text, "%-28s %-15s %-16.10g %-10.2g ", eg_result_word(first, i), name, eg_result_at(mean, at_last),
                       eg_result_value(file, name, "_antithetic_stderr", at_last));
        append_number(text, 16, 10, eg_result_value(file, name, "_antithetic_expected", at_last));
        append_number(text, 8, 3, eg_result_value(file, name, "_antithetic_judged", at_last) != 0
                                      ? eg_result_value(file, name, "_antithetic_z", at_last)
                                      : NAN);
        append_number(text, 8, 4, eg_result_value(file, name, "_antithetic_gain", at_last));
        eg_text_append(text, "\n");
      }
    }
  }
}

eg_status eg_result_finish_text(eg_context *ctx, eg_text *text, char **out) {
  if (text->is_broken || text->data == NULL) {
    eg_text_free(text);
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory");
  }
  *out = text->data;
  return EG_OK;
}

/* All means, at all times, that tails make untrustworthy: the rows above are of the last time, and none are of path statistics. */
static void heavy_lines(eg_text *text, const eg_labelled *file) {
  bool has_head = false;
  for (size_t i = 0; i < file->n_variables; i++) {
    const eg_variable *const v = &file->variables[i];
    const eg_attribute *const n = eg_labelled_attribute(v, "heavy_tails");
    if (n != NULL && n->type == EG_TYPE_I64 && n->n == 1) {
      eg_text_append(text, "%s%.64s (%lld of %zu values)", has_head ? ", " : "\nHeavy tails, do not trust the error bars of: ", v->name,
                     (long long)*(const int64_t *)n->data, eg_variable_size(v));
      has_head = true;
    }
  }
  eg_text_append(text, has_head ? "\n" : "");
}

/* Runs that end by their errors. */
static void until_lines(eg_text *text, const eg_labelled *file) {
  const eg_variable *const left = eg_labelled_find(file, "/", "until_left"), *const n = eg_labelled_find(file, "/", "until_realisations");
  const eg_variable *const runs = eg_labelled_find(file, "/", "description");
  for (size_t r = 0; left != NULL && n != NULL && runs != NULL && r < eg_variable_size(left); r++) {
    eg_text_append(text, "%s%s: %.0f realisations, ", r == 0 ? "\n" : "", eg_result_word(runs, r), eg_result_at(n, r));
    if (isnan(eg_result_at(left, r))) {
      eg_text_append(text, "no error asked for\n");
    } else if (isinf(eg_result_at(left, r))) {
      eg_text_append(text, "no error bar yet, as of an event that has not happened: NOT reached\n");
    } else {
      const double floor = eg_result_value(file, "until_floor", "", r);
      eg_text_append(text, "error %.3g of the one asked for%s\n", eg_result_at(left, r),
                     eg_result_at(left, r) <= 1 ? ""
                     : floor > 1                ? ": NOT reached, and no number of realisations reaches it: the bins that the quantile is from are too wide"
                                                : " (or effective samples are missing): NOT reached");
    }
  }
}

static void counts_line(eg_text *text, const eg_labelled *file) {
  const eg_variable *const diverged = eg_labelled_find(file, "/accumulators", "diverged");
  double bad = 0;
  for (size_t r = 0; diverged != NULL && r < eg_variable_size(diverged); r++) {
    bad += eg_result_at(diverged, r);
  }
  const double n = eg_result_group_number(file, "z_judged");
  if (n > 0) {
    eg_text_append(text, "\n%.0f z judged, largest |z| %.2f (a correct run stays below %.2f but for 1 in 10^6)\n", n,
                   eg_result_group_number(file, "z_largest"), eg_result_group_number(file, "z_limit"));
  }
  if (bad > 0) {
    eg_text_append(text, "%.0f trajectories became non-finite; means are conditional on survival (/failures lists them)\n",
                   bad);
  }
}

eg_status eg_result_table(eg_context *ctx, const char *path, char **out) {
  eg_labelled *file = NULL;
  eg_text text = {0};
  EG_TRY(eg_result_open(ctx, path, &file));
  if (eg_is_split_result(file)) {
    eg_result_splitting_text(&text, file);
    eg_labelled_free(file);
    return eg_result_finish_text(ctx, &text, out);
  }
  eg_text_append(&text, "%s\n%s: %s\n", eg_result_group_text(file, "title"), path, eg_result_group_text(file, "status"));
  estimates_table(&text, file);
  difference_table(&text, file);
  extrapolated_table(&text, file);
  antithetic_table(&text, file);
  eg_result_common_text(&text, file);
  eg_result_weak_text(&text, file);
  eg_result_diffusion_text(&text, file);
  eg_result_escape_text(&text, file);
  eg_result_stationary_text(&text, file);
  eg_result_currents_text(&text, file);
  eg_result_scaling_text(&text, file);
  eg_result_flow_text(&text, file);
  eg_result_multilevel_text(&text, file);
  eg_result_quantiles_text(&text, file);
  eg_result_tail_text(&text, file);
  eg_result_averages_text(&text, file);
  eg_result_histograms_text(&text, file);
  heavy_lines(&text, file);
  until_lines(&text, file);
  counts_line(&text, file);
  eg_labelled_free(file);
  return eg_result_finish_text(ctx, &text, out);
}

eg_status eg_result_check(eg_context *ctx, const char *path, int *is_complete) {
  eg_labelled *file = NULL;
  EG_TRY(eg_result_open(ctx, path, &file));
  *is_complete = strcmp(eg_result_group_text(file, "status"), "complete") == 0;
  eg_labelled_free(file);
  return EG_OK;
}
