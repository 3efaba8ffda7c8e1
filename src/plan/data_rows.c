/* Data rows: read, standardise, hash, lay out for the kernels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "core/rows.h"
#include "plan/plan.h"

/* Column to mean 0 and variance 1 (divisor N). Sums in row order: the same bits everywhere. */
static bool standardise_column(double *values, size_t n, size_t stride) {
  double sum = 0, largest = 0;
  for (size_t j = 0; j < n; j++) {
    sum += values[j * stride];
    largest = fabs(values[j * stride]) > largest ? fabs(values[j * stride]) : largest;
  }
  const double mean = sum / (double)n;
  double square = 0;
  for (size_t j = 0; j < n; j++) {
    const double d = values[j * stride] - mean;
    square += d * d;
  }
  const double std = sqrt(square / (double)n);
  if (!(std > 1e-12 * largest)) { /* a constant column has a deviation at the level of rounding */
    return false;
  }
  for (size_t j = 0; j < n; j++) {
    values[j * stride] = (values[j * stride] - mean) / std;
  }
  return true;
}

static eg_status standardise(eg_context *ctx, const eg_plan *plan, eg_data_set *data) {
  for (size_t k = 0; k < data->n_columns; k++) {
    if (!standardise_column(data->inputs + k, data->n_rows, data->n_columns)) {
      return eg_study_fail_at(ctx, plan->study, plan->study->model.data_mark,
                              "column %zu of '%s' is constant and cannot be standardised; remove it, or set "
                              "standardize: false",
                              k, plan->study->model.data);
    }
  }
  if (!standardise_column(data->target, data->n_rows, 1)) {
    return eg_study_fail_at(ctx, plan->study, plan->study->model.data_mark,
                            "the target of '%s' is constant and cannot be standardised; set standardize: false",
                            plan->study->model.data);
  }
  return EG_OK;
}

eg_status eg_plan_rows(eg_context *ctx, eg_plan *plan) {
  const eg_study_model *const model = &plan->study->model;
  if (model->data == NULL) {
    return EG_OK;
  }
  if (eg_data_read(ctx, model->data, model->inputs, model->target, &plan->data) != EG_OK) {
    char *reason = NULL;
    EG_TRY(eg_copy_string(ctx, eg_context_message(ctx), &reason));
    const eg_status status = eg_study_fail_at(ctx, plan->study, model->data_mark, "%s", reason);
    free(reason);
    return status;
  }
  plan->data_hash = eg_hash_bytes(EG_HASH_START, plan->data.inputs,
                                  plan->data.n_rows * plan->data.n_columns * sizeof(double));
  plan->data_hash = eg_hash_bytes(plan->data_hash, plan->data.target, plan->data.n_rows * sizeof(double));
  if (model->standardize) {
    EG_TRY(standardise(ctx, plan, &plan->data));
  }
  return EG_OK;
}
