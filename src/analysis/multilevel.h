/*
 * Multilevel Monte Carlo (Giles, Acta Numerica 24 (2015), 259): E P_L = E P_0 + sum of E (P_l - P_l-1), each term from
 * realisations of its own, fine and coarse on one noise. Pure functions of the sums of each level.
 */
#ifndef EG_ANALYSIS_MULTILEVEL_H
#define EG_ANALYSIS_MULTILEVEL_H

#include <stdbool.h>

#include "analysis/moments.h"

typedef struct eg_level {
  eg_moments correction;   /* P_0, or fine - coarse */
  eg_moments fine, coarse; /* coarse unused at level 0 */
  double cost;             /* of one realisation of the pair .. */
  double fine_cost;        /* .. and of its fine member alone */
  bool can_grow;           /* fewer realisations than there can be */
} eg_level;

typedef struct eg_multilevel {
  eg_estimate mean; /* of the finest level */
  double alpha,
      alpha_stderr;         /* |E (P_l - P_l-1)| ~ ratio^(-alpha l), over the levels above 0; NaN with fewer than two */
  double beta, beta_stderr; /* Var (P_l - P_l-1) ~ ratio^(-beta l) */
  double gamma;             /* cost ~ ratio^(gamma l) */
  double bias;     /* of the finest level by extrapolation of the last three corrections, alpha taken as at least 1/2 */
  double root_mean_square_error; /* sqrt(stderr^2 + bias^2) */
  double kurtosis; /* largest of a correction; above 100 its variance, and with it the error, is not to be trusted */
  double inconsistency; /* largest |z| of coarse mean of level l against fine mean of level l - 1: independent, so one
                           law */
  double cost;          /* all realisations */
  double gain;          /* what the finest level alone would cost for the same error, over `cost` */
} eg_multilevel;

void eg_multilevel_estimate(size_t n, const eg_level *levels, double ratio, eg_multilevel *out);

/* Variance of the estimate: sum of variance / realisations. */
double eg_multilevel_variance(size_t n, const eg_level *levels);

/* The level that should be doubled next: the first with fewer than 250 effective samples (none, where all
   its values are equal), else, as long as the variance
   exceeds `most`, the one where variance falls most for its cost, largest variance / (realisations^2 cost). n: none,
   all is done, or no level can grow. */
size_t eg_multilevel_next(size_t n, const eg_level *levels, double most);

#endif
