/*
 * The noise fill: Philox blocks for 64 realisations at a time, then the kind's transformation over the 64 lanes.
 * Compiled once per ISA (EG_ISA names it). Measured (docs/performance.md): interleaving Philox vectors hides the
 * latency of the multiply, and a noinline fill keeps the step loops small.
 */
#include "core/fill.h"
#include "core/fractional_cpu.h"
#include "core/permute_cpu.h"

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#define EG_PASTE2(a, b) a##_##b
#define EG_PASTE(a, b)  EG_PASTE2(a, b)

/* words[j][lane]: word j of the block */
typedef struct lane_words {
  uint32_t w[4][EG_LANES] __attribute__((aligned(64)));
} lane_words;

#if defined(__AVX512F__)
enum { VECTOR_LANES = 8, GROUPS = 8 };
typedef __m512i vec;
#define VEC_MUL(a, b)     _mm512_mul_epu32(a, b)
#define VEC_SET(a)        _mm512_set1_epi64((long long)(a))
#define VEC_SHR32(a)      _mm512_srli_epi64(a, 32)
#define VEC_XOR3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define VEC_ADD(a, b)     _mm512_add_epi64(a, b)
#define VEC_EVEN          _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0)
#define VEC_JOIN(even, odd) _mm512_mask_shuffle_epi32(even, 0xaaaa, odd, _MM_PERM_CCAA)
#define VEC_JOIN_HIGH(even, odd) _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB)
#define VEC_LOAD(p)       _mm512_load_si512((const void *)(p))
#define VEC_STORE(p, a)   _mm512_store_si512((void *)(p), a)
#elif defined(__AVX2__)
enum { VECTOR_LANES = 4, GROUPS = 2 };
typedef __m256i vec;
#define VEC_MUL(a, b)     _mm256_mul_epu32(a, b)
#define VEC_SET(a)        _mm256_set1_epi64x((long long)(a))
#define VEC_SHR32(a)      _mm256_srli_epi64(a, 32)
#define VEC_XOR3(a, b, c) _mm256_xor_si256(_mm256_xor_si256(a, b), c)
#define VEC_ADD(a, b)     _mm256_add_epi64(a, b)
#define VEC_EVEN          _mm256_set_epi64x(6, 4, 2, 0)
#define VEC_JOIN(even, odd) _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa)
#define VEC_JOIN_HIGH(even, odd) _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa)
#define VEC_LOAD(p)       _mm256_load_si256((const __m256i *)(p))
#define VEC_STORE(p, a)   _mm256_store_si256((__m256i *)(p), a)
#endif

/* The realisation of a lane. */
static inline __attribute__((always_inline)) uint64_t lane_realisation(uint64_t first, const eg_listed *list, int lane) {
  return list == NULL ? first + (uint64_t)lane : (first & ~0xffffffffull) | list->low[lane];
}

#if defined(VEC_MUL)
#if defined(__AVX512F__)
/* A block of table5 noise in the making: its words, the 32 values of the table, where its 24 rows go. */
typedef struct table5_rows {
  const lane_words *words;
  __m512 low, high;
  float *out;
} table5_rows;

/* Rows 6j .. 6j + 5, made of word j, in a quarter of the lanes; part = 4j + quarter. The values fit two vector registers: a
   permutation, which reads 5 bits of each index, instead of a gather. */
static inline __attribute__((always_inline)) void table5_part(const table5_rows *t, int part) {
  const int lane = part % 4 * 16;
  const __m512i word = _mm512_load_si512((const void *)(t->words->w[part / 4] + lane));
  EG_UNROLL
  for (int i = 0; i < 6; i++) {
    const __m512i code = _mm512_srli_epi32(word, (unsigned)(5 * i));
    _mm512_store_ps(t->out + (part / 4 * 6 + i) * EG_LANES + lane, _mm512_permutex2var_ps(t->low, code, t->high));
  }
}
#else
typedef int table5_rows;
static inline __attribute__((always_inline)) void table5_part(const table5_rows *t, int part) {
  (void)t;
  (void)part;
}
#endif

/* One Philox block for 64 realisations: from `realisation` on, or those of the list, a constant NULL or not. 32-bit words
   live in the low halves of 64-bit lanes: the product reads only those, so the high halves may hold anything. Group 2i
   holds the even, 2i+1 the odd of 2 VECTOR_LANES lanes. `between`, a constant NULL or not: the 16 parts of the block before
   are made on the way, which takes other units of the CPU, n_groups being 4. */
static inline __attribute__((always_inline)) void philox_between(const uint32_t key[2], uint32_t stream,
                                                                 uint64_t realisation, const eg_listed *list,
                                                                 uint64_t block, const int n_groups,
                                                                 const table5_rows *between, lane_words *out) {
  const vec m0 = VEC_SET(EG_PHILOX_M0), m1 = VEC_SET(EG_PHILOX_M1);
  /* first round: counter words 0, 1 and 3 are the same in all lanes */
  const uint64_t p0 = (uint64_t)EG_PHILOX_M0 * (uint32_t)block;
  const uint32_t c1 = stream << 24 | ((uint32_t)(block >> 32) & 0xffffffu);
  const vec first_c0 = VEC_SET(c1 ^ key[0]);
  const vec first_c2 = VEC_SET((uint32_t)(p0 >> 32) ^ (uint32_t)(realisation >> 32) ^ key[1]);
  const vec first_c3 = VEC_SET((uint32_t)p0);
  for (int base = 0; base < EG_LANES / VECTOR_LANES; base += n_groups) {
    vec c0[GROUPS], c1v[GROUPS], c2[GROUPS], c3[GROUPS];
    EG_UNROLL
    for (int g = 0; g < n_groups; g++) {
      const int lane = (base + g) / 2 * 2 * VECTOR_LANES + (base + g) % 2;
      vec r = VEC_ADD(VEC_SET((uint32_t)realisation + (uint32_t)lane), VEC_EVEN);
      if (list != NULL) {
        const vec pairs = VEC_LOAD(list->low + (lane - lane % 2));
        r = lane % 2 == 0 ? pairs : VEC_SHR32(pairs);
      }
      const vec p1 = VEC_MUL(m1, r);
      c0[g] = VEC_XOR3(VEC_SHR32(p1), first_c0, VEC_SET(0));
      c1v[g] = p1;
      c2[g] = first_c2;
      c3[g] = first_c3;
    }
    uint32_t k0 = key[0], k1 = key[1];
    EG_UNROLL
    for (int round = 1; round < 10; round++) {
      k0 += EG_PHILOX_W0;
      k1 += EG_PHILOX_W1;
      const vec k0v = VEC_SET(k0), k1v = VEC_SET(k1);
      EG_UNROLL
      for (int g = 0; g < n_groups; g++) {
        const vec q0 = VEC_MUL(m0, c0[g]);
        const vec q1 = VEC_MUL(m1, c2[g]);
        c0[g] = VEC_XOR3(VEC_SHR32(q1), c1v[g], k0v);
        c1v[g] = q1;
        c2[g] = VEC_XOR3(VEC_SHR32(q0), c3[g], k1v);
        c3[g] = q0;
      }
      if (between != NULL && round < 9) {
        table5_part(between, base / n_groups * 8 + round - 1);
      }
    }
    EG_UNROLL
    for (int g = 0; g < n_groups; g += 2) {
      const int lane = (base + g) * VECTOR_LANES;
      VEC_STORE(&out->w[0][lane], VEC_JOIN(c0[g], c0[g + 1]));
      VEC_STORE(&out->w[1][lane], VEC_JOIN(c1v[g], c1v[g + 1]));
      VEC_STORE(&out->w[2][lane], VEC_JOIN(c2[g], c2[g + 1]));
      VEC_STORE(&out->w[3][lane], VEC_JOIN(c3[g], c3[g + 1]));
    }
  }
}

static inline __attribute__((always_inline)) void philox_lanes(const uint32_t key[2], uint32_t stream,
                                                               uint64_t realisation, const eg_listed *list,
                                                               uint64_t block, lane_words *out) {
  philox_between(key, stream, realisation, list, block, GROUPS, NULL, out);
}

/* High words of the products of 64 words with n. */
static inline __attribute__((always_inline)) void high_products(const uint32_t *words, uint32_t n, int32_t *out) {
  const vec factor = VEC_SET(n);
  EG_UNROLL
  for (int l = 0; l < EG_LANES; l += 2 * VECTOR_LANES) {
    const vec w = VEC_LOAD(words + l);
    const vec high = VEC_JOIN_HIGH(VEC_MUL(w, factor), VEC_MUL(VEC_SHR32(w), factor));
    memcpy(out + l, &high, sizeof high); /* out need not be aligned */
  }
}
#else
static void philox_lanes(const uint32_t key[2], uint32_t stream, uint64_t realisation, const eg_listed *list,
                         uint64_t block, lane_words *out) {
  for (int lane = 0; lane < EG_LANES; lane++) {
    uint32_t w[4];
    eg_block(key, stream, lane_realisation(realisation, list, lane), block, w);
    for (int j = 0; j < 4; j++) {
      out->w[j][lane] = w[j];
    }
  }
}

static void high_products(const uint32_t *words, uint32_t n, int32_t *out) {
  for (int l = 0; l < EG_LANES; l++) {
    out[l] = eg_index_of_word(words[l], n);
  }
}
#endif

/* ---- transformations of one block: words -> per_block rows of 64 values ---- */

#define LANE_LOOP _Pragma("omp simd") for (int l = 0; l < EG_LANES; l++)

static inline __attribute__((always_inline)) void normal_pair(const uint32_t *w0, const uint32_t *w1, float *z0,
                                                              float *z1) {
  LANE_LOOP {
    eg_normal2(w0[l], w1[l], &z0[l], &z1[l]);
  }
}

static inline __attribute__((always_inline)) void block_gaussian(const lane_words *words, float *out) {
  normal_pair(words->w[0], words->w[1], out, out + EG_LANES);
  normal_pair(words->w[2], words->w[3], out + 2 * EG_LANES, out + 3 * EG_LANES);
}

/* The body of a vector loop is one call: an array declared in the loop itself would stop the vectoriser. */
EG_FN void lane_normal64(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3, double *z0, double *z1) {
  uint32_t w[4];
  w[0] = w0;
  w[1] = w1;
  w[2] = w2;
  w[3] = w3;
  eg_normal2_f64(w, z0, z1);
}

static inline __attribute__((always_inline)) void block_gaussian64(const lane_words *words, double *out) {
  LANE_LOOP {
    lane_normal64(words->w[0][l], words->w[1][l], words->w[2][l], words->w[3][l], &out[l], &out[EG_LANES + l]);
  }
}

#if !defined(__AVX512F__)
static inline __attribute__((always_inline)) void block_table5(const lane_words *words, float *out) {
  for (int j = 0; j < 24; j++) {
    const uint32_t *w = words->w[j / 6];
    const int shift = 5 * (j % 6);
    LANE_LOOP {
      out[j * EG_LANES + l] = eg_table5_value(w[l] >> shift & 31u);
    }
  }
}
#endif

static inline __attribute__((always_inline)) void block_table8(const lane_words *words, float *out) {
  for (int j = 0; j < 16; j++) {
    const uint32_t *w = words->w[j / 4];
    const int shift = 8 * (j % 4);
    LANE_LOOP {
      out[j * EG_LANES + l] = eg_table8_value(w[l] >> shift & 255u);
    }
  }
}

static inline __attribute__((always_inline)) void block_table10(const lane_words *words, float *out) {
  for (int j = 0; j < 12; j++) {
    const uint32_t *w = words->w[j / 3];
    const int shift = 10 * (j % 3);
    LANE_LOOP {
      out[j * EG_LANES + l] = eg_table10_value(w[l] >> shift & 1023u);
    }
  }
}

static inline __attribute__((always_inline)) void block_two_point(const lane_words *words, float *out) {
  for (int j = 0; j < 128; j++) {
    const uint32_t *w = words->w[j / 32];
    const int shift = j % 32;
    LANE_LOOP {
      out[j * EG_LANES + l] = eg_two_point_value(w[l] >> shift);
    }
  }
}

static inline __attribute__((always_inline)) void block_three_point(const lane_words *words, float *out) {
  for (int j = 0; j < 4; j++) {
    LANE_LOOP {
      out[j * EG_LANES + l] = eg_three_point_value(words->w[j][l]);
    }
  }
}

/* Each fill twice: of consecutive realisations, and of listed ones. */
#define DEFINE_FILL(name, type, per_block)                                                                   \
  static inline __attribute__((always_inline)) void noise_##name(const uint32_t key[2], uint64_t realisation, \
                                                                 const eg_listed *list, uint64_t block_first, \
                                                                 int n_blocks, void *out) {                  \
    type *values = (type *)out;                                                                              \
    for (int b = 0; b < n_blocks; b++) {                                                                     \
      lane_words words;                                                                                      \
      philox_lanes(key, EG_STREAM_NOISE, realisation, list, block_first + (uint64_t)b, &words);              \
      block_##name(&words, values + (size_t)b * (per_block) * EG_LANES);                                     \
    }                                                                                                        \
  }                                                                                                          \
  DEFINE_FUNCTIONS(fill_##name, listed_##name, noise_##name)

#define DEFINE_FUNCTIONS(fill, listed, noise) DEFINE_FUNCTIONS_WITH(fill, listed, noise, noinline)
#define DEFINE_FUNCTIONS_WITH(fill, listed, noise, attributes)                                               \
  static __attribute__((attributes)) void fill(const uint32_t key[2], uint64_t realisation_first,              \
                                             uint64_t block_first, int n_blocks, void *out) {                \
    noise(key, realisation_first, NULL, block_first, n_blocks, out);                                         \
  }                                                                                                          \
  static __attribute__((attributes)) void listed(const uint32_t key[2], const eg_listed *list,               \
                                               uint64_t block_first, int n_blocks, void *out) {              \
    noise(key, list->first, list, block_first, n_blocks, out);                                               \
  }

/* The same values as doubles, for units compiled with double noise. */
#define DEFINE_FILL64(name, per_block)                                                                       \
  static inline __attribute__((always_inline)) void noise64_##name(const uint32_t key[2], uint64_t realisation, \
                                                                   const eg_listed *list, uint64_t block_first, \
                                                                   int n_blocks, void *out) {                \
    double *values = (double *)out;                                                                          \
    for (int b = 0; b < n_blocks; b++) {                                                                     \
      float narrow[(per_block) * EG_LANES] __attribute__((aligned(64)));                                     \
      if (list == NULL) {                                                                                    \
        fill_##name(key, realisation, block_first + (uint64_t)b, 1, narrow);                                 \
      } else {                                                                                               \
        listed_##name(key, list, block_first + (uint64_t)b, 1, narrow);                                      \
      }                                                                                                      \
      for (int i = 0; i < (per_block) * EG_LANES; i++) {                                                     \
        values[(size_t)b * (per_block) * EG_LANES + (size_t)i] = (double)narrow[i];                          \
      }                                                                                                      \
    }                                                                                                        \
  }                                                                                                          \
  DEFINE_FUNCTIONS(fill64_##name, listed64_##name, noise64_##name)

#define FLOAT_KINDS(X)                                                                                       \
  X(gaussian, 4) X(table5, 24) X(table8, 16) X(table10, 12) X(two_point, 128) X(three_point, 4)

#if defined(__AVX512F__)
/* Values first .. first + 15 of the table. */
static inline __attribute__((always_inline)) __m512 table5_half(int first) {
  const __m512i code = _mm512_add_epi32(_mm512_set1_epi32(first), _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
  const __m512 magnitude = _mm512_permutexvar_ps(_mm512_srli_epi32(code, 1), _mm512_loadu_ps(eg_table5));
  return _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(magnitude), _mm512_slli_epi32(code, 31)));
}

/* As DEFINE_FILL, the words of a block being made between the rows of the one before. */
static inline __attribute__((always_inline)) void noise_table5(const uint32_t key[2], uint64_t realisation, const eg_listed *list,
                                                               uint64_t block_first, int n_blocks, void *out) {
  lane_words words[2];
  table5_rows rows = {NULL, table5_half(0), table5_half(16), (float *)out};
  philox_lanes(key, EG_STREAM_NOISE, realisation, list, block_first, &words[0]);
  for (int b = 1; b < n_blocks; b++) {
    rows.words = &words[~b & 1];
    philox_between(key, EG_STREAM_NOISE, realisation, list, block_first + (uint64_t)b, 4, &rows, &words[b & 1]);
    rows.out += 24 * EG_LANES;
  }
  rows.words = &words[~n_blocks & 1];
  for (int part = 0; part < 16; part++) {
    table5_part(&rows, part);
  }
}
/* Its order is that of the source: gcc's would take the two apart again (30 % slower). */
#if defined(__clang__)
#define AS_WRITTEN noinline
#else
#define AS_WRITTEN noinline, optimize("no-schedule-insns")
#endif
#define DEFINE_table5(per_block) DEFINE_FUNCTIONS_WITH(fill_table5, listed_table5, noise_table5, AS_WRITTEN)
#else
#define DEFINE_table5(per_block) DEFINE_FILL(table5, float, per_block)
#endif
#define DEFINE_gaussian(per_block)    DEFINE_FILL(gaussian, float, per_block)
#define DEFINE_table8(per_block)      DEFINE_FILL(table8, float, per_block)
#define DEFINE_table10(per_block)     DEFINE_FILL(table10, float, per_block)
#define DEFINE_two_point(per_block)   DEFINE_FILL(two_point, float, per_block)
#define DEFINE_three_point(per_block) DEFINE_FILL(three_point, float, per_block)

#define DEFINE_BOTH(name, per_block) DEFINE_##name(per_block) DEFINE_FILL64(name, per_block)
FLOAT_KINDS(DEFINE_BOTH)
DEFINE_FILL(gaussian64, double, 2)

EG_FN double lane_stable(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3, double tail_index) {
  uint32_t w[4];
  w[0] = w0;
  w[1] = w1;
  w[2] = w2;
  w[3] = w3;
  return eg_stable(w, tail_index);
}

/* list: NULL, or the realisations. */
static __attribute__((noinline)) void fill_stable(const uint32_t key[2], uint64_t realisation_first, const eg_listed *list,
                                                  uint64_t block_first, int n_blocks, double tail_index, int is_wide,
                                                  void *out) {
  for (int b = 0; b < n_blocks; b++) {
    lane_words words;
    double values[EG_LANES] __attribute__((aligned(64)));
    philox_lanes(key, EG_STREAM_NOISE, realisation_first, list, block_first + (uint64_t)b, &words);
    LANE_LOOP {
      values[l] = lane_stable(words.w[0][l], words.w[1][l], words.w[2][l], words.w[3][l], tail_index);
    }
    for (int l = 0; l < EG_LANES; l++) {
      if (is_wide) {
        ((double *)out)[(size_t)b * EG_LANES + (size_t)l] = values[l];
      } else {
        ((float *)out)[(size_t)b * EG_LANES + (size_t)l] = (float)values[l];
      }
    }
  }
}

static inline __attribute__((always_inline)) void rows_of(const uint32_t key[2], uint64_t realisation_first,
                                                          const eg_listed *list, uint64_t block_first, int n_blocks,
                                                          uint32_t n_rows, int32_t *out) {
  const uint32_t threshold = (0u - n_rows) % n_rows;
  for (int b = 0; b < n_blocks; b++) {
    lane_words words;
    philox_lanes(key, EG_STREAM_ROWS, realisation_first, list, block_first + (uint64_t)b, &words);
    int32_t *index = out + (size_t)b * 4 * EG_LANES;
    uint32_t any_rejected = 0;
    for (int j = 0; j < 4; j++) {
      high_products(words.w[j], n_rows, index + j * EG_LANES);
    }
    for (int j = 0; threshold != 0 && j < 4; j++) {
      const uint32_t *const w = words.w[j];
      _Pragma("omp simd reduction(| : any_rejected)")
      for (int l = 0; l < EG_LANES; l++) {
        any_rejected |= w[l] * n_rows < threshold ? 1u : 0u;
      }
    }
    for (int i = 0; any_rejected != 0 && i < 4 * EG_LANES; i++) {
      const int j = i / EG_LANES, l = i % EG_LANES;
      if (eg_index_is_rejected(words.w[j][l], n_rows)) {
        const uint64_t q = 4 * (block_first + (uint64_t)b) + (uint64_t)j;
        index[i] = eg_index_retry(key, lane_realisation(realisation_first, list, l), q, n_rows);
      }
    }
  }
}

static __attribute__((noinline)) void fill_rows(const uint32_t key[2], uint64_t realisation_first, uint64_t block_first,
                                                int n_blocks, uint32_t n_rows, int32_t *out) {
  rows_of(key, realisation_first, NULL, block_first, n_blocks, n_rows, out);
}

static __attribute__((noinline)) void listed_rows(const uint32_t key[2], const eg_listed *list, uint64_t block_first,
                                                  int n_blocks, uint32_t n_rows, int32_t *out) {
  rows_of(key, list->first, list, block_first, n_blocks, n_rows, out);
}

const eg_fill_table EG_PASTE(eg_fill_table, EG_ISA) = {
    {fill_gaussian, NULL, fill_gaussian64, fill_table5, fill_table8, fill_table10, fill_two_point, fill_three_point},
    {fill64_gaussian, NULL, fill_gaussian64, fill64_table5, fill64_table8, fill64_table10, fill64_two_point,
     fill64_three_point},
    {listed_gaussian, NULL, listed_gaussian64, listed_table5, listed_table8, listed_table10, listed_two_point,
     listed_three_point},
    {listed64_gaussian, NULL, listed_gaussian64, listed64_table5, listed64_table8, listed64_table10, listed64_two_point,
     listed64_three_point},
    fill_rows,
    listed_rows,
    fill_permuted,
    fill_fractional,
    fill_stable,
};
