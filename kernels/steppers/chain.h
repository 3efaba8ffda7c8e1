/*
 * Chains with a memory: an estimate of the gradient from one batch, then a rule that moves x by it.
 *
 * Estimates
 *   rows      (c_first sum_{i < half} g(x, theta_i) + c_second sum_{i >= half} g(x, theta_i)) / B + regulariser, theta
 *             fresh data rows. A plain minibatch has half = B, c_first = 1. SVAG(l) (arXiv 2102.12470, algorithm 1; code of
 *             the authors) has 2B rows, half = B, c = (1 +- sqrt(2 l - 1)) / 2, and learning rate eta / l; for adaptive
 *             rules (arXiv 2205.10287, section 6) c = (1 +- sqrt(2 l^2 - 1)) / 2.
 *   samples   the same with theta made of normals.
 *   channels  grad R(x) + noise_scale times the model's Gaussian noise of one sample: the law of the same combination,
 *             noise_scale = sqrt((c_first^2 + c_second^2) / B).
 *   data, factor, root   grad R(x) + Gaussian noise instead of a batch (noise_forms.h): of the same covariance by all rows
 *             or by the model's own root, or of another law
 *
 * Rules; g: the estimate after clipping to norm `clip`, with weight_decay x added; eta_k: the scheduled learning rate
 *   momentum  v' = momentum v + (1 - dampening) g,  d = v' (heavy ball) or g + momentum v' (Nesterov),
 *             x' = (1 - eta_k decay) x - eta_k d,  or with sign(d) in place of d (sign SGD, signum)
 *   adaptive  m' = beta1 m + (1 - beta1) g,  s' = beta2 s + (1 - beta2) g^2,
 *             x' = (1 - eta_k decay) x - eta_k a1 m' / (sqrt(a2 s') + epsilon),  a_i = 1 / (1 - beta_i^k) or 1;
 *             Adam, AdamW (decay), RMSprop (beta1 = 0; `preconditioner: before` divides by s instead of s')
 * Sources: heavy ball B. T. Polyak, USSR Comput. Math. Math. Phys. 4 (1964), 1; Nesterov's step Y. Nesterov, Soviet Math. Dokl.
 * 27 (1983), 372, in the form of Sutskever, Martens, Dahl, Hinton, ICML 2013; sign SGD and signum Bernstein et al., arXiv 1802.04434,
 * algorithms 1 and 2; Adam Kingma and Ba, arXiv 1412.6980, algorithm 1; decoupled decay and AdamW Loshchilov and Hutter, arXiv 1711.05101,
 * algorithms 1 and 2; RMSprop Tieleman and Hinton 2012, lecture 6.5, `before` arXiv 2205.10287, section 2; clipping Pascanu, Mikolov,
 * Bengio, arXiv 1211.5063, algorithm 1.
 * Extra state behind x: v; or m, s. v and m start at 0, s at start_square. Batches and all-row noise have the team form too.
 */
#if EG_CAPS_LOSS && EG_CAPS_DRIFT
EG_FN void eg_clip(const eg_params *p, const eg_uniforms *u, eg_real *g) {
  const eg_real norm2 = eg_dot(p, g, g);
  const eg_real scale = norm2 > u->clip2 ? eg_root(u->clip2 / norm2) : (eg_real)1;
  EG_EACH(k) { g[k] = scale * g[k]; }
}

/* -1, 0 or 1; NaN stays NaN. */
EG_FN eg_real eg_sign(eg_real a) {
  return ((a > 0 ? (eg_real)1 : (eg_real)0) - (a < 0 ? (eg_real)1 : (eg_real)0)) + (eg_real)0 * a;
}

EG_FN void eg_rule_momentum(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *g) {
  eg_real *const v = x + EG_DIM;
  (void)p;
  if (u->is_memoryless) { /* 0 times a velocity is nothing to add */
    EG_EACH(k) { x[k] = eg_mad(-u->rate, u->new_weight * g[k], x[k]); }
    return;
  }
  if (u->rule_form == EG_RULE_BARE) {
    EG_EACH(k) {
      v[k] = eg_mad(u->momentum, v[k], u->new_weight * g[k]);
      x[k] = eg_mad(-u->rate, v[k], x[k]);
    }
    return;
  }
  if (u->rule_form == EG_RULE_CLIPPED) {
    eg_clip(p, u, g);
  }
  EG_EACH(k) {
    const eg_real total = eg_mad(u->weight_decay, x[k], g[k]);
    v[k] = eg_mad(u->momentum, v[k], u->new_weight * total);
    const eg_real d = eg_mad(u->lookahead, total, u->velocity_weight * v[k]);
    const eg_real move = eg_mad(u->sign_part, eg_sign(d), u->plain_part * d); /* one of the parts is 0, the other 1 */
    x[k] = eg_mad(-u->rate, move, u->shrink * x[k]);
  }
}

EG_FN void eg_rule_adaptive(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *g) {
  eg_real *const m = x + EG_DIM, *const s = x + 2 * EG_DIM;
  (void)p;
  if (u->rule_form == EG_RULE_CLIPPED) {
    eg_clip(p, u, g);
  }
  const int is_bare = u->rule_form == EG_RULE_BARE;
  EG_EACH(k) {
    const eg_real total = is_bare ? g[k] : eg_mad(u->weight_decay, x[k], g[k]);
    const eg_real before = s[k];
    m[k] = eg_mad(u->momentum, m[k], u->new_weight * total);
    s[k] = eg_mad(u->beta2, s[k], (u->new_square * total) * total);
    const eg_real square = !is_bare && u->is_before ? before : s[k];
    const eg_real root = eg_root(u->unbias2 * square) + u->epsilon;
    const eg_real safe = root > 0 ? root : (eg_real)1; /* 0: no gradient so far, m is 0 too */
    x[k] = eg_mad(-u->rate, (u->unbias1 * m[k]) / safe, is_bare ? x[k] : u->shrink * x[k]);
  }
}
#endif

#if EG_CAPS_LOSS && EG_CAPS_ROWS
#define EG_CHAIN_ROWS(rule)                                                                                  \
  EG_FN void eg_begin_##rule##_rows(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc) {    \
    (void)p;                                                                                                 \
    (void)u;                                                                                                 \
    (void)x;                                                                                                 \
    EG_EACH(k) { acc[k] = 0; }                                                                               \
  }                                                                                                          \
  EG_FN void eg_add_##rule##_rows(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row,    \
                                  eg_real weight, eg_real *acc) {                                            \
    eg_add_row_gradient(p, u->staged, x, row, weight, acc);                                                  \
  }                                                                                                          \
  EG_FN void eg_end_##rule##_rows(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc) { \
    EG_VECTOR(g, EG_SLOT_DRIFT);                                                                             \
    if (u->is_free) { /* nothing to add: a product with 1 vanishes where it is known when compiled */        \
      EG_EACH(k) { g[k] = u->inverse_batch * acc[k]; }                                                       \
    } else {                                                                                                 \
      eg_regulariser_gradient(p, u->staged, x, g);                                                           \
      EG_EACH(k) { g[k] = eg_mad(u->inverse_batch, acc[k], g[k]); }                                          \
    }                                                                                                        \
    eg_rule_##rule(p, u, x, g);                                                                              \
  }
EG_CHAIN_ROWS(momentum)
EG_CHAIN_ROWS(adaptive)
#endif

#if EG_CAPS_LOSS && EG_CAPS_ROWS
/* noise_scale holds 1 / sqrt(N) too, as in euler_data. */
#define EG_CHAIN_DATA(rule)                                                                                  \
  EG_FN void eg_begin_##rule##_data(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc) {    \
    eg_begin_euler_data(p, u, x, acc);                                                                       \
  }                                                                                                          \
  EG_FN void eg_add_##rule##_data(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row,    \
                                  eg_real z, eg_real *acc) {                                                 \
    eg_add_euler_data(p, u, x, row, z, acc);                                                                 \
  }                                                                                                          \
  EG_FN void eg_end_##rule##_data(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc) { \
    EG_VECTOR(g, EG_SLOT_DRIFT);                                                                             \
    EG_VECTOR(v, EG_SLOT_NOISE);                                                                             \
    eg_data_noise(p, u, x, acc, v);                                                                          \
    eg_full_gradient(p, u, x, g);                                                                            \
    EG_EACH(k) { g[k] = g[k] + v[k]; }                                                                       \
    eg_rule_##rule(p, u, x, g);                                                                              \
  }
EG_CHAIN_DATA(momentum)
EG_CHAIN_DATA(adaptive)
#endif

#if EG_CAPS_LOSS && EG_CAPS_SAMPLES
#define EG_CHAIN_SAMPLES(rule)                                                                               \
  EG_FN void eg_begin_##rule##_samples(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc) { \
    eg_begin_sgd_samples(p, u, x, acc);                                                                      \
  }                                                                                                          \
  EG_FN void eg_add_##rule##_samples(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z, \
                                     eg_real weight, eg_real *acc) {                                         \
    eg_add_sample_gradient(p, u->staged, x, z, weight, acc);                                                 \
  }                                                                                                          \
  EG_FN void eg_end_##rule##_samples(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc) { \
    eg_real g[EG_DIM];                                                                                       \
    (void)p;                                                                                                 \
    EG_UNROLL                                                                                                \
    for (int k = 0; k < EG_DIM; k++) {                                                                       \
      g[k] = u->inverse_batch * acc[k];                                                                      \
    }                                                                                                        \
    eg_rule_##rule(p, u, x, g);                                                                              \
  }
EG_CHAIN_SAMPLES(momentum)
EG_CHAIN_SAMPLES(adaptive)
#endif

/* One draw of noise in a form of noise_forms.h. */
#define EG_CHAIN_NOISE(rule, form)                                                                           \
  EG_FN void eg_step_##rule##_##form(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z,       \
                                     const eg_row *rows) {                                                   \
    eg_real g[EG_DIM], v[EG_DIM];                                                                            \
    eg_full_gradient(p, u, x, g);                                                                            \
    eg_noise_form_##form(p, u, x, z, rows, v);                                                               \
    EG_UNROLL                                                                                                \
    for (int k = 0; k < EG_DIM; k++) {                                                                       \
      g[k] = g[k] + v[k];                                                                                    \
    }                                                                                                        \
    eg_rule_##rule(p, u, x, g);                                                                              \
  }
#if EG_CAPS_LOSS && EG_CAPS_FACTOR
EG_CHAIN_NOISE(momentum, factor)
EG_CHAIN_NOISE(adaptive, factor)
#endif
#if EG_CAPS_ROOT
EG_CHAIN_NOISE(momentum, root)
EG_CHAIN_NOISE(adaptive, root)
#endif

#if EG_CAPS_LOSS && EG_CAPS_CHANNELS
#define EG_CHAIN_CHANNELS(rule)                                                                              \
  EG_FN void eg_step_##rule##_channels(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z,     \
                                       const eg_row *rows) {                                                 \
    (void)rows;                                                                                              \
    eg_real g[EG_DIM], v[EG_DIM];                                                                            \
    eg_gradient(p, u->staged, x, g);                                                                         \
    eg_noise_channels(p, u->staged, x, z, v);                                                                \
    EG_UNROLL                                                                                                \
    for (int k = 0; k < EG_DIM; k++) {                                                                       \
      g[k] = eg_mad(u->noise_scale, v[k], g[k]);                                                             \
    }                                                                                                        \
    eg_rule_##rule(p, u, x, g);                                                                              \
  }
EG_CHAIN_CHANNELS(momentum)
EG_CHAIN_CHANNELS(adaptive)
#endif
