/*
 * Laws of the gradient's noise of the equations that are not modified equations of SGD: rmsprop-sde, adam-sde, signsgd-sde and levy with a
 * constant and with decoupled noise (2 (loss + offset) Hessian). Oracles written here, of the scheme as it stands:
 *   - constant: v of the adaptive equations is a function of the step alone, so that (x, m) is a Gaussian chain whose mean and covariance
 *     are followed for 12 steps, with a covariance and a Hessian that do not commute;
 *   - decoupled: v of the first step is certain and x behind it Gaussian, so that two steps of rmsprop-sde and one of adam-sde are exact;
 *   - signsgd-sde: sums over the Gaussian law behind the first step;
 *   - levy: characteristic functions, of many steps where the noise is constant, of two steps by an integral over Cauchy's law where it
 *     is decoupled.
 * The law of one is rejected by the numbers of another, by those of another batch and of another root.
 */
#include "physics/judge.h"

enum { N = 4, D = 2, Z = 2 * D, KEPT = 65536 };
static const double a[N][D] = {{1, 0.5}, {-0.5, 1}, {0.25, -0.75}, {0.75, 0.25}}, y[N] = {1, 0.25, 1, -0.5}, start[D] = {1, -0.5};
static const double given[D][D] = {{1, 0.5}, {0.5, 2}};
#define ROWS                                                                                                 \
  "model: {name: linear-regression, rows: [[1, 0.5, 1], [-0.5, 1, 0.25], [0.25, -0.75, 1], [0.75, 0.25, -0.5]], standardize: false}\n" \
  "start: {point: [1, -0.5]}\nlearning_rate: 1/4\n"
#define CONSTANT  "gradient_noise: {law: constant, covariance: [[1, 0.5], [0.5, 2]]}"
#define DECOUPLED "gradient_noise: {law: gaussian-decoupled, loss_offset: 0.25}"

static double residual(int j, const double *x) {
  return a[j][0] * x[0] + a[j][1] * x[1] - y[j];
}

static double hessian(int i, int k) {
  double sum = 0;
  for (int j = 0; j < N; j++) {
    sum += a[j][i] * a[j][k] / N;
  }
  return sum;
}

static void gradient(const double *x, double *g) {
  for (int k = 0; k < D; k++) {
    g[k] = 0;
    for (int j = 0; j < N; j++) {
      g[k] += a[j][k] * residual(j, x) / N;
    }
  }
}

static double loss(const double *x) {
  double sum = 0;
  for (int j = 0; j < N; j++) {
    sum += residual(j, x) * residual(j, x) / (2 * N);
  }
  return sum;
}

/* Mean and covariance of (x, m). */
typedef struct gaussian {
  double mean[Z], C[Z][Z];
} gaussian;

static double norm2_of(const gaussian *s) {
  return s->mean[0] * s->mean[0] + s->mean[1] * s->mean[1] + s->C[0][0] + s->C[1][1];
}

/* Mean noise covariance of one sample over a Gaussian x. */
static void noise_of(bool is_decoupled, const gaussian *s, double S[D][D]) {
  double level = 0.25 + loss(s->mean);
  for (int i = 0; i < D; i++) {
    for (int k = 0; k < D; k++) {
      level += 0.5 * hessian(i, k) * s->C[i][k];
    }
  }
  for (int i = 0; i < D; i++) {
    for (int k = 0; k < D; k++) {
      S[i][k] = is_decoupled ? 2 * level * hessian(i, k) : given[i][k];
    }
  }
}

/* z' = A z + shift + noise of covariance Q */
static void advance(gaussian *s, const double A[Z][Z], const double *mean, const double Q[Z][Z]) {
  gaussian next = {.mean = {0}};
  for (int i = 0; i < Z; i++) {
    next.mean[i] = mean[i];
    for (int k = 0; k < Z; k++) {
      next.C[i][k] = Q[i][k];
      for (int p = 0; p < Z; p++) {
        for (int q = 0; q < Z; q++) {
          next.C[i][k] += A[i][p] * s->C[p][q] * A[k][q];
        }
      }
    }
  }
  *s = next;
}

/* rate 1/4, epsilon 0.4, beta2 0.875, v from 1; `substeps` integrator steps in one. v0 and the mean of S stand for v where it is certain. */
static gaussian rmsprop(bool is_decoupled, double batch, int substeps, int steps) {
  gaussian s = {.mean = {start[0], start[1]}};
  double v[D] = {1, 1};
  const double part = 1.0 / substeps;
  for (int n = 0; n < steps * substeps; n++) {
    double S[D][D], g[D], A[Z][Z] = {{0}}, Q[Z][Z] = {{0}}, mean[Z] = {0};
    noise_of(is_decoupled, &s, S);
    gradient(s.mean, g);
    for (int i = 0; i < D; i++) {
      const double size = 0.25 / (sqrt(v[i]) + 0.4);
      mean[i] = s.mean[i] - size * part * g[i];
      for (int k = 0; k < D; k++) {
        A[i][k] = (i == k) - size * part * hessian(i, k);
        Q[i][k] = size * 0.25 / (sqrt(v[k]) + 0.4) * part * S[i][k] / batch;
      }
    }
    for (int i = 0; i < D; i++) {
      v[i] += 0.125 * part * (S[i][i] / batch - v[i]); /* decoupled: certain in the first step, not used behind the second */
    }
    advance(&s, (const double(*)[Z])A, mean, (const double(*)[Z])Q);
  }
  return s;
}

/* beta1 1/2; m and v from 0, and new before x moves. */
static gaussian adam(bool is_decoupled, double batch, int substeps, int steps) {
  gaussian s = {.mean = {start[0], start[1]}};
  double v[D] = {0, 0};
  const double part = 1.0 / substeps;
  for (int n = 0; n < steps * substeps; n++) {
    const double time = part * (n + 1), gamma1 = -expm1(-0.5 * time), gamma2 = -expm1(-0.125 * time);
    double S[D][D], g[D], size[D], A[Z][Z] = {{0}}, Q[Z][Z] = {{0}}, mean[Z] = {0};
    noise_of(is_decoupled, &s, S);
    gradient(s.mean, g);
    for (int i = 0; i < D; i++) {
      v[i] += 0.125 * part * (S[i][i] / batch - v[i]);
      size[i] = 0.25 * part / gamma1 / (sqrt(v[i] / gamma2) + 0.4);
      mean[D + i] = s.mean[D + i] + 0.5 * part * (g[i] - s.mean[D + i]);
      mean[i] = s.mean[i] - size[i] * mean[D + i];
    }
    for (int i = 0; i < D; i++) {
      for (int k = 0; k < D; k++) {
        const double noise = 0.25 * part * S[i][k] / batch;
        A[D + i][k] = 0.5 * part * hessian(i, k);
        A[D + i][D + k] = (i == k) * (1 - 0.5 * part);
        A[i][k] = (i == k) - size[i] * A[D + i][k];
        A[i][D + k] = -size[i] * A[D + i][D + k];
        Q[i][k] = size[i] * size[k] * noise;
        Q[i][D + k] = -size[i] * noise;
        Q[D + i][k] = -size[k] * noise;
        Q[D + i][D + k] = noise;
      }
    }
    advance(&s, (const double(*)[Z])A, mean, (const double(*)[Z])Q);
  }
  return s;
}

static void expect_gaussian(const eg_labelled *file, const char *label, const gaussian *right) {
  for (size_t k = 0; k < D; k++) {
    expect(file, "laws", label, "x", k, right->mean[k]);
  }
  expect(file, "laws", label, "norm2", 0, norm2_of(right));
}

static void adaptive(void) {
  eg_labelled *const constant = run_study("seed: 901\n" ROWS "steps: 12\ndynamics:\n"
      "  - {name: rmsprop-sde, batch_size: 2, beta2: 0.875, epsilon: 0.4, start_square: 1, substeps: 2, " CONSTANT "}\n"
      "  - {name: adam-sde, batch_size: 2, beta1: 0.5, beta2: 0.875, epsilon: 0.4, substeps: 2, " CONSTANT "}\n"
      "realisations: 2^19\nobserve: {at: {steps: [12]}, features: [x, norm2]}\n");
  eg_labelled *const rms = run_study("seed: 902\n" ROWS "steps: 2\n"
      "dynamics: {name: rmsprop-sde, batch_size: 2, beta2: 0.875, epsilon: 0.4, start_square: 1, " DECOUPLED "}\n"
      "realisations: 2^20\nobserve: {at: {steps: [2]}, features: [x, norm2]}\n");
  eg_labelled *const ada = run_study("seed: 903\n" ROWS "steps: 1\n"
      "dynamics: {name: adam-sde, batch_size: 2, beta1: 0.5, beta2: 0.875, epsilon: 0.4, " DECOUPLED "}\n"
      "realisations: 2^20\nobserve: {at: {steps: [1]}, features: [x, norm2]}\n");
  gaussian right = rmsprop(false, 2, 2, 12), wrong = rmsprop(false, 4, 2, 12);
  expect_gaussian(constant, "rmsprop-sde", &right);
  reject(constant, "another batch", "rmsprop-sde", "norm2", 0, norm2_of(&wrong));
  right = adam(false, 2, 2, 12);
  wrong = adam(false, 4, 2, 12);
  expect_gaussian(constant, "adam-sde", &right);
  reject(constant, "another batch", "adam-sde", "norm2", 0, norm2_of(&wrong));
  right = rmsprop(true, 2, 1, 2);
  wrong = rmsprop(false, 2, 1, 2);
  expect_gaussian(rms, "rmsprop-sde", &right);
  reject(rms, "the constant law", "rmsprop-sde", "norm2", 0, norm2_of(&wrong));
  right = adam(true, 2, 1, 1);
  wrong = adam(false, 2, 1, 1);
  expect_gaussian(ada, "adam-sde", &right);
  reject(ada, "the constant law", "adam-sde", "norm2", 0, norm2_of(&wrong));
  eg_labelled_free(constant);
  eg_labelled_free(rms);
  eg_labelled_free(ada);
}

/* ---- signs: curvature (1, 1/2), rate 1/4, batch 2, two steps from (0.6, -0.4) ---- */

static const double curvature[D] = {1, 0.5};

/* Variance of the noise of a batch at x. */
static double batch_variance(bool is_decoupled, const double *x, int k) {
  const double level = 0.25 + 0.5 * (curvature[0] * x[0] * x[0] + curvature[1] * x[1] * x[1]);
  return (is_decoupled ? 2 * level * curvature[k] : 0.5 + 1.5 * k) / 2;
}

/* Mean of x_k' and of its square one step behind x. */
static void sign_step(bool is_decoupled, const double *x, int k, double *mean, double *square) {
  const double e = erf(curvature[k] * x[k] / sqrt(2 * batch_variance(is_decoupled, x, k))), rate = 0.25;
  *mean = x[k] - rate * e;
  *square = *mean * *mean + rate * rate * (1 - e * e);
}

/* Means of x_0, x_1 and of |x|^2 behind the second step, by the trapezoidal rule over both components behind the first. */
static void two_signs(bool is_decoupled, double *out) {
  static const double from[D] = {0.6, -0.4};
  double m[D], s[D];
  for (int k = 0; k < D; k++) {
    sign_step(is_decoupled, from, k, &m[k], &s[k]);
    s[k] = sqrt(s[k] - m[k] * m[k]);
  }
  double total = 0;
  out[0] = out[1] = out[2] = 0;
  for (int i = -100; i <= 100; i++) {
    for (int j = -100; j <= 100; j++) {
      const double u = 0.09 * i, v = 0.09 * j, w = exp(-0.5 * (u * u + v * v)), x[D] = {m[0] + s[0] * u, m[1] + s[1] * v};
      total += w;
      for (int k = 0; k < D; k++) {
        double mean, square;
        sign_step(is_decoupled, x, k, &mean, &square);
        out[k] += w * mean;
        out[2] += w * square;
      }
    }
  }
  for (int k = 0; k < 3; k++) {
    out[k] /= total;
  }
}

static void signs(void) {
  eg_labelled *const file = run_study(
      "seed: 904\nmodel: {name: quadratic, curvature: [1, 0.5], noise: [0.25, 0]}\nstart: {point: [0.6, -0.4]}\nlearning_rate: 1/4\nsteps: 2\n"
      "dynamics:\n  - {name: signsgd-sde, label: constant, batch_size: 2, gradient_noise: {law: constant, covariance: [0.5, 2]}}\n"
      "  - {name: signsgd-sde, label: decoupled, batch_size: 2, " DECOUPLED "}\n"
      "realisations: 2^20\nobserve: {at: {steps: [2]}, features: [x, norm2]}\n");
  double constant[3], decoupled[3];
  two_signs(false, constant);
  two_signs(true, decoupled);
  for (size_t k = 0; k < D; k++) {
    expect(file, "signs", "constant", "x", k, constant[k]);
    expect(file, "signs", "decoupled", "x", k, decoupled[k]);
  }
  expect(file, "signs", "constant", "norm2", 0, constant[2]);
  expect(file, "signs", "decoupled", "norm2", 0, decoupled[2]);
  reject(file, "signs, the other law", "constant", "norm2", 0, decoupled[2]);
  reject(file, "signs, the other law", "decoupled", "norm2", 0, constant[2]);
  eg_labelled_free(file);

  /* A component without gradient and noise has sign 0 in every sample, and stays. */
  eg_labelled *const still = run_study(
      "seed: 905\nmodel: {name: quadratic, curvature: [1, 0.5], noise: [0.25, 0]}\nstart: {point: [0.5, 0]}\nlearning_rate: 1/4\nsteps: 8\n"
      "dynamics: {name: signsgd-sde, batch_size: 2}\nrealisations: 1000\nobserve: {at: {steps: [8]}, features: [x]}\n");
  CHECK(read_value(still, "x", 0, 0, 1) == 0 && read_value(still, "x_variance", 0, 0, 1) == 0);
  CHECK(read_value(still, "x_variance", 0, 0, 0) > 0);
  eg_labelled_free(still);
}

/* ---- stable noise: curvature (1, 1/2), rate 1/4, batch 2 ---- */

static double kept(const eg_labelled *file, size_t run, size_t realisation, size_t k) {
  const eg_variable *const v = eg_labelled_find(file, "/", "x_path"); /* (run, realisation, time, component) */
  if (v == NULL || v->rank != 4 || v->shape[1] != KEPT || v->shape[2] != 1) {
    stop_with("x_path is missing");
    return 0;
  }
  return ((const double *)v->data)[(run * KEPT + realisation) * v->shape[3] + k];
}

/* Mean of cos(u (x_k - shift)) beside its value. */
static void compare_cosine(bool is_control, const eg_labelled *file, const char *what, size_t run, size_t k, double u, double shift,
                           double expected) {
  char name[100];
  double sum = 0, squares = 0;
  for (size_t i = 0; i < KEPT; i++) {
    const double value = cos(u * (kept(file, run, i, k) - shift));
    sum += value;
    squares += value * value;
  }
  (void)snprintf(name, sizeof name, "levy %s component %zu u %g", what, k, u);
  compare(is_control, name, sum / KEPT, sqrt((squares / KEPT - sum / KEPT * sum / KEPT) / (KEPT - 1)), expected, KEPT);
}

static double grown(double factor, double alpha, int n) { /* sum of factor^(alpha k), k < n */
  double sum = 0;
  for (int k = 0; k < n; k++) {
    sum += pow(factor, alpha * k);
  }
  return sum;
}

static void stable_constant(void) {
  static const double alphas[] = {0.75, 1.5, 2};
  const double rate = 0.25, from[D] = {1, -0.5}, root[D][D] = {{1, 0}, {0.5, sqrt(1.75)}};
  const double symmetric = 0.5 / sqrt(3 + 2 * sqrt(1.75)); /* (1, 0) of the symmetric root: C01 / sqrt(trace + 2 sqrt(det)) */
  for (size_t i = 0; i < sizeof alphas / sizeof alphas[0]; i++) {
    const double alpha = alphas[i];
    char text[900];
    (void)snprintf(text, sizeof text,
                   "seed: 91%zu\nmodel: {name: quadratic, curvature: [1, 0.5], noise: 1}\nstart: {point: [1, -0.5]}\nlearning_rate: 1/4\nsteps: 8\n"
                   "noise: gaussian64\ndynamics:\n  - {name: levy, label: euler, batch_size: 2, tail_index: %g, " CONSTANT "}\n"
                   "  - {name: levy, label: strang, scheme: strang, batch_size: 2, tail_index: %g, " CONSTANT "}\n"
                   "realisations: 2^16\nobserve: {at: {steps: [8]}, features: [x], keep: {realisations: 65536}}\n",
                   i, alpha, alpha);
    eg_labelled *const file = run_study(text);
    for (size_t k = 0; k < D; k++) {
      const double slow = 1 - rate * curvature[k], decay = exp(-rate * curvature[k]);
      const double size = pow(pow(rate, 1 / alpha) * pow(rate / 2, 1 - 1 / alpha), alpha);
      const double of_row = pow(root[k][0], alpha) + pow(root[k][1], alpha);
      const double euler = size * of_row * grown(slow, alpha, 8);
      const double strang = size * of_row * pow(decay, alpha / 2) * grown(decay, alpha, 8);
      for (int j = 0; j < 2; j++) {
        const double u = j == 0 ? 0.5 : 1.5;
        compare_cosine(false, file, "constant, euler", 0, k, u, from[k] * pow(slow, 8), exp(-euler * pow(u, alpha)));
        compare_cosine(false, file, "constant, strang", 1, k, u, from[k] * pow(decay, 8), exp(-strang * pow(u, alpha)));
      }
      if (k == 1 && alpha < 1) { /* at tail index 2 all roots are one */
        const double other = pow(symmetric, alpha) + pow(sqrt(2 - symmetric * symmetric), alpha);
        compare_cosine(true, file, "constant, the symmetric root", 0, k, 0.5, from[k] * pow(slow, 8),
                       exp(-size * other * grown(slow, alpha, 8) * pow(0.5, alpha)));
      }
      if (k == 1) {
        compare_cosine(true, file, "constant, another batch", 0, k, 0.5, from[k] * pow(slow, 8),
                       exp(-pow(2, alpha == 2 ? 1 : 0.5) * euler * pow(0.5, alpha)));
      }
    }
    eg_labelled_free(file);
  }
}

/* Two steps with tail index 1 in one dimension, R = x^2 / 2: the first leads to Cauchy's law around 3/4 of the start. */
static double cauchy_cosine(double u, bool is_decoupled) {
  const double rate = 0.25, from = 1, level = 0.25, middle = (1 - rate) * from, width = rate * sqrt(2 * (from * from / 2 + level));
  double sum = 0;
  const int n = 2000000; /* in the angle; the exponential ends the range long before the cosine turns within a cell */
  for (int i = 0; i < n; i++) {
    const double angle = M_PI * ((i + 0.5) / n - 0.5), x = middle + width * tan(angle);
    const double next = rate * sqrt(2 * ((is_decoupled ? x * x : from * from) / 2 + level));
    sum += cos(u * (1 - rate) * (x - middle)) * exp(-u * next);
  }
  return sum / n;
}

static void stable_decoupled(void) {
  eg_labelled *const file = run_study(
      "seed: 914\nmodel: {name: quadratic, curvature: 1, noise: 1}\nstart: {point: 1}\nlearning_rate: 1/4\nsteps: 2\nnoise: gaussian64\n"
      "dynamics: {name: levy, tail_index: 1, batch_size: 2, " DECOUPLED "}\n"
      "realisations: 2^16\nobserve: {at: {steps: [2]}, features: [x], keep: {realisations: 65536}}\n");
  for (int j = 0; j < 3; j++) {
    const double u = j == 0 ? 0.5 : (j == 1 ? 1.5 : 4);
    compare_cosine(false, file, "decoupled", 0, 0, u, 0.5625, cauchy_cosine(u, true));
  }
  compare_cosine(true, file, "decoupled, the noise of the start", 0, 0, 1.5, 0.5625, cauchy_cosine(1.5, false));
  eg_labelled_free(file);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  adaptive();
  signs();
  stable_constant();
  stable_decoupled();
  (void)judge_rows(45, 11);
  (void)rmdir(folder);
  return check_report();
}
