/* The run loop: workers take tiles, the main thread reports, writes snapshots and watches the clock. */
#include "run/run_loop.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/stop_flag.h"
#include "run/pilot.h"
#include "run/snapshot.h"
#include "run/tile_part.h"

/* A tile that has run for less is not worth keeping: it is made again. */
static const double LEAST_PART_SECONDS = 0.05;

/* How long a snapshot waits for workers to keep the tiles in their hands: a piece of work is well below that. */
static const double PATIENCE_SECONDS = 10;

typedef struct run_loop {
  eg_campaign *campaign;
  const eg_loop_options *options;
  pthread_mutex_t lock;
  pthread_cond_t changed;      /* a worker ended, or a run has its grids */
  size_t *order;               /* runs, longest tiles first */
  uint64_t *cursor;            /* next tile of each run */
  bool *has_pilot;             /* a worker makes the grids of this run */
  double work_done, work_total; /* trajectory-steps */
  double work_session;
  int n_working;
  atomic_uint wanted;          /* counts snapshots: workers keep long tiles for each */
  volatile int stop;
  eg_status status;            /* first failure of a worker */
  char *message;
} run_loop;

double eg_now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int eg_worker_count(const eg_backend *backend, int threads) {
  if (backend != &eg_backend_cpu) {
    return 1;
  }
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return threads > 0 ? threads : (cores > 0 ? (int)cores : 1);
}

/* Trajectory-steps; of a population, particle-steps. */
static double tile_work(const eg_run *run) {
  const double particles = run->job.launch.n_particles > 0 ? (double)run->job.launch.n_particles : 1.0;
  return (double)run->job.tile * (double)run->job.launch.n_points * particles * (double)run->steps * run->substeps;
}

/* What is advanced with run r, which leads: itself, or its group. */
static size_t n_together(const eg_plan *plan, size_t r) {
  const size_t group = plan->runs[r].group;
  return group == EG_NO_GROUP ? 1 : plan->groups[group].n_members;
}

static size_t together(const eg_plan *plan, size_t r, size_t i) {
  const size_t group = plan->runs[r].group;
  return group == EG_NO_GROUP ? r : plan->groups[group].runs[i];
}

/* Sum of f over what is advanced with a run. */
static double sum_members(const eg_plan *plan, const eg_run *run, double (*f)(const eg_run *run)) {
  const size_t r = (size_t)(run - plan->runs);
  double sum = 0;
  for (size_t i = 0; i < n_together(plan, r); i++) {
    sum += f(&plan->runs[together(plan, r, i)]);
  }
  return sum;
}

static double lanes_of(const eg_job *job, uint64_t tile) {
  const uint64_t left = job->n_realisations - tile * job->tile;
  return (double)(left < job->tile ? left : job->tile);
}

/* Cost of a tile for the queue. */
static double tile_cost(const eg_run *run) {
  return tile_work(run) * run->job.step_work;
}

static void sort_runs(run_loop *loop) {
  const eg_plan *const plan = loop->campaign->plan;
  for (size_t i = 0; i < plan->n_runs; i++) {
    size_t k = i;
    const double cost = sum_members(plan, &plan->runs[i], tile_cost);
    for (; k > 0 && sum_members(plan, &plan->runs[loop->order[k - 1]], tile_cost) < cost; k--) {
      loop->order[k] = loop->order[k - 1];
    }
    loop->order[k] = i;
  }
}

typedef enum task { TASK_NONE, TASK_TILES, TASK_GRIDS, TASK_WAIT } task;

/* Up to `most` consecutive tiles that are not done, or the automatic grids of a run, which come before its tiles; wait
   when others make all the grids that are missing. Called with the lock held. */
static task take_task(run_loop *loop, size_t *preferred, uint64_t most, size_t *run, uint64_t *first, uint64_t *n) {
  const eg_plan *const plan = loop->campaign->plan;
  bool is_waiting = false;
  for (size_t i = 0; i < plan->n_runs; i++) {
    const size_t r = loop->order[i];
    if (!eg_plan_is_leader(plan, r)) {
      continue; /* advanced with its group */
    }
    const eg_run_state *const state = &loop->campaign->runs[r];
    uint64_t tile = loop->cursor[r];
    while (tile < state->end && eg_tile_is_done(state, tile)) {
      tile++;
    }
    loop->cursor[r] = tile;
    if (tile >= state->end) {
      continue;
    }
    bool has_grids = true;
    for (size_t k = 0; k < n_together(plan, r); k++) {
      const size_t q = together(plan, r, k);
      if (!loop->campaign->runs[q].histograms.has_grids && !loop->has_pilot[q]) {
        loop->has_pilot[q] = true;
        *run = q;
        return TASK_GRIDS;
      }
      has_grids = has_grids && loop->campaign->runs[q].histograms.has_grids;
    }
    if (!has_grids) {
      is_waiting = true;
      continue;
    }
    *run = r;
    *first = tile;
    const uint64_t limit = r == *preferred ? most : 1; /* another run: the device is not prepared for it yet */
    while (tile < state->end && !eg_tile_is_done(state, tile) && tile - *first < limit) {
      tile++;
    }
    *n = tile - *first;
    loop->cursor[r] = tile;
    *preferred = r;
    return TASK_TILES;
  }
  return is_waiting ? TASK_WAIT : TASK_NONE;
}

static task next_task(run_loop *loop, size_t *preferred, uint64_t most, size_t *run, uint64_t *first, uint64_t *n) {
  (void)pthread_mutex_lock(&loop->lock);
  task t = take_task(loop, preferred, most, run, first, n);
  while (t == TASK_WAIT && !eg_is_stopping(&loop->stop)) {
    (void)pthread_cond_wait(&loop->changed, &loop->lock); /* cannot fail with a locked mutex */
    t = take_task(loop, preferred, most, run, first, n);
  }
  (void)pthread_mutex_unlock(&loop->lock);
  return t;
}

/* More of the tiles right behind those just taken, up to `most` in all. Called with the lock held. */
static void take_more(run_loop *loop, size_t run, uint64_t first, uint64_t most, uint64_t *n) {
  const eg_run_state *const state = &loop->campaign->runs[run];
  while (*n < most && loop->cursor[run] == first + *n && first + *n < state->end && !eg_tile_is_done(state, first + *n)) {
    (*n)++;
    loop->cursor[run]++;
  }
}

/* Tiles a CPU worker takes at once: about a millisecond of work, so that the lock costs nothing. */
uint64_t eg_run_batch(const eg_plan *plan, const eg_run *run, uint64_t device_wants) {
  const double tiles = 4e6 / sum_members(plan, run, tile_cost);
  const uint64_t n = tiles < 1 ? 1 : (tiles > 64 ? 64 : (uint64_t)tiles);
  return n > device_wants ? n : device_wants;
}

typedef struct worker {
  eg_tile_keeper keeper; /* first: see worker_of */
  run_loop *loop;
  eg_device *device;
  pthread_t thread;
  bool is_started;
  size_t run;          /* of the tiles in hand .. */
  double since;        /* .. and when they were begun */
  atomic_uint kept;    /* the snapshot that this worker is ready for */
  atomic_bool is_idle; /* nothing to wait for: tiles that are not kept, or it has come to its end */
} worker;

static worker *worker_of(eg_tile_keeper *keeper) {
  return (worker *)(void *)keeper;
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
  eg_tile_part *copy = NULL;
  EG_TRY(eg_part_copy(ctx, &loop->campaign->plan->runs[w->run].job, part, &copy));
  (void)pthread_mutex_lock(&loop->lock);
  const eg_status status = eg_campaign_keep(ctx, loop->campaign, w->run, tile, copy);
  (void)pthread_mutex_unlock(&loop->lock);
  atomic_store(&w->kept, wanted);
  return status;
}

static void record_failure(run_loop *loop, eg_context *ctx, eg_status status) {
  if (loop->status == EG_OK && status != EG_STOPPED) {
    loop->status = status;
    loop->message = strdup(eg_context_message(ctx)); /* NULL with no memory: the status speaks */
  }
  eg_ask_to_stop(&loop->stop);
}

static eg_status add_results(eg_context *ctx, run_loop *loop, size_t r, uint64_t first, uint64_t n,
                             eg_tile_result *results) {
  const eg_run *const run = &loop->campaign->plan->runs[r];
  for (uint64_t i = 0; i < n; i++) {
    EG_TRY(eg_campaign_add(ctx, loop->campaign, r, first + i, &results[i]));
    const double work = lanes_of(&run->job, first + i) / (double)run->job.tile *
                        sum_members(loop->campaign->plan, run, tile_work);
    loop->work_done += work;
    loop->work_session += work;
  }
  const eg_plan *const plan = loop->campaign->plan;
  for (size_t i = 0; i < n_together(plan, r); i++) {
    eg_campaign_add_counts(loop->campaign, together(plan, r, i), first, n, results[0].counts + i * run->job.n_counts,
                           results[0].paths + i * eg_job_path_values(&run->job));
  }
  return EG_OK;
}

/* What a batch of tiles of a run, or of its group, gives. */
typedef struct batch {
  eg_job *jobs; /* (n_members), each with its own grids; the first is prepared */
  const eg_job **members;
  eg_job_group group;
  eg_tile_result *results;
  double *nodes, *paths;
  uint64_t *counts; /* of the members, one after the other; so are the paths */
  size_t n_counts;
} batch;

static void free_batch(batch *b) {
  free(b->jobs);
  free(b->members);
  free(b->results);
  free(b->nodes);
  free(b->paths);
  free(b->counts);
  memset(b, 0, sizeof *b);
}

/* The jobs that are advanced with run r, with the grids of their runs, which do not change any more. */
static eg_status make_jobs(eg_context *ctx, const eg_campaign *c, size_t r, batch *b) {
  const size_t n = n_together(c->plan, r);
  EG_TRY(eg_allocate(ctx, n, sizeof *b->jobs, &b->jobs));
  EG_TRY(eg_allocate(ctx, n, sizeof *b->members, &b->members));
  for (size_t i = 0; i < n; i++) {
    const size_t q = together(c->plan, r, i);
    b->jobs[i] = c->plan->runs[q].job;
    b->jobs[i].histograms = c->runs[q].histograms.grids;
    b->jobs[i].edges = c->runs[q].histograms.edges;
    b->members[i] = &b->jobs[i];
    if (b->jobs[i].group != NULL) {
      b->group = (eg_job_group){b->members, n, b->jobs[i].group->bases};
      b->jobs[i].group = &b->group;
    }
  }
  return EG_OK;
}

static eg_status make_batch(eg_context *ctx, uint64_t n, size_t n_members, batch *b) {
  const size_t values = eg_job_result_values(b->jobs);
  b->n_counts = b->jobs->n_counts * n_members;
  EG_TRY(eg_allocate(ctx, n, sizeof *b->results, &b->results));
  EG_TRY(eg_allocate(ctx, n * values, sizeof *b->nodes, &b->nodes));
  EG_TRY(eg_allocate(ctx, b->n_counts, sizeof *b->counts, &b->counts));
  EG_TRY(eg_allocate(ctx, eg_job_path_values(b->jobs) * n_members, sizeof *b->paths, &b->paths));
  for (uint64_t i = 0; i < n; i++) {
    b->results[i].node = b->nodes + i * values;
    b->results[i].counts = b->counts;
    b->results[i].paths = b->paths;
  }
  return EG_OK;
}

/* Where a tile goes on, and who keeps it, if it is alone; long ones are. Tiles of a group are not kept. Called with the
   lock held. */
static void begin_tiles(worker *w, size_t r, uint64_t first, uint64_t n, eg_tile_result *results) {
  const bool is_kept = n == 1 && w->loop->campaign->plan->runs[r].group == EG_NO_GROUP;
  w->run = r;
  w->since = eg_now();
  atomic_store(&w->kept, atomic_load(&w->loop->wanted));
  atomic_store(&w->is_idle, !is_kept);
  for (uint64_t i = 0; i < n; i++) {
    results[i].resume = is_kept ? eg_campaign_part(w->loop->campaign, r, first) : NULL;
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

static eg_status make_grids(eg_context *ctx, worker *w, size_t r) {
  run_loop *const loop = w->loop;
  double *edges = NULL;
  EG_TRY(eg_pilot_edges(ctx, loop->options->backend, w->device, loop->campaign->plan, &loop->campaign->plan->runs[r].job,
                        &loop->stop, &edges));
  (void)pthread_mutex_lock(&loop->lock);
  eg_run_histograms_set(loop->campaign->plan, &loop->campaign->runs[r].histograms, edges);
  (void)pthread_cond_broadcast(&loop->changed);
  (void)pthread_mutex_unlock(&loop->lock);
  free(edges);
  return EG_OK;
}

static eg_status work(eg_context *ctx, worker *w) {
  run_loop *const loop = w->loop;
  const eg_backend *const backend = loop->options->backend;
  size_t preferred = (size_t)-1, prepared = (size_t)-1;
  uint64_t most = 1;
  batch b;
  memset(&b, 0, sizeof b);
  eg_status status = EG_OK;
  while (status == EG_OK && !eg_is_stopping(&loop->stop)) {
    size_t r = 0;
    uint64_t first = 0, n = 0;
    const task t = next_task(loop, &preferred, most, &r, &first, &n);
    if (t == TASK_GRIDS) {
      prepared = (size_t)-1; /* the device is taken for another job */
      preferred = (size_t)-1;
      EG_TRY_DONE(make_grids(ctx, w, r));
      continue;
    }
    if (t != TASK_TILES) {
      break;
    }
    const eg_run *const run = &loop->campaign->plan->runs[r];
    if (r != prepared) {
      free_batch(&b);
      EG_TRY_DONE(make_jobs(ctx, loop->campaign, r, &b));
      EG_TRY_DONE(backend->prepare(ctx, w->device, b.jobs, &most));
      most = eg_run_batch(loop->campaign->plan, run, most);
      EG_TRY_DONE(make_batch(ctx, most, n_together(loop->campaign->plan, r), &b));
      prepared = r;
      (void)pthread_mutex_lock(&loop->lock);
      take_more(loop, r, first, most, &n); /* a GPU is as long busy with one tile as with all it can hold */
      (void)pthread_mutex_unlock(&loop->lock);
    }
    (void)pthread_mutex_lock(&loop->lock);
    begin_tiles(w, r, first, n, b.results);
    (void)pthread_mutex_unlock(&loop->lock);
    memset(b.counts, 0, b.n_counts * sizeof *b.counts);
    status = backend->advance(ctx, w->device, first, n, &loop->stop, b.results);
    if (status == EG_OK) {
      (void)pthread_mutex_lock(&loop->lock);
      status = add_results(ctx, loop, r, first, n, b.results);
      (void)pthread_mutex_unlock(&loop->lock);
    }
    free_bad(b.results, n);
  }
done:
  free_batch(&b);
  return status;
}

static void *worker_main(void *argument) {
  worker *const w = argument;
  run_loop *const loop = w->loop;
  eg_context *const ctx = eg_context_create();
  const eg_status status = ctx == NULL ? EG_ERR_MEMORY : work(ctx, w);
  (void)pthread_mutex_lock(&loop->lock);
  if (status != EG_OK && ctx != NULL) {
    record_failure(loop, ctx, status);
  } else if (status != EG_OK) {
    loop->status = loop->status == EG_OK ? status : loop->status;
    eg_ask_to_stop(&loop->stop);
  }
  loop->n_working--;
  atomic_store(&w->is_idle, true);
  (void)pthread_cond_broadcast(&loop->changed);
  (void)pthread_mutex_unlock(&loop->lock);
  eg_context_free(ctx);
  return NULL;
}

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
static bool are_tiles_kept(const run_loop *loop, worker *workers) {
  for (int i = 0; i < loop->options->n_workers; i++) {
    if (!atomic_load(&workers[i].is_idle) && atomic_load(&workers[i].kept) != atomic_load(&loop->wanted)) {
      return false;
    }
  }
  return true;
}

/* The main thread while the workers work. Called with the lock held. */
static void watch(eg_context *ctx, run_loop *loop, worker *workers) {
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
    const bool is_snapshot = eg_snapshot_end(ctx, &snapshot, loop->campaign, false);
    if (asked == 0 && !eg_is_stopping(&loop->stop) && eg_snapshot_is_due(&snapshot, now)) {
      (void)atomic_fetch_add(&loop->wanted, 1);
      asked = now;
    } else if (asked > 0 && (are_tiles_kept(loop, workers) || now - asked > PATIENCE_SECONDS)) {
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

static eg_status run_workers(eg_context *ctx, run_loop *loop, worker *workers, int n) {
  eg_status status = EG_OK;
  (void)pthread_mutex_lock(&loop->lock);
  for (int i = 0; i < n && status == EG_OK; i++) {
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
    watch(ctx, loop, workers);
  }
  (void)pthread_mutex_unlock(&loop->lock);
  for (int i = 0; i < n; i++) {
    if (workers[i].is_started) {
      (void)pthread_join(workers[i].thread, NULL);
    }
  }
  return status;
}

static void count_work(run_loop *loop) {
  const eg_plan *const plan = loop->campaign->plan;
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_job *const job = &plan->runs[r].job;
    const eg_run_state *const state = &loop->campaign->runs[r];
    const double per_lane = tile_work(&plan->runs[r]) / (double)job->tile;
    const double missing = state->end == job->n_tiles ? (double)(job->n_tiles * job->tile - job->n_realisations) : 0;
    const double asked = (double)(state->end - state->first) * (double)job->tile - (state->end > state->first ? missing : 0);
    const double done = (double)state->tiles_done * (double)job->tile;
    loop->work_total += per_lane * asked;
    loop->work_done += per_lane * (done < asked ? done : asked);
  }
}

eg_status eg_run_loop(eg_context *ctx, eg_campaign *campaign, const eg_loop_options *options) {
  run_loop loop;
  memset(&loop, 0, sizeof loop);
  loop.campaign = campaign;
  loop.options = options;
  worker *workers = NULL;
  eg_status status = EG_OK;
  const size_t n_runs = campaign->plan->n_runs;
  (void)pthread_mutex_init(&loop.lock, NULL); /* cannot fail with default attributes on Linux */
  (void)pthread_cond_init(&loop.changed, NULL);
  EG_TRY_DONE(eg_allocate(ctx, n_runs, sizeof *loop.order, &loop.order));
  EG_TRY_DONE(eg_allocate(ctx, n_runs, sizeof *loop.cursor, &loop.cursor));
  EG_TRY_DONE(eg_allocate(ctx, n_runs, sizeof *loop.has_pilot, &loop.has_pilot));
  EG_TRY_DONE(eg_allocate(ctx, (size_t)options->n_workers, sizeof *workers, &workers));
  for (size_t r = 0; r < n_runs; r++) {
    loop.cursor[r] = campaign->runs[r].first;
  }
  sort_runs(&loop);
  count_work(&loop);
  for (int i = 0; i < options->n_workers; i++) {
    workers[i].loop = &loop;
    workers[i].keeper = (eg_tile_keeper){is_part_due, keep_part};
    EG_TRY_DONE(options->backend->open(ctx, i, &workers[i].device));
  }
  status = run_workers(ctx, &loop, workers, options->n_workers);
  if (loop.status != EG_OK) {
    status = eg_fail(ctx, loop.status, "%s", loop.message != NULL ? loop.message : eg_status_text(loop.status));
  } else if (status == EG_OK && !eg_campaign_is_finished(campaign)) {
    status = EG_STOPPED;
  }
done:
  for (int i = 0; workers != NULL && i < options->n_workers; i++) {
    options->backend->close(workers[i].device);
  }
  free(workers);
  free(loop.order);
  free(loop.cursor);
  free(loop.has_pilot);
  free(loop.message);
  (void)pthread_mutex_destroy(&loop.lock);
  (void)pthread_cond_destroy(&loop.changed);
  return status;
}
