#include "run/until.h"

#include <math.h>
#include <stdlib.h>

#include "run/multilevel.h"

static const double LEAST_EFFECTIVE = 1000;

double eg_until_want(double effective) { return effective < LEAST_EFFECTIVE ? sqrt(LEAST_EFFECTIVE / effective) : 0; }

bool eg_until_is_reached(const eg_study_until *u, size_t n_blocks, const eg_moments *blocks, double *left) {
  eg_moment_estimates m;
  const eg_moments total = eg_moments_total(n_blocks, blocks);
  eg_moments_estimate(n_blocks, blocks, &m);
  const eg_estimate e = u->is_variance ? m.variance : m.mean;
  const double most = isnan(u->relative) ? u->stderr_ : u->relative * fabs(e.value);
  *left = m.count > 1 ? e.stderr_ / most : NAN; /* infinite against a mean of 0 .. */
  *left = e.stderr_ == 0 ? INFINITY : *left;    /* .. and for an error of 0: nothing has happened yet */
  *left = isnan(*left) ? *left : fmax(*left, eg_until_want(eg_effective_samples(&total)));
  return *left <= 1;
}

static eg_status look_at_feature(eg_context *ctx, const eg_campaign *c, const eg_until *u, bool *is_reached, double *left) {
  const eg_merge_tree *const tree = &c->runs[u->run].tree;
  eg_moments moments[EG_BLOCKS];
  double *blocks = NULL, own = NAN;
  size_t n_blocks = 0;
  EG_TRY(eg_merge_tree_blocks(ctx, tree, &n_blocks, &blocks));
  for (size_t b = 0; b < n_blocks; b++) {
    moments[b] = eg_node_moments(&tree->shape, blocks + b * tree->shape.values, u->record * c->plan->n_points + u->point,
                                 u->column);
  }
  free(blocks);
  *is_reached = n_blocks > 0 && eg_until_is_reached(u->study, n_blocks, moments, &own) && *is_reached;
  *left = own <= *left ? *left : own;
  return EG_OK;
}

eg_status eg_until_look(eg_context *ctx, const eg_campaign *c, const eg_labelled *file, bool *is_reached, double *left,
                        double *floor) {
  const eg_plan *const plan = c->plan;
  const eg_study *const study = plan->study;
  for (size_t r = 0; r < plan->n_runs; r++) {
    is_reached[r] = true;
    left[r] = NAN;
    floor[r] = 0;
  }
  for (size_t i = 0; i < plan->n_until; i++) {
    const size_t r = plan->until[i].run;
    if (plan->runs[r].is_deterministic) {
      continue; /* nothing to wait for, nor for those of its set */
    }
    EG_TRY(look_at_feature(ctx, c, &plan->until[i], &is_reached[r], &left[r]));
  }
  for (size_t i = 0; i < study->n_until; i++) {
    if (study->until[i].variable != NULL) {
      eg_until_variable_look(plan, file, &study->until[i], is_reached, left, floor);
    }
  }
  for (size_t r = 0; r < plan->n_runs; r++) { /* what one of a set lacks, all lack: the first of it gathers */
    const size_t set = plan->until_set[r];
    is_reached[set] = is_reached[set] && is_reached[r];
    left[set] = left[r] <= left[set] || isnan(left[r]) ? left[set] : left[r];
    floor[set] = fmax(floor[set], floor[r]);
  }
  for (size_t r = 0; r < plan->n_runs; r++) { /* no entry: not reached */
    left[r] = left[plan->until_set[r]];
    floor[r] = floor[plan->until_set[r]];
    is_reached[r] = is_reached[plan->until_set[r]] && !isnan(left[r]);
  }
  return EG_OK;
}

/* With the statistics that the sums give, where an entry needs them. */
static eg_status look(eg_context *ctx, const eg_campaign *c, bool *is_reached, double *left, double *floor) {
  eg_labelled *file = NULL;
  eg_campaign view = *c; /* oracles that are not known yet are its own */
  eg_status status = EG_OK;
  if (eg_until_has_variables(c->plan)) {
    status = eg_campaign_statistics(ctx, &view, &file);
  }
  if (status == EG_OK) {
    status = eg_until_look(ctx, c, file, is_reached, left, floor);
  }
  eg_labelled_free(file);
  if (view.exact_mean != c->exact_mean) {
    free(view.exact_mean);
    free(view.expected_mean);
  }
  return status;
}

/* Of a level: by what all levels have done. */
static eg_status goals_of_levels(eg_context *ctx, const eg_campaign *c, uint64_t *goals) {
  const eg_plan *const plan = c->plan;
  uint64_t *levels = NULL;
  EG_TRY(eg_allocate(ctx, plan->multilevel.n_levels, sizeof *levels, &levels));
  const eg_status status = eg_multilevel_goals(ctx, c, levels);
  for (size_t r = 0; r < plan->n_runs; r++) {
    const size_t level = eg_multilevel_level(plan, r);
    goals[r] = level < plan->multilevel.n_levels ? levels[level] : plan->runs[r].job.n_tiles;
  }
  free(levels);
  return status;
}

/* The look at which a set of runs is, or on its way to: that of the one furthest on. */
static void find_looks(const eg_campaign *c, uint64_t *looks) {
  const eg_plan *const plan = c->plan;
  for (size_t r = 0; r < plan->n_runs; r++) {
    looks[r] = 0;
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    const eg_run_state *const state = &c->runs[r];
    const uint64_t end = state->n_done > 0 ? state->done[state->n_done - 1].last + 1 : 0;
    uint64_t *const look_of_set = &looks[plan->until_set[r]];
    if (end > *look_of_set || *look_of_set == 0) {
      *look_of_set = end > 0 ? end : 1;
    }
  }
}

static eg_status goals_of_looks(eg_context *ctx, const eg_campaign *c, uint64_t *goals) {
  const eg_plan *const plan = c->plan;
  bool *is_there = NULL, *is_reached = NULL, is_any = false;
  double *left = NULL, *floor = NULL;
  uint64_t *looks = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, plan->n_runs, sizeof *is_there, &is_there));
  EG_TRY_DONE(eg_allocate(ctx, plan->n_runs, sizeof *is_reached, &is_reached));
  EG_TRY_DONE(eg_allocate(ctx, plan->n_runs, sizeof *left, &left));
  EG_TRY_DONE(eg_allocate(ctx, plan->n_runs, sizeof *floor, &floor));
  EG_TRY_DONE(eg_allocate(ctx, plan->n_runs, sizeof *looks, &looks));
  find_looks(c, looks);
  for (size_t r = 0; r < plan->n_runs; r++) {
    is_there[r] = true;
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    const size_t set = plan->until_set[r];
    goals[r] = eg_plan_next_look(plan, &plan->runs[r].job, looks[set]);
    is_there[set] = is_there[set] && c->runs[r].tiles_done == goals[r];
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    is_any = is_any || (is_there[plan->until_set[r]] && goals[r] < plan->runs[r].job.n_tiles);
  }
  if (is_any) {
    EG_TRY_DONE(look(ctx, c, is_reached, left, floor));
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    if (is_any && is_there[plan->until_set[r]] && !is_reached[r]) {
      goals[r] = eg_plan_next_look(plan, &plan->runs[r].job, goals[r] + 1);
    }
  }
done:
  free(is_there);
  free(is_reached);
  free(left);
  free(floor);
  free(looks);
  return status;
}

eg_status eg_until_goals(eg_context *ctx, const eg_campaign *c, uint64_t *goals) {
  const eg_plan *const plan = c->plan;
  if (plan->multilevel.n_levels > 0) {
    return goals_of_levels(ctx, c, goals);
  }
  if (plan->study->n_until > 0) {
    return goals_of_looks(ctx, c, goals);
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    goals[r] = plan->runs[r].job.n_tiles;
  }
  return EG_OK;
}

bool eg_until_decides(const eg_plan *plan) {
  return plan->study->n_until > 0 || plan->multilevel.n_levels > 0;
}

eg_status eg_until_ask(eg_context *ctx, eg_campaign *c) {
  const eg_plan *const plan = c->plan;
  uint64_t *goals = NULL;
  eg_status status = EG_OK;
  if (!eg_until_decides(plan) || !eg_shard_is_whole(c->shard)) {
    return EG_OK;
  }
  EG_TRY_DONE(eg_allocate(ctx, plan->n_runs, sizeof *goals, &goals));
  EG_TRY_DONE(eg_until_goals(ctx, c, goals));
  for (size_t r = 0; r < plan->n_runs; r++) {
    if (eg_plan_is_leader(plan, r)) {
      eg_campaign_set_end(c, r, goals[r]);
    }
  }
done:
  free(goals);
  return status;
}

eg_status eg_until_ask_shard(eg_context *ctx, eg_campaign *c, eg_shard shard, const eg_campaign *base) {
  eg_campaign *known = NULL; /* what is done, as part of the study at hand: its cap may be a larger one */
  uint64_t *goals = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_campaign_create(ctx, c->plan, &known));
  if (base != NULL) {
    EG_TRY_DONE(eg_campaign_merge(ctx, known, base));
  }
  EG_TRY_DONE(eg_allocate(ctx, c->plan->n_runs, sizeof *goals, &goals));
  EG_TRY_DONE(eg_until_goals(ctx, known, goals));
  eg_campaign_set_shard_behind(c, shard, known, goals);
done:
  free(goals);
  eg_campaign_free(known);
  return status;
}

bool eg_until_is_round_over(const eg_campaign *c) {
  for (size_t r = 0; r < c->plan->n_runs; r++) {
    const eg_run_state *const state = &c->runs[r];
    const bool is_prefix = state->n_done == 1 && state->done[0].first == 0;
    const bool is_idle = state->n_done == 0 && c->plan->multilevel.n_levels > 0; /* a level that has not begun */
    const uint64_t n = state->tiles_done;
    if (!is_idle && (!is_prefix || eg_plan_next_look(c->plan, &c->plan->runs[r].job, n) != n)) {
      return false;
    }
  }
  return true;
}
