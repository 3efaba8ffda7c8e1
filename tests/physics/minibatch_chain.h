/*
 * The chains x' = x - eta a (a x - y) of SGD with one sample a step in one dimension, stopped where |x| reaches `edge`: their kernels on
 * nodes or in polynomials, mean exit times and survival by linear algebra. y Gaussian with Gaussian inputs a (and means of several
 * samples) or a^2 in {0, 2}; y = +-1 with Gaussian inputs. Oracles for escape times, section 4 of power-law-escape-rate.md.
 */
#ifndef EG_TESTS_MINIBATCH_CHAIN_H
#define EG_TESTS_MINIBATCH_CHAIN_H

#include "physics/quadrature.h"

/* ---- from the kernel of a chain on nodes to mean time and survival; row 0 is the start ---- */

/* B = A A */
static inline void square(int n, const double *a, double *b) {
  memset(b, 0, (size_t)n * (size_t)n * sizeof *b);
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < n; k++) {
      const double f = a[i * n + k];
      for (int j = 0; j < n; j++) {
        b[i * n + j] += f * a[k * n + j];
      }
    }
  }
}

static inline double mean_steps(int n, const double *kernel) {
  double *const a = need((size_t)n * (size_t)n, sizeof *a), *const u = need((size_t)n, sizeof *u);
  for (int i = 0; i < n * n; i++) {
    a[i] = (i / n == i % n) - kernel[i];
  }
  for (int i = 0; i < n; i++) {
    u[i] = 1;
  }
  solve_dense(n, a, u);
  const double steps = u[0];
  free(a);
  free(u);
  return steps;
}

/* Chance to be inside still behind `steps` steps. */
static inline double survival(int n, const double *kernel, long steps) {
  double *a = need((size_t)n * (size_t)n, sizeof *a), *b = need((size_t)n * (size_t)n, sizeof *b), *u = need((size_t)n, sizeof *u),
         *next = need((size_t)n, sizeof *next);
  memcpy(a, kernel, (size_t)n * (size_t)n * sizeof *a);
  for (int i = 0; i < n; i++) {
    u[i] = 1;
  }
  for (; steps > 0; steps /= 2) {
    if (steps % 2 == 1) {
      for (int i = 0; i < n; i++) {
        next[i] = 0;
        for (int j = 0; j < n; j++) {
          next[i] += a[i * n + j] * u[j];
        }
      }
      memcpy(u, next, (size_t)n * sizeof *u);
    }
    square(n, a, b);
    double *const keep = a;
    a = b;
    b = keep;
  }
  const double inside = u[0];
  free(a);
  free(b);
  free(u);
  free(next);
  return inside;
}

/* ---- inputs with x^2 in {0, 2}: w' = (1 - 2 eta) w + eta sqrt(2) eps in half of all steps ---- */

static inline double *two_inputs(double eta, double edge, int *n) {
  const grid g = make_grid(-edge, edge, (int)ceil(2 * edge / (2 * eta)), 14);
  const int size = g.n + 1;
  double *const kernel = need((size_t)size * (size_t)size, sizeof *kernel);
  for (int i = 0; i < size; i++) {
    const double w = i == 0 ? 0 : g.x[i - 1];
    kernel[i * size + i] = 0.5;
    for (int j = 1; j < size; j++) {
      kernel[i * size + j] += 0.5 * g.w[j - 1] * normal_density(g.x[j - 1], (1 - 2 * eta) * w, eta * sqrt(2.0));
    }
  }
  free(g.x);
  free(g.w);
  *n = size;
  return kernel;
}

/* ---- Gaussian inputs: w' = w - eta x (x w - eps); of S samples x^2 = chi^2_S / S, and eps has variance 1 / S ---- */

enum { TERMS = 52 };

/* Even Chebyshev polynomials T_0, T_2, .. at t. */
static inline void chebyshev(double t, double *out) {
  const double q = 2 * (2 * t * t - 1); /* T_(n+2) = 2 T_2 T_n - T_(n-2) */
  out[0] = 1;
  out[1] = q / 2;
  for (int k = 2; k < TERMS; k++) {
    out[k] = q * out[k - 1] - out[k - 2];
  }
}

/* Adds the mean of the polynomials over w' inside, for inputs of size x with weight. */
static inline void add_input(double eta, double edge, int samples, double w, double x, double weight, double *sum) {
  enum { LABELS = 80 };
  static grid z;
  if (z.n == 0) {
    z = make_grid(-1, 1, 2, LABELS / 2); /* one panel of 48 leaves 1e-9 of a step, a thousandth of 1e6 steps */
  }
  const double mean = w * (1 - eta * x * x), deviation = eta * x / sqrt(samples);
  const double low = fmax(-9, (-edge - mean) / deviation), high = fmin(9, (edge - mean) / deviation);
  for (int i = 0; i < LABELS && low < high; i++) {
    const double y = 0.5 * (low + high) + 0.5 * (high - low) * z.x[i];
    double p[TERMS];
    chebyshev((mean + deviation * y) / edge, p);
    const double f = weight * 0.5 * (high - low) * z.w[i] * exp(-0.5 * y * y) / sqrt(2 * acos(-1.0));
    for (int k = 0; k < TERMS; k++) {
      sum[k] += f * p[k];
    }
  }
}

/* As a matrix on the values at the nodes: the polynomials' means times the inverse of their values there. */
static inline double *gaussian_inputs(double eta, double edge, int samples) {
  double values[TERMS * TERMS], means[TERMS * TERMS] = {0};
  double *const kernel = need(TERMS * TERMS, sizeof *kernel);
  const double S = samples, log_norm = log(2) + S / 2 * log(S / 2) - lgamma(S / 2);
  for (int i = 0; i < TERMS; i++) {
    const double w = edge * sin(acos(-1.0) * i / (2 * TERMS - 1.0)); /* node 0 is the start, 0; the last lies at the edge nearly */
    chebyshev(w / edge, values + i * TERMS);
    for (int panel = 0; panel < 28; panel++) { /* from 9 down by halves: an input of (edge - w) / eta is where the edge is felt */
      const grid g = make_grid(panel == 27 ? 0 : 9 * pow(0.5, panel + 1), 9 * pow(0.5, panel), panel < 5 ? 4 : 1, 12);
      for (int k = 0; k < g.n; k++) {
        const double x = g.x[k], density = exp(log_norm + (S - 1) * log(x) - S * x * x / 2);
        add_input(eta, edge, samples, w, x, g.w[k] * density, means + i * TERMS);
      }
      free(g.x);
      free(g.w);
    }
  }
  for (int i = 0; i < TERMS; i++) { /* row i of kernel solves values^T k = means_i */
    double transposed[TERMS * TERMS];
    for (int j = 0; j < TERMS * TERMS; j++) {
      transposed[j] = values[j % TERMS * TERMS + j / TERMS];
    }
    memcpy(kernel + i * TERMS, means + i * TERMS, TERMS * sizeof(double));
    solve_dense(TERMS, transposed, kernel + i * TERMS);
  }
  return kernel;
}

/* ---- labels of +-1, Gaussian inputs: w' = w (1 - eta x^2) + eta x, since x times the label has the law of x ---- */

/* Where |w'| passes the edge, in rising order; at most 4. */
static inline int crossings(double eta, double edge, double w, double *at) {
  int n = 0;
  for (int side = -1; side <= 1; side += 2) {
    const double c = side * edge - w, square = 1 - 4 * w * c / eta; /* eta w x^2 - eta x + c = 0 */
    if (w == 0) {
      at[n++] = c / eta;
    } else if (square > 0) { /* the root of larger size first, the other one without cancellation */
      const double large = (1 + sqrt(square)) / (2 * w);
      at[n++] = large;
      at[n++] = c / (eta * w * large);
    }
  }
  for (int i = 1; i < n; i++) {
    for (int k = i; k > 0 && at[k] < at[k - 1]; k--) {
      const double keep = at[k];
      at[k] = at[k - 1];
      at[k - 1] = keep;
    }
  }
  return n;
}

/* On n even nodes of |w|, cubic between them: the law of w' has edges of its own, which polynomials over all of it do not follow. */
static inline double *sign_labels(double eta, double edge, int n) {
  double *const kernel = need((size_t)n * (size_t)n, sizeof *kernel);
  const double width = edge / (n - 1);
  for (int i = 0; i < n; i++) {
    const double w = width * i;
    double cut[6] = {-9};
    int n_cuts = 1 + crossings(eta, edge, w, cut + 1);
    cut[n_cuts++] = 9;
    for (int part = 0; part + 1 < n_cuts; part++) {
      const double low = fmax(-9, cut[part]), high = fmin(9, cut[part + 1]), middle = (low + high) / 2;
      if (!(low < high) || fabs(w * (1 - eta * middle * middle) + eta * middle) >= edge) {
        continue;
      }
      grid g = make_grid(low, high, 1 + (int)((high - low) / 0.05), 8);
      for (int k = 0; k < g.n; k++) {
        const double x = g.x[k], s = fmin(fabs(w * (1 - eta * x * x) + eta * x) / width, n - 1);
        const double density = g.w[k] * exp(-0.5 * x * x) / sqrt(2 * acos(-1.0));
        const int first = (int)fmin(floor(s) - 1, n - 4); /* -1: |w| is even */
        for (int a = first; a < first + 4; a++) {
          double part_of = density;
          for (int b = first; b < first + 4; b++) {
            part_of *= b == a ? 1 : (s - b) / (a - b);
          }
          kernel[i * n + abs(a)] += part_of;
        }
      }
      free_grid(&g);
    }
  }
  return kernel;
}

#endif
