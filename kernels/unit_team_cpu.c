/* The CPU driver around a unit in team form: one per model, precision and ISA serves every dimension up to EG_TEAM_MAX.
   -DEG_TEAM and the rest as unit_cpu.c; `extra` of its table counts vectors. */
#include "unit.h"

#include "core/team_cpu.h"
#include "core/wanted.h"

#define DEFINE_PLAIN(stepper, rows)                                                                          \
  static __attribute__((noinline)) void segment_##stepper(const eg_params *p, const eg_uniforms *u,          \
                                                          eg_group *g, uint64_t from, uint64_t to) {         \
    segment_plain(eg_step_##stepper, rows, p, u, g, from, to);                                               \
  }                                                                                                          \
  static void advance_##stepper(const void *params, const eg_launch *a, eg_thread *t) {                      \
    drive(segment_##stepper, 0, params, a, t);                                                               \
  }

#define SEGMENT_PLAIN(stepper, normals, rows) ONLY_WANTED(stepper, DEFINE_PLAIN(stepper, rows))

enum { SOURCE_ROWS = 0, SOURCE_DATA = 1 };

#define DEFINE_FOLD(stepper, source)                                                                          \
  static __attribute__((noinline)) void segment_##stepper(const eg_params *p, const eg_uniforms *u,          \
                                                          eg_group *g, uint64_t from, uint64_t to) {         \
    segment_fold(eg_begin_##stepper, eg_add_##stepper, eg_end_##stepper, SOURCE_##source, p, u, g, from, to); \
  }                                                                                                          \
  static void advance_##stepper(const void *params, const eg_launch *a, eg_thread *t) {                      \
    drive(segment_##stepper, 0, params, a, t);                                                               \
  }

#define SEGMENT_FOLD(stepper, source, n_acc) ONLY_WANTED(stepper, DEFINE_FOLD(stepper, source))

EG_STEPPERS(SEGMENT_PLAIN, SEGMENT_FOLD)

/* Chains with a memory. */
#define DEFINE_PLAIN_CHAIN(stepper, rows, kept)                                                              \
  static __attribute__((noinline)) void segment_##stepper(const eg_params *p, const eg_uniforms *u,          \
                                                          eg_group *g, uint64_t from, uint64_t to) {         \
    segment_plain_chain(eg_step_##stepper, rows, p, u, g, from, to);                                         \
  }                                                                                                          \
  static void advance_##stepper(const void *params, const eg_launch *a, eg_thread *t) {                      \
    drive(segment_##stepper, kept, params, a, t);                                                            \
  }
#define SEGMENT_PLAIN_CHAIN(stepper, normals, rows, kept) ONLY_WANTED(stepper, DEFINE_PLAIN_CHAIN(stepper, rows, kept))

#define DEFINE_CHAIN(stepper, source, kept)                                                                  \
  static __attribute__((noinline)) void segment_##stepper(const eg_params *p, const eg_uniforms *u,          \
                                                          eg_group *g, uint64_t from, uint64_t to) {         \
    segment_chain(eg_begin_##stepper, eg_add_##stepper, eg_end_##stepper, SOURCE_##source, p, u, g, from, to); \
  }                                                                                                          \
  static void advance_##stepper(const void *params, const eg_launch *a, eg_thread *t) {                      \
    drive(segment_##stepper, kept, params, a, t);                                                            \
  }
#define SEGMENT_CHAIN(stepper, source, n_acc, kept) ONLY_WANTED(stepper, DEFINE_CHAIN(stepper, source, kept))

EG_COMMON_CHAINS(SEGMENT_PLAIN_CHAIN, SEGMENT_CHAIN)
#if !defined(EG_COMMON_STEPPERS)
EG_RARE_CHAINS(SEGMENT_PLAIN_CHAIN, SEGMENT_CHAIN)
#endif

#define ADVANCE(stepper) WANTED_OR(stepper, advance_##stepper, NULL)
#define ROW_PLAIN(stepper, normals, rows) {#stepper, normals, rows, 0, ADVANCE(stepper)},
#define ROW_FOLD(stepper, source, n_acc)                                                                     \
  {#stepper, SOURCE_##source == SOURCE_DATA ? -1 : 0, SOURCE_##source == SOURCE_ROWS ? -1 : 0, 0, ADVANCE(stepper)},
#define ROW_CHAIN(stepper, source, n_acc, kept)                                                               \
  {#stepper, SOURCE_##source == SOURCE_DATA ? -1 : 0, SOURCE_##source == SOURCE_ROWS ? -1 : 0, kept, ADVANCE(stepper)},
#define ROW_PLAIN_CHAIN(stepper, normals, rows, kept) {#stepper, normals, rows, kept, ADVANCE(stepper)},
#if defined(EG_COMMON_STEPPERS)
#define RARE_PLAIN(stepper, normals, rows, kept) {#stepper, normals, rows, kept, NULL},
#define RARE_CHAIN(stepper, source, n_acc, kept)                                                              \
  {#stepper, SOURCE_##source == SOURCE_DATA ? -1 : 0, SOURCE_##source == SOURCE_ROWS ? -1 : 0, kept, NULL},
#else
#define RARE_PLAIN ROW_PLAIN_CHAIN
#define RARE_CHAIN ROW_CHAIN
#endif
static const eg_unit_stepper steppers[] = {EG_STEPPERS(ROW_PLAIN, ROW_FOLD) EG_COMMON_CHAINS(ROW_PLAIN_CHAIN, ROW_CHAIN)
                                               EG_RARE_CHAINS(RARE_PLAIN, RARE_CHAIN)};

#define PARAM_SCALAR(name, value, low, high, doc) {#name, value, low, high, 0, doc},
#define PARAM_VECTOR(name, value, low, high, doc) {#name, value, low, high, 1, doc},
static const eg_unit_param params[] = {EG_PARAMS(PARAM_SCALAR, PARAM_VECTOR){NULL, 0, 0, 0, 0, NULL}};

const eg_unit EG_UNIT_SYMBOL = {
    EG_UNIT_ABI,
    EG_FORM_TEAM,
    EG_NAME,
    EG_EQUATION,
    EG_ISA_NAME,
    EG_TEAM_MAX,
    EG_CAPS,
    EG_IS_PROCESS,
    0,
    0,
    (int32_t)sizeof(eg_real),
    (int32_t)sizeof(eg_noise_real),
    params,
    (int32_t)(sizeof params / sizeof params[0]) - 1,
    (int32_t)(offsetof(eg_params, team) / sizeof(double)) - 1,
    steppers,
    (int32_t)(sizeof steppers / sizeof steppers[0]),
    NULL,
    block_bytes,
};
