/*
 * Quantiles from integer counts on a grid. Inside a bin the distribution function is taken as linear in the value, on a
 * logarithmic grid in its logarithm, so a quantile is right to less than a bin. Its 95 % interval is where the distribution function
 * passes p -+ 1.96 sqrt(p (1 - p) / n), the binomial spread of the counts below it. What the straight line leaves out is estimated from the
 * bins beside: with densities a, b, c of three bins of width w, a density that is a parabola moves a quantile by at most
 * w (|c - a| / 16 + |a - 2 b + c| / 124) / b.
 */
#ifndef EG_ANALYSIS_QUANTILES_H
#define EG_ANALYSIS_QUANTILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct eg_quantile {
  double value, stderr_, low, high; /* NaN where it lies outside the grid */
  double bin;                       /* width of the bin that holds it */
  double interpolation;             /* what the interpolation within it may be off, about */
} eg_quantile;

/* counts: (bins + 2), the first below and the last above the grid; edges: (bins + 1). */
void eg_quantile_from_counts(size_t bins, const double *edges, bool is_log, const uint64_t *counts, double p, eg_quantile *out);

#endif
