#include "analysis/splitting.h"

#include <stdlib.h>
#include <string.h>

/* What can be copied of a path: its states of record scores, in order. */
typedef struct split_path {
  double *records; /* (capacity, 1 + dim): score, state */
  size_t n, capacity;
} split_path;

typedef struct split_set {
  split_path *paths;
  const size_t *running; /* which paths are being continued */
  size_t dim;
  double low, high;
  uint64_t steps;
  bool is_broken; /* out of memory */
} split_set;

static double best_of(const split_path *p, size_t dim) { return p->records[(p->n - 1) * (1 + dim)]; }

static bool keep(split_path *p, size_t dim, double score, const double *state) {
  if (p->n == p->capacity) {
    const size_t capacity = p->capacity == 0 ? 16 : 2 * p->capacity;
    double *const records = realloc(p->records, capacity * (1 + dim) * sizeof *records);
    if (records == NULL) {
      return false;
    }
    p->records = records;
    p->capacity = capacity;
  }
  p->records[p->n * (1 + dim)] = score;
  memcpy(p->records + p->n * (1 + dim) + 1, state, dim * sizeof *state);
  p->n++;
  return true;
}

static bool visit(void *user, size_t i, const double *state, double score) {
  split_set *const s = user;
  split_path *const p = &s->paths[s->running[i]];
  s->steps++;
  if (score > best_of(p, s->dim)) {
    s->is_broken = !keep(p, s->dim, score, state) || s->is_broken;
  }
  return score > s->low && score < s->high && !s->is_broken;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Everything up to the first record above the level. */
static bool copy_path(const split_path *from, size_t dim, double level, split_path *to) {
  to->n = 0;
  for (size_t i = 0; i < from->n; i++) {
    const double *const record = from->records + i * (1 + dim);
    if (!keep(to, dim, record[0], record + 1)) {
      return false;
    }
    if (record[0] > level) {
      return true;
    }
  }
  return true;
}

eg_status eg_split(eg_context *ctx, const eg_split_chain *chain, size_t n, size_t kill, double low, double high,
                   const double *starts, eg_split_result *out) {
  const size_t dim = chain->dim;
  split_set set = {.dim = dim, .low = low, .high = high};
  double *work = NULL;
  size_t *running = NULL, *others = NULL, n_running = n;
  eg_status status = EG_OK;
  *out = (eg_split_result){.probability = 1};
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *set.paths, &set.paths));
  EG_TRY_DONE(eg_allocate(ctx, n * (1 + dim), sizeof *work, &work));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *running, &running));
  EG_TRY_DONE(eg_allocate(ctx, n, sizeof *others, &others));
  double *const scores = work, *const states = work + n;
  set.running = running;
  for (size_t i = 0; i < n; i++) {
    running[i] = i;
    set.is_broken =
        !keep(&set.paths[i], dim, chain->score(chain->user, starts + i * dim), starts + i * dim) || set.is_broken;
  }
  while (!set.is_broken) {
    size_t m = 0, n_killed = 0, n_others = 0;
    for (size_t i = 0; i < n_running; i++) { /* those that are not at the end already */
      const split_path *const p = &set.paths[running[i]];
      const double *const last = p->records + (p->n - 1) * (1 + dim);
      if (last[0] < high) {
        memcpy(states + m * dim, last + 1, dim * sizeof *states);
        running[m++] = running[i];
      }
    }
    if (m > 0) {
      EG_TRY_DONE(chain->run(ctx, chain->user, m, states, visit, &set));
    }
    for (size_t i = 0; i < n; i++) {
      scores[i] = best_of(&set.paths[i], dim);
    }
    qsort(scores, n, sizeof *scores, compare);
    const double level = scores[kill - 1];
    if (level >= high) {
      break;
    }
    for (size_t i = 0; i < n; i++) {
      if (best_of(&set.paths[i], dim) <= level) {
        running[n_killed++] = i;
      } else {
        others[n_others++] = i;
      }
    }
    out->rounds++;
    out->probability *= (double)n_others / (double)n;
    if (n_others == 0) {
      break;
    }
    for (size_t i = 0; i < n_killed; i++) {
      const split_path *const from = &set.paths[others[chain->choose(chain->user, (uint32_t)n_others)]];
      set.is_broken = !copy_path(from, dim, level, &set.paths[running[i]]) || set.is_broken;
    }
    n_running = n_killed;
  }
  if (set.is_broken) {
    EG_TRY_DONE(eg_fail(ctx, EG_ERR_MEMORY, "out of memory for the paths of splitting"));
  }
  size_t there = 0;
  for (size_t i = 0; i < n; i++) {
    there += best_of(&set.paths[i], dim) >= high;
  }
  out->probability *= (double)there / (double)n;
  out->steps = set.steps;
done:
  for (size_t i = 0; set.paths != NULL && i < n; i++) {
    free(set.paths[i].records);
  }
  free(set.paths);
  free(work);
  free(running);
  free(others);
  return status;
}
