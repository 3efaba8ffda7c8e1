/*
 * Multilevel estimates and differences on common noise against plain loops in long double over the kept paths of the same run: of every
 * level the correction, its error, variance and kurtosis, of the whole the combined mean, its error, cost, gain and consistency; of a
 * sweep on common noise the differences of means, their errors by a jackknife that leaves the same realisations out of both, and gains.
 * Controls: coarse members of other realisations, and blocks of other realisations, whose means are the same and whose errors are not.
 */
#include "physics/run_text.h"

#include "plan/plan.h"

typedef long double real;

enum { LEVELS = 4, TIMES = 2, KEPT = 1 << 14, SWEPT = 1 << 13 };
static char folder[] = "/tmp/ensgrad-levels-XXXXXX";
static eg_labelled *file;
static size_t n_compared;
static double largest_error;

static const eg_variable *find(const char *group, const char *name, const char *suffix) {
  char whole[80];
  (void)snprintf(whole, sizeof whole, "%s%s", name, suffix);
  const eg_variable *const v = eg_labelled_find(file, group, whole);
  if (v == NULL) {
    stop_with(whole);
  }
  return v;
}

static double number(const char *name, const char *suffix, size_t at) {
  const eg_variable *const v = find("/analysis", name, suffix);
  return at < eg_variable_size(v) ? ((const double *)v->data)[at] : NAN;
}

static bool is_near(double got, real want, real scale) { return (double)(fabsl((real)got - want) / scale) < 1e-12; }

static void compare_number(const char *what, double got, real want, real scale) {
  n_compared++;
  largest_error = fmax(largest_error, (double)(fabsl((real)got - want) / scale));
  if (!is_near(got, want, scale)) {
    fprintf(stderr, "%s: %.17g, reference %.17Lg\n", what, got, want);
  }
  CHECK(is_near(got, want, scale));
}

/* Sums of powers about the mean. */
typedef struct estimate {
  real n, mean, M2, M4;
} estimate;

static real variance(const estimate *e) { return e->M2 / (e->n - 1); }

/* ---- levels ---- */

/* Paths are (run, realisation, time); runs are level 0, then fine and coarse of each level. Of a level fewer realisations may
   have been made than are kept. */
static size_t fine_of(size_t level) { return level == 0 ? 0 : 2 * level - 1; }

/* Where the coarse values of a level are taken: its own realisations, or the neighbours'. */
typedef enum part { FINE, COARSE, CORRECTION, STRANGERS } part;

static real value(const double *paths, size_t level, part which, size_t r, size_t n, size_t t) {
  const size_t run = fine_of(level), q = which == STRANGERS ? (r + 1) % n : r;
  const real fine = paths[(run * KEPT + r) * TIMES + t];
  const real coarse = level == 0 ? 0 : (real)paths[((run + 1) * KEPT + q) * TIMES + t];
  return which == FINE ? fine : which == COARSE ? coarse : fine - coarse;
}

static estimate of_level(const char *feature, size_t level, part which, size_t t) {
  const double *const paths = find("/", feature, "_path")->data;
  const size_t n = (size_t)number("multilevel_realisations", "", level);
  estimate e = {(real)n, 0, 0, 0};
  for (size_t r = 0; r < n; r++) {
    e.mean += value(paths, level, which, r, n, t);
  }
  e.mean /= e.n;
  for (size_t r = 0; r < n; r++) {
    const real d = value(paths, level, which, r, n, t) - e.mean;
    e.M2 += d * d;
    e.M4 += d * d * d * d;
  }
  return e;
}

static void check_level(size_t level) {
  const estimate e = of_level("x", level, CORRECTION, TIMES - 1), fine = of_level("x", level, FINE, TIMES - 1);
  const estimate strangers = of_level("x", level, STRANGERS, TIMES - 1);
  const real spread = variance(&fine), size = fabsl(fine.mean) + sqrtl(spread);
  compare_number("correction", number("multilevel_correction", "", level), e.mean, size);
  compare_number("its error", number("multilevel_correction_stderr", "", level), sqrtl(variance(&e) / e.n), sqrtl(spread / e.n));
  compare_number("its variance", number("multilevel_correction_variance", "", level), variance(&e), spread);
  compare_number("its kurtosis", number("multilevel_correction_kurtosis", "", level), e.M4 * e.n / (e.M2 * e.M2),
                 e.M4 * e.n / (e.M2 * e.M2) * (spread / variance(&e)));
  CHECK(level == 0 || is_near(number("multilevel_correction", "", level), strangers.mean, size));
  CHECK(level == 0 || !is_near(number("multilevel_correction_variance", "", level), variance(&strangers), spread));
}

/* The combined estimate of a feature and time. */
static void check_combined(const char *feature, size_t t) {
  real mean = 0, square = 0, strangers = 0, largest = 0;
  for (size_t level = 0; level < LEVELS; level++) {
    const estimate e = of_level(feature, level, CORRECTION, t), other = of_level(feature, level, STRANGERS, t), fine = of_level(feature, level, FINE, t);
    mean += e.mean;
    square += variance(&e) / e.n;
    strangers += variance(&other) / e.n;
    largest = fmaxl(largest, fabsl(fine.mean) + sqrtl(variance(&fine)));
  }
  compare_number("multilevel estimate", number(feature, "_multilevel", t), mean, largest);
  compare_number("its error", number(feature, "_multilevel_stderr", t), sqrtl(square), sqrtl(square));
  CHECK(!is_near(number(feature, "_multilevel_stderr", t), sqrtl(strangers), sqrtl(square)));
}

/* What is told of the feature that decides. */
static void check_diagnostics(void) {
  const size_t last = LEVELS - 1, t = TIMES - 1;
  real steps = 0, square = 0, inconsistency = 0;
  for (size_t level = 0; level < LEVELS; level++) {
    const estimate e = of_level("x", level, CORRECTION, t), coarse = of_level("x", level, COARSE, t);
    const real cost = level == 0 ? 2 : 3 * (real)(1 << level); /* 2 steps, then those of both members */
    steps += e.n * cost;
    square += variance(&e) / e.n;
    CHECK(number("multilevel_cost", "", level) == (double)cost);
    if (level > 0) {
      const estimate before = of_level("x", level - 1, FINE, t);
      inconsistency = fmaxl(inconsistency, fabsl(coarse.mean - before.mean) / sqrtl(variance(&coarse) / coarse.n + variance(&before) / before.n));
    }
  }
  const estimate finest = of_level("x", last, FINE, t);
  CHECK(number("multilevel_mean", "", 0) == number("x", "_multilevel", t));
  CHECK(number("multilevel_stderr", "", 0) == number("x", "_multilevel_stderr", t));
  compare_number("steps", number("multilevel_steps", "", 0), steps, steps);
  compare_number("inconsistency", number("multilevel_inconsistency", "", 0), inconsistency, 1 + inconsistency);
  const real gain = variance(&finest) * 2 * (real)(1 << last) / (square * steps);
  compare_number("gain", number("multilevel_gain", "", 0), gain, gain);
}

static void multilevel(void) {
  file = run_with(folder,
                  "seed: 54\nmodel: {name: geometric-brownian-motion, mu: 0.1, sigma: 0.4}\nstart: {point: 1}\nhorizon: 1\ntime_step: 1/2\n"
                  "dynamics: {name: sde, scheme: euler-maruyama, label: p}\nmultilevel: {levels: 3, feature: x, stderr: 6e-3}\n"
                  "realisations: 16384\nobserve: {at: {linear: 2}, features: [x, norm2], keep: {realisations: 16384, of: [x, norm2]}}\n",
                  true);
  CHECK(eg_variable_size(find("/", "x", "_path")) == (2 * LEVELS - 1) * (size_t)KEPT * TIMES);
  CHECK(number("multilevel_realisations", "", 0) > number("multilevel_realisations", "", LEVELS - 1)); /* levels of their own sizes */
  for (size_t level = 0; level < LEVELS; level++) {
    check_level(level);
  }
  for (size_t t = 0; t < TIMES; t++) {
    check_combined("x", t);
    check_combined("norm2", t);
  }
  check_diagnostics();
  eg_labelled_free(file);
}

/* ---- common noise ---- */

static const char swept[] = "seed: 55\nmodel: {name: quadratic, noise: 1}\nstart: {point: 0.5}\nlearning_rate: 1/8\nsteps: 24\n"
                            "sweep: {model.curvature: [1, 1.25, 1.5]}\ndynamics: {name: sgd, batch_size: 1}\nrealisations: 8192\n"
                            "observe: {at: {steps: [8, 24]}, features: [x, norm2], keep: {realisations: 8192, of: [x, norm2]}}\n"
                            "noise: common\n";

/* Realisations of a tile, as the study has it. */
static size_t tile_of(const char *text) {
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  eg_plan *plan = NULL;
  if (ctx == NULL || eg_study_parse(ctx, "study.yaml", text, strlen(text), NULL, 0, &study) != EG_OK || eg_plan_create(ctx, study, &plan) != EG_OK) {
    stop_with(eg_context_message(ctx));
  }
  const size_t tile = plan->runs[0].job.tile;
  eg_plan_free(plan);
  eg_study_free(study);
  eg_context_free(ctx);
  return tile;
}

/* Mean over all realisations but those of a block (tile mod 64), moved by `shift` realisations; block 64: none is left out. */
static real mean_without(const double *paths, size_t run, size_t t, size_t tile, size_t block, size_t shift) {
  real sum = 0, n = 0;
  for (size_t r = 0; r < SWEPT; r++) {
    const bool is_out = (r + shift) % SWEPT / tile % 64 == block;
    sum += is_out ? 0 : (real)paths[(run * SWEPT + r) * TIMES + t];
    n += !is_out;
  }
  return sum / n;
}

static real jackknife(const double *paths, size_t run, size_t t, size_t tile, size_t shift) {
  const size_t n = SWEPT / tile < 64 ? SWEPT / tile : 64;
  const real all = mean_without(paths, run, t, tile, 64, 0) - mean_without(paths, 0, t, tile, 64, 0);
  real squares = 0;
  for (size_t b = 0; b < n; b++) {
    const real d = mean_without(paths, run, t, tile, b, 0) - mean_without(paths, 0, t, tile, b, shift) - all;
    squares += d * d;
  }
  return sqrtl(squares * (real)(n - 1) / (real)n);
}

/* Squared standard error of the mean of a run alone. */
static real own_error2(const double *paths, size_t run, size_t t) {
  const real mean = mean_without(paths, run, t, 1, 64, 0);
  real M2 = 0;
  for (size_t r = 0; r < SWEPT; r++) {
    const real d = (real)paths[(run * SWEPT + r) * TIMES + t] - mean;
    M2 += d * d;
  }
  return M2 / (SWEPT - 1) / SWEPT;
}

static void check_common(const char *feature, size_t tile) {
  const double *const paths = find("/", feature, "_path")->data;
  char name[40];
  (void)snprintf(name, sizeof name, "common_%s", feature);
  for (size_t run = 1; run < 3; run++) {
    for (size_t t = 0; t < TIMES; t++) {
      const size_t at = run * TIMES + t;
      const real mean = mean_without(paths, run, t, tile, 64, 0), first = mean_without(paths, 0, t, tile, 64, 0);
      const real error = jackknife(paths, run, t, tile, 0), apart = own_error2(paths, run, t) + own_error2(paths, 0, t);
      compare_number("difference", number(name, "", at), mean - first, fabsl(mean) + fabsl(first));
      compare_number("its error", number(name, "_stderr", at), error, sqrtl(apart));
      compare_number("gain", number(name, "_gain", at), apart / (error * error), apart / (error * error) * sqrtl(apart) / error);
      CHECK(!is_near(number(name, "_stderr", at), jackknife(paths, run, t, tile, tile), sqrtl(apart)));
    }
  }
  CHECK(isnan(number(name, "", 0)) && isnan(number(name, "_stderr", 0)));
}

static void common(void) {
  const size_t tile = tile_of(swept);
  CHECK(SWEPT % tile == 0 && SWEPT / tile >= 8);
  file = run_with(folder, swept, true);
  check_common("x", tile);
  check_common("norm2", tile);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  multilevel();
  common();
  (void)rmdir(folder);
  printf("%zu numbers, largest relative error %.1e\n", n_compared, largest_error);
  CHECK(n_compared == 4 * LEVELS + 2 * 2 * TIMES + 3 + 2 * 2 * TIMES * 3);
  return check_report();
}
