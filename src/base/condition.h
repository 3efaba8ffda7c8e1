/* Conditions with waits of limited length, by a clock that nobody sets: with the clock of the day, one that is set back by an hour
   would make a wait an hour longer, in which no signal is seen and no snapshot made. */
#ifndef EG_BASE_CONDITION_H
#define EG_BASE_CONDITION_H

#include <pthread.h>

void eg_condition_init(pthread_cond_t *condition);

/* Until the condition is signalled (or for no reason, as conditions may), but not longer than `seconds`. */
void eg_condition_wait(pthread_cond_t *condition, pthread_mutex_t *locked, double seconds);

#endif
