/* How much a launch takes: tiles that fill the device, records that fit its memory. Choices of speed alone: no bit
   of a result depends on them. */
#include "device.h"

#include <stdio.h>

enum { FIRST_STEPS = 256 };

/* Values of paths are made for so many tiles at once that they stay below this, and this part of the free memory. */
enum { VALUE_MEGABYTES = 256, VALUE_PART = 16 };

/* A batch takes up to so many times the lanes that the device holds at once, where that fills its last wave better. */
enum { MOST_LOADS = 4 };

#define GOOD_FILL         0.97
#define STEPS_PER_SECOND  2e11 /* component steps of a large GPU, a low guess: performance of the exact Gaussian / 4 */
#define LAUNCH_SECONDS    0.05 /* of the first launch, whose time is guessed */
#define CALL_SECONDS      1.0  /* of one call of eg_cuda_advance: what its caller does between two calls is not hidden */
#define CALL_RESULT_BYTES ((uint64_t)256 << 20)

/* Part of the thread slots that are busy, on average over the waves of a launch. */
static double fill_of(uint64_t threads, uint64_t wave) {
  const uint64_t waves = (threads + wave - 1) / wave;
  return (double)threads / (double)(waves * wave);
}

/* Work for every thread slot of the device; then the number whose last wave is fullest. */
static uint64_t filling_tiles(const eg_cuda_device *d, const eg_cuda_job *job, uint64_t most) {
  const uint64_t threads_of_tile = eg_cuda_tile_trajectories(job) * d->trajectory_threads;
  const uint64_t slots = (uint64_t)d->n_multiprocessors * (uint64_t)d->threads_each;
  const uint64_t load = (slots + threads_of_tile - 1) / threads_of_tile;
  const uint64_t least = load < most ? load : most;
  int blocks = 0;
  const cudaError_t error = cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, (const void *)d->kernel,
                                                                          (int)d->block_threads, 0);
  if (error != cudaSuccess || blocks <= 0) {
    (void)cudaGetLastError(); /* only a choice of size: go on without */
    return least;
  }
  const uint64_t wave = (uint64_t)blocks * (uint64_t)d->n_multiprocessors * d->block_threads;
  uint64_t best = least;
  double best_fill = fill_of(least * threads_of_tile, wave);
  for (uint64_t tiles = least + 1; tiles <= most && tiles <= MOST_LOADS * load && best_fill < GOOD_FILL; tiles++) {
    const double fill = fill_of(tiles * threads_of_tile, wave);
    if (fill > best_fill) {
      best = tiles;
      best_fill = fill;
    }
  }
  return best;
}

static uint64_t value_tiles(const eg_cuda_job *job, size_t available) {
  const size_t one = eg_cuda_path_value_bytes(job), part = available / VALUE_PART;
  const size_t most = part < (size_t)VALUE_MEGABYTES << 20 ? part : (size_t)VALUE_MEGABYTES << 20;
  return one == 0 || most < one ? 1 : most / one;
}

/* Bytes of all members: that stay, of one tile and together; of a record in all slots; that grow with the number of observations. */
typedef struct needs {
  size_t fixed, record, inputs, growing;
} needs;

static needs needs_of(const eg_cuda_device *d, const eg_cuda_job *job, uint64_t tiles_of_values) {
  needs n = {eg_cuda_difference_bytes(job), 0, 0, 0};
  for (size_t i = 0; i < job->n_members; i++) {
    const eg_cuda_job *const own = eg_cuda_member(job, i);
    const eg_tile_bytes b = eg_cuda_tile_bytes(own, d->members[i]->scratch_bytes);
    n.fixed += eg_cuda_fixed_bytes(&b);
    n.record += EG_CUDA_SLOTS * b.record;
    n.inputs += eg_cuda_input_bytes(own, tiles_of_values);
    n.growing += EG_CUDA_BATCHES * (i + 1 < job->n_members ? 2u : 1u) * own->path_node * sizeof(double) + b.tracks;
  }
  return n;
}

/* A tile does not fit: how many of its observations would? Sums and tracks grow with them; 0 where schedules differ, or none would. */
static size_t times_that_fit(const eg_cuda_job *job, const needs *n, size_t needed, size_t available) {
  const size_t each = n->growing / job->n_records;
  const size_t too_many = each == 0 ? job->n_records : (needed - available + each - 1) / each;
  return job->moment_places == NULL && too_many < job->n_records ? job->n_records - too_many : 0;
}

eg_cuda_status eg_cuda_choose_sizes(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  size_t available = 0, total = 0;
  EG_CUDA_TRY(cudaMemGetInfo(&available, &total), "asking for free GPU memory");
  const uint64_t tiles_of_values = value_tiles(job, available / job->n_members);
  const needs n = needs_of(d, job, tiles_of_values);
  const size_t record = n.record, fixed = n.fixed, inputs = n.inputs;
  available = available > inputs ? available - inputs : 0;
  if (fixed + record > available) {
    const size_t times = times_that_fit(job, &n, fixed + record, available);
    char fits[80] = "";
    if (times > 0) {
      (void)snprintf(fits, sizeof fits, "; about %zu of the %zu times would fit", times, job->n_records);
    }
    return eg_cuda_say(message, EG_CUDA_FAILED,
                       "one tile needs %zu kB of GPU memory and %zu kB are free: observe less, or use the CPU%s",
                       (fixed + record + inputs) >> 10, (available + inputs) >> 10, fits);
  }
  const size_t budget = available / 2;
  uint64_t most = 0x7fffffffu / eg_cuda_tile_trajectories(job); /* lanes and slots are counted in 32 bits */
  const uint64_t that_fit = budget / (fixed + record);
  most = most < that_fit ? most : that_fit;
  most = most < job->n_tiles ? most : job->n_tiles;
  const uint64_t tiles = filling_tiles(d, job, most > 0 ? most : 1);
  size_t for_records = budget > tiles * fixed ? budget - tiles * fixed : 0;
  for_records = for_records < EG_CUDA_RECORD_BYTES ? for_records : EG_CUDA_RECORD_BYTES;
  const size_t records = for_records / (tiles * record), of_streams = job->n_streams > 0 ? EG_CUDA_MOST_SAMPLES : 0;
  const size_t wanted = job->n_records > of_streams ? job->n_records : of_streams;
  for (size_t i = 0; i < d->n_members; i++) {
    d->members[i]->tiles = tiles;
    d->members[i]->value_tiles = tiles_of_values < tiles ? tiles_of_values : tiles;
    d->members[i]->records_at_once = records < 1 ? 1 : records < wanted ? records : wanted;
  }
  return EG_CUDA_OK;
}

/* A guess of the time of one step of a batch. */
static double step_seconds(const eg_cuda_device *d, const eg_cuda_job *job) {
  const double particles = job->launch.n_particles > 0 ? (double)job->launch.n_particles : 1.0;
  const double sums = eg_cuda_is_coarse(job) ? (double)job->launch.noise_ratio * job->launch.noise_draws : 0.0; /* draws of finest steps */
  return (double)(d->tiles * eg_cuda_tile_trajectories(job)) * particles * (job->step_work + sums) / STEPS_PER_SECOND;
}

/* Steps of the first launch, well below a second even where the guess is ten times too low. */
uint64_t eg_cuda_first_steps(const eg_cuda_device *d, const eg_cuda_job *job) {
  const double steps = LAUNCH_SECONDS / step_seconds(d, job);
  return steps < 1 ? 1 : steps > FIRST_STEPS ? FIRST_STEPS : (uint64_t)steps;
}

/* Several short batches a call, so that the device has work while results are taken; one where it takes long, so
   that a stop loses little. */
uint64_t eg_cuda_tiles_at_once(const eg_cuda_device *d, const eg_cuda_job *job) {
  double seconds = 0;
  for (size_t i = 0; i < job->n_members; i++) {
    const eg_cuda_job *const own = eg_cuda_member(job, i);
    seconds += (double)own->record_steps[own->n_records - 1] * step_seconds(d, own);
  }
  const uint64_t batch_bytes = d->tiles * eg_cuda_result_values(job) * sizeof(double);
  uint64_t batches = seconds > CALL_SECONDS ? 1 : seconds > CALL_SECONDS / 16 ? (uint64_t)(CALL_SECONDS / seconds) : 16;
  const uint64_t that_fit = CALL_RESULT_BYTES / (batch_bytes > 0 ? batch_bytes : 1);
  batches = batches < that_fit ? batches : that_fit;
  return d->tiles * (batches > 1 ? batches : 1);
}
