/* Streamed statistics on the CPU, compiled per ISA. The definition is in stats/streams.h. */
#include <stddef.h>

#include "core/eg_math.h"
#include "core/launch.h"
#include "stats/stream_values.h"

#define EG_PASTE2(a, b) a##_##b
#define EG_PASTE(a, b)  EG_PASTE2(a, b)

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
    sum[l] = eg_stream_add_product(sum[l], a[l], b[l]);
  }
}

static void add_square(double *EG_RESTRICT sum, const double *EG_RESTRICT a, const double *EG_RESTRICT b, uint32_t n) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < n; l++) {
    sum[l] = eg_stream_add_square(sum[l], a[l], b[l]);
  }
}

/* to = (a + b) / 2; `to` may be b. */
static void halve(double *to, const double *EG_RESTRICT a, const double *b, uint32_t n) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < n; l++) {
    to[l] = eg_stream_halve(a[l], b[l]);
  }
}

/* Values of two series, by their means before. */
static void add_comoment(double *EG_RESTRICT sum, const double *a, const double *mean_a, const double *b, const double *mean_b,
                         double weight, uint32_t n) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < n; l++) {
    sum[l] = eg_stream_add_comoment(sum[l], a[l], mean_a[l], b[l], mean_b[l], weight);
  }
}

static void move(double *EG_RESTRICT mean, const double *EG_RESTRICT v, double weight, uint32_t n) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < n; l++) {
    mean[l] = eg_stream_moved(mean[l], v[l], weight);
  }
}

/* Both of one series in one pass, which most averages are. */
static void update(double *EG_RESTRICT mean, double *EG_RESTRICT M2, const double *EG_RESTRICT v, double weight, uint32_t n) {
  _Pragma("omp simd")
  for (uint32_t l = 0; l < n; l++) {
    M2[l] = eg_stream_add_comoment(M2[l], v[l], mean[l], v[l], mean[l], weight);
    mean[l] = eg_stream_moved(mean[l], v[l], weight);
  }
}

/* Values of the series, from row `means` on. */
static void update_all(const eg_stream *s, part p, uint32_t means, const double *v, double weight) {
  for (uint32_t a = 0, pair = means + s->series; a < s->series; a++) {
    for (uint32_t b = a; b < s->series; b++, pair++) {
      add_comoment(row_of(p, pair), v + (size_t)a * EG_STREAM_LANES, row_of(p, means + a), v + (size_t)b * EG_STREAM_LANES,
                   row_of(p, means + b), weight, p.n);
    }
  }
  for (uint32_t a = 0; a < s->series; a++) {
    move(row_of(p, means + a), v + (size_t)a * EG_STREAM_LANES, weight, p.n);
  }
}

/* Sample number k of an average: v (series, EG_STREAM_LANES) is the working room. */
static void average(const eg_stream *s, part p, uint64_t k, double *v) {
  for (uint32_t level = 0; level < s->levels; level++, k /= 2) {
    const uint32_t waiting = eg_stream_rows_before(s, level), means = waiting + s->series;
    const double weight = 1 / (double)k;
    if (s->series == 1) {
      update(row_of(p, means), row_of(p, means + 1), v, weight, p.n);
    } else {
      update_all(s, p, means, v, weight);
    }
    for (uint32_t a = 0; a < s->series; a++) {
      double *const mine = v + (size_t)a * EG_STREAM_LANES;
      if (k % 2 == 1) {
        copy(row_of(p, waiting + a), mine, p.n);
      } else {
        halve(mine, row_of(p, waiting + a), mine, p.n);
      }
    }
    if (k % 2 == 1) {
      return;
    }
  }
}

/* f, or f g; f and g; f, g and f g, from the columns of a record. */
static void take_series(const eg_stream *s, const double *f, const double *g, uint32_t n, double *v) {
  copy(v, f, n);
  for (uint32_t l = 0; g != NULL && s->series == 1 && l < n; l++) {
    v[l] = f[l] * g[l];
  }
  for (uint32_t l = 0; s->series >= 2 && l < n; l++) {
    v[EG_STREAM_LANES + l] = g[l];
  }
  for (uint32_t l = 0; s->series == 3 && l < n; l++) {
    v[2 * EG_STREAM_LANES + l] = f[l] * g[l];
  }
}

/* Sample number k of a correlator: v (width, EG_STREAM_LANES). */
static void correlate(const eg_stream *s, part p, uint64_t k, double *v) {
  const uint32_t size = s->per_level;
  const int is_product = s->kind == EG_STREAM_PRODUCTS;
  if (is_product) {
    add(row_of(p, eg_stream_rows_before(s, s->levels)), v, p.n);
  }
  for (uint32_t level = 0; level < s->levels; level++, k /= 2) {
    const uint32_t ring = eg_stream_rows_before(s, level), waiting = eg_stream_waiting_row(s, level), sums = eg_stream_sums_row(s, level);
    const uint32_t at = (uint32_t)((k - 1) % size), first = eg_stream_first_lag(s, level);
    for (uint32_t c = 0; c < s->width; c++) {
      copy(row_of(p, ring + at * s->width + c), v + (size_t)c * EG_STREAM_LANES, p.n);
    }
    for (uint32_t j = first; j < size && j < k; j++) {
      const uint32_t before = ring + (at + size - j) % size * s->width;
      for (uint32_t c = 0; c < s->width; c++) {
        if (is_product) {
          add_product(row_of(p, sums + j - first), v, row_of(p, before), p.n);
        } else {
          add_square(row_of(p, sums + j - first), v + (size_t)c * EG_STREAM_LANES, row_of(p, before + c), p.n);
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

/* The samples of one statistic among records in hand. `room` (EG_STREAM_LANES x the largest width or number of series) doubles. */
void EG_PASTE(eg_stream_feed, EG_ISA)(const eg_feed *f, const eg_stream *s, double *room) {
  const uint32_t step = eg_stream_step(f->ld);
  for (uint32_t i = 0; i < f->n_points * (f->ld / step); i++) {
    const uint32_t point = i / (f->ld / step), lane = i % (f->ld / step) * step;
    const part p = {f->state + (size_t)i * eg_stream_rows(s) * step, step};
    for (uint32_t r = 0; r < f->n_records; r++) {
      const uint64_t k = eg_stream_taken(s, f->steps[r]);
      const double *const v = f->records + ((size_t)r * f->n_points + point) * f->n_columns * f->ld + lane;
      if (k == 0 || s->first + k * s->every != f->steps[r]) {
        continue;
      }
      if (s->kind == EG_STREAM_AVERAGE) {
        take_series(s, v + (size_t)s->column * f->ld, s->column_2 == EG_STREAM_NO_COLUMN ? NULL : v + (size_t)s->column_2 * f->ld, step, room);
        average(s, p, k, room);
        continue;
      }
      for (uint32_t c = 0; c < s->width; c++) {
        copy(room + (size_t)c * EG_STREAM_LANES, v + (size_t)(s->column + c) * f->ld, step);
      }
      correlate(s, p, k, room);
    }
  }
}

/* Those of n lanes: values (value, ld) begin with the first of them. */
static void lane_values(const eg_stream *s, const double *state, uint32_t n, uint32_t ld, const uint64_t *first_bad, double *values) {
  uint32_t i = 0; /* the value */
  for (uint32_t level = 0; level < s->levels; level++) {
    if (s->kind == EG_STREAM_AVERAGE) {
      const double scale = eg_stream_block_scale(s, level);
      const uint32_t means = eg_stream_rows_before(s, level) + s->series;
      for (uint32_t row = 0; row < s->series + eg_stream_series_pairs(s); row++) {
        if (row >= s->series || level == 0) { /* the means are those of single samples */
          for (uint32_t l = 0; l < n; l++) {
            values[(size_t)i * ld + l] = state[(size_t)(means + row) * n + l] * (row < s->series ? 1 : scale);
          }
          i++;
        }
      }
      continue;
    }
    const uint32_t sums = eg_stream_sums_row(s, level), first = eg_stream_first_lag(s, level);
    for (uint32_t j = first; eg_stream_has_lag(s, level, j); j++, i++) {
      const double pairs = eg_stream_pairs(s, level, j);
      for (uint32_t l = 0; l < n; l++) {
        values[(size_t)i * ld + l] = state[(sums + j - first) * n + l] / pairs;
      }
    }
  }
  for (uint32_t l = 0; s->kind == EG_STREAM_PRODUCTS && l < n; l++) {
    values[(size_t)i * ld + l] = state[eg_stream_rows_before(s, s->levels) * n + l] / (double)s->n;
  }
  i += s->kind == EG_STREAM_PRODUCTS;
  for (uint32_t l = 0; l < n; l++) {
    int is_lost = first_bad[l] != EG_NEVER;
    for (uint32_t k = 0; k < i; k++) {
      is_lost = is_lost || values[(size_t)k * ld + l] != values[(size_t)k * ld + l];
    }
    for (uint32_t k = 0; is_lost && k < i; k++) {
      values[(size_t)k * ld + l] = eg_double_of_bits(0x7ff8000000000000ull);
    }
  }
}

/* The values of one statistic and point, (values, ld), from its state. A lane that is lost (first_bad, or by an overflow in one of them) is
   NaN in all. */
void EG_PASTE(eg_stream_values, EG_ISA)(const eg_stream *s, const double *state, uint32_t ld, const uint64_t *first_bad,
                                        double *values) {
  const uint32_t step = eg_stream_step(ld);
  for (uint32_t lane = 0; lane < ld; lane += step) {
    lane_values(s, state + (size_t)lane * eg_stream_rows(s), step, ld, first_bad + lane, values + lane);
  }
}
