/* How much memory this process may have. */
#ifndef EG_RUN_MEMORY_H
#define EG_RUN_MEMORY_H

/* The tightest of: physical memory, limits of the control groups (versions 1 and 2) that the process is in, and ulimit -v. */
typedef struct eg_memory {
  double limit, used; /* bytes; used: of it by this process. limit INFINITY: none is known */
  const char *name;   /* what sets it */
} eg_memory;

/* n_threads: threads that the process is going to start; of ulimit -v their stacks take a part. root: stands before /proc and /sys;
   "" but in tests. */
eg_memory eg_memory_at_hand(const char *root, int n_threads);

#endif
