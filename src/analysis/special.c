/*
 * Quantiles and tails for error bars: incomplete gamma and beta functions. They use libm, so their last bits
 * may differ from machine to machine; they enter verdicts and printed p-values only. Sources:
 * DLMF 8.7.1, 8.9.2 (incomplete gamma), 8.17.22 (incomplete beta); Lentz (1976) for continued fractions.
 */
#include <float.h>
#include <math.h>

#include "analysis/moments.h"

enum { MAX_TERMS = 100000 };

/* One step of the modified Lentz algorithm for b0 + a1/(b1 + a2/(b2 + ..)); true when converged. */
typedef struct lentz {
  double value, C, D;
} lentz;

static lentz lentz_start(double b0) {
  const double tiny = 1e-300;
  const double value = b0 != 0.0 ? b0 : tiny;
  return (lentz){value, value, 0.0};
}

static int lentz_step(lentz *f, double a, double b) {
  const double tiny = 1e-300;
  f->D = b + a * f->D;
  f->C = b + a / f->C;
  f->D = 1.0 / (f->D != 0.0 ? f->D : tiny);
  f->C = f->C != 0.0 ? f->C : tiny;
  const double factor = f->C * f->D;
  f->value *= factor;
  return fabs(factor - 1.0) < 2.0 * DBL_EPSILON;
}

/* Q(a, x) = Gamma(a, x) / Gamma(a): series of 1 - Q below x = a + 1, continued fraction above. */
static double upper_gamma(double a, double x) {
  const double prefactor = exp(a * log(x) - x - lgamma(a));
  if (x < a + 1.0) {
    double term = 1.0 / a, sum = term;
    for (int k = 1; k < MAX_TERMS && term > sum * DBL_EPSILON; k++) {
      term *= x / (a + k);
      sum += term;
    }
    return 1.0 - prefactor * sum;
  }
  lentz f = lentz_start(x + 1.0 - a);
  for (int k = 1; k < MAX_TERMS; k++) {
    if (lentz_step(&f, -k * (k - a), x + 1.0 - a + 2.0 * k)) {
      break;
    }
  }
  return prefactor / f.value;
}

double eg_chi2_tail(double chi2, double nu) {
  if (isnan(chi2) || !(nu > 0.0)) {
    return NAN;
  }
  if (chi2 <= 0.0) {
    return 1.0;
  }
  return isinf(chi2) ? 0.0 : upper_gamma(0.5 * nu, 0.5 * chi2);
}

/* log Gamma(a + 1/2) - log Gamma(a) without the cancellation of two large logarithms (DLMF 5.11.13). */
static double log_gamma_half_step(double a) {
  if (a < 20.0) {
    return lgamma(a + 0.5) - lgamma(a);
  }
  const double r = 1.0 / a, r2 = r * r;
  return 0.5 * log(a) - r * (1.0 / 8 - r2 * (1.0 / 192 - r2 * (1.0 / 640 - r2 * (17.0 / 14336))));
}

/* Continued fraction of I_x(a, b) (DLMF 8.17.22) without its prefactor x^a (1-x)^b / (a B(a, b)). */
static double beta_fraction(double a, double b, double x) {
  lentz f = lentz_start(1.0);
  for (int k = 1; k < MAX_TERMS; k++) {
    const int half = k / 2;
    const double m = half;
    const double numerator = k % 2 == 0 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                                        : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    if (lentz_step(&f, numerator, 1.0)) {
      break;
    }
  }
  return 1.0 / f.value;
}

/* P(|T| > t) = I_x(nu/2, 1/2), x = nu / (nu + t^2). */
static double student_two_sided_tail(double t, double nu) {
  const double a = 0.5 * nu, b = 0.5, x = nu / (nu + t * t), y = t * t / (nu + t * t);
  const double log_beta = 0.5 * log(acos(-1.0)) - log_gamma_half_step(a); /* log B(a, 1/2) */
  const double prefactor = exp(-a * log1p(t * t / nu) + b * log(y) - log_beta);
  if (x < (a + 1.0) / (a + b + 2.0)) {
    return prefactor / a * beta_fraction(a, b, x);
  }
  return 1.0 - prefactor / b * beta_fraction(b, a, y);
}

/* P(|Z| > z) for a standard normal */
static double normal_two_sided_tail(double z, double unused) {
  (void)unused; /* the same shape as the Student tail */
  return erfc(z * sqrt(0.5));
}

/* Where a falling tail equals alpha: bisection, 200 halvings of a bracket grown from 1. */
static double invert_tail(double (*tail)(double, double), double alpha, double nu) {
  double low = 0.0, high = 1.0;
  while (tail(high, nu) > alpha && high < 1e150) {
    low = high;
    high *= 2.0;
  }
  for (int k = 0; k < 200; k++) {
    const double middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) {
      break;
    }
    if (tail(middle, nu) > alpha) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return 0.5 * (low + high);
}

double eg_student_tail(double t, double nu) {
  if (!(nu > 0.0) || isnan(t)) {
    return NAN;
  }
  return t == 0.0 ? 1.0 : (isinf(t) ? 0.0 : student_two_sided_tail(fabs(t), nu));
}

double eg_student_quantile(double alpha, double nu) {
  if (!(alpha > 0.0 && alpha < 1.0 && nu > 0.0)) {
    return NAN;
  }
  if (nu < 1e6) {
    return invert_tail(student_two_sided_tail, alpha, nu);
  }
  /* Abramowitz and Stegun 26.7.5: two terms leave less than 1e-12 here */
  const double z = invert_tail(normal_two_sided_tail, alpha, nu), z2 = z * z;
  return z + z * (z2 + 1.0) / (4.0 * nu) + z * ((5.0 * z2 + 16.0) * z2 + 3.0) / (96.0 * nu * nu);
}
