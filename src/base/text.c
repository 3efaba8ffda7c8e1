#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

void eg_text_append_file(eg_text *text, int descriptor, size_t most) {
  char buffer[4096];
  ssize_t n;
  while ((n = read(descriptor, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR)) {
    if (n > 0 && text->length < most) {
      eg_text_append_bytes(text, buffer, (size_t)n);
    }
  }
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

static bool is_part_of_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
}

void eg_text_append_row(eg_text *text, const char *format, ...) {
  const size_t start = text->length;
  va_list args;
  va_start(args, format);
  eg_text_append_v(text, format, args);
  va_end(args);
  for (size_t i = start; !text->is_broken && i + 3 <= text->length; i++) {
    char *const at = text->data + i;
    if (memcmp(at, "nan", 3) != 0 || (i > 0 && is_part_of_word(at[-1])) || is_part_of_word(at[3])) {
      continue;
    }
    if (i > start && (at[-1] == '-' || at[-1] == '+')) { /* its sign is that of no number */
      at[-1] = ' ';
    }
    if (at[3] == ' ') {
      memcpy(at, "-  ", 3);
    } else {
      at[0] = '-';
      memmove(at + 1, at + 3, text->length - i - 3 + 1); /* with the end */
      text->length -= 2;
    }
  }
}

/* Bytes of the well-formed UTF-8 character at c (RFC 3629, table in section 4), 0 if it is none. */
static size_t utf8_length(const unsigned char *c) {
  const size_t n = c[0] >= 0xC2 && c[0] <= 0xDF   ? 2
                   : c[0] >= 0xE0 && c[0] <= 0xEF ? 3
                   : c[0] >= 0xF0 && c[0] <= 0xF4 ? 4
                                                  : 0;
  const unsigned low = c[0] == 0xE0 ? 0xA0 : (c[0] == 0xF0 ? 0x90 : 0x80);
  const unsigned high = c[0] == 0xED ? 0x9F : (c[0] == 0xF4 ? 0x8F : 0xBF);
  for (size_t i = 1; i < n; i++) {
    if (c[i] < (i == 1 ? low : 0x80) || c[i] > (i == 1 ? high : 0xBF)) {
      return 0;
    }
  }
  return n;
}

void eg_text_append_json(eg_text *text, const char *value) {
  eg_text_append(text, "\"");
  for (const unsigned char *c = (const unsigned char *)value; *c != '\0';) {
    const size_t n = *c < 0x80 ? 1 : utf8_length(c);
    if (*c == '"' || *c == '\\') {
      eg_text_append(text, "\\%c", *c);
    } else if (*c < 0x20 || *c == 0x7F) {
      eg_text_append(text, "\\u%04x", (unsigned)*c);
    } else if (n > 0) {
      eg_text_append_bytes(text, (const char *)c, n);
    } else {
      eg_text_append(text, "\\ufffd");
    }
    c += n > 0 ? n : 1;
  }
  eg_text_append(text, "\"");
}

const char *eg_text_string(const eg_text *text) {
  return text->data == NULL ? "" : text->data;
}

void eg_text_free(eg_text *text) {
  free(text->data);
  *text = (eg_text){0};
}
