/*
 * What do statistics cost? The Ornstein-Uhlenbeck process of bench_ou without statistics (one record at the end), with four
 * moments every 8 steps, with the mean squared displacement, with both at times of their own, and with histograms; one thread.
 * The fixed part (a result of so many times in 64 blocks, which costs the same for any number of realisations) is taken off by a run of
 * FIXED realisations, the fewest with 64 blocks. The overhead of a case is its time over that of the plain case of the same
 * round; the median over rounds is the figure.
 */
#include "measure.h"

#include <stdio.h>

enum { TRAJECTORIES = 1048576, FIXED = 4096, STEPS = 8000, EVERY = 8 };

static const char *const EVERY_8 = "observe.at={steps: {linear: 1000}}";
static const char *const HISTOGRAM = "observe.histograms={feature: x, bins: 100, low: -5, high: 5}";
/* With the covariance between lags that fits of exponents need, and without. */
static const char *const LAGS = "observe.paths={statistic: msd, at: {steps: {log: 30}}}";
static const char *const LAGS_ALONE = "observe.paths={statistic: moments, powers: [2], at: {steps: {log: 30}}}";
static const char *const LOG_HISTOGRAM =
    "observe.histograms={feature: norm2, bins: 100, scale: log, low: 1e-6, high: 100}";

static bench_case *add(bench *b, const char *name, const char *size, const char *at, const char *features,
                       const char *statistics, const char *more) {
  const char *const study = BENCH_SOURCE "/studies/ou.yaml";
  const char *const set_features = bench_text("observe.features=%s", features);
  const char *const set_statistics = bench_text("observe.statistics=%s", statistics);
  const char *const set_steps = bench_text("steps=%d", STEPS);
  const char *const realisations[2] = {bench_text("realisations=%d", TRAJECTORIES), bench_text("realisations=%d", FIXED)};
  const char *const *words[2];
  for (int i = 0; i < 2; i++) {
    words[i] = bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu",
                           "--threads", "1", "--quiet", "--set", set_steps, "--set", at, "--set", set_features,
                           "--set", set_statistics, "--set", more != NULL ? more : "title=none",
                           "--set", realisations[i], NULL);
  }
  return bench_add(b, name, size, (double)(TRAJECTORIES - FIXED) * STEPS, words[0], words[1]);
}

/* Overhead over `plain` in percent, and in ns for each of `samples` values, paired by round. */
static void report(bench *b, const bench_case *c, const bench_case *plain, double samples, double target) {
  double ratio[BENCH_ROUNDS], ns[BENCH_ROUNDS];
  size_t n = 0;
  for (; n < c->n && n < plain->n; n++) {
    ratio[n] = 100 * (c->seconds[n] / plain->seconds[n] - 1);
    ns[n] = 1e9 * (c->seconds[n] - plain->seconds[n]) / samples;
  }
  if (n == 0) {
    return;
  }
  bench_line(b, c->name, c->size,
             bench_text("\"over\": \"%s\", \"repeats\": %zu, \"overhead_percent\": %.2f, \"ns_per_sample\": %.3f, "
                        "\"target_percent\": %g",
                        plain->name, n, bench_median(ratio, n), bench_median(ns, n), target));
  fprintf(stderr, "%-46s %6.1f %% over %s, %.3f ns per sample%s\n", c->name, bench_median(ratio, n), plain->name,
          bench_median(ns, n), target > 0 ? "; wanted: at most 10 %" : "");
}

int main(int argc, char **argv) {
  bench b;
  bench_open(&b, "statistics", argc, argv);
  const double samples = (double)TRAJECTORIES * (STEPS / EVERY);
  const char *const many = "1048576 trajectories x 8000 steps, record every 8";
  bench_case *const plain = add(&b, "no statistics", "1048576 trajectories x 8000 steps, one record",
                                "observe.at={steps: [8000]}", "[x]", "[moments]", NULL);
  bench_case *const moments = add(&b, "4 moments every 8 steps", many, EVERY_8, "[x]", "[moments]", NULL);
  bench_case *const lags = add(&b, "MSD at 30 log-spaced steps", "1048576 trajectories x 8000 steps, 30 records",
                               "observe.at={steps: {log: 30}}", "[x]", "[moments, msd]", NULL);
  bench_case *const both = add(&b, "4 moments and MSD every 8 steps", many, EVERY_8, "[x]", "[moments, msd]", NULL);
  bench_case *const schedules = add(&b, "4 moments every 8 steps, MSD at 30 log-spaced lags", many, EVERY_8, "[x]", "[moments]", LAGS);
  bench_case *const lags_alone =
      add(&b, "the same, lags without their covariance", many, EVERY_8, "[x]", "[moments]", LAGS_ALONE);
  bench_case *const squares = add(&b, "4 moments of x and x^2 every 8 steps", many, EVERY_8, "[x, norm2]", "[moments]", NULL);
  bench_case *const linear = add(&b, "moments, histogram of 100 bins", many, EVERY_8, "[x]", "[moments]", HISTOGRAM);
  bench_case *const log_bins =
      add(&b, "moments of 2, histogram of 100 log bins", many, EVERY_8, "[x, norm2]", "[moments]", LOG_HISTOGRAM);
  bench_measure(&b);
  bench_report(&b, "ns per trajectory-step");
  report(&b, moments, plain, samples, 10);
  report(&b, lags, plain, (double)TRAJECTORIES * 30, 0);
  report(&b, both, plain, 2 * samples, 0);
  report(&b, schedules, plain, samples + (double)TRAJECTORIES * 30, 10);
  report(&b, lags_alone, plain, samples + (double)TRAJECTORIES * 30, 10);
  report(&b, linear, moments, samples, 0);
  report(&b, log_bins, squares, samples, 0);
  return bench_close(&b);
}
