/* Increments as doubles, as units for gaussian64 have them. */
#define EG_NOISE_REAL double
#include "coarse_noise.h"
