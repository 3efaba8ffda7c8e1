#include "analysis/diffusion.h"

#include <math.h>
#include <string.h>

#include "analysis/moments.h"

enum { MOST = EG_DIFFUSION_MOST_LAGS, MOST_TERMS = 4 };
static const double SHRINKAGE = 0.05, REJECTED = 0.01;

/* A window on logarithmic axes. */
typedef struct window {
  size_t n;
  double effective;
  double x[MOST], y[MOST];
  double C[MOST][MOST]; /* covariance of y */
  double L[MOST][MOST]; /* Cholesky factor of C + 0.05 diag C */
} window;

/* Estimated coefficients of a linear model in a window, y = X b. */
typedef struct linear_fit {
  double b[MOST_TERMS], covariance[MOST_TERMS][MOST_TERMS];
  double A[MOST_TERMS][MOST]; /* b = A y */
} linear_fit;

static bool make_window(const eg_diffusion_data *d, size_t first, size_t n, window *w) {
  w->n = n;
  w->effective = d->effective;
  for (size_t i = 0; i < n; i++) {
    const double m = d->msd[first + i];
    if (!(m > 0) || !(d->time[first + i] > 0)) {
      return false;
    }
    for (size_t j = 0; j < n; j++) {
      w->C[i][j] = d->covariance[(first + i) * d->n + first + j] / d->samples / m / d->msd[first + j];
    }
    if (!(w->C[i][i] > 0) || !isfinite(w->C[i][i])) {
      return false;
    }
    w->x[i] = log(d->time[first + i]);
    w->y[i] = log(m) + w->C[i][i] / 2;
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j <= i; j++) {
      double sum = w->C[i][j] * (i == j ? 1 + SHRINKAGE : 1);
      for (size_t k = 0; k < j; k++) {
        sum -= w->L[i][k] * w->L[j][k];
      }
      if (i == j && !(sum > 0)) {
        return false;
      }
      w->L[i][j] = i == j ? sqrt(sum) : sum / w->L[j][j];
    }
  }
  return true;
}

/* v := (C + 0.05 diag C)^-1 v */
static void solve(const window *w, double *v) {
  for (size_t i = 0; i < w->n; i++) {
    for (size_t k = 0; k < i; k++) {
      v[i] -= w->L[i][k] * v[k];
    }
    v[i] /= w->L[i][i];
  }
  for (size_t i = w->n; i-- > 0;) {
    for (size_t k = i + 1; k < w->n; k++) {
      v[i] -= w->L[k][i] * v[k];
    }
    v[i] /= w->L[i][i];
  }
}

/* Inverse of a symmetric positive matrix of at most four rows, by elimination. */
static bool invert(size_t p, double m[MOST_TERMS][MOST_TERMS], double out[MOST_TERMS][MOST_TERMS]) {
  double a[MOST_TERMS][2 * MOST_TERMS] = {{0}};
  for (size_t i = 0; i < p; i++) {
    memcpy(a[i], m[i], p * sizeof a[i][0]);
    a[i][p + i] = 1;
  }
  for (size_t k = 0; k < p; k++) {
    if (!(fabs(a[k][k]) > 0)) {
      return false;
    }
    for (size_t i = 0; i < p; i++) {
      const double f = i == k ? 0 : a[i][k] / a[k][k];
      for (size_t j = 0; j < 2 * p; j++) {
        a[i][j] -= f * a[k][j];
      }
    }
  }
  for (size_t i = 0; i < p; i++) {
    for (size_t j = 0; j < p; j++) {
      out[i][j] = a[i][p + j] / a[i][i];
    }
  }
  return true;
}

/* Weights from an estimated covariance fit its noise: the plain variance of p coefficients from n lags is too small, by
   about this factor (Rao 1967 has (n - p) / N for each of two effects; the shrinkage takes half of it away). */
static double inflation(const window *w, size_t p) {
  return 1 + (double)(w->n - p) / w->effective;
}

/* Generalised least squares of p columns X, errors by the sandwich A C A'. */
static bool fit_linear(const window *w, size_t p, double X[MOST_TERMS][MOST], linear_fit *f) {
  double WX[MOST_TERMS][MOST], information[MOST_TERMS][MOST_TERMS], inverse[MOST_TERMS][MOST_TERMS];
  for (size_t a = 0; a < p; a++) {
    memcpy(WX[a], X[a], w->n * sizeof WX[a][0]);
    solve(w, WX[a]);
  }
  for (size_t a = 0; a < p; a++) {
    for (size_t b = 0; b < p; b++) {
      information[a][b] = 0;
      for (size_t i = 0; i < w->n; i++) {
        information[a][b] += X[a][i] * WX[b][i];
      }
    }
  }
  if (!invert(p, information, inverse)) {
    return false;
  }
  for (size_t a = 0; a < p; a++) {
    f->b[a] = 0;
    for (size_t i = 0; i < w->n; i++) {
      f->A[a][i] = 0;
      for (size_t b = 0; b < p; b++) {
        f->A[a][i] += inverse[a][b] * WX[b][i];
      }
      f->b[a] += f->A[a][i] * w->y[i];
    }
  }
  for (size_t a = 0; a < p; a++) {
    for (size_t b = 0; b < p; b++) {
      f->covariance[a][b] = 0;
      for (size_t i = 0; i < w->n; i++) {
        for (size_t j = 0; j < w->n; j++) {
          f->covariance[a][b] += f->A[a][i] * w->C[i][j] * f->A[b][j];
        }
      }
      f->covariance[a][b] *= inflation(w, p);
    }
  }
  return true;
}

static void power_law_columns(const window *w, double X[MOST_TERMS][MOST]) {
  for (size_t i = 0; i < w->n; i++) {
    X[0][i] = 1;
    X[1][i] = w->x[i];
  }
}

/* Tail probability of the weighted sum of squared residuals: a sum of weighted chi^2 variables, taken as one with their
   mean and variance (Satterthwaite 1946). */
static double misfit(const window *w, const linear_fit *f) {
  double X[MOST_TERMS][MOST], q = 0, mean = 0, variance = 0;
  const size_t n = w->n;
  power_law_columns(w, X);
  double r[MOST], P[MOST][MOST], T[MOST][MOST], column[MOST];
  for (size_t i = 0; i < n; i++) {
    r[i] = w->y[i] - f->b[0] - f->b[1] * w->x[i];
    for (size_t j = 0; j < n; j++) {
      P[i][j] = (i == j ? 1.0 : 0.0) - X[0][i] * f->A[0][j] - X[1][i] * f->A[1][j];
    }
  }
  memcpy(column, r, n * sizeof column[0]);
  solve(w, column);
  for (size_t i = 0; i < n; i++) {
    q += r[i] * column[i];
  }
  q /= inflation(w, 2);
  for (size_t i = 0; i < n; i++) { /* T = P C */
    for (size_t j = 0; j < n; j++) {
      T[i][j] = 0;
      for (size_t k = 0; k < n; k++) {
        T[i][j] += P[i][k] * w->C[k][j];
      }
    }
  }
  double V[MOST][MOST]; /* columns of W P C P' */
  for (size_t j = 0; j < n; j++) {
    for (size_t i = 0; i < n; i++) {
      column[i] = 0;
      for (size_t k = 0; k < n; k++) {
        column[i] += T[i][k] * P[j][k];
      }
    }
    solve(w, column);
    for (size_t i = 0; i < n; i++) {
      V[i][j] = column[i];
    }
  }
  for (size_t i = 0; i < n; i++) {
    mean += V[i][i];
    for (size_t j = 0; j < n; j++) {
      variance += 2 * V[i][j] * V[j][i];
    }
  }
  return mean > 0 && variance > 0 ? eg_chi2_tail(2 * mean / variance * q, 2 * mean * mean / variance) : NAN;
}

static bool fit_power_law(const eg_diffusion_data *d, size_t first, size_t n, window *w, linear_fit *f) {
  double X[MOST_TERMS][MOST];
  if (n < EG_DIFFUSION_LEAST_LAGS || !make_window(d, first, n, w)) {
    return false;
  }
  power_law_columns(w, X);
  return fit_linear(w, 2, X, f);
}

double eg_diffusion_exponent(const eg_diffusion_data *d, size_t first, size_t n) {
  window w;
  linear_fit f;
  return fit_power_law(d, first, n, &w, &f) ? f.b[1] : NAN;
}

static void broken_columns(const window *w, double knot, double X[MOST_TERMS][MOST]) {
  power_law_columns(w, X);
  for (size_t i = 0; i < w->n; i++) {
    X[2][i] = fmax(0, w->x[i] - knot);
  }
}

/* Weighted sum of squared residuals of the broken power law with its knot at `knot` (ln t). */
static double broken_misfit(const window *w, double knot) {
  double X[MOST_TERMS][MOST], r[MOST], weighted[MOST], sum = 0;
  linear_fit f;
  broken_columns(w, knot, X);
  if (!fit_linear(w, 3, X, &f)) {
    return INFINITY;
  }
  for (size_t i = 0; i < w->n; i++) {
    r[i] = weighted[i] = w->y[i] - f.b[0] * X[0][i] - f.b[1] * X[1][i] - f.b[2] * X[2][i];
  }
  solve(w, weighted);
  for (size_t i = 0; i < w->n; i++) {
    sum += r[i] * weighted[i];
  }
  return sum;
}

/* The knot that fits best: at a lag, then between its neighbours by golden section. */
static double best_knot(const window *w) {
  static const double golden = 0.61803398874989485;
  size_t best = 2;
  double least = INFINITY;
  for (size_t knot = 2; knot + 3 <= w->n; knot++) {
    const double q = broken_misfit(w, w->x[knot]);
    if (q < least) {
      least = q;
      best = knot;
    }
  }
  double a = w->x[best - 1], z = w->x[best + 1], c = z - golden * (z - a), d = a + golden * (z - a);
  double at_c = broken_misfit(w, c), at_d = broken_misfit(w, d);
  for (int i = 0; i < 40; i++) {
    if (at_c < at_d) {
      z = d;
      d = c;
      at_d = at_c;
      c = z - golden * (z - a);
      at_c = broken_misfit(w, c);
    } else {
      a = c;
      c = d;
      at_c = at_d;
      d = a + golden * (z - a);
      at_d = broken_misfit(w, d);
    }
  }
  return fmin(at_c, at_d) < least ? (c + d) / 2 : w->x[best];
}

/* The broken power law with its knot free: at the best one, moved by d, y changes by -b d behind it, b the change of the exponent,
   so that a fourth column gives the knot an error and the others theirs (Muggeo, Statist. Med. 22 (2003), 3055). */
static void fit_crossover(const window *w, eg_diffusion_fit *out) {
  double X[MOST_TERMS][MOST], knot = best_knot(w);
  linear_fit f;
  broken_columns(w, knot, X);
  if (!fit_linear(w, 3, X, &f)) {
    return;
  }
  out->crossover_time = exp(knot);
  out->exponent_before = f.b[1];
  out->exponent_after = f.b[1] + f.b[2];
  for (size_t i = 0; i < w->n; i++) {
    X[3][i] = w->x[i] > knot ? -f.b[2] : 0;
  }
  if (!fit_linear(w, 4, X, &f)) {
    return;
  }
  const double(*const C)[MOST_TERMS] = (const double(*)[MOST_TERMS])f.covariance;
  out->crossover_time_stderr = out->crossover_time * sqrt(C[3][3]);
  out->exponent_before_stderr = sqrt(C[1][1]);
  out->exponent_after_stderr = sqrt(C[1][1] + 2 * C[1][2] + C[2][2]);
}

/* Significance of a continuous broken power law against one: the largest of all knots at lags, which counts as one of so many
   tries; and the one that fits best. */
static void find_crossover(const window *w, double nu, eg_diffusion_fit *out) {
  double X[MOST_TERMS][MOST], largest = -1;
  size_t tries = 0;
  for (size_t knot = 2; knot + 3 <= w->n; knot++) {
    linear_fit f;
    broken_columns(w, w->x[knot], X);
    if (!fit_linear(w, 3, X, &f) || !(f.covariance[2][2] > 0)) {
      continue;
    }
    tries++;
    largest = fmax(largest, fabs(f.b[2]) / sqrt(f.covariance[2][2]));
  }
  if (tries > 0) {
    out->crossover_p_value = fmin(1, (double)tries * eg_student_tail(largest, nu));
    fit_crossover(w, out);
  }
}

/* The longest window, on the logarithmic axis, that a power law fits; of equal ones the later. */
static bool shorten(const eg_diffusion_data *d, size_t first, size_t n, window *w, linear_fit *f, size_t *at, size_t *length) {
  double longest = log(2.0); /* less says nothing about a power law */
  bool is_found = false;
  for (size_t i = first; i < first + n; i++) {
    for (size_t k = first + n; k >= i + EG_DIFFUSION_LEAST_LAGS + 1; k--) {
      const double extent = log(d->time[k - 1] / d->time[i]);
      if (extent < longest) {
        break;
      }
      if (fit_power_law(d, i, k - i, w, f) && misfit(w, f) >= 5 * REJECTED) {
        longest = extent;
        *at = i;
        *length = k - i;
        is_found = true;
        break;
      }
    }
  }
  return is_found && fit_power_law(d, *at, *length, w, f);
}

/* The line through the ends of the window, y = b0 + b1 x. */
static void fit_ends(const window *w, linear_fit *f) {
  const size_t z = w->n - 1;
  const double length = w->x[z] - w->x[0];
  const double A[2][2] = {{w->x[z] / length, -w->x[0] / length}, {-1 / length, 1 / length}}; /* b = A (y_0, y_z) */
  for (size_t a = 0; a < 2; a++) {
    f->b[a] = A[a][0] * w->y[0] + A[a][1] * w->y[z];
    for (size_t b = 0; b < 2; b++) {
      f->covariance[a][b] = A[a][0] * A[b][0] * w->C[0][0] + A[a][1] * A[b][1] * w->C[z][z] +
                            (A[a][0] * A[b][1] + A[a][1] * A[b][0]) * w->C[0][z];
    }
  }
}

static void fill_fit(const eg_diffusion_data *d, const window *w, const linear_fit *f, eg_diffusion_fit *out) {
  const bool has_error = d->samples >= EG_DIFFUSION_LEAST_PATHS;
  const double quantile = has_error ? eg_student_quantile(0.05, fmax(1, d->effective - 1)) : NAN;
  const size_t last = w->n - 1;
  const double length = w->x[last] - w->x[0];
  const double error = has_error ? sqrt(f->covariance[1][1]) : NAN, log_error = has_error ? sqrt(f->covariance[0][0]) : NAN;
  out->exponent = f->b[1];
  out->exponent_stderr = error;
  out->exponent_low = f->b[1] - quantile * error;
  out->exponent_high = f->b[1] + quantile * error;
  out->prefactor = exp(f->b[0]);
  out->prefactor_stderr = out->prefactor * log_error;
  out->prefactor_low = exp(f->b[0] - quantile * log_error);
  out->prefactor_high = exp(f->b[0] + quantile * log_error);
  out->two_point = (w->y[last] - w->y[0]) / length;
  out->two_point_stderr = has_error ? sqrt(w->C[0][0] + w->C[last][last] - 2 * w->C[0][last]) / length : NAN;
  double mean_x = 0, mean_y = 0, xx = 0, xy = 0, rest = 0;
  for (size_t i = 0; i < w->n; i++) {
    mean_x += w->x[i] / (double)w->n;
    mean_y += w->y[i] / (double)w->n;
  }
  for (size_t i = 0; i < w->n; i++) {
    xx += (w->x[i] - mean_x) * (w->x[i] - mean_x);
    xy += (w->x[i] - mean_x) * (w->y[i] - mean_y);
  }
  out->naive = xy / xx;
  for (size_t i = 0; i < w->n; i++) {
    const double r = w->y[i] - mean_y - out->naive * (w->x[i] - mean_x);
    rest += r * r;
  }
  out->naive_stderr = sqrt(rest / (double)(w->n - 2) / xx);
}

void eg_diffusion_fit_window(const eg_diffusion_data *d, size_t first, size_t n, bool may_shorten, eg_diffusion_fit *out) {
  window w;
  linear_fit f;
  *out = (eg_diffusion_fit){.verdict = EG_DIFFUSION_TOO_FEW,
                            .first = first,
                            .exponent = NAN, .exponent_stderr = NAN, .exponent_low = NAN, .exponent_high = NAN,
                            .prefactor = NAN, .prefactor_stderr = NAN, .prefactor_low = NAN, .prefactor_high = NAN,
                            .p_value = NAN, .p_value_asked = NAN,
                            .crossover_time = NAN, .exponent_before = NAN, .exponent_after = NAN, .crossover_p_value = NAN,
                            .crossover_time_stderr = NAN, .exponent_before_stderr = NAN, .exponent_after_stderr = NAN,
                            .two_point = NAN, .two_point_stderr = NAN, .naive = NAN, .naive_stderr = NAN};
  if (!fit_power_law(d, first, n, &w, &f)) {
    return;
  }
  out->n_used = n;
  if (d->samples < EG_DIFFUSION_PATHS_OF_A_LAG * (double)n) {
    out->verdict = EG_DIFFUSION_TOO_FEW_PATHS;
    fit_ends(&w, &f);
    fill_fit(d, &w, &f, out);
    return;
  }
  out->p_value = out->p_value_asked = misfit(&w, &f);
  find_crossover(&w, fmax(1, d->effective - 1), out);
  out->verdict = !(out->p_value < REJECTED)             ? EG_DIFFUSION_POWER
                 : out->crossover_p_value < REJECTED ? EG_DIFFUSION_CROSSOVER
                                                     : EG_DIFFUSION_CURVED;
  window shorter;
  linear_fit shorter_fit;
  size_t at = first, length = n;
  if (out->verdict != EG_DIFFUSION_POWER && may_shorten && shorten(d, first, n, &shorter, &shorter_fit, &at, &length)) {
    out->first = at;
    out->n_used = length;
    out->is_chosen = true;
    out->p_value = misfit(&shorter, &shorter_fit);
    fill_fit(d, &shorter, &shorter_fit, out);
    return;
  }
  fill_fit(d, &w, &f, out);
}
