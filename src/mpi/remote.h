/* Rank 0's side: the workers of the other ranks as devices of a backend. */
#ifndef EG_MPI_REMOTE_H
#define EG_MPI_REMOTE_H

#include <stdbool.h>

#include "ensgrad/run.h"

/* Run the study with the workers of all ranks. */
EG_NODISCARD eg_status eg_remote_run(eg_context *ctx, const eg_study *study, const eg_run_options *options);

/* Let the other ranks end; to be called once by rank 0, whether a study was run or not. *has_dead: a rank
   was given up and seems to be dead; the caller ends by _exit, as MPI_Finalize would wait for it. */
EG_NODISCARD eg_status eg_remote_end(eg_context *ctx, bool *has_dead);

#endif
