/*
 * Numbers of minibatch-noise-strength.md that need no statistics, by the affine engine: label noise with and
 * without momentum (section 4), the Lyapunov equation (3), finite data, stability thresholds (5), input noise
 * (6), weight decay (7), the covariance of isotropic inputs (8), preconditioners (10), the law of lambda / S
 * (11) and times (13). With the law of continuous time or another batch as negative control. The first
 * diagonal element of C in section 4 stands there as .270209214214876; by the fractions of the same row it is
 * (465/15488 + 787/15488 + 1) / 4 = 4185/15488 = .270209194214876.
 */
#include "physics/affine_sgd.h"

enum { D = 3 };

/* ---- section 4 ---- */

static const double A[D] = {1, 0.5, 0.25};

static void label_noise(void) {
  static const struct {
    sgd s;
    double Sig[D], trace, loss, C[D]; /* C: 0 where the table has none */
  } rows[4] = {{{0.2, 4, 0, 0},
                {465.0 / 15488, 217.0 / 7744, 105.0 / 3872},
                787.0 / 15488,
                16275.0 / 30976,
                {0.270209194214876, 0.133103047520661, 0.0660995609504132}},
               {{0.2, 1, 0, 0},
                {171.0 / 1085, 152.0 / 1085, 144.0 / 1085},
                283.0 / 1085,
                684.0 / 1085,
                {1.41843317972350, 0.665437788018433, 0.323502304147465}},
               {{0.1, 4, 0.9, 0},
                {1041105.0 / 5319928, 477945.0 / 2659964, 229577.0 / 1329982},
                1748627.0 / 5319928,
                7068555.0 / 10639856,
                {0}},
               {{0.6, 8, 0.5, 0},
                {10281.0 / 82780, 4321.0 / 41390, 2001.0 / 20695},
                16603.0 / 82780,
                99383.0 / 165560,
                {0}}};
  eg_affine_model model = gaussian(D, A, 0, 1);
  for (size_t r = 0; r < 4; r++) {
    const sgd *const s = &rows[r].s;
    sgd other = *s;
    double mean[D], Sig[D * D], after[D * D], trace = 0, wrong[D * D];
    stationary(&model, s, mean, Sig);
    other.batch *= 1.25;
    stationary(&model, &other, mean, wrong);
    stationary(&model, s, mean, Sig);
    for (int i = 0; i < D; i++) {
      row_is(row("section 4", "lam=%g S=%g mu=%g, Sig", s->rate, s->batch, s->momentum), Sig[4 * i],
             rows[r].Sig[i]);
      row_is_not(
          row("section 4", "lam=%g S=%g mu=%g, Sig of a quarter more rows", s->rate, s->batch, s->momentum),
          wrong[4 * i], rows[r].Sig[i]);
      trace += A[i] * Sig[4 * i];
    }
    row_is(row("section 4", "lam=%g S=%g mu=%g, Tr A Sig", s->rate, s->batch, s->momentum), trace,
           rows[r].trace);
    row_is(row("section 4", "lam=%g S=%g mu=%g, E L_train", s->rate, s->batch, s->momentum),
           eg_affine_loss(&model, mean, Sig), rows[r].loss);
    if (rows[r].C[0] > 0) { /* what a step adds to (I - lam A) Sig (I - lam A) */
      const eg_affine_setting setting = {EG_LAW_SGD, EG_AFFINE_EXACT, s->rate, s->batch, 1};
      CHECK(eg_affine_one_step(ctx, &model, &setting, mean, Sig, after) == EG_OK);
      for (int i = 0; i < D; i++) {
        const double shrink = 1 - s->rate * A[i];
        row_has(row("section 4", "lam=%g S=%g mu=%g, C", s->rate, s->batch, s->momentum),
                (after[4 * i] - shrink * shrink * Sig[4 * i]) / (s->rate * s->rate), rows[r].C[i], 15);
      }
    }
  }
  eg_affine_free(&model);
  static const double one[5][4] = {{0.1, 1, 0, 1.0 / 17},
                                   {0.5, 4, 0, 0.1},
                                   {1, 8, 0, 1.0 / 6},
                                   {1, 16, 0, 1.0 / 14},
                                   {0.1, 4, 0.9, 19.0 / 110}};
  for (size_t i = 0; i < 5; i++) {
    row_is(row("section 4", "1-d lam=%g S=%g mu=%g", one[i][0], one[i][1], one[i][2]),
           variance_1d(one[i][0], one[i][1], one[i][2]), one[i][3]);
    row_is_not(
        row("section 4", "1-d lam=%g S=%g mu=%g, lam / (2 S (1 - mu))", one[i][0], one[i][1], one[i][2]),
        one[i][0] / (2 * one[i][1] * (1 - one[i][2])), one[i][3]);
  }
}

/* ---- section 3 ---- */

static void multiply(const double *X, const double *Y, double *out) {
  for (int i = 0; i < D * D; i++) {
    out[i] = 0;
    for (int k = 0; k < D; k++) {
      out[i] += X[i / D * D + k] * Y[k * D + i % D];
    }
  }
}

static double product(const double *const *factors, int n, int at) {
  double left[D * D], out[D * D];
  memcpy(left, factors[0], sizeof left);
  for (int i = 1; i < n; i++) {
    multiply(left, factors[i], out);
    memcpy(left, out, sizeof left);
  }
  return left[at];
}

/* A learning rate that is a matrix, Lam = R R: in y = R^-1 w the rate is 1, the Hessian R H R and the noise R
 * C R. */
static void lyapunov(void) {
  static const double R[9] = {0.5, 0.1, -0.05, 0.1, 0.4, 0.15, -0.05, 0.15, 0.6},
                      H[9] = {1.2, 0.3, -0.2, 0.3, 0.8, 0.1, -0.2, 0.1, 0.5};
  static const double root[9] = {0.7, 0, 0, 0.2, 0.5, 0, -0.3, 0.4, 0.6};
  double Lam[9], C[9], T[9], noise[27] = {0}, shift[9], HR[9], zero[3] = {0}, none[27] = {0};
  multiply(R, R, Lam);
  multiply(R, H, HR);
  multiply(HR, R, T);
  multiply(R, root, shift); /* columns are channels */
  for (int i = 0; i < 9; i++) {
    C[i] = 0;
    for (int k = 0; k < D; k++) {
      C[i] += root[i / D * D + k] * root[i % D * D + k];
    }
    noise[i % D * D + i / D] = shift[i];
  }
  eg_affine_model model = {.dim = D, .H = T, .g0 = zero, .n_channels = D, .S = none, .s = noise};
  static const double momenta[3] = {0, 0.5, 0.9};
  for (int m = 0; m < 3; m++) {
    const double mu = momenta[m];
    const sgd s = {1, 1, mu, 0};
    double mean[D], Y[9], RY[9], Sig[9], residual = 0, wrong = 0;
    stationary(&model, &s, mean, Y);
    multiply(R, Y, RY);
    multiply(RY, R, Sig);
    const double *const LHS[] = {Lam, H, Sig}, *const SHL[] = {Sig, H, Lam},
                        *const LHSHL[] = {Lam, H, Sig, H, Lam}, *const LHLHS[] = {Lam, H, Lam, H, Sig},
                        *const SHLHL[] = {Sig, H, Lam, H, Lam}, *const LCL[] = {Lam, C, Lam};
    for (int i = 0; i < 9; i++) {
      const double first = (1 - mu) * (product(LHS, 3, i) + product(SHL, 3, i)), right = product(LCL, 3, i);
      const double second = (1 + mu * mu) / (1 - mu * mu) * product(LHSHL, 5, i),
                   third = mu / (1 - mu * mu) * (product(LHLHS, 5, i) + product(SHLHL, 5, i));
      residual = fmax(residual, fabs(first - second + third - right));
      wrong = fmax(wrong, fabs(first - right));
    }
    row_within(row("section 3", "Lyapunov equation, three matrices that do not commute, mu=%g", mu, 0, 0),
               1 + residual, 1, 1e-12);
    row_is_not(row("section 3", "the equation of continuous time, mu=%g", mu, 0, 0), 1 + wrong, 1);
  }
  static const double oracles[3][3] = {{0.1, 0.9, 19.0 / 37}, {1, 0, 1}, {1.5, 0.5, 3}};
  const double one = 1, nothing = 0;
  for (int i = 0; i < 3; i++) {
    const sgd s = {oracles[i][0], 1, oracles[i][1], 0};
    eg_affine_model additive = {0};
    double mean, Sig;
    CHECK(eg_affine_quadratic(ctx, 1, &one, &nothing, &one, &nothing, &additive) == EG_OK);
    stationary(&additive, &s, &mean, &Sig);
    row_is(row("section 3", "C = h = 1, lam=%g mu=%g", s.rate, s.momentum, 0), Sig, oracles[i][2]);
    row_is_not(row("section 3", "continuous time, lam=%g mu=%g", s.rate, s.momentum, 0),
               s.rate / (2 * (1 - s.momentum)), oracles[i][2]);
    eg_affine_free(&additive);
  }
}

/* ---- section 4, finite data ---- */

static void finite_data(void) {
  static const double x[5] = {1, 2, -1, 0.5, 1.5}, y[5] = {1, 1.5, -2, 1, 1}, point = 0.3;
  static const double batch[2] = {2, 2 * 4.0 / 3}, Sig[2] = {24980.0 / 1530833, 14988.0 / 1244723},
                      C[2] = {6163.0 / 40000, 18489.0 / 160000};
  static const char *const names[2] = {"with", "without"};
  eg_affine_model model = {0};
  CHECK(eg_affine_least_squares(ctx, 5, 1, x, y, 0, &model) == EG_OK);
  for (int i = 0; i < 2; i++) {
    const sgd s = {0.2, batch[i], 0, 0};
    double mean, value, covariance;
    char name[60];
    (void)snprintf(name, sizeof name, "section 4 finite data %s replacement", names[i]);
    stationary(&model, &s, &mean, &value);
    eg_affine_covariance(&model, &point, &covariance);
    row_is(row(name, "w*", 0, 0, 0), mean, 16.0 / 17);
    row_is(row(name, "Sig", 0, 0, 0), value, Sig[i]);
    row_is_not(row(name, "Sig of the other", 0, 0, 0), value, Sig[1 - i]);
    row_is(row(name, "C at w=3/10", 0, 0, 0), covariance / batch[i], C[i]);
    row_is_not(row(name, "C at w=3/10 of the other", 0, 0, 0), covariance / batch[i], C[1 - i]);
    if (i == 0) {
      const double second = value + mean * mean, at_minimum = mean * mean;
      row_is(row(name, "L_*", 0, 0, 0), eg_affine_loss(&model, &mean, &at_minimum), 117.0 / 680);
      row_has(row(name, "E L_train", 0, 0, 0), eg_affine_loss(&model, &mean, &second), 0.185929049739586, 15);
    }
  }
  eg_affine_free(&model);
}

/* ---- section 5 ---- */

/* log10 of E |w|^2 after 2^54 steps without label noise, from 1 in every direction: at a threshold it is of
   the order 1, and a part in 1e12 of the rate beside it beyond 100. */
static double growth(int dim, const double *variance, const sgd *s) {
  const uint64_t steps = (uint64_t)1 << 54;
  double mean[MOST] = {0}, second[MOST * MOST] = {0}, end[MOST * MOST], sum = 0;
  eg_affine_model model = gaussian(dim, variance, 0, 0), lifted = {0};
  const bool is_plain = s->momentum == 0 && s->decay == 0;
  const eg_affine_setting plain = {EG_LAW_SGD, EG_AFFINE_EXACT, s->rate, s->batch, 1},
                          setting = is_plain ? plain : lift(&model, s, &lifted);
  const size_t width = (size_t)dim * (is_plain ? 1 : 2);
  for (size_t i = 0; i < (size_t)dim; i++) {
    second[i * width + i] = 1;
  }
  CHECK(eg_affine_moments(ctx, is_plain ? &model : &lifted, &setting, 1, mean, second, 1, &steps, mean,
                          end) == EG_OK);
  for (size_t i = 0; i < (size_t)dim; i++) {
    sum += end[i * width + i];
  }
  eg_affine_free(&model);
  eg_affine_free(&lifted);
  return log10(sum);
}

static void row_threshold(const char *name, int dim, const double *variance, sgd s) {
  const double rate = s.rate;
  s.rate = rate * (1 - 1e-12);
  const double below = growth(dim, variance, &s);
  s.rate = rate * (1 + 1e-12);
  const double above = growth(dim, variance, &s);
  n_table_rows++;
  printf("%s: stable below %.15g\n", name, rate);
  if (!(below < -50 && above > 50)) {
    fprintf(stderr, "%s: log10 E |w|^2 %g below, %g above\n", name, below, above);
  }
  CHECK(below < -50 && above > 50);
}

static void thresholds(void) {
  double ones[10];
  for (int i = 0; i < 10; i++) {
    ones[i] = 1;
  }
  row_threshold("minibatch-noise section 5, diag(1,1/2,1/4), S=4", D, A, (sgd){1.28490687369026, 4, 0, 0});
  row_threshold("minibatch-noise section 5, diag(1,1/2,1/4), S=1", D, A, (sgd){0.585786437626905, 1, 0, 0});
  row_threshold("minibatch-noise section 5, diag(1,1/2,1/4), S=4, mu=.9", D, A,
                (sgd){0.293691462424831, 4, 0.9, 0});
  row_threshold("minibatch-noise section 5, I_10, S=4", 10, ones, (sgd){8.0 / 15, 4, 0, 0});
  row_threshold("minibatch-noise section 5, 1-d S=4, mu=.9", 1, ones, (sgd){0.361904761904762, 4, 0.9, 0});
  static const double batch[5] = {1, 2, 4, 8, 16}, limit[5] = {2.0 / 3, 1, 4.0 / 3, 8.0 / 5, 16.0 / 9};
  for (int i = 0; i < 5; i++) {
    row_threshold(row("section 5", "mean-square pair, S=%g", batch[i], 0, 0), 1, ones,
                  (sgd){limit[i], batch[i], 0, 0});
  }
  const double far =
      growth(1, ones, &(sgd){2.0 / 3 * (1 + 1e-12), 1.01, 0, 0}); /* a little more in a batch is stable */
  CHECK(far < -50);
  n_table_controls++;
  /* section 10: the natural gradient has the rate at which its law is stationary whatever its size; Lam =
   * (lam / S) / C */
  const double lam = 0.2, S = 8, dim = 3, Sig = 1.0 / 24, C = Sig * (1 + dim) / S;
  row_threshold("minibatch-noise section 10, natural gradient, Sig = A^-1 / 24", 3, ones,
                (sgd){lam / S / C, S, 0.5, 0});
}

/* ---- section 6 ---- */

/* The three-point rule has the moments of a Gaussian up to the fifth, and no more enter: rows sqrt 3, -sqrt 3
 * and four zeros. */
static void input_noise(void) {
  const double root = sqrt(3), u = 0.8, B = 0.25, K = 1 + B, s2 = B * u * u / K;
  const double x[6] = {root, -root, 0, 0, 0, 0}, y[6] = {root * u, -root * u, 0, 0, 0, 0};
  static const sgd ways[3] = {{0.1, 1, 0, 0}, {0.5, 4, 0, 0}, {0.1, 4, 0.9, 0}};
  eg_affine_model clean = {0}, noisy = {0};
  CHECK(eg_affine_least_squares(ctx, 6, 1, x, y, 0, &clean) == EG_OK);
  CHECK(eg_affine_row_noise(ctx, &clean, 6, x, y, sqrt(B), 0, &noisy) == EG_OK);
  for (int i = 0; i < 3; i++) {
    const sgd *const s = &ways[i];
    const double mu = s->momentum,
                 shape = s->batch * (2 * (1 - mu) / (s->rate * K) - (1 - mu) / (1 + mu)) - 2;
    double mean, Sig;
    stationary(&noisy, s, &mean, &Sig);
    row_is(row("section 6", "input noise, w*, lam=%g S=%g mu=%g", s->rate, s->batch, mu), mean, u / K);
    row_is(row("section 6", "input noise, Sig, lam=%g S=%g mu=%g", s->rate, s->batch, mu), Sig,
           s2 / K / shape);
    row_is_not(row("section 6", "s2 = B u^2, lam=%g S=%g mu=%g", s->rate, s->batch, mu),
               B * u * u / K / shape, Sig);
  }
  eg_affine_free(&clean);
  eg_affine_free(&noisy);
}

/* In two dimensions, 36 rows: A = diag(1, 1/2), B = I / 4, K = A + B; s2 = Tr A K^-1 B u u^T in the closed
 * solution of section 4. */
static void input_noise_2d(void) {
  static const double node[6] = {1.7320508075688772, -1.7320508075688772, 0, 0, 0, 0}, u[2] = {0.8, -0.6},
                      k[2] = {1.25, 0.75};
  const sgd s = {0.1, 4, 0.9, 0};
  double x[72], y[36], mean[2], Sig[4], s2 = 0, k0 = 0, G[2];
  for (int i = 0; i < 36; i++) {
    x[2 * i] = node[i / 6];
    x[2 * i + 1] = sqrt(0.5) * node[i % 6];
    y[i] = x[2 * i] * u[0] + x[2 * i + 1] * u[1];
  }
  for (int i = 0; i < 2; i++) {
    s2 += A[i] / k[i] * 0.25 * u[i] * u[i];
    G[i] = 2 * (1 - s.momentum) - ((1 - s.momentum) / (1 + s.momentum) + 1 / s.batch) * s.rate * k[i];
    k0 += s.rate * k[i] / G[i];
  }
  eg_affine_model clean = {0}, noisy = {0};
  CHECK(eg_affine_least_squares(ctx, 36, 2, x, y, 0, &clean) == EG_OK);
  CHECK(eg_affine_row_noise(ctx, &clean, 36, x, y, 0.5, 0, &noisy) == EG_OK);
  stationary(&noisy, &s, mean, Sig);
  for (int i = 0; i < 2; i++) {
    const double kap = k0 / (1 - k0 / s.batch), want = s2 / s.batch * (1 + kap / s.batch) * s.rate / G[i];
    row_is(row("section 6", "input noise in 2-d, w*_%g", i, 0, 0), mean[i], A[i] * u[i] / k[i]);
    row_is(row("section 6", "input noise in 2-d, Sig_%g", i, 0, 0), Sig[3 * i], want);
    row_is_not(row("section 6", "constant noise, Sig_%g", i, 0, 0), Sig[3 * i], s2 / s.batch * s.rate / G[i]);
  }
  CHECK(fabs(Sig[1]) < 1e-13);
  eg_affine_free(&clean);
  eg_affine_free(&noisy);
}

/* ---- section 7 ---- */

/* E (w - u) A (w - u) / 2 and the covariance, SGD with weight decay from a Gaussian model with w = 1 as its
 * optimum. */
static double test_loss(int dim, const double *variance, double label, const sgd *s, double *Sig) {
  double mean[MOST], second[MOST * MOST];
  eg_affine_model model = gaussian(dim, variance, 1, label);
  stationary(&model, s, mean, Sig);
  for (int i = 0; i < dim * dim; i++) {
    second[i] = Sig[i] + mean[i / dim] * mean[i % dim];
  }
  const double loss = eg_affine_loss(&model, mean, second) - label * label / 2;
  eg_affine_free(&model);
  return loss;
}

/* d ln L_test / d gam in one dimension, a = u = 1, times signs that are positive. */
static double slope(double rate, double batch, double gam) {
  const double k = 1 + gam, N = 2 * k - rate * k * k;
  return 2 / gam - 2 / k + (2 - 2 * rate * k) * (1 / N - 1 / (N - 2 * rate / batch));
}

static void weight_decay(void) {
  static const double a[2] = {1, 0.5}, one = 1;
  const sgd s = {0.2, 2, 0, 0.1};
  double Sig[4];
  row_is("minibatch-noise section 7, L_test", test_loss(2, a, 0, &s, Sig), 387397.0 / 31228296);
  row_is("minibatch-noise section 7, Sig_11", Sig[0], 152875.0 / 85877814);
  row_is("minibatch-noise section 7, Sig_12", Sig[1], 25.0 / 50094);
  row_is("minibatch-noise section 7, Sig_22", Sig[3], 82175.0 / 46842444);
  row_has("minibatch-noise section 7, L_test, s2=.3", test_loss(2, a, sqrt(0.3), &s, Sig), 0.02482854812187,
          13);
  row_is_not("minibatch-noise section 7, L_test without decay, s2=.3",
             test_loss(2, a, sqrt(0.3), &(sgd){0.2, 2, 0, 0}, Sig), 0.02482854812187);
  static const struct {
    double rate, batch, low, high, best, loss; /* stable between low and high */
  } cases[3] = {{1.4, 4, -0.386729540169507, -0.184699031259065, -0.240365090057837, 3.12224299498820},
                {1.36, 4, -0.466342782364737, -0.0630689823411458, -0.103034356924864, 0.233789615090303},
                {0.7, 1, 0.226540919660986, 0.630601937481871, 0.353736022404965, 1.97301883752520}};
  for (int i = 0; i < 3; i++) {
    const double rate = cases[i].rate, batch = cases[i].batch, g = cases[i].best;
    for (int end = 0; end < 2; end++) { /* outside by a part in 1e12 it grows, inside it decays */
      const double gam = end == 0 ? cases[i].low : cases[i].high, step = (end == 0 ? 1 : -1) * 1e-12;
      const double in = growth(1, &one, &(sgd){rate, batch, 0, gam + step}),
                   out = growth(1, &one, &(sgd){rate, batch, 0, gam - step});
      n_table_rows++;
      printf("%s: stable beside gam = %.15g\n",
             row("section 7", "lam=%g S=%g, end %g of the window", rate, batch, end), gam);
      CHECK(in < -50 && out > 50);
    }
    row_has(row("section 7", "lam=%g S=%g, L_test at gam=%g", rate, batch, g),
            test_loss(1, &one, 0, &(sgd){rate, batch, 0, g}, Sig), cases[i].loss, 15);
    n_table_rows++;
    printf("%s: %.15g\n", row("section 7", "lam=%g S=%g, gam*", rate, batch, 0), g);
    CHECK(slope(rate, batch, g - 1e-12) * slope(rate, batch, g + 1e-12) < 0);
    /* that this is the slope of the engine's loss */
    const double h = 1e-4, up = test_loss(1, &one, 0, &(sgd){rate, batch, 0, 1.1 * g + h}, Sig),
                 down = test_loss(1, &one, 0, &(sgd){rate, batch, 0, 1.1 * g - h}, Sig);
    CHECK_NEAR(log(up / down) / (2 * h), slope(rate, batch, 1.1 * g),
               1e-3 * fabs(slope(rate, batch, 1.1 * g)));
    row_is_not(row("section 7", "lam=%g S=%g, L_test at 0.99 gam*", rate, batch, 0),
               test_loss(1, &one, 0, &(sgd){rate, batch, 0, 0.99 * g}, Sig), cases[i].loss);
  }
}

/* ---- sections 8, 10, 11, 13 ---- */

/* Isotropic, S = 10, lam = 0.1: S C per direction over S. */
static void isotropic(void) {
  static const int dims[2] = {1, 10};
  static const double exact[2] = {0.101064, 0.106145}, formula[2] = {0.1, 0.105028};
  double ones[10];
  for (int i = 0; i < 10; i++) {
    ones[i] = 1;
  }
  for (int i = 0; i < 2; i++) {
    const int d = dims[i];
    double mean[10], Sig[100], after[100];
    eg_affine_model model = gaussian(d, ones, 0, 1);
    const eg_affine_setting setting = {EG_LAW_SGD, EG_AFFINE_EXACT, 0.1, 10, 1};
    stationary(&model, &(sgd){0.1, 10, 0, 0}, mean, Sig);
    CHECK(eg_affine_one_step(ctx, &model, &setting, mean, Sig, after) == EG_OK);
    row_has(row("section 8", "isotropic D=%g, C exact", d, 0, 0), (after[0] - 0.81 * Sig[0]) / 0.01, exact[i],
            6);
    /* 2 L H - H w w^T H, averaged: 1 + (D - 1) Sig */
    row_has(row("section 8", "isotropic D=%g, formula averaged", d, 0, 0), (1 + (d - 1) * Sig[0]) / 10,
            formula[i], 6);
    row_is_not(row("section 8", "isotropic D=%g, constant noise", d, 0, 0), 0.1, exact[i]);
    eg_affine_free(&model);
  }
}

static void preconditioned(void) {
  static const double ones[3] = {1, 1, 1};
  double mean[3], Sig[9];
  eg_affine_model model = gaussian(3, ones, 0, 1); /* what damped Newton sees */
  stationary(&model, &(sgd){0.2, 8, 0.5, 0}, mean, Sig);
  row_is("minibatch-noise section 10, damped Newton", Sig[0], 0.03);
  row_is_not("minibatch-noise section 10, damped Newton, lam / (2 S (1 - mu))", 0.2 / 8, Sig[0]);
  eg_affine_free(&model);
  /* idealised Adam: the rate lam / sqrt(v), v = C + h^2 Sig, found by iteration */
  const double one = 1, zero = 0, noise = 0.5;
  double variance = 0;
  eg_affine_model additive = {0};
  CHECK(eg_affine_quadratic(ctx, 1, &one, &zero, &noise, &zero, &additive) == EG_OK);
  for (int i = 0; i < 40; i++) {
    stationary(&additive, &(sgd){0.1 / sqrt(0.25 + variance), 1, 0, 0}, mean, &variance);
  }
  row_has("minibatch-noise section 10, Adam", variance, 0.0262812304931260, 15);
  row_is_not("minibatch-noise section 10, Adam with v = C", variance, 0.2 * 0.25 / (2 - 0.2));
  eg_affine_free(&additive);
}

static void ratio_law(void) {
  static const double batch[6] = {1, 2, 4, 8, 16, 32}, want[6] = {0.540540541, 0.555555556, 0.588235294,
                                                                  0.666666667, 0.909090909, 3.333333333};
  for (int i = 0; i < 6; i++) {
    row_has(row("section 11", "Sig S / lam, S=%g", batch[i], 0, 0),
            variance_1d(batch[i] / 20, batch[i], 0) * 20, want[i], i < 5 ? 9 : 10);
    row_is_not(row("section 11", "S=%g, 1/2", batch[i], 0, 0), 0.5, want[i]);
  }
  CHECK(isnan(variance_1d(1.9001, 38, 0)) && isfinite(variance_1d(1.85, 37, 0))); /* unstable from 1.9 */
}

/* Two times: the mean's map moves E z_k w_0. */
static void times(void) {
  static const uint64_t k[3] = {1, 2, 5};
  const double one = 1;
  double zero[4] = {0}, mean[2], V[4], z[6], seconds[12];
  bool is_there = false;
  eg_affine_model model = gaussian(1, &one, 0, 1), lifted = {0};
  const sgd s = {0.1, 4, 0.9, 0};
  const eg_affine_setting setting = lift(&model, &s, &lifted);
  CHECK(eg_affine_stationary(ctx, &lifted, &setting, zero, zero, &is_there, mean, V) == EG_OK && is_there);
  CHECK(eg_affine_moments(ctx, &lifted, &setting, 1, (const double[2]){V[0], V[2]}, zero, 3, k, z, seconds) ==
        EG_OK);
  row_is("minibatch-noise section 13, R_0", V[0], 19.0 / 110);
  row_is("minibatch-noise section 13, R_1", z[0], 9.0 / 55);
  row_is("minibatch-noise section 13, R_2", z[2], 1.8 * 9 / 55 - 0.9 * 19 / 110);
  row_is_not("minibatch-noise section 13, R_1 without momentum", z[0], 0.9 * 19 / 110);
  /* transient of the second moment, q = .83; variance and covariance of squares need fourth moments:
   * test_minibatch_simulated.c */
  const eg_affine_setting plain = {EG_LAW_SGD, EG_AFFINE_EXACT, 0.1, 1, 1};
  const double start = 2, start2 = 4;
  CHECK(eg_affine_moments(ctx, &model, &plain, 1, &start, &start2, 3, k, z, seconds) == EG_OK);
  for (int i = 0; i < 3; i++) {
    row_is(row("section 13", "E w_t^2, t=%g", (double)k[i], 0, 0), seconds[i],
           1.0 / 17 + pow(0.83, (double)k[i]) * (4 - 1.0 / 17));
    row_is(row("section 13", "E w_t, t=%g", (double)k[i], 0, 0), z[i], 2 * pow(0.9, (double)k[i]));
  }
  eg_affine_free(&lifted);
  eg_affine_free(&model);
}

int main(void) {
  ctx = eg_context_create();
  label_noise();
  lyapunov();
  finite_data();
  thresholds();
  input_noise();
  input_noise_2d();
  weight_decay();
  isotropic();
  preconditioned();
  ratio_law();
  times();
  report_rows(104, 48);
  eg_context_free(ctx);
  return check_report();
}
