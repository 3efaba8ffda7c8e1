/*
 * Histograms of columns of a record over the realisations of tiles. The definition, for every backend:
 *
 *   edges     e_0 < e_1 < .. < e_bins, doubles made by the host and stored in the result
 *   place(v)  0 for v < e_0;  1 + k for e_k <= v < e_(k+1);  bins + 1 for v >= e_bins;  NaN (masked) is not counted
 *   counts    of one (record, point): bins + 2 for each histogram in turn; a tile's: (record, point) row-major
 *
 *   pairs     of two histograms: counts of both places together, (place of the first, place of the second) row-major, behind
 *             those of the histograms
 *
 * The comparison with the edges decides, so a place does not depend on how it was guessed. The guess is one line in v or
 * in log v (eg_log); the host refuses grids whose bins are so narrow that rounding could move it by more than one bin.
 * Counts are integers: any order of additions gives the same.
 */
#ifndef EG_STATS_HISTOGRAM_H
#define EG_STATS_HISTOGRAM_H

#include "core/eg_math.h"
#include "stats/moments.h"

#define EG_MAX_BINS 4096 /* a histogram fits the shared memory of a GPU block */

typedef struct eg_histogram {
  double origin, scale; /* guess of the bin: (v - origin) scale, or (log v - origin) scale */
  uint32_t column;      /* of a record */
  uint32_t bins;
  uint32_t edge;        /* place of e_0 among the edges of all histograms */
  uint32_t count;       /* place of its first count among those of a (record, point) */
  int32_t is_log;
  uint32_t reserved;
} eg_histogram;

typedef struct eg_count {
  const double *records; /* (tiles, n_records, n_points, n_features, ld); NaN: masked */
  const eg_histogram *histograms;
  const double *edges;
  uint64_t *counts;      /* (counted records, n_points, row_counts): added to */
  const uint32_t *places; /* (all_records): place of a record among those that are counted, or EG_NO_PLACE; NULL: all are */
  uint32_t tiles, n_records, n_points, n_features, ld;
  uint32_t n_lanes;      /* realisations of all tiles together */
  uint32_t record_first; /* of records, among all_records */
  uint32_t n_histograms, row_counts;
  uint32_t tile;         /* realisations of a tile, <= ld */
} eg_count;

/* Two histograms counted together. */
typedef struct eg_histogram_pair {
  uint32_t first, second; /* of the histograms */
  uint32_t count;         /* place of its first count among those of a (record, point) */
} eg_histogram_pair;

EG_STATIC_ASSERT(sizeof(eg_histogram) == 40, "layout differs between host and device");
EG_STATIC_ASSERT(sizeof(eg_count) == 80, "layout differs between host and device");

/* From a guess t of the bin (any value, NaN too) to the place of v; bins + 2 for NaN. edges: of this histogram. */
EG_FN uint32_t eg_histogram_settle(const double *edges, uint32_t bins, double v, double t) {
  const double last = (double)(int32_t)(bins - 1);
  const double low = t > 0.0 ? t : 0.0;
  const int32_t k = (int32_t)(low < last ? low : last);
  const int32_t below = v < edges[k] ? 1 : 0, above = v >= edges[k + 1] ? 1 : 0;
  return v == v ? (uint32_t)(k + 1 - below + above) : bins + 2;
}

EG_FN uint32_t eg_histogram_place(const eg_histogram *h, const double *edges, double v) {
  const double u = h->is_log ? eg_log(v) : v;
  return eg_histogram_settle(edges + h->edge, h->bins, v, (u - h->origin) * h->scale);
}

/* Where things lie: row = (tile, record, point) of this launch. */
EG_FN const double *eg_count_lanes_at(const eg_count *r, uint64_t row, uint32_t column) {
  return r->records + (row * r->n_features + column) * r->ld;
}

/* Place of the record of a row among those that are counted. */
EG_FN uint32_t eg_count_record(const eg_count *r, uint64_t row) {
  const uint32_t record = r->record_first + (uint32_t)(row / r->n_points % r->n_records);
  return r->places == 0 ? record : r->places[record];
}

EG_FN int eg_count_is_wanted(const eg_count *r, uint64_t row) {
  return eg_count_record(r, row) != EG_NO_PLACE;
}

EG_FN uint64_t *eg_count_counts_at(const eg_count *r, uint64_t row, const eg_histogram *h) {
  const uint64_t place = (uint64_t)eg_count_record(r, row) * r->n_points + row % r->n_points;
  return r->counts + place * r->row_counts + h->count;
}

/* Where lane l of a row is counted in the counts of a pair; NULL: it is masked. */
EG_FN uint64_t *eg_count_pair_at(const eg_count *r, const eg_histogram_pair *pair, uint64_t row, uint32_t l) {
  const eg_histogram *const f = &r->histograms[pair->first], *const g = &r->histograms[pair->second];
  const uint32_t a = eg_histogram_place(f, r->edges, eg_count_lanes_at(r, row, f->column)[l]);
  const uint32_t b = eg_histogram_place(g, r->edges, eg_count_lanes_at(r, row, g->column)[l]);
  uint64_t *const counts = eg_count_counts_at(r, row, f) - f->count + pair->count;
  return a < f->bins + 2 && b < g->bins + 2 ? counts + (uint64_t)a * (g->bins + 2) + b : 0;
}

/* Realisations that the tile of this row holds. */
EG_FN uint32_t eg_count_used(const eg_count *r, uint64_t row) {
  const uint64_t before = row / r->n_points / r->n_records * r->tile;
  const uint64_t rest = r->n_lanes > before ? r->n_lanes - before : 0;
  return (uint32_t)(rest < r->tile ? rest : r->tile);
}

#endif
