/* Histograms of the values of path statistics: integer counts of trajectories on the fixed grid of stats/paths.h. */
#include <stdio.h>
#include <stdlib.h>

#include "run/result_parts.h"

void eg_path_edges(double *edges) {
  for (uint32_t k = 0; k <= EG_PATH_BINS; k++) {
    edges[k] = eg_path_edge(k);
  }
}

const uint64_t *eg_path_counts(const eg_builder *b, size_t path, size_t run, size_t point, size_t lag, size_t power) {
  const eg_run *const r = &b->plan->runs[run];
  const eg_path_statistic *const s = &r->path_statistics[path];
  const size_t value = lag * r->paths[path].n_powers + power;
  return lag >= r->paths[path].n_lags ? NULL
                                      : b->summary->campaign->runs[run].histograms.counts + s->first_count +
                                            (point * s->n_counted + value) * EG_PATH_PLACES;
}

/* Edges first .. first + EG_PATH_BINS - 1. */
static eg_status add_edges(eg_context *ctx, eg_builder *b, const char *prefix, const char *suffix, const char *bin,
                           const double *edges, const char *long_name) {
  const size_t n = EG_PATH_BINS;
  size_t index = 0;
  char name[64];
  (void)snprintf(name, sizeof name, "%s%s", prefix, suffix);
  EG_TRY(eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_F64, 1, &bin, &n, edges, &index));
  return eg_labelled_set_text(ctx, b->file, index, "long_name", long_name);
}

/* Places first .. first + n - 1 of all values; `dims` and `shape` have room for the bins behind them. */
static eg_status add_counts(eg_context *ctx, eg_builder *b, size_t path, const char *suffix, size_t first, size_t n, int rank,
                            const char **dims, size_t *shape, const char *bin, const char *long_name) {
  const eg_study_path *const study = &b->plan->study->observe.paths[path];
  const size_t n_powers = b->plan->runs[0].paths[path].n_powers;
  size_t n_values = 1, index = 0;
  char name[64];
  int64_t *counts = NULL;
  for (int i = 0; i < rank; i++) {
    n_values *= shape[i];
  }
  const size_t n_points = b->plan->n_points, n_lags = n_values / n_powers / n_points / b->plan->n_runs;
  EG_TRY(eg_allocate(ctx, n_values * n, sizeof *counts, &counts));
  for (size_t i = 0; i < n_values; i++) {
    const size_t row = i / n_powers / n_lags;
    const uint64_t *const places = eg_path_counts(b, path, row / n_points, row % n_points, i / n_powers % n_lags, i % n_powers);
    for (size_t k = 0; places != NULL && k < n; k++) {
      counts[i * n + k] = (int64_t)places[first + k];
    }
  }
  dims[rank] = bin;
  shape[rank] = n;
  (void)snprintf(name, sizeof name, "path_%s%s", study->name, suffix);
  const eg_status status =
      eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_I64, bin == NULL ? rank : rank + 1, dims, shape, counts, &index);
  free(counts);
  EG_TRY(status);
  return eg_labelled_set_text(ctx, b->file, index, "long_name", long_name);
}

eg_status eg_build_path_histogram(eg_context *ctx, eg_builder *b, size_t path, size_t n_lags) {
  const eg_study_path *const study = &b->plan->study->observe.paths[path];
  const char *dims[6];
  size_t shape[6];
  int rank = 0;
  char prefix[40], lag[48], power[48], bin[48];
  double *edges = NULL;
  eg_status status = EG_OK;
  (void)snprintf(prefix, sizeof prefix, "path_%s", study->name);
  (void)snprintf(lag, sizeof lag, "%s_lag", prefix);
  (void)snprintf(power, sizeof power, "%s_power", prefix);
  (void)snprintf(bin, sizeof bin, "%s_bin", prefix);
  dims[rank] = "run";
  shape[rank++] = b->plan->n_runs;
  if (b->plan->n_points > 1) {
    dims[rank] = "point";
    shape[rank++] = b->plan->n_points;
  }
  dims[rank] = lag;
  shape[rank++] = n_lags;
  if (study->kind == EG_PATH_MOMENTS) {
    dims[rank] = power;
    shape[rank++] = b->plan->runs[0].paths[path].n_powers;
  }
  EG_TRY_DONE(eg_allocate(ctx, EG_PATH_BINS + 1, sizeof *edges, &edges));
  eg_path_edges(edges);
  EG_TRY_DONE(add_edges(ctx, b, prefix, "_bin_low", bin, edges, "lower edge (belongs to the bin)"));
  EG_TRY_DONE(add_edges(ctx, b, prefix, "_bin_high", bin, edges + 1, "upper edge (belongs to the next bin)"));
  EG_TRY_DONE(add_counts(ctx, b, path, "_histogram", 1, EG_PATH_BINS, rank, dims, shape, bin, "trajectories whose value lies in each bin"));
  EG_TRY_DONE(add_counts(ctx, b, path, "_histogram_below", 0, 1, rank, dims, shape, NULL, "trajectories whose value lies below 2^-64"));
  EG_TRY_DONE(add_counts(ctx, b, path, "_histogram_above", EG_PATH_BINS + 1, 1, rank, dims, shape, NULL,
                         "trajectories whose value is at least 2^64"));
done:
  free(edges);
  return status;
}
