/*
 * Snapshots beside the work: a copy of the campaign is taken while the queue is locked; the result is built of the copy and
 * written by a thread of its own, without the lock. The next snapshot waits until the process has used a hundred times the CPU
 * time of the last one (or, where a GPU does the work, until a thousand times that has passed), so snapshots cost at most
 * 1 %.
 */
#ifndef EG_RUN_SNAPSHOT_H
#define EG_RUN_SNAPSHOT_H

#include <pthread.h>

#include "run/apart.h"

typedef struct eg_snapshot {
  const eg_loop_options *options;
  eg_campaign *copy;      /* while one is under way */
  eg_context *ctx;        /* of the thread */
  pthread_t thread;
  pthread_mutex_t lock;   /* of the two below */
  bool is_done;
  eg_status status;
  double copy_seconds, cpu_seconds; /* of the last one: copying under the lock, all CPU time */
  double last, last_cpu;  /* eg_now() and CPU time of the process when the last one began */
} eg_snapshot;

void eg_snapshot_init(eg_snapshot *snapshot, const eg_loop_options *options);

/* Is it time for the next one? */
bool eg_snapshot_is_due(const eg_snapshot *snapshot, double now);

/* Begin one, with the sums at rest. A failure is a warning: only the last write of a run decides. */
void eg_snapshot_begin(eg_context *ctx, eg_snapshot *snapshot, const eg_apart *apart);

/* Has the one under way come to its end? Then what is to be learned from it goes to the campaign (at rest) and to the
   warnings of ctx. `must_wait`: wait for it. Returns whether a snapshot was written just now. */
bool eg_snapshot_end(eg_context *ctx, eg_snapshot *snapshot, eg_campaign *campaign, bool must_wait);

/* After the last end. */
void eg_snapshot_free(eg_snapshot *snapshot);

#endif
