/*
 * One mode of a quadratic loss under SGD with momentum (PyTorch's buffer b behind x) and under its Langevin
 * equation, by the library's affine engine: limiting-dynamics-and-anomalous-diffusion.md, sections 1 and 2.
 * State z = (x, b) or (x, v).
 */
#ifndef EG_TESTS_AFFINE_MODE_H
#define EG_TESTS_AFFINE_MODE_H

#include "check.h"
#include "oracle/stationary.h"

typedef struct mode {
  double eta, beta, decay, curvature, variance, batch; /* variance: of the gradient of one sample */
} mode;

typedef enum kind { CHAIN, LANGEVIN } kind;

/* Dynamics of a mode, with its stationary law. */
typedef struct motion {
  eg_affine_model model;
  eg_affine_setting setting;
  double V[4]; /* stationary covariance; NaN where there is none */
} motion;

static eg_context *context;

static inline void settle(motion *m) {
  const double zero[4] = {0};
  double mean[2];
  bool is_there = false;
  CHECK(eg_affine_stationary(context, &m->model, &m->setting, zero, zero, &is_there, mean, m->V) == EG_OK);
}

static inline motion motion_of(const mode *a, kind which) {
  const double zero = 0, noise = sqrt(a->variance);
  motion m = {.setting = {EG_LAW_SDE1, which == CHAIN ? EG_AFFINE_EULER_MARUYAMA : EG_AFFINE_EXACT, a->eta,
                          which == CHAIN ? a->batch : 1, 1}};
  eg_affine_model plain = {0};
  CHECK(eg_affine_quadratic(context, 1, &a->curvature, &zero, &noise, &zero, &plain) == EG_OK);
  if (which == CHAIN) {
    const eg_affine_chain chain = {a->beta, 1, 0, 1, a->decay, 0};
    CHECK(eg_affine_chain_lift(context, &plain, &chain, a->eta, &m.model) == EG_OK);
  } else {
    const eg_affine_langevin langevin = {a->eta, a->batch, a->beta, a->decay, 0};
    CHECK(eg_affine_langevin_lift(context, &plain, &langevin, &m.model) == EG_OK);
  }
  eg_affine_free(&plain);
  settle(&m);
  return m;
}

/* E z_k c for n steps counts k, where column = E z_0 c: the mean obeys the same linear map. out (n, 2). */
static inline void correlate(const motion *m, const double column[2], size_t n, const uint64_t *steps,
                             double *out) {
  const double zero[4] = {0};
  double *const second = calloc(4 * n, sizeof *second);
  CHECK(second != NULL &&
        eg_affine_moments(context, &m->model, &m->setting, 1, column, zero, n, steps, out, second) == EG_OK);
  free(second);
}

/* E (x_k - x_0)^2 of a stationary start, and c = d ln MSD / d ln k of a process; either may be NULL. */
static inline void stationary_msd(const motion *m, size_t n, const uint64_t *steps, double *msd,
                                  double *local) {
  const double column[2] = {m->V[0], m->V[2]};
  double *const z = calloc(2 * n, sizeof *z);
  correlate(m, column, n, steps, z);
  for (size_t i = 0; i < n; i++) {
    const double value = 2 * (m->V[0] - z[2 * i]);
    msd[i] = value;
    if (local != NULL) { /* d MSD / dt = -2 E v_t x_0 */
      local[i] = -2 * z[2 * i + 1] * m->setting.learning_rate * (double)steps[i] / value;
    }
  }
  free(z);
}

/* E (x_k - x_0)^2, E x_k^2 from the point x0 with velocity v0. */
static inline void from_point(const motion *m, double x0, double v0, size_t n, const uint64_t *steps,
                              double *displacement2, double *x2) {
  const double mean[2] = {x0, v0}, second[4] = {x0 * x0, x0 * v0, x0 * v0, v0 * v0};
  double *const means = calloc(6 * n, sizeof *means), *const seconds = means + 2 * n;
  CHECK(means != NULL && eg_affine_moments(context, &m->model, &m->setting, 1, mean, second, n, steps, means,
                                           seconds) == EG_OK);
  for (size_t i = 0; i < n; i++) {
    displacement2[i] = seconds[4 * i] - 2 * x0 * means[2 * i] + x0 * x0;
    if (x2 != NULL) {
      x2[i] = seconds[4 * i];
    }
  }
  free(means);
}

#endif
