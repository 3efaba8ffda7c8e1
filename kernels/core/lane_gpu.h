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

#include "core/lane_record_gpu.h"
#include "core/lane_state_gpu.h"
#include "core/lane_step_gpu.h"
#include "core/order_gpu.h"

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
