#include "mpi/share.h"

#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/hash.h"
#include "mpi/message.h"

/* Cores that the process may run on, divided by the ranks of this machine that were given the same ones. */
static eg_status find_threads(eg_context *ctx, MPI_Comm machine, eg_share *share) {
  cpu_set_t cores;
  uint64_t *all = NULL;
  int n_same = 0, n_cores = 1;
  uint64_t mine = 0;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) {
    n_cores = CPU_COUNT(&cores);
    mine = eg_hash_bytes(EG_HASH_START, &cores, sizeof cores);
  }
  EG_TRY(eg_allocate(ctx, (size_t)share->n_local, sizeof *all, &all));
  const eg_status status =
      eg_mpi_try(ctx, MPI_Allgather(&mine, 1, MPI_UINT64_T, all, 1, MPI_UINT64_T, machine), "comparing cores");
  for (int i = 0; i < share->n_local; i++) {
    n_same += all[i] == mine;
  }
  free(all);
  share->threads = n_same > 0 && n_cores > n_same ? n_cores / n_same : 1;
  return status;
}

eg_status eg_share_find(eg_context *ctx, eg_share *share) {
  MPI_Comm machine = MPI_COMM_NULL;
  EG_TRY(eg_mpi_try(ctx, MPI_Comm_rank(MPI_COMM_WORLD, &share->rank), "asking for the rank"));
  EG_TRY(eg_mpi_try(ctx, MPI_Comm_size(MPI_COMM_WORLD, &share->n_ranks), "counting ranks"));
  EG_TRY(eg_mpi_try(ctx, MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine),
                    "finding the ranks of this machine"));
  eg_status status = eg_mpi_try(ctx, MPI_Comm_rank(machine, &share->local_rank), "asking for the rank");
  status = status == EG_OK ? eg_mpi_try(ctx, MPI_Comm_size(machine, &share->n_local), "counting ranks") : status;
  status = status == EG_OK ? find_threads(ctx, machine, share) : status;
  const eg_status freed = eg_mpi_try(ctx, MPI_Comm_free(&machine), "ending a group of ranks");
  return status == EG_OK ? freed : status;
}

eg_status eg_share_options(eg_context *ctx, const eg_share *share, eg_run_options *options, int **list) {
  const eg_backend *cuda = NULL;
  int n = 0;
  *list = NULL;
  options->threads = options->threads > 0 ? options->threads : share->threads;
  if (strcmp(options->backend, "cpu") == 0 || options->n_devices > 0 || eg_backend_cuda(ctx, &cuda) != EG_OK ||
      cuda->count(ctx, &n) != EG_OK) {
    return EG_OK; /* nothing to divide; what is missing is said where the devices are looked for */
  }
  if (share->local_rank >= n) {
    if (strcmp(options->backend, "cuda") == 0) {
      return eg_fail(ctx, EG_ERR_DEVICE, "no GPU is left for it: its machine has %d for %d ranks", n, share->n_local);
    }
    options->backend = "cpu";
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, (size_t)n, sizeof **list, list));
  for (int i = share->local_rank; i < n; i += share->n_local) {
    (*list)[options->n_devices++] = i;
  }
  options->devices = *list;
  return EG_OK;
}
