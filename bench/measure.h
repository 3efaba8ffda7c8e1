/*
 * Shared by the benchmarks: run real programs as processes, interleaved, and report JSON lines and a table.
 *
 *   bench b;
 *   bench_open(&b, "ou", argc, argv);
 *   bench_case *own = bench_add(&b, "ensgrad, gaussian", 5.2e8, bench_words(&b, b.program, "run", .., NULL),
 * NULL); bench_measure(&b); bench_report(&b, "ns per trajectory-step"); return bench_close(&b);
 *
 * Time is CPU time of the process (user + system, wait4), so other work on the machine counts little. Each
 * round runs every case once, and right before it the case's start-up (the same program with almost no work),
 * whose time is taken off. A figure is the median over rounds; the best, and the median of the wall time, stand
 * beside it. A speed never fails a benchmark.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

enum { BENCH_CASES = 96, BENCH_ROUNDS = 101, BENCH_WORDS = 4096 };

typedef struct bench_sample {
  double cpu, wall; /* seconds */
  double max_rss;   /* MiB */
} bench_sample;

typedef struct bench_case {
  const char *name;
  const char *size;               /* of the problem, for people */
  double work;                    /* units (trajectory-steps) in one process */
  const char *const *words;       /* the command; NULL: the peer is missing */
  const char *const *start_words; /* the same with almost no work; NULL: nothing is taken off */
  double target;                  /* wanted figure in the unit of the report (0: none) .. */
  const struct bench_case *own;   /* of a peer: the case of ours it is compared with .. */
  double target_ratio;            /* .. and how many times faster that has to be (0: no target) */
  const char *missing;            /* why the peer is missing */
  size_t n;
  double seconds[BENCH_ROUNDS]; /* CPU seconds less start-up */
  double wall[BENCH_ROUNDS];    /* wall seconds less start-up */
  bench_sample samples[BENCH_ROUNDS];
} bench_case;

typedef struct bench {
  const char *name;
  const char *program; /* the ensgrad program */
  const char *peers;   /* folder of the peers that were built */
  char folder[256];    /* temporary, removed at the end */
  int repeats;
  bool has_failed;
  double clock; /* GHz, of a dependent chain */
  size_t n_cases;
  bench_case cases[BENCH_CASES];
  size_t n_words;
  const char *words[BENCH_WORDS];
} bench;

/* Arguments: PROGRAM [--repeats N] [--peers FOLDER]. Exits with a usage line when they are wrong. */
void bench_open(bench *b, const char *name, int argc, char **argv);

/* A command, NULL at the end; the words are not copied. */
const char *const *bench_words(bench *b, ...) __attribute__((sentinel));

/* Printed into memory that lives as long as the process. */
const char *bench_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Is there an executable (or readable) file? */
bool bench_is_there(const char *path);

bench_case *bench_add(bench *b, const char *name, const char *size, double work, const char *const *words,
                      const char *const *start_words);
bench_case *bench_add_missing(bench *b, const char *name, const char *why);

/* One process to its end. False, with a line on stderr, if it cannot be run or fails. */
bool bench_run(bench *b, const char *const *words, bench_sample *sample);

/* What the last process printed on stdout and stderr, at most 64 KiB; valid until the next call. */
const char *bench_output(const bench *b);

/* The Python of the folder of peers (scripts/bench makes it), where it has that module; NULL if not. */
const char *bench_python_with(const bench *b, const char *module);

void bench_measure(bench *b);

/* Figures of one case. */
double bench_median(const double *values, size_t n);
double bench_best(const double *values, size_t n);

/* JSON lines on stdout with figures in ns per unit of work, then a table on stderr. */
void bench_report(bench *b, const char *unit);

/* One JSON line for anything else: `values` is the inside of a JSON object. */
void bench_line(const bench *b, const char *name, const char *size, const char *values);

int bench_close(bench *b);

#endif
