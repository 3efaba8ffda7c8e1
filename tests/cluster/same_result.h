/* Do two result files hold the same bits, all but /provenance? That includes the sums of the tree and their order. */
#ifndef SAME_RESULT_H
#define SAME_RESULT_H

#include <stdio.h>
#include <string.h>

#include "io/result_file.h"

static inline size_t same_result_bytes(eg_type type) {
  return type == EG_TYPE_U8 ? 1 : (type == EG_TYPE_I32 ? 4 : 8);
}

static inline bool same_result_texts(const eg_variable *a, const eg_variable *b) {
  for (size_t i = 0; i < eg_variable_size(a); i++) {
    if (strcmp(((char *const *)a->data)[i], ((char *const *)b->data)[i]) != 0) {
      return false;
    }
  }
  return true;
}

static inline bool same_result_variable(const eg_variable *a, const eg_variable *b) {
  if (b == NULL || a->type != b->type || a->rank != b->rank ||
      memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) != 0) {
    return false;
  }
  return a->type == EG_TYPE_TEXT ? same_result_texts(a, b)
                                 : memcmp(a->data, b->data, eg_variable_size(a) * same_result_bytes(a->type)) == 0;
}

/* Prints what differs first. */
static inline bool same_result(const eg_labelled *a, const eg_labelled *b) {
  size_t n[2] = {0, 0};
  for (size_t i = 0; i < a->n_variables; i++) {
    const eg_variable *const v = &a->variables[i];
    if (strcmp(v->group, "/provenance") == 0) {
      continue;
    }
    n[0]++;
    if (!same_result_variable(v, eg_labelled_find(b, v->group, v->name))) {
      printf("%s%s%s differs\n", v->group, v->group[1] == '\0' ? "" : "/", v->name);
      return false;
    }
  }
  for (size_t i = 0; i < b->n_variables; i++) {
    n[1] += strcmp(b->variables[i].group, "/provenance") != 0;
  }
  if (n[0] != n[1] || n[0] == 0) {
    printf("%zu variables against %zu\n", n[0], n[1]);
    return false;
  }
  return true;
}

#endif
