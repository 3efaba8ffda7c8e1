/*
 * The SDEs of adaptive and sign chains, by Euler-Maruyama with `substeps` integrator steps in one step of the chain. s counts
 * steps of the chain, Sigma = diag(sigma_k(x)^2) / B is the covariance of the batch gradient; components are independent.
 *
 * rmsprop-sde (arXiv 2205.10287, definition 4.2; time t = s eta^2 there, v = sigma^2 u)
 *   dx = -eta (sqrt v + epsilon)^-1 (grad R ds + Sigma^(1/2) dW),  dv = (1 - beta2)(diag Sigma - v) ds
 * adam-sde (arXiv 2205.10287, definition 4.4), gamma_i = 1 - exp(-(1 - beta_i) s)
 *   dm = (1 - beta1)((grad R - m) ds + Sigma^(1/2) dW),  dv as above,  dx = -eta (m / gamma_1) / (sqrt(v / gamma_2) + epsilon) ds
 *   m and v are advanced before x, so gamma is never 0
 * signsgd-sde (arXiv 2411.15958; time t = s eta there)
 *   dx = -erf(grad R / sqrt(2 Sigma)) dt + sqrt(eta) sqrt(1 - erf^2) dW
 *
 * On data rows (rmsprop_sde_data, adam_sde_data) the noise is Sigma^(1/2) dW of the whole Sigma, by a normal for every row as in
 * modified_equation.h, and diag Sigma the variance of the rows; noise_scale holds 1 / sqrt(N) too.
 *
 * signsgd_sde_data: the sign of the gradient at one row j is a vector s_j of numbers -1, 0, 1, whose law is known whatever the rows are:
 *   dx = -mean s dt + sqrt(eta) Cov(s)^(1/2) dW, Cov^(1/2) dW = sum_j (s_j - mean s) dW_j / sqrt(N), batch size 1
 * (arXiv 2411.15958, the SDE before the noise is taken to be Gaussian). noise_scale holds 1 / sqrt(N).
 *
 * rmsprop_sde_root, adam_sde_root, signsgd_sde_root: Sigma of a law of its own (noise_forms.h), (a R(x) + b) S S^T / B; the signs are
 * those of components by themselves, so that the planner takes a diagonal S only.
 *
 * v follows the noise alone: the noise-dominated regime of those papers. u->velocity_weight = 1 / substeps.
 */
#if EG_CAPS_LOSS && (EG_CAPS_DIAGONAL || EG_CAPS_ROOT)
#include "core/erf.h"

/* One component; deviation: standard deviation of one sample, of either sign. Without noise x moves by the sign. */
EG_FN void eg_move_sign(const eg_uniforms *u, eg_real *x, int k, eg_real g, eg_real deviation, eg_real z) {
  const eg_real spread = eg_root((eg_real)2 * u->inverse_batch) * (deviation < 0 ? -deviation : deviation); /* one root for all lanes */
  const eg_real e = spread > 0 ? (eg_real)eg_erf((double)(g / (spread > 0 ? spread : (eg_real)1))) : eg_sign(g);
  const eg_real rest = eg_mad(-e, e, (eg_real)1);
  const eg_real size = eg_root(spread > 0 && rest > 0 ? rest : (eg_real)0);
  x[k] = x[k] + eg_mad(-u->h, e, (u->noise_scale * size) * z);
}
#endif

#if EG_CAPS_LOSS && EG_CAPS_DIAGONAL
EG_FN void eg_step_rmsprop_sde(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows) {
  (void)rows;
  eg_real *const v = x + 2 * EG_DIM;
  eg_real g[EG_DIM], s[EG_DIM];
  eg_full_gradient(p, u, x, g);
  eg_noise_diagonal(p, u->staged, x, s);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real root = eg_root(v[k]) + u->epsilon;
    const eg_real safe = root > 0 ? root : (eg_real)1; /* nothing known of the noise yet */
    const eg_real move = eg_mad(u->velocity_weight, g[k], (u->noise_scale * s[k]) * EG_Z(z, k));
    v[k] = eg_mad(u->new_square, eg_mad(u->inverse_batch * s[k], s[k], -v[k]), v[k]);
    x[k] = eg_mad(-u->rate, move / safe, x[k]);
  }
}

EG_FN void eg_step_adam_sde(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows) {
  (void)rows;
  eg_real *const m = x + EG_DIM, *const v = x + 2 * EG_DIM;
  eg_real g[EG_DIM], s[EG_DIM];
  eg_full_gradient(p, u, x, g);
  eg_noise_diagonal(p, u->staged, x, s);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    m[k] = eg_mad(u->new_weight, g[k] - m[k], eg_mad(u->momentum, (u->noise_scale * s[k]) * EG_Z(z, k), m[k]));
    v[k] = eg_mad(u->new_square, eg_mad(u->inverse_batch * s[k], s[k], -v[k]), v[k]);
    const eg_real root = eg_root(u->unbias2 * v[k]) + u->epsilon;
    const eg_real safe = root > 0 ? root : (eg_real)1;
    x[k] = eg_mad(-u->rate, u->velocity_weight * ((u->unbias1 * m[k]) / safe), x[k]);
  }
}

EG_FN void eg_step_signsgd_sde(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows) {
  (void)rows;
  eg_real g[EG_DIM], s[EG_DIM];
  eg_full_gradient(p, u, x, g);
  eg_noise_diagonal(p, u->staged, x, s);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    eg_move_sign(u, x, k, g[k], s[k], EG_Z(z, k));
  }
}
#endif

#if EG_CAPS_SDE_DATA || EG_CAPS_ROOT
/* The steps from the gradient, the noise of one step without the learning rate, and the variance of one sample. */
EG_FN void eg_move_rmsprop_sde(const eg_uniforms *u, eg_real *x, const eg_real *g, const eg_real *noise, const eg_real *variance) {
  eg_real *const v = x + 2 * EG_DIM;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real root = eg_root(v[k]) + u->epsilon;
    const eg_real safe = root > 0 ? root : (eg_real)1;
    const eg_real move = eg_mad(u->velocity_weight, g[k], noise[k]);
    v[k] = eg_mad(u->new_square, eg_mad(u->inverse_batch, variance[k], -v[k]), v[k]);
    x[k] = eg_mad(-u->rate, move / safe, x[k]);
  }
}

EG_FN void eg_move_adam_sde(const eg_uniforms *u, eg_real *x, const eg_real *g, const eg_real *noise, const eg_real *variance) {
  eg_real *const m = x + EG_DIM, *const v = x + 2 * EG_DIM;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    m[k] = eg_mad(u->new_weight, g[k] - m[k], eg_mad(u->momentum, noise[k], m[k]));
    v[k] = eg_mad(u->new_square, eg_mad(u->inverse_batch, variance[k], -v[k]), v[k]);
    const eg_real root = eg_root(u->unbias2 * v[k]) + u->epsilon;
    const eg_real safe = root > 0 ? root : (eg_real)1;
    x[k] = eg_mad(-u->rate, u->velocity_weight * ((u->unbias1 * m[k]) / safe), x[k]);
  }
}
#endif

#if EG_CAPS_ROOT
/* What the moves take; the noise with noise_scale. */
EG_FN void eg_sde_of_root(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_noise z, eg_real *g, eg_real *noise,
                          eg_real *variance) {
  const eg_real *const root = u->staged + EG_STAGED;
  const eg_real square = eg_root_square(p, u, x);
  const eg_real scale = u->noise_scale * eg_root(square);
  eg_full_gradient(p, u, x, g);
  EG_UNROLL
  for (int i = 0; i < EG_DIM; i++) {
    eg_real sum = 0, squares = 0;
    EG_UNROLL
    for (int j = 0; j <= i; j++) {
      const eg_real s = root[EG_AT(i, j)];
      sum = eg_mad(s, EG_Z(z, j), sum);
      squares = eg_mad(s, s, squares);
    }
    noise[i] = scale * sum;
    variance[i] = square * squares;
  }
}

EG_FN void eg_step_rmsprop_sde_root(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows) {
  (void)rows;
  eg_real g[EG_DIM], noise[EG_DIM], variance[EG_DIM];
  eg_sde_of_root(p, u, x, z, g, noise, variance);
  eg_move_rmsprop_sde(u, x, g, noise, variance);
}

EG_FN void eg_step_adam_sde_root(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows) {
  (void)rows;
  eg_real g[EG_DIM], noise[EG_DIM], variance[EG_DIM];
  eg_sde_of_root(p, u, x, z, g, noise, variance);
  eg_move_adam_sde(u, x, g, noise, variance);
}

EG_FN void eg_step_signsgd_sde_root(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_noise z, const eg_row *rows) {
  (void)rows;
  eg_real g[EG_DIM], noise[EG_DIM], variance[EG_DIM];
  eg_sde_of_root(p, u, x, z, g, noise, variance);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    eg_move_sign(u, x, k, g[k], eg_root(variance[k]), EG_Z(z, k));
  }
}
#endif

#if EG_CAPS_SDE_DATA
/* acc = (sum_j xi_j g_j, sum_j g_j^2, sum_j xi_j) */
EG_FN void eg_begin_rmsprop_sde_data(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc) {
  (void)p;
  (void)u;
  (void)x;
  EG_UNROLL
  for (int k = 0; k <= 2 * EG_DIM; k++) {
    acc[k] = 0;
  }
}

EG_FN void eg_add_rmsprop_sde_data(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row, eg_real z,
                                   eg_real *acc) {
  eg_real g[EG_DIM];
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    g[k] = 0;
  }
  eg_add_row_gradient(p, u->staged, x, row, (eg_real)1, g);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    acc[k] = eg_mad(z, g[k], acc[k]);
    acc[EG_DIM + k] = eg_mad(g[k], g[k], acc[EG_DIM + k]);
  }
  acc[2 * EG_DIM] = acc[2 * EG_DIM] + z;
}

/* The gradient, the noise of one step without the learning rate, and the variance of the rows. */
EG_FN void eg_sde_of_rows(const eg_params *p, const eg_uniforms *u, const eg_real *x, const eg_real *acc, eg_real *g, eg_real *noise,
                          eg_real *variance) {
  const eg_real share = (eg_real)1 / (eg_real)u->n_rows;
  eg_real regulariser[EG_DIM];
  eg_full_gradient(p, u, x, g);
  eg_regulariser_gradient(p, u->staged, x, regulariser);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real mean = g[k] - regulariser[k], rest = eg_mad(-mean, mean, share * acc[EG_DIM + k]);
    noise[k] = u->noise_scale * eg_mad(acc[2 * EG_DIM], mean, -acc[k]);
    variance[k] = rest > 0 ? rest : (eg_real)0; /* below 0 by rounding */
  }
}

EG_FN void eg_end_rmsprop_sde_data(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc) {
  eg_real g[EG_DIM], noise[EG_DIM], variance[EG_DIM];
  eg_sde_of_rows(p, u, x, acc, g, noise, variance);
  eg_move_rmsprop_sde(u, x, g, noise, variance);
}

EG_FN void eg_begin_adam_sde_data(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc) {
  eg_begin_rmsprop_sde_data(p, u, x, acc);
}

EG_FN void eg_add_adam_sde_data(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row, eg_real z, eg_real *acc) {
  eg_add_rmsprop_sde_data(p, u, x, row, z, acc);
}

EG_FN void eg_end_adam_sde_data(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc) {
  eg_real g[EG_DIM], noise[EG_DIM], variance[EG_DIM];
  eg_sde_of_rows(p, u, x, acc, g, noise, variance);
  eg_move_adam_sde(u, x, g, noise, variance);
}

/* acc = (sum_j xi_j s_j, sum_j s_j, sum_j xi_j) */
EG_FN void eg_begin_signsgd_sde_data(const eg_params *p, const eg_uniforms *u, eg_real *x, eg_real *acc) {
  eg_begin_rmsprop_sde_data(p, u, x, acc);
}

EG_FN void eg_add_signsgd_sde_data(const eg_params *p, const eg_uniforms *u, const eg_real *x, eg_row row, eg_real z, eg_real *acc) {
  eg_real g[EG_DIM];
  eg_regulariser_gradient(p, u->staged, x, g);
  eg_add_row_gradient(p, u->staged, x, row, (eg_real)1, g);
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real sign = eg_sign(g[k]);
    acc[k] = eg_mad(z, sign, acc[k]);
    acc[EG_DIM + k] = acc[EG_DIM + k] + sign;
  }
  acc[2 * EG_DIM] = acc[2 * EG_DIM] + z;
}

EG_FN void eg_end_signsgd_sde_data(const eg_params *p, const eg_uniforms *u, eg_real *x, const eg_real *acc) {
  const eg_real share = (eg_real)1 / (eg_real)u->n_rows;
  (void)p;
  EG_UNROLL
  for (int k = 0; k < EG_DIM; k++) {
    const eg_real mean = share * acc[EG_DIM + k];
    x[k] = x[k] + eg_mad(-u->h, mean, u->noise_scale * eg_mad(-acc[2 * EG_DIM], mean, acc[k]));
  }
}
#endif
