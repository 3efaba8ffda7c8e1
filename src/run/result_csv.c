/* Observables of a result file as CSV. */
#include <math.h>
#include <string.h>

#include "ensgrad/result.h"
#include "run/result_text.h"

/* A CSV field, quoted where it must be (RFC 4180). */
void eg_result_append_quoted(eg_text *text, const char *field) {
  if (strpbrk(field, ",\"\n") == NULL) {
    eg_text_append(text, "%s", field);
    return;
  }
  eg_text_append(text, "\"");
  for (; *field != '\0'; field++) {
    eg_text_append(text, "%s%c", *field == '"' ? "\"" : "", *field);
  }
  eg_text_append(text, "\"");
}

static void csv_rows(eg_text *text, const eg_labelled *file, const char *name) {
  static const char *const suffixes[] = {"",          "_stderr",          "_count",   "_variance", "_variance_stderr",
                                         "_skewness", "_skewness_stderr", "_kurtosis", "_kurtosis_stderr",
                                         "_exact",    "_expected",        "_z"};
  const eg_variable *const mean = eg_labelled_find(file, "/", name);
  const eg_variable *const step = eg_labelled_find(file, "/", "step");
  const eg_result_shape s = eg_result_shape_of(mean);
  for (size_t run = 0; run < s.runs; run++) {
    for (size_t point = 0; point < s.points; point++) {
      for (size_t t = 0; t < s.times; t++) {
        for (size_t k = 0; k < s.components; k++) {
          if (eg_result_at(step, run * s.times + t) < 0) {
            continue;
          }
          char label[128];
          eg_result_run_label(file, run, label, sizeof label);
          eg_text_append(text, "%zu,", run);
          eg_result_append_quoted(text, label);
          eg_text_append(text, ",%.17g,%zu,%.17g,%.0f,%s,%zu",
                         eg_result_at(eg_labelled_find(file, "/", eg_result_step_name(file)), run), point, eg_result_time(file, "", run, t, s.times),
                         eg_result_at(step, run * s.times + t), name, k);
          for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
            const double v = eg_result_at(eg_result_find(file, "/", name, suffixes[i]), eg_result_index(s, run, point, t, k));
            if (isnan(v)) {
              eg_text_append(text, ",");
            } else {
              eg_text_append(text, ",%.17g", v);
            }
          }
          eg_text_append(text, "\n");
        }
      }
    }
  }
}

eg_status eg_result_csv(eg_context *ctx, const char *path, char **out) {
  eg_labelled *file = NULL;
  eg_text text = {0};
  EG_TRY(eg_result_open(ctx, path, &file));
  eg_text_append(&text, "run,dynamics,%s,point,time,step,feature,component,mean,stderr,count,variance,variance_stderr,"
                        "skewness,skewness_stderr,kurtosis,kurtosis_stderr,exact,expected,z\n",
                 eg_result_step_name(file));
  for (size_t i = 0; i < file->n_variables; i++) {
    if (eg_result_is_observable(&file->variables[i])) {
      csv_rows(&text, file, file->variables[i].name);
    }
  }
  eg_labelled_free(file);
  return eg_result_finish_text(ctx, &text, out);
}
