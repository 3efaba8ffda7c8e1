/* The run loop: workers take tiles, the main thread reports, writes snapshots and watches clock and devices. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/condition.h"
#include "base/stop_flag.h"
#include "run/run_loop_parts.h"
#include "run/snapshot.h"

/* How long a snapshot waits for workers to keep the tiles in their hands: a piece of work is well below that. */
static const double PATIENCE_SECONDS = 10;

double eg_now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int eg_cpu_workers(int threads) {
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return threads > 0 ? threads : (cores > 0 ? (int)cores : 1);
}

eg_status eg_worker_places(eg_context *ctx, const eg_backend *backend, int threads, eg_worker_place **places, int *n_places) {
  const int n = backend == &eg_backend_cpu ? eg_cpu_workers(threads) : 1;
  EG_TRY(eg_allocate(ctx, (size_t)n, sizeof **places, places));
  for (int i = 0; i < n; i++) {
    (*places)[i] = (eg_worker_place){.backend = backend, .index = i};
  }
  *n_places = n;
  return EG_OK;
}

/* ---- the main thread ---- */

static void report(const eg_loop *loop, double start, bool is_snapshot, const char *estimate) {
  if (loop->options->progress == NULL) {
    return;
  }
  eg_progress p;
  memset(&p, 0, sizeof p);
  p.elapsed = eg_now() - start;
  p.fraction = loop->work_total > 0 ? loop->work_done / loop->work_total : 1.0;
  p.steps_per_second = p.elapsed > 0 ? loop->work_session / p.elapsed : 0.0;
  p.left = loop->work_session > 0 && p.elapsed > 0.5 ? (loop->work_total - loop->work_done) / p.steps_per_second : NAN;
  for (size_t i = 0; i < loop->campaign->plan->n_runs; i++) {
    const eg_run_state *const state = &loop->campaign->runs[i];
    p.tiles_done += eg_apart_tiles(&loop->apart, i);
    p.tiles_total += state->end - state->first;
  }
  p.is_snapshot = is_snapshot;
  p.estimate = estimate;
  loop->options->progress(loop->options->user, &p);
}

/* Has every worker kept the tile in its hands since `wanted` was raised? */
static bool are_tiles_kept(const eg_loop *loop) {
  for (int i = 0; i < loop->options->n_workers; i++) {
    const eg_worker *const w = &loop->workers[i];
    if (!atomic_load(&w->is_idle) && atomic_load(&w->kept) != atomic_load(&loop->wanted)) {
      return false;
    }
  }
  return true;
}

static void tell_warnings(eg_context *ctx, eg_loop *loop) {
  char *rest = loop->warnings.data;
  for (char *line = rest == NULL ? NULL : strtok_r(rest, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    eg_warn(ctx, "%s", line);
  }
  eg_text_free(&loop->warnings);
  memset(&loop->warnings, 0, sizeof loop->warnings);
}

/* The main thread while the workers work. Called with the lock held. */
static void watch(eg_context *ctx, eg_loop *loop) {
  const eg_loop_options *const o = loop->options;
  const double start = eg_now();
  double asked = 0; /* when the workers were asked to keep their tiles, 0: they are not */
  char estimate[160] = "";
  eg_snapshot snapshot;
  eg_snapshot_init(&snapshot, o);
  while (loop->n_working > 0) {
    eg_condition_wait(&loop->changed, &loop->lock, asked > 0 ? 0.01 : 0.1);
    const double now = eg_now();
    if (eg_is_stopping(o->stop) || (o->max_time > 0 && now - o->started >= 0.99 * o->max_time)) {
      eg_ask_to_stop(&loop->stop);
    }
    eg_loop_watch_devices(loop, now);
    const bool is_snapshot = eg_snapshot_end(ctx, &snapshot, loop->campaign, false);
    const bool is_due = eg_snapshot_is_due(&snapshot, now) || (loop->must_write && snapshot.copy == NULL);
    if (asked == 0 && !eg_is_stopping(&loop->stop) && is_due) {
      (void)atomic_fetch_add(&loop->wanted, 1);
      asked = now;
      loop->must_write = false;
    } else if (asked > 0 && (are_tiles_kept(loop) || now - asked > PATIENCE_SECONDS)) {
      asked = 0;
      if (!eg_is_stopping(&loop->stop) && loop->n_working > 0) {
        eg_snapshot_begin(ctx, &snapshot, &loop->apart);
      }
    }
    if (o->progress != NULL && (asked == 0 || is_snapshot)) {
      eg_campaign_estimate_line((const eg_campaign *const *)loop->apart.sums, o->n_workers + 1, estimate, sizeof estimate);
      report(loop, start, is_snapshot, estimate);
    }
  }
  (void)eg_snapshot_end(ctx, &snapshot, loop->campaign, true); /* the last file comes after it */
  eg_snapshot_free(&snapshot);
}

static eg_status run_workers(eg_context *ctx, eg_loop *loop) {
  eg_worker *const workers = loop->workers;
  const int n = loop->options->n_workers;
  eg_status status = EG_OK;
  (void)pthread_mutex_lock(&loop->lock);
  for (int i = 0; i < n && status == EG_OK; i++) {
    if (workers[i].is_retired) {
      continue;
    }
    loop->n_working++;
    if (pthread_create(&workers[i].thread, NULL, eg_worker_main, &workers[i]) != 0) {
      loop->n_working--;
      eg_ask_to_stop(&loop->stop);
      status = eg_fail(ctx, EG_ERR_MEMORY, "cannot start worker thread %d", i + 1);
    } else {
      workers[i].is_started = true;
    }
  }
  if (status == EG_OK) {
    watch(ctx, loop);
  }
  (void)pthread_mutex_unlock(&loop->lock);
  for (int i = 0; i < n; i++) {
    if (workers[i].is_started && !workers[i].is_lost) {
      (void)pthread_join(workers[i].thread, NULL);
    }
  }
  return status;
}

void eg_loop_count_work(eg_loop *loop) {
  const eg_plan *const plan = loop->campaign->plan;
  loop->work_total = loop->work_done = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_job *const job = &plan->runs[r].job;
    const eg_run_state *const state = &loop->campaign->runs[r];
    const double per_lane = eg_tile_work(&plan->runs[r]) / (double)job->tile;
    const double missing = state->end == job->n_tiles ? (double)(job->n_tiles * job->tile - job->n_realisations) : 0;
    const double asked = (double)(state->end - state->first) * (double)job->tile - (state->end > state->first ? missing : 0);
    const double done = (double)eg_apart_tiles(&loop->apart, r) * (double)job->tile;
    loop->work_total += per_lane * asked;
    loop->work_done += per_lane * (done < asked ? done : asked);
  }
}

/* ---- setting up and clearing away ---- */

static bool are_tiles_checked(const eg_loop_options *o) {
  return o->check_every > 0 && o->base != NULL;
}

/* Spot checks of what devices make: as many threads as devices, but no more than cores. */
static eg_status start_checks(eg_context *ctx, eg_loop *loop) {
  const eg_loop_options *const o = loop->options;
  const int cores = eg_cpu_workers(0);
  int n = 0;
  for (int i = 0; i < o->n_workers; i++) {
    n += o->places[i].is_checked;
  }
  if (n == 0 || !are_tiles_checked(o)) {
    return EG_OK;
  }
  EG_TRY(eg_spot_checks_start(ctx, n < cores ? n : cores, &loop->stop, eg_loop_take_outcome, loop, &loop->checks));
  for (int i = 0; i < o->n_workers; i++) {
    loop->workers[i].is_checked = o->places[i].is_checked;
  }
  return EG_OK;
}

static eg_status open_workers(eg_context *ctx, eg_loop *loop) {
  const eg_loop_options *const o = loop->options;
  for (int i = 0; i < o->n_workers; i++) {
    eg_worker *const w = &loop->workers[i];
    w->loop = loop;
    w->number = i;
    w->place = &o->places[i];
    w->backend = w->place->backend;
    w->keeper = eg_worker_keeper();
    atomic_store(&w->is_idle, true);
    loop->queue.hands[i].may_fail = o->places[i].backend != &eg_backend_cpu;
    loop->queue.hands[i].makes_no_grids = o->places[i].is_remote;
    w->is_retired = o->places[i].is_gone;
    if (!w->is_retired) {
      EG_TRY(o->places[i].backend->open(ctx, o->places[i].index, &w->device));
      loop->n_usable++;
    }
  }
  return EG_OK;
}

/* What a lost thread may still look at is left to it. */
static void free_loop(eg_loop *loop) {
  for (int i = 0; loop->workers != NULL && i < loop->options->n_workers; i++) {
    if (!loop->workers[i].is_lost && loop->workers[i].device != NULL) {
      loop->options->places[i].backend->close(loop->workers[i].device);
    }
  }
  for (size_t i = 0; i < loop->n_discarded && loop->n_lost == 0; i++) {
    eg_campaign_free(loop->discarded[i]);
  }
  eg_apart_free(&loop->apart);
  free(loop->discarded);
  free(loop->message);
  eg_text_free(&loop->warnings);
  if (loop->n_lost == 0) {
    free(loop->workers);
    eg_tile_queue_free(&loop->queue);
    (void)pthread_mutex_destroy(&loop->lock);
    (void)pthread_cond_destroy(&loop->changed);
    free(loop);
  }
}

eg_status eg_run_loop(eg_context *ctx, eg_campaign *campaign, const eg_loop_options *options) {
  eg_loop *loop = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, 1, sizeof *loop, &loop));
  loop->campaign = campaign;
  loop->options = options;
  (void)pthread_mutex_init(&loop->lock, NULL); /* cannot fail with default attributes on Linux */
  eg_condition_init(&loop->changed);
  EG_TRY_DONE(eg_apart_create(ctx, campaign, options->places, options->n_workers, are_tiles_checked(options), &loop->apart));
  EG_TRY_DONE(eg_tile_queue_create(ctx, &loop->apart, &loop->queue));
  EG_TRY_DONE(eg_allocate(ctx, (size_t)options->n_workers, sizeof *loop->workers, &loop->workers));
  eg_loop_count_work(loop);
  EG_TRY_DONE(open_workers(ctx, loop));
  EG_TRY_DONE(start_checks(ctx, loop));
  status = run_workers(ctx, loop);
  eg_spot_checks_end(loop->checks);
  const eg_status settled = eg_apart_settle(ctx, &loop->apart);
  tell_warnings(ctx, loop);
  if (settled != EG_OK) {
    status = settled; /* the sums may be torn: not to be written */
  } else if (loop->status != EG_OK) {
    status = eg_fail(ctx, loop->status, "%s", loop->message != NULL ? loop->message : eg_status_text(loop->status));
  } else if (status == EG_OK && !eg_campaign_is_finished(campaign)) {
    status = EG_STOPPED;
  }
done:
  free_loop(loop);
  return status;
}
