/*
 * Monitored observables against oracles that do not come from the code under test: the law of window means and sums of an
 * autoregression in closed form (double sums over its covariances), and dynamic programming over the lattice of a random
 * walk, exact to rounding: law of the running maximum and minimum, crossing probabilities, stopped times. Seeds are fixed;
 * every comparison is a z-score with the limit of a family-wise error of 1e-6; wrong oracles must be rejected.
 */
#include <unistd.h>

#include "analysis/moments.h"
#include "check.h"
#include "ensgrad/ensgrad.h"
#include "io/result_file.h"

enum { MAX_ROWS = 64 };

typedef struct row {
  char what[80];
  double value, stderr_, expected;
  bool is_control;
} row;

static row rows[MAX_ROWS];
static size_t n_rows;
static char folder[] = "/tmp/ensgrad-test-XXXXXX";

static void stop_here(const char *text) {
  fprintf(stderr, "%s\n", text);
  exit(1);
}

static eg_labelled *run_study(const char *text) {
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  eg_labelled *file = NULL;
  char output[80];
  eg_run_options options;
  (void)snprintf(output, sizeof output, "%s/result.h5", folder);
  eg_run_options_default(&options);
  options.output = output;
  options.backend = "cpu";
  if (eg_study_parse(ctx, "study.yaml", text, strlen(text), NULL, 0, &study) != EG_OK ||
      eg_run_study(ctx, study, &options) != EG_OK || eg_result_read(ctx, output, &file) != EG_OK) {
    stop_here(eg_context_message(ctx));
  }
  (void)unlink(output);
  eg_study_free(study);
  eg_context_free(ctx);
  return file;
}

/* Number `record` of a variable over (run, time) of one run. */
static double value_of(const eg_labelled *file, const char *name, const char *ending, size_t record) {
  char full[64];
  (void)snprintf(full, sizeof full, "%s%s", name, ending);
  const eg_variable *const v = eg_labelled_find(file, "/", full);
  if (v == NULL || v->type != EG_TYPE_F64 || record >= eg_variable_size(v)) {
    stop_here(full);
    return 0;
  }
  return ((const double *)v->data)[record];
}

static void add_row(const eg_labelled *file, const char *name, const char *quantity, size_t record, double expected,
                    bool is_control) {
  char error[32];
  if (n_rows == MAX_ROWS) {
    stop_here("raise MAX_ROWS");
  }
  row *const r = &rows[n_rows++];
  (void)snprintf(error, sizeof error, "%s_stderr", quantity);
  (void)snprintf(r->what, sizeof r->what, "%s%s at record %zu", name, quantity, record);
  r->value = value_of(file, name, quantity, record);
  r->stderr_ = value_of(file, name, error, record);
  r->expected = expected;
  r->is_control = is_control;
}

#define EXPECT(...) add_row(file, __VA_ARGS__, false)
#define REJECT(...) add_row(file, __VA_ARGS__, true)

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
  CHECK(isnan(value_of(file, "average", "", 0)) && isnan(value_of(file, "average", "_stderr", 0)));
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
    stop_here("temporary folder");
  }
  autoregression();
  random_walk();
  (void)rmdir(folder);
  size_t n_judged = 0;
  for (size_t i = 0; i < n_rows; i++) {
    n_judged += !rows[i].is_control;
  }
  const double limit = eg_student_quantile(1e-6 / (double)n_judged, 63);
  double largest = 0, smallest_control = INFINITY;
  for (size_t i = 0; i < n_rows; i++) {
    const double z = fabs(rows[i].value - rows[i].expected) / rows[i].stderr_;
    if (rows[i].is_control ? !(z > limit) : !(z <= limit)) {
      fprintf(stderr, "%s: %.9g +- %.2g, oracle%s %.9g, z %.2f\n", rows[i].what, rows[i].value, rows[i].stderr_,
              rows[i].is_control ? " (wrong on purpose)" : "", rows[i].expected, z);
    }
    CHECK(rows[i].is_control ? z > limit : z <= limit);
    largest = rows[i].is_control ? largest : fmax(largest, z);
    smallest_control = rows[i].is_control ? fmin(smallest_control, z) : smallest_control;
  }
  printf("%zu z judged, largest %.2f of %.2f; %zu wrong oracles rejected, smallest %.2f\n", n_judged, largest, limit,
         n_rows - n_judged, smallest_control);
  return check_report();
}
