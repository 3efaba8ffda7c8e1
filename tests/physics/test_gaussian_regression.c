/*
 * linear-regression-gaussian: the model's own functions against exact enumeration (the normals of a sample replaced by the
 * three-point rule, exact to degree 5, so that means and covariances of sample gradients are exact); the oracle against table
 * M4 of stochastic-modified-flows.md and a recursion written here; simulated means against that recursion, with negative
 * controls that must be rejected.
 */
#define EG_DIM        3
#define EG_MODEL_FILE "models/linear_regression_gaussian.h"
#define EG_THREAD_FORM
#include "run_text.h"
#include "unit.h"

#include "oracle/affine.h"

static eg_context *ctx;

enum { D = 3 };
static const double variance[D] = {2, 0.5, 0.25}, optimum[D] = {1, -1, 0.5};
static const double label_noise = 0.7;

/* ---- the functions of the model ---- */

static eg_params params_of_model(void) {
  eg_params p;
  memset(&p, 0, sizeof p);
  memcpy(p.input_variance, variance, sizeof variance);
  memcpy(p.optimum, optimum, sizeof optimum);
  p.label_noise = label_noise;
  return p;
}

static void sample_gradient(const eg_params *p, const double *staged, const double *x, const double *z, double *g) {
  const eg_noise noise = {z};
  memset(g, 0, D * sizeof *g);
  eg_add_sample_gradient(p, staged, x, noise, 1.0, g);
}

/* out: C (D, D) of the gradients of one sample at x and y, and its mean at x. */
static void enumerate(const eg_params *p, const double *staged, const double *x, const double *y, double C[D][D],
                      double mean_x[D]) {
  static const double node[3] = {-1.7320508075688772, 0, 1.7320508075688772}, weight[3] = {1.0 / 6, 2.0 / 3, 1.0 / 6};
  double mean_y[D] = {0};
  memset(C, 0, sizeof(double) * D * D);
  memset(mean_x, 0, sizeof(double) * D);
  for (int code = 0; code < 81; code++) {
    double z[D + 1], gx[D], gy[D], w = 1;
    for (int k = 0, rest = code; k <= D; k++, rest /= 3) {
      z[k] = node[rest % 3];
      w *= weight[rest % 3];
    }
    sample_gradient(p, staged, x, z, gx);
    sample_gradient(p, staged, y, z, gy);
    for (int i = 0; i < D; i++) {
      mean_x[i] += w * gx[i];
      mean_y[i] += w * gy[i];
      for (int j = 0; j < D; j++) {
        C[i][j] += w * gx[i] * gy[j];
      }
    }
  }
  for (int i = 0; i < D; i++) {
    for (int j = 0; j < D; j++) {
      C[i][j] -= mean_x[i] * mean_y[j];
    }
  }
}

static void test_functions(void) {
  const double x[D] = {0.3, 1.2, -0.4}, y[D] = {-1, 0.5, 2};
  const eg_params p = params_of_model();
  double staged[EG_STAGED], mean[D], g[D], C[D][D], triangle[6], at_x[D][D];
  eg_prepare(&p, 0.125, 0.0, staged);
  enumerate(&p, staged, x, x, C, mean);
  eg_gradient(&p, staged, x, g);
  eg_covariance(&p, staged, x, triangle);
  memcpy(at_x, C, sizeof C);
  for (int i = 0; i < D; i++) {
    CHECK_NEAR(g[i], mean[i], 1e-14);
    for (int j = 0; j <= i; j++) {
      CHECK_NEAR(triangle[i * (i + 1) / 2 + j], C[i][j], 2e-14);
    }
  }
  /* linear forms: the sum over unit vectors z of v v^T is the covariance */
  double factor[D][D] = {{0}}, channels[D][D] = {{0}};
  enumerate(&p, staged, x, y, C, mean);
  for (int c = 0; c < EG_CHANNELS; c++) {
    double z[EG_CHANNELS] = {0}, v[D], w[D];
    z[c] = 1;
    const eg_noise noise = {z};
    eg_noise_channels(&p, staged, x, noise, v);
    eg_noise_channels(&p, staged, y, noise, w);
    for (int i = 0; i < D; i++) {
      for (int j = 0; j < D; j++) {
        channels[i][j] += v[i] * w[j];
      }
    }
    if (c < D) {
      eg_noise_factor(&p, staged, x, noise, v);
      for (int i = 0; i < D; i++) {
        for (int j = 0; j < D; j++) {
          factor[i][j] += v[i] * v[j];
        }
      }
    }
  }
  for (int i = 0; i < D; i++) {
    for (int j = 0; j < D; j++) {
      CHECK_NEAR(channels[i][j], C[i][j], 2e-14);
      CHECK_NEAR(factor[i][j], at_x[i][j], 2e-14);
    }
  }
  /* no label noise at the optimum: no noise, and no division by zero */
  eg_params still = p;
  still.label_noise = 0;
  const double ones[EG_CHANNELS] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  const eg_noise noise = {ones};
  double v[D];
  eg_noise_factor(&still, staged, optimum, noise, v);
  CHECK(v[0] == 0 && v[1] == 0 && v[2] == 0);
}

/* ---- the oracle ---- */

static void test_table(void) {
  static const double want[3][4] = {{0.05562131579371, 0.04988146762533, 0.27692289468174, 0.25177798561999},
                                    {0.02443504748921, 0.02318614199384, 0.19364343285606, 0.18848503021543},
                                    {0.01148045293776, 0.01118988658918, 0.16192693554323, 0.16075850581181}};
  static const double ones[4] = {1, 1, 1, 1}, zeros[4] = {0};
  static const double start[8] = {1, 0, 0, 0, 0, 1, 0, 0};
  double second0[64], mean[8], second[64];
  eg_affine_model model;
  CHECK(eg_affine_gaussian_least_squares(ctx, 4, ones, zeros, 0.5, &model) == EG_OK);
  for (int i = 0; i < 8; i++) {
    for (int j = 0; j < 8; j++) {
      second0[8 * i + j] = start[i] * start[j];
    }
  }
  for (int row = 0; row < 3; row++) {
    for (int k = 0; k < 2; k++) {
      const eg_affine_setting setting = {k == 0 ? EG_LAW_SGD : EG_LAW_SDE2, EG_AFFINE_EXACT, 0.1 / (1 << row), 1, 1};
      const uint64_t steps = (uint64_t)10 << row;
      CHECK(eg_affine_moments(ctx, &model, &setting, 2, start, second0, 1, &steps, mean, second) == EG_OK);
      double xy = 0, xx = 0;
      for (int i = 0; i < 4; i++) {
        xy += second[8 * i + 4 + i];
        xx += second[8 * i + i];
      }
      CHECK_NEAR(xy, want[row][k], 1e-13);
      CHECK_NEAR(xx, want[row][2 + k], 1e-13);
    }
  }
  eg_affine_free(&model);
}

/* SGD by hand: delta = x - optimum, M = E delta delta^T,
   M' = (I - eta A) M (I - eta A) + eta^2/B (A M A + tr(A M) A + s^2 A). is_wrong: without the first term. */
typedef struct moments {
  double mean[D], M[D][D];
} moments;

static moments recursion(double eta, double batch, int steps, const double *start, int is_wrong) {
  moments m;
  for (int i = 0; i < D; i++) {
    m.mean[i] = start[i] - optimum[i];
    for (int j = 0; j < D; j++) {
      m.M[i][j] = (start[i] - optimum[i]) * (start[j] - optimum[j]);
    }
  }
  for (int n = 0; n < steps; n++) {
    double trace = label_noise * label_noise;
    for (int i = 0; i < D; i++) {
      trace += variance[i] * m.M[i][i];
      m.mean[i] *= 1 - eta * variance[i];
    }
    for (int i = 0; i < D; i++) {
      for (int j = 0; j < D; j++) {
        const double noise = (is_wrong ? 0 : variance[i] * m.M[i][j] * variance[j]) + (i == j ? trace * variance[i] : 0);
        m.M[i][j] = (1 - eta * variance[i]) * m.M[i][j] * (1 - eta * variance[j]) + eta * eta / batch * noise;
      }
    }
  }
  return m;
}

static double loss_of(const moments *m) {
  double sum = 0.5 * label_noise * label_noise;
  for (int i = 0; i < D; i++) {
    sum += 0.5 * variance[i] * m->M[i][i];
  }
  return sum;
}

static double norm2_of(const moments *m) {
  double sum = 0;
  for (int i = 0; i < D; i++) {
    sum += m->M[i][i] + 2 * m->mean[i] * optimum[i] + optimum[i] * optimum[i];
  }
  return sum;
}

/* ---- simulation ---- */

/* Kurtoses are below 21 here: a tenth of the realisations are effective samples. */
static void compare_last(bool is_control, const eg_labelled *file, const char *name, size_t run, double expected) {
  char error[64], count[64], what[80];
  (void)snprintf(error, sizeof error, "%s_stderr", name);
  (void)snprintf(count, sizeof count, "%.*s_count", (int)strcspn(name, "_"), name);
  (void)snprintf(what, sizeof what, "%s of run %zu", name, run);
  compare(is_control, what, last_of(file, name, run), last_of(file, error, run), expected, last_of(file, count, run) / 10);
}

static void expect_moments(const eg_labelled *file, size_t run, const moments *m, const moments *wrong) {
  compare_last(false, file, "loss", run, loss_of(m));
  compare_last(false, file, "norm2", run, norm2_of(m));
  if (wrong != NULL) {
    compare_last(true, file, "loss", run, loss_of(wrong));
    compare_last(true, file, "norm2", run, norm2_of(wrong));
  }
}

static void test_simulation(const char *folder) {
  /* euler-maruyama with one substep and the drift of sme1 has the second moments of SGD, whatever the factor */
  eg_labelled *const file = run_text(
      folder, "seed: 31\n"
              "model: {name: linear-regression-gaussian, input_variance: [2, 0.5, 0.25], optimum: [1, -1, 0.5],"
              " label_noise: 0.7}\n"
              "start: {point: [0.3, 1.2, -0.4]}\nsteps: 12\nlearning_rate: 1/8\n"
              "dynamics:\n"
              "  - {name: sgd, batch_size: 1, label: one}\n"
              "  - {name: sgd, batch_size: 3, label: three}\n"
              "  - {name: sgd, batch_size: 4, label: four}\n"
              "  - {name: sme1, factor: pair, scheme: euler-maruyama, label: pair}\n"
              "  - {name: sme1, factor: data, scheme: euler-maruyama, label: data}\n"
              "  - {name: sme1, factor: cholesky, scheme: euler-maruyama, label: cholesky}\n"
              "  - {name: sme1, factor: symmetric-root, scheme: euler-maruyama, label: root}\n"
              "  - {name: sme1, factor: closed-form, scheme: euler-maruyama, label: closed}\n"
              "realisations: 2^18\nobserve: {at: {steps: [12]}, features: [x, norm2, loss]}\n");
  static const double start[D] = {0.3, 1.2, -0.4}, batch[8] = {1, 3, 4, 1, 1, 1, 1, 1};
  for (size_t run = 0; run < 8; run++) {
    const moments m = recursion(0.125, batch[run], 12, start, 0);
    const moments no_outer = recursion(0.125, batch[run], 12, start, 1);
    const moments other_batch = recursion(0.125, batch[run] + 1, 12, start, 0);
    expect_moments(file, run, &m, batch[run] == 1 ? &no_outer : &other_batch);
    CHECK_NEAR(last_of(file, "loss_expected", run), loss_of(&m), 1e-13);
    CHECK_NEAR(last_of(file, "norm2_expected", run), norm2_of(&m), 1e-13);
  }
  eg_labelled_free(file);
  (void)judge_rows(16, 16);
}

int main(void) {
  char folder[] = "/tmp/ensgrad-test-XXXXXX";
  ctx = eg_context_create();
  if (ctx == NULL || mkdtemp(folder) == NULL) {
    stop_with("no context or folder");
  }
  test_functions();
  test_table();
  test_simulation(folder);
  (void)rmdir(folder);
  eg_context_free(ctx);
  return check_report();
}
