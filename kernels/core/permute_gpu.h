/*
 * Rows without replacement for one thread of core/lane_gpu.h, or one warp of core/team_gpu.h (core/permutation.h has the
 * definition). The permutation in hand lies in device memory. In lane form it lies beside those of the other threads, so that a
 * warp that draws reads side by side: launch.scratch is (order or swaps, place, thread). A warp has its own behind what it works
 * in. It begins as the identity with every launch; a place is settled by its own draw, so a thread that goes back a few steps
 * within a permutation finds what it had.
 */
#ifndef EG_CORE_PERMUTE_GPU_H
#define EG_CORE_PERMUTE_GPU_H

#include "core/permutation.h"

typedef struct eg_permuted {
  uint16_t *order, *chosen; /* of place 0; the next ones are `stride` apart */
  uint64_t stride;          /* threads */
  uint64_t first, block;    /* number of draw 0 of the permutation; the block whose words are held, or EG_NEVER */
  uint32_t done, place;     /* draws made; place of the first row of the step */
  uint32_t w[4];
} eg_permuted;

/* memory: 2 n_rows numbers, `stride` apart. This thread writes the identity's places from, from + by, .. */
EG_FN void eg_permuted_begin_at(eg_permuted *p, uint16_t *memory, uint64_t stride, uint32_t n_rows, uint32_t from, uint32_t by) {
  p->stride = stride;
  p->order = memory;
  p->chosen = p->order + (uint64_t)n_rows * stride;
  p->first = 0;
  p->block = EG_NEVER;
  p->done = 0;
  p->place = 0;
  EG_ROLLED
  for (uint32_t i = from; i < n_rows; i += by) {
    p->order[i * stride] = (uint16_t)i;
  }
}

/* In lane form. */
EG_FN void eg_permuted_begin(eg_permuted *p, const eg_launch *a, uint64_t thread) {
  const uint64_t tiles = ((uint64_t)a->n_lanes + a->ld - 1) / a->ld;
  eg_permuted_begin_at(p, (uint16_t *)a->scratch + thread, tiles * a->n_points * a->ld, a->n_rows, 0, 1);
}

EG_FN void eg_permuted_swap(const eg_permuted *p, uint32_t i, uint32_t j) {
  const uint16_t row = p->order[i * p->stride];
  p->order[i * p->stride] = p->order[j * p->stride];
  p->order[j * p->stride] = row;
}

/* Stand before the rows of a step: back to the identity, the swaps undone from the last, if they are of another permutation. */
EG_FN void eg_permuted_step(eg_permuted *p, const eg_launch *a, uint64_t step) {
  const eg_place_of_draw at = eg_place_of(a->sampling, step * a->fold_count, a->fold_count, a->n_rows);
  p->place = at.place;
  if (at.first == p->first) {
    return;
  }
  p->first = at.first;
  EG_ROLLED
  while (p->done > 0) {
    p->done--;
    eg_permuted_swap(p, p->done, p->chosen[p->done * p->stride]);
  }
}

/* Row i of the step. */
EG_FN uint64_t eg_permuted_row(eg_permuted *p, const eg_launch *a, uint64_t realisation, uint32_t i) {
  const uint32_t place = p->place + i;
  EG_ROLLED
  while (p->done <= place) {
    const uint64_t number = p->first + p->done;
    const uint32_t j = (uint32_t)(number % 4);
    if (p->block != number / 4) {
      p->block = number / 4;
      eg_block(a->key, EG_STREAM_PERMUTE, realisation, p->block, p->w);
    }
    const uint32_t word = j == 0 ? p->w[0] : j == 1 ? p->w[1] : j == 2 ? p->w[2] : p->w[3];
    const uint32_t other = p->done + eg_choice_of_word(a->key, realisation, number, word, a->n_rows - p->done);
    p->chosen[p->done * p->stride] = (uint16_t)other;
    eg_permuted_swap(p, p->done, other);
    p->done++;
  }
  return p->order[place * p->stride];
}

#endif
