/*
 * Runs that end when an error is reached. The rule alone: on counted samples. Then what stopping does to an estimate: a
 * thousand independent runs of squared normals, whose mean and variance are correlated (rho = skewness / sqrt(kurtosis
 * - 1) = 0.756), with the largest error set to the exact one at 16384 realisations, so that half of them end there and
 * half at 32768: the worst case. To first order z = (mean - truth) / stderr has then the mean -(1 - 1/sqrt 2) rho /
 * sqrt(2 pi) = -0.088, and the skewness of a studentised mean adds -skewness / (2 sqrt n) = -0.011; the interval keeps
 * its coverage.
 */
#include "physics/judge.h"
#include "run/until.h"

enum { RUNS = 1000 };

/* n values, half of them `centre` - 1 and half `centre` + 1. */
static eg_moments coin(double n, double centre) { return (eg_moments){n, centre, n, 0, n}; }

static void rule(void) {
  const eg_study_until absolute = {.stderr_ = 0.01, .relative = NAN}, relative = {.stderr_ = NAN, .relative = 0.01};
  const eg_study_until of_variance = {.is_variance = true, .stderr_ = NAN, .relative = 1e-3};
  eg_moments blocks[2] = {coin(5000, 0), coin(5000, 0)};
  double left = 0;
  CHECK(!eg_until_is_reached(&absolute, 2, blocks, &left) && left > 1 && left < 1.0002); /* of n - 1 */
  blocks[1] = coin(5002, 0);
  CHECK(eg_until_is_reached(&absolute, 2, blocks, &left) && left <= 1 && left > 0.999);
  CHECK(!eg_until_is_reached(&relative, 2, blocks, &left) && isinf(left)); /* of a mean of 0 */
  blocks[0] = coin(5000, 2);
  blocks[1] = coin(5002, 2);
  CHECK(eg_until_is_reached(&relative, 2, blocks, &left) && fabs(left - 0.5) < 1e-3);
  CHECK(eg_until_is_reached(&of_variance, 2, blocks, &left)); /* a coin's variance has almost no error */
  blocks[0] = coin(900, 2);
  CHECK(!eg_until_is_reached(&(eg_study_until){.stderr_ = 1, .relative = NAN}, 1, blocks, &left) &&
        fabs(left - sqrt(1000.0 / 900)) < 1e-12); /* too few */
  blocks[0] = (eg_moments){1e6, 0, 1e6, 0, 1e12}; /* kurtosis 1e6: two effective samples */
  CHECK(!eg_until_is_reached(&(eg_study_until){.stderr_ = 1, .relative = NAN}, 1, blocks, &left) && fabs(left - sqrt(500)) < 1e-3);
  const eg_moments zeros = {1e6, 0, 0, 0, 0}; /* of a rare event, say: an error of 0 is none */
  CHECK(!eg_until_is_reached(&absolute, 1, &zeros, &left) && isinf(left));
  CHECK(!eg_until_is_reached(&of_variance, 1, &zeros, &left) && isinf(left));
}

/* A crossing of 2.8 happens once in 7000 realisations: none of the first 4096 may end the run, with an error of 0. */
static void rare_event(void) {
  eg_labelled *const file =
      run_study("seed: 6\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nsteps: 16\ntime_step: 1/8\nrealisations: 2^17\n"
                "dynamics: {name: sde, scheme: exact}\nobserve: {at: {linear: 1}, features: [x], monitors: {name: exit, "
                "feature: x0, operation: crossing, level: 2.8}}\nuntil: {feature: exit, stderr: 1e-5}\n");
  CHECK(last_of(file, "exit_count", 0) == 131072 && last_of(file, "exit_stderr", 0) > 1e-5 && last_of(file, "exit", 0) > 0);
  eg_labelled_free(file);
}

static void looks(void) {
  const eg_study study = {.n_until = 1};
  const eg_plan plan = {.study = &study};
  eg_job job;
  memset(&job, 0, sizeof job);
  job.n_tiles = 1000;
  CHECK(eg_plan_next_look(&plan, &job, 0) == 64 && eg_plan_next_look(&plan, &job, 64) == 64 &&
        eg_plan_next_look(&plan, &job, 65) == 128);
  CHECK(eg_plan_next_look(&plan, &job, 513) == 1000 && eg_plan_next_look(&plan, &job, 1001) == 1000);
  CHECK(eg_until_tiles(&plan, &job, 64, 1.5) == 256 && eg_until_tiles(&plan, &job, 64, 0.1) == 64 &&
        eg_until_tiles(&plan, &job, 64, 1e9) == 1000);
  job.n_tiles = 3;
  CHECK(eg_plan_next_look(&plan, &job, 1) == 3);
}

static void coverage(void) {
  static char text[40000];
  size_t at =
      (size_t)snprintf(text, sizeof text,
                       "seed: 31\nmodel: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}\nsteps: 1\ntime_step: 64\n"
                       "start: {normal: {std: 0.70710678118654752}}\ndynamics: [{name: sde, scheme: exact}]\n"
                       "realisations: 2^17\nobserve: {at: {linear: 1}, features: [norm2]}\n"
                       "until: {feature: norm2, stderr: 0.0055242717280199}\nsweep: {start.mean: [");
  for (int i = 0; i < RUNS; i++) { /* all forgotten after one step: so many names for the same law */
    at += (size_t)snprintf(text + at, sizeof text - at, "%s%d", i > 0 ? ", " : "", i);
  }
  (void)snprintf(text + at, sizeof text - at, "]}\n");
  eg_labelled *const file = run_study(text);
  double covered = 0, early = 0, sum = 0, sum2 = 0;
  for (size_t r = 0; r < RUNS; r++) {
    const double z = (last_of(file, "norm2", r) - 0.5) / last_of(file, "norm2_stderr", r),
                 n = last_of(file, "norm2_count", r);
    CHECK(n == 16384 || n == 32768);
    CHECK(last_of(file, "norm2_stderr", r) <= 0.0055242717280199);
    CHECK(n == (double)((const int64_t *)eg_labelled_find(file, "/", "until_realisations")->data)[r]);
    early += n == 16384;
    covered += fabs(z) < 1.959963984540054;
    sum += z;
    sum2 += z * z;
  }
  const double mean = sum / RUNS, error = sqrt((sum2 / RUNS - mean * mean) / (RUNS - 1));
  printf("coverage %.1f %%, mean z %.3f(%.3f), %.0f of %d ended early\n", 100 * covered / RUNS, mean, error, early,
         RUNS);
  compare(false, "share that ends at the first look that can be enough", early / RUNS, sqrt(0.25 / RUNS), 0.5, RUNS);
  compare(false, "coverage of the 95 % interval", covered / RUNS, sqrt(0.95 * 0.05 / RUNS), 0.95, RUNS);
  compare(true, "coverage of a 90 % interval", covered / RUNS, sqrt(0.95 * 0.05 / RUNS), 0.9, RUNS);
  compare(false, "bias from stopping", mean, error, -0.0995, RUNS);
  compare(true, "bias of those that end early alone", mean, error, -0.61, RUNS);
  eg_labelled_free(file);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    stop_with("no folder for files");
  }
  rule();
  rare_event();
  looks();
  coverage();
  (void)judge_rows(3, 2);
  (void)rmdir(folder);
  return check_report();
}
