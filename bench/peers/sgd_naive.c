/* sgd_naive TRAJECTORIES STEPS: SGD on least squares, d = 8, n = 256, batch 1, rand_r, double; |x|^2 every
 * 500 steps. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { D = 8, N = 256 };

int main(int argc, char **argv) {
  if (argc != 3) {
    return 2;
  }
  const long trajectories = atol(argv[1]), steps = atol(argv[2]);
  const double rate = 1.0 / 64;
  static double rows[N][D], target[N];
  srand48(1);
  for (int j = 0; j < N; j++) {
    target[j] = drand48() - 0.5;
    for (int k = 0; k < D; k++) {
      rows[j][k] = sqrt(12.0) * (drand48() - 0.5);
      target[j] += rows[j][k] * (2.0 * k / (D - 1) - 1.0);
    }
  }
  unsigned seed = 1;
  double total = 0;
  for (long i = 0; i < trajectories; i++) {
    double x[D] = {0};
    for (long step = 1; step <= steps; step++) {
      const int j = rand_r(&seed) % N;
      double residual = -target[j];
      for (int k = 0; k < D; k++) {
        residual += rows[j][k] * x[k];
      }
      for (int k = 0; k < D; k++) {
        x[k] -= rate * residual * rows[j][k];
      }
      if (step % 500 == 0) {
        for (int k = 0; k < D; k++) {
          total += x[k] * x[k];
        }
      }
    }
  }
  printf("%g\n", total);
  return 0;
}
