#include "run/apart.h"

#include <math.h>
#include <stdlib.h>

#include "run/tile_queue.h"

/* More nodes in a tree make adding slow; reservations of the queue keep them far below. */
enum { MOST_NODES = 1 << 15 };
static const double MOST_BYTES = 1024.0 * 1024 * 1024;

/* What a campaign without tiles takes. */
static double empty_bytes(const eg_plan *plan) {
  double bytes = (double)(EG_MAX_FAILURES + 1) * sizeof(eg_failure);
  for (size_t r = 0; r < plan->n_runs; r++) {
    bytes += (double)plan->runs[r].job.n_counts * sizeof(uint64_t) + (double)plan->n_edges * sizeof(double);
  }
  return bytes;
}

static eg_status create_own(eg_context *ctx, const eg_plan *plan, eg_campaign **own) {
  EG_TRY(eg_campaign_create(ctx, plan, own));
  for (size_t r = 0; r < plan->n_runs; r++) {
    free((*own)->runs[r].histograms.paths);
    (*own)->runs[r].histograms.paths = NULL;
  }
  return EG_OK;
}

eg_status eg_apart_create(eg_context *ctx, eg_campaign *campaign, eg_worker_place *places, int n, bool are_checked,
                          eg_apart *a) {
  int n_checked = 0;
  *a = (eg_apart){campaign, places, n, NULL};
  EG_TRY(eg_allocate(ctx, (size_t)n + 1, sizeof *a->sums, &a->sums));
  a->sums[0] = campaign;
  for (int i = 0; i < n; i++) {
    n_checked += places[i].is_checked && !places[i].is_gone;
  }
  if (!are_checked || n_checked * empty_bytes(campaign->plan) > MOST_BYTES) {
    return EG_OK;
  }
  for (int i = 0; i < n; i++) {
    if (places[i].is_checked && !places[i].is_gone) {
      EG_TRY(create_own(ctx, campaign->plan, &a->sums[i + 1]));
    }
  }
  return EG_OK;
}

void eg_apart_free(eg_apart *a) {
  for (int i = 0; a->sums != NULL && i < a->n; i++) {
    eg_campaign_free(a->sums[i + 1]);
  }
  free(a->sums);
  a->sums = NULL;
}

static uint64_t count_own(const eg_campaign *own) {
  uint64_t n = 0;
  for (size_t r = 0; r < own->plan->n_runs; r++) {
    n += eg_plan_is_leader(own->plan, r) ? own->runs[r].tiles_done : 0;
  }
  return n;
}

/* The worker has nothing apart then: what it makes from now on begins with an empty campaign, or, without memory for one, goes
   to the campaign. */
static eg_status settle(eg_context *ctx, eg_apart *a, int worker) {
  eg_campaign *const own = a->sums[worker + 1];
  if (own == NULL || count_own(own) == 0) {
    return EG_OK;
  }
  EG_TRY(eg_campaign_merge(ctx, a->campaign, own));
  a->places[worker].n_settled += count_own(own);
  eg_campaign_free(own);
  a->sums[worker + 1] = NULL;
  (void)create_own(ctx, a->campaign->plan, &a->sums[worker + 1]);
  return EG_OK;
}

eg_status eg_apart_settle(eg_context *ctx, eg_apart *a) {
  for (int i = 0; i < a->n; i++) {
    EG_TRY(settle(ctx, a, i));
  }
  return EG_OK;
}

eg_status eg_apart_add(eg_context *ctx, eg_apart *a, int worker, size_t run, uint64_t first, uint64_t n,
                       const eg_tile_result *results) {
  const eg_plan *const plan = a->campaign->plan;
  const eg_job *const job = &plan->runs[run].job;
  eg_campaign *const to = a->sums[worker + 1] != NULL ? a->sums[worker + 1] : a->campaign;
  for (uint64_t i = 0; i < n; i++) {
    EG_TRY(eg_campaign_add(ctx, to, run, first + i, &results[i]));
  }
  for (size_t i = 0; i < eg_n_together(plan, run); i++) {
    const size_t member = eg_together(plan, run, i);
    const double *const paths = results[0].paths + i * eg_job_path_values(job);
    eg_campaign_add_counts(to, member, first, n, results[0].counts + i * job->n_counts, paths);
    if (to != a->campaign) {
      eg_job_copy_paths(job, first, first + n, paths, a->campaign->runs[member].histograms.paths);
    }
  }
  if (to == a->campaign) {
    a->places[worker].n_settled += n;
    return EG_OK;
  }
  return to->runs[run].tree.n_nodes > MOST_NODES ? settle(ctx, a, worker) : EG_OK;
}

eg_status eg_apart_copy(eg_context *ctx, const eg_apart *a, eg_campaign **out) {
  eg_campaign *copy = NULL;
  EG_TRY(eg_campaign_copy(ctx, a->campaign, &copy));
  for (int i = 0; i < a->n; i++) {
    const eg_status status = a->sums[i + 1] == NULL ? EG_OK : eg_campaign_merge(ctx, copy, a->sums[i + 1]);
    if (status != EG_OK) {
      eg_campaign_free(copy);
      return status;
    }
  }
  *out = copy;
  return EG_OK;
}

/* As if they had not been made. */
static void forget_paths(const eg_job *job, uint64_t first, uint64_t end, double *paths) {
  const uint64_t last = end <= job->n_kept / job->tile ? end * job->tile : job->n_kept;
  for (size_t point = 0; point < job->launch.n_points && first * job->tile < last; point++) {
    const size_t stop = eg_job_path_at(job, point, last, 0, 0);
    for (size_t i = eg_job_path_at(job, point, first * job->tile, 0, 0); i < stop; i++) {
      paths[i] = NAN;
    }
  }
}

uint64_t eg_apart_drop(eg_apart *a, int worker) {
  eg_campaign *const own = a->sums[worker + 1];
  if (own == NULL) {
    return 0;
  }
  const uint64_t n = count_own(own);
  for (size_t r = 0; r < own->plan->n_runs; r++) {
    for (size_t i = 0; i < own->runs[r].n_done; i++) {
      forget_paths(&own->plan->runs[r].job, own->runs[r].done[i].first, own->runs[r].done[i].last + 1,
                   a->campaign->runs[r].histograms.paths);
    }
  }
  eg_campaign_free(own);
  a->sums[worker + 1] = NULL;
  return n;
}

uint64_t eg_apart_tiles(const eg_apart *a, size_t run) {
  uint64_t n = 0;
  for (int i = 0; i <= a->n; i++) {
    const eg_campaign *const c = a->sums[i];
    n += c == NULL ? 0 : c->runs[run].tiles_done;
  }
  return n;
}

uint64_t eg_apart_done_end(const eg_apart *a, size_t run, uint64_t tile) {
  uint64_t end = tile;
  for (int i = 0; i <= a->n && end == tile; i++) {
    const eg_campaign *const c = a->sums[i];
    end = c == NULL ? tile : eg_run_state_done_end(&c->runs[run], tile);
  }
  return end;
}

uint64_t eg_apart_next_done(const eg_apart *a, size_t run, uint64_t tile) {
  uint64_t next = UINT64_MAX;
  for (int i = 0; i <= a->n; i++) {
    const eg_campaign *const c = a->sums[i];
    const uint64_t there = c == NULL ? UINT64_MAX : eg_run_state_next_done(&c->runs[run], tile);
    next = there < next ? there : next;
  }
  return next;
}
