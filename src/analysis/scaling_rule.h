/*
 * Necessary conditions for modelling SGD by an SDE, and for scaling the learning rate with the batch (Li, Malladi,
 * Arora, arXiv 2102.12470, section on necessary conditions; the bounds as derived from the balance of |x|^2 in a
 * stationary law). R = E |x|^2, G = E |grad R(x)|^2, N = E tr of the covariance of a batch's gradient, nu = N / G. Two
 * processes are C-close when R, G and N agree within factors of 1/C to C. Necessary, never sufficient.
 */
#ifndef EG_ANALYSIS_SCALING_RULE_H
#define EG_ANALYSIS_SCALING_RULE_H

/* Smallest C with which the SDE can be close to the chain: sqrt(1 + G / N). */
double eg_scaling_sde_least(double nu);
/* Largest factor of batch and learning rate together that can keep C-closeness: C^2 (1 + nu) - nu, nu at the smaller
 * batch. */
double eg_scaling_most_kappa(double closeness, double nu);
/* Smallest C that a factor kappa needs: sqrt((kappa + nu) / (1 + nu)); its square is the ratio of R where G and kappa N
 * do not move. */
double eg_scaling_least(double kappa, double nu);
/* Largest of ratio and 1 / ratio over n ratios; NaN if one is. */
double eg_scaling_closeness(int n, const double *ratios);

enum { EG_SCALING_NONE = 0, EG_SCALING_LINEAR = 1, EG_SCALING_SQUARE_ROOT = 2, EG_SCALING_BASE = 3 };
/* Which rule takes (rate, batch) to (rate x rates, batch x kappa). */
int eg_scaling_rule_of(double kappa, double rates);

#endif
