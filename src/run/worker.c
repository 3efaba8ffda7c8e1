/* A worker of the run loop: takes tiles or grids from the queue, has its device advance them, and hands over what it gave. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/stop_flag.h"
#include "run/batch.h"
#include "run/pilot.h"
#include "run/run_loop_parts.h"
#include "run/tile_part.h"

/* A tile that has run for less is not worth keeping: it is made again. */
static const double LEAST_PART_SECONDS = 0.05;

static double lanes_of(const eg_job *job, uint64_t tile) {
  const uint64_t left = job->n_realisations - tile * job->tile;
  return (double)(left < job->tile ? left : job->tile);
}

/* Tiles a CPU worker takes at once: about a millisecond of work, so that the lock costs nothing. */
uint64_t eg_run_batch(const eg_plan *plan, const eg_run *run, uint64_t device_wants) {
  const double tiles = 4e6 / eg_tile_cost_together(plan, run);
  const uint64_t n = tiles < 1 ? 1 : (tiles > 64 ? 64 : (uint64_t)tiles);
  return n > device_wants ? n : device_wants;
}

/* ---- keeping the tile in hand ---- */

static eg_worker *worker_of(eg_tile_keeper *keeper) {
  return (eg_worker *)(void *)keeper;
}

static bool is_part_due(eg_tile_keeper *keeper, bool is_stopping) {
  eg_worker *const w = worker_of(keeper);
  const unsigned wanted = atomic_load(&w->loop->wanted);
  if (!is_stopping && wanted == atomic_load(&w->kept)) {
    return false;
  }
  if (eg_now() - w->since >= LEAST_PART_SECONDS) {
    return true; /* keep_part says when it is done */
  }
  atomic_store(&w->kept, wanted);
  return false;
}

static eg_status keep_part(eg_context *ctx, eg_tile_keeper *keeper, uint64_t tile, const eg_tile_part *parts) {
  eg_worker *const w = worker_of(keeper);
  eg_loop *const loop = w->loop;
  const unsigned wanted = atomic_load(&loop->wanted);
  const size_t run = eg_worker_hand(w)->run;
  eg_tile_part *copy = NULL;
  eg_status status = EG_OK;
  tile = eg_worker_hand(w)->has_grids ? EG_PILOT_TILE : tile;
  EG_TRY(eg_part_copy(ctx, loop->campaign->plan, run, tile, parts, &copy));
  (void)pthread_mutex_lock(&loop->lock);
  if (eg_worker_is_valid(w)) {
    loop->has_moved = loop->has_moved || eg_part_steps(loop->campaign->plan, run, tile, copy) > w->steps_before;
    status = eg_campaign_keep(ctx, loop->campaign, run, tile, copy);
  } else {
    free(copy);
  }
  (void)pthread_mutex_unlock(&loop->lock);
  atomic_store(&w->kept, wanted);
  return status;
}

eg_tile_keeper eg_worker_keeper(void) {
  return (eg_tile_keeper){is_part_due, keep_part};
}

/* ---- a batch of tiles ---- */

/* Where a tile in hand, or the pilot, goes on, if it is kept. Called with the lock held. */
static const eg_tile_part *begin_part(eg_worker *w, uint64_t tile, bool is_kept) {
  const size_t run = eg_worker_hand(w)->run;
  const eg_tile_part *const part = is_kept ? eg_campaign_part(w->loop->campaign, run, tile) : NULL;
  w->steps_before = part == NULL ? 0 : eg_part_steps(w->loop->campaign->plan, run, tile, part);
  w->since = eg_now();
  atomic_store(&w->kept, atomic_load(&w->loop->wanted));
  atomic_store(&w->is_idle, !is_kept);
  return part;
}

/* The tiles in hand, and who keeps one that is alone; long ones are. Called with the lock held. */
static void begin_tiles(eg_worker *w, eg_tile_result *results) {
  const eg_hand *const hand = eg_worker_hand(w);
  const bool is_kept = hand->n == 1 && w->backend->keeps_tiles;
  const eg_tile_part *const part = begin_part(w, hand->first, is_kept);
  for (uint64_t i = 0; i < hand->n; i++) {
    results[i].resume = part;
    results[i].keeper = is_kept ? &w->keeper : NULL;
  }
}

static void free_bad(eg_tile_result *results, uint64_t n) {
  for (uint64_t i = 0; results != NULL && i < n; i++) {
    free(results[i].bad);
    results[i].bad = NULL;
    results[i].n_bad = 0;
  }
}

static eg_status add_results(eg_context *ctx, eg_worker *w, const eg_hand *hand, const eg_tile_result *results) {
  eg_loop *const loop = w->loop;
  const eg_plan *const plan = loop->campaign->plan;
  const eg_run *const run = &plan->runs[hand->run];
  EG_TRY(eg_apart_add(ctx, &loop->apart, w->number, hand->run, hand->first, hand->n, results));
  for (uint64_t i = 0; i < hand->n; i++) {
    const double work = lanes_of(&run->job, hand->first + i) / (double)run->job.tile * eg_tile_work_together(plan, run);
    loop->work_done += work;
    loop->work_session += work;
  }
  return EG_OK;
}

/* ---- choosing tiles to check ---- */

static bool has_nan(const double *values, size_t n) {
  bool has = false;
  for (size_t i = 0; i < n && !has; i++) {
    has = isnan(values[i]);
  }
  return has;
}

/* Hand over what is to be checked of a batch: tiles that are drawn, the first one of a run on a device, and one whose sums
   hold a NaN, which may be right where trajectories go far away, and may be a broken device. */
static eg_status check_batch(eg_context *ctx, eg_worker *w, const eg_hand *hand, eg_batch *b) {
  eg_loop *const loop = w->loop;
  const uint64_t every = loop->options->check_every;
  bool is_nan_checked = false;
  if (!w->is_checked) {
    return EG_OK;
  }
  for (uint64_t i = 0; i < hand->n; i++) {
    const eg_tile_result *const result = &b->results[i];
    const bool is_first = !b->was_checked;
    const bool is_nan = !is_nan_checked && has_nan(result->node, eg_job_result_values(b->jobs));
    if (!is_first && !is_nan && !eg_spot_is_chosen(every, hand->run, hand->first + i)) {
      continue;
    }
    b->was_checked = true;
    is_nan_checked = is_nan_checked || is_nan;
    (void)pthread_mutex_lock(&loop->lock);
    loop->queue.n_checking++;
    (void)pthread_mutex_unlock(&loop->lock);
    const eg_spot_check check = {.job = b->jobs[0],
                                 .run = hand->run,
                                 .tile = hand->first + i,
                                 .worker = w->number,
                                 .node = result->node,
                                 .bad = result->bad,
                                 .n_bad = result->n_bad,
                                 .counts = hand->n == 1 ? result->counts : NULL,
                                 .paths = result->paths};
    const eg_status status = eg_spot_check_tile(ctx, loop->checks, &check);
    if (status != EG_OK) {
      (void)pthread_mutex_lock(&loop->lock);
      loop->queue.n_checking--;
      (void)pthread_mutex_unlock(&loop->lock);
      return status;
    }
  }
  return EG_OK;
}

/* ---- a worker ---- */

static eg_task next_task(eg_worker *w, size_t prepared, uint64_t most) {
  eg_loop *const loop = w->loop;
  (void)pthread_mutex_lock(&loop->lock);
  eg_task t = EG_TASK_NONE;
  for (;;) {
    t = w->is_distrusted || w->is_lost ? EG_TASK_NONE : eg_tile_queue_take(&loop->queue, w->number, prepared, most);
    if (t != EG_TASK_WAIT || eg_is_stopping(&loop->stop)) {
      break;
    }
    (void)pthread_cond_wait(&loop->changed, &loop->lock); /* cannot fail with a locked mutex */
  }
  (void)pthread_mutex_unlock(&loop->lock);
  return t;
}

/* From here to leave_device the main thread waits for signs of life. Called with the lock held. */
static void go_to_device(eg_worker *w) {
  w->is_at_device = true;
  w->alive = eg_now();
}

/* Takes the lock. EG_STOPPED: the thread was given up meanwhile. */
static eg_status leave_device(eg_worker *w) {
  (void)pthread_mutex_lock(&w->loop->lock);
  w->is_at_device = false;
  return w->is_lost ? EG_STOPPED : EG_OK;
}

static eg_status make_grids(eg_context *ctx, eg_worker *w) {
  eg_loop *const loop = w->loop;
  const size_t r = eg_worker_hand(w)->run;
  const double begin = eg_now();
  const bool is_kept = w->backend->keeps_tiles;
  double *edges = NULL;
  (void)pthread_mutex_lock(&loop->lock);
  const eg_tile_part *const part = begin_part(w, EG_PILOT_TILE, is_kept);
  go_to_device(w);
  (void)pthread_mutex_unlock(&loop->lock);
  eg_status status = eg_pilot_edges(ctx, w->backend, w->device, loop->campaign->plan, &loop->campaign->plan->runs[r].job, part,
                                    is_kept ? &w->keeper : NULL, &loop->stop, &edges);
  atomic_store(&w->is_idle, true);
  const eg_status left = leave_device(w);
  if (left == EG_OK && status == EG_STOPPED) {
    (is_kept ? eg_worker_note_stop : eg_worker_note_grids)(w, r, eg_now() - begin);
  }
  status = left == EG_OK ? status : left;
  if (status == EG_OK && eg_worker_is_valid(w)) {
    eg_run_histograms_set(loop->campaign->plan, &loop->campaign->runs[r].histograms, edges);
    eg_campaign_drop_finished_parts(loop->campaign);
    w->place->made_grids = true;
    eg_tile_queue_put_down(&loop->queue, w->number);
  } else if (status == EG_OK) { /* all was put back meanwhile */
    eg_tile_queue_give_back(&loop->queue, w->number);
  }
  (void)pthread_cond_broadcast(&loop->changed);
  (void)pthread_mutex_unlock(&loop->lock);
  free(edges);
  return status;
}

/* Make the device ready for the run of the tiles in hand, and take as many of them as it wants. */
static eg_status prepare(eg_context *ctx, eg_worker *w, eg_batch *b, uint64_t *most) {
  eg_loop *const loop = w->loop;
  const eg_plan *const plan = loop->campaign->plan;
  const size_t r = eg_worker_hand(w)->run;
  eg_batch_free(b);
  (void)pthread_mutex_lock(&loop->lock);
  eg_status status = eg_batch_make_jobs(ctx, loop->campaign, r, b);
  if (status == EG_OK) {
    go_to_device(w);
  }
  (void)pthread_mutex_unlock(&loop->lock);
  EG_TRY(status);
  status = w->backend->prepare(ctx, w->device, b->jobs, most);
  const eg_status left = leave_device(w);
  (void)pthread_mutex_unlock(&loop->lock);
  EG_TRY(left);
  EG_TRY(status);
  *most = eg_run_batch(plan, &plan->runs[r], *most);
  EG_TRY(eg_batch_make_room(ctx, *most, eg_n_together(plan, r), b));
  if (w->is_checked && b->jobs->n_counts > 0) {
    return EG_OK; /* counts are those of a batch: the first one, which is checked, is one tile */
  }
  (void)pthread_mutex_lock(&loop->lock);
  eg_tile_queue_take_more(&loop->queue, w->number, *most); /* a GPU is as long busy with one tile as with all it can hold */
  (void)pthread_mutex_unlock(&loop->lock);
  return EG_OK;
}

/* Advance the tiles in hand, add what they gave, and choose what is checked. */
static eg_status advance_tiles(eg_context *ctx, eg_worker *w, eg_batch *b) {
  eg_loop *const loop = w->loop;
  (void)pthread_mutex_lock(&loop->lock);
  const eg_hand hand = *eg_worker_hand(w);
  const bool has_tiles = eg_worker_is_valid(w) && hand.n > 0; /* they may have been taken away meanwhile */
  if (has_tiles) {
    begin_tiles(w, b->results);
    go_to_device(w);
  }
  (void)pthread_mutex_unlock(&loop->lock);
  if (!has_tiles) {
    return EG_OK;
  }
  memset(b->counts, 0, b->n_counts * sizeof *b->counts);
  eg_status status = w->backend->advance(ctx, w->device, hand.first, hand.n, &loop->stop, b->results);
  const bool is_right = status != EG_OK || !w->is_checked || eg_spot_counts_add_up(ctx, b->jobs, b->results, hand.n) == EG_OK;
  const eg_status left = leave_device(w);
  const bool counts = status == EG_OK && left == EG_OK && eg_worker_is_valid(w);
  if (left == EG_OK && status == EG_STOPPED) {
    eg_worker_note_stop(w, hand.run, eg_now() - w->since);
  } else if (counts) {
    eg_worker_note_tiles(w, hand.run, eg_now() - w->since);
  }
  status = left == EG_OK ? status : left;
  if (counts && is_right) {
    status = add_results(ctx, w, &hand, b->results);
  } else if (counts) {
    eg_worker_discard(w, hand.run, eg_context_message(ctx));
  }
  (void)pthread_mutex_unlock(&loop->lock);
  if (status == EG_OK && counts && is_right) {
    status = check_batch(ctx, w, &hand, b);
  }
  free_bad(b->results, hand.n);
  return status;
}

static eg_status work(eg_context *ctx, eg_worker *w) {
  eg_loop *const loop = w->loop;
  size_t prepared = (size_t)-1;
  unsigned generation = 0; /* of the queue when the device was prepared: the grids of another one may differ */
  uint64_t most = 1;
  eg_batch b;
  memset(&b, 0, sizeof b);
  eg_status status = EG_OK;
  while (status == EG_OK && !eg_is_stopping(&loop->stop)) {
    const eg_task t = next_task(w, prepared, most);
    const eg_hand *const hand = eg_worker_hand(w);
    if (t == EG_TASK_GRIDS) {
      prepared = (size_t)-1; /* the device is taken for another job */
      EG_TRY_DONE(make_grids(ctx, w));
      continue;
    }
    if (t != EG_TASK_TILES) {
      break;
    }
    if (hand->run != prepared || hand->generation != generation) {
      prepared = (size_t)-1;
      EG_TRY_DONE(prepare(ctx, w, &b, &most));
      prepared = hand->run;
      generation = hand->generation;
    }
    EG_TRY_DONE(advance_tiles(ctx, w, &b));
    (void)pthread_mutex_lock(&loop->lock);
    if (w->is_lost) {
      status = EG_STOPPED;
    } else {
      eg_tile_queue_put_down(&loop->queue, w->number);
    }
    if (hand->may_fail || loop->checks != NULL) {
      (void)pthread_cond_broadcast(&loop->changed);
    }
    (void)pthread_mutex_unlock(&loop->lock);
  }
done:
  eg_batch_free(&b);
  return status;
}

void *eg_worker_main(void *argument) {
  eg_worker *const w = argument;
  eg_loop *const loop = w->loop;
  eg_context *const ctx = eg_context_create();
  const eg_status status = ctx == NULL ? EG_ERR_MEMORY : work(ctx, w);
  (void)pthread_mutex_lock(&loop->lock);
  if (!w->is_lost) {
    if (status == EG_ERR_DEVICE && !w->is_distrusted) {
      eg_worker_retire(w, eg_context_message(ctx));
    } else if (status != EG_OK && !w->is_distrusted) {
      eg_loop_fail(loop, status, ctx != NULL ? eg_context_message(ctx) : NULL);
    }
    loop->n_working--;
    atomic_store(&w->is_idle, true);
    (void)pthread_cond_broadcast(&loop->changed);
  }
  (void)pthread_mutex_unlock(&loop->lock);
  eg_context_free(ctx);
  return NULL;
}

