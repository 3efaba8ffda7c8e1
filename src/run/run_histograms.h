/* Histograms and kept paths of one run: its grids, its counts so far, the paths of its first realisations. */
#ifndef EG_RUN_RUN_HISTOGRAMS_H
#define EG_RUN_RUN_HISTOGRAMS_H

#include "io/labelled.h"
#include "plan/plan.h"

typedef struct eg_run_histograms {
  eg_histogram *grids; /* (plan->n_grids) */
  double *edges;       /* (plan->n_edges); NaN while an automatic grid is not known */
  bool has_grids;      /* all are known; then they never change */
  uint64_t *counts;    /* (job.n_counts): of each schedule (records, points, row_counts) */
  double *paths;       /* eg_job_path_at; NaN: not there yet, or masked. NULL: they stand elsewhere (apart.h) */
} eg_run_histograms;

EG_NODISCARD eg_status eg_run_histograms_create(eg_context *ctx, const eg_plan *plan, const eg_job *job,
                                                eg_run_histograms *histograms);
/* `to` is as eg_run_histograms_create makes it. */
void eg_run_histograms_copy(const eg_plan *plan, const eg_job *job, const eg_run_histograms *from, eg_run_histograms *to);
void eg_run_histograms_free(eg_run_histograms *histograms);

/* Take the limits of the automatic grids from `edges` (plan->n_edges). */
void eg_run_histograms_set(const eg_plan *plan, eg_run_histograms *histograms, const double *edges);

/* As part of /accumulators, and back: EG_ERR_DAMAGED when they contradict the study. Nothing is written for a study
   without histograms and kept paths. */
struct eg_campaign;
EG_NODISCARD eg_status eg_histograms_store(eg_context *ctx, const struct eg_campaign *campaign, eg_labelled *file);
EG_NODISCARD eg_status eg_histograms_restore(eg_context *ctx, struct eg_campaign *campaign, const eg_labelled *file,
                                             const char *path);

#endif
