/*
 * The error of a time average from blocks of one or few trajectories (batch means; Flyvbjerg and Petersen, J. Chem. Phys. 91 (1989),
 * 461), and what follows from it. Pure functions.
 *
 * V, the variance of the time average of one trajectory, is that between trajectories where there are at least
 * EG_BETWEEN_TRAJECTORIES of them; else s_b^2 b / n from blocks of b = 2^l samples, mean over the trajectories. The length is the
 * smallest with b^3 > 2 N n g_b^2, g_b = b s_b^2 / s_1^2 (Lee et al., Phys. Rev. E 83 (2011), 066706), N n samples in all. For an
 * exponential correlation of inefficiency g, V is then low by about (2 N n / g)^(-1/3) / 2 of itself, and its relative error
 * sqrt(2 / freedom) is of that size. With several time scales the rule can be met on the plateau of the fast one, so longer blocks
 * with at least 10 degrees of freedom must not exceed V by more than 3 of their relative errors. A time scale that no such block
 * holds stays unseen.
 */
#ifndef EG_ANALYSIS_BATCH_MEANS_H
#define EG_ANALYSIS_BATCH_MEANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EG_BETWEEN_TRAJECTORIES = 64 };

typedef struct eg_batch_data {
  double trajectories;     /* N */
  uint64_t samples;        /* n, of each */
  double between;          /* variance of the time averages over trajectories; NaN for one of them */
  size_t n_levels;
  const double *of_blocks; /* (n_levels): s_b^2 b / n for b = 2^level, mean over the trajectories */
} eg_batch_data;

typedef struct eg_batch_means {
  int level;               /* of the blocks that V is from; -1: V is from between the trajectories */
  bool is_judged;          /* false: the window is too short against the correlation times, V is a lower bound */
  double freedom;          /* degrees, of V; 0: there are too few blocks, and all below is NaN */
  double stderr_;          /* of the mean over all trajectories, sqrt(V / N) */
  double variance;         /* of the sampled quantity: mean s_1^2 (n - 1) / n + V */
  double inefficiency;     /* g = n V / variance = 1 + 2 sum of autocorrelations; half of it is the integrated autocorrelation time */
  double inefficiency_stderr;
} eg_batch_means;

void eg_batch_means_of(const eg_batch_data *data, eg_batch_means *out);

#endif
