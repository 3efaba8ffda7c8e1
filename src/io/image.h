/* Labelled arrays to the bytes of an HDF5 file and back, all in memory. Equal arrays give equal bytes. */
#ifndef EG_IO_IMAGE_H
#define EG_IO_IMAGE_H

#include <stddef.h>

#include "base/context.h"
#include "io/labelled.h"

/* The file as bytes, with `room` zero bytes behind; free with free(). `length` is without the room. */
EG_NODISCARD eg_status eg_image_write(eg_context *ctx, const eg_labelled *labelled, size_t room,
                                      unsigned char **image, size_t *length);

/* Everything in the image, or all but the variables of "/" and "/analysis"; index scales made by the writer are left out. The image is only read, though HDF5
   wants a pointer it could write to. `path` is for messages. EG_ERR_DAMAGED if it holds what the writer never
   writes. */
EG_NODISCARD eg_status eg_image_read(eg_context *ctx, const char *path, unsigned char *image, size_t length,
                                     bool without_estimates, eg_labelled **out);

/* The name that HDF5 wants for a file in memory. H5Fcreate tries to open it first, so it is one that cannot
 * exist. */
#define EG_IMAGE_NAME "/dev/null/ensgrad"

/* The mark of an index scale 0..n-1: an attribute of that name and text, and no other. */
#define EG_INDEX_ATTRIBUTE "long_name"
#define EG_INDEX_TEXT      "index"

#endif
