/*
 * The CUDA driver around a unit, the same text for nvcc (fatbins embedded in the plug-in) and NVRTC. Needs
 *   -DEG_MODEL_FILE="\"models/NAME.h\""  and -DEG_DIM=n where the model does not fix it,
 * and may be narrowed to one noise kind by -DEG_KIND_NAME=table8 -DEG_KIND_CODE=EG_KIND_TABLE8, and to one stepper by
 * -DEG_ONE_STEPPER -DEG_WANTED_euler_diagonal=EG_YES.
 *
 * Kernels: eg_advance_<stepper>_<kind> where the stepper takes increments, else eg_advance_<stepper>;
 * arguments (eg_params, eg_launch, eg_staged) by value; EG_THREADS threads a block, one thread a trajectory
 * (core/lane_gpu.h); of a population one block a realisation (core/population_gpu.h), with its tile and a buffer behind.
 */
#include "unit.h"

#if EG_CAPS & EG_CAP_POPULATION
#include "core/population_gpu.h"

#define EG_THREADS EG_POPULATION_THREADS
#else
#include "core/lane_gpu.h"

#define EG_THREADS 128
#endif

/* Blocks that must fit a multiprocessor: small steps want many warps, large ones all registers. */
#define EG_BLOCKS (EG_DIM <= 2 ? 5 : EG_DIM <= 4 && !EG_CAPS_COVARIANCE ? 4 : 2)

/* What the host compares before it launches: see src/backend/cuda_plugin/kernel.c. */
extern "C" {
extern __constant__ const uint32_t eg_unit_sizes[8];
__constant__ const uint32_t eg_unit_sizes[8] = {
    sizeof(eg_params), sizeof(eg_launch), sizeof(eg_staged), sizeof(eg_real), EG_DIM,
    EG_CAPS,           EG_STAGED,         EG_THREADS};
}

#if EG_CAPS & EG_CAP_POPULATION
/* One block a realisation; sums: (n_lanes, EG_TERMS, power of two of the blocks of particles). */
#define DEFINE_POPULATION(stepper, normals, rows, stages)                                                    \
  extern "C" __global__ void __launch_bounds__(EG_THREADS, EG_DIM >= 8 ? 1 : 2)                              \
      eg_advance_##stepper(const __grid_constant__ eg_params p, const __grid_constant__ eg_launch a,         \
                           const __grid_constant__ eg_staged staged, uint32_t tile, double *sums) {          \
    __shared__ eg_team team;                                                                                 \
    eg_crowd_advance(eg_field_##stepper, stages, &p, &a, staged.value, tile, sums, &team, blockIdx.x);       \
  }
EG_POPULATION_STEPPERS(DEFINE_POPULATION)

#else
EG_FN void advance(const eg_form *form, const eg_params *p, const eg_launch *a, const eg_staged *staged) {
  __shared__ float table5[32];
  if (form->kind == EG_KIND_TABLE5) { /* 32 values in 32 banks: any lane may read any of them at full speed */
    if (threadIdx.x < 32) {
      table5[threadIdx.x] = eg_table5_value(threadIdx.x);
    }
    __syncthreads();
  }
  eg_thread_advance(form, p, a, staged->value, table5, (uint64_t)blockIdx.x * EG_THREADS + threadIdx.x);
}

#define KERNEL(name)                                                                                         \
  extern "C" __global__ void __launch_bounds__(EG_THREADS, EG_BLOCKS)                                        \
      eg_advance_##name(const __grid_constant__ eg_params p, const __grid_constant__ eg_launch a,            \
                        const __grid_constant__ eg_staged staged)

#define DEFINE_PLAIN(name, stepper, kind_code, n_normals, n_rows)                                            \
  KERNEL(name) {                                                                                             \
    eg_form f;                                                                                               \
    f.form = EG_FORM_PLAIN;                                                                                  \
    f.kind = kind_code;                                                                                      \
    f.normals = n_normals;                                                                                   \
    f.rows = n_rows;                                                                                         \
    f.step = eg_step_##stepper;                                                                              \
    advance(&f, &p, &a, &staged);                                                                            \
  }

#define DEFINE_FOLD(name, stepper, kind_code, form_code)                                                     \
  KERNEL(name) {                                                                                             \
    eg_form f;                                                                                               \
    f.form = form_code;                                                                                      \
    f.kind = kind_code;                                                                                      \
    f.begin = eg_begin_##stepper;                                                                            \
    f.add = eg_add_##stepper;                                                                                \
    f.end = eg_end_##stepper;                                                                                \
    advance(&f, &p, &a, &staged);                                                                            \
  }

#define DEFINE_SAMPLES(name, stepper, kind_code)                                                             \
  KERNEL(name) {                                                                                             \
    eg_form f;                                                                                               \
    f.form = EG_FORM_SAMPLES;                                                                                \
    f.kind = kind_code;                                                                                      \
    f.normals = EG_SAMPLE;                                                                                   \
    f.begin = eg_begin_##stepper;                                                                            \
    f.add_sample = eg_add_##stepper;                                                                         \
    f.end = eg_end_##stepper;                                                                                \
    advance(&f, &p, &a, &staged);                                                                            \
  }

/* DEFINE(stepper_kind, stepper, code, ...) for every kind of this build. */
#define NAME_KIND2(stepper, kind) stepper##_##kind
#define NAME_KIND(stepper, kind)  NAME_KIND2(stepper, kind)
#if defined(EG_KIND_NAME)
#define EACH_KIND_PLAIN(s, n, r) NAMED_PLAIN(NAME_KIND(s, EG_KIND_NAME), s, EG_KIND_CODE, n, r)
#define EACH_KIND_FOLD(s, form)  NAMED_FOLD(NAME_KIND(s, EG_KIND_NAME), s, EG_KIND_CODE, form)
#define EACH_KIND_SAMPLES(s)     NAMED_SAMPLES(NAME_KIND(s, EG_KIND_NAME), s, EG_KIND_CODE)
#else
#define EACH_KIND_PLAIN(s, n, r)                                                                             \
  NAMED_PLAIN(s##_gaussian, s, EG_KIND_GAUSSIAN, n, r)                                                       \
  NAMED_PLAIN(s##_table5, s, EG_KIND_TABLE5, n, r)                                                           \
  NAMED_PLAIN(s##_two_point, s, EG_KIND_TWO_POINT, n, r)
#define EACH_KIND_FOLD(s, form)                                                                              \
  NAMED_FOLD(s##_gaussian, s, EG_KIND_GAUSSIAN, form)                                                        \
  NAMED_FOLD(s##_table5, s, EG_KIND_TABLE5, form)                                                            \
  NAMED_FOLD(s##_two_point, s, EG_KIND_TWO_POINT, form)
#define EACH_KIND_SAMPLES(s)                                                                                 \
  NAMED_SAMPLES(s##_gaussian, s, EG_KIND_GAUSSIAN)                                                           \
  NAMED_SAMPLES(s##_table5, s, EG_KIND_TABLE5)
#endif
#define NAMED_PLAIN(name, s, code, n, r) DEFINE_PLAIN(name, s, code, n, r)
#define NAMED_FOLD(name, s, code, form)  DEFINE_FOLD(name, s, code, form)
#define NAMED_SAMPLES(name, s, code)     DEFINE_SAMPLES(name, s, code)

/* The second column of the stepper list as it is written there decides whether a stepper has kinds. */
#define PLAIN_0(s, n, r)           DEFINE_PLAIN(s, s, EG_KIND_GAUSSIAN, 0, r)
#define PLAIN_EG_DIM(s, n, r)      EACH_KIND_PLAIN(s, n, r)
#define PLAIN_EG_CHANNELS(s, n, r) EACH_KIND_PLAIN(s, n, r)
#define PLAIN_EG_PAIR(s, n, r)     EACH_KIND_PLAIN(s, n, r)
#define PLAIN_EG_SRK2_DIAGONAL(s, n, r) EACH_KIND_PLAIN(s, n, r)
#define PLAIN_EG_SRK2_CHANNELS(s, n, r) EACH_KIND_PLAIN(s, n, r)
#define FOLD_ROWS(s)               DEFINE_FOLD(s, s, EG_KIND_GAUSSIAN, EG_FORM_ROWS)
#define FOLD_DATA(s)               EACH_KIND_FOLD(s, EG_FORM_DATA)
#define FOLD_SAMPLES(s)            EACH_KIND_SAMPLES(s) /* two-point noise would make wrong samples: refused by the plan */

/* SECOND(EG_WANTED_name, 0, 0) is 1 where that name is defined as EG_YES, else 0. */
#if defined(EG_ONE_STEPPER)
#define EG_YES             0, 1
#define SECOND(...)        SECOND2(__VA_ARGS__)
#define SECOND2(a, b, ...) b
#define TAKE(is_wanted, ...)  TAKE2(is_wanted, __VA_ARGS__)
#define TAKE2(is_wanted, ...) TAKE_##is_wanted(__VA_ARGS__)
#define TAKE_0(...)
#define TAKE_1(...) __VA_ARGS__
#define ONLY_WANTED(stepper, ...) TAKE(SECOND(EG_WANTED_##stepper, 0, 0), __VA_ARGS__)
#else
#define ONLY_WANTED(stepper, ...) __VA_ARGS__
#endif
#define PLAIN(stepper, normals, rows) ONLY_WANTED(stepper, PLAIN_##normals(stepper, normals, rows))
#define FOLD(stepper, source, n_acc)  ONLY_WANTED(stepper, FOLD_##source(stepper))
EG_STEPPERS(PLAIN, FOLD)
#if defined(EG_ONE_STEPPER)
EG_SCHEMES(PLAIN)
#endif
#endif
