/* What a worker of the CPU takes for a job, before it takes it. */
#ifndef EG_BACKEND_CPU_BYTES_H
#define EG_BACKEND_CPU_BYTES_H

#include "backend/backend.h"

/* About the bytes that eg_backend_cpu.bytes tells once the job is prepared, at most a megabyte more (of a group: of this member). */
double eg_cpu_bytes(const eg_unit *unit, const eg_job *job);

/* Doubles that its statistics are reduced in. */
size_t eg_cpu_scratch_values(const eg_job *job);

/* Are the records of a job reduced block by block? Those of lanes that stop are gathered from the whole tile; differences, counts,
   kept paths and co-moments are made of whole tiles, and samples of streams one observation at a time. */
bool eg_cpu_takes_blocks(const eg_job *job);

/* Records of a tile that are made and reduced together. */
size_t eg_cpu_records_at_once(const eg_job *job);

#endif
