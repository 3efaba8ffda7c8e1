#include "analysis/quantiles.h"

#include <math.h>

/* Where the distribution function passes p; NaN outside the grid. *bin: the bin, untouched outside. */
static double inverse(size_t bins, const double *edges, bool is_log, const uint64_t *counts, double n, double p, size_t *bin) {
  double below = (double)counts[0];
  const double wanted = p * n;
  if (wanted < below) {
    return NAN;
  }
  for (size_t k = 0; k < bins; k++) {
    const double here = (double)counts[k + 1];
    if (here > 0 && wanted <= below + here) {
      const double share = (wanted - below) / here;
      *bin = k;
      return is_log ? edges[k] * pow(edges[k + 1] / edges[k], share) : edges[k] + share * (edges[k + 1] - edges[k]);
    }
    below += here;
  }
  return NAN;
}

/* Counts of bin k over its width, where the line is drawn. */
static double density(const double *edges, bool is_log, const uint64_t *counts, size_t k) {
  return (double)counts[k + 1] / (is_log ? log(edges[k + 1] / edges[k]) : edges[k + 1] - edges[k]);
}

/* At the ends of the grid, where a density may be steepest, twice the slope towards the only bin beside goes on. */
static double off_by(size_t bins, const double *edges, bool is_log, const uint64_t *counts, size_t k) {
  const double width = edges[k + 1] - edges[k], b = density(edges, is_log, counts, k);
  if (bins < 2) {
    return width / 2;
  }
  const double a = k > 0 ? density(edges, is_log, counts, k - 1) : 3 * b - 2 * density(edges, is_log, counts, 1);
  const double c = k + 1 < bins ? density(edges, is_log, counts, k + 1) : 3 * b - 2 * density(edges, is_log, counts, k - 1);
  return width * (fabs(c - a) / 16 + fabs(a - 2 * b + c) / 124) / b;
}

void eg_quantile_from_counts(size_t bins, const double *edges, bool is_log, const uint64_t *counts, double p, eg_quantile *out) {
  static const double z = 1.959963984540054;
  double n = 0;
  size_t bin = 0, unused = 0;
  *out = (eg_quantile){NAN, NAN, NAN, NAN, NAN, NAN};
  for (size_t k = 0; k < bins + 2; k++) {
    n += (double)counts[k];
  }
  if (!(n > 0)) {
    return;
  }
  const double spread = z * sqrt(p * (1 - p) / n);
  out->value = inverse(bins, edges, is_log, counts, n, p, &bin);
  out->low = p > spread ? inverse(bins, edges, is_log, counts, n, p - spread, &unused) : NAN;
  out->high = p + spread < 1 ? inverse(bins, edges, is_log, counts, n, p + spread, &unused) : NAN;
  if (!isnan(out->value)) {
    out->bin = edges[bin + 1] - edges[bin];
    out->interpolation = off_by(bins, edges, is_log, counts, bin);
    out->stderr_ = (out->high - out->low) / (2 * z);
  }
}
