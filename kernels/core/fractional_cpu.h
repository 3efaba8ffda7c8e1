/* Paths of fractional Gaussian noise for EG_LANES realisations. Part of fill_cpu.c. */
#ifndef EG_CORE_FRACTIONAL_CPU_H
#define EG_CORE_FRACTIONAL_CPU_H

#include "core/fill.h"

#define EG_SIMD _Pragma("omp simd")
#include "core/fft.h"

enum { EG_FRACTIONAL_PAIRS = EG_LANES / 2, EG_FRACTIONAL_CHUNK = 128 /* draws made at once; whole blocks of every kind */ };

/* Draw k of the lanes, scaled, into the place that the transform wants it. */
static void place_draw(const eg_fractional *f, uint32_t k, const double *EG_RESTRICT draws) {
  const uint32_t size = 1u << f->log2_size;
  const double root = f->root[k <= size / 2 ? k : size - k];
  const size_t at = (size_t)eg_reverse_bits(k, f->log2_size) * EG_FRACTIONAL_PAIRS;
  double *EG_RESTRICT const re = f->re + at, *EG_RESTRICT const im = f->im + at;
  _Pragma("omp simd")
  for (int pair = 0; pair < EG_FRACTIONAL_PAIRS; pair++) {
    re[pair] = root * draws[2 * pair];
    im[pair] = root * draws[2 * pair + 1];
  }
}

/* out[step * EG_LANES + lane]: doubles if is_wide, else floats; draws: room for EG_FRACTIONAL_CHUNK x EG_LANES doubles.
   is_going_on: a path that was begun, which may still be there. */
static void fill_fractional(const uint32_t key[2], uint64_t realisation, eg_fill_fn fill, int per_block, double *draws,
                            eg_fractional *f, int is_going_on, int is_wide, void *out) {
  if (is_going_on && f->is_valid && f->realisation == realisation) {
    return;
  }
  const uint32_t size = 1u << f->log2_size;
  for (uint32_t first = 0; first < size; first += EG_FRACTIONAL_CHUNK) {
    const uint32_t n = size - first < EG_FRACTIONAL_CHUNK ? size - first : EG_FRACTIONAL_CHUNK;
    fill(key, realisation, first / (uint32_t)per_block, (int)((n + (uint32_t)per_block - 1) / (uint32_t)per_block), draws);
    for (uint32_t i = 0; i < n; i++) {
      place_draw(f, first + i, draws + (size_t)i * EG_LANES);
    }
  }
  eg_fft(f->re, f->im, EG_FRACTIONAL_PAIRS, f->log2_size, f->twiddle);
  for (size_t step = 0; step < f->n_steps; step++) {
    const double *const re = f->re + step * EG_FRACTIONAL_PAIRS, *const im = f->im + step * EG_FRACTIONAL_PAIRS;
    for (size_t pair = 0; pair < EG_FRACTIONAL_PAIRS; pair++) {
      const size_t at = step * EG_LANES + 2 * pair;
      if (is_wide) {
        ((double *)out)[at] = re[pair];
        ((double *)out)[at + 1] = im[pair];
      } else {
        ((float *)out)[at] = (float)re[pair];
        ((float *)out)[at + 1] = (float)im[pair];
      }
    }
  }
  f->realisation = realisation;
  f->is_valid = 1;
}

#endif
