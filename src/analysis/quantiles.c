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

void eg_quantile_from_counts(size_t bins, const double *edges, bool is_log, const uint64_t *counts, double p, eg_quantile *out) {
  static const double z = 1.959963984540054;
  double n = 0;
  size_t bin = 0, unused = 0;
  *out = (eg_quantile){NAN, NAN, NAN, NAN, NAN};
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
    out->stderr_ = (out->high - out->low) / (2 * z);
  }
}
