/*
 * The sums of stats/moments.h on chosen columns against two passes in long double, and block by block against the whole tile: values
 * far from 0, a pivot that is the only outlier, heavy tails, one value for all, columns that are masked in part, at the front, or
 * all; what overflows is infinite. Every vector form of this machine gives the same bits.
 */
#include "check.h"

#include "model/units.h"

enum { MOST = 8192, COLUMNS = 9 };

static double records[COLUMNS * MOST], block[COLUMNS * EG_LANES], nodes[COLUMNS * 5], of_blocks[COLUMNS * 5], scratch[1];
static eg_sums sums[COLUMNS];
static double largest_error;

static uint64_t state;

static double uniform(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return ((double)(state >> 11) + 0.5) * 0x1p-53;
}

static double normal(void) {
  return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static double choose(int column, uint32_t l) {
  switch (column) {
  case 0:
    return normal();
  case 1:
    return 1e8 + normal();
  case 2: /* the first one is the pivot */
    return l == 0 ? 1e6 : normal();
  case 3: /* no fourth moment */
    return pow(uniform(), -0.4);
  case 4:
    return 0.1;
  case 5:
    return uniform() < 0.3 ? NAN : -3 + normal();
  case 6: /* whole blocks, and more */
    return l < 150 ? NAN : 5 + normal();
  case 7:
    return NAN;
  default:
    return l == 70 ? NAN : exp(3 * normal());
  }
}

/* The sums to be shifted are at most so far from each other that n values cancel: an error of few roundings of what cancels. */
static void compare(const char *what, double got, long double want, long double size) {
  const double error = size == 0 ? (got == (double)want ? 0 : INFINITY) : (double)(fabsl((long double)got - want) / size / 0x1p-53L);
  largest_error = fmax(largest_error, error);
  if (!(error < 64)) {
    fprintf(stderr, "%s: %.17g, reference %.17Lg: %g roundings\n", what, got, want, error);
  }
  CHECK(error < 64);
}

static void check_column(int column, uint32_t ld, const double *node) {
  const double *const v = records + (size_t)column * ld;
  long double n = 0, shift = 0, M[5] = {0}, size[5] = {0}, pivot = 0; /* differences to the first one, which are exact */
  for (uint32_t l = ld; l-- > 0;) {
    pivot = isnan(v[l]) ? pivot : v[l];
    n += !isnan(v[l]);
  }
  for (uint32_t l = 0; l < ld; l++) {
    shift += isnan(v[l]) ? 0 : v[l] - pivot;
  }
  shift = n > 0 ? shift / n : 0;
  for (uint32_t l = 0; l < ld; l++) {
    for (int k = 1; k <= 4 && !isnan(v[l]); k++) {
      M[k] += powl(v[l] - pivot - shift, k);
      size[k] += powl(fabsl(v[l] - pivot), k) + (k > 1 ? powl(fabsl(shift), k) : 0) * 3;
    }
  }
  CHECK(node[0] == (double)n);
  compare("mean", node[1], pivot + shift, n > 0 ? fabsl(pivot + shift) + size[1] / n : 0);
  compare("M2", node[2], M[2], size[2]);
  compare("M3", node[3], M[3], size[3]);
  compare("M4", node[4], M[4], size[4]);
}

/* About 0 instead of about the pivot: what must not pass for values far from 0. */
static void check_control(uint32_t ld) {
  const double *const v = records + ld;
  double n = 0, S1 = 0, S2 = 0;
  long double mean = 0, M2 = 0;
  for (uint32_t l = 0; l < ld; l++) {
    n += 1;
    S1 += v[l];
    S2 += v[l] * v[l];
    mean += v[l];
  }
  mean /= n;
  for (uint32_t l = 0; l < ld; l++) {
    M2 += (v[l] - mean) * (v[l] - mean);
  }
  CHECK(fabsl(S2 - S1 * S1 / n - M2) > 1e6L * 64 * 0x1p-53L * M2);
}

/* Rows of a block have room for more columns than moments are made of. */
static void feed_tile(const eg_cpu_kernels *kernels, uint32_t ld, uint32_t rows, uint32_t features) {
  eg_reduce r;
  memset(&r, 0, sizeof r);
  memset(sums, 0, sizeof sums);
  for (int c = 0; c < COLUMNS; c++) {
    sums[c].pivot = NAN;
  }
  r.records = block;
  r.nodes = of_blocks;
  r.n_records = rows;
  r.n_points = 1;
  r.n_features = r.width = features;
  r.ld = r.n_lanes = EG_LANES;
  for (uint32_t slot = 0; slot < ld; slot += EG_LANES) {
    int has_masked = 0;
    for (uint32_t i = 0; i < rows * features * EG_LANES; i++) {
      block[i] = records[(size_t)(i / EG_LANES) * ld + slot + i % EG_LANES];
      has_masked |= isnan(block[i]);
    }
    kernels->feed_block(&r, has_masked, sums);
  }
  kernels->end_sums(&r, sums);
}

static void check_tile(const eg_cpu_kernels *kernels, uint32_t ld, int is_second, double *first_nodes) {
  eg_reduce r;
  for (size_t i = 0; i < (size_t)COLUMNS * ld; i++) {
    records[i] = choose((int)(i / ld), (uint32_t)(i % ld));
  }
  memset(&r, 0, sizeof r);
  r.records = records;
  r.nodes = nodes;
  r.n_records = COLUMNS; /* a feature each: the features of a record are masked together */
  r.n_points = r.n_features = r.width = 1;
  r.ld = r.n_lanes = ld;
  kernels->reduce(&r, records, scratch);
  for (int c = 0; c < COLUMNS; c++) {
    check_column(c, ld, nodes + 5 * c);
  }
  CHECK(nodes[5 * 4 + 1] == 0.1 && nodes[5 * 4 + 2] == 0 && nodes[5 * 4 + 3] == 0 && nodes[5 * 4 + 4] == 0);
  CHECK(nodes[5 * 7] == 0 && nodes[5 * 7 + 1] == 0 && nodes[5 * 7 + 4] == 0);
  check_control(ld);
  if (ld >= EG_LANES) {
    feed_tile(kernels, ld, COLUMNS, 1);
    CHECK(memcmp(nodes, of_blocks, sizeof nodes) == 0);
  }
  CHECK(!is_second || memcmp(first_nodes, nodes, sizeof nodes) == 0);
  memcpy(first_nodes, nodes, sizeof nodes);
}

/* Several features a row: the first five columns, of which none is masked. */
static void check_features(const eg_cpu_kernels *kernels) {
  enum { LD = 512, FEATURES = 5 };
  double node[1 + 4 * FEATURES];
  eg_reduce r;
  for (size_t i = 0; i < FEATURES * LD; i++) {
    records[i] = choose((int)(i / LD), (uint32_t)(i % LD));
  }
  memset(&r, 0, sizeof r);
  r.records = records;
  r.nodes = node;
  r.n_records = r.n_points = 1;
  r.n_features = r.width = FEATURES;
  r.ld = r.n_lanes = LD;
  kernels->reduce(&r, records, scratch);
  for (int c = 0; c < FEATURES; c++) {
    double of_column[5] = {node[0]};
    memcpy(of_column + 1, node + 1 + 4 * c, 4 * sizeof(double));
    check_column(c, LD, of_column);
  }
  feed_tile(kernels, LD, 1, FEATURES);
  CHECK(memcmp(node, of_blocks, sizeof node) == 0);
}

/* Sums beyond the largest number, of values within. */
static void check_overflow(const eg_cpu_kernels *kernels) {
  eg_reduce r;
  for (int l = 0; l < 64; l++) {
    records[l] = l == 3 ? 1e200 : l;
  }
  memset(&r, 0, sizeof r);
  r.records = records;
  r.nodes = nodes;
  r.n_records = r.n_points = r.n_features = r.width = 1;
  r.ld = r.n_lanes = 64;
  kernels->reduce(&r, records, scratch);
  CHECK(nodes[0] == 64 && fabs(nodes[1] / (1e200 / 64) - 1) < 1e-15);
  for (int k = 2; k <= 4; k++) {
    CHECK(nodes[k] == INFINITY);
  }
  records[5] = INFINITY; /* of powers of displacements: the pivot is finite all the same */
  records[0] = INFINITY;
  kernels->reduce(&r, records, scratch);
  for (int k = 1; k <= 4; k++) {
    CHECK(nodes[k] == INFINITY);
  }
}

/* Squares that are lost, or nearly, while the mean is not: no sum of squares is negative; and cubes that are lost have no sign. */
static void check_lost(const eg_cpu_kernels *kernels) {
  eg_reduce r;
  memset(&r, 0, sizeof r);
  r.records = records;
  r.nodes = nodes;
  r.n_records = r.n_points = r.n_features = r.width = 1;
  r.ld = r.n_lanes = 64;
  for (int i = 0; i < 200; i++) {
    for (int l = 0; l < 64; l++) {
      records[l] = (i < 100 ? 1e-162 : 1e-81) * exp(1 + normal());
    }
    kernels->reduce(&r, records, scratch);
    CHECK(!signbit(nodes[2]) && !signbit(nodes[4]));
  }
  for (int l = 0; l < 64; l++) {
    records[l] = l % 9 == 0 ? 1e-110 : 0.9e-110;
  }
  kernels->reduce(&r, records, scratch);
  CHECK(nodes[3] == 0 && !signbit(nodes[3]));
}

int main(void) {
  static const uint32_t sizes[] = {64, 128, 512, 4096, 8192, 8, 16, 32};
  static const char *const forms[] = {"v3", "v4"};
  static double first[sizeof sizes / sizeof sizes[0]][COLUMNS * 5];
  eg_context *const ctx = eg_context_create();
  const eg_cpu_kernels *kernels = NULL, *last = NULL;
  int n_forms = 0;
  for (int form = 0; form < 2; form++) {
    (void)setenv("ENSGRAD_ISA", forms[form], 1);
    if (eg_cpu_kernels_choose(ctx, &kernels) != EG_OK || kernels == last) {
      continue; /* not on this machine */
    }
    last = kernels;
    state = 88172645463325252u;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
      check_tile(kernels, sizes[i], n_forms > 0, first[i]);
    }
    check_features(kernels);
    check_overflow(kernels);
    check_lost(kernels);
    n_forms++;
  }
  eg_context_free(ctx);
  printf("%d forms, largest error %.1f roundings of what is added up\n", n_forms, largest_error);
  CHECK(n_forms > 0);
  return check_report();
}
