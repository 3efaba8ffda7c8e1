#include "io/hdf5_values.h"

#include <stdlib.h>

#include "io/hdf5_guard.h"

static eg_status check(eg_context *ctx, int64_t result, const char *doing, const char *name) {
  return eg_hdf5_check(ctx, EG_ERR_DAMAGED, result, doing, name);
}

static eg_status prepare_shape(eg_context *ctx, const char *name, eg_values *values) {
  hsize_t sizes[H5S_MAX_RANK] = {0};
  const int rank = H5Sget_simple_extent_dims(values->space, sizes, NULL);
  EG_TRY(check(ctx, rank, "read the shape of", name));
  const hssize_t n = H5Sget_simple_extent_npoints(values->space);
  EG_TRY(check(ctx, n, "read the shape of", name));
  if (rank > EG_MAX_RANK || H5Sget_simple_extent_type(values->space) == H5S_NULL) {
    return eg_fail(ctx, EG_ERR_DAMAGED, "'%s' has a shape that ensgrad never writes", name);
  }
  for (int d = 0; d < rank; d++) {
    values->shape[d] = (size_t)sizes[d];
  }
  values->rank = rank;
  values->n = (size_t)n;
  return EG_OK;
}

/* Memory for the values of the given type in the file. */
static eg_status prepare(eg_context *ctx, const char *name, hid_t file_type, eg_values *values) {
  EG_TRY(check(ctx, file_type, "read the type of", name));
  EG_TRY(check(ctx, values->space, "read the shape of", name));
  if (!eg_hdf5_find_type(file_type, &values->type)) {
    return eg_fail(ctx, EG_ERR_DAMAGED, "'%s' has a type that ensgrad never writes", name);
  }
  values->memory_type = eg_hdf5_memory_type(values->type);
  EG_TRY(check(ctx, values->memory_type, "read the type of", name));
  EG_TRY(prepare_shape(ctx, name, values));
  return eg_allocate(ctx, values->n, H5Tget_size(values->memory_type), &values->data);
}

eg_status eg_hdf5_read_dataset(eg_context *ctx, hid_t dataset, const char *name, eg_values *out) {
  eg_status status = EG_OK;
  eg_values values = {.memory_type = H5I_INVALID_HID, .space = H5Dget_space(dataset)};
  const hid_t file_type = H5Dget_type(dataset);
  EG_TRY_DONE(prepare(ctx, name, file_type, &values));
  if (values.n > 0) {
    EG_TRY_DONE(check(ctx, H5Dread(dataset, values.memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data),
                      "read the variable", name));
  }
  *out = values;
done:
  eg_hdf5_close(file_type);
  if (status != EG_OK) {
    eg_hdf5_free_values(&values);
  }
  return status;
}

eg_status eg_hdf5_read_attribute(eg_context *ctx, hid_t attribute, const char *name, eg_values *out) {
  eg_status status = EG_OK;
  eg_values values = {.memory_type = H5I_INVALID_HID, .space = H5Aget_space(attribute)};
  const hid_t file_type = H5Aget_type(attribute);
  EG_TRY_DONE(prepare(ctx, name, file_type, &values));
  if (values.n > 0) {
    EG_TRY_DONE(check(ctx, H5Aread(attribute, values.memory_type, values.data), "read the attribute", name));
  }
  *out = values;
done:
  eg_hdf5_close(file_type);
  if (status != EG_OK) {
    eg_hdf5_free_values(&values);
  }
  return status;
}

void eg_hdf5_free_values(eg_values *values) {
  if (values->data != NULL && values->type == EG_TYPE_TEXT && values->n > 0) {
    /* The array was zeroed before it was read, so a read that failed half way leaves NULLs. */
    (void)H5Dvlen_reclaim(values->memory_type, values->space, H5P_DEFAULT, values->data);
  }
  free(values->data);
  values->data = NULL;
  eg_hdf5_close(values->memory_type);
  eg_hdf5_close(values->space);
}
