/*
 * Histograms without trajectories: edges, places of values against a search through the edges that shares nothing with
 * the code under test, counts of both CPU kernels, limits from a sample against closed forms.
 */
#include "analysis/histogram_grid.h"

#include "check.h"
#include "model/units.h"

enum { MOST_EDGES = EG_MAX_BINS + 1 };

static uint64_t generator = 88172645463325252u;

static double uniform(void) {
  generator ^= generator << 13;
  generator ^= generator >> 7;
  generator ^= generator << 17;
  return ((double)(generator >> 11) + 0.5) / 9007199254740992.0;
}

static eg_histogram make_grid(uint32_t bins, int is_log, double low, double high, double *edges) {
  eg_histogram h;
  memset(&h, 0, sizeof h);
  h.bins = bins;
  h.is_log = is_log;
  eg_grid_set(&h, low, high, edges);
  return h;
}

/* The definition read aloud: how many edges are at or below the value. */
static uint32_t search(const double *edges, uint32_t bins, double v) {
  uint32_t n = 0;
  for (uint32_t k = 0; k <= bins; k++) {
    n += edges[k] <= v;
  }
  return isnan(v) ? bins + 2 : n;
}

static void check_places(uint32_t bins, int is_log, double low, double high) {
  static double edges[MOST_EDGES];
  const eg_histogram h = make_grid(bins, is_log, low, high, edges);
  const double special[] = {0.0,   -0.0, low, high, -low, INFINITY, -INFINITY, NAN, 0x1p-1074, -0x1p-1074, 1e308,
                            -1e308};
  size_t wrong = 0, n = 0;
  CHECK(edges[0] == low && edges[bins] == high);
  for (uint32_t k = 0; k <= bins; k++) {
    CHECK(k == 0 || edges[k - 1] < edges[k]);
    const double values[3] = {nextafter(edges[k], -INFINITY), edges[k], nextafter(edges[k], INFINITY)};
    for (int i = 0; i < 3; i++, n++) {
      wrong += eg_histogram_place(&h, edges, values[i]) != search(edges, bins, values[i]);
    }
  }
  for (size_t i = 0; i < sizeof special / sizeof special[0]; i++, n++) {
    wrong += eg_histogram_place(&h, edges, special[i]) != search(edges, bins, special[i]);
  }
  for (int i = 0; i < 2000; i++, n++) {
    const double u = 1.5 * uniform() - 0.25, v = is_log ? low * pow(high / low, u) : low + (high - low) * u;
    wrong += eg_histogram_place(&h, edges, v) != search(edges, bins, v);
  }
  if (wrong > 0) {
    fprintf(stderr, "grid %g .. %g, %u bins: %zu of %zu places are wrong\n", low, high, bins, wrong, n);
  }
  CHECK(wrong == 0);
}

static void test_places(void) {
  check_places(1, 0, 0, 1);
  check_places(100, 0, -3, 3);
  check_places(7, 0, -1e300, 1e300);
  check_places(EG_MAX_BINS, 0, 0.1, 0.7);
  check_places(64, 0, 1e6, 1e6 * (1 + 65 * 0x1p-40)); /* as narrow as a study may have them */
  check_places(64, 0, 0, 1e-285);
  check_places(1, 1, 1, 10);
  check_places(100, 1, 1e-9, 1e3);
  check_places(EG_MAX_BINS, 1, 1e-300, 1e300);
  check_places(64, 1, 1e300, 1e300 * (1 + 64 * 691 * 0x1p-40));
}

static void test_edges(void) {
  double edges[5];
  (void)make_grid(4, 0, -3, 3, edges);
  CHECK(edges[1] == -1.5 && edges[2] == 0 && edges[3] == 1.5);
  (void)make_grid(4, 1, 0.01, 100, edges);
  CHECK_NEAR(edges[1], 0.1, 1e-16);
  CHECK_NEAR(edges[2], 1.0, 1e-15);
  CHECK_NEAR(edges[3], 10.0, 1e-14);
}

/* Both kernels count what the search counts: a column of a power of two lanes, some of them masked. */
static void check_kernel(const char *isa, uint32_t ld, uint32_t bins, int is_log) {
  eg_context *const ctx = eg_context_create();
  const eg_cpu_kernels *kernels = NULL;
  static double edges[MOST_EDGES], records[8192];
  static uint64_t counts[EG_MAX_BINS + 2], want[EG_MAX_BINS + 4];
  static uint32_t scratch[8192 + 4 * (EG_MAX_BINS + 3)];
  if (ctx == NULL || setenv("ENSGRAD_ISA", isa, 1) != 0 || eg_cpu_kernels_choose(ctx, &kernels) != EG_OK) {
    printf("%s skipped: %s\n", isa, ctx == NULL ? "no memory" : eg_context_message(ctx));
    eg_context_free(ctx);
    return;
  }
  const eg_histogram h = make_grid(bins, is_log, is_log ? 0.01 : -0.5, 2, edges);
  memset(counts, 0, sizeof counts);
  memset(want, 0, sizeof want);
  for (uint32_t l = 0; l < ld; l++) {
    const double v = 3 * uniform() - 0.75;
    records[l] = l % 17 == 3 ? NAN : (v > 2.2 ? edges[l % (bins + 1)] : v);
    want[search(edges, bins, records[l])]++;
  }
  eg_count r;
  memset(&r, 0, sizeof r);
  r.records = records;
  r.histograms = &h;
  r.edges = edges;
  r.counts = counts;
  r.tiles = r.n_records = r.n_points = r.n_features = r.n_histograms = 1;
  r.ld = r.n_lanes = ld;
  r.row_counts = bins + 2;
  kernels->count(&r, scratch);
  CHECK(memcmp(counts, want, (bins + 2) * sizeof *counts) == 0);
  CHECK(want[bins + 2] > 0);
  kernels->count(&r, scratch); /* added to what is there */
  CHECK(counts[0] == 2 * want[0] && counts[1] == 2 * want[1]);
  eg_context_free(ctx);
}

static void test_kernels(void) {
  static const char *const isas[] = {"v3", "v4"};
  for (int i = 0; i < 2; i++) {
    for (int is_log = 0; is_log < 2; is_log++) {
      check_kernel(isas[i], 64, 5, is_log);
      check_kernel(isas[i], 64, 1000, is_log);
      check_kernel(isas[i], 4096, 100, is_log);
      check_kernel(isas[i], 8192, EG_MAX_BINS, is_log);
    }
  }
}

/* ---- limits ---- */

enum { GROUPS = 2, N = 640 };

static void limits(int is_log, bool is_nonnegative, const double *values, double *low, double *high) {
  double copy[GROUPS * N];
  eg_histogram h;
  memset(&h, 0, sizeof h);
  h.bins = 64;
  h.is_log = is_log;
  memcpy(copy, values, sizeof copy);
  eg_grid_limits(&h, is_nonnegative, GROUPS, N, copy, low, high);
}

static void test_limits(void) {
  double v[GROUPS * N], low = NAN, high = NAN;
  for (int i = 0; i < N; i++) { /* ranks 10 and 629 of 0 .. 639 in a scrambled order; the second group twice as wide */
    v[i] = (i * 7) % N;
    v[N + i] = 2 * ((i * 11) % N);
  }
  limits(0, false, v, &low, &high);
  CHECK(low == 10 - (1258 - 10) / 2.0 && high == 1258 + (1258 - 10) / 2.0);
  limits(0, true, v, &low, &high);
  CHECK(low == 0 && high == 1258 + (1258 - 10) / 2.0);
  v[0] = 1e300; /* escaped or lost trajectories move the ranks, no more */
  v[1] = NAN;
  limits(0, false, v, &low, &high);
  CHECK(low > -620 && low < -600 && high > 1800 && high < 1900);
  limits(1, false, v, &low, &high);
  CHECK(low > 0 && low < 10 && high > 1258 && high < 1e6);
  for (int i = 0; i < GROUPS * N; i++) {
    v[i] = -8;
  }
  limits(0, false, v, &low, &high);
  CHECK(low == -12 && high == -4);
  limits(1, false, v, &low, &high); /* nothing positive */
  CHECK(low == 1 && high == 10);
  for (int i = 0; i < GROUPS * N; i++) {
    v[i] = i % 2 == 0 ? 1e6 : nextafter(1e6, INFINITY); /* closer than bins can be */
  }
  limits(0, false, v, &low, &high);
  check_places(64, 0, low, high);
  for (int i = 0; i < GROUPS * N; i++) {
    v[i] = NAN;
  }
  limits(0, false, v, &low, &high);
  CHECK(low == 0 && high == 1);
}

int main(void) {
  test_edges();
  test_places();
  test_kernels();
  test_limits();
  return check_report();
}
