/*
 * Steps of all points of a realisation together: the noise of a stochastic modified flow by its covariance. The gradients of m
 * points at one data row are a vector of m x dim values; v = L z with L the lower triangle of the root of their covariance over the
 * rows and m x dim normals has, given the points, the law of the noise that is indexed by the data (factor data), of fewer draws
 * where m x dim is below the number of rows. u->noise_scale = sqrt(h eta / B). Part of core/lane_cpu.h.
 *
 * A pivot below EG_JOINT_LEAST of its variance is rounding and gives a zero column: points nearer to each other than about
 * 1e-7 of their size move together.
 */
#ifndef EG_CORE_JOINT_CPU_H
#define EG_CORE_JOINT_CPU_H
#if EG_CAPS_JOINT

#define EG_JOINT_LEAST 1e-14

EG_FN void lane_row_gradient(const eg_params *p, const eg_uniforms *u, const eg_real *block, const eg_real *spread, eg_real *out) {
  eg_real x[EG_DIM], g[EG_DIM];
  eg_row row;
  row.base = spread;
  row.stride = EG_LANES;
  lane_load(block, EG_DIM, x);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    g[k] = 0;
  }
  eg_add_row_gradient(p, u->staged, x, row, (eg_real)1, g);
  lane_store(out, EG_DIM, g);
}

EG_FN void lane_half_flow(const eg_params *p, const eg_uniforms *u, eg_real *block) {
  eg_real x[EG_DIM];
  lane_load(block, EG_DIM, x);
  eg_half_flow(p, u, x);
  lane_store(block, EG_DIM, x);
}

EG_FN void lane_euler(const eg_params *p, const eg_uniforms *u, eg_real *block, const eg_real *noise) {
  eg_real x[EG_DIM], v[EG_DIM];
  lane_load(block, EG_DIM, x);
  lane_load(noise, EG_DIM, v);
  eg_euler(p, u, x, v);
  lane_store(block, EG_DIM, x);
}

EG_FN void lane_kick(const eg_params *p, const eg_uniforms *u, eg_real *block, const eg_real *noise) {
  eg_real x[EG_DIM], v[EG_DIM];
  lane_load(block, EG_DIM, x);
  lane_load(noise, EG_DIM, v);
  eg_kick(p, x, v);
  eg_half_flow(p, u, x);
  lane_store(block, EG_DIM, x);
}

/* Value (i, j <= i) of a triangle, of all lanes. */
#define EG_JOINT_AT(triangle, i, j) ((triangle) + ((size_t)(i) * ((i) + 1) / 2 + (j)) * EG_LANES)

/* The root of the triangle in place, column by column. */
static void joint_root(eg_real *triangle, uint32_t n) {
  for (uint32_t j = 0; j < n; j++) {
    eg_real *const pivot = EG_JOINT_AT(triangle, j, j);
    eg_real least[EG_LANES];
    LANES { least[l] = (eg_real)EG_JOINT_LEAST * pivot[l]; }
    for (uint32_t i = j; i < n; i++) {
      eg_real *const value = EG_JOINT_AT(triangle, i, j);
      for (uint32_t k = 0; k < j; k++) {
        const eg_real *const a = EG_JOINT_AT(triangle, i, k), *const b = EG_JOINT_AT(triangle, j, k);
        LANES { value[l] = eg_mad(-a[l], b[l], value[l]); }
      }
    }
    eg_real inverse[EG_LANES];
    LANES {
      const eg_real root = eg_root(pivot[l] > least[l] ? pivot[l] : (eg_real)0);
      inverse[l] = pivot[l] > least[l] ? (eg_real)1 / (root > 0 ? root : (eg_real)1) : (eg_real)0;
    }
    for (uint32_t i = j; i < n; i++) { /* the pivot itself too: its root, or 0 */
      eg_real *const value = EG_JOINT_AT(triangle, i, j);
      LANES { value[l] = value[l] * inverse[l]; }
    }
  }
}

static __attribute__((noinline, unused)) void step_joint(int is_strang, const eg_params *p, const eg_launch *a, const eg_uniforms *u,
                                                 eg_thread *t, const eg_block_state *block, uint64_t realisation, uint64_t step) {
  const uint32_t d = a->dim, n = a->n_points * d;
  eg_real *const triangle = block->joint, *const g = triangle + (size_t)n * (n + 1) / 2 * EG_LANES;
  eg_real *const mean = g + (size_t)a->n_points * EG_DIM * EG_LANES;
  const eg_real share = (eg_real)1 / (eg_real)a->n_rows;
  for (uint32_t point = 0; is_strang && point < a->n_points; point++) {
    LANES { lane_half_flow(p, u, block->x + (size_t)point * EG_DIM * EG_LANES + l); }
  }
  memset(triangle, 0, (size_t)n * (n + 1) / 2 * EG_LANES * sizeof *triangle);
  memset(mean, 0, (size_t)n * EG_LANES * sizeof *mean);
  for (uint64_t j = 0; j < a->n_rows; j++) {
    eg_real *const row = (eg_real *)t->rows;
    spread_row(a, j, EG_LANES, row);
    for (uint32_t point = 0; point < a->n_points; point++) {
      const size_t at = (size_t)point * EG_DIM * EG_LANES;
      LANES { lane_row_gradient(p, u, block->x + at + l, row + l, g + at + l); }
    }
    for (uint32_t i = 0; i < n; i++) {
      const eg_real *const first = g + ((size_t)(i / d) * EG_DIM + i % d) * EG_LANES;
      LANES { mean[i * EG_LANES + l] += share * first[l]; }
      for (uint32_t k = 0; k <= i; k++) {
        const eg_real *const second = g + ((size_t)(k / d) * EG_DIM + k % d) * EG_LANES;
        eg_real *const value = EG_JOINT_AT(triangle, i, k);
        LANES { value[l] = eg_mad(share * first[l], second[l], value[l]); }
      }
    }
  }
  for (uint32_t i = 0; i < n; i++) {
    for (uint32_t k = 0; k <= i; k++) {
      eg_real *const value = EG_JOINT_AT(triangle, i, k);
      LANES { value[l] = eg_mad(-mean[i * EG_LANES + l], mean[k * EG_LANES + l], value[l]); }
    }
  }
  joint_root(triangle, n);
  const eg_noise_real *const z = noise_from(a, t, block->ahead, realisation, step * n, n, n);
  memset(g, 0, (size_t)a->n_points * EG_DIM * EG_LANES * sizeof *g); /* the noise of all points */
  for (uint32_t i = 0; i < n; i++) {
    eg_real *const v = g + ((size_t)(i / d) * EG_DIM + i % d) * EG_LANES;
    for (uint32_t k = 0; k <= i; k++) {
      const eg_real *const value = EG_JOINT_AT(triangle, i, k);
      LANES { v[l] = eg_mad(u->noise_scale * value[l], (eg_real)z[k * EG_LANES + l], v[l]); }
    }
  }
  for (uint32_t point = 0; point < a->n_points; point++) {
    eg_real *const x = block->x + (size_t)point * EG_DIM * EG_LANES, *const v = g + (size_t)point * EG_DIM * EG_LANES;
    if (is_strang) {
      LANES { lane_kick(p, u, x + l, v + l); }
    } else {
      LANES { lane_euler(p, u, x + l, v + l); }
    }
  }
}

#define SEGMENT_JOINT(stepper, is_strang)                                                                    \
  ONLY_WANTED(stepper, DEFINE_SEGMENT(stepper, 0, 0, for (uint64_t step = from; step < to; step++) {            \
                step_joint(is_strang, p, a, u, t, block, realisation, step);                                 \
              }))

#endif
#endif
