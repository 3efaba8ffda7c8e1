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

#include "base/text.h"
#include "build_info.h"
#include "model/units.h"

extern char **environ;

struct eg_user_model {
  void *library;
  const eg_unit *unit;
};

/* Where the kernel sources are: $ENSGRAD_KERNELS, the installed place beside the program, the source tree. */
static bool find_kernels(char *path, size_t size) {
  char program[3072];
  const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
  program[n > 0 ? n : 0] = '\0';
  char *const slash = strrchr(program, '/');
  if (slash != NULL) {
    *slash = '\0';
  }
  char installed[3200];
  (void)snprintf(installed, sizeof installed, "%s/../share/ensgrad/kernels", program);
  const char *const places[3] = {getenv("ENSGRAD_KERNELS"), installed, EG_BUILD_KERNELS};
  for (int i = 0; i < 3; i++) {
    if (places[i] == NULL) {
      continue;
    }
    const int length = snprintf(path, size, "%s/unit_cpu.c", places[i]);
    if (length > 0 && (size_t)length < size && access(path, R_OK) == 0) {
      (void)snprintf(path, size, "%s", places[i]);
      return true;
    }
  }
  return false;
}

static void read_all(int fd, eg_text *text) {
  char buffer[4096];
  ssize_t n;
  while ((n = read(fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR)) {
    if (n > 0 && text->length < 8000) { /* the first messages tell; the rest of a long list does not */
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
    read_all(ends[0], output);
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

static eg_status compile(eg_context *ctx, const char *file, const char *source,
                         const char *library) {
  char kernels[3300], include[3400];
  const eg_cpu_kernels *cpu = NULL;
  EG_TRY(eg_cpu_kernels_choose(ctx, &cpu));
  if (!find_kernels(kernels, sizeof kernels)) {
    return eg_fail(ctx, EG_ERR_DEVICE, "model '%s' must be compiled, but the kernel sources are not found (looked in "
                                       "ENSGRAD_KERNELS, beside the program and in the source tree)",
                   file);
  }
  (void)snprintf(include, sizeof include, "-I%s", kernels);
  const char *const compiler = getenv("CC") != NULL && getenv("CC")[0] != '\0' ? getenv("CC") : "cc";
  const char *const march = strcmp(cpu->isa, "v4") == 0   ? "-march=x86-64-v4"
                            : strcmp(cpu->isa, "v3") == 0 ? "-march=x86-64-v3"
                                                          : "-DEG_PORTABLE";
  char *const argv[] = {(char *)compiler, "-std=c11", "-O3", "-fPIC", "-shared", "-ffp-contract=off",
                        "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd", (char *)march, include,
                        (char *)source, "-o", (char *)library, NULL};
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
                                eg_user_model **out) {
  char folder[] = "/tmp/ensgrad-XXXXXX", source[64], library[64], absolute[4096];
  eg_user_model *model = NULL;
  eg_status status = EG_OK;
  if (realpath(file, absolute) == NULL) {
    return eg_fail(ctx, EG_ERR_STUDY, "model file '%s' cannot be read: %s", file, strerror(errno));
  }
  if (strpbrk(absolute, "\"\\\n") != NULL) {
    return eg_fail(ctx, EG_ERR_STUDY, "the path of model file '%s' holds a quote, backslash or newline", file);
  }
  if (mkdtemp(folder) == NULL) { /* mode 0700, unpredictable name */
    return eg_fail(ctx, EG_ERR_DEVICE, "cannot make a folder in /tmp: %s", strerror(errno));
  }
  (void)snprintf(source, sizeof source, "%s/unit.c", folder);
  (void)snprintf(library, sizeof library, "%s/unit.so", folder);
  EG_TRY_DONE(eg_allocate(ctx, 1, sizeof *model, &model));
  EG_TRY_DONE(write_source(ctx, source, absolute, dim, is_float, is_wide_noise));
  EG_TRY_DONE(compile(ctx, file, source, library));
  EG_TRY_DONE(load(ctx, file, library, model));
  *out = model;
  model = NULL;
done:
  (void)unlink(source); /* the loaded library stays mapped */
  (void)unlink(library);
  (void)rmdir(folder);
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
