/*
 * The CUDA driver around a unit in team form, the same text for nvcc and NVRTC: -DEG_TEAM -DEG_MODEL_FILE=.., and as in
 * unit_cuda.cu -DEG_ONE_STEPPER.
 *
 * Kernels: eg_advance_<stepper>; arguments (eg_params, eg_launch) by value; launch.scratch has one piece of
 * eg_team_piece_values for each warp; -DEG_PERMUTED=1: rows without replacement, -DEG_NOISY=1: with noise on them; EG_THREADS threads a block, one warp a trajectory (core/team_gpu.h). One kernel
 * serves every dimension and noise kind.
 */
#include "unit.h"

#include "core/team_gpu.h"
#include "core/wanted.h"

#define EG_THREADS 128
#define EG_WARPS   (EG_THREADS / EG_TEAM_LANES)
#define EG_BLOCKS  (EG_CAPS_MARGIN || EG_CAPS_CLASS_PASSES ? 3 : 4) /* resident on a multiprocessor: bounds of 168 and 128 registers, which nothing spills */

/* As in unit_cuda.cu; nothing is staged by value. */
extern "C" {
extern __constant__ const uint32_t eg_unit_sizes[8];
__constant__ const uint32_t eg_unit_sizes[8] = {
    sizeof(eg_params), sizeof(eg_launch), 0, sizeof(eg_real), EG_TEAM_MAX, EG_CAPS, EG_TEAM_VECTORS, EG_THREADS};
}

EG_FN void advance(const eg_team_stepper *f, const eg_params *p, const eg_launch *a) {
  __shared__ eg_params own[EG_WARPS]; /* shared: what is handed to functions that are not inlined has an address */
  __shared__ eg_uniforms uniforms[EG_WARPS]; /* the first one serves all warps but those of chains, which stand at steps of their own */
  const uint32_t at = threadIdx.x / EG_TEAM_LANES;
  const uint64_t warp = (uint64_t)blockIdx.x * EG_WARPS + at;
  if (threadIdx.x == 0 || (f->kept > 0 && threadIdx.x % EG_TEAM_LANES == 0)) {
    uniforms[f->kept > 0 ? at : 0] = eg_uniforms_of(a);
  }
  if (threadIdx.x % EG_TEAM_LANES == 0) {
    own[at] = *p;
    own[at].team.chunks = (a->dim + EG_TEAM_LANES - 1) / EG_TEAM_LANES;
    own[at].team.scratch = (eg_real *)a->scratch + warp * eg_team_piece_values(a, (uint64_t)own[at].team.chunks * EG_TEAM_LANES);
  }
  __syncthreads();
  eg_warp_advance(f, &own[at], &uniforms[f->kept > 0 ? at : 0], a, warp);
}

#define KERNEL(name)                                                                                         \
  extern "C" __global__ void __launch_bounds__(EG_THREADS, EG_BLOCKS)                                                 \
      eg_advance_##name(const __grid_constant__ eg_params p, const __grid_constant__ eg_launch a)

#define DEFINE_PLAIN(stepper, n_rows, n_kept)                                                                \
  KERNEL(stepper) {                                                                                          \
    eg_team_stepper f;                                                                                       \
    f.form = EG_TEAM_PLAIN;                                                                                  \
    f.kept = n_kept;                                                                                         \
    f.rows = n_rows;                                                                                         \
    f.step = eg_step_##stepper;                                                                              \
    advance(&f, &p, &a);                                                                                     \
  }
#define DEFINE_FOLD(stepper, source, n_kept)                                                                         \
  KERNEL(stepper) {                                                                                          \
    eg_team_stepper f;                                                                                       \
    f.form = EG_TEAM_##source;                                                                               \
    f.kept = n_kept;                                                                                         \
    f.begin = eg_begin_##stepper;                                                                            \
    f.add = eg_add_##stepper;                                                                                \
    f.end = eg_end_##stepper;                                                                                \
    advance(&f, &p, &a);                                                                                     \
  }
#define PLAIN(stepper, normals, rows) ONLY_WANTED(stepper, DEFINE_PLAIN(stepper, rows, 0))
#define FOLD(stepper, source, n_acc)  ONLY_WANTED(stepper, DEFINE_FOLD(stepper, source, 0))
EG_STEPPERS(PLAIN, FOLD)

/* Chains with a memory are never compiled ahead: list.h. */
#if defined(EG_ONE_STEPPER)
#define PLAIN_CHAIN(stepper, normals, rows, n_kept) ONLY_WANTED(stepper, DEFINE_PLAIN(stepper, rows, n_kept))
#define CHAIN(stepper, source, n_acc, n_kept) ONLY_WANTED(stepper, DEFINE_FOLD(stepper, source, n_kept))
EG_COMMON_CHAINS(PLAIN_CHAIN, CHAIN)
EG_RARE_CHAINS(PLAIN_CHAIN, CHAIN)
#endif
