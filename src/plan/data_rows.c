/* Data rows: read, standardise, hash, lay out for the kernels. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "model/catalogue.h"
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

/* Where the rows are, for messages. */
static const char *place_of(const eg_study_model *model) {
  return model->data != NULL ? model->data : "model.rows";
}

static bool has_labels(const eg_plan *plan) {
  const eg_model_info *const info = plan->study->model.name != NULL ? eg_model_find(plan->study->model.name) : NULL;
  return info != NULL && info->has_labels;
}

int eg_plan_classes(const eg_plan *plan) {
  const eg_study_model *const model = &plan->study->model;
  const eg_model_info *const info = model->name != NULL ? eg_model_find(model->name) : NULL;
  if (info == NULL || !info->has_classes) {
    return 0;
  }
  for (size_t i = 0; i < model->n_params; i++) {
    if (strcmp(model->params[i].name, "classes") == 0) {
      return (int)model->params[i].value.values[0];
    }
  }
  return (int)info->params[0].default_value;
}

/* A whole number, and not swept: the dimension depends on it. */
static eg_status check_classes(eg_context *ctx, const eg_plan *plan) {
  const eg_study *const s = plan->study;
  for (size_t i = 0; i < s->n_sweep; i++) {
    if (s->sweep[i].target == EG_SWEEP_PARAM && strcmp(s->sweep[i].param, "classes") == 0) {
      return eg_study_fail_at(ctx, s, s->sweep[i].values.mark, "'classes' cannot be swept: the dimension depends on it");
    }
  }
  for (size_t i = 0; i < s->model.n_params; i++) {
    const eg_number_list *const value = &s->model.params[i].value;
    if (strcmp(s->model.params[i].name, "classes") == 0 && value->values[0] != floor(value->values[0])) {
      return eg_study_fail_at(ctx, s, value->mark, "'classes' is %g; it must be a whole number", value->values[0]);
    }
  }
  return EG_OK;
}

static eg_status standardise(eg_context *ctx, const eg_plan *plan, eg_data_set *data) {
  for (size_t k = 0; k < data->n_columns; k++) {
    if (!standardise_column(data->inputs + k, data->n_rows, data->n_columns)) {
      return eg_study_fail_at(ctx, plan->study, plan->study->model.data_mark,
                              "column %zu of '%s' is constant and cannot be standardised; remove it, or set "
                              "standardize: false",
                              k, place_of(&plan->study->model));
    }
  }
  if (has_labels(plan)) {
    return EG_OK;
  }
  if (!standardise_column(data->target, data->n_rows, 1)) {
    return eg_study_fail_at(ctx, plan->study, plan->study->model.data_mark,
                            "the target of '%s' is constant and cannot be standardised; set standardize: false",
                            place_of(&plan->study->model));
  }
  return EG_OK;
}

static eg_status check_labels(eg_context *ctx, const eg_plan *plan) {
  const double *const y = plan->data.target;
  const int classes = eg_plan_classes(plan), last = classes > 0 ? classes - 1 : 1;
  if (classes > 0) {
    EG_TRY(check_classes(ctx, plan));
  }
  char of_classes[48] = "";
  if (classes > 0) {
    (void)snprintf(of_classes, sizeof of_classes, " ('classes' is %d)", classes);
  }
  for (size_t j = 0; j < plan->data.n_rows; j++) {
    if (!(y[j] >= 0.0 && y[j] <= last && y[j] == floor(y[j]))) {
      return eg_study_fail_at(ctx, plan->study, plan->study->model.data_mark,
                              "the target of '%s' has the value %g in row %zu; the labels of %s must be 0 %s %d%s",
                              place_of(&plan->study->model), y[j], j, plan->study->model.name, last > 1 ? "to" : "or", last,
                              of_classes);
    }
  }
  return EG_OK;
}

/* Keep the chosen columns, in the order of the study. */
static eg_status choose_columns(eg_context *ctx, eg_plan *plan) {
  const eg_number_list *const chosen = &plan->study->model.columns;
  eg_data_set *const data = &plan->data;
  double *inputs = NULL;
  if (chosen->n == 0) {
    return EG_OK;
  }
  for (size_t i = 0; i < chosen->n; i++) {
    if (chosen->values[i] >= (double)data->n_columns) {
      return eg_study_fail_at(ctx, plan->study, chosen->mark, "there is no column %g in '%s', which has %zu (0 to %zu)",
                              chosen->values[i], place_of(&plan->study->model), data->n_columns, data->n_columns - 1);
    }
  }
  EG_TRY(eg_allocate(ctx, data->n_rows * chosen->n, sizeof(double), &inputs));
  for (size_t j = 0; j < data->n_rows; j++) {
    for (size_t i = 0; i < chosen->n; i++) {
      inputs[j * chosen->n + i] = data->inputs[j * data->n_columns + (size_t)chosen->values[i]];
    }
  }
  free(data->inputs);
  data->inputs = inputs;
  data->n_columns = chosen->n;
  return EG_OK;
}

static eg_status take_written_rows(eg_context *ctx, const eg_study_model *model, eg_data_set *data) {
  const size_t columns = model->width - 1;
  EG_TRY(eg_allocate(ctx, model->n_rows * columns, sizeof(double), &data->inputs));
  EG_TRY(eg_allocate(ctx, model->n_rows, sizeof(double), &data->target));
  data->n_rows = model->n_rows;
  data->n_columns = columns;
  for (size_t j = 0; j < model->n_rows; j++) {
    memcpy(data->inputs + j * columns, model->rows + j * model->width, columns * sizeof(double));
    data->target[j] = model->rows[j * model->width + columns];
  }
  return EG_OK;
}

eg_status eg_plan_rows(eg_context *ctx, eg_plan *plan) {
  const eg_study_model *const model = &plan->study->model;
  if (model->data == NULL && model->rows == NULL) {
    return EG_OK;
  }
  if (model->rows != NULL) {
    EG_TRY(take_written_rows(ctx, model, &plan->data));
  } else if (eg_data_read(ctx, model->data, model->inputs, model->target, &plan->data) != EG_OK) {
    char *reason = NULL;
    EG_TRY(eg_copy_string(ctx, eg_context_message(ctx), &reason));
    const eg_status status = eg_study_fail_at(ctx, plan->study, model->data_mark, "%s", reason);
    free(reason);
    return status;
  }
  plan->data_hash = eg_hash_bytes(EG_HASH_START, plan->data.inputs,
                                  plan->data.n_rows * plan->data.n_columns * sizeof(double));
  plan->data_hash = eg_hash_bytes(plan->data_hash, plan->data.target, plan->data.n_rows * sizeof(double));
  EG_TRY(choose_columns(ctx, plan));
  if (has_labels(plan)) {
    EG_TRY(check_labels(ctx, plan));
  }
  if (model->standardize) {
    EG_TRY(standardise(ctx, plan, &plan->data));
  }
  return EG_OK;
}
