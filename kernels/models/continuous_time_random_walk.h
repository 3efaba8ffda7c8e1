/*
 * Continuous-time random walk (E. W. Montroll and G. H. Weiss, J. Math. Phys. 6, 167 (1965)): Gaussian jumps of standard
 * deviation `jump` after waiting times of Mittag-Leffler law, P(wait > u) = E_a(-(u / wait)^a), a = exponent <= 1. Then
 *   E (x(t) - x0)^2 = jump^2 (t / wait)^a / Gamma(1 + a)   at every t, not only in the limit.
 * A wait is -wait ln U (sin(a pi (1 - V)) / sin(a pi V))^(1/a) (T. J. Kozubowski and S. T. Rachev, J. Comput. Anal. Appl. 1,
 * 177 (1999); D. Fulger, E. Scalas, G. Germano, arXiv 0706.1873, equation 20). The jumps of one step add up to one normal.
 */
#define EG_NAME       "continuous-time-random-walk"
#define EG_EQUATION   "Gaussian jumps after Mittag-Leffler waits; E (x - x0)^2 = jump^2 (t / wait)^exponent / Gamma(1 + exponent)"
#define EG_SOURCE     "J. Math. Phys. 6, 167 (1965); arXiv 0706.1873"
#define EG_DIM        1
#define EG_IS_PROCESS 1
#define EG_CAPS       EG_CAP_TIMED
#define EG_STAGED     0
#define EG_OWN        2
#define EG_HAS_EVENTS 1
#define EG_PARAMS(P, PV)                                                                                     \
  P(exponent, 0.7, 0.1, 1.0, "exponent of the waiting times and of the mean squared displacement")           \
  P(wait, 1.0, 1e-12, 1e12, "scale of the waiting times, time")                                              \
  P(jump, 1.0, 0.0, 1e12, "standard deviation of a jump, length")
EG_PARAMS_STRUCT

EG_FN void eg_event_values(const eg_params *p, double n, double u, double v, double *wait, double *unused) {
  double above, below, cosine;
  (void)n;
  eg_sincospi(p->exponent * (1.0 - v), &above, &cosine);
  eg_sincospi(p->exponent * v, &below, &cosine);
  *wait = -p->wait * eg_log(u) * eg_power(above / below, 1.0 / p->exponent);
  *unused = 0;
}

#include "core/events.h"

/* Nothing moves without a jump. */
EG_FN void eg_exact_quiet(const eg_params *p, const eg_pull *pull, eg_real *x, eg_noise z) {
  (void)p;
  (void)pull;
  (void)x;
  (void)z;
}

/* Own values: when the next jump comes, and how many waits were drawn. */
EG_FN void eg_exact_at(const eg_params *p, const eg_real *st, const eg_pull *pull, uint64_t realisation, eg_real *x, eg_noise z) {
  (void)st;
  double next = (double)x[1], n = (double)x[2], jumps = 0, wait, unused;
  if (n == 0) {
    eg_take_event(p, pull, realisation, n, &next, &unused);
    n = 1;
  }
  while (next <= pull->to) {
    eg_take_event(p, pull, realisation, n, &wait, &unused);
    next += wait;
    n += 1;
    jumps += 1;
  }
  const eg_real moved = eg_mad((eg_real)(p->jump * eg_sqrt(jumps)), EG_Z(z, 0), x[0]);
  x[0] = jumps > 0 ? moved : x[0];
  x[1] = (eg_real)next;
  x[2] = (eg_real)n;
}
