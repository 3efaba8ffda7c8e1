/* Mean squared displacement of the annealed transit time model by its renewal equation. */
#ifndef EG_TESTS_TRANSIT_TIME_H
#define EG_TESTS_TRANSIT_TIME_H

#include <math.h>
#include <stdlib.h>

enum { TRANSIT_GRID = 32 }; /* cells in a unit of time */

/* E x^2 = 2 int m(t) dt, m = E D(t): m(t) = E [D; residence > t] + int_1^t a u^(-a-1) m(t - u) du, a residence being at least 1;
   trapezoids. Fills msd[t] for t = 0 .. last. */
static inline void transit_time_table(double a, double gamma, int last, double *msd) {
  const double d = 1.0 / TRANSIT_GRID;
  const size_t cells = (size_t)TRANSIT_GRID * (size_t)last;
  double *const m = calloc(2 * (cells + 1), sizeof *m), *const density = m + cells + 1, integral = 0;
  if (m == NULL) {
    abort();
  }
  for (size_t k = TRANSIT_GRID; k <= cells; k++) {
    density[k] = d * a * pow((double)k * d, -a - 1);
  }
  for (size_t i = 0; i <= cells; i++) {
    const double t = (double)i * d;
    m[i] = a / (a + 1 / gamma) * (t > 1 ? pow(t, -a - 1 / gamma) : 1);
    if (i > TRANSIT_GRID) {
      for (size_t k = TRANSIT_GRID; k <= i; k++) {
        m[i] += (k == TRANSIT_GRID || k == i ? 0.5 : 1.0) * density[k] * m[i - k];
      }
    }
    integral += (i == 0 ? 0 : 0.5 * d * (m[i - 1] + m[i]));
    if (i % TRANSIT_GRID == 0) {
      msd[i / TRANSIT_GRID] = 2 * integral;
    }
  }
  free(m);
}

#endif
