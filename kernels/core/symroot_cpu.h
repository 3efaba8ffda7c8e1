/*
 * One step with the symmetric root for 64 lanes at once, from dimension 5 on: the matrices of all lanes lie in memory
 * (entry, lane), every rotation is a loop over lanes, and the loops over sweeps and pairs stay rolled around it. The
 * arithmetic, and so the bits, are those of eg_noise_form_symroot.
 */
#ifndef EG_CORE_SYMROOT_CPU_H
#define EG_CORE_SYMROOT_CPU_H

#define EG_SYMROOT_BLOCK (EG_CAPS_DRIFT && EG_CAPS_COVARIANCE && EG_DIM > 4)
#if EG_SYMROOT_BLOCK

#define SYMROOT_LANES _Pragma("omp simd") for (int l = 0; l < EG_LANES; l++)

typedef struct eg_symroot_block {
  _Alignas(64) eg_real C[EG_TRIANGLE * EG_LANES];
  _Alignas(64) eg_real V[EG_DIM * EG_DIM * EG_LANES];
} eg_symroot_block;

EG_FN void lane_symroot_begin(int is_strang, const eg_params *p, const eg_uniforms *u, eg_real *block, eg_real *C_block,
                              eg_real *V_block) {
  eg_real x[EG_DIM], C[EG_TRIANGLE], V[EG_DIM * EG_DIM];
  lane_load(block, EG_DIM, x);
  if (is_strang) {
    eg_half_flow(p, u, x);
    lane_store(block, EG_DIM, x);
  }
  eg_covariance(p, u->staged, x, C);
  eg_symroot_begin(V);
  lane_store(C_block, EG_TRIANGLE, C);
  lane_store(V_block, EG_DIM * EG_DIM, V);
}

EG_FN void lane_symroot_angle(eg_real *ii, eg_real *jj, eg_real *ij, eg_real *c, eg_real *s) {
  const eg_real off = *ij;
  const eg_rotation r = eg_rotation_of(*ii, *jj, off);
  *ii = eg_mad(r.t, off, *ii);
  *jj = eg_mad(-r.t, off, *jj);
  *ij = 0;
  *c = r.c;
  *s = r.s;
}

EG_FN void lane_symroot_end(int is_strang, const eg_params *p, const eg_uniforms *u, eg_real *block,
                            const eg_noise_real *noise, const eg_real *C_block, const eg_real *V_block) {
  eg_real x[EG_DIM], v[EG_DIM], C[EG_TRIANGLE], V[EG_DIM * EG_DIM];
  eg_noise z;
  z.z = noise;
  z.wide = NULL;
  lane_load(block, EG_DIM, x);
  lane_load(C_block, EG_TRIANGLE, C);
  lane_load(V_block, EG_DIM * EG_DIM, V);
  eg_symroot_apply(u, C, V, z, v);
  if (is_strang) {
    eg_kick(p, x, v);
    eg_half_flow(p, u, x);
  } else {
    eg_euler(p, u, x, v);
  }
  lane_store(block, EG_DIM, x);
}

static void rotate_entries(const eg_real *c, const eg_real *s, eg_real *EG_RESTRICT i, eg_real *EG_RESTRICT j) {
  SYMROOT_LANES { eg_rotate(c[l], s[l], i + l, j + l); }
}

/* The rotation of the pair (i, j), j < i, in all lanes. */
static __attribute__((noinline)) void symroot_rotate(eg_symroot_block *b, int i, int j) {
  _Alignas(64) eg_real c[EG_LANES], s[EG_LANES];
  eg_real *const ii = b->C + EG_AT(i, i) * EG_LANES, *const jj = b->C + EG_AT(j, j) * EG_LANES;
  eg_real *const ij = b->C + EG_AT(i, j) * EG_LANES;
  SYMROOT_LANES { lane_symroot_angle(ii + l, jj + l, ij + l, c + l, s + l); }
  for (int k = 0; k < EG_DIM; k++) {
    if (k != i && k != j) {
      rotate_entries(c, s, b->C + (k < i ? EG_AT(i, k) : EG_AT(k, i)) * EG_LANES,
                     b->C + (k < j ? EG_AT(j, k) : EG_AT(k, j)) * EG_LANES);
    }
    rotate_entries(c, s, b->V + (k * EG_DIM + i) * EG_LANES, b->V + (k * EG_DIM + j) * EG_LANES);
  }
}

static __attribute__((noinline)) void symroot_sweeps(eg_symroot_block *b) {
  for (int sweep = 0; sweep < EG_JACOBI_SWEEPS; sweep++) {
    for (int i = 1; i < EG_DIM; i++) {
      for (int j = 0; j < i; j++) {
        symroot_rotate(b, i, j);
      }
    }
  }
}

EG_FN void step_symroot(int is_strang, const eg_params *p, const eg_uniforms *u, eg_real *x,
                        const eg_noise_real *noise) {
  eg_symroot_block b;
  SYMROOT_LANES { lane_symroot_begin(is_strang, p, u, x + l, b.C + l, b.V + l); }
  symroot_sweeps(&b);
  SYMROOT_LANES { lane_symroot_end(is_strang, p, u, x + l, noise + l, b.C + l, b.V + l); }
}

#endif
#endif
