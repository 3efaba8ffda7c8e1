/* ou_gsl TRAJECTORIES STEPS: GSL's fastest generator (taus2) and its ziggurat. */
#define _GNU_SOURCE
#include <gsl/gsl_randist.h>

#include "ou_loop.h"

#define GAUSSIAN() gsl_ran_gaussian_ziggurat(rng, 1.0)

int main(int argc, char **argv) {
  if (argc != 3) {
    return 2;
  }
  gsl_rng *const rng = gsl_rng_alloc(gsl_rng_taus2);
  OU_LOOP
  gsl_rng_free(rng);
  return 0;
}
