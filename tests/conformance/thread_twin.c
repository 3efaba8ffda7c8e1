/*
 * "The CPU twin of the same source": a unit around core/lane_gpu.h for cc. Compiled once per model and dimension with
 *   -DEG_THREAD_FORM -DEG_MODEL_FILE=.. [-DEG_DIM=n] -DTWIN_SYMBOL=name [-DTWIN_ALL_KINDS] [-DTWIN_INDICES]
 *   [-DEG_WATCHED=1] [-DEG_PERMUTED=1] [-DEG_NOISY=1] [-DEG_STABLE=1] [-DEG_TRACED=1] [-DEG_COARSE=1] [-DTWIN_ONE_KIND] [-DTWIN_COMMON]
 * test_thread_form.c runs it against the CPU driver.
 */
#include "thread_twin.h"

#include "unit.h"

#include "core/lane_gpu.h"

static void run(const eg_form *form, const void *params, const eg_launch *a, const double *staged,
                uint64_t n_threads) {
  eg_staged values;
  memset(&values, 0, sizeof values);
  for (int i = 0; i < EG_STAGED_ALL; i++) {
    values.value[i] = (eg_real)staged[i];
  }
  float table5[32];
  for (uint32_t code = 0; code < 32; code++) {
    table5[code] = eg_table5_value(code);
  }
  for (uint64_t thread = 0; thread < n_threads; thread++) {
    eg_thread_advance(form, (const eg_params *)params, a, values.value, table5, thread);
  }
}

#define DEFINE_PLAIN(name, stepper, kind_code, n_normals, n_rows, n_extra)                                   \
  static void launch_##name(const void *p, const eg_launch *a, const double *staged, uint64_t n) {          \
    const eg_form f = {.form = EG_FORM_PLAIN,                                                                \
                       .kind = kind_code,                                                                    \
                       .normals = n_normals,                                                                 \
                       .rows = n_rows,                                                                       \
                       .extra = n_extra,                                                                     \
                       .step = eg_step_##stepper};                                                           \
    run(&f, p, a, staged, n);                                                                                \
  }
#define DEFINE_FOLD(name, stepper, kind_code, form_code, n_extra)                                            \
  static void launch_##name(const void *p, const eg_launch *a, const double *staged, uint64_t n) {          \
    const eg_form f = {.form = form_code,                                                                    \
                       .kind = kind_code,                                                                    \
                       .extra = n_extra,                                                                     \
                       .begin = eg_begin_##stepper,                                                          \
                       .add = eg_add_##stepper,                                                              \
                       .end = eg_end_##stepper};                                                             \
    run(&f, p, a, staged, n);                                                                                \
  }

#define DEFINE_SAMPLES(name, stepper, kind_code, n_normals, n_extra)                                         \
  static void launch_##name(const void *p, const eg_launch *a, const double *staged, uint64_t n) {          \
    const eg_form f = {.form = EG_FORM_SAMPLES,                                                              \
                       .kind = kind_code,                                                                    \
                       .normals = n_normals,                                                                 \
                       .extra = n_extra,                                                                     \
                       .begin = eg_begin_##stepper,                                                          \
                       .add_sample = eg_add_##stepper,                                                       \
                       .end = eg_end_##stepper};                                                             \
    run(&f, p, a, staged, n);                                                                                \
  }

/* As in unit_cuda.cu: the second column of the list, as written there, decides whether a stepper has kinds. TWIN_ALL_KINDS
   adds those that the plug-in does not hold ready; TWIN_ONE_KIND leaves Gaussian noise only, for what is about other things. */
#if defined(TWIN_ALL_KINDS)
#define MORE_KINDS(X, s, n)                                                                                  \
  X(s, n, gaussian64, EG_KIND_GAUSSIAN64)                                                                    \
  X(s, n, table8, EG_KIND_TABLE8)                                                                            \
  X(s, n, table10, EG_KIND_TABLE10)                                                                          \
  X(s, n, three_point, EG_KIND_THREE_POINT)
#else
#define MORE_KINDS(X, s, n)
#endif
#if defined(TWIN_ONE_KIND)
#define EACH_KIND(X, s, n) X(s, n, gaussian, EG_KIND_GAUSSIAN)
#else
#define EACH_KIND(X, s, n)                                                                                   \
  X(s, n, gaussian, EG_KIND_GAUSSIAN)                                                                        \
  X(s, n, table5, EG_KIND_TABLE5)                                                                            \
  X(s, n, two_point, EG_KIND_TWO_POINT)                                                                      \
  MORE_KINDS(X, s, n)
#endif

#define PLAIN_KIND(s, n, kind, code) DEFINE_PLAIN(s##_##kind, s, code, n, 0, 0)
#define DATA_KIND(s, n, kind, code)  DEFINE_FOLD(s##_##kind, s, code, EG_FORM_DATA, 0)
#define SAMPLES_KIND(s, n, kind, code) DEFINE_SAMPLES(s##_##kind, s, code, EG_SAMPLE, 0)
#define PLAIN_0(s, n, r)             DEFINE_PLAIN(s, s, EG_KIND_GAUSSIAN, 0, r, 0)
#define PLAIN_EG_DIM(s, n, r)        EACH_KIND(PLAIN_KIND, s, n)
#define PLAIN_EG_CHANNELS(s, n, r)   EACH_KIND(PLAIN_KIND, s, n)
#define PLAIN_EG_PAIR(s, n, r)       EACH_KIND(PLAIN_KIND, s, n)
#define PLAIN_EG_SRK2_DIAGONAL(s, n, r) EACH_KIND(PLAIN_KIND, s, n)
#define PLAIN_EG_SRK2_CHANNELS(s, n, r) EACH_KIND(PLAIN_KIND, s, n)
#define FOLD_SAMPLES(s)              EACH_KIND(SAMPLES_KIND, s, 1)
#define FOLD_ROWS(s)                 DEFINE_FOLD(s, s, EG_KIND_GAUSSIAN, EG_FORM_ROWS, 0)
#define FOLD_DATA(s)                 EACH_KIND(DATA_KIND, s, 1)
/* Steppers: of units for rows alone those that draw rows, of units for stable increments those that levy may have; TWIN_COMMON
   leaves out those that list.h calls rare. */
#if EG_PERMUTED || EG_NOISY
#define OF_OTHERS(...)
#else
#define OF_OTHERS(...)       __VA_ARGS__
#endif
#define OF_ROWS(...)         __VA_ARGS__
#define OF_DATA(...)         OF_OTHERS(__VA_ARGS__)
#define OF_SAMPLES(...)      OF_OTHERS(__VA_ARGS__)
#define OF_ROW_NODES(...)    OF_OTHERS(__VA_ARGS__)
#define OF_SAMPLE_NODES(...) OF_OTHERS(__VA_ARGS__)
#if EG_STABLE
#define STEPPERS(PLAIN, FOLD) EG_LIST_DIAGONAL(PLAIN, FOLD) EG_LIST_EXACT(PLAIN, FOLD)
#define SCHEMES(PLAIN)
#define COMMON_CHAINS(PLAIN, FOLD)
#if EG_CAPS_ROOT
#define RARE_CHAINS(PLAIN, FOLD) PLAIN(euler_root, EG_DIM, 0, 0) PLAIN(strang_root, EG_DIM, 0, 0)
#else
#define RARE_CHAINS(PLAIN, FOLD)
#endif
#define TIMED(TIMED)
#else
#define STEPPERS      EG_STEPPERS
#define SCHEMES       EG_SCHEMES
#define COMMON_CHAINS EG_COMMON_CHAINS
#if defined(TWIN_COMMON) && (EG_CAPS & EG_CAP_ROWS)
#define RARE_CHAINS(PLAIN, FOLD) FOLD(adaptive_rows, ROWS, EG_DIM, 2 * EG_DIM) EG_CHAINS_SYMROOT(PLAIN)
#elif defined(TWIN_COMMON)
#define RARE_CHAINS(PLAIN, FOLD)
#else
#define RARE_CHAINS   EG_RARE_CHAINS
#endif
#define TIMED         EG_TIMED
#endif
#define PLAIN(stepper, normals, rows) OF_OTHERS(PLAIN_##normals(stepper, normals, rows))
#define FOLD(stepper, source, n_acc)  OF_##source(FOLD_##source(stepper))
STEPPERS(PLAIN, FOLD)
SCHEMES(PLAIN)

/* Chains have values behind x. Those that list.h calls rare have Gaussian noise only: the queues are those of the others. */
#define PLAIN_OF(name, s, code, of)        PLAIN_OF2(DEFINE_PLAIN, (name, s, code, UNPACK of))
#define PLAIN_OF2(define, arguments)       define arguments
#define UNPACK(n, r, extra)                n, r, extra
#define CHAIN_KIND(s, of, kind, code)      PLAIN_OF(s##_##kind, s, code, of)
#define CHAIN_PLAIN(s, n, r, extra)        OF_OTHERS(EACH_KIND(CHAIN_KIND, s, (n, r, extra)))
#define RARE_PLAIN(s, n, r, extra)         OF_OTHERS(DEFINE_PLAIN(s##_gaussian, s, EG_KIND_GAUSSIAN, n, r, extra))
#define CHAIN_FOLD(s, source, n_acc, extra) OF_##source(CHAIN_##source(s, extra))
#define CHAIN_ROWS(s, extra)               DEFINE_FOLD(s##_gaussian, s, EG_KIND_GAUSSIAN, EG_FORM_ROWS, extra)
#define CHAIN_DATA(s, extra)               DEFINE_FOLD(s##_gaussian, s, EG_KIND_GAUSSIAN, EG_FORM_DATA, extra)
#define CHAIN_ROW_NODES(s, extra)          DEFINE_FOLD(s##_gaussian, s, EG_KIND_GAUSSIAN, EG_FORM_NODES, extra)
#define CHAIN_SAMPLES(s, extra)            DEFINE_SAMPLES(s##_gaussian, s, EG_KIND_GAUSSIAN, EG_SAMPLE, extra)
#define CHAIN_SAMPLE_NODES(s, extra)       DEFINE_SAMPLES(s##_gaussian, s, EG_KIND_GAUSSIAN, EG_SAMPLE + 1, extra)
COMMON_CHAINS(CHAIN_PLAIN, CHAIN_FOLD)
RARE_CHAINS(RARE_PLAIN, CHAIN_FOLD)

#define DEFINE_TIMED(s, n_normals, n_extra)                                                                  \
  static void launch_##s##_gaussian(const void *p, const eg_launch *a, const double *staged, uint64_t n) {   \
    const eg_form f = {.form = EG_FORM_TIMED,                                                                \
                       .kind = EG_KIND_GAUSSIAN,                                                             \
                       .normals = n_normals,                                                                 \
                       .extra = n_extra,                                                                     \
                       .timed = eg_step_##s};                                                                \
    run(&f, p, a, staged, n);                                                                                \
  }
TIMED(DEFINE_TIMED)

#define ROW(s, n, kind_name, kind_code) {#s, kind_code, launch_##s##_##kind_name, 0},
#define TABLE_0(s)           {#s, EG_KIND_GAUSSIAN, launch_##s, 0},
#define TABLE_EG_DIM(s)      EACH_KIND(ROW, s, 0)
#define TABLE_EG_CHANNELS(s) EACH_KIND(ROW, s, 0)
#define TABLE_EG_PAIR(s)     EACH_KIND(ROW, s, 0)
#define TABLE_EG_SRK2_DIAGONAL(s) EACH_KIND(ROW, s, 0)
#define TABLE_EG_SRK2_CHANNELS(s) EACH_KIND(ROW, s, 0)
#define TABLE_SAMPLES(s)     EACH_KIND(ROW, s, 0)
#define TABLE_ROWS(s)        {#s, EG_KIND_GAUSSIAN, launch_##s, 0},
#define TABLE_DATA(s)        EACH_KIND(ROW, s, 0)
#define TABLE_PLAIN(stepper, normals, rows) OF_OTHERS(TABLE_##normals(stepper))
#define TABLE_FOLD(stepper, source, n_acc)  OF_##source(TABLE_##source(stepper))
#define ROW_OF(s, extra, kind_name, kind_code) {#s, kind_code, launch_##s##_##kind_name, extra},
#define TABLE_GAUSSIAN(s, extra)             ROW_OF(s, extra, gaussian, EG_KIND_GAUSSIAN)
#define TABLE_CHAIN_PLAIN(s, n, r, extra)    OF_OTHERS(EACH_KIND(ROW_OF, s, extra))
#define TABLE_RARE_PLAIN(s, n, r, extra)     OF_OTHERS(TABLE_GAUSSIAN(s, extra))
#define TABLE_CHAIN_FOLD(s, source, n_acc, extra) OF_##source(TABLE_GAUSSIAN(s, extra))
#define TABLE_TIMED(s, n, extra)             TABLE_GAUSSIAN(s, extra)
const twin_stepper TWIN_SYMBOL[] = {STEPPERS(TABLE_PLAIN, TABLE_FOLD) SCHEMES(TABLE_PLAIN)
                                        COMMON_CHAINS(TABLE_CHAIN_PLAIN, TABLE_CHAIN_FOLD)
                                            RARE_CHAINS(TABLE_RARE_PLAIN, TABLE_CHAIN_FOLD) TIMED(TABLE_TIMED){NULL, 0, NULL, 0}};

/* As eg_unit_sizes of unit_cuda.cu. */
#define NAME_SIZES2(symbol) symbol##_sizes
#define NAME_SIZES(symbol)  NAME_SIZES2(symbol)
const uint32_t NAME_SIZES(TWIN_SYMBOL)[8] = {sizeof(eg_params), sizeof(eg_launch), sizeof(eg_staged), sizeof(eg_real),
                                             EG_DIM,            EG_CAPS,           0,                 128};

#if defined(TWIN_INDICES)
/* Row indices of draws first.. as the thread makes them. */
void twin_indices(const uint32_t key[2], uint64_t realisation, uint64_t first, uint32_t n, uint32_t n_rows,
                  int32_t *out) {
  eg_index_queue q;
  eg_index_seek(&q, first);
  for (uint32_t i = 0; i < n; i++) {
    eg_index_ready(&q, key, realisation, n_rows, (0u - n_rows) % n_rows);
    out[i] = q.row[0];
    eg_index_drop(&q);
    q.left--;
  }
}
#endif
