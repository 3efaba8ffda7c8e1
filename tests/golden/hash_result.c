/*
 * hash_result FILE: FNV-1a hashes of a complete result. One line for each run: its label and the hash of its
 * accumulators (nodes in the order of blocks and tiles, count of diverged trajectories). The same for the
 * differences of groups. Then the list of failures, then "result": all numbers of the root dataset that do not carry bits = "machine". All must
 * depend on the study alone. The runs of the study must have equal numbers of observations. Exit 75: the file
 * is not complete.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "io/result_file.h"

static const char group[] = "/accumulators";

typedef struct node {
  int64_t run, block, level, index;
  const double *values;
} node;

static int by_place(const void *a, const void *b) {
  const node *const p = a, *const q = b;
  const int64_t left[4] = {p->run, p->block, p->level, p->index},
                right[4] = {q->run, q->block, q->level, q->index};
  for (int i = 0; i < 4; i++) {
    if (left[i] != right[i]) {
      return left[i] < right[i] ? -1 : 1;
    }
  }
  return 0;
}

static const eg_variable *find(const eg_labelled *file, const char *folder, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, folder, name);
  if (v == NULL) {
    fprintf(stderr, "hash_result: no %s/%s\n", folder, name);
    exit(1);
  }
  return v;
}

static uint64_t hash_variable(uint64_t hash, const eg_variable *v) {
  static const size_t bytes[] = {
      [EG_TYPE_F64] = 8, [EG_TYPE_I32] = 4, [EG_TYPE_I64] = 8, [EG_TYPE_U64] = 8, [EG_TYPE_U8] = 1};
  return eg_hash_bytes(hash, v->data, eg_variable_size(v) * bytes[v->type]);
}

static bool is_complete(const eg_labelled *file) {
  const eg_attribute *const status = eg_labelled_group_attribute(file, "/", "status");
  return status != NULL && status->type == EG_TYPE_TEXT &&
         strcmp(((char *const *)status->data)[0], "complete") == 0;
}

static void print_runs(const eg_labelled *file) {
  static const char *const names[4] = {"node_run", "node_block", "node_level", "node_index"};
  const int64_t *place[4];
  for (int i = 0; i < 4; i++) {
    place[i] = find(file, group, names[i])->data;
  }
  const eg_variable *const values = find(file, group, "node_values"), *const diverged =
                                                                          find(file, group, "diverged");
  char *const *const labels = find(file, "/", "dynamics")->data;
  const size_t n = eg_variable_size(find(file, group, "node_run")),
               each = eg_variable_size(values) / (n > 0 ? n : 1);
  node *const nodes = calloc(n + 1, sizeof *nodes);
  if (nodes == NULL || n == 0 || each * n != eg_variable_size(values)) {
    fprintf(stderr, "hash_result: no nodes, or runs with different numbers of observations\n");
    exit(1);
  }
  for (size_t i = 0; i < n; i++) {
    nodes[i] =
        (node){place[0][i], place[1][i], place[2][i], place[3][i], (const double *)values->data + i * each};
  }
  qsort(nodes, n, sizeof *nodes, by_place);
  const eg_variable *const groups = eg_labelled_find(file, "/", "difference_group");
  const size_t n_runs = eg_variable_size(diverged), n_differences = groups == NULL ? 0 : eg_variable_size(groups);
  for (size_t run = 0; run < n_runs + n_differences; run++) {
    const bool is_run = run < n_runs;
    uint64_t hash = EG_HASH_START;
    if (is_run) {
      hash = eg_hash_bytes(hash, (const uint64_t *)diverged->data + run, sizeof(uint64_t));
    }
    for (size_t i = 0; i < n; i++) {
      if ((size_t)nodes[i].run == run) {
        hash = eg_hash_bytes(hash, &nodes[i].block, 3 * sizeof(int64_t));
        hash = eg_hash_bytes(hash, nodes[i].values, each * sizeof(double));
      }
    }
    printf("%zu %s %016" PRIx64 "\n", run, is_run ? labels[run] : ((char *const *)groups->data)[run - n_runs], hash);
  }
  free(nodes);
}

static void print_failures(const eg_labelled *file) {
  static const char *const names[4] = {"failed_run", "realisation", "failed_point", "step"};
  uint64_t hash = EG_HASH_START;
  for (int i = 0; i < 4; i++) {
    hash = hash_variable(hash, find(file, "/failures", names[i]));
  }
  printf("failures %016" PRIx64 "\n", hash);
}

static void print_result(const eg_labelled *file) {
  uint64_t hash = EG_HASH_START;
  for (size_t i = 0; i < file->n_variables; i++) {
    const eg_variable *const v = &file->variables[i];
    if (strcmp(v->group, "/") == 0 && v->type != EG_TYPE_TEXT && eg_labelled_attribute(v, "bits") == NULL) {
      hash = hash_variable(eg_hash_text(hash, v->name), v);
    }
  }
  printf("result %016" PRIx64 "\n", hash);
}

int main(int argc, char **argv) {
  eg_context *const ctx = eg_context_create();
  eg_labelled *file = NULL;
  if (argc != 2 || ctx == NULL) {
    fprintf(stderr, "usage: hash_result FILE\n");
    return 2;
  }
  const eg_status status = eg_result_read(ctx, argv[1], &file);
  if (status != EG_OK) {
    fprintf(stderr, "hash_result: %s\n", eg_context_message(ctx));
    return eg_status_exit_code(status);
  }
  if (!is_complete(file)) {
    fprintf(stderr, "hash_result: %s is not complete\n", argv[1]);
    return 75;
  }
  print_runs(file);
  print_failures(file);
  print_result(file);
  eg_labelled_free(file);
  eg_context_free(ctx);
  return 0;
}
