/*
 * What the plug-in compiles at run time, by NVRTC itself: no GPU is needed for that. A sample of models, steppers, noise
 * kinds, float state and a user's model for three generations of GPUs; `--full`: every combination, a generation each in
 * turn. Skipped (77) where there is no NVRTC.
 */
#include "check.h"

#include <unistd.h>

#include "compile.h"
#include "core/noise.h"
#include "core/permutation.h"
#include "model/units.h"

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

static int has_bytes(const void *data, size_t size, const char *text) {
  const size_t n = strlen(text);
  for (size_t i = 0; i + n <= size; i++) {
    if (memcmp((const char *)data + i, text, n) == 0) {
      return 1;
    }
  }
  return 0;
}

/* Compile; the kernel must be in the machine code. */
static void check_job(const eg_cuda_job *job, int capability) {
  char text[2000] = "", name[128];
  const eg_cuda_message message = {text, sizeof text};
  const void *code = NULL;
  size_t size = 0;
  (void)snprintf(name, sizeof name, "eg_advance_%s", job->stepper); /* with or without the kind behind it */
  const eg_cuda_status status = eg_cuda_compile(job, capability, &code, &size, message);
  if (status != EG_CUDA_OK) {
    fprintf(stderr, "%s %d %s %s sm_%d: %s\n", job->model, job->dim, job->stepper, eg_cuda_kind_name(job->kind), capability,
            text);
  }
  CHECK(status == EG_CUDA_OK);
  CHECK(status != EG_CUDA_OK || has_bytes(code, size, name));
}

static void check_compile(const char *model, const char *file, int dim, const char *stepper, int kind, int is_float,
                          int capability) {
  const eg_cuda_job job = {
      .model = model, .model_file = file, .dim = dim, .stepper = stepper, .kind = kind, .is_float = is_float};
  check_job(&job, capability);
}

static void check_sample(const char *user_model) {
  check_compile("washboard", user_model, 2, "strang_diagonal", EG_KIND_GAUSSIAN, 0, 90);
  check_compile("ornstein-uhlenbeck", NULL, 1, "exact", EG_KIND_TABLE10, 0, 80);
  check_compile("ornstein-uhlenbeck", NULL, 1, "euler_diagonal", EG_KIND_GAUSSIAN_FAST, 1, 90);
  check_compile("quadratic", NULL, 4, "sgd_channels", EG_KIND_GAUSSIAN64, 0, 100);
  check_compile("linear-regression", NULL, 4, "euler_data", EG_KIND_THREE_POINT, 1, 100);
  check_compile("linear-regression", NULL, 6, "euler_cholesky", EG_KIND_TABLE8, 0, 90);
  /* chains, monitors, rows without replacement, team form, populations */
  eg_cuda_job job = {.model = "quadratic", .dim = 2, .stepper = "adaptive_channels", .kind = EG_KIND_TWO_POINT};
  check_job(&job, 90);
  job.launch.n_monitors = 2;
  check_job(&job, 80);
  job = (eg_cuda_job){.model = "linear-regression", .dim = 4, .stepper = "momentum_rows"};
  job.launch.sampling = EG_SAMPLE_SHUFFLE;
  check_job(&job, 100);
  job.launch.is_watched = 1;
  job.stepper = "sgd_rows";
  check_job(&job, 90);
  /* what list.h calls rare, one of each family */
  check_compile("quadratic", NULL, 4, "langevin_channels", EG_KIND_TABLE5, 0, 80);
  check_compile("linear-regression", NULL, 4, "langevin_exact", EG_KIND_GAUSSIAN, 0, 90);
  check_compile("linear-regression", NULL, 2, "srk2_cholesky", EG_KIND_THREE_POINT, 0, 100);
  check_compile("linear-regression", NULL, 4, "strang_symroot", EG_KIND_TABLE5, 0, 90);
  check_compile("logistic-regression", NULL, 2, "strang_root", EG_KIND_GAUSSIAN, 1, 80);
  check_compile("quadratic", NULL, 2, "rmsprop_sde_root", EG_KIND_GAUSSIAN, 0, 80);
  check_compile("linear-regression", NULL, 4, "adam_sde_root", EG_KIND_TABLE5, 0, 90);
  check_compile("logistic-regression", NULL, 4, "signsgd_sde_root", EG_KIND_GAUSSIAN, 0, 100);
  job = (eg_cuda_job){.model = "quadratic", .dim = 2, .stepper = "strang_root"};
  job.launch.tail_index = 1.5;
  check_job(&job, 90);
  check_compile("linear-regression-gaussian", NULL, 3, "adaptive_factor", EG_KIND_GAUSSIAN64, 0, 90);
  check_compile("linear-regression-gaussian", NULL, 3, "momentum_samples", EG_KIND_GAUSSIAN, 0, 100);
  check_compile("linear-regression-gaussian", NULL, 2, "euler_nodes", EG_KIND_GAUSSIAN, 0, 80);
  check_compile("linear-regression", NULL, 6, "strang_nodes", EG_KIND_GAUSSIAN, 0, 90);
  check_compile("linear-regression", NULL, 4, "rmsprop_sde_data", EG_KIND_GAUSSIAN, 0, 100);
  check_compile("quadratic", NULL, 2, "signsgd_sde", EG_KIND_TWO_POINT, 0, 80);
  check_compile("levy-walk", NULL, 1, "exact_at", EG_KIND_GAUSSIAN, 0, 90);
  job = (eg_cuda_job){.model = "linear-regression", .dim = 4, .stepper = "adaptive_rows", .launch.label_noise = 0.5};
  check_job(&job, 100);
  job = (eg_cuda_job){.model = "quadratic", .dim = 3, .stepper = "euler_diagonal", .kind = EG_KIND_GAUSSIAN64, .launch.tail_index = 1.5};
  check_job(&job, 80);
  job = (eg_cuda_job){.model = "quadratic", .dim = 3, .stepper = "strang_channels", .kind = EG_KIND_GAUSSIAN64, .launch.noise_ratio = 4};
  check_job(&job, 100);
  job = (eg_cuda_job){.model = "linear-regression", .dim = 12, .stepper = "euler_data", .launch.noise_ratio = 4, .launch.is_watched = 1};
  check_job(&job, 90);
  const eg_feature_code trace = {EG_FEATURE_NOISE_TRACE, 0};
  job = (eg_cuda_job){.model = "linear-regression", .dim = 16, .stepper = "sgd_rows", .features = &trace, .n_features = 1};
  check_job(&job, 90);
  job = (eg_cuda_job){.model = "linear-regression-gaussian", .dim = 3, .stepper = "sgd_samples", .fed = &trace, .n_fed = 1};
  check_job(&job, 80);
  job = (eg_cuda_job){.model = "escape-double-well", .dim = 1, .stepper = "log_time_root", .launch.n_monitors = 1};
  check_job(&job, 90);
  check_compile("logistic-regression", NULL, 2, "strang_pair", EG_KIND_GAUSSIAN, 0, 90);
  job = (eg_cuda_job){.model = "logistic-regression", .form = EG_FORM_TEAM, .dim = 64, .is_float = 1, .stepper = "sgd_rows"};
  check_job(&job, 90);
  job = (eg_cuda_job){.model = "linear-regression", .form = EG_FORM_TEAM, .dim = 96, .stepper = "momentum_rows"};
  check_job(&job, 100);
  job = (eg_cuda_job){.model = "softmax-regression", .form = EG_FORM_TEAM, .dim = 64, .is_float = 1, .stepper = "adaptive_data"};
  check_job(&job, 80);
  job = (eg_cuda_job){.model = "linear-regression", .form = EG_FORM_TEAM, .dim = 96, .stepper = "langevin_pair"};
  check_job(&job, 90);
  job = (eg_cuda_job){.model = "logistic-regression", .form = EG_FORM_TEAM, .dim = 64, .stepper = "adaptive_rows", .launch.input_noise = 0.5,
                      .launch.sampling = EG_SAMPLE_SHUFFLE};
  check_job(&job, 100);
  job = (eg_cuda_job){.model = "mean-field-linear", .dim = 2, .stepper = "strang_data"};
  job.launch.n_particles = 100;
  check_job(&job, 100);
}

/* Every stepper of every unit of the CPU, which has what the GPU has. */
static void check_all(void) {
  static const char *const models[] = {"ornstein-uhlenbeck", "geometric-brownian-motion", "double-well", "quadratic",
                                       "linear-regression",  "logistic-regression"};
  static const int capabilities[] = {80, 90, 100};
  int turn = 0;
  for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
    for (int dim = 1; dim <= 16; dim++) {
      const eg_unit *const v3 = eg_unit_find(models[m], dim, 0, 0, "v3");
      for (int32_t s = 0; v3 != NULL && s < v3->n_steppers; s++) {
        const int n_kinds = v3->steppers[s].normals != 0 ? EG_N_KINDS : 1;
        for (int kind = 0; kind < n_kinds; kind++) {
          for (int is_float = 0; is_float < 2; is_float++) {
            check_compile(models[m], NULL, dim, v3->steppers[s].name, kind, is_float, capabilities[turn++ % 3]);
          }
        }
      }
    }
  }
}

static void refuses(const char *broken_model) {
  char text[2000] = "";
  const eg_cuda_message message = {text, sizeof text};
  eg_cuda_job job = {.model = "ornstein-uhlenbeck", .dim = 1, .stepper = "exact"};
  const void *code = NULL;
  size_t size = 0;
  CHECK(eg_cuda_compile(&job, 35, &code, &size, message) == EG_CUDA_REFUSED);
  CHECK_HAS(text, "does not know this GPU");
  job.model = "no-such-model";
  CHECK(eg_cuda_compile(&job, 90, &code, &size, message) == EG_CUDA_REFUSED);
  CHECK_HAS(text, "no source for the GPU");
  job.model_file = "/nowhere/model.h";
  CHECK(eg_cuda_compile(&job, 90, &code, &size, message) == EG_CUDA_REFUSED);
  CHECK_HAS(text, "cannot be read");
  job.model_file = broken_model; /* what the compiler says must reach the user */
  CHECK(eg_cuda_compile(&job, 90, &code, &size, message) == EG_CUDA_REFUSED);
  CHECK_HAS(text, "does not compile for the GPU");
  CHECK_HAS(text, "user_model.h(");
}

static void write_file(const char *path, int file, const char *text) {
  CHECK(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text) && close(file) == 0 && *path != 0);
}

int main(int argc, char **argv) {
  char path[] = "/tmp/ensgrad-test-XXXXXX", broken[] = "/tmp/ensgrad-test-XXXXXX", text[512] = "";
  const eg_cuda_message message = {text, sizeof text};
  if (setenv("ENSGRAD_CACHE", "/dev/null/none", 1) != 0 || eg_nvrtc_version(message) == NULL) {
    printf("skipped: %s\n", text);
    return 77;
  }
  write_file(path, mkstemp(path), model);
  write_file(broken, mkstemp(broken), "#define EG_NAME \"broken\"\nthis is no C\n");
  if (argc > 1 && strcmp(argv[1], "--full") == 0) {
    check_all();
  } else {
    check_sample(path);
    refuses(broken);
  }
  (void)unlink(path);
  (void)unlink(broken);
  return check_report();
}
