#include "analysis/scaling_rule.h"

#include <math.h>

double eg_scaling_sde_least(double nu) {
  return sqrt(1 + 1 / nu);
}

double eg_scaling_most_kappa(double closeness, double nu) {
  return closeness * closeness * (1 + nu) - nu;
}

double eg_scaling_least(double kappa, double nu) {
  return sqrt((kappa + nu) / (1 + nu));
}

double eg_scaling_closeness(int n, const double *ratios) {
  double largest = 1;
  for (int i = 0; i < n; i++) {
    if (isnan(ratios[i])) {
      return NAN;
    }
    largest = fmax(largest, fmax(ratios[i], 1 / ratios[i]));
  }
  return largest;
}

int eg_scaling_rule_of(double kappa, double rates) {
  const double tolerance = 1e-9;
  if (fabs(kappa - 1) < tolerance && fabs(rates - 1) < tolerance) {
    return EG_SCALING_BASE;
  }
  if (fabs(kappa - 1) < tolerance) {
    return EG_SCALING_NONE;
  }
  return fabs(rates / kappa - 1) < tolerance          ? EG_SCALING_LINEAR
         : fabs(rates * rates / kappa - 1) < tolerance ? EG_SCALING_SQUARE_ROOT
                                                       : EG_SCALING_NONE;
}
