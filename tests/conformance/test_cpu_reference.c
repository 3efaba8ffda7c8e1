/*
 * Every stepper against a plain scalar implementation written from the equations
 * (stochastic-modified-flows.md, 1 and 5.1) in long double, with increments and row indices asked for one at
 * a time by the scalar definitions of core/noise.h. Agreement to rounding over tens of steps: a wrong factor,
 * index, stream or order shows at once. SGD on rows and Euler-Maruyama of the Ornstein-Uhlenbeck process are
 * compared bit for bit as well.
 */
#include <unistd.h>

#include "core/rows.h"
#include "trajectories.h"
#include "write_rows.h"

enum { ROWS = 23, D = 2 };
typedef long double real;

static char folder[] = "/tmp/ensgrad-test-XXXXXX";
static double inputs[ROWS][D], target[ROWS];
static const real ridge =
    0.125L; /* short, as are the data: the long double values are those of the program */

/* ---- noise, one draw at a time ---- */

static double normal(const eg_job *job, uint64_t realisation, uint64_t q) {
  uint32_t w[4];
  const uint64_t n = (uint64_t)eg_kind_per_block(job->kind);
  eg_block(job->launch.key, EG_STREAM_NOISE, realisation, q / n, w);
  return eg_draw(job->kind, w, (int)(q % n));
}

static size_t row_index(const eg_job *job, uint64_t realisation, uint64_t q) {
  uint32_t w[4];
  eg_block(job->launch.key, EG_STREAM_ROWS, realisation, q / 4, w);
  return eg_index_is_rejected(w[q % 4], ROWS) ? (size_t)eg_index_search(job->launch.key, realisation, q, ROWS)
                                              : (size_t)eg_index_of_word(w[q % 4], ROWS);
}

/* ---- linear regression ---- */

static void row_gradient(size_t j, const real *x, real *g) { /* with the regulariser */
  real residual = -(real)target[j];
  for (int k = 0; k < D; k++) {
    residual += (real)inputs[j][k] * x[k];
  }
  for (int k = 0; k < D; k++) {
    g[k] = residual * (real)inputs[j][k] + ridge * x[k];
  }
}

static real H[D][D], g_zero[D]; /* grad R = H x - g_zero, by averaging the rows once */

static void average_rows(void) {
  for (size_t j = 0; j < ROWS; j++) {
    for (int i = 0; i < D; i++) {
      g_zero[i] += (real)target[j] * (real)inputs[j][i] / ROWS;
      for (int k = 0; k < D; k++) {
        H[i][k] += (real)inputs[j][i] * (real)inputs[j][k] / ROWS;
      }
    }
  }
  H[0][0] += ridge;
  H[1][1] += ridge;
}

static void full_gradient(const real *x, real *g) {
  for (int i = 0; i < D; i++) {
    g[i] = H[i][0] * x[0] + H[i][1] * x[1] - g_zero[i];
  }
}

static void regression_drift(const real *x, real correction, real *b) { /* -(I + c H) grad R */
  real g[D];
  full_gradient(x, g);
  for (int k = 0; k < D; k++) {
    b[k] = -g[k] - correction * (H[k][0] * g[0] + H[k][1] * g[1]);
  }
}

static void covariance(const real *x, real C[D][D]) {
  real mean[D], g[D];
  full_gradient(x, mean);
  memset(C, 0, sizeof(real) * D * D);
  for (size_t j = 0; j < ROWS; j++) {
    row_gradient(j, x, g);
    for (int i = 0; i < D; i++) {
      for (int k = 0; k < D; k++) {
        C[i][k] += (g[i] - mean[i]) * (g[k] - mean[k]) / ROWS;
      }
    }
  }
}

static void flow(real *x, real h, real correction) { /* by 16 Runge-Kutta steps: 1e-14 here */
  for (int n = 0; n < 16; n++) {
    const real s = h / 16;
    real k[4][D], y[D];
    regression_drift(x, correction, k[0]);
    for (int stage = 1; stage < 4; stage++) {
      const real c = stage == 3 ? s : s / 2;
      for (int i = 0; i < D; i++) {
        y[i] = x[i] + c * k[stage - 1][i];
      }
      regression_drift(y, correction, k[stage]);
    }
    for (int i = 0; i < D; i++) {
      x[i] += s / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
    }
  }
}

/* noise of covariance h eta / B Sigma(x) for step `step`; padded: components of the unit */
static void regression_noise(const eg_run *run, const char *form, uint64_t realisation, uint64_t step,
                             const real *x, real *v) {
  const eg_job *const job = &run->job;
  const real h = (real)run->learning_rate / (real)run->substeps;
  const real scale = sqrtl(h * (real)run->learning_rate / (real)run->batch_size);
  real C[D][D], g[D], g2[D];
  v[0] = v[1] = 0;
  if (strcmp(form, "pair") == 0) {
    row_gradient(row_index(job, realisation, 2 * step), x, g);
    row_gradient(row_index(job, realisation, 2 * step + 1), x, g2);
    for (int k = 0; k < D; k++) {
      v[k] = scale / sqrtl(2) * (g[k] - g2[k]);
    }
  } else if (strcmp(form, "data") == 0) {
    full_gradient(x, g2);
    for (size_t j = 0; j < ROWS; j++) {
      row_gradient(j, x, g);
      const real xi = normal(job, realisation, step * ROWS + j);
      for (int k = 0; k < D; k++) {
        v[k] += scale * sqrtl(1.0L / ROWS) * xi * (g2[k] - g[k]);
      }
    }
  } else {
    const real z[D] = {normal(job, realisation, step * D), normal(job, realisation, step * D + 1)};
    covariance(x, C);
    real S[D][D] = {{0}};
    if (strcmp(form, "cholesky") == 0) {
      S[0][0] = sqrtl(C[0][0]);
      S[1][0] = C[1][0] / S[0][0];
      S[1][1] = sqrtl(C[1][1] - S[1][0] * S[1][0]);
    } else { /* sqrt of a 2 x 2 matrix: (C + sqrt(det) I) / sqrt(trace + 2 sqrt(det)) */
      const real root = sqrtl(C[0][0] * C[1][1] - C[0][1] * C[1][0]), t = sqrtl(C[0][0] + C[1][1] + 2 * root);
      for (int i = 0; i < D; i++) {
        for (int k = 0; k < D; k++) {
          S[i][k] = (C[i][k] + (i == k ? root : 0)) / t;
        }
      }
    }
    for (int i = 0; i < D; i++) {
      v[i] = scale * (S[i][0] * z[0] + S[i][1] * z[1]);
    }
  }
}

static void regression_step(const eg_run *run, uint64_t realisation, uint64_t step, real *x) {
  const eg_job *const job = &run->job;
  const real eta = (real)run->learning_rate, h = eta / (real)run->substeps;
  const real correction = run->dynamics->id == EG_SME2 ? eta / 2 : 0;
  real v[D], b[D], g[D];
  if (run->dynamics->id == EG_SGD) {
    const uint64_t batch = (uint64_t)run->batch_size;
    v[0] = v[1] = 0;
    for (uint64_t i = 0; i < batch; i++) {
      row_gradient(row_index(job, realisation, step * batch + i), x, g);
      v[0] += g[0];
      v[1] += g[1];
    }
    x[0] -= eta / (real)batch * v[0];
    x[1] -= eta / (real)batch * v[1];
  } else if (run->dynamics->id == EG_GRADIENT_FLOW) {
    flow(x, h, 0);
  } else if (run->scheme == EG_EULER_MARUYAMA) {
    regression_drift(x, correction, b);
    regression_noise(run, strchr(job->stepper, '_') + 1, realisation, step, x, v);
    x[0] += h * b[0] + v[0];
    x[1] += h * b[1] + v[1];
  } else {
    flow(x, h / 2, correction);
    regression_noise(run, strchr(job->stepper, '_') + 1, realisation, step, x, v);
    x[0] += v[0];
    x[1] += v[1];
    flow(x, h / 2, correction);
  }
}

/* ---- one-dimensional models ---- */

static const real rate = 1.25L, mean = -0.5L, sigma = 0.75L, mu = -0.375L, a_well = 1.5L, b_well = 0.5L;

static real scalar_drift(const char *model, real correction, real x) {
  if (strcmp(model, "ornstein-uhlenbeck") == 0) {
    return -rate * (x - mean);
  }
  if (strcmp(model, "geometric-brownian-motion") == 0) {
    return mu * x;
  }
  return -(1 + correction * (3 * b_well * x * x - a_well)) * (b_well * x * x * x - a_well * x);
}

static real scalar_flow(const char *model, real h, real correction, real x) {
  const int n =
      strcmp(model, "double-well") == 0 ? 1 : 16; /* the well's flow is one Runge-Kutta step by definition */
  for (int i = 0; i < n; i++) {
    const real s = h / n, k1 = scalar_drift(model, correction, x),
               k2 = scalar_drift(model, correction, x + s / 2 * k1);
    const real k3 = scalar_drift(model, correction, x + s / 2 * k2),
               k4 = scalar_drift(model, correction, x + s * k3);
    x += s / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
  }
  return x;
}

static real scalar_diffusion(const char *model, real x) {
  return strcmp(model, "geometric-brownian-motion") == 0 ? sigma * x : sigma;
}

static real scalar_step(const eg_run *run, uint64_t realisation, uint64_t step, real x) {
  const char *const model = run->job.model;
  const real eta = (real)run->learning_rate, h = eta / (real)run->substeps;
  const real correction = run->dynamics->id == EG_SME2 ? eta / 2 : 0;
  const bool is_sde = run->dynamics->id == EG_SDE;
  if (run->dynamics->id == EG_GRADIENT_FLOW) {
    return scalar_flow(model, h / 2, 0, scalar_flow(model, h / 2, 0, x));
  }
  const real z = normal(&run->job, realisation, step);
  if (run->dynamics->id == EG_SGD) {
    return x + eta * scalar_drift(model, 0, x) - eta / sqrtl((real)run->batch_size) * sigma * z;
  }
  const real scale = is_sde ? sqrtl(h) : sqrtl(h * eta / (real)run->batch_size);
  if (run->scheme == EG_EXACT && strcmp(model, "ornstein-uhlenbeck") == 0) {
    const real decay = expl(-rate * h);
    return mean + decay * (x - mean) + sigma * sqrtl(-expm1l(-2 * rate * h) / (2 * rate)) * z;
  }
  if (run->scheme == EG_EXACT) {
    return x * expl((mu - sigma * sigma / 2) * h + sigma * sqrtl(h) * z);
  }
  if (run->scheme == EG_STRANG) {
    const real y = scalar_flow(model, h / 2, correction, x);
    return scalar_flow(model, h / 2, correction, y + scale * scalar_diffusion(model, y) * z);
  }
  return x + h * scalar_drift(model, correction, x) + scale * scalar_diffusion(model, x) * z;
}

/* ---- comparison ---- */

static void compare(planned p, double tolerance) {
  for (size_t i = 0; i < p.plan->n_runs; i++) {
    const eg_run *const run = &p.plan->runs[i];
    const eg_job *const job = &run->job;
    setup s = default_setup(job, 70);
    s.first = 0x100000000ull - 64; /* over the border of the low counter word */
    const trajectories t = trajectories_of(&s);
    double worst = 0;
    for (uint32_t l = 0; l < s.n_lanes; l++) {
      for (size_t point = 0; point < s.n_points; point++) {
        real x[D] = {job->start[point * (size_t)job->dim],
                     D == p.plan->dim ? job->start[point * (size_t)job->dim + 1] : 0};
        uint64_t step = 0;
        for (size_t r = 0; r < job->n_records; r++) {
          for (; step < job->record_steps[r]; step++) {
            if (p.plan->dim == 1) {
              x[0] = scalar_step(run, s.first + l, step, x[0]);
            } else {
              regression_step(run, s.first + l, step, x);
            }
          }
          for (int k = 0; k < p.plan->dim; k++) {
            const double error = fabs((double)((real)value_at(&t, r, point, (size_t)k, l) - x[k]));
            worst = error <= worst ? worst : error; /* NaN stays */
          }
        }
      }
    }
    printf("%-18s %-28s %-10s largest difference %.2g\n", job->stepper, run->description,
           eg_noise_name((eg_noise_kind)job->kind), worst);
    CHECK_NEAR(worst, 0, tolerance);
    trajectories_free(t);
  }
  plan_free(p);
}

static void regression(const char *noise) {
  char name[64], text[1500];
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  (void)snprintf(
      text, sizeof text,
      "seed: 77\nmodel: {name: linear-regression, data: two.h5, standardize: false, ridge: 0.125}\n"
      "start: {points: [[0.5, -1], [1, 1]]}\nlearning_rate: 1/8\nsteps: 30\nnoise: %s\ndynamics:\n"
      "  - {name: sgd, batch_size: 1}\n  - {name: sgd, batch_size: 3}\n  - {name: sgd, batch_size: 4}\n"
      "  - {name: sgd, batch_size: 30}\n  - gradient-flow\n"
      "  - {name: sme1, batch_size: 2, factor: pair, scheme: euler-maruyama}\n"
      "  - {name: sme2, batch_size: 2, factor: pair, substeps: 3}\n"
      "  - {name: sme2, batch_size: 3, factor: data, scheme: euler-maruyama, substeps: 2}\n"
      "  - {name: sme1, factor: data}\n  - {name: sme2, factor: cholesky}\n"
      "  - {name: sme1, factor: cholesky, batch_size: 5, scheme: euler-maruyama, substeps: 2}\n"
      "  - {name: sme2, factor: symmetric-root, substeps: 2}\n"
      "  - {name: sme1, factor: symmetric-root, batch_size: 5, scheme: euler-maruyama}\n"
      "realisations: 1000\nobserve: {at: {steps: [1, 2, 3, 29, 30]}, features: [x]}\n",
      noise);
  compare(plan_text(name, text), 1e-11);
}

static void scalar(const char *model, const char *step, const char *dynamics, const char *noise) {
  char text[1500];
  (void)snprintf(
      text, sizeof text,
      "seed: 78\nmodel: %s\nstart: {points: [[0.5], [-1.25]]}\n%s: 1/8\nsteps: 75\nnoise: %s\ndynamics:\n%s"
      "realisations: 1000\nobserve: {at: {steps: [1, 2, 30, 75]}, features: [x]}\n",
      model, step, noise, dynamics);
  compare(plan_text("study.yaml", text), 1e-11);
}

/* ---- bit for bit, with the operations in the kernel's order ---- */

static void equal_bits_sgd(void) {
  char name[64];
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  const planned p = plan_text(
      name,
      "seed: 3\nmodel: {name: linear-regression, data: two.h5, standardize: false, ridge: 0.1}\nstart: "
      "{point: 1}\n"
      "learning_rate: 0.1\nsteps: 100\ndynamics:\n  - {name: sgd, batch_size: 1}\n  - {name: sgd, "
      "batch_size: 4}\n"
      "  - {name: sgd, batch_size: 7}\nrealisations: 100\nobserve: {at: {steps: [100]}, features: [x]}\n");
  for (size_t i = 0; i < p.plan->n_runs; i++) {
    const eg_job *const job = &p.plan->runs[i].job;
    setup s = default_setup(job, 100);
    const trajectories t = trajectories_of(&s);
    const uint64_t batch = job->launch.fold_count;
    size_t wrong = 0;
    for (uint32_t l = 0; l < 100; l++) {
      double x[D] = {1, 1};
      for (uint64_t step = 0; step < 100; step++) {
        double acc[D] = {(double)batch * (0.1 * x[0]), (double)batch * (0.1 * x[1])};
        for (uint64_t b = 0; b < batch; b++) {
          const size_t j = row_index(job, l, step * batch + b);
          const double residual = fma(inputs[j][1], x[1], fma(inputs[j][0], x[0], -target[j]));
          acc[0] = fma(residual, inputs[j][0], acc[0]);
          acc[1] = fma(residual, inputs[j][1], acc[1]);
        }
        x[0] = fma(-(0.1 / (double)batch), acc[0], x[0]);
        x[1] = fma(-(0.1 / (double)batch), acc[1], x[1]);
      }
      wrong += value_at(&t, 0, 0, 0, l) != x[0] || value_at(&t, 0, 0, 1, l) != x[1];
    }
    CHECK(wrong == 0);
    trajectories_free(t);
  }
  plan_free(p);
}

static void equal_bits_euler(void) {
  const planned p =
      plan_text("study.yaml", "seed: 3\nmodel: {name: ornstein-uhlenbeck, rate: 0.3, mean: 0.7, sigma: 1.1}\n"
                              "start: {point: 0.1}\ntime_step: 0.1\nsteps: 1000\ndynamics: sde\n"
                              "realisations: 100\nobserve: {at: {steps: [1000]}, features: [x]}\n");
  const eg_job *const job = &p.plan->runs[0].job;
  setup s = default_setup(job, 100);
  const trajectories t = trajectories_of(&s);
  const double kept = 1 - 0.3 * 0.1;
  size_t wrong = 0;
  for (uint32_t l = 0; l < 100; l++) {
    double x = 0.1;
    for (uint64_t step = 0; step < 1000; step++) {
      x = fma(kept, x, fma(sqrt(0.1) * 1.1, normal(job, l, step), (1 - kept) * 0.7));
    }
    wrong += value_at(&t, 0, 0, 0, l) != x;
  }
  CHECK(wrong == 0);
  trajectories_free(t);
  plan_free(p);
}

int main(void) {
  char path[64];
  MUST(mkdtemp(folder) != NULL, "temporary folder");
  for (int j = 0; j < ROWS; j++) {
    inputs[j][0] = (double)(j * 7 % 19) / 8.0 - 1.125;
    inputs[j][1] = (double)(j * 5 % 17) / 8.0 - 1;
    target[j] = (double)(j * 11 % 13) / 4.0 - 1.5;
  }
  (void)snprintf(path, sizeof path, "%s/two.h5", folder);
  MUST(write_rows(path, ROWS, D, &inputs[0][0], target), "data file");
  average_rows();
  regression("gaussian");
  regression("gaussian64");
  regression("table5");
  equal_bits_sgd();
  equal_bits_euler();
  static const char *const noises[] = {"gaussian", "gaussian64", "table5",     "table8",
                                       "table10",  "two-point",  "three-point"};
  for (size_t i = 0; i < sizeof noises / sizeof noises[0]; i++) {
    scalar("{name: ornstein-uhlenbeck, rate: 1.25, mean: -0.5, sigma: 0.75}", "time_step",
           i < 2 ? "  - {name: sde, scheme: euler-maruyama}\n  - {name: sde, scheme: strang, substeps: 3}\n"
                   "  - {name: sde, scheme: exact}\n" /* Gaussian noise only */
                 : "  - {name: sde, scheme: euler-maruyama}\n  - {name: sde, scheme: strang, substeps: 3}\n",
           noises[i]);
    scalar("{name: geometric-brownian-motion, mu: -0.375, sigma: 0.75}", "time_step",
           i < 2 ? "  - {name: sde, scheme: euler-maruyama, substeps: 2}\n  - {name: sde, scheme: strang}\n"
                   "  - {name: sde, scheme: exact, substeps: 2}\n"
                 : "  - {name: sde, scheme: euler-maruyama, substeps: 2}\n  - {name: sde, scheme: strang}\n",
           noises[i]);
    scalar("{name: double-well, a: 1.5, b: 0.5, sigma: 0.75}", "learning_rate",
           "  - {name: sgd, batch_size: 3}\n  - {name: sme1, batch_size: 2, scheme: euler-maruyama}\n"
           "  - {name: sme2, batch_size: 2, substeps: 2}\n  - {name: sde, substeps: 2}\n  - gradient-flow\n",
           noises[i]);
  }
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
