/* The GPU's population driver compiled by cc: phases run thread after thread. With -DEG_DIM=n -DTWIN_SYMBOL=name. */
#define EG_THREAD_FORM
#include "thread_twin.h"

#include "unit.h"

#include "core/population_gpu.h"

#define DEFINE_TWIN(stepper, normals, rows, stages)                                                          \
  static void launch_##stepper(const void *p, const eg_launch *a, const double *staged, uint64_t n_threads) { \
    eg_team team;                                                                                            \
    for (uint32_t i = 0; i < n_threads / EG_POPULATION_THREADS; i++) {                                       \
      eg_crowd_advance(eg_field_##stepper, stages, (const eg_params *)p, a, staged, &team, i);               \
    }                                                                                                        \
  }
EG_POPULATION_STEPPERS(DEFINE_TWIN)

#define ROW(stepper, normals, rows, stages) {#stepper, EG_KIND_GAUSSIAN, launch_##stepper, 0},
const twin_stepper TWIN_SYMBOL[] = {EG_POPULATION_STEPPERS(ROW){NULL, 0, NULL, 0}};

/* As eg_unit_sizes of unit_cuda.cu. */
#define NAME_SIZES2(symbol) symbol##_sizes
#define NAME_SIZES(symbol)  NAME_SIZES2(symbol)
const uint32_t NAME_SIZES(TWIN_SYMBOL)[8] = {sizeof(eg_params), sizeof(eg_launch), sizeof(eg_staged),    sizeof(eg_real),
                                             EG_DIM,            EG_CAPS,           EG_TERMS, EG_POPULATION_THREADS};
