/* Lines about the flow analyses of a result. */
#include <math.h>
#include <stdio.h>

#include "run/result_text.h"

static void append_difference(eg_text *text, const eg_labelled *file, const char *prefix, const char *suffix,
                              size_t i) {
  char error[48];
  (void)snprintf(error, sizeof error, "%s_stderr", suffix);
  const double difference = eg_analysis_value(file, prefix, suffix, i), e = eg_analysis_value(file, prefix, error, i);
  if (!isnan(difference)) {
    eg_text_append_row(text, " %-11.4g %-8.2g %-+7.2f", difference, e, difference / e);
  }
}

void eg_result_flow_text(eg_text *text, const eg_labelled *file) {
  for (int a = 1;; a++) {
    char prefix[24];
    (void)snprintf(prefix, sizeof prefix, a == 1 ? "flow" : "flow_%d", a);
    const eg_variable *const v = eg_analysis_find(file, prefix, "_exponent");
    if (v == NULL || v->rank != 3) {
      return;
    }
    const bool has_reference = eg_analysis_find(file, prefix, "_exponent_difference") != NULL;
    eg_text_append(text,
                   "\nFlow: distances of points on one noise; power 0: Lyapunov exponent, E ln |x - y|\n%-24s %-7s "
                   "%-6s %-12s %-9s %-12s %-9s%s\n",
                   "run", "points", "power", "exponent", "stderr", "distance", "stderr",
                   has_reference ? " exponent and distance minus those of the reference: value, stderr, z" : "");
    for (size_t i = 0; i < eg_variable_size(v); i++) {
      const size_t power = i % v->shape[2], pair = i / v->shape[2] % v->shape[1], run = i / v->shape[2] / v->shape[1];
      char label[128], points[24];
      eg_result_run_name(file, run, label, sizeof label);
      (void)snprintf(points, sizeof points, "%.0f, %.0f", eg_analysis_value(file, prefix, "_first", pair),
                     eg_analysis_value(file, prefix, "_second", pair));
      eg_text_append(text, "%-24s %-7s ", label, points);
      eg_text_append_row(text, "%-6.4g %-12.6g %-9.2g %-12.6g %-9.2g",
                     eg_analysis_value(file, prefix, "_power", power), eg_analysis_value(file, prefix, "_exponent", i),
                     eg_analysis_value(file, prefix, "_exponent_stderr", i), eg_analysis_value(file, prefix, "_distance", i),
                     eg_analysis_value(file, prefix, "_distance_stderr", i));
      append_difference(text, file, prefix, "_exponent_difference", i);
      append_difference(text, file, prefix, "_distance_difference", i);
      if (eg_analysis_value(file, prefix, "_count", i) == 0) {
        eg_text_append(text, " no realisation counts: each has points that met (whose distance has no logarithm), or was lost");
      } else if (eg_analysis_value(file, prefix, "_heavy_tails", i) == 1) {
        eg_text_append(text, " heavy tail: do not trust the error bars");
      }
      eg_text_append(text, "\n");
    }
  }
}
