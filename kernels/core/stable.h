/*
 * Symmetric alpha-stable variates by the method of Chambers, Mallows and Stuck (J. Am. Stat. Assoc. 71, 340 (1976)):
 *   S = sin(a phi) / cos(phi)^(1/a) (cos((1 - a) phi) / W)^((1 - a)/a),  phi uniform in (-pi/2, pi/2), W exponential,
 * has E exp(i u S) = exp(-|u|^a), 0 < a <= 2: a = 2 is a normal of variance 2, a = 1 a Cauchy variate. Both uniforms have 52 bits
 * and come from one Philox block, so a draw is a block of the stream of increments.
 */
#ifndef EG_CORE_STABLE_H
#define EG_CORE_STABLE_H

#include "core/pull.h"

EG_LEAF double eg_stable(const uint32_t w[4], double a) {
  double u, v, sine, above, below, unused;
  eg_uniforms_of_words(w, &u, &v);
  const double turn = v - 0.5; /* phi / pi */
  eg_sincospi(a * turn, &sine, &unused);
  eg_sincospi(turn, &unused, &below);
  eg_sincospi((1.0 - a) * turn, &unused, &above);
  const double log_power = (1.0 - a) * (eg_log(above) - eg_log(-eg_log(u))) - eg_log(below);
  return sine * eg_exp(log_power / a);
}

#endif
