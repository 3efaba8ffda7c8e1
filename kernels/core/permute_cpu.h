/* Permutations of rows for EG_LANES realisations at a time, draw after draw. Part of fill_cpu.c. */
#ifndef EG_CORE_PERMUTE_CPU_H
#define EG_CORE_PERMUTE_CPU_H

#include "core/fill.h"
#include "core/permutation.h"

/* Back to the identity: the swaps made so far, last first. */
static void undo_permutation(eg_permutation *p) {
  while (p->done > 0) {
    p->done--;
    uint16_t *const place = p->order + (size_t)p->done * EG_LANES;
    const uint16_t *const chosen = p->chosen + (size_t)p->done * EG_LANES;
    for (int l = 0; l < EG_LANES; l++) {
      uint16_t *const other = p->order + (size_t)chosen[l] * EG_LANES + l;
      const uint16_t row = place[l];
      place[l] = *other;
      *other = row;
    }
  }
}

static void permutation_words(const uint32_t key[2], uint64_t realisation, uint64_t block, eg_permutation *p) {
  _Pragma("omp simd")
  for (int l = 0; l < EG_LANES; l++) {
    uint32_t w[4];
    eg_block(key, EG_STREAM_PERMUTE, realisation + (uint64_t)l, block, w);
    p->words[l] = w[0];
    p->words[EG_LANES + l] = w[1];
    p->words[2 * EG_LANES + l] = w[2];
    p->words[3 * EG_LANES + l] = w[3];
  }
  p->block = block;
}

/* Make the next draw of the permutation. */
static void permute_once(const uint32_t key[2], uint64_t realisation, uint32_t n_rows, eg_permutation *p) {
  const uint64_t number = p->first + p->done;
  if (p->block != number / 4) {
    permutation_words(key, realisation, number / 4, p);
  }
  const uint32_t *const words = p->words + number % 4 * EG_LANES;
  uint16_t *const place = p->order + (size_t)p->done * EG_LANES;
  uint16_t *const chosen = p->chosen + (size_t)p->done * EG_LANES;
  const uint32_t below = n_rows - p->done;
  for (int l = 0; l < EG_LANES; l++) {
    const uint32_t step = eg_choice_of_word(key, realisation + (uint64_t)l, number, words[l], below);
    chosen[l] = (uint16_t)(p->done + step);
    uint16_t *const other = p->order + (size_t)chosen[l] * EG_LANES + l;
    const uint16_t row = place[l];
    place[l] = *other;
    *other = row;
  }
  p->done++;
}

/* out[d * EG_LANES + lane] = row of draw first_draw + d. `count`: rows a step. */
static void fill_permuted(const uint32_t key[2], uint64_t realisation, uint64_t first_draw, int n_draws, uint32_t n_rows,
                          int sampling, uint32_t count, eg_permutation *p, int32_t *out) {
  if (p->realisation != realisation || !p->is_valid) {
    undo_permutation(p);
    p->realisation = realisation;
    p->block = UINT64_MAX;
    p->first = 0;
    p->is_valid = 1;
  }
  for (int d = 0; d < n_draws; d++) {
    const eg_place_of_draw at = eg_place_of(sampling, first_draw + (uint64_t)d, count, n_rows);
    if (p->first != at.first) {
      undo_permutation(p);
      p->first = at.first;
    }
    while (p->done <= at.place) {
      permute_once(key, realisation, n_rows, p);
    }
    const uint16_t *const place = p->order + (size_t)at.place * EG_LANES;
    for (int l = 0; l < EG_LANES; l++) {
      out[(size_t)d * EG_LANES + (size_t)l] = place[l];
    }
  }
}

#endif
