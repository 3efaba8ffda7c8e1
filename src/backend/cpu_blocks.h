/* Records of the CPU's lane form that are reduced block by block: for jobs of which eg_cpu_takes_blocks (cpu_bytes.h) is true. */
#ifndef EG_BACKEND_CPU_BLOCKS_H
#define EG_BACKEND_CPU_BLOCKS_H

#include "backend/cpu_device.h"

EG_NODISCARD eg_status eg_cpu_blocks_reserve(eg_context *ctx, const eg_job *job, size_t records_at_once, size_t *bytes,
                                             eg_cpu_blocks *blocks);
void eg_cpu_blocks_free(eg_cpu_blocks *blocks);

/* The launch in hand, which makes the observations from `first` on, is to be reduced so. */
void eg_cpu_blocks_begin(eg_device *d, size_t first);

/* It was made: its moments into the rows of a node. */
void eg_cpu_blocks_end(eg_device *d, double *node);

#endif
