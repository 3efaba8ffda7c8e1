/* The printed table and CSV, made from a result file alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ensgrad/result.h"
#include "io/result_file.h"
#include "run/result_text.h"
#include "run/split.h"

/* Is this the mean of an observable? Those, and nothing else at the top, are averages over realisations. */
static bool is_observable(const eg_variable *v) {
  const eg_attribute *const a = eg_labelled_attribute(v, "cell_methods");
  return strcmp(v->group, "/") == 0 && a != NULL && a->type == EG_TYPE_TEXT &&
         strcmp(((char *const *)a->data)[0], "realization: mean") == 0;
}

static const eg_variable *find(const eg_labelled *file, const char *group, const char *name, const char *suffix) {
  char full[96];
  (void)snprintf(full, sizeof full, "%s%s", name, suffix);
  return eg_labelled_find(file, group, full);
}

static double at(const eg_variable *v, size_t i) {
  if (v == NULL) {
    return NAN;
  }
  switch (v->type) {
  case EG_TYPE_F64:
    return ((const double *)v->data)[i];
  case EG_TYPE_I64:
    return (double)((const int64_t *)v->data)[i];
  case EG_TYPE_U8:
    return (double)((const uint8_t *)v->data)[i];
  default:
    return NAN;
  }
}

static const char *word_at(const eg_variable *v, size_t i) {
  return v != NULL && v->type == EG_TYPE_TEXT ? ((char *const *)v->data)[i] : "";
}

static const char *group_text(const eg_labelled *file, const char *name) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, "/", name);
  return a != NULL && a->type == EG_TYPE_TEXT ? ((char *const *)a->data)[0] : "";
}

static double group_number(const eg_labelled *file, const char *name) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, "/", name);
  if (a == NULL || a->n != 1) {
    return NAN;
  }
  return a->type == EG_TYPE_F64 ? *(const double *)a->data : (a->type == EG_TYPE_I64 ? (double)*(const int64_t *)a->data : NAN);
}

/* Sizes of (run, point, time, component) of an observable. */
typedef struct shape4 {
  size_t runs, points, times, components;
} shape4;

static shape4 shape_of(const eg_variable *v) {
  shape4 s = {1, 1, 1, 1};
  for (int i = 0; i < v->rank; i++) {
    if (strcmp(v->dims[i], "run") == 0) {
      s.runs = v->shape[i];
    } else if (strcmp(v->dims[i], "point") == 0) {
      s.points = v->shape[i];
    } else if (strcmp(v->dims[i], "component") == 0) {
      s.components = v->shape[i];
    } else {
      s.times = v->shape[i];
    }
  }
  return s;
}

static size_t index_of(shape4 s, size_t run, size_t point, size_t time, size_t component) {
  return ((run * s.points + point) * s.times + time) * s.components + component;
}

const char *eg_result_step_name(const eg_labelled *file) {
  return eg_labelled_find(file, "/", "learning_rate") != NULL ? "learning_rate" : "time_step";
}

const eg_variable *eg_result_axis(const eg_labelled *file, const char *name, const char *schedule) {
  char full[64];
  (void)snprintf(full, sizeof full, "%s%s", name, schedule);
  return eg_labelled_find(file, "/", full);
}

double eg_result_time(const eg_labelled *file, const char *schedule, size_t run, size_t t, size_t n_times) {
  const eg_variable *const v = eg_result_axis(file, "time", schedule);
  return v == NULL ? NAN : at(v, v->rank == 1 ? t : run * n_times + t);
}

/* Last time with a record in this run. */
size_t eg_result_last_time(const eg_labelled *file, const char *schedule, size_t run, size_t n_times) {
  const eg_variable *const step = eg_result_axis(file, "step", schedule);
  size_t t = n_times - 1;
  while (t > 0 && step != NULL && at(step, run * n_times + t) < 0) {
    t--;
  }
  return t;
}

void eg_result_run_name(const eg_labelled *file, size_t run, char *out, size_t size) {
  (void)snprintf(out, size, "%s", word_at(eg_labelled_find(file, "/", "description"), run));
}

/* What tells a run from others of the same learning rate: its description without that item ("sgd batch_size=4"). */
void eg_result_run_label(const eg_labelled *file, size_t run, char *out, size_t size) {
  const char *const description = word_at(eg_labelled_find(file, "/", "description"), run);
  const char *rate = strstr(description, " learning_rate=");
  rate = rate != NULL ? rate : strstr(description, " time_step=");
  if (rate == NULL) {
    (void)snprintf(out, size, "%s", description);
    return;
  }
  const char *const rest = strchr(rate + 1, ' ');
  (void)snprintf(out, size, "%.*s%s", (int)(rate - description), description, rest != NULL ? rest : "");
}

/* A number in a column, or a dash. */
static void append_number(eg_text *text, int width, int digits, double value) {
  if (isnan(value)) {
    eg_text_append(text, "%-*s ", width, "-");
  } else {
    eg_text_append(text, "%-*.*g ", width, digits, value);
  }
}

/* An estimate whose tails leave too few effective samples for its error bar (run/summary.h has the same limit). */
static bool has_heavy_tail(const eg_labelled *file, const char *name, size_t i) {
  const double kurtosis = at(find(file, "/", name, "_kurtosis"), i), count = at(find(file, "/", name, "_count"), i);
  return kurtosis > 5 && count / ((kurtosis - 1) / 2) < 1000;
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
  const shape4 s = shape_of(mean);
  const size_t t = eg_result_last_time(file, "", run, s.times);
  const eg_variable *const z = find(file, "/", name, "_z"), *const judged = find(file, "/", name, "_judged");
  const bool has_variance = !is_listed(mean, "no_variance", run);
  char label[128];
  eg_result_run_label(file, run, label, sizeof label);
  eg_text_append(text, "%-14s %-12.6g ", label, at(eg_labelled_find(file, "/", eg_result_step_name(file)), run));
  if (s.points > 1) {
    eg_text_append(text, "%-5zu ", point);
  }
  if (s.components == 1) {
    const size_t i = index_of(s, run, point, t, 0);
    const double expected = at(find(file, "/", name, "_expected"), i);
    eg_text_append(text, "%-15s ", name);
    append_number(text, 16, 10, at(mean, i));
    append_number(text, 10, 2, has_variance ? at(find(file, "/", name, "_stderr"), i) : NAN);
    if (z != NULL) {
      append_number(text, 16, 10, expected);
    }
    if (z != NULL && !isnan(at(z, i))) {
      eg_text_append(text, "%+.2f%s", at(z, i), at(judged, i) != 0 ? "" : "  not judged");
    }
    if (!has_variance) {
      eg_text_append(text, "  stable noise: no %s, no error bar\n", is_listed(mean, "no_mean", run) ? "mean" : "variance");
    } else {
      eg_text_append(text, has_heavy_tail(file, name, i) ? "  heavy tail: do not trust the error bar\n" : "\n");
    }
    return;
  }
  double largest = NAN;
  size_t n_judged = 0, n_heavy = 0;
  for (size_t k = 0; k < s.components; k++) {
    const size_t i = index_of(s, run, point, t, k);
    n_heavy += has_heavy_tail(file, name, i);
    if (z != NULL && at(judged, i) != 0) {
      n_judged++;
      largest = isnan(largest) || fabs(at(z, i)) > largest ? fabs(at(z, i)) : largest;
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
    if (!is_observable(mean)) {
      continue;
    }
    const shape4 s = shape_of(mean);
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

/* Place of the values of a difference over (difference[, point], time[, component]) at the last time. */
static size_t difference_at(const eg_variable *v, const char *feature, size_t difference, size_t point, size_t component,
                            size_t *n_points, size_t *n_components) {
  const bool has_components = strcmp(feature, "x") == 0;
  *n_components = has_components ? v->shape[v->rank - 1] : 1;
  *n_points = v->rank == (has_components ? 4 : 3) ? v->shape[1] : 1;
  const size_t n_times = v->shape[*n_points > 1 ? 2 : 1];
  return ((difference * *n_points + point) * n_times + n_times - 1) * *n_components + component;
}

/* One line for each point and component of a feature. */
static void difference_rows(eg_text *text, const eg_labelled *file, const char *feature, size_t difference,
                            const char *label, int width) {
  char name[64], what[96];
  (void)snprintf(name, sizeof name, "%s_difference", feature);
  const eg_variable *const mean = eg_labelled_find(file, "/", name), *const z = find(file, "/", name, "_z");
  size_t n_points = 1, n_components = 1;
  for (size_t point = 0; mean != NULL && point < n_points; point++) {
    for (size_t k = 0; k < n_components; k++) {
      const size_t i = difference_at(mean, feature, difference, point, k, &n_points, &n_components);
      int length = snprintf(what, sizeof what, n_components > 1 ? "%s[%zu]" : "%s", feature, k);
      (void)snprintf(what + length, sizeof what - (size_t)length, n_points > 1 ? " point %zu" : "", point);
      eg_text_append(text, "%-*s %-15s ", width, label, what);
      append_number(text, 16, 8, at(mean, i));
      append_number(text, 10, 2, at(find(file, "/", name, "_stderr"), i));
      append_number(text, 12, 4, at(find(file, "/", name, "_variance"), i));
      append_number(text, 12, 4, at(find(file, "/", name, "_variance_unpaired"), i));
      append_number(text, 10, 3, at(find(file, "/", name, "_variance_ratio"), i));
      if (z != NULL) {
        append_number(text, 16, 8, at(find(file, "/", name, "_expected"), i));
      }
      if (z != NULL && !isnan(at(z, i))) {
        const bool is_judged = at(find(file, "/", name, "_judged"), i) != 0;
        eg_text_append(text, "%+.2f%s", at(z, i), is_judged ? "" : "  not judged");
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
  for (size_t i = 0; i < first->shape[0]; i++) {
    const size_t length = strlen(word_at(first, i)) + strlen(word_at(second, i)) + strlen(" - ");
    width = length > width ? length : width;
  }
  eg_text_append(text, "\nDifferences in groups at the last time; unpaired: the variance that independent noise would give\n");
  eg_text_append(text, "%-*s %-15s %-16s %-10s %-12s %-12s %-10s %-16s %s\n", (int)width, "first - second", "feature",
                 "mean", "stderr", "variance", "unpaired", "ratio", "expected", "z");
  for (size_t i = 0; i < first->shape[0]; i++) {
    eg_text label = {0};
    eg_text_append(&label, "%s - %s", word_at(first, i), word_at(second, i));
    for (size_t f = 0; f < file->n_variables; f++) {
      if (is_observable(&file->variables[f])) {
        difference_rows(text, file, file->variables[f].name, i, eg_text_string(&label), (int)width);
      }
    }
    eg_text_free(&label);
  }
}

static void extrapolated_rows(eg_text *text, const eg_labelled *file, const char *feature, size_t difference,
                              const char *label, int width) {
  char name[64], what[96];
  (void)snprintf(name, sizeof name, "%s_extrapolated", feature);
  const eg_variable *const value = eg_labelled_find(file, "/", name);
  size_t n_points = 1, n_components = 1;
  for (size_t point = 0; value != NULL && point < n_points; point++) {
    for (size_t k = 0; k < n_components; k++) {
      const size_t i = difference_at(value, feature, difference, point, k, &n_points, &n_components);
      if (isnan(at(value, i))) {
        continue; /* a group that does not extrapolate */
      }
      int length = snprintf(what, sizeof what, n_components > 1 ? "%s[%zu]" : "%s", feature, k);
      (void)snprintf(what + length, sizeof what - (size_t)length, n_points > 1 ? " point %zu" : "", point);
      eg_text_append(text, "%-*s %-15s ", width, label, what);
      append_number(text, 16, 10, at(value, i));
      append_number(text, 10, 2, at(find(file, "/", name, "_stderr"), i));
      append_number(text, 16, 10, at(find(file, "/", name, "_exact"), i));
      append_number(text, 16, 10, at(find(file, "/", name, "_expected"), i));
      const double z = at(find(file, "/", name, "_z"), i);
      if (!isnan(z)) {
        eg_text_append(text, "%+.2f%s", z, at(find(file, "/", name, "_judged"), i) != 0 ? "" : "  not judged");
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
    has_any = has_any || (is_observable(&file->variables[f]) && find(file, "/", file->variables[f].name, "_extrapolated") != NULL);
  }
  if (first == NULL || second == NULL || !has_any) {
    return;
  }
  for (size_t i = 0; i < first->shape[0]; i++) {
    const size_t length = strlen(word_at(first, i)) + strlen(word_at(second, i)) + strlen(", ");
    width = length > width ? length : width;
  }
  eg_text_append(text, "\nRichardson extrapolation at the last time; exact: law of the dynamics, expected: of the schemes\n");
  eg_text_append(text, "%-*s %-15s %-16s %-10s %-16s %-16s %s\n", (int)width, "coarse, fine", "feature", "value", "stderr",
                 "exact", "expected", "z");
  for (size_t i = 0; i < first->shape[0]; i++) {
    eg_text label = {0};
    eg_text_append(&label, "%s, %s", word_at(first, i), word_at(second, i));
    for (size_t f = 0; f < file->n_variables; f++) {
      if (is_observable(&file->variables[f])) {
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
  for (size_t i = 0; first != NULL && i < first->shape[0]; i++) {
    for (size_t f = 0; f < file->n_variables; f++) {
      const char *const name = file->variables[f].name;
      const eg_variable *const mean = is_observable(&file->variables[f]) ? find(file, "/", name, "_antithetic") : NULL;
      if (mean == NULL) {
        continue;
      }
      const shape4 s = shape_of(mean);
      for (size_t k = 0; k < s.points * s.components; k++) {
        const size_t at_last = ((i * s.points + k / s.components) * s.times + s.times - 1) * s.components + k % s.components;
        if (isnan(at(mean, at_last))) {
          continue;
        }
        if (!has_header) {
          eg_text_append(text, "\nAntithetic pairs at the last time; gain: variance of independent trajectories over that of pairs\n"
                               "%-28s %-15s %-16s %-10s %-16s %-8s %s\n",
                         "run", "feature", "mean", "stderr", "expected", "z", "gain");
          has_header = true;
        }
        eg_text_append(text, "%-28s %-15s %-16.10g %-10.2g ", word_at(first, i), name, at(mean, at_last),
                       at(find(file, "/", name, "_antithetic_stderr"), at_last));
        append_number(text, 16, 10, at(find(file, "/", name, "_antithetic_expected"), at_last));
        append_number(text, 8, 3, at(find(file, "/", name, "_antithetic_judged"), at_last) != 0
                                      ? at(find(file, "/", name, "_antithetic_z"), at_last)
                                      : NAN);
        append_number(text, 8, 4, at(find(file, "/", name, "_antithetic_gain"), at_last));
        eg_text_append(text, "\n");
      }
    }
  }
}

static void verdict_text(double verdict, char *out, size_t size) {
  if (verdict >= 1) {
    (void)snprintf(out, size, "order %.0f", verdict);
  } else {
    (void)snprintf(out, size, "%s", verdict == 0    ? "noise dominated"
                                    : verdict == -1 ? "no order fits"
                                                    : "too few rates");
  }
}

/* A dash where the error has no sign to speak of, or changes it. */
static void append_slope(eg_text *text, double slope, double error) {
  if (isnan(slope)) {
    eg_text_append(text, " -");
  } else if (error > 0) {
    eg_text_append(text, " %.2f(%.2g)", slope, error);
  } else {
    eg_text_append(text, " %.2f", slope);
  }
}

static void weak_row(eg_text *text, const eg_labelled *file, const char *prefix, size_t cell, const char *curve,
                     const char *feature) {
  const eg_variable *const slope = find(file, "/analysis", prefix, "_slope");
  const eg_variable *const stderr_ = find(file, "/analysis", prefix, "_slope_stderr");
  const eg_variable *const exact = find(file, "/analysis", prefix, "_slope_exact");
  char verdict[32], verdict_exact[32];
  const eg_variable *const ratio = find(file, "/analysis", prefix, "_variance_ratio");
  const size_t n = slope->shape[slope->rank - 1];
  verdict_text(at(find(file, "/analysis", prefix, "_verdict"), cell), verdict, sizeof verdict);
  verdict_text(at(find(file, "/analysis", prefix, "_verdict_exact"), cell), verdict_exact, sizeof verdict_exact);
  eg_text_append(text, "%-16s %-10s %-16s %-16s slopes", curve, feature, verdict, verdict_exact);
  for (size_t k = 0; k < n; k++) {
    append_slope(text, at(slope, cell * n + k), at(stderr_, cell * n + k));
  }
  eg_text_append(text, "  exact");
  for (size_t k = 0; k < n; k++) {
    append_slope(text, at(exact, cell * n + k), 0);
  }
  for (size_t k = 0; ratio != NULL && !isnan(at(ratio, cell * (n + 1))) && k <= n; k++) {
    eg_text_append(text, "%s %.3g", k == 0 ? "  unpaired/paired variance" : "", at(ratio, cell * (n + 1) + k));
  }
  eg_text_append(text, "\n");
}

static void weak_table(eg_text *text, const eg_labelled *file, const char *prefix) {
  const eg_variable *const verdict = find(file, "/analysis", prefix, "_verdict");
  const eg_variable *const curves = find(file, "/analysis", prefix, "_curve");
  const eg_variable *const names = find(file, "/analysis", prefix, "_feature");
  const eg_variable *const slope = find(file, "/analysis", prefix, "_slope");
  if (verdict == NULL || verdict->rank < 3 || slope == NULL || slope->rank != verdict->rank + 1) {
    return;
  }
  const char *const step = find(file, "/analysis", prefix, "_inverse_l") != NULL          ? "1/l"
                           : find(file, "/analysis", prefix, "_inverse_substeps") != NULL ? "1/substeps"
                                                                                          : "eta";
  eg_text_append(text, "\nWeak error at the last time: E f(run) - E f(reference) = c %s^p (1 + c' %s)\n", step, step);
  eg_text_append(text, "%-16s %-10s %-16s %-16s local slopes, large to small rates (standard error)\n", "curve",
                 "feature", "verdict", "exact errors");
  const size_t n_points = verdict->rank == 4 ? verdict->shape[2] : 1, n_times = verdict->shape[verdict->rank - 1];
  bool has_loss = false;
  for (size_t f = 0; f < verdict->shape[1]; f++) {
    has_loss = has_loss || strcmp(word_at(names, f), "loss") == 0;
    for (size_t c = 0; c < verdict->shape[0]; c++) {
      for (size_t point = 0; point < n_points; point++) {
        char label[128];
        (void)snprintf(label, sizeof label, n_points > 1 ? "%s point %zu" : "%s", word_at(curves, c), point);
        weak_row(text, file, prefix, ((c * verdict->shape[1] + f) * n_points + point) * n_times + n_times - 1, label,
                 word_at(names, f));
      }
    }
  }
  if (has_loss) {
    eg_text_append(text, "Remark: the first-order coefficient of a loss can nearly vanish and change sign with the data; "
                         "read its order from norm2 and x.\n");
  }
}

eg_status eg_result_open(eg_context *ctx, const char *path, eg_labelled **file) {
  EG_TRY(eg_result_read(ctx, path, file));
  if (eg_labelled_find(*file, "/", "dynamics") == NULL || eg_labelled_find(*file, "/", "step") == NULL) {
    eg_labelled_free(*file);
    return eg_fail(ctx, EG_ERR_DAMAGED, "%s: sealed, but not a result of a study", path);
  }
  return EG_OK;
}

static eg_status finish(eg_context *ctx, eg_text *text, char **out) {
  if (text->is_broken || text->data == NULL) {
    eg_text_free(text);
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory");
  }
  *out = text->data;
  return EG_OK;
}

/* Runs that end by their errors. */
static void until_lines(eg_text *text, const eg_labelled *file) {
  const eg_variable *const left = eg_labelled_find(file, "/", "until_left"), *const n = eg_labelled_find(file, "/", "until_realisations");
  const eg_variable *const runs = eg_labelled_find(file, "/", "description");
  for (size_t r = 0; left != NULL && n != NULL && runs != NULL && r < eg_variable_size(left); r++) {
    eg_text_append(text, "%s%s: %.0f realisations, ", r == 0 ? "\n" : "", ((char *const *)runs->data)[r], at(n, r));
    if (isnan(at(left, r))) {
      eg_text_append(text, "no error asked for\n");
    } else {
      eg_text_append(text, "error %.3g of the one asked for%s\n", at(left, r), at(left, r) <= 1 ? "" : " (or effective samples are missing): NOT reached");
    }
  }
}

static void counts_line(eg_text *text, const eg_labelled *file) {
  const eg_variable *const diverged = eg_labelled_find(file, "/accumulators", "diverged");
  double bad = 0;
  for (size_t r = 0; diverged != NULL && r < diverged->shape[0]; r++) {
    bad += (double)((const uint64_t *)diverged->data)[r];
  }
  const double n = group_number(file, "z_judged");
  if (n > 0) {
    eg_text_append(text, "\n%.0f z judged, largest |z| %.2f (a correct run stays below %.2f but for 1 in 10^6)\n", n,
                   group_number(file, "z_largest"), group_number(file, "z_limit"));
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
    return finish(ctx, &text, out);
  }
  eg_text_append(&text, "%s\n%s: %s\n", group_text(file, "title"), path, group_text(file, "status"));
  estimates_table(&text, file);
  difference_table(&text, file);
  extrapolated_table(&text, file);
  antithetic_table(&text, file);
  for (int a = 1; a <= 64; a++) {
    char prefix[24];
    (void)snprintf(prefix, sizeof prefix, a == 1 ? "weak_error" : "weak_error_%d", a);
    weak_table(&text, file, prefix);
  }
  eg_result_diffusion_text(&text, file);
  eg_result_escape_text(&text, file);
  eg_result_stationary_text(&text, file);
  eg_result_scaling_text(&text, file);
  eg_result_flow_text(&text, file);
  eg_result_multilevel_text(&text, file);
  eg_result_tail_text(&text, file);
  eg_result_averages_text(&text, file);
  eg_result_histograms_text(&text, file);
  until_lines(&text, file);
  counts_line(&text, file);
  eg_labelled_free(file);
  return finish(ctx, &text, out);
}

/* A CSV field, quoted where it must be (RFC 4180). */
void eg_result_append_quoted(eg_text *text, const char *field) {
  if (strpbrk(field, ",\"\n") == NULL) {
    eg_text_append(text, "%s", field);
    return;
  }
  eg_text_append(text, "\"");
  for (; *field != '\0'; field++) {
    eg_text_append(text, "%s%c", *field == '"' ? "\"" : "", *field);
  }
  eg_text_append(text, "\"");
}

static void csv_rows(eg_text *text, const eg_labelled *file, const char *name) {
  static const char *const suffixes[] = {"",          "_stderr",          "_count",   "_variance", "_variance_stderr",
                                         "_skewness", "_skewness_stderr", "_kurtosis", "_kurtosis_stderr",
                                         "_exact",    "_expected",        "_z"};
  const eg_variable *const mean = eg_labelled_find(file, "/", name);
  const eg_variable *const step = eg_labelled_find(file, "/", "step");
  const shape4 s = shape_of(mean);
  for (size_t run = 0; run < s.runs; run++) {
    for (size_t point = 0; point < s.points; point++) {
      for (size_t t = 0; t < s.times; t++) {
        for (size_t k = 0; k < s.components; k++) {
          if (at(step, run * s.times + t) < 0) {
            continue;
          }
          char label[128];
          eg_result_run_label(file, run, label, sizeof label);
          eg_text_append(text, "%zu,", run);
          eg_result_append_quoted(text, label);
          eg_text_append(text, ",%.17g,%zu,%.17g,%.0f,%s,%zu",
                         at(eg_labelled_find(file, "/", eg_result_step_name(file)), run), point, eg_result_time(file, "", run, t, s.times),
                         at(step, run * s.times + t), name, k);
          for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
            const double v = at(find(file, "/", name, suffixes[i]), index_of(s, run, point, t, k));
            if (isnan(v)) {
              eg_text_append(text, ",");
            } else {
              eg_text_append(text, ",%.17g", v);
            }
          }
          eg_text_append(text, "\n");
        }
      }
    }
  }
}

eg_status eg_result_csv(eg_context *ctx, const char *path, char **out) {
  eg_labelled *file = NULL;
  eg_text text = {0};
  EG_TRY(eg_result_open(ctx, path, &file));
  eg_text_append(&text, "run,dynamics,%s,point,time,step,feature,component,mean,stderr,count,variance,variance_stderr,"
                        "skewness,skewness_stderr,kurtosis,kurtosis_stderr,exact,expected,z\n",
                 eg_result_step_name(file));
  for (size_t i = 0; i < file->n_variables; i++) {
    if (is_observable(&file->variables[i])) {
      csv_rows(&text, file, file->variables[i].name);
    }
  }
  eg_labelled_free(file);
  return finish(ctx, &text, out);
}

eg_status eg_result_check(eg_context *ctx, const char *path, int *is_complete) {
  eg_labelled *file = NULL;
  EG_TRY(eg_result_open(ctx, path, &file));
  *is_complete = strcmp(group_text(file, "status"), "complete") == 0;
  eg_labelled_free(file);
  return EG_OK;
}
