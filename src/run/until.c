#include "run/until.h"

#include <math.h>
#include <stdlib.h>

#include "run/multilevel.h"

static const double LEAST_EFFECTIVE = 1000;

bool eg_until_is_reached(const eg_study_until *u, size_t n_blocks, const eg_moments *blocks, double *left) {
  eg_moment_estimates m;
  const eg_moments total = eg_moments_total(n_blocks, blocks);
  eg_moments_estimate(n_blocks, blocks, &m);
  const eg_estimate e = u->is_variance ? m.variance : m.mean;
  const double most = isnan(u->relative) ? u->stderr_ : u->relative * fabs(e.value);
  *left = m.count > 1 ? e.stderr_ / most : NAN; /* infinite against a mean of 0 */
  return *left <= 1 && eg_effective_samples(&total) >= LEAST_EFFECTIVE;
}

static bool is_with(const eg_plan *plan, size_t run, size_t other) {
  return run == other || (plan->runs[run].group != EG_NO_GROUP && plan->runs[run].group == plan->runs[other].group);
}

/* Over the entries of a run and its group: all reached? largest left. No entry: not reached. */
static eg_status look(eg_context *ctx, const eg_campaign *c, size_t run, bool *is_reached, double *left) {
  const eg_plan *const plan = c->plan;
  size_t n = 0;
  *is_reached = true;
  *left = NAN;
  for (size_t i = 0; i < plan->n_until; i++) {
    const eg_until *const u = &plan->until[i];
    const eg_merge_tree *const tree = &c->runs[u->run].tree;
    eg_moments moments[EG_BLOCKS];
    double *blocks = NULL, own = NAN;
    size_t n_blocks = 0;
    if (!is_with(plan, run, u->run)) {
      continue;
    }
    EG_TRY(eg_merge_tree_blocks(ctx, tree, &n_blocks, &blocks));
    for (size_t b = 0; b < n_blocks; b++) {
      moments[b] = eg_node_moments(&tree->shape, blocks + b * tree->shape.values,
                                   u->record * plan->n_points + u->point, u->column);
    }
    free(blocks);
    *is_reached = n_blocks > 0 && eg_until_is_reached(u->study, n_blocks, moments, &own) && *is_reached;
    *left = own <= *left ? *left : own;
    n++;
  }
  *is_reached = *is_reached && n > 0;
  return EG_OK;
}

/* Of a level: by what all levels have done. */
static eg_status goal_of_level(eg_context *ctx, const eg_campaign *c, size_t level, uint64_t *goal) {
  uint64_t *goals = NULL;
  EG_TRY(eg_allocate(ctx, c->plan->multilevel.n_levels, sizeof *goals, &goals));
  const eg_status status = eg_multilevel_goals(ctx, c, goals);
  *goal = goals[level];
  free(goals);
  return status;
}

eg_status eg_until_goal(eg_context *ctx, const eg_campaign *c, size_t run, uint64_t *goal) {
  const eg_run_state *const state = &c->runs[run];
  const eg_job *const job = &c->plan->runs[run].job;
  const uint64_t end = state->n_done > 0 ? state->done[state->n_done - 1].last + 1 : 0;
  bool is_reached = false;
  double left;
  const size_t level = eg_multilevel_level(c->plan, run);
  *goal = job->n_tiles;
  if (level < c->plan->multilevel.n_levels) {
    return goal_of_level(ctx, c, level, goal);
  }
  if (c->plan->n_until == 0) {
    return EG_OK;
  }
  const uint64_t at = eg_plan_next_look(c->plan, job, end);
  *goal = at;
  if (state->tiles_done == at && at < job->n_tiles) {
    EG_TRY(look(ctx, c, run, &is_reached, &left));
    *goal = is_reached ? at : eg_plan_next_look(c->plan, job, at + 1);
  }
  return EG_OK;
}

eg_status eg_until_left(eg_context *ctx, const eg_campaign *c, size_t run, double *left) {
  bool is_reached = false;
  return look(ctx, c, run, &is_reached, left);
}

eg_status eg_until_ask(eg_context *ctx, eg_campaign *c) {
  const eg_plan *const plan = c->plan;
  uint64_t *goals = NULL;
  eg_status status = EG_OK;
  if (plan->n_until == 0 && plan->multilevel.n_levels == 0) {
    return EG_OK;
  }
  EG_TRY(eg_allocate(ctx, plan->n_runs, sizeof *goals, &goals));
  for (size_t r = 0; r < plan->n_runs; r++) {
    EG_TRY_DONE(eg_until_goal(ctx, c, r, &goals[r]));
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    if (eg_plan_is_leader(plan, r)) {
      eg_campaign_set_end(c, r, goals[r]);
    }
  }
done:
  free(goals);
  return status;
}
