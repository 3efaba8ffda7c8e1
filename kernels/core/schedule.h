/*
 * The learning rate of a chain as a function of its step: learning_rate times a factor. Steps are counted in units of
 * the learning rate (an SVAG iteration is 1/l of one: theory in arXiv 2102.12470, section 4), so a schedule means the
 * same for every l. A pure function of the step: a restart needs no state.
 *
 *   constant    1
 *   step        gamma^floor(k / period)
 *   polynomial  last + (1 - last) (1 - k / length)^power       k < length, then last
 *   cosine      last + (1 - last) (1 + cos(pi k / length)) / 2 k < length, then last
 *   cyclic      last + (1 - last) |1 - 2 frac(k / period)|     triangle: 1 at the ends of a period, last in its middle
 *   warm-up     the factor above times min(1, (k + 1) / warm_up)
 */
#ifndef EG_CORE_SCHEDULE_H
#define EG_CORE_SCHEDULE_H

#include "core/eg_math.h"

enum {
  EG_SCHEDULE_CONSTANT = 0,
  EG_SCHEDULE_STEP = 1,
  EG_SCHEDULE_POLYNOMIAL = 2,
  EG_SCHEDULE_COSINE = 3,
  EG_SCHEDULE_CYCLIC = 4
};

typedef struct eg_schedule {
  int32_t kind;
  int32_t reserved;
  double period; /* step, cyclic: length of a period in steps; polynomial, cosine: length */
  double gamma;  /* step */
  double last;   /* polynomial, cosine, cyclic: the smallest factor */
  double power;  /* polynomial */
  double warm_up; /* steps; 0: none */
} eg_schedule;

EG_STATIC_ASSERT(sizeof(eg_schedule) == 48, "layout differs between host and device");

/* b^e for b >= 0: 0^0 = 1. */
EG_FN double eg_schedule_power(double base, double exponent) {
  return base > 0 ? eg_exp(exponent * eg_log(base)) : (exponent == 0 ? 1.0 : 0.0);
}

/* The factor at step k >= 0 (a fraction for SVAG). */
EG_FN double eg_schedule_factor(const eg_schedule *s, double k) {
  double factor = 1;
  if (s->kind == EG_SCHEDULE_STEP) {
    factor = eg_schedule_power(s->gamma, (double)(int64_t)(k / s->period));
  } else if (s->kind != EG_SCHEDULE_CONSTANT) {
    const double part = k / s->period;
    const double rest = part < 1 ? 1 - part : 0;
    double shape;
    if (s->kind == EG_SCHEDULE_POLYNOMIAL) {
      shape = eg_schedule_power(rest, s->power);
    } else if (s->kind == EG_SCHEDULE_COSINE) {
      double sine, cosine;
      eg_sincospi(part < 1 ? part : 1, &sine, &cosine);
      shape = part < 1 ? 0.5 + 0.5 * cosine : 0;
    } else {
      const double place = 1 - 2 * (part - (double)(int64_t)part);
      shape = place < 0 ? -place : place;
    }
    factor = s->last + (1 - s->last) * shape;
  }
  if (k + 1 < s->warm_up) {
    factor = factor * ((k + 1) / s->warm_up);
  }
  return factor;
}

#endif
