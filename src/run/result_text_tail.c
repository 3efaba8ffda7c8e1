/* Lines about the tails (observe.paths: statistic tail) of a result. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "run/result_text.h"

static const double LEAST_EFFECTIVE = 1000;

static void append_row(eg_text *text, const eg_labelled *file, const char *prefix, size_t i, size_t n_points) {
  char label[128];
  eg_result_run_name(file, i / n_points, label, sizeof label);
  eg_text_append(text, "%-28s ", label);
  if (n_points > 1) {
    eg_text_append(text, "%-5zu ", i % n_points);
  }
  const double n = eg_result_value(file, prefix, "_exponent_values", i);
  if (n > 0) {
    eg_text_append_row(text, "%-8.4f %-8.2g %-7.0f %-12.6g ", eg_result_value(file, prefix, "_exponent", i),
                   eg_result_value(file, prefix, "_exponent_stderr", i), n, eg_result_value(file, prefix, "_threshold", i));
  } else {
    eg_text_append(text, "%-38s ", "no stretch looks like a power law");
  }
  const double effective = eg_result_value(file, prefix, "_effective", i), count = eg_result_value(file, prefix, "_count", i);
  eg_text_append_row(text, "%-9.3g %-9.3g%s\n", eg_result_value(file, prefix, "_share", i), eg_result_value(file, prefix, "_square_share", i),
                 !(effective < LEAST_EFFECTIVE) ? ""
                 : effective < count / 2        ? " heavy tail: do not trust the mean's error bar" /* kurtosis above 5, as for features */
                                                : " fewer than 1000 values: too few to know the tail by");
}

void eg_result_tail_text(eg_text *text, const eg_labelled *file) {
  static const char ending[] = "_exponent_values";
  for (size_t k = 0; k < file->n_variables; k++) {
    const eg_variable *const v = &file->variables[k];
    const size_t length = strlen(v->name), cut = sizeof ending - 1;
    char prefix[64];
    if (strncmp(v->name, "path_", 5) != 0 || length <= cut || length >= sizeof prefix ||
        strcmp(v->name + length - cut, ending) != 0) {
      continue;
    }
    (void)snprintf(prefix, sizeof prefix, "%.*s", (int)(length - cut), v->name);
    const size_t n_points = v->rank == 2 ? v->shape[1] : 1;
    eg_text_append(text, "\nTail '%s': P(> x) ~ x^-exponent, Hill's estimate; share of the largest value in the sum of |f| and of "
                         "f^2\n",
                   prefix + 5);
    eg_text_append(text, "%-28s %s%-8s %-8s %-7s %-12s %-9s %s\n", "run", n_points > 1 ? "point " : "", "exponent", "stderr",
                   "values", "above", "share", "of squares");
    for (size_t i = 0; i < v->shape[0] * n_points; i++) {
      append_row(text, file, prefix, i, n_points);
    }
  }
}
