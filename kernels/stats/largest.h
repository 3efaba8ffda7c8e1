/*
 * The K largest of many values under the total order (value, larger first; realisation, smaller first). A list is K pairs
 * (value, realisation + 1) of doubles, sorted; empty places are (0, 0) and come last. The list of a union is made of the
 * lists of its parts exactly, in any order of merging.
 */
#ifndef EG_STATS_LARGEST_H
#define EG_STATS_LARGEST_H

#include "core/portable.h"

enum { EG_MOST_LARGEST = 10000 };

EG_FN int eg_largest_is_before(const double *a, const double *b) {
  return a[1] > 0 && (!(b[1] > 0) || a[0] > b[0] || (a[0] == b[0] && a[1] < b[1]));
}

EG_FN void eg_largest_swap(double *a, double *b) {
  const double value = a[0], realisation = a[1];
  a[0] = b[0];
  a[1] = b[1];
  b[0] = value;
  b[1] = realisation;
}

/* While a list is filled it is a heap of n pairs whose root comes last in the order. */
EG_FN void eg_largest_sink(double *list, uint32_t n, uint32_t i) {
  for (uint32_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
    if (child + 1 < n && eg_largest_is_before(list + 2 * child, list + 2 * (child + 1))) {
      child++;
    }
    if (!eg_largest_is_before(list + 2 * i, list + 2 * child)) {
      return;
    }
    eg_largest_swap(list + 2 * i, list + 2 * child);
    i = child;
  }
}

/* Offer a pair to a heap of *n <= k. */
EG_FN void eg_largest_offer(double *list, uint32_t k, uint32_t *n, double value, double realisation) {
  double pair[2];
  pair[0] = value;
  pair[1] = realisation + 1.0;
  if (*n == k) {
    if (eg_largest_is_before(pair, list)) {
      list[0] = pair[0];
      list[1] = pair[1];
      eg_largest_sink(list, k, 0);
    }
    return;
  }
  uint32_t i = (*n)++;
  list[2 * i] = pair[0];
  list[2 * i + 1] = pair[1];
  while (i > 0 && eg_largest_is_before(list + 2 * ((i - 1) / 2), list + 2 * i)) {
    eg_largest_swap(list + 2 * ((i - 1) / 2), list + 2 * i);
    i = (i - 1) / 2;
  }
}

/* From the heap to the sorted list of k places. */
EG_FN void eg_largest_finish(double *list, uint32_t k, uint32_t n) {
  for (uint32_t last = n; last > 1; last--) {
    eg_largest_swap(list, list + 2 * (last - 1));
    eg_largest_sink(list, last - 1, 0);
  }
  for (uint32_t i = n; i < k; i++) {
    list[2 * i] = list[2 * i + 1] = 0.0;
  }
}

/* The k largest of two lists; `into` may be one of them: it is written from its end, behind what is still to be read. */
EG_FN void eg_largest_merge(double *into, const double *a, const double *b, uint32_t k) {
  uint32_t n_a = 0, n_b = 0;
  while (n_a + n_b < k) {
    if (eg_largest_is_before(b + 2 * n_b, a + 2 * n_a)) {
      n_b++;
    } else {
      n_a++;
    }
  }
  for (uint32_t i = k; i-- > 0;) {
    const int from_b = n_a == 0 || (n_b > 0 && eg_largest_is_before(a + 2 * (n_a - 1), b + 2 * (n_b - 1)));
    const double *const from = from_b ? b + 2 * (n_b - 1) : a + 2 * (n_a - 1);
    into[2 * i] = from[0];
    into[2 * i + 1] = from[1];
    n_a -= from_b ? 0 : 1;
    n_b -= from_b ? 1 : 0;
  }
}

#endif
