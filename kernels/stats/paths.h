/*
 * Statistics of whole paths: numbers made of what one trajectory is at several observations, and their central sums over
 * trajectories (stats/moments.h). Every value is of one form. With increments D(a, b) = x(b) - x(a) between observations,
 *
 *   v = mean over the terms of the value of  D(a, b) . D(c, d)        (sum over `width` tracked columns)
 *
 * raised to the power q / 2 where q is not 2. A term with a = c = EG_PATH_NOWHERE has the state in place of the
 * increment; with d = EG_PATH_NOWHERE the value is x(b) of the first column itself.
 *   one term, (a, b) = (c, d)        squared displacement; q: |displacement|^q
 *   all windows of one length        time-averaged squared displacement of a trajectory
 *   two neighbouring observations    product of velocities
 *
 * Other forms have one term a value, whose numbers say (observation a, point b) and (observation c, point d):
 *   joint      q = 2: f(a, b) g(c, d), q = 1: f(a, b) + g(c, d), or either alone where the other's observation is
 *              EG_PATH_NOWHERE; f, g: one column each
 *   distance   |x(a, b) - x(c, d)|^q; for q = 0 its logarithm, where points that coincide are lost
 *   wave       cos(u f) (c = 0) or sin(u f) (c = 1) of f(a) of the point in hand; u, over pi, is the value's power
 *   largest    f(a) of the point in hand by its size, which the moments are of, and f, -f or |f| (q = 1, -1, 0), of which
 *              the largest are listed (stats/largest.h): a row is the moments of |f| and behind them the list
 *   streamed   fed between the observations: stats/streams.h
 * Joint values and distances are of all points together: one row, not one for each point.
 *
 * Observations are those that the statistics of paths of a run are made of, of all of them together. A trajectory that is
 * lost by the last one of a statistic (of any point, where all are together) is NaN in all values of a
 * statistic: it does not count. Of a wave it is lost too where |u f| >= 2^50 pi: a double has no phase there; of products of
 * increments where they overflow and infinities cancel.
 * The sums of a statistic stand behind the rows of the records in a tile's node: (point, eg_node_values), one statistic
 * behind the other.
 */
#ifndef EG_STATS_PATHS_H
#define EG_STATS_PATHS_H

#include "stats/moments.h"
#include "stats/streams.h"

#define EG_PATH_NOWHERE 0xffffffffu
enum { EG_MOST_PATH_STATISTICS = 8, EG_MOST_PATH_VALUES = 512, EG_MOST_PATH_TREE = 12, EG_MOST_PATH_COVARIANCE = 64, EG_MOST_PATH_PRODUCT = 256 };
enum { EG_PATH_INCREMENTS, EG_PATH_JOINT, EG_PATH_DISTANCES, EG_PATH_WAVE, EG_PATH_LARGEST, EG_PATH_STREAMED }; /* forms */

typedef struct eg_path_term {
  uint32_t a, b, c, d; /* observations */
} eg_path_term;

typedef struct eg_path_statistic {
  const eg_path_term *terms;
  const uint32_t *first;   /* (n_values + 1): terms first[v] .. first[v + 1] - 1 make value v */
  const double *powers;    /* (n_values): q */
  uint32_t n_values;
  uint32_t column, width;  /* of the tracked ones */
  uint32_t column_2;       /* of g */
  uint32_t n_largest;      /* pairs in the list; 0: none */
  uint32_t last;           /* the last observation: who is lost by then does not count */
  int32_t form;
  int32_t with_covariance; /* EG_COVARIANCE_* */
  uint32_t n_counted;      /* values that are counted in bins: none or all */
  uint64_t first_count;    /* of a job's: of (point, value, EG_PATH_PLACES) */
  const eg_stream *stream; /* of the form streamed, which has no terms */
} eg_path_statistic;

/* The bins that values >= 0 are counted in: 128 an octave, equally wide within it, from 2^-64 to 2^64; their relative width is at most
   2^-7. A place is 0 below, 1 + k for edge(k) <= v < edge(k + 1), EG_PATH_BINS + 1 above; v is not NaN. */
#define EG_PATH_OCTAVES 64
#define EG_PATH_BINS    (2 * EG_PATH_OCTAVES * 128)
#define EG_PATH_PLACES  (EG_PATH_BINS + 2)
EG_FN double eg_path_edge(uint32_t k) {
  return eg_double_of_bits(((uint64_t)(1023 - EG_PATH_OCTAVES) << 52) + ((uint64_t)k << 45));
}
EG_FN uint32_t eg_path_place(double v) {
  const uint64_t first = (uint64_t)(1023 - EG_PATH_OCTAVES) << 7, place = eg_bits64(v) >> 45; /* exponent and seven bits behind it */
  return v < eg_path_edge(0) ? 0 : v >= eg_path_edge(EG_PATH_BINS) ? EG_PATH_BINS + 1 : 1 + (uint32_t)(place - first);
}

/* Columns of a row that moments are kept of, and doubles of a row. */
EG_FN uint32_t eg_path_columns(const eg_path_statistic *s) {
  return s->form == EG_PATH_LARGEST ? 1 : s->n_values;
}
EG_FN uint32_t eg_path_row_values(const eg_path_statistic *s) {
  return eg_node_values(eg_path_columns(s), s->with_covariance) + 2 * s->n_largest;
}

/* Rows of a statistic in a node. */
EG_FN uint32_t eg_path_rows(const eg_path_statistic *s, uint32_t n_points) {
  return s->form == EG_PATH_JOINT || s->form == EG_PATH_DISTANCES ? 1 : n_points;
}

typedef struct eg_path_values {
  const double *tracks;    /* (observations, n_points, n_tracked, ld) */
  double *values;          /* (n_values, ld) */
  uint32_t n_points, n_tracked, ld, point;
} eg_path_values;

#endif
