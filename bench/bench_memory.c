/* Does memory grow with the number of realisations? Largest resident size of 1e6 and of 1e9 realisations. */
#include "measure.h"

#include <stdio.h>

static bool measure(bench *b, const char *realisations, bench_sample *sample) {
  const char *const set = bench_text("realisations=%s", realisations);
  return bench_run(b,
                   bench_words(b, b->program, "run", BENCH_SOURCE "/studies/memory.yaml", "-o", "result.h5",
                               "--force", "--backend", "cpu", "--quiet", "--set", set, NULL),
                   sample);
}

int main(int argc, char **argv) {
  bench b;
  bench_open(&b, "memory", argc, argv);
  double few[BENCH_ROUNDS];
  size_t n = 0;
  bench_sample sample;
  for (int round = 0; round < b.repeats; round++) {
    if (measure(&b, "1e6", &sample)) {
      few[n++] = sample.max_rss;
    }
  }
  if (n > 0 && measure(&b, "1e9", &sample)) { /* seconds to a minute: once */
    const double ratio = sample.max_rss / bench_median(few, n);
    bench_line(
        &b, "1e9 against 1e6 realisations", "2 steps, 1 record",
        bench_text("\"unit\": \"MiB\", \"repeats\": %zu, \"best\": %.2f, \"median\": %.2f, \"at_1e9\": %.2f, "
                   "\"ratio\": %.4f, \"target_ratio\": 1.05, \"seconds\": %.1f",
                   n, bench_best(few, n), bench_median(few, n), sample.max_rss, ratio, sample.wall));
    fprintf(stderr, "memory: 1e6: %.2f MiB, 1e9: %.2f MiB (%.1f s): x %.4f; wanted at most 1.05\n",
            bench_median(few, n), sample.max_rss, sample.wall, ratio);
  }
  return bench_close(&b);
}
