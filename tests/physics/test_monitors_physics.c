/*
 * Monitored observables against oracles that do not come from the code under test: the law of window means and sums of an
 * autoregression in closed form (double sums over its covariances), and dynamic programming over the lattice of a random
 * walk, exact to rounding: law of the running maximum and minimum, crossing probabilities, stopped times. Seeds are fixed;
 * every comparison is a z-score with the limit of a family-wise error of 1e-6; wrong oracles must be rejected.
 */
#include "judge.h"

/* Number `record` of a variable over (run, time) of one run. */
static double number_of(const eg_labelled *file, const char *name, const char *ending, size_t record) {
  char full[64];
  (void)snprintf(full, sizeof full, "%s%s", name, ending);
  const eg_variable *const v = eg_labelled_find(file, "/", full);
  if (v == NULL || record >= eg_variable_size(v)) {
    stop_with(full);
    return 0;
  }
  return v->type == EG_TYPE_F64 ? ((const double *)v->data)[record] : (double)((const int64_t *)v->data)[record];
}

static void compare_record(const eg_labelled *file, const char *name, const char *quantity, size_t record, double expected,
                           bool is_control) {
  char error[32], what[80];
  (void)snprintf(error, sizeof error, "%s_stderr", quantity);
  (void)snprintf(what, sizeof what, "%s%s at record %zu", name, quantity, record);
  const double effective =
      number_of(file, name, "_count", record) / fmax(1, (number_of(file, name, "_kurtosis", record) - 1) / 2);
  compare(is_control, what, number_of(file, name, quantity, record), number_of(file, name, error, record), expected, effective);
}

#define EXPECT(...) compare_record(file, __VA_ARGS__, false)
#define REJECT(...) compare_record(file, __VA_ARGS__, true)

/* ---- x' = a x + s z, x_0 = start: Euler-Maruyama of Ornstein-Uhlenbeck ---- */

/* Mean and variance of the sum over steps first < k <= last. */
static void window_sum(double a, double s, double start, int first, int last, double *mean, double *variance) {
  *mean = *variance = 0;
  for (int i = first + 1; i <= last; i++) {
    *mean += start * pow(a, i);
    for (int k = first + 1; k <= last; k++) {
      const int low = i < k ? i : k;
      *variance += pow(a, abs(i - k)) * s * s * (1 - pow(a, 2 * low)) / (1 - a * a);
    }
  }
}

static void autoregression(void) {
  /* two integrator steps of 1/32 in each time step; windows 0.5 < t <= 1.5 and 0 < t <= 2 */
  eg_labelled *const file = run_study(
      "seed: 21\nmodel: {name: ornstein-uhlenbeck, rate: 2, mean: 0, sigma: 0.75}\nstart: {point: 1}\ntime_step: 1/16\n"
      "horizon: 2\ndynamics: {name: sde, scheme: euler-maruyama, substeps: 2}\nrealisations: 2^19\nnoise: gaussian64\n"
      "observe:\n  at: [0.25, 1, 2]\n  features: [x]\n  monitors:\n"
      "    - {name: average, feature: x0, operation: mean, from: 0.5, to: 1.5}\n"
      "    - {name: total, feature: x0, operation: sum}\n    - {name: squares, feature: norm2, operation: mean}\n");
  const double h = 1.0 / 32, a = 1 - 2 * h, s = 0.75 * sqrt(h);
  double mean, variance;
  const struct {
    int last, n;
    size_t record;
  } windows[] = {{32, 16, 1}, {48, 32, 2}}; /* passed so far, and frozen behind its end */
  for (int i = 0; i < 2; i++) {
    window_sum(a, s, 1, 16, windows[i].last, &mean, &variance);
    const double n = windows[i].n;
    EXPECT("average", "", windows[i].record, mean / n);
    EXPECT("average", "_variance", windows[i].record, variance / n / n);
    window_sum(a, s, 1, 15, windows[i].last - 1, &mean, &variance);
    REJECT("average", "", windows[i].record, mean / n);
    window_sum(a, s, 1, 16, windows[i].last - 4, &mean, &variance);
    REJECT("average", "_variance", windows[i].record, variance / (n - 4) / (n - 4));
  }
  const int ends[3] = {8, 32, 64};
  for (size_t t = 0; t < 3; t++) {
    window_sum(a, s, 1, 0, ends[t], &mean, &variance);
    EXPECT("total", "", t, mean);
    EXPECT("total", "_variance", t, variance);
    double squares = 0;
    for (int k = 1; k <= ends[t]; k++) {
      squares += pow(a, 2 * k) + s * s * (1 - pow(a, 2 * k)) / (1 - a * a);
    }
    EXPECT("squares", "", t, squares / ends[t]);
    REJECT("squares", "", t, (squares + 1) / (ends[t] + 1)); /* with the start */
  }
  CHECK(isnan(number_of(file, "average", "", 0)) && isnan(number_of(file, "average", "_stderr", 0)));
  const eg_variable *const count = eg_labelled_find(file, "/", "average_count");
  CHECK(count != NULL && ((const int64_t *)count->data)[0] == 0 && ((const int64_t *)count->data)[1] == 1 << 19);
  eg_labelled_free(file);
}

/* ---- random walk x' = x -+ 1/16 ---- */

enum { WALK = 60, SITES = 2 * WALK + 1 };

/* Probability that the walk has reached site `level` by step n, and E min(T, n). */
static void reach(int level, int n, double *probability, double *stopped) {
  static double p[SITES + 2], next[SITES + 2]; /* site i: i - WALK; one more on both sides */
  memset(p, 0, sizeof p);
  p[WALK + 1] = 1;
  *probability = *stopped = 0;
  for (int k = 1; k <= n; k++) {
    *stopped += 1 - *probability; /* P(T >= k) */
    memset(next, 0, sizeof next);
    for (int i = 1; i <= SITES; i++) {
      next[i - 1] += p[i] / 2;
      next[i + 1] += p[i] / 2;
    }
    *probability += next[WALK + 1 + level];
    next[WALK + 1 + level] = 0;
    memcpy(p, next, sizeof p);
  }
}

/* Mean and variance of the maximum over steps 0 .. n, in sites, from P(max >= m). */
static void maximum(int n, double *mean, double *variance) {
  double second = 0, unused, probability;
  *mean = 0;
  for (int m = 1; m <= n; m++) {
    reach(m, n, &probability, &unused);
    *mean += probability;
    second += (2 * m - 1) * probability;
  }
  *variance = second - *mean * *mean;
}

static void random_walk(void) {
  eg_labelled *const file = run_study(
      "seed: 22\nmodel: {name: quadratic, curvature: [0], noise: [1]}\nstart: {point: 0}\nlearning_rate: 1/16\nsteps: 60\n"
      "dynamics: {name: sgd, batch_size: 1}\nnoise: two-point\nrealisations: 2^19\n"
      "observe:\n  at: {steps: [7, 30, 60]}\n  features: [x]\n  monitors:\n"
      "    - {name: highest, feature: x0, operation: maximum}\n    - {name: lowest, feature: x0, operation: minimum}\n"
      "    - {name: exit, feature: x0, operation: crossing, level: 5/16, direction: up}\n"
      "    - {name: fall, feature: x0, operation: crossing, level: -1/4}\n");
  const int steps[3] = {7, 30, 60};
  const double site = 1.0 / 16, time = 1.0 / 16;
  for (size_t t = 0; t < 3; t++) {
    double mean, variance, probability, stopped;
    maximum(steps[t], &mean, &variance);
    EXPECT("highest", "", t, mean * site);
    EXPECT("highest", "_variance", t, variance * site * site);
    EXPECT("lowest", "", t, -mean * site);
    reach(5, steps[t], &probability, &stopped);
    EXPECT("exit", "", t, probability);
    EXPECT("exit_time", "", t, stopped * time);
    reach(-4, steps[t], &probability, &stopped);
    EXPECT("fall", "", t, probability);
    EXPECT("fall_time", "", t, stopped * time);
    maximum(steps[t] - 1, &mean, &variance);
    REJECT("highest", "", t, mean * site);
    reach(6, steps[t], &probability, &stopped);
    REJECT("exit", "", t, probability);
    reach(-4, steps[t] - 1, &probability, &stopped);
    REJECT("fall_time", "", t, (stopped + 1) * time);
  }
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("temporary folder");
  }
  autoregression();
  random_walk();
  (void)rmdir(folder);
  CHECK(judge_rows(30, 14) < 2.0);
  return check_report();
}
