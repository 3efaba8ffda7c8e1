/* The run loop: workers take tiles, the main thread reports, writes snapshots and watches clock and devices. */
#include "run/run_loop.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/stop_flag.h"
#include "base/text.h"
#include "run/batch.h"
#include "run/pilot.h"
#include "run/snapshot.h"
#include "run/spot_check.h"
#include "run/tile_part.h"
#include "run/tile_queue.h"

/* A tile that has run for less is not worth keeping: it is made again. */
static const double LEAST_PART_SECONDS = 0.05;

/* How long a snapshot waits for workers to keep the tiles in their hands: a piece of work is well below that. */
static const double PATIENCE_SECONDS = 10;

typedef struct worker worker;

/* On the heap: a thread that hangs in a device may come back when all else is over. */
typedef struct run_loop {
  eg_campaign *campaign;
  const eg_loop_options *options;
  pthread_mutex_t lock;
  pthread_cond_t changed;      /* a worker ended, a run has its grids, tiles were finished or came back */
  eg_tile_queue queue;
  worker *workers;
  double work_done, work_total; /* trajectory-steps */
  double work_session;
  int n_working;
  int n_usable, n_lost;        /* workers whose device did not fail; those that hang */
  atomic_uint wanted;          /* counts snapshots: workers keep long tiles for each */
  volatile int stop;
  eg_status status;            /* first failure that ends the loop */
  char *message;
  eg_text warnings;            /* of devices that others go on without, one a line */
  eg_spot_checks *checks;      /* NULL: none */
  eg_campaign **discarded;     /* freed at the end: jobs in hand may still look at their grids */
  size_t n_discarded;
  bool has_told_unchecked;     /* that spot checks cannot be made */
  bool must_write;             /* the file on disk may hold tiles that were discarded */
} run_loop;

/* Grows, and never falls: workers that hang for good. */
static atomic_int n_lost_threads;

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

int eg_has_lost_device(void) {
  return atomic_load(&n_lost_threads) > 0;
}

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

struct worker {
  eg_tile_keeper keeper; /* first: see worker_of */
  run_loop *loop;
  int number;            /* of the worker: its place and its hand in the queue */
  eg_device *device;
  pthread_t thread;
  bool is_started;
  bool is_lost;          /* hangs: its thread never touches the campaign again */
  bool is_distrusted;    /* gave wrong bits: what it still gives is void */
  bool is_retired;       /* its device failed, hangs or is not trusted */
  uint64_t beats;        /* signs of life of the device, and .. */
  double alive;          /* .. when they changed last, or the work in hand began */
  double since;          /* when the tiles in hand were begun */
  atomic_uint kept;      /* the snapshot that this worker is ready for */
  atomic_bool is_idle;   /* nothing to wait for: tiles that are not kept, or it has come to its end */
};

static worker *worker_of(eg_tile_keeper *keeper) {
  return (worker *)(void *)keeper;
}

static const eg_worker_place *place_of(const worker *w) {
  return &w->loop->options->places[w->number];
}

static eg_hand *hand_of(const worker *w) {
  return &w->loop->queue.hands[w->number];
}

/* Does what the worker has in hand count? Not if all was put back meanwhile, or its device is not trusted any more. */
static bool is_valid(const worker *w) {
  return !w->is_lost && !w->is_distrusted && hand_of(w)->generation == w->loop->queue.generation;
}

static bool is_part_due(eg_tile_keeper *keeper, bool is_stopping) {
  worker *const w = worker_of(keeper);
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

static eg_status keep_part(eg_context *ctx, eg_tile_keeper *keeper, uint64_t tile, const eg_tile_part *part) {
  worker *const w = worker_of(keeper);
  run_loop *const loop = w->loop;
  const unsigned wanted = atomic_load(&loop->wanted);
  const size_t run = hand_of(w)->run;
  eg_tile_part *copy = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_part_copy(ctx, &loop->campaign->plan->runs[run].job, part, &copy));
  (void)pthread_mutex_lock(&loop->lock);
  if (is_valid(w)) {
    status = eg_campaign_keep(ctx, loop->campaign, run, tile, copy);
  } else {
    free(copy);
  }
  (void)pthread_mutex_unlock(&loop->lock);
  atomic_store(&w->kept, wanted);
  return status;
}

/* ---- failures; all with the lock held ---- */

static void record_failure(run_loop *loop, eg_status status, const char *message) {
  if (loop->status == EG_OK && status != EG_STOPPED) {
    loop->status = status;
    loop->message = message == NULL ? NULL : strdup(message); /* NULL with no memory: the status speaks */
  }
  eg_ask_to_stop(&loop->stop);
}

static void name_worker(const worker *w, char *name, size_t size) {
  const eg_worker_place *const place = place_of(w);
  if (place->is_remote) { /* says itself where it is */
    (void)snprintf(name, size, "%s", place->backend->describe(w->device));
  } else {
    (void)snprintf(name, size, "%s %d (%s)", place->backend->name, place->index, place->backend->describe(w->device));
  }
}

/* The device of a worker cannot be used any more: what it has in hand goes to the others, if there are any. */
static void retire(worker *w, const char *message) {
  run_loop *const loop = w->loop;
  char name[256];
  eg_tile_queue_give_back(&loop->queue, w->number);
  loop->n_usable -= !w->is_retired;
  w->is_retired = loop->options->places[w->number].is_gone = true;
  if (loop->n_usable == 0) {
    record_failure(loop, EG_ERR_DEVICE, message);
  } else {
    name_worker(w, name, sizeof name);
    eg_text_append(&loop->warnings, "%s failed, the others go on: %s\n", name, message);
  }
  (void)pthread_cond_broadcast(&loop->changed);
}

static void count_work(run_loop *loop);

static uint64_t count_tiles(const eg_campaign *c) {
  uint64_t n = 0;
  for (size_t r = 0; r < c->plan->n_runs; r++) {
    n += eg_plan_is_leader(c->plan, r) ? c->runs[r].tiles_done : 0;
  }
  return n;
}

/* A device was wrong in a tile: nothing that was made in this session is sure, since the other tiles of this device were
   not checked and sums cannot be taken apart. */
static void discard(worker *w, const eg_spot_check *check, const char *message) {
  run_loop *const loop = w->loop;
  const uint64_t n_tiles = count_tiles(loop->campaign) - count_tiles(loop->options->base);
  eg_context *const ctx = eg_context_create();
  eg_campaign **const list = realloc(loop->discarded, (loop->n_discarded + 1) * sizeof(eg_campaign *));
  loop->discarded = list != NULL ? list : loop->discarded;
  if (ctx == NULL || list == NULL ||
      eg_campaign_roll_back(ctx, loop->campaign, loop->options->base, &loop->discarded[loop->n_discarded]) != EG_OK) {
    record_failure(loop, EG_ERR_MEMORY, "out of memory for discarding what a device made");
    eg_context_free(ctx);
    return;
  }
  eg_context_free(ctx);
  loop->n_discarded++;
  loop->campaign->spot.discarded += n_tiles;
  eg_tile_queue_begin_anew(&loop->queue);
  char name[256];
  eg_text text = {0};
  name_worker(w, name, sizeof name);
  eg_text_append(&text, "%s gave wrong results: of run '%s' %s; %llu tiles that this session had made are discarded", name,
                 loop->campaign->plan->runs[check->run].description, message, (unsigned long long)n_tiles);
  loop->must_write = true;
  count_work(loop);
  w->is_distrusted = true;
  retire(w, text.is_broken ? "wrong results" : eg_text_string(&text));
  eg_text_free(&text);
}

/* Called by the threads of the checks. */
static void tell_outcome(void *user, const eg_spot_check *check, eg_status status, const char *message) {
  run_loop *const loop = user;
  (void)pthread_mutex_lock(&loop->lock);
  loop->queue.n_checking--;
  if (status == EG_OK || status == EG_ERR_DEVICE) {
    loop->campaign->spot.checked++;
    loop->campaign->spot.agreed += status == EG_OK;
  } else if (status == EG_ERR_STUDY) { /* the count in the file says that nothing was checked */
    if (!loop->has_told_unchecked) {
      eg_text_append(&loop->warnings, "tiles of devices cannot be checked on the CPU: %s\n", message);
    }
    loop->has_told_unchecked = true;
  } else if (status != EG_STOPPED) {
    record_failure(loop, status, message);
  }
  if (status == EG_ERR_DEVICE && !loop->workers[check->worker].is_distrusted) {
    discard(&loop->workers[check->worker], check, message);
  }
  (void)pthread_cond_broadcast(&loop->changed);
  (void)pthread_mutex_unlock(&loop->lock);
}

/* ---- a batch of tiles ---- */

/* Where a tile goes on, and who keeps it, if it is alone; long ones are. Tiles of a group are not kept. Called with the
   lock held. */
static void begin_tiles(worker *w, eg_tile_result *results) {
  const eg_hand *const hand = hand_of(w);
  const bool is_kept = hand->n == 1 && w->loop->campaign->plan->runs[hand->run].group == EG_NO_GROUP;
  w->since = w->alive = eg_now();
  atomic_store(&w->kept, atomic_load(&w->loop->wanted));
  atomic_store(&w->is_idle, !is_kept);
  for (uint64_t i = 0; i < hand->n; i++) {
    results[i].resume = is_kept ? eg_campaign_part(w->loop->campaign, hand->run, hand->first) : NULL;
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

static eg_status add_results(eg_context *ctx, run_loop *loop, const eg_hand *hand, const eg_tile_result *results) {
  const eg_plan *const plan = loop->campaign->plan;
  const size_t r = hand->run;
  const eg_run *const run = &plan->runs[r];
  for (uint64_t i = 0; i < hand->n; i++) {
    EG_TRY(eg_campaign_add(ctx, loop->campaign, r, hand->first + i, &results[i]));
    const double work = lanes_of(&run->job, hand->first + i) / (double)run->job.tile * eg_tile_work_together(plan, run);
    loop->work_done += work;
    loop->work_session += work;
  }
  for (size_t i = 0; i < eg_n_together(plan, r); i++) {
    eg_campaign_add_counts(loop->campaign, eg_together(plan, r, i), hand->first, hand->n,
                           results[0].counts + i * run->job.n_counts, results[0].paths + i * eg_job_path_values(&run->job));
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
static eg_status check_batch(eg_context *ctx, worker *w, const eg_hand *hand, eg_batch *b) {
  run_loop *const loop = w->loop;
  const uint64_t every = loop->options->check_every;
  bool is_nan_checked = false;
  if (loop->checks == NULL || !place_of(w)->is_checked) {
    return EG_OK;
  }
  for (uint64_t i = 0; i < hand->n; i++) {
    const eg_tile_result *const result = &b->results[i];
    const bool is_first = !b->was_checked;
    const bool is_nan = !is_nan_checked && has_nan(result->node, b->jobs->node_values);
    if (!is_first && !is_nan && !eg_spot_is_chosen(every, hand->run, hand->first + i)) {
      continue;
    }
    b->was_checked = true;
    is_nan_checked = is_nan_checked || is_nan;
    (void)pthread_mutex_lock(&loop->lock);
    loop->queue.n_checking++;
    (void)pthread_mutex_unlock(&loop->lock);
    const eg_spot_check check = {b->jobs[0],       hand->run,    hand->first + i, w->number,
                                 hand->generation, result->node, result->bad,     result->n_bad};
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

static eg_task next_task(worker *w, size_t prepared, uint64_t most) {
  run_loop *const loop = w->loop;
  (void)pthread_mutex_lock(&loop->lock);
  eg_task t = EG_TASK_NONE;
  for (;;) {
    t = w->is_distrusted || w->is_lost ? EG_TASK_NONE : eg_tile_queue_take(&loop->queue, w->number, prepared, most);
    if (t != EG_TASK_WAIT || eg_is_stopping(&loop->stop)) {
      break;
    }
    (void)pthread_cond_wait(&loop->changed, &loop->lock); /* cannot fail with a locked mutex */
  }
  w->alive = eg_now();
  (void)pthread_mutex_unlock(&loop->lock);
  return t;
}

static eg_status make_grids(eg_context *ctx, worker *w) {
  run_loop *const loop = w->loop;
  const size_t r = hand_of(w)->run;
  double *edges = NULL;
  EG_TRY(eg_pilot_edges(ctx, place_of(w)->backend, w->device, loop->campaign->plan, &loop->campaign->plan->runs[r].job,
                        &loop->stop, &edges));
  (void)pthread_mutex_lock(&loop->lock);
  if (is_valid(w)) {
    eg_run_histograms_set(loop->campaign->plan, &loop->campaign->runs[r].histograms, edges);
    eg_tile_queue_put_down(&loop->queue, w->number);
  }
  (void)pthread_cond_broadcast(&loop->changed);
  (void)pthread_mutex_unlock(&loop->lock);
  free(edges);
  return EG_OK;
}

/* Make the device ready for the run of the tiles in hand, and take as many of them as it wants. */
static eg_status prepare(eg_context *ctx, worker *w, eg_batch *b, uint64_t *most) {
  run_loop *const loop = w->loop;
  const eg_plan *const plan = loop->campaign->plan;
  const size_t r = hand_of(w)->run;
  eg_batch_free(b);
  (void)pthread_mutex_lock(&loop->lock);
  eg_status status = eg_batch_make_jobs(ctx, loop->campaign, r, b);
  (void)pthread_mutex_unlock(&loop->lock);
  EG_TRY(status);
  EG_TRY(place_of(w)->backend->prepare(ctx, w->device, b->jobs, most));
  *most = eg_run_batch(plan, &plan->runs[r], *most);
  EG_TRY(eg_batch_make_room(ctx, *most, eg_n_together(plan, r), b));
  (void)pthread_mutex_lock(&loop->lock);
  eg_tile_queue_take_more(&loop->queue, w->number, *most); /* a GPU is as long busy with one tile as with all it can hold */
  (void)pthread_mutex_unlock(&loop->lock);
  return EG_OK;
}

/* Advance the tiles in hand, add what they gave, and choose what is checked. */
static eg_status advance_tiles(eg_context *ctx, worker *w, eg_batch *b) {
  run_loop *const loop = w->loop;
  (void)pthread_mutex_lock(&loop->lock);
  const eg_hand hand = *hand_of(w);
  const bool has_tiles = is_valid(w) && hand.n > 0; /* they may have been taken away meanwhile */
  if (has_tiles) {
    begin_tiles(w, b->results);
  }
  (void)pthread_mutex_unlock(&loop->lock);
  if (!has_tiles) {
    return EG_OK;
  }
  memset(b->counts, 0, b->n_counts * sizeof *b->counts);
  eg_status status = place_of(w)->backend->advance(ctx, w->device, hand.first, hand.n, &loop->stop, b->results);
  if (status == EG_OK) {
    (void)pthread_mutex_lock(&loop->lock);
    const bool counts = is_valid(w);
    status = counts ? add_results(ctx, loop, &hand, b->results) : EG_OK;
    (void)pthread_mutex_unlock(&loop->lock);
    if (status == EG_OK && counts) {
      status = check_batch(ctx, w, &hand, b);
    }
  }
  free_bad(b->results, hand.n);
  return status;
}

static eg_status work(eg_context *ctx, worker *w) {
  run_loop *const loop = w->loop;
  size_t prepared = (size_t)-1;
  unsigned generation = 0; /* of the queue when the device was prepared: the grids of another one may differ */
  uint64_t most = 1;
  eg_batch b;
  memset(&b, 0, sizeof b);
  eg_status status = EG_OK;
  while (status == EG_OK && !eg_is_stopping(&loop->stop)) {
    const eg_task t = next_task(w, prepared, most);
    const eg_hand *const hand = hand_of(w);
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

static void *worker_main(void *argument) {
  worker *const w = argument;
  run_loop *const loop = w->loop;
  eg_context *const ctx = eg_context_create();
  const eg_status status = ctx == NULL ? EG_ERR_MEMORY : work(ctx, w);
  (void)pthread_mutex_lock(&loop->lock);
  if (!w->is_lost) {
    if (status == EG_ERR_DEVICE && !w->is_distrusted) {
      retire(w, eg_context_message(ctx));
    } else if (status != EG_OK && !w->is_distrusted) {
      record_failure(loop, status, ctx != NULL ? eg_context_message(ctx) : NULL);
    }
    loop->n_working--;
    atomic_store(&w->is_idle, true);
    (void)pthread_cond_broadcast(&loop->changed);
  }
  (void)pthread_mutex_unlock(&loop->lock);
  eg_context_free(ctx);
  return NULL;
}

/* ---- the main thread ---- */

static void report(const run_loop *loop, double start, bool is_snapshot, const char *estimate) {
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
    p.tiles_done += state->tiles_done;
    p.tiles_total += state->end - state->first;
  }
  p.is_snapshot = is_snapshot;
  p.estimate = estimate;
  loop->options->progress(loop->options->user, &p);
}

static struct timespec deadline_in(double seconds) {
  struct timespec t;
  (void)clock_gettime(CLOCK_REALTIME, &t);
  const double end = (double)t.tv_nsec * 1e-9 + seconds;
  t.tv_sec += (time_t)end;
  t.tv_nsec = (long)((end - floor(end)) * 1e9);
  return t;
}

/* Has every worker kept the tile in its hands since `wanted` was raised? */
static bool are_tiles_kept(const run_loop *loop) {
  for (int i = 0; i < loop->options->n_workers; i++) {
    const worker *const w = &loop->workers[i];
    if (!atomic_load(&w->is_idle) && atomic_load(&w->kept) != atomic_load(&loop->wanted)) {
      return false;
    }
  }
  return true;
}

/* Give up devices that have shown no sign of life for too long. Their threads cannot be ended; they are left alone. */
static void watch_devices(run_loop *loop, double now) {
  const eg_loop_options *const o = loop->options;
  for (int i = 0; i < o->n_workers; i++) {
    worker *const w = &loop->workers[i];
    const eg_backend *const backend = o->places[i].backend;
    const eg_hand *const hand = &loop->queue.hands[i];
    if (backend->beats == NULL || w->is_lost || (hand->n == 0 && !hand->has_grids)) {
      continue;
    }
    const uint64_t beats = backend->beats(w->device);
    if (beats != w->beats) {
      w->beats = beats;
      w->alive = now;
    } else if (o->device_timeout > 0 && now - w->alive > o->device_timeout) {
      char text[120];
      (void)snprintf(text, sizeof text, "the device hangs: no sign of life for %g seconds", o->device_timeout);
      w->is_lost = true;
      loop->n_lost++;
      loop->n_working--;
      (void)atomic_fetch_add(&n_lost_threads, 1);
      atomic_store(&w->is_idle, true);
      if (!w->is_distrusted) {
        retire(w, text);
      }
    }
  }
}

static void tell_warnings(eg_context *ctx, run_loop *loop) {
  char *rest = loop->warnings.data;
  for (char *line = rest == NULL ? NULL : strtok_r(rest, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    eg_warn(ctx, "%s", line);
  }
  eg_text_free(&loop->warnings);
  memset(&loop->warnings, 0, sizeof loop->warnings);
}

/* The main thread while the workers work. Called with the lock held. */
static void watch(eg_context *ctx, run_loop *loop) {
  const eg_loop_options *const o = loop->options;
  const double start = eg_now();
  double asked = 0; /* when the workers were asked to keep their tiles, 0: they are not */
  char estimate[160] = "";
  eg_snapshot snapshot;
  eg_snapshot_init(&snapshot, o);
  while (loop->n_working > 0) {
    const struct timespec deadline = deadline_in(asked > 0 ? 0.01 : 0.1);
    (void)pthread_cond_timedwait(&loop->changed, &loop->lock, &deadline); /* a time-out is the normal case */
    const double now = eg_now();
    if (eg_is_stopping(o->stop) || (o->max_time > 0 && now - o->started >= 0.99 * o->max_time)) {
      eg_ask_to_stop(&loop->stop);
    }
    watch_devices(loop, now);
    const bool is_snapshot = eg_snapshot_end(ctx, &snapshot, loop->campaign, false);
    const bool is_due = eg_snapshot_is_due(&snapshot, now) || (loop->must_write && snapshot.copy == NULL);
    if (asked == 0 && !eg_is_stopping(&loop->stop) && is_due) {
      (void)atomic_fetch_add(&loop->wanted, 1);
      asked = now;
      loop->must_write = false;
    } else if (asked > 0 && (are_tiles_kept(loop) || now - asked > PATIENCE_SECONDS)) {
      asked = 0;
      if (!eg_is_stopping(&loop->stop) && loop->n_working > 0) {
        eg_snapshot_begin(ctx, &snapshot, loop->campaign);
      }
    }
    if (o->progress != NULL && (asked == 0 || is_snapshot)) {
      eg_campaign_estimate_line(loop->campaign, estimate, sizeof estimate);
      report(loop, start, is_snapshot, estimate);
    }
  }
  (void)eg_snapshot_end(ctx, &snapshot, loop->campaign, true); /* the last file comes after it */
  eg_snapshot_free(&snapshot);
}

static eg_status run_workers(eg_context *ctx, run_loop *loop) {
  worker *const workers = loop->workers;
  const int n = loop->options->n_workers;
  eg_status status = EG_OK;
  (void)pthread_mutex_lock(&loop->lock);
  for (int i = 0; i < n && status == EG_OK; i++) {
    if (workers[i].is_retired) {
      continue;
    }
    loop->n_working++;
    if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0) {
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

static void count_work(run_loop *loop) {
  const eg_plan *const plan = loop->campaign->plan;
  loop->work_total = loop->work_done = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_job *const job = &plan->runs[r].job;
    const eg_run_state *const state = &loop->campaign->runs[r];
    const double per_lane = eg_tile_work(&plan->runs[r]) / (double)job->tile;
    const double missing = state->end == job->n_tiles ? (double)(job->n_tiles * job->tile - job->n_realisations) : 0;
    const double asked = (double)(state->end - state->first) * (double)job->tile - (state->end > state->first ? missing : 0);
    const double done = (double)state->tiles_done * (double)job->tile;
    loop->work_total += per_lane * asked;
    loop->work_done += per_lane * (done < asked ? done : asked);
  }
}

/* ---- setting up and clearing away ---- */

/* Spot checks of what devices make: as many threads as devices, but no more than cores. */
static eg_status start_checks(eg_context *ctx, run_loop *loop) {
  const eg_loop_options *const o = loop->options;
  const int cores = eg_cpu_workers(0);
  int n = 0;
  for (int i = 0; i < o->n_workers; i++) {
    n += o->places[i].is_checked;
  }
  if (n == 0 || o->check_every == 0 || o->base == NULL) {
    return EG_OK;
  }
  return eg_spot_checks_start(ctx, n < cores ? n : cores, &loop->stop, tell_outcome, loop, &loop->checks);
}

static eg_status open_workers(eg_context *ctx, run_loop *loop) {
  const eg_loop_options *const o = loop->options;
  for (int i = 0; i < o->n_workers; i++) {
    worker *const w = &loop->workers[i];
    w->loop = loop;
    w->number = i;
    w->keeper = (eg_tile_keeper){is_part_due, keep_part};
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
static void free_loop(run_loop *loop) {
  for (int i = 0; loop->workers != NULL && i < loop->options->n_workers; i++) {
    if (!loop->workers[i].is_lost && loop->workers[i].device != NULL) {
      loop->options->places[i].backend->close(loop->workers[i].device);
    }
  }
  for (size_t i = 0; i < loop->n_discarded && loop->n_lost == 0; i++) {
    eg_campaign_free(loop->discarded[i]);
  }
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
  run_loop *loop = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, 1, sizeof *loop, &loop));
  loop->campaign = campaign;
  loop->options = options;
  (void)pthread_mutex_init(&loop->lock, NULL); /* cannot fail with default attributes on Linux */
  (void)pthread_cond_init(&loop->changed, NULL);
  EG_TRY_DONE(eg_tile_queue_create(ctx, campaign, options->n_workers, &loop->queue));
  EG_TRY_DONE(eg_allocate(ctx, (size_t)options->n_workers, sizeof *loop->workers, &loop->workers));
  count_work(loop);
  EG_TRY_DONE(open_workers(ctx, loop));
  EG_TRY_DONE(start_checks(ctx, loop));
  status = run_workers(ctx, loop);
  eg_spot_checks_end(loop->checks);
  tell_warnings(ctx, loop);
  if (loop->status != EG_OK) {
    status = eg_fail(ctx, loop->status, "%s", loop->message != NULL ? loop->message : eg_status_text(loop->status));
  } else if (status == EG_OK && !eg_campaign_is_finished(campaign)) {
    status = EG_STOPPED;
  }
done:
  free_loop(loop);
  return status;
}
