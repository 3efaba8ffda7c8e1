/* Draws of a realisation, one at a time: where they cost little beside the rest, or their number is known only at run time. */
#ifndef EG_CORE_SINGLE_DRAWS_H
#define EG_CORE_SINGLE_DRAWS_H

#include "core/launch.h"
#include "core/noise.h"

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
EG_FN eg_real eg_draws_increment(eg_draws *d, int kind, uint32_t count, uint32_t i) {
  const uint64_t q = d->step * count + i;
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

#endif
