#include "io/image_open.h"

#include "io/hdf5_guard.h"
#include "io/image.h"

/* HDF5 would copy the image twice: into the property list, then into the file. These callbacks, which it
   calls in place of malloc, memcpy, realloc and free, let it use the caller's bytes both times. `data` is the
   image. */
static void *give_image(size_t size, H5FD_file_image_op_t operation, void *data) {
  (void)size;
  (void)operation;
  return data;
}

static void *skip_copy(void *to, const void *from, size_t size, H5FD_file_image_op_t operation, void *data) {
  (void)size;
  (void)operation;
  (void)data;
  return to == from ? to : NULL;
}

/* A file that is only read never grows. */
static void *refuse_growth(void *bytes, size_t size, H5FD_file_image_op_t operation, void *data) {
  (void)bytes;
  (void)size;
  (void)operation;
  (void)data;
  return NULL;
}

static herr_t keep_image(void *bytes, H5FD_file_image_op_t operation, void *data) {
  (void)bytes;
  (void)operation;
  (void)data;
  return 0;
}

static void *share_data(void *data) {
  return data;
}

static herr_t keep_data(void *data) {
  (void)data;
  return 0;
}

hid_t eg_image_open(unsigned char *image, size_t length) {
  H5FD_file_image_callbacks_t callbacks = {.image_malloc = give_image,
                                           .image_memcpy = skip_copy,
                                           .image_realloc = refuse_growth,
                                           .image_free = keep_image,
                                           .udata_copy = share_data,
                                           .udata_free = keep_data,
                                           .udata = image};
  const size_t increment = (size_t)64 << 10; /* never used: the file does not grow */
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  hid_t file = H5I_INVALID_HID;
  if (access >= 0 && H5Pset_fapl_core(access, increment, false) >= 0 &&
      H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
      H5Pset_file_image_callbacks(access, &callbacks) >= 0 && H5Pset_file_image(access, image, length) >= 0) {
    file = H5Fopen(EG_IMAGE_NAME, H5F_ACC_RDONLY, access);
  }
  eg_hdf5_close(access);
  return file;
}
