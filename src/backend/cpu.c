/* The CPU backend: one device is one worker thread with its buffers. */
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "core/noise.h"
#include "core/rows.h"
#include "model/units.h"
#include "model/user_model.h"
#include "stats/moments.h"

/* Trajectory-steps (times rows and components) after which a tile looks whether it should stop: well below a second. */
static const uint64_t STEPS_PER_LOOK = 1u << 27;

/* Records of a tile (of all members of a group together) are made and reduced in parts that stay in the second-level
   cache. */
enum { RECORD_BYTES = 1 << 20 };

/* What one job needs; the members of a group each have their own. */
typedef struct member {
  const eg_job *job;
  const eg_unit *unit;
  const eg_unit_stepper *stepper;
  void *block, *staged, *rows; /* in the type of the state */
  double *state, *records;
  uint64_t *first_bad;
  eg_launch launch; /* of the tile that is being advanced */
} member;

struct eg_device {
  const eg_cpu_kernels *kernels;
  eg_thread thread;
  const eg_job *job;
  member *members; /* a job that is advanced alone is a group of one */
  size_t n_members;
  double *scratch;
  size_t records_at_once;
};

static void release_job(eg_device *d) {
  for (size_t i = 0; d->members != NULL && i < d->n_members; i++) {
    member *const m = &d->members[i];
    free(m->block);
    free(m->staged);
    free(m->rows);
    free(m->state);
    free(m->records);
    free(m->first_bad);
  }
  free(d->members);
  free(d->scratch);
  d->members = NULL;
  d->n_members = 0;
  d->scratch = NULL;
  d->thread.block = NULL;
  d->job = NULL;
}

static void close_device(eg_device *d) {
  if (d == NULL) {
    return;
  }
  release_job(d);
  free(d->thread.noise);
  free(d->thread.rows);
  free(d->thread.index);
  free(d);
}

static eg_status open_device(eg_context *ctx, int index, eg_device **device) {
  (void)index;
  eg_device *d = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, 1, sizeof *d, &d));
  EG_TRY_DONE(eg_cpu_kernels_choose(ctx, &d->kernels));
  d->thread.fill = d->kernels->fill;
  EG_TRY_DONE(eg_allocate_pages(ctx, EG_NOISE_BYTES, 1, &d->thread.noise));
  EG_TRY_DONE(eg_allocate_pages(ctx, EG_ROWS_BYTES, 1, &d->thread.rows));
  EG_TRY_DONE(eg_allocate_pages(ctx, EG_INDEX_BLOCKS * 4 * EG_LANES, sizeof(int32_t), &d->thread.index));
  *device = d;
  d = NULL;
done:
  close_device(d);
  return status;
}

static const char *describe(const eg_device *device) {
  return device->kernels->description;
}

/* A copy of n doubles in the type of the state. */
static eg_status convert(eg_context *ctx, const double *values, size_t n, bool is_float, void **out) {
  void *copy = NULL;
  EG_TRY(eg_allocate_pages(ctx, n, is_float ? sizeof(float) : sizeof(double), &copy));
  for (size_t i = 0; i < n; i++) {
    if (is_float) {
      ((float *)copy)[i] = (float)values[i];
    } else {
      ((double *)copy)[i] = values[i];
    }
  }
  *out = copy;
  return EG_OK;
}

static eg_status find_unit(eg_context *ctx, const eg_device *d, member *m) {
  const eg_job *const job = m->job;
  const bool is_wide = job->kind == EG_KIND_GAUSSIAN64;
  if (job->model_file != NULL) {
    EG_TRY(eg_user_model_unit(ctx, job->user_model, &m->unit));
  } else {
    m->unit = eg_unit_find(job->model, job->dim, job->is_float, is_wide && !job->is_float, d->kernels->isa);
  }
  if (m->unit == NULL || m->unit->dim != job->dim) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "no CPU unit of '%s' in dimension %d", job->model, job->dim);
  }
  if (d->thread.fill->fill[job->kind] == NULL) {
    return eg_fail(ctx, EG_ERR_DEVICE, "noise gaussian-fast exists on the GPU only");
  }
  for (int32_t i = 0; i < m->unit->n_steppers; i++) {
    if (strcmp(m->unit->steppers[i].name, job->stepper) == 0) {
      m->stepper = &m->unit->steppers[i];
      return EG_OK;
    }
  }
  return eg_fail(ctx, EG_ERR_INTERNAL, "unit '%s' has no stepper '%s'", job->model, job->stepper);
}

static eg_status prepare_member(eg_context *ctx, const eg_device *d, member *m) {
  const eg_job *const job = m->job;
  const size_t ld = job->tile, n_points = job->launch.n_points;
  EG_TRY(find_unit(ctx, d, m));
  EG_TRY(eg_allocate_pages(ctx, m->unit->block_bytes((uint32_t)n_points), 1, &m->block));
  EG_TRY(convert(ctx, job->staged, job->n_staged, job->is_float, &m->staged));
  EG_TRY(convert(ctx, job->rows, job->n_row_values, job->is_float, &m->rows));
  EG_TRY(eg_allocate_pages(ctx, n_points * (size_t)job->dim * ld, sizeof(double), &m->state));
  EG_TRY(eg_allocate_pages(ctx, d->records_at_once * n_points * job->n_features * ld, sizeof(double), &m->records));
  return eg_allocate_pages(ctx, n_points * ld, sizeof(uint64_t), &m->first_bad);
}

static eg_status prepare(eg_context *ctx, eg_device *d, const eg_job *job, uint64_t *tiles_at_once) {
  release_job(d);
  const size_t n_members = job->group == NULL ? 1 : job->group->n_members;
  const size_t record_bytes = job->launch.n_points * job->n_features * job->tile * sizeof(double) * n_members;
  const size_t most = RECORD_BYTES / record_bytes;
  d->job = job;
  d->records_at_once = most == 0 ? 1 : (most < job->n_records ? most : job->n_records);
  EG_TRY(eg_allocate(ctx, n_members, sizeof *d->members, &d->members));
  d->n_members = n_members;
  for (size_t i = 0; i < n_members; i++) {
    d->members[i].job = job->group == NULL ? job : job->group->members[i];
    EG_TRY(prepare_member(ctx, d, &d->members[i]));
  }
  EG_TRY(eg_allocate_pages(ctx, (size_t)job->tile / 2 * 3, sizeof(double), &d->scratch));
  *tiles_at_once = 1;
  return EG_OK;
}

static size_t count_bad(const member *m) {
  const eg_launch *const a = &m->launch;
  size_t n = 0;
  for (uint32_t point = 0; point < a->n_points; point++) {
    for (uint32_t l = 0; l < a->n_lanes; l++) {
      n += m->first_bad[(size_t)point * a->ld + l] != EG_NEVER;
    }
  }
  return n;
}

static size_t list_bad_of(const member *m, uint32_t index, eg_bad_trajectory *bad) {
  const eg_launch *const a = &m->launch;
  size_t i = 0;
  for (uint32_t l = 0; l < a->n_lanes; l++) {
    for (uint32_t point = 0; point < a->n_points; point++) {
      const uint64_t step = m->first_bad[(size_t)point * a->ld + l];
      if (step != EG_NEVER) {
        bad[i++] = (eg_bad_trajectory){a->realisation_first + l, step, point, index};
      }
    }
  }
  return i;
}

static eg_status list_bad(eg_context *ctx, const eg_device *d, eg_tile_result *result) {
  size_t n = 0;
  for (size_t i = 0; i < d->n_members; i++) {
    n += count_bad(&d->members[i]);
  }
  result->bad = NULL;
  result->n_bad = n;
  if (n == 0) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, n, sizeof *result->bad, &result->bad));
  size_t at = 0;
  for (size_t i = 0; i < d->n_members; i++) {
    at += list_bad_of(&d->members[i], (uint32_t)i, result->bad + at);
  }
  return EG_OK;
}

/* Steps between two looks: by the lanes, points, rows and components that a step goes through. */
static uint64_t steps_per_look(const eg_job *job) {
  const double width = (double)job->tile * job->launch.n_points * (1.0 + job->launch.fold_count) * job->dim;
  const double steps = (double)STEPS_PER_LOOK / width;
  return steps < 1 ? 1 : (uint64_t)steps;
}

static void run_launch(eg_device *d, const member *m, const eg_launch *a) {
  d->thread.block = m->block;
  m->stepper->advance(m->job->params, a, &d->thread);
}

/* Advance towards `target` in pieces, so that a stop is honoured within a piece. A piece ends in a record without
   features: that is where trajectories are checked for being finite. Leaves less than a piece to do. */
static eg_status approach(eg_device *d, member *m, uint64_t target, const volatile int *stop) {
  const uint64_t piece = steps_per_look(m->job);
  eg_launch *const a = &m->launch;
  while (target - a->step_first > piece) {
    if (*stop) {
      return EG_STOPPED;
    }
    const uint64_t end = a->step_first + piece;
    eg_launch part = *a;
    part.record_steps = &end;
    part.n_records = 1;
    part.n_features = 0;
    part.step_last = end;
    run_launch(d, m, &part);
    a->step_first = end;
    a->is_restart = 1;
  }
  return EG_OK;
}

/* How many records from `first` on to make in one launch: at least one, not beyond step `last`. */
static size_t records_within(const eg_job *job, size_t first, size_t most, uint64_t last) {
  size_t n = 1;
  while (n < most && first + n < job->n_records && job->record_steps[first + n] <= last) {
    n++;
  }
  return n;
}

static void begin_tile(member *m, uint64_t tile) {
  const eg_job *const job = m->job;
  eg_launch *const a = &m->launch;
  const uint64_t left = job->n_realisations - tile * job->tile;
  *a = job->launch;
  a->realisation_first = tile * job->tile;
  a->n_lanes = (uint32_t)(left < job->tile ? left : job->tile);
  a->features = job->features;
  a->start = job->start;
  a->staged = m->staged;
  a->rows = m->rows;
  a->state = m->state;
  a->records = m->records;
  a->first_bad = m->first_bad;
}

/* Records first .. first + *n - 1 of every member; *n: as many as none of them needs too long for. */
static eg_status advance_records(eg_device *d, size_t first, size_t *n, const volatile int *stop) {
  *n = d->records_at_once;
  for (size_t i = 0; i < d->n_members; i++) {
    member *const m = &d->members[i];
    EG_TRY(approach(d, m, m->job->record_steps[first], stop));
    *n = records_within(m->job, first, *n, m->launch.step_first + steps_per_look(m->job));
  }
  for (size_t i = 0; i < d->n_members; i++) {
    member *const m = &d->members[i];
    eg_launch *const a = &m->launch;
    if (*stop) {
      return EG_STOPPED;
    }
    a->n_records = (uint32_t)*n;
    a->record_steps = m->job->record_steps + first;
    a->step_last = a->record_steps[*n - 1];
    run_launch(d, m, a);
    a->step_first = a->step_last;
    a->is_restart = 1;
  }
  return EG_OK;
}

/* Sums of `n` records of member i into its node; then of the differences, made in place: a base comes later, so it is
   still what its member recorded. */
static void reduce_records(eg_device *d, size_t first, size_t n, double *nodes) {
  const eg_job *const job = d->job;
  const size_t row_node = (size_t)job->launch.n_points * eg_node_values((uint32_t)job->n_features, job->with_covariance);
  const size_t n_values = n * job->launch.n_points * job->n_features * job->tile;
  eg_reduce r;
  memset(&r, 0, sizeof r);
  r.n_records = (uint32_t)n;
  r.n_points = job->launch.n_points;
  r.n_features = (uint32_t)job->n_features;
  r.ld = job->tile;
  r.n_lanes = d->members[0].launch.n_lanes;
  r.with_covariance = job->with_covariance;
  for (size_t i = 0; i < 2 * d->n_members - 1; i++) {
    const bool is_difference = i >= d->n_members;
    double *const records = d->members[is_difference ? i - d->n_members : i].records;
    if (is_difference) {
      const double *const base = d->members[job->group->bases[i - d->n_members]].records;
      for (size_t k = 0; k < n_values; k++) {
        records[k] -= base[k];
      }
    }
    r.records = records;
    r.nodes = nodes + i * job->node_values + first * row_node;
    d->kernels->reduce(&r, records, d->scratch);
  }
}

static eg_status advance_tile(eg_context *ctx, eg_device *d, uint64_t tile, const volatile int *stop,
                              eg_tile_result *result) {
  for (size_t i = 0; i < d->n_members; i++) {
    begin_tile(&d->members[i], tile);
  }
  size_t n = 0;
  for (size_t first = 0; first < d->job->n_records; first += n) {
    EG_TRY(advance_records(d, first, &n, stop));
    reduce_records(d, first, n, result->node);
  }
  return list_bad(ctx, d, result);
}

static eg_status advance(eg_context *ctx, eg_device *d, uint64_t first, uint64_t n, const volatile int *stop,
                         eg_tile_result *results) {
  for (uint64_t i = 0; i < n; i++) {
    EG_TRY(advance_tile(ctx, d, first + i, stop, &results[i]));
  }
  return EG_OK;
}

const eg_backend eg_backend_cpu = {"cpu", open_device, close_device, describe, prepare, advance};
