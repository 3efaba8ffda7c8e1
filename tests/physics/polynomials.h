/*
 * Expectations of polynomials under a step whose outcomes are affine maps (outcomes.h), or under the equation whose drift and
 * noise a step of Euler-Maruyama shows: the polynomials up to a degree are a space that both map to itself. Two variables: the
 * components of a point, or two points in one dimension; one variable: the second is 1.
 */
#ifndef EG_TESTS_POLYNOMIALS_H
#define EG_TESTS_POLYNOMIALS_H

#include "oracle/dense.h"
#include "outcomes.h"

enum { MOST_MONOMIALS = 15 };

typedef struct polynomials {
  int n, degree, is_pair; /* is_pair: two points in one dimension */
  int power[MOST_MONOMIALS][2];
  size_t coordinate[MOST_MONOMIALS][2]; /* of lattice point g, variable a, in the outcomes */
  double at[MOST_MONOMIALS][2];
  double inverse[MOST_MONOMIALS * MOST_MONOMIALS]; /* of the monomials at the lattice points */
  double start[2 * MOST_MONOMIALS];                /* what the study starts from */
  size_t n_points, dim;
} polynomials;

static inline double monomial(const polynomials *p, int k, double x, double y) {
  return pow(x, p->power[k][0]) * pow(y, p->power[k][1]);
}

/* Derivative of order (i, j) of monomial k. */
static inline double monomial_slope(const polynomials *p, int k, int i, int j, double x, double y) {
  double factor = 1;
  const int a = p->power[k][0], b = p->power[k][1];
  for (int m = 0; m < i; m++) {
    factor *= a - m;
  }
  for (int m = 0; m < j; m++) {
    factor *= b - m;
  }
  return factor == 0 ? 0 : factor * pow(x, a - i) * pow(y, b - j);
}

static inline void invert(int n, double *A, double *out) { /* Gauss-Jordan with pivots */
  for (int i = 0; i < n * n; i++) {
    out[i] = i % (n + 1) == 0 ? 1 : 0;
  }
  for (int c = 0; c < n; c++) {
    int pivot = c;
    for (int r = c + 1; r < n; r++) {
      pivot = fabs(A[r * n + c]) > fabs(A[pivot * n + c]) ? r : pivot;
    }
    for (int k = 0; k < n; k++) {
      const double a = A[c * n + k], b = out[c * n + k];
      A[c * n + k] = A[pivot * n + k];
      A[pivot * n + k] = a;
      out[c * n + k] = out[pivot * n + k];
      out[pivot * n + k] = b;
    }
    const double scale = A[c * n + c];
    for (int k = 0; k < n; k++) {
      A[c * n + k] /= scale;
      out[c * n + k] /= scale;
    }
    for (int r = 0; r < n; r++) {
      const double f = A[r * n + c];
      for (int k = 0; r != c && k < n; k++) {
        A[r * n + k] -= f * A[c * n + k];
        out[r * n + k] -= f * out[c * n + k];
      }
    }
  }
}

/* Lattice around centre; vars 1 or 2. */
static inline polynomials polynomials_of(int vars, int degree, bool is_pair, double centre_x, double centre_y) {
  polynomials p = {.degree = degree, .is_pair = is_pair, .dim = vars == 2 && !is_pair ? 2 : 1};
  double V[MOST_MONOMIALS * MOST_MONOMIALS];
  for (int i = 0; i <= degree; i++) {
    for (int j = 0; j <= (vars == 2 ? degree - i : 0); j++, p.n++) {
      p.power[p.n][0] = i;
      p.power[p.n][1] = j;
      p.at[p.n][0] = centre_x + (double)i / degree - 0.5;
      p.at[p.n][1] = vars == 2 ? centre_y + (double)j / degree - 0.5 : 1;
      p.coordinate[p.n][0] = is_pair ? (size_t)i : (size_t)p.n * p.dim;
      p.coordinate[p.n][1] = is_pair ? (size_t)(degree + 1 + j) : (size_t)p.n * p.dim + p.dim - 1;
    }
  }
  p.n_points = is_pair ? 2 * (size_t)degree + 2 : (size_t)p.n;
  for (int g = 0; g < p.n; g++) {
    p.start[p.coordinate[g][0]] = p.at[g][0];
    if (vars == 2) {
      p.start[p.coordinate[g][1]] = p.at[g][1];
    }
  }
  for (int g = 0; g < p.n; g++) {
    for (int k = 0; k < p.n; k++) {
      V[g * p.n + k] = monomial(&p, k, p.at[g][0], p.at[g][1]);
    }
  }
  invert(p.n, V, p.inverse);
  return p;
}

static inline void apply_inverse(const polynomials *p, const double *values, double *out) {
  eg_dense_multiply((size_t)p->n, p->inverse, values, out);
}

/* out: increment of the map of coefficients in one step. One variable: the second coordinate is 1 for ever. */
static inline void step_of_polynomials(const polynomials *p, const outcomes *o, double *out) {
  double W[MOST_MONOMIALS * MOST_MONOMIALS];
  const bool is_plane = p->power[1][1] == 1;
  for (int g = 0; g < p->n; g++) {
    for (int k = 0; k < p->n; k++) {
      W[g * p->n + k] = 0;
      for (size_t i = 0; i < o->n; i++) {
        const double *const to = o->to + i * o->width;
        const double x = to[p->coordinate[g][0]], y = is_plane ? to[p->coordinate[g][1]] : 1;
        W[g * p->n + k] += o->weight[i] * (monomial(p, k, x, y) - monomial(p, k, p->at[g][0], p->at[g][1]));
      }
    }
  }
  apply_inverse(p, W, out);
}

/* out: generator of the equation whose step of Euler-Maruyama o is. */
static inline void generator_of_polynomials(const polynomials *p, const outcomes *o, double *out) {
  double W[MOST_MONOMIALS * MOST_MONOMIALS];
  const bool is_plane = p->power[1][1] == 1;
  for (int g = 0; g < p->n; g++) {
    const size_t i = p->coordinate[g][0], j = p->coordinate[g][1];
    const double x = p->at[g][0], y = p->at[g][1];
    const double bx = outcome_drift(o, i), by = is_plane ? outcome_drift(o, j) : 0, xx = outcome_covariance(o, i, i),
                 xy = is_plane ? outcome_covariance(o, i, j) : 0, yy = is_plane ? outcome_covariance(o, j, j) : 0;
    for (int k = 0; k < p->n; k++) {
      W[g * p->n + k] = bx * monomial_slope(p, k, 1, 0, x, y) + by * monomial_slope(p, k, 0, 1, x, y) +
                        0.5 * xx * monomial_slope(p, k, 2, 0, x, y) + xy * monomial_slope(p, k, 1, 1, x, y) +
                        0.5 * yy * monomial_slope(p, k, 0, 2, x, y);
    }
  }
  apply_inverse(p, W, out);
}

/* E x^i y^j from (x, y) where E (increment, n x n) moves the coefficients. */
static inline double expected_power(const polynomials *p, const double *E, double x, double y, int i, int j) {
  double sum = 0;
  for (int k = 0; k < p->n; k++) {
    for (int c = 0; c < p->n && p->power[k][0] == i && p->power[k][1] == j; c++) {
      sum += (E[c * p->n + k] + (c == k ? 1 : 0)) * monomial(p, c, x, y);
    }
  }
  return sum;
}

#endif
