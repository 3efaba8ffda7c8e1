/*
 * The population form: one realisation is M particles that move by their averages. A model of this form (EG_CAP_POPULATION)
 * defines, besides what model.h says:
 *   #define EG_TERMS n   values averaged over the particles
 *   #define EG_FIELD_VALUES n   values that say how every particle moves
 *   #define EG_MOVE_IS_FIELD 1  (optional) the displacement is the field, the same for all, and the terms are the components
 *   void eg_particle_terms(p, st, x, terms)          what one particle adds to the averages; not finite if x is not
 *   void eg_particle_move(p, st, field, x, v)        the displacement of a particle in a field
 *   void eg_add_row_field(p, st, average, row, w, field)  field += w H(., average, row), what one data row does to a particle
 *   void eg_add_channel_field(p, st, average, c, w, field)  (EG_CAP_CHANNELS, instead of rows) field += w times channel c of
 *                                                    EG_CHANNELS: the noise of one sample is that times a normal, summed
 *   void eg_drift_field(p, st, correction, average, field)  the drift; correction 0: V = E H
 *   void eg_flow_field(p, st, average, field)        the whole displacement of the drift flow over time h/2
 *   eg_real eg_population_loss(p, st, average)
 *
 * A step is one or more stages. A stage makes a field from the averages and the draws of the realisation, moves every
 * particle by it, and averages the terms anew. The definition of an average, for every backend:
 *   a block     256 consecutive particles; v[l] += v[l + s] for s = 128, 64, .., 1, absent particles being 0
 *   the total   block sums likewise, s = P/2, .., 1 with P the least power of two not below the number of blocks
 *   average     total / M; terms are added up in double
 * Draws are those of the lane form, numbered likewise; all particles share them. Start points are numbered by particle.
 */
#ifndef EG_CORE_POPULATION_H
#define EG_CORE_POPULATION_H

#include "core/noise.h"
#include "core/particles.h"
#include "core/single_draws.h"
#include "core/uniforms.h"

#if EG_CAPS & EG_CAP_ROWS
/* field += weight H(., average, row) */
EG_FN void eg_add_row(const eg_params *p, const eg_uniforms *u, const eg_launch *a, const eg_real *average, uint64_t row,
                      eg_real weight, eg_real *field) {
  eg_row r;
#if EG_STRIDE == 1
  r.base = (const eg_real *)a->rows;
  r.n_rows = a->n_rows;
  r.row = row;
#else
  eg_real copy[EG_DIM + 1];
  for (int k = 0; k <= EG_DIM; k++) {
    copy[k] = ((const eg_real *)a->rows)[eg_rows_at(a->n_rows, EG_DIM + 1, row, k)];
  }
  r.base = copy;
  r.stride = 1;
#endif
  eg_add_row_field(p, u->staged, average, r, weight, field);
}
#endif

/* ---- start points ---- */

/* The start components of particles 256 b .. 256 b + 255 are the draws 256 b dim .. (256 b + 256) dim - 1 of the start
   stream: draw q belongs to component q % dim of particle q / dim. This makes the two draws of Philox block `block`. */
EG_FN void eg_particle_start2(const eg_launch *a, uint64_t realisation, uint64_t block, double *z0, double *z1) {
  uint32_t w[4];
  eg_block(a->key, EG_STREAM_START, realisation, block, w);
  eg_normal2_f64(w, z0, z1);
  *z0 = eg_fma(a->start_std, *z0, a->start_mean);
  *z1 = eg_fma(a->start_std, *z1, a->start_mean);
}

/* ---- features of a population: averages over its particles of the feature of one ---- */

EG_FN double eg_particle_norm2(const eg_real *x) {
  double sum = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    sum = eg_fma((double)x[k], (double)x[k], sum);
  }
  return sum;
}

EG_FN double eg_particle_distance2(const eg_real *x, const eg_real *from) {
  double sum = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const double d = (double)x[k] - (double)from[k];
    sum = eg_fma(d, d, sum);
  }
  return sum;
}

#endif
