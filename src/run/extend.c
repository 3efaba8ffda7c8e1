/* eg_extend: a result as the beginning of a run with more realisations. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "run/result_text.h"
#include "run/run_from.h"
#include "run/stored_study.h"
#include "run/until.h"

/* A study that a result holds, planned; with another number of realisations, or NULL. */
typedef struct planned {
  eg_study *study;
  eg_plan *plan;
} planned;

static eg_status plan_stored(eg_context *ctx, const char *path, const eg_labelled *file, eg_named_files files,
                             const char *override, planned *p) {
  EG_TRY(eg_stored_study(ctx, path, file, files, &override, override == NULL ? 0 : 1, &p->study));
  return eg_plan_create(ctx, p->study, &p->plan);
}

static void free_planned(planned *p) {
  eg_plan_free(p->plan);
  eg_study_free(p->study);
}

/* Every tile of the result must be one of the longer run. */
static eg_status check_tiles(eg_context *ctx, const char *path, const eg_plan *old, const eg_plan *new) {
  for (size_t r = 0; r < old->n_runs; r++) {
    const eg_job *const a = &old->runs[r].job, *const b = &new->runs[r].job;
    const uint64_t rest = a->n_realisations % a->tile;
    if (a->n_realisations == b->n_realisations) {
      continue; /* a deterministic run has one */
    }
    if (a->tile != b->tile) {
      return eg_fail(ctx, EG_ERR_STUDY,
                     "%s cannot be extended to %" PRIu64 " realisations: they are summed in tiles of %u, those of the result "
                     "in tiles of %u (a study is divided into at least %d tiles). From %" PRIu64 " realisations on, in "
                     "multiples of %u, a result can be extended",
                     path, b->n_realisations, b->tile, a->tile, EG_BLOCKS, (uint64_t)b->tile * EG_BLOCKS, b->tile);
    }
    if (rest != 0) {
      return eg_fail(ctx, EG_ERR_STUDY,
                     "%s cannot be extended: its last tile holds %" PRIu64 " of %u realisations, and its sums are part of "
                     "larger ones. Results with multiples of %u realisations can be extended (%" PRIu64 " would have been)",
                     path, rest, a->tile, a->tile, a->n_realisations + a->tile - rest);
    }
    if (a->n_kept != b->n_kept) {
      return eg_fail(ctx, EG_ERR_STUDY,
                     "%s cannot be extended: it keeps the paths of all its %" PRIu64 " realisations, where the longer run "
                     "keeps %" PRIu64,
                     path, a->n_kept, b->n_kept);
    }
  }
  return EG_OK;
}

static eg_status check_result(eg_context *ctx, const char *path, const eg_labelled *file, const eg_campaign *c) {
  const char *const difference = eg_campaign_difference(c, file);
  if (difference != NULL) {
    return eg_fail(ctx, EG_ERR_STUDY, "%s cannot be extended: it %s", path, difference);
  }
  const eg_shard shard = eg_stored_shard(file);
  if (!eg_shard_is_whole(shard)) {
    return eg_fail(ctx, EG_ERR_STUDY, "%s holds shard %" PRIu64 "/%" PRIu64 "; merge all of them first", path, shard.index,
                   shard.count);
  }
  return EG_OK;
}

/* Shards divide what is behind the result, which must end in one place then; with `until` or levels that is the end of a round. */
static eg_status check_behind(eg_context *ctx, const char *path, const eg_campaign *base) {
  bool is_whole = true;
  for (size_t r = 0; r < base->plan->n_runs; r++) {
    is_whole = is_whole && base->runs[r].tiles_done == base->plan->runs[r].job.n_tiles;
  }
  if (is_whole || (eg_until_decides(base->plan) && eg_until_is_round_over(base))) {
    return EG_OK;
  }
  return eg_fail(ctx, EG_ERR_USAGE, "%s is partial; shards extend a complete result only%s: continue it first, or extend it without "
                                    "--shard",
                 path, eg_until_decides(base->plan) ? ", or the end of a round" : "");
}

static eg_status extend(eg_context *ctx, const char *path, const eg_labelled *file, const planned *old,
                        const planned *new, const eg_run_options *options) {
  eg_campaign *base = NULL;
  eg_run_options run = *options;
  const double before = old->study->realisations, after = new->study->realisations;
  eg_status status = EG_OK;
  char *const here = realpath(path, NULL), *const there = realpath(options->output, NULL);
  const bool is_in_place = here != NULL && there != NULL && strcmp(here, there) == 0;
  EG_TRY_DONE(eg_campaign_create(ctx, old->plan, &base));
  EG_TRY_DONE(check_result(ctx, path, file, base));
  if (after < before) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_USAGE, "%s has %.0f realisations already; %.0f are fewer", path, before, after));
  }
  EG_TRY_DONE(check_tiles(ctx, path, old->plan, new->plan));
  EG_TRY_DONE(eg_campaign_restore(ctx, base, file, path));
  if (options->n_shards > 1) {
    EG_TRY_DONE(check_behind(ctx, path, base));
  }
  run.force = options->force || (is_in_place && after > before); /* else it is continued */
  status = eg_run_from(ctx, new->study, &run, base);
done:
  eg_campaign_free(base);
  free(here);
  free(there);
  return status;
}

eg_status eg_extend(eg_context *ctx, const char *path, const char *n, const char *data, const char *model,
                    const eg_run_options *options) {
  const eg_named_files files = {data, model};
  eg_labelled *file = NULL;
  eg_text override = {0};
  planned old = {NULL, NULL}, new = {NULL, NULL};
  eg_status status = EG_OK;
  if (n != NULL) {
    eg_text_append(&override, "realisations=%s", n);
  }
  if (override.is_broken) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_MEMORY, "out of memory"));
  }
  EG_TRY_DONE(eg_result_open(ctx, path, &file));
  EG_TRY_DONE(plan_stored(ctx, path, file, files, NULL, &old));
  if (n == NULL && !eg_until_decides(old.plan)) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_USAGE, "--realisations is missing: how many shall there be? (Only 'until' and 'multilevel' "
                                           "know it themselves)"));
  }
  EG_TRY_DONE(plan_stored(ctx, path, file, files, n == NULL ? NULL : eg_text_string(&override), &new));
  status = extend(ctx, path, file, &old, &new, options);
done:
  free_planned(&old);
  free_planned(&new);
  eg_text_free(&override);
  eg_labelled_free(file);
  return status;
}
