/*
 * Tiles that take longer than a snapshot: killed by SIGKILL or stopped at any instant, a run goes on within the tile and
 * gives the bits of the straight run. With --max-time shorter than a tile it could not end otherwise.
 */
#include <math.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "check.h"
#include "ensgrad/ensgrad.h"
#include "io/result_file.h"
#include "run/campaign.h"
#include "run/run_loop.h"
#include "write_rows.h"

#define SESSION 0.15 /* seconds, of a run that is stopped */

static char folder[] = "/tmp/ensgrad-test-XXXXXX";

static void stop_with(const char *text) {
  fprintf(stderr, "%s\n", text);
  exit(1);
}

static const char *path_of(const char *name) {
  static char paths[4][100];
  static int next;
  char *const path = paths[next++ % 4];
  (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

#define MONITORS                                                                                             \
  "  monitors:\n    - {name: mean_x, feature: x0, operation: mean, from: 1}\n"                              \
  "    - {name: peak, feature: norm2, operation: maximum}\n"                                                \
  "    - {name: exit, feature: x0, operation: crossing, level: 0}\n"

/* Two tiles, the second not full; some diverge. */
static const char *study_text(const char *state, uint64_t n_steps) {
  static char text[1800];
  (void)snprintf(text, sizeof text,
                 "seed: 12\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[0.5], [5.74]]}\nlearning_rate: 1/16\n"
                 "steps: %llu\ndynamics: {name: sgd, batch_size: 1}\nrealisations: 100\nstate: %s\ndiverged_limit: 1\n"
                 "observe:\n  at: {steps: [1, %llu, %llu]}\n  features: [x, norm2]\n  statistics: [moments, covariance]\n"
                 "  histograms: [{feature: x, low: -8, high: 8}, {feature: loss, low: 0, high: 9, at: {steps: [2, %llu]}}]\n"
                 "  keep: {realisations: 70, at: {steps: [3, %llu]}}\n"
                 "  paths: [{statistic: msd, at: {steps: {log: 12}}}, {statistic: two-time, feature: x0},\n"
                 "    {statistic: time-average, feature: norm2, with: x0, from: 0.5, every: 7}, {statistic: correlator, every: 11},\n"
                 "    {statistic: time-average, name: cov, combine: covariance, feature: norm2, with: x0, every: 3},\n"
                 "    {statistic: correlator-msd, every: 5, values: 4}]\n" MONITORS,
                 (unsigned long long)n_steps, state, (unsigned long long)(n_steps / 3), (unsigned long long)n_steps,
                 (unsigned long long)(n_steps / 2), (unsigned long long)(n_steps / 2));
  return text;
}

/* The population form: three tiles of one realisation. */
static const char *population_text(const char *state, uint64_t n_steps) {
  static char text[1000];
  (void)snprintf(text, sizeof text,
                 "seed: 5\nmodel: {name: mean-field-linear, data: %s/rows.h5, standardize: false, particles: 20000}\n"
                 "start: {normal: {mean: 0.5, std: 0.25}}\nlearning_rate: 1/16\nsteps: %llu\n"
                 "dynamics: {name: sgd, batch_size: 2}\nrealisations: 3\nstate: %s\n"
                 "observe:\n  at: {steps: [1, %llu, %llu]}\n  features: [x, norm2]\n  keep: {realisations: 2}\n" MONITORS,
                 folder, (unsigned long long)n_steps, state, (unsigned long long)(n_steps / 3), (unsigned long long)n_steps);
  return text;
}

/*
 * Crossings that stop more than half of the trajectories, over all of the horizon: two tiles, the second not full. The level
 * follows the number of steps: the rate goes like exp(-level / (2 variance)).
 */
static const char *absorbing_text(const char *state, uint64_t n_steps) {
  static char text[1000];
  const double level = 11.5 + 1.03 * log((double)n_steps / 600000);
  (void)snprintf(text, sizeof text,
                 "seed: 8\nmodel: ornstein-uhlenbeck\nstart: {points: [[0.5], [0]]}\ntime_step: 1/16\nsteps: %llu\n"
                 "dynamics: {name: sde, scheme: euler-maruyama}\nrealisations: 100\nstate: %s\n"
                 "observe:\n  at: {steps: [1, %llu, %llu]}\n  features: [x, displacement2]\n  keep: {realisations: 5}\n"
                 "  histograms: [{feature: far_time, low: 0, high: 1e5}]\n"
                 "  monitors:\n    - {name: far, feature: norm2, operation: crossing, level: %.3f, absorbing: true}\n"
                 "    - {name: sum_x, feature: x0, operation: sum}\n    - {name: peak, feature: norm2, operation: maximum}\n",
                 (unsigned long long)n_steps, state, (unsigned long long)(n_steps / 3), (unsigned long long)n_steps, level);
  return text;
}

/* All that is kept of a tile, for the studies of groups and of the team form. */
#define ALL_RECORDS \
  "observe:\n  at: {steps: [1, %llu, %llu]}\n  features: [x, norm2]\n  statistics: [moments, covariance]\n" \
  "  histograms: [{feature: x, low: -8, high: 8}, {feature: loss, low: 0, high: 9, at: {steps: [2, %llu]}}]\n" \
  "  keep: {realisations: 70, at: {steps: [3, %llu]}}\n" \
  "  paths: [{statistic: msd, at: {steps: {log: 12}}}, {statistic: two-time, feature: x0},\n" \
  "    {statistic: time-average, feature: norm2, with: x0, from: 0.5, every: 7}, {statistic: correlator, every: 11},\n" \
  "    {statistic: correlator-msd, every: 5, values: 4}]\n"

/* Three members with different steps, of which some diverge: two tiles, the second not full. */
static const char *group_text(const char *state, uint64_t n_steps) {
  static char text[1800];
  (void)snprintf(text, sizeof text,
                 "seed: 12\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[0.5], [5.74]]}\nlearning_rate: 1/16\n"
                 "steps: %llu\nrealisations: 100\nstate: %s\ndiverged_limit: 1\n"
                 "dynamics: [{name: sgd, batch_size: 1}, {name: sme2, factor: data, substeps: 2, label: fine},\n"
                 "  {name: sme1, factor: data}]\ngroups: [{label: trio, members: [sgd, fine, sme1]}]\n" ALL_RECORDS MONITORS,
                 (unsigned long long)n_steps, state, (unsigned long long)(n_steps / 3), (unsigned long long)n_steps,
                 (unsigned long long)(n_steps / 2), (unsigned long long)(n_steps / 2));
  return text;
}

/* Automatic grids: their pilots are as long as the tiles. */
static const char *grids_text(const char *state, uint64_t n_steps) {
  static char text[1000];
  (void)snprintf(text, sizeof text,
                 "seed: 12\nmodel: {name: double-well, sigma: 2}\nstart: {points: [[0.5], [2]]}\nlearning_rate: 1/16\n"
                 "steps: %llu\nrealisations: 100\nstate: %s\ndiverged_limit: 1\n"
                 "dynamics: [{name: sgd, batch_size: 1}, {name: sme2, factor: data, substeps: 2, label: fine}, gradient-flow]\n"
                 "groups: [{label: pair, members: [sgd, fine]}]\n"
                 "observe:\n  at: {steps: [1, %llu, %llu]}\n  features: [x, norm2]\n"
                 "  histograms: [{feature: x, bins: 16}, {feature: norm2, bins: 8, at: {steps: [2, %llu]}}]\n"
                 "  monitors:\n    - {name: peak, feature: norm2, operation: maximum}\n",
                 (unsigned long long)n_steps, state, (unsigned long long)(n_steps / 3), (unsigned long long)n_steps,
                 (unsigned long long)(n_steps / 2));
  return text;
}

static const char *multilevel_text(const char *state, uint64_t n_steps) {
  static char text[1000];
  (void)snprintf(text, sizeof text,
                 "seed: 142\nmodel: ornstein-uhlenbeck\nstart: {point: [0.5]}\ntime_step: 1/16\nsteps: %llu\n"
                 "dynamics: {name: sde, scheme: euler-maruyama, substeps: 2}\nstate: %s\nrealisations: 128\n"
                 "multilevel: {levels: 2, feature: norm2, stderr: 0.3}\n"
                 "observe:\n  at: {steps: [%llu, %llu]}\n  features: [x, norm2]\n  monitors:\n"
                 "    - {name: mean_x, feature: x0, operation: mean}\n    - {name: peak, feature: norm2, operation: maximum}\n"
                 "    - {name: low, feature: x0, operation: minimum}\n",
                 (unsigned long long)n_steps, state, (unsigned long long)(n_steps / 3), (unsigned long long)n_steps);
  return text;
}

/* The team form: three tiles of one realisation. `dynamics` and what else there is. */
static const char *team_of(const char *dynamics, const char *state, uint64_t n_steps) {
  static char text[1800];
  (void)snprintf(text, sizeof text,
                 "seed: 5\nmodel: {name: linear-regression, data: %s/rows.h5, standardize: false}\nform: team\n"
                 "start: {points: [[0.5, 0, 0, 0.25], [1, 1, 1, 1]]}\nlearning_rate: 1/16\nsteps: %llu\nrealisations: 3\n"
                 "state: %s\n%s\n" ALL_RECORDS MONITORS,
                 folder, (unsigned long long)n_steps, state, dynamics, (unsigned long long)(n_steps / 3),
                 (unsigned long long)n_steps, (unsigned long long)(n_steps / 2), (unsigned long long)(n_steps / 2));
  return text;
}

static const char *team_text(const char *state, uint64_t n_steps) {
  return team_of("dynamics: {name: sgd, batch_size: 2}", state, n_steps);
}

static const char *team_group_text(const char *state, uint64_t n_steps) {
  return team_of("dynamics: [{name: sme1, factor: data}, {name: sme2, factor: data}]\n"
                 "groups: [{label: both, members: [sme1, sme2]}]",
                 state, n_steps);
}

static eg_status run(const char *text, const char *output, int threads, double snapshot, double max_time) {
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  eg_run_options options;
  eg_run_options_default(&options);
  options.output = output;
  options.backend = "cpu";
  options.threads = threads;
  options.snapshot_seconds = snapshot;
  options.max_time = max_time;
  eg_status status = eg_study_parse(ctx, "study.yaml", text, strlen(text), NULL, 0, &study);
  if (status != EG_OK) {
    stop_with(eg_context_message(ctx));
  }
  status = eg_run_study(ctx, study, &options);
  if (status != EG_OK && status != EG_STOPPED) {
    fprintf(stderr, "%s\n", eg_context_message(ctx));
  }
  eg_study_free(study);
  eg_context_free(ctx);
  return status;
}

static eg_labelled *read_file(const char *path) {
  eg_context *const ctx = eg_context_create();
  eg_labelled *file = NULL;
  if (eg_result_read(ctx, path, &file) != EG_OK) {
    stop_with(eg_context_message(ctx));
  }
  eg_context_free(ctx);
  return file;
}

/* All numbers of the root dataset that do not carry bits = "machine", and the failures. */
static uint64_t hash_of(const char *path) {
  static const size_t bytes[] = {
      [EG_TYPE_F64] = 8, [EG_TYPE_I32] = 4, [EG_TYPE_I64] = 8, [EG_TYPE_U64] = 8, [EG_TYPE_U8] = 1};
  eg_labelled *const file = read_file(path);
  uint64_t hash = EG_HASH_START;
  for (size_t i = 0; i < file->n_variables; i++) {
    const eg_variable *const v = &file->variables[i];
    const bool is_wanted = strcmp(v->group, "/") == 0 || strcmp(v->group, "/failures") == 0;
    if (is_wanted && v->type != EG_TYPE_TEXT && eg_labelled_attribute(v, "bits") == NULL) {
      hash = eg_hash_bytes(eg_hash_text(hash, v->name), v->data, eg_variable_size(v) * bytes[v->type]);
    }
  }
  eg_labelled_free(file);
  return hash;
}

static size_t n_pilots; /* that sessions and kills have left */

/* Parts in a file: of tiles that were left within, or of members of their groups, of which some may not have begun. */
static size_t count_parts(const char *path) {
  eg_labelled *const file = read_file(path);
  const eg_variable *const step = eg_labelled_find(file, "/accumulators", "part_step");
  const size_t n = step == NULL ? 0 : eg_variable_size(step);
  for (size_t i = 0; i < n; i++) {
    const uint64_t tile = ((const uint64_t *)eg_labelled_find(file, "/accumulators", "part_tile")->data)[i];
    const bool is_first = i == 0 || ((const uint64_t *)eg_labelled_find(file, "/accumulators", "part_tile")->data)[i - 1] != tile;
    CHECK(((const uint64_t *)step->data)[i] > 0 || !is_first);
    n_pilots += tile == EG_PILOT_TILE;
  }
  eg_labelled_free(file);
  return n;
}

static ino_t inode_of(const char *path) {
  struct stat s;
  return stat(path, &s) == 0 ? s.st_ino : 0;
}

/* Start a run and kill it some time after its next snapshot; true if it had ended by itself. */
static bool run_and_kill(const char *text, const char *output, int threads, double seconds) {
  const ino_t before = inode_of(output); /* every file that is written is a new one */
  const pid_t child = fork();
  int state = 0;
  if (child == 0) {
    _exit(run(text, output, threads, 0.05, 0) == EG_OK ? 0 : 1);
  }
  while (child > 0 && inode_of(output) == before) {
    if (waitpid(child, &state, WNOHANG) == child) {
      return true;
    }
    (void)usleep(2000);
  }
  (void)usleep((useconds_t)(1e6 * seconds));
  (void)kill(child, SIGKILL);
  if (child < 0 || waitpid(child, &state, 0) != child) {
    stop_with("fork or wait");
  }
  return WIFEXITED(state);
}

/* True if one left a tile within. */
static bool kills(const char *text, uint64_t straight) {
  const char *const output = path_of("killed.h5");
  size_t n_within = 0, n_kills = 0;
  unsigned random = 17;
  for (; n_kills < 25; n_kills++) {
    random = random * 1103515245u + 12345u;
    if (run_and_kill(text, output, n_kills % 2 == 0 ? 1 : 2, 0.1 * (double)(random >> 16 & 0xff) / 255)) {
      break;
    }
    n_within += access(output, R_OK) == 0 && count_parts(output) > 0;
  }
  CHECK(run(text, output, 2, 60, 0) == EG_OK);
  CHECK(hash_of(output) == straight);
  CHECK(count_parts(output) == 0);
  printf("%zu kills, %zu of them left a tile within\n", n_kills, n_within);
  (void)unlink(output);
  return n_within > 0;
}

/* Short sessions: every one goes on where the last one was. True if one ended within a tile. */
static bool stops(const char *text, uint64_t straight, int threads) {
  const char *const output = path_of("stopped.h5");
  size_t n_stops = 0, n_within = 0;
  eg_status status = EG_STOPPED;
  for (; status == EG_STOPPED && n_stops < 200; n_stops++) {
    status = run(text, output, threads, 60, SESSION);
    n_within += count_parts(output) > 0;
  }
  CHECK(status == EG_OK);
  CHECK(hash_of(output) == straight);
  printf("%zu sessions, %zu ended within a tile\n", n_stops, n_within);
  (void)unlink(output);
  return n_within > 0;
}

static void write_file(const eg_labelled *file, const char *path) {
  eg_context *const ctx = eg_context_create();
  if (eg_result_write(ctx, file, path) != EG_OK) {
    stop_with(eg_context_message(ctx));
  }
  eg_context_free(ctx);
}

/* What stands in a part of a tile decides the result, and a part that cannot be is refused. False if no session left a part. */
static bool changed_parts(const char *text, bool is_pilot, uint64_t straight, uint64_t n_steps) {
  const char *const output = path_of("changed.h5");
  eg_status status = EG_STOPPED;
  do {
    status = run(text, output, 1, 60, SESSION);
  } while (status == EG_STOPPED && count_parts(output) == 0);
  CHECK(status == EG_STOPPED || status == EG_OK);
  if (status != EG_STOPPED) {
    (void)unlink(output);
    return false;
  }
  eg_labelled *file = read_file(output);
  double *const state = eg_labelled_find(file, "/accumulators", "part_state")->data;
  uint64_t *const step = eg_labelled_find(file, "/accumulators", "part_step")->data;
  const uint64_t kept = step[0];
  for (size_t i = 0; i < 64; i++) {
    state[i] += 0x1p-40;
  }
  write_file(file, output);
  CHECK(run(text, output, 1, 60, 0) == EG_OK);
  CHECK(is_pilot || hash_of(output) != straight); /* grids are rounded */
  step[0] = 2 * n_steps + 1;
  write_file(file, output);
  CHECK(run(text, output, 1, 60, 0) == EG_ERR_DAMAGED);
  step[0] = kept;
  const eg_variable *const tile = eg_labelled_find(file, "/accumulators", "part_tile");
  const size_t last = eg_variable_size(tile) - 1; /* 0, or of the last member of a group */
  ((uint64_t *)tile->data)[last] = 3;
  write_file(file, output);
  CHECK(run(text, output, 1, 60, 0) == EG_ERR_DAMAGED);
  eg_labelled_free(file);
  (void)unlink(output);
  return true;
}

static void need_rows(size_t n_columns) {
  static const double inputs[16] = {1.25, -1.25, 0.75, 0.5, 0.25, 1, -1, 0.5, -0.75, 0.125, 1.5, -0.5, 1, 0.625, -0.25, -1.125};
  static const double target[4] = {0.5, -0.25, 0.75, 1};
  if (!write_rows(path_of("rows.h5"), 4, n_columns, inputs, target)) {
    stop_with("data file");
  }
}

/* Of all threads: other programs on the machine do not count. */
static double cpu_seconds(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* About how many of the trajectories of the absorbing study stop. */
static void check_share(const char *output) {
  eg_labelled *const file = read_file(output);
  const double *const share = eg_labelled_find(file, "/", "far")->data; /* (point, time) */
  printf("%.0f %% stop\n", 100 * share[2]);
  CHECK(share[2] > 0.2 && share[2] < 0.95);
  eg_labelled_free(file);
}

typedef const char *text_function(const char *state, uint64_t n_steps);

/*
 * As many steps as take `least` seconds of CPU time, and so many more that sessions end within tiles (of automatic grids: within a
 * pilot too), which depends on the machine: equal bits with 1 and 2 threads, stopped within tiles by sessions of `threads` threads, and killed.
 */
static void goes_on(text_function *text_of, const char *state, double least, int threads, bool is_killed) {
  char output[100]; /* path_of's own is taken by others meanwhile */
  (void)snprintf(output, sizeof output, "%s", path_of("whole.h5"));
  const size_t pilots_before = n_pilots;
  uint64_t n_steps = 3000;
  double seconds = 0;
  bool was_within = false;
  CHECK(run(text_of(state, n_steps), output, 1, 60, 0) == EG_OK); /* may compile kernels */
  for (int round = 0; !was_within && round < 10 && n_steps < (uint64_t)1 << 40;) {
    const double start = cpu_seconds();
    const char *const text = text_of(state, n_steps *= 2);
    (void)unlink(output);
    CHECK(run(text, output, 1, 60, 0) == EG_OK);
    seconds = cpu_seconds() - start;
    if (seconds < least) {
      continue;
    }
    round++;
    if (text_of == absorbing_text) {
      check_share(output);
    }
    const uint64_t straight = hash_of(output);
    (void)unlink(output);
    CHECK(run(text, output, 2, 60, 0) == EG_OK);
    CHECK(hash_of(output) == straight);
    was_within = stops(text, straight, threads) &&
                 (!is_killed || (kills(text, straight) && changed_parts(text, text_of == grids_text, straight, n_steps))) &&
                 (text_of != grids_text || n_pilots > pilots_before);
  }
  CHECK(was_within);
  (void)unlink(output);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("temporary folder");
  }
  goes_on(study_text, "double", 0.4, 1, true);
  goes_on(study_text, "float", 0.3, 2, false);
  need_rows(1);
  goes_on(population_text, "double", 0.4, 2, false);
  goes_on(population_text, "float", 0.3, 2, false);
  goes_on(absorbing_text, "double", 0.4, 2, false);
  goes_on(absorbing_text, "float", 0.3, 2, false);
  goes_on(group_text, "double", 0.4, 2, true);
  goes_on(group_text, "float", 0.3, 1, false);
  CHECK(n_pilots == 0);
  goes_on(grids_text, "double", 0.4, 2, true);
  goes_on(grids_text, "float", 0.3, 1, false);
  printf("%zu pilots were kept\n", n_pilots);
  goes_on(multilevel_text, "double", 0.4, 1, false);
  need_rows(4);
  goes_on(team_text, "double", 0.4, 2, true);
  goes_on(team_text, "float", 0.3, 1, false);
  goes_on(team_group_text, "double", 0.4, 1, false);
  (void)unlink(path_of("rows.h5"));
  (void)rmdir(folder);
  return check_report();
}
