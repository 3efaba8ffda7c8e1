/*
 * Flows: two points moved by one noise. Curvatures 1 +- 1/2 drawn at random, so distances multiply by 1 - eta a:
 * Lyapunov and moment exponents of SGD, and of the modified flow (a geometric Brownian motion), in closed form. On
 * either side of the common minimum the modified equation's root |x| turns the sign of the noise: |x - y| = e^A 2
 * cosh(s Z), another law of two points (arXiv 2302.07125, sign flip). Controls: each against the others' values; the
 * window; points that meet, whose distance has no logarithm.
 */
#include "physics/judge.h"

static const double ETA = 0.125, SIGMA = 0.5;

static double at(const eg_labelled *file, const char *suffix, size_t run, size_t power) {
  char name[64];
  (void)snprintf(name, sizeof name, "flow%s", suffix);
  const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
  if (v == NULL || v->rank != 3 || run >= v->shape[0] || power >= v->shape[2]) {
    stop_with(name);
    return 0;
  }
  return ((const double *)v->data)[(run * v->shape[1]) * v->shape[2] + power];
}

static void beside(const eg_labelled *file, const char *what, const char *suffix, size_t run, size_t power,
                   double expected, bool is_control) {
  char error[64], text[100];
  (void)snprintf(error, sizeof error, "%s_stderr", suffix);
  (void)snprintf(text, sizeof text, "%s%s, power %zu", what, suffix, power);
  compare(is_control, text, at(file, suffix, run, power), at(file, error, run, power), expected, 60000);
}

static double chain(int q) {
  const double a = 1 - ETA * (1 + SIGMA), b = 1 - ETA * (1 - SIGMA);
  return q == 0 ? (log(a) + log(b)) / (2 * ETA) : log((pow(a, q) + pow(b, q)) / 2) / ETA;
}

/* Drift corrected to order 2; of the flow |x - y| = 2 exp(A + s Z). */
static const double A_RATE = -(1 + 0.125 / 2) - 0.125 * 0.25 / 2;
static double flow(int q) { return q == 0 ? A_RATE : q * A_RATE + 0.5 * q * q * ETA * SIGMA * SIGMA; }

/* Of the equation to time 1, by the trapezoidal rule over Z. */
static double equation(int q) {
  const double s = SIGMA * sqrt(ETA);
  double sum = 0;
  for (double z = -9; z <= 9; z += 1e-3) {
    sum += 1e-3 * exp(-z * z / 2) / 2.5066282746310002 * (q == 0 ? log(cosh(s * z)) : pow(cosh(s * z), q));
  }
  return q == 0 ? A_RATE + sum : q * A_RATE + log(sum);
}

#define MODEL                                                                                                          \
  "model: {name: sample-quadratic, rows: [[1.5, 0], [0.5, 0]]}\nlearning_rate: 1/8\nhorizon: 1\nrealisations: 65536\n" \
  "dynamics:\n  - {name: sgd, batch_size: 1}\n  - {name: smf2, factor: data, substeps: 8, label: flow}\n"              \
  "  - {name: sme2, factor: cholesky, substeps: 8, label: equation}\n"                                                 \
  "observe:\n  at: {linear: 2}\n  features: [x]\n  paths: {statistic: distance, powers: [0, 1, 2]}\n"

static void sign_flip(void) {
  eg_labelled *const file =
      run_study("seed: 71\nstart: {points: [[1], [-1]]}\n" MODEL "analyse: {flow: {reference: sgd}}\n");
  static double (*const laws[3])(int) = {chain, flow, equation};
  static const char *const names[3] = {"chain", "flow", "equation"};
  for (size_t r = 0; r < 3; r++) {
    for (int q = 0; q < 3; q++) {
      const double end = q == 0 ? laws[r](0) + log(2) : exp(laws[r](q)) * pow(2, q);
      beside(file, names[r], "_exponent", r, (size_t)q, laws[r](q), false);
      beside(file, names[r], "_distance", r, (size_t)q, end, false);
      if (r > 0) {
        beside(file, names[r], "_exponent_difference", r, (size_t)q, laws[r](q) - chain(q), false);
      } else {
        CHECK(isnan(at(file, "_exponent_difference", 0, (size_t)q)));
      }
    }
  }
  beside(file, "chain as the flow", "_exponent", 0, 0, flow(0), true);
  beside(file, "equation as the flow", "_exponent", 2, 0, flow(0), true);
  beside(file, "equation as the flow", "_exponent", 2, 2, flow(2), true);
  beside(file, "equation without a defect", "_distance_difference", 2, 2, 0, true);
  eg_labelled_free(file);
}

/* One side of the minimum: the root has one sign, and equation and flow have one law; from an observation on. */
static void one_side(void) {
  eg_labelled *const file =
      run_study("seed: 72\nstart: {points: [[1], [3]]}\n" MODEL "analyse: {flow: {from: 1/2, reference: equation}}\n");
  for (size_t r = 0; r < 3; r++) {
    for (int q = 0; q < 3; q++) {
      beside(file, "window", "_exponent", r, (size_t)q, r == 0 ? chain(q) : flow(q), false);
    }
  }
  beside(file, "flow against equation", "_distance_difference", 1, 2, 0, false);
  beside(file, "chain against equation", "_exponent_difference", 0, 0, 0, true);
  eg_labelled_free(file);
}

/* Learning rate 2 multiplies distances by -2 or 0: after n steps a share of 2^-n has not met, at a distance of 2^n of the start's. */
static void coincident(void) {
#define MEETING(last)                                                                                                                 \
  "seed: 73\nmodel: {name: sample-quadratic, rows: [[1.5, 0], [0.5, 0]]}\nstart: {points: [[1], [-1]]}\nlearning_rate: 2\nsteps: 64\n" \
  "dynamics: [{name: sgd, batch_size: 1}]\nrealisations: 65536\nobserve:\n  at: {steps: [1, " last "]}\n  features: [x]\n"           \
  "  paths: {statistic: distance, powers: [0, 1, 2]}\nanalyse: {flow: {from: 2}}\n"
  eg_labelled *file = run_study(MEETING("8"));
  const double count = at(file, "_count", 0, 0);
  printf("%g of 65536 realisations have not met, expected 256\n", count);
  CHECK(fabs(count - 256) < 5.5 * sqrt(256));
  CHECK_NEAR(at(file, "_distance", 0, 0), 9 * log(2), 1e-14); /* all of them */
  CHECK_NEAR(at(file, "_distance", 0, 1), 512, 1e-10);
  CHECK(at(file, "_heavy_tails", 0, 1) == 0);
  CHECK_NEAR(at(file, "_exponent", 0, 0), log(2) / 2, 1e-14);
  CHECK(eg_labelled_find(file, "/analysis", "flow_exponent_difference") == NULL);
  eg_labelled_free(file);
  file = run_study(MEETING("64"));
  CHECK(at(file, "_count", 0, 2) == 0 && isnan(at(file, "_exponent", 0, 0)) && isnan(at(file, "_distance", 0, 2)));
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  sign_flip();
  one_side();
  coincident();
  (void)judge_rows(33, 5);
  (void)rmdir(folder);
  return check_report();
}
