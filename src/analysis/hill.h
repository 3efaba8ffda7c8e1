/* Exponents of tails from the largest values of a sample. Pure functions on arrays; docs/statistics.md. */
#ifndef EG_ANALYSIS_HILL_H
#define EG_ANALYSIS_HILL_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Hill's estimate (Annals of Statistics 3, 1163, 1975) of alpha in P(X > x) ~ x^-alpha from the k largest values:
 * 1 / alpha = mean over i < k of log(x_i / x_k).
 *
 * x   largest values, descending, at least k + 1, all > 0
 * Returns alpha; its standard error is alpha / sqrt(k) where the tail is a power law. NaN where all k + 1 are equal.
 */
double eg_hill(const double *x, size_t k);

/**
 * Kolmogorov's distance of the k log-excesses log(x_i / x_k), i < k, from an exponential law of their own mean, as Stephens
 * modifies it (JASA 69, 730, 1974): (D - 0.2 / k) (sqrt k + 0.26 + 0.5 / sqrt k), which exceeds 1.094 with probability 0.05.
 */
double eg_hill_distance(const double *x, size_t k);

/* Do the k largest look like a power law: the distance at most 1.094, and Hill's estimates from k and k / 4 values within
   1.96 of the error of their difference (the log-excesses over order statistics are independent: Renyi). */
bool eg_is_power_law(const double *x, size_t k);

enum { EG_HILL_LEAST = 50, EG_HILL_PART = 8 };
/**
 * How many of the largest values to take: an eighth of the longest stretch k >= 50 (about ten a decade, and the whole list) that looks
 * like a power law. What the test does not see yet at k biases the estimate by about an error bar there; an eighth of it has
 * an error bar 2.8 times as long and less bias. 0: no stretch does.
 */
size_t eg_hill_choose(const double *x, size_t n);

/* Stretch i = 0, 1, ..: about ten a decade from 10 on. */
size_t eg_hill_stretch(size_t i);

#endif
