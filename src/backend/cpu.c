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

/* Records of a tile are made and reduced in parts that stay in the second-level cache. */
enum { RECORD_BYTES = 1 << 20 };

struct eg_device {
  const eg_cpu_kernels *kernels;
  eg_thread thread;
  const eg_job *job;
  const eg_unit *unit;
  const eg_unit_stepper *stepper;
  void *staged, *rows; /* in the type of the state */
  double *state, *records, *scratch;
  uint32_t *places; /* scratch of the histograms */
  uint64_t *first_bad;
  size_t records_at_once;
};

static void release_job(eg_device *d) {
  free(d->thread.block);
  free(d->staged);
  free(d->rows);
  free(d->state);
  free(d->records);
  free(d->scratch);
  free(d->places);
  free(d->first_bad);
  d->thread.block = d->staged = d->rows = NULL;
  d->state = d->records = d->scratch = NULL;
  d->places = NULL;
  d->first_bad = NULL;
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

static eg_status find_unit(eg_context *ctx, eg_device *d, const eg_job *job) {
  const bool is_wide = job->kind == EG_KIND_GAUSSIAN64;
  if (job->model_file != NULL) {
    EG_TRY(eg_user_model_unit(ctx, job->user_model, &d->unit));
  } else if (job->form == EG_FORM_TEAM) {
    d->unit = eg_unit_find_team(job->model, job->is_float, d->kernels->isa);
  } else {
    d->unit = eg_unit_find(job->model, job->dim, job->is_float, is_wide && !job->is_float, d->kernels->isa);
  }
  if (d->unit == NULL || (job->form == EG_FORM_TEAM ? d->unit->dim < job->dim : d->unit->dim != job->dim)) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "no CPU unit of '%s' in dimension %d", job->model, job->dim);
  }
  if (d->thread.fill->fill[job->kind] == NULL) {
    return eg_fail(ctx, EG_ERR_DEVICE, "noise gaussian-fast exists on the GPU only");
  }
  for (int32_t i = 0; i < d->unit->n_steppers; i++) {
    if (strcmp(d->unit->steppers[i].name, job->stepper) == 0) {
      d->stepper = &d->unit->steppers[i];
      return EG_OK;
    }
  }
  return eg_fail(ctx, EG_ERR_INTERNAL, "unit '%s' has no stepper '%s'", job->model, job->stepper);
}

static eg_status prepare(eg_context *ctx, eg_device *d, const eg_job *job, uint64_t *tiles_at_once) {
  release_job(d);
  EG_TRY(find_unit(ctx, d, job));
  d->job = job;
  const size_t ld = job->launch.ld, n_points = job->launch.n_points;
  const size_t row = n_points * job->n_features * ld;
  const size_t most = RECORD_BYTES / (row * sizeof(double));
  d->records_at_once = most == 0 ? 1 : (most < job->n_records ? most : job->n_records);
  EG_TRY(eg_allocate_pages(ctx, d->unit->block_bytes((uint32_t)n_points, job->launch.ld, (uint32_t)job->dim), 1, &d->thread.block));
  EG_TRY(convert(ctx, job->staged, job->n_staged, job->is_float, &d->staged));
  EG_TRY(convert(ctx, job->rows, job->n_row_values, job->is_float, &d->rows));
  EG_TRY(eg_allocate_pages(ctx, n_points * (size_t)job->dim * ld, sizeof(double), &d->state));
  EG_TRY(eg_allocate_pages(ctx, d->records_at_once * row, sizeof(double), &d->records));
  EG_TRY(eg_allocate_pages(ctx, ld / 2 * 3, sizeof(double), &d->scratch));
  EG_TRY(eg_allocate_pages(ctx, n_points * ld, sizeof(uint64_t), &d->first_bad));
  if (job->n_histograms > 0) {
    EG_TRY(eg_allocate_pages(ctx, ld + 4 * (EG_MAX_BINS + 3), sizeof(uint32_t), &d->places));
  }
  *tiles_at_once = 1;
  return EG_OK;
}

static eg_status list_bad(eg_context *ctx, const eg_device *d, const eg_launch *a, eg_tile_result *result) {
  size_t n = 0;
  for (uint32_t point = 0; point < a->n_points; point++) {
    for (uint32_t l = 0; l < a->n_lanes; l++) {
      n += d->first_bad[(size_t)point * a->ld + l] != EG_NEVER;
    }
  }
  result->bad = NULL;
  result->n_bad = n;
  if (n == 0) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, n, sizeof *result->bad, &result->bad));
  size_t i = 0;
  for (uint32_t l = 0; l < a->n_lanes; l++) {
    for (uint32_t point = 0; point < a->n_points; point++) {
      const uint64_t step = d->first_bad[(size_t)point * a->ld + l];
      if (step != EG_NEVER) {
        result->bad[i].realisation = a->realisation_first + l;
        result->bad[i].step = step;
        result->bad[i].point = point;
        i++;
      }
    }
  }
  return EG_OK;
}

/* Steps between two looks. */
static uint64_t steps_per_look(const eg_job *job) {
  const double steps = (double)STEPS_PER_LOOK / ((double)job->tile * job->launch.n_points * job->step_work);
  return steps < 1 ? 1 : (uint64_t)steps;
}

/* Advance towards `target` in pieces, so that a stop is honoured within a piece. A piece ends in a record without
   features: that is where trajectories are checked for being finite. Leaves less than a piece to do. */
static eg_status approach(eg_device *d, eg_launch *a, uint64_t target, const volatile int *stop) {
  const uint64_t piece = steps_per_look(d->job);
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
    d->stepper->advance(d->job->params, &part, &d->thread);
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

static void count_records(const eg_device *d, const eg_launch *a, size_t first, uint64_t *counts) {
  const eg_job *const job = d->job;
  eg_count r;
  memset(&r, 0, sizeof r);
  r.records = d->records;
  r.histograms = job->histograms;
  r.edges = job->edges;
  r.counts = counts;
  r.tiles = 1;
  r.n_records = a->n_records;
  r.n_points = a->n_points;
  r.n_features = a->n_features;
  r.ld = a->ld;
  r.n_lanes = a->n_lanes;
  r.record_first = (uint32_t)first;
  r.n_histograms = (uint32_t)job->n_histograms;
  r.row_counts = (uint32_t)job->row_counts;
  d->kernels->count(&r, d->places);
}

/* Records `first` .. of the realisations whose paths are kept. */
static void keep_paths(const eg_device *d, const eg_launch *a, size_t first, double *paths) {
  const eg_job *const job = d->job;
  for (uint32_t l = 0; l < a->n_lanes; l++) {
    const uint64_t kept = a->realisation_first + l - job->kept_first; /* wraps to a large number below the first */
    if (kept >= job->n_kept) {
      continue;
    }
    for (uint32_t record = 0; record < a->n_records; record++) {
      for (uint32_t point = 0; point < a->n_points; point++) {
        const double *const v = d->records + ((size_t)record * a->n_points + point) * a->n_features * a->ld + l;
        for (size_t c = 0; c < job->n_kept_columns; c++) {
          paths[eg_job_path_at(job, point, kept, first + record, c)] = v[(size_t)job->kept_columns[c] * a->ld];
        }
      }
    }
  }
}

static eg_status advance_tile(eg_context *ctx, eg_device *d, uint64_t tile, const volatile int *stop,
                              eg_tile_result *result) {
  const eg_job *const job = d->job;
  d->thread.stop = stop;
  eg_launch a = job->launch;
  const uint64_t left = job->n_realisations - tile * job->tile;
  a.realisation_first = tile * job->tile;
  a.n_lanes = (uint32_t)(left < job->tile ? left : job->tile);
  a.features = job->features;
  a.start = job->start;
  a.staged = d->staged;
  a.rows = d->rows;
  a.state = d->state;
  a.records = d->records;
  a.first_bad = d->first_bad;
  eg_reduce r;
  memset(&r, 0, sizeof r);
  r.records = d->records;
  r.n_points = a.n_points;
  r.n_features = a.n_features;
  r.ld = a.ld;
  r.n_lanes = a.n_lanes;
  r.with_covariance = job->with_covariance;
  const size_t node = (size_t)a.n_points * eg_node_values(a.n_features, job->with_covariance);
  size_t n = 0;
  for (size_t first = 0; first < job->n_records; first += n) {
    EG_TRY(approach(d, &a, job->record_steps[first], stop));
    if (*stop) {
      return EG_STOPPED;
    }
    n = records_within(job, first, d->records_at_once, a.step_first + steps_per_look(job));
    a.n_records = (uint32_t)n;
    a.record_steps = job->record_steps + first;
    a.step_last = a.record_steps[n - 1];
    d->stepper->advance(job->params, &a, &d->thread);
    if (*stop) { /* a step in team form may have been left */
      return EG_STOPPED;
    }
    a.step_first = a.step_last;
    a.is_restart = 1;
    r.n_records = a.n_records;
    r.nodes = result->node + first * node;
    d->kernels->reduce(&r, d->records, d->scratch);
    if (job->n_histograms > 0) {
      count_records(d, &a, first, result->counts);
    }
    if (job->n_kept > 0) {
      keep_paths(d, &a, first, result->paths);
    }
  }
  return list_bad(ctx, d, &a, result);
}

static eg_status advance(eg_context *ctx, eg_device *d, uint64_t first, uint64_t n, const volatile int *stop,
                         eg_tile_result *results) {
  for (uint64_t i = 0; i < n; i++) {
    EG_TRY(advance_tile(ctx, d, first + i, stop, &results[i]));
  }
  return EG_OK;
}

const eg_backend eg_backend_cpu = {"cpu", open_device, close_device, describe, prepare, advance};
