#include "run/tile_queue.h"

#include <stdlib.h>
#include <string.h>

double eg_tile_work(const eg_run *run) {
  const double particles = run->job.launch.n_particles > 0 ? (double)run->job.launch.n_particles : 1.0;
  return (double)run->job.tile * (double)run->job.launch.n_points * particles * (double)run->steps * run->substeps;
}

static double tile_cost(const eg_run *run) {
  return eg_tile_work(run) * run->job.step_work;
}

size_t eg_n_together(const eg_plan *plan, size_t r) {
  const size_t group = plan->runs[r].group;
  return group == EG_NO_GROUP ? 1 : plan->groups[group].n_members;
}

size_t eg_together(const eg_plan *plan, size_t r, size_t i) {
  const size_t group = plan->runs[r].group;
  return group == EG_NO_GROUP ? r : plan->groups[group].runs[i];
}

/* Sum of f over what is advanced with a run. */
static double sum_members(const eg_plan *plan, const eg_run *run, double (*f)(const eg_run *run)) {
  const size_t r = (size_t)(run - plan->runs);
  double sum = 0;
  for (size_t i = 0; i < eg_n_together(plan, r); i++) {
    sum += f(&plan->runs[eg_together(plan, r, i)]);
  }
  return sum;
}

double eg_tile_work_together(const eg_plan *plan, const eg_run *run) {
  return sum_members(plan, run, eg_tile_work);
}

double eg_tile_cost_together(const eg_plan *plan, const eg_run *run) {
  return sum_members(plan, run, tile_cost);
}

static void sort_runs(eg_tile_queue *q) {
  const eg_plan *const plan = q->campaign->plan;
  for (size_t i = 0; i < plan->n_runs; i++) {
    size_t k = i;
    const double cost = eg_tile_cost_together(plan, &plan->runs[i]);
    for (; k > 0 && eg_tile_cost_together(plan, &plan->runs[q->order[k - 1]]) < cost; k--) {
      q->order[k] = q->order[k - 1];
    }
    q->order[k] = i;
  }
}

eg_status eg_tile_queue_create(eg_context *ctx, const eg_apart *apart, eg_tile_queue *q) {
  const size_t n_runs = apart->campaign->plan->n_runs;
  eg_status status = EG_OK;
  memset(q, 0, sizeof *q);
  q->campaign = apart->campaign;
  q->apart = apart;
  EG_TRY_DONE(eg_allocate(ctx, n_runs, sizeof *q->order, &q->order));
  EG_TRY_DONE(eg_allocate(ctx, n_runs, sizeof *q->cursor, &q->cursor));
  EG_TRY_DONE(eg_allocate(ctx, n_runs, sizeof *q->has_pilot, &q->has_pilot));
  EG_TRY_DONE(eg_allocate(ctx, (size_t)apart->n, sizeof *q->hands, &q->hands));
  q->n_hands = apart->n;
  for (int i = 0; i < apart->n; i++) {
    q->hands[i].reserves = apart->sums[i + 1] != NULL;
  }
  eg_tile_queue_look_anew(q);
  sort_runs(q);
  return EG_OK;
done:
  eg_tile_queue_free(q);
  return status;
}

void eg_tile_queue_free(eg_tile_queue *q) {
  free(q->order);
  free(q->cursor);
  free(q->has_pilot);
  free(q->hands);
  memset(q, 0, sizeof *q);
}

/* Does the hand count, and is it of this run? */
static bool is_of(const eg_tile_queue *q, const eg_hand *h, size_t run) {
  return h->run == run && h->generation == q->generation;
}

/* End of the tiles, `tile` among them, that are done or in one hand; `tile` itself if it is neither. */
static uint64_t occupied_end(const eg_tile_queue *q, size_t run, uint64_t tile) {
  uint64_t end = eg_apart_done_end(q->apart, run, tile);
  for (int i = 0; i < q->n_hands && end == tile; i++) {
    const eg_hand *const h = &q->hands[i];
    end = is_of(q, h, run) && tile - h->first < h->n ? h->first + h->n : tile; /* wraps to a large number below */
  }
  return end;
}

/* Where the first of the tiles from `tile` on, below `end`, is done, in a hand or reserved for another worker. */
static uint64_t free_end(const eg_tile_queue *q, int worker, size_t run, uint64_t tile, uint64_t end) {
  const uint64_t done = eg_apart_next_done(q->apart, run, tile), last = q->campaign->runs[run].end;
  end = end < last ? end : last;
  end = end < done ? end : done;
  for (int i = 0; i < q->n_hands; i++) {
    const eg_hand *const h = &q->hands[i];
    if (i == worker || !is_of(q, h, run)) {
      continue;
    }
    if (h->n > 0 || h->limit > h->first) {
      end = h->first >= tile && h->first < end ? h->first : end;
      end = h->first < tile && tile < h->limit ? tile : end;
    }
  }
  return end;
}

/* Tiles that are reserved for a worker and not in its hand. */
static uint64_t n_reserved(const eg_tile_queue *q, const eg_hand *h, size_t run) {
  return is_of(q, h, run) && h->limit > h->first + h->n ? h->limit - h->first - h->n : 0;
}

/* The first tile of a run that is free and not reserved for another worker; its end if there is none. */
static uint64_t find_free(const eg_tile_queue *q, int worker, size_t run) {
  const uint64_t end = q->campaign->runs[run].end;
  uint64_t tile = q->cursor[run];
  if (n_reserved(q, &q->hands[worker], run) > 0) {
    return q->hands[worker].first + q->hands[worker].n;
  }
  while (tile < end) {
    uint64_t next = occupied_end(q, run, tile);
    for (int i = 0; i < q->n_hands && next == tile; i++) {
      const eg_hand *const h = &q->hands[i];
      const bool is_reserved = n_reserved(q, h, run) > 0 && tile >= h->first + h->n && tile < h->limit;
      next = is_reserved ? h->limit : tile;
    }
    if (next == tile) {
      return tile;
    }
    tile = next;
  }
  return end;
}

/* All that is free is reserved for others: the second half of the longest piece is not any more. */
static uint64_t take_from_others(eg_tile_queue *q, size_t run) {
  eg_hand *longest = NULL;
  for (int i = 0; i < q->n_hands; i++) {
    if (n_reserved(q, &q->hands[i], run) > (longest == NULL ? 0 : n_reserved(q, longest, run))) {
      longest = &q->hands[i];
    }
  }
  if (longest == NULL) {
    return q->campaign->runs[run].end;
  }
  longest->limit -= (n_reserved(q, longest, run) + 1) / 2;
  return longest->limit;
}

/* How much is reserved at once: whole batches, and no more than half of a fair share of what is left, so that all end together. */
static uint64_t piece(const eg_tile_queue *q, size_t run, uint64_t most) {
  uint64_t n_reserving = 0;
  for (int i = 0; i < q->n_hands; i++) {
    n_reserving += q->hands[i].reserves;
  }
  const uint64_t share = (q->campaign->runs[run].end - q->cursor[run]) / (2 * n_reserving) / most * most;
  return share > most ? share : most;
}

/* Can anything come back that is not in this worker's own hand? */
static bool may_come_back(const eg_tile_queue *q, int worker) {
  bool may = q->n_checking > 0;
  for (int i = 0; i < q->n_hands && !may; i++) {
    const eg_hand *const h = &q->hands[i];
    may = i != worker && h->may_fail && h->generation == q->generation && (h->n > 0 || h->has_grids);
  }
  return may;
}

static void hold(const eg_tile_queue *q, eg_hand *hand, size_t run, uint64_t first, uint64_t n) {
  hand->run = run;
  hand->first = first;
  hand->n = n;
  hand->limit = first + n;
  hand->has_grids = false;
  hand->generation = q->generation;
}

/* Grids of what is advanced with run r: EG_TASK_TILES when all are there. */
static eg_task take_grids(eg_tile_queue *q, eg_hand *hand, size_t r) {
  const eg_plan *const plan = q->campaign->plan;
  bool has_grids = true;
  for (size_t k = 0; k < eg_n_together(plan, r); k++) {
    const size_t member = eg_together(plan, r, k);
    if (q->campaign->runs[member].histograms.has_grids) {
      continue;
    }
    if (!q->has_pilot[member] && !hand->makes_no_grids) {
      q->has_pilot[member] = true;
      hold(q, hand, member, 0, 0);
      hand->has_grids = true;
      return EG_TASK_GRIDS;
    }
    has_grids = false;
  }
  return has_grids ? EG_TASK_TILES : EG_TASK_WAIT;
}

eg_task eg_tile_queue_take(eg_tile_queue *q, int worker, size_t prepared, uint64_t most) {
  const eg_plan *const plan = q->campaign->plan;
  eg_hand *const hand = &q->hands[worker];
  bool is_waiting = false;
  for (size_t i = 0; i < plan->n_runs; i++) {
    const size_t r = q->order[i];
    if (!eg_plan_is_leader(plan, r)) {
      continue; /* advanced with its group */
    }
    const uint64_t end = q->campaign->runs[r].end;
    for (uint64_t next = occupied_end(q, r, q->cursor[r]); q->cursor[r] < end && next > q->cursor[r];
         next = occupied_end(q, r, next)) {
      q->cursor[r] = next;
    }
    if (q->cursor[r] >= end) {
      continue;
    }
    const eg_task task = take_grids(q, hand, r);
    if (task == EG_TASK_WAIT) {
      is_waiting = true;
      continue;
    }
    if (task == EG_TASK_TILES) {
      const uint64_t own = n_reserved(q, hand, r), found = find_free(q, worker, r);
      const uint64_t first = found < end ? found : take_from_others(q, r);
      hold(q, hand, r, first, 1);
      hand->limit += own > 0 ? own - 1 : 0;
      if (r == prepared) { /* for another run the device is not prepared yet */
        eg_tile_queue_take_more(q, worker, most);
      }
    }
    return task;
  }
  return is_waiting || may_come_back(q, worker) ? EG_TASK_WAIT : EG_TASK_NONE;
}

void eg_tile_queue_take_more(eg_tile_queue *q, int worker, uint64_t most) {
  eg_hand *const hand = &q->hands[worker];
  if (hand->n == 0 || hand->generation != q->generation) {
    return;
  }
  if (hand->limit - hand->first < most) {
    const uint64_t wanted = hand->reserves ? piece(q, hand->run, most) : most;
    hand->limit = free_end(q, worker, hand->run, hand->first + hand->n, hand->first + wanted);
  }
  hand->n = hand->limit - hand->first < most ? hand->limit - hand->first : most;
}

void eg_tile_queue_put_down(eg_tile_queue *q, int worker) {
  q->hands[worker].first += q->hands[worker].n;
  q->hands[worker].n = 0;
  q->hands[worker].has_grids = false;
}

void eg_tile_queue_give_back(eg_tile_queue *q, int worker) {
  eg_hand *const hand = &q->hands[worker];
  if (hand->generation == q->generation && hand->n > 0 && q->cursor[hand->run] > hand->first) {
    q->cursor[hand->run] = hand->first;
  }
  if (hand->generation == q->generation && hand->has_grids) {
    q->has_pilot[hand->run] = false;
  }
  hand->n = 0;
  hand->limit = hand->first;
  hand->has_grids = false;
}

void eg_tile_queue_look_anew(eg_tile_queue *q) {
  for (size_t r = 0; r < q->campaign->plan->n_runs; r++) {
    q->cursor[r] = q->campaign->runs[r].first;
  }
}

void eg_tile_queue_begin_anew(eg_tile_queue *q) {
  q->generation++;
  eg_tile_queue_look_anew(q);
  for (size_t r = 0; r < q->campaign->plan->n_runs; r++) {
    q->has_pilot[r] = false;
  }
}
