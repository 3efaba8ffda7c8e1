#include "backend/fractional.h"

#include <stdlib.h>

#include "core/pull.h"

#define EG_SIMD
#include "core/fft.h"

/* Beyond the first lags by the binomial series k^2H sum_{m >= 1} binom(2H, 2m) k^-2m: the plain form cancels. */
double eg_fractional_covariance(double hurst, uint64_t k) {
  enum { PLAIN = 4, TERMS = 16 };
  const double exponent = 2.0 * hurst, x = (double)k;
  if (k == 0) {
    return 1.0;
  }
  if (k < PLAIN) {
    const double below = k > 1 ? eg_power(x - 1.0, exponent) : 0.0;
    return 0.5 * (eg_power(x + 1.0, exponent) + below) - eg_power(x, exponent);
  }
  double binomial = 1.0, sum = 0.0;
  for (int m = 1; m <= TERMS; m++) {
    binomial *= (exponent - (2 * m - 2)) / (2 * m - 1) * (exponent - (2 * m - 1)) / (2 * m);
    sum += binomial * eg_power(x, exponent - 2.0 * m);
  }
  return sum;
}

void eg_fractional_free(eg_fractional *f) {
  if (f != NULL) {
    free((void *)f->root);
    free((void *)f->twiddle);
    free(f->re);
    free(f->im);
    free(f);
  }
}

static void fill_twiddle(size_t n, double *twiddle) {
  for (size_t k = 0; k < n; k++) {
    double sine;
    eg_sincospi((double)k / (double)n, &sine, &twiddle[2 * k]);
    twiddle[2 * k + 1] = -sine;
  }
}

/* sqrt(l_k / 2N): the eigenvalues are the transform of the first row; re and im (2N) are used up. */
static eg_status fill_root(eg_context *ctx, double hurst, uint32_t log2_size, const double *twiddle, double *re, double *im,
                           double *root) {
  const uint32_t size = 1u << log2_size;
  for (uint32_t k = 0; k < size; k++) {
    const uint32_t at = eg_reverse_bits(k, log2_size);
    re[at] = eg_fractional_covariance(hurst, k <= size / 2 ? k : size - k);
    im[at] = 0;
  }
  eg_fft(re, im, 1, log2_size, twiddle);
  for (uint32_t k = 0; k <= size / 2; k++) {
    if (!(re[k] > 0)) {
      return eg_fail(ctx, EG_ERR_INTERNAL, "fractional noise of Hurst exponent %g: eigenvalue %u of %u is %g", hurst, k, size,
                     re[k]);
    }
    root[k] = eg_sqrt(re[k] / (double)size);
  }
  return EG_OK;
}

eg_status eg_fractional_create(eg_context *ctx, double hurst, uint64_t n_steps, size_t *bytes, eg_fractional **out) {
  eg_fractional *f = NULL;
  double *root = NULL, *twiddle = NULL;
  eg_status status = EG_OK;
  uint32_t log2_size = 1;
  while ((uint64_t)1 << log2_size < 2 * n_steps) {
    log2_size++;
  }
  const size_t size = (size_t)1 << log2_size, wide = size * (EG_LANES / 2);
  EG_TRY(eg_allocate(ctx, 1, sizeof *f, &f));
  f->n_steps = (uint32_t)n_steps;
  f->log2_size = log2_size;
  EG_TRY_DONE(eg_allocate(ctx, size, sizeof *twiddle, &twiddle));
  f->twiddle = twiddle;
  EG_TRY_DONE(eg_allocate(ctx, size / 2 + 1, sizeof *root, &root));
  f->root = root;
  EG_TRY_DONE(eg_allocate_pages(ctx, wide, sizeof(double), &f->re));
  EG_TRY_DONE(eg_allocate_pages(ctx, wide, sizeof(double), &f->im));
  fill_twiddle(size / 2, twiddle);
  EG_TRY_DONE(fill_root(ctx, hurst, log2_size, twiddle, f->re, f->im, root));
  *bytes += (size + size / 2 + 1 + 2 * wide) * sizeof(double);
  *out = f;
  f = NULL;
done:
  eg_fractional_free(f);
  return status;
}
