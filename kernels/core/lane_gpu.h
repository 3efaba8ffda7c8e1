/*
 * The GPU driver of the lane form: one thread carries one (tile, point, lane) through the launch, its state
 * in registers, its noise made there too. Plain C11 as well: with -DEG_THREAD_FORM the host compiles the same
 * text and runs the threads one after the other (tests/conformance/thread_twin.c), which tests every line but
 * the hardware.
 *
 * A launch on the GPU takes many tiles: arrays of tile t begin at t times the size of one, n_lanes counts the
 * realisations of all tiles together, and step_last - step_first < 2^32.
 *
 * Zero stack: every array is indexed by constants after unrolling. Draws come from the queues of core/draws_gpu.h.
 *
 * The first bad step is found as on the CPU: a state that is not finite at a record sends the thread back to
 * its last kept state, and it looks after every step on the way. The end of a launch counts as such a place
 * too, so a launch split in the middle of a segment has the bits of the whole.
 */
#ifndef EG_CORE_LANE_GPU_H
#define EG_CORE_LANE_GPU_H

#include "core/draws_gpu.h"
#include "core/features.h"
#include "core/monitor.h"
#include "core/noise_trace.h"
#include "core/order_gpu.h"
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
#define EG_WIDTH_MAX    (EG_DIM > 1 ? 3 * EG_DIM : 4) /* values of a trajectory: x, and those of a stepper or process */
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

typedef void (*eg_plain_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z,
                            const eg_row *rows);
typedef void (*eg_timed_fn)(const eg_params *p, const eg_uniforms *u, const eg_pull *pull, uint64_t realisation, eg_real *x,
                            eg_noise z);
typedef void (*eg_begin_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc);
typedef void (*eg_add_fn)(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row, eg_real z,
                          eg_real *acc);
typedef void (*eg_add_sample_fn)(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z,
                                 eg_real weight, eg_real *acc);
typedef void (*eg_end_fn)(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc);

/* ---- one thread ---- */

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

/* ---- records ---- */

EG_FN double eg_thread_displacement2(const eg_launch *a, const eg_lane *t, const eg_real *x) {
  double sum = 0;
  EG_ROLLED
  for (int k = 0; k < EG_DIM; k++) {
    const double start = (double)eg_start_value(a, t->realisation, t->point, (uint32_t)k);
    const double d = (double)eg_component(x, k) - start;
    sum = eg_fma(d, d, sum);
  }
  return sum;
}

EG_FN eg_row eg_row_of(const eg_launch *a, uint64_t row) {
  eg_row r;
  r.base = (const eg_real *)a->rows;
  r.n_rows = a->n_rows;
  r.row = row;
  return r;
}

#if EG_TRACED
EG_FN double eg_thread_noise_trace(const eg_params *p, const eg_uniforms *u, const eg_launch *a, const eg_real *x) {
#if EG_CAPS_ROWS
  const eg_real weight = (eg_real)(1.0 / (double)a->n_rows);
  eg_real mean[EG_DIM];
  double sum = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    mean[k] = 0;
  }
  EG_ROLLED
  for (uint32_t j = 0; j < a->n_rows; j++) {
    eg_add_row_gradient(p, u->staged, x, eg_row_of(a, j), weight, mean);
  }
  EG_ROLLED
  for (uint32_t j = 0; j < a->n_rows; j++) {
    sum = sum + eg_row_deviation2(p, u, x, eg_row_of(a, j), mean);
  }
  return sum / (double)a->n_rows;
#else
  (void)a;
  return eg_model_noise_trace(p, u, x);
#endif
}
#endif

EG_FN double eg_thread_state_feature(const eg_params *p, const eg_uniforms *u, const eg_launch *a, const eg_lane *t,
                                     eg_feature_code code, const eg_real *x) {
  if (code.id == EG_FEATURE_NORM2) {
    return eg_norm2(p, x);
  }
  if (code.id == EG_FEATURE_DISPLACEMENT2) {
    return eg_thread_displacement2(a, t, x);
  }
#if EG_CLOCKED
  if (code.id == EG_FEATURE_CLOCK) {
    return (double)x[EG_DIM];
  }
#endif
#if EG_CAPS_LOSS
  if (code.id == EG_FEATURE_LOSS) {
    return eg_feature_loss(p, u, x);
  }
  if (code.id == EG_FEATURE_GRADIENT_NORM2) {
    return eg_feature_gradient_norm2(p, u, x);
  }
#endif
#if EG_TRACED
  if (code.id == EG_FEATURE_NOISE_TRACE) {
    return eg_thread_noise_trace(p, u, a, x);
  }
#endif
  (void)p;
  (void)u;
  return (double)eg_component(x, code.component);
}

#if EG_WATCHED
/* Element i by selection: a run-time index would put the array on the stack. */
EG_FN double eg_monitor_pick(const double *values, uint32_t i) {
  double value = values[0];
  EG_UNROLL
  for (uint32_t k = 1; k < EG_MOST_MONITORS; k++) {
    value = k == i ? values[k] : value;
  }
  return value;
}

EG_FN void eg_monitor_put(double *values, uint32_t i, double value) {
  EG_UNROLL
  for (uint32_t k = 0; k < EG_MOST_MONITORS; k++) {
    values[k] = k == i ? value : values[k];
  }
}

/* Stored state of monitor i; `before` lies ld behind `value`. */
EG_FN double *eg_monitor_at(const eg_launch *a, const eg_lane *t, uint32_t i) {
  const uint64_t row = ((uint64_t)t->tile * a->n_points + t->point) * a->n_monitors + i;
  return a->monitor_state + row * 2 * a->ld + t->slot;
}

/* All monitors: begin at the start, or take the step t->step. */
EG_FN void eg_thread_monitors(const eg_params *p, const eg_uniforms *u, const eg_launch *a, eg_lane *t,
                              const eg_real *x, int is_start) {
  EG_ROLLED
  for (uint32_t i = 0; i < a->n_monitors; i++) {
    const eg_monitor *const m = &a->monitors[i];
    if (!is_start && !eg_monitor_is_open(m, t->step)) {
      continue;
    }
    const double f = eg_thread_state_feature(p, u, a, t, m->feature, x);
    double value = eg_monitor_start(m->operation, f), before = f;
    if (!is_start) {
      value = eg_monitor_pick(t->monitor_value, i);
      before = eg_monitor_pick(t->monitor_before, i);
      double now = (double)t->step;
#if EG_CLOCKED
      now = a->is_clocked && m->operation == EG_MONITOR_CROSSING ? (double)x[EG_DIM] : now;
#endif
      eg_monitor_step(m->operation, m->direction, m->level, now, f, &value, &before);
    }
    eg_monitor_put(t->monitor_value, i, value);
    eg_monitor_put(t->monitor_before, i, before);
  }
}

EG_FN void eg_monitors_load(const eg_launch *a, eg_lane *t) {
  EG_UNROLL
  for (uint32_t i = 0; i < EG_MOST_MONITORS; i++) {
    t->monitor_value[i] = t->monitor_before[i] = 0;
    if (i < a->n_monitors) {
      t->monitor_value[i] = eg_monitor_at(a, t, i)[0];
      t->monitor_before[i] = eg_monitor_at(a, t, i)[a->ld];
    }
  }
}

EG_FN void eg_monitors_store(const eg_launch *a, const eg_lane *t) {
  EG_UNROLL
  for (uint32_t i = 0; i < EG_MOST_MONITORS; i++) {
    if (i < a->n_monitors) {
      eg_monitor_at(a, t, i)[0] = t->monitor_value[i];
      eg_monitor_at(a, t, i)[a->ld] = t->monitor_before[i];
    }
  }
}
#endif

EG_FN double eg_thread_feature(const eg_params *p, const eg_uniforms *u, const eg_launch *a, const eg_lane *t,
                               eg_feature_code code, const eg_real *x) {
#if EG_WATCHED && EG_CLOCKED
  if (a->is_clocked && (code.id == EG_FEATURE_EXIT_TIME || code.id == EG_FEATURE_MONITOR_TIME)) {
    const double first = code.id == EG_FEATURE_EXIT_TIME ? eg_exit_time(t->monitor_value, 1, code.component)
                                                         : eg_monitor_pick(t->monitor_value, (uint32_t)code.component);
    return first >= 0 ? first : (double)x[EG_DIM];
  }
#endif
#if EG_WATCHED
  if (code.id == EG_FEATURE_EXIT) {
    return eg_exit_first(t->monitor_value, 1, code.component);
  }
  if (code.id == EG_FEATURE_EXIT_TIME) {
    const double first = eg_exit_time(t->monitor_value, 1, code.component);
    return (first >= 0 ? first : (double)eg_last_made(t->monitor_value, 1, a->absorbing, t->step)) * a->h;
  }
  if (code.id >= EG_FEATURE_MONITOR) {
    const double value = eg_monitor_pick(t->monitor_value, (uint32_t)code.component);
    const uint64_t made = a->is_clocked ? t->step : eg_last_made(t->monitor_value, 1, a->absorbing, t->step);
    return eg_monitor_column(&a->monitors[code.component], code.id, made, a->h, value);
  }
#endif
  return eg_thread_state_feature(p, u, a, t, code, x);
}

/* Where the first feature of record r goes; features are ld apart. */
EG_FN double *eg_record_at(const eg_launch *a, const eg_lane *t, uint32_t record) {
  const uint64_t row = ((uint64_t)t->tile * a->n_records + record) * a->n_points + t->point;
  return a->records + row * a->n_features * a->ld + t->slot;
}

/* Write the wanted features of record r; 0 if one of them is not finite. */
EG_FN int eg_record_write(int extra, const eg_params *p, const eg_uniforms *u, const eg_launch *a, const eg_lane *t,
                          uint32_t record, const eg_real *x) {
  double *const out = eg_record_at(a, t, record);
  double sum = 0;
  EG_ROLLED
  for (uint32_t f = eg_columns_from(a, record); f < eg_columns_to(a, record); f++) {
    double value = eg_thread_feature(p, u, a, t, a->features[f], x);
    EG_UNROLL
    for (int k = EG_DIM; k < EG_DIM + (extra >= EG_DIM ? EG_DIM : 0); k++) { /* velocity */
      value = a->features[f].id == EG_FEATURE_X && a->features[f].component == k ? (double)x[k] : value;
    }
    sum += value * 0.0;
    out[(uint64_t)f * a->ld] = value;
  }
  return sum == 0;
}

EG_FN void eg_record_mask(const eg_launch *a, const eg_lane *t, uint32_t record) {
  double *const out = eg_record_at(a, t, record);
  EG_ROLLED
  for (uint32_t f = 0; f < a->n_features; f++) {
    out[(uint64_t)f * a->ld] = eg_double_of_bits(0x7ff8000000000000ull);
  }
}

/* ---- steps ---- */

/* The constants that make one kernel: what is called, and what a step takes. */
enum { EG_FORM_PLAIN = 0, EG_FORM_ROWS = 1, EG_FORM_DATA = 2, EG_FORM_SAMPLES = 3, EG_FORM_NODES = 4, EG_FORM_TIMED = 5 };

typedef struct eg_form {
  int form, kind;
  int normals, rows; /* a step, EG_FORM_PLAIN and EG_FORM_TIMED; normals of a sample, EG_FORM_SAMPLES */
  int extra;         /* values behind x: of a chain, whose coefficients change with the step */
  eg_plain_fn step;
  eg_timed_fn timed;
  eg_begin_fn begin;
  eg_add_fn add;
  eg_add_sample_fn add_sample;
  eg_end_fn end;
} eg_form;

/* Step `step` with the draws that wait from place `first` on. */
EG_FN void eg_thread_step(const eg_form *f, const eg_params *p, const eg_uniforms *u, const eg_launch *a,
                          eg_lane *t, uint64_t step, int first, eg_real *x) {
  eg_real draws[EG_MOST_NORMALS];
  eg_row rows[2];
  eg_noise z;
  EG_UNROLL
  for (int k = 0; k < f->normals; k++) {
    draws[k] = eg_queue_draw(&t->increments, f->kind, first + k, t->table5);
  }
  EG_UNROLL
  for (int k = 0; k < f->rows; k++) {
    eg_index_ready(&t->rows, a->key, t->realisation, a->n_rows, t->reject);
    rows[k] = eg_row_of(a, (uint64_t)(uint32_t)t->rows.row[0]);
    eg_index_drop(&t->rows);
    t->rows.left--;
  }
  z.z = draws;
  if (EG_IS_TIGHT) {
    EG_FENCE();
  }
  if (f->form == EG_FORM_TIMED) {
    const eg_pull pull = eg_pull_of(p, a->key, step, a->h);
    f->timed(p, u, &pull, t->realisation, x, z);
    return;
  }
  f->step(p, u, x, z, rows);
}

EG_FN void eg_thread_uniforms(const eg_form *f, const eg_launch *a, uint64_t step, eg_uniforms *u) {
  if (f->extra > 0) {
    eg_uniforms_at(u, a, step);
  }
}

/* `todo` steps from `step` on. While fewer than n_checked remain, looks at the state after each and stops after the
   first bad one; returns the number of steps not made then, else n_checked. */
EG_FN uint32_t eg_run_plain(const eg_form *f, const eg_params *p, eg_uniforms *u, const eg_launch *a, eg_lane *t,
                            eg_real *x, uint64_t step, uint32_t todo, uint32_t n_checked) {
  const int n = f->normals;
  const int n_blocks = n > 0 ? eg_queue_blocks(f->kind, n) : 0;
  const int steps = n > 0 ? eg_queue_steps(f->kind, n) : 1;
  const int chunk = n > 0 && f->extra == 0 && f->form == EG_FORM_PLAIN ? eg_chunk_steps(f->kind, n) : 1;
  eg_queue *const q = &t->increments;
  EG_ROLLED
  while (todo > 0) {
    if (n > 0) {
      eg_queue_ready(q, f->kind, n, a->key, t->realisation);
    }
    if (chunk > 1 && q->left >= (uint32_t)chunk && todo >= (uint32_t)chunk && n_checked == 0) {
      EG_UNROLL
      for (int s = 0; s < chunk; s++) {
        eg_thread_step(f, p, u, a, t, step, s * n, x);
      }
      if (chunk < steps) {
        eg_queue_drop(q, f->kind, n_blocks, chunk * n);
      }
      q->left -= (uint32_t)chunk;
      todo -= (uint32_t)chunk;
      continue;
    }
    eg_thread_uniforms(f, a, step, u);
    eg_thread_step(f, p, u, a, t, step, 0, x);
    step++; /* of those that ask for it, whose chunks are single steps */
    if (steps > 1) {
      eg_queue_drop(q, f->kind, n_blocks, n);
      q->left--;
    }
    todo--;
    if (todo < n_checked && !eg_state_is_finite(x)) {
      return todo;
    }
  }
  return n_checked;
}

/* The elements of a fold with one increment each: all data rows in order. */
EG_FN void eg_fold_data(const eg_form *f, const eg_params *p, const eg_uniforms *u, const eg_launch *a,
                        eg_lane *t, const eg_real *x, eg_real *acc) {
  const int n_blocks = eg_queue_blocks(f->kind, 1);
  const int chunk = EG_DIM > 12 ? 1 : 4; /* short of registers, or what divides the draws of a block of every kind but gaussian64 */
  eg_queue *const q = &t->increments;
  EG_ROLLED
  for (uint32_t i = 0; i < a->fold_count;) {
    eg_queue_ready(q, f->kind, 1, a->key, t->realisation);
    if (q->left >= (uint32_t)chunk && a->fold_count - i >= (uint32_t)chunk) {
      EG_UNROLL
      for (int s = 0; s < chunk; s++) {
        f->add(p, u, x, eg_row_of(a, i + (uint32_t)s), eg_queue_draw(q, f->kind, s, t->table5), acc);
      }
      eg_queue_drop(q, f->kind, n_blocks, chunk);
      q->left -= (uint32_t)chunk;
      i += (uint32_t)chunk;
      continue;
    }
    f->add(p, u, x, eg_row_of(a, i), eg_queue_draw(q, f->kind, 0, t->table5), acc);
    eg_queue_drop(q, f->kind, n_blocks, 1);
    q->left--;
    i++;
  }
}

/* The next row of a minibatch, element i of step `step`. */
EG_FN eg_row eg_next_row(const eg_launch *a, eg_lane *t, uint64_t step, uint32_t i) {
#if EG_PERMUTED
  if (i == 0) {
    eg_permuted_step(&t->permuted, a, step);
  }
  return eg_row_of(a, eg_permuted_row(&t->permuted, a, t->realisation, i));
#else
  (void)step;
  (void)i;
  eg_index_ready(&t->rows, a->key, t->realisation, a->n_rows, t->reject);
  const eg_row row = eg_row_of(a, (uint64_t)(uint32_t)t->rows.row[0]);
  eg_index_drop(&t->rows);
  t->rows.left--;
  return row;
#endif
}

#if EG_NOISY
/* The row of draw q with noise on its inputs and target, in `values`: increments q (dim + 1) onwards, the target's the last. */
EG_FN eg_row eg_noisy_row(int kind, const eg_launch *a, eg_draws *noise, uint64_t q, eg_row row, eg_real *values) {
  const uint32_t dim = a->dim;
  eg_row noisy;
  noise->step = q;
  EG_UNROLL
  for (int k = 0; k <= EG_DIM; k++) {
    values[k] = EG_ROW(row, k);
  }
  EG_ROLLED
  for (uint32_t k = 0; k <= dim; k++) { /* rolled: one copy of the generator; padded inputs have no noise */
    const eg_real z = eg_draws_increment(noise, kind, dim + 1, k);
    const eg_real size = (eg_real)(k == dim ? a->label_noise : a->input_noise);
    EG_UNROLL
    for (uint32_t j = 0; j <= EG_DIM; j++) {
      const int is_here = j == (k == dim ? EG_DIM : k);
      values[j] = is_here ? eg_mad(size, z, values[j]) : values[j];
    }
  }
  noisy.base = values; /* one row in the layout of core/rows.h */
  noisy.n_rows = 1;
  noisy.row = 0;
  return noisy;
}
#endif

/* The elements of a fold over fold_count random rows; chains weight them. */
EG_FN void eg_fold_rows(const eg_form *f, const eg_params *p, const eg_uniforms *u, const eg_launch *a, eg_lane *t,
                        uint64_t step, const eg_real *x, eg_real *acc) {
  const uint32_t count = f->extra == 0 ? a->fold_count : u->count;
  EG_ROLLED
  for (uint32_t i = 0; i < count; i++) {
    const eg_real weight = f->extra == 0 ? (eg_real)0 : i < u->half ? u->weight_first : u->weight_second;
#if EG_NOISY
    eg_real values[EG_DIM + 1];
    const eg_row row = eg_next_row(a, t, step, i);
    f->add(p, u, x, eg_noisy_row(f->kind, a, &t->row_noise, step * a->fold_count + i, row, values), weight, acc);
#else
    f->add(p, u, x, eg_next_row(a, t, step, i), weight, acc);
#endif
  }
  if (f->extra > 0 && count < a->fold_count) { /* a scheduled batch: the other draws of the step are left out */
    eg_index_seek(&t->rows, (step + 1) * a->fold_count);
  }
}

/* The elements of a fold over fold_count random rows with one increment each. */
EG_FN void eg_fold_nodes(const eg_form *f, const eg_params *p, const eg_uniforms *u, const eg_launch *a, eg_lane *t,
                         uint64_t step, const eg_real *x, eg_real *acc) {
  const int n_blocks = eg_queue_blocks(f->kind, 1);
  eg_queue *const q = &t->increments;
  EG_ROLLED
  for (uint32_t i = 0; i < a->fold_count; i++) {
    eg_queue_ready(q, f->kind, 1, a->key, t->realisation);
    f->add(p, u, x, eg_next_row(a, t, step, i), eg_queue_draw(q, f->kind, 0, t->table5), acc);
    eg_queue_drop(q, f->kind, n_blocks, 1);
    q->left--;
  }
}

/* The elements of a fold over fold_count fresh samples of f->normals increments each; chains weight them. */
EG_FN void eg_fold_samples(const eg_form *f, const eg_params *p, const eg_uniforms *u, const eg_launch *a,
                           eg_lane *t, uint64_t step, const eg_real *x, eg_real *acc) {
  const int n = f->normals, n_blocks = eg_queue_blocks(f->kind, n);
  const uint32_t count = f->extra == 0 ? a->fold_count : u->count;
  eg_queue *const q = &t->increments;
  EG_ROLLED
  for (uint32_t i = 0; i < count; i++) {
    const eg_real weight = f->extra == 0 ? (eg_real)1 : i < u->half ? u->weight_first : u->weight_second;
    eg_real draws[EG_MOST_NORMALS];
    eg_noise z;
    eg_queue_ready(q, f->kind, n, a->key, t->realisation);
    EG_UNROLL
    for (int k = 0; k < n; k++) {
      draws[k] = eg_queue_draw(q, f->kind, k, t->table5);
    }
    z.z = draws;
    f->add_sample(p, u, x, z, weight, acc);
    if (eg_queue_steps(f->kind, n) > 1) {
      eg_queue_drop(q, f->kind, n_blocks, n);
      q->left--;
    }
  }
  if (f->extra > 0 && count < a->fold_count) { /* as in eg_fold_rows */
    eg_queue_seek(q, f->kind, n, (step + 1) * a->fold_count);
  }
}

EG_FN uint32_t eg_run_fold(const eg_form *f, const eg_params *p, eg_uniforms *u, const eg_launch *a, eg_lane *t,
                           eg_real *x, uint64_t step, uint32_t todo, uint32_t n_checked) {
  EG_ROLLED
  for (; todo > 0; step++) {
    eg_real acc[EG_ACC_MAX];
    eg_thread_uniforms(f, a, step, u);
    f->begin(p, u, x, acc);
    if (f->form == EG_FORM_DATA) {
      eg_fold_data(f, p, u, a, t, x, acc);
    } else if (f->form == EG_FORM_SAMPLES) {
      eg_fold_samples(f, p, u, a, t, step, x, acc);
    } else if (f->form == EG_FORM_NODES) {
      eg_fold_nodes(f, p, u, a, t, step, x, acc);
    } else {
      eg_fold_rows(f, p, u, a, t, step, x, acc);
    }
    f->end(p, u, x, acc);
    todo--;
    if (todo < n_checked && !eg_state_is_finite(x)) {
      return todo;
    }
  }
  return n_checked;
}

/* Stand before step `step`. */
EG_FN void eg_thread_seek(const eg_form *f, const eg_launch *a, eg_lane *t, uint64_t step) {
  if (f->form == EG_FORM_DATA) {
    eg_queue_seek(&t->increments, f->kind, 1, step * a->fold_count);
  } else if (f->form == EG_FORM_NODES) {
    eg_queue_seek(&t->increments, f->kind, 1, step * a->fold_count);
    eg_index_seek(&t->rows, step * a->fold_count);
  } else if (f->form == EG_FORM_SAMPLES) {
    eg_queue_seek(&t->increments, f->kind, f->normals, step * a->fold_count);
  } else if (f->form == EG_FORM_ROWS) {
    eg_index_seek(&t->rows, step * a->fold_count);
  } else {
    if (f->normals > 0) {
      eg_queue_seek(&t->increments, f->kind, f->normals, step);
    }
    if (f->rows > 0) {
      eg_index_seek(&t->rows, step * (uint64_t)f->rows);
    }
  }
}

/* Who this thread is; 0: nobody. 0 <= thread < tiles * n_points * ld. */
EG_FN int eg_lane_place(const eg_launch *a, const float *table5, uint64_t thread, eg_lane *t) {
  t->slot = (uint32_t)(thread % a->ld);
  t->point = (uint32_t)(thread / a->ld % a->n_points);
  t->tile = (uint32_t)(thread / a->ld / a->n_points);
  const uint64_t in_tiles = (uint64_t)t->tile * a->ld + t->slot;
  t->realisation = a->realisation_first + in_tiles;
  t->reject = a->n_rows > 0 ? (0u - a->n_rows) % a->n_rows : 0;
  t->table5 = table5;
  if (in_tiles >= a->n_lanes) {
    return 0;
  }
#if EG_PERMUTED
  eg_permuted_begin(&t->permuted, a, thread);
#endif
#if EG_STABLE
  t->increments.tail_index = a->tail_index;
  t->increments.block = 0; /* a seek follows, which gcc does not see */
#endif
#if EG_NOISY
  eg_draws_begin(&t->row_noise, a, t->realisation);
#endif
  return 1;
}

EG_FN uint32_t eg_run(const eg_form *f, const eg_params *p, eg_uniforms *u, const eg_launch *a, eg_lane *t, eg_real *x,
                      uint64_t step, uint32_t todo, uint32_t n_checked) {
  return f->form == EG_FORM_PLAIN || f->form == EG_FORM_TIMED ? eg_run_plain(f, p, u, a, t, x, step, todo, n_checked)
                                                              : eg_run_fold(f, p, u, a, t, x, step, todo, n_checked);
}

#if EG_WATCHED
/* One thread from the start (or the stored state) through all records to step_last, step by step: nothing is missed, so
   nothing need be searched. One that an absorbing crossing has stopped makes no steps: a warp of such is through at once. */
EG_FN void eg_thread_advance(const eg_form *f, const eg_params *p, const eg_launch *a, const eg_real *staged,
                             const float *table5, uint64_t index) {
#if EG_PERMUTED
  const uint64_t thread = index; /* working memory has the permutations */
#else
  const uint64_t thread = eg_ordered_slot(a, index);
#endif
  eg_lane lane;
  eg_lane *const t = &lane;
  if (!eg_lane_place(a, table5, thread, t)) {
    return;
  }
  eg_uniforms uniforms = eg_uniforms_of(a);
  eg_uniforms *const u = &uniforms;
  uniforms.staged = staged;

  eg_real x[EG_WIDTH_MAX];
  uint64_t first_bad = EG_NEVER;
  t->step = a->step_first;
  eg_monitors_load(a, t);
  if (a->is_restart) {
    eg_state_load(f->extra, a, t, x);
    first_bad = a->first_bad[thread];
  } else {
    eg_state_begin(f->extra, a, t, x);
    eg_thread_monitors(p, u, a, t, x, 1);
  }
  eg_thread_seek(f, a, t, t->step);
  EG_ROLLED
  for (uint32_t record = 0; record <= a->n_records; record++) {
    const int is_end = record == a->n_records;
    const uint64_t stop = is_end ? a->step_last : a->record_steps[record];
    EG_ROLLED
    while (t->step < stop) {
      if (a->absorbing != 0 && eg_is_stopped(t->monitor_value, 1, a->absorbing)) {
        t->step = stop;
        break;
      }
      eg_run(f, p, u, a, t, x, t->step, 1, 0);
      t->step++;
      if (first_bad == EG_NEVER && !eg_state_is_finite(x)) {
        first_bad = t->step;
      }
      eg_thread_monitors(p, u, a, t, x, 0);
    }
    int is_bad = first_bad != EG_NEVER || !eg_state_is_finite(x);
    if (!is_end) {
      is_bad |= !eg_record_write(f->extra, p, u, a, t, record, x);
    }
    if (is_bad) {
      first_bad = first_bad == EG_NEVER ? t->step : first_bad; /* the state is finite, a feature is not */
      eg_state_spoil(x);                                       /* stays masked for good */
      if (!is_end) {
        eg_record_mask(a, t, record);
      }
    }
  }
  eg_state_store(f->extra, a, t, x);
  eg_monitors_store(a, t);
  a->first_bad[thread] = first_bad;
}
#else
/* One thread from the start (or the stored state) through all records to step_last. The steps of a segment stand at one
   place in the code, so a search for the first bad step comes back to it. */
EG_FN void eg_thread_advance(const eg_form *f, const eg_params *p, const eg_launch *a, const eg_real *staged,
                             const float *table5, uint64_t thread) {
  eg_lane lane;
  eg_lane *const t = &lane;
  if (!eg_lane_place(a, table5, thread, t)) {
    return;
  }
  eg_uniforms uniforms = eg_uniforms_of(a);
  eg_uniforms *const u = &uniforms;
  uniforms.staged = staged;

  eg_real x[EG_WIDTH_MAX];
  uint64_t first_bad = EG_NEVER;
  if (a->is_restart) {
    eg_state_load(f->extra, a, t, x);
    first_bad = a->first_bad[thread];
  } else {
    eg_state_begin(f->extra, a, t, x);
    eg_state_store(f->extra, a, t, x);
  }

  uint64_t kept = a->step_first;                       /* step of the state in memory */
  uint64_t step = a->step_first, from = a->step_first; /* now, and the place before that was looked at */
  int is_search = 0;
  eg_thread_seek(f, a, t, step);
  EG_ROLLED
  for (uint32_t record = 0; record <= a->n_records;) {
    const int is_end = record == a->n_records;
    const uint64_t wanted = is_end ? a->step_last : a->record_steps[record];
    const uint64_t stop = wanted > from ? wanted : from;
    const uint32_t n_checked = is_search ? (uint32_t)(stop - from) : 0;
    const uint32_t rest = eg_run(f, p, u, a, t, x, step, (uint32_t)(stop - step), n_checked);
    step = stop;
    int is_bad = is_search;
    if (is_search) {
      first_bad = rest < n_checked ? stop - rest : stop; /* none: the state is finite, a feature is not */
      is_search = 0;
      eg_thread_seek(f, a, t, step);
    } else {
      is_bad = !eg_state_is_finite(x);
      if (!is_end) {
        is_bad |= !eg_record_write(f->extra, p, u, a, t, record, x);
      }
      if (is_bad && first_bad == EG_NEVER) {
        eg_state_load(f->extra, a, t, x);
        eg_thread_seek(f, a, t, kept);
        step = kept;
        is_search = 1;
        continue;
      }
    }
    if (is_bad) {
      eg_state_spoil(x); /* stays masked for good */
      if (!is_end) {
        eg_record_mask(a, t, record);
      }
    }
    if (step - kept >= EG_KEEP_STEPS) {
      eg_state_store(f->extra, a, t, x);
      kept = step;
    }
    from = step;
    record++;
  }
  eg_state_store(f->extra, a, t, x);
  a->first_bad[thread] = first_bad;
}
#endif

#endif
