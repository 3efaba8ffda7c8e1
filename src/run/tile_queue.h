/*
 * Which tiles come next and who has which in hand. Tiles of a worker that failed, and those that a device made that gave wrong bits,
 * come back and are given out again. A device whose sums stand apart (apart.h) takes its tiles from a long piece that is reserved
 * for it, since sums of tiles in a row are few; who finds nothing else takes the second half of the longest piece. All functions are
 * called with the run loop's lock held.
 */
#ifndef EG_RUN_TILE_QUEUE_H
#define EG_RUN_TILE_QUEUE_H

#include "run/apart.h"

/* What a worker has in hand: tiles first .. first + n - 1 of a run, or its automatic grids; n 0 and no grids: nothing. Up to `limit`
   tiles are reserved for it. */
typedef struct eg_hand {
  size_t run;
  uint64_t first, n, limit;
  bool has_grids;
  bool makes_no_grids; /* the worker leaves them to others */
  bool reserves;       /* takes long pieces */
  bool may_fail;       /* the worker is a device: what it has may come back */
  unsigned generation; /* of the queue when it was taken: results of an older one are void */
} eg_hand;

typedef struct eg_tile_queue {
  eg_campaign *campaign;
  const eg_apart *apart; /* who has finished which tiles */
  size_t *order;       /* runs, longest tiles first */
  uint64_t *cursor;    /* of each run: tiles below are done or in hand */
  bool *has_pilot;     /* somebody makes the grids of this run */
  eg_hand *hands;      /* (n_hands), of the workers */
  int n_hands;
  int n_checking;      /* spot checks under way: what was done may come back */
  unsigned generation; /* counts how often it did */
} eg_tile_queue;

typedef enum eg_task { EG_TASK_NONE, EG_TASK_TILES, EG_TASK_GRIDS, EG_TASK_WAIT } eg_task;

EG_NODISCARD eg_status eg_tile_queue_create(eg_context *ctx, const eg_apart *apart, eg_tile_queue *queue);
void eg_tile_queue_free(eg_tile_queue *queue);

/* Into the hand of a worker: up to `most` consecutive tiles that are not done (one, where they are of another run than
   `prepared`), or the automatic grids of a run, which come before its tiles. Wait when others make all the grids that are
   missing, or have tiles that may come back. */
eg_task eg_tile_queue_take(eg_tile_queue *queue, int worker, size_t prepared, uint64_t most);
/* More of the tiles right behind those in hand, up to `most` in all. */
void eg_tile_queue_take_more(eg_tile_queue *queue, int worker, uint64_t most);
/* The hand is empty: what was in it is done .. */
void eg_tile_queue_put_down(eg_tile_queue *queue, int worker);
/* .. or is to be done by others. */
void eg_tile_queue_give_back(eg_tile_queue *queue, int worker);
/* After finished tiles were forgotten. */
void eg_tile_queue_look_anew(eg_tile_queue *queue);
/* After the campaign was put back to an earlier state: what is in hands now is void, too. */
void eg_tile_queue_begin_anew(eg_tile_queue *queue);

/* What is advanced with run r, which leads: itself, or its group. */
size_t eg_n_together(const eg_plan *plan, size_t r);
size_t eg_together(const eg_plan *plan, size_t r, size_t i);

/* Trajectory-steps of a tile of one run; of a population, particle-steps. */
double eg_tile_work(const eg_run *run);
/* Of all that is advanced with the run: that work, and what it costs. */
double eg_tile_work_together(const eg_plan *plan, const eg_run *run);
double eg_tile_cost_together(const eg_plan *plan, const eg_run *run);

#endif
