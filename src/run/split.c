/*
 * Splitting on the kernels of a run. Paths are lanes of tiles of 64 realisations, begun anew every CHUNK steps from the
 * states where they are: a tile has a number of its own, so its noise is new, and in a homogeneous chain nothing else
 * distinguishes the steps.
 */
#include "run/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/splitting.h"
#include "base/hash.h"
#include "base/stop_flag.h"
#include "core/rng.h"
#include "stats/moments.h"

enum { CHUNK = 32 };

typedef struct engine {
  const eg_plan *plan;
  const eg_run *run;
  const eg_study_splitting *study;
  eg_device *device;
  eg_job job;
  eg_feature_code *codes;
  uint32_t *columns;
  uint64_t steps[CHUNK];
  eg_tile_result result;
  eg_tile_part part;
  uint64_t tile; /* next one */
  uint32_t choice_key[2];
  uint64_t n_choices;
  size_t dim;
  double sign; /* -1: the score falls from low to high */
  const double *start;
  const volatile int *stop;
} engine;

/* x of all lanes (EG_LANES, dim) to the launch's order, and CHUNK steps from there. */
static eg_status advance(eg_context *ctx, engine *e, const double *states) {
  static const volatile int never = 0;
  uint64_t tiles_at_once = 0;
  eg_job *const job = &e->job;
  if (eg_is_stopping(e->stop)) {
    return eg_fail(ctx, EG_STOPPED, "stopped early");
  }
  for (size_t k = 0; k < e->dim; k++) {
    for (size_t lane = 0; lane < EG_LANES; lane++) {
      e->part.state[k * job->launch.ld + lane] = states[lane * e->dim + k];
    }
  }
  job->kept_first = e->tile * EG_LANES;
  EG_TRY(eg_backend_cpu.prepare(ctx, e->device, job, &tiles_at_once));
  e->result.resume = &e->part;
  const eg_status status = eg_backend_cpu.advance(ctx, e->device, e->tile++, 1, &never, &e->result);
  const size_t n_bad = e->result.n_bad;
  free(e->result.bad);
  e->result.bad = NULL;
  e->result.n_bad = 0;
  EG_TRY(status);
  return n_bad == 0
             ? EG_OK
             : eg_fail(ctx, EG_ERR_CLAIM, "run '%s': a trajectory became non-finite; splitting needs finite ones",
                       e->run->description);
}

/* State and score of a lane after step k of the chunk. */
static const double *row_at(const engine *e, size_t lane, size_t k) {
  return e->result.paths + eg_job_path_at(&e->job, 0, lane, k, 0);
}

static double signed_score(const engine *e, const double *row) { return e->sign * row[e->dim]; }

/* ---- the chain of eg_split ---- */

/* Scores come with the kernels' records; of a state to begin with it was recorded when the state was. */
static double score_of(void *user, const double *state) {
  (void)user;
  return state[0]; /* states carry it in front */
}

static uint32_t choose(void *user, uint32_t n) {
  engine *const e = user;
  uint32_t words[4];
  eg_block(e->choice_key, EG_STREAM_EVENTS, 0, e->n_choices++, words);
  return (uint32_t)(((uint64_t)words[0] * n) >> 32); /* biased by less than n / 2^32 */
}

static eg_status run_paths(eg_context *ctx, void *user, size_t n, const double *states,
                           bool (*visit)(void *paths, size_t path, const double *state, double score), void *paths) {
  engine *const e = user;
  const size_t width = 1 + e->dim;
  double *const x = malloc(EG_LANES * e->dim * sizeof *x), *const record = malloc(width * sizeof *record);
  eg_status status = x == NULL || record == NULL ? eg_fail(ctx, EG_ERR_MEMORY, "out of memory for paths") : EG_OK;
  for (size_t first = 0; first < n && status == EG_OK; first += EG_LANES) {
    const size_t lanes = n - first < EG_LANES ? n - first : EG_LANES;
    bool is_going[EG_LANES] = {false};
    size_t n_going = lanes;
    for (size_t lane = 0; lane < EG_LANES; lane++) {
      is_going[lane] = lane < lanes;
      memcpy(x + lane * e->dim, states + (first + (lane < lanes ? lane : 0)) * width + 1, e->dim * sizeof *x);
    }
    while (n_going > 0 && status == EG_OK) {
      status = advance(ctx, e, x);
      for (size_t lane = 0; lane < lanes && status == EG_OK; lane++) {
        for (size_t k = 0; k < CHUNK && is_going[lane]; k++) {
          const double *const row = row_at(e, lane, k);
          record[0] = signed_score(e, row);
          memcpy(record + 1, row, e->dim * sizeof *record);
          is_going[lane] = visit(paths, first + lane, record, record[0]);
          n_going -= !is_going[lane];
        }
        memcpy(x + lane * e->dim, row_at(e, lane, CHUNK - 1), e->dim * sizeof *x);
      }
    }
  }
  free(x);
  free(record);
  return status;
}

/* ---- exits from A ---- */

typedef struct exits {
  double *states; /* (n, 1 + dim): score in front */
  size_t n, capacity;
  uint64_t steps; /* counted ones of all lanes */
} exits;

static eg_status add_exit(eg_context *ctx, exits *all, size_t width, double score, const double *x) {
  if (all->n == all->capacity) {
    const size_t capacity = all->capacity == 0 ? 256 : 2 * all->capacity;
    double *const states = realloc(all->states, capacity * width * sizeof *states);
    if (states == NULL) {
      return eg_fail(ctx, EG_ERR_MEMORY, "out of memory for exits");
    }
    all->states = states;
    all->capacity = capacity;
  }
  all->states[all->n * width] = score;
  memcpy(all->states + all->n * width + 1, x, (width - 1) * sizeof *x);
  all->n++;
  return EG_OK;
}

/* 64 lanes from the start; after the burn-in every step from A to outside is an exit. A lane that reaches B begins
   again at the start, where it is in A only if the start is. */
static eg_status find_exits(eg_context *ctx, engine *e, exits *all) {
  const double low = e->sign * e->study->low, high = e->sign * e->study->high;
  const uint64_t burn_in = (uint64_t)e->study->burn_in, end = burn_in + (uint64_t)e->study->count;
  double *x = NULL;
  bool was_in_A[EG_LANES] = {false};
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, EG_LANES * e->dim, sizeof *x, &x));
  for (size_t i = 0; i < EG_LANES * e->dim; i++) {
    x[i] = e->start[i % e->dim];
  }
  for (uint64_t step = 0; step < end; step += CHUNK) {
    EG_TRY_DONE(advance(ctx, e, x));
    for (size_t lane = 0; lane < EG_LANES; lane++) {
      bool is_back = false;
      for (size_t k = 0; k < CHUNK && !is_back && step + k < end; k++) {
        const double *const row = row_at(e, lane, k);
        const double score = signed_score(e, row);
        const bool is_in_A = score <= low;
        if (step + k >= burn_in) {
          all->steps++;
          if (was_in_A[lane] && !is_in_A) {
            EG_TRY_DONE(add_exit(ctx, all, 1 + e->dim, score, row));
          }
        }
        was_in_A[lane] = is_in_A;
        is_back = score >= high;
      }
      memcpy(x + lane * e->dim, is_back ? e->start : row_at(e, lane, CHUNK - 1), e->dim * sizeof *x);
      was_in_A[lane] = was_in_A[lane] && !is_back;
    }
  }
done:
  free(x);
  return status;
}

/* ---- one repeat ---- */

static void close_engine(engine *e) {
  if (e->device != NULL) {
    eg_backend_cpu.close(e->device);
  }
  free(e->codes);
  free(e->columns);
  free(e->result.node);
  free(e->result.paths);
  free(e->part.state);
  free(e->part.first_bad);
}

static uint64_t repeat_id(const eg_run *run, const char *what, uint64_t repeat) {
  char number[32];
  (void)snprintf(number, sizeof number, " %llu", (unsigned long long)repeat);
  return eg_hash_text(eg_hash_text(eg_hash_text(EG_HASH_START, what), run->description), number);
}

/* One block of realisations whose every step is a record: x and the score. */
static eg_status open_engine(eg_context *ctx, const eg_plan *plan, const eg_run *run, uint64_t repeat, engine *e) {
  const eg_study_splitting *const study = &plan->study->splitting;
  e->plan = plan;
  e->run = run;
  e->study = study;
  e->dim = (size_t)plan->dim;
  e->sign = study->high > study->low ? 1 : -1;
  e->start = run->start;
  const size_t n_columns = e->dim + 1;
  EG_TRY(eg_allocate(ctx, n_columns, sizeof *e->codes, &e->codes));
  EG_TRY(eg_allocate(ctx, n_columns, sizeof *e->columns, &e->columns));
  for (size_t k = 0; k < n_columns; k++) {
    e->codes[k] = k < e->dim ? (eg_feature_code){EG_FEATURE_X, (int32_t)k} : plan->codes[plan->splitting_column];
    e->columns[k] = (uint32_t)k;
  }
  for (size_t k = 0; k < CHUNK; k++) {
    e->steps[k] = k + 1;
  }
  eg_job *const job = &e->job;
  *job = run->job;
  eg_run_key(plan->study->seed, repeat_id(run, "\x01splitting ", repeat), job->launch.key);
  eg_run_key(plan->study->seed, repeat_id(run, "\x01splitting choices ", repeat), e->choice_key);
  job->schedules = NULL;
  job->record_steps = e->steps;
  job->n_records = CHUNK;
  job->features = e->codes;
  job->n_features = n_columns;
  job->launch.n_features = (uint32_t)n_columns;
  job->launch.n_monitors = 0;
  job->tile = EG_LANES;
  job->launch.ld = EG_LANES;
  job->state_values = run->job.state_values / run->job.tile * job->tile;
  job->n_realisations = (uint64_t)1 << 50; /* as many tiles as it takes */
  job->n_tiles = job->n_realisations / job->tile;
  job->with_covariance = false;
  job->record_values = eg_node_values((uint32_t)n_columns, 0);
  job->node_values = CHUNK * job->record_values;
  job->n_paths = job->n_streams = job->n_histograms = job->n_counts = 0;
  job->group = NULL;
  job->kept_columns = e->columns;
  job->n_kept_columns = n_columns;
  job->n_kept = EG_LANES;
  EG_TRY(eg_allocate(ctx, job->node_values, sizeof *e->result.node, &e->result.node));
  EG_TRY(eg_allocate(ctx, eg_job_path_values(job), sizeof *e->result.paths, &e->result.paths));
  EG_TRY(eg_allocate(ctx, job->state_values, sizeof *e->part.state, &e->part.state));
  EG_TRY(eg_allocate(ctx, EG_LANES, sizeof *e->part.first_bad, &e->part.first_bad));
  for (size_t i = 0; i < EG_LANES; i++) {
    e->part.first_bad[i] = EG_NEVER;
  }
  e->part.monitors = e->part.state; /* none of them is read */
  e->part.node = e->result.node;
  e->part.paths = e->result.paths;
  return eg_backend_cpu.open(ctx, 0, &e->device);
}

eg_status eg_split_repeat(eg_context *ctx, const eg_plan *plan, const eg_run *run, uint64_t repeat,
                          const volatile int *stop, eg_split_estimate *out) {
  const eg_study_splitting *const study = &plan->study->splitting;
  const size_t n = (size_t)study->replicas, width = 1 + (size_t)plan->dim;
  engine e;
  exits all = {NULL, 0, 0, 0};
  eg_split_result result;
  double *starts = NULL;
  eg_status status = EG_OK;
  memset(&e, 0, sizeof e);
  e.stop = stop;
  memset(out, 0, sizeof *out);
  EG_TRY_DONE(open_engine(ctx, plan, run, repeat, &e));
  EG_TRY_DONE(find_exits(ctx, &e, &all));
  out->flux = (double)all.n / ((double)all.steps * run->job.launch.h);
  out->steps = (double)all.steps;
  if (all.n == 0) {
    goto done;
  }
  EG_TRY_DONE(eg_allocate(ctx, n * width, sizeof *starts, &starts));
  for (size_t i = 0; i < n; i++) {
    memcpy(starts + i * width, all.states + choose(&e, (uint32_t)all.n) * width, width * sizeof *starts);
  }
  const size_t kill = (size_t)(study->kill * (double)n) > 1 ? (size_t)(study->kill * (double)n) : 1;
  const eg_split_chain chain = {.dim = width, .user = &e, .run = run_paths, .score = score_of, .choose = choose};
  EG_TRY_DONE(eg_split(ctx, &chain, n, kill, e.sign * study->low, e.sign * study->high, starts, &result));
  out->probability = result.probability;
  out->rate = out->flux * result.probability;
  out->rounds = (double)result.rounds;
  out->steps += (double)result.steps;
done:
  free(starts);
  free(all.states);
  close_engine(&e);
  return status;
}
