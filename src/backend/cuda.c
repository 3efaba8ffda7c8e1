/* The CUDA backend as seen from the program: so far there is no plug-in to open. */
#include "backend/backend.h"

eg_status eg_backend_cuda(eg_context *ctx, const eg_backend **backend) {
  (void)backend;
  return eg_fail(ctx, EG_ERR_DEVICE, "this build has no CUDA plug-in");
}
