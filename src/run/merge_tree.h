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

/* Rows of central sums of the same columns: stats/moments.h in kernels. */
typedef struct eg_node_rows {
  size_t first;     /* where they begin in a node */
  size_t rows, n_columns, row_values;
  bool with_covariance;
  size_t n_largest; /* pairs of a list at the end of a row (stats/largest.h); 0: none */
} eg_node_rows;

/* How a node's values are laid out: the rows of the records (record x point), and behind them those of every path
   statistic (point). A further statistic is a further section; merging, checkpoints and the jackknife know no more. */
typedef struct eg_node_shape {
  eg_node_rows records;
  eg_node_rows paths[EG_MOST_PATH_STATISTICS];
  size_t n_paths;
  size_t values;
} eg_node_shape;

eg_node_shape eg_node_shape_of(const eg_plan *plan, const eg_job *job);

/* into := a merged with b (a before b); into may be a. */
void eg_node_merge(const eg_node_shape *shape, double *into, const double *a, const double *b);

/* Can these be sums of at most so many realisations? Every row counts a whole number of them; what else it says may be anything. */
bool eg_node_is_possible(const eg_node_shape *shape, const double *node, double most);

/* Moments of a column of a row of a section. */
eg_moments eg_node_section_moments(const eg_node_rows *section, const double *node, size_t row, size_t column);
/* Co-moment of columns f and g of a row; of f = g their M2. */
double eg_node_section_comoment(const eg_node_rows *section, const double *node, size_t row, size_t f, size_t g);

/* The list of a row (stats/largest.h): n_largest pairs. */
const double *eg_node_section_largest(const eg_node_rows *section, const double *node, size_t row);

/* The same of the records. Moments of a column of a row. */
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
