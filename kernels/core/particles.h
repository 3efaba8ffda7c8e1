/* How the particles of a population lie in memory and in the tree of their averages (core/population.h). */
#ifndef EG_CORE_PARTICLES_H
#define EG_CORE_PARTICLES_H

#include "core/portable.h"

#define EG_PARTICLE_BLOCK 256

/* Slots between the components of a population: whole vectors. */
EG_FN uint64_t eg_particle_slots(uint32_t n_particles) {
  return ((uint64_t)n_particles + 7) / 8 * 8;
}

EG_FN uint32_t eg_particle_blocks(uint32_t n_particles) {
  return (n_particles + EG_PARTICLE_BLOCK - 1) / EG_PARTICLE_BLOCK;
}

EG_FN uint32_t eg_power_of_two(uint32_t n) {
  uint32_t p = 1;
  while (p < n) {
    p *= 2;
  }
  return p;
}

#endif
