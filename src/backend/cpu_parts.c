/* Parts of tiles: taken from the members' buffers, and put back there. */
#include <stdlib.h>
#include <string.h>

#include "backend/cpu_device.h"

static size_t state_bytes(const eg_job *job) {
  return job->state_values * (job->is_float ? sizeof(float) : sizeof(double));
}

static size_t lanes_of(const eg_job *job) {
  return (size_t)job->launch.n_points * job->launch.ld;
}

static size_t monitor_values(const eg_job *job) {
  return lanes_of(job) * 2 * job->launch.n_monitors;
}

/* n doubles, or none where there is nothing to copy. */
static void put(double *to, const double *from, size_t n) {
  if (n > 0) {
    memcpy(to, from, n * sizeof *to);
  }
}

void eg_cpu_part_remember(eg_device *d) {
  eg_cpu_before *const b = &d->before;
  if (b->state == NULL) {
    return;
  }
  memcpy(b->state, d->state, state_bytes(d->job));
  put(b->monitors, d->monitors, monitor_values(d->job));
  memcpy(b->first_bad, d->first_bad, lanes_of(d->job) * sizeof *b->first_bad);
  b->step = d->launch.step_first;
  b->has_begun = d->launch.is_restart != 0;
}

/* A copy of `values`, floats moved exactly into doubles; NULL where they are doubles. */
static eg_status widen(eg_context *ctx, const eg_job *job, const double *values, double **out) {
  const float *const narrow = (const float *)(const void *)values;
  if (!job->is_float) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, job->state_values, sizeof **out, out));
  for (size_t i = 0; i < job->state_values; i++) {
    (*out)[i] = (double)narrow[i];
  }
  return EG_OK;
}

/* Member i; its node lies with those of the others in the result. */
static eg_tile_part part_of(const eg_cpu_tile *t, size_t i) {
  const eg_device *const d = t->device->members[i];
  const eg_job *const job = t->device->job;
  const size_t n_members = t->device->n_members;
  const bool is_before = d->is_open && d->before.state != NULL;
  eg_tile_part part = {.step = is_before ? d->before.step : d->launch.step_first,
                       .n_records = t->n_records,
                       .state = is_before ? d->before.state : d->state,
                       .monitors = is_before ? d->before.monitors : d->monitors,
                       .first_bad = is_before ? d->before.first_bad : d->first_bad,
                       .node = t->result->node + i * job->node_values,
                       .counts = eg_cpu_counts_of(t, i),
                       .paths = eg_cpu_paths_of(t, i),
                       .tracks = d->tracks,
                       .streams = d->streams.state};
  if (i + 1 < n_members) {
    part.difference = t->result->node + (n_members + i) * job->node_values;
  }
  return part;
}

static bool has_begun(const eg_device *d) {
  return d->is_open && d->before.state != NULL ? d->before.has_begun : d->launch.is_restart != 0;
}

static eg_status keep(eg_context *ctx, const eg_cpu_tile *t) {
  const eg_device *const d = t->device;
  eg_tile_part *parts = NULL;
  double **wide = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, d->n_members, sizeof *parts, &parts));
  EG_TRY_DONE(eg_allocate(ctx, d->n_members, sizeof *wide, &wide));
  for (size_t i = 0; i < d->n_members; i++) {
    parts[i] = part_of(t, i);
    EG_TRY_DONE(widen(ctx, d->members[i]->job, parts[i].state, &wide[i]));
    parts[i].state = wide[i] != NULL ? wide[i] : parts[i].state;
  }
  status = t->result->keeper->keep(ctx, t->result->keeper, t->tile, parts);
done:
  for (size_t i = 0; wide != NULL && i < d->n_members; i++) {
    free(wide[i]);
  }
  free(wide);
  free(parts);
  return status;
}

eg_status eg_cpu_part_offer(eg_context *ctx, const eg_cpu_tile *t, bool is_stopping) {
  eg_tile_keeper *const keeper = t->result->keeper;
  const bool can_keep = keeper != NULL && has_begun(t->device->members[0]); /* the others begin later */
  return can_keep && keeper->is_due(keeper, is_stopping) ? keep(ctx, t) : EG_OK;
}

/* ---- and back ---- */

static void put_state(eg_device *d, const double *state) {
  for (size_t i = 0; i < d->job->state_values; i++) {
    if (d->job->is_float) {
      ((float *)(void *)d->state)[i] = (float)state[i];
    } else {
      d->state[i] = state[i];
    }
  }
}

/* is_first: the first member has begun in every part, also where no step is made yet (splitting starts trajectories so). */
static void put_back(eg_device *d, const eg_tile_part *part, bool is_first, const eg_tile_part *to) {
  const eg_job *const job = d->job;
  const size_t n_nodes = eg_places_before(eg_job_moment_places(job), part->n_records) * job->record_values;
  const size_t n_tracks = eg_job_track_values(job, eg_places_before(eg_job_tracked_places(job), part->n_records));
  put_state(d, part->state);
  put(d->monitors, part->monitors, monitor_values(job));
  memcpy(d->first_bad, part->first_bad, lanes_of(job) * sizeof *d->first_bad);
  put(to->node, part->node, n_nodes);
  put(to->difference, part->difference, to->difference == NULL ? 0 : n_nodes);
  put(d->tracks, part->tracks, n_tracks);
  if (job->n_counts > 0) {
    memcpy(to->counts, part->counts, job->n_counts * sizeof *to->counts);
  }
  put(to->paths, part->paths, eg_job_path_values(job));
  put(d->streams.state, part->streams, eg_job_stream_values(job, job->n_streams));
  d->launch.step_first = part->step;
  d->launch.is_restart = is_first || part->step > 0 || part->n_records > 0;
}

void eg_cpu_part_resume(eg_cpu_tile *t) {
  const eg_tile_part *const parts = t->result->resume;
  t->n_records = (size_t)parts[0].n_records;
  for (size_t i = 0; i < t->device->n_members; i++) {
    const eg_tile_part to = part_of(t, i);
    put_back(t->device->members[i], &parts[i], i == 0, &to);
  }
}
