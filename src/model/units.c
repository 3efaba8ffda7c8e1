#include "model/units.h"

#include <stdlib.h>
#include <string.h>

#include "stats/moments.h"

#define X(unit) extern const eg_unit unit;
#include "unit_list.h"
#undef X

static const eg_unit *const units[] = {
#define X(unit) &unit,
#include "unit_list.h"
#undef X
};
enum { N_UNITS = sizeof units / sizeof units[0] };

#if defined(__x86_64__)
extern const eg_fill_table eg_fill_table_v3, eg_fill_table_v4;
void eg_reduce_tile_v3(const eg_reduce *r, double *records, double *scratch);
void eg_reduce_tile_v4(const eg_reduce *r, double *records, double *scratch);
void eg_feed_block_v3(const eg_reduce *r, int has_masked, eg_sums *sums);
void eg_end_sums_v3(const eg_reduce *r, const eg_sums *sums);
void eg_count_tile_v3(const eg_count *r, uint32_t *scratch);
void eg_count_pairs_tile_v3(const eg_count *r, const eg_histogram_pair *pairs, uint32_t n_pairs, uint32_t *scratch);
void eg_feed_block_v4(const eg_reduce *r, int has_masked, eg_sums *sums);
void eg_end_sums_v4(const eg_reduce *r, const eg_sums *sums);
void eg_count_tile_v4(const eg_count *r, uint32_t *scratch);
void eg_count_pairs_tile_v4(const eg_count *r, const eg_histogram_pair *pairs, uint32_t n_pairs, uint32_t *scratch);
void eg_path_values_v3(const eg_path_values *p, const eg_path_statistic *s);
void eg_path_values_v4(const eg_path_values *p, const eg_path_statistic *s);
void eg_stream_feed_v3(const eg_feed *f, const eg_stream *s, double *room);
void eg_stream_values_v3(const eg_stream *s, const double *state, uint32_t ld, const uint64_t *first_bad, double *values);
void eg_stream_feed_v4(const eg_feed *f, const eg_stream *s, double *room);
void eg_stream_values_v4(const eg_stream *s, const double *state, uint32_t ld, const uint64_t *first_bad, double *values);

static const eg_cpu_kernels kernels_v3 = {"v3", "AVX2 kernels (x86-64-v3)", &eg_fill_table_v3, eg_reduce_tile_v3,
                                          eg_feed_block_v3, eg_end_sums_v3, eg_count_tile_v3, eg_count_pairs_tile_v3,
                                          eg_path_values_v3, eg_stream_feed_v3, eg_stream_values_v3};
static const eg_cpu_kernels kernels_v4 = {"v4", "AVX-512 kernels (x86-64-v4)", &eg_fill_table_v4,
                                          eg_reduce_tile_v4, eg_feed_block_v4, eg_end_sums_v4, eg_count_tile_v4,
                                          eg_count_pairs_tile_v4, eg_path_values_v4, eg_stream_feed_v4, eg_stream_values_v4};

static bool has_v3(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

static bool has_v4(void) {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512cd");
}

eg_status eg_cpu_kernels_choose(eg_context *ctx, const eg_cpu_kernels **kernels) {
  __builtin_cpu_init();
  if (!has_v3()) {
    return eg_fail(ctx, EG_ERR_DEVICE,
                   "this CPU lacks AVX2 and FMA (x86-64-v3), which the CPU kernels need; processors since 2013 "
                   "(Intel Haswell, AMD Excavator) have them");
  }
  const char *const wanted = getenv("ENSGRAD_ISA");
  if (wanted != NULL && strcmp(wanted, "v3") != 0 && strcmp(wanted, "v4") != 0) {
    return eg_fail(ctx, EG_ERR_DEVICE, "ENSGRAD_ISA is '%s'; allowed: v3, v4", wanted);
  }
  if (wanted != NULL && strcmp(wanted, "v4") == 0 && !has_v4()) {
    return eg_fail(ctx, EG_ERR_DEVICE, "ENSGRAD_ISA is v4, but this CPU has no AVX-512 (x86-64-v4)");
  }
  *kernels = has_v4() && (wanted == NULL || strcmp(wanted, "v4") == 0) ? &kernels_v4 : &kernels_v3;
  return EG_OK;
}
#else
extern const eg_fill_table eg_fill_table_base;
void eg_reduce_tile_base(const eg_reduce *r, double *records, double *scratch);
void eg_feed_block_base(const eg_reduce *r, int has_masked, eg_sums *sums);
void eg_end_sums_base(const eg_reduce *r, const eg_sums *sums);
void eg_count_tile_base(const eg_count *r, uint32_t *scratch);
void eg_count_pairs_tile_base(const eg_count *r, const eg_histogram_pair *pairs, uint32_t n_pairs, uint32_t *scratch);
void eg_path_values_base(const eg_path_values *p, const eg_path_statistic *s);
void eg_stream_feed_base(const eg_feed *f, const eg_stream *s, double *room);
void eg_stream_values_base(const eg_stream *s, const double *state, uint32_t ld, const uint64_t *first_bad, double *values);

eg_status eg_cpu_kernels_choose(eg_context *ctx, const eg_cpu_kernels **kernels) {
  static const eg_cpu_kernels base = {"base", "portable kernels", &eg_fill_table_base, eg_reduce_tile_base,
                                      eg_feed_block_base, eg_end_sums_base, eg_count_tile_base, eg_count_pairs_tile_base,
                                      eg_path_values_base, eg_stream_feed_base, eg_stream_values_base};
  (void)ctx;
  *kernels = &base;
  return EG_OK;
}
#endif

const eg_unit *eg_unit_find(const char *model, int dim, bool is_float, bool is_wide_noise, const char *isa) {
  const int32_t real_bytes = is_float ? 4 : 8, noise_bytes = is_wide_noise ? 8 : 4;
  const eg_unit *best = NULL;
  for (size_t i = 0; i < N_UNITS; i++) {
    const eg_unit *const u = units[i];
    const bool fits = strcmp(u->model, model) == 0 && u->form == EG_FORM_LANE && u->dim >= dim && u->real_bytes == real_bytes &&
                      u->noise_bytes == noise_bytes && (isa == NULL || strcmp(u->isa, isa) == 0);
    if (fits && (best == NULL || u->dim < best->dim)) {
      best = u;
    }
  }
  if (best == NULL && isa == NULL && (is_float || is_wide_noise)) {
    return eg_unit_find(model, dim, false, false, NULL); /* of what may have to be compiled: its tables agree */
  }
  return best;
}

const eg_unit *eg_unit_find_team(const char *model, bool is_float, const char *isa) {
  for (size_t i = 0; i < N_UNITS; i++) {
    const eg_unit *const u = units[i];
    if (u->form == EG_FORM_TEAM && strcmp(u->model, model) == 0 && (u->real_bytes == 4) == is_float &&
        (isa == NULL || strcmp(u->isa, isa) == 0)) {
      return u;
    }
  }
  return isa == NULL && is_float ? eg_unit_find_team(model, false, NULL) : NULL;
}

int eg_unit_max_dim(const char *model) {
  int dim = 0;
  for (size_t i = 0; i < N_UNITS; i++) {
    if (strcmp(units[i]->model, model) == 0 && units[i]->form == EG_FORM_LANE && units[i]->dim > dim) {
      dim = units[i]->dim;
    }
  }
  return dim;
}
