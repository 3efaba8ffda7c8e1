#include "io/utf8.h"

#include <string.h>

/* Length of the valid sequence that begins here, 0 if there is none. Table 3-7 of the Unicode Standard. */
static size_t sequence_length(const unsigned char *s) {
  static const struct {
    unsigned char first_low, first_high, second_low, second_high;
    size_t length;
  } table[] = {
      {0x01, 0x7F, 0x00, 0xFF, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
      {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
      {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    if (s[0] < table[i].first_low || s[0] > table[i].first_high) {
      continue;
    }
    if (table[i].length > 1 && (s[1] < table[i].second_low || s[1] > table[i].second_high)) {
      return 0;
    }
    for (size_t k = 2; k < table[i].length; k++) { /* stops at the final NUL, which is no continuation */
      if (s[k] < 0x80 || s[k] > 0xBF) {
        return 0;
      }
    }
    return table[i].length;
  }
  return 0;
}

eg_status eg_utf8_copy(eg_context *ctx, const char *text, char **out) {
  static const char replacement[3] = {'\xEF', '\xBF', '\xBD'};
  size_t bytes = 1;
  char *copy = NULL;
  for (const char *s = text; *s != '\0';) {
    const size_t length = sequence_length((const unsigned char *)s);
    bytes += length > 0 ? length : sizeof replacement;
    s += length > 0 ? length : 1;
  }
  EG_TRY(eg_allocate(ctx, bytes, 1, &copy));
  *out = copy;
  for (const char *s = text; *s != '\0';) {
    const size_t length = sequence_length((const unsigned char *)s);
    const size_t n = length > 0 ? length : sizeof replacement;
    memcpy(copy, length > 0 ? s : replacement, n);
    copy += n;
    s += length > 0 ? length : 1;
  }
  return EG_OK;
}
