/* EG_WIDE_LANES increments in the type of the state, as one vector: exact, or rounded once to float. */
#ifndef EG_CORE_WIDEN_CPU_H
#define EG_CORE_WIDEN_CPU_H

#include "core/model.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

EG_FN void eg_widen_lanes(const eg_noise_real *noise, eg_real *wide) {
#if defined(__AVX512F__) && EG_REAL_BITS == 64 && EG_NOISE_BITS == 32
  _mm512_storeu_pd(wide, _mm512_cvtps_pd(_mm256_loadu_ps(noise)));
#elif defined(__AVX2__) && EG_REAL_BITS == 64 && EG_NOISE_BITS == 32
  _mm256_storeu_pd(wide, _mm256_cvtps_pd(_mm_loadu_ps(noise)));
#else
  _Pragma("omp simd")
  for (int l = 0; l < EG_WIDE_LANES; l++) {
    wide[l] = (eg_real)noise[l];
  }
#endif
}

#endif
