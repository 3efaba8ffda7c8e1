/* Lines about time averages (observe.paths: statistic time-average) of a result. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "run/result_text.h"

static void append_row(eg_text *text, const eg_labelled *file, const char *prefix, size_t i, size_t n_points) {
  char label[128], source[48];
  const double block = eg_result_value(file, prefix, "_block", i), n = eg_result_value(file, prefix, "_count", i);
  eg_result_run_name(file, i / n_points, label, sizeof label);
  eg_text_append(text, "%-28s ", label);
  if (n_points > 1) {
    eg_text_append(text, "%-5zu ", i % n_points);
  }
  if (block > 0) {
    (void)snprintf(source, sizeof source, "blocks of %.0f samples", block);
  } else {
    (void)snprintf(source, sizeof source, "%.0f trajectories", n);
  }
  eg_text_append_row(text, "%-12.6g %-9.2g %-12.4g %-9.2g %-10.3g %s%s\n", eg_result_value(file, prefix, "", i), eg_result_value(file, prefix, "_stderr", i),
                 eg_result_value(file, prefix, "_correlation_time", i), eg_result_value(file, prefix, "_correlation_time_stderr", i),
                 eg_result_value(file, prefix, "_effective", i), source,
                 n > 0 && eg_result_value(file, prefix, "_judged", i) != 0 ? ""
                 : block > 0                                     ? "; do not trust it: the window is too short, some were lost, or a divisor is near 0"
                                                                 : "; some were lost, the others count; or a divisor is near 0");
}

void eg_result_averages_text(eg_text *text, const eg_labelled *file) {
  static const char ending[] = "_blocking";
  for (size_t k = 0; k < file->n_variables; k++) {
    const eg_variable *const v = &file->variables[k];
    const size_t length = strlen(v->name), cut = sizeof ending - 1;
    char prefix[64];
    if (strncmp(v->name, "path_", 5) != 0 || length <= cut || length >= sizeof prefix ||
        strcmp(v->name + length - cut, ending) != 0) {
      continue;
    }
    (void)snprintf(prefix, sizeof prefix, "%.*s", (int)(length - cut), v->name);
    const size_t n_points = v->rank == 3 ? v->shape[1] : 1;
    eg_text_append(text, "\nTime average '%s'; correlation time: integrated autocorrelation time\n", prefix + 5);
    eg_text_append(text, "%-28s %s%-12s %-9s %-12s %-9s %-10s %s\n", "run", n_points > 1 ? "point " : "", "mean", "stderr",
                   "corr. time", "stderr", "effective", "error from");
    for (size_t i = 0; i < v->shape[0] * n_points; i++) {
      append_row(text, file, prefix, i, n_points);
    }
  }
}
