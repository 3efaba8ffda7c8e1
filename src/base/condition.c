#include "base/condition.h"

#include <time.h>

/* None of these calls can fail on Linux with these arguments. */
void eg_condition_init(pthread_cond_t *condition) {
  pthread_condattr_t attributes;
  (void)pthread_condattr_init(&attributes);
  (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  (void)pthread_cond_init(condition, &attributes);
  (void)pthread_condattr_destroy(&attributes);
}

void eg_condition_wait(pthread_cond_t *condition, pthread_mutex_t *locked, double seconds) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  const double end = (double)t.tv_nsec * 1e-9 + seconds;
  const time_t whole = (time_t)end;
  t.tv_sec += whole;
  t.tv_nsec = (long)((end - (double)whole) * 1e9);
  (void)pthread_cond_timedwait(condition, locked, &t); /* a time-out is a normal case */
}
