/*
 * Matrices that move the first and second moments of affine dynamics.
 *
 * m points moved by the same realisation: the block C = E X_i X_j^T of a pair is driven by the two means and
 * by itself alone, never by a third point. Its symmetric part moves with the mean (E X_i + E X_j)/2, its
 * antisymmetric part with (E X_i - E X_j)/2, and neither feeds the other. So one matrix for each of the two
 * parities serves all pairs, of size 1 + d + d (d + 1)/2 and 1 + d + d (d - 1)/2 instead of 1 + m d + (m
 * d)^2.
 *
 * A lifted vector is (unit, mean, c), c the entries C_ij with i <= j (parity +1) or i < j (parity -1), row
 * after row. unit is 1 for parity +1 and 0 for parity -1, where the inhomogeneous terms cancel.
 */
#ifndef EG_ORACLE_AFFINE_LIFT_H
#define EG_ORACLE_AFFINE_LIFT_H

#include <stdbool.h>
#include <stddef.h>

#include "oracle/affine.h"


/* dx = (B x + b) dt + noise of covariance noise Sigma(x, y) dt, or the step x' = x + B x + b + noise of that
   covariance. B, b NULL: zero. */
typedef struct eg_affine_part {
  const double *B; /* (dim, dim) */
  const double *b; /* (dim) */
  double noise;
  bool is_step; /* a step has the square of its own drift in the second moment, a differential has not */
} eg_affine_part;

size_t eg_lift_size(size_t dim, int parity);

/* gram ((dim (dim + 1))^2): sum over channels of [S_c s_c] (x) [S_c s_c], element ((i, k), (j, l)) with k or
   l = dim standing for s_c. All that the second moment needs to know of the noise. */
void eg_lift_noise_gram(const eg_affine_model *model, double *gram);

/* out (size, size): increment of a step, or generator of a differential. */
void eg_lift_build(size_t dim, int parity, const eg_affine_part *part, const double *gram, double *out);

/* B = -(I + correction H) H, b = (I + correction H) g0. */
void eg_lift_drift(const eg_affine_model *model, double correction, double *B, double *b);

/* x(t) = x + E x + e for dx = (B x + b) dt over time t. */
EG_NODISCARD eg_status eg_lift_flow(eg_context *ctx, size_t dim, const double *B, const double *b, double t,
                                    double *E, double *e);

#endif
