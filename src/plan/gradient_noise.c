/* Gradient noise that is not the model's own: the root of its covariance for the kernels (noise form root), its exact
   moments, and those of minibatches whose rows get noise. */
#include <stdlib.h>
#include <string.h>

#include "core/model.h"
#include "model/catalogue.h"
#include "oracle/dense.h"
#include "plan/plan.h"

static eg_status refuse(eg_context *ctx, const eg_plan *plan, const eg_run *run, const char *why) {
  const eg_mark mark = run->dynamics->gradient_noise.mark;
  return eg_study_fail_at(ctx, plan->study, mark.line > 0 ? mark : run->dynamics->mark, "run '%s': %s", run->description, why);
}

static bool uses_root(const eg_run *run) {
  const char *const tail = strrchr(run->job.stepper, '_');
  return (tail != NULL && strcmp(tail, "_root") == 0) ||
         (run->dynamics->id == EG_LANGEVIN && run->dynamics->gradient_noise.law > EG_GRADIENT_EXACT); /* its exact law too */
}

/* The matrix as written: full, diagonal, or a number times the identity. */
static eg_status written_matrix(eg_context *ctx, const eg_plan *plan, const eg_run *run, double *out) {
  const eg_study_gradient_noise *const noise = &run->dynamics->gradient_noise;
  const size_t d = (size_t)plan->dim;
  const size_t needed = noise->is_full ? d * d : d;
  if (noise->n_matrix != needed && !(noise->n_matrix == 1 && !noise->is_full)) {
    return eg_study_fail_at(ctx, plan->study, noise->mark,
                            "the matrix of gradient_noise has %zu values%s; the study has %zu dimension%s", noise->n_matrix,
                            noise->is_full ? "" : " on its diagonal", d, d == 1 ? "" : "s");
  }
  for (size_t i = 0; i < d; i++) {
    for (size_t k = 0; k < d; k++) {
      out[i * d + k] = noise->is_full ? noise->matrix[i * d + k]
                       : i == k       ? noise->matrix[noise->n_matrix == 1 ? 0 : i]
                                      : 0.0;
    }
  }
  return EG_OK;
}

/* The covariance (constant) or the Hessian (decoupled), (dim, dim). */
static eg_status find_matrix(eg_context *ctx, const eg_plan *plan, const eg_run *run, double *out) {
  const eg_study_gradient_noise *const noise = &run->dynamics->gradient_noise;
  const size_t d = (size_t)plan->dim;
  double at[EG_AFFINE_MAX_DIM] = {0};
  if (noise->matrix != NULL) {
    return written_matrix(ctx, plan, run, out);
  }
  if (!run->has_oracle || run->affine.is_process) {
    return refuse(ctx, plan, run, noise->law == EG_GRADIENT_CONSTANT
                                      ? "the covariance at a point is known for affine gradients only; give 'covariance'"
                                      : "the Hessian of this model is not constant; give 'hessian', its value at the minimum");
  }
  if (noise->law == EG_GRADIENT_DECOUPLED) {
    memcpy(out, run->affine.H, d * d * sizeof *out);
    return EG_OK;
  }
  if (noise->at.n != 1 && noise->at.n != d) {
    return refuse(ctx, plan, run, "'at' needs one value, or one per dimension");
  }
  for (size_t k = 0; k < d; k++) {
    at[k] = noise->at.values[noise->at.n == 1 ? 0 : k];
  }
  eg_affine_covariance(&run->affine, at, out);
  return EG_OK;
}

/* The triangle of the root behind what the model staged. */
static eg_status append_root(eg_context *ctx, const eg_plan *plan, eg_run *run, const double *root) {
  const size_t d = (size_t)plan->dim, D = (size_t)plan->padded_dim, n = (size_t)eg_plan_unit(plan)->n_staged;
  const size_t least = n + D * (D + 1) / 2, size = run->job.n_staged > least ? run->job.n_staged : least; /* rows behind it */
  double *staged = NULL;
  EG_TRY(eg_allocate(ctx, size, sizeof *staged, &staged));
  memcpy(staged, run->staged, run->job.n_staged * sizeof *staged);
  for (size_t i = 0; i < d; i++) {
    memcpy(staged + n + i * (i + 1) / 2, root + i * d, (i + 1) * sizeof *staged);
  }
  free(run->staged);
  run->staged = staged;
  run->job.staged = staged;
  run->job.n_staged = size;
  return EG_OK;
}

static bool is_diagonal(size_t d, const double *matrix) {
  for (size_t i = 0; i < d * d; i++) {
    if (i / d != i % d && matrix[i] != 0.0) {
      return false;
    }
  }
  return true;
}

static eg_status stage_root(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const eg_study_gradient_noise *const noise = &run->dynamics->gradient_noise;
  const size_t d = (size_t)plan->dim;
  eg_launch *const a = &run->job.launch;
  double *matrix = NULL;
  EG_TRY(eg_allocate(ctx, 2 * d * d, sizeof *matrix, &matrix));
  double *const root = matrix + d * d;
  eg_status status;
  EG_TRY_DONE(find_matrix(ctx, plan, run, matrix));
  if (run->dynamics->id == EG_SIGNSGD_SDE && !is_diagonal(d, matrix)) {
    EG_TRY_DONE(refuse(ctx, plan, run, "signsgd-sde takes the sign of every component by itself; the matrix of gradient_noise must be "
                                       "diagonal"));
  }
  if (!eg_dense_cholesky(d, matrix, root)) {
    status = refuse(ctx, plan, run, "the matrix of gradient_noise is not positive semidefinite");
    goto done;
  }
  const bool is_decoupled = noise->law == EG_GRADIENT_DECOUPLED;
  a->noise_loss = is_decoupled ? 2.0 : 0.0;
  a->noise_level = is_decoupled ? 2.0 * noise->loss_offset : 1.0;
  EG_TRY_DONE(append_root(ctx, plan, run, root));
  if (run->has_oracle) {
    EG_TRY_DONE(eg_affine_root_noise(ctx, &run->affine, root, a->noise_loss, a->noise_level, &run->has_oracle, &run->lifted));
  }
done:
  free(matrix);
  return status;
}

eg_status eg_plan_row_noise(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const eg_study_chain *const s = &run->dynamics->chain;
  const eg_model_info *const info = plan->study->model.name != NULL ? eg_model_find(plan->study->model.name) : NULL;
  eg_launch *const a = &run->job.launch;
  if (!(s->input_noise > 0) && !(s->label_noise > 0)) {
    return EG_OK;
  }
  if (strstr(run->job.stepper, "_rows") == NULL) {
    return refuse(ctx, plan, run, "input_noise and label_noise are added to drawn data rows: the model needs data");
  }
  if (s->label_noise > 0 && info != NULL && info->has_labels) {
    return refuse(ctx, plan, run, "label_noise cannot be added to labels that are 0 or 1");
  }
  if (plan->study->noise == EG_NOISE_GAUSSIAN_FAST) {
    return refuse(ctx, plan, run, "input_noise and label_noise are not made from noise gaussian-fast; allowed: gaussian");
  }
  a->input_noise = s->input_noise;
  a->label_noise = s->label_noise;
  return EG_OK;
}

eg_status eg_plan_stage_noise(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const eg_launch *const a = &run->job.launch;
  if (uses_root(run)) {
    return stage_root(ctx, plan, run);
  }
  if (run->has_oracle && (a->input_noise > 0 || a->label_noise > 0)) {
    /* a subset of the rows scales their part only; rows of other models enter the gradient in another way */
    run->has_oracle = run->dynamics->sampling == EG_SAMPLING_REPLACEMENT && strcmp(plan->study->model.name, "linear-regression") == 0;
    return run->has_oracle ? eg_affine_row_noise(ctx, &run->affine, plan->data.n_rows, plan->data.inputs, plan->data.target,
                                                 a->input_noise, a->label_noise, &run->lifted)
                           : EG_OK;
  }
  return EG_OK;
}
