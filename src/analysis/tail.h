/*
 * Exponent of a power-law tail, P(V > v) ~ v^-exponent, from integer counts on a grid of equal bins in ln v. Above an
 * edge the bin number of a Pareto law is geometric with ratio q = exp(-exponent width), so the maximum-likelihood
 * estimate is a closed form, values above the grid being censored: q = T / (T + n), T the sum of bin numbers, n the
 * counted ones. It is Hill's estimator (1975) for grouped values.
 */
#ifndef EG_ANALYSIS_TAIL_H
#define EG_ANALYSIS_TAIL_H

#include <stddef.h>
#include <stdint.h>

typedef struct eg_tail {
  double exponent, stderr_;  /* NaN: no tail that a power law fits */
  double from;               /* the edge where it begins */
  double events, share;      /* values above it, and their share of all */
  double chi2, dof, p_value; /* of the geometric law, at least 10 expected in a bin */
} eg_tail;

/* counts: (bins + 2), the first below and the last above the grid; edges: (bins + 1), equal in the logarithm. from: the
   tail begins at the first edge that is not below it; NaN: at the lowest edge, not below the fullest bin, above which a
   power law is not rejected (p at least 0.1) and at least 200 values lie. */
void eg_tail_fit(size_t bins, const double *edges, const uint64_t *counts, double from, eg_tail *out);

#endif
