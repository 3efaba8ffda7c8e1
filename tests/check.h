/* A test program is a main that calls CHECK(...) and returns check_report(): the number of failures decides. */
#ifndef EG_TESTS_CHECK_H
#define EG_TESTS_CHECK_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_failures;
static int check_count;

#define CHECK(condition)                                                                                     \
  do {                                                                                                       \
    check_count++;                                                                                           \
    if (!(condition)) {                                                                                      \
      check_failures++;                                                                                      \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                                \
    }                                                                                                        \
  } while (0)

/* |got - want| <= tolerance, printing both when not. NaN never passes. */
#define CHECK_NEAR(got, want, tolerance)                                                                     \
  do {                                                                                                       \
    const double got_ = (got), want_ = (want), tolerance_ = (tolerance);                                     \
    check_count++;                                                                                           \
    if (!(fabs(got_ - want_) <= tolerance_)) {                                                               \
      check_failures++;                                                                                      \
      fprintf(stderr, "%s:%d: %s = %.17g, expected %.17g +- %g\n", __FILE__, __LINE__, #got, got_, want_,    \
              tolerance_);                                                                                   \
    }                                                                                                        \
  } while (0)

#define CHECK_TEXT(got, want)                                                                                \
  do {                                                                                                       \
    const char *got_ = (got), *want_ = (want);                                                               \
    check_count++;                                                                                           \
    if (strcmp(got_, want_) != 0) {                                                                          \
      check_failures++;                                                                                      \
      fprintf(stderr, "%s:%d: got\n%s\nexpected\n%s\n", __FILE__, __LINE__, got_, want_);                    \
    }                                                                                                        \
  } while (0)

/* The text contains the fragment. */
#define CHECK_HAS(got, fragment)                                                                             \
  do {                                                                                                       \
    const char *got_ = (got), *fragment_ = (fragment);                                                       \
    check_count++;                                                                                           \
    if (strstr(got_, fragment_) == NULL) {                                                                   \
      check_failures++;                                                                                      \
      fprintf(stderr, "%s:%d: '%s' is missing in\n%s\n", __FILE__, __LINE__, fragment_, got_);               \
    }                                                                                                        \
  } while (0)

static inline int check_report(void) {
  printf("%d checks, %d failed\n", check_count, check_failures);
  return check_failures == 0 && check_count > 0 ? 0 : 1;
}

#endif
