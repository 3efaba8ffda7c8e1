/* A user's model: `cc -shared` on the same unit text as the built-in ones, then dlopen. */
#include "model/user_model.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/place.h"
#include "base/text.h"
#include "model/units.h"

extern char **environ;

/* Paths of one compilation. */
typedef struct build_files {
  char folder[32]; /* removed at the end, with what is in it */
  char source[64], library[64], dependencies[64];
  char kernels[3200];
} build_files;

struct eg_user_model {
  void *library;
  const eg_unit *unit;
};

/* Where the kernel sources are: $ENSGRAD_KERNELS and nowhere else if it is set; else what was installed with this code,
   seen from the build folder, from bin/ or lib/, or from lib/ARCHITECTURE/. */
static eg_status find_kernels(eg_context *ctx, const char *file, char *path, size_t size) {
  static const char *const places[] = {"", "/..", "/../.."};
  const char *const asked = getenv("ENSGRAD_KERNELS");
  char folder[3072], driver[3300];
  if (asked == NULL && !eg_place_folder(folder, sizeof folder)) {
    return eg_fail(ctx, EG_ERR_DEVICE, "model '%s' must be compiled, but the folder of this program cannot be told; set "
                                       "ENSGRAD_KERNELS to the folder of the kernel sources", file);
  }
  for (size_t i = 0; i < (asked == NULL ? sizeof places / sizeof places[0] : 1); i++) {
    const int length = asked != NULL ? snprintf(path, size, "%s", asked)
                                     : snprintf(path, size, "%s%s/share/ensgrad/kernels", folder, places[i]);
    const bool is_whole = length > 0 && (size_t)length < size &&
                          (size_t)snprintf(driver, sizeof driver, "%s/unit_cpu.c", path) < sizeof driver;
    if (is_whole && access(driver, R_OK) == 0) {
      return EG_OK;
    }
  }
  if (asked != NULL) {
    return eg_fail(ctx, EG_ERR_DEVICE, "model '%s' must be compiled, but ENSGRAD_KERNELS is '%s', where no kernel sources "
                                       "(unit_cpu.c) are", file, asked);
  }
  return eg_fail(ctx, EG_ERR_DEVICE, "model '%s' must be compiled, but the kernel sources are not found (share/ensgrad/kernels "
                                     "in %s or above it); set ENSGRAD_KERNELS to their folder", file, folder);
}

/* All that comes from `fd`; what is beyond `most` bytes is dropped. */
static void read_all(int fd, eg_text *text, size_t most) {
  char buffer[4096];
  ssize_t n;
  while ((n = read(fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR)) {
    if (n > 0 && text->length < most) {
      eg_text_append_bytes(text, buffer, (size_t)n);
    }
  }
}

/* Run argv, gather what it prints. Returns its exit status, or -1 if it could not be started. */
static int run_program(char *const argv[], eg_text *output) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return -1;
  }
  posix_spawn_file_actions_t actions;
  pid_t child = 0;
  int exit_status = -1;
  if (posix_spawn_file_actions_init(&actions) == 0) {
    if (posix_spawn_file_actions_adddup2(&actions, ends[1], 1) == 0 &&
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2) == 0 &&
        posix_spawnp(&child, argv[0], &actions, NULL, argv, environ) == 0) {
      exit_status = 0;
    }
    (void)posix_spawn_file_actions_destroy(&actions);
  }
  (void)close(ends[1]);
  if (exit_status == 0) {
    int state = 0;
    read_all(ends[0], output, 8000); /* the first messages tell; the rest of a long list does not */
    while (waitpid(child, &state, 0) < 0 && errno == EINTR) {
    }
    exit_status = WIFEXITED(state) ? WEXITSTATUS(state) : 1;
  }
  (void)close(ends[0]);
  return exit_status;
}

static eg_status write_source(eg_context *ctx, const char *path, const char *file, int dim, bool is_float,
                              bool is_wide_noise) {
  FILE *const f = fopen(path, "wx");
  if (f == NULL) {
    return eg_fail(ctx, EG_ERR_DEVICE, "cannot write %s: %s", path, strerror(errno));
  }
  const int n = fprintf(f,
                        "#define EG_DIM %d\n#define EG_REAL %s\n#define EG_NOISE_REAL %s\n#define EG_MODEL_FILE \"%s\"\n"
                        "#define EG_UNIT_SYMBOL ensgrad_user_unit\n#define EG_ISA_NAME \"user\"\n#include \"unit_cpu.c\"\n",
                        dim, is_float ? "float" : "double", is_wide_noise ? "double" : "float", file);
  if (fclose(f) != 0 || n < 0) {
    return eg_fail(ctx, EG_ERR_DEVICE, "cannot write %s: %s", path, strerror(errno));
  }
  return EG_OK;
}

/* `parts->dependencies` gets the list of files that the compiler read, system headers left out. */
static eg_status compile(eg_context *ctx, const char *file, const build_files *parts) {
  char include[3400];
  const eg_cpu_kernels *cpu = NULL;
  EG_TRY(eg_cpu_kernels_choose(ctx, &cpu));
  (void)snprintf(include, sizeof include, "-I%s", parts->kernels);
  const char *const compiler = getenv("CC") != NULL && getenv("CC")[0] != '\0' ? getenv("CC") : "cc";
  const char *const march = strcmp(cpu->isa, "v4") == 0   ? "-march=x86-64-v4"
                            : strcmp(cpu->isa, "v3") == 0 ? "-march=x86-64-v3"
                                                          : "-DEG_PORTABLE";
  char *const argv[] = {(char *)compiler, "-std=c11", "-O3", "-fPIC", "-shared", "-ffp-contract=off",
                        "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd", (char *)march, include,
                        (char *)parts->source, "-o", (char *)parts->library, "-MMD", "-MF",
                        (char *)parts->dependencies, NULL};
  eg_text output = {0};
  const int exit_status = run_program(argv, &output);
  eg_status status = EG_OK;
  if (exit_status < 0 || exit_status == 127) {
    status = eg_fail(ctx, EG_ERR_DEVICE, "model '%s' must be compiled, but the compiler '%s' cannot be started; install "
                                         "gcc or clang, or set CC",
                     file, compiler);
  } else if (exit_status != 0) {
    status = eg_fail(ctx, EG_ERR_STUDY, "model '%s' does not compile:\n%s", file, eg_text_string(&output));
  }
  eg_text_free(&output);
  return status;
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
static eg_status hash_dependencies(eg_context *ctx, const build_files *parts, uint64_t *hash) {
  eg_text rule = {0};
  char name[4096];
  uint64_t value = *hash;
  eg_status status = EG_OK;
  const int descriptor = open(parts->dependencies, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return eg_fail(ctx, EG_ERR_DEVICE, "the compiler did not write '%s', the list of files of the model",
                   parts->dependencies);
  }
  read_all(descriptor, &rule, SIZE_MAX);
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

static eg_status load(eg_context *ctx, const char *file, const char *library, eg_user_model *model) {
  model->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (model->library == NULL) {
    return eg_fail(ctx, EG_ERR_STUDY, "model '%s' was compiled but cannot be loaded: %s", file, dlerror());
  }
  model->unit = dlsym(model->library, "ensgrad_user_unit");
  if (model->unit == NULL || model->unit->abi != EG_UNIT_ABI) {
    return eg_fail(ctx, EG_ERR_STUDY, "model '%s': the compiled unit does not fit this version of ensgrad", file);
  }
  return EG_OK;
}

eg_status eg_user_model_compile(eg_context *ctx, const char *file, int dim, bool is_float, bool is_wide_noise,
                                uint64_t *hash, eg_user_model **out) {
  build_files parts = {.folder = "/tmp/ensgrad-XXXXXX"};
  char absolute[4096];
  eg_user_model *model = NULL;
  eg_status status = EG_OK;
  if (realpath(file, absolute) == NULL) {
    return eg_fail(ctx, EG_ERR_STUDY, "model file '%s' cannot be read: %s", file, strerror(errno));
  }
  if (strpbrk(absolute, "\"\\\n") != NULL) {
    return eg_fail(ctx, EG_ERR_STUDY, "the path of model file '%s' holds a quote, backslash or newline", file);
  }
  EG_TRY(find_kernels(ctx, file, parts.kernels, sizeof parts.kernels));
  if (mkdtemp(parts.folder) == NULL) { /* mode 0700, unpredictable name */
    return eg_fail(ctx, EG_ERR_DEVICE, "cannot make a folder in /tmp: %s", strerror(errno));
  }
  (void)snprintf(parts.source, sizeof parts.source, "%s/unit.c", parts.folder);
  (void)snprintf(parts.library, sizeof parts.library, "%s/unit.so", parts.folder);
  (void)snprintf(parts.dependencies, sizeof parts.dependencies, "%s/unit.d", parts.folder);
  EG_TRY_DONE(eg_allocate(ctx, 1, sizeof *model, &model));
  EG_TRY_DONE(write_source(ctx, parts.source, absolute, dim, is_float, is_wide_noise));
  EG_TRY_DONE(compile(ctx, file, &parts));
  EG_TRY_DONE(hash_dependencies(ctx, &parts, hash));
  EG_TRY_DONE(load(ctx, file, parts.library, model));
  *out = model;
  model = NULL;
done:
  (void)unlink(parts.source); /* the loaded library stays mapped */
  (void)unlink(parts.library);
  (void)unlink(parts.dependencies);
  (void)rmdir(parts.folder);
  eg_user_model_free(model);
  return status;
}

eg_status eg_user_model_unit(eg_context *ctx, const eg_user_model *model, const eg_unit **unit) {
  (void)ctx;
  *unit = model->unit;
  return EG_OK;
}

void eg_user_model_free(eg_user_model *model) {
  if (model == NULL) {
    return;
  }
  if (model->library != NULL) {
    (void)dlclose(model->library);
  }
  free(model);
}
