/*
 * Exact first and second moments of dynamics whose sample gradient (or drift and diffusion) is affine in x:
 * least squares on finite data, quadratic losses, Ornstein-Uhlenbeck, geometric Brownian motion.
 * Source: the affine engine of stochastic modified flows (arXiv 2302.07125): SGD E L(Z_n) = P^n L(Z_0), SDE
 * E L(Z_T) = exp(T Q) L(Z_0) with L(Z) = (1, Z, Z (x) Z).
 *
 * Independent of the kernels: built from the data and parameters alone. Uses only + - * / sqrt and fixed summation
 * orders, so its results are the same bits on every machine.
 */
#ifndef EG_ORACLE_AFFINE_H
#define EG_ORACLE_AFFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"

enum { EG_AFFINE_MAX_DIM = 48 }; /* points x dimensions */

/* grad R(x) = H x - g0; noise covariance of one sample Sigma(x,y) = sum_c (S_c x + s_c)(S_c y + s_c)^T. For a process
   (is_process) the drift is -(H x - g0) and the noise enters with scale 1 instead of sqrt(learning_rate / batch). */
typedef struct eg_affine_model {
  int dim;
  double *H;       /* (dim, dim) */
  double *g0;      /* (dim) */
  double loss_constant; /* R(x) = x.H x / 2 - g0.x + loss_constant */
  int n_channels;
  double *S;       /* (n_channels, dim, dim) */
  double *s;       /* (n_channels, dim) */
  bool is_process;
} eg_affine_model;

/* Finite least squares R(x) = 1/(2N) sum_j (a_j.x - y_j)^2 + ridge |x|^2 / 2, uniform p_j = 1/N.
   inputs (n_rows, dim), target (n_rows). Channels: S_j = (H_data - a_j a_j^T)/sqrt(N), s_j = (y_j a_j - g0)/sqrt(N). */
EG_NODISCARD eg_status eg_affine_least_squares(eg_context *ctx, size_t n_rows, int dim, const double *inputs,
                                               const double *target, double ridge, eg_affine_model *out);
/* Sample gradients a_j x - b_j, equally likely, one component; ridge in the mean only. */
EG_NODISCARD eg_status eg_affine_sample_quadratic(eg_context *ctx, size_t n_rows, const double *a, const double *b,
                                                  double ridge, eg_affine_model *out);
/* Population least squares R(x) = E (a.x - y)^2 / 2, a ~ N(0, diag(variance)), y = a.optimum + label_noise eps. Channels of
   dim (dim + 1) / 2 + dim: A^{1/2} (W A^{1/2} (x - optimum) + label_noise zeta) with W a symmetric Gaussian matrix,
   E W_ij^2 = 1 + (i == j) (Isserlis' theorem; arXiv 2302.07125, online Gaussian regression). */
EG_NODISCARD eg_status eg_affine_gaussian_least_squares(eg_context *ctx, int dim, const double *variance,
                                                        const double *optimum, double label_noise,
                                                        eg_affine_model *out);
/* Quadratic R = sum_k h_k (x_k - c_k)^2 / 2, independent Gaussian gradient noise: per component k an additive channel of
   standard deviation `additive[k]` and a multiplicative one `multiplicative[k]` (x_k - c_k). */
EG_NODISCARD eg_status eg_affine_quadratic(eg_context *ctx, int dim, const double *curvature, const double *centre,
                                           const double *additive, const double *multiplicative,
                                           eg_affine_model *out);
/* dx = -rate (x - mean) dt + sigma dW, one component. */
EG_NODISCARD eg_status eg_affine_ornstein_uhlenbeck(eg_context *ctx, double rate, double mean, double sigma,
                                                    eg_affine_model *out);
/* dx = mu x dt + sigma x dW, one component. */
EG_NODISCARD eg_status eg_affine_geometric_brownian_motion(eg_context *ctx, double mu, double sigma,
                                                           eg_affine_model *out);
void eg_affine_free(eg_affine_model *model);

/* The same drift with Gaussian noise of covariance (loss R(x) + level) root root^T, root (dim, dim) lower triangular: with
   H = S S^T, S w = g0, R = |S^T x - w|^2 / 2 + r, so the channels are root_i (S^T x - w)_k and root_i. *is_closed is false,
   and `out` empty, where the bracket is negative somewhere or H is not positive semidefinite. */
EG_NODISCARD eg_status eg_affine_root_noise(eg_context *ctx, const eg_affine_model *model, const double *root, double loss,
                                            double level, bool *is_closed, eg_affine_model *out);
/* Least squares on rows (inputs, target as for eg_affine_least_squares, of which `model` is the noiseless case) whose every
   draw has fresh normal noise of standard deviations u on the inputs and v on the target: the gradient of a draw is
   (a + n)((a + n).x - y - e). Its mean has H + u^2 I; its covariance is a sum over affine channels, since odd moments of n
   vanish and n n^T - u^2 I has that of u^2 times a symmetric Gaussian matrix. */
EG_NODISCARD eg_status eg_affine_row_noise(eg_context *ctx, const eg_affine_model *model, size_t n_rows,
                                           const double *inputs, const double *target, double input_noise,
                                           double label_noise, eg_affine_model *out);
/* Sum over the channels at x: the covariance of the gradient of one sample, (dim, dim). */
void eg_affine_covariance(const eg_affine_model *model, const double *x, double *covariance);

/* A chain with a velocity on an affine model, as an affine map of z = (x, v):
     g = grad + noise + weight_decay x,  v' = momentum v + new_weight g,  d = lookahead g + velocity_weight v',
     x' = (1 - h decay) x - h d.
   `out` has dimension 2 dim and is advanced by the Euler-Maruyama scheme with step h: z' = z - h (H z - g0) + noise has
   the chain's first and second moments, with any batch size and, SVAG(l) having h = learning_rate / l and l times the
   noise covariance, for any l (arXiv 2102.12470). Its loss is that of no model. */
typedef struct eg_affine_chain {
  double momentum, new_weight, lookahead, velocity_weight, weight_decay, decay;
} eg_affine_chain;
EG_NODISCARD eg_status eg_affine_chain_lift(eg_context *ctx, const eg_affine_model *model, const eg_affine_chain *chain,
                                            double h, eg_affine_model *out);

/* The Langevin equation of a chain with momentum beta (kernels/steppers/langevin.h) as a process of (x, v):
     dx = v dt,  dv = -(2/(eta (1 + beta))) (grad + weight_decay x + (1 - beta) v) dt + 2/((1 + beta) sqrt(eta B)) noise(x) dW. */
typedef struct eg_affine_langevin {
  double learning_rate, batch_size, momentum, weight_decay;
  double start_velocity; /* v = -start_velocity (grad + weight_decay x) to begin with */
} eg_affine_langevin;
EG_NODISCARD eg_status eg_affine_langevin_lift(eg_context *ctx, const eg_affine_model *model,
                                               const eg_affine_langevin *langevin, eg_affine_model *out);
/* First and second moments of (x, v) at the start from those of x: mean (dim), second (dim, dim) to wide_mean (2 dim),
   wide_second (2 dim, 2 dim). */
void eg_affine_langevin_start(const eg_affine_model *model, const eg_affine_langevin *langevin, const double *mean,
                              const double *second, double *wide_mean, double *wide_second);

typedef enum eg_law {
  EG_LAW_SGD,            /* the chain, batch with replacement */
  EG_LAW_GRADIENT_FLOW,  /* dx = -grad R dt */
  EG_LAW_SDE1,           /* sme1, smf1, or a process: drift -grad R */
  EG_LAW_SDE2            /* sme2, smf2: drift -(I + learning_rate/2 H) grad R */
} eg_law;

/* How the law is advanced: exactly, or by a scheme with step h = learning_rate / substeps (one noise draw per h with
   the right covariance; the one-step second-moment map is exact for that scheme whatever the third moments). */
typedef enum eg_affine_scheme {
  EG_AFFINE_EXACT,           /* the law itself (chains: the chain) */
  EG_AFFINE_EULER_MARUYAMA,  /* x' = x + h b(x) + sqrt(h) noise(x) */
  EG_AFFINE_STRANG,          /* exact drift flow h/2, noise at that point, exact drift flow h/2 */
  EG_AFFINE_MILSTEIN,        /* the rest: affine_schemes.h */
  EG_AFFINE_HEUN,
  EG_AFFINE_SRK2,
  EG_AFFINE_BAOAB            /* of (x, v): kernels/steppers/langevin.h */
} eg_affine_scheme;

typedef struct eg_affine_setting {
  eg_law law;
  eg_affine_scheme scheme;
  double learning_rate;   /* step of the chain; of a process: the time step */
  double batch_size;      /* noise covariance divided by it; 1 for a process */
  int substeps;
} eg_affine_setting;

/**
 * Moments of m points moved by one realisation, after steps[i] steps of length learning_rate, i < n_times.
 *
 * start_mean   (m dim)        E Z_0, points stacked
 * start_second (m dim, m dim) E Z_0 Z_0^T
 * steps        (n_times), increasing; 0 allowed
 * mean         out (n_times, m dim)
 * second       out (n_times, m dim, m dim)
 *
 * Fails with EG_ERR_USAGE if m dim > 48. A second moment that grows beyond the doubles is returned as infinity.
 */
EG_NODISCARD eg_status eg_affine_moments(eg_context *ctx, const eg_affine_model *model,
                                         const eg_affine_setting *setting, int m, const double *start_mean,
                                         const double *start_second, size_t n_times, const uint64_t *steps,
                                         double *mean, double *second);

/* E R(x) from first and second moments of one point. */
double eg_affine_loss(const eg_affine_model *model, const double *mean, const double *second);
/* E |grad R(x)|^2 likewise. */
double eg_affine_gradient_norm2(const eg_affine_model *model, const double *mean, const double *second);

/* Largest learning rate at which the chain (batch with replacement) is stable in mean square: the spectral radius of
   the second-moment map is 1 there. Bisection on powers of the map, relative accuracy 1e-3; +infinity if never
   unstable, 0 if unstable at every rate. */
EG_NODISCARD eg_status eg_affine_stability_limit(eg_context *ctx, const eg_affine_model *model, double batch_size,
                                                 double *learning_rate);

/* x(h) = M x + v solves dx = -(I + c H)(H x - g0) dt over time t (c = learning_rate/2 for sme2, else 0):
   M (dim, dim), v (dim). Staged for the kernels of affine models. */
EG_NODISCARD eg_status eg_affine_flow(eg_context *ctx, const eg_affine_model *model, double correction, double t,
                                      double *M, double *v);

#endif
