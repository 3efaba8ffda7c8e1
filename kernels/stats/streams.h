/*
 * Statistics of what one trajectory is at very many times, in constant memory: fed with a feature every `every` integrator steps
 * while the trajectory runs, nothing of which is stored. Sample k = 1 .. n is taken at step first + k every. Their values are a
 * row of a node like those of other path statistics (stats/paths.h).
 *
 *   average       of one series, the samples f (or f g), of two, f and g, or of three, f, g and f g: first the means; then of
 *                 every level l, pair by pair ((0, 0), (0, 1), .. (1, 1), ..), s_l^2 2^l / n, s_l^2 the covariance of the means of
 *                 consecutive blocks of 2^l samples: what blocks of that length say of the covariance of the means (batch means;
 *                 Flyvbjerg and Petersen, J. Chem. Phys. 91 (1989), 461). Levels have at least two complete blocks.
 *   products      f(t) f(t + lag), mean over the window, by multiple tau (Ramirez et al., J. Chem. Phys. 133 (2010), 154103,
 *                 m = 2): level l keeps the last `per_level` means of 2^l samples; lags j 2^l, j = p/2 .. p - 1, of level 0
 *                 0 .. p - 1. Its expectation is that of C(s) averaged over a triangle: sum_(|d| < b) (b - |d|) / b^2 C(lag + d),
 *                 b = 2^l. The last value is the mean of the samples.
 *   displacements |x(t + lag) - x(t)|^2, the same with every 2^l-th sample in place of means: no bias (a mean of positions
 *                 would lower the displacement at lag n b by (b^2 - 1) / (3 b) steps)
 *
 * Lags are at most n / 2 samples.
 *
 * State of one (statistic, point): for every EG_STREAM_LANES lanes in turn, so that they stay in the first-level cache, rows of
 * so many doubles (of ld, where that is less). average: (level; waiting (series), means (series), co-moments (pair)). Otherwise of each level: the ring
 * (per_level, width), what waits for its partner (width), the sums (one a lag); behind all levels the sum of the samples.
 * A masked trajectory feeds NaN, which stays. A trajectory with a value that is NaN, as where f g or a square overflows, is lost: it
 * does not count.
 */
#ifndef EG_STATS_STREAMS_H
#define EG_STATS_STREAMS_H

#include "core/portable.h"

enum { EG_STREAM_AVERAGE, EG_STREAM_PRODUCTS, EG_STREAM_DISPLACEMENTS };
enum { EG_MOST_STREAM_LEVELS = 48, EG_MOST_STREAM_VALUES = 64 /* of a level */ };
enum { EG_STREAM_LANES = 64, EG_MOST_STREAM_SERIES = 3 };
#define EG_STREAM_NO_COLUMN 0xffffffffu

typedef struct eg_stream {
  uint64_t first, every, n; /* integrator steps; samples */
  int32_t kind;
  uint32_t column, width;   /* of the fed ones */
  uint32_t column_2;        /* average: of g, or EG_STREAM_NO_COLUMN (one series) */
  uint32_t levels, per_level;
  uint32_t series;          /* of an average: 1 to 3; else 0 */
} eg_stream;

/* Pairs (a, b), a <= b, of the series of an average. */
EG_FN uint32_t eg_stream_series_pairs(const eg_stream *s) {
  return s->series * (s->series + 1) / 2;
}

/* The first lag of a level, over its spacing, and how many it has. */
EG_FN uint32_t eg_stream_first_lag(const eg_stream *s, uint32_t level) {
  return level > 0 ? s->per_level / 2 : s->kind == EG_STREAM_DISPLACEMENTS;
}
EG_FN uint32_t eg_stream_lags(const eg_stream *s, uint32_t level) {
  return s->per_level - eg_stream_first_lag(s, level);
}

/* Rows of the state of one point: of a level, and of all before `level`. */
EG_FN uint32_t eg_stream_level_rows(const eg_stream *s, uint32_t level) {
  return s->kind == EG_STREAM_AVERAGE ? 2 * s->series + eg_stream_series_pairs(s) : (s->per_level + 1) * s->width + eg_stream_lags(s, level);
}
EG_FN uint32_t eg_stream_rows_before(const eg_stream *s, uint32_t level) {
  return level == 0 ? 0 : eg_stream_level_rows(s, 0) + (level - 1) * eg_stream_level_rows(s, 1);
}
EG_FN uint32_t eg_stream_rows(const eg_stream *s) {
  return eg_stream_rows_before(s, s->levels) + (s->kind == EG_STREAM_AVERAGE ? 0 : 1);
}

/* Samples taken up to `step`, and the step of the next one; all ones where none follows. */
EG_FN uint64_t eg_stream_taken(const eg_stream *s, uint64_t step) {
  const uint64_t k = step > s->first ? (step - s->first) / s->every : 0;
  return k < s->n ? k : s->n;
}
EG_FN uint64_t eg_stream_next(const eg_stream *s, uint64_t step) {
  const uint64_t k = eg_stream_taken(s, step);
  return k < s->n ? s->first + (k + 1) * s->every : 0xffffffffffffffffull;
}

typedef struct eg_feed {
  const double *records;  /* (n_records, n_points, n_columns, ld): of the fed columns */
  const uint64_t *steps;  /* (n_records) */
  double *state;          /* (n_points, ld / lanes, eg_stream_rows, lanes) of the statistic in hand; 0 before the first sample */
  uint32_t n_records, n_points, n_columns, ld;
} eg_feed;

#endif
