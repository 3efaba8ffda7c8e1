#include "run/multilevel.h"

#include <math.h>
#include <stdlib.h>

size_t eg_multilevel_level(const eg_plan *plan, size_t run) {
  const eg_plan_multilevel *const m = &plan->multilevel;
  size_t l = 0;
  while (l < m->n_levels && m->levels[l].run != run && m->levels[l].coarse != run) {
    l++;
  }
  return l;
}

/* Blocks are merged in their canonical order. */
static eg_status read_sum(eg_context *ctx, const eg_campaign *c, size_t sum, size_t row, size_t column,
                          eg_moments *out) {
  const eg_merge_tree *const tree = &c->runs[sum].tree;
  eg_moments moments[EG_BLOCKS];
  double *blocks = NULL;
  size_t n = 0;
  EG_TRY(eg_merge_tree_blocks(ctx, tree, &n, &blocks));
  for (size_t b = 0; b < n; b++) {
    moments[b] = eg_node_moments(&tree->shape, blocks + b * tree->shape.values, row, column);
  }
  free(blocks);
  *out = n > 0 ? eg_moments_total(n, moments) : (eg_moments){0, 0, 0, 0, 0};
  return EG_OK;
}

eg_status eg_multilevel_read(eg_context *ctx, const eg_campaign *c, size_t record, size_t point, size_t column,
                             eg_level *levels) {
  const eg_plan *const plan = c->plan;
  const size_t row = record * plan->n_points + point;
  for (size_t l = 0; l < plan->multilevel.n_levels; l++) {
    const eg_plan_level *const from = &plan->multilevel.levels[l];
    const eg_run *const run = &plan->runs[from->run];
    levels[l] = (eg_level){.cost = from->cost,
                           .fine_cost = (double)run->steps * run->substeps,
                           .can_grow = c->runs[from->run].tiles_done < run->job.n_tiles};
    EG_TRY(read_sum(ctx, c, from->sum, row, column, &levels[l].correction));
    EG_TRY(read_sum(ctx, c, from->run, row, column, &levels[l].fine));
    if (l > 0) {
      EG_TRY(read_sum(ctx, c, from->coarse, row, column, &levels[l].coarse));
    }
  }
  return EG_OK;
}

size_t eg_multilevel_n_made(const eg_campaign *c) {
  const eg_plan_multilevel *const m = &c->plan->multilevel;
  size_t n = (size_t)c->plan->study->multilevel.least_levels + 1;
  for (size_t l = n; l < m->n_levels; l++) {
    n = c->runs[m->levels[l].run].tiles_done > 0 ? l + 1 : n;
  }
  return n;
}

/* The level that goes on (or, the first behind those made, begins); n_levels: none. */
static size_t find_next(const eg_plan *plan, size_t n, const eg_level *levels) {
  const eg_study_multilevel *const study = &plan->study->multilevel;
  const double share = study->least_levels < study->levels ? 0.5 : 1; /* of the squared error, for the variance */
  eg_multilevel e;
  eg_multilevel_estimate(n, levels, study->ratio, &e);
  const double error = isnan(study->relative) ? study->stderr_ : study->relative * fabs(e.mean.value);
  const size_t next = eg_multilevel_next(n, levels, share * error * error);
  if (next < n) {
    return next;
  }
  return n < plan->multilevel.n_levels && !(e.bias * e.bias <= (1 - share) * error * error) ? n : plan->multilevel.n_levels;
}

eg_status eg_multilevel_goals(eg_context *ctx, const eg_campaign *c, uint64_t *goals) {
  const eg_plan *const plan = c->plan;
  const eg_plan_multilevel *const m = &plan->multilevel;
  const size_t n = eg_multilevel_n_made(c);
  eg_level *levels = NULL;
  bool is_whole = true;
  for (size_t l = 0; l < m->n_levels; l++) {
    const eg_run_state *const state = &c->runs[m->levels[l].run];
    const uint64_t end = state->n_done > 0 ? state->done[state->n_done - 1].last + 1 : 0;
    goals[l] = l < n ? eg_plan_next_look(plan, &plan->runs[m->levels[l].run].job, end) : 0;
    is_whole = is_whole && state->tiles_done == goals[l];
  }
  if (!is_whole) {
    return EG_OK; /* nothing is decided while one of them is on its way */
  }
  EG_TRY(eg_allocate(ctx, m->n_levels, sizeof *levels, &levels));
  const eg_status status = eg_multilevel_read(ctx, c, m->record, m->point, m->column, levels);
  if (status == EG_OK) {
    const size_t next = find_next(plan, n, levels);
    if (next < m->n_levels) {
      goals[next] = eg_plan_next_look(plan, &plan->runs[m->levels[next].run].job, goals[next] + 1);
    }
  }
  free(levels);
  return status;
}
