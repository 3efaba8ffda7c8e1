/*
 * Tables M3 and M6 of stochastic-modified-flows.md and oracle C of svag-and-sde-validity.md without statistics, to the digits
 * of the tables: Fourier modes moved by all outcomes of the shipped step of SGD and SVAG, and by the equations whose drift and
 * noise the shipped steps of smf1, smf2 and sme1 show (outcomes.h, fourier_modes.h). Controls: columns of other dynamics.
 */
#include "fourier_modes.h"
#include "oracle_row.h"

static char folder[] = "/tmp/ensgrad-test-XXXXXX";

static const char SGD[] = "{name: sgd, batch_size: 1}", SMF1[] = "{name: smf1, factor: pair, scheme: euler-maruyama}",
                  SMF2[] = "{name: smf2, factor: pair, scheme: euler-maruyama}",
                  ROOT[] = "{name: sme2, factor: symmetric-root, scheme: euler-maruyama}";

/* E cos or sin (k X + l Y) of a chain. */
static double chain_value(const outcomes *o, int k, int l, bool is_sine, int steps, double x, double y) {
  const int K = (int)o->width / 2;
  modes u = wave_of(K, l == 0 ? 0 : K, k, l, is_sine);
  chain_modes(&u, o, steps);
  const double value = mode_value(&u, x, y);
  free(u.u);
  return value;
}

static double equation_value(const generator *g, int K, int k, int l, bool is_sine, double T, double x, double y) {
  modes u = wave_of(K, l == 0 ? 0 : K, k, l, is_sine);
  equation_modes(&u, g, T, 64);
  const double value = mode_value(&u, x, y);
  free(u.u);
  return value;
}

static generator equation_of(const char *model, const char *dynamics, double eta, size_t elementary) {
  outcomes o = outcomes_on_circle(folder, model, dynamics, eta, COARSE_GRID, elementary, 2048 * elementary);
  const generator g = generator_on_circle(&o);
  outcomes_free(&o);
  return g;
}

/* ---- M3: noise on the circle ---- */

/* sqrt(2) cos(x - phi) = a sin x - b cos x, n phases */
static const char *circle(int n) {
  static char text[4096];
  int at = snprintf(text, sizeof text, "{name: sample-sine, wave: 1, rows: [");
  for (int j = 0; j < n; j++) {
    const double phi = 2 * acos(-1.0) * j / n;
    at += snprintf(text + at, sizeof text - (size_t)at, "%s[%.17g, %.17g]", j == 0 ? "" : ", ", sqrt(2.0) * sin(phi),
                   -sqrt(2.0) * cos(phi));
  }
  (void)snprintf(text + at, sizeof text - (size_t)at, "]}");
  return text;
}

/* (1/eta) E ln |dX'/dx| over all outcomes and the grid. */
static double chain_lyapunov(const outcomes *o) {
  const int G = (int)o->width, M = G / 2;
  double sum = 0;
  for (size_t i = 0; i < o->n; i++) {
    for (int g = 0; g < G; g++) {
      double slope = 1;
      for (int f = 0; f < G; f++) { /* derivative of the trigonometric interpolant of X' - x */
        double kernel = 0;
        for (int k = 1; k <= M; k++) {
          kernel += -2.0 * k * sin(2 * acos(-1.0) * k * (g - f) / G) / G;
        }
        slope += kernel * (o->to[i * o->width + (size_t)f] - o->from[f]);
      }
      sum += o->weight[i] * log(fabs(slope)) / G;
    }
  }
  return sum / o->h;
}

/* b' - (d_x d_y S)(x, x) / 2 at x = 0: of a flow whose law does not depend on x. */
static double equation_lyapunov(const generator *g) {
  mode sum = 0;
  for (int p = -BAND; p <= BAND; p++) {
    sum += I * p * g->b[p + BAND];
    for (int q = -BAND; q <= BAND; q++) {
      sum += 0.5 * p * q * g->S[p + BAND][q + BAND];
    }
  }
  return creal(sum);
}

static void m3(void) {
  static const struct {
    double cos_sgd, cos_flow, pair_sgd, pair_flow, lyapunov_sgd, lyapunov_flow;
  } table[5] = {
      {0.881623355939429, 0.882496902584595, -0.31421642693617, -0.31402900719708, -0.131302977372774, -0.125},
      {0.939297995629009, 0.939413062813476, -0.40493125866420, -0.40464528963741, -0.0632454043138428, -0.0625},
      {0.969218432412997, 0.969233234476344, -0.45237672020563, -0.45230099550467, -0.0313419521474701, -0.03125},
      {0.984494558821660, 0.984496437005408, -0.47629880369397, -0.47628510442936, -0.0156364565253698, -0.015625},
      {0.992217701684246, 0.992217938260244, -0.48820348563294, -0.48820141881310, -0.00781393089965007, -0.0078125}};
  const double D = 2 * acos(-1.0) / 3;
  char row[32];
  for (int i = 0; i < 5; i++) {
    const double eta = 0.25 / (1 << i);
    const int steps = 4 << i, K = i < 3 ? 20 : 14;
    (void)snprintf(row, sizeof row, "eta 1/%d", steps);
    outcomes sgd = outcomes_on_circle(folder, circle(32), SGD, eta, 2 * K + 1, 32, 32768);
    const generator flow = equation_of(circle(3), SMF2, eta, 9), root = equation_of(circle(3), ROOT, eta, 2);
    const double pair_sgd = chain_value(&sgd, 1, -1, false, steps, D, 0), pair_flow = equation_value(&flow, i == 0 ? 40 : 28, 1, -1, false, 1, D, 0);
    oracle_row("M3", row, "E cos(X-x) SGD", chain_value(&sgd, 1, 0, false, steps, 0, 0), table[i].cos_sgd, 1e-12);
    oracle_row("M3", row, "E cos(X-x) SMF", equation_value(&flow, 8, 1, 0, false, 1, 0, 0), table[i].cos_flow, 1e-12);
    oracle_row("M3", row, "E cos(X-x) SME", equation_value(&root, 8, 1, 0, false, 1, 0, 0), table[i].cos_flow, 1e-12);
    oracle_row("M3", row, "E cos D SGD", pair_sgd, table[i].pair_sgd, 1e-12);
    oracle_row("M3", row, "E cos D SMF", pair_flow, table[i].pair_flow, 1e-12);
    oracle_row("M3", row, "E cos D SME", equation_value(&root, 8, 1, -1, false, 1, D, 0), -0.5, 1e-12);
    oracle_row("M3", row, "Lyapunov SGD", chain_lyapunov(&sgd), table[i].lyapunov_sgd, 1e-12);
    oracle_row("M3", row, "Lyapunov SMF", equation_lyapunov(&flow), table[i].lyapunov_flow, 1e-12);
    oracle_row("M3", row, "Lyapunov SME", equation_lyapunov(&root), 0, 1e-12);
    oracle_control("M3", row, "E cos D SGD of SMF", pair_flow, table[i].pair_sgd, 1e-12);
    oracle_control("M3", row, "E cos D SMF of SME", -0.5, table[i].pair_flow, 1e-12);
    outcomes_free(&sgd);
  }
}

/* ---- M6: g = sin x +- cos x ---- */

static void m6(void) {
  static const double table[4][8] = {
      {0.908618219646, 0.902295022303, 0.909157963728, 0.364266806834, 0.366421999639, 0.442788171533, 0.465618292949, 0.447709109938},
      {0.915589821897, 0.912191642099, 0.915713030862, 0.375462763110, 0.376010674061, 0.464557097495, 0.474867884982, 0.465885906603},
      {0.918997095204, 0.917239603851, 0.919026252478, 0.380938969880, 0.381077262861, 0.475009889202, 0.479847936274, 0.475356020927},
      {0.920682236326, 0.919788974580, 0.920689305780, 0.383649410520, 0.383684158781, 0.480080027372, 0.482414357680, 0.480168347159}};
  static const char model[] = "{name: sample-sine, wave: 1, rows: [[1, 1], [1, -1]]}";
  enum { K = 40, POINT = 60 };
  char row[32];
  double got[8] = {0};
  for (int i = 0; i < 4; i++) {
    const double eta = 0.125 / (1 << i), *const want = table[i];
    const int steps = 8 << i;
    (void)snprintf(row, sizeof row, "eta 1/%d", steps);
    outcomes sgd = outcomes_on_circle(folder, model, SGD, eta, 2 * K + 1, 2, 1024);
    outcomes fine = outcomes_on_circle(folder, model, SGD, eta, 2 * POINT + 1, 2, 1024);
    const generator first = equation_of(model, SMF1, eta, 4), second = equation_of(model, SMF2, eta, 4);
    got[0] = chain_value(&fine, 1, 0, false, steps, 1, 0);
    got[1] = equation_value(&first, POINT, 1, 0, false, 1, 1, 0);
    got[2] = equation_value(&second, POINT, 1, 0, false, 1, 1, 0);
    got[3] = chain_value(&fine, 1, 0, true, steps, 1, 0);
    got[4] = equation_value(&second, POINT, 1, 0, true, 1, 1, 0);
    got[5] = chain_value(&sgd, 1, -1, false, steps, 0.5, 2.2);
    got[6] = equation_value(&first, K, 1, -1, false, 1, 0.5, 2.2);
    got[7] = equation_value(&second, K, 1, -1, false, 1, 0.5, 2.2);
    static const char *const columns[8] = {"E cos X SGD", "E cos X SMF1", "E cos X SMF2", "E sin X SGD", "E sin X SMF2",
                                           "E cos(X-Y) SGD", "E cos(X-Y) SMF1", "E cos(X-Y) SMF2"};
    for (int k = 0; k < 8; k++) {
      oracle_row("M6", row, columns[k], got[k], want[k], 1e-12);
    }
    oracle_control("M6", row, "E cos X SGD of SMF2", got[2], want[0], 1e-12);
    oracle_control("M6", row, "E cos(X-Y) SMF2 of SMF1", got[6], want[7], 1e-12);
    outcomes_free(&sgd);
    outcomes_free(&fine);
  }
  oracle_row("M6", "eta 1/64", "(SMF1-SGD)/eta, cos", (got[1] - got[0]) * 64, -0.0572, 5.1e-5);
  oracle_row("M6", "eta 1/64", "(SMF1-SGD)/eta, two points", (got[6] - got[5]) * 64, 0.149, 5.1e-4);
  oracle_row("M6", "eta 1/64", "(SMF2-SGD)/eta^2, cos", (got[2] - got[0]) * 4096, 0.0290, 5.1e-5);
  oracle_row("M6", "eta 1/64", "(SMF2-SGD)/eta^2, sin", (got[4] - got[3]) * 4096, 0.1423, 5.1e-5);
  oracle_row("M6", "eta 1/64", "(SMF2-SGD)/eta^2, two points", (got[7] - got[5]) * 4096, 0.3618, 5.1e-5);
  oracle_control("M6", "eta 1/64", "(SMF2-SGD)/eta^2 of SMF1", (got[6] - got[5]) * 4096, 0.3618, 5.1e-5);
}

/* ---- oracle C: g = a sin x - b ---- */

static const double a_rows[4] = {0, 1, 1, 2}, b_rows[4] = {2, -1, -1, 0};

/* Rows of all pairs: one iteration of SVAG(l) is a step of SGD on them. */
static const char *amplified(int l) {
  static char text[2048];
  const double s = sqrt(2.0 * l - 1), plus = (1 + s) / 2, minus = (1 - s) / 2;
  int at = snprintf(text, sizeof text, "{name: sample-sine, rows: [");
  for (int i = 0; i < 16; i++) {
    at += snprintf(text + at, sizeof text - (size_t)at, "%s[%.17g, %.17g]", i == 0 ? "" : ", ",
                   plus * a_rows[i / 4] + minus * a_rows[i % 4], plus * b_rows[i / 4] + minus * b_rows[i % 4]);
  }
  (void)snprintf(text + at, sizeof text - (size_t)at, "]}");
  return text;
}

static void compare_c(const char *row, const char *how, const double *got, const double *want) {
  static const char *const columns[3] = {"E cos x", "E sin x", "E cos 2x"};
  char what[64];
  for (int k = 0; k < 3; k++) {
    (void)snprintf(what, sizeof what, "%s%s", columns[k], how);
    oracle_row("oracle C", row, what, got[k], want[k], 1e-12);
  }
}

static void oracle_c(void) {
  static const struct {
    int l;
    double want[3];
  } table[] = {{1, {0.868964396786797, 0.360176566318702, 0.577218325497315}},
               {2, {0.868108370784058, 0.368195433261567, 0.569219497062990}},
               {4, {0.867754558221668, 0.372253242492469, 0.564287281843964}},
               {8, {0.867598639025917, 0.374294376811865, 0.561585383116961}},
               {16, {0.867526295558115, 0.375317931740741, 0.560175137831083}},
               {64, {0.867474589954439, 0.376086875437276, 0.559091433908975}}};
  static const double sde[3] = {0.867457850942563, 0.376343429517164, 0.558725235648890};
  static const char model[] = "{name: sample-sine, rows: [[0, 2], [1, -1], [1, -1], [2, 0]]}";
  enum { K = 60, LESS = 50 };
  char row[32];
  double got[3];
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    const int l = table[i].l;
    (void)snprintf(row, sizeof row, "l %d", l);
    outcomes o = outcomes_on_circle(folder, amplified(l), SGD, 0.1 / l, 2 * K + 1, 16, 16384);
    for (int k = 0; k < 3; k++) {
      got[k] = chain_value(&o, k == 2 ? 2 : 1, 0, k == 1, 10 * l, 1, 0);
    }
    compare_c(row, ", rows of pairs", got, table[i].want);
    outcomes_free(&o);
    oracle_control("oracle C", row, "E sin x of the SDE", got[1], sde[1], 1e-12);
    if (l > 2) {
      continue;
    }
    /* svag itself: an observed step is l iterations, 16^l elementary outcomes */
    o = outcomes_on_circle(folder, model, l == 1 ? SGD : "{name: svag, l: 2, batch_size: 1}", 0.1, 2 * LESS + 1, l == 1 ? 4 : 256,
                           l == 1 ? 4096 : 1 << 17);
    for (int k = 0; k < 3; k++) {
      got[k] = chain_value(&o, k == 2 ? 2 : 1, 0, k == 1, 10, 1, 0);
    }
    compare_c(row, l == 1 ? ", sgd" : ", svag", got, table[i].want);
    outcomes_free(&o);
  }
  const generator g = equation_of(model, "{name: sme1, factor: pair, scheme: euler-maruyama}", 0.1, 16);
  for (int k = 0; k < 3; k++) {
    got[k] = equation_value(&g, K, k == 2 ? 2 : 1, 0, k == 1, 1, 1, 0);
  }
  compare_c("SDE", ", sme1", got, sde);
  const generator wrong = equation_of(model, "{name: sme2, factor: pair, scheme: euler-maruyama}", 0.1, 16);
  oracle_control("oracle C", "SDE", "E sin x of sme2", equation_value(&wrong, K, 1, 0, true, 1, 1, 0), sde[1], 1e-12);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  m3();
  m6();
  oracle_c();
  oracle_count(109, 26);
  (void)rmdir(folder);
  return check_report();
}
