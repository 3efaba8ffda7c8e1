/*
 * The step of an event beside its time: mean stopped step of a chain and of an equation whose steps are independent (curvature x step = 1),
 * so that first passages are geometric, and the step of every kept trajectory against a recount of its path. Negative controls: the
 * time as the step, the step of the learning rate as that of the integrator.
 */
#include "judge.h"

enum { STEPS = 24, KEPT = 50, SUBSTEPS = 2 };
static const double LEVEL = 1;

static double chance(double deviation) { /* of a normal above LEVEL */
  return erfc(LEVEL / deviation / sqrt(2.0)) / 2;
}

/* E min(T, n) of a geometric time */
static double geometric(double p, int n) {
  return -expm1(n * log1p(-p)) / p;
}

/* First step whose value is at least LEVEL, or the last. */
static void recount(const eg_labelled *file, size_t run, size_t n_runs) {
  const eg_variable *const x = eg_labelled_find(file, "/", "x_path"), *const steps = eg_labelled_find(file, "/", "up_time_steps_path");
  const eg_variable *const time = eg_labelled_find(file, "/", "up_time_path");
  if (x == NULL || steps == NULL || time == NULL || eg_variable_size(x) != n_runs * KEPT * (STEPS + 1)) {
    stop_with("kept paths");
    return;
  }
  const double *const path = (const double *)x->data + run * KEPT * (STEPS + 1), *const counted = (const double *)steps->data + run * KEPT * (STEPS + 1);
  size_t n_events = 0;
  for (size_t i = 0; i < KEPT; i++) {
    int first = STEPS;
    for (int s = STEPS; s > 0; s--) {
      first = path[i * (STEPS + 1) + (size_t)s] >= LEVEL ? s : first;
    }
    CHECK(counted[i * (STEPS + 1) + STEPS] == first);
    CHECK_NEAR(((const double *)time->data)[run * KEPT * (STEPS + 1) + i * (STEPS + 1) + STEPS], first / 2.0, 1e-12);
    n_events += first < STEPS;
  }
  printf("%zu of %d kept trajectories crossed\n", n_events, KEPT);
  CHECK(n_events > 10);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no temporary folder");
  }
  static const char monitors[] = "  monitors: {name: up, feature: x0, operation: crossing, level: 1, direction: up}\n";
  char text[900], every[200] = "[0";
  for (int s = 1; s <= STEPS; s++) {
    (void)snprintf(every + strlen(every), sizeof every - strlen(every), ", %d%s", s, s == STEPS ? "]" : "");
  }
  /* chain: x' = x - (2 x + noise) / 2; two of them fill the axis of runs */
  (void)snprintf(text, sizeof text,
                 "seed: 31\nmodel: {name: quadratic, curvature: 2, noise: [1.5]}\nstart: {point: 0}\nlearning_rate: 1/2\nsteps: %d\n"
                 "dynamics: [{name: sgd, batch_size: 1}, {name: sgd, label: half, batch_size: 2}]\nrealisations: 40000\n"
                 "observe:\n  at: {steps: %s}\n  features: [x]\n  keep: {realisations: %d}\n%s",
                 STEPS, every, KEPT, monitors);
  (void)snprintf(text + strlen(text), sizeof text - strlen(text), "analyse: {escape: {of: up}}\n");
  eg_labelled *file = run_study(text);
  for (size_t run = 0; run < 2; run++) {
    const double want = geometric(chance(0.75 / sqrt(1.0 + (double)run)), STEPS);
    const double value = last_of(file, "up_time_steps", run), error = last_of(file, "up_time_steps_stderr", run);
    compare(false, run == 0 ? "sgd" : "sgd, batch 2", value, error, want, 40000);
    compare(true, "the time as the step", value, error, want / 2, 40000);
    CHECK_NEAR(value, last_of(file, "up_time", run) * 2, 1e-12);
    recount(file, run, 2);
  }
  eg_labelled_free(file);
  /* Euler with two substeps of 1/4: x' = x - 4 x / 4 + noise; a step of the integrator is half of one of the sweep */
  (void)snprintf(text, sizeof text,
                 "seed: 32\nmodel: {name: ornstein-uhlenbeck, rate: 4, sigma: 1.5}\nstart: {point: 0}\ntime_step: 1/2\nsteps: %d\n"
                 "dynamics: {name: sde, substeps: %d}\nrealisations: 40000\nobserve:\n  at: {steps: [%d]}\n  features: [x]\n%s",
                 STEPS / SUBSTEPS, SUBSTEPS, STEPS / SUBSTEPS, monitors);
  file = run_study(text);
  const double want = geometric(chance(0.75), STEPS), value = last_of(file, "up_time_steps", 0), error = last_of(file, "up_time_steps_stderr", 0);
  compare(false, "equation", value, error, want, 40000);
  compare(true, "steps of the sweep", value, error, want / SUBSTEPS, 40000);
  eg_labelled_free(file);
  (void)judge_rows(3, 3);
  (void)rmdir(folder);
  return check_report();
}
