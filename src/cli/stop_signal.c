/*
 * Signals. The first of TERM, INT, USR1, HUP, XCPU asks the run to end with a valid file (exit 75). A second
 * INT or TERM ends the program at once with 130 or 143; the result file stays valid, because it is only ever
 * renamed into place. `timeout` and some batch systems send the same signal twice at the same instant (to the
 * process and to its group): what comes within a fifth of a second of the first counts as the first.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

static const long long SAME_INSTANT = 200000000; /* nanoseconds */

_Static_assert(sizeof(sig_atomic_t) == sizeof(int), "the stop flag of the library is an int");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a handler needs atomics without locks");
static volatile int stop_flag; /* number of the first signal */
static atomic_llong asked_at;  /* nanoseconds of the monotonic clock at the first INT or TERM, 0 before */

static const struct {
  int number;
  const char *name;
} stop_signals[] = {
    {SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGUSR1, "SIGUSR1"}, {SIGHUP, "SIGHUP"}, {SIGXCPU, "SIGXCPU"}};

enum { N_STOP_SIGNALS = sizeof stop_signals / sizeof stop_signals[0] };

static void on_stop_signal(int number) {
  int none = 0; /* any thread may run the handler */
  (void)__atomic_compare_exchange_n(&stop_flag, &none, number, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  if (number != SIGINT && number != SIGTERM) {
    return;
  }
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time); /* cannot fail with this clock; safe in a handler */
  const long long now = (long long)time.tv_sec * 1000000000 + time.tv_nsec;
  long long first = 0;
  if (!atomic_compare_exchange_strong(&asked_at, &first, now) && now - first > SAME_INSTANT) {
    _exit(128 + number);
  }
}

void cli_catch_stop_signals(void) {
  struct sigaction action = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART};
  (void)sigemptyset(&action.sa_mask); /* these calls fail only for wrong signal numbers */
  for (size_t i = 0; i < N_STOP_SIGNALS; i++) {
    (void)sigaddset(&action.sa_mask, stop_signals[i].number); /* the handler is not interrupted by itself */
  }
  for (size_t i = 0; i < N_STOP_SIGNALS; i++) {
    struct sigaction before;
    /* What the parent ignores stays ignored: nohup does so with HUP, a shell with INT of a background job. */
    if (sigaction(stop_signals[i].number, NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
      (void)sigaction(stop_signals[i].number, &action, NULL);
    }
  }
}

const volatile int *cli_stop_flag(void) {
  return &stop_flag;
}

const char *cli_stop_signal_name(void) {
  for (size_t i = 0; i < N_STOP_SIGNALS; i++) {
    if (stop_signals[i].number == stop_flag) {
      return stop_signals[i].name;
    }
  }
  return "";
}

void cli_ignore_write_signals(void) {
  (void)signal(SIGXFSZ, SIG_IGN); /* a file-size limit comes back as EFBIG */
  (void)signal(SIGPIPE, SIG_IGN); /* and a closed pipe as EPIPE */
}
