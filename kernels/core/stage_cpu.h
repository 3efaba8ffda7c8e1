/*
 * Data rows of a group of EG_GROUP lanes side by side: loaded by rows, transposed in registers, stored by columns. EG_GROUP is 4 or 8
 * doubles, 8 or 16 floats. Part of core/rows_cpu.h.
 */
#ifndef EG_CORE_STAGE_CPU_H
#define EG_CORE_STAGE_CPU_H

#include "core/rows.h"

typedef eg_real eg_column __attribute__((vector_size(EG_GROUP * sizeof(eg_real)), aligned(sizeof(eg_real)), may_alias));
typedef eg_real eg_column4 __attribute__((vector_size(4 * sizeof(eg_real)), aligned(sizeof(eg_real)), may_alias));
#define EG_FOUR_AT(i) (*(const eg_column4 *)(chunk + (size_t)index[i] * (size_t)width))
#define EG_JOIN_FOURS(i, j) __builtin_shufflevector(EG_FOUR_AT(i), EG_FOUR_AT(j), 0, 1, 2, 3, 4, 5, 6, 7)

/* Columns 0 .. 3 of the chunk's rows `index`, into r. */
EG_FN void eg_transpose4(const eg_real *chunk, int width, const int32_t *index, eg_column *r) {
#if EG_REAL_BITS == 32
  /* Rows i, i + 4, .. of a group in one vector: exchanges within 128 bits finish it. */
#if EG_GROUP == 16
#define ROWS(i)                                                                                              \
  __builtin_shufflevector(EG_JOIN_FOURS(i, i + 4), EG_JOIN_FOURS(i + 8, i + 12), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, \
                          11, 12, 13, 14, 15)
#define IN_FOURS(p, q, a, b, c, d)                                                                           \
  __builtin_shufflevector(p, q, a, b, c, d, a + 4, b + 4, c + 4, d + 4, a + 8, b + 8, c + 8, d + 8, a + 12, b + 12, \
                          c + 12, d + 12)
#else
#define ROWS(i)                    EG_JOIN_FOURS(i, i + 4)
#define IN_FOURS(p, q, a, b, c, d) __builtin_shufflevector(p, q, a, b, c, d, a + 4, b + 4, c + 4, d + 4)
#endif
  const eg_column row0 = ROWS(0), row1 = ROWS(1), row2 = ROWS(2), row3 = ROWS(3);
  const eg_column low01 = IN_FOURS(row0, row1, 0, EG_GROUP, 1, EG_GROUP + 1);
  const eg_column low23 = IN_FOURS(row2, row3, 0, EG_GROUP, 1, EG_GROUP + 1);
  const eg_column high01 = IN_FOURS(row0, row1, 2, EG_GROUP + 2, 3, EG_GROUP + 3);
  const eg_column high23 = IN_FOURS(row2, row3, 2, EG_GROUP + 2, 3, EG_GROUP + 3);
  r[0] = IN_FOURS(low01, low23, 0, 1, EG_GROUP, EG_GROUP + 1);
  r[1] = IN_FOURS(low01, low23, 2, 3, EG_GROUP + 2, EG_GROUP + 3);
  r[2] = IN_FOURS(high01, high23, 0, 1, EG_GROUP, EG_GROUP + 1);
  r[3] = IN_FOURS(high01, high23, 2, 3, EG_GROUP + 2, EG_GROUP + 3);
#undef ROWS
#undef IN_FOURS
#elif EG_GROUP == 8
  const eg_column row02 = EG_JOIN_FOURS(0, 2), row13 = EG_JOIN_FOURS(1, 3);
  const eg_column row46 = EG_JOIN_FOURS(4, 6), row57 = EG_JOIN_FOURS(5, 7);
  const eg_column even03 = __builtin_shufflevector(row02, row13, 0, 8, 2, 10, 4, 12, 6, 14);
  const eg_column even47 = __builtin_shufflevector(row46, row57, 0, 8, 2, 10, 4, 12, 6, 14);
  const eg_column odd03 = __builtin_shufflevector(row02, row13, 1, 9, 3, 11, 5, 13, 7, 15);
  const eg_column odd47 = __builtin_shufflevector(row46, row57, 1, 9, 3, 11, 5, 13, 7, 15);
  r[0] = __builtin_shufflevector(even03, even47, 0, 1, 4, 5, 8, 9, 12, 13);
  r[1] = __builtin_shufflevector(odd03, odd47, 0, 1, 4, 5, 8, 9, 12, 13);
  r[2] = __builtin_shufflevector(even03, even47, 2, 3, 6, 7, 10, 11, 14, 15);
  r[3] = __builtin_shufflevector(odd03, odd47, 2, 3, 6, 7, 10, 11, 14, 15);
#else
  const eg_column even01 = __builtin_shufflevector(EG_FOUR_AT(0), EG_FOUR_AT(1), 0, 4, 2, 6);
  const eg_column even23 = __builtin_shufflevector(EG_FOUR_AT(2), EG_FOUR_AT(3), 0, 4, 2, 6);
  const eg_column odd01 = __builtin_shufflevector(EG_FOUR_AT(0), EG_FOUR_AT(1), 1, 5, 3, 7);
  const eg_column odd23 = __builtin_shufflevector(EG_FOUR_AT(2), EG_FOUR_AT(3), 1, 5, 3, 7);
  r[0] = __builtin_shufflevector(even01, even23, 0, 1, 4, 5);
  r[1] = __builtin_shufflevector(odd01, odd23, 0, 1, 4, 5);
  r[2] = __builtin_shufflevector(even01, even23, 2, 3, 6, 7);
  r[3] = __builtin_shufflevector(odd01, odd23, 2, 3, 6, 7);
#endif
}

/* Columns 0 .. 7 of a chunk of width 8. */
EG_FN void eg_transpose8(const eg_real *chunk, const int32_t *index, eg_column *r) {
#if EG_REAL_BITS == 64 && EG_GROUP == 8
  /* whole rows: faster than from halves or quarters, though those need fewer shuffles */
  eg_column a[8];
  EG_UNROLL
  for (int i = 0; i < 8; i++) {
    r[i] = *(const eg_column *)(chunk + 8 * (size_t)index[i]);
  }
  EG_UNROLL
  for (int i = 0; i < 8; i += 2) {
    a[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    a[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  EG_UNROLL
  for (int i = 0; i < 8; i += 4) {
    EG_UNROLL
    for (int k = 0; k < 2; k++) {
      r[i + k] = __builtin_shufflevector(a[i + k], a[i + 2 + k], 0, 1, 4, 5, 8, 9, 12, 13);
      r[i + 2 + k] = __builtin_shufflevector(a[i + k], a[i + 2 + k], 2, 3, 6, 7, 10, 11, 14, 15);
    }
  }
  EG_UNROLL
  for (int k = 0; k < 4; k++) {
    a[k] = __builtin_shufflevector(r[k], r[k + 4], 0, 1, 4, 5, 8, 9, 12, 13);
    a[k + 4] = __builtin_shufflevector(r[k], r[k + 4], 2, 3, 6, 7, 10, 11, 14, 15);
  }
  EG_UNROLL
  for (int k = 0; k < 8; k++) {
    r[k] = a[k];
  }
#else
  eg_transpose4(chunk, 8, index, r);
  eg_transpose4(chunk + 4, 8, index, r + 4);
#endif
}

/* One column. Read again as one vector, so stored as one; of pairs of doubles: 8 loads and 7 shuffles are faster than a gather. */
EG_FN void eg_stage_column(const eg_real *chunk, int width, const int32_t *index, eg_real *out) {
#define AT(i) chunk[(size_t)index[i] * (size_t)width]
#if EG_REAL_BITS == 64
  typedef double pair __attribute__((vector_size(16)));
  const pair pair0 = {AT(0), AT(1)}, pair2 = {AT(2), AT(3)};
  const eg_column4 four0 = __builtin_shufflevector(pair0, pair2, 0, 1, 2, 3);
#if EG_GROUP == 8
  const pair pair4 = {AT(4), AT(5)}, pair6 = {AT(6), AT(7)};
  const eg_column4 four4 = __builtin_shufflevector(pair4, pair6, 0, 1, 2, 3);
  *(eg_column *)out = __builtin_shufflevector(four0, four4, 0, 1, 2, 3, 4, 5, 6, 7);
#else
  *(eg_column *)out = four0;
#endif
#else
  const eg_column4 four0 = {AT(0), AT(1), AT(2), AT(3)}, four4 = {AT(4), AT(5), AT(6), AT(7)};
#define JOINED(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7)
#if EG_GROUP == 16
  const eg_column4 four8 = {AT(8), AT(9), AT(10), AT(11)}, four12 = {AT(12), AT(13), AT(14), AT(15)};
  *(eg_column *)out = __builtin_shufflevector(JOINED(four0, four4), JOINED(four8, four12), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
                                             13, 14, 15);
#else
  *(eg_column *)out = JOINED(four0, four4);
#endif
#undef JOINED
#endif
#undef AT
}

/* The rows `index` of a group (n_rows of them there are, in the layout of core/rows.h): column k of lane l at out[k * EG_GROUP + l].
   columns: a constant. */
EG_FN void eg_stage_row(const eg_real *rows, uint32_t n_rows, int columns, const int32_t *index, eg_real *out) {
  const int rest = columns % 8, last_width = eg_rows_last_width(columns);
  eg_column r[8];
  EG_UNROLL
  for (int column = 0; column < columns; column += 8) {
    const eg_real *const chunk = rows + (size_t)n_rows * (size_t)column;
    const int width = columns - column >= 8 ? 8 : last_width, n = columns - column >= 8 ? 8 : rest;
    if (width <= 2) {
      EG_UNROLL
      for (int k = 0; k < n; k++) {
        eg_stage_column(chunk + k, width, index, out + (column + k) * EG_GROUP);
      }
      continue;
    }
    if (width == 4) {
      eg_transpose4(chunk, 4, index, r);
    } else {
      eg_transpose8(chunk, index, r);
    }
    EG_UNROLL
    for (int k = 0; k < n; k++) {
      *(eg_column *)(out + (column + k) * EG_GROUP) = r[k];
    }
  }
}

#endif
