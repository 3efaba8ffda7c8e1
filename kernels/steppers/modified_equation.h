/*
 * Stochastic modified equations of order 1 and 2, and any SDE of a model (arXiv 2302.07125, section 1; Li, Tai, E,
 * arXiv 1811.01558):
 *   dx = b(x) dt + sqrt(eta / B) noise(x),  b = -(I + c Hess R) grad R,  c = 0 (sme1) or eta/2 (sme2);
 *   of a process: its own drift, noise scale 1.
 * u->noise_scale = sqrt(h eta / B) (pair: sqrt(h eta / (2 B)); process: sqrt(h)); u->correction = c.
 *
 * euler-maruyama:  x' = x + h b(x) + noise_scale v(x)                        weak order 1 in h (Kloeden and Platen 1992, (10.2.4))
 * strang:          half drift flow, noise at that point, half drift flow     O(h^4 + eta h^2 + eta^2 h) (G. Strang, SIAM J. Numer. Anal. 5 (1968), 506)
 * With alpha-stable increments (core/stable.h) and h^(1/alpha) in noise_scale they integrate dynamics levy (Simsekli, Sagun, Gurbuzbalaban,
 * arXiv 1901.06053). noisy-gd (arXiv 2102.12470) is euler-maruyama of sme1 with h = eta.
 */
#if EG_CAPS_DRIFT
/* v is added to the increment before x: |increment| << |x|, and a float state keeps its low bits that way. */
EG_FN void eg_euler(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *v) {
  EG_VECTOR(b, EG_SLOT_DRIFT);
  eg_full_drift(p, u, x, b);
  EG_EACH(k) {
    x[k] = x[k] + eg_mad(u->h, b[k], v[k]);
  }
}

EG_FN void eg_kick(const eg_params *p, eg_real *x, const eg_real *v) {
  (void)p;
  EG_EACH(k) {
    x[k] = x[k] + v[k];
  }
}

#define EG_MODIFIED(form) EG_MODIFIED_EULER(form) EG_MODIFIED_STRANG(form)

#define EG_MODIFIED_EULER(form)                                                                              \
  EG_FN void eg_step_euler_##form(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z,          \
                                  const eg_row *rows) {                                                      \
    EG_VECTOR(v, EG_SLOT_NOISE);                                                                             \
    eg_noise_form_##form(p, u, x, z, rows, v);                                                               \
    eg_euler(p, u, x, v);                                                                                    \
  }

#define EG_MODIFIED_STRANG(form)                                                                             \
  EG_FN void eg_step_strang_##form(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z,         \
                                   const eg_row *rows) {                                                     \
    EG_VECTOR(v, EG_SLOT_NOISE);                                                                             \
    eg_half_flow(p, u, x);                                                                                   \
    eg_noise_form_##form(p, u, x, z, rows, v);                                                               \
    eg_kick(p, x, v);                                                                                        \
    eg_other_half_flow(p, u, x);                                                                             \
  }

#if EG_CAPS_DIAGONAL
/* As eg_euler; but a double has low bits enough, and its noise is added by the operation that multiplies it. */
#if defined(EG_PULLS_BACK)
/* x' = (1 - c) x + c mean + noise, c = rate h. In double 1 - c is one number: its rounding changes the rate by a part of 6e-17 / c, the
   step itself by c / 2, so that the first is never seen before both are below 1e-8. The same c pulls the mean. */
EG_FN void eg_step_euler_diagonal(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows) {
  eg_real s[EG_DIM], rate[EG_DIM], mean[EG_DIM];
  (void)rows;
  eg_noise_diagonal(p, u->staged, x, s);
  eg_pull_back(p, u->staged, rate, mean);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real scale = u->noise_scale * s[k], c = rate[k] * u->h, kept = (eg_real)1 - c; /* one number each */
    if (EG_REAL_IS_FLOAT) {
      x[k] = x[k] + eg_mad(c, mean[k] - x[k], scale * EG_Z(z, k));
    } else {
      x[k] = eg_mad(kept, x[k], eg_mad(scale, EG_Z(z, k), ((eg_real)1 - kept) * mean[k]));
    }
  }
}
#else
EG_FN void eg_step_euler_diagonal(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows) {
  eg_real s[EG_DIM], b[EG_DIM];
  (void)rows;
  eg_noise_diagonal(p, u->staged, x, s);
  eg_full_drift(p, u, x, b);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real scale = u->noise_scale * s[k]; /* one number where the noise is additive */
    const eg_real noise = EG_REAL_IS_FLOAT ? scale * EG_Z(z, k) : eg_mad(scale, EG_Z(z, k), x[k]);
    const eg_real w = eg_mad(u->h, b[k], noise);
    x[k] = EG_REAL_IS_FLOAT ? x[k] + w : w;
  }
}
#endif
EG_MODIFIED_STRANG(diagonal)
#endif
#if EG_CAPS_CHANNELS
EG_MODIFIED(channels)
#endif
#if EG_CAPS_ROWS || EG_CAPS_SAMPLES
EG_MODIFIED(pair)
#endif
#if EG_CAPS_FACTOR
EG_MODIFIED(factor)
#endif
#if EG_CAPS_ROOT
EG_MODIFIED(root)
#endif
#if EG_CAPS_COVARIANCE
EG_MODIFIED(cholesky)
EG_MODIFIED(symroot)
#endif

#if EG_CAPS_ROWS
/*
 * Data-indexed noise by the weights trick: with xi_j ~ N(0,1) and p_j = 1/N,
 *   sum_j sqrt(p_j) (grad R - g_j) xi_j = (S grad R - sum_j xi_j g_j) / sqrt(N),  S = sum_j xi_j;
 * acc = (sum_j xi_j g_j, S). The regulariser cancels. noise_scale holds sqrt(h eta / B / N).
 */
EG_FN void eg_begin_euler_data(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc) {
  (void)p;
  (void)u;
  (void)x;
  EG_EACH(k) { acc[k] = 0; }
  acc[EG_BEHIND] = 0;
}

EG_FN void eg_add_euler_data(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row, eg_real z,
                             eg_real *acc) {
  eg_add_row_gradient(p, u->staged, x, row, z, acc);
  acc[EG_BEHIND] += z;
}

EG_FN void eg_data_noise(const eg_params *p, const eg_uniforms *u, const eg_real *x, const eg_real *acc, eg_real *v) {
  EG_VECTOR(regulariser, EG_SLOT_REGULARISER);
  eg_full_gradient(p, u, x, v);
  eg_regulariser_gradient(p, u->staged, x, regulariser);
  EG_EACH(k) {
    v[k] = u->noise_scale * eg_mad(acc[EG_BEHIND], v[k] - regulariser[k], -acc[k]);
  }
}

EG_FN void eg_end_euler_data(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc) {
  EG_VECTOR(v, EG_SLOT_NOISE);
  eg_data_noise(p, u, x, acc, v);
  eg_euler(p, u, x, v);
}

EG_FN void eg_begin_strang_data(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc) {
  eg_half_flow(p, u, x);
  eg_begin_euler_data(p, u, x, acc);
}

EG_FN void eg_add_strang_data(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row, eg_real z,
                              eg_real *acc) {
  eg_add_euler_data(p, u, x, row, z, acc);
}

EG_FN void eg_end_strang_data(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc) {
  EG_VECTOR(v, EG_SLOT_NOISE);
  eg_data_noise(p, u, x, acc, v);
  eg_kick(p, x, v);
  eg_half_flow(p, u, x);
}
#endif

#if (EG_CAPS_ROWS || EG_CAPS_SAMPLES) && !defined(EG_TEAM)
/*
 * Fresh-node noise (arXiv 2302.07125, section 1: the cylindrical noise by Monte Carlo nodes drawn anew every step): with Q
 * fresh rows or samples and xi_q ~ N(0,1),
 *   sqrt(1 / (Q - 1)) sum_q (g_q - mean g) xi_q,
 * whose covariance is Sigma(x, y) for every Q >= 2; acc = (sum_q xi_q g_q, sum_q g_q, sum_q xi_q), noise_scale holds
 * sqrt(h eta / B / (Q - 1)). The regulariser cancels.
 */
EG_FN void eg_begin_euler_nodes(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc) {
  (void)p;
  (void)u;
  (void)x;
  EG_UNROLL
  for (int k = 0; k <= 2 * EG_DIM; k++) {
    acc[k] = 0;
  }
}

EG_FN void eg_begin_strang_nodes(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc) {
  eg_half_flow(p, u, x);
  eg_begin_euler_nodes(p, u, x, acc);
}

EG_FN void eg_add_node(const eg_real *g, eg_real xi, eg_real *acc) {
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    acc[k] = eg_mad(xi, g[k], acc[k]);
    acc[EG_DIM + k] = acc[EG_DIM + k] + g[k];
  }
  acc[2 * EG_DIM] = acc[2 * EG_DIM] + xi;
}

EG_FN void eg_node_zero(eg_real *g) {
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    g[k] = 0;
  }
}

#if EG_CAPS_ROWS
#define EG_NODES_ADD(scheme)                                                                                 \
  EG_FN void eg_add_##scheme##_nodes(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row, \
                                     eg_real z, eg_real *acc) {                                              \
    eg_real g[EG_DIM];                                                                                       \
    eg_node_zero(g);                                                                                         \
    eg_add_row_gradient(p, u->staged, x, row, (eg_real)1, g);                                                \
    eg_add_node(g, z, acc);                                                                                  \
  }
#else
#define EG_NODES_ADD(scheme)                                                                                 \
  EG_FN void eg_add_##scheme##_nodes(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z, \
                                     eg_real weight, eg_real *acc) {                                         \
    eg_real g[EG_DIM];                                                                                       \
    (void)weight;                                                                                            \
    eg_node_zero(g);                                                                                         \
    eg_add_sample_gradient(p, u->staged, x, z, (eg_real)1, g);                                               \
    eg_add_node(g, EG_Z(z, EG_SAMPLE), acc);                                                                 \
  }
#endif
EG_NODES_ADD(euler)
EG_NODES_ADD(strang)

EG_FN void eg_node_noise(const eg_uniforms *u, const eg_real *acc, eg_real *v) {
  const eg_real share = acc[2 * EG_DIM] / u->batch_size; /* the number of nodes */
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    v[k] = u->noise_scale * eg_mad(-share, acc[EG_DIM + k], acc[k]);
  }
}

EG_FN void eg_end_euler_nodes(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc) {
  eg_real v[EG_DIM];
  eg_node_noise(u, acc, v);
  eg_euler(p, u, x, v);
}

EG_FN void eg_end_strang_nodes(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc) {
  eg_real v[EG_DIM];
  eg_node_noise(u, acc, v);
  eg_kick(p, x, v);
  eg_half_flow(p, u, x);
}
#endif
#endif

#if EG_CAPS_EXACT
/* The exact law of a process over one step. */
EG_FN void eg_step_exact(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows) {
  (void)rows;
  eg_exact(p, u->staged, x, z);
}
#endif
