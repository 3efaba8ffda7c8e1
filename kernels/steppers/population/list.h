/*
 * Every stepper of a population: STEPPER(name, normals, rows, stages); -1: fold_count increments or rows a step. A stage makes
 * a field from the averages, eg_field_<name>(p, u, d, stage, average, field); the driver moves the particles by it and
 * averages again.
 */
#ifndef EG_STEPPERS_POPULATION_LIST_H
#define EG_STEPPERS_POPULATION_LIST_H

#include "core/population.h"
#include "steppers/population/flow.h"
#include "steppers/population/sgd.h"
#include "steppers/population/modified_flow.h"

#if EG_CAPS & EG_CAP_ROWS
#define EG_POPULATION_STEPPERS(STEPPER)                                                                      \
  STEPPER(sgd_rows, 0, -1, 1)                                                                                \
  STEPPER(gradient_flow, 0, 0, 2)                                                                            \
  STEPPER(euler_pair, 0, 2, 1)                                                                               \
  STEPPER(strang_pair, 0, 2, 3)                                                                              \
  STEPPER(euler_data, -1, 0, 1)                                                                              \
  STEPPER(strang_data, -1, 0, 3)

#else
#define EG_POPULATION_STEPPERS(STEPPER)                                                                      \
  STEPPER(sgd_channels, EG_CHANNELS, 0, 1)                                                                   \
  STEPPER(gradient_flow, 0, 0, 2)                                                                            \
  STEPPER(euler_channels, EG_CHANNELS, 0, 1)                                                                 \
  STEPPER(strang_channels, EG_CHANNELS, 0, 3)
#endif

#endif
