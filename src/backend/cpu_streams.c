#include "backend/cpu_streams.h"

#include <stdlib.h>
#include <string.h>

/* Samples are recorded in parts that stay in the second-level cache; many of them in a launch, which has costs of its own. */
enum { SAMPLE_BYTES = 1 << 19, MOST_SAMPLES = 4096 };

static eg_status reserve(eg_context *ctx, size_t *bytes, size_t count, size_t size, void *out_pointer) {
  EG_TRY(eg_allocate_pages(ctx, count, size, out_pointer));
  *bytes += count * size;
  return EG_OK;
}

eg_status eg_cpu_streams_reserve(eg_context *ctx, const eg_job *job, size_t *bytes, eg_cpu_streams *s) {
  const size_t row = job->launch.n_points * job->n_fed * job->launch.ld;
  size_t width = 1;
  if (job->n_streams == 0) {
    return EG_OK;
  }
  for (size_t i = 0; i < job->n_streams; i++) {
    width = job->streams[i].width > width ? job->streams[i].width : width;
    width = job->streams[i].series > width ? job->streams[i].series : width;
  }
  const size_t fit = SAMPLE_BYTES / (row * sizeof(double));
  s->at_once = fit == 0 ? 1 : (fit < MOST_SAMPLES ? fit : MOST_SAMPLES);
  EG_TRY(reserve(ctx, bytes, eg_job_stream_values(job, job->n_streams), sizeof(double), &s->state));
  EG_TRY(reserve(ctx, bytes, s->at_once * row, sizeof(double), &s->records));
  EG_TRY(reserve(ctx, bytes, s->at_once, sizeof *s->steps, &s->steps));
  return reserve(ctx, bytes, width * EG_STREAM_LANES, sizeof(double), &s->room);
}

void eg_cpu_streams_free(eg_cpu_streams *s) {
  free(s->state);
  free(s->records);
  free(s->steps);
  free(s->room);
  memset(s, 0, sizeof *s);
}

void eg_cpu_streams_clear(const eg_job *job, eg_cpu_streams *s) {
  if (job->n_streams > 0) {
    memset(s->state, 0, eg_job_stream_values(job, job->n_streams) * sizeof *s->state);
  }
}

uint64_t eg_cpu_streams_next(const eg_job *job, uint64_t step) {
  uint64_t next = UINT64_MAX;
  for (size_t i = 0; i < job->n_streams; i++) {
    const uint64_t own = eg_stream_next(&job->streams[i], step);
    next = own < next ? own : next;
  }
  return next;
}

void eg_cpu_streams_begin(const eg_job *job, eg_cpu_streams *s, eg_launch *a) {
  const uint64_t last = a->step_last;
  a->step_last = a->step_first;
  for (a->n_records = 0; a->n_records < s->at_once; a->n_records++) {
    const uint64_t next = eg_cpu_streams_next(job, a->step_last);
    if (next > last) {
      break;
    }
    s->steps[a->n_records] = a->step_last = next;
  }
  a->record_steps = s->steps;
  a->record_columns = NULL; /* all that is fed */
  a->records = s->records;
  a->features = job->fed;
  a->n_features = (uint32_t)job->n_fed;
}

void eg_cpu_streams_feed(const eg_job *job, eg_cpu_streams *s, const eg_launch *a, const eg_cpu_kernels *kernels) {
  for (size_t i = 0; i < job->n_streams; i++) {
    const eg_feed feed = {s->records,   s->steps,     s->state + eg_job_stream_values(job, i),
                          a->n_records, a->n_points, (uint32_t)job->n_fed, a->ld};
    kernels->stream_feed(&feed, &job->streams[i], s->room);
  }
}

void eg_cpu_streams_values(const eg_job *job, const eg_cpu_streams *s, const eg_stream *stream, const eg_launch *a,
                           uint32_t point, const eg_cpu_kernels *kernels, double *values) {
  const double *const state = s->state + eg_job_stream_values(job, (size_t)(stream - job->streams));
  kernels->stream_values(stream, state + (size_t)point * eg_stream_rows(stream) * a->ld, a->ld,
                         a->first_bad + (size_t)point * a->ld, values);
}
