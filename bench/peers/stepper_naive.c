/* stepper_naive KIND TRAJECTORIES STEPS: the algorithm of one stepper as a plain loop of its own, rand_r, Box and Muller with libm,
 * double; |x|^2 four times. Kinds as in bench_steppers.c. What all trajectories share at a step is not computed anew for each where a
 * plain loop would not either: powers of decays are running products, the standard deviations of scaled Brownian motion a table. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 256, ROWS_D = 8 };

enum { V = 2 * ROWS_D + 2 }; /* what a step carries: velocities, mean squares, running products */

static unsigned seed = 1;
static double rows[N][ROWS_D], target[N], H[ROWS_D][ROWS_D], M[ROWS_D][ROWS_D], v0[ROWS_D], spare;
static int has_spare;
static double *deviation; /* of each step of scaled Brownian motion */

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

/* One minus the powers of two decays at a step, by running products. */
static void corrections(double *v, long step, double decay1, double decay2, double *c1, double *c2) {
  double *const power = v + 2 * ROWS_D;
  power[0] = (step == 1 ? 1 : power[0]) * decay1;
  power[1] = (step == 1 ? 1 : power[1]) * decay2;
  *c1 = 1 - power[0];
  *c2 = 1 - power[1];
}

static void adam(int d, const double *g, double *x, double *v, long step) {
  double c1, c2;
  corrections(v, step, 0.9, 0.999, &c1, &c2);
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

static void euler_noise(double *x, const double *noise) {
  for (int k = 0; k < 2; k++) {
    x[k] += -rate * curvature[k] * x[k] + noise[k];
  }
}

static double loss2(const double *x) { /* and an offset */
  return 0.5 * (curvature[0] * x[0] * x[0] + curvature[1] * x[1] * x[1]) + 0.5;
}

static void langevin(double *x, double *v) { /* BAOAB, eta = 1/64, momentum 0.9 */
  const double push = 1 / 1.9, c = exp(-2 * 0.1 / 1.9), scale = sqrt(1 - c * c);
  for (int k = 0; k < 2; k++) {
    v[k] -= push * curvature[k] * x[k];
    x[k] += rate / 2 * v[k];
    v[k] = c * v[k] + scale * normal();
    x[k] += rate / 2 * v[k];
    v[k] -= push * curvature[k] * x[k];
  }
}

static void langevin_exact(double *x, double *v) { /* any matrices: the speed is theirs */
  double z[4] = {x[0], x[1], v[0], v[1]}, xi[4], next[4];
  for (int i = 0; i < 4; i++) {
    xi[i] = normal();
    next[i] = z[i];
    for (int j = 0; j < 4; j++) {
      next[i] -= H[i][j] * z[j] / 128;
    }
    for (int j = 0; j <= i; j++) {
      next[i] += M[i][j] * xi[j] / 128;
    }
  }
  x[0] = next[0];
  x[1] = next[1];
  v[0] = next[2];
  v[1] = next[3];
}

static void rmsprop_sde(double *x, double *v) {
  for (int k = 0; k < 2; k++) {
    const double move = curvature[k] * x[k] + normal();
    const double root = sqrt(v[k]) + 1e-8;
    v[k] += 0.01 * (1 - v[k]);
    x[k] -= rate * move / root;
  }
}

static void adam_sde(double *x, double *v, long step) {
  double c1, c2;
  corrections(v, step, exp(-0.1), exp(-0.001), &c1, &c2);
  for (int k = 0; k < 2; k++) {
    v[k] += 0.1 * (curvature[k] * x[k] - v[k] + normal());
    v[2 + k] += 0.001 * (1 - v[2 + k]);
    x[k] -= rate * (v[k] / c1) / (sqrt(v[2 + k] / c2) + 1e-8);
  }
}

static void sign_sde(double *x) {
  for (int k = 0; k < 2; k++) {
    const double e = erf(curvature[k] * x[k] / sqrt(2.0));
    x[k] += -rate * e + rate * sqrt(1 - e * e) * normal();
  }
}

static double stable(double a) { /* Chambers, Mallows and Stuck */
  const double phi = 3.141592653589793 * (uniform() - 0.5), w = -log(uniform());
  return sin(a * phi) / pow(cos(phi), 1 / a) * pow(cos((1 - a) * phi) / w, (1 - a) / a);
}

static void srk2(double *x) { /* geometric Brownian motion, as milstein and heun below */
  const double drift = 0.05, sigma = 0.2 * sqrt(rate), z = normal(), a = drift * x[0], B = sigma * x[0];
  const double moved = x[0] + rate * a, up = sigma * (moved + B), down = sigma * (moved - B);
  x[0] += rate / 2 * (a + drift * (moved + B * z)) + z / 4 * (up + down + 2 * B) + (z * z - 1) / 4 * (up - down);
}

static void nodes_rows(double *x) {
  double g[4][ROWS_D] = {{0}}, mean[ROWS_D] = {0}, xi[4];
  flow(x);
  for (int q = 0; q < 4; q++) {
    add_row(x, 1, g[q]);
    xi[q] = normal();
    for (int k = 0; k < ROWS_D; k++) {
      mean[k] += g[q][k] / 4;
    }
  }
  for (int q = 0; q < 4; q++) {
    for (int k = 0; k < ROWS_D; k++) {
      x[k] += rate * sqrt(1.0 / 3) * xi[q] * (g[q][k] - mean[k]);
    }
  }
  flow(x);
}

/* Processes; v: what they carry, all begin at 0. */
static void walk(double *x, double *v, double to) {
  int jumps = 0;
  if (v[1] == 0) {
    v[1] = 1;
    v[0] = 0;
  }
  while (v[0] <= to) {
    const double a = 0.7 * 3.141592653589793, u = uniform();
    jumps += v[0] > 0;
    v[0] += -log(uniform()) * pow(sin(a) / tan(a * u) - cos(a), 1 / 0.7);
  }
  x[0] += sqrt(jumps) * normal();
}

static void flights(double *x, double *v, double from, double to) {
  double t = from;
  while (v[0] < to) {
    x[0] += v[1] * (v[0] - t);
    t = v[0];
    v[0] += pow(uniform(), -1 / 1.5) - 1;
    v[1] = uniform() < 0.5 ? -1 : 1;
  }
  x[0] += v[1] * (to - t);
}

static void transit(double *x, double *v, double from, double to) {
  double t = from, half = 0;
  while (v[0] < to) {
    half += v[1] * (v[0] - t);
    t = v[0];
    const double u = uniform();
    v[1] = pow(u, 1 / 0.6);
    v[0] += pow(u, -2);
  }
  x[0] += sqrt(2 * (half + v[1] * (to - t))) * normal();
}

/* ---- a loop for each kind ---- */

#define STEP(kind) static inline __attribute__((always_inline)) void step_##kind(double *x, double *v, long step)

STEP(euler) { x[0] += -x[0] * rate + sqrt(rate) * normal(); }
STEP(exact) { x[0] = exp(-rate) * x[0] + sqrt((1 - exp(-2 * rate)) / 2) * normal(); }
STEP(sgd) {
  double g[2];
  gradient2(x, 1, g);
  x[0] -= rate * g[0];
  x[1] -= rate * g[1];
}
STEP(sme) { sme(x); }
STEP(momentum) {
  double g[2];
  gradient2(x, 1, g);
  momentum(2, g, x, v);
}
STEP(adam) {
  double g[2];
  gradient2(x, 1, g);
  adam(2, g, x, v, step);
}
STEP(samples) { samples(x); }
static void add_sample(const double *x, double weight, double *g) {
  double a[4], residual = -normal();
  for (int k = 0; k < 4; k++) {
    a[k] = normal();
    residual += a[k] * x[k];
  }
  for (int k = 0; k < 4; k++) {
    g[k] += weight * residual * a[k];
  }
}
STEP(momentum_samples) {
  double g[4] = {0};
  add_sample(x, 1, g);
  momentum(4, g, x, v);
}
STEP(svag_samples) { /* l = 4 */
  double g[4] = {0};
  add_sample(x, (1 + sqrt(7)) / 2, g);
  add_sample(x, (1 - sqrt(7)) / 2, g);
  for (int k = 0; k < 4; k++) {
    x[k] -= rate / 4 * g[k];
  }
}
STEP(sgd_rows) {
  double g[ROWS_D] = {0};
  add_row(x, 1, g);
  for (int k = 0; k < ROWS_D; k++) {
    x[k] -= rate * g[k];
  }
}
STEP(momentum_rows) {
  double g[ROWS_D] = {0};
  add_row(x, 1, g);
  momentum(ROWS_D, g, x, v);
}
STEP(adam_rows) {
  double g[ROWS_D] = {0};
  add_row(x, 1, g);
  adam(ROWS_D, g, x, v, step);
}
STEP(svag_rows) { /* l = 4 */
  double g[ROWS_D] = {0};
  add_row(x, (1 + sqrt(7)) / 2, g);
  add_row(x, (1 - sqrt(7)) / 2, g);
  for (int k = 0; k < ROWS_D; k++) {
    x[k] -= rate / 4 * g[k];
  }
}
STEP(pair_rows) {
  double g[ROWS_D] = {0};
  flow(x);
  add_row(x, rate * sqrt(0.5), g);
  add_row(x, -rate * sqrt(0.5), g);
  for (int k = 0; k < ROWS_D; k++) {
    x[k] += g[k];
  }
  flow(x);
}
STEP(nodes_rows) { nodes_rows(x); }
STEP(noisy_rows) { /* noise of a label is noise of the residual */
  const int j = rand_r(&seed) % N;
  double residual = -target[j] - 0.5 * normal();
  for (int k = 0; k < ROWS_D; k++) {
    residual += rows[j][k] * x[k];
  }
  for (int k = 0; k < ROWS_D; k++) {
    x[k] -= rate * residual * rows[j][k];
  }
}
STEP(milstein) {
  const double dW = 0.2 * sqrt(rate), b = dW * normal();
  x[0] += x[0] * (0.05 * rate + b + 0.5 * (b * b - dW * dW));
}
STEP(heun) {
  const double a = (0.05 - 0.02) * rate + 0.2 * sqrt(rate) * normal(), y = x[0] + a * x[0];
  x[0] += 0.5 * a * (x[0] + y);
}
STEP(srk2) { srk2(x); }
STEP(langevin) { langevin(x, v); }
STEP(langevin_exact) { langevin_exact(x, v); }
STEP(root) {
  const double scale = rate * sqrt(2 * loss2(x));
  const double noise[2] = {scale * sqrt(curvature[0]) * normal(), scale * sqrt(curvature[1]) * normal()};
  euler_noise(x, noise);
}
STEP(log_time) {
  const double span = rate / loss2(x);
  for (int k = 0; k < 2; k++) {
    x[k] += -span * curvature[k] * x[k] + rate * sqrt(2 * curvature[k]) * normal();
  }
  v[0] += span;
}
STEP(rmsprop_sde) { rmsprop_sde(x, v); }
STEP(adam_sde) { adam_sde(x, v, step); }
STEP(sign_sde) { sign_sde(x); }
STEP(levy) { x[0] += -x[0] * rate + pow(rate, 1 / 1.5) * stable(1.5); }
STEP(scaled) { x[0] += deviation[step - 1] * normal(); }
STEP(walk) { walk(x, v, (double)step); }
STEP(flights) { flights(x, v, (double)(step - 1), (double)step); }
STEP(transit) { transit(x, v, (double)(step - 1), (double)step); }

#define LOOP(kind)                                                                                           \
  static double loop_##kind(long trajectories, long steps) {                                                 \
    double total = 0;                                                                                        \
    for (long i = 0; i < trajectories; i++) {                                                                \
      double x[ROWS_D] = {0.5, 0.5}, v[V] = {0};                                                             \
      for (long step = 1; step <= steps; step++) {                                                           \
        step_##kind(x, v, step);                                                                             \
        if (step % (steps / 4 + 1) == 0) {                                                                   \
          for (int k = 0; k < ROWS_D; k++) {                                                                 \
            total += x[k] * x[k];                                                                            \
          }                                                                                                  \
        }                                                                                                    \
      }                                                                                                      \
    }                                                                                                        \
    return total;                                                                                            \
  }

#define KINDS(X)                                                                                             \
  X(euler) X(exact) X(sgd) X(sme) X(momentum) X(adam) X(samples) X(momentum_samples) X(svag_samples) X(sgd_rows) \
  X(momentum_rows) X(adam_rows) X(svag_rows) X(pair_rows) X(nodes_rows) X(noisy_rows) X(milstein) X(heun)    \
  X(srk2) X(langevin) X(langevin_exact) X(root) X(log_time) X(rmsprop_sde) X(adam_sde) X(sign_sde) X(levy)   \
  X(scaled) X(walk) X(flights) X(transit)
KINDS(LOOP)

#define ENTRY(kind) {#kind, loop_##kind},
static const struct {
  const char *name;
  double (*loop)(long trajectories, long steps);
} kinds[] = {KINDS(ENTRY)};

int main(int argc, char **argv) {
  const long trajectories = argc == 4 ? atol(argv[2]) : 0, steps = argc == 4 ? atol(argv[3]) : 0;
  if (trajectories < 1 || steps < 1) {
    return 2;
  }
  make_rows();
  deviation = malloc((size_t)steps * sizeof *deviation);
  if (deviation == NULL) {
    return 1;
  }
  for (long step = 1; step <= steps; step++) {
    deviation[step - 1] = sqrt(pow((double)step * rate, 1.5) - pow((double)(step - 1) * rate, 1.5));
  }
  int status = 2;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    if (strcmp(argv[1], kinds[i].name) == 0) {
      printf("%g\n", kinds[i].loop(trajectories, steps));
      status = 0;
    }
  }
  free(deviation);
  return status;
}
