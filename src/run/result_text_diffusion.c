/* Lines about the diffusion analyses of a result. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/diffusion.h"
#include "run/result_text.h"

static void append_verdict(eg_text *text, const eg_labelled *file, const char *prefix, size_t i) {
  const double verdict = eg_analysis_value(file, prefix, "_verdict", i);
  const bool is_chosen = eg_analysis_value(file, prefix, "_window_chosen", i) == 1;
  if (verdict == 1) {
    eg_text_append_row(text, "one power law (p %.2g)", eg_analysis_value(file, prefix, "_p_value", i));
  } else if (verdict == 2) {
    eg_text_append_row(text, "crossover at %.3g: %.3f to %.3f%s", eg_analysis_value(file, prefix, "_crossover_time", i),
                   eg_analysis_value(file, prefix, "_exponent_before", i), eg_analysis_value(file, prefix, "_exponent_after", i),
                   is_chosen ? "; window shortened to a power law" : "; the window stays");
  } else if (verdict == -2) {
    eg_text_append(text, "slope between the ends: a fit of so many lags takes more than %.0f trajectories (%d a lag; 'from', 'to' and fewer "
                         "observations leave fewer lags)",
                   eg_analysis_value(file, prefix, "_samples", i), EG_DIFFUSION_PATHS_OF_A_LAG);
  } else {
    eg_text_append(text, "curved: no power law%s", is_chosen ? "; window shortened" : "");
  }
}

static void append_row(eg_text *text, const eg_labelled *file, const char *prefix, size_t run, size_t point, size_t n_points) {
  const size_t i = run * n_points + point;
  char label[128];
  eg_result_run_name(file, run, label, sizeof label);
  eg_text_append(text, "%-28s ", label);
  if (n_points > 1) {
    eg_text_append(text, "%-5zu ", point);
  }
  if (isnan(eg_analysis_value(file, prefix, "_exponent", i))) {
    eg_text_append(text, "too few lags with a positive mean and an error\n");
    return;
  }
  eg_text_append_row(text, "%-8.4f %-8.2g [%.4f, %.4f]  %-10.4g %-8.2g %.3g to %-8.3g %-8.2g %-8.2g ",
                 eg_analysis_value(file, prefix, "_exponent", i), eg_analysis_value(file, prefix, "_exponent_stderr", i),
                 eg_analysis_value(file, prefix, "_exponent_low", i), eg_analysis_value(file, prefix, "_exponent_high", i),
                 eg_analysis_value(file, prefix, "_prefactor", i), eg_analysis_value(file, prefix, "_prefactor_stderr", i),
                 eg_analysis_value(file, prefix, "_from", i), eg_analysis_value(file, prefix, "_to", i),
                 eg_analysis_value(file, prefix, "_exponent_jackknife_stderr", i), eg_analysis_value(file, prefix, "_naive_stderr", i));
  append_verdict(text, file, prefix, i);
  eg_text_append(text, "\n");
}

void eg_result_diffusion_text(eg_text *text, const eg_labelled *file) {
  for (int a = 1;; a++) {
    char prefix[24], name[48];
    (void)snprintf(prefix, sizeof prefix, a == 1 ? "diffusion" : "diffusion_%d", a);
    (void)snprintf(name, sizeof name, "%s_exponent", prefix);
    const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
    if (v == NULL) {
      return;
    }
    const size_t n_points = v->rank == 2 ? v->shape[1] : 1;
    eg_text_append(text, "\nDiffusion: %s = D t^alpha, lags weighted by their covariance; naive: the error that independent lags "
                         "would have\n",
                   eg_result_attribute_text(v, "of"));
    eg_text_append(text, "%-28s %s%-8s %-8s %-18s %-10s %-8s %-16s %-8s %-8s %s\n", "run", n_points > 1 ? "point " : "", "alpha",
                   "stderr", "95 % interval", "D", "stderr", "lags", "jackknf.", "naive", "verdict");
    for (size_t i = 0; i < eg_variable_size(v); i++) {
      append_row(text, file, prefix, i / n_points, i % n_points, n_points);
    }
  }
}
