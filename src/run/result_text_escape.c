/* Lines about the escape analyses of a result. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "run/result_text.h"

static void append_row(eg_text *text, const eg_labelled *file, const char *prefix, const char *of, size_t run, size_t point,
                       size_t n_points) {
  const size_t i = run * n_points + point;
  const double p = eg_analysis_value(file, prefix, "_p_value", i), lost = eg_analysis_value(file, prefix, "_lost", i);
  char label[128];
  eg_result_run_name(file, run, label, sizeof label);
  eg_text_append(text, "%-28s ", label);
  if (n_points > 1) {
    eg_text_append(text, "%-5zu ", point);
  }
  eg_text_append_row(text, "%-10.0f %-12.6g %-9.2g [%.5g, %.5g]  from %g to %g", eg_analysis_value(file, prefix, "_events", i),
                 eg_analysis_value(file, prefix, "_rate", i), eg_analysis_value(file, prefix, "_rate_stderr", i), eg_analysis_value(file, prefix, "_rate_low", i),
                 eg_analysis_value(file, prefix, "_rate_high", i), eg_analysis_value(file, prefix, "_from", i), eg_analysis_value(file, prefix, "_to", i));
  if (!isnan(eg_analysis_value(file, prefix, "_kramers", i))) {
    eg_text_append(text, "; Kramers %.4g", eg_analysis_value(file, prefix, "_kramers", i));
  }
  if (!isnan(eg_analysis_value(file, prefix, "_power_law", i))) {
    eg_text_append(text, "; power law %.4g", eg_analysis_value(file, prefix, "_power_law", i));
  }
  if (isnan(p)) {
    eg_text_append(text, "; too few events, or observations between them, to test for a constant rate");
  } else {
    eg_text_append(text, p < 0.01 ? "; the rate is NOT constant (p %.2g)" : "; constant rate (p %.2g)", p);
  }
  const eg_variable *const steps = eg_result_find(file, "/", of, "_time_steps");
  const eg_variable *const error = eg_result_find(file, "/", of, "_time_steps_stderr");
  if (steps != NULL && error != NULL && steps->rank > 0 && eg_variable_size(steps) == eg_variable_size(error)) { /* (run[, point], time) */
    const size_t n_times = steps->shape[steps->rank - 1], last = (i + 1) * n_times - 1;
    if (n_times > 0 && last < eg_variable_size(steps) && !isnan(eg_result_at(steps, last))) {
      eg_text_append_row(text, "; stopped after %.6g(%.2g) steps", eg_result_at(steps, last), eg_result_at(error, last));
    }
  }
  eg_text_append(text, lost > 0 ? "; %.0f lost, conditional on the rest\n" : "\n", lost);
}

void eg_result_escape_text(eg_text *text, const eg_labelled *file) {
  for (int a = 1;; a++) {
    char prefix[24], name[48];
    (void)snprintf(prefix, sizeof prefix, a == 1 ? "escape" : "escape_%d", a);
    (void)snprintf(name, sizeof name, "%s_rate", prefix);
    const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
    if (v == NULL) {
      return;
    }
    const char *const by = eg_result_attribute_text(v, "absorbed_by");
    const size_t n_points = v->rank == 2 ? v->shape[1] : 1;
    eg_text_append(text, "\nEscape: first crossings of %s per unit time at risk\n", eg_result_attribute_text(v, "of"));
    if (by[0] != '\0') {
      (void)snprintf(name, sizeof name, "%s_grid_time", prefix);
      eg_text_append(text, "Absorbing crossings stop trajectories too: %s. Rate and survival take that as censoring: the law of this exit "
                           "alone, if exits are independent; incidence is the share that leaves here.\n", by);
      const bool is_exit = strcmp(eg_result_attribute_text(v, "passage"), "exit") == 0; /* which has no grid beside others */
      if (!is_exit && eg_labelled_find(file, "/analysis", name) == NULL) {
        const char *const of = eg_result_attribute_text(v, "of");
        const char *const first = eg_result_find(file, "/", of, "_first") != NULL ? "_first" : ""; /* it has an exit, which settles ties */
        eg_text_append(text, "A grid of its own needs histograms of %s_time and of %s%s (two bins), and 'joint_histograms: {of: %s_time, with: "
                             "%s%s}'.\n", of, of, first, of, of, first);
      }
    }
    eg_text_append(text, "%-28s %s%-10s %-12s %-9s %s\n", "run", n_points > 1 ? "point " : "", "events", "rate", "stderr",
                   "95 % interval");
    for (size_t i = 0; i < eg_variable_size(v); i++) {
      append_row(text, file, prefix, eg_result_attribute_text(v, "of"), i / n_points, i % n_points, n_points);
    }
  }
}
