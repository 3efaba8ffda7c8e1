/*
 * SDEs on data rows in several dimensions. Moments of two steps of rmsprop-sde and of one of adam-sde from the rows, whole covariance
 * and all; signsgd-sde where no sign changes, so that SDE and chain are a random walk with drift; log-time on rows path by path that
 * of the quadratic loss with the same Hessian and minimum; the joint covariance of two points in six dimensions against the moments of
 * its scheme. Covariances without their mean, other batches, laws and losses must be rejected.
 */
#include "physics/judge.h"

enum { N = 4, D = 3, KEPT = 256 };
static const double a[N][D] = {{1, 0.5, -0.25}, {-0.5, 1, 0.75}, {0.25, -0.75, 1}, {0.75, 0.25, 0.5}};
static const double y[N] = {1, 0.25, 1, -0.5}, start[D] = {1, -0.5, 0.25};
#define ROWS                                                                                                 \
  "model: {name: linear-regression, rows: [[1, 0.5, -0.25, 1], [-0.5, 1, 0.75, 0.25], [0.25, -0.75, 1, 1], [0.75, 0.25, 0.5, -0.5]], " \
  "standardize: false}\nstart: {point: [1, -0.5, 0.25]}\n"

static double residual(int j, const double *x) {
  double r = -y[j];
  for (int k = 0; k < D; k++) {
    r += a[j][k] * x[k];
  }
  return r;
}

static void gradient(const double *x, double *g) {
  for (int k = 0; k < D; k++) {
    g[k] = 0;
    for (int j = 0; j < N; j++) {
      g[k] += a[j][k] * residual(j, x) / N;
    }
  }
}

/* Covariance of the gradient of a row; has_mean false: its second moment, for a control. */
static void covariance(const double *x, bool has_mean, double C[D][D]) {
  double g[D];
  gradient(x, g);
  for (int i = 0; i < D; i++) {
    for (int k = 0; k < D; k++) {
      C[i][k] = has_mean ? -g[i] * g[k] : 0;
      for (int j = 0; j < N; j++) {
        C[i][k] += a[j][i] * a[j][k] * residual(j, x) * residual(j, x) / N;
      }
    }
  }
}

typedef struct moments {
  double mean[D], norm2;
} moments;

/* v0 = 1, epsilon = 0.4, beta2 = 0.875, rate 1/4, two steps. x1 is Gaussian; what the second step adds to |x|^2 is quadratic in it. */
static moments rmsprop(double batch, bool has_mean) {
  const double rate = 0.25, epsilon = 0.4, first = rate / (1 + epsilon);
  double g[D], C[D][D], m[D], second[D], next[D];
  moments out = {.norm2 = 0};
  gradient(start, g);
  covariance(start, has_mean, C);
  for (int k = 0; k < D; k++) {
    m[k] = start[k] - first * g[k];
    second[k] = rate / (sqrt(1 + 0.125 * (C[k][k] / batch - 1)) + epsilon);
  }
  for (int i = 0; i < D; i++) {
    for (int k = 0; k < D; k++) {
      C[i][k] *= first * first / batch;
    }
  }
  gradient(m, next);
  for (int k = 0; k < D; k++) {
    out.mean[k] = m[k] - second[k] * next[k];
    out.norm2 += out.mean[k] * out.mean[k];
  }
  for (int i = 0; i < D; i++) {
    double A[D], H[D], square = 0, spread = 0; /* row i of I - D1 H and of H */
    for (int k = 0; k < D; k++) {
      H[k] = 0;
      for (int j = 0; j < N; j++) {
        H[k] += a[j][i] * a[j][k] / N;
      }
      A[k] = (i == k) - second[i] * H[k];
    }
    for (int k = 0; k < D; k++) {
      for (int l = 0; l < D; l++) {
        out.norm2 += A[k] * C[k][l] * A[l];
        spread += H[k] * C[k][l] * H[l];
      }
    }
    for (int j = 0; j < N; j++) {
      double along = residual(j, m) * residual(j, m);
      for (int k = 0; k < D; k++) {
        for (int l = 0; l < D; l++) {
          along += a[j][k] * C[k][l] * a[j][l];
        }
      }
      square += a[j][i] * a[j][i] * along / N;
    }
    out.norm2 += second[i] * second[i] * (square - (has_mean ? next[i] * next[i] + spread : 0)) / batch;
  }
  return out;
}

/* One step from m = v = 0; beta1 = 0.5. */
static moments adam(double batch, bool has_mean) {
  const double gamma1 = -expm1(-0.5), gamma2 = -expm1(-0.125);
  double g[D], C[D][D];
  moments out = {.norm2 = 0};
  gradient(start, g);
  covariance(start, has_mean, C);
  for (int k = 0; k < D; k++) {
    const double size = 0.25 * 0.5 / gamma1 / (sqrt(0.125 * C[k][k] / batch / gamma2) + 0.4);
    out.mean[k] = start[k] - size * g[k];
    out.norm2 += out.mean[k] * out.mean[k] + size * size * C[k][k] / batch;
  }
  return out;
}

static void adaptive(void) {
  static const char *const names[2] = {"rmsprop-sde", "adam-sde"};
  static const char *const more[2] = {"start_square: 1", "beta1: 0.5"};
  for (int i = 0; i < 2; i++) {
    char text[700];
    (void)snprintf(text, sizeof text,
                   "seed: 18%d\n" ROWS "learning_rate: 1/4\nsteps: %d\n"
                   "dynamics: {name: %s, batch_size: 2, beta2: 0.875, epsilon: 0.4, %s}\n"
                   "realisations: 2^19\nobserve: {at: {steps: [%d]}, features: [x, norm2]}\n",
                   i, 2 - i, names[i], more[i], 2 - i);
    eg_labelled *const file = run_study(text);
    const moments right = i == 0 ? rmsprop(2, true) : adam(2, true), wrong = i == 0 ? rmsprop(2, false) : adam(2, false),
                  other = i == 0 ? rmsprop(4, true) : adam(4, true);
    for (size_t k = 0; k < D; k++) {
      expect(file, "rows", names[i], "x", k, right.mean[k]);
    }
    expect(file, "rows", names[i], "norm2", 0, right.norm2);
    reject(file, "second moment for covariance", names[i], "norm2", 0, wrong.norm2);
    reject(file, "another batch", names[i], "norm2", 0, other.norm2);
    eg_labelled_free(file);
  }
}

/* ---- signs: targets so far away that no residual changes its sign ---- */

static void signs(void) {
  static const double sign[N][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
  eg_labelled *const file = run_study(
      "seed: 182\nmodel: {name: linear-regression, rows: [[1, 0.5, 90], [-0.5, 1, 80], [0.25, 1, -70], [0.75, -0.25, 60], [2, 1, 50]], "
      "standardize: false}\nstart: {point: [0.5, -1]}\nlearning_rate: 1/4\nsteps: 16\ndynamics:\n"
      "  - {name: signsgd-sde, batch_size: 1, substeps: 2}\n  - {name: signsgd, batch_size: 1}\n"
      "realisations: 2^18\nobserve: {at: {steps: [16]}, features: [x, norm2]}\n");
  const double time = 4, rate = 0.25, n = N + 1;
  double mean[2], norm2 = 0, uncentred = 0;
  for (int k = 0; k < 2; k++) {
    double first = -1; /* the fifth row */
    for (int j = 0; j < N; j++) {
      first += sign[j][k];
    }
    first /= n;
    mean[k] = (k == 0 ? 0.5 : -1) - time * first;
    norm2 += mean[k] * mean[k] + rate * time * (1 - first * first);
    uncentred += mean[k] * mean[k] + rate * time;
  }
  static const char *const names[2] = {"signsgd-sde", "signsgd"};
  for (int i = 0; i < 2; i++) {
    for (size_t k = 0; k < 2; k++) {
      expect(file, "signs", names[i], "x", k, mean[k]);
    }
    expect(file, "signs", names[i], "norm2", 0, norm2);
    reject(file, "signs, second moment", names[i], "norm2", 0, uncentred);
  }
  eg_labelled_free(file);
}

/* ---- log-time ---- */

static double path_value(const eg_labelled *file, const char *name, size_t realisation, size_t k) {
  const eg_variable *const v = eg_labelled_find(file, "/", name); /* (run, realisation, time, component) */
  if (v == NULL || v->rank < 3) {
    stop_with(name);
    return 0;
  }
  return ((const double *)v->data)[realisation * v->shape[2] * (v->rank > 3 ? v->shape[3] : 1) + k];
}

#define LOG_TIME(offset)                                                                                     \
  "start: {point: [0.5, 0.75]}\nlearning_rate: 1/4\nsteps: 24\n"                                             \
  "dynamics: {name: log-time, batch_size: 2, gradient_noise: {law: gaussian-decoupled, loss_offset: " offset "}}\n" \
  "realisations: 256\nobserve: {at: {steps: [24]}, features: [x, clock], keep: {realisations: 256}}\n"

/* H = diag(2, 1/2), minimum 5/16 at (1, -1/2). */
static void log_time(void) {
  eg_labelled *const rows = run_study("seed: 183\nmodel: {name: linear-regression, rows: [[2, 0, 3], [2, 0, 1], [0, 1, -1], [0, 1, 0]], "
                                      "standardize: false}\n" LOG_TIME("0.25"));
  eg_labelled *const same = run_study("seed: 183\nmodel: {name: quadratic, curvature: [2, 0.5], centre: [1, -0.5]}\n" LOG_TIME("0.5625"));
  eg_labelled *const other = run_study("seed: 183\nmodel: {name: quadratic, curvature: [2, 0.5], centre: [1, -0.5]}\n" LOG_TIME("0.25"));
  double largest = 0, control = 0;
  for (size_t i = 0; i < KEPT; i++) {
    for (size_t k = 0; k < 2; k++) {
      largest = fmax(largest, fabs(path_value(rows, "x_path", i, k) - path_value(same, "x_path", i, k)));
      control = fmax(control, fabs(path_value(rows, "x_path", i, k) - path_value(other, "x_path", i, k)));
    }
    largest = fmax(largest, fabs(path_value(rows, "clock_path", i, 0) - path_value(same, "clock_path", i, 0)));
  }
  printf("log-time: paths differ by %.2g, control %.2g\n", largest, control);
  CHECK(largest < 1e-11 && control > 1e-2);
  eg_labelled_free(rows);
  eg_labelled_free(same);
  eg_labelled_free(other);
}

/* ---- the covariance of two points together, six dimensions each ---- */

static void joint(void) {
  eg_labelled *const file = run_study(
      "seed: 184\nmodel: {name: linear-regression, rows: [[1, 0.5, -0.25, 0.3, 0.7, -0.6, 1], [-0.5, 1, 0.75, -0.2, 0.1, 0.9, 0.25], "
      "[0.25, -0.75, 1, 0.8, -0.4, 0.2, 1], [0.75, 0.25, 0.5, -1, 0.6, 0.3, -0.5], [-0.3, 0.6, 0.2, 0.4, 1, -0.8, 0.5]], standardize: false}\n"
      "start: {points: [[1, -0.5, 0.25, 0, 0.5, -1], [0.5, 0.5, -1, 1, 0, 0.25]]}\nlearning_rate: 1/4\nsteps: 4\ndynamics:\n"
      "  - {name: smf2, factor: joint-cholesky, batch_size: 1}\n  - {name: smf1, factor: data, batch_size: 2, label: other}\n"
      "realisations: 2^17\nobserve: {at: {steps: [4]}, features: [x, norm2]}\n");
  const size_t run = run_index(file, "smf2"), other = run_index(file, "other");
  for (size_t point = 0; point < 2; point++) {
    for (size_t k = 0; k < 6; k++) {
      add_row(file, "joint", "smf2", "x", point, k, "", read_value(file, "x_expected", run, point, k), false);
    }
    add_row(file, "joint", "smf2", "norm2", point, 0, "", read_value(file, "norm2_expected", run, point, 0), false);
    add_row(file, "joint", "smf2", "norm2", point, 0, "", read_value(file, "norm2_expected", other, point, 0), true);
  }
  eg_labelled_free(file);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  adaptive();
  signs();
  log_time();
  joint();
  (void)judge_rows(28, 8);
  (void)rmdir(folder);
  return check_report();
}
