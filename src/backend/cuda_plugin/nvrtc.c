/* NVRTC, the run-time compiler of the CUDA toolkit: nothing links it, it is opened when it is first needed. Its C
   interface has been the same since CUDA 11.1, so it is declared here and no header of it is needed. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "device.h"

typedef struct _nvrtcProgram *program_handle;

typedef struct nvrtc_library {
  int (*version)(int *major, int *minor);
  int (*create)(program_handle *program, const char *text, const char *name, int n_headers, const char *const *headers,
                const char *const *names);
  int (*compile)(program_handle program, int n_options, const char *const *options);
  int (*log_size)(program_handle program, size_t *size);
  int (*log)(program_handle program, char *text);
  int (*code_size)(program_handle program, size_t *size);
  int (*code)(program_handle program, char *code);
  int (*destroy)(program_handle *program);
  const char *(*error_text)(int error);
} nvrtc_library;

enum { LEAST_MAJOR = 12, INVALID_OPTION = 5 };

static pthread_mutex_t nvrtc_lock = PTHREAD_MUTEX_INITIALIZER;
static nvrtc_library nvrtc;
static char nvrtc_version[32]; /* "": not open */

static void *open_library(void) {
  static const char *const names[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"};
  static const char *const folders[] = {"/usr/local/cuda/lib64", "/usr/local/cuda/lib"};
  const char *const asked = getenv("ENSGRAD_NVRTC"); /* this file and no other */
  char path[128];
  void *handle = NULL;
  if (asked != NULL && *asked != 0) {
    return dlopen(asked, RTLD_NOW | RTLD_LOCAL);
  }
  for (size_t i = 0; i < sizeof names / sizeof names[0] && handle == NULL; i++) {
    handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  }
  for (size_t f = 0; f < sizeof folders / sizeof folders[0]; f++) {
    for (size_t i = 0; i < sizeof names / sizeof names[0] && handle == NULL; i++) {
      (void)snprintf(path, sizeof path, "%s/%s", folders[f], names[i]);
      handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
  }
  return handle;
}

static int find_functions(void *handle, nvrtc_library *l) {
  const struct {
    const char *name;
    void *place;
  } functions[] = {{"nvrtcVersion", &l->version},           {"nvrtcCreateProgram", &l->create},
                   {"nvrtcCompileProgram", &l->compile},    {"nvrtcGetProgramLogSize", &l->log_size},
                   {"nvrtcGetProgramLog", &l->log},         {"nvrtcGetCUBINSize", &l->code_size},
                   {"nvrtcGetCUBIN", &l->code},             {"nvrtcDestroyProgram", &l->destroy},
                   {"nvrtcGetErrorString", &l->error_text}};
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    void *const address = dlsym(handle, functions[i].name);
    if (address == NULL) {
      return 0;
    }
    memcpy(functions[i].place, &address, sizeof address); /* POSIX: function and data pointers have one form */
  }
  return 1;
}

static void open_nvrtc(eg_cuda_message message) {
  int major = 0, minor = 0;
  nvrtc_library found;
  memset(&found, 0, sizeof found);
  void *const handle = open_library();
  if (handle == NULL) {
    (void)eg_cuda_say(message, EG_CUDA_REFUSED,
                      "there is no NVRTC (libnvrtc.so.13 or .12, part of the CUDA toolkit; ENSGRAD_NVRTC names a file)");
    return;
  }
  if (!find_functions(handle, &found) || found.version(&major, &minor) != 0 || major < LEAST_MAJOR) {
    (void)eg_cuda_say(message, EG_CUDA_REFUSED, "the NVRTC found here is older than %d.0", LEAST_MAJOR);
    (void)dlclose(handle);
    return;
  }
  nvrtc = found; /* stays open */
  (void)snprintf(nvrtc_version, sizeof nvrtc_version, "%d.%d", major, minor);
}

const char *eg_nvrtc_version(eg_cuda_message message) {
  (void)pthread_mutex_lock(&nvrtc_lock); /* a static mutex locked once by this thread cannot fail */
  if (nvrtc_version[0] == 0) {
    open_nvrtc(message);
  }
  (void)pthread_mutex_unlock(&nvrtc_lock);
  return nvrtc_version[0] != 0 ? nvrtc_version : NULL;
}

/* The compiler's words, as many as fit into the message. */
static eg_cuda_status say_log(program_handle program, int error, eg_cuda_message message) {
  size_t size = 0;
  char *text = NULL;
  if (error == INVALID_OPTION) {
    return eg_cuda_say(message, EG_CUDA_REFUSED, "NVRTC %s does not know this GPU", nvrtc_version);
  }
  if (nvrtc.log_size(program, &size) == 0 && size > 1) {
    text = (char *)calloc(size + 1, 1);
  }
  if (text == NULL || nvrtc.log(program, text) != 0) {
    free(text);
    return eg_cuda_say(message, EG_CUDA_REFUSED, "NVRTC %s failed: %s", nvrtc_version, nvrtc.error_text(error));
  }
  (void)eg_cuda_say(message, EG_CUDA_REFUSED, "it does not compile for the GPU:\n%s", text);
  free(text);
  return EG_CUDA_REFUSED;
}

static eg_cuda_status take_code(program_handle program, void **code, size_t *size, eg_cuda_message message) {
  size_t n = 0;
  if (nvrtc.code_size(program, &n) != 0 || n == 0) {
    return eg_cuda_say(message, EG_CUDA_REFUSED, "NVRTC %s gave no machine code", nvrtc_version);
  }
  char *const bytes = (char *)malloc(n);
  if (bytes == NULL) {
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory");
  }
  if (nvrtc.code(program, bytes) != 0) {
    free(bytes);
    return eg_cuda_say(message, EG_CUDA_REFUSED, "NVRTC %s gave no machine code", nvrtc_version);
  }
  *code = bytes;
  *size = n;
  return EG_CUDA_OK;
}

eg_cuda_status eg_nvrtc_compile(const char *main_text, const eg_nvrtc_source *headers, int n_headers,
                                const char *const *options, int n_options, void **code, size_t *size,
                                eg_cuda_message message) {
  enum { MOST = 256 };
  const char *texts[MOST], *names[MOST];
  program_handle program = NULL;
  if (eg_nvrtc_version(message) == NULL) {
    return EG_CUDA_REFUSED;
  }
  if (n_headers > MOST) {
    return eg_cuda_say(message, EG_CUDA_REFUSED, "more than %d kernel sources", MOST);
  }
  for (int i = 0; i < n_headers; i++) {
    texts[i] = headers[i].text;
    names[i] = headers[i].name;
  }
  int error = nvrtc.create(&program, main_text, "unit.cu", n_headers, texts, names);
  if (error != 0) {
    return eg_cuda_say(message, EG_CUDA_REFUSED, "NVRTC %s failed: %s", nvrtc_version, nvrtc.error_text(error));
  }
  error = nvrtc.compile(program, n_options, options);
  const eg_cuda_status status =
      error != 0 ? say_log(program, error, message) : take_code(program, code, size, message);
  (void)nvrtc.destroy(&program);
  return status;
}
