/* How good is the prediction of `ensgrad check`? Predicted time and memory against `ensgrad run`, for three studies. */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct question {
  const char *name, *study, *realisations;
} question;

/* The number behind "key": in the output of the last process, behind the text `after`; 0 if it is not there. */
static double number_in(const char *text, const char *after, const char *key) {
  const char *at = strstr(text, after);
  at = at != NULL ? strstr(at, key) : NULL;
  at = at != NULL ? strchr(at + strlen(key), ':') : NULL;
  return at != NULL ? atof(at + 1) : 0;
}

static void ask(bench *b, const question *q) {
  const char *const study = bench_text("%s/studies/%s", BENCH_SOURCE, q->study);
  const char *const set = bench_text("realisations=%s", q->realisations);
  const char *const *const check =
      bench_words(b, b->program, "check", study, "--threads", "1", "--json", "--set", set, NULL);
  const char *const *const run =
      bench_words(b, b->program, "run", study, "-o", "result.h5", "--force", "--backend", "cpu", "--threads",
                  "1", "--quiet", "--set", set, NULL);
  double seconds[BENCH_ROUNDS], memory[BENCH_ROUNDS], took[BENCH_ROUNDS], ratio[BENCH_ROUNDS];
  double predicted = 0, bytes = 0;
  size_t n = 0;
  for (int round = 0; round < b->repeats; round++) {
    bench_sample checked, ran;
    if (!bench_run(b, check, &checked)) {
      continue;
    }
    const char *const text = bench_output(b);
    predicted = number_in(text, "\"backends\"", "\"seconds\"");
    bytes = number_in(text, "\"backends\"", "\"memory_bytes\"");
    if (!bench_run(b, run, &ran) || !(predicted > 0)) {
      continue;
    }
    seconds[n] = ran.cpu; /* of one thread: a busy machine does not count, as in the prediction */
    memory[n] = ran.max_rss;
    took[n] = checked.cpu;
    ratio[n] = predicted / ran.cpu;
    n++;
  }
  if (n == 0) {
    bench_line(b, q->name, q->study, "\"skipped\": \"it failed\"");
    return;
  }
  double least = ratio[0], most = ratio[0];
  for (size_t i = 1; i < n; i++) {
    least = ratio[i] < least ? ratio[i] : least;
    most = ratio[i] > most ? ratio[i] : most;
  }
  bench_line(b, q->name, bench_text("%s, %s realisations", q->study, q->realisations),
             bench_text("\"unit\": \"predicted / actual CPU time\", \"repeats\": %zu, \"median\": %.3f, "
                        "\"best\": %.3f, \"worst\": %.3f, \"seconds\": %.4f, \"memory_ratio\": %.3f, \"memory_mib\": %.2f, "
                        "\"check_seconds\": %.3f",
                        n, bench_median(ratio, n), least, most, bench_median(seconds, n),
                        bytes / 0x1p20 / bench_median(memory, n), bench_median(memory, n), bench_median(took, n)));
  fprintf(stderr,
          "check: %-28s predicted / actual time %.2f (%.2f .. %.2f), memory %.2f; run %.3f s, check %.3f s\n",
          q->name, bench_median(ratio, n), least, most, bytes / 0x1p20 / bench_median(memory, n), bench_median(seconds, n),
          bench_median(took, n));
}

int main(int argc, char **argv) {
  bench b;
  bench_open(&b, "check", argc, argv);
  const question questions[] = {{"long tiles, few records", "ou.yaml", "2^16"},
                                {"two steps a realisation", "memory.yaml", "2e7"},
                                {"records and covariance", "records.yaml", "2^20"}};
  for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
    ask(&b, &questions[i]);
  }
  return bench_close(&b);
}
