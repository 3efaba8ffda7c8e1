/*
 * Tables M1, M2, M5 and M7 of stochastic-modified-flows.md without statistics, to 1e-12: polynomials moved by the outcomes of
 * the shipped step of SGD, and by the equations whose drift and noise the shipped steps of smf1, smf2 and sme2 show
 * (outcomes.h, polynomials.h). Limits, slopes and the leading two-point defect by the affine oracle. Controls: the columns
 * of the other dynamics, other batches, other starts.
 */
#include "oracle/affine.h"
#include "oracle/mean_field.h"
#include "oracle/stationary.h"
#include "oracle_row.h"
#include "polynomials.h"
#include "write_rows.h"

static char folder[] = "/tmp/ensgrad-test-XXXXXX";
static eg_context *ctx;

enum { SQUARE = MOST_MONOMIALS * MOST_MONOMIALS };

/* Increment of the coefficients over time T: the chain `sgd`, or an equation by its step of Euler-Maruyama. */
static void moved(const polynomials *p, const char *model, const char *dynamics, double eta, double T, size_t elementary,
                  double *out) {
  double one[SQUARE];
  outcomes o = outcomes_of(folder, model, dynamics, eta, p->n_points, p->dim, p->start, elementary, 1024 * elementary);
  if (strstr(dynamics, "sgd") != NULL) {
    step_of_polynomials(p, &o, one);
    CHECK(eg_dense_power(ctx, (size_t)p->n, one, (uint64_t)llround(T / eta), out) == EG_OK);
  } else {
    generator_of_polynomials(p, &o, one);
    CHECK(eg_dense_expm1(ctx, (size_t)p->n, one, T, out) == EG_OK);
  }
  outcomes_free(&o);
}

#define EULER "scheme: euler-maruyama"
static const char SGD[] = "{name: sgd, batch_size: 1}", SMF1[] = "{name: smf1, factor: pair, " EULER "}",
                  SMF2[] = "{name: smf2, factor: pair, " EULER "}", DATA[] = "{name: smf2, factor: data, " EULER "}",
                  ROOT[] = "{name: sme2, factor: symmetric-root, " EULER "}";

/* ---- M1: sign flip ---- */

static const struct {
  const char *row;
  double eta, x, xx_sgd, xx_1, xx_2, xxxx_sgd, xxxx_2, xy_root;
} sign_flip[] = {
    {"P1 eta 1/8", 1. / 8, 0.343608915805817, 0.122973090258351, 0.139631286281399, 0.123224177647237, 0.0177463006272476,
     0.0172059504258514, -0.115758402136263},
    {"P1 eta 1/16", 1. / 16, 0.356074130451793, 0.129061690518530, 0.137466503838519, 0.129137829405204, 0.0178789176167229,
     0.0177521259216285, -0.125164676087660},
    {"P1 eta 1/32", 1. / 32, 0.362055289256317, 0.132179674307910, 0.136396731018500, 0.132200244777060, 0.0180624118773533,
     0.0180316812274365, -0.130150669954259},
    {"P1 eta 1/64", 1. / 64, 0.364986524243907, 0.133753252365501, 0.135864970558775, 0.133758579428958, 0.0181806716462288,
     0.0181731054560990, -0.132717661905620},
    {"P2 eta 1/8", 1. / 8, 0.356074130451793, 0.168084734483649, 0.173773943450445, 0.163245512453958, 0.0817363293448010,
     0.0724397570342515, -0.198026816727653},
    {"P2 eta 1/16", 1. / 16, 0.362055289256317, 0.149718481788650, 0.153354966844928, 0.148636730538123, 0.0378569359836800,
     0.0364249973373642, -0.231516804272526},
    {"P2 eta 1/32", 1. / 32, 0.364986524243907, 0.142086067206201, 0.144063659101453, 0.141830159087343, 0.0261036299181632,
     0.0258291908071908, -0.250329352175320},
    {"P2 eta 1/64", 1. / 64, 0.366437715922037, 0.138606914936300, 0.139631286281399, 0.138544666990756, 0.0218102293362192,
     0.0217503593444503, -0.260301339908517},
};

static void m1(void) {
  for (size_t i = 0; i < sizeof sign_flip / sizeof sign_flip[0]; i++) {
    const bool is_first = sign_flip[i].row[1] == '1';
    const double eta = sign_flip[i].eta, T = is_first ? 1 : 2, y = is_first ? -1 : -2;
    const char *const row = sign_flip[i].row,
               *const model = is_first ? "{name: sample-quadratic, rows: [[1.5, 0], [0.5, 0]]}"
                                       : "{name: sample-quadratic, rows: [[1.5, 0], [-0.5, 0]]}";
    const polynomials p = polynomials_of(2, 4, true, 1, y); /* x > 0 > y: the root is a polynomial of either */
    double sgd[SQUARE], first[SQUARE], second[SQUARE], data[SQUARE], root[SQUARE];
    moved(&p, model, SGD, eta, T, 2, sgd);
    moved(&p, model, SMF1, eta, T, 4, first);
    moved(&p, model, SMF2, eta, T, 4, second);
    moved(&p, model, DATA, eta, T, 4, data);
    moved(&p, model, ROOT, eta, T, 2, root);
    const double both = sign_flip[i].xx_2 * y;
    oracle_row("M1", row, "E X SGD", expected_power(&p, sgd, 1, y, 1, 0), sign_flip[i].x, 1e-12);
    oracle_row("M1", row, "E X^2 SGD", expected_power(&p, sgd, 1, y, 2, 0), sign_flip[i].xx_sgd, 1e-12);
    oracle_row("M1", row, "E X^2 SMF1", expected_power(&p, first, 1, y, 2, 0), sign_flip[i].xx_1, 1e-12);
    oracle_row("M1", row, "E X^2 SMF2", expected_power(&p, second, 1, y, 2, 0), sign_flip[i].xx_2, 1e-12);
    oracle_row("M1", row, "E X^4 SGD", expected_power(&p, sgd, 1, y, 4, 0), sign_flip[i].xxxx_sgd, 1e-12);
    oracle_row("M1", row, "E X^4 SMF2", expected_power(&p, second, 1, y, 4, 0), sign_flip[i].xxxx_2, 1e-12);
    oracle_row("M1", row, "E X^4 SMF2, data-indexed", expected_power(&p, data, 1, y, 4, 0), sign_flip[i].xxxx_2, 1e-12);
    oracle_row("M1", row, "E XY SME2", expected_power(&p, root, 1, y, 1, 1), sign_flip[i].xy_root, 1e-12);
    oracle_row("M1", row, "E XY SGD", expected_power(&p, sgd, 1, y, 1, 1), sign_flip[i].xx_sgd * y, 2e-12);
    oracle_row("M1", row, "E XY SMF2", expected_power(&p, second, 1, y, 1, 1), both, 2e-12);
    oracle_row("M1", row, "E XY SMF2, data-indexed", expected_power(&p, data, 1, y, 1, 1), both, 2e-12);
    oracle_row("M1", row, "SME/SMF = exp(-2 eta sig^2 T)", expected_power(&p, root, 1, y, 1, 1) / both,
               exp(-2 * eta * (is_first ? 0.25 : 1) * T), 1e-12);
    oracle_control("M1", row, "E XY SME2 of the flow", expected_power(&p, second, 1, y, 1, 1), sign_flip[i].xy_root, 1e-12);
    oracle_control("M1", row, "E X^2 SGD of the flow", expected_power(&p, second, 1, y, 2, 0), sign_flip[i].xx_sgd, 1e-12);
    oracle_control("M1", row, "E X^4 SMF2 of SMF1", expected_power(&p, first, 1, y, 4, 0), sign_flip[i].xxxx_2, 1e-12);
  }
}

/* ---- M2: data set D1, through the shipped steps ---- */

static void m2(void) {
  static const double table[5][5] = {
      {0.137837953135328, 0.136310383951010, -0.108108227381374, -0.125974640031897, -0.110137971343465},
      {0.136142489782607, 0.135785632234172, -0.121980891254453, -0.130674901506539, -0.122490026576236},
      {0.135637125804691, 0.135550822982554, -0.128722222811129, -0.133010051532298, -0.128849666571566},
      {0.135461825832236, 0.135440601604825, -0.132044678898766, -0.134173903964956, -0.132076557253092},
      {0.135392586996544, 0.135387324127806, -0.133693947678266, -0.134754902345710, -0.133701919301544}};
  char model[160], row[32];
  (void)snprintf(model, sizeof model, "{name: sample-quadratic, rows: [[1.5, 0.5], [1.5, -0.5], [0.5, 0.5], [0.5, -0.5]]}");
  const polynomials p = polynomials_of(2, 2, true, 1, -1);
  for (int i = 0; i < 5; i++) {
    const double eta = 0.125 / (1 << i), *const want = table[i];
    double sgd[SQUARE], first[SQUARE], second[SQUARE];
    (void)snprintf(row, sizeof row, "eta 1/%d", 8 << i);
    moved(&p, model, SGD, eta, 1, 4, sgd);
    moved(&p, model, SMF1, eta, 1, 16, first);
    moved(&p, model, SMF2, eta, 1, 16, second);
    oracle_row("M2", row, "E X^2 SGD", expected_power(&p, sgd, 1, -1, 2, 0), want[0], 1e-12);
    oracle_row("M2", row, "E X^2 SMF2", expected_power(&p, second, 1, -1, 2, 0), want[1], 1e-12);
    oracle_row("M2", row, "E XY SGD", expected_power(&p, sgd, 1, -1, 1, 1), want[2], 1e-12);
    oracle_row("M2", row, "E XY SMF1", expected_power(&p, first, 1, -1, 1, 1), want[3], 1e-12);
    oracle_row("M2", row, "E XY SMF2", expected_power(&p, second, 1, -1, 1, 1), want[4], 1e-12);
    const double mean = expected_power(&p, second, 1, -1, 1, 0);
    oracle_control("M2", row, "E XY SMF2, noise of their own", -mean * mean, want[4], 1e-12);
  }
}

/* ---- M5: fourth moments, limits, leading defect of the modified equation ---- */

static const double m5_a[8] = {1, 0, 1, 1, 0, 1, 0.5, -1}, m5_y[4] = {1, 0, 1, -1};
static const char M5[] = "{name: linear-regression, data: five.h5, standardize: false}";

static void m5_fourth(void) {
  static const double sgd_table[] = {0.46653968130500, 0.37406789793482, 0.33499685533184},
                      flow_table[] = {0.45322019836308, 0.37098568565009, 0.33426151543771};
  const polynomials p = polynomials_of(2, 4, false, 0, 0);
  char row[32];
  for (int i = 0; i < 3; i++) {
    double sgd[SQUARE], flow[SQUARE], first[SQUARE], fourth[3];
    const double *const E[3] = {sgd, flow, first};
    (void)snprintf(row, sizeof row, "eta 1/%d", 8 << i);
    moved(&p, M5, SGD, 0.125 / (1 << i), 1, 4, sgd);
    moved(&p, M5, SMF2, 0.125 / (1 << i), 1, 16, flow);
    moved(&p, M5, SMF1, 0.125 / (1 << i), 1, 16, first);
    for (int k = 0; k < 3; k++) {
      fourth[k] = expected_power(&p, E[k], 1, -1, 4, 0) + 2 * expected_power(&p, E[k], 1, -1, 2, 2) +
                  expected_power(&p, E[k], 1, -1, 0, 4);
    }
    oracle_row("M5", row, "E |X|^4 SGD", fourth[0], sgd_table[i], 1e-12);
    oracle_row("M5", row, "E |X|^4 SMF2", fourth[1], flow_table[i], 1e-12);
    oracle_control("M5", row, "E |X|^4 SMF2 of SMF1", fourth[2], flow_table[i], 1e-12);
    oracle_control("M5", row, "E |X|^4 SGD of SMF2", fourth[1], sgd_table[i], 1e-12);
  }
}

static const double m5_start[4] = {1, -1, -1, 2};

/* E X_1, E |X|^2, E R(X), E X.Y at T = 1. */
static void four_of(const eg_affine_model *model, eg_law law, double eta, double *out) {
  const eg_affine_setting setting = {law, EG_AFFINE_EXACT, eta, 1, 1};
  const uint64_t steps = (uint64_t)llround(1 / eta);
  double mean[4], second[16], start[16];
  for (int i = 0; i < 16; i++) {
    start[i] = m5_start[i / 4] * m5_start[i % 4];
  }
  CHECK(eg_affine_moments(ctx, model, &setting, 2, m5_start, start, 1, &steps, mean, second) == EG_OK);
  const double one[4] = {second[0], second[1], second[4], second[5]};
  out[0] = mean[0];
  out[1] = second[0] + second[5];
  out[2] = eg_affine_loss(model, mean, one);
  out[3] = second[2] + second[7];
}

static void m5_limits(void) {
  static const char *const columns[4] = {"E X_1", "E |X|^2", "E R(X)", "E X.Y"};
  static const double first_table[4] = {0.0363, 0.1266, 0.1164, -0.3567}, second_table[4] = {-0.00246, -0.5465, -0.1379, 0.0479};
  eg_affine_model model;
  double sgd[2][4], first[2][4], second[2][4];
  CHECK(eg_affine_least_squares(ctx, 4, 2, m5_a, m5_y, 0, &model) == EG_OK);
  for (int k = 0; k < 2; k++) {
    const double eta = 1.0 / (1024 << k);
    four_of(&model, EG_LAW_SGD, eta, sgd[k]);
    four_of(&model, EG_LAW_SDE1, eta, first[k]);
    four_of(&model, EG_LAW_SDE2, eta, second[k]);
  }
  for (int i = 0; i < 4; i++) { /* extrapolated once */
    const double a = (first[0][i] - sgd[0][i]) * 1024, b = (first[1][i] - sgd[1][i]) * 2048;
    const double c = (second[0][i] - sgd[0][i]) * 1024 * 1024, d = (second[1][i] - sgd[1][i]) * 2048 * 2048;
    oracle_row("M5 limits", "(SMF1 - SGD)/eta", columns[i], 2 * b - a, first_table[i], 5.1e-5);
    oracle_row("M5 limits", "(SMF2 - SGD)/eta^2", columns[i], 2 * d - c, second_table[i], i == 0 ? 5.1e-6 : 5.1e-5);
    oracle_control("M5 limits", "(SMF1 - SGD)/eta of SMF2", columns[i], (second[1][i] - sgd[1][i]) * 2048, first_table[i], 5.1e-5);
  }
  eg_affine_free(&model);
}

/* Sigma(x, y) of the model: sum over its channels. */
static void two_point(const eg_affine_model *model, const double *x, const double *y, double *out) {
  const int d = model->dim;
  memset(out, 0, sizeof(double) * (size_t)(d * d));
  for (int c = 0; c < model->n_channels; c++) {
    double u[8], v[8];
    for (int i = 0; i < d; i++) {
      u[i] = v[i] = model->s[c * d + i];
      for (int k = 0; k < d; k++) {
        u[i] += model->S[(c * d + i) * d + k] * x[k];
        v[i] += model->S[(c * d + i) * d + k] * y[k];
      }
    }
    for (int i = 0; i < d * d; i++) {
      out[i] += u[i / d] * v[i % d];
    }
  }
}

/* Symmetric root of the covariance at x. */
static void root_of(const eg_affine_model *model, const double *x, double *out) {
  const int d = model->dim;
  double C[64], values[8], vectors[64];
  eg_affine_covariance(model, x, C);
  CHECK(eg_symmetric_eigen(ctx, (size_t)d, C, values, vectors) == EG_OK);
  for (int i = 0; i < d * d; i++) {
    out[i] = 0;
    for (int k = 0; k < d; k++) {
      out[i] += sqrt(fmax(values[k], 0)) * vectors[k * d + i / d] * vectors[k * d + i % d];
    }
  }
}

/* int_0^T tr[F^2 C(x_t, y_t)] dt, F = exp(-H (T - t)), of C = S(x) S(y)^T (is_root) or Sigma(x, y); Simpson, 2^10 panels. */
static double cross_noise(const eg_affine_model *model, const double *x, const double *y, double T, bool is_root) {
  enum { N = 1024 };
  const int d = model->dim;
  double sum = 0;
  for (int k = 0; k <= N; k++) {
    const double t = T * k / N;
    double M[64], v[8], F[64], w[8], at[2][8], C[64], S[2][64];
    CHECK(eg_affine_flow(ctx, model, 0, t, M, v) == EG_OK && eg_affine_flow(ctx, model, 0, T - t, F, w) == EG_OK);
    for (int i = 0; i < d; i++) {
      at[0][i] = at[1][i] = v[i];
      for (int j = 0; j < d; j++) {
        at[0][i] += M[i * d + j] * x[j];
        at[1][i] += M[i * d + j] * y[j];
      }
    }
    if (is_root) {
      root_of(model, at[0], S[0]);
      root_of(model, at[1], S[1]);
      eg_dense_multiply((size_t)d, S[0], S[1], C); /* the roots are symmetric */
    } else {
      two_point(model, at[0], at[1], C);
    }
    double trace = 0;
    for (int i = 0; i < d * d * d; i++) {
      trace += F[i / d / d * d + i / d % d] * F[i / d % d * d + i % d] * C[i % d * d + i / d / d];
    }
    sum += trace * (k == 0 || k == N ? 1 : k % 2 == 1 ? 4 : 2) * T / (3 * N);
  }
  return sum;
}

static void leading_defects(void) {
  static const double ones[4] = {1, 1, 1, 1}, none[4] = {0, 0, 0, 0}, x[4] = {1, 0, 0, 0}, y[4] = {0, 1, 0, 0};
  eg_affine_model model;
  CHECK(eg_affine_least_squares(ctx, 4, 2, m5_a, m5_y, 0, &model) == EG_OK);
  const double root = cross_noise(&model, m5_start, m5_start + 2, 1, true),
               flow = cross_noise(&model, m5_start, m5_start + 2, 1, false);
  oracle_row("M5 SME2", "leading defect / eta", "E X.Y", root - flow, 0.348907133539, 1e-12);
  oracle_row("M5 SME2", "cross noise of SME", "E X.Y", root, 0.33477, 5.1e-6);
  oracle_row("M5 SME2", "cross noise of SMF", "E X.Y", flow, -0.01414, 5.1e-6);
  oracle_control("M5 SME2", "leading defect of the flow", "E X.Y", 0, 0.348907133539, 1e-12);
  eg_affine_free(&model);
  CHECK(eg_affine_gaussian_least_squares(ctx, 4, ones, none, 0.5, &model) == EG_OK);
  oracle_row("M4 SME2", "leading defect / eta", "E X.Y", cross_noise(&model, x, y, 1, true) - cross_noise(&model, x, y, 1, false),
             0.6612, 5.1e-5);
  eg_affine_free(&model);
  const double a[4] = {sqrt(1.5), sqrt(1.5), sqrt(0.5), sqrt(0.5)}, b[4] = {0.5 / a[0], -0.5 / a[1], 0.5 / a[2], -0.5 / a[3]};
  const double plus = 1, minus = -1;
  CHECK(eg_affine_least_squares(ctx, 4, 1, a, b, 0, &model) == EG_OK);
  oracle_row("M2 SME2", "leading defect / eta", "E XY",
             cross_noise(&model, &plus, &minus, 1, true) - cross_noise(&model, &plus, &minus, 1, false), 0.5 * exp(-2), 1e-12);
  eg_affine_free(&model);
}

/* ---- M7: limits, infinite width, slopes ---- */

static void mean_and_variance(const eg_affine_model *model, eg_law law, double eta, double start_variance, double *mean,
                              double *variance) {
  const eg_affine_setting setting = {law, EG_AFFINE_EXACT, eta, 1, 1};
  const uint64_t steps = (uint64_t)llround(1 / eta);
  const double one = 1, second = 1 + start_variance;
  double c = 0;
  CHECK(eg_affine_moments(ctx, model, &setting, 1, &one, &second, 1, &steps, mean, &c) == EG_OK);
  *variance = c - *mean * *mean;
}

static void m7(void) {
  static const double infinite[3][2] = {{0.0197708661140794, 0.0168774156842905},
                                        {0.0093537034056068, 0.0086498993021363},
                                        {0.0045530933262160, 0.0043793686723600}};
  static const double limit = 0.209584552022883;
  const double a[4] = {sqrt(1.5), sqrt(1.5), sqrt(0.5), sqrt(0.5)}, b[4] = {0.5 / a[0], -0.5 / a[1], 0.5 / a[2], -0.5 / a[3]};
  eg_affine_model model;
  char row[32];
  double mean, variance, other;
  CHECK(eg_affine_least_squares(ctx, 4, 1, a, b, 0, &model) == EG_OK);
  for (int i = 0; i < 3; i++) {
    (void)snprintf(row, sizeof row, "M infinite, eta 1/%d", 8 << i);
    mean_and_variance(&model, EG_LAW_SGD, 0.125 / (1 << i), 0, &mean, &variance);
    mean_and_variance(&model, EG_LAW_SDE2, 0.125 / (1 << i), 0, &mean, &other);
    oracle_row("M7", row, "Var m SGD", variance, infinite[i][0], 1e-13);
    oracle_row("M7", row, "Var m DDSMF", other, infinite[i][1], 1e-13);
    oracle_control("M7", row, "Var m SGD of DDSMF", other, infinite[i][0], 1e-13);
    mean_and_variance(&model, EG_LAW_SDE1, 0.125 / (1 << i), 0, &mean, &other);
    oracle_row("M7", row, "E m without the Lions term", mean, 0.367879441171442, 1e-14);
    if (i == 1) { /* S12: E W_2^2 of SGD and the mean-field ODE */
      double chain;
      mean_and_variance(&model, EG_LAW_SGD, 1. / 16, 0, &chain, &variance);
      oracle_row("M7", row, "E W_2^2(SGD, ODE)", variance + (chain - mean) * (chain - mean), 0.009493068767, 1e-12);
    }
  }
  double scaled[2][3], bias[3][3]; /* SGD, DDSMF, no Lions term: M Var at M = 2^12, 2^13; E m at eta = 1/256, 1/512, 1/1024 */
  static const eg_law laws[3] = {EG_LAW_SGD, EG_LAW_SDE2, EG_LAW_SDE1};
  for (int law = 0; law < 3; law++) {
    for (int k = 0; k < 2; k++) {
      const double M = 4096 << k;
      mean_and_variance(&model, laws[law], 1 / M, eg_mean_field_variance(M, 0.5), &mean, &variance);
      scaled[k][law] = M * variance;
    }
    for (int k = 0; k < 3; k++) {
      mean_and_variance(&model, laws[law], 1.0 / (256 << k), 0, &bias[k][law], &variance);
    }
    oracle_row("M7", "M -> infinity", laws[law] == EG_LAW_SGD ? "M Var SGD" : laws[law] == EG_LAW_SDE2 ? "M Var DDSMF" : "M Var DD1",
               2 * scaled[1][law] - scaled[0][law], limit, 3e-8);
  }
  oracle_row("M7", "M (M Var - limit)", "SGD", 8192 * (scaled[1][0] - limit), 0.0676, 6e-5);
  oracle_row("M7", "M (M Var - limit)", "DDSMF", 8192 * (scaled[1][1] - limit), -0.1082, 6e-5);
  oracle_row("M7", "M^2 (mean error)", "DDSMF", 1024. * 1024 * (bias[2][1] - bias[2][0]), 0.1226, 1.5e-4);
  oracle_row("M7", "error/eta without the Lions term", "E m", 1024 * (bias[2][2] - bias[2][0]), 0.184, 6e-4);
  oracle_row("M7", "slope with the Lions term", "E m", log2((bias[1][1] - bias[1][0]) / (bias[2][1] - bias[2][0])), 2, 0.01);
  oracle_row("M7", "slope without it", "E m", log2((bias[1][2] - bias[1][0]) / (bias[2][2] - bias[2][0])), 1, 0.01);
  oracle_control("M7", "slope with the Lions term, without it", "E m",
                 log2((bias[1][2] - bias[1][0]) / (bias[2][2] - bias[2][0])), 2, 0.01);
  eg_affine_free(&model);
}

int main(void) {
  char path[64];
  ctx = eg_context_create();
  if (ctx == NULL || mkdtemp(folder) == NULL) {
    stop_with("no context or folder");
  }
  (void)snprintf(path, sizeof path, "%s/five.h5", folder);
  if (!write_rows(path, 4, 2, m5_a, m5_y)) {
    stop_with("data file");
  }
  m1();
  m2();
  m5_fourth();
  m5_limits();
  leading_defects();
  m7();
  oracle_count(159, 44);
  (void)unlink(path);
  (void)rmdir(folder);
  eg_context_free(ctx);
  return check_report();
}
