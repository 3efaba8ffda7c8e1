/* Advancing a tile on the CPU: a job alone, or the members of a group together. */
#include <stdlib.h>
#include <string.h>

#include "backend/cpu_blocks.h"
#include "base/stop_flag.h"
#include "stats/largest.h"
#include "stats/moments.h"

/* Trajectory-steps (times rows and components) after which a tile looks whether it should stop: well below a second. */
static const uint64_t STEPS_PER_LOOK = 1u << 27;

/* Steps between two looks, where members of a group share them. */
static uint64_t steps_per_look(const eg_job *job) {
  const double particles = job->launch.n_particles > 0 ? (double)job->launch.n_particles : 1.0;
  const double work = job->step_work + 4.0 * job->launch.n_monitors;
  const double members = job->group == NULL ? 1.0 : (double)job->group->n_members;
  const double steps = (double)STEPS_PER_LOOK / ((double)job->tile * job->launch.n_points * particles * work * members);
  return steps < 1 ? 1 : (uint64_t)steps;
}

/* ---- launches ---- */

/* Was the launch in hand cut? In the team form a step may take long, so a stop is looked for within. */
static bool is_cut(const eg_device *d, const volatile int *stop) {
  return d->job->form == EG_FORM_TEAM && eg_is_stopping(stop);
}

static void begin_launch(const eg_cpu_tile *t, eg_device *d) {
  if (t->result->keeper != NULL) {
    eg_cpu_part_remember(d);
  }
  d->is_open = true;
}

/* End within the tile, which is kept as it stands, or stood before the launch that was cut. */
static eg_status leave(eg_context *ctx, const eg_cpu_tile *t) {
  EG_TRY(eg_cpu_part_offer(ctx, t, true));
  return EG_STOPPED;
}

/* Advance a member towards its next observation in pieces, so that a stop is honoured within a piece. A piece ends a launch: that is
   where trajectories are checked for being finite. Leaves less than a piece to do, and no sample of a streamed statistic. */
static eg_status approach(eg_context *ctx, const eg_cpu_tile *t, eg_device *d) {
  const uint64_t piece = steps_per_look(d->job), target = eg_job_steps(d->job)[t->n_records];
  eg_launch *const a = &d->launch;
  for (;;) {
    const uint64_t end = target - a->step_first > piece ? a->step_first + piece : target;
    const bool has_sample = eg_cpu_streams_next(d->job, a->step_first) <= end;
    if (eg_is_stopping(t->stop)) {
      return leave(ctx, t);
    }
    EG_TRY(eg_cpu_part_offer(ctx, t, false));
    if (end == target && !has_sample) {
      return EG_OK;
    }
    eg_launch part = *a;
    part.n_records = 0;
    part.step_last = end;
    if (has_sample) {
      eg_cpu_streams_begin(d->job, &d->streams, &part);
    }
    begin_launch(t, d);
    d->stepper->advance(d->job->params, &part, &d->thread);
    if (is_cut(d, t->stop)) {
      return leave(ctx, t);
    }
    if (has_sample) {
      eg_cpu_streams_feed(d->job, &d->streams, &part, d->kernels);
    }
    a->step_first = part.step_last;
    a->is_restart = 1;
    d->is_open = false;
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

static void begin_member(eg_device *d, uint64_t tile, const volatile int *stop) {
  const eg_job *const job = d->job;
  eg_launch *const a = &d->launch;
  d->is_open = false;
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

/* Records of the next n observations; unused lanes are masked. */
static void make_records(const eg_cpu_tile *t, eg_device *d, size_t n) {
  const eg_job *const job = d->job;
  eg_launch *const a = &d->launch;
  a->n_records = (uint32_t)n;
  a->record_steps = eg_job_steps(job) + t->n_records;
  a->record_columns = job->schedules == NULL ? NULL : job->schedules->columns + 2 * t->n_records;
  a->step_last = a->record_steps[n - 1];
  if (d->blocks.sums != NULL) {
    eg_cpu_blocks_begin(d, t->n_records);
  }
  begin_launch(t, d);
  d->stepper->advance(job->params, a, &d->thread);
  a->step_first = a->step_last;
  a->is_restart = 1;
  for (size_t row = 0; d->blocks.sums == NULL && a->n_lanes < a->ld && row < n * a->n_points * a->n_features; row++) {
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
static void count_values(const double *values, const eg_launch *a, const eg_path_statistic *s, uint32_t point, uint64_t *counts) {
  for (uint32_t i = 0; i < s->n_counted; i++) {
    const double *const v = values + (size_t)i * a->ld;
    uint64_t *const places = counts + s->first_count + ((size_t)point * s->n_counted + i) * EG_PATH_PLACES;
    for (uint32_t l = 0; l < a->n_lanes; l++) {
      if (v[l] == v[l]) {
        places[eg_path_place(v[l])]++;
      }
    }
  }
}

/* Are the tracks themselves the values of the only statistic? Displacements from the start are, at any number of times, where no lane
   was lost: they become their deviations where they lie, and a copy of them is saved. */
static bool are_tracks_values(const eg_device *d, const eg_launch *a) {
  const eg_job *const job = d->job;
  const eg_path_statistic *const s = &job->paths[0];
  bool is_so = job->n_paths == 1 && a->n_points == 1 && job->n_tracked == 1 && s->form == EG_PATH_INCREMENTS && s->stream == NULL &&
               s->n_largest == 0;
  for (uint32_t i = 0; is_so && i < s->n_values; i++) {
    is_so = s->first[i] == i && s->terms[i].b == i && s->terms[i].d == EG_PATH_NOWHERE && s->powers[i] == 2;
  }
  for (uint32_t l = 0; is_so && l < a->n_lanes; l++) {
    is_so = d->first_bad[l] == EG_NEVER;
  }
  return is_so && s->first[s->n_values] == s->n_values;
}

/* Sums of the paths' statistics, behind the rows of the records: a statistic is a row whose features are its values. */
static void reduce_paths(const eg_device *d, const eg_launch *a, double *node, uint64_t *counts) {
  const eg_job *const job = d->job;
  double *const values = job->n_paths > 0 && are_tracks_values(d, a) ? d->tracks : d->path_values;
  node += job->n_records * job->record_values;
  for (size_t i = 0; i < job->n_paths; i++) {
    const eg_path_statistic *const s = &job->paths[i];
    for (uint32_t point = 0; point < eg_path_rows(s, a->n_points); point++) {
      const eg_path_values p = {d->tracks, d->path_values, a->n_points, (uint32_t)job->n_tracked, a->ld, point};
      eg_reduce r;
      memset(&r, 0, sizeof r);
      if (s->stream != NULL) {
        eg_cpu_streams_values(job, &d->streams, s->stream, a, point, d->kernels, d->path_values);
      } else if (values == d->path_values) {
        d->kernels->path_values(&p, s);
      }
      count_values(values, a, s, point, counts);
      r.records = values;
      r.nodes = node;
      r.n_records = r.n_points = 1;
      r.n_features = r.width = eg_path_columns(s);
      r.ld = a->ld;
      r.n_lanes = s->stream != NULL ? a->n_lanes : a->ld; /* of tracks unused lanes are masked already */
      r.with_covariance = s->with_covariance;
      d->kernels->reduce(&r, values, d->scratch);
      node += eg_path_row_values(s);
      if (s->n_largest > 0) {
        list_largest(d, a, s, node - 2 * s->n_largest);
      }
    }
  }
}

/* Of every member as many of the next records as none of them needs too long for. */
static eg_status make_all_records(eg_context *ctx, const eg_cpu_tile *t, size_t *n) {
  eg_device *const d = t->device;
  *n = d->records_at_once;
  for (size_t i = 0; i < d->n_members; i++) {
    const eg_job *const job = d->members[i]->job;
    EG_TRY(approach(ctx, t, d->members[i]));
    *n = records_within(job, t->n_records, *n, d->members[i]->launch.step_first + steps_per_look(job));
  }
  for (size_t i = 0; i < d->n_members; i++) {
    make_records(t, d->members[i], *n);
    if (is_cut(d->members[i], t->stop)) {
      return leave(ctx, t);
    }
  }
  return EG_OK;
}

/* Those of blocks are made already. First the members, then the differences, made in place: a base comes later, so it is still what its
   member recorded. */
static void reduce_all_records(const eg_cpu_tile *t) {
  eg_device *const d = t->device;
  const eg_job *const job = d->job;
  const eg_launch *const a = &d->launch;
  const size_t n_members = d->n_members, first = t->n_records;
  const size_t n_values = (size_t)a->n_records * a->n_points * a->n_features * a->ld;
  if (d->blocks.sums != NULL) {
    eg_cpu_blocks_end(d, t->result->node);
    d->is_open = false;
    return;
  }
  for (size_t i = 0; i < n_members; i++) {
    eg_device *const member = d->members[i];
    reduce_records(member, &member->launch, first, t->result->node + i * job->node_values);
    count_and_keep(member, &member->launch, first, eg_cpu_counts_of(t, i), eg_cpu_paths_of(t, i));
    if (job->n_paths > 0) {
      track_records(member, &member->launch, first);
    }
    member->is_open = false;
  }
  for (size_t i = 0; i + 1 < n_members; i++) {
    double *const values = d->members[i]->records;
    const double *const base = d->members[job->group->bases[i]]->records;
    for (size_t k = 0; k < n_values; k++) {
      values[k] -= base[k];
    }
    reduce_records(d->members[i], &d->members[i]->launch, first, t->result->node + (n_members + i) * job->node_values);
  }
}

/* Statistics of the members' paths; differences have none: the empty sum. */
static void reduce_all_paths(const eg_cpu_tile *t) {
  const eg_device *const d = t->device;
  const eg_job *const job = d->job;
  const size_t of_records = job->n_records * job->record_values;
  for (size_t i = 0; i < d->n_members; i++) {
    reduce_paths(d->members[i], &d->members[i]->launch, t->result->node + i * job->node_values, eg_cpu_counts_of(t, i));
  }
  for (size_t i = d->n_members; i < 2 * d->n_members - 1; i++) {
    double *const node = t->result->node + i * job->node_values;
    memset(node + of_records, 0, (job->node_values - of_records) * sizeof *node);
  }
}

/* Trajectories that became non-finite, in the order of the result. */
static eg_status list_bad(eg_context *ctx, const eg_device *d, eg_tile_result *result) {
  const eg_launch *const a = &d->launch; /* of all members in what matters here */
  size_t n = 0;
  for (size_t i = 0; i < d->n_members; i++) {
    for (size_t place = 0; place < (size_t)a->n_points * a->ld; place++) {
      n += place % a->ld < a->n_lanes && d->members[i]->first_bad[place] != EG_NEVER;
    }
  }
  result->bad = NULL;
  result->n_bad = 0;
  if (n == 0) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, n, sizeof *result->bad, &result->bad));
  for (uint32_t i = 0; i < d->n_members; i++) {
    for (uint32_t l = 0; l < a->n_lanes; l++) {
      for (uint32_t point = 0; point < a->n_points; point++) {
        const uint64_t step = d->members[i]->first_bad[(size_t)point * a->ld + l];
        if (step != EG_NEVER) {
          result->bad[result->n_bad++] = (eg_bad_trajectory){a->realisation_first + l, step, point, i};
        }
      }
    }
  }
  return EG_OK;
}

static eg_status advance_tile(eg_context *ctx, eg_device *d, uint64_t tile, const volatile int *stop, eg_tile_result *result) {
  eg_cpu_tile t = {d, tile, stop, result, 0};
  for (size_t i = 0; i < d->n_members; i++) {
    begin_member(d->members[i], tile, stop);
  }
  if (result->resume != NULL) {
    eg_cpu_part_resume(&t);
  }
  for (size_t n = 0; t.n_records < eg_job_observations(d->job); t.n_records += n) {
    EG_TRY(make_all_records(ctx, &t, &n));
    reduce_all_records(&t);
  }
  if (d->job->n_paths > 0) {
    reduce_all_paths(&t);
  }
  return list_bad(ctx, d, result);
}

eg_status eg_cpu_advance(eg_context *ctx, eg_device *d, uint64_t first, uint64_t n, const volatile int *stop,
                         eg_tile_result *results) {
  for (uint64_t i = 0; i < n; i++) {
    EG_TRY(advance_tile(ctx, d, first + i, stop, &results[i]));
  }
  return EG_OK;
}
