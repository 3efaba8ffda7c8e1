#include "run/fit.h"

#include <math.h>
#include <stdio.h>

#include "backend/cpu_bytes.h"
#include "run/cost.h"
#include "run/run_loop.h"

/* Buffers of the device for all members of a group, the sums of a batch of tiles, and counts and paths of the members. */
static double job_bytes(const eg_plan *plan, const eg_run *run, size_t n_times) {
  const eg_unit *const unit = eg_plan_unit(plan);
  const eg_job_group *const group = run->job.group;
  const size_t n_members = group == NULL ? 1 : group->n_members;
  const eg_job first = eg_plan_with_times(&run->job, n_times);
  double bytes = (double)eg_run_batch(plan, run, 1) * (double)eg_job_result_values(&first) * sizeof(double);
  for (size_t i = 0; i < n_members; i++) {
    const eg_job member = eg_plan_with_times(group == NULL ? &run->job : group->members[i], n_times);
    bytes += eg_cpu_bytes(unit, &member) + (double)member.n_counts * sizeof(uint64_t) +
             (double)eg_job_path_values(&member) * sizeof(double);
  }
  return bytes;
}

/* Of the largest run. */
static double worker_bytes(const eg_plan *plan, size_t n_times) {
  double most = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    if (eg_plan_is_leader(plan, r)) {
      most = fmax(most, job_bytes(plan, &plan->runs[r], n_times));
    }
  }
  return most;
}

double eg_fit_need(const eg_plan *plan, int n_workers, size_t n_times) {
  return fmax(n_workers * worker_bytes(plan, n_times), eg_campaign_bytes(plan, n_times));
}

static double need_of_workers(const void *of, size_t n) {
  return eg_fit_need((const eg_plan *)of, (int)n, ((const eg_plan *)of)->n_records);
}

static double need_of_times(const void *of, size_t n) {
  return eg_fit_need((const eg_plan *)of, 1, n);
}

eg_status eg_fit_check(eg_context *ctx, const eg_plan *plan, int n_workers, eg_memory memory) {
  const double need = eg_fit_need(plan, n_workers, plan->n_records), room = memory.limit - memory.used;
  char fits[160];
  if (need <= room) {
    return EG_OK;
  }
  const size_t workers = n_workers > 1 ? eg_plan_most(need_of_workers, plan, (size_t)n_workers, room) : 0;
  const size_t times = workers > 0 ? 0 : eg_plan_most(need_of_times, plan, plan->n_records, room);
  if (workers > 0) {
    (void)snprintf(fits, sizeof fits, "--threads %zu would fit", workers);
  } else if (times > 0) {
    (void)snprintf(fits, sizeof fits, "%zu of the %zu times would fit, with --threads 1", times, plan->n_records);
  } else {
    (void)snprintf(fits, sizeof fits, "not even one time and one thread would: that takes %.4g MiB. Take fewer points, bins, rows or paths",
                   eg_fit_need(plan, 1, 1) / 0x1p20);
  }
  return eg_fail(ctx, EG_ERR_STUDY, "the run needs %.4g MiB more memory with %d CPU worker%s, and %.4g MiB are left of %s, %.4g MiB: %s",
                 need / 0x1p20, n_workers, n_workers == 1 ? "" : "s", fmax(0, room) / 0x1p20, memory.name, memory.limit / 0x1p20, fits);
}
