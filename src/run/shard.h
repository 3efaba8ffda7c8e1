/* Shards: a study in parts that separate processes advance. A function of the study and the number of shards alone. */
#ifndef EG_RUN_SHARD_H
#define EG_RUN_SHARD_H

#include <stdbool.h>
#include <stdint.h>

enum { EG_MOST_SHARDS = 1 << 20 };

typedef struct eg_shard {
  uint64_t index, count; /* index < count; count 1: the whole study */
} eg_shard;

/*
 * Tiles first .. end - 1 of a run of n_tiles that the shard advances; first == end: none. Every run is divided among all
 * shards into neighbouring pieces of equal size, so shards take equal times whatever a step costs, and a device gets tiles
 * in a row. Where a piece is long, its ends stand at multiples of a power of two, which changes its size by less than 1/32
 * and keeps the number of nodes of its sums bounded: the canonical tree has 64 blocks (tile mod 64), so a piece whose ends
 * lie anywhere leaves up to 128 log2(size / 64) of them. `place`: of the run among those that lead; with few tiles it turns
 * which shards get them.
 */
void eg_shard_tiles(eg_shard shard, uint64_t place, uint64_t n_tiles, uint64_t *first, uint64_t *end);

static inline bool eg_shard_is_whole(eg_shard shard) {
  return shard.count == 1;
}

#endif
