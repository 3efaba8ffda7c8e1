#include "run/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double MIN_EFFECTIVE_SAMPLES = 1000, ROUNDING_FACTOR = 8;

size_t eg_summary_row(const eg_plan *plan, size_t record, size_t point) {
  return record * plan->n_points + point;
}

/* All blocks in the fixed pairwise order: neighbours first, an odd one passed up (as eg_moments_total). */
static eg_status merge_blocks(eg_context *ctx, const eg_run_summary *s, const double *blocks, double *total) {
  double *work = NULL;
  size_t n = s->n_blocks;
  const size_t values = s->shape.values;
  EG_TRY(eg_allocate(ctx, n * values, sizeof *work, &work));
  memcpy(work, blocks, n * values * sizeof *work);
  while (n > 1) {
    for (size_t i = 0; i < n / 2; i++) {
      eg_node_merge(&s->shape, work + 2 * i * values, work + 2 * i * values, work + (2 * i + 1) * values);
      memmove(work + i * values, work + 2 * i * values, values * sizeof *work);
    }
    if (n % 2 == 1) {
      memmove(work + n / 2 * values, work + (n - 1) * values, values * sizeof *work);
    }
    n = (n + 1) / 2;
  }
  memcpy(total, work, values * sizeof *work);
  free(work);
  return EG_OK;
}

/* Without block i: prefix (blocks before i) merged with suffix (blocks behind i). */
static eg_status leave_one_out(eg_context *ctx, const eg_run_summary *s, double *out) {
  const size_t n = s->n_blocks, values = s->shape.values;
  double *suffix = NULL, *prefix = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, (n + 1) * values, sizeof *suffix, &suffix));
  EG_TRY_DONE(eg_allocate(ctx, values, sizeof *prefix, &prefix));
  for (size_t i = n; i-- > 0;) {
    eg_node_merge(&s->shape, suffix + i * values, s->blocks + i * values, suffix + (i + 1) * values);
  }
  for (size_t i = 0; i < n; i++) {
    eg_node_merge(&s->shape, out + i * values, prefix, suffix + (i + 1) * values);
    eg_node_merge(&s->shape, prefix, prefix, s->blocks + i * values);
  }
done:
  free(suffix);
  free(prefix);
  return status;
}

static double started(const eg_run_state *state, const eg_job *job) {
  double n = (double)state->tiles_done * (double)job->tile;
  if (eg_tile_is_done(state, job->n_tiles - 1)) { /* the last tile may be smaller */
    n -= (double)(job->n_tiles * job->tile - job->n_realisations);
  }
  return n;
}

static eg_status summarise(eg_context *ctx, const eg_campaign *c, size_t r, eg_run_summary *s) {
  s->shape = c->runs[r].tree.shape;
  s->n_started = started(&c->runs[r], &eg_plan_sum_run(c->plan, r)->job);
  EG_TRY(eg_merge_tree_blocks(ctx, &c->runs[r].tree, &s->n_blocks, &s->blocks));
  EG_TRY(eg_allocate(ctx, s->shape.values, sizeof *s->total, &s->total));
  EG_TRY(eg_allocate(ctx, s->n_blocks * s->shape.values, sizeof *s->leave_out, &s->leave_out));
  if (s->n_blocks > 0) {
    EG_TRY(merge_blocks(ctx, s, s->blocks, s->total));
    EG_TRY(leave_one_out(ctx, s, s->leave_out));
  }
  return EG_OK;
}

eg_status eg_summary_create(eg_context *ctx, const eg_campaign *campaign, eg_summary *summary) {
  summary->campaign = campaign;
  EG_TRY(eg_allocate(ctx, eg_plan_n_sums(campaign->plan), sizeof *summary->runs, &summary->runs));
  for (size_t r = 0; r < eg_plan_n_sums(campaign->plan); r++) {
    EG_TRY(summarise(ctx, campaign, r, &summary->runs[r]));
  }
  return EG_OK;
}

void eg_summary_free(eg_summary *summary) {
  for (size_t r = 0; summary->runs != NULL && r < eg_plan_n_sums(summary->campaign->plan); r++) {
    free(summary->runs[r].blocks);
    free(summary->runs[r].total);
    free(summary->runs[r].leave_out);
  }
  free(summary->runs);
  summary->runs = NULL;
}

void eg_summary_moments(const eg_summary *summary, size_t run, size_t row, size_t column, eg_moment_estimates *out) {
  const eg_run_summary *const s = &summary->runs[run];
  const eg_estimate unknown = {NAN, NAN};
  *out = (eg_moment_estimates){0, unknown, unknown, unknown, unknown};
  if (s->n_blocks == 0) {
    return;
  }
  eg_moments blocks[EG_BLOCKS];
  for (size_t b = 0; b < s->n_blocks; b++) {
    blocks[b] = eg_node_moments(&s->shape, s->blocks + b * s->shape.values, row, column);
  }
  eg_moments_estimate(s->n_blocks, blocks, out);
  if (eg_plan_sum_run(summary->campaign->plan, run)->is_deterministic && out->count > 0) {
    out->mean.stderr_ = 0; /* one realisation is all there is */
    out->variance = (eg_estimate){0, 0};
  }
}

static double project(const eg_run_summary *s, const double *node, size_t row, size_t first, size_t width,
                      const double *direction) {
  double sum = 0;
  for (size_t k = 0; k < width; k++) {
    sum += direction[k] * eg_node_moments(&s->shape, node, row, first + k).mean;
  }
  return sum;
}

eg_estimate eg_summary_projection(const eg_summary *summary, size_t run, size_t row, size_t first, size_t width,
                                  const double *direction) {
  const eg_run_summary *const s = &summary->runs[run];
  eg_estimate e = {NAN, NAN};
  if (s->n_blocks == 0) {
    return e;
  }
  e.value = project(s, s->total, row, first, width, direction);
  if (eg_plan_sum_run(summary->campaign->plan, run)->is_deterministic) {
    e.stderr_ = 0;
    return e;
  }
  if (width == 1) { /* one column: the error from M2 is sharper than the jackknife's */
    eg_moment_estimates m;
    eg_summary_moments(summary, run, row, first, &m);
    e.stderr_ = fabs(direction[0]) * m.mean.stderr_;
    return e;
  }
  double leave_out[EG_BLOCKS];
  for (size_t b = 0; b < s->n_blocks; b++) {
    leave_out[b] = project(s, s->leave_out + b * s->shape.values, row, first, width, direction);
  }
  e.stderr_ = eg_jackknife_stderr(s->n_blocks, leave_out, e.value);
  return e;
}

eg_estimate eg_summary_combination(const eg_summary *summary, size_t n, const size_t *runs, const double *weights, size_t row,
                                   size_t first, size_t width, const double *direction) {
  const size_t n_blocks = summary->runs[runs[0]].n_blocks;
  double leave_out[EG_BLOCKS] = {0};
  eg_estimate e = {0, NAN};
  for (size_t i = 0; i < n; i++) {
    const eg_run_summary *const s = &summary->runs[runs[i]];
    if (s->n_blocks == 0 || s->n_blocks != n_blocks) {
      e.value = NAN;
      return e;
    }
    e.value += weights[i] * project(s, s->total, row, first, width, direction);
    for (size_t b = 0; b < n_blocks; b++) {
      leave_out[b] += weights[i] * project(s, s->leave_out + b * s->shape.values, row, first, width, direction);
    }
  }
  e.stderr_ = eg_jackknife_stderr(n_blocks, leave_out, e.value);
  return e;
}

/* Size of what rounding is relative to: of a difference the means that were subtracted. */
static double magnitude(const eg_summary *summary, size_t sum, size_t row, size_t column) {
  const eg_plan *const plan = summary->campaign->plan;
  if (sum < plan->n_runs) {
    const eg_run_summary *const s = &summary->runs[sum];
    return fabs(eg_node_moments(&s->shape, s->total, row, column).mean);
  }
  const eg_difference *const d = &plan->differences[sum - plan->n_runs];
  return magnitude(summary, d->first, row, column) + magnitude(summary, d->second, row, column);
}

bool eg_summary_is_judged(const eg_summary *summary, size_t run, size_t row, size_t column) {
  const eg_run_summary *const s = &summary->runs[run];
  const eg_run *const r = eg_plan_sum_run(summary->campaign->plan, run);
  if (s->n_blocks == 0 || r->is_deterministic) {
    return false;
  }
  const eg_moments m = eg_node_moments(&s->shape, s->total, row, column);
  if (m.n != s->n_started || !(m.M2 > 0) || eg_effective_samples(&m) < MIN_EFFECTIVE_SAMPLES) {
    return false;
  }
  /* an error bar at the level of rounding says nothing about the oracle */
  const double epsilon = r->job.is_float ? 0x1p-23 : 0x1p-52;
  const double rounding =
      ROUNDING_FACTOR * epsilon * magnitude(summary, run, row, column) * sqrt((double)r->steps * r->substeps);
  return sqrt(m.M2) / m.n > rounding;
}
