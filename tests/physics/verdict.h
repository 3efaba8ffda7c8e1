/*
 * Comparisons of a physics test: a simulated value beside an oracle, in units of its standard error. Seeds are fixed; the limit
 * is the Student quantile for a family-wise error of 1e-6 over all that are judged. Fewer than 1000 effective samples are not
 * judged. Negative controls compare with a wrong oracle and must be rejected.
 */
#ifndef EG_TESTS_VERDICT_H
#define EG_TESTS_VERDICT_H

#include <errno.h>
#include <sys/stat.h>

#include "check.h"

enum { MAX_ROWS = 600 };

typedef struct row {
  char what[100];
  double value, stderr_, expected, effective;
  bool is_control;
} row;

static row rows[MAX_ROWS];
static size_t n_rows;

static inline void stop_with(const char *text) {
  fprintf(stderr, "%s\n", text);
  exit(1);
}

/* effective: independent samples, or one more than the degrees of freedom of a jackknife error (then at least 64 blocks). */
static inline void compare(bool is_control, const char *what, double value, double stderr_, double expected,
                           double effective) {
  if (n_rows == MAX_ROWS) {
    stop_with("raise MAX_ROWS");
  }
  row *const r = &rows[n_rows++];
  (void)snprintf(r->what, sizeof r->what, "%s", what);
  r->value = value;
  r->stderr_ = stderr_;
  r->expected = expected;
  r->effective = effective;
  r->is_control = is_control;
}

/* z with erfc(z / sqrt 2) = p, then the first correction towards Student's t (Abramowitz and Stegun, 26.7.5).
 */
static inline double quantile(double p, double degrees) {
  double low = 0, high = 30;
  for (int i = 0; i < 100; i++) {
    const double middle = (low + high) / 2;
    if (erfc(middle / sqrt(2.0)) > p) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low + (low * low * low + low) / (4 * degrees);
}

/* Where the judged z of this program go for the test of the whole suite (test_suite_z.c), NULL: nowhere. */
static inline FILE *open_z(void) {
  const char *const folder_of_z = getenv("ENSGRAD_Z_FOLDER");
  char path[600];
  if (folder_of_z == NULL) {
    return NULL;
  }
  (void)mkdir(folder_of_z, 0777); /* may be there */
  (void)snprintf(path, sizeof path, "%s/%s.z", folder_of_z, program_invocation_short_name);
  FILE *const file = fopen(path, "w");
  CHECK(file != NULL);
  return file;
}

/* Judge all rows; the counts are what the test must at least have. Returns the mean square of the judged z. */
static inline double judge_rows(size_t least_judged, size_t least_controls) {
  size_t n_judged = 0, n_controls = 0, n_skipped = 0, n_beyond_2 = 0;
  double largest = 0, squares = 0, least_control = INFINITY;
  FILE *const z_file = open_z();
  for (size_t i = 0; i < n_rows; i++) {
    n_judged += !rows[i].is_control && rows[i].effective >= 1000;
  }
  for (size_t i = 0; i < n_rows; i++) {
    const row *const r = &rows[i];
    if (r->effective < 1000) {
      n_skipped++;
      printf("not judged: %s, %.0f effective samples\n", r->what, r->effective);
      continue;
    }
    const double z = (r->value - r->expected) / r->stderr_,
                 limit = quantile(1e-6 / (double)n_judged, r->effective);
    if (r->is_control) {
      n_controls++;
      least_control = fmin(least_control, fabs(z));
      CHECK(fabs(z) > limit);
    } else {
      squares += z * z;
      if (z_file != NULL) {
        CHECK(fprintf(z_file, "%.6f\n", z) > 0);
      }
      n_beyond_2 += fabs(z) > 2;
      largest = fmax(largest, fabs(z));
      CHECK(fabs(z) <= limit);
    }
    if (r->is_control ? !(fabs(z) > limit) : !(fabs(z) <= limit)) {
      fprintf(stderr, "%s%s: %.10g +- %.2g, oracle %.10g, z %.2f, limit %.2f\n",
              r->is_control ? "control " : "", r->what, r->value, r->stderr_, r->expected, z, limit);
    }
  }
  if (z_file != NULL) {
    CHECK(fclose(z_file) == 0);
  }
  printf("%zu z-scores: largest %.2f, mean square %.2f, %zu beyond 2; %zu negative controls: smallest %.1f; "
         "%zu not judged\n",
         n_judged, largest, squares / (double)n_judged, n_beyond_2, n_controls, least_control, n_skipped);
  CHECK(n_judged >= least_judged && n_controls >= least_controls);
  return squares / (double)n_judged;
}

#endif
