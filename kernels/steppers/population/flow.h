/* The deterministic mean-field flow dx_i = V(x_i, mu) dt (Mei, Montanari, Nguyen, arXiv 1804.06561; arXiv 2302.07125, section 4), exactly,
   as two half steps. */
EG_FN void eg_field_gradient_flow(const eg_params *p, const eg_uniforms *u, eg_draws *d, int stage,
                                  const eg_real *average, eg_real *field) {
  (void)d;
  (void)stage;
  eg_flow_field(p, u->staged, average, field);
}
