/* Features of a state: what a record holds. Evaluated where the trajectory runs, in double. */
#ifndef EG_CORE_FEATURES_H
#define EG_CORE_FEATURES_H

#include "core/start.h"

EG_FN double eg_norm2(const eg_params *p, const eg_real *x) {
  return eg_squares(p, x, x);
}

EG_FN double eg_displacement2(const eg_params *p, const eg_real *x, const eg_real *start) {
  return eg_distance2(p, x, start);
}

#if EG_CAPS_LOSS
EG_FN double eg_feature_loss(const eg_params *p, const eg_uniforms *u, const eg_real *x) {
  return (double)eg_full_loss(p, u, x);
}

EG_FN double eg_feature_gradient_norm2(const eg_params *p, const eg_uniforms *u, const eg_real *x) {
  EG_VECTOR(g, EG_SLOT_FEATURE);
  eg_full_gradient(p, u, x, g);
  return eg_norm2(p, g);
}
#endif

#endif
