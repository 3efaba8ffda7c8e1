/* A growing string. After a failed allocation it stays valid, is marked broken, and ignores further appends. */
#ifndef EG_BASE_TEXT_H
#define EG_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/context.h"

typedef struct eg_text {
  char *data; /* NUL-terminated; NULL while empty */
  size_t length;
  size_t capacity;
  bool is_broken;
} eg_text;

void eg_text_append(eg_text *text, const char *format, ...) EG_PRINTF(2, 3);
/* The same for rows of a printed table: a number that is not known (nan) is a dash, in a column of the same width. */
void eg_text_append_row(eg_text *text, const char *format, ...) EG_PRINTF(2, 3);
void eg_text_append_v(eg_text *text, const char *format, va_list args);
void eg_text_append_bytes(eg_text *text, const char *bytes, size_t length);
/* What can be read from a file descriptor; what is beyond a length of `most` bytes is dropped. A failed read ends it. */
void eg_text_append_file(eg_text *text, int descriptor, size_t most);
/* A JSON string in quotes; bytes that are no UTF-8 become U+FFFD. */
void eg_text_append_json(eg_text *text, const char *value);
const char *eg_text_string(const eg_text *text); /* "" while empty */
void eg_text_free(eg_text *text);

#endif
