/*
 * Records that the CPU reduces block by block (backend/cpu_blocks.c) against those of whole tiles: a study that keeps one path has the
 * same numbers as without, in every array, bit by bit; with blocks that a tile does not use, lost trajectories, points, components,
 * features, times of their own for path statistics, and monitors; no trajectory is counted that does not exist.
 */
#include "physics/run_text.h"

static char folder[] = "/tmp/ensgrad-blocks-XXXXXX";
static size_t n_compared, n_different;

static eg_labelled *run(const char *study, const char *observe, int seed, bool keeps) {
  char text[1200];
  (void)snprintf(text, sizeof text, "seed: %d\n%sobserve:\n%s%s", seed, study, observe, keeps ? "  keep: {realisations: 1}\n" : "");
  return run_with(folder, text, true);
}

static bool is_of_kept(const eg_variable *v) {
  const size_t n = strlen(v->name);
  return (n > 5 && strcmp(v->name + n - 5, "_path") == 0) || strstr(v->name, "kept") != NULL;
}

/* Arrays of numbers of `blocks` that are not the same in `tiles`. */
static size_t count_different(const eg_labelled *blocks, const eg_labelled *tiles) {
  size_t different = 0;
  for (size_t i = 0; i < blocks->n_variables; i++) {
    const eg_variable *const v = &blocks->variables[i], *const w = eg_labelled_find(tiles, v->group, v->name);
    if (v->type != EG_TYPE_F64 || is_of_kept(v) || strcmp(v->group, "/") != 0) {
      continue;
    }
    n_compared++;
    if (w == NULL || eg_variable_size(v) != eg_variable_size(w) || memcmp(v->data, w->data, eg_variable_size(v) * sizeof(double)) != 0) {
      different++;
    }
  }
  return different;
}

static int64_t largest_count(const eg_labelled *file, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  int64_t most = 0;
  if (v == NULL || v->type != EG_TYPE_I64) {
    stop_with(name);
    return 0;
  }
  for (size_t i = 0; i < eg_variable_size(v); i++) {
    const int64_t n = ((const int64_t *)v->data)[i];
    most = n > most ? n : most;
  }
  return most;
}

static void check(const char *study, const char *observe, const char *count, int64_t realisations) {
  eg_labelled *const blocks = run(study, observe, 5, false), *const tiles = run(study, observe, 5, true);
  eg_labelled *const other = run(study, observe, 6, false);
  CHECK(count_different(blocks, tiles) == 0);
  CHECK(largest_count(blocks, count) == realisations);
  n_different += count_different(other, tiles); /* the control: another seed is another result */
  eg_labelled_free(blocks);
  eg_labelled_free(tiles);
  eg_labelled_free(other);
}

/* Displacements from the start, of which the tracks themselves are reduced if nothing else is made of them, and a copy otherwise:
   159 of 20 000 trajectories in 79 tiles are lost, so tiles with and without one occur. */
static void check_tracks(void) {
  const char *const study = "model: {name: double-well, sigma: 2}\nstart: {point: [4]}\nlearning_rate: 1/8\nsteps: 60\n"
                            "dynamics: {name: sgd, batch_size: 1}\nrealisations: 20000\ndiverged_limit: 1\n";
  const char *const alone = "  at: {steps: {linear: 6}}\n  features: [x]\n  paths:\n    - {statistic: msd, at: {steps: {log: 9}}}\n";
  const char *const beside = "  at: {steps: {linear: 6}}\n  features: [x]\n  paths:\n    - {statistic: msd, at: {steps: {log: 9}}}\n"
                             "    - {statistic: moments, name: more, origin: 2, at: {steps: [2, 30]}}\n";
  eg_labelled *const tracks = run(study, alone, 5, false), *const copied = run(study, beside, 5, false);
  eg_labelled *const other = run(study, beside, 6, false);
  CHECK(count_different(tracks, copied) == 0);
  CHECK(largest_count(tracks, "path_msd_count") == 20000 - 159);
  n_different += count_different(tracks, other);
  eg_labelled_free(tracks);
  eg_labelled_free(copied);
  eg_labelled_free(other);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("temporary folder");
  }
  /* tiles of 4096, of which the last one has 60 realisations, after others of the same worker */
  check("model: ornstein-uhlenbeck\nstart: {point: 1}\ntime_step: 1/8\nsteps: 64\ndynamics: sde\nrealisations: 266300\n",
        "  at: {steps: {linear: 16}}\n  features: [x]\n  paths: {statistic: msd, at: {steps: {log: 5}}}\n", "path_msd_count", 266300);
  check("model: ornstein-uhlenbeck\nstart: {points: [[1], [2]]}\ntime_step: 1/8\nsteps: 600\ndynamics: sde\nrealisations: 700\n",
        "  at: {steps: {linear: 600}}\n  features: [x, norm2, displacement2]\n  paths: {statistic: moments, powers: [1, 2], at: {steps: {log: 7}}}\n",
        "x_count", 700);
  check("model: {name: double-well, sigma: 2}\nstart: {points: [[0.5], [4.1]]}\nlearning_rate: 1/8\nsteps: 60\n"
        "dynamics: {name: sgd, batch_size: 1}\nrealisations: 3001\ndiverged_limit: 1\n",
        "  at: {steps: {linear: 60}}\n  features: [x, norm2, loss]\n", "x_count", 3001);
  check("model: {name: quadratic, curvature: [1, 0.25, 2], noise: [0.5, 2, 1]}\nstart: {point: [1, -3, 2]}\nlearning_rate: 1/8\nsteps: 100\n"
        "dynamics: {name: sgd, batch_size: 2}\nrealisations: 5000\n",
        "  at: {steps: {linear: 50}}\n  features: [x, loss]\n  monitors: {name: high, feature: x0, operation: maximum}\n", "x_count", 5000);
  check_tracks();
  (void)rmdir(folder);
  printf("%zu arrays, %zu of another seed are different\n", n_compared, n_different);
  CHECK(n_different >= 16);
  return check_report();
}
