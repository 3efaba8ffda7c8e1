/* Exact means of the features from the affine oracle, for the law of the dynamics and for the scheme that was run; what the
   study itself expects takes the place of the latter. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/mean_field.h"
#include "run/result_parts.h"

/* First and second moments of the start of one point; of a population, of the average of its particles. */
static void start_moments(const eg_plan *plan, const eg_run *run, size_t point, double *mean, double *second) {
  const size_t d = (size_t)plan->dim;
  const eg_launch *const a = &run->job.launch;
  const bool is_random = a->start_kind == EG_START_RANDOM;
  for (size_t k = 0; k < d; k++) {
    mean[k] = is_random ? a->start_mean : run->start[point * (size_t)plan->padded_dim + k];
  }
  const double variance = is_random ? a->start_std * a->start_std : 0.0;
  for (size_t i = 0; i < d; i++) {
    for (size_t k = 0; k < d; k++) {
      const double own = a->n_particles > 0 ? eg_mean_field_variance(a->n_particles, variance) : variance;
      second[i * d + k] = mean[i] * mean[k] + (i == k ? own : 0.0);
    }
  }
}

/* What the particles' own second moment has above that of their average: it never changes (oracle/mean_field.h). */
static double spread(const eg_run *run, size_t d) {
  const eg_launch *const a = &run->job.launch;
  if (a->n_particles == 0 || a->start_kind != EG_START_RANDOM) {
    return 0.0;
  }
  return (double)d * eg_mean_field_spread(a->n_particles, a->start_std * a->start_std);
}

/* Mean of one column from the moments of x. */
static double column_mean(const eg_plan *plan, const eg_run *run, eg_feature_code code, const double *mean,
                          const double *second, const double *start) {
  const size_t d = (size_t)plan->dim;
  double sum = 0;
  switch (code.id) {
  case EG_FEATURE_MONITOR:
  case EG_FEATURE_MONITOR_TIME:
  case EG_FEATURE_EXIT:
  case EG_FEATURE_EXIT_TIME:
    return NAN; /* a path, not one time */
  case EG_FEATURE_CLOCK:
  case EG_FEATURE_NOISE_TRACE:
    return NAN;
  case EG_FEATURE_X:
    return code.component < plan->dim        ? mean[code.component]
           : run->lifted.dim == 2 * plan->dim ? mean[plan->dim + code.component - plan->padded_dim] /* velocity */
                                              : NAN;
  case EG_FEATURE_LOSS:
    return eg_affine_loss(&run->affine, mean, second);
  case EG_FEATURE_GRADIENT_NORM2:
    return eg_affine_gradient_norm2(&run->affine, mean, second);
  case EG_FEATURE_DISPLACEMENT2:
    if (run->job.launch.start_kind == EG_START_RANDOM) {
      return NAN; /* needs the covariance of x and its start */
    }
    for (size_t k = 0; k < d; k++) {
      sum += second[k * d + k] - 2 * start[k] * mean[k] + start[k] * start[k];
    }
    return sum;
  default:
    for (size_t k = 0; k < d; k++) {
      sum += second[k * d + k];
    }
    return sum + spread(run, d);
  }
}

/* The leading (n, n) block of a matrix of leading dimension from_ld into one of to_ld. */
static void copy_block(const double *from, size_t from_ld, double *to, size_t to_ld, size_t n) {
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < n; k++) {
      to[i * to_ld + k] = from[i * from_ld + k];
    }
  }
}

/* The mean of a process that stays where it is on average, from its mean squared displacement. */
static double process_mean(eg_feature_code code, double msd, double mean, double second) {
  switch (code.id) {
  case EG_FEATURE_X:
    return mean;
  case EG_FEATURE_NORM2:
    return second + msd;
  case EG_FEATURE_DISPLACEMENT2:
    return msd;
  default:
    return NAN;
  }
}

static void process_point(const eg_plan *plan, size_t r, size_t point, double *out) {
  const eg_run *const run = &plan->runs[r];
  double mean, second; /* one component */
  start_moments(plan, run, point, &mean, &second);
  for (size_t t = 0; t < run->job.n_records; t++) {
    for (size_t c = 0; c < plan->n_columns; c++) {
      out[eg_value_at(plan, r, t, point, c)] = process_mean(plan->codes[c], run->exact_msd[t], mean, second);
    }
  }
}

size_t eg_run_start_moments(const eg_plan *plan, const eg_run *run, size_t point, double *mean, double *second) {
  const size_t d = (size_t)plan->dim, D = run->lifted.dim > 0 ? (size_t)run->lifted.dim : d;
  memset(mean, 0, D * sizeof *mean); /* (x, v): the velocity starts at 0 */
  memset(second, 0, D * D * sizeof *second);
  if (run->langevin.learning_rate > 0) { /* or where the Langevin equation begins */
    double x[EG_AFFINE_MAX_DIM], xx[EG_AFFINE_MAX_DIM * EG_AFFINE_MAX_DIM];
    start_moments(plan, run, point, x, xx);
    eg_affine_langevin_start(&run->affine, &run->langevin, x, xx, mean, second);
    return D;
  }
  start_moments(plan, run, point, mean, second);
  for (size_t i = d; D > d && i-- > 0;) { /* rows of d to rows of D, in place */
    memmove(second + i * D, second + i * d, d * sizeof *second);
    memset(second + i * D + d, 0, (D - d) * sizeof *second);
  }
  return D;
}

static eg_status exact_point(eg_context *ctx, const eg_plan *plan, size_t r, size_t point,
                             const eg_affine_setting *setting, double *out) {
  const eg_run *const run = &plan->runs[r];
  const bool is_lifted = run->lifted.dim > 0; /* (x, v): the velocity starts at 0 */
  const eg_affine_model *const model = is_lifted ? &run->lifted : &run->affine;
  const size_t d = (size_t)plan->dim, D = (size_t)model->dim, T = run->job.n_records;
  double *work = NULL;
  EG_TRY(eg_allocate(ctx, (T + 1) * (D + D * D) + d * d, sizeof *work, &work));
  double *const mean0 = work, *const second0 = mean0 + D, *const mean = second0 + D * D, *const second = mean + T * D;
  double *const part = second + T * D * D;
  (void)eg_run_start_moments(plan, run, point, mean0, second0);
  const eg_status status = eg_affine_moments(ctx, model, setting, 1, mean0, second0, T, run->observe_steps, mean, second);
  for (size_t t = 0; status == EG_OK && t < T; t++) {
    copy_block(second + t * D * D, D, part, d, d);
    for (size_t c = 0; c < plan->n_columns; c++) {
      out[eg_value_at(plan, r, t, point, c)] = column_mean(plan, run, plan->codes[c], mean + t * D, part, mean0);
    }
  }
  free(work);
  return status;
}

eg_status eg_build_exact(eg_context *ctx, eg_campaign *campaign) {
  const eg_plan *const plan = campaign->plan;
  const size_t n = plan->n_runs * plan->n_records * plan->n_points * plan->n_columns;
  if (campaign->exact_mean != NULL) {
    return EG_OK;
  }
  double *exact = NULL, *expected = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof(double), &exact));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof(double), &expected));
  for (size_t i = 0; i < n; i++) {
    exact[i] = expected[i] = NAN;
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    for (size_t point = 0; plan->runs[r].exact_msd != NULL && plan->runs[r].job.launch.absorbing == 0 && point < plan->n_points; point++) {
      process_point(plan, r, point, exact);
      process_point(plan, r, point, expected); /* drawn from the law itself */
    }
    for (size_t point = 0; plan->runs[r].has_oracle && point < plan->n_points; point++) {
      EG_TRY_DONE(exact_point(ctx, plan, r, point, &plan->runs[r].law, exact));
      if (plan->runs[r].has_scheme_oracle) {
        EG_TRY_DONE(exact_point(ctx, plan, r, point, &plan->runs[r].scheme_law, expected));
      }
    }
  }
  for (size_t i = 0; i < plan->n_expectations; i++) {
    const eg_expectation *const e = &plan->expectations[i];
    expected[eg_value_at(plan, e->run, e->record, e->point, e->column)] = e->value;
  }
  campaign->exact_mean = exact;
  campaign->expected_mean = expected;
  exact = expected = NULL;
done:
  free(exact);
  free(expected);
  return status;
}

double eg_z_limit(size_t n_judged) {
  if (n_judged == 0) {
    return NAN;
  }
  return eg_student_quantile(1e-6 / (double)n_judged, EG_BLOCKS - 1);
}
