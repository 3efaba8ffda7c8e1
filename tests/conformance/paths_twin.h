/* The kernels of stats_cuda.cu for statistics of paths, played on the host as those of reduce_twin.h. */
#ifndef EG_TESTS_PATHS_TWIN_H
#define EG_TESTS_PATHS_TWIN_H

#include "stats/paths_gpu.h"

static inline void track_row(const eg_tile_tracks *r, uint64_t row, uint32_t column) {
  const double *const from = eg_track_from(r, row, column);
  double *const to = eg_track_to(r, row, column);
  for (uint32_t l = 0; to != NULL && l < eg_track_used(r, row); l++) {
    to[l] = from[l];
  }
}

static inline void make_path_values(const eg_tile_paths *r, uint32_t tile, uint32_t lanes) {
  for (uint32_t l = 0; l < lanes && l < eg_path_used(r->n_lanes, r->tile, tile); l++) {
    eg_path_values p;
    const int counts = eg_path_tile_lane(r, tile, l, &p);
    for (uint32_t i = 0; counts && i < r->statistic.n_counted; i++) {
      r->counts[eg_path_count_at(r, i, p.values[(size_t)i * p.ld + l])]++;
    }
  }
}

/* block: (tile, point) */
static inline void feed_streams(const eg_tile_feed *r, uint32_t block, uint32_t lanes) {
  const uint32_t tile = block / r->n_points;
  for (uint32_t l = 0; l < lanes && l < eg_path_used(r->n_lanes, r->tile, tile); l++) {
    eg_stream_feed_lane(r, tile, block % r->n_points, l);
  }
}

#endif
