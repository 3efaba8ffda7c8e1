/*
 * The reader of results and `merge` on files whose bytes were changed anywhere and sealed again, as a stranger can:
 *   fuzz_image EXECUTIONS [SEED [PATIENCE [one]]]
 *   fuzz_image FILE: what such a run kept, again. Without the address sanitizer a try can end outside of HDF5 because of memory that
 *   HDF5 has overwritten; with it, the try ends where that happens.
 * one: a try is one drawn reader (of four, or merge) and not all of them one after the other, five times as many tries a second.
 * PATIENCE: seconds of CPU time that a try may take (15: behind the program's own patience with HDF5, which is tested then too).
 * Every try is a process of its own, since HDF5 may crash on such a file, or go round for ever: that is counted where it happens
 * within HDF5 (the program makes a message of both, src/cli/crash.c) and is a failure anywhere else. What fails must say so, and what is merged must be whole.
 * Coverage cannot guide this: HDF5 is not instrumented, so changes are drawn, half of them where the file has its structure.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ensgrad/ensgrad.h"
#include "io/seal.h"

static const char TEXT[] =
    "seed: 3\nmodel: {name: ornstein-uhlenbeck}\nstart: {points: [[0.5], [2]]}\ntime_step: 1/8\nsteps: 16\nrealisations: 300\n"
    "dynamics:\n  - {name: sde, scheme: euler-maruyama}\n  - {name: sde, scheme: exact, label: law}\n"
    "observe:\n  at: {steps: [2, 16]}\n  features: [x, norm2]\n  statistics: [moments, covariance]\n"
    "  histograms: {feature: x, bins: 4}\n  keep: {realisations: 70}\n";

enum { READ = 0, REFUSED = 3, IN_HDF5 = 9, HANGS = 10, WRONG = 11, MOST_CHANGES = 4, PATIENCE = 15, N_READERS = 4, ALL };

static long patience = PATIENCE;

static char folder[200], changed[256], good[256], merged[256];

static void must(eg_context *ctx, eg_status status) {
  if (status != EG_OK) {
    fprintf(stderr, "%s\n", eg_context_message(ctx));
    exit(1);
  }
}

static uint64_t random_state;

static uint64_t random_below(uint64_t n) {
  random_state += 0x9e3779b97f4a7c15u; /* splitmix64 */
  uint64_t z = random_state;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (z ^ z >> 31) % n;
}

static void make_shard(eg_context *ctx, const eg_study *study, uint64_t shard, const char *path) {
  eg_run_options options;
  eg_run_options_default(&options);
  options.output = path;
  options.backend = "cpu";
  options.threads = 1;
  options.shard = shard;
  options.n_shards = 2;
  must(ctx, eg_run_study(ctx, study, &options));
}

/* HDF5's signatures of what gives a file its structure; changes near them reach further than those in values. */
static size_t choose_place(const unsigned char *image, size_t length) {
  static const char *const names[] = {"TREE", "SNOD", "HEAP", "OHDR", "FRHP", "BTHD", "GCOL", "FHDB"};
  const size_t place = (size_t)random_below(length);
  const char *const name = names[random_below(sizeof names / sizeof names[0])];
  if (random_below(2) == 0) {
    return place;
  }
  const unsigned char *const found = memmem(image + place, length - place, name, 4);
  const size_t at = found == NULL ? (size_t)random_below(200) : (size_t)(found - image) + (size_t)random_below(64);
  return at < length ? at : place;
}

static void change(unsigned char *image, size_t length) {
  static const uint64_t values[] = {0, 1, 2, 255, 65535, 0x7fffffff, 0xffffffffu, UINT64_MAX, (uint64_t)1 << 40};
  for (uint64_t n = 1 + random_below(MOST_CHANGES); n > 0; n--) {
    const size_t at = choose_place(image, length);
    const uint64_t value = values[random_below(sizeof values / sizeof values[0])];
    const size_t bytes = (size_t)1 << random_below(4);
    switch (random_below(4)) {
    case 0:
      image[at] ^= (unsigned char)(1u << random_below(8));
      break;
    case 1:
      image[at] = (unsigned char)random_below(256);
      break;
    case 2:
      memcpy(image + at, &value, bytes < length - at ? bytes : length - at);
      break;
    default: { /* a piece from elsewhere */
      const size_t from = choose_place(image, length), room = length - (from > at ? from : at);
      memmove(image + at, image + from, room < 16 ? room : 16);
    }
    }
  }
}

/* False if it cannot be written. */
static bool write_sealed(const char *path, const unsigned char *image, size_t length) {
  unsigned char seal[EG_SEAL_BYTES];
  FILE *const file = fopen(path, "wb");
  eg_seal_make(image, length, seal);
  const bool is_written = file != NULL && fwrite(image, 1, length, file) == length && fwrite(seal, 1, sizeof seal, file) == sizeof seal;
  return file != NULL && fclose(file) == 0 && is_written;
}

static void on_crash(int number) {
  if (eg_is_inside_hdf5()) {
    const int is_stuck = patience < PATIENCE || eg_stuck_in_hdf5() != NULL;
    _exit(number != SIGPROF ? IN_HDF5 : is_stuck ? HANGS : WRONG);
  }
  _exit(WRONG);
}

static void on_exit_call(void) {
  if (eg_is_inside_hdf5()) {
    _exit(IN_HDF5);
  }
}

/* Failures must be those that a bad file may cause, and tell something. */
static bool is_honest(eg_context *ctx, eg_status status) {
  const bool is_known = status == EG_OK || status == EG_ERR_DAMAGED || status == EG_ERR_STUDY || status == EG_ERR_OVERLAP ||
                        status == EG_ERR_USAGE || status == EG_ERR_CLAIM || status == EG_ERR_MEMORY || status == EG_ERR_OUTPUT;
  if (!is_known || (status != EG_OK && eg_context_message(ctx)[0] == '\0')) {
    fprintf(stderr, "status %d: %s\n", (int)status, eg_context_message(ctx));
    return false;
  }
  return true;
}

typedef eg_status (*reader)(eg_context *ctx, const char *path, char **text);

/* What the child found out is its exit code. */
static int read_by(eg_context *ctx, int i) {
  static const reader readers[N_READERS] = {eg_result_table, eg_result_csv, eg_result_histograms_csv, eg_result_paths_csv};
  char *text = NULL;
  const eg_status status = readers[i](ctx, changed, &text);
  free(text);
  return !is_honest(ctx, status) ? WRONG : status == EG_OK ? READ : REFUSED;
}

static int merge_it(eg_context *ctx) {
  const char *const files[] = {changed, good};
  const eg_merge_options options = {.output = merged, .force = 1, .allow_gaps = 1};
  int is_complete = 0;
  const eg_status status = eg_merge(ctx, files, 2, &options, &is_complete);
  if (!is_honest(ctx, status) || (status == EG_OK && eg_result_check(ctx, merged, &is_complete) != EG_OK)) {
    return WRONG;
  }
  return status == EG_OK ? READ : REFUSED;
}

/* `drawn`: N_READERS is merge, less is one reader; more is all of them. */
static int read_all(int drawn) {
  eg_context *const ctx = eg_context_create();
  int code = READ;
  for (int i = 0; i <= N_READERS && code != WRONG; i++) {
    if (drawn > N_READERS || drawn == i) {
      const int found = i < N_READERS ? read_by(ctx, i) : merge_it(ctx);
      code = found == READ ? code : found;
    }
  }
  eg_context_free(ctx);
  return code;
}

static int try_one(int drawn) {
  int state = 0;
  const pid_t child = fork();
  if (child == 0) {
    const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGPROF};
    const struct itimerval time = {.it_value = {.tv_sec = patience}};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
      (void)signal(signals[i], on_crash);
    }
    (void)atexit(on_exit_call);
    (void)setitimer(ITIMER_PROF, &time, NULL);
    _exit(read_all(drawn));
  }
  if (child < 0 || waitpid(child, &state, 0) != child) {
    perror("fork");
    exit(1);
  }
  return WIFEXITED(state) ? WEXITSTATUS(state) : WRONG;
}

int main(int argc, char **argv) {
  const unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000, seed = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
  unsigned long counts[256] = {0}, n_wrong = 0;
  eg_context *const ctx = eg_context_create();
  eg_study *study = NULL;
  unsigned char *image = NULL, *kept_image = NULL;
  size_t length = 0, kept_length = 0;
  const bool is_one = argc > 4 && strcmp(argv[4], "one") == 0;
  patience = argc > 3 ? strtol(argv[3], NULL, 10) : PATIENCE;
  (void)snprintf(folder, sizeof folder, "%.150s/ensgrad-fuzz-XXXXXX", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
  eg_own_hdf5();
  if (mkdtemp(folder) == NULL) {
    perror(folder);
    return 1;
  }
  (void)snprintf(changed, sizeof changed, "%s/changed.h5", folder);
  (void)snprintf(good, sizeof good, "%s/good.h5", folder);
  (void)snprintf(merged, sizeof merged, "%s/merged.h5", folder);
  must(ctx, eg_study_parse(ctx, "fuzz.yaml", TEXT, strlen(TEXT), NULL, 0, &study));
  make_shard(ctx, study, 0, changed);
  make_shard(ctx, study, 1, good);
  must(ctx, eg_seal_read(ctx, changed, &image, &length));
  unsigned char *const bytes = malloc(length);
  random_state = (uint64_t)seed << 40; /* far from each other */
  if (argc == 2 && n == 0 && bytes != NULL) {
    must(ctx, eg_seal_read(ctx, argv[1], &kept_image, &kept_length));
    const int code = write_sealed(changed, kept_image, kept_length) ? try_one(ALL) : WRONG;
    (void)unlink(changed), (void)unlink(good), (void)unlink(merged), (void)rmdir(folder);
    printf("%s: code %d\n", argv[1], code);
    return code == WRONG;
  }
  for (unsigned long i = 0; i < n && bytes != NULL; i++) {
    memcpy(bytes, image, length);
    if (i > 0) { /* the first is as it was */
      change(bytes, length);
    }
    if (!write_sealed(changed, bytes, length)) {
      perror(changed);
      return 1;
    }
    const int code = try_one(is_one && i > 0 ? (int)random_below(N_READERS + 1) : ALL);
    counts[code]++;
    if (code != READ && code != REFUSED && code != IN_HDF5 && code != HANGS) {
      char kept[64];
      n_wrong++;
      (void)snprintf(kept, sizeof kept, "crash-image-%lu-%lu.h5", seed, i);
      fprintf(stderr, "try %lu of seed %lu: code %d; the file is kept as %s\n", i, seed, code, kept);
      (void)write_sealed(kept, bytes, length);
    }
    if (i == 0 && code != READ) {
      fprintf(stderr, "the unchanged file is not read\n");
      n_wrong++;
    }
  }
  (void)unlink(changed), (void)unlink(good), (void)unlink(merged), (void)rmdir(folder);
  printf("%lu files changed and sealed again: %lu read and merged, %lu refused with a message, %lu crashes and %lu endless loops "
         "within HDF5, %lu wrong\n",
         n, counts[READ], counts[REFUSED], counts[IN_HDF5], counts[HANGS], n_wrong);
  free(bytes);
  free(image);
  eg_study_free(study);
  eg_context_free(ctx);
  return n_wrong == 0 ? 0 : 1;
}
