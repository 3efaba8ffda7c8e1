#include "run/merge_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/largest.h"
#include "stats/moments.h"

static eg_node_rows make_rows(size_t first, size_t rows, size_t n_columns, bool with_covariance) {
  return (eg_node_rows){first, rows, n_columns, eg_node_values((uint32_t)n_columns, with_covariance), with_covariance, 0};
}

eg_node_shape eg_node_shape_of(const eg_plan *plan, const eg_job *job) {
  eg_node_shape s;
  memset(&s, 0, sizeof s);
  s.records = make_rows(0, job->n_records * plan->n_points, plan->n_columns, plan->with_covariance);
  s.values = s.records.rows * s.records.row_values;
  s.n_paths = job->n_paths;
  for (size_t i = 0; i < job->n_paths; i++) {
    s.paths[i] = make_rows(s.values, eg_path_rows(&job->paths[i], (uint32_t)plan->n_points), eg_path_columns(&job->paths[i]),
                           job->paths[i].with_covariance);
    s.paths[i].row_values = eg_path_row_values(&job->paths[i]);
    s.paths[i].n_largest = job->paths[i].n_largest;
    s.values += s.paths[i].rows * s.paths[i].row_values;
  }
  return s;
}

static bool are_counts_possible(const eg_node_rows *section, const double *node, double most) {
  bool is_possible = true;
  for (size_t row = 0; row < section->rows; row++) {
    const double n = node[section->first + row * section->row_values];
    is_possible = is_possible && n >= 0 && n <= most && n == floor(n);
  }
  return is_possible;
}

bool eg_node_is_possible(const eg_node_shape *shape, const double *node, double most) {
  bool is_possible = are_counts_possible(&shape->records, node, most);
  for (size_t i = 0; i < shape->n_paths; i++) {
    is_possible = is_possible && are_counts_possible(&shape->paths[i], node, most);
  }
  return is_possible;
}

eg_moments eg_node_section_moments(const eg_node_rows *section, const double *node, size_t row, size_t column) {
  const double *const r = node + section->first + row * section->row_values;
  const double *const m = r + 1 + 4 * column;
  return (eg_moments){r[0], m[0], m[1], m[2], m[3]};
}

const double *eg_node_section_largest(const eg_node_rows *section, const double *node, size_t row) {
  return node + section->first + (row + 1) * section->row_values - 2 * section->n_largest;
}

static size_t pair_index(size_t f, size_t g) {
  return f * (f - 1) / 2 + g;
}

double eg_node_section_comoment(const eg_node_rows *section, const double *node, size_t row, size_t f, size_t g) {
  if (f == g) {
    return eg_node_section_moments(section, node, row, f).M2;
  }
  const size_t pair = f > g ? pair_index(f, g) : pair_index(g, f);
  return node[section->first + row * section->row_values + 1 + 4 * section->n_columns + pair];
}

eg_moments eg_node_moments(const eg_node_shape *shape, const double *node, size_t row, size_t column) {
  return eg_node_section_moments(&shape->records, node, row, column);
}

double eg_node_comoment(const eg_node_shape *shape, const double *node, size_t row, size_t f, size_t g) {
  return eg_node_section_comoment(&shape->records, node, row, f, g);
}

static void merge_row(const eg_node_rows *section, double *into, const double *a, const double *b) {
  const size_t n = section->n_columns;
  /* co-moments first: they read the means, which `into` may share with a */
  if (section->with_covariance) {
    for (size_t f = 1; f < n; f++) {
      for (size_t g = 0; g < f; g++) {
        const size_t c = 1 + 4 * n + pair_index(f, g);
        into[c] = eg_comoment_merge(a[0], a[1 + 4 * f], a[1 + 4 * g], a[c], b[0], b[1 + 4 * f], b[1 + 4 * g], b[c]);
      }
    }
  }
  const double count_a = a[0];
  for (size_t f = 0; f < n; f++) {
    const double *const ma = a + 1 + 4 * f, *const mb = b + 1 + 4 * f;
    const eg_moments m = eg_moments_merge((eg_moments){count_a, ma[0], ma[1], ma[2], ma[3]},
                                          (eg_moments){b[0], mb[0], mb[1], mb[2], mb[3]});
    double *const out = into + 1 + 4 * f;
    out[0] = m.mean;
    out[1] = m.M2;
    out[2] = m.M3;
    out[3] = m.M4;
  }
  into[0] = count_a + b[0];
  const size_t list = section->row_values - 2 * section->n_largest;
  eg_largest_merge(into + list, a + list, b + list, (uint32_t)section->n_largest);
}

static void merge_rows(const eg_node_rows *section, double *into, const double *a, const double *b) {
  for (size_t row = 0; row < section->rows; row++) {
    const size_t at = section->first + row * section->row_values;
    merge_row(section, into + at, a + at, b + at);
  }
}

void eg_node_merge(const eg_node_shape *shape, double *into, const double *a, const double *b) {
  merge_rows(&shape->records, into, a, b);
  for (size_t i = 0; i < shape->n_paths; i++) {
    merge_rows(&shape->paths[i], into, a, b);
  }
}

static eg_status append(eg_context *ctx, eg_merge_tree *tree, eg_tree_node node) {
  if (tree->n_nodes == tree->capacity) {
    const size_t capacity = tree->capacity == 0 ? 128 : tree->capacity * 2;
    eg_tree_node *const nodes = realloc(tree->nodes, capacity * sizeof *nodes);
    if (nodes == NULL) {
      return eg_fail(ctx, EG_ERR_MEMORY, "out of memory for %zu accumulators", capacity);
    }
    tree->nodes = nodes;
    tree->capacity = capacity;
  }
  tree->nodes[tree->n_nodes++] = node;
  return EG_OK;
}

static size_t find(const eg_merge_tree *tree, uint32_t block, uint32_t level, uint64_t index) {
  for (size_t i = 0; i < tree->n_nodes; i++) {
    const eg_tree_node *const n = &tree->nodes[i];
    if (n->block == block && n->level == level && n->index == index) {
      return i;
    }
  }
  return (size_t)-1;
}

eg_status eg_merge_tree_add(eg_context *ctx, eg_merge_tree *tree, uint32_t block, uint32_t level, uint64_t index,
                            const double *values) {
  eg_tree_node node = {block, level, index, NULL};
  EG_TRY(eg_allocate(ctx, tree->shape.values, sizeof(double), &node.values));
  memcpy(node.values, values, tree->shape.values * sizeof(double));
  for (;;) {
    const size_t at = find(tree, block, node.level, node.index ^ 1u);
    if (at == (size_t)-1) {
      break;
    }
    double *const sibling = tree->nodes[at].values;
    const bool is_left = (node.index & 1u) == 0;
    eg_node_merge(&tree->shape, sibling, is_left ? node.values : sibling, is_left ? sibling : node.values);
    free(node.values);
    node.values = sibling;
    node.level++;
    node.index /= 2;
    tree->nodes[at] = tree->nodes[--tree->n_nodes];
  }
  const eg_status status = append(ctx, tree, node);
  if (status != EG_OK) {
    free(node.values);
  }
  return status;
}

static int by_position(const void *a, const void *b) {
  const eg_tree_node *const p = a, *const q = b;
  if (p->block != q->block) {
    return p->block < q->block ? -1 : 1;
  }
  const uint64_t first_p = p->index << p->level, first_q = q->index << q->level;
  return first_p < first_q ? -1 : first_p > first_q;
}

eg_status eg_merge_tree_sorted(eg_context *ctx, const eg_merge_tree *tree, eg_tree_node **out) {
  eg_tree_node *order = NULL;
  EG_TRY(eg_allocate(ctx, tree->n_nodes, sizeof *order, &order));
  if (tree->n_nodes > 0) {
    memcpy(order, tree->nodes, tree->n_nodes * sizeof *order);
    qsort(order, tree->n_nodes, sizeof *order, by_position);
  }
  *out = order;
  return EG_OK;
}

eg_status eg_merge_tree_blocks(eg_context *ctx, const eg_merge_tree *tree, size_t *n_filled, double **blocks) {
  const size_t values = tree->shape.values;
  eg_tree_node *order = NULL;
  double *out = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_merge_tree_sorted(ctx, tree, &order));
  EG_TRY_DONE(eg_allocate(ctx, EG_BLOCKS * values, sizeof(double), &out));
  size_t n = 0;
  for (size_t first = 0; first < tree->n_nodes;) {
    size_t last = first;
    while (last + 1 < tree->n_nodes && order[last + 1].block == order[first].block) {
      last++;
    }
    double *const sum = out + n * values;
    memcpy(sum, order[last].values, values * sizeof(double));
    for (size_t i = last; i-- > first;) {
      eg_node_merge(&tree->shape, sum, order[i].values, sum);
    }
    n++;
    first = last + 1;
  }
  *n_filled = n;
  *blocks = out;
  out = NULL;
done:
  free(order);
  free(out);
  return status;
}

eg_status eg_merge_tree_copy(eg_context *ctx, const eg_merge_tree *tree, eg_merge_tree *copy) {
  copy->shape = tree->shape;
  EG_TRY(eg_allocate(ctx, tree->n_nodes, sizeof *copy->nodes, &copy->nodes));
  copy->capacity = tree->n_nodes;
  for (; copy->n_nodes < tree->n_nodes; copy->n_nodes++) {
    eg_tree_node *const node = &copy->nodes[copy->n_nodes];
    *node = tree->nodes[copy->n_nodes];
    node->values = NULL;
    EG_TRY(eg_allocate(ctx, tree->shape.values, sizeof(double), &node->values));
    memcpy(node->values, tree->nodes[copy->n_nodes].values, tree->shape.values * sizeof(double));
  }
  return EG_OK;
}

void eg_merge_tree_free(eg_merge_tree *tree) {
  for (size_t i = 0; i < tree->n_nodes; i++) {
    free(tree->nodes[i].values);
  }
  free(tree->nodes);
  *tree = (eg_merge_tree){0};
}
