/* Sealed HDF5 files: image in memory, our own write, fsync, rename; a 64-byte trailer with a CRC behind the image. */
#ifndef EG_IO_RESULT_FILE_H
#define EG_IO_RESULT_FILE_H

#include "base/context.h"
#include "io/labelled.h"

/* Write `labelled` to `path` atomically: an existing file stays whole until the new one is complete.
   Fails with EG_ERR_OUTPUT (message says which call failed and why: disk full, read-only folder, ..). */
EG_NODISCARD eg_status eg_result_write(eg_context *ctx, const eg_labelled *labelled, const char *path);

/* Check the seal, then read everything. EG_ERR_DAMAGED: not sealed, truncated, changed, foreign, newer format.
   EG_ERR_OUTPUT: cannot be opened or read. */
EG_NODISCARD eg_status eg_result_read(eg_context *ctx, const char *path, eg_labelled **out);

/* The same without the variables of "/" and "/analysis", which follow from the rest: for those who read many files. */
EG_NODISCARD eg_status eg_result_read_sums(eg_context *ctx, const char *path, eg_labelled **out);

/* The seal alone. */
EG_NODISCARD eg_status eg_result_verify(eg_context *ctx, const char *path);

/* Can a file be created at `path`? Checked before the first step: folder exists, is writable, path is no folder. */
EG_NODISCARD eg_status eg_result_probe_output(eg_context *ctx, const char *path, bool *exists);

/* Ignore SIGXFSZ and SIGPIPE so that limits come back as errors. Call once at program start. */
void eg_result_ignore_write_signals(void);

#endif
