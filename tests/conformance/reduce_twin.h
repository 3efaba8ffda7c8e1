/* The kernels of stats_cuda.cu played on the host: the threads of a block one after the other. */
#ifndef EG_TESTS_REDUCE_TWIN_H
#define EG_TESTS_REDUCE_TWIN_H

#include <string.h>

#include "stats/histogram.h"
#include "stats/moments_gpu.h"

static inline double tree_block(double *v, uint32_t n) {
  for (uint32_t s = n / 2; s > 0; s /= 2) {
    for (uint32_t j = 0; j < s; j++) {
      v[j] = v[j] + v[j + s];
    }
  }
  return v[0];
}

static inline void reduce_feature(const eg_tile_reduce *r, uint64_t row, uint32_t f) {
  if (eg_reduce_record(r, row) == EG_NO_PLACE) {
    return;
  }
  const uint32_t used = eg_reduce_used(r, row);
  const double *const lanes = eg_reduce_lanes_at(r, row, f);
  const double pivot = eg_pivot_of(lanes, used);
  double chains[4][EG_CHAINS], S[4];
  uint32_t count = 0;
  for (uint32_t j = 0; j < EG_CHAINS; j++) {
    count += eg_power_chains(lanes, used, j, pivot, S);
    for (int k = 0; k < 4; k++) {
      chains[k][j] = S[k];
    }
  }
  for (int k = 0; k < 4; k++) {
    S[k] = tree_block(chains[k], EG_CHAINS);
  }
  double *const node = r->nodes + eg_reduce_node_at(r, row);
  node[0] = (double)count;
  eg_central_moments((double)count, pivot, S, node + 1 + 4 * f);
}

static inline void reduce_pair(const eg_tile_reduce *r, uint64_t row, uint32_t f, uint32_t g, uint32_t pair) {
  if (eg_reduce_record(r, row) == EG_NO_PLACE) {
    return;
  }
  const uint32_t n = eg_tree_lanes(r->ld), n_threads = r->ld / n, used = eg_reduce_used(r, row);
  double a[EG_TREE_LANES], b[EG_TREE_LANES], shared[1024];
  double *const node = r->nodes + eg_reduce_node_at(r, row);
  for (uint32_t j = 0; j < n_threads; j++) {
    (void)eg_reduce_load(eg_reduce_lanes_at(r, row, f), used, j, n_threads, n, a);
    (void)eg_reduce_load(eg_reduce_lanes_at(r, row, g), used, j, n_threads, n, b);
    shared[j] = eg_comoment_local(a, b, n, node[1 + 4 * f], node[1 + 4 * g]);
  }
  node[1 + 4 * r->n_features + pair] = tree_block(shared, n_threads);
}

static inline void reduce_products(const eg_tile_reduce *r, uint64_t row, uint32_t block) {
  const uint32_t n_pairs = r->n_features * (r->n_features - 1) / 2;
  if (eg_reduce_record(r, row) == EG_NO_PLACE) {
    return;
  }
  double *const node = r->nodes + eg_reduce_node_at(r, row);
  for (uint32_t pair = block * EG_PRODUCT_PAIRS; pair < (block + 1) * EG_PRODUCT_PAIRS && pair < n_pairs; pair++) {
    const uint32_t f = eg_pair_first(pair), g = pair - f * (f - 1) / 2;
    double chains[EG_CHAINS];
    for (uint32_t j = 0; j < EG_CHAINS; j++) {
      chains[j] = eg_product_chain(eg_reduce_lanes_at(r, row, f), eg_reduce_lanes_at(r, row, g), eg_reduce_used(r, row), j,
                                   node[1 + 4 * f], node[1 + 4 * g]);
    }
    node[1 + 4 * r->n_features + pair] = tree_block(chains, EG_CHAINS);
  }
}

static inline void count_histogram(const eg_count *r, uint64_t row, uint32_t i) {
  if (!eg_count_is_wanted(r, row)) {
    return;
  }
  const eg_histogram h = r->histograms[i];
  uint32_t shared[EG_MAX_BINS + 2] = {0};
  const double *const v = eg_count_lanes_at(r, row, h.column);
  for (uint32_t l = 0; l < eg_count_used(r, row); l++) {
    const uint32_t place = eg_histogram_place(&h, r->edges, v[l]);
    if (place < h.bins + 2) {
      shared[place]++;
    }
  }
  uint64_t *const counts = eg_count_counts_at(r, row, &h);
  for (uint32_t k = 0; k < h.bins + 2; k++) {
    counts[k] += shared[k];
  }
}

static inline void count_pair(const eg_count *r, const eg_histogram_pair *pairs, uint64_t row, uint32_t i) {
  for (uint32_t l = 0; eg_count_is_wanted(r, row) && l < eg_count_used(r, row); l++) {
    uint64_t *const count = eg_count_pair_at(r, &pairs[i], row, l);
    if (count != NULL) {
      (*count)++;
    }
  }
}

#endif
