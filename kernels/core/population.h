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
#include "core/uniforms.h"

/* ---- draws of a realisation, one at a time: they cost little beside the particles ---- */

typedef struct eg_draws {
  const eg_launch *a;
  uint64_t realisation, step;
  uint64_t block;   /* whose words are held; EG_NEVER: none */
  uint32_t stream, words[4];
} eg_draws;

EG_FN void eg_draws_begin(eg_draws *d, const eg_launch *a, uint64_t realisation) {
  d->a = a;
  d->realisation = realisation;
  d->step = 0;
  d->block = EG_NEVER;
  d->stream = 0;
  d->words[0] = d->words[1] = d->words[2] = d->words[3] = 0;
}

EG_FN void eg_draws_hold(eg_draws *d, uint32_t stream, uint64_t block) {
  if (d->block != block || d->stream != stream) {
    eg_block(d->a->key, stream, d->realisation, block, d->words);
    d->block = block;
    d->stream = stream;
  }
}

EG_FN uint32_t eg_draws_word(const eg_draws *d, uint32_t j) {
  return j == 0 ? d->words[0] : j == 1 ? d->words[1] : j == 2 ? d->words[2] : d->words[3];
}

/* Number of the i-th data row of a step that takes `count` of them. */
EG_FN uint64_t eg_draws_row(eg_draws *d, uint32_t count, uint32_t i) {
  const uint64_t q = d->step * count + i;
  const uint32_t n_rows = d->a->n_rows;
  eg_draws_hold(d, EG_STREAM_ROWS, q / 4);
  const uint32_t word = eg_draws_word(d, (uint32_t)(q % 4));
  return (uint64_t)(uint32_t)(eg_index_is_rejected(word, n_rows)
                                  ? eg_index_search(d->a->key, d->realisation, q, n_rows)
                                  : eg_index_of_word(word, n_rows));
}

/* The i-th increment of a step that takes `count` of them: eg_draw of core/noise.h by selections, since a run-time index would
   put the words on the stack of a GPU. */
EG_FN eg_real eg_draws_increment(eg_draws *d, uint32_t count, uint32_t i) {
  const uint64_t q = d->step * count + i;
  const int kind = d->a->kind;
  const uint64_t per_block = (uint64_t)eg_kind_per_block(kind);
  const uint32_t j = (uint32_t)(q % per_block);
  eg_draws_hold(d, EG_STREAM_NOISE, q / per_block);
  if (kind == EG_KIND_TABLE5) {
    return (eg_real)eg_table5_value(eg_draws_word(d, j / 6) >> (5 * (j % 6)) & 31u);
  }
  if (kind == EG_KIND_TABLE8) {
    return (eg_real)eg_table8_value(eg_draws_word(d, j / 4) >> (8 * (j % 4)) & 255u);
  }
  if (kind == EG_KIND_TABLE10) {
    return (eg_real)eg_table10_value(eg_draws_word(d, j / 3) >> (10 * (j % 3)) & 1023u);
  }
  if (kind == EG_KIND_TWO_POINT) {
    return (eg_real)eg_two_point_value(eg_draws_word(d, j / 32) >> (j % 32));
  }
  if (kind == EG_KIND_THREE_POINT) {
    return (eg_real)eg_three_point_value(eg_draws_word(d, j));
  }
  if (kind == EG_KIND_GAUSSIAN64) {
    double z0, z1;
    eg_normal2_f64(d->words, &z0, &z1);
    return (eg_real)(j == 0 ? z0 : z1);
  }
  float z0, z1;
  eg_normal2(eg_draws_word(d, j & 2u), eg_draws_word(d, (j & 2u) + 1), &z0, &z1);
  return (eg_real)((j & 1u) == 0 ? z0 : z1);
}

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
