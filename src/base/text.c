#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(eg_text *text, size_t extra) {
  if (text->is_broken || extra > (size_t)-1 - text->length - 1) {
    text->is_broken = true;
    return false;
  }
  const size_t needed = text->length + extra + 1;
  if (needed <= text->capacity) {
    return true;
  }
  size_t capacity = text->capacity == 0 ? 256 : text->capacity;
  while (capacity < needed) {
    capacity = capacity > (size_t)-1 / 2 ? needed : capacity * 2;
  }
  char *data = realloc(text->data, capacity);
  if (data == NULL) {
    text->is_broken = true;
    return false;
  }
  text->data = data;
  text->capacity = capacity;
  return true;
}

void eg_text_append_bytes(eg_text *text, const char *bytes, size_t length) {
  if (!reserve(text, length)) {
    return;
  }
  memcpy(text->data + text->length, bytes, length);
  text->length += length;
  text->data[text->length] = '\0';
}

void eg_text_append_v(eg_text *text, const char *format, va_list args) {
  va_list copy;
  va_copy(copy, args);
  const int length = vsnprintf(NULL, 0, format, copy);
  va_end(copy);
  if (length < 0) {
    text->is_broken = true;
    return;
  }
  if (!reserve(text, (size_t)length)) {
    return;
  }
  (void)vsnprintf(text->data + text->length, (size_t)length + 1, format, args); /* length checked above */
  text->length += (size_t)length;
}

void eg_text_append(eg_text *text, const char *format, ...) {
  va_list args;
  va_start(args, format);
  eg_text_append_v(text, format, args);
  va_end(args);
}

const char *eg_text_string(const eg_text *text) {
  return text->data == NULL ? "" : text->data;
}

void eg_text_free(eg_text *text) {
  free(text->data);
  *text = (eg_text){0};
}
