/* Lines about the quantiles of a result. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "run/result_text.h"

/* (run[, point], time or lag[, component or power], probability) */
typedef struct quantile_sizes {
  size_t runs, points, middle, inner, probabilities;
  const char *middle_name, *inner_name; /* inner_name: NULL where there is none */
} quantile_sizes;

static bool read_sizes(const eg_variable *v, quantile_sizes *q) {
  int i = 1;
  *q = (quantile_sizes){1, 1, 1, 1, 1, "", NULL};
  if (v->rank < 3 || v->type != EG_TYPE_F64 || eg_variable_size(v) == 0) {
    return false;
  }
  q->runs = v->shape[0];
  q->points = strcmp(v->dims[i], "point") == 0 ? v->shape[i++] : 1;
  q->middle_name = v->dims[i];
  q->middle = v->shape[i++];
  if (i == v->rank - 2) {
    q->inner_name = v->dims[i];
    q->inner = v->shape[i++];
  }
  q->probabilities = v->shape[v->rank - 1];
  return i == v->rank - 1 && q->middle > 0;
}

/* The last time of a run, or its last lag: those that it has stand first. */
static size_t last_of(const eg_labelled *file, const quantile_sizes *q, size_t run) {
  static const char *const times[] = {"time", "record"};
  for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
    if (strncmp(q->middle_name, times[i], strlen(times[i])) == 0) {
      return eg_result_last_time(file, q->middle_name + strlen(times[i]), run, q->middle);
    }
  }
  const eg_variable *const steps = eg_result_find(file, "/", q->middle_name, "_steps");
  size_t m = q->middle - 1;
  while (m > 0 && eg_result_at(steps, run * q->middle + m) < 0) {
    m--;
  }
  return m;
}

static void append_row(eg_text *text, const eg_labelled *file, const char *prefix, const quantile_sizes *q, size_t run, size_t point,
                       size_t middle, size_t inner, bool *is_any_coarse) {
  const size_t first = (((run * q->points + point) * q->middle + middle) * q->inner + inner) * q->probabilities;
  char label[128], cell[48];
  eg_result_run_name(file, run, label, sizeof label);
  eg_text_append(text, "%-28s ", label);
  if (q->points > 1) {
    eg_text_append(text, "%-5zu ", point);
  }
  if (q->inner_name != NULL) {
    const double number = eg_result_value(file, q->inner_name, "", inner); /* a power; components have none */
    eg_text_append(text, "%-9.6g ", isnan(number) ? (double)inner : number);
  }
  for (size_t i = 0; i < q->probabilities; i++) {
    const double value = eg_analysis_value(file, prefix, "", first + i), error = eg_analysis_value(file, prefix, "_stderr", first + i);
    const bool is_coarse = eg_analysis_value(file, prefix, "_interpolation", first + i) > error / 2; /* false where there is none */
    (void)snprintf(cell, sizeof cell, isnan(value) ? "not in the grid" : isnan(error) ? "%.6g(no error)" : is_coarse ? "%.6g(%.2g)~" : "%.6g(%.2g)",
                   value, error);
    *is_any_coarse = *is_any_coarse || is_coarse;
    eg_text_append(text, "%-20s ", cell);
  }
  eg_text_append(text, "\n");
}

void eg_result_quantiles_text(eg_text *text, const eg_labelled *file) {
  for (int a = 1; a <= 64; a++) {
    char prefix[24];
    quantile_sizes q;
    (void)snprintf(prefix, sizeof prefix, a == 1 ? "quantile" : "quantile_%d", a);
    const eg_variable *const v = eg_analysis_find(file, prefix, "");
    if (v == NULL || !read_sizes(v, &q)) {
      return;
    }
    const bool is_of_path = strncmp(q.middle_name, "path_", 5) == 0;
    eg_text_append(text, "\nQuantiles of '%s' at the last %s (standard error)\n%-28s %s",
                   eg_result_attribute_text(v, "of"), is_of_path ? "lag" : "time",
                   "run", q.points > 1 ? "point " : "");
    if (q.inner_name != NULL) {
      eg_text_append(text, "%-9s ", is_of_path ? "power" : "component");
    }
    for (size_t i = 0; i < q.probabilities; i++) {
      eg_text_append(text, "%-20.6g ", eg_analysis_value(file, prefix, "_probability", i));
    }
    eg_text_append(text, "\n");
    bool is_any_coarse = false;
    for (size_t run = 0; run < q.runs; run++) {
      const size_t middle = last_of(file, &q, run);
      for (size_t point = 0; point < q.points; point++) {
        for (size_t inner = 0; inner < q.inner; inner++) {
          append_row(text, file, prefix, &q, run, point, middle, inner, &is_any_coarse);
        }
      }
    }
    if (is_any_coarse) {
      eg_text_append(text, "~ the bins are too wide for this error: interpolation within them may be off by more than half of it\n");
    }
  }
}
