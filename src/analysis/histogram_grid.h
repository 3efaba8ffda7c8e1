/* Grids of histograms: edges between limits, and limits from a sample. Portable arithmetic: the same bits everywhere. */
#ifndef EG_ANALYSIS_HISTOGRAM_GRID_H
#define EG_ANALYSIS_HISTOGRAM_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "stats/histogram.h"

/**
 * Set origin and scale of `h` and its bins + 1 edges (edges: those of all histograms).
 *   linear  e_k = ((bins - k) low + k high) / bins
 *   log     e_k = exp(((bins - k) log low + k log high) / bins), e_0 = low, e_bins = high
 * low < high, with bins wide enough for doubles (study/check_histograms.c).
 */
void eg_grid_set(eg_histogram *h, double low, double high, double *edges);

/**
 * Limits from a sample of one column in groups (one for every observation and point):
 *   a = smallest 1/64 quantile of a group, b = largest 63/64 quantile (order statistics m / 64 and m - 1 - m / 64 of the m
 *   finite values; on a log scale of the positive values, then everything in logarithms)
 *   low = a - (b - a) / 2, high = b + (b - a) / 2; not below 0 if the column cannot be negative
 * so that a Gaussian loses 2e-5 of its mass on either side and a single escaping trajectory does not decide. If all
 * values are equal: half the value (1 at zero, a factor of 2 on a log scale) to both sides. Without any value: 0 .. 1, or
 * 1 .. 10 on a log scale.
 *
 * values  (n_groups, n); NaN: no value. Reordered.
 */
void eg_grid_limits(const eg_histogram *h, bool is_nonnegative, size_t n_groups, size_t n, double *values, double *low,
                    double *high);

#endif
