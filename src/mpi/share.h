/* What a rank may use of its machine: cores and GPUs, divided among the ranks there. */
#ifndef EG_MPI_SHARE_H
#define EG_MPI_SHARE_H

#include "ensgrad/run.h"

typedef struct eg_share {
  int rank, n_ranks;
  int local_rank, n_local; /* among the ranks of this machine */
  int threads;             /* cores of this rank's own */
} eg_share;

/* Called by all ranks together. */
EG_NODISCARD eg_status eg_share_find(eg_context *ctx, eg_share *share);

/* The options of this rank: its share of cores where no number of threads was given, and of the GPUs where none was named. The
   first GPUs go to the first ranks of a machine; one that gets none works on the CPU, but EG_ERR_DEVICE with backend cuda.
   *list: owned by the caller; free(). */
EG_NODISCARD eg_status eg_share_options(eg_context *ctx, const eg_share *share, eg_run_options *options, int **list);

#endif
