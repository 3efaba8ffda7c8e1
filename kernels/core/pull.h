/*
 * Draws that are pulled: how many a trajectory takes is not known ahead (waiting times, flights), so nothing fills them in
 * advance. Event n of a realisation has one Philox block of a stream of its own. A step that pulls is told whose draws it
 * takes and which time it spans; time is never accumulated, from = step h.
 */
#ifndef EG_CORE_PULL_H
#define EG_CORE_PULL_H

#include "core/eg_math.h"
#include "core/rng.h"

typedef struct eg_pull {
  uint32_t key[2];
  uint64_t step;
  double from, to;
  double scale; /* eg_step_scale of the model, if it has one */
} eg_pull;

/* Two uniforms in (0, 1) on the grid of 52 bits (as those of eg_normal2_f64), from four words. */
EG_FN void eg_uniforms_of_words(const uint32_t w[4], double *u, double *v) {
  const uint64_t a = ((uint64_t)w[0] << 32 | w[1]) >> 12, b = ((uint64_t)w[2] << 32 | w[3]) >> 12;
  *u = (eg_double_of_bits(0x3ff0000000000000ull | a) - 1.0) + 0x1p-53;
  *v = (eg_double_of_bits(0x3ff0000000000000ull | b) - 1.0) + 0x1p-53;
}

/* Those of event n < 2^53. */
EG_FN void eg_event(const eg_pull *pull, uint64_t realisation, double n, double *u, double *v) {
  uint32_t w[4];
  eg_block(pull->key, EG_STREAM_EVENTS, realisation, (uint64_t)n, w);
  eg_uniforms_of_words(w, u, v);
}

/* b^e, b > 0. */
EG_FN double eg_power(double b, double e) {
  return eg_exp(e * eg_log(b));
}

#endif
