/* eg_merge: shards and partial results, one file at a time, as one result. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ensgrad/run.h"
#include "io/result_file.h"
#include "run/campaign.h"
#include "run/run_loop.h"
#include "run/stored_study.h"
#include "run/until.h"

enum { MOST_NAMED = 20 }; /* shards in a message */

typedef struct merger {
  const char *const *paths;
  size_t n_paths;
  eg_study *study;
  eg_plan *plan;
  eg_campaign *campaign;
  uint64_t n_shards;       /* of the division that all files so far have; 0: they have different ones, or none */
  unsigned char *is_there; /* (n_shards) */
  eg_text unfinished;      /* files of shards that lack tiles */
  size_t n_unfinished;
  bool is_round_over; /* what is missing is what the sums ask for next */
} merger;

/* The line in which two studies differ first, for the message. */
static void first_difference(const char *a, const char *b, char *line_a, char *line_b, size_t size) {
  for (;;) {
    const size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");
    if (n != m || memcmp(a, b, n) != 0 || a[n] == '\0' || b[m] == '\0') {
      (void)snprintf(line_a, size, "%.*s", (int)n, a);
      (void)snprintf(line_b, size, "%.*s", (int)m, b);
      return;
    }
    a += n + 1;
    b += m + 1;
  }
}

static eg_status check_same(eg_context *ctx, const merger *m, const char *path, const eg_labelled *file) {
  const char *const difference = eg_campaign_difference(m->campaign, file);
  const eg_variable *const stored = eg_labelled_find(file, "/accumulators", "study");
  if (difference == NULL) {
    return EG_OK;
  }
  if (stored != NULL && stored->type == EG_TYPE_TEXT && stored->rank == 0 &&
      strcmp(((char *const *)stored->data)[0], m->study->canonical) != 0) {
    char here[80], there[80];
    first_difference(((char *const *)stored->data)[0], m->study->canonical, here, there, sizeof here);
    return eg_fail(ctx, EG_ERR_STUDY, "%s holds the result of another study than %s: '%s' there, '%s' here", path,
                   m->paths[0], here, there);
  }
  return eg_fail(ctx, EG_ERR_STUDY, "%s cannot be merged with %s: it %s", path, m->paths[0], difference);
}

static eg_status open_sums(eg_context *ctx, const char *path, eg_labelled **file) {
  EG_TRY(eg_result_read_sums(ctx, path, file));
  if (eg_labelled_find(*file, "/accumulators", "study") == NULL) {
    eg_labelled_free(*file);
    *file = NULL;
    return eg_fail(ctx, EG_ERR_DAMAGED, "%s: sealed, but not a result of a study", path);
  }
  return EG_OK;
}

static eg_status restore(eg_context *ctx, const merger *m, size_t i, const eg_labelled *file, eg_campaign **out) {
  eg_campaign *part = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_campaign_create(ctx, m->plan, &part));
  EG_TRY_DONE(eg_campaign_restore(ctx, part, file, m->paths[i]));
  eg_campaign_set_shard(part, eg_stored_shard(file));
  *out = part;
  part = NULL;
done:
  eg_campaign_free(part);
  return status;
}

/* Which file before i has a tile that `part` has too: they are read again, which only a mistake costs. */
static eg_status overlap(eg_context *ctx, const merger *m, size_t i, const eg_campaign *part) {
  size_t run = 0;
  uint64_t tile = 0;
  for (size_t k = 0; k < i; k++) {
    eg_labelled *file = NULL;
    eg_campaign *other = NULL;
    EG_TRY(open_sums(ctx, m->paths[k], &file));
    const eg_status status = restore(ctx, m, k, file, &other);
    eg_labelled_free(file);
    EG_TRY(status);
    const bool is_common = eg_campaign_find_overlap(other, part, &run, &tile);
    eg_campaign_free(other);
    if (is_common) {
      return eg_fail(ctx, EG_ERR_OVERLAP, "%s and %s overlap: tile %" PRIu64 " of run '%s' is in both", m->paths[k],
                     m->paths[i], tile, m->plan->runs[run].description);
    }
  }
  return eg_fail(ctx, EG_ERR_OVERLAP, "%s overlaps with a file before it", m->paths[i]);
}

/* What is to be said about shards if tiles are missing in the end. */
static eg_status note_shard(eg_context *ctx, merger *m, size_t i, const eg_campaign *part) {
  const eg_shard shard = part->shard;
  const bool is_round = eg_until_decides(m->plan); /* whose pieces follow from what was there before */
  if (i == 0 && !eg_shard_is_whole(shard)) {
    EG_TRY(eg_allocate(ctx, shard.count, 1, &m->is_there));
    m->n_shards = shard.count;
  }
  if (m->n_shards == 0 || shard.count != m->n_shards || (!is_round && eg_campaign_has_others(part))) { /* others: a shard of an extension */
    m->n_shards = 0;
    return EG_OK;
  }
  m->is_there[shard.index] = 1;
  if (!is_round && !eg_campaign_is_finished(part) && m->n_unfinished++ < MOST_NAMED) {
    eg_text_append(&m->unfinished, "%s%s", m->n_unfinished > 1 ? ", " : "", m->paths[i]);
  }
  return EG_OK;
}

static eg_status begin(eg_context *ctx, merger *m, const eg_labelled *first, eg_named_files files) {
  EG_TRY(eg_stored_study(ctx, m->paths[0], first, files, NULL, 0, &m->study));
  EG_TRY(eg_plan_create(ctx, m->study, &m->plan));
  return eg_campaign_create(ctx, m->plan, &m->campaign);
}

static eg_status add_file(eg_context *ctx, merger *m, size_t i, eg_named_files files) {
  eg_labelled *file = NULL;
  eg_campaign *part = NULL;
  size_t run = 0;
  uint64_t tile = 0;
  eg_status status = EG_OK;
  EG_TRY(open_sums(ctx, m->paths[i], &file));
  if (i == 0) {
    EG_TRY_DONE(begin(ctx, m, file, files));
  }
  EG_TRY_DONE(check_same(ctx, m, m->paths[i], file));
  EG_TRY_DONE(restore(ctx, m, i, file, &part));
  eg_labelled_free(file); /* not both at once */
  file = NULL;
  if (eg_campaign_find_overlap(m->campaign, part, &run, &tile)) {
    EG_TRY_DONE(overlap(ctx, m, i, part));
  }
  EG_TRY_DONE(note_shard(ctx, m, i, part));
  status = eg_campaign_merge(ctx, m->campaign, part);
  if (status != EG_OK) {
    status = eg_fail(ctx, status, "%s: %s", m->paths[i], eg_context_message(ctx));
  }
done:
  eg_campaign_free(part);
  eg_labelled_free(file);
  return status;
}

/* The first tile that is missing, and how many are. */
static eg_status n_missing(eg_context *ctx, const eg_campaign *c, size_t *run, uint64_t *tile, uint64_t *n) {
  uint64_t *goals = NULL;
  EG_TRY(eg_allocate(ctx, c->plan->n_runs, sizeof *goals, &goals));
  const eg_status status = eg_until_goals(ctx, c, goals);
  *n = 0;
  for (size_t r = c->plan->n_runs; r-- > 0 && status == EG_OK;) {
    const eg_run_state *const state = &c->runs[r];
    const uint64_t missing = goals[r] - state->tiles_done;
    if (missing > 0) {
      *run = r;
      *tile = state->n_done > 0 && state->done[0].first == 0 ? state->done[0].last + 1 : 0;
    }
    *n += missing;
  }
  free(goals);
  return status;
}

static void append_missing_shards(eg_text *text, const merger *m) {
  size_t n = 0;
  for (uint64_t k = 0; k < m->n_shards; k++) {
    if (!m->is_there[k] && n++ < MOST_NAMED) {
      eg_text_append(text, "%s%" PRIu64 "/%" PRIu64, n == 1 ? "; no file of shard " : ", ", k, m->n_shards);
    }
  }
  if (n > MOST_NAMED) {
    eg_text_append(text, " and %zu more", n - MOST_NAMED);
  }
  if (m->n_unfinished > 0) {
    eg_text_append(text, "; not finished: %s", eg_text_string(&m->unfinished));
  }
  if (m->n_unfinished > MOST_NAMED) {
    eg_text_append(text, " and %zu more", m->n_unfinished - MOST_NAMED);
  }
}

static eg_status check_gaps(eg_context *ctx, merger *m, const eg_merge_options *options) {
  size_t run = 0;
  uint64_t tile = 0, n = 0;
  EG_TRY(n_missing(ctx, m->campaign, &run, &tile, &n));
  if (n == 0) {
    return EG_OK;
  }
  if (!options->allow_gaps && eg_until_decides(m->plan) && eg_until_is_round_over(m->campaign)) {
    m->is_round_over = true;
    return EG_OK;
  }
  eg_text shards = {0};
  append_missing_shards(&shards, m);
  const char *const about = shards.data == NULL ? "" : eg_text_string(&shards);
  const char *const description = m->plan->runs[run].description;
  eg_status status = EG_OK;
  if (options->allow_gaps) {
    eg_warn(ctx, "%" PRIu64 " tiles are missing, the first is tile %" PRIu64 " of run '%s'%s", n, tile, description, about);
  } else {
    status = eg_fail(ctx, EG_ERR_OVERLAP,
                     "%" PRIu64 " tiles are missing, the first is tile %" PRIu64 " of run '%s'%s. With --allow-gaps a partial "
                     "result is written, which 'ensgrad run STUDY -o %s' completes",
                     n, tile, description, about, options->output);
  }
  eg_text_free(&shards);
  return status;
}

static eg_status check_output(eg_context *ctx, const eg_merge_options *options) {
  bool exists = false;
  EG_TRY(eg_result_probe_output(ctx, options->output, &exists));
  return exists && !options->force
             ? eg_fail(ctx, EG_ERR_OUTPUT, "%s is there already; choose another file, or --force to replace it", options->output)
             : EG_OK;
}

static eg_status write_result(eg_context *ctx, merger *m, const eg_merge_options *options) {
  eg_labelled *file = NULL;
  m->campaign->backend = "merge";
  m->campaign->parents = m->paths;
  m->campaign->n_parents = m->n_paths;
  EG_TRY(eg_campaign_result(ctx, m->campaign, &file));
  const eg_status status = eg_result_write(ctx, file, options->output);
  eg_labelled_free(file);
  return status;
}

eg_status eg_merge(eg_context *ctx, const char *const *paths, size_t n_paths, const eg_merge_options *options,
                   int *is_complete) {
  merger m = {.paths = paths, .n_paths = n_paths};
  eg_status status = EG_OK;
  if (n_paths == 0) {
    return eg_fail(ctx, EG_ERR_USAGE, "there is nothing to merge");
  }
  EG_TRY_DONE(check_output(ctx, options));
  for (size_t i = 0; i < n_paths; i++) {
    EG_TRY_DONE(add_file(ctx, &m, i, (eg_named_files){options->data, options->model}));
  }
  EG_TRY_DONE(check_gaps(ctx, &m, options));
  EG_TRY_DONE(write_result(ctx, &m, options));
  bool is_whole = false;
  EG_TRY_DONE(eg_campaign_is_complete(ctx, m.campaign, &is_whole));
  if (is_complete != NULL) {
    *is_complete = is_whole;
  }
  status = is_whole ? eg_campaign_judge(ctx, m.campaign, options->output) : EG_OK;
  if (m.is_round_over) {
    status = eg_fail(ctx, EG_STOPPED, "%s is the end of a round: its sums ask for more. 'ensgrad extend %s --shard K/N' makes part K of "
                                      "that, 'ensgrad run' with the study and -o %s all there is to make",
                     options->output, options->output, options->output);
  }
done:
  eg_campaign_free(m.campaign);
  eg_plan_free(m.plan);
  eg_study_free(m.study);
  free(m.is_there);
  eg_text_free(&m.unfinished);
  return status;
}
