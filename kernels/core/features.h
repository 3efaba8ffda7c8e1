/* Features of a state: what a record holds. Evaluated where the trajectory runs, in double. */
#ifndef EG_CORE_FEATURES_H
#define EG_CORE_FEATURES_H

#include "core/start.h"

/* |x|^2, terms added in order of the components; padded components are exact zeros and change nothing. */
EG_FN double eg_norm2(const eg_real *x) {
  double sum = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    sum = eg_fma((double)x[k], (double)x[k], sum);
  }
  return sum;
}

EG_FN double eg_displacement2(const eg_real *x, const eg_real *start) {
  double sum = 0;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const double d = (double)x[k] - (double)start[k];
    sum = eg_fma(d, d, sum);
  }
  return sum;
}

#if EG_CAPS_LOSS
EG_FN double eg_feature_loss(const eg_params *p, const eg_uniforms *u, const eg_real *x) {
  return (double)eg_loss(p, u->staged, x);
}

EG_FN double eg_feature_gradient_norm2(const eg_params *p, const eg_uniforms *u, const eg_real *x) {
  eg_real g[EG_DIM];
  eg_gradient(p, u->staged, x, g);
  return eg_norm2(g);
}
#endif

#endif
