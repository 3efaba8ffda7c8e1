/* The side of all ranks but 0: their workers advance what rank 0 asks for. */
#ifndef EG_MPI_SERVE_H
#define EG_MPI_SERVE_H

#include "ensgrad/run.h"

/* Tell rank 0 what works here, serve it, and return when it says good-bye. What is wrong here is told to rank 0 and is no failure. */
EG_NODISCARD eg_status eg_serve_study(eg_context *ctx, const eg_study *study, const eg_run_options *options);

/* Tell rank 0 that this rank does not work, and wait for its good-bye. */
EG_NODISCARD eg_status eg_serve_nothing(eg_context *ctx, const char *why);

#endif
