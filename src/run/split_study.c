/* eg_run_split: all repeats of all runs, in threads, from and into a file. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ensgrad/run.h"
#include "base/stop_flag.h"
#include "io/result_file.h"
#include "run/run_loop.h"
#include "run/split.h"

void eg_split_options_default(eg_split_options *options) {
  memset(options, 0, sizeof *options);
  options->snapshot_seconds = 60;
}

typedef struct session {
  eg_split_work work;
  const eg_split_options *options;
  double started, wall_before;
  atomic_size_t next, n_working;
  volatile int stop;
  pthread_mutex_t lock; /* of is_done, the estimates behind it, and the failure */
  size_t n_done;
  eg_status status; /* the first failure */
  char *message;
} session;

static void fail(session *s, eg_status status, const char *message) {
  (void)pthread_mutex_lock(&s->lock);
  if (s->status == EG_OK) {
    s->status = status;
    s->message = message != NULL ? strdup(message) : NULL;
  }
  eg_ask_to_stop(&s->stop);
  (void)pthread_mutex_unlock(&s->lock);
}

static void *worker(void *argument) {
  session *const s = argument;
  eg_split_work *const w = &s->work;
  eg_context *const ctx = eg_context_create();
  eg_status status = ctx == NULL ? EG_ERR_MEMORY : EG_OK;
  while (status == EG_OK && !eg_is_stopping(&s->stop)) {
    const size_t i = atomic_fetch_add(&s->next, 1);
    eg_split_estimate estimate;
    if (i >= w->plan->n_runs * w->n_repeats) {
      break;
    }
    if (w->is_done[i]) { /* by an earlier session: nobody writes there */
      continue;
    }
    status = eg_split_repeat(ctx, w->plan, &w->plan->runs[i / w->n_repeats], i % w->n_repeats, &s->stop, &estimate);
    if (status == EG_OK) {
      (void)pthread_mutex_lock(&s->lock);
      w->estimates[i] = estimate;
      w->is_done[i] = true;
      s->n_done++;
      (void)pthread_mutex_unlock(&s->lock);
    }
  }
  if (status != EG_OK && status != EG_STOPPED) {
    fail(s, status, ctx != NULL ? eg_context_message(ctx) : NULL);
  }
  eg_context_free(ctx);
  atomic_fetch_sub(&s->n_working, 1);
  return NULL;
}

static eg_status write_file(eg_context *ctx, session *s) {
  eg_labelled *file = NULL;
  (void)pthread_mutex_lock(&s->lock); /* workers wait for it at most once a repeat */
  s->work.wall_seconds = s->wall_before + eg_now() - s->started;
  eg_status status = eg_split_file(ctx, &s->work, &file);
  (void)pthread_mutex_unlock(&s->lock);
  if (status == EG_OK) {
    status = eg_result_write(ctx, file, s->options->output);
  }
  eg_labelled_free(file);
  return status;
}

/* Until all workers are done: pass stops on, write what is there now and then. */
static eg_status watch(eg_context *ctx, session *s) {
  static const struct timespec pause = {0, 5000000};
  const eg_split_options *const o = s->options;
  double written = s->started;
  eg_status status = EG_OK;
  while (atomic_load(&s->n_working) > 0) {
    (void)nanosleep(&pause, NULL);
    const double now = eg_now();
    if (eg_is_stopping(o->stop) || (o->max_time > 0 && now - s->started > 0.99 * o->max_time)) {
      eg_ask_to_stop(&s->stop);
    }
    if (o->output != NULL && status == EG_OK && now - written > o->snapshot_seconds) {
      status = write_file(ctx, s);
      written = eg_now();
      if (status != EG_OK) {
        eg_ask_to_stop(&s->stop);
      }
    }
  }
  return status;
}

static eg_status run_all(eg_context *ctx, session *s) {
  const size_t n = (size_t)eg_cpu_workers(s->options->threads);
  pthread_t *all = NULL;
  size_t n_started = 0;
  EG_TRY(eg_allocate(ctx, n, sizeof *all, &all));
  s->work.threads = (int)n;
  atomic_store(&s->n_working, n);
  while (n_started < n && pthread_create(&all[n_started], NULL, worker, s) == 0) {
    n_started++;
  }
  atomic_fetch_sub(&s->n_working, n - n_started);
  const eg_status status = watch(ctx, s);
  for (size_t i = 0; i < n_started; i++) {
    (void)pthread_join(all[i], NULL);
  }
  free(all);
  if (n_started == 0) {
    return eg_fail(ctx, EG_ERR_MEMORY, "cannot start a worker thread");
  }
  EG_TRY(status);
  return s->status == EG_OK
             ? EG_OK
             : eg_fail(ctx, s->status, "%s", s->message != NULL ? s->message : eg_status_text(s->status));
}

/* What lies at the output path: nothing, or the same splitting, to continue. */
static eg_status open_output(eg_context *ctx, session *s) {
  bool exists = false;
  eg_labelled *file = NULL;
  if (s->options->output == NULL) {
    return EG_OK;
  }
  EG_TRY(eg_result_probe_output(ctx, s->options->output, &exists));
  if (!exists || s->options->force) {
    return EG_OK;
  }
  EG_TRY(eg_result_read(ctx, s->options->output, &file));
  const eg_status status = eg_split_restore(ctx, file, s->options->output, &s->work);
  eg_labelled_free(file);
  EG_TRY(status);
  for (size_t i = 0; i < s->work.plan->n_runs * s->work.n_repeats; i++) {
    s->n_done += s->work.is_done[i];
  }
  s->wall_before = s->work.wall_seconds;
  return EG_OK;
}

static eg_status print(eg_context *ctx, const session *s, char **out) {
  eg_labelled *file = NULL;
  eg_text text = {0};
  EG_TRY(eg_split_file(ctx, &s->work, &file));
  (s->options->as_json ? eg_result_splitting_json : eg_result_splitting_text)(&text, file);
  eg_labelled_free(file);
  if (text.is_broken || text.data == NULL) {
    eg_text_free(&text);
    return eg_fail(ctx, EG_ERR_MEMORY, "out of memory");
  }
  *out = text.data;
  return EG_OK;
}

eg_status eg_run_split(eg_context *ctx, const eg_study *study, const eg_split_options *options, char **out) {
  eg_plan *plan = NULL;
  eg_split_options defaults;
  session s;
  eg_status status = EG_OK;
  eg_split_options_default(&defaults);
  memset(&s, 0, sizeof s);
  s.options = options != NULL ? options : &defaults;
  s.started = eg_now();
  s.work.command_line = s.options->command_line;
  (void)pthread_mutex_init(&s.lock, NULL); /* cannot fail with default attributes on Linux */
  if (study->splitting.feature == NULL) {
    EG_TRY_DONE(
        eg_fail(ctx, EG_ERR_STUDY, "%s: the study has no key 'splitting', which says what to split", study->path));
  }
  EG_TRY_DONE(eg_plan_create(ctx, study, &plan));
  s.work.plan = plan;
  s.work.n_repeats = (size_t)study->splitting.repeats;
  const size_t n = plan->n_runs * s.work.n_repeats;
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *s.work.estimates, &s.work.estimates));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *s.work.is_done, &s.work.is_done));
  EG_TRY_DONE(open_output(ctx, &s));
  if (s.n_done < n) {
    const size_t n_before = s.n_done;
    EG_TRY_DONE(run_all(ctx, &s));
    if (s.n_done == n_before) {
      eg_warn(ctx, "no repeat was finished in %.2g s, and repeats in hand are not kept: a time limit must be longer", eg_now() - s.started);
    }
    if (s.options->output != NULL) {
      EG_TRY_DONE(write_file(ctx, &s));
    }
  }
  EG_TRY_DONE(print(ctx, &s, out));
  if (s.n_done < n) {
    free(*out);
    *out = NULL;
    status = s.options->output != NULL
                 ? eg_fail(ctx, EG_STOPPED, "stopped early; %s holds %zu of %zu repeats, and the same command continues",
                           s.options->output, s.n_done, n)
                 : eg_fail(ctx, EG_STOPPED, "stopped early with %zu of %zu repeats; without an output file they are lost", s.n_done, n);
  }
done:
  free(s.work.estimates);
  free(s.work.is_done);
  free(s.message);
  (void)pthread_mutex_destroy(&s.lock);
  eg_plan_free(plan);
  return status;
}
