/* at: when something is observed; the same keys under observe.at and under the `at` of an entry. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "study/checker.h"
#include "study/number.h"

/* "observe.at" and what stands below it. */
typedef struct at_paths {
  char at[64], linear[80], steps[80], log[80], steps_linear[80];
} at_paths;

static at_paths paths_of(const char *path) {
  at_paths p;
  (void)snprintf(p.at, sizeof p.at, "%s", path);
  (void)snprintf(p.linear, sizeof p.linear, "%s.linear", path);
  (void)snprintf(p.steps, sizeof p.steps, "%s.steps", path);
  (void)snprintf(p.log, sizeof p.log, "%s.steps.log", path);
  (void)snprintf(p.steps_linear, sizeof p.steps_linear, "%s.steps.linear", path);
  return p;
}

/* The last allowed value, where it is already known: the end of the run. */
static void check_increasing(eg_checker *c, const eg_yaml_node *node, const char *path,
                             const eg_number_list *at, double end, const char *end_name) {
  for (size_t i = 0; i < at->n; i++) {
    const eg_place place = node->kind == EG_YAML_LIST ? node->items[i]->place : node->place;
    if (i > 0 && at->values[i] <= at->values[i - 1]) {
      eg_error_add(c->errors, place, "'%s' must increase: %s follows %s", path, EG_NUMBER_TEXT(at->values[i]),
                   EG_NUMBER_TEXT(at->values[i - 1]));
      return;
    }
    if (!isnan(end) && at->values[i] > end * (1.0 + 1e-9)) {
      eg_error_add(c->errors, place, "'%s' = %s is behind the end: '%s' = %s", path,
                   EG_NUMBER_TEXT(at->values[i]), end_name, EG_NUMBER_TEXT(end));
      return;
    }
  }
}

static void read_count(eg_checker *c, const eg_yaml_node *map, const char *path, eg_observe_kind kind, eg_study_at *at) {
  double n = 0.0;
  if (eg_get_number(c, map, path, &n)) {
    at->kind = kind;
    at->n = (size_t)n;
  }
}

static void read_steps(eg_checker *c, const eg_yaml_node *node, const at_paths *p, eg_study_at *at) {
  static const char *const kinds[] = {"log", "linear", NULL};
  if (node->kind != EG_YAML_MAP) {
    if (eg_read_numbers(c, eg_schema_find(p->steps), node, &at->list)) {
      at->kind = EG_AT_STEPS;
      check_increasing(c, node, p->steps, &at->list, c->study->steps, "steps");
    }
    return;
  }
  eg_check_keys(c, node, p->steps, NULL);
  if (eg_check_at_most_one(c, node, p->steps, kinds) == 0) {
    eg_error_add(c->errors, node->place, "'%s' needs one of 'log', 'linear'", p->steps);
  }
  read_count(c, node, p->log, EG_AT_STEPS_LOG, at);
  read_count(c, node, p->steps_linear, EG_AT_STEPS_LINEAR, at);
  if (at->kind == EG_AT_STEPS_LOG && (double)at->n > c->study->steps) { /* false for NaN */
    eg_error_add(c->errors, node->place, "'%s' asks for %zu distinct steps out of %s", p->log, at->n,
                 EG_NUMBER_TEXT(c->study->steps));
  }
}

void eg_check_at(eg_checker *c, const eg_yaml_node *map, const char *path, eg_study_at *at) {
  static const char *const kinds[] = {"linear", "steps", NULL};
  const eg_yaml_node *const node = eg_yaml_get(map, "at");
  const at_paths p = paths_of(path);
  if (node == NULL) {
    return;
  }
  at->is_given = true;
  at->mark = node->place.mark;
  if (node->kind != EG_YAML_MAP) {
    if (eg_read_numbers(c, eg_schema_find(p.at), node, &at->list)) {
      at->kind = EG_AT_TIMES;
      check_increasing(c, node, p.at, &at->list, c->study->horizon, "horizon");
    }
    return;
  }
  eg_check_keys(c, node, p.at, NULL);
  if (eg_check_at_most_one(c, node, p.at, kinds) == 0) {
    eg_error_add(c->errors, node->place, "'%s' needs a list of times or one of 'linear', 'steps'", p.at);
  }
  read_count(c, node, p.linear, EG_AT_LINEAR, at);
  if (eg_yaml_get(node, "steps") != NULL) {
    read_steps(c, eg_yaml_get(node, "steps"), &p, at);
  }
}

bool eg_at_is_list(const eg_study_at *at) {
  return at->kind == EG_AT_TIMES || at->kind == EG_AT_STEPS;
}

bool eg_at_is_same(const eg_study_at *a, const eg_study_at *b) {
  if (a->kind != b->kind || !eg_at_is_list(a)) {
    return a->kind == b->kind && a->n == b->n;
  }
  bool is_same = a->list.n == b->list.n;
  for (size_t i = 0; is_same && i < a->list.n; i++) {
    is_same = a->list.values[i] == b->list.values[i];
  }
  return is_same;
}
