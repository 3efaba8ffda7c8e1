/* The GPU's population form compiled by cc: one function per stepper, one table per dimension. See population_twin.c. */
#ifndef EG_TESTS_POPULATION_TWIN_H
#define EG_TESTS_POPULATION_TWIN_H

#include "core/launch.h"

/* All realisations of a launch of tiles of `tile`, one after the other. */
typedef void (*population_launch_fn)(const void *params, const eg_launch *launch, const double *staged, uint32_t tile,
                                     double *sums);

typedef struct population_twin {
  const char *name; /* NULL ends the table */
  population_launch_fn launch;
} population_twin;

#endif
