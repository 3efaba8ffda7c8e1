/*
 * What the parts of the run loop share: run_loop.c (setting up, the main thread), worker.c (a worker and its tiles), failing.c
 * (devices that fail, hang or are wrong), lost_work.c (what a stop loses). Included by them alone.
 */
#ifndef EG_RUN_RUN_LOOP_PARTS_H
#define EG_RUN_RUN_LOOP_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/text.h"
#include "run/apart.h"
#include "run/run_loop.h"
#include "run/spot_check.h"
#include "run/tile_queue.h"

typedef struct eg_worker eg_worker;

/* On the heap: a thread that hangs in a device may come back when all else is over. */
typedef struct eg_loop {
  eg_campaign *campaign;
  const eg_loop_options *options;
  pthread_mutex_t lock;
  pthread_cond_t changed;      /* a worker ended, a run has its grids, tiles were finished or came back */
  eg_apart apart;
  eg_tile_queue queue;
  eg_worker *workers;
  double work_done, work_total; /* trajectory-steps */
  double work_session;
  int n_working;
  int n_usable, n_lost;        /* workers whose device did not fail; those that hang */
  atomic_uint wanted;          /* counts snapshots: workers keep long tiles for each */
  volatile int stop;
  eg_status status;            /* first failure that ends the loop */
  char *message;
  eg_text warnings;            /* of devices that others go on without, one a line */
  eg_spot_checks *checks;      /* NULL: none */
  eg_campaign **discarded;     /* freed at the end: jobs in hand may still look at their grids */
  size_t n_discarded;
  bool has_told_unchecked;     /* that spot checks cannot be made */
  bool has_told_lost;          /* what a stop loses */
  bool has_moved;              /* a tile in hand was kept at a later step than it was begun at */
  bool must_write;             /* the file on disk may hold tiles that were discarded */
} eg_loop;


struct eg_worker {
  eg_tile_keeper keeper; /* first: see worker.c */
  eg_loop *loop;
  int number;            /* of the worker: its hand in the queue */
  const eg_backend *backend; /* of place, which a lost thread looks at no more: it may end with the loop, as loop->options do */
  eg_worker_place *place;
  eg_device *device;
  pthread_t thread;
  bool is_started;
  bool is_checked;       /* some of its tiles are made again on the CPU */
  bool is_at_device;     /* its thread is in a function of the backend that may hang */
  bool is_lost;          /* hangs: its thread never touches the campaign again */
  bool is_distrusted;    /* gave wrong bits: what it still gives is void */
  bool is_retired;       /* its device failed, hangs or is not trusted */
  uint64_t beats;        /* signs of life of the device, and .. */
  double alive;          /* .. when they changed last, or the thread went to the device */
  double since;          /* when the tiles in hand were begun */
  uint64_t steps_before; /* of the tile in hand, made in earlier sessions, if it is kept */
  double tile_seconds;   /* that the last tiles took in hand, 0: there were none .. */
  size_t tile_run;       /* .. and their run */
  atomic_uint kept;      /* the snapshot that this worker is ready for */
  atomic_bool is_idle;   /* nothing to wait for: tiles that are not kept, or it has come to its end */
};


static inline eg_hand *eg_worker_hand(const eg_worker *w) {
  return &w->loop->queue.hands[w->number];
}

/* Does what the worker has in hand count? Not if all was put back meanwhile, or its device is not trusted any more. */
static inline bool eg_worker_is_valid(const eg_worker *w) {
  return !w->is_lost && !w->is_distrusted && eg_worker_hand(w)->generation == w->loop->queue.generation;
}

/* ---- worker.c ---- */

/* A thread: takes tiles until there are none, or the loop stops. The argument is an eg_worker. */
void *eg_worker_main(void *worker);
/* The functions by which the worker's tiles are kept. */
eg_tile_keeper eg_worker_keeper(void);

/* ---- failing.c; all with the lock held ---- */

/* The loop ends with the first of them. message: NULL where there was no memory for one. */
void eg_loop_fail(eg_loop *loop, eg_status status, const char *message);
/* The device of a worker cannot be used any more: what it has in hand goes to the others, if there are any. */
void eg_worker_retire(eg_worker *worker, const char *message);
/* The device of a worker was wrong. What it made in this session is dropped where it stands apart (apart.h), else all of the session,
   since sums cannot be taken apart. */
void eg_worker_discard(eg_worker *worker, size_t run, const char *message);
/* Give up devices that have shown no sign of life for too long. Their threads cannot be ended; they are left alone. */
void eg_loop_watch_devices(eg_loop *loop, double now);
/* How a worker is named in messages. */
void eg_worker_name(const eg_worker *worker, char *name, size_t size);
/* An eg_spot_outcome: takes the lock itself. */
void eg_loop_take_outcome(void *loop, const eg_spot_check *check, eg_status status, const char *message);

/* ---- lost_work.c; all with the lock held ---- */

/* The tiles in hand took so long; .. */
void eg_worker_note_tiles(eg_worker *worker, size_t run, double seconds);
/* .. were stopped after so long; .. */
void eg_worker_note_stop(eg_worker *worker, size_t run, double seconds);
/* .. the same of automatic grids. */
void eg_worker_note_grids(eg_worker *worker, size_t run, double seconds);

/* ---- run_loop.c ---- */

/* Trajectory-steps in all and done, anew. */
void eg_loop_count_work(eg_loop *loop);

#endif
