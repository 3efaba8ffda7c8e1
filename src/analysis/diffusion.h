/*
 * The diffusion exponent: M(t) = D t^alpha from mean squared displacements at correlated lags. Pure functions on arrays.
 *
 * y_i = ln M_i + C_ii / 2 (the second term takes the bias of the logarithm away), C_ij = S_ij / (N M_i M_j) the covariance of
 * the y from that of one trajectory, S. Generalised least squares on ln t with weights (C + 0.05 diag C)^-1: the shrinkage
 * costs little and keeps an estimated C invertible. The error is that of these weights under C itself (sandwich),
 * enlarged for the estimated weights, its interval Student's with as many degrees of freedom as the tails leave effective samples. How the 95 % interval covers:
 * docs/statistics.md.
 *
 * Fewer than EG_DIFFUSION_PATHS_OF_A_LAG trajectories for each lag do not know the covariance of the lags: the weights would follow its
 * noise, and the interval would hold the truth far too seldom (8 trajectories, 21 lags: 20 % of the time). The exponent is the slope
 * between the ends of the window then, which needs three numbers of C alone, and there is no verdict.
 */
#ifndef EG_ANALYSIS_DIFFUSION_H
#define EG_ANALYSIS_DIFFUSION_H

#include <stdbool.h>
#include <stddef.h>

enum { EG_DIFFUSION_MOST_LAGS = 64, EG_DIFFUSION_LEAST_LAGS = 4, EG_DIFFUSION_PATHS_OF_A_LAG = 5, EG_DIFFUSION_LEAST_PATHS = 8 };

/* One power law fits; it does not, but two with a crossover do better; no power law fits; too few lags to say anything; too few
   trajectories for so many lags: the numbers are of the ends of the window. */
enum {
  EG_DIFFUSION_POWER = 1,
  EG_DIFFUSION_CROSSOVER = 2,
  EG_DIFFUSION_CURVED = 0,
  EG_DIFFUSION_TOO_FEW = -1,
  EG_DIFFUSION_TOO_FEW_PATHS = -2
};

typedef struct eg_diffusion_data {
  size_t n;                 /* lags, at most EG_DIFFUSION_MOST_LAGS */
  const double *time;       /* (n), increasing, positive */
  const double *msd;        /* (n) */
  const double *covariance; /* (n, n), of one trajectory */
  double samples;           /* trajectories, N */
  double effective;         /* samples that the tails leave of them, mean over the lags */
} eg_diffusion_data;

typedef struct eg_diffusion_fit {
  int verdict;              /* EG_DIFFUSION_* of the window asked for */
  size_t first, n_used;     /* the window of the fit */
  bool is_chosen;           /* it is shorter than asked for: the longest one that a power law fits */
  double exponent, exponent_stderr, exponent_low, exponent_high; /* 95 % */
  double prefactor, prefactor_stderr, prefactor_low, prefactor_high;
  double p_value;           /* of the misfit in the window of the fit */
  double p_value_asked;     /* of the misfit in the window asked for */
  double crossover_time, exponent_before, exponent_after, crossover_p_value; /* in the window asked for */
  double crossover_time_stderr, exponent_before_stderr, exponent_after_stderr;
  double two_point, two_point_stderr; /* from the ends of the window */
  double naive, naive_stderr; /* ordinary least squares, lags taken as independent: a warning */
} eg_diffusion_fit;

/* Fit lags first .. first + n - 1. May the window be shortened where one power law is rejected (p < 0.01)? All numbers
   are NaN where fewer than EG_DIFFUSION_LEAST_LAGS lags have a positive mean and an error, error bars below EG_DIFFUSION_LEAST_PATHS
   trajectories. */
void eg_diffusion_fit_window(const eg_diffusion_data *data, size_t first, size_t n, bool may_shorten, eg_diffusion_fit *fit);

/* The exponent alone, in a fixed window: for the jackknife. */
double eg_diffusion_exponent(const eg_diffusion_data *data, size_t first, size_t n);

#endif
