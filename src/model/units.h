/* The units linked into the program, and user models compiled at run time. */
#ifndef EG_MODEL_UNITS_H
#define EG_MODEL_UNITS_H

#include <stdbool.h>

#include "base/context.h"
#include "core/unit_table.h"
#include "stats/histogram.h"
#include "stats/moments.h"
#include "stats/paths.h"
#include "stats/streams.h"

typedef struct eg_cpu_kernels { /* everything of one ISA that is not a unit */
  const char *isa;              /* "v4", "v3" */
  const char *description;      /* "AVX-512 (x86-64-v4)" */
  const eg_fill_table *fill;
  void (*reduce)(const eg_reduce *reduce, double *records, double *scratch);
  void (*feed_block)(const eg_reduce *block, int has_masked, eg_sums *sums);
  void (*end_sums)(const eg_reduce *tile, const eg_sums *sums);
  void (*count)(const eg_count *count, uint32_t *scratch);
  void (*count_pairs)(const eg_count *count, const eg_histogram_pair *pairs, uint32_t n_pairs, uint32_t *scratch);
  void (*path_values)(const eg_path_values *paths, const eg_path_statistic *statistic);
  void (*stream_feed)(const eg_feed *feed, const eg_stream *stream, double *room);
  void (*stream_values)(const eg_stream *stream, const double *state, uint32_t ld, const uint64_t *first_bad, double *values);
} eg_cpu_kernels;

/* The best ISA of this CPU; EG_ERR_DEVICE on a CPU below x86-64-v3. ENSGRAD_ISA=v3 in the environment chooses a lower
   one (for tests). */
EG_NODISCARD eg_status eg_cpu_kernels_choose(eg_context *ctx, const eg_cpu_kernels **kernels);

/* The smallest built unit in lane form of a model that holds `dim` components, for one precision and ISA; NULL if there is none.
   isa NULL: to read its tables only, so that any ISA will do, and one of another precision if the wanted one is not linked.
   To run it, see compiled_units.h. */
const eg_unit *eg_unit_find(const char *model, int dim, bool is_float, bool is_wide_noise, const char *isa);

/* The unit of a model in team form, NULL if it has none. One serves all kinds of noise. */
const eg_unit *eg_unit_find_team(const char *model, bool is_float, const char *isa);

/* Largest padded dimension of a model in lane form, 0 if unknown. */
int eg_unit_max_dim(const char *model);

#endif
