/*
 * Spot checks: some of the tiles that a device made are made again on the CPU, and every double of their sums, and the list
 * of their trajectories that became non-finite, must be the same, and so must the paths that are kept of them and, of a tile
 * that was a batch of its own, the counts of its histograms. Threads of their own do it beside the work. The counts of every batch
 * must add up to the numbers of realisations in its sums.
 */
#ifndef EG_RUN_SPOT_CHECK_H
#define EG_RUN_SPOT_CHECK_H

#include "plan/plan.h"

typedef struct eg_spot_check {
  eg_job job;          /* that the device had, of a group the one that leads; its arrays stay until all checks have ended, those
                          of the group itself until the tile is handed over */
  size_t run;
  uint64_t tile;
  int worker;          /* who made it */
  double *node;        /* what the device gave */
  eg_bad_trajectory *bad;
  size_t n_bad;
  uint64_t *counts;    /* of the tile alone; NULL: they are not known */
  double *paths;       /* eg_job_path_at: those of the tile mean something (a copy has them alone, without gaps) */
} eg_spot_check;

/* The outcome, told from another thread: EG_OK, EG_ERR_DEVICE where the device was wrong (the message says in what),
   EG_STOPPED if the check was not made, EG_ERR_STUDY if the CPU here cannot make it, or why it failed. Told once for every check that was handed over. */
typedef void (*eg_spot_outcome)(void *user, const eg_spot_check *check, eg_status status, const char *message);

typedef struct eg_spot_checks eg_spot_checks;

/* stop: checks that are left when it is set are not made. */
EG_NODISCARD eg_status eg_spot_checks_start(eg_context *ctx, int n_threads, const volatile int *stop, eg_spot_outcome outcome,
                                            void *user, eg_spot_checks **checks);
/* Hand over a tile; what the device gave is copied. Waits while many are waiting. On failure no outcome is told. */
EG_NODISCARD eg_status eg_spot_check_tile(eg_context *ctx, eg_spot_checks *checks, const eg_spot_check *check);
/* Wait for all checks that were handed over, and end the threads. */
void eg_spot_checks_end(eg_spot_checks *checks);

/* Do the counts of a batch add up: of every record, point and histogram, of pairs of them and of values of paths, to the
   realisations in the sums of its n tiles? (Where moments are made at other times, to a number between those before and after.)
   EG_ERR_DEVICE, with a message, if not. Of a group all members are looked at. */
EG_NODISCARD eg_status eg_spot_counts_add_up(eg_context *ctx, const eg_job *job, const eg_tile_result *results, uint64_t n);

/* One tile in `every`, the same ones whoever makes them; 0: none. Drawn, so that no pattern in the tiles escapes. */
bool eg_spot_is_chosen(uint64_t every, size_t run, uint64_t tile);

#endif
