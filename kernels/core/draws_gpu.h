/*
 * The draws of one thread of core/lane_gpu.h: increments of every noise kind, and indices of data rows. They wait in
 * queues that always serve from the front; serving n draws shifts a queue by n, so that every array is indexed by
 * constants after unrolling and stays in registers. A queue of U steps holds whole Philox blocks; C steps at a time are
 * unrolled.
 */
#ifndef EG_CORE_DRAWS_GPU_H
#define EG_CORE_DRAWS_GPU_H

#include "core/noise.h"
#include "core/stable.h"

/* -DEG_STABLE=1 makes kernels whose increments are alpha-stable: a Philox block each, in place of those of the kind. */
#ifndef EG_STABLE
#define EG_STABLE 0
#endif

/* -DEG_COARSE=1 makes kernels of coarse members of groups: their increments are sums of the finest member's, whose draws the queue
   serves (core/lane_step_gpu.h). */
#ifndef EG_COARSE
#define EG_COARSE 0
#endif

#ifndef EG_CHANNELS
#define EG_CHANNELS 0
#endif
#ifndef EG_PAIR
#define EG_PAIR 0
#endif
#define EG_MOST_OF(a, b) ((a) > (b) ? (a) : (b))
/* srk2 and the exact Langevin equation take most, and are never compiled beside others for a device. */
#if defined(EG_WANTED_srk2_diagonal) || defined(EG_WANTED_srk2_channels) || defined(EG_WANTED_srk2_cholesky) || defined(EG_THREAD_FORM)
#define EG_SRK2_NORMALS                                                                                      \
  EG_MOST_OF((EG_SERVES_SRK2_DIAGONAL || EG_SERVES_SRK2_CHOLESKY) ? EG_SRK2_DIAGONAL : 0,                    \
             (EG_SERVES_SRK2_CHANNELS) ? EG_SRK2_DRAWS(EG_CHANNELS) : 0)
#else
#define EG_SRK2_NORMALS 0
#endif
#if defined(EG_WANTED_langevin_exact) || (defined(EG_THREAD_FORM) && EG_CAPS_ROOT)
#define EG_LANGEVIN_NORMALS (2 * EG_DIM)
#else
#define EG_LANGEVIN_NORMALS 0
#endif
#define EG_RARE_NORMALS  EG_MOST_OF(EG_SRK2_NORMALS, EG_LANGEVIN_NORMALS)
#define EG_MOST_NORMALS  EG_MOST_OF(EG_MOST_OF(EG_DIM, EG_RARE_NORMALS), EG_MOST_OF(EG_CHANNELS, EG_PAIR))
#define EG_QUEUE        (4 * EG_MOST_NORMALS) /* whole blocks: at most `normals` of 4 words, or of 4 values */

/* ---- shapes of the queue, all constants after inlining ---- */

EG_FN int eg_code_bits(int kind) {
  return kind == EG_KIND_TABLE5      ? 5
         : kind == EG_KIND_TABLE8    ? 8
         : kind == EG_KIND_TABLE10   ? 10
         : kind == EG_KIND_TWO_POINT ? 1
                                     : 32;
}

/* Table and two-point draws wait as codes in a string of bits, the others as values. */
EG_FN int eg_is_coded(int kind) {
  return !EG_STABLE && (kind == EG_KIND_TABLE5 || kind == EG_KIND_TABLE8 || kind == EG_KIND_TABLE10 ||
                        kind == EG_KIND_TWO_POINT);
}

/* Draws that a Philox block serves here. */
EG_FN int eg_queue_per_block(int kind) {
  return EG_STABLE ? 1 : eg_kind_per_block(kind);
}

/* gcd(n, draws per block): the latter is 2^a or 3 2^a. */
EG_FN int eg_common(int n, int per_block) {
  const int three = n % 3 == 0 && per_block % 3 == 0 ? 3 : 1;
  const int p = per_block / (per_block % 3 == 0 ? 3 : 1);
  const int two = n % 128 == 0  ? 128
                  : n % 64 == 0 ? 64
                  : n % 32 == 0 ? 32
                  : n % 16 == 0 ? 16
                  : n % 8 == 0  ? 8
                  : n % 4 == 0  ? 4
                  : n % 2 == 0  ? 2
                                : 1;
  return three * (two < p ? two : p);
}

/* Philox blocks of one queue, and the steps (of n draws) that they serve. */
EG_FN int eg_queue_blocks(int kind, int n) {
  return n / eg_common(n, eg_queue_per_block(kind));
}
EG_FN int eg_queue_steps(int kind, int n) {
  return eg_queue_per_block(kind) / eg_common(n, eg_queue_per_block(kind));
}

/* Steps unrolled together, a divisor of the steps of a queue: small steps profit, large ones only grow the
 * code. */
EG_FN int eg_chunk_steps(int kind, int n) {
  const int steps = eg_queue_steps(kind, n);
  if (!eg_is_coded(kind)) {
    return n <= 3 ? steps : 1;
  }
  return n <= 2 ? 4 : n <= 4 ? 2 : 1;
}

/* ---- the queue of increments ---- */

typedef struct eg_queue {
  uint64_t block;              /* the next block to make */
  uint32_t left;               /* steps waiting */
  uint32_t skip;               /* steps of the next queue that are over already */
  uint32_t bits[EG_QUEUE + 1]; /* codes */
  float values[EG_QUEUE];
  double wide[EG_QUEUE]; /* gaussian64 */
#if EG_STABLE
  double tail_index;
#endif
} eg_queue;

/* Bits at..at+31 of the string; the high ones are not wanted. */
EG_FN uint32_t eg_bits_at(const uint32_t *bits, int at) {
  const int word = at / 32, shift = at % 32;
  return shift == 0 ? bits[word] : (bits[word] >> shift | bits[word + 1] << (32 - shift));
}

EG_FN eg_real eg_value_of_code(int kind, uint32_t code, const float *table5) {
  if (kind == EG_KIND_TABLE5) {
    return (eg_real)table5[code & 31u];
  }
  if (kind == EG_KIND_TABLE8) {
    return (eg_real)eg_table8_value(code & 255u);
  }
  if (kind == EG_KIND_TABLE10) {
    return (eg_real)eg_table10_value(code & 1023u);
  }
  /* two-point: the sign moved into a double, which costs no conversion */
  return (eg_real)eg_double_of_bits((uint64_t)(0x3ff00000u | code << 31) << 32);
}

/* Draw k of the queue. */
EG_FN eg_real eg_queue_draw(const eg_queue *q, int kind, int k, const float *table5) {
  if (eg_is_coded(kind)) {
    return eg_value_of_code(kind, eg_bits_at(q->bits, k * eg_code_bits(kind)), table5);
  }
  return kind == EG_KIND_GAUSSIAN64 ? (eg_real)q->wide[k] : (eg_real)q->values[k];
}

/* Forget the first n draws. */
EG_FN void eg_queue_drop(eg_queue *q, int kind, int n_blocks, int n) {
  if (eg_is_coded(kind)) {
    const int shift = n * eg_code_bits(kind);
    EG_UNROLL
    for (int i = 0; i < 4 * n_blocks; i++) {
      q->bits[i] = i + shift / 32 < 4 * n_blocks ? eg_bits_at(q->bits, 32 * i + shift) : 0;
    }
    return;
  }
  const int size = n_blocks * eg_queue_per_block(kind);
  EG_UNROLL
  for (int i = 0; i + n < size; i++) {
    if (kind == EG_KIND_GAUSSIAN64) {
      q->wide[i] = q->wide[i + n];
    } else {
      q->values[i] = q->values[i + n];
    }
  }
}

/* The words of one block, appended to the string. A word holds 32 / bits codes; the rest of it is dropped. */
EG_FN void eg_queue_append(eg_queue *q, int kind, int block, const uint32_t w[4]) {
  const int used = 32 / eg_code_bits(kind) * eg_code_bits(kind);
  EG_UNROLL
  for (int j = 0; j < 4; j++) {
    const int at = (4 * block + j) * used;
    const uint32_t word = used == 32 ? w[j] : w[j] & ((1u << (used % 32)) - 1u);
    q->bits[at / 32] |= word << (at % 32);
    if (at % 32 != 0) {
      q->bits[at / 32 + 1] |= word >> (32 - at % 32);
    }
  }
}

EG_FN void eg_queue_fill(eg_queue *q, int kind, int n_blocks, const uint32_t *key, uint64_t realisation) {
  if (eg_is_coded(kind)) {
    EG_UNROLL
    for (int i = 0; i <= 4 * n_blocks; i++) {
      q->bits[i] = 0;
    }
  }
  EG_UNROLL
  for (int b = 0; b < n_blocks; b++) {
    uint32_t w[4];
    eg_block(key, EG_STREAM_NOISE, realisation, q->block + (uint64_t)b, w);
    if (eg_is_coded(kind)) {
      eg_queue_append(q, kind, b, w);
#if EG_STABLE
    } else if (kind == EG_KIND_GAUSSIAN64) {
      q->wide[b] = eg_stable(w, q->tail_index);
    } else {
      q->values[b] = (float)eg_stable(w, q->tail_index);
    }
#else
    } else if (kind == EG_KIND_GAUSSIAN64) {
      eg_normal2_f64(w, &q->wide[2 * b], &q->wide[2 * b + 1]);
    } else if (kind == EG_KIND_THREE_POINT) {
      EG_UNROLL
      for (int j = 0; j < 4; j++) {
        q->values[4 * b + j] = eg_three_point_value(w[j]);
      }
#if EG_DEVICE
    } else if (kind == EG_KIND_GAUSSIAN_FAST) {
      EG_UNROLL
      for (int j = 0; j < 4; j += 2) {
        eg_normal2_fast(w[j], w[j + 1], &q->values[4 * b + j], &q->values[4 * b + j + 1]);
      }
#endif
    } else {
      EG_UNROLL
      for (int j = 0; j < 4; j += 2) {
        eg_normal2(w[j], w[j + 1], &q->values[4 * b + j], &q->values[4 * b + j + 1]);
      }
    }
#endif
  }
  q->block += (uint64_t)n_blocks;
}

/* Stand before draw n * step. */
EG_FN void eg_queue_seek(eg_queue *q, int kind, int n, uint64_t step) {
  const uint64_t steps = (uint64_t)eg_queue_steps(kind, n);
  q->block = step / steps * (uint64_t)eg_queue_blocks(kind, n);
  q->skip = (uint32_t)(step % steps);
  q->left = 0;
}

/* At least one step is waiting afterwards. */
EG_FN void eg_queue_ready(eg_queue *q, int kind, int n, const uint32_t *key, uint64_t realisation) {
  const int n_blocks = eg_queue_blocks(kind, n), steps = eg_queue_steps(kind, n);
  if (steps == 1) {
    eg_queue_fill(q, kind, n_blocks, key, realisation);
    return;
  }
  if (q->left == 0) {
    eg_queue_fill(q, kind, n_blocks, key, realisation);
    q->left = (uint32_t)steps - q->skip;
    EG_ROLLED
    for (; q->skip > 0; q->skip--) {
      eg_queue_drop(q, kind, n_blocks, n);
    }
  }
}

/* ---- the queue of row indices: four at a time ---- */

typedef struct eg_index_queue {
  uint64_t block;
  uint32_t left, skip;
  int32_t row[4];
} eg_index_queue;

EG_FN void eg_index_seek(eg_index_queue *q, uint64_t draw) {
  q->block = draw / 4;
  q->skip = (uint32_t)(draw % 4);
  q->left = 0;
}

EG_FN void eg_index_drop(eg_index_queue *q) {
  q->row[0] = q->row[1];
  q->row[1] = q->row[2];
  q->row[2] = q->row[3];
}

/* The rare word that Lemire's method rejects (below 2^-32 n_rows): out of the way, one copy of the code. */
EG_FN void eg_index_replace(eg_index_queue *q, const uint32_t w[4], const uint32_t *key, uint64_t realisation,
                            uint32_t n_rows) {
  EG_ROLLED
  for (int j = 0; j < 4; j++) {
    const uint32_t word = j == 0 ? w[0] : j == 1 ? w[1] : j == 2 ? w[2] : w[3];
    if (!eg_index_is_rejected(word, n_rows)) {
      continue;
    }
    const int32_t row = eg_index_search(key, realisation, q->block * 4 + (uint64_t)j, n_rows);
    EG_UNROLL
    for (int i = 0; i < 4; i++) {
      q->row[i] = i == j ? row : q->row[i];
    }
  }
}

/* At least one index is waiting afterwards. `reject` = 2^32 mod n_rows: words below it (times n_rows) are
 * rejected. */
EG_FN void eg_index_ready(eg_index_queue *q, const uint32_t *key, uint64_t realisation, uint32_t n_rows,
                          uint32_t reject) {
  if (q->left > 0) {
    return;
  }
  uint32_t w[4];
  int is_rejected = 0;
  eg_block(key, EG_STREAM_ROWS, realisation, q->block, w);
  EG_UNROLL
  for (int j = 0; j < 4; j++) {
    q->row[j] = eg_index_of_word(w[j], n_rows);
    is_rejected |= w[j] * n_rows < reject;
  }
  if (is_rejected) {
    eg_index_replace(q, w, key, realisation, n_rows);
  }
  q->block++;
  q->left = 4 - q->skip;
  EG_ROLLED
  for (; q->skip > 0; q->skip--) {
    eg_index_drop(q);
  }
}

#endif
