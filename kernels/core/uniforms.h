/* The coefficients of a step in the type of the state, the same for all trajectories of a launch. */
#ifndef EG_CORE_UNIFORMS_H
#define EG_CORE_UNIFORMS_H

#include "core/model.h"

typedef struct eg_uniforms {
  eg_real h, learning_rate, rate_over_batch, batch_size, correction, noise_scale;
  const eg_real *staged;
  const eg_real *rows; /* all data rows: core/rows.h */
  uint32_t n_rows;
} eg_uniforms;

EG_FN eg_uniforms eg_uniforms_of(const eg_launch *a) {
  eg_uniforms u;
  u.h = (eg_real)a->h;
  u.learning_rate = (eg_real)a->learning_rate;
  u.rate_over_batch = (eg_real)a->rate_over_batch;
  u.batch_size = (eg_real)a->fold_count;
  u.correction = (eg_real)a->correction;
  u.noise_scale = (eg_real)a->noise_scale;
  u.staged = (const eg_real *)a->staged;
  u.rows = (const eg_real *)a->rows;
  u.n_rows = a->n_rows;
  return u;
}

#endif
