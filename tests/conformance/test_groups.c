/*
 * Groups on the CPU backend: members keep the bits that they have alone, differences are those of the members'
 * recorded values realisation by realisation, reduced by the definition of stats/moments.h; masks; coarse increments
 * through the driver; identical members.
 */
#include "backend/backend.h"
#include "core/noise.h"
#include "stats/moments.h"
#include "sums_by_definition.h"
#include "trajectories.h"

/* n, then mean, M2, M3, M4 of each feature; values: (n_features, ld), NaN: masked or beyond the lanes. */
static void reference_node(const double *values, size_t n_features, size_t ld, double *node) {
  for (size_t f = 0; f < n_features; f++) {
    const double n = sums_by_definition(values + f * ld, ld, node + 1 + 4 * f);
    node[0] = f == 0 ? n : node[0];
  }
}

static size_t count_wrong(const double *a, const double *b, size_t n) {
  size_t wrong = 0;
  for (size_t i = 0; i < n; i++) {
    wrong += memcmp(&a[i], &b[i], sizeof a[i]) != 0 && !(a[i] == 0 && b[i] == 0);
  }
  return wrong;
}

/* ---- running ---- */

typedef struct tile_values {
  double *node, *paths;
  uint64_t *counts;
  size_t n_bad, n_counts, n_paths; /* n_counts, n_paths: of one member */
} tile_values;

static void tile_free(tile_values t) {
  free(t.node);
  free(t.paths);
  free(t.counts);
}

/* Result of one tile; lists of bad trajectories are counted and freed. */
static tile_values run_tile(const eg_job *job, uint64_t tile) {
  eg_context *const ctx = eg_context_create();
  eg_device *device = NULL;
  uint64_t at_once = 0;
  const volatile int stop = 0;
  const size_t n_members = job->group == NULL ? 1 : job->group->n_members;
  tile_values t = {.n_counts = job->n_counts, .n_paths = eg_job_path_values(job)};
  t.node = calloc(eg_job_result_values(job), sizeof(double));
  t.counts = calloc(n_members * t.n_counts + 1, sizeof *t.counts);
  t.paths = calloc(n_members * t.n_paths + 1, sizeof *t.paths);
  eg_tile_result result = {.node = t.node, .counts = t.counts, .paths = t.paths};
  MUST(ctx != NULL && t.node != NULL && t.counts != NULL && t.paths != NULL &&
           eg_backend_cpu.open(ctx, 0, &device) == EG_OK &&
           eg_backend_cpu.prepare(ctx, device, job, &at_once) == EG_OK &&
           eg_backend_cpu.advance(ctx, device, tile, 1, &stop, &result) == EG_OK,
       "the backend runs");
  t.n_bad = result.n_bad;
  free(result.bad);
  eg_backend_cpu.close(device);
  eg_context_free(ctx);
  return t;
}

static trajectories tile_trajectories(const eg_job *job, uint64_t tile) {
  const uint64_t left = job->n_realisations - tile * job->tile;
  setup s = default_setup(job, (uint32_t)(left < job->tile ? left : job->tile));
  s.ld = job->tile;
  s.first = tile * job->tile;
  return trajectories_of(&s);
}

/* Nodes of the differences of trajectories a - b. */
static double *difference_nodes(const trajectories *a, const trajectories *b, size_t n_lanes, size_t node_values) {
  const size_t rows = a->n_records * a->n_points, width = a->n_features * a->ld;
  double *const nodes = calloc(node_values, sizeof *nodes), *const d = malloc(width * sizeof *d);
  for (size_t row = 0; row < rows; row++) {
    for (size_t i = 0; i < width; i++) {
      d[i] = i % a->ld < n_lanes ? a->values[row * width + i] - b->values[row * width + i] : NAN;
    }
    reference_node(d, a->n_features, a->ld, nodes + row * (1 + 4 * a->n_features));
  }
  free(d);
  return nodes;
}

/* All promises about one tile of one group. Returns how many realisations the first difference lacks at the end. */
static double check_tile(const eg_group *group, uint64_t tile) {
  const eg_job *const leader = group->jobs[0];
  const uint64_t left = leader->n_realisations - tile * leader->tile;
  const size_t n_lanes = left < leader->tile ? left : leader->tile, values = leader->node_values;
  size_t n_bad_alone = 0;
  const tile_values all = run_tile(leader, tile);
  const double *const together = all.node;
  trajectories *const t = calloc(group->n_members, sizeof *t);
  for (size_t i = 0; i < group->n_members; i++) {
    eg_job alone = *group->jobs[i];
    alone.group = NULL;
    const tile_values own = run_tile(&alone, tile);
    CHECK(count_wrong(own.node, together + i * values, values) == 0);
    CHECK(memcmp(own.counts, all.counts + i * own.n_counts, own.n_counts * sizeof *own.counts) == 0);
    CHECK(memcmp(own.paths, all.paths + i * own.n_paths, own.n_paths * sizeof *own.paths) == 0);
    tile_free(own);
    n_bad_alone += own.n_bad;
    t[i] = tile_trajectories(group->jobs[i], tile);
  }
  CHECK(all.n_bad == n_bad_alone);
  for (size_t i = 0; i + 1 < group->n_members; i++) {
    double *const want = difference_nodes(&t[i], &t[group->bases[i]], n_lanes, values);
    CHECK(count_wrong(want, together + (group->n_members + i) * values, values) == 0);
    free(want);
  }
  for (size_t i = 0; i < group->n_members; i++) {
    trajectories_free(t[i]);
  }
  free(t);
  const size_t last_row = values - (1 + 4 * leader->n_features);
  const double missing = (double)n_lanes - together[group->n_members * values + last_row];
  tile_free(all);
  return missing;
}

static void differences_are_the_members(void) {
  const planned p = plan_text(
      "groups.yaml",
      "seed: 5\nmodel: {name: quadratic, curvature: [1, 0.5], noise: 0.3, multiplicative: 0.2}\n"
      "start: {points: [[1, 0.5], [-1, 2]]}\nhorizon: 1\nsweep: {learning_rate: [1/4, 1/8]}\ndynamics:\n"
      "  - {name: sgd, batch_size: 2}\n  - {name: sme1, batch_size: 2, factor: data}\n"
      "  - {name: sme2, batch_size: 2, factor: data, substeps: 3}\n"
      "  - {name: sme2, batch_size: 2, factor: data, scheme: euler-maruyama, substeps: 2, label: levels}\n"
      "groups:\n  - {label: all, members: [sgd, sme1, sme2]}\n"
      "  - {label: across, members: levels, across: learning_rate}\n"
      "realisations: 5000\nobserve:\n  at: {linear: 4}\n  features: [x, norm2, loss]\n"
      "  histograms: [{feature: norm2, bins: 12, low: 0, high: 3}]\n  keep: {realisations: 50, of: [x]}\n");
  CHECK(p.plan->runs[0].job.n_counts > 0 && p.plan->runs[0].job.n_kept == 50);
  CHECK(p.plan->n_groups == 3 && p.plan->n_differences == 5);
  for (size_t g = 0; g < p.plan->n_groups; g++) {
    CHECK(p.plan->groups[g].n_members == (g < 2 ? 3u : 2u));
    CHECK(check_tile(&p.plan->groups[g], 0) == 0);
    CHECK(check_tile(&p.plan->groups[g], p.plan->runs[0].job.n_tiles - 1) == 0); /* a part of a tile */
  }
  plan_free(p);
}

/* The coarse member leaves the basin of Euler's stability more often: masks differ, and either takes the pair out. */
static void masks_join(void) {
  const planned p =
      plan_text("masks.yaml", "seed: 5\nmodel: {name: double-well}\nstart: {normal: {mean: 0, std: 2.6}}\n"
                              "learning_rate: 1/4\nhorizon: 4\ndynamics:\n"
                              "  - {name: sme1, scheme: euler-maruyama, label: coarse}\n"
                              "  - {name: sme1, scheme: euler-maruyama, label: fine, substeps: 2}\n"
                              "groups: [{label: well, members: [coarse, fine]}]\n"
                              "realisations: 4096\nobserve: {at: {linear: 8}, features: [x, norm2]}\n");
  double missing = 0;
  for (uint64_t tile = 0; tile < 4; tile++) {
    missing += check_tile(&p.plan->groups[0], tile);
  }
  CHECK(missing > 0); /* the case is one */
  plan_free(p);
}

/* x adds up the increments themselves where rate = 0, sigma = 1 and h = 1: each is eg_coarse_draw. */
static void coarse_steps_take_sums(const char *noise, int kind) {
  char text[500];
  (void)snprintf(text, sizeof text,
                 "seed: 8\nmodel: {name: ornstein-uhlenbeck, rate: 0, sigma: 1}\nstart: {point: 0}\nsteps: 70\n"
                 "time_step: 1\nnoise: %s\ndynamics:\n  - {name: sde, label: coarse}\n"
                 "  - {name: sde, label: fine, substeps: 5}\ngroups: [{label: sums, members: [coarse, fine]}]\n"
                 "realisations: 100\nobserve: {at: {steps: {linear: 70}}, features: [x]}\n",
                 noise);
  const planned p = plan_text("sums.yaml", text);
  const eg_job *const job = &run_called(p, "coarse")->job, *const fine = &run_called(p, "fine")->job;
  CHECK(job->launch.noise_ratio == 5 && fine->launch.noise_ratio == 1);
  CHECK(memcmp(job->launch.key, fine->launch.key, sizeof job->launch.key) == 0);
  const trajectories t = tile_trajectories(job, 0), f = tile_trajectories(fine, 0);
  size_t wrong = 0;
  double largest = 0;
  for (size_t l = 0; l < 64; l++) {
    double x = 0;
    for (size_t r = 0; r < t.n_records; r++) {
      x += eg_coarse_draw(kind, job->launch.key, l, r, 1, 5);
      wrong += value_at(&t, r, 0, 0, l) != x;
      largest = fmax(largest, fabs(x - value_at(&f, r, 0, 0, l)));
    }
  }
  CHECK(wrong == 0);
  /* the same path as the fine member's up to the rounding of 70 increments to their type, each below 8 */
  CHECK(largest < (kind == EG_KIND_GAUSSIAN64 ? 70 * 8 * 0x1p-50 : 70 * 8 * 0x1p-24));
  CHECK(largest > 0);
  trajectories_free(t);
  trajectories_free(f);
  plan_free(p);
}

/* Two members that are the same: every difference is exactly 0. A run of the same name alone has other noise. */
static void identical_members(void) {
  const planned p = plan_text("same.yaml", "seed: 5\nmodel: {name: quadratic, curvature: [1, 0.5], noise: 0.3}\n"
                                           "start: {normal: {}}\nlearning_rate: 1/8\nsteps: 16\nnoise: table5\ndynamics:\n"
                                           "  - {name: sgd, batch_size: 2, label: a}\n"
                                           "  - {name: sgd, batch_size: 2, label: b}\n"
                                           "groups: [{label: same, members: [a, b]}]\n"
                                           "realisations: 1000\nobserve: {at: {linear: 4}, features: [x, norm2]}\n");
  const planned q = plan_text("alone.yaml", "seed: 5\nmodel: {name: quadratic, curvature: [1, 0.5], noise: 0.3}\n"
                                            "start: {normal: {}}\nlearning_rate: 1/8\nsteps: 16\nnoise: table5\ndynamics:\n"
                                            "  - {name: sgd, batch_size: 2, label: a}\n"
                                            "  - {name: sgd, batch_size: 2, label: c}\n"
                                            "realisations: 1000\nobserve: {at: {linear: 4}, features: [x, norm2]}\n");
  const eg_job *const job = &p.plan->runs[0].job;
  const tile_values t = run_tile(job, 0);
  const double *const nodes = t.node;
  size_t not_zero = 0;
  for (size_t i = 0; i < job->node_values; i++) {
    const bool is_count = i % (1 + 4 * job->n_features) == 0;
    not_zero += nodes[2 * job->node_values + i] != (is_count ? 64 : 0);
  }
  CHECK(job->tile == 64 && not_zero == 0);
  CHECK(memcmp(job->launch.key, q.plan->runs[0].job.launch.key, sizeof job->launch.key) != 0);
  CHECK(memcmp(q.plan->runs[0].job.launch.key, q.plan->runs[1].job.launch.key, sizeof job->launch.key) != 0);
  tile_free(t);
  plan_free(p);
  plan_free(q);
}

/* The chain and the equation of a channel model are driven the same way: their difference is much the smaller. */
static void chain_and_equation_agree_in_sign(void) {
  const planned p = plan_text("sign.yaml", "seed: 5\nmodel: {name: quadratic, curvature: [1, 0.5], noise: 0.3}\n"
                                           "learning_rate: 1/16\nhorizon: 1\ndynamics:\n"
                                           "  - {name: sgd, batch_size: 1}\n  - {name: sme2, factor: data, substeps: 2}\n"
                                           "groups: [{label: same, members: [sgd, sme2]}]\n"
                                           "realisations: 1000\nobserve: {at: [1], features: [x]}\n");
  const eg_job *const job = &p.plan->runs[0].job;
  const tile_values t = run_tile(job, 0);
  const double *const nodes = t.node;
  const double paired = nodes[2 * job->node_values + 2], unpaired = nodes[2] + nodes[job->node_values + 2]; /* M2 of x_0 */
  CHECK(paired > 0 && paired < 0.1 * unpaired);
  tile_free(t);
  plan_free(p);
}

int main(void) {
  differences_are_the_members();
  masks_join();
  coarse_steps_take_sums("gaussian", EG_KIND_GAUSSIAN);
  coarse_steps_take_sums("gaussian64", EG_KIND_GAUSSIAN64);
  identical_members();
  chain_and_equation_agree_in_sign();
  return check_report();
}
