/* Groups: which runs are advanced together, on which noise, and what they cannot share. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "core/model.h"
#include "core/noise.h"
#include "plan/plan.h"

static const double MAX_RATIO = 0x1p20;

/* What one step of a run draws. Members of a group must draw the same: only then is a shared stream a coupling. */
typedef struct draws {
  int32_t normals, rows; /* as in eg_unit_stepper; -1: fold_count */
  uint32_t fold_count;
  bool is_channels;      /* one normal per channel of the model, not per component */
  int32_t sampling;      /* of rows */
} draws;

static draws draws_of(const eg_plan *plan, const eg_run *run) {
  const eg_unit *const unit = eg_plan_unit(plan);
  draws d = {0, 0, 0, strstr(run->job.stepper, "_channels") != NULL, run->job.launch.sampling};
  for (int32_t i = 0; i < unit->n_steppers; i++) {
    if (strcmp(unit->steppers[i].name, run->job.stepper) == 0) {
      d.normals = unit->steppers[i].normals;
      d.rows = unit->steppers[i].rows;
    }
  }
  if (run->job.launch.is_joint) {
    d.normals = (int32_t)(plan->n_points * (size_t)plan->dim);
  }
  d.fold_count = d.normals < 0 || d.rows < 0 ? run->job.launch.fold_count : 0;
  return d;
}

static bool has_draws(draws d) {
  return d.normals != 0 || d.rows != 0;
}

static bool are_same_draws(draws a, draws b) {
  return a.normals == b.normals && a.rows == b.rows && a.fold_count == b.fold_count && a.is_channels == b.is_channels &&
         a.sampling == b.sampling;
}

static void append_draws(eg_text *text, draws d) {
  if (d.rows < 0) {
    eg_text_append(text, "%u data rows a step, added up", d.fold_count);
  } else if (d.rows > 0) {
    eg_text_append(text, "%d data rows a step, the difference of two", d.rows);
  } else if (d.normals < 0) {
    eg_text_append(text, "one increment for each of %u data rows", d.fold_count);
  } else {
    eg_text_append(text, "%d increment%s a step, one for each %s", d.normals, d.normals == 1 ? "" : "s",
                   d.is_channels ? "channel of the model" : "component");
  }
}

/* ---- which runs ---- */

/* Equal on all axes, apart from the group's own. An axis with one value tells nothing apart. */
static bool is_same_cell(const eg_plan *plan, const eg_study_group *g, const eg_run *a, const eg_run *b) {
  for (size_t i = 0; i < plan->study->n_sweep; i++) {
    const eg_sweep_axis *const axis = &plan->study->sweep[i];
    const double u = a->axis_values[i], v = b->axis_values[i];
    const bool is_own = g->has_axis && axis->target == g->axis;
    if (!is_own && axis->values.n > 1 && !isnan(u) && !isnan(v) && u != v) {
      return false;
    }
  }
  return true;
}

/* An axis that only one of two members has would put a run of the other into several groups. */
static eg_status check_axes(eg_context *ctx, const eg_plan *plan, const eg_study_group *g, const eg_run *a,
                            const eg_run *b) {
  for (size_t i = 0; i < plan->study->n_sweep; i++) {
    const eg_sweep_axis *const axis = &plan->study->sweep[i];
    const bool has_a = !isnan(a->axis_values[i]), has_b = !isnan(b->axis_values[i]);
    if (axis->values.n > 1 && has_a != has_b) {
      return eg_study_fail_at(ctx, plan->study, g->mark,
                              "group '%s': '%s' has no %s, which is swept for '%s', so its runs would belong to several "
                              "groups; sweep only keys that all members have",
                              g->label, (has_a ? b : a)->dynamics->label, axis->key, (has_a ? a : b)->dynamics->label);
    }
  }
  return EG_OK;
}

static bool is_member(const eg_study_group *g, const eg_plan *plan, const eg_run *run, size_t i) {
  return run->dynamics == &plan->study->dynamics[g->members[i]];
}

/* The runs of the cell of `first`, in order; across an axis by falling step. */
static eg_status gather_members(eg_context *ctx, eg_plan *plan, const eg_study_group *g, eg_run *first, eg_group *group) {
  for (size_t i = 0; i < g->n_members; i++) {
    for (size_t r = 0; r < plan->n_runs; r++) {
      eg_run *const run = &plan->runs[r];
      if (!is_member(g, plan, run, i) || !is_same_cell(plan, g, first, run)) {
        continue;
      }
      EG_TRY(check_axes(ctx, plan, g, first, run));
      run->group = (size_t)(group - plan->groups);
      size_t k = group->n_members++;
      for (; g->has_axis && k > 0 && plan->runs[group->runs[k - 1]].job.launch.h < run->job.launch.h; k--) {
        group->runs[k] = group->runs[k - 1];
      }
      group->runs[k] = r;
    }
  }
  return EG_OK;
}

/* ---- may they share ---- */

static eg_status refuse(eg_context *ctx, const eg_plan *plan, const eg_group *group, const eg_run *a, const eg_run *b,
                        const char *why) {
  return eg_study_fail_at(ctx, plan->study, group->study->mark, "group '%s': runs '%s' and '%s' %s", group->study->label,
                          a->description, b->description, why);
}

static eg_status check_times(eg_context *ctx, const eg_plan *plan, const eg_group *group, const eg_run *a,
                             const eg_run *b) {
  bool is_same = true;
  for (size_t s = 0; s < plan->n_schedules; s++) {
    is_same = is_same && eg_plan_are_same_times(&a->schedules[s], &b->schedules[s]);
  }
  return is_same ? EG_OK
                 : refuse(ctx, plan, group, a, b,
                          "are observed at different times; observe at times (a list, or linear), not at steps");
}

static eg_status check_draws(eg_context *ctx, const eg_plan *plan, const eg_group *group, const eg_run *a,
                             const eg_run *b) {
  const draws u = draws_of(plan, a), v = draws_of(plan, b);
  eg_text text = {0};
  if (!has_draws(u) || !has_draws(v) || are_same_draws(u, v)) {
    return EG_OK;
  }
  eg_text_append(&text, "take different draws and cannot share noise: ");
  append_draws(&text, u);
  eg_text_append(&text, "; ");
  append_draws(&text, v);
  const eg_status status = refuse(ctx, plan, group, a, b, eg_text_string(&text));
  eg_text_free(&text);
  return status;
}

/* The finest of the members that draw; the last one if none does. */
static const eg_run *finest_of(const eg_plan *plan, const eg_group *group) {
  const eg_run *finest = NULL;
  for (size_t i = 0; i < group->n_members; i++) {
    const eg_run *const run = &plan->runs[group->runs[i]];
    if (has_draws(draws_of(plan, run)) && (finest == NULL || run->job.launch.h < finest->job.launch.h)) {
      finest = run;
    }
  }
  return finest != NULL ? finest : &plan->runs[group->runs[group->n_members - 1]];
}

/* Steps of the finest member in one of this run: whole, and one where draws are no Gaussian increments. */
static eg_status set_ratio(eg_context *ctx, const eg_plan *plan, const eg_group *group, eg_run *run,
                           const eg_run *finest) {
  const double ratio = run->job.launch.h / finest->job.launch.h, whole = nearbyint(ratio);
  const eg_noise_kind kind = plan->study->noise;
  const draws d = draws_of(plan, run);
  if (!has_draws(d)) {
    return EG_OK;
  }
  if (!(whole >= 1 && whole <= MAX_RATIO) || fabs(ratio - whole) > 1e-9 * ratio) {
    return refuse(ctx, plan, group, run, finest, "have steps whose ratio is not a whole number up to 2^20");
  }
  if (whole > 1 && plan->form == EG_FORM_TEAM) {
    return refuse(ctx, plan, group, run, finest,
                  "have different steps; the team form does not sum increments, so members need equal steps");
  }
  if (whole > 1 && d.rows != 0) {
    return refuse(ctx, plan, group, run, finest,
                  "have different steps; rows cannot be summed as increments are, so members that draw data rows need "
                  "equal steps");
  }
  if (whole > 1 && kind != EG_NOISE_GAUSSIAN && kind != EG_NOISE_GAUSSIAN64) {
    return refuse(ctx, plan, group, run, finest,
                  "have different steps, and a sum of increments has the law of one increment only for Gaussian noise; "
                  "allowed kinds: gaussian, gaussian64");
  }
  if (whole > 1 && (run->job.launch.hurst != 0 || run->job.launch.tail_index != 0 || strcmp(run->job.stepper, "exact_at") == 0)) {
    return refuse(ctx, plan, group, run, finest,
                  "have different steps; the increments of this process cannot be summed into those of a longer step, so "
                  "members need equal steps");
  }
  for (size_t t = 0; t < eg_job_observations(&run->job); t++) {
    if (eg_job_steps(&run->job)[t] * (uint64_t)whole != eg_job_steps(&finest->job)[t]) {
      return refuse(ctx, plan, group, run, finest, "are observed after different numbers of the finest steps");
    }
  }
  run->job.launch.noise_ratio = (uint32_t)whole;
  run->job.launch.noise_draws = d.normals > 0 ? (uint32_t)d.normals : d.fold_count;
  return EG_OK;
}

static eg_status check_members(eg_context *ctx, eg_plan *plan, const eg_group *group) {
  const eg_run *const finest = finest_of(plan, group);
  for (size_t i = 0; i < group->n_members; i++) {
    eg_run *const run = &plan->runs[group->runs[i]];
    if (run->is_deterministic) {
      return eg_study_fail_at(ctx, plan->study, group->study->mark,
                              "group '%s': run '%s' has no noise and a fixed start, so there is nothing to share",
                              group->study->label, run->description);
    }
    EG_TRY(check_times(ctx, plan, group, run, finest));
    EG_TRY(check_draws(ctx, plan, group, run, finest));
    EG_TRY(set_ratio(ctx, plan, group, run, finest));
  }
  return EG_OK;
}

/* ---- one group ---- */

static eg_status describe(eg_context *ctx, const eg_plan *plan, eg_group *group) {
  const eg_run *const first = &plan->runs[group->runs[0]];
  eg_text text = {0};
  eg_text_append(&text, "%s", group->study->label);
  for (size_t i = 0; i < plan->study->n_sweep; i++) {
    const eg_sweep_axis *const axis = &plan->study->sweep[i];
    const bool is_own = group->study->has_axis && axis->target == group->study->axis;
    if (!is_own && !isnan(first->axis_values[i])) {
      eg_text_append(&text, " %s=%.17g", axis->key, first->axis_values[i]);
    }
  }
  if (text.is_broken) {
    eg_text_free(&text);
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory");
  }
  group->description = text.data;
  return EG_OK;
}

/* Runs hash their descriptions, which hold no control characters: no run has the noise of a group. */
static uint64_t noise_id(const eg_group *group) {
  return eg_hash_text(eg_hash_text(EG_HASH_START, "\x01group "), group->description);
}

static bool subtracts_noise(const char *stepper) {
  return strcmp(stepper, "sgd_channels") == 0 || strncmp(stepper, "momentum_", 9) == 0 ||
         strncmp(stepper, "adaptive_", 9) == 0;
}

/* The chain subtracts its noise, the equations add theirs: the same normals drive both the same way once the sign of
   the chain's (whose law is symmetric) is turned. */
static void align_signs(eg_plan *plan, const eg_group *group) {
  for (size_t i = 0; i < group->n_members; i++) {
    eg_run *const run = &plan->runs[group->runs[i]];
    if (subtracts_noise(run->job.stepper) != run->dynamics->is_antithetic) {
      run->job.launch.noise_scale = -run->job.launch.noise_scale;
    }
  }
}

/* Noise that is one factor times something of symmetric law: equations, and chains on Gaussian noise. The batches of a chain on rows have
   no other sign, exact laws and processes drawn whole no such factor. */
static eg_status check_antithetic(eg_context *ctx, const eg_plan *plan, const eg_group *group) {
  const eg_run *const run = &plan->runs[group->runs[0]];
  const char *const stepper = run->job.stepper;
  const bool is_equation = !eg_is_chain(run->dynamics->id) && run->scheme != EG_EXACT && run->job.launch.hurst == 0 &&
                           strncmp(stepper, "exact", 5) != 0 && run->exact_msd == NULL;
  const bool is_gaussian_chain = run->dynamics->id == EG_NOISY_GD || strstr(stepper, "_channels") != NULL || strstr(stepper, "_root") != NULL;
  if (!group->study->is_antithetic || is_equation || is_gaussian_chain) {
    return EG_OK;
  }
  return eg_study_fail_at(ctx, plan->study, group->study->mark,
                          "group '%s': run '%s' has no antithetic twin: its noise has no factor whose sign could be turned; allowed are "
                          "equations by a scheme other than exact, and chains on Gaussian noise",
                          group->study->label, run->description);
}

static eg_status make_job(eg_context *ctx, eg_plan *plan, eg_group *group) {
  const size_t n = group->n_members;
  EG_TRY(eg_allocate(ctx, n, sizeof *group->jobs, &group->jobs));
  EG_TRY(eg_allocate(ctx, n, sizeof *group->bases, &group->bases));
  for (size_t i = 0; i < n; i++) {
    eg_run *const run = &plan->runs[group->runs[i]];
    eg_run_key(plan->study->seed, noise_id(group), run->job.launch.key);
    group->jobs[i] = &run->job;
    run->job.group = &group->job;
  }
  group->first_difference = plan->n_differences;
  for (size_t i = 0; i + 1 < n; i++) {
    group->bases[i] = (uint32_t)(group->study->has_axis ? i + 1 : n - 1);
    plan->differences[plan->n_differences++] = (eg_difference){
        (size_t)(group - plan->groups), group->runs[i], group->runs[group->bases[i]]};
  }
  group->job = (eg_job_group){group->jobs, n, group->bases};
  return EG_OK;
}

static size_t most_members(const eg_plan *plan, const eg_study_group *g) {
  for (size_t i = 0; g->has_axis && i < plan->study->n_sweep; i++) {
    if (plan->study->sweep[i].target == g->axis) {
      return plan->study->sweep[i].values.n;
    }
  }
  return g->n_members;
}

static eg_status check_kind(eg_context *ctx, const eg_plan *plan) {
  if (plan->study->noise != EG_NOISE_GAUSSIAN_FAST) {
    return EG_OK;
  }
  return eg_study_fail_at(ctx, plan->study, plan->study->groups[0].mark,
                          "groups exist for noise that the CPU makes too, which gaussian-fast is not; use gaussian");
}

/* Nodes of all members have one size: their path statistics have as many values. */
static eg_status check_paths(eg_context *ctx, const eg_plan *plan, const eg_group *group) {
  const eg_run *const first = &plan->runs[group->runs[0]];
  for (size_t i = 1; i < group->n_members; i++) {
    const eg_run *const run = &plan->runs[group->runs[i]];
    if (run->job.node_values != first->job.node_values) {
      return eg_study_fail_at(ctx, plan->study, plan->study->observe.paths[0].mark,
                              "runs '%s' and '%s' are members of one group, and their path statistics have different numbers of "
                              "values: name 'lags' that both have; samples in equal numbers",
                              first->description, run->description);
    }
  }
  return EG_OK;
}

static eg_status make_group(eg_context *ctx, eg_plan *plan, const eg_study_group *g, eg_run *first) {
  eg_group *const group = &plan->groups[plan->n_groups++];
  group->study = g;
  EG_TRY(eg_allocate(ctx, most_members(plan, g), sizeof *group->runs, &group->runs));
  EG_TRY(gather_members(ctx, plan, g, first, group));
  EG_TRY(describe(ctx, plan, group));
  EG_TRY(check_members(ctx, plan, group));
  EG_TRY(check_paths(ctx, plan, group));
  EG_TRY(check_antithetic(ctx, plan, group));
  align_signs(plan, group);
  return make_job(ctx, plan, group);
}

eg_status eg_plan_groups(eg_context *ctx, eg_plan *plan) {
  if (plan->study->n_groups == 0) {
    return EG_OK;
  }
  EG_TRY(check_kind(ctx, plan));
  EG_TRY(eg_allocate(ctx, plan->n_runs, sizeof *plan->groups, &plan->groups));
  EG_TRY(eg_allocate(ctx, plan->n_runs, sizeof *plan->differences, &plan->differences));
  for (size_t g = 0; g < plan->study->n_groups; g++) {
    const eg_study_group *const study = &plan->study->groups[g];
    for (size_t r = 0; r < plan->n_runs; r++) {
      if (is_member(study, plan, &plan->runs[r], 0) && plan->runs[r].group == EG_NO_GROUP) {
        EG_TRY(make_group(ctx, plan, study, &plan->runs[r]));
      }
    }
  }
  return EG_OK;
}

void eg_plan_free_groups(eg_plan *plan) {
  for (size_t g = 0; g < plan->n_groups; g++) {
    free(plan->groups[g].runs);
    free(plan->groups[g].description);
    free(plan->groups[g].jobs);
    free(plan->groups[g].bases);
  }
  free(plan->groups);
  free(plan->differences);
}

/* ---- what is summed ---- */

size_t eg_plan_n_sums(const eg_plan *plan) {
  return plan->n_runs + plan->n_differences;
}

const eg_run *eg_plan_sum_run(const eg_plan *plan, size_t sum) {
  return &plan->runs[sum < plan->n_runs ? sum : plan->differences[sum - plan->n_runs].first];
}

bool eg_plan_is_leader(const eg_plan *plan, size_t run) {
  const size_t group = plan->runs[run].group;
  return group == EG_NO_GROUP || plan->groups[group].runs[0] == run;
}

size_t eg_plan_find_difference(const eg_plan *plan, size_t a, size_t b, double *sign) {
  for (size_t i = 0; i < plan->n_differences; i++) {
    const eg_difference *const d = &plan->differences[i];
    if ((d->first == a && d->second == b) || (d->first == b && d->second == a)) {
      *sign = d->first == a ? 1.0 : -1.0;
      return plan->n_runs + i;
    }
  }
  return EG_NO_RUN;
}
