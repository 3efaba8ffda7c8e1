/*
 * The moment audit of every noise kind (docs/noise.md holds its table):
 *   gaussian     all 2^32 radius words and all 2^32 angle words; E z^k = E r^k E c^k, as radius and angle are
 *                independent. The product r c is rounded once more: its effect is measured on 2^28 pairs.
 *   tables       all codes; a code is a fixed field of a word, so every code is equally likely.
 *   two-point    both values; three-point: all 2^32 words.
 *   gaussian64   2^104 pairs cannot be enumerated. The radius is audited on 2^20 strata of each octave of u
 * against the integral, the effect of the grid u = (k + 1/2) 2^-52 is summed separately, the angle on 2^26
 * strata.
 */
#include <pthread.h>

#include "check.h"
#include "core/noise.h"

#if defined(__x86_64__)
#define FUSED __attribute__((target("avx2,fma")))
#else
#define FUSED
#endif

enum { ORDERS = 13, THREADS = 2, CHUNK = 1 << 16 };

static const double normal_moment[ORDERS] = {1, 0, 1, 0, 3, 0, 15, 0, 105, 0, 945, 0, 10395};

static void print_row(const char *kind, const long double *moment, int n) {
  printf("%-14s", kind);
  for (int k = 1; k <= n; k++) {
    if (k % 2 == 1) {
      printf(" %s%.1Le", moment[k] == 0 ? "" : "!", moment[k]);
    } else {
      printf(" %+.3Le", moment[k] / (long double)normal_moment[k] - 1);
    }
  }
  printf("\n");
}

/* ---- gaussian: sums over all words, in chunks so that no sum is long ---- */

typedef struct part {
  uint64_t first, last;                                /* words */
  long double radius[9], cosine[9], sine[9], mixed[3]; /* sums of powers; s c, s^2 c^2, s c^3 */
  double largest;
} part;

FUSED static void add_chunk(part *p, uint32_t first) {
  double r[9] = {0}, c[9] = {0}, s[9] = {0}, m[3] = {0};
  for (uint32_t i = 0; i < CHUNK; i++) {
    const double radius = (double)eg_sqrtf(eg_minus_2_ln_u32(first + i));
    float sine_float, cosine_float;
    eg_sincos_u32(first + i, &sine_float, &cosine_float);
    const double sine = (double)sine_float, cosine = (double)cosine_float;
    p->largest = radius > p->largest ? radius : p->largest;
    double a = 1, b = 1, d = 1;
    for (int k = 0; k < 9; k++) {
      r[k] += a;
      c[k] += b;
      s[k] += d;
      a *= radius;
      b *= cosine;
      d *= sine;
    }
    m[0] += sine * cosine;
    m[1] += sine * sine * cosine * cosine;
    m[2] += sine * cosine * cosine * cosine;
  }
  for (int k = 0; k < 9; k++) {
    p->radius[k] += (long double)r[k];
    p->cosine[k] += (long double)c[k];
    p->sine[k] += (long double)s[k];
  }
  for (int k = 0; k < 3; k++) {
    p->mixed[k] += (long double)m[k];
  }
}

static void *add_part(void *argument) {
  part *const p = argument;
  for (uint64_t w = p->first; w < p->last; w += CHUNK) {
    add_chunk(p, (uint32_t)w);
  }
  return NULL;
}

/* Mean of (r c rounded to float)^k - (r c)^k over pairs spread evenly over all words. */
FUSED static void rounding_of_the_product(double difference[9]) {
  memset(difference, 0, 9 * sizeof *difference);
  for (uint32_t block = 0; block < 4096; block++) {
    double sum[9] = {0};
    for (uint32_t i = 0; i < 65536; i++) {
      const uint32_t n = block << 16 | i;
      const uint32_t w_radius = n << 4 | (n * 2654435761u >> 28),
                     w_angle = n * 2654435769u; /* Weyl: well mixed pairs */
      float z0, z1, sine, cosine;
      eg_normal2(w_radius, w_angle, &z0, &z1);
      eg_sincos_u32(w_angle, &sine, &cosine);
      const double exact = (double)eg_sqrtf(eg_minus_2_ln_u32(w_radius)) * (double)cosine;
      double a = 1, b = 1;
      for (int k = 0; k < 9; k++) {
        sum[k] += a - b;
        a *= (double)z0;
        b *= exact;
      }
    }
    for (int k = 0; k < 9; k++) {
      difference[k] += sum[k] / 268435456.0;
    }
  }
}

static void audit_gaussian(void) {
  static part parts[THREADS];
  pthread_t threads[THREADS];
  for (uint64_t i = 0; i < THREADS; i++) {
    parts[i].first = i * (0x100000000ull / THREADS);
    parts[i].last = (i + 1) * (0x100000000ull / THREADS);
    if (pthread_create(&threads[i], NULL, add_part, &parts[i]) != 0) {
      exit(1);
    }
  }
  part sum;
  memset(&sum, 0, sizeof sum);
  for (int i = 0; i < THREADS; i++) {
    (void)pthread_join(threads[i], NULL);
    for (int k = 0; k < 9; k++) {
      sum.radius[k] += parts[i].radius[k] / 0x1p32L;
      sum.cosine[k] += parts[i].cosine[k] / 0x1p32L;
      sum.sine[k] += parts[i].sine[k] / 0x1p32L;
    }
    for (int k = 0; k < 3; k++) {
      sum.mixed[k] += parts[i].mixed[k] / 0x1p32L;
    }
    sum.largest = parts[i].largest > sum.largest ? parts[i].largest : sum.largest;
  }
  CHECK(sum.radius[0] == 1 && sum.cosine[0] == 1);
  long double z0[ORDERS] = {0}, z1[ORDERS] = {0};
  for (int k = 0; k < 9; k++) {
    z0[k] = sum.radius[k] * sum.cosine[k];
    z1[k] = sum.radius[k] * sum.sine[k];
  }
  print_row("gaussian z0", z0, 8);
  print_row("gaussian z1", z1, 8);
  printf("  E s c = %.2Le, E s c^3 = %.2Le, 8 E s^2 c^2 - 1 = %.2Le; largest |z| %.4f\n", sum.mixed[0],
         sum.mixed[2], 8 * sum.mixed[1] - 1, sum.largest);
  static const long double r_exact[9] = {1, 0, 2, 0, 8, 0, 48, 0, 384},
                           c_exact[9] = {1, 0, 1 / 2.L, 0, 3 / 8.L, 0, 5 / 16.L, 0, 35 / 128.L};
  for (int k = 2; k < 9; k += 2) {
    printf("  k=%d: radius alone %+.3Le, cosine alone %+.3Le\n", k, sum.radius[k] / r_exact[k] - 1,
           sum.cosine[k] / c_exact[k] - 1);
  }
  double rounding[9];
  rounding_of_the_product(rounding);
  printf("  rounding of the product, relative: k=2 %.1e, 4 %.1e, 6 %.1e, 8 %.1e; odd, absolute: 1 %.1e, 3 "
         "%.1e\n",
         rounding[2], rounding[4] / 3, rounding[6] / 15, rounding[8] / 105, rounding[1], rounding[3]);
  static const double limit[9] = {0, 1e-15, 4e-8, 1e-14, 1.1e-7, 1e-13, 2e-7, 1e-12, 4.5e-7};
  for (int k = 1; k < 9; k++) {
    const double scale = k % 2 == 0 ? normal_moment[k] : 1;
    CHECK(fabsl(z0[k] - (long double)normal_moment[k]) <= (long double)(limit[k] * scale));
    CHECK(fabsl(z1[k] - (long double)normal_moment[k]) <= (long double)(limit[k] * scale));
    CHECK(fabs(rounding[k]) <= 3e-9 * (k % 2 == 0 ? normal_moment[k] : normal_moment[k + 1]));
  }
  CHECK(fabsl(sum.mixed[0]) < 1e-15L && fabsl(sum.mixed[2]) < 2e-11L && fabsl(8 * sum.mixed[1] - 1) < 5e-8L);
}

/* ---- discrete kinds ---- */

static void audit_table(const char *name, int bits, float (*value)(uint32_t), int exact_order, double limit,
                        double beyond) {
  long double moment[ORDERS] = {0};
  for (uint32_t code = 0; code < 1u << bits; code++) {
    long double power = 1;
    for (int k = 0; k < ORDERS; k++) {
      moment[k] += power;
      power *= (long double)value(code);
    }
  }
  for (int k = 0; k < ORDERS; k++) {
    moment[k] /= (long double)(1u << bits);
  }
  print_row(name, moment, 12);
  for (int k = 1; k < ORDERS; k++) {
    const double error = (double)(k % 2 == 1 ? moment[k] : moment[k] / (long double)normal_moment[k] - 1);
    if (k % 2 == 1) {
      CHECK(error == 0);
    } else if (k <= exact_order) {
      CHECK(fabs(error) <= limit);
    } else if (k == exact_order + 1) {
      CHECK_NEAR(error, beyond, 0.01); /* the first moment that does not match: as documented */
    }
  }
}

static float value5(uint32_t code) {
  return eg_table5_value(code);
}
static float value8(uint32_t code) {
  return eg_table8_value(code);
}
static float value10(uint32_t code) {
  return eg_table10_value(code);
}
static float value2(uint32_t code) {
  return eg_two_point_value(code);
}

static void audit_three_point(void) {
  uint64_t plus = 0, minus = 0;
  for (uint64_t w = 0; w < 0x100000000ull; w++) {
    const float v = eg_three_point_value((uint32_t)w);
    plus += v > 0;
    minus += v < 0;
  }
  const long double a = (long double)eg_three_point_value(0), p = (long double)plus * 0x1p-32L;
  long double moment[ORDERS] = {0}, power = 1;
  for (int k = 0; k < ORDERS; k++, power *= a) {
    moment[k] = k % 2 == 0 ? 2 * p * power : 0;
  }
  print_row("three-point", moment, 12);
  CHECK(plus == minus && eg_three_point_value(0xffffffffu) == -eg_three_point_value(0));
  CHECK(fabsl(moment[2] - 1) < 1e-9L && fabsl(moment[4] / 3 - 1) < 2e-7L);
  CHECK_NEAR((double)(moment[6] / 15), 0.6, 1e-6);
}

/* ---- gaussian64 ---- */

/* int of (-2 ln u)^j from 0 to b by parts: F_j(b) = b (-2 ln b)^j + 2 j F_{j-1}(b) */
static long double integral(int j, long double b) {
  const long double t = -2 * logl(b);
  long double sum = b, power = 1;
  for (int i = 1; i <= j; i++) {
    power *= t;
    sum = b * power + 2 * i * sum;
  }
  return sum;
}

static double radius64(uint64_t k) { /* r^2 of the k-th of 2^52 values of u, by the code under audit */
  const double u = (eg_double_of_bits(0x3ff0000000000000ull | k) - 1.0) + 0x1p-53;
  return -2.0 * eg_log(u);
}

FUSED static void audit_gaussian64(void) {
  long double radius[5] = {0}, grid[5] = {0};
  /* strata of the octaves [2^-e, 2^-e+1) of u; below k = 2^20 every k */
  for (int e = 52; e > 20; e--) {
    const uint64_t first = 1ull << (e - 1), step = first >> 20 == 0 ? 1 : first >> 20, n = first / step;
    long double sum[5] = {0};
    for (uint64_t i = 0; i < n; i++) {
      const uint64_t k = first + i * step + step / 2;
      double s = radius64(k), power = s;
      const double shift = step == 1 ? 0 : 0.5;    /* the mid-point of a stratum lies between two k */
      power = s + shift * 2.0 / ((double)k + 0.5); /* -2 ln u half a step back */
      s = power;
      for (int j = 1; j < 5; j++, power *= s) {
        sum[j] += (long double)power;
      }
    }
    for (int j = 1; j < 5; j++) {
      radius[j] += sum[j] * (long double)step * 0x1p-52L;
      const long double a = (long double)first * 0x1p-52L, width = (long double)step * 0x1p-52L;
      radius[j] += width * width / 24 * /* mid-point rule: + h^2/24 (f'(b) - f'(a)), f = (-2 ln u)^j */
                   ((long double)j * powl(-2 * logl(2 * a), j - 1) * (-2 / (2 * a)) -
                    (long double)j * powl(-2 * logl(a), j - 1) * (-2 / a));
    }
  }
  for (uint64_t k = 0; k < 1u << 20; k++) {
    const double s = radius64(k);
    double power = s;
    for (int j = 1; j < 5; j++, power *= s) {
      radius[j] += (long double)power * 0x1p-52L;
      const long double exact = integral(j, (long double)(k + 1) * 0x1p-52L) -
                                (k == 0 ? 0 : integral(j, (long double)k * 0x1p-52L));
      grid[j] += powl(-2 * logl(((long double)k + 0.5L) * 0x1p-52L), j) * 0x1p-52L - exact;
    }
  }
  long double c[9] = {0};
  for (uint32_t i = 0; i < 1u << 26; i++) {
    double sine, cosine, power = 1;
    eg_sincospi(2.0 * (((double)i + 0.5) * 0x1p-26), &sine, &cosine);
    for (int k = 0; k < 9; k++, power *= cosine) {
      c[k] += (long double)power * 0x1p-26L;
    }
  }
  long double z[ORDERS] = {0};
  static const long double r_exact[5] = {1, 2, 8, 48, 384}; /* E r^(2 j) = 2^j j! */
  for (int j = 1; j < 5; j++) {
    z[2 * j] = radius[j] * c[2 * j];
    z[2 * j - 1] = fabsl(c[2 * j - 1]) < 1e-16L ? 0 : c[2 * j - 1];
    CHECK(fabsl(z[2 * j] / (long double)normal_moment[2 * j] - 1) < 1e-11L);
    CHECK(fabsl(grid[j] / r_exact[j]) < 1e-11L);
  }
  print_row("gaussian64", z, 8);
  printf("  of which the grid of u: k=2 %.1Le, 4 %.1Le, 6 %.1Le, 8 %.1Le\n", grid[1] / 2, grid[2] / 8,
         grid[3] / 48, grid[4] / 384);
}

int main(void) {
  printf("relative deviation of the even moments from those of N(0,1), absolute value of the odd ones\n%-14s",
         "kind");
  for (int k = 1; k < ORDERS; k++) {
    printf(" E z^%d", k);
  }
  printf("\n");
  audit_gaussian();
  audit_gaussian64();
  audit_table("table5", 5, value5, 7, 2e-8, -0.17);
  audit_table("table8", 8, value8, 9, 1e-8, -0.057);
  audit_table("table10", 10, value10, 11, 5e-8, -0.032);
  audit_table("two-point", 1, value2, 3, 0, -2.0 / 3.0);
  audit_three_point();
  return check_report();
}
