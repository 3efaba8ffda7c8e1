/* The GPU's population driver compiled by cc: phases run thread after thread. With -DEG_DIM=n -DTWIN_SYMBOL=name. */
#define EG_THREAD_FORM
#include "population_twin.h"

#include "unit.h"

#include "core/population_gpu.h"

#define DEFINE_TWIN(stepper, normals, rows, stages)                                                          \
  static void launch_##stepper(const void *p, const eg_launch *a, const double *staged, uint32_t tile,       \
                               double *sums) {                                                               \
    eg_team team;                                                                                            \
    for (uint32_t i = 0; i < a->n_lanes; i++) {                                                              \
      eg_crowd_advance(eg_field_##stepper, stages, (const eg_params *)p, a, staged, tile, sums, &team, i);   \
    }                                                                                                        \
  }
EG_POPULATION_STEPPERS(DEFINE_TWIN)

#define ROW(stepper, normals, rows, stages) {#stepper, launch_##stepper},
const population_twin TWIN_SYMBOL[] = {EG_POPULATION_STEPPERS(ROW){NULL, NULL}};
