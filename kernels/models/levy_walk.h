/*
 * Levy walk (M. F. Shlesinger, J. Klafter, Y. M. Wong, J. Stat. Phys. 27, 499 (1982); V. Zaburdaev, S. Denisov, J. Klafter,
 * arXiv 1410.5100): flights at constant speed in a random direction, of Lomax durations P(> u) = (1 + u / flight)^-tail.
 * equilibrated 1: the walk has gone on for ever, so that the first flight is what is left of one,
 * P(first > u) = (1 + u / flight)^(1 - tail), tail > 1; increments are then stationary and
 *   E (x(t) - x0)^2 = 2 speed^2 int_0^t (t - s) (1 + s / flight)^(1 - tail) ds ~ t^(3 - tail), 1 < tail < 2.
 * equilibrated 0: a flight begins at time 0 (the mean squared displacement is tail - 1 times as large for long times).
 */
#define EG_NAME       "levy-walk"
#define EG_EQUATION   "flights at constant speed, durations P(> u) = (1 + u / flight)^-tail; E (x - x0)^2 ~ t^(3 - tail), 1 < tail < 2"
#define EG_SOURCE     "J. Stat. Phys. 27, 499 (1982); arXiv 1410.5100"
#define EG_DIM        1
#define EG_IS_PROCESS 1
#define EG_CAPS       EG_CAP_TIMED
#define EG_STAGED     0
#define EG_OWN        4
#define EG_HAS_EVENTS 1
#define EG_EVENTS_ALONE 1
#define EG_PARAMS(P, PV)                                                                                     \
  P(tail, 1.5, 0.1, 16.0, "exponent of the law of the flight durations")                                     \
  P(flight, 1.0, 1e-12, 1e12, "scale of the flight durations, time")                                         \
  P(speed, 1.0, 0.0, 1e12, "length / time")                                                                  \
  P(equilibrated, 1.0, 0.0, 1.0, "1: time 0 lies in a flight of a stationary walk; 0: a flight begins there")
EG_PARAMS_STRUCT

/* Duration and direction of flight n. */
EG_FN void eg_event_values(const eg_params *p, double n, double u, double v, double *duration, double *direction) {
  const double first = -1.0 / (p->tail - p->equilibrated), later = -1.0 / p->tail;
  *duration = p->flight * (eg_power(u, n == 0 ? first : later) - 1.0);
  *direction = v < 0.5 ? -1.0 : 1.0;
}

#include "core/events.h"

/* Own values: end of the flight, where and when it began, and how many flights were drawn, with the sign of its direction. The place
   is made from these alone, not from that of the step before. */
EG_FN void eg_exact_quiet(const eg_params *p, const eg_pull *pull, eg_real *x, eg_noise z) {
  (void)z;
  const double velocity = (double)x[4] < 0 ? -p->speed : p->speed;
  x[0] = (eg_real)((double)x[2] + velocity * (pull->to - (double)x[3]));
}

EG_FN void eg_exact_at(const eg_params *p, const eg_real *st, const eg_pull *pull, uint64_t realisation, eg_real *x, eg_noise z) {
  (void)st;
  double end = (double)x[1], position = (double)x[2], begin = (double)x[3], n = (double)x[4], duration, direction = n < 0 ? -1.0 : 1.0;
  n = n < 0 ? -n : n;
  if (n == 0) {
    position = (double)x[0];
    eg_take_event(p, pull, realisation, n, &end, &direction);
    n = 1;
  }
  while (end <= pull->to) {
    position += direction * p->speed * (end - begin);
    begin = end;
    eg_take_event(p, pull, realisation, n, &duration, &direction);
    end += duration;
    n += 1;
  }
  x[1] = (eg_real)end;
  x[2] = (eg_real)position;
  x[3] = (eg_real)begin;
  x[4] = (eg_real)(direction * n);
  eg_exact_quiet(p, pull, x, z);
}
