/*
 * Trajectories of a block that an absorbing crossing has stopped. The lanes of a block are stepped together, so a stopped
 * one moves on: what it was when it stopped is put aside, and back at the end, which costs nothing while nothing stops.
 * Part of core/watch_cpu.h.
 */
#ifndef EG_CORE_STOPPED_CPU_H
#define EG_CORE_STOPPED_CPU_H

static int is_absorbing(const eg_launch *a, uint32_t monitor) {
  return (a->absorbing >> monitor & 1) != 0;
}

/* Has an absorbing crossing of a point the value `now` (the number of this step), or, where that is negative, any? */
static inline int has_crossed(const eg_walk *w, uint32_t point, double now) {
  uint64_t any = 0;
  for (uint32_t i = 0; i < w->a->n_monitors; i++) {
    const double *const value = monitor_values(w, point, i);
    if (!is_absorbing(w->a, i)) {
      continue;
    }
    if (now >= 0) {
      _Pragma("omp simd reduction(| : any)")
      for (int l = 0; l < EG_LANES; l++) {
        any |= value[l] == now ? 1u : 0u;
      }
    } else {
      _Pragma("omp simd reduction(| : any)")
      for (int l = 0; l < EG_LANES; l++) {
        any |= value[l] >= 0 ? 1u : 0u;
      }
    }
  }
  return any != 0;
}

/* Bits of the lanes of a point that have stopped by their monitors, but are not marked. */
static uint64_t find_new(const eg_walk *w, uint32_t point) {
  const uint64_t *const is_stopped = w->block.absorbed->is_stopped + (size_t)point * EG_LANES;
  uint64_t lanes = 0;
  for (uint32_t i = 0; i < w->a->n_monitors; i++) {
    const double *const value = monitor_values(w, point, i);
    for (int l = 0; is_absorbing(w->a, i) && l < EG_LANES; l++) {
      lanes |= (uint64_t)(value[l] >= 0 && is_stopped[l] == 0) << l;
    }
  }
  return lanes;
}

/* Lane l of a block of rows. */
#define COPY_LANE(to, from, n_rows, l)                                                                       \
  for (size_t row = 0; row < (n_rows); row++) {                                                              \
    (to)[row * EG_LANES + (size_t)(l)] = (from)[row * EG_LANES + (size_t)(l)];                               \
  }

static __attribute__((noinline)) void put_aside(const eg_walk *w, uint32_t point, uint64_t lanes) {
  const eg_launch *const a = w->a;
  const eg_absorbed *const s = w->block.absorbed;
  const size_t at = (size_t)point * w->block.width * EG_LANES, n_rows = (size_t)a->n_monitors * 2, first = (size_t)point * EG_LANES;
  const uint64_t *const first_bad = a->first_bad + (size_t)point * a->ld + w->slot;
  const double *const monitors = monitor_values(w, point, 0);
  double *const kept = s->monitors + first * n_rows;
  for (; lanes != 0; lanes &= lanes - 1) {
    const int l = __builtin_ctzll(lanes);
    s->is_stopped[first + (size_t)l] = ~0ull;
    s->first_bad[first + (size_t)l] = first_bad[l];
    COPY_LANE(s->x + at, w->block.x + at, w->block.width, l)
    COPY_LANE(kept, monitors, n_rows, l)
  }
}

/* Those that stop at this step; a clock does not tell which step it is. */
static inline void hold_new(const eg_walk *w, uint32_t point, uint64_t step) {
  if (has_crossed(w, point, w->a->is_clocked ? -1.0 : (double)step)) {
    put_aside(w, point, find_new(w, point));
  }
}

/* Those that stopped before; whole rows are copied, of which only their lanes count. */
static void hold_all(const eg_walk *w) {
  const eg_launch *const a = w->a;
  const eg_absorbed *const s = w->block.absorbed;
  memset(s->is_stopped, 0, (size_t)a->n_points * EG_LANES * sizeof(uint64_t));
  for (uint32_t point = 0; point < a->n_points; point++) {
    const size_t at = (size_t)point * w->block.width * EG_LANES, n_rows = (size_t)a->n_monitors * 2, first = (size_t)point * EG_LANES;
    if (!has_crossed(w, point, -1.0)) {
      continue;
    }
    for (uint32_t i = 0; i < a->n_monitors; i++) {
      const double *const value = monitor_values(w, point, i);
      uint64_t *const is_stopped = s->is_stopped + first;
      if (is_absorbing(a, i)) {
        LANES { is_stopped[l] |= value[l] >= 0 ? ~0ull : 0; }
      }
    }
    memcpy(s->x + at, w->block.x + at, w->block.width * EG_LANES * sizeof(eg_real));
    memcpy(s->monitors + first * n_rows, monitor_values(w, point, 0), n_rows * EG_LANES * sizeof(double));
    memcpy(s->first_bad + first, a->first_bad + (size_t)point * a->ld + w->slot, EG_LANES * sizeof(uint64_t));
  }
}

/* Rows of a block: those lanes that have stopped from what was put aside. */
#define SELECT_ROWS(to, from, n_rows, is_stopped)                                                            \
  for (size_t row = 0; row < (n_rows) * EG_LANES; row += EG_LANES) {                                         \
    LANES { (to)[row + (size_t)l] = (is_stopped)[l] != 0 ? (from)[row + (size_t)l] : (to)[row + (size_t)l]; } \
  }

static void put_back(const eg_walk *w) {
  const eg_launch *const a = w->a;
  const eg_absorbed *const s = w->block.absorbed;
  for (uint32_t point = 0; point < a->n_points; point++) {
    const size_t at = (size_t)point * w->block.width * EG_LANES, n_rows = (size_t)a->n_monitors * 2, first = (size_t)point * EG_LANES;
    const uint64_t *const is_stopped = s->is_stopped + first;
    uint64_t *const first_bad = a->first_bad + (size_t)point * a->ld + w->slot;
    double *const monitors = monitor_values(w, point, 0);
    eg_real *const x = w->block.x + at;
    const eg_real *const kept = s->x + at;
    const double *const kept_monitors = s->monitors + first * n_rows;
    const uint64_t *const kept_bad = s->first_bad + first;
    SELECT_ROWS(first_bad, kept_bad, 1, is_stopped)
    SELECT_ROWS(x, kept, w->block.width, is_stopped)
    SELECT_ROWS(monitors, kept_monitors, n_rows, is_stopped)
  }
}

/* Is there a trajectory in the block that has not stopped and is not masked? */
static int is_moving(const eg_walk *w) {
  const eg_launch *const a = w->a;
  const uint32_t left = a->n_lanes - w->slot, n = left < EG_LANES ? left : EG_LANES;
  int n_moving = 0;
  for (uint32_t point = 0; point < a->n_points; point++) {
    const uint64_t *const first_bad = a->first_bad + (size_t)point * a->ld + w->slot;
    for (uint32_t l = 0; l < n; l++) {
      n_moving += w->block.absorbed->is_stopped[(size_t)point * EG_LANES + l] == 0 && first_bad[l] == EG_NEVER;
    }
  }
  return n_moving > 0;
}

#endif
