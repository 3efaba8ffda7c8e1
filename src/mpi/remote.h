/* Rank 0's side: the workers of the other ranks as devices of a backend. */
#ifndef EG_MPI_REMOTE_H
#define EG_MPI_REMOTE_H

#include "ensgrad/run.h"

/* Run the study with the workers of all ranks. */
EG_NODISCARD eg_status eg_remote_run(eg_context *ctx, const eg_study *study, const eg_run_options *options);

/* Let the other ranks end; to be called once by rank 0, whether a study was run or not. */
EG_NODISCARD eg_status eg_remote_end(eg_context *ctx);

#endif
