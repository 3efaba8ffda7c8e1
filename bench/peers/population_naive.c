/* population_naive REALISATIONS PARTICLES STEPS: particles x_i in R^10 that SGD on one linear mean-field network moves
 * together, 442 rows, batch 1, rand_r, double: their average, then x_i += rate (y - a.average) a. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { D = 10, N = 442 };

int main(int argc, char **argv) {
  if (argc != 4) {
    return 2;
  }
  const long realisations = atol(argv[1]), particles = atol(argv[2]), steps = atol(argv[3]);
  const double rate = 1.0 / 64;
  static double rows[N][D], target[N];
  double(*const x)[D] = calloc((size_t)particles, sizeof *x);
  if (x == NULL) {
    return 1;
  }
  srand48(1);
  for (int j = 0; j < N; j++) {
    target[j] = drand48() - 0.5;
    for (int k = 0; k < D; k++) {
      rows[j][k] = sqrt(12.0) * (drand48() - 0.5);
    }
  }
  unsigned seed = 1;
  double total = 0;
  for (long i = 0; i < realisations; i++) {
    for (long p = 0; p < particles; p++) {
      for (int k = 0; k < D; k++) {
        x[p][k] = 0;
      }
    }
    for (long step = 0; step < steps; step++) {
      double average[D] = {0};
      for (long p = 0; p < particles; p++) {
        for (int k = 0; k < D; k++) {
          average[k] += x[p][k];
        }
      }
      const int j = rand_r(&seed) % N;
      double residual = target[j];
      for (int k = 0; k < D; k++) {
        residual -= rows[j][k] * average[k] / (double)particles;
      }
      for (long p = 0; p < particles; p++) {
        for (int k = 0; k < D; k++) {
          x[p][k] += rate * residual * rows[j][k];
        }
      }
    }
    total += x[0][0];
  }
  printf("%g\n", total);
  free(x);
  return 0;
}
