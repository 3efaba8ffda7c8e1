/* Streamed statistics on the CPU, compiled per ISA. The definition is in stats/streams.h. */
#include <stddef.h>

#include "core/eg_math.h"
#include "core/launch.h"
#include "stats/streams.h"

#define EG_PASTE2(a, b) a##_##b
#define EG_PASTE(a, b)  EG_PASTE2(a, b)

enum { MOST_WIDTH = EG_STREAM_LANES };

/* The rows of n lanes. */
typedef struct part {
  double *rows;
  uint32_t n;
} part;

static double *row_of(part p, uint32_t row) {
  return p.rows + (size_t)row * p.n;
}

static void copy(double *EG_RESTRICT to, const double *EG_RESTRICT from, uint32_t n) {
  for (uint32_t l = 0; l < n; l++) {
    to[l] = from[l];
  }
}

static void add(double *EG_RESTRICT sum, const double *EG_RESTRICT v, uint32_t n) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < n; l++) {
    sum[l] = sum[l] + v[l];
  }
}

static void add_product(double *EG_RESTRICT sum, const double *a, const double *b, uint32_t n) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < n; l++) {
    sum[l] = sum[l] + a[l] * b[l];
  }
}

static void add_square(double *EG_RESTRICT sum, const double *EG_RESTRICT a, const double *EG_RESTRICT b, uint32_t n) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < n; l++) {
    const double d = a[l] - b[l];
    sum[l] = sum[l] + d * d;
  }
}

/* to = (a + b) / 2; `to` may be b. */
static void halve(double *to, const double *EG_RESTRICT a, const double *b, uint32_t n) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < n; l++) {
    to[l] = 0.5 * (a[l] + b[l]);
  }
}

/* Value number k of a mean and a sum of squares. */
static void update(double *EG_RESTRICT mean, double *EG_RESTRICT M2, const double *EG_RESTRICT v, double k, uint32_t n) {
  const double weight = 1 / k;
  _Pragma("omp simd")
  for (uint32_t l = 0; l < n; l++) {
    const double d = v[l] - mean[l], to = mean[l] + d * weight;
    M2[l] = M2[l] + d * (v[l] - to);
    mean[l] = to;
  }
}

/* Sample number k of an average: v (n) is the working room. */
static void average(const eg_stream *s, part p, uint64_t k, double *v) {
  for (uint32_t level = 0; level < s->levels; level++, k /= 2) {
    double *const waiting = row_of(p, 3 * level);
    update(row_of(p, 3 * level + 1), row_of(p, 3 * level + 2), v, (double)k, p.n);
    if (k % 2 == 1) {
      copy(waiting, v, p.n);
      return;
    }
    halve(v, waiting, v, p.n);
  }
}

/* Sample number k of a correlator: v (width, MOST_WIDTH). */
static void correlate(const eg_stream *s, part p, uint64_t k, double *v) {
  const uint32_t size = s->per_level;
  const int is_product = s->kind == EG_STREAM_PRODUCTS;
  if (is_product) {
    add(row_of(p, eg_stream_rows_before(s, s->levels)), v, p.n);
  }
  for (uint32_t level = 0; level < s->levels; level++, k /= 2) {
    const uint32_t ring = eg_stream_rows_before(s, level), waiting = ring + size * s->width, sums = waiting + s->width;
    const uint32_t at = (uint32_t)((k - 1) % size), first = eg_stream_first_lag(s, level);
    for (uint32_t c = 0; c < s->width; c++) {
      copy(row_of(p, ring + at * s->width + c), v + (size_t)c * MOST_WIDTH, p.n);
    }
    for (uint32_t j = first; j < size && j < k; j++) {
      const uint32_t before = ring + (at + size - j) % size * s->width;
      for (uint32_t c = 0; c < s->width; c++) {
        if (is_product) {
          add_product(row_of(p, sums + j - first), v, row_of(p, before), p.n);
        } else {
          add_square(row_of(p, sums + j - first), v + (size_t)c * MOST_WIDTH, row_of(p, before + c), p.n);
        }
      }
    }
    if (k % 2 == 1) {
      copy(row_of(p, waiting), v, p.n);
      return;
    }
    if (is_product) {
      halve(v, row_of(p, waiting), v, p.n);
    }
  }
}

/* The samples of one statistic among records in hand. `room` (MOST_WIDTH x the largest width) doubles. */
void EG_PASTE(eg_stream_feed, EG_ISA)(const eg_feed *f, const eg_stream *s, double *room) {
  const uint32_t step = f->ld < MOST_WIDTH ? f->ld : MOST_WIDTH;
  for (uint32_t i = 0; i < f->n_points * (f->ld / step); i++) {
    const uint32_t point = i / (f->ld / step), lane = i % (f->ld / step) * step;
    const part p = {f->state + (size_t)i * eg_stream_rows(s) * step, step};
    for (uint32_t r = 0; r < f->n_records; r++) {
      const uint64_t k = eg_stream_taken(s, f->steps[r]);
      const double *const v = f->records + ((size_t)r * f->n_points + point) * f->n_columns * f->ld + lane;
      if (k == 0 || s->first + k * s->every != f->steps[r]) {
        continue;
      }
      for (uint32_t c = 0; c < s->width; c++) {
        copy(room + (size_t)c * MOST_WIDTH, v + (size_t)(s->column + c) * f->ld, step);
      }
      if (s->kind != EG_STREAM_AVERAGE) {
        correlate(s, p, k, room);
        continue;
      }
      for (uint32_t l = 0; s->column_2 != EG_STREAM_NO_COLUMN && l < step; l++) {
        room[l] = room[l] * v[(size_t)s->column_2 * f->ld + l];
      }
      average(s, p, k, room);
    }
  }
}

/* Those of n lanes: values (value, ld) begin with the first of them. */
static void lane_values(const eg_stream *s, const double *state, uint32_t n, uint32_t ld, const uint64_t *first_bad, double *values) {
  uint32_t i = 0; /* the value */
  for (uint32_t level = 0; level < s->levels; level++) {
    const uint64_t blocks = s->n >> level;
    if (s->kind == EG_STREAM_AVERAGE) {
      const double scale = (double)(1ull << level) / (double)s->n / (double)(blocks - 1);
      for (uint32_t l = 0; l < n; l++) {
        values[l] = state[n + l];
        values[(size_t)(1 + level) * ld + l] = state[(3 * level + 2) * n + l] * scale;
      }
      i = 2 + level;
      continue;
    }
    const uint32_t sums = eg_stream_rows_before(s, level) + (s->per_level + 1) * s->width, first = eg_stream_first_lag(s, level);
    for (uint32_t j = first; j < s->per_level && (uint64_t)j << level <= s->n / 2; j++, i++) {
      for (uint32_t l = 0; l < n; l++) {
        values[(size_t)i * ld + l] = state[(sums + j - first) * n + l] / (double)(blocks - j);
      }
    }
  }
  for (uint32_t l = 0; s->kind == EG_STREAM_PRODUCTS && l < n; l++) {
    values[(size_t)i * ld + l] = state[eg_stream_rows_before(s, s->levels) * n + l] / (double)s->n;
  }
  i += s->kind == EG_STREAM_PRODUCTS;
  for (uint32_t l = 0; l < n; l++) {
    for (uint32_t k = 0; first_bad[l] != EG_NEVER && k < i; k++) {
      values[(size_t)k * ld + l] = eg_double_of_bits(0x7ff8000000000000ull);
    }
  }
}

/* The values of one statistic and point, (values, ld), from its state; a lane that is lost (first_bad) is NaN in all of them. */
void EG_PASTE(eg_stream_values, EG_ISA)(const eg_stream *s, const double *state, uint32_t ld, const uint64_t *first_bad,
                                        double *values) {
  const uint32_t step = ld < MOST_WIDTH ? ld : MOST_WIDTH;
  for (uint32_t lane = 0; lane < ld; lane += step) {
    lane_values(s, state + (size_t)lane * eg_stream_rows(s), step, ld, first_bad + lane, values + lane);
  }
}
