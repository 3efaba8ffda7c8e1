/* The flag that ends a run early: an int that a signal handler or another thread sets, and workers read. */
#ifndef EG_BASE_STOP_FLAG_H
#define EG_BASE_STOP_FLAG_H

#include <stdbool.h>
#include <stddef.h>

/* Nothing else is handed over with the flag, so no order is needed. NULL is never set. */
static inline bool eg_is_stopping(const volatile int *flag) {
  return flag != NULL && __atomic_load_n(flag, __ATOMIC_RELAXED) != 0;
}

static inline void eg_ask_to_stop(volatile int *flag) {
  __atomic_store_n(flag, 1, __ATOMIC_RELAXED);
}

#endif
