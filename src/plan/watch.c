/*
 * A state that is not finite is looked for at observations and found again where it began, which needs that it stays: NaN
 * and infinities stick through the arithmetic of every shipped model (tests/conformance/test_monitors.c). A user's model may
 * clamp its state. So every stepper of a user's model is tried with such states before the run; if one comes back finite,
 * the run looks after every step.
 */
#include <stdlib.h>
#include <string.h>

#include "model/units.h"
#include "plan/plan.h"

typedef struct probe {
  eg_thread thread;
  void *staged, *rows, *state;
  double *start;
  uint64_t *first_bad;
} probe;

static void free_probe(probe *p) {
  free(p->thread.noise);
  free(p->thread.rows);
  free(p->thread.index);
  free(p->thread.block);
  free(p->staged);
  free(p->rows);
  free(p->state);
  free(p->start);
  free(p->first_bad);
}

static void put(void *values, bool is_float, size_t i, double value) {
  if (is_float) {
    ((float *)values)[i] = (float)value;
  } else {
    ((double *)values)[i] = value;
  }
}

static eg_status convert(eg_context *ctx, const double *values, size_t n, bool is_float, void **out) {
  EG_TRY(eg_allocate_pages(ctx, n, sizeof(double), out));
  for (size_t i = 0; i < n; i++) {
    put(*out, is_float, i, values[i]);
  }
  return EG_OK;
}

static eg_status make_probe(eg_context *ctx, const eg_job *job, const eg_unit *unit, const eg_launch *a, size_t width,
                            probe *p) {
  const uint32_t n_points = a->n_points;
  const eg_cpu_kernels *kernels = NULL;
  const size_t dim = (size_t)job->dim, lanes = (size_t)n_points * EG_LANES;
  EG_TRY(eg_cpu_kernels_choose(ctx, &kernels));
  p->thread.fill = kernels->fill;
  EG_TRY(eg_allocate_pages(ctx, EG_NOISE_BYTES, 1, &p->thread.noise));
  EG_TRY(eg_allocate_pages(ctx, EG_ROWS_BYTES, 1, &p->thread.rows));
  EG_TRY(eg_allocate_pages(ctx, EG_INDEX_BLOCKS * 4 * EG_LANES, sizeof(int32_t), &p->thread.index));
  EG_TRY(eg_allocate_pages(ctx, unit->block_bytes(a), 1, &p->thread.block));
  EG_TRY(convert(ctx, job->staged, job->n_staged, job->is_float, &p->staged));
  EG_TRY(convert(ctx, job->rows, job->n_row_values, job->is_float, &p->rows));
  EG_TRY(eg_allocate_pages(ctx, width * lanes, sizeof(double), &p->state));
  EG_TRY(eg_allocate(ctx, n_points * dim, sizeof(double), &p->start));
  return eg_allocate(ctx, lanes, sizeof(uint64_t), &p->first_bad);
}

/* One point for every component and value; the other components, and what a chain keeps behind them, are 0. */
static void spoil(const eg_job *job, uint32_t n_points, size_t width, probe *p) {
  static const uint64_t bits[3] = {0x7ff8000000000000ull, 0x7ff0000000000000ull, 0xfff0000000000000ull};
  for (size_t point = 0; point < n_points; point++) {
    for (size_t l = 0; l < EG_LANES; l++) {
      put(p->state, job->is_float, (point * width + point / 3) * EG_LANES + l, eg_double_of_bits(bits[point % 3]));
      p->first_bad[point * EG_LANES + l] = EG_NEVER;
    }
  }
}

eg_status eg_plan_try_bad_states(eg_context *ctx, const eg_job *job, const eg_unit *unit, int dim, bool *stay_bad) {
  const uint32_t n_points = 3 * (uint32_t)dim;
  const eg_unit_stepper *stepper = NULL;
  probe p;
  eg_status status = EG_OK;
  memset(&p, 0, sizeof p);
  for (int32_t i = 0; i < unit->n_steppers; i++) {
    stepper = strcmp(unit->steppers[i].name, job->stepper) == 0 ? &unit->steppers[i] : stepper;
  }
  if (stepper == NULL) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "unit '%s' has no stepper '%s'", job->model, job->stepper);
  }
  eg_launch a = job->launch;
  a.n_lanes = a.ld = EG_LANES;
  a.n_points = n_points;
  a.sampling = 0; /* which rows are drawn does not matter here */
  const size_t width = (size_t)(job->dim + stepper->extra);
  EG_TRY_DONE(make_probe(ctx, job, unit, &a, width, &p));
  spoil(job, n_points, width, &p);
  a.realisation_first = 0;
  a.start_kind = EG_START_FIXED;
  a.start = p.start;
  a.step_first = 0;
  a.step_last = 1;
  a.is_restart = 1;
  a.n_records = a.n_features = a.n_monitors = 0;
  a.is_watched = a.absorbing = 0;
  a.staged = p.staged;
  a.rows = p.rows;
  a.state = p.state;
  a.first_bad = p.first_bad;
  stepper->advance(job->params, &a, &p.thread);
  *stay_bad = true;
  for (size_t i = 0; i < (size_t)n_points * EG_LANES; i++) {
    *stay_bad = *stay_bad && p.first_bad[i] != EG_NEVER;
  }
done:
  free_probe(&p);
  return status;
}

eg_status eg_plan_watch(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  bool stay_bad = true;
  /* gaussian-fast has no CPU form to try; the population form looks after every step */
  if (plan->user_model == NULL || run->job.kind == EG_NOISE_GAUSSIAN_FAST || run->job.launch.n_particles > 0) {
    return EG_OK;
  }
  const eg_unit *unit = NULL;
  const eg_unit_stepper *stepper = NULL;
  EG_TRY(eg_user_model_stepper(ctx, plan->user_model, run->job.stepper, &unit, &stepper));
  EG_TRY(eg_plan_try_bad_states(ctx, &run->job, unit, plan->dim, &stay_bad));
  if (!stay_bad) {
    run->job.launch.is_watched = 1;
    eg_warn(ctx, "the model file can make a state that is not finite finite again: run '%s' looks after every step, which is "
                 "slower",
            run->description);
  }
  return EG_OK;
}
