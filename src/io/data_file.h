/* Reading a user's data matrix. */
#ifndef EG_IO_DATA_FILE_H
#define EG_IO_DATA_FILE_H

#include "base/context.h"

typedef struct eg_data_set {
  size_t n_rows, n_columns;
  double *inputs;  /* (n_rows, n_columns), row-major */
  double *target;  /* (n_rows) */
  char *title, *source; /* root attributes of the file, "" if absent */
} eg_data_set;

/* Read `inputs` (2-d) and `target` (1-d, same rows), any integer or float type, as doubles.
   EG_ERR_STUDY with the file, the dataset, what was found and what is allowed: missing file, not HDF5, dataset
   missing (names the datasets there are), wrong rank or length, NaN or infinity (first row and column), no rows,
   more than 2^31-1 rows. */
EG_NODISCARD eg_status eg_data_read(eg_context *ctx, const char *path, const char *inputs, const char *target,
                                    eg_data_set *out);
void eg_data_free(eg_data_set *data);

#endif
