/* Histograms and kept paths of a study: columns, grids, sizes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/histogram_grid.h"
#include "plan/plan.h"

static const double max_path_values = 1e6;
enum { MOST_PLACES = 1 << 18 }; /* of two histograms together, at one observation */

static eg_status check_component(eg_context *ctx, const eg_plan *plan, const eg_study_histogram *h) {
  if (h->component >= plan->dim) {
    return eg_study_fail_at(ctx, plan->study, h->mark, "there is no x%d: the dimension is %d, components are x0 .. x%d",
                            h->component, plan->dim, plan->dim - 1);
  }
  return EG_OK;
}

static eg_status plan_histogram(eg_context *ctx, const eg_plan *plan, const eg_study_histogram *h,
                                eg_plan_histogram *out) {
  const eg_feature *const f = eg_plan_any_feature(plan, h->feature);
  if (f == NULL) {
    return eg_fail(ctx, EG_ERR_INTERNAL, "histogram of unknown feature '%s'", h->feature);
  }
  EG_TRY(check_component(ctx, plan, h));
  out->study = h;
  out->is_automatic = isnan(h->low);
  out->is_vector = eg_feature_is_vector(f) && h->component < 0;
  out->width = out->is_vector ? f->width : 1;
  if (h->component >= 0) {
    (void)snprintf(out->name, sizeof out->name, "x%d", h->component);
  } else {
    (void)snprintf(out->name, sizeof out->name, "%s", h->feature);
  }
  return EG_OK;
}

/* The grid of each of its columns. */
static void add_grids(eg_plan *plan, eg_plan_schedule *schedule, eg_plan_histogram *h) {
  const eg_feature *const f = eg_plan_any_feature(plan, h->study->feature);
  h->first = plan->n_grids;
  for (size_t k = 0; k < h->width; k++) {
    eg_histogram *const grid = &plan->grids[plan->n_grids++];
    grid->column = (uint32_t)(f->first + (h->study->component > 0 ? (size_t)h->study->component : 0) + k);
    grid->bins = (uint32_t)h->study->bins;
    grid->is_log = h->study->is_log;
    grid->edge = (uint32_t)plan->n_edges;
    grid->count = (uint32_t)schedule->row_counts;
    plan->n_edges += grid->bins + 1;
    schedule->row_counts += grid->bins + 2;
    schedule->n_grids++;
  }
}

static void set_edges(eg_plan *plan, const eg_plan_histogram *h) {
  for (size_t k = 0; k < h->width; k++) {
    eg_histogram *const grid = &plan->grids[h->first + k];
    if (h->is_automatic) {
      for (uint32_t i = 0; i <= grid->bins; i++) {
        plan->edges[grid->edge + i] = NAN;
      }
    } else {
      eg_grid_set(grid, h->study->low, h->study->high, plan->edges);
    }
  }
}

static bool is_kept(const eg_study_observe *observe, const char *feature) {
  bool is_named = observe->n_kept_features == 0;
  for (size_t i = 0; i < observe->n_kept_features; i++) {
    is_named = is_named || strcmp(observe->kept_features[i], feature) == 0;
  }
  return observe->kept > 0 && is_named;
}

static eg_status plan_kept(eg_context *ctx, eg_plan *plan) {
  const bool is_named = plan->study->observe.n_kept_features > 0;
  EG_TRY(eg_allocate(ctx, plan->n_all_features, sizeof *plan->kept, &plan->kept));
  EG_TRY(eg_allocate(ctx, plan->n_all_columns, sizeof *plan->kept_columns, &plan->kept_columns));
  for (size_t i = 0; i < (is_named ? plan->n_all_features : plan->n_features); i++) {
    const eg_feature *const f = &plan->features[i];
    if (!is_kept(&plan->study->observe, f->name)) {
      continue;
    }
    eg_feature *const kept = &plan->kept[plan->n_kept_features++];
    *kept = *f;
    kept->first = plan->n_kept_columns;
    for (size_t k = 0; k < f->width; k++) {
      plan->kept_columns[plan->n_kept_columns++] = (uint32_t)(f->first + k);
    }
  }
  return EG_OK;
}

/* The grid called `name`: of a scalar histogram, or of a component of that of x. */
static eg_status find_grid(eg_context *ctx, const eg_plan *plan, const eg_study_joint *joint, const char *name, uint32_t *grid) {
  for (size_t i = 0; i < plan->n_histograms; i++) {
    const eg_plan_histogram *const h = &plan->histograms[i];
    for (size_t k = 0; k < h->width; k++) {
      char component[24];
      (void)snprintf(component, sizeof component, "x%zu", k);
      if (strcmp(h->is_vector ? component : h->name, name) == 0) {
        *grid = (uint32_t)(h->first + k);
        return EG_OK;
      }
    }
  }
  return eg_study_fail_at(ctx, plan->study, joint->mark,
                          "there is no histogram '%s' to count together with another: add it to 'observe.histograms'", name);
}

static eg_plan_schedule *schedule_of_grid(const eg_plan *plan, uint32_t grid) {
  size_t s = 0;
  while (grid < plan->schedules[s].first_grid || grid >= plan->schedules[s].first_grid + plan->schedules[s].n_grids) {
    s++;
  }
  return &plan->schedules[s];
}

/* Grids that are counted together: their counts stand behind those of the single ones. */
static eg_status plan_pairs(eg_context *ctx, eg_plan *plan) {
  const eg_study_observe *const o = &plan->study->observe;
  EG_TRY(eg_allocate(ctx, o->n_joints, sizeof *plan->pairs, &plan->pairs));
  for (size_t i = 0; i < o->n_joints; i++) {
    const eg_study_joint *const joint = &o->joints[i];
    eg_histogram_pair *const pair = &plan->pairs[i];
    EG_TRY(find_grid(ctx, plan, joint, joint->of[0], &pair->first));
    EG_TRY(find_grid(ctx, plan, joint, joint->of[1], &pair->second));
    for (size_t k = 0; k <= i; k++) {
      const bool is_same = plan->pairs[k].first == pair->first && plan->pairs[k].second == pair->second;
      if (k == i ? pair->first == pair->second : is_same) {
        return eg_study_fail_at(ctx, plan->study, joint->mark, "'%s' and '%s' are %s", joint->of[0], joint->of[1],
                                k == i ? "the same histogram" : "counted together twice");
      }
    }
    eg_plan_schedule *const schedule = schedule_of_grid(plan, pair->first);
    if (schedule != schedule_of_grid(plan, pair->second)) {
      return eg_study_fail_at(ctx, plan->study, joint->mark, "the histograms '%s' and '%s' are counted at different times: give both "
                              "the same 'at'", joint->of[0], joint->of[1]);
    }
    const size_t places = ((size_t)plan->grids[pair->first].bins + 2) * (plan->grids[pair->second].bins + 2);
    if (places > MOST_PLACES) {
      return eg_study_fail_at(ctx, plan->study, joint->mark,
                              "'%s' and '%s' together have %zu bins, with those outside; at most %d are allowed: count in fewer "
                              "bins",
                              joint->of[0], joint->of[1], places, MOST_PLACES);
    }
    pair->count = (uint32_t)schedule->row_counts;
    schedule->row_counts += places;
  }
  return EG_OK;
}

eg_status eg_plan_histograms(eg_context *ctx, eg_plan *plan) {
  const eg_study_observe *const o = &plan->study->observe;
  size_t n = 0;
  EG_TRY(eg_allocate(ctx, o->n_histograms, sizeof *plan->histograms, &plan->histograms));
  for (size_t i = 0; i < o->n_histograms; i++) {
    EG_TRY(plan_histogram(ctx, plan, &o->histograms[i], &plan->histograms[i]));
    plan->histograms[i].schedule = plan->histogram_schedules[i];
    n += plan->histograms[i].width;
  }
  EG_TRY(eg_allocate(ctx, n, sizeof *plan->grids, &plan->grids));
  for (size_t s = 0; s < plan->n_schedules; s++) { /* those of one schedule stand side by side */
    plan->schedules[s].first_grid = plan->n_grids;
    for (size_t i = 0; i < o->n_histograms; i++) {
      if (plan->histogram_schedules[i] == s) {
        add_grids(plan, &plan->schedules[s], &plan->histograms[i]);
      }
    }
  }
  plan->n_histograms = o->n_histograms;
  EG_TRY(eg_allocate(ctx, plan->n_edges, sizeof *plan->edges, &plan->edges));
  for (size_t i = 0; i < plan->n_histograms; i++) {
    set_edges(plan, &plan->histograms[i]);
  }
  EG_TRY(plan_pairs(ctx, plan));
  return plan_kept(ctx, plan);
}

void eg_plan_histogram_job(const eg_plan *plan, eg_run *run) {
  eg_job *const job = &run->job;
  const uint64_t kept = (uint64_t)plan->study->observe.kept;
  job->histograms = plan->grids;
  job->n_histograms = plan->n_grids;
  job->pairs = plan->pairs;
  job->n_pairs = plan->study->observe.n_joints;
  job->edges = plan->edges;
  job->n_edges = plan->n_edges;
  job->row_counts = plan->schedules[0].row_counts;
  job->n_counts = 0;
  for (size_t s = 0; s < plan->n_schedules; s++) {
    run->schedules[s].first_count = job->n_counts;
    job->n_counts += plan->schedules[s].row_counts * plan->n_points * run->schedules[s].n;
  }
  job->kept_columns = plan->kept_columns;
  job->n_kept_columns = plan->n_kept_columns;
  job->n_kept = kept < job->n_realisations ? kept : job->n_realisations;
}

eg_status eg_plan_check_kept(eg_context *ctx, const eg_plan *plan) {
  const eg_study_observe *const o = &plan->study->observe;
  double values = 0, each = 0; /* of all runs; of one realisation of all runs */
  for (size_t r = 0; r < plan->n_runs; r++) {
    values += (double)eg_job_path_values(&plan->runs[r].job);
    each += (double)(plan->n_points * eg_job_kept_records(&plan->runs[r].job) * plan->n_kept_columns);
  }
  if (values <= max_path_values) {
    return EG_OK;
  }
  const double fit = floor(max_path_values / each);
  if (fit < 1) {
    return eg_study_fail_at(ctx, plan->study, o->kept_mark,
                            "kept paths: one realisation of all %zu runs has %.0f values, and at most %.0f are allowed: "
                            "observe fewer times, or name fewer features in 'keep.of'",
                            plan->n_runs, each, max_path_values);
  }
  return eg_study_fail_at(ctx, plan->study, o->kept_mark,
                          "kept paths: %.0f realisations of %zu runs have %.0f values, and at most %.0f are allowed; "
                          "%.0f realisations would fit",
                          o->kept, plan->n_runs, values, max_path_values, fit);
}
