/*
 * Exact moments of M particles that all move by the same displacement, an affine function of their average m (linear
 * neurons in mean-field scaling: arXiv 2302.07125, section 4). The average obeys the affine dynamics of one point
 * (oracle/affine.h) at any M, and x_i - m never changes. So M enters through the start alone: with independent particles of
 * variance s^2 per component, m starts with variance s^2 / M, and E 1/M sum_i (x_i - m)^2 = s^2 (1 - 1/M) for ever.
 */
#ifndef EG_ORACLE_MEAN_FIELD_H
#define EG_ORACLE_MEAN_FIELD_H

/* Variance of a component of the average at the start. */
static inline double eg_mean_field_variance(double n_particles, double start_variance) {
  return start_variance / n_particles;
}

/* Expected mean square distance of a component of the particles from their average, at all times. */
static inline double eg_mean_field_spread(double n_particles, double start_variance) {
  return start_variance * (1.0 - 1.0 / n_particles);
}

#endif
