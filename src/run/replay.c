/*
 * One trajectory again: the plan comes from the study in the result, the values from the same kernels.
 *
 * What is looked at decides where a trajectory counts as lost: a feature can overflow between two observations of the
 * run and be finite again. So the run's own observations are repeated first; they say where the trajectory ends. Other
 * steps come from a second pass, and where a feature of theirs is not finite, the state from a third without features. Of a
 * study with several schedules the first pass says where the trajectory ends and nothing else, since each of its
 * observations has the columns that are wanted there.
 */
#include "ensgrad/replay.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "plan/plan.h"
#include "run/result_text.h"
#include "run/stored_study.h"
#include "stats/moments.h"

enum { MOST_LINES = 1000000 };
static const double MOST_VALUES = 0x1p22;

void eg_replay_options_default(eg_replay_options *options) {
  memset(options, 0, sizeof *options);
  options->last = UINT64_MAX;
}

static eg_status find_run(eg_context *ctx, const eg_plan *plan, const char *word, size_t *run) {
  size_t n = 0, length = 0;
  const size_t digits = word == NULL ? 0 : strspn(word, "0123456789");
  if (word == NULL && plan->n_runs == 1) {
    *run = 0;
    return EG_OK;
  }
  if (digits > 0 && word[digits] == '\0' && digits < 10 && strtoul(word, NULL, 10) < plan->n_runs) {
    *run = strtoul(word, NULL, 10);
    return EG_OK;
  }
  for (size_t r = 0; word != NULL && r < plan->n_runs; r++) { /* a whole description before all */
    if (strcmp(plan->runs[r].description, word) == 0) {
      *run = r;
      return EG_OK;
    }
    if (strcmp(plan->runs[r].dynamics->label, word) == 0) {
      *run = r;
      n++;
    }
  }
  if (n == 1) {
    return EG_OK;
  }
  eg_text known = {0};
  for (size_t r = 0; r < plan->n_runs && length < 600; r++) {
    eg_text_append(&known, "%s\n  %zu  %s", r > 0 ? "," : "", r, plan->runs[r].description);
    length += strlen(plan->runs[r].description);
  }
  eg_status status;
  if (word == NULL) {
    status = eg_fail(ctx, EG_ERR_USAGE, "which run? Give its index or its description:%s", eg_text_string(&known));
  } else {
    status = eg_fail(ctx, EG_ERR_USAGE, "%s '%s'; runs are%s", n == 0 ? "there is no run" : "several runs are called",
                     word, eg_text_string(&known));
  }
  eg_text_free(&known);
  return status;
}

/* ---- one pass ---- */

typedef struct pass {
  size_t n_steps, n_columns;
  const uint64_t *steps;
  double *values;    /* (n_steps, n_columns); NaN from the first bad step on */
  uint64_t bad_step; /* EG_NEVER: finite at all steps */
} pass;

static void free_pass(pass *p) {
  free(p->values);
  memset(p, 0, sizeof *p);
}

/* The trajectory at `steps`; codes: (n_columns); wanted: (n_steps, 2), from .. to - 1 of the columns, NULL: all of them. One block of realisations (one population; in team form one alone), which
   has the bits of any tile. */
static eg_status make_pass(eg_context *ctx, eg_device *device, const eg_run *run, const eg_replay_options *o,
                           const eg_feature_code *codes, size_t n_columns, const uint64_t *steps, size_t n_steps,
                           const uint32_t *wanted, pass *out) {
  const eg_job_schedules schedules = {.steps = steps, .n_observations = n_steps, .columns = wanted, .n_kept = n_steps,
                                      .n_moment_columns = n_columns};
  eg_job job = run->job;
  uint32_t *columns = NULL;
  eg_tile_result result;
  uint64_t tiles_at_once = 0;
  eg_status status = EG_OK;
  memset(&result, 0, sizeof result);
  memset(out, 0, sizeof *out);
  EG_TRY_DONE(eg_allocate(ctx, n_columns, sizeof *columns, &columns));
  for (size_t i = 0; i < n_columns; i++) {
    columns[i] = (uint32_t)i;
  }
  job.schedules = wanted == NULL ? NULL : &schedules;
  job.record_steps = steps;
  job.n_records = n_steps;
  job.features = codes;
  job.n_features = n_columns;
  job.launch.n_features = (uint32_t)n_columns;
  const bool is_team = job.form == EG_FORM_TEAM;
  job.tile = job.launch.n_particles > 0 || is_team ? 1 : EG_LANES;
  job.launch.ld = is_team ? EG_LEAST_LD : EG_LANES;
  job.state_values = is_team ? run->job.state_values / run->job.launch.ld * job.launch.ld
                             : run->job.state_values / run->job.tile * job.tile;
  job.n_tiles = (job.n_realisations + job.tile - 1) / job.tile;
  job.with_covariance = false;
  job.record_values = job.launch.n_points * eg_node_values((uint32_t)n_columns, 0);
  job.node_values = n_steps * job.record_values;
  job.n_paths = job.n_streams = 0;
  job.group = NULL; /* a member's noise is in its launch */
  job.n_histograms = 0;
  job.n_counts = 0;
  job.kept_columns = columns;
  job.n_kept_columns = n_columns;
  job.kept_first = o->realisation;
  job.n_kept = 1;
  EG_TRY_DONE(eg_allocate(ctx, job.node_values, sizeof *result.node, &result.node));
  EG_TRY_DONE(eg_allocate(ctx, eg_job_path_values(&job), sizeof *result.paths, &result.paths));
  EG_TRY_DONE(eg_allocate(ctx, n_steps * n_columns, sizeof *out->values, &out->values));
  EG_TRY_DONE(eg_backend_cpu.prepare(ctx, device, &job, &tiles_at_once));
  static const volatile int never = 0;
  EG_TRY_DONE(eg_backend_cpu.advance(ctx, device, o->realisation / job.tile, 1, &never, &result));
  memcpy(out->values, result.paths + eg_job_path_at(&job, (size_t)o->point, 0, 0, 0),
         n_steps * n_columns * sizeof *out->values);
  out->n_steps = n_steps;
  out->n_columns = n_columns;
  out->steps = steps;
  out->bad_step = EG_NEVER;
  for (size_t i = 0; i < result.n_bad; i++) {
    if (result.bad[i].realisation == o->realisation && result.bad[i].point == o->point) {
      out->bad_step = result.bad[i].step;
    }
  }
done:
  if (status != EG_OK) {
    free_pass(out);
  }
  free(columns);
  free(result.node);
  free(result.paths);
  free(result.bad);
  return status;
}

/* Row of a step in a pass, NULL if the pass has none or what it has was masked. */
static const double *row_of(const pass *p, uint64_t step) {
  for (size_t low = 0, high = p->n_steps; low < high;) {
    const size_t middle = low + (high - low) / 2;
    if (p->steps[middle] == step) {
      return step < p->bad_step ? p->values + middle * p->n_columns : NULL;
    }
    if (p->steps[middle] < step) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return NULL;
}

/* ---- the whole ---- */

typedef struct replay {
  const eg_plan *plan;
  const eg_run *run;
  const eg_replay_options *options;
  eg_device *device;
  eg_feature_code *codes; /* x, then the observed features but x */
  size_t n_columns;
  uint64_t *steps;        /* wanted lines */
  size_t n_steps;
  pass observed, wanted, states;
} replay;

static eg_status choose_columns(eg_context *ctx, replay *r) {
  const eg_plan *const plan = r->plan;
  EG_TRY(eg_allocate(ctx, (size_t)plan->dim + plan->n_all_columns, sizeof *r->codes, &r->codes));
  for (int k = 0; k < plan->dim; k++) {
    r->codes[r->n_columns++] = (eg_feature_code){EG_FEATURE_X, k};
  }
  for (size_t i = 0; i < plan->n_all_columns; i++) {
    if (plan->codes[i].id != EG_FEATURE_X || plan->codes[i].component >= plan->dim) {
      r->codes[r->n_columns++] = plan->codes[i];
    }
  }
  return EG_OK;
}

static eg_status too_many(eg_context *ctx, const replay *r, double n) {
  if (n <= MOST_LINES && n * (double)(r->n_columns * r->plan->n_points) <= MOST_VALUES) {
    return EG_OK;
  }
  const double by_values = floor(MOST_VALUES / (double)(r->n_columns * r->plan->n_points));
  return eg_fail(ctx, EG_ERR_USAGE, "%.0f steps are too many to print; at most %.0f: choose with --steps or --every", n,
                 by_values < MOST_LINES ? by_values : (double)MOST_LINES);
}

static eg_status choose_steps(eg_context *ctx, replay *r) {
  const eg_replay_options *const o = r->options;
  const uint64_t end = r->run->steps * (uint64_t)r->run->substeps;
  const uint64_t last = o->last < end ? o->last : end;
  if (o->first > last) {
    return eg_fail(ctx, EG_ERR_USAGE, "step %" PRIu64 " is behind the end: the run has %" PRIu64 " integrator steps",
                   o->first, end);
  }
  const size_t n_records = eg_job_observations(&r->run->job);
  const double n = o->every > 0 ? floor((double)(last - o->first) / (double)o->every) + 1 : (double)n_records;
  EG_TRY(too_many(ctx, r, n));
  EG_TRY(eg_allocate(ctx, (size_t)n, sizeof *r->steps, &r->steps));
  for (size_t i = 0; o->every == 0 && i < n_records; i++) {
    const uint64_t step = eg_job_steps(&r->run->job)[i];
    if (step >= o->first && step <= last) {
      r->steps[r->n_steps++] = step;
    }
  }
  for (uint64_t step = o->first; o->every > 0 && r->n_steps < (size_t)n; step += o->every) {
    r->steps[r->n_steps++] = step;
  }
  if (r->n_steps == 0) {
    return eg_fail(ctx, EG_ERR_USAGE, "there is no observation from step %" PRIu64 " to %" PRIu64, o->first, last);
  }
  return EG_OK;
}

static eg_status make_passes(eg_context *ctx, replay *r) {
  const eg_job *const job = &r->run->job;
  const eg_replay_options *const o = r->options;
  if (job->schedules != NULL) {
    EG_TRY(make_pass(ctx, r->device, r->run, o, r->plan->codes, r->plan->n_all_columns, job->schedules->steps,
                     job->schedules->n_observations, job->schedules->columns, &r->observed));
    r->observed.n_steps = 0; /* no values: row_of */
  } else {
    EG_TRY(make_pass(ctx, r->device, r->run, o, r->codes, r->n_columns, job->record_steps, job->n_records, NULL, &r->observed));
  }
  if (o->every == 0 && job->schedules == NULL) {
    return EG_OK;
  }
  EG_TRY(make_pass(ctx, r->device, r->run, o, r->codes, r->n_columns, r->steps, r->n_steps, NULL, &r->wanted));
  if (r->wanted.bad_step != EG_NEVER) {
    return make_pass(ctx, r->device, r->run, o, r->codes, (size_t)r->plan->dim, r->steps, r->n_steps, NULL, &r->states);
  }
  return EG_OK;
}

static void column_name(const eg_plan *plan, eg_feature_code code, char *name, size_t size) {
  if (code.id == EG_FEATURE_X) {
    const bool is_velocity = code.component >= plan->padded_dim;
    (void)snprintf(name, size, is_velocity ? "v%d" : "x%d", code.component - (is_velocity ? plan->padded_dim : 0));
    return;
  }
  for (size_t i = 0; i < plan->n_all_features; i++) {
    if (plan->features[i].id == code.id &&
        (code.id < EG_FEATURE_MONITOR || eg_plan_monitor_component(&plan->features[i]) == code.component)) {
      (void)snprintf(name, size, "%s", plan->features[i].name);
    }
  }
}

static void append_value(eg_text *text, const replay *r, double value) {
  if (r->options->as_csv) {
    eg_text_append(text, isnan(value) ? "," : ",%.17g", value);
  } else if (isnan(value)) {
    eg_text_append(text, " %24s", "-");
  } else {
    eg_text_append(text, " %24.17g", value);
  }
}

/* Values of a line: of the run itself at its observations, else of the other passes as far as they are finite. */
static void append_line(eg_text *text, const replay *r, uint64_t step) {
  const double *row = row_of(&r->observed, step);
  row = row != NULL ? row : row_of(&r->wanted, step);
  const double *const state = row != NULL ? row : row_of(&r->states, step);
  const double substeps = r->run->substeps;
  eg_text_append(text, r->options->as_csv ? "%" PRIu64 ",%.17g" : "%-12" PRIu64 " %-22.17g", step,
                 (double)step / substeps * r->run->learning_rate);
  for (size_t i = 0; i < r->n_columns; i++) {
    const bool is_state = i < (size_t)r->plan->dim;
    append_value(text, r, row != NULL ? row[i] : (is_state && state != NULL ? state[i] : NAN));
  }
  eg_text_append(text, "\n");
}

static void append_head(eg_text *text, const replay *r) {
  char name[48];
  const eg_replay_options *const o = r->options;
  if (!o->as_csv) {
    eg_text_append(text, "run %zu: %s, realisation %" PRIu64 ", point %" PRIu64 "; steps of the integrator\n",
                   (size_t)(r->run - r->plan->runs), r->run->description, o->realisation, o->point);
  }
  eg_text_append(text, o->as_csv ? "%s,%s" : "%-12s %-22s", "step", "time");
  for (size_t i = 0; i < r->n_columns; i++) {
    column_name(r->plan, r->codes[i], name, sizeof name);
    eg_text_append(text, o->as_csv ? ",%s" : " %24s", name);
  }
  eg_text_append(text, "\n");
}

static void append_lines(eg_text *text, const replay *r) {
  const uint64_t bad = r->observed.bad_step;
  size_t i = 0;
  append_head(text, r);
  for (; i < r->n_steps && r->steps[i] < bad; i++) {
    append_line(text, r, r->steps[i]);
  }
  const bool is_reached = bad != EG_NEVER && bad >= r->options->first && bad <= r->options->last;
  if (is_reached) {
    append_line(text, r, bad);
  }
  if (bad != EG_NEVER && !r->options->as_csv) {
    eg_text_append(text, "not finite from step %" PRIu64 " on\n", bad);
  }
}

static eg_status check_place(eg_context *ctx, const replay *r) {
  const eg_replay_options *const o = r->options;
  if (o->realisation >= r->run->job.n_realisations) {
    return eg_fail(ctx, EG_ERR_USAGE, "there is no realisation %" PRIu64 ": run '%s' has 0 to %" PRIu64, o->realisation,
                   r->run->description, r->run->job.n_realisations - 1);
  }
  if (o->point >= r->plan->n_points) {
    return eg_fail(ctx, EG_ERR_USAGE, "there is no point %" PRIu64 ": the study has 0 to %zu", o->point,
                   r->plan->n_points - 1);
  }
  return EG_OK;
}

static eg_status replay_plan(eg_context *ctx, const eg_plan *plan, const eg_replay_options *options, char **out) {
  replay r = {.plan = plan, .options = options};
  eg_text text = {0};
  size_t run = 0;
  eg_status status = EG_OK;
  EG_TRY(find_run(ctx, plan, options->run, &run));
  r.run = &plan->runs[run];
  EG_TRY(check_place(ctx, &r));
  EG_TRY_DONE(choose_columns(ctx, &r));
  EG_TRY_DONE(choose_steps(ctx, &r));
  EG_TRY_DONE(eg_backend_cpu.open(ctx, 0, &r.device));
  EG_TRY_DONE(make_passes(ctx, &r));
  append_lines(&text, &r);
  if (text.is_broken || text.data == NULL) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_MEMORY, "out of memory"));
  }
  *out = text.data;
  text = (eg_text){0};
done:
  eg_text_free(&text);
  free_pass(&r.observed);
  free_pass(&r.wanted);
  free_pass(&r.states);
  if (r.device != NULL) {
    eg_backend_cpu.close(r.device);
  }
  free(r.codes);
  free(r.steps);
  return status;
}

eg_status eg_replay(eg_context *ctx, const char *path, const eg_replay_options *options, char **text) {
  eg_labelled *file = NULL;
  eg_study *study = NULL;
  eg_plan *plan = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_result_open(ctx, path, &file));
  EG_TRY_DONE(eg_stored_study(ctx, path, file, (eg_named_files){options->data, options->model}, NULL, 0, &study));
  EG_TRY_DONE(eg_plan_create(ctx, study, &plan));
  EG_TRY_DONE(eg_stored_check(ctx, path, file, plan));
  status = replay_plan(ctx, plan, options, text);
done:
  eg_plan_free(plan);
  eg_study_free(study);
  eg_labelled_free(file);
  return status;
}
