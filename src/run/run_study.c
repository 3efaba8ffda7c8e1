/* eg_run_study: from a study to a sealed file, starting or continuing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "ensgrad/run.h"
#include "io/result_file.h"
#include "model/units.h"
#include "run/devices.h"
#include "run/fit.h"
#include "run/run_from.h"
#include "run/until.h"

void eg_run_options_default(eg_run_options *options) {
  memset(options, 0, sizeof *options);
  options->backend = "auto";
  options->snapshot_seconds = 60;
  options->check_tiles = 1000;
  options->device_timeout = EG_DEVICE_TIMEOUT;
}

typedef struct session {
  eg_campaign *campaign;
  const char *output;
  bool is_new;             /* nothing lies at the output yet, or it is replaced */
  double started, wall_before;
  eg_devices devices;
  char *device;
  const eg_worker_place *more; /* (n_more) workers beside those of the devices */
  int n_more;
  eg_campaign *base; /* what the session began with, to which wrong devices throw it back */
} session;

static eg_status write_file(eg_context *ctx, const session *s, eg_campaign *campaign) {
  eg_labelled *file = NULL;
  campaign->wall_seconds = s->wall_before + eg_now() - s->started;
  EG_TRY(eg_campaign_result(ctx, campaign, &file));
  const eg_status status = eg_result_write(ctx, file, s->output);
  eg_labelled_free(file);
  return status;
}

static eg_status snapshot(eg_context *ctx, void *user, eg_campaign *copy) {
  return write_file(ctx, user, copy);
}

static eg_status check_shard_option(eg_context *ctx, const eg_run_options *options) {
  if (options->n_shards > EG_MOST_SHARDS || (options->n_shards > 0 && options->shard >= options->n_shards)) {
    return eg_fail(ctx, EG_ERR_USAGE, "shard %llu/%llu: shards are 0/N to (N-1)/N, N at most %d",
                   (unsigned long long)options->shard, (unsigned long long)options->n_shards, EG_MOST_SHARDS);
  }
  return EG_OK;
}

/* A shard is continued by the same shard, the whole study by the whole. */
static eg_status check_shard(eg_context *ctx, const session *s, const eg_labelled *file) {
  const eg_shard wanted = s->campaign->shard, there = eg_stored_shard(file);
  const unsigned long long index = there.index, count = there.count;
  if (wanted.index == there.index && wanted.count == there.count) {
    return EG_OK;
  }
  if (eg_shard_is_whole(there)) {
    return eg_fail(ctx, EG_ERR_OUTPUT, "%s is no shard; choose another file, or --force to replace it", s->output);
  }
  return eg_fail(ctx, EG_ERR_OUTPUT,
                 "%s holds shard %llu/%llu; continue it with --shard %llu/%llu, make a result of it with 'ensgrad merge', or "
                 "choose another file",
                 s->output, index, count, index, count);
}

/* What is done already; of an extension in shards the first one has it, and the others its grids. */
static eg_status begin_with(eg_context *ctx, eg_campaign *campaign, const eg_campaign *base) {
  if (campaign->shard.index == 0) {
    return eg_campaign_merge(ctx, campaign, base);
  }
  for (size_t r = 0; r < campaign->plan->n_runs; r++) {
    if (base->runs[r].histograms.has_grids) {
      eg_run_histograms_set(campaign->plan, &campaign->runs[r].histograms, base->runs[r].histograms.edges);
    }
  }
  return EG_OK;
}

/* Tiles of base, which are finished from tile 0 on where shards extend it, and else (a whole study goes on) do not matter. */
static bool has_all(const eg_campaign *campaign, const eg_campaign *base) {
  for (size_t r = 0; r < base->plan->n_runs && !eg_shard_is_whole(campaign->shard); r++) {
    if (eg_run_state_done_end(&campaign->runs[r], 0) < base->runs[r].tiles_done) {
      return false;
    }
  }
  return true;
}

/* What lies at the output path: nothing, or a result of this study to continue. Else the run begins with what `base` has
   done, which may be NULL. */
static eg_status open_output(eg_context *ctx, session *s, const eg_run_options *options, const eg_campaign *base) {
  bool exists = false;
  eg_labelled *file = NULL;
  eg_status status = EG_OK;
  EG_TRY(eg_result_probe_output(ctx, s->output, &exists));
  s->is_new = !exists || options->force;
  if (s->is_new) {
    return base == NULL ? EG_OK : begin_with(ctx, s->campaign, base);
  }
  EG_TRY(eg_result_read(ctx, s->output, &file));
  const char *const difference = eg_campaign_difference(s->campaign, file);
  if (difference != NULL) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_OUTPUT, "%s %s; choose another file, or --force to replace it", s->output, difference));
  }
  EG_TRY_DONE(check_shard(ctx, s, file));
  EG_TRY_DONE(eg_campaign_restore(ctx, s->campaign, file, s->output));
  if (eg_campaign_has_others(s->campaign)) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_OUTPUT, "%s holds tiles of another division into shards, or of an earlier round of them; "
                                            "choose another file, or --force to replace it", s->output));
  }
  if (base != NULL && s->campaign->shard.index == 0 && !has_all(s->campaign, base)) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_OUTPUT, "%s lacks tiles of the result that is extended: it is of an earlier round of shards; "
                                            "choose another file, or --force to replace it", s->output));
  }
done:
  eg_labelled_free(file);
  return status;
}

/* Name what computes for /provenance. */
static eg_status use_devices(eg_context *ctx, session *s) {
  char *own = NULL, *line = NULL;
  eg_text text = {0};
  EG_TRY(eg_devices_describe(ctx, &s->devices, &own));
  eg_text_append(&text, "%s", own);
  if (s->n_more > 0) {
    eg_text_append(&text, "; and %d worker%s of other ranks", s->n_more, s->n_more == 1 ? "" : "s");
  }
  const eg_status status = eg_copy_string(ctx, eg_text_string(&text), &line);
  eg_text_free(&text);
  free(own);
  EG_TRY(status);
  free(s->device);
  s->device = line;
  s->campaign->backend = eg_devices_name(&s->devices);
  s->campaign->device = line;
  return EG_OK;
}

/* What is asked for; with `until` on from look to look. */
static eg_status advance_all(eg_context *ctx, session *s, const eg_loop_options *loop) {
  while (!eg_campaign_is_finished(s->campaign)) {
    EG_TRY(eg_run_loop(ctx, s->campaign, loop));
    EG_TRY(eg_until_ask(ctx, s->campaign));
  }
  return EG_OK;
}

/* Those of the devices, and behind them the others. */
static eg_status make_places(eg_context *ctx, const session *s, const eg_run_options *options, eg_worker_place **places, int *n) {
  eg_worker_place *own = NULL;
  int n_own = 0;
  EG_TRY(eg_devices_places(ctx, &s->devices, options->threads, &own, &n_own));
  const eg_status status = eg_allocate(ctx, (size_t)(n_own + s->n_more), sizeof **places, places);
  if (status == EG_OK) {
    memcpy(*places, own, (size_t)n_own * sizeof *own);
    if (s->n_more > 0) {
      memcpy(*places + n_own, s->more, (size_t)s->n_more * sizeof *own);
    }
    *n = n_own + s->n_more;
  }
  free(own);
  return status;
}

static bool is_any_checked(const session *s) {
  bool is_any = s->devices.n > 0;
  for (int i = 0; i < s->n_more; i++) {
    is_any = is_any || s->more[i].is_checked;
  }
  return is_any;
}

static eg_status run_loop(eg_context *ctx, session *s, const eg_run_options *options) {
  eg_loop_options loop;
  eg_worker_place *places = NULL;
  memset(&loop, 0, sizeof loop);
  EG_TRY(make_places(ctx, s, options, &places, &loop.n_workers));
  loop.places = places;
  loop.base = s->base;
  loop.check_every = s->campaign->plan->study->noise == EG_NOISE_GAUSSIAN_FAST ? 0 : options->check_tiles; /* GPU only */
  loop.device_timeout = options->device_timeout;
  loop.started = s->started;
  loop.max_time = options->max_time;
  loop.snapshot_seconds = options->snapshot_seconds > 0 ? options->snapshot_seconds : 60;
  loop.stop = options->stop;
  loop.snapshot = snapshot;
  loop.snapshot_user = s;
  loop.progress = options->progress;
  loop.user = options->user;
  s->campaign->threads = loop.n_workers;
  const eg_status status = advance_all(ctx, s, &loop);
  if (!eg_has_lost_device()) {
    free(places);
  }
  return status;
}

static eg_status advance(eg_context *ctx, session *s, const eg_run_options *options) {
  const uint64_t discarded = s->campaign->spot.discarded;
  if (is_any_checked(s) && options->check_tiles > 0) {
    EG_TRY(eg_campaign_copy(ctx, s->campaign, &s->base));
  }
  eg_status status = run_loop(ctx, s, options);
  if (status == EG_ERR_DEVICE && s->devices.n > 0 && s->devices.may_change) { /* the bits are the same there */
    eg_warn(ctx, "the GPU failed, the CPU goes on: %s", eg_context_message(ctx));
    eg_devices_change(&s->devices);
    s->n_more = 0; /* they failed, too */
    EG_TRY(use_devices(ctx, s));
    status = run_loop(ctx, s, options);
  }
  if (status == EG_ERR_DEVICE && s->campaign->spot.discarded > discarded) { /* a snapshot may hold what is discarded */
    char *message = NULL;
    EG_TRY(eg_copy_string(ctx, eg_context_message(ctx), &message));
    const eg_status written = write_file(ctx, s, s->campaign);
    status = written == EG_OK ? eg_fail(ctx, EG_ERR_DEVICE, "%s", message) : written;
    free(message);
  }
  if (status != EG_OK && status != EG_STOPPED) {
    return status; /* what the last snapshot holds stays */
  }
  EG_TRY(write_file(ctx, s, s->campaign));
  if (status == EG_STOPPED) {
    return eg_fail(ctx, EG_STOPPED, "stopped early; %s holds what is done, and the same command continues", s->output);
  }
  return EG_OK;
}

static eg_status finish(eg_context *ctx, session *s, const eg_run_options *options) {
  bool is_complete = false;
  EG_TRY(eg_until_ask(ctx, s->campaign));
  if (!eg_campaign_is_finished(s->campaign)) {
    EG_TRY(advance(ctx, s, options));
  } else if (s->is_new) { /* a shard without tiles; an extension by nothing */
    EG_TRY(write_file(ctx, s, s->campaign));
  }
  EG_TRY(eg_campaign_is_complete(ctx, s->campaign, &is_complete));
  return is_complete ? eg_campaign_judge(ctx, s->campaign, s->output) : EG_OK;
}

/* Refuse now what would end in the middle for want of memory. */
static eg_status check_memory(eg_context *ctx, const eg_plan *plan, const eg_devices *devices, int threads) {
  const int n_workers = eg_devices_cpu_workers(devices, threads);
  return eg_fit_check(ctx, plan, n_workers, eg_memory_at_hand("", n_workers));
}

eg_status eg_run_with(eg_context *ctx, const eg_study *study, const eg_run_options *options, const eg_campaign *base,
                      const eg_worker_place *more, int n_more) {
  session s;
  memset(&s, 0, sizeof s);
  s.more = more;
  s.n_more = n_more;
  s.output = options->output;
  s.started = eg_now();
  eg_plan *plan = NULL;
  eg_status status = EG_OK;
  EG_TRY_DONE(check_shard_option(ctx, options));
  EG_TRY_DONE(eg_devices_find(ctx, study, options, &s.devices));
  EG_TRY_DONE(eg_plan_create(ctx, study, &plan));
  EG_TRY_DONE(eg_until_check(ctx, plan));
  EG_TRY_DONE(eg_devices_fit(ctx, plan, &s.devices));
  EG_TRY_DONE(check_memory(ctx, plan, &s.devices, options->threads));
  EG_TRY_DONE(eg_campaign_create(ctx, plan, &s.campaign));
  const eg_shard shard = {options->shard, options->n_shards};
  if (options->n_shards > 1 && (base != NULL || eg_until_decides(plan))) {
    EG_TRY_DONE(eg_until_ask_shard(ctx, s.campaign, shard, base));
  } else if (options->n_shards > 0) {
    eg_campaign_set_shard(s.campaign, shard);
  }
  EG_TRY_DONE(open_output(ctx, &s, options, base));
  s.wall_before = s.campaign->wall_seconds;
  EG_TRY_DONE(use_devices(ctx, &s));
  s.campaign->command_line = options->command_line;
  status = finish(ctx, &s, options);
done:
  eg_devices_free(&s.devices);
  free(s.device);
  eg_campaign_free(s.base);
  if (!eg_has_lost_device()) { /* its thread may still look there */
    eg_campaign_free(s.campaign);
    eg_plan_free(plan);
  }
  return status;
}

eg_status eg_run_from(eg_context *ctx, const eg_study *study, const eg_run_options *options, const eg_campaign *base) {
  return eg_run_with(ctx, study, options, base, NULL, 0);
}

eg_status eg_run_study(eg_context *ctx, const eg_study *study, const eg_run_options *options) {
  return eg_run_from(ctx, study, options, NULL);
}
