/*
 * Weak order: how fast |E f(run) - E f(reference)| falls with the learning rate.
 *   (a) local slopes between neighbouring learning rates, with errors;
 *   (b) fits err = c eta^p (1 + c' eta), p = 1, 2, 3, by weighted least squares, with chi^2;
 *   (c) a verdict: "order p" for the smallest p that fits, or "noise dominated".
 */
#ifndef EG_ANALYSIS_WEAK_ERROR_H
#define EG_ANALYSIS_WEAK_ERROR_H

#include <stdbool.h>
#include <stddef.h>

enum { EG_WEAK_MAX_ORDER = 3, EG_WEAK_MAX_POINTS = 64 };

/* Verdicts that are no order. Noise dominated: the error bars leave no order, or several, to choose from. No
   order fits: the errors are significant, and orders 1 to 3 are excluded. Too few: fewer than 3 points with
   finite error and known error bar. */
enum { EG_WEAK_NOISE_DOMINATED = 0, EG_WEAK_NO_ORDER_FITS = -1, EG_WEAK_TOO_FEW = -2 };

typedef struct eg_weak_fit {
  double c, c_stderr; /* leading coefficient; chi2 and errors count 1/64 of each value as its own error */
  double c1;          /* c' */
  double chi2, dof, p_value;
  size_t n_used; /* the fit used this many of the smallest learning rates */
  bool is_accepted;
} eg_weak_fit;

typedef struct eg_weak_order {
  int verdict;                             /* 1, 2, 3, or EG_WEAK_* */
  eg_weak_fit fits[EG_WEAK_MAX_ORDER + 1]; /* index p; 0 unused */
} eg_weak_order;

/* n learning rates (3 to EG_WEAK_MAX_POINTS, distinct, any order), errors err with independent standard
   errors. Slopes out (n - 1), in order of falling learning rate: slope i between the i-th and (i+1)-th
   largest; NaN where an error has the wrong sign. Rules of acceptance are written down beside the code and in
   docs/. */
void eg_weak_error_fit(size_t n, const double *learning_rate, const double *error, const double *stderr_,
                       double *slope, double *slope_stderr, eg_weak_order *out);

#endif
