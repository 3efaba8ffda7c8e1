/*
 * The Langevin equation of SGD with momentum against tables D1 to D3 and W of limiting-dynamics-and-anomalous-diffusion.md (60-digit
 * arithmetic; mean and covariance by the propagator of one mode), to all digits; its integrator against the moments of the
 * scheme, and by its order; its exact law drawn in steps of any size; simulations in standard errors, with wrong starts and laws as
 * controls.
 */
#include "oracle/affine.h"
#include "physics/judge.h"

static bool is_near(double value, double expected, double tolerance) {
  const bool is_good = fabs(value - expected) <= tolerance * fabs(expected);
  if (!is_good) {
    fprintf(stderr, "%.16g, expected %.16g\n", value, expected);
  }
  return is_good;
}

/* E (x - x0)^2, E x^2 and E v^2 of one mode after k steps of eta, from x0. */
typedef struct mode {
  double eta, beta, decay, curvature, variance, batch, x0;
  bool is_matched;
} mode;

static void moments(const mode *m, eg_affine_scheme scheme, int substeps, uint64_t k, double *displacement2, double *x2,
                    double *v2) {
  eg_context *const ctx = eg_context_create();
  const double zero = 0, noise = sqrt(m->variance), mean = m->x0, second = m->x0 * m->x0;
  const eg_affine_langevin langevin = {m->eta, m->batch, m->beta, m->decay, m->is_matched ? 1 / (1 + m->beta) : 0};
  const eg_affine_setting setting = {EG_LAW_SDE1, scheme, m->eta, 1, substeps};
  eg_affine_model model = {0}, lifted = {0};
  double start_mean[2], start_second[4], out_mean[2], out_second[4];
  CHECK(eg_affine_quadratic(ctx, 1, &m->curvature, &zero, &noise, &zero, &model) == EG_OK);
  CHECK(eg_affine_langevin_lift(ctx, &model, &langevin, &lifted) == EG_OK);
  eg_affine_langevin_start(&model, &langevin, &mean, &second, start_mean, start_second);
  CHECK(eg_affine_moments(ctx, &lifted, &setting, 1, start_mean, start_second, 1, &k, out_mean, out_second) == EG_OK);
  *displacement2 = out_second[0] - 2 * m->x0 * out_mean[0] + second;
  *x2 = out_second[0];
  *v2 = out_second[3];
  eg_affine_free(&model);
  eg_affine_free(&lifted);
  eg_context_free(ctx);
}

static const mode d1 = {0.1, 0.9, 0.01, 1, 2, 4, 0.5, false}, d2 = {0.1, 0.5, 0.01, 0.05, 0.1, 4, 0.5, false},
                  d3 = {0.2, 0, 0.3, 1, 1, 1, 0.5, false};

static void tables_d(void) {
  static const uint64_t k1[] = {1, 2, 5, 10, 20, 100}, k2[] = {1, 5, 10, 50, 100, 1000};
  static const double point1[] = {0.002319663777847981, 0.02081871543868600, 0.2994592848217659,
                                  0.7961014930741136,   0.3202999972997673,  0.4953566635278969},
                      point2[] = {9.503765497394768e-5, 0.003219541958154012, 0.009567538568229109,
                                  0.07863207820744198,  0.1603000144978659,   0.2916641647124859},
                      matched2[] = {0.0001018854102041145, 0.003345827117451134, 0.009845428991827722,
                                    0.07939035101867758,   0.1609427750279777,   0.2916641800045661};
  double displacement2, x2, v2;
  mode matched = d2;
  matched.is_matched = true;
  for (size_t i = 0; i < 6; i++) {
    moments(&d1, EG_AFFINE_EXACT, 1, k1[i], &displacement2, &x2, &v2);
    CHECK(is_near(displacement2, point1[i], 1e-12));
    moments(&d2, EG_AFFINE_EXACT, 1, k2[i], &displacement2, &x2, &v2);
    CHECK(is_near(displacement2, point2[i], 1e-12));
    moments(&matched, EG_AFFINE_EXACT, 1, k2[i], &displacement2, &x2, &v2);
    CHECK(is_near(displacement2, matched2[i], 1e-12));
  }
  const mode *const modes[3] = {&d1, &d2, &d3};
  static const double s[3] = {0.2475247524752475, 0.04166666666666667, 0.07692307692307692},
                      v[3] = {2.631578947368421, 0.03333333333333333, 1};
  for (size_t i = 0; i < 3; i++) { /* stationary law; (x - x0)^2 of a stationary start is 2 s (1 - a) */
    moments(modes[i], EG_AFFINE_EXACT, 1, 1000000, &displacement2, &x2, &v2);
    CHECK(is_near(x2, s[i], 1e-12) && is_near(v2, v[i], 1e-12));
  }
}

static const double zero_w[4] = {0.06163504313701175, 0.04003979856422712, 0.02919555592686836, 0.02375999820278224},
                    matched_w[4] = {0.06016331503894140, 0.03920947373187869, 0.02875835588046774, 0.02353614234597708};

static void table_w(void) {
  double displacement2, x2, v2;
  for (int i = 0; i < 4; i++) {
    mode m = {1.0 / (20 << i), 0.5, 0, 1, 1, 1, 1, false};
    moments(&m, EG_AFFINE_EXACT, 1, (uint64_t)(20 << i), &displacement2, &x2, &v2);
    CHECK(is_near(x2, zero_w[i], 1e-12));
    m.is_matched = true;
    moments(&m, EG_AFFINE_EXACT, 1, (uint64_t)(20 << i), &displacement2, &x2, &v2);
    CHECK(is_near(x2, matched_w[i], 1e-12));
  }
}

/* BAOAB is of order 2 in its step; of the variance of x of a harmonic well it makes no error at all in the end. */
static void order(void) {
  double exact, x2, other, v2;
  double errors[4];
  moments(&d1, EG_AFFINE_EXACT, 1, 5, &other, &exact, &v2);
  for (int i = 0; i < 4; i++) {
    moments(&d1, EG_AFFINE_BAOAB, 16 << i, 5, &other, &x2, &v2);
    errors[i] = x2 - exact;
  }
  for (int i = 0; i < 3; i++) {
    CHECK(fabs(log2(errors[i] / errors[i + 1]) - 2) < 0.05);
  }
  moments(&d1, EG_AFFINE_BAOAB, 1, 100000, &other, &x2, &v2);
  CHECK(is_near(x2, 0.2475247524752475, 1e-9));
}

static void quadratic(void) {
  eg_labelled *const file = run_study(
      "seed: 81\nmodel: {name: quadratic, curvature: 1, noise: 1}\nstart: {point: 1}\nlearning_rate: 1/20\nhorizon: 1\n"
      "dynamics:\n  - {name: langevin, momentum: 0.5, substeps: 8, label: matched}\n"
      "  - {name: langevin, momentum: 0.5, substeps: 8, start_velocity: zero, label: zero}\n"
      "  - {name: langevin, momentum: 0.5, label: coarse}\n"
      "realisations: 2^19\nobserve: {at: [1], features: [x, norm2]}\n");
  expect(file, "W", "matched", "norm2", 0, matched_w[0]);
  reject(file, "W", "matched", "norm2", 0, zero_w[0]);
  expect(file, "W", "zero", "norm2", 0, zero_w[0]);
  reject(file, "W", "zero", "norm2", 0, matched_w[0]);
  expect(file, "W", "coarse", "norm2", 0, read_value(file, "norm2_expected", run_index(file, "coarse"), 0, 0));
  CHECK(is_near(read_value(file, "norm2_exact", run_index(file, "coarse"), 0, 0), matched_w[0], 1e-12));
  eg_labelled_free(file);
}

/* Two components, additive and multiplicative noise, decay, batches: moments of the scheme, made from the parameters. */
static void general(void) {
  eg_labelled *const file = run_study(
      "seed: 82\nmodel: {name: quadratic, curvature: [1, 0.25], centre: [0.5, -1], noise: [0.5, 1], multiplicative: [1.5, 0]}\n"
      "start: {normal: {mean: 1, std: 0.5}}\nlearning_rate: 1/4\nsteps: 20\n"
      "dynamics:\n  - {name: langevin, momentum: 0.8, weight_decay: 0.25, batch_size: 2, label: heavy}\n"
      "  - {name: langevin, batch_size: 2, substeps: 3, label: light}\n"
      "  - {name: sgd, momentum: 0.8, weight_decay: 0.25, batch_size: 2, label: chain}\n"
      "realisations: 2^18\nobserve: {at: {steps: [20]}, features: [x, norm2]}\n");
  static const char *const labels[2] = {"heavy", "light"};
  for (size_t i = 0; i < 2; i++) {
    const size_t run = run_index(file, labels[i]), chain = run_index(file, "chain");
    for (size_t k = 0; k < 2; k++) {
      expect(file, "quadratic", labels[i], "x", k, read_value(file, "x_expected", run, 0, k));
    }
    expect(file, "quadratic", labels[i], "norm2", 0, read_value(file, "norm2_expected", run, 0, 0));
    reject(file, "quadratic", labels[i], "norm2", 0, read_value(file, "norm2_expected", chain, 0, 0));
  }
  eg_labelled_free(file);
}

/* The exact law in one step, in eight and in steps so small that x hardly moves in one; beside the integrator in as long a step. In two
   components, one without noise, with a velocity of its own, decay and a batch; another momentum and too little noise are rejected. */
static void exact(void) {
  eg_labelled *const file = run_study(
      "seed: 83\nmodel: {name: quadratic, curvature: 1, noise: 1}\nstart: {point: 1}\nlearning_rate: 1/20\nhorizon: 1\n"
      "dynamics:\n  - {name: langevin, momentum: 0.5, scheme: exact, label: matched}\n"
      "  - {name: langevin, momentum: 0.5, scheme: exact, substeps: 8, label: fine}\n"
      "  - {name: langevin, momentum: 0.5, scheme: exact, start_velocity: zero, label: zero}\n"
      "  - {name: langevin, momentum: 0.5, scheme: baoab, label: coarse}\n"
      "realisations: 2^19\nobserve: {at: [1], features: [x, norm2]}\n");
  static const char *const matched[2] = {"matched", "fine"};
  for (size_t i = 0; i < 2; i++) {
    expect(file, "exact", matched[i], "norm2", 0, matched_w[0]);
    reject(file, "exact", matched[i], "norm2", 0, zero_w[0]);
    CHECK(is_near(read_value(file, "norm2_expected", run_index(file, matched[i]), 0, 0), matched_w[0], 1e-12));
  }
  expect(file, "exact", "zero", "norm2", 0, zero_w[0]);
  reject(file, "exact", "zero", "norm2", 0, read_value(file, "norm2_expected", run_index(file, "coarse"), 0, 0));
  eg_labelled_free(file);

  eg_labelled *const wide = run_study(
      "seed: 84\nmodel: {name: quadratic, curvature: [1, 0.25], centre: [0.5, -1], noise: [0.5, 0]}\n"
      "start: {normal: {mean: 1, std: 0.5}}\nlearning_rate: 1/4\nsteps: 12\n"
      "dynamics:\n  - {name: langevin, momentum: 0.8, weight_decay: 0.25, batch_size: 2, scheme: exact, label: heavy}\n"
      "  - {name: langevin, momentum: 0.8, weight_decay: 0.25, batch_size: 2, scheme: exact, substeps: 1000, label: small}\n"
      "  - {name: langevin, momentum: 0.7, weight_decay: 0.25, batch_size: 2, label: other}\n"
      "realisations: 2^16\nobserve: {at: {steps: [12]}, features: [x, norm2]}\n");
  static const char *const labels[2] = {"heavy", "small"};
  const size_t other = run_index(wide, "other");
  for (size_t i = 0; i < 2; i++) {
    const size_t run = run_index(wide, labels[i]);
    for (size_t k = 0; k < 2; k++) {
      expect(wide, "exact, two components", labels[i], "x", k, read_value(wide, "x_exact", run, 0, k));
    }
    expect(wide, "exact, two components", labels[i], "norm2", 0, read_value(wide, "norm2_exact", run, 0, 0));
    reject(wide, "exact, two components", labels[i], "norm2", 0, read_value(wide, "norm2_exact", other, 0, 0));
  }
  eg_labelled_free(wide);
}

/* Noise of a law of its own on data rows with H = diag(2, 1/2): constant, by the integrator and from the exact law, which is that of the
   quadratic loss with additive noise; decoupled, which depends on the loss. The noise of pairs of rows is another. */
static void laws(void) {
#define ROWS "model: {name: linear-regression, rows: [[2, 0, 3], [2, 0, 1], [0, 1, -1], [0, 1, 0]], standardize: false}\n"
#define LANGEVIN "{name: langevin, momentum: 0.6, weight_decay: 0.125, batch_size: 2"
#define END "start: {point: [0.5, 0.75]}\nlearning_rate: 1/4\nsteps: 8\nrealisations: 2^18\nobserve: {at: {steps: [8]}, features: [x, norm2]}\n"
#define CONSTANT ", gradient_noise: {law: constant, covariance: [0.25, 2.25]}"
  eg_labelled *const file = run_study(
      "seed: 85\n" ROWS "dynamics:\n  - " LANGEVIN CONSTANT ", label: constant}\n  - " LANGEVIN CONSTANT ", scheme: exact, label: law}\n"
      "  - " LANGEVIN ", gradient_noise: {law: gaussian-decoupled, loss_offset: 0.25}, label: decoupled}\n  - " LANGEVIN ", label: pair}\n" END);
  eg_labelled *const additive = run_study("seed: 86\nmodel: {name: quadratic, curvature: [2, 0.5], centre: [1, -0.5], noise: [0.5, 1.5]}\n"
                                          "dynamics:\n  - " LANGEVIN ", scheme: exact, label: law}\n" END);
  static const char *const labels[3] = {"constant", "law", "decoupled"};
  const double pair = read_value(file, "norm2_expected", run_index(file, "pair"), 0, 0);
  for (size_t i = 0; i < 3; i++) {
    const size_t run = run_index(file, labels[i]);
    for (size_t k = 0; k < 2; k++) {
      expect(file, "laws", labels[i], "x", k, read_value(file, "x_expected", run, 0, k));
    }
    expect(file, "laws", labels[i], "norm2", 0, read_value(file, "norm2_expected", run, 0, 0));
    reject(file, "laws, pairs of rows", labels[i], "norm2", 0, pair);
  }
  CHECK(is_near(read_value(file, "norm2_expected", run_index(file, "law"), 0, 0), read_value(additive, "norm2_exact", 0, 0, 0), 1e-12));
  CHECK(is_near(read_value(file, "norm2_exact", run_index(file, "constant"), 0, 0), read_value(additive, "norm2_exact", 0, 0, 0), 1e-12));
  eg_labelled_free(file);
  eg_labelled_free(additive);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  tables_d();
  table_w();
  order();
  quadratic();
  general();
  exact();
  laws();
  judge(27, 12);
  (void)rmdir(folder);
  return check_report();
}
