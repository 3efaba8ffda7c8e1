/* ou_naive TRAJECTORIES STEPS: what one writes first, drand48 and Box-Muller in double. */
#define _GNU_SOURCE
#include "ou_loop.h"

static double gaussian(void) {
  static double kept;
  static int has_kept;
  if (has_kept) {
    has_kept = 0;
    return kept;
  }
  const double radius = sqrt(-2.0 * log(1.0 - drand48())), angle = 2.0 * M_PI * drand48();
  kept = radius * sin(angle);
  has_kept = 1;
  return radius * cos(angle);
}

#define GAUSSIAN() gaussian()

int main(int argc, char **argv) {
  if (argc != 3) {
    return 2;
  }
  srand48(1);
  OU_LOOP
  return 0;
}
