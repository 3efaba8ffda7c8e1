/* Text or file to a checked study, and messages about a study that come later. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/checker.h"
#include "study/quote.h"

enum { MAX_BYTES = 1 << 20 };

static eg_yaml_node *read_tree(eg_arena *arena, eg_error_list *errors, const char *text, size_t length,
                               size_t n) {
  eg_yaml_node *root = eg_yaml_parse(arena, errors, 0, text, length);
  if (root == NULL) {
    return NULL;
  }
  if (eg_yaml_is_null(root)) {
    eg_error_add(errors, root->place, "the study is empty; `ensgrad new KIND` writes an example");
    return NULL;
  }
  if (root->kind != EG_YAML_MAP) {
    eg_error_add(errors, root->place, "a study is a mapping of keys to values, this is %s",
                 root->kind == EG_YAML_LIST ? "a list" : "text");
    return NULL;
  }
  for (size_t i = 0; i < n; i++) {
    eg_override_apply(arena, errors, root, (int)i, errors->overrides[i]);
  }
  return root;
}

/* The folder of a path with its '/', "" if it has none. */
static char *folder_of(eg_arena *arena, const char *path) {
  const char *slash = strrchr(path, '/');
  return eg_arena_copy(arena, path, slash == NULL ? 0 : (size_t)(slash - path) + 1);
}

static void check_tree(eg_study *study, eg_arena *memory, eg_error_list *errors, const eg_yaml_node *root) {
  eg_checker checker = {.errors = errors,
                        .memory = memory,
                        .study = study,
                        .folder = folder_of(memory, study->path),
                        .root = root};
  if (memory->is_broken) {
    return;
  }
  eg_check_study(&checker);
  if (errors->count > 0 || memory->is_broken) {
    return;
  }
  eg_text canonical = {0};
  if (eg_study_canonical(study, checker.model, &canonical)) {
    study->canonical = eg_arena_copy(memory, eg_text_string(&canonical), canonical.length);
  } else {
    memory->is_broken = true;
  }
  eg_text_free(&canonical);
}

static eg_status report(eg_context *ctx, eg_error_list *errors) {
  eg_text message = {0};
  eg_error_list_write(errors, &message);
  const eg_status status = message.is_broken ? eg_fail(ctx, EG_ERR_MEMORY, "out of memory")
                                             : eg_fail(ctx, EG_ERR_STUDY, "%s", eg_text_string(&message));
  eg_text_free(&message);
  return status;
}

/* The tree lives only as long as the check; the study owns copies of what it keeps. */
static eg_status fill_study(eg_context *ctx, eg_study *study, const char *const *overrides, size_t n) {
  eg_arena tree = {0};
  eg_arena memory = {.blocks = study->memory};
  eg_error_list errors = {
      .path = study->path, .text = study->text, .length = study->text_length, .overrides = overrides};
  const eg_yaml_node *root = read_tree(&tree, &errors, study->text, study->text_length, n);
  if (root != NULL && !tree.is_broken) {
    check_tree(study, &memory, &errors, root);
  }
  study->memory = memory.blocks;
  eg_status status = EG_OK;
  if (tree.is_broken || memory.is_broken) {
    status = eg_fail(ctx, EG_ERR_MEMORY, "out of memory");
  } else if (errors.count > 0) {
    status = report(ctx, &errors);
  }
  eg_error_list_free(&errors);
  eg_arena_free(&tree);
  return status;
}

eg_status eg_study_parse(eg_context *ctx, const char *name, const char *text, size_t length,
                         const char *const *overrides, size_t n, eg_study **study) {
  if (length > MAX_BYTES) {
    return eg_fail(ctx, EG_ERR_STUDY, "%s: error: larger than 1 MiB: this is not a study", name);
  }
  eg_arena memory = {0};
  eg_study *made = NULL;
  EG_TRY(eg_allocate(ctx, 1, sizeof *made, &made));
  made->path = eg_arena_copy(&memory, name, strlen(name));
  made->text = eg_arena_copy(&memory, text, length);
  made->text_length = length;
  made->overrides = eg_arena_get(&memory, n, sizeof *made->overrides);
  for (size_t i = 0; made->overrides != NULL && i < n; i++) {
    made->overrides[i] = eg_arena_copy(&memory, overrides[i], strlen(overrides[i]));
    made->n_overrides++;
  }
  made->memory = memory.blocks;
  const eg_status status =
      memory.is_broken ? eg_fail(ctx, EG_ERR_MEMORY, "out of memory") : fill_study(ctx, made, overrides, n);
  if (status != EG_OK) {
    eg_study_free(made);
    return status;
  }
  *study = made;
  return EG_OK;
}

static eg_status read_file(eg_context *ctx, const char *path, FILE *file, char *buffer, size_t *length) {
  *length = fread(buffer, 1, MAX_BYTES + 1, file); /* one more than allowed tells a longer file */
  if (ferror(file) != 0) {
    return eg_fail(ctx, EG_ERR_STUDY, "%s: error: cannot be read: %s", path, strerror(errno));
  }
  return EG_OK;
}

eg_status eg_study_load(eg_context *ctx, const char *path, const char *const *overrides, size_t n,
                        eg_study **study) {
  if (strcmp(path, "-") == 0) {
    return eg_fail(ctx, EG_ERR_STUDY, "-: error: a study is read from a file, not from standard input");
  }
  char *buffer = NULL;
  size_t length = 0;
  EG_TRY(eg_allocate(ctx, MAX_BYTES + 1, 1, &buffer));
  eg_status status = EG_OK;
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    status = eg_fail(ctx, EG_ERR_STUDY, "%s: error: cannot be opened: %s", path, strerror(errno));
    goto done;
  }
  EG_TRY_DONE(read_file(ctx, path, file, buffer, &length));
  EG_TRY_DONE(eg_study_parse(ctx, path, buffer, length, overrides, n, study));
done:
  if (file != NULL) {
    (void)fclose(file); /* only read */
  }
  free(buffer);
  return status;
}

void eg_study_free(eg_study *study) {
  if (study == NULL) {
    return;
  }
  eg_arena memory = {.blocks = study->memory};
  eg_arena_free(&memory);
  free(study);
}

static void write_at(eg_text *out, const eg_study *study, eg_mark mark, const char *kind, const char *format,
                     va_list args) {
  if (mark.line > 0) {
    eg_text_append(out, "%s:%d:%d: %s: ", study->path, mark.line, mark.column, kind);
  } else {
    eg_text_append(out, "%s: %s: ", study->path, kind);
  }
  eg_text_append_v(out, format, args);
  eg_quote_line(out, study->text, study->text_length, mark, 0);
}

eg_status eg_study_fail_at(eg_context *ctx, const eg_study *study, eg_mark mark, const char *format, ...) {
  eg_text message = {0};
  va_list args;
  va_start(args, format);
  write_at(&message, study, mark, "error", format, args);
  va_end(args);
  const eg_status status = message.is_broken ? eg_fail(ctx, EG_ERR_MEMORY, "out of memory")
                                             : eg_fail(ctx, EG_ERR_STUDY, "%s", eg_text_string(&message));
  eg_text_free(&message);
  return status;
}

void eg_study_warn_at(eg_context *ctx, const eg_study *study, eg_mark mark, const char *format, ...) {
  eg_text message = {0};
  va_list args;
  va_start(args, format);
  write_at(&message, study, mark, "warning", format, args);
  va_end(args);
  eg_warn(ctx, "%s", eg_text_string(&message));
  eg_text_free(&message);
}
