/*
 * The stopped process of an absorbing exit. The chain x' = (1 - h) x + sqrt(h) xi of an Ornstein-Uhlenbeck process, begun at 1/4, is
 * stopped at the step S that leaves (-0.9, 1.1). With K = min(S, n) and f(k) = E[f(x') | x_k] - f(x_k) the sum of f(k) over k < K has
 * the mean E f(x_K) - f(x_0) (optional stopping), and means of such sums solve the integral equation of the chain: so the exact mean
 * stopped time, the moments of the stopped process and the sum of x^2 along its way, at a time in the midst and behind nearly all exits.
 * Rejected: the process that goes on, another time, a sum to which the frozen value goes on being added.
 */
#include "judge.h"
#include "quadrature.h"
#include "run/result_text.h"

static const double H = 1.0 / 32, LOW = -0.9, HIGH = 1.1, START = 0.25;

static void chain(const void *setting, double x, double *mean, double *deviation) {
  (void)setting;
  *mean = (1 - H) * x;
  *deviation = sqrt(H);
}
static double one(const void *setting, double x) {
  (void)setting;
  (void)x;
  return 1;
}
static double square(const void *setting, double x) {
  (void)setting;
  return x * x;
}
static double drift(const void *setting, double x) {
  (void)setting;
  return -H * x;
}

static double sum_of(const grid *g, double (*f)(const void *, double), int n) {
  return chain_reward(g, chain, f, NULL, START, n);
}

static void compare_at(const eg_labelled *file, const char *name, size_t t, double expected, bool is_control) {
  char error[48];
  (void)snprintf(error, sizeof error, "%s_stderr", name);
  compare(is_control, name, value_of(file, name, 0, t, false, 0), value_of(file, error, 0, t, false, 0), expected, 4000);
}

int main(void) {
  static const int steps[] = {24, 1280};
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  eg_labelled *const file = run_study(
      "seed: 97\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nstart: {point: 0.25}\nsteps: 1280\ntime_step: 1/32\n"
      "dynamics: {name: sde, scheme: euler-maruyama}\nrealisations: 2^18\nobserve:\n  at: {steps: [24, 1280]}\n"
      "  features: [x, norm2]\n  histograms: {feature: up_time, low: 0, high: 40, bins: 4}\n  monitors:\n"
      "    - {name: up, feature: x0, operation: crossing, level: 1.1, direction: up, absorbing: true, exit: door}\n"
      "    - {name: down, feature: x0, operation: crossing, level: -0.9, direction: down, absorbing: true, exit: door}\n"
      "    - {name: area, feature: norm2, operation: sum}\n"
      "analyse:\n  - escape: {of: up}\n");
  grid g = make_grid(LOW, HIGH, 10, 12);
  for (size_t t = 0; t < 2; t++) {
    const int n = steps[t];
    const double time = sum_of(&g, one, n), squares = sum_of(&g, square, n);
    const double x2 = START * START + ((1 - H) * (1 - H) - 1) * squares + H * time;
    compare_at(file, "door_time", t, H * time, false);
    compare_at(file, "x", t, START + sum_of(&g, drift, n), false);
    compare_at(file, "norm2", t, x2, false);
    compare_at(file, "area", t, squares + x2 - START * START, false);
    compare_at(file, "norm2", t, 0.5 / (1 - H / 2), true); /* the process that goes on, stationary */
    compare_at(file, "area", t, squares + x2 - START * START + (n - time) * x2, true);
    compare_at(file, "door_time", t, H * sum_of(&g, one, t == 0 ? n - 1 : 24), true);
    /* the time at risk of one door ends at the other */
    CHECK(value_of(file, "up_time", 0, t, false, 0) == value_of(file, "door_time", 0, t, false, 0));
    CHECK(value_of(file, "up", 0, t, false, 0) == value_of(file, "up_first", 0, t, false, 0));
  }
  CHECK(value_of(file, "up", 0, 1, false, 0) + value_of(file, "down", 0, 1, false, 0) == 1); /* each has left, by one of them */
  const eg_variable *const rate = eg_labelled_find(file, "/analysis", "escape_rate");
  const double want = value_of(file, "up", 0, 1, false, 0) / value_of(file, "door_time", 0, 1, false, 0);
  CHECK(rate != NULL && fabs(((const double *)rate->data)[0] / want - 1) < 1e-12);
  const eg_attribute *const by = rate == NULL ? NULL : eg_labelled_attribute(rate, "absorbed_by");
  CHECK(by != NULL && by->type == EG_TYPE_TEXT && strcmp(((char *const *)by->data)[0], "down") == 0);
  CHECK(eg_labelled_find(file, "/analysis", "escape_grid_survival") == NULL); /* there is the histogram, and the table says why not */
  eg_text table = {0};
  eg_result_escape_text(&table, file);
  CHECK_HAS(eg_text_string(&table), "Absorbing crossings stop trajectories too: down.");
  eg_text_free(&table);
  CHECK(eg_labelled_find(file, "/", "x_expected") == NULL || value_of(file, "x_z", 0, 0, false, 0) != value_of(file, "x_z", 0, 0, false, 0));
  free_grid(&g);
  eg_labelled_free(file);
  (void)judge_rows(8, 6);
  (void)rmdir(folder);
  return check_report();
}
