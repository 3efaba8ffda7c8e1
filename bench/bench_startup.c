/* How long from the command to the first result of a tiny study? Wall time. */
#include "measure.h"

#include <stdio.h>

int main(int argc, char **argv) {
  bench b;
  bench_open(&b, "startup", argc, argv);
  const char *const *const words = bench_words(&b, b.program, "run", BENCH_SOURCE "/studies/tiny.yaml", "-o",
                                               "result.h5", "--force", "--backend", "cpu", "--quiet", NULL);
  double wall[BENCH_ROUNDS], cpu[BENCH_ROUNDS];
  size_t n = 0;
  for (int round = 0; round < 3 * b.repeats && n < BENCH_ROUNDS; round++) {
    bench_sample sample;
    if (bench_run(&b, words, &sample)) {
      wall[n] = sample.wall;
      cpu[n] = sample.cpu;
      n++;
    }
  }
  if (n > 0) {
    bench_line(&b, "command to first result", "256 trajectories x 8 steps",
               bench_text("\"unit\": \"s (wall)\", \"repeats\": %zu, \"best\": %.4f, \"median\": %.4f, "
                          "\"cpu_median\": %.4f, \"target\": 0.1",
                          n, bench_best(wall, n), bench_median(wall, n), bench_median(cpu, n)));
    fprintf(stderr, "startup: best %.4f s, median %.4f s (CPU %.4f s); wanted 0.1\n", bench_best(wall, n),
            bench_median(wall, n), bench_median(cpu, n));
  }
  return bench_close(&b);
}
