/* A study again from a result file. */
#include "run/stored_study.h"

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

static bool attribute_is(const eg_labelled *file, const char *name, uint64_t value) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, "/accumulators", name);
  uint64_t stored = 0;
  if (a == NULL || (a->type != EG_TYPE_U64 && a->type != EG_TYPE_I64) || a->n != 1) {
    return false;
  }
  memcpy(&stored, a->data, sizeof stored);
  return stored == value;
}

/* key="path" in YAML's double quotes. */
static void append_path(eg_text *text, const char *key, const char *path) {
  eg_text_append(text, "%s=\"", key);
  for (const char *c = path; *c != '\0'; c++) {
    eg_text_append(text, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
  }
  eg_text_append(text, "\"");
}

static eg_status check_there(eg_context *ctx, const char *result, const char *what, const char *path,
                             const char *hint) {
  if (path[0] != '\0' && access(path, R_OK) != 0) {
    return eg_fail(ctx, EG_ERR_STUDY, "%s: its %s file %s cannot be read%s", result, what, path, hint);
  }
  return EG_OK;
}

/* A model file is compiled and run, and here the result names it, not the user: it must be the user's own (or the system's), so that
   a stranger's result cannot bring code along. */
static eg_status check_owner(eg_context *ctx, const char *result, const char *model) {
  struct stat s;
  if (model[0] == '\0') {
    return EG_OK;
  }
  if (stat(model, &s) != 0 || (s.st_uid != geteuid() && s.st_uid != 0) || (s.st_mode & S_IWOTH) != 0) {
    return eg_fail(ctx, EG_ERR_STUDY,
                   "%s: its model file %s would be compiled and run, but it belongs to somebody else, or all can write it: "
                   "make it yours (chown, chmod o-w) once you have read it",
                   result, model);
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

/* The stored text with its overrides, and the recorded files by their full names. */
eg_status eg_stored_study(eg_context *ctx, const char *path, const eg_labelled *file, const char *data,
                          const char *const *more, size_t n_more, eg_study **study) {
  const char *const text = stored_text(file, "/provenance");
  const eg_variable *const stored = eg_labelled_find(file, "/provenance", "overrides");
  const size_t n_stored = stored != NULL && stored->type == EG_TYPE_TEXT && stored->rank == 1 ? stored->shape[0] : 0;
  const char *const recorded = provenance(file, "data_file"), *const model = provenance(file, "model_file");
  const char *const name = provenance(file, "study_file");
  const char **overrides = NULL;
  eg_text files[2] = {{0}, {0}};
  size_t n = 0, n_later = 0;
  eg_status status = EG_OK;
  if (text == NULL) {
    return eg_fail(ctx, EG_ERR_DAMAGED, "%s: the study is missing", path);
  }
  if (data != NULL && recorded[0] == '\0') {
    return eg_fail(ctx, EG_ERR_USAGE, "%s: its model has no data file, so --data has no meaning", path);
  }
  EG_TRY(check_there(ctx, path, "data", data != NULL ? data : recorded, "; name another place with --data FILE"));
  EG_TRY(check_there(ctx, path, "model", model, ""));
  EG_TRY(check_owner(ctx, path, model));
  EG_TRY(eg_allocate(ctx, n_stored + n_more + 2, sizeof *overrides, &overrides));
  const char **const later = overrides + n_stored;
  char *const full = data != NULL ? realpath(data, NULL) : NULL;
  if (recorded[0] != '\0') {
    append_path(&files[0], "model.data", full != NULL ? full : recorded);
    later[n_later++] = eg_text_string(&files[0]);
  }
  if (model[0] != '\0') {
    append_path(&files[1], "model.file", model);
    later[n_later++] = eg_text_string(&files[1]);
  }
  free(full);
  for (size_t i = 0; i < n_more; i++) {
    later[n_later++] = more[i];
  }
  if (files[0].is_broken || files[1].is_broken) {
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
  status = eg_study_parse(ctx, name[0] != '\0' ? name : path, text, strlen(text), overrides, n, study);
done:
  eg_text_free(&files[0]);
  eg_text_free(&files[1]);
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
    const bool is_data = plan->study->model.data != NULL;
    const char *const changed = is_data ? plan->study->model.data : plan->study->model.file;
    return eg_fail(ctx, EG_ERR_STUDY, "%s was made from other contents of its %s than %s holds now%s", path,
                   is_data ? "data" : "model file", changed != NULL ? changed : "the file",
                   is_data ? "; name the original with --data FILE" : "");
  }
  return EG_OK;
}
