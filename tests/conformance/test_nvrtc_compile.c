/* A user's model through NVRTC for sm_90: the same text as nvcc's, no standard header, no GPU needed. Skipped
   (77) where there is no NVRTC. Runs in the source folder. */
#include "check.h"

#include <dlfcn.h>

typedef struct nvrtc_program *program_handle;
typedef int (*create_fn)(program_handle *, const char *, const char *, int, const char *const *,
                         const char *const *);
typedef int (*compile_fn)(program_handle, int, const char *const *);
typedef int (*size_fn)(program_handle, size_t *);
typedef int (*get_fn)(program_handle, char *);
typedef int (*destroy_fn)(program_handle *);

/* A two-dimensional model that no catalogue has: a Brownian particle in a periodic potential. */
static const char model[] =
    "#define EG_NAME \"washboard\"\n"
    "#define EG_EQUATION \"R(x) = depth sum_k (1 - cos(pi x_k))\"\n"
    "#define EG_DIM 2\n"
    "#define EG_IS_PROCESS 0\n"
    "#define EG_CAPS (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_DIAGONAL)\n"
    "#define EG_STAGED 0\n"
    "#define EG_PARAMS(P, PV) P(depth, 1.0, 0.0, 1e12, \"\") P(sigma, 1.0, 0.0, 1e12, \"\")\n"
    "EG_PARAMS_STRUCT\n"
    "EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {\n"
    "  (void)st;\n"
    "  EG_UNROLL\n"
    "  for (int k = 0; k < EG_DIM; k++) {\n"
    "    double s, c;\n"
    "    eg_sincospi((double)x[k], &s, &c);\n"
    "    g[k] = (eg_real)(p->depth * 3.141592653589793 * s);\n"
    "  }\n"
    "}\n"
    "EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {\n"
    "  (void)st;\n"
    "  double sum = 0;\n"
    "  EG_UNROLL\n"
    "  for (int k = 0; k < EG_DIM; k++) {\n"
    "    double s, c;\n"
    "    eg_sincospi((double)x[k], &s, &c);\n"
    "    sum += 1.0 - c;\n"
    "  }\n"
    "  return (eg_real)(p->depth * sum);\n"
    "}\n"
    "EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, "
    "eg_real *b) {\n"
    "  (void)correction;\n"
    "  eg_gradient(p, st, x, b);\n"
    "  b[0] = -b[0];\n"
    "  b[1] = -b[1];\n"
    "}\n"
    "EG_FN void eg_noise_diagonal(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *s) {\n"
    "  (void)st;\n"
    "  (void)x;\n"
    "  s[0] = s[1] = (eg_real)p->sigma;\n"
    "}\n";

static void *open_nvrtc(void) {
  static const char *const names[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so",
                                      "/usr/local/cuda/lib64/libnvrtc.so"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    void *const handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (handle != NULL) {
      return handle;
    }
  }
  return NULL;
}

static int has_bytes(const char *data, size_t size, const char *text) {
  const size_t n = strlen(text);
  for (size_t i = 0; i + n <= size; i++) {
    if (memcmp(data + i, text, n) == 0) {
      return 1;
    }
  }
  return 0;
}

/* Compile with these extra options; the kernel `name` must be in the machine code. */
static void check_compile(void *nvrtc, const char *real, const char *kind_name, const char *kind_code,
                          const char *name) {
  const create_fn create = (create_fn)dlsym(nvrtc, "nvrtcCreateProgram");
  const compile_fn compile = (compile_fn)dlsym(nvrtc, "nvrtcCompileProgram");
  const size_fn log_size = (size_fn)dlsym(nvrtc, "nvrtcGetProgramLogSize");
  const get_fn log_text = (get_fn)dlsym(nvrtc, "nvrtcGetProgramLog");
  const size_fn code_size = (size_fn)dlsym(nvrtc, "nvrtcGetCUBINSize");
  const get_fn code = (get_fn)dlsym(nvrtc, "nvrtcGetCUBIN");
  const destroy_fn destroy = (destroy_fn)dlsym(nvrtc, "nvrtcDestroyProgram");
  const char *const options[] = {"--gpu-architecture=sm_90",
                                 "-std=c++17",
                                 "-fmad=false",
                                 "-ftz=false",
                                 "-prec-sqrt=true",
                                 "-prec-div=true",
                                 "-Ikernels",
                                 "-DEG_MODEL_FILE=\"user_model.h\"",
                                 real,
                                 kind_name,
                                 kind_code};
  const int n_options = kind_name == NULL ? 9 : 11;
  const char *const header_name = "user_model.h", *const header = model;
  program_handle program = NULL;
  size_t size = 0;
  CHECK(create(&program, "#include \"unit_cuda.cu\"\n", "unit.cu", 1, &header, &header_name) == 0);
  const int status = compile(program, n_options, options);
  CHECK(status == 0);
  CHECK(log_size(program, &size) == 0);
  if (status != 0) {
    char *const text = (char *)calloc(size + 1, 1);
    if (text != NULL && log_text(program, text) == 0) {
      fprintf(stderr, "%s\n", text);
    }
    free(text);
  } else {
    CHECK(code_size(program, &size) == 0 && size > 0);
    char *const bytes = (char *)malloc(size > 0 ? size : 1);
    CHECK(bytes != NULL && code(program, bytes) == 0);
    CHECK(bytes != NULL && has_bytes(bytes, size, name));
    free(bytes);
  }
  CHECK(destroy(&program) == 0);
}

int main(void) {
  void *const nvrtc = open_nvrtc();
  if (nvrtc == NULL) {
    printf("skipped: there is no NVRTC\n");
    return 77;
  }
  check_compile(nvrtc, "-DEG_REAL=double", NULL, NULL, "eg_advance_euler_diagonal_table5");
  check_compile(nvrtc, "-DEG_REAL=double", "-DEG_KIND_NAME=table8", "-DEG_KIND_CODE=EG_KIND_TABLE8",
                "eg_advance_strang_diagonal_table8");
  check_compile(nvrtc, "-DEG_REAL=float", "-DEG_KIND_NAME=gaussian64", "-DEG_KIND_CODE=EG_KIND_GAUSSIAN64",
                "eg_advance_euler_diagonal_gaussian64");
  check_compile(nvrtc, "-DEG_WATCHED=1", "-DEG_KIND_NAME=gaussian", "-DEG_KIND_CODE=EG_KIND_GAUSSIAN",
                "eg_advance_euler_diagonal_gaussian"); /* monitors */
  return check_report();
}
