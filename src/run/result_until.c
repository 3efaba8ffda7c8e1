/* Where runs that end by their errors have ended, and how near they came. */
#include <math.h>
#include <stdlib.h>

#include "run/result_parts.h"
#include "run/until.h"

eg_status eg_build_until(eg_context *ctx, eg_builder *b) {
  const eg_campaign *const c = b->summary->campaign;
  const size_t n = b->plan->n_runs;
  const char *const dims[1] = {"run"};
  double *left = NULL, *floor = NULL;
  bool *is_reached = NULL;
  int64_t *realisations = NULL;
  size_t index = 0;
  eg_status status = EG_OK;
  if (b->plan->study->n_until == 0) {
    return EG_OK;
  }
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *left, &left));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *floor, &floor));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *realisations, &realisations));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *is_reached, &is_reached));
  EG_TRY_DONE(eg_until_look(ctx, c, b->file, is_reached, left, floor));
  for (size_t r = 0; r < n; r++) {
    realisations[r] = (int64_t)b->summary->runs[r].n_started;
  }
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", "until_realisations", EG_TYPE_I64, 1, dims, &n, realisations, &index));
  EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "long_name", "realisations that were made"));
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", "until_left", EG_TYPE_F64, 1, dims, &n, left, &index));
  EG_TRY_DONE(
      eg_labelled_set_text(ctx, b->file, index, "long_name",
                           "largest standard error over the one asked for, sqrt(1000 / effective samples) where that is more; at most 1 where "
                           "`until` was reached"));
  if (eg_until_has_floor(b->plan, b->file)) {
    EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", "until_floor", EG_TYPE_F64, 1, dims, &n, floor, &index));
    EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "long_name",
                                     "the part of until_left that no realisations make smaller: interpolation within bins; above 1 "
                                     "`until` cannot be reached"));
  }
done:
  free(left);
  free(floor);
  free(is_reached);
  free(realisations);
  return status;
}
