/* Stochastic gradient descent of a population: x_i' = x_i + eta/B sum_b H(x_i, mu, row_b), the same rows for all particles
   (arXiv 2302.07125, section 4: mean-field scaling). */
EG_FN void eg_field_zero(eg_real *field) {
  EG_UNROLL
  for (int k = 0; k < EG_FIELD_VALUES; k++) {
    field[k] = 0;
  }
}

EG_FN void eg_field_sgd_rows(const eg_params *p, const eg_uniforms *u, eg_draws *d, int stage, const eg_real *average,
                             eg_real *field) {
  (void)stage;
  eg_field_zero(field);
  EG_ROLLED
  for (uint32_t i = 0; i < d->a->fold_count; i++) {
    eg_add_row(p, u, d->a, average, eg_draws_row(d, d->a->fold_count, i), u->rate_over_batch, field);
  }
}
