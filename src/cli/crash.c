/*
 * HDF5 is written for machines whose memory does not end: where an allocation fails it may follow a null pointer, free twice or call
 * exit(-1). That is told like any other error; nothing on disk is open then, since results are made in memory and renamed into
 * place. A crash anywhere else is told too, and goes its way (core file, debugger, sanitizer). Where it goes round for ever in a result
 * that somebody made so, a thread that looks once a second ends the program.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
enum { N_CRASH_SIGNALS = sizeof crash_signals / sizeof crash_signals[0], STACK_BYTES = 1 << 16 };

static struct sigaction before[N_CRASH_SIGNALS];

static void tell(const char *text) {
  (void)!write(STDERR_FILENO, text, strlen(text)); /* there is nobody else to tell */
}

static void end_in_hdf5(void) {
  tell("ensgrad: error: out of memory in HDF5, or a fault in it; no file was changed\n");
  _exit(eg_status_exit_code(EG_ERR_MEMORY));
}

static void on_crash(int number) {
  if (eg_is_inside_hdf5()) {
    end_in_hdf5();
  }
  tell("ensgrad: internal error: please report it; files are whole\n");
  for (int i = 0; i < N_CRASH_SIGNALS; i++) {
    if (crash_signals[i] == number) {
      (void)sigaction(number, &before[i], NULL);
    }
  }
  (void)raise(number); /* comes when this handler has returned */
}

/* HDF5 called exit. */
static void on_exit_call(void) {
  if (eg_is_inside_hdf5()) {
    end_in_hdf5();
  }
}

static _Noreturn void *look_for_loops(void *nothing) {
  (void)nothing;
  static const struct timespec REST = {1, 0};
  for (;;) {
    (void)nanosleep(&REST, NULL); /* no signal comes here to cut it short */
    const char *const path = eg_stuck_in_hdf5();
    if (path != NULL) {
      tell("ensgrad: error: ");
      tell(path);
      tell(": sealed, but HDF5 does not come to an end with it; no file was changed\n");
      _exit(eg_status_exit_code(EG_ERR_DAMAGED));
    }
  }
}

/* Ends with the process; where it cannot be started, a loop is one. Signals are the other threads'. */
static void watch_hdf5(void) {
  pthread_t thread;
  sigset_t all, own;
  (void)sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &own) == 0) {
    if (pthread_create(&thread, NULL, look_for_loops, NULL) == 0) {
      (void)pthread_detach(thread);
    }
    (void)pthread_sigmask(SIG_SETMASK, &own, NULL);
  }
}

void cli_catch_crashes(void) {
  static char stack[STACK_BYTES]; /* for recursion without end, in the first thread */
  const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};
  (void)sigemptyset(&action.sa_mask); /* these calls fail only for wrong arguments; without them a crash is one */
  (void)sigaltstack(&other, NULL);
  for (int i = 0; i < N_CRASH_SIGNALS; i++) {
    (void)sigaction(crash_signals[i], &action, &before[i]);
  }
  (void)atexit(on_exit_call);
  eg_own_hdf5();
  watch_hdf5();
}
