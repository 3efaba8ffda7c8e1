/*
 * The elementary functions of core/eg_math.h against long double libm: errors in units in the last place of
 * the result, special values, and the float functions of the Gaussian against double ones. `test_math --full`
 * looks at 1e9 inputs per function and at all 2^32 words.
 */
#include "check.h"
#include "core/eg_math.h"

#if defined(__x86_64__)
#define FUSED __attribute__((target("avx2,fma"))) /* else fma is a call; the bits are the same */
#else
#define FUSED
#endif

static const long double pi_long = 3.141592653589793238462643383279502884L;

static uint64_t random_state = 0x9e3779b97f4a7c15ull;

static uint64_t random_bits(void) { /* splitmix64 */
  uint64_t z = random_state += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

static double random_unit(void) {
  return (double)(random_bits() >> 11) * 0x1p-53;
}

/* Largest error in ulps of the exact result, and where. */
typedef struct worst {
  double ulps, at;
} worst;

static void judge(worst *w, double x, double got, long double want) {
  const uint64_t exponent = eg_bits64((double)want) >> 52 & 0x7ff;
  const double unit = exponent > 52  ? eg_double_of_bits((exponent - 52) << 52)
                      : exponent > 1 ? eg_double_of_bits(1ull << (exponent - 1))
                                     : 0x1p-1074;
  const double error = (double)(fabsl((long double)got - want) / (long double)unit);
  if (!(error <= w->ulps)) { /* NaN counts */
    w->ulps = error;
    w->at = x;
  }
}

static void report(const char *name, const worst *w, double limit) {
  printf("%-34s at most %.4f ulp (at %a), stated %.3g\n", name, w->ulps, w->at, limit);
  CHECK(w->ulps <= limit);
}

/* ---- inputs: most at random over the range that matters, some near the places where functions are delicate
 * ---- */

static double near(double centre, uint64_t spread) { /* a double within `spread` steps of centre */
  return eg_double_of_bits(eg_bits64(centre) + random_bits() % (2 * spread) - spread);
}

static double log_input(uint64_t i) {
  switch (i % 8) {
  case 0:
    return eg_double_of_bits(random_bits() % 0x7ff0000000000000ull); /* any positive, subnormal ones too */
  case 1:
    return near(1.0, 1ull << (1 + random_bits() % 50));
  case 2:
    return near(eg_double_of_bits(0x3fe6a09e667f3bcdull),
                1u << 20); /* sqrt(1/2), where the reduction switches */
  case 3:
    return eg_double_of_bits(1 + random_bits() % 0x0010000000000000ull); /* subnormal */
  default:
    return random_unit() + 0x1p-54; /* what Gaussians ask for */
  }
}

static double exp_input(uint64_t i) {
  switch (i % 8) {
  case 0:
    return -745.2 + 1455.0 * random_unit();
  case 1:
    return near(0.34657359027997264, 1u << 20) *
           (double)(1 + 2 * (random_bits() % 1000)); /* halves of ln 2 */
  case 2:
    return (random_unit() - 0.5) * eg_double_of_bits((uint64_t)(1023 - random_bits() % 60) << 52);
  default:
    return 40.0 * (random_unit() - 0.5);
  }
}

static double angle_input(uint64_t i) {
  const double n = (double)(random_bits() % 64) * 0.25;
  switch (i % 8) {
  case 0:
    return n + (random_unit() - 0.5) * eg_double_of_bits((uint64_t)(1023 - random_bits() % 50) << 52);
  case 1:
    return (double)(int64_t)(random_bits() >> 14) *
           (random_bits() & 1 ? 0.5 : 0.25); /* large multiples of 1/4 */
  case 2:
    return (random_unit() - 0.5) * 0x1p30;
  default:
    return 2.0 * random_unit();
  }
}

static double tanh_input(uint64_t i) {
  switch (i % 8) {
  case 0:
    return 44.0 * (random_unit() - 0.5);
  case 1:
    return near(0.55, 1u << 20) * (random_bits() & 1 ? 1.0 : -1.0); /* where the two forms meet */
  case 2:
    return (random_unit() - 0.5) * eg_double_of_bits((uint64_t)(1023 - random_bits() % 1000) << 52);
  default:
    return 4.0 * (random_unit() - 0.5);
  }
}

/* ---- references ---- */

/* sin and cos of pi x with the reduction done exactly in doubles, as no long double holds pi x well for large
 * x. */
static void reference_sincospi(double x, long double *sine, long double *cosine) {
  const double whole = 2.0 * nearbyint(0.5 * x); /* exact: 2 k */
  double r = x - whole;                          /* exact, |r| <= 1 */
  long double sign_s = 1, sign_c = 1;
  if (r < 0) {
    sign_s = -1;
    r = -r;
  }
  if (r > 0.5) {
    sign_c = -1;
    r = 1.0 - r; /* exact by Sterbenz */
  }
  /* r in [0, 1/2]; beyond 1/4 by the other function, so that neither is taken near its zero */
  *sine = sign_s * (r <= 0.25 ? sinl(pi_long * (long double)r) : cosl(pi_long * (0.5L - (long double)r)));
  *cosine = sign_c * (r <= 0.25 ? cosl(pi_long * (long double)r) : sinl(pi_long * (0.5L - (long double)r)));
}

FUSED static void test_log(uint64_t n) {
  worst w = {0, 0};
  for (uint64_t i = 0; i < n; i++) {
    const double x = log_input(i);
    judge(&w, x, eg_log(x), logl((long double)x));
  }
  report("eg_log", &w, 0.87);
}

FUSED static void test_exp(uint64_t n) {
  worst w = {0, 0}, tiny = {0, 0};
  for (uint64_t i = 0; i < n; i++) {
    const double x = exp_input(i);
    const long double want = expl((long double)x);
    if (want < 0x1.fffffffffffffp1023L) {
      judge(want >= 0x1p-1022L ? &w : &tiny, x, eg_exp(x), want);
    }
  }
  report("eg_exp", &w, 0.99);
  report("eg_exp, subnormal result", &tiny, 0.78);
}

FUSED static void test_sincospi(uint64_t n) {
  worst s = {0, 0}, c = {0, 0};
  int wrong_zeros = 0;
  for (uint64_t i = 0; i < n; i++) {
    const double x = angle_input(i);
    long double sine, cosine;
    double got_sine, got_cosine;
    eg_sincospi(x, &got_sine, &got_cosine);
    reference_sincospi(x, &sine, &cosine);
    if (2.0 * x == nearbyint(2.0 * x)) { /* exact values at the multiples of 1/2 */
      wrong_zeros += got_sine != (double)nearbyintl(sine) || got_cosine != (double)nearbyintl(cosine);
    } else {
      judge(&s, x, got_sine, sine);
      judge(&c, x, got_cosine, cosine);
    }
  }
  CHECK(wrong_zeros == 0);
  report("eg_sincospi, sine", &s, 1.06);
  report("eg_sincospi, cosine", &c, 1.06);
}

FUSED static void test_tanh(uint64_t n) {
  worst w = {0, 0};
  for (uint64_t i = 0; i < n; i++) {
    const double x = tanh_input(i);
    judge(&w, x, eg_tanh(x), tanhl((long double)x));
  }
  report("eg_tanh", &w, 1.48);
}

FUSED static void test_log1p_unit(uint64_t n) {
  worst w = {0, 0};
  for (uint64_t i = 0; i < n; i++) {
    const double scale = i % 4 == 0 ? eg_double_of_bits((uint64_t)(1023 - random_bits() % 1000) << 52) : 1.0;
    const double x = scale * random_unit();
    judge(&w, x, eg_log1p_unit(x), log1pl((long double)x));
  }
  report("eg_log1p_unit", &w, 1.25);
}

/* The logistic function and log(1 + e^x), where the result is normal. */
static double margin_input(uint64_t i) {
  return i % 4 == 0 ? 1400.0 * (random_unit() - 0.5) : (i % 4 == 1 ? tanh_input(i / 4) : 80.0 * (random_unit() - 0.5));
}

FUSED static void test_logistic(uint64_t n) {
  worst s = {0, 0}, p = {0, 0};
  for (uint64_t i = 0; i < n; i++) {
    const double x = margin_input(i);
    const long double e = expl(-fabsl((long double)x));
    judge(&s, x, eg_sigmoid(x), x < 0 ? e / (1.0L + e) : 1.0L / (1.0L + e));
    judge(&p, x, eg_softplus(x), (x > 0 ? (long double)x : 0.0L) + log1pl(e));
  }
  report("eg_sigmoid", &s, 2.5);
  report("eg_softplus", &p, 2.0);
}

static void special_values(void) {
  const double inf = INFINITY;
  CHECK(eg_log(1.0) == 0.0 && !signbit(eg_log(1.0)));
  CHECK(eg_log(0.0) == -inf && eg_log(-0.0) == -inf && eg_log(inf) == inf);
  CHECK(isnan(eg_log(-1.0)) && isnan(eg_log(-inf)) && isnan(eg_log(NAN)) && isnan(eg_log(-0x1p-1074)));
  CHECK_NEAR(eg_log(0x1p-1074), -744.4400719213812, 0);
  CHECK_NEAR(eg_log(0x1.fffffffffffffp1023), 709.782712893384, 0);
  CHECK(eg_exp(0.0) == 1.0 && eg_exp(-0.0) == 1.0 && eg_exp(inf) == inf && eg_exp(-inf) == 0.0 &&
        isnan(eg_exp(NAN)));
  CHECK(eg_exp(709.7827128933841) == inf && eg_exp(709.782712893384) == 0x1.fffffffffff2ap1023);
  CHECK(eg_exp(-745.1332191019411) == 0x1p-1074 && eg_exp(-745.1332191019412) == 0.0 &&
        eg_exp(-1e300) == 0.0);
  CHECK(eg_exp(1e300) == inf && eg_exp(0x1p-1074) == 1.0);
  CHECK(eg_tanh(0.0) == 0.0 && signbit(eg_tanh(-0.0)) && !signbit(eg_tanh(0.0)) && isnan(eg_tanh(NAN)));
  CHECK(eg_tanh(inf) == 1.0 && eg_tanh(-inf) == -1.0 && eg_tanh(20.5) == 1.0 &&
        eg_tanh(0x1p-1074) == 0x1p-1074);
  CHECK(eg_tanh(-0.75) == -eg_tanh(0.75) && eg_tanh(-0.3) == -eg_tanh(0.3));
  CHECK(eg_sigmoid(inf) == 1.0 && eg_sigmoid(-inf) == 0.0 && eg_sigmoid(0.0) == 0.5 && isnan(eg_sigmoid(NAN)));
  CHECK(eg_softplus(inf) == inf && eg_softplus(-inf) == 0.0 && isnan(eg_softplus(NAN)));
  CHECK(eg_log1p_unit(0.0) == 0.0 && eg_log1p_unit(0x1p-1074) == 0x1p-1074);
  double s, c;
  eg_sincospi(0x1p49, &s, &c);
  CHECK(s == 0.0 && c == 1.0);
  eg_sincospi(0x1p49 + 1, &s, &c);
  CHECK(s == 0.0 && c == -1.0);
  eg_sincospi(inf, &s, &c);
  CHECK(isnan(s) && isnan(c));
  eg_sincospi(NAN, &s, &c);
  CHECK(isnan(s) && isnan(c));
  eg_sincospi(0x1p-1074, &s, &c);
  CHECK(s == 0x1.8p-1073 && c == 1.0); /* pi 2^-1074 rounds to 3 steps */
}

/* ---- the float functions of the Gaussian, word by word ---- */

typedef struct word_errors {
  double relative, near_one, sine, cosine, norm; /* largest errors, and the words that show them */
  uint32_t at_relative, at_near_one, at_sine, at_cosine;
  uint64_t n, n_unsymmetric;
  double least, most;
} word_errors;

FUSED static void look_at_word(uint32_t w, word_errors *e) {
  const double u = ((double)w + 0.5) * 0x1p-32; /* exact */
  const double want = -2.0 * log(u), got = (double)eg_minus_2_ln_u32(w);
  const double error = fabs(got - want);
  if (u <= 0.5 && !(error <= e->relative * want)) {
    e->relative = error / want;
    e->at_relative = w;
  }
  if (u > 0.5 && !(error <= e->near_one)) {
    e->near_one = error;
    e->at_near_one = w;
  }
  e->least = got < e->least ? got : e->least;
  e->most = got > e->most ? got : e->most;
  float s, c, s_next, c_next;
  eg_sincos_u32(w, &s, &c);
  eg_sincos_u32(w + 0x40000000u, &s_next, &c_next); /* a quarter turn on: the words average to 0 exactly */
  e->n_unsymmetric += s_next != c || c_next != -s;
  double sine, cosine;
  sincos(2.0 * 3.14159265358979323846 * u, &sine, &cosine);
  if (!(fabs((double)s - sine) <= e->sine)) {
    e->sine = fabs((double)s - sine);
    e->at_sine = w;
  }
  if (!(fabs((double)c - cosine) <= e->cosine)) {
    e->cosine = fabs((double)c - cosine);
    e->at_cosine = w;
  }
  const double norm = fabs((double)s * (double)s + (double)c * (double)c - 1.0);
  e->norm = norm > e->norm ? norm : e->norm;
  e->n++;
}

static void test_words(int is_full) {
  word_errors e;
  memset(&e, 0, sizeof e);
  e.least = INFINITY;
  if (is_full) {
    uint32_t w = 0;
    do {
      look_at_word(w, &e);
    } while (++w != 0);
  } else {
    for (uint64_t w = 0; w < 0x100000000ull; w += 1021) {
      look_at_word((uint32_t)w, &e);
    }
    for (uint32_t edge = 0; edge < 64; edge++) { /* quadrant and octave borders, both ends */
      for (uint32_t i = 0; i < 2048; i++) {
        look_at_word((edge << 26) + i - 1024, &e);
      }
    }
    for (uint32_t bit = 0; bit < 32; bit++) {
      for (uint32_t i = 0; i < 2048; i++) {
        look_at_word((1u << bit) + i - 1024, &e);
      }
    }
  }
  printf(
      "eg_minus_2_ln_u32, %llu words: relative error for u <= 1/2 at most %.4g (word %08x), error above %.4g "
      "(word %08x); values %.6g .. %.6g\n",
      (unsigned long long)e.n, e.relative, e.at_relative, e.near_one, e.at_near_one, e.least, e.most);
  printf("eg_sincos_u32: sine %.4g (word %08x), cosine %.4g (word %08x), |s^2+c^2-1| %.3g\n", e.sine,
         e.at_sine, e.cosine, e.at_cosine, e.norm);
  CHECK(e.relative <= 1.9e-7);
  CHECK(e.near_one <= 2.8e-7);
  CHECK(e.least >= 0.0 && e.most <= 46.0);
  CHECK(e.sine <= 1.3e-7 && e.cosine <= 1.3e-7);
  CHECK(e.n_unsymmetric == 0);
}

int main(int argc, char **argv) {
  const int is_full = argc > 1 && strcmp(argv[1], "--full") == 0;
  const uint64_t n = is_full ? 1000000000ull : 20000000ull;
  special_values();
  test_log(n);
  test_exp(n);
  test_sincospi(n);
  test_tanh(n);
  test_log1p_unit(n / 4);
  test_logistic(n / 4);
  test_words(is_full);
  return check_report();
}
