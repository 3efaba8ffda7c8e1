/*
 * Expectations of trigonometric polynomials of two points under a step whose outcomes are known on a grid of the circle
 * (outcomes.h), or under the equation whose drift and noise a step of Euler-Maruyama shows:
 *   u(x, y) = sum_kl u_kl exp(i(k x + l y)), |k| <= K, |l| <= L; L = 0: functions of x alone.
 * The grid has G = 2 K + 1 points, and the study's points are the grid: both points of a pair are read from the same outcomes.
 */
#ifndef EG_TESTS_FOURIER_MODES_H
#define EG_TESTS_FOURIER_MODES_H

#include <complex.h>

#include "outcomes.h"

typedef double complex mode;

typedef struct modes {
  int K, L;
  mode *u; /* (2 K + 1, 2 L + 1) */
} modes;

/* a b without the special cases of infinities, which take most of the time */
static inline mode times(mode a, mode b) {
  return CMPLX(creal(a) * creal(b) - cimag(a) * cimag(b), creal(a) * cimag(b) + cimag(a) * creal(b));
}

static inline modes modes_of(int K, int L) {
  const modes u = {K, L, calloc((size_t)((2 * K + 1) * (2 * L + 1)), sizeof(mode))};
  return u;
}

static inline mode *mode_at(const modes *u, int k, int l) {
  return u->u + (size_t)((k + u->K) * (2 * u->L + 1) + l + u->L);
}

/* cos(k x + l y), or sin for is_sine */
static inline modes wave_of(int K, int L, int k, int l, bool is_sine) {
  modes u = modes_of(K, L);
  *mode_at(&u, k, l) = is_sine ? -0.5 * I : 0.5;
  *mode_at(&u, -k, -l) = is_sine ? 0.5 * I : 0.5;
  return u;
}

static inline double mode_value(const modes *u, double x, double y) {
  mode sum = 0;
  for (int k = -u->K; k <= u->K; k++) {
    for (int l = -u->L; l <= u->L; l++) {
      sum += *mode_at(u, k, l) * cexp(I * (k * x + l * y));
    }
  }
  return creal(sum);
}

/* Outcomes of the grid x_g = 2 pi g / G. */
static inline outcomes outcomes_on_circle(const char *folder, const char *model, const char *dynamics, double h, int G,
                                          size_t elementary, size_t realisations) {
  double from[256];
  for (int g = 0; g < G; g++) {
    from[g] = 2 * acos(-1.0) * g / G;
  }
  return outcomes_of(folder, model, dynamics, h, (size_t)G, 1, from, elementary, realisations);
}

/* ---- chains ---- */

/* out (2 M + 1, 2 M + 1): column k holds the modes of exp(i k X(x)), X the outcome `to` on the grid of 2 M + 1 points. */
static inline void composition(int M, const double *to, mode *out) {
  const int G = 2 * M + 1;
  mode *const value = calloc((size_t)(G * G), sizeof(mode)), *const root = calloc((size_t)G, sizeof(mode));
  for (int g = 0; g < G; g++) {
    root[g] = cexp(-2 * I * acos(-1.0) * g / G);
    for (int k = -M; k <= M; k++) {
      value[g * G + k + M] = cexp(I * k * to[g]) / G;
    }
  }
  for (int j = -M; j <= M; j++) {
    for (int k = 0; k < G; k++) {
      mode sum = 0;
      for (int g = 0; g < G; g++) {
        sum += root[((j + G) * g) % G] * value[g * G + k];
      }
      out[(j + M) * G + k] = sum;
    }
  }
  free(value);
  free(root);
}

/* u := E u(X, Y) over `steps` steps. The grid of o has 2 K + 1 points, and L is 0 or K. */
static inline void chain_modes(modes *u, const outcomes *o, int steps) {
  const int G = 2 * u->K + 1, W = 2 * u->L + 1;
  const size_t square = (size_t)(G * G);
  mode *const B = calloc(o->n * square, sizeof(mode)), *const half = calloc(square, sizeof(mode)),
             *const next = calloc(square, sizeof(mode));
  for (size_t i = 0; i < o->n; i++) {
    composition(u->K, o->to + i * o->width, B + i * square);
  }
  for (int step = 0; step < steps; step++) {
    memset(next, 0, square * sizeof(mode));
    for (size_t i = 0; i < o->n; i++) {
      const mode *const b = B + i * square;
      memset(half, 0, square * sizeof(mode));
      for (int j = 0; j < G; j++) { /* half = b u */
        for (int k = 0; k < G; k++) {
          const mode f = b[j * G + k];
          for (int l = 0; l < W; l++) {
            half[j * W + l] += times(f, u->u[k * W + l]);
          }
        }
      }
      for (int j = 0; j < G; j++) { /* next += weight half b^T */
        for (int l = 0; l < W; l++) {
          mode sum = 0;
          for (int k = 0; k < W; k++) {
            sum += W == 1 ? half[j] : times(half[j * W + k], b[l * G + k]);
          }
          next[j * W + l] += o->weight[i] * sum;
        }
      }
    }
    memcpy(u->u, next, (size_t)(G * W) * sizeof(mode));
  }
  free(B);
  free(half);
  free(next);
}

/* ---- equations ---- */

enum { BAND = 2, WIDE = 2 * BAND + 1, COARSE_GRID = 11 }; /* drift and covariance have modes up to BAND */

typedef struct generator {
  mode b[WIDE], S[WIDE][WIDE]; /* modes of the drift, and of the covariance of two points */
} generator;

/* From outcomes on the grid of COARSE_GRID points; modes beyond the band must vanish. */
static inline generator generator_on_circle(const outcomes *o) {
  enum { G = COARSE_GRID, M = G / 2 };
  const double pi = acos(-1.0);
  generator out = {{0}, {{0}}};
  double beyond = 0;
  for (int p = -M; p <= M; p++) {
    mode sum = 0;
    for (int g = 0; g < G; g++) {
      sum += outcome_drift(o, (size_t)g) * cexp(-2 * I * pi * p * g / G) / G;
    }
    if (abs(p) <= BAND) {
      out.b[p + BAND] = cabs(sum) < 1e-15 ? 0 : sum;
    } else {
      beyond = fmax(beyond, cabs(sum));
    }
    for (int q = -M; q <= M; q++) {
      sum = 0;
      for (int g = 0; g < G; g++) {
        for (int f = 0; f < G; f++) {
          sum += outcome_covariance(o, (size_t)g, (size_t)f) * cexp(-2 * I * pi * (p * g + q * f) / G) / (G * G);
        }
      }
      if (abs(p) <= BAND && abs(q) <= BAND) {
        out.S[p + BAND][q + BAND] = cabs(sum) < 1e-15 ? 0 : sum;
      } else {
        beyond = fmax(beyond, cabs(sum));
      }
    }
  }
  CHECK(beyond < 1e-13);
  return out;
}

/* out = b u_x + b u_y + (S(x, x) u_xx + 2 S(x, y) u_xy + S(y, y) u_yy) / 2 */
static inline void apply_generator(const generator *g, const modes *u, modes *out) {
  mode diagonal[2 * WIDE - 1] = {0}; /* modes of S(x, x) */
  for (int p = 0; p < WIDE; p++) {
    for (int q = 0; q < WIDE; q++) {
      diagonal[p + q] += g->S[p][q];
    }
  }
  memset(out->u, 0, (size_t)((2 * u->K + 1) * (2 * u->L + 1)) * sizeof(mode));
  for (int p = -2 * BAND; p <= 2 * BAND; p++) {
    const mode s = diagonal[p + 2 * BAND], b = abs(p) <= BAND ? g->b[p + BAND] : 0;
    for (int k = -u->K; k <= u->K && (s != 0 || b != 0); k++) {
      for (int l = -u->L; l <= u->L; l++) { /* a mode moves along one of the two */
        if (abs(k + p) <= u->K) {
          *mode_at(out, k + p, l) += times(CMPLX(-k * cimag(b), k * creal(b)) - 0.5 * k * k * s, *mode_at(u, k, l));
        }
        if (abs(l + p) <= u->L) {
          *mode_at(out, k, l + p) += times(CMPLX(-l * cimag(b), l * creal(b)) - 0.5 * l * l * s, *mode_at(u, k, l));
        }
      }
    }
  }
  for (int p = -BAND; p <= BAND && u->L > 0; p++) {
    for (int q = -BAND; q <= BAND; q++) {
      const mode s = g->S[p + BAND][q + BAND];
      for (int k = -u->K; k <= u->K && s != 0; k++) {
        for (int l = -u->L; l <= u->L && abs(k + p) <= u->K; l++) {
          if (abs(l + q) <= u->L) {
            *mode_at(out, k + p, l + q) -= (double)(k * l) * times(s, *mode_at(u, k, l));
          }
        }
      }
    }
  }
}

/* u := exp(T generator) u by Taylor's series over `parts` parts. */
static inline void equation_modes(modes *u, const generator *g, double T, int parts) {
  const size_t n = (size_t)((2 * u->K + 1) * (2 * u->L + 1));
  modes term = modes_of(u->K, u->L), next = modes_of(u->K, u->L);
  for (int part = 0; part < parts; part++) {
    double size = 1;
    memcpy(term.u, u->u, n * sizeof(mode));
    for (int order = 1; order < 200 && size > 1e-18; order++) {
      apply_generator(g, &term, &next);
      size = 0;
      for (size_t i = 0; i < n; i++) {
        term.u[i] = next.u[i] * (T / parts / order);
        u->u[i] += term.u[i];
        size = fmax(size, cabs(term.u[i]));
      }
    }
    CHECK(size <= 1e-18);
  }
  free(term.u);
  free(next.u);
}

#endif
