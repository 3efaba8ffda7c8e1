/* What the kernels of the regression models get from the data: the headers in kernels/models say where things lie. */
#include <stdlib.h>
#include <string.h>

#include "core/form.h"
#include "core/model.h"
#include "model/catalogue.h"
#include "plan/plan.h"

enum { MAX_FLOW_DIM = 1024 }; /* an exponential of a matrix costs some 25 dim^3 operations: seconds there */

static void stage_tensor(const eg_data_set *data, int dim, double *form_table) {
  const size_t d = (size_t)dim, columns = data->n_columns, form = (d + 1) * (d + 2) / 2;
  for (size_t j = 0; j < data->n_rows; j++) {
    double w[8] = {0}, row[8] = {0};
    for (size_t k = 0; k < columns; k++) {
      row[k] = w[k] = data->inputs[j * columns + k];
    }
    w[d] = -data->target[j]; /* residual = w . (x, 1) */
    for (size_t i = 0; i < d; i++) {
      for (size_t l = 0; l <= i; l++) {
        double *const t = form_table + (i * (i + 1) / 2 + l) * form;
        const double weight = row[i] * row[l] / (double)data->n_rows;
        for (size_t a = 0; a <= d; a++) {
          for (size_t b = 0; b <= a; b++) {
            t[a * (a + 1) / 2 + b] += weight * w[a] * w[b] * (a == b ? 1.0 : 2.0);
          }
        }
      }
    }
  }
}

/* H, g0 and the constant of the loss: of the oracle where there is one, else made here in the same order. */
typedef struct normal_equations {
  const double *H, *g0;
  double constant;
  double *memory; /* (d, d) and (d), NULL if they are the oracle's */
} normal_equations;

static eg_status sum_rows(eg_context *ctx, const eg_plan *plan, const eg_run *run, bool needs_H, normal_equations *out) {
  const size_t d = (size_t)plan->dim, n_rows = plan->data.n_rows;
  EG_TRY(eg_allocate(ctx, d * d + d, sizeof(double), &out->memory));
  double *const H = out->memory, *const g0 = H + d * d;
  for (size_t j = 0; j < n_rows; j++) {
    const double *const a = plan->data.inputs + j * d, y = plan->data.target[j];
    for (size_t i = 0; i < d; i++) {
      g0[i] += y * a[i];
      for (size_t k = 0; needs_H && k <= i; k++) {
        H[i * d + k] += a[i] * a[k];
      }
    }
    out->constant += y * y;
  }
  for (size_t i = 0; i < d; i++) {
    g0[i] /= (double)n_rows;
    for (size_t k = 0; k <= i; k++) {
      H[i * d + k] = H[i * d + k] / (double)n_rows + (i == k ? run->ridge : 0.0);
      H[k * d + i] = H[i * d + k];
    }
  }
  out->constant /= 2.0 * (double)n_rows;
  out->H = H;
  out->g0 = g0;
  return EG_OK;
}

static eg_status find_equations(eg_context *ctx, const eg_plan *plan, const eg_run *run, bool needs_H,
                                normal_equations *out) {
  if (run->has_oracle) {
    *out = (normal_equations){run->affine.H, run->affine.g0, run->affine.loss_constant, NULL};
    return EG_OK;
  }
  return sum_rows(ctx, plan, run, needs_H, out);
}

/* The half flow x -> M x + v as M (d, d) by columns, then v (d). */
static eg_status half_flow(eg_context *ctx, const eg_plan *plan, const eg_run *run, const normal_equations *e,
                           double **flow) {
  const size_t d = (size_t)plan->dim;
  double *M = NULL;
  EG_TRY(eg_allocate(ctx, 2 * d * d + d, sizeof(double), &M));
  const eg_affine_model model = {.dim = plan->dim, .H = (double *)e->H, .g0 = (double *)e->g0}; /* only read */
  const eg_status status = eg_affine_flow(ctx, &model, run->job.launch.correction, 0.5 * run->job.launch.h, M + d * d + d,
                                          M + d * d);
  for (size_t i = 0; i < d && status == EG_OK; i++) {
    for (size_t k = 0; k < d; k++) {
      M[k * d + i] = M[d * d + d + i * d + k];
    }
  }
  if (status != EG_OK) {
    free(M);
    return status;
  }
  *flow = M;
  return EG_OK;
}

/* Lane form: H by rows, g0, constant, ridge, M by rows, v, tensor. */
static eg_status stage_lane(eg_context *ctx, const eg_plan *plan, eg_run *run, const normal_equations *e) {
  const size_t d = (size_t)plan->dim, D = (size_t)plan->padded_dim, at_constant = D * D + D;
  double *flow = NULL;
  run->job.n_staged = (size_t)eg_plan_unit(plan)->n_staged;
  EG_TRY(eg_allocate(ctx, run->job.n_staged, sizeof(double), &run->staged));
  EG_TRY(half_flow(ctx, plan, run, e, &flow));
  double *const st = run->staged;
  for (size_t i = 0; i < d; i++) {
    for (size_t k = 0; k < d; k++) {
      st[i * D + k] = e->H[i * d + k];
      st[at_constant + 2 + i * D + k] = flow[k * d + i];
    }
    st[D * D + i] = e->g0[i];
    st[at_constant + 2 + D * D + i] = flow[d * d + i];
  }
  st[at_constant] = e->constant;
  st[at_constant + 1] = run->ridge;
  if ((eg_plan_unit(plan)->caps & EG_CAP_COVARIANCE) != 0) {
    stage_tensor(&plan->data, plan->padded_dim, st + at_constant + 2 + D * D + D);
  }
  free(flow);
  return EG_OK;
}

/* Team form: g0, v, constant, ridge, H, M by columns; the matrices only where the run multiplies by them. */
static eg_status stage_team(eg_context *ctx, const eg_plan *plan, eg_run *run, const normal_equations *e, bool needs_H,
                            bool needs_flow) {
  const size_t d = (size_t)plan->dim, D = (size_t)plan->padded_dim, at_H = 2 * D + EG_TEAM_LANES;
  double *flow = NULL;
  run->job.n_staged = at_H + (needs_flow ? 2 * D * D : (needs_H ? D * D : 0));
  EG_TRY(eg_allocate(ctx, run->job.n_staged, sizeof(double), &run->staged));
  double *const st = run->staged;
  memcpy(st, e->g0, d * sizeof(double));
  st[2 * D] = e->constant;
  st[2 * D + 1] = run->ridge;
  for (size_t k = 0; k < d && needs_H; k++) {
    memcpy(st + at_H + k * D, e->H + k * d, d * sizeof(double)); /* symmetric */
  }
  if (needs_flow) {
    EG_TRY(half_flow(ctx, plan, run, e, &flow));
    for (size_t k = 0; k < d; k++) {
      memcpy(st + at_H + D * D + k * D, flow + k * d, d * sizeof(double));
    }
    memcpy(st + D, flow + d * d, d * sizeof(double));
    free(flow);
  }
  return EG_OK;
}

/* At any time, for whatever is made of it. */
static bool observes_gradient(const eg_plan *plan) {
  return eg_plan_any_feature(plan, "loss") != NULL || eg_plan_any_feature(plan, "gradient_norm2") != NULL;
}

static eg_status stage_linear(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const char *const stepper = run->job.stepper;
  const bool needs_flow = strncmp(stepper, "strang", 6) == 0 || strcmp(stepper, "gradient_flow") == 0;
  const bool is_driven = strncmp(stepper, "euler", 5) == 0 || strncmp(stepper, "langevin", 8) == 0; /* by the gradient of the loss */
  const bool needs_H = needs_flow || is_driven || strstr(stepper, "_data") != NULL || observes_gradient(plan);
  normal_equations e = {NULL, NULL, 0, NULL};
  if (needs_flow && plan->dim > MAX_FLOW_DIM) {
    return eg_study_fail_at(ctx, plan->study, run->dynamics->mark,
                            "the exact flow of linear-regression is available up to dimension %d, the study has %d; "
                            "allowed: sgd, and sme1 and sme2 with scheme euler-maruyama",
                            MAX_FLOW_DIM, plan->dim);
  }
  EG_TRY(find_equations(ctx, plan, run, needs_H, &e));
  const eg_status status = plan->form == EG_FORM_TEAM ? stage_team(ctx, plan, run, &e, needs_H, needs_flow)
                                                      : stage_lane(ctx, plan, run, &e);
  free(e.memory);
  return status;
}

/* Rows that are coefficients (a, b): means, covariances, ridge, and of sample-quadratic the half flow
   (kernels/models/sample_quadratic.h, sample_sine.h). */
static eg_status stage_coefficients(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const double *const a = plan->data.inputs, *const b = plan->data.target, n = (double)plan->data.n_rows;
  run->job.n_staged = (size_t)eg_plan_unit(plan)->n_staged;
  EG_TRY(eg_allocate(ctx, run->job.n_staged, sizeof(double), &run->staged));
  double *const st = run->staged;
  for (size_t j = 0; j < plan->data.n_rows; j++) {
    st[0] += a[j] / n;
    st[1] += b[j] / n;
  }
  for (size_t j = 0; j < plan->data.n_rows; j++) {
    st[2] += (a[j] - st[0]) * (a[j] - st[0]) / n;
    st[3] += (a[j] - st[0]) * (b[j] - st[1]) / n;
    st[4] += (b[j] - st[1]) * (b[j] - st[1]) / n;
  }
  st[5] = run->ridge;
  if (run->has_oracle) { /* sample-quadratic */
    st[0] += run->ridge;
    return eg_affine_flow(ctx, &run->affine, run->job.launch.correction, 0.5 * run->job.launch.h, st + 6, st + 7);
  }
  return EG_OK;
}

/* Ridge, sizes, room for the root of a gradient_noise, and all rows (kernels/models/softmax_regression.h). */
static eg_status stage_classes(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const size_t d = plan->data.n_columns, D = (size_t)plan->padded_dim, n = plan->data.n_rows;
  const bool is_team = plan->form == EG_FORM_TEAM; /* reads the rows themselves */
  const size_t first = is_team ? 4 : (size_t)eg_plan_unit(plan)->n_staged + D * (D + 1) / 2;
  run->job.n_staged = is_team ? first : first + n * (d + 1);
  EG_TRY(eg_allocate(ctx, run->job.n_staged, sizeof(double), &run->staged));
  double *const st = run->staged;
  st[0] = run->ridge;
  st[1] = (double)n;
  st[2] = (double)d;
  st[3] = eg_plan_classes(plan);
  for (size_t j = 0; j < n && !is_team; j++) {
    memcpy(st + first + j * (d + 1), plan->data.inputs + j * d, d * sizeof(double));
    st[first + j * (d + 1) + d] = plan->data.target[j];
  }
  return EG_OK;
}

eg_status eg_plan_stage_regression(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  if (eg_model_find(plan->study->model.name)->has_coefficients) {
    return stage_coefficients(ctx, plan, run);
  }
  if (eg_plan_classes(plan) > 0) {
    return stage_classes(ctx, plan, run);
  }
  if ((eg_plan_unit(plan)->caps & EG_CAP_MARGIN) == 0) {
    return stage_linear(ctx, plan, run);
  }
  run->job.n_staged = 1; /* the rest is made by passes over the rows */
  EG_TRY(eg_allocate(ctx, 1, sizeof(double), &run->staged));
  run->staged[0] = run->ridge;
  return EG_OK;
}
