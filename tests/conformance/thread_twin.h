/* The GPU's source compiled by cc: one function per stepper, one table per unit. See thread_twin.c (lane form),
   team_twin.c and population_twin.c. */
#ifndef EG_TESTS_THREAD_TWIN_H
#define EG_TESTS_THREAD_TWIN_H

#include "core/launch.h"

/* All threads of a launch, one after the other: as many as the GPU would have. Buffers are laid out as there. */
typedef void (*twin_launch_fn)(const void *params, const eg_launch *launch, const double *staged,
                               uint64_t n_threads);

typedef struct twin_stepper {
  const char *name; /* NULL ends the table */
  int kind;
  twin_launch_fn launch;
  int extra; /* values behind x: of chains */
} twin_stepper;

#endif
