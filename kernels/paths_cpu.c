/* Values of path statistics on the CPU, compiled per ISA. The definition is in stats/paths.h. */
#include "core/eg_math.h"
#include "stats/paths.h"

#define EG_PASTE2(a, b) a##_##b
#define EG_PASTE(a, b)  EG_PASTE2(a, b)

static const double *track(const eg_path_values *p, uint32_t record, uint32_t column) {
  return p->tracks + (((size_t)record * p->n_points + p->point) * p->n_tracked + column) * p->ld;
}

/* sum += (b - a) (d - c) */
static void add_increments(double *sum, const double *a, const double *b, const double *c, const double *d, uint32_t ld) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < ld; l++) {
    sum[l] = sum[l] + (b[l] - a[l]) * (d[l] - c[l]);
  }
}

static void add_product(double *sum, const double *b, const double *d, uint32_t ld) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < ld; l++) {
    sum[l] = sum[l] + b[l] * d[l];
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

/* v^(q/2) of v >= 0: eg_log and eg_exp take 0, infinities and NaN to themselves. */
static void raise(double *v, double q, uint32_t ld) {
  if (q == 4) {
    for (uint32_t l = 0; l < ld; l++) {
      v[l] = v[l] * v[l];
    }
    return;
  }
  _Pragma("omp simd")
  for (uint32_t l = 0; l < ld; l++) {
    v[l] = eg_exp(0.5 * q * eg_log(v[l]));
  }
}

/* All values of one statistic and point of one tile. */
void EG_PASTE(eg_path_values, EG_ISA)(const eg_path_values *p, const eg_path_statistic *s) {
  const double *const last = track(p, p->n_records - 1, s->column);
  for (uint32_t i = 0; i < s->n_values; i++) {
    double *const v = p->values + (size_t)i * p->ld;
    const double n = (double)(s->first[i + 1] - s->first[i]);
    for (uint32_t l = 0; l < p->ld; l++) {
      v[l] = 0;
    }
    for (uint32_t t = s->first[i]; t < s->first[i + 1]; t++) {
      add_term(p, s, s->terms[t], v);
    }
    for (uint32_t l = 0; l < p->ld; l++) {
      v[l] = last[l] != last[l] ? last[l] : v[l] / n;
    }
    if (s->powers[i] != 2) {
      raise(v, s->powers[i], p->ld);
    }
  }
}
