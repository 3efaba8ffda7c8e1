/*
 * Events of a process that pulls (core/pull.h) as two numbers each: a model with EG_HAS_EVENTS 1 defines
 *   void eg_event_values(p, n, u, v, a, b)   what event n is, from its uniforms; then it includes this file,
 *   void eg_exact_at(p, st, pull, realisation, x, z)   and takes them here; x[1] is the time of the next event, 0 before the first,
 *   void eg_exact_quiet(p, pull, x, z)   x[0] after a step that ends before x[1]: the bits of eg_exact_at then, without a branch.
 * With EG_EVENTS_ALONE 1 the values after a step are functions of the events and of the time pull->to alone, so that any number of
 * steps may be made as one.
 *
 * Event n is a pure function of the realisation, so the CPU makes the next few of a trajectory side by side, when it has none left;
 * in steps an event came alone, at the latency of ten rounds of Philox and a power.
 */
#ifndef EG_CORE_EVENTS_H
#define EG_CORE_EVENTS_H

#include "core/pull.h"

#if !EG_DEVICE && defined(__AVX512F__)
#include <immintrin.h>
#endif

#if !EG_DEVICE && !defined(EG_THREAD_FORM)
/* words[j][i]: word j of event first + i. In the low halves of 64-bit numbers, whose products read only those: the high halves may
   hold anything (as in fill_cpu.c). */
#if defined(__AVX512F__)
typedef unsigned long long eg_event_vec __attribute__((vector_size(64)));
#define EG_EVENT_PRODUCT(a, b) ((eg_event_vec)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
enum { EG_EVENT_GROUPS = EG_EVENTS_HELD / 8 };

EG_FN void eg_event_words(const uint32_t *key, uint64_t realisation, uint64_t block, uint64_t words[4][EG_EVENTS_HELD]) {
  const eg_event_vec zero = {0}, eight = {0, 1, 2, 3, 4, 5, 6, 7}, m0 = zero + EG_PHILOX_M0, m1 = zero + EG_PHILOX_M1;
  eg_event_vec c0[EG_EVENT_GROUPS], c1[EG_EVENT_GROUPS], c2[EG_EVENT_GROUPS], c3[EG_EVENT_GROUPS];
  uint64_t k0 = key[0], k1 = key[1];
  EG_UNROLL
  for (int g = 0; g < EG_EVENT_GROUPS; g++) {
    const eg_event_vec n = eight + (block + 8 * (uint64_t)g);
    c0[g] = n;
    c1[g] = (n >> 32 & 0xffffffu) | (uint64_t)EG_STREAM_EVENTS << 24;
    c2[g] = zero + realisation;
    c3[g] = zero + (realisation >> 32);
  }
  EG_UNROLL
  for (int round = 0; round < 10; round++) {
    EG_UNROLL
    for (int g = 0; g < EG_EVENT_GROUPS; g++) {
      const eg_event_vec p0 = EG_EVENT_PRODUCT(m0, c0[g]), p1 = EG_EVENT_PRODUCT(m1, c2[g]);
      c0[g] = p1 >> 32 ^ c1[g] ^ k0;
      c1[g] = p1;
      c2[g] = p0 >> 32 ^ c3[g] ^ k1;
      c3[g] = p0;
    }
    k0 = (uint32_t)(k0 + EG_PHILOX_W0);
    k1 = (uint32_t)(k1 + EG_PHILOX_W1);
  }
  EG_UNROLL
  for (int g = 0; g < EG_EVENT_GROUPS; g++) {
    memcpy(&words[0][8 * g], &c0[g], sizeof c0[g]);
    memcpy(&words[1][8 * g], &c1[g], sizeof c1[g]);
    memcpy(&words[2][8 * g], &c2[g], sizeof c2[g]);
    memcpy(&words[3][8 * g], &c3[g], sizeof c3[g]);
  }
}
#else
EG_FN void eg_event_lane(const uint32_t *key, uint64_t realisation, uint64_t block, uint64_t *words) {
  uint32_t w[4];
  eg_block(key, EG_STREAM_EVENTS, realisation, block, w);
  words[0] = w[0];
  words[EG_EVENTS_HELD] = w[1];
  words[2 * EG_EVENTS_HELD] = w[2];
  words[3 * EG_EVENTS_HELD] = w[3];
}

EG_FN void eg_event_words(const uint32_t *key, uint64_t realisation, uint64_t block, uint64_t words[4][EG_EVENTS_HELD]) {
  _Pragma("omp simd")
  for (int i = 0; i < EG_EVENTS_HELD; i++) {
    eg_event_lane(key, realisation, block + (uint64_t)i, &words[0][i]);
  }
}
#endif

/* A function of its own: gcc makes vector code of a loop whose body is one call. */
EG_FN void eg_event_of_words(const eg_params *p, double n, const uint64_t *words, double *a, double *b) {
  double u, v;
  eg_uniforms_of_halves(words[0] << 32 | (uint32_t)words[EG_EVENTS_HELD],
                        words[2 * EG_EVENTS_HELD] << 32 | (uint32_t)words[3 * EG_EVENTS_HELD], &u, &v);
  eg_event_values(p, n, u, v, a, b);
}

static __attribute__((noinline, unused)) void eg_hold_events(const eg_params *params, const uint32_t *key, uint64_t realisation, double first,
                                                             eg_events *events) {
  const eg_params own = *params; /* a copy that no store can reach */
  const uint32_t own_key[2] = {key[0], key[1]};
  uint64_t words[4][EG_EVENTS_HELD];
  double a[EG_EVENTS_HELD], b[EG_EVENTS_HELD];
  eg_event_words(own_key, realisation, (uint64_t)first, words);
  _Pragma("omp simd")
  for (int i = 0; i < EG_EVENTS_HELD; i++) {
    eg_event_of_words(&own, first + (double)i, &words[0][i], a + i, b + i);
  }
  memcpy(events->a, a, sizeof a);
  memcpy(events->b, b, sizeof b);
  events->first = first;
}
#endif

/* Event n. */
EG_FN void eg_take_event(const eg_params *p, const eg_pull *pull, uint64_t realisation, double n, double *a, double *b) {
#if !EG_DEVICE && !defined(EG_THREAD_FORM)
  eg_events *const events = pull->events;
  if (!(n >= events->first && n < events->first + EG_EVENTS_HELD)) {
    eg_hold_events(p, pull->key, realisation, n, events);
  }
  const int i = (int)(n - events->first);
  *a = events->a[i];
  *b = events->b[i];
#else
  double u, v;
  eg_event(pull, realisation, n, &u, &v);
  eg_event_values(p, n, u, v, a, b);
#endif
}

#endif
