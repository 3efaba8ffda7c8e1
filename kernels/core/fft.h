/* Fast Fourier transform of `width` rows at once, radix 2, in place: sum_k a_k exp(-2 pi i j k / n). EG_SIMD, set by the
   file that includes this: what makes a loop vector code. */
#ifndef EG_CORE_FFT_H
#define EG_CORE_FFT_H

#include "core/portable.h"

EG_FN uint32_t eg_reverse_bits(uint32_t k, uint32_t n_bits) {
  uint32_t reversed = 0;
  for (uint32_t i = 0; i < n_bits; i++) {
    reversed = reversed << 1 | (k >> i & 1u);
  }
  return reversed;
}

/* Passes first < .. <= last of the transform of 2^log2_size values in bit-reversed order, on the part of 2^last of them that
   begins at `part`; `width` values stand at each place. */
EG_FN void eg_fft_passes(double *EG_RESTRICT re, double *EG_RESTRICT im, int width, uint32_t log2_size, size_t part,
                         uint32_t first, uint32_t last, const double *twiddle) {
  const size_t end = part + ((size_t)1 << last);
  for (uint32_t pass = first; pass < last; pass++) {
    const size_t half = (size_t)1 << pass, stride = (size_t)1 << (log2_size - 1 - pass);
    for (size_t group = part; group < end; group += 2 * half) {
      for (size_t k = 0; k < half; k++) {
        const double c = twiddle[2 * k * stride], s = twiddle[2 * k * stride + 1];
        double *const re0 = re + (group + k) * (size_t)width, *const im0 = im + (group + k) * (size_t)width;
        double *const re1 = re0 + half * (size_t)width, *const im1 = im0 + half * (size_t)width;
        EG_SIMD
        for (int l = 0; l < width; l++) {
          const double re_turned = re1[l] * c - im1[l] * s, im_turned = re1[l] * s + im1[l] * c;
          const double re_kept = re0[l], im_kept = im0[l];
          re0[l] = re_kept + re_turned;
          im0[l] = im_kept + im_turned;
          re1[l] = re_kept - re_turned;
          im1[l] = im_kept - im_turned;
        }
      }
    }
  }
}

/* The whole transform: parts that fit the cache first, then the passes over all. */
EG_FN void eg_fft(double *re, double *im, int width, uint32_t log2_size, const double *twiddle) {
  const uint32_t inner = log2_size < 9 ? log2_size : 9;
  for (size_t part = 0; part < (size_t)1 << log2_size; part += (size_t)1 << inner) {
    eg_fft_passes(re, im, width, log2_size, part, 0, inner, twiddle);
  }
  eg_fft_passes(re, im, width, log2_size, 0, inner, log2_size, twiddle);
}

#endif
