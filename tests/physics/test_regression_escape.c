/*
 * Section 4 of power-law-escape-rate.md: mean time to leave w^2 < 1/2 (c = 1.5) of linear regression in one dimension, three laws
 * of Gaussian gradient noise, eta = 1/10 to 1/25. Mean and deviation of a step are those of the shipped sgd, read off its
 * outcomes (outcomes.h) at the nodes of the chain's integral equation (quadrature.h); so the table's digits are met without
 * statistics. True minibatch SGD (the first two columns) in standard errors. Sections 1, 2 and 8: decoupling and
 * stationary variances by the affine oracle, exponent and kurtosis of true SGD. Controls: the other laws.
 */
#include "judge.h"
#include "oracle/affine.h"
#include "oracle/stationary.h"
#include "oracle_row.h"
#include "outcomes.h"
#include "quadrature.h"

typedef struct law {
  const outcomes *o;
} law;

/* Mean and deviation at a point where the outcomes are known. */
static void shipped_step(const void *setting, double x, double *mean, double *deviation) {
  const outcomes *const o = ((const law *)setting)->o;
  for (size_t i = 0; i < o->width; i++) {
    if (o->from[i] == x) {
      *mean = x + o->h * outcome_drift(o, i);
      *deviation = sqrt(o->h * outcome_covariance(o, i, i));
      return;
    }
  }
  stop_with("a point that has not been moved");
}

static double one(const void *setting, double x) {
  (void)setting;
  (void)x;
  return 1;
}

/* eta times the mean number of steps from 0 until w^2 >= 1/2. */
static double escape_time(double eta, const char *noise) {
  const double level = sqrt(0.5);
  const int n_panels = (int)ceil(2 * level / (1.5 * eta));
  grid g = make_grid(-level, level, n_panels, 16);
  char dynamics[160];
  double *const from = calloc((size_t)g.n + 1, sizeof *from);
  memcpy(from, g.x, (size_t)g.n * sizeof *from); /* the last one stays 0 */
  (void)snprintf(dynamics, sizeof dynamics, "{name: sgd, batch_size: 1, gradient_noise: %s}", noise);
  outcomes o = outcomes_of(folder, "{name: linear-regression-gaussian, label_noise: 1}", dynamics, eta, (size_t)g.n + 1, 1, from, 4,
                           4096);
  const law setting = {&o};
  const double steps = chain_reward(&g, shipped_step, one, &setting, 0, -1);
  outcomes_free(&o);
  free(from);
  free_grid(&g);
  return eta * steps;
}

static void gaussian_laws(void) {
  static const char *const laws[3] = {"{law: constant, at: 0}", "gaussian-decoupled", "gaussian-exact"},
                   *const columns[3] = {"additive-noise chain", "Gaussian noise, 2LH/B", "Gaussian noise, exact cov"};
  static const struct {
    const char *row;
    double eta, want[3], digit[3]; /* digit: half a unit of the last place */
  } table[] = {{"eta 1/10", .1, {107.2899, 57.3171, 38.5538}, {5.1e-5, 5.1e-5, 5.1e-5}},
               {"eta 1/15", 1. / 15, {1056.4913, 361.8023, 186.2841}, {5.1e-5, 5.1e-5, 5.1e-5}},
               {"eta 1/20", .05, {11053.287, 2381.4674, 922.987176}, {5.1e-4, 5.1e-5, 5.1e-7}},
               {"eta 1/25", .04, {119881.69, 16171.827, 4691.7916}, {5.1e-3, 5.1e-4, 5.1e-5}}};
  /* 922.987176: the theory prints 922.98719; two other quadratures give 922.98717630 */
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    for (int k = 0; k < 3; k++) {
      const double got = escape_time(table[i].eta, laws[k]);
      oracle_row("escape, section 4", table[i].row, columns[k], got, table[i].want[k], table[i].digit[k]);
      oracle_control("escape, section 4, another law", table[i].row, columns[k], got, table[i].want[(k + 1) % 3], table[i].digit[k]);
    }
  }
}

static double out_time(const eg_labelled *file, const char *suffix) {
  char name[64];
  (void)snprintf(name, sizeof name, "out_time%s", suffix);
  return value_of(file, name, 0, 0, true, 0);
}

/* A table of a Monte Carlo with 1000 runs and 3 per cent; `steps` so long that nearly all are out. */
static void judge_escape(const char *what, const char *model, const char *rate, int steps, const char *realisations, double want,
                         double relative, double wrong) {
  char study[900];
  (void)snprintf(study, sizeof study,
                 "seed: 81\nmodel: %s\nlearning_rate: %s\nsteps: %d\ndynamics: {name: sgd, batch_size: 1}\n"
                 "realisations: %s\nobserve:\n  at: {linear: 1}\n  features: [x]\n  monitors:\n"
                 "    - {name: out, feature: norm2, operation: crossing, level: 0.5, direction: up}\n",
                 model, rate, steps, realisations);
  eg_labelled *const file = run_study(study);
  const double mean = out_time(file, ""), error = out_time(file, "_stderr");
  const double effective = out_time(file, "_count") / fmax(1, (out_time(file, "_kurtosis") - 1) / 2);
  printf("%s: %.6g +- %.2g, table %.6g\n", what, mean, error, want);
  compare(false, what, mean, hypot(error, relative * want), want, effective);
  compare(true, what, mean, error, wrong, effective);
  eg_labelled_free(file);
}

/* Rows with x^2 in {0, 2} and labels of any law are no model; so the first column alone. */
static void minibatch(void) {
  static const char model[] = "{name: linear-regression-gaussian, label_noise: 1}";
  judge_escape("escape, section 4, eta 1/10, true SGD, Gaussian x", model, "0.1", 16000, "2^13", 76.8, .03, 57.3171);
  judge_escape("escape, section 4, eta 1/15, true SGD, Gaussian x", model, "1/15", 200000, "2^12", 750, .03, 361.8023);
}

/* ---- sections 1, 2 and 8: decoupling, stationary laws ---- */

static double stationary(eg_context *ctx, const eg_affine_model *model, eg_affine_setting setting) {
  static const double zero[4] = {0};
  double mean[2], second[4], sum = 0;
  bool is_there = false;
  CHECK(eg_affine_stationary(ctx, model, &setting, zero, zero, &is_there, mean, second) == EG_OK && is_there);
  for (int i = 0; i < model->dim; i++) {
    sum += second[i * model->dim + i];
  }
  return sum;
}

static void stationary_laws(void) {
  static const double ones[2] = {1, 1}, none[2] = {0, 0}, root[4] = {1, 0, 0, 1};
  eg_context *const ctx = eg_context_create();
  eg_affine_model model = {0}, decoupled = {0}, line = {0};
  bool is_closed = false;
  char row[48];
  CHECK(ctx != NULL && eg_affine_gaussian_least_squares(ctx, 2, ones, none, 1, &model) == EG_OK);
  /* 2 L H with L = (1 + |w|^2) / 2 */
  CHECK(eg_affine_root_noise(ctx, &model, root, 2, 1 - 2 * model.loss_constant, &is_closed, &decoupled) == EG_OK && is_closed);
  for (int i = 0; i < 4; i++) {
    const double r = 0.5 * i, x[2] = {r, 0};
    double exact[4], approximate[4];
    eg_affine_covariance(&model, x, exact);
    eg_affine_covariance(&decoupled, x, approximate);
    (void)snprintf(row, sizeof row, "r %g", r);
    const double second = exact[0] + r * r; /* 2 <l C> = covariance + grad L grad L^T */
    oracle_row("escape, section 1", row, "exact/decoupled along w", second / approximate[0], (3 * r * r + 1) / (r * r + 1), 1e-12);
    if (i > 0) {
      oracle_control("escape, section 1", row, "covariance/decoupled along w", exact[0] / approximate[0], (3 * r * r + 1) / (r * r + 1), 1e-12);
    }
    oracle_row("escape, section 1", row, "exact/decoupled across w", exact[3] / approximate[3], 1, 1e-12);
  }
  const eg_affine_setting sde = {EG_LAW_SDE1, EG_AFFINE_EXACT, .1, .2, 1}, euler = {EG_LAW_SDE1, EG_AFFINE_EULER_MARUYAMA, .1, .2, 1};
  oracle_row("escape, section 2", "n 2, T .5", "E r^2 = nT/(2-nT)", stationary(ctx, &decoupled, sde), 1, 1e-9);
  oracle_row("escape, section 2", "n 2, T .5, step .1", "E r^2 = nT/(2-d-nT)", stationary(ctx, &decoupled, euler), 1 / .9, 1e-9);
  oracle_control("escape, section 2", "n 2, T .5, step .1", "E r^2 of the SDE", stationary(ctx, &decoupled, sde), 1 / .9, 1e-2);
  CHECK(eg_affine_gaussian_least_squares(ctx, 1, ones, none, 1, &line) == EG_OK);
  for (int i = 0; i < 8; i++) {
    const double eta = i < 4 ? .1 : 1, B = i < 4 ? 1 << i : 4 << (i - 4);
    const eg_affine_setting sgd = {EG_LAW_SGD, EG_AFFINE_EXACT, eta, B, 1};
    const double m2 = stationary(ctx, &line, sgd);
    (void)snprintf(row, sizeof row, "eta %g, B %g", eta, B);
    oracle_row("escape, section 8", row, "variance", m2, 1 / (2 * B / eta - B - 2), 1e-9);
    oracle_row("escape, section 8", row, "phi by moments", 1.5 + 1 / (2 * m2), B / eta - (B - 1) / 2, 1e-6);
    oracle_control("escape, section 8", row, "phi by moments, the paper's", 1.5 + 1 / (2 * m2), 1 + B / eta, 1e-6);
  }
  eg_affine_free(&model);
  eg_affine_free(&decoupled);
  eg_affine_free(&line);
  eg_context_free(ctx);
}

/* psi(phi) - psi(phi - 1/2), what the mean of ln(1 + w^2) is under the law (1 + w^2)^-phi. */
static double mean_logarithm(double phi) {
  double sum = 0; /* psi(x) - psi(x - 1/2) falls with x by known steps: from phi + 200, where its series is exact */
  for (int k = 0; k < 200; k++) {
    sum += 1 / (phi - 0.5 + k) - 1 / (phi + k);
  }
  const double z[2] = {phi + 200, phi + 199.5};
  double psi[2];
  for (int i = 0; i < 2; i++) {
    psi[i] = log(z[i]) - 1 / (2 * z[i]) - 1 / (12 * z[i] * z[i]) + 1 / (120 * pow(z[i], 4));
  }
  return sum + psi[0] - psi[1];
}

/* E (1 - eta a)^n a^m of the mean a of the squares of B normals. */
static double curvature_moment(double eta, int B, int n, int m) {
  double sum = 0, choose = 1;
  for (int k = 0; k <= n; k++) {
    double moment = 1;
    for (int j = 0; j < k + m; j++) {
      moment *= 1 + 2.0 * j / B;
    }
    sum += choose * pow(-eta, k) * moment;
    choose = choose * (n - k) / (k + 1);
  }
  return sum;
}

/* w' = (1 - eta a) w + eta b, b normal of variance a / B; 0: w has no eighth moment, and the sample's kurtosis no error bar. */
static double stationary_kurtosis(double eta, int B) {
  const double m2 = eta * eta * curvature_moment(eta, B, 0, 1) / B / (1 - curvature_moment(eta, B, 2, 0));
  const double m4 = (6 * eta * eta * curvature_moment(eta, B, 2, 1) / B * m2 + 3 * pow(eta, 4) * curvature_moment(eta, B, 0, 2) / B / B) /
                    (1 - curvature_moment(eta, B, 4, 0));
  return curvature_moment(eta, B, 8, 0) < 1 ? m4 / (m2 * m2) : 0;
}

/* True SGD at eta = 0.1 and 1: phi by maximum likelihood, and the kurtosis. */
static void measurements(void) {
  enum { N = 1 << 16 };
  static const double table[8] = {9.938, 19.455, 38.469, 76.416, 2.542, 4.525, 8.510, 16.499};
  char text[500], what[64];
  for (int i = 0; i < 8; i++) {
    const double eta = i < 4 ? .1 : 1;
    const int batch = i < 4 ? 1 << i : 4 << (i - 4), steps = i < 4 ? 120 : 30; /* (1 - 2 eta + eta^2 (1 + 2 / B))^steps < 1e-9 */
    (void)snprintf(text, sizeof text,
                   "seed: %d\nmodel: {name: linear-regression-gaussian, label_noise: 1}\nlearning_rate: %g\nsteps: %d\n"
                   "dynamics: {name: sgd, batch_size: %d}\nrealisations: %d\n"
                   "observe: {at: {steps: [%d]}, features: [x], keep: {realisations: %d, of: x}}\n",
                   85 + i, eta, steps, batch, N, steps, N);
    eg_labelled *const file = run_study(text);
    const eg_variable *const v = eg_labelled_find(file, "/", "x_path");
    double mean = 0, square = 0, m2 = 0, m4 = 0, m8 = 0, m6 = 0;
    for (size_t k = 0; v != NULL && k < N; k++) {
      const double w = ((const double *)v->data)[k], y = log1p(w * w);
      mean += y / N;
      square += y * y / N;
      m2 += w * w / N;
      m4 += pow(w, 4) / N;
      m6 += pow(w, 6) / N;
      m8 += pow(w, 8) / N;
    }
    double low = 1, high = 1000;
    for (int k = 0; k < 100; k++) {
      const double middle = (low + high) / 2;
      if (mean_logarithm(middle) > mean) {
        low = middle;
      } else {
        high = middle;
      }
    }
    const double slope = (mean_logarithm(low * 1.001) - mean_logarithm(low / 1.001)) / (low * 1.001 - low / 1.001),
                 error = sqrt((square - mean * mean) / N) / fabs(slope);
    (void)snprintf(what, sizeof what, "escape, section 8, eta %g, B %d, phi by likelihood", eta, batch);
    printf("%s: %.4f +- %.3f, table %.3f\n", what, low, error, table[i]);
    compare(false, what, low, error, table[i], N / 4);
    compare(true, what, low, error, 1 + batch / eta, N / 4);
    const double kurtosis = stationary_kurtosis(eta, batch);
    CHECK((kurtosis == 0) == (eta == 1 && batch < 16));
    if (kurtosis > 0) { /* error of a ratio */
      const double ratio = m4 / (m2 * m2), a = 1 / (m2 * m2), b = -2 * m4 / pow(m2, 3);
      const double spread = sqrt((a * a * (m8 - m4 * m4) + 2 * a * b * (m6 - m4 * m2) + b * b * (m4 - m2 * m2)) / N);
      (void)snprintf(what, sizeof what, "escape, section 8, eta %g, B %d, kurtosis", eta, batch);
      printf("%s: %.4f +- %.4f, oracle %.5f\n", what, ratio, spread, kurtosis);
      compare(false, what, ratio, spread, kurtosis, N / 32);
      if (i == 0) {
        CHECK_NEAR(kurtosis, 1173. / 385, 1e-12); /* the theory's */
        compare(true, "escape, section 8, eta .1, B 1, kurtosis of L^-phi", ratio, spread, 3.353, N / 32);
      } else if (eta == 1) {
        compare(true, "escape, section 8, eta 1, kurtosis of a Gaussian", ratio, spread, 3, N / 32);
      }
    }
    eg_labelled_free(file);
  }
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  gaussian_laws();
  minibatch();
  stationary_laws();
  measurements();
  (void)judge_rows(16, 13);
  oracle_count(38, 24);
  (void)rmdir(folder);
  return check_report();
}
