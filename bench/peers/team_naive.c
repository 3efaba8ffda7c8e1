/* team_naive TRAJECTORIES STEPS DIM ROWS: SGD on least squares, batch 1, rand_r, double; |x|^2 at the end. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  if (argc != 5) {
    return 2;
  }
  const long trajectories = atol(argv[1]), steps = atol(argv[2]);
  const int d = atoi(argv[3]), n = atoi(argv[4]);
  const double rate = 1.0 / 4096;
  double *const rows = malloc((size_t)n * (size_t)d * sizeof *rows), *const target = malloc((size_t)n * sizeof *target);
  double *const x = malloc((size_t)d * sizeof *x);
  if (d < 1 || n < 1 || rows == NULL || target == NULL || x == NULL) {
    return 2;
  }
  srand48(1);
  for (int j = 0; j < n; j++) {
    target[j] = drand48() - 0.5;
    for (int k = 0; k < d; k++) {
      rows[j * d + k] = sqrt(12.0) * (drand48() - 0.5);
      target[j] += rows[j * d + k] * (2.0 * k / d - 1.0);
    }
  }
  unsigned seed = 1;
  double total = 0;
  for (long i = 0; i < trajectories; i++) {
    for (int k = 0; k < d; k++) {
      x[k] = 0;
    }
    for (long step = 0; step < steps; step++) {
      const double *const a = rows + (size_t)(rand_r(&seed) % (unsigned)n) * (size_t)d;
      const double y = target[(a - rows) / d];
      double residual = -y;
      for (int k = 0; k < d; k++) {
        residual += a[k] * x[k];
      }
      for (int k = 0; k < d; k++) {
        x[k] -= rate * residual * a[k];
      }
    }
    for (int k = 0; k < d; k++) {
      total += x[k] * x[k];
    }
  }
  printf("%g\n", total);
  free(rows);
  free(target);
  free(x);
  return 0;
}
