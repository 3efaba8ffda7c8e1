/* What two campaigns of the same runs and tiles have done, in one. */
#include <stdlib.h>
#include <string.h>

#include "run/campaign.h"
#include "run/tile_part.h"

bool eg_campaign_find_overlap(const eg_campaign *a, const eg_campaign *b, size_t *run, uint64_t *tile) {
  for (size_t r = 0; r < a->plan->n_runs; r++) {
    const eg_run_state *const s = &a->runs[r], *const t = &b->runs[r];
    size_t k = 0;
    for (size_t i = 0; i < s->n_done; i++) {
      while (k < t->n_done && t->done[k].last < s->done[i].first) {
        k++;
      }
      if (k < t->n_done && t->done[k].first <= s->done[i].last) {
        *run = r;
        *tile = t->done[k].first > s->done[i].first ? t->done[k].first : s->done[i].first;
        return true;
      }
    }
  }
  return false;
}

/* Two lists of ranges without a common tile as one, touching ones joined. */
static eg_status merge_ranges(eg_context *ctx, eg_run_state *into, const eg_run_state *from) {
  eg_run_state joined = {.n_done = 0};
  size_t i = 0, k = 0;
  while (i < into->n_done || k < from->n_done) {
    const bool is_first = k == from->n_done || (i < into->n_done && into->done[i].first < from->done[k].first);
    const eg_tile_range range = is_first ? into->done[i++] : from->done[k++];
    if (joined.n_done > 0 && joined.done[joined.n_done - 1].last + 1 == range.first) {
      joined.done[joined.n_done - 1].last = range.last;
      continue;
    }
    const eg_status status = eg_run_state_add_range(ctx, &joined, range);
    if (status != EG_OK) {
      free(joined.done);
      return status;
    }
  }
  free(into->done);
  into->done = joined.done;
  into->n_done = joined.n_done;
  into->capacity = joined.capacity;
  into->tiles_done += from->tiles_done;
  return EG_OK;
}

static eg_status merge_sums(eg_context *ctx, eg_run_state *into, const eg_run_state *from) {
  for (size_t i = 0; i < from->tree.n_nodes; i++) {
    const eg_tree_node *const node = &from->tree.nodes[i];
    EG_TRY(eg_merge_tree_add(ctx, &into->tree, node->block, node->level, node->index, node->values));
  }
  return merge_ranges(ctx, into, from);
}

/* Edges of the grids, known when one of the two has tiles. */
static eg_status merge_grids(eg_context *ctx, const eg_plan *plan, size_t run, eg_run_histograms *into,
                             const eg_run_histograms *from) {
  if (plan->n_edges == 0 || !from->has_grids) {
    return EG_OK;
  }
  if (!into->has_grids) {
    eg_run_histograms_set(plan, into, from->edges);
    return EG_OK;
  }
  return memcmp(into->edges, from->edges, plan->n_edges * sizeof *into->edges) == 0
             ? EG_OK
             : eg_fail(ctx, EG_ERR_DAMAGED, "the histograms of run '%s' have other bins", plan->runs[run].description);
}

static void merge_counts(const eg_campaign *from, size_t run, eg_run_histograms *into) {
  const eg_job *const job = &from->plan->runs[run].job;
  const eg_run_state *const state = &from->runs[run];
  for (size_t i = 0; i < job->n_counts; i++) {
    into->counts[i] += state->histograms.counts[i];
  }
  for (size_t i = 0; i < state->n_done && state->histograms.paths != NULL; i++) {
    eg_job_copy_paths(job, state->done[i].first, state->done[i].last + 1, state->histograms.paths, into->paths);
  }
}

/* Parts of tiles that are still not finished; of two parts of a tile the longer one. */
static eg_status merge_parts(eg_context *ctx, eg_campaign *into, const eg_campaign *from) {
  for (size_t i = 0; i < from->n_parts; i++) {
    const eg_kept_part *const kept = &from->parts[i];
    const eg_tile_part *const other = eg_campaign_part(into, kept->run, kept->tile);
    const bool is_longer = other == NULL || eg_part_steps(into->plan, kept->run, kept->tile, kept->part) >
                                            eg_part_steps(into->plan, kept->run, kept->tile, other);
    if (eg_campaign_is_over(into, kept->run, kept->tile) || !is_longer) {
      continue;
    }
    eg_tile_part *part = NULL;
    EG_TRY(eg_part_copy(ctx, into->plan, kept->run, kept->tile, kept->part, &part));
    EG_TRY(eg_campaign_keep(ctx, into, kept->run, kept->tile, part));
  }
  return EG_OK;
}

eg_status eg_campaign_merge(eg_context *ctx, eg_campaign *into, const eg_campaign *from) {
  const eg_plan *const plan = into->plan;
  size_t run = 0;
  uint64_t tile = 0;
  if (eg_campaign_find_overlap(into, from, &run, &tile)) {
    return eg_fail(ctx, EG_ERR_OVERLAP, "tile %llu of run '%s' is in both", (unsigned long long)tile,
                   plan->runs[run].description);
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    EG_TRY(merge_grids(ctx, plan, r, &into->runs[r].histograms, &from->runs[r].histograms));
  }
  for (size_t i = 0; i < eg_plan_n_sums(plan); i++) {
    EG_TRY(merge_sums(ctx, &into->runs[i], &from->runs[i]));
  }
  for (size_t r = 0; r < plan->n_runs; r++) {
    into->runs[r].n_bad += from->runs[r].n_bad;
    merge_counts(from, r, &into->runs[r].histograms);
  }
  for (size_t i = 0; i < from->n_failures; i++) {
    eg_campaign_add_failure(into, from->failures[i]);
  }
  eg_campaign_drop_finished_parts(into);
  into->wall_seconds += from->wall_seconds;
  into->spot.checked += from->spot.checked;
  into->spot.agreed += from->spot.agreed;
  into->spot.discarded += from->spot.discarded;
  return merge_parts(ctx, into, from);
}
