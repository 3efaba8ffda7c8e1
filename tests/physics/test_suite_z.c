/*
 * The z of all known answers of the suite as one sample: its empirical distribution against the normal law by Kolmogorov's test. Every
 * physics test leaves its judged z in the folder ENSGRAD_Z_FOLDER (verdict.h), this one is run behind them. Rows of one test share
 * trajectories, in fours or so (judge.h), so a sample of n counts as n / 4 independent ones; red at 1e-6. A constant bias or a wrong size of
 * the error bars, too small for the limit of a single z, shows here. Controls: the same z moved by 1/2, and made twice as large,
 * must be rejected.
 */
#include <dirent.h>

#include "check.h"

enum { MOST = 20000, LEAST = 1000, SHARED = 4 };

static double z[MOST];
static size_t n;

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static void read_file(const char *folder, const char *name) {
  char path[700];
  double value = 0;
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *const file = fopen(path, "r");
  CHECK(file != NULL);
  while (file != NULL && n < MOST && fscanf(file, "%lf", &value) == 1) {
    z[n++] = value;
  }
  CHECK(file == NULL || (feof(file) != 0 && fclose(file) == 0));
}

/* sup |F_n - Phi| of (z + shift) x factor. */
static double distance(double shift, double factor) {
  double largest = 0;
  for (size_t i = 0; i < n; i++) {
    const double p = 0.5 * erfc(-(z[i] + shift) * factor / sqrt(2.0));
    largest = fmax(largest, fmax(p - (double)i / (double)n, (double)(i + 1) / (double)n - p));
  }
  return largest;
}

/* P(distance larger than d) of m independent values, Kolmogorov's series with Stephens' correction for finite m. */
static double tail(double d, double m) {
  const double t = d * (sqrt(m) + 0.12 + 0.11 / sqrt(m));
  double p = 0;
  for (int k = 1; k < 100; k++) {
    p += (k % 2 == 1 ? 2 : -2) * exp(-2.0 * k * k * t * t);
  }
  return t < 0.2 ? 1 : p;
}

int main(void) {
  const char *const folder = getenv("ENSGRAD_Z_FOLDER");
  DIR *const entries = folder == NULL ? NULL : opendir(folder);
  size_t files = 0;
  CHECK(fabs(tail(1.36 / sqrt(1e6), 1e6) - 0.0494) < 1e-3); /* the tabled 5 % point */
  for (const struct dirent *e = entries == NULL ? NULL : readdir(entries); e != NULL; e = readdir(entries)) {
    const size_t length = strlen(e->d_name);
    if (length > 2 && strcmp(e->d_name + length - 2, ".z") == 0) {
      read_file(folder, e->d_name);
      files++;
    }
  }
  if (entries != NULL) {
    (void)closedir(entries); /* only read */
  }
  if (n < LEAST) {
    printf("skipped: %zu z of %zu tests only; run all physics tests, of a build with all units, first\n", n, files);
    return check_failures > 0 ? 1 : 77;
  }
  qsort(z, n, sizeof *z, ascending);
  const double m = (double)n / SHARED, d = distance(0, 1);
  double squares = 0, sum = 0;
  for (size_t i = 0; i < n; i++) {
    squares += z[i] * z[i];
    sum += z[i];
  }
  printf("%zu z of %zu tests: mean %.3f, mean square %.3f, distance from the normal law %.4f, p %.3g (%.3g if all were independent); "
         "moved by 1/2: %.1g, twice as large: %.1g\n",
         n, files, sum / (double)n, squares / (double)n, d, tail(d, m), tail(d, (double)n), tail(distance(0.5, 1), m),
         tail(distance(0, 2), m));
  CHECK(n < MOST);
  CHECK(tail(d, m) > 1e-6);
  CHECK(tail(distance(0.5, 1), m) < 1e-6 && tail(distance(0, 2), m) < 1e-6);
  return check_report();
}
