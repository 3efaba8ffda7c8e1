/* The context behind include/ensgrad/status.h, and the helpers every module uses to fail, warn and allocate. */
#ifndef EG_BASE_CONTEXT_H
#define EG_BASE_CONTEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "ensgrad/status.h"

#define EG_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Leave the calling function with the status of a call that failed. */
#define EG_TRY(call)                                                                                         \
  do {                                                                                                       \
    const eg_status eg_try_status_ = (call);                                                                 \
    if (eg_try_status_ != EG_OK) {                                                                           \
      return eg_try_status_;                                                                                 \
    }                                                                                                        \
  } while (0)

/* The same where things must be freed: sets `status` and jumps to the label `done`. */
#define EG_TRY_DONE(call)                                                                                    \
  do {                                                                                                       \
    status = (call);                                                                                         \
    if (status != EG_OK) {                                                                                   \
      goto done;                                                                                             \
    }                                                                                                        \
  } while (0)

/* Replace the message of the context by the formatted text and return `status`. */
eg_status eg_fail(eg_context *ctx, eg_status status, const char *format, ...) EG_PRINTF(3, 4);

/* Append one line to the warnings. Never fails: with no memory left the warning is lost. */
void eg_warn(eg_context *ctx, const char *format, ...) EG_PRINTF(2, 3);

/* Zeroed array of count elements of `size` bytes into *out; fails with EG_ERR_MEMORY on overflow or no memory.
   count 0 gives a valid pointer to free. Free with free(). */
EG_NODISCARD eg_status eg_allocate(eg_context *ctx, size_t count, size_t size, void *out_pointer);

/* The same, aligned to a 4096-byte page (thread buffers, record buffers); free with free(). */
EG_NODISCARD eg_status eg_allocate_pages(eg_context *ctx, size_t count, size_t size, void *out_pointer);

/* Copy of a string. */
EG_NODISCARD eg_status eg_copy_string(eg_context *ctx, const char *text, char **out);

#endif
