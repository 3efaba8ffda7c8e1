/*
 * Launches with absorbing crossings: all blocks of the tile make a few steps, then the realisations that still move are
 * gathered into full blocks, so that the time follows their number. Lanes move, slots do not: states, monitors and first bad
 * steps lie in the buffers of the tile between gatherings, and records are made of blocks of slots, as ever. Noise is a
 * function of the realisation, so no bit depends on who shares a block with whom. Part of core/lane_cpu.h.
 */
#ifndef EG_CORE_GATHER_CPU_H
#define EG_CORE_GATHER_CPU_H

/* Steps between gatherings: at most what the noise buffer of one increment a step holds twice; fewer while many stop. */
enum { EG_GATHER_MOST = 128, EG_GATHER_FIRST = 32, EG_GATHER_LEAST = 8 };

/* Shuffles, whole paths and sums of increments are made for consecutive realisations: those stay in their blocks. So does all
   where records stand close together: a gathered block throws away the noise that it holds beyond each of them. */
static int is_listed(const eg_launch *a) {
  const int is_dense = a->step_last - a->step_first < (uint64_t)EG_GATHER_LEAST * a->n_records;
  return a->absorbing != 0 && a->sampling == 0 && a->hurst == 0 && a->noise_ratio <= 1 && !is_dense;
}

/* Rows of the tile at `slots` into the lanes of a block, and back the first n of them. */
#define GATHER_ROWS(to, from, n_rows, ld, slots)                                                             \
  for (size_t row = 0; row < (n_rows); row++) {                                                              \
    for (int l = 0; l < EG_LANES; l++) {                                                                     \
      (to)[row * EG_LANES + (size_t)l] = (from)[row * (ld) + (slots)[l]];                                    \
    }                                                                                                        \
  }
#define SCATTER_ROWS(to, from, n_rows, ld, slots, n)                                                         \
  for (size_t row = 0; row < (n_rows); row++) {                                                              \
    for (uint32_t l = 0; l < (n); l++) {                                                                     \
      (to)[row * (ld) + (slots)[l]] = (from)[row * EG_LANES + l];                                            \
    }                                                                                                        \
  }

static void gather_block(const eg_launch *a, const eg_block_state *b, int with_start, const uint32_t *slots) {
  const eg_real *const state = (const eg_real *)a->state;
  GATHER_ROWS(b->x, state, a->n_points * b->width, a->ld, slots)
  GATHER_ROWS(b->monitors, a->monitor_state, (size_t)a->n_points * a->n_monitors * 2, a->ld, slots)
  if (with_start) {
    GATHER_ROWS(b->start, b->absorbed->start, (size_t)a->n_points * EG_DIM, a->ld, slots)
  }
}

static void scatter_block(const eg_launch *a, const eg_block_state *b, const uint32_t *slots, uint32_t n) {
  eg_real *const state = (eg_real *)a->state;
  SCATTER_ROWS(state, b->x, a->n_points * b->width, a->ld, slots, n)
  SCATTER_ROWS(a->monitor_state, b->monitors, (size_t)a->n_points * a->n_monitors * 2, a->ld, slots, n)
}

/* Starts of the tile; states and monitors too, unless they go on. */
static void begin_tile(const eg_walk *tile, int with_start) {
  const eg_launch *const a = tile->a;
  eg_walk w = *tile;
  for (uint32_t slot = 0; slot < a->n_lanes && (with_start || !a->is_restart); slot += EG_LANES) {
    w.slot = slot;
    w.realisation = a->realisation_first + slot;
    load_block(a, w.block, with_start, w.realisation, slot);
    for (uint32_t row = 0; with_start && row < a->n_points * EG_DIM; row++) {
      memcpy(w.block.absorbed->start + (size_t)row * a->ld + slot, w.block.start + (size_t)row * EG_LANES, EG_LANES * sizeof(eg_real));
    }
    if (!a->is_restart) {
      load_monitors(&w);
      store_block(a, w.block, slot);
      store_monitors(&w);
    }
  }
}

/* Of n slots those of which a point moves; returns how many. */
static uint32_t keep_moving(const eg_launch *a, uint32_t *slots, uint32_t n) {
  uint32_t n_kept = 0;
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t slot = slots[i];
    int is_kept = 0;
    for (uint32_t point = 0; point < a->n_points && !is_kept; point++) {
      const double *const values = a->monitor_state + (size_t)point * a->n_monitors * 2 * a->ld + slot;
      int is_stopped = a->first_bad[(size_t)point * a->ld + slot] != EG_NEVER;
      for (uint32_t k = 0; k < a->n_monitors; k++) {
        is_stopped |= is_absorbing(a, k) && values[(size_t)k * 2 * a->ld] >= 0;
      }
      is_kept = !is_stopped;
    }
    slots[n_kept] = slot;
    n_kept += (uint32_t)is_kept;
  }
  return n_kept;
}

/* Steps from < .. <= to of at most EG_LANES realisations; free lanes repeat the last one. */
static void step_gathered(const eg_walk *tile, int with_start, const uint32_t *moving, uint32_t n, uint64_t from, uint64_t to) {
  const eg_launch *const a = tile->a;
  eg_launch part = *a;
  eg_walk w = *tile;
  eg_listed listed;
  uint32_t slots[EG_LANES];
  listed.first = a->realisation_first;
  for (uint32_t l = 0; l < EG_LANES; l++) {
    slots[l] = moving[l < n ? l : n - 1];
    listed.low[l] = (uint32_t)a->realisation_first + slots[l];
  }
  part.ld = EG_LANES;
  part.n_lanes = n;
  part.step_last = to; /* no noise is made beyond */
  part.first_bad = w.block.absorbed->gathered_bad;
  w.a = &part;
  w.slot = 0;
  w.realisation = a->realisation_first; /* its high word is theirs */
  gather_block(a, &w.block, with_start, slots);
  GATHER_ROWS(part.first_bad, a->first_bad, a->n_points, a->ld, slots)
  memset(w.block.ahead, 0, sizeof *w.block.ahead);
  w.t->listed = &listed;
  watch_steps(&w, from, to);
  w.t->listed = NULL;
  scatter_block(a, &w.block, slots, n);
  SCATTER_ROWS(a->first_bad, part.first_bad, a->n_points, a->ld, slots, n)
}

/* A record of the whole tile, or (r = n_records) its end. */
static void look_at_tile(const eg_walk *tile, int with_start, uint32_t r, uint64_t from, uint64_t to) {
  const eg_launch *const a = tile->a;
  eg_walk w = *tile;
  uint32_t slots[EG_LANES];
  for (uint32_t slot = 0; slot < a->n_lanes; slot += EG_LANES) {
    for (uint32_t l = 0; l < EG_LANES; l++) {
      slots[l] = slot + l;
    }
    w.slot = slot;
    w.realisation = a->realisation_first + slot;
    gather_block(a, &w.block, with_start, slots);
    look_at_block(&w, r, from, to);
    scatter_block(a, &w.block, slots, EG_LANES);
  }
}

static __attribute__((noinline)) void drive_listed(const eg_walk *tile) {
  const eg_launch *const a = tile->a;
  const int with_start = has_displacement(a);
  uint32_t *const moving = tile->block.absorbed->moving, n = a->n_lanes;
  uint64_t step = a->step_first, stride = EG_GATHER_FIRST;
  begin_tile(tile, with_start);
  for (uint32_t slot = 0; slot < n; slot++) {
    moving[slot] = slot;
  }
  n = keep_moving(a, moving, n);
  for (uint32_t r = 0; r <= a->n_records; r++) { /* the last round is the end of the launch */
    const uint64_t from = step, to = r < a->n_records ? a->record_steps[r] : a->step_last;
    if (r == a->n_records && to <= from) {
      break;
    }
    while (step < to && n > 0) {
      const uint64_t next = (step / stride + 1) * stride, end = next < to ? next : to;
      for (uint32_t i = 0; i < n; i += EG_LANES) {
        step_gathered(tile, with_start, moving + i, n - i < EG_LANES ? n - i : EG_LANES, step, end);
      }
      const uint32_t before = n;
      n = keep_moving(a, moving, n);
      const uint64_t n_stopped = before - n;
      if (n_stopped * 8 > before && stride > EG_GATHER_LEAST) {
        stride /= 2;
      } else if (n_stopped * 32 < before && stride < EG_GATHER_MOST) {
        stride *= 2;
      }
      step = end;
    }
    step = to > step ? to : step;
    look_at_tile(tile, with_start, r, from, step);
  }
}

#endif
