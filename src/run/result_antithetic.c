/*
 * Means of antithetic pairs (Hammersley and Morton, Proc. Camb. Phil. Soc. 52 (1956), 449): a run and its twin, whose
 * increments have the other sign, have one law, so P = (A + B) / 2 has the mean of both, and with D = A - B of the same
 * realisation P = A - D / 2,  Var P = (Var A + Var B) / 2 - Var D / 4. The error bar is that of pairs, which are
 * independent of each other.
 */
#include <math.h>

#include "run/result_parts.h"

enum { VALUE, STDERR, EXPECTED, Z, JUDGED, GAIN, N_COLUMNS };

/* Below this part of Var A the variance of a pair is the rounding of what cancels. */
static const double LEAST_SHARE = 1e-12;

static const eg_pair_column columns[N_COLUMNS] = {
    {"_antithetic", EG_TYPE_F64, "mean of antithetic pairs"},
    {"_antithetic_stderr", EG_TYPE_F64, "its standard error, from the variance of pairs,"},
    {"_antithetic_expected", EG_TYPE_F64, "exact mean under the scheme"},
    {"_antithetic_z", EG_TYPE_F64, "(mean - expected) / stderr"},
    {"_antithetic_judged", EG_TYPE_U8, "1: z counts for the verdict (as for a run),"},
    {"_antithetic_gain", EG_TYPE_F64, "variance of as many independent trajectories over that of the pairs"},
};

static void fill_one(eg_builder *b, size_t i, size_t t, size_t point, size_t column, double *out) {
  const eg_plan *const plan = b->plan;
  const eg_difference *const d = &plan->differences[i];
  const size_t row = eg_summary_row(plan, t, point);
  eg_moment_estimates first, second, difference;
  eg_summary_moments(b->summary, d->first, row, column, &first);
  eg_summary_moments(b->summary, d->second, row, column, &second);
  eg_summary_moments(b->summary, plan->n_runs + i, row, column, &difference);
  const double sum = first.variance.value + second.variance.value;
  const double variance = sum / 2 - difference.variance.value / 4;
  const bool is_seen = variance > LEAST_SHARE * sum;
  out[VALUE] = first.mean.value - difference.mean.value / 2;
  out[STDERR] = sqrt(fmax(variance, 0.0) / difference.count);
  out[EXPECTED] = b->expected_mean[eg_builder_at(b, d->first, t, point, column)];
  out[Z] = out[STDERR] > 0 ? (out[VALUE] - out[EXPECTED]) / out[STDERR] : NAN;
  out[GAIN] = is_seen ? sum / 4 / variance : NAN;
  if (!isnan(out[Z]) && is_seen && eg_summary_is_judged(b->summary, d->first, row, column) &&
      eg_summary_is_judged(b->summary, d->second, row, column) && difference.count == first.count &&
      difference.count == second.count) {
    out[JUDGED] = 1;
    b->n_judged++;
    b->max_z = fmax(fabs(out[Z]), b->max_z);
  }
}

static bool is_asked(const eg_study_group *group) {
  return group->is_antithetic;
}

eg_status eg_build_antithetic(eg_context *ctx, eg_builder *b) {
  static const eg_pair_table table = {columns, N_COLUMNS, JUDGED, is_asked, fill_one};
  return eg_build_pairs(ctx, b, &table);
}
