/*
 * Escape rates from first crossings with censoring at the end. Pure functions on arrays.
 *
 * With d(t) trajectories crossed by t and R(t) the time that all have spent before crossing, the maximum-likelihood rate of an
 * exponential law in a window is events / time at risk, whatever is censored; the interval is exact for censoring at a
 * fixed time, [chi2_{2d, 0.025}, chi2_{2d+2, 0.975}] / (2 R) (Garwood 1936).
 */
#ifndef EG_ANALYSIS_ESCAPE_H
#define EG_ANALYSIS_ESCAPE_H

#include <stddef.h>

typedef struct eg_escape_fit {
  double events, risk;            /* in the window */
  double rate, rate_stderr, rate_low, rate_high; /* 95 %; rate 0 and an upper end without events */
  double chi2, dof, p_value;      /* of a constant rate: events between observations against their expectation; NaN: too few */
} eg_escape_fit;

/* n observations with crossed trajectories and time at risk up to each, both not falling; the window begins behind
   observation `first` (n_before = crossed by then; first = (size_t)-1: at time 0) and ends with the last one. */
void eg_escape_fit_rate(size_t n, const double *crossed, const double *risk, size_t first, eg_escape_fit *fit);

/* Share of n trajectories that have not crossed: Kaplan and Meier's estimate where nothing is censored before, its
   standard error (Greenwood, here the binomial one), and Wilson's 95 % interval. */
void eg_escape_survival(double n, double crossed, double *share, double *stderr_, double *low, double *high);

/* Counts up to each of n times, none falling: of `started` trajectories, how many left by this exit (events), were stopped by a
   rival exit (rivals), and were lost. */
typedef struct eg_escape_counts {
  size_t n;
  double started;
  const double *events, *rivals, *lost;
} eg_escape_counts;

typedef struct eg_escape_share {
  double share, stderr_, low, high; /* 95 %; NaN: nobody was left to tell */
} eg_escape_share;

/* Two laws of one exit among several, at each of the times.
   survival: Kaplan and Meier's estimate with rivals and losses as censoring, exp(-int rate of this exit): nobody has left by it,
     were it the only one and the exits independent. Within an interval with d leaving of Y at risk, e of them here, the
     factor is (1 - d / Y)^(e / d): exact where the rates keep their ratio (Chiang 1968); error by the delta method, Greenwood's without
     rivals.
   incidence: Aalen and Johansen's estimate of the probability to have left by this exit; rivals make it smaller. Its error is
     binomial where nothing is lost.
   Of those that are lost within an interval half are at risk in it (life tables). Intervals are Wilson's for share (1 - share) / stderr^2 trajectories. */
void eg_escape_curves(const eg_escape_counts *counts, eg_escape_share *survival, eg_escape_share *incidence);

/* Kramers: sqrt(h_min |h_saddle|) / (2 pi) exp(-barrier / D), D half the noise variance per unit time; and the power law for
   noise proportional to the loss (Mori et al. 2022, arXiv 2105.09557): the same prefactor with c^-(1/2 + 1/T), c the ratio of
   the losses at saddle and minimum. */
double eg_escape_kramers(double minimum_curvature, double saddle_curvature, double barrier, double D);
double eg_escape_power_law(double minimum_curvature, double saddle_curvature, double loss_ratio, double temperature);

#endif
