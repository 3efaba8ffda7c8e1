/* Coverage of the diffusion analysis at full size: fractional Brownian motion, H = 0.1 .. 0.9, 2000 repeats each. */
#include "physics/coverage.h"

int main(void) {
  for (int tenth = 1; tenth <= 9; tenth++) {
    cover(0.1 * tenth, 1, 400, 2000, 0.93, 0.97);
  }
  cover(0.5, 4, 200, 2000, 0.93, 0.97);
  return check_report();
}
