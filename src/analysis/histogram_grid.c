#include "analysis/histogram_grid.h"

#include <math.h>
#include <stdlib.h>

static const double LARGEST = 1e300, LARGEST_LOG = 690.0, NARROWEST_BIN = 0x1p-38, SMALLEST_WIDTH = 1e-280;

void eg_grid_set(eg_histogram *h, double low, double high, double *edges) {
  double *const e = edges + h->edge;
  const double n = (double)h->bins;
  const double a = h->is_log ? eg_log(low) : low, b = h->is_log ? eg_log(high) : high;
  for (uint32_t k = 1; k < h->bins; k++) {
    const double u = ((n - (double)k) * a + (double)k * b) / n;
    e[k] = h->is_log ? eg_exp(u) : u;
  }
  e[0] = low;
  e[h->bins] = high;
  h->origin = a;
  h->scale = n / (b - a);
}

static int by_value(const void *a, const void *b) {
  const double p = *(const double *)a, q = *(const double *)b;
  return (p > q) - (p < q);
}

/* The values that count to the front; how many there are. */
static size_t usable(double *values, size_t n, bool is_log) {
  size_t m = 0;
  for (size_t i = 0; i < n; i++) {
    const double v = values[i];
    if (eg_is_finite(v) && (!is_log || v > 0)) {
      values[m++] = v;
    }
  }
  return m;
}

static double clamp(double v, double most) {
  return v > most ? most : (v < -most ? -most : v);
}

void eg_grid_limits(const eg_histogram *h, bool is_nonnegative, size_t n_groups, size_t n, double *values, double *low,
                    double *high) {
  double a = INFINITY, b = -INFINITY;
  for (size_t g = 0; g < n_groups; g++) {
    double *const v = values + g * n;
    const size_t m = usable(v, n, h->is_log);
    if (m > 0) {
      qsort(v, m, sizeof *v, by_value);
      a = v[m / 64] < a ? v[m / 64] : a;
      b = v[m - 1 - m / 64] > b ? v[m - 1 - m / 64] : b;
    }
  }
  if (!(a <= b)) {
    *low = h->is_log ? 1 : 0;
    *high = h->is_log ? 10 : 1;
    return;
  }
  a = h->is_log ? eg_log(a) : a;
  b = h->is_log ? eg_log(b) : b;
  const double size = fabs(a) > fabs(b) ? fabs(a) : fabs(b);
  const double largest = h->is_log && size < 1 ? 1 : size;
  double margin = a < b ? (b - a) / 2 : (h->is_log ? eg_log(2.0) : (a != 0 ? fabs(a) / 2 : 1.0));
  const double least = (double)h->bins * NARROWEST_BIN * largest; /* narrower bins could not be told apart */
  margin = margin > least ? margin : least;
  margin = margin > SMALLEST_WIDTH ? margin : SMALLEST_WIDTH;
  const double most = h->is_log ? LARGEST_LOG : LARGEST;
  a = clamp(a - margin, most);
  b = clamp(b + margin, most);
  *low = h->is_log ? eg_exp(a) : (is_nonnegative && a < 0 ? 0 : a);
  *high = h->is_log ? eg_exp(b) : b;
}
