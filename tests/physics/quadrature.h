/* Integral equations of chains and integrals of physics tests: Gauss and Legendre on panels, and a dense solver. */
#ifndef EG_TESTS_QUADRATURE_H
#define EG_TESTS_QUADRATURE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nodes and weights on (-1, 1): zeros of the Legendre polynomial by Newton's method. */
static inline void gauss_legendre(int n, double *x, double *w) {
  for (int i = 0; i < n; i++) {
    double z = cos(acos(-1.0) * (i + 0.75) / (n + 0.5)), slope = 1;
    for (int step = 0; step < 100; step++) {
      double p = 1, before = 0;
      for (int k = 1; k <= n; k++) {
        const double next = ((2 * k - 1) * z * p - (k - 1) * before) / k;
        before = p;
        p = next;
      }
      slope = n * (z * p - before) / (z * z - 1);
      z -= p / slope;
      if (fabs(p / slope) < 1e-16) {
        break;
      }
    }
    x[n - 1 - i] = z;
    w[n - 1 - i] = 2 / ((1 - z * z) * slope * slope);
  }
}

/* (n_panels * per_panel) nodes and weights on (low, high). */
typedef struct grid {
  int n;
  double *x, *w;
} grid;

static inline void *need(size_t n, size_t size) {
  void *const p = calloc(n, size);
  if (p == NULL) {
    (void)fprintf(stderr, "out of memory\n");
    exit(1);
  }
  return p;
}

static inline grid make_grid(double low, double high, int n_panels, int per_panel) {
  grid g = {n_panels * per_panel, need((size_t)(n_panels * per_panel), sizeof(double)), need((size_t)(n_panels * per_panel), sizeof(double))};
  double x[64], w[64];
  gauss_legendre(per_panel, x, w);
  const double half = 0.5 * (high - low) / n_panels;
  for (int p = 0; p < n_panels; p++) {
    for (int i = 0; i < per_panel; i++) {
      g.x[p * per_panel + i] = low + half * (2 * p + 1 + x[i]);
      g.w[p * per_panel + i] = half * w[i];
    }
  }
  return g;
}

static inline void free_grid(grid *g) {
  free(g->x);
  free(g->w);
}

/* a x = b in place, by elimination with row pivots; a (n, n) is overwritten, b becomes x. */
static inline void solve_dense(int n, double *a, double *b) {
  for (int k = 0; k < n; k++) {
    int pivot = k;
    for (int i = k + 1; i < n; i++) {
      pivot = fabs(a[(size_t)i * (size_t)n + (size_t)k]) > fabs(a[(size_t)pivot * (size_t)n + (size_t)k]) ? i : pivot;
    }
    double *const row = a + (size_t)k * (size_t)n, *const other = a + (size_t)pivot * (size_t)n;
    for (int j = 0; j < n && pivot != k; j++) {
      const double keep = row[j];
      row[j] = other[j];
      other[j] = keep;
    }
    const double keep = b[k];
    b[k] = b[pivot];
    b[pivot] = keep;
    for (int i = k + 1; i < n; i++) {
      double *const below = a + (size_t)i * (size_t)n;
      const double factor = below[k] / row[k];
      if (factor == 0) {
        continue;
      }
      for (int j = k + 1; j < n; j++) {
        below[j] -= factor * row[j];
      }
      b[i] -= factor * b[k];
    }
  }
  for (int k = n - 1; k >= 0; k--) {
    double sum = b[k];
    for (int j = k + 1; j < n; j++) {
      sum -= a[(size_t)k * (size_t)n + (size_t)j] * b[j];
    }
    b[k] = sum / a[(size_t)k * (size_t)n + (size_t)k];
  }
}

/* A chain in one dimension whose step from x is normal: mean and standard deviation. */
typedef void (*chain_fn)(const void *setting, double x, double *mean, double *deviation);

static inline double normal_density(double x, double mean, double deviation) {
  const double z = (x - mean) / deviation;
  return exp(-0.5 * z * z) / (deviation * 2.50662827463100050242);
}

/* E of sum_(k < K) reward(x_k) from `start`, x_0 = start, until K = n steps are made or the chain has left (low, high), which
   the grid spans; n < 0: until it leaves (mean). */
static inline double chain_reward(const grid *g, chain_fn chain, double (*reward)(const void *, double), const void *setting,
                                  double start, int n) {
  const size_t size = (size_t)g->n;
  double *const kernel = need(size * size, sizeof(double)), *const u = need(size, sizeof(double)), *const next = need(size, sizeof(double));
  double mean, deviation;
  for (size_t i = 0; i < size; i++) {
    chain(setting, g->x[i], &mean, &deviation);
    for (size_t j = 0; j < size; j++) {
      kernel[i * size + j] = g->w[j] * normal_density(g->x[j], mean, deviation);
    }
  }
  if (n < 0) {
    for (size_t i = 0; i < size; i++) {
      u[i] = reward(setting, g->x[i]);
      for (size_t j = 0; j < size; j++) {
        kernel[i * size + j] = (i == j ? 1 : 0) - kernel[i * size + j];
      }
    }
    solve_dense(g->n, kernel, u);
  }
  for (int k = 1; k < n; k++) {
    for (size_t i = 0; i < size; i++) {
      double sum = reward(setting, g->x[i]);
      for (size_t j = 0; j < size; j++) {
        sum += kernel[i * size + j] * u[j];
      }
      next[i] = sum;
    }
    memcpy(u, next, size * sizeof *u);
  }
  /* u: of n - 1 steps */
  chain(setting, start, &mean, &deviation);
  double sum = reward(setting, start);
  for (size_t j = 0; j < size; j++) {
    sum += g->w[j] * normal_density(g->x[j], mean, deviation) * u[j];
  }
  free(kernel);
  free(u);
  free(next);
  return sum;
}

/* P(the chain has not left (low, high) within n steps). */
static inline double chain_survival(const grid *g, chain_fn chain, const void *setting, double start, int n) {
  const size_t size = (size_t)g->n;
  double *const kernel = need(size * size, sizeof(double)), *const p = need(size, sizeof(double)), *const next = need(size, sizeof(double));
  double mean, deviation, sum = 0;
  for (size_t i = 0; i < size; i++) {
    chain(setting, g->x[i], &mean, &deviation);
    for (size_t j = 0; j < size; j++) {
      kernel[i * size + j] = g->w[j] * normal_density(g->x[j], mean, deviation);
    }
    p[i] = 1;
  }
  for (int k = 1; k < n; k++) {
    for (size_t i = 0; i < size; i++) {
      next[i] = 0;
      for (size_t j = 0; j < size; j++) {
        next[i] += kernel[i * size + j] * p[j];
      }
    }
    memcpy(p, next, size * sizeof *p);
  }
  chain(setting, start, &mean, &deviation);
  for (size_t j = 0; j < size; j++) {
    sum += g->w[j] * normal_density(g->x[j], mean, deviation) * p[j];
  }
  free(kernel);
  free(p);
  free(next);
  return sum;
}

#endif
