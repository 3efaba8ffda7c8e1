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
      for (size_t t = 0; t < plan->schedules[h->schedule].n_records; t++) {
        const bool is_there = t < plan->runs[r].schedules[h->schedule].n;
        for (size_t k = 0; k < h->width; k++) {
          const size_t at = eg_plan_counts_at(plan, &plan->runs[r], h->schedule, t, point) + plan->grids[h->first + k].count + first;
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
  const eg_plan_schedule *const schedule = &plan->schedules[h->schedule];
  const size_t bins = plan->grids[h->first].bins;
  int64_t *counts = NULL;
  shape_list s = {.rank = 0};
  add_dim(&s, "run", plan->n_runs, true);
  add_dim(&s, "point", plan->n_points, plan->n_points > 1);
  add_dim(&s, eg_plan_time_dim(schedule), schedule->n_records, true);
  add_dim(&s, "component", h->width, h->is_vector);
  add_dim(&s, dim, bins, part == BINS);
  const size_t n = plan->n_runs * plan->n_points * schedule->n_records * h->width * (part == BINS ? bins : 1);
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
                               eg_feature_unit(plan, eg_plan_any_feature(plan, h->study->feature), ""), long_name);
  free(edges);
  return status;
}

static eg_status build_histogram(eg_context *ctx, eg_builder *b, const eg_plan_histogram *h) {
  char dim[48];
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

/* ---- two histograms together ---- */

static const eg_plan_histogram *histogram_of(const eg_plan *plan, uint32_t grid) {
  size_t i = 0;
  while (grid < plan->histograms[i].first || grid >= plan->histograms[i].first + plan->histograms[i].width) {
    i++;
  }
  return &plan->histograms[i];
}

/* Counts in bins of both, and all the others that are finite. */
static void gather_joint(const eg_builder *b, const eg_histogram_pair *pair, size_t schedule, int64_t *inside, int64_t *outside) {
  const eg_plan *const plan = b->plan;
  const size_t m = plan->grids[pair->first].bins, n = plan->grids[pair->second].bins;
  size_t row = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    const uint64_t *const counts = b->summary->campaign->runs[r].histograms.counts;
    for (size_t point = 0; point < plan->n_points; point++) {
      for (size_t t = 0; t < plan->schedules[schedule].n_records; t++, row++) {
        const bool is_there = t < plan->runs[r].schedules[schedule].n;
        const uint64_t *const at = counts + eg_plan_counts_at(plan, &plan->runs[r], schedule, t, point) + pair->count;
        for (size_t i = 0; i < m + 2 && is_there; i++) {
          for (size_t k = 0; k < n + 2; k++) {
            const bool is_inside = i >= 1 && i <= m && k >= 1 && k <= n;
            *(is_inside ? &inside[(row * m + i - 1) * n + k - 1] : &outside[row]) += (int64_t)at[i * (n + 2) + k];
          }
        }
      }
    }
  }
}

static eg_status build_joint(eg_context *ctx, eg_builder *b, size_t joint) {
  const eg_plan *const plan = b->plan;
  const eg_histogram_pair *const pair = &plan->pairs[joint];
  const uint32_t grids[2] = {pair->first, pair->second};
  const size_t of = histogram_of(plan, pair->first)->schedule;
  const eg_plan_schedule *const schedule = &plan->schedules[of];
  const size_t rows = plan->n_runs * plan->n_points * schedule->n_records;
  const size_t bins = (size_t)plan->grids[pair->first].bins * plan->grids[pair->second].bins;
  char name[64], dims[2][48];
  int64_t *inside = NULL, *outside = NULL;
  shape_list s = {.rank = 0};
  eg_status status = EG_OK;
  add_dim(&s, "run", plan->n_runs, true);
  add_dim(&s, "point", plan->n_points, plan->n_points > 1);
  add_dim(&s, eg_plan_time_dim(schedule), schedule->n_records, true);
  const int rank = s.rank;
  for (size_t i = 0; i < 2; i++) { /* two components of one histogram of x have bins of one name */
    const eg_plan_histogram *const h = histogram_of(plan, grids[i]);
    const bool is_second = i == 1 && h == histogram_of(plan, grids[0]);
    (void)snprintf(dims[i], sizeof dims[i], "%s_bin%s", h->name, is_second ? "_2" : "");
    add_dim(&s, dims[i], plan->grids[grids[i]].bins, true);
  }
  const eg_study_joint *const study = &plan->study->observe.joints[joint];
  (void)snprintf(name, sizeof name, "joint_%s_%s", study->of[0], study->of[1]);
  EG_TRY_DONE(eg_allocate(ctx, rows * bins, sizeof *inside, &inside));
  EG_TRY_DONE(eg_allocate(ctx, rows, sizeof *outside, &outside));
  gather_joint(b, pair, of, inside, outside);
  EG_TRY_DONE(add(ctx, b, name, "", EG_TYPE_I64, &s, inside, "1", "finite trajectories in each pair of bins of"));
  s.rank = rank;
  EG_TRY_DONE(add(ctx, b, name, "_outside", EG_TYPE_I64, &s, outside, "1", "finite trajectories outside of either grid of"));
done:
  free(inside);
  free(outside);
  return status;
}

void eg_append_histogram_coordinates(const eg_plan *plan, eg_text *names) {
  for (size_t i = 0; i < plan->n_histograms; i++) {
    eg_text_append(names, " %s_bin_low %s_bin_high", plan->histograms[i].name, plan->histograms[i].name);
  }
}

/* ---- kept paths ---- */

static eg_status build_path(eg_context *ctx, eg_builder *b, const eg_feature *f, size_t n_kept) {
  const eg_plan *const plan = b->plan;
  const eg_plan_schedule *const schedule = &plan->schedules[plan->kept_schedule];
  const size_t n = plan->n_runs * plan->n_points * n_kept * schedule->n_records * f->width;
  double *values = NULL;
  shape_list s = {.rank = 0};
  add_dim(&s, "run", plan->n_runs, true);
  add_dim(&s, "point", plan->n_points, plan->n_points > 1);
  add_dim(&s, "realisation", n_kept, true);
  add_dim(&s, eg_plan_time_dim(schedule), schedule->n_records, true);
  add_dim(&s, "component", f->width, eg_feature_is_vector(f));
  EG_TRY(eg_allocate(ctx, n, sizeof *values, &values));
  size_t i = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_job *const job = &plan->runs[r].job;
    const double *const paths = b->summary->campaign->runs[r].histograms.paths;
    for (size_t point = 0; point < plan->n_points; point++) {
      for (size_t kept = 0; kept < n_kept; kept++) {
        for (size_t t = 0; t < schedule->n_records; t++) {
          const bool is_there = t < eg_job_kept_records(job) && kept < job->n_kept;
          for (size_t k = 0; k < f->width; k++) {
            values[i++] = is_there ? paths[eg_job_path_at(job, point, kept, t, f->first + k)] : NAN;
          }
        }
      }
    }
  }
  eg_status status = add(ctx, b, f->name, "_path", EG_TYPE_F64, &s, values, eg_feature_unit(plan, f, ""),
                         "single trajectories (NaN: not finite) of");
  if (status == EG_OK && (f->id == EG_FEATURE_MONITOR_TIME || f->id == EG_FEATURE_EXIT_TIME)) { /* the step of the event, as a number */
    for (size_t k = 0; k < n; k++) {
      const eg_launch *const a = &plan->runs[k / (n / plan->n_runs)].job.launch;
      values[k] = a->is_clocked != 0 ? NAN : nearbyint(values[k] / a->h);
    }
    char name[64];
    (void)snprintf(name, sizeof name, "%s_steps_path", f->name);
    status = add(ctx, b, f->name, "_steps_path", EG_TYPE_F64, &s, values, "1", "integrator steps of single trajectories:");
    const eg_variable *const v = eg_labelled_find(b->file, "/", name);
    if (status == EG_OK && v != NULL) { /* derived, as in result_moments.c */
      status = eg_labelled_set_text(ctx, b->file, (size_t)(v - b->file->variables), "bits", "machine");
    }
  }
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
  for (size_t i = 0; i < b->plan->study->observe.n_joints; i++) {
    EG_TRY(build_joint(ctx, b, i));
  }
  return build_paths(ctx, b);
}
