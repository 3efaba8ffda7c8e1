/* A study given as text, run on the CPU, and values of its result: for tests of physics. Ends the program with the message
   when the study does not run. */
#ifndef EG_TESTS_RUN_TEXT_H
#define EG_TESTS_RUN_TEXT_H

#include <unistd.h>

#include "ensgrad/ensgrad.h"
#include "io/result_file.h"
#include "verdict.h"

/* Names of the steppers that this program's studies ran, for the table of the whole suite (test_suite_steppers.c). */
static inline void note_steppers(const eg_labelled *file) {
  static bool has_begun;
  const char *const folder_of_z = getenv("ENSGRAD_Z_FOLDER");
  const eg_variable *const v = eg_labelled_find(file, "/", "stepper");
  char path[600];
  if (folder_of_z == NULL || v == NULL || v->type != EG_TYPE_TEXT) {
    return;
  }
  (void)mkdir(folder_of_z, 0777); /* may be there */
  (void)snprintf(path, sizeof path, "%s/%s.steppers", folder_of_z, program_invocation_short_name);
  FILE *const list = fopen(path, has_begun ? "a" : "w");
  has_begun = true;
  CHECK(list != NULL);
  for (size_t i = 0; list != NULL && i < eg_variable_size(v); i++) {
    CHECK(fprintf(list, "%s\n", ((char *const *)v->data)[i]) > 0);
  }
  CHECK(list == NULL || fclose(list) == 0);
}

/* folder: where the study's data lie; the result comes there too and is removed. may_fail_claims: trajectories beyond the
   limit of divergences, or a z beyond its limit, are what the test wants to see. */
static inline eg_labelled *run_with(const char *folder, const char *text, bool may_fail_claims) {
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
  if (ctx == NULL || eg_study_parse(ctx, name, text, strlen(text), NULL, 0, &study) != EG_OK) {
    stop_with(eg_context_message(ctx));
  }
  const eg_status status = eg_run_study(ctx, study, &options);
  if ((status != EG_OK && !(may_fail_claims && status == EG_ERR_CLAIM)) || eg_result_read(ctx, output, &file) != EG_OK) {
    stop_with(eg_context_message(ctx));
  }
  note_steppers(file);
  (void)unlink(output);
  eg_study_free(study);
  eg_context_free(ctx);
  return file;
}

static inline eg_labelled *run_text(const char *folder, const char *text) {
  return run_with(folder, text, false);
}

/* Value of `name` for a run (by its place), component and time; last: the last time. */
static inline double value_of(const eg_labelled *file, const char *name, size_t run, size_t time, bool is_last,
                              size_t component) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  size_t at = 0;
  if (v == NULL) {
    stop_with(name);
    return 0;
  }
  for (int i = 0; i < v->rank; i++) {
    const char *const dim = v->dims[i];
    const size_t index = strcmp(dim, "run") == 0    ? run
                         : strcmp(dim, "time") == 0 ? (is_last ? v->shape[i] - 1 : time)
                         : strcmp(dim, "point") == 0 ? 0
                                                     : component;
    at = at * v->shape[i] + index;
  }
  return v->type == EG_TYPE_F64 ? ((const double *)v->data)[at] : (double)((const int64_t *)v->data)[at];
}

static inline double last_of(const eg_labelled *file, const char *name, size_t run) {
  return value_of(file, name, run, 0, true, 0);
}

#endif
