#include <stdint.h>

#include "analysis/weak_error.h"
#include "check.h"

enum { NOISE = EG_WEAK_NOISE_DOMINATED, NO_FIT = EG_WEAK_NO_ORDER_FITS, TOO_FEW = EG_WEAK_TOO_FEW };

static int verdict(size_t n, const double *eta, const double *error, const double *stderr_) {
  double slope[8], slope_stderr[8];
  eg_weak_order order;
  eg_weak_error_fit(n, eta, error, stderr_, slope, slope_stderr, &order);
  return order.verdict;
}

/* Exact errors from the tables of stochastic modified flows; learning rates 1/8, 1/16, .. ; two columns to
 * subtract. */
typedef struct exact_case {
  const char *what;
  int order;
  size_t n;
  double sgd[5], model[5];
} exact_case;

static const exact_case exact_cases[] = {
    {"M1 P1 E X^2, SMF1",
     1,
     4,
     {0.122973090258351, 0.129061690518530, 0.132179674307910, 0.133753252365501},
     {0.139631286281399, 0.137466503838519, 0.136396731018500, 0.135864970558775}},
    {"M1 P1 E X^2, SMF2",
     2,
     4,
     {0.122973090258351, 0.129061690518530, 0.132179674307910, 0.133753252365501},
     {0.123224177647237, 0.129137829405204, 0.132200244777060, 0.133758579428958}},
    {"M1 P1 E XY, SME2",
     1,
     4,
     {-0.122973090258351, -0.129061690518530, -0.132179674307910, -0.133753252365501},
     {-0.115758402136263, -0.125164676087660, -0.130150669954259, -0.132717661905620}},
    {"M1 P2 E X^2, SMF2",
     2,
     4,
     {0.168084734483649, 0.149718481788650, 0.142086067206201, 0.138606914936300},
     {0.163245512453958, 0.148636730538123, 0.141830159087343, 0.138544666990756}},
    {"M2 E XY, SMF1",
     1,
     5,
     {-0.108108227381374, -0.121980891254453, -0.128722222811129, -0.132044678898766, -0.133693947678266},
     {-0.125974640031897, -0.130674901506539, -0.133010051532298, -0.134173903964956, -0.134754902345710}},
    {"M2 E XY, SMF2",
     2,
     5,
     {-0.108108227381374, -0.121980891254453, -0.128722222811129, -0.132044678898766, -0.133693947678266},
     {-0.110137971343465, -0.122490026576236, -0.128849666571566, -0.132076557253092, -0.133701919301544}},
    {"M2 E XY, SME2",
     1,
     5,
     {-0.108108227381374, -0.121980891254453, -0.128722222811129, -0.132044678898766, -0.133693947678266},
     {-0.102629739119, -0.118505828126, -0.126797276283, -0.131034929079, -0.133177201020}},
    {"M3 E cos(X - x), SMF from 1/4",
     3,
     5,
     {0.881623355939429, 0.939297995629009, 0.969218432412997, 0.984494558821660, 0.992217701684246},
     {0.882496902584595, 0.939413062813476, 0.969233234476344, 0.984496437005408, 0.992217938260244}},
    {"M5 E |X|^2, SMF1",
     1,
     5,
     {0.617920784888450, 0.580621724048515, 0.563781012657798, 0.555780033298401, 0.551880527875196},
     {0.626392724944961, 0.586791150233542, 0.567313350415213, 0.557653897704735, 0.552843873160782}},
    {"M5 E |X|^2, SMF2",
     2,
     5,
     {0.617920784888450, 0.580621724048515, 0.563781012657798, 0.555780033298401, 0.551880527875196},
     {0.608630782957743, 0.578396131975198, 0.563236137115832, 0.555645218896193, 0.551846997633259}},
    {"M5 E X.Y, SMF2",
     2,
     5,
     {-0.672442385014740, -0.692936503000619, -0.703453412361087, -0.708763362283973, -0.711429438958964},
     {-0.671341891765352, -0.692708248121079, -0.703401670429593, -0.708751060953843, -0.711426441027751}}};

static void test_exact_errors(void) {
  const double none[5] = {0};
  for (size_t k = 0; k < sizeof exact_cases / sizeof *exact_cases; k++) {
    const exact_case *c = &exact_cases[k];
    double eta[5], error[5];
    for (size_t i = 0; i < c->n; i++) {
      eta[i] = ldexp(0.125, -(int)i);
      error[i] = c->model[i] - c->sgd[i];
    }
    const int got = verdict(c->n, eta, error, none);
    if (got != c->order) {
      fprintf(stderr, "%s\n", c->what);
    }
    CHECK(got == c->order);
  }
}

/* Slopes 1.52 1.25 1.13 1.06 and the like, with error bars far below the next terms of the expansion. */
static void test_precise_samples(void) {
  static const double slopes[3][4] = {
      {1.52, 1.25, 1.13, 1.06}, {1.20, 1.09, 1.04, 1.02}, {2.19, 2.08, 2.04, 2.02}};
  static const int want[3] = {1, 1, 2};
  for (int k = 0; k < 3; k++) {
    double eta[5] = {0.125}, error[5] = {-0.3}, stderr_[5] = {1e-9, 1e-9, 1e-9, 1e-9, 1e-9};
    for (int i = 1; i < 5; i++) {
      eta[i] = 0.5 * eta[i - 1];
      error[i] = error[i - 1] * pow(0.5, slopes[k][i - 1]);
    }
    double slope[4], slope_stderr[4];
    eg_weak_order order;
    eg_weak_error_fit(5, eta, error, stderr_, slope, slope_stderr, &order);
    CHECK(order.verdict == want[k]);
    CHECK(order.fits[want[k]].is_accepted && order.fits[want[k]].n_used >= 4);
    for (int i = 0; i < 4; i++) {
      CHECK_NEAR(slope[i], slopes[k][i], 1e-13);
      CHECK_NEAR(slope_stderr[i], hypot(1e-9 / error[i], 1e-9 / error[i + 1]) / log(2.0), 1e-15);
    }
  }
}

/* A fit that can be done by hand: no noise, exactly two terms; any order of the points. */
static void test_coefficients(void) {
  const double eta[4] = {0.1, 0.4, 0.05, 0.2}, stderr_[4] = {1e-3, 1e-3, 1e-3, 1e-3};
  double error[4], slope[3], slope_stderr[3];
  for (int i = 0; i < 4; i++) {
    error[i] = 3.0 * eta[i] * eta[i] * (1.0 - 0.5 * eta[i]);
  }
  eg_weak_order order;
  eg_weak_error_fit(4, eta, error, stderr_, slope, slope_stderr, &order);
  CHECK(order.fits[2].n_used == 4 && order.fits[2].dof == 2.0);
  CHECK_NEAR(order.fits[2].c, 3.0, 1e-12);
  CHECK_NEAR(order.fits[2].c1, -0.5, 1e-12);
  CHECK_NEAR(order.fits[2].chi2, 0.0, 1e-20);
  CHECK_NEAR(order.fits[2].p_value, 1.0, 1e-12);
  /* sigma_c from the inverse of the normal matrix */
  double aa = 0, ab = 0, bb = 0;
  for (int i = 0; i < 4; i++) {
    const double w = 1.0 / (1e-6 + pow(error[i] / 64, 2) + 1e-18 * pow(error[1], 2)), x = eta[i] * eta[i];
    aa += w * x * x;
    ab += w * x * x * eta[i];
    bb += w * x * x * eta[i] * eta[i];
  }
  CHECK_NEAR(order.fits[2].c_stderr, sqrt(bb / (aa * bb - ab * ab)), 1e-9);
  CHECK_NEAR(slope[0], log(error[1] / error[3]) / log(2.0), 1e-14);
  CHECK_NEAR(slope[2], log(error[0] / error[2]) / log(2.0), 1e-14);
}

static void test_edges(void) {
  const double eta[5] = {0.5, 0.25, 0.125, 0.0625, 0.03125}, none[5] = {0};
  const double zero[5] = {0}, fourth[5] = {1, 1.0 / 16, 1.0 / 256, 1.0 / 4096, 1.0 / 65536};
  const double flat[5] = {1, 1, 1, 1, 1}, small[5] = {1e-3, 1e-3, 1e-3, 1e-3, 1e-3};
  const double holes[5] = {1, NAN, 0.25, INFINITY, 0.0625}, unknown[5] = {0, 0, NAN, 0, 0};
  const double crossing[5] = {0.1, -0.2, 0.05, -0.01, 0.02}, large[5] = {1, 1, 1, 1, 1};
  CHECK(verdict(5, eta, zero, none) == NOISE);
  CHECK(verdict(5, eta, zero, small) == NOISE);
  CHECK(verdict(5, eta, fourth, none) == NO_FIT);
  CHECK(verdict(5, eta, flat, none) == NO_FIT);
  CHECK(verdict(5, eta, flat, small) == NO_FIT);
  CHECK(verdict(5, eta, crossing, small) == NO_FIT);
  CHECK(verdict(5, eta, crossing, large) == NOISE);
  CHECK(verdict(5, eta, holes, none) == 1);
  CHECK(verdict(4, eta, holes, none) == TOO_FEW);
  CHECK(verdict(2, eta, flat, none) == TOO_FEW);
  CHECK(verdict(5, eta, eta, unknown) == 1);
  const double linear[5] = {-0.5, -0.25, -0.125, -0.0625, -0.03125}; /* both signs of error have an order */
  CHECK(verdict(5, eta, linear, small) == 1);
  double slope[4], slope_stderr[4];
  eg_weak_order order;
  eg_weak_error_fit(5, eta, crossing, small, slope, slope_stderr, &order);
  CHECK(isnan(slope[0]) && isnan(slope_stderr[0]));
  eg_weak_error_fit(5, eta, linear, small, slope, slope_stderr, &order);
  CHECK_NEAR(slope[3], 1.0, 1e-14);
}

/* Synthetic errors eta^q (1 + a u + b u^2) with noise at all levels: false verdicts must be rare, and a wrong
   order must give way to "noise dominated". */
static uint64_t generator = 88172645463325252u;

static double uniform(void) {
  generator ^= generator << 13;
  generator ^= generator >> 7;
  generator ^= generator << 17;
  return ((double)(generator >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void) {
  return sqrt(-2.0 * log(uniform())) * cos(2.0 * acos(-1.0) * uniform());
}

static int draw_verdict(size_t n, int q, double noise) {
  const double a = -0.7 + 2.2 * uniform(), b = uniform() - 0.5;
  const double sign = uniform() < 0.5 ? -1.0 : 1.0, power = uniform() < 0.5 ? 0.0 : 0.5;
  double eta[8], error[8], stderr_[8];
  for (size_t i = 0; i < n; i++) {
    const double u = ldexp(1.0, -(int)i);
    eta[i] = u / 8;
    stderr_[i] = noise * pow(u, power);
    error[i] = sign * pow(u, q) * (1.0 + a * u + b * u * u) + stderr_[i] * normal();
  }
  return verdict(n, eta, error, stderr_);
}

static void test_false_verdicts(void) {
  enum { DRAWS = 1000, LEVELS = 9 };
  int wrong = 0, total = 0;
  for (size_t n = 3; n <= 6; n++) {
    for (int q = 1; q <= 4; q++) {
      for (int level = 0; level < LEVELS; level++) {
        const double noise = level == LEVELS - 1 ? 0.0 : pow(10.0, -0.25 - 0.75 * level);
        int right = 0;
        for (int draw = 0; draw < DRAWS; draw++, total++) {
          const int got = draw_verdict(n, q, noise);
          right += got == q;
          wrong += got > 0 && got != q;
        }
        CHECK(level > 0 || right == 0); /* error below its noise: no verdict */
        CHECK(q == 4 || n < 5 || level < 5 || right > 0.95 * DRAWS);
        CHECK(q > 2 || n < 4 || level < 3 || right > 0.8 * DRAWS);
      }
    }
  }
  printf("false verdicts: %d of %d\n", wrong, total);
  CHECK(wrong < total / 5000);
}

int main(void) {
  test_exact_errors();
  test_precise_samples();
  test_coefficients();
  test_edges();
  test_false_verdicts();
  return check_report();
}
