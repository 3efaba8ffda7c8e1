/* Lines about multilevel Monte Carlo. */
#include <math.h>
#include <stdio.h>

#include "run/result_text.h"

/* A number with its error, or "none": rates of fewer than two corrections that have an error. */
static void append_number(eg_text *text, const char *before, double number, double error) {
  if (isnan(number)) {
    eg_text_append(text, "%snone", before);
  } else if (isnan(error)) {
    eg_text_append(text, "%s%.3g", before, number);
  } else {
    eg_text_append(text, "%s%.3g(%.2g)", before, number, error);
  }
}

void eg_result_multilevel_text(eg_text *text, const eg_labelled *file) {
  const eg_variable *const levels = eg_labelled_find(file, "/analysis", "multilevel_correction");
  const double error = eg_analysis_value(file, "multilevel_stderr", "", 0), asked = eg_analysis_value(file, "multilevel_stderr_asked", "", 0);
  const double bias = eg_analysis_value(file, "multilevel_bias", "", 0), inconsistency = eg_analysis_value(file, "multilevel_inconsistency", "", 0);
  const double bias_asked = eg_analysis_value(file, "multilevel_bias_asked", "", 0);
  bool has_constant = false;
  if (levels == NULL) {
    return;
  }
  eg_text_append(text, "\nMultilevel Monte Carlo\n%-6s %-14s %-9s %-12s %-10s %-12s %s\n", "level", "correction",
                 "stderr", "variance", "kurtosis", "realisations", "steps each");
  for (size_t l = 0; l < eg_variable_size(levels) && (l == 0 || eg_analysis_value(file, "multilevel_realisations", "", l) > 0); l++) {
    const double kurtosis = eg_analysis_value(file, "multilevel_correction_kurtosis", "", l);
    char number[32] = "none"; /* all values are equal */
    has_constant = has_constant || eg_analysis_value(file, "multilevel_correction_variance", "", l) == 0;
    if (!isnan(kurtosis)) {
      (void)snprintf(number, sizeof number, "%.4g", kurtosis);
    }
    eg_text_append_row(text, "%-6zu %-14.8g %-9.2g %-12.4g %-10s %-12.0f %.0f\n", l,
                   eg_analysis_value(file, "multilevel_correction", "", l), eg_analysis_value(file, "multilevel_correction_stderr", "", l),
                   eg_analysis_value(file, "multilevel_correction_variance", "", l), number,
                   eg_analysis_value(file, "multilevel_realisations", "", l), eg_analysis_value(file, "multilevel_cost", "", l));
  }
  eg_text_append_row(text, "mean %.10g, stderr %.2g of %.2g asked for%s", eg_analysis_value(file, "multilevel_mean", "", 0), error, asked,
                 error <= asked ? "" : ": NOT reached");
  if (!isnan(eg_analysis_value(file, "multilevel_expected", "", 0))) {
    eg_text_append(text, "; expected %.10g (z %+.2f)", eg_analysis_value(file, "multilevel_expected", "", 0),
                   eg_analysis_value(file, "multilevel_z", "", 0));
  }
  append_number(text, "\nalpha ", eg_analysis_value(file, "multilevel_alpha", "", 0), eg_analysis_value(file, "multilevel_alpha_stderr", "", 0));
  append_number(text, ", beta ", eg_analysis_value(file, "multilevel_beta", "", 0), eg_analysis_value(file, "multilevel_beta_stderr", "", 0));
  append_number(text, ", gamma ", eg_analysis_value(file, "multilevel_gamma", "", 0), NAN);
  eg_text_append_row(text, "; bias of the finest level about %.2g", bias);
  if (!isnan(bias_asked)) {
    eg_text_append(text, " of %.2g asked for%s", bias_asked, bias <= bias_asked ? "" : ": NOT reached, it takes more levels");
  } else if (bias > error) {
    eg_text_append(text, ", MORE than the error: it takes more levels");
  }
  eg_text_append_row(text, "; root mean square error %.2g; gain %.3g\n", eg_analysis_value(file, "multilevel_root_mean_square_error", "", 0),
                 eg_analysis_value(file, "multilevel_gain", "", 0));
  if (has_constant) {
    eg_text_append(text, "a correction was the same in all realisations: its error is not known, and not in that of the mean\n");
  }
  if (eg_analysis_value(file, "multilevel_kurtosis", "", 0) > 100) {
    eg_text_append(text, "a correction has kurtosis %.3g: do not trust its variance\n",
                   eg_analysis_value(file, "multilevel_kurtosis", "", 0));
  }
  if (inconsistency > 6) {
    eg_text_append(text, "coarse and fine means of one step size DIFFER (z %.3g): the levels do not telescope\n",
                   inconsistency);
  }
}
