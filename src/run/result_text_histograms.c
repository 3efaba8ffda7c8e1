/* Histograms and kept paths of a result file as text and CSV. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ensgrad/result.h"
#include "run/result_text.h"

static const char HISTOGRAM[] = "_histogram", PATH[] = "_path";

/* Length of the name before the suffix, 0 if it has none. */
static size_t stem(const eg_variable *v, const char *suffix, eg_type type) {
  const size_t n = strlen(v->name), k = strlen(suffix);
  const bool ends = strcmp(v->group, "/") == 0 && v->type == type && n > k && strcmp(v->name + n - k, suffix) == 0;
  return ends ? n - k : 0;
}

/* A histogram or the paths of a feature, as stored. */
typedef struct view {
  const eg_labelled *file;
  char name[32];
  size_t runs, points, realisations, times, components, bins; /* 1 where there is no such dimension */
  char schedule[24]; /* of its times: "" or "_2", .. */
  const void *values;
  const int64_t *below, *above; /* histograms */
  const eg_variable *low, *high;
} view;

static size_t *size_of_dim(view *w, const char *dim) {
  static const char *const names[] = {"run", "point", "realisation", "time", "record", "component"};
  size_t *const sizes[] = {&w->runs, &w->points, &w->realisations, &w->times, &w->times, &w->components};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const size_t n = strlen(names[i]);
    const char *const rest = strncmp(dim, names[i], n) == 0 ? dim + n : "?";
    const bool is_schedule = sizes[i] == &w->times && rest[0] == '_' && strspn(rest + 1, "0123456789") == strlen(rest + 1);
    if (rest[0] == '\0' || is_schedule) {
      if (sizes[i] == &w->times) {
        (void)snprintf(w->schedule, sizeof w->schedule, "%s", rest);
      }
      return sizes[i];
    }
  }
  return &w->bins;
}

static view view_of(const eg_labelled *file, const eg_variable *v, size_t length) {
  view w = {.file = file, .runs = 1, .points = 1, .realisations = 1, .times = 1, .components = 1, .bins = 1};
  (void)snprintf(w.name, sizeof w.name, "%.*s", (int)length, v->name);
  for (int i = 0; i < v->rank; i++) {
    *size_of_dim(&w, v->dims[i]) = v->shape[i];
  }
  w.values = v->data;
  return w;
}

static const eg_variable *part(const view *w, const char *suffix) {
  char full[64];
  (void)snprintf(full, sizeof full, "%s%s", w->name, suffix);
  return eg_labelled_find(w->file, "/", full);
}

/* One for each cell of the histogram; NULL: there are not. */
static const int64_t *integers(const view *w, const char *suffix) {
  const eg_variable *const v = part(w, suffix);
  const size_t n = w->runs * w->points * w->times * w->components; /* no product overflows: there are as many values */
  return v != NULL && v->type == EG_TYPE_I64 && eg_variable_size(v) == n ? v->data : NULL;
}

/* The histogram in variable v; false if v is none. */
static bool histogram_view(const eg_labelled *file, const eg_variable *v, view *w) {
  const size_t length = stem(v, HISTOGRAM, EG_TYPE_I64);
  if (length == 0 || eg_variable_size(v) == 0 || strncmp(v->name, "path_", 5) == 0) { /* those of path statistics are over lags */
    return false;
  }
  *w = view_of(file, v, length);
  w->below = integers(w, "_histogram_below");
  w->above = integers(w, "_histogram_above");
  w->low = part(w, "_bin_low");
  w->high = part(w, "_bin_high");
  return w->below != NULL && w->above != NULL && w->low != NULL && w->high != NULL;
}

static double edge(const view *w, const eg_variable *edges, size_t run, size_t component, size_t bin) {
  size_t at = edges->rank == 1 ? 0 : run;
  at = edges->rank == 3 ? at * w->components + component : at;
  return eg_result_at(edges, at * w->bins + bin);
}

/* One (run, point, time, component): what is in the grid and outside of it. */
typedef struct cell {
  const int64_t *bins;
  int64_t below, above;
  double finite;
} cell;

static cell cell_at(const view *w, size_t run, size_t point, size_t t, size_t component) {
  const size_t at = ((run * w->points + point) * w->times + t) * w->components + component;
  cell c = {(const int64_t *)w->values + at * w->bins, w->below[at], w->above[at], 0};
  for (size_t bin = 0; bin < w->bins; bin++) {
    c.finite += (double)c.bins[bin];
  }
  c.finite += (double)c.below + (double)c.above; /* counts are below 2^53 */
  return c;
}

static void table_line(eg_text *text, const view *w, size_t run, size_t component) {
  char label[128], name[48];
  const cell c = cell_at(w, run, 0, eg_result_last_time(w->file, w->schedule, run, w->times), component);
  eg_result_run_label(w->file, run, label, sizeof label);
  (void)snprintf(name, sizeof name, w->components > 1 ? "%s%zu" : "%s", w->name, component);
  eg_text_append(text, "%-14s %-12.6g %-15s %-6zu ", label, eg_result_value(w->file, eg_result_step_name(w->file), "", run), name, w->bins);
  if (isnan(edge(w, w->low, run, component, 0))) {
    eg_text_append(text, "waits for tile 0\n");
    return;
  }
  eg_text_append(text, "%-12.5g %-12.5g ", edge(w, w->low, run, component, 0),
                 edge(w, w->high, run, component, w->bins - 1));
  if (c.finite > 0) {
    eg_text_append(text, "%-10.3g %.3g", (double)c.below / c.finite, (double)c.above / c.finite);
  }
  eg_text_append(text, "\n");
}

void eg_result_histograms_text(eg_text *text, const eg_labelled *file) {
  view w;
  bool has_head = false, has_paths = false;
  for (size_t i = 0; i < file->n_variables; i++) {
    if (!histogram_view(file, &file->variables[i], &w)) {
      continue;
    }
    if (!has_head) {
      eg_text_append(text, "\nHistograms; fractions outside the grid at the last time%s\n",
                     w.points > 1 ? ", point 0" : "");
      eg_text_append(text, "%-14s %-12s %-15s %-6s %-12s %-12s %-10s above\n", "dynamics", eg_result_step_name(file),
                     "feature", "bins", "low", "high", "below");
      has_head = true;
    }
    for (size_t run = 0; run < w.runs; run++) {
      for (size_t component = 0; component < w.components; component++) {
        table_line(text, &w, run, component);
      }
    }
  }
  for (size_t i = 0; i < file->n_variables; i++) {
    const size_t length = stem(&file->variables[i], PATH, EG_TYPE_F64);
    if (length > 0) {
      w = view_of(file, &file->variables[i], length);
      if (!has_paths) {
        eg_text_append(text, "\nKept paths of the first %zu realisations: ", w.realisations);
      }
      eg_text_append(text, "%s%s", has_paths ? ", " : "", w.name);
      has_paths = true;
    }
  }
  eg_text_append(text, "%s", has_paths ? "\n" : "");
}

/* ---- CSV ---- */

static void append_place(eg_text *text, const view *w, size_t run, size_t point, size_t t) {
  char label[128];
  const eg_variable *const step = eg_result_axis(w->file, "step", w->schedule);
  eg_result_run_label(w->file, run, label, sizeof label);
  eg_text_append(text, "%zu,", run);
  eg_result_append_quoted(text, label);
  eg_text_append(text, ",%.17g,%zu,%.17g,%lld,", eg_result_value(w->file, eg_result_step_name(w->file), "", run), point,
                 eg_result_time(w->file, w->schedule, run, t, w->times),
                 (long long)eg_result_at(step, run * w->times + t));
}

static bool has_record(const view *w, size_t run, size_t t) {
  const eg_variable *const step = eg_result_axis(w->file, "step", w->schedule);
  return eg_result_at(step, run * w->times + t) >= 0;
}

static void bin_line(eg_text *text, const view *w, const size_t at[4], double low, double high, int64_t count,
                     double finite) {
  append_place(text, w, at[0], at[1], at[2]);
  eg_text_append(text, "%s,%zu,%.17g,%.17g,%lld", w->name, at[3], low, high, (long long)count);
  const double p = (double)count / finite, width = high - low;
  if (finite > 0 && isfinite(width)) {
    eg_text_append(text, ",%.17g,%.17g\n", p / width, sqrt(p * (1 - p) / finite) / width);
  } else {
    eg_text_append(text, ",,\n");
  }
}

static void cell_lines(eg_text *text, const view *w, const size_t at[4]) {
  const cell c = cell_at(w, at[0], at[1], at[2], at[3]);
  if (isnan(edge(w, w->low, at[0], at[3], 0))) {
    return; /* a partial result before tile 0 */
  }
  bin_line(text, w, at, -INFINITY, edge(w, w->low, at[0], at[3], 0), c.below, c.finite);
  for (size_t bin = 0; bin < w->bins; bin++) {
    bin_line(text, w, at, edge(w, w->low, at[0], at[3], bin), edge(w, w->high, at[0], at[3], bin), c.bins[bin],
             c.finite);
  }
  bin_line(text, w, at, edge(w, w->high, at[0], at[3], w->bins - 1), INFINITY, c.above, c.finite);
}

static void histogram_lines(eg_text *text, const view *w) {
  for (size_t run = 0; run < w->runs; run++) {
    for (size_t point = 0; point < w->points; point++) {
      for (size_t t = 0; t < w->times; t++) {
        for (size_t component = 0; component < w->components && has_record(w, run, t); component++) {
          const size_t at[4] = {run, point, t, component};
          cell_lines(text, w, at);
        }
      }
    }
  }
}

static void path_lines(eg_text *text, const view *w) {
  const double *v = w->values;
  for (size_t run = 0; run < w->runs; run++) {
    for (size_t point = 0; point < w->points; point++) {
      for (size_t realisation = 0; realisation < w->realisations; realisation++) {
        for (size_t t = 0; t < w->times; t++) {
          for (size_t component = 0; component < w->components; component++, v++) {
            if (has_record(w, run, t)) {
              append_place(text, w, run, point, t);
              eg_text_append(text, "%zu,%s,%zu,", realisation, w->name, component);
              if (!isnan(*v)) {
                eg_text_append(text, "%.17g", *v);
              }
              eg_text_append(text, "\n");
            }
          }
        }
      }
    }
  }
}

static eg_status finish(eg_context *ctx, eg_text *text, size_t n, const char *path, const char *what, char **out) {
  eg_status status = EG_OK;
  if (text->is_broken || text->data == NULL) {
    status = eg_fail(ctx, EG_ERR_MEMORY, "out of memory");
  } else if (n == 0) {
    status = eg_fail(ctx, EG_ERR_USAGE, "%s holds no %s: its study did not ask for them", path, what);
  }
  if (status != EG_OK) {
    eg_text_free(text);
    return status;
  }
  *out = text->data;
  return EG_OK;
}

eg_status eg_result_histograms_csv(eg_context *ctx, const char *path, char **out) {
  eg_labelled *file = NULL;
  eg_text text = {0};
  view w;
  size_t n = 0;
  EG_TRY(eg_result_open(ctx, path, &file));
  eg_text_append(&text, "run,dynamics,%s,point,time,step,feature,component,low,high,count,density,density_stderr\n",
                 eg_result_step_name(file));
  for (size_t i = 0; i < file->n_variables; i++) {
    if (histogram_view(file, &file->variables[i], &w)) {
      histogram_lines(&text, &w);
      n++;
    }
  }
  eg_labelled_free(file);
  return finish(ctx, &text, n, path, "histograms", out);
}

eg_status eg_result_paths_csv(eg_context *ctx, const char *path, char **out) {
  eg_labelled *file = NULL;
  eg_text text = {0};
  size_t n = 0;
  EG_TRY(eg_result_open(ctx, path, &file));
  eg_text_append(&text, "run,dynamics,%s,point,time,step,realisation,feature,component,value\n",
                 eg_result_step_name(file));
  for (size_t i = 0; i < file->n_variables; i++) {
    const size_t length = stem(&file->variables[i], PATH, EG_TYPE_F64);
    if (length > 0) {
      const view w = view_of(file, &file->variables[i], length);
      path_lines(&text, &w);
      n++;
    }
  }
  eg_labelled_free(file);
  return finish(ctx, &text, n, path, "kept paths", out);
}
