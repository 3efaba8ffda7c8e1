#include "oracle/stationary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t LATE[2] = {(uint64_t)1 << 34, (uint64_t)1 << 35};
static const double SETTLED = 1e-9;

eg_status eg_affine_stationary(eg_context *ctx, const eg_affine_model *model, const eg_affine_setting *setting,
                               const double *start_mean, const double *start_second, bool *is_there, double *mean,
                               double *second) {
  const size_t d = (size_t)model->dim;
  double *work = NULL, size = 0, change = 0;
  *is_there = false;
  if (d <= EG_STATIONARY_MAX_DIM) {
    EG_TRY(eg_allocate(ctx, 2 * (d + d * d), sizeof *work, &work));
    double *const means = work, *const seconds = work + 2 * d;
    const eg_status status =
        eg_affine_moments(ctx, model, setting, 1, start_mean, start_second, 2, LATE, means, seconds);
    if (status != EG_OK) {
      free(work);
      return status;
    }
    for (size_t i = 0; i < d * d; i++) {
      size = fmax(size, fabs(seconds[d * d + i]));
      change += fabs(seconds[d * d + i] - seconds[i]); /* a sum: NaN stays */
    }
    *is_there = isfinite(size) && change <= SETTLED * size;
    memcpy(mean, means + d, d * sizeof *mean);
    memcpy(second, seconds + d * d, d * d * sizeof *second);
    free(work);
  }
  for (size_t i = 0; i < d * d && !*is_there; i++) {
    mean[i % d] = second[i] = NAN;
  }
  return EG_OK;
}

eg_status eg_affine_mean_map(eg_context *ctx, const eg_affine_model *model, const eg_affine_setting *setting,
                             double *M) {
  const size_t d = (size_t)model->dim;
  const uint64_t one = 1;
  double *work = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, 2 * d * d + 3 * d, sizeof *work, &work));
  double *const second = work, *const unused = second + d * d, *const start = unused + d * d, *const end = start + d,
                *const origin = end + d;
  EG_TRY_DONE(eg_affine_moments(ctx, model, setting, 1, start, second, 1, &one, origin, unused));
  for (size_t k = 0; k < d; k++) { /* the mean moves whatever the second moment is */
    start[k] = 1;
    EG_TRY_DONE(eg_affine_moments(ctx, model, setting, 1, start, second, 1, &one, end, unused));
    for (size_t i = 0; i < d; i++) {
      M[i * d + k] = end[i] - origin[i];
    }
    start[k] = 0;
  }
done:
  free(work);
  return status;
}

eg_status eg_affine_one_step(eg_context *ctx, const eg_affine_model *model, const eg_affine_setting *setting,
                             const double *mean, const double *covariance, double *after) {
  const size_t d = (size_t)model->dim;
  const uint64_t one = 1;
  double *work = NULL;
  EG_TRY(eg_allocate(ctx, d * d + d, sizeof *work, &work));
  double *const second = work, *const end = second + d * d;
  for (size_t i = 0; i < d * d; i++) {
    second[i] = covariance[i] + mean[i / d] * mean[i % d];
  }
  const eg_status status = eg_affine_moments(ctx, model, setting, 1, mean, second, 1, &one, end, after);
  for (size_t i = 0; i < d * d && status == EG_OK; i++) {
    after[i] -= end[i / d] * end[i % d];
  }
  free(work);
  return status;
}

/* out = R A R^T with rows r of R. */
static void turn(size_t n, const double *R, bool is_back, const double *A, double *out) {
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) {
      double sum = 0;
      for (size_t k = 0; k < n; k++) {
        for (size_t l = 0; l < n; l++) {
          sum += is_back ? R[k * n + i] * A[k * n + l] * R[l * n + j] : R[i * n + k] * A[k * n + l] * R[j * n + l];
        }
      }
      out[i * n + j] = sum;
    }
  }
}

eg_status eg_lyapunov_symmetric(eg_context *ctx, size_t n, const double *eigenvalues, const double *vectors,
                                const double *C, double *X) {
  double *modes = NULL, size = 0;
  EG_TRY(eg_allocate(ctx, n * n, sizeof *modes, &modes));
  turn(n, vectors, false, C, modes);
  for (size_t i = 0; i < n * n; i++) {
    size = fmax(size, fabs(modes[i]));
  }
  for (size_t i = 0; i < n * n; i++) {
    const double sum = eigenvalues[i / n] + eigenvalues[i % n];
    const bool is_flat = fabs(sum) <= 1e-12 * fabs(eigenvalues[0]), is_still = fabs(modes[i]) <= 1e-12 * size;
    modes[i] = is_flat || sum < 0 ? (is_still ? 0 : NAN) : modes[i] / sum;
  }
  turn(n, vectors, true, modes, X);
  free(modes);
  return EG_OK;
}

/* Rotate the plane (p, q) so that A_pq vanishes. */
static void rotate(size_t n, double *A, double *V, size_t p, size_t q) {
  if (A[p * n + q] == 0) {
    return;
  }
  const double theta = (A[q * n + q] - A[p * n + p]) / (2 * A[p * n + q]);
  const double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1), s = t * c;
  for (size_t k = 0; k < n; k++) {
    const double a = A[k * n + p], b = A[k * n + q];
    A[k * n + p] = c * a - s * b;
    A[k * n + q] = s * a + c * b;
  }
  for (size_t k = 0; k < n; k++) {
    const double a = A[p * n + k], b = A[q * n + k], v = V[p * n + k], w = V[q * n + k];
    A[p * n + k] = c * a - s * b;
    A[q * n + k] = s * a + c * b;
    V[p * n + k] = c * v - s * w;
    V[q * n + k] = s * v + c * w;
  }
}

eg_status eg_symmetric_eigen(eg_context *ctx, size_t n, const double *A, double *eigenvalues, double *vectors) {
  double *work = NULL;
  EG_TRY(eg_allocate(ctx, n * n, sizeof *work, &work));
  memcpy(work, A, n * n * sizeof *work);
  for (size_t i = 0; i < n * n; i++) {
    vectors[i] = i / n == i % n ? 1 : 0;
  }
  for (int sweep = 0; sweep < 30; sweep++) { /* converges quadratically: 6 to 10 are enough at these sizes */
    for (size_t p = 0; p < n; p++) {
      for (size_t q = p + 1; q < n; q++) {
        rotate(n, work, vectors, p, q);
      }
    }
  }
  for (size_t i = 0; i < n; i++) {
    eigenvalues[i] = work[i * n + i];
  }
  free(work);
  for (size_t i = 0; i < n; i++) { /* falling; equal ones in the order of the rotations */
    size_t largest = i;
    for (size_t k = i + 1; k < n; k++) {
      largest = eigenvalues[k] > eigenvalues[largest] ? k : largest;
    }
    for (size_t k = 0; k < n && largest != i; k++) {
      const double v = vectors[i * n + k];
      vectors[i * n + k] = vectors[largest * n + k];
      vectors[largest * n + k] = v;
    }
    const double value = eigenvalues[i];
    eigenvalues[i] = eigenvalues[largest];
    eigenvalues[largest] = value;
  }
  return EG_OK;
}
