/*
 * Trajectories one by one, for tests of the CPU kernels: plan a study from text, then advance any
 * realisations of one of its runs with a unit, start and launch shape of the test's choice, keeping every
 * record.
 */
#ifndef EG_TESTS_TRAJECTORIES_H
#define EG_TESTS_TRAJECTORIES_H

#include "check.h"
#include "core/permutation.h"
#include "model/units.h"
#include "plan/plan.h"

/* Stops the test program: without this nothing below makes sense. */
#define MUST(condition, text)                                                                                \
  do {                                                                                                       \
    if (!(condition)) {                                                                                      \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, text);                                              \
      exit(1);                                                                                               \
    }                                                                                                        \
  } while (0)

typedef struct planned {
  eg_context *ctx;
  eg_study *study;
  eg_plan *plan;
} planned;

static inline planned plan_text(const char *name, const char *text) {
  planned p = {eg_context_create(), NULL, NULL};
  MUST(p.ctx != NULL, "no memory");
  MUST(eg_study_parse(p.ctx, name, text, strlen(text), NULL, 0, &p.study) == EG_OK &&
           eg_plan_create(p.ctx, p.study, &p.plan) == EG_OK,
       eg_context_message(p.ctx));
  return p;
}

static inline void plan_free(planned p) {
  eg_plan_free(p.plan);
  eg_study_free(p.study);
  eg_context_free(p.ctx);
}

static inline const eg_run *run_called(planned p, const char *description) {
  for (size_t i = 0; i < p.plan->n_runs; i++) {
    if (strcmp(p.plan->runs[i].description, description) == 0) {
      return &p.plan->runs[i];
    }
  }
  MUST(0, description);
  return NULL;
}

/* What to advance. default_setup fills it for a whole launch of `n_lanes` realisations as the plan has it. */
typedef struct setup {
  const eg_job *job;
  const eg_unit *unit;
  const double *staged, *rows, *start;
  size_t n_staged, n_row_values;
  uint32_t n_points, n_lanes, ld;
  uint64_t first; /* realisation of lane 0 */
  size_t chunk;   /* records of one launch */
  uint64_t cut;   /* a step at which a launch without records ends, or 0 */
} setup;

/* values: (n_records, n_points, n_features, ld); first_bad: (n_points, ld) */
typedef struct trajectories {
  size_t n_records, n_points, n_features, ld;
  double *values;
  uint64_t *first_bad;
} trajectories;

static inline const eg_cpu_kernels *cpu_kernels(void) {
  static const eg_cpu_kernels *kernels;
  eg_context *const ctx = eg_context_create();
  MUST(ctx != NULL && eg_cpu_kernels_choose(ctx, &kernels) == EG_OK, "no CPU kernels");
  eg_context_free(ctx);
  return kernels;
}

static inline const eg_unit *unit_of(const eg_job *job, int dim) {
  eg_context *const ctx = eg_context_create();
  eg_unit_request request = eg_job_unit(job, cpu_kernels()->isa);
  const eg_unit *unit = NULL;
  const eg_unit_stepper *stepper = NULL;
  request.dim = dim;
  MUST(ctx != NULL && eg_unit_obtain(ctx, &request, &unit, &stepper) == EG_OK, eg_context_message(ctx));
  eg_context_free(ctx);
  return unit;
}

static inline setup default_setup(const eg_job *job, uint32_t n_lanes) {
  const uint32_t ld = (n_lanes + EG_LANES - 1) / EG_LANES * EG_LANES;
  return (setup){job,
                 unit_of(job, job->dim),
                 job->staged,
                 job->rows,
                 job->start,
                 job->n_staged,
                 job->n_row_values,
                 job->launch.n_points,
                 n_lanes,
                 ld,
                 0,
                 job->n_records,
                 0};
}

static inline void *pages(size_t bytes) {
  void *const p = aligned_alloc(4096, (bytes + 8191) / 4096 * 4096);
  MUST(p != NULL, "no memory");
  memset(p, 0xA5, (bytes + 8191) / 4096 * 4096); /* nothing may rely on zeros */
  return p;
}

static inline void *as_state(const double *values, size_t n, bool is_float) {
  void *const copy = pages(n * sizeof(double));
  for (size_t i = 0; i < n; i++) {
    if (is_float) {
      ((float *)copy)[i] = (float)values[i];
    } else {
      ((double *)copy)[i] = values[i];
    }
  }
  return copy;
}

static inline eg_advance_fn advance_function(const setup *s) {
  for (int32_t i = 0; i < s->unit->n_steppers; i++) {
    if (strcmp(s->unit->steppers[i].name, s->job->stepper) == 0) {
      return s->unit->steppers[i].advance;
    }
  }
  MUST(0, s->job->stepper);
  return NULL;
}

static inline eg_permutation *permutation_of(const eg_launch *a) {
  if (a->sampling == EG_SAMPLE_REPLACEMENT) {
    return NULL;
  }
  eg_permutation *const p = pages(sizeof *p);
  p->done = 0;
  p->is_valid = 0;
  p->order = pages((size_t)a->n_rows * EG_LANES * sizeof *p->order);
  p->chosen = pages((size_t)a->n_rows * EG_LANES * sizeof *p->chosen);
  for (size_t i = 0; i < (size_t)a->n_rows * EG_LANES; i++) {
    p->order[i] = (uint16_t)(i / EG_LANES);
  }
  return p;
}

static inline void permutation_free(eg_permutation *p) {
  if (p != NULL) {
    free(p->order);
    free(p->chosen);
    free(p);
  }
}

static inline trajectories trajectories_of(const setup *s) {
  const eg_job *const job = s->job;
  const eg_advance_fn advance = advance_function(s);
  trajectories t = {job->n_records, s->n_points, job->n_features, s->ld, NULL, NULL};
  const size_t record = t.n_points * t.n_features * t.ld;
  t.values = pages(t.n_records * record * sizeof(double));
  t.first_bad = pages(t.n_points * t.ld * sizeof(uint64_t));
  eg_launch a = job->launch;
  a.features = job->features;
  a.n_points = s->n_points;
  a.start = s->start;
  a.realisation_first = s->first;
  a.n_lanes = s->n_lanes;
  a.ld = s->ld;
  eg_thread thread = {cpu_kernels()->fill, pages(EG_NOISE_BYTES), pages(EG_ROWS_BYTES),
                      pages(EG_INDEX_BLOCKS * 4 * EG_LANES * sizeof(int32_t)), pages(s->unit->block_bytes(&a)), permutation_of(&job->launch), NULL, NULL, NULL};
  void *const staged = as_state(s->staged, s->n_staged, job->is_float);
  void *const rows = as_state(s->rows, s->n_row_values, job->is_float);
  const size_t width = job->launch.n_particles > 0           ? job->state_values / job->tile
                       : s->unit->form == EG_FORM_TEAM ? job->state_values / (job->launch.n_points * job->launch.ld)
                                                       : 3 * (size_t)s->unit->dim; /* with what chains keep */
  void *const state = pages(t.n_points * width * t.ld * sizeof(double));
  a.staged = staged;
  a.rows = rows;
  a.state = state;
  a.first_bad = t.first_bad;
  double *const monitors = pages(t.n_points * a.n_monitors * 2 * t.ld * sizeof(double));
  a.monitor_state = monitors;
  for (size_t first = 0; first < t.n_records; first += s->chunk) {
    const size_t n = t.n_records - first < s->chunk ? t.n_records - first : s->chunk;
    const uint64_t last = job->record_steps[first + n - 1];
    if (s->cut > a.step_first && s->cut < job->record_steps[first]) { /* a launch that records nothing */
      a.n_records = 0;
      a.step_last = s->cut;
      advance(job->params, &a, &thread);
      a.step_first = s->cut;
      a.is_restart = 1;
    }
    a.records = t.values + first * record;
    a.n_records = (uint32_t)n;
    a.record_steps = job->record_steps + first;
    a.step_last = last;
    advance(job->params, &a, &thread);
    a.step_first = last;
    a.is_restart = 1;
  }
  free(thread.noise);
  free(thread.rows);
  free(thread.index);
  free(thread.block);
  permutation_free(thread.permutation);
  free(staged);
  free(rows);
  free(state);
  free(monitors);
  return t;
}

static inline void trajectories_free(trajectories t) {
  free(t.values);
  free(t.first_bad);
}

static inline double value_at(const trajectories *t, size_t record, size_t point, size_t feature,
                              size_t lane) {
  return t->values[((record * t->n_points + point) * t->n_features + feature) * t->ld + lane];
}

/* Bitwise different values of a point in two sets of trajectories; lanes of b begin at lane_b. NaNs are
 * equal. */
static inline size_t count_different(const trajectories *a, size_t point_a, const trajectories *b,
                                     size_t point_b, size_t lane_b, size_t n_lanes) {
  size_t n = 0;
  for (size_t r = 0; r < a->n_records; r++) {
    for (size_t f = 0; f < a->n_features; f++) {
      for (size_t l = 0; l < n_lanes; l++) {
        const double va = value_at(a, r, point_a, f, l), vb = value_at(b, r, point_b, f, lane_b + l);
        n += va != va ? vb == vb : memcmp(&va, &vb, sizeof va) != 0;
      }
    }
  }
  for (size_t l = 0; l < n_lanes; l++) {
    n += a->first_bad[point_a * a->ld + l] != b->first_bad[point_b * b->ld + lane_b + l];
  }
  return n;
}

#endif
