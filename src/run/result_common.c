/*
 * Differences of means across a sweep on common noise (`noise: common`): realisation i of every run has the same noise, so the means of a
 * block of two runs go up and down together, and a jackknife that leaves the same block out of both has the error of their difference.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "run/result_parts.h"

enum { VALUE, STDERR, GAIN, N_NUMBERS };

static const struct {
  const char *suffix, *long_name;
} numbers[N_NUMBERS] = {{"", "mean minus that of the first run of the same dynamics, on common noise"},
                        {"_stderr", "its standard error, by a jackknife over blocks that both share"},
                        {"_gain", "variance that the difference of independent runs would have, over this one"}};

/* The first run of the same dynamics. */
static size_t first_of(const eg_plan *plan, size_t run) {
  size_t first = 0;
  while (plan->runs[first].dynamics != plan->runs[run].dynamics) {
    first++;
  }
  return first;
}

/* Have both made the same realisations, in the same tiles? */
static bool is_paired(const eg_summary *summary, size_t a, size_t b) {
  const eg_run_state *const s = &summary->campaign->runs[a], *const t = &summary->campaign->runs[b];
  const eg_plan *const plan = summary->campaign->plan;
  const bool are_prefixes = s->n_done == 1 && t->n_done == 1 && s->done[0].first == 0 && t->done[0].first == 0;
  return are_prefixes && s->tiles_done == t->tiles_done && plan->runs[a].job.tile == plan->runs[b].job.tile &&
         plan->runs[a].job.n_realisations == plan->runs[b].job.n_realisations;
}

static void fill(const eg_builder *b, size_t run, size_t record, size_t point, size_t column, double *out) {
  const size_t first = first_of(b->plan, run), row = eg_summary_row(b->plan, record, point);
  const eg_run_summary *const s = &b->summary->runs[run], *const t = &b->summary->runs[first];
  eg_moment_estimates own, other;
  double left[EG_BLOCKS];
  eg_summary_moments(b->summary, run, row, column, &own);
  eg_summary_moments(b->summary, first, row, column, &other);
  out[VALUE] = own.mean.value - other.mean.value;
  for (size_t i = 0; i < s->n_blocks; i++) {
    left[i] = eg_node_moments(&s->shape, s->leave_out + i * s->shape.values, row, column).mean -
              eg_node_moments(&t->shape, t->leave_out + i * t->shape.values, row, column).mean;
  }
  out[STDERR] = eg_jackknife_stderr(s->n_blocks, left, out[VALUE]);
  out[GAIN] = (own.mean.stderr_ * own.mean.stderr_ + other.mean.stderr_ * other.mean.stderr_) / (out[STDERR] * out[STDERR]);
}

static eg_status add_feature(eg_context *ctx, eg_builder *b, const eg_feature *f, double *values) {
  const eg_plan *const plan = b->plan;
  const size_t n_points = plan->n_points, n_records = plan->n_records, n = plan->n_runs * n_points * n_records * f->width;
  const char *dims[4] = {"run"};
  size_t shape[4] = {plan->n_runs}, index = 0;
  int rank = 1;
  char name[64];
  if (n_points > 1) {
    dims[rank] = "point";
    shape[rank++] = n_points;
  }
  dims[rank] = "time";
  shape[rank++] = n_records;
  if (eg_feature_is_vector(f)) {
    dims[rank] = "component";
    shape[rank++] = f->width;
  }
  for (size_t i = 0; i < n; i++) {
    const size_t column = f->first + i % f->width, record = i / f->width % n_records, point = i / f->width / n_records % n_points,
                 run = i / f->width / n_records / n_points;
    double out[N_NUMBERS] = {NAN, NAN, NAN};
    if (first_of(plan, run) != run && is_paired(b->summary, first_of(plan, run), run) && !plan->runs[run].is_deterministic) {
      fill(b, run, record, point, column, out);
    }
    for (size_t k = 0; k < N_NUMBERS; k++) {
      values[k * n + i] = out[k];
    }
  }
  for (size_t k = 0; k < N_NUMBERS; k++) {
    (void)snprintf(name, sizeof name, "common_%s%s", f->name, numbers[k].suffix);
    EG_TRY(eg_labelled_add(ctx, b->file, "/analysis", name, EG_TYPE_F64, rank, dims, shape, values + k * n, &index));
    EG_TRY(eg_labelled_set_text(ctx, b->file, index, "long_name", numbers[k].long_name));
  }
  return EG_OK;
}

eg_status eg_build_common(eg_context *ctx, eg_builder *b) {
  const eg_plan *const plan = b->plan;
  size_t width = 0;
  bool is_swept = false;
  double *values = NULL;
  eg_status status = EG_OK;
  for (size_t r = 0; r < plan->n_runs; r++) {
    is_swept = is_swept || first_of(plan, r) != r;
  }
  if (!plan->study->noise_common || !is_swept || !plan->has_common_times) {
    return EG_OK;
  }
  for (size_t i = 0; i < plan->n_features; i++) {
    width = plan->features[i].width > width ? plan->features[i].width : width;
  }
  EG_TRY(eg_allocate(ctx, N_NUMBERS * plan->n_runs * plan->n_points * plan->n_records * width, sizeof *values, &values));
  for (size_t i = 0; i < plan->n_features && status == EG_OK; i++) {
    status = add_feature(ctx, b, &plan->features[i], values);
  }
  free(values);
  return status;
}
