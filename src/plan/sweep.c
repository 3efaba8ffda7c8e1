/* The sweep expanded: dynamics x product of the axes that concern them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "core/rng.h"
#include "plan/plan.h"

/* Does this axis change anything for these dynamics? */
static bool axis_concerns(const eg_sweep_axis *axis, const eg_study_dynamics *d) {
  switch (axis->target) {
  case EG_SWEEP_BATCH_SIZE:
    return isnan(d->batch_size);
  case EG_SWEEP_SUBSTEPS:
    return isnan(d->substeps);
  case EG_SWEEP_L:
    return isnan(d->chain.l);
  case EG_SWEEP_MOMENTUM:
    return isnan(d->chain.momentum);
  case EG_SWEEP_WEIGHT_DECAY:
    return isnan(d->chain.weight_decay);
  case EG_SWEEP_TAIL_INDEX:
    return isnan(d->chain.tail_index);
  default:
    return true;
  }
}

static void apply_axis(const eg_sweep_axis *axis, double value, eg_run *run) {
  switch (axis->target) {
  case EG_SWEEP_LEARNING_RATE:
    run->learning_rate = value;
    break;
  case EG_SWEEP_BATCH_SIZE:
    run->batch_size = value;
    break;
  case EG_SWEEP_SUBSTEPS:
    run->substeps = value;
    break;
  case EG_SWEEP_HORIZON:
    run->horizon = value;
    break;
  case EG_SWEEP_RIDGE:
    run->ridge = value;
    break;
  case EG_SWEEP_L:
    run->chain.l = value;
    break;
  case EG_SWEEP_MOMENTUM:
    run->chain.momentum = value;
    break;
  case EG_SWEEP_WEIGHT_DECAY:
    run->chain.weight_decay = value;
    break;
  case EG_SWEEP_TAIL_INDEX:
    run->chain.tail_index = value;
    break;
  case EG_SWEEP_START_POINT: /* the rest is looked up where it is used (stage.c) */
  case EG_SWEEP_START_MEAN:
  case EG_SWEEP_START_STD:
  case EG_SWEEP_PARAM:
    break;
  }
}

/* Everything that makes this run differ from others of the study, in words. Its hash is the run's noise id, so the
   noise of a run does not depend on which other runs the study has. */
static eg_status describe(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  eg_text text = {0};
  eg_text_append(&text, "%s", run->dynamics->label);
  for (size_t i = 0; i < plan->study->n_sweep; i++) {
    if (!isnan(run->axis_values[i])) {
      eg_text_append(&text, " %s=%.17g", plan->study->sweep[i].key, run->axis_values[i]);
    }
  }
  if (text.is_broken) {
    eg_text_free(&text);
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory");
  }
  run->description = text.data;
  return EG_OK;
}

/* The run that takes value choice[i] of axis i. */
static eg_status make_run(eg_context *ctx, eg_plan *plan, const eg_study_dynamics *d, const size_t *choice) {
  const eg_study *const s = plan->study;
  eg_run *const run = &plan->runs[plan->n_runs++];
  run->dynamics = d;
  run->group = EG_NO_GROUP;
  run->learning_rate = s->learning_rate;
  run->batch_size = d->batch_size;
  run->substeps = d->substeps;
  run->chain = d->chain;
  run->horizon = s->horizon;
  run->ridge = s->model.ridge;
  EG_TRY(eg_allocate(ctx, s->n_sweep, sizeof(double), &run->axis_values));
  for (size_t i = 0; i < s->n_sweep; i++) {
    run->axis_values[i] = NAN;
    if (axis_concerns(&s->sweep[i], d)) {
      run->axis_values[i] = s->sweep[i].values.values[choice[i]];
      apply_axis(&s->sweep[i], run->axis_values[i], run);
    }
  }
  if (!(run->batch_size >= 1)) {
    run->batch_size = 1; /* dynamics without a batch */
  }
  if (!(run->substeps >= 1)) {
    run->substeps = 1;
  }
  eg_plan_chain_iterations(run);
  return describe(ctx, plan, run);
}

eg_status eg_plan_runs(eg_context *ctx, eg_plan *plan) {
  const eg_study *const s = plan->study;
  size_t *choice = NULL;
  size_t most = s->n_dynamics;
  for (size_t i = 0; i < s->n_sweep; i++) {
    most *= s->sweep[i].values.n;
  }
  EG_TRY(eg_allocate(ctx, most, sizeof *plan->runs, &plan->runs));
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, s->n_sweep + 1, sizeof *choice, &choice));
  for (size_t d = 0; d < s->n_dynamics; d++) {
    memset(choice, 0, (s->n_sweep + 1) * sizeof *choice);
    for (bool is_done = false; !is_done;) {
      EG_TRY_DONE(make_run(ctx, plan, &s->dynamics[d], choice));
      is_done = true; /* count up, the last axis fastest, skipping axes that do not concern these dynamics */
      for (size_t i = s->n_sweep; i-- > 0 && is_done;) {
        if (!axis_concerns(&s->sweep[i], &s->dynamics[d])) {
          continue;
        }
        choice[i] = (choice[i] + 1) % s->sweep[i].values.n;
        is_done = choice[i] == 0;
      }
    }
  }
done:
  free(choice);
  return status;
}
