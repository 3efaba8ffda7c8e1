/*
 * SDEs with symmetric alpha-stable noise. Their moments do not exist, their characteristic functions do, in closed form for
 * everything that is linear: x = m + c S has E cos(u (x - m)) = exp(-|c u|^a), E sin(u (x - m)) = 0, where c^a adds up over the
 * increments. Taken from kept paths of the law of the Ornstein-Uhlenbeck process, of both schemes, of gradient descent with noisy
 * gradients (B^(1/a - 1) of one gradient's noise), and of bare increments, whose exponents in time and in u are also
 * estimated. Laws of another tail index, another scheme, and increments that grow as sqrt(h) must be rejected.
 */
#include "physics/judge.h"

enum { N = 65536 };
static const double frequencies[] = {0.25, 1.0, 2.5};

/* Component k of the kept paths of a run at record t; (run, realisation, time, component). */
static double kept(const eg_labelled *file, size_t run, size_t realisation, size_t t, size_t k) {
  const eg_variable *const v = eg_labelled_find(file, "/", "x_path");
  if (v == NULL || v->rank != 4 || v->shape[1] != N) {
    stop_with("x_path is missing");
    return 0;
  }
  return ((const double *)v->data)[((run * v->shape[1] + realisation) * v->shape[2] + t) * v->shape[3] + k];
}

static void mean_of(const eg_labelled *file, size_t run, size_t t, size_t k, double u, double shift, int is_sine, double *mean,
                    double *error) {
  double sum = 0, squares = 0;
  for (size_t i = 0; i < N; i++) {
    const double y = u * (kept(file, run, i, t, k) - shift), value = is_sine ? sin(y) : cos(y);
    sum += value;
    squares += value * value;
  }
  *mean = sum / N;
  *error = sqrt((squares / N - *mean * *mean) / (N - 1));
}

/* c_a = c^a of the law that is expected around `shift`. */
static void compare_law(bool is_control, const eg_labelled *file, const char *what, size_t run, size_t t, size_t k, double alpha,
                        double shift, double c_a) {
  for (size_t i = 0; i < sizeof frequencies / sizeof frequencies[0]; i++) {
    const double u = frequencies[i];
    char name[100];
    double mean, error;
    (void)snprintf(name, sizeof name, "%s alpha %g u %g cos", what, alpha, u);
    mean_of(file, run, t, k, u, shift, 0, &mean, &error);
    if (!is_control || i == 1) {
      compare(is_control, name, mean, error, exp(-c_a * pow(u, alpha)), N);
    }
    if (!is_control && i == 1) {
      mean_of(file, run, t, k, u, shift, 1, &mean, &error);
      compare(false, name, mean, error, 0, N);
    }
  }
}

static double power_sum(double factor, double alpha, int n) { /* sum of factor^(alpha k), k < n */
  double sum = 0;
  for (int k = 0; k < n; k++) {
    sum += pow(factor, alpha * k);
  }
  return sum;
}

/* rate 1, mean 1/2, sigma 0.8, from 1; 8 steps of 1/4. */
static void ornstein_uhlenbeck(void) {
  static const double alphas[] = {0.3, 0.7, 1.0, 1.5, 1.9, 2.0};
  enum { N_ALPHAS = sizeof alphas / sizeof alphas[0], STEPS = 8 };
  const double h = 0.25, decay = exp(-h * STEPS), slow = pow(1 - h, STEPS);
  for (size_t i = 0; i < N_ALPHAS; i++) {
    const double a = alphas[i], size = pow(0.8, a);
    char study[700];
    (void)snprintf(study, sizeof study,
                   "seed: %zu\nmodel: {name: ornstein-uhlenbeck, rate: 1, mean: 0.5, sigma: 0.8}\nstart: {point: 1}\n"
                   "time_step: 1/4\nhorizon: 2\nnoise: %s\ndynamics:\n  - {name: levy, scheme: exact, tail_index: %g}\n"
                   "  - {name: levy, scheme: strang, tail_index: %g}\n  - {name: levy, tail_index: %g}\n"
                   "realisations: 2^16\nobserve: {at: [2], features: [x], keep: {realisations: 65536}}\n",
                   130 + i, i % 2 == 0 ? "gaussian64" : "gaussian", a, a, a);
    eg_labelled *const file = run_study(study);
    const double law = size * -expm1(-a * h * STEPS) / a;
    const double strang = size * h * exp(-a * h / 2) * power_sum(exp(-h), a, STEPS);
    const double euler = size * h * power_sum(1 - h, a, STEPS);
    compare_law(false, file, "exact", 0, 0, 0, a, 0.5 + 0.5 * decay, law);
    compare_law(false, file, "strang", 1, 0, 0, a, 0.5 + 0.5 * decay, strang);
    compare_law(false, file, "euler", 2, 0, 0, a, 0.5 + 0.5 * slow, euler);
    if (a >= 1.5) { /* below, the two laws are nearly the same */
      compare_law(true, file, "euler for exact", 0, 0, 0, a, 0.5 + 0.5 * decay, euler);
    }
    const double other = a - 0.1; /* its law of the same process */
    compare_law(true, file, "another tail", 0, 0, 0, other, 0.5 + 0.5 * decay, pow(0.8, other) * -expm1(-other * h * STEPS) / other);
    const double diffusive = size * pow(h, a / 2) * power_sum(1 - h, a, STEPS); /* increments sqrt(h) S */
    if (a < 1.9) {
      compare_law(true, file, "increments as sqrt(h)", 2, 0, 0, a, 0.5 + 0.5 * slow, diffusive);
    }
    eg_labelled_free(file);
  }
}

/* exponent of log(f(2 s) / f(s)) / log 2 for f = -log E cos; the two means are of the same realisations. */
static void compare_exponent(const char *what, const eg_labelled *file, size_t t1, double u1, size_t t2, double u2, double expected,
                             bool is_control) {
  double sum[2] = {0, 0}, square[3] = {0, 0, 0};
  for (size_t i = 0; i < N; i++) {
    const double y = cos(u1 * kept(file, 0, i, t1, 0)), z = cos(u2 * kept(file, 0, i, t2, 0));
    sum[0] += y;
    sum[1] += z;
    square[0] += y * y;
    square[1] += y * z;
    square[2] += z * z;
  }
  const double p = sum[0] / N, q = sum[1] / N;
  const double slope_p = -1 / (p * log(p)), slope_q = 1 / (q * log(q)); /* of log(log q / log p) */
  const double variance = (slope_p * slope_p * (square[0] / N - p * p) + 2 * slope_p * slope_q * (square[1] / N - p * q) +
                           slope_q * slope_q * (square[2] / N - q * q)) / N;
  compare(is_control, what, log(log(q) / log(p)) / log(2.0), sqrt(variance) / log(2.0), expected, N);
}

/* Bare increments: x(t) has the law of t^(1/a) x(1). */
static void increments(void) {
  eg_labelled *const file = run_study(
      "seed: 140\nmodel: {name: ornstein-uhlenbeck, rate: 0}\ntime_step: 1/8\nhorizon: 4\n"
      "dynamics: {name: levy, tail_index: 1.25, substeps: 2}\nrealisations: 2^16\n"
      "observe: {at: [1, 2, 4], features: [x], keep: {realisations: 65536}}\n");
  for (size_t t = 0; t < 3; t++) {
    compare_law(false, file, "increments", 0, t, 0, 1.25, 0, (double)(1 << t));
  }
  compare_exponent("exponent in u", file, 0, 0.5, 0, 1.0, 1.25, false);
  compare_exponent("exponent in t", file, 0, 0.7, 1, 0.7, 1.0, false);
  compare_exponent("exponent in t and u", file, 0, 0.4, 1, 0.8, 2.25, false);
  compare_exponent("another exponent in u", file, 0, 0.5, 0, 1.0, 1.35, true);
  compare_exponent("normal diffusion in t and u", file, 0, 0.4, 1, 0.8, 3.0, true);
  eg_labelled_free(file);
}

/* Gradient descent with alpha-stable noise of one gradient (noise 0.5) and batches of 4; a loss of two dimensions. */
static void descent(void) {
  const double a = 1.5, eta = 0.25;
  eg_labelled *const file = run_study(
      "seed: 141\nmodel: {name: quadratic, curvature: [1, 2], noise: 0.5}\nstart: {point: 1}\nlearning_rate: 1/4\nsteps: 6\n"
      "dynamics:\n  - {name: levy, tail_index: 1.5, batch_size: 4}\n  - {name: levy, tail_index: 1.5, batch_size: 4, substeps: 2}\n"
      "realisations: 2^16\nobserve: {at: {steps: [6]}, features: [x], keep: {realisations: 65536}}\n");
  const double of_batch = pow(0.5, a) * pow(4.0, 1 - a); /* |B^(1/a - 1) noise|^a */
  for (size_t k = 0; k < 2; k++) {
    const double factor = 1 - eta * (double)(k + 1);
    compare_law(false, file, "descent", 0, 0, k, a, pow(factor, 6), pow(eta, a) * of_batch * power_sum(factor, a, 6));
    const double half = 1 - eta / 2 * (double)(k + 1); /* each half step: eta^(a - 1) eta/2 */
    compare_law(false, file, "descent in half steps", 1, 0, k, a, pow(half, 12),
                0.5 * pow(eta, a) * of_batch * power_sum(half, a, 12));
  }
  compare_law(true, file, "mean of the batch as of normals", 0, 0, 0, a, pow(1 - eta, 6),
              pow(eta, a) * pow(0.25, a) * power_sum(1 - eta, a, 6));
  compare_law(true, file, "increments h S of half steps", 1, 0, 0, a, pow(1 - eta / 2, 12),
              pow(eta / 2, a) * of_batch * power_sum(1 - eta / 2, a, 12));
  eg_labelled_free(file);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  ornstein_uhlenbeck();
  increments();
  descent();
  (void)judge_rows(100, 15);
  (void)rmdir(folder);
  return check_report();
}
