/* A user's model: `cc -shared` on the same unit text as the built-in ones, then dlopen. */
#include "model/user_model.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "model/compiler.h"
#include "model/units.h"

/* A shared object made from the model: the first has the common steppers, each further one a rare stepper. */
typedef struct compiled {
  void *library;
  const eg_unit *unit;
  struct compiled *next;
} compiled;

struct eg_user_model {
  compiled first;
  pthread_mutex_t lock; /* of first.next and what follows; held while compiling */
  char *file;
  int dim;
  bool is_float, is_wide_noise;
  uint64_t started, hash; /* of the text and of all that it includes, going on from `started` */
};

static void close_library(const compiled *c) {
  if (c->library != NULL) {
    (void)dlclose(c->library);
  }
}

/* ---- what the study's identity depends on: the model's text and that of every file it includes ---- */

static eg_status hash_file(eg_context *ctx, const char *path, uint64_t *hash) {
  unsigned char buffer[4096];
  uint64_t value = *hash;
  size_t n;
  FILE *const f = fopen(path, "rbe");
  if (f == NULL) {
    return eg_fail(ctx, EG_ERR_STUDY, "'%s', a part of the model, cannot be read: %s", path, strerror(errno));
  }
  while ((n = fread(buffer, 1, sizeof buffer, f)) > 0) {
    value = eg_hash_bytes(value, buffer, n);
  }
  const bool is_read = ferror(f) == 0;
  (void)fclose(f); /* only read */
  if (!is_read) {
    return eg_fail(ctx, EG_ERR_STUDY, "'%s', a part of the model, cannot be read", path);
  }
  *hash = value;
  return EG_OK;
}

/* The next file name of a rule of make, unescaped into `name`; false at its end. A name that does not fit is cut, and is
   then not found. */
static bool next_name(const char **at, char *name, size_t size) {
  size_t n = 0;
  const char *c = *at;
  while (*c == ' ' || *c == '\n' || (c[0] == '\\' && c[1] == '\n')) {
    c += *c == '\\' ? 2 : 1;
  }
  for (; *c != '\0' && *c != ' ' && *c != '\n'; c++) {
    const bool is_escape = (c[0] == '\\' && (c[1] == ' ' || c[1] == '#')) || (c[0] == '$' && c[1] == '$');
    c += is_escape ? 1 : 0;
    if (n + 1 < size) {
      name[n++] = *c;
    }
  }
  name[n] = '\0';
  *at = c;
  return n > 0;
}

static bool is_below(const char *path, const char *folder) {
  const size_t length = strlen(folder);
  return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* In the compiler's order, which is the order of inclusion. Our own kernels are named by the version of the program. */
static eg_status hash_dependencies(eg_context *ctx, const eg_compilation *parts, uint64_t *hash) {
  eg_text rule = {0};
  char name[4096];
  uint64_t value = *hash;
  eg_status status = EG_OK;
  const int descriptor = open(parts->dependencies, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return eg_fail(ctx, EG_ERR_DEVICE, "the compiler did not write '%s', the list of files of the model",
                   parts->dependencies);
  }
  eg_text_append_file(&rule, descriptor, SIZE_MAX);
  (void)close(descriptor); /* only read */
  if (rule.is_broken) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_MEMORY, "out of memory"));
  }
  const char *at = strchr(eg_text_string(&rule), ':');
  at = at == NULL ? "" : at + 1;
  while (next_name(&at, name, sizeof name)) {
    if (strcmp(name, parts->source) != 0 && !is_below(name, parts->kernels)) {
      EG_TRY_DONE(hash_file(ctx, name, &value));
    }
  }
  *hash = value;
done:
  eg_text_free(&rule);
  return status;
}

static eg_status check_path(eg_context *ctx, const char *file, char absolute[PATH_MAX]) {
  if (realpath(file, absolute) == NULL) {
    return eg_fail(ctx, EG_ERR_STUDY, "model file '%s' cannot be read: %s", file, strerror(errno));
  }
  if (strpbrk(absolute, "\"\\\n") != NULL) {
    return eg_fail(ctx, EG_ERR_STUDY, "the path of model file '%s' holds a quote, backslash or newline", file);
  }
  return EG_OK;
}

/* stepper NULL: all common ones. wanted: what the texts must hash to, or nothing is loaded; NULL: anything. */
static eg_status compile(eg_context *ctx, const eg_user_model *model, const char *stepper, const uint64_t *wanted, uint64_t *hash,
                         compiled *out) {
  eg_compilation parts = {.what = NULL};
  char absolute[PATH_MAX], what[PATH_MAX + 16];
  const eg_cpu_kernels *cpu = NULL;
  eg_text text = {0};
  eg_status status = EG_OK;
  EG_TRY(check_path(ctx, model->file, absolute));
  EG_TRY(eg_cpu_kernels_choose(ctx, &cpu));
  (void)snprintf(what, sizeof what, "model '%s'", model->file);
  if (stepper == NULL) {
    eg_text_append(&text, "#define EG_COMMON_STEPPERS\n");
  } else {
    eg_text_append(&text, "#define EG_ONE_STEPPER\n#define EG_WANTED_%s EG_YES\n", stepper);
  }
  eg_text_append(&text,
                 "#define EG_USER_MODEL 1\n#define EG_DIM %d\n#define EG_REAL %s\n#define EG_NOISE_REAL %s\n#define EG_MODEL_FILE \"%s\"\n"
                 "#define EG_UNIT_SYMBOL ensgrad_user_unit\n#define EG_ISA_NAME \"user\"\n#include \"unit_cpu.c\"\n",
                 model->dim, model->is_float ? "float" : "double", model->is_wide_noise ? "double" : "float", absolute);
  if (text.is_broken) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_MEMORY, "out of memory"));
  }
  EG_TRY_DONE(eg_compilation_begin(ctx, what, &parts));
  EG_TRY_DONE(eg_compilation_run(ctx, &parts, cpu->isa, text.data));
  EG_TRY_DONE(hash_dependencies(ctx, &parts, hash));
  if (wanted != NULL && *hash != *wanted) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_STUDY, "model file '%s', a file that it includes or its data have %s", model->file,
                        stepper == NULL ? "other contents than those that the result was made from"
                                        : "changed while the study was planned"));
  }
  EG_TRY_DONE(eg_compilation_load(ctx, &parts, "ensgrad_user_unit", &out->library, &out->unit));
done:
  eg_compilation_end(&parts);
  eg_text_free(&text);
  return status;
}

eg_status eg_user_model_compile(eg_context *ctx, const char *file, int dim, bool is_float, bool is_wide_noise,
                                const uint64_t *known, uint64_t *hash, eg_user_model **out) {
  eg_user_model *model = NULL;
  uint64_t joined = *hash;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, 1, sizeof *model, &model));
  (void)pthread_mutex_init(&model->lock, NULL); /* cannot fail with default attributes on Linux */
  model->dim = dim;
  model->is_float = is_float;
  model->is_wide_noise = is_wide_noise;
  EG_TRY_DONE(eg_allocate(ctx, strlen(file) + 1, 1, &model->file));
  memcpy(model->file, file, strlen(file) + 1);
  EG_TRY_DONE(compile(ctx, model, NULL, known, &joined, &model->first));
  model->started = *hash;
  model->hash = *hash = joined;
  *out = model;
  model = NULL;
done:
  eg_user_model_free(model);
  return status;
}

const eg_unit *eg_user_model_unit(const eg_user_model *model) {
  return model->first.unit;
}

static const eg_unit_stepper *find_stepper(const eg_unit *unit, const char *name) {
  for (int32_t i = 0; i < unit->n_steppers; i++) {
    if (strcmp(unit->steppers[i].name, name) == 0) {
      return &unit->steppers[i];
    }
  }
  return NULL;
}

/* A further shared object, first in the list behind the first one. */
static eg_status add_stepper(eg_context *ctx, eg_user_model *model, const char *name) {
  uint64_t hash = model->started;
  compiled *made = NULL;
  EG_TRY(eg_allocate(ctx, 1, sizeof *made, &made));
  const eg_status status = compile(ctx, model, name, &model->hash, &hash, made);
  if (status != EG_OK) {
    close_library(made);
    free(made);
    return status;
  }
  made->next = model->first.next;
  model->first.next = made;
  return EG_OK;
}

eg_status eg_user_model_stepper(eg_context *ctx, eg_user_model *model, const char *name, const eg_unit **unit,
                                const eg_unit_stepper **stepper) {
  const eg_unit_stepper *row = find_stepper(model->first.unit, name);
  const eg_unit *found = model->first.unit;
  eg_status status = EG_OK;
  if (row == NULL) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "the unit of model '%s' has no stepper '%s'", model->file, name);
  }
  (void)pthread_mutex_lock(&model->lock); /* locked once by this thread: cannot fail */
  for (const compiled *c = model->first.next; c != NULL && row->advance == NULL; c = c->next) {
    found = c->unit;
    row = find_stepper(found, name);
  }
  if (row->advance == NULL) {
    status = add_stepper(ctx, model, name);
    found = status == EG_OK ? model->first.next->unit : NULL;
    row = status == EG_OK ? find_stepper(found, name) : NULL;
  }
  (void)pthread_mutex_unlock(&model->lock);
  EG_TRY(status);
  *unit = found;
  *stepper = row;
  return EG_OK;
}

void eg_user_model_free(eg_user_model *model) {
  if (model == NULL) {
    return;
  }
  for (compiled *c = model->first.next; c != NULL;) {
    compiled *const next = c->next;
    close_library(c);
    free(c);
    c = next;
  }
  close_library(&model->first);
  (void)pthread_mutex_destroy(&model->lock);
  free(model->file);
  free(model);
}
