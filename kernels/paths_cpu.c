/* Values of path statistics on the CPU, compiled per ISA. The definition is in stats/paths.h. */
#include <stddef.h>

#include "stats/path_values.h"

#define EG_PASTE2(a, b) a##_##b
#define EG_PASTE(a, b)  EG_PASTE2(a, b)

static const double *track(const eg_path_values *p, uint32_t record, uint32_t column) {
  return eg_path_track(p, record, p->point, column);
}

/* sum += (b - a) (d - c) */
static void add_increments(double *sum, const double *a, const double *b, const double *c, const double *d, uint32_t ld) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < ld; l++) {
    sum[l] = eg_path_add_increments(sum[l], a[l], b[l], c[l], d[l]);
  }
}

static void add_product(double *sum, const double *b, const double *d, uint32_t ld) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < ld; l++) {
    sum[l] = eg_path_add_product(sum[l], b[l], d[l]);
  }
}

static void add_value(double *sum, const double *b, uint32_t ld) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < ld; l++) {
    sum[l] = sum[l] + b[l];
  }
}

static void add_term(const eg_path_values *p, const eg_path_statistic *s, eg_path_term t, double *sum) {
  if (t.d == EG_PATH_NOWHERE) {
    add_value(sum, track(p, t.b, s->column), p->ld);
    return;
  }
  for (uint32_t k = s->column; k < s->column + s->width; k++) {
    if (t.a == EG_PATH_NOWHERE) {
      add_product(sum, track(p, t.b, k), track(p, t.d, k), p->ld);
    } else {
      add_increments(sum, track(p, t.a, k), track(p, t.b, k), track(p, t.c, k), track(p, t.d, k), p->ld);
    }
  }
}

static void half_log(double *v, uint32_t ld) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < ld; l++) {
    v[l] = eg_path_half_log(v[l]);
  }
}

static void raise(double *v, double q, uint32_t ld) {
  if (q == 4) {
    for (uint32_t l = 0; l < ld; l++) {
      v[l] = eg_path_fourth(v[l]);
    }
    return;
  }
  _Pragma("omp simd")
  for (uint32_t l = 0; l < ld; l++) {
    v[l] = eg_path_raise(v[l], q);
  }
}

/* ---- forms with one term a value ---- */

static void joint_value(const eg_path_values *p, const eg_path_statistic *s, eg_path_term t, double q, double *v) {
  const double *const f = t.a == EG_PATH_NOWHERE ? NULL : eg_path_track(p, t.a, t.b, s->column);
  const double *const g = t.c == EG_PATH_NOWHERE ? NULL : eg_path_track(p, t.c, t.d, s->column_2);
  if (f != NULL && g != NULL && q == 2) {
    add_product(v, f, g, p->ld);
    return;
  }
  if (f != NULL) {
    add_value(v, f, p->ld);
  }
  if (g != NULL) {
    add_value(v, g, p->ld);
  }
}

static void distance_value(const eg_path_values *p, const eg_path_statistic *s, eg_path_term t, double *v) {
  for (uint32_t k = s->column; k < s->column + s->width; k++) {
    const double *const a = eg_path_track(p, t.a, t.b, k), *const b = eg_path_track(p, t.c, t.d, k);
    add_increments(v, a, b, a, b, p->ld);
  }
}

static void wave_value(const eg_path_values *p, const eg_path_statistic *s, eg_path_term t, double u_over_pi, double *v) {
  const double *const f = track(p, t.a, s->column);
  const int is_sine = t.c == 1;
  _Pragma("omp simd")
  for (uint32_t l = 0; l < p->ld; l++) {
    v[l] = eg_path_wave(f[l], u_over_pi, is_sine);
  }
}

static void signed_value(const eg_path_values *p, const eg_path_statistic *s, eg_path_term t, double side, double *v) {
  const double *const f = track(p, t.a, s->column);
  for (uint32_t l = 0; l < p->ld; l++) {
    v[l] = eg_path_signed(f[l], side);
  }
}

/* A lane that is NaN in `v` becomes NaN in all n values. */
static void lose(double *values, uint32_t n, const double *v, uint32_t ld) {
  for (uint32_t l = 0; l < ld; l++) {
    for (uint32_t i = 0; v[l] != v[l] && i < n; i++) {
      values[(size_t)i * ld + l] = v[l];
    }
  }
}

/* A lane that is NaN in one value becomes NaN in all. */
static void lose_together(const eg_path_values *p, uint32_t n) {
  for (uint32_t i = 1; i < n; i++) {
    lose(p->values, 1, p->values + (size_t)i * p->ld, p->ld);
  }
  lose(p->values, n, p->values, p->ld);
}

static void one_term_values(const eg_path_values *p, const eg_path_statistic *s) {
  for (uint32_t i = 0; i < s->n_values; i++) {
    const eg_path_term t = s->terms[s->first[i]];
    double *const v = p->values + (size_t)i * p->ld;
    for (uint32_t l = 0; l < p->ld; l++) {
      v[l] = 0;
    }
    if (s->form == EG_PATH_LARGEST) {
      signed_value(p, s, t, s->powers[i], v);
    } else if (s->form == EG_PATH_WAVE) {
      wave_value(p, s, t, s->powers[i], v);
    } else if (s->form == EG_PATH_JOINT) {
      joint_value(p, s, t, s->powers[i], v);
    } else {
      distance_value(p, s, t, v);
      if (s->powers[i] == 0) {
        half_log(v, p->ld);
      } else if (s->powers[i] != 2) {
        raise(v, s->powers[i], p->ld);
      }
    }
  }
  const int is_together = eg_path_rows(s, 2) == 1;
  for (uint32_t point = is_together ? 0 : p->point; point < (is_together ? p->n_points : p->point + 1); point++) {
    lose(p->values, s->n_values, eg_path_track(p, s->last, point, s->column), p->ld);
  }
  if (s->form == EG_PATH_WAVE || s->form == EG_PATH_DISTANCES) { /* what has no phase, or logarithm */
    lose_together(p, s->n_values);
  }
}

/* One observation as it is: what becomes of displacement2. The loops of the general case, with nothing to add up and a quotient by 1,
   in one: the same bits. */
static void single_value(const double *b, const double *last, uint32_t ld, double *v) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < ld; l++) {
    v[l] = last[l] != last[l] ? last[l] : 0.0 + b[l];
  }
}

/* All values of one statistic and point of one tile. */
void EG_PASTE(eg_path_values, EG_ISA)(const eg_path_values *p, const eg_path_statistic *s) {
  if (s->form != EG_PATH_INCREMENTS) {
    one_term_values(p, s);
    return;
  }
  const double *const last = track(p, s->last, s->column);
  for (uint32_t i = 0; i < s->n_values; i++) {
    double *const v = p->values + (size_t)i * p->ld;
    const uint32_t first = s->first[i], n = s->first[i + 1] - first;
    if (n == 1 && s->terms[first].d == EG_PATH_NOWHERE) {
      single_value(track(p, s->terms[first].b, s->column), last, p->ld, v);
    } else {
      for (uint32_t l = 0; l < p->ld; l++) {
        v[l] = 0;
      }
      for (uint32_t t = first; t < first + n; t++) {
        add_term(p, s, s->terms[t], v);
      }
      for (uint32_t l = 0; l < p->ld; l++) {
        v[l] = last[l] != last[l] ? last[l] : v[l] / (double)n;
      }
    }
    if (s->powers[i] != 2) {
      raise(v, s->powers[i], p->ld);
    }
  }
  if (eg_path_may_cancel(s)) {
    lose_together(p, s->n_values);
  }
}
