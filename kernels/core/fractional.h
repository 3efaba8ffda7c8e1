/*
 * Fractional Gaussian noise: increments z_1 .. z_n of unit variance with
 *   E z_i z_j = r(|i - j|),  r(k) = (|k + 1|^2H + |k - 1|^2H - 2 k^2H) / 2,
 * made for whole paths from their exact law by circulant embedding (R. B. Davies and D. S. Harte, Biometrika 74, 95 (1987); A. T. A.
 * Wood and G. Chan, J. Comput. Graph. Stat. 3, 409 (1994)): with the eigenvalues l_k of the circulant matrix of row
 * (r(0) .. r(N), r(N-1) .. r(1)), N the power of two above the steps, and independent normals a_k, b_k,
 *   Y_j = sum_{k < 2N} sqrt(l_k / 2N) (a_k + i b_k) exp(-2 pi i j k / 2N)
 * has real and imaginary parts that are two independent paths: a_k are draws k of an even realisation, b_k of the next.
 * The transform is radix 2, in place, over the pairs of a block at once; only + - * of doubles, so the bits are the same on
 * every machine. Memory of a thread: 1 KiB x N for the transform, and 256 (gaussian64: 512) bytes x steps for the paths.
 */
#ifndef EG_CORE_FRACTIONAL_H
#define EG_CORE_FRACTIONAL_H

#include "core/launch.h"

#define EG_FRACTIONAL_MOST 65536u /* steps of a path */

typedef struct eg_fractional {
  uint32_t n_steps, log2_size;  /* size = 2N */
  const double *root;           /* (N + 1): sqrt(l_k / 2N), k <= N; the rest is its mirror image */
  const double *twiddle;        /* (N, 2): cos, -sin of 2 pi k / 2N */
  double *re, *im;              /* (2N, EG_LANES / 2) */
  uint64_t realisation;         /* of the first lane of the paths that are there */
  int32_t is_valid;
} eg_fractional;

#endif
