/* Stationary moments of affine dynamics, and what fluctuation-dissipation relations are made of. */
#ifndef EG_ORACLE_STATIONARY_H
#define EG_ORACLE_STATIONARY_H

#include "oracle/affine.h"

enum { EG_STATIONARY_MAX_DIM = 24 }; /* the long-time limit costs dim^6 */

/* Moments of one point after 2^35 steps; *is_there is false, and mean (dim) and second (dim, dim) are NaN, where they
   differ from those after 2^34 by more than 1e-9 of their size, or are not finite: no stationary law in mean square.
   With directions that never relax the limit is that of this start. */
EG_NODISCARD eg_status eg_affine_stationary(eg_context *ctx, const eg_affine_model *model,
                                            const eg_affine_setting *setting, const double *start_mean,
                                            const double *start_second, bool *is_there, double *mean, double *second);

/* The map M (dim, dim) of the mean in one step, and the covariance after one step from a law of the given mean (dim)
   and covariance (dim, dim). What the noise has added is after - M covariance M^T. */
EG_NODISCARD eg_status eg_affine_mean_map(eg_context *ctx, const eg_affine_model *model,
                                          const eg_affine_setting *setting, double *M);
EG_NODISCARD eg_status eg_affine_one_step(eg_context *ctx, const eg_affine_model *model,
                                          const eg_affine_setting *setting, const double *mean,
                                          const double *covariance, double *after);

/* H X + X H = C for symmetric H (dim, dim) by its eigenvectors (rows of `vectors`) and eigenvalues. NaN where two
   curvatures add up to nothing and C does not vanish there. */
EG_NODISCARD eg_status eg_lyapunov_symmetric(eg_context *ctx, size_t n, const double *eigenvalues,
                                             const double *vectors, const double *C, double *X);

/* Eigenvalues, falling, and eigenvectors (rows) of a symmetric matrix, by Jacobi's rotations in a fixed order. */
EG_NODISCARD eg_status eg_symmetric_eigen(eg_context *ctx, size_t n, const double *A, double *eigenvalues,
                                          double *vectors);

#endif
