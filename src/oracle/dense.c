#include "oracle/dense.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* c += sum over the four rows of a_k b_k, added in the order k = 0..3. Eight columns at a time, because gcc
   -O2 vectorises only loops of known length. */
static void add_four_rows(size_t n, const double *restrict a, const double *const *restrict b,
                          double *restrict c) {
  const double *restrict b0 = b[0], *restrict b1 = b[1], *restrict b2 = b[2], *restrict b3 = b[3];
  size_t j = 0;
  for (; j + 8 <= n; j += 8) {
    for (size_t l = j; l < j + 8; l++) {
      c[l] = (((c[l] + a[0] * b0[l]) + a[1] * b1[l]) + a[2] * b2[l]) + a[3] * b3[l];
    }
  }
  for (; j < n; j++) {
    c[j] = (((c[j] + a[0] * b0[j]) + a[1] * b1[j]) + a[2] * b2[j]) + a[3] * b3[j];
  }
}

static void add_one_row(size_t n, double a, const double *restrict b, double *restrict c) {
  for (size_t j = 0; j < n; j++) {
    c[j] += b[j] != 0.0 ? a * b[j] : 0.0;
  }
}

/* c += a B for a row a. Zeros of a are passed over; a row with an infinity goes the guarded way. */
static void add_row_product(size_t n, const double *a, const double *B, double *c) {
  double factor[4];
  const double *row[4];
  size_t held = 0;
  for (size_t k = 0; k < n; k++) {
    if (a[k] == 0.0) {
      continue;
    }
    if (!isfinite(a[k])) {
      add_one_row(n, a[k], B + k * n, c);
      continue;
    }
    factor[held] = a[k];
    row[held] = B + k * n;
    if (++held == 4) {
      add_four_rows(n, factor, row, c);
      held = 0;
    }
  }
  for (size_t k = 0; k < held; k++) {
    add_one_row(n, factor[k], row[k], c);
  }
}

void eg_dense_multiply(size_t n, const double *A, const double *B, double *C) {
  memset(C, 0, n * n * sizeof(double));
  for (size_t i = 0; i < n; i++) {
    add_row_product(n, A + i * n, B, C + i * n);
  }
}

double eg_dense_norm(size_t n, double diagonal, const double *A) {
  double norm = 0.0;
  for (size_t i = 0; i < n; i++) {
    double sum = 0.0;
    for (size_t j = 0; j < n; j++) {
      sum += fabs(A[i * n + j] + (i == j ? diagonal : 0.0));
    }
    if (!(sum <= norm)) { /* a NaN gets through */
      norm = sum;
    }
    if (isnan(norm)) {
      return norm;
    }
  }
  return norm;
}

void eg_dense_compose(size_t n, const double *second, const double *first, double *out) {
  eg_dense_multiply(n, second, first, out);
  for (size_t i = 0; i < n * n; i++) {
    out[i] += second[i] + first[i];
  }
}

void eg_dense_double(size_t n, double *E, double *work) {
  eg_dense_compose(n, E, E, work);
  memcpy(E, work, n * n * sizeof(double));
}

eg_status eg_dense_power(eg_context *ctx, size_t n, const double *E, uint64_t count, double *out) {
  double *space = NULL;
  EG_TRY(eg_allocate(ctx, 3 * n * n, sizeof(double), &space));
  double *base = space, *result = base + n * n, *work = result + n * n;
  memcpy(base, E, n * n * sizeof(double));
  for (uint64_t left = count; left != 0; left >>= 1) {
    if ((left & 1) != 0) {
      eg_dense_compose(n, base, result, work);
      memcpy(result, work, n * n * sizeof(double));
    }
    if (left > 1) {
      eg_dense_double(n, base, work);
    }
  }
  memcpy(out, result, n * n * sizeof(double));
  free(space);
  return EG_OK;
}

/* sum of Y^k / k! for k = first .. first + 3, from the powers Y .. Y^4 times Y^(1 - first) */
static double taylor_quarter(const double *const *power, size_t i, const double *inverse_factorial) {
  return ((power[3][i] * inverse_factorial[3] + power[2][i] * inverse_factorial[2]) +
          power[1][i] * inverse_factorial[1]) +
         power[0][i] * inverse_factorial[0];
}

/* exp(Y) - I for |Y| <= 1/4: sum Y^k / k!, k = 1..12, = Q0 + Y^4 (Q1 + Y^4 Q2); the rest is below
   (1/4)^13 / 13! = 2.4e-18. `power`: Y, Y^2, Y^3, Y^4 on return; work (n, n). */
static void taylor(size_t n, double *const *power, double *work, double *E) {
  double inverse_factorial[12];
  double factorial = 1.0; /* 12! is below 2^53: exact */
  for (int k = 0; k < 12; k++) {
    factorial *= k + 1;
    inverse_factorial[k] = 1.0 / factorial;
  }
  const double *const powers[4] = {power[0], power[1], power[2], power[3]};
  eg_dense_multiply(n, power[0], power[0], power[1]);
  eg_dense_multiply(n, power[1], power[0], power[2]);
  eg_dense_multiply(n, power[1], power[1], power[3]);
  for (size_t i = 0; i < n * n; i++) {
    E[i] = taylor_quarter(powers, i, inverse_factorial + 8);
  }
  for (int quarter = 1; quarter >= 0; quarter--) {
    eg_dense_multiply(n, power[3], E, work);
    for (size_t i = 0; i < n * n; i++) {
      E[i] = work[i] + taylor_quarter(powers, i, inverse_factorial + 4 * quarter);
    }
  }
}

eg_status eg_dense_expm1(eg_context *ctx, size_t n, const double *X, double t, double *E) {
  double norm = fabs(t) * eg_dense_norm(n, 0.0, X);
  if (!isfinite(norm)) {
    for (size_t i = 0; i < n * n; i++) {
      E[i] = NAN;
    }
    return EG_OK;
  }
  double *space = NULL;
  EG_TRY(eg_allocate(ctx, 5 * n * n, sizeof(double), &space));
  double *const power[4] = {space, space + n * n, space + 2 * n * n, space + 3 * n * n};
  double *work = space + 4 * n * n;
  double scale = t;
  int doublings = 0;
  while (norm > 0.25) {
    norm *= 0.5;
    scale *= 0.5;
    doublings++;
  }
  for (size_t i = 0; i < n * n; i++) {
    power[0][i] = scale * X[i];
  }
  taylor(n, power, work, E);
  for (int k = 0; k < doublings; k++) {
    eg_dense_double(n, E, work);
  }
  free(space);
  return EG_OK;
}

void eg_dense_apply(size_t n, const double *E, double *v, double *work) {
  for (size_t i = 0; i < n; i++) {
    double sum = 0.0;
    for (size_t k = 0; k < n; k++) {
      const double e = E[i * n + k];
      sum += e != 0.0 && v[k] != 0.0 ? e * v[k] : 0.0;
    }
    work[i] = sum;
  }
  for (size_t i = 0; i < n; i++) {
    v[i] += work[i];
  }
}

bool eg_dense_cholesky(size_t n, const double *A, double *L) {
  double largest = 0.0;
  for (size_t i = 0; i < n; i++) {
    largest = fmax(largest, fabs(A[i * n + i]));
  }
  memset(L, 0, n * n * sizeof *L);
  for (size_t j = 0; j < n; j++) {
    double pivot = A[j * n + j];
    for (size_t k = 0; k < j; k++) {
      pivot -= L[j * n + k] * L[j * n + k];
    }
    if (!(pivot >= -1e-12 * largest)) {
      return false;
    }
    const bool is_zero = pivot <= 1e-12 * largest;
    L[j * n + j] = is_zero ? 0.0 : sqrt(pivot);
    for (size_t i = j + 1; i < n; i++) {
      double rest = A[i * n + j];
      for (size_t k = 0; k < j; k++) {
        rest -= L[i * n + k] * L[j * n + k];
      }
      if (is_zero && fabs(rest) > 1e-6 * largest) {
        return false;
      }
      L[i * n + j] = is_zero ? 0.0 : rest / L[j * n + j];
    }
  }
  return true;
}
