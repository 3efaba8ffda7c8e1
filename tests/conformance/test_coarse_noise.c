/* Increments as floats, as most units have them. */
#define EG_NOISE_REAL float
#include "coarse_noise.h"
