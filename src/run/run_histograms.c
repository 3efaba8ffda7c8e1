#include "run/run_histograms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/histogram_grid.h"
#include "run/campaign.h"

static const char GROUP[] = "/accumulators";

static bool has_automatic(const eg_plan *plan) {
  bool has = false;
  for (size_t i = 0; i < plan->n_histograms; i++) {
    has = has || plan->histograms[i].is_automatic;
  }
  return has;
}

eg_status eg_run_histograms_create(eg_context *ctx, const eg_plan *plan, const eg_job *job, eg_run_histograms *h) {
  EG_TRY(eg_allocate(ctx, plan->n_grids, sizeof *h->grids, &h->grids));
  EG_TRY(eg_allocate(ctx, plan->n_edges, sizeof *h->edges, &h->edges));
  EG_TRY(eg_allocate(ctx, job->n_counts, sizeof *h->counts, &h->counts));
  EG_TRY(eg_allocate(ctx, eg_job_path_values(job), sizeof *h->paths, &h->paths));
  if (plan->n_grids > 0) {
    memcpy(h->grids, plan->grids, plan->n_grids * sizeof *h->grids);
    memcpy(h->edges, plan->edges, plan->n_edges * sizeof *h->edges);
  }
  for (size_t i = 0; i < eg_job_path_values(job); i++) {
    h->paths[i] = NAN;
  }
  h->has_grids = !has_automatic(plan);
  return EG_OK;
}

static void copy(void *to, const void *from, size_t bytes) {
  if (bytes > 0) {
    memcpy(to, from, bytes);
  }
}

void eg_run_histograms_copy(const eg_plan *plan, const eg_job *job, const eg_run_histograms *from, eg_run_histograms *to) {
  copy(to->grids, from->grids, plan->n_grids * sizeof *to->grids);
  copy(to->edges, from->edges, plan->n_edges * sizeof *to->edges);
  copy(to->counts, from->counts, job->n_counts * sizeof *to->counts);
  copy(to->paths, from->paths, eg_job_path_values(job) * sizeof *to->paths);
  to->has_grids = from->has_grids;
}

void eg_run_histograms_free(eg_run_histograms *h) {
  free(h->grids);
  free(h->edges);
  free(h->counts);
  free(h->paths);
}

void eg_run_histograms_set(const eg_plan *plan, eg_run_histograms *h, const double *edges) {
  for (size_t i = 0; i < plan->n_histograms; i++) {
    for (size_t k = 0; plan->histograms[i].is_automatic && k < plan->histograms[i].width; k++) {
      eg_histogram *const grid = &h->grids[plan->histograms[i].first + k];
      eg_grid_set(grid, edges[grid->edge], edges[grid->edge + grid->bins], h->edges);
    }
  }
  h->has_grids = true;
}

/* ---- in and out of a file: the arrays of all runs, one after the other ---- */

/* How many values each run has of one of the three arrays. */
static size_t n_edges_of(const eg_plan *plan, size_t run) {
  (void)run;
  return plan->n_edges;
}
static size_t n_counts_of(const eg_plan *plan, size_t run) {
  return plan->runs[run].job.n_counts;
}
static size_t n_paths_of(const eg_plan *plan, size_t run) {
  return eg_job_path_values(&plan->runs[run].job);
}
static void *edges_of(const eg_run_histograms *h) {
  return h->edges;
}
static void *counts_of(const eg_run_histograms *h) {
  return h->counts;
}
static void *paths_of(const eg_run_histograms *h) {
  return h->paths;
}

static const struct {
  const char *name, *dim;
  eg_type type; /* all of 8 bytes */
  size_t (*size)(const eg_plan *plan, size_t run);
  void *(*data)(const eg_run_histograms *h);
} arrays[3] = {{"histogram_edges", "histogram_edge", EG_TYPE_F64, n_edges_of, edges_of},
               {"histogram_counts", "histogram_count", EG_TYPE_U64, n_counts_of, counts_of},
               {"kept_values", "kept_value", EG_TYPE_F64, n_paths_of, paths_of}};

static size_t total(const eg_plan *plan, size_t array) {
  size_t n = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    n += arrays[array].size(plan, r);
  }
  return n;
}

eg_status eg_histograms_store(eg_context *ctx, const struct eg_campaign *c, eg_labelled *file) {
  for (size_t i = 0; i < 3; i++) {
    const size_t n = total(c->plan, i);
    uint64_t *values = NULL;
    if (n == 0) {
      continue;
    }
    EG_TRY(eg_allocate(ctx, n, sizeof *values, &values));
    size_t at = 0;
    for (size_t r = 0; r < c->plan->n_runs; r++) {
      const size_t size = arrays[i].size(c->plan, r);
      memcpy(values + at, arrays[i].data(&c->runs[r].histograms), size * sizeof *values);
      at += size;
    }
    const eg_status status =
        eg_labelled_add(ctx, file, GROUP, arrays[i].name, arrays[i].type, 1, &arrays[i].dim, &n, values, NULL);
    free(values);
    EG_TRY(status);
  }
  return EG_OK;
}

/* After the stored edges were copied: make the grids from their limits, which must give the same edges. */
static bool restore_grids(const eg_plan *plan, eg_run_state *state, double *stored) {
  eg_run_histograms *const h = &state->histograms;
  const size_t bytes = plan->n_edges * sizeof *stored;
  bool is_known = true;
  memcpy(stored, h->edges, bytes);
  for (size_t i = 0; i < plan->n_edges; i++) {
    is_known = is_known && !isnan(stored[i]);
  }
  if (!is_known) {
    memcpy(h->edges, plan->edges, bytes);
    return has_automatic(plan) && state->tiles_done == 0;
  }
  memcpy(h->edges, plan->edges, bytes);
  for (size_t i = 0; i < plan->n_grids; i++) {
    const eg_histogram *const g = &plan->grids[i];
    const double low = stored[g->edge], high = stored[g->edge + g->bins];
    if (!(low < high) || !eg_is_finite(low) || !eg_is_finite(high) || (g->is_log && !(low > 0))) {
      return false;
    }
  }
  eg_run_histograms_set(plan, h, stored);
  return memcmp(h->edges, stored, bytes) == 0;
}

eg_status eg_histograms_restore(eg_context *ctx, struct eg_campaign *c, const eg_labelled *file, const char *path) {
  const eg_plan *const plan = c->plan;
  for (size_t i = 0; i < 3; i++) {
    const size_t n = total(plan, i);
    const eg_variable *const v = eg_labelled_find(file, GROUP, arrays[i].name);
    if (n == 0) {
      continue;
    }
    if (v == NULL || v->type != arrays[i].type || v->rank != 1 || v->shape[0] != n) {
      return eg_fail(ctx, EG_ERR_DAMAGED, "%s: the accumulators contradict each other (%s)", path, arrays[i].name);
    }
    size_t at = 0;
    for (size_t r = 0; r < plan->n_runs; r++) {
      const size_t size = arrays[i].size(plan, r);
      memcpy(arrays[i].data(&c->runs[r].histograms), (const uint64_t *)v->data + at, size * sizeof(uint64_t));
      at += size;
    }
  }
  double *stored = NULL;
  bool is_good = true;
  EG_TRY(eg_allocate(ctx, plan->n_edges, sizeof *stored, &stored));
  for (size_t r = 0; r < plan->n_runs && plan->n_grids > 0; r++) {
    is_good = is_good && restore_grids(plan, &c->runs[r], stored);
  }
  free(stored);
  return is_good ? EG_OK : eg_fail(ctx, EG_ERR_DAMAGED, "%s: the grids of its histograms are not those of the study", path);
}
