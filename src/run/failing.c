/* Devices that fail, hang or are wrong: what they had in hand, or had made, goes to the others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stop_flag.h"
#include "run/run_loop_parts.h"

/* Grows, and never falls: workers that hang for good. */
static atomic_int n_lost_threads;

int eg_has_lost_device(void) {
  return atomic_load(&n_lost_threads) > 0;
}

void eg_loop_fail(eg_loop *loop, eg_status status, const char *message) {
  if (loop->status == EG_OK && status != EG_STOPPED) {
    loop->status = status;
    loop->message = message == NULL ? NULL : strdup(message); /* NULL with no memory: the status speaks */
  }
  eg_ask_to_stop(&loop->stop);
}

void eg_worker_name(const eg_worker *w, char *name, size_t size) {
  const eg_worker_place *const place = w->place;
  if (place->is_remote) { /* says itself where it is */
    (void)snprintf(name, size, "%s", place->backend->describe(w->device));
  } else {
    (void)snprintf(name, size, "%s %d (%s)", place->backend->name, place->index, place->backend->describe(w->device));
  }
}

void eg_worker_retire(eg_worker *w, const char *message) {
  eg_loop *const loop = w->loop;
  char name[256];
  eg_tile_queue_give_back(&loop->queue, w->number);
  loop->n_usable -= !w->is_retired;
  w->is_retired = w->place->is_gone = true;
  if (loop->n_usable == 0) {
    eg_loop_fail(loop, EG_ERR_DEVICE, message);
  } else {
    eg_worker_name(w, name, sizeof name);
    eg_text_append(&loop->warnings, "%s failed, the others go on: %s\n", name, message);
  }
  (void)pthread_cond_broadcast(&loop->changed);
}

/* What the device made stands apart; grids that it made are those of others, too. */
static bool can_be_told_apart(const eg_worker *w) {
  const eg_worker_place *const place = w->place;
  return place->n_settled == 0 && !place->made_grids && w->loop->apart.sums[w->number + 1] != NULL;
}

static uint64_t count_tiles(const eg_campaign *c) {
  uint64_t n = 0;
  for (size_t r = 0; r < c->plan->n_runs; r++) {
    n += eg_plan_is_leader(c->plan, r) ? c->runs[r].tiles_done : 0;
  }
  return n;
}

/* Back to what the session began with; *n_tiles: how many are lost by that. */
static eg_status roll_back(eg_context *ctx, eg_loop *loop, uint64_t *n_tiles) {
  eg_campaign **const list = realloc(loop->discarded, (loop->n_discarded + 1) * sizeof(eg_campaign *));
  if (list == NULL) {
    return EG_ERR_MEMORY;
  }
  loop->discarded = list;
  *n_tiles = count_tiles(loop->campaign) - count_tiles(loop->options->base);
  EG_TRY(eg_campaign_roll_back(ctx, loop->campaign, loop->options->base, &list[loop->n_discarded]));
  loop->n_discarded++;
  for (int i = 0; i < loop->options->n_workers; i++) {
    *n_tiles += eg_apart_drop(&loop->apart, i);
    loop->options->places[i].n_settled = 0;
    loop->options->places[i].made_grids = false;
  }
  eg_tile_queue_begin_anew(&loop->queue);
  return EG_OK;
}

void eg_worker_discard(eg_worker *w, size_t run, const char *message) {
  eg_loop *const loop = w->loop;
  const bool is_alone = can_be_told_apart(w);
  uint64_t n_tiles = 0;
  if (is_alone) {
    n_tiles = eg_apart_drop(&loop->apart, w->number);
    eg_tile_queue_look_anew(&loop->queue);
  } else {
    eg_context *const ctx = eg_context_create();
    const eg_status status = ctx == NULL ? EG_ERR_MEMORY : roll_back(ctx, loop, &n_tiles);
    eg_context_free(ctx);
    if (status != EG_OK) {
      eg_loop_fail(loop, EG_ERR_MEMORY, "out of memory for discarding what a device made");
      return;
    }
  }
  loop->campaign->spot.discarded += n_tiles;
  char name[256];
  eg_text text = {0};
  eg_worker_name(w, name, sizeof name);
  eg_text_append(&text, "%s gave wrong results: of run '%s' %s; %llu tiles that %s had made are discarded", name,
                 loop->campaign->plan->runs[run].description, message, (unsigned long long)n_tiles,
                 is_alone ? "it" : "this session");
  loop->must_write = true;
  eg_loop_count_work(loop);
  w->is_distrusted = true;
  eg_worker_retire(w, text.is_broken ? "wrong results" : eg_text_string(&text));
  eg_text_free(&text);
}

void eg_loop_take_outcome(void *user, const eg_spot_check *check, eg_status status, const char *message) {
  eg_loop *const loop = user;
  (void)pthread_mutex_lock(&loop->lock);
  loop->queue.n_checking--;
  if (status == EG_OK || status == EG_ERR_DEVICE) {
    loop->campaign->spot.checked++;
    loop->campaign->spot.agreed += status == EG_OK;
  } else if (status == EG_ERR_STUDY) { /* the count in the file says that nothing was checked */
    if (!loop->has_told_unchecked) {
      eg_text_append(&loop->warnings, "tiles of devices cannot be checked on the CPU: %s\n", message);
    }
    loop->has_told_unchecked = true;
  } else if (status != EG_STOPPED) {
    eg_loop_fail(loop, status, message);
  }
  if (status == EG_ERR_DEVICE && !loop->workers[check->worker].is_distrusted) {
    eg_worker_discard(&loop->workers[check->worker], check->run, message);
  }
  (void)pthread_cond_broadcast(&loop->changed);
  (void)pthread_mutex_unlock(&loop->lock);
}

void eg_loop_watch_devices(eg_loop *loop, double now) {
  const eg_loop_options *const o = loop->options;
  for (int i = 0; i < o->n_workers; i++) {
    eg_worker *const w = &loop->workers[i];
    const eg_backend *const backend = o->places[i].backend;
    if (backend->beats == NULL || w->is_lost || !w->is_at_device) {
      continue;
    }
    const uint64_t beats = backend->beats(w->device);
    if (beats != w->beats) {
      w->beats = beats;
      w->alive = now;
    } else if (o->device_timeout > 0 && now - w->alive > o->device_timeout) {
      char text[120];
      (void)snprintf(text, sizeof text, "the device hangs: no sign of life for %g seconds", o->device_timeout);
      w->is_lost = true;
      loop->n_lost++;
      loop->n_working--;
      (void)atomic_fetch_add(&n_lost_threads, 1);
      atomic_store(&w->is_idle, true);
      if (!w->is_distrusted) {
        eg_worker_retire(w, text);
      }
    }
  }
}

