/*
 * Oracles A and B of svag-and-sde-validity.md and the numbers of its sections 1.2 to 1.4 and 1.6 without statistics. A: polynomials
 * moved by all outcomes of the shipped steps of SGD, SVAG and sme1 (outcomes.h, polynomials.h); one iteration of SVAG(l) is a
 * step of SGD on the rows of all pairs, and of the one-sided amplifier on rows spread by sqrt(l). B: the affine oracle.
 * Controls: rows of other l, other equations.
 */
#include "oracle/affine.h"
#include "oracle/stationary.h"
#include "oracle_row.h"
#include "polynomials.h"

static char folder[] = "/tmp/ensgrad-test-XXXXXX";
static eg_context *ctx;

enum { SQUARE = MOST_MONOMIALS * MOST_MONOMIALS };

static const double a_rows[4] = {0, 1, 1, 2}, b_rows[4] = {2, -1, -1, 0};
static const char MODEL[] = "{name: sample-quadratic, rows: [[0, 2], [1, -1], [1, -1], [2, 0]]}",
                  SGD[] = "{name: sgd, batch_size: 1}";

/* Rows (a, b) of a model. */
static const char *rows_model(int n, const double *a, const double *b) {
  static char text[2048];
  int at = snprintf(text, sizeof text, "{name: sample-quadratic, rows: [");
  for (int i = 0; i < n; i++) {
    at += snprintf(text + at, sizeof text - (size_t)at, "%s[%.17g, %.17g]", i == 0 ? "" : ", ", a[i], b[i]);
  }
  (void)snprintf(text + at, sizeof text - (size_t)at, "]}");
  return text;
}

static const char *amplified(double l) {
  const double s = sqrt(2.0 * l - 1), plus = (1 + s) / 2, minus = (1 - s) / 2;
  double a[16], b[16];
  for (int i = 0; i < 16; i++) {
    a[i] = plus * a_rows[i / 4] + minus * a_rows[i % 4];
    b[i] = plus * b_rows[i / 4] + minus * b_rows[i % 4];
  }
  return rows_model(16, a, b);
}

static const char *one_sided(double l) { /* mean + sqrt(l) (g - mean): means 1 and 0 */
  double a[4], b[4];
  for (int i = 0; i < 4; i++) {
    a[i] = 1 + sqrt(l) * (a_rows[i] - 1);
    b[i] = sqrt(l) * b_rows[i];
  }
  return rows_model(4, a, b);
}

/* E x^p, p = 1 to 4, from 1 after `steps` steps with outcomes of `elementary` chances. */
static void chain_moments(const char *model, const char *dynamics, double h, size_t elementary, size_t realisations,
                          uint64_t steps, double *out) {
  const polynomials p = polynomials_of(1, 4, false, 1, 0);
  double one[SQUARE], all[SQUARE];
  outcomes o = outcomes_of(folder, model, dynamics, h, p.n_points, 1, p.start, elementary, realisations);
  step_of_polynomials(&p, &o, one);
  outcomes_free(&o);
  CHECK(eg_dense_power(ctx, (size_t)p.n, one, steps, all) == EG_OK);
  for (int k = 1; k < 5; k++) {
    out[k - 1] = expected_power(&p, all, 1, 1, k, 0);
  }
}

static void svag_moments(double l, double *out) {
  chain_moments(amplified(l), SGD, 0.1 / l, 16, 16384, (uint64_t)(10 * l), out);
}

static void equation_moments(const char *dynamics, double *out) {
  const polynomials p = polynomials_of(1, 4, false, 1, 0);
  double one[SQUARE], all[SQUARE];
  outcomes o = outcomes_of(folder, MODEL, dynamics, 0.1, p.n_points, 1, p.start, 16, 16384);
  generator_of_polynomials(&p, &o, one);
  outcomes_free(&o);
  CHECK(eg_dense_expm1(ctx, (size_t)p.n, one, 1, all) == EG_OK);
  for (int k = 1; k < 5; k++) {
    out[k - 1] = expected_power(&p, all, 1, 1, k, 0);
  }
}

/* Euler-Maruyama with step 0.1 / l: the outcomes with two-point noise are mean +- deviation, put at the nodes of Gauss and
   Hermite, which are exact to degree 5. */
static void euler_moments(int l, double *out) {
  const polynomials p = polynomials_of(1, 4, false, 1, 0);
  double one[SQUARE], all[SQUARE];
  outcomes o = outcomes_of(folder, one_sided(l), "{name: sme1, factor: symmetric-root, scheme: euler-maruyama}", 0.1 / l,
                           p.n_points, 1, p.start, 2, 2048);
  outcomes normal = {.n = 3, .width = o.width, .to = calloc(3 * o.width, sizeof(double)), .weight = calloc(3, sizeof(double))};
  CHECK(o.n == 2);
  for (size_t i = 0; i < o.width; i++) {
    const double mean = (o.to[i] + o.to[o.width + i]) / 2, deviation = (o.to[i] - o.to[o.width + i]) / 2;
    for (size_t k = 0; k < 3; k++) {
      normal.to[k * o.width + i] = mean + sqrt(3) * ((double)k - 1) * deviation;
      normal.weight[k] = k == 1 ? 2. / 3 : 1. / 6;
    }
  }
  step_of_polynomials(&p, &normal, one);
  outcomes_free(&normal);
  outcomes_free(&o);
  CHECK(eg_dense_power(ctx, (size_t)p.n, one, (uint64_t)(10 * l), all) == EG_OK);
  for (int k = 1; k < 5; k++) {
    out[k - 1] = expected_power(&p, all, 1, 1, k, 0);
  }
}

static void four_rows(const char *row, const double *got, const double *want) {
  static const char *const columns[4] = {"E x", "E x^2", "E x^3", "E x^4"};
  for (int k = 0; k < 4; k++) {
    oracle_row("oracle A", row, columns[k], got[k], want[k], 1e-12);
  }
}

static const double sde[4] = {0.3678794411714423, 0.2320009227973006, 0.1691952043099958, 0.1473019069576512};

static void oracle_a(void) {
  static const struct {
    int l;
    double m[4];
  } table[] = {{1, {0.3486784401000000, 0.2257011730406479, 0.1782321393647577, 0.1717117690731396}},
               {2, {0.3584859224085422, 0.2287873853204735, 0.1749041346540064, 0.1622435960552195}},
               {4, {0.3632324398878807, 0.2303796852950611, 0.1723179710591955, 0.1554250567614390}},
               {8, {0.3655681440471170, 0.2311868552627834, 0.1708202697835663, 0.1515222559166339}},
               {16, {0.3667268147185992, 0.2315930471603673, 0.1700232492233422, 0.1494512217145058}},
               {32, {0.3673038799204590, 0.2317967770084434, 0.1696130547227978, 0.1483862794080248}},
               {64, {0.3675918480985568, 0.2318987982197158, 0.1694050803031530, 0.1478465131521403}}},
    euler[] = {{1, {0, 0, 0.1649511477778396, 0.1462197686913574}},
               {4, {0, 0, 0.1681466368379673, 0.1470131559401475}},
               {16, {0, 0, 0.1689336450106810, 0.1472286463354934}}};
  double got[4], noise[3] = {0};
  char row[32];
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    (void)snprintf(row, sizeof row, "l %d", table[i].l);
    svag_moments(table[i].l, got);
    four_rows(row, got, table[i].m);
    oracle_control("oracle A", row, "E x^3 of the SDE", got[2], sde[2], 1e-12);
    noise[0] = table[i].l == 1 ? got[1] / 2 + got[0] + 1.5 : noise[0];
    noise[1] = table[i].l == 4 ? got[1] / 2 + got[0] + 1.5 : noise[1];
  }
  chain_moments(MODEL, SGD, 0.1, 4, 4096, 10, got);
  four_rows("l 1, sgd", got, table[0].m);
  chain_moments(MODEL, "{name: svag, l: 2, batch_size: 1}", 0.1, 256, 1 << 17, 10, got);
  four_rows("l 2, svag", got, table[1].m);
  equation_moments("{name: sme1, factor: pair, scheme: euler-maruyama}", got);
  four_rows("SDE", got, sde);
  noise[2] = got[1] / 2 + got[0] + 1.5;
  equation_moments("{name: sme2, factor: pair, scheme: euler-maruyama}", got);
  oracle_control("oracle A", "SDE", "E x^2 of sme2", got[1], sde[1], 1e-12);
  oracle_row("oracle A", "l 1", "N", noise[0], 1.961529026620324, 1e-12);
  oracle_row("oracle A", "l 4", "N", noise[1], 1.978422282535411, 1e-12);
  oracle_row("oracle A", "SDE", "N", noise[2], 1.983879902570093, 1e-12);
  for (size_t i = 0; i < 3; i++) {
    double same[4];
    (void)snprintf(row, sizeof row, "EM, l %d", euler[i].l);
    euler_moments(euler[i].l, got);
    svag_moments(euler[i].l, same);
    oracle_row("oracle A", row, "E x as SVAG", got[0], same[0], 1e-12);
    oracle_row("oracle A", row, "E x^2 as SVAG", got[1], same[1], 1e-12);
    oracle_row("oracle A", row, "E x^3", got[2], euler[i].m[2], 1e-12);
    oracle_row("oracle A", row, "E x^4", got[3], euler[i].m[3], 1e-12);
    oracle_control("oracle A", row, "E x^3 of SVAG", same[2], euler[i].m[2], 1e-12);
  }
}

/* ---- 1.2 to 1.4 ---- */

static void weak_errors(void) {
  static const double limit[4] = {-0.0183939720586, -0.00653926754951, 0.0134926506343, 0.0350092977444},
                      at_256[4] = {-0.018397, -0.006538, 0.013478, 0.034971},
                      richardson[4] = {-1.273e-4, -1.158e-4, -1.104e-4, -1.078e-4}, amplifier[4] = {.00502, .00271, .00141, .000720};
  static const char *const columns[4] = {"E x", "E x^2", "E x^3", "E x^4"};
  double got[5][4], before[4], after[4];
  char row[32];
  for (int i = 0; i < 5; i++) {
    svag_moments(16 << i, got[i]);
  }
  for (int k = 0; k < 4; k++) {
    double e[4];
    for (int i = 0; i < 4; i++) {
      e[i] = (16 << i) * (got[i][k] - sde[k]);
    }
    for (int order = 1; order < 4; order++) { /* extrapolated in 1/l */
      for (int i = 0; i + order < 4; i++) {
        e[i] = ((1 << order) * e[i + 1] - e[i]) / ((1 << order) - 1);
      }
    }
    oracle_row("1.3 leading error", "l 256", columns[k], 256 * (got[4][k] - sde[k]), at_256[k], 5.1e-7);
    oracle_row("1.3 leading error", "l -> infinity", columns[k], e[0], limit[k], 1e-9);
    oracle_control("1.3 leading error", "l 256", columns[k], 256 * (got[4][k] - sde[k]), limit[k], 1e-9);
  }
  for (int i = 0; i < 4; i++) {
    const int l = 1 << i;
    svag_moments(l, before);
    svag_moments(2 * l, after);
    (void)snprintf(row, sizeof row, "l %d", l);
    oracle_row("1.3 Richardson", row, "l^2 error of E x^2", l * l * (2 * after[1] - before[1] - sde[1]), richardson[i], 5.1e-8);
    oracle_control("1.3 Richardson", row, "l^2 error of S(2l) alone", l * l * (after[1] - sde[1]), richardson[i], 5.1e-8);
  }
  for (int i = 0; i < 4; i++) {
    const int l = 4 << (2 * i);
    chain_moments(one_sided(l), SGD, 0.1 / l, 4, 4096, (uint64_t)(10 * l), after);
    svag_moments(l, before);
    (void)snprintf(row, sizeof row, "l %d", l);
    oracle_row("1.3 one-sided amplifier", row, "error of E x^3", after[2] - sde[2], amplifier[i], i == 3 ? 5.1e-7 : 5.1e-6);
    oracle_row("1.3 one-sided amplifier", row, "E x^2 as SVAG", after[1], before[1], 1e-12);
    oracle_control("1.3 one-sided amplifier", row, "error of SVAG", before[2] - sde[2], amplifier[i], i == 3 ? 5.1e-7 : 5.1e-6);
  }
}

static void stability_and_sde2(void) {
  static const double growth[4] = {3.86, 1.22, .878, .8075};
  const polynomials p = polynomials_of(1, 2, false, 1, 0);
  char row[32];
  for (int l = 1; l < 5; l++) {
    double one[SQUARE];
    outcomes o = outcomes_of(folder, amplified(l), SGD, 2.2 / l, p.n_points, 1, p.start, 16, 16384);
    step_of_polynomials(&p, &o, one);
    outcomes_free(&o);
    (void)snprintf(row, sizeof row, "l %d", l); /* of an iteration: the table's figures are per iteration */
    oracle_row("1.4.3 stability", row, "growth of E x^2 at eta 2.2", one[2 * p.n + 2] + 1, growth[l - 1],
               l < 3 ? 5.1e-3 : l == 3 ? 5.1e-4 : 5.1e-5);
    oracle_control("1.4.3 stability", row, "growth without noise", pow(1 - 2.2 / l, 2), growth[l - 1], 5.1e-3);
  }
  /* sde2: one batch times 1 +- sqrt(l - 1) */
  enum { L = 16384 };
  double a[8], b[8], got[4];
  for (int i = 0; i < 8; i++) {
    const double factor = 1 + sqrt(L - 1) * (i < 4 ? 1 : -1);
    a[i] = factor * a_rows[i % 4];
    b[i] = factor * b_rows[i % 4];
  }
  chain_moments(rows_model(8, a, b), SGD, 0.1 / L, 8, 8192, 10 * L, got);
  oracle_row("1.4.4 sde2", "l -> infinity", "E x^2", got[1], .2503, 5.1e-5);
  oracle_control("1.4.4 sde2", "SVAG's SDE", "E x^2", sde[1], .2503, 5.1e-5);
}

/* Displacement of a step of svag, l = 2, without curvature: cumulants of order 3 and 4 against those of sgd. */
static void cumulants(void) {
  double k[2][5];
  for (int is_svag = 0; is_svag < 2; is_svag++) {
    const double from = 0;
    outcomes o = outcomes_of(folder, "{name: sample-quadratic, rows: [[0, 2], [0, -1], [0, -1], [0, 0]]}",
                             is_svag ? "{name: svag, l: 2, batch_size: 1}" : SGD, 0.1, 1, 1, &from, is_svag ? 256 : 4,
                             is_svag ? 1 << 18 : 4096);
    double m[5] = {0};
    for (size_t i = 0; i < o.n; i++) {
      for (int p = 1; p < 5; p++) {
        m[p] += o.weight[i] * pow(o.to[i], p);
      }
    }
    k[is_svag][2] = m[2];
    k[is_svag][3] = m[3];
    k[is_svag][4] = m[4] - 3 * m[2] * m[2];
    CHECK(fabs(m[1]) < 1e-15);
    outcomes_free(&o);
  }
  oracle_row("1.2 cumulants of a step", "l 2", "second", k[1][2] / k[0][2], 1, 1e-12);
  oracle_row("1.2 cumulants of a step", "l 2", "third", k[1][3] / k[0][3], .625, 1e-12);
  oracle_row("1.2 cumulants of a step", "l 2", "fourth", k[1][4] / k[0][4], .4375, 1e-12);
  oracle_control("1.2 cumulants of a step", "l 1", "third", 1, .625, 1e-12);
}

/* 1.6: gradients -b of n = 6 rows, batches of B = 2; noise of a step against Sp / B, and of a whole epoch. */
static void sampling_modes(void) {
  static const char model[] = "{name: sample-quadratic, rows: [[0, 1], [0, -2], [0, 4], [0, 0.5], [0, 3], [0, -1.5]]}";
  static const double b[6] = {1, -2, 4, 0.5, 3, -1.5};
  const double from = 0;
  double mean = 0, variance = 0;
  for (int i = 0; i < 6; i++) {
    mean += b[i] / 6;
    variance += b[i] * b[i] / 6;
  }
  variance -= mean * mean;
  outcomes with = outcomes_of(folder, model, "{name: sgd, batch_size: 2}", 0.1, 1, 1, &from, 36, 1 << 17);
  outcomes without = outcomes_of(folder, model, "{name: sgd, batch_size: 2, sampling: without-replacement}", 0.1, 1, 1, &from, 30, 1 << 17);
  const double unit = variance / 2 * 0.1; /* covariance per time of iid batches: eta Sp / B */
  oracle_row("1.6 sampling", "with replacement", "Cov / (Sp/B)", outcome_covariance(&with, 0, 0) / unit, 1, 1e-12);
  oracle_row("1.6 sampling", "without replacement", "Cov / (Sp/B) = (n-B)/(n-1)", outcome_covariance(&without, 0, 0) / unit, 0.8, 1e-12);
  oracle_control("1.6 sampling", "with replacement", "Cov / (Sp/B)", outcome_covariance(&with, 0, 0) / unit, 0.8, 1e-12);
  outcomes_free(&with);
  outcomes_free(&without);
  double spread[2]; /* of the noise summed over an epoch: reshuffled, with replacement */
  for (int k = 0; k < 2; k++) {
    char text[500];
    (void)snprintf(text, sizeof text,
                   "seed: 61\nmodel: %s\nlearning_rate: 0.1\nsteps: 3\ndynamics: {name: sgd, batch_size: 2, sampling: %s}\n"
                   "realisations: 1000\nobserve: {at: {steps: [3]}, features: [x], keep: {realisations: 1000, of: x}}\n",
                   model, k == 0 ? "shuffle" : "replacement");
    eg_labelled *const file = run_text(folder, text);
    const eg_variable *const v = eg_labelled_find(file, "/", "x_path");
    spread[k] = 0;
    for (size_t i = 0; v != NULL && i < 1000; i++) {
      spread[k] = fmax(spread[k], fabs(((const double *)v->data)[i] - 0.3 * mean));
    }
    eg_labelled_free(file);
  }
  oracle_row("1.6 sampling", "reshuffled", "noise summed over an epoch", spread[0], 0, 1e-14);
  oracle_control("1.6 sampling", "with replacement", "noise summed over an epoch", spread[1], 0, 1e-14);
}

/* ---- oracle B ---- */

static void oracle_b(void) {
  static const double inputs[8] = {1, 0, 0, 2, 1, 1, 2, -1}, target[4] = {1, -1, 2, 0}, start[4] = {0};
  static const struct {
    const char *row;
    double batch, h;
    eg_law law;
    double want[8]; /* E x_1, E x_2, M_11, M_12, M_22, E L, G, N (0: not in the table) */
  } table[] = {
      {"kappa 4", 8, .4, EG_LAW_SGD, {.504390000000000, .0768600000000000, .292376623047324, .0445595156248291, .0587505033844727, .623912965917640, 0, 0}},
      {"kappa 2", 4, .2, EG_LAW_SGD, {.494506786299023, .0717051048752930, .274855687075251, .0425037637992117, .0480881687325185, .610701861181757, 0, 0}},
      {"l 1", 2, .1, EG_LAW_SGD, {.488951444905290, .0695232998303522, .266581735799814, .0412856533889490, .0441256961302055, .605995576921310, .145012942654226, 1.82154008239253}},
      {"l 2", 1, .05, EG_LAW_SGD, {.486089203647613, .0685163936154852, .262563821942492, .0406649068359676, .0423841212088623, .603977827918814, 0, 0}},
      {"l 4", .5, .025, EG_LAW_SGD, {.484643221784100, .0680320104412668, .260584625574502, .0403540266837109, .0415645566760830, .603040963678937, .135753698830163, 1.80732197939907}},
      {"l 8", .25, .0125, EG_LAW_SGD, {.483917183377636, .0677943599254132, .259602463482289, .0401986862188320, .0411666654956049, .602589287645485, 0, 0}},
      {"l 16", .125, .00625, EG_LAW_SGD, {.483553479326056, .0676766426979942, .259113240484117, .0401210654591048, .0409705873168710, .602367494991422, 0, 0}},
      {"l 64", .03125, .0015625, EG_LAW_SGD, {.483280418985414, .0675888332892419, .258747135837454, .0400628768909737, .0408247594773269, .602202888024282, 0, 0}},
      {"SDE", 2, .1, EG_LAW_SDE1, {.483189346822334, .0675596540033272, .258625255703093, .0400434863691537, .0407763822771100, .602148346776114, .132959898176486, 1.80278575784194}},
  };
  static const char *const columns[8] = {"E x_1", "E x_2", "M_11", "M_12", "M_22", "E L", "G", "N"};
  eg_affine_model model;
  CHECK(eg_affine_least_squares(ctx, 4, 2, inputs, target, 0, &model) == EG_OK);
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    const eg_affine_setting setting = {table[i].law, EG_AFFINE_EXACT, table[i].h, table[i].batch, 1};
    const uint64_t steps = (uint64_t)llround(2 / table[i].h);
    double mean[2], second[4], noise = 0;
    CHECK(eg_affine_moments(ctx, &model, &setting, 1, start, start, 1, &steps, mean, second) == EG_OK);
    for (int c = 0; c < 4; c++) { /* E |S x + s|^2, of a minibatch of two in all rows */
      for (int r = 0; r < 2; r++) {
        const double *const S = model.S + (c * 2 + r) * 2, s = model.s[c * 2 + r];
        noise += (S[0] * S[0] * second[0] + 2 * S[0] * S[1] * second[1] + S[1] * S[1] * second[3] +
                  2 * s * (S[0] * mean[0] + S[1] * mean[1]) + s * s) / 2;
      }
    }
    const double got[8] = {mean[0], mean[1], second[0], second[1], second[3], eg_affine_loss(&model, mean, second),
                           eg_affine_gradient_norm2(&model, mean, second), noise};
    for (int k = 0; k < 8; k++) {
      if (table[i].want[k] != 0) {
        oracle_row("oracle B", table[i].row, columns[k], got[k], table[i].want[k], 2e-13 + 1e-14 * fabs(got[k]));
      }
    }
    oracle_control("oracle B", table[i].row, "E L of another row", got[5], table[(i + 1) % 9].want[5], 1e-12);
  }
  eg_affine_free(&model);
}

/* 2.1: excess loss of SGD over that of the SDE, 1 + G / N, of a quadratic with constant noise that does not commute. */
static void excess_loss(void) {
  enum { D = 3 };
  static const double H[9] = {1.2, 0.3, -0.2, 0.3, 0.8, 0.1, -0.2, 0.1, 0.5}, none[27] = {0}, zero[9] = {0},
                      channels[9] = {0.7, 0.2, -0.3, 0, 0.5, 0.4, 0, 0, 0.6}; /* (channel, component) */
  static double hessian[9], offset[3], slopes[27], noise[9];
  memcpy(hessian, H, sizeof H);
  memcpy(slopes, none, sizeof none);
  memcpy(noise, channels, sizeof channels);
  eg_affine_model model = {.dim = D, .H = hessian, .g0 = offset, .n_channels = D, .S = slopes, .s = noise};
  double excess[2] = {0}, G = 0, N = 0;
  for (int is_sde = 0; is_sde < 2; is_sde++) {
    const eg_affine_setting setting = {is_sde ? EG_LAW_SDE1 : EG_LAW_SGD, EG_AFFINE_EXACT, .8, 1, 1};
    double mean[D], second[9];
    bool is_there = false;
    CHECK(eg_affine_stationary(ctx, &model, &setting, zero, zero, &is_there, mean, second) == EG_OK && is_there);
    for (int i = 0; i < D; i++) {
      for (int j = 0; j < D; j++) {
        excess[is_sde] += 0.5 * H[i * D + j] * second[j * D + i];
        for (int k = 0; k < D; k++) {
          G += is_sde ? 0 : H[i * D + j] * second[j * D + k] * H[k * D + i];
        }
      }
    }
  }
  for (int i = 0; i < 9; i++) {
    N += channels[i] * channels[i];
  }
  oracle_row("2.1 balance", "additive noise, eta .8", "excess SGD / SDE = 1 + G/N", excess[0] / excess[1], 1 + G / N, 1e-12);
  oracle_control("2.1 balance", "additive noise, eta .8", "equal excess", 1, 1 + G / N, 1e-2);
}

/* 1.7: Gaussian noise of the rows' covariance is a full batch with weights 1 + sqrt(n / B) (z_i - mean z). With two-point noise a step has
   2^n outcomes, each that of one pattern of signs. */
static void weights_of_rows(void) {
  enum { ROWS = 4 };
  static const double a[ROWS] = {1, 0.5, 2, -0.25}, b[ROWS] = {1, -2, 4, 0.5};
  const double from = 0.75, rate = 0.125;
  for (int batch = 1; batch < 4; batch += 2) {
    char dynamics[100], what[40];
    (void)snprintf(dynamics, sizeof dynamics, "{name: sgd, batch_size: %d, gradient_noise: gaussian-exact}", batch);
    outcomes o = outcomes_of(folder, "{name: sample-quadratic, rows: [[1, 1], [0.5, -2], [2, 4], [-0.25, 0.5]]}", dynamics, rate, 1, 1,
                             &from, 1 << ROWS, 4096);
    double largest = 0, without_mean = 0, mean = 0;
    for (int signs = 0; signs < 1 << ROWS; signs++) {
      double sum = 0, to[2] = {from, from}, near[2] = {INFINITY, INFINITY};
      for (int i = 0; i < ROWS; i++) {
        sum += (signs >> i & 1 ? 1.0 : -1.0) / ROWS;
      }
      for (int i = 0; i < ROWS; i++) {
        const double z = signs >> i & 1 ? 1 : -1, g = a[i] * from - b[i], size = sqrt((double)ROWS / batch);
        to[0] -= rate / ROWS * (1 + size * (z - sum)) * g;
        to[1] -= rate / ROWS * (1 + size * z) * g;
      }
      for (size_t k = 0; k < o.n; k++) {
        near[0] = fmin(near[0], fabs(o.to[k] - to[0]));
        near[1] = fmin(near[1], fabs(o.to[k] - to[1]));
      }
      largest = fmax(largest, near[0]);
      without_mean = fmax(without_mean, near[1]);
      mean += to[0] / (1 << ROWS);
    }
    (void)snprintf(what, sizeof what, "batch %d", batch);
    oracle_row("1.7 weights of rows", what, "largest distance of an outcome", 1 + largest, 1, 1e-14);
    oracle_control("1.7 weights of rows", what, "without the mean weight", 1 + without_mean, 1, 1e-6);
    oracle_row("1.7 weights of rows", what, "mean step", from + rate * outcome_drift(&o, 0), mean, 1e-12);
    outcomes_free(&o);
  }
}

int main(void) {
  ctx = eg_context_create();
  if (ctx == NULL || mkdtemp(folder) == NULL) {
    stop_with("no context or folder");
  }
  oracle_a();
  weak_errors();
  stability_and_sde2();
  cumulants();
  sampling_modes();
  weights_of_rows();
  oracle_b();
  excess_loss();
  oracle_count(151, 43);
  (void)rmdir(folder);
  eg_context_free(ctx);
  return check_report();
}
