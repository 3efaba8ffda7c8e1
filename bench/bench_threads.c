/*
 * How much faster are two threads than one? Wall time of the same study, interleaved. Only an idle machine
 * answers this: the load is in the line, and the ratio of CPU times says whether the work itself grew.
 */
#include "measure.h"

#include <stdio.h>

static const char *const *words(bench *b, const char *threads) {
  return bench_words(b, b->program, "run", BENCH_SOURCE "/studies/ou.yaml", "-o", "result.h5", "--force",
                     "--backend", "cpu", "--threads", threads, "--quiet", "--set", "realisations=2^19", NULL);
}

int main(int argc, char **argv) {
  bench b;
  bench_open(&b, "threads", argc, argv);
  const char *const *const one = words(&b, "1"), *const *const two = words(&b, "2");
  double wall_one[BENCH_ROUNDS], wall_two[BENCH_ROUNDS], cpu_one[BENCH_ROUNDS], cpu_two[BENCH_ROUNDS];
  size_t n = 0;
  for (int round = 0; round < b.repeats; round++) {
    bench_sample first, second;
    if (bench_run(&b, one, &first) && bench_run(&b, two, &second)) {
      wall_one[n] = first.wall;
      wall_two[n] = second.wall;
      cpu_one[n] = first.cpu;
      cpu_two[n] = second.cpu;
      n++;
    }
  }
  if (n > 0) {
    const double best = bench_best(wall_one, n) / bench_best(wall_two, n);
    const double median = bench_median(wall_one, n) / bench_median(wall_two, n);
    const double cpu = bench_median(cpu_two, n) / bench_median(cpu_one, n);
    bench_line(
        &b, "2 threads against 1", "524288 trajectories x 8000 steps",
        bench_text("\"unit\": \"times faster (wall)\", \"repeats\": %zu, \"best\": %.3f, \"median\": %.3f, "
                   "\"wall_one\": %.3f, \"wall_two\": %.3f, \"cpu_ratio\": %.3f, \"target\": 1.9",
                   n, best, median, bench_best(wall_one, n), bench_best(wall_two, n), cpu));
    fprintf(stderr,
            "threads: 1: %.3f s, 2: %.3f s (best wall); %.2f times faster, median %.2f; CPU time x %.3f; "
            "wanted 1.9 on an idle machine\n",
            bench_best(wall_one, n), bench_best(wall_two, n), best, median, cpu);
  }
  return bench_close(&b);
}
