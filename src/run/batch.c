#include "run/batch.h"

#include <stdlib.h>
#include <string.h>

#include "run/tile_queue.h"

static void free_room(eg_batch *b) {
  free(b->results);
  free(b->nodes);
  free(b->paths);
  free(b->counts);
  b->results = NULL;
  b->nodes = b->paths = NULL;
  b->counts = NULL;
}

void eg_batch_free(eg_batch *b) {
  free_room(b);
  free(b->jobs);
  free(b->members);
  memset(b, 0, sizeof *b);
}

eg_status eg_batch_make_jobs(eg_context *ctx, const eg_campaign *c, size_t r, eg_batch *b) {
  const size_t n = eg_n_together(c->plan, r);
  EG_TRY(eg_allocate(ctx, n, sizeof *b->jobs, &b->jobs));
  EG_TRY(eg_allocate(ctx, n, sizeof *b->members, &b->members));
  for (size_t i = 0; i < n; i++) {
    const size_t q = eg_together(c->plan, r, i);
    b->jobs[i] = c->plan->runs[q].job;
    b->jobs[i].run = q;
    b->jobs[i].histograms = c->runs[q].histograms.grids;
    b->jobs[i].edges = c->runs[q].histograms.edges;
    b->members[i] = &b->jobs[i];
    if (b->jobs[i].group != NULL) {
      b->group = (eg_job_group){b->members, n, b->jobs[i].group->bases};
      b->jobs[i].group = &b->group;
    }
  }
  return EG_OK;
}

eg_status eg_batch_make_room(eg_context *ctx, uint64_t n, size_t n_members, eg_batch *b) {
  const size_t values = eg_job_result_values(b->jobs);
  free_room(b);
  b->n_counts = b->jobs->n_counts * n_members;
  b->n_paths = eg_job_path_values(b->jobs) * n_members;
  EG_TRY(eg_allocate(ctx, n, sizeof *b->results, &b->results));
  EG_TRY(eg_allocate(ctx, n * values, sizeof *b->nodes, &b->nodes));
  EG_TRY(eg_allocate(ctx, b->n_counts, sizeof *b->counts, &b->counts));
  EG_TRY(eg_allocate(ctx, b->n_paths, sizeof *b->paths, &b->paths));
  for (uint64_t i = 0; i < n; i++) {
    b->results[i].node = b->nodes + i * values;
    b->results[i].counts = b->counts;
    b->results[i].paths = b->paths;
  }
  return EG_OK;
}
