/* Start points: given, or normal with independent components; a pure function, so nothing need be stored. */
#ifndef EG_CORE_START_H
#define EG_CORE_START_H

#include "core/noise.h"
#include "core/uniforms.h"

#if defined(EG_TEAM)
#define EG_START_WIDTH ((a->dim + EG_TEAM_LANES - 1) / EG_TEAM_LANES * EG_TEAM_LANES)
#else
#define EG_START_WIDTH EG_DIM
#endif

/* Component k of the start of `point` of one realisation. Random: draw q = point * dim + k of the start stream, two
   double normals a block. */
EG_LEAF eg_real eg_start_value(const eg_launch *a, uint64_t realisation, uint32_t point, uint32_t k) {
  if (a->start_kind == EG_START_FIXED) {
    return (eg_real)a->start[point * EG_START_WIDTH + k];
  }
  if (k >= a->dim) {
    return 0;
  }
  const uint64_t q = (uint64_t)point * a->dim + k;
  uint32_t w[4];
  double z0, z1;
  eg_block(a->key, EG_STREAM_START, realisation, q / 2, w);
  eg_normal2_f64(w, &z0, &z1);
  return (eg_real)eg_fma(a->start_std, q % 2 == 0 ? z0 : z1, a->start_mean);
}

#endif
