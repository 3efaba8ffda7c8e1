/* Analysis quantiles: of a histogram at every observation, from its integer counts. */
#include <stdio.h>
#include <stdlib.h>

#include "analysis/quantiles.h"
#include "run/result_parts.h"

static double get_value(const eg_quantile *q) { return q->value; }
static double get_stderr(const eg_quantile *q) { return q->stderr_; }
static double get_low(const eg_quantile *q) { return q->low; }
static double get_high(const eg_quantile *q) { return q->high; }
static double get_bin(const eg_quantile *q) { return q->bin; }
static double get_interpolation(const eg_quantile *q) { return q->interpolation; }

static const struct {
  const char *suffix;
  double (*get)(const eg_quantile *quantile);
  const char *long_name;
} variables[] = {{"", get_value, "quantile, the distribution function being linear within a bin (on a log scale: in the logarithm)"},
                 {"_stderr", get_stderr, "standard error of the quantile, binomial"},
                 {"_low", get_low, "lower end of its 95 % interval"},
                 {"_high", get_high, "upper end of its 95 % interval"},
                 {"_bin", get_bin, "width of the bin that holds it: the resolution"},
                 {"_interpolation", get_interpolation, "what the interpolation within the bin may be off, from the bins beside; above half of the stderr the bins are too wide for it"}};

/* What an analysis goes through: of a histogram (run[, point], time[, component], probability), of a path statistic (run[, point],
   lag[, power], probability). */
typedef struct quantile_axes {
  const char *of;
  const char *dims[EG_MAX_RANK];
  size_t shape[EG_MAX_RANK];
  size_t n_middle, n_inner; /* times or lags; components or powers */
  int rank;
  char names[2][48];
} quantile_axes;

static void add_axis(quantile_axes *x, const char *dim, size_t n, bool is_there) {
  if (is_there) {
    x->dims[x->rank] = dim;
    x->shape[x->rank++] = n;
  }
}

static void set_axes(const eg_plan *plan, const eg_study_quantiles *study, quantile_axes *x) {
  *x = (quantile_axes){.n_inner = 1};
  add_axis(x, "run", plan->n_runs, true);
  add_axis(x, "point", plan->n_points, plan->n_points > 1);
  if (!study->is_of_path) {
    const eg_plan_histogram *const h = &plan->histograms[study->histogram];
    x->of = h->name;
    x->n_middle = plan->schedules[h->schedule].n_records;
    x->n_inner = h->width;
    add_axis(x, eg_plan_time_dim(&plan->schedules[h->schedule]), x->n_middle, true);
    add_axis(x, "component", x->n_inner, h->is_vector);
    return;
  }
  const eg_study_path *const path = &plan->study->observe.paths[study->histogram];
  x->of = path->name;
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_run_path *const p = &plan->runs[r].paths[study->histogram];
    x->n_middle = p->n_lags > x->n_middle ? p->n_lags : x->n_middle;
    x->n_inner = p->n_powers;
  }
  (void)snprintf(x->names[0], sizeof x->names[0], "path_%s_lag", path->name);
  (void)snprintf(x->names[1], sizeof x->names[1], "path_%s_power", path->name);
  add_axis(x, x->names[0], x->n_middle, true);
  add_axis(x, x->names[1], x->n_inner, path->kind == EG_PATH_MOMENTS);
}

/* Counts at a place, with their grid; NULL: there is none. */
static const uint64_t *counts_at(const eg_builder *b, const eg_study_quantiles *study, const double *path_edges, size_t run, size_t point,
                                 size_t middle, size_t inner, size_t *bins, const double **edges, bool *is_log) {
  if (study->is_of_path) {
    *bins = EG_PATH_BINS;
    *edges = path_edges;
    *is_log = false;
    return eg_path_counts(b, study->histogram, run, point, middle, inner);
  }
  const eg_plan *const plan = b->plan;
  const eg_run_histograms *const stored = &b->summary->campaign->runs[run].histograms;
  const eg_histogram *const grid = &plan->grids[plan->histograms[study->histogram].first + inner];
  *bins = grid->bins;
  *edges = stored->edges + grid->edge;
  *is_log = grid->is_log;
  const size_t schedule = plan->histograms[study->histogram].schedule;
  return middle < plan->runs[run].schedules[schedule].n && stored->has_grids
             ? stored->counts + eg_plan_counts_at(plan, &plan->runs[run], schedule, middle, point) + grid->count
             : NULL;
}

/* In the order of the axes. */
static void fill(const eg_builder *b, const eg_study_quantiles *study, const quantile_axes *x, const double *path_edges, eg_quantile *out) {
  static const uint64_t none[2] = {0, 0};
  const eg_number_list *const p = &study->probabilities;
  const size_t n_points = b->plan->n_points, n = b->plan->n_runs * n_points * x->n_middle * x->n_inner;
  for (size_t i = 0; i < n; i++) {
    const size_t row = i / x->n_inner / x->n_middle;
    size_t bins = 0;
    const double *edges = NULL;
    bool is_log = false;
    const uint64_t *const counts = counts_at(b, study, path_edges, row / n_points, row % n_points, i / x->n_inner % x->n_middle,
                                             i % x->n_inner, &bins, &edges, &is_log);
    for (size_t q = 0; q < p->n; q++) {
      eg_quantile_from_counts(counts == NULL ? 0 : bins, edges, is_log, counts == NULL ? none : counts, p->values[q],
                              &out[i * p->n + q]);
    }
  }
}

static eg_status one_analysis(eg_context *ctx, eg_builder *b, size_t a) {
  const eg_study_quantiles *const study = &b->plan->study->quantiles[a];
  const eg_number_list *const p = &study->probabilities;
  const char *axis[1];
  size_t index = 0;
  quantile_axes x;
  char prefix[24], axis_name[48], name[64];
  eg_quantile *quantiles = NULL;
  double *values = NULL, *path_edges = NULL;
  eg_status status = EG_OK;
  (void)snprintf(prefix, sizeof prefix, a == 0 ? "quantile" : "quantile_%zu", a + 1);
  (void)snprintf(axis_name, sizeof axis_name, "%s_probability", prefix);
  axis[0] = axis_name;
  set_axes(b->plan, study, &x);
  add_axis(&x, axis_name, p->n, true);
  const size_t n = b->plan->n_runs * b->plan->n_points * x.n_middle * x.n_inner * p->n;
  EG_TRY_DONE(eg_allocate(ctx, EG_PATH_BINS + 1, sizeof *path_edges, &path_edges));
  eg_path_edges(path_edges);
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *quantiles, &quantiles));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *values, &values));
  fill(b, study, &x, path_edges, quantiles);
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/analysis", axis_name, EG_TYPE_F64, 1, axis, &p->n, p->values, NULL));
  for (size_t v = 0; v < sizeof variables / sizeof variables[0]; v++) {
    for (size_t i = 0; i < n; i++) {
      values[i] = variables[v].get(&quantiles[i]);
    }
    (void)snprintf(name, sizeof name, "%s%s", prefix, variables[v].suffix);
    EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/analysis", name, EG_TYPE_F64, x.rank, x.dims, x.shape, values, &index));
    EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
    EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "of", x.of));
    EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "long_name", variables[v].long_name));
  }
done:
  free(quantiles);
  free(path_edges);
  free(values);
  return status;
}

eg_status eg_build_quantiles(eg_context *ctx, eg_builder *b) {
  for (size_t a = 0; a < b->plan->study->n_quantiles; a++) {
    EG_TRY(one_analysis(ctx, b, a));
  }
  return EG_OK;
}
