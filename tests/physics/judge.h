/* Rows of a physics test that runs studies: means and variances of results beside oracles, judged as verdict.h says. */
#ifndef EG_TESTS_JUDGE_H
#define EG_TESTS_JUDGE_H

#include "run_text.h"
#include "verdict.h"

static char folder[] = "/tmp/ensgrad-test-XXXXXX";

/* ---- running and reading ---- */

static inline eg_labelled *run_study(const char *text) {
  return run_text(folder, text);
}

static inline size_t run_index(const eg_labelled *file, const char *label) {
  const eg_variable *const v = eg_labelled_find(file, "/", "dynamics");
  for (size_t i = 0; v != NULL && i < eg_variable_size(v); i++) {
    if (strcmp(((char *const *)v->data)[i], label) == 0) {
      return i;
    }
  }
  stop_with(label);
  return 0;
}

/* Value of `name` at the last time. */
static inline double read_value(const eg_labelled *file, const char *name, size_t run, size_t point,
                         size_t component) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL) {
    stop_with(name);
    return 0;
  }
  size_t at = 0;
  for (int i = 0; i < v->rank; i++) {
    const char *const dim = v->dims[i];
    const size_t index = strcmp(dim, "run") == 0     ? run
                         : strcmp(dim, "point") == 0 ? point
                         : strcmp(dim, "time") == 0  ? v->shape[i] - 1
                                                     : component;
    at = at * v->shape[i] + index;
  }
  return v->type == EG_TYPE_F64 ? ((const double *)v->data)[at] : (double)((const int64_t *)v->data)[at];
}

static inline void add_row(const eg_labelled *file, const char *study, const char *label, const char *feature,
                    size_t point, size_t component, const char *quantity, double expected, bool is_control) {
  const size_t run = run_index(file, label);
  char name[64];
  char what[100], name_of_error[64];
  (void)snprintf(what, sizeof what, "%s %s %s%s[%zu]%s", study, label, feature, quantity, component,
                 point > 0 ? " second point" : "");
  (void)snprintf(name, sizeof name, "%s%s", feature, quantity);
  (void)snprintf(name_of_error, sizeof name_of_error, "%s%s_stderr", feature, quantity);
  const double value = read_value(file, name, run, point, component);
  const double error = read_value(file, name_of_error, run, point, component);
  (void)snprintf(name, sizeof name, "%s_kurtosis", feature);
  const double kurtosis = read_value(file, name, run, point, component);
  (void)snprintf(name, sizeof name, "%s_count", feature);
  const double count = read_value(file, name, run, point, component);
  compare(is_control, what, value, error, expected, count / fmax(1.0, (kurtosis - 1.0) / 2.0));
}

static inline void expect(const eg_labelled *file, const char *study, const char *label, const char *feature,
                   size_t component, double expected) {
  add_row(file, study, label, feature, 0, component, "", expected, false);
}

static inline void reject(const eg_labelled *file, const char *study, const char *label, const char *feature,
                   size_t component, double wrong) {
  add_row(file, study, label, feature, 0, component, "", wrong, true);
}

/* ---- verdict ---- */

/* Judge all rows; the counts are what the test must at least have. */
static inline void judge(size_t least_judged, size_t least_controls) {
  const double mean_square = judge_rows(least_judged, least_controls);
  /* too small errors of the mean show as a mean square above 1, too large ones below; rows are correlated in
   * fours */
  CHECK(mean_square > 0.5 && mean_square < 1.8);
}

#endif
