/*
 * Underdamped Langevin equation of SGD with momentum beta at finite learning rate eta and batch size B (Kunin et al., arXiv
 * 2107.09133: underdamped Langevin dynamics with finite learning rate and batch size; coefficients as in the authors' code, mean
 * and variance; they follow from (z - 1)(1 - beta/z) + eta h = 0 with z = exp(eta s) to order eta^2):
 *   dx = v dt,  (eta/2)(1 + beta) dv = -(grad R + lambda x + (1 - beta) v) dt + sqrt(eta/B) Sigma(x)^(1/2) dW,
 * integrated by BAOAB (B. Leimkuhler and C. Matthews, arXiv 1203.5428), step h:
 *   B  v' = v - h/(eta (1 + beta)) (grad R + lambda x)
 *   A  x' = x + (h/2) v
 *   O  v' = c v + noise_scale (noise of one sample at x), c = exp(-2 gamma h), gamma = (1 - beta)/(eta (1 + beta)),
 *      noise_scale = sqrt((1 - c^2)/(4 gamma)) 2/((1 + beta) sqrt(eta B)), pair: / sqrt 2
 * then A and B again. Order 2 in h. The velocity begins at -start_velocity (grad R + lambda x): 1/(1 + beta) makes the equation
 * weakly of order 2 in eta against SGD that begins without momentum; 0 makes it of order 1.
 *
 * exact: where gradient and drift are affine and the noise does not depend on x, (x, v) after h is Gaussian (Uhlenbeck, Ornstein 1930,
 * doi 10.1103/PhysRev.36.823; Chandrasekhar 1943, doi 10.1103/RevModPhys.15.1, chapter II): z' = z + E z + e + L xi with 2 EG_DIM normals;
 * plan/langevin.c stages E (by rows), e and the triangle L behind what the model has.
 */
#if EG_CAPS_LOSS && (EG_CAPS_ROWS || EG_CAPS_CHANNELS || EG_CAPS_ROOT)
EG_FN void eg_push(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real scale) {
  EG_VECTOR(g, EG_SLOT_DRIFT);
  eg_full_gradient(p, u, x, g);
  EG_EACH(k) {
    x[EG_DIM + k] = eg_mad(-scale, eg_mad(u->weight_decay, x[k], g[k]), x[EG_DIM + k]);
  }
}

EG_FN void eg_glide(const eg_params *p, const eg_uniforms *u, eg_real *x) {
  (void)p;
  EG_EACH(k) {
    x[k] = eg_mad((eg_real)0.5 * u->h, x[EG_DIM + k], x[k]);
  }
}

#define EG_LANGEVIN(form)                                                                                    \
  EG_FN void eg_step_langevin_##form(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z,       \
                                     const eg_row *rows) {                                                   \
    EG_VECTOR(v, EG_SLOT_NOISE);                                                                             \
    eg_push(p, u, x, eg_mad(u->is_first, u->lookahead, u->new_weight));                                      \
    eg_glide(p, u, x);                                                                                       \
    eg_noise_form_##form(p, u, x, z, rows, v);                                                               \
    EG_EACH(k) {                                                                                             \
      x[EG_DIM + k] = eg_mad(u->momentum, x[EG_DIM + k], v[k]);                                              \
    }                                                                                                        \
    eg_glide(p, u, x);                                                                                       \
    eg_push(p, u, x, u->new_weight);                                                                         \
  }

#if EG_CAPS_ROOT
EG_FN void eg_step_langevin_exact(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows) {
  const eg_real *const E = u->staged + EG_STAGED, *const e = E + 4 * EG_DIM * EG_DIM, *const L = e + 2 * EG_DIM;
  eg_real change[2 * EG_DIM];
  (void)rows;
  eg_push(p, u, x, u->is_first * u->lookahead);
  EG_UNROLL
  for (int i = 0; i < 2 * EG_DIM; i++) {
    change[i] = e[i];
    EG_UNROLL
    for (int j = 0; j < 2 * EG_DIM; j++) {
      change[i] = eg_mad(E[i * 2 * EG_DIM + j], x[j], change[i]);
    }
    EG_UNROLL
    for (int j = 0; j <= i; j++) {
      change[i] = eg_mad(L[i * (i + 1) / 2 + j], EG_Z(z, j), change[i]);
    }
  }
  EG_UNROLL
  for (int i = 0; i < 2 * EG_DIM; i++) {
    x[i] = x[i] + change[i];
  }
}
#endif

#if EG_CAPS_ROWS
EG_LANGEVIN(pair)
#elif EG_CAPS_CHANNELS && !EG_CAPS_SAMPLES
EG_LANGEVIN(channels)
#endif
#if EG_CAPS_ROOT
EG_LANGEVIN(root)
#endif
#endif
