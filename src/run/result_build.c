/* A result file from a campaign: parts in order. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/result_parts.h"
#include "run/run_loop.h"
#include "run/until.h"

enum { SCHEMA_MAJOR = 1, SCHEMA_MINOR = 1 };

/* Diverged trajectories at each record, exactly counted. */
static eg_status build_diverged(eg_context *ctx, eg_builder *b) {
  const eg_plan *const plan = b->plan;
  int64_t *count = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, plan->n_runs * plan->n_records, sizeof *count, &count));
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_run_summary *const s = &b->summary->runs[r];
    for (size_t t = 0; t < plan->runs[r].job.n_records && s->n_blocks > 0; t++) {
      for (size_t point = 0; point < plan->n_points; point++) {
        const double finite = s->total[eg_summary_row(plan, t, point) * s->shape.records.row_values];
        count[r * plan->n_records + t] += (int64_t)(s->n_started - finite);
      }
    }
  }
  const char *const dims[2] = {"run", plan->has_common_times ? "time" : "record"};
  const size_t shape[2] = {plan->n_runs, plan->n_records};
  size_t index = 0;
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", "diverged_count", EG_TYPE_I64, 2, dims, shape, count, &index));
  EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "long_name", "trajectories (all points) that are not finite"));
done:
  free(count);
  return status;
}

eg_status eg_build_schema(eg_context *ctx, eg_builder *b, bool is_complete) {
  const int64_t schema[2] = {SCHEMA_MAJOR, SCHEMA_MINOR};
  EG_TRY(eg_labelled_set_group(ctx, b->file, "/", "ensgrad_schema", EG_TYPE_I64, 2, schema));
  EG_TRY(eg_labelled_set_group_text(ctx, b->file, "/", "form", eg_plan_form_name(b->plan)));
  return eg_labelled_set_group_text(ctx, b->file, "/", "status", is_complete ? "complete" : "partial");
}

static eg_status build_status(eg_context *ctx, eg_campaign *c, eg_builder *b) {
  const double limit = eg_z_limit(b->n_judged);
  c->z_largest = b->max_z;
  c->z_limit = limit;
  const int64_t n_judged = (int64_t)b->n_judged;
  bool is_complete = false;
  EG_TRY(eg_campaign_is_complete(ctx, c, &is_complete));
  EG_TRY(eg_build_schema(ctx, b, is_complete));
  if (c->plan->study->noise == EG_NOISE_GAUSSIAN_FAST) { /* the one kind whose numbers are those of one GPU model */
    EG_TRY(eg_labelled_set_group_text(ctx, b->file, "/", "bits", "device"));
  }
  EG_TRY(eg_labelled_set_group(ctx, b->file, "/", "z_judged", EG_TYPE_I64, 1, &n_judged));
  EG_TRY(eg_labelled_set_group(ctx, b->file, "/", "z_largest", EG_TYPE_F64, 1, &b->max_z));
  return eg_labelled_set_group(ctx, b->file, "/", "z_limit", EG_TYPE_F64, 1, &limit);
}

/* Pure functions of the sums. */
static eg_status build_analyses(eg_context *ctx, eg_builder *b) {
  EG_TRY(eg_build_weak_error(ctx, b));
  EG_TRY(eg_build_diffusion(ctx, b));
  EG_TRY(eg_build_escape(ctx, b));
  EG_TRY(eg_build_stationary(ctx, b));
  EG_TRY(eg_build_scaling(ctx, b));
  EG_TRY(eg_build_flow(ctx, b));
  EG_TRY(eg_build_multilevel(ctx, b));
  EG_TRY(eg_build_common(ctx, b));
  return eg_build_quantiles(ctx, b);
}

/* Estimates, oracles and analyses. */
static eg_status build_statistics(eg_context *ctx, eg_campaign *campaign, eg_builder *b) {
  EG_TRY(eg_build_coordinates(ctx, b));
  EG_TRY(eg_build_exact(ctx, campaign));
  b->exact_mean = campaign->exact_mean;
  b->expected_mean = campaign->expected_mean;
  EG_TRY(eg_build_moments(ctx, b));
  EG_TRY(eg_build_differences(ctx, b));
  EG_TRY(eg_build_extrapolated(ctx, b));
  EG_TRY(eg_build_antithetic(ctx, b));
  EG_TRY(eg_build_msd(ctx, b));
  EG_TRY(eg_build_covariance(ctx, b));
  EG_TRY(build_diverged(ctx, b));
  EG_TRY(eg_build_histograms(ctx, b));
  EG_TRY(eg_build_paths(ctx, b));
  return build_analyses(ctx, b);
}

/* And what else a file holds. */
static eg_status build_rest(eg_context *ctx, eg_campaign *campaign, eg_builder *b) {
  EG_TRY(eg_build_until(ctx, b));
  EG_TRY(eg_campaign_store(ctx, campaign, b->file));
  EG_TRY(eg_build_provenance(ctx, b));
  return build_status(ctx, campaign, b);
}

static eg_status build(eg_context *ctx, eg_campaign *campaign, bool is_whole, eg_labelled **file) {
  eg_summary summary;
  eg_builder b;
  memset(&summary, 0, sizeof summary);
  memset(&b, 0, sizeof b);
  b.plan = campaign->plan;
  b.summary = &summary;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_labelled_create(ctx, &b.file));
  EG_TRY_DONE(eg_summary_create(ctx, campaign, &summary));
  EG_TRY_DONE(build_statistics(ctx, campaign, &b));
  if (is_whole) {
    EG_TRY_DONE(build_rest(ctx, campaign, &b));
  }
  *file = b.file;
  b.file = NULL;
done:
  eg_labelled_free(b.file);
  eg_summary_free(&summary);
  return status;
}

eg_status eg_campaign_statistics(eg_context *ctx, eg_campaign *campaign, eg_labelled **file) {
  return build(ctx, campaign, false, file);
}

eg_status eg_campaign_result(eg_context *ctx, eg_campaign *campaign, eg_labelled **file) {
  return build(ctx, campaign, true, file);
}

eg_status eg_campaign_analyse(eg_context *ctx, eg_campaign *campaign, eg_labelled *file) {
  eg_summary summary;
  eg_builder b;
  memset(&summary, 0, sizeof summary);
  memset(&b, 0, sizeof b);
  b.plan = campaign->plan;
  b.summary = &summary;
  b.file = file;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_summary_create(ctx, campaign, &summary));
  EG_TRY_DONE(eg_build_exact(ctx, campaign));
  b.exact_mean = campaign->exact_mean;
  b.expected_mean = campaign->expected_mean;
  status = build_analyses(ctx, &b);
done:
  eg_summary_free(&summary);
  return status;
}

/* ---- the estimate shown while running ---- */

/* Of a column of the run's sums, as far as they are there. */
static eg_moments moments_so_far(const eg_campaign *const *campaigns, int n, size_t r, size_t row, size_t column) {
  eg_moments sum = {0, 0, 0, 0, 0};
  for (int i = 0; i < n; i++) {
    const eg_merge_tree *const tree = campaigns[i] == NULL ? NULL : &campaigns[i]->runs[r].tree;
    for (size_t k = 0; tree != NULL && k < tree->n_nodes; k++) {
      sum = eg_moments_merge(sum, eg_node_moments(&tree->shape, tree->nodes[k].values, row, column));
    }
  }
  return sum;
}

static uint64_t tiles_so_far(const eg_campaign *const *campaigns, int n, size_t r) {
  uint64_t tiles = 0;
  for (int i = 0; i < n; i++) {
    tiles += campaigns[i] == NULL ? 0 : campaigns[i]->runs[r].tiles_done;
  }
  return tiles;
}

/* How far the run is from its end by errors, from sums that are not those of a look: the first entry of it. */
static void append_until(const eg_campaign *const *campaigns, int n, size_t r, char *line, size_t size) {
  const eg_plan *const plan = campaigns[0]->plan;
  for (size_t i = 0; i < plan->n_until; i++) {
    const eg_until *const u = &plan->until[i];
    const eg_job *const job = &plan->runs[r].job;
    double left = NAN;
    if (u->run != r) {
      continue;
    }
    const eg_moments sum = moments_so_far(campaigns, n, r, eg_summary_row(plan, u->record, u->point), u->column);
    (void)eg_until_is_reached(u->study, 1, &sum, &left);
    const size_t length = strlen(line);
    if (left > 0) {
      const double most = (double)eg_until_tiles(plan, job, tiles_so_far(campaigns, n, r), left) * job->tile;
      (void)snprintf(line + length, size - length, "; error of %s %.3g of the one asked for, about %.4g realisations",
                     u->study->feature, left, fmin(most, (double)job->n_realisations));
    }
    return;
  }
}

void eg_campaign_estimate_line(const eg_campaign *const *campaigns, int n, char *line, size_t size) {
  const eg_plan *const plan = campaigns[0]->plan;
  line[0] = '\0';
  for (size_t r = 0; r < plan->n_runs; r++) {
    if (tiles_so_far(campaigns, n, r) == 0) {
      continue;
    }
    const eg_moments sum = moments_so_far(campaigns, n, r, eg_summary_row(plan, plan->runs[r].job.n_records - 1, 0), 0);
    if (!(sum.n > 0)) {
      (void)snprintf(line, size, "%s: no finite trajectory", plan->runs[r].description);
      return;
    }
    (void)snprintf(line, size, sum.n > 1 ? "%s: %s = %.6g +- %.2g" : "%s: %s = %.6g", plan->runs[r].description, plan->features[0].name,
                   sum.mean, sum.n > 1 ? sqrt(sum.M2 / (sum.n - 1) / sum.n) : 0);
    append_until(campaigns, n, r, line, size);
    return;
  }
}
