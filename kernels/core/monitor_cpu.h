/*
 * Monitors of one trajectory, for drivers that make a trajectory's features one after the other (team form, population form).
 * They live where the launch keeps them between its parts: value and `before` of monitor i at [2 i ld] and [(2 i + 1) ld].
 */
#ifndef EG_CORE_MONITOR_CPU_H
#define EG_CORE_MONITOR_CPU_H

#include "core/monitor.h"

static inline double *monitors_of(const eg_launch *a, uint32_t point, uint32_t slot) {
  return a->monitor_state + (size_t)point * a->n_monitors * 2 * a->ld + slot;
}

/* The feature of monitor i is f at the start. */
static inline void begin_monitor(const eg_launch *a, double *monitors, uint32_t i, double f) {
  monitors[(size_t)(2 * i) * a->ld] = eg_monitor_start(a->monitors[i].operation, f);
  monitors[(size_t)(2 * i + 1) * a->ld] = f;
}

/* It is f behind a step that counts. */
static inline void step_monitor(const eg_launch *a, double *monitors, uint32_t i, uint64_t step, double f) {
  const eg_monitor *const m = &a->monitors[i];
  double *const value = monitors + (size_t)(2 * i) * a->ld;
  eg_monitor_step(m->operation, m->direction, m->level, (double)step, f, value, value + a->ld);
}

/* Is this column one of the monitors? */
static inline int is_monitor_column(eg_feature_code code) {
  return code.id >= EG_FEATURE_MONITOR;
}

static inline double monitor_column(const eg_launch *a, const double *monitors, eg_feature_code code, uint64_t step) {
  double values[EG_MOST_MONITORS];
  for (uint32_t i = 0; i < EG_MOST_MONITORS; i++) {
    values[i] = i < a->n_monitors ? monitors[(size_t)(2 * i) * a->ld] : EG_NOT_CROSSED;
  }
  if (code.id == EG_FEATURE_EXIT) {
    return eg_exit_first(values, 1, code.component);
  }
  if (code.id == EG_FEATURE_EXIT_TIME) {
    const double first = eg_exit_time(values, 1, code.component);
    return (first >= 0 ? first : (double)step) * a->h;
  }
  return eg_monitor_column(&a->monitors[code.component], code.id, step, a->h, values[code.component]);
}

#endif
