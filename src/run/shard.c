#include "run/shard.h"

#include "plan/plan.h"

enum { GRAINS = 64 }; /* a piece has at least so many grains: either end moves by at most 1/64 of it */

/* i n / count without overflow: n < 2^50, count <= 2^20. */
static uint64_t portion(uint64_t i, uint64_t count, uint64_t n) {
  return n / count * i + n % count * i / count;
}

void eg_shard_tiles(eg_shard shard, uint64_t place, uint64_t n_tiles, uint64_t *first, uint64_t *end) {
  const uint64_t index = (shard.index + place) % shard.count;
  uint64_t grain = EG_BLOCKS;
  while (grain * 2 * GRAINS <= n_tiles / shard.count) {
    grain *= 2;
  }
  grain = grain * GRAINS <= n_tiles / shard.count ? grain : 1;
  *first = portion(index, shard.count, n_tiles) / grain * grain;
  *end = index + 1 == shard.count ? n_tiles : portion(index + 1, shard.count, n_tiles) / grain * grain;
}
