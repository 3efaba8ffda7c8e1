#include "run/snapshot.h"

#include <string.h>
#include <time.h>

/* Of the CPU time, and else of the time, between snapshots to the CPU time of one. */
static const double LEAST_CPU_RATIO = 100, LEAST_RATIO = 1000;

static double cpu_seconds(clockid_t clock) {
  struct timespec t;
  (void)clock_gettime(clock, &t); /* cannot fail with these clocks on Linux */
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void eg_snapshot_init(eg_snapshot *s, const eg_loop_options *options) {
  memset(s, 0, sizeof *s);
  s->options = options;
  s->last = eg_now();
  (void)pthread_mutex_init(&s->lock, NULL); /* cannot fail with default attributes on Linux */
}

bool eg_snapshot_is_due(const eg_snapshot *s, double now) {
  if (s->copy != NULL || now - s->last < s->options->snapshot_seconds) {
    return false;
  }
  return now - s->last >= LEAST_RATIO * s->cpu_seconds ||
         cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - s->last_cpu >= LEAST_CPU_RATIO * s->cpu_seconds;
}

static void *write_copy(void *argument) {
  eg_snapshot *const s = argument;
  const eg_status status = s->options->snapshot(s->ctx, s->options->snapshot_user, s->copy);
  (void)pthread_mutex_lock(&s->lock);
  s->cpu_seconds = s->copy_seconds + cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  s->status = status;
  s->is_done = true;
  (void)pthread_mutex_unlock(&s->lock);
  return NULL;
}

static void release(eg_snapshot *s) {
  eg_campaign_free(s->copy);
  eg_context_free(s->ctx);
  s->copy = NULL;
  s->ctx = NULL;
}

void eg_snapshot_begin(eg_context *ctx, eg_snapshot *s, const eg_apart *apart) {
  const double before = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  s->last = eg_now();
  s->last_cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  s->is_done = false;
  s->ctx = eg_context_create();
  eg_status status = s->ctx == NULL ? EG_ERR_MEMORY : eg_apart_copy(ctx, apart, &s->copy);
  s->copy_seconds = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - before;
  if (status == EG_OK && pthread_create(&s->thread, NULL, write_copy, s) != 0) {
    status = EG_ERR_MEMORY;
  }
  if (status != EG_OK) {
    eg_warn(ctx, "a snapshot could not be made: %s", eg_status_text(status));
    release(s);
  }
}

bool eg_snapshot_end(eg_context *ctx, eg_snapshot *s, eg_campaign *campaign, bool must_wait) {
  if (s->copy == NULL) {
    return false;
  }
  (void)pthread_mutex_lock(&s->lock);
  const bool is_done = s->is_done;
  (void)pthread_mutex_unlock(&s->lock);
  if (!is_done && !must_wait) {
    return false;
  }
  (void)pthread_join(s->thread, NULL);
  if (s->status != EG_OK) {
    eg_warn(ctx, "a snapshot could not be written: %s", eg_context_message(s->ctx));
  }
  if (campaign->exact_mean == NULL && s->copy->exact_mean != NULL) { /* need not be computed again */
    campaign->exact_mean = s->copy->exact_mean;
    campaign->expected_mean = s->copy->expected_mean;
    s->copy->borrows_oracles = true;
  }
  release(s);
  return s->status == EG_OK;
}

void eg_snapshot_free(eg_snapshot *s) {
  (void)pthread_mutex_destroy(&s->lock);
}
