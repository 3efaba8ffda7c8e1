/* The kernel eg_order_lanes of stats_cuda.cu, played on the host. */
#ifndef EG_TESTS_ORDER_TWIN_H
#define EG_TESTS_ORDER_TWIN_H

#include "core/order_gpu.h"

static inline void order_lanes(const eg_order *r, uint32_t group) {
  const uint32_t start = group * EG_ORDER_GROUP, n = eg_order_size(r, group);
  uint32_t front = 0, end = n;
  for (uint32_t i = 0; i < n; i++) {
    r->order[start + (eg_order_moves(r, start + i) ? front++ : --end)] = start + i;
  }
}

#endif
