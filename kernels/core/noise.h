/*
 * The eight noise kinds: how the four words of a Philox block become increments of mean 0 and variance 1.
 *
 *   kind           draws per block  exact moments
 *   gaussian       4                all, up to the 32-bit grid (audit: docs/noise.md)
 *   gaussian-fast  4                the same words through the GPU's special functions; GPU bits only
 *   gaussian64     2                52-bit uniforms, double functions
 *   table5         24               up to order 7      table8  16  up to order 9      table10  12  up to order 11
 *   two-point      128              up to order 3      three-point  4  up to order 5
 *
 * These are the scalar definitions. fill_cpu.c holds the vector form of the same; a test compares the two bit by bit.
 */
#ifndef EG_CORE_NOISE_H
#define EG_CORE_NOISE_H

#include "core/eg_math.h"
#include "core/noise_tables.h"
#include "core/rng.h"

enum {
  EG_KIND_GAUSSIAN = 0,
  EG_KIND_GAUSSIAN_FAST = 1,
  EG_KIND_GAUSSIAN64 = 2,
  EG_KIND_TABLE5 = 3,
  EG_KIND_TABLE8 = 4,
  EG_KIND_TABLE10 = 5,
  EG_KIND_TWO_POINT = 6,
  EG_KIND_THREE_POINT = 7,
  EG_N_KINDS = 8
};

/* Draws served by one Philox block. */
EG_FN int eg_kind_per_block(int kind) {
  return kind == EG_KIND_GAUSSIAN64    ? 2
         : kind == EG_KIND_TABLE5      ? 24
         : kind == EG_KIND_TABLE8      ? 16
         : kind == EG_KIND_TABLE10     ? 12
         : kind == EG_KIND_TWO_POINT   ? 128
                                       : 4;
}

/* Box and Muller: two independent normals from two words. */
EG_LEAF void eg_normal2(uint32_t w_radius, uint32_t w_angle, float *z0, float *z1) {
  const float radius = eg_sqrtf(eg_minus_2_ln_u32(w_radius));
  float sine, cosine;
  eg_sincos_u32(w_angle, &sine, &cosine);
  *z0 = radius * cosine;
  *z1 = radius * sine;
}

#if EG_DEVICE
/* The same words through the special function unit: radius^2 = -2 ln 2 log2 u, the angle in (-pi, pi), where its error is
   smallest. */
EG_FN void eg_normal2_fast(uint32_t w_radius, uint32_t w_angle, float *z0, float *z1) {
  const float u = eg_fmaf(eg_float_of_u32(w_radius), 0x1p-32f, 0x1p-33f);
  const float radius = eg_hardware_sqrt(-1.386294361e+00f * eg_hardware_log2(u));
  const float angle = eg_fmaf((float)(int32_t)w_angle, 1.4629180793e-09f, 7.3145903963e-10f); /* 2 pi (w + 1/2) 2^-32 */
  *z0 = radius * eg_hardware_cos(angle);
  *z1 = radius * eg_hardware_sin(angle);
}
#endif

/* The same in double: u = (k + 1/2) 2^-52 from the top 52 bits of words 0 and 1, angle likewise from words 2 and 3. */
EG_LEAF void eg_normal2_f64(const uint32_t w[4], double *z0, double *z1) {
  const uint64_t a = ((uint64_t)w[0] << 32 | w[1]) >> 12; /* 52 bits */
  const uint64_t b = ((uint64_t)w[2] << 32 | w[3]) >> 12;
  /* k + 1/2 by bits: 1 + k 2^-52 in [1, 2), minus 1, plus half a step */
  const double u = (eg_double_of_bits(0x3ff0000000000000ull | a) - 1.0) + 0x1p-53;
  const double v = (eg_double_of_bits(0x3ff0000000000000ull | b) - 1.0) + 0x1p-53;
  const double radius = eg_sqrt(-2.0 * eg_log(u));
  double sine, cosine;
  eg_sincospi(2.0 * v, &sine, &cosine);
  *z0 = radius * cosine;
  *z1 = radius * sine;
}

EG_FN float eg_signed(float magnitude, uint32_t sign_bit) {
  return eg_float_of_bits(eg_bits32(magnitude) | sign_bit << 31);
}

/* The last bit of the code is the sign, the rest the index. */
/* clang-format off */
EG_FN float eg_table5_value(uint32_t code) { return eg_signed(eg_table5[code >> 1 & 15u], code & 1u); }
EG_FN float eg_table8_value(uint32_t code) { return eg_signed(eg_table8[code >> 1 & 127u], code & 1u); }
EG_FN float eg_table10_value(uint32_t code) { return eg_signed(eg_table10[code >> 1 & 511u], code & 1u); }
EG_FN float eg_two_point_value(uint32_t bit) { return eg_signed(1.0f, bit & 1u); }

#define EG_THREE_POINT_P 715827908u

/* +-A with probability p each and 0 otherwise: A = float(sqrt 3), p = EG_THREE_POINT_P 2^-32 so that 2 p A^2 = 1 to 1e-9. */
EG_FN float eg_three_point_value(uint32_t w) {
  const float a = 0x1.bb67ae0000000p+0f;
  return w < EG_THREE_POINT_P ? a : (w >= 0u - EG_THREE_POINT_P ? -a : 0.0f);
}

/* Draw j of a block, 0 <= j < eg_kind_per_block(kind): the reference form, one draw at a time. */
EG_FN double eg_draw(int kind, const uint32_t w[4], int j) {
  if (kind == EG_KIND_TABLE5) {
    return (double)eg_table5_value(w[j / 6] >> (5 * (j % 6)) & 31u);
  }
  if (kind == EG_KIND_TABLE8) {
    return (double)eg_table8_value(w[j / 4] >> (8 * (j % 4)) & 255u);
  }
  if (kind == EG_KIND_TABLE10) {
    return (double)eg_table10_value(w[j / 3] >> (10 * (j % 3)) & 1023u);
  }
  if (kind == EG_KIND_TWO_POINT) {
    return (double)eg_two_point_value(w[j / 32] >> (j % 32));
  }
  if (kind == EG_KIND_THREE_POINT) {
    return (double)eg_three_point_value(w[j]);
  }
  if (kind == EG_KIND_GAUSSIAN64) {
    double z0, z1;
    eg_normal2_f64(w, &z0, &z1);
    return j == 0 ? z0 : z1;
  }
  float z0, z1;
  eg_normal2(w[j & 2], w[(j & 2) + 1], &z0, &z1);
  return (double)((j & 1) == 0 ? z0 : z1);
}

/* What makes `ratio` summed increments one of variance 1. */
EG_FN double eg_coarse_scale(uint32_t ratio) {
  return 1.0 / eg_sqrt((double)ratio);
}

/* A scaled sum as an increment of its kind: gaussian64 keeps the double, the others are floats. */
EG_FN double eg_coarse_round(int kind, double value) {
  return kind == EG_KIND_GAUSSIAN64 ? value : (double)(float)value;
}

/* Coarse increments. In a group, a run whose steps are `ratio` times as long as the finest member's takes sums of its
   increments: draw q = step * n + k of the coarse run, k < n draws a step, is
     round((z_0 + z_1 + .. + z_(ratio-1)) * scale),  z_j = draw (step * ratio + j) * n + k of the finest member,
   added in double from z_0 on, scale = 1 / sqrt(ratio). For Gaussian kinds only: elsewhere the sum has another law. */
EG_FN double eg_coarse_draw(int kind, const uint32_t key[2], uint64_t realisation, uint64_t q, uint32_t n,
                            uint32_t ratio) {
  const uint64_t per_block = (uint64_t)eg_kind_per_block(kind), step = q / n, k = q % n;
  double sum = 0;
  EG_ROLLED
  for (uint32_t j = 0; j < ratio; j++) {
    const uint64_t fine = (step * ratio + j) * n + k;
    uint32_t w[4];
    eg_block(key, EG_STREAM_NOISE, realisation, fine / per_block, w);
    sum += eg_draw(kind, w, (int)(fine % per_block));
  }
  return eg_coarse_round(kind, sum * eg_coarse_scale(ratio));
}

/* Row index from a word by Lemire's method (arXiv 1805.10941): exact when the rejected words are replaced. */
EG_FN int eg_index_is_rejected(uint32_t w, uint32_t n_rows) {
  return w * n_rows < (0u - n_rows) % n_rows;
}
EG_FN int32_t eg_index_of_word(uint32_t w, uint32_t n_rows) {
  return (int32_t)eg_mulhi32(w, n_rows);
}

/* Row index of draw q with exact uniformity once its first word is rejected. The replacements of draw q are the words
   of the blocks (q << 8 | attempt) of their own stream. */
EG_FN int32_t eg_index_search(const uint32_t key[2], uint64_t realisation, uint64_t q, uint32_t n_rows) {
  uint32_t w[4];
  EG_ROLLED
  for (uint64_t attempt = 0; attempt < 256; attempt++) {
    eg_block(key, EG_STREAM_ROWS_RETRY, realisation, q << 8 | attempt, w);
    EG_UNROLL
    for (int j = 0; j < 4; j++) {
      if (!eg_index_is_rejected(w[j], n_rows)) {
        return eg_index_of_word(w[j], n_rows);
      }
    }
  }
  return 0; /* probability below 2^-1024 */
}

EG_COLD int32_t eg_index_retry(const uint32_t key[2], uint64_t realisation, uint64_t q, uint32_t n_rows) {
  return eg_index_search(key, realisation, q, n_rows);
}

#endif
