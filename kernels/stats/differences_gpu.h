/*
 * Differences of groups on the GPU: the records of a member become, in place, those of its difference to the base. Both were made by
 * launches with equal records, so that they lie equally in memory, those of all tiles of a batch; slots and columns that nobody asked
 * for hold anything, and their differences too. NaN where one of the two is masked.
 */
#ifndef EG_STATS_DIFFERENCES_GPU_H
#define EG_STATS_DIFFERENCES_GPU_H

#include "core/portable.h"

#define EG_SUBTRACT_THREADS 256u

typedef struct eg_subtract {
  double *values;
  const double *base;
  uint64_t n;
} eg_subtract;

EG_STATIC_ASSERT(sizeof(eg_subtract) == 24, "layout differs between host and device");

EG_FN void eg_subtract_value(const eg_subtract *r, uint64_t i) {
  if (i < r->n) {
    r->values[i] = r->values[i] - r->base[i];
  }
}

#endif
