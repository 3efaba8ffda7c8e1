/*
 * The GPU driver of the team form on the host (team_twin.c), launched over several tiles at once and in pieces, against the
 * CPU driver tile by tile: records, states and first bad steps bit for bit. A spoilt row must show.
 */
#include <unistd.h>

#include "thread_twin.h"
#include "trajectories.h"
#include "write_rows.h"

enum { ROWS = 41, MAX_DIM = 4096, TILE = 64, TILES = 2, LAST = 40 }; /* realisations in the last tile */

static char folder[] = "/tmp/ensgrad-test-XXXXXX";

static void write_data(int d) {
  static double inputs[ROWS * MAX_DIM], target[ROWS];
  const double size = d < 100 ? 3 : 64;
  char path[64];
  for (int j = 0; j < ROWS; j++) {
    for (int k = 0; k < d; k++) {
      inputs[j * d + k] = ((double)((j * (7 + 4 * k) + 5 * k * k) % 29) / 16.0 - 0.9) / size;
    }
    target[j] = (double)(j * 11 % 23 % 2);
  }
  (void)snprintf(path, sizeof path, "%s/data.h5", folder);
  MUST(write_rows(path, ROWS, (size_t)d, inputs, target), "data file");
}

extern const twin_stepper team_twin_linear_regression[], team_twin_logistic_regression[], team_twin_softmax_regression[];
extern const twin_stepper permuted_team_twin_linear_regression[], permuted_team_twin_softmax_regression[], noisy_team_twin_linear_regression[],
    noisy_team_twin_softmax_regression[], permuted_noisy_team_twin_linear_regression[];
extern const uint32_t team_twin_linear_regression_sizes[8];

/* The twin that the job's kernel would be compiled as. */
static const twin_stepper *steppers_of(const eg_job *job) {
  const bool is_permuted = job->launch.sampling != EG_SAMPLE_REPLACEMENT, is_noisy = eg_has_row_noise(&job->launch);
  if (strcmp(job->model, "linear-regression") == 0) {
    return is_permuted && is_noisy ? permuted_noisy_team_twin_linear_regression
           : is_permuted           ? permuted_team_twin_linear_regression
           : is_noisy              ? noisy_team_twin_linear_regression
                                   : team_twin_linear_regression;
  }
  if (strcmp(job->model, "softmax-regression") == 0) {
    return is_permuted ? permuted_team_twin_softmax_regression : is_noisy ? noisy_team_twin_softmax_regression : team_twin_softmax_regression;
  }
  return team_twin_logistic_regression;
}

static const twin_stepper *find(const eg_job *job) {
  const twin_stepper *s = steppers_of(job);
  while (s->name != NULL && strcmp(s->name, job->stepper) != 0) {
    s++;
  }
  MUST(s->name != NULL, job->stepper);
  return s;
}

/* Values of the twin: (tile, record, point, feature, lane). Every record is a launch of its own if is_cut. */
static double *twin_records(const eg_job *job, const double *rows, bool is_cut, uint64_t *first_bad) {
  const size_t P = job->launch.n_points, F = job->n_features, R = job->n_records;
  const size_t record = P * F * TILE;
  double *const out = pages(TILES * R * record * sizeof(double));
  double *const part = pages(TILES * R * record * sizeof(double));
  eg_launch a = job->launch;
  a.features = job->features;
  a.start = job->start;
  a.staged = job->staged;
  a.rows = rows;
  a.realisation_first = 0;
  a.ld = TILE;
  a.tile = TILE;
  a.n_lanes = (TILES - 1) * TILE + LAST;
  a.state = pages(TILES * TILE * (job->state_values / job->launch.ld) * sizeof(double));
  a.first_bad = first_bad;
  a.records = part;
  const size_t n_warps = TILES * P * TILE;
  const size_t order = (size_t)eg_team_order_values(a.sampling, a.n_rows, sizeof(double));
  a.scratch = pages(n_warps * (team_twin_linear_regression_sizes[6] * (size_t)job->dim + 32 + order) * sizeof(double));
  const size_t n = is_cut ? 1 : R;
  for (size_t r = 0; r < R; r += n) {
    a.n_records = (uint32_t)n;
    a.record_steps = job->record_steps + r;
    a.step_last = a.record_steps[n - 1];
    find(job)->launch(job->params, &a, NULL, n_warps * 32);
    for (size_t tile = 0; tile < TILES; tile++) {
      memcpy(out + (tile * R + r) * record, part + tile * n * record, n * record * sizeof(double));
    }
    a.step_first = a.step_last;
    a.is_restart = 1;
  }
  free(a.state);
  free(a.scratch);
  free(part);
  return out;
}

static size_t different(const eg_job *job, const double *twin, const uint64_t *twin_bad) {
  const size_t P = job->launch.n_points, F = job->n_features, R = job->n_records;
  size_t wrong = 0;
  for (size_t tile = 0; tile < TILES; tile++) {
    const uint32_t n_lanes = tile == TILES - 1 ? LAST : TILE;
    setup s = default_setup(job, n_lanes);
    s.first = tile * TILE;
    const trajectories t = trajectories_of(&s);
    for (size_t r = 0; r < R; r++) {
      for (size_t point = 0; point < P; point++) {
        for (size_t l = 0; l < n_lanes; l++) {
          for (size_t f = 0; f < F; f++) {
            const double a = value_at(&t, r, point, f, l);
            const double b = twin[(((tile * R + r) * P + point) * F + f) * TILE + l];
            wrong += a != a ? b == b : memcmp(&a, &b, sizeof a) != 0;
          }
          wrong += r == 0 && t.first_bad[point * t.ld + l] != twin_bad[(tile * P + point) * TILE + l];
        }
      }
    }
    trajectories_free(t);
  }
  return wrong;
}

static const char sgd[] = "  - {name: sgd, batch_size: 3}\n  - {name: sgd, batch_size: 40, label: large}\n"
                          "  - {name: sgd, batch_size: 2, momentum: 0.75, clip: 0.5, label: heavy}\n  - {name: adam, batch_size: 2}\n";
/* chains with a memory */
static const char chains[] =
    "  - {name: sgd, batch_size: 3}\n"
    "  - {name: sgd, batch_size: 3, momentum: 0.75, label: heavy}\n"
    "  - {name: sgd, batch_size: 40, momentum: 0.5, nesterov: true, dampening: 0.25, clip: 0.5, weight_decay: 0.125, label: nesterov}\n"
    "  - {name: sgd, batch_size: 4, momentum: 0.5, schedule: {kind: cosine, period: 8, warm_up: 3}, batch_schedule: {kind: step, "
    "period: 2, gamma: 0.5}, label: scheduled}\n"
    "  - {name: svag, l: 3, batch_size: 2, momentum: 0.5}\n  - {name: signsgd, batch_size: 2, momentum: 0.5}\n"
    "  - {name: adam, batch_size: 2, l: 2, schedule: {kind: polynomial, period: 6, power: 1.5}}\n"
    "  - {name: adamw, batch_size: 2, weight_decay: 0.125}\n"
    "  - {name: rmsprop, batch_size: 1, start_square: 0.5, preconditioner: before, clip: 1}\n"
    "  - {name: sgd, batch_size: 2, momentum: 0.5, gradient_noise: gaussian-exact, label: gauss}\n"
    "  - {name: adam, batch_size: 2, gradient_noise: gaussian-exact, label: adam-exact}\n";
/* rows without replacement, rows with noise, the Langevin equation */
static const char drawn[] =
    "  - {name: sgd, batch_size: 3}\n"
    "  - {name: langevin, batch_size: 3, momentum: 0.5}\n"
    "  - {name: sgd, batch_size: 1, sampling: shuffle, label: one}\n"
    "  - {name: sgd, batch_size: 3, sampling: without-replacement, momentum: 0.5, label: subset}\n"
    "  - {name: sgd, batch_size: 40, sampling: shuffle, label: large}\n"
    "  - {name: svag, l: 2, batch_size: 2, sampling: fixed-shuffle}\n"
    "  - {name: sgd, batch_size: 2, input_noise: 0.25, label: inputs}\n"
    "  - {name: adam, batch_size: 2, sampling: shuffle}\n";
static const char labelled[] =
    "  - {name: sgd, batch_size: 3}\n"
    "  - {name: sgd, batch_size: 1, label_noise: 0.5, label: one}\n"
    "  - {name: sgd, batch_size: 40, label_noise: 0.5, momentum: 0.5, label: large}\n"
    "  - {name: adam, batch_size: 3, label_noise: 0.5, input_noise: 0.25, batch_schedule: {kind: step, period: 2, gamma: 2}}\n"
    "  - {name: sgd, batch_size: 3, sampling: shuffle, label_noise: 0.5, label: epochs}\n"
    "  - {name: sgd, batch_size: 3, sampling: without-replacement, label_noise: 0.5, input_noise: 0.25, momentum: 0.5, label: subset}\n";
static const char by_rows[] = "  - {name: sgd, batch_size: 3}\n  - gradient-flow\n"
                              "  - {name: sme2, batch_size: 2, scheme: euler-maruyama, label: e2}\n"
                              "  - {name: sme2, batch_size: 2, label: s2}\n  - {name: sme1, factor: data, label: d2}\n";
static const char all_dynamics[] =
    "  - {name: sgd, batch_size: 3}\n  - {name: sgd, batch_size: 40, label: large}\n  - gradient-flow\n"
    "  - {name: sme2, batch_size: 2, scheme: euler-maruyama, label: e2}\n  - {name: sme2, batch_size: 2, label: s2}\n"
    "  - {name: sme1, factor: data, scheme: euler-maruyama, label: d1}\n  - {name: sme1, factor: data, label: d2}\n";
static const char all_records[] =
    "steps: 9\nobserve: {at: {steps: [0, 1, 4, 9]}, features: [x, norm2, loss, gradient_norm2, displacement2, noise_trace]}\n";
static const char few_records[] = "steps: 3\nobserve: {at: {steps: [1, 3]}, features: [x, norm2, loss]}\n";

static void compare(const char *model, const char *rate, const char *kind, const char *dynamics, const char *records) {
  char name[64], text[4000];
  (void)snprintf(name, sizeof name, "%s/study.yaml", folder);
  (void)snprintf(text, sizeof text,
                 "seed: 3\nmodel: {name: %s, data: data.h5, standardize: false, ridge: 0.1}\nstart: {points: [[0.5], [-2]]}\n"
                 "learning_rate: %s\nnoise: %s\ndynamics:\n%srealisations: 1000\n%s",
                 model, rate, kind, dynamics, records);
  const planned p = plan_text(name, text);
  size_t n_bad = 0;
  for (size_t i = 0; i < p.plan->n_runs; i++) {
    const eg_job *const job = &p.plan->runs[i].job;
    uint64_t *const bad = pages(TILES * job->launch.n_points * TILE * sizeof *bad);
    for (int is_cut = 0; is_cut < 2; is_cut++) {
      double *const twin = twin_records(job, job->rows, is_cut, bad);
      const size_t wrong = different(job, twin, bad);
      printf("%-30s rate %-6s %-10s %-14s%s: %zu differences\n", model, rate, kind, job->stepper, is_cut ? " cut" : "", wrong);
      CHECK(wrong == 0);
      free(twin);
    }
    for (size_t l = 0; l < TILE; l++) {
      n_bad += bad[l] != EG_NEVER;
    }
    free(bad);
  }
  const eg_job *const job = &p.plan->runs[0].job; /* negative control: one number of the data */
  double *const spoilt = pages(job->n_row_values * sizeof(double));
  uint64_t *const bad = pages(TILES * job->launch.n_points * TILE * sizeof *bad);
  memcpy(spoilt, job->rows, job->n_row_values * sizeof(double));
  spoilt[5 * job->dim + 7] += 1e-9;
  double *const twin = twin_records(job, spoilt, false, bad);
  CHECK(different(job, twin, bad) > 0);
  CHECK((strcmp(rate, "1e60") == 0) == (n_bad > 0));
  free(twin);
  free(bad);
  free(spoilt);
  plan_free(p);
}

int main(void) {
  char path[64];
  MUST(mkdtemp(folder) != NULL, "temporary folder");
  write_data(45);
  compare("linear-regression", "1/8", "gaussian", all_dynamics, all_records);
  compare("linear-regression", "1e60", "table5", all_dynamics, all_records); /* overflows within the steps */
  compare("linear-regression", "1/8", "table8", all_dynamics, all_records);
  compare("linear-regression", "1/8", "table10", all_dynamics, all_records);
  compare("linear-regression", "1/8", "three-point", all_dynamics, all_records);
  compare("logistic-regression", "1/8", "two-point", all_dynamics, all_records);
  compare("logistic-regression", "1/8", "gaussian64", all_dynamics, all_records);
  compare("softmax-regression, classes: 2", "1/8", "gaussian", all_dynamics, all_records);
  compare("softmax-regression, classes: 5", "1/8", "table5", all_dynamics, all_records);
  compare("linear-regression", "1/8", "gaussian", chains, all_records);
  compare("linear-regression", "1e60", "table5", chains, all_records);
  compare("logistic-regression", "1/8", "two-point", chains, all_records);
  compare("softmax-regression, classes: 3", "1/8", "gaussian", chains, all_records);
  compare("linear-regression", "1/8", "gaussian", drawn, all_records);
  compare("linear-regression", "1e60", "table5", drawn, all_records);
  compare("softmax-regression, classes: 3", "1/8", "gaussian", drawn, all_records);
  compare("linear-regression", "1/8", "gaussian", labelled, all_records);
  compare("linear-regression", "1/8", "table5", labelled, all_records);
  compare("linear-regression", "1e60", "gaussian64", labelled, all_records);
  compare("linear-regression", "1/8", "two-point", labelled, all_records);
  write_data(MAX_DIM); /* steppers that multiply by the matrix H would take minutes */
  compare("linear-regression", "1/8", "gaussian", sgd, few_records);
  compare("logistic-regression", "1/8", "gaussian", by_rows, few_records);
  write_data(MAX_DIM / 4);
  compare("softmax-regression, classes: 4", "1/8", "gaussian", sgd, few_records);
  (void)snprintf(path, sizeof path, "%s/data.h5", folder);
  (void)unlink(path);
  (void)rmdir(folder);
  return check_report();
}
