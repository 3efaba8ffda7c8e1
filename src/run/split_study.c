/* eg_run_split: all repeats of all runs, and what they say together. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/moments.h"
#include "base/text.h"
#include "ensgrad/run.h"
#include "run/split.h"

typedef struct work {
  const eg_plan *plan;
  size_t n_repeats;
  eg_split_estimate *estimates; /* (n_runs, n_repeats) */
  atomic_size_t next;
  pthread_mutex_t lock;
  eg_status status; /* the first failure */
  char *message;
} work;

static void *worker(void *argument) {
  work *const w = argument;
  eg_context *const ctx = eg_context_create();
  eg_status status = ctx == NULL ? EG_ERR_MEMORY : EG_OK;
  while (status == EG_OK) {
    const size_t i = atomic_fetch_add(&w->next, 1);
    if (i >= w->plan->n_runs * w->n_repeats) {
      break;
    }
    status = eg_split_repeat(ctx, w->plan, &w->plan->runs[i / w->n_repeats], i % w->n_repeats, &w->estimates[i]);
  }
  if (status != EG_OK) {
    atomic_store(&w->next, w->plan->n_runs * w->n_repeats); /* the others stop */
    (void)pthread_mutex_lock(&w->lock);
    if (w->status == EG_OK) {
      w->status = status;
      w->message = ctx != NULL ? strdup(eg_context_message(ctx)) : NULL;
    }
    (void)pthread_mutex_unlock(&w->lock);
  }
  eg_context_free(ctx);
  return NULL;
}

static eg_status run_all(eg_context *ctx, work *w, int threads) {
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  const size_t n = threads > 0 ? (size_t)threads : (cores > 0 ? (size_t)cores : 1);
  pthread_t *all = NULL;
  size_t n_started = 0;
  EG_TRY(eg_allocate(ctx, n, sizeof *all, &all));
  while (n_started < n && pthread_create(&all[n_started], NULL, worker, w) == 0) {
    n_started++;
  }
  for (size_t i = 0; i < n_started; i++) {
    (void)pthread_join(all[i], NULL);
  }
  free(all);
  if (n_started == 0) {
    return eg_fail(ctx, EG_ERR_MEMORY, "cannot start a worker thread");
  }
  return w->status == EG_OK
             ? EG_OK
             : eg_fail(ctx, w->status, "%s", w->message != NULL ? w->message : eg_status_text(w->status));
}

/* ---- what the repeats say ---- */

static double get_flux(const eg_split_estimate *e) { return e->flux; }
static double get_probability(const eg_split_estimate *e) { return e->probability; }
static double get_rate(const eg_split_estimate *e) { return e->rate; }
static double get_rounds(const eg_split_estimate *e) { return e->rounds; }
static double get_steps(const eg_split_estimate *e) { return e->steps; }

/* In the order of the repeats, so that the bits are those of any number of threads. */
static eg_estimate mean_of(const work *w, size_t run, double (*get)(const eg_split_estimate *e)) {
  const double n = (double)w->n_repeats;
  double mean = 0, square = 0;
  for (size_t i = 0; i < w->n_repeats; i++) {
    mean += get(&w->estimates[run * w->n_repeats + i]) / n;
  }
  for (size_t i = 0; i < w->n_repeats; i++) {
    const double d = get(&w->estimates[run * w->n_repeats + i]) - mean;
    square += d * d;
  }
  return (eg_estimate){mean, sqrt(square / (n - 1) / n)};
}

static size_t extinct(const work *w, size_t run) {
  size_t n = 0;
  for (size_t i = 0; i < w->n_repeats; i++) {
    n += w->estimates[run * w->n_repeats + i].probability == 0;
  }
  return n;
}

static void append_json(eg_text *text, const work *w, size_t r) {
  const eg_estimate flux = mean_of(w, r, get_flux), p = mean_of(w, r, get_probability), rate = mean_of(w, r, get_rate);
  eg_text_append(text, "%s{\"run\": ", r > 0 ? ", " : "");
  eg_text_append_json(text, w->plan->runs[r].description);
  eg_text_append(text,
                 ", \"flux\": %.17g, \"flux_stderr\": %.17g, \"probability\": %.17g, \"probability_stderr\": %.17g, "
                 "\"rate\": %.17g, \"rate_stderr\": %.17g, \"rounds\": %.17g, \"steps\": %.17g, \"repeats\": %zu, "
                 "\"extinct\": %zu}",
                 flux.value, flux.stderr_, p.value, p.stderr_, rate.value, rate.stderr_,
                 mean_of(w, r, get_rounds).value, mean_of(w, r, get_steps).value * (double)w->n_repeats, w->n_repeats,
                 extinct(w, r));
}

static void append_row(eg_text *text, const work *w, size_t r) {
  const eg_estimate flux = mean_of(w, r, get_flux), p = mean_of(w, r, get_probability), rate = mean_of(w, r, get_rate);
  const double relative = rate.stderr_ / rate.value,
               half = eg_student_quantile(0.05, (double)w->n_repeats - 1) * rate.stderr_;
  eg_text_append(text,
                 "%-32s %-12.6g %-9.2g %-12.6g %-9.2g %-12.6g %-9.2g [%.4g, %.4g]  %.3g rounds, %.3g steps in all",
                 w->plan->runs[r].description, flux.value, flux.stderr_, p.value, p.stderr_, rate.value, rate.stderr_,
                 fmax(rate.value - half, 0), rate.value + half, mean_of(w, r, get_rounds).value,
                 mean_of(w, r, get_steps).value * (double)w->n_repeats);
  if (flux.value == 0) {
    eg_text_append(text, "; NO exit from A: count more steps, or move low");
  } else if (rate.value > 0) { /* direct simulation: one event per 1 / rate, relative error 1 / sqrt(events) */
    eg_text_append(text, "; direct simulation would take %.3g",
                   1 / (rate.value * w->plan->runs[r].job.launch.h * relative * relative));
  }
  if (relative > 0.3) {
    eg_text_append(text, "; relative error %.2g: do not trust its size, take more replicas", relative);
  }
  if (extinct(w, r) > 0) {
    eg_text_append(text, "; %zu of %zu repeats died out", extinct(w, r), w->n_repeats);
  }
  eg_text_append(text, "\n");
}

static void describe(eg_text *text, const work *w, bool as_json) {
  const eg_study_splitting *const s = &w->plan->study->splitting;
  const char *const title = w->plan->study->title;
  if (as_json) {
    eg_text_append(text, "{\"message_type\": \"split\", \"title\": ");
    eg_text_append_json(text, title != NULL ? title : "");
    eg_text_append(text, ", \"runs\": [");
  } else {
    eg_text_append(text, "%s\nSplitting from A (%s %s %g) to B (%s %g): %.0f repeats of %.0f paths\n",
                   title != NULL ? title : "", s->feature, s->high > s->low ? "<=" : ">=", s->low,
                   s->high > s->low ? ">=" : "<=", s->high, s->repeats, s->replicas);
    eg_text_append(text, "%-32s %-12s %-9s %-12s %-9s %-12s %-9s %s\n", "run", "flux", "stderr", "probability",
                   "stderr", "rate", "stderr", "95 % interval");
  }
  for (size_t r = 0; r < w->plan->n_runs; r++) {
    if (as_json) {
      append_json(text, w, r);
    } else {
      append_row(text, w, r);
    }
  }
  eg_text_append(text, as_json ? "]}\n" : "");
}

eg_status eg_run_split(eg_context *ctx, const eg_study *study, const eg_split_options *options, char **out) {
  eg_plan *plan = NULL;
  eg_text text = {0};
  work w;
  eg_status status = EG_OK;
  memset(&w, 0, sizeof w);
  (void)pthread_mutex_init(&w.lock, NULL); /* cannot fail with default attributes on Linux */
  if (study->splitting.feature == NULL) {
    EG_TRY_DONE(
        eg_fail(ctx, EG_ERR_STUDY, "%s: the study has no key 'splitting', which says what to split", study->path));
  }
  EG_TRY_DONE(eg_plan_create(ctx, study, &plan));
  w.plan = plan;
  w.n_repeats = (size_t)study->splitting.repeats;
  EG_TRY_DONE(eg_allocate(ctx, plan->n_runs * w.n_repeats, sizeof *w.estimates, &w.estimates));
  EG_TRY_DONE(run_all(ctx, &w, options != NULL ? options->threads : 0));
  describe(&text, &w, options != NULL && options->as_json);
  if (text.is_broken || text.data == NULL) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_MEMORY, "out of memory"));
  }
  *out = text.data;
  text.data = NULL;
done:
  eg_text_free(&text);
  free(w.estimates);
  free(w.message);
  (void)pthread_mutex_destroy(&w.lock);
  eg_plan_free(plan);
  return status;
}
