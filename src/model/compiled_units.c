#include "model/compiled_units.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/code_cache.h"
#include "base/hash.h"
#include "base/text.h"
#include "kernel_flags.h"
#include "model/compiler.h"
#include "model/shape.h"
#include "model/units.h"

#define SYMBOL "ensgrad_compiled_unit"

static const eg_unit_stepper *find_stepper(const eg_unit *unit, const char *name) {
  for (int32_t i = 0; unit != NULL && i < unit->n_steppers; i++) {
    if (strcmp(unit->steppers[i].name, name) == 0) {
      return &unit->steppers[i];
    }
  }
  return NULL;
}

static const eg_unit *find_unit(const eg_unit_request *r, const char *isa) {
  if (r->shape != NULL) {
    return NULL;
  }
  const eg_unit *const unit = r->form == EG_FORM_TEAM ? eg_unit_find_team(r->model, r->is_float, isa)
                                                      : eg_unit_find(r->model, r->dim, r->is_float, r->is_wide, isa);
  const bool fits = unit != NULL && (r->form == EG_FORM_TEAM ? unit->dim >= r->dim : unit->dim == r->dim);
  return fits ? unit : NULL;
}

/* ---- what a compiled unit is made from ---- */

static void define(void *to, const char *name, int value) {
  eg_text_append((eg_text *)to, "#define %s %d\n", name, value);
}

/* The text that is compiled: cmake/units.cmake writes the same lines for linked units. */
static void write_text(const eg_unit_request *r, eg_text *text) {
  eg_text_append(text, "#define EG_ONE_STEPPER\n#define EG_REAL %s\n", r->is_float ? "float" : "double");
  if (r->stepper != NULL) {
    eg_text_append(text, "#define EG_WANTED_%s EG_YES\n", r->stepper);
  }
  if (r->shape != NULL) {
    eg_shape_each(r->shape, define, text);
  }
  if (r->form == EG_FORM_TEAM) {
    eg_text_append(text, "#define EG_TEAM\n");
  } else {
    eg_text_append(text, "#define EG_DIM %d\n#define EG_NOISE_REAL %s\n", r->dim, r->is_wide ? "double" : "float");
  }
  eg_text_append(text, "#define EG_MODEL_FILE \"models/");
  for (const char *c = r->model; *c != '\0'; c++) {
    eg_text_append_bytes(text, *c == '-' ? "_" : c, 1);
  }
  eg_text_append(text, ".h\"\n#define EG_UNIT_SYMBOL " SYMBOL "\n#define EG_ISA_NAME \"%s\"\n#include \"%s\"\n", r->isa,
                 r->form == EG_FORM_TEAM ? "unit_team_cpu.c" : "unit_cpu.c");
}

static int by_name(const FTSENT **a, const FTSENT **b) {
  return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* All kernel sources, so that code made from other ones is not taken. */
static eg_status hash_kernels(eg_context *ctx, const char *folder, uint64_t hash[2]) {
  char *const roots[] = {(char *)folder, NULL};
  eg_text text = {0};
  FTS *const tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
  const FTSENT *entry = NULL;
  if (tree == NULL) {
    return eg_fail(ctx, EG_ERR_DEVICE, "the kernel sources in %s cannot be read: %s", folder, strerror(errno));
  }
  while ((entry = fts_read(tree)) != NULL && !text.is_broken) {
    const int file = entry->fts_info == FTS_F ? open(entry->fts_path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
      text.length = 0;
      eg_text_append(&text, "%s:", entry->fts_name);
      eg_text_append_file(&text, file, SIZE_MAX);
      (void)close(file); /* only read */
      for (int w = 0; w < 2 && !text.is_broken; w++) {
        hash[w] = eg_hash_bytes(hash[w], text.data, text.length);
      }
    }
  }
  (void)fts_close(tree); /* only read */
  const bool is_broken = text.is_broken;
  eg_text_free(&text);
  return is_broken ? eg_fail(ctx, EG_ERR_MEMORY, "out of memory") : EG_OK;
}

static eg_status find_key(eg_context *ctx, const eg_compilation *c, const char *text, eg_cache_key *key) {
  static const char *const flags[] = {EG_KERNEL_FLAGS, EG_ISA_FLAGS_V3, EG_ISA_FLAGS_V4};
  uint64_t hash[2] = {EG_HASH_START, EG_HASH_START + 1};
  EG_TRY(hash_kernels(ctx, c->kernels, hash));
  for (int w = 0; w < 2; w++) {
    hash[w] = eg_hash_text(eg_hash_text(eg_hash_text(hash[w], c->compiler), c->optimisation), text);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
      hash[w] = eg_hash_text(hash[w], flags[i]);
    }
    key->word[w] = hash[w];
  }
  return EG_OK;
}

/* ---- compiled units on disk ---- */

static bool write_library(const char *path, const void *code, size_t size) {
  FILE *const f = fopen(path, "wxe");
  const bool is_written = f != NULL && fwrite(code, 1, size, f) == size;
  return (f == NULL || fclose(f) == 0) && is_written;
}

static bool take_from_cache(const eg_compilation *c, eg_cache_key key) {
  void *code = NULL;
  size_t size = 0;
  const bool is_there = eg_cache_load(key, "so", &code, &size) && write_library(c->library, code, size);
  free(code);
  return is_there;
}

static void put_into_cache(const eg_compilation *c, eg_cache_key key) {
  eg_text code = {0};
  const int file = open(c->library, O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return; /* the cache only saves time */
  }
  eg_text_append_file(&code, file, SIZE_MAX);
  (void)close(file); /* only read */
  if (!code.is_broken && code.length > 0) {
    eg_cache_store(key, "so", code.data, code.length);
  }
  eg_text_free(&code);
}

static eg_status load(eg_context *ctx, const eg_compilation *c, const eg_unit **unit) {
  void *library = NULL;
  const eg_status status = eg_compilation_load(ctx, c, SYMBOL, &library, unit);
  if (status != EG_OK && library != NULL) {
    (void)dlclose(library);
  }
  return status; /* it stays mapped for the life of the process */
}

static eg_status make(eg_context *ctx, const eg_unit_request *r, const char *text, const eg_unit **unit) {
  eg_compilation c = {.what = NULL};
  eg_cache_key key = {{0, 0}};
  char what[256], size[80];
  eg_status status = EG_OK;
  (void)snprintf(size, sizeof size, r->shape != NULL ? "shape %s" : "dimension %.0s%d", r->shape != NULL ? r->shape : "", r->dim);
  (void)snprintf(what, sizeof what, "%s%s of '%s' in %s, %s state%s (not linked into this build of ensgrad)",
                 r->stepper != NULL ? "stepper " : "the tables", r->stepper != NULL ? r->stepper : "", r->model, size, r->is_float ? "float" : "double",
                 r->is_wide ? ", noise gaussian64" : "");
  EG_TRY_DONE(eg_compilation_begin(ctx, what, &c));
  EG_TRY_DONE(find_key(ctx, &c, text, &key));
  if (take_from_cache(&c, key) && load(ctx, &c, unit) == EG_OK) {
    goto done;
  }
  (void)unlink(c.library); /* there is one only if what the cache had could not be loaded */
  EG_TRY_DONE(eg_compilation_run(ctx, &c, r->isa, text));
  put_into_cache(&c, key);
  EG_TRY_DONE(load(ctx, &c, unit));
done:
  eg_compilation_end(&c);
  /* our own text: that it does not compile says something of the compiler, not of the study */
  return status == EG_ERR_STUDY ? EG_ERR_DEVICE : status;
}

/* ---- compiled units of this process ---- */

typedef struct known_unit {
  char *text;
  const eg_unit *unit;
  struct known_unit *next;
} known_unit;

static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER; /* held while compiling: others wait for the same unit */
static known_unit *known;

static eg_status find_or_make(eg_context *ctx, const eg_unit_request *r, char *text, const eg_unit **unit, bool *is_kept) {
  known_unit *made = NULL;
  for (const known_unit *k = known; k != NULL; k = k->next) {
    if (strcmp(k->text, text) == 0) {
      *unit = k->unit;
      return EG_OK;
    }
  }
  EG_TRY(eg_allocate(ctx, 1, sizeof *made, &made));
  const eg_status status = make(ctx, r, text, &made->unit);
  if (status != EG_OK) {
    free(made);
    return status;
  }
  made->text = text;
  made->next = known;
  known = made;
  *unit = made->unit;
  *is_kept = true;
  return EG_OK;
}

eg_status eg_unit_tables(eg_context *ctx, const eg_unit_request *request, const eg_unit **unit) {
  eg_unit_request tables = *request;
  eg_text text = {0};
  bool is_kept = false;
  tables.stepper = NULL;
  write_text(&tables, &text);
  if (text.is_broken) {
    eg_text_free(&text);
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory");
  }
  (void)pthread_mutex_lock(&known_lock); /* a static mutex locked once by this thread cannot fail */
  const eg_status status = find_or_make(ctx, &tables, text.data, unit, &is_kept);
  (void)pthread_mutex_unlock(&known_lock);
  if (!is_kept) {
    eg_text_free(&text);
  }
  return status;
}

bool eg_unit_is_linked(const eg_unit_request *request) {
  const eg_unit_stepper *const row = find_stepper(find_unit(request, request->isa), request->stepper);
  return row != NULL && row->advance != NULL;
}

eg_status eg_unit_obtain(eg_context *ctx, const eg_unit_request *request, const eg_unit **unit,
                         const eg_unit_stepper **stepper) {
  eg_text text = {0};
  bool is_kept = false;
  const eg_unit *found = find_unit(request, request->isa);
  const eg_unit_stepper *row = find_stepper(found, request->stepper);
  eg_status status = EG_OK;
  if (row == NULL || row->advance == NULL) {
    if (request->shape == NULL && find_stepper(find_unit(request, NULL), request->stepper) == NULL) {
      return eg_fail(ctx, EG_ERR_INTERNAL, "no unit of '%s' in dimension %d with a stepper '%s'", request->model, request->dim,
                     request->stepper);
    }
    write_text(request, &text);
    if (text.is_broken) {
      EG_TRY_DONE(eg_fail(ctx, EG_ERR_MEMORY, "out of memory"));
    }
    (void)pthread_mutex_lock(&known_lock); /* a static mutex locked once by this thread cannot fail */
    status = find_or_make(ctx, request, text.data, &found, &is_kept);
    (void)pthread_mutex_unlock(&known_lock);
    EG_TRY_DONE(status);
    row = find_stepper(found, request->stepper);
  }
  if (row == NULL || row->advance == NULL || found->dim < request->dim) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_INTERNAL, "the unit of '%s' has no stepper '%s'", request->model, request->stepper));
  }
  *unit = found;
  *stepper = row;
done:
  if (!is_kept) {
    eg_text_free(&text);
  }
  return status;
}
