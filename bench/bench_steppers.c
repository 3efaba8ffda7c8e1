/* How long is one step of each stepper? The real program on one core against the same algorithm as a plain C loop. */
#include "measure.h"

#include <stdio.h>
#include <string.h>

#define OU     "{name: ornstein-uhlenbeck}"
#define PLANE  "{name: quadratic, curvature: [1, 0.5], noise: 1}"
#define FRESH  "{name: linear-regression-gaussian, dimension: 4}"
#define GBM    "{name: geometric-brownian-motion, mu: 0.05, sigma: 0.2}"
#define DATA   NULL /* least squares on the rows of the benchmark's own file */
#define RATE   "learning_rate=1/64"

/* kind: of bench/peers/stepper_naive.c */
static const struct {
  const char *name, *kind, *model, *dynamics, *step;
  double steps;
} steppers[] = {
    {"sde euler-maruyama, d = 1", "euler", OU, "{name: sde}", "time_step=1/64", 4000},
    {"sde exact, d = 1", "exact", OU, "{name: sde, scheme: exact}", "time_step=1/64", 4000},
    {"sgd, Gaussian noise, d = 2", "sgd", PLANE, "{name: sgd, batch_size: 1}", RATE, 2000},
    {"sme2 strang, diagonal, d = 2", "sme", PLANE, "{name: sme2, batch_size: 1, factor: symmetric-root}", RATE, 2000},
    {"sgd momentum, Gaussian noise, d = 2", "momentum", PLANE, "{name: sgd, batch_size: 1, momentum: 0.9}", RATE, 2000},
    {"adam, Gaussian noise, d = 2", "adam", PLANE, "{name: adam, batch_size: 1}", RATE, 1000},
    {"sgd, fresh samples, d = 4", "samples", FRESH, "{name: sgd, batch_size: 1}", RATE, 1000},
    {"sgd, rows, d = 8", "sgd_rows", DATA, "{name: sgd, batch_size: 1}", RATE, 1000},
    {"sgd momentum, rows, d = 8", "momentum_rows", DATA, "{name: sgd, batch_size: 1, momentum: 0.9}", RATE, 1000},
    {"adam, rows, d = 8", "adam_rows", DATA, "{name: adam, batch_size: 1}", RATE, 500},
    {"svag l = 4, rows, d = 8", "svag_rows", DATA, "{name: svag, batch_size: 1, l: 4}", RATE, 250},
    {"sme2 strang, pair, d = 8", "pair_rows", DATA, "{name: sme2, batch_size: 1, factor: pair}", RATE, 500},
    {"smf2 strang, 4 nodes, d = 8", "nodes_rows", DATA, "{name: smf2, batch_size: 1, factor: nodes, nodes: 4}", RATE, 250},
    {"sgd, rows with label noise, d = 8", "noisy_rows", DATA, "{name: sgd, batch_size: 1, label_noise: 0.5}", RATE, 500},
    {"sgd momentum, fresh samples, d = 4", "momentum_samples", FRESH, "{name: sgd, batch_size: 1, momentum: 0.9}", RATE, 500},
    {"svag l = 4, fresh samples, d = 4", "svag_samples", FRESH, "{name: svag, batch_size: 1, l: 4}", RATE, 125},
    {"sde milstein, d = 1", "milstein", GBM, "{name: sde, scheme: milstein}", "time_step=1/64", 4000},
    {"sde heun, d = 1", "heun", GBM, "{name: sde, scheme: heun}", "time_step=1/64", 4000},
    {"sde srk2, d = 1", "srk2", GBM, "{name: sde, scheme: srk2}", "time_step=1/64", 4000},
    {"langevin, Gaussian noise, d = 2", "langevin", PLANE, "{name: langevin, batch_size: 1, momentum: 0.9}", RATE, 1000},
    {"langevin exact, d = 2", "langevin_exact", PLANE, "{name: langevin, batch_size: 1, momentum: 0.9, scheme: exact}", RATE, 1000},
    {"sme1 euler, noise by the loss, d = 2", "root", PLANE,
     "{name: sme1, scheme: euler-maruyama, gradient_noise: {law: gaussian-decoupled, loss_offset: 0.5}}", RATE, 1000},
    {"log-time, d = 2", "log_time", PLANE, "{name: log-time, gradient_noise: {law: gaussian-decoupled, loss_offset: 0.5}}", RATE, 1000},
    {"rmsprop-sde, d = 2", "rmsprop_sde", PLANE, "{name: rmsprop-sde, batch_size: 1}", RATE, 1000},
    {"adam-sde, d = 2", "adam_sde", PLANE, "{name: adam-sde, batch_size: 1}", RATE, 1000},
    {"signsgd-sde, d = 2", "sign_sde", PLANE, "{name: signsgd-sde, batch_size: 1}", RATE, 1000},
    {"levy euler, tail_index 1.5, d = 1", "levy", OU, "{name: levy, tail_index: 1.5}", "time_step=1/64", 1000},
    {"scaled Brownian motion", "scaled", "{name: scaled-brownian-motion, exponent: 1.5}", "sde", "time_step=1/64", 1000},
    {"continuous-time random walk", "walk", "{name: continuous-time-random-walk, exponent: 0.7}", "sde", "time_step=1", 500},
    {"Levy walk", "flights", "{name: levy-walk, tail: 1.5}", "sde", "time_step=1", 500},
    {"annealed transit time", "transit", "{name: annealed-transit-time}", "sde", "time_step=1", 500},
};
enum { N_STEPPERS = sizeof steppers / sizeof steppers[0], TRAJECTORIES = 65536, NAIVE_TRAJECTORIES = 2048 };

/* The command with that many steps; svag's iterations are counted: a step has four. */
static const char *const *command(bench *b, size_t i, double steps) {
  const char *const model = steppers[i].model != NULL
                                ? steppers[i].model
                                : bench_text("{name: linear-regression, data: %s/sgd.h5, standardize: false}", b->folder);
  const char *const at = bench_text("observe.at={steps: {linear: %d}}", steps > 4 ? 4 : 1);
  return bench_words(b, b->program, "run", BENCH_SOURCE "/studies/stepper.yaml", "-o", "result.h5", "--force", "--backend",
                     "cpu", "--threads", "1", "--quiet", "--set", bench_text("model=%s", model), "--set",
                     bench_text("dynamics=%s", steppers[i].dynamics), "--set", bench_text("steps=%.0f", steps), "--set", at,
                     "--set", steppers[i].step, NULL);
}

int main(int argc, char **argv) {
  bench b;
  bench_sample unused;
  bench_open(&b, "steppers", argc, argv);
  const bool has_rows = bench_run(&b, bench_words(&b, "/usr/bin/python3", BENCH_SOURCE "/make_sgd_data.py", "sgd.h5", NULL),
                                  &unused);
  const char *const naive = bench_text("%s/stepper_naive", b.peers);
  for (size_t i = 0; i < N_STEPPERS; i++) {
    if (steppers[i].model == NULL && !has_rows) {
      bench_add_missing(&b, steppers[i].name, "the data file needs /usr/bin/python3 with h5py and numpy");
      continue;
    }
    const double iterations = steppers[i].steps * (strncmp(steppers[i].kind, "svag", 4) == 0 ? 4 : 1);
    bench_case *const own = bench_add(&b, steppers[i].name, bench_text("%d trajectories x %.0f steps", TRAJECTORIES, iterations),
                                      TRAJECTORIES * iterations, command(&b, i, steppers[i].steps), command(&b, i, 1));
    if (!bench_is_there(naive)) {
      bench_add_missing(&b, bench_text("naive C: %s", steppers[i].name), "it was not built");
      continue;
    }
    const char *const steps = bench_text("%.0f", iterations), *const n = bench_text("%d", NAIVE_TRAJECTORIES);
    bench_case *const peer = bench_add(&b, bench_text("naive C: %s", steppers[i].name),
                                       bench_text("%d trajectories x %.0f steps", NAIVE_TRAJECTORIES, iterations),
                                       NAIVE_TRAJECTORIES * iterations, bench_words(&b, naive, steppers[i].kind, n, steps, NULL),
                                       bench_words(&b, naive, steppers[i].kind, n, "1", NULL));
    peer->own = own;
    peer->target_ratio = 6;
  }
  bench_measure(&b);
  bench_report(&b, "ns per trajectory-step");
  return bench_close(&b);
}
