/*
 * Which slot a thread of a GPU has, where crossings absorb (core/monitor.h): between two launches the slots whose trajectories
 * move are put before those whose have stopped, within groups of EG_ORDER_GROUP of them, so that warps are full of one kind. A stopped
 * trajectory needs its thread too: it still writes records. Slots stay where they are, only threads go elsewhere: no bit
 * depends on the order.
 */
#ifndef EG_CORE_ORDER_GPU_H
#define EG_CORE_ORDER_GPU_H

#include "core/launch.h"

#define EG_ORDER_GROUP   8192u
#define EG_ORDER_THREADS 1024u

typedef struct eg_order {
  const double *monitors; /* (tiles, n_points, n_monitors, 2, ld): after a launch */
  uint32_t *order;        /* (n): the slot of a thread, counted through (tiles, n_points, ld) */
  uint32_t n, ld, n_monitors, absorbing;
} eg_order;

EG_STATIC_ASSERT(sizeof(eg_order) == 32, "layout differs between host and device");

EG_FN uint32_t eg_order_size(const eg_order *r, uint32_t group) {
  const uint32_t left = r->n - group * EG_ORDER_GROUP;
  return left < EG_ORDER_GROUP ? left : EG_ORDER_GROUP;
}

/* Has no absorbing crossing of this slot happened? */
EG_FN int eg_order_moves(const eg_order *r, uint32_t slot) {
  const double *const values = r->monitors + (uint64_t)(slot / r->ld) * r->n_monitors * 2 * r->ld + slot % r->ld;
  int moves = 1;
  for (uint32_t i = 0; i < r->n_monitors; i++) {
    moves = moves && !((r->absorbing >> i & 1) != 0 && values[(uint64_t)i * 2 * r->ld] >= 0);
  }
  return moves;
}

/* The slot of a thread of a launch. Without monitors, at the start and where nobody made an order it is the thread's own. */
EG_FN uint64_t eg_ordered_slot(const eg_launch *a, uint64_t thread) {
  const uint64_t n = (uint64_t)((a->n_lanes + a->ld - 1) / a->ld) * a->n_points * a->ld;
  return a->absorbing != 0 && a->is_restart && a->scratch != 0 && thread < n ? ((const uint32_t *)a->scratch)[thread] : thread;
}

#endif
