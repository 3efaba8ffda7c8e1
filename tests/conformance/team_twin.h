/* What team_twin.c offers for each model. */
#ifndef EG_TESTS_TEAM_TWIN_H
#define EG_TESTS_TEAM_TWIN_H

#include "core/launch.h"

typedef struct team_twin_stepper {
  const char *name;
  /* All buffers of the launch are host memory, laid out as on the GPU: tile after tile. */
  void (*launch)(const void *params, const eg_launch *a, uint64_t n_warps);
} team_twin_stepper;

extern const team_twin_stepper team_twin_linear_regression[], team_twin_logistic_regression[];

#endif
