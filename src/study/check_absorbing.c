/* What cannot be asked of trajectories that an absorbing crossing stops. */
#include <string.h>

#include "core/launch.h"
#include "study/checker.h"
#include "study/number.h"
#include "study/quote.h"

static bool has_absorbing(const eg_study_observe *o) {
  for (size_t i = 0; i < o->n_monitors; i++) {
    if (o->monitors[i].is_absorbing) {
      return true;
    }
  }
  return false;
}

/* A mean is over the steps made, of which none may lie in a window that opens late. */
static void check_means(eg_checker *c) {
  for (size_t i = 0; i < c->study->observe.n_monitors; i++) {
    const eg_study_monitor *const m = &c->study->observe.monitors[i];
    if (m->operation == EG_MONITOR_MEAN && m->from > 0) {
      eg_error_add(c->errors, (eg_place){.mark = m->mark},
                   "monitor '%s' is a mean from %s on, and an absorbing crossing may stop a trajectory before: leave out 'from', or "
                   "take the sum",
                   EG_SHORT(m->name), EG_NUMBER_TEXT(m->from));
    }
  }
}

/* Is the feature the stopped time of `m`, or of the exit that it is one of? */
static bool is_time_of(const char *feature, const eg_study_monitor *m) {
  const size_t n = strlen(feature);
  const char *const names[2] = {m->operation == EG_MONITOR_CROSSING ? m->name : NULL, m->exit};
  for (size_t i = 0; i < 2; i++) {
    if (names[i] != NULL && n == strlen(names[i]) + 5 && strncmp(feature, names[i], n - 5) == 0 && strcmp(feature + n - 5, "_time") == 0) {
      return true;
    }
  }
  return false;
}

/* Quantiles of a stopped time take every end for an event. */
static void check_quantiles(eg_checker *c) {
  const eg_study_observe *const o = &c->study->observe;
  for (size_t k = 0; k < c->study->n_quantiles; k++) {
    const eg_study_quantiles *const q = &c->study->quantiles[k];
    const char *const feature = q->is_of_path ? "" : o->histograms[q->histogram].feature;
    const char *other = NULL;
    bool is_time = false;
    for (size_t i = 0; i < o->n_monitors; i++) {
      const bool is_own = is_time_of(feature, &o->monitors[i]);
      is_time = is_time || is_own;
      other = o->monitors[i].is_absorbing && !is_own ? o->monitors[i].name : other;
    }
    if (is_time && other != NULL) {
      eg_error_add(c->errors, (eg_place){.mark = q->mark},
                   "'analyse.quantiles' of '%s': the absorbing crossing '%s' ends these times too, and its ends look like events; "
                   "'analyse.escape' gives the rate of one exit beside others",
                   EG_SHORT(feature), EG_SHORT(other));
    }
  }
}

static void refuse(eg_checker *c, eg_mark mark, const char *what, const char *why) {
  eg_error_add(c->errors, (eg_place){.mark = mark}, "'%s' cannot be used with absorbing crossings: %s", what, why);
}

void eg_check_absorbing(eg_checker *c) {
  const eg_study *const s = c->study;
  if (!has_absorbing(&s->observe)) {
    return;
  }
  check_means(c);
  check_quantiles(c);
  for (size_t i = 0; i < s->n_stationary; i++) {
    refuse(c, s->stationary[i].mark, "analyse.stationary", "it speaks of the long-time limit, and trajectories that have stopped have none");
  }
  for (size_t i = 0; i < s->n_scaling; i++) {
    refuse(c, s->scaling[i].mark, "analyse.scaling-rule",
           "its noise and its drift are balanced in the long-time limit, and trajectories that have stopped have none");
  }
  for (size_t i = 0; i < s->n_flow; i++) {
    refuse(c, s->flow[i].mark, "analyse.flow",
           "it compares points that the same noise moves, and each stops at a time and place of its own");
  }
  for (size_t i = 0; i < s->n_weak_error; i++) {
    if (s->weak_error[i].coarse != NULL) {
      refuse(c, s->weak_error[i].coarse_mark, "analyse.weak-error.richardson",
             "they are looked at in steps, so the error is of order 1/2 in the step and not that of the scheme");
    }
  }
  for (size_t i = 0; i < s->n_groups; i++) {
    if (s->groups[i].extrapolate > 0) {
      refuse(c, s->groups[i].mark, "groups.extrapolate",
             "they are looked at in steps, so the error is of order 1/2 in the step and not that of the scheme");
    }
  }
}
