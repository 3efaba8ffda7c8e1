/*
 * Streamed statistics on a GPU: behind a launch that recorded samples, a thread feeds those of one lane to one statistic. Its values
 * are made with those of the other path statistics (stats/paths_gpu.h). The state is that of stats/streams.h, so the lanes of a
 * warp stand beside each other; what is fed on its way up the levels is in registers.
 * Lanes that a tile does not use are never fed, and nobody reads them.
 */
#ifndef EG_STATS_STREAMS_GPU_H
#define EG_STATS_STREAMS_GPU_H

#include "stats/stream_values.h"

#define EG_FEED_THREADS 256 /* of a block, at most */

/* The samples of one launch, for one statistic. */
typedef struct eg_tile_feed {
  eg_stream stream;
  const double *records;   /* (tiles, n_records, n_points, n_columns, ld): of the fed columns */
  const uint64_t *steps;   /* (n_records) */
  double *state;           /* (tiles, state_stride): of a tile eg_feed's */
  uint64_t state_stride;
  uint64_t step_first;     /* samples up to it have been taken */
  uint32_t n_records, n_points, n_columns, ld;
  uint32_t n_lanes;        /* realisations of all tiles together */
  uint32_t tile;           /* realisations of a tile, <= ld */
} eg_tile_feed;

EG_STATIC_ASSERT(sizeof(eg_tile_feed) == 120, "layout differs between host and device");

/* The state of one lane: row i is rows[i stride]. */
typedef struct eg_stream_lane {
  double *rows;
  uint32_t stride;
} eg_stream_lane;

EG_FN double *eg_stream_row(const eg_stream_lane *p, uint32_t row) {
  return p->rows + (uint64_t)row * p->stride;
}

EG_FN eg_stream_lane eg_stream_lane_of(const eg_stream *s, double *state, uint32_t ld, uint32_t point, uint32_t l) {
  const uint32_t step = eg_stream_step(ld);
  const uint64_t block = (uint64_t)point * (ld / step) + l / step;
  eg_stream_lane p;
  p.rows = state + block * eg_stream_rows(s) * step + l % step;
  p.stride = step;
  return p;
}

/* Sample number k of an average: v has the values of its series. Loops have constant ends, so that they are in registers. */
EG_FN void eg_stream_lane_average(const eg_stream *s, const eg_stream_lane *p, uint64_t k, double *v) {
  EG_ROLLED
  for (uint32_t level = 0; level < s->levels; level++, k /= 2) {
    const uint32_t waiting = eg_stream_rows_before(s, level), means = waiting + s->series;
    const double weight = 1 / (double)k;
    uint32_t pair = means + s->series;
    EG_UNROLL
    for (uint32_t a = 0; a < EG_MOST_STREAM_SERIES; a++) {
      EG_UNROLL
      for (uint32_t b = a; b < EG_MOST_STREAM_SERIES; b++) {
        if (b < s->series) {
          double *const sum = eg_stream_row(p, pair++);
          *sum = eg_stream_add_comoment(*sum, v[a], *eg_stream_row(p, means + a), v[b], *eg_stream_row(p, means + b), weight);
        }
      }
    }
    EG_UNROLL
    for (uint32_t a = 0; a < EG_MOST_STREAM_SERIES; a++) {
      if (a < s->series) {
        double *const mean = eg_stream_row(p, means + a), *const other = eg_stream_row(p, waiting + a);
        *mean = eg_stream_moved(*mean, v[a], weight);
        if (k % 2 == 1) {
          *other = v[a];
        } else {
          v[a] = eg_stream_halve(*other, v[a]);
        }
      }
    }
    if (k % 2 == 1) {
      return;
    }
  }
}

/* Mean number k of a level of products, into the ring and the sums of its lags. */
EG_FN void eg_stream_lane_products(const eg_stream *s, const eg_stream_lane *p, uint32_t level, uint64_t k, double v) {
  const uint32_t size = s->per_level, ring = eg_stream_rows_before(s, level), sums = eg_stream_sums_row(s, level);
  const uint32_t at = (uint32_t)((k - 1) % size), first = eg_stream_first_lag(s, level);
  const uint32_t end = k < size ? (uint32_t)k : size; /* of the lags that have begun */
  *eg_stream_row(p, ring + at) = v;
  EG_ROLLED
  for (uint32_t j = first; j < end; j++) {
    const uint32_t before = at >= j ? at - j : at + size - j;
    double *const sum = eg_stream_row(p, sums + j - first);
    *sum = eg_stream_add_product(*sum, v, *eg_stream_row(p, ring + before));
  }
}

EG_FN void eg_stream_lane_correlate(const eg_stream *s, const eg_stream_lane *p, uint64_t k, double v) {
  double *const sum = eg_stream_row(p, eg_stream_rows_before(s, s->levels));
  *sum = *sum + v;
  EG_ROLLED
  for (uint32_t level = 0; level < s->levels; level++, k /= 2) {
    double *const waiting = eg_stream_row(p, eg_stream_waiting_row(s, level));
    eg_stream_lane_products(s, p, level, k, v);
    if (k % 2 == 1) {
      *waiting = v;
      return;
    }
    v = eg_stream_halve(*waiting, v);
  }
}

/* Sample number k of displacements: x[c ld] are its components. */
EG_FN void eg_stream_lane_displace(const eg_stream *s, const eg_stream_lane *p, uint64_t k, const double *x, uint32_t ld) {
  const uint32_t size = s->per_level;
  EG_ROLLED
  for (uint32_t level = 0; level < s->levels; level++, k /= 2) {
    const uint32_t ring = eg_stream_rows_before(s, level), sums = eg_stream_sums_row(s, level);
    const uint32_t at = (uint32_t)((k - 1) % size), first = eg_stream_first_lag(s, level);
    const uint32_t end = k < size ? (uint32_t)k : size;
    EG_ROLLED
    for (uint32_t c = 0; c < s->width; c++) {
      *eg_stream_row(p, ring + at * s->width + c) = x[(uint64_t)c * ld];
    }
    EG_ROLLED
    for (uint32_t j = first; j < end; j++) {
      const uint32_t before = ring + (at >= j ? at - j : at + size - j) * s->width;
      double sum = *eg_stream_row(p, sums + j - first);
      EG_ROLLED
      for (uint32_t c = 0; c < s->width; c++) {
        sum = eg_stream_add_square(sum, x[(uint64_t)c * ld], *eg_stream_row(p, before + c));
      }
      *eg_stream_row(p, sums + j - first) = sum;
    }
    if (k % 2 == 1) {
      return;
    }
  }
}

/* Those records of a launch that are samples of this statistic; l < eg_path_used(..). */
EG_FN void eg_stream_feed_lane(const eg_tile_feed *r, uint32_t tile, uint32_t point, uint32_t l) {
  const eg_stream *const s = &r->stream;
  const eg_stream_lane p = eg_stream_lane_of(s, r->state + tile * r->state_stride, r->ld, point, l);
  uint64_t k = eg_stream_taken(s, r->step_first), next = eg_stream_next(s, r->step_first);
  EG_ROLLED
  for (uint32_t record = 0; record < r->n_records; record++) {
    const double *const v = r->records + (((uint64_t)tile * r->n_records + record) * r->n_points + point) * r->n_columns * r->ld + l;
    const double *const f = v + (uint64_t)s->column * r->ld;
    if (r->steps[record] != next) {
      continue;
    }
    k++;
    next = k < s->n ? next + s->every : 0xffffffffffffffffull;
    if (s->kind == EG_STREAM_DISPLACEMENTS) {
      eg_stream_lane_displace(s, &p, k, f, r->ld);
    } else if (s->kind == EG_STREAM_PRODUCTS) {
      eg_stream_lane_correlate(s, &p, k, *f);
    } else {
      const double g = s->column_2 == EG_STREAM_NO_COLUMN ? 1 : v[(uint64_t)s->column_2 * r->ld];
      double series[EG_MOST_STREAM_SERIES];
      series[0] = s->series == 1 && s->column_2 != EG_STREAM_NO_COLUMN ? *f * g : *f;
      series[1] = g;
      series[2] = *f * g;
      eg_stream_lane_average(s, &p, k, series);
    }
  }
}

/* All values of one lane, ld apart: whether one of them is NaN. */
EG_FN int eg_stream_lane_values(const eg_stream *s, const eg_stream_lane *p, uint32_t ld, double *values) {
  uint64_t i = 0; /* the value */
  int is_lost = 0;
  double v = 0;
  if (s->kind == EG_STREAM_AVERAGE) {
    EG_ROLLED
    for (uint32_t a = 0; a < s->series; a++, i++) {
      values[i * ld] = v = *eg_stream_row(p, s->series + a);
      is_lost = is_lost || v != v;
    }
    EG_ROLLED
    for (uint32_t level = 0; level < s->levels; level++) {
      const uint32_t pairs = eg_stream_rows_before(s, level) + 2 * s->series;
      EG_ROLLED
      for (uint32_t pair = 0; pair < eg_stream_series_pairs(s); pair++, i++) {
        values[i * ld] = v = *eg_stream_row(p, pairs + pair) * eg_stream_block_scale(s, level);
        is_lost = is_lost || v != v;
      }
    }
    return is_lost;
  }
  EG_ROLLED
  for (uint32_t level = 0; level < s->levels; level++) {
    const uint32_t sums = eg_stream_sums_row(s, level), first = eg_stream_first_lag(s, level);
    EG_ROLLED
    for (uint32_t j = first; eg_stream_has_lag(s, level, j); j++, i++) {
      v = *eg_stream_row(p, sums + j - first) / eg_stream_pairs(s, level, j);
      values[i * ld] = v;
      is_lost = is_lost || v != v;
    }
  }
  if (s->kind == EG_STREAM_PRODUCTS) {
    v = *eg_stream_row(p, eg_stream_rows_before(s, s->levels)) / (double)s->n;
    values[i * ld] = v;
    is_lost = is_lost || v != v;
  }
  return is_lost;
}

#endif
