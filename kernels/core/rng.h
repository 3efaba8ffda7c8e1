/*
 * Philox4x32-10 (J. Salmon et al., SC11, doi:10.1145/2063384.2063405) and the layout of its counter.
 *
 *   key     = seed mixed with the run's noise id (eg_run_key)
 *   counter = (block low, stream << 24 | block high, realisation low, realisation high)
 *
 * Noise is a pure function of (seed, noise id, stream, realisation, draw): nothing stores generator state. Draws of a
 * trajectory are numbered through, q = step * draws_per_step + k; a block serves consecutive draws. Points of one
 * realisation ask with the same counter.
 */
#ifndef EG_CORE_RNG_H
#define EG_CORE_RNG_H

#include "core/portable.h"

/* Changing anything that changes a draw raises this number; it is stored in every result. */
#define EG_RNG_LAYOUT_VERSION 1

/* Every purpose of randomness. Values are part of the layout: never reuse one. */
enum {
  EG_STREAM_NOISE = 1,       /* Gaussian or discrete increments of steps */
  EG_STREAM_ROWS = 2,        /* data row indices */
  EG_STREAM_ROWS_RETRY = 3,  /* replaces the rare word that Lemire's method rejects */
  EG_STREAM_START = 4,       /* random start points */
  EG_STREAM_KEY = 5,         /* key derivation */
  EG_STREAM_PERMUTE = 6,     /* choices of a shuffle of rows */
  EG_STREAM_PERMUTE_RETRY = 7,
  EG_STREAM_EVENTS = 8       /* waiting times, flights: pulled one by one (core/pull.h) */
};

#define EG_PHILOX_M0 0xD2511F53u
#define EG_PHILOX_M1 0xCD9E8D57u
#define EG_PHILOX_W0 0x9E3779B9u
#define EG_PHILOX_W1 0xBB67AE85u

EG_LEAF void eg_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  EG_UNROLL
  for (int round = 0; round < 10; round++) {
    const uint32_t h0 = eg_mulhi32(EG_PHILOX_M0, c0), l0 = EG_PHILOX_M0 * c0;
    const uint32_t h1 = eg_mulhi32(EG_PHILOX_M1, c2), l1 = EG_PHILOX_M1 * c2;
    c0 = h1 ^ c1 ^ k0;
    c1 = l1;
    c2 = h0 ^ c3 ^ k1;
    c3 = l0;
    k0 += EG_PHILOX_W0;
    k1 += EG_PHILOX_W1;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/* Four words of `stream` for one realisation. block < 2^56. */
EG_FN void eg_block(const uint32_t key[2], uint32_t stream, uint64_t realisation, uint64_t block, uint32_t out[4]) {
  uint32_t counter[4];
  counter[0] = (uint32_t)block;
  counter[1] = stream << 24 | ((uint32_t)(block >> 32) & 0xffffffu);
  counter[2] = (uint32_t)realisation;
  counter[3] = (uint32_t)(realisation >> 32);
  eg_philox(counter, key, out);
}

/* The key of a run: the study's seed mixed with the run's noise id by one Philox block. */
EG_FN void eg_run_key(uint64_t seed, uint64_t noise_id, uint32_t key[2]) {
  uint32_t counter[4], seed_key[2], out[4];
  counter[0] = (uint32_t)noise_id;
  counter[1] = (uint32_t)(noise_id >> 32);
  counter[2] = (uint32_t)EG_STREAM_KEY << 24;
  counter[3] = EG_RNG_LAYOUT_VERSION;
  seed_key[0] = (uint32_t)seed;
  seed_key[1] = (uint32_t)(seed >> 32);
  eg_philox(counter, seed_key, out);
  key[0] = out[0];
  key[1] = out[1];
}

#endif
