/*
 * Central moments and co-moments of a tile of records. The definition, for every backend:
 *
 *   valid(l)  l < n_lanes and the record is not NaN (a masked trajectory is NaN in all features)
 *   tree(v)   for s = ld/2, ld/4, .., 1: v[l] += v[l + s], l < s; the sum is v[0]
 *   n         number of valid lanes
 *   mean_f    tree(valid ? v_f : 0) / n, 0 if n = 0
 *   Mk_f      tree(d_f^k), d_f = valid ? v_f - mean_f : 0, k = 2, 3, 4; d^3 = d^2 d, d^4 = d^2 d^2
 *   C_fg      tree(d_f d_g), g < f; as a product of matrices instead (EG_COVARIANCE_PRODUCT): chain j = 0 .. 7 adds d_f d_g of the
 *             lanes j, j + 8, j + 16, .. one after the other, and C_fg is tree(chains)
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

typedef struct eg_reduce {
  const double *records; /* (n_records, n_points, width, ld); the first n_features of the width columns are reduced; by a
                            product of matrices they become their deviations */
  double *nodes;         /* (n_records, n_points, eg_node_values) */
  uint32_t n_records, n_points, n_features, ld, n_lanes;
  int32_t with_covariance; /* EG_COVARIANCE_* */
  uint32_t width, reserved;
} eg_reduce;

/* Doubles that the CPU works in, of a row of so many features. */
EG_FN uint64_t eg_reduce_scratch(uint32_t n_features, uint32_t ld, int32_t with_covariance) {
  const uint64_t comoments = with_covariance == EG_COVARIANCE_TREE ? (uint64_t)n_features * ld / 4 : 0, moments = (uint64_t)ld * 3 / 2;
  return comoments > moments ? comoments : moments;
}

EG_STATIC_ASSERT(sizeof(eg_reduce) == 48, "layout differs between host and device");

#endif
