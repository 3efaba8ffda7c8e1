#include "backend/cpu_bytes.h"

#include <math.h>

#include "core/permutation.h"
#include "core/unit_table.h"
#include "stats/histogram.h"
#include "stats/moments.h"

/* Records of a tile (of all members of a group) are made and reduced in parts of about RECORD_BYTES of what is wanted of them, which
   stay in the second-level cache; in memory a part has the other columns too, at most BUFFER_BYTES. At least one record. */
static const double RECORD_BYTES = 0x1p19, BUFFER_BYTES = 0x1p21;
static const double BLOCK_BYTES = 0x1p16; /* of what is wanted of the records of a block, where those are reduced one after the other */
static const double PART_BYTES = 0x1p20; /* samples of streams are made in parts of at most so many, but at least one */

size_t eg_cpu_scratch_values(const eg_job *job) {
  const uint32_t ld = job->launch.ld;
  uint64_t most = eg_reduce_scratch((uint32_t)eg_job_moment_columns(job), ld, job->with_covariance);
  for (size_t i = 0; i < job->n_paths; i++) {
    const uint64_t values = eg_reduce_scratch(eg_path_columns(&job->paths[i]), ld, job->paths[i].with_covariance);
    most = values > most ? values : most;
  }
  return (size_t)most;
}

bool eg_cpu_takes_blocks(const eg_job *job) {
  const eg_launch *const a = &job->launch;
  return job->form == EG_FORM_LANE && a->n_particles == 0 && a->absorbing == 0 && job->group == NULL && job->n_histograms == 0 &&
         job->n_kept == 0 && job->with_covariance == EG_COVARIANCE_NONE && job->n_streams == 0;
}

/* Columns that are wanted of a record, in the mean. */
static double wanted_columns(const eg_job *job) {
  const size_t n = eg_job_observations(job);
  double wanted = 0;
  for (size_t i = 0; job->schedules != NULL && i < n; i++) {
    wanted += job->schedules->columns[2 * i + 1] - job->schedules->columns[2 * i];
  }
  return job->schedules == NULL ? (double)job->n_features : wanted / (double)n;
}

size_t eg_cpu_records_at_once(const eg_job *job) {
  const size_t n = eg_job_observations(job);
  const double members = job->group == NULL ? 1 : (double)job->group->n_members;
  const double column = (double)job->launch.n_points * job->launch.ld * sizeof(double) * members;
  const double wanted = wanted_columns(job);
  const double of_block = fmin(BLOCK_BYTES / wanted, BUFFER_BYTES / (double)job->n_features) / (job->launch.n_points * EG_LANES * sizeof(double));
  const double of_tile = fmin(RECORD_BYTES / wanted, BUFFER_BYTES / (double)job->n_features) / column;
  const double most = eg_cpu_takes_blocks(job) ? of_block : of_tile;
  return most < 1 ? 1 : (most < (double)n ? (size_t)most : n);
}

/* eg_fractional_create and whole paths of its increments. */
static double fractional_bytes(const eg_unit *unit, const eg_launch *a) {
  double size = 2;
  while (a->hurst != 0 && size < 2 * (double)a->path_steps) {
    size *= 2;
  }
  return a->hurst == 0 ? 0 : size * (1.5 + EG_LANES) * sizeof(double) + (double)a->path_steps * EG_LANES * unit->noise_bytes;
}

double eg_cpu_bytes(const eg_unit *unit, const eg_job *job) {
  const eg_launch *const a = &job->launch;
  const double lanes = (double)a->n_points * a->ld, real = job->is_float ? sizeof(float) : sizeof(double);
  const double at_once = (double)eg_cpu_records_at_once(job), of_row = a->n_points * (double)job->n_features * sizeof(double);
  const double row = (eg_cpu_takes_blocks(job) ? EG_LANES : a->ld) * of_row, fed = lanes * (double)job->n_fed * sizeof(double);
  double values = 0;
  for (size_t i = 0; i < job->n_paths; i++) {
    values = fmax(values, (double)job->paths[i].n_values);
  }
  double bytes = EG_NOISE_BYTES + EG_ROWS_BYTES + EG_INDEX_BLOCKS * 4 * EG_LANES * sizeof(int32_t) + (double)unit->block_bytes(a);
  bytes += a->sampling == EG_SAMPLE_REPLACEMENT ? 0 : 2.0 * a->n_rows * EG_LANES * sizeof(uint16_t);
  bytes += fractional_bytes(unit, a) + ((double)job->n_staged + (double)job->n_row_values) * real;
  bytes += ((double)job->state_values + 2 * lanes * a->n_monitors + (double)eg_cpu_scratch_values(job) + lanes) * sizeof(double);
  bytes += row * at_once;
  const double sums = a->n_points * (double)eg_job_moment_columns(job) * sizeof(eg_sums), lists = sizeof(eg_reduce) + 2 * sizeof(uint32_t);
  bytes += eg_cpu_takes_blocks(job) ? at_once * (sums + lists) : 0;
  bytes += job->n_histograms > 0 ? (2.0 * a->ld + 4 * (EG_MAX_BINS + 3)) * sizeof(uint32_t) : 0;
  bytes += ((double)eg_job_track_values(job, eg_job_tracked_records(job)) + values * a->ld) * sizeof(double);
  bytes += job->n_streams > 0 ? (double)eg_job_stream_values(job, job->n_streams) * sizeof(double) + fmax(fed, PART_BYTES) : 0;
  return bytes;
}
