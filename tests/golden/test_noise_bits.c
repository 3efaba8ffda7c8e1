/* The vector fills of every ISA against the scalar definitions of core/noise.h, bit by bit, and against golden words. */
#include "check.h"
#include "core/fill.h"

#if defined(__x86_64__)
extern const eg_fill_table eg_fill_table_v3, eg_fill_table_v4;
static const eg_fill_table *const tables[] = {&eg_fill_table_v3, &eg_fill_table_v4};
static int is_here(int i) {
  return i == 0 ? __builtin_cpu_supports("avx2") : __builtin_cpu_supports("avx512f");
}
#else
extern const eg_fill_table eg_fill_table_base;
static const eg_fill_table *const tables[] = {&eg_fill_table_base};
static int is_here(int i) {
  return i == 0;
}
#endif
enum { N_TABLES = sizeof tables / sizeof tables[0] };

static void compare_kind(const eg_fill_table *table, int kind) {
  static float narrow[3 * 128 * EG_LANES] __attribute__((aligned(4096)));
  static double wide[3 * 128 * EG_LANES] __attribute__((aligned(4096)));
  const uint32_t key[2] = {0x12345678u, 0x9abcdef0u};
  const uint64_t realisations[3] = {0, 0xffffffc0ull, 0x1234500000040ull};
  const uint64_t blocks[3] = {0, 0xffffffffull, 0x3fffffffffull};
  const int per_block = eg_kind_per_block(kind);
  for (int i = 0; i < 3; i++) {
    if (kind != EG_KIND_GAUSSIAN64) {
      table->fill[kind](key, realisations[i], blocks[i], 3, narrow);
    }
    table->fill64[kind](key, realisations[i], blocks[i], 3, wide);
    int wrong = 0;
    for (int j = 0; j < 3 * per_block; j++) {
      for (int lane = 0; lane < EG_LANES; lane++) {
        uint32_t w[4];
        eg_block(key, EG_STREAM_NOISE, realisations[i] + (uint64_t)lane, blocks[i] + (uint64_t)(j / per_block), w);
        const double want = eg_draw(kind, w, j % per_block);
        wrong += eg_bits64(wide[j * EG_LANES + lane]) != eg_bits64(want);
        if (kind != EG_KIND_GAUSSIAN64) {
          wrong += eg_bits64((double)narrow[j * EG_LANES + lane]) != eg_bits64(want);
        }
      }
    }
    CHECK(wrong == 0);
  }
}

static void compare_rows(const eg_fill_table *table, uint32_t n_rows) {
  const uint32_t key[2] = {7u, 11u};
  static int32_t index[4 * 4 * EG_LANES];
  table->fill_rows(key, 640, 5, 4, n_rows, index);
  int wrong = 0;
  for (int j = 0; j < 16; j++) {
    for (int lane = 0; lane < EG_LANES; lane++) {
      uint32_t w[4];
      eg_block(key, EG_STREAM_ROWS, 640 + (uint64_t)lane, 5 + (uint64_t)(j / 4), w);
      const int32_t want = eg_index_is_rejected(w[j % 4], n_rows)
                               ? eg_index_retry(key, 640 + (uint64_t)lane, 20 + (uint64_t)j, n_rows)
                               : eg_index_of_word(w[j % 4], n_rows);
      wrong += index[j * EG_LANES + lane] != want || want < 0 || (uint32_t)want >= n_rows;
    }
  }
  CHECK(wrong == 0);
}

/* Known answers of Random123 1.14, tests/kat_vectors: philox4x32 10. */
static void known_answers(void) {
  const uint32_t counters[3][4] = {{0, 0, 0, 0},
                                   {0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu},
                                   {0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}};
  const uint32_t keys[3][2] = {{0, 0}, {0xffffffffu, 0xffffffffu}, {0xa4093822u, 0x299f31d0u}};
  const uint32_t want[3][4] = {{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u},
                               {0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu},
                               {0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}};
  for (int i = 0; i < 3; i++) {
    uint32_t out[4];
    eg_philox(counters[i], keys[i], out);
    for (int j = 0; j < 4; j++) {
      CHECK(out[j] == want[i][j]);
    }
  }
}

static void compare_stable(const eg_fill_table *table, double tail_index) {
  static double wide[2 * EG_LANES];
  static float narrow[2 * EG_LANES];
  const uint32_t key[2] = {3u, 5u};
  int wrong = 0;
  table->fill_stable(key, 0xffffffc0ull, NULL, 0xffffffffull, 2, tail_index, 1, wide);
  table->fill_stable(key, 0xffffffc0ull, NULL, 0xffffffffull, 2, tail_index, 0, narrow);
  for (int i = 0; i < 2 * EG_LANES; i++) {
    uint32_t w[4];
    eg_block(key, EG_STREAM_NOISE, 0xffffffc0ull + (uint64_t)(i % EG_LANES), 0xffffffffull + (uint64_t)(i / EG_LANES), w);
    const double want = eg_stable(w, tail_index);
    wrong += eg_bits64(wide[i]) != eg_bits64(want) || eg_bits32(narrow[i]) != eg_bits32((float)want) || want != want;
  }
  CHECK(wrong == 0);
}

/* Listed realisations: those of the scattered places of the list, of every kind, rows and stable increments. */
static void compare_listed(const eg_fill_table *table) {
  static float narrow[3 * 128 * EG_LANES] __attribute__((aligned(4096)));
  static double wide[3 * 128 * EG_LANES] __attribute__((aligned(4096)));
  static int32_t index[2 * 4 * EG_LANES];
  const uint32_t key[2] = {0x12345678u, 0x9abcdef0u}, n_rows = 0x60000000u;
  const uint64_t first = 0x1234500001000ull;
  eg_listed list;
  int wrong = 0;
  list.first = first;
  for (uint32_t lane = 0; lane < EG_LANES; lane++) {
    list.low[lane] = (uint32_t)first + lane * lane * 37 % 4096;
  }
  for (int kind = 0; kind < EG_N_KINDS; kind++) {
    const int per_block = eg_kind_per_block(kind);
    if (kind == EG_KIND_GAUSSIAN_FAST) {
      continue;
    }
    if (kind != EG_KIND_GAUSSIAN64) {
      table->listed[kind](key, &list, 0xffffffffull, 3, narrow);
    }
    table->listed64[kind](key, &list, 0xffffffffull, 3, wide);
    for (int i = 0; i < 3 * per_block * EG_LANES; i++) {
      const int j = i / EG_LANES;
      uint32_t w[4];
      eg_block(key, EG_STREAM_NOISE, first + (uint64_t)(i % EG_LANES * (i % EG_LANES) * 37 % 4096), 0xffffffffull + (uint64_t)(j / per_block), w);
      const double want = eg_draw(kind, w, j % per_block);
      wrong += eg_bits64(wide[i]) != eg_bits64(want) || (kind != EG_KIND_GAUSSIAN64 && eg_bits64((double)narrow[i]) != eg_bits64(want));
    }
  }
  table->listed_rows(key, &list, 5, 2, n_rows, index);
  table->fill_stable(key, first, &list, 5, 2, 1.5, 1, wide);
  for (int i = 0; i < 8 * EG_LANES; i++) {
    const int j = i / EG_LANES;
    const uint64_t realisation = first + (uint64_t)(i % EG_LANES * (i % EG_LANES) * 37 % 4096);
    uint32_t w[4];
    eg_block(key, EG_STREAM_ROWS, realisation, 5 + (uint64_t)(j / 4), w);
    const int32_t want = eg_index_is_rejected(w[j % 4], n_rows) ? eg_index_retry(key, realisation, 20 + (uint64_t)j, n_rows)
                                                                : eg_index_of_word(w[j % 4], n_rows);
    wrong += index[i] != want;
    eg_block(key, EG_STREAM_NOISE, realisation, 5 + (uint64_t)j, w);
    wrong += j < 2 && eg_bits64(wide[i]) != eg_bits64(eg_stable(w, 1.5));
  }
  CHECK(wrong == 0);
}

int main(void) {
  known_answers();
  for (int i = 0; i < N_TABLES; i++) {
    if (!is_here(i)) {
      continue;
    }
    for (int kind = 0; kind < EG_N_KINDS; kind++) {
      if (kind != EG_KIND_GAUSSIAN_FAST) {
        compare_kind(tables[i], kind);
      }
    }
    for (double tail_index = 0.0625; tail_index <= 2; tail_index *= 2) {
      compare_stable(tables[i], tail_index);
    }
    compare_listed(tables[i]);
    compare_rows(tables[i], 442);
    compare_rows(tables[i], 1);
    compare_rows(tables[i], 0x7fffffffu);  /* half of the words are rejected */
    compare_rows(tables[i], 0x60000000u);  /* a quarter is */
  }
  return check_report();
}
