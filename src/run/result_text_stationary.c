/* Lines about the stationary analyses of a result. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "analysis/moments.h"
#include "run/result_text.h"

static const double FALSE_ALARMS = 1e-6; /* of one table */
static const double DEGREES = 63;        /* of a jackknife over 64 blocks */

/* Largest |z| of the elements from `first` on, each element of a symmetric matrix counted once; how many in *n. */
static double largest_z(const eg_labelled *file, const char *prefix, size_t first, size_t d, size_t *n) {
  double largest = NAN;
  *n = 0;
  for (size_t i = 0; i < d; i++) {
    for (size_t j = 0; j <= i; j++) {
      const double z = fabs(eg_analysis_value(file, prefix, "_covariance_z", first + i * d + j));
      *n += !isnan(z);
      largest = isnan(z) || z <= largest ? largest : z;
    }
  }
  return largest;
}

static void append_tail(eg_text *text, const eg_labelled *file, const char *prefix, size_t i) {
  const double exponent = eg_analysis_value(file, prefix, "_tail_exponent", i), p = eg_analysis_value(file, prefix, "_tail_p_value", i);
  if (eg_analysis_find(file, prefix, "_tail_exponent") == NULL) {
    return;
  }
  if (isnan(exponent)) {
    eg_text_append(text, "; no power-law tail");
    return;
  }
  eg_text_append_row(text, "; tail exponent %.4g(%.2g) above %.4g, %.0f values%s", exponent,
                 eg_analysis_value(file, prefix, "_tail_exponent_stderr", i), eg_analysis_value(file, prefix, "_tail_from", i),
                 eg_analysis_value(file, prefix, "_tail_events", i), p < 0.01 ? ", which is NO power law" : "");
}

static void append_row(eg_text *text, const eg_labelled *file, const char *prefix, size_t run, size_t point,
                       size_t n_points, size_t n_all) {
  const size_t i = run * n_points + point, d = eg_analysis_find(file, prefix, "_mean")->shape[n_points > 1 ? 2 : 1];
  const double ratio = eg_analysis_value(file, prefix, "_fluctuation_dissipation", i),
               ratio_error = eg_analysis_value(file, prefix, "_fluctuation_dissipation_stderr", i);
  const double energies = eg_analysis_value(file, prefix, "_equipartition_z", i);
  const double change = eg_analysis_value(file, prefix, "_change", i) / eg_analysis_value(file, prefix, "_change_stderr", i);
  size_t n = 0;
  const double z = largest_z(file, prefix, i * d * d, d, &n),
               limit = eg_student_quantile(FALSE_ALARMS / (double)n_all, DEGREES);
  double continuous = 0;
  for (size_t k = 0; k < d; k++) {
    continuous += eg_analysis_value(file, prefix, "_covariance_continuous", i * d * d + k * d + k);
  }
  char label[128];
  eg_result_run_name(file, run, label, sizeof label);
  eg_text_append(text, "%-28s ", label);
  if (n_points > 1) {
    eg_text_append(text, "%-5zu ", point);
  }
  eg_text_append_row(text, "%-12.6g %-9.2g %-12.6g %-12.6g", eg_analysis_value(file, prefix, "_total", i),
                 eg_analysis_value(file, prefix, "_total_stderr", i), eg_analysis_value(file, prefix, "_total_expected", i), continuous);
  const bool is_judged = eg_analysis_value(file, prefix, "_judged", i) != 0;
  const double kurtosis = eg_analysis_value(file, prefix, "_kurtosis", i);
  if (isnan(kurtosis)) {
    eg_text_append(text, " not judged: one realisation, or an x that does not vary");
  } else if (!is_judged) {
    eg_text_append(text, " heavy tails, not judged (kurtosis %.3g)", kurtosis);
  } else if (isnan(eg_analysis_value(file, prefix, "_total_stderr", i))) {
    eg_text_append(text, " no errors known: fewer than 8 blocks of realisations");
  } else if (n > 0) {
    eg_text_append(text, z > limit ? " covariance is NOT the expected one (z %.3g)" : " z %.3g", z);
  }
  if (is_judged && !isnan(ratio)) {
    eg_text_append_row(text,
                   fabs(ratio - 1) > limit * ratio_error ? "; fluctuation / dissipation %.5g(%.2g): NOT stationary"
                                                         : "; fluctuation / dissipation %.5g(%.2g)",
                   ratio, ratio_error);
  }
  if (is_judged && fabs(change) > limit) {
    eg_text_append(text, "; the covariance still changes");
  }
  if (is_judged && !isnan(energies)) {
    eg_text_append(
        text, energies > limit ? "; modes have different energies (z %.3g)" : "; equal energies of all modes (z %.2g)",
        energies);
  }
  const double kinetic = eg_analysis_value(file, prefix, "_kinetic_ratio", i), error = eg_analysis_value(file, prefix, "_kinetic_ratio_stderr", i);
  if (is_judged && !isnan(kinetic)) {
    eg_text_append_row(text, fabs(kinetic - 1) > limit * error ? "; kinetic / potential energy %.5g(%.2g): NOT stationary"
                                                           : "; kinetic / potential energy %.5g(%.2g)",
                   kinetic, error);
  }
  append_tail(text, file, prefix, i);
  eg_text_append(text, "\n");
}

void eg_result_stationary_text(eg_text *text, const eg_labelled *file) {
  for (int a = 1;; a++) {
    char prefix[24];
    (void)snprintf(prefix, sizeof prefix, a == 1 ? "stationary" : "stationary_%d", a);
    const eg_variable *const v = eg_analysis_find(file, prefix, "_mean");
    const eg_variable *const covariance = eg_analysis_find(file, prefix, "_covariance");
    if (v == NULL || covariance == NULL || eg_variable_size(v) == 0) {
      return;
    }
    const size_t n_points = v->rank == 3 ? v->shape[1] : 1;
    eg_text_append(text,
                   "\nStationary: trace of the covariance of x beside its long-time limit and the continuous one\n");
    eg_text_append(text, "%-28s %s%-12s %-9s %-12s %-12s\n", "run", n_points > 1 ? "point " : "", "trace", "stderr",
                   "expected", "continuous");
    for (size_t i = 0; i < v->shape[0] * n_points; i++) {
      append_row(text, file, prefix, i / n_points, i % n_points, n_points, eg_variable_size(covariance));
    }
  }
}
