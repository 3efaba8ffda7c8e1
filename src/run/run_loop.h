/* Advance what a campaign still lacks. */
#ifndef EG_RUN_RUN_LOOP_H
#define EG_RUN_RUN_LOOP_H

#include "ensgrad/run.h"
#include "run/campaign.h"

/* Where a worker's device is. */
typedef struct eg_worker_place {
  const eg_backend *backend;
  int index;       /* of the device, as its backend counts */
  bool is_checked; /* some of its tiles are made again on the CPU */
  bool is_remote;  /* another process: knows the jobs of the plan alone, so it makes no grids */
  bool is_gone;    /* it failed in an earlier call: not used any more */
  bool has_told_long; /* that its tiles are longer than snapshots are apart */
  bool made_grids; /* automatic ones, in this session, and .. */
  uint64_t n_settled; /* .. tiles that cannot be told from those of others any more (apart.h) */
} eg_worker_place;

typedef struct eg_loop_options {
  eg_worker_place *places;  /* (n_workers) */
  int n_workers;
  uint64_t check_every;     /* of the tiles that devices make, one in so many is checked; 0: none */
  const eg_campaign *base;  /* a copy of the campaign, to which it is put back when a device was wrong; NULL: no checks */
  double device_timeout;    /* seconds without a sign of life after which a device is given up; 0: never */
  double started;           /* eg_now() at the start of the program's work: max_time counts from there */
  double max_time, snapshot_seconds;
  const volatile int *stop;
  /* write a result of this copy of the campaign; called in a thread of its own */
  eg_status (*snapshot)(eg_context *ctx, void *user, eg_campaign *copy);
  void *snapshot_user;
  void (*progress)(void *user, const eg_progress *progress);
  void *user;
} eg_loop_options;

/* Default of device_timeout: no launch should take a second. */
#define EG_DEVICE_TIMEOUT 600.0

/* EG_OK when complete, EG_STOPPED when not, EG_ERR_DEVICE when the last device has failed: while others are left they take its
   tiles, and a warning says so. A device that was wrong in a spot check has failed, and what it made is discarded (campaign->spot):
   all that `base` has not where that cannot be told apart (apart.h). The campaign is consistent in every case. */
EG_NODISCARD eg_status eg_run_loop(eg_context *ctx, eg_campaign *campaign, const eg_loop_options *options);

/* Run one built-in known answer on a device: EG_ERR_DEVICE if its bits differ from the CPU's. */
EG_NODISCARD eg_status eg_backend_verify(eg_context *ctx, const eg_backend *backend, int index, double device_timeout);

/* All workers of a CPU run, or one on device 0 of another backend. Owned by the caller; free(). */
EG_NODISCARD eg_status eg_worker_places(eg_context *ctx, const eg_backend *backend, int threads, eg_worker_place **places,
                                        int *n_places);

/* Workers on the CPU: `threads`, 0 for one per core. */
int eg_cpu_workers(int threads);

/* Tiles that a worker takes at once, where the device wants at least so many. */
uint64_t eg_run_batch(const eg_plan *plan, const eg_run *run, uint64_t device_wants);

/* Seconds on a monotonic clock. */
double eg_now(void);

/* One line with the current estimate of the first feature of the first run that has tiles; "" if none has. campaigns: (n) of one
   plan with different tiles, NULL among them. */
void eg_campaign_estimate_line(const eg_campaign *const *campaigns, int n, char *line, size_t size);

#endif
