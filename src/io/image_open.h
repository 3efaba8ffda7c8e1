/* Open an HDF5 file that lies in memory, without a copy. */
#ifndef EG_IO_IMAGE_OPEN_H
#define EG_IO_IMAGE_OPEN_H

#include <hdf5.h>
#include <stddef.h>

/* A read-only file handle, negative on failure; close it with H5Fclose. The image stays the caller's, is not
   changed, and must outlive the handle. (H5LTopen_file_image does the same and loses 72 bytes at each call.)
 */
hid_t eg_image_open(unsigned char *image, size_t length);

#endif
