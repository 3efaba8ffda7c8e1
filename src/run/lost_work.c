/* Work that a stop or a kill loses: tiles in hand where no state of them is kept. Warnings, each once a session; all with the lock
   held. */
#include <stdio.h>

#include "run/run_loop_parts.h"

/* What is lost is worth a word from here on, or, where a session finished nothing, from the second number on. */
static const double MUCH_SECONDS = 1, LEAST_SECONDS = 0.05;

static void append_place(eg_text *text, const eg_worker *w) {
  char name[256];
  eg_worker_name(w, name, sizeof name);
  eg_text_append(text, "%s", name);
}

static const char *run_name(const eg_loop *loop, size_t run) {
  return loop->campaign->plan->runs[run].description;
}

/* Nothing that was begun in this session will be there in the next. */
static bool is_in_vain(const eg_loop *loop) {
  return loop->work_session == 0 && !loop->has_moved;
}

void eg_worker_note_tiles(eg_worker *w, size_t run, double seconds) {
  eg_loop *const loop = w->loop;
  const eg_loop_options *const o = loop->options;
  bool has_told = w->backend->keeps_tiles || seconds <= o->snapshot_seconds;
  w->tile_seconds = seconds;
  w->tile_run = run;
  for (int i = 0; i < o->n_workers && !has_told; i++) {
    has_told = o->places[i].has_told_long;
  }
  if (has_told) {
    return;
  }
  w->place->has_told_long = true;
  eg_text_append(&loop->warnings, "a tile of run '%s' takes about %.2g s on ", run_name(loop, run), seconds);
  append_place(&loop->warnings, w);
  eg_text_append(&loop->warnings, ", longer than the snapshot interval (%.2g s); its state is not kept there, so a kill costs as much\n",
                 o->snapshot_seconds);
}

void eg_worker_note_stop(eg_worker *w, size_t run, double seconds) {
  eg_loop *const loop = w->loop;
  const bool keeps = w->backend->keeps_tiles, is_known = w->tile_seconds > 0 && w->tile_run == run;
  if (loop->has_told_lost || seconds < LEAST_SECONDS || (!is_in_vain(loop) && (keeps || seconds < MUCH_SECONDS))) {
    return;
  }
  loop->has_told_lost = true;
  if (keeps) {
    eg_text_append(&loop->warnings, "%.2g s were too short for any piece of a tile of run '%s'; a time limit must be longer\n",
                   seconds, run_name(loop, run));
    return;
  }
  eg_text_append(&loop->warnings, "a tile of run '%s' takes %s %.2g s on ", run_name(loop, run), is_known ? "about" : "more than",
                 is_known ? w->tile_seconds : seconds);
  append_place(&loop->warnings, w);
  eg_text_append(&loop->warnings, ", and its state is not kept there: the tiles in hand begin anew, so a time limit must be longer\n");
}

void eg_worker_note_grids(eg_worker *w, size_t run, double seconds) {
  eg_loop *const loop = w->loop;
  if (loop->has_told_lost || seconds < LEAST_SECONDS || (!is_in_vain(loop) && seconds < MUCH_SECONDS)) {
    return;
  }
  loop->has_told_lost = true;
  eg_text_append(&loop->warnings,
                 "the automatic grids of run '%s' take more than %.2g s and begin anew: a time limit must be longer, or give "
                 "the histograms 'low' and 'high'\n",
                 run_name(loop, run), seconds);
}
