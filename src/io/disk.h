/* Files on disk without HDF5: replace one atomically, read one, and say what errno means for the user. */
#ifndef EG_IO_DISK_H
#define EG_IO_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"

typedef struct eg_disk_file {
  const char *path; /* the caller's string */
  int descriptor;
  uint64_t size;
} eg_disk_file;

/* "<path>: <what>: <text of the errno>; <what to do>" with status EG_ERR_OUTPUT. */
eg_status eg_disk_fail(eg_context *ctx, const char *path, const char *what, int error_number);

/* Open a regular file for reading. */
EG_NODISCARD eg_status eg_disk_open(eg_context *ctx, const char *path, eg_disk_file *file);
void eg_disk_close(eg_disk_file *file);

/* Read exactly n bytes at `offset`. */
EG_NODISCARD eg_status eg_disk_read(eg_context *ctx, const eg_disk_file *file, uint64_t offset, void *bytes,
                                    size_t n);

/* Make `path` (or what it links to) hold these bytes: temporary file beside it, fsync, rename, fsync of the
   folder. On failure the old file is untouched and the temporary file is gone. */
EG_NODISCARD eg_status eg_disk_replace(eg_context *ctx, const char *path, const void *bytes, size_t n);

/* Would eg_disk_replace get as far as creating its file? Creates and removes one, and removes those that killed processes
   of this user left. */
EG_NODISCARD eg_status eg_disk_probe(eg_context *ctx, const char *path, bool *exists);

#endif
