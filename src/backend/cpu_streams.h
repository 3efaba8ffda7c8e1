/* Streamed statistics (kernels/stats/streams.h) of a tile on the CPU: launches that end with samples, and the state they feed. */
#ifndef EG_BACKEND_CPU_STREAMS_H
#define EG_BACKEND_CPU_STREAMS_H

#include "backend/backend.h"
#include "model/units.h"

typedef struct eg_cpu_streams {
  double *state;    /* eg_job_stream_values */
  double *records;  /* (at_once, n_points, n_fed, ld) */
  uint64_t *steps;  /* (at_once): of the samples of a launch */
  double *room;     /* what the kernels work in */
  size_t at_once;
} eg_cpu_streams;

/* Buffers for a job, whose bytes are added to *bytes; nothing for a job without such statistics. */
EG_NODISCARD eg_status eg_cpu_streams_reserve(eg_context *ctx, const eg_job *job, size_t *bytes, eg_cpu_streams *streams);
void eg_cpu_streams_free(eg_cpu_streams *streams);
/* Before the first step of a tile. */
void eg_cpu_streams_clear(const eg_job *job, eg_cpu_streams *streams);

/* The step of the first sample of any statistic behind `step`; UINT64_MAX: none. */
uint64_t eg_cpu_streams_next(const eg_job *job, uint64_t step);
/* Make the launch record samples: as many as there is room for, up to its last step, which becomes that of the last one. There is
   at least one. */
void eg_cpu_streams_begin(const eg_job *job, eg_cpu_streams *streams, eg_launch *launch);
/* Take what such a launch has recorded. */
void eg_cpu_streams_feed(const eg_job *job, eg_cpu_streams *streams, const eg_launch *launch, const eg_cpu_kernels *kernels);
/* The values of one of them at one point, (n_values, ld): NaN for trajectories that are lost. */
void eg_cpu_streams_values(const eg_job *job, const eg_cpu_streams *streams, const eg_stream *stream, const eg_launch *launch,
                           uint32_t point, const eg_cpu_kernels *kernels, double *values);

#endif
