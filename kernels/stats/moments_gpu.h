/*
 * Moments are made by eight threads, a chain each. The tree of co-moments is spread over the threads of one block: thread j of
 * n holds the lanes j, j + n, j + 2n, .. in registers. The tree adds l and l + s for s = ld/2, ld/4, .., so down to s = n it joins only
 * lanes of one thread: that part is eg_tree_local, the rest (n values) goes through shared memory.
 */
#ifndef EG_STATS_MOMENTS_GPU_H
#define EG_STATS_MOMENTS_GPU_H

#include "stats/moments.h"

#define EG_TREE_LANES      8    /* lanes a thread holds at most */
#define EG_TREE_MOST_LANES 8192 /* largest tile: 8 lanes in each of 1024 threads */
#define EG_PRODUCT_PAIRS   32   /* pairs of features that a block makes as a product of matrices */
#define EG_MOMENT_ROWS     32   /* rows that a block makes moments of, eight threads each */

/* A grid has at most 65535 blocks in y: pair = blockIdx.z EG_PAIRS_Y + blockIdx.y. */
#define EG_PAIRS_Y 32768

/* What one launch reduces: `tiles` tiles of records as the advance kernels wrote them, numbered from record_first on in
   the job; the nodes of those that are reduced go to their places in the nodes of the tiles. */
typedef struct eg_tile_reduce {
  const double *records; /* (tiles, n_records, n_points, width, ld); the first n_features columns are reduced */
  double *nodes;         /* (tiles, node_stride): of a tile (reduced records, n_points, eg_node_values) */
  const uint32_t *places; /* (records of the job): place of a record among those that are reduced, or EG_NO_PLACE; NULL: all */
  uint64_t node_stride;
  uint32_t tiles, n_records, n_points, n_features, ld;
  uint32_t n_lanes; /* realisations of all tiles together */
  uint32_t record_first;
  uint32_t width;
  int32_t with_covariance; /* EG_COVARIANCE_* */
  uint32_t tile; /* realisations of a tile, <= ld */
} eg_tile_reduce;

EG_STATIC_ASSERT(sizeof(eg_tile_reduce) == 72, "layout differs between host and device");

/* Lanes of each thread: 8, fewer in tiles below 512 lanes, so that 64 threads work; one in tiles below 128. */
EG_FN uint32_t eg_tree_lanes(uint32_t ld) {
  return ld >= 64 * EG_TREE_LANES ? EG_TREE_LANES : ld >= 64 ? ld / 64 : 1;
}

EG_FN void eg_tree_level(double *v, uint32_t n, uint32_t s) {
  if (n >= 2 * s) {
    EG_UNROLL
    for (uint32_t i = 0; i < s; i++) {
      v[i] = v[i] + v[i + s];
    }
  }
}

/* Sum of v[0..n) in the order of the tree, n a power of two <= EG_TREE_LANES. Destroys v. */
EG_FN double eg_tree_local(double *v, uint32_t n) {
  eg_tree_level(v, n, 4); /* written out: levels of constant size stay in registers */
  eg_tree_level(v, n, 2);
  eg_tree_level(v, n, 1);
  return v[0];
}

EG_FN double eg_deviation(double v, double mean) {
  return v == v ? v - mean : 0.0;
}

/* The pivot of a row of lanes of which `used` are: nearly always the first one. */
EG_FN double eg_pivot_of(const double *lanes, uint32_t used) {
  EG_ROLLED
  for (uint32_t l = 0; l < used; l++) {
    if (eg_is_pivot(lanes[l])) {
      return lanes[l];
    }
  }
  return 0.0;
}

/* Chain j of the sums of four powers; returns how many of its lanes are valid. */
EG_FN uint32_t eg_power_chains(const double *lanes, uint32_t used, uint32_t j, double pivot, double *S) {
  uint32_t count = 0;
  S[0] = S[1] = S[2] = S[3] = 0.0;
  for (uint32_t l = j; l < used; l += EG_CHAINS) {
    const double v = lanes[l], d = eg_deviation(v, pivot), d2 = d * d;
    S[0] = S[0] + d;
    S[1] = S[1] + d2;
    S[2] = eg_fma(d2, d, S[2]);
    S[3] = eg_fma(d2, d2, S[3]);
    count += v == v ? 1u : 0u;
  }
  return count;
}

EG_FN double eg_comoment_local(const double *a, const double *b, uint32_t n, double mean_a, double mean_b) {
  double t[EG_TREE_LANES];
  EG_UNROLL
  for (uint32_t i = 0; i < EG_TREE_LANES; i++) {
    t[i] = eg_deviation(a[i], mean_a) * eg_deviation(b[i], mean_b);
  }
  return eg_tree_local(t, n);
}

/* Chain j of the product of matrices; lanes from `used` on are masked. */
EG_FN double eg_product_chain(const double *a, const double *b, uint32_t used, uint32_t j, double mean_a, double mean_b) {
  double sum = 0.0;
  for (uint32_t l = j; l < used; l += EG_CHAINS) {
    sum = sum + eg_deviation(a[l], mean_a) * eg_deviation(b[l], mean_b);
  }
  return sum;
}

/* The features f > g of a pair: f (f - 1) / 2 + g. */
EG_FN uint32_t eg_pair_first(uint32_t pair) {
  uint32_t f = 1;
  while (f * (f + 1) / 2 <= pair) {
    f++;
  }
  return f;
}

/* Where things lie: row = (tile, record, point) of this launch. */
EG_FN uint64_t eg_reduce_rows(const eg_tile_reduce *r) {
  return (uint64_t)r->tiles * r->n_records * r->n_points;
}

EG_FN uint32_t eg_reduce_record(const eg_tile_reduce *r, uint64_t row) {
  const uint32_t record = r->record_first + (uint32_t)(row / r->n_points % r->n_records);
  return r->places == 0 ? record : r->places[record];
}

EG_FN uint64_t eg_reduce_node_at(const eg_tile_reduce *r, uint64_t row) {
  const uint64_t tile = row / r->n_points / r->n_records;
  const uint64_t place = (uint64_t)eg_reduce_record(r, row) * r->n_points + row % r->n_points;
  return tile * r->node_stride + place * eg_node_values(r->n_features, r->with_covariance);
}

EG_FN const double *eg_reduce_lanes_at(const eg_tile_reduce *r, uint64_t row, uint32_t feature) {
  return r->records + (row * r->width + feature) * r->ld;
}

/* Realisations that the tile of this row holds. */
EG_FN uint32_t eg_reduce_used(const eg_tile_reduce *r, uint64_t row) {
  const uint64_t tile = row / r->n_points / r->n_records;
  const uint64_t before = tile * r->tile;
  const uint64_t rest = r->n_lanes > before ? r->n_lanes - before : 0;
  return (uint32_t)(rest < r->tile ? rest : r->tile);
}

/* The lanes of thread j of n_threads, NaN where there is none; returns how many are valid. */
EG_FN uint32_t eg_reduce_load(const double *lanes, uint32_t used, uint32_t j, uint32_t n_threads, uint32_t n,
                              double *v) {
  uint32_t count = 0;
  EG_UNROLL
  for (uint32_t i = 0; i < EG_TREE_LANES; i++) {
    const uint32_t l = j + i * n_threads;
    v[i] = eg_double_of_bits(0x7ff8000000000000ull);
    if (i < n && l < used) {
      v[i] = lanes[l];
    }
    count += v[i] == v[i] ? 1u : 0u;
  }
  return count;
}

#endif
