/*
 * Two-layer network of M bilinear neurons in mean-field scaling, f = 1/M sum_i c_i w_i, particle x_i = (c_i, w_i), fitted to
 * fresh labels y = label_mean + label_noise z with loss (y - f)^2 / 2; each neuron with the learning rate M eta
 * (arXiv 2302.07125, section 4):
 *   c_i' = c_i + eta (y - f) w_i,  w_i' = w_i + eta (y - f) c_i, the same label for all neurons.
 * For u = c + w, v = c - w that is u' = (1 + eta r) u, v' = (1 - eta r) v, r = y - f: all u are multiplied by one number and all
 * v by another, so the averages A = <u^2> and B = <v^2> say everything, f = (A - B) / 4. With noise two-point the labels are
 * label_mean +- label_noise. The field of a step is the relative change of u and of v.
 *
 * Drift of the distribution-dependent stochastic modified flow, V - (eta/2)(D_x V V + int D_mu V V dmu), with rbar = label_mean - f
 * and dr = -(rbar / 2)(A + B), its change along the flow: u (rbar - (eta/2)(dr + rbar^2)), v (-rbar - (eta/2)(rbar^2 - dr)).
 */
#define EG_NAME       "mean-field-bilinear"
#define EG_EQUATION   "f = 1/M sum_i c_i w_i, R = E (y - f)^2 / 2, y = label_mean + label_noise z, M particles (c_i, w_i) moved by the same labels"
#define EG_SOURCE     "Gess, Kassing, Konarovskyi, arXiv 2302.07125, section 4"
#define EG_DIM        2
#define EG_IS_PROCESS 0
#define EG_CAPS       (EG_CAP_POPULATION | EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_CHANNELS)
#define EG_CHANNELS   1
#define EG_STAGED     2
#define EG_PARAMS(P, PV)                                                                                     \
  P(particles, 256.0, 1.0, 1048576.0, "M, number of particles (neurons), whole")                             \
  P(label_mean, 1.0, -1e12, 1e12, "mean of the labels")                                                      \
  P(label_noise, 0.5, 0.0, 1e12, "standard deviation of the labels")
EG_PARAMS_STRUCT

#define EG_TERMS        2 /* averaged: u^2 and v^2 */
#define EG_FIELD_VALUES 2 /* relative change of u and of v */

/* st[0] = h / 2, st[1] = correction */

EG_FN void eg_particle_terms(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *terms) {
  const eg_real u = x[0] + x[1], v = x[0] - x[1];
  (void)p;
  (void)st;
  terms[0] = u * u;
  terms[1] = v * v;
}

EG_FN void eg_particle_move(const eg_params *p, const eg_real *st, const eg_real *field, const eg_real *x, eg_real *v) {
  const eg_real du = (eg_real)0.5 * field[0] * (x[0] + x[1]), dv = (eg_real)0.5 * field[1] * (x[0] - x[1]);
  (void)p;
  (void)st;
  v[0] = du + dv;
  v[1] = du - dv;
}

EG_FN eg_real eg_output(const eg_real *average) {
  return (eg_real)0.25 * (average[0] - average[1]);
}

EG_FN void eg_drift_field(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *average,
                          eg_real *field) {
  const eg_real r = (eg_real)p->label_mean - eg_output(average);
  const eg_real dr = (eg_real)-0.5 * r * (average[0] + average[1]);
  (void)st;
  field[0] = eg_mad(-correction, eg_mad(r, r, dr), r);
  field[1] = eg_mad(-correction, eg_mad(r, r, -dr), -r);
}

/* field += weight times the noise of one label */
EG_FN void eg_add_channel_field(const eg_params *p, const eg_real *st, const eg_real *average, int channel, eg_real weight,
                                eg_real *field) {
  const eg_real noise = weight * (eg_real)p->label_noise;
  (void)st;
  (void)average;
  (void)channel;
  field[0] += noise;
  field[1] -= noise;
}

/* The factors P, Q that the flow of h/2 puts before u and v: one classical Runge-Kutta step of order 4 from (1, 1). */
EG_FN void eg_flow_field(const eg_params *p, const eg_real *st, const eg_real *average, eg_real *field) {
  const eg_real h = st[0];
  eg_real sum[2], k[2], y[2];
  y[0] = y[1] = (eg_real)1;
  sum[0] = sum[1] = 0;
  EG_UNROLL
  for (int stage = 0; stage < 4; stage++) {
    const eg_real next = stage == 2 ? h : (eg_real)0.5 * h, weight = (eg_real)(stage == 0 || stage == 3 ? 1 : 2);
    eg_real now[2];
    now[0] = average[0] * (y[0] * y[0]);
    now[1] = average[1] * (y[1] * y[1]);
    eg_drift_field(p, st, st[1], now, k);
    EG_UNROLL
    for (int i = 0; i < 2; i++) {
      k[i] = k[i] * y[i];
      sum[i] = eg_mad(weight, k[i], sum[i]);
      y[i] = eg_mad(next, k[i], (eg_real)1);
    }
  }
  field[0] = h * (eg_real)(1.0 / 6.0) * sum[0];
  field[1] = h * (eg_real)(1.0 / 6.0) * sum[1];
}

EG_FN eg_real eg_population_loss(const eg_params *p, const eg_real *st, const eg_real *average) {
  const eg_real r = (eg_real)p->label_mean - eg_output(average);
  (void)st;
  return (eg_real)0.5 * eg_mad(r, r, (eg_real)(p->label_noise * p->label_noise));
}

#if !EG_DEVICE
static inline void eg_prepare(const eg_params *p, double h, double correction, double *staged) {
  (void)p;
  staged[0] = 0.5 * h;
  staged[1] = correction;
}
#endif
