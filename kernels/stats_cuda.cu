/*
 * Tile statistics on the GPU; the definitions are in stats/moments.h and stats/histogram.h, the order of
 * additions in stats/moments_gpu.h. A block makes the moments of a feature of some rows (eg_reduce_moments), then one reduces a pair of
 * features (eg_reduce_comoments), or counts one histogram (eg_count_histograms) or two together (eg_count_pairs), of one row (tile, record,
 * point): blockIdx.x counts rows, blockIdx.y features, pairs or histograms. Paths are in stats/paths_gpu.h, what is fed between
 * observations in stats/streams_gpu.h, differences of groups in stats/differences_gpu.h. Atomics on integers only: no order to chance.
 */
#include "core/order_gpu.h"
#include "stats/differences_gpu.h"
#include "stats/histogram.h"
#include "stats/moments_gpu.h"
#include "stats/paths_gpu.h"

#define EG_REDUCE_MOST 1024

/* v of the first n threads, n a power of two, added as the tree does; a block has n threads, or 32. Every thread gets the
   sum. */
EG_FN double tree_block(double v, uint32_t n, double *shared) {
  const uint32_t j = threadIdx.x;
  __syncthreads(); /* the last readers are done */
  shared[j] = v;
  for (uint32_t s = n / 2; s >= 32; s /= 2) {
    __syncthreads();
    if (j < s) {
      shared[j] = shared[j] + shared[j + s];
    }
  }
  __syncthreads();
  if (j < 32) {
    double sum = shared[j];
    EG_UNROLL
    for (uint32_t s = 16; s > 0; s /= 2) {
      const double other = __shfl_down_sync(0xffffffffu, sum, s);
      sum = 2 * s <= n ? sum + other : sum; /* lanes below s hold the tree's values */
    }
    if (j == 0) {
      shared[0] = sum;
    }
  }
  __syncthreads();
  return shared[0];
}

/* Eight threads a row, one for each chain. */
extern "C" __global__ void __launch_bounds__(EG_CHAINS * EG_MOMENT_ROWS)
    eg_reduce_moments(const __grid_constant__ eg_tile_reduce r) {
  const uint64_t wanted = (uint64_t)blockIdx.x * EG_MOMENT_ROWS + threadIdx.x / EG_CHAINS, last = eg_reduce_rows(&r) - 1;
  const uint64_t row = wanted < last ? wanted : last; /* whole warps shuffle */
  const uint32_t f = blockIdx.y, j = threadIdx.x % EG_CHAINS;
  const int is_made = wanted <= last && eg_reduce_record(&r, row) != EG_NO_PLACE;
  const uint32_t used = is_made ? eg_reduce_used(&r, row) : 0;
  const double *const lanes = eg_reduce_lanes_at(&r, row, f);
  const double pivot = eg_pivot_of(lanes, used);
  double S[4], moments[4];
  uint32_t n = eg_power_chains(lanes, used, j, pivot, S);
  EG_UNROLL
  for (uint32_t s = EG_CHAINS / 2; s > 0; s /= 2) { /* the tree's values in the threads below s */
    n += __shfl_down_sync(0xffffffffu, n, s, EG_CHAINS);
    EG_UNROLL
    for (int k = 0; k < 4; k++) {
      S[k] = S[k] + __shfl_down_sync(0xffffffffu, S[k], s, EG_CHAINS);
    }
  }
  if (j == 0 && is_made) {
    double *const node = r.nodes + eg_reduce_node_at(&r, row);
    eg_central_moments((double)n, pivot, S, moments);
    if (f == 0) {
      node[0] = (double)n;
    }
    EG_UNROLL
    for (int k = 0; k < 4; k++) {
      node[1 + 4 * f + k] = moments[k];
    }
  }
}

/* After eg_reduce_moments of the same rows: the means are read from the node. */
extern "C" __global__ void __launch_bounds__(EG_REDUCE_MOST)
    eg_reduce_comoments(const __grid_constant__ eg_tile_reduce r) {
  __shared__ double shared[EG_REDUCE_MOST];
  const uint64_t row = blockIdx.x;
  const uint32_t pair = blockIdx.z * EG_PAIRS_Y + blockIdx.y;
  const uint32_t n = eg_tree_lanes(r.ld), threads = r.ld / n, used = eg_reduce_used(&r, row);
  const uint32_t f = eg_pair_first(pair), g = pair - f * (f - 1) / 2;
  if (pair >= r.n_features * (r.n_features - 1) / 2 || eg_reduce_record(&r, row) == EG_NO_PLACE) {
    return;
  }
  double *const node = r.nodes + eg_reduce_node_at(&r, row);
  double a[EG_TREE_LANES], b[EG_TREE_LANES];
  eg_reduce_load(eg_reduce_lanes_at(&r, row, f), used, threadIdx.x, threads, n, a);
  eg_reduce_load(eg_reduce_lanes_at(&r, row, g), used, threadIdx.x, threads, n, b);
  const double sum = tree_block(eg_comoment_local(a, b, n, node[1 + 4 * f], node[1 + 4 * g]), threads, shared);
  if (threadIdx.x == 0) {
    node[1 + 4 * r.n_features + pair] = sum;
  }
}

/* The same as a product of matrices: eight threads a pair, one for each chain; blockIdx.y counts the EG_PRODUCT_PAIRS of a block. */
extern "C" __global__ void __launch_bounds__(EG_CHAINS * EG_PRODUCT_PAIRS)
    eg_reduce_products(const __grid_constant__ eg_tile_reduce r) {
  const uint64_t row = blockIdx.x;
  const uint32_t n_pairs = r.n_features * (r.n_features - 1) / 2, j = threadIdx.x % EG_CHAINS;
  const uint32_t wanted = blockIdx.y * EG_PRODUCT_PAIRS + threadIdx.x / EG_CHAINS;
  const uint32_t pair = wanted < n_pairs ? wanted : n_pairs - 1; /* whole warps shuffle */
  const uint32_t f = eg_pair_first(pair), g = pair - f * (f - 1) / 2;
  if (eg_reduce_record(&r, row) == EG_NO_PLACE) {
    return;
  }
  double *const node = r.nodes + eg_reduce_node_at(&r, row);
  double sum = eg_product_chain(eg_reduce_lanes_at(&r, row, f), eg_reduce_lanes_at(&r, row, g), eg_reduce_used(&r, row), j,
                                node[1 + 4 * f], node[1 + 4 * g]);
  EG_UNROLL
  for (uint32_t s = EG_CHAINS / 2; s > 0; s /= 2) {
    sum = sum + __shfl_down_sync(0xffffffffu, sum, s, EG_CHAINS); /* the tree's values in the lanes below s */
  }
  if (j == 0 && wanted < n_pairs) {
    node[1 + 4 * r.n_features + pair] = sum;
  }
}

/* Counts of a block in shared memory first: the row's counts are shared with the other tiles of the launch. */
extern "C" __global__ void __launch_bounds__(EG_REDUCE_MOST)
    eg_count_histograms(const __grid_constant__ eg_count r) {
  __shared__ uint32_t shared[EG_MAX_BINS + 2];
  const uint64_t row = blockIdx.x;
  const eg_histogram h = r.histograms[blockIdx.y];
  const uint32_t n = h.bins + 2, used = eg_count_used(&r, row);
  if (!eg_count_is_wanted(&r, row)) {
    return;
  }
  for (uint32_t i = threadIdx.x; i < n; i += blockDim.x) {
    shared[i] = 0;
  }
  __syncthreads();
  const double *const v = eg_count_lanes_at(&r, row, h.column);
  for (uint32_t l = threadIdx.x; l < used; l += blockDim.x) {
    const uint32_t place = eg_histogram_place(&h, r.edges, v[l]);
    if (place < n) {
      atomicAdd(&shared[place], 1u);
    }
  }
  __syncthreads();
  uint64_t *const counts = eg_count_counts_at(&r, row, &h);
  for (uint32_t i = threadIdx.x; i < n; i += blockDim.x) {
    if (shared[i] > 0) {
      atomicAdd((unsigned long long *)&counts[i], (unsigned long long)shared[i]);
    }
  }
}

/* Up to 2^18 counts a pair, more than a block's shared memory holds. */
extern "C" __global__ void __launch_bounds__(EG_REDUCE_MOST)
    eg_count_pairs(const __grid_constant__ eg_count r, const eg_histogram_pair *pairs) {
  const uint64_t row = blockIdx.x;
  const uint32_t used = eg_count_used(&r, row);
  if (!eg_count_is_wanted(&r, row)) {
    return;
  }
  for (uint32_t l = threadIdx.x; l < used; l += blockDim.x) {
    uint64_t *const count = eg_count_pair_at(&r, &pairs[blockIdx.y], row, l);
    if (count != 0) {
      atomicAdd((unsigned long long *)count, 1ull);
    }
  }
}

extern "C" __global__ void __launch_bounds__(EG_REDUCE_MOST)
    eg_track_records(const __grid_constant__ eg_tile_tracks r) {
  const uint64_t row = blockIdx.x;
  const double *const from = eg_track_from(&r, row, blockIdx.y);
  double *const to = eg_track_to(&r, row, blockIdx.y);
  if (to == 0) {
    return;
  }
  for (uint32_t l = threadIdx.x; l < eg_track_used(&r, row); l += blockDim.x) {
    to[l] = from[l];
  }
}

/* blockIdx.x counts tiles, blockIdx.y blocks of their lanes. */
extern "C" __global__ void __launch_bounds__(EG_REDUCE_MOST)
    eg_make_path_values(const __grid_constant__ eg_tile_paths r) {
  const uint32_t tile = blockIdx.x, l = blockIdx.y * blockDim.x + threadIdx.x;
  eg_path_values p;
  if (l >= eg_path_used(r.n_lanes, r.tile, tile) || !eg_path_tile_lane(&r, tile, l, &p)) {
    return;
  }
  EG_ROLLED
  for (uint32_t i = 0; i < r.statistic.n_counted; i++) {
    atomicAdd((unsigned long long *)&r.counts[eg_path_count_at(&r, i, p.values[(uint64_t)i * p.ld + l])], 1ull);
  }
}

/* blockIdx.x counts (tile, point), blockIdx.y blocks of their lanes. */
extern "C" __global__ void __launch_bounds__(EG_FEED_THREADS, 4) /* by trial: without the 4 ptxas spills on sm_100 */
    eg_feed_streams(const __grid_constant__ eg_tile_feed r) {
  const uint32_t tile = blockIdx.x / r.n_points, l = blockIdx.y * blockDim.x + threadIdx.x;
  if (l < eg_path_used(r.n_lanes, r.tile, tile)) {
    eg_stream_feed_lane(&r, tile, blockIdx.x % r.n_points, l);
  }
}

extern "C" __global__ void __launch_bounds__(EG_SUBTRACT_THREADS)
    eg_subtract_records(const __grid_constant__ eg_subtract r) {
  eg_subtract_value(&r, (uint64_t)blockIdx.x * EG_SUBTRACT_THREADS + threadIdx.x);
}

/* A block a group: moving slots from its front on, the others from its end. */
extern "C" __global__ void __launch_bounds__(EG_ORDER_THREADS)
    eg_order_lanes(const __grid_constant__ eg_order r) {
  __shared__ uint32_t of_warp[32]; /* moving slots of each warp */
  const uint32_t start = blockIdx.x * EG_ORDER_GROUP, n = eg_order_size(&r, blockIdx.x);
  const uint32_t warp = threadIdx.x / 32, below = (1u << threadIdx.x % 32) - 1;
  uint32_t front = 0, end = n;
  for (uint32_t first = 0; first < n; first += EG_ORDER_THREADS) {
    const uint32_t i = first + threadIdx.x, left = n - first, here = left < EG_ORDER_THREADS ? left : EG_ORDER_THREADS;
    const int moves = i < n && eg_order_moves(&r, start + i);
    const uint32_t votes = __ballot_sync(0xffffffffu, moves);
    uint32_t before = __popc(votes & below), all = 0;
    __syncthreads(); /* the last readers are done */
    if (threadIdx.x % 32 == 0) {
      of_warp[warp] = __popc(votes);
    }
    __syncthreads();
    for (uint32_t w = 0; w < 32; w++) {
      before += w < warp ? of_warp[w] : 0;
      all += of_warp[w];
    }
    if (i < n) {
      r.order[start + (moves ? front + before : end - 1 - (threadIdx.x - before))] = start + i;
    }
    front += all;
    end -= here - all;
  }
}
