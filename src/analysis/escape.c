#include "analysis/escape.h"

#include <math.h>

#include "analysis/moments.h"

static const double LEAST_EXPECTED = 10; /* events in a bin of the chi^2 test */

/* chi^2 with upper tail p, by bisection. */
static double chi2_quantile(double p, double nu) {
  double low = 0, high = nu + 20 * sqrt(2 * nu) + 50;
  for (int i = 0; i < 200; i++) {
    const double middle = (low + high) / 2;
    if (eg_chi2_tail(middle, nu) > p) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return (low + high) / 2;
}

/* Neighbouring intervals are joined until enough events are expected, in this bin and behind it. */
static void test_constant_rate(size_t n, const double *crossed, const double *risk, size_t first, double d0, double R0,
                               eg_escape_fit *fit) {
  double chi2 = 0, events = 0, time = 0, last_d = d0, last_R = R0;
  size_t bins = 0;
  for (size_t i = first + 1; i < n; i++) {
    events += crossed[i] - last_d;
    time += risk[i] - last_R;
    last_d = crossed[i];
    last_R = risk[i];
    const double expected = fit->rate * time, left = fit->rate * (risk[n - 1] - risk[i]);
    if (expected >= LEAST_EXPECTED && (left >= LEAST_EXPECTED || i + 1 == n)) {
      chi2 += (events - expected) * (events - expected) / expected;
      bins++;
      events = time = 0;
    }
  }
  if (bins >= 3) {
    fit->chi2 = chi2;
    fit->dof = (double)bins - 1;
    fit->p_value = eg_chi2_tail(chi2, fit->dof);
  }
}

void eg_escape_fit_rate(size_t n, const double *crossed, const double *risk, size_t first, eg_escape_fit *fit) {
  const double d0 = first == (size_t)-1 ? 0 : crossed[first], R0 = first == (size_t)-1 ? 0 : risk[first];
  *fit = (eg_escape_fit){.rate = NAN, .rate_stderr = NAN, .rate_low = NAN, .rate_high = NAN,
                         .chi2 = NAN, .dof = NAN, .p_value = NAN};
  fit->events = crossed[n - 1] - d0;
  fit->risk = risk[n - 1] - R0;
  if (!(fit->risk > 0)) {
    return;
  }
  const double d = fit->events;
  fit->rate = d / fit->risk;
  fit->rate_stderr = d > 0 ? sqrt(d) / fit->risk : NAN;
  fit->rate_low = d > 0 ? chi2_quantile(0.975, 2 * d) / (2 * fit->risk) : 0;
  fit->rate_high = chi2_quantile(0.025, 2 * d + 2) / (2 * fit->risk);
  if (d > 0) {
    test_constant_rate(n, crossed, risk, first, d0, R0, fit);
  }
}

void eg_escape_survival(double n, double crossed, double *share, double *stderr_, double *low, double *high) {
  static const double z = 1.959963984540054;
  const double p = 1 - crossed / n, centre = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  *share = p;
  *stderr_ = sqrt(p * (1 - p) / n);
  *low = centre - half;
  *high = centre + half;
}

static double prefactor(double minimum_curvature, double saddle_curvature) {
  return sqrt(minimum_curvature * saddle_curvature) / (2 * 3.14159265358979323846);
}

double eg_escape_kramers(double minimum_curvature, double saddle_curvature, double barrier, double D) {
  return prefactor(minimum_curvature, saddle_curvature) * exp(-barrier / D);
}

double eg_escape_power_law(double minimum_curvature, double saddle_curvature, double loss_ratio, double temperature) {
  return prefactor(minimum_curvature, saddle_curvature) * pow(loss_ratio, -(0.5 + 1 / temperature));
}
