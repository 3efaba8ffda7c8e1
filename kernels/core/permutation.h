/*
 * Rows without replacement: Fisher and Yates' shuffle (Durstenfeld's form), exact for any number of rows. Of a permutation
 * of n rows, draw i swaps place i with place i + u, u uniform below n - i; the row of draw i is what place i then holds.
 * Every permutation starts from the identity, so it is a pure function of (seed, realisation, its first draw): restarts
 * need no state.
 *
 *   fresh   every step draws a new subset of `count` rows: permutation = step, draws 0 .. count - 1 of it
 *   shuffle a new permutation every epoch of floor(n / count) steps; the last n mod count rows of an epoch are left out
 *   fixed   the same permutation in every epoch
 */
#ifndef EG_CORE_PERMUTATION_H
#define EG_CORE_PERMUTATION_H

#include "core/noise.h"

enum { EG_SAMPLE_REPLACEMENT = 0, EG_SAMPLE_FRESH = 1, EG_SAMPLE_SHUFFLE = 2, EG_SAMPLE_FIXED = 3 };

/* Places are 16-bit numbers. */
#define EG_PERMUTATION_MOST 65536u

/* Numbers of `real_bytes` each behind what a team works in, for a permutation and its swaps: whole lines of memory. */
EG_FN uint64_t eg_team_order_values(int sampling, uint32_t n_rows, uint64_t real_bytes) {
  const uint64_t bytes = sampling == EG_SAMPLE_REPLACEMENT ? 0 : (uint64_t)n_rows * 2 * sizeof(uint16_t);
  return (bytes + 127) / 128 * 128 / real_bytes;
}

/* Where draw q of a run stands: draw `place` of the permutation whose draw 0 has the number `first` in the stream. */
typedef struct eg_place_of_draw {
  uint64_t first;
  uint32_t place;
} eg_place_of_draw;

EG_FN eg_place_of_draw eg_place_of(int sampling, uint64_t q, uint32_t count, uint32_t n_rows) {
  eg_place_of_draw at;
  const uint64_t step = q / count, k = q % count;
  if (sampling == EG_SAMPLE_FRESH) {
    at.first = step * count;
    at.place = (uint32_t)k;
    return at;
  }
  const uint64_t steps = n_rows / count; /* of an epoch */
  at.first = sampling == EG_SAMPLE_FIXED ? 0 : step / steps * n_rows;
  at.place = (uint32_t)(step % steps * count + k);
  return at;
}

/* Uniform below n - i for draw `number` of the stream, from its word w. */
EG_FN uint32_t eg_choice_of_word(const uint32_t key[2], uint64_t realisation, uint64_t number, uint32_t w, uint32_t below) {
  uint32_t words[4];
  if (!eg_index_is_rejected(w, below)) {
    return eg_mulhi32(w, below);
  }
  EG_ROLLED
  for (uint64_t attempt = 0; attempt < 256; attempt++) {
    eg_block(key, EG_STREAM_PERMUTE_RETRY, realisation, number << 8 | attempt, words);
    EG_UNROLL
    for (int j = 0; j < 4; j++) {
      if (!eg_index_is_rejected(words[j], below)) {
        return eg_mulhi32(words[j], below);
      }
    }
  }
  return 0; /* probability below 2^-1024 */
}

#endif
