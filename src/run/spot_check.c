#include "run/spot_check.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/stop_flag.h"

enum { MOST_WAITING = 16 }; /* a device that is so far ahead of its checks waits for them */

typedef struct waiting {
  eg_spot_check check;
  eg_job *jobs;           /* copies of the members of a group, whose worker may go on to another one; else NULL */
  const eg_job **members;
  eg_job_group group;
  struct waiting *next;
} waiting;

struct eg_spot_checks {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  waiting *first, *last;
  int n_waiting;
  bool is_ending;
  const volatile int *stop;
  eg_spot_outcome outcome;
  void *user;
  pthread_t *threads;
  int n_threads;
};

bool eg_spot_is_chosen(uint64_t every, size_t run, uint64_t tile) {
  const uint64_t place[2] = {run, tile};
  return every > 0 && eg_hash_bytes(EG_HASH_START, place, sizeof place) % every == 0;
}

static size_t n_members(const eg_job *job) { return job->group == NULL ? 1 : job->group->n_members; }

/* ---- comparing ---- */

/* NaN is NaN: which of its bits are set is the machine's choice. */
static bool is_same_value(double a, double b) {
  return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static bool is_same_list(const eg_spot_check *check, const eg_tile_result *cpu) {
  bool is_same = check->n_bad == cpu->n_bad;
  for (size_t i = 0; is_same && i < cpu->n_bad; i++) {
    const eg_bad_trajectory *const a = &check->bad[i], *const b = &cpu->bad[i];
    is_same = a->realisation == b->realisation && a->step == b->step && a->point == b->point &&
              a->member == b->member;
  }
  return is_same;
}

/* The kept paths of a tile, without gaps, into `to` unless it is NULL. Returns how many numbers that are. */
static size_t pack_paths(const eg_job *job, uint64_t tile, const double *paths, double *to) {
  const uint64_t first = tile * job->tile, end = first + job->tile < job->n_kept ? first + job->tile : job->n_kept;
  size_t n = 0;
  for (size_t i = 0; i < n_members(job) * job->launch.n_points && first < end; i++) {
    const size_t point = i % job->launch.n_points, of_member = i / job->launch.n_points * eg_job_path_values(job);
    const size_t begin = eg_job_path_at(job, point, first, 0, 0), length = eg_job_path_at(job, point, end, 0, 0) - begin;
    if (to != NULL) {
      memcpy(to + n, paths + of_member + begin, length * sizeof *to);
    }
    n += length;
  }
  return n;
}

/* cpu_paths: packed. */
static eg_status compare_more(eg_context *ctx, const eg_spot_check *check, const eg_tile_result *cpu, const double *cpu_paths) {
  const unsigned long long tile = check->tile;
  const size_t n_counts = n_members(&check->job) * check->job.n_counts;
  for (size_t i = 0; check->counts != NULL && i < n_counts; i++) {
    if (check->counts[i] != cpu->counts[i]) {
      return eg_fail(ctx, EG_ERR_DEVICE, "count %zu of %zu in the histograms of tile %llu is %llu there and %llu on the CPU", i,
                     n_counts, tile, (unsigned long long)check->counts[i], (unsigned long long)cpu->counts[i]);
    }
  }
  const size_t n = pack_paths(&check->job, check->tile, NULL, NULL);
  for (size_t i = 0; i < n; i++) {
    if (!is_same_value(check->paths[i], cpu_paths[i])) {
      return eg_fail(ctx, EG_ERR_DEVICE, "number %zu of %zu in the kept paths of tile %llu is %.17g there and %.17g on the CPU", i,
                     n, tile, check->paths[i], cpu_paths[i]);
    }
  }
  return EG_OK;
}

/* ---- counts of a batch ---- */

typedef struct batch {
  const eg_job *job;
  const eg_tile_result *results;
  uint64_t n;
  size_t nodes_at, counts_at; /* where those of the member begin */
} batch;

/* Realisations in the sums of a row, which begins with their number. */
static double in_sums(const batch *b, size_t row_at) {
  double there = 0;
  for (uint64_t i = 0; i < b->n; i++) {
    there += b->results[i].node[b->nodes_at + row_at];
  }
  return there;
}

static eg_status add_up(eg_context *ctx, const batch *b, size_t at, uint64_t n, double least, double most) {
  uint64_t counted = 0;
  for (uint64_t i = 0; i < n; i++) {
    counted += b->results[0].counts[b->counts_at + at + i];
  }
  if ((isnan(least) || (double)counted >= least) && (isnan(most) || (double)counted <= most)) {
    return EG_OK;
  }
  return eg_fail(ctx, EG_ERR_DEVICE, "a histogram has %llu counts for %.0f realisations", (unsigned long long)counted,
                 (double)counted < least ? least : most);
}

/* How many realisations there are at an observation: those in its moments. Where it has none, no more than at the last one before
   and no fewer than at the next one that has, since none comes back. */
static void bound(const batch *b, size_t observation, size_t point, double *least, double *most) {
  const eg_job *const job = b->job;
  const uint32_t *const places = eg_job_moment_places(job);
  const size_t row_values = job->record_values / job->launch.n_points;
  size_t before = observation + 1, after = observation;
  while (before > 0 && eg_observation_place(places, before - 1) == EG_NO_PLACE) {
    before--;
  }
  while (after < eg_job_observations(job) && eg_observation_place(places, after) == EG_NO_PLACE) {
    after++;
  }
  *most = (double)b->n * job->tile;
  *least = 0;
  if (before > 0) {
    *most = in_sums(b, eg_observation_place(places, before - 1) * job->record_values + point * row_values);
  }
  if (after < eg_job_observations(job)) {
    *least = in_sums(b, eg_observation_place(places, after) * job->record_values + point * row_values);
  }
}

/* All histograms and pairs of one record and point. */
static eg_status row_adds_up(eg_context *ctx, const batch *b, const eg_count_section *s, size_t observation, size_t point) {
  const eg_histogram *const histograms = b->job->histograms + s->first;
  const size_t at = s->first_count + (eg_observation_place(s->places, observation) * b->job->launch.n_points + point) * s->row_counts;
  double least = 0, most = 0;
  bound(b, observation, point, &least, &most);
  for (size_t k = 0; k < s->n; k++) {
    EG_TRY(add_up(ctx, b, at + histograms[k].count, histograms[k].bins + 2, least, most));
  }
  for (size_t k = 0; k < s->n_pairs; k++) {
    const uint64_t first = histograms[s->pairs[k].first].bins + 2, second = histograms[s->pairs[k].second].bins + 2;
    EG_TRY(add_up(ctx, b, at + s->pairs[k].count, first * second, least, most));
  }
  return EG_OK;
}

static eg_status paths_add_up(eg_context *ctx, const batch *b) {
  const eg_job *const job = b->job;
  size_t row = job->n_records * job->record_values;
  for (size_t i = 0; i < job->n_paths; i++) {
    const eg_path_statistic *const s = &job->paths[i];
    for (uint32_t point = 0; point < eg_path_rows(s, job->launch.n_points); point++, row += eg_path_row_values(s)) {
      const double there = in_sums(b, row);
      for (uint32_t k = 0; k < s->n_counted; k++) {
        EG_TRY(add_up(ctx, b, s->first_count + ((size_t)point * s->n_counted + k) * EG_PATH_PLACES, EG_PATH_PLACES, there, there));
      }
    }
  }
  return EG_OK;
}

static eg_status member_adds_up(eg_context *ctx, const batch *b) {
  const eg_job *const job = b->job;
  for (size_t i = 0; i < eg_job_sections(job); i++) {
    const eg_count_section s = eg_job_section(job, i);
    for (size_t observation = 0; observation < eg_job_observations(job); observation++) {
      const bool is_counted = eg_observation_place(s.places, observation) != EG_NO_PLACE;
      for (size_t point = 0; is_counted && point < job->launch.n_points; point++) {
        EG_TRY(row_adds_up(ctx, b, &s, observation, point));
      }
    }
  }
  return paths_add_up(ctx, b);
}

eg_status eg_spot_counts_add_up(eg_context *ctx, const eg_job *job, const eg_tile_result *results, uint64_t n) {
  for (size_t i = 0; i < n_members(job) && job->n_counts > 0; i++) {
    const eg_job *const member = job->group == NULL ? job : job->group->members[i];
    const batch b = {member, results, n, i * job->node_values, i * job->n_counts};
    EG_TRY(member_adds_up(ctx, &b));
  }
  return EG_OK;
}

/* ---- making a tile again ---- */

static eg_status compare(eg_context *ctx, const eg_spot_check *check, const eg_tile_result *cpu) {
  const unsigned long long tile = check->tile;
  const size_t n = eg_job_result_values(&check->job);
  for (size_t i = 0; i < n; i++) {
    if (!is_same_value(check->node[i], cpu->node[i])) {
      return eg_fail(ctx, EG_ERR_DEVICE, "number %zu of %zu in the sums of tile %llu is %.17g there and %.17g on the CPU", i,
                     n, tile, check->node[i], cpu->node[i]);
    }
  }
  if (!is_same_list(check, cpu)) {
    return eg_fail(ctx, EG_ERR_DEVICE, "in tile %llu other trajectories became non-finite than on the CPU (%zu there, %zu here)",
                   tile, check->n_bad, cpu->n_bad);
  }
  return EG_OK;
}

static eg_status check_tile(eg_context *ctx, eg_device *cpu, const volatile int *stop, const eg_spot_check *check) {
  const eg_backend *const backend = &eg_backend_cpu;
  const size_t n = n_members(&check->job);
  eg_tile_result result;
  uint64_t tiles_at_once = 0;
  double *paths = NULL;
  eg_status status = EG_OK;
  memset(&result, 0, sizeof result);
  EG_TRY_DONE(eg_allocate(ctx, eg_job_result_values(&check->job), sizeof *result.node, &result.node));
  EG_TRY_DONE(eg_allocate(ctx, n * check->job.n_counts, sizeof *result.counts, &result.counts));
  EG_TRY_DONE(eg_allocate(ctx, n * eg_job_path_values(&check->job), sizeof *result.paths, &result.paths));
  status = backend->prepare(ctx, cpu, &check->job, &tiles_at_once);
  EG_TRY_DONE(status == EG_OK || status == EG_ERR_MEMORY ? status : EG_ERR_STUDY); /* no kernel, and no compiler for it */
  EG_TRY_DONE(backend->advance(ctx, cpu, check->tile, 1, stop, &result));
  EG_TRY_DONE(compare(ctx, check, &result));
  EG_TRY_DONE(eg_allocate(ctx, pack_paths(&check->job, check->tile, NULL, NULL), sizeof *paths, &paths));
  (void)pack_paths(&check->job, check->tile, result.paths, paths);
  status = compare_more(ctx, check, &result, paths);
done:
  free(paths);
  free(result.node);
  free(result.counts);
  free(result.paths);
  free(result.bad);
  return status;
}

/* ---- the queue ---- */

static void free_waiting(waiting *w) {
  if (w != NULL) {
    free(w->check.node);
    free(w->check.bad);
    free(w->check.counts);
    free(w->check.paths);
    free(w->jobs);
    free(w->members);
    free(w);
  }
}

static eg_status copy_group(eg_context *ctx, waiting *w) {
  const eg_job_group *const from = w->check.job.group;
  if (from == NULL) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, from->n_members, sizeof *w->jobs, &w->jobs));
  EG_TRY(eg_allocate(ctx, from->n_members, sizeof *w->members, &w->members));
  for (size_t i = 0; i < from->n_members; i++) {
    w->jobs[i] = *from->members[i];
    w->jobs[i].group = &w->group;
    w->members[i] = &w->jobs[i];
  }
  w->group = (eg_job_group){w->members, from->n_members, from->bases};
  w->check.job.group = &w->group;
  return EG_OK;
}

/* The next one; NULL at the end. */
static waiting *take(eg_spot_checks *c) {
  (void)pthread_mutex_lock(&c->lock);
  while (c->first == NULL && !c->is_ending) {
    (void)pthread_cond_wait(&c->changed, &c->lock); /* cannot fail with a locked mutex */
  }
  waiting *const w = c->first;
  if (w != NULL) {
    c->first = w->next;
    c->last = c->first == NULL ? NULL : c->last;
    c->n_waiting--;
    (void)pthread_cond_broadcast(&c->changed);
  }
  (void)pthread_mutex_unlock(&c->lock);
  return w;
}

static void *checker_main(void *argument) {
  eg_spot_checks *const c = argument;
  eg_context *const ctx = eg_context_create();
  eg_device *cpu = NULL;
  eg_status opened = ctx == NULL ? EG_ERR_MEMORY : eg_backend_cpu.open(ctx, 0, &cpu);
  opened = opened == EG_OK || opened == EG_ERR_MEMORY ? opened : EG_ERR_STUDY; /* no kernels for this processor: none is wrong */
  for (waiting *w = take(c); w != NULL; w = take(c)) {
    eg_status status = opened;
    if (status == EG_OK) {
      status = eg_is_stopping(c->stop) ? EG_STOPPED : check_tile(ctx, cpu, c->stop, &w->check);
    }
    c->outcome(c->user, &w->check, status, ctx == NULL ? "out of memory" : eg_context_message(ctx));
    free_waiting(w);
  }
  eg_backend_cpu.close(cpu);
  eg_context_free(ctx);
  return NULL;
}

eg_status eg_spot_check_tile(eg_context *ctx, eg_spot_checks *c, const eg_spot_check *check) {
  const size_t n_values = eg_job_result_values(&check->job), n_counts = n_members(&check->job) * check->job.n_counts;
  waiting *w = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, 1, sizeof *w, &w));
  w->check = *check;
  w->check.node = NULL;
  w->check.bad = NULL;
  w->check.counts = NULL;
  w->check.paths = NULL;
  EG_TRY_DONE(copy_group(ctx, w));
  EG_TRY_DONE(eg_allocate(ctx, n_values, sizeof *w->check.node, &w->check.node));
  EG_TRY_DONE(eg_allocate(ctx, check->n_bad, sizeof *w->check.bad, &w->check.bad));
  memcpy(w->check.node, check->node, n_values * sizeof *check->node);
  if (check->n_bad > 0) {
    memcpy(w->check.bad, check->bad, check->n_bad * sizeof *check->bad);
  }
  EG_TRY_DONE(eg_allocate(ctx, pack_paths(&check->job, check->tile, NULL, NULL), sizeof *w->check.paths, &w->check.paths));
  (void)pack_paths(&check->job, check->tile, check->paths, w->check.paths);
  if (check->counts != NULL) {
    EG_TRY_DONE(eg_allocate(ctx, n_counts, sizeof *w->check.counts, &w->check.counts));
    memcpy(w->check.counts, check->counts, n_counts * sizeof *check->counts);
  }
  (void)pthread_mutex_lock(&c->lock);
  while (c->n_waiting >= MOST_WAITING) {
    (void)pthread_cond_wait(&c->changed, &c->lock);
  }
  if (c->last != NULL) {
    c->last->next = w;
  } else {
    c->first = w;
  }
  c->last = w;
  c->n_waiting++;
  w = NULL;
  (void)pthread_cond_broadcast(&c->changed);
  (void)pthread_mutex_unlock(&c->lock);
done:
  free_waiting(w);
  return status;
}

eg_status eg_spot_checks_start(eg_context *ctx, int n_threads, const volatile int *stop, eg_spot_outcome outcome, void *user,
                               eg_spot_checks **out) {
  eg_spot_checks *c = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, 1, sizeof *c, &c));
  (void)pthread_mutex_init(&c->lock, NULL); /* cannot fail with default attributes on Linux */
  (void)pthread_cond_init(&c->changed, NULL);
  c->stop = stop;
  c->outcome = outcome;
  c->user = user;
  EG_TRY_DONE(eg_allocate(ctx, (size_t)n_threads, sizeof *c->threads, &c->threads));
  for (; c->n_threads < n_threads; c->n_threads++) {
    if (pthread_create(&c->threads[c->n_threads], NULL, checker_main, c) != 0) {
      EG_TRY_DONE(eg_fail(ctx, EG_ERR_MEMORY, "cannot start a thread for spot checks"));
    }
  }
  *out = c;
  c = NULL;
done:
  eg_spot_checks_end(c);
  return status;
}

void eg_spot_checks_end(eg_spot_checks *c) {
  if (c == NULL) {
    return;
  }
  (void)pthread_mutex_lock(&c->lock);
  c->is_ending = true;
  (void)pthread_cond_broadcast(&c->changed);
  (void)pthread_mutex_unlock(&c->lock);
  for (int i = 0; i < c->n_threads; i++) {
    (void)pthread_join(c->threads[i], NULL);
  }
  (void)pthread_mutex_destroy(&c->lock);
  (void)pthread_cond_destroy(&c->changed);
  free(c->threads);
  free(c);
}
