#include "analysis/escape.h"

#include <math.h>
#include <stdbool.h>

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
  if (bins >= 2) {
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

/* Wilson's 95 % interval of a share of n. */
static void wilson(double n, double p, double *low, double *high) {
  static const double z = 1.959963984540054;
  const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  *low = centre - half;
  *high = centre + half;
}

void eg_escape_survival(double n, double crossed, double *share, double *stderr_, double *low, double *high) {
  const double p = 1 - crossed / n;
  *share = p;
  *stderr_ = sqrt(p * (1 - p) / n);
  wilson(n, p, low, high);
}

/* n: trajectories that count where the error is 0. */
static eg_escape_share share_of(double share, double variance, double n) {
  eg_escape_share s = {share, sqrt(variance), NAN, NAN};
  if (variance >= 0) {
    wilson(variance > 0 ? share * (1 - share) / variance : n, share, &s.low, &s.high);
  }
  return s;
}

static eg_escape_share binomial(double n, double crossed) {
  eg_escape_share s;
  eg_escape_survival(n, crossed, &s.share, &s.stderr_, &s.low, &s.high);
  return s;
}

/* ln of the factor of an interval in which a share e leaves here, r elsewhere, and its variance for Y trajectories at risk. */
static double log_factor(double e, double r, double Y, double *variance) {
  const double q = e + r, stay = log1p(-q);
  const double by_e = r / (q * q) * stay - e / q / (1 - q), by_r = -e / (q * q) * stay - e / q / (1 - q), mean = by_e * e + by_r * r;
  *variance = (by_e * by_e * e + by_r * by_r * r - mean * mean) / Y;
  return e / q * stay;
}

void eg_escape_curves(const eg_escape_counts *c, eg_escape_share *survival, eg_escape_share *incidence) {
  const eg_escape_share unknown = {NAN, NAN, NAN, NAN};
  double log_net = 0, log_variance = 0;                  /* of the survival */
  double stay = 1, left = 0, vss = 0, vsl = 0, vll = 0;  /* share still there, share left here, their covariance */
  double events = 0, rivals = 0, lost = 0;
  bool is_over = false;
  for (size_t i = 0; i < c->n; i++) {
    const double Y = c->started - (lost + c->lost[i]) / 2 - events - rivals, n = c->started - c->lost[i];
    const double e = Y > 0 ? (c->events[i] - events) / Y : 0, r = Y > 0 ? (c->rivals[i] - rivals) / Y : 0, q = e + r;
    if (Y > 0) {
      const double S2 = stay * stay / Y; /* (stay, left) := (stay (1 - q), left + stay e) with multinomial e and r */
      vll += 2 * e * vsl + e * e * vss + S2 * e * (1 - e);
      vsl = (1 - q) * (vsl + e * vss) - S2 * e * (1 - q);
      vss = (1 - q) * (1 - q) * vss + S2 * q * (1 - q);
      left += stay * e;
      stay *= 1 - q;
    }
    if (e > 0 && q < 1) {
      double variance;
      log_net += log_factor(e, r, Y, &variance);
      log_variance += variance;
    } else if (e > 0) {
      log_net = -INFINITY;
    }
    is_over = is_over || !(Y > 0);
    events = c->events[i];
    rivals = c->rivals[i];
    lost = c->lost[i];
    const double net = exp(log_net);
    survival[i] = !(rivals > 0 || lost > 0) ? binomial(n, events)
                  : is_over                 ? unknown
                  : log_net < -1e300        ? (eg_escape_share){0, NAN, NAN, NAN}
                                      : share_of(net, net * net * log_variance, n);
    incidence[i] = !(lost > 0) ? binomial(n, n - events) : share_of(left, fmax(0, vll), n);
  }
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
