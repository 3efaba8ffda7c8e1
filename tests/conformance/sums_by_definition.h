/* Mean, M2, M3, M4 of a column by the words of stats/moments.h, written once more, a lane after the other. */
#ifndef EG_TESTS_SUMS_BY_DEFINITION_H
#define EG_TESTS_SUMS_BY_DEFINITION_H

#include <math.h>
#include <stddef.h>

/* Valid lanes are those of the first n_lanes that are not NaN; returns how many. */
static double sums_by_definition(const double *v, size_t n_lanes, double moments[4]) {
  double chains[4][8] = {{0}}, S[4], pivot = 0, n = 0;
  for (size_t l = n_lanes; l-- > 0;) {
    pivot = isfinite(v[l]) ? v[l] : pivot;
    n += isnan(v[l]) ? 0 : 1;
  }
  for (size_t l = 0; l < n_lanes; l++) {
    const double d = v[l] - pivot, d2 = d * d;
    if (!isnan(v[l])) {
      chains[0][l % 8] += d;
      chains[1][l % 8] += d2;
      chains[2][l % 8] = fma(d2, d, chains[2][l % 8]);
      chains[3][l % 8] = fma(d2, d2, chains[3][l % 8]);
    }
  }
  for (int k = 0; k < 4; k++) {
    const double *const c = chains[k];
    S[k] = ((c[0] + c[4]) + (c[2] + c[6])) + ((c[1] + c[5]) + (c[3] + c[7]));
  }
  const double shift = n > 0 ? S[0] / n : 0, back = S[0] * shift;
  const double away[3] = {back, shift * (3 * S[1] - 2 * back), shift * (4 * S[2] - shift * (6 * S[1] - 3 * back))};
  moments[0] = pivot + shift;
  for (int k = 1; k < 4; k++) {
    moments[k] = isfinite(S[k]) ? S[k] - away[k - 1] : S[k];
    moments[k] = k != 2 && moments[k] < 0 ? 0 : moments[k] + 0.0;
  }
  return n;
}

#endif
