/*
 * Rows of a physics test: a simulated mean or variance beside an oracle. Seeds are fixed. Every comparison is a z-score;
 * the limit is the Student quantile for a family-wise error of 1e-6 over all of them. Rows with fewer than 1000
 * effective samples are not judged. Negative controls compare with a wrong oracle and must be rejected.
 */
#ifndef EG_TESTS_JUDGE_H
#define EG_TESTS_JUDGE_H

#include <unistd.h>

#include "check.h"
#include "ensgrad/ensgrad.h"
#include "io/result_file.h"

enum { MAX_ROWS = 400 };

typedef struct row {
  char what[100];
  double value, stderr_, expected, effective;
  bool is_control;
} row;

static row rows[MAX_ROWS];
static size_t n_rows;
static char folder[] = "/tmp/ensgrad-test-XXXXXX";

/* ---- running and reading ---- */

static inline void stop_here(const char *text) {
  fprintf(stderr, "%s\n", text);
  exit(1);
}

static inline eg_labelled *run_study(const char *text) {
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  eg_labelled *file = NULL;
  char name[80], output[80];
  eg_run_options options;
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  (void)snprintf(output, sizeof output, "%s/result.h5", folder);
  eg_run_options_default(&options);
  options.output = output;
  options.backend = "cpu";
  options.force = 1;
  if (ctx == NULL || eg_study_parse(ctx, name, text, strlen(text), NULL, 0, &study) != EG_OK ||
      eg_run_study(ctx, study, &options) != EG_OK || eg_result_read(ctx, output, &file) != EG_OK) {
    stop_here(eg_context_message(ctx));
  }
  (void)unlink(output);
  eg_study_free(study);
  eg_context_free(ctx);
  return file;
}

static inline size_t run_index(const eg_labelled *file, const char *label) {
  const eg_variable *const v = eg_labelled_find(file, "/", "dynamics");
  for (size_t i = 0; v != NULL && i < eg_variable_size(v); i++) {
    if (strcmp(((char *const *)v->data)[i], label) == 0) {
      return i;
    }
  }
  stop_here(label);
  return 0;
}

/* Value of `name` at the last time. */
static inline double read_value(const eg_labelled *file, const char *name, size_t run, size_t point,
                         size_t component) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL) {
    stop_here(name);
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
  row *const r = &rows[n_rows++];
  if (n_rows >= MAX_ROWS) {
    stop_here("raise MAX_ROWS");
  }
  (void)snprintf(r->what, sizeof r->what, "%s %s %s%s[%zu]%s", study, label, feature, quantity, component,
                 point > 0 ? " second point" : "");
  (void)snprintf(name, sizeof name, "%s%s", feature, quantity);
  r->value = read_value(file, name, run, point, component);
  (void)snprintf(name, sizeof name, "%s%s_stderr", feature, quantity);
  r->stderr_ = read_value(file, name, run, point, component);
  (void)snprintf(name, sizeof name, "%s_kurtosis", feature);
  const double kurtosis = read_value(file, name, run, point, component);
  (void)snprintf(name, sizeof name, "%s_count", feature);
  r->effective = read_value(file, name, run, point, component) / fmax(1.0, (kurtosis - 1.0) / 2.0);
  r->expected = expected;
  r->is_control = is_control;
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

/* z with erfc(z / sqrt 2) = p, then the first correction towards Student's t (Abramowitz and Stegun, 26.7.5).
 */
static inline double quantile(double p, double degrees) {
  double low = 0, high = 30;
  for (int i = 0; i < 100; i++) {
    const double middle = (low + high) / 2;
    if (erfc(middle / sqrt(2.0)) > p) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low + (low * low * low + low) / (4 * degrees);
}

/* Judge all rows; the counts are what the test must at least have. */
static inline void judge(size_t least_judged, size_t least_controls) {
  size_t n_judged = 0, n_controls = 0, n_skipped = 0, n_beyond_2 = 0;
  double largest = 0, squares = 0, least_control = INFINITY;
  for (size_t i = 0; i < n_rows; i++) {
    n_judged += !rows[i].is_control && rows[i].effective >= 1000;
  }
  for (size_t i = 0; i < n_rows; i++) {
    const row *const r = &rows[i];
    if (r->effective < 1000) {
      n_skipped++;
      printf("not judged: %s, %.0f effective samples\n", r->what, r->effective);
      continue;
    }
    const double z = (r->value - r->expected) / r->stderr_,
                 limit = quantile(1e-6 / (double)n_judged, r->effective);
    if (r->is_control) {
      n_controls++;
      least_control = fmin(least_control, fabs(z));
      CHECK(fabs(z) > limit);
    } else {
      squares += z * z;
      n_beyond_2 += fabs(z) > 2;
      largest = fmax(largest, fabs(z));
      CHECK(fabs(z) <= limit);
    }
    if (r->is_control ? !(fabs(z) > limit) : !(fabs(z) <= limit)) {
      fprintf(stderr, "%s%s: %.10g +- %.2g, oracle %.10g, z %.2f, limit %.2f\n",
              r->is_control ? "control " : "", r->what, r->value, r->stderr_, r->expected, z, limit);
    }
  }
  printf("%zu z-scores: largest %.2f, mean square %.2f, %zu beyond 2; %zu negative controls: smallest %.1f; "
         "%zu not judged\n",
         n_judged, largest, squares / (double)n_judged, n_beyond_2, n_controls, least_control, n_skipped);
  CHECK(n_judged >= least_judged && n_controls >= least_controls);
  /* too small errors of the mean show as a mean square above 1, too large ones below; rows are correlated in
   * fours */
  CHECK(squares / (double)n_judged > 0.5 && squares / (double)n_judged < 1.8);
}

#endif
