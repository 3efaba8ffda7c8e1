#include "mpi/watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "mpi/message.h"

static struct {
  atomic_ulong n_heard;
  double seconds;
  int words;
} watch;

static _Noreturn void *look(void *argument) {
  (void)argument;
  static const struct timespec BEAT = {0, (long)(1e9 * EG_MPI_BEAT_SECONDS)};
  unsigned long seen = 0;
  double silent = 0;
  for (;;) {
    (void)nanosleep(&BEAT, NULL); /* cut short only makes it look earlier */
    const unsigned long heard = atomic_load(&watch.n_heard);
    silent = heard == 0 || heard != seen ? 0 : silent + EG_MPI_BEAT_SECONDS;
    seen = heard;
    if (silent > watch.seconds) {
      (void)dprintf(watch.words, "ensgrad-mpi: error: no sign of life of rank 0 for %.3g s: another rank ends, too\n", silent);
      _exit(eg_status_exit_code(EG_ERR_DEVICE));
    }
  }
}

eg_status eg_watch_start(eg_context *ctx, double seconds, int words) {
  pthread_t thread;
  watch.seconds = seconds;
  watch.words = words;
  if (seconds <= 0) {
    return EG_OK;
  }
  if (pthread_create(&thread, NULL, look, NULL) != 0) {
    return eg_fail(ctx, EG_ERR_MEMORY, "cannot start the thread that watches rank 0");
  }
  (void)pthread_detach(thread); /* ends with the process */
  return EG_OK;
}

void eg_watch_heard(void) {
  (void)atomic_fetch_add(&watch.n_heard, 1);
}
