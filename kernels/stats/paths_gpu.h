/*
 * Statistics of paths on a GPU: after every launch the tracked columns of its records are put with those of the batch (one block
 * a row and column), and at the end a thread makes all values of one lane, which the kernels of the moments then reduce.
 * Lanes that a tile does not use are never written, and nobody reads them.
 */
#ifndef EG_STATS_PATHS_GPU_H
#define EG_STATS_PATHS_GPU_H

#include "core/launch.h"
#include "stats/path_values.h"
#include "stats/streams_gpu.h"

/* The records of one launch, as in eg_tile_reduce. */
typedef struct eg_tile_tracks {
  const double *records;   /* (tiles, n_records, n_points, width, ld) */
  double *tracks;          /* (tiles, track_stride): of a tile (tracked records, n_points, n_tracked, ld) */
  const uint32_t *places;  /* (records of the job): place of a record among those that are tracked, or EG_NO_PLACE; NULL: all */
  const uint32_t *columns; /* (n_tracked): of a record */
  uint64_t track_stride;
  uint32_t n_records, n_points, width, n_tracked, ld;
  uint32_t n_lanes;        /* realisations of all tiles together */
  uint32_t record_first;
  uint32_t tile;           /* realisations of a tile, <= ld */
} eg_tile_tracks;

/* One row of values of one statistic, for tiles of a batch. */
typedef struct eg_tile_paths {
  eg_path_statistic statistic; /* its arrays lie on the device */
  eg_path_values first;        /* of the first tile */
  uint64_t *counts;            /* of the job */
  uint64_t track_stride;
  double *state;               /* of a streamed one, (tiles, state_stride): of a tile eg_feed's */
  uint64_t state_stride;
  const uint64_t *first_bad;   /* (tiles, n_points, ld) */
  uint32_t tiles, n_lanes, tile, reserved;
} eg_tile_paths;

EG_STATIC_ASSERT(sizeof(eg_tile_tracks) == 72, "layout differs between host and device");
EG_STATIC_ASSERT(sizeof(eg_tile_paths) == 168, "layout differs between host and device");

/* Realisations that a tile holds, of n_lanes in all. */
EG_FN uint32_t eg_path_used(uint32_t n_lanes, uint32_t of_tile, uint64_t tile) {
  const uint64_t before = tile * of_tile;
  const uint64_t rest = n_lanes > before ? n_lanes - before : 0;
  return (uint32_t)(rest < of_tile ? rest : of_tile);
}

/* row = (tile, record, point) of the launch, column: of the tracked ones. The lanes of the record, and where they go; 0: nowhere. */
EG_FN const double *eg_track_from(const eg_tile_tracks *r, uint64_t row, uint32_t column) {
  return r->records + (row * r->width + r->columns[column]) * r->ld;
}
EG_FN double *eg_track_to(const eg_tile_tracks *r, uint64_t row, uint32_t column) {
  const uint32_t record = r->record_first + (uint32_t)(row / r->n_points % r->n_records);
  const uint32_t place = r->places == 0 ? record : r->places[record];
  const uint64_t at = (((uint64_t)place * r->n_points + row % r->n_points) * r->n_tracked + column) * r->ld;
  return place == EG_NO_PLACE ? 0 : r->tracks + row / r->n_points / r->n_records * r->track_stride + at;
}
EG_FN uint32_t eg_track_used(const eg_tile_tracks *r, uint64_t row) {
  return eg_path_used(r->n_lanes, r->tile, row / r->n_points / r->n_records);
}

EG_FN double eg_path_lane_term(const eg_path_values *p, const eg_path_statistic *s, const eg_path_term *t, uint32_t l, double sum) {
  if (t->d == EG_PATH_NOWHERE) {
    return sum + eg_path_track(p, t->b, p->point, s->column)[l];
  }
  EG_ROLLED
  for (uint32_t k = s->column; k < s->column + s->width; k++) {
    const double b = eg_path_track(p, t->b, p->point, k)[l], d = eg_path_track(p, t->d, p->point, k)[l];
    if (t->a == EG_PATH_NOWHERE) {
      sum = eg_path_add_product(sum, b, d);
    } else {
      sum = eg_path_add_increments(sum, eg_path_track(p, t->a, p->point, k)[l], b, eg_path_track(p, t->c, p->point, k)[l], d);
    }
  }
  return sum;
}

EG_FN double eg_path_lane_increments(const eg_path_values *p, const eg_path_statistic *s, uint32_t i, uint32_t l) {
  double v = 0;
  EG_ROLLED
  for (uint32_t t = s->first[i]; t < s->first[i + 1]; t++) {
    v = eg_path_lane_term(p, s, &s->terms[t], l, v);
  }
  return v / (double)(s->first[i + 1] - s->first[i]);
}

EG_FN double eg_path_lane_joint(const eg_path_values *p, const eg_path_statistic *s, const eg_path_term *t, double q, uint32_t l) {
  const int has_f = t->a != EG_PATH_NOWHERE, has_g = t->c != EG_PATH_NOWHERE;
  const double f = has_f ? eg_path_track(p, t->a, t->b, s->column)[l] : 0.0;
  const double g = has_g ? eg_path_track(p, t->c, t->d, s->column_2)[l] : 0.0;
  double v = 0;
  if (has_f && has_g && q == 2) {
    return eg_path_add_product(v, f, g);
  }
  v = has_f ? v + f : v;
  return has_g ? v + g : v;
}

EG_FN double eg_path_lane_distance(const eg_path_values *p, const eg_path_statistic *s, const eg_path_term *t, uint32_t l) {
  double v = 0;
  EG_ROLLED
  for (uint32_t k = s->column; k < s->column + s->width; k++) {
    const double a = eg_path_track(p, t->a, t->b, k)[l], b = eg_path_track(p, t->c, t->d, k)[l];
    v = eg_path_add_increments(v, a, b, a, b);
  }
  return v;
}

EG_FN double eg_path_lane_value(const eg_path_values *p, const eg_path_statistic *s, uint32_t i, uint32_t l) {
  const eg_path_term *const t = s->terms + s->first[i];
  const double q = s->powers[i];
  double v;
  if (s->form == EG_PATH_LARGEST) {
    return eg_path_signed(eg_path_track(p, t->a, p->point, s->column)[l], q);
  }
  if (s->form == EG_PATH_WAVE) {
    return eg_path_wave(eg_path_track(p, t->a, p->point, s->column)[l], q, t->c == 1);
  }
  if (s->form == EG_PATH_JOINT) {
    return eg_path_lane_joint(p, s, t, q, l);
  }
  v = s->form == EG_PATH_DISTANCES ? eg_path_lane_distance(p, s, t, l) : eg_path_lane_increments(p, s, i, l);
  if (s->form == EG_PATH_DISTANCES && q == 0) {
    return eg_path_half_log(v);
  }
  return q == 2 ? v : q == 4 ? eg_path_fourth(v) : eg_path_raise(v, q);
}

/* Lost by the last observation, in the point in hand, or in any where all are together. */
EG_FN int eg_path_lane_is_lost(const eg_path_values *p, const eg_path_statistic *s, uint32_t l) {
  const int is_together = eg_path_rows(s, 2) == 1;
  const uint32_t end = is_together ? p->n_points : p->point + 1;
  int is_lost = 0;
  EG_ROLLED
  for (uint32_t point = is_together ? 0 : p->point; point < end; point++) {
    const double last = eg_path_track(p, s->last, point, s->column)[l];
    is_lost = is_lost || last != last;
  }
  return is_lost;
}

/* All values of one lane of observations. */
EG_FN int eg_path_lane_values(const eg_path_values *p, const eg_path_statistic *s, uint32_t l) {
  int is_lost = eg_path_lane_is_lost(p, s, l);
  const uint32_t n_made = is_lost ? 0 : s->n_values;
  EG_ROLLED
  for (uint32_t i = 0; i < n_made; i++) {
    const double v = eg_path_lane_value(p, s, i, l);
    p->values[(uint64_t)i * p->ld + l] = v;
    is_lost = is_lost || v != v;
  }
  return is_lost;
}

/* And of what was fed between them. */
EG_FN int eg_path_lane_streamed(const eg_tile_paths *r, uint32_t tile, uint32_t l, const eg_path_values *p) {
  const eg_stream s = *r->statistic.stream;
  const uint64_t lane = ((uint64_t)tile * p->n_points + p->point) * p->ld + l;
  const eg_stream_lane state = eg_stream_lane_of(&s, r->state + tile * r->state_stride, p->ld, p->point, l);
  return eg_stream_lane_values(&s, &state, p->ld, p->values + l) || r->first_bad[lane] != EG_NEVER;
}

/* A lane that is lost is NaN in all values; returns whether it counts. */
EG_FN int eg_path_mask_lost(const eg_path_values *p, const eg_path_statistic *s, uint32_t l, int is_lost) {
  const uint32_t n_lost = is_lost ? s->n_values : 0;
  EG_ROLLED
  for (uint32_t i = 0; i < n_lost; i++) {
    p->values[(uint64_t)i * p->ld + l] = eg_double_of_bits(0x7ff8000000000000ull);
  }
  return !is_lost;
}

/* Lane l of a tile, l < eg_path_used(..). Returns whether it counts. The values are in p->values then. */
EG_FN int eg_path_tile_lane(const eg_tile_paths *r, uint32_t tile, uint32_t l, eg_path_values *p) {
  *p = r->first;
  p->tracks += tile * r->track_stride;
  p->values += (uint64_t)tile * r->statistic.n_values * p->ld;
  const int is_lost =
      r->statistic.form == EG_PATH_STREAMED ? eg_path_lane_streamed(r, tile, l, p) : eg_path_lane_values(p, &r->statistic, l);
  return eg_path_mask_lost(p, &r->statistic, l, is_lost);
}

/* Where value i of a row is counted. */
EG_FN uint64_t eg_path_count_at(const eg_tile_paths *r, uint32_t i, double v) {
  const eg_path_statistic *const s = &r->statistic;
  return s->first_count + ((uint64_t)r->first.point * s->n_counted + i) * EG_PATH_PLACES + eg_path_place(v);
}

#endif
