/*
 * Multilevel Monte Carlo: allocation and diagnostics on levels whose sums are made up; then geometric Brownian motion
 * by Milstein's scheme (strong order 1: variances of the corrections fall like 4^-level, weak order 1) and by Euler's
 * (2^-level), whose means under every scheme are known: z of 40 studies, their spread, the variance of the plain
 * estimator at the same cost. Controls: levels without coupling, and levels that do not telescope.
 */
#include "analysis/multilevel.h"
#include "physics/judge.h"

enum { LEVELS = 5, SEEDS = 40 };

/* A normal sample of that size, mean and variance. */
static eg_moments normal(double n, double mean, double variance) {
  const double M2 = variance * (n - 1);
  return (eg_moments){n, mean, M2, 0, 3 * M2 * M2 / n};
}

static void allocation(void) {
  eg_level levels[LEVELS];
  double variance[LEVELS], n[LEVELS], sum = 0;
  for (size_t l = 0; l < LEVELS; l++) {
    variance[l] = l == 0 ? 1 : pow(4, -(double)l);
    levels[l] = (eg_level){.cost = (l == 0 ? 1 : 1.5) * (double)(1 << l), .can_grow = true};
    n[l] = 1024;
    sum += sqrt(variance[l] * levels[l].cost);
  }
  const double most = 1e-6;
  size_t next = 0;
  int rounds = 0;
  do {
    for (size_t l = 0; l < LEVELS; l++) {
      levels[l].correction = normal(n[l], l == 0 ? 1 : pow(2, -(double)l), variance[l]);
      levels[l].fine = normal(n[l], 2 - pow(2, -(double)l), 1);
      levels[l].coarse = normal(n[l], 2 - pow(2, 1 - (double)l), 1);
      levels[l].fine_cost = (double)(1 << l);
    }
    next = eg_multilevel_next(LEVELS, levels, most);
    n[next < LEVELS ? next : 0] *= next < LEVELS ? 2 : 1;
  } while (next < LEVELS && ++rounds < 200);
  CHECK(eg_multilevel_variance(LEVELS, levels) <= most);
  double cost = 0;
  for (size_t l = 0; l < LEVELS; l++) { /* Giles: N_l = sum sqrt(V C) sqrt(V_l / C_l) / most; here by powers of two */
    const double best = sum * sqrt(variance[l] / levels[l].cost) / most;
    CHECK(n[l] >= best / 2.01 && (n[l] <= best * 2.01 || n[l] == 1024));
    cost += n[l] * levels[l].cost;
  }
  CHECK(cost < 1.6 * sum * sum / most);
  eg_multilevel e;
  eg_multilevel_estimate(LEVELS, levels, 2, &e);
  CHECK(fabs(e.alpha - 1) < 1e-12 && fabs(e.beta - 2) < 1e-9 && fabs(e.gamma - 1) < 1e-12);
  CHECK(fabs(e.mean.value - (2 - 0.0625)) < 1e-12 && fabs(e.bias - 0.0625) < 1e-12); /* the limit is 2 */
  CHECK(fabs(e.gain * e.cost * most / 16 - 1) < 0.3 && e.inconsistency < 1e-9 && fabs(e.kurtosis - 3) < 0.01);
  levels[2].coarse.mean += 10 * sqrt(1 / n[2] + 1 / n[1]); /* another law: the levels do not telescope */
  eg_multilevel_estimate(LEVELS, levels, 2, &e);
  CHECK(fabs(e.inconsistency - 10) < 1e-2);
  for (size_t l = 0; l < LEVELS; l++) {
    levels[l].can_grow = false;
  }
  CHECK(eg_multilevel_next(LEVELS, levels, 0) == LEVELS); /* nothing can grow */
  levels[3].can_grow = true;
  levels[3].correction.M4 *= 1e6;
  CHECK(eg_multilevel_next(LEVELS, levels, INFINITY) == 3); /* its error bar is worth nothing yet */
  levels[1].can_grow = true;
  levels[1].correction = (eg_moments){1e5, 0, 0, 0, 0}; /* a rare event that no pair has told apart yet */
  CHECK(eg_multilevel_next(LEVELS, levels, INFINITY) == 1);
  levels[1].fine = levels[1].coarse = levels[1].correction;
  levels[0].fine = levels[0].correction = levels[1].correction;
  eg_multilevel_estimate(LEVELS, levels, 2, &e);
  CHECK(e.kurtosis > 1e6 && !isnan(e.inconsistency)); /* of the others */
  levels[1].can_grow = false;
  CHECK(eg_multilevel_next(LEVELS, levels, INFINITY) == 3);
}

static eg_labelled *run_drift(int seed, double mu, const char *scheme, const char *more) {
  char text[700];
  (void)snprintf(
      text, sizeof text,
      "seed: %d\nmodel: {name: geometric-brownian-motion, mu: %g, sigma: 0.2}\nstart: {point: 1}\nhorizon: 1\n"
      "time_step: 1\nobserve: {at: {linear: 1}, features: [x, norm2]}\ndynamics: {name: sde, scheme: %s, %s",
      seed, mu, scheme, more);
  return run_study(text);
}

static eg_labelled *run_scheme(int seed, const char *scheme, const char *more) { return run_drift(seed, 0.05, scheme, more); }

static double at(const eg_labelled *file, const char *name, size_t i) {
  const eg_variable *const v = eg_labelled_find(file, "/analysis", name);
  if (v == NULL || i >= eg_variable_size(v)) {
    stop_with(name);
    return 0;
  }
  return ((const double *)v->data)[i];
}

static void estimates(void) {
  double sum = 0, sum2 = 0;
  for (int seed = 0; seed < SEEDS; seed++) {
    eg_labelled *const file =
        run_scheme(1000 + seed, "milstein",
                   "substeps: 2}\nmultilevel: {levels: 4, feature: norm2, relative: 2e-3}\nrealisations: 2^20\n");
    const double z = at(file, "multilevel_z", 0), mean = at(file, "multilevel_mean", 0),
                 error = at(file, "multilevel_stderr", 0);
    /* exact for Milstein's scheme with step 1/32: E x^2 of a step, to the power of 32 */
    const double h = 1.0 / 32, step = (1 + 0.05 * h) * (1 + 0.05 * h) + 0.04 * h + 0.5 * 0.0016 * h * h;
    CHECK(fabs(at(file, "multilevel_expected", 0) / pow(step, 32) - 1) < 1e-12);
    CHECK(fabs(z - (mean - pow(step, 32)) / error) < 1e-6);
    CHECK(error <= 2e-3 * mean && at(file, "multilevel_gain", 0) > 2 && at(file, "multilevel_inconsistency", 0) < 6);
    CHECK(at(file, "norm2_multilevel", 0) == mean && at(file, "norm2_multilevel_stderr", 0) == error);
    compare(false, "multilevel mean", mean, error, pow(step, 32), 1e5);
    sum += z;
    sum2 += z * z;
    eg_labelled_free(file);
  }
  compare(false, "mean of z", sum / SEEDS, 1 / sqrt(SEEDS), 0, 1e5);
  compare(false, "mean square of z: the error bar is honest", sum2 / SEEDS, sqrt(2.0 / SEEDS), 1, 1e5);
  compare(true, "an error bar that is half of it", 4 * sum2 / SEEDS, sqrt(2.0 / SEEDS), 1, 1e5);
}

/* Levels made of independent runs, from the file of coupled ones: fine of a level minus fine of the level before. */
static void uncouple(const eg_labelled *file, const double *n) {
  eg_level levels[LEVELS];
  eg_multilevel e;
  for (size_t l = 0; l < LEVELS; l++) {
    const size_t run = l == 0 ? 0 : 2 * l - 1, before = l < 2 ? 0 : 2 * l - 3;
    const double own = last_of(file, "norm2_variance", run),
                 other = l == 0 ? 0 : last_of(file, "norm2_variance", before);
    const double mean = last_of(file, "norm2", run) - (l == 0 ? 0 : last_of(file, "norm2", before));
    levels[l] = (eg_level){.correction = normal(n[l], mean, own + other),
                           .fine = normal(n[l], mean, own),
                           .coarse = normal(n[l], mean, other),
                           .cost = (l == 0 ? 2 : 3) * (double)(1 << l),
                           .fine_cost = 2 * (double)(1 << l)};
  }
  eg_multilevel_estimate(LEVELS, levels, 2, &e);
  compare(true, "decay of the variances without coupling: that of Milstein's scheme", e.beta, e.beta_stderr, 2, 1e5);
  compare(false, "decay of the variances without coupling: none", e.beta, e.beta_stderr, 0, 1e5);
  CHECK(e.gain < 1); /* worse than the finest level alone */
}

static void rates(void) {
  eg_labelled *const milstein = run_scheme(
      1, "milstein", "substeps: 2}\nmultilevel: {levels: 4, feature: norm2, stderr: 3e-4}\nrealisations: 2^22\n");
  eg_labelled *const euler = run_scheme(
      2, "euler-maruyama", "substeps: 2}\nmultilevel: {levels: 4, feature: norm2, stderr: 6e-4}\nrealisations: 2^22\n");
  double n[LEVELS];
  for (size_t l = 0; l < LEVELS; l++) {
    n[l] = at(milstein, "multilevel_realisations", l);
  }
  /* rates of few coarse levels are those of the limit to some per cent only */
  CHECK(fabs(at(milstein, "multilevel_beta", 0) - 2) < 0.25 && fabs(at(euler, "multilevel_beta", 0) - 1) < 0.15);
  CHECK(fabs(at(milstein, "multilevel_alpha", 0) - 1) < 0.15 && fabs(at(milstein, "multilevel_gamma", 0) - 1) < 1e-12);
  uncouple(milstein, n);
  /* the finest level alone: its variance for the same number of steps, over that of the levels, is the gain */
  eg_labelled *const plain = run_scheme(3, "milstein", "substeps: 32}\nrealisations: 2^17\n");
  const double error = last_of(plain, "norm2_stderr", 0), own = at(milstein, "multilevel_stderr", 0);
  const double gain = error * error * 32 * 131072 / (own * own * at(milstein, "multilevel_steps", 0));
  CHECK(fabs(gain / at(milstein, "multilevel_gain", 0) - 1) < 0.2 && gain > 8);
  compare(false, "plain estimate", last_of(plain, "norm2", 0), error, at(milstein, "multilevel_expected", 0), 1e5);
  const double both = sqrt(error * error + own * own);
  compare(false, "plain and multilevel estimate", last_of(plain, "norm2", 0) - at(milstein, "multilevel_mean", 0), both,
          0, 1e5);
  printf("beta %.3f and %.3f, gain %.1f and %.1f\n", at(milstein, "multilevel_beta", 0),
         at(euler, "multilevel_beta", 0), gain, at(euler, "multilevel_gain", 0));
  eg_labelled_free(plain);
  eg_labelled_free(milstein);
  eg_labelled_free(euler);
}

/* Levels added for the bias: Euler's scheme, whose means are exact, against the law's, exp(2 mu + sigma^2). With a root mean square
   error asked for, the mean square of the whole error is below its square; with two levels alone it is not. */
static void own_levels(void) {
  const double mu = 0.5, exact = exp(2 * mu + 0.04), asked = 6e-3;
  double squares = 0, squares2 = 0, expected = 0, fixed = 0;
  int counts[9] = {0};
  for (int seed = 0; seed < SEEDS; seed++) {
    char more[200];
    (void)snprintf(more, sizeof more,
                   "substeps: 4}\nmultilevel: {levels: 8, least_levels: 2, feature: norm2, stderr: %g}\nrealisations: 2^19\n", asked);
    eg_labelled *const file = run_drift(2000 + seed, mu, "euler-maruyama", more);
    const double levels = at(file, "multilevel_levels", 0), h = 0.25 * pow(0.5, levels);
    const double scheme = pow((1 + mu * h) * (1 + mu * h) + 0.04 * h, 1 / h), error = at(file, "multilevel_mean", 0) - exact;
    CHECK(fabs(at(file, "multilevel_expected", 0) / scheme - 1) < 1e-12);
    CHECK(at(file, "multilevel_stderr", 0) <= asked * sqrt(0.5) && at(file, "multilevel_bias", 0) <= asked * sqrt(0.5));
    CHECK(fabs(at(file, "multilevel_root_mean_square_error", 0) -
               hypot(at(file, "multilevel_stderr", 0), at(file, "multilevel_bias", 0))) < 1e-15);
    CHECK(at(file, "multilevel_realisations", 8) == 0 && levels >= 2 && levels <= 8);
    const double own = pow(at(file, "multilevel_stderr", 0), 2) + pow(scheme - exact, 2); /* with the true bias */
    CHECK(own < asked * asked);
    expected += own / (asked * asked) / SEEDS;
    counts[(int)levels]++;
    compare(false, "mean, levels added", at(file, "multilevel_mean", 0), at(file, "multilevel_stderr", 0), scheme, 1e5);
    squares += error * error / (asked * asked);
    squares2 += pow(error / asked, 4);
    const double two = pow((1 + mu / 16) * (1 + mu / 16) + 0.04 / 16, 16) - exact; /* bias of two levels, h = 1/16 */
    fixed = two * two / (asked * asked);
    eg_labelled_free(file);
  }
  const double mean = squares / SEEDS, spread = sqrt((squares2 / SEEDS - mean * mean) / (SEEDS - 1));
  printf("levels made: 5 %d, 6 %d, 7 %d times; mean square error over the one asked for %.2f(%.2f), expected %.2f, with two levels %.1f\n", counts[5],
         counts[6], counts[7], mean, spread, expected, fixed);
  compare(false, "mean square of the whole error", mean, spread, expected, 1e5);
  compare(true, "mean square error of two levels", mean, spread, fixed, 1e5); /* the bias alone */
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  allocation();
  estimates();
  rates();
  own_levels();
  judge(2 * SEEDS + 6, 3);
  (void)rmdir(folder);
  return check_report();
}
