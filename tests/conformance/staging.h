/* What test_staging asks staging.c, which is compiled for each type of the state and instruction set. */
#ifndef EG_TESTS_STAGING_H
#define EG_TESTS_STAGING_H

#include <stdint.h>

enum { STAGING_COLUMNS = 17, STAGING_MOST = 16 };

/* Rows `index` of `group` lanes, a row for each, with `columns` (2 to STAGING_COLUMNS) columns: (columns, group). rows, out: of the
   type that `bytes` names. */
typedef struct staging {
  int bytes, group;
  void (*stage)(int columns, const void *rows, uint32_t n_rows, const int32_t *index, void *out);
} staging;

#endif
