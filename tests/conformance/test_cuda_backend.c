/*
 * The CUDA backend: what it says when it cannot be had, and, on a machine with a GPU, that nodes and lists of
 * failed trajectories have the bits of the CPU: every kernel that is compiled ahead, team form and populations, and of
 * what is compiled at run time (where there is NVRTC) monitors, chains, rows without replacement, rare steppers. Without a GPU: skipped
 * (77) after the messages.
 */
#include <unistd.h>

#include "cuda_bits.h"
#include "write_rows.h"

static char data_path[64], wide_path[64], label_path[64], text_path[64];

enum { ROWS = 37, COLUMNS = 3, WIDE_ROWS = 41, WIDE_COLUMNS = 45 };

static void write_files(void) {
  double inputs[ROWS * COLUMNS], target[ROWS];
  for (int j = 0; j < ROWS; j++) {
    for (int k = 0; k < COLUMNS; k++) {
      inputs[j * COLUMNS + k] = (double)((j * (7 + 4 * k) + 5 * k * k) % 29) / 16.0 - 0.9;
    }
    target[j] = (double)(j * 11 % 23) / 8.0 - 1.3;
  }
  (void)snprintf(data_path, sizeof data_path, "%s/three.h5", folder);
  static double wide[WIDE_ROWS * WIDE_COLUMNS], labels[WIDE_ROWS];
  for (int j = 0; j < WIDE_ROWS; j++) {
    for (int k = 0; k < WIDE_COLUMNS; k++) {
      wide[j * WIDE_COLUMNS + k] = ((double)((j * (7 + 4 * k) + 5 * k * k) % 29) / 16.0 - 0.9) / 3.0;
    }
    labels[j] = (double)(j * 11 % 23 % 2);
  }
  (void)snprintf(wide_path, sizeof wide_path, "%s/wide.h5", folder);
  MUST(write_rows(wide_path, WIDE_ROWS, WIDE_COLUMNS, wide, labels), "data file");
  (void)snprintf(label_path, sizeof label_path, "%s/labels.h5", folder);
  MUST(write_rows(label_path, ROWS, COLUMNS, inputs, labels), "data file");
  (void)snprintf(text_path, sizeof text_path, "%s/libensgrad_cuda.so", folder);
  MUST(write_rows(data_path, ROWS, COLUMNS, inputs, target), "data file");
  FILE *const file = fopen(text_path, "w");
  MUST(file != NULL && fputs("not a library\n", file) >= 0 && fclose(file) == 0, "text file");
}

static void says_what_is_missing(void) {
  const eg_backend *backend = NULL;
  eg_context *const ctx = eg_context_create();
  MUST(ctx != NULL, "no memory");
  MUST(setenv("ENSGRAD_PLUGIN_PATH", "/nowhere", 1) == 0, "environment");
  CHECK(eg_backend_cuda(ctx, &backend) == EG_ERR_DEVICE);
  CHECK_HAS(eg_context_message(ctx), "there is no CUDA plug-in");
  CHECK_HAS(eg_context_message(ctx), "/nowhere/libensgrad_cuda.so");
  MUST(setenv("ENSGRAD_PLUGIN_PATH", folder, 1) == 0, "environment");
  CHECK(eg_backend_cuda(ctx, &backend) == EG_ERR_DEVICE);
  CHECK_HAS(eg_context_message(ctx), "the CUDA plug-in cannot be loaded");
  CHECK(backend == NULL);
  const char *const chosen =
      getenv("ENSGRAD_TEST_PLUGIN"); /* the plug-in with a runtime that plays the device */
  if (chosen != NULL) {
    MUST(setenv("ENSGRAD_PLUGIN_PATH", chosen, 1) == 0, "environment");
  } else {
    MUST(unsetenv("ENSGRAD_PLUGIN_PATH") == 0, "environment");
  }
  eg_context_free(ctx);
}

/* ---- studies ---- */

static void compare_study(const eg_backend *cuda, const char *model, const char *dynamics,
                          const char *noise) {
  char text[3000];
  (void)snprintf(text, sizeof text,
                 "seed: 5\nmodel: %s\n%snoise: %s\nrealisations: 5000\n"
                 "observe: {at: {steps: [0, 1, 2, 17, 18, 40, 41]}, features: [x, norm2, displacement2%s], "
                 "statistics: [moments, covariance], histograms: [{feature: x, low: -1, high: 2}, {feature: "
                 "norm2, bins: 4096, scale: log, low: 1e-9, high: 1e9}], keep: {realisations: 1100}}\n",
                 model, dynamics, noise, strstr(dynamics, "time_step") == NULL ? ", loss, gradient_norm2" : "");
  compare_text(cuda, text);
}

#define HISTOGRAMS "histograms: [{feature: norm2, bins: 100, scale: log, low: 1e-3, high: 1e3}], "
#define OBSERVE                                                                                              \
  "observe: {at: {steps: [0, 1, 4, 9]}, features: [x, norm2, loss, gradient_norm2, displacement2], "         \
  "statistics: [moments, covariance], " HISTOGRAMS "keep: {realisations: 37}}\n"

/* A played device orders its streams in three ways (fake_streams.h). One of them gets all studies; of the others, which are about
   what waits for what and not about kernels, each gets one noise kind and one size, or with --full all. */
static int is_short;

/* Tiles of 1 to 16 realisations, two points; every stepper; overflow. */
static void team_form(const eg_backend *cuda) {
  static const char *const realisations[] = {"40", "300", "1100"}, *const kinds[] = {"gaussian", "table5", "two-point"},
                    *const rates[] = {"1/8", "1/8", "1e60"}, *const models[] = {"linear-regression", "logistic-regression"};
  for (size_t m = 0; m < 2; m++) {
    for (size_t i = 0; i < (m == 0 && !is_short ? 3 : 1); i++) { /* a pass over the rows is slow on the played device */
      char text[2000];
      (void)snprintf(
          text, sizeof text,
          "seed: 3\nmodel: {name: %s, data: wide.h5, standardize: false, ridge: 0.1}\nstart: {points: [[0.5], [-2]]}\n"
          "learning_rate: %s\nsteps: 9\nnoise: %s\nrealisations: %s\ndynamics:\n  - {name: sgd, batch_size: 3}\n"
          "  - {name: sgd, batch_size: 40, label: large}\n  - gradient-flow\n"
          "  - {name: sme2, batch_size: 2, scheme: euler-maruyama, label: e2}\n  - {name: sme2, batch_size: 2, label: s2}\n"
          "  - {name: sme1, factor: data, scheme: euler-maruyama, label: d1}\n  - {name: sme1, factor: data, label: d2}\n"
          OBSERVE,
          models[m], m == 0 ? rates[i] : "1/8", kinds[i], realisations[i]);
      compare_text(cuda, text);
    }
  }
}

/* What its kernels are compiled for at run time: chains with a memory, rows without replacement, rows with noise; overflow too. */
static void team_chains(const eg_backend *cuda) {
  for (size_t i = 0; i < 2; i++) {
    char text[2000];
    (void)snprintf(text, sizeof text,
                   "seed: 5\nmodel: {name: linear-regression, data: wide.h5, standardize: false, ridge: 0.1}\n"
                   "start: {points: [[0.5], [-2]]}\nlearning_rate: %s\nsteps: 9\nrealisations: 300\ndynamics:\n"
                   "  - {name: sgd, batch_size: 3, momentum: 0.5, label: heavy}\n  - {name: adam, batch_size: 2}\n"
                   "  - {name: langevin, batch_size: 3, momentum: 0.5}\n"
                   "  - {name: sgd, batch_size: 3, sampling: without-replacement, label: subset}\n"
                   "  - {name: sgd, batch_size: 2, sampling: shuffle, momentum: 0.5, label: epochs}\n"
                   "  - {name: sgd, batch_size: 3, label_noise: 0.5, input_noise: 0.25, label: noisy}\n"
                   "  - {name: adam, batch_size: 2, sampling: shuffle, label_noise: 0.5, label: both}\n" OBSERVE,
                   i == 0 ? "1/8" : "1e60");
    compare_text(cuda, text);
  }
}

/* One particle, a part of a block, several blocks; tiles of 1 to 64 realisations; overflow. */
static void populations(const eg_backend *cuda) {
  static const int particles[] = {1, 200, 700, 300};
  for (size_t i = 0; i < sizeof particles / sizeof particles[0]; i++) {
    char text[2000];
    (void)snprintf(
        text, sizeof text,
        "seed: 4\nmodel: {name: mean-field-linear, data: three.h5, columns: [1], standardize: false, particles: %d}\n"
        "start: {normal: {mean: 1, std: 0.5}}\nlearning_rate: %s\nsteps: 9\nrealisations: 150\ndynamics:\n"
        "  - {name: sgd, batch_size: 2}\n  - {name: smf2, factor: pair, label: pair}\n  - {name: smf2, factor: data}\n"
        "  - {name: smf1, factor: data, scheme: euler-maruyama, label: euler}\n  - gradient-flow\n"
        "  - {name: smf1, factor: pair, scheme: euler-maruyama, label: pair1}\n" OBSERVE,
        particles[i], i == 3 ? "1e200" : "1/16");
    compare_text(cuda, text);
  }
}

#define AT "observe: {at: {steps: [0, 1, 2, 17, 18, 40, 41]}, features: [x, norm2], statistics: [moments, covariance], " \
           "monitors:\n  "
#define FOUR                                                                                                 \
  "[{name: a, feature: norm2, operation: mean, from: 3/16, to: 5/4}, {name: b, feature: x0, operation: crossing, level: 0.25},\n" \
  "   {name: c, feature: displacement2, operation: maximum}, {name: d, feature: x0, operation: sum, from: 1}]}\n"
#define ONE "[{name: a, feature: x0, operation: minimum}]}\n"

static void monitors(const eg_backend *cuda) {
  compare_text(cuda, "seed: 6\nmodel: ornstein-uhlenbeck\nstart: {points: [[0.5], [1]]}\ntime_step: 1/16\nsteps: 41\n"
                     "dynamics:\n  - {name: sde, scheme: euler-maruyama}\n  - {name: sde, scheme: exact}\n"
                     "realisations: 9000\n" AT FOUR);
  compare_text(cuda, "seed: 7\nmodel: {name: linear-regression, data: three.h5, ridge: 0.05}\nlearning_rate: 1/16\nsteps: 41\n"
                     "start: {points: [[0.5, -1, 0.25]]}\ndynamics:\n  - {name: sgd, batch_size: 3}\n"
                     "  - {name: sgd, batch_size: 3, momentum: 0.5}\n  - {name: sme1, factor: data, label: data}\n"
                     "realisations: 9000\n" AT FOUR);
  compare_text(cuda, "seed: 8\nmodel: {name: linear-regression, data: three.h5, ridge: 0.05}\nlearning_rate: 1e30\nsteps: 41\n"
                     "start: {normal: {mean: 0, std: 1}}\ndynamics: {name: sgd, batch_size: 1}\n"
                     "realisations: 5000\n" AT ONE); /* overflows on the way */
}

static const char chain_list[] =
    "  - {name: sgd, label: heavy, batch_size: 3, momentum: 0.75, weight_decay: 0.125}\n"
    "  - {name: sgd, label: damped, batch_size: 1, momentum: 0.5, dampening: 0.25, nesterov: true, clip: 0.5}\n"
    "  - {name: sgd, label: cosine, batch_size: 1, schedule: {kind: cosine, period: 40, last: 0.25, warm_up: 10}}\n"
    "  - {name: svag, label: svag2, l: 2, batch_size: 2}\n"
    "  - {name: signsgd, label: signum, l: 2, batch_size: 1, momentum: 0.5, weight_decay: 0.125, decoupled: true}\n"
    "  - {name: adam, label: adam, batch_size: 2}\n"
    "  - {name: rmsprop, label: before, l: 2, batch_size: 2, beta2: 0.75, epsilon: 0.5, preconditioner: before}\n";
static const char sampling_list[] =
    "  - {name: sgd, label: fresh, batch_size: 4, sampling: without-replacement}\n"
    "  - {name: sgd, label: shuffle, batch_size: 5, sampling: shuffle}\n"
    "  - {name: sgd, label: one, batch_size: 1, sampling: shuffle, momentum: 0.5}\n"
    "  - {name: adam, label: fixed, batch_size: 2, sampling: fixed-shuffle}\n";

static void chains(const eg_backend *cuda) {
  static const char *const models[] = {
      "{name: linear-regression, data: three.h5, ridge: 0.05}",
      "{name: quadratic, curvature: [1, 0.5, 2], noise: [0.5, 0.25, 1], multiplicative: [0.5, 0, 0.1]}"};
  char dynamics[2000];
  for (size_t i = 0; i < 3; i++) {
    (void)snprintf(dynamics, sizeof dynamics,
                   "start: {points: [[0.5, -1, 0.25], [1, 1, -1]]}\nlearning_rate: 1/16\nsteps: 41\ndynamics:\n%s",
                   i == 2 ? sampling_list : chain_list);
    compare_study(cuda, models[i % 2], dynamics, "gaussian");
  }
  (void)snprintf(dynamics, sizeof dynamics,
                 "start: {normal: {mean: 0, std: 1}}\nlearning_rate: 1e30\nsteps: 41\ndynamics:\n"
                 "  - {name: sgd, momentum: 0.5, batch_size: 1}\n  - {name: sgd, batch_size: 4, sampling: shuffle}\n");
  compare_study(cuda, models[0], dynamics, "gaussian"); /* overflows: goes back and looks */
}

/* What is never compiled ahead, beside chains: Langevin equations, laws of the noise, SDEs of adaptive chains, noise on rows. */
static const char on_rows[] =
    "  - {name: langevin, momentum: 0.5, batch_size: 2, weight_decay: 0.125, substeps: 2}\n"
    "  - {name: langevin, label: additive, momentum: 0.5, batch_size: 2, gradient_noise: {law: constant, at: 0}}\n"
    "  - {name: langevin, label: law, momentum: 0.5, batch_size: 2, gradient_noise: {law: constant, at: 0}, scheme: exact}\n"
    "  - {name: sme1, label: root, batch_size: 2, gradient_noise: gaussian-decoupled}\n"
    "  - {name: sme1, label: symmetric, batch_size: 2, factor: symmetric-root, scheme: euler-maruyama}\n"
    "  - {name: sme2, label: symmetric2, batch_size: 2, factor: symmetric-root}\n"
    "  - {name: sgd, label: labels, batch_size: 3, label_noise: 0.5}\n"
    "  - {name: adam, label: inputs, batch_size: 2, input_noise: 0.25, label_noise: 0.5}\n";
static const char more_on_rows[] =
    "  - {name: sgd, label: decoupled, batch_size: 2, gradient_noise: gaussian-decoupled, momentum: 0.5}\n"
    "  - {name: adam, label: constant, batch_size: 2, gradient_noise: {law: constant, at: 0}}\n"
    "  - {name: sgd, label: data, batch_size: 2, gradient_noise: gaussian-exact, momentum: 0.5}\n"
    "  - {name: smf2, batch_size: 2, factor: nodes, nodes: 5}\n"
    "  - {name: rmsprop-sde, batch_size: 2, beta2: 0.875, substeps: 2}\n"
    "  - {name: adam-sde, batch_size: 2, beta1: 0.375, beta2: 0.875}\n  - {name: signsgd-sde, batch_size: 1}\n";
static const char laws_on_rows[] =
    "  - {name: rmsprop-sde, label: own, batch_size: 2, beta2: 0.875, gradient_noise: gaussian-decoupled}\n"
    "  - {name: adam-sde, label: fixed, batch_size: 2, gradient_noise: {law: constant, at: 0}}\n"
    "  - {name: signsgd-sde, label: signs, batch_size: 2, gradient_noise: {law: constant, covariance: [1, 2, 0.5]}}\n";
static const char on_channels[] =
    "  - {name: langevin, momentum: 0.5, batch_size: 2, start_velocity: zero}\n"
    "  - {name: langevin, label: law, momentum: 0.5, gradient_noise: {law: constant, at: 0}, scheme: exact}\n"
    "  - {name: sme1, label: root, scheme: euler-maruyama, gradient_noise: gaussian-decoupled}\n"
    "  - {name: rmsprop-sde, substeps: 2}\n  - {name: adam-sde}\n  - {name: signsgd-sde}\n"
    "  - {name: levy, gradient_noise: {law: constant, covariance: [[1, 0.5, 0], [0.5, 2, 0], [0, 0, 1]]}}\n";
static const char on_samples[] =
    "  - {name: sme1, label: srk2, factor: cholesky, scheme: srk2}\n"
    "  - {name: sgd, batch_size: 3, momentum: 0.5}\n  - {name: adam, batch_size: 4}\n"
    "  - {name: sgd, label: growing, batch_size: 1, momentum: 0.5, batch_schedule: {kind: step, period: 8, gamma: 2}}\n"
    "  - {name: sgd, label: gaussian, batch_size: 2, gradient_noise: gaussian-exact, momentum: 0.5}\n"
    "  - {name: sme1, batch_size: 2, gradient_noise: gaussian-decoupled}\n  - {name: smf2, factor: nodes, nodes: 3}\n";

static void rare_steppers(const eg_backend *cuda) {
  static const char *const processes[] = {
      "{name: scaled-brownian-motion, exponent: 1.5}", "{name: continuous-time-random-walk, exponent: 0.7}",
      "{name: levy-walk, tail: 1.5}", "{name: annealed-transit-time}"};
  static const char head[] = "start: {points: [[0.5, -1, 0.25], [1, 1, -1]]}\nlearning_rate: 1/16\nsteps: 41\ndynamics:\n";
  static const char *const lists[] = {on_rows, more_on_rows, laws_on_rows}; /* so short that kept paths stay below their cap */
  char dynamics[2500];
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
    (void)snprintf(dynamics, sizeof dynamics, "%s%s", head, lists[i]);
    compare_study(cuda, "{name: linear-regression, data: three.h5, ridge: 0.05}", dynamics, "gaussian");
  }
  (void)snprintf(dynamics, sizeof dynamics, "%s%s", head, on_channels);
  compare_study(cuda, "{name: quadratic, curvature: [1, 0.5, 2], noise: [0.5, 0.25, 1]}", dynamics, "gaussian");
  (void)snprintf(dynamics, sizeof dynamics, "start: {point: [0.5, -1]}\nlearning_rate: 1/16\nsteps: 41\ndynamics:\n%s", on_samples);
  compare_study(cuda, "{name: linear-regression-gaussian, input_variance: [1, 0.5], optimum: [1, -1], label_noise: 0.5}", dynamics,
                "gaussian");
  compare_study(cuda, "ornstein-uhlenbeck",
                "start: {points: [[0.5], [1]]}\ntime_step: 1/16\nsteps: 41\ndynamics:\n"
                "  - {name: levy, tail_index: 0.7, scheme: exact, label: law}\n  - {name: levy, tail_index: 1.5, label: euler}\n"
                "  - {name: levy, tail_index: 1, scheme: strang, label: strang}\n",
                "gaussian");
  for (size_t i = 0; i < sizeof processes / sizeof processes[0]; i++) {
    compare_study(cuda, processes[i], "time_step: 1/4\nsteps: 41\ndynamics: sde\n", "gaussian");
  }
  compare_text(cuda, "seed: 9\nmodel: {name: linear-regression, data: three.h5, ridge: 0.05}\nlearning_rate: 1/16\nsteps: 41\n"
                     "start: {points: [[0.5, -1, 0.25]]}\nrealisations: 5000\n"
                     "dynamics: {name: log-time, batch_size: 2, gradient_noise: {law: gaussian-decoupled, loss_offset: 0.5}}\n"
                     "observe: {at: {steps: [0, 1, 2, 17, 41]}, features: [x, clock], statistics: [moments], monitors:\n"
                     "  [{name: a, feature: x0, operation: crossing, level: 0.25}]}\n");
  compare_study(cuda, "{name: linear-regression, data: three.h5, ridge: 0.05}",
                "start: {normal: {mean: 0, std: 1}}\nlearning_rate: 1e30\nsteps: 41\ndynamics:\n"
                "  - {name: langevin, momentum: 0.5}\n  - {name: smf1, factor: nodes, nodes: 3}\n"
                "  - {name: sgd, label_noise: 0.5, batch_size: 2}\n",
                "gaussian"); /* overflows: goes back and looks */
}

static void logistic_lanes(const eg_backend *cuda) {
  compare_study(cuda, "{name: logistic-regression, data: labels.h5, columns: [0, 2], standardize: false, ridge: 0.05}",
                "start: {points: [[0.5, -1], [1, -1]]}\nlearning_rate: 1/16\nsteps: 41\ndynamics:\n"
                "  - {name: sgd, batch_size: 3}\n  - {name: sme2, batch_size: 2, factor: pair, label: pair}\n"
                "  - {name: sme1, factor: data, scheme: euler-maruyama, label: data}\n  - gradient-flow\n"
                "  - {name: sgd, label: shuffle, batch_size: 5, sampling: shuffle}\n"
                "  - {name: adam, batch_size: 3}\n",
                "gaussian");
}

static void has_the_bits_of_the_cpu(const eg_backend *cuda) {
  static const char *const kinds[] = {"gaussian", "table5", "two-point"};
  compare_study(cuda, "ornstein-uhlenbeck",
                "start: {point: 1}\ntime_step: 1/16\nsteps: 41\ndynamics: {name: sde, scheme: exact}\n",
                "gaussian");
  for (size_t k = 0; k < (is_short ? 1 : sizeof kinds / sizeof kinds[0]); k++) {
    compare_study(cuda, "ornstein-uhlenbeck",
                  "start: {normal: {mean: 1, std: 0.5}}\ntime_step: 1/16\nsteps: 41\ndynamics:\n"
                  "  - {name: sde, scheme: euler-maruyama}\n  - {name: sde, scheme: strang}\n",
                  kinds[k]);
    compare_study(cuda, "{name: double-well, sigma: 2}", /* many of these diverge */
                  "start: {points: [[5.74], [0.5], [1e154]]}\nlearning_rate: 1/16\nsteps: 41\n"
                  "dynamics: {name: sgd, batch_size: 1}\n",
                  kinds[k]);
    compare_study(
        cuda,
        "{name: quadratic, curvature: [1, 0.5, 2], noise: [0.5, 0.25, 1], multiplicative: [0.5, 0, 0.1]}",
        "start: {points: [[0.5, -1, 0.25], [1, 1, -1]]}\nlearning_rate: 1/16\nsteps: 41\ndynamics:\n"
        "  - {name: sgd, batch_size: 2}\n  - {name: sme2, substeps: 2}\n  - gradient-flow\n",
        kinds[k]);
    compare_study(
        cuda, "{name: linear-regression, data: three.h5, ridge: 0.05}",
        "start: {points: [[0.5, -1, 0.25], [1, 1, -1]]}\nlearning_rate: 1/16\nsteps: 41\ndynamics:\n"
        "  - {name: sgd, batch_size: 1, label: sgd1}\n  - {name: sgd, batch_size: 3, label: sgd3}\n"
        "  - {name: sme1, batch_size: 2, factor: pair, scheme: euler-maruyama, label: pair1}\n"
        "  - {name: sme2, batch_size: 2, factor: pair, substeps: 2, label: pair2}\n"
        "  - {name: sme1, factor: data, scheme: euler-maruyama, label: data1}\n"
        "  - {name: sme2, factor: data, substeps: 2, label: data2}\n"
        "  - {name: sme2, factor: cholesky, label: cholesky}\n  - gradient-flow\n",
        kinds[k]);
  }
}

static void everything(const eg_backend *cuda) {
  has_the_bits_of_the_cpu(cuda);
  team_form(cuda);
  populations(cuda);
  monitors(cuda);
  chains(cuda);
  logistic_lanes(cuda);
  if (!is_short) {
    team_chains(cuda);
    rare_steppers(cuda);
  }
}

int main(int argc, char **argv) {
  const char *const order = getenv("ENSGRAD_FAKE_ORDER");
  is_short = order != NULL && strcmp(order, "concurrent") != 0 && !(argc > 1 && strcmp(argv[1], "--full") == 0);
  MUST(mkdtemp(folder) != NULL, "temporary folder");
  write_files();
  says_what_is_missing();
  const char *const files[] = {data_path, wide_path, label_path, text_path};
  return run_with_cuda(everything, files, sizeof files / sizeof files[0]);
}
