#include "run/cost.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/model.h"
#include "core/noise.h"
#include "run/run_loop.h"
#include "stats/moments.h"

enum { ROUNDS = 3, PARTS = 12 };        /* of each measurement; a shape's time is cut into about so many calls */
static const double LEAST_PART = 2e-4; /* seconds: shorter calls measure the clock */

typedef struct timer {
  const eg_plan *plan;
  const eg_backend *backend;
  eg_device *device;
  double part;      /* seconds that one call should take */
  uint64_t n_tiles; /* of the last call: a GPU takes many at once */
} timer;

static double now_on(const eg_backend *backend) {
  struct timespec t;
  /* a worker's own time: other programs on the machine do not count. A GPU works beside its thread. */
  (void)clock_gettime(backend == &eg_backend_cpu ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* ---- timing one job ---- */

static eg_status time_once(eg_context *ctx, const timer *t, uint64_t n, eg_tile_result *results, double *seconds) {
  const volatile int stop = 0;
  const double begin = now_on(t->backend);
  const eg_status status = t->backend->advance(ctx, t->device, 0, n, &stop, results);
  *seconds = now_on(t->backend) - begin;
  for (uint64_t i = 0; i < n; i++) {
    free(results[i].bad);
    results[i].bad = NULL;
  }
  return status;
}

/* The shortest of `rounds` calls, per tile. */
static eg_status time_job(eg_context *ctx, timer *t, const eg_job *job, int rounds, double *seconds) {
  uint64_t n = 1;
  eg_tile_result *results = NULL;
  double *nodes = NULL;
  uint64_t *counts = NULL;
  eg_status status = EG_OK;
  EG_TRY(t->backend->prepare(ctx, t->device, job, &n));
  n = smaller(n, job->n_tiles);
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *results, &results));
  EG_TRY_DONE(eg_allocate(ctx, n * job->node_values, sizeof *nodes, &nodes));
  EG_TRY_DONE(eg_allocate(ctx, job->n_counts, sizeof *counts, &counts));
  for (uint64_t i = 0; i < n; i++) {
    results[i].node = nodes + i * job->node_values;
    results[i].counts = counts;
  }
  double best = INFINITY;
  for (int round = 0; round < rounds; round++) {
    double once = 0;
    EG_TRY_DONE(time_once(ctx, t, n, results, &once));
    best = once < best ? once : best;
  }
  *seconds = best / (double)n;
  t->n_tiles = n;
done:
  free(results);
  free(nodes);
  free(counts);
  return status;
}

/* The job with what is made at observe.at of one record alone. */
static eg_job main_job(const eg_job *job) {
  eg_job plain = *job;
  const eg_job_schedules *const s = job->schedules;
  plain.n_paths = 0;
  plain.node_values = job->record_values * job->n_records;
  if (s != NULL) {
    const bool has_counts = s->n_sections > 0 && s->sections[0].first_count == 0 && s->sections[0].places == s->moments;
    plain.schedules = NULL;
    plain.n_features = s->n_moment_columns;
    plain.launch.n_features = (uint32_t)s->n_moment_columns;
    plain.n_histograms = has_counts ? s->sections[0].n : 0;
    plain.n_pairs = has_counts ? s->sections[0].n_pairs : 0;
    plain.pairs = has_counts ? s->sections[0].pairs : NULL;
    plain.n_counts = job->row_counts * job->launch.n_points * job->n_records;
  }
  return plain;
}

/* Slots for so many realisations: a power of two. */
static uint64_t slots_of(uint64_t lanes) {
  uint64_t slots = EG_LANES;
  while (slots < lanes) {
    slots *= 2;
  }
  return slots;
}

/* The job with `steps` steps and `records` evenly spread records, and on the CPU `lanes` realisations of one tile. */
static eg_status time_part(eg_context *ctx, timer *t, const eg_job *job, uint64_t lanes, uint64_t steps,
                           uint64_t records, int rounds, double *seconds) {
  eg_job part = main_job(job); /* the rest: time_extras */
  uint64_t *at = NULL;
  eg_stream streams[EG_MOST_PATH_STATISTICS]; /* fed from the start: with a window that begins later this is too much */
  EG_TRY(eg_allocate(ctx, records, sizeof *at, &at));
  for (size_t i = 0; i < job->n_streams; i++) {
    streams[i] = job->streams[i];
    streams[i].first = 0;
    streams[i].n = UINT64_MAX / 2 / streams[i].every;
  }
  part.streams = streams;
  for (uint64_t i = 0; i < records; i++) {
    at[i] = steps * (i + 1) / records;
  }
  part.record_steps = at;
  part.n_records = records;
  part.node_values = job->record_values * records;
  part.launch.path_steps = steps; /* of whole paths: their cost grows with the steps, nearly linearly */
  part.n_counts = job->row_counts * job->launch.n_points * records;
  if (t->backend == &eg_backend_cpu) {
    part.n_realisations = lanes;
    part.n_tiles = 1;
    part.launch.ld = part.n_streams > 0 ? (uint32_t)smaller(part.launch.ld, slots_of(lanes)) : part.launch.ld; /* all of them are fed */
  }
  const eg_status status = time_job(ctx, t, &part, rounds, seconds);
  free(at);
  return status;
}

/* Is something made of other records than those of observe.at, or of several together? */
static bool has_extras(const eg_job *job) {
  return job->n_paths > 0 || job->schedules != NULL;
}

/* What those add to a tile, whose observations stand as close together as they can: a tile with them takes so much longer than
   one without. */
static eg_status time_extras(eg_context *ctx, timer *t, const eg_job *job, uint64_t lanes, double *seconds) {
  const size_t n = eg_job_observations(job);
  const uint32_t *const places = eg_job_moment_places(job);
  eg_job_schedules schedules;
  eg_job part = *job, plain = main_job(job);
  uint64_t *at = NULL;
  double without = 0;
  *seconds = 0;
  if (!has_extras(job)) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, 2 * n, sizeof *at, &at));
  for (size_t i = 0; i < n; i++) {
    at[i] = i + 1;
    if (eg_observation_place(places, i) != EG_NO_PLACE) {
      at[n + eg_observation_place(places, i)] = i + 1;
    }
  }
  part.record_steps = at;
  if (job->schedules != NULL) {
    schedules = *job->schedules;
    schedules.steps = at;
    part.schedules = &schedules;
  }
  plain.record_steps = at + n;
  part.launch.path_steps = plain.launch.path_steps = n;
  part.n_realisations = plain.n_realisations = lanes;
  part.n_tiles = plain.n_tiles = 1;
  eg_status status = time_job(ctx, t, &part, ROUNDS, seconds);
  if (status == EG_OK) {
    status = time_job(ctx, t, &plain, ROUNDS, &without);
  }
  *seconds = fmax(0, *seconds - without);
  free(at);
  return status;
}

/* ---- one shape ---- */

static uint64_t total_steps(const eg_job *job) {
  return eg_job_steps(job)[eg_job_observations(job) - 1];
}

/* Realisations that are advanced together: a block of 64; one population; in team form one after the other. */
static uint64_t block_lanes(const eg_job *job) {
  return job->launch.n_particles > 0 || job->form == EG_FORM_TEAM ? 1 : EG_LANES;
}

/* The last block costs as much as a full one. */
static uint64_t whole_lanes(const eg_job *job) {
  const uint64_t block = block_lanes(job);
  return (job->n_realisations + block - 1) / block * block;
}

/* Realisations of a full tile. */
static uint64_t tile_lanes(const eg_job *job) {
  return smaller(job->tile, whole_lanes(job));
}

/* Steps after which a call takes about a part: at most `most`. */
static eg_status find_steps(eg_context *ctx, timer *t, const eg_job *job, uint64_t lanes, uint64_t most,
                            uint64_t *steps) {
  double tile = 0;
  *steps = 1;
  EG_TRY(time_part(ctx, t, job, lanes, 1, 1, 1, &tile));
  while (*steps < most && tile * (double)t->n_tiles < 0.5 * t->part) {
    const double ratio = t->part / (tile * (double)t->n_tiles + 1e-9);
    const double factor = ratio < 2 ? 2 : (ratio > 1024 ? 1024 : ratio);
    *steps = smaller(most, (uint64_t)((double)*steps * factor));
    EG_TRY(time_part(ctx, t, job, lanes, *steps, 1, 1, &tile));
  }
  return EG_OK;
}

/* As many whole blocks of realisations as take a part for a few steps. */
static uint64_t choose_lanes(const timer *t, const eg_job *job, double block_seconds) {
  const uint64_t all = tile_lanes(job);
  const double blocks = t->part / (4 * block_seconds + 1e-9);
  const uint64_t one = block_lanes(job);
  const uint64_t lanes = smaller(blocks < 1 ? one : (blocks > 1e6 ? all : one * (uint64_t)blocks), all);
  return job->n_streams > 0 && lanes >= EG_LANES ? smaller(slots_of(lanes / 2 + 1), all) : lanes; /* all slots are fed */
}

static eg_status extrapolate(eg_context *ctx, timer *t, const eg_job *job, uint64_t lanes, eg_tile_cost *cost) {
  uint64_t steps = 1;
  EG_TRY(find_steps(ctx, t, job, lanes, total_steps(job), &steps));
  const uint64_t few = steps / 4 > 0 ? steps / 4 : 1;
  const double per_record = (double)total_steps(job) / (double)job->n_records;
  uint64_t records = smaller((uint64_t)((double)steps / (per_record < 1 ? 1 : per_record)), steps);
  records = records < 2 ? smaller(2, steps) : records;
  double full = INFINITY, short_ = INFINITY, dense = INFINITY; /* the rounds take turns: a disturbance hits all alike */
  for (int round = 0; round < ROUNDS; round++) {
    double s[3] = {0, 0, 0};
    EG_TRY(time_part(ctx, t, job, lanes, steps, 1, 1, &s[0]));
    EG_TRY(time_part(ctx, t, job, lanes, few, 1, 1, &s[1]));
    EG_TRY(time_part(ctx, t, job, lanes, steps, records, 1, &s[2]));
    full = fmin(full, s[0]);
    short_ = fmin(short_, s[1]);
    dense = fmin(dense, s[2]);
  }
  const double width = (double)tile_lanes(job) / (double)lanes;
  const double step = steps > few ? fmax(0, (full - short_) / (double)(steps - few)) : full;
  const double record = records > 1 ? fmax(0, (dense - full) / (double)(records - 1)) : 0;
  const double fixed = steps > few ? fmax(0, full - step * (double)steps - record) : 0;
  double extras = 0;
  EG_TRY(time_extras(ctx, t, job, tile_lanes(job), &extras));
  *cost = (eg_tile_cost){width * fixed + extras, width * step, width * record};
  return EG_OK;
}

static eg_status measure_shape(eg_context *ctx, timer *t, const eg_job *job, eg_tile_cost *cost) {
  double probe = 0;
  const bool is_cpu = t->backend == &eg_backend_cpu;
  const uint64_t block = is_cpu ? smaller(block_lanes(job), tile_lanes(job)) : tile_lanes(job);
  EG_TRY(time_part(ctx, t, job, block, 1, 1, 2, &probe));
  const double whole = probe * (double)tile_lanes(job) / (double)block * (double)total_steps(job);
  if (whole * (double)t->n_tiles <= t->part) { /* short enough: nothing to extrapolate */
    *cost = (eg_tile_cost){0, 0, 0};
    return time_job(ctx, t, job, ROUNDS, &cost->fixed);
  }
  return extrapolate(ctx, t, job, is_cpu ? choose_lanes(t, job, probe) : block, cost);
}

/* ---- all runs ---- */

static const eg_unit_stepper *stepper_of(const eg_plan *plan, const eg_run *run) {
  const eg_unit *const unit = eg_plan_unit(plan);
  for (int32_t i = 0; i < unit->n_steppers; i++) {
    if (strcmp(unit->steppers[i].name, run->job.stepper) == 0) {
      return &unit->steppers[i];
    }
  }
  return NULL;
}

bool eg_can_use_table5(const eg_plan *plan, const eg_run *run) {
  const eg_unit_stepper *const stepper = stepper_of(plan, run);
  const bool is_gaussian = run->job.kind == EG_KIND_GAUSSIAN ||
                           (run->job.kind == EG_KIND_GAUSSIAN64 && run->job.model_file == NULL);
  return is_gaussian && stepper != NULL && stepper->normals != 0 && run->scheme != EG_EXACT &&
         !eg_is_chain(run->dynamics->id);
}

static bool are_streams_same(const eg_job *a, const eg_job *b) {
  bool is_same = a->n_streams == b->n_streams;
  for (size_t i = 0; is_same && i < a->n_streams; i++) {
    is_same = a->streams[i].every == b->streams[i].every && a->streams[i].levels == b->streams[i].levels &&
              a->streams[i].series == b->streams[i].series;
  }
  return is_same;
}

/* What a measurement depends on. A tile that was timed whole depends on its steps and records, too. */
static bool is_same_shape(const eg_job *a, const eg_job *b, const eg_tile_cost *cost_of_a) {
  const bool is_same_kernel = strcmp(a->stepper, b->stepper) == 0 && a->kind == b->kind && a->tile == b->tile &&
                              tile_lanes(a) == tile_lanes(b) && a->launch.fold_count == b->launch.fold_count &&
                              a->step_work == b->step_work && a->launch.noise_ratio == b->launch.noise_ratio &&
                              a->launch.is_watched == b->launch.is_watched && are_streams_same(a, b);
  const bool is_whole = cost_of_a->step == 0;
  const bool are_extras_same = !has_extras(a) || (a->n_records == b->n_records && eg_job_observations(a) == eg_job_observations(b));
  return is_same_kernel && are_extras_same && (!is_whole || (total_steps(a) == total_steps(b) && a->n_records == b->n_records));
}

static eg_job job_with(const eg_plan *plan, const eg_run *run, int kind) {
  eg_job job = run->job;
  if (kind >= 0 && eg_can_use_table5(plan, run)) {
    job.kind = job.launch.kind = kind;
  }
  job.n_kept = 0; /* paths of a few realisations cost nothing */
  job.launch.absorbing = 0; /* all go on to the end: an upper bound */
  job.group = NULL; /* members are advanced one after the other: each is timed alone */
  return job;
}

static size_t count_shapes(const eg_plan *plan) {
  const eg_tile_cost any = {0, 1, 0};
  size_t n = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    size_t k = 0;
    while (k < r && !is_same_shape(&plan->runs[k].job, &plan->runs[r].job, &any)) {
      k++;
    }
    n += k == r;
  }
  return n;
}

/* Seconds to merge the node of one tile into the tree. */
static eg_status time_merge(eg_context *ctx, const eg_plan *plan, const eg_job *job, double *seconds) {
  const eg_node_shape shape = eg_node_shape_of(plan, job);
  double *nodes = NULL;
  EG_TRY(eg_allocate(ctx, 2 * shape.values, sizeof *nodes, &nodes));
  const double begin = now_on(&eg_backend_cpu);
  eg_node_merge(&shape, nodes, nodes, nodes + shape.values);
  *seconds = now_on(&eg_backend_cpu) - begin;
  free(nodes);
  return EG_OK;
}

static int available_cores(void) {
  cpu_set_t set;
  const int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
  return n > 0 ? n : 1;
}

/* From an earlier run with the same kernel, by the rows of a step; false if there is none. */
static bool scale_from(const eg_plan *plan, const eg_cost *cost, size_t r, eg_run_cost *out) {
  const eg_job *const job = &plan->runs[r].job;
  for (size_t k = 0; k < r; k++) {
    const eg_job *const other = &plan->runs[k].job;
    if (strcmp(other->stepper, job->stepper) != 0 || cost->runs[k].tile.step == 0) {
      continue;
    }
    const double lanes = (double)tile_lanes(job) / (double)tile_lanes(other);
    const double rows = job->step_work / other->step_work;
    const eg_tile_cost t = cost->runs[k].tile;
    out->tile = (eg_tile_cost){t.fixed * lanes, t.step * lanes * rows, t.record * lanes};
    out->n_at_once = cost->runs[k].n_at_once;
    out->is_scaled = true;
    return true;
  }
  return false;
}

static eg_status measure_run(eg_context *ctx, timer *t, size_t r, int kind, double deadline, eg_cost *cost) {
  const eg_plan *const plan = t->plan;
  const eg_job job = job_with(plan, &plan->runs[r], kind);
  eg_run_cost *const out = &cost->runs[r];
  bool is_known = false;
  for (size_t k = 0; k < r && !is_known; k++) {
    const eg_job other = job_with(plan, &plan->runs[k], kind);
    is_known = !cost->runs[k].is_scaled && is_same_shape(&other, &job, &cost->runs[k].tile);
    out->tile = cost->runs[k].tile;
    out->n_at_once = cost->runs[k].n_at_once;
  }
  if (!is_known && !(eg_now() > deadline && scale_from(plan, cost, r, out))) {
    EG_TRY(measure_shape(ctx, t, &job, &out->tile));
    out->n_at_once = t->n_tiles;
  }
  const double particles = job.launch.n_particles > 0 ? (double)job.launch.n_particles : 1.0;
  double merge = 0;
  EG_TRY(time_merge(ctx, plan, &job, &merge));
  const double steps = (double)total_steps(&job), tiles = (double)whole_lanes(&job) / (double)tile_lanes(&job);
  const double tile = out->tile.fixed + steps * out->tile.step + (double)job.n_records * out->tile.record;
  out->in_hand = tile * (double)smaller(out->n_at_once, job.n_tiles);
  out->seconds = tiles * tile + (double)job.n_tiles * merge;
  out->ns_per_step =
      steps > 0 ? 1e9 * tile / ((double)tile_lanes(&job) * (double)job.launch.n_points * particles * steps) : NAN;
  return EG_OK;
}

/* The bytes of a worker are those of its largest run: buffers of the device and of the batch's sums. */
static eg_status find_worker_bytes(eg_context *ctx, const timer *t, eg_cost *cost) {
  size_t largest = 0;
  for (size_t r = 0; r < t->plan->n_runs && t->backend->bytes != NULL; r++) {
    const eg_job *const job = &t->plan->runs[r].job;
    const size_t members = job->group == NULL ? 1 : job->group->n_members;
    uint64_t most = 1;
    if (!eg_plan_is_leader(t->plan, r)) {
      continue; /* counted with its group */
    }
    EG_TRY(t->backend->prepare(ctx, t->device, job, &most));
    const uint64_t batch = eg_run_batch(t->plan, &t->plan->runs[r], most);
    const size_t sums = batch * eg_job_result_values(job) * sizeof(double) +
                        members * (job->n_counts * sizeof(uint64_t) + eg_job_path_values(job) * sizeof(double));
    const size_t bytes = t->backend->bytes(t->device) + sums;
    largest = bytes > largest ? bytes : largest;
  }
  cost->worker_bytes = largest;
  return EG_OK;
}

static void add_up(const eg_plan *plan, eg_cost *cost) {
  double longest = 0;
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_run_cost *const c = &cost->runs[r];
    cost->worker_seconds += c->seconds;
    cost->in_hand = fmax(cost->in_hand, c->in_hand);
    longest = fmax(longest, c->seconds / (double)plan->runs[r].job.n_tiles);
  }
  cost->seconds = fmax(cost->worker_seconds / cost->n_parallel, longest);
}

eg_status eg_cost_measure(eg_context *ctx, const eg_plan *plan, const eg_backend *backend, int threads, int kind,
                          double budget, eg_cost *cost) {
  memset(cost, 0, sizeof *cost);
  const size_t n_shapes = count_shapes(plan);
  timer t = {plan, backend, NULL, fmin(budget / (double)n_shapes, 0.06) / PARTS, 1};
  t.part = fmax(t.part, LEAST_PART);
  const double deadline = eg_now() + budget;
  eg_status status = EG_OK;
  const int cores = available_cores();
  cost->n_workers = backend == &eg_backend_cpu ? eg_cpu_workers(threads) : 1;
  cost->n_parallel = backend == &eg_backend_cpu && cost->n_workers > cores ? cores : cost->n_workers;
  EG_TRY(eg_allocate(ctx, plan->n_runs, sizeof *cost->runs, &cost->runs));
  EG_TRY_DONE(backend->open(ctx, 0, &t.device));
  (void)snprintf(cost->device, sizeof cost->device, "%s", backend->describe(t.device));
  for (size_t r = 0; r < plan->n_runs; r++) {
    EG_TRY_DONE(measure_run(ctx, &t, r, kind, deadline, cost));
  }
  EG_TRY_DONE(find_worker_bytes(ctx, &t, cost));
  add_up(plan, cost);
done:
  if (t.device != NULL) {
    backend->close(t.device);
  }
  return status;
}

void eg_cost_free(eg_cost *cost) {
  free(cost->runs);
  cost->runs = NULL;
}
