/* eg_run_check: what a study would do and cost, for people or as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/text.h"
#include "core/noise.h"
#include "ensgrad/run.h"
#include "run/cost.h"
#include "run/fit.h"
#include "run/run_loop.h"
#include "run/until.h"

/* Seconds that the measurements may take, about. */
static const double BUDGET = 0.7, PILOT_BUDGET = 1;

/* Tiles that a GPU has in hand for longer are worth a line. */
static const double MUCH_IN_HAND = 1;

static const char table5_remark[] =
    "its moments are those of a Gaussian up to order 7 only: for weak errors of smooth features; not for strong "
    "errors, tails, densities after few steps or rare events (docs/noise.md)";

typedef struct prediction { /* of one backend */
  bool is_usable;
  char *reason;      /* why not; NULL if it is */
  eg_cost cost;
  double seconds;    /* from the command to the complete file */
  double bytes;      /* resident, at most; 0: unknown */
} prediction;

typedef struct check {
  const eg_plan *plan;
  eg_bytes bytes;
  double start_seconds, file_seconds; /* up to the first step; to make the file */
  double resident;                    /* bytes of the program with an empty result, before a worker is there */
  eg_memory memory;
  double *until;                      /* (n_runs) realisations at which a run would end; NULL without `until` */
  double *until_floor;                /* (n_runs) the part of its error over the one asked for that stays */
  double until_seconds;               /* of stepping on the CPU up to there; NaN unknown */
  prediction cpu, cuda, table5;       /* table5: on the CPU, usable if it changes a run and its weak order allows it */
} check;

/* ---- what is measured ---- */

static double resident_bytes(void) {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? 1024.0 * (double)usage.ru_maxrss : 0;
}

static double process_seconds(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static eg_status predict(eg_context *ctx, const check *c, const eg_backend *backend, int threads, int kind,
                         prediction *p) {
  const eg_status status = eg_cost_measure(ctx, c->plan, backend, threads, kind, BUDGET, &p->cost);
  if (status == EG_ERR_DEVICE) { /* an answer, no failure */
    return eg_copy_string(ctx, eg_context_message(ctx), &p->reason);
  }
  EG_TRY(status);
  p->is_usable = true;
  p->seconds = c->start_seconds + p->cost.seconds + c->file_seconds;
  const double workers = (double)p->cost.worker_bytes * p->cost.n_workers;
  p->bytes = p->cost.worker_bytes > 0 ? c->resident + fmax(workers, c->bytes.campaign) : 0;
  return EG_OK;
}

static eg_status predict_cuda(eg_context *ctx, const check *c, prediction *p) {
  const eg_backend *cuda = NULL;
  eg_status status = eg_backend_cuda(ctx, &cuda);
  status = status == EG_OK ? eg_backend_verify(ctx, cuda, 0, EG_DEVICE_TIMEOUT) : status;
  if (status == EG_ERR_DEVICE) {
    return eg_copy_string(ctx, eg_context_message(ctx), &p->reason);
  }
  EG_TRY(status);
  return predict(ctx, c, cuda, 1, -1, p);
}

/* The most that a run of the study, or a group of them, needs on a GPU. */
static eg_cuda_need cuda_need(const eg_plan *plan) {
  eg_cuda_need most = {NAN, NAN, 0};
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_job *const job = &plan->runs[r].job;
    if (!eg_plan_is_leader(plan, r)) {
      continue;
    }
    const eg_cuda_need need = eg_backend_cuda_need(job);
    if (isnan(most.filled) || need.filled > most.filled) {
      most.filled = need.filled;
      most.tiles = need.tiles;
    }
    most.least = fmax(most.least, need.least);
  }
  return most;
}

static eg_status predict_table5(eg_context *ctx, const check *c, int threads, prediction *p) {
  size_t n = 0;
  for (size_t r = 0; r < c->plan->n_runs; r++) {
    n += eg_can_use_table5(c->plan, &c->plan->runs[r]);
  }
  if (n == 0) {
    return eg_copy_string(
        ctx, "no run of the study integrates with Gaussian increments by a scheme of weak order 1 or 2", &p->reason);
  }
  return predict(ctx, c, &eg_backend_cpu, threads, EG_KIND_TABLE5, p);
}

static eg_status predict_until(eg_context *ctx, check *c) {
  const size_t n = c->plan->n_runs;
  double *tiles = NULL;
  c->until_seconds = 0;
  EG_TRY(eg_allocate(ctx, n, sizeof *c->until, &c->until));
  EG_TRY(eg_allocate(ctx, n, sizeof *c->until_floor, &c->until_floor));
  EG_TRY(eg_allocate(ctx, n, sizeof *tiles, &tiles));
  for (size_t r = 0; r < n; r++) {
    tiles[r] = c->cpu.cost.runs[r].seconds / (double)c->plan->runs[r].job.n_tiles;
  }
  const eg_status status = eg_until_predict(ctx, c->plan, tiles, PILOT_BUDGET, c->until, c->until_floor);
  free(tiles);
  for (size_t r = 0; r < n; r++) {
    c->until_seconds += c->cpu.cost.runs[r].seconds * c->until[r] / (double)c->plan->runs[r].job.n_realisations / c->cpu.cost.n_parallel;
  }
  return status;
}

static eg_status measure(eg_context *ctx, check *c, int threads) {
  c->start_seconds = process_seconds();
  const int n_workers = eg_cpu_workers(threads);
  EG_TRY(eg_until_check(ctx, c->plan));
  c->memory = eg_memory_at_hand("", n_workers);
  EG_TRY(eg_fit_check(ctx, c->plan, n_workers, c->memory)); /* as a run would */
  EG_TRY(eg_bytes_predict(ctx, c->plan, &c->bytes, &c->file_seconds));
  c->resident = resident_bytes();
  EG_TRY(predict(ctx, c, &eg_backend_cpu, threads, -1, &c->cpu));
  if (c->plan->study->n_until > 0 && c->cpu.is_usable) {
    EG_TRY(predict_until(ctx, c));
  }
  EG_TRY(predict_cuda(ctx, c, &c->cuda));
  return c->cpu.is_usable ? predict_table5(ctx, c, threads, &c->table5) : EG_OK;
}

static void free_check(check *c) {
  prediction *const all[] = {&c->cpu, &c->cuda, &c->table5};
  free(c->until);
  free(c->until_floor);
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    free(all[i]->reason);
    eg_cost_free(&all[i]->cost);
  }
}

/* ---- for people ---- */

static void append_bytes(eg_text *text, double bytes) {
  static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
    bytes /= 1024;
    unit++;
  }
  eg_text_append(text, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

static void append_seconds(eg_text *text, double seconds) {
  if (seconds < 120) {
    eg_text_append(text, "%.2g s", seconds);
  } else if (seconds < 2 * 3600) {
    eg_text_append(text, "%.3g min", seconds / 60);
  } else if (seconds < 48 * 3600) {
    eg_text_append(text, "%.3g h", seconds / 3600);
  } else {
    eg_text_append(text, "%.3g days", seconds / 86400);
  }
}

static bool is_beyond(const eg_run *run) {
  return run->learning_rate > run->stability_limit; /* false where the limit is not known (NaN) */
}

/* The run whose entries with times of their own add most observations. */
static void append_schedules(eg_text *text, const eg_plan *plan) {
  size_t most = 0;
  for (size_t r = 0; r < plan->n_runs && plan->n_schedules > 1; r++) {
    const eg_job *const job = &plan->runs[r].job;
    most = eg_job_observations(job) - job->n_records > most ? eg_job_observations(job) - job->n_records : most;
  }
  if (plan->n_schedules > 1) {
    eg_text_append(text, "and at other times for histograms, kept paths and statistics of paths: %zu more records, of what these "
                         "are made of\n", most);
  }
}

static void describe_study(eg_text *text, const eg_plan *plan) {
  const eg_study *const study = plan->study;
  eg_text_append(text, "%s\n", study->title != NULL && study->title[0] != '\0' ? study->title : "(no title)");
  eg_text_append(text, "model %s, dimension %d (padded to %d), form %s, %zu point%s, noise %s, %s state\n",
                 study->model.name != NULL ? study->model.name : study->model.file, plan->dim, plan->padded_dim,
                 eg_plan_form_name(plan), plan->n_points, plan->n_points == 1 ? "" : "s", eg_noise_name(study->noise),
                 study->float_state ? "float" : "double");
  if (plan->data.n_rows > 0) {
    eg_text_append(text, "data: %zu rows, %zu columns%s\n", plan->data.n_rows, plan->data.n_columns,
                   study->model.standardize ? ", standardised" : "");
  }
  eg_text_append(text, "%zu run%s, %.6g realisations each, %zu observation times, %zu feature columns\n", plan->n_runs,
                 plan->n_runs == 1 ? "" : "s", study->realisations, plan->n_records, plan->n_columns);
  append_schedules(text, plan);
  if (study->observe.n_monitors > 0) {
    eg_text_append(text, "%zu monitor%s, looked at after every integrator step\n", study->observe.n_monitors,
                   study->observe.n_monitors == 1 ? "" : "s");
  }
  if (plan->runs[0].job.launch.absorbing != 0) {
    eg_text_append(text, "absorbing crossings: the time below is that of trajectories that all go on to the end, and so an upper bound\n");
  }
}

static void describe_run(eg_text *text, const eg_run *run, const eg_run_cost *cost, const double *until,
                         const double *until_floor) {
  eg_text_append(text, "  %-44s %-16s steps %-9llu h %-10.4g tiles %llu x %u", run->description, run->job.stepper,
                 (unsigned long long)run->steps, run->job.launch.h, (unsigned long long)run->job.n_tiles,
                 run->job.tile);
  if (cost != NULL) {
    eg_text_append(text, "  %.3g ns/step%s", cost->ns_per_step, cost->is_scaled ? " (by analogy)" : "");
  }
  if (until != NULL && *until_floor >= 1) {
    eg_text_append(text, "  until: never; interpolation within the bins of the quantile is off by %.3g times the error asked for: take narrower bins",
                   *until_floor);
  } else if (until != NULL && isnan(*until)) {
    eg_text_append(text, "  until: not predicted (a pilot takes too long, or leaves no error bar)");
  } else if (until != NULL) {
    eg_text_append(text, "  until: about %.0f realisations", *until);
  }
  if (!isnan(run->stability_limit)) {
    eg_text_append(text, "  stable below %.3g%s", run->stability_limit, is_beyond(run) ? " UNSTABLE" : "");
  }
  eg_text_append(text, "%s%s\n", run->is_deterministic ? "  (deterministic: one realisation)" : "",
                 run->job.launch.is_watched ? "  (looks after every step: the model can hide bad states)" : "");
}

static void describe_group(eg_text *text, const eg_plan *plan, const eg_group *group) {
  eg_text_append(text, "  group %s, together:", group->description);
  for (size_t i = 0; i < group->n_members; i++) {
    const eg_run *const run = &plan->runs[group->runs[i]];
    eg_text_append(text, "%s %s", i > 0 ? "," : "", run->description);
    if (run->job.launch.noise_ratio > 1) {
      eg_text_append(text, " (sums of %u increments)", run->job.launch.noise_ratio);
    }
  }
  eg_text_append(text, "\n");
}

static void describe_cpu(eg_text *text, const check *c) {
  const prediction *const p = &c->cpu;
  if (!p->is_usable) {
    eg_text_append(text, "cpu: not usable: %s\n", p->reason);
    return;
  }
  eg_text_append(text, "cpu: about ");
  append_seconds(text, p->seconds);
  eg_text_append(text, " on %d thread%s", p->cost.n_workers, p->cost.n_workers == 1 ? "" : "s");
  if (p->cost.n_parallel < p->cost.n_workers) {
    eg_text_append(text, " (there are %d cores)", p->cost.n_parallel);
  }
  eg_text_append(text, ", memory ");
  append_bytes(text, p->bytes);
  eg_text_append(text, " (");
  append_bytes(text, (double)p->cost.worker_bytes);
  eg_text_append(text, " a worker)");
  if (isfinite(c->memory.limit)) {
    eg_text_append(text, " of ");
    append_bytes(text, c->memory.limit);
    eg_text_append(text, " (%s)", c->memory.name);
  }
  eg_text_append(text, "; %s\n", p->cost.device);
  if (c->plan->multilevel.n_levels > 0) {
    eg_text_append(text, "multilevel: that is the most; levels end where the error asked for is reached\n");
  }
  if (c->until != NULL && !isnan(c->until_seconds)) {
    eg_text_append(text, "until: about ");
    append_seconds(text, c->start_seconds + c->until_seconds + c->file_seconds);
    eg_text_append(text, " of that, by the variances of a pilot\n");
  }
}

static void describe_cuda_memory(eg_text *text, const eg_plan *plan) {
  const eg_cuda_need need = cuda_need(plan);
  if (isfinite(need.least)) {
    eg_text_append(text, "cuda memory: at least ");
    append_bytes(text, need.least);
    eg_text_append(text, " (one tile), about ");
    append_bytes(text, need.filled);
    eg_text_append(text, " with %llu tiles in flight, which keep %u threads busy or are all\n", (unsigned long long)need.tiles,
                   EG_CUDA_USUAL_THREADS);
  }
}

static void describe_cuda(eg_text *text, const prediction *p) {
  if (!p->is_usable) {
    eg_text_append(text, "cuda: not usable: %s\n", p->reason);
    return;
  }
  eg_text_append(text, "cuda: about ");
  append_seconds(text, p->seconds);
  eg_text_append(text, "; %s\n", p->cost.device);
  if (p->cost.in_hand >= MUCH_IN_HAND) {
    eg_text_append(text, "tiles are in hand there for about ");
    append_seconds(text, p->cost.in_hand);
    eg_text_append(text, ", and their state is not kept: a time limit (--max-time, of a job) must be longer, and a kill costs as much\n");
  }
}

static void describe_table5(eg_text *text, const check *c) {
  const prediction *const p = &c->table5;
  if (p->is_usable) {
    eg_text_append(text, "noise table5: about ");
    append_seconds(text, p->seconds);
    eg_text_append(text, " on the cpu (%.2g times as fast); %s\n", c->cpu.seconds / p->seconds, table5_remark);
  } else if (p->reason != NULL) {
    eg_text_append(text, "noise table5: %s\n", p->reason);
  }
}

static void describe_check(eg_text *text, const check *c) {
  const eg_plan *const plan = c->plan;
  double work = 0;
  size_t n_beyond = 0;
  describe_study(text, plan);
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_run *const run = &plan->runs[r];
    describe_run(text, run, c->cpu.is_usable ? &c->cpu.cost.runs[r] : NULL, c->until != NULL ? &c->until[r] : NULL,
                 c->until_floor != NULL ? &c->until_floor[r] : NULL);
    const double particles = run->job.launch.n_particles > 0 ? (double)run->job.launch.n_particles : 1.0;
    work += (double)run->job.n_realisations * (double)plan->n_points * particles * (double)run->steps * run->substeps;
    n_beyond += is_beyond(run);
  }
  for (size_t g = 0; g < plan->n_groups; g++) {
    describe_group(text, plan, &plan->groups[g]);
  }
  if (n_beyond > 0) {
    eg_text_append(text,
                   "%zu of %zu runs are beyond mean-square stability (UNSTABLE): their second moments grow without "
                   "bound\n",
                   n_beyond, plan->n_runs);
  }
  eg_text_append(text, "trajectory-steps %.4g; accumulators ", work);
  append_bytes(text, c->bytes.accumulators);
  eg_text_append(text, " of at most ");
  append_bytes(text, eg_plan_accumulator_limit());
  eg_text_append(text, " (most of it: %s, ", c->bytes.largest);
  append_bytes(text, c->bytes.largest_bytes);
  eg_text_append(text, "); result file ");
  append_bytes(text, c->bytes.file);
  eg_text_append(text, "\n");
  describe_cpu(text, c);
  describe_cuda(text, &c->cuda);
  describe_cuda_memory(text, plan);
  describe_table5(text, c);
}

/* ---- for programs ---- */

static void json_text(eg_text *text, const char *key, const char *value) {
  eg_text_append(text, "\"%s\": ", key);
  eg_text_append_json(text, value);
  eg_text_append(text, ", ");
}

static void json_number(eg_text *text, const char *key, double value) {
  if (isfinite(value)) {
    eg_text_append(text, "\"%s\": %.17g, ", key, value);
  } else {
    eg_text_append(text, "\"%s\": null, ", key);
  }
}

static void json_bool(eg_text *text, const char *key, bool value) {
  eg_text_append(text, "\"%s\": %s, ", key, value ? "true" : "false");
}

/* Objects are written with a comma behind every member: take the last one away. */
static void json_end(eg_text *text, const char *bracket) {
  if (text->length >= 2 && !text->is_broken && text->data[text->length - 2] == ',') {
    text->length -= 2;
  }
  eg_text_append(text, "%s", bracket);
}

static void json_run(eg_text *text, const eg_run *run, const eg_run_cost *cost, const double *until,
                     const double *until_floor) {
  eg_text_append(text, "{");
  json_text(text, "run", run->description);
  json_text(text, "stepper", run->job.stepper);
  json_number(text, "learning_rate", run->learning_rate);
  json_number(text, "steps", (double)run->steps);
  json_number(text, "substeps", run->substeps);
  json_number(text, "integrator_step", run->job.launch.h);
  json_number(text, "realisations", (double)run->job.n_realisations);
  json_number(text, "tile", run->job.tile);
  json_number(text, "tiles", (double)run->job.n_tiles);
  json_number(text, "node_bytes", (double)run->job.node_values * sizeof(double));
  json_number(text, "stability_limit", run->stability_limit);
  json_bool(text, "is_beyond_stability", is_beyond(run));
  json_bool(text, "is_deterministic", run->is_deterministic);
  json_bool(text, "is_watched", run->job.launch.is_watched != 0);
  if (until != NULL) {
    json_number(text, "until_realisations", *until);
    json_number(text, "until_floor", *until_floor);
  }
  if (cost != NULL) {
    json_number(text, "cpu_ns_per_step", cost->ns_per_step);
    json_number(text, "cpu_seconds", cost->seconds);
    json_bool(text, "is_scaled", cost->is_scaled);
  }
  json_end(text, "}, ");
}

static void json_prediction(eg_text *text, const char *key, const char *name, const prediction *p) {
  eg_text_append(text, "{");
  json_text(text, key, name);
  json_bool(text, "is_usable", p->is_usable);
  if (p->is_usable) {
    json_text(text, "device", p->cost.device);
    json_number(text, "workers", p->cost.n_workers);
    json_number(text, "seconds", p->seconds);
    json_number(text, "stepping_seconds", p->cost.seconds);
    json_number(text, "in_hand_seconds", p->cost.in_hand);
    json_number(text, "worker_bytes", p->cost.worker_bytes > 0 ? (double)p->cost.worker_bytes : NAN);
    json_number(text, "memory_bytes", p->bytes > 0 ? p->bytes : NAN);
  } else {
    json_text(text, "reason", p->reason != NULL ? p->reason : "the cpu is not usable");
  }
  json_end(text, "}, ");
}

static void json_check(eg_text *text, const check *c) {
  const eg_plan *const plan = c->plan;
  const eg_study *const study = plan->study;
  const eg_cuda_need need = cuda_need(plan);
  eg_text_append(text, "{");
  json_text(text, "message_type", "check");
  json_text(text, "title", study->title != NULL ? study->title : "");
  json_text(text, "model", study->model.name != NULL ? study->model.name : study->model.file);
  json_number(text, "dimension", plan->dim);
  json_number(text, "padded_dimension", plan->padded_dim);
  json_text(text, "form", eg_plan_form_name(plan));
  json_number(text, "points", (double)plan->n_points);
  json_text(text, "noise", eg_noise_name(study->noise));
  json_text(text, "state", study->float_state ? "float" : "double");
  json_number(text, "data_rows", (double)plan->data.n_rows);
  json_number(text, "times", (double)plan->n_records);
  json_number(text, "feature_columns", (double)plan->n_columns);
  json_number(text, "monitors", (double)study->observe.n_monitors);
  eg_text_append(text, "\"runs\": [");
  for (size_t r = 0; r < plan->n_runs; r++) {
    json_run(text, &plan->runs[r], c->cpu.is_usable ? &c->cpu.cost.runs[r] : NULL, c->until != NULL ? &c->until[r] : NULL,
                 c->until_floor != NULL ? &c->until_floor[r] : NULL);
  }
  json_end(text, "], ");
  json_number(text, "accumulator_bytes", c->bytes.accumulators);
  json_number(text, "accumulator_limit_bytes", eg_plan_accumulator_limit());
  json_text(text, "largest_statistic", c->bytes.largest);
  json_number(text, "largest_statistic_bytes", c->bytes.largest_bytes);
  json_number(text, "file_bytes", c->bytes.file);
  json_number(text, "memory_limit_bytes", c->memory.limit);
  json_text(text, "memory_limit", c->memory.name);
  if (c->until != NULL) {
    json_number(text, "until_seconds", c->start_seconds + c->until_seconds + c->file_seconds);
  }
  eg_text_append(text, "\"backends\": [");
  json_prediction(text, "backend", "cpu", &c->cpu);
  json_prediction(text, "backend", "cuda", &c->cuda);
  json_end(text, "], \"cuda_memory\": {");
  json_number(text, "least_bytes", need.least);
  json_number(text, "filled_bytes", need.filled);
  json_number(text, "tiles", (double)need.tiles);
  json_end(text, "}, \"table_noise\": ");
  json_prediction(text, "noise", "table5", &c->table5);
  json_end(text, "}\n");
}

eg_status eg_run_check(eg_context *ctx, const eg_study *study, const eg_check_options *options, char **out) {
  eg_plan *plan = NULL;
  eg_text text = {0};
  check c;
  memset(&c, 0, sizeof c);
  eg_status status = EG_OK;
  EG_TRY(eg_plan_create(ctx, study, &plan));
  c.plan = plan;
  EG_TRY_DONE(measure(ctx, &c, options != NULL ? options->threads : 0));
  if (options != NULL && options->as_json) {
    json_check(&text, &c);
  } else {
    describe_check(&text, &c);
  }
  if (text.is_broken || text.data == NULL) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_MEMORY, "out of memory"));
  }
  *out = text.data;
  text.data = NULL;
done:
  eg_text_free(&text);
  free_check(&c);
  eg_plan_free(plan);
  return status;
}
