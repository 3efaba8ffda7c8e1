/* Rows of the theory's tables that need no statistics: a number of the library beside that of the table, and
   wrong ones that must differ. Every row is named and printed, so that `ctest -V -L physics` lists what is
   compared. */
#ifndef EG_TESTS_TABLE_ROW_H
#define EG_TESTS_TABLE_ROW_H

#include "check.h"

static int n_table_rows, n_table_controls;

/* Relative tolerance: 1e-12, or half a unit of the last digit where the table has fewer. */
static inline void row_within(const char *row, double value, double expected, double tolerance) {
  const bool is_near = fabs(value - expected) <= tolerance * fabs(expected);
  n_table_rows++;
  printf("%s: %.15g\n", row, value);
  if (!is_near) {
    fprintf(stderr, "%s: %.17g, table %.17g\n", row, value, expected);
  }
  CHECK(is_near);
}

static inline void row_is(const char *row, double value, double expected) {
  row_within(row, value, expected, 1e-12);
}

/* Of a table with `digits` significant digits. */
static inline void row_has(const char *row, double value, double expected, int digits) {
  const double unit = pow(10, floor(log10(fabs(expected))) - digits + 1);
  row_within(row, value, expected, fmax(1e-12, 0.505 * unit / fabs(expected)));
}

/* A wrong dynamics must not give the table's number. */
static inline void row_is_not(const char *row, double value, double expected) {
  const bool is_far = fabs(value - expected) > 1e-6 * fabs(expected);
  n_table_controls++;
  if (!is_far) {
    fprintf(stderr, "control %s: %.17g is the table's %.17g\n", row, value, expected);
  }
  CHECK(is_far);
}

static inline void report_rows(int least_rows, int least_controls) {
  printf("%d rows of tables, %d negative controls\n", n_table_rows, n_table_controls);
  CHECK(n_table_rows >= least_rows && n_table_controls >= least_controls);
}

#endif
