/* "Did you mean": Damerau-Levenshtein distance as optimal string alignment (each letter edited once). */
#include <string.h>

#include "study/study.h"

enum { MAX_WORD = 48 };

static int smaller(int a, int b) {
  return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b; lengths up to MAX_WORD. */
static int edit_distance(const char *a, int length_a, const char *b, int length_b) {
  int rows[3][MAX_WORD + 1]; /* row i modulo 3: distances from the first i letters of a */
  for (int j = 0; j <= length_b; j++) {
    rows[0][j] = j;
  }
  for (int i = 1; i <= length_a; i++) {
    int *row = rows[i % 3];
    const int *above = rows[(i + 2) % 3];
    const int *two_above = rows[(i + 1) % 3];
    row[0] = i;
    for (int j = 1; j <= length_b; j++) {
      const int replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = smaller(replaced, 1 + smaller(above[j], row[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = smaller(row[j], two_above[j - 2] + 1);
      }
    }
  }
  return rows[length_a % 3][length_b];
}

const char *eg_nearest_name(const char *word, const char *const *names, size_t n) {
  const size_t length = strlen(word);
  if (length == 0 || length > MAX_WORD) {
    return NULL;
  }
  int best = (int)(length + 2) / 3 + 1; /* one edit in three letters still looks like a slip of the pen */
  const char *nearest = NULL;
  for (size_t i = 0; i < n; i++) {
    const size_t name_length = strlen(names[i]);
    const size_t longer = name_length > length ? name_length : length;
    const size_t shorter = name_length > length ? length : name_length;
    if (name_length > MAX_WORD || (int)(longer - shorter) >= best) {
      continue; /* the lengths alone differ by as many edits */
    }
    const int distance = edit_distance(word, (int)length, names[i], (int)name_length);
    if (distance < best && (size_t)distance < longer) {
      best = distance;
      nearest = names[i];
    }
  }
  return nearest;
}
