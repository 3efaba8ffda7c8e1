/*
 * Tables of single modes of limiting-dynamics-and-anomalous-diffusion.md by the affine engine, without
 * statistics: D1 to D4 (stationary and point starts, SGD and Langevin), the flat mode, W (SGD, overdamped,
 * orders), the frequencies of section 1.7 and the identities of 1.6. The point starts of the Langevin
 * equation and its columns of W are in test_langevin.c, which simulates W as well.
 */
#include "physics/affine_mode.h"
#include "physics/table_row.h"

enum { TIMES = 6 };

typedef struct table {
  const char *name;
  mode mode;
  double x0;
  size_t n;
  uint64_t k[TIMES];
  double V[3];        /* V theta, V b, E x b */
  double langevin[2]; /* Var x, Var v */
  double sgd[TIMES], diffusion[TIMES], point[TIMES], point_langevin[TIMES],
      local[TIMES]; /* 0: not in the table */
} table;

static const table tables[] = {
    {"D1",
     {0.1, 0.9, 0.01, 1, 2, 4},
     0.5,
     6,
     {1, 2, 5, 10, 20, 100},
     {0.2542833358761667, 2.703433360367667, -0.1351716680183833},
     {0.2475247524752475, 2.631578947368421},
     {0.02703433360367667, 0.1, 0.4653428735036767, 0.8119427265711553, 0.3291447921687402,
      0.5066612583790431},
     {0.02519342802061821, 0.09486509383767982, 0.4473638415154446, 0.7903080099086740, 0.3199804697849565,
      0.4929060569417250},
     {0.00755025, 0.04116168615025, 0.3830204826133266, 0.7934336677497851, 0.3297059305963353,
      0.5027315218367358},
     {0.002319663777847981, 0.02081871543868600, 0.2994592848217659, 0.7961014930741136, 0.3202999972997673,
      0.4953566635278969},
     {1.947962541305, 1.862430407537, 1.404060027550, -0.09314922076073, 0.5420908136002, 0.1187153389615}},
    {"D2",
     {0.1, 0.5, 0.01, 0.05, 0.1, 4},
     0.5,
     6,
     {1, 5, 10, 50, 100, 1000},
     {0.041750167000668, 0.0334001336005344, -0.00167000668002672},
     {0.04166666666666667, 0.03333333333333333},
     {0.0003340013360053440, 0.003668663120005344, 0.008359205156544115, 0.03741772878899251,
      0.05849112845743906, 0.0834999169095830},
     {0.0002699540181604062, 0.003508871249197937, 0.008187385597769222, 0.03724790715415142,
      0.05832298839520735, 0.0833329163401037},
     {0.000259, 0.003861216293056033, 0.01035278435590714, 0.07963606865091246, 0.1610739058821886,
      0.2917476796575601},
     {9.503765497394768e-5, 0.003219541958154012, 0.009567538568229109, 0.07863207820744198,
      0.1603000144978659, 0.2916641647124859},
     {1.800081063106, 1.335408068655, 1.120174377019, 0.7562235774044, 0.5242016579911, 6.116893234742e-5}},
    {"D3",
     {0.2, 0, 0.3, 1, 1, 1},
     0.5,
     5,
     {1, 2, 5, 10, 50},
     {0.08841732979664014, 1.149425287356322, 0},
     {0.07692307692307692, 1},
     {0.04597701149425287, 0.08, 0.1375949314942529, 0.1681273379357102, 0.1768346084070228},
     {0.02187947780439774, 0.05332119491458698, 0.1133943883437775, 0.1451368702798455, 0.1538461136925102},
     {0},
     {0},
     {0}},
    {"D4",
     {0.01, 0.81, 0, 1, 1, 1},
     0.5,
     3,
     {1, 10, 100},
     {0.02638868639743403, 2.915876949992710, 0},
     {0, 0},
     {0.0002915876949992710, 0.01505767567368421, 0.05276125549756960},
     {0.0002712112298415595, 0.01490774218702126, 0.05261585062317372},
     {1.25e-4, 0.03294433265174367, 0.2762426159224865},
     {0},
     {0}}};
enum { N_TABLES = sizeof tables / sizeof tables[0] };

/* "limiting-dynamics D1, MSD SGD, k=5" */
static const char *row(const char *table, const char *column, uint64_t k) {
  static char text[160];
  (void)snprintf(text, sizeof text, "limiting-dynamics %s, %s, k=%llu", table, column, (unsigned long long)k);
  return text;
}

static void judge_column(const table *t, const char *column, const double *value, const double *expected,
                         int digits) {
  for (size_t i = 0; i < t->n && expected[0] != 0; i++) {
    row_has(row(t->name, column, t->k[i]), value[i], expected[i], digits);
  }
}

static void single_modes(void) {
  for (size_t i = 0; i < N_TABLES; i++) {
    const table *const t = &tables[i];
    mode other = t->mode;
    other.beta += 0.05;
    motion chain = motion_of(&t->mode, CHAIN), langevin = motion_of(&t->mode, LANGEVIN),
           wrong = motion_of(&other, CHAIN);
    double msd[TIMES], local[TIMES];
    row_is(row(t->name, "V theta", 0), chain.V[0], t->V[0]);
    row_is(row(t->name, "V b", 0), chain.V[3], t->V[1]);
    if (t->V[2] != 0) {
      row_is(row(t->name, "E x b", 0), chain.V[1], t->V[2]);
    }
    if (t->langevin[0] != 0) {
      row_is(row(t->name, "Langevin Var x", 0), langevin.V[0], t->langevin[0]);
      row_is(row(t->name, "Langevin Var v", 0), langevin.V[3], t->langevin[1]);
    }
    stationary_msd(&wrong, t->n, t->k, msd, NULL);
    row_is_not(row(t->name, "MSD SGD, momentum + 0.05", t->k[0]), msd[0], t->sgd[0]);
    stationary_msd(&langevin, t->n, t->k, msd, local);
    judge_column(t, "MSD Langevin", msd, t->diffusion, 16);
    judge_column(t, "local exponent", local, t->local, 13);
    row_is_not(row(t->name, "MSD SGD of Langevin", t->k[1]), msd[1], t->sgd[1]);
    stationary_msd(&chain, t->n, t->k, msd, NULL);
    judge_column(t, "MSD SGD", msd, t->sgd, 16);
    from_point(&langevin, t->x0, 0, t->n, t->k, msd, NULL);
    judge_column(t, "point Langevin v0=0", msd, t->point_langevin, 16);
    from_point(&chain, t->x0, 0, t->n, t->k, msd, NULL);
    judge_column(t, "point SGD", msd, t->point, 16);
    eg_affine_free(&chain.model);
    eg_affine_free(&langevin.model);
    eg_affine_free(&wrong.model);
  }
}

/* D2, last column; v(0) = -h x0 / (1 + beta). */
static void matched_start(void) {
  static const double matched[TIMES] = {0.0001018854102041145, 0.003345827117451134, 0.009845428991827722,
                                        0.07939035101867758,   0.1609427750279777,   0.2916641800045661};
  const table *const t = &tables[1];
  motion langevin = motion_of(&t->mode, LANGEVIN);
  double msd[TIMES];
  from_point(&langevin, t->x0, -0.06 * t->x0 / 1.5, t->n, t->k, msd, NULL);
  judge_column(t, "point Langevin matched", msd, matched, 16);
  eg_affine_free(&langevin.model);
}

/* Section 1.6: exact identities of discrete time, on D1 to D4. */
static void identities(void) {
  static const uint64_t one = 1;
  for (size_t i = 0; i < N_TABLES; i++) {
    const mode *const a = &tables[i].mode;
    const double h = a->curvature + a->decay, q = a->variance / a->batch;
    motion m = motion_of(a, CHAIN);
    double from_x[2], from_b[2]; /* E z_1 x_0, E z_1 b_0 */
    correlate(&m, (const double[2]){m.V[0], m.V[2]}, 1, &one, from_x);
    correlate(&m, (const double[2]){m.V[1], m.V[3]}, 1, &one, from_b);
    const double circulation = from_x[1] - from_b[0];
    row_is(row(tables[i].name, "circulation eta q / (1 - beta)", 0), circulation, a->eta * q / (1 - a->beta));
    row_is(row(tables[i].name, "autocorrelation of b beta - eta h / 2", 1), from_b[1] / m.V[3],
           a->beta - a->eta * h / 2);
    row_is(row(tables[i].name, "fluctuation and dissipation", 0),
           2 * h * m.V[0] / (a->eta * (1 + a->beta) * m.V[3]), 1);
    if (i == 0) {
      row_is("limiting-dynamics D1, circulation", circulation, 0.5);
      row_is("limiting-dynamics D1, lag-1 correlation of b", from_b[1] / m.V[3], 0.8495);
    }
    motion langevin = motion_of(a, LANGEVIN);
    row_is(row(tables[i].name, "SGD over Langevin 1 / (1 - eta h / (2 (1 + beta)))", 0),
           m.V[0] / langevin.V[0], 1 / (1 - a->eta * h / (2 * (1 + a->beta))));
    if (a->beta > 0) {
      row_is_not(row(tables[i].name, "circulation without momentum", 0), circulation, a->eta * q);
    }
    eg_affine_free(&m.model);
    eg_affine_free(&langevin.model);
  }
}

static void flat_mode(void) {
  static const uint64_t k[4] = {1, 5, 20, 100};
  static const double rest[4] = {0.005, 0.20275332505, 4.194262219782, 43.13181799845};
  static const double stationary[4] = {0.02631578947368, 0.5602157894737, 5.839047311218, 45.26328371189};
  const mode flat = {0.1, 0.9, 0, 0, 0.5, 1};
  const double none[2] = {0, 0}, second[4] = {0, 0, 0, 0.5 / (1 - 0.81)};
  motion m = motion_of(&flat, CHAIN);
  double msd[4], means[8], seconds[16];
  CHECK(isnan(m.V[0])); /* x is stationary nowhere */
  from_point(&m, 0, 0, 4, k, msd, NULL);
  CHECK(eg_affine_moments(context, &m.model, &m.setting, 1, none, second, 4, k, means, seconds) == EG_OK);
  for (size_t i = 0; i < 4; i++) {
    row_has(row("flat mode", "from rest", k[i]), msd[i], rest[i], 13);
    row_has(row("flat mode", "stationary b", k[i]), seconds[4 * i], stationary[i], 13);
    row_is_not(row("flat mode", "from rest, as if stationary", k[i]), msd[i], stationary[i]);
  }
  eg_affine_free(&m.model);
}

/* E x_1^2 of a step of 1 / n: SGD, Langevin with v(0) = 0 and matched, and dx = -h x / (1 - beta) dt +
   sqrt(eta q) / (1 - beta) dW, which is sme1 at the rate eta / (1 - beta). */
static void weak_errors(uint64_t n, double out[4]) {
  const mode a = {1.0 / (double)n, 0.5, 0, 1, 1, 1};
  const double one = 1, zero = 0;
  motion chain = motion_of(&a, CHAIN), langevin = motion_of(&a, LANGEVIN);
  eg_affine_model plain = {0};
  const eg_affine_setting sme1 = {EG_LAW_SDE1, EG_AFFINE_EXACT, a.eta / (1 - a.beta), 1, 1};
  double unused, mean;
  from_point(&chain, 1, 0, 1, &n, &unused, &out[0]);
  from_point(&langevin, 1, 0, 1, &n, &unused, &out[1]);
  from_point(&langevin, 1, -1 / (1 + a.beta), 1, &n, &unused, &out[2]);
  CHECK(eg_affine_quadratic(context, 1, &one, &zero, &one, &zero, &plain) == EG_OK);
  CHECK(eg_affine_moments(context, &plain, &sme1, 1, &one, &one, 1, &n, &mean, &out[3]) == EG_OK);
  eg_affine_free(&plain);
  eg_affine_free(&chain.model);
  eg_affine_free(&langevin.model);
}

static void table_w(void) {
  static const char *const names[4] = {"SGD", "Langevin v0=0", "Langevin matched", "overdamped"};
  static const double w[4][4] = {
      {0.06113477810529728, 0.06163504313701175, 0.06016331503894140, 0.06739985694429747},
      {0.03945057806512694, 0.04003979856422712, 0.03920947373187869, 0.04285774791651583},
      {0.02881835650465009, 0.02919555592686836, 0.02875835588046774, 0.03058669340262500},
      {0.02355110698000087, 0.02375999820278224, 0.02353614234597708, 0.02445116614567959}};
  static const double errors[3][3] = {
      {5.89e-4, 2.411e-4, 3.41e-3}, {3.77e-4, 6.000e-5, 1.77e-3}, {2.09e-4, 1.496e-5, 9.00e-4}};
  static const double orders[3] = {1, 2, 1};
  double value[4], last[4] = {0};
  for (size_t i = 0; i < 4; i++) {
    const uint64_t n = (uint64_t)20 << i;
    weak_errors(n, value);
    for (size_t c = 0; c < 4; c++) {
      row_is(row("W", names[c], n), value[c], w[i][c]);
      if (c > 0 && i > 0) {
        row_has(row("W, error", names[c], n), fabs(value[c] - value[0]), errors[i - 1][c - 1],
                c == 2 ? 4 : 3);
      }
    }
    row_is_not(row("W", "matched, as if v0=0", n), value[2], w[i][1]);
  }
  for (uint64_t n = 1 << 14; n <= 1 << 15; n *= 2) { /* where the next order no longer shows */
    weak_errors(n, value);
    for (size_t c = 1; c < 4; c++) {
      const double error = fabs(value[c] - value[0]);
      if (n > 1 << 14) {
        row_within(row("W, order", names[c], n), log2(last[c] / error), orders[c - 1], 0.005);
      }
      last[c] = error;
    }
  }
}

/* ---- section 1.7 ---- */

/* Rotation per step of the mean; NaN where its eigenvalues are real. */
static double rotation(const motion *m) {
  double M[4];
  CHECK(eg_affine_mean_map(context, &m->model, &m->setting, M) == EG_OK);
  return acos((M[0] + M[3]) / (2 * sqrt(M[0] * M[3] - M[1] * M[2])));
}

static double decay_of(const motion *m) {
  double M[4];
  CHECK(eg_affine_mean_map(context, &m->model, &m->setting, M) == EG_OK);
  return sqrt(M[0] * M[3] - M[1] * M[2]);
}

static void frequencies(void) {
  static const struct {
    double beta, eta_h, exact, langevin, period;
  } rows[5] = {{0.9, 0.01, 0.0881481934056669, 0.0880694764772711, 71.2797967198685},
               {0.9, 0.1, 0.321750554396642, 0.320145396331485, 19.5281258146145},
               {0.9, 1.0, 1.07658028233182, 1.02462749125957, 5.83624408722266},
               {0.99, 0.001, 0.0313028027207388, 0.0313013296530602, 200.722771159939},
               {0.999, 0.1, 0.317640143079316, 0.316306457035449, 19.7808288532683}};
  for (size_t i = 0; i < 5; i++) {
    const mode a = {0.5, rows[i].beta, 0, rows[i].eta_h / 0.5, 1, 1};
    char name[60];
    motion chain = motion_of(&a, CHAIN), langevin = motion_of(&a, LANGEVIN);
    (void)snprintf(name, sizeof name, "1.7 beta=%g eta h=%g", a.beta, rows[i].eta_h);
    row_has(row(name, "phi exact", 1), rotation(&chain), rows[i].exact, 15);
    row_has(row(name, "phi Langevin", 1), rotation(&langevin), rows[i].langevin, 15);
    row_has(row(name, "period", 1), 2 * acos(-1.0) / rotation(&chain), rows[i].period, 15);
    row_is(row(name, "amplitude of SGD sqrt beta", 1), decay_of(&chain), sqrt(a.beta));
    row_is(row(name, "amplitude of Langevin", 1), decay_of(&langevin), exp(-(1 - a.beta) / (1 + a.beta)));
    row_is_not(row(name, "phi exact of Langevin", 1), rotation(&langevin), rows[i].exact);
    eg_affine_free(&chain.model);
    eg_affine_free(&langevin.model);
  }
}

/* Underdamped or not at the two bounds of each, and between 1/2 and 1 without momentum, where the Langevin
   equation oscillates and SGD does not. */
static void bounds(void) {
  static const double betas[3] = {0, 0.5, 0.9};
  for (size_t i = 0; i < 3; i++) {
    const double b = betas[i], low = (1 - sqrt(b)) * (1 - sqrt(b)), high = (1 + sqrt(b)) * (1 + sqrt(b)),
                 langevin = (1 - b) * (1 - b) / (2 * (1 + b));
    const struct {
      kind which;
      double eta_h;
      bool turns;
    } cases[] = {{CHAIN, low * 0.999, false},
                 {CHAIN, low * 1.001, b > 0},
                 {CHAIN, high * 0.999, b > 0},
                 {CHAIN, high * 1.001, false},
                 {LANGEVIN, langevin * 0.999, false},
                 {LANGEVIN, langevin * 1.001, true},
                 {LANGEVIN, 0.75, true},
                 {CHAIN, 0.75, b > 0}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
      const mode a = {1, b, 0, cases[c].eta_h, 1, 1};
      motion m = motion_of(&a, cases[c].which);
      CHECK(isfinite(rotation(&m)) == cases[c].turns);
      eg_affine_free(&m.model);
    }
  }
}

/* The spectrum of theta, sum over lags of the engine's covariances: its formula, and its peak where its slope
 * vanishes. */
static void spectrum(void) {
  enum { LAGS = 2000 };
  static uint64_t k[LAGS];
  static double msd[LAGS];
  const mode a = {0.5, 0.9, 0, 0.2, 2, 1};
  const double p = 1 + a.beta - a.eta * a.curvature, peak = acos(p * (1 + a.beta) / (4 * a.beta));
  motion m = motion_of(&a, CHAIN);
  for (size_t i = 0; i < LAGS; i++) {
    k[i] = i;
  }
  stationary_msd(&m, LAGS, k, msd, NULL);
  for (int i = 0; i < 3; i++) {
    const double w = i == 0 ? peak : 0.7 * i;
    double sum = m.V[0], slope = 0, size = 0;
    for (size_t lag = 1; lag < LAGS; lag++) {
      const double C = m.V[0] - msd[lag] / 2, x = (double)lag;
      sum += 2 * C * cos(w * x);
      slope += 2 * C * x * sin(w * x);
      size += fabs(2 * C * x * sin(w * x));
    }
    const double re = cos(2 * w) - p * cos(w) + a.beta, im = sin(2 * w) - p * sin(w);
    row_within(row("1.7", "spectrum of theta", (uint64_t)i), sum,
               a.eta * a.eta * a.variance / (re * re + im * im), 1e-11);
    CHECK(i == 0 ? fabs(slope) < 1e-11 * size : fabs(slope) > 1e-6 * size);
  }
  eg_affine_free(&m.model);
}

/* ---- sections 1.4 and 1.5 ---- */

/* Two modes of the Langevin equation whose noise does not commute with the Hessian: E theta v^T is
   antisymmetric and not 0, and A B + B A^T = 2 D. With noise sigma^2 H it vanishes. */
static void currents(void) {
  double H[4] = {1, 0.3, 0.3, 0.5}, none[8] = {0}, zero[16] = {0}, g0[2] = {0}, mean[4], B[16];
  const eg_affine_langevin langevin = {0.1, 2, 0.9, 0, 0};
  const eg_affine_setting setting = {EG_LAW_SDE1, EG_AFFINE_EXACT, 0.1, 1, 1};
  for (int commutes = 0; commutes < 2; commutes++) {
    /* columns of a root of the covariance: of another matrix, and of H itself by its Cholesky factor */
    double noise[4] = {0.5, -0.4, 0, 0.9}; /* channel 0, then channel 1 */
    if (commutes) {
      noise[0] = 1;
      noise[1] = 0.3;
      noise[3] = sqrt(0.5 - 0.09);
    }
    const eg_affine_model plain = {.dim = 2, .H = H, .g0 = g0, .n_channels = 2, .S = none, .s = noise};
    eg_affine_model lifted = {0};
    bool is_there = false;
    CHECK(eg_affine_langevin_lift(context, &plain, &langevin, &lifted) == EG_OK);
    CHECK(eg_affine_stationary(context, &lifted, &setting, zero, zero, &is_there, mean, B) == EG_OK &&
          is_there);
    /* B: rows x0 x1 v0 v1 */
    const double size = B[0] + B[15];
    CHECK(fabs(B[2]) < 1e-12 * size && fabs(B[7]) < 1e-12 * size && fabs(B[3] + B[6]) < 1e-12 * size);
    CHECK(commutes ? fabs(B[3]) < 1e-12 * size : fabs(B[3]) > 1e-3 * size);
    for (int i = 0; i < 16; i++) {
      double residual = 0;
      for (int k = 0; k < 4; k++) {
        residual += lifted.H[i / 4 * 4 + k] * B[k * 4 + i % 4] + B[i / 4 * 4 + k] * lifted.H[i % 4 * 4 + k];
      }
      const double Sigma = noise[i / 4 % 2] * noise[i % 2] + noise[2 + i / 4 % 2] * noise[2 + i % 2];
      const double D2 = i / 4 >= 2 && i % 4 >= 2 ? 2 * 2 * Sigma / (0.1 * 2 * 1.9 * 1.9) : 0;
      CHECK(fabs(residual - D2) < 1e-10 * (fabs(D2) + size));
    }
    if (commutes) { /* isotropic in theta: eta sigma^2 / (2 S (1 - beta)) */
      row_is("limiting-dynamics 1.5, Var theta, noise sigma^2 H, mode 0", B[0], 0.1 / (2 * 2 * 0.1));
      row_is("limiting-dynamics 1.5, Var theta, noise sigma^2 H, mode 1", B[5], 0.1 / (2 * 2 * 0.1));
    } else {
      row_is_not("limiting-dynamics 1.5, Var theta of other noise", B[0], 0.1 / (2 * 2 * 0.1));
    }
    eg_affine_free(&lifted);
  }
}

/* Hyper-parameters with the same eta (1 + beta), S (1 - beta^2) have the same stationary law, of the Langevin
   equation to all digits, of SGD to O(eta h); the relaxation differs. */
static void annealing(void) {
  const double alpha = 0.5, beta = sqrt(1 - alpha * (1 - 0.81));
  const mode a = {0.1, 0.9, 0.01, 1, 2, 4}, b = {0.1 * 1.9 / (1 + beta), beta, 0.01, 1, 2, 4 / alpha};
  motion one = motion_of(&a, LANGEVIN), other = motion_of(&b, LANGEVIN), sgd = motion_of(&b, CHAIN);
  row_is("limiting-dynamics 1.5, annealing map, Var theta", other.V[0], one.V[0]);
  row_is("limiting-dynamics 1.5, annealing map, Var v", other.V[3], one.V[3]);
  CHECK(fabs(decay_of(&one) / decay_of(&other) - 1) > 1e-2);
  CHECK(fabs(sgd.V[0] / one.V[0] - 1) < 0.1);
  const mode c = {0.1, beta, 0.01, 1, 2, 4 / alpha};
  motion wrong = motion_of(&c, LANGEVIN);
  row_is_not("limiting-dynamics 1.5, annealing without eta'", wrong.V[0], one.V[0]);
  eg_affine_free(&one.model);
  eg_affine_free(&other.model);
  eg_affine_free(&sgd.model);
  eg_affine_free(&wrong.model);
}

int main(void) {
  context = eg_context_create();
  single_modes();
  matched_start();
  identities();
  flat_mode();
  table_w();
  frequencies();
  bounds();
  spectrum();
  currents();
  annealing();
  report_rows(187, 26);
  eg_context_free(context);
  return check_report();
}
