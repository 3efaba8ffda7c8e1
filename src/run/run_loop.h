/* Advance what a campaign still lacks. */
#ifndef EG_RUN_RUN_LOOP_H
#define EG_RUN_RUN_LOOP_H

#include "ensgrad/run.h"
#include "run/campaign.h"

typedef struct eg_loop_options {
  const eg_backend *backend;
  int n_workers;
  double started;           /* eg_now() at the start of the program's work: max_time counts from there */
  double max_time, snapshot_seconds;
  const volatile int *stop;
  /* write a result of this copy of the campaign; called in a thread of its own */
  eg_status (*snapshot)(eg_context *ctx, void *user, eg_campaign *copy);
  void *snapshot_user;
  void (*progress)(void *user, const eg_progress *progress);
  void *user;
} eg_loop_options;

/* EG_OK when complete, EG_STOPPED when not; the campaign is consistent in every case. */
EG_NODISCARD eg_status eg_run_loop(eg_context *ctx, eg_campaign *campaign, const eg_loop_options *options);

/* Run one built-in known answer on a backend: EG_ERR_DEVICE if its bits differ from the CPU's. */
EG_NODISCARD eg_status eg_backend_verify(eg_context *ctx, const eg_backend *backend);

/* Workers for a backend: `threads` on the CPU, 0 for one per core; one on a GPU. */
int eg_worker_count(const eg_backend *backend, int threads);

/* Tiles that a worker takes at once, where the device wants at least so many. */
uint64_t eg_run_batch(const eg_plan *plan, const eg_run *run, uint64_t device_wants);

/* Seconds on a monotonic clock. */
double eg_now(void);

/* One line with the current estimate of the first feature of the first run that has tiles; "" if none has. */
void eg_campaign_estimate_line(const eg_campaign *campaign, char *line, size_t size);

#endif
