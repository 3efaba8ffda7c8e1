/* Lines about the weak-error analyses of a result. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "run/result_text.h"

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
  const eg_variable *const slope = eg_analysis_find(file, prefix, "_slope");
  const eg_variable *const stderr_ = eg_analysis_find(file, prefix, "_slope_stderr");
  const eg_variable *const exact = eg_analysis_find(file, prefix, "_slope_exact");
  char verdict[32], verdict_exact[32];
  const eg_variable *const ratio = eg_analysis_find(file, prefix, "_variance_ratio");
  const size_t n = slope->shape[slope->rank - 1];
  verdict_text(eg_analysis_value(file, prefix, "_verdict", cell), verdict, sizeof verdict);
  verdict_text(eg_analysis_value(file, prefix, "_verdict_exact", cell), verdict_exact, sizeof verdict_exact);
  eg_text_append(text, "%-16s %-10s %-16s %-16s slopes", curve, feature, verdict, verdict_exact);
  for (size_t k = 0; k < n; k++) {
    append_slope(text, eg_result_at(slope, cell * n + k), eg_result_at(stderr_, cell * n + k));
  }
  eg_text_append(text, "  exact");
  for (size_t k = 0; k < n; k++) {
    append_slope(text, eg_result_at(exact, cell * n + k), 0);
  }
  for (size_t k = 0; ratio != NULL && !isnan(eg_result_at(ratio, cell * (n + 1))) && k <= n; k++) {
    eg_text_append(text, "%s %.3g", k == 0 ? "  unpaired/paired variance" : "", eg_result_at(ratio, cell * (n + 1) + k));
  }
  eg_text_append(text, "\n");
}

/* Whether a scheme adds an error of its own to what the exact laws say, beyond rounding. */
static bool has_schemes_error(const eg_labelled *file, const char *prefix) {
  const eg_variable *const exact = eg_analysis_find(file, prefix, "_exact"), *const expected = eg_analysis_find(file, prefix, "_expected");
  if (exact == NULL || expected == NULL || eg_variable_size(exact) != eg_variable_size(expected)) {
    return false;
  }
  for (size_t i = 0; i < eg_variable_size(exact); i++) {
    const double a = eg_result_at(exact, i), b = eg_result_at(expected, i);
    if (a != 0 && fabs(a - b) > 1e-6 * fabs(a)) { /* false for NaN; 0: schemes of one law, whose slopes are those expected */
      return true;
    }
  }
  return false;
}

static void weak_table(eg_text *text, const eg_labelled *file, const char *prefix) {
  const eg_variable *const verdict = eg_analysis_find(file, prefix, "_verdict");
  const eg_variable *const curves = eg_analysis_find(file, prefix, "_curve");
  const eg_variable *const names = eg_analysis_find(file, prefix, "_feature");
  const eg_variable *const slope = eg_analysis_find(file, prefix, "_slope");
  if (verdict == NULL || verdict->rank < 3 || eg_variable_size(verdict) == 0 || slope == NULL || slope->rank != verdict->rank + 1) {
    return;
  }
  const char *const step = eg_analysis_find(file, prefix, "_inverse_l") != NULL          ? "1/l"
                           : eg_analysis_find(file, prefix, "_inverse_substeps") != NULL ? "1/substeps"
                                                                                          : "eta";
  eg_text_append(text, "\nWeak error at the last time: E f(run) - E f(reference) = c %s^p (1 + c' %s)\n", step, step);
  const eg_variable *const error = eg_analysis_find(file, prefix, "");
  const char *const reference = error != NULL ? eg_result_attribute_text(error, "reference") : "";
  if (reference[0] != 0) { /* only an extrapolated one is described */
    eg_text_append(text, "reference: %s\n", reference);
  }
  eg_text_append(text, "%-16s %-10s %-16s %-16s local slopes, large to small rates (standard error)\n", "curve",
                 "feature", "verdict", "exact errors");
  const size_t n_points = verdict->rank == 4 ? verdict->shape[2] : 1, n_times = verdict->shape[verdict->rank - 1];
  bool has_loss = false;
  for (size_t f = 0; f < verdict->shape[1]; f++) {
    has_loss = has_loss || strcmp(eg_result_word(names, f), "loss") == 0;
    for (size_t c = 0; c < verdict->shape[0]; c++) {
      for (size_t point = 0; point < n_points; point++) {
        char label[128];
        (void)snprintf(label, sizeof label, n_points > 1 ? "%s point %zu" : "%s", eg_result_word(curves, c), point);
        weak_row(text, file, prefix, ((c * verdict->shape[1] + f) * n_points + point) * n_times + n_times - 1, label,
                 eg_result_word(names, f));
      }
    }
  }
  const eg_variable *const errors = eg_analysis_find(file, prefix, ""), *const bars = eg_analysis_find(file, prefix, "_stderr");
  size_t n_unknown = 0;
  for (size_t i = 0; errors != NULL && bars != NULL && i < eg_variable_size(errors) && i < eg_variable_size(bars); i++) {
    n_unknown += !isnan(eg_result_at(errors, i)) && isnan(eg_result_at(bars, i));
  }
  if (n_unknown > 0) {
    eg_text_append(text, "Remark: %zu of %zu errors (all times and rates) enter no fit: fewer than 1000 effective samples, or lost "
                         "trajectories; more realisations may change that.\n", n_unknown, eg_variable_size(errors));
  }
  if (has_schemes_error(file, prefix)) {
    eg_text_append(text, "Remark: \"exact\" is the law of the dynamics; the error that its scheme adds is in the slopes (and in %s_expected "
                         "of the file).\n", prefix);
  }
  if (has_loss) {
    eg_text_append(text, "Remark: the first-order coefficient of a loss can nearly vanish and change sign with the data; "
                         "read its order from norm2 and x.\n");
  }
}

void eg_result_weak_text(eg_text *text, const eg_labelled *file) {
  for (int a = 1; a <= 64; a++) {
    char prefix[24];
    (void)snprintf(prefix, sizeof prefix, a == 1 ? "weak_error" : "weak_error_%d", a);
    weak_table(text, file, prefix);
  }
}
