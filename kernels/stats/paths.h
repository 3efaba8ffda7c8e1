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
 * A trajectory that is lost by the last observation is NaN in all values of a statistic: it does not count.
 * The sums of a statistic stand behind the rows of the records in a tile's node: (point, eg_node_values), one statistic
 * behind the other.
 */
#ifndef EG_STATS_PATHS_H
#define EG_STATS_PATHS_H

#include "core/portable.h"

#define EG_PATH_NOWHERE 0xffffffffu
enum { EG_MOST_PATH_STATISTICS = 8, EG_MOST_PATH_VALUES = 512, EG_MOST_PATH_COVARIANCE = 64 };

typedef struct eg_path_term {
  uint32_t a, b, c, d; /* observations */
} eg_path_term;

typedef struct eg_path_statistic {
  const eg_path_term *terms;
  const uint32_t *first;   /* (n_values + 1): terms first[v] .. first[v + 1] - 1 make value v */
  const double *powers;    /* (n_values): q */
  uint32_t n_values;
  uint32_t column, width;  /* of the tracked ones */
  int32_t with_covariance;
} eg_path_statistic;

typedef struct eg_path_values {
  const double *tracks;    /* (n_records, n_points, n_tracked, ld) */
  double *values;          /* (n_values, ld) */
  uint32_t n_records, n_points, n_tracked, ld, point;
} eg_path_values;

#endif
