/*
 * The GPU's source against the CPU driver, bit by bit, on the CPU: units compiled through core/lane_gpu.h
 * (thread_twin.c) and through core/lane_cpu.h, those of the program where it has them, give the same records,
 * first bad steps and final states for every stepper and noise kind: with two points, a partial tile, a restart in the middle of a segment,
 * blow-ups, random starts and large draw numbers. The same for launches that look after every step (monitors),
 * for chains, for rows drawn without replacement, and for the tree of the statistics kernels.
 */
#include "check.h"

#include "core/permutation.h"
#include "core/rows.h"
#include "core/unit_table.h"
#include "analysis/histogram_grid.h"
#include "model/units.h"
#include "reduce_twin.h"
#include "thread_twin.h"

/* X(name): a model with its dimension; cmake/thread_form.cmake has the same list */
#define UNITS(X)                                                                                             \
  X(ornstein_uhlenbeck)                                                                                      \
  X(geometric_brownian_motion)                                                                               \
  X(double_well)                                                                                             \
  X(quadratic_3)                                                                                             \
  X(quadratic_4)                                                                                             \
  X(linear_regression_4)                                                                                     \
  X(linear_regression_6)                                                                                     \
  X(logistic_regression_2)                                                                                   \
  X(linear_regression_gaussian_2)                                                                            \
  X(linear_regression_gaussian_3)                                                                            \
  X(scaled_brownian_motion)                                                                                  \
  X(continuous_time_random_walk)                                                                             \
  X(levy_walk)                                                                                               \
  X(annealed_transit_time)

#define DECLARE(name)                                                                                        \
  extern const twin_stepper twin_##name[];                                                                   \
  extern const eg_unit cpu_##name##_v3;
UNITS(DECLARE)

/* The units that are also compiled with -DEG_WATCHED=1. */
#define WATCHED_UNITS(X) X(ornstein_uhlenbeck) X(quadratic_3) X(linear_regression_4)
#define DECLARE_WATCHED(name) extern const twin_stepper watched_##name[];
WATCHED_UNITS(DECLARE_WATCHED)
/* And with -DEG_PERMUTED=1. */
#define PERMUTED_UNITS(X) X(linear_regression_4) X(logistic_regression_2)
#define DECLARE_PERMUTED(name) extern const twin_stepper permuted_##name[];
PERMUTED_UNITS(DECLARE_PERMUTED)
/* With -DEG_NOISY=1, and with -DEG_STABLE=1. */
#define NOISY_UNITS(X) X(linear_regression_4)
#define DECLARE_NOISY(name) extern const twin_stepper noisy_##name[];
NOISY_UNITS(DECLARE_NOISY)
#define STABLE_UNITS(X) X(ornstein_uhlenbeck) X(quadratic_3) X(quadratic_4)
#define DECLARE_STABLE(name) extern const twin_stepper stable_##name[];
STABLE_UNITS(DECLARE_STABLE)
/* With -DEG_COARSE=1: increments that are sums. */
#define COARSE_UNITS(X) X(ornstein_uhlenbeck) X(quadratic_4) X(linear_regression_4)
#define DECLARE_COARSE(name) extern const twin_stepper coarse_##name[];
COARSE_UNITS(DECLARE_COARSE)
extern const eg_unit cpu_wide_ornstein_uhlenbeck_v3; /* double increments, for gaussian64 */

extern const eg_fill_table eg_fill_table_v3, eg_fill_table_v4;
void eg_reduce_tile_v3(const eg_reduce *r, double *records, double *scratch);
void eg_reduce_tile_v4(const eg_reduce *r, double *records, double *scratch);
void eg_count_tile_v3(const eg_count *r, uint32_t *scratch);
void eg_count_tile_v4(const eg_count *r, uint32_t *scratch);
void twin_indices(const uint32_t key[2], uint64_t realisation, uint64_t first, uint32_t n, uint32_t n_rows,
                  int32_t *out);

typedef struct unit_pair {
  const char *name;
  const twin_stepper *twin;
  const eg_unit *own; /* compiled for this test, with all steppers, for v3 */
} unit_pair;

#define ROW(name) {#name, twin_##name, &cpu_##name##_v3},
static const unit_pair units[] = {UNITS(ROW)};
enum { N_UNITS = sizeof units / sizeof units[0] };

#define WATCHED_ROW(name) {"watched " #name, watched_##name, &cpu_##name##_v3},
static const unit_pair watched_units[] = {WATCHED_UNITS(WATCHED_ROW)};
enum { N_WATCHED_UNITS = sizeof watched_units / sizeof watched_units[0] };

#define PERMUTED_ROW(name) {"permuted " #name, permuted_##name, &cpu_##name##_v3},
static const unit_pair permuted_units[] = {PERMUTED_UNITS(PERMUTED_ROW)};
enum { N_PERMUTED_UNITS = sizeof permuted_units / sizeof permuted_units[0] };

#define NOISY_ROW(name) {"noisy " #name, noisy_##name, &cpu_##name##_v3},
static const unit_pair noisy_units[] = {NOISY_UNITS(NOISY_ROW)};
enum { N_NOISY_UNITS = sizeof noisy_units / sizeof noisy_units[0] };

#define STABLE_ROW(name) {"stable " #name, stable_##name, &cpu_##name##_v3},
static const unit_pair stable_units[] = {STABLE_UNITS(STABLE_ROW)};
enum { N_STABLE_UNITS = sizeof stable_units / sizeof stable_units[0] };

#define COARSE_ROW(name) {"coarse " #name, coarse_##name, &cpu_##name##_v3},
static const unit_pair coarse_units[] = {COARSE_UNITS(COARSE_ROW)};
enum { N_COARSE_UNITS = sizeof coarse_units / sizeof coarse_units[0] };

enum { LD = 128, TILES = 2, LANES_USED = 128 + 70, POINTS = 2, MOST_RECORDS = 6, N_FEATURES = 14, ROWS = 11 };

static int is_v4;
static const eg_fill_table *fill; /* of the unit in hand */

static int is_among(const unit_pair *pair, const unit_pair *list, int n) {
  return pair >= list && pair < list + n;
}

/* ---- one case: a stepper with everything set ---- */

typedef struct buffers {
  double *records;     /* (tiles, records, points, features, ld) */
  double *state;       /* (tiles, points, width, ld) */
  uint64_t *first_bad; /* (tiles, points, ld) */
  double *monitors;    /* (tiles, points, EG_MOST_MONITORS, 2, ld) */
} buffers;

static void *need(size_t bytes) {
  void *const p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  if (p == NULL) {
    fprintf(stderr, "no memory\n");
    exit(1);
  }
  memset(p, 0xff, (bytes + 4095) / 4096 * 4096);
  return p;
}

static buffers make_buffers(int width) {
  buffers b;
  b.records = need(sizeof(double) * TILES * MOST_RECORDS * POINTS * N_FEATURES * LD);
  b.state = need(sizeof(double) * TILES * POINTS * (size_t)width * LD);
  b.first_bad = need(sizeof(uint64_t) * TILES * POINTS * LD);
  b.monitors = need(sizeof(double) * TILES * POINTS * EG_MOST_MONITORS * 2 * LD);
  return b;
}

static void free_buffers(buffers b) {
  free(b.records);
  free(b.state);
  free(b.first_bad);
  free(b.monitors);
}

static void make_permutation(eg_permutation *p) {
  memset(p, 0, sizeof *p);
  p->order = need(sizeof *p->order * ROWS * EG_LANES);
  p->chosen = need(sizeof *p->chosen * ROWS * EG_LANES);
  for (size_t i = 0; i < (size_t)ROWS * EG_LANES; i++) {
    p->order[i] = (uint16_t)(i / EG_LANES);
  }
}

static void run_cpu(const eg_unit *unit, const eg_unit_stepper *stepper, const double *params, const eg_launch *base,
                    buffers b) {
  const size_t width = (size_t)(unit->dim + stepper->extra);
  eg_permutation permutation;
  eg_thread t;
  memset(&t, 0, sizeof t);
  make_permutation(&permutation);
  t.permutation = base->sampling == EG_SAMPLE_REPLACEMENT ? NULL : &permutation;
  t.fill = fill;
  t.noise = need(EG_NOISE_BYTES);
  t.rows = need(EG_ROWS_BYTES);
  t.index = need(sizeof(int32_t) * EG_INDEX_BLOCKS * 4 * EG_LANES);
  t.block = need(unit->block_bytes(base));
  for (uint32_t tile = 0; tile < TILES; tile++) {
    eg_launch a = *base;
    a.realisation_first += tile * LD;
    a.n_lanes = LANES_USED - tile * LD < LD ? LANES_USED - tile * LD : LD;
    a.records = b.records + (size_t)tile * a.n_records * POINTS * N_FEATURES * LD;
    a.state = b.state + (size_t)tile * POINTS * width * LD;
    a.first_bad = b.first_bad + (size_t)tile * POINTS * LD;
    a.monitor_state = b.monitors + (size_t)tile * POINTS * EG_MOST_MONITORS * 2 * LD;
    stepper->advance(params, &a, &t);
  }
  free(permutation.order);
  free(permutation.chosen);
  free(t.noise);
  free(t.rows);
  free(t.index);
  free(t.block);
}

/* The threads of all tiles, in one launch or in two that meet at `split` (0: one). The second launch has
   buffers of its own for its records, as the plug-in has; they are put together afterwards. */
static void run_twin(const twin_stepper *stepper, const double *params, const double *staged,
                     const eg_launch *base, uint64_t split, buffers b) {
  const uint64_t n_threads = (uint64_t)TILES * POINTS * LD;
  const size_t row = (size_t)POINTS * N_FEATURES * LD;
  eg_launch a = *base;
  a.n_lanes = LANES_USED;
  a.state = b.state;
  a.first_bad = b.first_bad;
  a.monitor_state = b.monitors;
  a.scratch = need(sizeof(uint16_t) * 2 * ROWS * n_threads); /* permutations; or an order, where crossings absorb */
  double *const part = need(sizeof(double) * TILES * MOST_RECORDS * row);
  uint32_t done = 0;
  for (int launch = 0; launch < (split == 0 ? 1 : 2); launch++) {
    a.n_records = 0;
    a.record_steps = base->record_steps + done;
    a.is_restart = launch == 0 ? base->is_restart : 1;
    a.step_first = launch == 0 ? base->step_first : split;
    a.step_last = split != 0 && launch == 0 ? split : base->step_last;
    while (done + a.n_records < base->n_records && a.record_steps[a.n_records] <= a.step_last) {
      a.n_records++;
    }
    a.records = part;
    for (uint32_t i = 0; i < n_threads; i++) {
      ((uint32_t *)a.scratch)[i] = (uint32_t)n_threads - 1 - i;
    }
    stepper->launch(params, &a, staged, n_threads);
    for (size_t tile = 0; tile < TILES; tile++) {
      memcpy(b.records + (tile * base->n_records + done) * row, part + tile * a.n_records * row,
             sizeof(double) * a.n_records * row);
    }
    done += a.n_records;
  }
  free(a.scratch);
  free(part);
}

static int same_bits(double a, double b) {
  return memcmp(&a, &b, sizeof a) == 0;
}

/* Lanes that are in use: records bit by bit, first_bad, and states (any NaN equals any NaN). Where crossings absorb, what a
   masked trajectory carries beside x is left out: a driver need not step it on. */
static size_t count_differences(const eg_launch *a, int dim, int width, buffers want, buffers got, size_t *n_bad) {
  size_t differences = 0;
  *n_bad = 0;
  for (size_t tile = 0; tile < TILES; tile++) {
    const size_t used = LANES_USED - tile * LD < LD ? LANES_USED - tile * LD : LD;
    for (size_t l = 0; l < used; l++) {
      for (size_t i = 0; i < (size_t)a->n_records * POINTS * N_FEATURES; i++) {
        const size_t at = (tile * a->n_records * POINTS * N_FEATURES + i) * LD + l;
        differences += !same_bits(want.records[at], got.records[at]);
      }
      for (size_t i = 0; i < POINTS; i++) {
        const size_t at = (tile * POINTS + i) * LD + l;
        differences += want.first_bad[at] != got.first_bad[at];
        *n_bad += want.first_bad[at] != EG_NEVER;
        for (size_t k = 0; k < (size_t)a->n_monitors * 2 && want.first_bad[at] == EG_NEVER; k++) {
          const size_t m = ((tile * POINTS + i) * EG_MOST_MONITORS * 2 + k) * LD + l;
          differences += !same_bits(want.monitors[m], got.monitors[m]);
        }
      }
      for (size_t i = 0; i < (size_t)POINTS * (size_t)width; i++) {
        const size_t at = (tile * POINTS * (size_t)width + i) * LD + l, point = i / (size_t)width;
        const int is_masked = want.first_bad[(tile * POINTS + point) * LD + l] != EG_NEVER;
        const int is_left_out = a->absorbing != 0 && is_masked && i % (size_t)width >= (size_t)dim;
        differences += !is_left_out && !same_bits(want.state[at], got.state[at]) &&
                       !(isnan(want.state[at]) && isnan(got.state[at]));
      }
    }
  }
  return differences;
}

/* ---- the numbers of a case ---- */

static uint64_t scramble_state;
static double scrambled(double low, double high) {
  scramble_state = scramble_state * 6364136223846793005u + 1442695040888963407u;
  return low + (high - low) * (double)(scramble_state >> 11) * 0x1p-53;
}

enum { CASE_PLAIN, CASE_RANDOM, CASE_BLOW_UP, N_CASES };
/* Steps of a case: every stepper goes far once or twice; where it splits, what it draws and how it fails shows sooner. */
enum { SHORT = 60, MEDIUM = 140, LONG = 270 };

static void fill_params(const eg_unit *unit, int which, double *params) {
  double *next = params;
  for (int i = 0; i < unit->n_params; i++) {
    const int n = unit->params[i].is_vector ? unit->dim : 1;
    for (int k = 0; k < n; k++) {
      *next++ = which == CASE_BLOW_UP ? 40.0 + k : unit->params[i].value + 0.125 * k;
    }
  }
}

/* Four monitors and their eight columns. */
static void add_monitors(eg_launch *a, int dim, int which, uint64_t begin, eg_feature_code *columns) {
  static const int operations[2][EG_MOST_MONITORS] = {
      {EG_MONITOR_MEAN, EG_MONITOR_MAXIMUM, EG_MONITOR_CROSSING, EG_MONITOR_SUM},
      {EG_MONITOR_MINIMUM, EG_MONITOR_CROSSING, EG_MONITOR_CROSSING, EG_MONITOR_MEAN}};
  const int set = which == CASE_RANDOM;
  const eg_feature_code looked_at[EG_MOST_MONITORS] = {
      columns[4], {EG_FEATURE_X, dim - 1}, {EG_FEATURE_X, 0}, {EG_FEATURE_DISPLACEMENT2, 0}};
  for (int i = 0; i < EG_MOST_MONITORS; i++) {
    eg_monitor *const m = &a->monitors[i];
    m->feature = looked_at[i];
    m->operation = operations[set][i];
    m->direction = m->operation != EG_MONITOR_CROSSING ? 0 : set == 0 ? EG_DIRECTION_ANY : i;
    m->level = 0.25;
    m->first = begin + 4;
    m->last = begin + 140;
    columns[6 + i] = (eg_feature_code){EG_FEATURE_MONITOR, i};
  }
  columns[10] = (eg_feature_code){EG_FEATURE_MONITOR_TIME, 2};
  /* crossings 1 and 2 of the second set compete; of the first there is one crossing */
  columns[11] = (eg_feature_code){EG_FEATURE_EXIT, 2 + (6 << 8)};
  columns[12] = (eg_feature_code){EG_FEATURE_EXIT, 1 + (6 << 8)};
  columns[13] = (eg_feature_code){EG_FEATURE_EXIT_TIME, 1 + (6 << 8)};
  a->n_monitors = EG_MOST_MONITORS;
}

/* Every coefficient of a chain has a part in what comes out. */
static void set_chain(eg_launch *a, int which, uint32_t fold_count) {
  eg_chain *const c = &a->chain;
  c->rate = a->learning_rate;
  c->inverse_batch = 1.0 / fold_count;
  c->half = (fold_count + 1) / 2;
  c->weight_first = 1.25;
  c->weight_second = which == CASE_RANDOM ? 0.0 : -0.5;
  c->momentum = 0.75;
  c->new_weight = 0.875;
  c->lookahead = 0.25;
  c->velocity_weight = 0.625;
  c->weight_decay = 0.0625;
  c->decay = 0.125;
  c->clip2 = which == CASE_PLAIN ? 0.25 : INFINITY;
  c->beta2 = 0.9375;
  c->new_square = 0.0625;
  c->epsilon = 1e-3;
  c->log_beta1 = which == CASE_RANDOM ? 0.0 : -0.25;
  c->log_beta2 = which == CASE_RANDOM ? 0.0 : -0.0625;
  c->start_square = 0.5;
  c->is_sign = which == CASE_RANDOM;
  c->is_before = which == CASE_RANDOM;
  c->substeps = 3;
  c->schedule.kind = which == CASE_RANDOM ? EG_SCHEDULE_CYCLIC : EG_SCHEDULE_COSINE;
  c->schedule.period = 40;
  c->schedule.last = 0.25;
  c->schedule.warm_up = 10;
  c->batch_size = fold_count;
  if (which == CASE_RANDOM) { /* not all samples count */
    c->batch.kind = EG_SCHEDULE_CYCLIC;
    c->batch.period = 40;
    c->batch.last = 0.25;
  }
}

static void check_stepper(const unit_pair *pair, const eg_unit *unit, int i_stepper, const twin_stepper *twin,
                          int which, uint32_t fold_count, uint64_t steps, uint64_t split_offset) {
  const eg_unit_stepper *const stepper = &unit->steppers[i_stepper];
  const int dim = unit->dim;
  double params[256], start[POINTS * 32];
  eg_feature_code features[N_FEATURES] = {{EG_FEATURE_X, 0},       {EG_FEATURE_NORM2, 0},
                                          {EG_FEATURE_X, dim - 1}, {EG_FEATURE_DISPLACEMENT2, 0},
                                          {EG_FEATURE_NORM2, 0},   {EG_FEATURE_X, dim / 2}}; /* and x0 */
  if (unit->caps & 1) { /* EG_CAP_LOSS */
    features[4].id = EG_FEATURE_LOSS;
    features[5].id = EG_FEATURE_GRADIENT_NORM2;
  }
  scramble_state = (uint64_t)which + 17;
  fill_params(unit, which, params);
  const int behind = 2 * dim * (3 * dim + 1) + dim; /* of the exact Langevin equation: the most */
  double *const staged = need(sizeof(double) * (size_t)(unit->n_staged + behind));
  double *const rows = need(sizeof(double) * eg_rows_size(ROWS, dim + 1));
  for (int i = 0; i < unit->n_staged + behind; i++) {
    staged[i] = scrambled(-0.4, 0.4) * (which == CASE_BLOW_UP ? 50.0 : 1.0);
  }
  for (uint64_t i = 0; i < eg_rows_size(ROWS, dim + 1); i++) {
    rows[i] = scrambled(-1.0, 1.0);
  }
  for (int i = 0; i < POINTS * dim; i++) {
    start[i] = scrambled(-1.0, 1.0);
  }
  eg_launch a;
  memset(&a, 0, sizeof a);
  const int is_timed = strcmp(stepper->name, "exact_at") == 0; /* pulls what happened since time 0 */
  const uint64_t begin = which == CASE_RANDOM && !is_timed ? 3000000001u : which == CASE_BLOW_UP ? 5 : 0;
  const uint64_t record_steps[MOST_RECORDS] = {begin,      begin + 3,   begin + 4,
                                               begin + 50, begin + 131, begin + 260};
  a.key[0] = 0x12345678u;
  a.key[1] = 0x9abcdef0u;
  a.kind = twin->kind;
  a.n_rows = ROWS;
  a.realisation_first = which == CASE_RANDOM ? 0x300000040u : 0;
  a.ld = LD;
  a.n_points = POINTS;
  a.dim = (uint32_t)dim;
  a.step_first = begin;
  a.step_last = begin + steps; /* behind the last record: looked at as well */
  a.record_steps = record_steps;
  while (a.n_records < MOST_RECORDS && record_steps[a.n_records] <= a.step_last) {
    a.n_records++;
  }
  a.n_features = N_FEATURES;
  a.features = features;
  a.h = 0.01;
  a.learning_rate = 0.02;
  a.rate_over_batch = 0.02 / fold_count;
  a.correction = 0.01;
  a.noise_scale = 0.3;
  a.fold_count = fold_count;
  a.start_kind = which == CASE_PLAIN ? EG_START_FIXED : EG_START_RANDOM;
  a.start = start;
  a.start_mean = 0.25;
  a.start_std = 0.5;
  a.staged = staged;
  a.rows = rows;
  a.noise_loss = which == CASE_PLAIN ? 2.0 : 0.0;
  a.noise_level = 0.5;
  if (strcmp(stepper->name, "log_time_root") == 0) {
    a.is_clocked = 1;
    a.noise_loss = 2.0;
    features[3].id = EG_FEATURE_CLOCK;
  }
  if (strncmp(stepper->name, "momentum", 8) == 0 || strncmp(stepper->name, "langevin", 8) == 0) {
    features[3] = (eg_feature_code){EG_FEATURE_X, dim + dim / 2}; /* velocity */
  }
  if (which == CASE_BLOW_UP) { /* overflow after a number of steps that depends on the lane */
    a.h = 1.0;
    a.learning_rate = 1.0;
    a.rate_over_batch = 500.0 / fold_count;
    a.noise_scale = 3.0;
    a.start_std = 0x1p700;
  }
  if (is_among(pair, watched_units, N_WATCHED_UNITS)) {
    add_monitors(&a, dim, which, begin, features);
    a.absorbing = split_offset == 0 ? 0 : which == CASE_RANDOM ? 6 : 4; /* bits of crossings */
  }
  if (stepper->extra > 0) {
    set_chain(&a, which, fold_count);
  }
  if (is_among(pair, permuted_units, N_PERMUTED_UNITS)) {
    a.sampling = which == CASE_PLAIN ? EG_SAMPLE_FRESH : which == CASE_RANDOM ? EG_SAMPLE_SHUFFLE : EG_SAMPLE_FIXED;
  }
  if (is_among(pair, noisy_units, N_NOISY_UNITS)) {
    a.input_noise = which == CASE_RANDOM ? 0.0 : 0.25;
    a.label_noise = 0.5;
  }
  if (is_among(pair, stable_units, N_STABLE_UNITS)) {
    a.tail_index = which == CASE_RANDOM ? 1.0 : 1.75;
  }
  if (strncmp(pair->name, "coarse", 6) == 0) {
    a.noise_ratio = which == CASE_RANDOM ? 3 : 5;
    a.noise_draws = stepper->normals > 0 ? (uint32_t)stepper->normals : fold_count;
  }
  buffers want = make_buffers(dim + stepper->extra), got = make_buffers(dim + stepper->extra);
  size_t n_bad = 0;
  run_cpu(unit, stepper, params, &a, want);
  run_twin(twin, params, staged, &a, split_offset == 0 ? 0 : begin + split_offset, got);
  const size_t differences = count_differences(&a, dim, dim + stepper->extra, want, got, &n_bad);
  if (differences != 0) {
    fprintf(stderr, "%s %s kind %d case %d fold %u split %llu: %zu values differ\n", pair->name,
            stepper->name, twin->kind, which, fold_count, (unsigned long long)split_offset, differences);
  }
  CHECK(differences == 0);
  if (which != CASE_BLOW_UP) {
    CHECK(n_bad == 0);
  } else if (strstr(stepper->name, "exact") == NULL && strstr(stepper->name, "adaptive") == NULL &&
             strstr(stepper->name, "_sde") == NULL) {
    CHECK(n_bad > 0);
  }
  free_buffers(want);
  free_buffers(got);
  free(staged);
  free(rows);
}

/* The best instruction set of this machine where the program holds the stepper ready, else the unit of this test. */
static const eg_unit *choose_unit(const unit_pair *pair, int i_stepper) {
  const eg_unit *const linked = eg_unit_find(pair->own->model, pair->own->dim, false, false, is_v4 ? "v4" : "v3");
  const int is_ready = linked != NULL && linked->dim == pair->own->dim && linked->steppers[i_stepper].advance != NULL;
  fill = is_ready && is_v4 ? &eg_fill_table_v4 : &eg_fill_table_v3;
  return is_ready ? linked : pair->own;
}

static void check_unit(const unit_pair *pair) {
  int n_found = 0;
  for (const twin_stepper *twin = pair->twin; twin->name != NULL; twin++) {
    for (int i = 0; i < pair->own->n_steppers; i++) {
      if (strcmp(pair->own->steppers[i].name, twin->name) != 0 || twin->kind == EG_KIND_GAUSSIAN64) {
        continue;
      }
      const eg_unit *const unit = choose_unit(pair, i);
      CHECK(strcmp(unit->steppers[i].name, twin->name) == 0);
      if (is_among(pair, permuted_units, N_PERMUTED_UNITS) && unit->steppers[i].rows != -1) {
        continue; /* draws independent rows, or none */
      }
      if (is_among(pair, coarse_units, N_COARSE_UNITS) &&
          (unit->steppers[i].normals == 0 || unit->steppers[i].rows != 0 || twin->kind != EG_KIND_GAUSSIAN)) {
        continue; /* no increments, or none that are summed */
      }
      n_found++;
      const int is_data = unit->steppers[i].normals == -1, is_batch = unit->steppers[i].rows == -1;
      const uint32_t first = is_data ? ROWS : is_batch ? 3 : 1;
      check_stepper(pair, unit, i, twin, CASE_PLAIN, first, LONG, 0);
      check_stepper(pair, unit, i, twin, CASE_RANDOM, first, LONG, 37);
      check_stepper(pair, unit, i, twin, CASE_BLOW_UP, first, MEDIUM, 23);
      if (unit->steppers[i].extra == 0) { /* enough of them */
        check_stepper(pair, unit, i, twin, CASE_BLOW_UP, first, SHORT, 0);
      }
      if (is_batch) {
        check_stepper(pair, unit, i, twin, CASE_RANDOM, 1, MEDIUM, 5);
        check_stepper(pair, unit, i, twin, CASE_RANDOM, 4, MEDIUM, 51);
        const int is_permuted = is_among(pair, permuted_units, N_PERMUTED_UNITS); /* then all rows are the most */
        check_stepper(pair, unit, i, twin, CASE_PLAIN, is_permuted ? ROWS : 17, MEDIUM, 131);
      }
    }
  }
  if (is_among(pair, permuted_units, N_PERMUTED_UNITS) || is_among(pair, noisy_units, N_NOISY_UNITS)) {
    CHECK(n_found == 3);
    return;
  }
  if (is_among(pair, stable_units, N_STABLE_UNITS) || is_among(pair, coarse_units, N_COARSE_UNITS)) {
    CHECK(n_found >= 2);
    return;
  }
  static const char *const common[] = {"linear_regression_6", "quadratic_3"}; /* units without the rare steppers */
  if (strcmp(pair->name, common[0]) == 0 || strcmp(pair->name, common[1]) == 0) {
    return;
  }
  for (int i = 0; i < pair->own->n_steppers; i++) { /* the GPU has all but steps of all points together */
    int is_found = strstr(pair->own->steppers[i].name, "_joint") != NULL;
    for (const twin_stepper *twin = pair->twin; twin->name != NULL; twin++) {
      is_found |= strcmp(pair->own->steppers[i].name, twin->name) == 0;
    }
    CHECK(is_found);
  }
}

/* gaussian64 needs a CPU unit with double increments. */
static void check_wide(const char *name, const twin_stepper *steppers) {
  const unit_pair pair = {name, steppers, &cpu_wide_ornstein_uhlenbeck_v3};
  fill = &eg_fill_table_v3;
  for (const twin_stepper *twin = pair.twin; twin->name != NULL; twin++) {
    for (int i = 0; i < pair.own->n_steppers; i++) {
      if (twin->kind == EG_KIND_GAUSSIAN64 && pair.own->steppers[i].normals > 0 && strcmp(pair.own->steppers[i].name, twin->name) == 0) {
        check_stepper(&pair, pair.own, i, twin, CASE_PLAIN, 1, LONG, 0);
        check_stepper(&pair, pair.own, i, twin, CASE_RANDOM, 1, LONG, 40);
      }
    }
  }
}

/* So many rows that a third of the words is rejected. */
static void check_indices(void) {
  enum { BLOCKS = 8 };
  const uint32_t key[2] = {7, 8}, n_rows = 0x60000001u;
  int32_t *const want = need(sizeof(int32_t) * BLOCKS * 4 * EG_LANES);
  int32_t got[BLOCKS * 4];
  size_t differences = 0;
  fill->fill_rows(key, 1 << 20, 1000, BLOCKS, n_rows, want);
  for (uint32_t lane = 0; lane < EG_LANES; lane++) {
    for (uint32_t skip = 0; skip < 4; skip++) {
      twin_indices(key, (1 << 20) + lane, 4000 + skip, BLOCKS * 4 - skip, n_rows, got);
      for (uint32_t i = skip; i < BLOCKS * 4; i++) {
        differences += want[i * EG_LANES + lane] != got[i - skip];
      }
    }
  }
  CHECK(differences == 0);
  free(want);
}

/* ---- the statistics ---- */

static void check_reduce(uint32_t ld, uint32_t tile, uint32_t n_lanes, uint32_t n_features) {
  enum { REDUCE_TILES = 2, RECORDS = 2, ALL_RECORDS = 5, FIRST = 1 };
  const uint32_t size = eg_node_values(n_features, 1);
  const size_t lanes = (size_t)RECORDS * POINTS * n_features * ld;
  double *const records = need(sizeof(double) * REDUCE_TILES * lanes);
  double *const nodes = need(sizeof(double) * REDUCE_TILES * ALL_RECORDS * POINTS * size);
  double *const want = need(sizeof(double) * RECORDS * POINTS * size);
  double *const scratch = need(sizeof(double) * eg_reduce_scratch(n_features, ld, EG_COVARIANCE_TREE));
  eg_tile_reduce r;
  memset(&r, 0, sizeof r);
  r.records = records;
  r.nodes = nodes;
  r.tiles = REDUCE_TILES;
  r.n_records = RECORDS;
  r.n_points = POINTS;
  r.n_features = n_features;
  r.ld = ld;
  r.n_lanes = n_lanes;
  r.record_first = FIRST;
  r.width = n_features;
  r.node_stride = (uint64_t)ALL_RECORDS * POINTS * size;
  r.with_covariance = 1;
  r.tile = tile;
  for (size_t i = 0; i < REDUCE_TILES * lanes; i++) {
    records[i] = scrambled(-1.0, 3.0);
  }
  for (size_t row = 0; row < (size_t)REDUCE_TILES * RECORDS * POINTS; row++) { /* masked trajectories */
    const size_t lane = (size_t)scrambled(0.0, (double)ld);
    for (uint32_t f = 0; f < n_features; f++) {
      records[(row * n_features + f) * ld + lane] = NAN;
    }
  }
  for (uint64_t row = 0; row < (uint64_t)REDUCE_TILES * RECORDS * POINTS; row++) {
    uint32_t pair = 0;
    for (uint32_t f = 0; f < n_features; f++) {
      reduce_feature(&r, row, f);
    }
    for (uint32_t f = 1; f < n_features; f++) {
      for (uint32_t g = 0; g < f; g++) {
        reduce_pair(&r, row, f, g, pair++);
      }
    }
  }
  for (uint32_t i = 0; i < REDUCE_TILES; i++) {
    eg_reduce cpu;
    memset(&cpu, 0, sizeof cpu);
    cpu.nodes = want;
    cpu.n_records = RECORDS;
    cpu.n_points = POINTS;
    cpu.n_features = cpu.width = n_features;
    cpu.ld = ld;
    cpu.n_lanes = n_lanes <= i * tile ? 0 : n_lanes - i * tile < tile ? n_lanes - i * tile : tile;
    cpu.with_covariance = 1;
    (is_v4 ? eg_reduce_tile_v4 : eg_reduce_tile_v3)(&cpu, records + i * lanes, scratch);
    CHECK(memcmp(want, nodes + ((size_t)i * ALL_RECORDS + FIRST) * POINTS * size,
                 sizeof(double) * RECORDS * POINTS * size) == 0);
  }
  free(records);
  free(nodes);
  free(want);
  free(scratch);
}

/* Records of two tiles counted by the twin of the GPU kernel in one launch, by each CPU kernel tile by tile. */
static void compare_counts(uint32_t ld, uint32_t tile, uint32_t n_lanes, uint32_t bins) {
  enum { TILES = 2, RECORDS = 3, ALL_RECORDS = 5, FIRST = 1, FEATURES = 2, HISTOGRAMS = 3 };
  const size_t lanes = (size_t)RECORDS * POINTS * FEATURES * ld;
  const uint32_t row_counts = HISTOGRAMS * (bins + 2);
  const size_t n_counts = (size_t)ALL_RECORDS * POINTS * row_counts;
  double *const records = need(sizeof(double) * TILES * lanes), *const edges = need(sizeof(double) * HISTOGRAMS * (bins + 1));
  uint64_t *const got = need(sizeof(uint64_t) * n_counts), *const want = need(sizeof(uint64_t) * n_counts);
  uint32_t *const scratch = need(sizeof(uint32_t) * (ld + 4 * (EG_MAX_BINS + 3)));
  eg_histogram histograms[HISTOGRAMS];
  eg_count r;
  memset(histograms, 0, sizeof histograms);
  memset(&r, 0, sizeof r);
  for (uint32_t i = 0; i < HISTOGRAMS; i++) {
    histograms[i].column = i % FEATURES;
    histograms[i].bins = bins;
    histograms[i].edge = i * (bins + 1);
    histograms[i].count = i * (bins + 2);
    histograms[i].is_log = i == 2;
    eg_grid_set(&histograms[i], i == 2 ? 0.01 : -0.75, 2.5, edges);
  }
  for (size_t i = 0; i < TILES * lanes; i++) {
    const double v = scrambled(-1.0, 3.0);
    records[i] = v < -0.9 ? NAN : (v > 2.9 ? edges[i % (HISTOGRAMS * (bins + 1))] : v);
  }
  r.records = records;
  r.histograms = histograms;
  r.edges = edges;
  r.tiles = TILES;
  r.n_records = RECORDS;
  r.n_points = POINTS;
  r.n_features = FEATURES;
  r.ld = ld;
  r.n_lanes = n_lanes;
  r.record_first = FIRST;
  r.n_histograms = HISTOGRAMS;
  r.row_counts = row_counts;
  r.tile = tile;
  r.counts = got;
  memset(got, 0, sizeof(uint64_t) * n_counts);
  for (uint64_t row = 0; row < (uint64_t)TILES * RECORDS * POINTS; row++) {
    for (uint32_t i = 0; i < HISTOGRAMS; i++) {
      count_histogram(&r, row, i);
    }
  }
  for (int v4 = 0; v4 <= is_v4; v4++) {
    r.counts = want;
    r.tiles = 1;
    r.n_lanes = ld;
    r.tile = ld;
    memset(want, 0, sizeof(uint64_t) * n_counts);
    for (uint32_t t = 0; t < TILES; t++) {
      double *const own = need(sizeof(double) * lanes); /* the reduction before has masked what is not used */
      for (size_t i = 0; i < lanes; i++) {
        own[i] = i % ld < tile && t * tile + i % ld < n_lanes ? records[t * lanes + i] : NAN;
      }
      r.records = own;
      (v4 ? eg_count_tile_v4 : eg_count_tile_v3)(&r, scratch);
      free(own);
    }
    CHECK(memcmp(got, want, sizeof(uint64_t) * n_counts) == 0);
  }
  free(records);
  free(edges);
  free(got);
  free(want);
  free(scratch);
}

int main(void) {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    printf("skipped: this CPU has no AVX2\n");
    return 77;
  }
  is_v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
  for (int i = 0; i < N_UNITS; i++) {
    check_unit(&units[i]);
  }
  for (int i = 0; i < N_WATCHED_UNITS; i++) {
    check_unit(&watched_units[i]);
  }
  for (int i = 0; i < N_PERMUTED_UNITS; i++) {
    check_unit(&permuted_units[i]);
  }
  for (int i = 0; i < N_NOISY_UNITS; i++) {
    check_unit(&noisy_units[i]);
  }
  for (int i = 0; i < N_STABLE_UNITS; i++) {
    check_unit(&stable_units[i]);
  }
  for (int i = 0; i < N_COARSE_UNITS; i++) {
    check_unit(&coarse_units[i]);
  }
  check_wide("wide ornstein_uhlenbeck", twin_ornstein_uhlenbeck);
  check_wide("coarse and wide ornstein_uhlenbeck", coarse_ornstein_uhlenbeck);
  fill = is_v4 ? &eg_fill_table_v4 : &eg_fill_table_v3;
  check_indices();
  check_reduce(8, 1, 2, 2); /* small tiles of the team form and of populations */
  check_reduce(8, 4, 4 + 3, 3);
  check_reduce(16, 16, 16 + 7, 2);
  check_reduce(32, 32, 64, 3);
  check_reduce(64, 16, 16 + 9, 2);
  check_reduce(64, 64, 64 + 1, 1);
  check_reduce(128, 128, 128 + 77, 3);
  check_reduce(512, 512, 1024, 2);
  check_reduce(4096, 4096, 4096 + 4000, 4);
  check_reduce(8192, 8192, 8000, 2);
  compare_counts(8, 2, 2 + 1, 5);
  compare_counts(32, 32, 32 + 9, 3);
  compare_counts(64, 64, 64 + 1, 1);
  compare_counts(128, 128, 128 + 77, 100);
  compare_counts(4096, 4096, 4096 + 4000, 37);
  compare_counts(8192, 8192, 8000, EG_MAX_BINS);
  return check_report();
}
