/*
 * Fits. The n_used smallest learning rates are fitted by err = c eta^p (1 + c' eta), weights 1/s^2 with
 *     s^2 = stderr^2 + (err/64)^2 + (1e-9 largest |err|)^2.
 * Two terms of an expansion are never the whole truth, so no point counts for more than 1/64 of its value.
 * With exact errors (stderr 0) this floor alone is the weight, and more samples never turn a good verdict
 * into a bad fit. All points are used first; while the chi^2 p-value is at most 1e-3 and more than 3 are
 * left, the largest learning rate is dropped: there the next terms of the expansion show first.
 *
 * A learning rate is *seen* when |err| > 3 stderr there and at all larger ones; eta_seen is the smallest
 * seen. Order p is accepted when
 *   1. p-value > 1e-3 and |c| > 5 sigma_c,
 *   2. three or more learning rates are seen: two numbers cannot test a law of two numbers,
 *   3. |c' eta_seen| < 1: the leading term leads somewhere where it can be seen.
 * The rules so far still name wrong orders: c eta + d eta^2 follows a eta^2 + b eta^3 of opposite signs
 * within noise, and a first-order term hides under eta^2. So the verdict is p only when each rival q = 1 to 4
 * is ruled out on the points p was fitted to:
 *   4. its chi^2 is worse by more than 12 (3.5 sigma), or
 *   5. q < p and its term is bounded: (|c_q| + 2 sigma_q) eta_seen^q < |c_p| eta_seen^p / 2, or
 *   6. q > p and it is not acceptable itself by rules 1 to 3.
 * The smallest such p is the verdict. Else EG_WEAK_NO_ORDER_FITS when every p is excluded, by chi^2 or
 * because its term cannot lead, |c| + 5 sigma_c < |c c' eta_min|; and EG_WEAK_NOISE_DOMINATED when the error
 * bars leave no order, or several, to choose from.
 *
 * Simulated with err = eta^q (1 + a u + b u^2), u = eta / eta_max, a in (-0.7, 1.5), b in (-0.5, 0.5), 3 to 6
 * rates by halves, noise constant or as sqrt(eta), 20000 draws at each of 9 levels: wrong orders at most 2e-4
 * of verdicts for q = 1, 2, 3 and 6e-4 for q = 4 (which has no right answer). With rule 1 and |c' eta_min| <
 * 1 alone it was 0.54, and 0.87 for q = 4. With a in (-1.2, 3), b in (-1, 1), errors that may pass through
 * zero inside the range: 3e-3.
 */
#include "analysis/weak_error.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "analysis/moments.h"

static const double P_VALUE = 1e-3, SIGNIFICANT = 5.0, RIVAL_CHI2 = 12.0, SEEN = 3.0, MODEL_TRUST = 1.0 / 64;

/* the usable points by rising learning rate; weight 1 / s */
typedef struct weak_data {
  size_t n, n_seen;
  double eta_seen;
  double eta[EG_WEAK_MAX_POINTS], error[EG_WEAK_MAX_POINTS], weight[EG_WEAK_MAX_POINTS];
} weak_data;

static void sort_by_rate(size_t n, const double *learning_rate, size_t *order) {
  for (size_t i = 0; i < n; i++) {
    size_t at = i;
    for (; at > 0 && learning_rate[order[at - 1]] > learning_rate[i]; at--) {
      order[at] = order[at - 1];
    }
    order[at] = i;
  }
}

static void gather(size_t n, const double *learning_rate, const double *error, const double *stderr_,
                   const size_t *order, weak_data *data) {
  double largest = 0.0;
  for (size_t i = 0; i < n; i++) {
    largest = isfinite(error[i]) ? fmax(largest, fabs(error[i])) : largest;
  }
  data->n = 0;
  data->n_seen = 0;
  data->eta_seen = 0.0;
  for (size_t k = 0; k < n; k++) {
    const size_t i = order[k];
    if (!(isfinite(error[i]) && isfinite(stderr_[i]) && stderr_[i] >= 0.0 && learning_rate[i] > 0.0)) {
      continue; /* unknown error bars and failed runs carry no weight */
    }
    const double trust = MODEL_TRUST * error[i], least = 1e-9 * largest;
    data->eta[data->n] = learning_rate[i];
    data->error[data->n] = error[i];
    data->weight[data->n] = 1.0 / sqrt(stderr_[i] * stderr_[i] + trust * trust + least * least);
    /* from the largest down without a gap: rising through the rates, a gap starts the count anew */
    const bool is_seen = fabs(error[i]) > SEEN * stderr_[i];
    data->n_seen = is_seen ? data->n_seen + 1 : 0;
    data->eta_seen = data->n_seen == 1 ? learning_rate[i] : data->eta_seen;
    data->n++;
  }
}

/* Least squares of err = c u^p + d u^(p+1), u = eta / eta_min: c from the part of the first column that the
   second does not span, which keeps the digits that normal equations lose. */
static eg_weak_fit fit_order(const weak_data *data, size_t n_used, int p) {
  double aa = 0, ab = 0, bb = 0, ay = 0, by = 0;
  double a[EG_WEAK_MAX_POINTS], b[EG_WEAK_MAX_POINTS];
  for (size_t i = 0; i < n_used; i++) {
    const double u = data->eta[i] / data->eta[0];
    a[i] = pow(u, p) * data->weight[i];
    b[i] = a[i] * u;
    ab += a[i] * b[i];
    bb += b[i] * b[i];
  }
  for (size_t i = 0; i < n_used; i++) {
    const double perpendicular = a[i] - ab / bb * b[i], y = data->error[i] * data->weight[i];
    aa += perpendicular * perpendicular;
    ay += perpendicular * y;
    by += b[i] * y;
  }
  const double c = ay / aa, d = (by - c * ab) / bb, scale = pow(data->eta[0], p);
  eg_weak_fit fit = {
      .c = c / scale, .c_stderr = 1.0 / sqrt(aa) / scale, .c1 = d / c / data->eta[0], .n_used = n_used};
  for (size_t i = 0; i < n_used; i++) {
    const double misfit = data->error[i] * data->weight[i] - (c * a[i] + d * b[i]);
    fit.chi2 += misfit * misfit;
  }
  fit.dof = (double)n_used - 2.0;
  fit.p_value = eg_chi2_tail(fit.chi2, fit.dof);
  fit.is_accepted = fit.p_value > P_VALUE && fabs(c) > SIGNIFICANT / sqrt(aa) &&
                    fabs(fit.c1) * data->eta_seen < 1.0 && data->n_seen >= 3;
  return fit;
}

/* the fit on the most points that chi^2 allows, at the least 3 */
static eg_weak_fit fit_largest(const weak_data *data, int p) {
  size_t n_used = data->n;
  eg_weak_fit fit = fit_order(data, n_used, p);
  while (fit.p_value <= P_VALUE && n_used > 3) {
    fit = fit_order(data, --n_used, p);
  }
  return fit;
}

/* rules 4 to 6, for the rival q */
static bool is_ruled_out(const weak_data *data, const eg_weak_fit *fit, int p, int q) {
  const eg_weak_fit rival = fit_order(data, fit->n_used, q);
  if (rival.chi2 > fit->chi2 + RIVAL_CHI2) {
    return true;
  }
  if (q > p) {
    return !rival.is_accepted;
  }
  const double bound = (fabs(rival.c) + 2.0 * rival.c_stderr) * pow(data->eta_seen, q);
  return bound < 0.5 * fabs(fit->c) * pow(data->eta_seen, p);
}

/* No noise within reason would let the term of order p lead: |c| + 5 sigma_c < |d eta_min|, or chi^2 forbids
 * it. */
static bool is_excluded(const weak_data *data, const eg_weak_fit *fit) {
  return fit->p_value <= P_VALUE ||
         fabs(fit->c) + SIGNIFICANT * fit->c_stderr < fabs(fit->c * fit->c1) * data->eta[0];
}

static int decide(const weak_data *data, const eg_weak_fit *fits) {
  bool is_any_open = false;
  for (int p = 1; p <= EG_WEAK_MAX_ORDER; p++) {
    bool is_alone = fits[p].is_accepted;
    for (int q = 1; q <= EG_WEAK_MAX_ORDER + 1 && is_alone; q++) {
      is_alone = q == p || is_ruled_out(data, &fits[p], p, q);
    }
    if (is_alone) {
      return p;
    }
    is_any_open = is_any_open || !is_excluded(data, &fits[p]);
  }
  return is_any_open ? EG_WEAK_NOISE_DOMINATED : EG_WEAK_NO_ORDER_FITS;
}

/* slope between neighbours by falling learning rate; Var(log |err|) = stderr^2 / err^2 (delta method) */
static void local_slopes(size_t n, const size_t *order, const double *learning_rate, const double *error,
                         const double *stderr_, double *slope, double *slope_stderr) {
  for (size_t k = 0; k + 1 < n; k++) {
    const size_t i = order[n - 1 - k], j = order[n - 2 - k]; /* i: the larger rate */
    const double step = log(learning_rate[i] / learning_rate[j]);
    const bool is_same_sign = error[i] * error[j] > 0.0 || (error[i] > 0.0 && error[j] > 0.0) ||
                              (error[i] < 0.0 && error[j] < 0.0); /* the product may underflow */
    slope[k] = is_same_sign ? log(error[i] / error[j]) / step : NAN;
    slope_stderr[k] = is_same_sign ? hypot(stderr_[i] / error[i], stderr_[j] / error[j]) / step : NAN;
  }
}

void eg_weak_error_fit(size_t n, const double *learning_rate, const double *error, const double *stderr_,
                       double *slope, double *slope_stderr, eg_weak_order *out) {
  assert(n <= EG_WEAK_MAX_POINTS);
  size_t order[EG_WEAK_MAX_POINTS];
  weak_data data;
  memset(out, 0, sizeof *out);
  sort_by_rate(n, learning_rate, order);
  local_slopes(n, order, learning_rate, error, stderr_, slope, slope_stderr);
  gather(n, learning_rate, error, stderr_, order, &data);
  if (data.n < 3) {
    out->verdict = EG_WEAK_TOO_FEW;
    return;
  }
  for (size_t i = 0; i < data.n; i++) {
    if (isinf(data.weight[i])) { /* all errors and error bars are 0: there is no error to have an order */
      out->verdict = EG_WEAK_NOISE_DOMINATED;
      return;
    }
  }
  for (int p = 1; p <= EG_WEAK_MAX_ORDER; p++) {
    out->fits[p] = fit_largest(&data, p);
  }
  out->verdict = decide(&data, out->fits);
}
