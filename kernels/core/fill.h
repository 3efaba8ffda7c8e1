/* Noise made ahead on the CPU: whole Philox blocks for EG_LANES realisations, one noinline function per kind and ISA. */
#ifndef EG_CORE_FILL_H
#define EG_CORE_FILL_H

#include "core/fractional.h"
#include "core/launch.h"
#include "core/noise.h"
#include "core/stable.h"

/* Realisations of a block whose lanes were gathered: of one tile, so that only the low words differ. */
typedef struct eg_listed {
  uint32_t low[EG_LANES]; /* low words; first, so that vectors of them are aligned */
  uint64_t first;         /* of the tile: the high word is its own */
} __attribute__((aligned(64))) eg_listed;

/* out[(b * per_block + j) * EG_LANES + lane] = draw j of block block_first + b, of realisation realisation_first + lane
   (a multiple of EG_LANES). float; double for gaussian64 and for the functions in fill64. */
typedef void (*eg_fill_fn)(const uint32_t key[2], uint64_t realisation_first, uint64_t block_first, int n_blocks,
                           void *out);
typedef void (*eg_fill_listed_fn)(const uint32_t key[2], const eg_listed *list, uint64_t block_first, int n_blocks, void *out);

/* out[(b * 4 + j) * EG_LANES + lane] = row index of draw 4 (block_first + b) + j. */
typedef void (*eg_fill_rows_fn)(const uint32_t key[2], uint64_t realisation_first, uint64_t block_first,
                                int n_blocks, uint32_t n_rows, int32_t *out);
typedef void (*eg_fill_listed_rows_fn)(const uint32_t key[2], const eg_listed *list, uint64_t block_first, int n_blocks,
                                       uint32_t n_rows, int32_t *out);

/* A shuffle of the rows for EG_LANES realisations, in the middle of being made: `done` draws of it. */
typedef struct eg_permutation {
  uint64_t realisation, first, block; /* of the words */
  uint32_t done;
  int32_t is_valid;
  uint16_t *order, *chosen;           /* (n_rows, EG_LANES); order begins as the identity */
  uint32_t words[4 * EG_LANES];
} eg_permutation;

/* out[d * EG_LANES + lane] = row of draw first_draw + d, without replacement: core/permutation.h. */
typedef void (*eg_fill_permuted_fn)(const uint32_t key[2], uint64_t realisation_first, uint64_t first_draw, int n_draws,
                                    uint32_t n_rows, int sampling, uint32_t count, eg_permutation *permutation,
                                    int32_t *out);

/* Paths of fractional noise (core/fractional_cpu.h): `fill` makes the normals, per_block of them a Philox block. */
typedef void (*eg_fill_fractional_fn)(const uint32_t key[2], uint64_t realisation_first, eg_fill_fn fill, int per_block,
                                      double *draws, eg_fractional *fractional, int is_going_on, int is_wide,
                                      void *out);

/* Symmetric alpha-stable variates, one a block: out[b * EG_LANES + lane] as above; double where is_wide, else float. list: NULL, or
   the realisations. */
typedef void (*eg_fill_stable_fn)(const uint32_t key[2], uint64_t realisation_first, const eg_listed *list,
                                  uint64_t block_first, int n_blocks, double tail_index, int is_wide, void *out);

typedef struct eg_fill_table {
  eg_fill_fn fill[EG_N_KINDS];   /* float; double for gaussian64; NULL for gaussian-fast */
  eg_fill_fn fill64[EG_N_KINDS]; /* every kind as doubles */
  eg_fill_listed_fn listed[EG_N_KINDS], listed64[EG_N_KINDS];
  eg_fill_rows_fn fill_rows;
  eg_fill_listed_rows_fn listed_rows;
  eg_fill_permuted_fn fill_permuted;
  eg_fill_fractional_fn fill_fractional;
  eg_fill_stable_fn fill_stable;
} eg_fill_table;

#endif
