/* The sums of every run merged once, as the result builders need them. */
#ifndef EG_RUN_SUMMARY_H
#define EG_RUN_SUMMARY_H

#include "run/campaign.h"

typedef struct eg_run_summary {
  eg_node_shape shape;
  size_t n_blocks;     /* filled blocks, 0 before the first tile */
  double *blocks;      /* (n_blocks, values) */
  double *total;       /* (values) */
  double *leave_out;   /* (n_blocks, values): all blocks but one */
  double n_started;    /* realisations in finished tiles */
} eg_run_summary;

typedef struct eg_summary {
  const eg_campaign *campaign;
  eg_run_summary *runs; /* (eg_plan_n_sums): where a function takes a run, it takes a difference too */
} eg_summary;

EG_NODISCARD eg_status eg_summary_create(eg_context *ctx, const eg_campaign *campaign, eg_summary *summary);
void eg_summary_free(eg_summary *summary);

/* Row of a node: record and point. */
size_t eg_summary_row(const eg_plan *plan, size_t record, size_t point);

/* Estimates of one column; NaN everywhere before the first tile. Exact zeros for a deterministic run. */
void eg_summary_moments(const eg_summary *summary, size_t run, size_t row, size_t column, struct eg_moment_estimates *out);

/* Mean and its standard error of a linear combination of the `width` columns from `first` on, the error by jackknife. */
eg_estimate eg_summary_projection(const eg_summary *summary, size_t run, size_t row, size_t first, size_t width,
                                  const double *direction);

/* The same of the sum of n runs, each times its weight, that made the same realisations (members of a group): the error by a
   jackknife that leaves the same block out of all. */
eg_estimate eg_summary_combination(const eg_summary *summary, size_t n, const size_t *runs, const double *weights, size_t row,
                                   size_t first, size_t width, const double *direction);

/* May a z of this column be judged: enough effective samples, nothing diverged, an error bar. */
bool eg_summary_is_judged(const eg_summary *summary, size_t run, size_t row, size_t column);

#endif
