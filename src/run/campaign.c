#include "run/campaign.h"

#include <stdlib.h>
#include <string.h>

#include "run/tile_part.h"
#include "run/until.h"

eg_status eg_campaign_create(eg_context *ctx, const eg_plan *plan, eg_campaign **out) {
  eg_campaign *c = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, 1, sizeof *c, &c));
  c->plan = plan;
  EG_TRY_DONE(eg_allocate(ctx, eg_plan_n_sums(plan), sizeof *c->runs, &c->runs));
  EG_TRY_DONE(eg_allocate(ctx, EG_MAX_FAILURES + 1, sizeof *c->failures, &c->failures));
  for (size_t i = 0; i < eg_plan_n_sums(plan); i++) {
    const eg_job *const job = &eg_plan_sum_run(plan, i)->job;
    c->runs[i].tree.shape = eg_node_shape_of(plan, job);
    if (i < plan->n_runs) {
      EG_TRY_DONE(eg_run_histograms_create(ctx, plan, job, &c->runs[i].histograms));
    }
  }
  eg_campaign_set_shard(c, (eg_shard){0, 1});
  *out = c;
  c = NULL;
done:
  eg_campaign_free(c);
  return status;
}

void eg_campaign_free(eg_campaign *c) {
  if (c == NULL) {
    return;
  }
  for (size_t i = 0; c->runs != NULL && i < eg_plan_n_sums(c->plan); i++) {
    eg_merge_tree_free(&c->runs[i].tree);
    free(c->runs[i].done);
    eg_run_histograms_free(&c->runs[i].histograms);
  }
  for (size_t i = 0; i < c->n_parts; i++) {
    free(c->parts[i].part);
  }
  free(c->runs);
  free(c->failures);
  free(c->parts);
  if (!c->borrows_oracles) {
    free(c->exact_mean);
    free(c->expected_mean);
  }
  free(c);
}

/* Members and differences of a group: the tiles of the leader. */
static void share_tiles(eg_campaign *c) {
  const eg_plan *const plan = c->plan;
  for (size_t i = 0; i < plan->n_groups; i++) {
    const eg_group *const group = &plan->groups[i];
    const eg_run_state *const leader = &c->runs[group->runs[0]];
    for (size_t k = 0; k < group->n_members; k++) {
      c->runs[group->runs[k]].first = leader->first;
      c->runs[group->runs[k]].end = leader->end;
    }
    for (size_t k = 0; k + 1 < group->n_members; k++) {
      c->runs[plan->n_runs + group->first_difference + k].first = leader->first;
      c->runs[plan->n_runs + group->first_difference + k].end = leader->end;
    }
  }
}

void eg_campaign_set_shard(eg_campaign *c, eg_shard shard) {
  const eg_plan *const plan = c->plan;
  uint64_t place = 0;
  c->shard = shard;
  for (size_t r = 0; r < plan->n_runs; r++) {
    if (eg_plan_is_leader(plan, r)) {
      eg_shard_tiles(shard, place++, plan->runs[r].job.n_tiles, &c->runs[r].first, &c->runs[r].end);
    }
  }
  share_tiles(c);
}

void eg_campaign_set_shard_behind(eg_campaign *c, eg_shard shard, const eg_campaign *base, const uint64_t *goals) {
  c->shard = shard;
  for (size_t r = 0; r < c->plan->n_runs; r++) {
    const uint64_t n_before = base->runs[r].tiles_done;
    if (eg_plan_is_leader(c->plan, r)) { /* all runs have their first piece in the first shard: it joins what is there */
      eg_shard_tiles(shard, 0, goals[r] - n_before, &c->runs[r].first, &c->runs[r].end);
      c->runs[r].first = shard.index == 0 ? 0 : c->runs[r].first + n_before;
      c->runs[r].end += n_before;
    }
  }
  share_tiles(c);
}

void eg_campaign_set_end(eg_campaign *c, size_t run, uint64_t end) {
  c->runs[run].end = end;
  share_tiles(c);
}

/* `to` is as eg_campaign_create makes it. job: NULL for a difference, which has no histograms. */
static eg_status copy_run(eg_context *ctx, const eg_plan *plan, const eg_job *job, const eg_run_state *from,
                          eg_run_state *to) {
  EG_TRY(eg_merge_tree_copy(ctx, &from->tree, &to->tree));
  EG_TRY(eg_allocate(ctx, from->n_done, sizeof *to->done, &to->done));
  if (from->n_done > 0) {
    memcpy(to->done, from->done, from->n_done * sizeof *to->done);
  }
  to->n_done = to->capacity = from->n_done;
  to->tiles_done = from->tiles_done;
  to->first = from->first;
  to->end = from->end;
  to->n_bad = from->n_bad;
  if (job != NULL) {
    eg_run_histograms_copy(plan, job, &from->histograms, &to->histograms);
  }
  return EG_OK;
}

eg_status eg_campaign_copy(eg_context *ctx, const eg_campaign *c, eg_campaign **out) {
  eg_campaign *copy = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_campaign_create(ctx, c->plan, &copy));
  eg_campaign_set_shard(copy, c->shard);
  for (size_t i = 0; i < eg_plan_n_sums(c->plan); i++) {
    EG_TRY_DONE(copy_run(ctx, c->plan, i < c->plan->n_runs ? &c->plan->runs[i].job : NULL, &c->runs[i], &copy->runs[i]));
  }
  memcpy(copy->failures, c->failures, c->n_failures * sizeof *c->failures);
  copy->n_failures = c->n_failures;
  for (size_t i = 0; i < c->n_parts; i++) {
    const eg_kept_part *const kept = &c->parts[i];
    eg_tile_part *part = NULL;
    EG_TRY_DONE(eg_part_copy(ctx, c->plan, kept->run, kept->tile, kept->part, &part));
    EG_TRY_DONE(eg_campaign_keep(ctx, copy, kept->run, kept->tile, part));
  }
  copy->borrows_oracles = c->exact_mean != NULL;
  copy->exact_mean = c->exact_mean;
  copy->expected_mean = c->expected_mean;
  copy->wall_seconds = c->wall_seconds;
  copy->spot = c->spot;
  copy->command_line = c->command_line;
  copy->backend = c->backend;
  copy->device = c->device;
  copy->threads = c->threads;
  *out = copy;
  copy = NULL;
done:
  eg_campaign_free(copy);
  return status;
}

eg_status eg_campaign_roll_back(eg_context *ctx, eg_campaign *c, const eg_campaign *base, eg_campaign **old) {
  eg_campaign *copy = NULL;
  EG_TRY(eg_campaign_copy(ctx, base, &copy));
  const eg_campaign now = *c;
  c->runs = copy->runs;
  c->failures = copy->failures;
  c->n_failures = copy->n_failures;
  c->parts = copy->parts;
  c->n_parts = copy->n_parts;
  c->parts_capacity = copy->parts_capacity;
  copy->runs = now.runs;
  copy->failures = now.failures;
  copy->n_failures = now.n_failures;
  copy->parts = now.parts;
  copy->n_parts = now.n_parts;
  copy->parts_capacity = now.parts_capacity;
  *old = copy;
  return EG_OK;
}

/* ---- parts of unfinished tiles ---- */

static size_t part_at(const eg_campaign *c, size_t run, uint64_t tile) {
  size_t i = 0;
  while (i < c->n_parts && (c->parts[i].run != run || c->parts[i].tile != tile)) {
    i++;
  }
  return i;
}

const eg_tile_part *eg_campaign_part(const eg_campaign *c, size_t run, uint64_t tile) {
  const size_t i = part_at(c, run, tile);
  return i < c->n_parts ? c->parts[i].part : NULL;
}

eg_status eg_campaign_keep(eg_context *ctx, eg_campaign *c, size_t run, uint64_t tile, eg_tile_part *part) {
  const size_t i = part_at(c, run, tile);
  if (i < c->n_parts) {
    free(c->parts[i].part);
    c->parts[i].part = part;
    return EG_OK;
  }
  if (c->n_parts == c->parts_capacity) {
    const size_t capacity = c->parts_capacity == 0 ? 16 : 2 * c->parts_capacity;
    eg_kept_part *const parts = realloc(c->parts, capacity * sizeof *parts);
    if (parts == NULL) {
      free(part);
      return eg_fail(ctx, EG_ERR_MEMORY, "out of memory for the states of unfinished tiles");
    }
    c->parts = parts;
    c->parts_capacity = capacity;
  }
  c->parts[c->n_parts++] = (eg_kept_part){run, tile, part};
  return EG_OK;
}

static void drop_part(eg_campaign *c, size_t run, uint64_t tile) {
  const size_t i = part_at(c, run, tile);
  if (i < c->n_parts) {
    free(c->parts[i].part);
    c->n_parts--;
    memmove(&c->parts[i], &c->parts[i + 1], (c->n_parts - i) * sizeof *c->parts);
  }
}

/* ---- finished tiles ---- */

/* Index of the first range that ends at or behind `tile`. */
static size_t range_at(const eg_run_state *state, uint64_t tile) {
  size_t low = 0, high = state->n_done;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (state->done[middle].last < tile) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool eg_tile_is_done(const eg_run_state *state, uint64_t tile) {
  const size_t i = range_at(state, tile);
  return i < state->n_done && state->done[i].first <= tile;
}

uint64_t eg_run_state_done_end(const eg_run_state *state, uint64_t tile) {
  const size_t i = range_at(state, tile);
  return i < state->n_done && state->done[i].first <= tile ? state->done[i].last + 1 : tile;
}

uint64_t eg_run_state_next_done(const eg_run_state *state, uint64_t tile) {
  const size_t i = range_at(state, tile);
  if (i == state->n_done) {
    return UINT64_MAX;
  }
  return state->done[i].first > tile ? state->done[i].first : tile;
}

static eg_status reserve_range(eg_context *ctx, eg_run_state *state) {
  if (state->n_done < state->capacity) {
    return EG_OK;
  }
  const size_t capacity = state->capacity == 0 ? 16 : 2 * state->capacity;
  eg_tile_range *const done = realloc(state->done, capacity * sizeof *done);
  if (done == NULL) {
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory for the list of finished tiles");
  }
  state->done = done;
  state->capacity = capacity;
  return EG_OK;
}

eg_status eg_run_state_add_range(eg_context *ctx, eg_run_state *state, eg_tile_range range) {
  EG_TRY(reserve_range(ctx, state));
  state->done[state->n_done++] = range;
  state->tiles_done += range.last - range.first + 1;
  return EG_OK;
}

static eg_status mark_done(eg_context *ctx, eg_run_state *state, uint64_t tile) {
  const size_t i = range_at(state, tile); /* first range behind the tile */
  const bool joins_left = i > 0 && state->done[i - 1].last + 1 == tile;
  const bool joins_right = i < state->n_done && state->done[i].first == tile + 1;
  state->tiles_done++;
  if (joins_left && joins_right) {
    state->done[i - 1].last = state->done[i].last;
    memmove(&state->done[i], &state->done[i + 1], (state->n_done - i - 1) * sizeof *state->done);
    state->n_done--;
    return EG_OK;
  }
  if (joins_left) {
    state->done[i - 1].last = tile;
    return EG_OK;
  }
  if (joins_right) {
    state->done[i].first = tile;
    return EG_OK;
  }
  EG_TRY(reserve_range(ctx, state));
  memmove(&state->done[i + 1], &state->done[i], (state->n_done - i) * sizeof *state->done);
  state->done[i] = (eg_tile_range){tile, tile};
  state->n_done++;
  return EG_OK;
}

bool eg_campaign_is_over(const eg_campaign *c, size_t run, uint64_t tile) {
  return tile == EG_PILOT_TILE ? c->runs[run].histograms.has_grids : eg_tile_is_done(&c->runs[run], tile);
}

void eg_campaign_drop_finished_parts(eg_campaign *c) {
  for (size_t i = c->n_parts; i-- > 0;) {
    const eg_kept_part kept = c->parts[i];
    if (eg_campaign_is_over(c, kept.run, kept.tile)) {
      drop_part(c, kept.run, kept.tile);
    }
  }
}

static int compare_failures(const eg_failure *a, const eg_failure *b) {
  const uint64_t ka[3] = {a->run, a->realisation, a->point}, kb[3] = {b->run, b->realisation, b->point};
  for (int i = 0; i < 3; i++) {
    if (ka[i] != kb[i]) {
      return ka[i] < kb[i] ? -1 : 1;
    }
  }
  return 0;
}

void eg_campaign_add_failure(eg_campaign *c, eg_failure failure) {
  size_t i = c->n_failures;
  if (i == EG_MAX_FAILURES && compare_failures(&c->failures[i - 1], &failure) < 0) {
    return;
  }
  for (; i > 0 && compare_failures(&failure, &c->failures[i - 1]) < 0; i--) {
    c->failures[i] = c->failures[i - 1];
  }
  c->failures[i] = failure;
  c->n_failures += c->n_failures < EG_MAX_FAILURES;
}

static eg_status add_node(eg_context *ctx, eg_campaign *c, size_t sum, uint64_t tile, const double *node) {
  EG_TRY(eg_merge_tree_add(ctx, &c->runs[sum].tree, (uint32_t)(tile % EG_BLOCKS), 0, tile / EG_BLOCKS, node));
  return mark_done(ctx, &c->runs[sum], tile);
}

eg_status eg_campaign_add(eg_context *ctx, eg_campaign *c, size_t run, uint64_t tile, const eg_tile_result *result) {
  const size_t index = c->plan->runs[run].group;
  const eg_group *const group = index == EG_NO_GROUP ? NULL : &c->plan->groups[index];
  const size_t n = group == NULL ? 1 : group->n_members, values = c->plan->runs[run].job.node_values;
  for (size_t i = 0; i < n; i++) {
    EG_TRY(add_node(ctx, c, group == NULL ? run : group->runs[i], tile, result->node + i * values));
  }
  for (size_t i = 0; i + 1 < n; i++) {
    EG_TRY(add_node(ctx, c, c->plan->n_runs + group->first_difference + i, tile, result->node + (n + i) * values));
  }
  drop_part(c, run, tile);
  for (size_t i = 0; i < result->n_bad; i++) {
    const eg_bad_trajectory *const b = &result->bad[i];
    const size_t member = group == NULL ? run : group->runs[b->member];
    c->runs[member].n_bad++;
    eg_campaign_add_failure(c, (eg_failure){member, b->realisation, b->point, b->step});
  }
  return EG_OK;
}

void eg_job_copy_paths(const eg_job *job, uint64_t first, uint64_t end, const double *from, double *to) {
  const uint64_t last = end <= job->n_kept / job->tile ? end * job->tile : job->n_kept;
  for (size_t point = 0; point < job->launch.n_points && first < end && first * job->tile < last; point++) {
    const size_t begin = eg_job_path_at(job, point, first * job->tile, 0, 0);
    memcpy(to + begin, from + begin, (eg_job_path_at(job, point, last, 0, 0) - begin) * sizeof *to);
  }
}

void eg_campaign_add_counts(eg_campaign *c, size_t run, uint64_t first, uint64_t n, const uint64_t *counts,
                            const double *paths) {
  const eg_job *const job = &c->plan->runs[run].job;
  eg_run_histograms *const h = &c->runs[run].histograms;
  for (size_t i = 0; i < job->n_counts; i++) {
    h->counts[i] += counts[i];
  }
  if (h->paths != NULL) { /* sums of a device stand apart from its paths */
    eg_job_copy_paths(job, first, first + n, paths, h->paths);
  }
}

eg_status eg_campaign_is_complete(eg_context *ctx, const eg_campaign *c, bool *is_complete) {
  uint64_t *goals = NULL;
  EG_TRY(eg_allocate(ctx, c->plan->n_runs, sizeof *goals, &goals));
  const eg_status status = eg_until_goals(ctx, c, goals);
  *is_complete = true;
  for (size_t i = 0; i < c->plan->n_runs; i++) {
    *is_complete = *is_complete && c->runs[i].tiles_done == goals[i];
  }
  free(goals);
  return status;
}

/* Finished tiles of those asked for. */
static uint64_t n_asked_done(const eg_run_state *state) {
  uint64_t n = 0;
  for (size_t i = range_at(state, state->first); i < state->n_done && state->done[i].first < state->end; i++) {
    const eg_tile_range range = state->done[i];
    const uint64_t first = range.first > state->first ? range.first : state->first;
    const uint64_t end = range.last + 1 < state->end ? range.last + 1 : state->end;
    n += end - first;
  }
  return n;
}

bool eg_campaign_is_finished(const eg_campaign *c) {
  for (size_t i = 0; i < c->plan->n_runs; i++) {
    if (n_asked_done(&c->runs[i]) != c->runs[i].end - c->runs[i].first) {
      return false;
    }
  }
  return true;
}

bool eg_campaign_has_others(const eg_campaign *c) {
  for (size_t i = 0; i < c->plan->n_runs; i++) {
    if (n_asked_done(&c->runs[i]) != c->runs[i].tiles_done) {
      return true;
    }
  }
  return false;
}
