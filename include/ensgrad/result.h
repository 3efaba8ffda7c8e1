/*
 * Reading result files: the printed table, CSV, the seal.
 *
 *   char *text = NULL;
 *   if (eg_result_table(ctx, "result.h5", &text) == EG_OK) { puts(text); free(text); }
 */
#ifndef ENSGRAD_RESULT_H
#define ENSGRAD_RESULT_H

#include "ensgrad/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default) /* what stands here is exported by the shared library, and nothing else */
#endif

/* The table that `ensgrad run` prints at the end: last time of every run, with error bars, exact values, z and verdicts.
   Owned by the caller (free()). EG_ERR_DAMAGED if the seal is broken, EG_ERR_OUTPUT if it cannot be read. */
EG_NODISCARD eg_status eg_result_table(eg_context *ctx, const char *path, char **text);

/* All estimates as CSV: one line per run, point, time, feature and component. Owned by the caller. */
EG_NODISCARD eg_status eg_result_csv(eg_context *ctx, const char *path, char **text);

/* Check seal and content. *is_complete: 1 if the study was run to its end, 0 for a partial result. EG_ERR_DAMAGED if the
   seal is broken or the file is none of ours, EG_ERR_OUTPUT if it cannot be read. */
EG_NODISCARD eg_status eg_result_check(eg_context *ctx, const char *path, int *is_complete);
/* Histograms as CSV: one line per run, point, time, histogram, component and bin, the counts outside the grid as bins with
   low = -inf and high = inf; and the density with its standard error. Owned by the caller. EG_ERR_USAGE: there are none. */
EG_NODISCARD eg_status eg_result_histograms_csv(eg_context *ctx, const char *path, char **text);

/* Kept paths as CSV: one line per run, point, realisation, time, feature and component. Owned by the caller.
   EG_ERR_USAGE: there are none. */
EG_NODISCARD eg_status eg_result_paths_csv(eg_context *ctx, const char *path, char **text);

/* HDF5 can crash, or end the process by exit(-1), when memory runs out in it, and on some data files that are damaged on purpose.
   No file that ensgrad writes is open then. Is the calling thread inside HDF5? For a program's handlers of SIGSEGV, SIGABRT and
   exit; safe in a handler of signals. */
int eg_is_inside_hdf5(void);

/* A result that was made on purpose can send HDF5 round for ever. The name of one that has taken more CPU time to read than any
   result takes (10 s and one for every 10 MB), else NULL. For a thread or a handler of the program, which can only end the process then. */
const char *eg_stuck_in_hdf5(void);

/* For a program that uses HDF5 through ensgrad alone: HDF5 leaves its memory to the system at the end, since tidying up can crash
   once memory ran out. To be called before anything else. */
void eg_own_hdf5(void);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
