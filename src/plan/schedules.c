/* When what is observed: the schedules of a study (observe.at and those of entries with times of their own), and for every run
   the observations, which are the times of all of them together. A study with one schedule has nothing of this in its jobs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"

/* The schedule that says the same, or one more. */
static size_t schedule_of(eg_plan *plan, const eg_study_at *at) {
  size_t i = 0;
  while (at->is_given && i < plan->n_schedules && !eg_at_is_same(plan->schedules[i].at, at)) {
    i++;
  }
  if (at->is_given && i == plan->n_schedules) {
    plan->schedules[i].at = at;
    plan->n_schedules++;
  }
  return at->is_given ? i : 0;
}

eg_status eg_plan_schedules(eg_context *ctx, eg_plan *plan) {
  const eg_study_observe *const o = &plan->study->observe;
  EG_TRY(eg_allocate(ctx, 2 + o->n_histograms + o->n_paths, sizeof *plan->schedules, &plan->schedules));
  EG_TRY(eg_allocate(ctx, o->n_histograms, sizeof *plan->histogram_schedules, &plan->histogram_schedules));
  EG_TRY(eg_allocate(ctx, o->n_paths, sizeof *plan->path_schedules, &plan->path_schedules));
  plan->schedules[0].at = &o->at;
  plan->n_schedules = 1;
  for (size_t i = 0; i < o->n_histograms; i++) {
    plan->histogram_schedules[i] = schedule_of(plan, &o->histograms[i].at);
  }
  plan->kept_schedule = schedule_of(plan, &o->kept_at);
  for (size_t i = 0; i < o->n_paths; i++) {
    plan->path_schedules[i] = schedule_of(plan, &o->paths[i].at);
  }
  for (size_t i = 0; i < plan->n_schedules; i++) {
    eg_plan_schedule *const s = &plan->schedules[i];
    if (i == 0) {
      *s = (eg_plan_schedule){.at = s->at, .time = "time", .record = "record", .step = "step"};
    } else { /* histograms and kept paths come first: the numbers of what has a dimension have no gap */
      (void)snprintf(s->time, sizeof s->time, "time_%zu", i + 1);
      (void)snprintf(s->record, sizeof s->record, "record_%zu", i + 1);
      (void)snprintf(s->step, sizeof s->step, "step_%zu", i + 1);
    }
  }
  return EG_OK;
}

bool eg_plan_has_dim(const eg_plan *plan, size_t schedule) {
  const bool is_kept = plan->kept_schedule == schedule && plan->study->observe.kept > 0;
  return schedule == 0 || is_kept || plan->schedules[schedule].n_grids > 0;
}

bool eg_plan_are_same_times(const eg_run_schedule *a, const eg_run_schedule *b) {
  bool is_same = a->n == b->n;
  for (size_t t = 0; is_same && t < a->n; t++) {
    is_same = fabs(a->times[t] - b->times[t]) <= 1e-9 * fabs(a->times[t]);
  }
  return is_same;
}

const char *eg_plan_time_dim(const eg_plan_schedule *schedule) {
  return schedule->has_common_times ? schedule->time : schedule->record;
}

size_t eg_plan_counts_at(const eg_plan *plan, const eg_run *run, size_t schedule, size_t t, size_t point) {
  const eg_plan_schedule *const s = &plan->schedules[schedule];
  return run->schedules[schedule].first_count + (t * plan->n_points + point) * s->row_counts;
}

/* ---- the observations of one run ---- */

/* The first step after `last` (or from 0 on, with none yet) of any schedule; false: there is none. */
static bool next_step(const eg_plan *plan, const eg_run *run, const size_t *at, uint64_t *step) {
  bool is_there = false;
  for (size_t s = 0; s < plan->n_schedules; s++) {
    const eg_run_schedule *const r = &run->schedules[s];
    if (at[s] < r->n && (!is_there || r->steps[at[s]] < *step)) {
      *step = r->steps[at[s]];
      is_there = true;
    }
  }
  return is_there;
}

/* Steps of all schedules together, and the place of each among those of every schedule. */
static eg_status unite(eg_context *ctx, const eg_plan *plan, eg_run *run, uint64_t substeps) {
  size_t *at = NULL, n = 0;
  uint64_t step = 0;
  for (size_t s = 0; s < plan->n_schedules; s++) {
    n += run->schedules[s].n;
  }
  EG_TRY(eg_allocate(ctx, n, sizeof *run->observation_steps, &run->observation_steps));
  for (size_t s = 0; s < plan->n_schedules; s++) {
    EG_TRY(eg_allocate(ctx, n, sizeof *run->schedules[s].places, &run->schedules[s].places));
  }
  EG_TRY(eg_allocate(ctx, plan->n_schedules, sizeof *at, &at));
  for (n = 0; next_step(plan, run, at, &step); n++) {
    run->observation_steps[n] = step * substeps;
    for (size_t s = 0; s < plan->n_schedules; s++) {
      const bool is_its = at[s] < run->schedules[s].n && run->schedules[s].steps[at[s]] == step;
      run->schedules[s].places[n] = is_its ? (uint32_t)at[s] : EG_NO_PLACE;
      at[s] += is_its;
    }
  }
  run->job_schedules.steps = run->observation_steps;
  run->job_schedules.n_observations = n;
  free(at);
  return EG_OK;
}

/* Observations that any statistic of paths is made of. */
static eg_status track(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  eg_job_schedules *const j = &run->job_schedules;
  EG_TRY(eg_allocate(ctx, j->n_observations, sizeof *run->tracked_places, &run->tracked_places));
  for (size_t i = 0; i < j->n_observations; i++) {
    bool is_tracked = false;
    for (size_t p = 0; p < plan->study->observe.n_paths; p++) {
      is_tracked = is_tracked || (!eg_path_is_streamed(plan->study->observe.paths[p].kind) &&
                                  run->schedules[plan->path_schedules[p]].places[i] != EG_NO_PLACE);
    }
    run->tracked_places[i] = is_tracked ? (uint32_t)j->n_tracked++ : EG_NO_PLACE;
  }
  j->tracked = run->tracked_places;
  return EG_OK;
}

/* Counts of each schedule that has histograms, and of their pairs. */
static eg_status section(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  const size_t n_pairs = plan->study->observe.n_joints;
  eg_job_schedules *const j = &run->job_schedules;
  size_t pair = 0;
  EG_TRY(eg_allocate(ctx, plan->n_schedules, sizeof *run->sections, &run->sections));
  EG_TRY(eg_allocate(ctx, n_pairs, sizeof *run->section_pairs, &run->section_pairs));
  for (size_t s = 0; s < plan->n_schedules; s++) {
    const eg_plan_schedule *const of = &plan->schedules[s];
    const size_t first_pair = pair;
    for (size_t i = 0; i < n_pairs; i++) {
      const eg_histogram_pair *const p = &plan->pairs[i];
      if (p->first >= of->first_grid && p->first < of->first_grid + of->n_grids) {
        run->section_pairs[pair++] =
            (eg_histogram_pair){p->first - (uint32_t)of->first_grid, p->second - (uint32_t)of->first_grid, p->count};
      }
    }
    if (of->n_grids > 0) {
      run->sections[j->n_sections++] =
          (eg_count_section){run->schedules[s].places, run->schedules[s].n, of->first_grid, of->n_grids,
                             run->section_pairs + first_pair, pair - first_pair, of->row_counts,
                             run->schedules[s].first_count};
    }
  }
  j->sections = run->sections;
  return EG_OK;
}

static void want(uint32_t range[2], size_t column) {
  range[0] = column < range[0] ? (uint32_t)column : range[0];
  range[1] = column >= range[1] ? (uint32_t)column + 1 : range[1];
}

/* The range of columns that anything made of observation i needs. */
static void want_columns(const eg_plan *plan, const eg_run *run, size_t i, uint32_t range[2]) {
  range[0] = (uint32_t)plan->n_all_columns;
  range[1] = 0;
  if (run->schedules[0].places[i] != EG_NO_PLACE) {
    want(range, 0);
    want(range, plan->n_columns - 1);
  }
  for (size_t s = 0; s < plan->n_schedules; s++) {
    const eg_plan_schedule *const of = &plan->schedules[s];
    for (size_t k = of->first_grid; run->schedules[s].places[i] != EG_NO_PLACE && k < of->first_grid + of->n_grids; k++) {
      want(range, plan->grids[k].column);
    }
  }
  for (size_t k = 0; run->schedules[plan->kept_schedule].places[i] != EG_NO_PLACE && k < plan->n_kept_columns; k++) {
    want(range, plan->kept_columns[k]);
  }
  for (size_t k = 0; run->tracked_places[i] != EG_NO_PLACE && k < plan->n_tracked; k++) {
    want(range, plan->tracked_columns[k]);
  }
}

eg_status eg_plan_job_schedules(eg_context *ctx, const eg_plan *plan, eg_run *run) {
  eg_job_schedules *const j = &run->job_schedules;
  if (plan->n_schedules == 1) {
    return EG_OK;
  }
  EG_TRY(unite(ctx, plan, run, (uint64_t)run->substeps));
  EG_TRY(track(ctx, plan, run));
  EG_TRY(section(ctx, plan, run));
  EG_TRY(eg_allocate(ctx, 2 * j->n_observations, sizeof *run->wanted_columns, &run->wanted_columns));
  for (size_t i = 0; i < j->n_observations; i++) {
    want_columns(plan, run, i, run->wanted_columns + 2 * i);
  }
  j->columns = run->wanted_columns;
  j->moments = run->schedules[0].places;
  j->n_moment_columns = plan->n_columns;
  j->kept = run->schedules[plan->kept_schedule].places;
  j->n_kept = run->schedules[plan->kept_schedule].n;
  run->job.schedules = j;
  return EG_OK;
}

void eg_plan_free_schedules(const eg_plan *plan, eg_run *run) {
  for (size_t s = 0; run->schedules != NULL && s < plan->n_schedules; s++) {
    free(run->schedules[s].steps);
    free(run->schedules[s].times);
    free(run->schedules[s].places);
  }
  free(run->schedules);
  free(run->observation_steps);
  free(run->tracked_places);
  free(run->wanted_columns);
  free(run->sections);
  free(run->section_pairs);
}
