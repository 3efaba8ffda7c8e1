/* Tile statistics on the CPU, compiled per ISA. The definition is in stats/moments.h. */
#include "stats/histogram.h"
#include "stats/moments.h"

#include "core/launch.h"

#define EG_PASTE2(a, b) a##_##b
#define EG_PASTE(a, b)  EG_PASTE2(a, b)

/* `has_masked` is constant where these are inlined: a row without a masked lane costs no comparisons. */
EG_FN double first_value(double v, int has_masked) {
  return has_masked && v != v ? 0.0 : v;
}

EG_FN double deviation(double v, double mean, int has_masked) {
  return has_masked && v != v ? 0.0 : v - mean;
}

/* The first three levels of the tree: eight values at distances of q = ld / 8. */
EG_FN double tree_eight(double v0, double v1, double v2, double v3, double v4, double v5, double v6, double v7) {
  return ((v0 + v4) + (v2 + v6)) + ((v1 + v5) + (v3 + v7));
}

/* The tree of 1, 2 or 4 values. */
EG_FN double tree_few(const double *v, uint32_t n) {
  return n == 1 ? v[0] : (n == 2 ? v[0] + v[1] : (v[0] + v[2]) + (v[1] + v[3]));
}

/* The levels of the tree below: v[0 .. n) to v[0], three of them at a time. */
static inline double tree_rest(double *v, uint32_t n) {
  for (; n >= 64; n /= 8) {
    const uint32_t s = n / 8;
    _Pragma("omp simd")
    for (uint32_t l = 0; l < s; l++) {
      v[l] = tree_eight(v[l], v[l + s], v[l + 2 * s], v[l + 3 * s], v[l + 4 * s], v[l + 5 * s], v[l + 6 * s], v[l + 7 * s]);
    }
  }
  for (uint32_t s = n / 2; s >= 8; s /= 2) {
    _Pragma("omp simd")
    for (uint32_t l = 0; l < s; l++) {
      v[l] = v[l] + v[l + s];
    }
    n = s;
  }
  return n == 8 ? tree_eight(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]) : tree_few(v, n);
}

static double tree_count(const double *v, uint32_t ld) {
  uint64_t n = 0;
  for (uint32_t l = 0; l < ld; l++) {
    n += v[l] == v[l] ? 1u : 0u;
  }
  return (double)n;
}

EG_FN double tree_sum(const double *v, uint32_t ld, int has_masked, double *scratch) {
  const uint32_t q = ld / 8;
  _Pragma("omp simd")
  for (uint32_t l = 0; l < q; l++) {
    const double *const w = v + l;
    scratch[l] = tree_eight(first_value(w[0], has_masked), first_value(w[q], has_masked),
                            first_value(w[2 * q], has_masked), first_value(w[3 * q], has_masked),
                            first_value(w[4 * q], has_masked), first_value(w[5 * q], has_masked),
                            first_value(w[6 * q], has_masked), first_value(w[7 * q], has_masked));
  }
  return tree_rest(scratch, q);
}

EG_FN void lane_moments(const double *v, uint32_t q, double mean, int has_masked, double *t2, double *t3, double *t4) {
  double d[8], d2[8];
  EG_UNROLL
  for (uint32_t i = 0; i < 8; i++) {
    d[i] = deviation(v[i * q], mean, has_masked);
    d2[i] = d[i] * d[i];
  }
  *t2 = tree_eight(d2[0], d2[1], d2[2], d2[3], d2[4], d2[5], d2[6], d2[7]);
  *t3 = tree_eight(d2[0] * d[0], d2[1] * d[1], d2[2] * d[2], d2[3] * d[3], d2[4] * d[4], d2[5] * d[5], d2[6] * d[6],
                   d2[7] * d[7]);
  *t4 = tree_eight(d2[0] * d2[0], d2[1] * d2[1], d2[2] * d2[2], d2[3] * d2[3], d2[4] * d2[4], d2[5] * d2[5],
                   d2[6] * d2[6], d2[7] * d2[7]);
}

EG_FN void tree_moments(const double *v, uint32_t ld, double mean, int has_masked, double *scratch, double *out) {
  const uint32_t q = ld / 8;
  double *const t2 = scratch, *const t3 = scratch + q, *const t4 = scratch + 2 * (size_t)q;
  _Pragma("omp simd")
  for (uint32_t l = 0; l < q; l++) {
    lane_moments(v + l, q, mean, has_masked, t2 + l, t3 + l, t4 + l);
  }
  out[0] = tree_rest(t2, q);
  out[1] = tree_rest(t3, q);
  out[2] = tree_rest(t4, q);
}

/* Mean, M2, M3, M4 of the features of a row of n valid lanes; `sum` is that of feature 0. */
EG_FN void row_moments(const eg_reduce *r, const double *v, double n, double sum, int has_masked, double *scratch,
                       double *sums) {
  for (uint32_t f = 0; f < r->n_features; f++) {
    const double *const column = v + (size_t)f * r->ld;
    const double total = f == 0 ? sum : tree_sum(column, r->ld, has_masked, scratch);
    sums[4 * f] = n > 0 ? total / n : 0.0;
    tree_moments(column, r->ld, sums[4 * f], has_masked, scratch, &sums[4 * f + 1]);
  }
}

/* ---- co-moments by the tree ---- */

enum { PART = 64 };

/* Deviations at l, l + q, .. l + 7 q, (8, PART). */
EG_FN void lane_deviations(const double *v, uint32_t q, double mean, int has_masked, double *d) {
  EG_UNROLL
  for (uint32_t i = 0; i < 8; i++) {
    d[i * PART] = deviation(v[i * q], mean, has_masked);
  }
}

/* Their products with those of another feature, of two features at once: the first three levels of the trees. */
EG_FN void lane_products(const double *d, const double *e, const double *v, uint32_t q, double mean, int has_masked, double *to_d,
                         double *to_e) {
  double t[8], u[8];
  EG_UNROLL
  for (uint32_t i = 0; i < 8; i++) {
    const double other = deviation(v[i * q], mean, has_masked);
    t[i] = d[i * PART] * other;
    u[i] = e[i * PART] * other;
  }
  *to_d = tree_eight(t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]);
  *to_e = tree_eight(u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7]);
}

/* Co-moments of the features f and f + 1 with those before them (f + 1 may be n: left out). Lanes are taken in parts, of which the
   deviations of both stay in the first-level cache, and columns, which may not fit the second one, are read for two at once.
   scratch: (2, n, ld / 8). */
EG_FN void two_rows_of_comoments(const eg_reduce *r, const double *v, const double *sums, uint32_t f, int has_masked, double *scratch,
                                 double *pairs) {
  const uint32_t n = r->n_features, q = r->ld / 8, part = q < PART ? q : PART, second = f + 1 < n ? f + 1 : f;
  double *const of_second = scratch + (size_t)n * q;
  double d[8 * PART], e[8 * PART];
  for (uint32_t at = 0; at < q; at += part) {
    const double *const u = v + (size_t)f * r->ld + at, *const w = v + (size_t)second * r->ld + at;
    const double mean_u = sums[4 * f], mean_w = sums[4 * second];
    _Pragma("omp simd")
    for (uint32_t l = 0; l < part; l++) {
      lane_deviations(u + l, q, mean_u, has_masked, d + l);
      lane_deviations(w + l, q, mean_w, has_masked, e + l);
    }
    for (uint32_t g = 0; g <= f; g++) { /* g = f: of the second with the first, and one too many */
      const double *const other = v + (size_t)g * r->ld + at;
      const double mean = sums[4 * g];
      double *const to_d = scratch + (size_t)g * q + at, *const to_e = of_second + (size_t)g * q + at;
      _Pragma("omp simd")
      for (uint32_t l = 0; l < part; l++) {
        lane_products(d + l, e + l, other + l, q, mean, has_masked, to_d + l, to_e + l);
      }
    }
  }
  for (uint32_t i = f; i <= second; i++) {
    for (uint32_t g = 0; g < i; g++) {
      pairs[(size_t)i * (i - 1) / 2 + g] = tree_rest((i == f ? scratch : of_second) + (size_t)g * q, q);
    }
  }
}

/* ---- co-moments of many features: a product of matrices ---- */

typedef double eg_eight __attribute__((vector_size(64), aligned(8)));
#if defined(__AVX512F__)
enum { PRODUCT_ROWS = 4 }; /* sums of 4 x 4 pairs stay in registers */
#else
enum { PRODUCT_ROWS = 2 };
#endif

/* Sums of the pairs (first + i, second + k); a row beyond the last one is the last one again. */
EG_FN void product_sums(const double *d, uint32_t n, uint32_t ld, uint32_t first, uint32_t second,
                        eg_eight sums[PRODUCT_ROWS][PRODUCT_ROWS]) {
  const double *a[PRODUCT_ROWS], *b[PRODUCT_ROWS];
  EG_UNROLL
  for (uint32_t i = 0; i < PRODUCT_ROWS; i++) {
    a[i] = d + (size_t)(first + i < n ? first + i : n - 1) * ld;
    b[i] = d + (size_t)(second + i < n ? second + i : n - 1) * ld;
  }
  for (uint32_t l = 0; l < ld; l += EG_CHAINS) {
    eg_eight u[PRODUCT_ROWS];
    EG_UNROLL
    for (uint32_t i = 0; i < PRODUCT_ROWS; i++) {
      u[i] = *(const eg_eight *)(a[i] + l);
    }
    EG_UNROLL
    for (uint32_t k = 0; k < PRODUCT_ROWS; k++) {
      const eg_eight v = *(const eg_eight *)(b[k] + l);
      EG_UNROLL
      for (uint32_t i = 0; i < PRODUCT_ROWS; i++) {
        sums[i][k] = sums[i][k] + u[i] * v;
      }
    }
  }
}

/* Co-moments of n rows of deviations. */
static void product_comoments(const double *d, uint32_t n, uint32_t ld, double *pairs) {
  for (uint32_t first = 0; first < n; first += PRODUCT_ROWS) {
    for (uint32_t second = 0; second <= first; second += PRODUCT_ROWS) {
      eg_eight sums[PRODUCT_ROWS][PRODUCT_ROWS] = {{{0}}};
      product_sums(d, n, ld, first, second, sums);
      for (uint32_t f = first; f < n && f < first + PRODUCT_ROWS; f++) {
        for (uint32_t g = second; g < f && g < second + PRODUCT_ROWS; g++) {
          const eg_eight s = sums[f - first][g - second];
          pairs[(size_t)f * (f - 1) / 2 + g] = tree_eight(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
        }
      }
    }
  }
}

static void make_deviations(const eg_reduce *r, double *v, const double *sums) {
  for (uint32_t f = 0; f < r->n_features; f++) {
    double *const column = v + (size_t)f * r->ld;
    for (uint32_t l = 0; l < r->ld; l++) {
      column[l] = deviation(column[l], sums[4 * f], 1);
    }
  }
}

static void mask_unused(double *records, uint32_t n_rows, uint32_t ld, uint32_t n_lanes) {
  for (uint32_t row = 0; row < n_rows; row++) {
    for (uint32_t l = n_lanes; l < ld; l++) {
      records[(size_t)row * ld + l] = eg_double_of_bits(0x7ff8000000000000ull);
    }
  }
}

/* scratch: eg_reduce_scratch. records are masked in place beyond n_lanes; a product of matrices leaves deviations there. */
void EG_PASTE(eg_reduce_tile, EG_ISA)(const eg_reduce *r, double *records, double *scratch) {
  const uint32_t rows = r->n_records * r->n_points;
  const uint32_t size = eg_node_values(r->n_features, r->with_covariance);
  if (r->n_lanes < r->ld) {
    mask_unused(records, rows * r->width, r->ld, r->n_lanes);
  }
  for (uint32_t row = 0; row < rows; row++) {
    double *const v = records + (size_t)row * r->width * r->ld;
    double *const node = r->nodes + (size_t)row * size;
    double *const sums = node + 1;
    const double sum = tree_sum(v, r->ld, 0, scratch); /* NaN if a lane is masked (or, harmless, if it overflows) */
    if (sum == sum) {
      node[0] = (double)r->ld;
      row_moments(r, v, node[0], sum, 0, scratch, sums);
    } else {
      node[0] = tree_count(v, r->ld);
      row_moments(r, v, node[0], tree_sum(v, r->ld, 1, scratch), 1, scratch, sums);
    }
    double *pair = sums + 4 * (size_t)r->n_features;
    if (r->with_covariance == EG_COVARIANCE_PRODUCT) {
      make_deviations(r, v, sums);
      product_comoments(v, r->n_features, r->ld, pair);
      continue;
    }
    for (uint32_t f = 0; r->with_covariance && f < r->n_features; f += 2) {
      if (sum == sum) {
        two_rows_of_comoments(r, v, sums, f, 0, scratch, pair);
      } else {
        two_rows_of_comoments(r, v, sums, f, 1, scratch, pair);
      }
    }
  }
}

/* Places of all lanes of a column. One loop for each kind of guess: the body must not branch. */
static void histogram_places(const eg_histogram *h, const double *edges, const double *v, uint32_t ld, uint32_t *places) {
  const double origin = h->origin, scale = h->scale;
  const uint32_t bins = h->bins;
  const double *const e = edges + h->edge;
  if (h->is_log) {
    _Pragma("omp simd")
    for (uint32_t l = 0; l < ld; l++) {
      places[l] = eg_histogram_settle(e, bins, v[l], (eg_log(v[l]) - origin) * scale);
    }
  } else {
    _Pragma("omp simd")
    for (uint32_t l = 0; l < ld; l++) {
      places[l] = eg_histogram_settle(e, bins, v[l], (v[l] - origin) * scale);
    }
  }
}

/* Four tables in turn: equal neighbours do not wait for each other's store. Small columns are added directly. */
static void histogram_add(const uint32_t *places, uint32_t ld, uint32_t bins, uint32_t *tables, uint64_t *counts) {
  const uint32_t n = bins + 2;
  if (ld < 2 * n) {
    for (uint32_t l = 0; l < ld; l++) {
      if (places[l] < n) {
        counts[places[l]]++;
      }
    }
    return;
  }
  uint32_t *const a = tables, *const b = a + n + 1, *const c = b + n + 1, *const d = c + n + 1;
  memset(tables, 0, 4 * ((size_t)n + 1) * sizeof *tables);
  for (uint32_t l = 0; l < ld; l += 4) {
    a[places[l]]++;
    b[places[l + 1]]++;
    c[places[l + 2]]++;
    d[places[l + 3]]++;
  }
  for (uint32_t k = 0; k < n; k++) {
    counts[k] += (uint64_t)a[k] + b[k] + c[k] + d[k];
  }
}

/* Pairs of histograms of one tile. scratch: 2 ld words. */
void EG_PASTE(eg_count_pairs_tile, EG_ISA)(const eg_count *r, const eg_histogram_pair *pairs, uint32_t n_pairs,
                                           uint32_t *scratch) {
  uint32_t *const a = scratch, *const b = scratch + r->ld;
  for (uint64_t row = 0; row < (uint64_t)r->n_records * r->n_points; row++) {
    for (uint32_t i = 0; i < n_pairs && eg_count_is_wanted(r, row); i++) {
      const eg_histogram *const f = &r->histograms[pairs[i].first], *const g = &r->histograms[pairs[i].second];
      uint64_t *const counts = eg_count_counts_at(r, row, f) - f->count + pairs[i].count;
      histogram_places(f, r->edges, eg_count_lanes_at(r, row, f->column), r->ld, a);
      histogram_places(g, r->edges, eg_count_lanes_at(r, row, g->column), r->ld, b);
      for (uint32_t l = 0; l < r->ld; l++) {
        if (a[l] < f->bins + 2 && b[l] < g->bins + 2) {
          counts[(uint64_t)a[l] * (g->bins + 2) + b[l]]++;
        }
      }
    }
  }
}

/* One tile (tiles = 1), after eg_reduce_tile has masked its unused lanes. scratch: ld + 4 (EG_MAX_BINS + 3) words. */
void EG_PASTE(eg_count_tile, EG_ISA)(const eg_count *r, uint32_t *scratch) {
  for (uint64_t row = 0; row < (uint64_t)r->n_records * r->n_points; row++) {
    for (uint32_t i = 0; i < r->n_histograms && eg_count_is_wanted(r, row); i++) {
      const eg_histogram *const h = &r->histograms[i];
      histogram_places(h, r->edges, eg_count_lanes_at(r, row, h->column), r->ld, scratch);
      histogram_add(scratch, r->ld, h->bins, scratch + r->ld, eg_count_counts_at(r, row, h));
    }
  }
}
