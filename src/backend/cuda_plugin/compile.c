/* What NVRTC is asked for: the same text and the same options as nvcc had, narrowed to one stepper and noise kind. */
#include "compile.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "core/noise.h"
#include "core/permutation.h"
#include "device.h"
#include "model/shape.h"

enum { MOST_OPTIONS = 36, OPTION_BYTES = 192, MOST_HEADERS = 256, MOST_MODEL_BYTES = 4 << 20 };

#define LANE_TEXT  "#include \"unit_cuda.cu\"\n"
#define TEAM_TEXT  "#include \"unit_team_cuda.cu\"\n"
#define USER_MODEL "user_model.h"

typedef struct request {
  const char *main_text;
  char text[MOST_OPTIONS][OPTION_BYTES];
  const char *options[MOST_OPTIONS];
  int n_options;
  eg_nvrtc_source headers[MOST_HEADERS];
  int n_headers;
  char *model_text; /* of a user's model */
} request;

const char *eg_cuda_kind_name(int kind) {
  static const char *const names[EG_N_KINDS] = {"gaussian", "gaussian_fast", "gaussian64", "table5",
                                                "table8",   "table10",       "two_point",  "three_point"};
  return kind >= 0 && kind < EG_N_KINDS ? names[kind] : "?";
}

static const char *kind_code(int kind) {
  static const char *const codes[EG_N_KINDS] = {"GAUSSIAN", "GAUSSIAN_FAST", "GAUSSIAN64", "TABLE5",
                                                "TABLE8",   "TABLE10",       "TWO_POINT",  "THREE_POINT"};
  return kind >= 0 && kind < EG_N_KINDS ? codes[kind] : "?";
}

__attribute__((format(printf, 2, 3))) static void add_option(request *r, const char *format, ...) {
  va_list args;
  va_start(args, format);
  (void)vsnprintf(r->text[r->n_options], OPTION_BYTES, format, args);
  va_end(args);
  r->options[r->n_options] = r->text[r->n_options];
  r->n_options++;
}

static void define(void *to, const char *name, int value) {
  add_option((request *)to, "-D%s=%d", name, value);
}

static eg_cuda_status read_model(const char *path, char **text, eg_cuda_message message) {
  FILE *const file = fopen(path, "rb");
  char *const bytes = file != NULL ? (char *)calloc(MOST_MODEL_BYTES, 1) : NULL;
  if (bytes == NULL) {
    const int error = errno;
    if (file != NULL) {
      (void)fclose(file); /* only read */
    }
    return eg_cuda_say(message, EG_CUDA_REFUSED, "the model file %s cannot be read: %s", path, strerror(error));
  }
  const size_t n = fread(bytes, 1, MOST_MODEL_BYTES, file);
  const int is_whole = !ferror(file) && n < MOST_MODEL_BYTES;
  (void)fclose(file);
  if (!is_whole) {
    free(bytes);
    return eg_cuda_say(message, EG_CUDA_REFUSED, "the model file %s cannot be read, or is beyond 4 MB", path);
  }
  *text = bytes;
  return EG_CUDA_OK;
}

static int has_source(const char *name) {
  for (const eg_nvrtc_source *s = eg_kernel_sources; s->name != NULL; s++) {
    if (strcmp(s->name, name) == 0) {
      return 1;
    }
  }
  return 0;
}

/* The name that the unit includes its model by. */
static eg_cuda_status add_model(request *r, const eg_cuda_job *job, eg_cuda_message message) {
  char name[96];
  if (job->model_file != NULL) {
    EG_CUDA_PASS(read_model(job->model_file, &r->model_text, message));
    r->headers[r->n_headers].name = USER_MODEL;
    r->headers[r->n_headers].text = r->model_text;
    r->n_headers++;
    add_option(r, "-DEG_MODEL_FILE=\"%s\"", USER_MODEL);
    return EG_CUDA_OK;
  }
  (void)snprintf(name, sizeof name, "models/%s.h", job->model);
  for (char *c = name; *c != 0; c++) { /* file names have '_' where studies write '-' */
    *c = *c == '-' ? '_' : *c;
  }
  if (!has_source(name)) {
    return eg_cuda_say(message, EG_CUDA_REFUSED, "model '%s' has no source for the GPU", job->model);
  }
  add_option(r, "-DEG_MODEL_FILE=\"%s\"", name);
  return EG_CUDA_OK;
}

static eg_cuda_status fill_request(request *r, const eg_cuda_job *job, int capability, eg_cuda_message message) {
  const int is_team = job->form == EG_FORM_TEAM;
  r->main_text = is_team ? TEAM_TEXT : LANE_TEXT;
  for (const eg_nvrtc_source *s = eg_kernel_sources; s->name != NULL && r->n_headers < MOST_HEADERS - 1; s++) {
    r->headers[r->n_headers++] = *s;
  }
  add_option(r, "--gpu-architecture=sm_%d", capability);
  add_option(r, "-std=c++17");
  add_option(r, "-fmad=false"); /* the same rounding as on the CPU: as in cmake/cuda.cmake */
  add_option(r, "-ftz=false");
  add_option(r, "-prec-sqrt=true");
  add_option(r, "-prec-div=true");
  if (is_team) {
    add_option(r, "-DEG_TEAM");
  } else {
    add_option(r, "-DEG_DIM=%d", job->dim);
    if (job->dim >= 12) {
      add_option(r, "--ptxas-options=--register-usage-level=2");
    }
  }
  if (job->shape != NULL) {
    eg_shape_each(job->shape, define, r);
  }
  if (eg_cuda_is_watched(job)) {
    add_option(r, "-DEG_WATCHED=1");
  }
  if (job->launch.sampling != EG_SAMPLE_REPLACEMENT) {
    add_option(r, "-DEG_PERMUTED=1");
  }
  if (eg_has_row_noise(&job->launch)) {
    add_option(r, "-DEG_NOISY=1");
  }
  if (eg_cuda_is_traced(job)) {
    add_option(r, "-DEG_TRACED=1");
  }
  if (job->launch.tail_index > 0) {
    add_option(r, "-DEG_STABLE=1");
  }
  if (eg_cuda_is_coarse(job)) {
    add_option(r, "-DEG_COARSE=1");
  }
  add_option(r, "-DEG_REAL=%s", job->is_float ? "float" : "double");
  add_option(r, "-DEG_KIND_NAME=%s", eg_cuda_kind_name(job->kind));
  add_option(r, "-DEG_KIND_CODE=EG_KIND_%s", kind_code(job->kind));
  add_option(r, "-DEG_ONE_STEPPER");
  add_option(r, "-DEG_WANTED_%s=EG_YES", job->stepper);
  return add_model(r, job, message);
}

static eg_cache_key key_of(const request *r, const char *version) {
  eg_cache_key key;
  for (unsigned w = 0; w < 2; w++) {
    uint64_t hash = eg_hash_text(eg_hash_text(EG_HASH_START + w, version), r->main_text);
    for (int i = 0; i < r->n_options; i++) {
      hash = eg_hash_bytes(hash, r->options[i], strlen(r->options[i]) + 1);
    }
    for (int i = 0; i < r->n_headers; i++) {
      hash = eg_hash_bytes(hash, r->headers[i].name, strlen(r->headers[i].name) + 1);
      hash = eg_hash_bytes(hash, r->headers[i].text, strlen(r->headers[i].text) + 1);
    }
    key.word[w] = hash;
  }
  return key;
}

/* What this process has compiled or loaded, so that no run pays twice where there is no cache on disk. */
typedef struct known_code {
  eg_cache_key key;
  void *code;
  size_t size;
  struct known_code *next;
} known_code;

static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;
static known_code *known; /* stays for the life of the process, like the plug-in */

static const known_code *find_known(eg_cache_key key) {
  (void)pthread_mutex_lock(&known_lock); /* a static mutex locked once by this thread cannot fail */
  const known_code *k = known;
  (void)pthread_mutex_unlock(&known_lock);
  while (k != NULL && memcmp(&k->key, &key, sizeof key) != 0) {
    k = k->next;
  }
  return k;
}

static eg_cuda_status make_code(const request *r, eg_cache_key key, known_code *made, eg_cuda_message message) {
  if (eg_cache_load(key, "cubin", &made->code, &made->size)) {
    return EG_CUDA_OK;
  }
  EG_CUDA_PASS(eg_nvrtc_compile(r->main_text, r->headers, r->n_headers, r->options, r->n_options, &made->code,
                                &made->size, message));
  eg_cache_store(key, "cubin", made->code, made->size);
  return EG_CUDA_OK;
}

static eg_cuda_status find_or_make(const request *r, eg_cache_key key, const known_code **out,
                                   eg_cuda_message message) {
  *out = find_known(key);
  if (*out != NULL) {
    return EG_CUDA_OK;
  }
  known_code *const made = (known_code *)calloc(1, sizeof *made);
  if (made == NULL) {
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory");
  }
  made->key = key;
  const eg_cuda_status status = make_code(r, key, made, message);
  if (status != EG_CUDA_OK) {
    free(made);
    return status;
  }
  (void)pthread_mutex_lock(&known_lock);
  made->next = known;
  known = made;
  (void)pthread_mutex_unlock(&known_lock);
  *out = made;
  return EG_CUDA_OK;
}

eg_cuda_status eg_cuda_compile(const eg_cuda_job *job, int capability, const void **code, size_t *size,
                               eg_cuda_message message) {
  const char *const version = eg_nvrtc_version(message);
  if (version == NULL) {
    return EG_CUDA_REFUSED;
  }
  request *const r = (request *)calloc(1, sizeof *r);
  if (r == NULL) {
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory");
  }
  const known_code *found = NULL;
  eg_cuda_status status = fill_request(r, job, capability, message);
  if (status == EG_CUDA_OK) {
    status = find_or_make(r, key_of(r, version), &found, message);
  }
  if (status == EG_CUDA_OK) {
    *code = found->code;
    *size = found->size;
  }
  free(r->model_text);
  free(r);
  return status;
}
