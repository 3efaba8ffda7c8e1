#include "study/quote.h"

#include <stdbool.h>
#include <string.h>

enum { SHORT_CHARACTERS = 40, MAX_SHOWN = 100, LEAD = 40, MAX_UNSHIFTED = 80 };

static bool is_continuation(const char *p, size_t left, size_t i) {
  return i < left && ((unsigned char)p[i] & 0xC0u) == 0x80u;
}

/* Bytes of the printable character at p, 0 if it cannot be shown. C1 controls count as not printable. */
static size_t printable_length(const char *p, size_t left) {
  const unsigned char lead = (unsigned char)p[0];
  const unsigned char second = left > 1 ? (unsigned char)p[1] : 0;
  if (lead < 0x80) {
    return lead >= 0x20 && lead != 0x7F ? 1 : 0;
  }
  if (lead >= 0xC2 && lead <= 0xDF && is_continuation(p, left, 1)) {
    return lead == 0xC2 && second < 0xA0 ? 0 : 2;
  }
  if (lead >= 0xE0 && lead <= 0xEF && is_continuation(p, left, 1) && is_continuation(p, left, 2)) {
    const bool is_bad = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F);
    return is_bad ? 0 : 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4 && is_continuation(p, left, 1) && is_continuation(p, left, 2) &&
      is_continuation(p, left, 3)) {
    const bool is_bad = (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
    return is_bad ? 0 : 4;
  }
  return 0;
}

/* Bytes of one column of the source, shown or not: a character, or one stray byte. */
static size_t column_length(const char *p, size_t left) {
  size_t n = 1;
  if ((unsigned char)p[0] >= 0xC0) {
    while (n < 4 && is_continuation(p, left, n)) {
      n++;
    }
  }
  return n;
}

eg_short_text eg_shorten(const char *text) {
  eg_short_text out = {{0}};
  const size_t length = strlen(text);
  size_t at = 0;
  size_t used = 0;
  for (int shown = 0; at < length && shown < SHORT_CHARACTERS; shown++) {
    const size_t n = printable_length(text + at, length - at);
    if (n == 0) {
      out.data[used++] = '?';
    } else {
      memcpy(out.data + used, text + at, n);
      used += n;
    }
    at += column_length(text + at, length - at);
  }
  if (at < length) {
    memcpy(out.data + used, "...", 3);
  }
  return out;
}

/* Bytes of the line break at `at` as libyaml counts them, 0 if there is none. */
static size_t break_length(const char *text, size_t length, size_t at) {
  const char *p = text + at;
  const size_t left = length - at;
  const unsigned char lead = (unsigned char)p[0];
  if (lead > '\r' && lead < 0xC2) { /* nearly every byte of a study */
    return 0;
  }
  if (p[0] == '\r') {
    return left > 1 && p[1] == '\n' ? 2 : 1;
  }
  if (p[0] == '\n') {
    return 1;
  }
  if (left > 1 && memcmp(p, "\xC2\x85", 2) == 0) {
    return 2;
  }
  return left > 2 && (memcmp(p, "\xE2\x80\xA8", 3) == 0 || memcmp(p, "\xE2\x80\xA9", 3) == 0) ? 3 : 0;
}

static size_t skip_byte_order_mark(const char *text, size_t length) {
  return length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

eg_mark eg_mark_of_offset(const char *text, size_t length, size_t offset) {
  eg_mark mark = {1, 1};
  size_t at = skip_byte_order_mark(text, length);
  while (at < length && at < offset) {
    const size_t ending = break_length(text, length, at);
    if (ending > 0) {
      mark.line++;
      mark.column = 1;
      at += ending;
    } else {
      mark.column++;
      at += column_length(text + at, length - at);
    }
  }
  return mark;
}

static size_t find_line(const char *text, size_t length, int line) {
  size_t at = skip_byte_order_mark(text, length);
  for (int current = 1; current < line && at < length;) {
    const size_t ending = break_length(text, length, at);
    current += ending > 0 ? 1 : 0;
    at += ending > 0 ? ending : 1;
  }
  return at;
}

char eg_character_at(const char *text, size_t length, eg_mark mark) {
  size_t at = find_line(text, length, mark.line);
  for (int column = 1; at < length && break_length(text, length, at) == 0; column++) {
    if (column == mark.column) {
      return text[at];
    }
    at += column_length(text + at, length - at);
  }
  return '\n';
}

/* Columns of the word at p: a quoted text to its closing quote, otherwise to the next separator. */
static int word_width(const char *p, size_t left) {
  if (left == 0) {
    return 1;
  }
  const bool is_quoted = p[0] == '"' || p[0] == '\'';
  int width = 1;
  for (size_t at = column_length(p, left); at < left; at += column_length(p + at, left - at)) {
    if (is_quoted && p[at] == p[0]) {
      return width + 1;
    }
    if (!is_quoted && (strchr(" \t,:]}#", p[at]) != NULL || p[0] == '[' || p[0] == '{')) {
      break;
    }
    width++;
  }
  return width;
}

static char underline(int column, int first, int width) {
  if (column < first) {
    return ' ';
  }
  return column == first ? '^' : column < first + width ? '~' : '\0';
}

void eg_quote_line(eg_text *out, const char *text, size_t length, eg_mark mark, int width) {
  if (mark.line < 1 || mark.column < 1) {
    return;
  }
  const size_t start = find_line(text, length, mark.line);
  const int first = mark.column > MAX_UNSHIFTED ? mark.column - LEAD : 1;
  eg_text below = {0};
  eg_text_append(out, "\n%5d | %s", mark.line, first > 1 ? "..." : "");
  eg_text_append(&below, "\n      | %s", first > 1 ? "   " : "");
  int column = 1;
  size_t at = start;
  for (; at < length && break_length(text, length, at) == 0 && column < first + MAX_SHOWN; column++) {
    if (column == mark.column && width <= 0) {
      size_t end = at;
      while (end < length && break_length(text, length, end) == 0) {
        end++;
      }
      width = word_width(text + at, end - at);
    }
    const size_t shown = printable_length(text + at, length - at);
    const char line_mark = underline(column, mark.column, width);
    if (column >= first) {
      eg_text_append_bytes(out, shown > 0 ? text + at : text[at] == '\t' ? " " : "?", shown > 0 ? shown : 1);
      eg_text_append_bytes(&below, &line_mark, line_mark != '\0' ? 1 : 0);
    }
    at += column_length(text + at, length - at);
  }
  if (at < length && break_length(text, length, at) == 0) {
    eg_text_append(out, "...");
  }
  for (; column <= mark.column && column < first + MAX_SHOWN;
       column++) { /* the place is behind the end of the line */
    eg_text_append(&below, "%c", underline(column, mark.column, 1));
  }
  eg_text_append_bytes(out, eg_text_string(&below), below.length);
  eg_text_free(&below);
}
