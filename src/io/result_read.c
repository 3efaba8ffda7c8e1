#include <stdlib.h>

#include "io/image.h"
#include "io/result_file.h"
#include "io/seal.h"

/* The seal comes first: HDF5 can return wrong numbers, or crash, on bytes that were changed. */
static eg_status read_result(eg_context *ctx, const char *path, bool without_estimates, eg_labelled **out) {
  unsigned char *image = NULL;
  size_t length = 0;
  EG_TRY(eg_seal_read(ctx, path, &image, &length));
  const eg_status status = eg_image_read(ctx, path, image, length, without_estimates, out);
  free(image);
  return status;
}

eg_status eg_result_read(eg_context *ctx, const char *path, eg_labelled **out) {
  return read_result(ctx, path, false, out);
}

eg_status eg_result_read_sums(eg_context *ctx, const char *path, eg_labelled **out) {
  return read_result(ctx, path, true, out);
}

eg_status eg_result_verify(eg_context *ctx, const char *path) {
  return eg_seal_read(ctx, path, NULL, NULL);
}
