/*
 * The host twin of the GPU driver in team form: a unit around core/team_gpu.h for cc, one thread playing a warp.
 *   -DEG_TEAM -DEG_THREAD_FORM -DEG_MODEL_FILE=.. -DTWIN_SYMBOL=name
 * test_team_twin.c runs it against the CPU driver.
 */
#include "team_twin.h"

#include <stdlib.h>

#include "unit.h"

#include "core/team_gpu.h"

static void run(const eg_team_stepper *f, const void *params, const eg_launch *a, uint64_t n_warps) {
  eg_params own;
  const eg_uniforms uniforms = eg_uniforms_of(a);
  memcpy(&own, params, offsetof(eg_params, team));
  own.team.chunks = (a->dim + EG_TEAM_LANES - 1) / EG_TEAM_LANES;
  const size_t n = (size_t)eg_team_work_values((uint64_t)own.team.chunks * EG_TEAM_LANES);
  eg_real *const work = malloc(n * sizeof *work);
  if (work == NULL) {
    abort();
  }
  memset(work, 0xA5, n * sizeof *work); /* nothing may rely on zeros */
  own.team.scratch = work;
  for (uint64_t warp = 0; warp < n_warps; warp++) {
    eg_warp_advance(f, &own, &uniforms, a, warp);
  }
  free(work);
}

#define PLAIN(stepper, normals, n_rows)                                                                      \
  static void launch_##stepper(const void *p, const eg_launch *a, uint64_t n) {                              \
    const eg_team_stepper f = {.form = EG_TEAM_PLAIN, .rows = n_rows, .step = eg_step_##stepper};            \
    run(&f, p, a, n);                                                                                        \
  }
#define FOLD(stepper, source, n_acc)                                                                         \
  static void launch_##stepper(const void *p, const eg_launch *a, uint64_t n) {                              \
    const eg_team_stepper f = {.form = EG_TEAM_##source,                                                     \
                               .begin = eg_begin_##stepper,                                                  \
                               .add = eg_add_##stepper,                                                      \
                               .end = eg_end_##stepper};                                                     \
    run(&f, p, a, n);                                                                                        \
  }
EG_STEPPERS(PLAIN, FOLD)

#define ROW_PLAIN(stepper, normals, rows) {#stepper, launch_##stepper},
#define ROW_FOLD(stepper, source, n_acc)  {#stepper, launch_##stepper},
const team_twin_stepper TWIN_SYMBOL[] = {EG_STEPPERS(ROW_PLAIN, ROW_FOLD){NULL, NULL}};
