/* Bytes of the accumulators, and which study would still fit. */
#include <stdio.h>

#include "core/model.h"
#include "plan/plan.h"
#include "stats/moments.h"

static const double max_accumulator_bytes = 0x1p30;

uint64_t eg_plan_final_nodes(const eg_job *job) {
  uint64_t n = 0;
  for (uint64_t block = 0; block < EG_BLOCKS; block++) {
    /* a block of k tiles ends as the complete trees of the binary digits of k */
    n += (uint64_t)__builtin_popcountll(job->n_tiles / EG_BLOCKS + (block < job->n_tiles % EG_BLOCKS ? 1 : 0));
  }
  return n;
}

double eg_plan_accumulator_bytes(const eg_plan *plan) {
  double bytes = 0;
  for (size_t i = 0; i < eg_plan_n_sums(plan); i++) {
    const eg_job *const job = &eg_plan_sum_run(plan, i)->job;
    bytes += (double)eg_plan_final_nodes(job) * (double)job->node_values * sizeof(double);
    bytes += i < plan->n_runs ? (double)job->n_counts * sizeof(uint64_t) : 0; /* a difference has none */
  }
  return bytes;
}

const char *eg_plan_largest_statistic(const eg_plan *plan, double *bytes) {
  const uint32_t columns = (uint32_t)plan->n_columns;
  const double row = eg_node_values(columns, plan->with_covariance);
  const double covariance = row - eg_node_values(columns, 0), moments = 4.0 * columns;
  double counts = 0, paths = 0;
  for (size_t i = 0; i < plan->n_runs; i++) {
    const eg_job *const job = &plan->runs[i].job;
    counts += (double)job->n_counts * sizeof(uint64_t);
    paths += (double)eg_plan_final_nodes(job) * (double)(job->node_values - job->n_records * job->record_values) * sizeof(double);
  }
  *bytes = (eg_plan_accumulator_bytes(plan) - counts - paths) * (covariance > moments ? covariance : moments) / row;
  if (paths > *bytes && paths > counts) {
    *bytes = paths;
    return "paths";
  }
  if (counts > *bytes) {
    *bytes = counts;
    return "histogram";
  }
  return covariance > moments ? "covariance" : "moments";
}

double eg_plan_accumulator_limit(void) {
  return max_accumulator_bytes;
}

eg_job eg_plan_with_times(const eg_job *job, size_t n_times) {
  eg_job few = *job;
  const size_t left = job->n_records > n_times ? job->n_records - n_times : 0;
  few.n_records -= left;
  few.node_values -= left * job->record_values;
  few.n_counts -= left * job->row_counts * job->launch.n_points;
  return few;
}

/* Bytes with fewer times at observe.at. */
static double bytes_with_times(const eg_plan *plan, size_t n) {
  double bytes = 0;
  for (size_t i = 0; i < eg_plan_n_sums(plan); i++) {
    const eg_job *const job = &eg_plan_sum_run(plan, i)->job;
    const eg_job few = eg_plan_with_times(job, n);
    bytes += (double)eg_plan_final_nodes(job) * (double)few.node_values * sizeof(double);
    bytes += i < plan->n_runs ? (double)few.n_counts * sizeof(uint64_t) : 0;
  }
  return bytes;
}

/* Bytes with fewer columns in the moments, and all histograms and paths as they are. */
static double bytes_with_columns(const eg_plan *plan, size_t n) {
  const double fewer = eg_node_values((uint32_t)plan->n_columns, plan->with_covariance) - eg_node_values((uint32_t)n, plan->with_covariance);
  double bytes = eg_plan_accumulator_bytes(plan);
  for (size_t i = 0; i < eg_plan_n_sums(plan); i++) {
    const eg_job *const job = &eg_plan_sum_run(plan, i)->job;
    bytes -= (double)eg_plan_final_nodes(job) * (double)(job->n_records * plan->n_points) * fewer * sizeof(double);
  }
  return bytes;
}

size_t eg_plan_most(double (*need)(const void *of, size_t n), const void *of, size_t most, double room) {
  size_t fits = 0, beyond = most + 1;
  while (beyond - fits > 1) {
    const size_t middle = fits + (beyond - fits) / 2;
    if (need(of, middle) <= room) {
      fits = middle;
    } else {
      beyond = middle;
    }
  }
  return fits;
}

static double need_of_times(const void *of, size_t n) {
  return bytes_with_times((const eg_plan *)of, n);
}

static double need_of_columns(const void *of, size_t n) {
  return bytes_with_columns((const eg_plan *)of, n);
}

/* "3 of the 10 times would fit, or 2 of the 4 feature columns". */
static void say_what_fits(const eg_plan *plan, double bytes, const char *largest, double largest_bytes, char *text, size_t size) {
  const size_t times = eg_plan_most(need_of_times, plan, plan->n_records, max_accumulator_bytes);
  const size_t columns = eg_plan_most(need_of_columns, plan, plan->n_columns, max_accumulator_bytes);
  int n = 0;
  if (times > 0) {
    n = snprintf(text, size, "%zu of the %zu times would fit", times, plan->n_records);
  }
  if (columns > 0 && n >= 0 && (size_t)n < size) {
    n += snprintf(text + n, size - (size_t)n, "%s%zu of the %zu feature columns%s", times > 0 ? ", or " : "", columns, plan->n_columns,
                  times > 0 ? "" : " would fit");
  }
  if (times == 0 && columns == 0) {
    const double room = max_accumulator_bytes - (bytes - largest_bytes);
    if (room > 0) {
      (void)snprintf(text, size, "no smaller number of times or features fits; %s with at most %.3g GiB would", largest, room / 0x1p30);
    } else {
      (void)snprintf(text, size, "%zu runs are too many for this: about %.0f would fit", plan->n_runs,
                     (double)plan->n_runs * max_accumulator_bytes / bytes);
    }
  }
}

eg_status eg_plan_check_size(eg_context *ctx, const eg_plan *plan) {
  const double bytes = eg_plan_accumulator_bytes(plan);
  char fits[256];
  if (bytes <= max_accumulator_bytes) {
    return EG_OK;
  }
  double largest_bytes = 0;
  const char *const largest = eg_plan_largest_statistic(plan, &largest_bytes);
  say_what_fits(plan, bytes, largest, largest_bytes, fits, sizeof fits);
  return eg_study_fail_at(ctx, plan->study, plan->study->observe.at.mark,
                          "the accumulators need %.3g GiB (%zu runs x %zu times x %zu points x (%u values x 64 blocks or "
                          "more + %zu counts)); at most 1 GiB is allowed. The largest statistic is %s with %.3g GiB: "
                          "observe fewer times or features%s: %s",
                          bytes / 0x1p30, plan->n_runs, plan->n_records, plan->n_points,
                          eg_node_values((uint32_t)plan->n_columns, plan->with_covariance), plan->schedules[0].row_counts, largest,
                          largest_bytes / 0x1p30,
                          plan->with_covariance ? ", or leave out the covariance (it grows with features^2)" : "", fits);
}
