/* Buffers and spectrum of paths of fractional noise (kernels/core/fractional.h). */
#ifndef EG_BACKEND_FRACTIONAL_H
#define EG_BACKEND_FRACTIONAL_H

#include "base/context.h"
#include "core/fractional.h"

/* Covariance r(k) of unit increments that are k steps apart, k >= 0. */
double eg_fractional_covariance(double hurst, uint64_t k);

/* For paths of n_steps (1 to EG_FRACTIONAL_MOST) increments; *bytes grows by what it takes. Fails with EG_ERR_INTERNAL if the
   circulant matrix has a negative eigenvalue: for 0.02 <= hurst <= 0.98 it has none. */
EG_NODISCARD eg_status eg_fractional_create(eg_context *ctx, double hurst, uint64_t n_steps, size_t *bytes,
                                            eg_fractional **out);
void eg_fractional_free(eg_fractional *fractional);

#endif
