/* Launches: batches of tiles, ranges of steps short enough to stop quickly, statistics of their records beside the
   next steps. device.h says what orders the two streams. */
#include <stdlib.h>
#include <string.h>

#include "device.h"

/* A launch aims at this time: long against its overhead; all that are in flight together are short against the
   patience of a signal. */
#define LAUNCH_SECONDS 0.1
#define MOST_STEPS     0x40000000u /* the kernel counts the steps of a launch in 32 bits */

static eg_cuda_status launch_advance(eg_cuda_device *d, const eg_launch *a, uint64_t tiles,
                                     eg_cuda_message message) {
  const uint64_t threads = tiles * eg_cuda_tile_trajectories(d->job) * d->trajectory_threads;
  const uint64_t blocks = (threads + d->block_threads - 1) / d->block_threads;
  eg_launch launch = *a;
  void *args[3];
  args[0] = d->params;
  args[1] = &launch;
  args[2] = d->staged;
  EG_CUDA_TRY(cudaLaunchKernel((const void *)d->kernel, (dim3){(unsigned)blocks, 1, 1},
                               (dim3){d->block_threads, 1, 1}, args, 0, d->stepping),
              "starting the steps");
  return EG_CUDA_OK;
}

/* Steps of the next launch from the time of one that is over, which made `steps`. Where crossings absorb, launches grow by
   the first of a batch alone: later ones are short because trajectories have stopped, and those of the next batch move. */
static void adapt(eg_cuda_device *d, uint64_t steps, uint32_t is_restart, float milliseconds) {
  const double seconds = milliseconds > 0.01f ? 1e-3 * (double)milliseconds : 1e-5;
  double factor = LAUNCH_SECONDS / seconds;
  factor = factor > 8.0 ? 8.0 : factor;
  const double wanted = factor * (double)(steps > 0 ? steps : 1);
  if (factor > 1.0 && (steps < d->steps_at_once || (is_restart && d->job->launch.absorbing != 0))) {
    return; /* it was short because a record or the end was near, or little moved */
  }
  d->steps_at_once = wanted < 1.0 ? 1 : wanted > MOST_STEPS ? MOST_STEPS : (uint64_t)wanted;
}

/* The device has got on: who watches it sees it. */
static void beat(const eg_cuda_device *d) {
  (void)__atomic_add_fetch(d->job->beats, 1, __ATOMIC_RELAXED);
}

/* A free place for one more launch: waits for the oldest in flight if there is none. */
eg_cuda_status eg_cuda_take_place(eg_cuda_device *d, eg_cuda_flight **flight, eg_cuda_message message) {
  eg_cuda_flight *const f = &d->flights[d->n_launched % EG_CUDA_IN_FLIGHT];
  if (d->n_launched >= EG_CUDA_IN_FLIGHT) {
    float milliseconds = 0;
    EG_CUDA_TRY(cudaEventSynchronize(f->stepped), "advancing trajectories");
    EG_CUDA_TRY(cudaEventElapsedTime(&milliseconds, f->before, f->stepped), "timing a launch");
    beat(d);
    adapt(d, f->steps, f->is_restart, milliseconds);
  }
  d->n_launched++;
  *flight = f;
  return EG_CUDA_OK;
}

/* The statistics of what a launch recorded: observations from `record` on, or samples. */
eg_cuda_status eg_cuda_take_records(eg_cuda_device *d, const eg_cuda_batch *batch, const eg_launch *a, size_t record, double *paths,
                                    eg_cuda_message message) {
  if (record == EG_CUDA_SAMPLES) {
    return eg_cuda_feed_streams(d, a, batch->tiles, message);
  }
  EG_CUDA_PASS(eg_cuda_reduce_records(d, batch, batch->nodes, a, record, message));
  EG_CUDA_PASS(eg_cuda_launch_counts(d, a, batch->tiles, record, message));
  EG_CUDA_PASS(eg_cuda_track_records(d, a, batch->tiles, record, message));
  return eg_cuda_keep_paths(d, a, batch->tiles, record, paths, message);
}

eg_cuda_status eg_cuda_finish_slot(eg_cuda_device *d, eg_cuda_message message) {
  EG_CUDA_TRY(cudaEventRecord(d->slots[d->next_slot].reduced, d->statistics), "ordering launches");
  d->next_slot = (d->next_slot + 1) % EG_CUDA_SLOTS;
  return EG_CUDA_OK;
}

/* Samples are at the steps of the flight. */
eg_cuda_status eg_cuda_launch_steps_of(eg_cuda_device *d, const eg_cuda_batch *batch, eg_launch *a, size_t record,
                                       eg_cuda_flight *flight, eg_cuda_message message) {
  eg_cuda_slot *const slot = &d->slots[d->next_slot];
  a->records = (double *)slot->records;
  flight->steps = a->step_last - a->step_first;
  flight->is_restart = a->is_restart;
  if (a->n_records > 0) {
    EG_CUDA_TRY(cudaStreamWaitEvent(d->stepping, slot->reduced, 0), "ordering launches");
  }
  if (record == EG_CUDA_SAMPLES) {
    EG_CUDA_PASS(eg_cuda_send_samples(d, a, flight, slot, message));
  } else {
    a->record_steps = (const uint64_t *)d->dev_record_steps + record;
    a->record_columns = d->dev_columns == NULL ? NULL : (const uint32_t *)d->dev_columns + 2 * record;
  }
  EG_CUDA_TRY(cudaEventRecord(flight->before, d->stepping), "timing a launch");
  EG_CUDA_PASS(launch_advance(d, a, batch->tiles, message));
  EG_CUDA_TRY(cudaEventRecord(flight->stepped, d->stepping), "timing a launch");
  return eg_cuda_order_lanes(d, a, batch->tiles, message);
}

/* Steps with their records, and the statistics of these. */
static eg_cuda_status launch(eg_cuda_device *d, const eg_cuda_batch *batch, eg_launch *a, size_t record,
                             eg_cuda_flight *flight, eg_cuda_message message) {
  EG_CUDA_PASS(eg_cuda_launch_steps_of(d, batch, a, record, flight, message));
  if (a->n_records > 0) {
    EG_CUDA_TRY(cudaStreamWaitEvent(d->statistics, flight->stepped, 0), "ordering launches");
    EG_CUDA_PASS(eg_cuda_take_records(d, batch, a, record, batch->results[0].paths, message));
    EG_CUDA_PASS(eg_cuda_finish_slot(d, message));
  }
  return EG_CUDA_OK;
}

/* The records from `record` on that a launch makes up to its last step, as many as there is room for. */
static void choose_records(const eg_cuda_device *d, eg_launch *a, size_t record) {
  const eg_cuda_job *const job = d->job;
  a->features = (const eg_feature_code *)d->dev_features;
  a->n_features = (uint32_t)job->n_features;
  a->n_records = 0;
  while (record + a->n_records < job->n_records && a->n_records < d->records_at_once &&
         job->record_steps[record + a->n_records] <= a->step_last) {
    a->n_records++;
  }
  if (a->n_records == d->records_at_once) { /* the next record waits for the next launch */
    a->step_last = job->record_steps[record + a->n_records - 1];
  }
}

/* All launches of a batch. Each goes as far as time and room for records allow, and has either observations or samples: it ends
   before the first of the other kind, a sample before an observation at the same step. The last one ends in the last observation. */
static eg_cuda_status launch_all(eg_cuda_device *d, const eg_cuda_batch *batch, eg_launch *a,
                                 const volatile int *stop, eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  const uint64_t last = job->record_steps[job->n_records - 1];
  size_t record = 0;
  while (record < job->n_records) {
    eg_cuda_flight *flight = NULL;
    EG_CUDA_PASS(eg_cuda_take_place(d, &flight, message));
    if (__atomic_load_n(stop, __ATOMIC_RELAXED) != 0) { /* set by another thread */
      return EG_CUDA_STOPPED;
    }
    const uint64_t sample = eg_cuda_next_sample(job, a->step_first), observation = job->record_steps[record];
    const int is_sampled = sample <= observation;
    const uint64_t most = a->step_first + eg_cuda_launch_steps(d), end = is_sampled ? observation : sample <= last ? sample - 1 : last;
    a->step_last = most < end ? most : end;
    if (is_sampled) {
      eg_cuda_choose_samples(d, a, flight->sample_steps);
    } else {
      choose_records(d, a, record);
    }
    EG_CUDA_PASS(launch(d, batch, a, is_sampled ? EG_CUDA_SAMPLES : record, flight, message));
    record += is_sampled ? 0 : a->n_records;
    a->step_first = a->step_last;
    a->is_restart = 1;
  }
  return EG_CUDA_OK;
}

/* Where the launches of a batch begin, of one member. */
static eg_cuda_status begin_member(eg_cuda_device *d, const eg_cuda_batch *batch, eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  const uint64_t left = job->n_realisations - batch->first * job->tile;
  const uint64_t lanes = batch->tiles * job->tile;
  eg_launch *const a = &d->launch;
  *a = job->launch;
  a->realisation_first = batch->first * job->tile;
  a->n_lanes = (uint32_t)(left < lanes ? left : lanes);
  a->tile = job->tile;
  a->start = (const double *)d->dev_start;
  a->staged = d->dev_staged; /* NULL: goes by value */
  a->rows = d->dev_rows;
  a->state = batch->state;
  a->monitor_state = (double *)batch->monitors;
  a->scratch = d->dev_scratch;
  a->first_bad = (uint64_t *)batch->first_bad;
  a->is_restart = 0;
  return eg_cuda_clear_streams(d, batch->tiles, message);
}

/* What a batch gave, behind the last reduction, which waited for the last steps. */
static eg_cuda_status copy_back(eg_cuda_device *d, const eg_cuda_batch *batch, eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  const size_t node_bytes = batch->tiles * job->node_values * sizeof(double);
  EG_CUDA_TRY(cudaMemcpyAsync(batch->host_nodes, batch->nodes, node_bytes, cudaMemcpyDeviceToHost, d->statistics),
              "copying results back");
  if (batch->differences != NULL) {
    EG_CUDA_TRY(cudaMemcpyAsync(batch->host_differences, batch->differences, node_bytes, cudaMemcpyDeviceToHost, d->statistics),
                "copying results back");
  }
  EG_CUDA_TRY(cudaMemcpyAsync(batch->host_first_bad, batch->first_bad,
                              batch->tiles * job->launch.n_points * job->launch.ld * sizeof(uint64_t), cudaMemcpyDeviceToHost,
                              d->statistics),
              "copying results back");
  return EG_CUDA_OK;
}

/* Start a batch and ask for its results; nothing waits for them yet. */
static eg_cuda_status begin(eg_cuda_device *d, unsigned turn, const volatile int *stop, eg_cuda_message message) {
  eg_cuda_batch *const batch = &d->batches[turn];
  for (size_t i = 0; i < d->n_members; i++) {
    eg_cuda_batch *const own = &d->members[i]->batches[turn];
    own->first = batch->first;
    own->tiles = batch->tiles;
    EG_CUDA_PASS(begin_member(d->members[i], own, message));
  }
  if (d->n_members > 1) {
    EG_CUDA_PASS(eg_cuda_launch_group(d, turn, stop, message));
  } else {
    EG_CUDA_PASS(launch_all(d, batch, &d->launch, stop, message));
  }
  for (size_t i = 0; i < d->n_members; i++) {
    eg_cuda_device *const member = d->members[i];
    EG_CUDA_PASS(eg_cuda_reduce_paths(member, &member->batches[turn], &member->launch, message));
    EG_CUDA_PASS(copy_back(member, &member->batches[turn], message));
  }
  EG_CUDA_TRY(cudaEventRecord(batch->copied, d->statistics), "copying results back");
  return EG_CUDA_OK;
}

/* First bad steps of tile i of a batch, of one member. */
static const uint64_t *first_bad_of(const eg_cuda_device *d, unsigned turn, uint64_t i) {
  return d->batches[turn].host_first_bad + i * d->job->launch.n_points * d->job->launch.ld;
}

static size_t count_bad(const eg_cuda_device *d, const uint64_t *first_bad, uint32_t n_lanes) {
  const uint32_t n_points = d->job->launch.n_points, ld = d->job->launch.ld;
  size_t n = 0;
  for (uint32_t point = 0; point < n_points; point++) {
    for (uint32_t l = 0; l < n_lanes; l++) {
      n += first_bad[(size_t)point * ld + l] != EG_NEVER;
    }
  }
  return n;
}

/* The trajectories of tile i of a batch that went bad, in (member, realisation, point) order. */
static eg_cuda_status list_bad(const eg_cuda_device *d, unsigned turn, uint64_t i, uint64_t realisation,
                               uint32_t n_lanes, eg_cuda_result *result, eg_cuda_message message) {
  const uint32_t n_points = d->job->launch.n_points, ld = d->job->launch.ld;
  size_t n = 0;
  for (size_t k = 0; k < d->n_members; k++) {
    n += count_bad(d, first_bad_of(d->members[k], turn, i), n_lanes);
  }
  if (n == 0) {
    return EG_CUDA_OK;
  }
  result->bad = (eg_cuda_bad *)calloc(n, sizeof *result->bad);
  if (result->bad == NULL) {
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory for the list of %zu failed trajectories", n);
  }
  result->n_bad = n;
  eg_cuda_bad *next = result->bad;
  for (uint32_t k = 0; k < d->n_members; k++) {
    const uint64_t *const first_bad = first_bad_of(d->members[k], turn, i);
    for (uint32_t l = 0; l < n_lanes; l++) {
      for (uint32_t point = 0; point < n_points; point++) {
        const uint64_t step = first_bad[(size_t)point * ld + l];
        if (step != EG_NEVER) {
          next->realisation = realisation + l;
          next->step = step;
          next->point = point;
          next->member = k;
          next++;
        }
      }
    }
  }
  return EG_CUDA_OK;
}

/* Nodes of tile i of a batch: those of the members, then those of their differences, which have no statistics of paths. */
static void hand_out(const eg_cuda_device *d, unsigned turn, uint64_t i, uint64_t realisation, uint32_t n_lanes, double *node) {
  const eg_cuda_job *const job = d->job;
  for (size_t k = 0; k < d->n_members; k++) {
    const eg_cuda_device *const member = d->members[k];
    const eg_cuda_batch *const batch = &member->batches[turn];
    double *const own = node + k * job->node_values, *const difference = node + (d->n_members + k) * job->node_values;
    memcpy(own, batch->host_nodes + i * job->node_values, job->node_values * sizeof(double));
    eg_cuda_list_largest(member, batch, i, realisation, n_lanes, own);
    if (batch->differences != NULL) {
      memcpy(difference, batch->host_differences + i * job->node_values, job->path_node * sizeof(double));
      memset(difference + job->path_node, 0, (job->node_values - job->path_node) * sizeof(double));
    }
  }
}

/* Wait for the results of a batch and hand them out; its buffers are free afterwards. */
static eg_cuda_status collect(eg_cuda_device *d, unsigned turn, eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  eg_cuda_batch *const batch = &d->batches[turn];
  EG_CUDA_TRY(cudaEventSynchronize(batch->copied), "advancing trajectories");
  beat(d);
  for (uint64_t i = 0; i < batch->tiles; i++) {
    const uint64_t realisation = (batch->first + i) * job->tile, left = job->n_realisations - realisation;
    const uint32_t n_lanes = (uint32_t)(left < job->tile ? left : job->tile);
    hand_out(d, turn, i, realisation, n_lanes, batch->results[i].node);
    EG_CUDA_PASS(list_bad(d, turn, i, realisation, n_lanes, &batch->results[i], message));
  }
  batch->results = NULL;
  return EG_CUDA_OK;
}

static eg_cuda_status advance(eg_cuda_device *d, uint64_t first, uint64_t n, const volatile int *stop,
                              eg_cuda_result *results, eg_cuda_message message) {
  unsigned turn = 0;
  for (size_t i = 0; i < d->n_members; i++) {
    EG_CUDA_PASS(eg_cuda_clear_counts(d->members[i], message));
  }
  for (uint64_t done = 0; done < n; done += d->tiles, turn = (turn + 1) % EG_CUDA_BATCHES) {
    eg_cuda_batch *const batch = &d->batches[turn];
    if (batch->results != NULL) {
      EG_CUDA_PASS(collect(d, turn, message));
    }
    batch->first = first + done;
    batch->tiles = n - done < d->tiles ? n - done : d->tiles;
    batch->results = results + done;
    EG_CUDA_PASS(begin(d, turn, stop, message));
  }
  for (unsigned i = 0; i < EG_CUDA_BATCHES; i++, turn = (turn + 1) % EG_CUDA_BATCHES) { /* the oldest first */
    if (d->batches[turn].results != NULL) {
      EG_CUDA_PASS(collect(d, turn, message));
    }
  }
  for (size_t i = 0; i < d->n_members; i++) {
    EG_CUDA_PASS(eg_cuda_collect_counts(d->members[i], results[0].counts + i * d->job->n_counts, message));
  }
  return EG_CUDA_OK;
}

/* Nothing of this call is under way any more. */
static void settle(eg_cuda_device *d) {
  (void)cudaStreamSynchronize(d->stepping); /* an error has been reported already, or would come again */
  (void)cudaStreamSynchronize(d->statistics);
  for (unsigned i = 0; i < EG_CUDA_BATCHES; i++) {
    d->batches[i].results = NULL;
  }
  for (size_t i = 0; i < d->n_members; i++) {
    d->members[i]->n_launched = 0;
  }
}

eg_cuda_status eg_cuda_advance(eg_cuda_device *d, uint64_t first, uint64_t n, const volatile int *stop,
                               eg_cuda_result *results, eg_cuda_message message) {
  EG_CUDA_TRY(cudaSetDevice(d->index), "choosing the GPU");
  for (uint64_t i = 0; i < n; i++) {
    results[i].bad = NULL;
    results[i].n_bad = 0;
  }
  const eg_cuda_status status = advance(d, first, n, stop, results, message);
  settle(d);
  for (uint64_t i = 0; status != EG_CUDA_OK && i < n; i++) {
    free(results[i].bad);
    results[i].bad = NULL;
    results[i].n_bad = 0;
  }
  return status;
}
