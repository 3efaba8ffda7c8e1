/*
 * team_naive TRAJECTORIES STEPS DIM ROWS KIND: least squares, batch 1, rand_r, double; |x|^2 at the end. KIND:
 *   sgd       rows with replacement
 *   shuffle   rows in an order made anew every epoch
 *   inputs    a normal on every input and the target of a drawn row (Box and Muller)
 *   langevin  the Langevin equation of SGD with momentum 1/2 by BAOAB, the noise of a pair of rows, H from memory
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double rate = 1.0 / 4096;
static int d, n;
static double *rows, *target, *H, *g0;
static unsigned seed = 1;

static int random_row(void) {
  return (int)(rand_r(&seed) % (unsigned)n);
}

static double uniform(void) {
  return (rand_r(&seed) + 1.0) / (RAND_MAX + 2.0);
}

static double residual_at(const double *a, double y, const double *x) {
  double residual = -y;
  for (int k = 0; k < d; k++) {
    residual += a[k] * x[k];
  }
  return residual;
}

static void step_on(const double *a, double y, double *x) {
  const double residual = residual_at(a, y, x);
  for (int k = 0; k < d; k++) {
    x[k] -= rate * residual * a[k];
  }
}

static void shuffle(int *order) {
  for (int i = 0; i < n; i++) {
    order[i] = i;
  }
  for (int i = 0; i < n - 1; i++) {
    const int j = i + (int)(rand_r(&seed) % (unsigned)(n - i)), row = order[i];
    order[i] = order[j];
    order[j] = row;
  }
}

static void add_normals(double *values, int count) {
  for (int k = 0; k < count; k += 2) {
    const double radius = sqrt(-2 * log(uniform())), angle = 2 * M_PI * uniform();
    values[k] += 0.5 * radius * cos(angle);
    if (k + 1 < count) {
      values[k + 1] += 0.5 * radius * sin(angle);
    }
  }
}

static void push(double *v, const double *x, double scale) {
  for (int i = 0; i < d; i++) {
    double g = -g0[i];
    for (int k = 0; k < d; k++) {
      g += H[i * d + k] * x[k];
    }
    v[i] -= scale * g;
  }
}

static void langevin(double *x, double *v, int is_first) {
  const double beta = 0.5, friction = 2 * (1 - beta) / (rate * (1 + beta)), decay = exp(-friction * rate);
  const double noise = 2 / ((1 + beta) * sqrt(rate)) * sqrt(0.5 * -expm1(-2 * friction * rate) / (2 * friction));
  push(v, x, (1 + is_first) / (1 + beta));
  const int i = random_row(), j = random_row();
  for (int k = 0; k < d; k++) {
    x[k] += 0.5 * rate * v[k];
  }
  const double *const a = rows + (size_t)i * (size_t)d, *const b = rows + (size_t)j * (size_t)d;
  const double of_a = residual_at(a, target[i], x), of_b = residual_at(b, target[j], x);
  for (int k = 0; k < d; k++) {
    v[k] = decay * v[k] + noise * (of_a * a[k] - of_b * b[k]);
    x[k] += 0.5 * rate * v[k];
  }
  push(v, x, 1 / (1 + beta));
}

int main(int argc, char **argv) {
  if (argc != 6) {
    return 2;
  }
  const long trajectories = atol(argv[1]), steps = atol(argv[2]);
  d = atoi(argv[3]);
  n = atoi(argv[4]);
  const int is_shuffled = strcmp(argv[5], "shuffle") == 0, is_noisy = strcmp(argv[5], "inputs") == 0,
            is_langevin = strcmp(argv[5], "langevin") == 0;
  rows = malloc((size_t)n * (size_t)d * sizeof *rows);
  target = malloc((size_t)n * sizeof *target);
  H = calloc((size_t)d * (size_t)d, sizeof *H);
  g0 = calloc((size_t)d, sizeof *g0);
  double *const x = malloc((size_t)d * sizeof *x), *const v = malloc((size_t)d * sizeof *v);
  double *const noisy = malloc(((size_t)d + 1) * sizeof *noisy);
  int *const order = malloc((size_t)n * sizeof *order);
  if (d < 1 || n < 1 || rows == NULL || target == NULL || H == NULL || g0 == NULL || x == NULL || v == NULL || noisy == NULL ||
      order == NULL) {
    return 2;
  }
  srand48(1);
  for (int j = 0; j < n; j++) {
    target[j] = drand48() - 0.5;
    for (int k = 0; k < d; k++) {
      rows[j * d + k] = sqrt(12.0) * (drand48() - 0.5);
      target[j] += rows[j * d + k] * (2.0 * k / d - 1.0);
    }
    for (int i = 0; i < d && is_langevin; i++) {
      g0[i] += target[j] * rows[j * d + i] / n;
      for (int k = 0; k < d; k++) {
        H[i * d + k] += rows[j * d + i] * rows[j * d + k] / n;
      }
    }
  }
  double total = 0;
  for (long i = 0; i < trajectories; i++) {
    for (int k = 0; k < d; k++) {
      x[k] = v[k] = 0;
    }
    for (long step = 0; step < steps; step++) {
      if (is_langevin) {
        langevin(x, v, step == 0);
        continue;
      }
      if (is_shuffled && step % n == 0) {
        shuffle(order);
      }
      const int j = is_shuffled ? order[step % n] : random_row();
      const double *const a = rows + (size_t)j * (size_t)d;
      if (!is_noisy) {
        step_on(a, target[j], x);
        continue;
      }
      memcpy(noisy, a, (size_t)d * sizeof *a);
      noisy[d] = target[j];
      add_normals(noisy, d + 1);
      step_on(noisy, noisy[d], x);
    }
    for (int k = 0; k < d; k++) {
      total += x[k] * x[k];
    }
  }
  printf("%g\n", total);
  free(rows);
  free(target);
  free(H);
  free(g0);
  free(x);
  free(v);
  free(noisy);
  free(order);
  return 0;
}
