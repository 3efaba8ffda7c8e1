/*
 * Monitors: what becomes of a feature f that is looked at after every integrator step k = 1, 2, .. (of length
 * h = learning_rate / substeps; for chains h is the learning rate). One text for every driver.
 *
 *   sum, mean         over the steps of the window first < k <= last
 *   minimum, maximum  since the start, the start itself included; NaN once f was NaN
 *   crossing          first step T with f(T - 1) < level <= f(T) (up), f(T - 1) > level >= f(T) (down), or either (any):
 *                     a trajectory that starts beyond the level has not crossed it
 *
 * State of one (monitor, trajectory): `value` (sum, extremum, or T and EG_NOT_CROSSED before) and, of a crossing, `before`:
 * f of the step before. Columns of a record at step k: the sum; the mean over the part of the window passed so far (0 before
 * it begins); the extremum; of a crossing 1 if T <= k else 0, and the stopped time min(T, k) h.
 *
 * Crossings that compete (labelled exits): 1 for the one that came first by step k, else 0; of two at the same step the one that
 * stands first. The stopped time of all of them is the smallest.
 *
 * Crossings that absorb: the first one stops the trajectory, at step S. State and monitors stay what they were behind step S,
 * so that every feature is one of the stopped process x(min(S, k)), sums are over steps up to S, and the stopped time of
 * another crossing ends there too: min(T, S, k) h. The mean is over the steps made.
 */
#ifndef EG_CORE_MONITOR_H
#define EG_CORE_MONITOR_H

#include "core/launch.h"

#define EG_NOT_CROSSED (-1.0)

/* `value` at the start, where the feature is f. (`before` is f.) */
EG_FN double eg_monitor_start(int32_t operation, double f) {
  return operation == EG_MONITOR_MINIMUM || operation == EG_MONITOR_MAXIMUM ? f
         : operation == EG_MONITOR_CROSSING                                 ? EG_NOT_CROSSED
                                                                            : 0.0;
}

/* Does this step count? */
EG_FN int eg_monitor_is_open(const eg_monitor *m, uint64_t step) {
  return (m->operation != EG_MONITOR_SUM && m->operation != EG_MONITOR_MEAN) || (step > m->first && step <= m->last);
}

EG_FN double eg_monitor_minimum(double value, double f) {
  return f < value ? f : (f == f ? value : f);
}

EG_FN double eg_monitor_maximum(double value, double f) {
  return f > value ? f : (f == f ? value : f);
}

EG_FN double eg_monitor_cross(int32_t direction, double level, double step, double value, double before, double f) {
  const double up = (direction & EG_DIRECTION_UP) != 0 && before < level && f >= level ? step : value;
  const double hit = (direction & EG_DIRECTION_DOWN) != 0 && before > level && f <= level ? step : up;
  return value >= 0 ? value : hit;
}

/* A step that counts. operation and direction are constants where it matters. */
EG_FN void eg_monitor_step(int32_t operation, int32_t direction, double level, double step, double f, double *value,
                           double *before) {
  if (operation == EG_MONITOR_MINIMUM) {
    *value = eg_monitor_minimum(*value, f);
  } else if (operation == EG_MONITOR_MAXIMUM) {
    *value = eg_monitor_maximum(*value, f);
  } else if (operation == EG_MONITOR_CROSSING) {
    *value = eg_monitor_cross(direction, level, step, *value, *before, f);
    *before = f;
  } else {
    *value = *value + f;
  }
}

/* Steps of the window up to `step`. */
EG_FN uint64_t eg_monitor_passed(const eg_monitor *m, uint64_t step) {
  return step <= m->first ? 0 : (step < m->last ? step : m->last) - m->first;
}

/* A column of the record at `step`; id: EG_FEATURE_MONITOR or EG_FEATURE_MONITOR_TIME. */
EG_FN double eg_monitor_column(const eg_monitor *m, int32_t id, uint64_t step, double h, double value) {
  if (m->operation == EG_MONITOR_MEAN) {
    const uint64_t n = eg_monitor_passed(m, step);
    return n > 0 ? value / (double)n : 0.0;
  }
  if (m->operation != EG_MONITOR_CROSSING) {
    return value;
  }
  const int is_crossed = value >= 0;
  return id == EG_FEATURE_MONITOR ? (is_crossed ? 1.0 : 0.0) : (is_crossed ? value : (double)step) * h;
}

/* values: of monitor i at values[i stride]. Does crossing number (component mod 256) come first? */
EG_FN double eg_exit_first(const double *values, uint32_t stride, int32_t component) {
  const int32_t own = component & 255, rivals = component >> 8;
  double mine = EG_NOT_CROSSED;
  int is_beaten = 0;
  EG_UNROLL
  for (int32_t k = 0; k < EG_MOST_MONITORS; k++) {
    mine = k == own ? values[(uint32_t)k * stride] : mine;
  }
  EG_UNROLL
  for (int32_t k = 0; k < EG_MOST_MONITORS; k++) {
    const double other = values[(uint32_t)k * stride];
    const int is_rival = ((rivals >> k) & 1) != 0 && k != own && other >= 0;
    is_beaten |= is_rival && (other < mine || (other == mine && k < own));
  }
  return mine >= 0 && !is_beaten ? 1.0 : 0.0;
}

/* When the first of them came, EG_NOT_CROSSED if none has. */
EG_FN double eg_exit_time(const double *values, uint32_t stride, int32_t component) {
  double first = EG_NOT_CROSSED;
  EG_UNROLL
  for (int32_t k = 0; k < EG_MOST_MONITORS; k++) {
    const double value = values[(uint32_t)k * stride];
    const int counts = ((component >> 8 >> k) & 1) != 0 && value >= 0 && (first < 0 || value < first);
    first = counts ? value : first;
  }
  return first;
}

/* Has an absorbing crossing happened? absorbing: bits of them. */
EG_FN int eg_is_stopped(const double *values, uint32_t stride, uint32_t absorbing) {
  return eg_exit_time(values, stride, (int32_t)(absorbing << 8)) >= 0;
}

/* The last step that was made, of those up to `step`. (Not where crossings are timed by a clock behind x.) */
EG_FN uint64_t eg_last_made(const double *values, uint32_t stride, uint32_t absorbing, uint64_t step) {
  const double stopped = absorbing != 0 ? eg_exit_time(values, stride, (int32_t)(absorbing << 8)) : EG_NOT_CROSSED;
  return stopped >= 0 ? (uint64_t)stopped : step;
}

#endif
