/* Accumulators in and out of a result file: group /accumulators. A checkpoint is a partial result. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "run/tile_part.h"

enum { TILE_LAYOUT_VERSION = 1 };

static const char GROUP[] = "/accumulators";
static const uint64_t MOST_TILES = (uint64_t)1 << 50; /* a tile holds at least one of at most 2^50 realisations */

static eg_status add_column(eg_context *ctx, eg_labelled *file, const char *group, const char *name, const char *dim,
                            eg_type type, size_t n, const void *data) {
  const char *const dims[1] = {dim};
  return eg_labelled_add(ctx, file, group, name, type, 1, dims, &n, data, NULL);
}

static eg_status store_nodes(eg_context *ctx, const eg_campaign *c, eg_labelled *file) {
  size_t n = 0, n_values = 0;
  for (size_t r = 0; r < eg_plan_n_sums(c->plan); r++) {
    n += c->runs[r].tree.n_nodes;
    n_values += c->runs[r].tree.n_nodes * c->runs[r].tree.shape.values;
  }
  int64_t *columns = NULL;
  double *values = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, 4 * n, sizeof *columns, &columns));
  EG_TRY_DONE(eg_allocate(ctx, n_values, sizeof *values, &values));
  size_t i = 0, at = 0;
  for (size_t r = 0; r < eg_plan_n_sums(c->plan); r++) {
    const eg_merge_tree *const tree = &c->runs[r].tree;
    eg_tree_node *nodes = NULL; /* in one order whatever order the tiles came in */
    EG_TRY_DONE(eg_merge_tree_sorted(ctx, tree, &nodes));
    for (size_t k = 0; k < tree->n_nodes; k++, i++) {
      columns[i] = (int64_t)r;
      columns[n + i] = nodes[k].block;
      columns[2 * n + i] = nodes[k].level;
      columns[3 * n + i] = (int64_t)nodes[k].index;
      memcpy(values + at, nodes[k].values, tree->shape.values * sizeof *values);
      at += tree->shape.values;
    }
    free(nodes);
  }
  static const char *const names[4] = {"node_run", "node_block", "node_level", "node_index"};
  for (int k = 0; k < 4; k++) {
    EG_TRY_DONE(add_column(ctx, file, GROUP, names[k], "node", EG_TYPE_I64, n, columns + (size_t)k * n));
  }
  EG_TRY_DONE(add_column(ctx, file, GROUP, "node_values", "value", EG_TYPE_F64, n_values, values));
done:
  free(columns);
  free(values);
  return status;
}

static eg_status store_ranges(eg_context *ctx, const eg_campaign *c, eg_labelled *file) {
  size_t n = 0;
  for (size_t r = 0; r < eg_plan_n_sums(c->plan); r++) {
    n += c->runs[r].n_done;
  }
  uint64_t *columns = NULL, *bad = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_allocate(ctx, 3 * n, sizeof *columns, &columns));
  EG_TRY_DONE(eg_allocate(ctx, c->plan->n_runs, sizeof *bad, &bad));
  size_t i = 0;
  for (size_t r = 0; r < c->plan->n_runs; r++) {
    bad[r] = c->runs[r].n_bad;
  }
  for (size_t r = 0; r < eg_plan_n_sums(c->plan); r++) {
    for (size_t k = 0; k < c->runs[r].n_done; k++, i++) {
      columns[i] = r;
      columns[n + i] = c->runs[r].done[k].first;
      columns[2 * n + i] = c->runs[r].done[k].last;
    }
  }
  static const char *const names[3] = {"tiles_run", "tiles_first", "tiles_last"};
  for (int k = 0; k < 3; k++) {
    EG_TRY_DONE(add_column(ctx, file, GROUP, names[k], "range", EG_TYPE_U64, n, columns + (size_t)k * n));
  }
  EG_TRY_DONE(add_column(ctx, file, GROUP, "diverged", "run", EG_TYPE_U64, c->plan->n_runs, bad));
done:
  free(columns);
  free(bad);
  return status;
}

static eg_status store_failures(eg_context *ctx, const eg_campaign *c, eg_labelled *file) {
  const size_t n = c->n_failures;
  uint64_t *columns = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_allocate(ctx, 4 * n, sizeof *columns, &columns));
  for (size_t i = 0; i < n; i++) {
    columns[i] = c->failures[i].run;
    columns[n + i] = c->failures[i].realisation;
    columns[2 * n + i] = c->failures[i].point;
    columns[3 * n + i] = c->failures[i].step;
  }
  static const char *const names[4] = {"failed_run", "realisation", "failed_point", "step"};
  for (int k = 0; k < 4; k++) {
    EG_TRY_DONE(add_column(ctx, file, "/failures", names[k], "failure", EG_TYPE_U64, n, columns + (size_t)k * n));
  }
  uint8_t *reason = NULL;
  EG_TRY_DONE(eg_allocate(ctx, n, 1, &reason)); /* one reason so far: 0 */
  status = add_column(ctx, file, "/failures", "reason", "failure", EG_TYPE_U8, n, reason);
  free(reason);
  EG_TRY_DONE(status);
  const size_t last = file->n_variables - 1;
  const uint8_t flags[1] = {0};
  EG_TRY_DONE(eg_labelled_set(ctx, file, last, "flag_values", EG_TYPE_U8, 1, flags));
  EG_TRY_DONE(eg_labelled_set_text(ctx, file, last, "flag_meanings", "non_finite"));
done:
  free(columns);
  return status;
}

eg_status eg_campaign_store(eg_context *ctx, const eg_campaign *c, eg_labelled *file) {
  const int64_t layout = TILE_LAYOUT_VERSION, rng = EG_RNG_LAYOUT_VERSION;
  const uint64_t data_hash = c->plan->data_hash;
  EG_TRY(store_nodes(ctx, c, file));
  EG_TRY(store_ranges(ctx, c, file));
  EG_TRY(eg_parts_store(ctx, c, file));
  EG_TRY(store_failures(ctx, c, file));
  EG_TRY(eg_histograms_store(ctx, c, file));
  EG_TRY(eg_labelled_set_group(ctx, file, GROUP, "tile_layout_version", EG_TYPE_I64, 1, &layout));
  EG_TRY(eg_labelled_set_group(ctx, file, GROUP, "rng_layout_version", EG_TYPE_I64, 1, &rng));
  EG_TRY(eg_labelled_set_group(ctx, file, GROUP, "data_hash", EG_TYPE_U64, 1, &data_hash));
  if (!eg_shard_is_whole(c->shard)) {
    EG_TRY(eg_labelled_set_group(ctx, file, GROUP, "shard", EG_TYPE_U64, 2, &c->shard));
  }
  return eg_labelled_add(ctx, file, GROUP, "study", EG_TYPE_TEXT, 0, NULL, NULL, &c->plan->study->canonical, NULL);
}

/* ---- back ---- */

static eg_status damaged(eg_context *ctx, const char *path, const char *what) {
  return eg_fail(ctx, EG_ERR_DAMAGED, "%s: the accumulators contradict each other (%s)", path, what);
}

/* A 1-d column of the group with the type expected, else NULL. */
static const void *column(const eg_labelled *file, const char *group, const char *name, eg_type type, size_t *n) {
  const eg_variable *const v = eg_labelled_find(file, group, name);
  if (v == NULL || v->type != type || v->rank != 1) {
    return NULL;
  }
  *n = v->shape[0];
  return v->data;
}

static bool attribute_is(const eg_labelled *file, const char *name, eg_type type, uint64_t value) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, GROUP, name);
  uint64_t stored = 0;
  if (a == NULL || a->type != type || a->n != 1) {
    return false;
  }
  memcpy(&stored, a->data, sizeof stored);
  return stored == value;
}

const char *eg_campaign_difference(const eg_campaign *c, const eg_labelled *file) {
  const eg_variable *const text = eg_labelled_find(file, GROUP, "study");
  if (text == NULL || text->type != EG_TYPE_TEXT || text->rank != 0 ||
      strcmp(((char *const *)text->data)[0], c->plan->study->canonical) != 0) {
    return "holds the result of another study";
  }
  if (!attribute_is(file, "tile_layout_version", EG_TYPE_I64, TILE_LAYOUT_VERSION) ||
      !attribute_is(file, "rng_layout_version", EG_TYPE_I64, EG_RNG_LAYOUT_VERSION)) {
    return "was made by a version of ensgrad with another noise or tile layout";
  }
  if (!attribute_is(file, "data_hash", EG_TYPE_U64, c->plan->data_hash)) {
    return "was made from other data, or another model file, than the study names now";
  }
  return NULL;
}

eg_shard eg_stored_shard(const eg_labelled *file) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, GROUP, "shard");
  eg_shard shard = {0, 1};
  if (a != NULL && a->type == EG_TYPE_U64 && a->n == 2) {
    memcpy(&shard, a->data, sizeof shard);
  }
  const bool is_possible = shard.count > 0 && shard.count <= EG_MOST_SHARDS && shard.index < shard.count;
  return is_possible ? shard : (eg_shard){0, 1};
}

static eg_status restore_nodes(eg_context *ctx, eg_campaign *c, const eg_labelled *file, const char *path) {
  size_t n[4] = {0}, n_values = 0;
  const int64_t *run = column(file, GROUP, "node_run", EG_TYPE_I64, &n[0]);
  const int64_t *block = column(file, GROUP, "node_block", EG_TYPE_I64, &n[1]);
  const int64_t *level = column(file, GROUP, "node_level", EG_TYPE_I64, &n[2]);
  const int64_t *index = column(file, GROUP, "node_index", EG_TYPE_I64, &n[3]);
  const double *values = column(file, GROUP, "node_values", EG_TYPE_F64, &n_values);
  if (run == NULL || block == NULL || level == NULL || index == NULL || values == NULL || n[1] != n[0] ||
      n[2] != n[0] || n[3] != n[0]) {
    return damaged(ctx, path, "node columns");
  }
  size_t at = 0;
  for (size_t i = 0; i < n[0]; i++) {
    if (run[i] < 0 || (uint64_t)run[i] >= eg_plan_n_sums(c->plan) || block[i] < 0 || block[i] >= EG_BLOCKS || level[i] < 0 ||
        level[i] > 50 || index[i] < 0) {
      return damaged(ctx, path, "a node out of range");
    }
    eg_merge_tree *const tree = &c->runs[run[i]].tree;
    if (n_values - at < tree->shape.values) {
      return damaged(ctx, path, "too few node values");
    }
    const double tile = (double)eg_plan_sum_run(c->plan, (size_t)run[i])->job.tile;
    if (!eg_node_is_possible(&tree->shape, values + at, ldexp(tile, (int)level[i]))) {
      return damaged(ctx, path, "a node that counts more trajectories than there are, or less than whole ones");
    }
    EG_TRY(eg_merge_tree_add(ctx, tree, (uint32_t)block[i], (uint32_t)level[i], (uint64_t)index[i], values + at));
    at += tree->shape.values;
  }
  return at == n_values ? EG_OK : damaged(ctx, path, "too many node values");
}

static eg_status restore_ranges(eg_context *ctx, eg_campaign *c, const eg_labelled *file, const char *path) {
  size_t n[4] = {0};
  const uint64_t *run = column(file, GROUP, "tiles_run", EG_TYPE_U64, &n[0]);
  const uint64_t *first = column(file, GROUP, "tiles_first", EG_TYPE_U64, &n[1]);
  const uint64_t *last = column(file, GROUP, "tiles_last", EG_TYPE_U64, &n[2]);
  const uint64_t *bad = column(file, GROUP, "diverged", EG_TYPE_U64, &n[3]);
  if (run == NULL || first == NULL || last == NULL || bad == NULL || n[1] != n[0] || n[2] != n[0] ||
      n[3] != c->plan->n_runs) {
    return damaged(ctx, path, "tile ranges");
  }
  for (size_t i = 0; i < n[0]; i++) {
    if (run[i] >= eg_plan_n_sums(c->plan) || first[i] > last[i] ||
        last[i] >= eg_plan_sum_run(c->plan, run[i])->job.n_tiles) {
      return damaged(ctx, path, "a tile range out of range");
    }
    eg_run_state *const state = &c->runs[run[i]];
    if (state->n_done > 0 && state->done[state->n_done - 1].last + 1 >= first[i]) {
      return damaged(ctx, path, "tile ranges overlap");
    }
    EG_TRY(eg_run_state_add_range(ctx, state, (eg_tile_range){first[i], last[i]}));
  }
  for (size_t r = 0; r < n[3]; r++) {
    c->runs[r].n_bad = bad[r];
  }
  return EG_OK;
}

/* How many tiles of a block are finished, of those from `first` to `last`. */
static uint64_t n_done_of_block(const eg_run_state *state, uint64_t block, uint64_t first, uint64_t last) {
  uint64_t n = 0;
  for (size_t i = 0; i < state->n_done; i++) {
    const uint64_t from = state->done[i].first > first ? state->done[i].first : first;
    const uint64_t to = state->done[i].last < last ? state->done[i].last : last;
    if (from <= to) { /* tiles below x that are in the block: (x + EG_BLOCKS - 1 - block) / EG_BLOCKS */
      n += (to + EG_BLOCKS - block) / EG_BLOCKS - (from + EG_BLOCKS - 1 - block) / EG_BLOCKS;
    }
  }
  return n;
}

/* Nodes must cover the finished tiles, each once. */
static eg_status check_nodes(eg_context *ctx, const eg_campaign *c, const char *path) {
  for (size_t r = 0; r < eg_plan_n_sums(c->plan); r++) {
    const eg_run_state *const state = &c->runs[r];
    eg_tree_node *nodes = NULL;
    uint64_t n = 0, end = 0;
    eg_status status = EG_OK;
    EG_TRY(eg_merge_tree_sorted(ctx, &state->tree, &nodes));
    for (size_t i = 0; i < state->tree.n_nodes && status == EG_OK; i++) {
      const eg_tree_node *const node = &nodes[i];
      const uint64_t size = (uint64_t)1 << node->level, begin = node->index * size;
      if (node->index > MOST_TILES / size ||
          n_done_of_block(state, node->block, begin * EG_BLOCKS, (begin + size) * EG_BLOCKS - 1) != size) {
        status = damaged(ctx, path, "sums of tiles that are not finished");
      } else if (i > 0 && nodes[i - 1].block == node->block && begin < end) {
        status = damaged(ctx, path, "sums of a tile twice");
      }
      end = begin + size;
      n += size;
    }
    free(nodes);
    EG_TRY(status);
    if (n != state->tiles_done) {
      return damaged(ctx, path, "finished tiles without sums");
    }
  }
  return EG_OK;
}

static bool has_same_tiles(const eg_run_state *a, const eg_run_state *b) {
  return a->n_done == b->n_done &&
         (a->n_done == 0 || memcmp(a->done, b->done, a->n_done * sizeof *a->done) == 0);
}

/* A tile of a group is done by all members and differences at once. */
static eg_status check_groups(eg_context *ctx, const eg_campaign *c, const char *path) {
  for (size_t i = 0; i < c->plan->n_differences; i++) {
    const eg_difference *const d = &c->plan->differences[i];
    const eg_run_state *const state = &c->runs[c->plan->n_runs + i];
    if (!has_same_tiles(&c->runs[d->first], state) || !has_same_tiles(&c->runs[d->second], state)) {
      return damaged(ctx, path, "members of a group with different tiles");
    }
  }
  return EG_OK;
}

static eg_status restore_failures(eg_context *ctx, eg_campaign *c, const eg_labelled *file, const char *path) {
  static const char *const names[4] = {"failed_run", "realisation", "failed_point", "step"};
  const uint64_t *columns[4];
  size_t n = 0;
  for (int k = 0; k < 4; k++) {
    size_t length = 0;
    columns[k] = column(file, "/failures", names[k], EG_TYPE_U64, &length);
    if (columns[k] == NULL || (k > 0 && length != n) || length > EG_MAX_FAILURES) {
      return damaged(ctx, path, "the list of failures");
    }
    n = length;
  }
  for (size_t i = 0; i < n; i++) {
    const eg_failure f = {columns[0][i], columns[1][i], columns[2][i], columns[3][i]};
    if (f.run >= c->plan->n_runs || f.realisation >= c->plan->runs[f.run].job.n_realisations || f.point >= c->plan->n_points) {
      return damaged(ctx, path, "a failure out of range");
    }
    eg_campaign_add_failure(c, f);
  }
  return EG_OK;
}

static double wall_of(const eg_labelled *file) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, "/provenance", "wall_seconds");
  return a != NULL && a->type == EG_TYPE_F64 && a->n == 1 ? *(const double *)a->data : 0.0;
}

/* 0 in files from before there were spot checks. */
static uint64_t count_of(const eg_labelled *file, const char *name) {
  const eg_attribute *const a = eg_labelled_group_attribute(file, "/provenance", name);
  return a != NULL && a->type == EG_TYPE_U64 && a->n == 1 ? *(const uint64_t *)a->data : 0;
}

eg_status eg_campaign_restore(eg_context *ctx, eg_campaign *c, const eg_labelled *file, const char *path) {
  EG_TRY(restore_nodes(ctx, c, file, path));
  EG_TRY(restore_ranges(ctx, c, file, path));
  EG_TRY(check_nodes(ctx, c, path));
  EG_TRY(check_groups(ctx, c, path));
  EG_TRY(eg_parts_restore(ctx, c, file, path));
  EG_TRY(restore_failures(ctx, c, file, path));
  c->wall_seconds = wall_of(file);
  c->spot = (eg_spot_counts){count_of(file, "device_tiles_checked"), count_of(file, "device_tiles_agreed"),
                             count_of(file, "device_tiles_discarded")};
  return eg_histograms_restore(ctx, c, file, path);
}
