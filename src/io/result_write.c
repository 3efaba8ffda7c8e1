#include <signal.h>
#include <stdlib.h>

#include "io/disk.h"
#include "io/image.h"
#include "io/result_file.h"
#include "io/seal.h"

eg_status eg_result_write(eg_context *ctx, const eg_labelled *labelled, const char *path) {
  unsigned char *image = NULL;
  size_t length = 0;
  EG_TRY(eg_image_write(ctx, labelled, EG_SEAL_BYTES, &image, &length));
  eg_seal_make(image, length, image + length);
  const eg_status status = eg_disk_replace(ctx, path, image, length + EG_SEAL_BYTES);
  free(image);
  return status;
}

eg_status eg_result_probe_output(eg_context *ctx, const char *path, bool *exists) {
  return eg_disk_probe(ctx, path, exists);
}

void eg_result_ignore_write_signals(void) {
  (void)signal(SIGXFSZ, SIG_IGN); /* cannot fail for these two */
  (void)signal(SIGPIPE, SIG_IGN);
}
