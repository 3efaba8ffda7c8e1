/* Tile statistics on the CPU, compiled per ISA. The definition is in stats/moments.h. */
#include "stats/histogram.h"
#include "stats/moments.h"

#include "core/launch.h"

#define EG_PASTE2(a, b) a##_##b
#define EG_PASTE(a, b)  EG_PASTE2(a, b)

/* `has_masked` is constant where this is inlined: a row without a masked lane costs no comparisons. */
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

/* ---- moments ---- */

/* A vector of the chains: all eight, or a part. COLUMNS_AT_ONCE: columns side by side, so that no sum waits for its last addition. */
#if defined(__AVX512F__)
enum { VECTOR = 8, COLUMNS_AT_ONCE = 4 };
#elif defined(__AVX2__)
enum { VECTOR = 4, COLUMNS_AT_ONCE = 1 };
#else
enum { VECTOR = 2, COLUMNS_AT_ONCE = 1 };
#endif
enum { VECTORS = EG_CHAINS / VECTOR };
typedef double eg_vector __attribute__((vector_size(VECTOR * sizeof(double)), aligned(sizeof(double)), may_alias));
typedef int64_t eg_vector_bits __attribute__((vector_size(VECTOR * sizeof(double))));

typedef struct eg_chains {
  eg_vector of_power[4][VECTORS];
} eg_chains;

EG_FN void vector_fma(const eg_vector *a, const eg_vector *b, eg_vector *sum) {
  eg_vector made;
  EG_UNROLL
  for (int j = 0; j < VECTOR; j++) {
    made[j] = eg_fma((*a)[j], (*b)[j], (*sum)[j]);
  }
  *sum = made;
}

/* The next eight lanes into their chains. */
EG_FN void feed_chains(const double *v, double pivot, int has_masked, eg_chains *c) {
  EG_UNROLL
  for (int i = 0; i < VECTORS; i++) {
    const eg_vector values = *(const eg_vector *)(const void *)(v + i * VECTOR);
    eg_vector d = values - pivot;
    if (has_masked) {
      d = (eg_vector)((eg_vector_bits)d & (eg_vector_bits)(values == values));
    }
    const eg_vector d2 = d * d;
    c->of_power[0][i] = c->of_power[0][i] + d;
    c->of_power[1][i] = c->of_power[1][i] + d2;
    vector_fma(&d2, &d, &c->of_power[2][i]);
    vector_fma(&d2, &d2, &c->of_power[3][i]);
  }
}

/* All lanes of n columns, n a constant. */
EG_FN void feed_columns(int n, const double *const *v, uint32_t ld, const double *pivot, int has_masked, eg_chains *const *c) {
  eg_chains own[COLUMNS_AT_ONCE]; /* registers */
  EG_UNROLL
  for (int i = 0; i < n; i++) {
    own[i] = *c[i];
  }
  for (uint32_t l = 0; l < ld; l += EG_CHAINS) {
    EG_UNROLL
    for (int i = 0; i < n; i++) {
      feed_chains(v[i] + l, pivot[i], has_masked, &own[i]);
    }
  }
  EG_UNROLL
  for (int i = 0; i < n; i++) {
    *c[i] = own[i];
  }
}

static double find_pivot(const double *v, uint32_t ld) {
  for (uint32_t l = 0; l < ld; l++) {
    if (eg_is_pivot(v[l])) {
      return v[l];
    }
  }
  return 0.0;
}

/* Moments of n valid lanes from their chains. */
static void end_chains(const eg_chains *c, double n, double pivot, double *moments) {
  double S[4];
  for (int k = 0; k < 4; k++) {
    double s[EG_CHAINS];
    memcpy(s, c->of_power[k], sizeof s);
    S[k] = tree_eight(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
  }
  eg_central_moments(n, pivot, S, moments);
}

/* The moments of columns first .. first + n - 1 of a tile, n a constant; column c is feature c mod n_features of row
   c div n_features. A row's features come in their order: the first one counts the valid lanes. */
EG_FN void column_moments(int n, const eg_reduce *r, const double *records, uint64_t first, uint32_t size) {
  const double *v[COLUMNS_AT_ONCE];
  double pivot[COLUMNS_AT_ONCE];
  eg_chains chains[COLUMNS_AT_ONCE], *c[COLUMNS_AT_ONCE];
  memset(chains, 0, sizeof chains);
  EG_UNROLL
  for (int i = 0; i < n; i++) {
    const uint64_t column = first + (uint64_t)i;
    c[i] = &chains[i];
    v[i] = records + (column / r->n_features * r->width + column % r->n_features) * r->ld;
    pivot[i] = find_pivot(v[i], r->ld); /* nearly always the first value */
  }
  feed_columns(n, v, r->ld, pivot, 0, c);
  for (int i = 0; i < n; i++) {
    const uint64_t column = first + (uint64_t)i, f = column % r->n_features;
    double *const node = r->nodes + column / r->n_features * size, *const moments = node + 1 + 4 * f;
    node[0] = f == 0 ? (double)r->ld : node[0];
    end_chains(c[i], node[0], pivot[i], moments);
    if (f == 0 ? moments[0] != moments[0] : node[0] < (double)r->ld) { /* NaN if a lane is masked (or, harmless, if it overflows) */
      memset(c[i], 0, sizeof *c[i]);
      feed_columns(1, &v[i], r->ld, &pivot[i], 1, &c[i]);
      node[0] = f == 0 ? tree_count(v[i], r->ld) : node[0];
      end_chains(c[i], node[0], pivot[i], moments);
    }
  }
}

/* Columns of a block: those of the first n_features of the width of each row. */
typedef struct eg_columns {
  const double *row;
  uint32_t f, n_features;
  size_t of_row; /* from one row to the next */
} eg_columns;

EG_FN const double *next_column(eg_columns *c) {
  const double *const v = c->row + (size_t)c->f * EG_LANES;
  if (++c->f == c->n_features) {
    c->f = 0;
    c->row += c->of_row;
  }
  return v;
}

/* The next EG_LANES lanes of n columns into their sums; n and has_masked are constants. */
EG_FN void feed_sums(int n, eg_columns *columns, int has_masked, eg_sums *sums) {
  const double *v[COLUMNS_AT_ONCE];
  double pivot[COLUMNS_AT_ONCE];
  eg_chains *c[COLUMNS_AT_ONCE];
  EG_UNROLL
  for (int i = 0; i < n; i++) {
    v[i] = next_column(columns);
    c[i] = (eg_chains *)(void *)sums[i].chains;
    if (sums[i].pivot != sums[i].pivot) { /* none so far: 0, which does nothing, where no lane of this block is valid either */
      pivot[i] = find_pivot(v[i], EG_LANES);
      sums[i].pivot = v[i][0] == pivot[i] || tree_count(v[i], EG_LANES) > 0 ? pivot[i] : sums[i].pivot;
    } else {
      pivot[i] = sums[i].pivot;
    }
    sums[i].n += has_masked ? tree_count(v[i], EG_LANES) : (double)EG_LANES;
  }
  feed_columns(n, v, EG_LANES, pivot, has_masked, c);
}

EG_FN void feed_block(const eg_reduce *r, int has_masked, eg_sums *sums) {
  const uint64_t n = (uint64_t)r->n_records * r->n_points * r->n_features;
  eg_columns columns = {r->records, 0, r->n_features, (size_t)r->width * EG_LANES};
  uint64_t column = 0;
  for (; column + COLUMNS_AT_ONCE <= n; column += COLUMNS_AT_ONCE) {
    feed_sums(COLUMNS_AT_ONCE, &columns, has_masked, sums + column);
  }
  for (; column < n; column++) {
    feed_sums(1, &columns, has_masked, sums + column);
  }
}

/* The block in hand, r->ld = EG_LANES, into the sums of its columns (n_records, n_points, n_features). */
void EG_PASTE(eg_feed_block, EG_ISA)(const eg_reduce *r, int has_masked, eg_sums *sums) {
  if (has_masked) {
    feed_block(r, 1, sums);
  } else {
    feed_block(r, 0, sums);
  }
}

/* Nodes of columns of which all lanes were fed. */
void EG_PASTE(eg_end_sums, EG_ISA)(const eg_reduce *r, const eg_sums *sums) {
  const uint32_t size = eg_node_values(r->n_features, r->with_covariance);
  for (uint64_t column = 0; column < (uint64_t)r->n_records * r->n_points * r->n_features; column++) {
    const eg_sums *const s = &sums[column];
    const uint64_t f = column % r->n_features;
    double *const node = r->nodes + column / r->n_features * size;
    eg_chains c;
    memcpy(&c, s->chains, sizeof c);
    node[0] = f == 0 ? s->n : node[0];
    end_chains(&c, node[0], s->pivot == s->pivot ? s->pivot : 0.0, node + 1 + 4 * f);
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
  uint64_t column = 0;
  const uint64_t columns = (uint64_t)rows * r->n_features;
  for (; column + COLUMNS_AT_ONCE <= columns; column += COLUMNS_AT_ONCE) {
    column_moments(COLUMNS_AT_ONCE, r, records, column, size);
  }
  for (; column < columns; column++) {
    column_moments(1, r, records, column, size);
  }
  for (uint32_t row = 0; r->with_covariance != EG_COVARIANCE_NONE && row < rows; row++) {
    double *const v = records + (size_t)row * r->width * r->ld;
    double *const node = r->nodes + (size_t)row * size;
    double *const sums = node + 1;
    const int has_masked = node[0] < (double)r->ld;
    double *pair = sums + 4 * (size_t)r->n_features;
    if (r->with_covariance == EG_COVARIANCE_PRODUCT) {
      make_deviations(r, v, sums);
      product_comoments(v, r->n_features, r->ld, pair);
      continue;
    }
    for (uint32_t f = 0; f < r->n_features; f += 2) {
      if (has_masked) {
        two_rows_of_comoments(r, v, sums, f, 1, scratch, pair);
      } else {
        two_rows_of_comoments(r, v, sums, f, 0, scratch, pair);
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
