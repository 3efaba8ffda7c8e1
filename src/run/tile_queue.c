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

eg_status eg_tile_queue_create(eg_context *ctx, eg_campaign *campaign, int n_hands, eg_tile_queue *q) {
  const size_t n_runs = campaign->plan->n_runs;
  eg_status status = EG_OK;
  memset(q, 0, sizeof *q);
  q->campaign = campaign;
  EG_TRY_DONE(eg_allocate(ctx, n_runs, sizeof *q->order, &q->order));
  EG_TRY_DONE(eg_allocate(ctx, n_runs, sizeof *q->cursor, &q->cursor));
  EG_TRY_DONE(eg_allocate(ctx, n_runs, sizeof *q->has_pilot, &q->has_pilot));
  EG_TRY_DONE(eg_allocate(ctx, (size_t)n_hands, sizeof *q->hands, &q->hands));
  q->n_hands = n_hands;
  for (size_t r = 0; r < n_runs; r++) {
    q->cursor[r] = campaign->runs[r].first;
  }
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

static bool is_in_hand(const eg_tile_queue *q, size_t run, uint64_t tile) {
  for (int i = 0; i < q->n_hands; i++) {
    const eg_hand *const h = &q->hands[i];
    if (h->run == run && tile - h->first < h->n && h->generation == q->generation) { /* wraps to a large number below */
      return true;
    }
  }
  return false;
}

static bool is_free(const eg_tile_queue *q, size_t run, uint64_t tile) {
  const eg_run_state *const state = &q->campaign->runs[run];
  return tile < state->end && !eg_tile_is_done(state, tile) && !is_in_hand(q, run, tile);
}

/* Can anything come back that is not in this worker's own hand? */
static bool may_come_back(const eg_tile_queue *q, int worker) {
  bool may = q->n_checking > 0;
  for (int i = 0; i < q->n_hands && !may; i++) {
    const eg_hand *const h = &q->hands[i];
    may = i != worker && h->may_fail && (h->n > 0 || h->has_grids);
  }
  return may;
}

static void hold(const eg_tile_queue *q, eg_hand *hand, size_t run, uint64_t first, uint64_t n) {
  hand->run = run;
  hand->first = first;
  hand->n = n;
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
    while (q->cursor[r] < end && !is_free(q, r, q->cursor[r])) {
      q->cursor[r]++;
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
      hold(q, hand, r, q->cursor[r], 1);
      q->cursor[r]++;
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
  while (hand->n < most && q->cursor[hand->run] == hand->first + hand->n && hand->generation == q->generation &&
         is_free(q, hand->run, hand->first + hand->n)) {
    hand->n++;
    q->cursor[hand->run]++;
  }
}

void eg_tile_queue_put_down(eg_tile_queue *q, int worker) {
  q->hands[worker].n = 0;
  q->hands[worker].has_grids = false;
}

void eg_tile_queue_give_back(eg_tile_queue *q, int worker) {
  const eg_hand *const hand = &q->hands[worker];
  if (hand->generation == q->generation && hand->n > 0 && q->cursor[hand->run] > hand->first) {
    q->cursor[hand->run] = hand->first;
  }
  if (hand->generation == q->generation && hand->has_grids) {
    q->has_pilot[hand->run] = false;
  }
  eg_tile_queue_put_down(q, worker);
}

void eg_tile_queue_begin_anew(eg_tile_queue *q) {
  q->generation++;
  for (size_t r = 0; r < q->campaign->plan->n_runs; r++) {
    q->cursor[r] = q->campaign->runs[r].first;
    q->has_pilot[r] = false;
  }
}
