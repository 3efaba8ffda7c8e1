/* Lines about the scaling-rule analyses of a result. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "analysis/scaling_rule.h"
#include "run/result_text.h"

static const double SURE = 3; /* errors that a verdict keeps from its limit */

/* The largest relative error of the three ratios; infinite where one is not known. */
static double ratio_error(const eg_labelled *file, const char *prefix, size_t i) {
  static const char *const numbers[3][2] = {
      {"_R_ratio", "_R_ratio_stderr"}, {"_G_ratio", "_G_ratio_stderr"}, {"_N_ratio", "_N_ratio_stderr"}};
  double largest = 0;
  for (int k = 0; k < 3; k++) {
    const double error = eg_analysis_value(file, prefix, numbers[k][1], i) / eg_analysis_value(file, prefix, numbers[k][0], i);
    largest = isnan(error) ? INFINITY : fmax(largest, error);
  }
  return largest;
}

static void append_row(eg_text *text, const eg_labelled *file, const char *prefix, size_t i, size_t run,
                       double closeness) {
  static const char *const rules[] = {"", "linear rule", "square-root rule", "base"};
  const double nu = eg_analysis_value(file, prefix, "_nu", i), rule = eg_analysis_value(file, prefix, "_rule", i),
               needed = eg_analysis_value(file, prefix, "_closeness", i);
  char label[128];
  eg_result_run_label(file, run, label, sizeof label);
  eg_text_append(text, "%-28s ", label);
  eg_text_append_row(text, "%-9.4g %-11.5g %-11.5g %-11.5g ", eg_result_value(file, "learning_rate", "", run), eg_analysis_value(file, prefix, "_R", i),
                 eg_analysis_value(file, prefix, "_G", i), eg_analysis_value(file, prefix, "_N", i));
  if (isnan(nu)) {
    eg_text_append(text, "noise not known (levy has none): observe x with its covariance, noise_trace, or the velocity over single steps of the window\n");
    return;
  }
  eg_text_append_row(text, "%.4g(%.2g)  SDE needs C >= %.3g%s; kappa <= %.3g", nu, eg_analysis_value(file, prefix, "_nu_stderr", i),
                 eg_analysis_value(file, prefix, "_sde_least", i),
                 eg_scaling_sde_least(nu + SURE * eg_analysis_value(file, prefix, "_nu_stderr", i)) > closeness ? " (EXCLUDED)"
                                                                                                    : "",
                 eg_analysis_value(file, prefix, "_most_kappa", i));
  if (rule == EG_SCALING_LINEAR || rule == EG_SCALING_SQUARE_ROOT) {
    eg_text_append_row(text, "; %s, kappa %.4g: C %.4g%s", rules[(int)rule], eg_analysis_value(file, prefix, "_kappa", i), needed,
                   needed > closeness * (1 + SURE * ratio_error(file, prefix, i)) ? ", BROKEN"
                   : isinf(ratio_error(file, prefix, i))                            ? ", no error known: not judged"
                                                                                    : "");
    if (rule == EG_SCALING_LINEAR) {
      eg_text_append(text, " (at least %.3g)", eg_analysis_value(file, prefix, "_least", i));
    }
  }
  if (eg_analysis_value(file, prefix, "_against", i) >= 0) {
    eg_text_append_row(text, "; against the SDE C %.4g", eg_analysis_value(file, prefix, "_against_closeness", i));
  }
  eg_text_append(text, "\n");
}

void eg_result_scaling_text(eg_text *text, const eg_labelled *file) {
  for (int a = 1;; a++) {
    char prefix[24];
    (void)snprintf(prefix, sizeof prefix, a == 1 ? "scaling" : "scaling_%d", a);
    const eg_variable *const v = eg_analysis_find(file, prefix, "_R");
    if (v == NULL) {
      return;
    }
    const double closeness = eg_result_attribute_number(v, "closeness");
    const size_t n_points = v->rank == 2 ? v->shape[1] : 1;
    eg_text_append(text,
                   "\nScaling rules: R = E |x|^2, G = E |grad|^2, N = E tr of a batch's noise; closeness C = %.4g\n",
                   closeness);
    eg_text_append(text, "%-28s %-9s %-11s %-11s %-11s %s\n", "run", "rate", "R", "G", "N", "N / G");
    for (size_t i = 0; i < eg_variable_size(v); i++) {
      append_row(text, file, prefix, i, i / n_points, closeness);
    }
  }
}
