/*
 * Analysis escape against plain loops in long double over kept paths of every step, all of whose realisations are kept: events, time at
 * risk, rate and its error, who left by which of two exits and when, survival and incidence with their errors; a crossing alone, which
 * does not absorb, too. Controls: rivals as survivors, the other exit, one step late.
 */
#include "physics/run_text.h"

typedef long double real;

enum { N = 1000, STEPS = 96, TIMES = 6, PART = STEPS / TIMES };
static const double h = 1.0 / 16;
static char folder[] = "/tmp/ensgrad-escape-XXXXXX";
static eg_labelled *file;
static size_t n_compared;
static double largest_error;

static const double *find(const char *group, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, group, name);
  if (v == NULL) {
    stop_with(name);
    return NULL;
  }
  return v->data;
}

static double number(const char *suffix, size_t at) {
  char name[64];
  (void)snprintf(name, sizeof name, "escape%s", suffix);
  return find("/analysis", name)[at];
}

static bool is_near(double got, real want) { return (double)fabsl((real)got - want) <= 1e-12 * (double)fmaxl(fabsl(want), 1e-3L); }

static void compare_number(const char *suffix, size_t at, real want) {
  const double got = number(suffix, at);
  n_compared++;
  largest_error = fmax(largest_error, (double)(fabsl((real)got - want) / fmaxl(fabsl(want), 1e-3L)));
  if (!is_near(got, want)) {
    fprintf(stderr, "escape%s[%zu]: %.17g, reference %.17Lg\n", suffix, at, got, want);
  }
  CHECK(is_near(got, want));
}

/* The first step at which a path stands beyond one of the levels, STEPS + 1: none; *is_up: beyond the upper one. */
static size_t first_exit(const double *path, double high, double low, bool *is_up) {
  for (size_t s = 0; s < STEPS; s++) {
    if (path[s] >= high || path[s] <= low) {
      *is_up = path[s] >= high;
      return s + 1;
    }
  }
  return STEPS + 1;
}

/* By the end of each part between two observations. */
typedef struct counts {
  real up[TIMES], down[TIMES], risk;
} counts;

static counts recount(double high, double low) {
  const double *const paths = find("/", "x_path");
  counts c = {{0}, {0}, 0};
  for (size_t r = 0; r < N; r++) {
    bool is_up = false;
    const size_t step = first_exit(paths + r * STEPS, high, low, &is_up);
    c.risk += (real)(step < STEPS ? step : STEPS) * h;
    for (size_t t = 0; t < TIMES; t++) {
      const bool has_left = step <= (t + 1) * PART;
      c.up[t] += has_left && is_up;
      c.down[t] += has_left && !is_up;
    }
  }
  return c;
}

/* Survival by the upper exit alone, the other one being censoring: factors (1 - d / Y)^(e / d), and by the delta method the error. */
static void survive(const counts *c, size_t t, real *share, real *error) {
  real log_share = 0, variance = 0;
  for (size_t k = 0; k <= t; k++) {
    const real before = k == 0 ? 0 : c->up[k - 1] + c->down[k - 1], Y = N - before;
    const real e = c->up[k] - (k == 0 ? 0 : c->up[k - 1]), d = c->up[k] + c->down[k] - before;
    if (d > 0) {
      const real p = d / Y, q = e / d, stay = log1pl(-p);
      log_share += q * stay;
      variance += q * q * p / ((1 - p) * Y) + stay * stay * q * (1 - q) / d;
    }
  }
  *share = expl(log_share);
  *error = *share * sqrtl(variance);
}

static void check_rate(const counts *c) {
  const real events = c->up[TIMES - 1];
  compare_number("_events", 0, events);
  compare_number("_risk", 0, c->risk);
  compare_number("_rate", 0, events / c->risk);
  compare_number("_rate_stderr", 0, sqrtl(events) / c->risk);
  compare_number("_censored", 0, N - events);
}

static void beside_another(void) {
  file = run_with(folder,
                  "seed: 61\nmodel: ornstein-uhlenbeck\nstart: {point: 0.25}\ntime_step: 1/16\nsteps: 96\nrealisations: 1000\n"
                  "dynamics: {name: sde, scheme: euler-maruyama}\nobserve:\n  at: {linear: 6}\n  features: [x]\n"
                  "  keep: {realisations: 1000, of: [x], at: {steps: {linear: 96}}}\n  monitors:\n"
                  "    - {name: up, feature: x0, operation: crossing, level: 1, direction: up, absorbing: true, exit: door}\n"
                  "    - {name: down, feature: x0, operation: crossing, level: -0.75, direction: down, absorbing: true, exit: door}\n"
                  "analyse: [{escape: {of: up}}]\n",
                  true);
  const counts c = recount(1, -0.75);
  CHECK(c.up[TIMES - 1] > 100 && c.down[TIMES - 1] > 100 && c.up[TIMES - 1] + c.down[TIMES - 1] < N);
  check_rate(&c);
  for (size_t t = 0; t < TIMES; t++) {
    real share = 0, error = 0;
    const real p = c.up[t] / N;
    survive(&c, t, &share, &error);
    compare_number("_rivals", t, c.down[t]);
    compare_number("_survival", t, share);
    compare_number("_survival_stderr", t, error);
    compare_number("_incidence", t, p);
    compare_number("_incidence_stderr", t, sqrtl(p * (1 - p) / N));
    CHECK(!is_near(number("_survival", t), 1 - p)); /* rivals as survivors */
    CHECK(!is_near(number("_incidence", t), c.down[t] / N));
  }
  CHECK(!is_near(number("_risk", 0), c.risk + N * h));
  eg_labelled_free(file);
}

static void alone(void) {
  file = run_with(folder,
                  "seed: 62\nmodel: ornstein-uhlenbeck\nstart: {point: 0.25}\ntime_step: 1/16\nsteps: 96\nrealisations: 1000\n"
                  "dynamics: {name: sde, scheme: euler-maruyama}\nobserve:\n  at: {linear: 6}\n  features: [x]\n"
                  "  keep: {realisations: 1000, of: [x], at: {steps: {linear: 96}}}\n  monitors:\n"
                  "    - {name: up, feature: x0, operation: crossing, level: 1, direction: up}\nanalyse: [{escape: {of: up}}]\n",
                  true);
  const counts c = recount(1, -INFINITY);
  check_rate(&c);
  for (size_t t = 0; t < TIMES; t++) {
    const real p = c.up[t] / N;
    compare_number("_survival", t, 1 - p);
    compare_number("_survival_stderr", t, sqrtl(p * (1 - p) / N));
    CHECK(eg_labelled_find(file, "/analysis", "escape_incidence") == NULL);
  }
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  beside_another();
  alone();
  (void)rmdir(folder);
  printf("%zu numbers, largest relative error %.1e\n", n_compared, largest_error);
  CHECK(n_compared == 5 + 5 * TIMES + 5 + 2 * TIMES);
  return check_report();
}
