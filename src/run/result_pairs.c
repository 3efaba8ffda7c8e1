/* Tables over the differences of groups: numbers made of the two members of a difference. */
#include <math.h>
#include <stdlib.h>

#include "run/result_parts.h"

/* Differences of groups that ask for it; the others stay NaN. Columns of monitors that are empty, too. */
static void fill(eg_builder *b, const eg_pair_table *table, size_t n, double *values) {
  const eg_plan *const plan = b->plan;
  for (size_t i = 0; i < table->n_columns * n; i++) {
    values[i] = i / n == table->judged ? 0 : NAN;
  }
  for (size_t i = 0; i < plan->n_differences; i++) {
    const eg_difference *const d = &plan->differences[i];
    const eg_run *const first = &plan->runs[d->first], *const second = &plan->runs[d->second];
    const size_t n_records = table->is_asked(plan->groups[d->group].study) ? first->job.n_records : 0;
    for (size_t cell = 0; cell < n_records * plan->n_points * plan->n_columns; cell++) {
      const size_t c = cell % plan->n_columns, point = cell / plan->n_columns % plan->n_points;
      const size_t t = cell / plan->n_columns / plan->n_points;
      double one[EG_MOST_PAIR_COLUMNS] = {0};
      if (eg_plan_is_empty(plan, first, t, c) || eg_plan_is_empty(plan, second, t, c)) {
        continue;
      }
      table->fill_one(b, i, t, point, c, one);
      for (size_t k = 0; k < table->n_columns; k++) {
        values[k * n + eg_builder_at(b, i, t, point, c)] = one[k];
      }
    }
  }
}

eg_status eg_build_pairs(eg_context *ctx, eg_builder *b, const eg_pair_table *table) {
  const eg_plan *const plan = b->plan;
  const size_t n = plan->n_differences * plan->n_records * plan->n_points * plan->n_columns;
  double *values = NULL;
  eg_status status = EG_OK;
  bool is_asked = false;
  for (size_t g = 0; g < plan->study->n_groups; g++) {
    is_asked = is_asked || table->is_asked(&plan->study->groups[g]);
  }
  if (!is_asked || n == 0) {
    return EG_OK;
  }
  EG_TRY_DONE(eg_allocate(ctx, table->n_columns * n, sizeof *values, &values));
  fill(b, table, n, values);
  for (size_t f = 0; f < plan->n_features; f++) {
    for (size_t k = 0; k < table->n_columns; k++) {
      const eg_pair_column *const column = &table->columns[k];
      EG_TRY_DONE(eg_builder_add_over(ctx, b, "difference", plan->n_differences, &plan->features[f], column->suffix,
                                      column->type, values + k * n, column->long_name, NULL));
    }
  }
done:
  free(values);
  return status;
}
