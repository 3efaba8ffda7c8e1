/* A study again from a result file. */
#include "run/stored_study.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "core/rng.h"

static const char *provenance(const eg_labelled *file, const char *name) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, "/provenance", name);
  return a != NULL && a->type == EG_TYPE_TEXT && a->n == 1 ? ((char *const *)a->data)[0] : "";
}

static const char *stored_text(const eg_labelled *file, const char *group) {
  const eg_variable *const v = eg_labelled_find(file, group, "study");
  return v != NULL && v->type == EG_TYPE_TEXT && v->rank == 0 ? ((char *const *)v->data)[0] : NULL;
}

static bool read_attribute(const eg_labelled *file, const char *name, uint64_t *value) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, "/accumulators", name);
  if (a == NULL || (a->type != EG_TYPE_U64 && a->type != EG_TYPE_I64) || a->n != 1) {
    return false;
  }
  memcpy(value, a->data, sizeof *value);
  return true;
}

static bool attribute_is(const eg_labelled *file, const char *name, uint64_t value) {
  uint64_t stored = 0;
  return read_attribute(file, name, &stored) && stored == value;
}

/* key="path" in YAML's double quotes. */
static void append_path(eg_text *text, const char *key, const char *path) {
  eg_text_append(text, "%s=\"", key);
  for (const char *c = path; *c != '\0'; c++) {
    eg_text_append(text, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
  }
  eg_text_append(text, "\"");
}

static eg_status check_data(eg_context *ctx, const char *result, const char *path) {
  if (path[0] != '\0' && access(path, R_OK) != 0) {
    return eg_fail(ctx, EG_ERR_STUDY, "%s: its data file %s cannot be read; name another place with --data FILE", result, path);
  }
  return EG_OK;
}

/* What the user named is compiled and run: nobody else may be able to change it before that. */
static eg_status check_model(eg_context *ctx, const char *model) {
  struct stat s;
  const int descriptor = open(model, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  const int error_number = errno;
  const bool is_known = descriptor >= 0 && fstat(descriptor, &s) == 0;
  if (descriptor >= 0) {
    (void)close(descriptor); /* only looked at */
  }
  if (!is_known) {
    return eg_fail(ctx, EG_ERR_STUDY, "--model %s cannot be read: %s", model, strerror(error_number));
  }
  if (!S_ISREG(s.st_mode)) {
    return eg_fail(ctx, EG_ERR_STUDY, "--model %s is no regular file", model);
  }
  if (s.st_uid != geteuid() && s.st_uid != 0) {
    return eg_fail(ctx, EG_ERR_STUDY, "--model %s would be compiled and run, but it belongs to another user: name a copy of your own, "
                   "once you have read it", model);
  }
  if ((s.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return eg_fail(ctx, EG_ERR_STUDY, "--model %s would be compiled and run, but others can write it: chmod go-w, once you have read it",
                   model);
  }
  return EG_OK;
}

static eg_status check_files(eg_context *ctx, const char *result, const eg_labelled *file, eg_named_files files) {
  const char *const data = provenance(file, "data_file");
  if (files.data != NULL && data[0] == '\0') {
    return eg_fail(ctx, EG_ERR_USAGE, "%s: its model has no data file, so --data has no meaning", result);
  }
  if (files.model != NULL && provenance(file, "model_file")[0] == '\0') {
    return eg_fail(ctx, EG_ERR_USAGE, "%s: its model is built in, so --model has no meaning", result);
  }
  EG_TRY(check_data(ctx, result, files.data != NULL ? files.data : data));
  return files.model != NULL ? check_model(ctx, files.model) : EG_OK;
}

/* A model file is compiled and run, so that a stranger's result must not choose it: only the study itself tells whether there is
   one, for what stands beside it can say anything. */
static eg_status check_consent(eg_context *ctx, const char *result, const eg_labelled *file, eg_named_files files, eg_study *study) {
  eg_study_model *const model = &study->model;
  if (model->file == NULL) {
    return EG_OK;
  }
  if (files.model == NULL) {
    return eg_fail(ctx, EG_ERR_STUDY, "%s: its model file %s would be compiled and run, and only a file that you name is: "
                   "--model FILE, once you have read it", result, model->file);
  }
  model->has_known_hash = true;
  if (!read_attribute(file, "data_hash", &model->known_hash)) {
    return eg_fail(ctx, EG_ERR_DAMAGED, "%s: the hash of its model file is missing", result);
  }
  return EG_OK;
}

/* Does an override set the key of one of those that come behind it? */
static bool is_replaced(const char *override, const char *const *later, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (strncmp(override, later[i], strcspn(later[i], "=") + 1) == 0) {
      return true;
    }
  }
  return false;
}

eg_status eg_stored_study(eg_context *ctx, const char *path, const eg_labelled *file, eg_named_files files,
                          const char *const *more, size_t n_more, eg_study **study) {
  const char *const text = stored_text(file, "/provenance");
  const eg_variable *const stored = eg_labelled_find(file, "/provenance", "overrides");
  const size_t n_stored = stored != NULL && stored->type == EG_TYPE_TEXT && stored->rank == 1 ? stored->shape[0] : 0;
  const char *const recorded = provenance(file, "data_file"), *const name = provenance(file, "study_file");
  const char **overrides = NULL;
  char *data = NULL, *model = NULL;
  eg_text places[2] = {{0}, {0}};
  eg_study *made = NULL;
  size_t n = 0, n_later = 0;
  eg_status status = EG_OK;
  if (text == NULL) {
    return eg_fail(ctx, EG_ERR_DAMAGED, "%s: the study is missing", path);
  }
  EG_TRY(check_files(ctx, path, file, files));
  EG_TRY(eg_allocate(ctx, n_stored + n_more + 2, sizeof *overrides, &overrides));
  const char **const later = overrides + n_stored;
  if (recorded[0] != '\0') {
    data = files.data != NULL ? realpath(files.data, NULL) : NULL;
    append_path(&places[0], "model.data", data != NULL ? data : recorded);
    later[n_later++] = eg_text_string(&places[0]);
  }
  if (files.model != NULL) {
    model = realpath(files.model, NULL);
    append_path(&places[1], "model.file", model != NULL ? model : files.model);
    later[n_later++] = eg_text_string(&places[1]);
  }
  for (size_t i = 0; i < n_more; i++) {
    later[n_later++] = more[i];
  }
  if (places[0].is_broken || places[1].is_broken) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_MEMORY, "out of memory"));
  }
  for (size_t i = 0; i < n_stored; i++) {
    const char *const given = ((char *const *)stored->data)[i];
    if (!is_replaced(given, later, n_later)) {
      overrides[n++] = given;
    }
  }
  memmove(overrides + n, later, n_later * sizeof *later);
  n += n_later;
  EG_TRY_DONE(eg_study_parse(ctx, name[0] != '\0' ? name : path, text, strlen(text), overrides, n, &made));
  EG_TRY_DONE(check_consent(ctx, path, file, files, made));
  *study = made;
  made = NULL;
done:
  eg_study_free(made);
  eg_text_free(&places[0]);
  eg_text_free(&places[1]);
  free(data);
  free(model);
  free(overrides);
  return status;
}

/* Length of what is simulated: analyses come last and move nothing. */
static size_t simulated(const char *canonical) {
  const char *const analyses = strstr(canonical, "\nanalyse.");
  return analyses == NULL ? strlen(canonical) : (size_t)(analyses - canonical) + 1;
}

eg_status eg_stored_check(eg_context *ctx, const char *path, const eg_labelled *file, const eg_plan *plan) {
  const char *const canonical = stored_text(file, "/accumulators");
  const size_t n = simulated(plan->study->canonical);
  if (canonical == NULL || simulated(canonical) != n || memcmp(canonical, plan->study->canonical, n) != 0 ||
      !attribute_is(file, "rng_layout_version", EG_RNG_LAYOUT_VERSION)) {
    return eg_fail(ctx, EG_ERR_STUDY,
                   "%s was made by a version of ensgrad that reads the study, or makes its noise, in another way: "
                   "use that version",
                   path);
  }
  if (!attribute_is(file, "data_hash", plan->data_hash)) {
    const char *const changed = plan->study->model.data; /* a model file was compared before it was loaded */
    return eg_fail(ctx, EG_ERR_STUDY, "%s was made from other contents of its data than %s holds now; name the original with "
                   "--data FILE", path, changed != NULL ? changed : "the file");
  }
  return EG_OK;
}
