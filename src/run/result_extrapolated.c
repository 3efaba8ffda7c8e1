/*
 * Richardson extrapolation in groups across the step (Talay and Tubaro, Stoch. Anal. Appl. 8 (1990), 483): with a scheme of weak
 * order p and steps of ratio r, E = (r^p f(fine) - f(coarse)) / (r^p - 1) has order p + 1 (where the error has an expansion in
 * powers of h). On one Brownian path its variance follows from the sums that are there: with w = 1 / (r^p - 1) and D = C - F,
 *   E = F - w D,  Var E = (1 + w) Var F - w Var C + w (1 + w) Var D.
 */
#include <math.h>

#include "run/result_parts.h"

enum { VALUE, STDERR, EXACT, EXPECTED, Z, JUDGED, N_COLUMNS };

static const eg_pair_column columns[N_COLUMNS] = {
    {"_extrapolated", EG_TYPE_F64, "Richardson extrapolation of the two runs of a difference"},
    {"_extrapolated_stderr", EG_TYPE_F64, "standard error of the extrapolation, noise shared,"},
    {"_extrapolated_exact", EG_TYPE_F64, "exact mean, law of the dynamics,"},
    {"_extrapolated_expected", EG_TYPE_F64, "extrapolation of the exact means of the schemes"},
    {"_extrapolated_z", EG_TYPE_F64, "(extrapolation - expected) / stderr"},
    {"_extrapolated_judged", EG_TYPE_U8, "1: z counts for the verdict (as for a run),"},
};

static void fill_one(eg_builder *b, size_t i, size_t t, size_t point, size_t column, double *out) {
  const eg_plan *const plan = b->plan;
  const eg_difference *const d = &plan->differences[i];
  const size_t row = eg_summary_row(plan, t, point);
  const size_t coarse = eg_builder_at(b, d->first, t, point, column), fine = eg_builder_at(b, d->second, t, point, column);
  const double ratio = plan->runs[d->first].job.launch.h / plan->runs[d->second].job.launch.h;
  const double w = 1.0 / (pow(ratio, plan->groups[d->group].study->extrapolate) - 1.0);
  eg_moment_estimates c, f, difference;
  eg_summary_moments(b->summary, d->first, row, column, &c);
  eg_summary_moments(b->summary, d->second, row, column, &f);
  eg_summary_moments(b->summary, plan->n_runs + i, row, column, &difference);
  const double variance = (1 + w) * f.variance.value - w * c.variance.value + w * (1 + w) * difference.variance.value;
  out[VALUE] = f.mean.value - w * difference.mean.value;
  out[STDERR] = sqrt(fmax(variance, 0.0) / difference.count);
  out[EXACT] = b->exact_mean[fine];
  out[EXPECTED] = (1 + w) * b->expected_mean[fine] - w * b->expected_mean[coarse];
  out[Z] = out[STDERR] > 0 ? (out[VALUE] - out[EXPECTED]) / out[STDERR] : NAN;
  if (!isnan(out[Z]) && eg_summary_is_judged(b->summary, d->second, row, column) &&
      eg_summary_is_judged(b->summary, d->first, row, column) &&
      eg_summary_is_judged(b->summary, plan->n_runs + i, row, column)) {
    out[JUDGED] = 1;
    b->n_judged++;
    b->max_z = fmax(fabs(out[Z]), b->max_z);
  }
}

static bool is_asked(const eg_study_group *group) {
  return group->extrapolate > 0;
}

eg_status eg_build_extrapolated(eg_context *ctx, eg_builder *b) {
  static const eg_pair_table table = {columns, N_COLUMNS, JUDGED, is_asked, fill_one};
  return eg_build_pairs(ctx, b, &table);
}
