/* A model that hides its divergence: a step draws an infinite state when |z| > 2.5, and the step after it clamps that to
   [-4, 4]. For tests/conformance/test_monitors.c. */
#define EG_NAME       "clamped"
#define EG_EQUATION   "x' = clamp(x) / 2 + z, infinite when |z| > 2.5"
#define EG_DIM        1
#define EG_IS_PROCESS 1
#define EG_CAPS       (EG_CAP_EXACT)
#define EG_STAGED     0
#define EG_PARAMS(P, PV)
EG_PARAMS_STRUCT

EG_FN void eg_exact(const eg_params *p, const eg_real *st, eg_real *x, eg_noise z) {
  (void)p;
  (void)st;
  const eg_real low = x[0] > (eg_real)-4 ? x[0] : (eg_real)-4; /* NaN becomes -4 */
  const eg_real inside = low < (eg_real)4 ? low : (eg_real)4;
  const eg_real draw = EG_Z(z, 0);
  const eg_real size = draw < 0 ? -draw : draw;
  x[0] = size > (eg_real)2.5 ? (eg_real)eg_double_of_bits(0x7ff0000000000000ull) : eg_mad((eg_real)0.5, inside, draw);
}
