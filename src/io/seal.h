/*
 * The seal of a result file: 64 bytes behind the HDF5 image, which HDF5 readers ignore. All numbers
 * little-endian.
 *
 *    0   8 bytes  "ENSGRADT"
 *    8   uint32   file format, major: raised when an older program could misread the file
 *   12   uint32   file format, minor
 *   16   uint64   length of the image
 *   24   uint64   CRC-64/XZ of the image
 *   32  24 bytes  zero
 *   56   uint64   CRC-64/XZ of the 56 bytes before
 *
 * A CRC of 64 bits finds every change of one bit, every burst of up to 64 bits, and misses other damage with
 * probability 2^-64. CRC-64/XZ: ECMA-182 polynomial, reflected, https://tukaani.org/xz/xz-file-format.txt,
 * section 6.
 */
#ifndef EG_IO_SEAL_H
#define EG_IO_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/context.h"

enum { EG_SEAL_BYTES = 64, EG_SEAL_MAJOR = 1, EG_SEAL_MINOR = 0 };

uint64_t eg_seal_crc(const void *bytes, size_t n);

/* The seal of an image. */
void eg_seal_make(const void *image, size_t length, unsigned char seal[EG_SEAL_BYTES]);

/* Check the sealed file at `path`. With `image` not NULL also hand over the image (free with free()) and its
   length. EG_ERR_OUTPUT: cannot be opened or read. EG_ERR_DAMAGED: no seal, truncated, changed, or a newer
   format. */
EG_NODISCARD eg_status eg_seal_read(eg_context *ctx, const char *path, unsigned char **image, size_t *length);

#endif
