/* What do monitors cost, and what do snapshots of long tiles? One step of Ornstein-Uhlenbeck, the cheapest there is, with 0,
   1 and 4 monitors; the same study with a snapshot every second and with none. And what does stopping at a crossing save? An
   escape whose horizon is twenty mean exit times, where a twentieth of the steps is what must be made. */
#include "measure.h"

#include <stdio.h>

#define ONE  "[{name: peak, feature: x0, operation: maximum}]"
#define FOUR                                                                                                 \
  "[{name: peak, feature: norm2, operation: maximum}, {name: average, feature: x0, operation: mean},"        \
  " {name: exit, feature: x0, operation: crossing, level: 2}, {name: low, feature: x0, operation: minimum}]"

static bench_case *add_own(bench *b, const char *name, const char *monitors) {
  const char *const study = BENCH_SOURCE "/studies/ou.yaml";
  const char *const set = monitors == NULL ? "seed=1" : bench_text("observe.monitors=%s", monitors);
  return bench_add(b, name, "32768 trajectories x 4000 steps", 32768.0 * 4000.0,
                   bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu", "--threads",
                               "1", "--quiet", "--set", set, "--set", "realisations=32768", "--set", "steps=4000", "--set",
                               "observe.at={steps: [4000]}", NULL),
                   bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu", "--threads",
                               "1", "--quiet", "--set", set, "--set", "realisations=32768", "--set", "steps=1", "--set",
                               "observe.at={steps: [1]}", NULL));
}

/* A large result: 4000 observations with moments of four columns, 64 blocks of them; long tiles. */
static bench_case *add_snapshots(bench *b, const char *name, const char *seconds) {
  const char *const study = BENCH_SOURCE "/studies/ou.yaml";
  return bench_add(b, name, "4096 trajectories x 3.2e6 steps, 4000 observations", 4096.0 * 3.2e6,
                   bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu", "--threads",
                               "1", "--quiet", "--snapshot", seconds, "--set", "realisations=4096", "--set",
                               "steps=3200000", "--set", "observe.at={steps: {linear: 4000}}", NULL),
                   NULL);
}

/* Out of |x| < 1.2, from 0: MEAN_EXIT steps on average. */
enum { MEAN_EXIT = 1370 };
static bench_case *add_escape(bench *b, const char *name, const char *absorbing) {
  const char *const study = BENCH_SOURCE "/studies/ou.yaml";
  const char *const monitor =
      bench_text("observe.monitors=[{name: out, feature: norm2, operation: crossing, level: 1.44, absorbing: %s}]", absorbing);
  const char *const steps = bench_text("steps=%d", 20 * MEAN_EXIT), *const at = bench_text("observe.at={steps: [%d]}", 20 * MEAN_EXIT);
  return bench_add(b, name, "131072 trajectories, 20 mean exit times", 131072.0 * 20 * MEAN_EXIT,
                   bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu", "--threads", "1",
                               "--quiet", "--set", monitor, "--set", "realisations=131072", "--set", "start.point=0", "--set", steps,
                               "--set", at, NULL),
                   bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu", "--threads", "1",
                               "--quiet", "--set", monitor, "--set", "realisations=131072", "--set", "start.point=0", "--set", "steps=1",
                               "--set", "observe.at={steps: [1]}", NULL));
}

int main(int argc, char **argv) {
  bench b;
  bench_open(&b, "monitors", argc, argv);
  bench_case *const none = add_own(&b, "no monitor", NULL);
  bench_case *const one = add_own(&b, "1 monitor", ONE), *const four = add_own(&b, "4 monitors", FOUR);
  bench_case *const calm = add_snapshots(&b, "no snapshot", "100000");
  bench_case *const busy = add_snapshots(&b, "a snapshot every second", "1");
  bench_case *const all = add_escape(&b, "escape, all to the end", "false");
  bench_case *const stopped = add_escape(&b, "escape, absorbing", "true");
  bench_measure(&b);
  bench_report(&b, "ns per trajectory-step");
  const double base = bench_median(none->seconds, none->n);
  bench_line(&b, "ratios", "",
             bench_text("\"1 monitor\": %.3f, \"4 monitors\": %.3f, \"snapshots, CPU time\": %.4f, \"absorbing\": %.4f",
                        bench_median(one->seconds, one->n) / base, bench_median(four->seconds, four->n) / base,
                        bench_median(busy->seconds, busy->n) / bench_median(calm->seconds, calm->n),
                        bench_median(stopped->seconds, stopped->n) / bench_median(all->seconds, all->n)));
  fprintf(stderr, "monitors: %.2f times the step with 1 monitor, %.2f with 4; snapshots every second: %+.2f %% CPU time\n",
          bench_median(one->seconds, one->n) / base, bench_median(four->seconds, four->n) / base,
          100 * (bench_median(busy->seconds, busy->n) / bench_median(calm->seconds, calm->n) - 1));
  fprintf(stderr, "escape over 20 mean exit times: absorbing takes %.4f of the time of all to the end; 0.05 is the share of the steps\n",
          bench_median(stopped->seconds, stopped->n) / bench_median(all->seconds, all->n));
  return bench_close(&b);
}
