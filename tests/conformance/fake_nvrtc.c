/*
 * A run-time compiler that is played: instead of machine code it gives the options it got, which fake_cudart.c knows how
 * to run, and adds a line to the file FAKE_NVRTC_LOG, so that a test can count how often it was called.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct program {
  char code[256];
} program;

#define EXPORT __attribute__((visibility("default")))
EXPORT int nvrtcVersion(int *major, int *minor);
EXPORT int nvrtcCreateProgram(program **p, const char *text, const char *name, int n, const char *const *headers,
                              const char *const *names);
EXPORT int nvrtcCompileProgram(program *p, int n, const char *const *options);
EXPORT int nvrtcGetProgramLogSize(program *p, size_t *size);
EXPORT int nvrtcGetProgramLog(program *p, char *log);
EXPORT int nvrtcGetCUBINSize(program *p, size_t *size);
EXPORT int nvrtcGetCUBIN(program *p, char *code);
EXPORT int nvrtcDestroyProgram(program **p);
EXPORT const char *nvrtcGetErrorString(int error);

int nvrtcVersion(int *major, int *minor) {
  *major = 13;
  *minor = 0;
  return 0;
}

int nvrtcCreateProgram(program **p, const char *text, const char *name, int n, const char *const *headers,
                       const char *const *names) {
  (void)name;
  int has_unit = 0;
  for (int i = 0; i < n; i++) {
    has_unit |= strncmp(names[i], "unit_", 5) == 0 && strstr(text, names[i]) != NULL &&
                strstr(headers[i], "__global__") != NULL;
  }
  *p = calloc(1, sizeof **p);
  return *p != NULL && has_unit ? 0 : 1;
}

/* The rest of the option that begins so, without quotes; "" if there is none. */
static void value_of(int n, const char *const *options, const char *start, char value[64]) {
  value[0] = 0;
  for (int i = 0; i < n; i++) {
    if (strncmp(options[i], start, strlen(start)) == 0) {
      const char *from = options[i] + strlen(start);
      size_t k = 0;
      for (; *from != 0 && k < 63; from++) {
        if (*from != '"') {
          value[k++] = *from;
        }
      }
      value[k] = 0;
    }
  }
}

static int has(int n, const char *const *options, const char *option) {
  for (int i = 0; i < n; i++) {
    if (strcmp(options[i], option) == 0) {
      return 1;
    }
  }
  return 0;
}

int nvrtcCompileProgram(program *p, int n, const char *const *options) {
  char model[64], dim[64], real[64];
  value_of(n, options, "-DEG_MODEL_FILE=", model);
  value_of(n, options, "-DEG_DIM=", dim);
  value_of(n, options, "-DEG_REAL=", real);
  static const char *const specials[][2] = {
      {"-DEG_WATCHED=1", "watched"}, {"-DEG_PERMUTED=1", "permuted"}, {"-DEG_NOISY=1", "noisy"}, {"-DEG_STABLE=1", "stable"},
      {"-DEG_TRACED=1", "traced"},   {"-DEG_COARSE=1", "coarse"}};
  char special[64] = "";
  for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
    if (has(n, options, specials[i][0])) {
      strcat(special, specials[i][1]);
    }
  }
  (void)snprintf(p->code, sizeof p->code, "FAKE CODE %s %s %s %d %s", model, dim[0] != 0 ? dim : "0", real,
                 has(n, options, "-DEG_TEAM"), special[0] != 0 ? special : "-");
  const char *const log = getenv("FAKE_NVRTC_LOG");
  FILE *const file = log != NULL ? fopen(log, "a") : NULL;
  if (file != NULL) {
    fprintf(file, "%s\n", p->code);
    (void)fclose(file); /* the test looks */
  }
  return getenv("FAKE_NVRTC_FAILS") != NULL ? 6 : 0;
}

static const char words[] = "user_model.h(3): error: the played compiler does not like this";

int nvrtcGetProgramLogSize(program *p, size_t *size) {
  (void)p;
  *size = sizeof words;
  return 0;
}
int nvrtcGetProgramLog(program *p, char *log) {
  (void)p;
  memcpy(log, words, sizeof words);
  return 0;
}
int nvrtcGetCUBINSize(program *p, size_t *size) {
  *size = strlen(p->code) + 1;
  return 0;
}
int nvrtcGetCUBIN(program *p, char *code) {
  memcpy(code, p->code, strlen(p->code) + 1);
  return 0;
}
int nvrtcDestroyProgram(program **p) {
  free(*p);
  *p = NULL;
  return 0;
}
const char *nvrtcGetErrorString(int error) {
  return error == 6 ? "compilation" : "?";
}
