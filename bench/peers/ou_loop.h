/* The loop of the C peers: dx = -x dt + dW by Euler-Maruyama, moments every 500 steps. GAUSSIAN() draws a normal. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define OU_LOOP                                                                                              \
  const long trajectories = atol(argv[1]), steps = atol(argv[2]);                                            \
  const double h = 1.0 / 512, scale = sqrt(h);                                                               \
  const long n_records = steps / 500 + 1;                                                                    \
  double *const mean = calloc((size_t)n_records, sizeof *mean);                                              \
  double *const square = calloc((size_t)n_records, sizeof *square);                                          \
  if (mean == NULL || square == NULL) {                                                                      \
    return 1;                                                                                                \
  }                                                                                                          \
  for (long i = 0; i < trajectories; i++) {                                                                  \
    double x = 1.0;                                                                                          \
    for (long record = 0; record < n_records; record++) {                                                    \
      const long first = record * 500, last = first + 500 < steps ? first + 500 : steps;                     \
      for (long step = first; step < last; step++) {                                                         \
        x += -x * h + scale * GAUSSIAN();                                                                    \
      }                                                                                                      \
      mean[record] += x;                                                                                     \
      square[record] += x * x;                                                                               \
    }                                                                                                        \
  }                                                                                                          \
  for (long record = 0; record < n_records; record++) {                                                      \
    printf("%ld %g %g\n", record, mean[record] / (double)trajectories, square[record] / (double)trajectories); \
  }                                                                                                          \
  free(mean);                                                                                                \
  free(square);
