/*
 * The noise of the modified equations: v = noise_scale times an increment of mean 0 and covariance Sigma(x), the
 * gradient noise of one sample, in the forms of arXiv 2302.07125 (sections 1, 1.1). One-point laws agree; the two-point law is that of the stochastic modified
 * flow for channels, pair and data, that of "the SME" for the symmetric root (and diagonal).
 *
 * diagonal   v_k = s_k(x) z_k                          d normals
 * channels   v = sum_c b^c(x) z_c                      the model's own channels
 * pair       v ~ (g_J(x) - g_J'(x)) / sqrt 2           two fresh rows or samples a step; noise_scale holds the 1/sqrt 2
 * factor     v = S(x) z, S S^T = Sigma(x)              d normals, the model's own root
 * cholesky   v = L(x) z, L L^T = Sigma(x)              d normals, d <= 6
 * symroot    v = Sigma(x)^{1/2} z                      d normals, d <= 6
 * data       v = sum_j sqrt(p_j) G_j(x) z_j            a fold over all rows: see modified_equation.h
 *
 * One more form has a law of its own, whatever the model's noise is (`gradient_noise` of a study):
 * root       v = sqrt(a R(x) + b) S z, S lower triangular    d normals; constant covariance: a = 0, b = 1, S S^T = Sigma;
 *            decoupled: a = 2, b = 2 loss_offset, S S^T = Hessian: 2 L(x) H (arXiv 2105.09557, section 2)
 */
#if EG_CAPS_DIAGONAL
EG_FN void eg_noise_form_diagonal(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z,
                                  const eg_row *rows, eg_real *v) {
  (void)rows;
  eg_noise_diagonal(p, u->staged, x, v);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    v[k] = (u->noise_scale * v[k]) * EG_Z(z, k); /* the bracket is one number where the noise is additive */
  }
}
#endif

#if EG_CAPS_CHANNELS
EG_FN void eg_noise_form_channels(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z,
                                  const eg_row *rows, eg_real *v) {
  (void)rows;
  eg_noise_channels(p, u->staged, x, z, v);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    v[k] = u->noise_scale * v[k];
  }
}
#endif

#if EG_CAPS_ROWS
#if defined(EG_TEAM)
#define EG_PAIR_LOOP EG_UNROLL
#elif EG_DIM > 12
#define EG_PAIR_LOOP EG_GPU_ROLLED /* else ptxas keeps both rows in registers and has too few */
#else
#define EG_PAIR_LOOP EG_UNROLL
#endif
EG_FN void eg_noise_form_pair(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z,
                              const eg_row *rows, eg_real *v) {
  (void)z;
  EG_EACH(k) {
    v[k] = 0;
  }
  EG_PAIR_LOOP
  for (int half = 0; half < 2; half++) { /* the regulariser cancels */
    eg_add_row_gradient(p, u->staged, x, half == 0 ? rows[0] : rows[1], half == 0 ? u->noise_scale : -u->noise_scale, v);
  }
}
#endif

#if EG_CAPS_SAMPLES
EG_FN eg_noise eg_noise_from(eg_noise z, int first) {
  z.z += first * EG_STRIDE;
#if EG_STRIDE > 1
  z.wide = z.wide == NULL ? NULL : z.wide + first * EG_WIDE_LANES;
#endif
  return z;
}

EG_FN void eg_noise_form_pair(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z,
                              const eg_row *rows, eg_real *v) {
  (void)rows;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    v[k] = 0;
  }
  eg_add_sample_gradient(p, u->staged, x, z, u->noise_scale, v);
  eg_add_sample_gradient(p, u->staged, x, eg_noise_from(z, EG_SAMPLE), -u->noise_scale, v);
}
#endif

#if EG_CAPS_FACTOR
EG_FN void eg_noise_form_factor(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z,
                                const eg_row *rows, eg_real *v) {
  (void)rows;
  eg_noise_factor(p, u->staged, x, z, v);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    v[k] = u->noise_scale * v[k];
  }
}
#endif

#define EG_TRIANGLE (EG_DIM * (EG_DIM + 1) / 2)
#define EG_AT(i, j) ((i) * ((i) + 1) / 2 + (j)) /* j <= i */

#if EG_CAPS_ROOT
/* a R + b; where it is negative there is no noise. */
EG_FN eg_real eg_root_square(const eg_params *p, const eg_uniforms *u, const eg_real *x) {
  eg_real square = u->noise_level;
  if (!EG_CAPS_MARGIN || u->noise_loss > 0) { /* a constant but where the loss is a pass over the rows: vector code */
    square = eg_mad(u->noise_loss, (eg_real)eg_full_loss(p, u, x), square);
  }
  return square > 0 ? square : (eg_real)0;
}

/* S lies behind what the model has staged, by rows of its triangle. */
EG_FN void eg_noise_form_root(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z,
                              const eg_row *rows, eg_real *v) {
  (void)rows;
  const eg_real *const root = u->staged + EG_STAGED;
  const eg_real scale = u->noise_scale * eg_root(eg_root_square(p, u, x));
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    eg_real sum = 0;
    EG_UNROLL
    for (int j = 0; j <= i; j++) {
      sum = eg_mad(root[EG_AT(i, j)], EG_Z(z, j), sum);
    }
    v[i] = scale * sum;
  }
}
#endif

#if EG_CAPS_COVARIANCE

/* The covariance in L becomes its triangular root. Sigma may be singular: a pivot that is not positive gives a zero column. */
EG_FN void eg_cholesky_column(eg_real *L, int j) {
  const eg_real pivot = L[EG_AT(j, j)];
  const eg_real root = eg_root(pivot > 0 ? pivot : (eg_real)0);
  const eg_real inverse = pivot > 0 ? (eg_real)1 / root : (eg_real)0;
  L[EG_AT(j, j)] = root;
  EG_UNROLL
  for (int i = j + 1; i < EG_DIM; i++) {
    L[EG_AT(i, j)] = L[EG_AT(i, j)] * inverse;
  }
  EG_UNROLL
  for (int i = j + 1; i < EG_DIM; i++) {
    EG_UNROLL
    for (int k = j + 1; k <= i; k++) {
      L[EG_AT(i, k)] = eg_mad(-L[EG_AT(i, j)], L[EG_AT(k, j)], L[EG_AT(i, k)]);
    }
  }
}

EG_FN void eg_noise_form_cholesky(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z,
                                  const eg_row *rows, eg_real *v) {
  (void)rows;
  eg_real L[EG_TRIANGLE];
  eg_covariance(p, u->staged, x, L);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    v[k] = 0;
  }
  EG_UNROLL
  for (int j = 0; j < EG_DIM; j++) {
    eg_cholesky_column(L, j);
    EG_UNROLL
    for (int i = j; i < EG_DIM; i++) {
      v[i] = eg_mad(L[EG_AT(i, j)], u->noise_scale * EG_Z(z, j), v[i]);
    }
  }
}

/*
 * Cyclic Jacobi (Golub and Van Loan, section 8.5) with a fixed number of sweeps and no branches. Instead of storing the
 * eigenvectors, z is carried along: w = V^T z after the rotations, then v = V sqrt(D) w needs V, so V is kept too.
 */
#define EG_JACOBI_SWEEPS 7
/* Unrolled, the loop vectorises over lanes on the CPU, but takes 25 s to compile for d = 6; rolled it does not: from
   dimension 5 on the CPU driver goes by blocks of lanes instead (core/symroot_cpu.h). The GPU wants it rolled. */
#if EG_DEVICE || EG_DIM > 4
#define EG_JACOBI_LOOP EG_ROLLED
#else
#define EG_JACOBI_LOOP EG_UNROLL
#endif

typedef struct eg_rotation {
  eg_real t, c, s; /* tangent, cosine, sine */
} eg_rotation;

/* tan(theta) = sign(tau) / (|tau| + sqrt(1 + tau^2)), tau = (C_ii - C_jj) / (2 C_ij); written so that C_ij = 0 gives no
   rotation and nothing divides by zero */
EG_FN eg_rotation eg_rotation_of(eg_real C_ii, eg_real C_jj, eg_real C_ij) {
  eg_rotation r;
  const eg_real gap = (eg_real)0.5 * (C_ii - C_jj);
  const eg_real size = (gap < 0 ? -gap : gap) + eg_root(eg_mad(gap, gap, C_ij * C_ij));
  const eg_real safe = size > 0 ? size : (eg_real)1;
  r.t = (gap < 0 ? -C_ij : C_ij) / safe;
  r.c = (eg_real)1 / eg_root(eg_mad(r.t, r.t, (eg_real)1));
  r.s = r.t * r.c;
  return r;
}

EG_FN void eg_rotate(eg_real c, eg_real s, eg_real *i, eg_real *j) {
  const eg_real a = *i, b = *j;
  *i = eg_mad(c, a, s * b);
  *j = eg_mad(c, b, -(s * a));
}

/* v = noise_scale V sqrt(D) V^T z; D: the diagonal of C. */
EG_FN void eg_symroot_apply(const eg_uniforms *u, const eg_real *C, const eg_real *V, eg_noise z, eg_real *v) {
  eg_real w[EG_DIM];
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    eg_real sum = 0;
    EG_UNROLL
    for (int k = 0; k < EG_DIM; k++) {
      sum = eg_mad(V[k * EG_DIM + i], EG_Z(z, k), sum);
    }
    const eg_real value = C[EG_AT(i, i)];
    w[i] = u->noise_scale * (eg_root(value > 0 ? value : (eg_real)0) * sum);
  }
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    eg_real sum = 0;
    EG_UNROLL
    for (int i = 0; i < EG_DIM; i++) {
      sum = eg_mad(V[k * EG_DIM + i], w[i], sum);
    }
    v[k] = sum;
  }
}

EG_FN void eg_symroot_begin(eg_real *V) {
#if EG_DIM == 1
  V[0] = 1; /* gcc 12 keeps a loop of one turn, and then no lane loop is vectorised */
#else
  EG_UNROLL
  for (int i = 0; i < EG_DIM * EG_DIM; i++) {
    V[i] = i % (EG_DIM + 1) == 0 ? (eg_real)1 : (eg_real)0;
  }
#endif
}

EG_FN void eg_noise_form_symroot(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z,
                                 const eg_row *rows, eg_real *v) {
  (void)rows;
  eg_real C[EG_TRIANGLE], V[EG_DIM * EG_DIM];
  eg_covariance(p, u->staged, x, C);
  eg_symroot_begin(V);
#if EG_DIM > 1
  EG_JACOBI_LOOP
  for (int sweep = 0; sweep < EG_JACOBI_SWEEPS; sweep++) {
    EG_UNROLL
    for (int i = 1; i < EG_DIM; i++) {
      EG_UNROLL
      for (int j = 0; j < i; j++) {
        const eg_real off = C[EG_AT(i, j)];
        const eg_rotation r = eg_rotation_of(C[EG_AT(i, i)], C[EG_AT(j, j)], off);
        C[EG_AT(i, i)] = eg_mad(r.t, off, C[EG_AT(i, i)]);
        C[EG_AT(j, j)] = eg_mad(-r.t, off, C[EG_AT(j, j)]);
        C[EG_AT(i, j)] = 0;
        EG_UNROLL
        for (int k = 0; k < EG_DIM; k++) {
          if (k != i && k != j) {
            eg_rotate(r.c, r.s, &C[k < i ? EG_AT(i, k) : EG_AT(k, i)], &C[k < j ? EG_AT(j, k) : EG_AT(k, j)]);
          }
          eg_rotate(r.c, r.s, &V[k * EG_DIM + i], &V[k * EG_DIM + j]);
        }
      }
    }
  }
#endif
  eg_symroot_apply(u, C, V, z, v);
}
#endif
