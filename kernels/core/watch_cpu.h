/*
 * What the CPU driver sees of a block of trajectories: features and records, monitors, and states that are not finite. Part
 * of core/lane_cpu.h, which steps the block.
 */
#ifndef EG_CORE_WATCH_CPU_H
#define EG_CORE_WATCH_CPU_H

#ifndef EG_USER_MODEL /* src/model/user_model.c */
#define EG_USER_MODEL 0
#endif

EG_FN void lane_norm2(const eg_params *p, const eg_real *block, double *out) {
  eg_real x[EG_DIM];
  lane_load(block, EG_DIM, x);
  *out = eg_norm2(p, x);
}

EG_FN void lane_displacement2(const eg_params *p, const eg_real *block, const eg_real *start_block, double *out) {
  eg_real x[EG_DIM], start[EG_DIM];
  lane_load(block, EG_DIM, x);
  lane_load(start_block, EG_DIM, start);
  *out = eg_displacement2(p, x, start);
}

#if EG_CAPS_LOSS
EG_FN void lane_loss(const eg_params *p, const eg_uniforms *u, const eg_real *block, double *out) {
  eg_real x[EG_DIM];
  lane_load(block, EG_DIM, x);
  *out = eg_feature_loss(p, u, x);
}

EG_FN void lane_gradient_norm2(const eg_params *p, const eg_uniforms *u, const eg_real *block, double *out) {
  eg_real x[EG_DIM];
  lane_load(block, EG_DIM, x);
  *out = eg_feature_gradient_norm2(p, u, x);
}
#endif

#include "core/noise_trace_cpu.h"

/* Every feature but a coordinate, which is read where it lies. */
static __attribute__((noinline)) void block_feature(const eg_params *p, const eg_uniforms *u, eg_feature_code code,
                                                    const eg_real *x, const eg_real *start, double *out) {
  switch (code.id) {
  case EG_FEATURE_NORM2:
    LANES { lane_norm2(p, x + l, out + l); }
    break;
  case EG_FEATURE_DISPLACEMENT2:
    LANES { lane_displacement2(p, x + l, start + l, out + l); }
    break;
#if EG_CAPS_LOG_TIME
  case EG_FEATURE_CLOCK:
    block_coordinate(x, EG_DIM, out);
    break;
#endif
#if EG_CAPS_LOSS
  case EG_FEATURE_LOSS:
    LANES { lane_loss(p, u, x + l, out + l); }
    break;
  case EG_FEATURE_GRADIENT_NORM2:
    LANES { lane_gradient_norm2(p, u, x + l, out + l); }
    break;
#endif
#if EG_CAPS_LOSS && (EG_CAPS_ROWS || EG_CAPS_DIAGONAL || EG_CAPS_COVARIANCE)
  case EG_FEATURE_NOISE_TRACE:
    block_noise_trace(p, u, x, out);
    break;
#endif
  default: /* EG_FEATURE_X: block_coordinate; monitors: monitor_columns */
    break;
  }
  (void)p;
  (void)u;
}

/* ---- monitors ---- */

static double *monitor_values(const eg_walk *w, uint32_t point, uint32_t monitor) {
  return w->block.monitors + ((size_t)point * w->a->n_monitors + monitor) * 2 * EG_LANES;
}

/* The feature of a monitor in all lanes; a component is read where it lies. */
static const double *monitor_feature(const eg_walk *w, uint32_t point, const eg_monitor *m) {
  const size_t offset = (size_t)point * w->block.width * EG_LANES;
  if (sizeof(eg_real) == sizeof(double) && m->feature.id == EG_FEATURE_X) {
    return (const double *)(const void *)(w->block.x + offset + (size_t)m->feature.component * EG_LANES);
  }
  if (m->feature.id == EG_FEATURE_X) {
    block_coordinate(w->block.x + offset, m->feature.component, w->block.feature);
  } else {
    const eg_real *const start = w->block.start + (size_t)point * EG_DIM * EG_LANES;
    block_feature(w->p, w->u, m->feature, w->block.x + offset, start, w->block.feature);
  }
  return w->block.feature;
}

#define MONITOR_LANES(operation, direction)                                                                  \
  LANES { eg_monitor_step(operation, direction, level, number, f[l], &value[l], &before[l]); }               \
  break

#if EG_CAPS_LOG_TIME
/* A crossing at its physical time, which stands behind x. */
static void time_crossing(const eg_monitor *m, const eg_real *clock, const double *EG_RESTRICT f, double *EG_RESTRICT value,
                          double *EG_RESTRICT before) {
  for (int l = 0; l < EG_LANES; l++) {
    eg_monitor_step(EG_MONITOR_CROSSING, m->direction, m->level, (double)clock[l], f[l], &value[l], &before[l]);
  }
}
#endif

static void monitor_lanes(const eg_monitor *m, uint64_t step, const double *EG_RESTRICT f, double *EG_RESTRICT value,
                          double *EG_RESTRICT before) {
  const double level = m->level, number = (double)step;
  switch (m->operation * 4 + m->direction) {
  case EG_MONITOR_MINIMUM * 4:
    MONITOR_LANES(EG_MONITOR_MINIMUM, 0);
  case EG_MONITOR_MAXIMUM * 4:
    MONITOR_LANES(EG_MONITOR_MAXIMUM, 0);
  case EG_MONITOR_CROSSING * 4 + EG_DIRECTION_UP:
    MONITOR_LANES(EG_MONITOR_CROSSING, EG_DIRECTION_UP);
  case EG_MONITOR_CROSSING * 4 + EG_DIRECTION_DOWN:
    MONITOR_LANES(EG_MONITOR_CROSSING, EG_DIRECTION_DOWN);
  case EG_MONITOR_CROSSING * 4 + EG_DIRECTION_ANY:
    MONITOR_LANES(EG_MONITOR_CROSSING, EG_DIRECTION_ANY);
  default:
    MONITOR_LANES(EG_MONITOR_SUM, 0);
  }
}

static void load_monitors(const eg_walk *w) {
  const eg_launch *const a = w->a;
  for (uint32_t i = 0; i < a->n_points * a->n_monitors; i++) {
    const eg_monitor *const m = &a->monitors[i % a->n_monitors];
    double *const value = monitor_values(w, i / a->n_monitors, i % a->n_monitors);
    const double *const stored = a->monitor_state + (size_t)i * 2 * a->ld + w->slot;
    if (a->is_restart) {
      memcpy(value, stored, EG_LANES * sizeof *value);
      memcpy(value + EG_LANES, stored + a->ld, EG_LANES * sizeof *value);
      continue;
    }
    const double *const f = monitor_feature(w, i / a->n_monitors, m);
    for (int l = 0; l < EG_LANES; l++) {
      value[l] = eg_monitor_start(m->operation, f[l]);
      value[EG_LANES + l] = f[l];
    }
  }
}

static void store_monitors(const eg_walk *w) {
  const eg_launch *const a = w->a;
  for (uint32_t i = 0; i < a->n_points * a->n_monitors * 2; i++) {
    memcpy(a->monitor_state + (size_t)i * a->ld + w->slot, w->block.monitors + (size_t)i * EG_LANES,
           EG_LANES * sizeof(double));
  }
}

static uint64_t last_made(const eg_walk *w, const double *values, uint64_t step) {
  return w->a->is_clocked ? step : eg_last_made(values, 2 * EG_LANES, w->a->absorbing, step);
}

/* Columns of crossings that compete; a value may be a physical time, and then `clock` is too. */
static void exit_columns(const eg_walk *w, uint32_t point, eg_feature_code code, uint64_t step, double *out) {
  const double *const values = monitor_values(w, point, 0);
  const double h = w->a->h;
  for (int l = 0; l < EG_LANES; l++) {
    if (code.id == EG_FEATURE_EXIT) {
      out[l] = eg_exit_first(values + l, 2 * EG_LANES, code.component);
    } else {
      const double first = eg_exit_time(values + l, 2 * EG_LANES, code.component);
      out[l] = (first >= 0 ? first : (double)last_made(w, values + l, step)) * h;
    }
  }
#if EG_CAPS_LOG_TIME
  const eg_real *const clock = w->block.x + ((size_t)point * w->block.width + EG_DIM) * EG_LANES;
  for (int l = 0; w->a->is_clocked && code.id == EG_FEATURE_EXIT_TIME && l < EG_LANES; l++) {
    const double first = eg_exit_time(values + l, 2 * EG_LANES, code.component);
    out[l] = first >= 0 ? first : (double)clock[l];
  }
#endif
}

/* The columns of one monitor in a record. */
static void monitor_columns(const eg_walk *w, uint32_t point, eg_feature_code code, uint64_t step, double *out) {
  const eg_monitor *const m = &w->a->monitors[code.component];
  const double *const values = monitor_values(w, point, 0), *const value = values + (size_t)code.component * 2 * EG_LANES;
  for (int l = 0; l < EG_LANES; l++) {
    out[l] = eg_monitor_column(m, code.id, last_made(w, values + l, step), w->a->h, value[l]);
  }
#if EG_CAPS_LOG_TIME
  const eg_real *const clock = w->block.x + ((size_t)point * w->block.width + EG_DIM) * EG_LANES;
  for (int l = 0; w->a->is_clocked && code.id == EG_FEATURE_MONITOR_TIME && l < EG_LANES; l++) {
    out[l] = value[l] >= 0 ? value[l] : (double)clock[l];
  }
#endif
}

#include "core/stopped_cpu.h"

/* ---- records of the block ---- */

/* From one column of a record to the next, and where those of the first point begin, for the block in hand. */
EG_FN size_t record_ld(const eg_walk *w) {
  return w->t->sink == NULL ? w->a->ld : EG_LANES;
}
EG_FN double *record_at(const eg_walk *w, uint32_t record) {
  const eg_launch *const a = w->a;
  return a->records + (size_t)record * a->n_points * a->n_features * record_ld(w) + (w->t->sink == NULL ? w->slot : 0);
}

/* ---- states that are not finite ---- */

/* The bits of |v| as a number: those of infinity and NaN are the largest. */
#define EG_SIZE_INFINITE 0xffe0000000000000ull
EG_FN uint64_t lane_size(double v) {
  return eg_bits64(v) << 1;
}

/* The largest size of n blocks of EG_LANES values, or `most` before. One reduction, since nearly always all are finite. */
EG_FN uint64_t largest_size(const eg_real *x, int n, uint64_t most) {
  for (int k = 0; k < n; k++) {
    _Pragma("omp simd reduction(max : most)")
    for (int l = 0; l < EG_LANES; l++) {
      const uint64_t size = lane_size((double)x[k * EG_LANES + l]);
      most = size > most ? size : most;
    }
  }
  return most;
}

/* Is every component of a block finite? */
static inline int is_state_finite(const eg_real *x) {
  return largest_size(x, EG_DIM, 0) < EG_SIZE_INFINITE;
}

/* largest_size of a column of a record. */
EG_FN uint64_t largest_of_column(const double *column, uint64_t most) {
  _Pragma("omp simd reduction(max : most)")
  for (int l = 0; l < EG_LANES; l++) {
    const uint64_t size = lane_size(column[l]);
    most = size > most ? size : most;
  }
  return most;
}

/* The same of the columns of a record that are no coordinates: those are components. */
static inline int are_features_finite(const eg_feature_code *codes, const double *features, uint32_t from, uint32_t to,
                                      size_t ld) {
  uint64_t most = 0;
  for (uint32_t f = from; f < to; f++) {
    most = codes[f].id == EG_FEATURE_X ? most : largest_of_column(features + f * ld, most);
  }
  return most < EG_SIZE_INFINITE;
}

/* 1 for lanes whose state has a component that is not finite. */
static void mark_bad(const eg_real *x, uint8_t *bad) {
  LANES {
    eg_real sum = 0;
    for (int k = 0; k < EG_DIM; k++) {
      sum += x[k * EG_LANES + l] * (eg_real)0; /* 0, or NaN */
    }
    bad[l] = sum == 0 ? 0 : 1;
  }
}

/* Note `step` as the first bad one of every lane of a point that is bad now and was never before; of those in `among`
   only, unless it is NULL. */
static void note_first_bad(const eg_walk *w, uint32_t point, const uint8_t *among, uint64_t step) {
  uint64_t *const first_bad = w->a->first_bad + (size_t)point * w->a->ld + w->slot;
  uint8_t bad[EG_LANES];
  mark_bad(w->block.x + (size_t)point * w->block.width * EG_LANES, bad);
  for (int l = 0; l < EG_LANES; l++) {
    if (bad[l] && (among == NULL || among[l]) && first_bad[l] == EG_NEVER) {
      first_bad[l] = step;
    }
  }
}

/* The rare path: lanes in block.bad are not finite. Repeat the segment, which the backup may be some records behind, to
   find their first bad steps. */
static __attribute__((noinline, cold)) void find_first_bad(const eg_walk *w, uint64_t from, uint64_t to) {
  const size_t bytes = (size_t)w->a->n_points * w->block.width * EG_LANES * sizeof(eg_real);
  memcpy(w->block.kept, w->block.x, bytes);
  memcpy(w->block.x, w->block.backup, bytes);
  if (from > w->block.ahead->backup_step) {
    w->segment(w->p, w->a, w->u, w->t, &w->block, w->realisation, w->block.ahead->backup_step, from);
  }
  for (uint64_t step = from; step < to; step++) {
    w->segment(w->p, w->a, w->u, w->t, &w->block, w->realisation, step, step + 1);
    for (uint32_t point = 0; point < w->a->n_points; point++) {
      note_first_bad(w, point, w->block.bad + (size_t)point * EG_LANES, step + 1);
    }
  }
  memcpy(w->block.x, w->block.kept, bytes);
}

/* ---- steps and records ---- */

/* Steps one by one, with a look after each. Trajectories that have stopped are stepped on with the others of their block
   and put back at the end, if not before: points that move together see where the others stand. */
static __attribute__((noinline)) void watch_steps(const eg_walk *w, uint64_t from, uint64_t to) {
  const eg_launch *const a = w->a;
  if (a->absorbing != 0) {
    hold_all(w);
  }
  for (uint64_t step = from + 1; step <= to; step++) {
    if (a->absorbing != 0 && (step - from) % 64 == 1 && !is_moving(w)) {
      break;
    }
    w->segment(w->p, a, w->u, w->t, &w->block, w->realisation, step - 1, step);
    for (uint32_t point = 0; point < a->n_points; point++) {
      if (!is_state_finite(w->block.x + (size_t)point * w->block.width * EG_LANES)) {
        note_first_bad(w, point, NULL, step);
      }
      for (uint32_t i = 0; i < a->n_monitors; i++) {
        const eg_monitor *const m = &a->monitors[i];
        if (eg_monitor_is_open(m, step)) {
          double *const value = monitor_values(w, point, i);
#if EG_CAPS_LOG_TIME
          if (a->is_clocked && m->operation == EG_MONITOR_CROSSING) {
            const eg_real *const clock = w->block.x + ((size_t)point * w->block.width + EG_DIM) * EG_LANES;
            time_crossing(m, clock, monitor_feature(w, point, m), value, value + EG_LANES);
            continue;
          }
#endif
          monitor_lanes(m, step, monitor_feature(w, point, m), value, value + EG_LANES);
        }
      }
      if (a->absorbing != 0) {
        hold_new(w, point, step);
      }
    }
    if (a->absorbing != 0 && a->is_joint) {
      put_back(w);
    }
  }
  if (a->absorbing != 0) {
    put_back(w);
  }
}

static int is_watched(const eg_launch *a) {
  return a->n_monitors > 0 || a->is_watched;
}

static void advance_block(const eg_walk *w, uint64_t from, uint64_t to) {
  if (is_watched(w->a)) {
    watch_steps(w, from, to);
  } else {
    w->segment(w->p, w->a, w->u, w->t, &w->block, w->realisation, from, to);
  }
}

/* Lanes of one point that are bad after step `to`, into block.bad; returns whether there is one. `out`: a record, of whose
   columns first .. end - 1 are looked at, besides the state. */
static int find_bad(const eg_walk *w, uint32_t point, const double *out, uint32_t first, uint32_t end) {
  const eg_launch *const a = w->a;
  const eg_real *const x = w->block.x + (size_t)point * w->block.width * EG_LANES;
  const uint64_t *const first_bad = a->first_bad + (size_t)point * a->ld + w->slot;
  uint8_t *const bad = w->block.bad + (size_t)point * EG_LANES;
  if (!is_watched(a) && is_state_finite(x) && are_features_finite(a->features, out, first, end, record_ld(w))) {
    memset(bad, 0, EG_LANES);
    return 0;
  }
  int n_bad = 0;
  mark_bad(x, bad);
  for (int l = 0; l < EG_LANES; l++) {
    double sum = 0;
    for (uint32_t f = first; f < end; f++) {
      sum += out[f * record_ld(w) + (size_t)l] * 0.0;
    }
    /* a watched state may be finite again */
    bad[l] = (uint8_t)(bad[l] | (sum == 0.0 ? 0 : 1) | (is_watched(a) && first_bad[l] != EG_NEVER));
    n_bad += bad[l];
  }
  return n_bad > 0;
}

/* Mask the lanes of one point that are bad after step `to`. */
static void mask_bad(const eg_walk *w, uint32_t point, uint64_t to, double *out) {
  const eg_launch *const a = w->a;
  eg_real *const x = w->block.x + (size_t)point * w->block.width * EG_LANES;
  uint64_t *const first_bad = a->first_bad + (size_t)point * a->ld + w->slot;
  for (int l = 0; l < EG_LANES; l++) {
    if (!w->block.bad[(size_t)point * EG_LANES + (size_t)l]) {
      continue;
    }
    if (first_bad[l] == EG_NEVER) {
      first_bad[l] = to; /* the state is finite, a feature is not */
    }
    for (int k = 0; k < EG_DIM; k++) { /* stays masked for good */
      x[(size_t)k * EG_LANES + (size_t)l] = (eg_real)(0.0 * eg_double_of_bits(0x7ff0000000000000ull));
    }
    for (uint32_t f = 0; out != NULL && f < a->n_features; f++) {
      out[f * record_ld(w) + (size_t)l] = eg_double_of_bits(0x7ff8000000000000ull);
    }
  }
}

/* Is there a bad lane whose first bad step is not known? */
static int must_search(const eg_walk *w) {
  int n = 0;
  for (uint32_t point = 0; point < w->a->n_points && !is_watched(w->a); point++) {
    const uint64_t *const first_bad = w->a->first_bad + (size_t)point * w->a->ld + w->slot;
    for (int l = 0; l < EG_LANES; l++) {
      n += w->block.bad[(size_t)point * EG_LANES + (size_t)l] && first_bad[l] == EG_NEVER;
    }
  }
  return n > 0;
}

/* Makes the next record of a tape; returns the step of the one behind it. */
static __attribute__((noinline)) uint64_t record_due(eg_tape *t) {
  const eg_walk *const w = t->w;
  const eg_launch *const a = w->a;
  const size_t ld = record_ld(w), row = a->n_features * ld;
  double *out = record_at(w, t->record);
  const eg_real *x = w->block.x;
  const uint32_t first = eg_columns_from(a, t->record), end = eg_columns_to(a, t->record);
  for (uint32_t point = 0; point < a->n_points; point++, x += w->block.width * EG_LANES, out += row) {
    for (uint32_t f = first; f < end; f++) {
      const eg_feature_code code = a->features[f];
      double *const column = out + (size_t)f * ld;
      if (code.id == EG_FEATURE_X) {
        block_coordinate(x, code.component, column);
      } else {
        block_feature(w->p, w->u, code, x, w->block.start + (size_t)point * EG_DIM * EG_LANES, column);
      }
      /* Of coordinates too where the model is a user's, which may make a bad one good again before the next look at states. */
      t->most = code.id != EG_FEATURE_X || EG_USER_MODEL ? largest_of_column(column, t->most) : t->most;
    }
  }
  t->record++;
  t->column = t->column == NULL ? NULL : t->column + t->row;
  return t->record < t->last ? a->record_steps[t->record] : EG_NEVER;
}

/* The tape of records r .. last - 1. */
static eg_tape tape_of(const eg_walk *w, uint32_t r, uint32_t last) {
  const eg_launch *const a = w->a;
  const size_t ld = record_ld(w), row = a->n_features * ld;
  eg_tape tape = {w, r, last, 0, NULL, row, eg_columns_from(a, r), 0};
  const eg_feature_code *const code = a->features + tape.first;
  if (a->n_points == 1 && eg_columns_to(a, r) == tape.first + 1 && code->id == EG_FEATURE_X && !EG_USER_MODEL) {
    tape.column = record_at(w, r) + (size_t)tape.first * ld;
    tape.component = code->component;
  }
  return tape;
}

/* Is the next record of a tape a copy of one coordinate, of `column`? */
EG_FN int is_copy(const eg_tape *t) {
  const eg_launch *const a = t->w->a;
  return t->column != NULL && eg_columns_from(a, t->record) == t->first && eg_columns_to(a, t->record) == t->first + 1;
}

/* Behind the copy of a coordinate: returns the step of the next record. */
EG_FN uint64_t next_copy(eg_tape *t) {
  t->column += t->row;
  t->record++;
  if (t->record < t->last) { /* it lies in a second-level cache: fetched while steps are made */
    for (int l = 0; l < EG_LANES; l += 8) {
      __builtin_prefetch(t->column + l, 1, 3);
    }
  }
  return t->record < t->last ? t->w->a->record_steps[t->record] : EG_NEVER;
}

/* record_due on the way of a segment: the commonest record is a copy, and a call costs more. */
EG_FN uint64_t make_record(eg_tape *t, const eg_real *x) {
  if (!is_copy(t)) {
    return record_due(t);
  }
  block_coordinate(x, t->component, t->column);
  return next_copy(t);
}

/* Is every state of a block finite? */
static int is_block_finite(const eg_walk *w) {
  uint64_t most = 0;
  for (uint32_t point = 0; point < w->a->n_points; point++) {
    most = largest_size(w->block.x + (size_t)point * w->block.width * EG_LANES, EG_DIM, most);
  }
  return most < EG_SIZE_INFINITE;
}

/* Unwatched records r .. until the backup, which is of the step before r and of finite states, is old: made without a look at
   each, since a state that is bad stays so. Returns the record behind them, with *step at the last of them; or r, with
   everything as it was, if a state is bad there or a feature was: records are masked one by one then. */
static uint32_t take_records(eg_walk *w, int is_taped, uint32_t r, uint64_t *step) {
  const eg_launch *const a = w->a;
  const uint64_t from = *step, old = w->block.ahead->backup_step + EG_BACKUP_STEPS;
  uint32_t last = r + 1;
  while (last < a->n_records && a->record_steps[last - 1] < old) {
    last++;
  }
  eg_tape tape = tape_of(w, r, last);
  if (a->record_steps[r] == from) {
    (void)make_record(&tape, w->block.x);
  }
  if (is_taped && tape.record < tape.last) {
    w->block.tape = &tape;
    w->segment(w->p, a, w->u, w->t, &w->block, w->realisation, from, a->record_steps[tape.last - 1]);
    w->block.tape = NULL;
  }
  for (uint64_t at = from; tape.record < tape.last;) {
    const uint64_t to = a->record_steps[tape.record];
    w->segment(w->p, a, w->u, w->t, &w->block, w->realisation, at, to);
    (void)make_record(&tape, w->block.x);
    at = to;
  }
  if (tape.most < EG_SIZE_INFINITE && is_block_finite(w)) {
    *step = a->record_steps[tape.last - 1];
    return tape.last;
  }
  memcpy(w->block.x, w->block.backup, (size_t)a->n_points * w->block.width * EG_LANES * sizeof(eg_real));
  *step = w->block.ahead->backup_step;
  return r;
}

/* One look at a block after step `to` (the one before was at `from`): features into record `record`, unless it is
   n_records: the end of the launch; masks of lanes that are not finite. */
static __attribute__((noinline)) void look_at_block(const eg_walk *w, uint32_t record, uint64_t from, uint64_t to) {
  const eg_launch *const a = w->a;
  const eg_block_state block = w->block; /* a copy that no store can reach */
  const size_t ld = record_ld(w), row = a->n_features * ld;
  double *const out = record == a->n_records ? NULL : record_at(w, record);
  const uint32_t first = out == NULL ? 0 : eg_columns_from(a, record), end = out == NULL ? 0 : eg_columns_to(a, record);
  int n_bad = 0;
  for (uint32_t point = 0; point < a->n_points; point++) {
    const size_t offset = (size_t)point * block.width * EG_LANES;
    const eg_real *const start = block.start + (size_t)point * EG_DIM * EG_LANES;
    double *const columns = out == NULL ? NULL : out + point * row;
    for (uint32_t f = first; f < end; f++) {
      const eg_feature_code code = a->features[f];
      double *const column = columns + (size_t)f * ld;
      if (code.id == EG_FEATURE_X) {
        block_coordinate(block.x + offset, code.component, column);
      } else if (code.id >= EG_FEATURE_EXIT) {
        exit_columns(w, point, code, to, column);
      } else if (code.id >= EG_FEATURE_MONITOR) {
        monitor_columns(w, point, code, to, column);
      } else {
        block_feature(w->p, w->u, code, block.x + offset, start, column);
      }
    }
    n_bad += find_bad(w, point, columns, first, end);
  }
  if (n_bad == 0) {
    return;
  }
  if (must_search(w)) {
    find_first_bad(w, from, to);
  }
  for (uint32_t point = 0; point < a->n_points; point++) {
    mask_bad(w, point, to, out == NULL ? NULL : out + point * row);
  }
}

#endif
