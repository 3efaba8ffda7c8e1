/*
 * Portable elementary functions: only + - * / sqrt fma, integer operations and bit casts, no branches, so the same
 * bits come from every compiler (contraction off), vector width and device. Coefficients are minimax fits (Remez, 60
 * digits) made by scripts/fit_math.py. The accuracy stated at each function is the largest error that
 * `test_math --full` (tests/unit/test_math.c) found: 1e9 inputs per double function, all 2^32 words of the float ones.
 */
#ifndef EG_CORE_EG_MATH_H
#define EG_CORE_EG_MATH_H

#include "core/portable.h"

/* A double from a small signed integer |k| < 2^51 by bits: AVX2 has no 64-bit conversion. */
EG_FN double eg_double_of_int(int64_t k) {
  return eg_double_of_bits(0x4338000000000000ull + (uint64_t)k) - 0x1.8p52;
}

/* Nearest integer of |x| < 2^51, ties to even. */
EG_FN double eg_round(double x) {
  return (x + 0x1.8p52) - 0x1.8p52;
}

/* Natural logarithm. At most 0.87 ulp on normal and subnormal x > 0; log 0 = -inf, x < 0 or NaN: NaN, log inf = inf. */
EG_FN double eg_log(double x) {
  const int is_small = x < 0x1p-1022;
  const double scaled = is_small ? x * 0x1p54 : x;
  const uint64_t bits = eg_bits64(scaled);
  /* m in [sqrt(1/2), sqrt(2)), x = 2^e m */
  const uint64_t shifted = bits - 0x3fe6a09e667f3bcdull;
  const int64_t e_biased = (int64_t)((shifted + 0x4000000000000000ull) >> 52) - 1024;
  const double m = eg_double_of_bits(bits - ((uint64_t)e_biased << 52));
  const double e = eg_double_of_int(e_biased) - (is_small ? 54.0 : 0.0);
  const double f = m - 1.0;
  const double s = f / (2.0 + f);
  const double z = s * s;
  double p = 0x1.2b5a865c1ffb9p-3;
  p = eg_fma(p, z, 0x1.39fe2df1a8878p-3);
  p = eg_fma(p, z, 0x1.7462b6568d5acp-3);
  p = eg_fma(p, z, 0x1.c71c62defbd4ep-3);
  p = eg_fma(p, z, 0x1.2492492df7080p-2);
  p = eg_fma(p, z, 0x1.99999999952a7p-2);
  p = eg_fma(p, z, 0x1.5555555555558p-1);
  /* log m = f - (f^2/2 - s (f^2/2 + z p)); ln 2 in two parts, the high one exact after the product with e */
  const double half_square = 0.5 * f * f;
  const double tail = eg_fma(s, eg_fma(p, z, half_square), e * 0x1.ef35793c76730p-45);
  const double result = eg_fma(e, 0x1.62e42fefa3800p-1, f - (half_square - tail));
  const double special = x < 0.0 || x != x ? eg_double_of_bits(0x7ff8000000000000ull) : x;
  const double at_zero = x == 0.0 ? -eg_double_of_bits(0x7ff0000000000000ull) : special;
  return x > 0.0 && x < eg_double_of_bits(0x7ff0000000000000ull) ? result : at_zero;
}

/* 2^n for whole |n| < 1023, without integer operations that vector units lack. */
EG_FN double eg_exp2_whole(double n) {
  return eg_double_of_bits((eg_bits64(n + 0x1.8p52) - 0x4338000000000000ull + 1023u) << 52);
}

/* Exponential. At most 0.99 ulp where the result is normal, 0.78 spacings where it is subnormal; overflow gives inf, underflow 0; NaN: NaN. */
EG_FN double eg_exp(double x) {
  const double high = x > 720.0 ? 720.0 : x; /* NaN fails every comparison and passes through */
  const double c = high < -760.0 ? -760.0 : high;
  const double n = eg_round(c * 0x1.71547652b82fep+0);
  const double r_high = eg_fma(-n, 0x1.62e42fefa3800p-1, c);
  const double r = eg_fma(-n, 0x1.ef35793c76730p-45, r_high);
  double p = 0x1.1f19f679e1b31p-29;
  p = eg_fma(p, r, 0x1.af4dc496ec766p-26);
  p = eg_fma(p, r, 0x1.27e510dcb8185p-22);
  p = eg_fma(p, r, 0x1.71de024587264p-19);
  p = eg_fma(p, r, 0x1.a01a01905fcecp-16);
  p = eg_fma(p, r, 0x1.a01a01abe0cedp-13);
  p = eg_fma(p, r, 0x1.6c16c16c1a07ep-10);
  p = eg_fma(p, r, 0x1.11111111100ebp-7);
  p = eg_fma(p, r, 0x1.555555555554ep-5);
  p = eg_fma(p, r, 0x1.5555555555557p-3);
  p = eg_fma(p, r, 0.5);
  const double value = 1.0 + eg_fma(r * r, p, r);
  const double half = eg_round(0.5 * n); /* in two steps: the first is exact, only the second rounds or overflows */
  const double result = value * eg_exp2_whole(half) * eg_exp2_whole(n - half);
  return x == x ? result : x;
}

/* sin(pi x) and cos(pi x), |x| < 2^50. At most 1.06 ulp of the result, near the zeros too; exact values at the
   multiples of 1/2; NaN for infinities and NaN. */
EG_FN void eg_sincospi(double x, double *sine, double *cosine) {
  const double n = eg_round(2.0 * x);
  const double r = eg_fma(-0.5, n, x); /* exact, |r| <= 1/4 */
  const double u = r * r;
  double p = -0x1.6cc4b2c5f0d60p-16;
  p = eg_fma(p, u, 0x1.e8f0346d35c2cp-12);
  p = eg_fma(p, u, -0x1.e3074d237a9fap-8);
  p = eg_fma(p, u, 0x1.50783486f970fp-4);
  p = eg_fma(p, u, -0x1.32d2cce62b868p-1);
  p = eg_fma(p, u, 0x1.466bc6775aae1p+1);
  p = eg_fma(p, u, -0x1.4abbce625be53p+2);
  const double s = eg_fma(r, 0x1.921fb54442d18p+1, eg_fma(r, 0x1.1a62633145c07p-53, r * u * p));
  double q = -0x1.b2f223e337508p-14;
  q = eg_fma(q, u, 0x1.f9ce1f05f2676p-10);
  q = eg_fma(q, u, -0x1.a6d1eeee7655bp-6);
  q = eg_fma(q, u, 0x1.e1f506868296ep-3);
  q = eg_fma(q, u, -0x1.55d3c7e3cb212p+0);
  q = eg_fma(q, u, 0x1.03c1f081b5ac0p+2);
  q = eg_fma(q, u, -0x1.3bd3cc9be45dep+2);
  const double c = eg_fma(u, q, 1.0);
  const uint64_t quadrant = eg_bits64(n + 0x1.8p52) & 3u;
  const double sine_part = (quadrant & 1u) != 0 ? c : s;
  const double cosine_part = (quadrant & 1u) != 0 ? s : c;
  *sine = (quadrant & 2u) != 0 ? -sine_part : sine_part;
  *cosine = ((quadrant + 1u) & 2u) != 0 ? -cosine_part : cosine_part;
}

/* Hyperbolic tangent. At most 1.48 ulp; NaN: NaN. */
EG_FN double eg_tanh(double x) {
  const double a = x < 0.0 ? -x : x;
  const double z = a * a;
  double p = -0x1.599655ddb26f5p-16;
  p = eg_fma(p, z, 0x1.64f724bd6da12p-14);
  p = eg_fma(p, z, -0x1.ec0ea1718c0eep-13);
  p = eg_fma(p, z, 0x1.34c57f3993814p-11);
  p = eg_fma(p, z, -0x1.7d97cba64260ap-10);
  p = eg_fma(p, z, 0x1.d6d338f12646fp-9);
  p = eg_fma(p, z, -0x1.226e32eecfa7cp-7);
  p = eg_fma(p, z, 0x1.664f48770c6d0p-6);
  p = eg_fma(p, z, -0x1.ba1ba1b9feb58p-5);
  p = eg_fma(p, z, 0x1.1111111111032p-3);
  p = eg_fma(p, z, -0x1.5555555555555p-2);
  const double small = eg_fma(a * z, p, a);
  const double capped = a > 20.0 ? 20.0 : a; /* tanh 20 rounds to 1 */
  const double large = 1.0 - 2.0 / (eg_exp(2.0 * capped) + 1.0);
  const double result = a < 0.55 ? small : large;
  const double with_sign = x < 0.0 ? -result : result;
  return x == x && x != 0.0 ? with_sign : x;
}

/* log(1 + x) for x in [0, 1]. At most 1.25 ulp; what 1 + x lost is put back. */
EG_FN double eg_log1p_unit(double x) {
  const double w = 1.0 + x;
  return eg_log(w) + (x - (w - 1.0)) / w;
}

/* 1 / (1 + exp(-x)), the logistic function. At most 2.5 ulp where it is normal; 0 and 1 at the infinities; NaN: NaN. */
EG_FN double eg_sigmoid(double x) {
  return 1.0 / (1.0 + eg_exp(-x));
}

/* log(1 + exp(x)). At most 2.0 ulp where it is normal; NaN: NaN. */
EG_FN double eg_softplus(double x) {
  const double a = x < 0.0 ? -x : x;
  const double tail = eg_log1p_unit(eg_exp(-a));
  return x > 0.0 ? x + tail : tail;
}

/* -2 ln u with u = (w + 1/2) 2^-32, a float in [0, 46]; relative error below 1.9e-7 for u <= 1/2, absolute error below
   2.8e-7 above (u itself is rounded to a float there), and without bias: moments are audited over all 2^32 words
   (docs/noise.md). */
EG_FN float eg_minus_2_ln_u32(uint32_t w) {
  const float u = eg_fmaf(eg_float_of_u32(w), 0x1p-32f, 0x1p-33f);
  const uint32_t bits = eg_bits32(u);
  /* u = 2^e m, m in [sqrt(1/2), sqrt(2)); e stays where the exponent is, times 2^23 */
  const uint32_t e = (bits - 0x3f3504f3u) & 0xff800000u;
  const float m = eg_float_of_bits(bits - e);
  const float f = m - 1.0f;
  float p = 2.021380457e-01f;
  p = eg_fmaf(p, f, -3.244516572e-01f);
  p = eg_fmaf(p, f, 3.450165724e-01f);
  p = eg_fmaf(p, f, -3.980033029e-01f);
  p = eg_fmaf(p, f, 4.993981824e-01f);
  p = eg_fmaf(p, f, -6.667011791e-01f);
  p = eg_fmaf(p, f, 1.000007302e+00f);
  p = eg_fmaf(p, f, -1.999999891e+00f);
  return eg_fmaf((float)(int32_t)e, -1.386294361e+00f * 0x1p-23f, p * f);
}

/* sin and cos of 2 pi (w + 1/2) 2^-32; absolute error below 1.3e-7; a quarter turn on the words
   exchanges them up to sign exactly, so all 2^32 words average to 0. */
EG_FN void eg_sincos_u32(uint32_t w, float *sine, float *cosine) {
  const uint32_t turn = w + 0x20000000u; /* its two high bits are the quadrant */
  /* what is left, 4 times: w without them, as a signed number in [-2^31, 2^31): |y| <= 1/2 */
  const float y = eg_fmaf((float)(int32_t)(w << 2), 0x1p-32f, 0x1p-31f);
  const float u = y * y;
  float p = -4.601657885e-03f;
  p = eg_fmaf(p, u, 7.968003277e-02f);
  p = eg_fmaf(p, u, -6.459634602e-01f);
  p = eg_fmaf(p, u, 1.570796322e+00f);
  const float s = p * y;
  float q = -2.039858180e-02f;
  q = eg_fmaf(q, u, 2.535949467e-01f);
  q = eg_fmaf(q, u, -1.233696662e+00f);
  q = eg_fmaf(q, u, 9.999999674e-01f);
  /* bit 30 exchanges sine and cosine, signs go in by bits */
  const int is_swapped = (turn & 0x40000000u) != 0;
  const uint32_t sine_bits = eg_bits32(is_swapped ? q : s);
  const uint32_t cosine_bits = eg_bits32(is_swapped ? s : q);
  *sine = eg_float_of_bits(sine_bits ^ (turn & 0x80000000u));
  *cosine = eg_float_of_bits(cosine_bits ^ ((turn + 0x40000000u) & 0x80000000u));
}

#endif
