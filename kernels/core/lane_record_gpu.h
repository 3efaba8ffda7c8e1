/* What one thread of core/lane_gpu.h sees of its state: features, records, monitors. */
#ifndef EG_CORE_LANE_RECORD_GPU_H
#define EG_CORE_LANE_RECORD_GPU_H

#include "core/features.h"
#include "core/lane_state_gpu.h"
#include "core/monitor.h"
#include "core/noise_trace.h"

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

#endif
