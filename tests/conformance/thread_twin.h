/* The GPU's thread form compiled by cc: one function per stepper, one table per unit. See thread_twin.c. */
#ifndef EG_TESTS_THREAD_TWIN_H
#define EG_TESTS_THREAD_TWIN_H

#include "core/launch.h"

/* All threads of a launch, one after the other. n_threads = tiles * n_points * ld. */
typedef void (*twin_launch_fn)(const void *params, const eg_launch *launch, const double *staged,
                               uint64_t n_threads);

typedef struct twin_stepper {
  const char *name; /* NULL ends the table */
  int kind;
  twin_launch_fn launch;
} twin_stepper;

#endif
