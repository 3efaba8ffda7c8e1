/* SGD with momentum and weight decay on affine models by the library's affine engine: stationary laws, for
   tests of minibatch-noise-strength.md. */
#ifndef EG_TESTS_AFFINE_SGD_H
#define EG_TESTS_AFFINE_SGD_H

#include "oracle/stationary.h"
#include "physics/table_row.h"

enum { MOST = 2 * 10 };

static eg_context *ctx;

/* SGD on a model: learning rate, batch, momentum, weight decay. */
typedef struct sgd {
  double rate, batch, momentum, decay;
} sgd;

/* The lifted model with a velocity, and how it is advanced. */
static inline eg_affine_setting lift(const eg_affine_model *model, const sgd *s, eg_affine_model *out) {
  const eg_affine_chain chain = {s->momentum, 1, 0, 1, s->decay, 0};
  const eg_affine_setting setting = {EG_LAW_SDE1, EG_AFFINE_EULER_MARUYAMA, s->rate, s->batch, 1};
  CHECK(eg_affine_chain_lift(ctx, model, &chain, s->rate, out) == EG_OK);
  return setting;
}

/* Stationary mean and covariance of w; both NaN where there are none. */
static inline void stationary(const eg_affine_model *model, const sgd *s, double *mean, double *Sig) {
  const size_t d = (size_t)model->dim, wide = 2 * d;
  double zero[MOST * MOST] = {0}, means[MOST], seconds[MOST * MOST];
  bool is_there = false;
  eg_affine_model lifted = {0};
  const eg_affine_setting setting = lift(model, s, &lifted);
  CHECK(eg_affine_stationary(ctx, &lifted, &setting, zero, zero, &is_there, means, seconds) == EG_OK);
  for (size_t i = 0; i < d * d; i++) {
    mean[i / d] = means[i / d];
    Sig[i] = seconds[i / d * wide + i % d] - means[i / d] * means[i % d];
  }
  eg_affine_free(&lifted);
}

static inline eg_affine_model gaussian(int dim, const double *variance, double optimum, double label_noise) {
  double u[MOST];
  eg_affine_model model = {0};
  for (int i = 0; i < dim; i++) {
    u[i] = optimum;
  }
  CHECK(eg_affine_gaussian_least_squares(ctx, dim, variance, u, label_noise, &model) == EG_OK);
  return model;
}

/* Variance in one dimension, a = s2 = 1. */
static inline double variance_1d(double rate, double batch, double momentum) {
  const double one = 1;
  const sgd s = {rate, batch, momentum, 0};
  double mean, Sig;
  eg_affine_model model = gaussian(1, &one, 0, 1);
  stationary(&model, &s, &mean, &Sig);
  eg_affine_free(&model);
  return Sig;
}

static inline const char *row(const char *section, const char *format, double a, double b, double c) {
  static char text[260], rest[100];
  (void)snprintf(rest, sizeof rest, format, a, b, c);
  (void)snprintf(text, sizeof text, "minibatch-noise %s, %s", section, rest);
  return text;
}

#endif
