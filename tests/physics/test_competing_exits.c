/*
 * One exit beside others: the two laws that its times have. Clocks of constant rates, some paths lost on the way: survival by this
 * exit alone is exp(-a t) and the probability to leave by it a / (a + b) (1 - exp(-(a + b) t)), from the counts on a grid,
 * coverage of both intervals too. Steps that are independent (curvature x learning_rate = 1) leave a set through the program, up with
 * probability p a step and down with r: geometric clocks of one mind, with counts, observations and grid. Rejected: each law as the other, rivals or
 * losses not counted, the other exit.
 */
#include <stdint.h>

#include "analysis/escape.h"
#include "physics/judge.h"
#include "run/result_text.h"

static uint64_t state = 0x9e3779b97f4a7c15ull;

static double exponential(double rate) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return -log(((double)((state * 0x2545f4914f6cdd1dull) >> 11) + 0.5) * 0x1p-53) / rate;
}

/* ---- clocks ---- */

enum { EDGES = 16, REPEATS = 1000, PATHS = 400 };
static const double HERE = 1, THERE = 1.5, LOSS = 0.5, WIDTH = 0.125;

typedef struct clock_counts {
  double events[EDGES], rivals[EDGES], lost[EDGES];
} clock_counts;

static void draw_clocks(double loss, clock_counts *c) {
  memset(c, 0, sizeof *c);
  for (int k = 0; k < PATHS; k++) {
    const double here = exponential(HERE), there = exponential(THERE), gone = loss > 0 ? exponential(loss) : INFINITY;
    const double first = fmin(fmin(here, there), gone);
    for (size_t i = 0; i < EDGES; i++) {
      const double t = WIDTH * (double)(i + 1);
      c->events[i] += first == here && here < t;
      c->rivals[i] += first == there && there < t;
      c->lost[i] += first == gone && gone < t;
    }
  }
}

static void judge_clock(bool is_control, const char *what, const double *sum, double expected) {
  const double n = REPEATS, mean = sum[0] / n, error = sqrt((sum[1] / n - mean * mean) / n);
  compare(is_control, what, mean, error, expected, REPEATS);
}

static void clocks(double loss) {
  enum { AT = 5 }; /* about 50 paths are still there */
  const double t = WIDTH * (AT + 1), both = HERE + THERE;
  const double alone = exp(-HERE * t), beside = HERE / both * (1 - exp(-both * t));
  double net[2] = {0}, left[2] = {0}, single[2] = {0}, z_net = 0, z_left = 0;
  size_t covers_net = 0, covers_left = 0, covers_other = 0;
  for (int k = 0; k < REPEATS; k++) {
    clock_counts c;
    eg_escape_share survival[EDGES], incidence[EDGES], wrong[EDGES], unused[EDGES];
    draw_clocks(loss, &c);
    const eg_escape_counts counts = {EDGES, PATHS, c.events, c.rivals, c.lost};
    eg_escape_curves(&counts, survival, incidence);
    static const double none[EDGES];
    const eg_escape_counts uncounted = {EDGES, PATHS, c.events, none, none};
    eg_escape_curves(&uncounted, wrong, unused);
    const double s = survival[AT].share, f = incidence[AT].share, w = wrong[AT].share;
    net[0] += s;
    net[1] += s * s;
    left[0] += f;
    left[1] += f * f;
    single[0] += w;
    single[1] += w * w;
    z_net += pow((s - alone) / survival[AT].stderr_, 2) / REPEATS;
    z_left += pow((f - beside) / incidence[AT].stderr_, 2) / REPEATS;
    covers_net += survival[AT].low <= alone && alone <= survival[AT].high;
    covers_left += incidence[AT].low <= beside && beside <= incidence[AT].high;
    covers_other += survival[AT].low <= 1 - beside && 1 - beside <= survival[AT].high;
  }
  printf("losses %g: survival covered %.1f %%, mean square %.2f; incidence %.1f %%, %.2f; 1 - incidence as survival %.1f %%\n", loss,
         100.0 * (double)covers_net / REPEATS, z_net, 100.0 * (double)covers_left / REPEATS, z_left, 100.0 * (double)covers_other / REPEATS);
  judge_clock(true, "rivals as survivors", single, alone);
  judge_clock(true, "survival as the rest of the incidence", net, 1 - beside);
  judge_clock(false, "survival", net, alone);
  judge_clock(false, "incidence", left, beside);
  if (loss > 0) {
    judge_clock(true, "losses as survivors", single, 1 - beside);
  }
  /* binomial limits of a coverage of 95 % in 1000, 5 standard deviations; of a mean square of 1 */
  CHECK(covers_net > 915 && covers_net < 985 && covers_left > 915 && covers_left < 985 && covers_other < 500);
  CHECK(fabs(z_net - 1) < 5 * sqrt(2.0 / REPEATS) && fabs(z_left - 1) < 5 * sqrt(2.0 / REPEATS));
}

/* ---- borders, and Greenwood's error by hand ---- */

static void borders(void) {
  const double events[3] = {1, 2, 3}, rivals[3] = {0, 0, 0}, lost[3] = {0, 1, 1}, more[3] = {0, 0, 2}, none[3] = {0, 0, 0};
  eg_escape_share survival[3], incidence[3];
  eg_escape_curves(&(eg_escape_counts){3, 10, events, rivals, lost}, survival, incidence);
  CHECK_NEAR(survival[0].share, 0.9, 1e-15);
  CHECK_NEAR(survival[1].share, 0.9 * 15 / 17, 1e-15); /* of the nine one is lost, and counts half */
  CHECK_NEAR(survival[2].share, 0.9 * 15 / 17 * 6 / 7, 1e-15);
  CHECK_NEAR(survival[2].stderr_, survival[2].share * sqrt(1.0 / 90 + 1 / (8.5 * 7.5) + 1.0 / 42), 1e-15);
  CHECK_NEAR(incidence[2].share, 1 - survival[2].share, 1e-15); /* without rivals one law */
  CHECK_NEAR(incidence[2].stderr_, survival[2].stderr_, 1e-15);
  eg_escape_curves(&(eg_escape_counts){3, 5, events, more, none}, survival, incidence);
  CHECK(survival[2].share == 0 && isnan(survival[2].stderr_)); /* all have left at once by both */
  CHECK_NEAR(incidence[2].share, 0.6, 1e-15);
  eg_escape_curves(&(eg_escape_counts){3, 3, events, none, none}, survival, incidence);
  CHECK(survival[2].share == 0 && survival[2].stderr_ == 0 && survival[2].high > 0); /* binomial, Wilson's interval */
}

/* ---- the program ---- */

static const double *analysis(const eg_labelled *file, const char *name) {
  const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
  if (v == NULL) {
    stop_with(name);
    return NULL;
  }
  return v->data;
}

static void judge_curve(const eg_labelled *file, bool is_control, const char *name, size_t i, double expected) {
  char error[60];
  (void)snprintf(error, sizeof error, "%s_stderr", name);
  compare(is_control, name, analysis(file, name)[i], analysis(file, error)[i], expected, 4000);
}

static void independent_steps(const char *door) {
  enum { BINS = 64, OBSERVATIONS = 8, STEPS = 256 };
  const double up = 0.5 * erfc(2 / sqrt(2.0)), down = 0.5 * erfc(1.75 / sqrt(2.0)), both = up + down;
  char text[1200];
  (void)snprintf(text, sizeof text,
                 "seed: 61\nmodel: {name: quadratic, curvature: 4, noise: 4}\nsteps: %d\nlearning_rate: 1/4\n"
                 "dynamics: [{name: sgd, batch_size: 1}]\nrealisations: 40000\nobserve:\n  at: {linear: %d}\n  features: [x]\n"
                 "  histograms: [{feature: up_time, low: 0.125, high: 64.125, bins: %d}, {feature: %s, low: -0.5, high: 1.5, bins: 2}]\n"
                 "  joint_histograms: {of: %s, with: %s}\n  monitors:\n"
                 "    - {name: up, feature: x0, operation: crossing, level: 2, direction: up, absorbing: true%s}\n"
                 "    - {name: down, feature: x0, operation: crossing, level: -1.75, direction: down, absorbing: true%s}\n"
                 "analyse: [{escape: {of: up}}, {escape: {of: down}}]\n",
                 STEPS, OBSERVATIONS, BINS, door[0] != 0 ? "up_first" : "up", door[0] != 0 ? "up_time" : "up", door[0] != 0 ? "up_first" : "up_time",
                 door, door);
  eg_labelled *const file = run_study(text);
  CHECK(eg_labelled_find(file, "/analysis", "escape_2_grid_survival") == NULL); /* its times are not counted */
  /* a step has one rate for both: the law of one exit alone is (1 - both)^(n up / both) */
  judge_curve(file, false, "escape_rate", 0, up * 4);
  judge_curve(file, true, "escape_rate", 0, down * 4);
  for (size_t t = 0; t < OBSERVATIONS; t++) {
    const double n = (double)(STEPS / OBSERVATIONS * (t + 1)), left = 1 - pow(1 - both, n);
    if (t < 3) {
      judge_curve(file, false, "escape_survival", t, pow(1 - both, n * up / both));
      judge_curve(file, true, "escape_survival", t, 1 - up / both * left);
    }
    judge_curve(file, false, "escape_incidence", t, up / both * left);
    judge_curve(file, true, "escape_incidence", t, down / both * left);
    const double events = analysis(file, "escape_incidence")[t] * 40000, rivals = analysis(file, "escape_rivals")[t];
    CHECK(rivals == nearbyint(rivals) && fabs(rivals / 40000 - analysis(file, "escape_2_incidence")[t]) < 1e-12);
    CHECK(fabs(events - analysis(file, "escape_2_rivals")[t]) < 1e-6);
  }
  for (size_t i = 2; i < BINS; i += 8) { /* edge i lies behind 4 i steps */
    const double n = 4 * (double)i;
    if (i < 20) {
      judge_curve(file, false, "escape_grid_survival", i, pow(1 - both, n * up / both));
      judge_curve(file, true, "escape_grid_survival", i, 1 - up / both * (1 - pow(1 - both, n)));
    }
    judge_curve(file, false, "escape_grid_incidence", i, up / both * (1 - pow(1 - both, n)));
    judge_curve(file, true, "escape_grid_incidence", i, 1 - pow(1 - both, n)); /* any exit */
    CHECK(analysis(file, "escape_grid_lost")[i] == 0);
  }
  CHECK(analysis(file, "escape_grid_events")[BINS - 1] == analysis(file, "escape_events")[0] && /* nearly all have left */
        analysis(file, "escape_grid_rivals")[BINS - 1] == analysis(file, "escape_rivals")[OBSERVATIONS - 1]);
  eg_text table = {0};
  eg_result_escape_text(&table, file);
  CHECK_HAS(eg_text_string(&table), "incidence is the share that leaves here");
  CHECK_HAS(eg_text_string(&table), door[0] != 0 ? "'joint_histograms: {of: down_time, with: down_first}'" : "'joint_histograms: {of: down_time, with: down}'");
  CHECK(strstr(eg_text_string(&table), "of: up_time") == NULL);
  eg_text_free(&table);
  eg_labelled_free(file);
}

/*
 * Independent steps in the plane that leave by two sides, often by both at once: with one exit the side that stands first in the study has such a
 * trajectory, and events of the sides are together those that have left; a step has rates a and b (1 - a). Without an exit both count it.
 */
static void two_at_once(bool is_one) {
  enum { BINS = 32, OBSERVATIONS = 4, STEPS = 32, N = 40000 };
  const double a = 0.5 * erfc(1 / sqrt(2.0)), b = 0.5 * erfc(0.75 / sqrt(2.0)), both = a + b - a * b;
  const char *const exit = is_one ? ", exit: door" : "", *const of = is_one ? "right_first" : "right";
  char text[1600];
  (void)snprintf(text, sizeof text,
                 "seed: 64\nmodel: {name: quadratic, curvature: [4, 4], noise: 4}\nsteps: %d\nlearning_rate: 1/4\n"
                 "dynamics: [{name: sgd, batch_size: 1}]\nrealisations: %d\nobserve:\n  at: {linear: %d}\n  features: [x]\n"
                 "  histograms: [{feature: right_time, low: 0.125, high: 8.125, bins: %d}, {feature: %s, low: -0.5, high: 1.5, bins: 2}]\n"
                 "  joint_histograms: {of: right_time, with: %s}\n  monitors:\n"
                 "    - {name: up, feature: x0, operation: crossing, level: 1, direction: up, absorbing: true%s}\n"
                 "    - {name: right, feature: x1, operation: crossing, level: 0.75, direction: up, absorbing: true%s}\n"
                 "analyse: [{escape: {of: up}}, {escape: {of: right}}%s]\n",
                 STEPS, N, OBSERVATIONS, BINS, of, of, exit, exit, is_one ? ", {escape: {of: door}}" : "");
  eg_labelled *const file = run_study(text);
  const double *const up = analysis(file, "escape_events"), *const right = analysis(file, "escape_2_events");
  const double left = N - nearbyint(N * pow(1 - both, STEPS)); /* all but one in 10^6 */
  judge_curve(file, false, "escape_rate", 0, a * 4);
  judge_curve(file, !is_one, "escape_2_rate", 0, b * (1 - a) * 4);
  judge_curve(file, is_one, "escape_2_rate", 0, b * 4);
  CHECK(analysis(file, "escape_2_grid_events")[BINS - 1] == right[0]);
  for (size_t t = 0; is_one && t < OBSERVATIONS; t++) { /* what is an event for one is a rival's for the other */
    const double all = (1 - analysis(file, "escape_3_survival")[t]) * N;
    CHECK(fabs(analysis(file, "escape_incidence")[t] * N + analysis(file, "escape_rivals")[t] - all) < 1e-6);
    CHECK(fabs(analysis(file, "escape_2_incidence")[t] * N + analysis(file, "escape_2_rivals")[t] - all) < 1e-6);
    CHECK(fabs(analysis(file, "escape_rivals")[t] - analysis(file, "escape_2_incidence")[t] * N) < 1e-6);
  }
  if (is_one) {
    CHECK(up[0] + right[0] == analysis(file, "escape_3_events")[0] && fabs(up[0] + right[0] - left) <= 5);
  } else { /* ties: a share a b / both of those that leave */
    compare(false, "left by both", (up[0] + right[0] - left) / left, sqrt(a * b / both * (1 - a * b / both) / left), a * b / both, N);
    compare(true, "left once", up[0] + right[0] - left, sqrt(a * b / both * (1 - a * b / both) * left), 0, N);
  }
  eg_labelled_free(file);
}

/* Away from a maximum: up they leave at once, down they overflow after about 1000 steps, and are lost without having left. */
static void losses(void) {
  enum { BINS = 16, OBSERVATIONS = 5 };
  eg_labelled *const file = run_with(
      folder, "seed: 62\nmodel: {name: quadratic, curvature: -4, noise: 4}\nsteps: 2048\nlearning_rate: 1/4\ndiverged_limit: 1\n"
              "dynamics: [{name: sgd, batch_size: 1}]\nrealisations: 4000\nobserve:\n  at: {steps: [1, 4, 512, 1024, 2048]}\n  features: [x]\n"
              "  histograms: {feature: up_time, low: 0.125, high: 512.125, bins: 16}\n"
              "  monitors: {name: up, feature: x0, operation: crossing, level: 2, direction: up, absorbing: true}\n"
              "analyse: {escape: {of: up}}\n", true);
  const double *const survival = analysis(file, "escape_survival"), *const lost = analysis(file, "escape_grid_lost");
  const double events = analysis(file, "escape_events")[0], all_lost = analysis(file, "escape_lost")[0];
  CHECK(events + all_lost == 4000 && all_lost > 1000);
  judge_curve(file, false, "escape_survival", 0, 1 - 0.5 * erfc(2 / sqrt(2.0)));
  CHECK_NEAR(survival[2], 1 - events / 4000, 1e-12); /* nobody was lost so far */
  CHECK_NEAR(survival[OBSERVATIONS - 1], survival[2], 1e-12); /* of the finite ones, all have left */
  for (size_t i = 1; i < BINS; i++) { /* edge i lies behind 128 i steps */
    CHECK(lost[i] >= lost[i - 1] && (i < 4 ? lost[i] == 0 : lost[i] > 0) && lost[i] <= all_lost);
    CHECK_NEAR(analysis(file, "escape_grid_survival")[i], survival[2], 1e-12);
  }
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  borders();
  clocks(0);
  clocks(LOSS);
  independent_steps(", exit: door");
  independent_steps("");
  two_at_once(true);
  two_at_once(false);
  losses();
  (void)judge_rows(44, 43);
  (void)rmdir(folder);
  return check_report();
}
