/*
 * Draws that are pulled: how many a trajectory takes is not known ahead (waiting times, flights), so nothing fills them in
 * advance. Event n of a realisation has one Philox block of a stream of its own. A step that pulls is told whose draws it
 * takes and which time it spans; time is never accumulated, from = step h.
 */
#ifndef EG_CORE_PULL_H
#define EG_CORE_PULL_H

#include "core/eg_math.h"
#include "core/rng.h"

#if !EG_DEVICE
#define EG_EVENTS_HELD 32

/* Events first .. first + EG_EVENTS_HELD - 1 of a trajectory: core/events.h. */
typedef struct eg_events {
  double first, a[EG_EVENTS_HELD], b[EG_EVENTS_HELD];
} eg_events;
#endif

typedef struct eg_pull {
  uint32_t key[2];
  uint64_t step;
  double from, to;
  double scale; /* eg_step_scale of the model, if it has one */
#if !EG_DEVICE
  eg_events *events; /* of the trajectory that steps, in lane form on the CPU */
#endif
} eg_pull;

/* Two uniforms in (0, 1) on the grid of 52 bits (as those of eg_normal2_f64). */
EG_FN void eg_uniforms_of_halves(uint64_t first, uint64_t second, double *u, double *v) {
  *u = (eg_double_of_bits(0x3ff0000000000000ull | first >> 12) - 1.0) + 0x1p-53;
  *v = (eg_double_of_bits(0x3ff0000000000000ull | second >> 12) - 1.0) + 0x1p-53;
}

EG_FN void eg_uniforms_of_words(const uint32_t w[4], double *u, double *v) {
  eg_uniforms_of_halves((uint64_t)w[0] << 32 | w[1], (uint64_t)w[2] << 32 | w[3], u, v);
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
