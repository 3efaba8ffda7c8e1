/*
 * Small dense square matrices, row after row, with one fixed order of summation: the same bits on every
 * machine. Only + - * / and sqrt are used. Compile with -ffp-contract=off (gcc -std=c11 implies it, clang does not).
 *
 * Maps close to the identity are stored as their increment E, the map being I + E. A step of a chain with
 * learning rate 1e-6 then keeps all 16 digits of its increment, and (I + E)^n - I is right to about |n E|
 * roundings instead of n roundings: (I + E)^2 = I + (2 E + E^2).
 */
#ifndef EG_ORACLE_DENSE_H
#define EG_ORACLE_DENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"

/* C = A B; C must not overlap A or B. A factor that is exactly 0 makes its product 0 even against an
   infinity, so that a part that has overflowed does not spoil the parts it does not act on. */
void eg_dense_multiply(size_t n, const double *A, const double *B, double *C);

/* Largest absolute row sum of `diagonal` I + A. */
double eg_dense_norm(size_t n, double diagonal, const double *A);

/* out = (I + second)(I + first) - I; out must not overlap its factors. */
void eg_dense_compose(size_t n, const double *second, const double *first, double *out);

/* E := (I + E)^2 - I; work (n, n). */
void eg_dense_double(size_t n, double *E, double *work);

/* out = (I + E)^count - I by binary powers. Source: Knuth, TAOCP 2, section 4.6.3, right to left. */
EG_NODISCARD eg_status eg_dense_power(eg_context *ctx, size_t n, const double *E, uint64_t count,
                                      double *out);

/* E = exp(t X) - I by scaling and doubling of the Taylor polynomial of degree 12. Source: Higham, Functions
   of Matrices (2008), section 10.3; polynomial by Paterson and Stockmeyer (1973). */
EG_NODISCARD eg_status eg_dense_expm1(eg_context *ctx, size_t n, const double *X, double t, double *E);

/* v := (I + E) v, zeros against infinities as in eg_dense_multiply; work (n). */
void eg_dense_apply(size_t n, const double *E, double *v, double *work);

/* L lower triangular with L L^T = A, A symmetric. A pivot within 1e-12 of the largest diagonal element counts as 0 and gives
   a column of zeros; false if A is not positive semidefinite to that accuracy. */
bool eg_dense_cholesky(size_t n, const double *A, double *L);

#endif
