#include "model/compiler.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/place.h"
#include "base/text.h"
#include "kernel_flags.h"

extern char **environ;

/* Where the kernel sources are: $ENSGRAD_KERNELS and nowhere else if it is set; else what was installed with this code,
   seen from the build folder, from bin/ or lib/, or from lib/ARCHITECTURE/. */
static eg_status find_kernels(eg_context *ctx, const char *what, char *path, size_t size) {
  static const char *const places[] = {"", "/..", "/../.."};
  const char *const asked = getenv("ENSGRAD_KERNELS");
  char folder[3072], driver[3300];
  if (asked == NULL && !eg_place_folder(folder, sizeof folder)) {
    return eg_fail(ctx, EG_ERR_DEVICE, "%s must be compiled, but the folder of this program cannot be told; set "
                                       "ENSGRAD_KERNELS to the folder of the kernel sources", what);
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
    return eg_fail(ctx, EG_ERR_DEVICE, "%s must be compiled, but ENSGRAD_KERNELS is '%s', where no kernel sources "
                                       "(unit_cpu.c) are", what, asked);
  }
  return eg_fail(ctx, EG_ERR_DEVICE, "%s must be compiled, but the kernel sources are not found (share/ensgrad/kernels "
                                     "in %s or above it); set ENSGRAD_KERNELS to their folder", what, folder);
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
    eg_text_append_file(output, ends[0], 8000); /* the first messages tell; the rest of a long list does not */
    while (waitpid(child, &state, 0) < 0 && errno == EINTR) {
    }
    exit_status = WIFEXITED(state) ? WEXITSTATUS(state) : 1;
  }
  (void)close(ends[0]);
  return exit_status;
}

static const char *const levels[] = {"-O0", "-O1", "-O2", "-O3"};

eg_status eg_compilation_begin(eg_context *ctx, const char *what, eg_compilation *c) {
  const char *const asked = getenv("CC"), *const level = getenv("ENSGRAD_KERNEL_OPT"), *const chosen = getenv("TMPDIR");
  const char *const where = chosen != NULL && chosen[0] == '/' ? chosen : "/tmp";
  memset(c, 0, sizeof *c);
  c->what = what;
  c->optimisation = EG_KERNEL_OPT;
  if (level != NULL) {
    if (strlen(level) != 1 || level[0] < '0' || level[0] > '3') {
      return eg_fail(ctx, EG_ERR_DEVICE, "ENSGRAD_KERNEL_OPT is '%s'; allowed: 0, 1, 2, 3", level);
    }
    c->optimisation = levels[level[0] - '0'];
  }
  c->compiler = asked != NULL && asked[0] != '\0' ? asked : "cc";
  EG_TRY(find_kernels(ctx, what, c->kernels, sizeof c->kernels));
  const int length = snprintf(c->folder, sizeof c->folder, "%s/ensgrad-XXXXXX", where);
  if (length < 0 || (size_t)length >= sizeof c->folder) {
    c->folder[0] = '\0';
    return eg_fail(ctx, EG_ERR_DEVICE, "the name of the folder TMPDIR is too long (at most %zu characters)", sizeof c->folder - 16);
  }
  if (mkdtemp(c->folder) == NULL) { /* mode 0700, unpredictable name */
    c->folder[0] = '\0';
    return eg_fail(ctx, EG_ERR_DEVICE, "cannot make a folder in %s: %s", where, strerror(errno));
  }
  (void)snprintf(c->source, sizeof c->source, "%s/unit.c", c->folder);
  (void)snprintf(c->library, sizeof c->library, "%s/unit.so", c->folder);
  (void)snprintf(c->dependencies, sizeof c->dependencies, "%s/unit.d", c->folder);
  return EG_OK;
}

static eg_status write_source(eg_context *ctx, const char *path, const char *text) {
  FILE *const f = fopen(path, "wxe");
  if (f == NULL) {
    return eg_fail(ctx, EG_ERR_DEVICE, "cannot write %s: %s", path, strerror(errno));
  }
  const int n = fputs(text, f);
  if (fclose(f) != 0 || n < 0) {
    return eg_fail(ctx, EG_ERR_DEVICE, "cannot write %s: %s", path, strerror(errno));
  }
  return EG_OK;
}

eg_status eg_compilation_run(eg_context *ctx, const eg_compilation *c, const char *isa, const char *text) {
  static const char *const common[] = {"-std=c11", "-fPIC", "-shared", EG_KERNEL_FLAGS};
  static const char *const of_v3[] = {EG_ISA_FLAGS_V3}, *const of_v4[] = {EG_ISA_FLAGS_V4};
  const char *argv[40];
  char include[3400];
  size_t n = 0;
  EG_TRY(write_source(ctx, c->source, text));
  (void)snprintf(include, sizeof include, "-I%s", c->kernels);
  argv[n++] = c->compiler;
  argv[n++] = c->optimisation;
  for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
    argv[n++] = common[i];
  }
  const bool is_v4 = strcmp(isa, "v4") == 0, is_v3 = strcmp(isa, "v3") == 0;
  for (size_t i = 0; is_v3 && i < sizeof of_v3 / sizeof of_v3[0]; i++) {
    argv[n++] = of_v3[i];
  }
  for (size_t i = 0; is_v4 && i < sizeof of_v4 / sizeof of_v4[0]; i++) {
    argv[n++] = of_v4[i];
  }
  const char *const rest[] = {include, c->source, "-o", c->library, "-MMD", "-MF", c->dependencies};
  for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
    argv[n++] = rest[i];
  }
  argv[n] = NULL;
  _Static_assert(sizeof common / sizeof common[0] + sizeof of_v4 / sizeof of_v4[0] + 10 <= sizeof argv / sizeof argv[0],
                 "all arguments have a place");
  eg_text output = {0};
  const int exit_status = run_program((char *const *)argv, &output); /* posix_spawn changes none of them */
  eg_status status = EG_OK;
  if (exit_status < 0 || exit_status == 127) {
    status = eg_fail(ctx, EG_ERR_DEVICE, "%s must be compiled, but the compiler '%s' cannot be started; install gcc or clang, "
                                         "or set CC",
                     c->what, c->compiler);
  } else if (exit_status != 0) {
    status = eg_fail(ctx, EG_ERR_STUDY, "%s does not compile:\n%s", c->what, eg_text_string(&output));
  }
  eg_text_free(&output);
  return status;
}

eg_status eg_compilation_load(eg_context *ctx, const eg_compilation *c, const char *symbol, void **library,
                              const eg_unit **unit) {
  *library = dlopen(c->library, RTLD_NOW | RTLD_LOCAL);
  if (*library == NULL) {
    return eg_fail(ctx, EG_ERR_STUDY, "%s was compiled but cannot be loaded: %s", c->what, dlerror());
  }
  *unit = dlsym(*library, symbol);
  if (*unit == NULL || (*unit)->abi != EG_UNIT_ABI) {
    return eg_fail(ctx, EG_ERR_STUDY, "%s: the compiled unit does not fit this version of ensgrad", c->what);
  }
  return EG_OK;
}

void eg_compilation_end(eg_compilation *c) {
  if (c->folder[0] != '\0') {
    (void)unlink(c->source); /* some of them may not exist */
    (void)unlink(c->library);
    (void)unlink(c->dependencies);
    (void)rmdir(c->folder);
    c->folder[0] = '\0';
  }
}
