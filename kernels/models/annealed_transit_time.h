/*
 * Annealed transit time model, regime I (P. Massignan et al., arXiv 1401.6133): Brownian motion whose diffusivity D, drawn anew
 * after each residence time, has density s D^(s-1) on (0, 1), s = exponent x gamma, and lasts D^-gamma, s < gamma < s + 1.
 * As t grows
 *   E (x(t) - x0)^2 -> (2 s / (s + 1 - gamma)) t^exponent sin(pi exponent) / (pi exponent),  corrections t^(1 - 1/gamma).
 * The increment of a step, given the diffusivities, is one normal.
 */
#define EG_NAME       "annealed-transit-time"
#define EG_EQUATION   "dx = sqrt(2 D) dW, D of density ~ D^(exponent gamma - 1) on (0, 1), each for a time D^-gamma; E (x - x0)^2 ~ t^exponent"
#define EG_SOURCE     "arXiv 1401.6133"
#define EG_DIM        1
#define EG_IS_PROCESS 1
#define EG_CAPS       EG_CAP_TIMED
#define EG_STAGED     0
#define EG_OWN        3
#define EG_HAS_EVENTS 1
#define EG_PARAMS(P, PV)                                                                                     \
  P(exponent, 0.5, 0.1, 0.99, "exponent of the mean squared displacement at long times")                     \
  P(gamma, 1.2, 0.01, 1000.0, "a diffusivity D lasts D^-gamma; gamma (1 - exponent) < 1")
EG_PARAMS_STRUCT

EG_FN void eg_event_values(const eg_params *p, double n, double u, double v, double *residence, double *diffusivity) {
  (void)n;
  (void)v;
  *diffusivity = eg_power(u, 1.0 / (p->exponent * p->gamma));
  *residence = eg_power(u, -1.0 / p->exponent);
}

#include "core/events.h"

/* Own values: end of the residence, its diffusivity, and how many were drawn. */
EG_FN void eg_exact_quiet(const eg_params *p, const eg_pull *pull, eg_real *x, eg_noise z) {
  (void)p;
  x[0] = eg_mad((eg_real)eg_sqrt(2.0 * ((double)x[2] * (pull->to - pull->from))), EG_Z(z, 0), x[0]);
}

EG_FN void eg_exact_at(const eg_params *p, const eg_real *st, const eg_pull *pull, uint64_t realisation, eg_real *x, eg_noise z) {
  (void)st;
  double end = (double)x[1], diffusivity = (double)x[2], n = (double)x[3], t = pull->from, half_variance = 0, residence;
  if (n == 0) {
    eg_take_event(p, pull, realisation, n, &end, &diffusivity);
    n = 1;
  }
  while (end <= pull->to) {
    half_variance += diffusivity * (end - t);
    t = end;
    eg_take_event(p, pull, realisation, n, &residence, &diffusivity);
    end += residence;
    n += 1;
  }
  half_variance += diffusivity * (pull->to - t);
  x[0] = eg_mad((eg_real)eg_sqrt(2.0 * half_variance), EG_Z(z, 0), x[0]);
  x[1] = (eg_real)end;
  x[2] = (eg_real)diffusivity;
  x[3] = (eg_real)n;
}
