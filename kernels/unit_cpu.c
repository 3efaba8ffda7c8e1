/* The CPU driver around a unit. Built per model, padded dimension, precision and ISA, linked in; or by the user's cc as
   a shared object. -DEG_UNIT_SYMBOL=name, -DEG_ISA_NAME="v3"; -DEG_COMMON_STEPPERS: those that list.h calls rare are in the
   table of the unit, but not compiled. */
#include "unit.h"

#include "core/wanted.h"

#ifndef EG_CHANNELS
#define EG_CHANNELS 0
#endif
#ifndef EG_SAMPLE
#define EG_SAMPLE 0
#endif

#if EG_CAPS & EG_CAP_POPULATION
#include "core/population_cpu.h"

#define DEFINE_POPULATION(stepper, stages)                                                                   \
  static void advance_##stepper(const void *params, const eg_launch *a, eg_thread *t) {                      \
    drive_population(eg_field_##stepper, stages, (const eg_params *)params, a, t);                           \
  }
#define ADVANCE_POPULATION(stepper, normals, rows, stages) ONLY_WANTED(stepper, DEFINE_POPULATION(stepper, stages))
EG_POPULATION_STEPPERS(ADVANCE_POPULATION)

#define ROW_POPULATION(stepper, normals, rows, stages)                                                       \
  {#stepper, normals, rows, 0, WANTED_OR(stepper, advance_##stepper, NULL)},
static const eg_unit_stepper steppers[] = {EG_POPULATION_STEPPERS(ROW_POPULATION)};

#else
#include "core/lane_cpu.h"
#include "core/samples_cpu.h"

#define DEFINE_SEGMENT(stepper, is_taped, extra, call)                                                       \
  static __attribute__((noinline)) void segment_##stepper(                                                   \
      const eg_params *p, const eg_launch *a, const eg_uniforms *u, eg_thread *t,                            \
      const eg_block_state *block, uint64_t realisation, uint64_t from, uint64_t to) {                       \
    call;                                                                                                    \
  }                                                                                                          \
  static void advance_##stepper(const void *params, const eg_launch *a, eg_thread *t) {                      \
    drive(segment_##stepper, is_taped, extra, (const eg_params *)params, a, t);                              \
  }

#define SEGMENT_PLAIN(stepper, normals, rows) SEGMENT_CHAIN(stepper, normals, rows, 0)
#define SEGMENT_CHAIN(stepper, normals, rows, extra)                                                         \
  ONLY_WANTED(stepper, DEFINE_SEGMENT(stepper, 1, extra,                                                     \
                                      segment_plain(eg_step_##stepper, normals, rows, extra, p, a, u, t, *block, \
                                                    realisation, from, to)))

/* Folds by their source: the segment, and how many increments and rows a step takes (eg_unit_stepper). */
#define CALL_FOLD(stepper, source, n_acc, extra)                                                             \
  segment_fold(eg_begin_##stepper, eg_add_##stepper, eg_end_##stepper, source, n_acc, extra, p, a, u, t,     \
               *block, realisation, from, to)
#define CALL_DRAWN(stepper, draws, n_acc, extra)                                                             \
  segment_samples(eg_begin_##stepper, eg_add_##stepper, eg_end_##stepper, draws, n_acc, extra, p, a, u, t,   \
                  *block, realisation, from, to)
#define CALL_ROWS(stepper, n_acc, extra)         CALL_FOLD(stepper, EG_FOLD_ROWS, n_acc, extra)
#define CALL_DATA(stepper, n_acc, extra)         CALL_FOLD(stepper, EG_FOLD_DATA, n_acc, extra)
#define CALL_ROW_NODES(stepper, n_acc, extra)    CALL_FOLD(stepper, EG_FOLD_NODES, n_acc, extra)
#define CALL_SAMPLE_NODES(stepper, n_acc, extra) CALL_DRAWN(stepper, EG_SAMPLE + 1, n_acc, extra)
#define CALL_SAMPLES(stepper, n_acc, extra)      CALL_DRAWN(stepper, EG_SAMPLE, n_acc, extra)
#define DRAWS_ROWS                               0, -1
#define DRAWS_DATA                               -1, 0
#define DRAWS_ROW_NODES                          -1, -1
#define DRAWS_SAMPLES                            EG_SAMPLE, -1
#define DRAWS_SAMPLE_NODES                       EG_SAMPLE + 1, -1

#define SEGMENT_FOLD(stepper, source, n_acc) SEGMENT_FOLD_CHAIN(stepper, source, n_acc, 0)
#define SEGMENT_FOLD_CHAIN(stepper, source, n_acc, extra)                                                    \
  ONLY_WANTED(stepper, DEFINE_SEGMENT(stepper, 0, extra, CALL_##source(stepper, n_acc, extra)))

EG_STEPPERS(SEGMENT_PLAIN, SEGMENT_FOLD)
EG_COMMON_CHAINS(SEGMENT_CHAIN, SEGMENT_FOLD_CHAIN)
#if !defined(EG_COMMON_STEPPERS)
EG_SCHEMES(SEGMENT_PLAIN)
EG_RARE_CHAINS(SEGMENT_CHAIN, SEGMENT_FOLD_CHAIN)
EG_JOINT(SEGMENT_JOINT)
#endif

#define SEGMENT_TIMED(stepper, normals, extra)                                                               \
  ONLY_WANTED(stepper, DEFINE_SEGMENT(stepper, 0, extra,                                                     \
                                      segment_timed(eg_step_##stepper, normals, extra, p, a, u, t, *block,   \
                                                    realisation, from, to)))
EG_TIMED(SEGMENT_TIMED)

#define ADVANCE(stepper) WANTED_OR(stepper, advance_##stepper, NULL)
#define ROW_PLAIN(stepper, normals, rows)        ROW_CHAIN(stepper, normals, rows, 0)
#define ROW_CHAIN(stepper, normals, rows, extra) {#stepper, normals, rows, extra, ADVANCE(stepper)},
#define ROW_FOLD(stepper, source, n_acc)         ROW_FOLD_CHAIN(stepper, source, n_acc, 0)
#define ROW_FOLD_CHAIN(stepper, source, n_acc, extra) {#stepper, DRAWS_##source, extra, ADVANCE(stepper)},
#define ROW_TIMED(stepper, normals, extra) {#stepper, normals, 0, extra, ADVANCE(stepper)},
#if defined(EG_COMMON_STEPPERS)
#define ROW_JOINT(stepper, is_strang) {#stepper, 0, 0, 0, NULL},
#define RARE_CHAIN(stepper, normals, rows, extra)      {#stepper, normals, rows, extra, NULL},
#define RARE_FOLD_CHAIN(stepper, source, n_acc, extra) {#stepper, DRAWS_##source, extra, NULL},
#else
#define ROW_JOINT(stepper, is_strang) {#stepper, 0, 0, 0, ADVANCE(stepper)},
#define RARE_CHAIN      ROW_CHAIN
#define RARE_FOLD_CHAIN ROW_FOLD_CHAIN
#endif
#define RARE_PLAIN(stepper, normals, rows) RARE_CHAIN(stepper, normals, rows, 0)
static const eg_unit_stepper steppers[] = {
    EG_STEPPERS(ROW_PLAIN, ROW_FOLD) EG_SCHEMES(RARE_PLAIN) EG_COMMON_CHAINS(ROW_CHAIN, ROW_FOLD_CHAIN)
        EG_RARE_CHAINS(RARE_CHAIN, RARE_FOLD_CHAIN) EG_TIMED(ROW_TIMED) EG_JOINT(ROW_JOINT)};
#endif

#define PARAM_SCALAR(name, value, low, high, doc) {#name, value, low, high, 0, doc},
#define PARAM_VECTOR(name, value, low, high, doc) {#name, value, low, high, 1, doc},
static const eg_unit_param params[] = {EG_PARAMS(PARAM_SCALAR, PARAM_VECTOR){NULL, 0, 0, 0, 0, NULL}};

#if EG_STAGED > 0 && !(EG_CAPS & EG_CAP_ROWS)
static void prepare(const void *p, double h, double correction, double *staged) {
  eg_prepare((const eg_params *)p, h, correction, staged);
}
#define PREPARE prepare
#else
#define PREPARE NULL
#endif


const eg_unit EG_UNIT_SYMBOL = {
    EG_UNIT_ABI,
    EG_FORM_LANE,
    EG_NAME,
    EG_EQUATION,
    EG_ISA_NAME,
    EG_DIM,
    EG_CAPS,
    EG_IS_PROCESS,
    EG_CHANNELS,
    EG_STAGED,
    (int32_t)sizeof(eg_real),
    (int32_t)sizeof(eg_noise_real),
    params,
    (int32_t)(sizeof params / sizeof params[0]) - 1,
    (int32_t)(sizeof(eg_params) / sizeof(double)) - 1,
    steppers,
    (int32_t)(sizeof steppers / sizeof steppers[0]),
    PREPARE,
    block_bytes,
};
