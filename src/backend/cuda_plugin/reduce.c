/* Moments of rows of lanes into the nodes of tiles: the order of additions is in stats/moments_gpu.h. */
#include <string.h>

#include "device.h"

eg_cuda_status eg_cuda_launch_reduce(eg_cuda_device *d, const eg_tile_reduce *what, eg_cuda_message message) {
  eg_tile_reduce r = *what;
  const unsigned rows = (unsigned)eg_reduce_rows(&r), blocks = (rows + EG_MOMENT_ROWS - 1) / EG_MOMENT_ROWS;
  const unsigned tree = r.ld / eg_tree_lanes(r.ld), threads = tree < 32 ? 32 : tree; /* whole warps */
  const unsigned pairs = r.with_covariance ? r.n_features * (r.n_features - 1) / 2 : 0;
  void *args[1];
  args[0] = &r;
  EG_CUDA_TRY(cudaLaunchKernel((const void *)d->reduce_moments, (dim3){blocks, r.n_features, 1},
                               (dim3){EG_CHAINS * EG_MOMENT_ROWS, 1, 1}, args, 0, d->statistics),
              "starting the statistics");
  if (pairs > 0 && r.with_covariance == EG_COVARIANCE_PRODUCT) {
    EG_CUDA_TRY(cudaLaunchKernel((const void *)d->reduce_products, (dim3){rows, (pairs + EG_PRODUCT_PAIRS - 1) / EG_PRODUCT_PAIRS, 1},
                                 (dim3){EG_CHAINS * EG_PRODUCT_PAIRS, 1, 1}, args, 0, d->statistics),
                "starting the statistics");
  } else if (pairs > 0) {
    EG_CUDA_TRY(cudaLaunchKernel((const void *)d->reduce_comoments, (dim3){rows, pairs < EG_PAIRS_Y ? pairs : EG_PAIRS_Y, (pairs + EG_PAIRS_Y - 1) / EG_PAIRS_Y},
                                 (dim3){threads, 1, 1}, args, 0, d->statistics),
                "starting the statistics");
  }
  return EG_CUDA_OK;
}

eg_cuda_status eg_cuda_reduce_records(eg_cuda_device *d, const eg_cuda_batch *batch, void *nodes, const eg_launch *a,
                                      size_t record_first, eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  eg_tile_reduce r;
  memset(&r, 0, sizeof r);
  r.records = a->records;
  r.nodes = (double *)nodes;
  r.tiles = (uint32_t)batch->tiles;
  r.n_records = a->n_records;
  r.n_points = a->n_points;
  r.n_features = (uint32_t)job->n_moment_columns;
  r.width = a->n_features;
  r.places = eg_cuda_places(d, 0);
  r.node_stride = job->node_values;
  r.ld = a->ld;
  r.n_lanes = a->n_lanes;
  r.record_first = (uint32_t)record_first;
  r.with_covariance = job->with_covariance;
  r.tile = a->tile;
  return eg_cuda_launch_reduce(d, &r, message);
}
