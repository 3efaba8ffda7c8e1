/*
 * Heun's scheme (Ruemelin, SIAM J. Numer. Anal. 19 (1982), 604, example 2; Kloeden and Platen, section 15.1, the
 * predictor-corrector for Stratonovich noise):
 *   y = x + A(x),  x' = x + (A(x) + A(y)) / 2,  A(x) = h a(x) + sum_c b^c(x) dW_c
 * converges to the Stratonovich equation with drift a. A model's drift b belongs to an Ito equation, so the scheme
 * takes a = b - q/2 with the noise-induced drift q = sum_c (D b^c) b^c (model.h), and the law that is approximated is the
 * same as that of all other schemes. Strong order 1 for additive, diagonal and commutative noise, 1/2 else; weak order 1,
 * for additive noise 2.
 */
#if EG_SERVES_SCHEMES && EG_CAPS_NOISE_DRIFT
/* A += h b(x) - noise_scale^2 q / 2; noise_scale^2 holds the h. */
EG_FN void eg_stratonovich_drift(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_real *A) {
  eg_real b[EG_DIM], q[EG_DIM];
  const eg_real half = (eg_real)0.5 * (u->noise_scale * u->noise_scale);
  eg_full_drift(p, u, x, b);
  eg_noise_drift(p, u->staged, x, q);
  EG_EACH(k) {
    A[k] = eg_mad(u->h, b[k], eg_mad(-half, q[k], A[k]));
  }
}

#define EG_HEUN(form)                                                                                        \
  EG_FN void eg_step_heun_##form(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z,           \
                                 const eg_row *rows) {                                                       \
    eg_real first[EG_DIM], second[EG_DIM], y[EG_DIM];                                                        \
    eg_noise_form_##form(p, u, x, z, rows, first);                                                           \
    eg_stratonovich_drift(p, u, x, first);                                                                   \
    EG_EACH(k) { y[k] = x[k] + first[k]; }                                                                   \
    eg_noise_form_##form(p, u, y, z, rows, second);                                                          \
    eg_stratonovich_drift(p, u, y, second);                                                                  \
    EG_EACH(k) { x[k] = x[k] + (eg_real)0.5 * (first[k] + second[k]); }                                      \
  }

#if EG_CAPS_DIAGONAL
EG_HEUN(diagonal)
#endif
#if EG_CAPS_CHANNELS
EG_HEUN(channels)
#endif
#endif
