/* Errors that end a run: which values they are of, and where a run is looked at. */
#include "plan/plan.h"

#include <string.h>

enum {
  FIRST_LOOK = 4096,             /* realisations: enough for error bars; 64 tiles of a block of lanes */
  FIRST_OF_LEVEL = EG_BLOCKS / 4 /* tiles: the finest level should need few realisations */
};

uint64_t eg_plan_tile_realisations(const eg_plan *plan, uint64_t n_realisations) {
  return (plan->study->n_until > 0 || plan->study->multilevel.levels > 0) && n_realisations > FIRST_LOOK
             ? FIRST_LOOK
             : n_realisations;
}

uint64_t eg_plan_next_look(const eg_plan *plan, const eg_job *job, uint64_t n) {
  uint64_t look = plan->study->multilevel.levels > 0 ? FIRST_OF_LEVEL : EG_BLOCKS;
  while (look < n && look < job->n_tiles) {
    look *= 2;
  }
  return look < job->n_tiles ? look : job->n_tiles;
}

/* The run of a dynamics: there is no sweep beside levels. */
static size_t run_of(const eg_plan *plan, size_t dynamics) {
  size_t r = 0;
  while (plan->runs[r].dynamics != &plan->study->dynamics[dynamics]) {
    r++;
  }
  return r;
}

static double steps_of(const eg_run *run) { return (double)run->steps * run->substeps; }

eg_status eg_plan_multilevel_make(eg_context *ctx, eg_plan *plan) {
  const eg_study *const s = plan->study;
  const eg_study_multilevel *const m = &s->multilevel;
  eg_plan_multilevel *const out = &plan->multilevel;
  double sign = 0;
  if (!(m->levels > 0)) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, (size_t)m->levels + 1, sizeof *out->levels, &out->levels));
  out->n_levels = (size_t)m->levels + 1;
  out->point = (size_t)m->point;
  for (size_t l = 0; l < out->n_levels; l++) {
    eg_plan_level *const level = &out->levels[l];
    level->run = run_of(plan, l == 0 ? m->of : m->first + 2 * (l - 1));
    level->coarse = l == 0 ? EG_NO_RUN : run_of(plan, m->first + 2 * (l - 1) + 1);
    level->sum = l == 0 ? level->run : eg_plan_find_difference(plan, level->run, level->coarse, &sign);
    level->cost = steps_of(&plan->runs[level->run]) + (l == 0 ? 0 : steps_of(&plan->runs[level->coarse]));
  }
  EG_TRY(eg_plan_find_column(ctx, plan, m->mark, "multilevel", m->feature, &out->column));
  if (m->point >= (double)plan->n_points) {
    return eg_study_fail_at(ctx, s, m->mark,
                            "'multilevel.point' = %g, and the study has %zu start points, numbered from 0", m->point,
                            plan->n_points);
  }
  const eg_run *const finest = &plan->runs[out->levels[out->n_levels - 1].run];
  EG_TRY(eg_plan_find_record(ctx, plan, finest, m->mark, "multilevel", m->time, &out->record));
  return eg_plan_is_empty(plan, finest, out->record, out->column)
             ? eg_study_fail_at(ctx, s, m->mark, "'multilevel.feature' = '%s' is a mean over nothing at that time",
                                m->feature)
             : EG_OK;
}

/* Variables of analyses that compare runs: what they are depends on all of them. */
static bool compares_runs(const char *variable) {
  static const char *const analyses[] = {"weak_error", "scaling", "flow"};
  for (size_t i = 0; i < sizeof analyses / sizeof analyses[0]; i++) {
    if (strncmp(variable, analyses[i], strlen(analyses[i])) == 0) {
      return true;
    }
  }
  return false;
}

static eg_status make_sets(eg_context *ctx, eg_plan *plan) {
  const eg_study *const s = plan->study;
  bool is_one = false;
  EG_TRY(eg_allocate(ctx, plan->n_runs, sizeof *plan->until_set, &plan->until_set));
  for (size_t i = 0; i < s->n_until; i++) {
    is_one = is_one || (s->until[i].variable != NULL && compares_runs(s->until[i].variable));
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    const size_t group = plan->runs[r].group;
    plan->until_set[r] = is_one ? 0 : group == EG_NO_GROUP ? r : plan->groups[group].runs[0];
  }
  return EG_OK;
}

eg_status eg_plan_until(eg_context *ctx, eg_plan *plan) {
  const eg_study *const s = plan->study;
  EG_TRY(make_sets(ctx, plan));
  EG_TRY(eg_allocate(ctx, s->n_until * plan->n_runs, sizeof *plan->until, &plan->until));
  for (size_t i = 0; i < s->n_until; i++) {
    const eg_study_until *const u = &s->until[i];
    eg_until place = {.point = (size_t)u->point, .study = u};
    if (u->feature != NULL) {
      EG_TRY(eg_plan_find_column(ctx, plan, u->mark, "until", u->feature, &place.column));
    }
    if (u->point >= (double)plan->n_points) {
      return eg_study_fail_at(ctx, s, u->mark,
                              "'until.point' = %g, and the study has %zu start points, numbered from 0", u->point,
                              plan->n_points);
    }
    for (place.run = 0; place.run < plan->n_runs; place.run++) {
      const eg_run *const run = &plan->runs[place.run];
      if (u->label == NULL || strcmp(run->dynamics->label, u->label) == 0) {
        EG_TRY(eg_plan_find_record(ctx, plan, run, u->mark, "until", u->time, &place.record));
        if (u->feature == NULL) {
          continue;
        }
        if (eg_plan_is_empty(plan, run, place.record, place.column)) {
          return eg_study_fail_at(ctx, s, u->mark, "'until.feature' = '%s' is a mean over nothing at that time",
                                  u->feature);
        }
        plan->until[plan->n_until++] = place;
      }
    }
  }
  return EG_OK;
}
