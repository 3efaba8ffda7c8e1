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

static const struct {
  const char *suffix;
  double (*get)(const eg_quantile *quantile);
  const char *long_name;
} variables[] = {{"", get_value, "quantile, the distribution function being linear within a bin (on a log scale: in the logarithm)"},
                 {"_stderr", get_stderr, "standard error of the quantile, binomial"},
                 {"_low", get_low, "lower end of its 95 % interval"},
                 {"_high", get_high, "upper end of its 95 % interval"},
                 {"_bin", get_bin, "width of the bin that holds it: the resolution"}};

/* In the order (run, point, time, component, probability). */
static void fill(const eg_builder *b, const eg_plan_histogram *h, const eg_number_list *p, eg_quantile *out) {
  static const uint64_t none[2] = {0, 0};
  const eg_plan *const plan = b->plan;
  size_t i = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_run_histograms *const stored = &b->summary->campaign->runs[r].histograms;
    for (size_t point = 0; point < plan->n_points; point++) {
      for (size_t t = 0; t < plan->n_records; t++) {
        for (size_t k = 0; k < h->width; k++) {
          const eg_histogram *const grid = &plan->grids[h->first + k];
          const bool is_there = t < plan->runs[r].job.n_records && stored->has_grids;
          const uint64_t *const counts =
              is_there ? stored->counts + eg_summary_row(plan, t, point) * plan->row_counts + grid->count : none;
          for (size_t q = 0; q < p->n; q++) {
            eg_quantile_from_counts(is_there ? grid->bins : 0, stored->edges + grid->edge, grid->is_log, counts, p->values[q],
                                    &out[i++]);
          }
        }
      }
    }
  }
}

static eg_status one_analysis(eg_context *ctx, eg_builder *b, size_t a) {
  const eg_plan *const plan = b->plan;
  const eg_study_quantiles *const study = &plan->study->quantiles[a];
  const eg_plan_histogram *const h = &plan->histograms[study->histogram];
  const eg_number_list *const p = &study->probabilities;
  const size_t n = plan->n_runs * plan->n_points * plan->n_records * h->width * p->n;
  const char *dims[EG_MAX_RANK], *axis[1];
  size_t shape[EG_MAX_RANK], index = 0;
  int rank = 0;
  char prefix[24], axis_name[48], name[64];
  eg_quantile *quantiles = NULL;
  double *values = NULL;
  eg_status status = EG_OK;
  (void)snprintf(prefix, sizeof prefix, a == 0 ? "quantile" : "quantile_%zu", a + 1);
  (void)snprintf(axis_name, sizeof axis_name, "%s_probability", prefix);
  axis[0] = axis_name;
  dims[rank] = "run";
  shape[rank++] = plan->n_runs;
  if (plan->n_points > 1) {
    dims[rank] = "point";
    shape[rank++] = plan->n_points;
  }
  dims[rank] = plan->has_common_times ? "time" : "record";
  shape[rank++] = plan->n_records;
  if (h->is_vector) {
    dims[rank] = "component";
    shape[rank++] = h->width;
  }
  dims[rank] = axis_name;
  shape[rank++] = p->n;
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *quantiles, &quantiles));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *values, &values));
  fill(b, h, p, quantiles);
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/analysis", axis_name, EG_TYPE_F64, 1, axis, &p->n, p->values, NULL));
  for (size_t v = 0; v < sizeof variables / sizeof variables[0]; v++) {
    for (size_t i = 0; i < n; i++) {
      values[i] = variables[v].get(&quantiles[i]);
    }
    (void)snprintf(name, sizeof name, "%s%s", prefix, variables[v].suffix);
    EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/analysis", name, EG_TYPE_F64, rank, dims, shape, values, &index));
    EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "bits", "machine"));
    EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "of", h->name));
    EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "long_name", variables[v].long_name));
  }
done:
  free(quantiles);
  free(values);
  return status;
}

eg_status eg_build_quantiles(eg_context *ctx, eg_builder *b) {
  for (size_t a = 0; a < b->plan->study->n_quantiles; a++) {
    EG_TRY(one_analysis(ctx, b, a));
  }
  return EG_OK;
}
