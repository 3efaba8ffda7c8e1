#include "base/context.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct eg_context {
  eg_text message;
  eg_text warnings;
};

eg_context *eg_context_create(void) {
  return calloc(1, sizeof(eg_context));
}

void eg_context_free(eg_context *ctx) {
  if (ctx == NULL) {
    return;
  }
  eg_text_free(&ctx->message);
  eg_text_free(&ctx->warnings);
  free(ctx);
}

const char *eg_context_message(const eg_context *ctx) {
  if (ctx->message.is_broken) {
    return "out of memory";
  }
  return eg_text_string(&ctx->message);
}

const char *eg_context_warnings(const eg_context *ctx) {
  return eg_text_string(&ctx->warnings);
}

void eg_context_clear_warnings(eg_context *ctx) {
  eg_text_free(&ctx->warnings);
}

int eg_status_exit_code(eg_status status) {
  switch (status) {
#define EG_STATUS_CASE(name, exit_code, text)                                                                \
  case name:                                                                                                 \
    return exit_code;
    EG_STATUS_LIST(EG_STATUS_CASE)
#undef EG_STATUS_CASE
  }
  return 1;
}

const char *eg_status_text(eg_status status) {
  switch (status) {
#define EG_STATUS_CASE(name, exit_code, text)                                                                \
  case name:                                                                                                 \
    return text;
    EG_STATUS_LIST(EG_STATUS_CASE)
#undef EG_STATUS_CASE
  }
  return "unknown status";
}

eg_status eg_fail(eg_context *ctx, eg_status status, const char *format, ...) {
  /* The old message may be an argument of the new one, so format first and replace afterwards. */
  eg_text message = {0};
  va_list args;
  va_start(args, format);
  eg_text_append_v(&message, format, args);
  va_end(args);
  eg_text_free(&ctx->message);
  ctx->message = message;
  return status;
}

void eg_warn(eg_context *ctx, const char *format, ...) {
  va_list args;
  va_start(args, format);
  eg_text_append_v(&ctx->warnings, format, args);
  va_end(args);
  eg_text_append(&ctx->warnings, "\n");
}

eg_status eg_allocate(eg_context *ctx, size_t count, size_t size, void *out_pointer) {
  void *memory = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
  if (memory == NULL) {
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory: %zu elements of %zu bytes were asked for", count, size);
  }
  memcpy(out_pointer, &memory, sizeof memory);
  return EG_OK;
}

eg_status eg_allocate_pages(eg_context *ctx, size_t count, size_t size, void *out_pointer) {
  const size_t page = 4096;
  if (size != 0 && count > ((size_t)-1 - page) / size) {
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory: %zu elements of %zu bytes were asked for", count, size);
  }
  const size_t bytes = (count * size + page) / page * page;
  void *memory = aligned_alloc(page, bytes);
  if (memory == NULL) {
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory: %zu elements of %zu bytes were asked for", count, size);
  }
  memset(memory, 0, bytes);
  memcpy(out_pointer, &memory, sizeof memory);
  return EG_OK;
}

eg_status eg_copy_string(eg_context *ctx, const char *text, char **out) {
  const size_t length = strlen(text) + 1;
  char *copy = NULL;
  EG_TRY(eg_allocate(ctx, length, 1, &copy));
  memcpy(copy, text, length);
  *out = copy;
  return EG_OK;
}
