/* The part of a plan's cost that is known exactly. */
#include <stdlib.h>

#include "io/image.h"
#include "io/seal.h"
#include "run/cost.h"
#include "run/run_loop.h"

/* The largest number of nodes that a block of the tree holds when its tiles come in order. */
static double most_nodes(const eg_job *job) {
  double nodes = 1;
  for (uint64_t tiles = (job->n_tiles + EG_BLOCKS - 1) / EG_BLOCKS; tiles > 1; tiles /= 2) {
    nodes++;
  }
  return nodes * (double)(job->n_tiles < EG_BLOCKS ? job->n_tiles : EG_BLOCKS);
}

/* Above 64 KiB integers are compressed, these to a few percent (io/image_write.c). */
static double integer_bytes(double n, double size) {
  return n * size > 0x1p16 ? 0.03 * n * size : n * size;
}

/* What a file grows by while its campaign is run: values of the nodes, the columns that place them, the list of finished
   tiles, and an index for each of the three dimensions (checkpoint.c). */
static double growth(const eg_plan *plan) {
  const double runs = (double)eg_plan_n_sums(plan);
  double nodes = 0;
  for (size_t i = 0; i < eg_plan_n_sums(plan); i++) {
    nodes += (double)eg_plan_final_nodes(&eg_plan_sum_run(plan, i)->job);
  }
  double bytes = eg_plan_accumulator_bytes(plan);
  for (size_t r = 0; r < plan->n_runs; r++) {
    bytes -= (double)plan->runs[r].job.n_counts * sizeof(uint64_t); /* the empty result has them */
  }
  return bytes + integer_bytes(bytes / sizeof(double), sizeof(int32_t)) + 4 * integer_bytes(nodes, sizeof(int64_t)) +
         integer_bytes(nodes, sizeof(int32_t)) + 3 * integer_bytes(runs, sizeof(int64_t)) +
         integer_bytes(runs, sizeof(int32_t));
}

/* The tree, and what the summary holds of each run when a file is made: blocks, blocks left out, prefixes. */
static double tree_bytes(const eg_plan *plan, size_t n_times) {
  double bytes = 0;
  for (size_t i = 0; i < eg_plan_n_sums(plan); i++) {
    const eg_job job = eg_plan_with_times(&eg_plan_sum_run(plan, i)->job, n_times);
    const double blocks = (double)(job.n_tiles < EG_BLOCKS ? job.n_tiles : EG_BLOCKS);
    bytes += (most_nodes(&job) + 2 * blocks + 1) * (double)job.node_values * sizeof(double);
    if (i < plan->n_runs) { /* a difference has neither */
      bytes += (double)job.n_counts * sizeof(uint64_t) + (double)eg_job_path_values(&job) * sizeof(double);
    }
  }
  return bytes;
}

/* As labelled arrays and as an image. */
static double campaign_bytes(const eg_plan *plan, double file) {
  return 2 * file + tree_bytes(plan, plan->n_records);
}

/* The file is at least its sums; counts and paths stand in it as sums and as results, which are made in a room of their own; its image is small, compressed. */
double eg_campaign_bytes(const eg_plan *plan, size_t n_times) {
  double file = 0;
  for (size_t i = 0; i < eg_plan_n_sums(plan); i++) {
    const eg_job job = eg_plan_with_times(&eg_plan_sum_run(plan, i)->job, n_times);
    file += 2 * (double)eg_plan_final_nodes(&job) * (double)job.node_values * sizeof(double);
    if (i < plan->n_runs) {
      file += 3 * (double)job.n_counts * sizeof(uint64_t) + 2 * (double)eg_job_path_values(&job) * sizeof(double);
    }
  }
  return file + tree_bytes(plan, n_times);
}

eg_status eg_bytes_predict(eg_context *ctx, const eg_plan *plan, eg_bytes *bytes, double *seconds) {
  const double begin = eg_now();
  eg_campaign *campaign = NULL;
  eg_labelled *file = NULL;
  unsigned char *image = NULL;
  size_t length = 0;
  eg_status status = EG_OK;
  EG_TRY_DONE(eg_campaign_create(ctx, plan, &campaign));
  campaign->backend = eg_backend_cpu.name;
  EG_TRY_DONE(eg_campaign_result(ctx, campaign, &file));
  EG_TRY_DONE(eg_image_write(ctx, file, EG_SEAL_BYTES, &image, &length));
  bytes->accumulators = eg_plan_accumulator_bytes(plan);
  bytes->largest = eg_plan_largest_statistic(plan, &bytes->largest_bytes);
  bytes->file = (double)length + EG_SEAL_BYTES + growth(plan);
  bytes->campaign = campaign_bytes(plan, bytes->file);
  *seconds = eg_now() - begin;
done:
  free(image);
  eg_labelled_free(file);
  eg_campaign_free(campaign);
  return status;
}
