/* The CPU backend: one device is one worker thread with its buffers. */
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/cpu_streams.h"
#include "backend/fractional.h"
#include "base/stop_flag.h"
#include "core/noise.h"
#include "core/permutation.h"
#include "core/rows.h"
#include "model/compiled_units.h"
#include "model/units.h"
#include "model/user_model.h"
#include "stats/largest.h"
#include "stats/moments.h"

/* Trajectory-steps (times rows and components) after which a tile looks whether it should stop: well below a second. */
static const uint64_t STEPS_PER_LOOK = 1u << 27;

/* Records of a tile (of all members of a group) are made and reduced in parts that stay in the second-level cache. */
enum { RECORD_BYTES = 1 << 19 };

struct eg_device {
  const eg_cpu_kernels *kernels;
  eg_thread thread;
  const eg_job *job;
  const eg_unit *unit;
  const eg_unit_stepper *stepper;
  void *staged, *rows; /* in the type of the state */
  double *state, *monitors, *records, *scratch;
  double *tracks, *path_values; /* of the paths' statistics: observations of the tile so far; values of one statistic */
  eg_cpu_streams streams; /* of the statistics that are fed between observations */
  uint32_t *places; /* scratch of the histograms */
  uint64_t *first_bad;
  size_t records_at_once;
  eg_device **members; /* of a group: this one, which leads, and those that it owns; NULL: one job alone */
  size_t n_members;
  void *own_noise; /* the thread's noise buffer while whole paths of the job stand in its place */
  size_t own_bytes, job_bytes; /* of the buffers that stay, and of those for the job */
};

/* Page-aligned and zeroed, and counted. */
static eg_status reserve(eg_context *ctx, size_t *bytes, size_t count, size_t size, void *out_pointer) {
  EG_TRY(eg_allocate_pages(ctx, count, size, out_pointer));
  *bytes += count * size;
  return EG_OK;
}

static void close_device(eg_device *d);

static void release_members(eg_device *d) {
  for (size_t i = 1; d->members != NULL && i < d->n_members; i++) {
    close_device(d->members[i]);
  }
  free(d->members);
  d->members = NULL;
  d->n_members = 0;
}

static void release_permutation(eg_thread *thread) {
  if (thread->permutation != NULL) {
    free(thread->permutation->order);
    free(thread->permutation->chosen);
    free(thread->permutation);
    thread->permutation = NULL;
  }
}

/* The shuffle of a run that draws without replacement, at the identity. */
static eg_status make_permutation(eg_context *ctx, const eg_job *job, eg_thread *thread) {
  const size_t n = job->launch.n_rows;
  if (job->launch.sampling == EG_SAMPLE_REPLACEMENT) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, 1, sizeof *thread->permutation, &thread->permutation));
  EG_TRY(eg_allocate(ctx, n * EG_LANES, sizeof(uint16_t), &thread->permutation->order));
  EG_TRY(eg_allocate(ctx, n * EG_LANES, sizeof(uint16_t), &thread->permutation->chosen));
  for (size_t i = 0; i < n * EG_LANES; i++) {
    thread->permutation->order[i] = (uint16_t)(i / EG_LANES);
  }
  return EG_OK;
}

/* Whole paths of fractional noise instead of increments made a little ahead. */
static eg_status make_fractional(eg_context *ctx, eg_device *d, const eg_job *job) {
  const eg_launch *const a = &job->launch;
  void *paths = NULL;
  if (a->hurst == 0) {
    return EG_OK;
  }
  EG_TRY(eg_fractional_create(ctx, a->hurst, a->path_steps, &d->job_bytes, &d->thread.fractional));
  EG_TRY(reserve(ctx, &d->job_bytes, a->path_steps * EG_LANES, (size_t)d->unit->noise_bytes, &paths));
  d->own_noise = d->thread.noise;
  d->thread.noise = paths;
  return EG_OK;
}

static void release_fractional(eg_device *d) {
  eg_fractional_free(d->thread.fractional);
  d->thread.fractional = NULL;
  if (d->own_noise != NULL) {
    free(d->thread.noise);
    d->thread.noise = d->own_noise;
    d->own_noise = NULL;
  }
}

static void release_job(eg_device *d) {
  release_members(d);
  release_fractional(d);
  free(d->thread.block);
  release_permutation(&d->thread);
  free(d->staged);
  free(d->rows);
  free(d->state);
  free(d->monitors);
  free(d->records);
  free(d->scratch);
  free(d->places);
  free(d->first_bad);
  free(d->tracks);
  free(d->path_values);
  eg_cpu_streams_free(&d->streams);
  d->thread.block = d->staged = d->rows = NULL;
  d->state = d->monitors = d->records = d->scratch = d->tracks = d->path_values = NULL;
  d->places = NULL;
  d->first_bad = NULL;
  d->job = NULL;
  d->job_bytes = 0;
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
  EG_TRY_DONE(reserve(ctx, &d->own_bytes, EG_NOISE_BYTES, 1, &d->thread.noise));
  EG_TRY_DONE(reserve(ctx, &d->own_bytes, EG_ROWS_BYTES, 1, &d->thread.rows));
  EG_TRY_DONE(reserve(ctx, &d->own_bytes, EG_INDEX_BLOCKS * 4 * EG_LANES, sizeof(int32_t), &d->thread.index));
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
static eg_status convert(eg_context *ctx, size_t *bytes, const double *values, size_t n, bool is_float, void **out) {
  void *copy = NULL;
  EG_TRY(reserve(ctx, bytes, n, is_float ? sizeof(float) : sizeof(double), &copy));
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
  if (d->thread.fill->fill[job->kind] == NULL) {
    return eg_fail(ctx, EG_ERR_DEVICE, "noise gaussian-fast exists on the GPU only");
  }
  if (job->model_file == NULL) {
    const eg_unit_request request = eg_job_unit(job, d->kernels->isa);
    return eg_unit_obtain(ctx, &request, &d->unit, &d->stepper);
  }
  return eg_user_model_stepper(ctx, job->user_model, job->stepper, &d->unit, &d->stepper);
}

static eg_status reserve_paths(eg_context *ctx, eg_device *d, const eg_job *job) {
  size_t n = 0;
  for (size_t i = 0; i < job->n_paths; i++) {
    n = job->paths[i].n_values > n ? job->paths[i].n_values : n;
  }
  EG_TRY(reserve(ctx, &d->job_bytes, eg_job_track_values(job, eg_job_tracked_records(job)), sizeof(double), &d->tracks));
  return reserve(ctx, &d->job_bytes, n * job->launch.ld, sizeof(double), &d->path_values);
}

static eg_status prepare_job(eg_context *ctx, eg_device *d, const eg_job *job) {
  release_job(d);
  EG_TRY(find_unit(ctx, d, job));
  d->job = job;
  const size_t ld = job->launch.ld, n_points = job->launch.n_points;
  const size_t row = n_points * job->n_features * ld;
  const size_t most = RECORD_BYTES / (row * sizeof(double) * (job->group == NULL ? 1 : job->group->n_members));
  d->records_at_once = most == 0 ? 1 : (most < eg_job_observations(job) ? most : eg_job_observations(job));
  EG_TRY(reserve(ctx, &d->job_bytes, d->unit->block_bytes(&job->launch), 1, &d->thread.block));
  EG_TRY(make_permutation(ctx, job, &d->thread));
  EG_TRY(make_fractional(ctx, d, job));
  EG_TRY(convert(ctx, &d->job_bytes, job->staged, job->n_staged, job->is_float, &d->staged));
  EG_TRY(convert(ctx, &d->job_bytes, job->rows, job->n_row_values, job->is_float, &d->rows));
  EG_TRY(reserve(ctx, &d->job_bytes, job->state_values, sizeof(double), &d->state));
  EG_TRY(reserve(ctx, &d->job_bytes, n_points * job->launch.n_monitors * 2 * ld, sizeof(double), &d->monitors));
  EG_TRY(reserve(ctx, &d->job_bytes, d->records_at_once * row, sizeof(double), &d->records));
  EG_TRY(reserve(ctx, &d->job_bytes, ld / 2 * 3, sizeof(double), &d->scratch));
  EG_TRY(reserve(ctx, &d->job_bytes, n_points * ld, sizeof(uint64_t), &d->first_bad));
  if (job->n_histograms > 0) {
    EG_TRY(reserve(ctx, &d->job_bytes, 2 * ld + 4 * (EG_MAX_BINS + 3), sizeof(uint32_t), &d->places));
  }
  if (job->n_paths > 0) {
    EG_TRY(reserve_paths(ctx, d, job));
  }
  return eg_cpu_streams_reserve(ctx, job, &d->job_bytes, &d->streams);
}

static eg_status prepare(eg_context *ctx, eg_device *d, const eg_job *job, uint64_t *tiles_at_once) {
  const eg_job_group *const group = job->group;
  EG_TRY(prepare_job(ctx, d, job));
  *tiles_at_once = 1;
  if (group == NULL) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, group->n_members, sizeof *d->members, &d->members));
  d->n_members = group->n_members;
  d->members[0] = d;
  for (size_t i = 1; i < group->n_members; i++) {
    EG_TRY(open_device(ctx, 0, &d->members[i]));
    EG_TRY(prepare_job(ctx, d->members[i], group->members[i]));
  }
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
  const double particles = job->launch.n_particles > 0 ? (double)job->launch.n_particles : 1.0;
  const double work = job->step_work + 4.0 * job->launch.n_monitors;
  const double steps = (double)STEPS_PER_LOOK / ((double)job->tile * job->launch.n_points * particles * work);
  return steps < 1 ? 1 : (uint64_t)steps;
}

/* ---- parts of a tile ---- */

static eg_status keep_part(eg_context *ctx, eg_device *d, uint64_t tile, const eg_launch *a, size_t n_records,
                           const eg_tile_result *result) {
  eg_tile_part part = {a->step_first, n_records,    d->state,       d->monitors,
                       d->first_bad,  result->node, result->counts, result->paths, d->tracks, d->streams.state};
  double *wide = NULL;
  if (d->job->is_float) {
    const size_t n = d->job->state_values;
    EG_TRY(eg_allocate(ctx, n, sizeof *wide, &wide));
    for (size_t i = 0; i < n; i++) {
      wide[i] = (double)((const float *)(const void *)d->state)[i];
    }
    part.state = wide;
  }
  const eg_status status = result->keeper->keep(ctx, result->keeper, tile, &part);
  free(wide);
  return status;
}

/* Between two launches: keep the tile if that is due, end if that is asked for. */
static eg_status pause_tile(eg_context *ctx, eg_device *d, uint64_t tile, const eg_launch *a, size_t n_records,
                            const volatile int *stop, const eg_tile_result *result) {
  const bool is_stopping = eg_is_stopping(stop);
  const bool can_keep = result->keeper != NULL && a->is_restart && d->job->form != EG_FORM_TEAM; /* may be in a step */
  if (can_keep && result->keeper->is_due(result->keeper, is_stopping)) {
    EG_TRY(keep_part(ctx, d, tile, a, n_records, result));
  }
  return is_stopping ? EG_STOPPED : EG_OK;
}

static void resume_part(eg_device *d, eg_launch *a, const eg_tile_part *part, const eg_tile_result *result) {
  const eg_job *const job = d->job;
  const size_t n = job->state_values;
  for (size_t i = 0; i < n; i++) {
    if (job->is_float) {
      ((float *)(void *)d->state)[i] = (float)part->state[i];
    } else {
      d->state[i] = part->state[i];
    }
  }
  memcpy(d->monitors, part->monitors, (size_t)a->n_points * a->n_monitors * 2 * a->ld * sizeof *d->monitors);
  memcpy(d->first_bad, part->first_bad, (size_t)a->n_points * a->ld * sizeof *d->first_bad);
  memcpy(result->node, part->node, eg_places_before(eg_job_moment_places(job), part->n_records) * job->record_values * sizeof *part->node);
  if (job->n_paths > 0) {
    memcpy(d->tracks, part->tracks, eg_job_track_values(job, eg_places_before(eg_job_tracked_places(job), part->n_records)) * sizeof *part->tracks);
  }
  if (job->n_counts > 0) {
    memcpy(result->counts, part->counts, job->n_counts * sizeof *part->counts);
  }
  if (job->n_kept > 0) {
    memcpy(result->paths, part->paths, eg_job_path_values(job) * sizeof *part->paths);
  }
  if (job->n_streams > 0) {
    memcpy(d->streams.state, part->streams, eg_job_stream_values(job, job->n_streams) * sizeof *part->streams);
  }
  a->step_first = part->step;
  a->is_restart = 1;
}

/* ---- one tile ---- */

/* Advance towards `target` in pieces, so that a stop is honoured within a piece. A piece ends a launch: that is where
   trajectories are checked for being finite. Leaves less than a piece to do, and no sample of a streamed statistic. */
static eg_status approach(eg_context *ctx, eg_device *d, uint64_t tile, eg_launch *a, size_t n_records, uint64_t target,
                          const volatile int *stop, const eg_tile_result *result) {
  const uint64_t piece = steps_per_look(d->job);
  for (;;) {
    const uint64_t end = target - a->step_first > piece ? a->step_first + piece : target;
    const bool has_sample = eg_cpu_streams_next(d->job, a->step_first) <= end;
    EG_TRY(pause_tile(ctx, d, tile, a, n_records, stop, result));
    if (end == target && !has_sample) {
      return EG_OK;
    }
    eg_launch part = *a;
    part.n_records = 0;
    part.step_last = end;
    if (has_sample) {
      eg_cpu_streams_begin(d->job, &d->streams, &part);
    }
    d->stepper->advance(d->job->params, &part, &d->thread);
    if (has_sample) {
      eg_cpu_streams_feed(d->job, &d->streams, &part, d->kernels);
    }
    a->step_first = part.step_last;
    a->is_restart = 1;
  }
}

/* How many records from `first` on to make in one launch: at least one, not beyond step `last`, none behind a sample. */
static size_t records_within(const eg_job *job, size_t first, size_t most, uint64_t last) {
  size_t n = 1;
  while (job->n_streams == 0 && n < most && first + n < eg_job_observations(job) && eg_job_steps(job)[first + n] <= last) {
    n++;
  }
  return n;
}

static void count_section(const eg_device *d, const eg_launch *a, size_t first, const eg_count_section *s, uint64_t *counts) {
  const eg_job *const job = d->job;
  eg_count r;
  memset(&r, 0, sizeof r);
  r.records = d->records;
  r.histograms = job->histograms + s->first;
  r.edges = job->edges;
  r.counts = counts + s->first_count;
  r.places = s->places;
  r.tiles = 1;
  r.n_records = a->n_records;
  r.n_points = a->n_points;
  r.n_features = a->n_features;
  r.ld = a->ld;
  r.n_lanes = a->n_lanes;
  r.record_first = (uint32_t)first;
  r.n_histograms = (uint32_t)s->n;
  r.row_counts = (uint32_t)s->row_counts;
  d->kernels->count(&r, d->places);
  d->kernels->count_pairs(&r, s->pairs, (uint32_t)s->n_pairs, d->places);
}

/* Observations `first` .. of the realisations whose paths are kept. */
static void keep_paths(const eg_device *d, const eg_launch *a, size_t first, double *paths) {
  const eg_job *const job = d->job;
  for (uint32_t l = 0; l < a->n_lanes; l++) {
    const uint64_t kept = a->realisation_first + l - job->kept_first; /* wraps to a large number below the first */
    if (kept >= job->n_kept) {
      continue;
    }
    for (uint32_t record = 0; record < a->n_records; record++) {
      const size_t place = eg_observation_place(eg_job_kept_places(job), first + record);
      for (uint32_t point = 0; point < a->n_points && place != EG_NO_PLACE; point++) {
        const double *const v = d->records + ((size_t)record * a->n_points + point) * a->n_features * a->ld + l;
        for (size_t c = 0; c < job->n_kept_columns; c++) {
          paths[eg_job_path_at(job, point, kept, place, c)] = v[(size_t)job->kept_columns[c] * a->ld];
        }
      }
    }
  }
}

static void count_and_keep(const eg_device *d, const eg_launch *a, size_t first, uint64_t *counts, double *paths) {
  for (size_t i = 0; i < eg_job_sections(d->job); i++) {
    const eg_count_section section = eg_job_section(d->job, i);
    count_section(d, a, first, &section, counts);
  }
  if (d->job->n_kept > 0) {
    keep_paths(d, a, first, paths);
  }
}

static void begin_tile(eg_device *d, uint64_t tile, const volatile int *stop, eg_launch *a) {
  const eg_job *const job = d->job;
  d->thread.stop = stop;
  const uint64_t left = job->n_realisations - tile * job->tile;
  *a = job->launch;
  a->realisation_first = tile * job->tile;
  a->n_lanes = (uint32_t)(left < job->tile ? left : job->tile);
  a->features = job->features;
  a->start = job->start;
  a->staged = d->staged;
  a->rows = d->rows;
  a->state = d->state;
  a->monitor_state = d->monitors;
  a->records = d->records;
  a->first_bad = d->first_bad;
  eg_cpu_streams_clear(job, &d->streams);
}

/* Records of the observations first .. first + n - 1; unused lanes are masked. */
static void make_records(eg_device *d, eg_launch *a, size_t first, size_t n) {
  const eg_job *const job = d->job;
  a->n_records = (uint32_t)n;
  a->record_steps = eg_job_steps(job) + first;
  a->record_columns = job->schedules == NULL ? NULL : job->schedules->columns + 2 * first;
  a->step_last = a->record_steps[n - 1];
  d->stepper->advance(job->params, a, &d->thread);
  a->step_first = a->step_last;
  a->is_restart = 1;
  for (size_t row = 0; a->n_lanes < a->ld && row < n * a->n_points * a->n_features; row++) {
    for (uint32_t l = a->n_lanes; l < a->ld; l++) {
      d->records[row * a->ld + l] = eg_double_of_bits(0x7ff8000000000000ull);
    }
  }
}

/* Sums of the records in hand that moments are made of into their rows of a node. */
static void reduce_records(eg_device *d, const eg_launch *a, size_t first, double *node) {
  const eg_job *const job = d->job;
  const uint32_t *const places = eg_job_moment_places(job);
  size_t at = first, n = 0;
  eg_reduce r;
  memset(&r, 0, sizeof r);
  r.n_points = a->n_points;
  r.n_features = (uint32_t)eg_job_moment_columns(job);
  r.width = a->n_features;
  r.ld = r.n_lanes = a->ld;
  r.with_covariance = job->with_covariance;
  for (; (n = eg_places_run(places, &at, first + a->n_records)) > 0; at += n) {
    double *const records = d->records + (at - first) * a->n_points * a->n_features * a->ld;
    r.records = records;
    r.n_records = (uint32_t)n;
    r.nodes = node + eg_observation_place(places, at) * job->record_values;
    d->kernels->reduce(&r, records, d->scratch);
  }
}

/* Tracked columns of the records in hand. */
static void track_records(const eg_device *d, const eg_launch *a, size_t first) {
  const eg_job *const job = d->job;
  const uint32_t *const places = eg_job_tracked_places(job);
  double *to = d->tracks + eg_job_track_values(job, eg_places_before(places, first));
  for (uint32_t record = 0; record < a->n_records; record++) {
    for (uint32_t point = 0; point < a->n_points && eg_observation_place(places, first + record) != EG_NO_PLACE; point++) {
      const double *const row = d->records + ((size_t)record * a->n_points + point) * a->n_features * a->ld;
      for (size_t c = 0; c < job->n_tracked; c++, to += a->ld) {
        memcpy(to, row + job->tracked_columns[c] * (size_t)a->ld, a->ld * sizeof *to);
      }
    }
  }
}

/* The largest of the second row of values. */
static void list_largest(const eg_device *d, const eg_launch *a, const eg_path_statistic *s, double *list) {
  const double *const values = d->path_values + a->ld;
  uint32_t n = 0;
  for (uint32_t l = 0; l < a->ld; l++) {
    if (values[l] == values[l]) {
      eg_largest_offer(list, s->n_largest, &n, values[l], (double)(a->realisation_first + l));
    }
  }
  eg_largest_finish(list, s->n_largest, n);
}

/* Values of the trajectories that count, into their bins. */
static void count_values(const eg_device *d, const eg_launch *a, const eg_path_statistic *s, uint32_t point, uint64_t *counts) {
  for (uint32_t i = 0; i < s->n_counted; i++) {
    const double *const v = d->path_values + (size_t)i * a->ld;
    uint64_t *const places = counts + s->first_count + ((size_t)point * s->n_counted + i) * EG_PATH_PLACES;
    for (uint32_t l = 0; l < a->n_lanes; l++) {
      if (v[l] == v[l]) {
        places[eg_path_place(v[l])]++;
      }
    }
  }
}

/* Sums of the paths' statistics, behind the rows of the records: a statistic is a row whose features are its values. */
static void reduce_paths(const eg_device *d, const eg_launch *a, double *node, uint64_t *counts) {
  const eg_job *const job = d->job;
  node += job->n_records * job->record_values;
  for (size_t i = 0; i < job->n_paths; i++) {
    const eg_path_statistic *const s = &job->paths[i];
    for (uint32_t point = 0; point < eg_path_rows(s, a->n_points); point++) {
      const eg_path_values p = {d->tracks, d->path_values, a->n_points, (uint32_t)job->n_tracked, a->ld, point};
      eg_reduce r;
      memset(&r, 0, sizeof r);
      if (s->stream != NULL) {
        eg_cpu_streams_values(job, &d->streams, s->stream, a, point, d->kernels, d->path_values);
      } else {
        d->kernels->path_values(&p, s);
      }
      count_values(d, a, s, point, counts);
      r.records = d->path_values;
      r.nodes = node;
      r.n_records = r.n_points = 1;
      r.n_features = r.width = eg_path_columns(s);
      r.ld = a->ld;
      r.n_lanes = s->stream != NULL ? a->n_lanes : a->ld; /* of tracks unused lanes are masked already */
      r.with_covariance = s->with_covariance;
      d->kernels->reduce(&r, d->path_values, d->scratch);
      node += eg_path_row_values(s);
      if (s->n_largest > 0) {
        list_largest(d, a, s, node - 2 * s->n_largest);
      }
    }
  }
}

static eg_status advance_tile(eg_context *ctx, eg_device *d, uint64_t tile, const volatile int *stop,
                              eg_tile_result *result) {
  const eg_job *const job = d->job;
  eg_launch a;
  begin_tile(d, tile, stop, &a);
  size_t first = 0, n = 0;
  if (result->resume != NULL) {
    first = (size_t)result->resume->n_records;
    resume_part(d, &a, result->resume, result);
  }
  for (; first < eg_job_observations(job); first += n) {
    EG_TRY(approach(ctx, d, tile, &a, first, eg_job_steps(job)[first], stop, result));
    n = records_within(job, first, d->records_at_once, a.step_first + steps_per_look(job));
    make_records(d, &a, first, n);
    if (job->form == EG_FORM_TEAM && eg_is_stopping(stop)) { /* a step may have been left */
      return EG_STOPPED;
    }
    reduce_records(d, &a, first, result->node);
    count_and_keep(d, &a, first, result->counts, result->paths);
    if (job->n_paths > 0) {
      track_records(d, &a, first);
    }
  }
  if (job->n_paths > 0) {
    reduce_paths(d, &a, result->node, result->counts);
  }
  return list_bad(ctx, d, &a, result);
}

/* ---- groups ---- */

/* Records first .. of every member; *n: as many as none of them needs too long for. Tiles of a group are not kept. */
static eg_status make_group_records(eg_context *ctx, eg_device *d, eg_launch *launches, size_t first, size_t *n,
                                    const volatile int *stop) {
  const eg_tile_result kept_nowhere = {.node = NULL};
  *n = d->records_at_once;
  for (size_t i = 0; i < d->n_members; i++) {
    const eg_job *const job = d->members[i]->job;
    EG_TRY(approach(ctx, d->members[i], 0, &launches[i], first, eg_job_steps(job)[first], stop, &kept_nowhere));
    *n = records_within(job, first, *n, launches[i].step_first + steps_per_look(job));
  }
  for (size_t i = 0; i < d->n_members; i++) {
    if (eg_is_stopping(stop)) {
      return EG_STOPPED;
    }
    make_records(d->members[i], &launches[i], first, *n);
  }
  return eg_is_stopping(stop) ? EG_STOPPED : EG_OK;
}

/* First the members, then the differences, made in place: a base comes later, so it is still what its member recorded. */
static void reduce_group_records(eg_device *d, const eg_launch *launches, size_t first, const eg_tile_result *result) {
  const eg_job *const job = d->job;
  const size_t n_members = d->n_members;
  const size_t n_values = (size_t)launches[0].n_records * launches[0].n_points * launches[0].n_features * launches[0].ld;
  for (size_t i = 0; i < n_members; i++) {
    reduce_records(d->members[i], &launches[i], first, result->node + i * job->node_values);
    count_and_keep(d->members[i], &launches[i], first, result->counts + i * job->n_counts,
                   result->paths + i * eg_job_path_values(job));
    if (job->n_paths > 0) {
      track_records(d->members[i], &launches[i], first);
    }
  }
  for (size_t i = 0; i + 1 < n_members; i++) {
    double *const values = d->members[i]->records;
    const double *const base = d->members[job->group->bases[i]]->records;
    for (size_t k = 0; k < n_values; k++) {
      values[k] -= base[k];
    }
    reduce_records(d->members[i], &launches[i], first, result->node + (n_members + i) * job->node_values);
  }
}

/* Statistics of the members' paths; differences have none: the empty sum. */
static void reduce_group_paths(eg_device *d, const eg_launch *launches, const eg_tile_result *result) {
  const eg_job *const job = d->job;
  const size_t of_records = job->n_records * job->record_values;
  for (size_t i = 0; i < d->n_members; i++) {
    reduce_paths(d->members[i], &launches[i], result->node + i * job->node_values, result->counts + i * job->n_counts);
  }
  for (size_t i = d->n_members; i < 2 * d->n_members - 1; i++) {
    double *const node = result->node + i * job->node_values;
    memset(node + of_records, 0, (job->node_values - of_records) * sizeof *node);
  }
}

/* The lists of all members as one. */
static eg_status list_group_bad(eg_context *ctx, const eg_device *d, const eg_launch *launches, eg_tile_result *result) {
  eg_tile_result *lists = NULL;
  eg_status status = EG_OK;
  result->bad = NULL;
  result->n_bad = 0;
  EG_TRY_DONE(eg_allocate(ctx, d->n_members, sizeof *lists, &lists));
  size_t n = 0;
  for (size_t i = 0; i < d->n_members; i++) {
    EG_TRY_DONE(list_bad(ctx, d->members[i], &launches[i], &lists[i]));
    n += lists[i].n_bad;
  }
  if (n > 0) {
    EG_TRY_DONE(eg_allocate(ctx, n, sizeof *result->bad, &result->bad));
  }
  for (size_t i = 0; i < d->n_members; i++) {
    for (size_t k = 0; k < lists[i].n_bad; k++) {
      eg_bad_trajectory *const bad = &result->bad[result->n_bad++];
      *bad = lists[i].bad[k];
      bad->member = (uint32_t)i;
    }
  }
done:
  for (size_t i = 0; lists != NULL && i < d->n_members; i++) {
    free(lists[i].bad);
  }
  free(lists);
  return status;
}

static eg_status advance_group_tile(eg_context *ctx, eg_device *d, uint64_t tile, const volatile int *stop,
                                    eg_tile_result *result) {
  eg_launch *launches = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, d->n_members, sizeof *launches, &launches));
  for (size_t i = 0; i < d->n_members; i++) {
    begin_tile(d->members[i], tile, stop, &launches[i]);
  }
  size_t n = 0;
  for (size_t first = 0; first < eg_job_observations(d->job); first += n) {
    EG_TRY_DONE(make_group_records(ctx, d, launches, first, &n, stop));
    reduce_group_records(d, launches, first, result);
  }
  if (d->job->n_paths > 0) {
    reduce_group_paths(d, launches, result);
  }
  status = list_group_bad(ctx, d, launches, result);
done:
  free(launches);
  return status;
}

static eg_status advance(eg_context *ctx, eg_device *d, uint64_t first, uint64_t n, const volatile int *stop,
                         eg_tile_result *results) {
  for (uint64_t i = 0; i < n; i++) {
    EG_TRY(d->members == NULL ? advance_tile(ctx, d, first + i, stop, &results[i])
                              : advance_group_tile(ctx, d, first + i, stop, &results[i]));
  }
  return EG_OK;
}

static size_t bytes_of(const eg_device *d) {
  size_t bytes = d->own_bytes + d->job_bytes;
  for (size_t i = 1; i < d->n_members; i++) {
    bytes += bytes_of(d->members[i]);
  }
  return bytes;
}

static eg_status count_devices(eg_context *ctx, int *n) {
  (void)ctx;
  *n = 1; /* any number of workers share it */
  return EG_OK;
}

const eg_backend eg_backend_cpu = {"cpu", count_devices, open_device, close_device, describe, prepare, advance, bytes_of, NULL};
