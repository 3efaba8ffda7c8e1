/* Stochastic gradient descent of a population: x_i' = x_i + eta/B sum_b H(x_i, mu, row_b), the same rows for all particles
   (arXiv 2302.07125, section 4: mean-field scaling). */
EG_FN void eg_field_zero(eg_real *field) {
  EG_UNROLL
  for (int k = 0; k < EG_FIELD_VALUES; k++) {
    field[k] = 0;
  }
}

#if EG_CAPS & EG_CAP_ROWS
EG_FN void eg_field_sgd_rows(const eg_params *p, const eg_uniforms *u, eg_draws *d, int stage, const eg_real *average,
                             eg_real *field) {
  (void)stage;
  eg_field_zero(field);
  EG_ROLLED
  for (uint32_t i = 0; i < d->a->fold_count; i++) {
    eg_add_row(p, u, d->a, average, eg_draws_row(d, d->a->fold_count, i), u->rate_over_batch, field);
  }
}
#endif

#if EG_CAPS & EG_CAP_CHANNELS
/* field += noise_scale sum_c b^c z_c */
EG_FN void eg_add_channels_field(const eg_params *p, const eg_uniforms *u, eg_draws *d, const eg_real *average,
                                 eg_real *field) {
  EG_ROLLED
  for (int c = 0; c < EG_CHANNELS; c++) {
    const eg_real z = eg_draws_increment(d, d->a->kind, EG_CHANNELS, (uint32_t)c);
    eg_add_channel_field(p, u->staged, average, c, u->noise_scale * z, field);
  }
}

/* Samples that are affine in their normals: the mean of B is one draw with the noise divided by sqrt(B), exactly. */
EG_FN void eg_field_sgd_channels(const eg_params *p, const eg_uniforms *u, eg_draws *d, int stage, const eg_real *average,
                                 eg_real *field) {
  (void)stage;
  eg_drift_field(p, u->staged, (eg_real)0, average, field);
  EG_UNROLL
  for (int k = 0; k < EG_FIELD_VALUES; k++) {
    field[k] = u->learning_rate * field[k];
  }
  eg_add_channels_field(p, u, d, average, field);
}
#endif
