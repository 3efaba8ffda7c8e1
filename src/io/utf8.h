/* Text for files that declare their text to be UTF-8. */
#ifndef EG_IO_UTF8_H
#define EG_IO_UTF8_H

#include "base/context.h"

/* A copy in which every byte that is not part of valid UTF-8 (RFC 3629) has become U+FFFD: a path or a host
   name may be anything, and Python readers refuse a whole group for one such byte. Valid text is copied as it
   is. */
EG_NODISCARD eg_status eg_utf8_copy(eg_context *ctx, const char *text, char **out);

#endif
