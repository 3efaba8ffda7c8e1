/* Means whose error bars cannot be trusted, because of the tails of what is averaged: attribute `heavy_tails`, how many values of a
   variable are such. */
#include "run/result_parts.h"

size_t eg_count_heavy_tails(const eg_builder *b, size_t first, size_t n, const eg_feature *f) {
  const eg_plan *const plan = b->plan;
  size_t n_heavy = 0;
  for (size_t i = first; i < first + n; i++) {
    const eg_run_summary *const s = &b->summary->runs[i];
    const eg_run *const run = eg_plan_sum_run(plan, i);
    for (size_t t = 0; t < run->job.n_records && s->n_blocks > 0; t++) {
      for (size_t point = 0; point < plan->n_points; point++) {
        for (size_t c = f->first; c < f->first + f->width; c++) {
          const eg_moments m = eg_node_moments(&s->shape, s->total, eg_summary_row(plan, t, point), c);
          n_heavy += !eg_plan_is_empty(plan, run, t, c) && eg_moments_have_heavy_tails(&m);
        }
      }
    }
  }
  return n_heavy;
}

eg_status eg_mark_heavy_tails(eg_context *ctx, eg_builder *b, size_t index, size_t n_heavy) {
  const int64_t n = (int64_t)n_heavy;
  return n == 0 ? EG_OK : eg_labelled_set(ctx, b->file, index, "heavy_tails", EG_TYPE_I64, 1, &n);
}
