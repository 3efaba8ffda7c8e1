/*
 * One step of Milstein's scheme, Heun's and srk2 on an affine model, as a map of the first and second moments. A step is
 *   x' = x + mean(x) + sum_i xi_i m_i(x),  all maps affine, the xi_i uncorrelated with mean 0 and variance 1:
 * z_c, (z_c^2 - 1) / sqrt 2, z_c z_e and, of srk2, w_ce. Only moments of the variates up to order 4 enter. With channels b^c,
 * drift a and Heun's a~ = a - q/2 (kernels/steppers/milstein.h, heun.h, srk2.h):
 *   milstein  h a;                  sqrt(h) b^c;                                     (h / sqrt 2) (D b^c) b^c
 *   heun      h a + h^2/2 (Da~) a~; sqrt(h) (b^c + h/2 ((Da~) b^c + (Db^c) a~));     the same; and for c < e
 *   srk2      h a + h^2/2 (Da) a;   sqrt(h) (b^c + h/2 ((Da) b^c + (Db^c) a));       (h/2) ((Db^c) b^e + (Db^e) b^c),
 *                                                                   of srk2 also     (h/2) ((Db^c) b^e - (Db^e) b^c)
 * Milstein's has no pairs: channels of the models that have this oracle act on components of their own.
 */
#ifndef EG_ORACLE_AFFINE_SCHEMES_H
#define EG_ORACLE_AFFINE_SCHEMES_H

#include "oracle/affine_lift.h"

/* out (size, size): increment of one step of length h; drift: B, b and the noise rate. */
EG_NODISCARD eg_status eg_scheme_step(eg_context *ctx, const eg_affine_model *model, eg_affine_scheme scheme, int parity,
                                      const eg_affine_part *drift, double h, double *out);

#endif
