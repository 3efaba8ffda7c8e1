/*
 * Error function from + - * / fma and eg_exp: the same bits everywhere, no branches. With t = 2 / (2 + |x|),
 *   erf |x| = 1 - t exp(P(2 t - 1) - x^2),
 * P a polynomial for log(erfc(x) / t) + x^2 (the form of Numerical Recipes, section 6.2.2): its Chebyshev series to degree 27, by a
 * discrete cosine transform in 60 digits, written in powers, whose coefficients have absolute values of 1.46 together, so that nothing
 * cancels; four sums of every fourth power, which do not wait for each other. Absolute error at most 6e-16; NaN: NaN.
 */
#ifndef EG_CORE_ERF_H
#define EG_CORE_ERF_H

#include "core/eg_math.h"

/* The next lower terms of the four sums. */
#define EG_ERF_TERMS(c0, c1, c2, c3)                                                                          \
  q0 = eg_fma(q0, u4, c0);                                                                                   \
  q1 = eg_fma(q1, u4, c1);                                                                                   \
  q2 = eg_fma(q2, u4, c2);                                                                                   \
  q3 = eg_fma(q3, u4, c3);

EG_FN double eg_erf(double x) {
  const double a = x < 0 ? -x : x, t = 2.0 / (2.0 + a), u = 2.0 * t - 1.0, u2 = u * u, u4 = u2 * u2;
  double q0 = -0x1.507bbe881c8b1p-25;
  double q1 = 0x1.7fe10cbee32d3p-27;
  double q2 = 0x1.170fcb52ea588p-28;
  double q3 = -0x1.03ca93a8dfd09p-29;
  EG_ERF_TERMS(-0x1.69d8c253be7dap-23, -0x1.0bfcedb6438f7p-22, 0x1.494d754e07a03p-23, 0x1.8d296465b1b61p-30)
  EG_ERF_TERMS(0x1.1f5060078581ep-17, -0x1.8bac0ecc5f095p-19, -0x1.55889bbcaa9f0p-20, 0x1.4f8d3f2d7091fp-20)
  EG_ERF_TERMS(0x1.2b7a41512b346p-14, 0x1.0a4c412153017p-15, -0x1.fa77fa150c33ep-16, 0x1.27c405951c1e3p-23)
  EG_ERF_TERMS(-0x1.32b3afd9ea8f4p-13, 0x1.6133a32903468p-11, -0x1.8927392cf4c7bp-14, -0x1.6d8a2ea692b4ep-13)
  EG_ERF_TERMS(-0x1.43821ef9e213dp-7, 0x1.212cf33ef2cdfp-7, 0x1.cd18086d24470p-10, -0x1.337867f1b9f42p-9)
  EG_ERF_TERMS(-0x1.57f564e956ebep-1, 0x1.5864b151b8570p-1, 0x1.83d61c52414fbp-5, -0x1.802b39089a823p-5)
  const double series = eg_fma(eg_fma(q3, u, q2), u2, eg_fma(q1, u, q0));
  const double rest = 1.0 - t * eg_exp(series - a * a);
  return x < 0 ? -rest : rest;
}

#endif
