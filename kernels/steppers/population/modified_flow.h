/*
 * Distribution-dependent stochastic modified flows (arXiv 2302.07125, section 4):
 *   dX = b(X, mu) dt + sqrt(eta / B) int G(X, mu, theta) W(dtheta, dt),  G = H - V,
 *   b = V (smf1), or V - (eta/2)(D_x V V + int D_mu V V dmu) (smf2),
 * with one noise, indexed by the data, for all particles. Two forms of it: pair, (H_J - H_J') / sqrt 2 with two fresh rows;
 * data, sum_j sqrt(p_j) G_j z_j over all rows by the weights sum_j z_j H_j - (sum_j z_j) V. Models without rows: channels, the
 * law of their samples. noise_scale as in
 * steppers/modified_equation.h.
 *
 * euler-maruyama:  one stage. strang: half drift flow, noise at the averages then, half drift flow: three stages.
 */
#if EG_CAPS & EG_CAP_ROWS
EG_FN void eg_add_pair_field(const eg_params *p, const eg_uniforms *u, eg_draws *d, const eg_real *average,
                             eg_real *field) {
  eg_add_row(p, u, d->a, average, eg_draws_row(d, 2, 0), -u->noise_scale, field);
  eg_add_row(p, u, d->a, average, eg_draws_row(d, 2, 1), u->noise_scale, field);
}

EG_FN void eg_add_data_field(const eg_params *p, const eg_uniforms *u, eg_draws *d, const eg_real *average,
                             eg_real *field) {
  eg_real sum[EG_FIELD_VALUES], velocity[EG_FIELD_VALUES], weights = 0;
  EG_UNROLL
  for (int k = 0; k < EG_FIELD_VALUES; k++) {
    sum[k] = 0;
  }
  EG_ROLLED
  for (uint32_t j = 0; j < d->a->fold_count; j++) {
    const eg_real z = eg_draws_increment(d, d->a->kind, d->a->fold_count, j);
    eg_add_row(p, u, d->a, average, j, z, sum);
    weights += z;
  }
  eg_drift_field(p, u->staged, (eg_real)0, average, velocity);
  EG_UNROLL
  for (int k = 0; k < EG_FIELD_VALUES; k++) {
    field[k] = eg_mad(u->noise_scale, eg_mad(-weights, velocity[k], sum[k]), field[k]);
  }
}

#endif

EG_FN void eg_euler_field(const eg_params *p, const eg_uniforms *u, const eg_real *average, eg_real *field) {
  eg_drift_field(p, u->staged, u->correction, average, field);
  EG_UNROLL
  for (int k = 0; k < EG_FIELD_VALUES; k++) {
    field[k] = u->h * field[k];
  }
}

#define EG_MODIFIED_FLOW(form)                                                                               \
  EG_FN void eg_field_euler_##form(const eg_params *p, const eg_uniforms *u, eg_draws *d, int stage,         \
                                   const eg_real *average, eg_real *field) {                                 \
    (void)stage;                                                                                             \
    eg_euler_field(p, u, average, field);                                                                    \
    eg_add_##form##_field(p, u, d, average, field);                                                          \
  }                                                                                                          \
  EG_FN void eg_field_strang_##form(const eg_params *p, const eg_uniforms *u, eg_draws *d, int stage,        \
                                    const eg_real *average, eg_real *field) {                                \
    if (stage == 1) {                                                                                        \
      eg_field_zero(field);                                                                                  \
      eg_add_##form##_field(p, u, d, average, field);                                                        \
    } else {                                                                                                 \
      eg_flow_field(p, u->staged, average, field);                                                           \
    }                                                                                                        \
  }
#if EG_CAPS & EG_CAP_ROWS
EG_MODIFIED_FLOW(pair)
EG_MODIFIED_FLOW(data)
#else
EG_MODIFIED_FLOW(channels)
#endif
