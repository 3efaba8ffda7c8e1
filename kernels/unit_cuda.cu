/*
 * The CUDA driver around a unit, the same text for nvcc (fatbins embedded in the plug-in) and NVRTC. Needs
 *   -DEG_MODEL_FILE="\"models/NAME.h\""  and -DEG_DIM=n where the model does not fix it,
 * and may be narrowed to one noise kind by -DEG_KIND_NAME=table8 -DEG_KIND_CODE=EG_KIND_TABLE8, and to one stepper by
 * -DEG_ONE_STEPPER -DEG_WANTED_euler_diagonal=EG_YES. -DEG_WATCHED=1: look after every step; -DEG_PERMUTED=1: rows without
 * replacement; -DEG_NOISY=1: rows with noise; -DEG_TRACED=1: feature noise_trace; -DEG_STABLE=1: alpha-stable increments;
 * -DEG_COARSE=1: increments summed for a coarse member of a group. Schemes, chains and all that list.h calls
 * rare exist with -DEG_ONE_STEPPER only.
 *
 * Kernels: eg_advance_<stepper>_<kind> where the stepper takes increments, else eg_advance_<stepper>;
 * arguments (eg_params, eg_launch, eg_staged) by value; EG_THREADS threads a block, one thread a trajectory
 * (core/lane_gpu.h); of a population one block a realisation (core/population_gpu.h).
 */
#include "unit.h"

#include "core/wanted.h"

#if EG_CAPS & EG_CAP_POPULATION
#include "core/population_gpu.h"

#define EG_THREADS EG_POPULATION_THREADS
#define EG_SCRATCH EG_TERMS
#else
#include "core/lane_gpu.h"

#define EG_THREADS 128
#define EG_SCRATCH 0
#endif

/* Blocks that must fit a multiprocessor: small steps want many warps, large ones all registers. n: values of a trajectory. */
#if defined(EG_WANTED_srk2_channels) || defined(EG_WANTED_srk2_cholesky)
#define EG_BLOCKS(n) 2 /* a step of five channels takes 162 registers */
#elif EG_COARSE
#define EG_BLOCKS(n) ((n) <= 2 ? 4 : 2) /* the sums take registers of their own */
#else
#define EG_BLOCKS(n) ((n) <= 2 ? 5 : (n) <= 4 && !EG_CAPS_COVARIANCE ? 4 : 2)
#endif

/* What the host compares before it launches: see src/backend/cuda_plugin/kernel.c. */
extern "C" {
extern __constant__ const uint32_t eg_unit_sizes[8];
__constant__ const uint32_t eg_unit_sizes[8] = {
    sizeof(eg_params), sizeof(eg_launch), sizeof(eg_staged), sizeof(eg_real), EG_DIM,
    EG_CAPS,           EG_SCRATCH,        EG_THREADS};
}

#if EG_CAPS & EG_CAP_POPULATION
/* One block a realisation. */
#define DEFINE_POPULATION(stepper, normals, rows, stages)                                                    \
  extern "C" __global__ void __launch_bounds__(EG_THREADS, EG_DIM >= 8 ? 1 : 2)                              \
      eg_advance_##stepper(const __grid_constant__ eg_params p, const __grid_constant__ eg_launch a,         \
                           const __grid_constant__ eg_staged staged) {                                       \
    __shared__ eg_team team;                                                                                 \
    eg_crowd_advance(eg_field_##stepper, stages, &p, &a, staged.value, &team, blockIdx.x);                   \
  }
#define POPULATION(stepper, normals, rows, stages)                                                           \
  ONLY_WANTED(stepper, DEFINE_POPULATION(stepper, normals, rows, stages))
EG_POPULATION_STEPPERS(POPULATION)

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

#define KERNEL(name, extra)                                                                                       \
  extern "C" __global__ void __launch_bounds__(EG_THREADS, EG_BLOCKS(EG_DIM + 2 * (extra)))                     \
      eg_advance_##name(const __grid_constant__ eg_params p, const __grid_constant__ eg_launch a,            \
                        const __grid_constant__ eg_staged staged)

#define DEFINE_PLAIN(name, stepper, kind_code, n_normals, n_rows, n_extra)                                   \
  KERNEL(name, n_extra) {                                                                                    \
    EG_STATIC_ASSERT(EG_DIM + n_extra <= EG_WIDTH_MAX, "values of a trajectory");                            \
    eg_form f;                                                                                               \
    f.form = EG_FORM_PLAIN;                                                                                  \
    f.kind = kind_code;                                                                                      \
    f.normals = n_normals;                                                                                   \
    f.rows = n_rows;                                                                                         \
    f.extra = n_extra;                                                                                       \
    f.step = eg_step_##stepper;                                                                              \
    advance(&f, &p, &a, &staged);                                                                            \
  }

#define DEFINE_FOLD(name, stepper, kind_code, form_code, n_extra)                                            \
  KERNEL(name, n_extra) {                                                                                    \
    EG_STATIC_ASSERT(EG_DIM + n_extra <= EG_WIDTH_MAX, "values of a trajectory");                            \
    eg_form f;                                                                                               \
    f.form = form_code;                                                                                      \
    f.kind = kind_code;                                                                                      \
    f.extra = n_extra;                                                                                       \
    f.begin = eg_begin_##stepper;                                                                            \
    f.add = eg_add_##stepper;                                                                                \
    f.end = eg_end_##stepper;                                                                                \
    advance(&f, &p, &a, &staged);                                                                            \
  }

#define DEFINE_SAMPLES(name, stepper, kind_code, n_normals, n_extra)                                         \
  KERNEL(name, n_extra) {                                                                                    \
    eg_form f;                                                                                               \
    f.form = EG_FORM_SAMPLES;                                                                                \
    f.extra = n_extra;                                                                                       \
    f.kind = kind_code;                                                                                      \
    f.normals = n_normals;                                                                                   \
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
#define NAMED_PLAIN(name, s, code, n, r) DEFINE_PLAIN(name, s, code, n, r, 0)
#define NAMED_FOLD(name, s, code, form)  DEFINE_FOLD(name, s, code, form, 0)
#define NAMED_SAMPLES(name, s, code)     DEFINE_SAMPLES(name, s, code, EG_SAMPLE, 0)

/* The second column of the stepper list as it is written there decides whether a stepper has kinds. */
#define PLAIN_0(s, n, r)           DEFINE_PLAIN(s, s, EG_KIND_GAUSSIAN, 0, r, 0)
#define PLAIN_EG_DIM(s, n, r)      EACH_KIND_PLAIN(s, n, r)
#define PLAIN_EG_CHANNELS(s, n, r) EACH_KIND_PLAIN(s, n, r)
#define PLAIN_EG_PAIR(s, n, r)     EACH_KIND_PLAIN(s, n, r)
#define PLAIN_EG_SRK2_DIAGONAL(s, n, r) EACH_KIND_PLAIN(s, n, r)
#define PLAIN_EG_SRK2_CHANNELS(s, n, r) EACH_KIND_PLAIN(s, n, r)
#if EG_NOISY
#define ROWS_KIND EG_KIND_CODE
#else
#define ROWS_KIND EG_KIND_GAUSSIAN
#endif
#define FOLD_ROWS(s)               DEFINE_FOLD(s, s, ROWS_KIND, EG_FORM_ROWS, 0)
#define FOLD_DATA(s)               EACH_KIND_FOLD(s, EG_FORM_DATA)
#define FOLD_SAMPLES(s)            EACH_KIND_SAMPLES(s) /* two-point noise would make wrong samples: refused by the plan */

#define PLAIN(stepper, normals, rows) ONLY_WANTED(stepper, PLAIN_##normals(stepper, normals, rows))
#define FOLD(stepper, source, n_acc)  ONLY_WANTED(stepper, FOLD_##source(stepper))
EG_STEPPERS(PLAIN, FOLD)

#if defined(EG_ONE_STEPPER) /* these are many, or have many settings: never compiled ahead */
EG_SCHEMES(PLAIN)
#define CHAIN_PLAIN2(name, s, n, r, extra) DEFINE_PLAIN(name, s, EG_KIND_CODE, n, r, extra)
#define CHAIN_PLAIN(stepper, normals, rows, extra)                                                           \
  ONLY_WANTED(stepper, CHAIN_PLAIN2(NAME_KIND(stepper, EG_KIND_NAME), stepper, normals, rows, extra))
#define CHAIN_FOLD(stepper, source, n_acc, extra) ONLY_WANTED(stepper, CHAIN_##source(stepper, extra))
#define CHAIN_ROWS(stepper, extra)         DEFINE_FOLD(stepper, stepper, ROWS_KIND, EG_FORM_ROWS, extra)
#define CHAIN_DATA(stepper, extra)         DEFINE_FOLD(stepper, stepper, EG_KIND_CODE, EG_FORM_DATA, extra)
#define CHAIN_ROW_NODES(stepper, extra)    DEFINE_FOLD(stepper, stepper, EG_KIND_CODE, EG_FORM_NODES, extra)
#define CHAIN_SAMPLES(stepper, extra)      DEFINE_SAMPLES(stepper, stepper, EG_KIND_CODE, EG_SAMPLE, extra)
#define CHAIN_SAMPLE_NODES(stepper, extra) DEFINE_SAMPLES(stepper, stepper, EG_KIND_CODE, EG_SAMPLE + 1, extra)
EG_COMMON_CHAINS(CHAIN_PLAIN, CHAIN_FOLD)
EG_RARE_CHAINS(CHAIN_PLAIN, CHAIN_FOLD)

#define DEFINE_TIMED(stepper, n_normals, n_extra)                                                            \
  KERNEL(stepper, n_extra) {                                                                                 \
    EG_STATIC_ASSERT(EG_DIM + n_extra <= EG_WIDTH_MAX, "values of a trajectory");                            \
    eg_form f;                                                                                               \
    f.form = EG_FORM_TIMED;                                                                                  \
    f.kind = EG_KIND_CODE;                                                                                   \
    f.normals = n_normals;                                                                                   \
    f.rows = 0;                                                                                              \
    f.extra = n_extra;                                                                                       \
    f.timed = eg_step_##stepper;                                                                             \
    advance(&f, &p, &a, &staged);                                                                            \
  }
#define CHAIN_TIMED(stepper, normals, extra) ONLY_WANTED(stepper, DEFINE_TIMED(stepper, normals, extra))
EG_TIMED(CHAIN_TIMED)
#endif
#endif
