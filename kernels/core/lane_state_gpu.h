/* What one thread of core/lane_gpu.h holds, and where that lies in memory between launches. */
#ifndef EG_CORE_LANE_STATE_GPU_H
#define EG_CORE_LANE_STATE_GPU_H

#include "core/draws_gpu.h"
#include "core/monitor.h"
#include "core/permute_gpu.h"
#include "core/single_draws.h"

/* -DEG_WATCHED=1 makes kernels that look after every step, at the state and at the monitors; without it kernels know
 * neither. */
#ifndef EG_WATCHED
#define EG_WATCHED 0
#endif

/* -DEG_PERMUTED=1 makes kernels that draw rows without replacement; the others know only independent ones. */
#ifndef EG_PERMUTED
#define EG_PERMUTED 0
#endif

/* -DEG_NOISY=1 makes kernels that add noise to the rows they draw (input_noise, label_noise). */
#ifndef EG_NOISY
#define EG_NOISY 0
#endif

/* -DEG_TRACED=1 makes kernels that have the feature noise_trace: passes over all rows, which the others need no registers for. */
#ifndef EG_TRACED
#define EG_TRACED 0
#endif

/* A physical time stands behind x of the steppers that have one (steppers/log_time.h). */
#if EG_CAPS_LOG_TIME && (defined(EG_WANTED_log_time_root) || defined(EG_THREAD_FORM))
#define EG_CLOCKED 1
#else
#define EG_CLOCKED 0
#endif

#define EG_ACC_MAX      (2 * EG_DIM + 1)
#define EG_WIDTH_MAX    (EG_DIM > 1 ? 3 * EG_DIM : 5) /* values of a trajectory: x, and those of a stepper or process */
/* Where registers are short (by trial: tests/conformance/test_ptxas.sh), no constant is kept across steps. */
#define EG_IS_TIGHT   (EG_DIM >= 12 && !EG_CAPS_ROWS)
#define EG_KEEP_STEPS 64 /* a kept state is at most about this old, so that records need no copy each */

/* Numbers behind the model's own: the root of a noise (steppers/noise_forms.h), or the maps of the exact Langevin equation
   (steppers/langevin.h). Kernels that are compiled ahead have no stepper that takes them. */
#if defined(EG_WANTED_langevin_exact) || (defined(EG_THREAD_FORM) && EG_CAPS_ROOT)
#define EG_STAGED_BEHIND (2 * EG_DIM * (3 * EG_DIM + 1) + EG_DIM)
#elif defined(EG_ONE_STEPPER) && EG_CAPS_ROOT
#define EG_STAGED_BEHIND (EG_DIM * (EG_DIM + 1) / 2)
#else
#define EG_STAGED_BEHIND 0
#endif
#define EG_STAGED_ALL    (EG_STAGED + EG_STAGED_BEHIND)

/* The host's staged numbers, passed by value: they are then operands from constant memory, not loads. */
typedef struct eg_staged {
  eg_real value[EG_STAGED_ALL > 0 ? EG_STAGED_ALL : 1];
} eg_staged;

typedef struct eg_lane {
  uint64_t realisation;
  uint32_t tile, point, slot;
  uint32_t reject;     /* for row indices */
  const float *table5; /* 32 signed values */
  eg_queue increments;
  eg_index_queue rows;
#if EG_PERMUTED
  eg_permuted permuted;
#endif
#if EG_NOISY
  eg_draws row_noise;
#endif
#if EG_WATCHED
  uint64_t step;
  double monitor_value[EG_MOST_MONITORS], monitor_before[EG_MOST_MONITORS];
#endif
} eg_lane;

EG_FN int eg_state_is_finite(const eg_real *x) {
  eg_real sum = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    sum += x[k] * (eg_real)0; /* 0, or NaN */
  }
  return sum == 0;
}

EG_FN void eg_state_spoil(eg_real *x) {
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    x[k] = (eg_real)eg_double_of_bits(0x7ff8000000000000ull);
  }
}

/* Component `component` of x by selection: a run-time index would put x on the stack. */
EG_FN eg_real eg_component(const eg_real *x, int component) {
  eg_real value = x[0];
  EG_UNROLL
  for (int k = 1; k < EG_DIM; k++) {
    value = k == component ? x[k] : value;
  }
  return value;
}

EG_FN void eg_state_begin(int extra, const eg_launch *a, const eg_lane *t, eg_real *x) {
  EG_ROLLED
  for (uint32_t k = 0; k < EG_DIM; k++) {
    const eg_real value = eg_start_value(a, t->realisation, t->point, k);
    EG_UNROLL
    for (uint32_t j = 0; j < EG_DIM; j++) {
      x[j] = j == k ? value : x[j];
    }
  }
  EG_UNROLL
  for (int k = EG_DIM; k < EG_DIM + extra; k++) { /* of a chain */
    x[k] = k >= 2 * EG_DIM ? (eg_real)a->chain.start_square : (eg_real)0;
  }
}

/* Address of component 0 of this trajectory; components are ld apart, a stepper's own values behind those of x. */
EG_FN eg_real *eg_state_at(int extra, const eg_launch *a, const eg_lane *t) {
  const uint64_t row = (uint64_t)t->tile * a->n_points + t->point;
  return (eg_real *)a->state + row * (uint64_t)(EG_DIM + extra) * a->ld + t->slot;
}

EG_FN void eg_state_load(int extra, const eg_launch *a, const eg_lane *t, eg_real *x) {
  const eg_real *const state = eg_state_at(extra, a, t);
  EG_UNROLL
  for (int k = 0; k < EG_DIM + extra; k++) {
    x[k] = state[(uint64_t)k * a->ld];
  }
}

EG_FN void eg_state_store(int extra, const eg_launch *a, const eg_lane *t, const eg_real *x) {
  eg_real *const state = eg_state_at(extra, a, t);
  EG_UNROLL
  for (int k = 0; k < EG_DIM + extra; k++) {
    state[(uint64_t)k * a->ld] = x[k];
  }
}

#endif
