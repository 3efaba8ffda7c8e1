/*
 * Exits out of sets: a box in the plane by four labelled crossings, whose survival is the square of an interval's where components are
 * independent; balls about 0 (norm2) and about the start (displacement2), for which optional stopping gives E |x_S - x_0|^2 of a walk
 * from the mean stopped time, without any other number. All are chains, so levels need no shift. With negative controls.
 */
#include "physics/judge.h"

enum { STEPS = 96, N = 100000 };

static const char monitors_1[] = "    - {name: up, feature: x0, operation: crossing, level: 0.5, direction: up, absorbing: true, exit: set}\n"
                                 "    - {name: down, feature: x0, operation: crossing, level: -0.375, direction: down, absorbing: true, exit: set}\n",
                  monitors_2[] = "    - {name: right, feature: x1, operation: crossing, level: 0.5, direction: up, absorbing: true, exit: set}\n"
                                 "    - {name: left, feature: x1, operation: crossing, level: -0.375, direction: down, absorbing: true, exit: set}\n";

static eg_labelled *leave(int seed, int dim, const char *monitors, const char *more) {
  char text[2000];
  (void)snprintf(text, sizeof text,
                 "seed: %d\nmodel: {name: quadratic, curvature: %s, noise: 1}\nlearning_rate: 1/8\nsteps: %d\n"
                 "dynamics: {name: sgd, batch_size: 1}\nrealisations: %d\nobserve:\n  at: {steps: {linear: %d}}\n  features: [x]\n"
                 "  histograms: {feature: set_time, low: 0, high: 12, bins: 96}\n  monitors:\n%s%sanalyse: {escape: {of: set}}\n",
                 seed, dim == 1 ? "1" : "[1, 1]", STEPS, N, STEPS, monitors, more);
  return run_study(text);
}

static double at(const eg_labelled *file, const char *name, size_t i) {
  const eg_variable *const v = eg_labelled_find(file, "/", name);
  if (v == NULL || i >= eg_variable_size(v)) {
    stop_with(name);
    return 0;
  }
  return ((const double *)v->data)[i];
}

/* Share that is still in the set after i + 1 steps, by the exits that came first. */
static double stay(const eg_labelled *file, size_t i, size_t n_exits) {
  static const char *const names[] = {"up_first", "down_first", "right_first", "left_first"};
  double left = 0;
  for (size_t k = 0; k < n_exits; k++) {
    left += at(file, names[k], i);
  }
  return 1 - left;
}

static double analysis(const eg_labelled *file, const char *name, size_t i) {
  const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
  if (v == NULL || i >= eg_variable_size(v)) {
    stop_with(name);
    return 0;
  }
  return ((const double *)v->data)[i];
}

/* The analysis of an exit is of all its crossings together. */
static void check_analysis(const eg_labelled *file, size_t n_exits) {
  const size_t last = STEPS - 1;
  const double left = 1 - stay(file, last, n_exits), risk = N * at(file, "set_time", last);
  for (size_t i = 0; i < STEPS; i++) {
    CHECK_NEAR(analysis(file, "escape_survival", i), stay(file, i, n_exits), 1e-12);
    /* counted on the edges of a grid: before that time */
    CHECK_NEAR(analysis(file, "escape_grid_survival", i), i == 0 ? 1 : i == 1 ? 1 : stay(file, i - 2, n_exits), 1e-12);
  }
  CHECK_NEAR(analysis(file, "escape_events", 0), N * left, 1e-6);
  CHECK_NEAR(analysis(file, "escape_rate", 0) * risk / (N * left), 1, 1e-12);
  CHECK_NEAR(analysis(file, "escape_rate_stderr", 0) / analysis(file, "escape_rate", 0) * sqrt(N * left), 1, 1e-9);
}

static double binomial(double p) {
  return sqrt(p * (1 - p) / N);
}

static void box(void) {
  eg_labelled *const interval = leave(91, 1, monitors_1, ""), *const square = leave(92, 2, monitors_1, monitors_2);
  check_analysis(interval, 2);
  check_analysis(square, 4);
  double time = 0, error2 = 0, first = 0, second = 0;
  for (size_t i = 0; i < STEPS; i++) {
    const double p = stay(interval, i, 2), q = stay(square, i, 4);
    if (i == 7 || i == 31 || i == 95) {
      compare(false, "survival in a box", q, hypot(binomial(q), 2 * p * binomial(p)), p * p, N);
      compare(true, "survival in an interval as that in a box", q, hypot(binomial(q), binomial(p)), p, N);
    }
    const double before = i == 0 ? 1 : stay(interval, i - 1, 2); /* steps 0 .. STEPS - 1 */
    time += before * before / 8;
    first += (before - stay(interval, i, 2)) * before; /* of exits at one step the one that stands first in the study counts */
    second += (before - stay(interval, i, 2)) * stay(interval, i, 2);
    error2 += 2 * before * binomial(before) / 8; /* errors of neighbouring times are nearly the same */
  }
  const double by_first = at(square, "up_first", STEPS - 1) + at(square, "down_first", STEPS - 1),
               by_second = at(square, "right_first", STEPS - 1) + at(square, "left_first", STEPS - 1), rest = stay(interval, STEPS - 1, 2);
  const double of_theory = rest * binomial(rest); /* both are (1 - rest^2) / 2 but for what leaves at one step */
  compare(false, "exits by the component that stands first", by_first, hypot(binomial(by_first), of_theory), first, N);
  compare(false, "exits by the other component", by_second, hypot(binomial(by_second), of_theory), second, N);
  compare(true, "each as the other", by_first, hypot(binomial(by_first), of_theory), second, N);
  compare(true, "the other as the first", by_second, hypot(binomial(by_second), of_theory), first, N);
  const double mean = at(square, "set_time", STEPS - 1), error = at(square, "set_time_stderr", STEPS - 1);
  compare(false, "mean time in the box", mean, hypot(error, error2), time, N);
  compare(true, "mean time in the interval", mean, hypot(error, at(interval, "set_time_stderr", STEPS - 1)), at(interval, "set_time", STEPS - 1), N);
  eg_labelled_free(interval);
  eg_labelled_free(square);
}

/* A walk in three dimensions: |x - x_0|^2 - 3 (1/8)^2 steps is a martingale. */
static void balls(void) {
  static const char *const features[] = {"norm2", "displacement2"}, *const starts[] = {"[0, 0, 0]", "[1, -2, 3]"};
  double times[2], errors[2];
  for (size_t i = 0; i < 2; i++) {
    char text[900];
    (void)snprintf(text, sizeof text,
                   "seed: %zu\nmodel: {name: quadratic, curvature: [0, 0, 0], noise: 1}\nstart: {point: %s}\nlearning_rate: 1/8\nsteps: 400\n"
                   "dynamics: {name: sgd, batch_size: 1}\nrealisations: %d\nobserve:\n  at: {steps: [20, 100, 400]}\n"
                   "  features: [displacement2]\n  monitors:\n"
                   "    - {name: ball, feature: %s, operation: crossing, level: 2.25, direction: up, absorbing: true}\n",
                   93 + i, starts[i], N, features[i]);
    eg_labelled *const file = run_study(text);
    for (size_t t = 0; t < 3; t++) {
      const double time = at(file, "ball_time", t), error = at(file, "ball_time_stderr", t), rate = 3.0 / 8; /* per unit time */
      const double square = at(file, "displacement2", t), of_square = at(file, "displacement2_stderr", t);
      compare(false, features[i], square, of_square + rate * error, rate * time, N); /* who stops early is far out: errors add */
      if (t > 0) {
        const double steps = t == 1 ? 100 : 400;
        compare(true, "free motion", square, of_square, rate * steps / 8, N);
      }
    }
    times[i] = at(file, "ball_time", 2);
    errors[i] = at(file, "ball_time_stderr", 2);
    CHECK(times[i] > 2.25 / (3.0 / 8)); /* it leaves beyond the level */
    eg_labelled_free(file);
  }
  compare(false, "balls about 0 and about the start", times[1], hypot(errors[0], errors[1]), times[0], N);
  compare(true, "a ball of 1.5 % more radius", times[1], hypot(errors[0], errors[1]), 1.03 * times[0], N);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    return 1;
  }
  box();
  balls();
  (void)judge_rows(13, 11);
  (void)rmdir(folder);
  return check_report();
}
