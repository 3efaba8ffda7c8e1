/* Coordinates of a result: run, time, step, component, and one coordinate per swept or fixed number of the runs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "run/result_parts.h"

static eg_status add_run_numbers(eg_context *ctx, eg_builder *b, const char *name, const double *values,
                                 const char *long_name) {
  const char *const dims[1] = {"run"};
  size_t index = 0;
  EG_TRY(eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_F64, 1, dims, &b->plan->n_runs, values, &index));
  return eg_labelled_set_text(ctx, b->file, index, "long_name", long_name);
}

static eg_status add_run_words(eg_context *ctx, eg_builder *b, const char *name, const char *const *words) {
  const char *const dims[1] = {"run"};
  return eg_labelled_add(ctx, b->file, "/", name, EG_TYPE_TEXT, 1, dims, &b->plan->n_runs, words, NULL);
}

static eg_status add_words(eg_context *ctx, eg_builder *b) {
  const size_t n = b->plan->n_runs;
  const char **words = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, 5 * n, sizeof *words, &words));
  for (size_t r = 0; r < n; r++) {
    const eg_run *const run = &b->plan->runs[r];
    words[r] = run->dynamics->label;
    words[n + r] = run->scheme == EG_SCHEME_DEFAULT ? "" : eg_scheme_name(run->scheme);
    words[2 * n + r] = run->factor == EG_FACTOR_DEFAULT ? "" : eg_factor_name(run->factor);
    words[3 * n + r] = run->job.stepper;
    words[4 * n + r] = run->description;
  }
  EG_TRY_DONE(add_run_words(ctx, b, "dynamics", words));
  EG_TRY_DONE(add_run_words(ctx, b, "scheme", words + n));
  EG_TRY_DONE(add_run_words(ctx, b, "factor", words + 2 * n));
  EG_TRY_DONE(add_run_words(ctx, b, "stepper", words + 3 * n));
  EG_TRY_DONE(add_run_words(ctx, b, "description", words + 4 * n));
done:
  free(words);
  return status;
}

static eg_status add_numbers(eg_context *ctx, eg_builder *b, eg_text *names) {
  const eg_plan *const plan = b->plan;
  const size_t n = plan->n_runs;
  const char *const step_name = plan->study->uses_time_step ? "time_step" : "learning_rate";
  double *v = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, 4 * n, sizeof *v, &v));
  for (size_t r = 0; r < n; r++) {
    const eg_run *const run = &plan->runs[r];
    v[r] = run->learning_rate;
    v[n + r] = run->dynamics->id == EG_GRADIENT_FLOW || run->dynamics->id == EG_SDE ? NAN : run->batch_size;
    v[2 * n + r] = run->job.launch.h;
    v[3 * n + r] = run->stability_limit;
  }
  EG_TRY_DONE(add_run_numbers(ctx, b, step_name, v, "step of the chain, unit of algorithmic time"));
  EG_TRY_DONE(add_run_numbers(ctx, b, "batch_size", v + n, "samples per gradient"));
  EG_TRY_DONE(add_run_numbers(ctx, b, "integrator_step", v + 2 * n, "step h of the integrator"));
  EG_TRY_DONE(add_run_numbers(ctx, b, "stability_limit", v + 3 * n, "largest mean-square stable learning rate, NaN: unknown"));
  eg_text_append(names, "dynamics scheme factor stepper description %s batch_size integrator_step stability_limit", step_name);
  for (size_t i = 0; i < plan->study->n_sweep; i++) {
    const eg_sweep_axis *const axis = &plan->study->sweep[i];
    if (axis->target == EG_SWEEP_LEARNING_RATE || axis->target == EG_SWEEP_BATCH_SIZE) {
      continue; /* already there */
    }
    char name[64];
    size_t k = 0;
    for (; axis->key[k] != '\0' && k + 1 < sizeof name; k++) {
      name[k] = axis->key[k] == '.' ? '_' : axis->key[k];
    }
    name[k] = '\0';
    for (size_t r = 0; r < n; r++) {
      v[r] = plan->runs[r].axis_values[i];
    }
    EG_TRY_DONE(add_run_numbers(ctx, b, name, v, axis->key));
    eg_text_append(names, " %s", name);
  }
done:
  free(v);
  return status;
}

/* Times and steps of one schedule. */
static eg_status add_times(eg_context *ctx, eg_builder *b, size_t schedule, eg_text *names) {
  const eg_plan *const plan = b->plan;
  const eg_plan_schedule *const of = &plan->schedules[schedule];
  const size_t T = of->n_records, n = plan->n_runs;
  double *times = NULL;
  int64_t *steps = NULL;
  size_t index = 0;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, n * T, sizeof *times, &times));
  EG_TRY_DONE(eg_allocate(ctx, n * T, sizeof *steps, &steps));
  for (size_t r = 0; r < n; r++) {
    for (size_t t = 0; t < T; t++) {
      const eg_run_schedule *const at = &plan->runs[r].schedules[schedule];
      times[r * T + t] = t < at->n ? at->times[t] : NAN;
      steps[r * T + t] = t < at->n ? (int64_t)at->steps[t] : -1;
    }
  }
  const char *const dims[2] = {"run", eg_plan_time_dim(of)};
  const size_t shape[2] = {n, T};
  if (of->has_common_times) {
    EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", of->time, EG_TYPE_F64, 1, dims + 1, &T, times, &index));
  } else {
    EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", of->time, EG_TYPE_F64, 2, dims, shape, times, &index));
    eg_text_append(names, " %s", of->time);
  }
  EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "long_name", "algorithmic time, steps x learning rate"));
  EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "units", "algorithmic time"));
  EG_TRY_DONE(eg_labelled_add(ctx, b->file, "/", of->step, EG_TYPE_I64, 2, dims, shape, steps, &index));
  EG_TRY_DONE(eg_labelled_set_text(ctx, b->file, index, "long_name", "steps of the chain; -1: no record"));
  eg_text_append(names, " %s", of->step);
done:
  free(times);
  free(steps);
  return status;
}

eg_status eg_build_coordinates(eg_context *ctx, eg_builder *b) {
  eg_text names = {0};
  eg_status status = EG_OK;
  EG_TRY_DONE(add_words(ctx, b));
  EG_TRY_DONE(add_numbers(ctx, b, &names));
  for (size_t s = 0; s < b->plan->n_schedules; s++) {
    if (eg_plan_has_dim(b->plan, s)) {
      EG_TRY_DONE(add_times(ctx, b, s, &names));
    }
  }
  EG_TRY_DONE(eg_build_difference_coordinates(ctx, b, &names));
  eg_append_histogram_coordinates(b->plan, &names);
  EG_TRY_DONE(eg_labelled_set_group_text(ctx, b->file, "/", "Conventions", "CF-1.10"));
  EG_TRY_DONE(eg_labelled_set_group_text(ctx, b->file, "/", "title",
                                         b->plan->study->title != NULL ? b->plan->study->title : ""));
  EG_TRY_DONE(eg_labelled_set_group_text(ctx, b->file, "/", "coordinates", eg_text_string(&names)));
done:
  eg_text_free(&names);
  return status;
}
