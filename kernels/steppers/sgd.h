/*
 * Stochastic gradient descent x' = x - eta/B sum_{i=1..B} g(x, theta_i), batch of B samples drawn with replacement
 * (H. Robbins and S. Monro, Ann. Math. Statist. 22 (1951), 400; in this notation arXiv 2302.07125, section 1; 2102.05375, section 2).
 *
 * sgd_rows:     theta is a data row; a fold over the batch, added up in the order of the draws.
 * sgd_samples:  theta is made of EG_SAMPLE normals; a fold likewise.
 * sgd_channels: theta is Gaussian and the sample gradient affine in it, so the mean of B samples is one draw with its
 *               noise divided by sqrt(B), exactly. noise_scale = eta / sqrt(B).
 */
#if EG_CAPS_ROWS
/* What a fold of rows adds to. Left out, 0 times x is the same bits unless x is -0, where no trajectory starts. */
EG_FN void eg_fold_regulariser(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_real *g) {
  if (u->is_free) {
    EG_EACH(k) { g[k] = 0; }
  } else {
    eg_regulariser_gradient(p, u->staged, x, g);
  }
}

EG_FN void eg_begin_sgd_rows(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc) {
  eg_fold_regulariser(p, u, x, acc);
  EG_EACH(k) {
    acc[k] = u->batch_size * acc[k];
  }
}

EG_FN void eg_add_sgd_rows(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row, eg_real z,
                           eg_real *acc) {
  (void)z;
  eg_add_row_gradient(p, u->staged, x, row, (eg_real)1, acc);
}

EG_FN void eg_end_sgd_rows(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc) {
  (void)p;
  EG_EACH(k) {
    x[k] = eg_mad(-u->rate_over_batch, acc[k], x[k]);
  }
}

#if defined(EG_TEAM) && !EG_DEVICE && EG_HAS_SLOPES
/* A whole step with one row: the three functions above in one pass. */
EG_FN void eg_single_sgd_rows(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_row row) {
  const eg_real slope = eg_row_slope(p, u->staged, x, row, (eg_real)1), ridge = eg_regulariser_slope(p, u->staged);
  const eg_real batch_size = u->batch_size, rate = -u->rate_over_batch;
  if (u->is_free) {
    EG_EACH(k) { x[k] = eg_mad(rate, slope * EG_INPUT(row, k), x[k]); }
    return;
  }
  EG_EACH(k) {
    const eg_real acc = eg_mad(slope, EG_INPUT(row, k), batch_size * (ridge * x[k]));
    x[k] = eg_mad(rate, acc, x[k]);
  }
}
#endif
#endif

#if EG_CAPS_SAMPLES
EG_FN void eg_begin_sgd_samples(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc) {
  (void)p;
  (void)u;
  (void)x;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    acc[k] = 0;
  }
}

EG_FN void eg_add_sgd_samples(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z, eg_real weight,
                              eg_real *acc) {
  (void)weight;
  eg_add_sample_gradient(p, u->staged, x, z, (eg_real)1, acc);
}

EG_FN void eg_end_sgd_samples(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc) {
  (void)p;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    x[k] = eg_mad(-u->rate_over_batch, acc[k], x[k]);
  }
}
#endif

#if EG_CAPS_LOSS && EG_CAPS_CHANNELS && !EG_CAPS_SAMPLES
EG_FN void eg_step_sgd_channels(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows) {
  (void)rows;
  eg_real g[EG_DIM], v[EG_DIM];
  eg_full_gradient(p, u, x, g);
  eg_noise_channels(p, u->staged, x, z, v);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    x[k] = x[k] - eg_mad(u->learning_rate, g[k], u->noise_scale * v[k]);
  }
}
#endif
