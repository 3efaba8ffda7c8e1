/* The program `ensgrad-mpi`: ensgrad whose `run` has the workers of all ranks. Rank 0 is the program that the user sees. */
#include <fcntl.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "mpi/message.h"
#include "mpi/remote.h"
#include "mpi/serve.h"
#include "mpi/share.h"
#include "mpi/watch.h"

static eg_share share;
static bool has_served;
static int words = STDERR_FILENO; /* what is left to say for a silent rank */

static eg_status run_or_serve(eg_context *ctx, const eg_study *study, const eg_run_options *given) {
  eg_run_options options = *given;
  int *list = NULL;
  eg_status status = eg_share_options(ctx, &share, &options, &list);
  has_served = share.rank > 0;
  if (has_served && status == EG_OK) {
    status = eg_watch_start(ctx, options.device_timeout, words);
  }
  if (share.rank == 0) {
    status = status == EG_OK ? eg_remote_run(ctx, study, &options) : status;
  } else if (status == EG_OK) {
    status = eg_serve_study(ctx, study, &options);
  } else {
    char *const why = strdup(eg_context_message(ctx));
    status = eg_serve_nothing(ctx, why != NULL ? why : "out of memory");
    free(why);
  }
  free(list);
  return status;
}

/* Messages and the table are rank 0's. */
static void be_silent(void) {
  const int nowhere = open("/dev/null", O_WRONLY);
  const int copy = dup(STDERR_FILENO);
  words = copy >= 0 ? copy : words;
  if (nowhere >= 0) {
    (void)dup2(nowhere, STDOUT_FILENO);
    (void)dup2(nowhere, STDERR_FILENO);
    (void)close(nowhere);
  }
}

static int run_rank(eg_context *ctx, int argc, char **argv) {
  eg_status status = EG_OK;
  cli_run_study = run_or_serve;
  if (share.rank == 0) {
    const int code = cli_main(argc, argv);
    bool has_dead = false;
    status = eg_remote_end(ctx, &has_dead);
    if (status != EG_OK) {
      fprintf(stderr, "ensgrad-mpi: error: %s\n", eg_context_message(ctx));
    }
    if (has_dead) {
      (void)fflush(stderr);
      _exit(code); /* stdout was flushed and checked */
    }
    return code;
  }
  if (argc > 1 && strcmp(argv[1], "run") == 0) {
    be_silent();
    (void)cli_main(argc, argv); /* its code means nothing: the result is rank 0's */
  }
  if (!has_served) {
    status = eg_serve_nothing(ctx, "it could not read the command or the study");
  }
  return eg_status_exit_code(status);
}

int main(int argc, char **argv) {
  int provided = MPI_THREAD_SINGLE, code = 1;
  if (MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS) {
    fputs("ensgrad-mpi: error: MPI cannot be started\n", stderr);
    return 1;
  }
  eg_context *const ctx = eg_context_create();
  eg_status status = ctx == NULL ? EG_ERR_MEMORY : EG_OK;
  if (status == EG_OK && provided < MPI_THREAD_SERIALIZED) {
    status = eg_fail(ctx, EG_ERR_DEVICE, "this MPI does not let other threads than the first one talk (MPI_THREAD_SERIALIZED)");
  }
  if (status == EG_OK) {
    status = eg_mpi_try(ctx, MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "setting its error handler");
  }
  status = status == EG_OK ? eg_share_find(ctx, &share) : status;
  if (status != EG_OK) {
    fprintf(stderr, "ensgrad-mpi: error: %s\n", ctx == NULL ? "out of memory" : eg_context_message(ctx));
    (void)MPI_Abort(MPI_COMM_WORLD, eg_status_exit_code(status));
  }
  code = run_rank(ctx, argc, argv);
  eg_context_free(ctx);
  code = MPI_Finalize() == MPI_SUCCESS || code != 0 ? code : 1;
  if (eg_has_lost_device()) { /* what would be cleared away at the end would wait for it */
    (void)fflush(stderr);
    _exit(code);
  }
  return code;
}
