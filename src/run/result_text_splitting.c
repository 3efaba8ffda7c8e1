/* What a splitting found, as a table and as JSON, made from its file. */
#include <math.h>
#include <stdio.h>

#include "run/result_text.h"
#include "run/split.h"

static double at(const eg_labelled *file, const char *name, size_t run) { return eg_analysis_value(file, name, "", run); }

static double number(const eg_labelled *file, const char *name) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, "/splitting", name);
  return a != NULL && a->type == EG_TYPE_F64 && a->n == 1 ? *(const double *)a->data : NAN;
}

static const char *word(const eg_labelled *file, const char *group, const char *name) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, group, name);
  return a != NULL && a->type == EG_TYPE_TEXT && a->n == 1 ? ((char *const *)a->data)[0] : "";
}

/* The runs' names; NULL: the file holds no splitting. */
static const eg_variable *runs_of(const eg_labelled *file) {
  const eg_variable *const runs = eg_labelled_find(file, "/", "description");
  return eg_is_split_result(file) && runs != NULL && runs->type == EG_TYPE_TEXT ? runs : NULL;
}

static void append_row(eg_text *text, const eg_labelled *file, const char *run, size_t r) {
  const double rate = at(file, "splitting_rate", r), relative = at(file, "splitting_rate_stderr", r) / rate;
  const double done = at(file, "splitting_repeats", r), extinct = at(file, "splitting_extinct", r);
  eg_text_append(text, "%-32s ", run);
  eg_text_append_row(text,
                 "%-12.6g %-9.2g %-12.6g %-9.2g %-12.6g %-9.2g [%.4g, %.4g]  %.3g rounds, %.3g steps in all",
                 at(file, "splitting_flux", r), at(file, "splitting_flux_stderr", r), at(file, "splitting_probability", r),
                 at(file, "splitting_probability_stderr", r), rate, at(file, "splitting_rate_stderr", r),
                 at(file, "splitting_rate_low", r), at(file, "splitting_rate_high", r), at(file, "splitting_rounds", r),
                 at(file, "splitting_steps", r));
  if (at(file, "splitting_flux", r) == 0) {
    eg_text_append(text, "; NO exit from A: count more steps, or move low");
  } else if (rate > 0) { /* direct simulation: one event per 1 / rate, relative error 1 / sqrt(events) */
    eg_text_append(text, "; direct simulation would take %.3g",
                   1 / (rate * eg_result_value(file, "integrator_step", "", r) * relative * relative));
  }
  if (relative > 0.3) {
    eg_text_append(text, "; relative error %.2g: do not trust its size, take more replicas", relative);
  }
  if (extinct > 0 && extinct == done && at(file, "splitting_flux", r) > 0) {
    eg_text_append(text, "; no path of %.0f repeats reached B: no rate and no error; take more replicas, or a smaller 'kill'", done);
  } else if (extinct > 0) {
    eg_text_append(text, "; %.0f of %.0f repeats died out", extinct, done);
  }
  if (done < number(file, "repeats")) {
    eg_text_append(text, "; PARTIAL: %.0f of %.0f repeats, the quick ones first", done, number(file, "repeats"));
  }
  eg_text_append(text, "\n");
}

void eg_result_splitting_text(eg_text *text, const eg_labelled *file) {
  const eg_variable *const runs = runs_of(file);
  const double low = number(file, "low"), high = number(file, "high");
  if (runs == NULL) {
    return;
  }
  eg_text_append(text, "%s\nSplitting from A (%s %s %g) to B (%s %g): %.0f repeats of %.0f paths\n", word(file, "/", "title"),
                 word(file, "/splitting", "feature"), high > low ? "<=" : ">=", low, high > low ? ">=" : "<=", high,
                 number(file, "repeats"), number(file, "replicas"));
  eg_text_append(text, "%-32s %-12s %-9s %-12s %-9s %-12s %-9s %s\n", "run", "flux", "stderr", "probability", "stderr",
                 "rate", "stderr", "95 % interval");
  for (size_t r = 0; r < eg_variable_size(runs); r++) {
    append_row(text, file, ((char *const *)runs->data)[r], r);
  }
}

void eg_result_splitting_json(eg_text *text, const eg_labelled *file) {
  static const char *const names[] = {"flux", "flux_stderr", "probability", "probability_stderr", "rate",
                                      "rate_stderr", "rounds", "steps", "repeats", "extinct"};
  const eg_variable *const runs = runs_of(file);
  eg_text_append(text, "{\"message_type\": \"split\", \"title\": ");
  eg_text_append_json(text, word(file, "/", "title"));
  eg_text_append(text, ", \"runs\": [");
  for (size_t r = 0; runs != NULL && r < eg_variable_size(runs); r++) {
    eg_text_append(text, "%s{\"run\": ", r > 0 ? ", " : "");
    eg_text_append_json(text, ((char *const *)runs->data)[r]);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
      char full[40];
      (void)snprintf(full, sizeof full, "splitting_%s", names[i]);
      const double value = at(file, full, r);
      eg_text_append(text, isfinite(value) ? ", \"%s\": %.17g" : ", \"%s\": null", names[i], value);
    }
    eg_text_append(text, "}");
  }
  eg_text_append(text, "]}\n");
}
