/* "Did you mean": edit distance with swaps of neighbours (optimal string alignment). */
#include <string.h>

#include "cli/cli.h"

enum { MAX_WORD = 32 };

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t edit_distance(const char *a, size_t n_a, const char *b, size_t n_b) {
  size_t d[MAX_WORD + 1][MAX_WORD + 1];
  for (size_t i = 0; i <= n_a; i++) {
    for (size_t j = 0; j <= n_b; j++) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = least(d[i - 1][j - 1] + (a[i - 1] != b[j - 1]), 1 + least(d[i - 1][j], d[i][j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[n_a][n_b];
}

const char *cli_nearest(const char *word, const char *const *names, size_t n) {
  const size_t length = strlen(word);
  if (length == 0 || length > MAX_WORD) {
    return NULL;
  }
  size_t best = (length + 2) / 3 + 1; /* one slip in three letters */
  const char *nearest = NULL;
  for (size_t i = 0; i < n; i++) {
    const size_t name_length = strlen(names[i]);
    if (name_length > MAX_WORD) {
      continue;
    }
    const bool is_beginning = length >= 3 && strncmp(word, names[i], length) == 0;
    const size_t distance = is_beginning ? 1 : edit_distance(word, length, names[i], name_length);
    if (distance < best && distance < length) {
      best = distance;
      nearest = names[i];
    }
  }
  return nearest;
}
