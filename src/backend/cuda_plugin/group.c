/* Groups: devices of the members, their launches from one observation of all to the next, and the differences of what they recorded. */
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "stats/differences_gpu.h"

/* ---- the members' devices ---- */

/* With the streams and kernels of the one that leads, which holds no job yet, and events of its own. */
static eg_cuda_status make_member(const eg_cuda_device *leader, eg_cuda_device **member, eg_cuda_message message) {
  eg_cuda_device *const m = (eg_cuda_device *)calloc(1, sizeof *m);
  if (m == NULL) {
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory");
  }
  *member = m;
  *m = *leader;
  memset(m->flights, 0, sizeof m->flights);
  memset(m->slots, 0, sizeof m->slots);
  memset(m->batches, 0, sizeof m->batches);
  m->members = NULL;
  m->n_members = 0;
  m->n_launched = 0;
  m->next_slot = 0;
  return eg_cuda_make_events(m, message);
}

eg_cuda_status eg_cuda_make_members(eg_cuda_device *d, const eg_cuda_job *job, eg_cuda_message message) {
  d->members = (eg_cuda_device **)calloc(job->n_members, sizeof(eg_cuda_device *));
  if (d->members == NULL) {
    return eg_cuda_say(message, EG_CUDA_MEMORY, "out of memory");
  }
  d->n_members = job->n_members;
  d->members[0] = d;
  for (size_t i = 1; i < job->n_members; i++) {
    EG_CUDA_PASS(make_member(d, &d->members[i], message));
  }
  return EG_CUDA_OK;
}

void eg_cuda_release_members(eg_cuda_device *d) {
  for (size_t i = 1; i < d->n_members; i++) {
    if (d->members[i] != NULL) {
      eg_cuda_release_job(d->members[i]);
      eg_cuda_destroy_events(d->members[i]);
      free(d->members[i]);
    }
  }
  free(d->members);
  d->members = NULL;
  d->n_members = 0;
}

/* ---- launches ---- */

/* A launch of one member is handed over: the next one begins where it ends. */
static void step_on(eg_cuda_device *d) {
  d->launch.step_first = d->launch.step_last;
  d->launch.is_restart = 1;
}

/* Advance a member towards observation `record` until less than a launch is left to do, and no sample of a streamed statistic: launches
   without records, or with samples, which end before the observation (a sample at its step comes before it). */
static eg_cuda_status approach(eg_cuda_device *d, unsigned turn, size_t record, const volatile int *stop, eg_cuda_message message) {
  const uint64_t observation = d->job->record_steps[record];
  const eg_cuda_batch *const batch = &d->batches[turn];
  eg_launch *const a = &d->launch;
  for (;;) {
    const int has_sample = eg_cuda_next_sample(d->job, a->step_first) <= observation;
    const uint64_t most = a->step_first + eg_cuda_launch_steps(d);
    eg_cuda_flight *flight = NULL;
    if (__atomic_load_n(stop, __ATOMIC_RELAXED) != 0) { /* set by another thread */
      return EG_CUDA_STOPPED;
    }
    if (!has_sample && observation <= most) {
      return EG_CUDA_OK;
    }
    EG_CUDA_PASS(eg_cuda_take_place(d, &flight, message));
    a->step_last = most < observation ? most : observation;
    a->n_records = 0;
    if (has_sample) {
      eg_cuda_choose_samples(d, a, flight->sample_steps);
    }
    EG_CUDA_PASS(eg_cuda_launch_steps_of(d, batch, a, has_sample ? EG_CUDA_SAMPLES : record, flight, message));
    if (a->n_records > 0) {
      EG_CUDA_TRY(cudaStreamWaitEvent(d->statistics, flight->stepped, 0), "ordering launches");
      EG_CUDA_PASS(eg_cuda_take_records(d, batch, a, EG_CUDA_SAMPLES, NULL, message));
      EG_CUDA_PASS(eg_cuda_finish_slot(d, message));
    }
    step_on(d);
  }
}

/* Of the next observations from `record` on as many, at most `n` and at least one, as one launch of a member takes; none behind a sample. */
static size_t observations_within(const eg_cuda_device *d, size_t record, size_t n) {
  const eg_cuda_job *const job = d->job;
  const uint64_t sample = eg_cuda_next_sample(job, d->launch.step_first), most = d->launch.step_first + eg_cuda_launch_steps(d);
  size_t k = 1;
  while (k < n && record + k < job->n_records && job->record_steps[record + k] <= most && job->record_steps[record + k] < sample) {
    k++;
  }
  return k;
}

/* The steps of one member up to its next n observations, which it records. */
static eg_cuda_status record_member(eg_cuda_device *d, unsigned turn, size_t record, size_t n, cudaEvent_t *stepped, eg_cuda_message message) {
  eg_launch *const a = &d->launch;
  eg_cuda_flight *flight = NULL;
  EG_CUDA_PASS(eg_cuda_take_place(d, &flight, message));
  a->features = (const eg_feature_code *)d->dev_features;
  a->n_features = (uint32_t)d->job->n_features;
  a->n_records = (uint32_t)n;
  a->step_last = d->job->record_steps[record + n - 1];
  *stepped = flight->stepped;
  return eg_cuda_launch_steps_of(d, &d->batches[turn], a, record, flight, message);
}

/* The records of a member become those of its difference to the base, which comes later and so still holds its own. */
static eg_cuda_status subtract(eg_cuda_device *d, const eg_cuda_device *base, uint64_t tiles, eg_cuda_message message) {
  const eg_launch *const a = &d->launch;
  eg_subtract r;
  void *args[1];
  r.values = a->records;
  r.base = base->launch.records;
  r.n = tiles * a->n_records * a->n_points * a->n_features * a->ld;
  args[0] = &r;
  EG_CUDA_TRY(cudaLaunchKernel((const void *)d->subtract_records, (dim3){(unsigned)((r.n + EG_SUBTRACT_THREADS - 1) / EG_SUBTRACT_THREADS), 1, 1},
                               (dim3){EG_SUBTRACT_THREADS, 1, 1}, args, 0, d->statistics),
              "starting the differences");
  return EG_CUDA_OK;
}

/* The statistics of what all members recorded, then of the differences; then nobody needs the records any more. */
static eg_cuda_status take_all_records(eg_cuda_device *d, unsigned turn, size_t record, eg_cuda_message message) {
  const eg_cuda_job *const job = d->job;
  const size_t path_values = (size_t)job->launch.n_points * job->n_kept * job->n_kept_records * job->n_kept_columns;
  double *const paths = d->batches[turn].results[0].paths;
  for (size_t i = 0; i < d->n_members; i++) {
    eg_cuda_device *const m = d->members[i];
    EG_CUDA_PASS(eg_cuda_take_records(m, &m->batches[turn], &m->launch, record, paths + i * path_values, message));
  }
  for (size_t i = 0; i + 1 < d->n_members; i++) {
    eg_cuda_device *const m = d->members[i];
    const eg_cuda_batch *const batch = &m->batches[turn];
    EG_CUDA_PASS(subtract(m, d->members[job->bases[i]], batch->tiles, message));
    EG_CUDA_PASS(eg_cuda_reduce_records(m, batch, batch->differences, &m->launch, record, message));
  }
  for (size_t i = 0; i < d->n_members; i++) {
    EG_CUDA_PASS(eg_cuda_finish_slot(d->members[i], message));
  }
  return EG_CUDA_OK;
}

eg_cuda_status eg_cuda_launch_group(eg_cuda_device *d, unsigned turn, const volatile int *stop, eg_cuda_message message) {
  for (size_t record = 0, n = 0; record < d->job->n_records; record += n) {
    cudaEvent_t stepped = NULL; /* of the last member: the others' steps came before in the same stream */
    n = d->records_at_once;
    for (size_t i = 0; i < d->n_members; i++) {
      EG_CUDA_PASS(approach(d->members[i], turn, record, stop, message));
      n = observations_within(d->members[i], record, n);
    }
    for (size_t i = 0; i < d->n_members; i++) {
      EG_CUDA_PASS(record_member(d->members[i], turn, record, n, &stepped, message));
    }
    EG_CUDA_TRY(cudaStreamWaitEvent(d->statistics, stepped, 0), "ordering launches");
    EG_CUDA_PASS(take_all_records(d, turn, record, message));
    for (size_t i = 0; i < d->n_members; i++) {
      step_on(d->members[i]);
    }
  }
  return EG_CUDA_OK;
}
