/*
 * Stationary laws: long-time limits against published tables (shared notes on arXiv 2102.05375: closed solutions with
 * label noise, with and without momentum), measured covariances against both, fluctuation against dissipation, energies
 * of modes, currents against a recursion written anew, tail exponents against Kesten's equation by quadrature. Each
 * with negative controls.
 */
#include "analysis/tail.h"
#include "oracle/stationary.h"
#include "physics/judge.h"

static double at(const eg_labelled *file, const char *name, size_t i) {
  const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
  if (v == NULL || i >= eg_variable_size(v)) {
    stop_with(name);
    return 0;
  }
  return ((const double *)v->data)[i];
}

static void beside(const eg_labelled *file, const char *what, const char *suffix, size_t i, double expected,
                   bool is_control) {
  char name[64], error[80];
  (void)snprintf(name, sizeof name, "stationary%s", suffix);
  (void)snprintf(error, sizeof error, "%s_stderr", name);
  compare(is_control, what, at(file, name, i), at(file, error, i), expected, 50000);
}

/* ---- tables: one component, then three ---- */

static void one_dimension(void) {
  static const struct {
    const char *rate, *batch, *momentum;
    double variance;
  } table[] = {{"1/10", "1", "0", 1.0 / 17},
               {"1/2", "4", "0", 1.0 / 10},
               {"1", "16", "0", 1.0 / 14},
               {"1/10", "4", "9/10", 19.0 / 110}};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    char text[600];
    (void)snprintf(
        text, sizeof text,
        "seed: 21\nmodel: {name: linear-regression-gaussian, input_variance: 1, optimum: 0, label_noise: 1}\n"
        "steps: 200\nlearning_rate: %s\ndynamics: {name: sgd, batch_size: %s, momentum: %s}\nrealisations: 20000\n"
        "observe: {at: {steps: [150, 200]}, features: [x]}\nanalyse: {stationary: {from: 0}}\n",
        table[i].rate, table[i].batch, table[i].momentum);
    eg_labelled *const file = run_study(text);
    CHECK(fabs(at(file, "stationary_covariance_expected", 0) / table[i].variance - 1) < 1e-12);
    beside(file, "variance of the table", "_covariance", 0, table[i].variance, false);
    beside(file, "variance, continuous", "_covariance", 0, at(file, "stationary_covariance_continuous", 0), true);
    beside(file, "fluctuation / dissipation", "_fluctuation_dissipation", 0, 1, false);
    beside(file, "change within the window", "_change", 0, 0, false);
    CHECK(at(file, "stationary_judged", 0) == 1);
    eg_labelled_free(file);
  }
}

static void three_dimensions(void) {
  static const struct {
    const char *rate, *batch, *momentum;
    double variance[3];
  } table[] = {{"1/5", "4", "0", {465.0 / 15488, 217.0 / 7744, 105.0 / 3872}},
               {"3/5", "8", "1/2", {10281.0 / 82780, 4321.0 / 41390, 2001.0 / 20695}}};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    char text[600];
    (void)snprintf(
        text, sizeof text,
        "seed: 22\nmodel: {name: linear-regression-gaussian, input_variance: [1, 1/2, 1/4], optimum: 0, label_noise: "
        "1}\n"
        "steps: 150\nlearning_rate: %s\ndynamics: {name: sgd, batch_size: %s, momentum: %s}\nrealisations: 20000\n"
        "observe: {at: {steps: [150]}, features: [x], statistics: [covariance]}\nanalyse: {stationary: {}}\n",
        table[i].rate, table[i].batch, table[i].momentum);
    eg_labelled *const file = run_study(text);
    for (size_t k = 0; k < 3; k++) {
      CHECK(fabs(at(file, "stationary_covariance_expected", 4 * k) / table[i].variance[k] - 1) < 1e-12);
      beside(file, "variance of the table", "_covariance", 4 * k, table[i].variance[k], false);
      CHECK(fabs(at(file, "stationary_mode_energy_expected", k) / (table[i].variance[k] / (double)(1 << k)) - 1) <
            1e-12);
    }
    beside(file, "covariance of two components", "_covariance", 1, 0, false);
    beside(file, "fluctuation / dissipation", "_fluctuation_dissipation", 0, 1, false);
    beside(file, "fluctuation / dissipation, wrong", "_fluctuation_dissipation", 0, 1.1, true);
    CHECK(isnan(at(file, "stationary_change", 0)));
    eg_labelled_free(file);
  }
}

/* ---- not stationary yet: the same numbers must say so ---- */

static void transient(void) {
  eg_labelled *const file = run_study(
      "seed: 23\nmodel: {name: quadratic, curvature: [1, 1/2], noise: 1}\nsteps: 12\nlearning_rate: 1/8\n"
      "dynamics: {name: sgd, batch_size: 1}\nrealisations: 20000\n"
      "observe: {at: {steps: [4, 12]}, features: [x], statistics: [covariance]}\nanalyse: {stationary: {from: 0}}\n");
  beside(file, "fluctuation / dissipation of a transient", "_fluctuation_dissipation", 0, 1, true);
  beside(file, "change of a transient", "_change", 0, 0, true);
  beside(file, "covariance of a transient", "_covariance", 0, at(file, "stationary_covariance_expected", 0), true);
  eg_labelled_free(file);
}

/* ---- noise of variance 2 - rate h gives every mode the energy `rate`; noise of variance h does not ---- */

static void equipartition(void) {
  static const char *const noise[2] = {"[1.2247448713915890, 1.3228756555322954]", "[1, 0.7071067811865476]"};
  for (size_t i = 0; i < 2; i++) {
    char text[600];
    (void)snprintf(
        text, sizeof text,
        "seed: 24\nmodel: {name: quadratic, curvature: [1, 1/2], noise: %s}\nsteps: 100\nlearning_rate: 1/2\n"
        "dynamics: {name: sgd, batch_size: 1}\nrealisations: 40000\n"
        "observe: {at: {steps: [100]}, features: [x], statistics: [covariance]}\nanalyse: {stationary: {}}\n",
        noise[i]);
    eg_labelled *const file = run_study(text);
    beside(file, "energy of the stiff mode", "_mode_energy", 0, i == 0 ? 0.5 : 1.0 / 3, false);
    beside(file, "energy of the soft mode", "_mode_energy", 1, i == 0 ? 0.5 : 0.5 * 0.5 / (2 * (1 - 0.125)), false);
    const double z = at(file, "stationary_equipartition_z", 0);
    CHECK(i == 0 ? z < 5 : z > 10);
    eg_labelled_free(file);
  }
}

/* ---- currents: rows whose noise does not commute with the Hessian ---- */

enum { N_ROWS = 4 };
static const double inputs[N_ROWS][2] = {{1, 0.5}, {-1, 1}, {0.5, 2}, {2, -0.5}}, target[N_ROWS] = {1, 2, -1, 0};

/* Covariance of SGD with batches of 2 drawn with replacement, by its recursion: mean m and second moment S about the
 * origin. */
static void recursion(double rate, int steps, double C[4]) {
  double H[4] = {0, 0, 0, 0}, g0[2] = {0, 0}, m[2] = {0, 0}, S[4] = {0, 0, 0, 0};
  for (int j = 0; j < N_ROWS; j++) {
    for (int i = 0; i < 4; i++) {
      H[i] += inputs[j][i / 2] * inputs[j][i % 2] / N_ROWS;
    }
    g0[0] += inputs[j][0] * target[j] / N_ROWS;
    g0[1] += inputs[j][1] * target[j] / N_ROWS;
  }
  for (int n = 0; n < steps; n++) {
    double next[2], gradient2[4] = {0, 0, 0, 0}, mixed[4], square[4], mean_gradient2[4];
    for (int j = 0; j < N_ROWS; j++) { /* E (a.x - y)^2 a a^T */
      const double *const a = inputs[j];
      const double residual2 = a[0] * a[0] * S[0] + 2 * a[0] * a[1] * S[1] + a[1] * a[1] * S[3] -
                               2 * target[j] * (a[0] * m[0] + a[1] * m[1]) + target[j] * target[j];
      for (int i = 0; i < 4; i++) {
        gradient2[i] += residual2 * a[i / 2] * a[i % 2] / N_ROWS;
      }
    }
    for (int i = 0; i < 4; i++) { /* E x (H x - g0)^T and E (H x - g0)(H x - g0)^T */
      const int r = i / 2, c = i % 2;
      mixed[i] = S[2 * r] * H[2 * c] + S[2 * r + 1] * H[2 * c + 1] - m[r] * g0[c];
      double HSH = 0;
      for (int k = 0; k < 4; k++) {
        HSH += H[2 * r + k / 2] * S[k] * H[2 * (k % 2) + c];
      }
      const double Hm_r = H[2 * r] * m[0] + H[2 * r + 1] * m[1], Hm_c = H[2 * c] * m[0] + H[2 * c + 1] * m[1];
      mean_gradient2[i] = HSH - Hm_r * g0[c] - g0[r] * Hm_c + g0[r] * g0[c];
    }
    for (int i = 0; i < 4; i++) { /* of a batch of 2: half of the pairs are of two draws */
      square[i] =
          S[i] - rate * (mixed[i] + mixed[2 * (i % 2) + i / 2]) + rate * rate * (gradient2[i] + mean_gradient2[i]) / 2;
    }
    next[0] = m[0] - rate * (H[0] * m[0] + H[1] * m[1] - g0[0]);
    next[1] = m[1] - rate * (H[2] * m[0] + H[3] * m[1] - g0[1]);
    for (int i = 0; i < 4; i++) {
      S[i] = square[i];
    }
    m[0] = next[0];
    m[1] = next[1];
  }
  for (int i = 0; i < 4; i++) {
    C[i] = S[i] - m[i / 2] * m[i % 2];
  }
  C[3] = S[3] - m[1] * m[1];
  const double HC_01 = H[0] * C[1] + H[1] * C[3], CH_01 = C[0] * H[1] + C[1] * H[3];
  C[2] = -(HC_01 - CH_01); /* the current, in place of the second off-diagonal element */
}

static void current(void) {
  double C[4];
  recursion(0.2, 400, C);
  eg_labelled *const file = run_study(
      "seed: 25\nmodel: {name: linear-regression, rows: [[1, 0.5, 1], [-1, 1, 2], [0.5, 2, -1], [2, -0.5, 0]], "
      "standardize: false}\nsteps: 80\nlearning_rate: 1/5\ndynamics: {name: sgd, batch_size: 2}\nrealisations: 60000\n"
      "observe: {at: {steps: [60, 80]}, features: [x], statistics: [covariance]}\nanalyse: {stationary: {from: 0}}\n");
  CHECK(fabs(at(file, "stationary_covariance_expected", 0) / C[0] - 1) < 1e-10);
  CHECK(fabs(at(file, "stationary_covariance_expected", 1) / C[1] - 1) < 1e-10);
  CHECK(fabs(at(file, "stationary_current_expected", 1) / C[2] - 1) < 1e-10);
  CHECK(at(file, "stationary_current_expected", 0) == 0);
  beside(file, "covariance of the rows", "_covariance", 1, C[1], false);
  beside(file, "current", "_current", 1, C[2], false);
  beside(file, "no current", "_current", 1, 0, true);
  beside(file, "current the other way round", "_current", 2, C[2], true);
  beside(file, "fluctuation / dissipation of rows", "_fluctuation_dissipation", 0, 1, false);
  eg_labelled_free(file);
}

/* ---- tails ---- */

/* Counts of n values above 1 with P(V > v) = survival(v), rounded. */
static void make_counts(double n, double (*survival)(double), size_t bins, double *edges, uint64_t *counts) {
  for (size_t i = 0; i <= bins; i++) {
    edges[i] = exp(log(1e4) * (double)i / (double)bins);
  }
  counts[0] = 0;
  for (size_t i = 0; i < bins; i++) {
    counts[1 + i] = (uint64_t)nearbyint(n * (survival(edges[i]) - survival(edges[i + 1])));
  }
  counts[bins + 1] = (uint64_t)nearbyint(n * survival(edges[bins]));
}

static double pareto(double v) { return pow(v, -1.5); }

static double exponential(double v) { return exp(1 - v); }

static void counted_tails(void) {
  enum { BINS = 200 };
  double edges[BINS + 1];
  uint64_t counts[BINS + 2];
  eg_tail t;
  make_counts(1e8, pareto, BINS, edges, counts);
  eg_tail_fit(BINS, edges, counts, 2.0, &t);
  CHECK(fabs(t.exponent - 1.5) < 1e-4 && t.p_value > 0.99 && t.from >= 2.0 * (1 - 1e-9) && t.from < 2.1);
  /* of a Pareto law the error is exponent / sqrt(n), enlarged a little by the bins: Hill */
  CHECK(fabs(t.stderr_ / (1.5 / sqrt(t.events)) - 1) < 1e-3);
  eg_tail_fit(BINS, edges, counts, NAN, &t);
  CHECK(fabs(t.exponent - 1.5) < 1e-4 && t.from == 1);
  make_counts(1e8, exponential, BINS, edges, counts);
  eg_tail_fit(BINS, edges, counts, 2.0, &t);
  CHECK(t.p_value < 1e-9);
}

/* E |1 - rate a|^beta - 1 with a a mean of `batch` squared normals, chi^2 / batch, by the trapezoidal rule in ln a. */
static double kesten(double beta, double rate, double batch) {
  double sum = 0, weight = 0;
  const double h = 1e-4;
  for (double y = -12; y < 4; y += h) {
    const double a = exp(y), density = exp(batch / 2 * y - batch * a / 2);
    sum += density * pow(fabs(1 - rate * a), beta);
    weight += density;
  }
  return sum / weight - 1;
}

static void kesten_tail(void) {
  double low = 2, high = 4;
  for (int i = 0; i < 40; i++) {
    const double middle = (low + high) / 2;
    if (kesten(middle, 1, 3) > 0) {
      high = middle;
    } else {
      low = middle;
    }
  }
  CHECK(fabs(low - 2.780713587197709) < 1e-6); /* the table */
  eg_labelled *const file = run_study(
      "seed: 26\nmodel: {name: linear-regression-gaussian, input_variance: 1, optimum: 0, label_noise: 1}\nsteps: 60\n"
      "learning_rate: 1\ndynamics: {name: sgd, batch_size: 3}\nrealisations: 900000\nobserve:\n  at: {steps: [60]}\n"
      "  features: [x, norm2]\n  histograms: {feature: norm2, bins: 300, low: 1/1024, high: 16777216, scale: log}\n"
      "analyse: {stationary: {tail: norm2, tail_from: 40}}\n");
  const double events = at(file, "stationary_tail_events", 0);
  const double value = at(file, "stationary_tail_exponent", 0), error = at(file, "stationary_tail_exponent_stderr", 0);
  compare(false, "tail of |x|^2: Kesten", value, error, low / 2, events);
  compare(true, "tail of |x|^2: that of the equation, 2 L H / S", value, error, 3.5, events);
  compare(true, "tail of |x|^2: that of half the batch's", value, error, low / 4, events);
  CHECK(at(file, "stationary_judged", 0) == 0); /* fourth moments are infinite */
  CHECK(at(file, "stationary_tail_p_value", 0) > 1e-6);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  counted_tails();
  one_dimension();
  three_dimensions();
  transient();
  equipartition();
  current();
  kesten_tail();
  judge(30, 12);
  (void)rmdir(folder);
  return check_report();
}
