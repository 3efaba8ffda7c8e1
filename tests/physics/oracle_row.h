/* One number of a table of the theory beside what the program says, printed with its name: file, table, row, column. */
#ifndef EG_TESTS_ORACLE_ROW_H
#define EG_TESTS_ORACLE_ROW_H

#include "check.h"

static size_t n_oracle_rows, n_oracle_controls;

static inline void oracle_row(const char *table, const char *row, const char *column, double got, double want,
                              double tolerance) {
  const bool is_good = fabs(got - want) <= tolerance;
  n_oracle_rows++;
  printf("%s, %s, %s: %.15g\n", table, row, column, want);
  CHECK(is_good);
  if (!is_good) {
    fprintf(stderr, "%s, %s, %s: %.16g, table %.16g +- %g\n", table, row, column, got, want, tolerance);
  }
}

/* A wrong dynamics whose number the same comparison must reject. */
static inline void oracle_control(const char *table, const char *row, const char *column, double wrong, double want,
                                  double tolerance) {
  const bool is_rejected = fabs(wrong - want) > tolerance;
  n_oracle_controls++;
  CHECK(is_rejected);
  if (!is_rejected) {
    fprintf(stderr, "not rejected: %s, %s, %s: %.16g, table %.16g +- %g\n", table, row, column, wrong, want, tolerance);
  }
}

static inline void oracle_count(size_t least_rows, size_t least_controls) {
  printf("%zu rows of tables, %zu controls\n", n_oracle_rows, n_oracle_controls);
  CHECK(n_oracle_rows >= least_rows && n_oracle_controls >= least_controls);
}

#endif
