/* Processes, times, and what the reader of a figure must know about the machine. */
#include "measure.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The clock while one core works, from a chain of products of 3 cycles each, whose latency a busy second thread on the core
   leaves alone; the largest of many short trials. */
static double measure_clock(void) {
#if defined(__x86_64__)
  double best = 0;
  for (int trial = 0; trial < 400; trial++) {
    unsigned long n = 2000, x = 3;
    const double begin = seconds_now();
    __asm__ volatile("1:\n\t.rept 32\n\timul %1, %1\n\t.endr\n\tdec %0\n\tjnz 1b" : "+r"(n), "+r"(x));
    const double ghz = 2000 * 32 * 3e-9 / (seconds_now() - begin);
    best = ghz > best ? ghz : best;
  }
  return best;
#else
  return 0;
#endif
}

static const char *cpu_model(void) {
  static char model[128] = "unknown CPU";
  static int family = -1, number = -1;
  FILE *file = fopen("/proc/cpuinfo", "r");
  char line[256];
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    const char *value = strchr(line, ':');
    if (value == NULL) {
      continue;
    }
    if (strncmp(line, "model name", 10) == 0) {
      snprintf(model, sizeof model, "%.100s", value + 2);
      model[strcspn(model, "\n")] = '\0';
    } else if (strncmp(line, "cpu family", 10) == 0) {
      family = atoi(value + 1);
    } else if (strncmp(line, "model\t", 6) == 0) {
      number = atoi(value + 1);
    } else if (strncmp(line, "flags", 5) == 0) {
      break;
    }
  }
  if (file != NULL) {
    fclose(file);
  }
  if (family >= 0) {
    const size_t used = strlen(model);
    snprintf(model + used, sizeof model - used, " (family %d model %d)", family, number);
  }
  return model;
}

static void usage(const char *name) {
  fprintf(stderr, "usage: bench_%s ENSGRAD_PROGRAM [--repeats N] [--peers FOLDER]\n", name);
  exit(2);
}

static const char *absolute(const char *path) {
  const char *const full = realpath(path, NULL);
  return full != NULL ? full : path;
}

void bench_open(bench *b, const char *name, int argc, char **argv) {
  memset(b, 0, sizeof *b);
  b->name = name;
  b->repeats = 9;
  b->peers = BENCH_PEERS;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--repeats") == 0 && i + 1 < argc) {
      b->repeats = atoi(argv[++i]);
    } else if (strcmp(argv[i], "--peers") == 0 && i + 1 < argc) {
      b->peers = argv[++i];
    } else if (argv[i][0] != '-' && b->program == NULL) {
      b->program = argv[i];
    } else {
      usage(name);
    }
  }
  if (b->program == NULL || b->repeats < 1 || b->repeats > BENCH_ROUNDS) {
    usage(name);
  }
  b->program = absolute(b->program); /* processes run in the temporary folder */
  b->peers = absolute(b->peers);
  const char *base = getenv("TMPDIR");
  snprintf(b->folder, sizeof b->folder, "%s/ensgrad-bench-XXXXXX", base != NULL ? base : "/tmp");
  if (mkdtemp(b->folder) == NULL) {
    perror(b->folder);
    exit(1);
  }
  b->clock = measure_clock();
}

const char *const *bench_words(bench *b, ...) {
  const char **const first = b->words + b->n_words;
  va_list list;
  va_start(list, b);
  const char *word;
  do {
    if (b->n_words == BENCH_WORDS) {
      fputs("bench: too many words\n", stderr);
      exit(1);
    }
    word = va_arg(list, const char *);
    b->words[b->n_words++] = word;
  } while (word != NULL);
  va_end(list);
  return first;
}

const char *bench_text(const char *format, ...) {
  char *text = NULL;
  va_list list;
  va_start(list, format);
  if (vasprintf(&text, format, list) < 0) {
    exit(1);
  }
  va_end(list);
  return text;
}

bool bench_is_there(const char *path) {
  return access(path, R_OK) == 0;
}

static bench_case *new_case(bench *b, const char *name) {
  if (b->n_cases == BENCH_CASES) {
    fputs("bench: too many cases\n", stderr);
    exit(1);
  }
  bench_case *c = &b->cases[b->n_cases++];
  c->name = name;
  return c;
}

bench_case *bench_add(bench *b, const char *name, const char *size, double work, const char *const *words,
                      const char *const *start_words) {
  bench_case *c = new_case(b, name);
  c->size = size;
  c->work = work;
  c->words = words;
  c->start_words = start_words;
  return c;
}

bench_case *bench_add_missing(bench *b, const char *name, const char *why) {
  bench_case *c = new_case(b, name);
  c->missing = why;
  return c;
}

/* In the child: output goes to a file that is shown when the program fails. */
static void become(const bench *b, const char *const *words) {
  const int out = open(bench_text("%s/output", b->folder), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (out < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 || chdir(b->folder) != 0) {
    _exit(126);
  }
  execvp(words[0], (char *const *)words);
  _exit(127);
}

static void show_output(const bench *b) {
  FILE *file = fopen(bench_text("%s/output", b->folder), "r");
  char line[512];
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    fprintf(stderr, "  | %s", line);
  }
  if (file != NULL) {
    fclose(file);
  }
}

bool bench_run(bench *b, const char *const *words, bench_sample *sample) {
  const double begin = seconds_now();
  const pid_t child = fork();
  if (child == 0) {
    become(b, words);
  }
  int status = 0;
  struct rusage usage;
  if (child < 0 || wait4(child, &status, 0, &usage) != child) {
    perror("bench: cannot run a process");
    b->has_failed = true;
    return false;
  }
  sample->wall = seconds_now() - begin;
  sample->cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  sample->max_rss = (double)usage.ru_maxrss / 1024.0;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "bench: failed (status %d):", status);
    for (size_t i = 0; words[i] != NULL; i++) {
      fprintf(stderr, " %s", words[i]);
    }
    fputc('\n', stderr);
    show_output(b);
    b->has_failed = true;
    return false;
  }
  return true;
}

const char *bench_output(const bench *b) {
  static char text[1 << 16];
  FILE *file = fopen(bench_text("%s/output", b->folder), "r");
  const size_t n = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
  text[n] = '\0';
  if (file != NULL) {
    fclose(file);
  }
  return text;
}

const char *bench_python_with(const bench *b, const char *module) {
  const char *const python = bench_text("%s/venv/bin/python", b->peers);
  const char *const command = bench_text("'%s' -c 'import %s' >/dev/null 2>&1", python, module);
  return bench_is_there(python) && system(command) == 0 ? python : NULL;
}

/* Once, untimed: kernels that are compiled at first use are in the cache then. */
static void warm_up(bench *b) {
  bench_sample unused;
  for (size_t i = 0; i < b->n_cases; i++) {
    const bench_case *const c = &b->cases[i];
    const char *const *const words = c->start_words != NULL ? c->start_words : c->words;
    if (words != NULL) {
      (void)bench_run(b, words, &unused); /* a failure is said, and shows again in the rounds */
    }
  }
}

void bench_measure(bench *b) {
  warm_up(b);
  for (int round = 0; round < b->repeats; round++) {
    for (size_t i = 0; i < b->n_cases; i++) {
      bench_case *const c = &b->cases[i];
      bench_sample start = {0, 0, 0};
      if (c->words == NULL || (c->start_words != NULL && !bench_run(b, c->start_words, &start)) ||
          !bench_run(b, c->words, &c->samples[c->n])) {
        continue;
      }
      c->seconds[c->n] = c->samples[c->n].cpu - start.cpu;
      c->wall[c->n] = c->samples[c->n].wall - start.wall;
      c->n++;
    }
    fprintf(stderr, "\r%s: round %d of %d", b->name, round + 1, b->repeats);
  }
  fputs("\r                              \r", stderr);
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double bench_median(const double *values, size_t n) {
  double sorted[BENCH_ROUNDS];
  memcpy(sorted, values, n * sizeof *values);
  qsort(sorted, n, sizeof *sorted, compare);
  return n == 0 ? 0 : 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
}

double bench_best(const double *values, size_t n) {
  double best = n == 0 ? 0 : values[0];
  for (size_t i = 1; i < n; i++) {
    best = values[i] < best ? values[i] : best;
  }
  return best;
}

void bench_line(const bench *b, const char *name, const char *size, const char *values) {
  double load = 0;
  if (getloadavg(&load, 1) != 1) {
    load = -1;
  }
  char date[32];
  const time_t now = time(NULL);
  strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
  printf("{\"bench\": \"%s\", \"case\": \"%s\", \"size\": \"%s\", %s, \"machine\": \"%s\", \"cores\": %ld, "
         "\"clock_ghz\": %.2f, \"load\": %.1f, \"compiler\": \"%s\", \"date\": \"%s\"}\n",
         b->name, name, size, values, cpu_model(), sysconf(_SC_NPROCESSORS_ONLN), b->clock, load,
         BENCH_COMPILER, date);
  fflush(stdout);
}

static void print_figure(bool is_ratio, double value) {
  if (value > 0) {
    fprintf(stderr, is_ratio ? " %8.1f" : " %8.3g", value);
  } else {
    fprintf(stderr, " %8s", "");
  }
}

void bench_report(bench *b, const char *unit) {
  fprintf(stderr, "%-46s %10s %10s %8s %8s %8s %8s\n", b->name, "best", "median", "cycles", "wanted", "ratio",
          "wanted");
  for (size_t i = 0; i < b->n_cases; i++) {
    const bench_case *const c = &b->cases[i];
    if (c->n == 0) {
      fprintf(stderr, "%-46s skipped: %s\n", c->name, c->missing != NULL ? c->missing : "it failed");
      bench_line(b, c->name, "",
                 bench_text("\"skipped\": \"%s\"", c->missing != NULL ? c->missing : "it failed"));
      continue;
    }
    const double scale = 1e9 / c->work;
    const double median = scale * bench_median(c->seconds, c->n), best = scale * bench_best(c->seconds, c->n);
    const double wall = scale * bench_median(c->wall, c->n), best_wall = scale * bench_best(c->wall, c->n);
    double ratio = 0;
    if (c->own != NULL && c->own->n > 0) {
      ratio = median / (1e9 / c->own->work * bench_median(c->own->seconds, c->own->n));
    }
    const double cycles = median * b->clock;
    bench_line(
        b, c->name, c->size,
        bench_text("\"unit\": \"%s\", \"repeats\": %zu, \"best\": %.4f, \"median\": %.4f, "
                   "\"wall_best\": %.4f, \"wall_median\": %.4f, \"cycles\": %.2f, "
                   "\"target\": %g, \"own\": \"%s\", \"ratio\": %.2f, \"target_ratio\": %g",
                   unit, c->n, best, median, best_wall, wall, cycles, c->target, c->own != NULL ? c->own->name : "", ratio,
                   c->target_ratio));
    fprintf(stderr, "%-46s %10.4f %10.4f %8.2f", c->name, best, median, cycles);
    print_figure(false, c->target);
    print_figure(true, ratio);
    print_figure(true, c->target_ratio);
    fputc('\n', stderr);
  }
  fprintf(stderr, "%s; %s, %.2f GHz, %s; wanted: on a Zen 5\n", unit, cpu_model(), b->clock, BENCH_COMPILER);
}

int bench_close(bench *b) {
  DIR *folder = opendir(b->folder);
  struct dirent *entry;
  while (folder != NULL && (entry = readdir(folder)) != NULL) {
    unlinkat(dirfd(folder), entry->d_name, 0); /* flat: what the programs wrote */
  }
  if (folder != NULL) {
    closedir(folder);
  }
  rmdir(b->folder);
  return b->has_failed ? 1 : 0;
}
