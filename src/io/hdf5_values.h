/* The values of an HDF5 dataset or attribute as an array of an eg_type. Only between eg_hdf5_enter and
 * _leave. */
#ifndef EG_IO_HDF5_VALUES_H
#define EG_IO_HDF5_VALUES_H

#include <hdf5.h>

#include "base/context.h"
#include "io/labelled.h"

typedef struct eg_values {
  eg_type type;
  int rank;
  size_t shape[EG_MAX_RANK];
  size_t n; /* number of elements */
  void *data;
  hid_t memory_type, space; /* what HDF5 needs to free texts */
} eg_values;

/* EG_ERR_DAMAGED if they cannot be read, or are of a type or rank that eg_labelled does not have. */
EG_NODISCARD eg_status eg_hdf5_read_dataset(eg_context *ctx, hid_t dataset, const char *name, eg_values *out);
EG_NODISCARD eg_status eg_hdf5_read_attribute(eg_context *ctx, hid_t attribute, const char *name,
                                              eg_values *out);
void eg_hdf5_free_values(eg_values *values);

#endif
