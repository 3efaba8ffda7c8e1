/*
 * Scaled Brownian motion: x(t) = x0 + B(diffusivity t^exponent), B a Brownian motion, so that increments are independent and
 *   E (x(t) - x0)^2 = diffusivity t^exponent   at every t
 * (S. C. Lim and S. V. Muniandy, Phys. Rev. E 66, 021114 (2002)). Not stationary: the time-averaged mean squared displacement
 * is linear in its lag whatever the exponent (J.-H. Jeon, A. V. Chechkin, R. Metzler, arXiv 1405.2193).
 */
#define EG_NAME       "scaled-brownian-motion"
#define EG_EQUATION   "x(t) = x0 + B(diffusivity t^exponent); E (x - x0)^2 = diffusivity t^exponent"
#define EG_SOURCE     "Phys. Rev. E 66, 021114 (2002); arXiv 1405.2193"
#define EG_DIM        1
#define EG_IS_PROCESS 1
#define EG_CAPS       EG_CAP_TIMED
#define EG_STAGED     0
#define EG_OWN        0
#define EG_STEP_SCALE 1
#define EG_PARAMS(P, PV)                                                                                     \
  P(exponent, 1.0, 0.01, 4.0, "exponent of the mean squared displacement")                                   \
  P(diffusivity, 1.0, 0.0, 1e12, "mean squared displacement at time 1, length^2 / time^exponent")
EG_PARAMS_STRUCT

EG_FN double eg_scaled_clock(const eg_params *p, double t) {
  const double power = eg_power(t > 0 ? t : 1.0, p->exponent);
  return p->diffusivity * (t > 0 ? power : 0.0);
}

/* Standard deviation of an increment: two powers, which no compiler takes out of the loop over trajectories by itself. */
EG_FN double eg_step_scale(const eg_params *p, double from, double to) {
  return eg_sqrt(eg_scaled_clock(p, to) - eg_scaled_clock(p, from));
}

EG_FN void eg_exact_at(const eg_params *p, const eg_real *st, const eg_pull *pull, uint64_t realisation, eg_real *x, eg_noise z) {
  (void)p;
  (void)st;
  (void)realisation;
  x[0] = eg_mad((eg_real)pull->scale, EG_Z(z, 0), x[0]);
}
