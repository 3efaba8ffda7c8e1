/* Histogram counts with their grids, and kept paths. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "run/result_parts.h"

/* Dimensions and shape of a variable, slowest first. */
typedef struct shape_list {
  const char *dims[EG_MAX_RANK];
  size_t shape[EG_MAX_RANK];
  int rank;
} shape_list;

static void add_dim(shape_list *s, const char *name, size_t n, bool is_there) {
  if (is_there) {
    s->dims[s->rank] = name;
    s->shape[s->rank++] = n;
  }
}

static eg_status add(eg_context *ctx, eg_builder *b, const char *name, const char *suffix, eg_type type,
                     const shape_list *s, const void *data, const char *unit, const char *long_name) {
  char full[64], text[200];
  size_t index = 0;
  (void)snprintf(full, sizeof full, "%s%s", name, suffix);
  (void)snprintf(text, sizeof text, "%s %s", long_name, name);
  EG_TRY(eg_labelled_add(ctx, b->file, "/", full, type, s->rank, s->dims, s->shape, data, &index));
  EG_TRY(eg_labelled_set_text(ctx, b->file, index, "units", unit));
  return eg_labelled_set_text(ctx, b->file, index, "long_name", text);
}

/* ---- histograms ---- */

enum { BELOW = 0, BINS = 1, ABOVE = 2 };

/* Counts of one kind in the order (run, point, time, component[, bin]). */
static void gather_counts(const eg_builder *b, const eg_plan_histogram *h, int part, int64_t *out) {
  const eg_plan *const plan = b->plan;
  const size_t bins = plan->grids[h->first].bins;
  const size_t first = part == BELOW ? 0 : (part == BINS ? 1 : bins + 1), n = part == BINS ? bins : 1;
  size_t i = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    const uint64_t *const counts = b->summary->campaign->runs[r].histograms.counts;
    for (size_t point = 0; point < plan->n_points; point++) {
      for (size_t t = 0; t < plan->n_records; t++) {
        const bool is_there = t < plan->runs[r].job.n_records;
        for (size_t k = 0; k < h->width; k++) {
          const size_t at = eg_summary_row(plan, t, point) * plan->row_counts + plan->grids[h->first + k].count + first;
          for (size_t bin = 0; bin < n; bin++) {
            out[i++] = is_there ? (int64_t)counts[at + bin] : 0;
          }
        }
      }
    }
  }
}

static eg_status add_counts(eg_context *ctx, eg_builder *b, const eg_plan_histogram *h, int part, const char *dim,
                            const char *suffix, const char *long_name) {
  const eg_plan *const plan = b->plan;
  const size_t bins = plan->grids[h->first].bins;
  int64_t *counts = NULL;
  shape_list s = {.rank = 0};
  add_dim(&s, "run", plan->n_runs, true);
  add_dim(&s, "point", plan->n_points, plan->n_points > 1);
  add_dim(&s, plan->has_common_times ? "time" : "record", plan->n_records, true);
  add_dim(&s, "component", h->width, h->is_vector);
  add_dim(&s, dim, bins, part == BINS);
  const size_t n = plan->n_runs * plan->n_points * plan->n_records * h->width * (part == BINS ? bins : 1);
  EG_TRY(eg_allocate(ctx, n, sizeof *counts, &counts));
  gather_counts(b, h, part, counts);
  const eg_status status = add(ctx, b, h->name, suffix, EG_TYPE_I64, &s, counts, "1", long_name);
  free(counts);
  return status;
}

/* Lower or upper edges of the bins: of every run and component where the grids are automatic. */
static eg_status add_edges(eg_context *ctx, eg_builder *b, const eg_plan_histogram *h, size_t offset, const char *dim,
                           const char *suffix, const char *long_name) {
  const eg_plan *const plan = b->plan;
  const size_t bins = plan->grids[h->first].bins;
  const size_t n_runs = h->is_automatic ? plan->n_runs : 1, width = h->is_automatic ? h->width : 1;
  double *edges = NULL;
  shape_list s = {.rank = 0};
  add_dim(&s, "run", n_runs, h->is_automatic);
  add_dim(&s, "component", width, h->is_automatic && h->is_vector);
  add_dim(&s, dim, bins, true);
  EG_TRY(eg_allocate(ctx, n_runs * width * bins, sizeof *edges, &edges));
  size_t i = 0;
  for (size_t r = 0; r < n_runs; r++) {
    for (size_t k = 0; k < width; k++) {
      const double *const e = b->summary->campaign->runs[r].histograms.edges + plan->grids[h->first + k].edge;
      for (size_t bin = 0; bin < bins; bin++) {
        edges[i++] = e[bin + offset];
      }
    }
  }
  const eg_status status = add(ctx, b, h->name, suffix, EG_TYPE_F64, &s, edges,
                               eg_feature_unit(plan, eg_plan_feature(plan, h->study->feature), ""), long_name);
  free(edges);
  return status;
}

static eg_status build_histogram(eg_context *ctx, eg_builder *b, const eg_plan_histogram *h) {
  char dim[32];
  (void)snprintf(dim, sizeof dim, "%s_bin", h->name);
  EG_TRY(add_edges(ctx, b, h, 0, dim, "_bin_low", "lower edge (belongs to the bin) of bins of"));
  EG_TRY(add_edges(ctx, b, h, 1, dim, "_bin_high", "upper edge (belongs to the next bin) of bins of"));
  EG_TRY(add_counts(ctx, b, h, BINS, dim, "_histogram", "finite trajectories in each bin of"));
  EG_TRY(eg_labelled_set_text(ctx, b->file, b->file->n_variables - 1, "density",
                              "count / (finite trajectories x bin width); standard error "
                              "sqrt(count (1 - count / finite)) / (finite x width)"));
  EG_TRY(add_counts(ctx, b, h, BELOW, dim, "_histogram_below", "finite trajectories below the first bin of"));
  return add_counts(ctx, b, h, ABOVE, dim, "_histogram_above", "finite trajectories at or above the last edge of");
}

void eg_append_histogram_coordinates(const eg_plan *plan, eg_text *names) {
  for (size_t i = 0; i < plan->n_histograms; i++) {
    eg_text_append(names, " %s_bin_low %s_bin_high", plan->histograms[i].name, plan->histograms[i].name);
  }
}

/* ---- kept paths ---- */

static eg_status build_path(eg_context *ctx, eg_builder *b, const eg_feature *f, size_t n_kept) {
  const eg_plan *const plan = b->plan;
  const size_t n = plan->n_runs * plan->n_points * n_kept * plan->n_records * f->width;
  double *values = NULL;
  shape_list s = {.rank = 0};
  add_dim(&s, "run", plan->n_runs, true);
  add_dim(&s, "point", plan->n_points, plan->n_points > 1);
  add_dim(&s, "realisation", n_kept, true);
  add_dim(&s, plan->has_common_times ? "time" : "record", plan->n_records, true);
  add_dim(&s, "component", f->width, f->id == EG_FEATURE_X);
  EG_TRY(eg_allocate(ctx, n, sizeof *values, &values));
  size_t i = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_job *const job = &plan->runs[r].job;
    const double *const paths = b->summary->campaign->runs[r].histograms.paths;
    for (size_t point = 0; point < plan->n_points; point++) {
      for (size_t kept = 0; kept < n_kept; kept++) {
        for (size_t t = 0; t < plan->n_records; t++) {
          const bool is_there = t < job->n_records && kept < job->n_kept;
          for (size_t k = 0; k < f->width; k++) {
            values[i++] = is_there ? paths[eg_job_path_at(job, point, kept, t, f->first + k)] : NAN;
          }
        }
      }
    }
  }
  const eg_status status = add(ctx, b, f->name, "_path", EG_TYPE_F64, &s, values, eg_feature_unit(plan, f, ""),
                               "single trajectories (NaN: not finite) of");
  free(values);
  return status;
}

static eg_status build_paths(eg_context *ctx, eg_builder *b) {
  const eg_plan *const plan = b->plan;
  size_t n_kept = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    n_kept = plan->runs[r].job.n_kept > n_kept ? (size_t)plan->runs[r].job.n_kept : n_kept;
  }
  if (n_kept == 0) {
    return EG_OK;
  }
  int64_t *numbers = NULL;
  shape_list s = {.rank = 0};
  add_dim(&s, "realisation", n_kept, true);
  EG_TRY(eg_allocate(ctx, n_kept, sizeof *numbers, &numbers));
  for (size_t i = 0; i < n_kept; i++) {
    numbers[i] = (int64_t)i;
  }
  const eg_status status = add(ctx, b, "realisation", "", EG_TYPE_I64, &s, numbers, "1", "number of the kept");
  free(numbers);
  EG_TRY(status);
  for (size_t i = 0; i < plan->n_kept_features; i++) {
    EG_TRY(build_path(ctx, b, &plan->kept[i], n_kept));
  }
  return EG_OK;
}

eg_status eg_build_histograms(eg_context *ctx, eg_builder *b) {
  for (size_t i = 0; i < b->plan->n_histograms; i++) {
    EG_TRY(build_histogram(ctx, b, &b->plan->histograms[i]));
  }
  return build_paths(ctx, b);
}
