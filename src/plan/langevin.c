/* The coefficients of the Langevin equation of a chain (kernels/steppers/langevin.h), and its exact moments. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/model.h"
#include "oracle/affine_lift.h"
#include "oracle/dense.h"
#include "plan/plan.h"

static eg_status refuse(eg_context *ctx, const eg_plan *plan, const eg_run *run, const char *why) {
  return eg_study_fail_at(ctx, plan->study, run->dynamics->mark, "run '%s': langevin %s", run->description, why);
}

/* The exact law is drawn from its normals; whether there is one shows when the model is staged. */
static eg_status choose_scheme(eg_context *ctx, const eg_plan *plan, eg_run *run, bool has_rows) {
  const eg_noise_kind kind = plan->study->noise;
  if (run->dynamics->scheme == EG_SCHEME_DEFAULT || run->dynamics->scheme == EG_BAOAB) {
    return EG_OK;
  }
  if (run->dynamics->scheme != EG_EXACT) {
    return refuse(ctx, plan, run, "is integrated by baoab, or drawn from its exact law where noise is additive; allowed schemes: baoab, "
                                  "exact");
  }
  if (has_rows) {
    return refuse(ctx, plan, run, "has an exact law where the noise does not depend on x; that of data rows does; allowed scheme: baoab");
  }
  if (kind != EG_NOISE_GAUSSIAN && kind != EG_NOISE_GAUSSIAN64 && kind != EG_NOISE_GAUSSIAN_FAST) {
    return refuse(ctx, plan, run, "draws its exact law from normals; allowed kinds of noise: gaussian, gaussian64, gaussian-fast");
  }
  run->scheme = EG_EXACT;
  run->job.stepper = "langevin_exact";
  return EG_OK;
}

eg_status eg_plan_langevin(eg_context *ctx, const eg_plan *plan, eg_run *run, int caps) {
  eg_launch *const a = &run->job.launch;
  eg_chain *const c = &a->chain;
  const double eta = run->learning_rate, beta = run->chain.momentum, h = a->h;
  const bool has_own_law = run->dynamics->gradient_noise.law > EG_GRADIENT_EXACT;
  const bool has_rows = (caps & EG_CAP_ROWS) != 0 && !has_own_law;
  const bool has_channels = (caps & EG_CAP_CHANNELS) != 0 && (caps & EG_CAP_SAMPLES) == 0;
  if (plan->form == EG_FORM_TEAM && has_own_law) {
    return refuse(ctx, plan, run, "with gradient_noise gaussian-decoupled or constant has the lane form only, at most 16 dimensions");
  }
  if ((caps & EG_CAP_LOSS) == 0 || (!has_rows && !has_channels && !has_own_law)) {
    return refuse(ctx, plan, run, "needs a loss and its noise: eg_gradient, and eg_add_row_gradient or eg_noise_channels, which drawn samples do "
                                  "not take the place of; or a gradient_noise of its own law, gaussian-decoupled or constant");
  }
  if (!(beta < 1.0)) { /* from a sweep */
    return refuse(ctx, plan, run, "needs a momentum below 1");
  }
  if ((caps & EG_CAP_POPULATION) != 0) { /* built-in models are refused before */
    return refuse(ctx, plan, run, "has no form for populations");
  }
  const double friction = 2.0 * (1.0 - beta) / (eta * (1.0 + beta)); /* 2 gamma */
  const double spread = -expm1(-2.0 * friction * h) / (2.0 * friction);
  const double noise = 2.0 / ((1.0 + beta) * sqrt(eta * run->batch_size));
  c->rate = eta; /* what marks the chain as used */
  c->substeps = 1;
  c->momentum = exp(-friction * h);
  c->new_weight = h / (eta * (1.0 + beta));
  c->lookahead = run->chain.has_zero_velocity ? 0.0 : 1.0 / (1.0 + beta);
  c->weight_decay = run->chain.weight_decay;
  c->clip2 = INFINITY;
  a->noise_scale = noise * sqrt(has_rows ? 0.5 * spread : spread);
  run->job.stepper = has_own_law ? "langevin_root" : has_rows ? "langevin_pair" : "langevin_channels";
  return choose_scheme(ctx, plan, run, has_rows);
}

static bool is_additive(const eg_affine_model *model) {
  const size_t n = (size_t)model->n_channels * (size_t)model->dim * (size_t)model->dim;
  for (size_t i = 0; i < n; i++) {
    if (model->S[i] != 0.0) {
      return false;
    }
  }
  return true;
}

/* Behind `staged` (D components, of which d are the model's): E (2 D, 2 D), e (2 D) and the triangle L of (x, v), from those of the
   law's d + d components. */
static void lay_out(size_t d, size_t D, const double *E, const double *e, const double *L, double *staged) {
  double *const wide_e = staged + 4 * D * D, *const wide_L = wide_e + 2 * D;
  for (size_t i = 0; i < 2 * d; i++) {
    const size_t row = i < d ? i : D + i - d;
    wide_e[row] = e[i];
    for (size_t j = 0; j < 2 * d; j++) {
      const size_t column = j < d ? j : D + j - d;
      staged[row * 2 * D + column] = E[i * 2 * d + j];
      if (j <= i) {
        wide_L[row * (row + 1) / 2 + column] = L[i * 2 * d + j];
      }
    }
  }
}

/* The law of (x, v) after one step h of the lifted model: mean map, and the covariance that grows from nothing, without a shift, so
   that no mean is subtracted from it. */
static eg_status exact_law(eg_context *ctx, const eg_run *run, double *E, double *e, double *L) {
  const size_t n = (size_t)run->lifted.dim;
  const double h = run->job.launch.h;
  const uint64_t one = 1;
  const eg_affine_setting setting = {EG_LAW_SDE1, EG_AFFINE_EXACT, h, 1, 1};
  eg_affine_model centred = run->lifted;
  double *space = NULL;
  EG_TRY(eg_allocate(ctx, 4 * n * n + 3 * n, sizeof *space, &space));
  double *const drift = space, *const zero = drift + n * n, *const covariance = zero + n * n + n, *const mean = covariance + n * n;
  double *const shift = mean + n;
  for (size_t i = 0; i < n * n; i++) {
    drift[i] = -run->lifted.H[i];
  }
  centred.g0 = zero;
  eg_status status = eg_affine_moments(ctx, &centred, &setting, 1, zero, zero, 1, &one, mean, covariance);
  EG_TRY_DONE(status);
  memcpy(shift, run->lifted.g0, n * sizeof *shift);
  EG_TRY_DONE(eg_lift_flow(ctx, n, drift, shift, h, E, e));
  /* x moves by h^(3/2) where v moves by h^(1/2): the root is that of the correlations, so that no small pivot counts as 0 */
  for (size_t i = 0; i < n; i++) {
    mean[i] = sqrt(covariance[i * n + i]);
  }
  for (size_t i = 0; i < n * n; i++) {
    const double size = mean[i / n] * mean[i % n];
    covariance[i] = size > 0 ? covariance[i] / size : 0.0;
  }
  if (!eg_dense_cholesky(n, covariance, L)) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_INTERNAL, "the covariance of the Langevin equation has no root"));
  }
  for (size_t i = 0; i < n * n; i++) {
    L[i] *= mean[i / n];
  }
done:
  free(space);
  return status;
}

static eg_status stage_exact(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const size_t d = (size_t)plan->dim, D = (size_t)plan->padded_dim, n = (size_t)eg_plan_unit(plan)->n_staged, w = 2 * d;
  double *law = NULL, *staged = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, 2 * w * w + w, sizeof *law, &law));
  EG_TRY_DONE(exact_law(ctx, run, law, law + w * w, law + w * w + w));
  const size_t size = n + 4 * D * D + 2 * D + D * (2 * D + 1);
  EG_TRY_DONE(eg_allocate(ctx, size, sizeof *staged, &staged));
  memcpy(staged, run->staged, n * sizeof *staged);
  lay_out(d, D, law, law + w * w, law + w * w + w, staged + n);
  free(run->staged);
  run->staged = staged;
  run->job.staged = staged;
  run->job.n_staged = size;
done:
  free(law);
  return status;
}

eg_status eg_plan_stage_langevin(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const bool is_exact = run->scheme == EG_EXACT;
  const eg_affine_model *const given = run->lifted.dim > 0 ? &run->lifted : &run->affine;
  if (is_exact && (!run->has_oracle || 2 * run->affine.dim > EG_AFFINE_MAX_DIM || !is_additive(given))) {
    return refuse(ctx, plan, run, "has an exact law where the gradient is affine and the noise does not depend on x, which is so for "
                                  "quadratic without 'multiplicative' and for gradient_noise constant; allowed scheme: baoab");
  }
  if (!run->has_oracle || 2 * run->affine.dim > EG_AFFINE_MAX_DIM) {
    run->has_oracle = false;
    return EG_OK;
  }
  run->langevin = (eg_affine_langevin){.learning_rate = run->learning_rate,
                                       .batch_size = run->batch_size,
                                       .momentum = run->chain.momentum,
                                       .weight_decay = run->chain.weight_decay,
                                       .start_velocity = run->job.launch.chain.lookahead};
  eg_affine_model noisy = run->lifted; /* empty: the noise is the model's */
  memset(&run->lifted, 0, sizeof run->lifted);
  const eg_status status =
      eg_affine_langevin_lift(ctx, noisy.dim > 0 ? &noisy : &run->affine, &run->langevin, &run->lifted);
  eg_affine_free(&noisy);
  EG_TRY(status);
  return is_exact ? stage_exact(ctx, plan, run) : EG_OK;
}
