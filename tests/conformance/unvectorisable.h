/* A process that no compiler can make vector code of: what scripts/check_vectorised must refuse. gradient_flow, Euler: a
   loop whose length depends on the state. exact: a call. strang and the others are refused for either. */
#define EG_NAME       "unvectorisable"
#define EG_EQUATION   "dx = -x 2^-n(x) dt + dW"
#define EG_DIM        1
#define EG_IS_PROCESS 1
#define EG_CAPS       (EG_CAP_DRIFT | EG_CAP_DIAGONAL | EG_CAP_EXACT)
#define EG_STAGED     0
#define EG_PARAMS(P, PV) P(sigma, 1.0, 0.0, 1e6, "noise")
EG_PARAMS_STRUCT

EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  eg_real rest = x[0];
  (void)p;
  (void)st;
  (void)correction;
  while (rest > (eg_real)1) {
    rest *= (eg_real)0.5;
  }
  b[0] = -rest;
}

EG_FN void eg_noise_diagonal(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *s) {
  (void)st;
  (void)x;
  s[0] = (eg_real)p->sigma;
}

static __attribute__((noinline)) eg_real apart(eg_real x) {
  __asm__ volatile(""); /* else a vector version of it may be made */
  return x + (eg_real)1;
}

EG_FN void eg_exact(const eg_params *p, const eg_real *st, eg_real *x, eg_noise z) {
  (void)p;
  (void)st;
  (void)z;
  x[0] = apart(x[0]);
}
