/* Lines about the differences of means on common noise (`noise: common`), at the last time. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "run/result_text.h"

enum { MOST_COMPONENTS = 8 }; /* of a feature of more, the one that is farthest from 0 in its errors */

/* The first run of the same dynamics. */
static size_t first_of(const eg_labelled *file, size_t run) {
  const eg_variable *const dynamics = eg_labelled_find(file, "/", "dynamics");
  size_t first = 0;
  while (first < run && strcmp(eg_result_word(dynamics, first), eg_result_word(dynamics, run)) != 0) {
    first++;
  }
  return first;
}

/* "run - first run of the same dynamics" */
static void label_of(const eg_labelled *file, size_t run, char *out, size_t size) {
  char first[128], own[128];
  eg_result_run_name(file, first_of(file, run), first, sizeof first);
  eg_result_run_name(file, run, own, sizeof own);
  (void)snprintf(out, size, "%s - %s", own, first);
}

static int width_of(const eg_labelled *file, size_t n_runs) {
  size_t width = strlen("run - first of its dynamics");
  char label[300];
  for (size_t run = 0; run < n_runs; run++) {
    label_of(file, run, label, sizeof label);
    width = first_of(file, run) != run && strlen(label) > width ? strlen(label) : width;
  }
  return (int)width;
}

static void append_row(eg_text *text, const eg_labelled *file, const char *name, const char *label, int width, const char *what, size_t i) {
  const double value = eg_analysis_value(file, name, "", i), error = eg_analysis_value(file, name, "_stderr", i);
  eg_text_append(text, "%-*s %-15s %-16.10g ", width, label, what, value);
  if (isnan(error)) {
    eg_text_append(text, "no error, too few blocks\n");
  } else if (error > 0) {
    eg_text_append(text, "%-10.2g %-+8.2f %.4g\n", error, value / error, eg_analysis_value(file, name, "_gain", i));
  } else {
    eg_text_append(text, "0, the same in all blocks\n");
  }
}

static void append_rows(eg_text *text, const eg_labelled *file, const char *name, const char *feature, const eg_result_shape s,
                        int width, size_t run, size_t point) {
  const size_t t = eg_result_last_time(file, "", run, s.times), at = eg_result_index(s, run, point, t, 0);
  char label[300], what[EG_VALUE_NAME];
  size_t farthest = 0;
  double largest = 0;
  label_of(file, run, label, sizeof label);
  for (size_t k = 0; k < s.components; k++) {
    const double z = fabs(eg_analysis_value(file, name, "", at + k) / eg_analysis_value(file, name, "_stderr", at + k));
    farthest = z > largest ? k : farthest;
    largest = z > largest ? z : largest;
  }
  for (size_t k = 0; k < s.components; k++) {
    if (s.components <= MOST_COMPONENTS || k == farthest) {
      eg_result_name_value(feature, s.components, k, s.points, point, what);
      append_row(text, file, name, label, width, what, at + k);
    }
  }
}

void eg_result_common_text(eg_text *text, const eg_labelled *file) {
  int width = 0; /* of the first column; 0: no head yet */
  char name[64];
  for (size_t f = 0; f < file->n_variables; f++) {
    const char *const feature = file->variables[f].name;
    const eg_variable *const v = eg_analysis_find(file, "common_", feature);
    if (!eg_result_is_observable(&file->variables[f]) || v == NULL || eg_variable_size(v) != eg_variable_size(&file->variables[f])) {
      continue;
    }
    const eg_result_shape s = eg_result_shape_of(v);
    (void)snprintf(name, sizeof name, "common_%s", feature);
    for (size_t run = 0; run < s.runs; run++) {
      for (size_t point = 0; point < s.points; point++) {
        const size_t t = eg_result_last_time(file, "", run, s.times);
        if (isnan(eg_result_at(v, eg_result_index(s, run, point, t, 0)))) {
          continue; /* the first run of its dynamics, or one that has ended elsewhere */
        }
        if (width == 0) {
          width = width_of(file, s.runs);
          eg_text_append(text, "\nCommon noise at the last time; gain: variance of the difference of independent runs, over this one\n"
                               "%-*s %-15s %-16s %-10s %-8s %s\n",
                         width, "run - first of its dynamics", "feature", "difference", "stderr", "over it", "gain");
        }
        append_rows(text, file, name, feature, s, width, run, point);
      }
    }
  }
}
