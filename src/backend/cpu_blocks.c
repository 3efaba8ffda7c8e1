/*
 * Records that are used up where they are made: of one block of trajectories after the other, instead of all of a tile together. A
 * block's records of many steps stay in the nearest caches, so a launch may be long, and its noise is made in long pieces; the records of
 * a tile of 4096 trajectories fill a second-level cache every 128 steps. For jobs whose records become moments and tracks alone:
 * sums go on from block to block (stats/moments.h), while co-moments need the means of the tile first.
 */
#include "backend/cpu_blocks.h"

#include <stdlib.h>
#include <string.h>

#include "backend/cpu_bytes.h"

/* Is a lane of the block NaN in a record? */
static bool has_masked(const eg_launch *a, uint32_t slot) {
  uint64_t any = a->n_lanes - slot < EG_LANES;
  for (uint32_t point = 0; point < a->n_points; point++) {
    const uint64_t *const first_bad = a->first_bad + (size_t)point * a->ld + slot;
    for (uint32_t l = 0; l < EG_LANES; l++) {
      any |= first_bad[l] ^ EG_NEVER;
    }
  }
  return any != 0;
}

/* Unused lanes of the last block: masked in all columns. */
static void mask_unused(const eg_device *d, uint32_t n_used) {
  const eg_launch *const a = &d->launch;
  for (size_t row = 0; row < (size_t)a->n_records * a->n_points * a->n_features; row++) {
    for (uint32_t l = n_used; l < EG_LANES; l++) {
      d->records[row * EG_LANES + l] = eg_double_of_bits(0x7ff8000000000000ull);
    }
  }
}

/* Doubles from one record of a block to the next. */
static size_t record_values(const eg_launch *a) {
  return (size_t)a->n_points * a->n_features * EG_LANES;
}

static eg_sums *sums_of(const eg_device *d, size_t run) {
  return d->blocks.sums + (size_t)d->blocks.first[run] * d->launch.n_points * eg_job_moment_columns(d->job);
}

/* Where the tracks of the launch begin, of the block at `slot`. */
static double *tracks_at(const eg_device *d, uint32_t slot) {
  return d->tracks + eg_job_track_values(d->job, d->blocks.track_first) + slot;
}

/* As long as a vector: of a whole column compilers make a string instruction, whose start alone takes longer. */
static void copy_column(double *restrict to, const double *restrict from) {
  for (int l = 0; l < EG_LANES; l += 8) {
    memcpy(to + l, from + l, 8 * sizeof *to);
  }
}

static void track(const eg_device *d, uint32_t slot) {
  const eg_job *const job = d->job;
  const eg_launch *const a = &d->launch;
  double *to = tracks_at(d, slot);
  for (size_t i = 0; i < d->blocks.n_tracked; i++) {
    const double *row = d->records + d->blocks.tracked[i] * record_values(a);
    for (uint32_t point = 0; point < a->n_points; point++, row += (size_t)a->n_features * EG_LANES) {
      for (size_t c = 0; c < job->n_tracked; c++, to += a->ld) {
        copy_column(to, row + job->tracked_columns[c] * (size_t)EG_LANES);
      }
    }
  }
}

/* Slots behind the last block, which nobody makes: their tracks are masked as those of unused lanes within it are. */
static void mask_tracks(const eg_device *d) {
  const eg_launch *const a = &d->launch;
  const uint32_t made = (a->n_lanes + EG_LANES - 1) / EG_LANES * EG_LANES;
  const size_t n_rows = d->blocks.n_tracked * a->n_points * d->job->n_tracked;
  double *row = tracks_at(d, 0);
  for (size_t i = 0; made < a->ld && i < n_rows; i++, row += a->ld) {
    for (uint32_t l = made; l < a->ld; l++) {
      row[l] = eg_double_of_bits(0x7ff8000000000000ull);
    }
  }
}

static void take(void *context, uint32_t slot) {
  const eg_device *const d = context;
  const uint32_t left = d->launch.n_lanes - slot;
  const bool is_masked = has_masked(&d->launch, slot);
  if (left < EG_LANES) {
    mask_unused(d, left);
  }
  for (size_t run = 0; run < d->blocks.n_runs; run++) {
    d->kernels->feed_block(&d->blocks.runs[run], is_masked, sums_of(d, run));
  }
  track(d, slot);
}

eg_status eg_cpu_blocks_reserve(eg_context *ctx, const eg_job *job, size_t records_at_once, size_t *bytes, eg_cpu_blocks *b) {
  const size_t n_sums = records_at_once * job->launch.n_points * eg_job_moment_columns(job);
  EG_TRY(eg_allocate_pages(ctx, n_sums, sizeof *b->sums, &b->sums));
  EG_TRY(eg_allocate(ctx, records_at_once, sizeof *b->runs, &b->runs));
  EG_TRY(eg_allocate(ctx, records_at_once, sizeof *b->first, &b->first));
  EG_TRY(eg_allocate(ctx, records_at_once, sizeof *b->tracked, &b->tracked));
  *bytes += n_sums * sizeof *b->sums + records_at_once * (sizeof *b->runs + sizeof *b->first + sizeof *b->tracked);
  return EG_OK;
}

void eg_cpu_blocks_free(eg_cpu_blocks *b) {
  free(b->sums);
  free(b->runs);
  free(b->first);
  free(b->tracked);
  memset(b, 0, sizeof *b);
}

/* Runs of records that moments are made of. */
static void find_runs(const eg_device *d, size_t first, eg_cpu_blocks *b) {
  const eg_launch *const a = &d->launch;
  size_t n = 0;
  b->n_runs = 0;
  for (size_t at = first; (n = eg_places_run(eg_job_moment_places(d->job), &at, first + a->n_records)) > 0; at += n) {
    eg_reduce *const r = &b->runs[b->n_runs];
    memset(r, 0, sizeof *r);
    r->records = d->records + (at - first) * record_values(a);
    r->n_records = (uint32_t)n;
    r->n_points = a->n_points;
    r->n_features = (uint32_t)eg_job_moment_columns(d->job);
    r->width = a->n_features;
    r->ld = r->n_lanes = EG_LANES;
    b->first[b->n_runs++] = (uint32_t)(at - first);
  }
}

void eg_cpu_blocks_begin(eg_device *d, size_t first) {
  const eg_job *const job = d->job;
  const uint32_t *const tracked = eg_job_tracked_places(job);
  eg_cpu_blocks *const b = &d->blocks;
  const size_t n_records = d->launch.n_records;
  find_runs(d, first, b);
  b->record_first = first;
  b->track_first = eg_places_before(tracked, first);
  b->n_tracked = 0;
  for (size_t i = 0; job->n_paths > 0 && i < n_records; i++) {
    if (eg_observation_place(tracked, first + i) != EG_NO_PLACE) {
      b->tracked[b->n_tracked++] = (uint32_t)i;
    }
  }
  b->sink = (eg_block_sink){take, d};
  d->thread.sink = &b->sink;
  for (size_t i = 0; i < n_records * d->launch.n_points * eg_job_moment_columns(job); i++) {
    memset(&b->sums[i], 0, sizeof b->sums[i]);
    b->sums[i].pivot = eg_double_of_bits(0x7ff8000000000000ull);
  }
}

void eg_cpu_blocks_end(eg_device *d, double *node) {
  const uint32_t *const places = eg_job_moment_places(d->job);
  d->thread.sink = NULL;
  mask_tracks(d);
  for (size_t run = 0; run < d->blocks.n_runs; run++) {
    eg_reduce r = d->blocks.runs[run];
    r.nodes = node + eg_observation_place(places, d->blocks.record_first + d->blocks.first[run]) * d->job->record_values;
    d->kernels->end_sums(&r, sums_of(d, run));
  }
}
