/*
 * The canonical summation over tiles: 64 blocks (block = tile mod 64), each a binary tree over tile div 64. Tiles may
 * arrive in any order; equal sets of tiles give equal bits.
 */
#ifndef EG_RUN_MERGE_TREE_H
#define EG_RUN_MERGE_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/moments.h"
#include "base/context.h"
#include "plan/plan.h"

/* How a node's values are laid out: stats/moments.h in kernels. */
typedef struct eg_node_shape {
  size_t rows;      /* records x points */
  size_t n_columns;
  bool with_covariance;
  size_t row_values, values;
} eg_node_shape;

eg_node_shape eg_node_shape_of(const eg_plan *plan, const eg_job *job);

/* into := a merged with b (a before b); into may be a. */
void eg_node_merge(const eg_node_shape *shape, double *into, const double *a, const double *b);

/* Moments of a column of a row. */
eg_moments eg_node_moments(const eg_node_shape *shape, const double *node, size_t row, size_t column);
/* Co-moment of columns f > g of a row. */
double eg_node_comoment(const eg_node_shape *shape, const double *node, size_t row, size_t f, size_t g);

typedef struct eg_tree_node {
  uint32_t block, level;
  uint64_t index; /* covers tiles (index 2^level .. (index + 1) 2^level - 1) x 64 + block */
  double *values;
} eg_tree_node;

typedef struct eg_merge_tree {
  eg_node_shape shape;
  eg_tree_node *nodes;
  size_t n_nodes, capacity;
} eg_merge_tree;

/* Add a node (values are copied) and merge upwards while the sibling is there. */
EG_NODISCARD eg_status eg_merge_tree_add(eg_context *ctx, eg_merge_tree *tree, uint32_t block, uint32_t level,
                                         uint64_t index, const double *values);

/* The nodes by block and first tile; the values stay the tree's own. free(). */
EG_NODISCARD eg_status eg_merge_tree_sorted(eg_context *ctx, const eg_merge_tree *tree, eg_tree_node **nodes);

/* The blocks that hold tiles, each merged over what is left in its tree (right to left: a missing right sibling passes
   up unchanged). blocks: (n_filled, values), allocated; free(). */
EG_NODISCARD eg_status eg_merge_tree_blocks(eg_context *ctx, const eg_merge_tree *tree, size_t *n_filled,
                                            double **blocks);
/* `copy` is empty before, and to be freed even on failure. */
EG_NODISCARD eg_status eg_merge_tree_copy(eg_context *ctx, const eg_merge_tree *tree, eg_merge_tree *copy);
void eg_merge_tree_free(eg_merge_tree *tree);

#endif
