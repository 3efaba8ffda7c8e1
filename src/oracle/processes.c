#include "oracle/processes.h"

#include "core/pull.h"

/* Stirling's series at z = a + 12 (DLMF 5.11.1), then Gamma(1 + a) = Gamma(z) / ((1 + a) (2 + a) .. (11 + a)). */
double eg_gamma_of_1_and(double a) {
  static const double coefficients[] = {1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360};
  const double half_log_2_pi = 0.91893853320467274178; /* log(2 pi) / 2 */
  const double z = a + 12.0;
  double power = 1.0 / z, series = 0.0, product = 1.0;
  for (int k = 0; k < 6; k++) {
    series += coefficients[k] * power;
    power /= z * z;
  }
  for (int k = 1; k <= 11; k++) {
    product *= a + k;
  }
  return eg_exp((z - 0.5) * eg_log(z) - z + half_log_2_pi + series) / product;
}

double eg_random_walk_msd(double exponent, double wait, double jump, double t) {
  return t > 0 ? jump * jump * eg_power(t / wait, exponent) / eg_gamma_of_1_and(exponent) : 0.0;
}

/* (T - s) (1 + s)^(1 - g) in s below 1; beyond, in y = log(1 + s). */
static double levy_integrand(double g, double T, double y, int is_log) {
  return is_log ? (T - (eg_exp(y) - 1.0)) * eg_exp((2.0 - g) * y) : (T - y) * eg_power(1.0 + y, 1.0 - g);
}

/* Gauss and Legendre with 5 nodes on panels of width 1/16 or less. */
static double levy_integral(double g, double T, double low, double high, int is_log) {
  const double root = 2.0 * eg_sqrt(10.0 / 7.0);
  const double inner = eg_sqrt(5.0 - root) / 3.0, outer = eg_sqrt(5.0 + root) / 3.0;
  const double w_inner = (322.0 + 13.0 * eg_sqrt(70.0)) / 900.0, w_outer = (322.0 - 13.0 * eg_sqrt(70.0)) / 900.0;
  const int n = 1 + (int)(16.0 * (high - low));
  const double half = 0.5 * (high - low) / n;
  double sum = 0.0;
  for (int i = 0; i < n; i++) {
    const double middle = low + (2 * i + 1) * half;
    sum += 128.0 / 225.0 * levy_integrand(g, T, middle, is_log);
    sum += w_inner * (levy_integrand(g, T, middle - half * inner, is_log) + levy_integrand(g, T, middle + half * inner, is_log));
    sum += w_outer * (levy_integrand(g, T, middle - half * outer, is_log) + levy_integrand(g, T, middle + half * outer, is_log));
  }
  return half * sum;
}

double eg_levy_walk_msd(double tail, double flight, double speed, double t) {
  const double T = t / flight, scale = 2.0 * (speed * flight) * (speed * flight);
  if (!(T > 1.0)) {
    return scale * levy_integral(tail, T, 0.0, T, 0);
  }
  return scale * (levy_integral(tail, T, 0.0, 1.0, 0) + levy_integral(tail, T, eg_log(2.0), eg_log(1.0 + T), 1));
}
