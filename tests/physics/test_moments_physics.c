/*
 * Simulated moments against oracles that do not come from the code under test: closed forms written here, a
 * moment recursion written here, and the tables of stochastic-modified-flows.md (M1, M5; 30-40 digit
 * arithmetic). Seeds are fixed. Every comparison is a z-score; the limit is the Student quantile for a
 * family-wise error of 1e-6 over all of them. Rows with fewer than 1000 effective samples are not judged.
 * Negative controls compare with a wrong oracle and must be rejected: they show that the test can see what it
 * is there for.
 */
#include "physics/judge.h"
#include "write_rows.h"

/* ---- Ornstein-Uhlenbeck ---- */

/* mean m and variance v: x, its square, the distance from x0, and the variance of x^2 if Gaussian */
static void expect_normal(const eg_labelled *file, const char *study, const char *label, double m, double v,
                          double x0, bool is_gaussian) {
  expect(file, study, label, "x", 0, m);
  expect(file, study, label, "norm2", 0, m * m + v);
  expect(file, study, label, "displacement2", 0, (m - x0) * (m - x0) + v);
  if (is_gaussian) {
    add_row(file, study, label, "x", 0, 0, "_variance", v, false);
    add_row(file, study, label, "norm2", 0, 0, "_variance", 2 * v * v + 4 * m * m * v, false);
  }
}

static void ornstein_uhlenbeck(const char *noise, bool is_gaussian) {
  const double k = 1.25, c = -0.5, s = 0.75, x0 = 2, t = 2, h = 1.0 / 8, n = 16;
  const bool has_law = strncmp(noise, "gaussian", 8) == 0; /* the exact law wants Gaussian noise */
  char text[800];
  (void)snprintf(
      text, sizeof text,
      "seed: 101\nmodel: {name: ornstein-uhlenbeck, rate: 1.25, mean: -0.5, sigma: 0.75}\nstart: {point: 2}\n"
      "time_step: 1/8\nhorizon: 2\nnoise: %s\ndynamics:\n%s"
      "  - {name: sde, scheme: euler-maruyama, label: euler}\n"
      "  - {name: sde, scheme: strang, substeps: 2, label: strang}\n"
      "realisations: 2^19\nobserve: {at: [2], features: [x, norm2, displacement2]}\n",
      noise, has_law ? "  - {name: sde, scheme: exact, label: law}\n" : "");
  eg_labelled *const file = run_study(text);
  char study[40];
  (void)snprintf(study, sizeof study, "OU %s", noise);
  const double m = c + (x0 - c) * exp(-k * t), v = s * s * (1 - exp(-2 * k * t)) / (2 * k);
  if (has_law) {
    expect_normal(file, study, "law", m, v, x0, is_gaussian);
  }
  const double q = 1 - k * h;
  expect_normal(file, study, "euler", c + (x0 - c) * pow(q, n), s * s * h * (1 - pow(q, 2 * n)) / (1 - q * q),
                x0, is_gaussian);
  const double e = exp(-k * h / 2); /* two substeps of h/2: noise in the middle decays by exp(-k h/4) */
  expect_normal(file, study, "strang", m, s * s * h / 2 * e * (1 - pow(e, 4 * n)) / (1 - e * e), x0,
                is_gaussian);
  reject(file, study, "euler", "norm2", 0,
         m * m + v); /* the law of the process is not that of Euler's scheme */
  eg_labelled_free(file);
}

static void random_start(void) {
  eg_labelled *const file =
      run_study("seed: 102\nmodel: {name: ornstein-uhlenbeck, rate: 0.5, mean: 1, sigma: 0.5}\n"
                "start: {normal: {mean: -1, std: 2}}\ntime_step: 1/4\nhorizon: 1\n"
                "dynamics: {name: sde, scheme: exact, label: law}\nrealisations: 2^19\n"
                "observe: {at: [1], features: [x, norm2, displacement2]}\n");
  const double d = exp(-0.5), v = 0.25 * (1 - exp(-1.0));
  expect(file, "OU random start", "law", "x", 0, 1 - 2 * d);
  expect(file, "OU random start", "law", "norm2", 0, (1 - 2 * d) * (1 - 2 * d) + 4 * d * d + v);
  expect(file, "OU random start", "law", "displacement2", 0,
         (1 - d) * (1 - d) * (4 + 4) + v); /* (1 - d)(1 - x0) + noise */
  add_row(file, "OU random start", "law", "x", 0, 0, "_variance", 4 * d * d + v, false);
  eg_labelled_free(file);
}

/* ---- geometric Brownian motion ---- */

static void growth(void) {
  const double mu = -0.25, s = 0.25, x0 = 1.5, h = 1.0 / 8, n = 16, t = 2;
  eg_labelled *const file = run_study(
      "seed: 103\nmodel: {name: geometric-brownian-motion, mu: -0.25, sigma: 0.25}\nstart: {point: 1.5}\n"
      "time_step: 1/8\nhorizon: 2\ndynamics:\n  - {name: sde, scheme: exact, label: law}\n"
      "  - {name: sde, scheme: euler-maruyama, label: euler}\n  - {name: sde, scheme: strang, label: "
      "strang}\n"
      "realisations: 2^19\nobserve: {at: [2], features: [x, norm2]}\n");
  const double square = x0 * x0 * exp((2 * mu + s * s) * t);
  expect(file, "GBM", "law", "x", 0, x0 * exp(mu * t));
  expect(file, "GBM", "law", "norm2", 0, square);
  expect(file, "GBM", "euler", "x", 0, x0 * pow(1 + mu * h, n));
  expect(file, "GBM", "euler", "norm2", 0, x0 * x0 * pow((1 + mu * h) * (1 + mu * h) + s * s * h, n));
  expect(file, "GBM", "strang", "x", 0, x0 * exp(mu * t));
  expect(file, "GBM", "strang", "norm2", 0, x0 * x0 * exp(2 * mu * t) * pow(1 + s * s * h, n));
  reject(file, "GBM", "law", "norm2", 0, x0 * x0 * exp((2 * mu + 2 * s * s) * t)); /* Stratonovich, not Ito */
  reject(file, "GBM", "law", "x", 0, x0 * exp((mu + s * s / 2) * t));
  eg_labelled_free(file);
}

/* ---- M1: multiplicative gradient noise; Gaussian noise has the two moments of the two-valued one ---- */

static void sign_flip(void) {
  static const struct {
    const char *model, *eta;
    double sgd_x, sgd, smf1, smf2;
  } table[] = {
      {"curvature: 1, noise: 0, multiplicative: 0.5}\nstart: {point: 1}\nhorizon: 1\n", "1/8",
       0.343608915805817, 0.122973090258351, 0.139631286281399, 0.123224177647237},
      {"curvature: 1, noise: 0, multiplicative: 0.5}\nstart: {point: 1}\nhorizon: 1\n", "1/16",
       0.356074130451793, 0.129061690518530, 0.137466503838519, 0.129137829405204},
      {"curvature: 0.5, noise: 0, multiplicative: 1}\nstart: {point: 1}\nhorizon: 2\n", "1/16",
       0.362055289256317, 0.149718481788650, 0.153354966844928, 0.148636730538123},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    char text[900], study[40];
    (void)snprintf(
        text, sizeof text,
        "seed: 104\nmodel: {name: quadratic, %slearning_rate: %s\ndynamics:\n"
        "  - {name: sgd, batch_size: 1}\n  - {name: sme1, substeps: 8}\n  - {name: sme2, substeps: 8}\n"
        "  - {name: sme2, factor: symmetric-root, substeps: 8, label: root}\n"
        "  - {name: sgd, batch_size: 2, label: sgd2}\n"
        "realisations: 2^19\nobserve: {at: {linear: 1}, features: [x, norm2]}\n",
        table[i].model, table[i].eta);
    eg_labelled *const file = run_study(text);
    (void)snprintf(study, sizeof study, "M1.%zu eta %s", i, table[i].eta);
    expect(file, study, "sgd", "x", 0, table[i].sgd_x);
    expect(file, study, "sgd", "norm2", 0, table[i].sgd);
    expect(file, study, "sgd2", "x", 0, table[i].sgd_x);
    expect(file, study, "sme1", "norm2", 0, table[i].smf1);
    expect(file, study, "sme2", "norm2", 0, table[i].smf2);
    expect(file, study, "root", "norm2", 0, table[i].smf2);
    reject(file, study, "sme1", "norm2", 0, table[i].smf2);
    reject(file, study, "sgd", "norm2", 0, table[i].smf1);
    reject(file, study, "sgd2", "norm2", 0, table[i].sgd);
    eg_labelled_free(file);
  }
}

/* ---- additive gradient noise: variance of SGD with a batch, and of the modified equations (M2 with A = 0)
 * ---- */

static void additive(void) {
  const double lambda[2] = {1, 0.5}, s[2] = {0.5, 1}, eta = 1.0 / 8, batch = 2, n = 32, t = 4;
  eg_labelled *const file =
      run_study("seed: 105\nmodel: {name: quadratic, curvature: [1, 0.5], centre: [0.5, 0], "
                "noise: [0.5, 1]}\nstart: {point: [0.5, 1]}\nlearning_rate: 1/8\nhorizon: 4\n"
                "dynamics:\n  - {name: sgd, batch_size: 2}\n"
                "  - {name: sme1, batch_size: 2, substeps: 8}\n"
                "  - {name: sme2, batch_size: 2, substeps: 8}\n"
                "  - {name: sme2, batch_size: 2, scheme: euler-maruyama, label: euler}\n"
                "realisations: 2^19\nobserve: {at: [4], features: [x, loss]}\n");
  const double y0[2] = {0, 1}, centre[2] = {0.5, 0};
  double loss[3] = {0, 0, 0};
  for (size_t k = 0; k < 2; k++) {
    const double q = 1 - eta * lambda[k], noise = s[k] * s[k] / batch;
    const double v_sgd = eta * eta * noise * (1 - pow(q, 2 * n)) / (1 - q * q), m_sgd = y0[k] * pow(q, n);
    expect(file, "additive", "sgd", "x", k, centre[k] + m_sgd);
    add_row(file, "additive", "sgd", "x", 0, k, "_variance", v_sgd, false);
    loss[0] += lambda[k] / 2 * (m_sgd * m_sgd + v_sgd);
    for (int order = 1; order <= 2; order++) {
      const char *const label = order == 1 ? "sme1" : "sme2";
      const double rate = lambda[k] * (order == 2 ? 1 + eta * lambda[k] / 2 : 1), h = eta / 8;
      /* Strang: the noise of a step comes in the middle of it */
      const double v = eta * noise * h * exp(-rate * h) * (1 - exp(-2 * rate * t)) / (1 - exp(-2 * rate * h));
      const double m = y0[k] * exp(-rate * t);
      expect(file, "additive", label, "x", k, centre[k] + m);
      add_row(file, "additive", label, "x", 0, k, "_variance", v, false);
      loss[order] += lambda[k] / 2 * (m * m + v);
    }
  }
  expect(file, "additive", "sgd", "loss", 0, loss[0]);
  expect(file, "additive", "sme1", "loss", 0, loss[1]);
  expect(file, "additive", "sme2", "loss", 0, loss[2]);
  reject(file, "additive", "sgd", "loss", 0, loss[2]);
  reject(file, "additive", "euler", "loss", 0,
         loss[2]); /* one Euler step of the corrected drift counts it twice */
  eg_labelled_free(file);
}

/* ---- M5: least squares on four rows ---- */

static const double inputs[4][2] = {{1, 0}, {1, 1}, {0, 1}, {0.5, -1}}, target[4] = {1, 0, 1, -1};

typedef struct moments {
  double mean[2], second[2][2]; /* E x, E x x^T */
} moments;

/* One step of SGD with batch B on moments: x' = A x + c, (A, c) the mean of B independent rows. */
static moments sgd_moments(moments m, double eta, double batch) {
  moments row_mean = {{0, 0}, {{0, 0}, {0, 0}}}, out;
  double A_mean[2][2] = {{0}}, c_mean[2] = {0};
  for (int pass = 0; pass < 5; pass++) { /* the four rows, then their mean */
    double A[2][2], c[2];
    for (int i = 0; i < 2; i++) {
      for (int k = 0; k < 2; k++) {
        A[i][k] = pass < 4 ? (i == k) - eta * inputs[pass][i] * inputs[pass][k] : A_mean[i][k];
        A_mean[i][k] += pass < 4 ? A[i][k] / 4 : 0;
      }
      c[i] = pass < 4 ? eta * target[pass] * inputs[pass][i] : c_mean[i];
      c_mean[i] += pass < 4 ? c[i] / 4 : 0;
    }
    moments r;
    double Am[2];
    for (int i = 0; i < 2; i++) {
      Am[i] = A[i][0] * m.mean[0] + A[i][1] * m.mean[1];
      r.mean[i] = Am[i] + c[i];
    }
    for (int i = 0; i < 2; i++) {
      for (int k = 0; k < 2; k++) {
        r.second[i][k] = Am[i] * c[k] + c[i] * Am[k] + c[i] * c[k];
        for (int a = 0; a < 2; a++) {
          for (int b = 0; b < 2; b++) {
            r.second[i][k] += A[i][a] * m.second[a][b] * A[k][b];
          }
        }
      }
    }
    for (int i = 0; i < 2; i++) {
      for (int k = 0; k < 2; k++) {
        row_mean.second[i][k] += pass < 4 ? r.second[i][k] / 4 : 0;
      }
    }
    out = r;
  }
  for (int i = 0; i < 2;
       i++) { /* `out` is the map of the mean row; the rest of the covariance shrinks by B */
    for (int k = 0; k < 2; k++) {
      out.second[i][k] += (row_mean.second[i][k] - out.second[i][k]) / batch;
    }
  }
  return out;
}

static void expect_sgd(const eg_labelled *file, const char *label, double x0, double x1, size_t point,
                       double eta, int n, double batch) {
  moments m = {{x0, x1}, {{x0 * x0, x0 * x1}, {x1 * x0, x1 * x1}}};
  for (int i = 0; i < n; i++) {
    m = sgd_moments(m, eta, batch);
  }
  double loss = 0;
  for (int j = 0; j < 4; j++) {
    double square = target[j] * target[j];
    for (int i = 0; i < 2; i++) {
      square -= 2 * target[j] * inputs[j][i] * m.mean[i];
      for (int k = 0; k < 2; k++) {
        square += inputs[j][i] * inputs[j][k] * m.second[i][k];
      }
    }
    loss += square / 8;
  }
  add_row(file, "M5 recursion", label, "x", point, 0, "", m.mean[0], false);
  add_row(file, "M5 recursion", label, "x", point, 1, "", m.mean[1], false);
  add_row(file, "M5 recursion", label, "norm2", point, 0, "", m.second[0][0] + m.second[1][1], false);
  add_row(file, "M5 recursion", label, "loss", point, 0, "", loss, false);
}

static void expect_table(const eg_labelled *file, const char *study, const char *label,
                         const double *values) {
  expect(file, study, label, "x", 0, values[0]);
  expect(file, study, label, "norm2", 0, values[1]);
  expect(file, study, label, "loss", 0, values[2]);
}

static void least_squares(const char *eta, double value, int n, const double sgd[3], const double smf1[3],
                          const double smf2[3]) {
  char text[2500], study[40];
  (void)snprintf(text, sizeof text,
                 "seed: 106\nmodel: {name: linear-regression, data: four.h5, standardize: false}\n"
                 "start: {points: [[1, -1], [-1, 2]]}\nlearning_rate: %s\nhorizon: 1\ndynamics:\n"
                 "  - {name: sgd, batch_size: 1, label: sgd1}\n  - {name: sgd, batch_size: 4, label: sgd4}\n"
                 "  - {name: sgd, batch_size: 3, label: sgd3}\n"
                 "  - {name: sme1, factor: pair, substeps: 8, label: pair1}\n"
                 "  - {name: sme2, factor: pair, substeps: 8, label: pair2}\n"
                 "  - {name: sme1, factor: data, substeps: 8, label: data1}\n"
                 "  - {name: sme2, factor: data, substeps: 8, label: data2}\n"
                 "  - {name: sme1, factor: cholesky, substeps: 8, label: cholesky1}\n"
                 "  - {name: sme2, factor: cholesky, substeps: 8, label: cholesky2}\n"
                 "  - {name: sme1, factor: symmetric-root, substeps: 8, label: root1}\n"
                 "  - {name: sme2, factor: symmetric-root, substeps: 8, label: root2}\n"
                 "  - {name: sme1, factor: pair, scheme: euler-maruyama, label: euler1}\n"
                 "  - {name: sme2, factor: data, scheme: euler-maruyama, label: euler2}\n"
                 "realisations: 2^17\nobserve: {at: [1], features: [x, norm2, loss]}\n",
                 eta);
  eg_labelled *const file = run_study(text);
  (void)snprintf(study, sizeof study, "M5 eta %s", eta);
  expect_table(file, study, "sgd1", sgd);
  static const char *const first[] = {"pair1", "data1", "cholesky1", "root1"};
  static const char *const second[] = {"pair2", "data2", "cholesky2", "root2"};
  for (int i = 0; i < 4; i++) {
    expect_table(file, study, first[i], smf1);
    expect_table(file, study, second[i], smf2);
    reject(file, study, first[i], "norm2", 0, smf2[1]);
    reject(file, study, second[i], "norm2", 0, smf1[1]);
  }
  expect_table(file, study, "euler1", sgd); /* h = eta, drift uncorrected: the moments of SGD exactly */
  expect_sgd(file, "sgd1", 1, -1, 0, value, n, 1);
  expect_sgd(file, "sgd1", -1, 2, 1, value, n, 1);
  expect_sgd(file, "sgd3", 1, -1, 0, value, n, 3);
  expect_sgd(file, "sgd4", 1, -1, 0, value, n, 4);
  expect_sgd(file, "sgd4", -1, 2, 1, value, n, 4);
  reject(file, study, "sgd1", "norm2", 0, smf1[1]);
  reject(file, study, "sgd4", "norm2", 0, sgd[1]);
  reject(file, study, "sgd3", "norm2", 0, sgd[1]);
  reject(file, study, "euler2", "norm2", 0, smf2[1]);
  reject(file, study, "euler2", "norm2", 0, sgd[1]);
  eg_labelled_free(file);
}

int main(void) {
  char path[64];
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  (void)snprintf(path, sizeof path, "%s/four.h5", folder);
  if (!write_rows(path, 4, 2, &inputs[0][0], target)) {
    stop_with("data file");
  }
  ornstein_uhlenbeck("gaussian", true);
  ornstein_uhlenbeck("gaussian64", true);
  ornstein_uhlenbeck("table5", false);
  ornstein_uhlenbeck("table8", false);
  ornstein_uhlenbeck("table10", false);
  ornstein_uhlenbeck("two-point", false);
  ornstein_uhlenbeck("three-point", false);
  random_start();
  growth();
  sign_flip();
  additive();
  least_squares("1/8", 1.0 / 8, 8, (const double[]){0.709864713250709, 0.617920784888450, 0.535890175255035},
                (const double[]){0.714432668020556, 0.626392724944961, 0.548476646329332},
                (const double[]){0.709822182127538, 0.608630782957743, 0.533509519933691});
  least_squares("1/16", 1.0 / 16, 16,
                (const double[]){0.712155895446256, 0.580621724048515, 0.528805482514366},
                (const double[]){0.714432668020556, 0.586791150233542, 0.535616970740828},
                (const double[]){0.712145829574911, 0.578396131975198, 0.528239509555995});
  judge(150, 20);
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
