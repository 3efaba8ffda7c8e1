/*
 * Fractional Brownian motion (B. B. Mandelbrot and J. W. van Ness, SIAM Rev. 10, 422 (1968)): Gaussian with stationary
 * increments and E (x(t) - x0)^2 = diffusivity t^exponent, Hurst exponent H = exponent / 2. The increments of all steps of a
 * path are made at once, from their exact law (core/fractional.h): z is one of them.
 */
#define EG_NAME       "fractional-brownian-motion"
#define EG_EQUATION   "x = x0 + Gaussian process of stationary increments; E (x - x0)^2 = diffusivity t^exponent"
#define EG_SOURCE     "SIAM Rev. 10, 422 (1968); Biometrika 74, 95 (1987)"
#define EG_DIM        1
#define EG_IS_PROCESS 1
#define EG_CAPS       (EG_CAP_EXACT | EG_CAP_FRACTIONAL)
#define EG_STAGED     1
#define EG_PARAMS(P, PV)                                                                                     \
  P(exponent, 1.0, 0.04, 1.96, "exponent of the mean squared displacement, twice the Hurst exponent")        \
  P(diffusivity, 1.0, 0.0, 1e12, "mean squared displacement at time 1, length^2 / time^exponent")
EG_PARAMS_STRUCT

/* st[0]: standard deviation of an increment */
EG_FN void eg_exact(const eg_params *p, const eg_real *st, eg_real *x, eg_noise z) {
  (void)p;
  x[0] = eg_mad(st[0], EG_Z(z, 0), x[0]);
}

#if !EG_DEVICE
static inline void eg_prepare(const eg_params *p, double h, double correction, double *staged) {
  (void)correction;
  staged[0] = eg_sqrt(p->diffusivity) * eg_exp(0.5 * p->exponent * eg_log(h));
}
#endif
