/* Streamed statistics of a run: when samples are taken, and the levels and lags that they make. */
#include <inttypes.h>
#include <math.h>

#include "plan/path_builder.h"

enum { LEAST_SAMPLES = 16, LEAST_PER_LEVEL = 4, MOST_PER_LEVEL = 16 };

/* The window from < t <= to, to the last observation if it is not given; samples every so many steps. */
static eg_status set_samples(eg_path_builder *b) {
  const eg_study_path *const p = b->study;
  const eg_run *const run = b->run;
  const uint64_t substeps = (uint64_t)run->substeps, every = (uint64_t)p->every;
  const uint64_t end = run->observe_steps[run->job.n_records - 1];
  uint64_t first = 0, last = end;
  EG_TRY(eg_plan_whole_steps(b->ctx, b->plan, run, p->mark, "window", p->from, &first));
  if (!isnan(p->to)) {
    EG_TRY(eg_plan_whole_steps(b->ctx, b->plan, run, p->mark, "window", p->to, &last));
  }
  const uint64_t n = last > first && last <= end ? (last - first) / every : 0;
  if (n < LEAST_SAMPLES) {
    return eg_study_fail_at(b->ctx, b->plan->study, p->mark,
                            "the window of path statistic '%s', steps %" PRIu64 " to %" PRIu64 ", holds %" PRIu64
                            " samples of run '%s', whose last observation is at step %" PRIu64 "; at least %d are needed",
                            p->name, first, last, n, run->description, end, LEAST_SAMPLES);
  }
  b->stream->first = first * substeps;
  b->stream->every = every * substeps;
  b->stream->n = n;
  return EG_OK;
}

/* Blocks of 2^l samples, at least two of them; their lengths in steps are the lags. */
eg_status eg_path_build_time_average(eg_path_builder *b) {
  eg_stream *const s = b->stream;
  EG_TRY(set_samples(b));
  s->kind = EG_STREAM_AVERAGE;
  s->series = b->study->combine == EG_COMBINE_PRODUCT ? 1 : b->study->combine == EG_COMBINE_RATIO ? 2 : 3;
  const uint32_t fit = (EG_MOST_PATH_PRODUCT - s->series) / eg_stream_series_pairs(s); /* levels whose covariances are kept */
  while (s->levels < EG_MOST_STREAM_LEVELS && s->levels < fit && s->n >> s->levels >= 2) {
    s->levels++;
  }
  EG_TRY(eg_path_begin_values(b, s->levels, 1));
  for (uint32_t level = 0; level < s->levels; level++) {
    b->out->lags[level] = (uint64_t)b->study->every << level;
  }
  b->n_values = s->series + s->levels * eg_stream_series_pairs(s);
  return EG_OK;
}

/* Lags up to half of the window: sets the levels that they need; lags NULL: counts them. */
static size_t lags_of(eg_stream *s, uint64_t every, uint64_t *lags) {
  size_t n = 0;
  for (s->levels = 0; s->levels < EG_MOST_STREAM_LEVELS; s->levels++) {
    const uint32_t level = s->levels;
    for (uint64_t j = eg_stream_first_lag(s, level); j < s->per_level; j++) {
      if (j << level > s->n / 2) {
        s->levels += j > eg_stream_first_lag(s, level); /* the level has some */
        return n;
      }
      if (lags != NULL) {
        lags[n] = (j << level) * every;
      }
      n++;
    }
  }
  return n;
}

eg_status eg_path_build_correlator(eg_path_builder *b) {
  eg_stream *const s = b->stream;
  const bool is_product = b->study->kind == EG_PATH_CORRELATOR;
  const uint64_t every = (uint64_t)b->study->every;
  EG_TRY(set_samples(b));
  s->kind = is_product ? EG_STREAM_PRODUCTS : EG_STREAM_DISPLACEMENTS;
  s->per_level = isnan(b->study->per_level) ? MOST_PER_LEVEL : (uint32_t)b->study->per_level;
  /* of displacements as many as the covariance between lags, which fits need, is kept of */
  while (isnan(b->study->per_level) && !is_product && s->per_level > LEAST_PER_LEVEL &&
         lags_of(s, every, NULL) > EG_MOST_PATH_COVARIANCE) {
    s->per_level /= 2;
  }
  const size_t n = lags_of(s, every, NULL);
  EG_TRY(eg_path_begin_values(b, n, 1));
  (void)lags_of(s, every, b->out->lags);
  b->n_values = n + is_product;
  return EG_OK;
}
