/* The affine oracle against the tables and closed forms of stochastic modified flows (models M1, M2, M4, M5,
 * M7). */
#include "check.h"
#include "oracle/affine.h"

enum { SGD = EG_LAW_SGD, FLOW = EG_LAW_GRADIENT_FLOW, SDE1 = EG_LAW_SDE1, SDE2 = EG_LAW_SDE2 };

static eg_context *ctx;

/* Sum over a sample of gradients a_j (a_j.x - y_j) drawn with probability p_j; target_a = y_j a_j given
 * directly. */
static eg_affine_model weighted_model(int dim, size_t n_rows, const double *a, const double *ya,
                                      const double *p) {
  const size_t d = (size_t)dim;
  eg_affine_model model = {.dim = dim, .n_channels = (int)n_rows};
  model.H = calloc(d * d, sizeof(double));
  model.g0 = calloc(d, sizeof(double));
  model.S = calloc(n_rows * d * d, sizeof(double));
  model.s = calloc(n_rows * d, sizeof(double));
  for (size_t j = 0; j < n_rows; j++) {
    for (size_t i = 0; i < d; i++) {
      model.g0[i] += p[j] * ya[j * d + i];
      for (size_t k = 0; k < d; k++) {
        model.H[i * d + k] += p[j] * a[j * d + i] * a[j * d + k];
      }
    }
  }
  for (size_t j = 0; j < n_rows; j++) {
    for (size_t i = 0; i < d; i++) {
      model.s[j * d + i] = sqrt(p[j]) * (ya[j * d + i] - model.g0[i]);
      for (size_t k = 0; k < d; k++) {
        model.S[(j * d + i) * d + k] = sqrt(p[j]) * (model.H[i * d + k] - a[j * d + i] * a[j * d + k]);
      }
    }
  }
  return model;
}

/* moments after steps of one setting from fixed points */
typedef struct moments {
  double mean[8], second[64];
} moments;

static moments moments_from(const eg_affine_model *model, eg_affine_setting setting, int m, const double *x,
                            uint64_t steps) {
  const int width = m * model->dim;
  double second[64];
  moments out;
  for (int i = 0; i < width; i++) {
    for (int j = 0; j < width; j++) {
      second[i * width + j] = x[i] * x[j];
    }
  }
  CHECK(eg_affine_moments(ctx, model, &setting, m, x, second, 1, &steps, out.mean, out.second) == EG_OK);
  return out;
}

static moments exact(const eg_affine_model *model, int law, double eta, int m, const double *x, double T) {
  const eg_affine_setting setting = {(eg_law)law, EG_AFFINE_EXACT, eta, 1.0, 1};
  return moments_from(model, setting, m, x, (uint64_t)llround(T / eta));
}

static double relative(double want) {
  return 1e-12 * fabs(want);
}

/* M1: g = (lam + sig theta) x, one multiplicative channel; columns E X^2 SGD, SMF1, SMF2. */
static void test_sign_flip_table(void) {
  static const double P1[4][4] = {
      {0.343608915805817, 0.122973090258351, 0.139631286281399, 0.123224177647237},
      {0.356074130451793, 0.129061690518530, 0.137466503838519, 0.129137829405204},
      {0.362055289256317, 0.132179674307910, 0.136396731018500, 0.132200244777060},
      {0.364986524243907, 0.133753252365501, 0.135864970558775, 0.133758579428958}};
  static const double P2[4][4] = {
      {0.356074130451793, 0.168084734483649, 0.173773943450445, 0.163245512453958},
      {0.362055289256317, 0.149718481788650, 0.153354966844928, 0.148636730538123},
      {0.364986524243907, 0.142086067206201, 0.144063659101453, 0.141830159087343},
      {0.366437715922037, 0.138606914936300, 0.139631286281399, 0.138544666990756}};
  for (int set = 0; set < 2; set++) {
    const double lam = set == 0 ? 1.0 : 0.5, sig = set == 0 ? 0.5 : 1.0, T = set == 0 ? 1.0 : 2.0, zero = 0.0;
    const double x[2] = {1.0, set == 0 ? -1.0 : -2.0};
    eg_affine_model model;
    CHECK(eg_affine_quadratic(ctx, 1, &lam, &zero, &zero, &sig, &model) == EG_OK);
    for (int row = 0; row < 4; row++) {
      const double eta = 0.125 / (1 << row), *want = set == 0 ? P1[row] : P2[row];
      const moments sgd = exact(&model, SGD, eta, 2, x, T);
      CHECK_NEAR(sgd.mean[0], want[0], relative(want[0]));
      CHECK_NEAR(sgd.second[0], want[1], relative(want[1]));
      CHECK_NEAR(sgd.second[1], x[1] * want[1], relative(2 * want[1])); /* X(y) = (y / x) X(x) */
      const moments smf1 = exact(&model, SDE1, eta, 2, x, T), smf2 = exact(&model, SDE2, eta, 2, x, T);
      CHECK_NEAR(smf1.second[0], want[2], relative(want[2]));
      CHECK_NEAR(smf2.second[0], want[3], relative(want[3]));
      CHECK_NEAR(smf2.second[2], x[1] * want[3], relative(2 * want[3]));
      /* Control: a flow is not the chain, nor of the other order. */
      CHECK(fabs(smf2.second[0] - want[1]) > 1e-6 && fabs(smf1.second[0] - want[3]) > 1e-6);
    }
    eg_affine_free(&model);
  }
}

/* M2 with data D1: uniform p through the least squares constructor, and p giving K = 1/8 by hand. */
static const double D1_a[4] = {1.2247448713915890, 1.2247448713915890, 0.70710678118654752,
                               0.70710678118654752};
static const double D1_ya[4] = {0.5, -0.5, 0.5, -0.5};

static void test_affine_1d_table(void) {
  static const double table[5][5] = {
      {0.137837953135328, 0.136310383951010, -0.108108227381374, -0.125974640031897, -0.110137971343465},
      {0.136142489782607, 0.135785632234172, -0.121980891254453, -0.130674901506539, -0.122490026576236},
      {0.135637125804691, 0.135550822982554, -0.128722222811129, -0.133010051532298, -0.128849666571566},
      {0.135461825832236, 0.135440601604825, -0.132044678898766, -0.134173903964956, -0.132076557253092},
      {0.135392586996544, 0.135387324127806, -0.133693947678266, -0.134754902345710, -0.133701919301544}};
  double y[4];
  for (int j = 0; j < 4; j++) {
    y[j] = D1_ya[j] / D1_a[j];
  }
  eg_affine_model model;
  CHECK(eg_affine_least_squares(ctx, 4, 1, D1_a, y, 0.0, &model) == EG_OK);
  CHECK_NEAR(model.H[0], 1.0, 1e-15);
  const double x[2] = {1.0, -1.0};
  for (int row = 0; row < 5; row++) {
    const double eta = 0.125 / (1 << row), *want = table[row];
    const moments sgd = exact(&model, SGD, eta, 2, x, 1.0), smf1 = exact(&model, SDE1, eta, 2, x, 1.0),
                  smf2 = exact(&model, SDE2, eta, 2, x, 1.0);
    CHECK_NEAR(sgd.second[0], want[0], relative(want[0]));
    CHECK_NEAR(smf2.second[0], want[1], relative(want[1]));
    CHECK_NEAR(sgd.second[1], want[2], relative(want[2]));
    CHECK_NEAR(smf1.second[1], want[3], relative(want[3]));
    CHECK_NEAR(smf2.second[1], want[4], relative(want[4]));
    /* Control: independent noise for the two points, E XY = E X E Y, must be far from the table. */
    CHECK(fabs(smf2.mean[0] * smf2.mean[1] - want[4]) > 1e-3 * eta / 0.125);
  }
  eg_affine_free(&model);
}

static void test_affine_1d_weighted(void) {
  static const double p[4] = {0.375, 0.125, 0.125, 0.375};
  static const double want[2][6] = {{0.129666255892829, 0.0702226350742786, 0.145925088824770,
                                     0.0779501566106033, 0.129572002892533, 0.0696445093335337},
                                    {0.132294821309162, 0.0687258931682582, 0.140600757958866,
                                     0.0727818430925146, 0.132286814522499, 0.0685926042478152}};
  static const int law[3] = {SGD, SDE1, SDE2};
  eg_affine_model model = weighted_model(1, 4, D1_a, D1_ya, p);
  const double x[2] = {1.0, 0.5};
  for (int row = 0; row < 2; row++) {
    for (int k = 0; k < 3; k++) {
      const moments got = exact(&model, law[k], 0.125 / (1 << row), 2, x, 1.0);
      CHECK_NEAR(got.second[0], want[row][2 * k], relative(want[row][2 * k]));
      CHECK_NEAR(got.second[1], want[row][2 * k + 1], relative(want[row][2 * k + 1]));
    }
  }
  /* Control: the uniform data set is another problem. */
  static const double uniform[4] = {0.25, 0.25, 0.25, 0.25};
  eg_affine_model other = weighted_model(1, 4, D1_a, D1_ya, uniform);
  CHECK(fabs(exact(&other, SGD, 0.125, 2, x, 1.0).second[0] - want[0][0]) > 1e-3);
  eg_affine_free(&other);
  eg_affine_free(&model);
}

/* M4: a ~ N(0, I), label variance v: Bm symmetric Gaussian and beta ~ N(0, v I) as finite-rank noise, d = 4.
 */
static void test_gaussian_regression(void) {
  enum { D = 4, CHANNELS = D * (D + 1) / 2 + D };
  static const double v = 0.25,
                      want[3][4] = {{0.05562131579371, 0.04988146762533, 0.27692289468174, 0.25177798561999},
                                    {0.02443504748921, 0.02318614199384, 0.19364343285606, 0.18848503021543},
                                    {0.01148045293776, 0.01118988658918, 0.16192693554323, 0.16075850581181}};
  double H[D * D] = {0}, g0[D] = {0}, S[CHANNELS * D * D] = {0}, s[CHANNELS * D] = {0};
  size_t channel = 0;
  for (size_t i = 0; i < D; i++) {
    H[i * D + i] = 1.0;
    for (size_t j = i; j < D; j++, channel++) {
      S[(channel * D + i) * D + j] = i == j ? sqrt(2.0) : 1.0;
      S[(channel * D + j) * D + i] = i == j ? sqrt(2.0) : 1.0;
    }
  }
  for (size_t i = 0; i < D; i++, channel++) {
    s[channel * D + i] = sqrt(v);
  }
  const eg_affine_model model = {.dim = D, .H = H, .g0 = g0, .n_channels = CHANNELS, .S = S, .s = s};
  const double x[2 * D] = {1, 0, 0, 0, 0, 1, 0, 0};
  for (int row = 0; row < 3; row++) {
    const double eta = 0.1 / (1 << row);
    for (int k = 0; k < 2; k++) {
      const moments got = exact(&model, k == 0 ? SGD : SDE2, eta, 2, x, 1.0);
      double xy = 0.0, xx = 0.0;
      for (int i = 0; i < D; i++) {
        xy += got.second[i * 2 * D + D + i];
        xx += got.second[i * 2 * D + i];
      }
      CHECK_NEAR(xy, want[row][k], 1e-13);
      CHECK_NEAR(xx, want[row][2 + k], 1e-13);
    }
    /* Control: the flow of order 1. */
    const moments wrong = exact(&model, SDE1, eta, 2, x, 1.0);
    double xx = 0.0;
    for (int i = 0; i < D; i++) {
      xx += wrong.second[i * 2 * D + i];
    }
    CHECK(fabs(xx - want[row][2]) > 1e-4 && fabs(xx - want[row][3]) > 1e-4);
  }
}

/* M5: finite least squares, d = 2, N = 4, non-commuting channels. */
static const double M5_a[8] = {1, 0, 1, 1, 0, 1, 0.5, -1}, M5_y[4] = {1, 0, 1, -1};
static const double M5_start[4] = {1, -1, -1, 2};

static double norm2(const moments *z, int width) {
  return z->second[0] + z->second[width + 1];
}

static double inner(const moments *z) {
  return z->second[2] + z->second[4 + 3];
}

/* E R of the first of two points */
static double first_loss(const eg_affine_model *model, const moments *z) {
  const double second[4] = {z->second[0], z->second[1], z->second[4], z->second[5]};
  return eg_affine_loss(model, z->mean, second);
}

static void test_least_squares_table(void) {
  static const double table[5][3][4] = {
      {{0.709864713250709, 0.617920784888450, 0.535890175255035, -0.672442385014740},
       {0.714432668020556, 0.626392724944961, 0.548476646329332, -0.716034202154404},
       {0.709822182127538, 0.608630782957743, 0.533509519933691, -0.671341891765352}},
      {{0.712155895446256, 0.580621724048515, 0.528805482514366, -0.692936503000619},
       {0.714432668020556, 0.586791150233542, 0.535616970740828, -0.715026485273627},
       {0.712145829574911, 0.578396131975198, 0.528239509555995, -0.692708248121079}},
      {{0.713296394084730, 0.563781012657798, 0.525766618837427, -0.703453412361087},
       {0.714432668020556, 0.567313350415213, 0.529291376278304, -0.714554162765919},
       {0.713293938846629, 0.563236137115832, 0.525628597318092, -0.703401670429593}},
      {{0.713865093890306, 0.555780033298401, 0.524363299205868, -0.708763362283973},
       {0.714432668020556, 0.557653897704735, 0.526154189525074, -0.714325694392624},
       {0.713864487179539, 0.555645218896193, 0.524329217016781, -0.708751060953843}},
      {{0.714149025771878, 0.551880527875196, 0.523689520816574, -0.711429438958964},
       {0.714432668020556, 0.552843873160782, 0.524591943334288, -0.714213360023741},
       {0.714148874948201, 0.551846997633259, 0.523681052505078, -0.711426441027751}}};
  static const int law[3] = {SGD, SDE1, SDE2};
  eg_affine_model model;
  CHECK(eg_affine_least_squares(ctx, 4, 2, M5_a, M5_y, 0.0, &model) == EG_OK);
  for (int row = 0; row < 5; row++) {
    for (int k = 0; k < 3; k++) {
      const double *want = table[row][k];
      const moments got = exact(&model, law[k], 0.125 / (1 << row), 2, M5_start, 1.0);
      CHECK_NEAR(got.mean[0], want[0], relative(want[0]));
      CHECK_NEAR(norm2(&got, 4), want[1], relative(want[1]));
      CHECK_NEAR(first_loss(&model, &got), want[2], relative(want[2]));
      CHECK_NEAR(inner(&got), want[3], relative(want[3]));
    }
    /* Control: twice the batch is another table. */
    const eg_affine_setting batch2 = {EG_LAW_SGD, EG_AFFINE_EXACT, 0.125 / (1 << row), 2.0, 1};
    const moments wrong = moments_from(&model, batch2, 2, M5_start, (uint64_t)8 << row);
    CHECK(fabs(norm2(&wrong, 4) - table[row][0][1]) > 1e-3);
  }
  eg_affine_free(&model);
}

/* M5 with one start, 45-digit arithmetic with the full (not halved) lift: E X_1, E |X|^2, E X_1 X_2. The
   chains of 2^20 and 2^26 steps must keep the digits. */
static void test_long_chains_and_substeps(void) {
  typedef struct reference {
    eg_affine_setting setting;
    uint64_t steps;
    double want[3];
  } reference;
  static const double tiny = 1.0 / 1048576;
  const reference references[5] = {
      {{EG_LAW_SGD, EG_AFFINE_EXACT, tiny, 1, 1},
       1 << 20,
       {0.71443263341425775989, 0.54804738669553846072, -0.13859420362700512133}},
      {{EG_LAW_SGD, EG_AFFINE_EXACT, tiny, 1, 1},
       1 << 26,
       {0.076923076923094652773, 0.4334323644423714958, 0.050295902341927672492}},
      {{EG_LAW_SDE2, EG_AFFINE_EXACT, tiny, 1, 1},
       1 << 20,
       {0.71443263341425552484, 0.54804738669504138246, -0.13859420362692580617}},
      {{EG_LAW_SDE2, EG_AFFINE_STRANG, 0.0625, 4, 3},
       16,
       {0.71214582957491103509, 0.54973980698915516052, -0.1318663482897338001}},
      {{EG_LAW_SDE2, EG_AFFINE_EULER_MARUYAMA, 0.0625, 4, 3},
       16,
       {0.71138057889202301582, 0.54729070120724882573, -0.12879968737132286418}}};
  eg_affine_model model;
  CHECK(eg_affine_least_squares(ctx, 4, 2, M5_a, M5_y, 0.0, &model) == EG_OK);
  for (int k = 0; k < 5; k++) {
    const reference *r = &references[k];
    const moments got = moments_from(&model, r->setting, 1, M5_start, r->steps);
    CHECK_NEAR(got.mean[0], r->want[0], 2e-15);
    CHECK_NEAR(norm2(&got, 2), r->want[1], 2e-15);
    CHECK_NEAR(got.second[1], r->want[2], 2e-15);
  }
  eg_affine_free(&model);
}

/* M7: neurons of a mean-field net move like M2 from a random start, mean 1, variance 1/(2 M), eta = 1/M. */
static void test_random_start(void) {
  static const double want[3][5] = {
      {8, 0.343608915805817, 0.345590752576975, 0.219653474041811, 0.196631414297942},
      {128, 0.366437715922037, 0.366445215150775, 0.210118014005928, 0.208741548733566},
      {1024, 0.367699739411271, 0.367699856385568, 0.209650609443144, 0.209478925129186}};
  static const double uniform[4] = {0.25, 0.25, 0.25, 0.25};
  eg_affine_model model = weighted_model(1, 4, D1_a, D1_ya, uniform);
  for (int row = 0; row < 3; row++) {
    const double M = want[row][0], mean = 1.0, second = 1.0 + 0.5 / M;
    const uint64_t steps = (uint64_t)M;
    for (int k = 0; k < 2; k++) {
      const eg_affine_setting setting = {k == 0 ? EG_LAW_SGD : EG_LAW_SDE2, EG_AFFINE_EXACT, 1 / M, 1.0, 1};
      double m = 0, c = 0;
      CHECK(eg_affine_moments(ctx, &model, &setting, 1, &mean, &second, 1, &steps, &m, &c) == EG_OK);
      CHECK_NEAR(m, want[row][1 + k], relative(1.0));
      CHECK_NEAR(M * (c - m * m), want[row][3 + k], 1e-15 * M + 1e-13); /* cancellation of c - m^2 */
      /* Control: neurons that all start at one point. */
      const double point = 1.0;
      CHECK(eg_affine_moments(ctx, &model, &setting, 1, &mean, &point, 1, &steps, &m, &c) == EG_OK);
      CHECK(fabs(M * (c - m * m) - want[row][3 + k]) > 1e-2);
    }
  }
  eg_affine_free(&model);
}

static void test_processes(void) {
  const eg_affine_setting step = {EG_LAW_SDE1, EG_AFFINE_EXACT, 0.01, 1.0, 1};
  const double x = 1.5;
  eg_affine_model model;
  CHECK(eg_affine_ornstein_uhlenbeck(ctx, 0.7, -0.4, 0.3, &model) == EG_OK);
  for (uint64_t steps = 0; steps <= 100000; steps = 10 * steps + 10) {
    const double t = 0.01 * (double)steps, mean = -0.4 + 1.9 * exp(-0.7 * t);
    const moments got = moments_from(&model, step, 1, &x, steps);
    CHECK_NEAR(got.mean[0], mean, 1e-14);
    CHECK_NEAR(got.second[0], mean * mean + 0.09 / 1.4 * -expm1(-1.4 * t), 3e-14);
  }
  const double mean = 2.0, second = 7.0; /* E R = rate (x - mean)^2 / 2, E |grad R|^2 */
  CHECK_NEAR(eg_affine_loss(&model, &mean, &second), 0.35 * (7.0 + 0.8 * 2.0 + 0.16), 1e-14);
  CHECK_NEAR(eg_affine_gradient_norm2(&model, &mean, &second), 0.49 * (7.0 + 0.8 * 2.0 + 0.16), 1e-14);
  eg_affine_free(&model);
  CHECK(eg_affine_geometric_brownian_motion(ctx, 0.1, 0.4, &model) == EG_OK);
  for (uint64_t steps = 1; steps <= 10000; steps *= 10) {
    const double t = 0.01 * (double)steps;
    const moments got = moments_from(&model, step, 1, &x, steps);
    CHECK_NEAR(got.mean[0], 1.5 * exp(0.1 * t), 1e-13 * exp(0.1 * t));
    CHECK_NEAR(got.second[0], 2.25 * exp(0.36 * t), 1e-13 * exp(0.36 * t));
  }
  const moments far = moments_from(&model, step, 1, &x, 1000000); /* t = 1e4: e^1000, e^3600 */
  CHECK(isinf(far.mean[0]) && isinf(far.second[0]) && far.second[0] > 0);
  eg_affine_free(&model);
}

/* S8, A = 0, lam = 1: eta Bv/(2 - eta), eta Bv/2, eta Bv/(2 + eta); schemes by their own fixed points. A
   million steps must keep the digits. */
static void test_stationary_variance(void) {
  const double one = 1.0, zero = 0.0, b = 0.6, Bv = 0.36, x = 3.0;
  static const double etas[3] = {0.5, 0.0625, 1.0 / 16384};
  eg_affine_model model;
  CHECK(eg_affine_quadratic(ctx, 1, &one, &zero, &b, &zero, &model) == EG_OK);
  for (int k = 0; k < 3; k++) {
    const double eta = etas[k], T = 1e6 * eta;
    const double want[3] = {eta * Bv / (2 - eta), eta * Bv / 2, eta * Bv / (2 + eta)};
    CHECK_NEAR(exact(&model, SGD, eta, 1, &x, T).second[0], want[0], relative(want[0]));
    CHECK_NEAR(exact(&model, SDE1, eta, 1, &x, T).second[0], want[1], relative(want[1]));
    CHECK_NEAR(exact(&model, SDE2, eta, 1, &x, T).second[0], want[2], relative(want[2]));
    const eg_affine_setting euler = {EG_LAW_SDE1, EG_AFFINE_EULER_MARUYAMA, eta, 1.0, 1};
    const eg_affine_setting strang = {EG_LAW_SDE1, EG_AFFINE_STRANG, eta, 1.0, 1};
    const double strang_want = eta * eta * Bv * exp(-eta) / -expm1(-2 * eta);
    CHECK_NEAR(moments_from(&model, euler, 1, &x, 1000000).second[0], want[0], relative(want[0]));
    CHECK_NEAR(moments_from(&model, strang, 1, &x, 1000000).second[0], strang_want, relative(strang_want));
  }
  eg_affine_free(&model);
  /* A long decay: (1 - eta)^(2 n) over 1e6 and 2^40 steps. */
  CHECK(eg_affine_quadratic(ctx, 1, &one, &zero, &zero, &zero, &model) == EG_OK);
  const double eta = 1e-6, long_eta = ldexp(1.0, -40);
  CHECK_NEAR(exact(&model, SGD, eta, 1, &one, 1.0).second[0], exp(2e6 * log1p(-eta)), 1e-15);
  CHECK_NEAR(exact(&model, SGD, long_eta, 1, &one, 1.0).mean[0], exp(-1.0 - 0.5 * long_eta), 1e-15);
  CHECK_NEAR(exact(&model, FLOW, eta, 1, &one, 1.0).mean[0], exp(-1.0), 1e-15);
  eg_affine_free(&model);
}

/* Every batch of a tiny data set, three steps: E x and E x x^T by the full tree. */
typedef struct batch_tree {
  size_t n_batches, size;
  const size_t (*batch)[2];
  double eta, ridge;
} batch_tree;

static const double tiny_a[6] = {1.0, 0.25, -0.5, 1.0, 0.75, 0.5}, tiny_y[3] = {0.5, -1.0, 2.0};

static void walk_tree(const batch_tree *tree, int steps, double weight, const double *x, moments *sum) {
  if (steps == 0) {
    for (int i = 0; i < 2; i++) {
      sum->mean[i] += weight * x[i];
      for (int j = 0; j < 2; j++) {
        sum->second[2 * i + j] += weight * x[i] * x[j];
      }
    }
    return;
  }
  for (size_t k = 0; k < tree->n_batches; k++) {
    double gradient[2] = {tree->ridge * x[0], tree->ridge * x[1]};
    for (size_t l = 0; l < tree->size; l++) {
      const double *a = tiny_a + 2 * tree->batch[k][l];
      const double residual = a[0] * x[0] + a[1] * x[1] - tiny_y[tree->batch[k][l]];
      gradient[0] += residual * a[0] / (double)tree->size;
      gradient[1] += residual * a[1] / (double)tree->size;
    }
    const double next[2] = {x[0] - tree->eta * gradient[0], x[1] - tree->eta * gradient[1]};
    walk_tree(tree, steps - 1, weight / (double)tree->n_batches, next, sum);
  }
}

static double largest_difference(const moments *a, const moments *b) {
  double largest = fmax(fabs(a->mean[0] - b->mean[0]), fabs(a->mean[1] - b->mean[1]));
  for (int i = 0; i < 4; i++) {
    largest = fmax(largest, fabs(a->second[i] - b->second[i]));
  }
  return largest;
}

static void test_batches(void) {
  static const size_t single[3][2] = {{0}, {1}, {2}};
  static const size_t with_replacement[9][2] = {{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1},
                                                {1, 2}, {2, 0}, {2, 1}, {2, 2}};
  static const size_t without[3][2] = {{0, 1}, {0, 2}, {1, 2}};
  const double eta = 0.3, ridge = 0.2, x[2] = {1.0, -2.0};
  /* without replacement: covariance / b (N - b)/(N - 1), so the effective batch is 2 * 2 / 1 = 4 */
  const batch_tree trees[3] = {
      {3, 1, single, eta, ridge}, {9, 2, with_replacement, eta, ridge}, {3, 2, without, eta, ridge}};
  static const double effective[3] = {1.0, 2.0, 4.0};
  eg_affine_model model;
  CHECK(eg_affine_least_squares(ctx, 3, 2, tiny_a, tiny_y, ridge, &model) == EG_OK);
  for (int k = 0; k < 3; k++) {
    moments tree = {0};
    walk_tree(&trees[k], 3, 1.0, x, &tree);
    for (int other = 0; other < 3; other++) {
      const eg_affine_setting setting = {EG_LAW_SGD, EG_AFFINE_EXACT, eta, effective[other], 1};
      const moments got = moments_from(&model, setting, 1, x, 3);
      CHECK(other == k ? largest_difference(&got, &tree) < 1e-14 : largest_difference(&got, &tree) > 1e-3);
    }
  }
  eg_affine_free(&model);
}

/* SMF2 of M5 at eta as a process, so that its schemes can be run with any step h. */
static eg_affine_model frozen_modified_flow(const eg_affine_model *model, double eta) {
  eg_affine_model out = {.dim = 2, .n_channels = model->n_channels, .is_process = true};
  const size_t n_channels = (size_t)model->n_channels;
  out.H = calloc(4, sizeof(double));
  out.g0 = calloc(2, sizeof(double));
  out.S = calloc(4 * n_channels, sizeof(double));
  out.s = calloc(2 * n_channels, sizeof(double));
  for (int i = 0; i < 2; i++) {
    out.g0[i] = model->g0[i];
    for (int k = 0; k < 2; k++) {
      out.g0[i] += 0.5 * eta * model->H[2 * i + k] * model->g0[k];
      out.H[2 * i + k] += model->H[2 * i + k];
      for (int j = 0; j < 2; j++) {
        out.H[2 * i + j] += 0.5 * eta * model->H[2 * i + k] * model->H[2 * k + j];
      }
    }
  }
  for (size_t i = 0; i < 4 * n_channels; i++) {
    out.S[i] = sqrt(eta) * model->S[i];
  }
  for (size_t i = 0; i < 2 * n_channels; i++) {
    out.s[i] = sqrt(eta) * model->s[i];
  }
  return out;
}

/* Section 5: errors of Euler-Maruyama and Strang in E |X|^2 on M5, eta = 1/16. The table's Strang has
   Runge-Kutta halves, whose O(h^4) is the difference at h = 1/4. */
static void test_scheme_errors(void) {
  static const double table[4][3] = {{-2.23e-2, -2.49e-4, 8e-6},
                                     {-1.18e-2, -9.43e-5, 1e-6},
                                     {-6.03e-3, -3.96e-5, 1e-7},
                                     {-3.04e-3, -1.79e-5, 1e-7}};
  static const double extrapolated[3] = {-1.30e-3, -2.63e-4, -5.94e-5}, pair_signs[4] = {4.04e-4, 1.03e-4, 2.62e-5, 6.61e-6},
                      shared_signs[4] = {3.85e-4, 9.51e-5, 2.25e-5, 4.81e-6}; /* defective: another scheme, a control */
  eg_affine_model model;
  CHECK(eg_affine_least_squares(ctx, 4, 2, M5_a, M5_y, 0.0, &model) == EG_OK);
  eg_affine_model process = frozen_modified_flow(&model, 1.0 / 16);
  const double limit = 0.578396131975198;
  for (int row = 0; row < 4; row++) {
    const double h = 0.25 / (1 << row);
    eg_affine_setting setting = {EG_LAW_SDE1, EG_AFFINE_EULER_MARUYAMA, h, 1.0, 1};
    const moments euler = moments_from(&process, setting, 1, M5_start, (uint64_t)4 << row);
    setting.scheme = EG_AFFINE_STRANG;
    const moments strang = moments_from(&process, setting, 1, M5_start, (uint64_t)4 << row);
    CHECK_NEAR(norm2(&euler, 2) - limit, table[row][0], 5e-3 * fabs(table[row][0]));
    CHECK_NEAR(norm2(&strang, 2) - limit, table[row][1], table[row][2]);
    setting.scheme = EG_AFFINE_SRK2; /* four channels that do not commute; test_scheme_orders has the shipped stepper's map beside it */
    const moments srk2 = moments_from(&process, setting, 1, M5_start, (uint64_t)4 << row);
    const double error = norm2(&srk2, 2) - limit;
    printf("5 schemes on M5, h 1/%d: euler %.3e, strang %.3e, srk2 %.3e\n", 4 << row, norm2(&euler, 2) - limit, norm2(&strang, 2) - limit,
           error);
    CHECK_NEAR(error, pair_signs[row], 6e-3 * pair_signs[row]);
    CHECK(fabs(error - shared_signs[row]) > 0.04 * pair_signs[row]);
    if (row < 3) {
      setting.scheme = EG_AFFINE_EULER_MARUYAMA;
      setting.learning_rate = 0.5 * h;
      const moments half = moments_from(&process, setting, 1, M5_start, (uint64_t)8 << row);
      const double talay_tubaro = 2 * norm2(&half, 2) - norm2(&euler, 2) - limit;
      printf("5 schemes on M5, h 1/%d: extrapolated euler %.3e\n", 4 << row, talay_tubaro);
      CHECK_NEAR(talay_tubaro, extrapolated[row], 5e-3 * fabs(extrapolated[row]));
    }
  }
  /* the same as substeps of the modified flow itself */
  const eg_affine_setting substeps = {EG_LAW_SDE2, EG_AFFINE_STRANG, 1.0 / 16, 1.0, 2};
  const moments halves = moments_from(&model, substeps, 1, M5_start, 16);
  const eg_affine_setting direct = {EG_LAW_SDE1, EG_AFFINE_STRANG, 1.0 / 32, 1.0, 1};
  const moments same = moments_from(&process, direct, 1, M5_start, 32);
  CHECK_NEAR(norm2(&halves, 2), norm2(&same, 2), 1e-15);
  static const double ratio[4] = {-0.1631, -0.1621, -0.1615, -0.1611};
  for (int row = 0; row < 4; row++) {
    const double eta = 0.125 / (1 << row);
    const eg_affine_setting strang = {EG_LAW_SDE2, EG_AFFINE_STRANG, eta, 1.0, 1};
    const moments got = moments_from(&model, strang, 1, M5_start, (uint64_t)8 << row);
    const moments want = exact(&model, SDE2, eta, 1, M5_start, 1.0);
    CHECK_NEAR((norm2(&got, 2) - norm2(&want, 2)) / (eta * eta * eta), ratio[row], 1e-3);
  }
  /* trap 1: Euler-Maruyama with h = eta on the uncorrected drift has the second moments of SGD itself */
  const eg_affine_setting euler = {EG_LAW_SDE1, EG_AFFINE_EULER_MARUYAMA, 1.0 / 16, 1.0, 1};
  const moments gaussian_sgd = moments_from(&model, euler, 2, M5_start, 16),
                sgd = exact(&model, SGD, 1.0 / 16, 2, M5_start, 1.0);
  CHECK(memcmp(gaussian_sgd.second, sgd.second, 16 * sizeof(double)) == 0);
  eg_affine_setting corrected = euler;
  corrected.law = EG_LAW_SDE2;
  const moments doubly = moments_from(&model, corrected, 1, M5_start, 16);
  CHECK_NEAR(norm2(&doubly, 2) - 0.580621724048515, -8.25e-3, 1e-5);
  eg_affine_free(&process);
  eg_affine_free(&model);
}

/* x(t) = x* + exp(-B t)(x - x*) by the eigenvectors of the 2 x 2 matrix B = (I + c H) H. */
static void test_flow(void) {
  eg_affine_model model;
  CHECK(eg_affine_least_squares(ctx, 4, 2, M5_a, M5_y, 0.0, &model) == EG_OK);
  const double half = 0.5 * (model.H[0] + model.H[3]),
               gap = sqrt(0.25 * pow(model.H[0] - model.H[3], 2) + pow(model.H[1], 2));
  const double star[2] = {1.0 / 13, 17.0 / 26};
  for (int k = 0; k < 4; k++) {
    const double c = k % 2 == 0 ? 0.0 : 1.0 / 16, t = k < 2 ? 0.125 : 40.0;
    double M[4], v[2], f[2];
    CHECK(eg_affine_flow(ctx, &model, c, t, M, v) == EG_OK);
    for (int i = 0; i < 2; i++) {
      const double h = half + (i == 0 ? gap : -gap);
      f[i] = exp(-(h + c * h * h) * t);
    }
    for (int i = 0; i < 2; i++) {
      double x = v[i];
      for (int j = 0; j < 2; j++) { /* f(H) = f0 P0 + f1 (I - P0), P0 = (H - h1 I)/(2 gap) */
        const double P0 = (model.H[2 * i + j] - (i == j ? half - gap : 0.0)) / (2 * gap);
        CHECK_NEAR(M[2 * i + j], f[0] * P0 + f[1] * ((i == j ? 1.0 : 0.0) - P0), 1e-15);
        x += M[2 * i + j] * star[j];
      }
      CHECK_NEAR(x, star[i], 1e-15);
    }
  }
  eg_affine_free(&model);
}

static void test_stability(void) {
  const double zero = 0.0, one = 1.0;
  double limit = -1;
  eg_affine_model model;
  static const double cases[4][3] = {{1.0, 0.5, 1.0}, {0.5, 1.0, 1.0}, {0.5, 1.0, 8.0}, {1e-3, 0.5, 1.0}};
  for (int k = 0; k < 4; k++) { /* M1: eta < 2 lam / (lam^2 + sig^2 / batch) */
    const double lam = cases[k][0], sig = cases[k][1], batch = cases[k][2];
    CHECK(eg_affine_quadratic(ctx, 1, &lam, &zero, &one, &sig, &model) == EG_OK);
    const double want = 2 * lam / (lam * lam + sig * sig / batch);
    CHECK(eg_affine_stability_limit(ctx, &model, batch, &limit) == EG_OK);
    CHECK_NEAR(limit, want, 1e-3 * want);
    eg_affine_free(&model);
  }
  CHECK(eg_affine_quadratic(ctx, 1, &zero, &zero, &one, &zero, &model) == EG_OK);
  CHECK(eg_affine_stability_limit(ctx, &model, 1.0, &limit) == EG_OK && isinf(limit));
  eg_affine_free(&model);
  CHECK(eg_affine_quadratic(ctx, 1, &zero, &zero, &zero, &one, &model) == EG_OK);
  CHECK(eg_affine_stability_limit(ctx, &model, 1.0, &limit) == EG_OK && limit == 0.0);
  eg_affine_free(&model);
  const double padded[12] = {1, 0, 0, 1, 1, 0, 0, 1, 0, 0.5, -1, 0}; /* M5 with a column of zeros */
  double plain = 0;
  CHECK(eg_affine_least_squares(ctx, 4, 2, M5_a, M5_y, 0.0, &model) == EG_OK);
  CHECK(eg_affine_stability_limit(ctx, &model, 1.0, &plain) == EG_OK);
  /* just below the limit the chain decays, just above it grows */
  const eg_affine_setting below = {EG_LAW_SGD, EG_AFFINE_EXACT, 0.995 * plain, 1.0, 1};
  const eg_affine_setting above = {EG_LAW_SGD, EG_AFFINE_EXACT, 1.005 * plain, 1.0, 1};
  CHECK(moments_from(&model, below, 1, M5_start, 100000).second[0] < 1e4);
  CHECK(moments_from(&model, above, 1, M5_start, 100000).second[0] > 1e100);
  eg_affine_free(&model);
  CHECK(eg_affine_least_squares(ctx, 4, 3, padded, M5_y, 0.0, &model) == EG_OK);
  CHECK(eg_affine_stability_limit(ctx, &model, 1.0, &limit) == EG_OK);
  CHECK_NEAR(limit, plain, 2e-3 * plain);
  eg_affine_free(&model);
}

/* A component that overflows must not spoil the others; times asked for must not change values. */
static void test_separation(void) {
  const double h[2] = {1.0, 1.0}, c[2] = {0.5, 0.0}, additive[2] = {0.1, 0.2},
               multiplicative[2] = {30.0, 0.5};
  eg_affine_model both, one;
  CHECK(eg_affine_quadratic(ctx, 2, h, c, additive, multiplicative, &both) == EG_OK);
  CHECK(eg_affine_quadratic(ctx, 1, h + 1, c + 1, additive + 1, multiplicative + 1, &one) == EG_OK);
  const double x[4] = {1.0, 2.0, -1.0, 0.5}, y[2] = {2.0, 0.5};
  const moments wide = exact(&both, SGD, 0.125, 2, x, 5000.0), narrow = exact(&one, SGD, 0.125, 2, y, 5000.0);
  CHECK(isinf(wide.second[0]) && wide.second[0] > 0);
  CHECK_NEAR(wide.mean[0], 0.5, 1e-15);
  CHECK_NEAR(wide.mean[1], narrow.mean[0], 0.0);
  CHECK_NEAR(wide.second[5], narrow.second[0], 0.0);
  CHECK_NEAR(wide.second[7], narrow.second[1], 0.0);

  const eg_affine_setting setting = {EG_LAW_SDE2, EG_AFFINE_EXACT, 0.01, 4.0, 1};
  const uint64_t times[4] = {0, 3, 64, 1000};
  double second[4] = {4.0, 1.0, 1.0, 0.25}, mean[8], out[16];
  CHECK(eg_affine_moments(ctx, &one, &setting, 2, y, second, 4, times, mean, out) == EG_OK);
  CHECK(memcmp(out, second, sizeof second) == 0);
  for (int i = 1; i < 4; i++) {
    const moments alone = moments_from(&one, setting, 2, y, times[i]);
    CHECK(memcmp(alone.second, out + 4 * i, 4 * sizeof(double)) == 0);
  }
  eg_affine_free(&both);
  eg_affine_free(&one);
}

/* Pairs of points, antisymmetric part included: two steps of SGD by the tree of single rows. */
static void test_pair_block(void) {
  eg_affine_model model;
  CHECK(eg_affine_least_squares(ctx, 3, 2, tiny_a, tiny_y, 0.0, &model) == EG_OK);
  const double start[4] = {1.0, -2.0, 0.5, 3.0}, eta = 0.3;
  double want[16] = {0};
  for (int j = 0; j < 9; j++) {
    double z[4] = {start[0], start[1], start[2], start[3]};
    for (int step = 0; step < 2; step++) {
      const int row = step == 0 ? j / 3 : j % 3;
      const double *a = tiny_a + 2 * row;
      for (int p = 0; p < 2; p++) {
        const double residual = a[0] * z[2 * p] + a[1] * z[2 * p + 1] - tiny_y[row];
        z[2 * p] -= eta * residual * a[0];
        z[2 * p + 1] -= eta * residual * a[1];
      }
    }
    for (int i = 0; i < 16; i++) {
      want[i] += z[i / 4] * z[i % 4] / 9;
    }
  }
  const moments got = exact(&model, SGD, eta, 2, start, 2 * eta);
  for (int i = 0; i < 16; i++) {
    CHECK_NEAR(got.second[i], want[i], 2e-15 * 9);
  }
  CHECK(fabs(got.second[3] - got.second[6]) >
        1e-2); /* X1 Y2 against X2 Y1: the antisymmetric part is there */
  eg_affine_free(&model);
}

static void test_errors(void) {
  eg_affine_model model;
  const double x[1] = {1.0};
  const uint64_t steps[2] = {2, 1};
  double mean[2], second[2];
  CHECK(eg_affine_ornstein_uhlenbeck(ctx, 1.0, 0.0, 1.0, &model) == EG_OK);
  eg_affine_setting setting = {EG_LAW_SDE1, EG_AFFINE_EXACT, 0.1, 1.0, 1};
  CHECK(eg_affine_moments(ctx, &model, &setting, 1, x, x, 2, steps, mean, second) == EG_ERR_USAGE);
  CHECK_HAS(eg_context_message(ctx), "increase");
  CHECK(eg_affine_moments(ctx, &model, &setting, 49, x, x, 1, steps, mean, second) == EG_ERR_USAGE);
  CHECK_HAS(eg_context_message(ctx), "49 points in 1 dimensions");
  setting.law = EG_LAW_SGD;
  CHECK(eg_affine_moments(ctx, &model, &setting, 1, x, x, 1, steps, mean, second) == EG_ERR_USAGE);
  CHECK_HAS(eg_context_message(ctx), "process");
  CHECK(eg_affine_stability_limit(ctx, &model, 1.0, mean) == EG_ERR_USAGE);
  eg_affine_free(&model);
  CHECK(eg_affine_least_squares(ctx, 0, 1, x, x, 0.0, &model) == EG_ERR_USAGE);
  CHECK(eg_affine_quadratic(ctx, 49, x, x, x, x, &model) == EG_ERR_USAGE);
}

int main(void) {
  ctx = eg_context_create();
  test_sign_flip_table();
  test_affine_1d_table();
  test_affine_1d_weighted();
  test_gaussian_regression();
  test_least_squares_table();
  test_long_chains_and_substeps();
  test_random_start();
  test_processes();
  test_stationary_variance();
  test_batches();
  test_scheme_errors();
  test_flow();
  test_stability();
  test_separation();
  test_pair_block();
  test_errors();
  eg_context_free(ctx);
  return check_report();
}
