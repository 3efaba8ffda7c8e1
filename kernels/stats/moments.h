/*
 * Central moments and co-moments of a tile of records. The definition, for every backend:
 *
 *   valid(l)  l < n_lanes and the record is not NaN (a masked trajectory is NaN in all features)
 *   tree(v)   for s = ld/2, ld/4, .., 1: v[l] += v[l + s], l < s; the sum is v[0]
 *   n         number of valid lanes
 *   chains(v) chain j = 0 .. 7 adds v of the lanes j, j + 8, j + 16, .. to 0 one after the other; the sum is tree(chains)
 *   pivot_f   v_f of the first valid lane where it is finite, 0 if there is none
 *   Sk_f      chains(d_f^k), d_f = valid ? v_f - pivot_f : 0, k = 1, 2, 3, 4; s + d, s + d2, fma(d2, d, s), fma(d2, d2, s), d2 = d d
 *   mean_f, M2_f, M3_f, M4_f   eg_central_moments of them
 *   C_fg      tree(e_f e_g), g < f, e_f = valid ? v_f - mean_f : 0; as a product of matrices (EG_COVARIANCE_PRODUCT)
 *             chains(e_f e_g) instead
 *
 * Why one pass about a pivot, and chains: sums can go on with the next lanes when the values of the last ones are gone, so a CPU makes
 * them of one block of trajectories after the other while it has their records in the first-level cache. The pivot is one of the
 * values, so (pivot - mean)^2 <= M2: what the shift to the mean cancels is mostly as much as M2 in S2, nothing where all values are
 * equal, and at most n times M2. A pivot that is the only outlier of a tile of 4096 costs six digits of sixteen of its M2 and
 * of its mean's distance to it, far below a standard error, which is never less than that distance over the number of all trajectories.
 *
 * Node of one (record, point): n, then mean, M2, M3, M4 of each feature, then C_fg by rows (f = 1, 2, ..; g < f) if
 * the covariance is wanted. A tile's node: (record, point) row-major.
 */
#ifndef EG_STATS_MOMENTS_H
#define EG_STATS_MOMENTS_H

#include "core/portable.h"

/* What is made of a record is not made of every one: the place among those it is made of, or this. */
#define EG_NO_PLACE 0xffffffffu

enum { EG_COVARIANCE_NONE, EG_COVARIANCE_TREE, EG_COVARIANCE_PRODUCT };
#define EG_CHAINS 8

EG_FN uint32_t eg_node_values(uint32_t n_features, int with_covariance) {
  return 1 + 4 * n_features + (with_covariance ? n_features * (n_features - 1) / 2 : 0);
}

EG_FN int eg_is_pivot(double v) {
  return v - v == 0.0; /* neither NaN nor infinite */
}

/* S - t, or S where that overflowed: infinite moments are said to be infinite. */
EG_FN double eg_shifted(double S, double t) {
  return eg_is_pivot(S) ? S - t : S;
}

/* What no sum of even powers is: differences of 1e-162 have squares that are lost, their mean has not. */
EG_FN double eg_not_below_zero(double M) {
  return M < 0.0 ? 0.0 : M;
}

/* Mean, M2, M3, M4 of n values whose differences to the pivot have the sums S[k - 1] of their powers k = 1 .. 4. */
EG_FN void eg_central_moments(double n, double pivot, const double *S, double *moments) {
  const double shift = n > 0.0 ? S[0] / n : 0.0;
  const double M2_shift = S[0] * shift;
  moments[0] = pivot + shift;
  moments[1] = eg_not_below_zero(eg_shifted(S[1], M2_shift));
  moments[2] = eg_shifted(S[2], shift * (3.0 * S[1] - 2.0 * M2_shift)) + 0.0; /* a cube that is lost is -0, and +0 with one more lane */
  moments[3] = eg_not_below_zero(eg_shifted(S[3], shift * (4.0 * S[2] - shift * (6.0 * S[1] - 3.0 * M2_shift))));
}

typedef struct eg_reduce {
  const double *records; /* (n_records, n_points, width, ld); the first n_features of the width columns are reduced; by a
                            product of matrices they become their deviations */
  double *nodes;         /* (n_records, n_points, eg_node_values) */
  uint32_t n_records, n_points, n_features, ld, n_lanes;
  int32_t with_covariance; /* EG_COVARIANCE_* */
  uint32_t width, reserved;
} eg_reduce;

/* The sums of a column of a tile as far as its lanes were fed. */
typedef struct eg_sums {
  double chains[4][EG_CHAINS];
  double pivot; /* NaN: no lane was valid */
  double n;     /* valid lanes */
  double unused[6]; /* whole cache lines */
} eg_sums;

/* Doubles that the CPU works in, of a row of so many features. */
EG_FN uint64_t eg_reduce_scratch(uint32_t n_features, uint32_t ld, int32_t with_covariance) {
  return with_covariance == EG_COVARIANCE_TREE ? (uint64_t)n_features * ld / 4 : 1;
}

EG_STATIC_ASSERT(sizeof(eg_reduce) == 48, "layout differs between host and device");

#endif
