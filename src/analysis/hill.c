#include "analysis/hill.h"

#include <math.h>

static const double LEAST_EXCESS = 1e-300;

double eg_hill(const double *x, size_t k) {
  double sum = 0;
  for (size_t i = 0; i < k; i++) {
    sum += log(x[i] / x[k]);
  }
  return sum > LEAST_EXCESS ? (double)k / sum : NAN;
}

double eg_hill_distance(const double *x, size_t k) {
  const double n = (double)k, alpha = eg_hill(x, k), root = sqrt(n);
  double distance = 0;
  for (size_t i = 0; i < k; i++) { /* values descend: the excess at i has i larger ones */
    const double survival = pow(x[i] / x[k], -alpha);
    distance = fmax(distance, fmax(survival - (double)i / n, (double)(i + 1) / n - survival));
  }
  return isnan(alpha) ? NAN : (distance - 0.2 / n) * (root + 0.26 + 0.5 / root);
}

bool eg_is_power_law(const double *x, size_t k) {
  const size_t quarter = k / 4;
  const double all = 1 / eg_hill(x, k), some = 1 / eg_hill(x, quarter);
  const double error = all * sqrt(1 / (double)quarter - 1 / (double)k);
  return eg_hill_distance(x, k) <= 1.094 && fabs(some - all) <= 1.96 * error; /* false for NaN */
}

size_t eg_hill_stretch(size_t i) {
  return (size_t)nearbyint(pow(10.0, 1 + (double)i / 10));
}

size_t eg_hill_choose(const double *x, size_t n) {
  size_t chosen = 0;
  for (size_t i = 0; eg_hill_stretch(i) < n; i++) {
    const size_t k = eg_hill_stretch(i);
    chosen = k >= EG_HILL_LEAST && eg_is_power_law(x, k) ? k : chosen;
  }
  if (n > EG_HILL_LEAST && eg_is_power_law(x, n - 1)) {
    chosen = n - 1;
  }
  return chosen / EG_HILL_PART;
}
