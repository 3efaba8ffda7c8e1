/*
 * minibatch-noise-strength.md by the shipped stepper, in standard errors: fourth moments of section 4, finite
 * data with fresh and reshuffled batches, label noise with momentum, input noise (section 6), weight decay
 * (7), isotropic inputs in 100 dimensions (8) and the covariance of squares (13). Numbers of a Gaussian law, of the
 * other sampling or without the effect must be rejected. Exact columns are compared to 1e-12.
 */
#include "physics/judge.h"
#include "physics/table_row.h"
#include "write_rows.h"

/* ---- fourth moments, one dimension, Gaussian inputs and labels ---- */

/* Second and fourth moment after n steps from a Gaussian of the stationary variance; a^ = chi^2_S / S. n < 0:
 * the stationary ones. */
static void moments(double lam, double S, int n, double *m2, double *m4) {
  const double a[5] = {1, 1, (S + 2) / S, (S + 2) * (S + 4) / (S * S),
                       (S + 2) * (S + 4) * (S + 6) / (S * S * S)};
  const double q2 = 1 - 2 * lam * a[1] + lam * lam * a[2];
  const double q4 = 1 - 4 * lam * a[1] + 6 * lam * lam * a[2] - 4 * pow(lam, 3) * a[3] + pow(lam, 4) * a[4];
  const double mixed = 6 * lam * lam / S * (a[1] - 2 * lam * a[2] + lam * lam * a[3]),
               noise = 3 * pow(lam, 4) * a[2] / (S * S);
  *m2 = lam * lam / S / (1 - q2);
  *m4 = n < 0 ? (mixed * *m2 + noise) / (1 - q4) : 3 * *m2 * *m2;
  for (int k = 0; k < n; k++) {
    *m4 = q4 * *m4 + mixed * *m2 + noise;
  }
}

/* Until the kurtosis is stationary, or, where eighth moments are infinite then, for three steps. */
static void kurtosis(void) {
  static const struct {
    double lam, S, kurtosis;
    int steps;
  } rows[7] = {{0.1, 1, 1173.0 / 385, 30},   {0.01, 1, 11477811.0 / 3825895, 100},
               {0.1, 4, 15429.0 / 5140, 30}, {0.5, 4, 69.0 / 20, 20},
               {0.8, 8, 15.0 / 4, 20},       {1, 8, 243.0 / 46, 3},
               {1, 16, 1743.0 / 482, 20}};
  for (int i = 0; i < 7; i++) {
    const double lam = rows[i].lam, S = rows[i].S;
    char text[600], what[100];
    double m2, m4;
    moments(lam, S, -1, &m2, &m4);
    (void)snprintf(what, sizeof what, "minibatch-noise section 4, kurtosis, lam=%g S=%g", lam, S);
    row_is(what, m4 / (m2 * m2), rows[i].kurtosis);
    row_is_not(what, 3, rows[i].kurtosis > 3.001 ? rows[i].kurtosis : 4);
    if (i == 0) {
      row_is("minibatch-noise section 13, m4w - m2^2, lam=0.1 S=1", m4 - m2 * m2, 788.0 / 111265);
    }
    moments(lam, S, rows[i].steps, &m2, &m4);
    (void)snprintf(text, sizeof text,
                   "seed: 67%d\nmodel: {name: linear-regression-gaussian, input_variance: 1, optimum: 0, "
                   "label_noise: 1}\nsteps: %d\n"
                   "start: {normal: {mean: 0, std: %.17g}}\nlearning_rate: %g\ndynamics: {name: sgd, "
                   "batch_size: %g, label: sgd}\nrealisations: %s\n"
                   "observe: {at: {steps: [%d]}, features: [x, norm2]}\n",
                   i, rows[i].steps, sqrt(m2), lam, S, i == 0 ? "2^20" : "2^18", rows[i].steps);
    eg_labelled *const file = run_study(text);
    (void)snprintf(what, sizeof what, "minibatch-noise section 4, lam=%g S=%g,", lam, S);
    add_row(file, what, "sgd", "x", 0, 0, "_kurtosis", m4 / (m2 * m2), false);
    if (rows[i].kurtosis > 3.01) {
      add_row(file, what, "sgd", "x", 0, 0, "_kurtosis", 3, true);
    }
    if (i == 0) { /* section 13: the variance of w^2 */
      add_row(file, what, "sgd", "norm2", 0, 0, "_variance", 788.0 / 111265, false);
    }
    eg_labelled_free(file);
  }
}

static double path_at(const eg_labelled *file, const char *name, size_t i) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL || i >= eg_variable_size(v)) {
    stop_with(name);
    return 0;
  }
  return ((const double *)v->data)[i];
}

/* Cov(w_{t+k}^2, w_t^2) = q^k 788/111265, q = .83: section 13. */
static void covariance_of_squares(void) {
  static const int lags[3] = {1, 4, 10};
  eg_labelled *const file = run_study(
      "seed: 681\nmodel: {name: linear-regression-gaussian, input_variance: 1, optimum: 0, label_noise: "
      "1}\nsteps: 90\n"
      "learning_rate: 0.1\ndynamics: {name: sgd, batch_size: 1}\nrealisations: 2^18\nobserve:\n  at: {steps: "
      "[90]}\n"
      "  features: [x]\n  paths:\n"
      "    - {statistic: product, feature: norm2, with: norm2, origin: 80, at: {steps: [80, 81, 84, 90]}}\n");
  for (size_t i = 0; i < 3; i++) {
    char what[100];
    (void)snprintf(what, sizeof what, "minibatch-noise section 13, Cov(w_{t+k}^2, w_t^2), k=%d", lags[i]);
    const double value = path_at(file, "path_product_connected", i + 1),
                 error = path_at(file, "path_product_connected_stderr", i + 1);
    compare(false, what, value, error, pow(0.83, lags[i]) * 788 / 111265, 1000);
    compare(true, what, value, error, pow(0.81, lags[i] + 2) * 788 / 111265,
            1000); /* as of the mean, and two steps later */
  }
  eg_labelled_free(file);
}

/* ---- finite data ---- */

static void finite_data(void) {
  eg_labelled *const file = run_study(
      "seed: 682\nmodel: {name: linear-regression, rows: [[1, 1], [2, 3/2], [-1, -2], [1/2, 1], [3/2, 1]], "
      "standardize: false}\n"
      "learning_rate: 1/5\nsteps: 100\ndynamics:\n  - {name: sgd, batch_size: 2, label: with}\n"
      "  - {name: sgd, batch_size: 2, sampling: without-replacement, label: without}\nrealisations: 2^18\n"
      "observe: {at: {steps: [100]}, features: [x, norm2, loss]}\n");
  static const char *const labels[2] = {"with", "without"};
  static const double Sig[2] = {24980.0 / 1530833, 14988.0 / 1244723};
  for (size_t i = 0; i < 2; i++) {
    expect(file, "minibatch-noise section 4, finite data, w*", labels[i], "x", 0, 16.0 / 17);
    add_row(file, "minibatch-noise section 4, finite data,", labels[i], "x", 0, 0, "_variance", Sig[i],
            false);
    add_row(file, "minibatch-noise section 4, finite data,", labels[i], "x", 0, 0, "_variance", Sig[1 - i],
            true);
    row_is("minibatch-noise section 4, finite data, exact column",
           read_value(file, "norm2_exact", run_index(file, labels[i]), 0, 0), Sig[i] + 256.0 / 289);
  }
  expect(file, "minibatch-noise section 4, E L_train", "with", "loss", 0, 0.185929049739586);
  eg_labelled_free(file);
}

/* Batches of one of the first four rows, the state at ends of epochs: all 24 orders are in the note. */
static void reshuffled(void) {
  eg_labelled *const file = run_study("seed: 683\nmodel: {name: linear-regression, rows: [[1, 1], [2, 3/2], "
                                      "[-1, -2], [1/2, 1]], standardize: false}\n"
                                      "learning_rate: 1/5\nsteps: 100\ndynamics:\n  - {name: sgd, "
                                      "batch_size: 1, sampling: shuffle, label: reshuffled}\n"
                                      "  - {name: sgd, batch_size: 1, label: fresh}\nrealisations: "
                                      "2^18\nobserve: {at: {steps: [100]}, features: [x, norm2]}\n");
  const double shuffled = 3510029.0 / 295564032, fresh = 23264.0 / 444375;
  static const char what[] = "minibatch-noise section 4, epochs,";
  expect(file, what, "reshuffled", "x", 0, 26.0 / 25 - 14959.0 / 219600);
  reject(file, what, "reshuffled", "x", 0, 26.0 / 25);
  expect(file, what, "fresh", "x", 0, 26.0 / 25);
  add_row(file, what, "reshuffled", "x", 0, 0, "_variance", shuffled, false);
  add_row(file, what, "reshuffled", "x", 0, 0, "_variance", fresh, true);
  add_row(file, what, "fresh", "x", 0, 0, "_variance", fresh, false);
  add_row(file, what, "fresh", "x", 0, 0, "_variance", shuffled, true);
  row_is("minibatch-noise section 4, epochs, fresh, exact column",
         read_value(file, "norm2_exact", run_index(file, "fresh"), 0, 0), fresh + 26.0 * 26 / 625);
  eg_labelled_free(file);
}

/* ---- sections 4, 6, 7 ---- */

static void label_noise(void) {
  eg_labelled *const file = run_study("seed: 684\nmodel: {name: linear-regression-gaussian, input_variance: "
                                      "[1, 1/2, 1/4], optimum: 0, label_noise: 1}\nsteps: 300\n"
                                      "learning_rate: 1/10\ndynamics: {name: sgd, batch_size: 4, momentum: "
                                      "9/10, label: sgd}\nrealisations: 2^15\n"
                                      "observe: {at: {steps: [300]}, features: [x, loss]}\n");
  static const double Sig[3] = {1041105.0 / 5319928, 477945.0 / 2659964, 229577.0 / 1329982};
  static const char what[] = "minibatch-noise section 4, lam=1/10 S=4 mu=9/10,";
  for (size_t k = 0; k < 3; k++) {
    add_row(file, what, "sgd", "x", 0, k, "_variance", Sig[k], false);
    add_row(file, what, "sgd", "x", 0, k, "_variance", 1.0 / 8, true); /* lam / (2 S (1 - mu)) */
  }
  expect(file, what, "sgd", "loss", 0, 7068555.0 / 10639856);
  reject(file, what, "sgd", "loss", 0, 0.5);
  eg_labelled_free(file);
}

/* Rows with the moments of a Gaussian to the fifth; u = 0.8, B = 1/4, K = 5/4, s2 = B u^2 / K. */
static void input_noise(void) {
  const double u = 0.8, K = 1.25, s2 = 0.25 * u * u / K, Sig = s2 / K / (4 * (2 / (0.5 * K) - 1) - 2);
  eg_labelled *const file =
      run_study("seed: 685\nmodel: {name: linear-regression, standardize: false, rows: [[1.7320508075688772, "
                "1.3856406460551018],\n"
                "  [-1.7320508075688772, -1.3856406460551018], [0, 0], [0, 0], [0, 0], [0, "
                "0]]}\nlearning_rate: 1/2\nsteps: 60\ndynamics:\n"
                "  - {name: sgd, batch_size: 4, input_noise: 0.5, label: noisy}\nrealisations: 2^18\n"
                "observe: {at: {steps: [60]}, features: [x, norm2]}\n");
  static const char what[] = "minibatch-noise section 6,";
  expect(file, what, "noisy", "x", 0, u / K);
  reject(file, what, "noisy", "x", 0, u);
  add_row(file, what, "noisy", "x", 0, 0, "_variance", Sig, false);
  add_row(file, what, "noisy", "x", 0, 0, "_variance", Sig * K, true); /* s2 = B u^2 */
  row_is("minibatch-noise section 6, exact column", read_value(file, "norm2_exact", 0, 0, 0),
         Sig + u * u / (K * K));
  eg_labelled_free(file);
}

static void weight_decay(void) {
  eg_labelled *const file =
      run_study("seed: 686\nmodel: {name: linear-regression-gaussian, input_variance: [1, 1/2], optimum: 1, "
                "label_noise: 0}\nsteps: 200\n"
                "learning_rate: 1/5\ndynamics: {name: sgd, batch_size: 2, weight_decay: 1/10, label: "
                "sgd}\nrealisations: 2^16\n"
                "observe: {at: {steps: [200]}, features: [x, loss], statistics: [covariance]}\n");
  static const char what[] = "minibatch-noise section 7,";
  expect(file, what, "sgd", "loss", 0, 387397.0 / 31228296);
  reject(file, what, "sgd", "loss", 0, 1.0 / 242 + 0.25 / 36); /* s / 2: without noise */
  add_row(file, what, "sgd", "x", 0, 0, "_variance", 152875.0 / 85877814, false);
  add_row(file, what, "sgd", "x", 0, 1, "_variance", 82175.0 / 46842444, false);
  add_row(file, what, "sgd", "x", 0, 1, "_variance", 152875.0 / 85877814, false);
  eg_labelled_free(file);
}

/* ---- section 8: isotropic Gaussian inputs in 100 dimensions, which the models of Gaussian inputs do not have ---- */

enum { WIDE = 100, SIGNS = 1 << 14, ALONG = 12, ROWS = SIGNS + ALONG * WIDE };

/* In the field of 2^7 elements, modulo x^7 + x + 1. */
static unsigned times_in_field(unsigned a, unsigned b) {
  unsigned sum = 0;
  for (; b > 0; b >>= 1) {
    sum ^= (b & 1) != 0 ? a : 0;
    a = (a << 1) ^ ((a >> 6 & 1) != 0 ? 0x83 : 0);
  }
  return sum;
}

/*
 * Rows (a, y) with the moments of a ~ N(0, I), y = +-1 independent of it, to the fourth: those that covariances of the gradient and second
 * moments of SGD are made of. First signs, any four columns of which are independent (the dual of the Bose-Chaudhuri-Hocquenghem code of
 * distance 5: column i has the parities of (b^i, b^3i) with the number of the row), times `size`: E a_i^2 a_j^2 = 1. Then rows along one
 * axis, in pairs of opposite ones, with two lengths: E a_i^2 = 1 and E a_i^4 = 3.
 */
static void fill_moments(double *inputs, double *target) {
  const double size = pow((double)ROWS / SIGNS, 0.25), mean = (ROWS - SIGNS * size * size) / ALONG, square = 2.0 * ROWS / ALONG,
               spread = sqrt(square - mean * mean);
  unsigned power = 1;
  for (int i = 0; i <= WIDE; i++, power = times_in_field(power, 2)) {
    const unsigned column = power | times_in_field(power, times_in_field(power, power)) << 7;
    for (unsigned row = 0; row < SIGNS; row++) {
      const double sign = __builtin_parity(row & column) != 0 ? -1 : 1;
      if (i < WIDE) {
        inputs[row * WIDE + (unsigned)i] = sign * size;
      } else {
        target[row] = sign;
      }
    }
  }
  for (int k = 0; k < ALONG * WIDE; k++) {
    const double length = sqrt(k / WIDE < ALONG / 2 ? mean - spread : mean + spread);
    inputs[(SIGNS + k) * WIDE + k % WIDE] = k / WIDE % 2 == 0 ? length : -length;
    target[SIGNS + k] = 1;
  }
}

/* The moments that the rows were made for, of some coordinates. */
static void check_moments(const double *inputs, const double *target) {
  for (int i = 0; i < WIDE; i += 9) {
    const int j = (i + 1) % WIDE, k = (i + 17) % WIDE, l = (i + 56) % WIDE;
    double sum[6] = {0};
    for (int row = 0; row < ROWS; row++) {
      const double *const a = inputs + (size_t)row * WIDE;
      sum[0] += a[i] * a[i] / ROWS;
      sum[1] += a[i] * a[i] * a[i] * a[i] / ROWS;
      sum[2] += a[i] * a[i] * a[j] * a[j] / ROWS;
      sum[3] += a[i] * a[j] * a[k] * a[l] / ROWS;
      sum[4] += target[row] * a[i] * a[i] * a[i] / ROWS;
      sum[5] += target[row] * a[i] * a[k] * a[l] / ROWS;
    }
    CHECK_NEAR(sum[0], 1, 1e-12);
    CHECK_NEAR(sum[1], 3, 1e-12);
    CHECK_NEAR(sum[2], 1, 1e-12);
    CHECK(fabs(sum[3]) < 1e-12 && fabs(sum[4]) < 1e-12 && fabs(sum[5]) < 1e-12);
  }
}

/* E |w|^2 / D = v: v' = (1 - lam)^2 v + lam^2 C, S C = (D + 1) v + 1; C from the stationary v. */
static void many_dimensions(void) {
  static const char what[] = "minibatch-noise section 8, isotropic D=100";
  const double lam = 0.1, S = 10, v = lam * lam / S / (1 - (1 - lam) * (1 - lam) - lam * lam * (WIDE + 1) / S);
  double *const inputs = calloc((size_t)ROWS * WIDE, sizeof *inputs), *const target = calloc(ROWS, sizeof *target);
  char path[80];
  if (inputs == NULL || target == NULL) {
    stop_with("out of memory");
    return;
  }
  fill_moments(inputs, target);
  check_moments(inputs, target);
  (void)snprintf(path, sizeof path, "%s/moments.h5", folder);
  if (!write_rows(path, ROWS, WIDE, inputs, target)) {
    stop_with(path);
  }
  free(inputs);
  free(target);
  row_has("minibatch-noise section 8, isotropic D=100, C exact", ((WIDE + 1) * v + 1) / S, 0.213483, 6);
  row_has("minibatch-noise section 8, isotropic D=100, formula averaged", ((WIDE - 1) * v + 1) / S, 0.211236, 6);
  eg_labelled *const file = run_study("seed: 687\nmodel: {name: linear-regression, data: moments.h5, standardize: false}\nstart: {point: 0}\n"
                                      "learning_rate: 0.1\nsteps: 140\ndynamics: {name: sgd, batch_size: 10}\nrealisations: 2^14\n"
                                      "observe: {at: {steps: [140]}, features: [norm2]}\n"); /* what is left of the start: 2e-6 */
  const double to_noise = (1 - (1 - lam) * (1 - lam)) / (lam * lam) / WIDE; /* C = to_noise E |w|^2 */
  const double C = to_noise * read_value(file, "norm2", 0, 0, 0), error = to_noise * read_value(file, "norm2_stderr", 0, 0, 0),
               count = read_value(file, "norm2_count", 0, 0, 0), kurtosis = read_value(file, "norm2_kurtosis", 0, 0, 0);
  const double effective = count / fmax(1, (kurtosis - 1) / 2);
  printf("%s: C %.6f +- %.2g, theory %.6f\n", what, C, error, 0.213483);
  compare(false, what, C, error, 0.213483, effective);
  compare(true, "minibatch-noise section 8, the formula instead", C, error, 0.211236, effective);
  compare(true, "minibatch-noise section 8, constant noise", C, error, 0.1, effective);
  eg_labelled_free(file);
  (void)unlink(path);
}

/* ---- reshuffled epochs of four rows: the map of an epoch by all 24 orders of the shipped sampler ---- */

static void all_orders(void) {
  enum { PATHS = 16384, ORDERS = 24 };
  char text[700];
  (void)snprintf(text, sizeof text,
                 "seed: 679\nmodel: {name: linear-regression, standardize: false, rows: [[1, 1], [2, 1.5], [-1, -2], [0.5, 1]]}\n"
                 "start: {points: [[0], [1]]}\nlearning_rate: 0.2\nsteps: 4\n"
                 "dynamics:\n  - {name: sgd, batch_size: 1, sampling: shuffle, label: shuffle}\n  - {name: sgd, batch_size: 1, label: fresh}\n"
                 "realisations: %d\nobserve: {at: {steps: [4]}, features: [x], keep: {realisations: %d, of: x}}\n", PATHS, PATHS);
  eg_labelled *const file = run_study(text);
  const eg_variable *const v = eg_labelled_find(file, "/", "x_path"); /* (run, point, realisation) */
  if (v == NULL || eg_variable_size(v) != (size_t)4 * PATHS) {
    stop_with("kept paths of another shape");
    return;
  }
  const double *const x = v->data;
  const double optimum = 26.0 / 25, offset = -14959.0 / 219600, variance = 3510029.0 / 295564032, fresh = 23264.0 / 444375;
  double m[ORDERS], c[ORDERS], weight[ORDERS] = {0}, total = 0, a = 0, b = 0, a2 = 0, ab = 0, b2 = 0; /* x' = m x + c, of every order */
  int n = 0;
  for (int i = 0; i < PATHS; i++) {
    const double shift = x[i], slope = x[PATHS + i] - x[i];
    int k = 0;
    while (k < n && !(fabs(c[k] - shift) < 1e-13 && fabs(m[k] - slope) < 1e-13)) {
      k++;
    }
    if (k == n && n < ORDERS) {
      m[n] = slope;
      c[n++] = shift;
    }
    CHECK(k < ORDERS);
    weight[k] += (double)ORDERS / PATHS;
  }
  for (int k = 0; k < n; k++) { /* some orders have one map: a multiple of 1 / 24, the one nearest to its frequency */
    const double p = round(weight[k]) / ORDERS;
    CHECK(fabs(weight[k] - p * ORDERS) < 0.4);
    total += p;
    a += p * m[k];
    b += p * c[k];
    a2 += p * m[k] * m[k];
    ab += p * m[k] * c[k];
    b2 += p * c[k] * c[k];
  }
  CHECK_NEAR(total, 1, 1e-14);
  const double mean = b / (1 - a), second = (2 * ab * mean + b2) / (1 - a2);
  row_is("minibatch-noise section 4, reshuffled epochs, mean offset", mean - optimum, offset);
  row_is("minibatch-noise section 4, reshuffled epochs, variance", second - mean * mean, variance);
  row_has("minibatch-noise section 4, reshuffled epochs, ratio to fresh draws", (second - mean * mean) / fresh, 0.2268, 4);
  /* fresh draws: x' = (1 - lam x_i^2) x + lam x_i y_i with equal chances of four rows */
  static const double in[4] = {1, 2, -1, 0.5}, out[4] = {1, 1.5, -2, 1};
  double f1 = 0, f2 = 0, g = 0, fg = 0, g2 = 0;
  for (int i = 0; i < 4; i++) {
    const double f = 1 - 0.2 * in[i] * in[i], h = 0.2 * in[i] * out[i];
    f1 += f / 4;
    f2 += f * f / 4;
    g += h / 4;
    fg += f * h / 4;
    g2 += h * h / 4;
  }
  const double fresh_mean = g / (1 - f1), fresh_second = (2 * fg * fresh_mean + g2) / (1 - f2);
  row_is("minibatch-noise section 4, fresh draws of four rows, mean", fresh_mean, optimum);
  row_is("minibatch-noise section 4, fresh draws of four rows, variance", fresh_second - fresh_mean * fresh_mean, fresh);
  row_is_not("minibatch-noise section 4, reshuffled epochs, mean of fresh draws", mean, optimum);
  row_is_not("minibatch-noise section 4, reshuffled epochs, variance of fresh draws", second - mean * mean, fresh);
  /* the shipped fresh draws: more than 24 places after four steps */
  int beyond = 0;
  for (int i = 0; i < PATHS; i++) {
    int k = 0;
    while (k < n && !(fabs(c[k] - x[2 * PATHS + i]) < 1e-13)) {
      k++;
    }
    beyond += k == n;
  }
  CHECK(beyond > PATHS / 2);
  eg_labelled_free(file);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL);
  kurtosis();
  covariance_of_squares();
  finite_data();
  reshuffled();
  all_orders();
  label_noise();
  input_noise();
  weight_decay();
  many_dimensions();
  report_rows(19, 9);
  judge(31, 21);
  (void)rmdir(folder);
  return check_report();
}
