/*
 * The population form: the GPU's source, compiled by cc with the threads of a phase run one after the other, against the CPU
 * driver on both instruction sets, bit by bit: records, first bad steps and states for every stepper, for numbers of particles
 * around the block of 256 and the powers of two, with a restart in the middle, random starts, large draw numbers, blow-ups.
 * And the average against a tree written here from its definition in core/population.h.
 */
#include "check.h"

#include "core/noise.h"
#include "core/rows.h"
#include "core/unit_table.h"
#include "thread_twin.h"

#define DECLARE(dim)                                                                                         \
  extern const twin_stepper population_twin_##dim[];                                                      \
  extern const eg_unit population_cpu_##dim##_v3, population_cpu_##dim##_v4;
DECLARE(1)
DECLARE(2)

typedef struct form {
  const twin_stepper *twin;
  const eg_unit *v3, *v4;
} form;
#define ROW(dim) {population_twin_##dim, &population_cpu_##dim##_v3, &population_cpu_##dim##_v4},
static const form forms[] = {ROW(1) ROW(2)};

enum { TILE = 2, USED = 3, TILES = 2, LD = EG_LANES, ROWS = 11, N_RECORDS = 4, MOST_FEATURES = 6 };

static void *need(size_t bytes) {
  void *const p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  if (p == NULL) {
    fprintf(stderr, "no memory\n");
    exit(1);
  }
  memset(p, 0xff, (bytes + 4095) / 4096 * 4096);
  return p;
}

typedef struct buffers {
  double *records, *state;
  uint64_t *first_bad;
} buffers;

static size_t state_values(const eg_unit *unit, uint32_t n_particles) {
  return ((size_t)n_particles + 7) / 8 * 8 * (size_t)unit->dim;
}

static buffers make_buffers(const eg_unit *unit, uint32_t n_particles) {
  buffers b;
  b.records = need(sizeof(double) * TILES * N_RECORDS * MOST_FEATURES * LD);
  b.state = need(sizeof(double) * TILES * TILE * state_values(unit, n_particles));
  b.first_bad = need(sizeof(uint64_t) * TILES * LD);
  return b;
}

static void free_buffers(buffers b) {
  free(b.records);
  free(b.state);
  free(b.first_bad);
}

static void run_cpu(const eg_unit *unit, eg_advance_fn advance, const double *params, const eg_launch *base, buffers b) {
  eg_thread t;
  memset(&t, 0, sizeof t);
  t.block = need(unit->block_bytes(base));
  for (uint32_t tile = 0; tile < TILES; tile++) {
    eg_launch a = *base;
    a.realisation_first += tile * TILE;
    a.n_lanes = USED - tile * TILE < TILE ? USED - tile * TILE : TILE;
    a.records = b.records + (size_t)tile * N_RECORDS * a.n_features * LD;
    a.state = b.state + (size_t)tile * TILE * state_values(unit, a.n_particles);
    a.first_bad = b.first_bad + (size_t)tile * LD;
    advance(params, &a, &t);
  }
  free(t.block);
}

/* All tiles in one launch, or in two that meet at `split` (0: one); records are gathered from both. */
static void run_twin(const twin_stepper *twin, const eg_unit *unit, const double *params, const double *staged,
                     const eg_launch *base, uint64_t split, buffers b) {
  double *const sums = need(sizeof(double) * USED * (size_t)unit->dim * 8192);
  double *const part = need(sizeof(double) * TILES * N_RECORDS * MOST_FEATURES * LD);
  const size_t row = (size_t)base->n_features * LD;
  uint32_t done = 0;
  for (int launch = 0; launch < (split == 0 ? 1 : 2); launch++) {
    eg_launch a = *base;
    a.n_lanes = USED;
    a.state = b.state;
    a.first_bad = b.first_bad;
    a.records = part;
    a.tile = TILE;
    a.scratch = sums;
    a.record_steps = base->record_steps + done;
    a.n_records = 0;
    a.is_restart = launch;
    a.step_first = launch == 0 ? base->step_first : split;
    a.step_last = split != 0 && launch == 0 ? split : base->step_last;
    while (done + a.n_records < base->n_records && a.record_steps[a.n_records] <= a.step_last) {
      a.n_records++;
    }
    twin->launch(params, &a, staged, (uint64_t)TILES * TILE * 256);
    for (size_t tile = 0; tile < TILES; tile++) {
      memcpy(b.records + (tile * N_RECORDS + done) * row, part + tile * a.n_records * row,
             sizeof(double) * a.n_records * row);
    }
    done += a.n_records;
  }
  free(sums);
  free(part);
}

static int differ(double a, double b) {
  return memcmp(&a, &b, sizeof a) != 0 && !(isnan(a) && isnan(b));
}

static size_t count_differences(const eg_unit *unit, const eg_launch *a, buffers want, buffers got, size_t *n_bad) {
  size_t differences = 0;
  *n_bad = 0;
  for (size_t i = 0; i < USED; i++) {
    const size_t tile = i / TILE, slot = i % TILE;
    for (size_t f = 0; f < N_RECORDS * (size_t)a->n_features; f++) {
      const size_t at = (tile * N_RECORDS * a->n_features + f) * LD + slot;
      differences += (size_t)differ(want.records[at], got.records[at]);
    }
    differences += want.first_bad[tile * LD + slot] != got.first_bad[tile * LD + slot];
    *n_bad += want.first_bad[tile * LD + slot] != EG_NEVER;
    const size_t slots = state_values(unit, a->n_particles) / (size_t)unit->dim;
    for (size_t k = 0; k < (size_t)unit->dim; k++) {
      for (size_t p = 0; p < a->n_particles; p++) {
        const size_t at = (i * (size_t)unit->dim + k) * slots + p;
        differences += (size_t)differ(want.state[at], got.state[at]);
      }
    }
  }
  return differences;
}

static uint64_t scramble_state;
static double scrambled(double low, double high) {
  scramble_state = scramble_state * 6364136223846793005u + 1442695040888963407u;
  return low + (high - low) * (double)(scramble_state >> 11) * 0x1p-53;
}

/* The recorded averages of the state at the last record, by the definition. */
static double average_by_definition(const double *x, uint32_t n) {
  double total[8192] = {0};
  uint32_t width = 1;
  for (uint32_t first = 0; first < n; first += 256) {
    double v[256] = {0};
    for (uint32_t l = 0; l < 256 && first + l < n; l++) {
      v[l] = x[first + l];
    }
    for (uint32_t s = 128; s > 0; s /= 2) {
      for (uint32_t l = 0; l < s; l++) {
        v[l] += v[l + s];
      }
    }
    total[first / 256] = v[0];
  }
  while (width < (n + 255) / 256) {
    width *= 2;
  }
  for (uint32_t s = width / 2; s > 0; s /= 2) {
    for (uint32_t l = 0; l < s; l++) {
      total[l] += total[l + s];
    }
  }
  return total[0] / n;
}

static int is_v4;

static void check_case(const form *f, int i_stepper, uint32_t n_particles, int is_random, int is_blow_up,
                       uint64_t split_offset, int kind) {
  const eg_unit *const unit = is_v4 ? f->v4 : f->v3;
  const eg_unit_stepper *const stepper = &unit->steppers[i_stepper];
  const int dim = unit->dim;
  const double params[2] = {n_particles, 0};
  const eg_feature_code features[MOST_FEATURES] = {{EG_FEATURE_X, 0},       {EG_FEATURE_NORM2, 0},
                                                   {EG_FEATURE_LOSS, 0},    {EG_FEATURE_DISPLACEMENT2, 0},
                                                   {EG_FEATURE_X, dim - 1}, {EG_FEATURE_GRADIENT_NORM2, 0}};
  const uint64_t begin = is_random ? 3000000001u : 0;
  const uint64_t record_steps[N_RECORDS] = {begin, begin + 3, begin + 4, begin + 21};
  double start[2];
  scramble_state = n_particles + 5;
  double *const staged = need(sizeof(double) * (size_t)unit->n_staged);
  double *const rows = need(sizeof(double) * eg_rows_size(ROWS, dim + 1));
  for (int i = 0; i < unit->n_staged; i++) {
    staged[i] = scrambled(-0.4, 0.4) * (is_blow_up ? 0x1p60 : 1.0);
  }
  for (uint64_t i = 0; i < eg_rows_size(ROWS, dim + 1); i++) {
    rows[i] = scrambled(-1.0, 1.0) * (is_blow_up ? 0x1p60 : 1.0);
  }
  for (int k = 0; k < dim; k++) {
    start[k] = is_random ? 0.0 : k == 0 ? -0.0 : scrambled(-1.0, 1.0);
  }
  eg_launch a;
  memset(&a, 0, sizeof a);
  a.key[0] = 0x12345678u;
  a.key[1] = 0x9abcdef0u;
  a.kind = kind;
  a.n_rows = ROWS;
  a.realisation_first = is_random ? 0x300000041u : 0;
  a.ld = LD;
  a.n_points = 1;
  a.n_particles = n_particles;
  a.dim = (uint32_t)dim;
  a.step_first = begin;
  a.step_last = begin + 23;
  a.record_steps = record_steps;
  a.n_records = N_RECORDS;
  a.n_features = MOST_FEATURES;
  a.features = features;
  a.h = 0.01;
  a.learning_rate = 0.02;
  a.fold_count = stepper->normals == -1 ? ROWS : 3;
  a.rate_over_batch = 0.02 / a.fold_count;
  a.correction = 0.01;
  a.noise_scale = 0.3;
  a.start_kind = is_random ? EG_START_RANDOM : EG_START_FIXED;
  a.start = start;
  a.start_mean = 0.25;
  a.start_std = 0.5;
  a.staged = staged;
  a.rows = rows;
  const buffers want = make_buffers(unit, n_particles), got = make_buffers(unit, n_particles);
  size_t n_bad = 0;
  run_cpu(unit, stepper->advance, params, &a, want);
  run_twin(&f->twin[i_stepper], unit, params, staged, &a, split_offset == 0 ? 0 : begin + split_offset, got);
  const size_t differences = count_differences(unit, &a, want, got, &n_bad);
  if (differences != 0) {
    fprintf(stderr, "%s dim %d, %u particles, random %d, blow-up %d, split %llu: %zu values differ\n", stepper->name, dim,
            n_particles, is_random, is_blow_up, (unsigned long long)split_offset, differences);
  }
  CHECK(differences == 0);
  CHECK(n_bad == (is_blow_up ? USED : 0));
  if (!is_blow_up) { /* the state at the end is two steps behind the last record: make it there */
    a.step_last = begin + 21;
    run_cpu(unit, stepper->advance, params, &a, want);
    const size_t at = (size_t)(N_RECORDS - 1) * MOST_FEATURES * LD;
    CHECK(!differ(want.records[at], average_by_definition(want.state, n_particles) + 0.0));
  }
  free_buffers(want);
  free_buffers(got);
  free(staged);
  free(rows);
}

static void check_form(const form *f) {
  static const uint32_t counts[] = {1, 5, 255, 256, 257, 1000, 2304};
  const eg_unit *const unit = is_v4 ? f->v4 : f->v3;
  for (int i = 0; i < unit->n_steppers; i++) {
    CHECK_TEXT(unit->steppers[i].name, f->twin[i].name);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
      check_case(f, i, counts[c], 0, 0, 0, EG_KIND_GAUSSIAN);
      check_case(f, i, counts[c], 1, 0, 13, EG_KIND_GAUSSIAN);
    }
    check_case(f, i, 300, 1, 1, 0, EG_KIND_GAUSSIAN);
    check_case(f, i, 300, 1, 1, 2, EG_KIND_GAUSSIAN);
    for (int kind = 0; kind < EG_N_KINDS && unit->steppers[i].normals == -1; kind++) {
      check_case(f, i, 40, 1, 0, 7, kind);
    }
  }
  CHECK(f->twin[unit->n_steppers].name == NULL);
}

int main(void) {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    printf("skipped: no AVX2\n");
    return 77;
  }
  for (is_v4 = 0; is_v4 < (__builtin_cpu_supports("avx512f") ? 2 : 1); is_v4++) {
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
      check_form(&forms[i]);
    }
  }
  return check_report();
}
