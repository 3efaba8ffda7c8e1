/* expect: values known by other means than the built-in oracle. Component, point and time are judged by the plan. */
#include <math.h>
#include <string.h>

#include "study/checker.h"
#include "study/quote.h"

char *eg_get_label(eg_checker *c, const eg_yaml_node *map, const char *key) {
  char *label = NULL;
  if (!eg_get_text(c, map, key, &label) || !c->are_dynamics_good) {
    return NULL;
  }
  const eg_study *study = c->study;
  const char *names[EG_MAX_DYNAMICS + 1] = {NULL};
  for (size_t i = 0; i < study->n_dynamics; i++) {
    names[i] = study->dynamics[i].label;
    if (strcmp(names[i], label) == 0) {
      return label;
    }
  }
  eg_text known = {0};
  eg_schema_list_words(names, &known);
  eg_error_add(c->errors, eg_yaml_get(map, "dynamics")->place, "'%s': '%s' is not the label of a dynamics; allowed: %s", key,
               EG_SHORT(label), eg_text_string(&known));
  eg_text_free(&known);
  return NULL;
}

static void read_one(eg_checker *c, const eg_schema_row *row, const eg_yaml_node *map) {
  eg_study_expectation e = {.time = NAN, .mark = map->place.mark};
  const size_t errors_before = c->errors->count;
  char *source = NULL;
  if (!eg_expect(c, row, map, EG_YAML_MAP)) {
    return;
  }
  eg_check_keys(c, map, "expect", NULL);
  if (eg_get_text(c, map, "expect.feature", &e.feature)) {
    e.mark = eg_yaml_get(map, "feature")->place.mark;
  }
  (void)eg_get_number(c, map, "expect.value", &e.value); /* absent or reported, as those below */
  (void)eg_get_number(c, map, "expect.time", &e.time);
  (void)eg_get_number(c, map, "expect.point", &e.point);
  (void)eg_get_text(c, map, "expect.source", &source);
  e.label = eg_get_label(c, map, "expect.dynamics");
  if (c->errors->count == errors_before) {
    c->study->expectations[c->study->n_expectations++] = e;
  }
}

void eg_check_expect(eg_checker *c) {
  const eg_yaml_node *node = eg_yaml_get(c->root, "expect");
  if (node == NULL) {
    return;
  }
  const bool is_list = node->kind == EG_YAML_LIST;
  const size_t n = is_list ? node->n : 1;
  const eg_schema_row *row = eg_schema_find("expect");
  const eg_schema_row item_row = eg_schema_item(row);
  if (n == 0 || n > EG_MAX_EXPECTATIONS) {
    eg_error_add(c->errors, node->place, "'expect' has %zu entries; allowed: 1 to %d", n, EG_MAX_EXPECTATIONS);
    return;
  }
  c->study->expectations = eg_arena_get(c->memory, n, sizeof *c->study->expectations);
  for (size_t i = 0; c->study->expectations != NULL && i < n; i++) {
    read_one(c, is_list ? &item_row : row, is_list ? node->items[i] : node);
  }
}
