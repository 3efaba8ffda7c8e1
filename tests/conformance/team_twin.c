/*
 * The host twin of the GPU driver in team form: a unit around core/team_gpu.h for cc, one thread playing a warp.
 *   -DEG_TEAM -DEG_THREAD_FORM -DEG_MODEL_FILE=.. -DTWIN_SYMBOL=name
 * test_team_twin.c runs it against the CPU driver.
 */
#define EG_TRACED 1
#include "thread_twin.h"

#include "unit.h"

#include "core/team_gpu.h"

static void run(const eg_team_stepper *f, const void *params, const eg_launch *a, uint64_t n_threads) {
  eg_params own;
  eg_uniforms uniforms = eg_uniforms_of(a);
  memcpy(&own, params, offsetof(eg_params, team));
  own.team.chunks = (a->dim + EG_TEAM_LANES - 1) / EG_TEAM_LANES;
  const uint64_t n = eg_team_piece_values(a, (uint64_t)own.team.chunks * EG_TEAM_LANES);
  for (uint64_t warp = 0; warp < n_threads / EG_TEAM_LANES; warp++) {
    own.team.scratch = (eg_real *)a->scratch + warp * n;
    eg_warp_advance(f, &own, &uniforms, a, warp);
  }
}

#define PLAIN(stepper, normals, n_rows) PLAIN_CHAIN(stepper, normals, n_rows, 0)
#define PLAIN_CHAIN(stepper, normals, n_rows, n_kept)                                                        \
  static void launch_##stepper(const void *p, const eg_launch *a, const double *staged, uint64_t n) {        \
    (void)staged;                                                                                            \
    const eg_team_stepper f = {.form = EG_TEAM_PLAIN, .rows = n_rows, .kept = n_kept, .step = eg_step_##stepper}; \
    run(&f, p, a, n);                                                                                        \
  }
#define FOLD(stepper, source, n_acc) CHAIN(stepper, source, n_acc, 0)
#define CHAIN(stepper, source, n_acc, n_kept)                                                                \
  static void launch_##stepper(const void *p, const eg_launch *a, const double *staged, uint64_t n) {        \
    (void)staged;                                                                                            \
    const eg_team_stepper f = {.form = EG_TEAM_##source,                                                     \
                               .kept = n_kept,                                                               \
                               .begin = eg_begin_##stepper,                                                  \
                               .add = eg_add_##stepper,                                                      \
                               .end = eg_end_##stepper};                                                     \
    run(&f, p, a, n);                                                                                        \
  }
EG_STEPPERS(PLAIN, FOLD)
EG_COMMON_CHAINS(PLAIN_CHAIN, CHAIN)
EG_RARE_CHAINS(PLAIN_CHAIN, CHAIN)

#define ROW_PLAIN(stepper, normals, rows) {#stepper, EG_KIND_GAUSSIAN, launch_##stepper, 0},
#define ROW_FOLD(stepper, source, n_acc)  {#stepper, EG_KIND_GAUSSIAN, launch_##stepper, 0},
#define ROW_PLAIN_CHAIN(stepper, normals, rows, n_kept) {#stepper, EG_KIND_GAUSSIAN, launch_##stepper, 0},
#define ROW_CHAIN(stepper, source, n_acc, n_kept) {#stepper, EG_KIND_GAUSSIAN, launch_##stepper, 0},
const twin_stepper TWIN_SYMBOL[] = {EG_STEPPERS(ROW_PLAIN, ROW_FOLD) EG_COMMON_CHAINS(ROW_PLAIN_CHAIN, ROW_CHAIN)
                                        EG_RARE_CHAINS(ROW_PLAIN_CHAIN, ROW_CHAIN){NULL, 0, NULL, 0}};

/* As eg_unit_sizes of unit_team_cuda.cu. */
#define NAME_SIZES2(symbol) symbol##_sizes
#define NAME_SIZES(symbol)  NAME_SIZES2(symbol)
const uint32_t NAME_SIZES(TWIN_SYMBOL)[8] = {sizeof(eg_params), sizeof(eg_launch), 0,   sizeof(eg_real), EG_TEAM_MAX,
                                             EG_CAPS,           EG_TEAM_VECTORS,   128};
