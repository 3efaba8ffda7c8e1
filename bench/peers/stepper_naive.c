/* stepper_naive KIND TRAJECTORIES STEPS: the algorithm of one stepper as a plain loop, rand_r, Box and Muller with libm,
 * double; |x|^2 four times. Kinds as in bench_steppers.c. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 256, ROWS_D = 8 };

static unsigned seed = 1;
static double rows[N][ROWS_D], target[N], H[ROWS_D][ROWS_D], M[ROWS_D][ROWS_D], v0[ROWS_D], spare;
static int has_spare;

static double uniform(void) {
  return (rand_r(&seed) + 0.5) / (RAND_MAX + 1.0);
}

static double normal(void) {
  if (has_spare) {
    has_spare = 0;
    return spare;
  }
  const double r = sqrt(-2.0 * log(uniform())), a = 6.283185307179586 * uniform();
  spare = r * sin(a);
  has_spare = 1;
  return r * cos(a);
}

static void make_rows(void) {
  srand48(1);
  for (int j = 0; j < N; j++) {
    target[j] = drand48() - 0.5;
    for (int k = 0; k < ROWS_D; k++) {
      rows[j][k] = sqrt(12.0) * (drand48() - 0.5);
      target[j] += rows[j][k] * (2.0 * k / (ROWS_D - 1) - 1.0);
    }
  }
  for (int i = 0; i < ROWS_D; i++) {
    for (int k = 0; k < ROWS_D; k++) {
      for (int j = 0; j < N; j++) {
        H[i][k] += rows[j][i] * rows[j][k] / N;
      }
      M[i][k] = (i == k) - H[i][k] / 128; /* the flow of half a step; its speed is that of any matrix */
    }
  }
}

static void add_row(const double *x, double weight, double *g) {
  const int j = rand_r(&seed) % N;
  double residual = -target[j];
  for (int k = 0; k < ROWS_D; k++) {
    residual += rows[j][k] * x[k];
  }
  for (int k = 0; k < ROWS_D; k++) {
    g[k] += weight * residual * rows[j][k];
  }
}

static void flow(double *x) {
  double y[ROWS_D];
  for (int i = 0; i < ROWS_D; i++) {
    y[i] = v0[i];
    for (int k = 0; k < ROWS_D; k++) {
      y[i] += M[i][k] * x[k];
    }
  }
  memcpy(x, y, sizeof y);
}

static const double curvature[2] = {1, 0.5}, rate = 1.0 / 64;

static void gradient2(const double *x, double noise, double *g) {
  for (int k = 0; k < 2; k++) {
    g[k] = curvature[k] * x[k] + noise * normal();
  }
}

static void momentum(int d, const double *g, double *x, double *v) {
  for (int k = 0; k < d; k++) {
    v[k] = 0.9 * v[k] + g[k];
    x[k] -= rate * v[k];
  }
}

static void adam(int d, const double *g, double *x, double *v, long step) {
  const double c1 = 1 - pow(0.9, (double)step), c2 = 1 - pow(0.999, (double)step);
  for (int k = 0; k < d; k++) {
    v[k] = 0.9 * v[k] + 0.1 * g[k];
    v[d + k] = 0.999 * v[d + k] + 0.001 * g[k] * g[k];
    x[k] -= rate * (v[k] / c1) / (sqrt(v[d + k] / c2) + 1e-8);
  }
}

static void sme(double *x) { /* half flow, diagonal noise, half flow */
  for (int k = 0; k < 2; k++) {
    const double e = exp(-curvature[k] * (1 + rate / 2 * curvature[k]) * rate / 2);
    x[k] = e * (e * x[k] + rate * normal());
  }
}

static void samples(double *x) { /* fresh Gaussian sample, d = 4 */
  double a[4], residual = -normal();
  for (int k = 0; k < 4; k++) {
    a[k] = normal();
    residual += a[k] * x[k];
  }
  for (int k = 0; k < 4; k++) {
    x[k] -= rate * residual * a[k];
  }
}

static void step_of(const char *kind, double *x, double *v, long step) {
  double g[ROWS_D] = {0};
  if (strcmp(kind, "euler") == 0) {
    x[0] += -x[0] * rate + sqrt(rate) * normal();
  } else if (strcmp(kind, "exact") == 0) {
    x[0] = exp(-rate) * x[0] + sqrt((1 - exp(-2 * rate)) / 2) * normal();
  } else if (strcmp(kind, "sgd") == 0) {
    gradient2(x, 1, g);
    x[0] -= rate * g[0];
    x[1] -= rate * g[1];
  } else if (strcmp(kind, "sme") == 0) {
    sme(x);
  } else if (strcmp(kind, "momentum") == 0) {
    gradient2(x, 1, g);
    momentum(2, g, x, v);
  } else if (strcmp(kind, "adam") == 0) {
    gradient2(x, 1, g);
    adam(2, g, x, v, step);
  } else if (strcmp(kind, "samples") == 0) {
    samples(x);
  } else if (strcmp(kind, "sgd_rows") == 0) {
    add_row(x, 1, g);
    for (int k = 0; k < ROWS_D; k++) {
      x[k] -= rate * g[k];
    }
  } else if (strcmp(kind, "momentum_rows") == 0) {
    add_row(x, 1, g);
    momentum(ROWS_D, g, x, v);
  } else if (strcmp(kind, "adam_rows") == 0) {
    add_row(x, 1, g);
    adam(ROWS_D, g, x, v, step);
  } else if (strcmp(kind, "svag_rows") == 0) { /* l = 4 */
    add_row(x, (1 + sqrt(7)) / 2, g);
    add_row(x, (1 - sqrt(7)) / 2, g);
    for (int k = 0; k < ROWS_D; k++) {
      x[k] -= rate / 4 * g[k];
    }
  } else { /* pair_rows */
    flow(x);
    add_row(x, rate * sqrt(0.5), g);
    add_row(x, -rate * sqrt(0.5), g);
    for (int k = 0; k < ROWS_D; k++) {
      x[k] += g[k];
    }
    flow(x);
  }
}

int main(int argc, char **argv) {
  if (argc != 4) {
    return 2;
  }
  const long trajectories = atol(argv[2]), steps = atol(argv[3]);
  double total = 0;
  make_rows();
  for (long i = 0; i < trajectories; i++) {
    double x[ROWS_D] = {0.5, 0.5}, v[2 * ROWS_D] = {0};
    for (long step = 1; step <= steps; step++) {
      step_of(argv[1], x, v, step);
      if (step % (steps / 4 + 1) == 0) {
        for (int k = 0; k < ROWS_D; k++) {
          total += x[k] * x[k];
        }
      }
    }
  }
  printf("%g\n", total);
  return 0;
}
