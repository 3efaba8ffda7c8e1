#include "run/tile_part.h"

#include <stdlib.h>
#include <string.h>

#include "run/pilot.h"
#include "run/tile_queue.h"

static const char GROUP[] = "/accumulators";

/* The arrays of a part, all of 8 bytes a value; in a file those of all parts lie one behind the other. */
enum { STATE, MONITORS, NODES, PATHS, FIRST_BAD, COUNTS, TRACKS, STREAMS, DIFFERENCES, N_ARRAYS };

static const struct {
  const char *name, *dim;
  eg_type type;
} arrays[N_ARRAYS] = {{"part_state", "part_state_value", EG_TYPE_F64},    {"part_monitors", "part_monitor_value", EG_TYPE_F64},
                      {"part_nodes", "part_node_value", EG_TYPE_F64},     {"part_paths", "part_path_value", EG_TYPE_F64},
                      {"part_first_bad", "part_lane", EG_TYPE_U64},       {"part_counts", "part_count", EG_TYPE_U64},
                      {"part_tracks", "part_track_value", EG_TYPE_F64},
                      {"part_streams", "part_stream_value", EG_TYPE_F64},
                      {"part_differences", "part_difference_value", EG_TYPE_F64}};

/* Runs whose parts a tile has: a pilot is of one alone. */
static size_t n_members(const eg_plan *plan, size_t r, uint64_t tile) {
  return tile == EG_PILOT_TILE ? 1 : eg_n_together(plan, r);
}

static size_t member_of(const eg_plan *plan, size_t r, uint64_t tile, size_t i) {
  return tile == EG_PILOT_TILE ? r : eg_together(plan, r, i);
}

/* The job of a member; schedules outlive it. */
static eg_job job_of(const eg_plan *plan, size_t r, uint64_t tile, size_t i, eg_job_schedules *schedules) {
  const eg_job *const job = &plan->runs[member_of(plan, r, tile, i)].job;
  return tile == EG_PILOT_TILE ? eg_pilot_job(plan, job, NULL, schedules) : *job;
}

static void array_sizes(const eg_plan *plan, size_t r, uint64_t tile, size_t i, uint64_t n_records, size_t sizes[N_ARRAYS]) {
  eg_job_schedules schedules;
  const eg_job of_tile = job_of(plan, r, tile, i, &schedules), *const job = &of_tile;
  const size_t lanes = (size_t)job->launch.n_points * job->launch.ld;
  sizes[STATE] = job->state_values;
  sizes[MONITORS] = lanes * 2 * job->launch.n_monitors;
  sizes[NODES] = job->record_values * eg_places_before(eg_job_moment_places(job), (size_t)n_records);
  sizes[PATHS] = eg_job_path_values(job);
  sizes[FIRST_BAD] = lanes;
  sizes[COUNTS] = job->n_counts;
  sizes[TRACKS] = eg_job_track_values(job, eg_places_before(eg_job_tracked_places(job), (size_t)n_records));
  sizes[STREAMS] = eg_job_stream_values(job, job->n_streams);
  sizes[DIFFERENCES] = i + 1 < n_members(plan, r, tile) ? sizes[NODES] : 0;
}

static void arrays_of(const eg_tile_part *part, const void *data[N_ARRAYS]) {
  data[STATE] = part->state;
  data[MONITORS] = part->monitors;
  data[NODES] = part->node;
  data[PATHS] = part->paths;
  data[FIRST_BAD] = part->first_bad;
  data[COUNTS] = part->counts;
  data[TRACKS] = part->tracks;
  data[STREAMS] = part->streams;
  data[DIFFERENCES] = part->difference;
}

/* A part of the same step with other arrays, which are not written to by those who read parts. */
static eg_tile_part part_with(uint64_t step, uint64_t n_records, char *const data[N_ARRAYS]) {
  return (eg_tile_part){.step = step,
                        .n_records = n_records,
                        .state = (double *)(void *)data[STATE],
                        .monitors = (double *)(void *)data[MONITORS],
                        .first_bad = (uint64_t *)(void *)data[FIRST_BAD],
                        .node = (double *)(void *)data[NODES],
                        .difference = (double *)(void *)data[DIFFERENCES],
                        .counts = (uint64_t *)(void *)data[COUNTS],
                        .paths = (double *)(void *)data[PATHS],
                        .tracks = (double *)(void *)data[TRACKS],
                        .streams = (double *)(void *)data[STREAMS]};
}

uint64_t eg_part_steps(const eg_plan *plan, size_t run, uint64_t tile, const eg_tile_part *parts) {
  uint64_t steps = 0;
  for (size_t i = 0; i < n_members(plan, run, tile); i++) {
    steps += parts[i].step;
  }
  return steps;
}

eg_status eg_part_copy(eg_context *ctx, const eg_plan *plan, size_t run, uint64_t tile, const eg_tile_part *parts,
                       eg_tile_part **out) {
  const size_t n_parts = n_members(plan, run, tile);
  size_t sizes[N_ARRAYS], n = 0;
  char *memory = NULL, *at[N_ARRAYS];
  for (size_t i = 0; i < n_parts; i++) {
    array_sizes(plan, run, tile, i, parts[i].n_records, sizes);
    for (int k = 0; k < N_ARRAYS; k++) {
      n += sizes[k];
    }
  }
  EG_TRY(eg_allocate(ctx, n_parts * sizeof *parts + n * sizeof(double), 1, &memory));
  eg_tile_part *const copy = (eg_tile_part *)(void *)memory;
  memory += n_parts * sizeof *parts;
  for (size_t i = 0; i < n_parts; i++) {
    const void *data[N_ARRAYS];
    array_sizes(plan, run, tile, i, parts[i].n_records, sizes);
    arrays_of(&parts[i], data);
    for (int k = 0; k < N_ARRAYS; k++) {
      at[k] = memory;
      if (sizes[k] > 0) {
        memcpy(memory, data[k], sizes[k] * sizeof(double));
      }
      memory += sizes[k] * sizeof(double);
    }
    copy[i] = part_with(parts[i].step, parts[i].n_records, at);
  }
  *out = copy;
  return EG_OK;
}

/* ---- in a file: four columns over the parts, those of a group in a row, and their arrays ---- */

enum { RUN, TILE, STEP, RECORDS, N_COLUMNS };
static const char *const column_names[N_COLUMNS] = {"part_run", "part_tile", "part_step", "part_records"};

static eg_status add(eg_context *ctx, eg_labelled *file, const char *name, const char *dim, eg_type type, size_t n,
                     const void *data) {
  return eg_labelled_add(ctx, file, GROUP, name, type, 1, &dim, &n, data, NULL);
}

/* One array of all parts. */
static eg_status store_array(eg_context *ctx, const eg_campaign *c, int k, eg_labelled *file) {
  size_t sizes[N_ARRAYS], total = 0, at = 0;
  uint64_t *values = NULL;
  for (size_t i = 0; i < c->n_parts; i++) {
    for (size_t m = 0; m < n_members(c->plan, c->parts[i].run, c->parts[i].tile); m++) {
      array_sizes(c->plan, c->parts[i].run, c->parts[i].tile, m, c->parts[i].part[m].n_records, sizes);
      total += sizes[k];
    }
  }
  EG_TRY(eg_allocate(ctx, total, sizeof *values, &values));
  for (size_t i = 0; i < c->n_parts; i++) {
    for (size_t m = 0; m < n_members(c->plan, c->parts[i].run, c->parts[i].tile); m++) {
      const void *data[N_ARRAYS];
      array_sizes(c->plan, c->parts[i].run, c->parts[i].tile, m, c->parts[i].part[m].n_records, sizes);
      arrays_of(&c->parts[i].part[m], data);
      if (sizes[k] > 0) {
        memcpy(values + at, data[k], sizes[k] * sizeof *values);
      }
      at += sizes[k];
    }
  }
  const eg_status status = add(ctx, file, arrays[k].name, arrays[k].dim, arrays[k].type, total, values);
  free(values);
  return status;
}

eg_status eg_parts_store(eg_context *ctx, const eg_campaign *c, eg_labelled *file) {
  uint64_t *columns = NULL;
  size_t n = 0, at = 0;
  eg_status status = EG_OK;
  for (size_t i = 0; i < c->n_parts; i++) {
    n += n_members(c->plan, c->parts[i].run, c->parts[i].tile);
  }
  if (n == 0) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, N_COLUMNS * n, sizeof *columns, &columns));
  for (size_t i = 0; i < c->n_parts; i++) {
    for (size_t m = 0; m < n_members(c->plan, c->parts[i].run, c->parts[i].tile); m++, at++) {
      columns[RUN * n + at] = member_of(c->plan, c->parts[i].run, c->parts[i].tile, m);
      columns[TILE * n + at] = c->parts[i].tile;
      columns[STEP * n + at] = c->parts[i].part[m].step;
      columns[RECORDS * n + at] = c->parts[i].part[m].n_records;
    }
  }
  for (int k = 0; k < N_COLUMNS; k++) {
    EG_TRY_DONE(add(ctx, file, column_names[k], "part", EG_TYPE_U64, n, columns + (size_t)k * n));
  }
  for (int k = 0; k < N_ARRAYS; k++) {
    EG_TRY_DONE(store_array(ctx, c, k, file));
  }
done:
  free(columns);
  return status;
}

static eg_status damaged(eg_context *ctx, const char *path, const char *what) {
  return eg_fail(ctx, EG_ERR_DAMAGED, "%s: the accumulators contradict each other (%s)", path, what);
}

static const void *column(const eg_labelled *file, const char *name, eg_type type, size_t *n) {
  const eg_variable *const v = eg_labelled_find(file, GROUP, name);
  if (v == NULL || v->type != type || v->rank != 1) {
    return NULL;
  }
  *n = v->shape[0];
  return v->data;
}

/* What is read of a file, and how far. */
typedef struct reader {
  const uint64_t *columns[N_COLUMNS];
  char *data[N_ARRAYS]; /* only read */
  size_t n, left[N_ARRAYS];
} reader;

static eg_status find_parts(eg_context *ctx, const eg_labelled *file, const char *path, reader *r) {
  for (int k = 0; k < N_COLUMNS; k++) {
    size_t length = 0;
    r->columns[k] = column(file, column_names[k], EG_TYPE_U64, &length);
    if (r->columns[k] == NULL || (k > 0 && length != r->n)) {
      return damaged(ctx, path, "columns of tile parts");
    }
    r->n = length;
  }
  for (int k = 0; k < N_ARRAYS; k++) {
    const void *const data = column(file, arrays[k].name, arrays[k].type, &r->left[k]);
    if (data == NULL && k != DIFFERENCES) { /* older files have no parts of groups */
      return damaged(ctx, path, "arrays of tile parts");
    }
    r->data[k] = (char *)(uintptr_t)data;
  }
  return EG_OK;
}

/* Can the tile, whose members are in the rows from `first` on, stand there? */
static bool is_possible(const eg_campaign *c, const reader *r, size_t first) {
  const eg_plan *const plan = c->plan;
  const uint64_t run = r->columns[RUN][first], tile = r->columns[TILE][first], n_records = r->columns[RECORDS][first];
  if (run >= plan->n_runs || eg_campaign_is_over(c, (size_t)run, tile) || eg_campaign_part(c, (size_t)run, tile) != NULL ||
      (tile == EG_PILOT_TILE ? plan->n_grids == 0 || c->runs[run].tiles_done > 0
                             : !eg_plan_is_leader(plan, (size_t)run) || tile >= plan->runs[run].job.n_tiles)) {
    return false;
  }
  for (size_t m = 0; m < n_members(plan, (size_t)run, tile); m++) {
    const size_t row = first + m, member = member_of(plan, (size_t)run, tile, m);
    eg_job_schedules schedules;
    const eg_job of_tile = job_of(plan, (size_t)run, tile, m, &schedules), *const job = &of_tile;
    if (row >= r->n || r->columns[RUN][row] != member || r->columns[TILE][row] != tile || r->columns[RECORDS][row] != n_records ||
        n_records >= eg_job_observations(job) || r->columns[STEP][row] > eg_job_steps(job)[n_records] ||
        (n_records > 0 && r->columns[STEP][row] < eg_job_steps(job)[n_records - 1])) {
      return false;
    }
  }
  return true;
}

/* The parts of the tile in the rows from `first` on, in `parts`. */
static eg_status read_parts(eg_context *ctx, const eg_campaign *c, const char *path, size_t first, reader *r, eg_tile_part *parts) {
  const size_t run = (size_t)r->columns[RUN][first];
  const uint64_t tile = r->columns[TILE][first];
  for (size_t m = 0; m < n_members(c->plan, run, tile); m++) {
    const uint64_t n_records = r->columns[RECORDS][first + m];
    size_t sizes[N_ARRAYS];
    array_sizes(c->plan, run, tile, m, n_records, sizes);
    parts[m] = part_with(r->columns[STEP][first + m], n_records, r->data);
    for (int k = 0; k < N_ARRAYS; k++) {
      if (sizes[k] > r->left[k]) {
        return damaged(ctx, path, "too few values of tile parts");
      }
      r->data[k] = r->data[k] == NULL ? NULL : r->data[k] + sizes[k] * sizeof(double);
      r->left[k] -= sizes[k];
    }
  }
  return EG_OK;
}

static eg_status restore_tile(eg_context *ctx, eg_campaign *c, const char *path, size_t first, reader *r) {
  const size_t run = (size_t)r->columns[RUN][first];
  const uint64_t tile = r->columns[TILE][first];
  eg_tile_part *parts = NULL, *copy = NULL;
  EG_TRY(eg_allocate(ctx, n_members(c->plan, run, tile), sizeof *parts, &parts));
  eg_status status = read_parts(ctx, c, path, first, r, parts);
  if (status == EG_OK) {
    status = eg_part_copy(ctx, c->plan, run, tile, parts, &copy);
  }
  free(parts);
  return status == EG_OK ? eg_campaign_keep(ctx, c, run, tile, copy) : status;
}

eg_status eg_parts_restore(eg_context *ctx, eg_campaign *c, const eg_labelled *file, const char *path) {
  reader r = {.n = 0};
  size_t n_left = 0;
  if (eg_labelled_find(file, GROUP, column_names[0]) == NULL) {
    return EG_OK;
  }
  EG_TRY(find_parts(ctx, file, path, &r));
  for (size_t i = 0; i < r.n; i += n_members(c->plan, (size_t)r.columns[RUN][i], r.columns[TILE][i])) {
    if (!is_possible(c, &r, i)) {
      return damaged(ctx, path, "a tile part out of range");
    }
    EG_TRY(restore_tile(ctx, c, path, i, &r));
  }
  for (int k = 0; k < N_ARRAYS; k++) {
    n_left += r.left[k];
  }
  return n_left == 0 ? EG_OK : damaged(ctx, path, "too many values of tile parts");
}
