/*
 * A CUDA runtime that plays a small device on the host, for the plug-in's own code: memory is malloc, kernels are the
 * twins of thread_twin.h and reduce_twin.h, streams really work beside the host (fake_streams.h). Memory is short, so
 * that records come in parts; memory that is freed in use, or written beyond its end, is found out.
 *
 * ENSGRAD_FAKE_DEVICES=N: how many there are (1 unless set), each with memory, streams and failures of its own.
 *
 * ENSGRAD_FAKE_FAULT=NAME:N makes the N-th call of a kind fail (counted from 1, anew when the setting changes), NAME:N@D those of
 * device D alone:
 *   devices  no GPU             load     no code for this GPU     malloc, host  out of memory
 *   launch   a launch refused   kernel   a kernel fails while it runs, and every call after that
 *   copy     one bit of what comes back to the host is wrong
 *   hang     a kernel never ends
 *   dying    from here on as wrong, and LATER launches later a kernel never ends
 * and from the N-th reduction of moments on
 *   wrong    the last bit of a mean of every tile is wrong
 *   nan      a mean of every tile is NaN
 * from the N-th launch of histograms on
 *   miscount one count too many
 *   misbin   a count stands in the place beside its own
 * from the N-th launch of pairs of histograms on
 *   unpair   a count stands in the place beside its own
 * from the N-th copy of kept paths (or of values for lists of the largest) on
 *   keep     the last bit of a value is wrong
 * and from the N-th launch that tracks records on
 *   swap     two realisations of every tile have exchanged their first tracked value
 * and from the N-th launch that makes values of paths on
 *   uncount  one count too few, where they are counted
 * and from the N-th order of trajectories on
 *   disorder one trajectory is stepped twice, and one not at all
 * and from the N-th launch that makes differences of a group on
 *   mispair  two realisations of the first tile have exchanged a value before it is subtracted from
 * and from the N-th launch that feeds streamed statistics on
 *   misfeed  two realisations of every tile have exchanged the first value of a sample
 *   unfeed   the last sample is left out
 */
#include <cuda_runtime_api.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/form.h"
#include "core/noise.h"
#include "core/particles.h"
#include "core/permutation.h"
#include "fake_streams.h"
#include "fatbins.h"
#include "order_twin.h"
#include "paths_twin.h"
#include "reduce_twin.h"
#include "stats/differences_gpu.h"
#include "thread_twin.h"

enum { LATER = 34, MULTIPROCESSORS = 1, FREE_BYTES = 6 << 20, MOST_BLOCKS = 64 * FAKE_MOST_DEVICES };

/* ---- faults ---- */

static cudaError_t all_failed[FAKE_MOST_DEVICES]; /* of a kernel: stays */
#define failed (all_failed[fake_device()])
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of faults and the list of memory */

static int count_fault(const char *name) {
  static char setting[64];
  static unsigned long count;
  const char *const fault = getenv("ENSGRAD_FAKE_FAULT"), *const given = fault != NULL ? fault : "";
  if (strcmp(given, setting) != 0) {
    count = 0;
    failed = cudaSuccess;
    (void)snprintf(setting, sizeof setting, "%s", given);
  }
  const size_t n = strlen(name);
  const char *const at = strchr(setting, '@');
  if (strncmp(setting, name, n) != 0 || setting[n] != ':' || (at != NULL && atoi(at + 1) != fake_device())) {
    return 0;
  }
  return ++count == strtoul(setting + n + 1, NULL, 10);
}

static int is_faulty(const char *name) {
  (void)pthread_mutex_lock(&lock);
  const int is = count_fault(name);
  (void)pthread_mutex_unlock(&lock);
  return is;
}

/* From the N-th call on: what a broken device does. */
static int is_broken(const char *name) {
  static int since[FAKE_MOST_DEVICES]; /* set by the thread that launches there */
  const char *const fault = getenv("ENSGRAD_FAKE_FAULT");
  if (fault == NULL || strncmp(fault, name, strlen(name)) != 0) {
    return 0;
  }
  int *const own = &since[fake_device()];
  *own = *own || is_faulty(name);
  return *own;
}

/* Wrong already: does this launch hang? */
static int is_dead(int is_dying) {
  static int launches[FAKE_MOST_DEVICES];
  int *const own = &launches[fake_device()];
  *own += is_dying;
  return *own == LATER;
}

/* What every call says first. */
#define ANSWER_IF_FAILED()                                                                                   \
  do {                                                                                                       \
    const cudaError_t failed_ = __atomic_load_n(&failed, __ATOMIC_SEQ_CST);                                  \
    if (failed_ != cudaSuccess) {                                                                            \
      return failed_;                                                                                        \
    }                                                                                                        \
  } while (0)

enum { LANE, TEAM, POPULATION };

typedef struct fake_unit {
  const char *model;      /* its file, as an #include names it */
  const char *name;       /* of what the plug-in holds ready, else NULL */
  int dim;                /* EG_FATBIN_TEAM: all */
  const char *real;
  int form;
  const char *special;    /* what else it was compiled for */
  const twin_stepper *steppers;
  const uint32_t *sizes;
  int is_compiled;        /* at run time: has the kinds that are not compiled ahead */
} fake_unit;

#define UNITS(X)                                                                                             \
  X(twin_ornstein_uhlenbeck, "models/ornstein_uhlenbeck.h", "ornstein-uhlenbeck", 1, "double", LANE, "-")    \
  X(twin_double_well, "models/double_well.h", "double-well", 1, "double", LANE, "-")                         \
  X(twin_quadratic_4, "models/quadratic.h", "quadratic", 4, "double", LANE, "-")                             \
  X(twin_linear_regression_4, "models/linear_regression.h", "linear-regression", 4, "double", LANE, "-")     \
  X(team_twin_linear_regression, "models/linear_regression.h", "linear-regression", EG_FATBIN_TEAM, "double", TEAM, "-") \
  X(team_twin_logistic_regression, "models/logistic_regression.h", "logistic-regression", EG_FATBIN_TEAM, "double", TEAM, "-") \
  X(team_twin_softmax_regression, "models/softmax_regression.h", "softmax-regression", EG_FATBIN_TEAM, "double", TEAM, "-") \
  X(permuted_team_twin_linear_regression, "models/linear_regression.h", NULL, EG_FATBIN_TEAM, "double", TEAM, "permuted") \
  X(permuted_team_twin_softmax_regression, "models/softmax_regression.h", NULL, EG_FATBIN_TEAM, "double", TEAM, "permuted") \
  X(noisy_team_twin_linear_regression, "models/linear_regression.h", NULL, EG_FATBIN_TEAM, "double", TEAM, "noisy") \
  X(permuted_noisy_team_twin_linear_regression, "models/linear_regression.h", NULL, EG_FATBIN_TEAM, "double", TEAM, "permutednoisy") \
  X(population_twin_1, "models/mean_field_linear.h", "mean-field-linear", 1, "double", POPULATION, "-")      \
  X(population_twin_2, "models/mean_field_linear.h", NULL, 2, "double", POPULATION, "-")                     \
  X(twin_logistic_regression_2, "models/logistic_regression.h", NULL, 2, "double", LANE, "-")                \
  X(twin_ornstein_uhlenbeck_float, "models/ornstein_uhlenbeck.h", NULL, 1, "float", LANE, "-")               \
  X(watched_ornstein_uhlenbeck, "models/ornstein_uhlenbeck.h", NULL, 1, "double", LANE, "watched")           \
  X(watched_quadratic_3, "models/quadratic.h", NULL, 3, "double", LANE, "watched")                           \
  X(watched_linear_regression_4, "models/linear_regression.h", NULL, 4, "double", LANE, "watched")           \
  X(permuted_linear_regression_4, "models/linear_regression.h", NULL, 4, "double", LANE, "permuted")         \
  X(permuted_logistic_regression_2, "models/logistic_regression.h", NULL, 2, "double", LANE, "permuted")     \
  X(noisy_linear_regression_4, "models/linear_regression.h", NULL, 4, "double", LANE, "noisy")               \
  X(traced_linear_regression_4, "models/linear_regression.h", NULL, 4, "double", LANE, "traced")             \
  X(traced_linear_regression_gaussian_2, "models/linear_regression_gaussian.h", NULL, 2, "double", LANE, "traced") \
  X(traced_quadratic_4, "models/quadratic.h", NULL, 4, "double", LANE, "traced")                             \
  X(coarse_ornstein_uhlenbeck, "models/ornstein_uhlenbeck.h", NULL, 1, "double", LANE, "coarse")             \
  X(coarse_ornstein_uhlenbeck_float, "models/ornstein_uhlenbeck.h", NULL, 1, "float", LANE, "coarse")        \
  X(coarse_quadratic_4, "models/quadratic.h", NULL, 4, "double", LANE, "coarse")                             \
  X(coarse_linear_regression_4, "models/linear_regression.h", NULL, 4, "double", LANE, "coarse")             \
  X(watched_coarse_ornstein_uhlenbeck, "models/ornstein_uhlenbeck.h", NULL, 1, "double", LANE, "watchedcoarse") \
  X(stable_ornstein_uhlenbeck, "models/ornstein_uhlenbeck.h", NULL, 1, "double", LANE, "stable")             \
  X(stable_quadratic_4, "models/quadratic.h", NULL, 4, "double", LANE, "stable")                             \
  X(twin_linear_regression_gaussian_2, "models/linear_regression_gaussian.h", NULL, 2, "double", LANE, "-")  \
  X(twin_scaled_brownian_motion, "models/scaled_brownian_motion.h", NULL, 1, "double", LANE, "-")            \
  X(twin_continuous_time_random_walk, "models/continuous_time_random_walk.h", NULL, 1, "double", LANE, "-")  \
  X(twin_levy_walk, "models/levy_walk.h", NULL, 1, "double", LANE, "-")                                      \
  X(twin_annealed_transit_time, "models/annealed_transit_time.h", NULL, 1, "double", LANE, "-")              \
  X(twin_user_model, "user_model.h", NULL, 1, "double", LANE, "-")                                           \
  X(watched_clamped_model, "user_model.h", NULL, 1, "double", LANE, "watched")
#define DECLARE(symbol, model, name, dim, real, form, special)                                            \
  extern const twin_stepper symbol[];                                                                        \
  extern const uint32_t symbol##_sizes[8];
UNITS(DECLARE)
#define ROW(symbol, model, name, dim, real, form, special)                                                \
  {model, name, dim, real, form, special, symbol, symbol##_sizes, 0},
static const fake_unit units[] = {UNITS(ROW)};
static const fake_unit statistics = {"statistics", "statistics", 0, "double", LANE, "-", NULL, NULL, 0};

const void *eg_fatbin_of_unit(const char *model, int dim) {
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    if (units[i].name != NULL && strcmp(units[i].name, model) == 0 && units[i].dim == dim) {
      return &units[i];
    }
  }
  return NULL;
}

/* What fake_nvrtc.c makes instead of machine code: the options it was given. NULL if `code` is none of that. */
static fake_unit *unit_of_text(const void *code) {
  char model[128], real[16], special[16];
  int dim = 0, is_team = 0;
  if (memcmp(code, "FAKE CODE", 9) != 0 ||
      sscanf((const char *)code, "FAKE CODE %127s %d %15s %d %15s", model, &dim, real, &is_team, special) != 5) {
    return NULL;
  }
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    if (strcmp(units[i].model, model) == 0 && units[i].dim == dim && strcmp(units[i].real, real) == 0 &&
        (units[i].form == TEAM) == is_team && strcmp(units[i].special, special) == 0) {
      fake_unit *const unit = malloc(sizeof *unit);
      if (unit != NULL) {
        *unit = units[i];
        unit->is_compiled = 1;
      }
      return unit;
    }
  }
  return NULL;
}

const void *eg_fatbin_of_statistics(void) {
  return &statistics;
}

/* ---- kernels ---- */

/* Of the statistics; the address of each is the kernel. */
enum { MOMENTS, COMOMENTS, PRODUCTS, COUNT, PAIRS, TRACK, PATH_VALUES, FEED, ORDER, SUBTRACT, N_STATISTICS };
static const char *const statistics_kernels[N_STATISTICS] = {"eg_reduce_moments", "eg_reduce_comoments", "eg_reduce_products", "eg_count_histograms",
                                                             "eg_count_pairs",    "eg_track_records", "eg_make_path_values", "eg_feed_streams",
                                                             "eg_order_lanes", "eg_subtract_records"};

/* N_STATISTICS: it is none of them. */
static int statistic_of(const void *kernel) {
  int i = 0;
  while (i < N_STATISTICS && kernel != &statistics_kernels[i]) {
    i++;
  }
  return i;
}

cudaError_t cudaLibraryLoadData(cudaLibrary_t *library, const void *code, enum cudaJitOption *a, void **b,
                                unsigned c, enum cudaLibraryOption *d, void **e, unsigned f) {
  (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
  ANSWER_IF_FAILED();
  if (is_faulty("load")) {
    return cudaErrorNoKernelImageForDevice;
  }
  const fake_unit *const unit = (const fake_unit *)code;
  if (unit == &statistics || (unit >= units && unit < units + sizeof units / sizeof units[0])) {
    *library = (cudaLibrary_t)(uintptr_t)code;
    return cudaSuccess;
  }
  *library = (cudaLibrary_t)(void *)unit_of_text(code);
  return *library != NULL ? cudaSuccess : cudaErrorInvalidKernelImage;
}

cudaError_t cudaLibraryUnload(cudaLibrary_t library) {
  fake_unit *const unit = (fake_unit *)(void *)library;
  if (unit->is_compiled) {
    free(unit);
  }
  return cudaSuccess;
}

cudaError_t cudaLibraryGetKernel(cudaKernel_t *kernel, cudaLibrary_t library, const char *name) {
  static const char *const kinds[] = {"gaussian", "gaussian_fast", "gaussian64", "table5",
                                      "table8",   "table10",       "two_point",  "three_point"};
  const fake_unit *const unit = (const fake_unit *)(const void *)library;
  if (unit == &statistics) {
    for (int i = 0; i < N_STATISTICS; i++) {
      if (strcmp(name, statistics_kernels[i]) == 0) {
        *kernel = (cudaKernel_t)(uintptr_t)&statistics_kernels[i];
        return cudaSuccess;
      }
    }
    return cudaErrorSymbolNotFound;
  }
  for (const twin_stepper *s = unit->steppers; s->name != NULL; s++) {
    char plain[128], with_kind[128];
    const int has_kinds =
        s[0].kind != EG_KIND_GAUSSIAN || (s[1].name != NULL && strcmp(s[1].name, s->name) == 0);
    const int is_ahead = s->extra == 0 && (!has_kinds || s->kind == EG_KIND_GAUSSIAN || s->kind == EG_KIND_TABLE5 ||
                                           s->kind == EG_KIND_TWO_POINT);
    if (!is_ahead && !unit->is_compiled) {
      continue;
    }
    (void)snprintf(plain, sizeof plain, "eg_advance_%s", s->name);
    (void)snprintf(with_kind, sizeof with_kind, "eg_advance_%s_%s", s->name, kinds[s->kind]);
    if (strcmp(name, has_kinds ? with_kind : plain) == 0) {
      *kernel = (cudaKernel_t)(uintptr_t)s;
      return cudaSuccess;
    }
  }
  return cudaErrorSymbolNotFound;
}

cudaError_t cudaLibraryGetGlobal(void **address, size_t *bytes, cudaLibrary_t library, const char *name) {
  const fake_unit *const unit = (const fake_unit *)(const void *)library;
  if (strcmp(name, "eg_unit_sizes") != 0) {
    return cudaErrorSymbolNotFound;
  }
  *address = (void *)(uintptr_t)unit->sizes;
  *bytes = 8 * sizeof(uint32_t);
  return cudaSuccess;
}

static void reduce(int kernel, dim3 grid, const eg_tile_reduce *r) {
  const uint64_t rows = eg_reduce_rows(r), of_grid = kernel == MOMENTS ? (uint64_t)grid.x * EG_MOMENT_ROWS : grid.x;
  for (uint64_t row = 0; row < of_grid && row < rows; row++) {
    for (uint32_t y = 0; y < grid.y; y++) {
      if (kernel == MOMENTS) {
        reduce_feature(r, row, y);
        continue;
      }
      if (kernel == PRODUCTS) {
        reduce_products(r, row, y);
        continue;
      }
      for (uint32_t pair = y; pair < r->n_features * (r->n_features - 1) / 2 && pair / EG_PAIRS_Y < grid.z; pair += EG_PAIRS_Y) {
        const uint32_t f = eg_pair_first(pair);
        reduce_pair(r, row, f, pair - f * (f - 1) / 2, pair);
      }
    }
  }
}

/* ---- memory: filled with rubbish, so that nothing relies on zeros ---- */

typedef struct block {
  int device;
  unsigned char *start;
  size_t bytes;
} block;

static block blocks[MOST_BLOCKS]; /* of all devices; only the host's threads touch the list */
static size_t all_reserved[FAKE_MOST_DEVICES];
#define reserved (all_reserved[fake_device()])

static void need_inside(const void *start, size_t bytes) {
  const unsigned char *const p = (const unsigned char *)start;
  int is_inside = 0;
  (void)pthread_mutex_lock(&lock);
  for (int i = 0; i < MOST_BLOCKS && !is_inside; i++) {
    const block *const b = &blocks[i];
    is_inside = b->start != NULL && b->device == fake_device() && p >= b->start && p <= b->start + b->bytes &&
                bytes <= (size_t)(b->start + b->bytes - p);
  }
  (void)pthread_mutex_unlock(&lock);
  if (is_inside) {
    return;
  }
  fake_misuse("a kernel or copy goes beyond the memory it was given");
}

/* ENSGRAD_FAKE_FREE: another amount of memory, more than is in use. */
static size_t free_bytes(void) {
  const char *const text = getenv("ENSGRAD_FAKE_FREE");
  return text == NULL ? FREE_BYTES : (size_t)strtoull(text, NULL, 10);
}

static cudaError_t reserve(void **p, size_t bytes, int fails) {
  int i = 0;
  while (i < MOST_BLOCKS && blocks[i].start != NULL) {
    i++;
  }
  if (fails || i == MOST_BLOCKS || bytes > free_bytes() - reserved) {
    return cudaErrorMemoryAllocation;
  }
  *p = malloc(bytes);
  if (*p == NULL) {
    return cudaErrorMemoryAllocation;
  }
  memset(*p, 0xa5, bytes);
  blocks[i] = (block){fake_device(), (unsigned char *)*p, bytes};
  reserved += bytes;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void **p, size_t bytes) {
  ANSWER_IF_FAILED();
  const int fails = is_faulty("malloc");
  (void)pthread_mutex_lock(&lock);
  const cudaError_t error = reserve(p, bytes, fails);
  (void)pthread_mutex_unlock(&lock);
  return error;
}

cudaError_t cudaFree(void *p) {
  if (p == NULL) {
    return cudaSuccess;
  }
  fake_finish(NULL); /* CUDA does so too */
  if (!fake_all_idle()) {
    fake_misuse("memory is freed while the device works");
  }
  int is_found = 0;
  (void)pthread_mutex_lock(&lock);
  for (int i = 0; i < MOST_BLOCKS && !is_found; i++) {
    if (blocks[i].start == p && blocks[i].device == fake_device()) {
      reserved -= blocks[i].bytes;
      memset(p, 0xa5, blocks[i].bytes);
      blocks[i].start = NULL;
      free(p);
      is_found = 1;
    }
  }
  (void)pthread_mutex_unlock(&lock);
  if (!is_found) {
    fake_misuse("memory is freed that was not reserved");
  }
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void **p, size_t bytes) {
  ANSWER_IF_FAILED();
  *p = is_faulty("host") ? NULL : malloc(bytes);
  if (*p == NULL) {
    return cudaErrorMemoryAllocation;
  }
  memset(*p, 0xa5, bytes);
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void *p) {
  if (p != NULL && !fake_all_idle()) {
    fake_misuse("memory is freed while the device works");
  }
  free(p);
  return cudaSuccess;
}

typedef struct copy {
  void *to;
  const void *from;
  size_t bytes;
  int is_wrong;
  unsigned char staged[];
} copy;

static void run_copy(void *data) {
  copy *const c = (copy *)data;
  memcpy(c->to, c->from, c->bytes);
  if (c->is_wrong && c->bytes > 0) {
    ((unsigned char *)c->to)[c->bytes / 2] ^= 16;
  }
  free(c);
}

static cudaError_t enqueue_copy(void *to, const void *from, size_t bytes, int is_staged, int is_wrong,
                                cudaStream_t stream) {
  copy *const c = malloc(sizeof *c + (is_staged ? bytes : 0));
  if (c == NULL) {
    return cudaErrorMemoryAllocation;
  }
  c->to = to;
  c->from = from;
  c->bytes = bytes;
  c->is_wrong = is_wrong;
  if (is_staged) {
    memcpy(c->staged, from, bytes);
    c->from = c->staged;
  }
  return fake_enqueue(stream, run_copy, c);
}

/* To the device: from ordinary memory it may return before the copy has arrived. */
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind) {
  ANSWER_IF_FAILED();
  if (kind == cudaMemcpyHostToDevice) {
    need_inside(to, bytes);
    return enqueue_copy(to, from, bytes, 1, 0, NULL);
  }
  fake_finish(NULL);
  memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream) {
  ANSWER_IF_FAILED();
  if (kind != cudaMemcpyDeviceToHost && kind != cudaMemcpyHostToDevice) {
    return cudaErrorInvalidMemcpyDirection;
  }
  if (kind == cudaMemcpyHostToDevice) { /* from page-locked memory, which is read when the copy's turn comes */
    need_inside(to, bytes);
    return enqueue_copy(to, from, bytes, 0, 0, stream);
  }
  need_inside(from, bytes);
  return enqueue_copy(to, from, bytes, 0, is_faulty("copy"), stream);
}

typedef struct copy_2d {
  char *to;
  const char *from;
  size_t to_pitch, from_pitch, width, height;
  int is_wrong;
} copy_2d;

static void run_copy_2d(void *data) {
  copy_2d *const c = (copy_2d *)data;
  for (size_t row = 0; row < c->height; row++) {
    memcpy(c->to + row * c->to_pitch, c->from + row * c->from_pitch, c->width);
  }
  c->to[0] ^= (char)c->is_wrong;
  free(c);
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                              enum cudaMemcpyKind kind, cudaStream_t stream) {
  ANSWER_IF_FAILED();
  copy_2d *const c = malloc(sizeof *c);
  if (kind != cudaMemcpyDeviceToHost || c == NULL) {
    free(c);
    return cudaErrorInvalidMemcpyDirection;
  }
  need_inside(from, height > 0 ? (height - 1) * from_pitch + width : 0);
  *c = (copy_2d){(char *)to, (const char *)from, to_pitch, from_pitch, width, height, is_broken("keep")};
  return fake_enqueue(stream, run_copy_2d, c);
}

typedef struct clearing {
  void *p;
  int value;
  size_t bytes;
} clearing;

static void run_clearing(void *data) {
  clearing *const c = (clearing *)data;
  memset(c->p, c->value, c->bytes);
  free(c);
}

cudaError_t cudaMemsetAsync(void *p, int value, size_t bytes, cudaStream_t stream) {
  ANSWER_IF_FAILED();
  clearing *const c = malloc(sizeof *c);
  if (c == NULL) {
    return cudaErrorMemoryAllocation;
  }
  need_inside(p, bytes);
  *c = (clearing){p, value, bytes};
  return fake_enqueue(stream, run_clearing, c);
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total) {
  ANSWER_IF_FAILED();
  *available = free_bytes() - reserved;
  *total = free_bytes();
  return cudaSuccess;
}

/* ---- launches: arguments are copied when the launch is asked for, as CUDA does ---- */

typedef struct kernel_call {
  const void *kernel;
  dim3 grid, block;
  int is_faulty, is_wrong, is_nan, is_miscounted, is_misplaced, is_swapped, is_uncounted, is_unpaired, is_misfed, is_unfed, is_disordered, is_mispaired, hangs;
  eg_tile_reduce reduce;
  eg_count count;
  const eg_histogram_pair *pairs;
  eg_tile_tracks tracks;
  eg_tile_paths paths;
  eg_tile_feed feed;
  eg_order order;
  eg_subtract subtract;
  eg_launch launch;
  void *params, *staged;
} kernel_call;

static void check_reduce(const eg_tile_reduce *r, int is_moments, dim3 grid, dim3 block_size) {
  const uint64_t of_grid = is_moments ? (uint64_t)grid.x * EG_MOMENT_ROWS : grid.x;
  if (of_grid < eg_reduce_rows(r) || (is_moments && block_size.x != EG_CHAINS * EG_MOMENT_ROWS)) {
    fake_misuse("a launch has fewer threads than its rows need");
  }
  const size_t rows = (size_t)r->tiles * r->n_records * r->n_points, values = eg_node_values(r->n_features, r->with_covariance);
  const size_t of_last = r->places != NULL ? r->node_stride : ((size_t)r->record_first + r->n_records) * r->n_points * values;
  need_inside(r->records, rows * r->width * r->ld * sizeof(double));
  need_inside(r->nodes, ((size_t)(r->tiles - 1) * r->node_stride + of_last) * sizeof(double));
  if (r->places != NULL) {
    need_inside(r->places, ((size_t)r->record_first + r->n_records) * sizeof *r->places);
  }
}

static void check_count(const eg_count *r) {
  const size_t rows = (size_t)r->tiles * r->n_records * r->n_points;
  size_t counted = 0;
  if (r->places != NULL) {
    need_inside(r->places, ((size_t)r->record_first + r->n_records) * sizeof *r->places);
  }
  for (uint32_t i = 0; i < r->n_records; i++) { /* the last one that is counted */
    const uint32_t place = eg_count_record(r, (uint64_t)i * r->n_points);
    counted = place == EG_NO_PLACE ? counted : ((size_t)place + 1) * r->n_points * r->row_counts;
  }
  need_inside(r->records, rows * r->n_features * r->ld * sizeof(double));
  need_inside(r->counts, counted * sizeof(uint64_t));
}

static void check_tracks(const eg_tile_tracks *r, dim3 grid) {
  const size_t rows = grid.x, tiles = rows / r->n_records / r->n_points;
  need_inside(r->records, rows * r->width * r->ld * sizeof(double));
  need_inside(r->tracks, tiles * r->track_stride * sizeof(double));
  if (r->places != NULL) {
    need_inside(r->places, ((size_t)r->record_first + r->n_records) * sizeof *r->places);
  }
}

static size_t feed_values(const eg_stream *s, uint32_t points, uint32_t ld) {
  return (size_t)eg_stream_rows(s) * points * ld;
}

static void check_feed(const eg_tile_feed *r, dim3 grid, dim3 block_size) {
  const size_t tiles = grid.x / r->n_points;
  if (grid.y * block_size.x < r->ld) {
    fake_misuse("a launch has fewer threads than its lanes need");
  }
  need_inside(r->records, tiles * r->n_records * r->n_points * r->n_columns * r->ld * sizeof(double));
  need_inside(r->steps, r->n_records * sizeof *r->steps);
  need_inside(r->state, ((tiles - 1) * r->state_stride + feed_values(&r->stream, r->n_points, r->ld)) * sizeof(double));
}

static void check_order(const eg_order *r, dim3 grid, dim3 block_size) {
  if (grid.x * EG_ORDER_GROUP < r->n || block_size.x != EG_ORDER_THREADS) {
    fake_misuse("a launch has fewer threads than its lanes need");
  }
  need_inside(r->monitors, (size_t)r->n * r->n_monitors * 2 * sizeof(double));
  need_inside(r->order, r->n * sizeof *r->order);
}

static void check_subtract(const eg_subtract *r, dim3 grid, dim3 block_size) {
  if ((uint64_t)grid.x * EG_SUBTRACT_THREADS < r->n || block_size.x != EG_SUBTRACT_THREADS) {
    fake_misuse("a launch has fewer threads than its lanes need");
  }
  need_inside(r->values, r->n * sizeof *r->values);
  need_inside(r->base, r->n * sizeof *r->base);
}

static void check_paths(const eg_tile_paths *r, dim3 grid, dim3 block_size) {
  const eg_path_statistic *const s = &r->statistic;
  const uint32_t points = eg_path_rows(s, r->first.n_points);
  if (grid.x != r->tiles || grid.y * block_size.x < r->first.ld) {
    fake_misuse("a launch has fewer threads than its lanes need");
  }
  if (s->form == EG_PATH_STREAMED) {
    need_inside(s->stream, sizeof *s->stream);
    need_inside(r->state, ((r->tiles - 1) * r->state_stride + feed_values(s->stream, points, r->first.ld)) * sizeof(double));
    need_inside(r->first_bad, (size_t)r->tiles * points * r->first.ld * sizeof(uint64_t));
  } else {
    need_inside(r->first.tracks, r->tiles * r->track_stride * sizeof(double));
  }
  need_inside(r->first.values, (size_t)r->tiles * s->n_values * r->first.ld * sizeof(double));
  if (s->n_counted > 0) {
    need_inside(r->counts, (s->first_count + (size_t)points * s->n_counted * EG_PATH_PLACES) * sizeof(uint64_t));
  }
}

static void check_pairs(const eg_count *r, const eg_histogram_pair *pairs, uint32_t n) {
  check_count(r);
  need_inside(pairs, n * sizeof *pairs);
}

static void check_launch(const eg_launch *a, const fake_unit *unit, int extra, uint64_t started) {
  const uint64_t tiles = (uint64_t)(a->n_lanes + a->tile - 1) / a->tile;
  const uint64_t slots = tiles * a->n_points * a->ld, trajectories = tiles * a->n_points * a->tile;
  const uint64_t each = unit->form == TEAM ? EG_TEAM_LANES : unit->form == POPULATION ? unit->sizes[7] : 1;
  const uint64_t dim = unit->form == TEAM ? (a->dim + EG_TEAM_LANES - 1) / EG_TEAM_LANES * EG_TEAM_LANES : unit->sizes[4];
  if (started < trajectories * each) {
    fake_misuse("a launch has fewer threads than its trajectories need");
  }
  if (unit->form == POPULATION) {
    const uint64_t width = eg_power_of_two(eg_particle_blocks(a->n_particles));
    need_inside(a->state, trajectories * dim * eg_particle_slots(a->n_particles) * unit->sizes[3]);
    need_inside(a->scratch, trajectories * unit->sizes[6] * width * sizeof(double));
  } else {
    need_inside(a->state, slots * (dim + (uint64_t)extra) * unit->sizes[3]);
  }
  if (a->absorbing != 0 && a->is_restart) {
    need_inside(a->scratch, trajectories * sizeof(uint32_t));
  }
  const uint64_t order = eg_team_order_values(a->sampling, a->n_rows, unit->sizes[3]);
  if (strcmp(unit->special, "permuted") == 0 && unit->form == LANE) {
    need_inside(a->scratch, slots * a->n_rows * 2 * sizeof(uint16_t));
  }
  if (unit->form == TEAM) {
    need_inside(a->scratch, trajectories * (unit->sizes[6] * dim + EG_TEAM_LANES + order) * unit->sizes[3]);
  }
  if (a->n_monitors > 0) {
    need_inside(a->monitor_state, slots * a->n_monitors * 2 * sizeof(double));
  }
  need_inside(a->first_bad, slots * sizeof(uint64_t));
  need_inside(a->records, slots * a->n_records * a->n_features * sizeof(double));
  need_inside(a->record_steps, a->n_records * sizeof(uint64_t));
  if (a->record_columns != NULL) {
    need_inside(a->record_columns, 2 * a->n_records * sizeof(uint32_t));
  }
}

/* The first count of the launch's first record that is counted: one more, or at the next place. */
static void spoil_counts(const kernel_call *c) {
  const eg_count *const r = &c->count;
  uint32_t record = 0;
  while (record < r->n_records && eg_count_record(r, (uint64_t)record * r->n_points) == EG_NO_PLACE) {
    record++;
  }
  if (record == r->n_records) {
    return;
  }
  uint64_t *const counts = r->counts + (size_t)eg_count_record(r, (uint64_t)record * r->n_points) * r->n_points * r->row_counts;
  uint32_t i = 0;
  while (i + 2 < r->row_counts && counts[i] == 0) {
    i++;
  }
  counts[i] += c->is_miscounted ? 1 : (uint64_t)-1;
  counts[i + 1] += c->is_miscounted ? 0 : 1;
}

/* Damage the mean of the first feature at the first record of every tile. */
static void spoil(const kernel_call *c) {
  const eg_tile_reduce *const r = &c->reduce;
  for (uint32_t tile = 0; r->record_first == 0 && tile < r->tiles; tile++) {
    double *const mean = r->nodes + tile * r->node_stride + 1;
    uint64_t bits = 0;
    memcpy(&bits, mean, sizeof bits);
    bits = c->is_nan ? 0x7ff8000000000000u : bits ^ 1u;
    memcpy(mean, &bits, sizeof bits);
  }
}

static void swap_lanes(const eg_tile_tracks *r, dim3 grid) {
  for (uint64_t row = 0; row < grid.x; row += (uint64_t)r->n_records * r->n_points) { /* the first of every tile */
    double *const to = eg_track_to(r, row, 0);
    if (to != NULL && eg_track_used(r, row) > 1) {
      const double first = to[0];
      to[0] = to[1];
      to[1] = first;
    }
  }
}

/* What a launch feeds, wrong where it is asked for. */
static void run_feed(const kernel_call *c) {
  eg_tile_feed r = c->feed;
  const size_t n_tiles = c->grid.x / r.n_points;
  double *const records = (double *)(uintptr_t)r.records;
  for (size_t tile = 0; c->is_misfed && tile < n_tiles; tile++) {
    double *const sample = records + (tile * r.n_records * r.n_points * r.n_columns + r.stream.column) * r.ld;
    const double first = sample[0];
    sample[0] = sample[1];
    sample[1] = first;
  }
  r.n_records -= c->is_unfed ? 1 : 0;
  for (uint32_t x = 0; x < c->grid.x; x++) {
    feed_streams(&r, x, c->grid.y * c->block.x);
  }
}

/* Differences; wrong where it is asked for: the first two lanes of the first record have exchanged their values. */
static void run_subtract(const kernel_call *c) {
  double *const values = c->subtract.values;
  if (c->is_mispaired) {
    const double first = values[0];
    values[0] = values[1];
    values[1] = first;
  }
  for (uint64_t i = 0; i < (uint64_t)c->grid.x * c->block.x; i++) {
    eg_subtract_value(&c->subtract, i);
  }
}

static void run_statistic(const kernel_call *c, int which) {
  if (which == SUBTRACT) {
    run_subtract(c);
    return;
  }
  if (which == FEED) {
    run_feed(c);
    return;
  }
  if (which == ORDER) {
    for (uint32_t x = 0; x < c->grid.x; x++) {
      order_lanes(&c->order, x);
    }
    c->order.order[0] = c->order.order[c->is_disordered ? 1 : 0];
    return;
  }
  if (which <= PRODUCTS) {
    reduce(which, c->grid, &c->reduce);
    if (c->is_wrong || c->is_nan) {
      spoil(c);
    }
    return;
  }
  for (uint32_t x = 0; x < c->grid.x; x++) {
    for (uint32_t y = 0; y < c->grid.y; y++) {
      if (which == COUNT) {
        count_histogram(&c->count, x, y);
      } else if (which == PAIRS) {
        count_pair(&c->count, c->pairs, x, y);
      } else if (which == TRACK) {
        track_row(&c->tracks, x, y);
      } else if (y == 0) { /* all blocks of the tile */
        make_path_values(&c->paths, x, c->grid.y * c->block.x);
      }
    }
  }
  if (c->is_miscounted || c->is_misplaced) {
    spoil_counts(c);
  }
  if (c->is_unpaired) {
    uint64_t *count = c->count.counts + c->pairs->count; /* of the first record */
    for (; *count == 0; count++) {
    }
    count[0]--;
    count[1]++;
  }
  for (uint64_t i = 0; c->is_uncounted && c->paths.statistic.n_counted > 0; i++) {
    uint64_t *const count = c->paths.counts + c->paths.statistic.first_count + i;
    if (*count > 0) {
      (*count)--;
      break;
    }
  }
  if (c->is_swapped) {
    swap_lanes(&c->tracks, c->grid);
  }
}

static void run_kernel(void *data) {
  kernel_call *const c = (kernel_call *)data;
  while (c->hangs) {
    (void)pause();
  }
  if (c->is_faulty) {
    __atomic_store_n(&failed, cudaErrorLaunchFailure, __ATOMIC_SEQ_CST);
  }
  if (!fake_is_idle(NULL)) { /* it would read inputs that have not arrived */
    __atomic_store_n(&failed, cudaErrorIllegalAddress, __ATOMIC_SEQ_CST);
  }
  if (__atomic_load_n(&failed, __ATOMIC_SEQ_CST) == cudaSuccess) {
    const int which = statistic_of(c->kernel);
    if (which < N_STATISTICS) {
      run_statistic(c, which);
    } else {
      ((const twin_stepper *)c->kernel)
          ->launch(c->params, &c->launch, c->staged, (uint64_t)c->grid.x * c->block.x);
    }
  }
  free(c->params);
  free(c->staged);
  free(c);
}

static void *copy_of(const void *data, size_t bytes) {
  void *const copy = malloc(bytes > 0 ? bytes : 1);
  if (copy == NULL) {
    fake_misuse("no memory for arguments");
  }
  memcpy(copy, data, bytes);
  return copy;
}

static const fake_unit *unit_of(const twin_stepper *stepper) {
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    for (const twin_stepper *s = units[i].steppers; s->name != NULL; s++) {
      if (s == stepper) {
        return &units[i];
      }
    }
  }
  fake_misuse("a kernel that was never found");
  return NULL;
}

cudaError_t cudaLaunchKernel(const void *kernel, dim3 grid, dim3 block_size, void **args, size_t shared,
                             cudaStream_t stream) {
  (void)shared;
  ANSWER_IF_FAILED();
  if (grid.x == 0 || grid.y == 0 || grid.y > 65535 || grid.z == 0 || grid.z > 65535 || block_size.x == 0 || block_size.x > 1024) {
    return cudaErrorInvalidConfiguration;
  }
  if (is_faulty("launch")) {
    return cudaErrorLaunchOutOfResources;
  }
  kernel_call *const c = calloc(1, sizeof *c);
  if (c == NULL) {
    return cudaErrorMemoryAllocation;
  }
  c->kernel = kernel;
  c->grid = grid;
  c->block = block_size;
  c->is_faulty = is_faulty("kernel");
  c->hangs = is_faulty("hang");
  const int is_dying = is_broken("dying"), which = statistic_of(kernel);
  c->is_wrong = which == MOMENTS && (is_dying || is_broken("wrong"));
  c->hangs = c->hangs || is_dead(is_dying);
  c->is_nan = which == MOMENTS && is_broken("nan");
  c->is_miscounted = which == COUNT && is_broken("miscount");
  c->is_misplaced = which == COUNT && is_broken("misbin");
  c->is_unpaired = which == PAIRS && is_broken("unpair");
  c->is_swapped = which == TRACK && is_broken("swap");
  c->is_uncounted = which == PATH_VALUES && is_broken("uncount");
  c->is_disordered = which == ORDER && is_broken("disorder");
  c->is_misfed = which == FEED && is_broken("misfeed");
  c->is_unfed = which == FEED && is_broken("unfeed");
  c->is_mispaired = which == SUBTRACT && is_broken("mispair");
  if (which <= PRODUCTS) {
    memcpy(&c->reduce, args[0], sizeof c->reduce);
    check_reduce(&c->reduce, which == MOMENTS, c->grid, c->block);
  } else if (which == COUNT) {
    memcpy(&c->count, args[0], sizeof c->count);
    check_count(&c->count);
  } else if (which == PAIRS) {
    memcpy(&c->count, args[0], sizeof c->count);
    memcpy(&c->pairs, args[1], sizeof c->pairs);
    check_pairs(&c->count, c->pairs, grid.y);
  } else if (which == TRACK) {
    memcpy(&c->tracks, args[0], sizeof c->tracks);
    check_tracks(&c->tracks, grid);
  } else if (which == PATH_VALUES) {
    memcpy(&c->paths, args[0], sizeof c->paths);
    check_paths(&c->paths, grid, block_size);
  } else if (which == FEED) {
    memcpy(&c->feed, args[0], sizeof c->feed);
    check_feed(&c->feed, grid, block_size);
  } else if (which == SUBTRACT) {
    memcpy(&c->subtract, args[0], sizeof c->subtract);
    check_subtract(&c->subtract, grid, block_size);
  } else if (which == ORDER) {
    memcpy(&c->order, args[0], sizeof c->order);
    check_order(&c->order, grid, block_size);
  } else {
    const fake_unit *const unit = unit_of((const twin_stepper *)kernel);
    memcpy(&c->launch, args[1], sizeof c->launch);
    c->params = copy_of(args[0], unit->sizes[0]);
    c->staged = copy_of(args[2], unit->sizes[2]);
    check_launch(&c->launch, unit, ((const twin_stepper *)kernel)->extra, (uint64_t)grid.x * block_size.x);
  }
  return fake_enqueue(stream, run_kernel, c);
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *n_blocks, const void *kernel, int threads,
                                                          size_t shared) {
  (void)kernel, (void)threads, (void)shared;
  *n_blocks = 4;
  return cudaSuccess;
}

/* ---- the device ---- */

static int n_devices(void) {
  const char *const given = getenv("ENSGRAD_FAKE_DEVICES");
  return given != NULL ? atoi(given) : 1;
}

cudaError_t cudaGetDeviceCount(int *n) {
  *n = n_devices();
  if (*n == 1) {
    failed = cudaSuccess; /* a new attempt of the test */
  }
  return is_faulty("devices") ? cudaErrorNoDevice : cudaSuccess;
}
cudaError_t cudaSetDevice(int index) {
  if (index < 0 || index >= n_devices() || index >= FAKE_MOST_DEVICES) {
    return cudaErrorInvalidDevice;
  }
  fake_choose_device(index);
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int index) {
  memset(p, 0, sizeof *p);
  (void)snprintf(p->name, sizeof p->name, "a device played on the host%s", index > 0 ? ", another" : "");
  p->major = 9;
  p->multiProcessorCount = MULTIPROCESSORS;
  p->maxThreadsPerMultiProcessor = 2048;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int *version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize(void) {
  if (!fake_setting_is("ENSGRAD_FAKE_BREAK", "inputs")) {
    fake_finish_all();
  }
  ANSWER_IF_FAILED();
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  fake_finish(stream);
  ANSWER_IF_FAILED();
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  fake_event_finish(event);
  ANSWER_IF_FAILED();
  return cudaSuccess;
}
cudaError_t cudaGetLastError(void) {
  return cudaSuccess;
}
const char *cudaGetErrorString(cudaError_t error) {
  (void)error;
  return "an error of the played device";
}
const char *cudaGetErrorName(cudaError_t error) {
  (void)error;
  return "?";
}
