/*
 * Data rows (a_j, y_j) in chunks of columns, so that a row can be loaded by vectors and transposed over lanes:
 * columns 0..EG_DIM-1 hold a_j (padded with zeros), column EG_DIM holds y_j. Columns go eight at a time into chunks of
 * width 8; the rest goes into one last chunk whose width is the next power of two. Chunk c is an array (n_rows, width),
 * chunks one after the other: for dim 8 that is one (n, 8) array and one (n, 1) array.
 */
#ifndef EG_CORE_ROWS_H
#define EG_CORE_ROWS_H

#include "core/portable.h"

EG_FN int eg_rows_last_width(int columns) {
  const int rest = columns % 8;
  return rest == 0 ? 0 : (rest == 1 ? 1 : (rest == 2 ? 2 : (rest <= 4 ? 4 : 8)));
}

/* Elements that the whole layout takes. */
EG_FN uint64_t eg_rows_size(uint64_t n_rows, int columns) {
  return n_rows * (uint64_t)(columns / 8 * 8 + eg_rows_last_width(columns));
}

/* Team form: inputs (n_rows, dim), dim a multiple of EG_TEAM_LANES and padded with zeros, then targets (n_rows). */
EG_FN uint64_t eg_team_rows_size(uint64_t n_rows, int dim) {
  return n_rows * ((uint64_t)dim + 1);
}

/* Place of (row, column). */
EG_FN uint64_t eg_rows_at(uint64_t n_rows, int columns, uint64_t row, int column) {
  const int chunk = column / 8;
  const int width = chunk < columns / 8 ? 8 : eg_rows_last_width(columns);
  return n_rows * (uint64_t)(chunk * 8) + row * (uint64_t)width + (uint64_t)(column % 8);
}

#endif
