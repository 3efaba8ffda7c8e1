#include "mpi/message.h"

#include <stdlib.h>
#include <string.h>

eg_status eg_mpi_try(eg_context *ctx, int code, const char *doing) {
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  if (code == MPI_SUCCESS) {
    return EG_OK;
  }
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) {
    text[0] = '\0';
  }
  return eg_fail(ctx, EG_ERR_DEVICE, "MPI failed %s: %s", doing, text[0] != '\0' ? text : "it does not say why");
}

eg_status eg_mpi_buffer_make(eg_context *ctx, const eg_mpi_head *head, size_t payload, eg_mpi_buffer *buffer) {
  if (payload > EG_MPI_MOST_BYTES) {
    return eg_fail(ctx, EG_ERR_DEVICE, "a message of %zu bytes between ranks is too large", payload);
  }
  EG_TRY(eg_allocate(ctx, sizeof *head + payload, 1, &buffer->bytes));
  buffer->size = sizeof *head + payload;
  memcpy(buffer->bytes, head, sizeof *head);
  return EG_OK;
}
