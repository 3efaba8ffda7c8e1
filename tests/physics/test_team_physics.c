/*
 * The team form on real data (569 biopsies, 30 standardised variables), as z-scores with a family-wise limit of 1e-6.
 * Least squares: means of SGD and sme2 against the affine oracle, which shares no code with the kernels. Logistic
 * regression: the mean and variance of one step of SGD and the mean of one Euler step of sme2 against finite differences
 * of the loss, which is written here in long double: no derivative is taken by hand. Rows without replacement, rows with noise and
 * the Langevin equation of least squares against the affine oracle too. Negative controls (the mean of the other dynamics, the loss
 * without its ridge) must be rejected.
 */
#include "judge.h"

#include "io/data_file.h"

enum { D = 30 };
typedef long double real;

static const double *values(const eg_labelled *file, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL || v->type != EG_TYPE_F64) {
    stop_with(name);
    return NULL;
  }
  return v->data;
}

/* Features of one or eight steps have the kurtosis of their data: 2^14 realisations are far more than 1000 effective ones. */
static void expect_value(double value, double error, double want) {
  compare(false, "team form", value, error, want, 0x1p12);
}

static void reject_value(double value, double error, double wrong) {
  compare(true, "team form", value, error, wrong, 0x1p12);
}

/* ---- least squares ---- */

static void least_squares(void) {
  eg_labelled *const file = run_study(
      "seed: 31\nmodel: {name: linear-regression, data: breast_cancer.h5}\nlearning_rate: 1/64\nsteps: 8\n"
      "dynamics:\n  - {name: sgd, batch_size: 4}\n  - {name: sme2, batch_size: 4}\nrealisations: 2^14\n"
      "observe: {at: {steps: [8]}, features: [x, norm2, loss]}\n");
  static const char *const names[] = {"x", "norm2", "loss"};
  for (int f = 0; f < 3; f++) {
    char name[32];
    const size_t width = f == 0 ? D : 1;
    const double *const mean = values(file, names[f]);
    (void)snprintf(name, sizeof name, "%s_stderr", names[f]);
    const double *const error = values(file, name);
    (void)snprintf(name, sizeof name, "%s_expected", names[f]);
    const double *const want = values(file, name);
    for (size_t i = 0; i < 2 * width; i++) {
      expect_value(mean[i], error[i], want[i]);
    }
    if (f == 1) { /* E|x|^2 of SGD is not that of gradient flow plus nothing: the noise of a batch of 4 must show */
      double square = 0;
      for (int k = 0; k < D; k++) {
        square += values(file, "x_expected")[k] * values(file, "x_expected")[k];
      }
      reject_value(mean[0], error[0], square);
    }
  }
  eg_labelled_free(file);
}

/* ---- other ways of drawing rows, and the Langevin equation ---- */

/* Everything observed at the last time against the affine oracle; the squared norm of `label` must not be what `other` has. */
static void judge_affine(const char *study, const char *text, const char *const *features, const char *const *labels, size_t n_labels,
                         const char *const (*controls)[2], size_t n_controls) {
  eg_labelled *const file = run_study(text);
  for (size_t i = 0; i < n_labels; i++) {
    for (size_t f = 0; features[f] != NULL; f++) {
      char name[64];
      (void)snprintf(name, sizeof name, "%s_expected", features[f]);
      const eg_variable *const v = eg_labelled_find(file, "/", name);
      const bool is_vector = v != NULL && v->rank > 0 && v->shape[v->rank - 1] >= 18;
      for (size_t k = 0; k < (is_vector ? v->shape[v->rank - 1] : 1); k++) {
        expect(file, study, labels[i], features[f], k, read_value(file, name, run_index(file, labels[i]), 0, k));
      }
    }
  }
  for (size_t i = 0; i < n_controls; i++) {
    reject(file, study, controls[i][0], "norm2", 0, read_value(file, "norm2_expected", run_index(file, controls[i][1]), 0, 0));
  }
  eg_labelled_free(file);
}

/* Subsets without replacement have (n - B) / (n - 1) of the covariance, which is 0.30 here; noise on labels and inputs adds to it. */
static void drawn_rows(void) {
  static const char *const features[] = {"x", "norm2", "loss", NULL}, *const labels[] = {"many", "subset", "few", "labels", "inputs"};
  static const char *const controls[][2] = {{"subset", "many"}, {"labels", "few"}, {"inputs", "few"}};
  judge_affine("rows",
               "seed: 33\nmodel: {name: linear-regression, data: breast_cancer.h5, ridge: 0.25}\nlearning_rate: 1/64\nsteps: 8\n"
               "dynamics:\n  - {name: sgd, batch_size: 400, label: many}\n"
               "  - {name: sgd, batch_size: 400, sampling: without-replacement, label: subset}\n"
               "  - {name: sgd, batch_size: 8, label: few}\n  - {name: sgd, batch_size: 8, label_noise: 1, label: labels}\n"
               "  - {name: sgd, batch_size: 8, input_noise: 1/2, label_noise: 1/4, label: inputs}\nrealisations: 2^14\n"
               "observe: {at: {steps: [8]}, features: [x, norm2, loss]}\n",
               features, labels, 5, controls, 3);
}

static void langevin(void) {
  static const char *const features[] = {"x", "norm2", "velocity", NULL}, *const labels[] = {"half", "heavy", "fine"};
  static const char *const controls[][2] = {{"half", "heavy"}, {"fine", "half"}};
  judge_affine("langevin",
               "seed: 34\nmodel: {name: linear-regression, data: breast_cancer.h5, ridge: 0.25, columns: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,\n"
               "  11, 12, 13, 14, 15, 16, 29]}\nlearning_rate: 1/64\nhorizon: 1/2\ndynamics:\n"
               "  - {name: langevin, momentum: 0.5, batch_size: 64, label: half}\n"
               "  - {name: langevin, momentum: 0.75, weight_decay: 0.25, batch_size: 64, label: heavy}\n"
               "  - {name: langevin, momentum: 0.5, batch_size: 256, substeps: 2, label: fine}\nrealisations: 2^14\n"
               "observe: {at: {steps: [32]}, features: [x, norm2, velocity]}\n",
               features, labels, 3, controls, 2);
}

/* ---- logistic regression ---- */

static eg_data_set data; /* standardised below */
static const real ridge = 0.25L;

static void read_data(void) {
  eg_context *const ctx = eg_context_create();
  if (eg_data_read(ctx, "data/breast_cancer.h5", "X", "y", &data) != EG_OK || data.n_columns != D) {
    stop_with(eg_context_message(ctx));
  }
  eg_context_free(ctx);
  for (int k = 0; k < D; k++) {
    real mean = 0, square = 0;
    for (size_t j = 0; j < data.n_rows; j++) {
      mean += (real)data.inputs[j * D + (size_t)k] / (real)data.n_rows;
    }
    for (size_t j = 0; j < data.n_rows; j++) {
      const real d = (real)data.inputs[j * D + (size_t)k] - mean;
      square += d * d / (real)data.n_rows;
    }
    for (size_t j = 0; j < data.n_rows; j++) {
      data.inputs[j * D + (size_t)k] = (double)(((real)data.inputs[j * D + (size_t)k] - mean) / sqrtl(square));
    }
  }
}

static real row_loss(size_t j, const real *x, real with_ridge) {
  real s = 0, square = 0;
  for (int k = 0; k < D; k++) {
    s += (real)data.inputs[j * D + (size_t)k] * x[k];
    square += x[k] * x[k];
  }
  return log1pl(expl(-fabsl(s))) + (s > 0 ? s : 0) - (real)data.target[j] * s + with_ridge / 2 * square;
}

/* Central differences of order 4 (error about 1e-14 here). */
static real slope(size_t j, real *x, int k, real with_ridge) {
  const real h = 0x1p-9L, at = x[k];
  real f[4];
  for (int i = 0; i < 4; i++) {
    x[k] = at + h * (real)(i < 2 ? i - 2 : i - 1);
    f[i] = row_loss(j, x, with_ridge);
  }
  x[k] = at;
  return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
}

static void gradient(real *x, real with_ridge, real *g, real *variance) {
  for (int k = 0; k < D; k++) {
    real square = 0;
    g[k] = 0;
    for (size_t j = 0; j < data.n_rows; j++) {
      const real d = slope(j, x, k, with_ridge);
      g[k] += d / (real)data.n_rows;
      square += d * d / (real)data.n_rows;
    }
    variance[k] = square - g[k] * g[k];
  }
}

/* Hess R g by differences of gradients along g. */
static void hessian_times(const real *x, const real *g, real *out) {
  const real h = 0x1p-9L;
  real ahead[D], behind[D], unused[D], moved[D];
  for (int side = 0; side < 2; side++) {
    for (int k = 0; k < D; k++) {
      moved[k] = x[k] + (side == 0 ? h : -h) * g[k];
    }
    gradient(moved, ridge, side == 0 ? ahead : behind, unused);
  }
  for (int k = 0; k < D; k++) {
    out[k] = (ahead[k] - behind[k]) / (2 * h);
  }
}

static void logistic(void) {
  char text[1500], point[600] = "";
  real x[D], g[D], without[D], variance[D], unused[D], Hg[D];
  for (int k = 0; k < D; k++) {
    x[k] = (real)((k * 7) % 11 - 5) / 16;
    (void)snprintf(point + strlen(point), sizeof point - strlen(point), "%s%.17g", k > 0 ? ", " : "", (double)x[k]);
  }
  (void)snprintf(text, sizeof text,
                 "seed: 32\nmodel: {name: logistic-regression, data: breast_cancer.h5, ridge: 0.25}\n"
                 "start: {point: [%s]}\nlearning_rate: 1\nsteps: 1\ndynamics:\n  - {name: sgd, batch_size: 2}\n"
                 "  - {name: sme2, batch_size: 2, scheme: euler-maruyama}\nrealisations: 2^14\n"
                 "observe: {at: {steps: [1]}, features: [x]}\n",
                 point);
  eg_labelled *const file = run_study(text);
  const double *const mean = values(file, "x"), *const error = values(file, "x_stderr");
  const double *const spread = values(file, "x_variance"), *const spread_error = values(file, "x_variance_stderr");
  gradient(x, ridge, g, variance);
  gradient(x, 0, without, unused);
  hessian_times(x, g, Hg);
  for (int k = 0; k < D; k++) {
    expect_value(mean[k], error[k], (double)(x[k] - g[k]));
    expect_value(spread[k], spread_error[k], (double)(variance[k] / 2));
    expect_value(mean[D + k], error[D + k], (double)(x[k] - g[k] - Hg[k] / 2));
    expect_value(spread[D + k], spread_error[D + k], (double)(variance[k] / 2));
  }
  reject_value(mean[0], error[0], (double)(x[0] - without[0]));
  reject_value(mean[D], error[D], (double)(x[0] - g[0]));
  reject_value(spread[0], spread_error[0], (double)variance[0]);
  eg_labelled_free(file);
}

/* The data of the project, where the studies look for them. */
static void link_data(char *name, size_t size) {
  char *const there = realpath("data/breast_cancer.h5", NULL);
  (void)snprintf(name, size, "%s/breast_cancer.h5", folder);
  if (there == NULL || symlink(there, name) != 0) {
    stop_with("data/breast_cancer.h5: run this from the project's root");
  }
  free(there);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  char name[80];
  link_data(name, sizeof name);
  read_data();
  least_squares();
  drawn_rows();
  langevin();
  logistic();
  eg_data_free(&data);
  (void)unlink(name);
  (void)rmdir(folder);
  (void)judge_rows(448, 9);
  return check_report();
}
