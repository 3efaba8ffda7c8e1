#include "run/tile_part.h"

#include <stdlib.h>
#include <string.h>

static const char GROUP[] = "/accumulators";

/* The arrays of a part, all of 8 bytes a value; in a file those of all parts lie one behind the other. */
enum { STATE, MONITORS, NODES, PATHS, FIRST_BAD, COUNTS, TRACKS, STREAMS, N_ARRAYS };

static const struct {
  const char *name, *dim;
  eg_type type;
} arrays[N_ARRAYS] = {{"part_state", "part_state_value", EG_TYPE_F64},    {"part_monitors", "part_monitor_value", EG_TYPE_F64},
                      {"part_nodes", "part_node_value", EG_TYPE_F64},     {"part_paths", "part_path_value", EG_TYPE_F64},
                      {"part_first_bad", "part_lane", EG_TYPE_U64},       {"part_counts", "part_count", EG_TYPE_U64},
                      {"part_tracks", "part_track_value", EG_TYPE_F64},
                      {"part_streams", "part_stream_value", EG_TYPE_F64}};

static void array_sizes(const eg_job *job, uint64_t n_records, size_t sizes[N_ARRAYS]) {
  const size_t lanes = (size_t)job->launch.n_points * job->launch.ld;
  sizes[STATE] = job->state_values;
  sizes[MONITORS] = lanes * 2 * job->launch.n_monitors;
  sizes[NODES] = job->record_values * eg_places_before(eg_job_moment_places(job), (size_t)n_records);
  sizes[PATHS] = eg_job_path_values(job);
  sizes[FIRST_BAD] = lanes;
  sizes[COUNTS] = job->n_counts;
  sizes[TRACKS] = eg_job_track_values(job, eg_places_before(eg_job_tracked_places(job), (size_t)n_records));
  sizes[STREAMS] = eg_job_stream_values(job, job->n_streams);
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
}

eg_status eg_part_copy(eg_context *ctx, const eg_job *job, const eg_tile_part *part, eg_tile_part **out) {
  const void *data[N_ARRAYS];
  size_t sizes[N_ARRAYS], n = 0;
  char *memory = NULL, *at[N_ARRAYS];
  array_sizes(job, part->n_records, sizes);
  arrays_of(part, data);
  for (int k = 0; k < N_ARRAYS; k++) {
    n += sizes[k];
  }
  EG_TRY(eg_allocate(ctx, sizeof *part + n * sizeof(double), 1, &memory));
  eg_tile_part *const copy = (eg_tile_part *)(void *)memory;
  memory += sizeof *part;
  for (int k = 0; k < N_ARRAYS; k++) {
    at[k] = memory;
    if (sizes[k] > 0) {
      memcpy(memory, data[k], sizes[k] * sizeof(double));
    }
    memory += sizes[k] * sizeof(double);
  }
  *copy = (eg_tile_part){part->step,
                         part->n_records,
                         (double *)(void *)at[STATE],
                         (double *)(void *)at[MONITORS],
                         (uint64_t *)(void *)at[FIRST_BAD],
                         (double *)(void *)at[NODES],
                         (uint64_t *)(void *)at[COUNTS],
                         (double *)(void *)at[PATHS],
                         (double *)(void *)at[TRACKS],
                         (double *)(void *)at[STREAMS]};
  *out = copy;
  return EG_OK;
}

/* ---- in a file: four columns over the parts, and their arrays ---- */

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
    array_sizes(&c->plan->runs[c->parts[i].run].job, c->parts[i].part->n_records, sizes);
    total += sizes[k];
  }
  EG_TRY(eg_allocate(ctx, total, sizeof *values, &values));
  for (size_t i = 0; i < c->n_parts; i++) {
    const void *data[N_ARRAYS];
    array_sizes(&c->plan->runs[c->parts[i].run].job, c->parts[i].part->n_records, sizes);
    arrays_of(c->parts[i].part, data);
    if (sizes[k] > 0) {
      memcpy(values + at, data[k], sizes[k] * sizeof *values);
    }
    at += sizes[k];
  }
  const eg_status status = add(ctx, file, arrays[k].name, arrays[k].dim, arrays[k].type, total, values);
  free(values);
  return status;
}

eg_status eg_parts_store(eg_context *ctx, const eg_campaign *c, eg_labelled *file) {
  uint64_t *columns = NULL;
  eg_status status = EG_OK;
  if (c->n_parts == 0) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, N_COLUMNS * c->n_parts, sizeof *columns, &columns));
  for (size_t i = 0; i < c->n_parts; i++) {
    columns[RUN * c->n_parts + i] = c->parts[i].run;
    columns[TILE * c->n_parts + i] = c->parts[i].tile;
    columns[STEP * c->n_parts + i] = c->parts[i].part->step;
    columns[RECORDS * c->n_parts + i] = c->parts[i].part->n_records;
  }
  for (int k = 0; k < N_COLUMNS; k++) {
    EG_TRY_DONE(add(ctx, file, column_names[k], "part", EG_TYPE_U64, c->n_parts, columns + (size_t)k * c->n_parts));
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

/* Can the tile stand there? */
static bool is_possible(const eg_campaign *c, uint64_t run, uint64_t tile, uint64_t step, uint64_t n_records) {
  if (run >= c->plan->n_runs || c->plan->runs[run].group != EG_NO_GROUP) {
    return false;
  }
  const eg_job *const job = &c->plan->runs[run].job;
  return tile < job->n_tiles && !eg_tile_is_done(&c->runs[run], tile) && eg_campaign_part(c, (size_t)run, tile) == NULL &&
         n_records < eg_job_observations(job) && step <= eg_job_steps(job)[n_records] &&
         (n_records == 0 || step >= eg_job_steps(job)[n_records - 1]);
}

eg_status eg_parts_restore(eg_context *ctx, eg_campaign *c, const eg_labelled *file, const char *path) {
  const uint64_t *columns[N_COLUMNS];
  const char *data[N_ARRAYS];
  size_t n = 0, left[N_ARRAYS] = {0}, n_left = 0;
  if (eg_labelled_find(file, GROUP, column_names[0]) == NULL) {
    return EG_OK;
  }
  for (int k = 0; k < N_COLUMNS; k++) {
    size_t length = 0;
    columns[k] = column(file, column_names[k], EG_TYPE_U64, &length);
    if (columns[k] == NULL || (k > 0 && length != n)) {
      return damaged(ctx, path, "columns of tile parts");
    }
    n = length;
  }
  for (int k = 0; k < N_ARRAYS; k++) {
    data[k] = column(file, arrays[k].name, arrays[k].type, &left[k]);
    if (data[k] == NULL) {
      return damaged(ctx, path, "arrays of tile parts");
    }
  }
  for (size_t i = 0; i < n; i++) {
    if (!is_possible(c, columns[RUN][i], columns[TILE][i], columns[STEP][i], columns[RECORDS][i])) {
      return damaged(ctx, path, "a tile part out of range");
    }
    const eg_job *const job = &c->plan->runs[columns[RUN][i]].job;
    size_t sizes[N_ARRAYS];
    array_sizes(job, columns[RECORDS][i], sizes);
    for (int k = 0; k < N_ARRAYS; k++) {
      if (sizes[k] > left[k]) {
        return damaged(ctx, path, "too few values of tile parts");
      }
    }
    const eg_tile_part part = {columns[STEP][i], /* only read: eg_part_copy takes the values */
                               columns[RECORDS][i],
                               (double *)(void *)data[STATE],
                               (double *)(void *)data[MONITORS],
                               (uint64_t *)(void *)data[FIRST_BAD],
                               (double *)(void *)data[NODES],
                               (uint64_t *)(void *)data[COUNTS],
                               (double *)(void *)data[PATHS],
                               (double *)(void *)data[TRACKS],
                               (double *)(void *)data[STREAMS]};
    eg_tile_part *copy = NULL;
    EG_TRY(eg_part_copy(ctx, job, &part, &copy));
    EG_TRY(eg_campaign_keep(ctx, c, (size_t)columns[RUN][i], columns[TILE][i], copy));
    for (int k = 0; k < N_ARRAYS; k++) {
      data[k] += sizes[k] * sizeof(double);
      left[k] -= sizes[k];
    }
  }
  for (int k = 0; k < N_ARRAYS; k++) {
    n_left += left[k];
  }
  return n_left == 0 ? EG_OK : damaged(ctx, path, "too many values of tile parts");
}
