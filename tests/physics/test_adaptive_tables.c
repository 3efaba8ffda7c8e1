/*
 * Sections 4.1 to 4.4 of svag-and-sde-validity.md: RMSprop and Adam by all 2^16 outcomes of the shipped chains, the square-root
 * rule by those of 2^16, 2^8 and 2^4, both to the digits printed; drift and noise of the shipped signsgd-sde, and by them its order, 1 in eta
 * against sign SGD on its lattice; autocorrelation of momentum with both limits of SVAG by the affine oracle. Controls: the other
 * order of updates, other rates.
 */
#include "oracle/affine.h"
#include "oracle/dense.h"
#include "oracle_row.h"
#include "outcomes.h"

static char folder[] = "/tmp/ensgrad-test-XXXXXX";

/* E x and E x^2 over the 2^n equally likely outcomes of n steps. */
static void all_outcomes(const char *noise, const char *rate, int n, const char *dynamics, size_t realisations, double *out) {
  char text[600];
  (void)snprintf(text, sizeof text,
                 "seed: 51\nmodel: {name: quadratic, curvature: 1, noise: %s}\nstart: {point: 1}\nlearning_rate: %s\nsteps: %d\n"
                 "noise: two-point\ndynamics: %s\nrealisations: %zu\n"
                 "observe: {at: {steps: [%d]}, features: [x], keep: {realisations: %zu, of: x}}\n",
                 noise, rate, n, dynamics, realisations, n, realisations);
  eg_labelled *const file = run_text(folder, text);
  const eg_variable *const v = eg_labelled_find(file, "/", "x_path");
  const double **const order = calloc(realisations, sizeof *order);
  size_t found = 0;
  if (v == NULL || eg_variable_size(v) != realisations) {
    stop_with("kept paths of another shape");
    return;
  }
  for (size_t i = 0; i < realisations; i++) {
    order[i] = (const double *)v->data + i;
  }
  outcome_width = 1;
  qsort(order, realisations, sizeof *order, compare_outcomes);
  out[0] = out[1] = 0;
  for (size_t i = 0; i < realisations; i++) {
    if (i == 0 || compare_outcomes(&order[i - 1], &order[i]) != 0) {
      out[0] += ldexp(*order[i], -n);
      out[1] += ldexp(*order[i] * *order[i], -n);
      found++;
    }
  }
  CHECK(found == (size_t)1 << n);
  free(order);
  eg_labelled_free(file);
}

static void adaptive(void) {
  static const char rms[] = "{name: rmsprop, batch_size: 1, beta2: 0.875, epsilon: 0.4, start_square: 1, preconditioner: before}",
                    after[] = "{name: rmsprop, batch_size: 1, beta2: 0.875, epsilon: 0.4, start_square: 1}",
                    adam[] = "{name: adam, batch_size: 1, beta1: 0.375, beta2: 0.875, epsilon: 0.4}";
  double got[2], wrong[2];
  all_outcomes("2", "0.25", 16, rms, 1000000, got);
  all_outcomes("2", "0.25", 8, after, 8192, wrong);
  oracle_row("4.2", "RMSprop, eta .25", "E theta", got[0], 0.10078068545564582, 1e-12);
  oracle_row("4.2", "RMSprop, eta .25", "E theta^2", got[1], 0.22287032457662215, 1e-12);
  oracle_row("4.1", "square-root rule, kappa 1", "E theta", got[0], .1008, 5.1e-5);
  oracle_row("4.1", "square-root rule, kappa 1", "E theta^2", got[1], .2229, 5.1e-5);
  oracle_control("4.2", "RMSprop, eta .25", "E theta after 8 steps", wrong[0], 0.10078068545564582, 1e-12);
  all_outcomes("2", "0.25", 16, adam, 1000000, got);
  oracle_row("4.2", "Adam, eta .25", "E theta", got[0], 0.23694982892173586, 1e-12);
  oracle_row("4.2", "Adam, eta .25", "E theta^2", got[1], 0.26035181026886134, 1e-12);
  oracle_control("4.2", "Adam, eta .25", "E theta^2 of its SDE", got[1], 0.227678937633780, 1e-12);
  /* kappa: noise 2 / sqrt(kappa), eta and epsilon likewise, 1 - beta2 = kappa / 8, v_0 = 1 / kappa, 16 / kappa steps */
  all_outcomes("1.4142135623730951", "0.35355339059327379", 8,
               "{name: rmsprop, batch_size: 1, beta2: 0.75, epsilon: 0.28284271247461901, start_square: 0.5, preconditioner: before}",
               8192, got);
  all_outcomes("1.4142135623730951", "0.35355339059327379", 8,
               "{name: rmsprop, batch_size: 1, beta2: 0.75, epsilon: 0.28284271247461901, start_square: 0.5}", 8192, wrong);
  oracle_row("4.1", "square-root rule, kappa 2", "E theta", got[0], .0281, 5.1e-5);
  oracle_row("4.1", "square-root rule, kappa 2", "E theta^2", got[1], .2083, 5.1e-5);
  oracle_control("4.1", "square-root rule, kappa 2", "E theta, v updated first", wrong[0], .0281, 5.1e-5);
  all_outcomes("1", "0.5", 4,
               "{name: rmsprop, batch_size: 1, beta2: 0.5, epsilon: 0.2, start_square: 0.25, preconditioner: before}", 1024, got);
  oracle_row("4.1", "square-root rule, kappa 4", "E theta", got[0], -.2812, 5.1e-5);
  oracle_row("4.1", "square-root rule, kappa 4", "E theta^2", got[1], .5028, 5.1e-5);
}

/* ---- 4.3 ---- */

static void sign_equation(void) {
  double from[17];
  char row[32];
  for (int i = 0; i < 17; i++) {
    from[i] = 0.25 * (i - 8);
  }
  outcomes o = outcomes_of(folder, "{name: quadratic, curvature: 1, noise: 2}", "{name: signsgd-sde, batch_size: 4}", 0.2, 17, 1, from,
                           2, 1024);
  for (size_t i = 0; i < 17; i++) {
    const double e = erf(from[i] / sqrt(2));
    (void)snprintf(row, sizeof row, "x %g", from[i]);
    oracle_row("4.3 SDE of sign SGD", row, "drift", outcome_drift(&o, i), -e, 1e-12);
    oracle_row("4.3 SDE of sign SGD", row, "noise", outcome_covariance(&o, i, i), 0.2 * (1 - e * e), 1e-12);
    oracle_control("4.3 SDE of sign SGD", row, "noise of the second moment", outcome_covariance(&o, i, i),
                   0.2 + (i == 8 ? 1e-3 : 0), 1e-12);
  }
  outcomes_free(&o);
}

/* E x^2 of sign SGD after time 1 from 1: the lattice 1 + eta Z, down-steps with probability Phi(x). */
static double lattice(int steps) {
  const int half = 8 * steps; /* |x - 1| up to 8; no step leads further than 1 */
  const double eta = 1.0 / steps;
  double *const p = calloc((size_t)(2 * half + 1), sizeof *p), *const q = calloc((size_t)(2 * half + 1), sizeof *q), square = 0;
  p[half] = 1;
  for (int step = 0; step < steps; step++) {
    memset(q, 0, (size_t)(2 * half + 1) * sizeof *q);
    for (int k = 1; k < 2 * half; k++) {
      const double down = 0.5 * erfc(-(1 + eta * (k - half)) / sqrt(2));
      q[k - 1] += down * p[k];
      q[k + 1] += (1 - down) * p[k];
    }
    memcpy(p, q, (size_t)(2 * half + 1) * sizeof *p);
  }
  for (int k = 0; k <= 2 * half; k++) {
    square += p[k] * pow(1 + eta * (k - half), 2);
  }
  free(p);
  free(q);
  return square;
}

/* E x^2 after time 1 from 1 of the equation that the shipped steps show: its generator by collocation in (-WIDE, WIDE), where
   at both ends the drift points inwards and the noise is next to nothing. */
static double collocation(eg_context *ctx, double eta) {
  enum { N = 64, WIDE = 5 };
  static double first[(N + 1) * (N + 1)], both[(N + 1) * (N + 1)], L[(N + 1) * (N + 1)], E[(N + 1) * (N + 1)];
  double x[N + 1], value = 0, weights = 0;
  for (int i = 0; i <= N; i++) {
    x[i] = WIDE * cos(acos(-1.0) * i / N);
  }
  outcomes o = outcomes_of(folder, "{name: quadratic, curvature: 1, noise: 2}", "{name: signsgd-sde, batch_size: 4}", eta, N + 1, 1, x, 2,
                           1024);
  for (int i = 0; i <= N; i++) { /* the derivative of the interpolant: Trefethen, Spectral Methods in MATLAB, chapter 6 */
    double sum = 0;
    for (int j = 0; j <= N; j++) {
      const double c = (i % N == 0 ? 2 : 1) / (j % N == 0 ? 2.0 : 1.0) * ((i + j) % 2 == 0 ? 1 : -1);
      first[i * (N + 1) + j] = i == j ? 0 : c / (x[i] - x[j]);
      sum += first[i * (N + 1) + j];
    }
    first[i * (N + 1) + i] = -sum;
  }
  eg_dense_multiply(N + 1, first, first, both);
  for (int i = 0; i <= N; i++) {
    for (int j = 0; j <= N; j++) {
      L[i * (N + 1) + j] = outcome_drift(&o, (size_t)i) * first[i * (N + 1) + j] +
                           0.5 * outcome_covariance(&o, (size_t)i, (size_t)i) * both[i * (N + 1) + j];
    }
  }
  outcomes_free(&o);
  CHECK(eg_dense_expm1(ctx, N + 1, L, 1, E) == EG_OK);
  for (int i = 0; i <= N; i++) { /* barycentric interpolation at 1 */
    const double w = (i % 2 == 0 ? 1 : -1) * (i % N == 0 ? 0.5 : 1) / (1 - x[i]);
    double u = x[i] * x[i];
    for (int j = 0; j <= N; j++) {
      u += E[i * (N + 1) + j] * x[j] * x[j];
    }
    value += w * u;
    weights += w;
  }
  return value / weights;
}

static void sign_order(void) {
  eg_context *const ctx = eg_context_create();
  double error[3];
  CHECK(ctx != NULL);
  for (int i = 0; i < 3; i++) {
    const int steps = 64 << i;
    error[i] = collocation(ctx, 1.0 / steps) - lattice(steps);
    printf("signsgd-sde, eta 1/%d: error of E x^2 / eta %.6f\n", steps, error[i] * steps);
  }
  for (int i = 0; i < 2; i++) {
    const double slope = log2(error[i] / error[i + 1]);
    oracle_row("4.3 order of signsgd-sde in eta", i == 0 ? "eta 1/64" : "eta 1/128", "E x^2", slope, 1, 0.1 / (i + 1));
    oracle_control("4.3 order of signsgd-sde in eta, not 2", i == 0 ? "eta 1/64" : "eta 1/128", "E x^2", slope, 2, 0.1);
  }
  eg_context_free(ctx);
}

/* ---- 4.4: correlation over 5 effective learning rates, mu fixed (a) or 1 - mu over l (b) ---- */

static double correlation(eg_context *ctx, double mu, double h, int l, int lag) {
  eg_affine_model model = {0}, lifted = {0};
  const double curvature = 1.3, centre = 0, additive = 1, none = 0, zero[4] = {0};
  const eg_affine_chain chain = {.momentum = mu, .new_weight = 1, .velocity_weight = 1};
  const eg_affine_setting setting = {EG_LAW_SDE1, EG_AFFINE_EULER_MARUYAMA, h * l, 1, l};
  const uint64_t long_time = (uint64_t)(1 << 24) / (uint64_t)l, steps = (uint64_t)(lag / l);
  double mean[2], second[4];
  CHECK(eg_affine_quadratic(ctx, 1, &curvature, &centre, &additive, &none, &model) == EG_OK);
  CHECK(eg_affine_chain_lift(ctx, &model, &chain, h, &lifted) == EG_OK);
  CHECK(eg_affine_moments(ctx, &lifted, &setting, 1, zero, zero, 1, &long_time, mean, second) == EG_OK);
  const double start[2] = {1, second[1] / second[0]}, square[4] = {1, start[1], start[1], start[1] * start[1]};
  CHECK(eg_affine_moments(ctx, &lifted, &setting, 1, start, square, 1, &steps, mean, second) == EG_OK);
  eg_affine_free(&model);
  eg_affine_free(&lifted);
  return mean[0];
}

static void momentum(void) {
  static const double table[3] = {-.10529, -.07835, -.06788};
  eg_context *const ctx = eg_context_create();
  double e[4];
  char row[32];
  CHECK(ctx != NULL);
  for (int i = 0; i < 3; i++) {
    const int l = 1 << i;
    (void)snprintf(row, sizeof row, "l %d", l);
    const double b = correlation(ctx, 1 - 0.1 / l, 0.1 / (l * l), l, 5 * l), a = correlation(ctx, 0.9, 0.1 / l, l, 5 * l);
    oracle_row("4.4 autocorrelation, lag 5, (b)", row, "x", b, table[i], 5.1e-6);
    if (l > 1) {
      oracle_control("4.4 autocorrelation, lag 5, (b)", row, "x of (a)", a, table[i], 5.1e-6);
    }
  }
  oracle_row("4.4 autocorrelation, lag 5, (b)", "l 256", "x", correlation(ctx, 1 - 0.1 / 256, 0.1 / 65536, 256, 1280), -.05939, 5.1e-6);
  for (int i = 0; i < 4; i++) {
    const int l = 64 << i;
    e[i] = correlation(ctx, 1 - 0.1 / l, 0.1 / ((double)l * l), l, 5 * l);
  }
  for (int order = 1; order < 4; order++) {
    for (int i = 0; i + order < 4; i++) {
      e[i] = ((1 << order) * e[i + 1] - e[i]) / ((1 << order) - 1);
    }
  }
  oracle_row("4.4 autocorrelation, lag 5, (b)", "l -> infinity, underdamped SDE", "x", e[0], -.0592676, 5.1e-8);
  eg_context_free(ctx);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  adaptive();
  sign_equation();
  sign_order();
  momentum();
  oracle_count(51, 24);
  (void)rmdir(folder);
  return check_report();
}
