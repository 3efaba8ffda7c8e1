/*
 * Comparisons that libFuzzer does not watch (scripts/fuzz_study ... fast): its hooks in memcmp, strcmp and strncmp take
 * a third of an execution. Included ahead of every file.
 */
#ifndef FUZZ_PLAIN_COMPARE_H
#define FUZZ_PLAIN_COMPARE_H

#include <string.h>

static inline __attribute__((unused)) int plain_memcmp(const void *a, const void *b, size_t n) {
  const unsigned char *const x = a, *const y = b;
  size_t i = 0;
  while (i < n && x[i] == y[i]) {
    i++;
  }
  return i == n ? 0 : x[i] - y[i];
}

static inline __attribute__((unused)) int plain_strncmp(const char *a, const char *b, size_t n) {
  size_t i = 0;
  while (i < n && a[i] == b[i] && a[i] != '\0') {
    i++;
  }
  return i == n ? 0 : (unsigned char)a[i] - (unsigned char)b[i];
}

static inline __attribute__((unused)) int plain_strcmp(const char *a, const char *b) {
  return plain_strncmp(a, b, (size_t)-1);
}

#define memcmp plain_memcmp
#define strncmp plain_strncmp
#define strcmp plain_strcmp

#endif
