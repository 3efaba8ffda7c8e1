/* Segments of plain steps, each of a few increments and rows, and of steps that know the time. Part of core/lane_cpu.h. */
#ifndef EG_CORE_STEPS_CPU_H
#define EG_CORE_STEPS_CPU_H

#include "core/widen_cpu.h"

/* Where a state is one number, the block stays in 8 of 32 registers from step to step: a step would wait for the one before to be read
   back from memory. */
#if EG_DIM == 1 && defined(__AVX512F__)
#define EG_HOLDS_BLOCK 1
#else
#define EG_HOLDS_BLOCK 0
#endif

/* In one dimension, steps of at most so many increments get them as numbers of the state's type, EG_WIDE_LANES at a time: gcc would take
   float and double together in vectors of 16 lanes, in halves. Steps of more dimensions are long enough to gain from halves: one
   vector after the other made signsgd-sde, whose erf is one chain of operations, a quarter slower. */
#define EG_MOST_WIDE 16

#define EG_IS_WIDENED (EG_DIM == 1 && EG_REAL_BITS != EG_NOISE_BITS && EG_WIDE_LANES < EG_LANES)

/* Increments of EG_WIDE_LANES lanes in the type of the state. */
EG_FN void widen(int normals, const eg_noise_real *noise, eg_real *wide) {
  EG_UNROLL
  for (int k = 0; k < normals; k++) {
    eg_widen_lanes(noise + k * EG_LANES, wide + k * EG_WIDE_LANES);
  }
}

/* One step of lanes first .. first + EG_WIDE_LANES - 1, of the state x; step_fn is a constant. */
EG_FN void step_vector(eg_plain_fn step_fn, int normals, int extra, const eg_params *p, const eg_uniforms *u, int first,
                       eg_real *x, const eg_noise_real *noise) {
  eg_real wide[EG_MOST_WIDE * EG_WIDE_LANES];
  widen(normals, noise + first, wide);
  _Pragma("omp simd")
  for (int l = 0; l < EG_WIDE_LANES; l++) {
    lane_plain(step_fn, extra, p, u, x + first + l, noise + first + l, wide + l, NULL);
  }
}

/* One step of all lanes. */
EG_FN void step_plain(eg_plain_fn step_fn, int normals, int extra, const eg_params *p, const eg_uniforms *u, eg_real *x,
                      const eg_noise_real *noise) {
#if EG_SYMROOT_BLOCK
  if (step_fn == eg_step_euler_symroot || step_fn == eg_step_strang_symroot) {
    step_symroot(step_fn == eg_step_strang_symroot, p, u, x, noise);
    return;
  }
#endif
  if (EG_IS_WIDENED && normals > 0 && normals <= EG_MOST_WIDE) {
    for (int first = 0; first < EG_LANES; first += EG_WIDE_LANES) {
      step_vector(step_fn, normals, extra, p, u, first, x, noise);
    }
    return;
  }
  LANES { lane_plain(step_fn, extra, p, u, x + l, noise + l, NULL, NULL); }
}

/* One step of all points with `rows` data rows each, group by group. */
EG_FN void step_rows(eg_plain_fn step_fn, int rows, int extra, const eg_params *p, const eg_launch *a, const eg_uniforms *u,
                     eg_real *points, const eg_noise_real *noise, const int32_t *index) {
  for (int first = 0; first < EG_LANES; first += EG_GROUP) {
    eg_real staged[2 * EG_GROUP_ROW];
    stage_group(a, index + first, rows, staged);
    for (uint32_t point = 0; point < a->n_points; point++) {
      eg_real *const x = points + (size_t)point * (size_t)(EG_DIM + extra) * EG_LANES + first;
      GROUP_LANES { lane_plain(step_fn, extra, p, u, x + l, noise + first + l, NULL, staged + l); }
    }
  }
}

#if EG_HOLDS_BLOCK
typedef eg_real eg_held __attribute__((vector_size(EG_WIDE_LANES * sizeof(eg_real)), aligned(sizeof(eg_real)), may_alias));
EG_STATIC_ASSERT(EG_LANES == (EG_REAL_BITS == 64 ? 8 : 4) * EG_WIDE_LANES, "the vectors of a block are written out below");
#define EG_EACH_OF_4(X) X(0) X(1) X(2) X(3)
#if EG_REAL_BITS == 64
#define EG_EACH_HELD(X) EG_EACH_OF_4(X) X(4) X(5) X(6) X(7)
#else
#define EG_EACH_HELD(X) EG_EACH_OF_4(X)
#endif

EG_FN eg_held step_held(eg_plain_fn step_fn, int normals, const eg_params *p, const eg_uniforms *u, eg_held held,
                        const eg_noise_real *noise) {
  eg_real x[EG_WIDE_LANES];
  *(eg_held *)x = held;
  step_vector(step_fn, normals, 0, p, u, 0, x, noise);
  return *(const eg_held *)x;
}

/* The next n steps of all lanes from `step` on, one step after the other: the state of a lane waits for its last step, and other lanes
   fill that time. Records of the tape are made on the way, the first at `due`; returns where the next one is. A name for each
   vector: of an array gcc keeps a copy in memory. */
EG_FN uint64_t steps_held(eg_plain_fn step_fn, int normals, const eg_params *p, const eg_uniforms *u, eg_real *x,
                          const eg_noise_real *noise, uint64_t n, uint64_t step, uint64_t due, eg_tape *tape) {
  const eg_held *const from = (const eg_held *)x;
#define LOAD(i) eg_held held##i = from[i];
#define STEP(i) held##i = step_held(step_fn, normals, p, u, held##i, noise + i * EG_WIDE_LANES);
#define KEEP(i) to[i] = held##i;
  EG_EACH_HELD(LOAD)
  for (const uint64_t last = step + n; step < last;) {
    const uint64_t end = due < last ? due : last;
    for (; step < end; step++, noise += normals * EG_LANES) {
      EG_EACH_HELD(STEP)
    }
    if (step == due) {
      const int is_column = sizeof(eg_real) == sizeof(double) && is_copy(tape);
      eg_held *const to = is_column ? (eg_held *)(void *)tape->column : (eg_held *)x;
      EG_EACH_HELD(KEEP)
      due = is_column ? next_copy(tape) : make_record(tape, x);
    }
  }
  eg_held *const to = (eg_held *)x;
  EG_EACH_HELD(KEEP)
#undef LOAD
#undef STEP
#undef KEEP
  return due;
}
#endif

/* Steps from < .. <= to of one block. */
EG_FN void steps_plain(eg_plain_fn step_fn, int normals, int rows, int extra, int rule_form, const eg_params *params,
                       const eg_launch *a, const eg_uniforms *uniforms, eg_thread *t, eg_block_state block,
                       uint64_t realisation, uint64_t from, uint64_t to) {
  const eg_params own_params = *params; /* copies that no store can reach: coefficients stay in registers */
  eg_uniforms own_uniforms = *uniforms;
  own_uniforms.rule_form = rule_form; /* its value, but known when compiled */
  const eg_params *const p = &own_params;
  const eg_uniforms *const u = &own_uniforms;
  eg_ahead *const ahead = block.ahead;
  uint64_t due = block.tape == NULL ? EG_NEVER : a->record_steps[block.tape->record];
  const int is_short = extra == 0 && rows == 0 && normals <= EG_MOST_WIDE; /* what step_vector takes */
  const int is_held = EG_HOLDS_BLOCK && is_short && a->n_points == 1; /* with its records */
  for (uint64_t step = from; step < to;) {
    uint64_t n = (due < to && !is_held ? due : to) - step;
    const eg_noise_real *noise = (const eg_noise_real *)t->noise;
    const int32_t *index = NULL;
    if (normals > 0) {
      const uint64_t q = step * (uint64_t)normals;
      if (q < ahead->first || q + (uint64_t)normals > ahead->last) {
        hold_noise(a, t, ahead, realisation, q, (uint64_t)normals, a->step_last * (uint64_t)normals);
      }
      noise += (q - ahead->first) * EG_LANES;
      const uint64_t held = (ahead->last - q) / (uint64_t)normals;
      n = held < n ? held : n;
    }
    if (rows > 0) {
      const uint64_t q = step * (uint64_t)rows;
      index = hold_index(a, t, ahead, realisation, q, (uint64_t)rows, a->step_last * (uint64_t)rows);
      const uint64_t held = (ahead->index_last - q) / (uint64_t)rows;
      n = held < n ? held : n;
    }
    uint64_t i = 0;
#if EG_HOLDS_BLOCK
    if (is_held) {
      due = steps_held(step_fn, normals, p, u, block.x, noise, n, step, due, block.tape);
      step += n;
      continue;
    }
    if (is_short) {
      for (uint32_t point = 0; point < a->n_points; point++) {
        (void)steps_held(step_fn, normals, p, u, block.x + (size_t)point * EG_LANES, noise, n, step, EG_NEVER, NULL);
      }
      i = n;
    }
#endif
    for (; i < n; i++) {
      if (extra > 0) {
        eg_uniforms_at(&own_uniforms, a, step + i);
      }
      if (rows > 0) {
        step_rows(step_fn, rows, extra, p, a, u, block.x, noise, index);
        index += rows * EG_LANES;
      }
      for (uint32_t point = 0; rows == 0 && point < a->n_points; point++) {
        eg_real *const x = block.x + (size_t)point * (size_t)(EG_DIM + extra) * EG_LANES;
        step_plain(step_fn, normals, extra, p, u, x, noise);
      }
      noise += normals * EG_LANES;
    }
    step += n;
    if (step == due) {
      due = make_record(block.tape, block.x);
    }
  }
}

/* A chain has a loop of its own for each form of its rule. */
EG_FN void segment_plain(eg_plain_fn step_fn, int normals, int rows, int extra, const eg_params *p, const eg_launch *a,
                         const eg_uniforms *u, eg_thread *t, eg_block_state block, uint64_t realisation, uint64_t from,
                         uint64_t to) {
  if (extra == 0 || u->rule_form == EG_RULE_CLIPPED) {
    steps_plain(step_fn, normals, rows, extra, EG_RULE_CLIPPED, p, a, u, t, block, realisation, from, to);
  } else if (u->rule_form == EG_RULE_FREE) {
    steps_plain(step_fn, normals, rows, extra, EG_RULE_FREE, p, a, u, t, block, realisation, from, to);
  } else {
    steps_plain(step_fn, normals, rows, extra, EG_RULE_BARE, p, a, u, t, block, realisation, from, to);
  }
}

/* The same for steps that know the time and pull. */
#if EG_HAS_EVENTS
EG_STATIC_ASSERT(EG_LANES * sizeof(eg_events) <= EG_ROWS_BYTES && EG_LANES == 64, "events of a block lie in the room of rows");

/* The events that wait, of all lanes. */
static eg_events *events_of(eg_thread *t, eg_ahead *ahead) {
  eg_events *const events = (eg_events *)t->rows;
  if (!ahead->has_events) {
    for (int l = 0; l < EG_LANES; l++) {
      events[l].first = -2.0 * EG_EVENTS_HELD; /* none */
    }
    ahead->has_events = 1;
  }
  return events;
}

/* One step of lanes whose next event lies beyond. */
EG_FN void lane_quiet(int extra, const eg_params *p, const eg_pull *pull, eg_real *block, const eg_noise_real *noise) {
  eg_real x[EG_WIDTH_MAX];
  eg_noise z;
  z.z = noise;
  z.wide = NULL;
  lane_load(block, EG_DIM + extra, x);
  const eg_real before = x[0];
  const int is_quiet = (double)x[1] > pull->to;
  eg_exact_quiet(p, pull, x, z);
  block[0] = is_quiet ? x[0] : before;
}

/* One step of a block: all lanes side by side as if nothing happened, then those where something does. */
EG_FN void step_events(eg_timed_fn step_fn, int extra, const eg_params *p, const eg_uniforms *u, const eg_pull *pull,
                       const uint64_t *who, eg_events *events, eg_real *x, const eg_noise_real *noise) {
  const eg_real *const next = x + EG_LANES;
  eg_pull own = *pull;
  uint64_t due = 0;
  _Pragma("omp simd reduction(|:due)")
  for (int l = 0; l < EG_LANES; l++) {
    due |= (uint64_t)((double)next[l] <= pull->to) << l;
  }
  LANES { lane_quiet(extra, p, pull, x + l, noise + l); }
  for (; due != 0; due &= due - 1) {
    const int l = __builtin_ctzll(due);
    own.events = events + l;
    lane_timed(step_fn, extra, p, u, &own, who[l], x + l, noise + l);
  }
}
#endif

EG_FN void segment_timed(eg_timed_fn step_fn, int normals, int extra, const eg_params *params, const eg_launch *a,
                         const eg_uniforms *uniforms, eg_thread *t, eg_block_state block, uint64_t realisation,
                         uint64_t from, uint64_t to) {
  const eg_params own_params = *params;
  const eg_uniforms own_uniforms = *uniforms;
  const eg_params *const p = &own_params;
  const eg_uniforms *const u = &own_uniforms;
  eg_ahead *const ahead = block.ahead;
  uint64_t who[EG_LANES];
  for (int l = 0; l < EG_LANES; l++) {
    who[l] = t->listed == NULL ? realisation + (uint64_t)l : (t->listed->first & ~0xffffffffull) | t->listed->low[l];
  }
#if EG_HAS_EVENTS
  eg_events *const events = events_of(t, ahead);
#endif
#if EG_EVENTS_ALONE
  normals = 0;
  from = from < to ? to - 1 : to;
#endif
  for (uint64_t step = from; step < to; step++) {
    const uint64_t q = step * (uint64_t)normals;
    if (normals > 0 && (q < ahead->first || q + (uint64_t)normals > ahead->last)) {
      hold_noise(a, t, ahead, realisation, q, (uint64_t)normals, a->step_last * (uint64_t)normals);
    }
    const eg_noise_real *const noise = (const eg_noise_real *)t->noise + (normals > 0 ? q - ahead->first : 0) * EG_LANES;
    const eg_pull pull = eg_pull_of(p, a->key, step, a->h);
    for (uint32_t point = 0; point < a->n_points; point++) {
      eg_real *const x = block.x + (size_t)point * (size_t)(EG_DIM + extra) * EG_LANES;
#if EG_HAS_EVENTS
      step_events(step_fn, extra, p, u, &pull, who, events, x, noise);
#else
      LANES { lane_timed(step_fn, extra, p, u, &pull, who[l], x + l, noise + l); }
#endif
    }
  }
}

#endif
