/* Models made of layers whose widths the study gives: the dimension, and the unit that is compiled for them. */
#include <stdio.h>
#include <string.h>

#include "model/compiled_units.h"
#include "model/units.h"
#include "model/shape.h"
#include "plan/plan.h"

enum { MOST_DIM = 16 }; /* of the lane form */

eg_status eg_plan_shape(eg_context *ctx, eg_plan *plan, const eg_model_info *info, int *dim) {
  const eg_number_list *const shape = &plan->study->model.shape;
  bool is_own = shape->n == info->n_widths;
  size_t length = 0;
  int total = 0;
  for (size_t l = 0; l < shape->n; l++) {
    const int width = (int)shape->values[l];
    is_own = is_own && width == info->widths[l];
    total += l > 0 ? width * (int)shape->values[l - 1] : 0;
    length += (size_t)snprintf(plan->shape + length, sizeof plan->shape - length, "%s%d", l > 0 ? "x" : "", width);
  }
  if (total > MOST_DIM) {
    return eg_study_fail_at(ctx, plan->study, shape->mark, "the layers of shape %s have %d numbers; at most %d are allowed: "
                                                           "the sum of products of neighbouring widths",
                            plan->shape, total, MOST_DIM);
  }
  if (is_own) {
    plan->shape[0] = '\0';
  }
  *dim = total;
  return EG_OK;
}

eg_status eg_plan_shaped_unit(eg_context *ctx, eg_plan *plan) {
  const eg_study *const s = plan->study;
  const eg_cpu_kernels *kernels = NULL;
  if (plan->shape[0] == '\0') {
    return EG_OK;
  }
  EG_TRY(eg_cpu_kernels_choose(ctx, &kernels));
  const eg_unit_request request = {.model = s->model.name,
                                   .form = EG_FORM_LANE,
                                   .dim = plan->dim,
                                   .is_float = s->float_state,
                                   .is_wide = s->noise == EG_NOISE_GAUSSIAN64 && !s->float_state,
                                   .isa = kernels->isa,
                                   .shape = plan->shape};
  return eg_unit_tables(ctx, &request, &plan->shaped);
}
